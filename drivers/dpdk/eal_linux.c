#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "device_linux.h"
#include "dpdk_priv.h"
#include "stack/tls.h"

static pthread_key_t thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static STK_TLS_FAST bool thread_entered;

uint64_t drv_dpdk_os_hugepages_free_mb(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long pages = 0, kb = 0;
    char line[128];

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "HugePages_Free: %llu", &pages) != 1)
            (void)sscanf(line, "Hugepagesize: %llu kB", &kb);
    }
    fclose(file);
    return pages * kb / 1024;
}

/** The processors that this thread may use, as "0-3,8". */
static void processors_list(char *out, size_t size)
{
    cpu_set_t set;
    size_t used = 0;

    snprintf(out, size, "0");
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && used < size; cpu++) {
        int last = cpu;

        if (!CPU_ISSET((size_t)cpu, &set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET((size_t)last + 1, &set))
            last++;
        used += (size_t)snprintf(out + used, size - used, "%s%d-%d", used == 0 ? "" : ",", cpu, last);
        cpu = last;
    }
}

bool drv_dpdk_os_eal_args(struct dpdk_eal_args *args)
{
    char processors[512];

    processors_list(processors, sizeof(processors));
    /* One logical core that floats over all our processors: EAL starts no threads and pins none. */
    return drv_dpdk_eal_args_add(args, "--file-prefix=winlane-%ld", (long)getpid()) &&
           drv_dpdk_eal_args_add(args, "--lcores=0@(%s)", processors);
}

static void *eal_thread(void *init)
{
    static struct dpdk_fd_set fds;
    sigset_t all;

    /* EAL's own threads inherit this mask: the application's handlers never run on them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    drv_dpdk_fds_list(&fds);
    (*(void (**)(void))init)();
    drv_dpdk_fds_cloexec(&fds);
    (void)rmdir(rte_eal_get_runtime_dir()); /* empty: nothing is shared with other processes */
    return NULL;
}

bool drv_dpdk_os_eal_thread(void (*init)(void))
{
    pthread_t thread;

    return pthread_create(&thread, NULL, eal_thread, &init) == 0 && pthread_join(thread, NULL) == 0;
}

static void thread_leave(void *unused)
{
    (void)unused;
    rte_thread_unregister();
}

static void thread_key_make(void)
{
    (void)pthread_key_create(&thread_key, thread_leave);
}

void drv_dpdk_thread_enter(void)
{
    if (thread_entered)
        return;
    thread_entered = true;
    (void)pthread_once(&thread_once, thread_key_make);
    /* Without it everything works through the pools' common rings, slower. */
    if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0)
        (void)pthread_setspecific(thread_key, &thread_key);
}

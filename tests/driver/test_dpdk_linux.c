/* What EAL does to a Linux process. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "t_dpdk.h"

/** Descriptors that this process was started with are not EAL's. */
static bool inherited[256];

static void eal__started__leaves_affinity_and_signals_alone(void **state)
{
    cpu_set_t before, after;
    sigset_t mask_before, mask_after;
    struct nic_port *port;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_before), 0);
    port = t_open_keys("p", "dpdk", "ring_pair=first");
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    for (int sig = 1; sig < 64; sig++)
        assert_int_equal(sigismember(&mask_before, sig), sigismember(&mask_after, sig));
    nic_port_close(port);
}

/** Call with the text of one line of each thread's status file but the caller's own. */
static void other_threads(const char *field, void (*check)(const char *value))
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[300], line[256];
        FILE *file;

        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
        file = fopen(path, "r");
        while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
            if (strncmp(line, field, strlen(field)) == 0)
                check(line + strlen(field));
        }
        if (file != NULL)
            fclose(file);
    }
    closedir(dir);
}

static void blocks_signals(const char *value)
{
    uint64_t mask = strtoull(value, NULL, 16);

    assert_true((mask & (1u << (SIGINT - 1))) != 0);
    assert_true((mask & (1u << (SIGUSR1 - 1))) != 0);
}

static void eal__its_threads__block_signals(void **state)
{
    (void)state;
    other_threads("SigBlk:", blocks_signals);
}

static void eal__its_descriptors__are_close_on_exec(void **state)
{
    struct nic_port *port = t_open_keys("p", "dpdk", "device=net_null3");
    uint32_t seen = 0;

    (void)state;
    for (int fd = 3; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        char path[64], target[64];
        ssize_t len;

        if (flags < 0 || inherited[fd])
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, target, sizeof(target) - 1);
        target[len < 0 ? 0 : len] = '\0';
        print_message("%d %s\n", fd, target);
        assert_int_equal(flags & FD_CLOEXEC, FD_CLOEXEC);
        seen++;
    }
    assert_in_range(seen, 1, 20);
    nic_port_close(port);
}

static void eal__running__leaves_no_directory(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "/var/run/dpdk/winlane-%ld", (long)getpid());
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "/tmp/dpdk/winlane-%ld", (long)getpid());
    assert_int_equal(access(path, F_OK), -1);
}

static void eal__running__refuses_pci_afterwards(void **state)
{
    struct nic_port *port;
    struct t_conf t;

    (void)state;
    t_conf(&t, "p", "dpdk", "device=0000:00:1f.7");
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EINVAL);
    assert_non_null(strstr(t.error, "t.conf:10: port p: device: EAL was started without PCI"));
}

int t_dpdk_system_run(int count, char **args)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eal__started__leaves_affinity_and_signals_alone),
        cmocka_unit_test(eal__its_threads__block_signals),
        cmocka_unit_test(eal__its_descriptors__are_close_on_exec),
        cmocka_unit_test(eal__running__leaves_no_directory),
        cmocka_unit_test(eal__running__refuses_pci_afterwards),
    };

    (void)count, (void)args;
    for (int fd = 0; fd < 256; fd++)
        inherited[fd] = fcntl(fd, F_GETFD) >= 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

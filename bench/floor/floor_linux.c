#include "floor_linux.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t floor_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int floor_port_open(int index, const char *driver, const struct nic_kv *args, size_t args_count, struct nic_port **out)
{
    char error[256] = "";
    const struct nic_port_conf conf = {
        .name = index == 0 ? "floor0" : "floor1",
        .driver = driver,
        .mtu = 1500,
        .args = args,
        .args_count = args_count,
        .error = error,
        .error_size = sizeof(error),
    };
    int err = nic_port_open(&conf, out);

    if (err != 0) {
        (void)fprintf(stderr, "floor: port %s: error %d: %s\n", conf.name, err, error);
    }
    return err;
}

int floor_thread_start(pthread_t *thread, uint64_t cpu, void *(*run)(void *context), void *context)
{
    pthread_attr_t attr;
    cpu_set_t set;
    int err;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (pthread_attr_init(&attr) != 0) {
        return -1;
    }
    err = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
    if (err == 0) {
        err = pthread_create(thread, &attr, run, context);
    }
    (void)pthread_attr_destroy(&attr);
    if (err != 0) {
        (void)fprintf(stderr, "floor: a thread on processor %" PRIu64 ": %s\n", cpu, strerror(err));
    }
    return err;
}

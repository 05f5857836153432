/**
 * @file
 * What the floors share: two ports joined by rings, a polling thread on its processor, time.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "nic/nic.h"

#include <pthread.h>

/** Monotonic time in ns. */
uint64_t floor_now_ns(void);

/** Open port 0 or 1. @return 0, or an error of the driver after a line on stderr. */
int floor_port_open(int index, const char *driver, const struct nic_kv *args, size_t args_count, struct nic_port **out);

/** Start a thread pinned to one processor. @return 0, or an errno value after a line on stderr. */
int floor_thread_start(pthread_t *thread, uint64_t cpu, void *(*run)(void *context), void *context);

#endif

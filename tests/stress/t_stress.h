/**
 * @file
 * What the stress tests share: threads, a watchdog, spinning that gives way.
 */
#ifndef T_STRESS_H
#define T_STRESS_H

#include "ipc/region.h"

#include <pthread.h>

/** End the process with a message when no test calls this for seconds: a wake-up was lost. */
void t_watch(const char *what, unsigned seconds);

/** Stop watching. */
void t_watch_end(void);

/** Say that things move. */
void t_progress(void);

/** One turn of a loop that waits: pauses, and now and then gives the processor away. */
void t_wait_turn(uint32_t *turns);

/** Start a thread or abort. */
pthread_t t_thread(void *(*fn)(void *arg), void *arg);

/** Wait for its end. */
void t_join(pthread_t thread);

/** A number from a seed that it moves on. */
uint32_t t_random(uint32_t *seed);

/** Make a region or abort. */
void t_region(struct stk_region *region, uint32_t socks, uint32_t chunks);

#endif

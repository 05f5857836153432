/**
 * @file
 * Counts allocations of the calling thread, by taking malloc's place in the
 * whole process. Not with sanitizers, which have taken it already.
 */
#ifndef T_ALLOC_H
#define T_ALLOC_H

#include <stdint.h>

/** Start counting on this thread. */
void t_alloc_count_start(void);

/** Stop, and give the number of allocations and releases since the start. */
uint32_t t_alloc_count_stop(void);

#endif

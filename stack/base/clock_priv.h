/**
 * @file
 * The platform's monotonic clock (clock_linux.c, clock_windows.c).
 */
#ifndef STACK_BASE_CLOCK_PRIV_H
#define STACK_BASE_CLOCK_PRIV_H

#include <stdint.h>

/** Nanoseconds since an arbitrary start. Context: any thread. */
uint64_t stk_clock_os_ns(void);

#endif

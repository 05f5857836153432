/**
 * @file
 * The process: its end, its processors.
 */
#ifndef STACK_PROCESS_H
#define STACK_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Is the process ending, with all threads but this one dead wherever they were? Then a lock that is held stays held, and
 * nobody will ever answer. Windows has such a time, for DllMain and what it calls; Linux has none.
 *
 * Context: any thread.
 */
bool stk_process_ending(void);

/** Processors that this process may run on, >= 1. Context: any thread. */
uint32_t stk_process_cpus(void);

#endif

/**
 * @file
 * The end of the process.
 */
#ifndef STACK_PROCESS_H
#define STACK_PROCESS_H

#include <stdbool.h>

/**
 * Is the process ending, with all threads but this one dead wherever they were? Then a lock that is held stays held, and
 * nobody will ever answer. Windows has such a time, for DllMain and what it calls; Linux has none.
 *
 * Context: any thread.
 */
bool stk_process_ending(void);

#endif

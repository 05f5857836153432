/**
 * @file
 * Sleeping on a 32-bit word that another thread, or another process with the
 * same region, changes. One implementation per platform:
 *
 * - Linux: a futex, not a private one, so that it reaches across processes. Bounds are kept to microseconds.
 * - Windows: WaitOnAddress, which wakes threads of this process only: a region that several processes map needs another
 *   doorbell there. Where the system lacks it, condition variables, with the same limit. Bounds are whole milliseconds,
 *   rounded up: a bound > 0 never becomes a look without a sleep. Windows may add a
 *   clock tick to them; more than 24 days are 24 days.
 */
#ifndef STACK_IPC_FUTEX_H
#define STACK_IPC_FUTEX_H

#include "ipc/channel_abi.h"

/**
 * Sleep while *word equals expect.
 *
 * @param timeout_ns  Bound in nanoseconds; < 0: none.
 * @return            0: woken, or the word differs, or for no reason; or:
 * @retval STK_ETIMEDOUT  the bound passed.
 *
 * A signal does not end the wait. The caller looks at its condition again
 * whatever comes back.
 *
 * Context: any thread. Blocks.
 */
int stk_futex_wait(STK_U32 *word, uint32_t expect, int64_t timeout_ns);

/**
 * Wake sleepers of a word.
 *
 * @param count  At most this many.
 *
 * Context: any thread. A system call.
 */
void stk_futex_wake(STK_U32 *word, uint32_t count);

#endif

/**
 * @file
 * A lock in one 32-bit word of the region: one atomic when nobody else wants
 * it, a futex when somebody does. 0: free, 1: held, 2: held and wanted.
 */
#ifndef STACK_IPC_LOCK_H
#define STACK_IPC_LOCK_H

#include "ipc/channel_abi.h"

#include <stdbool.h>

/** The slow half of stk_lock_take. */
void stk_lock_take_slow(STK_U32 *lock);

/** The slow half of stk_lock_give. */
void stk_lock_wake(STK_U32 *lock);

/** Take the lock if it is free. @return true: held now. Context: any thread. */
static inline bool stk_lock_try(STK_U32 *lock)
{
    uint32_t expect = 0;
    return atomic_compare_exchange_strong_explicit(lock, &expect, 1, memory_order_acquire, memory_order_relaxed);
}

/** Take the lock. Context: any application thread. May block. */
static inline void stk_lock_take(STK_U32 *lock)
{
    if (!stk_lock_try(lock)) {
        stk_lock_take_slow(lock);
    }
}

/** Give the lock back. Context: who holds it. A system call only if somebody wants it. */
static inline void stk_lock_give(STK_U32 *lock)
{
    if (atomic_exchange_explicit(lock, 0, memory_order_release) == 2) {
        stk_lock_wake(lock);
    }
}

#endif

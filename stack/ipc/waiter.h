/**
 * @file
 * Waiter slots: where an application thread sleeps until one of its sockets
 * changes. A thread takes a slot, sets its bit in the wait_mask of each socket,
 * looks at them again, sleeps on the slot's word.
 */
#ifndef STACK_IPC_WAITER_H
#define STACK_IPC_WAITER_H

#include "ipc/region.h"

#define STK_WAITER_NONE UINT32_MAX

/**
 * Take a waiter slot.
 *
 * @param owner  Thread id, not 0: for finding slots of dead threads.
 * @return       Its index, or STK_WAITER_NONE: all are in use (counted in waiters_missing).
 *
 * Context: any application thread. Lock-free.
 */
uint32_t stk_waiter_take(struct stk_region *region, uint32_t owner);

/** Give a slot back; its bit must be in no wait_mask. Context: who took it. */
void stk_waiter_give(struct stk_region *region, uint32_t waiter);

/** Set the slot's bit at a socket (edge J); look at the socket after it. Context: who took the slot. */
static inline void stk_waiter_add(struct stk_region *region, uint32_t waiter, uint32_t sock)
{
    (void)atomic_fetch_or_explicit(&region->socks[sock].wait_mask, UINT64_C(1) << waiter, memory_order_seq_cst);
}

/** Clear the slot's bit at a socket. Context: who took the slot. */
static inline void stk_waiter_remove(struct stk_region *region, uint32_t waiter, uint32_t sock)
{
    (void)atomic_fetch_and_explicit(&region->socks[sock].wait_mask, ~(UINT64_C(1) << waiter), memory_order_seq_cst);
}

/** Read the slot's word, to be given to stk_waiter_sleep. Context: who took the slot. */
static inline uint32_t stk_waiter_word(struct stk_region *region, uint32_t waiter)
{
    return atomic_load_explicit(&region->abi->waiters[waiter].word, memory_order_seq_cst);
}

/**
 * Say that this thread sleeps (edge K); then look at the condition again and
 * either stk_waiter_sleep or stk_waiter_awake.
 *
 * Context: who took the slot.
 */
static inline void stk_waiter_sleepy(struct stk_region *region, uint32_t waiter)
{
    (void)atomic_exchange_explicit(&region->abi->waiters[waiter].sleeping, 1, memory_order_seq_cst);
}

/** Take stk_waiter_sleepy back. Context: who took the slot. */
static inline void stk_waiter_awake(struct stk_region *region, uint32_t waiter)
{
    atomic_store_explicit(&region->abi->waiters[waiter].sleeping, 0, memory_order_relaxed);
}

/**
 * Sleep while the word is as seen, then be awake.
 *
 * @param word        From stk_waiter_word, read before the condition was looked at.
 * @param timeout_ns  Bound; < 0: none.
 *
 * Context: who took the slot. Blocks; may return early.
 */
void stk_waiter_sleep(struct stk_region *region, uint32_t waiter, uint32_t word, int64_t timeout_ns);

/** Change a slot's word and wake its thread if it sleeps (edge K). Context: any thread. */
void stk_waiter_wake(struct stk_region *region, uint32_t waiter);

#endif

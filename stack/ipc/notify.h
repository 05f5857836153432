/**
 * @file
 * Telling the application that a socket's readiness may have changed.
 */
#ifndef STACK_IPC_NOTIFY_H
#define STACK_IPC_NOTIFY_H

#include "ipc/region.h"

/** The slow half of stk_notify: somebody waits or bits are armed. */
void stk_notify_slow(struct stk_region *region, uint32_t sock, uint64_t wait_mask, uint32_t armed);

/**
 * Tell that a socket changed: wakes who waits for it, and puts it into the
 * event queue if armed bits are ready. To be called after the change.
 *
 * @param sock  Index, < socks_count.
 *
 * Context: the stack. Does not block; system calls only to wake sleepers.
 */
static inline void stk_notify(struct stk_region *region, uint32_t sock)
{
    struct stk_sock_abi *slot = &region->socks[sock];
    /* edge J, stack's end: the change, this read-modify-write, then the looks. */
    (void)atomic_fetch_add_explicit(&slot->event_count, 1, memory_order_seq_cst);
    uint64_t wait_mask = atomic_load_explicit(&slot->wait_mask, memory_order_seq_cst);
    uint32_t armed = atomic_load_explicit(&slot->armed, memory_order_seq_cst);
    if ((wait_mask | armed) != 0) {
        stk_notify_slow(region, sock, wait_mask, armed);
    }
}

/**
 * Put a socket into the event queue whatever its bits, once.
 *
 * Context: the stack (stk_notify does it; a closing engine may).
 */
void stk_event_push(struct stk_region *region, uint32_t sock);

/**
 * Take the next socket of the event queue.
 *
 * @param sock  Out: index, < socks_count; its event_queued is 0 again, so look at its state after this. Or
 *              socks_count + number of a completion queue, whose event_queued is the caller's to clear.
 * @return      false: none.
 *
 * Context: the dispatcher.
 */
bool stk_event_pop(struct stk_region *region, uint32_t *sock);

/**
 * Put a completion queue into the event queue, once.
 *
 * @param cq      < STK_RIO_CQS_MAX: comes out as socks_count + cq.
 * @param queued  Its event_queued; who takes the entry clears it, then looks at what happened.
 * @return        false: the queue is full (a damaged index of the dispatcher's); nothing changed.
 *
 * Context: the stack.
 */
bool stk_event_push_cq(struct stk_region *region, uint32_t cq, STK_U32 *queued);

/**
 * Sleep until the event queue may have an entry or stk_event_wake was called.
 *
 * @param wake        A word that is looked at after saying "asleep": nonzero, no sleep; may be NULL.
 * @param timeout_ns  Bound; < 0: none.
 *
 * Context: the dispatcher. Blocks; may return early.
 */
void stk_event_sleep(struct stk_region *region, const _Atomic uint32_t *wake, int64_t timeout_ns);

/** Wake the dispatcher if it sleeps. Context: any thread. */
void stk_event_wake(struct stk_region *region);

#endif

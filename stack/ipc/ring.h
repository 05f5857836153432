/**
 * @file
 * The submission and the reply ring of one application thread: SPSC, entries
 * of 64 bytes, free-running 32-bit indices. Each side trusts its own indices
 * as little as the other's: a distance larger than the ring reads as "full" to
 * a producer and as "empty" to a consumer.
 */
#ifndef STACK_IPC_RING_H
#define STACK_IPC_RING_H

#include "ipc/channel_abi.h"

#include <stdbool.h>
#include <string.h>

/** The word of an entry that says "here": lap << 16 | op. */
static inline STK_U32 *stk_sub_word(struct stk_sub_abi *entry)
{
    return (STK_U32 *)(void *)&entry->op;
}

/** How often the ring has gone round at an index, from 1, mod 2^16: fresh memory is no lap. */
static inline uint32_t stk_sub_lap(uint32_t index)
{
    return (index / STK_RING_SLOTS + 1) & 0xffffu;
}

/** Wake the application that sleeps on rep_tail. The slow half of stk_rep_push. */
void stk_rep_wake(struct stk_ring_abi *ring);

/**
 * Put a submission. The bell (stk_bell_ring) is the caller's.
 *
 * @param sub  Borrowed for the call.
 * @return     false: the ring is full; nothing changed.
 *
 * Context: the ring's owner. Does not block.
 */
static inline bool stk_sub_push(struct stk_ring_abi *ring, const struct stk_sub_abi *sub)
{
    uint32_t tail = atomic_load_explicit(&ring->sub_tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&ring->sub_head_seen, memory_order_relaxed) >= STK_RING_SLOTS) {
        /* edge B, app's end: the stack has copied what was in the slot. */
        uint32_t head = atomic_load_explicit(&ring->sub_head, memory_order_acquire);
        atomic_store_explicit(&ring->sub_head_seen, head, memory_order_relaxed);
        if (tail - head >= STK_RING_SLOTS) {
            return false;
        }
    }
    struct stk_sub_abi *entry = &ring->sub[tail % STK_RING_SLOTS];
    memcpy((uint8_t *)entry + sizeof(entry->op), (const uint8_t *)sub + sizeof(sub->op),
           sizeof(*sub) - sizeof(sub->op));
    atomic_store_explicit(&ring->sub_tail, tail + 1, memory_order_relaxed);
    /* edge A, app's end; a read-modify-write because edge D's load must not come before it. */
    (void)atomic_exchange_explicit(stk_sub_word(entry), (stk_sub_lap(tail) << 16) | (sub->op & 0xffffu),
                                   memory_order_seq_cst);
    return true;
}

/**
 * Is there a submission?
 *
 * Context: the stack. seq_cst, so that it serves edge D's second look too.
 */
static inline bool stk_sub_waiting(struct stk_ring_abi *ring)
{
    uint32_t head = atomic_load_explicit(&ring->sub_head, memory_order_relaxed);
    uint32_t word = atomic_load_explicit(stk_sub_word(&ring->sub[head % STK_RING_SLOTS]), memory_order_seq_cst);
    return word >> 16 == stk_sub_lap(head);
}

/**
 * Take a submission.
 *
 * @param out  Filled by one copy; it is to be checked, then used.
 * @return     false: none (or the application damaged its indices).
 *
 * Context: the stack. Does not block.
 */
static inline bool stk_sub_pop(struct stk_ring_abi *ring, struct stk_sub_abi *out)
{
    uint32_t head = atomic_load_explicit(&ring->sub_head, memory_order_relaxed);
    struct stk_sub_abi *entry = &ring->sub[head % STK_RING_SLOTS];
    /* edge A, stack's end. */
    uint32_t word = atomic_load_explicit(stk_sub_word(entry), memory_order_acquire);
    if (word >> 16 != stk_sub_lap(head)) {
        return false;
    }
    memcpy((uint8_t *)out + sizeof(out->op), (const uint8_t *)entry + sizeof(entry->op),
           sizeof(*out) - sizeof(out->op));
    out->op = word & 0xffffu;
    /* edge B, stack's end. */
    atomic_store_explicit(&ring->sub_head, head + 1, memory_order_release);
    return true;
}

/**
 * Put a reply and wake the application if it sleeps.
 *
 * @param rep  Borrowed for the call.
 * @return     false: the ring is full (an application that reads no replies); nothing changed.
 *
 * Context: the stack. Does not block; a system call only to wake a sleeper.
 */
static inline bool stk_rep_push(struct stk_ring_abi *ring, const struct stk_rep_abi *rep)
{
    uint32_t tail = atomic_load_explicit(&ring->rep_tail, memory_order_relaxed);
    /* edge C, the way back: the application has copied what was in the slot. */
    uint32_t head = atomic_load_explicit(&ring->rep_head, memory_order_acquire);
    if (tail - head >= STK_RING_SLOTS) {
        return false;
    }
    ring->rep[tail % STK_RING_SLOTS] = *rep;
    /* edge C, stack's end: read-modify-write, then look for a sleeper. */
    (void)atomic_exchange_explicit(&ring->rep_tail, tail + 1, memory_order_seq_cst);
    if (atomic_load_explicit(&ring->rep_sleeping, memory_order_seq_cst) != 0) {
        stk_rep_wake(ring);
    }
    return true;
}

/**
 * Take a reply.
 *
 * @param out  Filled on success.
 * @return     false: none (or damaged indices).
 *
 * Context: the ring's owner. Does not block.
 */
static inline bool stk_rep_pop(struct stk_ring_abi *ring, struct stk_rep_abi *out)
{
    uint32_t head = atomic_load_explicit(&ring->rep_head, memory_order_relaxed);
    /* edge C, app's end. */
    uint32_t waiting = atomic_load_explicit(&ring->rep_tail, memory_order_acquire) - head;
    if (waiting == 0 || waiting > STK_RING_SLOTS) {
        return false;
    }
    *out = ring->rep[head % STK_RING_SLOTS];
    /* edge C, the way back. */
    atomic_store_explicit(&ring->rep_head, head + 1, memory_order_release);
    return true;
}

/**
 * Sleep until a reply may be there.
 *
 * @param timeout_ns  Bound; < 0: none.
 *
 * Context: the ring's owner. Blocks; may return early.
 */
void stk_rep_sleep(struct stk_ring_abi *ring, int64_t timeout_ns);

#endif

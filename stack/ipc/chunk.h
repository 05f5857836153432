/**
 * @file
 * The pool of FIFO memory: chunks of STK_CHUNK_SIZE bytes, by index. A list
 * that is popped and pushed by compare and swap; the tag in its head makes a
 * stale swap fail. Chunks that were never used come from a counter, so that
 * their memory stays untouched.
 *
 * A taken chunk belongs to the taker until it is given back. Indices read from
 * the region are checked before use: a bad one is never followed.
 */
#ifndef STACK_IPC_CHUNK_H
#define STACK_IPC_CHUNK_H

#include "ipc/region.h"

/** The slow halves of take: the list was empty. Use stk_chunk_take. */
uint32_t stk_chunk_take_fresh(struct stk_region *region);

/**
 * Bytes of a chunk.
 *
 * @param index  < chunks_count; checked by the caller.
 *
 * Context: any thread.
 */
static inline uint8_t *stk_chunk_ptr(const struct stk_region *region, uint32_t index)
{
    return region->chunks + (size_t)index * STK_CHUNK_SIZE;
}

/** Count one chunk taken. Use stk_chunk_take. */
static inline void stk_chunk_count_taken(struct stk_region_abi *abi)
{
    uint32_t used = atomic_fetch_add_explicit(&abi->chunks_used, 1, memory_order_relaxed) + 1;
    uint32_t high = atomic_load_explicit(&abi->chunks_high_water, memory_order_relaxed);
    while (used > high && !atomic_compare_exchange_weak_explicit(&abi->chunks_high_water, &high, used,
                                                                 memory_order_relaxed, memory_order_relaxed)) {
    }
}

/**
 * Take a chunk.
 *
 * @return  Its index, or STK_CHUNK_NONE: the pool is empty (counted in chunks_failed).
 *
 * Context: any thread. Lock-free; no system call.
 */
static inline uint32_t stk_chunk_take(struct stk_region *region)
{
    struct stk_region_abi *abi = region->abi;
    /* acquire: pairs with the release in stk_chunk_give, so that the link, and what the giver did to the
       chunk, is seen. */
    uint64_t head = atomic_load_explicit(&abi->chunk_free_head, memory_order_acquire);
    for (;;) {
        uint32_t index = (uint32_t)head - 1;
        if (index >= region->chunks_count) {
            return stk_chunk_take_fresh(region);
        }
        /* May be stale when another thread took the chunk meanwhile: then the tag differs and the swap fails. */
        uint32_t next = atomic_load_explicit(&region->chunk_next[index], memory_order_relaxed);
        uint64_t wanted = ((head >> 32) + 1) << 32 | next;
        if (atomic_compare_exchange_weak_explicit(&abi->chunk_free_head, &head, wanted, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            stk_chunk_count_taken(abi);
            return index;
        }
    }
}

/**
 * Give a chunk back.
 *
 * @param index  As taken; an index out of range is ignored.
 *
 * Context: any thread. Lock-free; no system call.
 */
static inline void stk_chunk_give(struct stk_region *region, uint32_t index)
{
    struct stk_region_abi *abi = region->abi;
    if (index >= region->chunks_count) {
        return;
    }
    uint64_t head = atomic_load_explicit(&abi->chunk_free_head, memory_order_relaxed);
    uint64_t wanted;
    do {
        atomic_store_explicit(&region->chunk_next[index], (uint32_t)head, memory_order_relaxed);
        wanted = ((head >> 32) + 1) << 32 | (index + 1);
        /* release: pairs with the acquire in stk_chunk_take. */
    } while (!atomic_compare_exchange_weak_explicit(&abi->chunk_free_head, &head, wanted, memory_order_release,
                                                    memory_order_relaxed));
    atomic_fetch_sub_explicit(&abi->chunks_used, 1, memory_order_relaxed);
}

#endif

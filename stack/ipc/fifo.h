/**
 * @file
 * A socket's FIFO: bytes at 64-bit positions, kept in chunks that are taken as
 * they are used. The chunk of position p is slots[(p / STK_CHUNK_SIZE) %
 * STK_FIFO_SLOTS]. One producer, one consumer; the positions themselves (head,
 * tail) and their memory-order edges E to H are the caller's: the producer
 * publishes tail after stk_fifo_write, the consumer publishes head after
 * stk_fifo_release. At most STK_FIFO_MAX bytes may lie between them.
 *
 * Slots are shared memory: an index out of range is treated as no chunk.
 */
#ifndef STACK_IPC_FIFO_H
#define STACK_IPC_FIFO_H

#include "ipc/chunk.h"

#include <string.h>

/** The slot of a position. */
static inline STK_U32 *stk_fifo_slot(STK_U32 *slots, uint64_t pos)
{
    return &slots[(pos / STK_CHUNK_SIZE) % STK_FIFO_SLOTS];
}

/**
 * Find the bytes at a position, as far as they lie in one piece.
 *
 * @param len_max  Most bytes wanted.
 * @param ptr      Out: the first byte; untouched when 0 comes back.
 * @return         Bytes, 1..len_max; 0: no valid chunk there, or len_max is 0.
 *
 * Context: producer or consumer, within what it owns.
 */
static inline uint32_t stk_fifo_span(const struct stk_region *region, const STK_U32 *slots, uint64_t pos,
                                     uint32_t len_max, uint8_t **ptr)
{
    /* relaxed: the position's own edge (E or G) orders the slot. */
    uint32_t index = atomic_load_explicit(&slots[(pos / STK_CHUNK_SIZE) % STK_FIFO_SLOTS], memory_order_relaxed);
    uint32_t offset = (uint32_t)(pos % STK_CHUNK_SIZE);
    uint32_t len = STK_CHUNK_SIZE - offset;
    if (index >= region->chunks_count || len_max == 0) {
        return 0;
    }
    *ptr = stk_chunk_ptr(region, index) + offset;
    return len < len_max ? len : len_max;
}

/**
 * Copy bytes in at tail, taking chunks as needed. Publishing is the caller's.
 *
 * @param tail  Position of the first byte; the caller has checked for room.
 * @param src   len bytes, borrowed for the call.
 * @return      Bytes written; fewer than len when the pool is empty or a slot is damaged. Chunks taken
 *              stay in their slots and serve the next write.
 *
 * Context: producer. Does not block or allocate.
 */
static inline uint64_t stk_fifo_write(struct stk_region *region, STK_U32 *slots, uint64_t tail, const void *src,
                                      uint64_t len)
{
    const uint8_t *from = src;
    uint64_t done = 0;
    while (done < len) {
        STK_U32 *slot = stk_fifo_slot(slots, tail + done);
        uint32_t index = atomic_load_explicit(slot, memory_order_relaxed);
        if (index == STK_CHUNK_NONE) {
            index = stk_chunk_take(region);
            if (index == STK_CHUNK_NONE) {
                break;
            }
            atomic_store_explicit(slot, index, memory_order_relaxed);
        } else if (index >= region->chunks_count) {
            break;
        }
        uint32_t offset = (uint32_t)((tail + done) % STK_CHUNK_SIZE);
        uint64_t piece = STK_CHUNK_SIZE - offset;
        if (piece > len - done) {
            piece = len - done;
        }
        memcpy(stk_chunk_ptr(region, index) + offset, from + done, (size_t)piece);
        done += piece;
    }
    return done;
}

/**
 * Copy bytes out at a position; nothing is released.
 *
 * @param pos  Position of the first byte; pos + len <= tail.
 * @param dst  len bytes, written whole: zeros where a slot is damaged.
 * @return     Were all slots valid?
 *
 * Context: consumer. Does not block or allocate.
 */
static inline bool stk_fifo_read(const struct stk_region *region, const STK_U32 *slots, uint64_t pos, void *dst,
                                 uint64_t len)
{
    uint8_t *to = dst;
    uint64_t done = 0;
    bool valid = true;
    while (done < len) {
        uint64_t left = len - done;
        uint32_t most = STK_CHUNK_SIZE - (uint32_t)((pos + done) % STK_CHUNK_SIZE);
        uint8_t *from = NULL;
        if (left < most) {
            most = (uint32_t)left;
        }
        if (stk_fifo_span(region, slots, pos + done, most, &from) == 0) {
            memset(to + done, 0, most);
            valid = false;
        } else {
            memcpy(to + done, from, most);
        }
        done += most;
    }
    return valid;
}

/** Empty one slot and give its chunk back. */
static inline void stk_fifo_slot_give(struct stk_region *region, STK_U32 *slot)
{
    uint32_t index = atomic_load_explicit(slot, memory_order_relaxed);
    atomic_store_explicit(slot, STK_CHUNK_NONE, memory_order_relaxed);
    stk_chunk_give(region, index);
}

/**
 * Give back the chunks that head passes wholly on its way from one position to
 * another; to be called before the new head is published (edge F or H), since
 * the producer may then use the slots again.
 *
 * @param from, to  Old and new head, to - from <= STK_FIFO_MAX.
 *
 * Context: consumer. Does not block or allocate.
 */
static inline void stk_fifo_release(struct stk_region *region, STK_U32 *slots, uint64_t from, uint64_t to)
{
    uint64_t passed = to / STK_CHUNK_SIZE - from / STK_CHUNK_SIZE;
    for (uint64_t i = 0; i < passed && i < STK_FIFO_SLOTS; i++) {
        stk_fifo_slot_give(region, stk_fifo_slot(slots, from + i * STK_CHUNK_SIZE));
    }
}

/**
 * Give back every chunk of a FIFO: those between two positions, partial ones
 * too, and those that an unfinished write took behind them. Both sides must
 * have left the FIFO.
 *
 * @param from, to  Head and tail.
 *
 * Context: the stack, when a slot becomes free.
 */
static inline void stk_fifo_reset(struct stk_region *region, STK_U32 *slots, uint64_t from, uint64_t to)
{
    uint64_t between = to / STK_CHUNK_SIZE - from / STK_CHUNK_SIZE;
    for (uint64_t i = 0; i < STK_FIFO_SLOTS; i++) {
        STK_U32 *slot = stk_fifo_slot(slots, from + i * STK_CHUNK_SIZE);
        if (i > between && atomic_load_explicit(slot, memory_order_relaxed) == STK_CHUNK_NONE) {
            break;
        }
        stk_fifo_slot_give(region, slot);
    }
}

/**
 * Give back the partly used chunk of an empty FIFO, and those that a write took
 * which found the pool empty in its middle.
 *
 * @param pos  head, equal to tail: the consumer will not touch the slots.
 * @return     Was there one?
 *
 * Context: producer (or who holds the producer's lock). Does not block or allocate.
 */
static inline bool stk_fifo_idle_give(struct stk_region *region, STK_U32 *slots, uint64_t pos)
{
    uint64_t given = 0;
    for (; given < STK_FIFO_SLOTS; given++) {
        STK_U32 *slot = stk_fifo_slot(slots, pos + given * STK_CHUNK_SIZE);
        if (atomic_load_explicit(slot, memory_order_relaxed) == STK_CHUNK_NONE) {
            break;
        }
        stk_fifo_slot_give(region, slot);
    }
    return given > 0;
}

#endif

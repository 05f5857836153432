/**
 * @file
 * Urgent data of a stream, as both sides see it: the word stk_sock_abi.rx_urgent.
 *
 * Bits 0-31 are the low half of the mark's position in the receive FIFO, 32-39 the urgent byte, 40-43 flags, 44-63 the
 * number of the announcement (never 0). One word, so that it is read whole. 0: nothing urgent ever came.
 *
 * The stack takes an urgent byte out of the stream as it comes and keeps it in the word: the mark is where it was. With
 * SO_OOBINLINE it stays in the FIFO, at the mark. The reader keeps what it did with it: rx_urgent_read, the number
 * of the last byte that was read from the word, and rx_urgent_passed, the word whose mark no longer matters to receives.
 *
 * Source: RFC 9293 3.8.5; rules OOB-2, OOB-3, OOB-10, OOB-11.
 */
#ifndef STACK_IPC_URGENT_H
#define STACK_IPC_URGENT_H

#include "ipc/channel_abi.h"

enum stk_urgent_flag {
    STK_URGENT_THERE = 1,     /* the byte came; without it, it was only announced */
    STK_URGENT_IN_STREAM = 2, /* it is in the FIFO */
    STK_URGENT_TURNED = 4,    /* SO_OOBINLINE was set while it waited beside: it is given at the mark */
};

#define STK_URGENT_NUMBER_MAX 0xfffffu

/** Make a word. */
static inline uint64_t stk_urgent_word(uint32_t number, unsigned flags, uint8_t byte, uint64_t mark)
{
    return (uint64_t)number << 44 | (uint64_t)(flags & 15u) << 40 | (uint64_t)byte << 32 | (mark & UINT32_MAX);
}

static inline uint32_t stk_urgent_number(uint64_t word)
{
    return (uint32_t)(word >> 44);
}

static inline unsigned stk_urgent_flags(uint64_t word)
{
    return (unsigned)(word >> 40) & 15u;
}

static inline uint8_t stk_urgent_byte(uint64_t word)
{
    return (uint8_t)(word >> 32);
}

/** Bytes from a position of the FIFO to the mark; negative: it is behind. For words that were not passed. */
static inline int32_t stk_urgent_ahead(uint64_t word, uint64_t pos)
{
    return (int32_t)((uint32_t)word - (uint32_t)pos);
}

/** Does a byte wait in the word, beside the stream? Context: any thread. */
static inline bool stk_urgent_waits(const struct stk_sock_abi *sock, uint64_t word)
{
    return (stk_urgent_flags(word) & (STK_URGENT_THERE | STK_URGENT_IN_STREAM)) == STK_URGENT_THERE &&
           stk_urgent_number(word) != atomic_load_explicit(&sock->rx_urgent_read, memory_order_relaxed);
}

#endif

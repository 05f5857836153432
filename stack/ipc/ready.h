/**
 * @file
 * Readiness of a socket, computed from its control block: both sides use the
 * same rule.
 */
#ifndef STACK_IPC_READY_H
#define STACK_IPC_READY_H

#include "ipc/channel_abi.h"
#include "ipc/urgent.h"
#include "stack/api.h"

/** Smallest bound of a transmit FIFO: SO_SNDBUF 0 still sends. */
#define STK_TX_LIMIT_MIN 2048u

/** Largest datagram's record: with that much room every datagram fits. */
#define STK_DGRAM_SIZE_MAX STK_DGRAM_SIZE(65535)

/** Bytes the transmit FIFO may hold. Context: any thread. */
static inline uint64_t stk_sock_abi_tx_limit(const struct stk_sock_abi *sock)
{
    uint32_t limit = atomic_load_explicit(&sock->tx_limit, memory_order_relaxed);
    if (limit < STK_TX_LIMIT_MIN) {
        /* 0 on a stream: nothing is buffered for the sender's sake, who waits (rules 5.1). */
        return limit == 0 && sock->type == STK_SOCK_STREAM ? STK_FIFO_MAX : STK_TX_LIMIT_MIN;
    }
    return limit < STK_FIFO_MAX ? limit : STK_FIFO_MAX;
}

/** Bytes queued for transmit: not acknowledged (streams), not handed on (datagrams). Context: any thread. */
static inline uint64_t stk_sock_abi_tx_used(const struct stk_sock_abi *sock)
{
    /* head first: tail only grows, so the difference is never negative. edge H, app's end. */
    uint64_t head = atomic_load_explicit(&sock->tx_head, memory_order_acquire);
    uint64_t used = atomic_load_explicit(&sock->tx_tail, memory_order_acquire) - head;
    return used < STK_FIFO_MAX ? used : STK_FIFO_MAX;
}

/** Bytes that may be queued for transmit now. Context: any thread. */
static inline uint64_t stk_sock_abi_tx_room(const struct stk_sock_abi *sock)
{
    uint64_t used = stk_sock_abi_tx_used(sock);
    uint64_t limit = stk_sock_abi_tx_limit(sock);
    return used < limit ? limit - used : 0;
}

/**
 * Least room of a stream that is told of, of what is not empty: who is told of a byte's room and then sends a record
 * that blocks waits for a peer who perhaps waits for him. Each release of room is told, so nobody misses it.
 *
 * Context: any thread.
 */
static inline uint64_t stk_stream_room_least(uint64_t limit)
{
    return limit / 4 < STK_TX_LIMIT_MIN ? limit / 4 : STK_TX_LIMIT_MIN;
}

/** Bytes in the receive FIFO, records' heads included. Context: any thread. */
static inline uint64_t stk_sock_abi_rx_used(const struct stk_sock_abi *sock)
{
    uint64_t head = atomic_load_explicit(&sock->rx_head, memory_order_acquire);
    /* edge E, app's end. */
    uint64_t used = atomic_load_explicit(&sock->rx_tail, memory_order_acquire) - head;
    return used < STK_FIFO_MAX ? used : STK_FIFO_MAX;
}

/** Bits that follow from the state word alone. */
static inline uint32_t stk_ready_of_state(uint32_t state)
{
    uint32_t ready = 0;
    if ((state & STK_ST_CONNECTED) != 0) {
        ready |= STK_READY_CONN;
    }
    if ((state & STK_ST_FAILED) != 0) {
        ready |= STK_READY_FAIL;
    }
    if ((state & STK_ST_EOF) != 0) {
        ready |= STK_READY_EOF | STK_READY_IN;
    }
    if ((state & STK_ST_RX_SHUT) != 0) {
        ready |= STK_READY_IN;
    }
    if ((state & STK_ST_ENDED) != 0) {
        ready |= STK_READY_RESET | STK_READY_IN | STK_READY_OUT;
    }
    return ready;
}

/** Transmit bits of a stream. */
static inline uint32_t stk_ready_stream_tx(const struct stk_sock_abi *sock, uint32_t state)
{
    uint32_t ready = 0;
    if ((state & STK_ST_TX_SHUT) != 0) {
        if ((state & STK_ST_DRAINED) != 0) {
            ready |= STK_READY_DRAINED;
        }
        return ready;
    }
    uint64_t used = stk_sock_abi_tx_used(sock);
    if (used == 0) {
        ready |= STK_READY_DRAINED;
    }
    const uint64_t limit = stk_sock_abi_tx_limit(sock);
    if ((state & STK_ST_CONNECTED) != 0 && (used == 0 || used + stk_stream_room_least(limit) <= limit)) {
        ready |= STK_READY_OUT;
    }
    return ready;
}

/** Transmit bits of a datagram socket: any datagram fits an empty FIFO. */
static inline uint32_t stk_ready_dgram_tx(const struct stk_sock_abi *sock, uint32_t state)
{
    uint64_t used = stk_sock_abi_tx_used(sock);
    if (used == 0) {
        return STK_READY_DRAINED | ((state & STK_ST_TX_SHUT) != 0 ? 0u : (uint32_t)STK_READY_OUT);
    }
    bool room = used + STK_DGRAM_SIZE_MAX <= stk_sock_abi_tx_limit(sock);
    return room && (state & STK_ST_TX_SHUT) == 0 ? (uint32_t)STK_READY_OUT : 0;
}

/** Bits of urgent data that waits beside the stream; with SO_OOBINLINE it is to be read as the rest. */
static inline uint32_t stk_ready_urgent(const struct stk_sock_abi *sock)
{
    const uint64_t word = atomic_load_explicit(&sock->rx_urgent, memory_order_acquire);
    if (word == 0 || !stk_urgent_waits(sock, word)) {
        return 0;
    }
    return (stk_urgent_flags(word) & STK_URGENT_TURNED) != 0 ? STK_READY_IN : STK_READY_OOB;
}

/** Is somebody told that the ideal send backlog is another, or that nothing is sent any more? */
static inline uint32_t stk_ready_isb(const struct stk_sock_abi *sock, uint32_t state)
{
    const uint32_t seen = atomic_load_explicit(&sock->isb_seen, memory_order_relaxed);
    if (seen == 0) {
        return 0;
    }
    const bool ended = (state & (STK_ST_TX_SHUT | STK_ST_ENDED)) != 0;
    return ended || atomic_load_explicit(&sock->isb, memory_order_relaxed) != seen ? (uint32_t)STK_READY_ISB : 0u;
}

/** Bits that need a look at the transmit side. */
#define STK_READY_TX_BITS ((uint32_t)(STK_READY_OUT | STK_READY_DRAINED | STK_READY_ISB))

/**
 * The ready bits of a socket.
 *
 * @return  enum stk_ready bits, as of now.
 *
 * Context: any thread, either side. Reads the control block only. The loads of
 * state and positions are seq_cst or acquire; edge J's read-modify-writes order
 * them against sleeping.
 */
static inline uint32_t stk_sock_abi_ready_for(const struct stk_sock_abi *sock, uint32_t wanted)
{
    uint32_t state = atomic_load_explicit(&sock->state, memory_order_acquire);
    uint32_t ready = stk_ready_of_state(state);
    if ((atomic_load_explicit(&sock->app_flags, memory_order_relaxed) & STK_APP_CANCELLED) != 0) {
        ready |= STK_READY_CANCEL;
    }
    /* Who waits for data only does not touch the line that the stack writes for each acknowledgement. */
    uint64_t rx_used = stk_sock_abi_rx_used(sock);
    if ((state & STK_ST_LISTEN) != 0) {
        return rx_used != 0 ? ready | STK_READY_IN | STK_READY_ACCEPT : ready;
    }
    if (rx_used != 0) {
        ready |= STK_READY_IN;
    }
    ready |= stk_ready_urgent(sock);
    if (sock->type != STK_SOCK_STREAM && atomic_load_explicit(&sock->error, memory_order_relaxed) != 0) {
        ready |= STK_READY_ERROR | STK_READY_IN;
    }
    if ((wanted & STK_READY_TX_BITS) == 0) {
        return ready;
    }
    if (sock->type != STK_SOCK_STREAM) {
        return ready | stk_ready_dgram_tx(sock, state);
    }
    return ready | stk_ready_stream_tx(sock, state) | stk_ready_isb(sock, state);
}

/** All bits. Context: any thread. */
static inline uint32_t stk_sock_abi_ready(const struct stk_sock_abi *sock)
{
    return stk_sock_abi_ready_for(sock, UINT32_MAX);
}

#endif

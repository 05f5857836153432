#include "core/client_urgent.h"

#include "ipc/urgent.h"

struct client_urgent_stop stk_client_urgent_stop(struct stk_sock_abi *abi, uint64_t word, uint64_t head,
                                                 uint64_t queued)
{
    const unsigned flags = stk_urgent_flags(word);
    const int32_t ahead = stk_urgent_ahead(word, head);
    struct client_urgent_stop stop = {.most = queued};
    if ((flags & STK_URGENT_THERE) == 0) {
        return stop; /* nothing behind the mark is here yet */
    }
    if (ahead > 0) {
        stop.most = (uint64_t)ahead < queued ? (uint64_t)ahead : queued;
        return stop;
    }
    if ((flags & STK_URGENT_TURNED) != 0 && stk_urgent_waits(abi, word)) {
        stop.beside = true;
        return stop;
    }
    if ((flags & STK_URGENT_IN_STREAM) != 0 && ahead == 0) { /* OOB-8: a receive of its own */
        stop.most = queued > 0 ? 1 : 0;
        return stop;
    }
    atomic_store_explicit(&abi->rx_urgent_passed, word, memory_order_relaxed);
    return stop;
}

/** Copies the byte of a word to the first place for it; 0: there is none. Holder of rx_lock. */
static int64_t byte_give(struct stk_sock_abi *abi, uint64_t word, const struct stk_iov *iov, size_t count,
                         unsigned flags)
{
    for (size_t i = 0; i < count; i++) {
        if (iov[i].len != 0) {
            *(uint8_t *)iov[i].base = stk_urgent_byte(word);
            if ((flags & STK_RECV_PEEK) == 0) {
                atomic_store_explicit(&abi->rx_urgent_read, stk_urgent_number(word), memory_order_relaxed);
            }
            return 1;
        }
    }
    return 0;
}

int64_t stk_client_urgent_beside(struct stk_sock_abi *abi, uint64_t word, const struct stk_iov *iov, size_t count,
                                 unsigned flags)
{
    return byte_give(abi, word, iov, count, flags);
}

/** Why there is no urgent byte to be had. */
static int urgent_error(const struct stk_sock_abi *abi, uint32_t state)
{
    if ((state & STK_ST_ENDED) != 0) {
        const int32_t error = atomic_load_explicit(&abi->end_error, memory_order_relaxed);
        return error < 0 ? error : STK_ECONNRESET;
    }
    return (state & STK_ST_CONNECTED) != 0 ? STK_EINVAL : STK_ENOTCONN;
}

int64_t stk_client_urgent_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags)
{
    struct stk_sock_abi *abi = sock->abi;
    int64_t got;
    stk_client_pump_once(sock->client);
    stk_lock_take(&abi->rx_lock);
    const uint32_t state = atomic_load_explicit(&abi->state, memory_order_acquire);
    const uint64_t word = atomic_load_explicit(&abi->rx_urgent, memory_order_acquire);
    if ((state & STK_ST_RX_SHUT) != 0) {
        got = STK_ESHUTDOWN;
    } else if ((state & (STK_ST_OOBINLINE | STK_ST_CONNECTED)) == (STK_ST_OOBINLINE | STK_ST_CONNECTED)) {
        got = STK_EINVAL; /* OOB-7 */
    } else if (word != 0 && stk_urgent_waits(abi, word)) {
        got = byte_give(abi, word, iov, count, flags);
    } else if (word != 0 && (stk_urgent_flags(word) & STK_URGENT_THERE) == 0 &&
               (state & (STK_ST_EOF | STK_ST_ENDED)) == 0) {
        got = STK_EAGAIN;
    } else {
        got = urgent_error(abi, state);
    }
    stk_lock_give(&abi->rx_lock);
    return got;
}

enum stk_mark stk_sock_mark(const struct stk_sock *sock)
{
    if (stk_client_usable(sock->client) != STK_OK) {
        return STK_MARK_NONE;
    }
    const struct stk_sock_abi *abi = sock->abi;
    const uint64_t word = atomic_load_explicit(&abi->rx_urgent, memory_order_acquire);
    const uint64_t head = atomic_load_explicit(&abi->rx_head, memory_order_acquire);
    if (word == atomic_load_explicit(&abi->rx_urgent_passed, memory_order_relaxed)) {
        return STK_MARK_NONE;
    }
    const int32_t ahead = stk_urgent_ahead(word, head);
    return ahead > 0 ? STK_MARK_AHEAD : ahead == 0 ? STK_MARK_HERE : STK_MARK_NONE;
}

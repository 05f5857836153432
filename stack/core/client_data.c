#include "core/client_urgent.h"

/** Why a stream cannot send, STK_OK: it can. */
static int send_state_error(const struct stk_sock_abi *abi, uint32_t state)
{
    if ((state & STK_ST_ENDED) != 0) {
        int32_t error = atomic_load_explicit(&abi->end_error, memory_order_relaxed);
        return error < 0 ? error : STK_ECONNRESET;
    }
    if ((state & STK_ST_TX_SHUT) != 0) {
        return STK_ESHUTDOWN;
    }
    return (state & STK_ST_CONNECTED) != 0 ? STK_OK : STK_ENOTCONN;
}

/** Why a stream without queued data gives none; STK_OK: it ended by FIN. */
static int recv_empty_error(const struct stk_sock_abi *abi, uint32_t state)
{
    if ((state & STK_ST_ENDED) != 0) {
        int32_t error = atomic_load_explicit(&abi->end_error, memory_order_relaxed);
        return error < 0 ? error : STK_ECONNRESET;
    }
    if ((state & STK_ST_EOF) != 0) {
        return STK_OK;
    }
    return (state & STK_ST_CONNECTED) != 0 ? STK_EAGAIN : STK_ENOTCONN;
}

static uint64_t iov_bytes(const struct stk_iov *iov, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += iov[i].len;
    }
    return bytes;
}

static bool iov_wants_bytes(const struct stk_iov *iov, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (iov[i].len != 0) {
            return true;
        }
    }
    return false;
}

/** Copies in what fits room; stops early when the pool is empty. */
static uint64_t fifo_gather(struct stk_sock *sock, uint64_t tail, uint64_t room, const struct stk_iov *iov,
                            size_t count)
{
    uint64_t done = 0;
    for (size_t i = 0; i < count && done < room; i++) {
        uint64_t len = iov[i].len < room - done ? iov[i].len : room - done;
        uint64_t wrote = stk_fifo_write(sock->client->region, sock->abi->tx_slots, tail + done, iov[i].base, len);
        done += wrote;
        if (wrote < len) {
            break;
        }
    }
    return done;
}

/* Room by the last look at tx_head; a new look (a line that the stack writes) only if that is not enough. */
static uint64_t tx_room_seen(struct stk_sock_abi *abi, uint64_t tail, const struct stk_iov *iov, size_t count)
{
    uint64_t used = tail - atomic_load_explicit(&abi->tx_head_seen, memory_order_relaxed);
    uint64_t limit = stk_sock_abi_tx_limit(abi);
    if (count == 1 && used < limit && iov[0].len <= limit - used) {
        return limit - used;
    }
    /* edge H, app's end. */
    atomic_store_explicit(&abi->tx_head_seen, atomic_load_explicit(&abi->tx_head, memory_order_acquire),
                          memory_order_relaxed);
    return stk_sock_abi_tx_room(abi);
}

/** Queues bytes; urgent: if all fit, the last one is. */
static inline int64_t stream_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count, bool urgent)
{
    struct stk_sock_abi *abi = sock->abi;
    stk_lock_take(&abi->tx_lock);
    uint32_t state = atomic_load_explicit(&abi->state, memory_order_acquire);
    int error = send_state_error(abi, state);
    if (error != STK_OK) {
        stk_lock_give(&abi->tx_lock);
        return error;
    }
    uint64_t tail = atomic_load_explicit(&abi->tx_tail, memory_order_relaxed);
    uint64_t room = tx_room_seen(abi, tail, iov, count);
    uint64_t done = fifo_gather(sock, tail, room, iov, count);
    if (done > 0) {
        if (urgent && done == iov_bytes(iov, count)) {
            atomic_store_explicit(&abi->tx_urgent, tail + done, memory_order_relaxed);
        }
        /* edge G, app's end. */
        atomic_store_explicit(&abi->tx_tail, tail + done, memory_order_release);
    }
    stk_lock_give(&abi->tx_lock);
    if (done > 0) {
        stk_client_kick(sock);
        return (int64_t)done;
    }
    if (!iov_wants_bytes(iov, count)) {
        return 0;
    }
    if (room > 0) {
        stk_client_starved(sock);
    }
    stk_client_pump_once(sock->client);
    return STK_EAGAIN;
}

int64_t stk_sock_send(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    if (sock->abi->type != STK_SOCK_STREAM) {
        return stk_sock_sendto(sock, iov, count, NULL);
    }
    return stream_send(sock, iov, count, false);
}

int64_t stk_sock_send_oob(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    return sock->abi->type == STK_SOCK_STREAM ? stream_send(sock, iov, count, true) : STK_EOPNOTSUPP;
}

/** Copies out from head; returns bytes. */
static uint64_t fifo_scatter(struct stk_sock *sock, uint64_t head, uint64_t queued, const struct stk_iov *iov,
                             size_t count)
{
    uint64_t done = 0;
    for (size_t i = 0; i < count && done < queued; i++) {
        uint64_t len = iov[i].len < queued - done ? iov[i].len : queued - done;
        (void)stk_fifo_read(sock->client->region, sock->abi->rx_slots, head + done, iov[i].base, len);
        done += len;
    }
    return done;
}

/** Moves head on; says whether the stack should hear of the room. Holder of rx_lock. */
static bool head_advance(struct stk_sock *sock, uint64_t head, uint64_t to)
{
    struct stk_sock_abi *abi = sock->abi;
    stk_fifo_release(sock->client->region, abi->rx_slots, head, to);
    /* edge F, app's end. */
    atomic_store_explicit(&abi->rx_head, to, memory_order_release);
    uint64_t want = atomic_load_explicit(&abi->rx_want, memory_order_relaxed);
    if (want == 0) {
        want = atomic_load_explicit(&abi->rx_limit, memory_order_relaxed) / 4;
    }
    if (to - atomic_load_explicit(&abi->rx_kick_head, memory_order_relaxed) < want) {
        return false;
    }
    atomic_store_explicit(&abi->rx_kick_head, to, memory_order_relaxed);
    return true;
}

int64_t stk_sock_recv(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    struct stk_sock_abi *abi = sock->abi;
    if (abi->type != STK_SOCK_STREAM) {
        return stk_sock_recvfrom(sock, iov, count, flags, NULL);
    }
    if (__builtin_expect((flags & STK_RECV_OOB) != 0, 0)) {
        return stk_client_urgent_recv(sock, iov, count, flags);
    }
    stk_lock_take(&abi->rx_lock);
    /* State before tail: with EOF or ENDED set, the tail read after it is the last one. */
    uint32_t state = atomic_load_explicit(&abi->state, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&abi->rx_head, memory_order_relaxed);
    /* edge E, app's end. */
    uint64_t queued = atomic_load_explicit(&abi->rx_tail, memory_order_acquire) - head;
    uint64_t urgent = atomic_load_explicit(&abi->rx_urgent, memory_order_acquire);
    uint64_t done = 0;
    bool kick = false;
    bool shut = (state & (STK_ST_RX_SHUT | STK_ST_LISTEN)) != 0;
    if (__builtin_expect(urgent != atomic_load_explicit(&abi->rx_urgent_passed, memory_order_relaxed), 0)) {
        const struct client_urgent_stop stop = stk_client_urgent_stop(abi, urgent, head, queued);
        if (stop.beside && !shut) {
            const int64_t got = stk_client_urgent_beside(abi, urgent, iov, count, flags);
            stk_lock_give(&abi->rx_lock);
            return got;
        }
        queued = stop.most;
    }
    if (!shut && queued != 0 && queued <= STK_FIFO_MAX) {
        done = fifo_scatter(sock, head, queued, iov, count);
        if (done > 0 && (flags & STK_RECV_PEEK) == 0) {
            kick = head_advance(sock, head, head + done);
        }
    }
    stk_lock_give(&abi->rx_lock);
    if (kick) {
        stk_client_kick(sock);
    }
    if (shut) {
        return (state & STK_ST_LISTEN) != 0 ? STK_ENOTCONN : STK_ESHUTDOWN;
    }
    if (queued != 0) {
        return (int64_t)done;
    }
    const int error = recv_empty_error(abi, state);
    if (error == STK_EAGAIN && stk_client_unbuffered(sock)) {
        stk_client_posted_iov(sock, iov, count);
    }
    stk_client_pump_once(sock->client);
    return error;
}

/** @file Send and receive. */
#include "wsp_io.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_message.h"
#include "wsp_wait.h"

#include <stdlib.h>

#define IO_LOCAL_IOVS 32u

/* Send: hints are taken and ignored; partial data is refused, and urgent data but of streams (WSPSEND-5). */
#define IO_SEND_FLAGS (MSG_DONTROUTE | MSG_INTERRUPT)
#define IO_RECV_FLAGS (MSG_PEEK | MSG_OOB | MSG_WAITALL | MSG_PUSH_IMMEDIATE | MSG_PARTIAL | MSG_INTERRUPT)

/* The application's buffers as the stack takes them. */
struct io_vec {
    struct stk_iov local[IO_LOCAL_IOVS];
    struct stk_iov *all;
    uint32_t count;
    uint32_t first; /* entries before it are done */
    uint32_t total; /* bytes */
};

int64_t wsp_io_send_once(struct wsp_socket *sock, const struct stk_iov *iov, size_t count, DWORD flags,
                         const struct stk_addr *to, const struct stk_send_info *wish)
{
    if (wsp_socket_is_stream(sock))
        return flags & MSG_OOB ? stk_sock_send_oob(sock->stk, iov, count) : stk_sock_send(sock->stk, iov, count);
    return stk_sock_sendmsg(sock->stk, iov, count, to, wish);
}

int64_t wsp_io_recv_once(struct wsp_socket *sock, const struct stk_iov *iov, size_t count, DWORD flags,
                         struct wsp_io_from *from)
{
    unsigned how = flags & MSG_PEEK ? (unsigned)STK_RECV_PEEK : 0u;

    if (wsp_socket_is_stream(sock))
        return stk_sock_recv(sock->stk, iov, count, how);
    if (from->single)
        how |= (unsigned)STK_RECV_SINGLE;
    return stk_sock_recvfrom(sock->stk, iov, count, how, &from->info);
}

int wsp_io_code(const struct wsp_socket *sock, enum wsp_direction direction, bool named, int64_t err)
{
    enum wsp_op op = WSP_OP_RECV;

    if (direction == WSP_SENDING)
        op = named && !wsp_socket_is_stream(sock) ? WSP_OP_SENDTO : WSP_OP_SEND;
    return wsp_error_of(op, (int)err);
}

int wsp_io_ended(struct wsp_socket *sock, int code, bool in_progress)
{
    bool told;

    if (!wsp_socket_is_stream(sock) || (code != WSAENETRESET && code != WSAETIMEDOUT))
        return code;
    told = atomic_exchange_explicit(&sock->end_told, (uint32_t)code, memory_order_relaxed) == (uint32_t)code;
    if (!told || in_progress)
        return code;
    return code == WSAENETRESET ? WSAECONNRESET : WSAECONNABORTED;
}

bool wsp_io_at_mark(const struct wsp_socket *sock)
{
    return wsp_socket_is_stream(sock) && stk_sock_mark(sock->stk) == STK_MARK_HERE;
}

/* Skip the bytes that were moved. */
static void io_advance(struct io_vec *vec, size_t done)
{
    while (vec->first < vec->count && done >= vec->all[vec->first].len) {
        done -= vec->all[vec->first].len;
        vec->first++;
    }
    if (done > 0) {
        vec->all[vec->first].base = (char *)vec->all[vec->first].base + done;
        vec->all[vec->first].len -= done;
    }
}

static int io_vec_make(struct io_vec *vec, const WSABUF *buffers, DWORD count)
{
    uint64_t total = 0;

    vec->all = vec->local;
    if (count > IO_LOCAL_IOVS) {
        vec->all = calloc(count, sizeof *vec->all);
        if (!vec->all)
            return WSAENOBUFS;
    }
    for (DWORD i = 0; i < count; i++) {
        vec->all[i].base = buffers[i].buf;
        vec->all[i].len = buffers[i].len;
        total += buffers[i].len;
    }
    vec->count = count;
    vec->first = 0;
    if (count == 0) { /* one empty entry: the state is still looked at */
        vec->local[0] = (struct stk_iov){.base = vec->local, .len = 0};
        vec->count = 1;
    }
    vec->total = (uint32_t)total;
    return 0;
}

static void io_vec_free(struct io_vec *vec)
{
    if (vec->all != vec->local)
        free(vec->all);
}

/* WSPC-6: what can be known without touching the memory. A length beyond INT_MAX was a negative one (WS2-30). */
static int io_check_buffers(const struct wsp_call *call)
{
    uint64_t total = 0;

    if (call->buffers_count > 0 && !call->buffers)
        return WSAEFAULT;
    for (DWORD i = 0; i < call->buffers_count; i++) {
        if (call->buffers[i].len > INT32_MAX || (!call->buffers[i].buf && call->buffers[i].len > 0))
            return WSAEFAULT;
        total += call->buffers[i].len;
    }
    if (total > UINT32_MAX)
        return WSAEFAULT;
    return !call->bytes && !call->overlapped ? WSAEFAULT : 0; /* WSPSEND-6 */
}

static int io_check_send(struct wsp_call *call, struct stk_addr *to)
{
    int code = io_check_buffers(call);

    if (code != 0)
        return code;
    if (call->flags & ~(DWORD)(IO_SEND_FLAGS | (wsp_socket_is_stream(call->sock) ? MSG_OOB : 0)))
        return WSAEOPNOTSUPP;
    if (wsp_socket_is_stream(call->sock) || !call->to)
        call->to = NULL; /* WSPSENDTO-3, WSPSENDTO-5 */
    else
        code = wsp_addr_read(call->to, call->tolen, call->sock->family, to);
    if (code == 0 && call->to && wsp_addr_is_any(to))
        code = WSAEADDRNOTAVAIL; /* WSPSENDTO-1 */
    return code;
}

static int io_check_recv(struct wsp_call *call)
{
    bool stream = wsp_socket_is_stream(call->sock);
    int code = io_check_buffers(call);

    if (code != 0)
        return code;
    if (!call->flags_out)
        return WSAEFAULT;
    if (call->buffers_count == 0)
        return WSAEINVAL; /* as Windows; one empty buffer is the way to wait for data */
    call->flags = *call->flags_out;
    if (call->flags & ~(DWORD)IO_RECV_FLAGS)
        return WSAEOPNOTSUPP; /* WSPRECV-4 */
    if ((call->flags & MSG_OOB) && !stream)
        return WSAEOPNOTSUPP;
    if ((call->flags & MSG_WAITALL) && (!stream || (call->flags & (MSG_PEEK | MSG_OOB))))
        return WSAEOPNOTSUPP; /* WSPRECV-2 */
    if (stream)
        call->from = NULL; /* WSPRECVFROM-3 */
    if (call->from && (!call->fromlen || *call->fromlen < wsp_addr_size(call->sock->family)))
        return WSAEFAULT;
    return 0;
}

/* May this direction be used by a synchronous call, or are overlapped requests ahead of it (OVL2-11)? */
static bool io_blocked(const struct wsp_socket *sock, enum wsp_direction direction)
{
    uint32_t bit = direction == WSP_SENDING ? (uint32_t)WSP_SLOW_SENDING : (uint32_t)WSP_SLOW_READING;

    return (atomic_load_explicit(&sock->slow, memory_order_relaxed) & bit) != 0;
}

/* After an attempt found nothing: 0 to try again, or the code to return. */
static int io_wait(struct wsp_wait *wait, struct wsp_socket *sock, enum wsp_direction direction)
{
    uint32_t ready = direction == WSP_SENDING ? (uint32_t)(STK_READY_OUT | STK_READY_RESET)
                                              : (uint32_t)(STK_READY_IN | STK_READY_RESET | STK_READY_EOF);

    if (atomic_load_explicit(&sock->nonblocking, memory_order_relaxed))
        return WSAEWOULDBLOCK;
    if (io_blocked(sock, direction))
        return wsp_wait_nap(wait, sock);
    return wsp_wait_ready(wait, sock, ready);
}

/* BLK-13: on a socket without the overlapped attribute the options do nothing. */
static uint32_t io_time_limit(const struct wsp_socket *sock, const _Atomic uint32_t *ms)
{
    return sock->flags & WSA_FLAG_OVERLAPPED ? atomic_load_explicit(ms, memory_order_relaxed) : 0;
}

/* SO_SNDBUF 0: the caller's buffer is in use until the peer has it. */
static int io_send_acked(const struct wsp_call *call, struct wsp_wait *wait)
{
    struct wsp_socket *sock = call->sock;
    int code = 0;

    if (!(atomic_load_explicit(&sock->slow, memory_order_relaxed) & WSP_SLOW_ACKED) ||
        atomic_load_explicit(&sock->nonblocking, memory_order_relaxed))
        return 0;
    if (!(stk_sock_ready(sock->stk) & (STK_READY_DRAINED | STK_READY_RESET)))
        code = wsp_wait_ready(wait, sock, STK_READY_DRAINED | STK_READY_RESET);
    if (code == 0 && !(stk_sock_ready(sock->stk) & STK_READY_DRAINED)) {
        const struct stk_iov none = {.base = &code, .len = 0};
        int64_t ended = stk_sock_send(sock->stk, &none, 1);

        if (ended < 0 && ended != STK_EAGAIN)
            code = wsp_io_ended(sock, wsp_io_code(sock, WSP_SENDING, call->named, ended), true);
    }
    return code;
}

static int io_send_sync(const struct wsp_call *call, struct io_vec *vec, const struct stk_addr *to, uint32_t done)
{
    struct wsp_socket *sock = call->sock;
    struct wsp_wait wait;
    int code = 0;

    wsp_wait_begin(&wait, io_time_limit(sock, &sock->sndtimeo_ms));
    wait.handle = call->handle;
    io_advance(vec, done);
    while (code == 0) {
        int64_t sent = io_blocked(sock, WSP_SENDING)
                           ? (int64_t)STK_EAGAIN
                           : wsp_io_send_once(sock, vec->all + vec->first, vec->count - vec->first, call->flags, to,
                                              call->wish);

        if (sent >= 0) {
            done += (uint32_t)sent;
            io_advance(vec, (size_t)sent);
            if (done >= vec->total || !wsp_socket_is_stream(sock))
                break;
        } else if (sent != STK_EAGAIN) {
            code = wsp_io_ended(sock, wsp_io_code(sock, WSP_SENDING, call->named, sent), wait.asked);
        } else {
            code = io_wait(&wait, sock, WSP_SENDING);
        }
    }
    /* WSPSEND-2: nonblocking, a part is a success. */
    if (code == WSAEWOULDBLOCK && atomic_load_explicit(&sock->slow, memory_order_relaxed) & WSP_SLOW_EVENTS)
        wsp_events_reenable(sock, FD_WRITE);
    if (code == WSAEWOULDBLOCK && done > 0)
        code = 0;
    if (code == 0)
        code = io_send_acked(call, &wait);
    if (code == 0)
        *call->bytes = done;
    return code;
}

/* An unbound datagram socket has nothing to receive with (WSPRECVFROM-5). */
static int io_recv_state(const struct wsp_socket *sock)
{
    struct stk_addr local;

    if (wsp_socket_is_stream(sock))
        return 0;
    return stk_sock_local(sock->stk, &local) == STK_EINVAL ? WSAEINVAL : 0;
}

static int io_recv_finish(const struct wsp_call *call, const struct wsp_io_from *from, uint32_t done)
{
    int code = 0;

    *call->bytes = done;
    *call->flags_out = 0;
    if (wsp_socket_is_stream(call->sock))
        return 0;
    if (call->message)
        return wsp_message_received(call->sock, call->message, &from->info);
    if (call->from)
        code = wsp_addr_write(&from->info.from, call->sock->family, call->from, call->fromlen);
    if (from->info.truncated) { /* WSPRECV-3, WSPRECVFROM-4 */
        *call->flags_out = MSG_PARTIAL;
        code = WSAEMSGSIZE;
    }
    return code;
}

static int io_recv_sync(const struct wsp_call *call, struct io_vec *vec)
{
    struct wsp_socket *sock = call->sock;
    struct wsp_io_from from = {.single = call->message && !wsp_message_tells_merge(sock, call->message)};
    struct wsp_wait wait;
    uint32_t done = 0;
    int code = 0;

    wsp_wait_begin(&wait, io_time_limit(sock, &sock->rcvtimeo_ms));
    wait.handle = call->handle;
    while (code == 0) {
        int64_t got = io_blocked(sock, WSP_READING)
                          ? (int64_t)STK_EAGAIN
                          : wsp_io_recv_once(sock, vec->all + vec->first, vec->count - vec->first, call->flags, &from);

        if (got >= 0) {
            done += (uint32_t)got;
            io_advance(vec, (size_t)got);
            if (!(call->flags & MSG_WAITALL) || got == 0 || done >= vec->total || wsp_io_at_mark(sock))
                break;
        } else if (got != STK_EAGAIN) {
            code = wsp_io_ended(sock, wsp_io_code(sock, WSP_READING, call->named, got), wait.asked);
        } else {
            code = io_recv_state(sock);
            if (code == 0)
                code = io_wait(&wait, sock, WSP_READING);
        }
    }
    /* MSG_WAITALL: what is there is not lost by an end that came before the rest. */
    if (code != 0 && done > 0)
        code = 0;
    if (code == 0)
        code = io_recv_finish(call, &from, done);
    return code;
}

static bool io_is_overlapped(const struct wsp_call *call)
{
    return call->overlapped && (call->sock->flags & WSA_FLAG_OVERLAPPED); /* CF-6, OVL2-1 */
}

/* The urgent byte, which jumps the queue: it is there, or the call fails; it never waits, not even where it was announced,
   as it may be behind data that only this program can read. */
static int io_recv_urgent(struct wsp_call *call, const struct io_vec *vec)
{
    struct wsp_socket *sock = call->sock;
    unsigned how = STK_RECV_OOB | (call->flags & MSG_PEEK ? (unsigned)STK_RECV_PEEK : 0u);
    int64_t got = stk_sock_recv(sock->stk, vec->all, vec->count, how);
    int code = 0;

    call->flags = MSG_OOB; /* what the result says */
    if (got < 0)
        code = wsp_io_ended(sock, wsp_io_code(sock, WSP_READING, call->named, got), false);
    else if (io_is_overlapped(call))
        code = wsp_request_complete_now(call, (DWORD)got);
    if (code == 0) {
        if (call->bytes)
            *call->bytes = (DWORD)got;
        *call->flags_out = MSG_OOB;
    }
    return code;
}

/* Everything but the shortest path. @param done  Bytes that the short path already sent. */
static int io_send(struct wsp_call *call, uint32_t done)
{
    struct stk_addr to;
    struct io_vec vec;
    int code = io_check_send(call, &to);

    if (code != 0)
        return code;
    if (io_is_overlapped(call))
        return wsp_request_start(call);
    if (!call->bytes)
        return WSAEFAULT; /* an overlapped structure on a socket without the attribute */
    code = io_vec_make(&vec, call->buffers, call->buffers_count);
    if (code != 0)
        return code;
    code = io_send_sync(call, &vec, call->to ? &to : NULL, done);
    io_vec_free(&vec);
    return code;
}

static int io_recv_checked(struct wsp_call *call)
{
    struct io_vec vec;
    int code = io_check_recv(call);

    if (code != 0)
        return code;
    if (io_is_overlapped(call) && !(call->flags & MSG_OOB)) {
        code = io_recv_state(call->sock);
        return code != 0 ? code : wsp_request_start(call);
    }
    if (!call->bytes && !io_is_overlapped(call))
        return WSAEFAULT;
    code = io_vec_make(&vec, call->buffers, call->buffers_count);
    if (code != 0)
        return code;
    code = call->flags & MSG_OOB ? io_recv_urgent(call, &vec) : io_recv_sync(call, &vec);
    io_vec_free(&vec);
    return code;
}

/* A.11.8: every receive enables, one that is refused too. */
static int io_recv(struct wsp_call *call)
{
    int code = io_recv_checked(call);

    if (atomic_load_explicit(&call->sock->slow, memory_order_relaxed) & WSP_SLOW_EVENTS)
        wsp_events_reenable(call->sock, FD_READ | FD_OOB);
    return code;
}

int wsp_io_receive(struct wsp_call *call)
{
    return io_recv(call);
}

int wsp_io_transmit(struct wsp_call *call)
{
    return io_send(call, 0);
}

static int io_return(struct wsp_socket *sock, int code, LPINT lpErrno)
{
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/* A program that polls meets this more often than data: it is part of the short path. */
static inline bool io_polls(const struct wsp_socket *sock)
{
    return atomic_load_explicit(&sock->nonblocking, memory_order_relaxed) != 0;
}

/* One buffer, no flags, nothing else going on: the case that must be short. */
static inline bool io_is_short(const struct wsp_socket *sock, const WSABUF *buffers, DWORD count, const void *bytes)
{
    return count == 1 && buffers && bytes && buffers->buf && buffers->len <= INT32_MAX &&
           atomic_load_explicit(&sock->slow, memory_order_relaxed) == 0;
}

/**
 * WSPSend. Context: any thread; blocks on a blocking socket without room.
 * Source: rules WSPSEND-1..7, OVL2, SG.
 */
int WSPAPI wsp_send(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
                    LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
                    LPWSATHREADID lpThreadId, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_call call;
    uint32_t done = 0;

    if (!sock)
        return SOCKET_ERROR;
    if (!lpOverlapped && dwFlags == 0 && io_is_short(sock, lpBuffers, dwBufferCount, lpNumberOfBytesSent)) {
        struct stk_iov iov = {.base = lpBuffers->buf, .len = lpBuffers->len};
        int64_t sent = stk_sock_send(sock->stk, &iov, 1);

        if (sent == (int64_t)lpBuffers->len) {
            *lpNumberOfBytesSent = (DWORD)sent;
            wsp_socket_put(sock);
            return 0;
        }
        if (sent == STK_EAGAIN && io_polls(sock))
            return io_return(sock, WSAEWOULDBLOCK, lpErrno);
        done = sent > 0 ? (uint32_t)sent : 0;
    }
    call = (struct wsp_call){.sock = sock,
                             .direction = WSP_SENDING,
                             .buffers = lpBuffers,
                             .buffers_count = dwBufferCount,
                             .bytes = lpNumberOfBytesSent,
                             .flags = dwFlags,
                             .overlapped = lpOverlapped,
                             .routine = lpCompletionRoutine,
                             .thread = lpThreadId,
                             .handle = s};
    return io_return(sock, io_send(&call, done), lpErrno);
}

/**
 * WSPSendTo. Context: as WSPSend. Source: rules WSPSENDTO-1..5, CLL.
 */
int WSPAPI wsp_send_to(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
                       const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
                       LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_call call;

    if (!sock)
        return SOCKET_ERROR;
    call = (struct wsp_call){.sock = sock,
                             .direction = WSP_SENDING,
                             .buffers = lpBuffers,
                             .buffers_count = dwBufferCount,
                             .bytes = lpNumberOfBytesSent,
                             .flags = dwFlags,
                             .named = true,
                             .to = lpTo,
                             .tolen = iTolen,
                             .overlapped = lpOverlapped,
                             .routine = lpCompletionRoutine,
                             .thread = lpThreadId,
                             .handle = s};
    return io_return(sock, io_send(&call, 0), lpErrno);
}

/**
 * WSPRecv. Context: any thread; blocks on a blocking socket without data.
 * Source: rules WSPRECV-1..8, OVL2, SG.
 */
int WSPAPI wsp_recv(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
                    LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
                    LPWSATHREADID lpThreadId, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_call call;

    if (!sock)
        return SOCKET_ERROR;
    if (!lpOverlapped && lpFlags && *lpFlags == 0 &&
        io_is_short(sock, lpBuffers, dwBufferCount, lpNumberOfBytesRecvd)) {
        struct stk_iov iov = {.base = lpBuffers->buf, .len = lpBuffers->len};
        int64_t got = stk_sock_recv(sock->stk, &iov, 1, 0);

        if (got >= 0) {
            *lpNumberOfBytesRecvd = (DWORD)got;
            wsp_socket_put(sock);
            return 0;
        }
        if (got == STK_EAGAIN && io_polls(sock))
            return io_return(sock, WSAEWOULDBLOCK, lpErrno);
    }
    call = (struct wsp_call){.sock = sock,
                             .direction = WSP_READING,
                             .buffers = lpBuffers,
                             .buffers_count = dwBufferCount,
                             .bytes = lpNumberOfBytesRecvd,
                             .flags_out = lpFlags,
                             .overlapped = lpOverlapped,
                             .routine = lpCompletionRoutine,
                             .thread = lpThreadId,
                             .handle = s};
    return io_return(sock, io_recv(&call), lpErrno);
}

/**
 * WSPRecvFrom. Context: as WSPRecv. Source: rules WSPRECVFROM-1..6, CLL.
 */
int WSPAPI wsp_recv_from(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
                         LPDWORD lpFlags, struct sockaddr *lpFrom, LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
                         LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId,
                         LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_call call;

    if (!sock)
        return SOCKET_ERROR;
    call = (struct wsp_call){.sock = sock,
                             .direction = WSP_READING,
                             .buffers = lpBuffers,
                             .buffers_count = dwBufferCount,
                             .bytes = lpNumberOfBytesRecvd,
                             .flags_out = lpFlags,
                             .named = true,
                             .from = lpFrom,
                             .fromlen = lpFromlen,
                             .overlapped = lpOverlapped,
                             .routine = lpCompletionRoutine,
                             .thread = lpThreadId,
                             .handle = s};
    return io_return(sock, io_recv(&call), lpErrno);
}

/** @file AcceptEx. */
#include "wsp_acceptex.h"

#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_many.h"
#include "wsp_notice.h"
#include "wsp_provider.h"
#include "wsp_upcall.h"

/* The parts of the buffer (AEX-7): the request's vector has one entry, so that data goes into the first only. */
enum acceptex_part { ACCEPTEX_DATA, ACCEPTEX_LOCAL, ACCEPTEX_REMOTE, ACCEPTEX_PARTS };

#define ACCEPTEX_SPARE 16 /* bytes that an address's part has beyond it */

/* One that CF_DEFER left at the head of the queue, in order. The listener's lock is held. */
static struct stk_sock *acceptex_deferred(struct wsp_socket *listener, struct wsp_request *request)
{
    struct wsp_socket *waiting = listener->deferred;
    struct stk_sock *conn;

    if (!waiting)
        return NULL;
    listener->deferred = waiting->deferred_next;
    conn = waiting->stk;
    request->to = waiting->peer;
    waiting->stk = NULL;
    wsp_socket_discard(waiting);
    stk_sock_cookie_set(conn, request->accept);
    return conn;
}

/* Take the next connection that lives. */
static int acceptex_take(struct wsp_socket *listener, struct wsp_request *request)
{
    struct stk_sock *conn = NULL;
    int err;

    request->conn = acceptex_deferred(listener, request);
    if (request->conn)
        return STK_OK;
    do
        err = stk_sock_accept(listener->stk, request->accept, &conn, &request->to);
    while (err == STK_ECONNRESET || err == STK_EACCES);
    if (err == STK_OK)
        request->conn = conn;
    return err;
}

/* AEX-9: the first data, or the end without any. */
static int64_t acceptex_read(struct wsp_request *request)
{
    if (request->vec[ACCEPTEX_DATA].len == 0)
        return 0;
    return stk_sock_recv(request->conn, &request->vec[ACCEPTEX_DATA], 1, 0);
}

/* AEX-5: 16 bytes more than an address, or no local one; who gives less is told so when a connection is there. */
static bool acceptex_fits(const struct wsp_socket *listener, const struct wsp_request *request)
{
    size_t least = (size_t)wsp_addr_size(listener->family) + ACCEPTEX_SPARE;
    size_t local = request->iov[ACCEPTEX_LOCAL].len;

    return (local == 0 || local >= least) && request->iov[ACCEPTEX_REMOTE].len >= least;
}

/* The connection stays for the next one. @return  true when the request is over. */
static bool acceptex_refuse(struct wsp_socket *listener, struct wsp_request *request, bool *dry)
{
    if (*dry) /* AEX-14 */
        return false;
    (void)stk_sock_arm(listener->stk, STK_READY_ACCEPT);
    *dry = !listener->deferred && !(stk_sock_ready(listener->stk) & STK_READY_ACCEPT);
    if (*dry)
        return false;
    request->code = WSAEFAULT;
    return true;
}

static int64_t acceptex_advance(struct wsp_socket *listener, struct wsp_socket *sock, struct wsp_request *request,
                                bool *dry)
{
    int64_t err = STK_OK;

    if (!request->conn && *dry) /* AEX-14: what has come since is of who was posted before */
        return STK_EAGAIN;
    if (!request->conn) {
        (void)stk_sock_arm(listener->stk, STK_READY_ACCEPT);
        err = acceptex_take(listener, request);
        *dry = err == STK_EAGAIN;
        if (err == STK_OK)
            atomic_store(&sock->connect_ns, stk_clock_ns());
    }
    if (err == STK_OK) /* CON-22 */
        err = stk_sock_admit(request->conn);
    if (err == STK_EINPROGRESS) {
        (void)stk_sock_arm(request->conn, STK_READY_CONN | STK_READY_RESET);
        return STK_EAGAIN;
    }
    if (err != STK_OK)
        return err;
    err = acceptex_read(request);
    if (err == STK_EAGAIN)
        (void)stk_sock_arm(request->conn, STK_READY_IN | STK_READY_EOF | STK_READY_RESET);
    return err;
}

bool wsp_acceptex_step(struct wsp_socket *listener, struct wsp_request *request, bool *dry)
{
    struct wsp_socket *sock = wsp_socket_get_context(request->accept);
    int64_t moved;

    if (!sock) { /* AEX-18: before a connection is taken for it */
        request->code = WSA_OPERATION_ABORTED;
        return atomic_load(&wsp_provider.stop) == 0; /* WSPCLEANUP-3: ended with the listener, without an indication */
    }
    if (!acceptex_fits(listener, request)) {
        wsp_socket_put(sock);
        return acceptex_refuse(listener, request, dry);
    }
    moved = acceptex_advance(listener, sock, request, dry);
    wsp_socket_put(sock);
    if (moved == STK_EAGAIN)
        return false;
    if (moved < 0)
        request->code = wsp_error_of(WSP_OP_RECV, (int)moved);
    else
        request->bytes = (uint32_t)moved;
    return true;
}

/* AEX-7: the address as it is, at the start of its part; nothing where it does not fit. */
static void acceptex_put_addr(const struct stk_iov *part, int family, const struct stk_addr *addr)
{
    SOCKADDR_STORAGE text = {0};
    INT size = (INT)sizeof text;

    if (part->len == 0)
        return;
    memset(part->base, 0, part->len);
    if (wsp_addr_write(addr, family, (struct sockaddr *)&text, &size) == 0 && (size_t)size <= part->len)
        memcpy(part->base, &text, (size_t)size);
}

/* The accepting socket goes on with the connection. */
static bool acceptex_give(struct wsp_socket *sock, struct wsp_request *request)
{
    struct stk_addr local = {0};

    (void)stk_sock_local(request->conn, &local);
    if (!wsp_socket_renew(sock, request->conn, STK_CLOSE_ABORT, 1))
        return false;
    request->conn = NULL;
    acceptex_put_addr(&request->iov[ACCEPTEX_LOCAL], sock->family, &local);
    acceptex_put_addr(&request->iov[ACCEPTEX_REMOTE], sock->family, &request->to);
    atomic_store(&sock->end_told, 0);
    atomic_store(&sock->shut, 0);
    atomic_store(&sock->accepted_by, atomic_load(&sock->accepting));
    atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_ACCEPTED);
    return true;
}

void wsp_acceptex_settle(struct wsp_request *request)
{
    struct wsp_socket *sock;

    if (request->accept == 0)
        return;
    sock = wsp_socket_get_context(request->accept);
    if (request->code == 0 && !sock)
        request->code = WSA_OPERATION_ABORTED;
    if (request->code == 0 && !acceptex_give(sock, request))
        request->code = WSAENOBUFS;
    if (request->code != 0) {
        request->bytes = 0;
        if (request->conn)
            (void)stk_sock_close(request->conn, STK_CLOSE_ABORT);
        request->conn = NULL;
    }
    request->accept = 0;
    if (!sock)
        return;
    if (request->code != 0)
        atomic_store(&sock->connect_ns, 0);
    atomic_store(&sock->accepting, 0);
    if (request->code == 0)
        wsp_events_reenable(sock, FD_READ | FD_WRITE | FD_CLOSE | FD_OOB);
    wsp_socket_put(sock);
}

bool wsp_acceptex_first(struct wsp_socket *listener)
{
    const struct wsp_request *request;
    bool waits;

    wsp_mutex_lock(&listener->lock);
    waits = wsp_request_pends(listener, WSP_NOTICE_ACCEPT);
    wsp_mutex_unlock(&listener->lock);
    if (!waits)
        return false;
    wsp_notice_look(listener);
    wsp_mutex_lock(&listener->lock);
    request = listener->queues[WSP_PENDING].head;
    while (request && (request->notice != WSP_NOTICE_ACCEPT || request->conn))
        request = request->next;
    wsp_mutex_unlock(&listener->lock);
    return request != NULL;
}

void wsp_acceptex_follow(struct wsp_socket *sock)
{
    uint64_t context = atomic_load(&sock->accepting);
    struct wsp_socket *listener = context != 0 ? wsp_socket_get_context(context) : NULL;

    if (!listener)
        return;
    wsp_notice_look(listener);
    wsp_socket_put(listener);
}

int wsp_acceptex_update(struct wsp_socket *sock, SOCKET s)
{
    INT code = WSAENOTSOCK;
    struct wsp_socket *listener = wsp_socket_get(s, &code);

    if (!listener)
        return code;
    if (atomic_load(&sock->accepted_by) == 0)
        code = WSAENOTCONN;
    else if (atomic_load(&sock->accepted_by) != wsp_socket_context(listener))
        code = WSAEINVAL; /* AEX-23 */
    else
        code = 0;
    if (code == 0 && atomic_load(&sock->context) == WSP_CONTEXT_ACCEPTED) {
        wsp_accept_options(sock, listener); /* AEX-21 */
        atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_WHOLE);
    }
    wsp_socket_put(listener);
    return code;
}

/* The listener's lock is held. */
static int acceptex_begin(struct wsp_socket *listener, struct wsp_request *request, const void *context)
{
    (void)listener;
    request->vec_count = 1; /* the addresses' parts are no room for data */
    request->accept = *(const uint64_t *)context;
    return 0;
}

/* AEX-2, AEX-25. The accepting socket is the request's from here on. */
static int acceptex_reserve(struct wsp_socket *listener, SOCKET s, uint64_t *context)
{
    INT code = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &code);
    uint64_t none = 0;
    struct stk_addr local;

    if (!sock)
        return code;
    code = 0;
    if (sock->family != listener->family || sock->type != listener->type || sock->protocol != listener->protocol ||
        stk_sock_local(sock->stk, &local) == STK_OK ||
        !atomic_compare_exchange_strong(&sock->accepting, &none, wsp_socket_context(listener)))
        code = WSAEINVAL;
    *context = wsp_socket_context(sock);
    wsp_socket_put(sock);
    return code;
}

static void acceptex_release(uint64_t context)
{
    struct wsp_socket *sock = wsp_socket_get_context(context);

    if (!sock)
        return;
    atomic_store(&sock->accepting, 0);
    wsp_socket_put(sock);
}

/* AEX-5 */
static bool acceptex_room(const WSABUF *parts)
{
    return parts[ACCEPTEX_DATA].buf &&
           wsp_memory_ends_readable(parts[ACCEPTEX_DATA].buf, (uint64_t)parts[ACCEPTEX_DATA].len +
                                                                  parts[ACCEPTEX_LOCAL].len +
                                                                  parts[ACCEPTEX_REMOTE].len);
}

static int acceptex_run(struct wsp_call *call, SOCKET accepting)
{
    struct wsp_socket *listener = call->sock;
    uint64_t context = 0;
    struct wsp_pend pend = {.notice = WSP_NOTICE_ACCEPT, .begin = acceptex_begin, .arg = &context};
    int code;

    if (!call->overlapped)
        return ERROR_INVALID_PARAMETER; /* AEX-4 */
    if (!wsp_socket_is_stream(listener) || !atomic_load(&listener->listening))
        return WSAEINVAL; /* AEX-1 */
    if (call->buffers[ACCEPTEX_REMOTE].len == 0 || !acceptex_room(call->buffers) ||
        !wsp_memory_readable(call->overlapped, sizeof *call->overlapped))
        return WSAEFAULT; /* AEX-5, AEX-6 */
    code = acceptex_reserve(listener, accepting, &context);
    if (code != 0)
        return code;
    code = wsp_request_begin(call, &pend);
    if (code != WSA_IO_PENDING)
        acceptex_release(context);
    return code;
}

BOOL WSPAPI wsp_accept_ex(SOCKET s, SOCKET accepting, PVOID buffer, DWORD data, DWORD local, DWORD remote,
                          LPDWORD received, LPOVERLAPPED overlapped)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *listener = wsp_socket_get(s, &err);
    uintptr_t at = (uintptr_t)buffer; /* a wild one may end behind the memory */
    WSABUF parts[ACCEPTEX_PARTS] = {{.len = data, .buf = buffer},
                                    {.len = local, .buf = at ? (char *)(at + data) : NULL},
                                    {.len = remote, .buf = at ? (char *)(at + data + local) : NULL}};
    struct wsp_call call = {.sock = listener,
                            .handle = s,
                            .buffers = parts,
                            .buffers_count = ACCEPTEX_PARTS,
                            .overlapped = (LPWSAOVERLAPPED)overlapped};
    ULONG_PTR high = wsp_overlapped_high(call.overlapped);
    int code = err;

    (void)received;
    if (listener) {
        code = acceptex_run(&call, accepting);
        wsp_socket_put(listener);
    }
    if (code != WSA_IO_PENDING)
        wsp_overlapped_refused(call.overlapped, high);
    wsp_upcall_last_error(code);
    return FALSE;
}

static void acceptex_find(char *part, DWORD bytes, struct sockaddr **addr, LPINT len)
{
    ADDRESS_FAMILY family = AF_UNSPEC;
    INT size;

    if (bytes >= sizeof(SOCKADDR_IN))
        memcpy(&family, part, sizeof family);
    size = family == AF_INET || family == AF_INET6 ? wsp_addr_size(family) : 0;
    if ((DWORD)size > bytes)
        size = 0;
    if (addr)
        *addr = size > 0 ? (struct sockaddr *)(void *)part : NULL;
    if (len)
        *len = size;
}

void WSPAPI wsp_get_accept_ex_sockaddrs(PVOID buffer, DWORD data, DWORD local, DWORD remote,
                                        struct sockaddr **localaddr, LPINT locallen, struct sockaddr **remoteaddr,
                                        LPINT remotelen)
{
    char *at = buffer;

    acceptex_find(at ? at + data : NULL, at ? local : 0, localaddr, locallen);
    acceptex_find(at ? at + data + local : NULL, at ? remote : 0, remoteaddr, remotelen);
}

/** @file ConnectEx. */
#include "wsp_connectex.h"

#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_many.h"
#include "wsp_upcall.h"

#define REBIND_NAP_NS 50000
#define REBIND_NAPS 100
#define CONNECTEX_READY (STK_READY_CONN | STK_READY_FAIL | STK_READY_RESET)

/* CEX-8: that there is no way is told by the completion, as that nobody answers. */
static bool connectex_tells_later(int err)
{
    return err == STK_ENETUNREACH || err == STK_EHOSTUNREACH || err == STK_ECONNREFUSED || err == STK_ETIMEDOUT;
}

static int connectex_begin(struct wsp_socket *sock, struct wsp_request *request, const void *remote)
{
    int err;

    /* Armed first, so that its end is told before what follows from it, the other end's AcceptEx (IOCP-13). */
    (void)stk_sock_arm(sock->stk, CONNECTEX_READY);
    err = stk_sock_connect(sock->stk, remote);
    if (err != STK_EINPROGRESS && err != STK_OK) {
        if (!connectex_tells_later(err))
            return wsp_error_of(WSP_OP_CONNECT, err);
        request->mark = (uint32_t)wsp_error_of(WSP_OP_CONNECT, err);
        return 0;
    }
    atomic_store(&sock->connect_error, 0);
    atomic_store(&sock->connect_ns, stk_clock_ns());
    return 0;
}

bool wsp_connectex_step(struct wsp_socket *sock, struct wsp_request *request)
{
    uint32_t ready;

    if (request->mark != 0) {
        request->code = (int)request->mark;
        return true;
    }
    (void)stk_sock_arm(sock->stk, CONNECTEX_READY);
    ready = stk_sock_ready(sock->stk);
    if (!(ready & CONNECTEX_READY))
        return false;
    if (ready & STK_READY_FAIL) {
        request->code = wsp_connect_take_error(sock);
        if (request->code == 0)
            request->code = WSAECONNREFUSED;
        return true;
    }
    atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_CONNECTED);
    if (request->vec[0].len > 0)
        request->direction = WSP_SENDING; /* CEX-6: it goes on as a send */
    return true;
}

int wsp_connectex_fresh(struct wsp_socket *sock, struct stk_sock **out)
{
    struct stk_client *client = wsp_provider_client_now();
    struct stk_sock *fresh = NULL;
    int err;

    if (!client)
        return WSAENETDOWN;
    err = stk_sock_open(client, (int)wsp_addr_family(sock->family), STK_SOCK_STREAM, 0, wsp_socket_context(sock),
                        &fresh);
    if (err == STK_OK)
        *out = fresh;
    return wsp_error_of(WSP_OP_SOCKET, err);
}

void wsp_connectex_bind(struct wsp_socket *sock, const struct stk_addr *local, enum stk_close_mode mode, uint32_t own)
{
    struct stk_addr any_port = *local;
    int err = stk_sock_bind(sock->stk, local);

    any_port.port = 0;
    for (int naps = 0; err != STK_OK && naps < REBIND_NAPS; naps++) { /* a call may just be leaving the old one */
        wsp_os_sleep_ns(REBIND_NAP_NS);
        wsp_socket_reap(sock, mode, own);
        err = stk_sock_bind(sock->stk, local);
    }
    if (err != STK_OK)
        (void)stk_sock_bind(sock->stk, &any_port);
}

/* CEX-14: the handshake is given up. The socket is as it was before, and bound. */
void wsp_connectex_settle(struct wsp_request *request)
{
    struct wsp_socket *sock;
    struct stk_sock *fresh = NULL;
    struct stk_addr local;

    if (request->code != WSA_OPERATION_ABORTED)
        return;
    sock = wsp_socket_get_context(atomic_load_explicit(&request->context, memory_order_relaxed));
    if (!sock)
        return; /* it is being closed, and the handshake with it */
    /* Two references: this one, and that of whoever delivers. */
    if (stk_sock_local(sock->stk, &local) == STK_OK && wsp_connectex_fresh(sock, &fresh) == 0) {
        atomic_store(&sock->connect_ns, 0);
        if (wsp_socket_renew(sock, fresh, STK_CLOSE_ABORT, 2))
            wsp_connectex_bind(sock, &local, STK_CLOSE_ABORT, 2);
        else
            (void)stk_sock_close(fresh, STK_CLOSE_ABORT);
    }
    wsp_socket_put(sock);
}

int wsp_connectex_update(struct wsp_socket *sock)
{
    if (atomic_load(&sock->context) == WSP_CONTEXT_CONNECTED) {
        atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_WHOLE);
        return 0;
    }
    return stk_sock_ready(sock->stk) & STK_READY_CONN ? 0 : WSAENOTCONN; /* CEX-13 */
}

/* Its first and its last byte: a buffer may be as large as the memory. */
static bool connectex_readable(const WSABUF *buf)
{
    return buf->len == 0 || (wsp_os_readable(buf->buf, 1) && wsp_os_readable(buf->buf + buf->len - 1, 1));
}

static int connectex_run(struct wsp_socket *sock, const struct sockaddr *name, int namelen, struct wsp_call *call)
{
    struct stk_addr remote, local;
    struct wsp_pend pend = {.notice = WSP_NOTICE_CONNECT, .begin = connectex_begin, .arg = &remote};
    int code;

    if (!call->overlapped)
        return ERROR_INVALID_PARAMETER; /* CEX-2 */
    if (!wsp_socket_is_stream(sock))
        return WSAEINVAL; /* CEX-3 */
    if (!wsp_memory_readable(call->overlapped, sizeof *call->overlapped) || !connectex_readable(call->buffers))
        return WSAEFAULT; /* B.17 */
    code = wsp_addr_read(name, namelen, sock->family, &remote);
    if (code != 0)
        return code;
    if (stk_sock_local(sock->stk, &local) != STK_OK || atomic_load(&sock->accepting) != 0)
        return WSAEINVAL; /* CEX-1 */
    /* A new connection: every event may occur anew. */
    wsp_events_reenable(sock, FD_READ | FD_WRITE | FD_CLOSE | FD_OOB);
    return wsp_request_begin(call, &pend);
}

BOOL WSPAPI wsp_connect_ex(SOCKET s, const struct sockaddr *name, int namelen, PVOID buffer, DWORD bytes, LPDWORD sent,
                           LPOVERLAPPED overlapped)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &err);
    WSABUF data = {.len = buffer ? bytes : 0, .buf = buffer};
    struct wsp_call call = {.sock = sock,
                            .handle = s,
                            .buffers = &data,
                            .buffers_count = data.len > 0,
                            .overlapped = (LPWSAOVERLAPPED)overlapped};
    ULONG_PTR high = wsp_overlapped_high(call.overlapped);
    int code = err;

    (void)sent;
    if (sock) {
        code = connectex_run(sock, name, namelen, &call);
        wsp_socket_put(sock);
    }
    if (code != WSA_IO_PENDING)
        wsp_overlapped_refused(call.overlapped, high);
    wsp_upcall_last_error(code);
    return FALSE;
}

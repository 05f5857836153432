/** @file DisconnectEx. */
#include "wsp_disconnectex.h"

#include "wsp_connectex.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_many.h"
#include "wsp_sdk.h"
#include "wsp_upcall.h"
#include "wsp_wait.h"

/* How far a request is, in its mark. */
enum disconnectex_phase { DISCONNECTEX_SENDS, DISCONNECTEX_ENDS };

/* What is used again has ended in both directions (DEX-8); else our own end is enough (Windows, as conformance suites observe). */
static bool disconnectex_over(uint32_t ready, bool reuse)
{
    const uint32_t ended = STK_READY_DRAINED | (reuse ? STK_READY_EOF : 0);

    return (ready & STK_READY_RESET) || (ready & ended) == ended;
}

bool wsp_disconnectex_step(struct wsp_socket *sock, struct wsp_request *request)
{
    if (request->mark == DISCONNECTEX_SENDS) {
        if (sock->queues[WSP_SENDING].head) /* DEX-12: their end makes an event */
            return false;
        (void)stk_sock_shutdown(sock->stk, STK_SHUT_WR);
        atomic_fetch_or(&sock->shut, (uint32_t)STK_SHUT_WR);
        request->mark = DISCONNECTEX_ENDS;
    }
    (void)stk_sock_arm(sock->stk, STK_READY_RESET);
    if (!(stk_sock_ready(sock->stk) & STK_READY_DRAINED))
        (void)stk_sock_arm(sock->stk, STK_READY_DRAINED);
    if (request->conn && !(stk_sock_ready(sock->stk) & STK_READY_EOF))
        (void)stk_sock_arm(sock->stk, STK_READY_EOF);
    return disconnectex_over(stk_sock_ready(sock->stk), request->conn != NULL);
}

/* DEX-13: nothing of the old connection is left. */
static void disconnectex_reset(struct wsp_socket *sock)
{
    atomic_store(&sock->recycled,
                 (uint32_t)(atomic_load(&sock->accepted_by) != 0 ? WSP_CONTEXT_ACCEPTED : WSP_CONTEXT_CONNECTED));
    atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_WHOLE);
    atomic_store(&sock->accepted_by, 0);
    atomic_store(&sock->connect_ns, 0);
    atomic_store(&sock->connect_error, 0);
    atomic_store(&sock->connecting, 0);
    atomic_store(&sock->end_told, 0);
    atomic_store(&sock->shut, 0);
    wsp_events_end(sock);
}

int wsp_disconnectex_renew(struct wsp_socket *sock, struct stk_sock *fresh, uint32_t own)
{
    struct stk_addr local;
    bool bound = atomic_load(&sock->accepted_by) == 0 && stk_sock_local(sock->stk, &local) == STK_OK;

    if (!wsp_socket_renew(sock, fresh, STK_CLOSE_GRACEFUL, own)) {
        (void)stk_sock_close(fresh, STK_CLOSE_ABORT);
        return WSAENOBUFS;
    }
    if (bound) /* E31 */
        wsp_connectex_bind(sock, &local, STK_CLOSE_GRACEFUL, own);
    disconnectex_reset(sock);
    return 0;
}

void wsp_disconnectex_settle(struct wsp_request *request)
{
    struct stk_sock *fresh = request->conn;
    struct wsp_socket *sock;

    if (!fresh)
        return;
    request->conn = NULL;
    sock = request->code == 0 ? wsp_socket_get_context(atomic_load_explicit(&request->context, memory_order_relaxed))
                              : NULL;
    if (!sock) {
        (void)stk_sock_close(fresh, STK_CLOSE_ABORT);
        return;
    }
    request->code = wsp_disconnectex_renew(sock, fresh, 2); /* this reference, and that of whoever delivers */
    wsp_socket_put(sock);
}

static int disconnectex_begin(struct wsp_socket *sock, struct wsp_request *request, const void *fresh)
{
    if (wsp_request_pends(sock, WSP_NOTICE_DISCONNECT))
        return WSAEALREADY;
    request->conn = *(struct stk_sock *const *)fresh;
    return 0;
}

/* DEX-6. */
static int disconnectex_block(struct wsp_socket *sock, SOCKET s, bool reuse)
{
    struct wsp_wait wait;
    uint32_t ready;
    int code = 0;

    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    while (code == 0 && (atomic_load(&sock->slow) & WSP_SLOW_SENDING)) /* DEX-12 */
        code = wsp_wait_nap(&wait, sock);
    if (code == 0 && stk_sock_shutdown(sock->stk, STK_SHUT_WR) == STK_OK)
        atomic_fetch_or(&sock->shut, (uint32_t)STK_SHUT_WR);
    while (code == 0) {
        ready = stk_sock_ready(sock->stk);
        if (disconnectex_over(ready, reuse))
            break;
        code = wsp_wait_ready(&wait, sock,
                              STK_READY_RESET | (ready & STK_READY_DRAINED ? STK_READY_EOF : STK_READY_DRAINED));
    }
    return code;
}

static int disconnectex_run(struct wsp_call *call, DWORD flags, DWORD reserved)
{
    struct wsp_socket *sock = call->sock;
    struct stk_sock *fresh = NULL;
    struct wsp_pend pend = {.notice = WSP_NOTICE_DISCONNECT, .begin = disconnectex_begin, .arg = &fresh};
    struct stk_addr peer;
    int code;

    if (reserved != 0 || (flags & ~(DWORD)TF_REUSE_SOCKET))
        return WSAEINVAL; /* DEX-1, DEX-2 */
    if (call->overlapped && !wsp_memory_readable(call->overlapped, sizeof *call->overlapped))
        return WSAEFAULT; /* DEX-4 */
    /* DEX-3; DEX-9: one that was reset has ended, and its handle is used again as any. */
    if (!wsp_socket_is_stream(sock) ||
        (stk_sock_peer(sock->stk, &peer) != STK_OK && !(stk_sock_ready(sock->stk) & STK_READY_RESET)))
        return WSAENOTCONN;
    code = flags & TF_REUSE_SOCKET ? wsp_connectex_fresh(sock, &fresh) : 0;
    if (code != 0)
        return code;
    if (call->overlapped) {
        code = wsp_request_begin(call, &pend);
        if (code == WSA_IO_PENDING)
            return code;
    } else {
        code = disconnectex_block(sock, call->handle, fresh != NULL);
        if (code == 0 && fresh)
            return wsp_disconnectex_renew(sock, fresh, 1);
    }
    if (code != 0 && fresh)
        (void)stk_sock_close(fresh, STK_CLOSE_ABORT);
    return code;
}

BOOL WSPAPI wsp_disconnect_ex(SOCKET s, LPOVERLAPPED overlapped, DWORD flags, DWORD reserved)
{
    INT err = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &err);
    struct wsp_call call = {.sock = sock, .handle = s, .overlapped = (LPWSAOVERLAPPED)overlapped};
    int code = err;

    if (sock) {
        code = disconnectex_run(&call, flags, reserved);
        wsp_socket_put(sock);
    }
    if (code == 0)
        return TRUE;
    wsp_upcall_last_error(code);
    return FALSE;
}

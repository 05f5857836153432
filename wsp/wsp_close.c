/** @file Shutting down and closing. */
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_share.h"
#include "wsp_wait.h"

#include "stack/process.h"

static int close_shutdown(SOCKET s, unsigned how, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    int err;

    if (!sock)
        return SOCKET_ERROR;
    err = wsp_socket_is_partial(sock) ? STK_ENOTCONN : stk_sock_shutdown(sock->stk, how);
    if (err == STK_OK)
        atomic_fetch_or_explicit(&sock->shut, how, memory_order_relaxed);
    wsp_socket_put(sock);
    return err == STK_OK ? 0 : wsp_fail_stk(lpErrno, WSP_OP_ANY, err);
}

/**
 * WSPShutdown. Context: any thread. Does not block. Source: rules WSPSHUTDOWN-1..4.
 */
int WSPAPI wsp_shutdown(SOCKET s, int how, LPINT lpErrno)
{
    static const unsigned directions[] = {
        [SD_RECEIVE] = STK_SHUT_RD, [SD_SEND] = STK_SHUT_WR, [SD_BOTH] = STK_SHUT_RD | STK_SHUT_WR};
    struct wsp_socket *sock;

    if (how >= SD_RECEIVE && how <= SD_BOTH)
        return close_shutdown(s, directions[how], lpErrno);
    sock = wsp_socket_get(s, lpErrno); /* a bad handle is told first: WSPC-5 */
    if (!sock)
        return SOCKET_ERROR;
    wsp_socket_put(sock);
    return wsp_fail(lpErrno, WSAEINVAL);
}

/* TCP carries no disconnect data: CDD-4. */
static int close_disconnect(SOCKET s, const WSABUF *data, unsigned how, LPINT lpErrno)
{
    struct wsp_socket *sock;

    if (!data)
        return close_shutdown(s, how, lpErrno);
    sock = wsp_socket_get(s, lpErrno);
    if (!sock)
        return SOCKET_ERROR;
    wsp_socket_put(sock);
    return wsp_fail(lpErrno, WSAENOPROTOOPT);
}

/**
 * WSPSendDisconnect. Context: any thread. Does not block. Source: rules WSPSENDDISCONNECT-1, -2.
 */
int WSPAPI wsp_send_disconnect(SOCKET s, LPWSABUF lpOutboundDisconnectData, LPINT lpErrno)
{
    return close_disconnect(s, lpOutboundDisconnectData, STK_SHUT_WR, lpErrno);
}

/**
 * WSPRecvDisconnect. Context: any thread. Does not block. Source: rules WSPRECVDISCONNECT-1, -2.
 */
int WSPAPI wsp_recv_disconnect(SOCKET s, LPWSABUF lpInboundDisconnectData, LPINT lpErrno)
{
    return close_disconnect(s, lpInboundDisconnectData, STK_SHUT_RD_QUIET, lpErrno);
}

/* Send everything and the FIN, then wait for their acknowledgement. */
static enum stk_close_mode close_linger(struct wsp_socket *sock, uint32_t seconds)
{
    struct stk_wait_item item = {.sock = sock->stk, .wanted = STK_READY_DRAINED | STK_READY_RESET};
    struct stk_client *client = wsp_provider_client_now();
    struct wsp_wait wait;
    int found = 0;

    /* Calls of other threads end now, not after the linger time. */
    atomic_store_explicit(&sock->wake, WSP_WAKE_CLOSING, memory_order_release);
    if (client && wsp_socket_calls(sock) > 1)
        stk_client_wake(client);
    if (stk_sock_shutdown(sock->stk, STK_SHUT_WR) != STK_OK)
        return STK_CLOSE_GRACEFUL; /* nothing is connected: nothing to wait for */
    wsp_wait_begin(&wait, seconds * 1000u);
    if (wsp_wait_items(&wait, &item, 1, sock->catalog_id, &found) == 0 && found > 0)
        return STK_CLOSE_GRACEFUL;
    return STK_CLOSE_ABORT;
}

/*
 * How a socket ends by its linger options. @param linger_s  Seconds to wait first, 0: none. @return  false: a nonblocking
 * socket that would have to wait.
 */
static bool close_how(const struct wsp_socket *sock, enum stk_close_mode *mode, uint32_t *linger_s)
{
    uint32_t linger = atomic_load(&sock->linger);
    uint32_t ready;

    *mode = STK_CLOSE_GRACEFUL;
    *linger_s = 0;
    if (linger >> 16 == 0 || !wsp_socket_is_stream(sock))
        return true;
    if ((linger & 0xffff) == 0) {
        *mode = STK_CLOSE_ABORT;
        return true;
    }
    ready = stk_sock_ready(sock->stk);
    if (!(ready & STK_READY_CONN))
        return true;
    if (atomic_load(&sock->nonblocking))
        return (ready & (STK_READY_DRAINED | STK_READY_RESET)) != 0;
    *linger_s = linger & 0xffff;
    return true;
}

/**
 * WSPCloseSocket. One of several descriptors only goes; the last one ends the socket.
 *
 * Context: any thread; blocks on a blocking socket with a linger time.
 * Source: rules WSPCLOSESOCKET-1..7, the table of 7.1, CLS, SHR-7.
 */
int WSPAPI wsp_close_socket(SOCKET s, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    enum stk_close_mode mode = STK_CLOSE_GRACEFUL;
    enum wsp_share_end end;
    uint32_t linger_s = 0;

    if (!sock)
        return SOCKET_ERROR;
    /* From a DLL that is detached at the process's end: the socket ends with it, and its lock may never be free. */
    if (stk_process_ending()) {
        wsp_socket_put(sock);
        return 0;
    }
    end = wsp_share_close(sock, s);
    if (end != WSP_SHARE_LAST) {
        wsp_socket_put(sock);
        return end == WSP_SHARE_DROPPED ? 0 : wsp_fail(lpErrno, WSAENOTSOCK);
    }
    if (!close_how(sock, &mode, &linger_s)) {
        wsp_share_keep(sock);
        wsp_socket_put(sock);
        return wsp_fail(lpErrno, WSAEWOULDBLOCK); /* WSPCLOSESOCKET-1: the handle stays, nothing was begun */
    }
    if (!wsp_socket_mark_closed(sock)) {
        wsp_socket_put(sock);
        return wsp_fail(lpErrno, WSAENOTSOCK);
    }
    if (linger_s > 0)
        mode = close_linger(sock, linger_s);
    wsp_socket_end(sock, mode, true);
    wsp_socket_put(sock);
    return 0;
}

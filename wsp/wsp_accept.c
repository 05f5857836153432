/** @file Accepting connections. */
#include "wsp_acceptex.h"
#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_notice.h"
#include "wsp_wait.h"

/* What the condition function is asked with. */
struct accept_condition {
    LPCONDITIONPROC ask;
    DWORD_PTR data;
    SOCKET listener; /* as the application gave it */
};

/* Take a connection that was deferred, in order. */
static struct wsp_socket *accept_deferred(struct wsp_socket *listener)
{
    struct wsp_socket *sock;

    wsp_mutex_lock(&listener->lock);
    sock = listener->deferred;
    if (sock)
        listener->deferred = sock->deferred_next;
    wsp_mutex_unlock(&listener->lock);
    return sock;
}

/* WSPACCEPT-2: back to the head, untouched. */
static void accept_defer(struct wsp_socket *listener, struct wsp_socket *sock)
{
    wsp_mutex_lock(&listener->lock);
    sock->deferred_next = listener->deferred;
    listener->deferred = sock;
    wsp_mutex_unlock(&listener->lock);
    wsp_notice_look(listener); /* the condition function may have posted an AcceptEx */
}

static void accept_drop(struct wsp_socket *sock)
{
    (void)stk_sock_close(sock->stk, STK_CLOSE_ABORT);
    sock->stk = NULL;
    wsp_socket_discard(sock);
}

/* One connection, blocking as the listener does. */
static int accept_take(struct wsp_socket *listener, SOCKET s, struct wsp_socket **out)
{
    struct wsp_socket *sock = accept_deferred(listener);
    struct stk_sock *stk = NULL;
    struct wsp_wait wait;
    int code = 0, err;

    if (!sock)
        sock = wsp_socket_alloc();
    if (!sock)
        return WSAEMFILE;
    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    while (code == 0 && !sock->stk) {
        err = wsp_acceptex_first(listener)
                  ? STK_EAGAIN
                  : stk_sock_accept(listener->stk, wsp_socket_context(sock), &stk, &sock->peer);
        if (err == STK_OK)
            sock->stk = stk;
        else if (err != STK_EAGAIN)
            code = wsp_error_of(WSP_OP_ACCEPT, err);
        else if (atomic_load(&listener->nonblocking))
            code = WSAEWOULDBLOCK;
        else
            code = wsp_wait_ready(&wait, listener, STK_READY_ACCEPT);
    }
    if (code != 0) {
        wsp_socket_discard(sock);
        return code;
    }
    *out = sock;
    return 0;
}

/* WSPACCEPT-6. Runs in the calling thread, no lock held. */
static int accept_ask(const struct accept_condition *condition, struct wsp_socket *sock, int family)
{
    SOCKADDR_STORAGE caller = {0}, callee = {0};
    INT caller_size = (INT)sizeof caller, callee_size = (INT)sizeof callee;
    struct stk_addr local = {0};
    WSABUF caller_id, callee_id, callee_data = {.len = 0, .buf = NULL};
    GROUP g = 0;

    (void)stk_sock_local(sock->stk, &local);
    (void)wsp_addr_write(&sock->peer, family, (struct sockaddr *)&caller, &caller_size);
    (void)wsp_addr_write(&local, family, (struct sockaddr *)&callee, &callee_size);
    caller_id = (WSABUF){.len = (ULONG)caller_size, .buf = (CHAR *)&caller};
    callee_id = (WSABUF){.len = (ULONG)callee_size, .buf = (CHAR *)&callee};
    switch (condition->ask(&caller_id, NULL, NULL, NULL, &callee_id, &callee_data, &g, condition->data)) {
    case CF_ACCEPT:
        return g == 0 ? 0 : WSAEINVAL; /* A.5.22: there are no groups to join */
    case CF_REJECT:
        return WSAECONNREFUSED;
    case CF_DEFER:
        return WSATRY_AGAIN;
    default:
        return WSAEINVAL;
    }
}

/*
 * CON-22: a connection that SO_CONDITIONAL_ACCEPT holds back is made now. As Windows, also a nonblocking listener waits for
 * the handshake: the caller gets a socket that is connected.
 */
static int accept_admit(struct wsp_socket *listener, SOCKET s, struct wsp_socket *sock)
{
    struct stk_wait_item items[2] = {{.sock = sock->stk, .wanted = STK_READY_CONN | STK_READY_RESET},
                                     {.sock = listener->stk, .wanted = 0}};
    int err = stk_sock_admit(sock->stk);
    struct wsp_wait wait;
    int found = 0, code;

    if (err != STK_EINPROGRESS)
        return wsp_error_of(WSP_OP_ACCEPT, err);
    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    code = wsp_wait_items(&wait, items, 2, listener->catalog_id, &found);
    if (code == WSAENOTSOCK)
        return WSAEINTR; /* the listener is being closed */
    return code != 0 ? code : wsp_error_of(WSP_OP_ACCEPT, stk_sock_admit(sock->stk));
}

/* WSPACCEPT-4: everything but the ability to accept, as it is at this moment. */
static void accept_inherit(struct wsp_socket *sock, struct wsp_socket *listener)
{
    sock->catalog_id = listener->catalog_id;
    sock->family = listener->family;
    sock->type = listener->type;
    sock->protocol = listener->protocol;
    sock->flags = listener->flags;
    sock->info = listener->info;
    atomic_store(&sock->nonblocking, atomic_load(&listener->nonblocking));
    wsp_accept_options(sock, listener);
    atomic_store(&sock->connect_ns, stk_clock_ns());
}

void wsp_accept_options(struct wsp_socket *sock, struct wsp_socket *listener)
{
    atomic_store(&sock->rcvtimeo_ms, atomic_load(&listener->rcvtimeo_ms));
    atomic_store(&sock->sndtimeo_ms, atomic_load(&listener->sndtimeo_ms));
    atomic_store(&sock->linger, atomic_load(&listener->linger));
    if (atomic_load(&listener->slow) & WSP_SLOW_ACKED)
        wsp_slow_set(sock, WSP_SLOW_ACKED);
    for (size_t i = 0; i < sizeof sock->values / sizeof sock->values[0]; i++)
        atomic_store(&sock->values[i], atomic_load(&listener->values[i]));
}

/* Make the connection the application's. */
static int accept_finish(struct wsp_socket *listener, struct wsp_socket *sock, SOCKET *out)
{
    uint64_t context = wsp_socket_context(sock);
    int code;

    accept_inherit(sock, listener);
    code = wsp_socket_open(sock);
    if (code != 0)
        return code;
    *out = atomic_load(&sock->handle);
    sock = wsp_socket_get_context(context);
    if (sock) {
        wsp_events_inherit(sock, listener);
        if (wsp_provider_check() != 0 && wsp_socket_mark_closed(sock))
            wsp_socket_end(sock, STK_CLOSE_ABORT, false);
        wsp_socket_put(sock);
    }
    return wsp_provider_check();
}

static int accept_run(struct wsp_socket *listener, struct sockaddr *addr, LPINT addrlen,
                      const struct accept_condition *condition, SOCKET *out)
{
    struct wsp_socket *sock = NULL;
    struct stk_addr peer;
    int code;

    if (!wsp_socket_is_stream(listener))
        return WSAEOPNOTSUPP;
    if (!atomic_load(&listener->listening))
        return WSAEINVAL;
    /* Before anything is taken, so that the connection stays queued (WSPACCEPT-3). */
    if (addr && addrlen && *addrlen < wsp_addr_size(listener->family))
        return WSAEFAULT;
    if (condition->ask && !wsp_os_readable((const void *)(uintptr_t)condition->ask, 1))
        return WSAEFAULT; /* A.5.24 */
    code = accept_take(listener, condition->listener, &sock);
    if (code != 0)
        return code;
    peer = sock->peer;
    if (condition->ask)
        code = accept_ask(condition, sock, listener->family);
    if (code == 0)
        code = accept_admit(listener, condition->listener, sock);
    if (code == WSATRY_AGAIN)
        accept_defer(listener, sock);
    else if (code != 0)
        accept_drop(sock);
    else
        code = accept_finish(listener, sock, out);
    if (addr && addrlen)
        (void)wsp_addr_write(&peer, listener->family, addr, addrlen);
    return code;
}

/**
 * WSPAccept. Context: any thread; blocks on a blocking listener without connection. The condition function runs in
 * it. Source: rules WSPACCEPT-1..8, CON-15..CON-19.
 */
SOCKET WSPAPI wsp_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC lpfnCondition,
                         DWORD_PTR dwCallbackData, LPINT lpErrno)
{
    struct wsp_socket *listener = wsp_socket_get(s, lpErrno);
    struct accept_condition condition = {.ask = lpfnCondition, .data = dwCallbackData, .listener = s};
    SOCKET handle = INVALID_SOCKET;
    int code;

    if (!listener)
        return INVALID_SOCKET;
    code = accept_run(listener, addr, addrlen, &condition, &handle);
    if (wsp_events_registered(listener))
        wsp_events_reenable(listener, FD_ACCEPT);
    wsp_socket_put(listener);
    if (code != 0) {
        (void)wsp_fail(lpErrno, code);
        return INVALID_SOCKET;
    }
    return handle;
}

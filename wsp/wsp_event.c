/** @file Network events. */
#include "wsp_event.h"

#include "wsp_error.h"
#include "wsp_notice.h"
#include "wsp_share.h"
#include "wsp_upcall.h"

#define EVENTS_RETRY_NS 5000000 /* until a full queue is tried again */

/* What has to be armed for an event to be noticed. */
static const uint32_t event_ready[FD_MAX_EVENTS] = {
    [FD_READ_BIT] = STK_READY_IN,
    [FD_WRITE_BIT] = STK_READY_OUT,
    [FD_OOB_BIT] = STK_READY_OOB,
    [FD_ACCEPT_BIT] = STK_READY_ACCEPT,
    [FD_CONNECT_BIT] = STK_READY_CONN | STK_READY_FAIL | STK_READY_RESET,
    [FD_CLOSE_BIT] = STK_READY_EOF | STK_READY_RESET,
};

/* A.11.11: the connection comes before what it makes possible, its end last; to read comes before to write, as in Windows. */
static const unsigned char event_order[] = {
    FD_CONNECT_BIT,
    FD_ACCEPT_BIT,
    FD_OOB_BIT,
    FD_READ_BIT,
    FD_WRITE_BIT,
    FD_QOS_BIT,
    FD_GROUP_QOS_BIT,
    FD_ROUTING_INTERFACE_CHANGE_BIT,
    FD_ADDRESS_LIST_CHANGE_BIT,
    FD_CLOSE_BIT,
};
_Static_assert(sizeof event_order == FD_MAX_EVENTS, "every event has its turn");

int wsp_events_close_code(const struct stk_sock_status *status)
{
    if (!(status->ready & STK_READY_RESET))
        return 0;
    if (status->error == STK_ECONNRESET || status->error == 0)
        return WSAECONNRESET;
    return status->error == STK_ENETDOWN ? WSAENETDOWN : WSAECONNABORTED;
}

/* Does the event's condition hold? Its code is stored if so. Lock held. */
static bool event_holds(struct wsp_socket *sock, int bit, const struct stk_sock_status *status, int *code)
{
    bool stream = wsp_socket_is_stream(sock);
    uint32_t ready = status->ready;

    *code = 0;
    switch (bit) {
    case FD_READ_BIT:
        if (stream)
            return !(ready & STK_READY_ACCEPT) && status->rx_bytes > 0;
        return (ready & STK_READY_IN) != 0;
    case FD_WRITE_BIT:
        return (ready & STK_READY_OUT) != 0;
    case FD_OOB_BIT:
        return (ready & STK_READY_OOB) != 0;
    case FD_ACCEPT_BIT: /* EVT-22: none while a deferred one is at the head */
        return (ready & STK_READY_ACCEPT) != 0 && !sock->deferred;
    case FD_CONNECT_BIT:
        if (!atomic_load(&sock->connecting) ||
            (stream && !(ready & (STK_READY_CONN | STK_READY_FAIL | STK_READY_RESET))))
            return false;
        if (ready & STK_READY_FAIL) {
            *code = wsp_error_of(WSP_OP_CONNECT, stk_sock_error_take(sock->stk));
            if (*code == 0) /* taken for an earlier registration */
                *code = (int)atomic_load(&sock->connect_error);
            if (*code == 0) /* read as SO_ERROR: it failed all the same */
                *code = WSAECONNREFUSED;
            atomic_store(&sock->connect_error, *code);
        }
        atomic_store(&sock->connecting, 0);
        return true;
    case FD_CLOSE_BIT: /* EVT-5: the end is told once everything was read */
        if (!stream || (ready & STK_READY_FAIL))
            return false; /* a connect that failed is FD_CONNECT's to tell */
        *code = wsp_events_close_code(status);
        return (ready & STK_READY_RESET) || ((ready & STK_READY_EOF) && status->rx_bytes == 0);
    case FD_ADDRESS_LIST_CHANGE_BIT:
        return wsp_notice_event(sock, WSP_NOTICE_ADDRESSES);
    case FD_ROUTING_INTERFACE_CHANGE_BIT:
        return wsp_notice_event(sock, WSP_NOTICE_ROUTES);
    default: /* no QoS */
        return false;
    }
}

void wsp_events_evaluate(struct wsp_socket *sock, struct wsp_event_posts *posts)
{
    struct wsp_events *events = &sock->events;
    struct stk_sock_status status;
    LONG occurred = 0;
    uint32_t arm = 0;
    int code;

    if (events->window && sock->posting) {
        sock->post_again = true;
        return;
    }
    stk_sock_status(sock->stk, &status);
    for (int bit = 0; bit < FD_MAX_EVENTS; bit++) {
        if (!(events->mask & ~events->told & (1 << bit)))
            continue;
        if (event_holds(sock, bit, &status, &code)) {
            events->told |= 1 << bit;
            occurred |= 1 << bit;
            events->codes[bit] = code;
            posts->codes[bit] = code;
        } else {
            arm |= event_ready[bit];
        }
    }
    /* A bit that is set already has another reason (end of data): arming it would fire for ever. */
    arm &= ~status.ready;
    if (arm != 0)
        (void)stk_sock_arm(sock->stk, arm);
    for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
        if (events->unposted & ~occurred & (1 << bit))
            posts->codes[bit] = events->codes[bit];
    occurred |= events->unposted;
    events->unposted = 0;
    if (occurred == 0)
        return;
    if (events->window) {
        sock->posting = true;
        posts->window = events->window;
        posts->message = events->message;
        posts->handle = events->handle != 0 ? events->handle : atomic_load(&sock->handle);
        posts->bits = occurred;
        return;
    }
    events->recorded |= occurred;
    wsp_upcall_event_set(events->event);
}

/* @return  The events that could not be posted. */
static LONG events_post_all(const struct wsp_event_posts *posts)
{
    LPWPUPOSTMESSAGE post = atomic_load_explicit(&wsp_upcalls.post_message, memory_order_relaxed);
    LONG failed = 0;
    int bit;

    for (size_t i = 0; i < sizeof event_order && post; i++)
        if (posts->bits & (1 << (bit = event_order[i]))) {
            LPARAM what = MAKELONG(1 << bit, posts->codes[bit]);

            if (!post(posts->window, posts->message, (WPARAM)posts->handle, what))
                failed |= 1 << bit;
        }
    return failed;
}

/* Some event of some socket waits for room in a window's queue. */
static _Atomic bool events_unposted;

/* The queue was full: kept, for the dispatcher to try again. Lock held. */
static void events_keep(struct wsp_socket *sock, const struct wsp_event_posts *posts, LONG failed)
{
    uint32_t arm = 0;

    if (sock->events.window != posts->window || wsp_socket_closing(sock))
        return; /* registered anew, or over */
    failed &= sock->events.mask;
    sock->events.unposted |= failed;
    if (failed == 0 || atomic_exchange(&events_unposted, true))
        return;
    /* It may be asleep for ever: a bit that is set already makes an event at once. */
    for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
        if (failed & (1 << bit))
            arm |= event_ready[bit];
    arm &= stk_sock_ready(sock->stk);
    if (arm != 0)
        (void)stk_sock_arm(sock->stk, arm);
}

void wsp_events_post(struct wsp_socket *sock, const struct wsp_event_posts *posts)
{
    struct wsp_event_posts now = *posts;

    while (now.bits != 0) {
        LONG failed = events_post_all(&now);

        wsp_mutex_lock(&sock->lock);
        sock->posting = false;
        if (failed != 0)
            events_keep(sock, &now, failed);
        now.bits = 0;
        if (sock->post_again && !wsp_socket_closing(sock))
            wsp_events_evaluate(sock, &now);
        sock->post_again = false;
        wsp_mutex_unlock(&sock->lock);
    }
}

int64_t wsp_events_watch_ns(void)
{
    return atomic_load(&events_unposted) ? EVENTS_RETRY_NS : -1;
}

static void events_retry_one(struct wsp_socket *sock, void *arg)
{
    (void)arg;
    if (wsp_events_registered(sock))
        wsp_events_reenable(sock, 0);
}

void wsp_events_retry(void)
{
    if (atomic_exchange(&events_unposted, false))
        wsp_socket_each(events_retry_one, NULL);
}

/*
 * Sends and receives take their long paths while they have something to enable: also what a registration told that was taken back.
 * No send of a blocking socket finds that it would block. Lock held.
 */
static void events_slow(struct wsp_socket *sock)
{
    LONG enabled_by_calls = FD_READ | FD_OOB | FD_ACCEPT | (atomic_load(&sock->nonblocking) != 0 ? FD_WRITE : 0);

    if (sock->events.mask != 0 || (sock->events.told & enabled_by_calls))
        wsp_slow_set(sock, WSP_SLOW_EVENTS);
    else
        wsp_slow_clear(sock, WSP_SLOW_EVENTS);
}

void wsp_events_reenable(struct wsp_socket *sock, LONG bits)
{
    struct wsp_event_posts posts = {0};

    wsp_mutex_lock(&sock->lock);
    sock->events.told &= ~bits;
    if (sock->events.mask == 0)
        events_slow(sock);
    else if (!wsp_socket_closing(sock))
        wsp_events_evaluate(sock, &posts);
    wsp_mutex_unlock(&sock->lock);
    wsp_events_post(sock, &posts);
}

bool wsp_events_registered(struct wsp_socket *sock)
{
    return (atomic_load(&sock->slow) & WSP_SLOW_EVENTS) != 0;
}

int wsp_events_blocking(struct wsp_socket *sock, bool blocking)
{
    int code = 0;

    wsp_mutex_lock(&sock->lock);
    if (blocking && sock->events.mask != 0) {
        code = WSAEINVAL;
    } else {
        atomic_store(&sock->nonblocking, !blocking);
        events_slow(sock);
    }
    wsp_mutex_unlock(&sock->lock);
    return code;
}

/* A connection that was made before its socket was given a window is not told there. Lock held. */
static void events_connect_is_old(struct wsp_socket *sock)
{
    if (!wsp_socket_is_stream(sock) || (stk_sock_ready(sock->stk) & STK_READY_CONN))
        atomic_store(&sock->connecting, 0);
}

/*
 * What an earlier registration told remains told to an event, until a call enables it (Windows, as conformance suites
 * observe); a window, or an event behind a window, is told of everything that holds. What was recorded and never taken may
 * occur anew. Lock held.
 */
static void events_carry(struct wsp_socket *sock, const struct wsp_events *before)
{
    struct wsp_events *events = &sock->events;

    events->told = 0;
    events->recorded = 0;
    if (events->window) {
        events_connect_is_old(sock);
        return;
    }
    if (!before->window)
        events->told = before->told & ~before->recorded;
    if (before->recorded & FD_CONNECT) /* an attempt has one result, which nobody took */
        atomic_store(&sock->connecting, 1);
}

/* Replace the registration: WSPEVENTSELECT-2, EVT-11. The event handle is the socket's on success. */
static int events_register(struct wsp_socket *sock, const struct wsp_events *events)
{
    struct wsp_event_posts posts = {0};
    struct wsp_events before;
    int code = 0;

    if (events->mask != 0)
        code = wsp_dispatcher_start();
    if (code != 0)
        return code;
    wsp_mutex_lock(&sock->lock);
    if (wsp_socket_closing(sock)) { /* its registration has ended */
        wsp_mutex_unlock(&sock->lock);
        return WSAENOTSOCK;
    }
    atomic_store(&sock->nonblocking, 1);
    before = sock->events;
    sock->events = *events;
    events_carry(sock, &before);
    events_slow(sock);
    if (events->mask != 0)
        wsp_events_evaluate(sock, &posts); /* WSPEVENTSELECT-4 */
    wsp_mutex_unlock(&sock->lock);
    wsp_upcall_event_release(before.event, before.named);
    wsp_events_post(sock, &posts);
    return 0;
}

void wsp_events_end(struct wsp_socket *sock)
{
    struct wsp_events before;

    wsp_mutex_lock(&sock->lock);
    before = sock->events;
    sock->events = (struct wsp_events){0};
    wsp_slow_clear(sock, WSP_SLOW_EVENTS);
    wsp_mutex_unlock(&sock->lock);
    if (atomic_load(&wsp_provider.state) != WSP_EXITED) /* ws2_32 may be gone before us */
        wsp_upcall_event_release(before.event, before.named);
}

void wsp_events_inherit(struct wsp_socket *sock, struct wsp_socket *listener)
{
    struct wsp_events events;

    wsp_mutex_lock(&listener->lock);
    events = listener->events;
    /* Under the lock: the listener's own handle may be closed behind it. */
    if (events.mask != 0 && events.event && wsp_upcall_event_hold(events.event, &events.event) != 0)
        events.mask = 0;
    wsp_mutex_unlock(&listener->lock);
    if (events.mask == 0)
        return;
    events.recorded = 0;
    events.unposted = 0; /* those name the listener */
    events.handle = 0;
    events.mask &= ~(LONG)FD_ACCEPT; /* it cannot accept */
    if (events_register(sock, &events) != 0)
        wsp_upcall_event_release(events.event, events.named);
}

/**
 * WSPEventSelect. Context: any thread. Does not block.
 * Source: rules WSPEVENTSELECT-1..4.
 */
int WSPAPI wsp_event_select(SOCKET s, WSAEVENT hEventObject, LONG lNetworkEvents, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_events events = {.mask = lNetworkEvents, .named = hEventObject};
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    if ((lNetworkEvents & ~FD_ALL_EVENTS) || (lNetworkEvents != 0 && !hEventObject))
        code = WSAEINVAL;
    else if (lNetworkEvents != 0 && wsp_upcall_event_hold(hEventObject, &events.event) != 0)
        code = WSAEINVAL;
    if (code == 0) {
        code = events_register(sock, &events);
        if (code != 0)
            wsp_upcall_event_release(events.event, events.named);
    }
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/**
 * WSPAsyncSelect. Context: any thread. Does not block.
 * Source: rules WSPASYNCSELECT-1..6.
 */
int WSPAPI wsp_async_select(SOCKET s, HWND hWnd, unsigned int wMsg, LONG lEvent, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_events events = {.mask = lEvent, .window = hWnd, .message = wMsg};
    int code;

    if (!sock)
        return SOCKET_ERROR;
    events.handle = wsp_share_is_shared(sock) ? wsp_share_handle(sock, s) : 0;
    /* Without windows (no such upcall) no window exists. */
    if ((lEvent & ~FD_ALL_EVENTS) || (lEvent != 0 && (!hWnd || !atomic_load(&wsp_upcalls.post_message))))
        code = WSAEINVAL;
    else if (lEvent != 0 && !wsp_upcall_window_exists(hWnd))
        code = WSAEINVAL;
    else
        code = events_register(sock, &events);
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/**
 * WSPEnumNetworkEvents: record, its clearing and the event's reset are one step
 * against the dispatcher, which holds the same lock.
 *
 * Context: any thread. Does not block. Source: rules WSPENUMNETWORKEVENTS-1..5.
 */
int WSPAPI wsp_enum_network_events(SOCKET s, WSAEVENT hEventObject, LPWSANETWORKEVENTS lpNetworkEvents, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);

    if (!sock)
        return SOCKET_ERROR;
    if (!lpNetworkEvents) {
        wsp_socket_put(sock);
        return wsp_fail(lpErrno, WSAEFAULT);
    }
    wsp_mutex_lock(&sock->lock);
    lpNetworkEvents->lNetworkEvents = sock->events.recorded;
    for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
        if (sock->events.recorded & (1 << bit))
            lpNetworkEvents->iErrorCode[bit] = sock->events.codes[bit];
    sock->events.recorded = 0;
    wsp_upcall_event_reset(hEventObject);
    wsp_mutex_unlock(&sock->lock);
    wsp_socket_put(sock);
    return 0;
}

/*
 * Calls queued for a thread that blocks in Winsock run there (rules WSPC-8, C.26; contradiction E34), and the handles of
 * events that a program gives to Winsock (A.9.10, A.9.30, WSPEVENTSELECT-1, WSPEVENTSELECT-3, A.11.8, A.11.12).
 */
#include "both.h"

#include <stdatomic.h>

/* ---- alertable waits ---- */

struct waking {
    SOCKET own;   /* the case's thread blocks on it */
    SOCKET peer;  /* the other end */
    SOCKET extra; /* another socket, for a routine */
    HANDLE thread;
    atomic_uint ran;
    atomic_uint nested;
    char room[4];
    WSAOVERLAPPED overlapped;
};

static struct waking *waking_now; /* of the one case that runs */

/* What the blocked call waits for comes from inside the call that interrupts it. */
static void CALLBACK waking_call(ULONG_PTR context)
{
    struct waking *waking = (struct waking *)context;
    atomic_fetch_add(&waking->ran, 1);
    (void)send(waking->peer, "x", 1, 0);
}

static HANDLE own_thread(void)
{
    HANDLE thread = NULL;
    (void)DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread, 0, FALSE,
                          DUPLICATE_SAME_ACCESS);
    return thread;
}

static DWORD WINAPI waking_main(void *argument)
{
    struct waking *waking = (struct waking *)argument;
    Sleep(40);
    (void)QueueUserAPC(waking_call, waking->thread, (ULONG_PTR)waking);
    return 0;
}

struct wait_row {
    const char *name;
    int kind;
    bool late; /* the call is queued while the thread blocks, not before */
};

static const struct wait_row wait_rows[] = {
    {"recv_queued_before", 'r', false},   {"recv_queued_while", 'r', true},   {"wsarecv_queued_while", 'w', true},
    {"select_queued_before", 's', false}, {"select_queued_while", 's', true},
};

static int wait_on(SOCKET s, int kind)
{
    char byte;
    WSABUF buffer = {1, &byte};
    DWORD got = 0;
    DWORD flags = 0;
    if (kind == 's') {
        return t_select(s, 'r', T_WAIT_MS);
    }
    if (kind == 'w') {
        return WSARecv(s, &buffer, 1, &got, &flags, NULL, NULL) == 0 ? (int)got : -1;
    }
    return recv(s, &byte, 1, 0);
}

/* The thread blocks in a call that only the queued call's doing ends. */
static void blocked__ROW__queued_call_runs_inside(struct t_run *t)
{
    const struct wait_row *row = (const struct wait_row *)t->row;
    struct waking waking;
    SOCKET ends[2];
    memset(&waking, 0, sizeof waking);
    T_DO(t_pair(t, AF_INET, ends));
    waking.own = ends[0];
    waking.peer = ends[1];
    waking.thread = own_thread();
    T_TRUE(waking.thread != NULL);
    T_EQ(t_set_int(ends[0], SOL_SOCKET, SO_RCVTIMEO, T_WAIT_MS), 0);
    if (row->late) {
        T_TRUE(t_thread(t, waking_main, &waking) != NULL);
    } else {
        T_TRUE(QueueUserAPC(waking_call, waking.thread, (ULONG_PTR)&waking) != 0);
    }
    T_EQ(wait_on(ends[0], row->kind), 1);
    T_EQ(atomic_load(&waking.ran), 1);
    (void)CloseHandle(waking.thread);
}

static void CALLBACK accepting_call(ULONG_PTR context)
{
    struct waking *waking = (struct waking *)context;
    atomic_fetch_add(&waking->ran, 1);
    waking->peer = accept(waking->own, NULL, NULL);
}

/* Rule C.26: a connect whose connection nobody takes but the queued call. */
static void blocked__connect_queued_before__queued_call_runs_inside(struct t_run *t)
{
    struct waking waking;
    struct t_addr at;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    memset(&waking, 0, sizeof waking);
    waking.peer = INVALID_SOCKET;
    waking.own = t_socket(t, AF_INET, SOCK_STREAM);
    at = t_loopback(AF_INET, 0);
    T_OK(bind(waking.own, &at.u.any, at.bytes));
    T_OK(getsockname(waking.own, &at.u.any, &at.bytes));
    T_EQ(t_set_int(waking.own, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1), 0);
    T_OK(listen(waking.own, 5));
    waking.thread = own_thread();
    T_TRUE(QueueUserAPC(accepting_call, waking.thread, (ULONG_PTR)&waking) != 0);
    T_OK(connect(s, &at.u.any, at.bytes));
    T_EQ(atomic_load(&waking.ran), 1);
    T_TRUE(t_keep(t, waking.peer) != INVALID_SOCKET);
    (void)CloseHandle(waking.thread);
}

static void CALLBACK waking_routine(DWORD code, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)flags;
    (void)overlapped;
    if (code == 0 && bytes == 2) {
        atomic_fetch_add(&waking_now->ran, 1);
        (void)send(waking_now->peer, "x", 1, 0);
    }
}

static DWORD WINAPI sending_main(void *argument)
{
    Sleep(40);
    (void)send(*(SOCKET *)argument, "ab", 2, 0);
    return 0;
}

/* A completion routine of another socket runs while this thread blocks in recv. */
static void blocked__completion_of_another_socket__routine_runs_inside(struct t_run *t)
{
    struct waking waking;
    SOCKET ends[2];
    SOCKET other[2];
    WSABUF buffer = {4, waking.room};
    DWORD flags = 0;
    char byte;
    memset(&waking, 0, sizeof waking);
    T_DO(t_pair(t, AF_INET, ends) && t_pair(t, AF_INET, other));
    waking.peer = ends[1];
    waking_now = &waking;
    T_EQ(t_set_int(ends[0], SOL_SOCKET, SO_RCVTIMEO, T_WAIT_MS), 0);
    T_FAILS(WSARecv(other[0], &buffer, 1, NULL, &flags, &waking.overlapped, waking_routine), WSA_IO_PENDING);
    T_TRUE(t_thread(t, sending_main, &other[1]) != NULL);
    T_EQ(recv(ends[0], &byte, 1, 0), 1);
    T_EQ(atomic_load(&waking.ran), 1);
}

static void CALLBACK inner_call(ULONG_PTR context)
{
    atomic_fetch_add(&((struct waking *)context)->nested, 1);
}

/* Blocks inside a queued call, with another one waiting. */
static void CALLBACK outer_call(ULONG_PTR context)
{
    struct waking *waking = (struct waking *)context;
    (void)QueueUserAPC(inner_call, waking->thread, context);
    (void)t_select(waking->extra, 'r', T_QUIET_MS);
    atomic_store(&waking->ran, 1 + atomic_load(&waking->nested));
    (void)send(waking->peer, "x", 1, 0);
}

/* Contradiction E34: what blocks inside a queued call runs no further ones; they come behind it. */
static void blocked__inside_a_queued_call__no_nesting(struct t_run *t)
{
    struct waking waking;
    SOCKET ends[2];
    SOCKET other[2];
    char byte;
    memset(&waking, 0, sizeof waking);
    T_DO(t_pair(t, AF_INET, ends) && t_pair(t, AF_INET, other));
    waking.peer = ends[1];
    waking.extra = other[0];
    waking.thread = own_thread();
    T_TRUE(QueueUserAPC(outer_call, waking.thread, (ULONG_PTR)&waking) != 0);
    T_EQ(t_set_int(ends[0], SOL_SOCKET, SO_RCVTIMEO, T_WAIT_MS), 0);
    T_EQ(recv(ends[0], &byte, 1, 0), 1);
    T_EQ(atomic_load(&waking.ran), 1);
    (void)SleepEx(0, TRUE);
    T_EQ(atomic_load(&waking.nested), 1);
    (void)CloseHandle(waking.thread);
}

/* ---- handles of events ---- */

struct handle_row {
    const char *name;
    int kind;
};

static const struct handle_row handle_rows[] = {
    {"made_up", 'm'}, {"closed", 'c'}, {"a_sockets", 's'}, {"a_threads", 't'}};

static WSAEVENT no_event(struct t_run *t, int kind)
{
    HANDLE event;
    switch (kind) {
    case 's':
        return (WSAEVENT)t_socket(t, AF_INET, SOCK_STREAM);
    case 't':
        return own_thread();
    case 'c':
        event = WSACreateEvent();
        (void)WSACloseEvent(event);
        return event;
    default:
        return (WSAEVENT)(ULONG_PTR)0x4444440;
    }
}

/* Rule WSPEVENTSELECT-1. */
static void event__ROW_handle__select_is_inval(struct t_run *t)
{
    const struct handle_row *row = (const struct handle_row *)t->row;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(WSAEventSelect(s, no_event(t, row->kind), FD_READ), WSAEINVAL);
    T_OK(WSAEventSelect(s, no_event(t, row->kind), 0)); /* taken back: the handle is not looked at */
}

/* Rule A.9.10. The kernel says of an event that is none what it says of a socket that is none. */
static void overlapped__ROW_event__is_notsock(struct t_run *t)
{
    const struct handle_row *row = (const struct handle_row *)t->row;
    SOCKET ends[2];
    WSAOVERLAPPED overlapped;
    char room[4];
    WSABUF buffer = {4, room};
    DWORD flags = 0;
    T_DO(t_pair(t, AF_INET, ends));
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = no_event(t, row->kind);
    T_FAILS(WSARecv(ends[0], &buffer, 1, NULL, &flags, &overlapped, NULL), WSAENOTSOCK);
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_EQ(recv(ends[0], room, 4, 0), 2); /* nothing was posted that would take it */
}

/* Rules A.9.30, WSPGETOVERLAPPEDRESULT-1. */
static void result__event_closed_meanwhile__wait_is_invalid_handle(struct t_run *t)
{
    static WSAOVERLAPPED overlapped;
    static char room[4];
    SOCKET ends[2];
    WSABUF buffer = {4, room};
    DWORD flags = 0;
    DWORD got = 0;
    HANDLE event = WSACreateEvent();
    T_DO(t_pair(t, AF_INET, ends));
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = event;
    T_FAILS(WSARecv(ends[0], &buffer, 1, NULL, &flags, &overlapped, NULL), WSA_IO_PENDING);
    T_TRUE(WSACloseEvent(event));
    WSASetLastError(12345);
    T_TRUE(!WSAGetOverlappedResult(ends[0], &overlapped, &got, TRUE, &flags));
    T_EQ(WSAGetLastError(), WSA_INVALID_HANDLE);
}

/* Rule WSPEVENTSELECT-3: the handle may be another event's by the time that something happens. */
static void event__closed_too_early__hits_no_other(struct t_run *t)
{
    WSANETWORKEVENTS record;
    SOCKET ends[2];
    WSAEVENT event = WSACreateEvent();
    WSAEVENT others[8];
    unsigned i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[0], event, FD_READ));
    T_TRUE(WSACloseEvent(event));
    for (i = 0; i < T_COUNT(others); i++) {
        others[i] = t_event(t);
    }
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_EQ(WSAWaitForMultipleEvents(T_COUNT(others), others, FALSE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_OK(WSAEnumNetworkEvents(ends[0], NULL, &record));
    T_EQ(record.lNetworkEvents, FD_READ);
}

/* Many registrations leave no handle behind: the test's events still fit, and closing the socket frees the last. */
static void event__registered_many_times__nothing_is_left(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    DWORD i;
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < 2000; i++) {
        T_OK(WSAEventSelect(ends[0], event, i % 3 == 0 ? 0 : FD_READ));
    }
    T_OK(WSAEventSelect(ends[0], event, FD_READ));
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
}

/* ---- what is told, and when ---- */

static LONG recorded(SOCKET s, WSAEVENT event, DWORD ms)
{
    WSANETWORKEVENTS record;
    if (WSAWaitForMultipleEvents(1, &event, TRUE, ms, FALSE) != WSA_WAIT_EVENT_0) {
        return 0;
    }
    return WSAEnumNetworkEvents(s, event, &record) == 0 ? record.lNetworkEvents : -1;
}

/* Rule A.11.12: a connection made before the registration, once; accepted ones were not connected by this side. */
static void event__connected_before__connect_is_told_once(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[0], event, FD_CONNECT));
    T_EQ(recorded(ends[0], event, T_WAIT_MS), FD_CONNECT);
    T_OK(WSAEventSelect(ends[0], event, FD_CONNECT));
    T_EQ(recorded(ends[0], event, T_QUIET_MS), 0);
    T_OK(WSAEventSelect(ends[1], event, FD_CONNECT));
    T_EQ(recorded(ends[1], event, T_QUIET_MS), 0);
}

/* Rule A.11.12. */
static void event__datagram_connected__connect_is_told(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    WSAEVENT event = t_event(t);
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_OK(WSAEventSelect(s, event, FD_CONNECT));
    T_EQ(recorded(s, event, T_QUIET_MS), 0);
    T_OK(connect(s, &at.u.any, at.bytes));
    T_EQ(recorded(s, event, T_WAIT_MS), FD_CONNECT);
    T_EQ(recorded(s, event, T_QUIET_MS), 0);
}

/* Rule A.11.8. */
static void event__receive_refused__read_is_told_again(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[0], event, FD_READ));
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_EQ(recorded(ends[0], event, T_WAIT_MS), FD_READ);
    T_EQ(recorded(ends[0], event, T_QUIET_MS), 0);
    T_FAILS(recv(ends[0], NULL, 1, 0), WSAEFAULT);
    T_EQ(recorded(ends[0], event, T_WAIT_MS), FD_READ);
}

/* Rules A.11.6, A.11.7. */
static void event__listen_again__accept_is_not_told_anew(struct t_run *t)
{
    SOCKET listener;
    SOCKET client = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_addr at;
    WSAEVENT event = t_event(t);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAEventSelect(listener, event, FD_ACCEPT));
    T_OK(connect(client, &at.u.any, at.bytes));
    T_EQ(recorded(listener, event, T_WAIT_MS), FD_ACCEPT);
    T_OK(listen(listener, 5));
    T_EQ(recorded(listener, event, T_QUIET_MS), 0);
}

static const struct t_cases cases[] = {
    T_TABLE(blocked__ROW__queued_call_runs_inside, wait_rows),
    T_CASE(blocked__connect_queued_before__queued_call_runs_inside),
    T_CASE(blocked__completion_of_another_socket__routine_runs_inside),
    T_CASE(blocked__inside_a_queued_call__no_nesting),
    T_TABLE(event__ROW_handle__select_is_inval, handle_rows),
    T_TABLE(overlapped__ROW_event__is_notsock, handle_rows),
    T_CASE(result__event_closed_meanwhile__wait_is_invalid_handle),
    T_CASE(event__closed_too_early__hits_no_other),
    T_CASE(event__registered_many_times__nothing_is_left),
    T_CASE(event__connected_before__connect_is_told_once),
    T_CASE(event__datagram_connected__connect_is_told),
    T_CASE(event__receive_refused__read_is_told_again),
    T_CASE(event__listen_again__accept_is_not_told_anew),
};

const struct t_group t_group_alert = {"alert", cases, T_COUNT(cases), false};

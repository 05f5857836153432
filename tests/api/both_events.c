/*
 * WSAEventSelect, WSAEnumNetworkEvents, event objects.
 */
#include "both.h"

/* Waits until the event is set, then takes the record; what it holds, or 0. */
static LONG next_record(SOCKET s, WSAEVENT event, DWORD ms, WSANETWORKEVENTS *record)
{
    memset(record, 0x55, sizeof *record);
    if (WSAWaitForMultipleEvents(1, &event, TRUE, ms, FALSE) != WSA_WAIT_EVENT_0) {
        return 0;
    }
    return WSAEnumNetworkEvents(s, event, record) == 0 ? record->lNetworkEvents : -1;
}

/* The record gathered until all of wanted have come, or time is up. */
static LONG gather(SOCKET s, WSAEVENT event, LONG wanted, WSANETWORKEVENTS *last)
{
    WSANETWORKEVENTS record;
    LONG all = 0;
    int i, bit;
    memset(last, 0, sizeof *last);
    for (i = 0; i < 6 && (all & wanted) != wanted; i++) {
        LONG now = next_record(s, event, 500, &record);
        if (now < 0) {
            return now;
        }
        for (bit = 0; bit < FD_MAX_EVENTS; bit++) {
            if (now & (1 << bit)) {
                last->iErrorCode[bit] = record.iErrorCode[bit];
            }
        }
        all |= now;
    }
    return all;
}

static bool registered_pair(struct t_run *t, SOCKET ends[2], WSAEVENT *event, LONG events)
{
    *event = t_event(t);
    if (!t_pair(t, AF_INET, ends)) {
        return false;
    }
    if (WSAEventSelect(ends[1], *event, events) != 0) {
        t_note(t, __FILE__, __LINE__, "WSAEventSelect fails with %d", WSAGetLastError());
        return false;
    }
    return true;
}

/* Rules EVT-10, A.11.6 to A.11.9, A.12.6, A.12.7: once, and again after each receive while there is more. */
static void event__read__once_until_a_receive_then_again(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    char room[8];
    u_long there = 0;
    int i;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_EQ(send(ends[0], "abcd", 4, 0), 4);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(record.iErrorCode[FD_READ_BIT], 0);
    T_EQ(send(ends[0], "efgh", 4, 0), 4);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0); /* nothing was received in between */
    for (i = 0; i < T_WAIT_MS / 10 && there < 8; i++) {
        T_OK(ioctlsocket(ends[1], FIONREAD, &there));
        Sleep(there < 8 ? 10 : 0);
    }
    T_EQ(recv(ends[1], room, 2, 0), 2);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(recv(ends[1], room, 6, 0), 6);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_EQ(send(ends[0], "i", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
}

/* Rule A.11.8, A.12.6: a receive that fails enables as well. */
static void event__read__a_failing_receive_enables(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    char byte;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK);
    T_EQ(send(ends[0], "b", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
}

/* Rules A.11.14: peeking is a receive too. */
static void event__read__a_peek_enables(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    char byte;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(recv(ends[1], &byte, 1, MSG_PEEK), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
}

/* Rules A.11.10, A.12.7: what is so already is told at once. */
static void event__data_before_the_call__told_at_once(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(WSAEventSelect(ends[1], event, FD_READ));
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
}

/* Rule A.11.11, WSPEVENTSELECT-4: at once, then only after a WSAEWOULDBLOCK and new room. */
static void event__write__at_once_and_after_wouldblock(struct t_run *t)
{
    static char block[65536];
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    int i;
    T_DO(registered_pair(t, ends, &event, FD_WRITE));
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_WRITE);
    T_EQ(send(ends[1], "a", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_DO(t_fill(t, ends[1]));
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record)); /* of room that came while it was filled */
    for (i = 0; i < 100 && send(ends[1], block, sizeof block, 0) != SOCKET_ERROR; i++) {
    }
    T_EQ(WSAGetLastError(), WSAEWOULDBLOCK);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 1));
    for (i = 0; i < 4000 && t_select(ends[0], 'r', 200) == 1; i++) {
        T_TRUE(recv(ends[0], block, sizeof block, 0) > 0);
    }
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_WRITE);
}

/* Rules EVT-5, A.11.16, A.11.17, A.12.8: after all data, code 0, once. */
static void event__graceful_end__close_after_the_data(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    char room[8];
    T_DO(registered_pair(t, ends, &event, FD_READ | FD_CLOSE));
    T_EQ(send(ends[0], "abc", 3, 0), 3);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(gather(ends[1], event, FD_READ, &record), FD_READ);
    T_EQ(recv(ends[1], room, 3, 0), 3);
    T_EQ(gather(ends[1], event, FD_CLOSE, &record) & FD_CLOSE, FD_CLOSE);
    T_EQ(record.iErrorCode[FD_CLOSE_BIT], 0);
    T_EQ(recv(ends[1], room, 3, 0), 0);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
}

/* Rules EVT-4, A.11.17, WSPENUMNETWORKEVENTS-4. */
static void event__reset__close_with_connreset(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    T_DO(registered_pair(t, ends, &event, FD_READ | FD_CLOSE));
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_close(t, ends[0]));
    T_EQ(gather(ends[1], event, FD_CLOSE, &record) & FD_CLOSE, FD_CLOSE);
    T_EQ(record.iErrorCode[FD_CLOSE_BIT], WSAECONNRESET);
}

/* Rule A.12.3; what modern Windows does: another registration tells nothing that was told, until a call enables it. */
static void event__told_and_registered_again__nothing_until_a_receive(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    char byte;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_DO(t_send_all(t, ends[0], "abc", 3));
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_OK(WSAEventSelect(ends[1], event, FD_READ | FD_CLOSE));
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_OK(WSAEventSelect(ends[1], NULL, 0));
    T_OK(WSAEventSelect(ends[1], event, FD_READ));
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
    T_OK(WSAEventSelect(ends[1], NULL, 0));
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_OK(WSAEventSelect(ends[1], event, FD_READ));
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
}

/* Rules A.11.12, EVT-2, A.6.6. */
static void event__connect__told_with_write(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAEventSelect(s, event, FD_CONNECT | FD_WRITE | FD_READ));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_EQ(gather(s, event, FD_CONNECT | FD_WRITE, &record), FD_CONNECT | FD_WRITE);
    T_EQ(record.iErrorCode[FD_CONNECT_BIT], 0);
}

/* Rules A.11.23, WSPENUMNETWORKEVENTS-4. */
static void event__connect_refused__its_code(struct t_run *t)
{
    struct t_addr nobody;
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_OK(WSAEventSelect(s, event, FD_CONNECT));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAEWOULDBLOCK);
    T_EQ(gather(s, event, FD_CONNECT, &record), FD_CONNECT);
    T_EQ(record.iErrorCode[FD_CONNECT_BIT], WSAECONNREFUSED);
}

/* Rules A.11.13, A.11.7: each accept enables, and one who waits is told again. */
static void event__accept__again_while_clients_wait(struct t_run *t)
{
    SOCKET listener, c[2];
    struct t_addr at;
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    int i;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAEventSelect(listener, event, FD_ACCEPT));
    for (i = 0; i < 2; i++) {
        c[i] = t_socket(t, AF_INET, SOCK_STREAM);
        T_OK(connect(c[i], &at.u.any, at.bytes));
    }
    T_EQ(next_record(listener, event, T_WAIT_MS, &record), FD_ACCEPT);
    T_TRUE(t_keep(t, accept(listener, NULL, NULL)) != INVALID_SOCKET);
    T_EQ(next_record(listener, event, T_WAIT_MS, &record), FD_ACCEPT);
    T_TRUE(t_keep(t, accept(listener, NULL, NULL)) != INVALID_SOCKET);
    T_EQ(next_record(listener, event, T_QUIET_MS, &record), 0);
}

/* Rules A.5.9, A.11.20, EVT-21: an accepted socket has the listener's event and mask. */
static void event__accepted_socket__is_registered_like_the_listener(struct t_run *t)
{
    SOCKET listener, c, a;
    struct t_addr at;
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAEventSelect(listener, event, FD_ACCEPT | FD_READ));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_EQ(next_record(listener, event, T_WAIT_MS, &record), FD_ACCEPT);
    a = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    (void)WSAResetEvent(event);
    T_EQ(send(c, "x", 1, 0), 1);
    T_EQ(next_record(a, event, T_WAIT_MS, &record), FD_READ);
}

/* Rules A.12.2, EVT-12, DSC-10, A.16.2. */
static void event__registered__nonblocking_until_taken_back(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    char byte;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK);
    T_FAILS(t_ioctl(ends[1], (ULONG)FIONBIO, 0), WSAEINVAL);
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 1));
    T_OK(WSAEventSelect(ends[1], NULL, 0));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK); /* still */
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 0));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_RCVTIMEO, 50));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAETIMEDOUT);
}

/* Rules A.12.3, A.12.4, A.12.13. */
static void event__taken_back__nothing_more(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_OK(WSAEventSelect(ends[1], event, 0));
    (void)WSAResetEvent(event);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_OK(WSAEnumNetworkEvents(ends[1], NULL, &record));
    T_EQ(record.lNetworkEvents, 0);
}

/* Rule A.12.3: the second call replaces the first. */
static void event__registered_anew__only_the_last_counts(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event, other = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_OK(WSAEventSelect(ends[1], other, FD_CLOSE));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_EQ(WSAWaitForMultipleEvents(1, &other, TRUE, 0, FALSE), WSA_WAIT_TIMEOUT);
    T_OK(WSAEnumNetworkEvents(ends[1], NULL, &record));
    T_EQ(record.lNetworkEvents, 0);
}

/* Rules EVT-10, A.12.10: copied, cleared, event reset; without an event it stays set. */
static void enum_events__with_and_without_an_event__resets_only_then(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event;
    WSANETWORKEVENTS record;
    T_DO(registered_pair(t, ends, &event, FD_READ));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], NULL, &record));
    T_EQ(record.lNetworkEvents, FD_READ);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE), WSA_WAIT_EVENT_0); /* manual reset */
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, 0); /* taken before */
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE), WSA_WAIT_TIMEOUT);
}

/* Rules A.12.9, WSPEVENTSELECT-1. */
static void event__no_event_object__inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(WSAEventSelect(s, WSA_INVALID_EVENT, FD_READ), WSAEINVAL);
}

static void enum_events__no_room__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS_2(WSAEnumNetworkEvents(s, NULL, NULL), WSAEFAULT, WSAEINVAL);
}

static void event__datagram__read_for_each_receive(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[1], event, FD_READ));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(send(ends[0], "b", 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_WAIT_MS, &record), FD_READ);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(next_record(ends[1], event, T_QUIET_MS, &record), 0);
}

/* Rules A.9.18 to A.9.21, EVT-17. */
static void event_object__set_reset_close__as_an_event(struct t_run *t)
{
    WSAEVENT event = WSACreateEvent();
    T_TRUE(event != WSA_INVALID_EVENT);
    T_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    T_TRUE(WSASetEvent(event));
    T_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    T_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0); /* manual reset */
    T_TRUE(WSAResetEvent(event));
    T_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    T_TRUE(SetEvent(event));
    T_EQ(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    T_TRUE(WSACloseEvent(event));
    T_TRUE(!WSASetEvent(event));
    T_EQ(WSAGetLastError(), WSA_INVALID_HANDLE);
}

/* Rules A.9.22 to A.9.24. */
static void event_wait__several__index_all_and_time(struct t_run *t)
{
    WSAEVENT events[3];
    unsigned i;
    for (i = 0; i < 3; i++) {
        events[i] = t_event(t);
    }
    T_EQ(WSAWaitForMultipleEvents(3, events, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    (void)WSASetEvent(events[2]);
    T_EQ(WSAWaitForMultipleEvents(3, events, FALSE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0 + 2);
    T_EQ(WSAWaitForMultipleEvents(3, events, TRUE, 20, FALSE), WSA_WAIT_TIMEOUT);
    (void)WSASetEvent(events[0]);
    (void)WSASetEvent(events[1]);
    T_EQ(WSAWaitForMultipleEvents(3, events, FALSE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_TRUE(WSAWaitForMultipleEvents(3, events, TRUE, T_WAIT_MS, FALSE) < WSA_WAIT_EVENT_0 + 3);
}

/* Rules A.9.22, WS2-51. */
static void event_wait__bad_arguments__failed_with_codes(struct t_run *t)
{
    WSAEVENT events[65];
    unsigned i;
    for (i = 0; i < 65; i++) {
        events[i] = WSA_INVALID_EVENT;
    }
    WSASetLastError(0);
    T_EQ(WSAWaitForMultipleEvents(0, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    T_EQ(WSAGetLastError(), WSA_INVALID_PARAMETER);
    WSASetLastError(0);
    T_EQ(WSAWaitForMultipleEvents(65, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    T_EQ(WSAGetLastError(), WSA_INVALID_PARAMETER);
    WSASetLastError(0);
    T_EQ(WSAWaitForMultipleEvents(1, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    T_EQ(WSAGetLastError(), WSA_INVALID_HANDLE);
}

static const struct t_cases cases[] = {
    T_CASE(event__read__once_until_a_receive_then_again),
    T_CASE(event__read__a_failing_receive_enables),
    T_CASE(event__read__a_peek_enables),
    T_CASE(event__data_before_the_call__told_at_once),
    T_CASE(event__write__at_once_and_after_wouldblock),
    T_CASE(event__graceful_end__close_after_the_data),
    T_CASE(event__reset__close_with_connreset),
    T_CASE(event__told_and_registered_again__nothing_until_a_receive),
    T_CASE(event__connect__told_with_write),
    T_CASE(event__connect_refused__its_code),
    T_CASE(event__accept__again_while_clients_wait),
    T_CASE(event__accepted_socket__is_registered_like_the_listener),
    T_CASE(event__registered__nonblocking_until_taken_back),
    T_CASE(event__taken_back__nothing_more),
    T_CASE(event__registered_anew__only_the_last_counts),
    T_CASE(enum_events__with_and_without_an_event__resets_only_then),
    T_CASE(event__no_event_object__inval),
    T_CASE(enum_events__no_room__fault),
    T_CASE(event__datagram__read_for_each_receive),
    T_CASE(event_object__set_reset_close__as_an_event),
    T_CASE(event_wait__several__index_all_and_time),
    T_CASE(event_wait__bad_arguments__failed_with_codes),
};

const struct t_group t_group_events = {"events", cases, T_COUNT(cases), false};

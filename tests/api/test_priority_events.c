/*
 * The rules that programs depend on most, one by one, between two hosts on a wire: events, select, overlapped calls.
 */
#include "t_priority.h"

#include <stdlib.h>

/* 3: A.11.1 to A.11.3, A.12.1 to A.12.4. */
static void f03__event_select__nonblocking_and_one_registration(void **state)
{
    SOCKET ends[2];
    u_long off = 0;
    WSAEVENT event = WSACreateEvent();
    char byte;
    (void)state;
    t_wire_pair(T_PORT(3), ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ), 0);
    assert_fails(ioctlsocket(ends[1], (LONG)FIONBIO, &off), WSAEINVAL);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_CLOSE), 0); /* takes the place of the first */
    t_say(ends[0], "x");
    assert_int_equal(t_events(ends[1], event, FD_READ, T_QUIET_MS, NULL), 0);
    assert_int_equal(WSAEventSelect(ends[1], NULL, 0), 0);
    t_hear(ends[1], "x");
    assert_fails(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK); /* still nonblocking */
    assert_int_equal(ioctlsocket(ends[1], (LONG)FIONBIO, &off), 0);
    t_wire_close(ends);
    WSACloseEvent(event);
}

/* 4: A.11.6 to A.11.9. */
static void f04__fd_read__again_after_a_receive_only(void **state)
{
    SOCKET ends[2];
    char room[100] = {0};
    WSAEVENT event = WSACreateEvent();
    (void)state;
    t_wire_pair(T_PORT(4), ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ), 0);
    assert_int_equal(send(ends[0], room, sizeof(room), 0), sizeof(room));
    assert_int_equal(t_events(ends[1], event, FD_READ, T_LONG_MS, NULL), FD_READ);
    t_say(ends[0], "more");
    assert_int_equal(t_events(ends[1], event, FD_READ, T_QUIET_MS, NULL), 0);
    assert_int_equal(recv(ends[1], room, 50, 0), 50);
    assert_int_equal(t_events(ends[1], event, FD_READ, T_LONG_MS, NULL), FD_READ);
    assert_int_equal(recv(ends[1], room, 50, 0), 50);
    assert_int_equal(t_events(ends[1], event, FD_READ, T_LONG_MS, NULL), FD_READ);
    assert_int_equal(recv(ends[1], room, 50, 0), 4);
    assert_int_equal(t_events(ends[1], event, FD_READ, T_QUIET_MS, NULL), 0);
    t_wire_close(ends);
    WSACloseEvent(event);
}

/* 5: A.11.11. */
static void f05__fd_write__after_connect_and_after_wouldblock(void **state)
{
    static char block[65536];
    SOCKET ends[2];
    WSAEVENT event = WSACreateEvent();
    (void)state;
    t_wire_pair(T_PORT(5), ends);
    assert_int_equal(WSAEventSelect(ends[0], event, FD_WRITE), 0);
    assert_int_equal(t_events(ends[0], event, FD_WRITE, T_LONG_MS, NULL), FD_WRITE);
    t_say(ends[0], "x");
    assert_int_equal(t_events(ends[0], event, FD_WRITE, T_QUIET_MS, NULL), 0);
    do { /* until the peer takes nothing more either */
        while (send(ends[0], block, sizeof(block), 0) > 0) {
        }
        assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
    } while (t_events(ends[0], event, FD_WRITE, T_QUIET_MS, NULL) == FD_WRITE);
    t_nonblocking(ends[1]);
    while (recv(ends[1], block, sizeof(block), 0) > 0 || t_readable(ends[1], T_QUIET_MS)) {
    }
    assert_int_equal(t_events(ends[0], event, FD_WRITE, T_LONG_MS, NULL), FD_WRITE);
    t_wire_close(ends);
    WSACloseEvent(event);
}

/* 6: A.11.16 to A.11.18. */
static void f06__fd_close__behind_the_data_with_its_code(void **state)
{
    SOCKET ends[2];
    int codes[FD_MAX_EVENTS] = {0};
    struct linger reset = {1, 0};
    WSAEVENT event = WSACreateEvent();
    (void)state;
    t_wire_pair(T_PORT(6), ends);
    t_say(ends[0], "last");
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ | FD_CLOSE), 0);
    assert_true(t_events(ends[1], event, FD_READ, T_LONG_MS, NULL) & FD_READ);
    t_hear(ends[1], "last");
    assert_true(t_events(ends[1], event, FD_CLOSE, T_LONG_MS, codes) & FD_CLOSE);
    assert_int_equal(codes[FD_CLOSE_BIT], 0);
    assert_int_equal(closesocket(ends[1]), 0);
    t_wire_pair(T_PORT(6) + 2, ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ | FD_CLOSE), 0);
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, (const char *)&reset, sizeof(reset)), 0);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(t_events(ends[1], event, FD_CLOSE, T_LONG_MS, codes), FD_CLOSE); /* and no FD_READ */
    assert_int_equal(codes[FD_CLOSE_BIT], WSAECONNRESET);
    assert_int_equal(closesocket(ends[1]), 0);
    WSACloseEvent(event);
}

/* 7: A.12.10 to A.12.12. */
static void f07__enum_network_events__copies_clears_resets(void **state)
{
    SOCKET ends[2];
    WSANETWORKEVENTS what;
    WSAEVENT event = WSACreateEvent();
    (void)state;
    t_wire_pair(T_PORT(7), ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ), 0);
    t_say(ends[0], "x");
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, T_LONG_MS, FALSE), WSA_WAIT_EVENT_0);
    assert_fails(WSAEnumNetworkEvents(ends[1], event, NULL), WSAEFAULT); /* clears nothing */
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WSAEnumNetworkEvents(ends[1], event, &what), 0);
    assert_int_equal(what.lNetworkEvents, FD_READ);
    assert_int_equal(what.iErrorCode[FD_READ_BIT], 0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    assert_int_equal(WSAEnumNetworkEvents(ends[1], event, &what), 0);
    assert_int_equal(what.lNetworkEvents, 0);
    t_wire_close(ends);
    WSACloseEvent(event);
}

/* 8: A.11.7, A.5.18. */
static void f08__fd_accept__again_while_clients_wait(void **state)
{
    SOCKET listener = t_wire_listener(T_PORT(8), 5);
    SOCKET clients[2], accepted[2];
    WSAEVENT event = WSACreateEvent();
    (void)state;
    assert_int_equal(WSAEventSelect(listener, event, FD_ACCEPT), 0);
    for (int i = 0; i < 2; i++) {
        clients[i] = t_wire_socket(T_WEST, SOCK_STREAM, (u_short)(T_PORT(8) + 1 + i));
        t_wire_connect(clients[i], T_EAST, T_PORT(8));
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(t_events(listener, event, FD_ACCEPT, T_LONG_MS, NULL), FD_ACCEPT);
        accepted[i] = accept(listener, NULL, NULL);
        assert_true(accepted[i] != INVALID_SOCKET);
    }
    assert_int_equal(t_events(listener, event, FD_ACCEPT, T_QUIET_MS, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(closesocket(clients[i]), 0);
        assert_int_equal(closesocket(accepted[i]), 0);
    }
    assert_int_equal(closesocket(listener), 0);
    WSACloseEvent(event);
}

static unsigned routines;
static DWORD routine_error, routine_bytes;
static unsigned depth, deepest;

static void CALLBACK routine(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)overlapped, (void)flags;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    routines++;
    routine_error = error;
    routine_bytes = bytes;
    depth--;
}

static void routines_reset(void)
{
    routines = depth = deepest = 0;
    routine_error = routine_bytes = 12345;
}

/* 15: A.9.3. */
static void f15__overlapped__done_at_once__success_and_event(void **state)
{
    SOCKET ends[2];
    char room[8];
    WSABUF buffer = {sizeof(room), room};
    WSAOVERLAPPED overlapped = {0};
    DWORD bytes = 0, flags = 0;
    (void)state;
    t_wire_pair(T_PORT(15), ends);
    t_say(ends[0], "there");
    assert_true(t_readable(ends[1], T_LONG_MS));
    overlapped.hEvent = WSACreateEvent();
    assert_int_equal(WSARecv(ends[1], &buffer, 1, &bytes, &flags, &overlapped, NULL), 0);
    assert_int_equal(bytes, 5);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    routines_reset();
    t_say(ends[0], "again");
    assert_true(t_readable(ends[1], T_LONG_MS));
    assert_int_equal(WSARecv(ends[1], &buffer, 1, &bytes, &flags, &overlapped, routine), 0);
    assert_int_equal(routines, 0);
    assert_int_equal(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    assert_int_equal(routines, 1);
    WSACloseEvent(overlapped.hEvent);
    t_wire_close(ends);
}

/* 16: A.9.4, A.9.27, A.9.28. */
static void f16__overlapped__pending__count_untouched_until_done(void **state)
{
    SOCKET ends[2];
    char room[8];
    WSABUF buffer = {sizeof(room), room};
    WSAOVERLAPPED overlapped = {0};
    DWORD bytes = 4711, flags = 0, done = 0;
    (void)state;
    t_wire_pair(T_PORT(16), ends);
    overlapped.hEvent = WSACreateEvent();
    assert_fails(WSARecv(ends[1], &buffer, 1, &bytes, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(bytes, 4711);
    assert_false(WSAGetOverlappedResult(ends[1], &overlapped, &done, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSA_IO_INCOMPLETE);
    t_say(ends[0], "later");
    assert_true(WSAGetOverlappedResult(ends[1], &overlapped, &done, TRUE, &flags));
    assert_int_equal(done, 5);
    assert_int_equal(bytes, 4711);
    WSACloseEvent(overlapped.hEvent);
    t_wire_close(ends);
}

/* 17: A.9.8: neither, an event, a routine, both (the routine). */
static void f17__overlapped__completion_matrix(void **state)
{
    SOCKET ends[2];
    char room[8];
    WSABUF buffer = {sizeof(room), room};
    (void)state;
    t_wire_pair(T_PORT(17), ends);
    for (int row = 0; row < 4; row++) {
        WSAOVERLAPPED overlapped = {0};
        WSAEVENT event = WSACreateEvent();
        DWORD flags = 0, done = 0;
        bool with_event = row == 1, with_routine = row >= 2;
        routines_reset();
        overlapped.hEvent = row == 1 || row == 3 ? event : NULL;
        assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, with_routine ? routine : NULL),
                     WSA_IO_PENDING);
        t_say(ends[0], "row");
        assert_int_equal(SleepEx(with_routine ? T_LONG_MS : T_QUIET_MS, TRUE), with_routine ? WAIT_IO_COMPLETION : 0);
        assert_int_equal(routines, with_routine);
        assert_true(WSAGetOverlappedResult(ends[1], &overlapped, &done, FALSE, &flags));
        assert_int_equal(done, 3);
        /* With a routine hEvent is the program's own. */
        assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE),
                         with_event ? WSA_WAIT_EVENT_0 : WSA_WAIT_TIMEOUT);
        WSACloseEvent(event);
    }
    t_wire_close(ends);
}

/* 18: A.9.13 to A.9.16, A.9.25. */
static void f18__routines__in_alertable_waits_only(void **state)
{
    SOCKET ends[2];
    char room[3][1];
    WSAOVERLAPPED overlapped[3] = {{0}};
    WSAEVENT never = WSACreateEvent();
    (void)state;
    t_wire_pair(T_PORT(18), ends);
    routines_reset();
    for (int i = 0; i < 3; i++) {
        WSABUF buffer = {1, room[i]};
        DWORD flags = 0;
        assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped[i], routine), WSA_IO_PENDING);
    }
    t_say(ends[0], "abc");
    Sleep(T_QUIET_MS);
    assert_int_equal(WSAWaitForMultipleEvents(1, &never, FALSE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    assert_int_equal(routines, 0);
    while (routines < 3) {
        assert_int_equal(WSAWaitForMultipleEvents(1, &never, FALSE, T_LONG_MS, TRUE), WSA_WAIT_IO_COMPLETION);
    }
    assert_int_equal(deepest, 1);
    assert_int_equal(room[0][0], 'a');
    assert_int_equal(room[2][0], 'c');
    WSACloseEvent(never);
    t_wire_close(ends);
}

/* 19: A.8.24, A.13.3, E46. */
static void f19__close__pending_operations_are_aborted(void **state)
{
    SOCKET ends[2];
    char room[4];
    WSABUF buffer = {sizeof(room), room};
    WSAOVERLAPPED overlapped = {0};
    DWORD flags = 0;
    (void)state;
    t_wire_pair(T_PORT(19), ends);
    overlapped.hEvent = WSACreateEvent();
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, NULL), WSA_IO_PENDING);
    routines_reset();
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, FALSE, T_LONG_MS, FALSE), WSA_WAIT_EVENT_0);
    assert_true(overlapped.Internal != 0); /* a status of failure */
    WSACloseEvent(overlapped.hEvent);
    ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    t_wire_close(ends);
}

/* 20: A.8.15, A.8.16, A.7.34. */
static void f20__scatter_and_gather__in_order(void **state)
{
    SOCKET ends[2];
    char first[3] = "", second[8] = "";
    WSABUF out[3] = {{2, (char[]){"on"}}, {0, NULL}, {4, (char[]){"e of"}}};
    WSABUF in[2] = {{3, first}, {8, second}};
    DWORD bytes = 0, flags = 0;
    (void)state;
    t_wire_pair(T_PORT(20), ends);
    assert_int_equal(WSASend(ends[0], out, 3, &bytes, 0, NULL, NULL), 0);
    assert_int_equal(bytes, 6);
    assert_true(t_readable(ends[1], T_LONG_MS));
    assert_int_equal(WSARecv(ends[1], in, 2, &bytes, &flags, NULL, NULL), 0);
    assert_int_equal(bytes, 6); /* before the second one is full */
    assert_memory_equal(first, "one", 3);
    assert_memory_equal(second, " of", 3);
    t_wire_close(ends);
}

/* 23: A.10.1 to A.10.9. */
static void f23__select__table(void **state)
{
    SOCKET ends[2];
    SOCKET listener = t_wire_listener(T_PORT(23), 5);
    struct timeval none = {0, 0};
    fd_set empty, in, out;
    (void)state;
    FD_ZERO(&empty);
    assert_fails(select(0, NULL, NULL, NULL, &none), WSAEINVAL);
    assert_fails(select(0, &empty, &empty, &empty, &none), WSAEINVAL);
    FD_ZERO(&in);
    FD_SET((SOCKET)0x7ffc, &in);
    assert_fails(select(0, &in, NULL, NULL, &none), WSAENOTSOCK);
    ends[0] = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(23) + 1);
    t_wire_connect(ends[0], T_EAST, T_PORT(23));
    assert_true(t_readable(listener, T_LONG_MS));
    ends[1] = accept(listener, NULL, NULL);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[1], &in);
    FD_SET(ends[1], &out);
    assert_int_equal(select(-5, &in, &out, NULL, &none), 1); /* the first argument does not count */
    assert_false(FD_ISSET(ends[1], &in));
    assert_true(FD_ISSET(ends[1], &out));
    t_say(ends[0], "x");
    assert_true(t_readable(ends[1], T_LONG_MS));
    assert_int_equal(none.tv_sec, 0);
    assert_int_equal(none.tv_usec, 0);
    assert_int_equal(closesocket(ends[0]), 0);
    t_hear(ends[1], "x");
    assert_true(t_readable(ends[1], T_LONG_MS)); /* the end */
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(closesocket(listener), 0);
}

/* 33: E4. */
static void f33__time_limits__act_on_overlapped_sockets(void **state)
{
    SOCKET ends[2];
    char byte;
    (void)state;
    t_wire_pair(T_PORT(33), ends);
    t_option(ends[1], SOL_SOCKET, SO_RCVTIMEO, 100);
    assert_fails(recv(ends[1], &byte, 1, 0), WSAETIMEDOUT);
    t_wire_close(ends);
}

/* 40: A.9.22 to A.9.30, A.22.1, A.22.2. */
static void f40__results_waits_and_protocols__their_codes(void **state)
{
    WSAOVERLAPPED overlapped = {0};
    DWORD bytes = 0, flags = 0, need = 0;
    WSAEVENT many[WSA_MAXIMUM_WAIT_EVENTS + 1] = {WSA_INVALID_EVENT};
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    void *room;
    (void)state;
    assert_false(WSAGetOverlappedResult(s, NULL, &bytes, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_false(WSAGetOverlappedResult(s, &overlapped, NULL, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSAEFAULT);
    assert_false(WSAGetOverlappedResult((SOCKET)0x7ffc, &overlapped, &bytes, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
    assert_int_equal(WSAWaitForMultipleEvents(0, many, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_PARAMETER);
    assert_int_equal(WSAWaitForMultipleEvents(WSA_MAXIMUM_WAIT_EVENTS + 1, many, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_PARAMETER);
    assert_fails(WSAEnumProtocolsW(NULL, NULL, &need), WSAENOBUFS);
    assert_true(need > 0 && need % sizeof(WSAPROTOCOL_INFOW) == 0);
    room = calloc(1, need);
    assert_non_null(room);
    assert_int_equal(WSAEnumProtocolsW(NULL, room, &need), need / sizeof(WSAPROTOCOL_INFOW));
    free(room);
    assert_int_equal(closesocket(s), 0);
}

const struct CMUnitTest t_priority_events[] = {
    T_PRIORITY(f03__event_select__nonblocking_and_one_registration),
    T_PRIORITY(f04__fd_read__again_after_a_receive_only),
    T_PRIORITY(f05__fd_write__after_connect_and_after_wouldblock),
    T_PRIORITY(f06__fd_close__behind_the_data_with_its_code),
    T_PRIORITY(f07__enum_network_events__copies_clears_resets),
    T_PRIORITY(f08__fd_accept__again_while_clients_wait),
    T_PRIORITY(f15__overlapped__done_at_once__success_and_event),
    T_PRIORITY(f16__overlapped__pending__count_untouched_until_done),
    T_PRIORITY(f17__overlapped__completion_matrix),
    T_PRIORITY(f18__routines__in_alertable_waits_only),
    T_PRIORITY(f19__close__pending_operations_are_aborted),
    T_PRIORITY(f20__scatter_and_gather__in_order),
    T_PRIORITY(f23__select__table),
    T_PRIORITY(f33__time_limits__act_on_overlapped_sockets),
    T_PRIORITY(f40__results_waits_and_protocols__their_codes),
};
const size_t t_priority_events_count = sizeof(t_priority_events) / sizeof(t_priority_events[0]);

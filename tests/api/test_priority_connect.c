/*
 * The rules that programs depend on most, one by one, between two hosts on a wire: making and ending connections.
 * The numbers are those of the rules list's part F; test_priority_wire.c looks at the packets.
 */
#include "t_priority.h"

/* 1: A.6.6, C.3. */
static void f01__nonblocking_connect__wouldblock_then_its_result(void **state)
{
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(1));
    SOCKET listener = t_wire_listener(T_PORT(1), 5);
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(1) + 1);
    WSAEVENT event = WSACreateEvent();
    int codes[FD_MAX_EVENTS] = {0};
    (void)state;
    t_nonblocking(s);
    assert_fails(connect(s, (struct sockaddr *)&to, sizeof(to)), WSAEWOULDBLOCK);
    assert_true(t_writable(s, T_LONG_MS));
    assert_int_equal(closesocket(listener), 0);
    assert_int_equal(closesocket(s), 0);
    s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(1) + 2);
    assert_int_equal(WSAEventSelect(s, event, FD_CONNECT), 0);
    to.sin_port = htons(T_PORT(1) + 3); /* nobody there */
    assert_fails(connect(s, (struct sockaddr *)&to, sizeof(to)), WSAEWOULDBLOCK);
    assert_int_equal(t_events(s, event, FD_CONNECT, T_LONG_MS, codes), FD_CONNECT);
    assert_int_equal(codes[FD_CONNECT_BIT], WSAECONNREFUSED);
    assert_true(t_exceptional(s, T_LONG_MS));
    assert_int_equal(closesocket(s), 0);
    WSACloseEvent(event);
}

/* 2: A.6.2 to A.6.8, C.4 to C.8. */
static void f02__connect_again__its_code_by_state(void **state)
{
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(2));
    SOCKADDR_IN silent = {.sin_family = AF_INET, .sin_port = htons(9)};
    SOCKADDR_IN zero = {.sin_family = AF_INET, .sin_port = htons(T_PORT(2))};
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(2) + 1);
    SOCKET busy = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(2) + 2);
    SOCKET listener;
    (void)state;
    assert_fails(connect(s, (struct sockaddr *)&zero, sizeof(zero)), WSAEADDRNOTAVAIL);
    assert_fails(connect(s, (struct sockaddr *)&to, sizeof(to)), WSAECONNREFUSED);
    listener = t_wire_listener(T_PORT(2), 5);
    assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_fails(connect(s, (struct sockaddr *)&to, sizeof(to)), WSAEISCONN);
    silent.sin_addr.s_addr = inet_addr("10.88.0.77"); /* nobody answers there, ARP neither */
    t_nonblocking(busy);
    assert_fails(connect(busy, (struct sockaddr *)&silent, sizeof(silent)), WSAEWOULDBLOCK);
    assert_fails(connect(busy, (struct sockaddr *)&silent, sizeof(silent)), WSAEALREADY);
    assert_int_equal(closesocket(busy), 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
}

/* 9: A.5.9, A.11.20. */
static void f09__accepted_socket__has_the_listeners_events(void **state)
{
    SOCKET listener = t_wire_listener(T_PORT(9), 5);
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(9) + 1);
    WSAEVENT event = WSACreateEvent();
    SOCKET accepted;
    (void)state;
    assert_int_equal(WSAEventSelect(listener, event, FD_ACCEPT | FD_READ | FD_CLOSE), 0);
    t_wire_connect(s, T_EAST, T_PORT(9));
    assert_int_equal(t_events(listener, event, FD_ACCEPT, T_LONG_MS, NULL), FD_ACCEPT);
    accepted = accept(listener, NULL, NULL);
    assert_true(accepted != INVALID_SOCKET);
    t_say(s, "x");
    assert_true(t_events(accepted, event, FD_READ, T_LONG_MS, NULL) & FD_READ);
    assert_int_equal(closesocket(accepted), 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
    WSACloseEvent(event);
}

static int CALLBACK decide(LPWSABUF caller_id, LPWSABUF caller_data, LPQOS qos, LPQOS group_qos, LPWSABUF callee_id,
                           LPWSABUF callee_data, GROUP *group, DWORD_PTR context)
{
    (void)caller_id, (void)caller_data, (void)qos, (void)group_qos, (void)callee_id, (void)callee_data, (void)group;
    return (int)context;
}

static SOCKET connecting(u_short from, u_short to)
{
    SOCKADDR_IN name = t_wire_name(T_EAST, to);
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, from);
    t_nonblocking(s);
    assert_fails(connect(s, (struct sockaddr *)&name, sizeof(name)), WSAEWOULDBLOCK);
    return s;
}

/* 10: A.5.14 to A.5.16, E56: without SO_CONDITIONAL_ACCEPT the client is connected before anybody is asked. */
static void f10__condition_without_the_option__client_is_reset(void **state)
{
    SOCKET listener = t_wire_listener(T_PORT(10), 5);
    SOCKET s = connecting(T_PORT(10) + 1, T_PORT(10));
    char byte;
    (void)state;
    assert_true(t_writable(s, T_LONG_MS));
    assert_true(t_readable(listener, T_LONG_MS));
    assert_true(WSAAccept(listener, NULL, NULL, decide, CF_DEFER) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSATRY_AGAIN);
    assert_true(WSAAccept(listener, NULL, NULL, decide, CF_REJECT) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAECONNREFUSED);
    assert_true(t_readable(s, T_LONG_MS));
    assert_fails(recv(s, &byte, 1, 0), WSAECONNRESET);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
}

/* 10: with it the handshake waits for the answer. */
static void f10__condition_with_the_option__client_is_refused(void **state)
{
    SOCKET listener = t_wire_socket(T_EAST, SOCK_STREAM, T_PORT(10) + 5);
    WSAEVENT event = WSACreateEvent();
    int codes[FD_MAX_EVENTS] = {0};
    SOCKET s, accepted;
    (void)state;
    t_option(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1);
    assert_int_equal(listen(listener, 5), 0);
    s = connecting(T_PORT(10) + 6, T_PORT(10) + 5);
    assert_true(t_readable(listener, T_LONG_MS));
    assert_false(t_writable(s, T_QUIET_MS));
    assert_true(WSAAccept(listener, NULL, NULL, decide, CF_DEFER) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSATRY_AGAIN);
    assert_int_equal(WSAEventSelect(s, event, FD_CONNECT), 0);
    assert_true(WSAAccept(listener, NULL, NULL, decide, CF_REJECT) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAECONNREFUSED);
    assert_int_equal(t_events(s, event, FD_CONNECT, T_LONG_MS, codes), FD_CONNECT);
    assert_int_equal(codes[FD_CONNECT_BIT], WSAECONNREFUSED);
    assert_int_equal(closesocket(s), 0);
    s = connecting(T_PORT(10) + 7, T_PORT(10) + 5);
    assert_true(t_readable(listener, T_LONG_MS));
    accepted = WSAAccept(listener, NULL, NULL, decide, CF_ACCEPT);
    assert_true(accepted != INVALID_SOCKET);
    assert_true(t_writable(s, T_LONG_MS));
    t_say(s, "after the answer");
    t_hear(accepted, "after the answer");
    assert_int_equal(closesocket(accepted), 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
    WSACloseEvent(event);
}

/* 11: A.5.1 to A.5.12. */
static void f11__listen_and_accept__codes_and_a_full_queue(void **state)
{
    SOCKET fresh = socket(AF_INET, SOCK_STREAM, 0);
    SOCKET dgram = t_wire_socket(T_EAST, SOCK_DGRAM, 0);
    SOCKET listener, clients[3];
    (void)state;
    assert_fails(listen(fresh, 5), WSAEINVAL);
    assert_fails(listen(dgram, 5), WSAEOPNOTSUPP);
    WSASetLastError(0);
    assert_true(accept(fresh, NULL, NULL) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAEINVAL);
    assert_true(accept(dgram, NULL, NULL) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAEOPNOTSUPP);
    listener = t_wire_listener(T_PORT(11), 2);
    for (int i = 0; i < 3; i++) {
        clients[i] = connecting((u_short)(T_PORT(11) + 1 + i), T_PORT(11));
        assert_true(i < 2 ? t_writable(clients[i], T_LONG_MS) : t_exceptional(clients[i], T_LONG_MS));
    }
    assert_int_equal(t_option_of(clients[2], SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(closesocket(clients[i]), 0);
    }
    assert_int_equal(closesocket(listener), 0);
    assert_int_equal(closesocket(dgram), 0);
    assert_int_equal(closesocket(fresh), 0);
}

/* 12: A.13.12 to A.13.17. */
static void f12__shutdown__each_way(void **state)
{
    SOCKET ends[2];
    char byte;
    SOCKET fresh = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_fails(shutdown(fresh, SD_SEND), WSAENOTCONN);
    assert_int_equal(closesocket(fresh), 0);
    t_wire_pair(T_PORT(12), ends);
    assert_fails(shutdown(ends[0], 3), WSAEINVAL);
    assert_int_equal(shutdown(ends[0], SD_SEND), 0);
    assert_fails(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    t_say(ends[1], "back");
    t_hear(ends[0], "back");
    t_wire_close(ends);
    t_wire_pair(T_PORT(12) + 5, ends);
    assert_int_equal(shutdown(ends[1], SD_RECEIVE), 0);
    assert_fails(recv(ends[1], &byte, 1, 0), WSAESHUTDOWN);
    t_say(ends[0], "too late"); /* data that nobody takes: the connection is reset */
    assert_true(t_readable(ends[0], T_LONG_MS));
    assert_fails(recv(ends[0], &byte, 1, 0), WSAECONNRESET);
    t_wire_close(ends);
}

static void linger(SOCKET s, u_short on, u_short seconds)
{
    struct linger value = {on, seconds};
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&value, sizeof(value)), 0);
}

/* 13: A.13.4 to A.13.8. */
static void f13__linger__table(void **state)
{
    static char block[65536];
    SOCKET ends[2];
    char byte;
    (void)state;
    t_wire_pair(T_PORT(13), ends); /* no linger: what was sent arrives */
    t_say(ends[0], "graceful");
    assert_int_equal(closesocket(ends[0]), 0);
    t_hear(ends[1], "graceful");
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    assert_int_equal(closesocket(ends[1]), 0);
    t_wire_pair(T_PORT(13) + 2, ends); /* linger of 0: a reset */
    linger(ends[0], 1, 0);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_fails(recv(ends[1], &byte, 1, 0), WSAECONNRESET);
    assert_int_equal(closesocket(ends[1]), 0);
    t_wire_pair(T_PORT(13) + 4, ends); /* linger with a time: closing waits for the acknowledgement */
    linger(ends[0], 1, 5);
    t_say(ends[0], "lingers");
    assert_int_equal(closesocket(ends[0]), 0);
    t_hear(ends[1], "lingers");
    assert_int_equal(closesocket(ends[1]), 0);
    t_wire_pair(T_PORT(13) + 6, ends); /* nonblocking, with data that cannot leave: it would block */
    linger(ends[0], 1, 5);
    t_nonblocking(ends[0]);
    while (send(ends[0], block, sizeof(block), 0) > 0) {
    }
    assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
    assert_fails(closesocket(ends[0]), WSAEWOULDBLOCK);
    linger(ends[0], 1, 0);
    t_wire_close(ends);
}

/* 14: A.13.18. */
static void f14__graceful_close__data_both_ways(void **state)
{
    SOCKET ends[2];
    char byte;
    (void)state;
    t_wire_pair(T_PORT(14), ends);
    t_say(ends[0], "question");
    assert_int_equal(shutdown(ends[0], SD_SEND), 0);
    t_hear(ends[1], "question");
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    t_say(ends[1], "answer");
    assert_int_equal(shutdown(ends[1], SD_SEND), 0);
    t_hear(ends[0], "answer");
    assert_int_equal(recv(ends[0], &byte, 1, 0), 0);
    t_wire_close(ends);
}

/* 22: A.8.2, A.8.3. */
static void f22__receive_at_the_end__zero_or_reset(void **state)
{
    SOCKET ends[2];
    char byte;
    (void)state;
    t_wire_pair(T_PORT(22), ends);
    assert_int_equal(shutdown(ends[0], SD_SEND), 0);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    t_wire_close(ends);
    t_wire_pair(T_PORT(22) + 2, ends);
    linger(ends[0], 1, 0);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_fails(recv(ends[1], &byte, 1, 0), WSAECONNRESET);
    assert_int_equal(closesocket(ends[1]), 0);
}

/* 29: A.6.1, A.7.13. */
static void f29__unbound__bound_by_connect_and_sendto(void **state)
{
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(29)), name = {0};
    SOCKET listener = t_wire_listener(T_PORT(29), 5);
    SOCKET dgram = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(29));
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);
    int bytes = sizeof(name);
    (void)state;
    assert_fails(getsockname(s, (struct sockaddr *)&name, &bytes), WSAEINVAL);
    assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&name, &bytes), 0);
    assert_true(name.sin_port != 0 && name.sin_addr.s_addr != 0);
    bytes = sizeof(name);
    assert_fails(getsockname(d, (struct sockaddr *)&name, &bytes), WSAEINVAL);
    assert_int_equal(sendto(d, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
    assert_int_equal(getsockname(d, (struct sockaddr *)&name, &bytes), 0);
    assert_true(name.sin_port != 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(d), 0);
    assert_int_equal(closesocket(dgram), 0);
    assert_int_equal(closesocket(listener), 0);
}

const struct CMUnitTest t_priority_connect[] = {
    T_PRIORITY(f01__nonblocking_connect__wouldblock_then_its_result),
    T_PRIORITY(f02__connect_again__its_code_by_state),
    T_PRIORITY(f09__accepted_socket__has_the_listeners_events),
    T_PRIORITY(f10__condition_without_the_option__client_is_reset),
    T_PRIORITY(f10__condition_with_the_option__client_is_refused),
    T_PRIORITY(f11__listen_and_accept__codes_and_a_full_queue),
    T_PRIORITY(f12__shutdown__each_way),
    T_PRIORITY(f13__linger__table),
    T_PRIORITY(f14__graceful_close__data_both_ways),
    T_PRIORITY(f22__receive_at_the_end__zero_or_reset),
    T_PRIORITY(f29__unbound__bound_by_connect_and_sendto),
};
const size_t t_priority_connect_count = sizeof(t_priority_connect) / sizeof(t_priority_connect[0]);

/*
 * The rules that programs depend on most, one by one, between two hosts on a wire: urgent data, datagrams, multicast.
 */
#include "t_priority.h"

#include <mstcpip.h>

static bool at_mark(SOCKET s)
{
    u_long mark = 99;
    assert_int_equal(ioctlsocket(s, (LONG)SIOCATMARK, &mark), 0);
    return mark != 0;
}

/* 21: A.8.5, A.7.5. */
static void f21__datagrams__truncation_peek_and_empty_ones(void **state)
{
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(21) + 1);
    SOCKET there = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(21));
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(21)), from = {0};
    int bytes = sizeof(from);
    char room[8] = "";
    (void)state;
    assert_int_equal(sendto(s, "0123456789", 10, 0, (struct sockaddr *)&to, sizeof(to)), 10);
    assert_int_equal(sendto(s, "", 0, 0, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(sendto(s, "next", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4);
    assert_fails(recvfrom(there, room, 4, MSG_PEEK, NULL, NULL), WSAEMSGSIZE);
    assert_fails(recvfrom(there, room, 4, 0, (struct sockaddr *)&from, &bytes), WSAEMSGSIZE);
    assert_memory_equal(room, "0123", 4);
    assert_int_equal(bytes, sizeof(from));
    assert_int_equal(ntohs(from.sin_port), T_PORT(21) + 1);
    assert_int_equal(recv(there, room, sizeof(room), 0), 0);
    assert_int_equal(recv(there, room, sizeof(room), 0), 4);
    assert_memory_equal(room, "next", 4);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(there), 0);
}

/* 24: A.10.7, A.14.4. */
static void f24__urgent_data__exceptional_unless_inline(void **state)
{
    SOCKET ends[2];
    (void)state;
    t_wire_pair(T_PORT(24), ends);
    assert_int_equal(send(ends[0], "!", 1, MSG_OOB), 1);
    assert_true(t_exceptional(ends[1], T_LONG_MS));
    assert_false(t_readable(ends[1], T_QUIET_MS));
    t_wire_close(ends);
    t_wire_pair(T_PORT(24) + 2, ends);
    t_option(ends[1], SOL_SOCKET, SO_OOBINLINE, 1);
    assert_int_equal(send(ends[0], "!", 1, MSG_OOB), 1);
    assert_true(t_readable(ends[1], T_LONG_MS));
    assert_false(t_exceptional(ends[1], T_QUIET_MS));
    t_wire_close(ends);
}

/* 25: A.14.1 to A.14.9, E9. */
static void f25__urgent_data__out_of_line_and_inline(void **state)
{
    SOCKET ends[2];
    char room[16] = "";
    (void)state;
    t_wire_pair(T_PORT(25), ends);
    t_say(ends[0], "abc");
    assert_int_equal(send(ends[0], "!", 1, MSG_OOB), 1);
    t_say(ends[0], "def");
    assert_true(t_exceptional(ends[1], T_LONG_MS));
    assert_int_equal(recv(ends[1], room, sizeof(room), MSG_OOB), 1); /* ahead of what was sent before it */
    assert_int_equal(room[0], '!');
    assert_int_equal(recv(ends[1], room, sizeof(room), 0), 3); /* not beyond the mark */
    assert_memory_equal(room, "abc", 3);
    t_hear(ends[1], "def");
    t_wire_close(ends);
    t_wire_pair(T_PORT(25) + 2, ends);
    t_option(ends[1], SOL_SOCKET, SO_OOBINLINE, 1);
    t_say(ends[0], "abc");
    assert_int_equal(send(ends[0], "!", 1, MSG_OOB), 1);
    t_say(ends[0], "def");
    assert_true(t_readable(ends[1], T_LONG_MS));
    Sleep(T_QUIET_MS);
    assert_fails(recv(ends[1], room, sizeof(room), MSG_OOB), WSAEINVAL);
    assert_int_equal(recv(ends[1], room, sizeof(room), 0), 3);
    assert_true(at_mark(ends[1]));
    t_hear(ends[1], "!");
    t_hear(ends[1], "def");
    t_wire_close(ends);
}

/* 27: A.4.15 to A.4.17, A.6.9 to A.6.11, A.7.14 to A.7.17. */
static void f27__connected_datagrams__filter_and_disconnect(void **state)
{
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(27) + 1);
    SOCKET peer = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(27));
    SOCKET other = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(27) + 2);
    SOCKADDR_IN here = t_wire_name(T_WEST, T_PORT(27) + 1), there = t_wire_name(T_EAST, T_PORT(27) + 2), name;
    SOCKADDR_IN zero = {.sin_family = AF_INET};
    int bytes = sizeof(name);
    (void)state;
    assert_fails(getpeername(s, (struct sockaddr *)&name, &bytes), WSAENOTCONN);
    t_wire_connect(s, T_EAST, T_PORT(27));
    assert_int_equal(getpeername(s, (struct sockaddr *)&name, &bytes), 0);
    assert_int_equal(sendto(other, "other", 5, 0, (struct sockaddr *)&here, sizeof(here)), 5);
    assert_false(t_readable(s, T_QUIET_MS));
    assert_int_equal(sendto(peer, "peer", 4, 0, (struct sockaddr *)&here, sizeof(here)), 4);
    assert_true(t_readable(s, T_LONG_MS));
    t_hear(s, "peer");
    assert_int_equal(sendto(s, "there", 5, 0, (struct sockaddr *)&there, sizeof(there)), 5);
    t_hear(other, "there");
    assert_int_equal(connect(s, (struct sockaddr *)&zero, sizeof(zero)), 0);
    assert_fails(send(s, "x", 1, 0), WSAENOTCONN);
    assert_int_equal(sendto(other, "again", 5, 0, (struct sockaddr *)&here, sizeof(here)), 5);
    t_hear(s, "again");
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(peer), 0);
    assert_int_equal(closesocket(other), 0);
}

/* 28: A.7.12, A.7.16. */
static void f28__broadcast__wants_permission_and_multicast_no_membership(void **state)
{
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(28) + 1);
    SOCKET there = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(28));
    SOCKADDR_IN all = {.sin_family = AF_INET, .sin_port = htons(T_PORT(28))};
    SOCKADDR_IN group = all;
    (void)state;
    all.sin_addr.s_addr = inet_addr("10.88.0.255");
    group.sin_addr.s_addr = inet_addr("239.28.0.1");
    assert_fails(sendto(s, "x", 1, 0, (struct sockaddr *)&all, sizeof(all)), WSAEACCES);
    assert_fails(connect(s, (struct sockaddr *)&all, sizeof(all)), WSAEACCES);
    t_option(s, SOL_SOCKET, SO_BROADCAST, 1);
    assert_int_equal(sendto(s, "all", 3, 0, (struct sockaddr *)&all, sizeof(all)), 3);
    assert_int_equal(sendto(s, "group", 5, 0, (struct sockaddr *)&group, sizeof(group)), 5);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(there), 0);
}

/* 30: A.7.18, SIO_UDP_CONNRESET. */
static void f30__port_unreachable__connreset_unless_switched_off(void **state)
{
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(30) + 1);
    SOCKADDR_IN nobody = t_wire_name(T_EAST, T_PORT(30));
    BOOL off = FALSE;
    DWORD bytes = 0;
    char byte;
    (void)state;
    assert_int_equal(sendto(s, "x", 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)), 1);
    assert_true(t_readable(s, T_LONG_MS));
    assert_fails(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAECONNRESET);
    assert_int_equal(WSAIoctl(s, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, &bytes, NULL, NULL), 0);
    assert_int_equal(sendto(s, "y", 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)), 1);
    assert_false(t_readable(s, T_QUIET_MS));
    assert_int_equal(closesocket(s), 0);
}

/* 34: E3. */
static void f34__fionread__streams_and_datagrams(void **state)
{
    SOCKET ends[2];
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(34) + 3);
    SOCKET there = t_wire_socket(T_EAST, SOCK_DGRAM, T_PORT(34) + 2);
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(34) + 2);
    u_long count = 99;
    (void)state;
    t_wire_pair(T_PORT(34), ends);
    assert_int_equal(ioctlsocket(ends[1], (LONG)FIONREAD, &count), 0);
    assert_int_equal(count, 0);
    t_say(ends[0], "seven b");
    assert_true(t_readable(ends[1], T_LONG_MS));
    assert_int_equal(ioctlsocket(ends[1], (LONG)FIONREAD, &count), 0);
    assert_int_equal(count, 7);
    assert_int_equal(sendto(s, "four", 4, 0, (struct sockaddr *)&to, sizeof(to)), 4);
    assert_true(t_readable(there, T_LONG_MS));
    assert_int_equal(ioctlsocket(there, (LONG)FIONREAD, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(there), 0);
    t_wire_close(ends);
}

static int membership(SOCKET s, int option, const char *group, enum t_end end)
{
    IP_MREQ request = {{{{0}}}, {{{0}}}};
    request.imr_multiaddr.s_addr = inet_addr(group);
    request.imr_interface = t_wire_name(end, 0).sin_addr;
    return setsockopt(s, IPPROTO_IP, option, (const char *)&request, sizeof(request));
}

/* 41: A.18, E17. */
static void f41__multicast__join_hear_leave(void **state)
{
    SOCKET s = t_wire_socket(T_WEST, SOCK_DGRAM, T_PORT(41) + 1);
    SOCKET there = socket(AF_INET, SOCK_DGRAM, 0);
    SOCKADDR_IN any = {.sin_family = AF_INET, .sin_port = htons(T_PORT(41))};
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = htons(T_PORT(41))};
    (void)state;
    group.sin_addr.s_addr = inet_addr("239.41.0.1");
    assert_int_equal(bind(there, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(membership(there, IP_ADD_MEMBERSHIP, "239.41.0.1", T_EAST), 0);
    assert_int_equal(sendto(s, "joined", 6, 0, (struct sockaddr *)&group, sizeof(group)), 6);
    assert_true(t_readable(there, T_LONG_MS));
    t_hear(there, "joined");
    t_option(s, IPPROTO_IP, IP_MULTICAST_TTL, 0); /* stays in the host */
    assert_int_equal(sendto(s, "scope0", 6, 0, (struct sockaddr *)&group, sizeof(group)), 6);
    assert_false(t_readable(there, T_QUIET_MS));
    t_option(s, IPPROTO_IP, IP_MULTICAST_TTL, 1);
    assert_int_equal(membership(there, IP_DROP_MEMBERSHIP, "239.41.0.1", T_EAST), 0);
    assert_int_equal(sendto(s, "left", 4, 0, (struct sockaddr *)&group, sizeof(group)), 4);
    assert_false(t_readable(there, T_QUIET_MS));
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(there), 0);
}

const struct CMUnitTest t_priority_data[] = {
    T_PRIORITY(f21__datagrams__truncation_peek_and_empty_ones),
    T_PRIORITY(f24__urgent_data__exceptional_unless_inline),
    T_PRIORITY(f25__urgent_data__out_of_line_and_inline),
    T_PRIORITY(f27__connected_datagrams__filter_and_disconnect),
    T_PRIORITY(f28__broadcast__wants_permission_and_multicast_no_membership),
    T_PRIORITY(f30__port_unreachable__connreset_unless_switched_off),
    T_PRIORITY(f34__fionread__streams_and_datagrams),
    T_PRIORITY(f41__multicast__join_hear_leave),
};
const size_t t_priority_data_count = sizeof(t_priority_data) / sizeof(t_priority_data[0]);

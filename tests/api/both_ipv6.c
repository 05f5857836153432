/*
 * IPv6, and sockets of both families.
 */
#include "both.h"

static struct t_addr mapped(unsigned port)
{
    struct t_addr addr = t_wildcard(AF_INET6, port);
    unsigned char *bytes = addr.u.v6.sin6_addr.s6_addr;
    bytes[10] = bytes[11] = 0xff;
    bytes[12] = 127;
    bytes[15] = 1;
    return addr;
}

static void v6__stream__names_and_data(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr own_end = t_wildcard(AF_INET6, 0), told_end = t_wildcard(AF_INET6, 0);
    char room[4];
    T_DO(t_pair(t, AF_INET6, ends));
    T_OK(getsockname(ends[0], &own_end.u.any, &own_end.bytes));
    T_OK(getpeername(ends[1], &told_end.u.any, &told_end.bytes));
    T_EQ(own_end.bytes, sizeof own_end.u.v6);
    T_TRUE(t_same_addr(&own_end, &told_end));
    T_EQ(send(ends[1], "six", 3, 0), 3);
    T_DO(t_recv_all(t, ends[0], room, 3));
    T_SAME(room, "six", 3);
}

static void v6__datagram__source_and_data(struct t_run *t)
{
    SOCKET a, b;
    struct t_addr at[2], from;
    char room[16];
    T_DO(t_bound(t, AF_INET6, SOCK_DGRAM, &a, &at[0]));
    T_DO(t_bound(t, AF_INET6, SOCK_DGRAM, &b, &at[1]));
    T_EQ(sendto(a, "datagram", 8, 0, &at[1].u.any, at[1].bytes), 8);
    from.bytes = sizeof from.u;
    T_EQ(recvfrom(b, room, sizeof room, 0, &from.u.any, &from.bytes), 8);
    T_EQ(from.bytes, sizeof from.u.v6);
    T_TRUE(t_same_addr(&from, &at[0]));
}

static void v6__port_unreachable__connreset(struct t_run *t)
{
    SOCKET s;
    struct t_addr at, nobody;
    char byte;
    T_DO(t_bound(t, AF_INET6, SOCK_DGRAM, &s, &at));
    T_DO(t_nobody(t, AF_INET6, SOCK_DGRAM, &nobody));
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 500));
    T_EQ(sendto(s, "x", 1, 0, &nobody.u.any, nobody.bytes), 1);
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAECONNRESET);
}

/* Rule DS-1: only IPv6 unless told otherwise, so both families have the port. */
static void v6only__default__port_is_free_for_v4(struct t_run *t)
{
    SOCKET six = t_socket(t, AF_INET6, SOCK_STREAM);
    SOCKET four = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_addr at = t_wildcard(AF_INET6, 0);
    T_OK(bind(six, &at.u.any, at.bytes));
    T_OK(getsockname(six, &at.u.any, &at.bytes));
    at = t_wildcard(AF_INET, t_port(&at));
    T_OK(bind(four, &at.u.any, at.bytes));
}

/* Rules DS-3, DSC-19: a mapped address is of no use then. */
static void v6only__mapped_address__no_way(struct t_run *t)
{
    SOCKET listener, s = t_socket(t, AF_INET6, SOCK_STREAM);
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    at = mapped(t_port(&at));
    T_TRUE(connect(s, &at.u.any, at.bytes) == SOCKET_ERROR);
}

/* Rules DS-2, DS-4. */
static void dual__listener__accepts_both_families(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET6, SOCK_STREAM), c, a;
    struct t_addr at = t_wildcard(AF_INET6, 0), to, from, want;
    int family;
    T_OK(t_set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    T_OK(bind(s, &at.u.any, at.bytes));
    T_OK(getsockname(s, &at.u.any, &at.bytes));
    T_OK(listen(s, 5));
    for (family = 0; family < 2; family++) {
        to = t_loopback(family ? AF_INET6 : AF_INET, t_port(&at));
        c = t_socket(t, family ? AF_INET6 : AF_INET, SOCK_STREAM);
        T_OK(connect(c, &to.u.any, to.bytes));
        from.bytes = sizeof from.u;
        a = t_keep(t, accept(s, &from.u.any, &from.bytes));
        T_TRUE(a != INVALID_SOCKET);
        T_EQ(from.bytes, sizeof from.u.v6);
        want = family ? t_loopback(AF_INET6, 0) : mapped(0);
        want.u.v6.sin6_port = from.u.v6.sin6_port;
        T_TRUE(t_same_addr(&from, &want));
        from.bytes = sizeof from.u;
        T_OK(getsockname(a, &from.u.any, &from.bytes));
        want.u.v6.sin6_port = at.u.v6.sin6_port;
        T_TRUE(t_same_addr(&from, &want));
    }
}

/* Rule DS-2. */
static void dual__connect_to_mapped__reaches_v4(struct t_run *t)
{
    SOCKET listener, s = t_socket(t, AF_INET6, SOCK_STREAM);
    struct t_addr at, told_end = t_wildcard(AF_INET6, 0), want;
    T_OK(t_set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    T_DO(t_listener(t, AF_INET, &listener, &at));
    want = mapped(t_port(&at));
    T_OK(connect(s, &want.u.any, want.bytes));
    T_OK(getpeername(s, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &want));
    T_TRUE(t_keep(t, accept(listener, NULL, NULL)) != INVALID_SOCKET);
}

static void dual__datagrams__mapped_both_ways(struct t_run *t)
{
    SOCKET six = t_socket(t, AF_INET6, SOCK_DGRAM), four;
    struct t_addr at = t_wildcard(AF_INET6, 0), v4, from, to;
    char room[8];
    T_OK(t_set_int(six, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    T_OK(bind(six, &at.u.any, at.bytes));
    T_OK(getsockname(six, &at.u.any, &at.bytes));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &four, &v4));
    to = t_loopback(AF_INET, t_port(&at));
    T_EQ(sendto(four, "ping", 4, 0, &to.u.any, to.bytes), 4);
    from.bytes = sizeof from.u;
    T_EQ(recvfrom(six, room, sizeof room, 0, &from.u.any, &from.bytes), 4);
    to = mapped(t_port(&v4));
    T_TRUE(t_same_addr(&from, &to));
    T_EQ(sendto(six, "pong", 4, 0, &from.u.any, from.bytes), 4);
    T_EQ(recv(four, room, sizeof room, 0), 4);
    T_SAME(room, "pong", 4);
}

/* Rule DS-1: before bind only. */
static void v6only__after_bind__inval(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_bound(t, AF_INET6, SOCK_STREAM, &s, &at));
    T_FAILS(t_set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 0), WSAEINVAL);
}

/* Windows, as conformance suites observe: kept until the socket is bound, and without effect. */
static void v6only__on_a_v4_socket__kept_until_bound(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_addr any = t_wildcard(AF_INET, 0);
    T_EQ(t_get_int(s, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    T_OK(t_set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    T_EQ(t_get_int(s, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    T_OK(bind(s, &any.u.any, any.bytes));
    T_TRUE(t_set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 1) == SOCKET_ERROR);
    T_EQ(t_get_int(s, IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

static const struct t_cases cases[] = {
    T_CASE(v6__stream__names_and_data),          T_CASE(v6__datagram__source_and_data),
    T_CASE(v6__port_unreachable__connreset),     T_CASE(v6only__default__port_is_free_for_v4),
    T_CASE(v6only__mapped_address__no_way),      T_CASE(dual__listener__accepts_both_families),
    T_CASE(dual__connect_to_mapped__reaches_v4), T_CASE(dual__datagrams__mapped_both_ways),
    T_CASE(v6only__after_bind__inval),           T_CASE(v6only__on_a_v4_socket__kept_until_bound),
};

const struct t_group t_group_ipv6 = {"ipv6", cases, T_COUNT(cases), false};

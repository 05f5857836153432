/** @file Dual-stack sockets and what else only a real stack shows: options on the wire's ends, port conflicts. */
#include "t_host.h"

#include <string.h>

#define LEAF_FLAGS (WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)

static const unsigned char mapped_loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};

static SOCKET dual_bound(int type)
{
    SOCKET s = t_socket(AF_INET6, type);
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6};

    assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    return s;
}

static void dual__listener__accepts_both_families(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    SOCKET listener = dual_bound(SOCK_STREAM);

    (void)state;
    assert_int_equal(t_spi.lpWSPListen(listener, 4, &t_err), 0);
    for (int i = 0; i < 2; i++) {
        SOCKET a = t_socket(families[i], SOCK_STREAM), b;
        struct sockaddr *to = t_addr(families[i], t_port(listener));
        SOCKADDR_IN6 peer;
        INT len = (INT)sizeof peer;
        char buf[4];

        assert_int_equal(t_spi.lpWSPConnect(a, to, t_addr_size(families[i]), NULL, NULL, NULL, NULL, &t_err), 0);
        b = t_spi.lpWSPAccept(listener, (struct sockaddr *)&peer, &len, NULL, 0, &t_err);
        assert_true(b != INVALID_SOCKET);
        assert_int_equal(peer.sin6_family, AF_INET6);
        assert_int_equal(len, sizeof peer);
        if (families[i] == AF_INET)
            assert_memory_equal(&peer.sin6_addr, mapped_loopback, 16);
        assert_int_equal(t_send(a, "x", 1), 1);
        assert_int_equal(t_recv(b, buf, sizeof buf), 1);
        t_close(a);
        t_close(b);
    }
    t_close(listener);
}

static void dual__datagrams__mapped_both_ways(void **state)
{
    SOCKET dual = dual_bound(SOCK_DGRAM), v4 = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_STORAGE from;
    SOCKADDR_IN6 *in6 = (SOCKADDR_IN6 *)&from;
    char buf[4];

    (void)state;
    assert_int_equal(t_sendto(v4, "ab", 2, t_addr(AF_INET, t_port(dual))), 2);
    assert_int_equal(t_recvfrom(dual, buf, sizeof buf, &from), 2);
    assert_int_equal(in6->sin6_family, AF_INET6);
    assert_memory_equal(&in6->sin6_addr, mapped_loopback, 16);
    assert_int_equal(t_sendto(dual, "cd", 2, &from), 2);
    assert_int_equal(t_recvfrom(v4, buf, sizeof buf, NULL), 2);
    t_close(dual);
    t_close(v4);
}

static void dual__v6only_socket__has_no_way_to_v4(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_STREAM);
    SOCKADDR_IN6 to = {.sin6_family = AF_INET6, .sin6_port = 0x5000};

    (void)state;
    memcpy(&to.sin6_addr, mapped_loopback, 16);
    assert_int_equal(t_spi.lpWSPConnect(s, (struct sockaddr *)&to, (int)sizeof to, NULL, NULL, NULL, NULL, &t_err),
                     SOCKET_ERROR);
    assert_true(t_err == WSAENETUNREACH || t_err == WSAEADDRNOTAVAIL || t_err == WSAEHOSTUNREACH);
    t_close(s);
}

/* Table T2 of 7.2, where both bind the same specific address: plain, REUSE, EXCLUSIVE. */
static void bind__same_address_twice__codes_of_table_t2(void **state)
{
    static const int options[] = {0, SO_REUSEADDR, SO_EXCLUSIVEADDRUSE};
    static const int codes[3][3] = {{WSAEADDRINUSE, WSAEACCES, WSAEADDRINUSE},
                                    {WSAEADDRINUSE, 0, WSAEADDRINUSE},
                                    {WSAEADDRINUSE, WSAEACCES, WSAEADDRINUSE}};

    (void)state;
    for (int first = 0; first < 3; first++)
        for (int second = 0; second < 3; second++) {
            SOCKET a = t_socket(AF_INET, SOCK_DGRAM), b = t_socket(AF_INET, SOCK_DGRAM);
            int result;

            if (options[first] != 0)
                assert_int_equal(t_option_set(a, SOL_SOCKET, options[first], 1), 0);
            if (options[second] != 0)
                assert_int_equal(t_option_set(b, SOL_SOCKET, options[second], 1), 0);
            assert_int_equal(t_spi.lpWSPBind(a, t_addr(AF_INET, 0), 16, &t_err), 0);
            t_err = 0;
            result = t_spi.lpWSPBind(b, t_addr(AF_INET, t_port(a)), 16, &t_err);
            if ((result == 0 ? 0 : t_err) != codes[first][second])
                fail_msg("first %d, second %d: %d", first, second, t_err);
            t_close(a);
            t_close(b);
        }
}

/* A.18.8. */
static void join_leaf__twice__isconn(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS);
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = 0x5557};
    struct sockaddr *name = (struct sockaddr *)&group;

    (void)state;
    memcpy(&group.sin_addr, "\357\1\2\6", 4);
    assert_true(t_spi.lpWSPJoinLeaf(s, name, 16, NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY, &t_err) == s);
    assert_true(t_spi.lpWSPJoinLeaf(s, name, 16, NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEISCONN);
    t_close(s);
}

/* MPT-9: own traffic comes back, unless SIO_MULTIPOINT_LOOPBACK is off. */
static void multicast__own_traffic__comes_back_unless_switched_off(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = 0x5559}, any = group;
    IP_MREQ mreq = {0};
    ULONG off = 0;
    DWORD n;
    int value;
    char buf[8];

    (void)state;
    memcpy(&group.sin_addr, "\357\1\2\10", 4);
    memcpy(&mreq.imr_multiaddr, &group.sin_addr, 4);
    memcpy(&mreq.imr_interface, "\12\11\0\1", 4);
    memcpy(&value, "\12\11\0\1", 4);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, 16, &t_err), 0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&mreq, (int)sizeof mreq, &t_err),
                     0);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 1000), 0);
    assert_int_equal(t_sendto(s, "own", 3, &group), 3);
    assert_int_equal(t_recv(s, buf, sizeof buf), 3);
    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_MULTIPOINT_LOOPBACK, &off, 4, NULL, 0, &n, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 100), 0);
    assert_int_equal(t_sendto(s, "own", 3, &group), 3);
    t_fails(t_recv(s, buf, sizeof buf), WSAETIMEDOUT);
    t_close(s);
}

/* CLL-10. */
static void datagrams__full_socket__drops_what_comes(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    static char bytes[1000];
    int got = 0;

    (void)state;
    assert_int_equal(t_option_set(b, SOL_SOCKET, SO_RCVBUF, 16384), 0);
    for (int i = 0; i < 200; i++) {
        bytes[0] = (char)i;
        assert_int_equal(t_sendto(a, bytes, sizeof bytes, t_addr(AF_INET, t_port(b))), sizeof bytes);
    }
    t_sleep_ms(50);
    assert_int_equal(t_nonblocking(b, true), 0);
    while (t_recv(b, bytes, sizeof bytes) == (int)sizeof bytes)
        assert_int_equal((unsigned char)bytes[0], got++); /* the oldest stay */
    assert_int_equal(t_err, WSAEWOULDBLOCK);
    assert_in_range(got, 1, 199);
    t_close(a);
    t_close(b);
}

#define RAW_PROTOCOL 200

static SOCKET raw_socket(int af)
{
    SOCKET s = t_spi.lpWSPSocket(af, SOCK_RAW, RAW_PROTOCOL, t_info(af, SOCK_RAW), 0, WSA_FLAG_OVERLAPPED, &t_err);

    assert_true(s != INVALID_SOCKET);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 1000), 0);
    return s;
}

/* RAW-7, RAW-8, RAW-9: each socket of the protocol has a copy, IPv4 with its header and IPv6 without. */
static void raw__any_protocol__copies_with_and_without_header(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET a = raw_socket(families[i]), b = raw_socket(families[i]), c = raw_socket(families[i]);
        int header = i == 0 ? 20 : 0;
        unsigned char buf[64];

        assert_int_equal(t_spi.lpWSPBind(b, t_addr(families[i], 0), t_addr_size(families[i]), &t_err), 0);
        assert_int_equal(t_spi.lpWSPBind(c, t_addr(families[i], 0), t_addr_size(families[i]), &t_err), 0);
        assert_int_equal(t_sendto(a, "raw", 3, t_addr(families[i], 0)), 3);
        assert_int_equal(t_recv(b, buf, sizeof buf), header + 3);
        assert_memory_equal(buf + header, "raw", 3);
        if (header != 0) {
            assert_int_equal(buf[0], 0x45);
            assert_int_equal(buf[9], RAW_PROTOCOL);
        }
        assert_int_equal(t_recv(c, buf, sizeof buf), header + 3);
        t_close(a);
        t_close(b);
        t_close(c);
    }
}

/* RAW-9, RAW-11: a connected one hears its peer only, a bound one what is sent to its address. */
static void raw__connected_or_bound_elsewhere__hears_nothing(void **state)
{
    SOCKET a = raw_socket(AF_INET), b = raw_socket(AF_INET), c = raw_socket(AF_INET), d = raw_socket(AF_INET);
    SOCKADDR_IN elsewhere = {.sin_family = AF_INET}, own = elsewhere;
    char buf[64];

    (void)state;
    memcpy(&elsewhere.sin_addr, "\12\11\0\143", 4);
    assert_int_equal(t_spi.lpWSPBind(c, t_addr(AF_INET, 0), 16, &t_err), 0);
    memcpy(&own.sin_addr, "\12\11\0\1", 4);
    assert_int_equal(t_spi.lpWSPBind(d, (struct sockaddr *)&own, 16, &t_err), 0);
    assert_int_equal(t_spi.lpWSPConnect(b, (struct sockaddr *)&elsewhere, 16, NULL, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(t_sendto(a, "raw", 3, t_addr(AF_INET, 0)), 3);
    assert_int_equal(t_recv(c, buf, sizeof buf), 23); /* it came */
    assert_int_equal(t_option_set(b, SOL_SOCKET, SO_RCVTIMEO, 50), 0);
    t_fails(t_recv(b, buf, sizeof buf), WSAETIMEDOUT);
    assert_int_equal(t_option_set(d, SOL_SOCKET, SO_RCVTIMEO, 50), 0);
    t_fails(t_recv(d, buf, sizeof buf), WSAETIMEDOUT);
    t_close(a);
    t_close(b);
    t_close(c);
    t_close(d);
}

/* RAW-5: groups without membership, broadcasts only with permission. */
static void raw__destinations__as_for_datagrams(void **state)
{
    SOCKET s = raw_socket(AF_INET);
    SOCKADDR_IN to = {.sin_family = AF_INET};
    int value;

    (void)state;
    memset(&to.sin_addr, 0xff, 4);
    t_fails(t_sendto(s, "raw", 3, &to), WSAEACCES);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
    assert_int_equal(t_sendto(s, "raw", 3, &to), 3);
    memcpy(&value, "\12\11\0\1", 4);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    memcpy(&to.sin_addr, "\357\1\2\11", 4);
    assert_int_equal(t_sendto(s, "raw", 3, &to), 3);
    t_close(s);
}

/* RAW-6: with IP_HDRINCL the header is the program's. */
static void raw__header_included__is_taken(void **state)
{
    SOCKET a = raw_socket(AF_INET), b = raw_socket(AF_INET);
    unsigned char packet[23] = {0x45, 0, 0, 23,  0, 9, 0, 0,   77,  RAW_PROTOCOL, [12] = 127,
                                0,    0, 1, 127, 0, 0, 1, 'r', 'a', 'w'};
    unsigned char buf[64];

    (void)state;
    assert_int_equal(t_option_get(a, IPPROTO_IP, IP_HDRINCL), 0);
    assert_int_equal(t_option_set(a, IPPROTO_IP, IP_HDRINCL, 1), 0);
    assert_int_equal(t_spi.lpWSPBind(b, t_addr(AF_INET, 0), 16, &t_err), 0);
    assert_int_equal(t_sendto(a, packet, sizeof packet, t_addr(AF_INET, 0)), sizeof packet);
    assert_int_equal(t_recv(b, buf, sizeof buf), sizeof packet);
    assert_int_equal(buf[8], 77);
    assert_memory_equal(buf + 20, "raw", 3);
    t_close(a);
    t_close(b);
}

/* WSPRECVDISCONNECT-2, E37: unlike a shutdown's, the receiving half that WSPRecvDisconnect ends resets nobody: data is taken in
 * until the window is full, and the other direction goes on. */
static void disconnect__receive_then_data__is_taken_in_and_nobody_is_reset(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    static char block[65536];
    size_t sent;
    int n = 0;
    char buf[4];

    (void)state;
    assert_int_equal(t_send(pair.b, "0", 1), 1); /* unread data resets nobody either */
    assert_int_equal(t_option_set(pair.b, SOL_SOCKET, SO_RCVTIMEO, 5000), 0);
    assert_int_equal(t_spi.lpWSPRecvDisconnect(pair.a, NULL, &t_err), 0);
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    for (sent = 0; sent < 64 * 1024 * 1024; sent += (size_t)n) {
        n = t_send(pair.b, block, sizeof block);
        if (n < 0)
            break;
    }
    assert_int_equal(t_err, WSAEWOULDBLOCK); /* the window is full, and stays so */
    assert_in_range(sent, sizeof block, 32 * 1024 * 1024);
    assert_int_equal(t_nonblocking(pair.b, false), 0);
    t_fails(t_recv(pair.a, buf, sizeof buf), WSAESHUTDOWN);
    assert_int_equal(t_send(pair.a, "y", 1), 1);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 1);
    t_pair_close(&pair);
}

/* WSPBIND-5: a link-local address is one of its own interface only. */
static void bind__link_local_of_another_interface__is_not_available(void **state)
{
    static const unsigned char link_local[2] = {0xfe, 0x80};
    static union {
        SOCKET_ADDRESS_LIST list;
        char room[4096];
    } out;
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    SOCKADDR_IN6 addr = {0}, wrong;
    DWORD got = 0;
    bool found = false;

    (void)state;
    assert_int_equal(
        t_spi.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, sizeof out, &got, NULL, NULL, NULL, &t_err), 0);
    for (int i = 0; i < out.list.iAddressCount && !found; i++) {
        memcpy(&addr, out.list.Address[i].lpSockaddr, sizeof addr);
        found = memcmp(&addr.sin6_addr, link_local, 2) == 0;
    }
    assert_true(found);
    assert_int_not_equal(addr.sin6_scope_id, 0);
    wrong = addr;
    wrong.sin6_scope_id = 4711;
    t_fails(t_spi.lpWSPBind(s, (struct sockaddr *)&wrong, (int)sizeof wrong, &t_err), WSAEADDRNOTAVAIL);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&addr, (int)sizeof addr, &t_err), 0);
    t_close(s);
}

/* DS-18: who has not joined does not hear all nodes' group. */
static void v6__all_nodes_group__only_members_hear_it(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    SOCKADDR_IN6 group = {.sin6_family = AF_INET6, .sin6_port = 0x555a}, any = group;
    IPV6_MREQ mreq = {.ipv6mr_interface = 2};
    char buf[8];

    (void)state;
    memcpy(&group.sin6_addr, "\377\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    memcpy(&mreq.ipv6mr_multiaddr, &group.sin6_addr, 16);
    group.sin6_scope_id = 2;
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 2), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 100), 0);
    assert_int_equal(t_sendto(s, "all", 3, &group), 3);
    t_fails(t_recv(s, buf, sizeof buf), WSAETIMEDOUT);
    assert_int_equal(
        t_spi.lpWSPSetSockOpt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, (char *)&mreq, (int)sizeof mreq, &t_err), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 2000), 0);
    assert_int_equal(t_sendto(s, "all", 3, &group), 3);
    assert_int_equal(t_recv(s, buf, sizeof buf), 3);
    t_close(s);
}

/* WSPSETSOCKOPT-5: what bind looks at cannot be set behind it. */
static void bind__sharing_set_afterwards__inval(void **state)
{
    static const int options[] = {SO_REUSEADDR, SO_EXCLUSIVEADDRUSE};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_bound(AF_INET, SOCK_STREAM);

        t_fails(t_option_set(s, SOL_SOCKET, options[i], 1), WSAEINVAL);
        assert_int_equal(t_option_get(s, SOL_SOCKET, options[i]), 0);
        t_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dual__listener__accepts_both_families),
        cmocka_unit_test(dual__datagrams__mapped_both_ways),
        cmocka_unit_test(dual__v6only_socket__has_no_way_to_v4),
        cmocka_unit_test(bind__same_address_twice__codes_of_table_t2),
        cmocka_unit_test(disconnect__receive_then_data__is_taken_in_and_nobody_is_reset),
        cmocka_unit_test(join_leaf__twice__isconn),
        cmocka_unit_test(multicast__own_traffic__comes_back_unless_switched_off),
        cmocka_unit_test(datagrams__full_socket__drops_what_comes),
        cmocka_unit_test(raw__any_protocol__copies_with_and_without_header),
        cmocka_unit_test(raw__connected_or_bound_elsewhere__hears_nothing),
        cmocka_unit_test(raw__destinations__as_for_datagrams),
        cmocka_unit_test(raw__header_included__is_taken),
        cmocka_unit_test(bind__link_local_of_another_interface__is_not_available),
        cmocka_unit_test(v6__all_nodes_group__only_members_hear_it),
        cmocka_unit_test(bind__sharing_set_afterwards__inval),
    };

    return cmocka_run_group_tests_name("spi_dual", tests, t_host_start, t_host_stop);
}

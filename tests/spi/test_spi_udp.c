/** @file Datagrams. */
#include "t_host.h"

#include <string.h>

static void udp__both_families__datagrams_and_their_source(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET a = t_bound(families[i], SOCK_DGRAM), b = t_bound(families[i], SOCK_DGRAM);
        SOCKADDR_STORAGE from;
        char buf[16];

        assert_int_equal(t_sendto(a, "ping", 4, t_addr(families[i], t_port(b))), 4);
        assert_int_equal(t_recvfrom(b, buf, sizeof buf, &from), 4);
        assert_memory_equal(buf, "ping", 4);
        assert_memory_equal(&from, t_addr(families[i], t_port(a)), (size_t)t_addr_size(families[i]));
        t_close(a);
        t_close(b);
    }
}

static void udp__sizes_up_to_the_largest__arrive_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 1471, 1472, 1473, 9000, 65507};
    static char out[65508], in[65508];
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 31);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(t_sendto(a, out, sizes[i], t_addr(AF_INET, t_port(b))), sizes[i]);
        assert_int_equal(t_recvfrom(b, in, sizeof in, NULL), sizes[i]);
        assert_memory_equal(in, out, sizes[i]);
    }
    t_fails(t_sendto(a, out, 65508, t_addr(AF_INET, t_port(b))), WSAEMSGSIZE);
    assert_int_equal(t_sendto(a, "next", 4, t_addr(AF_INET, t_port(b))), 4);
    assert_int_equal(t_recvfrom(b, in, sizeof in, NULL), 4); /* nothing of the other was sent */
    t_close(a);
    t_close(b);
}

static void udp__short_buffer__is_msgsize_with_the_start_and_the_source(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_STORAGE from = {0};
    INT fromlen = (INT)sizeof from;
    DWORD got = 0, flags = 0;
    char buf[4] = "";
    WSABUF bufs = {sizeof buf, buf};

    (void)state;
    assert_int_equal(t_sendto(a, "12345678", 8, t_addr(AF_INET, t_port(b))), 8);
    assert_int_equal(t_sendto(a, "next", 4, t_addr(AF_INET, t_port(b))), 4);
    t_fails(
        t_spi.lpWSPRecvFrom(b, &bufs, 1, &got, &flags, (struct sockaddr *)&from, &fromlen, NULL, NULL, NULL, &t_err),
        WSAEMSGSIZE);
    assert_int_equal(got, 4);
    assert_int_equal(flags, MSG_PARTIAL);
    assert_memory_equal(buf, "1234", 4);
    assert_int_equal(fromlen, sizeof(SOCKADDR_IN));
    assert_memory_equal(&from, t_addr(AF_INET, t_port(a)), sizeof(SOCKADDR_IN));
    assert_int_equal(t_recvfrom(b, buf, sizeof buf, NULL), 4); /* the rest was discarded */
    assert_memory_equal(buf, "next", 4);
    t_close(a);
    t_close(b);
}

static void udp__gather_and_scatter__one_message(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    char one[3], two[8];
    WSABUF out[2] = {{2, t_bytes("ab")}, {3, t_bytes("cde")}}, in[2] = {{3, one}, {8, two}};
    DWORD moved = 0, flags = 0;

    (void)state;
    assert_int_equal(t_spi.lpWSPSendTo(a, out, 2, &moved, 0, t_addr(AF_INET, t_port(b)), 16, NULL, NULL, NULL, &t_err),
                     0);
    assert_int_equal(moved, 5);
    assert_int_equal(t_spi.lpWSPRecv(b, in, 2, &moved, &flags, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(moved, 5);
    assert_memory_equal(one, "abc", 3);
    assert_memory_equal(two, "de", 2);
    t_close(a);
    t_close(b);
}

static void udp__connected__sends_to_its_peer_and_hears_only_it(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM), c = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_STORAGE name;
    INT len = (INT)sizeof name;
    char buf[8];

    (void)state;
    t_fails(t_send(a, "x", 1), WSAENOTCONN);
    t_fails(t_sendto(a, "x", 1, NULL), WSAEDESTADDRREQ);
    t_fails(t_spi.lpWSPGetPeerName(a, (struct sockaddr *)&name, &len, &t_err), WSAENOTCONN);
    assert_int_equal(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(b)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(t_spi.lpWSPGetPeerName(a, (struct sockaddr *)&name, &len, &t_err), 0);
    assert_int_equal(t_send(a, "one", 3), 3);
    assert_int_equal(t_recv(b, buf, sizeof buf), 3);
    assert_int_equal(t_sendto(a, "nowhere", 7, NULL), 7); /* WSPSENDTO-5: as WSPSend */
    assert_int_equal(t_recv(b, buf, sizeof buf), 7);
    assert_int_equal(t_sendto(c, "stranger", 8, t_addr(AF_INET, t_port(a))), 8);
    assert_int_equal(t_sendto(b, "peer", 4, t_addr(AF_INET, t_port(a))), 4);
    assert_int_equal(t_recv(a, buf, sizeof buf), 4);
    assert_memory_equal(buf, "peer", 4);
    assert_int_equal(t_sendto(a, "other", 5, t_addr(AF_INET, t_port(c))), 5); /* this message only */
    assert_int_equal(t_recv(c, buf, sizeof buf), 5);
    t_close(a);
    t_close(b);
    t_close(c);
}

static void udp__zero_address__disconnects(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN zero = {.sin_family = AF_INET};

    (void)state;
    assert_int_equal(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(b)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(t_spi.lpWSPConnect(a, (struct sockaddr *)&zero, 16, NULL, NULL, NULL, NULL, &t_err), 0);
    t_fails(t_send(a, "x", 1), WSAENOTCONN);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), 1);
    t_close(a);
    t_close(b);
}

/* E27, A.6.10, C.18, WSPCONNECT-5: each form of a zero address takes the peer away. Then there is nobody to send to, and who knows
   the address goes on; a bound socket hears everybody, with WSPRecv too, as on Windows. */
static void udp__zero_address_of_each_form__disconnects(void **state)
{
    static const SOCKADDR_IN forms[] = {
        {.sin_family = AF_INET}, {.sin_family = AF_INET, .sin_port = 0x1234}, {.sin_family = 0}};
    char buf[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);

        assert_int_equal(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(b)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
        assert_int_equal(t_send(a, "x", 1), 1);
        assert_int_equal(t_spi.lpWSPConnect(a, (const struct sockaddr *)&forms[i], 16, NULL, NULL, NULL, NULL, &t_err),
                         0);
        t_fails(t_send(a, "x", 1), WSAENOTCONN);
        assert_int_equal(t_sendto(a, "y", 1, t_addr(AF_INET, t_port(b))), 1);
        assert_int_equal(t_sendto(b, "1", 1, t_addr(AF_INET, t_port(a))), 1);
        assert_int_equal(t_sendto(b, "2", 1, t_addr(AF_INET, t_port(a))), 1);
        assert_int_equal(t_recvfrom(a, buf, sizeof buf, NULL), 1);
        assert_int_equal(t_recv(a, buf, sizeof buf), 1);
        assert_int_equal(buf[0], '2');
        t_close(a);
        t_close(b);
    }
}

static void udp__port_unreachable__is_connreset_once_unless_switched_off(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), dead = t_bound(AF_INET, SOCK_DGRAM);
    uint16_t port = t_port(dead);
    ULONG off = 0;
    DWORD returned = 9;
    char buf[8];

    (void)state;
    t_close(dead);
    assert_int_equal(t_option_set(a, SOL_SOCKET, SO_RCVTIMEO, 2000), 0);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, port)), 1);
    t_fails(t_recvfrom(a, buf, sizeof buf, NULL), WSAECONNRESET);
    assert_int_equal(
        t_spi.lpWSPIoctl(a, SIO_UDP_CONNRESET, &off, sizeof off, NULL, 0, &returned, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(returned, 0);
    assert_int_equal(t_option_set(a, SOL_SOCKET, SO_RCVTIMEO, 60), 0);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, port)), 1);
    t_fails(t_recvfrom(a, buf, sizeof buf, NULL), WSAETIMEDOUT);
    t_close(a);
}

static void udp__bad_destinations__have_their_codes(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN to = {.sin_family = AF_INET, .sin_port = 0x5000};

    (void)state;
    t_fails(t_sendto(a, "x", 1, &to), WSAEADDRNOTAVAIL);                /* any address */
    t_fails(t_sendto(a, "x", 1, t_addr(AF_INET, 0)), WSAEADDRNOTAVAIL); /* port 0 */
    memset(&to.sin_addr, 0xff, 4);
    t_fails(t_sendto(a, "x", 1, &to), WSAEACCES); /* broadcast */
    memcpy(&to.sin_addr, "\310\1\2\3", 4);
    t_fails(t_sendto(a, "x", 1, &to), WSAENETUNREACH);
    t_fails(t_sendto(a, "x", 1, t_addr(AF_INET6, 80)), WSAEAFNOSUPPORT);
    t_close(a);
}

static void udp__unbound__cannot_receive_until_it_sent(void **state)
{
    SOCKET a = t_socket(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_STORAGE name;
    INT len = (INT)sizeof name;
    char buf[8];

    (void)state;
    t_fails(t_recvfrom(a, buf, sizeof buf, NULL), WSAEINVAL);
    t_fails(t_spi.lpWSPGetSockName(a, (struct sockaddr *)&name, &len, &t_err), WSAEINVAL);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), 1);
    assert_true(t_port(a) != 0);
    assert_int_equal(t_nonblocking(a, true), 0);
    t_fails(t_recvfrom(a, buf, sizeof buf, NULL), WSAEWOULDBLOCK);
    t_close(a);
    t_close(b);
}

static void udp__peek__leaves_the_datagram(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    DWORD flags = MSG_PEEK;
    char buf[8];

    (void)state;
    assert_int_equal(t_sendto(a, "abcd", 4, t_addr(AF_INET, t_port(b))), 4);
    assert_int_equal(t_recv_flags(b, buf, sizeof buf, &flags), 4);
    assert_int_equal(t_recv(b, buf, sizeof buf), 4);
    t_close(a);
    t_close(b);
}

static void udp__stream_only_flags__are_refused(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM);
    DWORD flags = MSG_WAITALL;
    char buf[8];

    (void)state;
    t_fails(t_recv_flags(a, buf, sizeof buf, &flags), WSAEOPNOTSUPP);
    flags = MSG_OOB;
    t_fails(t_recv_flags(a, buf, sizeof buf, &flags), WSAEOPNOTSUPP);
    t_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp__both_families__datagrams_and_their_source),
        cmocka_unit_test(udp__sizes_up_to_the_largest__arrive_whole),
        cmocka_unit_test(udp__short_buffer__is_msgsize_with_the_start_and_the_source),
        cmocka_unit_test(udp__gather_and_scatter__one_message),
        cmocka_unit_test(udp__connected__sends_to_its_peer_and_hears_only_it),
        cmocka_unit_test(udp__zero_address__disconnects),
        cmocka_unit_test(udp__zero_address_of_each_form__disconnects),
        cmocka_unit_test(udp__port_unreachable__is_connreset_once_unless_switched_off),
        cmocka_unit_test(udp__bad_destinations__have_their_codes),
        cmocka_unit_test(udp__unbound__cannot_receive_until_it_sent),
        cmocka_unit_test(udp__peek__leaves_the_datagram),
        cmocka_unit_test(udp__stream_only_flags__are_refused),
    };

    return cmocka_run_group_tests_name("spi_udp", tests, t_host_start, t_host_stop);
}

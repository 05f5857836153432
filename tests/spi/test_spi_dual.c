/** @file Dual-stack sockets and what else only a real stack shows: options on the wire's ends, port conflicts. */
#include "t_host.h"

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dual__listener__accepts_both_families),
        cmocka_unit_test(dual__datagrams__mapped_both_ways),
        cmocka_unit_test(dual__v6only_socket__has_no_way_to_v4),
        cmocka_unit_test(bind__same_address_twice__codes_of_table_t2),
    };

    return cmocka_run_group_tests_name("spi_dual", tests, t_host_start, t_host_stop);
}

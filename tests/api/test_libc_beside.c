/*
 * One process, two socket interfaces: this file speaks Winsock, libc_beside_linux.c speaks libc, libpcap and DPDK are
 * loaded and use libc's.
 */
#include "t_api.h"

#include "libc_beside_linux.h"

static void winsock__beside_libc__each_reaches_its_own(void **state)
{
    SOCKET ends[2];
    char byte = 0;
    (void)state;
    t_api_pair(ends);
    assert_int_equal(send(ends[0], "w", 1, 0), 1);
    assert_int_equal(t_libc_stream_round_trip(), 0); /* kernel sockets on loopback, same process, same moment */
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_int_equal(byte, 'w');
    assert_true(t_libc_symbol_is_libcs("socket"));
    assert_true(t_libc_symbol_is_libcs("send"));
    assert_true(t_libc_symbol_is_libcs("select"));
    assert_true(t_libc_symbol_is_libcs("getaddrinfo"));
    assert_int_equal(t_libc_select_works(), 0);
    closesocket(ends[0]);
    closesocket(ends[1]);
}

static void libpcap__loaded__uses_libc(void **state)
{
    int result = t_libc_pcap_works();
    (void)state;
    if (result == T_LIBC_ABSENT) {
        skip();
    }
    assert_int_equal(result, 0);
}

static void dpdk__loaded__uses_libc(void **state)
{
    int result = t_libc_dpdk_works();
    (void)state;
    if (result == T_LIBC_ABSENT) {
        skip();
    }
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(winsock__beside_libc__each_reaches_its_own, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(libpcap__loaded__uses_libc, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(dpdk__loaded__uses_libc, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}

/*
 * What the SDK has in its headers only, and ours too: byte order of large and floating values, options and source filters
 * by name. Over Winlane itself.
 */
#include "t_api.h"

#include <string.h>

static void byte_order__large_and_floating__network_order_and_back(void **state)
{
    const unsigned char pi[] = {0x40, 0x49, 0x0f, 0xdb};
    const unsigned char half[] = {0xbf, 0xe0, 0, 0, 0, 0, 0, 0};
    const unsigned char eight[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const UINT64 large = htonll(0x0102030405060708u), wide = htond(-0.5);
    const UINT32 narrow = htonf(3.14159274f);
    (void)state;
    assert_memory_equal(&large, eight, sizeof eight);
    assert_memory_equal(&narrow, pi, sizeof pi);
    assert_memory_equal(&wide, half, sizeof half);
    assert_true(ntohll(large) == 0x0102030405060708u);
    assert_true(ntohf(narrow) == 3.14159274f);
    assert_true(ntohd(wide) == -0.5);
}

static void options__by_name__set_and_got(void **state)
{
    const int families[] = {AF_INET, AF_INET6};
    ICMP_ERROR_INFO info;
    DWORD value = 0;
    SOCKET s;
    int i;
    (void)state;
    for (i = 0; i < 2; i++) {
        s = socket(families[i], SOCK_DGRAM, 0);
        assert_int_equal(WSAGetIPUserMtu(s, &value), 0);
        assert_int_equal(value, IP_UNSPECIFIED_USER_MTU);
        assert_int_equal(WSASetIPUserMtu(s, 1300), 0);
        assert_int_equal(WSAGetIPUserMtu(s, &value), 0);
        assert_int_equal(value, 1300);
        assert_int_equal(closesocket(s), 0);
    }
    assert_fails(WSASetIPUserMtu(s, 1300), WSAENOTSOCK);
    assert_fails(WSAGetIPUserMtu(s, &value), WSAENOTSOCK);
    s = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(WSAGetFailConnectOnIcmpError(s, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(WSASetFailConnectOnIcmpError(s, 1), 0);
    assert_int_equal(WSAGetFailConnectOnIcmpError(s, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(sizeof info, 36);
    assert_int_equal(WSAGetIcmpErrorInfo(s, &info), 0);
    assert_int_equal(closesocket(s), 0);
}

static void source_filter__ipv4__set_and_got(void **state)
{
    IN_ADDR port, group, sources[2], found[2];
    MULTICAST_MODE_TYPE mode = MCAST_EXCLUDE;
    ULONG count = 2;
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    (void)state;
    port.s_addr = inet_addr("10.88.0.1");
    group.s_addr = inet_addr("239.7.0.1");
    sources[0].s_addr = inet_addr("10.88.0.8");
    sources[1].s_addr = inet_addr("10.88.0.9");
    assert_int_equal(setipv4sourcefilter(s, port, group, MCAST_INCLUDE, 2, sources), 0);
    assert_int_equal(getipv4sourcefilter(s, port, group, &mode, &count, found), 0);
    assert_int_equal(mode, MCAST_INCLUDE);
    assert_int_equal(count, 2);
    assert_true(found[0].s_addr == sources[0].s_addr || found[0].s_addr == sources[1].s_addr);
    found[1].s_addr = 77;
    count = 1;
    assert_int_equal(getipv4sourcefilter(s, port, group, &mode, &count, found), 0);
    assert_int_equal(count, 2); /* that many there are */
    assert_int_equal(found[1].s_addr, 77);
    count = 0;
    assert_int_equal(getipv4sourcefilter(s, port, group, &mode, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(setipv4sourcefilter(s, port, group, MCAST_INCLUDE, 0, NULL), 0);
    assert_fails(getipv4sourcefilter(s, port, group, &mode, &count, found), WSAEADDRNOTAVAIL);
    assert_int_equal(closesocket(s), 0);
    assert_fails(setipv4sourcefilter(s, port, group, MCAST_INCLUDE, 2, sources), WSAENOTSOCK);
}

static void source_filter__both_families__set_and_got(void **state)
{
    const int families[] = {AF_INET, AF_INET6};
    int i;
    (void)state;
    for (i = 0; i < 2; i++) {
        SOCKADDR_STORAGE group, source, found;
        MULTICAST_MODE_TYPE mode = MCAST_INCLUDE;
        ULONG count = 1;
        int bytes = families[i] == AF_INET ? (int)sizeof(SOCKADDR_IN) : (int)sizeof(SOCKADDR_IN6);
        SOCKET s = socket(families[i], SOCK_DGRAM, 0);
        memset(&group, 0, sizeof group);
        memset(&source, 0, sizeof source);
        group.ss_family = source.ss_family = (ADDRESS_FAMILY)families[i];
        if (families[i] == AF_INET) {
            ((SOCKADDR_IN *)&group)->sin_addr.s_addr = inet_addr("239.7.0.2");
            ((SOCKADDR_IN *)&source)->sin_addr.s_addr = inet_addr("10.88.0.8");
        } else {
            assert_int_equal(inet_pton(AF_INET6, "ff05::7:2", &((SOCKADDR_IN6 *)&group)->sin6_addr), 1);
            assert_int_equal(inet_pton(AF_INET6, "fd88::8", &((SOCKADDR_IN6 *)&source)->sin6_addr), 1);
        }
        assert_int_equal(setsourcefilter(s, 2, (SOCKADDR *)&group, bytes, MCAST_EXCLUDE, 1, &source), 0);
        assert_int_equal(getsourcefilter(s, 2, (SOCKADDR *)&group, bytes, &mode, &count, &found), 0);
        assert_int_equal(mode, MCAST_EXCLUDE);
        assert_int_equal(count, 1);
        assert_memory_equal(&found, &source, sizeof source);
        assert_int_equal(closesocket(s), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_order__large_and_floating__network_order_and_back),
        cmocka_unit_test_setup_teardown(options__by_name__set_and_got, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(source_filter__ipv4__set_and_got, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(source_filter__both_families__set_and_got, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

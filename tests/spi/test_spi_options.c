/** @file Socket options, by table. */
#include "t_host.h"

#include <string.h>

/* Missing in some versions of the headers. */
#ifndef SO_PAUSE_ACCEPT
#define SO_PAUSE_ACCEPT 0x3003
#endif
#ifndef TCP_EXPEDITED_1122
#define TCP_EXPEDITED_1122 2
#endif
#ifndef TCP_BSDURGENT
#define TCP_BSDURGENT 0x7000
#endif
#ifndef TCP_MAXRT
#define TCP_MAXRT 5
#endif
#ifndef TCP_NOSYNRETRIES
#define TCP_NOSYNRETRIES 9
#endif
#ifndef TCP_TIMESTAMPS
#define TCP_TIMESTAMPS 10
#endif
#ifndef TCP_CONGESTION_ALGORITHM
#define TCP_CONGESTION_ALGORITHM 12
#endif
#ifndef TCP_MAXRTMS
#define TCP_MAXRTMS 14
#endif
#ifndef TCP_FASTOPEN
#define TCP_FASTOPEN 15
#endif
#ifndef TCP_FAIL_CONNECT_ON_ICMP_ERROR
#define TCP_FAIL_CONNECT_ON_ICMP_ERROR 18
#endif
#ifndef TCP_ICMP_ERROR_INFO
#define TCP_ICMP_ERROR_INFO 19
#endif

#define T SOCK_STREAM
#define U SOCK_DGRAM
#define R SOCK_RAW
#define NOPROTO WSAENOPROTOOPT
#define KEEP (-1) /* not checked */

/* An int option: default, a value to set, what is then read; or codes. */
struct option_row {
    int af, type, level, name;
    int get_code, initial;
    int set, set_code, after;
};

static const struct option_row rows[] = {
    {AF_INET, T, SOL_SOCKET, SO_ACCEPTCONN, 0, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_TYPE, 0, SOCK_STREAM, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 0, 0, 1, 0, 1},
    {AF_INET6, T, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 0, 0, 77, 0, 1},
    {AF_INET, U, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_PAUSE_ACCEPT, 0, 0, 1, 0, 1},
    {AF_INET, U, SOL_SOCKET, SO_PAUSE_ACCEPT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_EXPEDITED_1122, 0, 0, 1, 0, 1},
    {AF_INET, T, IPPROTO_TCP, TCP_BSDURGENT, 0, 1, 0, 0, 0},
    {AF_INET6, T, IPPROTO_TCP, TCP_BSDURGENT, 0, 1, 1, 0, 1},
    {AF_INET, U, IPPROTO_TCP, TCP_BSDURGENT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, U, SOL_SOCKET, SO_TYPE, 0, SOCK_DGRAM, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_ERROR, 0, 0, 1234, 0, 1234},
    {AF_INET, T, SOL_SOCKET, SO_GROUP_ID, 0, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_GROUP_PRIORITY, 0, 0, 5, 0, 5},
    {AF_INET, T, SOL_SOCKET, SO_DEBUG, 0, 0, 5, 0, 1},
    {AF_INET, T, SOL_SOCKET, SO_REUSEADDR, 0, 0, 1, 0, 1},
    {AF_INET, U, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 0, 0, 1, 0, 1},
    {AF_INET, T, SOL_SOCKET, SO_KEEPALIVE, 0, 0, 2, 0, 1},
    {AF_INET, U, SOL_SOCKET, SO_KEEPALIVE, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_KEEPALIVE, 0, 0, 0x100, 0, 0}, /* one byte is taken */
    {AF_INET, T, SOL_SOCKET, SO_DONTROUTE, 0, 0, 1, 0, 1},
    {AF_INET6, T, SOL_SOCKET, SO_DONTROUTE, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, U, SOL_SOCKET, SO_BROADCAST, 0, 0, 1, 0, 1},
    {AF_INET, T, SOL_SOCKET, SO_OOBINLINE, 0, 0, 1, 0, 1},
    {AF_INET, T, SOL_SOCKET, SO_USELOOPBACK, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, T, SOL_SOCKET, SO_SNDLOWAT, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, T, SOL_SOCKET, SO_RCVLOWAT, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, T, SOL_SOCKET, SO_RCVTIMEO, 0, 0, 1500, 0, 1500},
    {AF_INET6, U, SOL_SOCKET, SO_SNDTIMEO, 0, 0, 250, 0, 250},
    {AF_INET, T, SOL_SOCKET, SO_RCVBUF, 0, KEEP, 131072, 0, 131072},
    {AF_INET, T, SOL_SOCKET, SO_SNDBUF, 0, KEEP, 131072, 0, 131072},
    {AF_INET, T, SOL_SOCKET, SO_SNDBUF, 0, KEEP, -1, WSAEINVAL, 0},
    {AF_INET, T, SOL_SOCKET, SO_DONTLINGER, 0, 1, 0, 0, 0},
    {AF_INET, U, SOL_SOCKET, SO_DONTLINGER, NOPROTO, 0, 0, NOPROTO, 0},
    {AF_INET, U, SOL_SOCKET, SO_MAX_MSG_SIZE, 0, 65507, 1, NOPROTO, 0},
    {AF_INET6, U, SOL_SOCKET, SO_MAX_MSG_SIZE, 0, 65487, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_MAX_MSG_SIZE, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONNECT_TIME, 0, -1, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONNDATA, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONNDATALEN, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONNOPT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_CONNOPTLEN, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_DISCDATA, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_DISCDATALEN, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_DISCOPT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, SO_DISCOPTLEN, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, SOL_SOCKET, 0x6543, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, 0x4321, 1, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_NODELAY, 0, 0, 1, 0, 1},
    {AF_INET, U, IPPROTO_TCP, TCP_NODELAY, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_KEEPIDLE, 0, 7200, 90, 0, 90},
    {AF_INET, T, IPPROTO_TCP, TCP_KEEPIDLE, 0, 7200, 0, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_KEEPINTVL, 0, 1, 7, 0, 7},
    {AF_INET, T, IPPROTO_TCP, TCP_KEEPCNT, 0, 10, 255, 0, 255},
    {AF_INET, T, IPPROTO_TCP, TCP_KEEPCNT, 0, 10, 256, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXRT, 0, 0, 30, 0, 30},
    {AF_INET6, T, IPPROTO_TCP, TCP_MAXRT, 0, 0, -1, 0, -1},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXRT, 0, 0, -2, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXRT, 0, 0, INT32_MAX, WSAEINVAL, 0},
    {AF_INET, U, IPPROTO_TCP, TCP_MAXRT, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXRTMS, 0, 0, 1500, 0, 1500},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXRTMS, 0, 0, -2, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_TIMESTAMPS, 0, 0, 7, 0, 1},
    {AF_INET, U, IPPROTO_TCP, TCP_TIMESTAMPS, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_NOSYNRETRIES, 0, 0, 2, 0, 1},
    {AF_INET, T, IPPROTO_TCP, TCP_NOSYNRETRIES, 0, 0, 0, 0, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, 0, 0, 5, 0, 1},
    {AF_INET, U, IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_FASTOPEN, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_MAXSEG, 0, KEEP, 1400, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, TCP_CONGESTION_ALGORITHM, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_TCP, 999, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, U, IPPROTO_UDP, UDP_NOCHECKSUM, 0, 0, 1, 0, 1},
    {AF_INET6, U, IPPROTO_UDP, UDP_NOCHECKSUM, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, T, IPPROTO_UDP, UDP_NOCHECKSUM, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, U, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0, 0, 1400, 0, 1400},
    {AF_INET, T, IPPROTO_UDP, UDP_SEND_MSG_SIZE, NOPROTO, 0, 1400, NOPROTO, 0},
    {AF_INET6, U, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, 0, 0, 65000, 0, 65000},
    {AF_INET, T, IPPROTO_IP, IP_TTL, 0, KEEP, 7, 0, 7},
    {AF_INET, U, IPPROTO_IP, IP_TTL, 0, KEEP, 256, WSAEINVAL, 0},
    {AF_INET, U, IPPROTO_IP, IP_TOS, 0, 0, 0x28, 0, 0x28},
    {AF_INET, U, IPPROTO_IP, IP_DONTFRAGMENT, 0, 0, 1, 0, 1},
    {AF_INET, T, IPPROTO_IP, IP_DONTFRAGMENT, 0, 1, 0, 0, 0},
    {AF_INET6, T, IPPROTO_IPV6, IPV6_DONTFRAG, 0, 1, 0, 0, 0},
    {AF_INET, R, IPPROTO_IP, IP_HDRINCL, 0, 0, 1, 0, 1},
    {AF_INET, U, IPPROTO_IP, IP_HDRINCL, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, T, IPPROTO_IP, IP_HDRINCL, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET, U, IPPROTO_IP, IP_MULTICAST_TTL, 0, 1, 9, 0, 9},
    {AF_INET, U, IPPROTO_IP, IP_MULTICAST_TTL, 0, 1, 256, WSAEINVAL, 0},
    {AF_INET, U, IPPROTO_IP, IP_MULTICAST_LOOP, 0, 1, 0, 0, 0},
    {AF_INET, T, IPPROTO_IP, IP_MULTICAST_TTL, NOPROTO, 0, 1, NOPROTO, 0},
    {AF_INET, U, IPPROTO_IPV6, IPV6_V6ONLY, 0, 1, 0, 0, 0},
    {AF_INET6, U, IPPROTO_IP, IP_TTL, WSAEINVAL, 0, 1, WSAEINVAL, 0},
    {AF_INET6, T, IPPROTO_IPV6, IPV6_V6ONLY, 0, 1, 1, 0, 1},
    {AF_INET6, U, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, KEEP, 33, 0, 33},
    {AF_INET6, U, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, KEEP, 256, WSAEINVAL, 0},
    {AF_INET6, U, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, KEEP, -1, 0, 128},
    {AF_INET6, U, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0, 1, 5, 0, 5},
    {AF_INET6, U, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, 1, 0, 0, 0},
    {AF_INET6, U, IPPROTO_IPV6, 250, NOPROTO, 0, 1, NOPROTO, 0},
};

static bool told_as_byte(const struct option_row *row)
{
    return (row->level == SOL_SOCKET && (row->name == SO_KEEPALIVE || row->name == SO_DONTROUTE)) ||
           (row->level == IPPROTO_TCP && row->name == TCP_NODELAY) ||
           (row->level == IPPROTO_IPV6 && row->name == IPV6_V6ONLY);
}

static int get_int(SOCKET s, const struct option_row *row, int *value)
{
    int len = (int)sizeof *value;

    *value = 0;

    t_err = 0;
    if (t_spi.lpWSPGetSockOpt(s, row->level, row->name, (char *)value, &len, &t_err) == SOCKET_ERROR)
        return t_err;
    assert_int_equal(len, told_as_byte(row) ? 1 : sizeof *value);
    return 0;
}

static void options__table__default_set_get_and_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct option_row *row = &rows[i];
        SOCKET s = t_socket(row->af, row->type);
        int value = 0, code = get_int(s, row, &value), result;

        if (code != row->get_code || (code == 0 && row->initial != KEEP && value != row->initial))
            fail_msg("row %zu: get %d, value %d", i, code, value);
        t_err = 0;
        result = t_option_set(s, row->level, row->name, row->set);
        if ((result == 0 ? 0 : t_err) != row->set_code)
            fail_msg("row %zu: set %d", i, t_err);
        if (result == 0 && (get_int(s, row, &value) != 0 || value != row->after))
            fail_msg("row %zu: after setting: %d", i, value);
        t_close(s);
    }
}

static void options__short_or_missing_values__are_fault(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    int value = 1, len = 3;

    (void)state;
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, 3, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_REUSEADDR, NULL, 4, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, &len, &t_err), WSAEFAULT);
    assert_int_equal(len, 3);
    value = 1;
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_REUSEADDR, NULL, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&value, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&value, 3, &t_err), WSAEFAULT);
    t_close(s);
}

static void set_gives(SOCKET s, int level, int name, int len, int code)
{
    static const int64_t one = -INT64_C(0xffffffff); /* 1 in four bytes, and more behind */

    t_err = 0;
    (void)t_spi.lpWSPSetSockOpt(s, level, name, (const char *)&one, len, &t_err);
    assert_int_equal(t_err, code);
}

/* Windows, as conformance suites observe: a negative length is a large one or none of a buffer's; none at all is off. */
static void options__odd_lengths__taken_or_refused(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    set_gives(s, SOL_SOCKET, SO_OOBINLINE, -1, 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_OOBINLINE), 1);
    set_gives(s, SOL_SOCKET, SO_OOBINLINE, 0, 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_OOBINLINE), 0);
    set_gives(s, SOL_SOCKET, SO_OOBINLINE, 8, 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_OOBINLINE), 1);
    set_gives(s, SOL_SOCKET, SO_RCVTIMEO, -1, 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_RCVTIMEO), 1);
    set_gives(s, SOL_SOCKET, SO_RCVTIMEO, 0, WSAEFAULT);
    set_gives(s, SOL_SOCKET, SO_LINGER, -1, 0);
    set_gives(s, SOL_SOCKET, SO_KEEPALIVE, -1, WSAENOBUFS);
    set_gives(s, SOL_SOCKET, SO_KEEPALIVE, 0, WSAEFAULT);
    set_gives(s, IPPROTO_TCP, TCP_NODELAY, -1, WSAENOBUFS);
    set_gives(s, IPPROTO_TCP, TCP_NODELAY, 0, WSAEFAULT);
    set_gives(s, IPPROTO_TCP, TCP_KEEPCNT, 1, WSAEFAULT);
    set_gives(s, IPPROTO_IP, IP_TTL, -1, WSAENOBUFS);
    t_close(s);
}

/* The same: what is left of too little room, and of its length. */
static void options__little_room__what_is_left(void **state)
{
    static const struct {
        int level, name, len, code, left;
        unsigned value;
    } odd[] = {
        {SOL_SOCKET, SO_REUSEADDR, 2, 0, 1, 0xdead0000},
        {SOL_SOCKET, SO_KEEPALIVE, 2, 0, 1, 0xdeadbe00},
        {IPPROTO_TCP, TCP_NODELAY, 2, 0, 1, 0xdeadbe00},
        {SOL_SOCKET, SO_RCVBUF, 2, WSAEFAULT, 2, 0xdead0000},
        {SOL_SOCKET, SO_LINGER, 1, WSAEFAULT, 1, 0xdeadbe00},
        {SOL_SOCKET, SO_SNDTIMEO, 2, WSAEFAULT, 2, 0xdeadbeef},
        {IPPROTO_TCP, TCP_KEEPCNT, 2, WSAEFAULT, 0, 0xdeadbeef},
        {IPPROTO_TCP, TCP_KEEPIDLE, -1, WSAEFAULT, -1, 0xdeadbeef},
    };
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        unsigned value = 0xdeadbeef;
        int len = odd[i].len;

        t_err = 0;
        (void)t_spi.lpWSPGetSockOpt(s, odd[i].level, odd[i].name, (char *)&value, &len, &t_err);
        if (t_err != odd[i].code || len != odd[i].left || value != odd[i].value)
            fail_msg("row %zu: %d, length %d, %#x", i, t_err, len, value);
    }
    t_close(s);
}

/* TM-2: seconds and milliseconds are one limit. */
static void options__maxrt__in_both_units(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    assert_int_equal(t_option_set(s, IPPROTO_TCP, TCP_MAXRTMS, 1200), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_MAXRT), 2);
    assert_int_equal(t_option_set(s, IPPROTO_TCP, TCP_MAXRT, 7), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_MAXRTMS), 7000);
    assert_int_equal(t_option_set(s, IPPROTO_TCP, TCP_MAXRT, -1), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_MAXRTMS), -1);
    t_close(s);
}

/* IC-1, X26: nothing yet is a length of 0. */
static void options__icmp_error_info__none_has_no_length(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), u = t_socket(AF_INET, SOCK_DGRAM);
    char info[40];
    int len = (int)sizeof info;

    (void)state;
    memset(info, 0x5a, sizeof info);
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, IPPROTO_TCP, TCP_ICMP_ERROR_INFO, info, &len, &t_err), 0);
    assert_int_equal(len, 0);
    assert_int_equal(info[0], 0x5a);
    len = 35;
    t_fails(t_spi.lpWSPGetSockOpt(s, IPPROTO_TCP, TCP_ICMP_ERROR_INFO, info, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_TCP, TCP_ICMP_ERROR_INFO, info, 36, &t_err), WSAENOPROTOOPT);
    len = 36;
    t_fails(t_spi.lpWSPGetSockOpt(u, IPPROTO_TCP, TCP_ICMP_ERROR_INFO, info, &len, &t_err), WSAENOPROTOOPT);
    t_close(s);
    t_close(u);
}

static void options__reuse_and_exclusive__exclude_each_other(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    t_fails(t_option_set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), WSAEINVAL);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 0), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), 0);
    t_fails(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 1), WSAEINVAL);
    t_close(s);
}

static void options__linger__and_dontlinger_are_one(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    struct linger linger = {.l_onoff = 7, .l_linger = 30}, got = {9, 9};
    int len = (int)sizeof got;

    (void)state;
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&got, &len, &t_err), 0);
    assert_int_equal(got.l_onoff, 0);
    assert_int_equal(got.l_linger, 0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err), 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_DONTLINGER), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_DONTLINGER, 1), 0);
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&got, &len, &t_err), 0);
    assert_int_equal(got.l_onoff, 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_DONTLINGER, 0), 0);
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&got, &len, &t_err), 0);
    assert_int_equal(got.l_onoff, 1);
    assert_int_equal(got.l_linger, 30);
    t_close(s);
}

static void options__protocol_info__both_widths(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    WSAPROTOCOL_INFOW wide;
    WSAPROTOCOL_INFOA narrow;
    int len = (int)sizeof wide;

    (void)state;
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&wide, &len, &t_err), 0);
    assert_int_equal(len, 628);
    assert_memory_equal(&wide, t_info(AF_INET6, SOCK_DGRAM), sizeof wide);
    len = (int)sizeof narrow;
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&narrow, &len, &t_err), 0);
    assert_int_equal(len, 372);
    assert_string_equal(narrow.szProtocol, "Winlane");
    assert_int_equal(narrow.iAddressFamily, AF_INET6);
    len = 371; /* Windows, as conformance suites observe: what is needed is told, more is not changed */
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&narrow, &len, &t_err), WSAEFAULT);
    assert_int_equal(len, 372);
    len = (int)sizeof wide;
    assert_int_equal(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&wide, &len, &t_err), 0);
    assert_int_equal(len, 628);
    t_close(s);
}

static void options__connect_time__counts_from_the_connection(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);

    (void)state;
    assert_in_range(t_option_get(pair.a, SOL_SOCKET, SO_CONNECT_TIME), 0, 60);
    assert_in_range(t_option_get(pair.b, SOL_SOCKET, SO_CONNECT_TIME), 0, 60);
    t_pair_close(&pair);
}

static void options__membership_v4__joins_leaves_and_checks(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), stream = t_socket(AF_INET, SOCK_STREAM);
    IP_MREQ mreq = {0};
    GROUP_REQ group = {0};
    const char *raw = (const char *)&mreq;

    (void)state;
    memcpy(&mreq.imr_multiaddr, "\357\1\2\3", 4);
    t_fails(t_spi.lpWSPSetSockOpt(stream, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), NOPROTO);
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), WSAEINVAL);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), 0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_DROP_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), 0);
    memcpy(&mreq.imr_interface, "\1\2\3\4", 4); /* nobody's address */
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), WSAEADDRNOTAVAIL);
    memcpy(&mreq.imr_interface, "\12\11\0\1", 4);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), 0);
    memcpy(&mreq.imr_multiaddr, "\1\1\2\3", 4); /* no group */
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), WSAEADDRNOTAVAIL);
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, raw, 7, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, MCAST_JOIN_GROUP, (char *)&group, (int)sizeof group, &t_err),
            WSAEINVAL);
    memcpy(&group.gr_group, t_addr(AF_INET, 0), 16);
    memcpy(&((SOCKADDR_IN *)&group.gr_group)->sin_addr, "\357\5\5\5", 4);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, MCAST_JOIN_GROUP, (char *)&group, (int)sizeof group, &t_err),
                     0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IP, MCAST_LEAVE_GROUP, (char *)&group, (int)sizeof group, &t_err),
                     0);
    t_close(s);
    t_close(stream);
}

static void options__multicast_interface__by_address_and_by_index(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    int value, index;

    (void)state;
    memcpy(&value, "\12\11\0\1", 4);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    index = t_option_get(s, IPPROTO_IP, IP_MULTICAST_IF);
    assert_true(index >= 2);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_IF), 0);
    value = (int)((unsigned)index << 24); /* 0.0.0.index in network order, on a little-endian machine */
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_IF), index);
    memcpy(&value, "\11\11\0\1", 4);
    t_fails(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), WSAEADDRNOTAVAIL);
    t_fails(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, 99 << 24), WSAEADDRNOTAVAIL);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_IF), index);
    t_close(s);
    s = t_socket(AF_INET6, SOCK_DGRAM); /* there by the index in host order */
    assert_int_equal(t_option_get(s, IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
    assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, index), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IPV6, IPV6_MULTICAST_IF), index);
    t_fails(t_option_set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 99), WSAEADDRNOTAVAIL);
    assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, 0), 0);
    t_close(s);
}

static void options__membership_v6__joins_and_leaves(void **state)
{
    SOCKET s = t_bound(AF_INET6, SOCK_DGRAM);
    IPV6_MREQ mreq = {0};
    const char *raw = (const char *)&mreq;

    (void)state;
    memcpy(&mreq.ipv6mr_multiaddr, "\377\5\0\0\0\0\0\0\0\0\0\0\0\0\1\2", 16);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), 0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(s, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, raw, (int)sizeof mreq, &t_err), 0);
    t_fails(t_spi.lpWSPSetSockOpt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, raw, 19, &t_err), WSAEFAULT);
    t_close(s);
}

static void join_leaf__ip_multicast__is_the_same_socket(void **state)
{
    DWORD flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    SOCKET leaf = t_socket_flags(AF_INET, SOCK_DGRAM, flags), plain = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET stream = t_socket(AF_INET, SOCK_STREAM);
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = 0x5555};
    struct sockaddr *name = (struct sockaddr *)&group;

    (void)state;
    memcpy(&group.sin_addr, "\357\1\2\4", 4);
    assert_int_equal(t_nonblocking(leaf, true), 0); /* E53: a descriptor at once all the same */
    assert_int_equal(t_spi.lpWSPJoinLeaf(leaf, name, 16, NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY, &t_err), leaf);
    assert_int_equal(t_port(leaf), 0x5555);
    assert_true(t_spi.lpWSPJoinLeaf(leaf, name, 16, NULL, NULL, NULL, NULL, 3, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEINVAL);
    assert_true(t_spi.lpWSPJoinLeaf(plain, name, 16, NULL, NULL, NULL, NULL, JL_BOTH, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEINVAL);
    assert_true(t_spi.lpWSPJoinLeaf(stream, name, 16, NULL, NULL, NULL, NULL, JL_BOTH, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEOPNOTSUPP);
    assert_true(t_spi.lpWSPJoinLeaf(leaf, NULL, 16, NULL, NULL, NULL, NULL, JL_BOTH, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEFAULT);
    t_close(leaf);
    t_close(plain);
    t_close(stream);
}

enum option_state {
    STATE_NEW,
    STATE_BOUND,
    STATE_LISTENING,
    STATE_CONNECTED,
    STATE_SHUT,
    STATE_RESET,
    STATE_DATAGRAM,
    STATE_COUNT
};

static SOCKET option_socket(enum option_state state, SOCKET *peer)
{
    struct t_pair pair;

    *peer = INVALID_SOCKET;
    if (state == STATE_NEW)
        return t_socket(AF_INET, SOCK_STREAM);
    if (state == STATE_LISTENING)
        return t_listener(AF_INET);
    if (state == STATE_BOUND || state == STATE_DATAGRAM)
        return t_bound(AF_INET, state == STATE_BOUND ? SOCK_STREAM : SOCK_DGRAM);
    pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    *peer = pair.b;
    if (state == STATE_SHUT)
        assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_BOTH, &t_err), 0);
    if (state == STATE_RESET) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};

        assert_int_equal(
            t_spi.lpWSPSetSockOpt(pair.b, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err), 0);
        t_close(pair.b);
        *peer = INVALID_SOCKET;
        t_sleep_ms(20);
    }
    return pair.a;
}

/* A.15.1, A.16.1: options and control codes work in any state. */
static void options__every_state__work(void **state)
{
    WSAPROTOCOL_INFOW info = {0};
    ULONG bytes = 9, on = 1;
    DWORD got = 0;

    (void)state;
    for (int i = 0; i < STATE_COUNT; i++) {
        SOCKET peer, s = option_socket((enum option_state)i, &peer);

        print_message("state %d\n", i);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_TYPE), i == STATE_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ACCEPTCONN), i == STATE_LISTENING);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_GROUP_PRIORITY), 0);
        assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 100), 0);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_RCVTIMEO), 100);
        assert_int_equal(t_option_set(s, IPPROTO_IP, IP_TTL, 33), 0);
        assert_int_equal(t_option_get(s, IPPROTO_IP, IP_TTL), 33);
        t_fails(t_option_set(s, SOL_SOCKET, SO_TYPE, 1), NOPROTO);
        t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, (int)sizeof info, &t_err),
                NOPROTO);
        assert_int_equal(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, &got, NULL, NULL, NULL, &t_err), 0);
        assert_int_equal(bytes, 0);
        assert_int_equal(t_spi.lpWSPIoctl(s, FIONBIO, &on, 4, NULL, 0, &got, NULL, NULL, NULL, &t_err), 0);
        t_close(s);
        if (peer != INVALID_SOCKET)
            t_close(peer);
    }
}

/* WSPJOINLEAF-4: a sender has the group as its peer, who only hears has none. */
static void join_leaf__sender_only__group_is_the_peer(void **state)
{
    DWORD flags = WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF;
    SOCKET sender = t_socket_flags(AF_INET, SOCK_DGRAM, flags), hearer = t_socket_flags(AF_INET, SOCK_DGRAM, flags);
    SOCKADDR_IN group = {.sin_family = AF_INET, .sin_port = 0x5556}, peer = {0};
    struct sockaddr *name = (struct sockaddr *)&group;
    INT len = (INT)sizeof peer;

    (void)state;
    memcpy(&group.sin_addr, "\357\1\2\5", 4);
    assert_int_equal(t_spi.lpWSPJoinLeaf(hearer, name, 16, NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY, &t_err), hearer);
    t_fails(t_spi.lpWSPGetPeerName(hearer, (struct sockaddr *)&peer, &len, &t_err), WSAENOTCONN);
    t_close(hearer);
    assert_int_equal(t_spi.lpWSPJoinLeaf(sender, name, 16, NULL, NULL, NULL, NULL, JL_SENDER_ONLY, &t_err), sender);
    assert_int_equal(t_spi.lpWSPGetPeerName(sender, (struct sockaddr *)&peer, &len, &t_err), 0);
    assert_memory_equal(&peer.sin_addr, &group.sin_addr, 4);
    assert_int_equal(peer.sin_port, group.sin_port);
    t_close(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__table__default_set_get_and_codes),
        cmocka_unit_test(options__short_or_missing_values__are_fault),
        cmocka_unit_test(options__odd_lengths__taken_or_refused),
        cmocka_unit_test(options__little_room__what_is_left),
        cmocka_unit_test(options__maxrt__in_both_units),
        cmocka_unit_test(options__icmp_error_info__none_has_no_length),
        cmocka_unit_test(options__reuse_and_exclusive__exclude_each_other),
        cmocka_unit_test(options__linger__and_dontlinger_are_one),
        cmocka_unit_test(options__protocol_info__both_widths),
        cmocka_unit_test(options__connect_time__counts_from_the_connection),
        cmocka_unit_test(options__membership_v4__joins_leaves_and_checks),
        cmocka_unit_test(options__multicast_interface__by_address_and_by_index),
        cmocka_unit_test(options__membership_v6__joins_and_leaves),
        cmocka_unit_test(join_leaf__ip_multicast__is_the_same_socket),
        cmocka_unit_test(options__every_state__work),
        cmocka_unit_test(join_leaf__sender_only__group_is_the_peer),
    };

    return cmocka_run_group_tests_name("spi_options", tests, t_host_start, t_host_stop);
}

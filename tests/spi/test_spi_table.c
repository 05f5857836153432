/** @file Every number that is an option of SOL_SOCKET, IPPROTO_UDP, IPPROTO_IP and IPPROTO_IPV6, on every kind of socket. */
#include "t_host.h"

#include <string.h>

enum { V4 = 1, V6 = 2, T = 4, U = 8, R = 16 };
#define IP46 (V4 | V6)
#define ANY (IP46 | T | U | R)
#define MSGS (IP46 | U | R)

enum { GET = 1, SET = 2, BOTH = 3 };

/* How a number is given and taken. */
enum form {
    BYTES, /* a byte is enough, read as one where there is no room for all */
    WHOLE, /* all four bytes or WSAEFAULT */
    ONE,   /* as BYTES, and told as one where there is room for more */
};

#define NONE 0x5ead /* no value that is refused */
#define SOME 0x5eae /* not checked */

struct row {
    const char *text;
    int level, name;
    unsigned where, access;
    enum form form;
    int initial, set, after, bad, bad_code;
};

#define S SOL_SOCKET
#define I IPPROTO_IP
#define I6 IPPROTO_IPV6

/* Numbers where some headers lack the names; the list's section 6.1 has them all. */
static const struct row rows[] = {
    {"SO_DEBUG", S, 0x1, ANY, BOTH, BYTES, 0, 5, 1, NONE, 0},
    {"SO_ACCEPTCONN", S, 0x2, ANY, GET, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_REUSEADDR", S, 0x4, ANY, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"SO_KEEPALIVE", S, 0x8, IP46 | T, BOTH, ONE, 0, 9, 1, NONE, 0},
    {"SO_DONTROUTE", S, 0x10, V4 | T | U | R, BOTH, ONE, 0, 1, 1, NONE, 0},
    {"SO_BROADCAST", S, 0x20, ANY, BOTH, BYTES, 0, 1, SOME, NONE, 0},
    {"SO_OOBINLINE", S, 0x100, IP46 | T, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"SO_DONTLINGER", S, (int)0xffffff7f, IP46 | T, BOTH, BYTES, 1, 0, 0, NONE, 0},
    {"SO_EXCLUSIVEADDRUSE", S, (int)0xfffffffb, ANY, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"SO_SNDBUF", S, 0x1001, ANY, BOTH, WHOLE, SOME, 65536, 65536, -1, WSAEINVAL},
    {"SO_RCVBUF", S, 0x1002, ANY, BOTH, WHOLE, SOME, 65536, 65536, -1, WSAEINVAL},
    {"SO_SNDTIMEO", S, 0x1005, ANY, BOTH, WHOLE, 0, 1234, 1234, NONE, 0},
    {"SO_RCVTIMEO", S, 0x1006, ANY, BOTH, WHOLE, 0, 1234, 1234, NONE, 0},
    {"SO_ERROR", S, 0x1007, ANY, BOTH, WHOLE, 0, 1, SOME, NONE, 0},
    {"SO_TYPE", S, 0x1008, ANY, GET, WHOLE, SOME, 1, 0, NONE, 0},
    {"SO_GROUP_ID", S, 0x2001, ANY, GET, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_GROUP_PRIORITY", S, 0x2002, ANY, BOTH, WHOLE, 0, 3, 3, NONE, 0},
    {"SO_MAX_MSG_SIZE", S, 0x2003, MSGS, GET, WHOLE, SOME, 1, 0, NONE, 0},
    {"PVD_CONFIG", S, 0x3001, ANY, BOTH, WHOLE, 0, 77, 77, NONE, 0},
    {"SO_COMPARTMENT_ID", S, 0x3004, ANY, BOTH, WHOLE, 1, 1, 1, 2, WSAEINVAL},
    {"SO_MAXDG", S, 0x7009, MSGS, GET, WHOLE, SOME, 1, 0, NONE, 0},
    {"SO_MAXPATHDG", S, 0x700a, MSGS, GET, WHOLE, SOME, 1, 0, NONE, 0},
    {"SO_CONNECT_TIME", S, 0x700c, IP46 | T | U, GET, WHOLE, -1, 1, 0, NONE, 0},
    {"SO_CONNDATA", S, 0x7000, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_CONNOPT", S, 0x7001, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_DISCDATA", S, 0x7002, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_DISCOPT", S, 0x7003, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_CONNDATALEN", S, 0x7004, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_CONNOPTLEN", S, 0x7005, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_DISCDATALEN", S, 0x7006, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_DISCOPTLEN", S, 0x7007, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"SO_OPENTYPE", S, 0x7008, 0, 0, WHOLE, 0, 1, 0, NONE, 0}, /* ws2_32's */
    {"UDP_NOCHECKSUM", IPPROTO_UDP, 1, V4 | U, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"UDP_SEND_MSG_SIZE", IPPROTO_UDP, 2, IP46 | U, BOTH, WHOLE, 0, 1400, 1400, -1, WSAEINVAL},
    {"UDP_RECV_MAX_COALESCED_SIZE", IPPROTO_UDP, 3, IP46 | U, BOTH, WHOLE, 0, 65535, 65535, -1, WSAEINVAL},
    {"UDP_CHECKSUM_COVERAGE", IPPROTO_UDP, 20, IP46 | U, BOTH, BYTES, 1, 1, 1, NONE, 0},
    {"IP_OPTIONS", I, 1, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"IP_HDRINCL", I, 2, V4 | R, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"IP_TOS", I, 3, V4 | T | U | R, BOTH, BYTES, 0, 0x28, 0x28, 256, WSAEINVAL},
    {"IP_TTL", I, 4, V4 | T | U | R, BOTH, BYTES, 128, 7, 7, 256, WSAEINVAL},
    {"IP_MULTICAST_TTL", I, 10, V4 | U | R, BOTH, BYTES, 1, 7, 7, 256, WSAEINVAL},
    {"IP_MULTICAST_LOOP", I, 11, V4 | U | R, BOTH, BYTES, 1, 0, 0, NONE, 0},
    {"IP_DONTFRAGMENT", I, 14, V4 | T | U | R, BOTH, BYTES, SOME, 1, 1, NONE, 0},
    {"IP_PKTINFO", I, 19, V4 | U | R, BOTH, WHOLE, 0, 5, 1, NONE, 0},
    {"IP_RECVTTL", I, 21, V4 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_RECEIVE_BROADCAST", I, 22, V4 | U | R, BOTH, BYTES, 1, 0, 0, NONE, 0},
    {"IP_RECVIF", I, 24, V4 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_RECVDSTADDR", I, 25, V4 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_IFLIST", I, 28, V4 | U | R, BOTH, WHOLE, 0, 7, 1, NONE, 0},
    {"IP_UNICAST_IF", I, 31, V4 | T | U | R, BOTH, WHOLE, 0, 1 << 24, 1, 0x01020304, WSAEADDRNOTAVAIL},
    {"IP_RECVTOS", I, 40, V4 | U, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_ORIGINAL_ARRIVAL_IF", I, 47, V4 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_ECN", I, 50, V4 | U, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_WFP_REDIRECT_RECORDS", I, 60, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"IP_WFP_REDIRECT_CONTEXT", I, 70, 0, 0, WHOLE, 0, 1, 0, NONE, 0},
    {"IP_MTU_DISCOVER", I, 71, V4 | T | U | R, BOTH, WHOLE, 0, 1, 1, 4, WSAEINVAL},
    {"IP_MTU_DISCOVER not set", I, 71, V4 | T | U | R, BOTH, WHOLE, 0, 2, 2, 0, WSAEINVAL},
    {"IP_USER_MTU", I, 76, V4 | U | R, BOTH, WHOLE, -1, 600, 600, 575, WSAEINVAL},
    {"IPV6_HDRINCL", I6, 2, V6 | R, BOTH, BYTES, 0, 1, 1, NONE, 0},
    {"IPV6_UNICAST_HOPS", I6, 4, V6 | T | U | R, BOTH, BYTES, 128, 7, 7, 256, WSAEINVAL},
    {"IPV6_MULTICAST_HOPS", I6, 10, V6 | U | R, BOTH, BYTES, 1, 7, 7, 256, WSAEINVAL},
    {"IPV6_MULTICAST_LOOP", I6, 11, V6 | U | R, BOTH, BYTES, 1, 0, 0, NONE, 0},
    {"IPV6_DONTFRAG", I6, 14, V6 | T | U | R, BOTH, BYTES, SOME, 1, 1, NONE, 0},
    {"IPV6_PKTINFO", I6, 19, V6 | U | R, BOTH, WHOLE, 0, 5, 1, NONE, 0},
    {"IPV6_HOPLIMIT", I6, 21, V6 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IPV6_PROTECTION_LEVEL", I6, 23, V6 | T | U | R, BOTH, WHOLE, 20, 30, 30, -1, WSAEINVAL},
    {"IPV6_PROTECTION_LEVEL other", I6, 23, V6 | T | U | R, BOTH, WHOLE, 20, 10, 10, 15, WSAEINVAL},
    {"IPV6_RECVIF", I6, 24, V6 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IPV6_RECVDSTADDR", I6, 25, V6 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IPV6_V6ONLY", I6, 27, ANY, BOTH, ONE, 1, 0, 0, NONE, 0},
    {"IPV6_IFLIST", I6, 28, V6 | U | R, BOTH, WHOLE, 0, 7, 1, NONE, 0},
    {"IPV6_UNICAST_IF", I6, 31, V6 | T | U | R, BOTH, WHOLE, 0, 1, 1, 1 << 24, WSAEADDRNOTAVAIL},
    {"IPV6_TCLASS", I6, 39, V6 | T | U | R, BOTH, BYTES, 0, 0x28, 0x28, 256, WSAEINVAL},
    {"IPV6_RECVTCLASS", I6, 40, V6 | U, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IP_ORIGINAL_ARRIVAL_IF of 6", I6, 47, V6 | U | R, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IPV6_ECN", I6, 50, V6 | U, BOTH, WHOLE, 0, 1, 1, NONE, 0},
    {"IPV6_MTU_DISCOVER", I6, 71, V6 | T | U | R, BOTH, WHOLE, 0, 3, 3, -1, WSAEINVAL},
    {"IPV6_USER_MTU", I6, 76, V6 | U | R, BOTH, WHOLE, -1, 1300, 1300, 1279, WSAEINVAL},
};

static int get(SOCKET s, const struct row *row, int *value, int *len)
{
    t_err = 0;
    return t_spi.lpWSPGetSockOpt(s, row->level, row->name, (char *)value, len, &t_err) == 0 ? 0 : t_err;
}

static int set(SOCKET s, const struct row *row, int value, int len)
{
    t_err = 0;
    return t_spi.lpWSPSetSockOpt(s, row->level, row->name, (const char *)&value, len, &t_err) == 0 ? 0 : t_err;
}

/* What any use of the option on such a socket gives; 0: it has it. */
static int foreign(const struct row *row, int af, unsigned type)
{
    if ((row->level == I && af == AF_INET6) || (row->level == I6 && af == AF_INET && row->name != 27))
        return WSAEINVAL; /* DS-6 */
    if (!(row->where & (af == AF_INET ? (unsigned)V4 : (unsigned)V6)) || !(row->where & type))
        return row->level == I && row->name == 2 ? WSAEINVAL : WSAENOPROTOOPT; /* IP_HDRINCL is one's own */
    return 0;
}

static void check(const struct row *row, const char *what, bool ok)
{
    if (!ok)
        fail_msg("%s: %s (%d)", row->text, what, t_err);
}

static void row_lengths(SOCKET s, const struct row *row)
{
    for (int room = 0; room < 4 && (row->access & GET); room++) {
        int value = 0x5a5a5a5a, len = room, code = get(s, row, &value, &len);
        bool byte = row->form != WHOLE && room > 0;

        check(row, "get with little room", code == (byte ? 0 : WSAEFAULT));
        check(row, "bytes read", !byte || len == 1);
    }
    for (int given = 0; given < 4 && (row->access & SET); given++) {
        int code = set(s, row, 1, given);

        check(row, "set by few bytes",
              given == 0 ? code == 0 || code == WSAEFAULT : code == (row->form != WHOLE ? 0 : WSAEFAULT));
    }
    check(row, "set by fewer than none", !(row->access & SET) || row->level == S || set(s, row, 1, -1) == WSAENOBUFS);
}

static void row_run(const struct row *row, int af, int type, unsigned bit)
{
    int code = foreign(row, af, bit), value = 0x5a5a5a5a, len = 8, room[2] = {0x5a5a5a5a, 0x5a5a5a5a};
    SOCKET s = t_socket(af, type);

    if (code != 0) {
        check(row, "get where it is not", get(s, row, &value, &len) == code);
        check(row, "set where it is not", set(s, row, row->set, 4) == code);
        t_close(s);
        return;
    }
    check(row, "get", get(s, row, room, &len) == 0 && len == (row->form == ONE ? 1 : 4));
    if (row->form == ONE) {
        check(row, "beyond the byte", room[0] >> 8 == 0x5a5a5a5a >> 8);
        room[0] &= 0xff;
        value = 0;
    }
    check(row, "initial value", row->initial == SOME || room[0] == row->initial);
    check(row, "beyond the value", room[1] == 0x5a5a5a5a);
    if (row->access & SET) {
        check(row, "set", set(s, row, row->set, 4) == 0);
        len = 4;
        check(row, "get after set", get(s, row, &value, &len) == 0 && (row->after == SOME || value == row->after));
        check(row, "set by more bytes than it has", set(s, row, row->set, 4) == 0);
        check(row, "value", row->bad == NONE || set(s, row, row->bad, 4) == row->bad_code);
        len = 4;
        check(row, "get after a refusal",
              get(s, row, &value, &len) == 0 && (row->after == SOME || value == row->after));
    } else {
        check(row, "set of what is read only", set(s, row, row->set, 4) == WSAENOPROTOOPT);
    }
    t_close(s);
    s = t_socket(af, type);
    row_lengths(s, row);
    t_close(s);
}

static void options__every_one_on_every_socket__value_sizes_codes(void **state)
{
    static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW};
    static const unsigned bits[] = {T, U, R};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int f = 0; f < 2; f++)
            for (int t = 0; t < 3; t++)
                row_run(&rows[i], families[f], types[t], bits[t]);
}

/* DS-5: with IPV6_V6ONLY off the options of IPPROTO_IP are there too, apart from those of IPPROTO_IPV6. */
static void options__dual_stack__both_levels_apart(void **state)
{
    static const struct {
        int four, six, initial, one, other;
    } pairs[] = {
        {4, 4, 128, 11, 22},    /* IP_TTL, IPV6_UNICAST_HOPS */
        {3, 39, 0, 0x20, 0x40}, /* IP_TOS, IPV6_TCLASS */
        {14, 14, 0, 1, 0},      /* DF */
        {71, 71, 0, 1, 2},      /* MTU_DISCOVER */
        {76, 76, -1, 600, 1300}, {19, 19, 0, 1, 0}, {21, 21, 0, 1, 0}, {40, 40, 0, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);

        t_fails(t_option_set(s, I, pairs[i].four, pairs[i].one), WSAEINVAL);
        assert_int_equal(t_option_set(s, I6, 27, 0), 0);
        assert_int_equal(t_option_get(s, I, pairs[i].four), pairs[i].initial);
        assert_int_equal(t_option_set(s, I, pairs[i].four, pairs[i].one), 0);
        assert_int_equal(t_option_get(s, I6, pairs[i].six), pairs[i].initial);
        assert_int_equal(t_option_set(s, I6, pairs[i].six, pairs[i].other), 0);
        assert_int_equal(t_option_get(s, I, pairs[i].four), pairs[i].one);
        assert_int_equal(t_option_get(s, I6, pairs[i].six), pairs[i].other);
        t_close(s);
    }
}

/* 5.2, 5.3: which interfaces; read as an array, in use only. */
static void options__interface_lists__added_deleted_read(void **state)
{
    static const struct {
        int af, level;
    } kinds[] = {{AF_INET, I}, {AF_INET6, I6}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_socket(kinds[i].af, SOCK_DGRAM), stream = t_socket(kinds[i].af, SOCK_STREAM);
        int level = kinds[i].level, list[4] = {7, 7, 7, 7}, len = (int)sizeof list;

        t_fails(t_option_set(stream, level, 29, 1), WSAENOPROTOOPT);
        t_fails(t_spi.lpWSPGetSockOpt(s, level, 33, (char *)list, &len, &t_err), WSAEINVAL);
        assert_int_equal(t_option_set(s, level, 28, 1), 0);
        assert_int_equal(t_spi.lpWSPGetSockOpt(s, level, 33, (char *)list, &len, &t_err), 0);
        assert_int_equal(len, 0);
        assert_int_equal(t_option_set(s, level, 29, 1), 0);
        assert_int_equal(t_option_set(s, level, 29, 2), 0);
        assert_int_equal(t_option_set(s, level, 29, 1), 0);
        t_fails(t_option_set(s, level, 29, 77), WSAEADDRNOTAVAIL);
        t_fails(t_option_set(s, level, 29, -1), WSAEADDRNOTAVAIL);
        t_fails(t_option_set(s, level, 33, 1), WSAENOPROTOOPT);
        len = 7;
        t_fails(t_spi.lpWSPGetSockOpt(s, level, 33, (char *)list, &len, &t_err), WSAEFAULT);
        len = (int)sizeof list;
        assert_int_equal(t_spi.lpWSPGetSockOpt(s, level, 33, (char *)list, &len, &t_err), 0);
        assert_int_equal(len, 8);
        assert_int_equal(list[0], 1);
        assert_int_equal(list[1], 2);
        assert_int_equal(list[2], 7);
        assert_int_equal(t_option_set(s, level, 30, 1), 0);
        assert_int_equal(t_option_set(s, level, 30, 77), 0);
        len = (int)sizeof list;
        assert_int_equal(t_spi.lpWSPGetSockOpt(s, level, 33, (char *)list, &len, &t_err), 0);
        assert_int_equal(len, 4);
        assert_int_equal(list[0], 2);
        t_close(s);
        t_close(stream);
    }
}

/* UDP_CHECKSUM_COVERAGE and UDP_NOCHECKSUM are one; IPv6 never goes without. */
static void options__checksums__one_state(void **state)
{
    SOCKET four = t_socket(AF_INET, SOCK_DGRAM), six = t_socket(AF_INET6, SOCK_DGRAM);

    (void)state;
    assert_int_equal(t_option_set(four, IPPROTO_UDP, 1, 1), 0);
    assert_int_equal(t_option_get(four, IPPROTO_UDP, 20), 0);
    assert_int_equal(t_option_set(four, IPPROTO_UDP, 20, 1), 0);
    assert_int_equal(t_option_get(four, IPPROTO_UDP, 1), 0);
    t_fails(t_option_set(six, IPPROTO_UDP, 20, 0), WSAEINVAL);
    t_close(four);
    t_close(six);
}

/* CAT-15, RAW-2: what SO_MAX_MSG_SIZE says can be sent, and not a byte more. */
static void options__max_msg_size__is_what_can_be_sent(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    static char bytes[65536];

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET a = t_bound(families[i], SOCK_DGRAM), b = t_bound(families[i], SOCK_DGRAM);
        int most = t_option_get(a, S, 0x2003);

        assert_int_equal(most, families[i] == AF_INET ? 65507 : 65487);
        assert_int_equal(t_option_get(a, S, 0x7009), most);
        assert_int_equal(t_sendto(a, bytes, (size_t)most, t_addr(families[i], t_port(b))), most);
        assert_int_equal(t_option_set(b, S, SO_RCVTIMEO, 5000), 0);
        assert_int_equal(t_recv(b, bytes, sizeof bytes), most);
        t_fails(t_sendto(a, bytes, (size_t)most + 1, t_addr(families[i], t_port(b))), WSAEMSGSIZE);
        t_close(a);
        t_close(b);
    }
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_socket(families[i], SOCK_RAW);

        assert_int_equal(t_option_get(s, S, 0x2003), families[i] == AF_INET ? 65515 : 65495);
        t_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options__every_one_on_every_socket__value_sizes_codes),
        cmocka_unit_test(options__dual_stack__both_levels_apart),
        cmocka_unit_test(options__interface_lists__added_deleted_read),
        cmocka_unit_test(options__checksums__one_state),
        cmocka_unit_test(options__max_msg_size__is_what_can_be_sent),
    };

    return cmocka_run_group_tests_name("spi_table", tests, t_host_start, t_host_stop);
}

/*
 * Byte order, addresses as text.
 */
#include "both.h"

struct number_row {
    const char *name;
    const char *text;
    unsigned value; /* network order as a little-endian number */
};

/* Rule A.20.3. */
static const struct number_row numbers[] = {
    {"four_parts", "1.2.3.4", 0x04030201},
    {"three_parts", "1.2.772", 0x04030201},
    {"two_parts", "1.131844", 0x04030201},
    {"one_part", "16909060", 0x04030201},
    {"hexadecimal", "0x7f.0.0.1", 0x0100007f},
    {"octal", "0177.0.0.1", 0x0100007f},
    {"broadcast", "255.255.255.255", 0xffffffff},
    {"too_large_a_part", "1.2.3.256", 0xffffffff},
    {"letters", "localhost", 0xffffffff},
    {"five_parts", "1.2.3.4.5", 0xffffffff},
    {"zero", "0.0.0.0", 0},
};

static void inet_addr__ROW__is_read(struct t_run *t)
{
    const struct number_row *row = (const struct number_row *)t->row;
    T_EQ(inet_addr(row->text), row->value);
}

static void inet_ntoa__addresses__dotted(struct t_run *t)
{
    struct in_addr in;
    in.s_addr = 0x0100007f;
    T_TRUE(strcmp(inet_ntoa(in), "127.0.0.1") == 0);
    in.s_addr = 0xffffffff;
    T_TRUE(strcmp(inet_ntoa(in), "255.255.255.255") == 0);
}

struct pton_row {
    const char *name;
    int family;
    const char *text;
    const char *printed; /* NULL: not an address */
};

/* Rules DS-19, NUM: one form per address, the shortest. */
static const struct pton_row ptons[] = {
    {"v4", AF_INET, "192.0.2.33", "192.0.2.33"},
    {"v4_three_parts", AF_INET, "1.2.3", NULL},
    {"v4_too_large", AF_INET, "1.2.3.256", NULL},
    {"v4_blank_behind", AF_INET, "1.2.3.4 ", NULL},
    {"v4_empty", AF_INET, "", NULL},
    {"v6_loopback", AF_INET6, "::1", "::1"},
    {"v6_wildcard", AF_INET6, "::", "::"},
    {"v6_full", AF_INET6, "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
    {"v6_middle", AF_INET6, "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"v6_mapped", AF_INET6, "::ffff:1.2.3.4", "::ffff:1.2.3.4"},
    {"v6_two_gaps", AF_INET6, "1::2::3", NULL},
    {"v6_too_many", AF_INET6, "1:2:3:4:5:6:7:8:9", NULL},
    {"v6_letters", AF_INET6, "::g", NULL},
};

static void inet_pton__ROW__read_and_printed(struct t_run *t)
{
    const struct pton_row *row = (const struct pton_row *)t->row;
    struct in6_addr in;
    char text[64];
    if (row->printed == NULL) {
        T_EQ(inet_pton(row->family, row->text, &in), 0);
        return;
    }
    T_EQ(inet_pton(row->family, row->text, &in), 1);
    T_TRUE(inet_ntop(row->family, &in, text, sizeof text) != NULL);
    T_TRUE(strcmp(text, row->printed) == 0);
}

static void inet_ntop__bad_arguments__null_and_a_code(struct t_run *t)
{
    struct in_addr in;
    char text[64];
    in.s_addr = 0x0100007f;
    WSASetLastError(0);
    T_TRUE(inet_ntop(99, &in, text, sizeof text) == NULL);
    T_EQ(WSAGetLastError(), WSAEAFNOSUPPORT);
    T_TRUE(inet_ntop(AF_INET, &in, text, 5) == NULL);
    WSASetLastError(0);
    T_EQ(inet_pton(99, "1.2.3.4", &in), -1);
    T_EQ(WSAGetLastError(), WSAEAFNOSUPPORT);
}

struct string_row {
    const char *name;
    int family;
    const char *text;    /* given to WSAStringToAddress */
    const char *printed; /* by WSAAddressToString; NULL: WSAEINVAL */
    unsigned port;
};

/* Rules WSPADDRESSTOSTRING-3, WSPSTRINGTOADDRESS-1 to -3. */
static const struct string_row strings[] = {
    {"v4", AF_INET, "127.0.0.1", "127.0.0.1", 0},
    {"v4_port", AF_INET, "127.0.0.1:65535", "127.0.0.1:65535", 65535},
    {"v4_port_too_large", AF_INET, "127.0.0.1:65536", NULL, 0},
    {"v4_letters", AF_INET, "abcxyz", NULL, 0},
    {"v4_part_too_large", AF_INET, "999.999.999.999", NULL, 0},
    {"v6", AF_INET6, "::1", "::1", 0},
    {"v6_port", AF_INET6, "[::1]:80", "[::1]:80", 80},
    {"v6_long", AF_INET6, "2001:db8::5", "2001:db8::5", 0},
    {"v6_brackets_open", AF_INET6, "[::1", NULL, 0},
    {"v6_letters", AF_INET6, "hello", NULL, 0},
};

static void wsastringtoaddress__ROW__read_and_printed(struct t_run *t)
{
    const struct string_row *row = (const struct string_row *)t->row;
    struct t_addr addr = t_wildcard(row->family, 0);
    char text[80];
    DWORD chars = sizeof text;
    addr.bytes = sizeof addr.u;
    strcpy(text, row->text);
    if (row->printed == NULL) {
        T_FAILS(WSAStringToAddressA(text, row->family, NULL, &addr.u.any, &addr.bytes), WSAEINVAL);
        return;
    }
    T_OK(WSAStringToAddressA(text, row->family, NULL, &addr.u.any, &addr.bytes));
    T_EQ(addr.u.any.sa_family, row->family);
    T_EQ(t_port(&addr), row->port);
    T_EQ(addr.bytes, row->family == AF_INET ? (int)sizeof addr.u.v4 : (int)sizeof addr.u.v6);
    T_OK(WSAAddressToStringA(&addr.u.any, (DWORD)addr.bytes, NULL, text, &chars));
    T_TRUE(strcmp(text, row->printed) == 0);
    T_EQ(chars, strlen(row->printed) + 1);
}

/* Rules WSPADDRESSTOSTRING-1, CF-1. */
static void wsaaddresstostring__little_room__fault_and_the_size(struct t_run *t)
{
    struct t_addr addr = t_loopback(AF_INET, 0);
    WCHAR wide[32];
    DWORD chars = 4;
    T_FAILS(WSAAddressToStringW(&addr.u.any, (DWORD)addr.bytes, NULL, wide, &chars), WSAEFAULT);
    T_EQ(chars, 10); /* characters, the end included */
    T_OK(WSAAddressToStringW(&addr.u.any, (DWORD)addr.bytes, NULL, wide, &chars));
    T_EQ(wide[0], '1');
    T_EQ(wide[9], 0);
}

static void wsaaddresstostring__scope__behind_a_percent_sign(struct t_run *t)
{
    struct t_addr addr = t_wildcard(AF_INET6, 0);
    char text[80];
    DWORD chars = sizeof text;
    addr.u.v6.sin6_addr.s6_addr[0] = 0xfe;
    addr.u.v6.sin6_addr.s6_addr[1] = 0x80;
    addr.u.v6.sin6_addr.s6_addr[15] = 9;
    addr.u.v6.sin6_scope_id = 4;
    T_OK(WSAAddressToStringA(&addr.u.any, (DWORD)addr.bytes, NULL, text, &chars));
    T_TRUE(strcmp(text, "fe80::9%4") == 0);
}

static void wsastringtoaddress__little_room_or_wrong_family__codes(struct t_run *t)
{
    struct t_addr addr = t_wildcard(AF_INET, 0);
    char text[] = "127.0.0.1";
    int bytes = 4;
    T_FAILS(WSAStringToAddressA(text, AF_INET, NULL, &addr.u.any, &bytes), WSAEFAULT);
    bytes = sizeof addr.u;
    T_FAILS(WSAStringToAddressA(text, 99, NULL, &addr.u.any, &bytes), WSAEINVAL);
    bytes = sizeof addr.u;
    T_FAILS(WSAStringToAddressA(text, AF_INET6, NULL, &addr.u.any, &bytes), WSAEINVAL);
}

/* Rules A.20.1, WS2-58. */
static void byte_order__all_functions__network_is_big_endian(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    u_long l = 0;
    u_short h = 0;
    T_EQ(htons(0x1234), 0x3412);
    T_EQ(ntohs(0x3412), 0x1234);
    T_EQ(htonl(0x12345678), 0x78563412);
    T_EQ(ntohl(0x78563412), 0x12345678);
    T_OK(WSAHtonl(s, 0x12345678, &l));
    T_EQ(l, 0x78563412);
    T_OK(WSANtohl(s, 0x78563412, &l));
    T_EQ(l, 0x12345678);
    T_OK(WSAHtons(s, 0x1234, &h));
    T_EQ(h, 0x3412);
    T_OK(WSANtohs(s, 0x3412, &h));
    T_EQ(h, 0x1234);
}

static void byte_order__no_place_for_the_answer__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(WSAHtonl(s, 1, NULL), WSAEFAULT);
    T_FAILS(WSAHtons(s, 1, NULL), WSAEFAULT);
    T_FAILS(WSANtohl(s, 1, NULL), WSAEFAULT);
    T_FAILS(WSANtohs(s, 1, NULL), WSAEFAULT);
}

static const struct t_cases cases[] = {
    T_TABLE(inet_addr__ROW__is_read, numbers),
    T_CASE(inet_ntoa__addresses__dotted),
    T_TABLE(inet_pton__ROW__read_and_printed, ptons),
    T_CASE(inet_ntop__bad_arguments__null_and_a_code),
    T_TABLE(wsastringtoaddress__ROW__read_and_printed, strings),
    T_CASE(wsaaddresstostring__little_room__fault_and_the_size),
    T_CASE(wsaaddresstostring__scope__behind_a_percent_sign),
    T_CASE(wsastringtoaddress__little_room_or_wrong_family__codes),
    T_CASE(byte_order__all_functions__network_is_big_endian),
    T_CASE(byte_order__no_place_for_the_answer__fault),
};

const struct t_group t_group_text = {"text", cases, T_COUNT(cases), false};

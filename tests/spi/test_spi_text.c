/** @file Addresses as text. */
#include "t_host.h"

#include <stdio.h>
#include <string.h>

struct text_row {
    int af;
    const char *in;
    const char *out; /* NULL: refused */
};

static const struct text_row rows[] = {
    {AF_INET, "1.2.3.4", "1.2.3.4"},
    {AF_INET, "1.2.3.4:80", "1.2.3.4:80"},
    {AF_INET, "1.2.3.4:0x50", "1.2.3.4:80"},
    {AF_INET, "1.2.3.4:017", "1.2.3.4:15"},
    {AF_INET, "0x1c0a80001", "192.168.0.1"},
    {AF_INET, "255.255.255.255:65535", "255.255.255.255:65535"},
    {AF_INET, "0x7f.1", "127.0.0.1"},
    {AF_INET, "010.1.1.1", "8.1.1.1"},
    {AF_INET, "1.256", "1.0.1.0"},
    {AF_INET, "1.2.65535", "1.2.255.255"},
    {AF_INET, "2130706433", "127.0.0.1"},
    {AF_INET, "1.2.3.256", NULL},
    {AF_INET, "1.2.65536", NULL},
    {AF_INET, "256.1", NULL},
    {AF_INET, "4294967296", NULL},
    {AF_INET, "1.2.3.4:65536", NULL},
    {AF_INET, "1.2.3.4:", NULL},
    {AF_INET, "1.2.3.4:0", NULL},
    {AF_INET, "1.2.3.4:0x10000", NULL},
    {AF_INET, "1.2.3.4:09", NULL},
    {AF_INET, "1.2.3.4: 80", NULL},
    {AF_INET, "1.2.3.4:80 ", NULL},
    {AF_INET, "1.2.3.0x", NULL},
    {AF_INET, "1.2.3.4.5", NULL},
    {AF_INET, "1..2", NULL},
    {AF_INET, "09.1", NULL},
    {AF_INET, "1.2.3.4 ", NULL},
    {AF_INET, "", NULL},
    {AF_INET, "::1", NULL},
    {AF_INET, "host", NULL},
    {AF_INET6, "::", "::"},
    {AF_INET6, "::1", "::1"},
    {AF_INET6, "[::1]", "::1"},
    {AF_INET6, "[::1]:80", "[::1]:80"},
    {AF_INET6, "fe80::1%4", "fe80::1%4"},
    {AF_INET6, "[fe80::1%4]:443", "[fe80::1%4]:443"},
    {AF_INET6, "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {AF_INET6, "[fe80::200:5efe:1.2.3.4%4]:443", "[fe80::200:5efe:1.2.3.4%4]:443"},
    {AF_INET6, "1:2:3:4:0:5efe:1.2.3.4", "1:2:3:4:0:5efe:1.2.3.4"},
    {AF_INET6, "1:2:3:4:100:5efe:1.2.3.4", "1:2:3:4:100:5efe:102:304"},
    {AF_INET6, "::ffff:0:1.2.3.4", "::ffff:0:1.2.3.4"},
    {AF_INET6, "::fffe:0:1.2.3.4", "::fffe:0:102:304"},
    {AF_INET6, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {AF_INET6, "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {AF_INET6, "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
    {AF_INET6, "1::", "1::"},
    {AF_INET6, "1:0:0:2::", "1:0:0:2::"},
    {AF_INET6, "::ffff:1.2.3.4", "::ffff:1.2.3.4"},
    {AF_INET6, "::1.2.3.4", "::1.2.3.4"},
    {AF_INET6, "64:ff9b::1.2.3.4", "64:ff9b::102:304"},
    {AF_INET6, "1:2:3:4:5:6:7", NULL},
    {AF_INET6, "1:2:3:4:5:6:7:8:9", NULL},
    {AF_INET6, "1::2::3", NULL},
    {AF_INET6, ":1", NULL},
    {AF_INET6, "1:", NULL},
    {AF_INET6, "12345::", NULL},
    {AF_INET6, "[::1", NULL},
    {AF_INET6, "::1]", NULL},
    {AF_INET6, "::1:80%", NULL},
    {AF_INET6, "[::1]:70000", NULL},
    {AF_INET6, "1:2:3:4:5:6:7:1.2.3.4", NULL},
    {AF_INET6, "g::", NULL},
    {AF_INET6, "[::1]:0", NULL},
    {AF_INET6, "fe80::1%", NULL},
    {AF_INET6, "fe80::1%x", NULL},
    {AF_INET6, "fe80::1%4294967296", NULL},
    {AF_INET6, "", NULL},
    {AF_INET6, "1.2.3.4", NULL},
};

static void widen(const char *text, WCHAR *out)
{
    do
        *out++ = (WCHAR)(unsigned char)*text;
    while (*text++);
}

static void text__table__reads_and_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct text_row *row = &rows[i];
        WCHAR wide[128], back[128];
        SOCKADDR_STORAGE addr;
        INT len = (INT)sizeof addr;
        DWORD chars = 128;
        char narrow[128];
        int result;

        widen(row->in, wide);
        memset(&addr, 0x5a, sizeof addr);
        t_err = 0;
        result = t_spi.lpWSPStringToAddress(wide, row->af, t_info(row->af, SOCK_STREAM), (LPSOCKADDR)&addr, &len,
                                            &t_err);
        if (!row->out) {
            if (result != SOCKET_ERROR || t_err != WSAEINVAL)
                fail_msg("'%s' was not refused: %d", row->in, t_err);
            continue;
        }
        if (result != 0)
            fail_msg("'%s': %d", row->in, t_err);
        assert_int_equal(len, t_addr_size(row->af));
        assert_int_equal(addr.ss_family, row->af);
        if (row->af == AF_INET)
            assert_memory_equal(((SOCKADDR_IN *)&addr)->sin_zero, "\0\0\0\0\0\0\0", 8);
        else
            assert_int_equal(((SOCKADDR_IN6 *)&addr)->sin6_flowinfo, 0);
        assert_int_equal(t_spi.lpWSPAddressToString((LPSOCKADDR)&addr, (DWORD)len, t_info(row->af, SOCK_STREAM), back,
                                                    &chars, &t_err),
                         0);
        for (DWORD c = 0; c < chars; c++)
            narrow[c] = (char)back[c];
        assert_int_equal(chars, strlen(row->out) + 1);
        if (strcmp(narrow, row->out) != 0)
            fail_msg("'%s' became '%s', not '%s'", row->in, narrow, row->out);
    }
}

/* What is left of an address that is refused: no family, no port, and the bytes that were read. */
static void text__refused__leaves_what_was_read(void **state)
{
    static const struct {
        int af;
        const char *in;
        unsigned char left[16];
    } refused[] = {
        {AF_INET, "", {0}},
        {AF_INET, "9.8.7.6:", {9, 8, 7, 6}},
        {AF_INET, "9.8.7.6:70000", {9, 8, 7, 6}},
        {AF_INET, "9.8.7.006x", {9, 8, 7, 6}},
        {AF_INET, "9.8.7.09", {0}},
        {AF_INET, "9.8.7.256", {0}},
        {AF_INET6, "", {0}},
        {AF_INET6, "a:b:", {0, 10, 0, 11}},
        {AF_INET6, "9.8.7.6", {9, 8, 7}},
        {AF_INET6, "a::b]:80", {[1] = 10, [15] = 11}},
        {AF_INET6, "a::b:c:", {0, 10, 0, 11, 0, 12}},
        {AF_INET6, "a:b:c:d:e:f:7::8", {0, 10, 0, 11, 0, 12, 0, 13, 0, 14, 0, 15, 0, 7}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int af = refused[i].af;
        WCHAR wide[64];
        SOCKADDR_STORAGE addr;
        INT len = (INT)sizeof addr;

        widen(refused[i].in, wide);
        memset(&addr, 0x5a, sizeof addr);
        t_fails(t_spi.lpWSPStringToAddress(wide, af, t_info(af, SOCK_STREAM), (LPSOCKADDR)&addr, &len, &t_err),
                WSAEINVAL);
        assert_int_equal(len, sizeof addr);
        assert_int_equal(addr.ss_family, 0);
        if (af == AF_INET) {
            assert_int_equal(((SOCKADDR_IN *)&addr)->sin_port, 0);
            assert_memory_equal(&((SOCKADDR_IN *)&addr)->sin_addr, refused[i].left, 4);
        } else {
            assert_int_equal(((SOCKADDR_IN6 *)&addr)->sin6_port, 0);
            assert_int_equal(((SOCKADDR_IN6 *)&addr)->sin6_scope_id, 0);
            assert_memory_equal(&((SOCKADDR_IN6 *)&addr)->sin6_addr, refused[i].left, 16);
        }
        assert_int_equal(((unsigned char *)&addr)[t_addr_size(af)], 0x5a);
    }
}

static void text__short_buffers__tell_the_size(void **state)
{
    WCHAR wide[32], out[32];
    SOCKADDR_STORAGE addr;
    DWORD chars = 7;
    INT len = 15;

    (void)state;
    widen("1.2.3.4", wide);
    t_fails(t_spi.lpWSPStringToAddress(wide, AF_INET, t_info(AF_INET, SOCK_STREAM), (LPSOCKADDR)&addr, &len, &t_err),
            WSAEFAULT);
    assert_int_equal(len, 16);
    assert_int_equal(
        t_spi.lpWSPStringToAddress(wide, AF_UNSPEC, t_info(AF_INET, SOCK_DGRAM), (LPSOCKADDR)&addr, &len, &t_err), 0);
    t_fails(t_spi.lpWSPAddressToString((LPSOCKADDR)&addr, 16, t_info(AF_INET, SOCK_STREAM), out, &chars, &t_err),
            WSAEFAULT);
    assert_int_equal(chars, 8);
    chars = 0;
    t_fails(t_spi.lpWSPAddressToString((LPSOCKADDR)&addr, 16, t_info(AF_INET, SOCK_STREAM), NULL, &chars, &t_err),
            WSAEFAULT);
    assert_int_equal(chars, 8);
    assert_int_equal(
        t_spi.lpWSPAddressToString((LPSOCKADDR)&addr, 16, t_info(AF_INET, SOCK_STREAM), out, &chars, &t_err), 0);
}

static void text__wrong_family_and_nulls__are_refused(void **state)
{
    LPWSAPROTOCOL_INFOW info = t_info(AF_INET, SOCK_STREAM);
    WCHAR wide[32], out[64], beyond[2] = {0x0661, 0};
    SOCKADDR_STORAGE addr;
    DWORD chars = 64;
    INT len = (INT)sizeof addr;
    LPSOCKADDR at = (LPSOCKADDR)&addr;

    (void)state;
    widen("1.2.3.4", wide);
    t_fails(t_spi.lpWSPStringToAddress(wide, AF_INET6, info, at, &len, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPStringToAddress(wide, 99, info, at, &len, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPStringToAddress(beyond, AF_INET, info, at, &len, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPStringToAddress(NULL, AF_INET, info, at, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPStringToAddress(wide, AF_INET, NULL, at, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPStringToAddress(wide, AF_INET, info, NULL, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPStringToAddress(wide, AF_INET, info, at, NULL, &t_err), WSAEFAULT);
    at = t_addr(AF_INET6, 1);
    t_fails(t_spi.lpWSPAddressToString(at, 28, info, out, &chars, &t_err), WSAEINVAL);
    at = t_addr(AF_INET, 1);
    t_fails(t_spi.lpWSPAddressToString(at, 15, info, out, &chars, &t_err), WSAEINVAL);
    t_fails(t_spi.lpWSPAddressToString(at, 16, NULL, out, &chars, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPAddressToString(NULL, 16, info, out, &chars, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPAddressToString(at, 16, info, NULL, &chars, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPAddressToString(at, 16, info, out, NULL, &t_err), WSAEFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__table__reads_and_writes),
        cmocka_unit_test(text__refused__leaves_what_was_read),
        cmocka_unit_test(text__short_buffers__tell_the_size),
        cmocka_unit_test(text__wrong_family_and_nulls__are_refused),
    };

    return cmocka_run_group_tests_name("spi_text", tests, t_host_start, t_host_stop);
}

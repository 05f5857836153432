#include "config_priv.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The system's own parser says what an address is. */
static void compare(const char *text)
{
    uint8_t expected[16] = {0};
    uint8_t got[16];
    uint16_t family = 77;
    uint16_t expected_family = STK_AF_NONE;
    memset(got, 0xa5, sizeof(got));
    const int version = t_ip_read(text, expected);
    if (version != 0) {
        expected_family = version == 4 ? STK_AF_INET : STK_AF_INET6;
    }
    bool ok = stk_conf_ip_read(text, &family, got);
    if (ok != (expected_family != STK_AF_NONE)) {
        fail_msg("'%s': %s", text, ok ? "accepted" : "refused");
    }
    if (!ok) {
        assert_int_equal(family, 77);
        assert_int_equal(got[0], 0xa5);
        return;
    }
    assert_int_equal(family, expected_family);
    if (memcmp(got, expected, sizeof(got)) != 0) {
        fail_msg("'%s': read differently", text);
    }
}

static void ip__texts_by_hand__as_the_system_reads_them(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        ":",
        "::",
        ":::",
        "::1",
        "1::",
        "1::2::3",
        "0.0.0.0",
        "255.255.255.255",
        "256.0.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.4.",
        ".1.2.3.4",
        "01.2.3.4",
        "1.2.3.04",
        "00.0.0.0",
        "1..2.3",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.-4",
        "0x1.2.3.4",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "::ffff:1.2.3.4",
        "::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "1.2.3.4::",
        "::1.2.3",
        "::1.2.3.4:5",
        "1:2:3:4::5:6:1.2.3.4",
        "1:2:3:4:5::1.2.3.4",
        "1:2:3:4:5:6::1.2.3.4",
        "fe80::1%lo",
        "FE80::ABCD",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:",
        "::1:",
        "1::2:",
        "a.b.c.d",
        "::256.1.1.1",
        "::00001",
        "::0001",
        "1:2:3:4:5:6:7::8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        compare(texts[i]);
    }
}

static uint64_t rng_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void ip__random_texts__as_the_system_reads_them(void **state)
{
    static const char letters[] = "0123456789abcdefF::::....%/x ";
    uint64_t seed = UINT64_C(0x57494e4c414e45);
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[24];
        size_t len = rng_next(&seed) % (sizeof(text) - 1);
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[rng_next(&seed) % (sizeof(letters) - 1)];
        }
        text[len] = '\0';
        compare(text);
    }
}

/* Addresses with many zero groups, written by the system, cut and changed in one place. */
static void ip__written_by_the_system_and_changed__as_the_system_reads_them(void **state)
{
    uint64_t seed = 4;
    (void)state;
    for (int round = 0; round < 100000; round++) {
        uint8_t ip[16];
        char text[T_PATH_MAX];
        char ours[STK_CONF_NET_TEXT];
        for (size_t i = 0; i < sizeof(ip); i++) {
            ip[i] = rng_next(&seed) % 3 == 0 ? (uint8_t)rng_next(&seed) : 0;
        }
        bool v4 = round % 4 == 0;
        t_ip_text(v4 ? 4 : 6, ip, text);
        compare(text);
        (void)stk_conf_ip_text(v4 ? STK_AF_INET : STK_AF_INET6, ip, ours);
        compare(ours);
        /* The system writes some addresses with an IPv4 tail; we never do. */
        if (v4 || strchr(text, '.') == NULL) {
            assert_string_equal(ours, text);
        }
        text[rng_next(&seed) % strlen(text)] = ":.0f"[rng_next(&seed) % 4];
        compare(text);
        text[rng_next(&seed) % strlen(text)] = '\0';
        compare(text);
    }
}

static void net__match_and_host_bits__each_prefix_length(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 128; bit++) {
        uint8_t a[16] = {0};
        struct stk_conf_net net = {.family = STK_AF_INET6};
        net.ip[bit / 8] = (uint8_t)(0x80u >> bit % 8);
        for (uint32_t len = 0; len <= 128; len++) {
            net.prefix_len = (uint16_t)len;
            assert_int_equal(stk_conf_ip_match(a, net.ip, len), bit >= len);
            assert_int_equal(stk_conf_net_has_host_bits(&net), bit >= len);
        }
        net.family = STK_AF_INET;
        for (uint32_t len = 0; len <= 32 && bit < 32; len++) {
            net.prefix_len = (uint16_t)len;
            assert_int_equal(stk_conf_net_has_host_bits(&net), bit >= len);
        }
    }
}

static void mac__texts__read_or_refused(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"00:11:22:33:44:55", true},
        {"aA-bB-cC-dD-eE-fF", true},
        {"", false},
        {"0", false},
        {"00", false},
        {"00:11:22:33:44", false},
        {"00:11:22:33:44:", false},
        {"00:11:22:33:44:5", false},
        {"00:11:22:33:44:555", false},
        {"00:11:22:33:44:55:", false},
        {"001122334455", false},
        {"00.11.22.33.44.55", false},
        {"00:11-22:33:44:55", false},
        {" 00:11:22:33:44:55", false},
        {"00:11:22:33:44:5g", false},
    };
    static const uint8_t first[6] = {0, 0x11, 0x22, 0x33, 0x44, 0x55};
    uint8_t mac[6];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(mac, 0xa5, sizeof(mac));
        if (stk_conf_mac_read(rows[i].text, mac) != rows[i].ok) {
            fail_msg("'%s'", rows[i].text);
        }
        assert_int_equal(mac[0] == 0xa5, !rows[i].ok);
    }
    assert_true(stk_conf_mac_read(rows[0].text, mac));
    assert_memory_equal(mac, first, sizeof(first));
}

static void number__texts_with_units__read_exactly(void **state)
{
    static const struct {
        const char *text;
        enum stk_conf_unit unit;
        enum stk_conf_num result;
        uint64_t number;
    } rows[] = {
        {"0", STK_CONF_UNIT_COUNT, STK_CONF_NUM_OK, 0},
        {"007", STK_CONF_UNIT_COUNT, STK_CONF_NUM_OK, 7},
        {"18446744073709551615", STK_CONF_UNIT_COUNT, STK_CONF_NUM_OK, UINT64_MAX},
        {"18446744073709551616", STK_CONF_UNIT_COUNT, STK_CONF_NUM_HUGE, 0},
        {"99999999999999999999999", STK_CONF_UNIT_COUNT, STK_CONF_NUM_HUGE, 0},
        {"18446744073709551k", STK_CONF_UNIT_COUNT, STK_CONF_NUM_OK, UINT64_C(18446744073709551000)},
        {"18446744073709552k", STK_CONF_UNIT_COUNT, STK_CONF_NUM_HUGE, 0},
        {"1KiB", STK_CONF_UNIT_COUNT, STK_CONF_NUM_UNIT, 0},
        {"3k", STK_CONF_UNIT_BYTES, STK_CONF_NUM_UNIT, 0},
        {"3 KiB", STK_CONF_UNIT_BYTES, STK_CONF_NUM_OK, 3072},
        {"3\tMiB", STK_CONF_UNIT_BYTES, STK_CONF_NUM_OK, 3145728},
        {"2GiB", STK_CONF_UNIT_BYTES, STK_CONF_NUM_OK, UINT64_C(2147483648)},
        {"17179869184GiB", STK_CONF_UNIT_BYTES, STK_CONF_NUM_HUGE, 0},
        {"5B", STK_CONF_UNIT_BYTES, STK_CONF_NUM_OK, 5},
        {"5", STK_CONF_UNIT_BYTES, STK_CONF_NUM_OK, 5},
        {"5Kib", STK_CONF_UNIT_BYTES, STK_CONF_NUM_UNIT, 0},
        {"5s", STK_CONF_UNIT_BYTES, STK_CONF_NUM_UNIT, 0},
        {"1ns", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, 1},
        {"1us", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, 1000},
        {"1ms", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, 1000000},
        {"1s", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, 1000000000},
        {"1min", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, UINT64_C(60000000000)},
        {"1", STK_CONF_UNIT_TIME, STK_CONF_NUM_NO_UNIT, 0},
        {"0", STK_CONF_UNIT_TIME, STK_CONF_NUM_OK, 0},
        {"1 m s", STK_CONF_UNIT_TIME, STK_CONF_NUM_UNIT, 0},
        {"", STK_CONF_UNIT_COUNT, STK_CONF_NUM_MALFORMED, 0},
        {"k", STK_CONF_UNIT_COUNT, STK_CONF_NUM_MALFORMED, 0},
        {"+1", STK_CONF_UNIT_COUNT, STK_CONF_NUM_MALFORMED, 0},
        {"-1", STK_CONF_UNIT_COUNT, STK_CONF_NUM_MALFORMED, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t number = 4711;
        enum stk_conf_num result = stk_conf_number_read(rows[i].text, rows[i].unit, &number);
        uint64_t expected = rows[i].result == STK_CONF_NUM_OK ? rows[i].number : 4711;
        if (result != rows[i].result || number != expected) {
            fail_msg("row %u '%s': result %d", (unsigned)i, rows[i].text, (int)result);
        }
    }
}

static void nearest__pairs__found_or_not(void **state)
{
    static const struct {
        const char *wrong;
        const char *name;
        bool found;
    } rows[] = {
        {"spin", "spin", true},    {"spinn", "spin", true},
        {"pin", "spin", true},     {"psin", "spin", true},
        {"sipnn", "spin", true},   {"route", "mtu", false},
        {"mt", "mtu", true},       {"m", "mtu", false},
        {"mac", "mtu", false},     {"address_list", "address", true},
        {"addr", "address", true}, {"ad", "address", false},
        {"", "mtu", false},        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "address", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *best = NULL;
        uint32_t score = UINT32_MAX;
        stk_conf_nearest(rows[i].wrong, rows[i].name, &best, &score);
        if ((best != NULL) != rows[i].found) {
            fail_msg("%s, %s", rows[i].wrong, rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ip__texts_by_hand__as_the_system_reads_them),
        cmocka_unit_test(ip__random_texts__as_the_system_reads_them),
        cmocka_unit_test(ip__written_by_the_system_and_changed__as_the_system_reads_them),
        cmocka_unit_test(net__match_and_host_bits__each_prefix_length),
        cmocka_unit_test(mac__texts__read_or_refused),
        cmocka_unit_test(number__texts_with_units__read_exactly),
        cmocka_unit_test(nearest__pairs__found_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

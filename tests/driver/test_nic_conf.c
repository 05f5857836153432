#include "nic/conf.h"
#include "t_nic.h"

struct values {
    uint64_t number;
    uint64_t size;
    uint64_t time;
    uint64_t prob;
    const char *string;
    bool flag;
};

static const struct nic_conf_key keys[] = {
    {"number", NIC_CONF_INT, offsetof(struct values, number), 2, 100, NULL},
    {"size", NIC_CONF_SIZE, offsetof(struct values, size), 0, 0, NULL},
    {"time", NIC_CONF_TIME, offsetof(struct values, time), 0, 10 * STK_S_NS, NULL},
    {"prob", NIC_CONF_PROB, offsetof(struct values, prob), 0, 0, NULL},
    {"string", NIC_CONF_STRING, offsetof(struct values, string), 0, 5, "one|two|three"},
    {"flag", NIC_CONF_BOOL, offsetof(struct values, flag), 0, 0, NULL},
};

static int parse(struct t_conf *t, const char *text, struct values *out)
{
    t_conf(t, "p0", "wire", text);
    return nic_conf_parse(&t->conf, keys, sizeof(keys) / sizeof(keys[0]), out);
}

static void conf__good_values__are_stored(void **state)
{
    static const struct {
        const char *text;
        uint64_t number, size, time, prob;
    } rows[] = {
        {"number=2", 2, 1, 1, 1},
        {"number=100", 100, 1, 1, 1},
        {"size=0", 1, 0, 1, 1},
        {"size=1500", 1, 1500, 1, 1},
        {"size=64K", 1, 65536, 1, 1},
        {"size=1.5M", 1, 1572864, 1, 1},
        {"size=2G", 1, UINT64_C(2) << 30, 1, 1},
        {"time=0", 1, 1, 0, 1},
        {"time=7ns", 1, 1, 7, 1},
        {"time=1.5us", 1, 1, 1500, 1},
        {"time=.25ms", 1, 1, 250000, 1},
        {"time=10s", 1, 1, UINT64_C(10000000000), 1},
        {"prob=0", 1, 1, 1, 0},
        {"prob=1", 1, 1, 1, NIC_CONF_PROB_ONE},
        {"prob=100%", 1, 1, 1, NIC_CONF_PROB_ONE},
        {"prob=0.5", 1, 1, 1, NIC_CONF_PROB_ONE / 2},
        {"prob=25%", 1, 1, 1, NIC_CONF_PROB_ONE / 4},
        {"prob=12.5%", 1, 1, 1, NIC_CONF_PROB_ONE / 8},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct t_conf t;
        struct values got = {1, 1, 1, 1, NULL, false};

        print_message("%s\n", rows[i].text);
        assert_int_equal(parse(&t, rows[i].text, &got), 0);
        assert_int_equal(got.number, rows[i].number);
        assert_int_equal(got.size, rows[i].size);
        assert_int_equal(got.time, rows[i].time);
        assert_int_equal(got.prob, rows[i].prob);
    }
}

static void conf__bools_and_strings__are_stored(void **state)
{
    static const char *const yes[] = {"flag=yes", "flag=on", "flag=true", "flag=1"};
    static const char *const no[] = {"flag=no", "flag=off", "flag=false", "flag=0"};
    struct t_conf t;
    struct values got = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(parse(&t, yes[i], &got), 0);
        assert_true(got.flag);
        assert_int_equal(parse(&t, no[i], &got), 0);
        assert_false(got.flag);
    }
    assert_int_equal(parse(&t, "string=two", &got), 0);
    assert_string_equal(got.string, "two");
}

static void conf__bad_values__name_file_line_and_key(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"number=1", "t.conf:10: port p0: number: '1' is outside 2 to 100"},
        {"number=101", "t.conf:10: port p0: number: '101' is outside 2 to 100"},
        {"number=3x", "t.conf:10: port p0: number: '3x' is not a number"},
        {"number=-3", "t.conf:10: port p0: number: '-3' is not a number"},
        {"number=3.0", "t.conf:10: port p0: number: '3.0' is not a number"},
        {"number=", "t.conf:10: port p0: number: '' is not a number"},
        {"number=99999999999999999999", "t.conf:10: port p0: number: '99999999999999999999' is not a number"},
        {"flag=yes number=5 number=6", "t.conf:12: port p0: number: given twice"},
        {"flag=maybe", "t.conf:10: port p0: flag: 'maybe' is neither yes nor no"},
        {"flag=yes nosuch=5", "t.conf:11: port p0: nosuch: unknown key"},
        {"time=5", "t.conf:10: port p0: time: '5' is not a duration (a number with ns, us, ms or s)"},
        {"time=5min", "t.conf:10: port p0: time: '5min' is not a duration (a number with ns, us, ms or s)"},
        {"time=11s", "t.conf:10: port p0: time: '11s' is outside 0 to 10000000000 ns"},
        {"size=5T", "t.conf:10: port p0: size: '5T' is not a size (bytes, or a number with K, M or G)"},
        {"size=1.5", "t.conf:10: port p0: size: '1.5' is not a size (bytes, or a number with K, M or G)"},
        {"size=99999999999G",
         "t.conf:10: port p0: size: '99999999999G' is not a size (bytes, or a number with K, M or G)"},
        {"prob=1.1", "t.conf:10: port p0: prob: '1.1' is not a probability (0 to 1, or 0% to 100%)"},
        {"prob=101%", "t.conf:10: port p0: prob: '101%' is not a probability (0 to 1, or 0% to 100%)"},
        {"prob=5", "t.conf:10: port p0: prob: '5' is not a probability (0 to 1, or 0% to 100%)"},
        {"string=four", "t.conf:10: port p0: string: 'four' is none of one|two|three"},
        {"string=thr", "t.conf:10: port p0: string: 'thr' is none of one|two|three"},
        {"string=", "t.conf:10: port p0: string: empty"},
        {"string=threee", "t.conf:10: port p0: string: longer than 5 characters"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct t_conf t;
        struct values got = {0};

        print_message("%s\n", rows[i].text);
        assert_int_equal(parse(&t, rows[i].text, &got), STK_EINVAL);
        assert_string_equal(t.error, rows[i].error);
    }
}

static void conf__no_room_for_the_text__is_safe(void **state)
{
    struct t_conf t;
    struct values got;

    (void)state;
    t_conf(&t, "p0", "wire", "nosuch=1");
    t.conf.error = NULL;
    assert_int_equal(nic_conf_parse(&t.conf, keys, 1, &got), STK_EINVAL);
    t.conf.error = t.error;
    t.conf.error_size = 8;
    memset(t.error, 0x7f, sizeof(t.error));
    assert_int_equal(nic_conf_parse(&t.conf, keys, 1, &got), STK_EINVAL);
    assert_string_equal(t.error, "t.conf:");
    assert_int_equal(t.error[8], 0x7f);
}

static void port__bad_common_configuration__is_refused(void **state)
{
    struct t_conf t;
    struct nic_port *port = (struct nic_port *)(uintptr_t)1;
    static const char name_long[] = "a-name-that-has-more-than-31-characters";

    (void)state;
    t_conf(&t, "p0", "nosuch", "");
    assert_int_equal(nic_port_open(&t.conf, &port), STK_ENOENT);
    assert_null(port);
    assert_string_equal(t.error, "t.conf: port p0: no driver 'nosuch' in this build");
    t_conf(&t, "p0", NULL, "");
    assert_int_equal(nic_port_conf_check(&t.conf), STK_ENOENT);
    t_conf(&t, "p0", "wire", "link=x");
    t.conf.mtu = 575;
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    assert_string_equal(t.error, "t.conf: port p0: mtu 575 is outside 576 to 9000");
    t.conf.mtu = 9001;
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    t_conf(&t, name_long, "wire", "link=x");
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    t_conf(&t, "", "wire", "link=x");
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    t_conf(&t, "p0", "wire", "link=x");
    t.conf.mac_set = true;
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    t.conf.mac[0] = 0x33;
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    t.conf.mac[0] = 0x32;
    assert_int_equal(nic_port_conf_check(&t.conf), 0);
    t_conf(&t, "p0", "wire", "link=x capture_snaplen=100");
    assert_int_equal(nic_port_conf_check(&t.conf), STK_EINVAL);
    assert_string_equal(t.error, "t.conf:11: port p0: capture_snaplen: without a capture file (key capture)");
    t_conf(&t, "p0", "wire", "link=x capture=/nonexistent/dir/f.pcap");
    assert_int_equal(nic_port_open(&t.conf, &port), STK_EIO);
    assert_non_null(strstr(t.error, "t.conf:11: port p0: capture: /nonexistent/dir/f.pcap"));
}

static void driver__an_empty_slot__is_refused(void **state)
{
    struct nic_driver copy;

    (void)state;
    for (size_t i = 0; nic_builtin_drivers[i] != NULL; i++) {
        assert_int_equal(nic_driver_check(nic_builtin_drivers[i]), 0);
        for (size_t slot = 0; slot < sizeof(copy) / sizeof(void *); slot++) {
            memcpy(&copy, nic_builtin_drivers[i], sizeof(copy));
            memset((uint8_t *)&copy + slot * sizeof(void *), 0, sizeof(void *));
            assert_int_equal(nic_driver_check(&copy), STK_EINVAL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conf__good_values__are_stored),
        cmocka_unit_test(conf__bools_and_strings__are_stored),
        cmocka_unit_test(conf__bad_values__name_file_line_and_key),
        cmocka_unit_test(conf__no_room_for_the_text__is_safe),
        cmocka_unit_test(port__bad_common_configuration__is_refused),
        cmocka_unit_test(driver__an_empty_slot__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;

static struct stk_config *sample_load(const char *name)
{
    char path[512];
    char error[STK_CONF_ERROR_SIZE];
    struct stk_config *config = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (stk_config_load(path, &config, error, sizeof(error)) != STK_OK) {
        fail_msg("%s", error);
    }
    return config;
}

static void samples__each__accepted(void **state)
{
    static struct t_inis inis;
    (void)state;
    t_inis_find(folder, &inis);
    assert_true(inis.count >= 4);
    for (unsigned i = 0; i < inis.count; i++) {
        char error[STK_CONF_ERROR_SIZE];
        struct stk_config *config = NULL;
        if (stk_config_load(inis.path[i], &config, error, sizeof(error)) != STK_OK) {
            fail_msg("%s", error);
        }
        assert_true(config->ports_count > 0);
        stk_config_free(config);
    }
}

/* The demonstration's file is the manual of the keys: each one stands there, set or commented out. */
static void sample_winlane__each_key__is_described(void **state)
{
    static const char *const keys[] = {
        "sockets_max",
        "buffer_memory",
        "rcvbuf",
        "sndbuf",
        "threads_max",
        "start_timeout",
        "drain_timeout",
        "poll_cpu",
        "spin",
        "app_spin",
        "nap_max",
        "port_range",
        "tcp_msl",
        "connect_timeout",
        "tcp_max",
        "udp_max",
        "time_wait_max",
        "out_of_order_rtos",
        "allow_raw",
        "counters_at_exit",
        "counters_signal",
        "counters_file",
        "clock",
        "seed",
        "virtual_linger",
        "level",
        "driver",
        "instance",
        "index",
        "mtu",
        "vlan",
        "mac",
        "dhcp",
        "ipv6_ll",
        "address",
        "route",
        "neighbour",
        "buffers",
        "rx_slots",
        "tx_slots",
        "offload_rx",
        "offload_tx",
        "extmem",
    };
    char path[512];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/winlane.ini", folder);
    char *text = t_file_text(path);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char set[64];
        char off[64];
        (void)snprintf(set, sizeof(set), "\n%s = ", keys[i]);
        (void)snprintf(off, sizeof(off), "\n#%s = ", keys[i]);
        if (strstr(text, set) == NULL && strstr(text, off) == NULL) {
            fail_msg("winlane.ini does not describe %s", keys[i]);
        }
    }
    free(text);
}

/* A commented-out key must be right too: whoever takes the '#' away gets no error. */
static void sample_winlane__commented_keys_switched_on__accepted(void **state)
{
    char path[512];
    unsigned tried = 0;
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/winlane.ini", folder);
    char *text = t_file_text(path);
    for (char *at = strstr(text, "\n#"); at != NULL; at = strstr(at + 1, "\n#")) {
        struct t_parsed parsed;
        if (at[2] < 'a' || at[2] > 'z') {
            continue;
        }
        /* The signal's name is the platform's: the file has one of Linux. */
        if (strncmp(at + 2, "counters_signal = USR2", 22) == 0 && strcmp(t_signal_name, "USR1") != 0) {
            continue;
        }
        /* Without its '#' the line gets one leading newline, so that no other line moves within itself. */
        at[1] = '\n';
        t_parse(text, &parsed);
        if (parsed.result != STK_OK) {
            fail_msg("%.40s: %s", at + 2, parsed.error);
        }
        t_parsed_free(&parsed);
        at[1] = '#';
        tried++;
    }
    assert_true(tried >= 10);
    free(text);
}

static void sample_wire_pair__two_instances_on_one_link(void **state)
{
    struct stk_config *config = sample_load("wire-pair.ini");
    (void)state;
    assert_int_equal(config->ports_count, 2);
    assert_int_equal(config->instances_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(config->ports[i].driver, "wire");
        assert_int_equal(config->ports[i].instance, i);
        assert_string_equal(config->ports[i].args[0].key, "link");
        assert_string_equal(config->ports[i].args[0].value, config->ports[0].args[0].value);
    }
    stk_config_free(config);
}

static void sample_rtt_ring__pinned_and_spinning_over_one_ring_pair(void **state)
{
    struct stk_config *config = sample_load("rtt-ring.ini");
    (void)state;
    assert_int_equal(config->ports_count, 2);
    assert_int_equal(config->instances_count, 2);
    assert_int_equal(config->engine.spin_us, -1);
    assert_true(config->engine.poll_cpu >= 0);
    for (uint32_t i = 0; i < 2; i++) {
        const struct stk_conf_port *port = &config->ports[i];
        unsigned found = 0;
        assert_string_equal(port->driver, "dpdk");
        for (uint32_t j = 0; j < port->args_count; j++) {
            found += strcmp(port->args[j].key, "ring_pair") == 0;
        }
        assert_int_equal(found, 1);
    }
    stk_config_free(config);
}

static void sample_ab_feeds__two_ports_in_one_instance(void **state)
{
    struct stk_config *config = sample_load("ab-feeds.ini");
    (void)state;
    assert_true(config->ports_count >= 2);
    assert_int_equal(config->instances_count, 1);
    stk_config_free(config);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples__each__accepted),
        cmocka_unit_test(sample_winlane__each_key__is_described),
        cmocka_unit_test(sample_winlane__commented_keys_switched_on__accepted),
        cmocka_unit_test(sample_wire_pair__two_instances_on_one_link),
        cmocka_unit_test(sample_rtt_ring__pinned_and_spinning_over_one_ring_pair),
        cmocka_unit_test(sample_ab_feeds__two_ports_in_one_instance),
    };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER-WITH-SAMPLES\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}

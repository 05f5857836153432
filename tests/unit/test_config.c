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

#define KIB 1024u
#define MIB (1024u * 1024u)

static void config__empty_texts__defaults_and_no_port(void **state)
{
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "# only a comment\n",
                                        "; x",
                                        "\xef\xbb\xbf",
                                        "\xef\xbb\xbf\n",
                                        " \t \r\n",
                                        "   ; indented comment\n",
                                        "[engine]\n",
                                        "[engine] ; comment\n[log] # comment\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct stk_config *config = t_parse_good(texts[i]);
        const struct stk_conf_engine *engine = &config->engine;
        assert_string_equal(config->file, "t.ini");
        assert_int_equal(config->ports_count, 0);
        assert_int_equal(config->instances_count, 1);
        assert_string_equal(config->log_level, "");
        assert_int_equal(engine->sockets_max, 16384);
        assert_int_equal(engine->buffer_memory, 256u * MIB);
        assert_int_equal(engine->rcvbuf_bytes, MIB);
        assert_int_equal(engine->sndbuf_bytes, MIB);
        assert_int_equal(engine->threads_max, 64);
        assert_int_equal(engine->start_timeout_ms, 10000);
        assert_int_equal(engine->drain_timeout_ms, 2000);
        assert_int_equal(engine->poll_cpu, -1);
        assert_int_equal(engine->spin_us, -2);
        assert_int_equal(engine->app_spin_us, -2);
        assert_int_equal(engine->nap_us_max, 500);
        assert_int_equal(engine->port_range_first, 49152);
        assert_int_equal(engine->port_range_last, 65535);
        assert_int_equal(engine->tcp_msl_ms, 15000);
        assert_int_equal(engine->connect_timeout_ms, 21000);
        assert_int_equal(engine->tcp_max, 16384); /* as many as sockets_max */
        assert_int_equal(engine->udp_max, 16384);
        assert_false(engine->counters_at_exit);
        assert_int_equal(engine->counters_signal, 0);
        assert_string_equal(engine->counters_file, "");
        assert_false(engine->clock_virtual);
        assert_int_equal(engine->seed, 1);
        assert_int_equal(engine->virtual_linger_ms, 10000);
        stk_config_free(config);
    }
}

static void config__engine_keys__each_arrives(void **state)
{
    struct stk_config *config = t_parse_good("[engine]\n"
                                             "sockets_max = 2k\n"
                                             "buffer_memory = 64 MiB\n"
                                             "rcvbuf = 256KiB\n"
                                             "sndbuf=512000\n"
                                             "threads_max = 8\n"
                                             "start_timeout = 3s\n"
                                             "drain_timeout = 0\n"
                                             "poll_cpu = 1\n"
                                             "spin = endless\n"
                                             "app_spin = 50us\n"
                                             "nap_max = 1 ms\n"
                                             "port_range = 40000 - 41000\n"
                                             "tcp_msl = 1s\n"
                                             "connect_timeout = 1min\n"
                                             "tcp_max = 100\n"
                                             "udp_max : 50\n"
                                             "counters_at_exit = yes\n"
                                             "counters_file = /tmp/a b.txt ; comment\n"
                                             "[log]\n"
                                             "level = debug\n");
    const struct stk_conf_engine *engine = &config->engine;
    (void)state;
    assert_int_equal(engine->sockets_max, 2000);
    assert_int_equal(engine->buffer_memory, 64u * MIB);
    assert_int_equal(engine->rcvbuf_bytes, 256u * KIB);
    assert_int_equal(engine->sndbuf_bytes, 512000);
    assert_int_equal(engine->threads_max, 8);
    assert_int_equal(engine->start_timeout_ms, 3000);
    assert_int_equal(engine->drain_timeout_ms, 0);
    assert_int_equal(engine->poll_cpu, 1);
    assert_int_equal(engine->spin_us, -1);
    assert_int_equal(engine->app_spin_us, 50);
    assert_int_equal(engine->nap_us_max, 1000);
    assert_int_equal(engine->port_range_first, 40000);
    assert_int_equal(engine->port_range_last, 41000);
    assert_int_equal(engine->tcp_msl_ms, 1000);
    assert_int_equal(engine->connect_timeout_ms, 60000);
    assert_int_equal(engine->tcp_max, 100);
    assert_int_equal(engine->udp_max, 50);
    assert_true(engine->counters_at_exit);
    assert_string_equal(engine->counters_file, "/tmp/a b.txt");
    assert_string_equal(config->log_level, "debug");
    stk_config_free(config);
}

static void config__limits_of_ranges__both_accepted(void **state)
{
    static const char *const lines[] = {
        "sockets_max = 16",     "sockets_max = 262144",   "buffer_memory = 64GiB",  "rcvbuf = 4KiB",
        "rcvbuf = 2MiB",        "rcvbuf = 2097152",       "sndbuf = 4096B",         "threads_max = 1",
        "threads_max = 64",     "start_timeout = 1ms",    "start_timeout = 60min",  "drain_timeout = 0ms",
        "poll_cpu = 0",         "poll_cpu = 1023",        "poll_cpu = none",        "spin = 0",
        "spin = 10s",           "spin = adaptive",        "nap_max = 1us",          "nap_max = 1s",
        "port_range = 1-65535", "port_range = 1024-1279", "tcp_msl = 4min",         "connect_timeout = 100ms",
        "udp_max = 4",          "counters_signal = none", "counters_at_exit = off",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[128];
        struct t_parsed parsed;
        (void)snprintf(text, sizeof(text), "[engine]\n%s\n", lines[i]);
        t_parse(text, &parsed);
        if (parsed.result != STK_OK) {
            fail_msg("%s: %s", lines[i], parsed.error);
        }
        t_parsed_free(&parsed);
    }
}

static void config__counters_signal__names_of_the_platform_only(void **state)
{
    static const char *const wrong[] = {"KILL", "10", "SIG"};
    struct t_parsed parsed;
    char text[128];
    char expected[STK_CONF_ERROR_SIZE];
    (void)state;
    for (int prefix = 0; prefix < 2; prefix++) {
        (void)snprintf(text, sizeof(text), "[engine]\ncounters_signal = %s%s\n", prefix ? "SIG" : "", t_signal_name);
        t_parse(text, &parsed);
        if (parsed.result != STK_OK) {
            fail_msg("%s", parsed.error);
        }
        assert_int_equal(parsed.config->engine.counters_signal, t_signal_number);
        t_parsed_free(&parsed);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(text, sizeof(text), "[engine]\ncounters_signal = %s\n", wrong[i]);
        (void)snprintf(expected, sizeof(expected), "t.ini:2: [engine] counters_signal: '%s' is not none, %s", wrong[i],
                       t_signal_names);
        t_parse(text, &parsed);
        assert_int_equal(parsed.result, STK_EINVAL);
        assert_string_equal(parsed.error, expected);
    }
}

static void config__port_without_more_than_a_driver__defaults(void **state)
{
    struct stk_config *config = t_parse_good("[port eth0]\ndriver = wire\n");
    const struct stk_conf_port *port = &config->ports[0];
    (void)state;
    assert_int_equal(config->ports_count, 1);
    assert_int_equal(config->instances_count, 1);
    assert_string_equal(port->name, "eth0");
    assert_string_equal(port->driver, "wire");
    assert_int_equal(port->if_index, 2);
    assert_int_equal(port->instance, 0);
    assert_int_equal(port->mtu, 1500);
    assert_int_equal(port->buffers, 0);
    assert_int_equal(port->rx_slots, 0);
    assert_int_equal(port->tx_slots, 0);
    assert_int_equal(port->vlan_id, 0);
    assert_false(port->vlan_set);
    assert_false(port->dhcp);
    assert_true(port->ipv6_ll);
    assert_false(port->mac_set);
    assert_true(port->offload_rx);
    assert_true(port->offload_tx);
    assert_true(port->extmem);
    assert_int_equal(port->addrs_count + port->routes_count + port->neighs_count + port->args_count, 0);
    assert_int_equal(port->line, 1);
    stk_config_free(config);
}

static const char port_text[] = "[port if.a_1-x]\r\n"
                                "dpdk.device = net_af_packet0,iface=veth0\r\n"
                                "driver = dpdk\r\n"
                                "instance = 0\r\n"
                                "index = 7\r\n"
                                "mtu = 9000\r\n"
                                "vlan = 42\r\n"
                                "mac = 02:00:00:00:00:aB\r\n"
                                "ipv6_ll = no\r\n"
                                "address = 10.0.0.1/24\r\n"
                                "address = fd00::1/64\r\n"
                                "  10.0.1.1/24\r\n"
                                "\r\n"
                                "\t2001:db8::1/48 ; documentation\r\n"
                                "route = 10.1.0.0/16 via 10.0.0.254\r\n"
                                "route = default via 10.0.1.254\r\n"
                                "route = default via fe80::1\r\n"
                                "route = 10.9.0.0/16\r\n"
                                "route = fd01::/16 on-link\r\n"
                                "neighbour = 10.0.0.9 02-00-00-00-00-09\r\n"
                                "neighbour = fd00::9  02:00:00:00:00:0a\r\n"
                                "buffers = 8192\r\n"
                                "rx_slots = 512\r\n"
                                "tx_slots = 1k\r\n"
                                "offload_rx = off\r\n"
                                "offload_tx = false\r\n"
                                "extmem = 0\r\n"
                                "dpdk.eal = --no-huge\r\n"
                                "   -m 256 ; more\r\n"
                                "   --no-pci\r\n"
                                "dpdk.eal = again";

static void config__port_numbers__each_arrives(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xab};
    struct stk_config *config = t_parse_good(port_text);
    const struct stk_conf_port *port = &config->ports[0];
    (void)state;
    assert_string_equal(port->name, "if.a_1-x");
    assert_int_equal(port->if_index, 7);
    assert_int_equal(port->mtu, 9000);
    assert_true(port->vlan_set);
    assert_int_equal(port->vlan_id, 42);
    assert_true(port->mac_set);
    assert_memory_equal(port->mac, mac, sizeof(mac));
    assert_false(port->ipv6_ll);
    assert_int_equal(port->buffers, 8192);
    assert_int_equal(port->rx_slots, 512);
    assert_int_equal(port->tx_slots, 1000);
    assert_false(port->offload_rx);
    assert_false(port->offload_tx);
    assert_false(port->extmem);
    stk_config_free(config);
}

static void config__port_lists__each_entry_in_order(void **state)
{
    static const struct stk_conf_net addrs[] = {
        {STK_AF_INET, 24, {10, 0, 0, 1}},
        {STK_AF_INET6, 64, {0xfd, [15] = 1}},
        {STK_AF_INET, 24, {10, 0, 1, 1}},
        {STK_AF_INET6, 48, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
    };
    static const struct stk_conf_route routes[] = {
        {{STK_AF_INET, 16, {10, 1}}, {10, 0, 0, 254}},
        {{STK_AF_INET, 0, {0}}, {10, 0, 1, 254}},
        {{STK_AF_INET6, 0, {0}}, {0xfe, 0x80, [15] = 1}},
        {{STK_AF_INET, 16, {10, 9}}, {0}},
        {{STK_AF_INET6, 16, {0xfd, 1}}, {0}},
    };
    static const struct stk_conf_neigh neighs[] = {
        {STK_AF_INET, {2, 0, 0, 0, 0, 9}, {10, 0, 0, 9}},
        {STK_AF_INET6, {2, 0, 0, 0, 0, 10}, {0xfd, [15] = 9}},
    };
    struct stk_config *config = t_parse_good(port_text);
    const struct stk_conf_port *port = &config->ports[0];
    (void)state;
    assert_int_equal(port->addrs_count, 4);
    assert_memory_equal(port->addrs, addrs, sizeof(addrs));
    assert_int_equal(port->routes_count, 5);
    assert_memory_equal(port->routes, routes, sizeof(routes));
    assert_int_equal(port->neighs_count, 2);
    assert_memory_equal(port->neighs, neighs, sizeof(neighs));
    stk_config_free(config);
}

static void config__driver_keys__without_prefix_with_line_and_joined(void **state)
{
    static const struct stk_conf_arg args[] = {
        {"device", "net_af_packet0,iface=veth0", 2}, {"eal", "--no-huge -m 256 --no-pci", 28}, {"eal", "again", 31}};
    struct stk_config *config = t_parse_good(port_text);
    const struct stk_conf_port *port = &config->ports[0];
    (void)state;
    assert_int_equal(port->args_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(port->args[i].key, args[i].key);
        assert_string_equal(port->args[i].value, args[i].value);
        assert_int_equal(port->args[i].line, args[i].line);
    }
    stk_config_free(config);
}

static void config__several_ports__indices_fill_the_gaps(void **state)
{
    struct stk_config *config = t_parse_good(
        "\xef\xbb\xbf[port a]\ndriver = wire\n[port b]\ndriver = pcap\nindex = 2\n"
        "[ port   c ]\ndriver = wire\ninstance = 1\n[port d]\ndriver = wire\nindex = 4\n"
        "[port e]\ndriver=wire\n");
    static const uint32_t indices[] = {3, 2, 5, 4, 6};
    (void)state;
    assert_int_equal(config->ports_count, 5);
    assert_int_equal(config->instances_count, 2);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(config->ports[i].if_index, indices[i]);
    }
    assert_string_equal(config->ports[2].name, "c");
    assert_int_equal(config->ports[2].line, 6);
    stk_config_free(config);
}

/* What the checks over the whole file must let pass. */
static void config__combinations_that_are_right__accepted(void **state)
{
    static const char *const texts[] = {
        "address = 10.0.0.0/31\naddress = 10.0.0.3/31",
        "address = 10.0.0.1/32\nroute = 10.0.0.254/32\nroute = default via 10.0.0.254",
        "dhcp = yes\nroute = 10.1.0.0/16 via 192.0.2.1\nneighbour = 192.0.2.2 02:00:00:00:00:02",
        "dhcp = no\naddress = 10.0.0.1/8",
        "mtu = 576",
        "mtu = 1279\nipv6_ll = no\naddress = 10.0.0.1/8",
        "mtu = 1280\naddress = fd00::1/64",
        "route = default via fe80::1",
        "neighbour = fe80::2 02:00:00:00:00:02",
        "route = 0.0.0.0/0 on-link",
        "route = ::/0",
        "vlan = none",
        "vlan = 4094",
        "address = 10.0.0.1/24\n[port b]\ndriver = wire\naddress = 10.0.0.2/24",
        "address = fe80::5/64\n[port b]\ndriver = wire\naddress = fe80::5/64",
        "route = 10.0.0.0/8\n[port b]\ndriver = wire\ninstance = 1\nroute = 10.0.0.0/8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[256];
        struct t_parsed parsed;
        (void)snprintf(text, sizeof(text), "[port a]\ndriver = wire\n%s\n", texts[i]);
        t_parse(text, &parsed);
        if (parsed.result != STK_OK) {
            fail_msg("%s\n%s", texts[i], parsed.error);
        }
        t_parsed_free(&parsed);
    }
}

static void config__small_mtu__no_link_local_address(void **state)
{
    struct stk_config *config = t_parse_good(
        "[port a]\ndriver = wire\nmtu = 576\n[port b]\ndriver = wire\nmtu = 1280\n");
    (void)state;
    assert_false(config->ports[0].ipv6_ll);
    assert_true(config->ports[1].ipv6_ll);
    stk_config_free(config);
}

static void config__longest_line__accepted_whole(void **state)
{
    char text[512];
    char path[256];
    (void)state;
    memset(path, 'p', sizeof(path));
    int value = 198 - (int)strlen("pcap.rx_file = ");
    (void)snprintf(text, sizeof(text), "[port a]\ndriver = pcap\npcap.rx_file = %.*s\r\n", value, path);
    struct stk_config *config = t_parse_good(text);
    assert_int_equal(strlen(config->ports[0].args[0].value), value);
    stk_config_free(config);
}

static void config__all_places_taken__accepted(void **state)
{
    char *text = malloc(65536);
    size_t used = 0;
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < STK_CONF_PORTS_MAX; i++) {
        used += (size_t)sprintf(text + used, "[port p%d]\ndriver = wire\ninstance = %d\n", i,
                                i % STK_CONF_INSTANCES_MAX);
        for (int j = 0; j < STK_CONF_ADDRS_MAX; j++) {
            used += (size_t)sprintf(text + used, "address = 10.%d.%d.1/24\n", i, j);
        }
    }
    for (int j = 0; j < STK_CONF_ROUTES_MAX; j++) {
        used += (size_t)sprintf(text + used, "route = 11.%d.0.0/16\nneighbour = 11.%d.0.1 02:00:00:00:00:01\n", j, j);
    }
    for (int j = 0; j < STK_CONF_ARGS_MAX; j++) {
        used += (size_t)sprintf(text + used, "wire.k%d = v%d\n", j, j);
    }
    struct stk_config *config = t_parse_good(text);
    assert_int_equal(config->ports_count, STK_CONF_PORTS_MAX);
    assert_int_equal(config->instances_count, STK_CONF_INSTANCES_MAX);
    const struct stk_conf_port *port = &config->ports[STK_CONF_PORTS_MAX - 1];
    assert_int_equal(port->addrs_count, STK_CONF_ADDRS_MAX);
    assert_int_equal(port->routes_count, STK_CONF_ROUTES_MAX);
    assert_int_equal(port->neighs_count, STK_CONF_NEIGHS_MAX);
    assert_int_equal(port->args_count, STK_CONF_ARGS_MAX);
    assert_string_equal(port->args[STK_CONF_ARGS_MAX - 1].key, "k47");
    assert_string_equal(port->args[STK_CONF_ARGS_MAX - 1].value, "v47");
    stk_config_free(config);
    free(text);
}

static void config__null_arguments__refused_or_harmless(void **state)
{
    struct stk_config *config = NULL;
    char error[STK_CONF_ERROR_SIZE] = T_POISON;
    (void)state;
    assert_int_equal(stk_config_parse(NULL, "n", &config, error, sizeof(error)), STK_EINVAL);
    assert_int_equal(stk_config_parse("", "n", NULL, error, sizeof(error)), STK_EINVAL);
    assert_int_equal(stk_config_load("n", NULL, NULL, 0), STK_EINVAL);
    assert_null(config);
    assert_int_equal(stk_config_parse("bad", NULL, &config, error, sizeof(error)), STK_EPROTO);
    assert_string_equal(error, "(text):1: neither [section] nor 'key = value'");
    assert_int_equal(stk_config_parse("bad", "n", &config, NULL, 0), STK_EPROTO);
    assert_int_equal(stk_config_parse("bad", "n", &config, NULL, 100), STK_EPROTO);
    stk_config_free(NULL);
}

static void config__error_buffer_of_each_size__cut_and_terminated(void **state)
{
    static const char whole[] = "n:2: [engine] spinn: unknown key; did you mean spin?";
    (void)state;
    for (size_t size = 0; size < sizeof(whole) + 3; size++) {
        struct stk_config *config = NULL;
        char error[128];
        memset(error, 'x', sizeof(error));
        assert_int_equal(stk_config_parse("[engine]\nspinn = 1\n", "n", &config, error, size), STK_EPROTO);
        size_t len = size == 0 ? 0 : size < sizeof(whole) ? size - 1 : sizeof(whole) - 1;
        assert_memory_equal(error, whole, len);
        if (size > 0) {
            assert_int_equal(error[len], '\0');
        }
        assert_int_equal(error[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__empty_texts__defaults_and_no_port),
        cmocka_unit_test(config__engine_keys__each_arrives),
        cmocka_unit_test(config__limits_of_ranges__both_accepted),
        cmocka_unit_test(config__counters_signal__names_of_the_platform_only),
        cmocka_unit_test(config__port_without_more_than_a_driver__defaults),
        cmocka_unit_test(config__port_numbers__each_arrives),
        cmocka_unit_test(config__port_lists__each_entry_in_order),
        cmocka_unit_test(config__driver_keys__without_prefix_with_line_and_joined),
        cmocka_unit_test(config__several_ports__indices_fill_the_gaps),
        cmocka_unit_test(config__combinations_that_are_right__accepted),
        cmocka_unit_test(config__small_mtu__no_link_local_address),
        cmocka_unit_test(config__longest_line__accepted_whole),
        cmocka_unit_test(config__all_places_taken__accepted),
        cmocka_unit_test(config__null_arguments__refused_or_harmless),
        cmocka_unit_test(config__error_buffer_of_each_size__cut_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

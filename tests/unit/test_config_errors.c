#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *text;
    int result;
    const char *message;
};

static void rows_run(const struct row *rows, size_t count, const char *before, uint32_t before_lines)
{
    unsigned failed = 0;
    for (size_t i = 0; i < count; i++) {
        static char text[1024];
        char expected[STK_CONF_ERROR_SIZE];
        struct t_parsed parsed;
        uint32_t line = 0;
        int used = 0;
        (void)snprintf(text, sizeof(text), "%s%s", before, rows[i].text);
        t_parse(text, &parsed);
        /* A row counts lines from its own first one. */
        assert_int_equal(sscanf(rows[i].message, "%u:%n", &line, &used), 1);
        (void)snprintf(expected, sizeof(expected), "t.ini:%u:%s", line + before_lines, rows[i].message + used);
        if (parsed.result != rows[i].result || strcmp(parsed.error, expected) != 0) {
            print_error("row %u: %s\n  expected %s: %s\n  got      %s: %s\n", (unsigned)i, rows[i].text,
                        stk_err_name(rows[i].result), expected, stk_err_name(parsed.result),
                        parsed.result != 0 ? parsed.error : "(accepted)");
            failed++;
        }
        t_parsed_free(&parsed);
    }
    assert_int_equal(failed, 0);
}

#define RUN(rows, before, lines) rows_run((rows), sizeof(rows) / sizeof((rows)[0]), (before), (lines))

static void config__not_ini__refused_with_line(void **state)
{
    static const struct row rows[] = {
        {"x", STK_EPROTO, "1: neither [section] nor 'key = value'"},
        {"\n\n# c\nhello world\n", STK_EPROTO, "4: neither [section] nor 'key = value'"},
        {"[engine]\nspin ; = 1\n", STK_EPROTO, "2: [engine]: neither [section] nor 'key = value'"},
        {"\xef\xbb\xbf[engine]\r\n\r\nspin\r\n", STK_EPROTO, "3: [engine]: neither [section] nor 'key = value'"},
        {"[engine\n", STK_EPROTO, "1: section header without ']'"},
        {"[engine] spin = 1\n", STK_EPROTO, "1: text behind the section header"},
        {"[engine]]\n", STK_EPROTO, "1: text behind the section header"},
        {"[engine]\nspin = 1us\n [log]\n", STK_EPROTO, "3: [engine]: a section header begins in the first column"},
        {"\t[log]\n", STK_EPROTO, "1: a section header begins in the first column"},
        {"  spin = 1us\n", STK_EPROTO,
         "1: indented line, but no key before it to continue; keys begin in the first column"},
        {"[engine]\nspin = 1us\n[log]\n level = warn\n", STK_EPROTO,
         "4: [log]: indented line, but no key before it to continue; keys begin in the first column"},
        {"[engine]\n= 1\n", STK_EPROTO, "2: [engine]: no key before '='"},
        {"spin = 1us\n", STK_EPROTO, "1: spin: key before the first [section]"},
        {"[engine]\nspin\x01 = 1us\n", STK_EPROTO, "2: [engine]: control character 0x01 in the line"},
        {"# \x1b[31m\n", STK_EPROTO, "1: control character 0x1b in the line"},
        {"# old\r# Mac\r", STK_EPROTO, "1: control character 0x0d in the line"},
        {"# \x7f\n", STK_EPROTO, "1: control character 0x7f in the line"},
        {"\xff\xfe[", STK_EPROTO, "1: neither [section] nor 'key = value'"},
        {"\xef\xbb\xbf\xef\xbb\xbf[log]", STK_EPROTO, "1: neither [section] nor 'key = value'"},
        {"<xml>\n", STK_EPROTO, "1: neither [section] nor 'key = value'"},
    };
    (void)state;
    RUN(rows, "", 0);
}

static void config__sections_that_are_wrong__refused(void **state)
{
    static const struct row rows[] = {
        {"[]\n", STK_EPROTO, "1: []: unknown section; there are [engine], [port NAME] and [log]"},
        {"[ ]\n", STK_EPROTO, "1: []: unknown section; there are [engine], [port NAME] and [log]"},
        {"[Engine]\n", STK_EPROTO, "1: [Engine]: unknown section; did you mean [engine]?"},
        {"[ engin ]\n", STK_EPROTO, "1: [engin]: unknown section; did you mean [engine]?"},
        {"[engine x]\n", STK_EPROTO, "1: [engine x]: unknown section; did you mean [engine]?"},
        {"[prot eth0]\n", STK_EPROTO, "1: [prot eth0]: unknown section; did you mean [port NAME]?"},
        {"[ports]\n", STK_EPROTO, "1: [ports]: unknown section; did you mean [port NAME]?"},
        {"[lgo]\n", STK_EPROTO, "1: [lgo]: unknown section; did you mean [log]?"},
        {"[zebra]\n", STK_EPROTO, "1: [zebra]: unknown section; there are [engine], [port NAME] and [log]"},
        {"[log]\n[engine]\n\n[log]\n", STK_EINVAL, "4: [log]: given twice; first on line 1"},
        {"[engine]\n[engine]\n", STK_EINVAL, "2: [engine]: given twice; first on line 1"},
        {"[port]\n", STK_EINVAL, "1: [port ]: a port needs a name: [port NAME]"},
        {"[port  ]\n", STK_EINVAL, "1: [port ]: a port needs a name: [port NAME]"},
        {"[port lo]\n", STK_EINVAL, "1: [port lo]: lo is the loopback interface that each instance has by itself"},
        {"[port a b]\n", STK_EINVAL, "1: [port a b]: a port's name has letters, digits, '_', '.' and '-' only"},
        {"[port a;b]\n", STK_EINVAL, "1: [port a;b]: a port's name has letters, digits, '_', '.' and '-' only"},
        {"[port \xc3\xa9]\n", STK_EINVAL,
         "1: [port \xc3\xa9]: a port's name has letters, digits, '_', '.' and '-' only"},
        {"[port a23456789012345678901234567890xy]\n", STK_EINVAL,
         "1: [port a23456789012345678901234567890xy]: the port's name is longer than 31 characters"},
        {"[port a2345678901234567890123456789012345678901234567890]\n", STK_EINVAL,
         "1: [port a234567890123456789012345678901234567890]: the port's name is longer than 31 characters"},
        {"[port a]\n[log]\n[port a]\n", STK_EINVAL, "3: [port a]: given twice; first on line 1"},
        {"[port a]\n", STK_EINVAL, "1: [port a] driver: missing; it is wire, pcap, replay or dpdk"},
        {"[port a]\nmtu = 1500\n\n", STK_EINVAL, "1: [port a] driver: missing; it is wire, pcap, replay or dpdk"},
    };
    (void)state;
    RUN(rows, "", 0);
}

static const struct row engine_rows[] = {
    {"spinn = 1us", STK_EPROTO, "1: [engine] spinn: unknown key; did you mean spin?"},
    {"Spin = 1us", STK_EPROTO, "1: [engine] Spin: unknown key; did you mean spin?"},
    {"recvbuf = 1MiB", STK_EPROTO, "1: [engine] recvbuf: unknown key; did you mean rcvbuf?"},
    {"sockets = 1", STK_EPROTO, "1: [engine] sockets: unknown key; did you mean sockets_max?"},
    {"colour = 1", STK_EPROTO, "1: [engine] colour: unknown key"},
    {"a = 1", STK_EPROTO, "1: [engine] a: unknown key"},
    {"dpdk.device = x", STK_EPROTO, "1: [engine] dpdk.device: unknown key"},
    {"mtu = 1500", STK_EPROTO, "1: [engine] mtu: belongs to [port NAME]"},
    {"level = warn", STK_EPROTO, "1: [engine] level: belongs to [log]"},
    {"spin =", STK_EINVAL, "1: [engine] spin: no value"},
    {"spin = ; 5us", STK_EINVAL, "1: [engine] spin: no value"},
    {"spin = 1us\n\nspin = 2us", STK_EINVAL, "3: [engine] spin: given twice; first on line 2"},
    {"spin = 1us\n  2us", STK_EINVAL, "2: [engine] spin: has one value; an indented line would add another"},
    {"spin = 1us\n  tcp_max = 5", STK_EINVAL,
     "2: [engine] spin: the indented line continues this key, but looks like another; keys begin in the first column"},
    {"sockets_max = 15", STK_EINVAL, "1: [engine] sockets_max: '15' is out of range 16..262144"},
    {"sockets_max = 262145", STK_EINVAL, "1: [engine] sockets_max: '262145' is out of range 16..262144"},
    {"sockets_max = 4294967312", STK_EINVAL, "1: [engine] sockets_max: '4294967312' is out of range 16..262144"},
    {"sockets_max = 18446744073709551632", STK_EINVAL,
     "1: [engine] sockets_max: '18446744073709551632' is out of range 16..262144"},
    {"sockets_max = 18446744073709551615k", STK_EINVAL,
     "1: [engine] sockets_max: '18446744073709551615k' is out of range 16..262144"},
    {"sockets_max = -1", STK_EINVAL, "1: [engine] sockets_max: '-1' is not a whole number"},
    {"sockets_max = 0x40", STK_EINVAL, "1: [engine] sockets_max: '0x40' is not a whole number (unit: k)"},
    {"sockets_max = 1.5k", STK_EINVAL, "1: [engine] sockets_max: '1.5k' is not a whole number (unit: k)"},
    {"sockets_max = many", STK_EINVAL, "1: [engine] sockets_max: 'many' is not a whole number"},
    {"sockets_max = 1 2", STK_EINVAL, "1: [engine] sockets_max: '1 2' is not a whole number (unit: k)"},
    {"sockets_max = 1K", STK_EINVAL, "1: [engine] sockets_max: '1K' is not a whole number (unit: k)"},
    {"sockets_max = 64MiB", STK_EINVAL, "1: [engine] sockets_max: '64MiB' is not a whole number (unit: k)"},
    {"buffer_memory = 1MB", STK_EINVAL,
     "1: [engine] buffer_memory: '1MB' is not a whole number (unit: B, KiB, MiB or GiB)"},
    {"buffer_memory = 64k", STK_EINVAL,
     "1: [engine] buffer_memory: '64k' is not a whole number (unit: B, KiB, MiB or GiB)"},
    {"buffer_memory = 1023KiB", STK_EINVAL, "1: [engine] buffer_memory: '1023KiB' is out of range 1MiB..64GiB"},
    {"buffer_memory = 65GiB", STK_EINVAL, "1: [engine] buffer_memory: '65GiB' is out of range 1MiB..64GiB"},
    {"buffer_memory = 1MiB", STK_EINVAL,
     "1: [engine] buffer_memory: holds not even rcvbuf and sndbuf of one socket, 2097152 bytes"},
    {"rcvbuf = 4095", STK_EINVAL, "1: [engine] rcvbuf: '4095' is out of range 4KiB..2MiB"},
    {"sndbuf = 2097153", STK_EINVAL, "1: [engine] sndbuf: '2097153' is out of range 4KiB..2MiB"},
    {"threads_max = 65", STK_EINVAL, "1: [engine] threads_max: '65' is out of range 1..64"},
    {"threads_max = 0", STK_EINVAL, "1: [engine] threads_max: '0' is out of range 1..64"},
    {"start_timeout = 10", STK_EINVAL, "1: [engine] start_timeout: '10' needs a unit: us, ms, s or min"},
    {"start_timeout = 0", STK_EINVAL, "1: [engine] start_timeout: '0' is out of range 1ms..1h"},
    {"start_timeout = 61min", STK_EINVAL, "1: [engine] start_timeout: '61min' is out of range 1ms..1h"},
    {"drain_timeout = 1500us", STK_EINVAL, "1: [engine] drain_timeout: '1500us' is not a whole number of milliseconds"},
    {"drain_timeout = 1h", STK_EINVAL,
     "1: [engine] drain_timeout: '1h' is not a whole number (unit: us, ms, s or min)"},
    {"poll_cpu = 1024", STK_EINVAL, "1: [engine] poll_cpu: '1024' is out of range 0..1023"},
    {"poll_cpu = -1", STK_EINVAL, "1: [engine] poll_cpu: '-1' is neither a processor number nor none"},
    {"poll_cpu = 1,2", STK_EINVAL, "1: [engine] poll_cpu: '1,2' is not a whole number (unit: k)"},
    {"spin = 50", STK_EINVAL, "1: [engine] spin: '50' needs a unit: us, ms, s or min"},
    {"spin = 11s", STK_EINVAL, "1: [engine] spin: '11s' is out of range 0..10s"},
    {"spin = 1500ns", STK_EINVAL, "1: [engine] spin: '1500ns' is not a whole number of microseconds"},
    {"app_spin = -1", STK_EINVAL, "1: [engine] app_spin: '-1' is neither a duration nor endless nor adaptive"},
    {"app_spin = forever", STK_EINVAL,
     "1: [engine] app_spin: 'forever' is neither a duration nor endless nor adaptive"},
    {"nap_max = 0", STK_EINVAL, "1: [engine] nap_max: '0' is out of range 1us..1s"},
    {"nap_max = 18446744073709551615s", STK_EINVAL,
     "1: [engine] nap_max: '18446744073709551615s' is out of range 1us..1s"},
    {"port_range = 49152", STK_EINVAL, "1: [engine] port_range: '49152' is not FIRST-LAST"},
    {"port_range = -65535", STK_EINVAL, "1: [engine] port_range: '-65535' is not FIRST-LAST"},
    {"port_range = 1024-", STK_EINVAL, "1: [engine] port_range: '1024-' is not FIRST-LAST"},
    {"port_range = 1-2-3", STK_EINVAL, "1: [engine] port_range: '1-2-3' is not FIRST-LAST"},
    {"port_range = 00000001-65535", STK_EINVAL, "1: [engine] port_range: '00000001-65535' is not FIRST-LAST"},
    {"port_range = 0-65535", STK_EINVAL, "1: [engine] port_range: '0-65535' is not a range within 1..65535"},
    {"port_range = 1-65536", STK_EINVAL, "1: [engine] port_range: '1-65536' is not a range within 1..65535"},
    {"port_range = 2000-1000", STK_EINVAL, "1: [engine] port_range: '2000-1000' is not a range within 1..65535"},
    {"port_range = 1024-1278", STK_EINVAL, "1: [engine] port_range: '1024-1278' holds fewer than 256 ports"},
    {"tcp_msl = 5min", STK_EINVAL, "1: [engine] tcp_msl: '5min' is out of range 1ms..4min"},
    {"connect_timeout = 99ms", STK_EINVAL, "1: [engine] connect_timeout: '99ms' is out of range 100ms..1h"},
    {"tcp_max = 15", STK_EINVAL, "1: [engine] tcp_max: '15' is out of range 16..262144"},
    {"udp_max = 262145", STK_EINVAL, "1: [engine] udp_max: '262145' is out of range 4..262144"},
    {"time_wait_max = 0", STK_EINVAL, "1: [engine] time_wait_max: '0' is out of range 1..1048576"},
    {"out_of_order_rtos = 0", STK_EINVAL, "1: [engine] out_of_order_rtos: '0' is out of range 1..1000000"},
    {"counters_at_exit = Yes", STK_EINVAL, "1: [engine] counters_at_exit: 'Yes' is neither yes nor no"},
    {"sockets_max = aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee", STK_EINVAL,
     "1: [engine] sockets_max: 'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd' is not a whole number"},
    {"[log]\nlevel = loud", STK_EINVAL, "2: [log] level: 'loud' is not known; it is error, warn, info or debug"},
    {"[log]\nlevel = warning", STK_EINVAL, "2: [log] level: 'warning' is not known; did you mean warn?"},
    {"[log]\nlevl = warn", STK_EPROTO, "2: [log] levl: unknown key; did you mean level?"},
    {"[log]\nspin = 1us", STK_EPROTO, "2: [log] spin: belongs to [engine]"},
};

static void config__engine_values_that_are_wrong__refused(void **state)
{
    (void)state;
    RUN(engine_rows, "[engine]\n", 1);
}

static void config__port_values_that_are_wrong__refused(void **state)
{
    static const struct row rows[] = {
        {"adress = 10.0.0.1/24", STK_EPROTO, "1: [port a] adress: unknown key; did you mean address?"},
        {"addr = 10.0.0.1/24", STK_EPROTO, "1: [port a] addr: unknown key; did you mean address?"},
        {"neighbor = 10.0.0.1/24", STK_EPROTO, "1: [port a] neighbor: unknown key; did you mean neighbour?"},
        {"poll_cpu = 1", STK_EPROTO, "1: [port a] poll_cpu: belongs to [engine]"},
        {"dpkd.device = x", STK_EPROTO,
         "1: [port a] dpkd.device: unknown key; a driver's own begin with wire., pcap., replay. or dpdk."},
        {"wire. = x", STK_EPROTO,
         "1: [port a] wire.: unknown key; a driver's own begin with wire., pcap., replay. or dpdk."},
        {"wire = x", STK_EPROTO, "1: [port a] wire: unknown key"},
        {"dpdk.device = x", STK_EINVAL, "1: [port a] dpdk.device: is not a key of this port's driver, wire"},
        {"wire.link = l\npcap.rx_file = x", STK_EINVAL,
         "2: [port a] pcap.rx_file: is not a key of this port's driver, wire"},
        {"wire.link =", STK_EINVAL, "1: [port a] wire.link: no value"},
        {"wire.link = l\n  mtu = 1500", STK_EINVAL,
         "2: [port a] wire.link: the indented line continues this key, but looks like another; keys begin in the first "
         "column"},
        {"wire.link = l\n  wire.loss=0.5", STK_EINVAL,
         "2: [port a] wire.link: the indented line continues this key, but looks like another; keys begin in the first "
         "column"},
        {"wire.a2345678901234567890123456789012345678901234567890 = x", STK_EPROTO,
         "1: [port a] wire.a2345678901234567890123456789012345678901234567890: key longer than 49 characters"},
        {"driver = wire", STK_EINVAL, "1: [port a] driver: given twice; first on line 2"},
        {"instance = 8", STK_EINVAL, "1: [port a] instance: '8' is out of range 0..7"},
        {"instance = 1", STK_EINVAL,
         "1: [port a] instance: instances are numbered from 0 without gaps, but no port belongs to instance 0"},
        {"index = 1", STK_EINVAL, "1: [port a] index: '1' is out of range 2..65535"},
        {"index = 65536", STK_EINVAL, "1: [port a] index: '65536' is out of range 2..65535"},
        {"mtu = 575", STK_EINVAL, "1: [port a] mtu: '575' is out of range 576..9000"},
        {"mtu = 9001", STK_EINVAL, "1: [port a] mtu: '9001' is out of range 576..9000"},
        {"mtu = 1279\naddress = fd00::1/64", STK_EINVAL,
         "2: [port a] address: IPv6 needs an mtu of at least 1280; it is 1279"},
        {"mtu = 576\nipv6_ll = yes", STK_EINVAL, "2: [port a] ipv6_ll: IPv6 needs an mtu of at least 1280; it is 576"},
        {"vlan = 0", STK_EINVAL, "1: [port a] vlan: '0' is out of range 1..4094"},
        {"vlan = 4095", STK_EINVAL, "1: [port a] vlan: '4095' is out of range 1..4094"},
        {"vlan = blue", STK_EINVAL, "1: [port a] vlan: 'blue' is not a whole number"},
        {"mac = 02:00:00:00:00", STK_EINVAL,
         "1: [port a] mac: '02:00:00:00:00' is not a MAC address like 02:00:00:00:00:01"},
        {"mac = 02:00:00:00:00:01:02", STK_EINVAL,
         "1: [port a] mac: '02:00:00:00:00:01:02' is not a MAC address like 02:00:00:00:00:01"},
        {"mac = 02:00:00-00:00:01", STK_EINVAL,
         "1: [port a] mac: '02:00:00-00:00:01' is not a MAC address like 02:00:00:00:00:01"},
        {"mac = 0g:00:00:00:00:01", STK_EINVAL,
         "1: [port a] mac: '0g:00:00:00:00:01' is not a MAC address like 02:00:00:00:00:01"},
        {"mac = 01:00:5e:00:00:01", STK_EINVAL, "1: [port a] mac: '01:00:5e:00:00:01' is not a unicast MAC address"},
        {"mac = 00:00:00:00:00:00", STK_EINVAL, "1: [port a] mac: '00:00:00:00:00:00' is not a unicast MAC address"},
        {"dhcp = maybe", STK_EINVAL, "1: [port a] dhcp: 'maybe' is neither yes nor no"},
        {"address = 10.0.0.1/24\ndhcp = yes", STK_EINVAL,
         "1: [port a] address: an IPv4 address beside dhcp = yes on line 4"},
        {"buffers = 63", STK_EINVAL, "1: [port a] buffers: '63' is out of range 64..1048576"},
        {"rx_slots = 65537", STK_EINVAL, "1: [port a] rx_slots: '65537' is out of range 16..65536"},
        {"tx_slots = 15", STK_EINVAL, "1: [port a] tx_slots: '15' is out of range 16..65536"},
        {"offload_rx = 2", STK_EINVAL, "1: [port a] offload_rx: '2' is neither yes nor no"},
        {"offload_tx = auto", STK_EINVAL, "1: [port a] offload_tx: 'auto' is neither yes nor no"},
        {"extmem = yes\nextmem = yes", STK_EINVAL, "2: [port a] extmem: given twice; first on line 3"},
    };
    static const struct row drivers[] = {
        {"driver = dpkd\n", STK_EINVAL, "1: [port a] driver: 'dpkd' is not known; did you mean dpdk?"},
        {"driver = e1000\n", STK_EINVAL, "1: [port a] driver: 'e1000' is not known; it is wire, pcap, replay or dpdk"},
        {"driver = wire\ndriver = wire\n", STK_EINVAL, "2: [port a] driver: given twice; first on line 2"},
    };
    (void)state;
    RUN(rows, "[port a]\ndriver = wire\n", 2);
    RUN(drivers, "[port a]\n", 1);
}

static void config__addresses_that_are_wrong__refused(void **state)
{
    static const struct row rows[] = {
        {"address = 10.0.0.1", STK_EINVAL, "1: [port a] address: '10.0.0.1' lacks a prefix length, as in 10.0.0.1/24"},
        {"address = 10.0.0.1/", STK_EINVAL, "1: [port a] address: '10.0.0.1/' has a malformed prefix length"},
        {"address = 10.0.0.1/x", STK_EINVAL, "1: [port a] address: '10.0.0.1/x' has a malformed prefix length"},
        {"address = 10.0.0.1/-1", STK_EINVAL, "1: [port a] address: '10.0.0.1/-1' has a malformed prefix length"},
        {"address = 10.0.0.1/0024", STK_EINVAL, "1: [port a] address: '10.0.0.1/0024' has a malformed prefix length"},
        {"address = 10.0.0.1/24/24", STK_EINVAL, "1: [port a] address: '10.0.0.1/24/24' has a malformed prefix length"},
        {"address = 10.0.0.1/33", STK_EINVAL, "1: [port a] address: '10.0.0.1/33' has a prefix length above 32"},
        {"address = fd00::1/129", STK_EINVAL, "1: [port a] address: 'fd00::1/129' has a prefix length above 128"},
        {"address = 10.0.0.1/0", STK_EINVAL, "1: [port a] address: '10.0.0.1/0' has a prefix length of 0"},
        {"address = 10.0.0.256/24", STK_EINVAL, "1: [port a] address: '10.0.0.256/24' is not an IPv4 or IPv6 address"},
        {"address = 10.0.0.01/24", STK_EINVAL, "1: [port a] address: '10.0.0.01/24' is not an IPv4 or IPv6 address"},
        {"address = 10.0.1/24", STK_EINVAL, "1: [port a] address: '10.0.1/24' is not an IPv4 or IPv6 address"},
        {"address = example.org/24", STK_EINVAL,
         "1: [port a] address: 'example.org/24' is not an IPv4 or IPv6 address"},
        {"address = fd00:::1/64", STK_EINVAL, "1: [port a] address: 'fd00:::1/64' is not an IPv4 or IPv6 address"},
        {"address = fe80::1%eth0/64", STK_EINVAL,
         "1: [port a] address: 'fe80::1%eth0/64' is not an IPv4 or IPv6 address"},
        {"address = 10.0.0.1/24, 10.0.0.2/24", STK_EINVAL,
         "1: [port a] address: '10.0.0.1/24, 10.0.0.2/24' has a malformed prefix length"},
        {"address = 0.0.0.0/8", STK_EINVAL, "1: [port a] address: '0.0.0.0/8' is in 0.0.0.0/8, which no host has"},
        {"address = 127.0.0.2/8", STK_EINVAL,
         "1: [port a] address: '127.0.0.2/8' is a loopback address; each instance has those by itself"},
        {"address = ::1/128", STK_EINVAL,
         "1: [port a] address: '::1/128' is a loopback address; each instance has those by itself"},
        {"address = ::/64", STK_EINVAL, "1: [port a] address: '::/64' is the unspecified address"},
        {"address = 239.1.1.1/24", STK_EINVAL, "1: [port a] address: '239.1.1.1/24' is a multicast address"},
        {"address = ff02::1/64", STK_EINVAL, "1: [port a] address: 'ff02::1/64' is a multicast address"},
        {"address = 255.255.255.255/32", STK_EINVAL,
         "1: [port a] address: '255.255.255.255/32' is in 240.0.0.0/4, which no host has"},
        {"address = ::ffff:10.0.0.1/96", STK_EINVAL,
         "1: [port a] address: '::ffff:10.0.0.1/96' is an IPv4-mapped address"},
        {"address = 10.0.0.0/24", STK_EINVAL,
         "1: [port a] address: '10.0.0.0/24' is the network's own address, not a host's"},
        {"address = 10.0.0.255/24", STK_EINVAL,
         "1: [port a] address: '10.0.0.255/24' is the network's broadcast address"},
        {"address = 10.0.0.1/24\n  10.0.0.2/24\n  10.0.0.300/24", STK_EINVAL,
         "3: [port a] address: '10.0.0.300/24' is not an IPv4 or IPv6 address"},
        {"address = 10.0.0.1/24\n\n# c\n  mtu = 1500", STK_EINVAL,
         "4: [port a] address: the indented line continues this key, but looks like another; keys begin in the first column"},
        {"address = 10.0.0.1/24\naddress = 10.0.0.1/16", STK_EINVAL,
         "2: [port a] address: 10.0.0.1 given twice; first in [port a] on line 3"},
        {"address = 10.0.0.1/24\n[port b]\ndriver = wire\naddress = 10.0.0.1/24", STK_EINVAL,
         "4: [port b] address: 10.0.0.1 given twice; first in [port a] on line 3"},
        {"address = fd00::1/64\n[port b]\ndriver = wire\ninstance = 1\naddress = fd00:0::01/64", STK_EINVAL,
         "5: [port b] address: fd00::1 given twice; first in [port a] on line 3"},
        {"address = fe80::1/64\naddress = fe80::1/64", STK_EINVAL,
         "2: [port a] address: fe80::1 given twice; first in [port a] on line 3"},
        {"index = 5\n[port b]\ndriver = wire\nindex = 5", STK_EINVAL,
         "4: [port b] index: 5 is the index of [port a] already, line 3"},
        {"[port b]\ndriver = wire\ninstance = 2", STK_EINVAL,
         "3: [port b] instance: instances are numbered from 0 without gaps, but no port belongs to instance 1"},
    };
    (void)state;
    RUN(rows, "[port a]\ndriver = wire\n", 2);
}

static void config__routes_that_are_wrong__refused(void **state)
{
#define FORMS "is not PREFIX via GATEWAY, default via GATEWAY or PREFIX on-link"
    static const struct row rows[] = {
        {"route = via 10.0.0.254", STK_EINVAL, "1: [port a] route: 'via 10.0.0.254' " FORMS},
        {"route = 10.1.0.0/16 10.0.0.254", STK_EINVAL, "1: [port a] route: '10.1.0.0/16 10.0.0.254' " FORMS},
        {"route = 10.1.0.0/16 via", STK_EINVAL, "1: [port a] route: '10.1.0.0/16 via' " FORMS},
        {"route = 10.1.0.0/16 by 10.0.0.254", STK_EINVAL, "1: [port a] route: '10.1.0.0/16 by 10.0.0.254' " FORMS},
        {"route = 10.1.0.0/16 via 10.0.0.254 metric 5", STK_EINVAL,
         "1: [port a] route: '10.1.0.0/16 via 10.0.0.254 metric 5' " FORMS},
        {"route = default", STK_EINVAL, "1: [port a] route: default needs a gateway: default via ADDRESS"},
        {"route = default on-link", STK_EINVAL, "1: [port a] route: default needs a gateway: default via ADDRESS"},
        {"route = 10.1.0.0 via 10.0.0.254", STK_EINVAL,
         "1: [port a] route: '10.1.0.0' lacks a prefix length, as in 10.0.0.1/24"},
        {"route = 10.1.0.1/16 via 10.0.0.254", STK_EINVAL,
         "1: [port a] route: '10.1.0.1/16' has bits set behind its prefix"},
        {"route = fd01::1/64 on-link", STK_EINVAL, "1: [port a] route: 'fd01::1/64' has bits set behind its prefix"},
        {"route = default via 10.0.0.256", STK_EINVAL,
         "1: [port a] route: gateway '10.0.0.256' is not an IPv4 or IPv6 address"},
        {"route = default via 0.0.0.0", STK_EINVAL,
         "1: [port a] route: gateway '0.0.0.0' is in 0.0.0.0/8, which no host has"},
        {"route = default via 224.0.0.1", STK_EINVAL, "1: [port a] route: gateway '224.0.0.1' is a multicast address"},
        {"route = 10.1.0.0/16 via fd00::fe", STK_EINVAL,
         "1: [port a] route: gateway 'fd00::fe' is of another family than the destination"},
        {"route = default via 10.0.1.254", STK_EINVAL,
         "1: [port a] route: gateway 10.0.1.254 is not on the port's link"},
        {"route = default via fd01::fe", STK_EINVAL, "1: [port a] route: gateway fd01::fe is not on the port's link"},
        {"route = 10.1.0.0/16 via 10.0.0.254\nroute = default via 10.1.0.1", STK_EINVAL,
         "2: [port a] route: gateway 10.1.0.1 is not on the port's link"},
        {"route = default via 10.0.0.1", STK_EINVAL, "1: [port a] route: gateway 10.0.0.1 is an address of this port"},
        {"route = default via 10.0.0.253\nroute = default via 10.0.0.254", STK_EINVAL,
         "2: [port a] route: 0.0.0.0/0 given twice; first in [port a] on line 5"},
        {"route = fd09::/16\n[port b]\ndriver = wire\nroute = fd09::/16 via fe80::1", STK_EINVAL,
         "4: [port b] route: fd09::/16 given twice; first in [port a] on line 5"},
        {"neighbour = 10.0.0.9", STK_EINVAL, "1: [port a] neighbour: '10.0.0.9' is not ADDRESS MAC"},
        {"neighbour = 10.0.0.9 02:00:00:00:00:09 x", STK_EINVAL,
         "1: [port a] neighbour: '10.0.0.9 02:00:00:00:00:09 x' is not ADDRESS MAC"},
        {"neighbour = 10.0.0.9/24 02:00:00:00:00:09", STK_EINVAL,
         "1: [port a] neighbour: '10.0.0.9/24' is not an IPv4 or IPv6 address"},
        {"neighbour = 10.0.0.9 02:00:00:00:00", STK_EINVAL,
         "1: [port a] neighbour: '02:00:00:00:00' is not a MAC address like 02:00:00:00:00:01"},
        {"neighbour = 10.0.0.9 ff:ff:ff:ff:ff:ff", STK_EINVAL,
         "1: [port a] neighbour: 'ff:ff:ff:ff:ff:ff' is not a unicast MAC address"},
        {"neighbour = 224.0.0.9 02:00:00:00:00:09", STK_EINVAL,
         "1: [port a] neighbour: '224.0.0.9' is a multicast address"},
        {"neighbour = 10.0.5.9 02:00:00:00:00:09", STK_EINVAL,
         "1: [port a] neighbour: 10.0.5.9 is not on the port's link"},
        {"neighbour = 10.0.0.1 02:00:00:00:00:09", STK_EINVAL,
         "1: [port a] neighbour: 10.0.0.1 is an address of this port"},
        {"neighbour = 10.0.0.9 02:00:00:00:00:09\n  10.0.0.9 02:00:00:00:00:0a", STK_EINVAL,
         "2: [port a] neighbour: 10.0.0.9 given twice; first on line 5"},
    };
    (void)state;
    RUN(rows, "[port a]\ndriver = wire\naddress = 10.0.0.1/24\naddress = fd00::1/64\n", 4);
}

/* One line of a list, printed with a number in it. */
struct crowd {
    const char *before;
    const char *line;
    unsigned count;
    const char *message;
};

static void config__one_more_than_there_is_room_for__refused(void **state)
{
    static const struct crowd rows[] = {
        {"", "[port p%u]\ndriver = wire\n", 17, "t.ini:33: [port p16]: too many ports; at most 16"},
        {"[port a]\ndriver = wire\n", "address = 10.%u.0.1/16\n", 17,
         "t.ini:19: [port a] address: too many addresses; at most 16 a port"},
        {"[port a]\ndriver = wire\n", "route = 10.%u.0.0/16\n", 33,
         "t.ini:35: [port a] route: too many routes; at most 32 a port"},
        {"[port a]\ndriver = wire\naddress = 10.0.1.1/8\n", "neighbour = 10.0.0.%u 02:00:00:00:00:01\n", 33,
         "t.ini:36: [port a] neighbour: too many neighbours; at most 32 a port"},
        {"[port a]\ndriver = wire\n", "wire.k%u = v\n", 49,
         "t.ini:51: [port a] wire.k48: too many keys of the driver; at most 48"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static char text[8192];
        struct t_parsed parsed;
        size_t used = (size_t)snprintf(text, sizeof(text), "%s", rows[i].before);
        for (unsigned j = 0; j < rows[i].count; j++) {
            char number[16];
            const char *mark = strstr(rows[i].line, "%u");
            assert_non_null(mark);
            (void)snprintf(number, sizeof(number), "%u", j);
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s%s%s", (int)(mark - rows[i].line),
                                     rows[i].line, number, mark + 2);
        }
        t_parse(text, &parsed);
        assert_int_equal(parsed.result, STK_EINVAL);
        assert_string_equal(parsed.error, rows[i].message);
        t_parsed_free(&parsed);
    }
}

/* The library's buffer is shorter than these lines; it would split them without a word. */
static void config__lines_too_long__refused_and_never_split(void **state)
{
    static const size_t lens[] = {199, 200, 201, 255, 397, 398, 399, 400, 1000, 65536};
    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (int kind = 0; kind < 3; kind++) {
            char *text = malloc(lens[i] + 64);
            char expected[128];
            struct t_parsed parsed;
            assert_non_null(text);
            size_t used = (size_t)sprintf(text, "[engine]\nspin = 1us\n");
            memset(text + used, kind == 0 ? '#' : kind == 1 ? 'k' : ' ', lens[i]);
            memcpy(text + used + lens[i], "\nspin = 2us\n", sizeof("\nspin = 2us\n"));
            t_parse(text, &parsed);
            (void)snprintf(expected, sizeof(expected), "t.ini:3: [engine]: line of %zu bytes; at most 198 are allowed",
                           lens[i]);
            assert_int_equal(parsed.result, STK_EPROTO);
            assert_string_equal(parsed.error, expected);
            t_parsed_free(&parsed);
            free(text);
        }
    }
}

static void config__two_faults__the_first_line_is_named(void **state)
{
    static const struct row rows[] = {
        {"[engine]\nspin = x1\nnonsense\n", STK_EINVAL,
         "2: [engine] spin: 'x1' is neither a duration nor endless nor adaptive"},
        {"[engine]\nnonsense\nspin = x1\n", STK_EPROTO, "2: [engine]: neither [section] nor 'key = value'"},
        {"[engine]\n[engin]\nspin = x1\n[\n", STK_EPROTO, "2: [engin]: unknown section; did you mean [engine]?"},
        {"[port a]\nmtu = 1\n[port a]\n", STK_EINVAL, "2: [port a] mtu: '1' is out of range 576..9000"},
    };
    (void)state;
    RUN(rows, "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config__not_ini__refused_with_line),
        cmocka_unit_test(config__sections_that_are_wrong__refused),
        cmocka_unit_test(config__engine_values_that_are_wrong__refused),
        cmocka_unit_test(config__port_values_that_are_wrong__refused),
        cmocka_unit_test(config__addresses_that_are_wrong__refused),
        cmocka_unit_test(config__routes_that_are_wrong__refused),
        cmocka_unit_test(config__one_more_than_there_is_room_for__refused),
        cmocka_unit_test(config__lines_too_long__refused_and_never_split),
        cmocka_unit_test(config__two_faults__the_first_line_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

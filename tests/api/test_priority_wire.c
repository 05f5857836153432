/*
 * What api_priority left on the wire, where its rules speak of the wire: the frames of its capture, by filters of libpcap. Ports are
 * those of t_wire.h: 40000 and ten times the number of the rule.
 */
#include <pcap/pcap.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static const char *capture;

/* The number of recorded frames that a filter takes. */
static unsigned frames(const char *filter)
{
    char error[PCAP_ERRBUF_SIZE];
    struct bpf_program program;
    struct pcap_pkthdr *header;
    const u_char *bytes;
    unsigned count = 0;
    pcap_t *file = pcap_open_offline(capture, error);
    if (file == NULL) {
        fail_msg("%s", error);
        return 0;
    }
    if (pcap_compile(file, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        fail_msg("%s: %s", filter, pcap_geterr(file));
    }
    while (pcap_next_ex(file, &header, &bytes) == 1) {
        count += pcap_offline_filter(&program, header, bytes) != 0;
    }
    pcap_freecode(&program);
    pcap_close(file);
    return count;
}

#define SYN "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"
#define SYNACK "tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)"
#define FIN "tcp[tcpflags] & tcp-fin != 0"
#define RST "tcp[tcpflags] & tcp-rst != 0"

static void f01__refused__syn_and_reset(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp dst port 40010 and " SYN), 1);
    assert_int_equal(frames("tcp src port 40010 and " SYNACK), 1);
    assert_true(frames("tcp dst port 40013 and " SYN) >= 1);
    assert_int_equal(frames("tcp src port 40013 and " RST), frames("tcp dst port 40013 and " SYN));
    assert_int_equal(frames("tcp src port 40013 and " SYNACK), 0);
}

static void f02__no_neighbour__arp_alone(void **state)
{
    (void)state;
    assert_true(frames("arp host 10.88.0.77") >= 1);
    assert_int_equal(frames("tcp and host 10.88.0.77"), 0);
    assert_int_equal(frames("host 0.0.0.0 and tcp"), 0);
}

static void f10__rejected__after_or_before_the_handshake(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp src port 40100 and dst port 40101 and " SYNACK), 1);
    assert_true(frames("tcp src port 40100 and dst port 40101 and " RST) >= 1);
    /* With SO_CONDITIONAL_ACCEPT a rejected client never sees an acknowledged SYN. */
    assert_int_equal(frames("tcp src port 40105 and dst port 40106 and " SYNACK), 0);
    assert_true(frames("tcp src port 40105 and dst port 40106 and " RST) >= 1);
    assert_int_equal(frames("tcp src port 40105 and dst port 40107 and " SYNACK), 1);
}

static void f11__full_queue__reset(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp src port 40110 and " SYNACK), 2);
    assert_true(frames("tcp src port 40110 and dst port 40113 and " RST) >= 1);
}

static void f12__shutdown__fin_or_reset(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp src port 40121 and " FIN), 1);
    assert_int_equal(frames("tcp port 40120 and " RST), 0);
    assert_true(frames("tcp src port 40125 and " RST) >= 1);
    assert_int_equal(frames("tcp src port 40125 and " FIN), 0);
}

static void f13__linger__fin_or_reset(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp src port 40131 and " FIN), 1);
    assert_int_equal(frames("tcp port 40130 and " RST), 0);
    assert_int_equal(frames("tcp src port 40133 and " RST), 1);
    assert_int_equal(frames("tcp src port 40133 and " FIN), 0);
    assert_int_equal(frames("tcp src port 40135 and " FIN), 1);
}

static void f14__graceful_close__a_fin_each_way(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp src port 40141 and " FIN), 1);
    assert_int_equal(frames("tcp src port 40140 and " FIN), 1);
    assert_int_equal(frames("tcp port 40140 and " RST), 0);
}

static void f21__empty_datagram__is_sent(void **state)
{
    (void)state;
    assert_int_equal(frames("udp dst port 40210"), 3);
    assert_int_equal(frames("udp dst port 40210 and udp[4:2] == 8"), 1);
}

/* The pointer is behind the urgent byte, as BSD has it: "abc!" sent together or apart, it points behind the "!". */
static void f25__urgent_data__flag_and_pointer(void **state)
{
    (void)state;
    assert_true(frames("tcp src port 40251 and tcp[tcpflags] & tcp-urg != 0") >= 1);
    assert_int_equal(frames("tcp src port 40251 and tcp[tcpflags] & tcp-urg != 0 and tcp[18:2] == 0"), 0);
    assert_int_equal(frames("tcp src port 40250 and tcp[tcpflags] & tcp-urg != 0"), 0);
}

static void f28__broadcast_and_multicast__as_frames(void **state)
{
    (void)state;
    assert_int_equal(frames("udp dst port 40280 and ether broadcast"), 1);
    assert_int_equal(frames("udp dst port 40280 and ether dst 01:00:5e:1c:00:01"), 1);
    assert_int_equal(frames("igmp and host 239.28.0.1"), 0);
}

static void f30__unreachable__icmp(void **state)
{
    (void)state;
    assert_int_equal(frames("udp dst port 40300 and src host 10.88.0.1"), 2);
    assert_int_equal(frames("icmp[0] == 3 and icmp[1] == 3 and icmp[30:2] == 40300"), 2);
}

/* 38: the buffer follows the handshake; who is refused tries again by the same socket. */
static void f38__connectex__data_behind_the_handshake(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp dst port 40380 and " SYN), 1);
    assert_int_equal(frames("tcp dst port 40380 and " SYN " and ip[2:2] > 60"), 0);
    assert_int_equal(frames("tcp src port 40381 and dst port 40380 and ip[2:2] - 20 - (tcp[12] >> 4) * 4 = 13"), 1);
    assert_true(frames("tcp src port 40383 and dst port 40381 and " RST) >= 1);
}

/* 39: DisconnectEx is a FIN of each side and no reset. */
static void f39__reuse__fins_and_no_reset(void **state)
{
    (void)state;
    assert_int_equal(frames("tcp dst port 40390 and " SYN), 2);
    assert_int_equal(frames("tcp dst port 40391 and " FIN), 1);
    assert_int_equal(frames("tcp dst port 40392 and " FIN), 1);
    assert_int_equal(frames("tcp src port 40391 and " FIN), 1);
    assert_int_equal(frames("tcp src port 40392 and " FIN), 1);
    assert_int_equal(frames("tcp port 40390 and " RST), 0);
}

static void f41__multicast__ttl_and_reports(void **state)
{
    (void)state;
    assert_int_equal(frames("udp dst port 40410 and dst host 239.41.0.1"), 2); /* that of TTL 0 stayed */
    assert_int_equal(frames("udp dst port 40410 and ip[8] != 1"), 0);
    assert_true(frames("igmp and src host 10.88.0.2") >= 2); /* joined, left */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f01__refused__syn_and_reset),
        cmocka_unit_test(f02__no_neighbour__arp_alone),
        cmocka_unit_test(f10__rejected__after_or_before_the_handshake),
        cmocka_unit_test(f11__full_queue__reset),
        cmocka_unit_test(f12__shutdown__fin_or_reset),
        cmocka_unit_test(f13__linger__fin_or_reset),
        cmocka_unit_test(f14__graceful_close__a_fin_each_way),
        cmocka_unit_test(f21__empty_datagram__is_sent),
        cmocka_unit_test(f25__urgent_data__flag_and_pointer),
        cmocka_unit_test(f28__broadcast_and_multicast__as_frames),
        cmocka_unit_test(f30__unreachable__icmp),
        cmocka_unit_test(f38__connectex__data_behind_the_handshake),
        cmocka_unit_test(f39__reuse__fins_and_no_reset),
        cmocka_unit_test(f41__multicast__ttl_and_reports),
    };
    if (argc != 2) {
        printf("usage: %s CAPTURE\n", argv[0]);
        return 1;
    }
    capture = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}

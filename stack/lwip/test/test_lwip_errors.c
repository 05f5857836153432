/* Errors of packets sent: ICMP from the wire, neighbours that do not answer. */
#include "sim_host.h"

#include "stack/clock.h"
#include "stack/err.h"

#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct heard {
    uint32_t count;
    struct stk_inst_net_error last;
};

static void hear(void *ctx, const struct stk_inst_net_error *error)
{
    struct heard *heard = ctx;
    heard->count++;
    heard->last = *error;
}

static const struct stk_inst_events events = {.net_error = hear};

static struct udp_pcb *udp_send_one(struct sim_host *host, const ip_addr_t *to, uint16_t port)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct udp_pcb *pcb = udp_new_ip_type(IP_GET_TYPE(to));
    assert_non_null(pcb);
    assert_int_equal(udp_bind(pcb, IP_IS_V6(to) ? IP6_ADDR_ANY : IP4_ADDR_ANY, 5000), ERR_OK);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 20, PBUF_RAM);
    assert_non_null(p);
    memset(p->payload, 0x5a, 20);
    assert_int_equal(udp_sendto(pcb, p, to, port), ERR_OK);
    pbuf_free(p);
    stk_inst_leave(scope);
    return pcb;
}

static void udp_end(struct sim_host *host, struct udp_pcb *pcb)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    udp_remove(pcb);
    stk_inst_leave(scope);
}

static void udp_port_unreachable(bool over_ip6)
{
    struct sim_pair pair;
    struct heard heard = {0};
    sim_pair_open(&pair, NULL);
    struct sim_host *a = &pair.hosts[0];
    stk_inst_events_set(a->inst, &events, &heard);
    struct udp_pcb *pcb = udp_send_one(a, over_ip6 ? &pair.hosts[1].ip6 : &pair.hosts[1].ip4, 9999);
    sim_pair_run(&pair, STK_S_NS);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.proto, IP_PROTO_UDP);
    assert_int_equal(heard.last.err, STK_ECONNRESET);
    assert_ptr_equal(heard.last.pcb, pcb);
    assert_int_equal(heard.last.local_addr.port, 5000);
    assert_int_equal(heard.last.remote_addr.port, 9999);
    assert_int_equal(heard.last.remote_addr.ip[over_ip6 ? 15 : 3], 2);
    assert_false(heard.last.local);
    udp_end(a, pcb);
    sim_pair_close(&pair);
}

static void udp__closed_port_ip4__reported(void **state)
{
    (void)state;
    udp_port_unreachable(false);
}

static void udp__closed_port_ip6__reported(void **state)
{
    (void)state;
    udp_port_unreachable(true);
}

/* An ICMPv4 destination unreachable from host b about a TCP segment of a, as a whole frame. */
static uint32_t icmp_about_tcp(const struct sim_pair *pair, uint8_t code, uint16_t from, uint16_t to, uint32_t seq,
                               uint8_t *frame)
{
    uint8_t *ip = frame + 14;
    uint8_t *icmp = ip + 20;
    uint8_t *quote = icmp + 8;
    memset(frame, 0, 14 + 20 + 8 + 28);
    memcpy(frame, pair->hosts[0].mac, 6);
    memcpy(frame + 6, pair->hosts[1].mac, 6);
    frame[12] = 0x08;
    ip[0] = 0x45;
    ip[3] = 20 + 8 + 28;
    ip[8] = 64;
    ip[9] = IP_PROTO_ICMP;
    memcpy(ip + 12, &ip_2_ip4(&pair->hosts[1].ip4)->addr, 4);
    memcpy(ip + 16, &ip_2_ip4(&pair->hosts[0].ip4)->addr, 4);
    uint16_t sum = inet_chksum(ip, 20);
    memcpy(ip + 10, &sum, 2);
    icmp[0] = 3;
    icmp[1] = code;
    quote[0] = 0x45;
    quote[2] = code == 4 ? 4 : 0; /* only of a large packet is it believed that it was too large */
    quote[3] = 40;
    quote[9] = IP_PROTO_TCP;
    memcpy(quote + 12, ip + 16, 4);
    memcpy(quote + 16, ip + 12, 4);
    quote[20] = (uint8_t)(from >> 8);
    quote[21] = (uint8_t)from;
    quote[22] = (uint8_t)(to >> 8);
    quote[23] = (uint8_t)to;
    for (int i = 0; i < 4; i++)
        quote[24 + i] = (uint8_t)(seq >> (24 - 8 * i));
    sum = inet_chksum(icmp, 8 + 28);
    memcpy(icmp + 2, &sum, 2);
    return 14 + 20 + 8 + 28;
}

static bool lose_syn(const uint8_t *frame, uint32_t len)
{
    return len >= 54 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IP_PROTO_TCP;
}

static void tcp__unreachable_in_syn_sent__hard_and_sequence_checked(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct heard heard = {0};
    uint8_t frame[128];
    sim_pair_open(&pair, NULL);
    pair.lose = lose_syn;
    struct sim_host *a = &pair.hosts[0];
    stk_inst_events_set(a->inst, &events, &heard);
    struct stk_inst_scope scope = stk_inst_enter(a->inst);
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_connect(pcb, &pair.hosts[1].ip4, 80, NULL), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(&pair, 50 * STK_MS_NS);
    uint32_t seq = pcb->lastack + 1;

    uint32_t len = icmp_about_tcp(&pair, 1, pcb->local_port, 80, seq + 5000, frame);
    sim_host_inject(a, frame, len);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(heard.count, 0); /* not a sequence number in flight */

    len = icmp_about_tcp(&pair, 1, (uint16_t)(pcb->local_port ^ 1), 80, seq, frame);
    sim_host_inject(a, frame, len);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(heard.count, 0); /* not this connection */

    len = icmp_about_tcp(&pair, 1, pcb->local_port, 80, seq, frame);
    frame[len - 1] ^= 1; /* the ICMP checksum is wrong now */
    sim_host_inject(a, frame, len);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(heard.count, 0);

    frame[len - 1] ^= 1;
    sim_host_inject(a, frame, len);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.err, STK_EHOSTUNREACH);
    assert_true(heard.last.hard);
    assert_ptr_equal(heard.last.pcb, pcb);

    len = icmp_about_tcp(&pair, 4, pcb->local_port, 80, seq, frame);
    sim_host_inject(a, frame, len);
    sim_pair_run(&pair, STK_MS_NS);
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.last.err, STK_EMSGSIZE);
    assert_false(heard.last.hard);

    scope = stk_inst_enter(a->inst);
    tcp_abort(pcb);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void icmp__cut_at_every_length__nothing_breaks(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct heard heard = {0};
    uint8_t frame[128];
    sim_pair_open(&pair, NULL);
    struct sim_host *a = &pair.hosts[0];
    stk_inst_events_set(a->inst, &events, &heard);
    uint32_t whole = icmp_about_tcp(&pair, 1, 50000, 80, 1, frame);
    for (uint32_t len = 0; len <= whole; len++) {
        sim_host_inject(a, frame, len);
        sim_pair_run(&pair, STK_MS_NS);
    }
    assert_int_equal(heard.count, 0);
    sim_pair_close(&pair);
}

static void neighbour(bool over_ip6)
{
    struct sim_pair pair;
    struct heard heard = {0};
    ip_addr_t nobody;
    sim_pair_open(&pair, NULL);
    struct sim_host *a = &pair.hosts[0];
    stk_inst_events_set(a->inst, &events, &heard);
    if (over_ip6)
        IP_ADDR6(&nobody, lwip_htonl(0xfd000009), 0, 0, lwip_htonl(0x77));
    else
        IP_ADDR4(&nobody, 10, 9, 0, 77);
    struct udp_pcb *pcb = udp_send_one(a, &nobody, 9);
    struct stk_inst_scope scope = stk_inst_enter(a->inst);
    struct tcp_pcb *tcp = tcp_new_ip_type(IP_GET_TYPE(&nobody));
    assert_int_equal(tcp_connect(tcp, &nobody, 80, NULL), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(&pair, 8 * STK_S_NS);
    assert_true(heard.count >= 2);
    assert_true(heard.last.local);
    assert_true(heard.last.hard);
    assert_int_equal(heard.last.err, STK_EHOSTUNREACH);
    assert_ptr_equal(heard.last.pcb, tcp);
    scope = stk_inst_enter(a->inst);
    tcp_abort(tcp);
    stk_inst_leave(scope);
    udp_end(a, pcb);
    sim_pair_run(&pair, 10 * STK_S_NS);
    sim_pair_close(&pair);
}

static void neighbour__no_arp_answer__host_unreachable(void **state)
{
    (void)state;
    neighbour(false);
}

static void neighbour__no_nd_answer__host_unreachable(void **state)
{
    (void)state;
    neighbour(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp__closed_port_ip4__reported),
        cmocka_unit_test(udp__closed_port_ip6__reported),
        cmocka_unit_test(tcp__unreachable_in_syn_sent__hard_and_sequence_checked),
        cmocka_unit_test(icmp__cut_at_every_length__nothing_breaks),
        cmocka_unit_test(neighbour__no_arp_answer__host_unreachable),
        cmocka_unit_test(neighbour__no_nd_answer__host_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

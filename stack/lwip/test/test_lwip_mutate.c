/*
 * Nothing that comes from the wire breaks an invariant: traffic of all kinds with bytes changed, frames cut, and all
 * checksum checks off, so that the changes get everywhere. lwIP's assertions are on in debug builds. A failure prints
 * its seed; seeds may be given as arguments.
 */
#include "sim_host.h"

#include "stk_lwip_hooks.h"

#include "stack/clock.h"
#include "stack/fd.h"

#include "lwip/icmp.h"
#include "lwip/igmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/mld6.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEDS 20u

static uint64_t seed_now;

struct mutator {
    uint64_t state;
};

static uint32_t mutator_next(struct mutator *m)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return (uint32_t)(m->state >> 16);
}

/* Mostly headers, where it hurts: the first 100 bytes behind the Ethernet addresses. */
static void mutate(void *ctx, uint8_t *frame, uint32_t *len)
{
    struct mutator *m = ctx;
    if (mutator_next(m) % 3 != 0)
        return;
    uint32_t changes = 1 + mutator_next(m) % 3;
    for (uint32_t i = 0; i < changes; i++) {
        uint32_t span = *len < 112 ? *len : 112;
        if (span <= 12)
            return;
        uint32_t at = 12 + mutator_next(m) % (span - 12);
        static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
        uint32_t how = mutator_next(m);
        if (how % 4 == 0)
            frame[at] = values[(how >> 8) % sizeof(values)];
        else if (how % 4 == 1)
            frame[at] ^= (uint8_t)(1u << (how >> 8) % 8);
        else
            frame[at] = (uint8_t)(how >> 8);
    }
    if (mutator_next(m) % 10 == 0)
        *len = mutator_next(m) % (*len + 1);
}

static err_t stream_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    if (p == NULL) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    static const uint8_t more[700];
    tcp_write(pcb, more, sizeof(more), TCP_WRITE_FLAG_COPY);
    return ERR_OK;
}

static void pcb_gone(void *arg, err_t err)
{
    (void)err;
    struct tcp_pcb **slot = arg;
    if (slot != NULL)
        *slot = NULL;
}

static err_t stream_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || pcb == NULL)
        return ERR_VAL;
    tcp_recv(pcb, stream_recv);
    return ERR_OK;
}

static err_t stream_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    static const uint8_t data[3000];
    (void)arg;
    (void)err;
    tcp_recv(pcb, stream_recv);
    tcp_write(pcb, data, sizeof(data), TCP_WRITE_FLAG_COPY);
    return ERR_OK;
}

static void udp_got(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    pbuf_free(p); /* no echo: a mutated source address would make two echo services talk for ever */
}

static u8_t raw_got(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    (void)arg;
    (void)pcb;
    (void)p;
    (void)from;
    return 0;
}

struct party {
    struct tcp_pcb *listener;
    struct tcp_pcb *streams[2];
    struct udp_pcb *udp;
    struct raw_pcb *raw[2];
};

static void party_open(struct sim_host *host, struct party *party)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    host->netif.chksum_flags &= (u16_t) ~(NETIF_CHECKSUM_CHECK_IP | NETIF_CHECKSUM_CHECK_UDP |
                                          NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_ICMP |
                                          NETIF_CHECKSUM_CHECK_ICMP6);
    party->listener = tcp_new_ip_type(IPADDR_TYPE_ANY);
    tcp_bind(party->listener, IP_ANY_TYPE, 80);
    party->listener = tcp_listen(party->listener);
    tcp_accept(party->listener, stream_accept);
    party->udp = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(party->udp, IP_ANY_TYPE, 7);
    udp_recv(party->udp, udp_got, NULL);
    party->raw[0] = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
    party->raw[1] = raw_new_ip_type(IPADDR_TYPE_V6, 58);
    raw_recv(party->raw[0], raw_got, NULL);
    raw_recv(party->raw[1], raw_got, NULL);
    ip4_addr_t group;
    IP4_ADDR(&group, 239, 9, 9, 9);
    (void)igmp_joingroup_netif(&host->netif, &group);
    stk_inst_leave(scope);
}

static void party_talk(struct sim_host *host, struct party *party, struct mutator *mutator)
{
    static const uint16_t sizes[] = {20, 1472, 5000};
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    for (int i = 0; i < 2; i++) {
        const ip_addr_t *to = i == 0 ? &host->peer->ip4 : &host->peer->ip6;
        if (party->streams[i] == NULL && (party->streams[i] = tcp_new_ip_type(IP_GET_TYPE(to))) != NULL) {
            tcp_arg(party->streams[i], &party->streams[i]);
            tcp_err(party->streams[i], pcb_gone);
            if (tcp_connect(party->streams[i], to, 80, stream_connected) != ERR_OK) {
                tcp_abort(party->streams[i]);
                party->streams[i] = NULL;
            }
        }
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizes[k], PBUF_RAM);
            if (p == NULL)
                continue;
            memset(p->payload, 8, p->len); /* as ICMP: an echo request */
            if (k == 0 && mutator_next(mutator) % 2 == 0)
                (void)raw_sendto(party->raw[i], p, to);
            else
                (void)udp_sendto(party->udp, p, to, k == 0 ? 9999 : 7);
            pbuf_free(p);
        }
    }
    stk_inst_leave(scope);
}

static void party_close(struct sim_host *host, struct party *party)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct tcp_pcb *pcb;
    stk_hook_tcp_wake_all();
    while ((pcb = tcp_active_pcbs) != NULL)
        tcp_abort(pcb);
    while ((pcb = tcp_bound_pcbs) != NULL)
        tcp_abort(pcb);
    while ((pcb = tcp_tw_pcbs) != NULL)
        tcp_abort(pcb);
    tcp_close(party->listener);
    udp_remove(party->udp);
    raw_remove(party->raw[0]);
    raw_remove(party->raw[1]);
    stk_inst_leave(scope);
}

static void seed_on_abort(int number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "seed %llu\n", (unsigned long long)seed_now);
    stk_fd_write(STDERR_FILENO, text, (size_t)len);
    signal(number, SIG_DFL);
    raise(number);
}

static void run_seed(uint64_t seed)
{
    struct sim_pair pair;
    struct party parties[2];
    struct mutator mutator = {.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    seed_now = seed;
    memset(parties, 0, sizeof(parties));
    sim_pair_open(&pair, NULL);
    party_open(&pair.hosts[0], &parties[0]);
    party_open(&pair.hosts[1], &parties[1]);
    party_talk(&pair.hosts[0], &parties[0], &mutator);
    sim_pair_run(&pair, 100 * STK_MS_NS);
    pair.mutate = mutate;
    pair.mutate_ctx = &mutator;
    for (int turn = 0; turn < 30; turn++) {
        party_talk(&pair.hosts[0], &parties[0], &mutator);
        party_talk(&pair.hosts[1], &parties[1], &mutator);
        sim_pair_run(&pair, 50 * STK_MS_NS);
    }
    pair.mutate = NULL;
    party_close(&pair.hosts[0], &parties[0]);
    party_close(&pair.hosts[1], &parties[1]);
    sim_pair_run(&pair, 100 * STK_S_NS); /* reassembly and neighbours give up what they hold */
    sim_pair_close(&pair);
}

static void wire__mutated_traffic__no_assertion_no_leak(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(wire__mutated_traffic__no_assertion_no_leak)};
    signal(SIGABRT, seed_on_abort);
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            run_seed(strtoull(argv[i], NULL, 10));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

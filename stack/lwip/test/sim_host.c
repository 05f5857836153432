#include "sim_host.h"

#include "stack/clock.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "netif/ethernet.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CABLE_NS 10000u

static uint64_t sim_now_ns(void *ctx)
{
    const struct sim_host *host = ctx;
    return host->pair->now_ns;
}

static void sim_random(void *ctx, void *buf, uint32_t len)
{
    struct sim_host *host = ctx;
    uint8_t *bytes = buf;
    for (uint32_t i = 0; i < len; i++) {
        uint64_t z = host->random_state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (uint8_t)(z >> 56);
    }
}

static const struct stk_inst_ops sim_ops = {.now_ns = sim_now_ns, .random = sim_random};

void sim_host_inject(struct sim_host *host, const uint8_t *bytes, uint32_t len)
{
    struct sim_frame *frame = malloc(sizeof(*frame) + len);
    assert_non_null(frame);
    frame->next = NULL;
    frame->due_ns = host->pair->now_ns + CABLE_NS;
    frame->len = len;
    memcpy(frame->bytes, bytes, len);
    *host->inbound_last = frame;
    host->inbound_last = &frame->next;
}

static err_t sim_linkoutput(struct netif *netif, struct pbuf *p)
{
    struct sim_host *host = netif->state;
    static uint8_t bytes[9100];
    assert_true(p->tot_len <= sizeof(bytes));
    uint32_t len = pbuf_copy_partial(p, bytes, p->tot_len, 0);
    if (host->pair->mutate != NULL)
        host->pair->mutate(host->pair->mutate_ctx, bytes, &len);
    if (host->pair->lose != NULL && host->pair->lose(bytes, len))
        return ERR_OK;
    sim_host_inject(host->peer, bytes, len);
    return ERR_OK;
}

static err_t sim_netif_init(struct netif *netif)
{
    const struct sim_host *host = netif->state;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = sim_linkoutput;
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    memcpy(netif->hwaddr, host->mac, 6);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6 |
                   NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void sim_host_open(struct sim_host *host, uint8_t number, const struct stk_lwip_limits *limits)
{
    const uint8_t mac[6] = {2, 0, 0, 0, 9, number};
    memcpy(host->mac, mac, 6);
    host->random_state = number;
    assert_int_equal(stk_inst_create(&sim_ops, host, limits, &host->inst), 0);
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    ip4_addr_t mask;
    ip4_addr_t none = {0};
    s8_t at;
    IP_ADDR4(&host->ip4, 10, 9, 0, number);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP_ADDR6(&host->ip6, lwip_htonl(0xfd000009), 0, 0, lwip_htonl(number));
    assert_non_null(netif_add(&host->netif, ip_2_ip4(&host->ip4), &mask, &none, host, sim_netif_init, netif_input));
    netif_set_up(&host->netif);
    netif_create_ip6_linklocal_address(&host->netif, 1);
    netif_ip6_addr_set_state(&host->netif, 0, IP6_ADDR_PREFERRED);
    assert_int_equal(netif_add_ip6_address(&host->netif, ip_2_ip6(&host->ip6), &at), ERR_OK);
    netif_ip6_addr_set_state(&host->netif, at, IP6_ADDR_PREFERRED);
    stk_inst_leave(scope);
}

void sim_pair_open(struct sim_pair *pair, const struct stk_lwip_limits *limits)
{
    memset(pair, 0, sizeof(*pair));
    pair->now_ns = 5 * STK_S_NS;
    for (uint8_t i = 0; i < 2; i++) {
        pair->hosts[i].pair = pair;
        pair->hosts[i].peer = &pair->hosts[1 - i];
        pair->hosts[i].inbound_last = &pair->hosts[i].inbound_first;
    }
    for (uint8_t i = 0; i < 2; i++)
        sim_host_open(&pair->hosts[i], (uint8_t)(i + 1), limits);
}

static void sim_host_close(struct sim_host *host)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    netif_set_down(&host->netif);
    netif_remove(&host->netif);
    stk_inst_leave(scope);
    const char *const pools[] = {"TCP_SEG",   "PBUF",    "REASSDATA", "IP6_REASSDATA", "FRAG_PBUF", "ARP_QUEUE",
                                 "ND6_QUEUE", "TCP_PCB", "UDP_PCB",   "RAW_PCB",       "HEAP"};
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        if (sim_pool(host, pools[i]).used != 0)
            fail_msg("pool %s still has %llu in use", pools[i], (unsigned long long)sim_pool(host, pools[i]).used);
    }
    stk_inst_destroy(host->inst);
    while (host->inbound_first != NULL) {
        struct sim_frame *frame = host->inbound_first;
        host->inbound_first = frame->next;
        free(frame);
    }
}

void sim_pair_close(struct sim_pair *pair)
{
    sim_host_close(&pair->hosts[0]);
    sim_host_close(&pair->hosts[1]);
    assert_null(stk_inst_current());
}

static void sim_host_deliver(struct sim_host *host)
{
    while (host->inbound_first != NULL && host->inbound_first->due_ns <= host->pair->now_ns) {
        struct sim_frame *frame = host->inbound_first;
        host->inbound_first = frame->next;
        if (host->inbound_first == NULL)
            host->inbound_last = &host->inbound_first;
        host->frames_in++;
        struct stk_inst_scope scope = stk_inst_enter(host->inst);
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)frame->len, PBUF_RAM);
        if (p != NULL) {
            pbuf_take(p, frame->bytes, (u16_t)frame->len);
            if (netif_input(p, &host->netif) != ERR_OK)
                pbuf_free(p);
        }
        stk_inst_leave(scope);
        free(frame);
    }
}

void sim_pair_run(struct sim_pair *pair, uint64_t for_ns)
{
    uint64_t end_ns = pair->now_ns + for_ns;
    for (;;) {
        uint64_t next_ns = end_ns;
        for (int i = 0; i < 2; i++) {
            sim_host_deliver(&pair->hosts[i]);
            stk_inst_run(pair->hosts[i].inst);
        }
        for (int i = 0; i < 2; i++) {
            struct sim_host *host = &pair->hosts[i];
            uint64_t timer_ns = stk_inst_next_timeout(host->inst);
            if (timer_ns < next_ns)
                next_ns = timer_ns;
            if (host->inbound_first != NULL && host->inbound_first->due_ns < next_ns)
                next_ns = host->inbound_first->due_ns;
        }
        if (pair->now_ns >= end_ns)
            return;
        pair->now_ns = next_ns > pair->now_ns ? next_ns : pair->now_ns + 1;
    }
}

struct stk_inst_pool_stats sim_pool(const struct sim_host *host, const char *name)
{
    struct stk_inst_pool_stats stats = {0};
    for (size_t i = 0; stk_inst_pool_stats_read(host->inst, i, &stats); i++) {
        if (strcmp(stats.name, name) == 0)
            return stats;
    }
    fail_msg("no pool %s", name);
    return stats;
}

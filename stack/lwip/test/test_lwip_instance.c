/* Instances: independence, handshake and data, sequence numbers, ports, limits. */
#include "sim_host.h"

#include "stack/clock.h"
#include "stack/err.h"

#include "stk_lwip_hooks.h"

#include "lwip/igmp.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRANSFER_BYTES 300000u

struct stream {
    struct tcp_pcb *pcb;
    uint32_t sent;
    uint32_t received;
    bool mismatch;
    bool eof;
    uint8_t seed;
};

static uint8_t stream_byte(uint8_t seed, uint32_t at)
{
    return (uint8_t)(at * 31u + at / 251u + seed);
}

static void stream_push(struct stream *s)
{
    uint8_t chunk[1000];
    while (s->sent < TRANSFER_BYTES && tcp_sndbuf(s->pcb) > sizeof(chunk)) {
        uint32_t left = TRANSFER_BYTES - s->sent;
        u16_t len = (u16_t)(left < sizeof(chunk) ? left : sizeof(chunk));
        for (uint32_t i = 0; i < len; i++)
            chunk[i] = stream_byte(s->seed, s->sent + i);
        if (tcp_write(s->pcb, chunk, len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        s->sent += len;
    }
    tcp_output(s->pcb);
}

static err_t stream_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)pcb;
    (void)len;
    stream_push(arg);
    return ERR_OK;
}

static err_t stream_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct stream *s = arg;
    (void)err;
    if (p == NULL) {
        s->eof = true;
        return ERR_OK;
    }
    uint8_t peer_seed = (uint8_t)(3 - s->seed);
    for (struct pbuf *q = p; q != NULL; q = q->next) {
        for (uint32_t i = 0; i < q->len; i++, s->received++)
            s->mismatch |= ((uint8_t *)q->payload)[i] != stream_byte(peer_seed, s->received);
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void stream_start(struct stream *s, struct tcp_pcb *pcb)
{
    s->pcb = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, stream_recv);
    tcp_sent(pcb, stream_sent);
    stream_push(s);
}

static err_t stream_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    assert_int_equal(err, ERR_OK);
    stream_start(arg, pcb);
    return ERR_OK;
}

static err_t stream_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    assert_int_equal(err, ERR_OK);
    stream_start(arg, pcb);
    return ERR_OK;
}

static struct tcp_pcb *listen_on(struct sim_host *host, uint16_t port, struct stream *s)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    assert_non_null(pcb);
    assert_int_equal(tcp_bind(pcb, IP_ANY_TYPE, port), ERR_OK);
    pcb = tcp_listen(pcb);
    assert_non_null(pcb);
    tcp_arg(pcb, s);
    tcp_accept(pcb, stream_accept);
    stk_inst_leave(scope);
    return pcb;
}

static struct tcp_pcb *connect_to(struct sim_host *host, const ip_addr_t *ip, uint16_t port, struct stream *s)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(ip));
    assert_non_null(pcb);
    tcp_arg(pcb, s);
    assert_int_equal(tcp_connect(pcb, ip, port, stream_connected), ERR_OK);
    stk_inst_leave(scope);
    return pcb;
}

static void end_pcb(struct sim_host *host, struct tcp_pcb *pcb, bool abort_it)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    if (abort_it)
        tcp_abort(pcb);
    else
        assert_int_equal(tcp_close(pcb), ERR_OK);
    stk_inst_leave(scope);
}

static void transfer(bool over_ip6)
{
    struct sim_pair pair;
    struct stream client = {.seed = 1};
    struct stream server = {.seed = 2};
    sim_pair_open(&pair, NULL);
    struct tcp_pcb *listener = listen_on(&pair.hosts[1], 80, &server);
    const ip_addr_t *to = over_ip6 ? &pair.hosts[1].ip6 : &pair.hosts[1].ip4;
    connect_to(&pair.hosts[0], to, 80, &client);
    sim_pair_run(&pair, 20 * STK_S_NS);
    assert_int_equal(client.received, TRANSFER_BYTES);
    assert_int_equal(server.received, TRANSFER_BYTES);
    assert_false(client.mismatch);
    assert_false(server.mismatch);
    assert_int_equal(client.pcb->mss, over_ip6 ? 1500 - 60 : 1500 - 40);
    end_pcb(&pair.hosts[0], client.pcb, false);
    sim_pair_run(&pair, STK_S_NS);
    assert_true(server.eof);
    end_pcb(&pair.hosts[1], server.pcb, false);
    sim_pair_run(&pair, STK_S_NS);
    assert_int_equal(sim_pool(&pair.hosts[0], "TIME_WAIT").used, 1);
    assert_int_equal(sim_pool(&pair.hosts[0], "TCP_PCB").used, 0);
    assert_int_equal(sim_pool(&pair.hosts[1], "TCP_PCB").used, 0);
    sim_pair_run(&pair, 31 * STK_S_NS);
    assert_int_equal(sim_pool(&pair.hosts[0], "TIME_WAIT").used, 0);
    end_pcb(&pair.hosts[1], listener, false);
    sim_pair_close(&pair);
}

static void tcp__ip4_both_ways__bytes_equal(void **state)
{
    (void)state;
    transfer(false);
}

static void tcp__ip6_both_ways__bytes_equal(void **state)
{
    (void)state;
    transfer(true);
}

static void instances__one_exhausted__other_untouched(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct stk_lwip_limits limits;
    struct tcp_pcb *pcbs[8];
    stk_lwip_limits_default(&limits);
    limits.tcp_conns = 8;
    limits.udp_endpoints = 3;
    limits.heap_bytes = 2u << 20;
    sim_pair_open(&pair, &limits);
    struct sim_host *a = &pair.hosts[0];
    struct sim_host *b = &pair.hosts[1];
    struct stk_inst_scope scope = stk_inst_enter(a->inst);
    for (int i = 0; i < 8; i++) {
        pcbs[i] = tcp_new();
        assert_non_null(pcbs[i]);
    }
    assert_null(tcp_new());
    struct stk_inst_scope inner = stk_inst_enter(b->inst);
    struct tcp_pcb *other = tcp_new();
    assert_non_null(other);
    tcp_abort(other);
    stk_inst_leave(inner);
    assert_ptr_equal(stk_inst_current(), a->inst);
    for (int i = 0; i < 8; i++)
        tcp_abort(pcbs[i]);
    stk_inst_leave(scope);
    assert_int_equal(sim_pool(a, "TCP_PCB").limit, 8);
    assert_int_equal(sim_pool(a, "TCP_PCB").high_water, 8);
    assert_true(sim_pool(a, "TCP_PCB").failed >= 1);
    assert_int_equal(sim_pool(a, "TCP_PCB").used, 0);
    assert_int_equal(sim_pool(b, "TCP_PCB").high_water, 1);
    assert_int_equal(sim_pool(b, "TCP_PCB").failed, 0);
    sim_pair_close(&pair);
}

static void heap__limit_reached__null_counted_and_reusable(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct stk_lwip_limits limits;
    static struct pbuf *held[512];
    int count = 0;
    stk_lwip_limits_default(&limits);
    limits.heap_bytes = 1u << 20;
    sim_pair_open(&pair, &limits);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    while (count < 512 && (held[count] = pbuf_alloc(PBUF_TRANSPORT, (u16_t)(100 + count * 90), PBUF_RAM)) != NULL)
        count++;
    assert_true(count > 20 && count < 512);
    assert_int_equal(sim_pool(&pair.hosts[0], "HEAP").failed, 1);
    for (int i = 0; i < count; i++) {
        memset(held[i]->payload, i, held[i]->len);
        if (i > 0)
            assert_int_equal(((uint8_t *)held[i - 1]->payload)[0], (uint8_t)(i - 1));
    }
    for (int i = 0; i < count; i++)
        pbuf_free(held[i]);
    assert_int_equal(sim_pool(&pair.hosts[0], "HEAP").used, 0);
    struct pbuf *big = pbuf_alloc(PBUF_TRANSPORT, 65400, PBUF_RAM);
    assert_non_null(big);
    pbuf_free(big);
    stk_inst_leave(scope);
    assert_true(sim_pool(&pair.hosts[0], "HEAP").high_water > 60000);
    assert_int_equal(sim_pool(&pair.hosts[1], "HEAP").failed, 0);
    sim_pair_close(&pair);
}

static void isn__tuple_and_time__differs_and_grows(void **state)
{
    (void)state;
    struct sim_pair pair;
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    const ip_addr_t *a = &pair.hosts[0].ip4;
    const ip_addr_t *b = &pair.hosts[1].ip4;
    u32_t first = stk_hook_tcp_isn(a, 50000, b, 80);
    assert_int_equal(first, stk_hook_tcp_isn(a, 50000, b, 80));
    assert_int_not_equal(first, stk_hook_tcp_isn(a, 50001, b, 80));
    assert_int_not_equal(first, stk_hook_tcp_isn(a, 50000, b, 81));
    assert_int_not_equal(first, stk_hook_tcp_isn(b, 50000, a, 80));
    pair.now_ns += 4 * STK_MS_NS;
    assert_int_equal(stk_hook_tcp_isn(a, 50000, b, 80) - first, 1000);
    struct stk_inst_scope inner = stk_inst_enter(pair.hosts[1].inst);
    assert_int_not_equal(first + 1000, stk_hook_tcp_isn(a, 50000, b, 80)); /* another secret */
    stk_inst_leave(inner);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void port__many_picks__in_range_unpredictable_unused(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct stk_lwip_limits limits;
    struct tcp_pcb *pcbs[11];
    bool seen[11] = {false};
    int ascending = 0;
    uint16_t before = 0;
    stk_lwip_limits_default(&limits);
    limits.port_first = 50000;
    limits.port_last = 50009;
    sim_pair_open(&pair, &limits);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    for (int i = 0; i < 10; i++) {
        pcbs[i] = tcp_new();
        assert_int_equal(tcp_bind(pcbs[i], IP4_ADDR_ANY, 0), ERR_OK);
        uint16_t port = pcbs[i]->local_port;
        assert_in_range(port, 50000, 50009);
        assert_false(seen[port - 50000]);
        seen[port - 50000] = true;
        ascending += port == before + 1;
        before = port;
    }
    assert_true(ascending < 8);
    pcbs[10] = tcp_new();
    assert_int_equal(tcp_bind(pcbs[10], IP4_ADDR_ANY, 0), ERR_BUF);
    uint16_t freed = pcbs[4]->local_port;
    tcp_abort(pcbs[4]);
    assert_int_equal(tcp_bind(pcbs[10], IP4_ADDR_ANY, 0), ERR_OK);
    assert_int_equal(pcbs[10]->local_port, freed);
    for (int i = 0; i < 11; i++) {
        if (i != 4)
            tcp_abort(pcbs[i]);
    }
    for (uint32_t port = 50000; port < 50010; port++)
        assert_int_equal(pair.hosts[0].inst->tcp_port_users[port], 0);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void port__same_destination__hash_offset_differs_by_peer(void **state)
{
    (void)state;
    struct sim_pair pair;
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    struct stk_addr local = {.family = STK_AF_INET, .ip = {10, 9, 0, 1}};
    struct stk_addr remote = {.family = STK_AF_INET, .port = 80, .ip = {10, 9, 0, 2}};
    uint16_t first = stk_lwip_port_pick(pair.hosts[0].inst, 6, &local, &remote);
    uint16_t second = stk_lwip_port_pick(pair.hosts[0].inst, 6, &local, &remote);
    assert_int_equal(second, first == 65535 ? 49152 : first + 1); /* algorithm 3: consecutive to one destination */
    remote.ip[3] = 3;
    uint16_t other = stk_lwip_port_pick(pair.hosts[0].inst, 6, &local, &remote);
    assert_in_range(other, 49152, 65535);
    assert_int_not_equal(other, second + 1);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void route__none__error_and_default_used_when_added(void **state)
{
    (void)state;
    struct sim_pair pair;
    ip_addr_t far_away;
    ip_addr_t any;
    ip_addr_t near;
    sim_pair_open(&pair, NULL);
    struct sim_host *a = &pair.hosts[0];
    struct stk_inst_scope scope = stk_inst_enter(a->inst);
    IP_ADDR4(&far_away, 192, 0, 2, 7);
    IP_ADDR4(&any, 0, 0, 0, 0);
    IP_ADDR4(&near, 192, 0, 2, 0);
    struct tcp_pcb *pcb = tcp_new();
    assert_int_equal(tcp_connect(pcb, &far_away, 80, NULL), ERR_RTE);
    tcp_abort(pcb);
    assert_int_equal(stk_route_add(&a->inst->routes, &any, 0, &pair.hosts[1].ip4, &a->netif), 0);
    assert_ptr_equal(ip4_route(ip_2_ip4(&far_away)), &a->netif);
    assert_true(ip4_addr_eq(stk_hook_etharp_gw(&a->netif, ip_2_ip4(&far_away)), ip_2_ip4(&pair.hosts[1].ip4)));
    assert_int_equal(stk_route_add(&a->inst->routes, &near, 24, NULL, &a->netif), 0);
    assert_ptr_equal(stk_hook_etharp_gw(&a->netif, ip_2_ip4(&far_away)), ip_2_ip4(&far_away));
    stk_route_remove_netif(&a->inst->routes, &a->netif);
    assert_null(ip4_route(ip_2_ip4(&far_away)));
    assert_int_equal(stk_route_add(&a->inst->routes, &near, 33, NULL, &a->netif), STK_EINVAL);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

struct datagram {
    uint32_t len;
    bool mismatch;
};

static void datagram_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    struct datagram *d = arg;
    (void)pcb;
    (void)from;
    (void)port;
    d->len = p->tot_len;
    for (uint32_t i = 0; i < p->tot_len; i++)
        d->mismatch |= pbuf_get_at(p, (u16_t)i) != stream_byte(7, i);
    pbuf_free(p);
}

static void udp_send_sized(struct sim_pair *pair, const ip_addr_t *to, uint32_t len)
{
    struct datagram got = {.len = UINT32_MAX};
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[1].inst);
    struct udp_pcb *server = udp_new_ip_type(IPADDR_TYPE_ANY);
    assert_int_equal(udp_bind(server, IP_ANY_TYPE, 7), ERR_OK);
    udp_recv(server, datagram_recv, &got);
    stk_inst_leave(scope);
    scope = stk_inst_enter(pair->hosts[0].inst);
    struct udp_pcb *client = udp_new_ip_type(IP_GET_TYPE(to));
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    assert_non_null(p);
    for (uint32_t i = 0; i < len; i++)
        pbuf_put_at(p, (u16_t)i, stream_byte(7, i));
    assert_int_equal(udp_sendto(client, p, to, 7), ERR_OK);
    pbuf_free(p);
    udp_remove(client);
    stk_inst_leave(scope);
    sim_pair_run(pair, 2 * STK_S_NS);
    assert_int_equal(got.len, len);
    assert_false(got.mismatch);
    scope = stk_inst_enter(pair->hosts[1].inst);
    udp_remove(server);
    stk_inst_leave(scope);
}

static void udp__every_size__arrives_in_fragments(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 1472, 1473, 9000, 40000, 65487, 65507};
    struct sim_pair pair;
    sim_pair_open(&pair, NULL);
    udp_send_sized(&pair, &pair.hosts[1].ip4, 1); /* resolves the address: ARP keeps few packets */
    udp_send_sized(&pair, &pair.hosts[1].ip6, 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        udp_send_sized(&pair, &pair.hosts[1].ip4, sizes[i]);
        if (sizes[i] <= 65487)
            udp_send_sized(&pair, &pair.hosts[1].ip6, sizes[i]);
    }
    sim_pair_close(&pair);
}

static void udp__two_sockets_one_group__both_get_a_copy(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct datagram got[2] = {{.len = 0}, {.len = 0}};
    struct udp_pcb *sockets[2];
    ip_addr_t group;
    sim_pair_open(&pair, NULL);
    IP_ADDR4(&group, 239, 1, 2, 3);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[1].inst);
    assert_int_equal(igmp_joingroup_netif(&pair.hosts[1].netif, ip_2_ip4(&group)), ERR_OK);
    for (int i = 0; i < 2; i++) {
        sockets[i] = udp_new();
        ip_set_option(sockets[i], SOF_REUSEADDR);
        assert_int_equal(udp_bind(sockets[i], IP4_ADDR_ANY, 7), ERR_OK);
        udp_recv(sockets[i], datagram_recv, &got[i]);
    }
    stk_inst_leave(scope);
    scope = stk_inst_enter(pair.hosts[0].inst);
    struct udp_pcb *client = udp_new();
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 1200, PBUF_RAM);
    for (uint32_t i = 0; i < 1200; i++)
        pbuf_put_at(p, (u16_t)i, stream_byte(7, i));
    assert_int_equal(udp_sendto(client, p, &group, 7), ERR_OK);
    pbuf_free(p);
    udp_remove(client);
    stk_inst_leave(scope);
    sim_pair_run(&pair, STK_S_NS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(got[i].len, 1200);
        assert_false(got[i].mismatch);
    }
    scope = stk_inst_enter(pair.hosts[1].inst);
    udp_remove(sockets[0]);
    udp_remove(sockets[1]);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void loopback__each_instance__own(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct stream client = {.seed = 1};
    struct stream server = {.seed = 2};
    ip_addr_t loopback;
    sim_pair_open(&pair, NULL);
    uint64_t frames = pair.hosts[1].frames_in;
    IP_ADDR4(&loopback, 127, 0, 0, 1);
    struct tcp_pcb *listener = listen_on(&pair.hosts[0], 80, &server);
    connect_to(&pair.hosts[0], &loopback, 80, &client);
    sim_pair_run(&pair, 5 * STK_S_NS);
    assert_int_equal(client.received, TRANSFER_BYTES);
    assert_int_equal(server.received, TRANSFER_BYTES);
    assert_true(pair.hosts[1].frames_in - frames < 20); /* ND and IGMP only */
    end_pcb(&pair.hosts[0], client.pcb, true);
    sim_pair_run(&pair, STK_S_NS);
    end_pcb(&pair.hosts[0], listener, false);
    sim_pair_close(&pair);
}

/** A thread that enters its own instance again and again. */
struct enterer {
    struct sim_pair pair;
    _Atomic uint32_t *ready; /**< threads that are here: both begin together */
    bool good;
};

static void *enter_main(void *arg)
{
    struct enterer *self = arg;
    struct stk_inst *mine = self->pair.hosts[0].inst;
    struct stk_inst *other = self->pair.hosts[1].inst;
    self->good = true;
    (void)atomic_fetch_add(self->ready, 1);
    while (atomic_load(self->ready) < 2) {
        (void)sched_yield();
    }
    for (int i = 0; i < 300000; i++) {
        struct stk_inst_scope outer = stk_inst_enter(mine);
        struct stk_inst_scope inner = stk_inst_enter(other);
        self->good = self->good && stk_inst_current() == other;
        stk_inst_leave(inner);
        self->good = self->good && stk_inst_current() == mine;
        struct pbuf *p = pbuf_alloc(PBUF_RAW, 100, PBUF_RAM);
        self->good = self->good && p != NULL;
        if (p != NULL) {
            (void)pbuf_free(p);
        }
        self->good = self->good && stk_inst_current() == mine;
        stk_inst_leave(outer);
    }
    return NULL;
}

/* Each of two threads finds the instance that it entered, whatever the other does meanwhile. */
static void enter__two_threads__each_in_its_own(void **state)
{
    static struct enterer both[2];
    _Atomic uint32_t ready = 0;
    pthread_t threads[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        both[i].ready = &ready;
        sim_pair_open(&both[i].pair, NULL);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, enter_main, &both[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(both[i].good);
    }
    for (int i = 0; i < 2; i++) {
        sim_pair_close(&both[i].pair);
    }
}

static void create__bad_arguments__refused(void **state)
{
    (void)state;
    static const struct stk_inst_ops none;
    struct stk_inst *inst = NULL;
    struct stk_lwip_limits limits;
    stk_lwip_limits_default(&limits);
    assert_int_equal(stk_inst_create(NULL, NULL, NULL, &inst), STK_EINVAL);
    assert_int_equal(stk_inst_create(&none, NULL, &limits, &inst), STK_EINVAL);
    assert_null(inst);
    assert_null(stk_inst_current());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create__bad_arguments__refused),
        cmocka_unit_test(tcp__ip4_both_ways__bytes_equal),
        cmocka_unit_test(tcp__ip6_both_ways__bytes_equal),
        cmocka_unit_test(instances__one_exhausted__other_untouched),
        cmocka_unit_test(heap__limit_reached__null_counted_and_reusable),
        cmocka_unit_test(isn__tuple_and_time__differs_and_grows),
        cmocka_unit_test(port__many_picks__in_range_unpredictable_unused),
        cmocka_unit_test(port__same_destination__hash_offset_differs_by_peer),
        cmocka_unit_test(route__none__error_and_default_used_when_added),
        cmocka_unit_test(udp__every_size__arrives_in_fragments),
        cmocka_unit_test(udp__two_sockets_one_group__both_get_a_copy),
        cmocka_unit_test(loopback__each_instance__own),
        cmocka_unit_test(enter__two_threads__each_in_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* PCBs at scale: lookup by hash under collision and by every kind of name, and idle connections. */
#include "sim_host.h"

#include "stack/clock.h"

#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Connections ------------------------------------------------------------ */

/* A connection that exists in the tables only. */
static struct tcp_pcb *bare_conn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                                 uint16_t remote_port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(local));
    assert_non_null(pcb);
    ip_addr_copy(pcb->local_ip, *local);
    ip_addr_copy(pcb->remote_ip, *remote);
    pcb->local_port = local_port;
    pcb->remote_port = remote_port;
    pcb->state = ESTABLISHED;
    TCP_REG_ACTIVE(pcb);
    return pcb;
}

static void bare_end(struct tcp_pcb *pcb)
{
    tcp_abandon(pcb, 0);
}

static struct tcp_pcb *lookup(const struct sim_pair *pair, uint16_t remote_port)
{
    return stk_pcb_tcp_lookup(&pair->hosts[0].ip4, 80, &pair->hosts[1].ip4, remote_port, true);
}

static void conns__one_bucket__each_is_found(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct tcp_pcb *pcbs[8];
    uint16_t ports[8];
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    const uint32_t bucket = stk_pcb_conn_bucket(&pair.hosts[0].ip4, 80, &pair.hosts[1].ip4, 1);
    int count = 0;
    for (uint32_t port = 1; port < 65536 && count < 8; port++) {
        if (stk_pcb_conn_bucket(&pair.hosts[0].ip4, 80, &pair.hosts[1].ip4, (uint16_t)port) == bucket)
            ports[count++] = (uint16_t)port;
    }
    assert_int_equal(count, 8);
    for (int i = 0; i < 8; i++)
        pcbs[i] = bare_conn(&pair.hosts[0].ip4, 80, &pair.hosts[1].ip4, ports[i]);
    static const int order[] = {3, 0, 7, 1, 6, 2, 5, 4}; /* from the middle, the end and the front of the chain */
    for (int gone = 0; gone <= 8; gone++) {
        for (int i = 0; i < 8; i++) {
            bool there = true;
            for (int k = 0; k < gone; k++)
                there = there && order[k] != i;
            assert_ptr_equal(lookup(&pair, ports[i]), there ? pcbs[i] : NULL);
        }
        if (gone < 8)
            bare_end(pcbs[order[gone]]);
    }
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void conns__100000__are_found_and_end_in_any_order(void **state)
{
    (void)state;
    enum { COUNT = 100000, STEP = 37813 }; /* without a common divisor */
    struct sim_pair pair;
    struct stk_lwip_limits limits;
    stk_lwip_limits_default(&limits);
    limits.tcp_conns = COUNT;
    sim_pair_open(&pair, &limits);
    struct tcp_pcb **pcbs = calloc(COUNT, sizeof(struct tcp_pcb *));
    assert_non_null(pcbs);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    ip_addr_t remotes[2];
    IP_ADDR4(&remotes[0], 10, 1, 2, 3);
    IP_ADDR4(&remotes[1], 10, 1, 2, 4);
    for (uint32_t i = 0; i < COUNT; i++)
        pcbs[i] = bare_conn(&pair.hosts[0].ip4, 80, &remotes[i / 50000], (uint16_t)(1 + i % 50000));
    uint32_t longest = 0;
    for (uint32_t i = 0; i <= pair.hosts[0].inst->pcbs.conns_mask; i++) {
        uint32_t length = 0;
        for (const struct tcp_pcb *pcb = pair.hosts[0].inst->pcbs.conns[i]; pcb != NULL; pcb = pcb->links.hash_next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_true(longest < 16); /* of a random function: some nine */
    assert_int_equal(pair.hosts[0].inst->tcp_port_users[80], COUNT);
    for (uint32_t i = 0, at = 0; i < COUNT; i++, at = (at + STEP) % COUNT) {
        assert_ptr_equal(
            stk_pcb_tcp_lookup(&pair.hosts[0].ip4, 80, &remotes[at / 50000], (uint16_t)(1 + at % 50000), true),
            pcbs[at]);
        bare_end(pcbs[at]);
    }
    assert_null(tcp_active_pcbs);
    assert_int_equal(pair.hosts[0].inst->tcp_port_users[80], 0);
    stk_inst_leave(scope);
    free(pcbs);
    sim_pair_close(&pair);
}

static void hash__two_instances__have_keys_of_their_own(void **state)
{
    (void)state;
    struct sim_pair pair;
    uint32_t same = 0;
    sim_pair_open(&pair, NULL);
    for (uint16_t port = 1; port <= 256; port++) {
        uint32_t bucket[2];
        for (int i = 0; i < 2; i++) {
            struct stk_inst_scope scope = stk_inst_enter(pair.hosts[i].inst);
            bucket[i] = stk_pcb_conn_bucket(&pair.hosts[0].ip4, 80, &pair.hosts[1].ip6, port);
            stk_inst_leave(scope);
        }
        same += bucket[0] == bucket[1];
    }
    assert_true(same < 16); /* of 4096 buckets */
    sim_pair_close(&pair);
}

/* --- Names ------------------------------------------------------------------- */

enum name { NAME_V4, NAME_V4_ANY, NAME_V6, NAME_V6_ANY, NAME_DUAL, NAMES };
#define BIT(name) (1u << (name))
#define NOBODY NAMES

struct name_row {
    unsigned bound; /* who is there, bound in the order of the enumeration */
    bool over_ip6;
    enum name expected;
};

static const struct name_row name_rows[] = {
    {BIT(NAME_V4) | BIT(NAME_V4_ANY), false, NAME_V4},
    {BIT(NAME_V4) | BIT(NAME_DUAL), false, NAME_V4},
    {BIT(NAME_V4_ANY), false, NAME_V4_ANY},
    {BIT(NAME_V4_ANY), true, NOBODY},
    {BIT(NAME_V4), true, NOBODY},
    {BIT(NAME_V6_ANY), false, NOBODY},
    {BIT(NAME_V6), false, NOBODY},
    {BIT(NAME_V6) | BIT(NAME_V6_ANY), true, NAME_V6},
    {BIT(NAME_V6_ANY), true, NAME_V6_ANY},
    {BIT(NAME_V6_ANY) | BIT(NAME_V4_ANY), true, NAME_V6_ANY},
    {BIT(NAME_V6_ANY) | BIT(NAME_V4_ANY), false, NAME_V4_ANY},
    {BIT(NAME_DUAL), false, NAME_DUAL},
    {BIT(NAME_DUAL), true, NAME_DUAL},
    {BIT(NAME_DUAL) | BIT(NAME_V6), true, NAME_V6},
    {BIT(NAME_DUAL) | BIT(NAME_V6), false, NAME_DUAL},
};

static void name_address(const struct sim_host *host, enum name name, ip_addr_t *out)
{
    const ip_addr_t *const addresses[NAMES] = {&host->ip4, IP4_ADDR_ANY, &host->ip6, IP6_ADDR_ANY, IP_ANY_TYPE};
    ip_addr_copy(*out, *addresses[name]);
}

static err_t name_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)err;
    (*(unsigned *)arg)++;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static struct tcp_pcb *name_listen(const struct sim_host *host, enum name name, unsigned *accepted)
{
    ip_addr_t ip;
    name_address(host, name, &ip);
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&ip));
    ip_set_option(pcb, SOF_REUSEADDR);
    assert_int_equal(tcp_bind(pcb, &ip, 80), ERR_OK);
    pcb = tcp_listen(pcb);
    assert_non_null(pcb);
    tcp_arg(pcb, accepted);
    tcp_accept(pcb, name_accept);
    return pcb;
}

static void expect_one(const struct name_row *row, size_t at, const unsigned *got)
{
    for (enum name name = 0; name < NAMES; name++) {
        if (got[name] != (name == row->expected))
            fail_msg("row %zu: name %d got %u", at, (int)name, got[name]);
    }
}

static err_t ignore_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)pcb;
    (void)err;
    return ERR_OK;
}

static void names_row_tcp(size_t at)
{
    const struct name_row *row = &name_rows[at];
    struct sim_pair pair;
    struct tcp_pcb *pcbs[NAMES] = {NULL};
    unsigned accepted[NAMES] = {0};
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[1].inst);
    for (enum name name = 0; name < NAMES; name++) {
        if ((row->bound & BIT(name)) != 0)
            pcbs[name] = name_listen(&pair.hosts[1], name, &accepted[name]);
    }
    stk_inst_leave(scope);
    scope = stk_inst_enter(pair.hosts[0].inst);
    const ip_addr_t *to = row->over_ip6 ? &pair.hosts[1].ip6 : &pair.hosts[1].ip4;
    struct tcp_pcb *client = tcp_new_ip_type(IP_GET_TYPE(to));
    assert_int_equal(tcp_connect(client, to, 80, ignore_connected), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(&pair, STK_S_NS); /* refused or reset: the client's PCB is gone */
    expect_one(row, at, accepted);
    scope = stk_inst_enter(pair.hosts[1].inst);
    for (enum name name = 0; name < NAMES; name++) {
        if (pcbs[name] != NULL)
            assert_int_equal(tcp_close(pcbs[name]), ERR_OK);
    }
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void name_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)pcb;
    (void)from;
    (void)port;
    (*(unsigned *)arg)++;
    pbuf_free(p);
}

static struct udp_pcb *name_receive(const struct sim_host *host, enum name name, unsigned *received)
{
    ip_addr_t ip;
    name_address(host, name, &ip);
    struct udp_pcb *pcb = udp_new_ip_type(IP_GET_TYPE(&ip));
    ip_set_option(pcb, SOF_REUSEADDR);
    assert_int_equal(udp_bind(pcb, &ip, 7), ERR_OK);
    udp_recv(pcb, name_recv, received);
    return pcb;
}

static void datagram_send(struct sim_host *host, const ip_addr_t *to)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct udp_pcb *client = udp_new_ip_type(IP_GET_TYPE(to));
    ip_set_option(client, SOF_BROADCAST);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
    memset(p->payload, 1, 10);
    assert_int_equal(udp_sendto(client, p, to, 7), ERR_OK);
    pbuf_free(p);
    udp_remove(client);
    stk_inst_leave(scope);
}

static void names_row_udp(size_t at)
{
    const struct name_row *row = &name_rows[at];
    struct sim_pair pair;
    struct udp_pcb *pcbs[NAMES] = {NULL};
    unsigned received[NAMES] = {0};
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[1].inst);
    for (enum name name = 0; name < NAMES; name++) {
        if ((row->bound & BIT(name)) != 0)
            pcbs[name] = name_receive(&pair.hosts[1], name, &received[name]);
    }
    stk_inst_leave(scope);
    datagram_send(&pair.hosts[0], row->over_ip6 ? &pair.hosts[1].ip6 : &pair.hosts[1].ip4);
    sim_pair_run(&pair, STK_S_NS);
    expect_one(row, at, received);
    scope = stk_inst_enter(pair.hosts[1].inst);
    for (enum name name = 0; name < NAMES; name++) {
        if (pcbs[name] != NULL)
            udp_remove(pcbs[name]);
    }
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void names__specific_wildcard_and_dual__the_most_specific_gets_it(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(name_rows) / sizeof(name_rows[0]); at++) {
        names_row_tcp(at);
        names_row_udp(at);
    }
}

static void udp__broadcast__reaches_the_address_and_the_wildcard(void **state)
{
    (void)state;
    struct sim_pair pair;
    unsigned received[NAMES] = {0};
    sim_pair_open(&pair, NULL);
    ip_addr_t to;
    ip_addr_t loopback;
    unsigned other = 0;
    IP_ADDR4(&to, 255, 255, 255, 255);
    IP_ADDR4(&loopback, 127, 0, 0, 1);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[1].inst);
    struct udp_pcb *specific = name_receive(&pair.hosts[1], NAME_V4, &received[NAME_V4]);
    struct udp_pcb *wildcard = name_receive(&pair.hosts[1], NAME_V4_ANY, &received[NAME_V4_ANY]);
    struct udp_pcb *v6 = name_receive(&pair.hosts[1], NAME_V6_ANY, &received[NAME_V6_ANY]);
    struct udp_pcb *inner = udp_new();
    ip_set_option(inner, SOF_REUSEADDR);
    assert_int_equal(udp_bind(inner, &loopback, 7), ERR_OK);
    udp_recv(inner, name_recv, &other);
    stk_inst_leave(scope);
    datagram_send(&pair.hosts[0], &to);
    IP_ADDR4(&to, 10, 9, 0, 255);
    datagram_send(&pair.hosts[0], &to);
    sim_pair_run(&pair, STK_S_NS);
    assert_int_equal(received[NAME_V4], 2);
    assert_int_equal(received[NAME_V4_ANY], 2);
    assert_int_equal(received[NAME_V6_ANY], 0);
    assert_int_equal(other, 0); /* what comes by a wire is not for an address inside */
    scope = stk_inst_enter(pair.hosts[1].inst);
    udp_remove(specific);
    udp_remove(wildcard);
    udp_remove(v6);
    udp_remove(inner);
    assert_int_equal(pair.hosts[1].inst->pcbs.udp.port_users[7], 0);
    assert_int_equal(pair.hosts[1].inst->pcbs.udp.specific, 0);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

static void names__address_of_an_interface_changes__names_follow(void **state)
{
    (void)state;
    struct sim_pair pair;
    unsigned accepted = 0;
    unsigned received = 0;
    sim_pair_open(&pair, NULL);
    struct sim_host *host = &pair.hosts[1];
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    struct tcp_pcb *listener = name_listen(host, NAME_V4, &accepted);
    struct udp_pcb *receiver = name_receive(host, NAME_V4, &received);
    ip4_addr_t moved;
    IP4_ADDR(&moved, 10, 9, 0, 77);
    netif_set_ipaddr(&host->netif, &moved);
    stk_inst_leave(scope);
    ip_addr_t to;
    ip_addr_copy_from_ip4(to, moved);
    datagram_send(&pair.hosts[0], &to);
    scope = stk_inst_enter(pair.hosts[0].inst);
    struct tcp_pcb *client = tcp_new();
    assert_int_equal(tcp_connect(client, &to, 80, ignore_connected), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(&pair, STK_S_NS);
    assert_int_equal(accepted, 1);
    assert_int_equal(received, 1);
    scope = stk_inst_enter(host->inst);
    udp_remove(receiver);
    assert_int_equal(tcp_close(listener), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

/* --- Idle connections ----------------------------------------------------------- */

struct conn {
    struct tcp_pcb *pcb;
    uint32_t received;
};

static err_t conn_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct conn *conn = arg;
    (void)err;
    if (p != NULL) {
        conn->received += p->tot_len;
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    return ERR_OK;
}

static err_t conn_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct conn *conn = arg;
    (void)err;
    conn->pcb = pcb;
    tcp_recv(pcb, conn_recv);
    return ERR_OK;
}

static void conn_open(struct sim_pair *pair, struct conn ends[2], struct tcp_pcb **listener)
{
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[1].inst);
    *listener = name_listen(&pair->hosts[1], NAME_V4_ANY, NULL);
    tcp_arg(*listener, &ends[1]);
    tcp_accept(*listener, conn_accept);
    stk_inst_leave(scope);
    scope = stk_inst_enter(pair->hosts[0].inst);
    ends[0].pcb = tcp_new();
    tcp_arg(ends[0].pcb, &ends[0]);
    tcp_recv(ends[0].pcb, conn_recv);
    assert_int_equal(tcp_connect(ends[0].pcb, &pair->hosts[1].ip4, 80, ignore_connected), ERR_OK);
    stk_inst_leave(scope);
    sim_pair_run(pair, STK_S_NS);
    assert_non_null(ends[1].pcb);
}

static void conn_end(struct sim_pair *pair, struct conn ends[2], struct tcp_pcb *listener)
{
    struct stk_inst_scope scope = stk_inst_enter(pair->hosts[1].inst);
    assert_int_equal(tcp_close(listener), ERR_OK);
    if (ends[1].pcb != NULL)
        tcp_abandon(ends[1].pcb, 0);
    stk_inst_leave(scope);
    scope = stk_inst_enter(pair->hosts[0].inst);
    if (ends[0].pcb != NULL)
        tcp_abandon(ends[0].pcb, 0);
    stk_inst_leave(scope);
    assert_int_equal(pair->hosts[0].inst->idle.timed, 0);
    sim_pair_close(pair);
}

static bool awake(const struct sim_host *host)
{
    struct stk_inst_scope scope = stk_inst_enter(host->inst);
    const bool any = tcp_active_pcbs != NULL;
    stk_inst_leave(scope);
    return any;
}

static void idle__no_work__no_timer_walks_it_and_data_wakes_it(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct conn ends[2] = {{NULL, 0}, {NULL, 0}};
    struct tcp_pcb *listener;
    sim_pair_open(&pair, NULL);
    conn_open(&pair, ends, &listener);
    assert_false(awake(&pair.hosts[0]));
    assert_false(awake(&pair.hosts[1]));
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    assert_int_equal(tcp_write(ends[0].pcb, "hello", 5, TCP_WRITE_FLAG_COPY), ERR_OK);
    assert_int_equal(tcp_output(ends[0].pcb), ERR_OK);
    stk_inst_leave(scope);
    assert_true(awake(&pair.hosts[0])); /* to be retransmitted, if need be */
    sim_pair_run(&pair, 20 * STK_MS_NS);
    assert_true(awake(&pair.hosts[1])); /* an acknowledgement waits */
    assert_int_equal(ends[1].received, 5);
    sim_pair_run(&pair, STK_S_NS);
    assert_false(awake(&pair.hosts[0]));
    assert_false(awake(&pair.hosts[1]));
    assert_ptr_equal(ends[0].pcb->unacked, NULL);
    conn_end(&pair, ends, listener);
}

static bool lose_all(const uint8_t *frame, uint32_t len)
{
    (void)frame;
    (void)len;
    return true;
}

static void idle__asleep_and_lost__is_retransmitted(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct conn ends[2] = {{NULL, 0}, {NULL, 0}};
    struct tcp_pcb *listener;
    sim_pair_open(&pair, NULL);
    conn_open(&pair, ends, &listener);
    pair.lose = lose_all;
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    assert_int_equal(tcp_write(ends[0].pcb, "hello", 5, TCP_WRITE_FLAG_COPY), ERR_OK);
    assert_int_equal(tcp_output(ends[0].pcb), ERR_OK);
    stk_inst_leave(scope);
    pair.lose = NULL;
    sim_pair_run(&pair, 5 * STK_S_NS);
    assert_int_equal(ends[1].received, 5);
    conn_end(&pair, ends, listener);
}

static void conn_failed(void *arg, err_t err)
{
    struct conn *conn = arg;
    (void)err;
    conn->pcb = NULL;
}

static void idle__keepalive__probes_come_at_their_times(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct conn ends[2] = {{NULL, 0}, {NULL, 0}};
    struct tcp_pcb *listener;
    sim_pair_open(&pair, NULL);
    conn_open(&pair, ends, &listener);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    ip_set_option(ends[0].pcb, SOF_KEEPALIVE);
    ends[0].pcb->keep_idle = 100 * 1000; /* further than the wheel reaches */
    ends[0].pcb->keep_intvl = 1000;
    ends[0].pcb->keep_cnt = 3;
    tcp_err(ends[0].pcb, conn_failed);
    stk_hook_tcp_wake(ends[0].pcb);
    stk_inst_leave(scope);
    sim_pair_run(&pair, 60 * STK_S_NS);
    assert_false(awake(&pair.hosts[0]));
    assert_int_equal(pair.hosts[0].inst->idle.timed, 1);
    uint64_t frames = pair.hosts[1].frames_in;
    sim_pair_run(&pair, 36 * STK_S_NS);
    assert_int_equal(pair.hosts[1].frames_in, frames);
    sim_pair_run(&pair, 10 * STK_S_NS);
    assert_int_equal(pair.hosts[1].frames_in, frames + 1); /* answered: the next one is 100 s away */
    pair.lose = lose_all;
    sim_pair_run(&pair, 110 * STK_S_NS);
    assert_null(ends[0].pcb); /* nobody answered */
    pair.lose = NULL;
    conn_end(&pair, ends, listener);
}

static void idle__closed_in_fin_wait__ends_in_its_time(void **state)
{
    (void)state;
    struct sim_pair pair;
    struct conn ends[2] = {{NULL, 0}, {NULL, 0}};
    struct tcp_pcb *listener;
    sim_pair_open(&pair, NULL);
    conn_open(&pair, ends, &listener);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    assert_int_equal(tcp_close(ends[0].pcb), ERR_OK);
    ends[0].pcb = NULL;
    stk_inst_leave(scope);
    sim_pair_run(&pair, STK_S_NS);
    assert_false(awake(&pair.hosts[0]));
    assert_int_equal(sim_pool(&pair.hosts[0], "TCP_PCB").used, 1); /* FIN-WAIT-2: the other side keeps open */
    sim_pair_run(&pair, 30 * STK_S_NS);
    assert_int_equal(sim_pool(&pair.hosts[0], "TCP_PCB").used, 0);
    conn_end(&pair, ends, listener);
}

/* An address that expired stays in its place, invalid, and may come again in another one: RFC 4862 5.5.4. */
static void udp__address_in_two_places_of_a_port__walk_ends(void **state)
{
    (void)state;
    struct sim_pair pair;
    unsigned received = 0;
    sim_pair_open(&pair, NULL);
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[1].inst);
    struct netif *netif = &pair.hosts[1].netif;
    ip_addr_copy(netif->ip6_addr[LWIP_IPV6_NUM_ADDRESSES - 1], pair.hosts[1].ip6);
    netif->ip6_addr_state[LWIP_IPV6_NUM_ADDRESSES - 1] = IP6_ADDR_INVALID;
    struct udp_pcb *specific = name_receive(&pair.hosts[1], NAME_V6, &received);
    stk_inst_leave(scope);
    ip_addr_t to;
    IP_ADDR6(&to, PP_HTONL(0xff020000), 0, 0, PP_HTONL(1));
    ip6_addr_assign_zone(ip_2_ip6(&to), IP6_MULTICAST, &pair.hosts[0].netif);
    datagram_send(&pair.hosts[0], &to);
    sim_pair_run(&pair, STK_S_NS);
    assert_int_equal(received, 1);
    scope = stk_inst_enter(pair.hosts[1].inst);
    udp_remove(specific);
    stk_inst_leave(scope);
    sim_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conns__one_bucket__each_is_found),
        cmocka_unit_test(conns__100000__are_found_and_end_in_any_order),
        cmocka_unit_test(hash__two_instances__have_keys_of_their_own),
        cmocka_unit_test(names__specific_wildcard_and_dual__the_most_specific_gets_it),
        cmocka_unit_test(udp__broadcast__reaches_the_address_and_the_wildcard),
        cmocka_unit_test(udp__address_in_two_places_of_a_port__walk_ends),
        cmocka_unit_test(names__address_of_an_interface_changes__names_follow),
        cmocka_unit_test(idle__no_work__no_timer_walks_it_and_data_wakes_it),
        cmocka_unit_test(idle__asleep_and_lost__is_retransmitted),
        cmocka_unit_test(idle__keepalive__probes_come_at_their_times),
        cmocka_unit_test(idle__closed_in_fin_wait__ends_in_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

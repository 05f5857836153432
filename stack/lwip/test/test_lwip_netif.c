/* Ports as interfaces: two instances with a wire port each, in virtual time. */
#include "sim_host.h"

#include "stk_lwip/netif_nic.h"

#include "stack/clock.h"
#include "stack/err.h"

#include "lwip/tcp.h"
#include "lwip/udp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 400000u

struct node {
    struct stk_inst *inst;
    struct nic_port *port;
    struct stk_netif *nif;
    struct tcp_pcb *pcb;
    uint64_t random_state;
    uint32_t sent;
    uint32_t received;
    bool mismatch;
};

struct world {
    uint64_t now_ns;
    struct node nodes[2];
};

static struct world world;

static uint64_t world_now(void *ctx)
{
    (void)ctx;
    return world.now_ns;
}

static void world_random(void *ctx, void *buf, uint32_t len)
{
    struct node *node = ctx;
    for (uint32_t i = 0; i < len; i++) {
        node->random_state = node->random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)buf)[i] = (uint8_t)(node->random_state >> 56);
    }
}

static const struct stk_inst_ops world_ops = {.now_ns = world_now, .random = world_random};

struct setting {
    const char *name;
    const char *offload;
    const char *loss;
    uint16_t vlan;
    uint32_t mtu;
    bool over_ip6;
    uint8_t to_last; /* last byte of the server's address */
};

static void node_open(struct node *node, uint8_t number, const struct setting *setting)
{
    const struct nic_kv args[] = {{"link", "netif_test", 0},
                                  {"offload", setting->offload, 0},
                                  {"loss", setting->loss, 0},
                                  {"delay", "20us", 0},
                                  {"seed", number == 1 ? "11" : "12", 0}};
    char error[256] = "";
    struct nic_port_conf port = {.name = number == 1 ? "one" : "two",
                                 .driver = "wire",
                                 .mtu = setting->mtu,
                                 .mac_set = true,
                                 .mac = {2, 0, 0, 0, 1, number},
                                 .args = args,
                                 .args_count = 5,
                                 .error = error,
                                 .error_size = sizeof(error)};
    static struct stk_conf_port conf;
    memset(&conf, 0, sizeof(conf));
    snprintf(conf.name, sizeof(conf.name), "%s", port.name);
    conf.if_index = number + 1u;
    conf.mtu = setting->mtu;
    conf.vlan_id = setting->vlan;
    conf.vlan_set = setting->vlan != 0;
    conf.ipv6_ll = true;
    conf.addrs_count = 3;
    conf.addrs[0] = (struct stk_conf_net){.family = STK_AF_INET, .prefix_len = 24, .ip = {10, 1, 0, number}};
    conf.addrs[1] = (struct stk_conf_net){.family = STK_AF_INET6, .prefix_len = 64, .ip = {0xfd, 1, [15] = number}};
    conf.addrs[2] = (struct stk_conf_net){
        .family = STK_AF_INET, .prefix_len = 24, .ip = {10, 1, 0, (uint8_t)(100 + number)}};
    memset(node, 0, sizeof(*node));
    node->random_state = number;
    if (nic_port_open(&port, &node->port) != STK_OK)
        fail_msg("%s", error);
    assert_int_equal(stk_inst_create(&world_ops, node, NULL, &node->inst), STK_OK);
    assert_int_equal(stk_netif_create(node->inst, node->port, &conf, NULL, NULL, &node->nif), STK_OK);
}

static void node_close(struct node *node)
{
    stk_netif_destroy(node->nif);
    stk_inst_destroy(node->inst);
    struct nic_port_stats stats;
    nic_port_stats_read(node->port, &stats);
    assert_int_equal(stats.buf_in_use, 0);
    nic_port_close(node->port);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void world_run(uint64_t for_ns)
{
    uint64_t end_ns = world.now_ns + for_ns;
    while (world.now_ns < end_ns) {
        uint64_t next_ns = end_ns;
        for (int i = 0; i < 2; i++) {
            struct node *node = &world.nodes[i];
            while (stk_netif_rx_burst(node->nif, world.now_ns) > 0) {
            }
            stk_inst_run(node->inst);
            stk_netif_tx_flush(node->nif, world.now_ns);
            assert_int_equal(stk_netif_tx_pending(node->nif), 0);
        }
        for (int i = 0; i < 2; i++) {
            next_ns = earlier(next_ns, stk_inst_next_timeout(world.nodes[i].inst));
            next_ns = earlier(next_ns, nic_port_next_event_ns(world.nodes[i].port));
        }
        world.now_ns = next_ns > world.now_ns ? next_ns : world.now_ns + 1;
    }
}

static uint8_t byte_at(uint32_t at)
{
    return (uint8_t)(at * 7u + at / 509u);
}

static err_t client_push(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct node *node = arg;
    uint8_t chunk[1200];
    (void)len;
    while (node->sent < BYTES && tcp_sndbuf(pcb) > sizeof(chunk)) {
        u16_t count = (u16_t)(BYTES - node->sent < sizeof(chunk) ? BYTES - node->sent : sizeof(chunk));
        for (uint32_t i = 0; i < count; i++)
            chunk[i] = byte_at(node->sent + i);
        if (tcp_write(pcb, chunk, count, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        node->sent += count;
    }
    tcp_output(pcb);
    return ERR_OK;
}

static err_t client_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    assert_int_equal(err, ERR_OK);
    tcp_sent(pcb, client_push);
    return client_push(arg, pcb, 0);
}

static err_t server_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct node *node = arg;
    (void)err;
    if (p == NULL)
        return ERR_OK;
    for (struct pbuf *q = p; q != NULL; q = q->next) {
        for (uint32_t i = 0; i < q->len; i++, node->received++)
            node->mismatch |= ((uint8_t *)q->payload)[i] != byte_at(node->received);
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static err_t server_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct node *node = arg;
    assert_int_equal(err, ERR_OK);
    node->pcb = pcb;
    tcp_arg(pcb, arg);
    tcp_recv(pcb, server_recv);
    return ERR_OK;
}

static void transfer(const struct setting *setting)
{
    world.now_ns = STK_S_NS;
    node_open(&world.nodes[0], 1, setting);
    node_open(&world.nodes[1], 2, setting);
    struct node *client = &world.nodes[0];
    struct node *server = &world.nodes[1];
    struct stk_inst_scope scope = stk_inst_enter(server->inst);
    struct tcp_pcb *listener = tcp_new_ip_type(IPADDR_TYPE_ANY);
    assert_int_equal(tcp_bind(listener, IP_ANY_TYPE, 80), ERR_OK);
    listener = tcp_listen(listener);
    tcp_arg(listener, server);
    tcp_accept(listener, server_accept);
    stk_inst_leave(scope);

    ip_addr_t to;
    struct stk_addr addr = {.family = STK_AF_INET, .ip = {10, 1, 0, setting->to_last}};
    if (setting->over_ip6)
        addr = (struct stk_addr){.family = STK_AF_INET6, .ip = {0xfd, 1, [15] = setting->to_last}};
    assert_true(stk_addr_to_ip(&addr, &to));
    scope = stk_inst_enter(client->inst);
    client->pcb = tcp_new_ip_type(IP_GET_TYPE(&to));
    tcp_arg(client->pcb, client);
    assert_int_equal(tcp_connect(client->pcb, &to, 80, client_connected), ERR_OK);
    stk_inst_leave(scope);
    world_run(120 * STK_S_NS);
    if (server->received != BYTES || server->mismatch)
        fail_msg("%s: %u of %u bytes, mismatch %d", setting->name, server->received, BYTES, server->mismatch);
    assert_int_equal(client->pcb->mss, setting->mtu - (setting->over_ip6 ? 60u : 40u));

    scope = stk_inst_enter(client->inst);
    tcp_abort(client->pcb);
    stk_inst_leave(scope);
    world_run(STK_S_NS);
    scope = stk_inst_enter(server->inst);
    assert_int_equal(tcp_close(listener), ERR_OK);
    stk_inst_leave(scope);
    node_close(client);
    node_close(server);
}

static void port__transfer__bytes_equal(void **state)
{
    static const struct setting rows[] = {
        {"plain", "off", "0", 0, 1500, false, 2},     {"offload", "on", "0", 0, 1500, false, 2},
        {"offload ip6", "on", "0", 0, 1500, true, 2}, {"second address", "off", "0", 0, 1500, false, 102},
        {"vlan", "on", "0", 7, 1500, false, 2},       {"vlan ip6", "off", "0", 7, 1500, true, 2},
        {"jumbo", "on", "0", 0, 9000, false, 2},      {"loss", "off", "2%", 0, 1500, false, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        transfer(&rows[i]);
}

static void port__torn_frames__counted_and_given_back(void **state)
{
    static const struct setting setting = {"torn", "off", "0", 0, 1500, false, 2};
    (void)state;
    world.now_ns = STK_S_NS;
    node_open(&world.nodes[0], 1, &setting);
    node_open(&world.nodes[1], 2, &setting);
    uint64_t state_bits = 99;
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t len = 0; len <= 128; len++) {
            struct nic_buf *buf = nic_buf_alloc(world.nodes[1].port);
            assert_non_null(buf);
            for (uint32_t i = 0; i < len; i++) {
                state_bits = state_bits * UINT64_C(6364136223846793005) + 1;
                buf->data[i] = (uint8_t)(state_bits >> 56);
            }
            const uint8_t head[] = {2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1};
            static const uint8_t types[][3] = {{8, 0, 0x45}, {8, 6, 0}, {0x86, 0xdd, 0x60}, {0x81, 0, 0}};
            memcpy(buf->data, head, len < sizeof(head) ? len : sizeof(head));
            if (len > 14)
                memcpy(buf->data + 12, types[round % 4], 3);
            buf->len = len;
            buf->pkt_len = len;
            stk_netif_input(world.nodes[1].nif, buf);
        }
    }
    const struct stk_netif_stats *stats = stk_netif_stats_get(world.nodes[1].nif);
    assert_int_equal(stats->rx_frames, 20 * 129);
    assert_int_equal(stats->rx_bad_frame, 20 * 14);
    world_run(STK_S_NS); /* answers to them are still on the wire */
    node_close(&world.nodes[0]);
    node_close(&world.nodes[1]);
}

/* A fragment that never gets company: its buffer comes back when the interface goes. */
static void port__fragment_waiting__given_back_at_close(void **state)
{
    static const struct setting setting = {"fragment", "off", "0", 0, 1500, false, 2};
    static const uint8_t frame[14 + 20 + 8] = {2,    0, 0,  0,  1, 2, 2,    0, 0,  0,  1,    1,    8,  0,
                                               0x45, 0, 0,  28, 0, 9, 0x20, 0, 64, 17, 0x46, 0xc4, 10, 1,
                                               0,    1, 10, 1,  0, 2, 1,    2, 3,  4,  5,    6,    7,  8};
    (void)state;
    world.now_ns = STK_S_NS;
    node_open(&world.nodes[1], 2, &setting);
    struct nic_buf *buf = nic_buf_alloc(world.nodes[1].port);
    assert_non_null(buf);
    memcpy(buf->data, frame, sizeof(frame));
    buf->len = sizeof(frame);
    buf->pkt_len = sizeof(frame);
    stk_netif_input(world.nodes[1].nif, buf);
    stk_netif_tx_flush(world.nodes[1].nif, world.now_ns);
    assert_non_null(world.nodes[1].inst->lwip.ip4.reassdatagrams);
    node_close(&world.nodes[1]);
}

static void port__bad_configuration__refused(void **state)
{
    static const struct setting setting = {"bad", "off", "0", 0, 1500, false, 2};
    (void)state;
    world.now_ns = STK_S_NS;
    node_open(&world.nodes[0], 1, &setting);
    static struct stk_conf_port conf;
    struct stk_netif *nif = NULL;
    conf.if_index = 1;
    conf.mtu = 1500;
    assert_int_equal(stk_netif_create(world.nodes[0].inst, world.nodes[0].port, &conf, NULL, NULL, &nif), STK_EINVAL);
    conf.if_index = 9;
    conf.mtu = 9000;
    assert_int_equal(stk_netif_create(world.nodes[0].inst, world.nodes[0].port, &conf, NULL, NULL, &nif), STK_EINVAL);
    conf.mtu = 1500;
    conf.neighs_count = 1;
    conf.neighs[0] = (struct stk_conf_neigh){.family = 9};
    assert_int_equal(stk_netif_create(world.nodes[0].inst, world.nodes[0].port, &conf, NULL, NULL, &nif), STK_EINVAL);
    assert_null(nif);
    node_close(&world.nodes[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port__transfer__bytes_equal),
        cmocka_unit_test(port__torn_frames__counted_and_given_back),
        cmocka_unit_test(port__fragment_waiting__given_back_at_close),
        cmocka_unit_test(port__bad_configuration__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

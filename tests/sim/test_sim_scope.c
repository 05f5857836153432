/*
 * Link-local destinations without a scope, on a host with two links: the bound address decides, else neighbour discovery, one
 * link after the other (rules DS-10..DS-14).
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5036
#define LINKS 2

static const uint8_t peer_ip[16] = {0xfe, 0x80, [15] = 0x99};
static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0x0a, 0x99};
static const char *const link_names[LINKS] = {"sim", "second"};

/* Host 0's links, each with an observer that may be the peer. */
struct scene {
    struct sim_world world;
    struct nic_port *ports[LINKS];
    uint32_t solicits[LINKS];
    uint32_t dgrams[LINKS];
    bool answers[LINKS];
};

static void reply(struct scene *scene, int link, const uint8_t *frame)
{
    struct sim_frame out;
    uint8_t message[32] = {136, 0, 0, 0, 0x60};
    memcpy(message + 8, peer_ip, sizeof(peer_ip));
    message[24] = 2;
    message[25] = 1;
    memcpy(message + 26, peer_mac, sizeof(peer_mac));
    sim_frame_ip(&out, STK_AF_INET6, 0, 58, message, sizeof(message));
    memcpy(out.bytes, frame + 6, 6);
    memcpy(out.bytes + 6, peer_mac, 6);
    out.bytes[SIM_ETH_BYTES + 7] = 255;
    memcpy(out.bytes + SIM_ETH_BYTES + 8, peer_ip, 16);
    memcpy(out.bytes + SIM_ETH_BYTES + 24, frame + SIM_ETH_BYTES + 8, 16);
    sim_frame_seal(&out);
    struct nic_buf *buf = nic_buf_alloc(scene->ports[link]);
    assert_non_null(buf);
    memcpy(buf->data, out.bytes, out.len);
    buf->len = buf->pkt_len = out.len;
    assert_int_equal(nic_tx_burst(scene->ports[link], &buf, 1, scene->world.now_ns), 1);
}

static void look(struct scene *scene, int link, const uint8_t *frame, uint32_t len)
{
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    if (len < SIM_ETH_BYTES + SIM_IP6_BYTES + 8 || frame[12] != 0x86 || frame[13] != 0xdd) {
        return;
    }
    if (ip[6] == 58 && ip[40] == 135 && len >= SIM_ETH_BYTES + SIM_IP6_BYTES + 24 &&
        memcmp(ip + 48, peer_ip, 16) == 0) {
        scene->solicits[link]++;
        if (scene->answers[link]) {
            reply(scene, link, frame);
        }
    }
    scene->dgrams[link] += ip[6] == 17 && memcmp(ip + 24, peer_ip, 16) == 0;
}

static void run(struct scene *scene, uint64_t ns)
{
    const uint64_t until = scene->world.now_ns + ns;
    while (scene->world.now_ns < until) {
        sim_world_run_until(&scene->world, scene->world.now_ns + 10 * STK_MS_NS);
        for (int link = 0; link < LINKS; link++) {
            struct nic_buf *bufs[NIC_BURST_MAX];
            uint32_t count;
            while ((count = nic_rx_burst(scene->ports[link], bufs, NIC_BURST_MAX, scene->world.now_ns)) > 0) {
                for (uint32_t i = 0; i < count; i++) {
                    look(scene, link, bufs[i]->data, bufs[i]->pkt_len);
                    nic_buf_free(bufs[i]);
                }
            }
        }
    }
}

static void scene_open(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    sim_world_init(&scene->world, 91,
                   "[port second]\nindex = 3\ndriver = wire\nwire.link = second\naddress = fd00:11::1/64\n", "");
    for (int link = 0; link < LINKS; link++) {
        const struct nic_kv args[] = {{"link", link_names[link], 0}, {"promisc", "yes", 0}};
        const struct nic_port_conf conf = {.name = link_names[link],
                                           .driver = "wire",
                                           .mtu = 1500,
                                           .buffers = 256,
                                           .mac_set = true,
                                           .mac = {0x02, 0, 0, 0, 0x0a, 0x99},
                                           .args = args,
                                           .args_count = sizeof(args) / sizeof(args[0])};
        assert_int_equal(nic_port_open(&conf, &scene->ports[link]), STK_OK);
    }
    run(scene, 2 * STK_S_NS);
}

static void scene_close(struct scene *scene)
{
    for (int link = 0; link < LINKS; link++) {
        nic_port_close(scene->ports[link]);
    }
    sim_world_fini(&scene->world);
}

static void forget(struct scene *scene)
{
    memset(scene->solicits, 0, sizeof(scene->solicits));
    memset(scene->dgrams, 0, sizeof(scene->dgrams));
}

static void send_one(struct stk_sock *sock, uint32_t scope)
{
    char text[] = "x";
    const struct stk_iov out = {.base = text, .len = 1};
    struct stk_addr to = {.family = STK_AF_INET6, .port = PORT, .scope_id = scope};
    memcpy(to.ip, peer_ip, sizeof(peer_ip));
    assert_int_equal(stk_sock_sendto(sock, &out, 1, &to), 1);
}

static struct stk_addr link_local(struct sim_host *host, uint32_t if_index)
{
    struct stk_if_info ifs[4];
    struct stk_addr addr = {.family = STK_AF_INET6, .scope_id = if_index};
    const int count = stk_client_interfaces(host->client, ifs, 4);
    for (int i = 0; i < count; i++) {
        for (uint32_t a = 0; ifs[i].if_index == if_index && a < ifs[i].addrs_count; a++) {
            if (ifs[i].addrs[a].family == STK_AF_INET6 && ifs[i].addrs[a].ip[0] == 0xfe) {
                memcpy(addr.ip, ifs[i].addrs[a].ip, 16);
            }
        }
    }
    return addr;
}

/* DS-11: with a bound link-local address its link it is; with a scope in the destination that one. */
static void scope__bound_source_or_given__decides(void **state)
{
    (void)state;
    for (int link = 0; link < LINKS; link++) {
        struct scene scene;
        scene_open(&scene);
        struct stk_sock *bound = sim_open(&scene.world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
        struct stk_sock *given = sim_open(&scene.world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
        struct stk_addr local = link_local(&scene.world.hosts[0], (uint32_t)link + 2);
        struct stk_addr unscoped = local;
        unscoped.scope_id = 0;
        assert_int_equal(stk_sock_bind(bound, &unscoped), STK_EADDRNOTAVAIL); /* DS-10 */
        assert_int_equal(stk_sock_bind(bound, &local), STK_OK);
        forget(&scene);
        send_one(bound, 0);
        run(&scene, 200 * STK_MS_NS);
        assert_true(scene.solicits[link] > 0);
        assert_int_equal(scene.solicits[1 - link], 0);
        run(&scene, 5 * STK_S_NS);
        forget(&scene);
        send_one(given, (uint32_t)link + 2);
        run(&scene, 200 * STK_MS_NS);
        assert_true(scene.solicits[link] > 0);
        assert_int_equal(scene.solicits[1 - link], 0);
        assert_int_equal(stk_sock_close(bound, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(given, STK_CLOSE_GRACEFUL), STK_OK);
        scene_close(&scene);
    }
}

/* DS-12: one link at a time, the first packets are lost, who answers stays; a socket that is bound to the other link stays there. */
static void scope__nobody_says__one_link_after_the_other(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct stk_sock *sock = sim_open(&scene.world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    struct stk_sock *bound = sim_open(&scene.world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    const struct stk_addr first = link_local(&scene.world.hosts[0], 2);
    scene.answers[1] = true;
    forget(&scene);
    send_one(sock, 0);
    run(&scene, 200 * STK_MS_NS);
    assert_true(scene.solicits[0] > 0);
    assert_int_equal(scene.solicits[1], 0);
    run(&scene, 5 * STK_S_NS); /* given up */
    assert_int_equal(scene.solicits[1], 0);
    (void)stk_sock_error_take(sock);
    forget(&scene);
    send_one(sock, 0);
    run(&scene, 200 * STK_MS_NS);
    assert_int_equal(scene.solicits[0], 0);
    assert_true(scene.solicits[1] > 0);
    assert_int_equal(scene.dgrams[1], 1);
    send_one(sock, 0);
    assert_int_equal(stk_sock_bind(bound, &first), STK_OK);
    send_one(bound, 0);
    run(&scene, 200 * STK_MS_NS);
    assert_int_equal(scene.dgrams[1], 2);
    assert_true(scene.solicits[0] > 0);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(bound, STK_CLOSE_GRACEFUL), STK_OK);
    scene_close(&scene);
}

/* DS-12: all failed: the most preferred one, until a minute has gone by. */
static void scope__all_links_fail__preferred_one_and_again_after_a_minute(void **state)
{
    (void)state;
    static const int order[] = {0, 1, 0, 0};
    struct scene scene;
    scene_open(&scene);
    struct stk_sock *sock = sim_open(&scene.world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        print_message("attempt %u\n", (unsigned)i);
        forget(&scene);
        send_one(sock, 0);
        run(&scene, 5 * STK_S_NS);
        (void)stk_sock_error_take(sock);
        assert_true(scene.solicits[order[i]] > 0);
        assert_int_equal(scene.solicits[1 - order[i]], 0);
    }
    run(&scene, 61 * STK_S_NS);
    scene.answers[1] = true;
    send_one(sock, 0);
    run(&scene, 5 * STK_S_NS);
    (void)stk_sock_error_take(sock);
    forget(&scene);
    send_one(sock, 0);
    run(&scene, 1 * STK_S_NS);
    assert_int_equal(scene.dgrams[1], 1);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scope__bound_source_or_given__decides),
        cmocka_unit_test(scope__nobody_says__one_link_after_the_other),
        cmocka_unit_test(scope__all_links_fail__preferred_one_and_again_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

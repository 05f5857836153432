#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUIET_NS (140 * STK_S_NS) /* TIME_WAIT, reassembly and neighbours are through */

const int sim_families[] = {STK_AF_INET, STK_AF_INET6};

/* "loss" makes the hosts know each other's address for good. */
void sim_scene_open(struct sim_scene *scene, uint64_t seed, const char *port_lines)
{
    char lines[256];
    struct sim_world *world = &scene->world;
    memset(scene, 0, sizeof(*scene));
    (void)snprintf(lines, sizeof(lines), "wire.loss = 0%%\n%s", port_lines);
    sim_world_init(world, seed, lines, "");
    sim_wire_open(&scene->wire, world);
    sim_world_run_until(world, world->now_ns + 10 * STK_S_NS);
    for (int i = 0; i < SIM_HOSTS; i++) {
        sim_pools_read(&world->hosts[i], &scene->before[i]);
    }
    for (int i = 0; i < 2; i++) {
        const struct stk_addr udp = sim_addr(sim_families[i], SIM_VICTIM, SIM_UDP_PORT);
        const struct stk_addr tcp = sim_addr(sim_families[i], SIM_VICTIM, SIM_TCP_PORT);
        struct stk_client *client = world->hosts[SIM_VICTIM].client;
        const int icmp = i == 0 ? 1 : 58;
        sim_flow_open(&scene->flows[i], world, sim_families[i], (uint16_t)(7000 + i));
        scene->udp[i] = sim_open(&world->hosts[SIM_VICTIM], sim_families[i], STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(scene->udp[i], &udp), STK_OK);
        assert_int_equal(stk_sock_open(client, sim_families[i], STK_SOCK_RAW, icmp, 0, &scene->raw[i]), STK_OK);
        const struct stk_addr any = {.family = (uint16_t)sim_families[i]};
        assert_int_equal(stk_sock_bind(scene->raw[i], &any), STK_OK);
        scene->listener[i] = sim_listen(&world->hosts[SIM_VICTIM], &tcp);
        sim_flow_move(&scene->flows[i], 20000);
    }
    sim_wire_drain(&scene->wire);
}

void sim_scene_move(struct sim_scene *scene, uint32_t bytes)
{
    for (int i = 0; i < 2; i++) {
        sim_flow_move(&scene->flows[i], bytes);
    }
    sim_wire_drain(&scene->wire);
}

/* Datagrams that came through, thrown away. */
uint32_t sim_dgrams_take(struct stk_sock *sock)
{
    static uint8_t buf[65536];
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    uint32_t count = 0;
    int64_t got;
    while ((got = stk_sock_recvfrom(sock, &iov, 1, 0, NULL)) != STK_EAGAIN) {
        assert_true(got >= 0);
        count++;
    }
    return count;
}

static void accepted_close(struct stk_sock *listener)
{
    struct stk_sock *sock;
    int err;
    while ((err = stk_sock_accept(listener, 0, &sock, NULL)) != STK_EAGAIN) {
        if (err == STK_OK) {
            assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        }
    }
}

void sim_scene_close(struct sim_scene *scene)
{
    struct sim_world *world = &scene->world;
    sim_scene_move(scene, 30000);
    for (int i = 0; i < 2; i++) {
        accepted_close(scene->listener[i]);
        sim_flow_close(&scene->flows[i]);
        assert_int_equal(stk_sock_close(scene->udp[i], STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(scene->raw[i], STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(scene->listener[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
    sim_world_run_until(world, world->now_ns + QUIET_NS);
    for (int i = 0; i < SIM_HOSTS; i++) {
        sim_pools_same(&world->hosts[i], &scene->before[i]);
    }
    sim_wire_close(&scene->wire);
    sim_world_fini(world);
}

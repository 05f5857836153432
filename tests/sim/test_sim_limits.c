/*
 * Pools that run out, and an application's side that breaks the protocol of
 * the channel: clear errors, counted, and the other sockets go on.
 */
#include "sim_wire.h"

#include "core/client_priv.h"
#include "ipc/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLOWS 4
#define PREY 5 /* sockets that are damaged */

static unsigned seeds_count = 60;
static uint64_t submissions_bad;
static uint64_t damage_seen;

/* --- Pools ------------------------------------------------------------------------- */

static void sockets__all_in_use__refused_then_served(void **state)
{
    static struct stk_sock *socks[64];
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 400, "", "sockets_max = 64\n");
    for (int round = 0; round < 3; round++) {
        struct stk_sock *more;
        for (int i = 0; i < 64; i++) {
            socks[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        }
        assert_int_equal(stk_sock_open(world.hosts[0].client, STK_AF_INET, STK_SOCK_DGRAM, 0, 0, &more), STK_EMFILE);
        for (int i = 0; i < 64; i++) {
            assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
        }
    }
    sim_world_fini(&world);
}

/* FIFO memory for fewer chunks than the streams would like to have. */
static void chunks__pool_empty__streams_go_on(void **state)
{
    static struct sim_flow flows[FLOWS];
    static uint8_t bytes[65536];
    const int32_t room = 1024 * 1024; /* at once: without it the windows of who does not read stay small */
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 401, "wire.delay = 100us\n", "sockets_max = 64\nbuffer_memory = 2MiB\n");
    for (int i = 0; i < FLOWS; i++) {
        sim_flow_open(&flows[i], &world, STK_AF_INET, (uint16_t)(7000 + i));
        assert_int_equal(stk_sock_opt_set(flows[i].ends[1], STK_OPT_RCVBUF, &room, sizeof(room)), STK_OK);
    }
    const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};
    uint64_t queued[FLOWS] = {0};
    for (int tries = 0; tries < 400; tries++) { /* nobody reads: senders and receivers fill up */
        const int64_t n = stk_sock_send(flows[tries % 3].ends[0], &iov, 1);
        assert_true(n > 0 || n == STK_EAGAIN);
        queued[tries % 3] += n > 0 ? (uint64_t)n : 0;
        sim_world_run_until(&world, world.now_ns + STK_MS_NS);
    }
    struct stk_region *region = stk_engine_region(world.hosts[0].engine);
    assert_true(atomic_load(&region->abi->chunks_failed) > 0);
    assert_true(sim_counter(&world.hosts[1], "endpoint.tcp.rx_stalled") > 0);
    const uint64_t limit_ns = world.now_ns + 60 * STK_S_NS;
    uint64_t left = queued[0] + queued[1] + queued[2];
    while (left > 0) { /* what was queued arrives, when all are read */
        const uint64_t before = left;
        for (int i = 0; i < 3; i++) {
            const int64_t n = stk_sock_recv(flows[i].ends[1], &iov, 1, 0);
            assert_true(n > 0 || n == STK_EAGAIN);
            left -= n > 0 ? (uint64_t)n : 0;
        }
        if (left == before) {
            sim_world_run_until(&world, world.now_ns + STK_MS_NS);
        }
        assert_true(world.now_ns < limit_ns);
    }
    for (int i = 0; i < 3; i++) { /* and the starved senders are woken */
        (void)sim_wait(&world.hosts[0], flows[i].ends[0], STK_READY_OUT);
    }
    for (int i = 0; i < FLOWS; i++) {
        sim_flow_move(&flows[i], 300000);
    }
    for (int i = 0; i < FLOWS; i++) {
        sim_flow_close(&flows[i]);
    }
    sim_world_fini(&world);
}

/* Connections beyond the limit fail by name, and those that are there go on. */
static void connections__limit_reached__clear_error(void **state)
{
    static struct sim_flow flows[FLOWS];
    static struct stk_sock *extra[64];
    struct sim_world world;
    int refused = 0;
    (void)state;
    sim_world_init(&world, 402, "", "sockets_max = 128\ntcp_max = 32\n");
    for (int i = 0; i < FLOWS; i++) {
        sim_flow_open(&flows[i], &world, STK_AF_INET, (uint16_t)(7000 + i));
    }
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7100);
    struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 100), STK_OK);
    for (int i = 0; i < 64; i++) {
        extra[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        const int err = stk_sock_connect(extra[i], &addr);
        assert_true(err == STK_EINPROGRESS || err == STK_ENOMEM);
        refused += err == STK_ENOMEM;
        sim_world_run_until(&world, world.now_ns + STK_MS_NS);
        sim_flow_move(&flows[i % FLOWS], 2000);
    }
    assert_true(refused > 0);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(stk_sock_close(extra[i], STK_CLOSE_ABORT), STK_OK);
    }
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    struct stk_sock *again = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(again, &addr), STK_EINPROGRESS);
    assert_int_equal(sim_wait(&world.hosts[0], again, STK_READY_CONN | STK_READY_FAIL), STK_READY_CONN);
    assert_int_equal(stk_sock_close(again, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    for (int i = 0; i < FLOWS; i++) {
        sim_flow_close(&flows[i]);
    }
    sim_world_fini(&world);
}

/* --- A hostile application --------------------------------------------------------------- */

static uint64_t draw64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    return (uint32_t)((draw64(state) >> 32) % below);
}

/* A position as a liar would have it: near, far, wrapped. */
static uint64_t position(uint64_t *random, uint64_t true_one)
{
    switch (draw(random, 5)) {
    case 0:
        return true_one + draw(random, 100000);
    case 1:
        return true_one - draw(random, 100000);
    case 2:
        return true_one + STK_FIFO_MAX + draw(random, 3) - 1;
    case 3:
        return draw64(random);
    default:
        return UINT64_MAX - draw(random, 10);
    }
}

static void slot_damage(struct stk_region *region, struct stk_sock_abi *abi, uint64_t *random)
{
    /* Never a chunk of somebody else: in one process that is the application's own memory anyway. */
    const uint32_t index = draw(random, 2) != 0 ? STK_CHUNK_NONE : region->chunks_count + draw(random, 1000);
    switch (draw(random, 16)) {
    case 0:
        atomic_store(&abi->tx_tail, position(random, atomic_load(&abi->tx_tail)));
        break;
    case 1:
        atomic_store(&abi->rx_head, position(random, atomic_load(&abi->rx_head)));
        break;
    case 2:
        atomic_store(&abi->tx_slots[draw(random, STK_FIFO_SLOTS)], index);
        break;
    case 3:
        atomic_store(&abi->rx_slots[draw(random, STK_FIFO_SLOTS)], index);
        break;
    case 4:
        atomic_store(&abi->state, draw(random, 1u << 11));
        break;
    case 5:
        atomic_store(&abi->armed, draw(random, UINT32_MAX));
        break;
    case 6:
        abi->rx_limit = draw(random, UINT32_MAX);
        break;
    case 7:
        atomic_store(&abi->tx_limit, draw(random, UINT32_MAX));
        break;
    case 8:
        atomic_store(&abi->tx_lock, draw(random, 3));
        break;
    case 9:
        atomic_store(&abi->generation, draw(random, 5));
        break;
    case 10:
        atomic_store(&abi->tx_head, draw64(random));
        break;
    case 11:
        atomic_store(&abi->tx_urgent, position(random, atomic_load(&abi->tx_tail)));
        break;
    case 12:
        atomic_store(&abi->rx_posted, position(random, atomic_load(&abi->rx_tail)));
        break;
    case 13:
        atomic_store(&abi->rx_urgent_read, draw(random, UINT32_MAX));
        break;
    case 14:
        atomic_store(&abi->isb_seen, draw(random, UINT32_MAX));
        break;
    default:
        atomic_store(&abi->rx_tail, draw64(random));
        break;
    }
}

/* A submission with anything in it; only the sockets named by prey, or none, are meant. */
static void submission_damage(struct stk_ring_abi *ring, const uint32_t *prey, const uint32_t *generations,
                              uint64_t *random)
{
    static const uint32_t ops[] = {STK_SUB_KICK,
                                   STK_SUB_BIND,
                                   STK_SUB_LISTEN,
                                   STK_SUB_CONNECT,
                                   STK_SUB_SHUTDOWN,
                                   STK_SUB_OPT_SET,
                                   STK_SUB_OPT_GET,
                                   STK_SUB_ROUTE,
                                   STK_SUB_AUTOBIND,
                                   STK_SUB_MCAST_SET,
                                   STK_SUB_ADMIT,
                                   STK_SUB_PORTS,
                                   0,
                                   99,
                                   0xffff};
    struct stk_sub_abi sub;
    uint8_t *bytes = (uint8_t *)&sub;
    for (size_t i = 0; i < sizeof(sub); i++) {
        bytes[i] = (uint8_t)draw(random, draw(random, 2) != 0 ? 256 : 3);
    }
    const uint32_t pick = draw(random, PREY);
    sub.op = ops[draw(random, sizeof(ops) / sizeof(ops[0]))];
    sub.sock = draw(random, 8) != 0 ? prey[pick] : draw(random, 2) != 0 ? 1000 + draw(random, 1000) : UINT32_MAX;
    sub.generation = draw(random, 8) != 0 ? generations[pick] : draw(random, 4) + 100;
    if (draw(random, 3) == 0) { /* sometimes it makes sense */
        sub.addr = sim_addr(draw(random, 2) != 0 ? STK_AF_INET : STK_AF_INET6, (int)draw(random, 3),
                            (uint16_t)draw(random, 3));
    }
    (void)stk_sub_push(ring, &sub);
    atomic_store(&ring->rep_head, draw(random, 4) != 0 ? atomic_load(&ring->rep_tail) : draw(random, UINT32_MAX));
}

static void prey_open(struct sim_world *world, struct sim_flow *flow, uint32_t *prey, uint32_t *generations)
{
    struct stk_sock *socks[PREY];
    struct stk_client *client = world->hosts[0].client;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 0, 7777);
    struct stk_region *region = stk_engine_region(world->hosts[0].engine);
    sim_flow_open(flow, world, STK_AF_INET6, 7001);
    sim_flow_move(flow, 10000);
    socks[0] = flow->ends[0];
    socks[1] = sim_open(&world->hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(socks[1], &addr), STK_OK);
    assert_int_equal(stk_sock_open(client, STK_AF_INET6, STK_SOCK_RAW, 58, 0, &socks[2]), STK_OK);
    socks[3] = sim_listen(&world->hosts[0], &addr);
    socks[4] = sim_open(&world->hosts[0], STK_AF_INET6, STK_SOCK_STREAM);
    for (int i = 0; i < PREY; i++) {
        prey[i] = socks[i]->index;
        generations[i] = atomic_load(&region->socks[prey[i]].generation);
    }
}

static void hostile_seed(unsigned seed)
{
    struct sim_world world;
    struct sim_flow victim;
    struct sim_flow flow;
    uint32_t prey[PREY];
    uint32_t generations[PREY];
    uint64_t random = seed;
    sim_world_init(&world, seed, "wire.loss = 0%\n", "");
    sim_flow_open(&victim, &world, STK_AF_INET, 7000);
    prey_open(&world, &flow, prey, generations);
    struct stk_region *region = stk_engine_region(world.hosts[0].engine);
    struct stk_ring_abi *ring = &region->rings[40];
    atomic_store(&ring->owner, 77);
    (void)atomic_fetch_or(&region->abi->rings_active, UINT64_C(1) << 40);
    for (int i = 0; i < 400; i++) {
        slot_damage(region, &region->socks[prey[draw(&random, PREY)]], &random);
        submission_damage(ring, prey, generations, &random);
        if (draw(&random, 50) == 0) {
            atomic_store(&ring->sub_tail, draw(&random, UINT32_MAX));
        }
        sim_flow_move(&victim, 700);
    }
    sim_flow_move(&victim, 100000);
    sim_world_run_until(&world, world.now_ns + 100 * STK_S_NS);
    sim_flow_move(&victim, 1000);
    submissions_bad += sim_counter(&world.hosts[0], "engine.loop.submissions_bad");
    damage_seen += sim_counter(&world.hosts[0], "endpoint.all.bad_submissions");
    /* Chunks that the slots named are lost to their process: no check of the pool here. */
    for (int i = 0; i < SIM_HOSTS; i++) {
        stk_client_detach(world.hosts[i].client, 1000);
    }
    for (int i = 0; i < SIM_HOSTS; i++) {
        stk_engine_destroy(world.hosts[i].engine);
        stk_config_free(world.hosts[i].config);
    }
}

static void region__damaged_by_its_application__others_go_on(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= seeds_count; seed++) {
        print_message("seed %u\n", seed);
        hostile_seed(seed);
    }
    assert_true(submissions_bad > seeds_count);
    assert_true(damage_seen > seeds_count / 4);
}

/* A listener's backlog is counted by what its application has taken, and that is at most what there was. */
static void listener__head_of_its_queue_forged__backlog_stays(void **state)
{
    static const uint64_t lies[] = {8, 80, UINT64_C(1) << 35, UINT64_MAX - 79, 3};
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 80);
        struct stk_sock *clients[6];
        struct sim_world world;
        print_message("row %u\n", (unsigned)i);
        sim_world_init(&world, 404, "", "");
        struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
        assert_int_equal(stk_sock_listen(listener, 2), STK_OK);
        const uint64_t head = atomic_load(&listener->abi->rx_head);
        atomic_store(&listener->abi->rx_head, head - lies[i]);
        uint32_t connected = 0;
        for (int k = 0; k < 6; k++) {
            clients[k] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
            assert_int_equal(stk_sock_connect(clients[k], &addr), STK_EINPROGRESS);
            (void)sim_wait(&world.hosts[0], clients[k], STK_READY_CONN | STK_READY_FAIL);
            connected += (atomic_load(&clients[k]->abi->state) & STK_ST_CONNECTED) != 0;
        }
        assert_int_equal(connected, 2);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK); /* and those two are ended */
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        for (int k = 0; k < 6; k++) {
            assert_int_equal(atomic_load(&clients[k]->abi->state) & STK_ST_CONNECTED, 0);
            assert_int_equal(stk_sock_close(clients[k], STK_CLOSE_ABORT), STK_OK);
        }
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        assert_int_equal(sim_counter(&world.hosts[1], "endpoint.all.in_use"), 0);
        sim_world_fini(&world);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        seeds_count = (unsigned)strtoul(argv[1], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets__all_in_use__refused_then_served),
        cmocka_unit_test(chunks__pool_empty__streams_go_on),
        cmocka_unit_test(connections__limit_reached__clear_error),
        cmocka_unit_test(listener__head_of_its_queue_forged__backlog_stays),
        cmocka_unit_test(region__damaged_by_its_application__others_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

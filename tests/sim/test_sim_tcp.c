/*
 * TCP between two hosts over a wire that loses, reorders and duplicates, in
 * virtual time: byte exact both ways with half close, whatever the seed.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOSSY "wire.loss = 5%\nwire.reorder = 5%\nwire.duplicate = 5%\nwire.delay = 50us\nwire.reorder_gap = 300us\n"

static unsigned seeds_count = 30;
static unsigned seeds_first = 1;

/* One direction of a transfer: bytes are a function of position and seed. */
struct flow {
    struct stk_sock *from;
    struct stk_sock *to;
    uint64_t size;
    uint64_t sent;
    uint64_t got;
    uint64_t key;
    bool shut;
    bool eof;
};

static uint8_t flow_byte(uint64_t key, uint64_t at)
{
    const uint64_t z = (at + key) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(z >> 40);
}

static bool flow_send(struct flow *flow)
{
    static uint8_t buf[8192];
    if (flow->shut) {
        return false;
    }
    if (flow->sent == flow->size) {
        assert_int_equal(stk_sock_shutdown(flow->from, STK_SHUT_WR), STK_OK);
        flow->shut = true;
        return true;
    }
    const uint64_t want = flow->size - flow->sent < sizeof(buf) ? flow->size - flow->sent : sizeof(buf);
    for (uint64_t i = 0; i < want; i++) {
        buf[i] = flow_byte(flow->key, flow->sent + i);
    }
    const struct stk_iov iov = {.base = buf, .len = want};
    const int64_t got = stk_sock_send(flow->from, &iov, 1);
    if (got == STK_EAGAIN) {
        return false;
    }
    assert_true(got > 0);
    flow->sent += (uint64_t)got;
    return true;
}

static bool flow_recv(struct flow *flow)
{
    static uint8_t buf[8192];
    if (flow->eof) {
        return false;
    }
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    const int64_t got = stk_sock_recv(flow->to, &iov, 1, 0);
    if (got == STK_EAGAIN) {
        return false;
    }
    if (got < 0) {
        fail_msg("receive: %s after %llu bytes", stk_err_name((int)got), (unsigned long long)flow->got);
    }
    if (got == 0) {
        assert_true(flow->got == flow->size);
        flow->eof = true;
        return true;
    }
    for (int64_t i = 0; i < got; i++) {
        if (buf[i] != flow_byte(flow->key, flow->got + (uint64_t)i)) {
            fail_msg("byte %llu differs", (unsigned long long)(flow->got + (uint64_t)i));
        }
    }
    flow->got += (uint64_t)got;
    return true;
}

static void transfer(struct sim_world *world, int family, uint64_t size)
{
    struct stk_sock *client;
    struct stk_sock *server;
    sim_connect_pair(world, family, 7000, &client, &server);
    struct flow there = {.from = client, .to = server, .size = size, .key = world->seed};
    struct flow back = {.from = server, .to = client, .size = size + 1, .key = ~world->seed};
    while (!there.eof || !back.eof) {
        bool moved = flow_send(&there);
        moved = flow_recv(&there) || moved;
        moved = flow_send(&back) || moved;
        moved = flow_recv(&back) || moved;
        if (!moved) {
            sim_world_run_until(world, world->now_ns + 100 * 1000);
        }
    }
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
}

static void clean_wire__both_ways__byte_exact(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        sim_world_init(&world, 1, "wire.delay = 20us\n", "");
        transfer(&world, family, 4 << 20);
        sim_world_fini(&world);
    }
}

static void clean_wire__burst__few_acks(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    sim_world_init(&world, 2, "wire.delay = 20us\n", "");
    sim_connect_pair(&world, STK_AF_INET, 7003, &client, &server);
    struct flow there = {.from = client, .to = server, .size = 4 << 20, .key = 2};
    while (!there.eof) {
        bool moved = flow_send(&there);
        moved = flow_recv(&there) || moved;
        if (!moved) {
            sim_world_run_until(&world, world.now_ns + 100 * 1000);
        }
    }
    const uint64_t segments = sim_counter(&world.hosts[1], "nic.sim1.rx_frames");
    const uint64_t answers = sim_counter(&world.hosts[1], "nic.sim1.tx_frames");
    assert_true(segments > 2800);
    assert_in_range(answers, 1, segments / 4);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void write_whole(struct sim_world *world, struct stk_sock *client, struct stk_sock *server, size_t size)
{
    static uint8_t buf[65536];
    for (size_t sent = 0, got = 0; got < size;) {
        const struct stk_iov out = {.base = buf, .len = size - sent};
        const struct stk_iov in = {.base = buf, .len = sizeof(buf)};
        const int64_t done = sent < size ? stk_sock_send(client, &out, 1) : 0;
        sent += done > 0 ? (size_t)done : 0;
        (void)sim_wait(&world->hosts[1], server, STK_READY_IN);
        const int64_t more = stk_sock_recv(server, &in, 1, 0);
        got += more > 0 ? (size_t)more : 0;
    }
}

static void nagle__large_write__end_leaves_at_once(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    sim_world_init(&world, 8, "wire.delay = 5us\n", "");
    sim_connect_pair(&world, STK_AF_INET, 7004, &client, &server);
    for (size_t size = 1000; size < 60000; size += 1111) {
        const uint64_t before = world.now_ns;
        write_whole(&world, client, server, size);
        assert_in_range(world.now_ns - before, 0, 10 * STK_MS_NS); /* virtual time: no timer was waited for */
        sim_world_run_until(&world, world.now_ns + STK_S_NS);      /* everything acknowledged */
    }
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void lossy_wire__every_seed__byte_exact(void **state)
{
    (void)state;
    for (unsigned seed = seeds_first; seed < seeds_first + seeds_count; seed++) {
        struct sim_world world;
        print_message("seed %u\n", seed);
        sim_world_init(&world, seed, LOSSY, "");
        transfer(&world, (seed & 1) != 0 ? STK_AF_INET : STK_AF_INET6, 1 << 20);
        sim_world_fini(&world);
    }
}

static void same_seed__twice__same_virtual_time(void **state)
{
    (void)state;
    uint64_t ends[2];
    for (int i = 0; i < 2; i++) {
        struct sim_world world;
        sim_world_init(&world, 42, LOSSY, "");
        transfer(&world, STK_AF_INET, 1 << 18);
        ends[i] = world.now_ns;
        sim_world_fini(&world);
    }
    assert_true(ends[0] == ends[1]);
}

static void connect__closed_port__refused(void **state)
{
    (void)state;
    struct sim_world world;
    sim_world_init(&world, 3, "", "");
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 9);
    assert_int_equal(stk_sock_connect(sock, &addr), STK_EINPROGRESS);
    assert_true((sim_wait(&world.hosts[0], sock, STK_READY_CONN | STK_READY_FAIL) & STK_READY_FAIL) != 0);
    assert_int_equal(stk_sock_error_take(sock), STK_ECONNREFUSED);
    assert_int_equal(stk_sock_error_take(sock), 0);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void connect__no_route__unreachable(void **state)
{
    (void)state;
    struct sim_world world;
    sim_world_init(&world, 4, "", "");
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    struct stk_addr addr = {.family = STK_AF_INET, .port = 9, .ip = {192, 0, 2, 1}};
    assert_int_equal(stk_sock_connect(sock, &addr), STK_ENETUNREACH);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* A connection has one peer: RFC 9293 3.9.1.1 (MUST-46); not a frame leaves, and the socket serves again. */
static void connect__an_address_of_many__unreachable(void **state)
{
    (void)state;
    const int32_t no = 0;
    static const struct stk_addr rows[] = {
        {.family = STK_AF_INET, .port = 9, .ip = {239, 10, 20, 30}},
        {.family = STK_AF_INET, .port = 9, .ip = {255, 255, 255, 255}},
        {.family = STK_AF_INET, .port = 9, .ip = {10, 9, 0, 255}},
        {.family = STK_AF_INET6, .port = 9, .ip = {0xff, 0x1e, [15] = 1}},
        {.family = STK_AF_INET6, .port = 9, .ip = {[10] = 0xff, 0xff, 239, 10, 20, 30}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_world world;
        sim_world_init(&world, 30 + (uint32_t)i, "", "");
        struct stk_sock *sock = sim_open(&world.hosts[0], rows[i].family, STK_SOCK_STREAM);
        if (rows[i].family == STK_AF_INET6) {
            assert_int_equal(stk_sock_opt_set(sock, STK_OPT_V6ONLY, &no, sizeof(no)), STK_OK);
        }
        assert_int_equal(stk_sock_connect(sock, &rows[i]), STK_ENETUNREACH);
        const struct stk_addr peer = sim_addr(rows[i].family, 1, 9);
        assert_int_equal(stk_sock_connect(sock, &peer), STK_EINPROGRESS);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        sim_world_fini(&world);
    }
}

static void connect__peer_silent__times_out_in_bounds(void **state)
{
    (void)state;
    struct sim_world world;
    sim_world_init(&world, 5, "neighbour = 10.9.0.99 02:00:00:00:09:99\n", "connect_timeout = 5s\n");
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr addr = {.family = STK_AF_INET, .port = 9, .ip = {10, 9, 0, 99}};
    const uint64_t before = world.now_ns;
    assert_int_equal(stk_sock_connect(sock, &addr), STK_EINPROGRESS);
    assert_true((sim_wait(&world.hosts[0], sock, STK_READY_CONN | STK_READY_FAIL) & STK_READY_FAIL) != 0);
    assert_int_equal(stk_sock_error_take(sock), STK_ETIMEDOUT);
    assert_in_range(world.now_ns - before, 4 * STK_S_NS, 7 * STK_S_NS);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void close__unread_data__peer_sees_reset(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    uint8_t buf[64] = {1};
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    sim_world_init(&world, 6, "", "");
    sim_connect_pair(&world, STK_AF_INET, 7001, &client, &server);
    assert_int_equal(stk_sock_send(client, &iov, 1), sizeof(buf));
    (void)sim_wait(&world.hosts[1], server, STK_READY_IN);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    (void)sim_wait(&world.hosts[0], client, STK_READY_RESET);
    assert_int_equal(stk_sock_recv(client, &iov, 1, 0), STK_ECONNRESET);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void listen__backlog_full__refused_then_served(void **state)
{
    (void)state;
    struct sim_world world;
    sim_world_init(&world, 7, "", "");
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7002);
    struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *socks[3];
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 2), STK_OK);
    for (int i = 0; i < 3; i++) {
        socks[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_connect(socks[i], &addr), STK_EINPROGRESS);
        const uint32_t ready = sim_wait(&world.hosts[0], socks[i], STK_READY_CONN | STK_READY_FAIL);
        assert_int_equal(ready, i < 2 ? STK_READY_CONN : STK_READY_FAIL);
    }
    assert_int_equal(stk_sock_error_take(socks[2]), STK_ECONNREFUSED);
    struct stk_sock *server;
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    assert_int_equal(stk_sock_connect(socks[2], &addr), STK_EINPROGRESS); /* WSPCONNECT-4 */
    assert_int_equal(sim_wait(&world.hosts[0], socks[2], STK_READY_CONN | STK_READY_FAIL), STK_READY_CONN);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        seeds_count = (unsigned)strtoul(argv[1], NULL, 10);
    }
    if (argc > 2) {
        seeds_first = (unsigned)strtoul(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_wire__both_ways__byte_exact),
        cmocka_unit_test(clean_wire__burst__few_acks),
        cmocka_unit_test(nagle__large_write__end_leaves_at_once),
        cmocka_unit_test(connect__closed_port__refused),
        cmocka_unit_test(connect__no_route__unreachable),
        cmocka_unit_test(connect__an_address_of_many__unreachable),
        cmocka_unit_test(connect__peer_silent__times_out_in_bounds),
        cmocka_unit_test(close__unread_data__peer_sees_reset),
        cmocka_unit_test(listen__backlog_full__refused_then_served),
        cmocka_unit_test(same_seed__twice__same_virtual_time),
        cmocka_unit_test(lossy_wire__every_seed__byte_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

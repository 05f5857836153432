/*
 * The shapes that connections and binds take: closed windows, slow readers,
 * half and simultaneous close, aborts, many at once, to oneself, conflicts of
 * addresses, no port left, large frames and tagged ones.
 */
#include "sim_wire.h"

#include "core/engine_priv.h"
#include "drv/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 100

static const int families[] = {STK_AF_INET, STK_AF_INET6};

static int64_t send_some(struct stk_sock *sock, const void *bytes, size_t len)
{
    const struct stk_iov iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    return stk_sock_send(sock, &iov, 1);
}

static int64_t recv_some(struct stk_sock *sock, void *bytes, size_t len)
{
    const struct stk_iov iov = {.base = bytes, .len = len};
    return stk_sock_recv(sock, &iov, 1, 0);
}

static void pair_close(struct stk_sock *a, struct stk_sock *b)
{
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
}

/* --- Windows ------------------------------------------------------------------ */

/* The reader sleeps for ten minutes: probes keep the connection, and it goes on when the window opens. */
static void window__closed_for_long__goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sim_world world;
        struct sim_flow flow;
        static uint8_t bytes[65536];
        uint64_t queued = 0;
        int64_t n;
        sim_world_init(&world, 300, "wire.delay = 1ms\n", "");
        sim_flow_open(&flow, &world, families[i], 7000);
        while (world.now_ns < (1600 + 30 * (uint64_t)i) * STK_S_NS) {
            n = send_some(flow.ends[0], bytes, sizeof(bytes));
            assert_true(n > 0 || n == STK_EAGAIN);
            queued += n > 0 ? (uint64_t)n : 0;
            sim_world_run_until(&world, world.now_ns + STK_S_NS);
        }
        assert_true(queued > 65536);
        uint64_t got = 0;
        while (got < queued) {
            (void)sim_wait(&world.hosts[1], flow.ends[1], STK_READY_IN);
            n = recv_some(flow.ends[1], bytes, sizeof(bytes));
            assert_true(n > 0);
            got += (uint64_t)n;
        }
        sim_flow_move(&flow, 100000);
        sim_flow_close(&flow);
        sim_world_fini(&world);
    }
}

static void window__tiny_buffer_slow_reader__byte_exact(void **state)
{
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    const int32_t small = 2048;
    uint32_t sent = 0;
    uint32_t got = 0;
    (void)state;
    sim_world_init(&world, 301, "wire.loss = 2%\nwire.delay = 1ms\n", "");
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7000);
    struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_opt_set(listener, STK_OPT_RCVBUF, &small, sizeof(small)), STK_OK);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 1), STK_OK);
    client = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(client, &addr), STK_EINPROGRESS);
    (void)sim_wait(&world.hosts[0], client, STK_READY_CONN);
    (void)sim_wait(&world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    while (got < 100000) {
        uint8_t bytes[700];
        for (uint32_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)((sent + i) * 7 >> 3);
        }
        const int64_t n = sent < 100000 ? send_some(client, bytes, sizeof(bytes)) : 0;
        sent += n > 0 ? (uint32_t)n : 0;
        struct stk_sock_status status;
        stk_sock_status(server, &status);
        assert_true(status.rx_bytes <= 4096); /* the window kept the sender back */
        const int64_t m = recv_some(server, bytes, 100);
        for (int64_t i = 0; i < m; i++) {
            assert_int_equal(bytes[i], (uint8_t)((got + (uint32_t)i) * 7 >> 3));
        }
        got += m > 0 ? (uint32_t)m : 0;
        sim_world_run_until(&world, world.now_ns + STK_MS_NS);
    }
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    pair_close(client, listener);
    sim_world_fini(&world);
}

/* So many bytes into a closed window of 4096, then the end; after a while all of it is read. */
static void fill_window_and_end(struct sim_world *world, struct stk_sock *listener, uint32_t total, uint64_t sleep_ns)
{
    static uint8_t bytes[8192];
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7000);
    struct stk_sock *client = sim_open(&world->hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *server;
    uint32_t got = 0;
    assert_int_equal(stk_sock_connect(client, &addr), STK_EINPROGRESS);
    (void)sim_wait(&world->hosts[0], client, STK_READY_CONN);
    (void)sim_wait(&world->hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    for (uint32_t sent = 0; sent < total;) {
        const int64_t n = send_some(client, bytes, total - sent < 900 ? total - sent : 900);
        assert_true(n > 0);
        sent += (uint32_t)n;
    }
    assert_int_equal(stk_sock_shutdown(client, STK_SHUT_WR), STK_OK);
    sim_world_run_until(world, world->now_ns + sleep_ns);
    for (;;) {
        (void)sim_wait(&world->hosts[1], server, STK_READY_IN);
        const int64_t n = recv_some(server, bytes, 500);
        if (n == 0) {
            break;
        }
        assert_true(n > 0);
        got += (uint32_t)n;
    }
    if (got != total) {
        fail_msg("%u bytes sent, %u came before the end", total, got);
    }
    pair_close(client, server);
}

static void window__full_before_the_end__all_bytes_then_the_end(void **state)
{
    struct sim_world world;
    const int32_t window = 4096;
    (void)state;
    sim_world_init(&world, 311, "wire.delay = 1ms\n", "");
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7000);
    struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_opt_set(listener, STK_OPT_RCVBUF, &window, sizeof(window)), STK_OK);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 1), STK_OK);
    for (uint32_t total = 3000; total < 6000; total += 61) {
        fill_window_and_end(&world, listener, total, 10 * STK_S_NS);
    }
    fill_window_and_end(&world, listener, 4096, 1800 * STK_S_NS); /* the FIN alone does not fit; half an hour */
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* Both ends send so many bytes and shut down; nobody reads for a minute, in which they have little to say. */
static void fill_both_and_end(struct sim_world *world, struct stk_sock *listener, uint32_t total, int32_t window)
{
    static uint8_t bytes[8192];
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7000);
    struct stk_sock *ends[2];
    ends[0] = sim_open(&world->hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_opt_set(ends[0], STK_OPT_RCVBUF, &window, sizeof(window)), STK_OK);
    assert_int_equal(stk_sock_connect(ends[0], &addr), STK_EINPROGRESS);
    (void)sim_wait(&world->hosts[0], ends[0], STK_READY_CONN);
    (void)sim_wait(&world->hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &ends[1], NULL), STK_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send_some(ends[i], bytes, total), total);
        assert_int_equal(stk_sock_shutdown(ends[i], STK_SHUT_WR), STK_OK);
    }
    const uint64_t before = sim_counter(&world->hosts[0], "nic.sim0.tx_frames");
    sim_world_run_until(world, world->now_ns + 60 * STK_S_NS);
    const uint64_t frames = sim_counter(&world->hosts[0], "nic.sim0.tx_frames") - before;
    if (frames > 300) {
        fail_msg("%u bytes each way: %llu frames in a minute", total, (unsigned long long)frames);
    }
    for (int i = 0; i < 2; i++) {
        uint32_t got = 0;
        int64_t n;
        do {
            (void)sim_wait(&world->hosts[i], ends[i], STK_READY_IN);
            n = recv_some(ends[i], bytes, sizeof(bytes));
            assert_true(n >= 0);
            got += (uint32_t)n;
        } while (n > 0);
        assert_int_equal(got, total);
    }
    pair_close(ends[0], ends[1]);
}

static void window__both_full_before_the_end__quiet_until_read(void **state)
{
    struct sim_world world;
    const int32_t window = 4096;
    (void)state;
    sim_world_init(&world, 312, "wire.delay = 1ms\n", "");
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 7000);
    struct stk_sock *listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_opt_set(listener, STK_OPT_RCVBUF, &window, sizeof(window)), STK_OK);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 1), STK_OK);
    for (uint32_t total = 4090; total < 4102; total++) {
        fill_both_and_end(&world, listener, total, window);
    }
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* Five idle minutes after the handshake are not a round trip: what is lost behind the first data is sent again soon. */
static void resend__after_idle_start__within_seconds(void **state)
{
    (void)state;
    for (int from = 0; from < 2; from++) {
        struct sim_world world;
        struct stk_sock *ends[2];
        struct stk_sock *other[2];
        uint8_t bytes[100] = {1};
        sim_world_init(&world, 310, "wire.loss = 0%\nwire.delay = 1ms\n", "");
        sim_connect_pair(&world, STK_AF_INET, 7001, &other[0], &other[1]); /* TCP's clock runs */
        sim_world_run_until(&world, world.now_ns + 10 * STK_S_NS);
        sim_connect_pair(&world, STK_AF_INET, 7000, &ends[0], &ends[1]);
        sim_world_run_until(&world, world.now_ns + 300 * STK_S_NS);
        assert_int_equal(send_some(ends[from], bytes, sizeof(bytes)), sizeof(bytes));
        (void)sim_wait(&world.hosts[1 - from], ends[1 - from], STK_READY_IN);
        assert_int_equal(recv_some(ends[1 - from], bytes, sizeof(bytes)), sizeof(bytes));
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        struct nic_port *port = world.hosts[from].engine->ports[0];
        const uint64_t start_ns = world.now_ns;
        drv_wire_link_set(port, false);
        assert_int_equal(send_some(ends[from], bytes, sizeof(bytes)), sizeof(bytes));
        sim_world_run_until(&world, start_ns + 50 * STK_MS_NS);
        drv_wire_link_set(port, true);
        (void)sim_wait(&world.hosts[1 - from], ends[1 - from], STK_READY_IN);
        assert_in_range(world.now_ns - start_ns, 50 * STK_MS_NS, 5 * STK_S_NS);
        pair_close(ends[0], ends[1]);
        pair_close(other[0], other[1]);
        sim_world_fini(&world);
    }
}

/* --- Ends -------------------------------------------------------------------- */

/* Either side may close its half first; the other one still sends. */
static void half_close__either_side__rest_arrives(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct sim_world world;
        struct stk_sock *ends[2];
        static uint8_t bytes[3000];
        sim_world_init(&world, 302, "wire.delay = 1ms\n", "");
        sim_connect_pair(&world, STK_AF_INET, 7000, &ends[0], &ends[1]);
        struct stk_sock *half = ends[first];
        struct stk_sock *whole = ends[1 - first];
        assert_int_equal(send_some(half, bytes, 100), 100);
        assert_int_equal(stk_sock_shutdown(half, STK_SHUT_WR), STK_OK);
        assert_int_equal(send_some(half, bytes, 1), STK_ESHUTDOWN);
        const uint64_t start_ns = world.now_ns;
        (void)sim_wait(&world.hosts[first], half, STK_READY_DRAINED); /* the peer's end stays open */
        assert_in_range(world.now_ns - start_ns, STK_MS_NS, STK_S_NS);
        (void)sim_wait(&world.hosts[1 - first], whole, STK_READY_EOF);
        assert_int_equal(recv_some(whole, bytes, sizeof(bytes)), 100);
        assert_int_equal(recv_some(whole, bytes, sizeof(bytes)), 0);
        for (int i = 0; i < 256; i++) {
            assert_int_equal(send_some(whole, bytes, sizeof(bytes)), sizeof(bytes));
            sim_world_run_until(&world, world.now_ns + 10 * STK_MS_NS);
            int64_t got = 0;
            while (got < (int64_t)sizeof(bytes)) {
                const int64_t n = recv_some(half, bytes, sizeof(bytes));
                assert_true(n > 0);
                got += n;
            }
        }
        assert_int_equal(stk_sock_shutdown(whole, STK_SHUT_WR), STK_OK);
        (void)sim_wait(&world.hosts[first], half, STK_READY_EOF);
        assert_int_equal(recv_some(half, bytes, sizeof(bytes)), 0);
        pair_close(ends[0], ends[1]);
        sim_world_fini(&world);
    }
}

static void close__both_at_once__both_drained(void **state)
{
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    uint8_t byte;
    (void)state;
    sim_world_init(&world, 303, "wire.delay = 10ms\n", "");
    sim_connect_pair(&world, STK_AF_INET6, 7000, &a, &b);
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    assert_int_equal(stk_sock_shutdown(a, STK_SHUT_WR), STK_OK);
    assert_int_equal(stk_sock_shutdown(b, STK_SHUT_WR), STK_OK);
    (void)sim_wait(&world.hosts[0], a, STK_READY_DRAINED);
    (void)sim_wait(&world.hosts[1], b, STK_READY_DRAINED);
    assert_int_equal(recv_some(a, &byte, 1), 0);
    assert_int_equal(recv_some(b, &byte, 1), 0);
    pair_close(a, b);
    sim_world_fini(&world);
}

static void close__abort_with_data_queued__peer_reset(void **state)
{
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    static uint8_t bytes[50000];
    (void)state;
    sim_world_init(&world, 304, "wire.delay = 10ms\n", "");
    sim_connect_pair(&world, STK_AF_INET, 7000, &a, &b);
    assert_true(send_some(a, bytes, sizeof(bytes)) > 0);
    assert_int_equal(stk_sock_close(a, STK_CLOSE_ABORT), STK_OK);
    (void)sim_wait(&world.hosts[1], b, STK_READY_RESET);
    int64_t n;
    while ((n = recv_some(b, bytes, sizeof(bytes))) > 0) {
    }
    assert_int_equal(n, STK_ECONNRESET);
    assert_int_equal(send_some(b, bytes, 1), STK_ECONNRESET);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* --- Many ---------------------------------------------------------------------- */

static void connections__many_at_once_with_loss__all_serve(void **state)
{
    struct sim_world world;
    static struct sim_flow flows[MANY];
    static struct sim_pools before[SIM_HOSTS];
    (void)state;
    sim_world_init(&world, 305, "wire.loss = 3%\nwire.reorder = 3%\nwire.delay = 200us\n", "");
    sim_world_run_until(&world, world.now_ns + 10 * STK_S_NS);
    for (int i = 0; i < SIM_HOSTS; i++) {
        sim_pools_read(&world.hosts[i], &before[i]);
    }
    for (int i = 0; i < MANY; i++) {
        sim_flow_open(&flows[i], &world, families[i & 1], (uint16_t)(7000 + i));
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            sim_flow_move(&flows[i], 6000);
        }
    }
    for (int i = 0; i < MANY; i++) {
        sim_flow_close(&flows[i]);
    }
    sim_world_run_until(&world, world.now_ns + 200 * STK_S_NS);
    for (int i = 0; i < SIM_HOSTS; i++) {
        sim_pools_same(&world.hosts[i], &before[i]);
    }
    sim_world_fini(&world);
}

static void connect__own_addresses__served_within(void **state)
{
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 306, "", "");
    for (int row = 0; row < 4; row++) {
        const int family = families[row & 1];
        struct stk_addr addr = sim_addr(family, 0, (uint16_t)(7000 + row));
        struct stk_sock *b;
        static uint8_t bytes[4000];
        if (row >= 2) { /* 127.0.0.1, ::1 */
            memset(addr.ip, 0, sizeof(addr.ip));
            memcpy(addr.ip, family == STK_AF_INET ? (uint8_t[]){127, 0, 0, 1} : (uint8_t[]){0, 0, 0, 0}, 4);
            addr.ip[15] = family == STK_AF_INET6;
        }
        struct stk_sock *listener = sim_listen(&world.hosts[0], &addr);
        struct stk_sock *a = sim_open(&world.hosts[0], family, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_connect(a, &addr), STK_EINPROGRESS);
        assert_int_equal(sim_wait(&world.hosts[0], a, STK_READY_CONN | STK_READY_FAIL), STK_READY_CONN);
        (void)sim_wait(&world.hosts[0], listener, STK_READY_ACCEPT);
        assert_int_equal(stk_sock_accept(listener, 0, &b, NULL), STK_OK);
        for (int i = 0; i < 50; i++) {
            int64_t got = 0;
            assert_int_equal(send_some(a, bytes, sizeof(bytes)), sizeof(bytes));
            while (got < (int64_t)sizeof(bytes)) {
                (void)sim_wait(&world.hosts[0], b, STK_READY_IN);
                const int64_t n = recv_some(b, bytes, sizeof(bytes));
                assert_true(n > 0);
                got += n;
            }
        }
        pair_close(a, b);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    }
    assert_int_equal(sim_counter(&world.hosts[1], "netif.sim1.rx_frames") < 100, 1);
    sim_world_fini(&world);
}

/* --- Binding ---------------------------------------------------------------------- */

/* Rows: first bind; columns: second. Order as printed: default W, default S, reuse W, reuse S, exclusive W, exclusive S. */
static const int conflicts[6][6] = {
    {STK_EADDRINUSE, STK_OK, STK_EACCES, STK_OK, STK_EADDRINUSE, STK_OK},
    {STK_OK, STK_EADDRINUSE, STK_OK, STK_EACCES, STK_EADDRINUSE, STK_EADDRINUSE},
    {STK_EADDRINUSE, STK_OK, STK_OK, STK_OK, STK_EADDRINUSE, STK_OK},
    {STK_OK, STK_EADDRINUSE, STK_OK, STK_OK, STK_EADDRINUSE, STK_EADDRINUSE},
    {STK_EADDRINUSE, STK_EACCES, STK_EACCES, STK_EACCES, STK_EADDRINUSE, STK_EACCES},
    {STK_OK, STK_EADDRINUSE, STK_OK, STK_EACCES, STK_EADDRINUSE, STK_EADDRINUSE},
};

static int bind_as(struct sim_host *host, int family, int type, int how, struct stk_sock **out)
{
    static const enum stk_opt opts[] = {STK_OPT_COUNT, STK_OPT_REUSEADDR, STK_OPT_EXCLUSIVE};
    const int32_t on = 1;
    struct stk_addr addr = {.family = (uint16_t)family, .port = 8000};
    if ((how & 1) != 0) {
        addr = sim_addr(family, 0, 8000);
    }
    *out = sim_open(host, family, type);
    if (how / 2 > 0) {
        assert_int_equal(stk_sock_opt_set(*out, opts[how / 2], &on, sizeof(on)), STK_OK);
    }
    return stk_sock_bind(*out, &addr);
}

static void bind__second_of_one_port__as_the_table_says(void **state)
{
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 307, "", "");
    for (int kind = 0; kind < 4; kind++) {
        const int family = families[kind & 1];
        const int type = kind < 2 ? STK_SOCK_STREAM : STK_SOCK_DGRAM;
        for (int first = 0; first < 6; first++) {
            for (int second = 0; second < 6; second++) {
                struct stk_sock *a;
                struct stk_sock *b;
                assert_int_equal(bind_as(&world.hosts[0], family, type, first, &a), STK_OK);
                const int err = bind_as(&world.hosts[0], family, type, second, &b);
                if (err != conflicts[first][second]) {
                    fail_msg("family %d type %d first %d second %d: %s", family, type, first, second,
                             stk_err_name(err));
                }
                pair_close(a, b);
            }
        }
    }
    sim_world_fini(&world);
}

static void ports__range_used_up__clear_error_and_recovery(void **state)
{
    static struct stk_sock *socks[257];
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 308, "", "sockets_max = 300\nport_range = 50000-50255\n");
    for (int type = STK_SOCK_STREAM; type <= STK_SOCK_DGRAM; type++) {
        static bool seen[256];
        memset(seen, 0, sizeof(seen));
        for (int i = 0; i < 257; i++) {
            const struct stk_addr any = {.family = STK_AF_INET};
            struct stk_addr local;
            socks[i] = sim_open(&world.hosts[0], STK_AF_INET, type);
            assert_int_equal(stk_sock_bind(socks[i], &any), i < 256 ? STK_OK : STK_EADDRINUSE);
            if (i < 256) {
                assert_int_equal(stk_sock_local(socks[i], &local), STK_OK);
                assert_in_range(local.port, 50000, 50255);
                assert_false(seen[local.port - 50000]);
                seen[local.port - 50000] = true;
            }
        }
        assert_int_equal(stk_sock_close(socks[7], STK_CLOSE_GRACEFUL), STK_OK);
        const struct stk_addr any = {.family = STK_AF_INET};
        assert_int_equal(stk_sock_bind(socks[256], &any), STK_OK);
        for (int i = 0; i < 257; i++) {
            if (i != 7) {
                assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
            }
        }
    }
    sim_world_fini(&world);
}

/* --- Frames -------------------------------------------------------------------------- */

static void frames__large_or_tagged__byte_exact(void **state)
{
    static const char *const rows[] = {"mtu = 9000\n", "vlan = 7\n", "mtu = 9000\nvlan = 7\nwire.loss = 2%\n",
                                       "mtu = 1280\n", "wire.offload = no\n"};
    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        for (int i = 0; i < 2; i++) {
            struct sim_world world;
            struct sim_flow flow;
            print_message("%s", rows[row]);
            sim_world_init(&world, 309, rows[row], "");
            sim_flow_open(&flow, &world, families[i], 7000);
            sim_flow_move(&flow, 500000);
            int32_t mss = 0;
            assert_int_equal(stk_sock_opt_get(flow.ends[0], STK_OPT_MSS, &mss), STK_OK);
            const int32_t mtu = strstr(rows[row], "9000") != NULL   ? 9000
                                : strstr(rows[row], "1280") != NULL ? 1280
                                                                    : 1500;
            assert_in_range(mss, mtu - 60 - 12, mtu - 40);
            sim_flow_close(&flow);
            sim_world_fini(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window__closed_for_long__goes_on),
        cmocka_unit_test(window__tiny_buffer_slow_reader__byte_exact),
        cmocka_unit_test(window__full_before_the_end__all_bytes_then_the_end),
        cmocka_unit_test(window__both_full_before_the_end__quiet_until_read),
        cmocka_unit_test(resend__after_idle_start__within_seconds),
        cmocka_unit_test(half_close__either_side__rest_arrives),
        cmocka_unit_test(close__both_at_once__both_drained),
        cmocka_unit_test(close__abort_with_data_queued__peer_reset),
        cmocka_unit_test(connections__many_at_once_with_loss__all_serve),
        cmocka_unit_test(connect__own_addresses__served_within),
        cmocka_unit_test(bind__second_of_one_port__as_the_table_says),
        cmocka_unit_test(ports__range_used_up__clear_error_and_recovery),
        cmocka_unit_test(frames__large_or_tagged__byte_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

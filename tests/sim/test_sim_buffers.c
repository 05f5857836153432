/*
 * Buffers of sockets: a receive buffer of 0 bytes, the ideal send backlog, a
 * send buffer that grows, what is given up before it was sent.
 */
#include "sim_trace.h"

#include "core/client_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7001
#define STEP STK_MS_NS

static uint8_t scratch[65536];
static struct sim_trace trace;

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static int32_t get(struct stk_sock *sock, enum stk_opt opt)
{
    int32_t value = -1;
    assert_int_equal(stk_sock_opt_get(sock, opt, &value), STK_OK);
    return value;
}

static int64_t receive(struct stk_sock *sock, size_t bytes)
{
    const struct stk_iov iov = {.base = scratch, .len = bytes};
    return stk_sock_recvfrom(sock, &iov, 1, 0, NULL);
}

static uint16_t last_window(void)
{
    assert_true(trace.count > 0);
    return trace.segments[trace.count - 1].window;
}

static struct stk_sock *unbuffered_listener(void)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    struct stk_sock *listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    set(listener, STK_OPT_RCVBUF, 0);
    assert_int_equal(get(listener, STK_OPT_RCVBUF), 0);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
    return listener;
}

/* BUF-8, OVL-13, A.8.25: a stream takes data only for buffers that wait. */
static void rcvbuf_zero__stream__window_is_what_waits(void **state)
{
    (void)state;
    struct sim_peer peer;
    sim_trace_open(&trace, 401, "", "");
    struct stk_sock *listener = unbuffered_listener();
    sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
    assert_int_equal(last_window(), 0);
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 100); /* is not taken */
    peer.tcp.seq -= 100;
    assert_int_equal(trace.segments[trace.count - 1].ack, peer.tcp.seq);
    assert_int_equal(last_window(), 0);
    for (uint32_t bytes = 1; bytes < 3000; bytes = bytes * 3 + 1) {
        assert_int_equal(receive(peer.sock, bytes), STK_EAGAIN);
        sim_trace_run(&trace, STK_MS_NS, STEP);
        assert_int_equal(last_window(), bytes);
        assert_int_equal(receive(peer.sock, bytes), STK_EAGAIN); /* the same buffer, once more */
        sim_trace_run(&trace, STK_MS_NS, STEP);
        assert_int_equal(last_window(), bytes);
        for (uint32_t sent = 0; sent < bytes; sent += bytes < 1000 ? bytes : 1000) {
            const uint32_t rest = bytes - sent;
            sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, rest < 1000 ? rest : 1000);
        }
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
        assert_int_equal(trace.segments[trace.count - 1].ack, peer.tcp.seq);
        assert_int_equal(last_window(), 0);
        assert_int_equal(receive(peer.sock, bytes), bytes);
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
        assert_int_equal(last_window(), 0);
    }
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* Who waits for readiness has no buffer yet: a segment's room lets the wait end, whole streams get through. */
static void rcvbuf_zero__stream__waiters_are_served(void **state)
{
    (void)state;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = 20000};
    struct stk_sock *server = NULL;
    uint32_t got = 0;
    sim_trace_open(&trace, 402, "", "");
    struct stk_sock *listener = unbuffered_listener();
    struct stk_sock *client = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(client, &addr), STK_EINPROGRESS);
    (void)sim_wait(&trace.world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    assert_int_equal(stk_sock_send(client, &iov, 1), 20000);
    while (got < 20000) {
        (void)sim_wait(&trace.world.hosts[1], server, STK_READY_IN);
        const int64_t now = receive(server, 700);
        assert_true(now > 0);
        got += (uint32_t)now;
    }
    assert_int_equal(got, 20000);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    (void)sim_wait(&trace.world.hosts[1], server, STK_READY_EOF);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* BUF-8, OVL-13, A.8.25: datagrams for which nobody waits are lost. */
static void rcvbuf_zero__datagrams__lost_unless_somebody_waits(void **state)
{
    (void)state;
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = 50};
    sim_trace_open(&trace, 403, "", "");
    struct stk_sock *a = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *b = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    set(b, STK_OPT_RCVBUF, 0);
    assert_int_equal(stk_sock_bind(b, &to), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50);
    sim_trace_run(&trace, 50 * STK_MS_NS, STEP);
    assert_int_equal(receive(b, 100), STK_EAGAIN); /* lost; and now a buffer waits */
    sim_trace_run(&trace, STK_MS_NS, STEP);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50); /* one too many */
        sim_trace_run(&trace, 50 * STK_MS_NS, STEP);
        assert_int_equal(receive(b, 100), 50);
        assert_int_equal(receive(b, 100), STK_EAGAIN);
        sim_trace_run(&trace, STK_MS_NS, STEP);
    }
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50);
    (void)sim_wait(&trace.world.hosts[1], b, STK_READY_IN);
    assert_int_equal(receive(b, 100), 50);
    atomic_store(&b->abi->rx_records, UINT32_MAX - 1); /* four thousand million datagrams later */
    atomic_store(&b->abi->rx_records_read, UINT32_MAX - 1);
    atomic_store(&b->abi->rx_posted, UINT32_MAX - 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(receive(b, 100), STK_EAGAIN);
        sim_trace_run(&trace, STK_MS_NS, STEP);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), 50);
        sim_trace_run(&trace, 50 * STK_MS_NS, STEP);
        assert_int_equal(receive(b, 100), 50);
    }
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* Send and receive for a while, over a path of 20 ms. */
static void stream_for(struct stk_sock *client, struct stk_sock *server, uint32_t turns)
{
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    for (uint32_t i = 0; i < turns; i++) {
        while (stk_sock_send(client, &iov, 1) > 0) {
        }
        while (stk_sock_recv(server, &iov, 1, 0) > 0) {
        }
        sim_world_run_until(&trace.world, trace.world.now_ns + 2 * STK_MS_NS);
        sim_wire_drain(&trace.wire);
        trace.count = 0;
    }
}

/* BUF-6, BUF-7: the ideal backlog follows the path, and with it a send buffer that nobody set. */
static void backlog__fast_long_path__grows_and_is_told(void **state)
{
    (void)state;
    for (int set_by_hand = 0; set_by_hand < 2; set_by_hand++) {
        struct stk_sock *client;
        struct stk_sock *server;
        uint32_t before = 0;
        uint32_t after = 0;
        sim_trace_open(&trace, 410, "wire.delay = 10ms\n", "sndbuf = 64KiB\n");
        sim_connect_pair(&trace.world, STK_AF_INET, PORT, &client, &server);
        if (set_by_hand) {
            set(client, STK_OPT_SNDBUF, 65536);
        }
        assert_int_equal(stk_sock_isb(client, &before), STK_OK);
        assert_int_equal(before, 65536);
        stk_sock_isb_watch(client, before);
        assert_int_equal(stk_sock_ready(client) & STK_READY_ISB, 0);
        stream_for(client, server, 1000);
        assert_int_equal(stk_sock_isb(client, &after), STK_OK);
        assert_true(after >= before + before / 4 && after <= 16 * 1024 * 1024);
        assert_int_not_equal(stk_sock_ready(client) & STK_READY_ISB, 0);
        if (set_by_hand) {
            assert_int_equal(get(client, STK_OPT_SNDBUF), 65536);
        } else {
            assert_int_equal(get(client, STK_OPT_SNDBUF), after);
        }
        stk_sock_isb_watch(client, after);
        assert_int_equal(stk_sock_ready(client) & STK_READY_ISB, 0);
        assert_int_equal(stk_sock_shutdown(client, STK_SHUT_WR), STK_OK);
        assert_int_equal(stk_sock_isb(client, &after), STK_ESHUTDOWN);
        assert_int_not_equal(stk_sock_ready(client) & STK_READY_ISB, 0);
        assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
        sim_trace_run(&trace, 50 * STK_MS_NS, STEP);
        assert_int_equal(stk_sock_isb(server, &after), STK_ENOTCONN);
        assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
        sim_trace_close(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rcvbuf_zero__stream__window_is_what_waits),
        cmocka_unit_test(rcvbuf_zero__stream__waiters_are_served),
        cmocka_unit_test(rcvbuf_zero__datagrams__lost_unless_somebody_waits),
        cmocka_unit_test(backlog__fast_long_path__grows_and_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

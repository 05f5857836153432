/*
 * Connections that wait for the application's word: no SYN|ACK before it, RST for a no, and listeners that pause.
 * Source: rules CON-22 to CON-26, A.5.15, A.5.23, WSPACCEPT-7.
 */
#include "sim_trace.h"

#include "core/client_priv.h"
#include "ipc/fifo.h"
#include "ipc/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7600

static struct sim_trace trace;
static struct stk_sock *listener;

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value, int expected)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), expected);
}

static void open_held(uint32_t backlog)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    sim_trace_open(&trace, 910, "", "");
    listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    set(listener, STK_OPT_ACCEPT_HELD, 1, STK_OK);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, backlog), STK_OK);
}

static void close_all(struct stk_sock *sock)
{
    if (sock != NULL) {
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
    }
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_ABORT), STK_OK);
    sim_trace_run(&trace, 50 * STK_MS_NS, STK_MS_NS);
    sim_trace_close(&trace);
}

static struct stk_sock *client_begin(void)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    struct stk_sock *client = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(client, &addr), STK_EINPROGRESS);
    return client;
}

static struct stk_sock *taken(void)
{
    struct stk_sock *sock = NULL;
    struct stk_addr peer;
    (void)sim_wait(&trace.world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &sock, &peer), STK_OK);
    assert_int_equal(peer.ip[3], 1);
    assert_int_not_equal(peer.port, 0);
    return sock;
}

static uint32_t answers(uint8_t flags)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trace.count; i++) {
        count += trace.segments[i].host == 1 && (trace.segments[i].flags & flags) == flags;
    }
    return count;
}

static void held__no_word_yet__syn_is_not_answered(void **state)
{
    (void)state;
    open_held(4);
    struct stk_sock *client = client_begin();
    struct stk_sock *server = taken();
    sim_trace_run(&trace, 4 * STK_S_NS, 10 * STK_MS_NS); /* SYNs that are sent again change nothing */
    assert_true(trace.count >= 2);
    assert_int_equal(answers(0), 0);
    assert_int_equal(stk_sock_ready(client) & (STK_READY_CONN | STK_READY_FAIL), 0);
    assert_int_equal(stk_sock_ready(server) & STK_READY_CONN, 0);
    struct stk_sock *second = NULL;
    assert_int_equal(stk_sock_accept(listener, 0, &second, NULL), STK_EAGAIN);
    /* The word: one SYN|ACK, and bytes both ways. */
    assert_int_equal(stk_sock_admit(server), STK_EINPROGRESS);
    (void)sim_wait(&trace.world.hosts[1], server, STK_READY_CONN);
    (void)sim_wait(&trace.world.hosts[0], client, STK_READY_CONN);
    assert_int_equal(stk_sock_admit(server), STK_OK);
    sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
    assert_int_equal(answers(SIM_SYN | SIM_ACK), 1);
    char room[4] = "ab";
    const struct stk_iov out = {.base = room, .len = 2};
    const struct stk_iov in = {.base = room, .len = sizeof(room)};
    assert_int_equal(stk_sock_send(client, &out, 1), 2);
    (void)sim_wait(&trace.world.hosts[1], server, STK_READY_IN);
    assert_int_equal(stk_sock_recv(server, &in, 1, 0), 2);
    assert_int_equal(stk_sock_send(server, &out, 1), 2);
    (void)sim_wait(&trace.world.hosts[0], client, STK_READY_IN);
    assert_int_equal(stk_sock_recv(client, &in, 1, 0), 2);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    close_all(server);
}

/* Nothing is sent ahead of the SYN|ACK, whatever the application's side writes. */
static void held__bytes_before_the_word__stay(void **state)
{
    (void)state;
    open_held(4);
    struct stk_sock *client = client_begin();
    struct stk_sock *server = taken();
    struct stk_region *region = stk_engine_region(trace.world.hosts[1].engine);
    struct stk_ring_abi *ring = &region->rings[40];
    const struct stk_sub_abi kick = {.op = STK_SUB_KICK, .sock = server->index};
    assert_int_equal(stk_fifo_write(region, server->abi->tx_slots, 0, "e", 1), 1); /* a whole congestion window */
    atomic_store(&server->abi->tx_tail, 1);
    atomic_store(&ring->owner, 77);
    (void)atomic_fetch_or(&region->abi->rings_active, UINT64_C(1) << 40);
    assert_true(stk_sub_push(ring, &kick));
    sim_trace_run(&trace, 100 * STK_MS_NS, STK_MS_NS);
    assert_int_equal(answers(0), 0);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    close_all(server);
}

static void held__refused__client_sees_it(void **state)
{
    (void)state;
    open_held(4);
    struct stk_sock *client = client_begin();
    struct stk_sock *server = taken();
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    (void)sim_wait(&trace.world.hosts[0], client, STK_READY_FAIL);
    assert_int_equal(stk_sock_error_take(client), STK_ECONNREFUSED);
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
    assert_int_equal(answers(SIM_RST | SIM_ACK), 1);
    assert_int_equal(answers(SIM_SYN), 0);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    close_all(NULL);
}

/* A.5.23: while the application thinks, the client goes: by its own time, or by a reset. */
static void held__client_gave_up__admit_says_so(void **state)
{
    (void)state;
    open_held(4);
    struct stk_sock *client = client_begin();
    struct stk_sock *server = taken();
    sim_trace_run(&trace, 60 * STK_S_NS, 50 * STK_MS_NS);
    assert_int_equal(stk_sock_error_take(client), STK_ETIMEDOUT);
    assert_int_equal(answers(0), 0);
    assert_int_equal(stk_sock_admit(server), STK_EACCES);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    close_all(server);
}

/* The third port's SYN; it resets the attempt. */
static void third_says(uint8_t flags, uint32_t seq)
{
    struct sim_frame frame;
    const struct sim_tcp tcp = {.src_port = 4444, .dst_port = PORT, .seq = seq, .flags = flags, .window = 65535};
    sim_frame_tcp(&frame, STK_AF_INET, 1, &tcp);
    sim_wire_frame(&trace.wire, &frame);
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
}

static void held__client_reset_before_accept__accept_says_so(void **state)
{
    struct stk_sock *server = NULL;
    (void)state;
    open_held(4);
    third_says(SIM_SYN, 1000);
    third_says(SIM_RST, 1001);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_EACCES);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_EAGAIN);
    assert_int_equal(answers(0), 0);
    close_all(NULL);
}

/* An acknowledgement of what was never sent makes no connection. */
static void held__ack_is_guessed__no_connection(void **state)
{
    (void)state;
    open_held(4);
    third_says(SIM_SYN, 1000);
    third_says(SIM_ACK, 1001);
    struct stk_sock *server = NULL;
    (void)sim_wait(&trace.world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    assert_int_equal(stk_sock_ready(server) & STK_READY_CONN, 0);
    close_all(server);
}

/* CON-23: the backlog is out of force; who is not answered yet is not refused. */
static void held__more_than_the_backlog__all_wait(void **state)
{
    struct stk_sock *clients[8];
    struct stk_sock *servers[8];
    (void)state;
    open_held(1);
    for (int i = 0; i < 8; i++) {
        clients[i] = client_begin();
    }
    sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
    assert_int_equal(answers(0), 0);
    for (int i = 0; i < 8; i++) {
        servers[i] = taken();
        assert_int_equal(stk_sock_admit(servers[i]), STK_EINPROGRESS);
        (void)sim_wait(&trace.world.hosts[1], servers[i], STK_READY_CONN);
    }
    for (int i = 0; i < 8; i++) {
        (void)sim_wait(&trace.world.hosts[0], clients[i], STK_READY_CONN);
        assert_int_equal(stk_sock_close(clients[i], STK_CLOSE_ABORT), STK_OK);
        assert_int_equal(stk_sock_close(servers[i], STK_CLOSE_ABORT), STK_OK);
    }
    close_all(NULL);
}

/* A listener that goes refuses who was in its queue; who was admitted stays. */
static void held__listener_closes__waiting_are_refused_admitted_live(void **state)
{
    (void)state;
    open_held(4);
    struct stk_sock *first = client_begin();
    struct stk_sock *server = taken();
    struct stk_sock *second = client_begin();
    sim_trace_run(&trace, 5 * STK_MS_NS, STK_MS_NS);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    (void)sim_wait(&trace.world.hosts[0], second, STK_READY_FAIL);
    assert_int_equal(stk_sock_error_take(second), STK_ECONNREFUSED);
    assert_int_equal(stk_sock_admit(server), STK_EINPROGRESS);
    (void)sim_wait(&trace.world.hosts[1], server, STK_READY_CONN);
    (void)sim_wait(&trace.world.hosts[0], first, STK_READY_CONN);
    assert_int_equal(stk_sock_close(first, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(second, STK_CLOSE_ABORT), STK_OK);
    listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    close_all(server);
}

static void held__set_while_listening__inval(void **state)
{
    (void)state;
    open_held(4);
    set(listener, STK_OPT_ACCEPT_HELD, 0, STK_EINVAL);
    set(listener, STK_OPT_ACCEPT_HELD, 1, STK_EINVAL);
    close_all(NULL);
}

/* CON-26. */
static void paused__every_client__refused_until_it_ends(void **state)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    (void)state;
    sim_trace_open(&trace, 911, "", "");
    listener = sim_listen(&trace.world.hosts[1], &addr);
    set(listener, STK_OPT_ACCEPT_PAUSED, 1, STK_OK);
    struct stk_sock *client = client_begin();
    (void)sim_wait(&trace.world.hosts[0], client, STK_READY_FAIL);
    assert_int_equal(stk_sock_error_take(client), STK_ECONNREFUSED);
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
    assert_int_equal(answers(SIM_RST), 1);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    set(listener, STK_OPT_ACCEPT_PAUSED, 0, STK_OK);
    client = client_begin();
    (void)sim_wait(&trace.world.hosts[0], client, STK_READY_CONN);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    close_all(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held__no_word_yet__syn_is_not_answered),
        cmocka_unit_test(held__bytes_before_the_word__stay),
        cmocka_unit_test(held__refused__client_sees_it),
        cmocka_unit_test(held__client_gave_up__admit_says_so),
        cmocka_unit_test(held__client_reset_before_accept__accept_says_so),
        cmocka_unit_test(held__ack_is_guessed__no_connection),
        cmocka_unit_test(held__more_than_the_backlog__all_wait),
        cmocka_unit_test(held__listener_closes__waiting_are_refused_admitted_live),
        cmocka_unit_test(held__set_while_listening__inval),
        cmocka_unit_test(paused__every_client__refused_until_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

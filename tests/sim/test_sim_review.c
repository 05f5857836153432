/*
 * Ends and corners of sockets between two hosts in virtual time: what a detach
 * leaves behind, windows that change, datagram peers that change.
 */
#include "sim_wire.h"

#include "core/client_priv.h"
#include "ipc/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7001
#define PORT_B 7002

static uint8_t scratch[4096];

static uint32_t chunks_used(struct sim_host *host)
{
    return atomic_load(&stk_engine_region(host->engine)->abi->chunks_used);
}

static void expect_recv(struct sim_host *host, struct stk_sock *sock, int64_t bytes)
{
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    (void)sim_wait(host, sock, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, NULL), bytes);
}

static void detach__accepted_connection__reset(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = 100};
    sim_world_init(&world, 21, "", "");
    sim_connect_pair(&world, STK_AF_INET, PORT, &client, &server);
    assert_int_equal(stk_sock_send(client, &iov, 1), 100);
    (void)sim_wait(&world.hosts[1], server, STK_READY_IN);
    struct sim_host *host = &world.hosts[1];
    const stk_pump_fn pump = host->client->pump;
    stk_client_detach(host->client, 1000);
    (void)sim_wait(&world.hosts[0], client, STK_READY_RESET);
    assert_int_equal(stk_sock_send(client, &iov, 1), STK_ECONNRESET);
    struct stk_region *region = stk_engine_region(host->engine);
    assert_int_equal(stk_client_attach_stepped(region, pump, &world, &host->client), STK_OK);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    sim_world_fini(&world);
}

static void idle__accepted_connection__holds_no_chunk(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = 100};
    sim_world_init(&world, 22, "", "");
    sim_connect_pair(&world, STK_AF_INET, PORT, &client, &server);
    assert_int_equal(stk_sock_send(client, &iov, 1), 100);
    expect_recv(&world.hosts[1], server, 100);
    assert_int_equal(stk_sock_send(server, &iov, 1), 100);
    expect_recv(&world.hosts[0], client, 100);
    sim_world_run_until(&world, world.now_ns + 600 * STK_S_NS);
    assert_int_equal(chunks_used(&world.hosts[0]), 0);
    assert_int_equal(chunks_used(&world.hosts[1]), 0);
    assert_int_equal(stk_sock_send(client, &iov, 1), 100);
    expect_recv(&world.hosts[1], server, 100);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* Several sockets that each kept a part of what they need would starve one another. */
static void idle__write_cut_short_by_the_pool__holds_no_chunk(void **state)
{
    (void)state;
    struct sim_world world;
    uint8_t *big = calloc(1, 40000);
    const struct stk_iov iov = {.base = big, .len = 40000};
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, PORT);
    static uint32_t taken[4096];
    uint32_t count = 0;
    sim_world_init(&world, 30, "", "");
    struct stk_region *region = stk_engine_region(world.hosts[0].engine);
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    while (count < 4096 && (taken[count] = stk_chunk_take(region)) != STK_CHUNK_NONE) {
        count++;
    }
    stk_chunk_give(region, taken[--count]);
    stk_chunk_give(region, taken[--count]);
    assert_int_equal(stk_sock_sendto(sock, &iov, 1, &to), STK_EAGAIN);
    while (count > 0) {
        stk_chunk_give(region, taken[--count]);
    }
    sim_world_run_until(&world, world.now_ns + 600 * STK_S_NS);
    assert_int_equal(chunks_used(&world.hosts[0]), 0);
    assert_int_equal(stk_sock_sendto(sock, &iov, 1, &to), 40000);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    free(big);
    sim_world_fini(&world);
}

static void rcvbuf__raised_after_connect__stream_goes_on(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    const int32_t bytes = 2 * 1024 * 1024;
    uint32_t sent = 0;
    uint32_t got = 0;
    sim_world_init(&world, 23, "wire.delay = 100us\n", "rcvbuf = 16KiB\n");
    sim_connect_pair(&world, STK_AF_INET, PORT, &client, &server);
    assert_int_equal(stk_sock_opt_set(server, STK_OPT_RCVBUF, &bytes, sizeof(bytes)), STK_OK);
    for (int turn = 0; turn < 2000 && got < 256 * 1024; turn++) {
        const int64_t put = sent < 256 * 1024 ? stk_sock_send(client, &iov, 1) : 0;
        sent += put > 0 ? (uint32_t)put : 0;
        const int64_t took = stk_sock_recv(server, &iov, 1, 0);
        got += took > 0 ? (uint32_t)took : 0;
        sim_world_run_until(&world, world.now_ns + STK_MS_NS);
    }
    assert_int_equal(got, 256 * 1024);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* A peer without window scaling has 65,535 bytes of window, whatever SO_RCVBUF says. */
static void window__peer_without_scaling__opens_again(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_wire wire;
    struct sim_frame frame;
    struct stk_sock *server = NULL;
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    uint64_t got = 0;
    sim_world_init(&world, 24, "neighbour = 10.9.0.119 02:00:00:00:09:77\n", "");
    sim_wire_open(&wire, &world);
    struct stk_sock *listener = sim_listen(&world.hosts[1], &addr);
    struct sim_tcp tcp = {.src_port = 4444, .dst_port = PORT, .seq = 1000, .flags = 2, .window = 65535};
    sim_frame_tcp(&frame, STK_AF_INET, 1, &tcp);
    sim_wire_frame(&wire, &frame);
    sim_wire_drain(&wire);
    assert_true(wire.tcp[1].valid);
    tcp.seq = 1001;
    tcp.ack = wire.tcp[1].seq_end;
    tcp.flags = 16;
    sim_frame_tcp(&frame, STK_AF_INET, 1, &tcp);
    sim_wire_frame(&wire, &frame);
    (void)sim_wait(&world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    tcp.payload = scratch;
    tcp.flags = 16 + 8;
    for (int i = 0; i < 400; i++) {
        sim_wire_drain(&wire);
        const uint32_t in_flight = tcp.seq - wire.tcp[1].ack;
        const uint32_t room = i > 0 && wire.tcp[1].window > in_flight ? wire.tcp[1].window - in_flight : 0;
        tcp.payload_len = i == 0 ? 1000 : room > 1000 ? 1000 : room;
        if (tcp.payload_len > 0) {
            sim_frame_tcp(&frame, STK_AF_INET, 1, &tcp);
            sim_wire_frame(&wire, &frame);
            tcp.seq += tcp.payload_len;
        }
        const int64_t took = stk_sock_recv(server, &iov, 1, 0);
        got += took > 0 ? (uint64_t)took : 0;
        sim_world_run_until(&world, world.now_ns + 10 * STK_MS_NS);
    }
    assert_true(got > 200000);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

/* The local address was chosen by connect, not by bind: it goes with the peer. */
static void datagram__peer_changes__local_address_follows(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_addr local;
    sim_world_init(&world, 25, "", "");
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr any = {.family = STK_AF_INET, .port = PORT};
    const struct stk_addr loop = {.family = STK_AF_INET, .port = 9, .ip = {127, 0, 0, 1}};
    const struct stk_addr peer = sim_addr(STK_AF_INET, 1, 9);
    const struct stk_addr own = sim_addr(STK_AF_INET, 0, PORT);
    const struct stk_addr none = {.family = STK_AF_NONE};
    assert_int_equal(stk_sock_bind(sock, &any), STK_OK);
    assert_int_equal(stk_sock_connect(sock, &loop), STK_OK);
    assert_int_equal(stk_sock_local(sock, &local), STK_OK);
    assert_int_equal(local.ip[0], 127);
    assert_int_equal(stk_sock_connect(sock, &peer), STK_OK);
    assert_int_equal(stk_sock_local(sock, &local), STK_OK);
    assert_memory_equal(&local, &own, sizeof(own));
    assert_int_equal(stk_sock_connect(sock, &none), STK_OK);
    assert_int_equal(stk_sock_local(sock, &local), STK_OK);
    assert_memory_equal(&local, &any, sizeof(any));
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* WSPCONNECT-5. */
static void datagram__peer_changes__queued_of_others_dropped(void **state)
{
    (void)state;
    struct sim_world world;
    const struct stk_iov iov = {.base = scratch, .len = 16};
    const struct stk_addr addr_a = sim_addr(STK_AF_INET, 0, PORT);
    const struct stk_addr addr_c = sim_addr(STK_AF_INET, 0, PORT_B);
    const struct stk_addr addr_b = sim_addr(STK_AF_INET, 1, PORT);
    sim_world_init(&world, 26, "", "");
    struct stk_sock *a = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *c = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *b = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(a, &addr_a), STK_OK);
    assert_int_equal(stk_sock_bind(c, &addr_c), STK_OK);
    assert_int_equal(stk_sock_bind(b, &addr_b), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &addr_b), 16);
    (void)sim_wait(&world.hosts[1], b, STK_READY_IN);
    assert_int_equal(stk_sock_connect(b, &addr_c), STK_OK);
    struct stk_msg_info info;
    assert_int_equal(stk_sock_recvfrom(b, &iov, 1, 0, &info), STK_EAGAIN);
    assert_int_equal(stk_sock_sendto(c, &iov, 1, &addr_b), 16);
    expect_recv(&world.hosts[1], b, 16);
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(c, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* Two sockets share a port: what a connected one does not want is the other's. */
static void datagram__shared_port__connected_one_steals_nothing(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct sim_world world;
        const struct stk_iov iov = {.base = scratch, .len = 16};
        const struct stk_addr addr_a = sim_addr(STK_AF_INET, 0, PORT);
        const struct stk_addr stranger = sim_addr(STK_AF_INET, 0, PORT_B);
        const struct stk_addr addr_b = sim_addr(STK_AF_INET, 1, PORT);
        const int32_t on = 1;
        struct stk_sock *both[2];
        sim_world_init(&world, 27, "", "");
        struct stk_sock *a = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(a, &addr_a), STK_OK);
        for (int i = 0; i < 2; i++) {
            both[i] = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
            assert_int_equal(stk_sock_opt_set(both[i], STK_OPT_REUSEADDR, &on, sizeof(on)), STK_OK);
            assert_int_equal(stk_sock_bind(both[i], &addr_b), STK_OK);
        }
        assert_int_equal(stk_sock_connect(both[order], &stranger), STK_OK);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &addr_b), 16);
        expect_recv(&world.hosts[1], both[1 - order], 16);
        assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(both[0], STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(both[1], STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

/* WSPSHUTDOWN-2: data that nobody can receive resets the connection. unread: it was there before the shutdown. */
static void shutdown_receive__data__resets(void **state)
{
    (void)state;
    for (int unread = 0; unread < 2; unread++) {
        struct sim_world world;
        struct stk_sock *client;
        struct stk_sock *server;
        const struct stk_iov iov = {.base = scratch, .len = 100};
        sim_world_init(&world, 28, "", "");
        sim_connect_pair(&world, STK_AF_INET, PORT, &client, &server);
        if (unread) {
            assert_int_equal(stk_sock_send(client, &iov, 1), 100);
            (void)sim_wait(&world.hosts[1], server, STK_READY_IN);
        }
        assert_int_equal(stk_sock_shutdown(server, STK_SHUT_RD), STK_OK);
        if (!unread) {
            assert_int_equal(stk_sock_send(client, &iov, 1), 100);
        }
        (void)sim_wait(&world.hosts[0], client, STK_READY_RESET);
        assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

static void multicast__sender_is_member_too__both_receive(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        const struct stk_iov iov = {.base = scratch, .len = 16};
        struct stk_addr group = {.family = (uint16_t)family, .port = PORT};
        const struct stk_addr any = {.family = (uint16_t)family, .port = PORT};
        const int32_t on = 1;
        const int32_t off = 0;
        struct stk_sock *both[2];
        sim_world_init(&world, 29, "", "");
        if (family == STK_AF_INET) {
            memcpy(group.ip, (uint8_t[]){239, 1, 2, 3}, 4);
        } else {
            memcpy(group.ip, (uint8_t[]){0xff, 0x05, [15] = 0x77}, 16);
        }
        const struct stk_mcast_req req = {.group = group, .if_index = 2};
        const int32_t mcast_if = 2;
        for (int i = 0; i < 2; i++) {
            both[i] = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
            assert_int_equal(stk_sock_opt_set(both[i], STK_OPT_REUSEADDR, &on, sizeof(on)), STK_OK);
            assert_int_equal(stk_sock_bind(both[i], &any), STK_OK);
            assert_int_equal(stk_sock_opt_set(both[i], STK_OPT_MCAST_JOIN, &req, sizeof(req)), STK_OK);
            assert_int_equal(stk_sock_opt_set(both[i], STK_OPT_MCAST_IF, &mcast_if, sizeof(mcast_if)), STK_OK);
        }
        assert_int_equal(stk_sock_sendto(both[0], &iov, 1, &group), 16);
        expect_recv(&world.hosts[0], both[0], 16);
        expect_recv(&world.hosts[0], both[1], 16);
        assert_int_equal(stk_sock_opt_set(both[0], STK_OPT_MCAST_LOOP, &off, sizeof(off)), STK_OK);
        assert_int_equal(stk_sock_sendto(both[0], &iov, 1, &group), 16);
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        /* X15: in IPv4 it is the receiver's choice, in IPv6 the sender's. */
        assert_int_equal(stk_sock_recvfrom(both[0], &iov, 1, 0, NULL), STK_EAGAIN);
        assert_int_equal(stk_sock_recvfrom(both[1], &iov, 1, 0, NULL), family == STK_AF_INET ? 16 : STK_EAGAIN);
        assert_int_equal(stk_sock_sendto(both[1], &iov, 1, &group), 16);
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        assert_int_equal(stk_sock_recvfrom(both[0], &iov, 1, 0, NULL), family == STK_AF_INET ? STK_EAGAIN : 16);
        assert_int_equal(stk_sock_recvfrom(both[1], &iov, 1, 0, NULL), 16);
        assert_int_equal(stk_sock_close(both[0], STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(both[1], STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

struct wire_count {
    uint32_t tcp; /* segments of both hosts */
};

static void wire_count(void *context, const uint8_t *frame, uint32_t len)
{
    struct wire_count *count = context;
    if (len >= SIM_ETH_BYTES + SIM_IP4_BYTES && frame[12] == 0x08 && frame[13] == 0) {
        count->tcp += frame[SIM_ETH_BYTES + 9] == 6;
    }
}

static uint32_t wire_segments(struct sim_world *world, struct sim_wire *wire, const struct wire_count *count)
{
    sim_world_run_until(world, world->now_ns + STK_S_NS);
    sim_wire_drain(wire);
    return count->tcp;
}

/* TM-7: three packets open a connection, four close it. */
static void wire__open_and_close__three_and_four_packets(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_wire wire;
    struct wire_count count = {0};
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = 16};
    sim_world_init(&world, 31, "", "");
    sim_wire_open(&wire, &world);
    wire.sniff = wire_count;
    wire.context = &count;
    sim_connect_pair(&world, STK_AF_INET, PORT, &client, &server);
    assert_int_equal(wire_segments(&world, &wire, &count), 3);
    assert_int_equal(stk_sock_shutdown(client, STK_SHUT_WR), STK_OK);
    assert_int_equal(wire_segments(&world, &wire, &count), 5);
    assert_int_equal(stk_sock_recv(server, &iov, 1, 0), 0);
    assert_int_equal(stk_sock_shutdown(server, STK_SHUT_WR), STK_OK);
    assert_int_equal(wire_segments(&world, &wire, &count), 7);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(wire_segments(&world, &wire, &count), 7);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detach__accepted_connection__reset),
        cmocka_unit_test(idle__accepted_connection__holds_no_chunk),
        cmocka_unit_test(idle__write_cut_short_by_the_pool__holds_no_chunk),
        cmocka_unit_test(rcvbuf__raised_after_connect__stream_goes_on),
        cmocka_unit_test(window__peer_without_scaling__opens_again),
        cmocka_unit_test(datagram__peer_changes__local_address_follows),
        cmocka_unit_test(datagram__peer_changes__queued_of_others_dropped),
        cmocka_unit_test(datagram__shared_port__connected_one_steals_nothing),
        cmocka_unit_test(shutdown_receive__data__resets),
        cmocka_unit_test(multicast__sender_is_member_too__both_receive),
        cmocka_unit_test(wire__open_and_close__three_and_four_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

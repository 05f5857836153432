/*
 * Values that no application of good will gives the stack, and destinations it has no way to: an answer, and life goes on.
 */
#include "sim_scene.h"

#include "core/client_priv.h"
#include "ipc/fifo.h"
#include "ipc/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5020

static struct sim_world world;

static struct stk_sock *bound_open(int family)
{
    struct stk_sock *sock = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
    const struct stk_addr local = sim_addr(family, 0, PORT);
    assert_int_equal(stk_sock_bind(sock, &local), STK_OK);
    return sock;
}

static int set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    return stk_sock_opt_set(sock, opt, &value, sizeof(value));
}

/* A record that the stack has to judge alone: between the look at a destination and its datagram a link may go down. */
static void record_push(const struct stk_sock *sock, const struct stk_addr *to)
{
    struct stk_region *region = stk_engine_region(world.hosts[0].engine);
    struct stk_ring_abi *ring = &region->rings[40];
    const struct stk_dgram_abi record = {.payload_bytes = 8, .addr = *to};
    const uint8_t payload[8] = {0};
    struct stk_sub_abi kick = {.op = STK_SUB_KICK, .sock = sock->index};
    assert_int_equal(stk_fifo_write(region, sock->abi->tx_slots, 0, &record, sizeof(record)), sizeof(record));
    assert_int_equal(stk_fifo_write(region, sock->abi->tx_slots, sizeof(record), payload, 8), 8);
    atomic_store(&sock->abi->tx_tail, sizeof(record) + 8);
    atomic_store(&ring->owner, 77);
    (void)atomic_fetch_or(&region->abi->rings_active, UINT64_C(1) << 40);
    assert_true(stk_sub_push(ring, &kick));
}

/* A size of one's own says nothing about a destination without a way. */
static void user_mtu__no_way_there__unreachable(void **state)
{
    (void)state;
    static const struct stk_addr to[] = {
        {.family = STK_AF_INET, .port = PORT, .ip = {203, 0, 113, 9}},
        {.family = STK_AF_INET6, .port = PORT, .ip = {0x20, 1, 0xd, 0xb8, [15] = 9}},
    };
    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        sim_world_init(&world, 73, "", "");
        struct stk_sock *sock = bound_open(to[i].family);
        assert_int_equal(set(sock, STK_OPT_USER_MTU, 1280), STK_OK);
        record_push(sock, &to[i]);
        sim_world_run_until(&world, world.now_ns + 10 * STK_MS_NS);
        assert_int_equal(stk_sock_error_take(sock), STK_ENETUNREACH);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

/* In less than RFC 791's least there is no room for a header and a byte. */
static void user_mtu__smaller_than_any_packet__refused(void **state)
{
    (void)state;
    static const int32_t sizes[] = {0, 19, 20, 27, 48, 55, 67};
    sim_world_init(&world, 74, "", "");
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct stk_sock *sock = bound_open(family);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            assert_int_equal(set(sock, STK_OPT_USER_MTU, sizes[i]), STK_EINVAL);
            assert_int_equal(set(sock, STK_OPT_V4_USER_MTU, sizes[i]), STK_EINVAL);
        }
        assert_int_equal(set(sock, STK_OPT_USER_MTU, 68), STK_OK);
        assert_int_equal(set(sock, STK_OPT_USER_MTU, -1), STK_OK);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    }
    sim_world_fini(&world);
}

/* An address that is not of one link is the same with and without the number of an interface. */
static void bind__scope_of_a_global_address__no_other_name(void **state)
{
    (void)state;
    static const int types[] = {STK_SOCK_DGRAM, STK_SOCK_STREAM};
    sim_world_init(&world, 75, "", "");
    for (size_t i = 0; i < 2; i++) {
        struct stk_addr local = sim_addr(STK_AF_INET6, 0, PORT);
        struct stk_sock *first = sim_open(&world.hosts[0], STK_AF_INET6, types[i]);
        struct stk_sock *second = sim_open(&world.hosts[0], STK_AF_INET6, types[i]);
        assert_int_equal(stk_sock_bind(first, &local), STK_OK);
        local.scope_id = 2;
        assert_int_equal(stk_sock_bind(second, &local), STK_EADDRINUSE);
        assert_int_equal(stk_sock_close(first, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(second, STK_CLOSE_GRACEFUL), STK_OK);
    }
    sim_world_fini(&world);
}

static void connect__scope_of_a_global_peer__answers_come(void **state)
{
    (void)state;
    struct stk_addr to = sim_addr(STK_AF_INET6, 1, PORT);
    struct stk_msg_info from;
    char byte = 'x';
    const struct stk_iov iov = {.base = &byte, .len = 1};
    sim_world_init(&world, 76, "", "");
    struct stk_sock *asker = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    struct stk_sock *server = sim_open(&world.hosts[1], STK_AF_INET6, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(server, &to), STK_OK);
    to.scope_id = 2;
    assert_int_equal(stk_sock_connect(asker, &to), STK_OK);
    assert_int_equal(stk_sock_send(asker, &iov, 1), 1);
    (void)sim_wait(&world.hosts[1], server, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(server, &iov, 1, 0, &from), 1);
    assert_int_equal(stk_sock_sendto(server, &iov, 1, &from.from), 1);
    sim_world_run_until(&world, world.now_ns + 50 * STK_MS_NS);
    assert_int_equal(stk_sock_recv(asker, &iov, 1, 0), 1);
    assert_int_equal(stk_sock_close(asker, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* Interfaces have numbers below 256; a larger one is not the one it becomes in eight bits. */
static void bind__scope_beyond_all_interfaces__not_available(void **state)
{
    (void)state;
    sim_world_init(&world, 77, "", "");
    sim_world_run_until(&world, 3 * STK_S_NS); /* the address is being checked before */
    struct stk_addr local = {
        .family = STK_AF_INET6, .port = PORT, .scope_id = 2, .ip = {0xfe, 0x80, [11] = 0xff, 0xfe, 0, 9, 1}};
    struct stk_sock *first = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    struct stk_sock *second = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(first, &local), STK_OK);
    local.scope_id = 256 + 2;
    assert_int_equal(stk_sock_bind(second, &local), STK_EADDRNOTAVAIL);
    assert_int_equal(stk_sock_close(first, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(second, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_mtu__no_way_there__unreachable),
        cmocka_unit_test(user_mtu__smaller_than_any_packet__refused),
        cmocka_unit_test(bind__scope_of_a_global_address__no_other_name),
        cmocka_unit_test(bind__scope_beyond_all_interfaces__not_available),
        cmocka_unit_test(connect__scope_of_a_global_peer__answers_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_mtu__no_way_there__unreachable),
        cmocka_unit_test(user_mtu__smaller_than_any_packet__refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

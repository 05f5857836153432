/*
 * UDP and RAW between two hosts in virtual time: sizes up to the largest with
 * fragments, errors by ICMP, filtering, multicast.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT_A 5001
#define PORT_B 5002

static void pair_open(struct sim_world *world, int family, struct stk_sock **a, struct stk_sock **b)
{
    const struct stk_addr addr_a = sim_addr(family, 0, PORT_A);
    const struct stk_addr addr_b = sim_addr(family, 1, PORT_B);
    *a = sim_open(&world->hosts[0], family, STK_SOCK_DGRAM);
    *b = sim_open(&world->hosts[1], family, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(*a, &addr_a), STK_OK);
    assert_int_equal(stk_sock_bind(*b, &addr_b), STK_OK);
}

static void sizes__up_to_the_largest__arrive_whole(void **state)
{
    (void)state;
    static const uint32_t sizes_v4[] = {0, 1, 8, 511, 512, 513, 1472, 1473, 9000, 16384, 40000, 65507};
    static const uint32_t sizes_v6[] = {0, 1, 8, 511, 512, 513, 1452, 1453, 9000, 16384, 40000, 65487};
    uint8_t *out = malloc(65536);
    uint8_t *in = malloc(65536);
    for (uint32_t i = 0; i < 65536; i++) {
        out[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        struct stk_sock *a;
        struct stk_sock *b;
        sim_world_init(&world, 11, "wire.delay = 10us\n", "");
        pair_open(&world, family, &a, &b);
        for (size_t i = 0; i < sizeof(sizes_v4) / sizeof(sizes_v4[0]); i++) {
            const uint32_t size = family == STK_AF_INET ? sizes_v4[i] : sizes_v6[i];
            const struct stk_addr to = sim_addr(family, 1, PORT_B);
            const struct stk_iov send = {.base = out, .len = size};
            const struct stk_iov recv = {.base = in, .len = 65536};
            struct stk_msg_info info;
            assert_int_equal(stk_sock_sendto(a, &send, 1, &to), size);
            (void)sim_wait(&world.hosts[1], b, STK_READY_IN);
            assert_int_equal(stk_sock_recvfrom(b, &recv, 1, 0, &info), size);
            assert_memory_equal(in, out, size);
            assert_int_equal(info.from.port, PORT_A);
            assert_int_equal(info.truncated, 0);
            assert_int_equal(info.if_index, 2);
        }
        const struct stk_iov over = {.base = out, .len = family == STK_AF_INET ? 65508 : 65488};
        const struct stk_addr to = sim_addr(family, 1, PORT_B);
        assert_int_equal(stk_sock_sendto(a, &over, 1, &to), STK_EMSGSIZE);
        assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
    free(out);
    free(in);
}

static void send__closed_port__next_receive_reset(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        uint8_t buf[16] = {0};
        const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
        sim_world_init(&world, 12, "", "");
        struct stk_sock *a = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        const struct stk_addr to = sim_addr(family, 1, 9);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
        (void)sim_wait(&world.hosts[0], a, STK_READY_IN);
        assert_int_equal(stk_sock_recvfrom(a, &iov, 1, 0, NULL), STK_ECONNRESET);
        assert_int_equal(stk_sock_recvfrom(a, &iov, 1, 0, NULL), STK_EAGAIN);
        const int32_t off = 0;
        assert_int_equal(stk_sock_opt_set(a, STK_OPT_UDP_CONNRESET, &off, sizeof(off)), STK_OK);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        assert_int_equal(stk_sock_recvfrom(a, &iov, 1, 0, NULL), STK_EAGAIN);
        assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

static void connected__other_source__filtered(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    uint8_t buf[16] = {0};
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    sim_world_init(&world, 13, "", "");
    pair_open(&world, STK_AF_INET, &a, &b);
    const struct stk_addr other = sim_addr(STK_AF_INET, 0, 5999);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, PORT_B);
    assert_int_equal(stk_sock_connect(b, &other), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    assert_int_equal(stk_sock_recvfrom(b, &iov, 1, 0, NULL), STK_EAGAIN);
    const struct stk_addr none = {.family = STK_AF_NONE};
    assert_int_equal(stk_sock_connect(b, &none), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
    (void)sim_wait(&world.hosts[1], b, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(b, &iov, 1, 0, NULL), sizeof(buf));
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void small_buffer__datagram__truncated_and_gone(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    uint8_t buf[100] = {9};
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    const struct stk_iov small = {.base = buf, .len = 10};
    struct stk_msg_info info;
    sim_world_init(&world, 14, "", "");
    pair_open(&world, STK_AF_INET, &a, &b);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, PORT_B);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
    (void)sim_wait(&world.hosts[1], b, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(b, &small, 1, STK_RECV_PEEK, &info), 10);
    assert_int_equal(info.full_size, 100);
    assert_int_equal(stk_sock_recvfrom(b, &small, 1, 0, &info), 10);
    assert_int_equal(info.truncated, 1);
    assert_int_equal(stk_sock_recvfrom(b, &small, 1, 0, &info), STK_EAGAIN);
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void multicast__members_only__receive(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        uint8_t buf[16] = {3};
        const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
        sim_world_init(&world, 15, "", "");
        struct stk_addr group = {.family = (uint16_t)family, .port = PORT_B};
        if (family == STK_AF_INET) {
            memcpy(group.ip, (uint8_t[]){239, 1, 2, 3}, 4);
        } else {
            memcpy(group.ip, (uint8_t[]){0xff, 0x05, [15] = 0x77}, 16);
        }
        struct stk_sock *a = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        struct stk_sock *b = sim_open(&world.hosts[1], family, STK_SOCK_DGRAM);
        const struct stk_addr any = {.family = (uint16_t)family, .port = PORT_B};
        const int32_t mcast_if = 2;
        assert_int_equal(stk_sock_bind(b, &any), STK_OK);
        assert_int_equal(stk_sock_opt_set(a, STK_OPT_MCAST_IF, &mcast_if, sizeof(mcast_if)), STK_OK);
        const struct stk_mcast_req req = {.group = group, .if_index = 2};
        assert_int_equal(stk_sock_opt_set(b, STK_OPT_MCAST_JOIN, &req, sizeof(req)), STK_OK);
        assert_int_equal(stk_sock_opt_set(b, STK_OPT_MCAST_JOIN, &req, sizeof(req)), STK_EADDRINUSE);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &group), sizeof(buf));
        (void)sim_wait(&world.hosts[1], b, STK_READY_IN);
        struct stk_msg_info info;
        assert_int_equal(stk_sock_recvfrom(b, &iov, 1, 0, &info), sizeof(buf));
        assert_int_equal(info.flags & STK_MSG_MCAST, STK_MSG_MCAST);
        assert_int_equal(stk_sock_opt_set(b, STK_OPT_MCAST_LEAVE, &req, sizeof(req)), STK_OK);
        assert_int_equal(stk_sock_opt_set(b, STK_OPT_MCAST_LEAVE, &req, sizeof(req)), STK_EADDRNOTAVAIL);
        assert_int_equal(stk_sock_sendto(a, &iov, 1, &group), sizeof(buf));
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        assert_int_equal(stk_sock_recvfrom(b, &iov, 1, 0, NULL), STK_EAGAIN);
        assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

static void broadcast__without_permission__refused(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    uint8_t buf[16] = {0};
    const struct stk_iov iov = {.base = buf, .len = sizeof(buf)};
    const struct stk_addr to = {.family = STK_AF_INET, .port = PORT_B, .ip = {255, 255, 255, 255}};
    const int32_t on = 1;
    sim_world_init(&world, 16, "", "");
    pair_open(&world, STK_AF_INET, &a, &b);
    struct stk_sock *c = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr any = {.family = STK_AF_INET, .port = PORT_B};
    assert_int_equal(stk_sock_bind(c, &any), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), STK_EACCES);
    assert_int_equal(stk_sock_opt_set(a, STK_OPT_BROADCAST, &on, sizeof(on)), STK_OK);
    assert_int_equal(stk_sock_sendto(a, &iov, 1, &to), sizeof(buf));
    (void)sim_wait(&world.hosts[1], c, STK_READY_IN);
    struct stk_msg_info info;
    assert_int_equal(stk_sock_recvfrom(c, &iov, 1, 0, &info), sizeof(buf));
    assert_int_equal(info.flags & STK_MSG_BCAST, STK_MSG_BCAST);
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(b, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(c, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void raw__icmp_echo__reply_with_header(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *raw = NULL;
    uint8_t echo[8] = {8, 0, 0xf7, 0xfd, 0, 1, 0, 1}; /* type, code, checksum, id 1, seq 1 */
    uint8_t reply[256];
    const struct stk_iov out = {.base = echo, .len = sizeof(echo)};
    const struct stk_iov in = {.base = reply, .len = sizeof(reply)};
    sim_world_init(&world, 17, "", "");
    assert_int_equal(stk_sock_open(world.hosts[0].client, STK_AF_INET, STK_SOCK_RAW, 1, 0, &raw), STK_OK);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, 0);
    assert_int_equal(stk_sock_sendto(raw, &out, 1, &to), sizeof(echo));
    (void)sim_wait(&world.hosts[0], raw, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(raw, &in, 1, 0, NULL), 28);
    assert_int_equal(reply[0] >> 4, 4);
    assert_int_equal(reply[20], 0); /* echo reply */
    assert_int_equal(stk_sock_close(raw, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static uint32_t sum_of(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    return sum;
}

/* RAW-1, RAW-8: the other known protocol. */
static void raw__icmpv6_echo__reply_without_header(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_sock *raw = NULL;
    uint8_t echo[8] = {128, 0, 0, 0, 0, 1, 0, 1}; /* type, code, checksum, id 1, seq 1 */
    uint8_t reply[256];
    const struct stk_iov out = {.base = echo, .len = sizeof(echo)};
    const struct stk_iov in = {.base = reply, .len = sizeof(reply)};
    sim_world_init(&world, 18, "", "");
    const struct stk_addr from = sim_addr(STK_AF_INET6, 0, 0);
    const struct stk_addr to = sim_addr(STK_AF_INET6, 1, 0);
    uint32_t sum = sum_of(echo, sizeof(echo), sum_of(from.ip, 16, sum_of(to.ip, 16, sizeof(echo) + 58)));
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16)) & 0xffff;
    echo[2] = (uint8_t)(sum >> 8);
    echo[3] = (uint8_t)sum;
    assert_int_equal(stk_sock_open(world.hosts[0].client, STK_AF_INET6, STK_SOCK_RAW, 58, 0, &raw), STK_OK);
    assert_int_equal(stk_sock_sendto(raw, &out, 1, &to), sizeof(echo));
    do {
        (void)sim_wait(&world.hosts[0], raw, STK_READY_IN); /* neighbours are ICMPv6, too */
        assert_true(stk_sock_recvfrom(raw, &in, 1, 0, NULL) >= (int64_t)sizeof(echo));
    } while (reply[0] != 129);
    assert_memory_equal(reply + 4, echo + 4, 4);
    assert_int_equal(stk_sock_close(raw, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes__up_to_the_largest__arrive_whole),
        cmocka_unit_test(send__closed_port__next_receive_reset),
        cmocka_unit_test(connected__other_source__filtered),
        cmocka_unit_test(small_buffer__datagram__truncated_and_gone),
        cmocka_unit_test(multicast__members_only__receive),
        cmocka_unit_test(broadcast__without_permission__refused),
        cmocka_unit_test(raw__icmp_echo__reply_with_header),
        cmocka_unit_test(raw__icmpv6_echo__reply_without_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

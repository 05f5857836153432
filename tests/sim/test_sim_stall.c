/*
 * Small sends with pauses of any length between them, Nagle's rule and delayed acknowledgements in place: each arrives within
 * the time that these may take. Connections that rest between the sends are woken for all of their timers.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 3000
#define LIMIT_NS (600 * STK_MS_NS) /* a delayed acknowledgement that Nagle's rule waits for, far exceeded */

static struct sim_world world;

static uint32_t chance(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Sends of one byte, some together, behind a pause. Returns false when one did not arrive in time. */
static bool round_trip(struct stk_sock *from, struct stk_sock *to, uint32_t count)
{
    const uint64_t until = world.now_ns + LIMIT_NS;
    uint32_t got = 0;
    char bytes[16] = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct stk_iov one = {.base = bytes, .len = 1};
        assert_int_equal(stk_sock_send(from, &one, 1), 1);
    }
    while (got < count && world.now_ns < until) {
        const struct stk_iov room = {.base = bytes, .len = sizeof(bytes)};
        const int64_t n = stk_sock_recv(to, &room, 1, 0);
        got += n > 0 ? (uint32_t)n : 0;
        if (n < 0) {
            sim_world_run_until(&world, world.now_ns + STK_MS_NS);
        }
    }
    return got == count;
}

/* Both ends on one host: what is sent passes its loopback. */
static void pair_on_one_host(struct stk_sock *ends[2])
{
    struct stk_addr at = {.family = STK_AF_INET, .port = 5031, .ip = {127, 0, 0, 1}};
    struct stk_sock *listener = sim_listen(&world.hosts[0], &at);
    ends[0] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(ends[0], &at), STK_EINPROGRESS);
    (void)sim_wait(&world.hosts[0], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &ends[1], NULL), STK_OK);
    (void)sim_wait(&world.hosts[0], ends[0], STK_READY_CONN);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
}

static void stall_run(uint32_t seed, bool shut, bool one_host)
{
    struct stk_sock *ends[2];
    uint32_t state = seed;
    sim_world_init(&world, seed, "", "");
    world.limit_ns += (uint64_t)ROUNDS * 20 * STK_S_NS;
    if (one_host) {
        pair_on_one_host(ends);
    } else {
        sim_connect_pair(&world, STK_AF_INET, 5030, &ends[0], &ends[1]);
    }
    if (shut) {
        assert_int_equal(stk_sock_shutdown(ends[0], STK_SHUT_RD), STK_OK);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        const uint32_t pause_ms = chance(&state) % (i % 10 == 0 ? 20000 : 700);
        const bool back = !shut && (chance(&state) & 1) != 0;
        sim_world_run_until(&world, world.now_ns + pause_ms * STK_MS_NS);
        if (!round_trip(ends[back], ends[!back], 1 + chance(&state) % 3)) {
            fail_msg("seed %u: round %u after a pause of %u ms", seed, i, pause_ms);
        }
    }
    assert_int_equal(stk_sock_close(ends[0], STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(ends[1], STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

static void small_sends__pauses_of_any_length__arrive(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 4; seed++) {
        stall_run(seed, false, false);
    }
}

static void small_sends__on_one_host__arrive(void **state)
{
    (void)state;
    for (uint32_t seed = 5; seed <= 8; seed++) {
        stall_run(seed, false, true);
    }
}

static void small_sends__sender_does_not_receive__arrive(void **state)
{
    (void)state;
    stall_run(11, true, false);
    stall_run(12, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_sends__pauses_of_any_length__arrive),
        cmocka_unit_test(small_sends__on_one_host__arrive),
        cmocka_unit_test(small_sends__sender_does_not_receive__arrive),
    };
    return cmocka_run_group_tests_name("sim_stall", tests, NULL, NULL);
}

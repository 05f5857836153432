/*
 * No allocation and no release while requests are posted, run and taken: both
 * hosts, their programs and the port run on this thread.
 */
#include "sim_rio.h"
#include "t_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 200u

static uint32_t take_all(struct sim_rio_end *end)
{
    struct stk_rio_done done[16];
    uint32_t taken;
    uint32_t total = 0;
    while ((taken = stk_rio_cq_take(end->cq, done, 16)) != 0) {
        total += taken;
    }
    return total;
}

/** Steps both without cmocka's functions, which allocate. */
static void turns(struct sim_rio_pair *pair)
{
    for (uint32_t i = 0; i < 200; i++) {
        (void)stk_engine_step(pair->world.hosts[0].engine);
        (void)stk_engine_step(pair->world.hosts[1].engine);
        pair->world.now_ns += 20 * UINT64_C(1000);
    }
}

static void dgrams__posted_sent_received__no_allocation(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_event event;
    sim_rio_dgrams(&pair, STK_AF_INET, 11, "", 32);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    uint32_t taken = 0;
    bool posted = true;
    for (uint32_t round = 0; round < 2; round++) { /* the first: memory is touched, the route is asked for */
        t_alloc_count_start();
        for (uint32_t k = 0; k < ROUNDS; k++) {
            for (uint32_t i = 0; i < 8; i++) {
                const uint32_t flags = (i < 7 ? STK_RIO_DEFER : 0) | (i % 2 != 0 ? STK_RIO_INFO : 0);
                posted = posted && sim_rio_post(&pair.b, STK_RIO_RECV, i * 2000, 2000, flags, i) == STK_OK;
            }
            (void)stk_rio_cq_arm(pair.b.cq);
            for (uint32_t i = 0; i < 8; i++) {
                const uint32_t len = i * 200;
                posted = posted && sim_rio_post_to(&pair.a, 0, len, i < 7 ? STK_RIO_DEFER : 0, i, &to) == STK_OK;
            }
            turns(&pair);
            taken += take_all(&pair.a) + take_all(&pair.b);
            (void)stk_events_wait(pair.b.host->client, &event, 1, 0, NULL);
        }
        const uint32_t calls = t_alloc_count_stop();
        assert_true(posted);
        if (round > 0) {
            assert_int_equal(calls, 0);
        }
    }
    assert_int_equal(taken, 2 * ROUNDS * 16);
    sim_rio_close(&pair);
}

static void streams__posted_sent_received__no_allocation(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 12, "wire.delay = 50us\nwire.loss = 1%\n", 32);
    uint32_t calls = 0;
    uint64_t got = 0;
    uint64_t sent = 0;
    for (uint32_t round = 0; round < 2; round++) {
        t_alloc_count_start();
        for (uint32_t k = 0; k < ROUNDS; k++) {
            struct stk_rio_done done;
            while (sim_rio_post(&pair.b, STK_RIO_RECV, 0, 3000, 0, k) == STK_OK) {
            }
            while (sent < got + 100000 && sim_rio_post(&pair.a, STK_RIO_SEND, 0, 5000, 0, k) == STK_OK) {
                sent += 5000;
            }
            turns(&pair);
            (void)take_all(&pair.a);
            while (stk_rio_cq_take(pair.b.cq, &done, 1) == 1) {
                got += done.bytes;
            }
        }
        calls = t_alloc_count_stop();
    }
    assert_int_equal(calls, 0);
    assert_true(got > 1000000);
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dgrams__posted_sent_received__no_allocation),
        cmocka_unit_test(streams__posted_sent_received__no_allocation),
    };
    return cmocka_run_group_tests_name("sim_rio_memory", tests, NULL, NULL);
}

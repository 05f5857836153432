/*
 * Requests counted: as many datagrams as the argument says leave one host by registered I/O and come in by it on the other.
 * Every completion must be there once, and in order.
 */
#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEPTH 512u
#define BATCH 32u
#define BYTES 64u

static uint64_t requests_wanted = 1000000;

static void take_counted(struct sim_rio_end *end, enum stk_rio_dir dir, uint64_t *taken)
{
    static struct stk_rio_done done[64];
    uint32_t count;
    while ((count = stk_rio_cq_take(end->cq, done, 64)) != 0) {
        assert_true(count <= 64);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t number = *taken;
            if (dir == STK_RIO_RECV) {
                memcpy(&number, end->bytes + *taken % DEPTH * BYTES, sizeof(number));
            }
            if (done[i].context != *taken || done[i].cookie != ~*taken || done[i].status != STK_OK ||
                done[i].bytes != BYTES || done[i].dir != (uint32_t)dir || number != *taken) {
                fail_msg("completion %llu is %llu", (unsigned long long)*taken, (unsigned long long)done[i].context);
            }
            ++*taken;
        }
    }
}

static void counted__every_request__completes_once_in_order(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    const uint64_t total = requests_wanted / 2;
    sim_rio_dgrams(&pair, STK_AF_INET, 3, "", DEPTH);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    uint64_t posted_recv = 0;
    uint64_t posted_send = 0;
    uint64_t done_recv = 0;
    uint64_t done_send = 0;
    while (done_recv < total || done_send < total) {
        uint32_t at = (uint32_t)(posted_recv % DEPTH) * BYTES;
        while (posted_recv < total && posted_recv - done_recv < DEPTH) {
            const uint32_t defer = posted_recv % BATCH != BATCH - 1 && posted_recv + 1 < total ? STK_RIO_DEFER : 0;
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, at, BYTES, defer, posted_recv), STK_OK);
            at = (uint32_t)(++posted_recv % DEPTH) * BYTES;
        }
        assert_int_equal(stk_rio_commit(pair.b.rq, STK_RIO_RECV), STK_OK);
        for (uint32_t i = 0; i < BATCH && posted_send < posted_recv; i++) {
            at = (uint32_t)(posted_send % DEPTH) * BYTES;
            memcpy(pair.a.bytes + at, &posted_send, sizeof(posted_send));
            assert_int_equal(sim_rio_post_to(&pair.a, at, BYTES, STK_RIO_DEFER, posted_send, &to), STK_OK);
            posted_send++;
        }
        assert_int_equal(stk_rio_commit(pair.a.rq, STK_RIO_SEND), STK_OK);
        for (uint32_t turn = 0; turn < 3; turn++) {
            (void)stk_engine_step(pair.world.hosts[0].engine);
            (void)stk_engine_step(pair.world.hosts[1].engine);
        }
        pair.world.now_ns += 5000;
        pair.world.limit_ns = pair.world.now_ns + STK_S_NS;
        take_counted(&pair.a, STK_RIO_SEND, &done_send);
        take_counted(&pair.b, STK_RIO_RECV, &done_recv);
    }
    assert_int_equal(done_recv, total);
    assert_int_equal(done_send, total);
    sim_rio_none(&pair.a);
    sim_rio_none(&pair.b);
    sim_rio_close(&pair);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        requests_wanted = strtoull(argv[1], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted__every_request__completes_once_in_order),
    };
    return cmocka_run_group_tests_name("sim_rio_count", tests, NULL, NULL);
}

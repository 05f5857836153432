/*
 * Request queues that the engine watches: their sends are found without a submission, and none is left behind when the
 * watching ends.
 */
#include "sim_rio.h"

#include "core/client_rio.h"
#include "core/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 100u

static uint64_t submissions(const struct sim_rio_end *end)
{
    return sim_counter(end->host, "engine.loop.submissions");
}

static bool watched(const struct sim_rio_end *end)
{
    return atomic_load(&end->rq->abi->watched) == 1;
}

/* One datagram from a to b, or BYTES of the stream. */
static void cross(struct sim_rio_pair *pair, uint64_t context)
{
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    sim_rio_fill(pair->a.bytes, BYTES, (uint32_t)context);
    assert_int_equal(sim_rio_post(&pair->b, STK_RIO_RECV, 0, BYTES, STK_RIO_WAITALL, context), STK_OK);
    if (pair->a.rq->stream) {
        assert_int_equal(sim_rio_post(&pair->a, STK_RIO_SEND, 0, BYTES, 0, context), STK_OK);
    } else {
        assert_int_equal(sim_rio_post_to(&pair->a, 0, BYTES, 0, context, &to), STK_OK);
    }
}

static void crossed(struct sim_rio_pair *pair, uint64_t context)
{
    struct stk_rio_done done = sim_rio_take(pair, &pair->b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, BYTES);
    assert_int_equal(done.context, context);
    assert_memory_equal(pair->a.bytes, pair->b.bytes, BYTES);
    done = sim_rio_take(pair, &pair->a);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.context, context);
}

/* Sends are found without a submission from the second on; when the watching has ended they are told of again. */
static void watched_here(struct sim_rio_pair *pair)
{
    uint64_t before;
    cross(pair, 0);
    crossed(pair, 0);
    assert_false(watched(&pair->a)); /* nobody has asked for it */
    stk_engine_watch_begin(pair->a.host->engine);
    cross(pair, 1);
    crossed(pair, 1);
    assert_true(watched(&pair->a));
    before = submissions(&pair->a);
    for (uint64_t i = 2; i < 50; i++) {
        cross(pair, i);
        crossed(pair, i);
    }
    assert_int_equal(submissions(&pair->a), before);
    /* What nobody has seen yet when it ends. */
    cross(pair, 50);
    assert_true(stk_engine_watch_end(pair->a.host->engine));
    assert_false(watched(&pair->a));
    crossed(pair, 50);
    assert_int_equal(submissions(&pair->a), before);
    cross(pair, 51);
    crossed(pair, 51);
    assert_int_equal(submissions(&pair->a), before + 1);
    assert_true(watched(&pair->a));
    assert_false(stk_engine_watch_end(pair->a.host->engine));
    assert_false(watched(&pair->a));
}

static void dgrams__watched__no_submissions(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 7, "", 16);
    watched_here(&pair);
    sim_rio_close(&pair);
}

static void streams__watched__no_submissions(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 8, "", 16);
    watched_here(&pair);
    sim_rio_close(&pair);
}

/* What was committed before a call goes before it: the end of the stream comes after the bytes. */
static void close__after_a_watched_send__bytes_first(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 9, "", 16);
    stk_engine_watch_begin(pair.a.host->engine);
    cross(&pair, 1);
    crossed(&pair, 1);
    assert_true(watched(&pair.a));
    cross(&pair, 2);
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a.sock = NULL;
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, BYTES);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, BYTES, 0, 3), STK_OK);
    const struct stk_rio_done end = sim_rio_take(&pair, &pair.b);
    assert_int_equal(end.status, STK_OK);
    assert_int_equal(end.bytes, 0);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 2);
    sim_rio_close(&pair);
}

static void shutdown__after_a_watched_send__bytes_first(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 10, "", 16);
    stk_engine_watch_begin(pair.a.host->engine);
    cross(&pair, 1);
    crossed(&pair, 1);
    cross(&pair, 2);
    assert_int_equal(stk_sock_shutdown(pair.a.sock, STK_SHUT_WR), STK_OK);
    crossed(&pair, 2);
    sim_rio_close(&pair);
}

/* More pairs than places: all are served, and a place whose pair is quiet is given up. */
#define PAIRS 12u

static void pairs__more_than_places__all_served(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct sim_rio_end ends[PAIRS];
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    uint32_t places = 0;
    sim_rio_dgrams(&pair, STK_AF_INET, 11, "", 64);
    stk_engine_watch_begin(pair.a.host->engine);
    for (uint32_t i = 0; i < PAIRS; i++) {
        const struct stk_addr from = sim_addr(STK_AF_INET, 0, (uint16_t)(6000 + i));
        struct stk_sock *sock = sim_open(pair.a.host, STK_AF_INET, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(sock, &from), STK_OK);
        sim_rio_end_open(&ends[i], pair.a.host, sock, 4);
    }
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < PAIRS; i++) {
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, BYTES, 0, i), STK_OK);
            assert_int_equal(sim_rio_post_to(&ends[i], 0, BYTES, 0, i, &to), STK_OK);
        }
        for (uint32_t i = 0; i < PAIRS; i++) {
            assert_int_equal(sim_rio_take(&pair, &pair.b).status, STK_OK);
            assert_int_equal(sim_rio_take(&pair, &ends[i]).context, i);
        }
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        places += watched(&ends[i]);
    }
    assert_in_range(places, 1, PAIRS - 1);
    for (uint32_t turn = 0; turn < 3u << 16; turn++) {
        (void)stk_engine_step(pair.a.host->engine);
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        assert_false(watched(&ends[i]));
        sim_rio_end_close(&ends[i]);
    }
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dgrams__watched__no_submissions),
        cmocka_unit_test(streams__watched__no_submissions),
        cmocka_unit_test(close__after_a_watched_send__bytes_first),
        cmocka_unit_test(shutdown__after_a_watched_send__bytes_first),
        cmocka_unit_test(pairs__more_than_places__all_served),
    };
    return cmocka_run_group_tests_name("sim_rio_watch", tests, NULL, NULL);
}

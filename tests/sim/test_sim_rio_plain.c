/*
 * Registered I/O: the short ways of posting and taking. They do what the long ones do, in one order with them.
 */
#include "sim_rio.h"

#include "core/client_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int receive_plain(struct sim_rio_end *end, uint32_t at, uint32_t len, uint32_t flags, uint64_t context)
{
    return stk_rio_receive_plain(end->rq, end->mem, end->bytes + at, len, flags, context);
}

static int send_plain(struct sim_rio_end *end, uint32_t at, uint32_t len, uint32_t flags, uint64_t context)
{
    return stk_rio_send_plain(end->rq, end->mem, end->bytes + at, len, flags, context);
}

static void connect_both(struct sim_rio_pair *pair)
{
    const struct stk_addr at_a = sim_addr(STK_AF_INET, 0, SIM_RIO_PORT_A);
    const struct stk_addr at_b = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    assert_int_equal(stk_sock_connect(pair->a.sock, &at_b), STK_OK);
    assert_int_equal(stk_sock_connect(pair->b.sock, &at_a), STK_OK);
    sim_rio_settle(pair);
}

/** Plain requests among others, rings going round; what is taken in either way comes in the order of posting. */
static void mixed__plain_and_not__one_order(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_plain plain[16];
    struct stk_rio_done done;
    sim_rio_dgrams(&pair, STK_AF_INET, 90, "", 16);
    connect_both(&pair);
    sim_rio_fill(pair.a.bytes, 16, 90);
    for (uint64_t round = 0; round < 40; round++) {
        /* Receives: two plain, one with a cookie, one too small, two plain. */
        assert_int_equal(receive_plain(&pair.b, 0, 4, STK_RIO_DEFER, 0), STK_OK);
        assert_int_equal(receive_plain(&pair.b, 4, 4, STK_RIO_DEFER | STK_RIO_DONT_NOTIFY, 1), STK_OK);
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 8, 4, STK_RIO_DEFER, 2), STK_OK);
        assert_int_equal(receive_plain(&pair.b, 12, 3, STK_RIO_DEFER, 3), STK_OK);
        assert_int_equal(receive_plain(&pair.b, 16, 4, STK_RIO_DEFER, 4), STK_OK);
        assert_int_equal(receive_plain(&pair.b, 20, 4, 0, 5), STK_OK);
        for (uint32_t i = 0; i < 6; i++) {
            assert_int_equal(send_plain(&pair.a, i, 4, i < 5 ? STK_RIO_DEFER : 0, i), STK_OK);
        }
        sim_rio_settle(&pair);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain, 1), 1);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain + 1, 15), 1);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain + 2, 14), 0);
        done = sim_rio_take(&pair, &pair.b);
        assert_int_equal(done.context, 2);
        assert_true(done.cookie != 0);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain + 2, 14), 0);
        done = sim_rio_take(&pair, &pair.b);
        assert_int_equal(done.status, STK_EMSGSIZE);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain + 2, 14), 2);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(plain[i].status, 0);
            assert_int_equal(plain[i].bytes, 4);
            assert_int_equal(plain[i].rq_cookie, SIM_RIO_COOKIE);
            assert_int_equal(plain[i].context, i < 2 ? i : i + 2);
        }
        assert_memory_equal(pair.b.bytes + 20, pair.a.bytes + 5, 4);
        assert_int_equal(stk_rio_cq_take_plain(pair.a.cq, plain, 16), 6);
        assert_int_equal(plain[5].context, 5);
        sim_rio_none(&pair.a);
        sim_rio_none(&pair.b);
    }
    /* What was taken is not told of: the counts of both ways are one. */
    struct stk_event event;
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    sim_rio_settle(&pair);
    assert_int_equal(stk_events_wait(pair.b.host->client, &event, 1, 0, NULL), 0);
    sim_rio_close(&pair);
}

/** Both directions of two request queues at one completion queue, resized on the way. */
static void streams__both_ways_and_resize__all_come(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_plain plain[8];
    sim_rio_streams(&pair, STK_AF_INET, 91, "", 8);
    for (uint32_t round = 0; round < 30; round++) {
        uint32_t seen = 0;
        assert_int_equal(receive_plain(&pair.b, 0, 1, 0, 1), STK_OK);
        assert_int_equal(send_plain(&pair.b, 1, 1, 0, 2), STK_OK);
        assert_int_equal(receive_plain(&pair.a, 0, 1, 0, 3), STK_OK);
        assert_int_equal(send_plain(&pair.a, 1, 1, 0, 4), STK_OK);
        assert_int_equal(stk_rio_rq_resize(pair.b.rq, (const uint32_t[]){2 + round % 7, 8 - round % 7}), STK_OK);
        sim_rio_settle(&pair);
        for (uint32_t taken = 0, looks = 0; taken < 4; looks++) {
            struct stk_rio_cq *cq = taken < 2 ? pair.b.cq : pair.a.cq;
            const uint32_t got = stk_rio_cq_take_plain(cq, plain, 8);
            if (got == 0) { /* an acknowledgement may take its time */
                assert_in_range(looks, 0, 50);
                sim_rio_settle(&pair);
            }
            for (uint32_t i = 0; i < got; i++) {
                assert_int_equal(plain[i].bytes, 1);
                seen |= 1u << plain[i].context;
            }
            taken += got;
        }
        assert_int_equal(seen, 0x1e);
    }
    sim_rio_close(&pair);
}

static void refusals__as_the_long_way(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_plain plain[2];
    sim_rio_dgrams(&pair, STK_AF_INET, 92, "", 2);
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 0), STK_ENOTCONN);
    connect_both(&pair);
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 0), STK_OK);
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 1), STK_OK);
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 2), STK_EFULL);
    sim_rio_settle(&pair);
    assert_int_equal(stk_rio_cq_take_plain(pair.a.cq, plain, 2), 2);
    assert_int_equal(send_plain(&pair.a, 0, 65508, 0, 3), STK_EMSGSIZE);
    assert_int_equal(stk_sock_shutdown(pair.a.sock, STK_SHUT_WR | STK_SHUT_RD), STK_OK);
    sim_rio_settle(&pair);
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 4), STK_ESHUTDOWN);
    assert_int_equal(receive_plain(&pair.a, 0, 4, 0, 5), STK_ESHUTDOWN);
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a.sock = NULL;
    assert_int_equal(send_plain(&pair.a, 0, 4, 0, 6), STK_EINVAL);
    assert_int_equal(receive_plain(&pair.a, 0, 4, 0, 7), STK_EINVAL);
    sim_rio_none(&pair.a);
    sim_rio_close(&pair);
}

/** A queue that the program wrote over gives nothing here, and is told by the long way. */
static void damage__nothing_plain(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 5; kind++) {
        struct sim_rio_pair pair;
        struct stk_rio_plain plain[8];
        struct stk_rio_done done[8];
        sim_rio_dgrams(&pair, STK_AF_INET, 93, "", 8);
        connect_both(&pair);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(receive_plain(&pair.b, i, 1, 0, i), STK_OK);
            assert_int_equal(send_plain(&pair.a, i, 1, 0, i), STK_OK);
        }
        sim_rio_settle(&pair);
        const uint32_t first = kind == 4 ? 2 : 0; /* entries before it are whole */
        uint8_t *ring = (uint8_t *)pair.b.cq->ring;
        const size_t bytes = (pair.b.cq->mask + 1u) * sizeof(*pair.b.cq->ring);
        if (kind < 2) {
            memset(ring, kind == 0 ? 0xff : 0x01, bytes);
        } else if (kind == 2) {
            ring[12] ^= 0x40; /* whose it is */
        } else {
            ring[first * sizeof(*pair.b.cq->ring) + 16] ^= 0x01; /* which it is */
        }
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain, 8), first);
        assert_int_equal(stk_rio_cq_take(pair.b.cq, done, 8), UINT32_MAX);
        assert_int_equal(stk_rio_cq_take_plain(pair.b.cq, plain, 8), 0);
        sim_rio_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed__plain_and_not__one_order),
        cmocka_unit_test(streams__both_ways_and_resize__all_come),
        cmocka_unit_test(refusals__as_the_long_way),
        cmocka_unit_test(damage__nothing_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Registered I/O between two hosts in virtual time: datagrams and streams,
 * order among ordinary calls, ends, queues and their resizing, events.
 */
#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Datagrams ---------------------------------------------------------------- */

static void dgram__sizes__arrive_whole_with_addresses(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 64, 512, 513, 1400, 1472, 1473, 9000, 40000, 65487};
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_rio_pair pair;
        sim_rio_dgrams(&pair, family, 21, "wire.delay = 10us\n", 8);
        const struct stk_addr to = sim_addr(family, 1, SIM_RIO_PORT_B);
        const struct stk_addr from = sim_addr(family, 0, SIM_RIO_PORT_A);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            sim_rio_fill(pair.a.bytes, sizes[i], (uint32_t)i);
            memset(pair.b.bytes, 0xee, 70000);
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 66000, STK_RIO_INFO, i), STK_OK);
            assert_int_equal(sim_rio_post_to(&pair.a, 0, sizes[i], 0, 100 + i, &to), STK_OK);
            struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
            assert_int_equal(done.status, STK_OK);
            assert_int_equal(done.bytes, sizes[i]);
            assert_int_equal(done.context, 100 + i);
            assert_int_equal(done.cookie, ~(uint64_t)(100 + i));
            assert_int_equal(done.dir, STK_RIO_SEND);
            assert_null(done.info);
            done = sim_rio_take(&pair, &pair.b);
            assert_int_equal(done.status, STK_OK);
            assert_int_equal(done.bytes, sizes[i]);
            assert_int_equal(done.context, i);
            assert_int_equal(done.dir, STK_RIO_RECV);
            assert_memory_equal(pair.b.bytes, pair.a.bytes, sizes[i]);
            assert_int_equal(pair.b.bytes[sizes[i]], 0xee);
            assert_non_null(done.info);
            assert_memory_equal(&done.info->from, &from, sizeof(from));
            assert_memory_equal(&done.info->to, &to, sizeof(to));
            assert_int_equal(done.info->if_index, 2);
            assert_int_equal(done.info->full_size, sizes[i]);
        }
        sim_rio_close(&pair);
    }
}

static void dgram__longer_than_slice__emsgsize_and_gone(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 22, "", 8);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    sim_rio_fill(pair.a.bytes, 200, 3);
    memset(pair.b.bytes, 0xee, 1000);
    const struct stk_rio_req discard = {.flags = STK_RIO_DISCARD | STK_RIO_INFO, .context = 2};
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 50, STK_RIO_INFO, 1), STK_OK);
    assert_int_equal(stk_rio_post(pair.b.rq, STK_RIO_RECV, &discard), STK_OK);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 100, 100, 0, 3), STK_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_post_to(&pair.a, i, i == 2 ? 30 : 100, 0, i, &to), STK_OK);
    }
    struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_EMSGSIZE);
    assert_int_equal(done.bytes, 50);
    assert_int_equal(done.info->full_size, 100);
    assert_int_equal(done.info->truncated, 1);
    assert_memory_equal(pair.b.bytes, pair.a.bytes, 50);
    assert_int_equal(pair.b.bytes[50], 0xee);
    done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, 0);
    assert_int_equal(done.context, 2);
    assert_int_equal(done.info->from.port, SIM_RIO_PORT_A);
    done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, 30);
    assert_memory_equal(pair.b.bytes + 100, pair.a.bytes + 2, 30);
    sim_rio_none(&pair.b);
    sim_rio_close(&pair);
}

static void dgram__none_posted__queued_then_taken_first(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 23, "", 8);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 3; i++) {
        pair.a.bytes[i] = (uint8_t)(10 + i);
        assert_int_equal(sim_rio_post_to(&pair.a, i, 1, 0, i, &to), STK_OK);
    }
    sim_rio_settle(&pair);
    assert_int_equal(stk_sock_ready(pair.b.sock) & STK_READY_IN, STK_READY_IN);
    uint8_t byte = 0;
    const struct stk_iov iov = {.base = &byte, .len = 1};
    assert_int_equal(stk_sock_recvfrom(pair.b.sock, &iov, 1, 0, NULL), 1);
    assert_int_equal(byte, 10);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, 0, i), STK_OK);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
        assert_int_equal(done.context, i);
        assert_int_equal(pair.b.bytes[i], 11 + i);
    }
    sim_rio_settle(&pair);
    sim_rio_none(&pair.b);
    assert_int_equal(stk_sock_ready(pair.b.sock) & STK_READY_IN, 0);
    pair.a.bytes[7] = 99;
    (void)sim_rio_take(&pair, &pair.a);
    assert_int_equal(sim_rio_post_to(&pair.a, 7, 1, 0, 7, &to), STK_OK);
    const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.context, 2);
    assert_int_equal(pair.b.bytes[2], 99);
    sim_rio_close(&pair);
}

static void dgram__deferred__wait_for_the_next_or_commit(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 24, "", 8);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 8; i++) {
        pair.a.bytes[i] = (uint8_t)i;
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, i == 7 ? 0 : STK_RIO_DEFER, i), STK_OK);
    }
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 8, 1, 0, 8), STK_EFULL);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, STK_RIO_DEFER, 0, &to), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 1, 1, STK_RIO_DEFER, 1, &to), STK_OK);
    sim_rio_settle(&pair);
    sim_rio_none(&pair.a);
    assert_int_equal(stk_rio_commit(pair.a.rq, STK_RIO_RECV), STK_OK); /* the other direction */
    sim_rio_settle(&pair);
    sim_rio_none(&pair.a);
    assert_int_equal(sim_rio_post_to(&pair.a, 2, 1, 0, 2, &to), STK_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_take(&pair, &pair.a).context, i);
        assert_int_equal(sim_rio_take(&pair, &pair.b).context, i);
        assert_int_equal(pair.b.bytes[i], i);
    }
    assert_int_equal(sim_rio_post_to(&pair.a, 3, 1, STK_RIO_DEFER, 3, &to), STK_OK);
    assert_int_equal(stk_rio_commit(pair.a.rq, STK_RIO_SEND), STK_OK);
    assert_int_equal(stk_rio_commit(pair.a.rq, STK_RIO_SEND), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 3);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 3);
    sim_rio_close(&pair);
}

static void dgram__bad_posts__refused_without_effect(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 25, "", 2);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    const struct stk_addr any = {.family = STK_AF_INET, .port = 5};
    const struct stk_addr six = sim_addr(STK_AF_INET6, 1, SIM_RIO_PORT_B);
    const struct stk_addr unreachable = {.family = STK_AF_INET, .port = 5, .ip = {192, 0, 2, 1}};
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 1, 0, 0), STK_ENOTCONN);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 0, &any), STK_EADDRNOTAVAIL);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 0, &six), STK_EAFNOSUPPORT);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 0, &unreachable), STK_ENETUNREACH);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 65508, 0, 0, &to), STK_EMSGSIZE);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 1, &to), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 2, &to), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 3, &to), STK_EFULL);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 1);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 4, &to), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 2);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 4);
    sim_rio_none(&pair.a);
    sim_rio_close(&pair);
}

static void shutdown__receives_posted__end_and_no_more_are_taken(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 27, "", 4);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, 0, i), STK_OK);
    }
    assert_int_equal(stk_sock_shutdown(pair.b.sock, STK_SHUT_RD), STK_OK);
    for (uint32_t i = 0; i < 2; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
        assert_int_equal(done.status, STK_ESHUTDOWN);
        assert_int_equal(done.context, i);
    }
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, 0, 3), STK_ESHUTDOWN);
    assert_int_equal(stk_sock_shutdown(pair.a.sock, STK_SHUT_WR), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, 0, 1, &to), STK_ESHUTDOWN);
    sim_rio_close(&pair);
}

static void close__outstanding_and_deferred__all_canceled(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 26, "", 4);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_RECV, i, 1, i > 1 ? STK_RIO_DEFER : 0, i), STK_OK);
    }
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1, STK_RIO_DEFER, 9, &to), STK_OK);
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a.sock = NULL;
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_RECV, 0, 1, 0, 1), STK_EINVAL);
    uint32_t sends = 0;
    uint32_t recvs = 0;
    for (uint32_t i = 0; i < 5; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
        assert_int_equal(done.status, STK_ECANCELED);
        if (done.dir == STK_RIO_SEND) {
            assert_int_equal(done.context, 9);
            sends++;
        } else {
            assert_int_equal(done.context, recvs++);
        }
    }
    assert_int_equal(sends, 1);
    assert_int_equal(recvs, 4);
    sim_rio_none(&pair.a);
    sim_rio_close(&pair);
}

/* --- Streams --------------------------------------------------------------------- */

static void stream__bytes__in_order_into_each_receive(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_rio_pair pair;
        uint8_t in[64];
        sim_rio_streams(&pair, family, 31, "wire.delay = 100us\n", 8);
        sim_rio_fill(pair.a.bytes, 4000, 5);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i * 1000, 1000, STK_RIO_WAITALL, i), STK_OK);
        }
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 100, 0, 1), STK_OK);
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 100, 3000, 0, 2), STK_OK);
        const struct stk_iov iov = {.base = pair.a.bytes + 3100, .len = 400};
        assert_int_equal(stk_sock_send(pair.a.sock, &iov, 1), 400); /* behind them */
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 3500, 532, 0, 3), STK_OK);
        for (uint32_t i = 0; i < 3; i++) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
            assert_int_equal(done.status, STK_OK);
            assert_int_equal(done.context, i + 1);
            assert_int_equal(done.bytes, i == 0 ? 100 : i == 1 ? 3000 : 532);
        }
        for (uint32_t i = 0; i < 4; i++) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
            assert_int_equal(done.status, STK_OK);
            assert_int_equal(done.bytes, 1000);
            assert_int_equal(done.context, i);
        }
        assert_memory_equal(pair.b.bytes, pair.a.bytes, 4000);
        const struct stk_iov rest = {.base = in, .len = sizeof(in)};
        assert_int_equal(stk_sock_recv(pair.b.sock, &rest, 1, 0), 32);
        sim_rio_close(&pair);
    }
}

#define CUT_TURN 256u /* datagrams of one turn */
#define MANY 2000u

static void many_post(struct sim_rio_pair *pair, uint64_t context)
{
    struct stk_rio_req req = {.mem = pair->a.mem, .base = pair->a.bytes, .len = MANY, .segment = 1};
    req.context = context;
    req.to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    assert_int_equal(stk_rio_post(pair->a.rq, STK_RIO_SEND, &req), STK_OK);
}

/* USO by request: a share of the datagrams in each turn; complete when the last has gone, and those behind it after that. */
static void dgram__cut_into_very_many__complete_when_all_went_out(void **state)
{
    struct sim_rio_pair pair;
    (void)state;
    sim_rio_dgrams(&pair, STK_AF_INET, 9, "wire.queue = 4000\nbuffers = 8192\n", 16);
    struct sim_host *host = &pair.world.hosts[0];
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    const int32_t room = 1 << 20;
    assert_int_equal(stk_sock_opt_set(pair.b.sock, STK_OPT_RCVBUF, &room, sizeof(room)), STK_OK);
    sim_rio_fill(pair.a.bytes, MANY, 4);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 0, 0, 1, &to), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 1);
    sim_rio_settle(&pair);
    many_post(&pair, 2);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 7, 0, 3, &to), STK_OK);
    for (uint32_t turn = 1; turn <= MANY / CUT_TURN; turn++) {
        struct stk_rio_done done;
        assert_int_equal(stk_rio_cq_take(pair.a.cq, &done, 1), 0); /* it steps both */
        assert_in_range(sim_counter(host, "endpoint.udp.tx_cut"), 1, turn * CUT_TURN);
    }
    struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
    assert_int_equal(sim_counter(host, "endpoint.udp.tx_cut"), MANY);
    assert_int_equal(done.context, 2);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, MANY);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 3);
    sim_rio_settle(&pair);
    uint8_t in[16];
    const struct stk_iov iov = {.base = in, .len = sizeof(in)};
    assert_int_equal(stk_sock_recvfrom(pair.b.sock, &iov, 1, 0, NULL), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(stk_sock_recvfrom(pair.b.sock, &iov, 1, 0, NULL), 1);
        assert_int_equal(in[0], pair.a.bytes[i]);
    }
    assert_int_equal(stk_sock_recvfrom(pair.b.sock, &iov, 1, 0, NULL), 7);
    many_post(&pair, 4); /* in the middle of it the queue grows, and the socket ends */
    (void)stk_engine_step(host->engine);
    const uint32_t more[STK_RIO_DIRS] = {8, 8};
    assert_int_equal(stk_rio_rq_resize(pair.a.rq, more), STK_OK);
    assert_true(sim_counter(host, "endpoint.udp.tx_cut") < 2 * MANY);
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_ABORT), STK_OK);
    pair.a.sock = NULL;
    done = sim_rio_take(&pair, &pair.a);
    assert_int_equal(done.context, 4);
    assert_int_equal(done.status, STK_ECANCELED);
    sim_rio_none(&pair.a);
    assert_true(sim_counter(host, "endpoint.udp.tx_cut") < 2 * MANY);
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dgram__sizes__arrive_whole_with_addresses),
        cmocka_unit_test(dgram__longer_than_slice__emsgsize_and_gone),
        cmocka_unit_test(dgram__none_posted__queued_then_taken_first),
        cmocka_unit_test(dgram__deferred__wait_for_the_next_or_commit),
        cmocka_unit_test(dgram__bad_posts__refused_without_effect),
        cmocka_unit_test(shutdown__receives_posted__end_and_no_more_are_taken),
        cmocka_unit_test(close__outstanding_and_deferred__all_canceled),
        cmocka_unit_test(stream__bytes__in_order_into_each_receive),
        cmocka_unit_test(dgram__cut_into_very_many__complete_when_all_went_out),
    };
    return cmocka_run_group_tests_name("sim_rio", tests, NULL, NULL);
}

/*
 * Registered I/O on streams: order, ends, closing with requests outstanding,
 * windows, loss.
 */
#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fin__posted_and_later_receives__zero_bytes(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 41, "", 8);
    sim_rio_fill(pair.a.bytes, 30, 1);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 100, STK_RIO_WAITALL, 1), STK_OK);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 200, 100, 0, 2), STK_OK);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 30, 0, 3), STK_OK);
    (void)sim_rio_take(&pair, &pair.a);
    sim_rio_none(&pair.b); /* WAITALL */
    assert_int_equal(stk_sock_shutdown(pair.a.sock, STK_SHUT_WR), STK_OK);
    struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, 30);
    assert_memory_equal(pair.a.bytes, pair.b.bytes, 30);
    done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, 0);
    assert_int_equal(done.context, 2);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 200, 100, 0, 4), STK_OK);
    done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, 0);
    /* the other way still works, and ours is shut */
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 1, 0, 5), STK_ESHUTDOWN);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_RECV, 0, 10, 0, 6), STK_OK);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_SEND, 0, 10, 0, 7), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).bytes, 10);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 7);
    sim_rio_close(&pair);
}

static void rst__outstanding_both_ways__all_reset(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 42, "wire.delay = 1ms\n", 8);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_RECV, i, 1, i == 2 ? STK_RIO_DEFER : 0, i), STK_OK);
    }
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 100, 0, 10), STK_OK);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 9000, 0, 11), STK_OK);
    assert_int_equal(stk_sock_close(pair.b.sock, STK_CLOSE_ABORT), STK_OK);
    pair.b.sock = NULL;
    uint32_t recvs = 0;
    uint32_t sends = 0;
    for (uint32_t i = 0; i < 4; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
        assert_int_equal(done.status, STK_ECONNRESET);
        assert_int_equal(done.context, done.dir == STK_RIO_RECV ? recvs++ : 10 + sends++);
    }
    assert_int_equal(recvs, 2);
    assert_int_equal(sends, 2);
    sim_rio_none(&pair.a);
    assert_int_equal(stk_rio_commit(pair.a.rq, STK_RIO_RECV), STK_OK); /* the deferred one learns it too */
    assert_int_equal(sim_rio_take(&pair, &pair.a).status, STK_ECONNRESET);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 1, 0, 12), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).status, STK_ECONNRESET);
    sim_rio_close(&pair);
}

static void receive__nothing_long__completes_when_data_is_there(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 43, "", 8);
    const struct stk_rio_req empty = {.mem = pair.b.mem, .base = pair.b.bytes, .context = 1};
    assert_int_equal(stk_rio_post(pair.b.rq, STK_RIO_RECV, &empty), STK_OK);
    sim_rio_settle(&pair);
    sim_rio_none(&pair.b);
    pair.a.bytes[0] = 55;
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 0, 0, 2), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 2);
    sim_rio_none(&pair.b);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 1, 0, 3), STK_OK);
    struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.context, 1);
    assert_int_equal(done.bytes, 0);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 10, 0, 4), STK_OK); /* the byte is still there */
    done = sim_rio_take(&pair, &pair.b);
    assert_int_equal(done.bytes, 1);
    assert_int_equal(pair.b.bytes[0], 55);
    sim_rio_close(&pair);
}

static void unconnected__posts__enotconn_then_fine(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_rio_end end;
    sim_world_init(&world, 44, "", "");
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    sim_rio_end_open(&end, &world.hosts[0], sock, 4);
    assert_int_equal(sim_rio_post(&end, STK_RIO_RECV, 0, 1, 0, 1), STK_ENOTCONN);
    assert_int_equal(sim_rio_post(&end, STK_RIO_SEND, 0, 1, 0, 1), STK_ENOTCONN);
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 8080);
    struct stk_sock *listener = sim_listen(&world.hosts[1], &addr);
    assert_int_equal(stk_sock_connect(sock, &addr), STK_EINPROGRESS);
    (void)sim_wait(&world.hosts[0], sock, STK_READY_CONN);
    end.bytes[0] = 3;
    assert_int_equal(sim_rio_post(&end, STK_RIO_SEND, 0, 1, 0, 1), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    sim_rio_end_close(&end);
    sim_world_fini(&world);
}

/** Sends blocks by both ways in turns over a bad wire; what arrives is compared. */
static void loss__requests_and_calls_mixed__bytes_in_order(void **state)
{
    (void)state;
    enum { TOTAL = 400000, BLOCK = 5000 };
    for (uint64_t seed = 51; seed < 55; seed++) {
        struct sim_rio_pair pair;
        sim_rio_streams(
            &pair, seed % 2 != 0 ? STK_AF_INET : STK_AF_INET6, seed,
            "wire.delay = 500us\nwire.jitter = 300us\nwire.loss = 3%\nwire.duplicate = 2%\nwire.reorder = 2%\n", 64);
        sim_rio_fill(pair.a.bytes, TOTAL, (uint32_t)seed);
        uint32_t posted = 0;
        uint32_t done_bytes = 0;
        uint32_t received = 0;
        uint32_t asked = 0;
        uint64_t sends = 0;
        uint64_t expect = 0;
        const uint64_t until = pair.world.now_ns + 600 * STK_S_NS;
        while (received < TOTAL) {
            assert_true(pair.world.now_ns < until);
            while (posted < TOTAL) {
                const uint32_t len = posted + BLOCK < TOTAL ? BLOCK - (uint32_t)(sends % 3) * 1600 : TOTAL - posted;
                if (sends % 4 == 3) {
                    const struct stk_iov iov = {.base = pair.a.bytes + posted, .len = len};
                    const int64_t sent = stk_sock_send(pair.a.sock, &iov, 1);
                    if (sent <= 0) {
                        break;
                    }
                    posted += (uint32_t)sent;
                    done_bytes += (uint32_t)sent;
                } else {
                    if (sim_rio_post(&pair.a, STK_RIO_SEND, posted, len, 0, sends) != STK_OK) {
                        break;
                    }
                    posted += len;
                }
                sends++;
            }
            while (asked < TOTAL) {
                const uint32_t len = asked + 7000 < TOTAL ? 7000 : TOTAL - asked;
                if (sim_rio_post(&pair.b, STK_RIO_RECV, asked, len, STK_RIO_WAITALL, asked) != STK_OK) {
                    break;
                }
                asked += len;
            }
            sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
            struct stk_rio_done done;
            while (stk_rio_cq_take(pair.b.cq, &done, 1) == 1) {
                assert_int_equal(done.status, STK_OK);
                assert_int_equal(done.context, received);
                received += done.bytes;
            }
            while (stk_rio_cq_take(pair.a.cq, &done, 1) == 1) {
                assert_int_equal(done.status, STK_OK);
                assert_true(done.context >= expect);
                expect = done.context + 1;
                done_bytes += done.bytes;
            }
        }
        assert_memory_equal(pair.a.bytes, pair.b.bytes, TOTAL);
        while (done_bytes < TOTAL) {
            done_bytes += sim_rio_take(&pair, &pair.a).bytes;
        }
        assert_int_equal(done_bytes, TOTAL);
        sim_rio_close(&pair);
    }
}

/** A peer that does not read: what was handed on still arrives whole after the close, from memory that is not ours any more. */
static void close__unacknowledged__canceled_and_still_delivered(void **state)
{
    (void)state;
    enum { TOTAL = 60000 };
    struct sim_rio_pair pair;
    uint8_t *copy = malloc(TOTAL);
    sim_rio_streams(&pair, STK_AF_INET, 61, "wire.delay = 20ms\n", 16);
    sim_rio_fill(pair.a.bytes, TOTAL, 9);
    memcpy(copy, pair.a.bytes, TOTAL);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, i * 10000, 10000, 0, i), STK_OK);
    }
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_RECV, 100000, 10, 0, 99), STK_OK);
    sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a.sock = NULL;
    uint32_t canceled = 0;
    struct stk_rio_done done;
    sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    while (stk_rio_cq_take(pair.a.cq, &done, 1) == 1) {
        assert_int_equal(done.status, STK_ECANCELED);
        canceled++;
    }
    assert_int_equal(canceled, 7); /* long before the peer could acknowledge */
    memset(pair.a.bytes, 0xdd, TOTAL);
    uint32_t got = 0;
    uint8_t *in = malloc(TOTAL);
    while (got < TOTAL) {
        const struct stk_iov iov = {.base = in + got, .len = TOTAL - got};
        (void)sim_wait(&pair.world.hosts[1], pair.b.sock, STK_READY_IN);
        const int64_t bytes = stk_sock_recv(pair.b.sock, &iov, 1, 0);
        assert_true(bytes > 0);
        got += (uint32_t)bytes;
    }
    assert_memory_equal(in, copy, TOTAL);
    (void)sim_wait(&pair.world.hosts[1], pair.b.sock, STK_READY_EOF);
    free(in);
    free(copy);
    sim_rio_close(&pair);
}

/** More than lwIP takes at once: the stream is cut short, and its peer is told so. */
static void close__not_all_handed_on__reset(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 62, "wire.delay = 20ms\n", 16);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 60000, 0, i), STK_OK);
    }
    assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a.sock = NULL;
    for (uint32_t i = 0; i < 10; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
        assert_int_equal(done.status, STK_ECANCELED);
        assert_int_equal(done.context, i);
    }
    (void)sim_wait(&pair.world.hosts[1], pair.b.sock, STK_READY_RESET);
    sim_rio_close(&pair);
}

static void window__receives_posted_and_not__stays_by_rcvbuf(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 63, "wire.delay = 100us\n", 16);
    struct stk_tcp_info info;
    assert_int_equal(stk_sock_tcp_info(pair.b.sock, &info), STK_OK);
    const uint32_t before = info.rcv_wnd;
    for (uint32_t round = 0; round < 40; round++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 20000, STK_RIO_WAITALL, round), STK_OK);
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 20000, 0, round), STK_OK);
        assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 20000);
        assert_int_equal(sim_rio_take(&pair, &pair.a).bytes, 20000);
    }
    assert_int_equal(stk_sock_tcp_info(pair.b.sock, &info), STK_OK);
    assert_true(info.rcv_wnd >= before);
    assert_int_equal(info.bytes_in, 800000);
    assert_int_equal(stk_sock_tcp_info(pair.a.sock, &info), STK_OK);
    assert_int_equal(info.bytes_out, 800000);
    sim_rio_close(&pair);
}

static void rcvbuf_zero__posted_receives__still_get_all(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    const int32_t none = 0;
    struct stk_sock *client;
    struct stk_sock *server;
    sim_world_init(&pair.world, 64, "wire.delay = 100us\n", "");
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, 8080);
    struct stk_sock *listener = sim_listen(&pair.world.hosts[1], &addr);
    assert_int_equal(stk_sock_opt_set(listener, STK_OPT_RCVBUF, &none, sizeof(none)), STK_OK);
    client = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(client, &addr), STK_EINPROGRESS);
    (void)sim_wait(&pair.world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    (void)sim_wait(&pair.world.hosts[0], client, STK_READY_CONN);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_rio_end_open(&pair.a, &pair.world.hosts[0], client, 8);
    sim_rio_end_open(&pair.b, &pair.world.hosts[1], server, 8);
    sim_rio_fill(pair.a.bytes, 30000, 2);
    assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, 0, 30000, 0, 1), STK_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i * 10000, 10000, STK_RIO_WAITALL, i), STK_OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 10000);
    }
    assert_memory_equal(pair.a.bytes, pair.b.bytes, 30000);
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fin__posted_and_later_receives__zero_bytes),
        cmocka_unit_test(rst__outstanding_both_ways__all_reset),
        cmocka_unit_test(receive__nothing_long__completes_when_data_is_there),
        cmocka_unit_test(unconnected__posts__enotconn_then_fine),
        cmocka_unit_test(loss__requests_and_calls_mixed__bytes_in_order),
        cmocka_unit_test(close__unacknowledged__canceled_and_still_delivered),
        cmocka_unit_test(close__not_all_handed_on__reset),
        cmocka_unit_test(window__receives_posted_and_not__stays_by_rcvbuf),
        cmocka_unit_test(rcvbuf_zero__posted_receives__still_get_all),
    };
    return cmocka_run_group_tests_name("sim_rio_stream", tests, NULL, NULL);
}

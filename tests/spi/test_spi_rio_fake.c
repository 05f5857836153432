/** @file Registered I/O over the in-memory stack alone: damaged memory, short memory, what is left, racing threads. */
#include "fake_stack.h"
#include "t_rio.h"

#include <string.h>

#define CONTEXT(n) ((PVOID)(uintptr_t)(n))

static void queues__all_closed__nothing_is_left(void **state)
{
    unsigned mems = fake_rio_mems_count();
    RIO_BUF data = t_rio_slice(0, 16), remote = t_rio_slice(64, 28);

    (void)state;
    assert_int_equal(fake_rio_queues_count(), 0);
    for (int order = 0; order < 2; order++) {
        SOCKET s = t_rio_bound(AF_INET);
        RIO_CQ cq = t_rio_cq(16);
        RIO_RQ rq = t_rio_rq(s, 8, 0, cq, 0);
        RIO_BUFFERID id = t_rio.RIORegisterBuffer(t_rio_region, 4096);

        data.BufferId = id;
        for (unsigned i = 0; i < 8; i++)
            assert_true(t_rio.RIOReceiveEx(rq, &data, 1, NULL, &remote, NULL, NULL, 0, CONTEXT(i)));
        t_rio.RIODeregisterBuffer(id);
        assert_int_equal(fake_rio_mems_count(), mems + 1); /* RIOX-29: the requests hold it */
        if (order == 0)
            t_close(s);
        t_rio.RIOCloseCompletionQueue(cq);
        if (order == 1)
            t_close(s);
        assert_int_equal(fake_rio_queues_count(), 0);
        assert_int_equal(fake_rio_mems_count(), mems);
    }
}

static void cq__damaged__corrupt_for_ever(void **state)
{
    RIO_CQ cq = t_rio_cq(16);
    RIORESULT result;

    (void)state;
    fake_rio_damage();
    assert_int_equal(t_rio.RIODequeueCompletion(cq, &result, 1), RIO_CORRUPT_CQ); /* RIOX-51 */
    assert_int_equal(t_rio.RIODequeueCompletion(cq, &result, 1), RIO_CORRUPT_CQ);
    t_rio.RIOCloseCompletionQueue(cq);
}

struct poster {
    RIO_RQ rq;
    BOOL accepted;
};

static void *post(void *arg)
{
    struct poster *poster = arg;
    RIO_BUF data = t_rio_slice(0, 16);

    poster->accepted = t_rio.RIOReceive(poster->rq, &data, 1, 0, CONTEXT(1));
    return NULL;
}

/* The test's provider is built to find them. */
static void rq__two_threads__the_second_one_is_told(void **state)
{
    SOCKET s = t_rio_bound(AF_INET);
    RIO_CQ cq = t_rio_cq(16);
    struct poster poster = {.rq = t_rio_rq(s, 8, 8, cq, 0)};
    RIO_BUF data = t_rio_slice(0, 16);
    uint64_t until = t_now_ms() + 5000;
    struct t_task task;

    (void)state;
    fake_rio_post_hold(true);
    t_task_start(&task, post, &poster);
    while (fake_rio_posters() == 0)
        assert_true(t_now_ms() < until);
    t_rio_fails(t_rio.RIOReceive(poster.rq, &data, 1, 0, CONTEXT(2)), WSAEINPROGRESS); /* RIOX-78 */
    t_rio_fails(t_rio.RIOSend(poster.rq, &data, 1, 0, CONTEXT(3)), WSAEINPROGRESS); /* both directions are one queue */
    fake_rio_post_hold(false);
    t_task_join(&task);
    assert_true(poster.accepted);
    assert_true(t_rio.RIOReceive(poster.rq, &data, 1, 0, CONTEXT(4)));
    t_close(s);
    t_rio_expect(cq, 1, WSA_OPERATION_ABORTED, 0);
    t_rio_expect(cq, 4, WSA_OPERATION_ABORTED, 0);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void *close_it(void *arg)
{
    t_close(*(SOCKET *)arg);
    return NULL;
}

/* Closing waits for who is in the middle of a call. */
static void rq__closed_while_a_request_is_posted__comes_after_it(void **state)
{
    SOCKET s = t_rio_bound(AF_INET);
    RIO_CQ cq = t_rio_cq(16);
    struct poster poster = {.rq = t_rio_rq(s, 8, 8, cq, 0)};
    uint64_t until = t_now_ms() + 5000;
    struct t_task posting, closing;

    (void)state;
    fake_rio_post_hold(true);
    t_task_start(&posting, post, &poster);
    while (fake_rio_posters() == 0)
        assert_true(t_now_ms() < until);
    t_task_start(&closing, close_it, &s);
    t_sleep_ms(20);
    fake_rio_post_hold(false);
    t_task_join(&posting);
    t_task_join(&closing);
    assert_true(poster.accepted);
    t_rio_expect(cq, 1, WSA_OPERATION_ABORTED, 0);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void cleanup__queues_and_memory_open__all_go(void **state)
{
    RIO_CQ cq = t_rio_cq(16);
    SOCKET s = t_rio_bound(AF_INET);
    RIO_RQ rq = t_rio_rq(s, 8, 8, cq, 0);
    RIO_BUF data = t_rio_slice(0, 16);
    RIORESULT result;

    assert_true(t_rio.RIOReceive(rq, &data, 1, 0, CONTEXT(1)));
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(fake_rio_mems_count(), 0);
    assert_int_equal(fake_rio_queues_count(), 0);
    assert_int_equal(t_rio.RIODequeueCompletion(cq, &result, 1), RIO_CORRUPT_CQ);
    assert_int_equal(t_rio.RIONotify(cq), WSANOTINITIALISED);
    t_rio_fails(t_rio.RIOReceive(rq, &data, 1, 0, NULL), WSANOTINITIALISED);
    assert_true(t_rio.RIORegisterBuffer(t_rio_region, 16) == RIO_INVALID_BUFFERID);
    assert_int_equal(t_last_error(), WSANOTINITIALISED);
    t_pages_free(t_rio_region, T_RIO_REGION);
    assert_int_equal(t_rio_start(state), 0);
    assert_int_equal(t_rio.RIODequeueCompletion(cq, &result, 1), RIO_CORRUPT_CQ); /* of the life before */
    t_rio_fails(t_rio.RIOReceive(rq, &data, 1, 0, NULL), WSAEINVAL);
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(queues__all_closed__nothing_is_left),     T(cq__damaged__corrupt_for_ever),
        T(rq__two_threads__the_second_one_is_told), T(rq__closed_while_a_request_is_posted__comes_after_it),
        T(cleanup__queues_and_memory_open__all_go),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}

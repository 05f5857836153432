/** @file Registered I/O: threads in each other's way, as programs with a lock of their own may be, and as they may not. */
#include "t_rio.h"

#include <string.h>

#define CONTEXT(n) ((PVOID)(uintptr_t)(n))
#define ROUNDS 300

/* --- Threads that share a queue by the rules ------------------------------------- */

#define SHARED 600u

struct shared {
    struct t_mutex lock;
    SOCKET s;
    RIO_CQ cq;
    RIO_RQ rq;
    RIO_BUF to;
    _Atomic unsigned done;
    unsigned char seen[SHARED];
    _Atomic bool stop;
};

static void shared_open(struct shared *shared)
{
    memset(shared, 0, sizeof *shared);
    shared->s = t_rio_bound(AF_INET);
    shared->cq = t_rio_cq(64);
    shared->rq = t_rio_rq(shared->s, 4, 16, shared->cq, 0);
    shared->to = t_rio_name(T_RIO_REGION - 64, t_addr(AF_INET, t_port(shared->s)));
}

static void shared_close(struct shared *shared)
{
    t_close(shared->s);
    t_rio.RIOCloseCompletionQueue(shared->cq);
}

static ULONG shared_take(struct shared *shared)
{
    RIORESULT results[3];
    ULONG got = t_rio.RIODequeueCompletion(shared->cq, results, 3);

    if (got > 3)
        return got;
    for (ULONG i = 0; i < got; i++)
        shared->seen[results[i].RequestContext]++;
    shared->done += got;
    return got;
}

static void *take_locked(void *arg)
{
    struct shared *shared = arg;

    while (!shared->stop) {
        ULONG got;

        t_mutex_lock(&shared->lock);
        got = shared_take(shared);
        t_mutex_unlock(&shared->lock);
        if (got > 3)
            return arg;
        if (got == 0)
            t_sleep_ms(1);
    }
    return NULL;
}

static void *take_unlocked(void *arg)
{
    struct shared *shared = arg;

    while (!shared->stop) {
        if (shared_take(shared) > 3)
            return arg;
        if (shared->done >= SHARED)
            t_sleep_ms(1);
    }
    return NULL;
}

static void shared_send_all(struct shared *shared)
{
    RIO_BUF data = t_rio_slice(0, 8);
    uint64_t until = t_now_ms() + 10000;

    for (unsigned i = 0; i < SHARED;) {
        if (t_rio.RIOSendEx(shared->rq, &data, 1, NULL, &shared->to, NULL, NULL, 0, CONTEXT(i)))
            i++;
        else
            assert_int_equal(t_last_error(), WSAENOBUFS);
        assert_true(t_now_ms() < until);
    }
    while (shared->done < SHARED) {
        t_sleep_ms(1);
        assert_true(t_now_ms() < until);
    }
    shared->stop = true;
}

static void dequeue__threads_with_a_lock__each_result_once(void **state)
{
    static struct shared shared;
    struct t_task tasks[3];

    (void)state;
    shared_open(&shared);
    for (int i = 0; i < 3; i++)
        t_task_start(&tasks[i], take_locked, &shared);
    shared_send_all(&shared);
    for (int i = 0; i < 3; i++)
        t_task_join(&tasks[i]);
    for (unsigned i = 0; i < SHARED; i++)
        assert_int_equal(shared.seen[i], 1); /* RIOX-52 */
    shared_close(&shared);
}

static void dequeue__queue_resized_meanwhile__nothing_is_lost(void **state)
{
    static struct shared shared;
    struct t_task task;
    RIO_BUF data = t_rio_slice(0, 8);
    unsigned sent = 0;

    (void)state;
    shared_open(&shared);
    t_task_start(&task, take_unlocked, &shared);
    for (DWORD i = 0; i < ROUNDS; i++) { /* RIOX-46 */
        assert_true(t_rio.RIOResizeCompletionQueue(shared.cq, 20 + i % 50));
        if (t_rio.RIOSendEx(shared.rq, &data, 1, NULL, &shared.to, NULL, NULL, 0, CONTEXT(sent)))
            sent++;
    }
    for (uint64_t until = t_now_ms() + 5000; shared.done < sent; t_sleep_ms(1))
        assert_true(t_now_ms() < until);
    shared.stop = true;
    t_task_join(&task);
    for (unsigned i = 0; i < sent; i++)
        assert_int_equal(shared.seen[i], 1);
    shared_close(&shared);
}

/* --- Memory that is used twice ------------------------------------------------------- */

static void receive__one_slice_twice_and_written_to__others_are_untouched(void **state)
{
    static struct shared shared;
    RIO_BUF data = t_rio_slice(4096, 16);

    (void)state;
    shared_open(&shared);
    memset(t_rio_region, 0x11, 8192);
    assert_true(t_rio.RIOReceive(shared.rq, &data, 1, 0, CONTEXT(1))); /* RIOX-26 */
    assert_true(t_rio.RIOReceive(shared.rq, &data, 1, 0, CONTEXT(2)));
    memset(t_rio_region + 4096, 0x22, 16);
    for (int i = 0; i < 2; i++)
        assert_int_equal(t_sendto(shared.s, "12345678901234567890", 16, t_addr(AF_INET, t_port(shared.s))), 16);
    t_rio_expect(shared.cq, 1, 0, 16);
    t_rio_expect(shared.cq, 2, 0, 16);
    for (size_t i = 0; i < 8192; i++)
        if (i < 4096 || i >= 4112)
            assert_int_equal(t_rio_region[i], 0x11);
    shared_close(&shared);
}

/* --- Making and closing at once ------------------------------------------------------- */

static _Atomic SOCKET race_socket;
static _Atomic RIO_CQ race_queue;
static _Atomic unsigned race_round, race_answers;

static void *make_queues(void *arg)
{
    unsigned done = 0;

    while (done < ROUNDS) {
        if (race_round == done)
            continue;
        if (t_rio.RIOCreateRequestQueue(race_socket, 1, 1, 1, 1, race_queue, race_queue, NULL) == RIO_INVALID_RQ &&
            t_last_error() != WSAENOTSOCK && t_last_error() != WSAEINVAL)
            return arg;
        done++;
        race_answers++;
    }
    return NULL;
}

static void rq__made_while_its_socket_is_closed__refused_or_ended_with_it(void **state)
{
    RIO_CQ cq = t_rio_cq(4);
    uint64_t until = t_now_ms() + 20000;
    struct t_task task;

    (void)state;
    race_queue = cq;
    race_round = race_answers = 0;
    t_task_start(&task, make_queues, &race_queue);
    for (unsigned i = 0; i < ROUNDS; i++) {
        SOCKET s = t_rio_bound(AF_INET);

        race_socket = s;
        race_round = i + 1;
        if (i % 3 == 1)
            while (race_answers <= i && t_now_ms() < until)
                ;
        t_close(s); /* RIOX-66 */
        while (race_answers <= i)
            assert_true(t_now_ms() < until);
    }
    t_task_join(&task);
    t_rio_quiet(cq);
    t_close(t_rio_bound(AF_INET));
    t_rio.RIOCloseCompletionQueue(cq);
}

struct poster {
    RIO_RQ rq;
    _Atomic bool stop;
};

static void *post_until(void *arg)
{
    struct poster *poster = arg;
    RIO_BUF data = t_rio_slice(0, 8), remote = t_rio_slice(64, 28);

    while (!poster->stop)
        if (!t_rio.RIOReceiveEx(poster->rq, &data, 1, NULL, &remote, NULL, NULL, 0, CONTEXT(1)) &&
            t_last_error() != WSAENOBUFS && t_last_error() != WSAEINVAL)
            return arg;
    return NULL;
}

static void rq__closed_while_a_thread_posts__every_request_is_aborted_once(void **state)
{
    RIORESULT results[64];

    (void)state;
    for (int round = 0; round < 30; round++) {
        SOCKET s = t_rio_bound(AF_INET);
        RIO_CQ cq = t_rio_cq(64);
        struct poster poster = {.rq = t_rio_rq(s, 64, 0, cq, 0)};
        struct t_task task;
        ULONG got;

        t_task_start(&task, post_until, &poster);
        if (round % 2)
            t_sleep_ms(1);
        t_close(s);
        poster.stop = true;
        t_task_join(&task);
        t_sleep_ms(2);
        got = t_rio.RIODequeueCompletion(cq, results, 64);
        assert_true(got <= 64);
        for (ULONG i = 0; i < got; i++)
            assert_int_equal(results[i].Status, WSA_OPERATION_ABORTED);
        assert_int_equal(t_rio.RIODequeueCompletion(cq, results, 64), 0);
        t_rio.RIOCloseCompletionQueue(cq);
    }
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(dequeue__threads_with_a_lock__each_result_once),
        T(dequeue__queue_resized_meanwhile__nothing_is_lost),
        T(receive__one_slice_twice_and_written_to__others_are_untouched),
        T(rq__made_while_its_socket_is_closed__refused_or_ended_with_it),
        T(rq__closed_while_a_thread_posts__every_request_is_aborted_once),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}

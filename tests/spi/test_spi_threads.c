/**
 * @file
 * Threads that end on Windows in ways that run nothing on them, or something
 * else than one expects: TerminateThread, and fibers; and a thread's last
 * error. Source: rules OVL2-14, WS2-10.
 */
#include "t_host.h"

#include <windows.h>

#define ABORT_MS 5000

struct poster {
    struct t_pair pair;
    WSAOVERLAPPED ov;
    char byte;
    WSAEVENT posted;
};

static void poster_post(struct poster *poster)
{
    WSABUF buf = {1, &poster->byte};
    DWORD got, flags = 0;

    t_fails(t_spi.lpWSPRecv(poster->pair.b, &buf, 1, &got, &flags, &poster->ov, NULL, NULL, &t_err), WSA_IO_PENDING);
}

static void poster_make(struct poster *poster)
{
    *poster = (struct poster){.pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED), .posted = t_event_new()};
    poster->ov.hEvent = t_event_new();
}

static void poster_free(struct poster *poster)
{
    t_event_free(poster->ov.hEvent);
    t_event_free(poster->posted);
    t_pair_close(&poster->pair);
}

static void *post_and_sleep(void *arg)
{
    struct poster *poster = arg;

    poster_post(poster);
    t_event_set(poster->posted);
    for (;;)
        t_sleep_ms(1000);
    return NULL;
}

static void terminated__while_it_sleeps__its_requests_are_aborted(void **state)
{
    struct poster poster;
    struct t_task thread;
    char buf[4];

    (void)state;
    poster_make(&poster);
    t_task_start(&thread, post_and_sleep, &poster);
    assert_true(t_event_wait(poster.posted, ABORT_MS));
    assert_true(t_task_kill(&thread));
    assert_true(t_event_wait(poster.ov.hEvent, ABORT_MS));
    assert_int_equal(poster.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    /* The socket is as it was. */
    assert_int_equal(t_send(poster.pair.a, "on", 2), 2);
    assert_int_equal(t_recv(poster.pair.b, buf, sizeof buf), 2);
    poster_free(&poster);
}

static void *post_and_block(void *arg)
{
    struct poster *poster = arg;
    char byte;

    poster_post(poster);
    t_event_set(poster->posted);
    (void)t_recv(poster->pair.a, &byte, 1);
    return NULL;
}

/* The call that the thread was in never leaves; what else is there lives on. */
static void terminated__inside_a_blocking_call__its_requests_are_aborted(void **state)
{
    struct poster poster;
    struct t_task thread;

    poster_make(&poster);
    t_task_start(&thread, post_and_block, &poster);
    assert_true(t_event_wait(poster.posted, ABORT_MS));
    t_sleep_ms(100);
    assert_true(t_task_kill(&thread));
    assert_true(t_event_wait(poster.ov.hEvent, ABORT_MS));
    assert_int_equal(poster.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(t_send(poster.pair.a, "x", 1), 1);
    assert_int_equal(t_recv(poster.pair.b, &poster.byte, 1), 1);
    poster_free(&poster);
    /* The last cleanup waits for calls to leave, for a bounded time. */
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(t_handles_count(), 0);
    assert_int_equal(t_host_start(state), 0);
}

static void CALLBACK fiber_posts(void *arg)
{
    struct poster *poster = arg;

    poster_post(poster);
    SwitchToFiber(poster->posted); /* here: the thread's own fiber */
}

struct fibers {
    struct poster poster;
    bool alive;
};

static void *fiber_thread(void *arg)
{
    struct fibers *fibers = arg;
    WSAEVENT posted = fibers->poster.posted;
    void *self = ConvertThreadToFiber(NULL), *other = CreateFiber(0, fiber_posts, &fibers->poster);

    fibers->poster.posted = self;
    SwitchToFiber(other);
    fibers->poster.posted = posted;
    DeleteFiber(other);
    fibers->alive = !t_event_wait(fibers->poster.ov.hEvent, 600);
    t_event_set(posted);
    return NULL;
}

static void fiber__deleted__requests_live_as_long_as_the_thread(void **state)
{
    struct fibers fibers;
    struct t_task thread;

    (void)state;
    poster_make(&fibers.poster);
    t_task_start(&thread, fiber_thread, &fibers);
    t_task_join(&thread);
    assert_true(fibers.alive);
    assert_true(t_event_wait(fibers.poster.ov.hEvent, ABORT_MS));
    assert_int_equal(fibers.poster.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    poster_free(&fibers.poster);
}

struct orphan {
    struct poster poster;
    void *fiber;
    bool alive;
};

static void *orphan_make(void *arg)
{
    struct orphan *orphan = arg;

    orphan->poster.posted = ConvertThreadToFiber(NULL);
    orphan->fiber = CreateFiber(0, fiber_posts, &orphan->poster);
    SwitchToFiber(orphan->fiber);
    return NULL;
}

static void *orphan_delete(void *arg)
{
    struct orphan *orphan = arg;

    poster_post(&orphan->poster);
    DeleteFiber(orphan->fiber);
    orphan->alive = !t_event_wait(orphan->poster.ov.hEvent, 100);
    return NULL;
}

/* A fiber outlives the thread that posted on it; who deletes it goes on. Memory is likely to be used again: many rounds. */
static void fiber__deleted_by_another_thread__that_one_keeps_its_requests(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct orphan first, second;
        WSAEVENT posted;
        struct t_task thread;

        poster_make(&first.poster);
        poster_make(&second.poster);
        posted = first.poster.posted;
        t_task_start(&thread, orphan_make, &first);
        t_task_join(&thread);
        first.poster.posted = posted;
        assert_true(t_event_wait(first.poster.ov.hEvent, ABORT_MS));
        t_sleep_ms(20); /* what was kept for the thread is freed behind the event */
        second.fiber = first.fiber;
        t_task_start(&thread, orphan_delete, &second);
        t_task_join(&thread);
        assert_true(second.alive);
        assert_true(t_event_wait(second.poster.ov.hEvent, ABORT_MS));
        poster_free(&second.poster);
        poster_free(&first.poster);
    }
}

static void *post_one(void *arg)
{
    poster_post(arg);
    return NULL;
}

/* By trying each: Wine 8 does not count the handles of a process. */
static DWORD handles_of_process(void)
{
    DWORD count = 0, flags;

    for (uintptr_t value = 4; value < 0x4000; value += 4)
        count += GetHandleInformation((HANDLE)value, &flags) != FALSE;
    assert_true(count > 0);
    return count;
}

static void ended__a_hundred_threads__leave_no_handle(void **state)
{
    DWORD before = 0;

    (void)state;
    for (int round = 0; round < 110; round++) {
        struct poster poster;
        struct t_task thread;

        poster_make(&poster);
        t_task_start(&thread, post_one, &poster);
        t_task_join(&thread);
        assert_true(t_event_wait(poster.ov.hEvent, ABORT_MS));
        poster_free(&poster);
        if (round == 9)
            before = handles_of_process();
    }
    assert_in_range(handles_of_process(), 0, before + 20);
}

static void *send_late(void *arg)
{
    struct poster *poster = arg;

    t_sleep_ms(50);
    (void)t_send(poster->pair.a, "x", 1);
    return NULL;
}

static void result__waited_for__last_error_is_left_alone(void **state)
{
    struct poster poster;
    struct t_task thread;
    DWORD got = 0, flags = 7, error;
    BOOL done;

    (void)state;
    poster_make(&poster);
    poster_post(&poster);
    t_task_start(&thread, send_late, &poster);
    SetLastError(4321);
    done = t_spi.lpWSPGetOverlappedResult(poster.pair.b, &poster.ov, &got, TRUE, &flags, &t_err);
    error = GetLastError();
    t_task_join(&thread);
    assert_true(done);
    assert_int_equal(got, 1);
    assert_int_equal(flags, 0);
    assert_int_equal(error, 4321);
    poster_free(&poster);
}

/* The socket of the call that never left stays, marked closed. */
static int group_stop(void **state)
{
    (void)state;
    assert_int_equal(t_handles_count(), 0);
    t_requests_are(0);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    t_sockets_are(1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terminated__while_it_sleeps__its_requests_are_aborted),
        cmocka_unit_test(fiber__deleted__requests_live_as_long_as_the_thread),
        cmocka_unit_test(fiber__deleted_by_another_thread__that_one_keeps_its_requests),
        cmocka_unit_test(result__waited_for__last_error_is_left_alone),
        cmocka_unit_test(ended__a_hundred_threads__leave_no_handle),
        cmocka_unit_test(terminated__inside_a_blocking_call__its_requests_are_aborted),
    };

    return cmocka_run_group_tests_name("spi_threads", tests, t_host_start, group_stop);
}

/** @file Several threads on one socket, and closing under their feet. */
#include "t_host.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define ROUNDS 60

struct worker {
    struct t_task thread;
    SOCKET s;
    int kind;
    uint64_t moved;
    const DWORD *count; /* where a call stores its count, and what was there */
    DWORD seen;
    INT code;
};

/* What a call may say when its socket is closed by somebody else (WSPC-9). */
static bool code_of_closing(INT code)
{
    return code == WSAEINTR || code == WSAENOTSOCK || code == WSAECONNABORTED || code == WSAECONNRESET ||
           code == WSAENOTCONN || code == WSAESHUTDOWN;
}

static void *use_until_it_fails(void *arg)
{
    struct worker *worker = arg;
    static const char out[512];
    char in[512];
    int result = 0;

    t_err = 0;
    while (result >= 0) {
        fd_set read = {.fd_count = 1, .fd_array = {worker->s}};
        SOCKADDR_STORAGE name;
        INT len = (INT)sizeof name;

        switch (worker->kind % 4) {
        case 0:
            result = t_recv(worker->s, in, sizeof in);
            break;
        case 1:
            result = t_send(worker->s, out, sizeof out);
            break;
        case 2:
            result = t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err);
            break;
        default:
            result = t_spi.lpWSPGetSockName(worker->s, (struct sockaddr *)&name, &len, &t_err);
            break;
        }
    }
    worker->code = t_err;
    return NULL;
}

static void *drain_until_it_ends(void *arg)
{
    struct worker *worker = arg;
    char in[1024];
    int got;

    t_err = 0;
    while ((got = t_recv(worker->s, in, sizeof in)) > 0)
        worker->moved += (uint64_t)got;
    worker->code = got < 0 ? t_err : 0;
    return NULL;
}

static void race__close_under_four_kinds_of_calls__all_end(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        struct worker workers[4], reader = {.s = pair.b};

        t_task_start(&reader.thread, drain_until_it_ends, &reader);
        for (int i = 0; i < 4; i++) {
            workers[i] = (struct worker){.s = pair.a, .kind = i};
            t_task_start(&workers[i].thread, use_until_it_fails, &workers[i]);
        }
        t_sleep_ms((unsigned)round % 4);
        t_close(pair.a);
        for (int i = 0; i < 4; i++) {
            t_task_join(&workers[i].thread);
            if (!code_of_closing(workers[i].code))
                fail_msg("round %d, kind %d: code %d", round, i, workers[i].code);
        }
        t_task_join(&reader.thread);
        t_close(pair.b);
    }
}

static void *send_thousand(void *arg)
{
    struct worker *worker = arg;
    char block[64];

    memset(block, worker->kind, sizeof block);
    for (int i = 0; i < 1000; i++) {
        int sent = t_send(worker->s, block, sizeof block);

        if (sent != (int)sizeof block) {
            worker->code = t_err;
            break;
        }
        worker->moved += (uint64_t)sent;
    }
    return NULL;
}

static void race__eight_senders_and_eight_readers__every_byte_once(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct worker senders[THREADS], readers[THREADS];
    uint64_t sent = 0, got = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct worker){.s = pair.a, .kind = i};
        readers[i] = (struct worker){.s = pair.b};
        t_task_start(&readers[i].thread, drain_until_it_ends, &readers[i]);
        t_task_start(&senders[i].thread, send_thousand, &senders[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        t_task_join(&senders[i].thread);
        assert_int_equal(senders[i].code, 0);
        sent += senders[i].moved;
    }
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    for (int i = 0; i < THREADS; i++) {
        t_task_join(&readers[i].thread);
        assert_int_equal(readers[i].code, 0);
        got += readers[i].moved;
    }
    assert_int_equal(sent, THREADS * 1000 * 64);
    assert_int_equal(got, sent);
    t_pair_close(&pair);
}

static void *open_and_close(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        SOCKET s = t_socket(i % 2 ? AF_INET : AF_INET6, i % 3 ? SOCK_STREAM : SOCK_DGRAM);

        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), 0);
        t_close(s);
    }
    return NULL;
}

static void race__eight_threads_open_and_close__nothing_is_left(void **state)
{
    struct worker workers[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        t_task_start(&workers[i].thread, open_and_close, NULL);
    for (int i = 0; i < THREADS; i++)
        t_task_join(&workers[i].thread);
    assert_int_equal(t_handles_count(), 0);
    t_sockets_are(0);
}

/* Two closers and a connection that is being used: exactly one of them closes. */
static void *close_once(void *arg)
{
    struct worker *worker = arg;

    worker->code = t_spi.lpWSPCloseSocket(worker->s, &t_err) == 0 ? 0 : t_err;
    return NULL;
}

static void race__two_closers__one_succeeds(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
        struct worker workers[2];
        int closed = 0;

        for (int i = 0; i < 2; i++) {
            workers[i] = (struct worker){.s = s};
            t_task_start(&workers[i].thread, close_once, &workers[i]);
        }
        for (int i = 0; i < 2; i++) {
            t_task_join(&workers[i].thread);
            closed += workers[i].code == 0;
            if (workers[i].code != 0)
                assert_int_equal(workers[i].code, WSAENOTSOCK);
        }
        assert_int_equal(closed, 1);
        assert_int_equal(t_handles_count(), 0);
    }
}

static void *close_inside(void *arg)
{
    struct worker *worker = arg;

    while (t_completion_naps() == worker->moved)
        t_sleep_ms(1);
    worker->seen = *worker->count;
    return close_once(arg);
}

/*
 * WSPCLOSESOCKET-4: the handle lives as long as an indication, that of a call that ends at once too. The call has stored its count
 * by then: who takes the indication may give back the place.
 */
static void race__close_under_an_indication__is_told(void **state)
{
    (void)state;
    for (int ioctl = 0; ioctl < 2; ioctl++) {
        struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};
        unsigned completions = t_completions();
        u_long value = 0;
        char byte = 'x';
        WSABUF buf = {.len = 1, .buf = &byte};
        DWORD moved = 0;
        struct worker worker = {.s = pair.a, .moved = t_completion_naps(), .count = &moved};

        t_completion_nap(100);
        t_task_start(&worker.thread, close_inside, &worker);
        if (ioctl == 1)
            assert_int_equal(
                t_spi.lpWSPIoctl(pair.a, FIONREAD, NULL, 0, &value, sizeof value, &moved, &ov, NULL, NULL, &t_err), 0);
        else
            assert_int_equal(t_spi.lpWSPSend(pair.a, &buf, 1, &moved, 0, &ov, NULL, NULL, &t_err), 0);
        t_completion_nap(0);
        assert_int_equal(t_completions(), completions + 1);
        assert_true(t_event_is_set(ov.hEvent));
        t_task_join(&worker.thread);
        assert_int_equal(worker.code, 0);
        assert_int_equal(worker.seen, ioctl == 1 ? 4 : 1);
        t_event_free(ov.hEvent);
        t_close(pair.b);
    }
}

struct posted {
    WSAOVERLAPPED ov;
    char byte;
    bool pending;
};

static void race__data_against_close__every_request_ends_once(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        struct posted posts[32] = {{.ov = {0}}};
        unsigned done = 0, aborted = 0;

        for (int i = 0; i < 32; i++) {
            WSABUF buf = {1, &posts[i].byte};
            DWORD got, flags = 0;

            posts[i].ov.hEvent = t_event_new();
            posts[i].pending = t_spi.lpWSPRecv(pair.b, &buf, 1, &got, &flags, &posts[i].ov, NULL, NULL, &t_err) ==
                               SOCKET_ERROR;
            if (posts[i].pending)
                assert_int_equal(t_err, WSA_IO_PENDING);
        }
        assert_int_equal(t_send(pair.a, "0123456789abcdef", 16), 16);
        if (round % 2)
            t_sleep_ms(1);
        t_close(pair.b);
        for (int i = 0; i < 32; i++) {
            assert_true(t_event_wait(posts[i].ov.hEvent, 3000));
            done += posts[i].ov.OffsetHigh == 0;
            aborted += posts[i].ov.OffsetHigh == WSA_OPERATION_ABORTED;
            t_event_free(posts[i].ov.hEvent);
        }
        assert_int_equal(done + aborted, 32);
        assert_true(done <= 16);
        t_requests_are(0);
        t_close(pair.a);
    }
}

static void *blocked_until_cleanup(void *arg)
{
    struct worker *worker = arg;
    fd_set read = {.fd_count = 1, .fd_array = {worker->s}};
    char byte;

    t_err = 0;
    if (worker->kind == 0)
        (void)t_recv(worker->s, &byte, 1);
    else if (worker->kind == 1)
        (void)t_spi.lpWSPAccept(worker->s, NULL, NULL, NULL, 0, &t_err);
    else
        (void)t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err);
    worker->code = t_err;
    return NULL;
}

static void race__cleanup_under_blocked_calls__all_end_soon(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET listener = t_listener(AF_INET);
    struct worker workers[3] = {{.s = pair.a, .kind = 0}, {.s = listener, .kind = 1}, {.s = pair.b, .kind = 2}};
    uint64_t before;

    for (int i = 0; i < 3; i++)
        t_task_start(&workers[i].thread, blocked_until_cleanup, &workers[i]);
    t_sleep_ms(50);
    before = t_now_ms();
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_in_range(t_now_ms() - before, 0, 1900); /* less than it would wait for a thread that stays */
    for (int i = 0; i < 3; i++) {
        t_task_join(&workers[i].thread);
        /* Who sees the other end go first is told of that: the stream's end, or readable, instead of an error. */
        assert_true(workers[i].code != 0 || workers[i].kind != 1);
    }
    t_sockets_are(0);
    assert_int_equal(t_handles_count(), 0);
    assert_int_equal(t_host_start(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(race__close_under_four_kinds_of_calls__all_end),
        cmocka_unit_test(race__eight_senders_and_eight_readers__every_byte_once),
        cmocka_unit_test(race__eight_threads_open_and_close__nothing_is_left),
        cmocka_unit_test(race__two_closers__one_succeeds),
        cmocka_unit_test(race__close_under_an_indication__is_told),
        cmocka_unit_test(race__data_against_close__every_request_ends_once),
        cmocka_unit_test(race__cleanup_under_blocked_calls__all_end_soon),
    };

    return cmocka_run_group_tests_name("spi_race", tests, t_host_start, t_host_stop);
}

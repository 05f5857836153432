/** @file Overlapped requests: events, routines, order, cancellation, results. */
#include "t_host.h"

#include "wsp_overlapped.h"

#include <stdlib.h>
#include <string.h>

/* One posted receive. */
struct post {
    WSAOVERLAPPED ov;
    WSABUF buf;
    char bytes[16];
    DWORD got, flags;
};

static int post_recv(SOCKET s, struct post *post, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    post->buf = (WSABUF){sizeof post->bytes, post->bytes};
    post->got = 0xdead;
    post->flags = 0;
    return t_spi.lpWSPRecv(s, &post->buf, 1, &post->got, &post->flags, &post->ov, routine, routine ? t_thread() : NULL,
                           &t_err);
}

static void overlapped__data_comes_later__event_then_result(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}};
    DWORD got = 0xdead, flags = 0xdead;
    unsigned before = t_completions();

    (void)state;
    t_fails(post_recv(pair.b, &post, NULL), WSA_IO_PENDING);
    assert_int_equal(post.got, 0xdead); /* OVL2-5 */
    assert_int_equal(post.ov.Internal, WSS_OPERATION_IN_PROGRESS);
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSA_IO_INCOMPLETE);
    assert_int_equal(got, 0xdead);
    memset(&post.buf, 0x5a, sizeof post.buf); /* OVL2-7: the array was captured */
    assert_int_equal(t_send(pair.a, "later", 5), 5);
    assert_true(t_event_wait(post.ov.hEvent, 5000));
    assert_int_equal(t_completions(), before + 1); /* WPU-20: found by name, in its host */
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 5);
    assert_int_equal(flags, 0);
    assert_memory_equal(post.bytes, "later", 5);
    t_event_free(post.ov.hEvent);
    t_pair_close(&pair);
}

static void overlapped__data_is_there__completes_at_once_and_still_signals(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}};
    DWORD got = 0, flags = 0;

    (void)state;
    assert_int_equal(t_send(pair.a, "now", 3), 3);
    t_sleep_ms(20);
    assert_int_equal(post_recv(pair.b, &post, NULL), 0);
    assert_int_equal(post.got, 3);
    assert_true(t_event_is_set(post.ov.hEvent));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 3);
    t_event_free(post.ov.hEvent);
    t_pair_close(&pair);
}

static void overlapped__waiting_for_the_result__ends_with_it(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}}, without = {.ov = {0}};
    DWORD got = 0, flags = 0;

    (void)state;
    t_fails(post_recv(pair.b, &post, NULL), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, TRUE, &flags, &t_err));
    assert_int_equal(got, 1);
    t_fails(post_recv(pair.b, &without, NULL), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "yz", 2), 2);
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &without.ov, &got, TRUE, &flags, &t_err));
    assert_int_equal(got, 2);
    t_pair_close(&pair);
    t_event_free(post.ov.hEvent);
}

static void overlapped__several_posted__filled_in_order(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post posts[4] = {{.ov = {0}}};
    char all[64] = "", bytes[64];

    (void)state;
    for (int i = 0; i < 4; i++) {
        posts[i].ov.hEvent = t_event_new();
        t_fails(post_recv(pair.b, &posts[i], NULL), WSA_IO_PENDING);
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('A' + i % 26);
    assert_int_equal(t_send(pair.a, bytes, sizeof bytes), sizeof bytes);
    for (int i = 0; i < 4; i++) {
        assert_true(t_event_wait(posts[i].ov.hEvent, 5000));
        assert_int_equal(posts[i].ov.InternalHigh, 16);
        memcpy(all + 16 * i, posts[i].bytes, 16);
        t_event_free(posts[i].ov.hEvent);
    }
    assert_memory_equal(all, bytes, sizeof bytes);
    t_pair_close(&pair);
}

static struct {
    unsigned runs;
    DWORD error, bytes, flags;
    LPWSAOVERLAPPED ov;
    SOCKET again;
    struct post *next;
    unsigned depth, deepest;
} routine_seen;

static void CALLBACK routine_note(DWORD error, DWORD bytes, LPWSAOVERLAPPED ov, DWORD flags)
{
    routine_seen.runs++;
    routine_seen.error = error;
    routine_seen.bytes = bytes;
    routine_seen.ov = ov;
    routine_seen.flags = flags;
}

static void overlapped__routine__runs_only_in_an_alertable_wait_of_the_thread(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = (HANDLE)(uintptr_t)0x1234}}; /* the application's own: OVL2-8 */

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    t_fails(post_recv(pair.b, &post, routine_note), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "apc", 3), 3);
    t_sleep_ms(30);
    assert_int_equal(routine_seen.runs, 0);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_seen.runs, 1);
    assert_int_equal(routine_seen.error, 0);
    assert_int_equal(routine_seen.bytes, 3);
    assert_ptr_equal(routine_seen.ov, &post.ov);
    t_pair_close(&pair);
}

static void CALLBACK routine_nests(DWORD error, DWORD bytes, LPWSAOVERLAPPED ov, DWORD flags)
{
    routine_note(error, bytes, ov, flags);
    if (++routine_seen.depth > routine_seen.deepest)
        routine_seen.deepest = routine_seen.depth;
    if (routine_seen.next) {
        struct post *next = routine_seen.next;

        routine_seen.next = NULL;
        assert_int_equal(post_recv(routine_seen.again, next, routine_nests), 0); /* data is there */
        assert_int_equal(t_alertable(100), 1);                                   /* its routine must not run in here */
        assert_int_equal(routine_seen.runs, 1);
    }
    routine_seen.depth--;
}

static void overlapped__routines_of_one_socket__never_nest(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post first = {.ov = {0}}, second = {.ov = {0}};
    char many[32] = "abcdefghijklmnopqrstuvwxyz012345";

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    routine_seen.again = pair.b;
    routine_seen.next = &second;
    assert_int_equal(t_send(pair.a, many, sizeof many), sizeof many);
    t_sleep_ms(20);
    assert_int_equal(post_recv(pair.b, &first, routine_nests), 0);
    assert_true(t_alertable(5000) >= 1);
    assert_int_equal(routine_seen.runs, 2);
    assert_int_equal(routine_seen.deepest, 1);
    assert_memory_equal(second.bytes, many + 16, 16);
    t_pair_close(&pair);
}

static void overlapped__close__aborts_with_indications(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post event = {.ov = {.hEvent = t_event_new()}}, routine = {.ov = {0}};

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    t_fails(post_recv(pair.b, &event, NULL), WSA_IO_PENDING);
    t_fails(post_recv(pair.b, &routine, routine_note), WSA_IO_PENDING);
    t_close(pair.b);
    assert_true(t_event_is_set(event.ov.hEvent));
    assert_int_equal(event.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(t_alertable(1000), 1);
    assert_int_equal(routine_seen.error, WSA_OPERATION_ABORTED);
    t_event_free(event.ov.hEvent);
    t_close(pair.a);
}

struct poster {
    SOCKET s;
    struct post post;
};

static void *poster_main(void *arg)
{
    struct poster *poster = arg;

    t_fails(post_recv(poster->s, &poster->post, NULL), WSA_IO_PENDING);
    return NULL;
}

static void overlapped__thread_ends__its_requests_are_aborted(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct poster poster = {.s = pair.b, .post = {.ov = {.hEvent = t_event_new()}}};
    struct post mine = {.ov = {.hEvent = t_event_new()}};
    struct t_task thread;

    (void)state;
    t_task_start(&thread, poster_main, &poster);
    t_task_join(&thread);
    t_fails(post_recv(pair.b, &mine, NULL), WSA_IO_PENDING);
    assert_true(t_event_wait(poster.post.ov.hEvent, 5000));
    assert_int_equal(poster.post.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(t_send(pair.a, "mine", 4), 4);
    assert_true(t_event_wait(mine.ov.hEvent, 5000));
    assert_int_equal(mine.ov.InternalHigh, 4);
    t_event_free(poster.post.ov.hEvent);
    t_event_free(mine.ov.hEvent);
    t_pair_close(&pair);
}

static void overlapped__large_send__completes_when_all_is_taken(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char out[4 << 20], in[65536];
    WSABUF buf = {sizeof out, out};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD sent = 0xdead, got, flags;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 13 + i / 509);
    t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, &sent, 0, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    memset(&buf, 0x5a, sizeof buf); /* E38: captured */
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    t_fails(t_send(pair.a, "x", 1), WSAEWOULDBLOCK); /* not ahead of what is pending */
    while (at < sizeof out) {
        int part = t_recv(pair.b, in, sizeof in);

        assert_true(part > 0);
        assert_memory_equal(in, out + at, (size_t)part);
        at += (size_t)part;
    }
    assert_true(t_event_wait(ov.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, sizeof out);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

static void overlapped__datagrams__source_at_completion_and_msgsize(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    SOCKADDR_STORAGE from = {0};
    INT fromlen = (INT)sizeof from;
    char bytes[4];
    WSABUF buf = {sizeof bytes, bytes};
    DWORD got = 0, flags = 0;

    (void)state;
    t_fails(t_spi.lpWSPRecvFrom(b, &buf, 1, &got, &flags, (struct sockaddr *)&from, &fromlen, &ov, NULL, NULL, &t_err),
            WSA_IO_PENDING);
    assert_int_equal(from.ss_family, 0);
    assert_int_equal(t_sendto(a, "123456", 6, t_addr(AF_INET, t_port(b))), 6);
    assert_true(t_event_wait(ov.hEvent, 5000));
    assert_memory_equal(&from, t_addr(AF_INET, t_port(a)), sizeof(SOCKADDR_IN));
    assert_int_equal(fromlen, sizeof(SOCKADDR_IN));
    assert_false(t_spi.lpWSPGetOverlappedResult(b, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSAEMSGSIZE);
    assert_int_equal(got, 4);
    assert_int_equal(flags, MSG_PARTIAL);
    t_event_free(ov.hEvent);
    t_close(a);
    t_close(b);
}

static void overlapped__socket_without_the_attribute__is_synchronous(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct post post = {.ov = {.Internal = 77}};

    (void)state;
    assert_int_equal(t_send(pair.a, "sync", 4), 4);
    assert_int_equal(post_recv(pair.b, &post, NULL), 0);
    assert_int_equal(post.got, 4);
    assert_int_equal(post.ov.Internal, 77);
    t_pair_close(&pair);
}

static void overlapped__peer_closes__zero_bytes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}};
    DWORD got = 9, flags = 0;

    (void)state;
    t_fails(post_recv(pair.b, &post, NULL), WSA_IO_PENDING);
    t_close(pair.a);
    assert_true(t_event_wait(post.ov.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 0);
    t_event_free(post.ov.hEvent);
    t_close(pair.b);
}

static void overlapped__cleanup__marks_without_indication(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}};

    t_fails(post_recv(pair.b, &post, NULL), WSA_IO_PENDING);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(post.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_true(post.ov.Internal != WSS_OPERATION_IN_PROGRESS);
    assert_false(t_event_is_set(post.ov.hEvent));
    assert_int_equal(t_handles_count(), 0);
    t_requests_are(0);
    t_event_free(post.ov.hEvent);
    assert_int_equal(t_host_start(state), 0);
}

static void overlapped__pool_is_used_up__nobufs_and_all_come_back(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post *posts = calloc(WSP_REQUESTS_MAX + 1, sizeof *posts);

    (void)state;
    assert_non_null(posts);
    for (unsigned i = 0; i < WSP_REQUESTS_MAX; i++)
        t_fails(post_recv(pair.b, &posts[i], NULL), WSA_IO_PENDING);
    t_fails(post_recv(pair.b, &posts[WSP_REQUESTS_MAX], NULL), WSAENOBUFS);
    t_requests_are(WSP_REQUESTS_MAX);
    t_close(pair.b); /* before the other end's FIN completes them */
    t_close(pair.a);
    t_requests_are(0);
    for (unsigned i = 0; i < WSP_REQUESTS_MAX; i++)
        assert_int_equal(posts[i].ov.OffsetHigh, WSA_OPERATION_ABORTED);
    free(posts);
}

/* OVL-3: without a structure there is nothing to complete. */
static void overlapped__routine_without_a_structure__is_ignored(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    char byte;
    WSABUF buf = {1, &byte};
    DWORD got = 0, flags = 0;

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_int_equal(t_spi.lpWSPRecv(pair.b, &buf, 1, &got, &flags, NULL, routine_note, t_thread(), &t_err), 0);
    assert_int_equal(got, 1);
    buf.buf = t_bytes("y");
    assert_int_equal(t_spi.lpWSPSend(pair.b, &buf, 1, &got, 0, NULL, routine_note, t_thread(), &t_err), 0);
    assert_int_equal(t_alertable(30), 0);
    assert_int_equal(routine_seen.runs, 0);
    t_pair_close(&pair);
}

/* OVL-17, OVL-21: the caller's structure of the thread is its own again, and the result can be asked for. */
static void overlapped__routine__thread_is_copied_and_result_can_be_polled(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {0}, .flags = 0};
    WSATHREADID thread = *t_thread();
    DWORD got = 0, flags = 9;

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    post.buf = (WSABUF){sizeof post.bytes, post.bytes};
    t_fails(t_spi.lpWSPRecv(pair.b, &post.buf, 1, NULL, &post.flags, &post.ov, routine_note, &thread, &t_err),
            WSA_IO_PENDING);
    memset(&thread, 0, sizeof thread);
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSA_IO_INCOMPLETE);
    assert_int_equal(t_send(pair.a, "apc", 3), 3);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_seen.runs, 1);
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 3);
    assert_int_equal(flags, 0);
    t_pair_close(&pair);
}

/* A.9.12: no flags of sends and control codes, those of the receive of a receive. */
static void overlapped__routines__are_told_the_flags(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    struct post post = {.ov = {0}};
    WSABUF out = {1, t_bytes("x")}, in = {4, post.bytes};
    ULONG bytes;
    DWORD n = 0;

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    routine_seen.flags = 77;
    assert_int_equal(t_spi.lpWSPSend(pair.a, &out, 1, &n, 0, &post.ov, routine_note, t_thread(), &t_err), 0);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_seen.flags, 0);
    assert_int_equal(routine_seen.bytes, 1);
    routine_seen.flags = 77;
    assert_int_equal(t_spi.lpWSPIoctl(a, FIONREAD, NULL, 0, &bytes, 4, &n, &post.ov, routine_note, t_thread(), &t_err),
                     0);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_seen.flags, 0);
    assert_int_equal(n, 4);
    assert_int_equal(routine_seen.bytes, 0); /* the call has told the count: E50 */
    t_fails(t_spi.lpWSPRecv(b, &in, 1, NULL, &post.flags, &post.ov, routine_note, t_thread(), &t_err), WSA_IO_PENDING);
    assert_int_equal(t_sendto(a, "123456", 6, t_addr(AF_INET, t_port(b))), 6);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_seen.error, WSAEMSGSIZE);
    assert_int_equal(routine_seen.bytes, 4);
    assert_int_equal(routine_seen.flags, MSG_PARTIAL);
    t_close(a);
    t_close(b);
    t_pair_close(&pair);
}

/* A.9.11, A.9.31. */
static void overlapped__structure_used_again__event_is_reset_first(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}};
    DWORD got = 0, flags = 0;

    (void)state;
    for (size_t i = 1; i <= 3; i++) {
        t_event_set(post.ov.hEvent);
        t_fails(post_recv(pair.b, &post, NULL), WSA_IO_PENDING);
        assert_false(t_event_is_set(post.ov.hEvent));
        assert_int_equal(t_send(pair.a, "abc", i), i);
        assert_true(t_event_wait(post.ov.hEvent, 5000));
        assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &post.ov, &got, FALSE, &flags, &t_err));
        assert_int_equal(got, i);
    }
    t_event_free(post.ov.hEvent);
    t_pair_close(&pair);
}

/* WSPSEND-3, WSPSEND-6, OVL-10: lists are captured, the order is that of the calls, a buffer is free at its completion. */
static void overlapped__two_sends_pend__go_out_in_order(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char first[4 << 20], second[70000], in[65536];
    WSABUF lists[2] = {{sizeof first, first}, {sizeof second, second}};
    WSAOVERLAPPED ov[2] = {{.hEvent = t_event_new()}, {.hEvent = t_event_new()}};
    DWORD sent = 0xdead, got = 0, flags = 0;
    size_t at = 0;
    bool wiped = false;

    (void)state;
    for (size_t i = 0; i < sizeof first; i++)
        first[i] = (char)(i * 13 + i / 509);
    for (size_t i = 0; i < sizeof second; i++)
        second[i] = (char)((i + sizeof first) * 13 + (i + sizeof first) / 509);
    t_fails(t_spi.lpWSPSend(pair.a, &lists[0], 1, &sent, 0, &ov[0], NULL, NULL, &t_err), WSA_IO_PENDING);
    t_fails(t_spi.lpWSPSend(pair.a, &lists[1], 1, NULL, 0, &ov[1], NULL, NULL, &t_err), WSA_IO_PENDING);
    memset(lists, 0x5a, sizeof lists);
    assert_int_equal(sent, 0xdead);
    while (at < sizeof first + sizeof second) {
        int part = t_recv(pair.b, in, sizeof in);

        assert_true(part > 0);
        for (int i = 0; i < part; i++, at++)
            if (in[i] != (char)(at * 13 + at / 509))
                fail_msg("byte %zu differs", at);
        if (!wiped && t_event_is_set(ov[0].hEvent)) {
            memset(first, 0, sizeof first);
            wiped = true;
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_true(t_event_wait(ov[i].hEvent, 5000));
        assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov[i], &got, FALSE, &flags, &t_err));
        assert_int_equal(got, i == 0 ? sizeof first : sizeof second);
        t_event_free(ov[i].hEvent);
    }
    t_pair_close(&pair);
}

static void overlapped__send_pends__closing_aborts_it(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char out[4 << 20];
    WSABUF buf = {sizeof out, out};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};

    (void)state;
    t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, NULL, 0, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    t_close(pair.a);
    assert_true(t_event_wait(ov.hEvent, 5000));
    assert_int_equal(ov.OffsetHigh, WSA_OPERATION_ABORTED);
    t_event_free(ov.hEvent);
    t_close(pair.b);
}

/* A.7.27. */
static void overlapped__send_refused__no_indication(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    WSABUF buf = {1, t_bytes("x")};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    t_fails(t_spi.lpWSPSend(s, &buf, 1, NULL, 0, &ov, NULL, NULL, &t_err), WSAENOTCONN);
    t_fails(t_spi.lpWSPSend(s, &buf, 1, NULL, 0, &ov, routine_note, t_thread(), &t_err), WSAENOTCONN);
    assert_int_equal(t_alertable(30), 0);
    assert_false(t_event_is_set(ov.hEvent));
    assert_int_equal(routine_seen.runs, 0);
    t_event_free(ov.hEvent);
    t_close(s);
}

/* A.7.22. */
static void overlapped__send_without_the_attribute__is_synchronous(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSABUF buf = {4, t_bytes("sync")};
    WSAOVERLAPPED ov = {.Internal = 77};
    DWORD sent = 0;

    (void)state;
    memset(&routine_seen, 0, sizeof routine_seen);
    assert_int_equal(t_spi.lpWSPSend(pair.a, &buf, 1, &sent, 0, &ov, routine_note, t_thread(), &t_err), 0);
    assert_int_equal(sent, 4);
    assert_int_equal(ov.Internal, 77);
    assert_int_equal(t_alertable(30), 0);
    t_pair_close(&pair);
}

/* WSPRECV-2. */
static void overlapped__waitall__completes_when_full(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post post = {.ov = {.hEvent = t_event_new()}, .flags = MSG_WAITALL};

    (void)state;
    post.buf = (WSABUF){8, post.bytes};
    t_fails(t_spi.lpWSPRecv(pair.b, &post.buf, 1, NULL, &post.flags, &post.ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "01234", 5), 5);
    assert_false(t_event_wait(post.ov.hEvent, 40));
    assert_int_equal(t_send(pair.a, "567", 3), 3);
    assert_true(t_event_wait(post.ov.hEvent, 5000));
    assert_int_equal(post.ov.InternalHigh, 8);
    assert_memory_equal(post.bytes, "01234567", 8);
    t_event_free(post.ov.hEvent);
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapped__data_comes_later__event_then_result),
        cmocka_unit_test(overlapped__data_is_there__completes_at_once_and_still_signals),
        cmocka_unit_test(overlapped__waiting_for_the_result__ends_with_it),
        cmocka_unit_test(overlapped__several_posted__filled_in_order),
        cmocka_unit_test(overlapped__routine__runs_only_in_an_alertable_wait_of_the_thread),
        cmocka_unit_test(overlapped__routines_of_one_socket__never_nest),
        cmocka_unit_test(overlapped__close__aborts_with_indications),
        cmocka_unit_test(overlapped__thread_ends__its_requests_are_aborted),
        cmocka_unit_test(overlapped__large_send__completes_when_all_is_taken),
        cmocka_unit_test(overlapped__datagrams__source_at_completion_and_msgsize),
        cmocka_unit_test(overlapped__socket_without_the_attribute__is_synchronous),
        cmocka_unit_test(overlapped__peer_closes__zero_bytes),
        cmocka_unit_test(overlapped__cleanup__marks_without_indication),
        cmocka_unit_test(overlapped__pool_is_used_up__nobufs_and_all_come_back),
        cmocka_unit_test(overlapped__routine_without_a_structure__is_ignored),
        cmocka_unit_test(overlapped__routine__thread_is_copied_and_result_can_be_polled),
        cmocka_unit_test(overlapped__routines__are_told_the_flags),
        cmocka_unit_test(overlapped__structure_used_again__event_is_reset_first),
        cmocka_unit_test(overlapped__two_sends_pend__go_out_in_order),
        cmocka_unit_test(overlapped__send_pends__closing_aborts_it),
        cmocka_unit_test(overlapped__send_refused__no_indication),
        cmocka_unit_test(overlapped__send_without_the_attribute__is_synchronous),
        cmocka_unit_test(overlapped__waitall__completes_when_full),
    };

    return cmocka_run_group_tests_name("spi_overlapped", tests, t_host_start, t_host_stop);
}

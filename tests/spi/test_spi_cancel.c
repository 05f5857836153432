/** @file Cancellation of overlapped requests: our ws2_32's private codes (CancelIo, CancelIoEx, completion ports). */
#include "t_host.h"

#include "wsp_private_abi.h"

#include <string.h>

/* One posted receive. */
struct post {
    WSAOVERLAPPED ov;
    char bytes[16];
};

static void post_recv(SOCKET s, struct post *post)
{
    WSABUF buf = {sizeof post->bytes, post->bytes};
    DWORD flags = 0;

    t_fails(t_spi.lpWSPRecv(s, &buf, 1, NULL, &flags, &post->ov, NULL, NULL, &t_err), WSA_IO_PENDING);
}

/* Requests ended, or minus the code. */
static int cancel(SOCKET s, uint32_t scope, const WSAOVERLAPPED *ov)
{
    struct wsp_cancel_abi in = {.overlapped = (uintptr_t)ov, .scope = scope};
    uint32_t taken = 0xdead;
    DWORD returned = 0xdead;

    t_err = 0;
    if (t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL, NULL, NULL,
                         &t_err) != 0)
        return -t_err;
    assert_int_equal(returned, sizeof taken);
    return (int)taken;
}

static void assert_aborted(const struct post *post)
{
    assert_true(t_event_wait(post->ov.hEvent, 5000));
    assert_int_equal(post->ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(post->ov.InternalHigh, 0);
}

static void cancel__one_of_three__the_others_go_on_in_order(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post posts[3];
    DWORD got = 0xdead, flags = 0;

    (void)state;
    memset(posts, 0, sizeof posts);
    for (int i = 0; i < 3; i++) {
        posts[i].ov.hEvent = t_event_new();
        post_recv(pair.b, &posts[i]);
    }
    assert_int_equal(cancel(pair.b, WSP_CANCEL_ONE, &posts[1].ov), 1);
    assert_aborted(&posts[1]);
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.b, &posts[1].ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSA_OPERATION_ABORTED);
    assert_int_equal(got, 0xdead); /* E60 */
    assert_int_equal(cancel(pair.b, WSP_CANCEL_ONE, &posts[1].ov), 0);
    assert_false(t_event_is_set(posts[0].ov.hEvent));
    /* IOCP-33: no byte is lost. */
    assert_int_equal(t_send(pair.a, "first", 5), 5);
    assert_true(t_event_wait(posts[0].ov.hEvent, 5000));
    assert_int_equal(t_send(pair.a, "third", 5), 5);
    assert_true(t_event_wait(posts[2].ov.hEvent, 5000));
    assert_memory_equal(posts[0].bytes, "first", 5);
    assert_memory_equal(posts[2].bytes, "third", 5);
    for (int i = 0; i < 3; i++)
        t_event_free(posts[i].ov.hEvent);
    t_pair_close(&pair);
}

static void cancel__all__each_is_told_and_none_is_left(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct post posts[2];

    (void)state;
    memset(posts, 0, sizeof posts);
    assert_int_equal(cancel(pair.b, WSP_CANCEL_ALL, NULL), 0);
    for (int i = 0; i < 2; i++) {
        posts[i].ov.hEvent = t_event_new();
        post_recv(pair.b, &posts[i]);
    }
    assert_int_equal(cancel(pair.b, WSP_CANCEL_ALL, NULL), 2);
    assert_int_equal(cancel(pair.b, WSP_CANCEL_ALL, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_aborted(&posts[i]);
        t_event_free(posts[i].ov.hEvent);
    }
    t_pair_close(&pair);
}

static void cancel__bad_arguments__refused(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    struct wsp_cancel_abi in = {.reserved = 1};
    uint32_t taken;
    DWORD returned;

    (void)state;
    assert_int_equal(cancel(s, 3, NULL), -WSAEINVAL);
    assert_int_equal(cancel(s, WSP_CANCEL_ONE, NULL), -WSAEINVAL);
    t_fails(t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, 4, &returned, NULL, NULL, NULL, &t_err),
            WSAEINVAL);
    t_fails(t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in - 1, &taken, 4, &returned, NULL, NULL, NULL, &t_err),
            WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, 3, &returned, NULL, NULL, NULL, &t_err),
            WSAEFAULT);
    t_close(s);
}

struct poster {
    SOCKET s;
    struct post post;
};

static void *poster_main(void *arg)
{
    struct poster *poster = arg;

    post_recv(poster->s, &poster->post);
    return NULL;
}

static void poster_run(struct poster *poster, SOCKET s)
{
    struct t_task thread;

    memset(poster, 0, sizeof *poster);
    poster->s = s;
    poster->post.ov.hEvent = t_event_new();
    t_task_start(&thread, poster_main, poster);
    t_task_join(&thread);
}

static void cancel__own_threads__only_those(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct poster other;
    struct post mine;
    DWORD returned = 0;

    (void)state;
    memset(&mine, 0, sizeof mine);
    /* IOCP-36: on a port's socket a request outlives its thread. */
    assert_int_equal(t_spi.lpWSPIoctl(pair.b, WSP_IOCTL_PORT, NULL, 0, NULL, 0, &returned, NULL, NULL, NULL, &t_err),
                     0);
    poster_run(&other, pair.b);
    mine.ov.hEvent = t_event_new();
    post_recv(pair.b, &mine);
    t_sleep_ms(20);
    assert_false(t_event_is_set(other.post.ov.hEvent));
    assert_int_equal(cancel(pair.b, WSP_CANCEL_THREAD, NULL), 1);
    assert_aborted(&mine);
    assert_int_equal(cancel(pair.b, WSP_CANCEL_THREAD, NULL), 0);
    assert_int_equal(t_send(pair.a, "other", 5), 5);
    assert_true(t_event_wait(other.post.ov.hEvent, 5000));
    assert_int_equal(other.post.ov.InternalHigh, 5);
    t_event_free(other.post.ov.hEvent);
    t_event_free(mine.ov.hEvent);
    t_pair_close(&pair);
}

/* IOCP-35: once it is told, the structure and the buffer are the program's again. */
static void cancel__told_of_it__nothing_is_written_later(void **state)
{
    (void)state;
    for (int by_close = 0; by_close < 2; by_close++) {
        struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        struct post post, wiped;
        WSAEVENT event = t_event_new();
        char buf[8];

        memset(&post, 0, sizeof post);
        memset(&wiped, 0x5a, sizeof wiped);
        post.ov.hEvent = event;
        post_recv(pair.b, &post);
        if (by_close)
            t_close(pair.b);
        else
            assert_int_equal(cancel(pair.b, WSP_CANCEL_ALL, NULL), 1);
        assert_aborted(&post);
        memcpy(&post, &wiped, sizeof post);
        (void)t_send(pair.a, "late", 4);
        t_sleep_ms(30);
        assert_memory_equal(&post, &wiped, sizeof post);
        if (!by_close) {
            assert_int_equal(t_recv(pair.b, buf, sizeof buf), 4);
            t_close(pair.b);
        }
        t_close(pair.a);
        t_event_free(event);
    }
}

/* IOCP-34, CLS-21: how much of it went out is open, so the connection ends; other sockets do not notice. */
static void cancel__send_partly_taken__connection_ends_and_others_unharmed(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED), other = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char out[4 << 20], in[65536];
    WSABUF bufs[2] = {{sizeof out, out}, {sizeof out, out}};
    WSAOVERLAPPED cancelled = {.hEvent = t_event_new()}, whole = {.hEvent = t_event_new()};
    DWORD got = 0, flags;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 13 + i / 509);
    t_fails(t_spi.lpWSPSend(pair.a, &bufs[0], 1, NULL, 0, &cancelled, NULL, NULL, &t_err), WSA_IO_PENDING);
    t_fails(t_spi.lpWSPSend(other.a, &bufs[1], 1, NULL, 0, &whole, NULL, NULL, &t_err), WSA_IO_PENDING);
    assert_int_equal(cancel(pair.a, WSP_CANCEL_ONE, &cancelled), 1);
    assert_true(t_event_wait(cancelled.hEvent, 5000));
    assert_int_equal(cancelled.OffsetHigh, WSA_OPERATION_ABORTED);
    t_fails(t_send(pair.a, "x", 1), WSAECONNABORTED);
    while (t_recv(pair.b, in, sizeof in) > 0) /* a part was taken */
        continue;
    assert_int_equal(t_err, WSAECONNRESET);
    t_pair_close(&pair);
    while (at < sizeof out) {
        int part = t_recv(other.b, in, sizeof in);

        assert_true(part > 0);
        assert_memory_equal(in, out + at, (size_t)part);
        at += (size_t)part;
    }
    assert_true(t_event_wait(whole.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(other.a, &whole, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, sizeof out);
    t_event_free(cancelled.hEvent);
    t_event_free(whole.hEvent);
    t_pair_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel__one_of_three__the_others_go_on_in_order),
        cmocka_unit_test(cancel__all__each_is_told_and_none_is_left),
        cmocka_unit_test(cancel__bad_arguments__refused),
        cmocka_unit_test(cancel__own_threads__only_those),
        cmocka_unit_test(cancel__told_of_it__nothing_is_written_later),
        cmocka_unit_test(cancel__send_partly_taken__connection_ends_and_others_unharmed),
    };

    return cmocka_run_group_tests(tests, t_host_start, t_host_stop);
}

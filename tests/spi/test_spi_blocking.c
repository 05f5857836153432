/** @file What ends a wait, and what does not: time limits, results of requests with a completion routine. */
#include "t_host.h"

#include <string.h>

struct late {
    SOCKET s;
    unsigned after_ms;
};

static void *late_send(void *arg)
{
    const struct late *late = arg;

    t_sleep_ms(late->after_ms);
    (void)t_send(late->s, "x", 1);
    return NULL;
}

/* BLK-13: the limit is remembered, and does nothing to a socket without the attribute. */
static void blocking__time_limit_without_the_overlapped_attribute__does_nothing(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct late late = {.s = pair.b, .after_ms = 120};
    struct t_task task;
    char byte;

    (void)state;
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_RCVTIMEO, 20), 0);
    assert_int_equal(t_option_get(pair.a, SOL_SOCKET, SO_RCVTIMEO), 20);
    t_task_start(&task, late_send, &late);
    assert_int_equal(t_recv(pair.a, &byte, 1), 1);
    t_task_join(&task);
    t_pair_close(&pair);
}

static void *late_drain(void *arg)
{
    static char block[1 << 20];
    const struct late *late = arg;

    t_sleep_ms(late->after_ms);
    while (t_recv(late->s, block, sizeof block) > 0)
        ;
    return NULL;
}

static void blocking__send_limit_without_the_overlapped_attribute__does_nothing(void **state)
{
    static char block[4 << 20];
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct late late = {.s = pair.b, .after_ms = 120};
    struct t_task task;

    (void)state;
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_SNDTIMEO, 20), 0);
    t_task_start(&task, late_drain, &late);
    assert_int_equal(t_send(pair.a, block, sizeof block), (int)sizeof block);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    t_task_join(&task);
    t_pair_close(&pair);
}

#define FLOOD 4000

/* A.1.10: a blocking socket's sendto waits for room, where a nonblocking one's would block. */
static void blocking__sendto_without_room__waits(void **state)
{
    static char block[8000];
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), peer = t_bound(AF_INET, SOCK_DGRAM);
    struct sockaddr *to = t_addr(AF_INET, t_port(peer));
    int i = 0;

    (void)state;
    assert_int_equal(t_nonblocking(s, true), 0);
    while (i < FLOOD && t_sendto(s, block, sizeof block, to) >= 0)
        i++;
    if (i < FLOOD)
        assert_int_equal(t_err, WSAEWOULDBLOCK);
    else
        print_message("the in-memory stack always has room\n");
    assert_int_equal(t_nonblocking(s, false), 0);
    for (int sent = 0; i < FLOOD && sent < FLOOD; sent++)
        assert_int_equal(t_sendto(s, block, sizeof block, to), (int)sizeof block);
    t_close(s);
    t_close(peer);
}

static void CALLBACK routine(DWORD code, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)code, (void)bytes, (void)flags;
    overlapped->hEvent = NULL; /* as a mark: the field is the program's when there is a routine */
}

/* E13, WSPGETOVERLAPPEDRESULT-4: such a request is not to be waited for; looking is allowed. */
static void blocking__result_of_a_request_with_a_routine__wait_is_inval(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED overlapped;
    char room[4];
    WSABUF buffer = {sizeof room, room};
    DWORD moved = 0, flags = 0;

    (void)state;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = (WSAEVENT)&overlapped; /* the program's own */
    t_fails(t_spi.lpWSPRecv(pair.a, &buffer, 1, NULL, &flags, &overlapped, routine, t_thread(), &t_err),
            WSA_IO_PENDING);
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.a, &overlapped, &moved, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSA_IO_INCOMPLETE);
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.a, &overlapped, &moved, TRUE, &flags, &t_err));
    assert_int_equal(t_err, WSAEINVAL);
    assert_int_equal(t_send(pair.b, "ab", 2), 2);
    assert_int_equal(t_alertable(5000), 1);
    assert_null(overlapped.hEvent);
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &overlapped, &moved, FALSE, &flags, &t_err));
    assert_int_equal(moved, 2);
    t_pair_close(&pair);
}

/* Told and taken back: sends enable it all the same, also of a socket that was made blocking and back meanwhile. */
static void blocking__events_taken_back__a_send_that_would_block_enables(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen = {0};
    static char block[65536];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_WRITE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(pair.a, event, &seen, &t_err), 0);
    assert_int_equal(seen.lNetworkEvents, FD_WRITE);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, NULL, 0, &t_err), 0);
    assert_int_equal(t_nonblocking(pair.a, false), 0);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    while (t_send(pair.a, block, sizeof block) > 0)
        ;
    assert_int_equal(t_err, WSAEWOULDBLOCK);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_WRITE, &t_err), 0);
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    while (!t_event_is_set(event)) {
        if (t_recv(pair.b, block, sizeof block) < 0)
            t_sleep_ms(1);
    }
    t_event_free(event);
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocking__time_limit_without_the_overlapped_attribute__does_nothing),
        cmocka_unit_test(blocking__send_limit_without_the_overlapped_attribute__does_nothing),
        cmocka_unit_test(blocking__sendto_without_room__waits),
        cmocka_unit_test(blocking__result_of_a_request_with_a_routine__wait_is_inval),
        cmocka_unit_test(blocking__events_taken_back__a_send_that_would_block_enables),
    };

    return cmocka_run_group_tests_name("spi_blocking", tests, t_host_start, t_host_stop);
}

/** @file Network events: recording, re-enabling, enumeration, messages. */
#include "t_host.h"

#include <string.h>

/* Wait for the event, enumerate, and give the record; 0 if none came in time. */
static LONG events_take(SOCKET s, WSAEVENT event, WSANETWORKEVENTS *out)
{
    memset(out, 0x5a, sizeof *out);
    if (!t_event_wait(event, 3000))
        return 0;
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(s, event, out, &t_err), 0);
    assert_false(t_event_is_set(event));
    return out->lNetworkEvents;
}

static void events_quiet(WSAEVENT event)
{
    assert_false(t_event_wait(event, 60));
}

static void events__read__recorded_once_until_a_receive(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ | FD_CLOSE, &t_err), 0);
    events_quiet(event);
    assert_int_equal(t_send(pair.a, "abcd", 4), 4);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    assert_int_equal(seen.iErrorCode[FD_READ_BIT], 0);
    assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], 0x5a5a5a5a); /* only the bits that are set */
    assert_int_equal(t_send(pair.a, "ef", 2), 2);
    events_quiet(event); /* no receive yet */
    assert_int_equal(t_recv(pair.b, buf, 2), 2);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ); /* level: more is there */
    assert_int_equal(t_recv(pair.b, buf, 2), 2);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    assert_int_equal(t_recv(pair.b, buf, 2), 2);
    events_quiet(event);
    assert_int_equal(t_send(pair.a, "g", 1), 1);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    t_event_free(event);
    t_pair_close(&pair);
}

static void events__close__after_everything_was_read(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    char buf[8];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ | FD_CLOSE, &t_err), 0);
    assert_int_equal(t_send(pair.a, "bye", 3), 3);
    t_close(pair.a);
    t_sleep_ms(50);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 3);
    assert_int_equal(events_take(pair.b, event, &seen), FD_CLOSE);
    assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], 0);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    events_quiet(event); /* once */
    t_event_free(event);
    t_close(pair.b);
}

static void events__reset__close_has_its_code(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_CLOSE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPSetSockOpt(pair.a, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err),
                     0);
    t_close(pair.a);
    assert_int_equal(events_take(pair.b, event, &seen), FD_CLOSE);
    assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], WSAECONNRESET);
    t_event_free(event);
    t_close(pair.b);
}

static void events__write__at_once_then_after_wouldblock(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    static char block[65536];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_WRITE, &t_err), 0);
    assert_int_equal(events_take(pair.a, event, &seen), FD_WRITE);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    events_quiet(event); /* a send that succeeds does not re-enable */
    while (t_send(pair.a, block, sizeof block) > 0)
        ;
    assert_int_equal(t_err, WSAEWOULDBLOCK);
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    while (!t_event_is_set(event)) {
        if (t_recv(pair.b, block, sizeof block) < 0)
            t_sleep_ms(1);
    }
    assert_int_equal(events_take(pair.a, event, &seen), FD_WRITE);
    t_event_free(event);
    t_pair_close(&pair);
}

static void events__accept_and_connect__are_told(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = t_socket(AF_INET, SOCK_STREAM), b;
    WSAEVENT accepts = t_event_new(), connects = t_event_new();
    WSANETWORKEVENTS seen;
    char buf[4];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(listener, accepts, FD_ACCEPT | FD_READ, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEventSelect(a, connects, FD_CONNECT | FD_WRITE, &t_err), 0);
    events_quiet(connects);
    t_fails(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err),
            WSAEWOULDBLOCK);
    assert_int_equal(events_take(listener, accepts, &seen), FD_ACCEPT);
    t_sleep_ms(30);
    assert_int_equal(events_take(a, connects, &seen), FD_CONNECT | FD_WRITE);
    assert_int_equal(seen.iErrorCode[FD_CONNECT_BIT], 0);
    b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    /* WSPACCEPT-4: the registration is inherited. */
    assert_int_equal(t_send(a, "x", 1), 1);
    assert_int_equal(events_take(b, accepts, &seen), FD_READ);
    assert_int_equal(t_recv(b, buf, sizeof buf), 1);
    t_fails(t_recv(b, buf, sizeof buf), WSAEWOULDBLOCK);
    t_close(a);
    t_close(b);
    t_close(listener);
    t_event_free(accepts);
    t_event_free(connects);
}

static void events__connect_refused__has_its_code(void **state)
{
    SOCKET dead = t_bound(AF_INET, SOCK_STREAM), a = t_socket(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(dead);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    t_close(dead);
    assert_int_equal(t_spi.lpWSPEventSelect(a, event, FD_CONNECT | FD_CLOSE, &t_err), 0);
    t_fails(t_spi.lpWSPConnect(a, t_addr(AF_INET, port), 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
    assert_int_equal(events_take(a, event, &seen), FD_CONNECT);
    assert_int_equal(seen.iErrorCode[FD_CONNECT_BIT], WSAECONNREFUSED);
    assert_int_equal(t_option_get(a, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    t_close(a);
    t_event_free(event);
}

static void events__registered__cannot_become_blocking(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_READ, &t_err), 0);
    t_fails(t_nonblocking(pair.a, false), WSAEINVAL);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, NULL, 0, &t_err), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEWOULDBLOCK);
    assert_int_equal(t_send(pair.b, "x", 1), 1);
    events_quiet(event); /* cancelled */
    assert_int_equal(t_nonblocking(pair.a, false), 0);
    t_event_free(event);
    t_pair_close(&pair);
}

static void events__datagrams__read_level(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    char buf[4];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(b, event, FD_READ, &t_err), 0);
    assert_int_equal(t_sendto(a, "1", 1, t_addr(AF_INET, t_port(b))), 1);
    assert_int_equal(t_sendto(a, "", 0, t_addr(AF_INET, t_port(b))), 0);
    t_sleep_ms(20);
    assert_int_equal(events_take(b, event, &seen), FD_READ);
    assert_int_equal(t_recv(b, buf, sizeof buf), 1);
    assert_int_equal(events_take(b, event, &seen), FD_READ);
    assert_int_equal(t_recv(b, buf, sizeof buf), 0);
    events_quiet(event);
    t_event_free(event);
    t_close(a);
    t_close(b);
}

#define WINDOW ((HWND)(uintptr_t)0x77)

static void messages__events_arrive_as_messages(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;
    char buf[4];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ | FD_CLOSE, &t_err), 0);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(t_message_take(&message, 3000));
    assert_ptr_equal(message.window, WINDOW);
    assert_int_equal(message.message, 0x401);
    assert_int_equal(message.wparam, pair.b);
    assert_int_equal(WSAGETSELECTEVENT(message.lparam), FD_READ);
    assert_int_equal(WSAGETSELECTERROR(message.lparam), 0);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 1);
    assert_false(t_message_take(&message, 50));
    t_close(pair.a);
    assert_true(t_message_take(&message, 3000));
    assert_int_equal(WSAGETSELECTEVENT(message.lparam), FD_CLOSE);
    t_close(pair.b);
}

static void messages__full_queue__is_tried_again(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;
    char buf[4];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    t_message_fail(1);
    assert_int_equal(t_send(pair.a, "xy", 2), 2);
    assert_false(t_message_take(&message, 60));
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_true(t_message_take(&message, 3000));
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events__read__recorded_once_until_a_receive),
        cmocka_unit_test(events__close__after_everything_was_read),
        cmocka_unit_test(events__reset__close_has_its_code),
        cmocka_unit_test(events__write__at_once_then_after_wouldblock),
        cmocka_unit_test(events__accept_and_connect__are_told),
        cmocka_unit_test(events__connect_refused__has_its_code),
        cmocka_unit_test(events__registered__cannot_become_blocking),
        cmocka_unit_test(events__datagrams__read_level),
        cmocka_unit_test(messages__events_arrive_as_messages),
        cmocka_unit_test(messages__full_queue__is_tried_again),
    };

    return cmocka_run_group_tests_name("spi_events", tests, t_host_start, t_host_stop);
}

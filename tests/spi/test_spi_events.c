/** @file Network events: recording, re-enabling, enumeration, messages. */
#include "t_host.h"

#include <stdatomic.h>
#include <string.h>

#define WINDOW ((HWND)(uintptr_t)0x77)

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
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(pair.b, event, &seen, &t_err), 0);
    assert_int_equal(seen.lNetworkEvents, 0); /* the record was cleared by being read */
    assert_int_equal(t_send(pair.a, "g", 1), 1);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    /* The end makes the provider look again, and is not told itself before the data is read. */
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    events_quiet(event);
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_int_equal(events_take(pair.b, event, &seen), FD_CLOSE);
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

/* E44: by both kinds of registration. */
static void events__datagrams__write_after_bind(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(a, event, FD_WRITE | FD_READ, &t_err), 0);
    assert_int_equal(events_take(a, event, &seen), FD_WRITE);
    assert_int_equal(seen.iErrorCode[FD_WRITE_BIT], 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(b, WINDOW, 0x402, FD_WRITE | FD_READ, &t_err), 0);
    assert_true(t_message_take(&message, 3000));
    assert_int_equal(message.wparam, b);
    assert_int_equal(WSAGETSELECTEVENT(message.lparam), FD_WRITE);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), 1);
    assert_true(t_message_take(&message, 3000));
    assert_int_equal(WSAGETSELECTEVENT(message.lparam), FD_READ);
    events_quiet(event); /* a send that succeeds does not re-enable */
    t_event_free(event);
    t_close(a);
    t_close(b);
}

static void events__every_bit__accepted(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    WSAEVENT event = t_event_new();

    (void)state;
    for (int bit = 0; bit < FD_MAX_EVENTS; bit++)
        assert_int_equal(t_spi.lpWSPEventSelect(s, event, 1 << bit, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_ALL_EVENTS, &t_err), 0);
    t_fails(t_spi.lpWSPEventSelect(s, event, 1 << FD_MAX_EVENTS, &t_err), WSAEINVAL);
    t_close(s);
    t_event_free(event);
}

static int CALLBACK defers(LPWSABUF a, LPWSABUF b, LPQOS c, LPQOS d, LPWSABUF e, LPWSABUF f, GROUP *g, DWORD_PTR answer)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
    return (int)answer;
}

static SOCKET client_of(SOCKET listener)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    assert_int_equal(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    return s;
}

/* EVT-22, A.5.18. */
static void events__deferred_head__no_accept_is_told(void **state)
{
    SOCKET listener = t_listener(AF_INET), first, second, b;
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(listener, event, FD_ACCEPT, &t_err), 0);
    first = client_of(listener);
    assert_int_equal(events_take(listener, event, &seen), FD_ACCEPT);
    assert_true(t_spi.lpWSPAccept(listener, NULL, NULL, defers, CF_DEFER, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSATRY_AGAIN);
    events_quiet(event);
    second = client_of(listener);
    events_quiet(event);
    b = t_spi.lpWSPAccept(listener, NULL, NULL, defers, CF_ACCEPT, &t_err);
    assert_true(b != INVALID_SOCKET);
    assert_int_equal(events_take(listener, event, &seen), FD_ACCEPT); /* the second one's turn */
    t_close(b);
    t_close(listener);
    t_close(first);
    t_close(second);
    t_event_free(event);
}

static void events__accept__pending_before_the_call(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener);
    struct timeval wait = {.tv_sec = 3};
    fd_set read = {.fd_count = 1, .fd_array = {listener}};
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, &wait, &t_err), 1);
    assert_int_equal(t_spi.lpWSPEventSelect(listener, event, FD_ACCEPT, &t_err), 0);
    assert_true(t_event_is_set(event));
    assert_int_equal(events_take(listener, event, &seen), FD_ACCEPT);
    t_close(a);
    t_close(listener);
    t_event_free(event);
}

static void events__close__before_the_call(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;
    char buf[4];

    (void)state;
    t_close(pair.a);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_CLOSE | FD_READ, &t_err), 0);
    assert_int_equal(events_take(pair.b, event, &seen), FD_CLOSE);
    assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], 0);
    t_close(pair.b);
    t_event_free(event);
}

/* A.11.16: also where this end went first. */
static void events__own_shutdown_answered__close_is_told(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_CLOSE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    events_quiet(event);
    t_close(pair.b);
    assert_int_equal(events_take(pair.a, event, &seen), FD_CLOSE);
    assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], 0);
    t_close(pair.a);
    t_event_free(event);
}

/* A.11.18: no event and no message for a socket that is closed. */
static void events__closed__nothing_more(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0), other = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, event, FD_READ | FD_CLOSE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(other.a, WINDOW, 0x401, FD_READ | FD_CLOSE, &t_err), 0);
    t_close(pair.a);
    t_close(other.a);
    (void)t_send(pair.b, "x", 1);
    (void)t_send(other.b, "x", 1);
    t_close(pair.b);
    t_close(other.b);
    events_quiet(event);
    assert_false(t_message_take(&message, 30));
    t_event_free(event); /* it is the application's still */
}

/* A.12.2: whatever events are asked for, and none. */
static void events__none_asked_for__nonblocking_all_the_same(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[4];

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.a, NULL, 0, &t_err), 0);
    t_fails(t_recv(pair.a, buf, sizeof buf), WSAEWOULDBLOCK);
    t_pair_close(&pair);
}

/* A.12.3. */
static void events__registered_anew__record_is_cleared(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new(), other = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "a", 1), 1);
    assert_true(t_event_wait(event, 3000)); /* recorded, not taken */
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, other, FD_CLOSE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(pair.b, NULL, &seen, &t_err), 0);
    assert_int_equal(seen.lNetworkEvents, 0);
    assert_false(t_event_is_set(other));
    t_event_free(event);
    t_event_free(other);
    t_pair_close(&pair);
}

/* A.12.11. */
static void events__enumerate_fails__record_and_event_stay(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "a", 1), 1);
    assert_true(t_event_wait(event, 3000));
    t_fails(t_spi.lpWSPEnumNetworkEvents(pair.b, event, NULL, &t_err), WSAEFAULT);
    assert_true(t_event_is_set(event));
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    t_event_free(event);
    t_pair_close(&pair);
}

/* A.11.11: a datagram socket can send once it is bound. */
static void events__datagram__write_after_bind(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_WRITE, &t_err), 0);
    assert_int_equal(events_take(s, event, &seen), FD_WRITE);
    t_close(s);
    t_event_free(event);
}

#define FLOW 300

struct taker {
    SOCKET s;
    WSAEVENT event;
    _Atomic unsigned reads;
    _Atomic bool stop;
};

static void *take_always(void *arg)
{
    struct taker *taker = arg;
    WSANETWORKEVENTS seen;

    while (!taker->stop) {
        if (t_spi.lpWSPEnumNetworkEvents(taker->s, taker->event, &seen, &t_err) == 0)
            taker->reads += (seen.lNetworkEvents & FD_READ) != 0;
        t_sleep_ms(0); /* or nobody else gets at the record where processors are few */
    }
    return NULL;
}

/* EVT-10: copying and clearing the record is one step: who takes it all the time takes every event. */
static void events__enumerated_while_data_flows__none_is_lost(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct taker taker = {.s = pair.b, .event = t_event_new()};
    struct t_task thread;
    char byte;

    (void)state;
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, taker.event, FD_READ, &t_err), 0);
    assert_int_equal(t_option_set(pair.a, IPPROTO_TCP, TCP_NODELAY, 1), 0); /* each byte goes by itself */
    t_task_start(&thread, take_always, &taker);
    for (unsigned i = 0; i < FLOW; i++) {
        assert_int_equal(t_send(pair.a, "x", 1), 1);
        for (int naps = 0; naps < 3000 && taker.reads <= i; naps++)
            t_sleep_ms(1);
        assert_int_equal(taker.reads, i + 1);
        assert_int_equal(t_recv(pair.b, &byte, 1), 1);
    }
    taker.stop = true;
    t_task_join(&thread);
    t_event_free(taker.event);
    t_pair_close(&pair);
}

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
    t_message_fail(3);
    assert_int_equal(t_send(pair.a, "xy", 2), 2);
    assert_true(t_message_take(&message, 3000)); /* nobody calls: the provider tries again by itself */
    assert_int_equal(message.lparam, MAKELONG(FD_READ, 0));
    assert_false(t_message_take(&message, 60));
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_true(t_message_take(&message, 3000));
    t_pair_close(&pair);
}

/* What is kept has its code, which was taken from the stack when it came. */
static void messages__full_queue_and_refused_connect__code_is_kept(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), dead = t_bound(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(dead);
    struct t_message message;

    (void)state;
    t_close(dead);
    assert_int_equal(t_spi.lpWSPAsyncSelect(s, WINDOW, 0x401, FD_CONNECT, &t_err), 0);
    t_message_fail(2);
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, port), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err),
            WSAEWOULDBLOCK);
    assert_true(t_message_take(&message, 3000));
    assert_int_equal(message.lparam, MAKELONG(FD_CONNECT, WSAECONNREFUSED));
    assert_false(t_message_take(&message, 30));
    t_close(s);
}

/* Rule A.2.12: what could not be posted is gone with the last cleanup, and the next start works. */
static void messages__cleanup_with_one_unposted__it_is_gone(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;

    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    t_message_fail(1000000);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_false(t_message_take(&message, 30));
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    t_message_fail(0);
    assert_int_equal(t_host_start(state), 0);
    pair = t_pair_make(AF_INET, 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x402, FD_READ, &t_err), 0);
    assert_false(t_message_take(&message, 60));
    assert_int_equal(t_send(pair.a, "y", 1), 1);
    assert_true(t_message_take(&message, 3000));
    assert_int_equal(message.message, 0x402);
    assert_int_equal(message.wparam, pair.b);
    t_pair_close(&pair);
}

static void message_take(struct t_message *message, SOCKET s, int event, int code)
{
    assert_true(t_message_take(message, 3000));
    assert_int_equal(message->wparam, s);
    assert_int_equal(WSAGETSELECTEVENT(message->lparam), event);
    assert_int_equal(WSAGETSELECTERROR(message->lparam), code);
}

static void messages__read__one_until_a_receive(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "ab", 2), 2);
    message_take(&message, pair.b, FD_READ, 0);
    assert_int_equal(t_send(pair.a, "cd", 2), 2);
    assert_false(t_message_take(&message, 60));
    assert_int_equal(t_recv(pair.b, buf, 2), 2);
    message_take(&message, pair.b, FD_READ, 0); /* level: more is there */
    assert_int_equal(t_recv(pair.b, buf, 2), 2);
    assert_false(t_message_take(&message, 60));
    t_pair_close(&pair);
}

/* A.11.7, A.11.9, A.11.15: no FD_READ; once, again after a receive that leaves it, and not after the one that took it. */
static void messages__urgent__again_while_it_waits(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;
    char buf[4];
    WSABUF out = {1, t_bytes("U")}, in = {sizeof buf, buf};
    DWORD n = 0, flags;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x404, FD_OOB | FD_READ, &t_err), 0);
    assert_int_equal(t_spi.lpWSPSend(pair.a, &out, 1, &n, MSG_OOB, NULL, NULL, NULL, &t_err), 0);
    message_take(&message, pair.b, FD_OOB, 0);
    assert_false(t_message_take(&message, 30));
    t_fails(t_recv(pair.b, buf, sizeof buf), WSAEWOULDBLOCK);
    message_take(&message, pair.b, FD_OOB, 0);
    flags = MSG_OOB | MSG_PEEK;
    assert_int_equal(t_spi.lpWSPRecv(pair.b, &in, 1, &n, &flags, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(flags, MSG_OOB);
    message_take(&message, pair.b, FD_OOB, 0);
    flags = MSG_OOB;
    assert_int_equal(t_spi.lpWSPRecv(pair.b, &in, 1, &n, &flags, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(buf[0], 'U');
    assert_false(t_message_take(&message, 60));
    t_pair_close(&pair);
}

static void messages__data_before_the_call__told_at_once(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct timeval wait = {.tv_sec = 3};
    fd_set read = {.fd_count = 1, .fd_array = {pair.b}};
    struct t_message message;

    (void)state;
    assert_int_equal(t_send(pair.a, "a", 1), 1);
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, &wait, &t_err), 1);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    message_take(&message, pair.b, FD_READ, 0);
    t_pair_close(&pair);
}

static void messages__connect__has_its_code(void **state)
{
    SOCKET dead = t_bound(AF_INET, SOCK_STREAM), listener = t_listener(AF_INET), s[2];
    uint16_t ports[2] = {t_port(dead), t_port(listener)};
    struct t_message message;

    (void)state;
    t_close(dead);
    for (int i = 0; i < 2; i++) {
        s[i] = t_socket(AF_INET, SOCK_STREAM);
        assert_int_equal(t_spi.lpWSPAsyncSelect(s[i], WINDOW, 0x402, FD_CONNECT, &t_err), 0);
        t_fails(t_spi.lpWSPConnect(s[i], t_addr(AF_INET, ports[i]), 16, NULL, NULL, NULL, NULL, &t_err),
                WSAEWOULDBLOCK);
        message_take(&message, s[i], FD_CONNECT, i == 0 ? WSAECONNREFUSED : 0);
        assert_int_equal(message.message, 0x402);
        t_close(s[i]);
    }
    t_close(listener);
}

static void messages__accepted_socket__has_the_listeners_window(void **state)
{
    SOCKET listener = t_listener(AF_INET), a, b;
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(listener, WINDOW, 0x403, FD_ACCEPT | FD_READ, &t_err), 0);
    a = client_of(listener);
    message_take(&message, listener, FD_ACCEPT, 0);
    b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    assert_int_equal(t_send(a, "x", 1), 1);
    message_take(&message, b, FD_READ, 0);
    assert_ptr_equal(message.window, WINDOW);
    assert_int_equal(message.message, 0x403);
    t_close(a);
    t_close(b);
    t_close(listener);
}

static void messages__registered__cannot_become_blocking(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.a, WINDOW, 0x401, FD_READ, &t_err), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEWOULDBLOCK);
    t_fails(t_nonblocking(pair.a, false), WSAEINVAL);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.a, WINDOW, 0, 0, &t_err), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEWOULDBLOCK);
    assert_int_equal(t_nonblocking(pair.a, false), 0);
    t_pair_close(&pair);
}

static void messages__none_asked_for__nonblocking_all_the_same(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.a, WINDOW, 0, 0, &t_err), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEWOULDBLOCK);
    t_pair_close(&pair);
}

/* A.11.3, A.12.3: a message, another message, an event, a message again: the last call counts. */
static void messages__registered_anew__only_the_last_counts(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAEVENT event = t_event_new();
    struct t_message message;
    WSANETWORKEVENTS seen;
    char buf[2];

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ | FD_CLOSE, &t_err), 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x402, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "a", 1), 1);
    message_take(&message, pair.b, FD_READ, 0);
    assert_int_equal(message.message, 0x402);
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "b", 1), 1);
    assert_int_equal(events_take(pair.b, event, &seen), FD_READ);
    assert_false(t_message_take(&message, 60));
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x403, FD_READ, &t_err), 0);
    assert_int_equal(t_send(pair.a, "c", 1), 1);
    message_take(&message, pair.b, FD_READ, 0);
    events_quiet(event);
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(pair.b, NULL, &seen, &t_err), 0);
    assert_int_equal(seen.lNetworkEvents, 0); /* A.12.13: messages leave no record */
    t_event_free(event);
    t_pair_close(&pair);
}

static void messages__taken_back__nothing_more(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0x401, FD_READ, &t_err), 0);
    assert_int_equal(t_spi.lpWSPAsyncSelect(pair.b, WINDOW, 0, 0, &t_err), 0);
    assert_int_equal(t_send(pair.a, "a", 1), 1);
    assert_false(t_message_take(&message, 60));
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
        cmocka_unit_test(events__datagrams__write_after_bind),
        cmocka_unit_test(messages__events_arrive_as_messages),
        cmocka_unit_test(messages__full_queue__is_tried_again),
        cmocka_unit_test(messages__full_queue_and_refused_connect__code_is_kept),
        cmocka_unit_test(messages__cleanup_with_one_unposted__it_is_gone),
        cmocka_unit_test(events__every_bit__accepted),
        cmocka_unit_test(events__deferred_head__no_accept_is_told),
        cmocka_unit_test(events__accept__pending_before_the_call),
        cmocka_unit_test(events__close__before_the_call),
        cmocka_unit_test(events__own_shutdown_answered__close_is_told),
        cmocka_unit_test(events__closed__nothing_more),
        cmocka_unit_test(events__none_asked_for__nonblocking_all_the_same),
        cmocka_unit_test(events__registered_anew__record_is_cleared),
        cmocka_unit_test(events__enumerate_fails__record_and_event_stay),
        cmocka_unit_test(events__datagram__write_after_bind),
        cmocka_unit_test(events__enumerated_while_data_flows__none_is_lost),
        cmocka_unit_test(messages__read__one_until_a_receive),
        cmocka_unit_test(messages__urgent__again_while_it_waits),
        cmocka_unit_test(messages__data_before_the_call__told_at_once),
        cmocka_unit_test(messages__connect__has_its_code),
        cmocka_unit_test(messages__accepted_socket__has_the_listeners_window),
        cmocka_unit_test(messages__registered__cannot_become_blocking),
        cmocka_unit_test(messages__none_asked_for__nonblocking_all_the_same),
        cmocka_unit_test(messages__registered_anew__only_the_last_counts),
        cmocka_unit_test(messages__taken_back__nothing_more),
    };

    return cmocka_run_group_tests_name("spi_events", tests, t_host_start, t_host_stop);
}

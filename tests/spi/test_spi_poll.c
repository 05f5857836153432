/** @file WSAPoll, asked for by its identifier. */
#include "t_host.h"

#include <mswsock.h>
#include <stdlib.h>
#include <string.h>

#define ALL (POLLRDNORM | POLLRDBAND | POLLWRNORM)
#define NOBODY ((SOCKET)0xabacab0)

static LPFN_WSAPOLL poll_function;

static int start(void **state)
{
    static const GUID wanted = WSAID_WSAPOLL;
    GUID id = wanted;
    DWORD got = 0;
    SOCKET s;
    int failed = t_host_start(state);

    if (failed)
        return failed;
    s = t_socket(AF_INET, SOCK_DGRAM);
    failed = t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &poll_function,
                              sizeof poll_function, &got, NULL, NULL, NULL, &t_err);
    t_close(s);
    return failed || got != sizeof poll_function;
}

#define poll_fails(call, code)                         \
    do {                                               \
        assert_int_equal((call), SOCKET_ERROR);        \
        assert_int_equal(t_last_error(), (int)(code)); \
    } while (0)

/* What is told of one socket now. */
static int poll_now(SOCKET s, SHORT events)
{
    WSAPOLLFD one = {.fd = s, .events = events, .revents = 0x7ff};
    int told = poll_function(&one, 1, 0);

    assert_in_range(told, 0, 1);
    assert_int_equal(told, one.revents != 0);
    assert_int_equal(one.fd, s);
    assert_int_equal(one.events, events);
    return one.revents;
}

/* The same once it is that, within some seconds. */
static void poll_becomes(SOCKET s, SHORT events, int wanted)
{
    int seen = 0;

    for (int i = 0; i < 500; i++) {
        seen = poll_now(s, events);
        if (seen == wanted)
            return;
        t_sleep_ms(10);
    }
    fail_msg("revents is %x, not %x", (unsigned)seen, (unsigned)wanted);
}

/* Rules POLL-1, POLL-2, POLL-3. */
static void poll__bad_arguments__inval(void **state)
{
    static const SHORT wrong[] = {POLLERR, POLLHUP, POLLNVAL, POLLWRBAND, POLLPRI, 0x800, 0x4000, POLLIN | POLLPRI};
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
    WSAPOLLFD two[2] = {{.fd = s, .events = POLLIN}, {.fd = s}};

    (void)state;
    poll_fails(poll_function(NULL, 0, 0), WSAEINVAL);
    poll_fails(poll_function(two, 0, 0), WSAEINVAL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        two[1].events = wrong[i];
        two[0].revents = two[1].revents = 0x55;
        poll_fails(poll_function(two, 2, -1), WSAEINVAL);
        assert_int_equal(two[0].revents, 0); /* the whole call: nothing is told */
    }
    two[0] = (WSAPOLLFD){.fd = NOBODY, .events = POLLIN};
    two[1] = (WSAPOLLFD){.fd = INVALID_SOCKET, .events = POLLIN};
    poll_fails(poll_function(two, 2, -1), WSAENOTSOCK); /* no socket at all */
    assert_int_equal(two[0].revents, POLLNVAL);
    assert_int_equal(two[1].revents, POLLNVAL);
    t_close(s);
    two[0] = (WSAPOLLFD){.fd = s, .events = POLLIN};
    poll_fails(poll_function(two, 1, -1), WSAENOTSOCK);
}

/* Rule POLL-4. */
static void poll__unreadable_array__fault(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    poll_fails(poll_function(NULL, 1, 0), WSAEFAULT);
    poll_fails(poll_function((WSAPOLLFD *)(uintptr_t)16, 1, 0), WSAEFAULT);
    poll_fails(poll_function((WSAPOLLFD *)(uintptr_t)16, 100000, -1), WSAEFAULT);
    assert_int_equal(poll_now(s, POLLIN), 0);
    t_close(s);
}

/* Rules POLL-5, POLL-6, POLL-7: what is no socket is told and the others are served. */
static void poll__entries_that_are_none__nval_beside_the_others(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET closed = t_bound(AF_INET, SOCK_DGRAM);
    WSAPOLLFD list[5] = {{.fd = pair.a, .events = POLLOUT},
                         {.fd = NOBODY, .events = POLLIN},
                         {.fd = pair.b, .events = POLLIN, .revents = 0x55},
                         {.fd = closed, .events = POLLIN},
                         {.fd = INVALID_SOCKET, .events = POLLIN, .revents = 0x55}};

    (void)state;
    t_close(closed);
    assert_int_equal(poll_function(list, 5, -1), 1); /* what is none is told, and not counted */
    assert_int_equal(list[0].revents, POLLOUT);
    assert_int_equal(list[1].revents, POLLNVAL);
    assert_int_equal(list[2].revents, 0);
    assert_int_equal(list[3].revents, POLLNVAL);
    assert_int_equal(list[4].revents, POLLNVAL);
    t_pair_close(&pair);
}

struct poll_sender {
    struct t_task thread;
    SOCKET s;
};

static void *send_later(void *arg)
{
    struct poll_sender *sender = arg;

    t_sleep_ms(50);
    assert_int_equal(t_send(sender->s, "x", 1), 1);
    return NULL;
}

/* Rule POLL-8. */
static void poll__timeout__none_some_and_for_ever(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAPOLLFD one = {.fd = pair.b, .events = POLLIN, .revents = 0x55};
    struct poll_sender sender = {.s = pair.a};
    uint64_t before = t_now_ms();

    (void)state;
    assert_int_equal(poll_function(&one, 1, 0), 0);
    assert_int_equal(one.revents, 0);
    assert_int_equal(poll_function(&one, 1, 80), 0);
    assert_in_range(t_now_ms() - before, 70, 5000);
    t_task_start(&sender.thread, send_later, &sender);
    assert_int_equal(poll_function(&one, 1, -1), 1);
    assert_int_equal(one.revents, POLLRDNORM);
    t_task_join(&sender.thread);
    before = t_now_ms();
    assert_int_equal(poll_function(&one, 1, 60000), 1);
    assert_in_range(t_now_ms() - before, 0, 5000);
    t_pair_close(&pair);
}

/* Rules POLL-10, POLL-13, POLL-21. */
static void poll__listener_and_data__readable_until_taken(void **state)
{
    SOCKET listener = t_listener(AF_INET), client = t_socket(AF_INET, SOCK_STREAM), served;
    char buf[4];

    (void)state;
    assert_int_equal(poll_now(listener, ALL), 0);
    assert_int_equal(t_spi.lpWSPConnect(client, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err),
                     0);
    poll_becomes(listener, ALL, POLLRDNORM);
    assert_int_equal(poll_now(listener, POLLWRNORM), 0);
    served = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(served != INVALID_SOCKET);
    assert_int_equal(poll_now(listener, ALL), 0);
    assert_int_equal(poll_now(served, ALL), POLLWRNORM); /* POLL-11 */
    assert_int_equal(poll_now(client, ALL), POLLWRNORM);
    assert_int_equal(t_send(client, "ab", 2), 2);
    poll_becomes(served, POLLIN, POLLRDNORM);
    assert_int_equal(t_recv(served, buf, 1), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(poll_now(served, ALL), POLLRDNORM | POLLWRNORM);
    assert_int_equal(poll_now(served, 0), 0);
    assert_int_equal(t_recv(served, buf, 1), 1);
    assert_int_equal(poll_now(served, POLLIN), 0);
    t_close(client);
    t_close(served);
    t_close(listener);
}

/* Rule POLL-13. */
static void poll__datagrams__the_empty_one_too(void **state)
{
    SOCKET a = t_bound(AF_INET6, SOCK_DGRAM), b = t_bound(AF_INET6, SOCK_DGRAM);
    char byte;

    (void)state;
    assert_int_equal(poll_now(b, ALL), POLLWRNORM);
    assert_int_equal(t_sendto(a, "", 0, t_addr(AF_INET6, t_port(b))), 0);
    poll_becomes(b, POLLIN, POLLRDNORM);
    assert_int_equal(t_recvfrom(b, &byte, 1, NULL), 0);
    assert_int_equal(poll_now(b, POLLIN), 0);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET6, t_port(b))), 1);
    poll_becomes(b, ALL, POLLRDNORM | POLLWRNORM);
    t_close(a);
    t_close(b);
}

/* Rules POLL-9, POLL-12. */
static void poll__connect_fails__three_bits(void **state)
{
    SOCKET dead = t_bound(AF_INET, SOCK_STREAM), a = t_socket(AF_INET, SOCK_STREAM);
    WSAPOLLFD one = {.fd = a, .events = POLLOUT};
    uint16_t port = t_port(dead);

    (void)state;
    t_close(dead);
    assert_int_equal(t_nonblocking(a, true), 0);
    t_fails(t_spi.lpWSPConnect(a, t_addr(AF_INET, port), 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
    assert_int_equal(poll_function(&one, 1, 20000), 1);
    assert_int_equal(one.revents, POLLHUP | POLLERR | POLLWRNORM);
    assert_int_equal(poll_now(a, 0), POLLHUP | POLLERR);
    assert_int_equal(t_option_get(a, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    t_close(a);
}

/* Rules POLL-9, POLL-15, POLL-16. */
static void poll__peer_ends__hup_with_what_is_unread(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAPOLLFD one = {.fd = pair.b};
    char byte;

    (void)state;
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    assert_int_equal(poll_function(&one, 1, -1), 1); /* asks for nothing */
    assert_int_equal(one.revents, POLLHUP);
    assert_int_equal(poll_now(pair.b, ALL), POLLHUP | POLLRDNORM | POLLWRNORM);
    assert_int_equal(t_recv(pair.b, &byte, 1), 1);
    assert_int_equal(poll_now(pair.b, POLLIN), POLLHUP);
    assert_int_equal(t_recv(pair.b, &byte, 1), 0);
    assert_int_equal(poll_now(pair.b, POLLIN), POLLHUP);
    t_pair_close(&pair);
}

/* Rule POLL-17. */
static void poll__reset__error_and_hup(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct linger linger = {1, 0};
    char byte;

    (void)state;
    assert_int_equal(t_spi.lpWSPSetSockOpt(pair.a, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger, &t_err),
                     0);
    t_close(pair.a);
    poll_becomes(pair.b, POLLIN, POLLERR | POLLHUP);
    assert_int_equal(poll_now(pair.b, 0), POLLERR | POLLHUP);
    t_fails(t_recv(pair.b, &byte, 1), WSAECONNRESET);
    t_close(pair.b);
}

/* Rule POLL-18. */
static void poll__own_shutdown__stays_writable(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);

    (void)state;
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    assert_int_equal(poll_now(pair.a, POLLOUT), POLLWRNORM);
    assert_int_equal(poll_now(pair.a, 0), 0);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_RECEIVE, &t_err), 0);
    assert_int_equal(poll_now(pair.a, POLLIN | POLLOUT), POLLWRNORM);
    t_pair_close(&pair);
}

/* Rule POLL-19. */
static void poll__no_room__writable_when_there_is(void **state)
{
    static char block[65536];
    struct t_pair pair = t_pair_make(AF_INET, 0);
    uint64_t sent = 0, got = 0;
    int part;

    (void)state;
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    for (int quiet = 0; quiet < 5;) {
        part = t_send(pair.a, block, sizeof block);
        if (part > 0) {
            sent += (uint64_t)part;
            quiet = 0;
        } else {
            quiet++;
            t_sleep_ms(20);
        }
    }
    assert_int_equal(poll_now(pair.a, POLLOUT), 0);
    while (got < sent) {
        part = t_recv(pair.b, block, sizeof block);
        assert_true(part > 0);
        got += (uint64_t)part;
    }
    poll_becomes(pair.a, POLLOUT, POLLWRNORM);
    t_pair_close(&pair);
}

/* Rule POLL-20. */
static void poll__never_connected__hup(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    assert_int_equal(poll_now(s, POLLIN), POLLHUP);
    assert_int_equal(poll_now(s, 0), POLLHUP);
    t_close(s);
}

/* Rule POLL-22. */
static void poll__same_socket_twice__each_entry_by_itself(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSAPOLLFD list[3] = {{.fd = pair.b, .events = POLLOUT}, {.fd = pair.b, .events = POLLIN}, {.fd = pair.b}};

    (void)state;
    assert_int_equal(poll_function(list, 3, -1), 1);
    assert_int_equal(list[0].revents, POLLWRNORM);
    assert_int_equal(list[1].revents, 0);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    poll_becomes(pair.b, POLLIN, POLLRDNORM);
    assert_int_equal(poll_function(list, 3, -1), 2);
    assert_int_equal(list[1].revents, POLLRDNORM);
    assert_int_equal(list[2].revents, 0);
    t_pair_close(&pair);
}

struct poll_waiter {
    struct t_task thread;
    WSAPOLLFD list[2];
    int result;
};

static void *poll_for_ever(void *arg)
{
    struct poll_waiter *waiter = arg;

    waiter->result = poll_function(waiter->list, 2, -1);
    return NULL;
}

/* Rule POLL-24. */
static void poll__closed_during_the_wait__nval(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        SOCKET udp = t_bound(AF_INET, SOCK_DGRAM);
        struct poll_waiter waiter = {.list = {{.fd = pair.b, .events = POLLIN}, {.fd = udp, .events = POLLIN}}};

        t_task_start(&waiter.thread, poll_for_ever, &waiter);
        t_sleep_ms((unsigned)round % 4 * 5);
        t_close(udp);
        t_task_join(&waiter.thread);
        assert_in_range(waiter.result, 0, 1); /* closed before the call it is told and not counted */
        assert_int_equal(waiter.list[0].revents, 0);
        assert_int_equal(waiter.list[1].revents, POLLNVAL);
        t_pair_close(&pair);
    }
}

/* An array of thousands; rule X42: FD_SETSIZE has no part in it. */
static void poll__thousands__one_is_found(void **state)
{
    enum { COUNT = 3000, SOCKETS = 200 };
    WSAPOLLFD *list = calloc(COUNT, sizeof *list);
    SOCKET socks[SOCKETS], one = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    assert_non_null(list);
    for (int i = 0; i < SOCKETS; i++)
        socks[i] = t_bound(AF_INET, SOCK_DGRAM);
    for (int i = 0; i < COUNT; i++)
        list[i] = (WSAPOLLFD){.fd = socks[i % (SOCKETS - 1)], .events = POLLIN};
    list[COUNT - 1].fd = socks[SOCKETS - 1];
    assert_int_equal(poll_function(list, COUNT, 0), 0);
    assert_int_equal(t_sendto(one, "x", 1, t_addr(AF_INET, t_port(socks[SOCKETS - 1]))), 1);
    assert_int_equal(poll_function(list, COUNT, 20000), 1);
    assert_int_equal(list[COUNT - 1].revents, POLLRDNORM);
    for (int i = 0; i < SOCKETS; i++)
        t_close(socks[i]);
    t_close(one);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll__bad_arguments__inval),
        cmocka_unit_test(poll__unreadable_array__fault),
        cmocka_unit_test(poll__entries_that_are_none__nval_beside_the_others),
        cmocka_unit_test(poll__timeout__none_some_and_for_ever),
        cmocka_unit_test(poll__listener_and_data__readable_until_taken),
        cmocka_unit_test(poll__datagrams__the_empty_one_too),
        cmocka_unit_test(poll__connect_fails__three_bits),
        cmocka_unit_test(poll__peer_ends__hup_with_what_is_unread),
        cmocka_unit_test(poll__reset__error_and_hup),
        cmocka_unit_test(poll__own_shutdown__stays_writable),
        cmocka_unit_test(poll__no_room__writable_when_there_is),
        cmocka_unit_test(poll__never_connected__hup),
        cmocka_unit_test(poll__same_socket_twice__each_entry_by_itself),
        cmocka_unit_test(poll__closed_during_the_wait__nval),
        cmocka_unit_test(poll__thousands__one_is_found),
    };

    return cmocka_run_group_tests_name("spi_poll", tests, start, t_host_stop);
}

/** @file Changes of addresses and routes: requests that pend, blocked calls, network events. */
#include "fake_stack.h"
#include "t_host.h"
#include "wsp_private_abi.h"

#include "stack/err.h"

#include <string.h>

#define CHANGES 2

static const DWORD codes[CHANGES] = {SIO_ADDRESS_LIST_CHANGE, SIO_ROUTING_INTERFACE_CHANGE};
static const LONG events[CHANGES] = {FD_ADDRESS_LIST_CHANGE, FD_ROUTING_INTERFACE_CHANGE};
static const int bits[CHANGES] = {FD_ADDRESS_LIST_CHANGE_BIT, FD_ROUTING_INTERFACE_CHANGE_BIT};

static int ask(SOCKET s, int which, LPWSAOVERLAPPED ov, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, DWORD *returned)
{
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6};
    bool route = codes[which] == SIO_ROUTING_INTERFACE_CHANGE;

    t_err = 0;
    if (t_spi.lpWSPIoctl(s, codes[which], route ? &any : NULL, route ? sizeof any : 0, NULL, 0, returned, ov, routine,
                         routine ? t_thread() : NULL, &t_err) == 0)
        return 0;
    return t_err;
}

/* IOC-3, WSPIOCTL-6, WSPIOCTL-10: pending, nothing returned; complete when it changes, and only then. */
static void change__overlapped__completes_when_it_changes(void **state)
{
    (void)state;
    for (int which = 0; which < CHANGES; which++) {
        SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};
        DWORD returned = 77, got = 77, flags = 77;

        assert_int_equal(ask(s, which, &ov, NULL, &returned), WSA_IO_PENDING);
        assert_int_equal(returned, 77);
        assert_false(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, FALSE, &flags, &t_err));
        assert_int_equal(t_err, WSA_IO_INCOMPLETE);
        t_sleep_ms(20);
        assert_false(t_event_is_set(ov.hEvent));
        fake_net_change(true);
        assert_true(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, TRUE, &flags, &t_err));
        assert_int_equal(got, 0);
        assert_int_equal(flags, 0);
        assert_true(t_event_wait(ov.hEvent, 5000)); /* WPU-25: it comes after the status */
        fake_net_change(false);
        t_event_free(ov.hEvent);
        t_close(s);
    }
}

/* The IPv4 list has not changed: only routes have. */
static void change__other_family__address_list_stays(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD returned = 0;

    (void)state;
    assert_int_equal(ask(s, 0, &ov, NULL, &returned), WSA_IO_PENDING);
    fake_net_change(true);
    t_sleep_ms(50);
    assert_false(t_event_is_set(ov.hEvent));
    fake_net_change(false);
    t_close(s);
    assert_int_equal(ov.OffsetHigh, WSA_OPERATION_ABORTED);
    t_event_free(ov.hEvent);
}

/* IOC-10, IOC-11: the close cancels. */
static void change__closed__aborted(void **state)
{
    (void)state;
    for (int which = 0; which < CHANGES; which++) {
        SOCKET s = t_socket(AF_INET6, SOCK_STREAM);
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};
        DWORD returned = 0;

        assert_int_equal(ask(s, which, &ov, NULL, &returned), WSA_IO_PENDING);
        t_requests_are(1);
        t_close(s);
        assert_true(t_event_is_set(ov.hEvent));
        assert_int_equal(ov.OffsetHigh, WSA_OPERATION_ABORTED);
        t_requests_are(0);
        t_event_free(ov.hEvent);
    }
}

/* IOC-10: cancelled by CancelIoEx, as our ws2_32 asks for it. */
static void change__cancelled__aborted_and_the_other_goes_on(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    WSAOVERLAPPED one = {.hEvent = t_event_new()}, other = {.hEvent = t_event_new()};
    struct wsp_cancel_abi in = {.scope = WSP_CANCEL_ONE, .overlapped = (uint64_t)(uintptr_t)&one};
    uint32_t taken = 0;
    DWORD returned = 0, got, flags;

    (void)state;
    assert_int_equal(ask(s, 0, &one, NULL, &returned), WSA_IO_PENDING);
    assert_int_equal(ask(s, 0, &other, NULL, &returned), WSA_IO_PENDING);
    assert_int_equal(t_spi.lpWSPIoctl(s, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL, NULL,
                                      NULL, &t_err),
                     0);
    assert_int_equal(taken, 1);
    assert_true(t_event_is_set(one.hEvent));
    assert_int_equal(one.OffsetHigh, WSA_OPERATION_ABORTED);
    fake_net_change(true);
    assert_true(t_spi.lpWSPGetOverlappedResult(s, &other, &got, TRUE, &flags, &t_err));
    fake_net_change(false);
    t_event_free(one.hEvent);
    t_event_free(other.hEvent);
    t_close(s);
}

/* WSPIOCTL-1, A.16.5: the stack is lost. */
static void codes__stack_is_lost__netdown(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    ULONG on = 1;
    DWORD returned = 0;

    (void)state;
    fake_force_error(FAKE_OPT_SET, STK_ENETDOWN, 1);
    t_fails(t_spi.lpWSPIoctl(s, SIO_UDP_CONNRESET, &on, sizeof on, NULL, 0, &returned, NULL, NULL, NULL, &t_err),
            WSAENETDOWN);
    assert_int_equal(
        t_spi.lpWSPIoctl(s, SIO_UDP_CONNRESET, &on, sizeof on, NULL, 0, &returned, NULL, NULL, NULL, &t_err), 0);
    t_close(s);
}

static unsigned routine_runs;
static DWORD routine_error;

static void CALLBACK routine_count(DWORD error, DWORD bytes, LPWSAOVERLAPPED ov, DWORD flags)
{
    (void)bytes, (void)ov, (void)flags;
    routine_runs++;
    routine_error = error;
}

/* OVL-15: by completion routine. */
static void change__routine__runs_in_the_alertable_wait(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    WSAOVERLAPPED ov = {0};
    DWORD returned = 0;

    (void)state;
    routine_runs = 0;
    assert_int_equal(ask(s, 0, &ov, routine_count, &returned), WSA_IO_PENDING);
    fake_net_change(true);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_runs, 1);
    assert_int_equal(routine_error, 0);
    fake_net_change(false);
    t_close(s);
}

/* Several at once, of both kinds: each is ended by the change it waits for. */
static void change__many_requests__all_complete(void **state)
{
    enum { MANY = 40 };
    static WSAOVERLAPPED ov[MANY];
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    DWORD returned = 0, got, flags;

    (void)state;
    memset(ov, 0, sizeof ov);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ask(s, i % CHANGES, &ov[i], NULL, &returned), WSA_IO_PENDING);
    t_requests_are(MANY);
    fake_net_change(true);
    for (int i = 0; i < MANY; i++)
        assert_true(t_spi.lpWSPGetOverlappedResult(s, &ov[i], &got, TRUE, &flags, &t_err));
    t_requests_are(0);
    fake_net_change(false);
    t_close(s);
}

/* EVT-23, EVT-24: the nonblocking call arms the event, which comes once for each call. */
static void change__nonblocking__event_follows(void **state)
{
    (void)state;
    for (int which = 0; which < CHANGES; which++) {
        SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
        WSAEVENT event = t_event_new();
        WSANETWORKEVENTS got;
        DWORD returned = 0;

        assert_int_equal(t_spi.lpWSPEventSelect(s, event, events[which], &t_err), 0);
        fake_net_change(true); /* nobody asked */
        t_sleep_ms(30);
        assert_false(t_event_is_set(event));
        assert_int_equal(ask(s, which, NULL, NULL, &returned), WSAEWOULDBLOCK);
        assert_false(t_event_is_set(event));
        fake_net_change(false);
        assert_true(t_event_wait(event, 5000));
        assert_int_equal(t_spi.lpWSPEnumNetworkEvents(s, event, &got, &t_err), 0);
        assert_int_equal(got.lNetworkEvents, events[which]);
        assert_int_equal(got.iErrorCode[bits[which]], 0);
        fake_net_change(true); /* not asked again */
        t_sleep_ms(30);
        assert_false(t_event_is_set(event));
        fake_net_change(false);
        t_event_free(event);
        t_close(s);
    }
}

/* Asked before the event is selected: what came between is not lost. */
static void change__selected_afterwards__told(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    WSAEVENT event = t_event_new();
    DWORD returned = 0;

    (void)state;
    assert_int_equal(t_nonblocking(s, true), 0);
    assert_int_equal(ask(s, 0, NULL, NULL, &returned), WSAEWOULDBLOCK);
    fake_net_change(true);
    assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_ADDRESS_LIST_CHANGE, &t_err), 0);
    assert_true(t_event_is_set(event));
    fake_net_change(false);
    t_event_free(event);
    t_close(s);
}

struct blocked {
    SOCKET s;
    int which;
    int result;
};

static void *blocked_main(void *arg)
{
    struct blocked *blocked = arg;
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6};
    bool route = codes[blocked->which] == SIO_ROUTING_INTERFACE_CHANGE;
    DWORD returned = 5;
    INT err = 0;

    blocked->result = t_spi.lpWSPIoctl(blocked->s, codes[blocked->which], route ? &any : NULL, route ? sizeof any : 0,
                                       NULL, 0, &returned, NULL, NULL, NULL, &err);
    if (blocked->result != 0)
        blocked->result = err;
    else if (returned != 0)
        blocked->result = -1;
    return NULL;
}

/* WSPIOCTL-6: a blocking call waits, until the change or the close. */
static void change__blocking__waits_for_change_or_close(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * CHANGES; i++) {
        struct blocked blocked = {.s = t_socket_flags(AF_INET6, SOCK_DGRAM, 0), .which = i % CHANGES, .result = -2};
        struct t_task task;

        t_task_start(&task, blocked_main, &blocked);
        t_sleep_ms(50);
        assert_int_equal(blocked.result, -2);
        if (i < CHANGES)
            fake_net_change(true);
        else
            t_close(blocked.s);
        t_task_join(&task);
        assert_int_equal(blocked.result, i < CHANGES ? 0 : WSAEINTR);
        if (i < CHANGES)
            t_close(blocked.s);
        fake_net_change(false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(change__overlapped__completes_when_it_changes),
        cmocka_unit_test(change__other_family__address_list_stays),
        cmocka_unit_test(change__closed__aborted),
        cmocka_unit_test(change__cancelled__aborted_and_the_other_goes_on),
        cmocka_unit_test(codes__stack_is_lost__netdown),
        cmocka_unit_test(change__routine__runs_in_the_alertable_wait),
        cmocka_unit_test(change__many_requests__all_complete),
        cmocka_unit_test(change__nonblocking__event_follows),
        cmocka_unit_test(change__selected_afterwards__told),
        cmocka_unit_test(change__blocking__waits_for_change_or_close),
    };

    return cmocka_run_group_tests_name("spi_notice", tests, t_host_start, t_host_stop);
}

/** @file What a socket has to tell: our ws2_32's private code, of which it makes polls through the device of Windows' sockets. */
#include "t_host.h"

#include "wsp_private_abi.h"

#include <string.h>

/* A request that waits; `told` is set by the provider's call. */
struct wait {
    WSAOVERLAPPED ov;
    WSAEVENT told;
    unsigned times;
};

static void wait_told(void *overlapped)
{
    struct wait *wait = (struct wait *)overlapped;

    wait->times++;
    t_event_set(wait->told);
}

static int ask(SOCKET s, uint32_t wanted, struct wsp_ready_told_abi *told, struct wait *wait)
{
    const struct wsp_ready_abi in = {.wanted = wanted, .notify = wait ? (uintptr_t)wait_told : 0};
    DWORD returned = 0xdead;

    t_err = 0;
    return t_spi.lpWSPIoctl(s, WSP_IOCTL_READY, (void *)(uintptr_t)&in, sizeof in, told, sizeof *told, &returned,
                            wait ? &wait->ov : NULL, NULL, NULL, &t_err) == 0
               ? 0
               : t_err;
}

static uint32_t look(SOCKET s, uint32_t wanted)
{
    struct wsp_ready_told_abi told = {0xdead, 0xdead};

    assert_int_equal(ask(s, wanted, &told, NULL), 0);
    assert_int_equal(told.code, 0);
    return told.events;
}

static void wait_begin(SOCKET s, uint32_t wanted, struct wait *wait)
{
    struct wsp_ready_told_abi unused;

    memset(&wait->ov, 0, sizeof wait->ov);
    assert_int_equal(ask(s, wanted, &unused, wait), WSA_IO_PENDING);
}

static void ready__data_then_end__told_once_each(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct wait wait = {.told = t_event_new()};
    char byte;

    (void)state;
    assert_int_equal(look(pair.b, ~0u), WSP_READY_SEND | WSP_READY_CONNECT);
    wait_begin(pair.b, WSP_READY_RECEIVE, &wait);
    assert_false(t_event_is_set(wait.told));
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(t_event_wait(wait.told, 5000));
    assert_int_equal(wait.ov.InternalHigh, WSP_READY_RECEIVE);
    assert_int_equal(wait.ov.OffsetHigh, 0);
    assert_int_equal(look(pair.b, WSP_READY_RECEIVE), WSP_READY_RECEIVE);
    assert_int_equal(t_recv(pair.b, &byte, 1), 1);
    assert_int_equal(look(pair.b, WSP_READY_RECEIVE), 0);
    t_event_reset(wait.told);
    wait_begin(pair.b, WSP_READY_DISCONNECT, &wait);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    assert_true(t_event_wait(wait.told, 5000));
    assert_int_equal(wait.ov.InternalHigh, WSP_READY_DISCONNECT);
    assert_int_equal(wait.times, 2);
    t_event_free(wait.told);
    t_pair_close(&pair);
}

static void ready__cancelled_and_closed__aborted(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct wait wait = {.told = t_event_new()};
    struct wsp_cancel_abi in = {.scope = WSP_CANCEL_ALL};
    uint32_t taken = 0xdead;
    DWORD returned;

    (void)state;
    wait_begin(pair.b, WSP_READY_RECEIVE, &wait);
    /* A program's own cancelling does not reach it. */
    assert_int_equal(t_spi.lpWSPIoctl(pair.b, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL,
                                      NULL, NULL, &t_err),
                     0);
    assert_int_equal(taken, 0);
    in = (struct wsp_cancel_abi){.overlapped = (uintptr_t)&wait.ov, .scope = WSP_CANCEL_ONE};
    assert_int_equal(t_spi.lpWSPIoctl(pair.b, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL,
                                      NULL, NULL, &t_err),
                     0);
    assert_int_equal(taken, 1);
    assert_int_equal(wait.times, 1);
    assert_int_equal(wait.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    t_event_reset(wait.told);
    wait_begin(pair.b, WSP_READY_RECEIVE, &wait);
    assert_int_equal(t_spi.lpWSPCloseSocket(pair.b, &t_err), 0);
    assert_true(t_event_wait(wait.told, 5000));
    assert_int_equal(wait.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(wait.times, 2);
    assert_int_equal(t_spi.lpWSPCloseSocket(pair.a, &t_err), 0);
    t_event_free(wait.told);
}

static void ready__bad_arguments__refused(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct wsp_ready_abi in = {.wanted = 1};
    struct wsp_ready_told_abi told;
    WSAOVERLAPPED ov = {0};
    DWORD returned;

    (void)state;
    t_fails(t_spi.lpWSPIoctl(pair.a, WSP_IOCTL_READY, &in, sizeof in - 1, &told, sizeof told, &returned, NULL, NULL,
                             NULL, &t_err),
            WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(pair.a, WSP_IOCTL_READY, &in, sizeof in, &told, sizeof told - 1, &returned, NULL, NULL,
                             NULL, &t_err),
            WSAEFAULT);
    /* Nobody to tell. */
    t_fails(t_spi.lpWSPIoctl(pair.a, WSP_IOCTL_READY, &in, sizeof in, &told, sizeof told, &returned, &ov, NULL, NULL,
                             &t_err),
            WSAEINVAL);
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready__data_then_end__told_once_each),
        cmocka_unit_test(ready__cancelled_and_closed__aborted),
        cmocka_unit_test(ready__bad_arguments__refused),
    };

    return cmocka_run_group_tests(tests, t_host_start, t_host_stop);
}

/** @file Control codes of TCP: figures, timers of SYNs, buffers. */
#include "t_host.h"

#include <string.h>

/* Missing in some versions of the headers. */
#ifndef SIO_TCP_INFO
#define SIO_TCP_INFO _WSAIORW(IOC_VENDOR, 39)
#endif
#ifndef SIO_SET_COMPATIBILITY_MODE
#define SIO_SET_COMPATIBILITY_MODE _WSAIOW(IOC_VENDOR, 300)
#endif
#ifndef SIO_IDEAL_SEND_BACKLOG_QUERY
#define SIO_IDEAL_SEND_BACKLOG_QUERY _IOR('t', 123, ULONG)
#endif
#ifndef SIO_IDEAL_SEND_BACKLOG_CHANGE
#define SIO_IDEAL_SEND_BACKLOG_CHANGE _IO('t', 122)
#endif

#define V0 88
#define V1 136
#define V2 152

static DWORD returned;

static int run(SOCKET s, DWORD code, const void *in, DWORD in_bytes, void *out, DWORD out_bytes)
{
    returned = 0xdead;
    t_err = 0;
    if (t_spi.lpWSPIoctl(s, code, (void *)(uintptr_t)in, in_bytes, out, out_bytes, &returned, NULL, NULL, NULL,
                         &t_err) != 0)
        return -t_err;
    return (int)returned;
}

static int info(SOCKET s, DWORD version, void *out, DWORD out_bytes)
{
    return run(s, SIO_TCP_INFO, &version, sizeof version, out, out_bytes);
}

static uint32_t at32(const uint8_t *bytes, size_t offset)
{
    uint32_t value;

    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

/* TINFO-1: the size of each version, and nothing behind it is written. */
static void tcp_info__each_version__has_its_size(void **state)
{
    static const int sizes[] = {V0, V1, V2};
    struct t_pair pair = t_pair_make(AF_INET, 0);
    uint8_t out[200];

    (void)state;
    for (DWORD version = 0; version < 3; version++) {
        memset(out, 0x5a, sizeof out);
        assert_int_equal(info(pair.a, version, out, sizeof out), sizes[version]);
        assert_int_equal(out[sizes[version]], 0x5a);
        assert_int_equal(at32(out, 0), 4);
        memset(out, 0x5a, sizeof out);
        assert_int_equal(info(pair.a, version, out, (DWORD)sizes[version]), sizes[version]);
    }
    t_pair_close(&pair);
}

/* TINFO-7: a version begins with the one before it; times go on meanwhile. */
static void tcp_info__versions__are_prefixes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    uint8_t out[3][V2];

    (void)state;
    assert_int_equal(t_send(pair.a, "12345", 5), 5);
    t_sleep_ms(80);
    for (DWORD version = 0; version < 3; version++) {
        memset(out[version], 0, V2);
        assert_true(info(pair.a, version, out[version], V2) > 0);
        memset(out[version] + 8, 0, 8);   /* ConnectionTimeMs */
        memset(out[version] + 124, 0, 4); /* SndLimTimeSnd */
    }
    assert_memory_equal(out[0], out[1], V0);
    assert_memory_equal(out[1], out[2], V1);
    t_pair_close(&pair);
}

/* TINFO-2 to TINFO-5: what is refused; bytes are 0, and nothing is written. */
static void tcp_info__bad_arguments__have_their_codes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET u = t_bound(AF_INET, SOCK_DGRAM);
    uint8_t out[200];
    uint64_t version = 0;

    (void)state;
    memset(out, 0x5a, sizeof out);
    assert_int_equal(run(pair.a, SIO_TCP_INFO, NULL, 4, out, sizeof out), -WSAEMSGSIZE);
    assert_int_equal(run(pair.a, SIO_TCP_INFO, &version, 3, out, sizeof out), -WSAEMSGSIZE);
    assert_int_equal(run(pair.a, SIO_TCP_INFO, &version, 8, out, sizeof out), -WSAEMSGSIZE);
    assert_int_equal(info(pair.a, 3, out, sizeof out), -WSAEINVAL);
    assert_int_equal(info(pair.a, 0xffffffff, out, sizeof out), -WSAEINVAL);
    assert_int_equal(info(pair.a, 0, out, V0 - 1), -WSAEINVAL);
    assert_int_equal(returned, 0);
    assert_int_equal(info(pair.a, 1, out, V1 - 1), -WSAEINVAL);
    assert_int_equal(info(pair.a, 2, out, V2 - 1), -WSAEINVAL);
    assert_int_equal(info(pair.a, 0, NULL, sizeof out), -WSAEINVAL);
    assert_int_equal(info(u, 0, out, sizeof out), -WSAEOPNOTSUPP);
    assert_int_equal(out[0], 0x5a);
    t_close(u);
    t_pair_close(&pair);
}

/* TINFO-6: without a connection there is a state and nothing else. */
static void tcp_info__no_connection__state_and_zeros(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_STREAM);
    uint8_t out[V2], zeros[V2] = {0};

    (void)state;
    assert_int_equal(info(s, 2, out, sizeof out), V2);
    memset(out + 44, 0, 4); /* the receive buffer is there already */
    assert_memory_equal(out, zeros, sizeof out);
    assert_int_equal(t_spi.lpWSPListen(s, 5, &t_err), 0);
    assert_int_equal(info(s, 2, out, sizeof out), V2);
    assert_int_equal(at32(out, 0), 1);
    memset(out, 0, 4);
    memset(out + 44, 0, 4);
    assert_memory_equal(out, zeros, sizeof out);
    t_close(s);
}

/* TINFO-11: done at once; the event tells it too. */
static void tcp_info__overlapped__is_complete(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD version = 1, bytes = 0, flags = 0;
    uint8_t out[V1];

    (void)state;
    assert_int_equal(
        t_spi.lpWSPIoctl(pair.a, SIO_TCP_INFO, &version, 4, out, sizeof out, &bytes, &ov, NULL, NULL, &t_err), 0);
    assert_true(t_event_wait(ov.hEvent, 3000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &bytes, FALSE, &flags, &t_err));
    assert_int_equal(bytes, V1);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

/* TM-3: taken before connect, by its special values too; not afterwards. */
static void initial_rto__before_connect__is_taken(void **state)
{
    static const uint8_t rows[][4] = {
        {0xe8, 3, 4, 0}, {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0}, {0xff, 0xff, 0xfe, 0}, {0xfe, 0xff, 0xfd, 0}};
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), u = t_socket(AF_INET, SOCK_DGRAM);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, rows[i], 4, NULL, 0), 0);
    assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, rows[0], 3, NULL, 0), -WSAEFAULT);
    assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, NULL, 4, NULL, 0), -WSAEFAULT);
    assert_int_equal(run(u, SIO_TCP_INITIAL_RTO, rows[0], 4, NULL, 0), -WSAEOPNOTSUPP);
    assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, (uint8_t[]){0xff, 0xff, 0xfe, 0}, 4, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, 9 /* TCP_NOSYNRETRIES */), 1);
    assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, (uint8_t[]){0xff, 0xff, 0xff, 0}, 4, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, 9), 1);
    assert_int_equal(run(s, SIO_TCP_INITIAL_RTO, (uint8_t[]){0xff, 0xff, 0, 0}, 4, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, 9), 0);
    t_close(s);
    t_close(u);
}

/* BUF-4: arguments of SIO_SET_COMPATIBILITY_MODE; what it does is shown on the wire. */
static void compatibility__arguments__have_their_codes(void **state)
{
    static const uint32_t good[][2] = {{0, 0x06000000}, {1, 0x05010000}, {2, 0x06010000}, {2, 0x05010000}};
    const uint32_t bad[2] = {3, 0x06000000};
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), u = t_socket(AF_INET, SOCK_DGRAM);

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(run(s, SIO_SET_COMPATIBILITY_MODE, good[i], 8, NULL, 0), 0);
    assert_int_equal(run(s, SIO_SET_COMPATIBILITY_MODE, bad, 8, NULL, 0), -WSAEINVAL);
    assert_int_equal(run(s, SIO_SET_COMPATIBILITY_MODE, good[0], 7, NULL, 0), -WSAEINVAL);
    assert_int_equal(run(s, SIO_SET_COMPATIBILITY_MODE, NULL, 0, NULL, 0), -WSAEINVAL);
    assert_int_equal(run(u, SIO_SET_COMPATIBILITY_MODE, good[0], 8, NULL, 0), -WSAEOPNOTSUPP);
    t_close(s);
    t_close(u);
}

/* X7, BUF-7. */
static void backlog_query__by_state__size_or_code(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), u = t_bound(AF_INET, SOCK_DGRAM);
    ULONG bytes = 0;

    (void)state;
    assert_int_equal(run(pair.a, SIO_IDEAL_SEND_BACKLOG_QUERY, NULL, 0, &bytes, 4), 4);
    assert_in_range(bytes, 1, 16 * 1024 * 1024);
    assert_int_equal(run(pair.a, SIO_IDEAL_SEND_BACKLOG_QUERY, NULL, 0, &bytes, 3), -WSAEINVAL);
    assert_int_equal(returned, 0);
    assert_int_equal(run(s, SIO_IDEAL_SEND_BACKLOG_QUERY, NULL, 0, &bytes, 4), -WSAENOTCONN);
    assert_int_equal(run(u, SIO_IDEAL_SEND_BACKLOG_QUERY, NULL, 0, &bytes, 4), -WSAEOPNOTSUPP);
    t_close(s);
    t_close(u);
    t_pair_close(&pair);
}

static void reset(SOCKET s)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&hard, (int)sizeof hard, &t_err), 0);
    t_close(s);
}

static int change(SOCKET s, LPWSAOVERLAPPED ov)
{
    DWORD bytes = 0xdead;

    t_err = 0;
    return t_spi.lpWSPIoctl(s, SIO_IDEAL_SEND_BACKLOG_CHANGE, NULL, 0, NULL, 0, &bytes, ov, NULL, NULL, &t_err) == 0
               ? (int)bytes
               : -t_err;
}

/* X7: what waits needs a connection, and gives nothing back. */
static void backlog_change__bad_calls__have_their_codes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), u = t_bound(AF_INET, SOCK_DGRAM);
    ULONG bytes = 0;

    (void)state;
    assert_int_equal(run(pair.a, SIO_IDEAL_SEND_BACKLOG_CHANGE, NULL, 0, &bytes, 4), -WSAEINVAL);
    assert_int_equal(change(s, NULL), -WSAENOTCONN);
    assert_int_equal(change(u, NULL), -WSAEOPNOTSUPP);
    t_close(s);
    t_close(u);
    t_pair_close(&pair);
}

/* One waits; the next is refused; sending that ends, or the socket, ends the wait. */
static void backlog_change__pending__one_that_ends(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        WSAOVERLAPPED ov = {.hEvent = t_event_new()}, second = {.hEvent = t_event_new()};
        DWORD bytes = 9, flags = 0;

        assert_int_equal(t_nonblocking(pair.a, true), 0); /* makes no difference */
        assert_int_equal(change(pair.a, &ov), -WSA_IO_PENDING);
        assert_int_equal(change(pair.a, &second), -WSA_OPERATION_ABORTED);
        assert_int_equal(change(pair.a, NULL), -WSAEINTR);
        assert_false(t_event_wait(ov.hEvent, 50));
        if (how == 0)
            assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
        else if (how == 1)
            reset(pair.b);
        else
            t_close(pair.a);
        assert_true(t_event_wait(ov.hEvent, 3000));
        if (how != 2) {
            assert_false(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &bytes, FALSE, &flags, &t_err));
            assert_int_equal(t_err, WSA_OPERATION_ABORTED);
            assert_int_equal(change(pair.a, NULL), how == 0 ? -WSAEINTR : -WSAENOTCONN);
            t_close(pair.a);
        }
        if (how != 1)
            t_close(pair.b);
        t_event_free(ov.hEvent);
        t_event_free(second.hEvent);
    }
}

/* A.7.32, OVL2-13, IOC-11: sends that wait end, with their indication; the connection stays. */
static void flush__pending_sends__are_aborted(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char big[8 << 20];
    WSABUF buf = {sizeof big, big}, one = {1, big};
    WSAOVERLAPPED ov[2] = {{.hEvent = t_event_new()}, {.hEvent = t_event_new()}};
    WSAOVERLAPPED reading = {.hEvent = t_event_new()};
    DWORD bytes, flags = 0;

    (void)state;
    assert_int_equal(run(pair.a, SIO_FLUSH, NULL, 0, NULL, 0), 0); /* nothing waits */
    t_fails(t_spi.lpWSPRecv(pair.a, &one, 1, NULL, &flags, &reading, NULL, NULL, &t_err), WSA_IO_PENDING);
    for (int i = 0; i < 2; i++)
        t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, NULL, 0, &ov[i], NULL, NULL, &t_err), WSA_IO_PENDING);
    assert_int_equal(run(pair.a, SIO_FLUSH, NULL, 0, NULL, 0), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(t_event_wait(ov[i].hEvent, 3000));
        assert_false(t_spi.lpWSPGetOverlappedResult(pair.a, &ov[i], &bytes, FALSE, &flags, &t_err));
        assert_int_equal(t_err, WSA_OPERATION_ABORTED);
        t_event_free(ov[i].hEvent);
    }
    assert_false(t_event_wait(reading.hEvent, 50)); /* not a send, and the connection is there */
    t_close(pair.a);
    assert_true(t_event_wait(reading.hEvent, 3000));
    t_event_free(reading.hEvent);
    t_close(pair.b);
}

/* Rules 5.1: without a send buffer a send that blocks is over when the peer has the bytes: not while its window is closed. */
static void sndbuf_zero__blocking_send__waits_for_the_acknowledgement(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char big[400000];
    DWORD bytes = 7;
    WSABUF buf = {sizeof big, big};

    (void)state;
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_SNDBUF, 0), 0);
    assert_int_equal(t_option_get(pair.a, SOL_SOCKET, SO_SNDBUF), 0);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_SNDTIMEO, 150), 0);
    t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, &bytes, 0, NULL, NULL, NULL, &t_err), WSAETIMEDOUT); /* nobody reads */
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_SNDBUF, 65536), 0);
    t_pair_close(&pair);
}

/* LF-1: deprecated, and refused as Windows does that does not have it. */
static void fast_path__any_socket__is_refused(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    ULONG on = 1;

    (void)state;
    assert_int_equal(run(s, SIO_LOOPBACK_FAST_PATH, &on, 4, NULL, 0), -WSAEOPNOTSUPP);
    t_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_info__each_version__has_its_size),
        cmocka_unit_test(tcp_info__versions__are_prefixes),
        cmocka_unit_test(tcp_info__bad_arguments__have_their_codes),
        cmocka_unit_test(tcp_info__no_connection__state_and_zeros),
        cmocka_unit_test(tcp_info__overlapped__is_complete),
        cmocka_unit_test(initial_rto__before_connect__is_taken),
        cmocka_unit_test(compatibility__arguments__have_their_codes),
        cmocka_unit_test(backlog_query__by_state__size_or_code),
        cmocka_unit_test(backlog_change__bad_calls__have_their_codes),
        cmocka_unit_test(backlog_change__pending__one_that_ends),
        cmocka_unit_test(flush__pending_sends__are_aborted),
        cmocka_unit_test(fast_path__any_socket__is_refused),
        cmocka_unit_test(sndbuf_zero__blocking_send__waits_for_the_acknowledgement),
    };

    return cmocka_run_group_tests_name("spi_tcpctl", tests, t_host_start, t_host_stop);
}

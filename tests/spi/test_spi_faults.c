/** @file What only the in-memory stack can do: held sends, drains and connects, forced errors, lost engines. */
#include "t_host.h"

#include "wsp_private_abi.h"
#include "wsp_share.h"

#include "fake_stack.h"

#include "stack/api.h"

#include <string.h>

/* Missing in some versions of the headers. */
#ifndef SIO_IDEAL_SEND_BACKLOG_QUERY
#define SIO_IDEAL_SEND_BACKLOG_QUERY _IOR('t', 123, ULONG)
#endif
#ifndef SIO_IDEAL_SEND_BACKLOG_CHANGE
#define SIO_IDEAL_SEND_BACKLOG_CHANGE _IO('t', 122)
#endif

static void linger_set(SOCKET s, u_short seconds)
{
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};

    assert_int_equal(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err), 0);
}

struct linger_row {
    bool nonblocking;
    u_short seconds;
    bool drained;
    int code; /* 0: closed */
    int mode; /* enum stk_close_mode */
    unsigned ms_min, ms_max;
};

static void linger__table__time_code_and_mode(void **state)
{
    static const struct linger_row rows[] = {
        {false, 0, true, 0, STK_CLOSE_ABORT, 0, 500},     {true, 0, false, 0, STK_CLOSE_ABORT, 0, 500},
        {false, 5, true, 0, STK_CLOSE_GRACEFUL, 0, 2000}, {false, 1, false, 0, STK_CLOSE_ABORT, 950, 3000},
        {true, 5, true, 0, STK_CLOSE_GRACEFUL, 0, 500},   {true, 5, false, WSAEWOULDBLOCK, STK_CLOSE_GRACEFUL, 0, 500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        uint64_t before;
        int result;

        linger_set(pair.a, rows[i].seconds);
        assert_int_equal(t_nonblocking(pair.a, rows[i].nonblocking), 0);
        fake_drain_hold(!rows[i].drained);
        before = t_now_ms();
        t_err = 0;
        result = t_spi.lpWSPCloseSocket(pair.a, &t_err);
        if ((result == 0 ? 0 : t_err) != rows[i].code)
            fail_msg("row %zu: %d", i, t_err);
        assert_in_range(t_now_ms() - before, rows[i].ms_min, rows[i].ms_max);
        fake_drain_hold(false);
        if (rows[i].code != 0) { /* the handle is as it was */
            assert_int_equal(t_send(pair.a, "x", 1), 1);
            t_close(pair.a);
        }
        if (fake_last_close_mode() != rows[i].mode)
            fail_msg("row %zu: mode %d", i, fake_last_close_mode());
        t_close(pair.b);
    }
}

static void *close_main(void *arg)
{
    t_close(*(SOCKET *)arg);
    return NULL;
}

static void linger__waiting_close__handle_is_gone_and_the_drain_ends_it(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct t_task thread;

    (void)state;
    linger_set(pair.a, 60);
    fake_drain_hold(true);
    t_task_start(&thread, close_main, &pair.a);
    t_sleep_ms(40);
    t_fails(t_send(pair.a, "x", 1), WSAENOTSOCK);
    fake_drain_hold(false);
    t_task_join(&thread);
    assert_int_equal(fake_last_close_mode(), STK_CLOSE_GRACEFUL);
    t_close(pair.b);
}

static void connect__held__already_then_the_result(void **state)
{
    static const int results[] = {0, STK_ECONNREFUSED, STK_ETIMEDOUT, STK_EHOSTUNREACH, STK_ENETUNREACH};
    static const int codes[] = {0, WSAECONNREFUSED, WSAETIMEDOUT, WSAEHOSTUNREACH, WSAENETUNREACH};

    (void)state;
    for (int i = 0; i < 5; i++) {
        SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
        struct sockaddr *to = t_addr(AF_INET, t_port(listener));

        fake_connect_hold(true, 0);
        assert_int_equal(t_nonblocking(s, true), 0);
        t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
        t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAEALREADY);
        t_fails(t_send(s, "x", 1), WSAENOTCONN);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), 0);
        fake_connect_hold(false, results[i]);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), codes[i]);
        t_close(s);
        t_close(listener);
    }
}

static void *release_main(void *arg)
{
    t_sleep_ms(40);
    fake_connect_hold(false, *(int *)arg);
    return NULL;
}

static void connect__blocking__waits_for_the_result(void **state)
{
    int results[] = {0, STK_ETIMEDOUT};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
        struct sockaddr *to = t_addr(AF_INET, t_port(listener));
        struct t_task thread;

        fake_connect_hold(true, 0);
        t_task_start(&thread, release_main, &results[i]);
        if (i == 0)
            assert_int_equal(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), 0);
        else
            t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAETIMEDOUT);
        t_task_join(&thread);
        t_close(s);
        t_close(listener);
    }
}

struct forced_row {
    enum fake_op op;
    int err;
    int code;
};

static int forced_call(SOCKET listener, struct t_pair *pair, SOCKET udp, enum fake_op op)
{
    SOCKET s;
    char byte = 0, byte_room[4];
    int result;

    switch (op) {
    case FAKE_OPEN:
        s = t_spi.lpWSPSocket(0, 0, 0, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err);
        return s == INVALID_SOCKET ? SOCKET_ERROR : 0;
    case FAKE_BIND:
        s = t_socket(AF_INET, SOCK_STREAM);
        result = t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err);
        t_close(s);
        return result;
    case FAKE_LISTEN:
        return t_spi.lpWSPListen(listener, 1, &t_err);
    case FAKE_ACCEPT:
        return t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0;
    case FAKE_SHUTDOWN:
        return t_spi.lpWSPShutdown(pair->a, SD_SEND, &t_err);
    case FAKE_SEND:
        return t_send(pair->a, &byte, 1);
    case FAKE_RECV:
        return t_recv(pair->a, &byte, 1);
    case FAKE_SENDTO:
        return t_sendto(udp, &byte, 1, t_addr(AF_INET, 9));
    case FAKE_RECVFROM:
        return t_recv(udp, &byte, 1);
    case FAKE_OPT_SET:
        return t_option_set(pair->a, IPPROTO_TCP, TCP_NODELAY, 1);
    case FAKE_WAIT:
        return t_recv(pair->a, &byte, 1);
    case FAKE_CONNECT:
        s = t_socket(AF_INET, SOCK_STREAM);
        result = t_spi.lpWSPConnect(s, t_addr(AF_INET, 9), 16, NULL, NULL, NULL, NULL, &t_err);
        t_close(s);
        return result;
    case FAKE_OPT_GET:
        result = (int)sizeof byte_room;
        return t_spi.lpWSPGetSockOpt(pair->a, IPPROTO_TCP, TCP_NODELAY, byte_room, &result, &t_err);
    case FAKE_ATTACH:
    case FAKE_OP_COUNT:
        break;
    }
    fail();
    return 0;
}

static void forced__every_operation__passes_the_code_on(void **state)
{
    static const struct forced_row rows[] = {
        {FAKE_OPEN, STK_EMFILE, WSAEMFILE},
        {FAKE_OPEN, STK_ENOMEM, WSAENOBUFS},
        {FAKE_OPEN, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_OPEN, STK_EPROTONOSUPPORT, WSAEPROTONOSUPPORT},
        {FAKE_BIND, STK_EADDRINUSE, WSAEADDRINUSE},
        {FAKE_BIND, STK_EACCES, WSAEACCES},
        {FAKE_BIND, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_BIND, STK_ENOMEM, WSAENOBUFS},
        {FAKE_LISTEN, STK_EADDRINUSE, WSAEADDRINUSE},
        {FAKE_LISTEN, STK_EMFILE, WSAEMFILE},
        {FAKE_LISTEN, STK_ENOMEM, WSAENOBUFS},
        {FAKE_LISTEN, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_ACCEPT, STK_EMFILE, WSAEMFILE},
        {FAKE_ACCEPT, STK_ECONNRESET, WSAECONNRESET},
        {FAKE_ACCEPT, STK_ENOMEM, WSAENOBUFS},
        {FAKE_ACCEPT, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_SHUTDOWN, STK_ECONNRESET, WSAECONNRESET},
        {FAKE_SHUTDOWN, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_SEND, STK_ECONNRESET, WSAECONNRESET},
        {FAKE_SEND, STK_ECONNABORTED, WSAECONNABORTED},
        {FAKE_SEND, STK_ENETRESET, WSAENETRESET},
        {FAKE_SEND, STK_ETIMEDOUT, WSAETIMEDOUT},
        {FAKE_SEND, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_RECV, STK_ECONNRESET, WSAECONNRESET},
        {FAKE_RECV, STK_ENETRESET, WSAENETRESET},
        {FAKE_RECV, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_SENDTO, STK_EHOSTUNREACH, WSAEHOSTUNREACH},
        {FAKE_SENDTO, STK_ENOMEM, WSAENOBUFS},
        {FAKE_RECVFROM, STK_ENETRESET, WSAENETRESET},
        {FAKE_RECVFROM, STK_ECONNRESET, WSAECONNRESET},
        {FAKE_CONNECT, STK_EADDRINUSE, WSAEADDRINUSE},
        {FAKE_CONNECT, STK_ENOMEM, WSAENOBUFS},
        {FAKE_CONNECT, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_OPT_SET, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_OPT_GET, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_WAIT, STK_ENETDOWN, WSAENETDOWN},
        {FAKE_WAIT, STK_EFORKED, WSANOTINITIALISED},
    };
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET listener = t_listener(AF_INET), udp = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    assert_int_equal(t_nonblocking(listener, true), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* The short path tries first; the long one then meets the error too. */
        unsigned times = rows[i].op == FAKE_SEND || rows[i].op == FAKE_RECV ? 2 : 1;
        unsigned sockets = fake_sockets_count();
        int result;

        fake_force_error(rows[i].op, rows[i].err, times);
        t_err = 0;
        result = forced_call(listener, &pair, udp, rows[i].op);
        fake_force_error(rows[i].op, 0, 0);
        if (result != SOCKET_ERROR || t_err != rows[i].code)
            fail_msg("row %zu: result %d, code %d", i, result, t_err);
        assert_int_equal(fake_sockets_count(), sockets);
    }
    t_close(listener);
    t_close(udp);
    t_pair_close(&pair);
}

static void attach__fails__netdown_and_nothing_is_left(void **state)
{
    (void)state;
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(fake_clients_count(), 0);
    assert_int_equal(t_host_start(state), 0);
    fake_force_error(FAKE_ATTACH, STK_EBUSY, 1);
    t_fails((int)t_spi.lpWSPSocket(0, 0, 0, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err), WSAENETDOWN);
    assert_int_equal(fake_clients_count(), 0);
    t_close(t_socket(AF_INET, SOCK_STREAM)); /* the next one tries again */
    assert_int_equal(fake_clients_count(), 1);
}

static void streams__end_by_error__tell_it_everywhere(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    char byte;
    WSABUF buf = {1, &byte};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD got, flags = 0;

    (void)state;
    t_fails(t_spi.lpWSPRecv(pair.b, &buf, 1, &got, &flags, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    fake_reset_streams(STK_ENETRESET);
    assert_true(t_event_wait(ov.hEvent, 3000));
    assert_false(t_spi.lpWSPGetOverlappedResult(pair.b, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(t_err, WSAENETRESET);
    t_fails(t_send(pair.a, "x", 1), WSAENETRESET);
    t_fails(t_send(pair.a, "x", 1), WSAECONNRESET); /* KA-8 */
    t_fails(t_send(pair.b, "x", 1), WSAECONNRESET);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

/* CLS-25, CLS-26, A.7.19, A.8.13: what was in progress, or the first call after it, hears why the connection ended; the calls
   that follow hear that it is gone. */
static void streams__end_by_silence__why_once_then_that_it_is_gone(void **state)
{
    static const struct {
        int err;
        int why;
        int gone;
    } rows[] = {{STK_ENETRESET, WSAENETRESET, WSAECONNRESET},
                {STK_ETIMEDOUT, WSAETIMEDOUT, WSAECONNABORTED},
                {STK_ECONNRESET, WSAECONNRESET, WSAECONNRESET},
                {STK_ECONNABORTED, WSAECONNABORTED, WSAECONNABORTED}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        char bytes[2];
        WSABUF bufs[2] = {{1, &bytes[0]}, {1, &bytes[1]}};
        WSAOVERLAPPED ov[2] = {{.hEvent = t_event_new()}, {.hEvent = t_event_new()}};
        DWORD got = 0, flags = 0;

        for (int k = 0; k < 2; k++)
            t_fails(t_spi.lpWSPRecv(pair.b, &bufs[k], 1, &got, &flags, &ov[k], NULL, NULL, &t_err), WSA_IO_PENDING);
        fake_reset_streams(rows[i].err);
        for (int k = 0; k < 2; k++) {
            assert_true(t_event_wait(ov[k].hEvent, 3000));
            assert_false(t_spi.lpWSPGetOverlappedResult(pair.b, &ov[k], &got, FALSE, &flags, &t_err));
            assert_int_equal(t_err, rows[i].why);
        }
        t_fails(t_send(pair.b, "x", 1), rows[i].gone);
        t_fails(t_recv(pair.b, bytes, 1), rows[i].gone);
        t_fails(t_send(pair.a, "x", 1), rows[i].why);
        t_fails(t_recv(pair.a, bytes, 1), rows[i].gone);
        t_fails(t_spi.lpWSPSend(pair.a, &bufs[0], 1, &got, 0, &ov[0], NULL, NULL, &t_err), rows[i].gone);
        t_event_free(ov[0].hEvent);
        t_event_free(ov[1].hEvent);
        t_pair_close(&pair);
    }
}

static void sends__held__datagrams_block_or_would_block(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);

    (void)state;
    fake_send_hold(true);
    assert_int_equal(t_option_set(a, SOL_SOCKET, SO_SNDTIMEO, 50), 0);
    t_fails(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), WSAETIMEDOUT);
    assert_int_equal(t_nonblocking(a, true), 0);
    t_fails(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), WSAEWOULDBLOCK);
    fake_send_hold(false);
    assert_int_equal(t_sendto(a, "x", 1, t_addr(AF_INET, t_port(b))), 1);
    t_close(a);
    t_close(b);
}

/* WSPSENDTO-4: the address is the caller's again when the call returns. */
static void sends__held__pending_datagram_keeps_its_address(void **state)
{
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    WSABUF buf = {4, t_bytes("data")};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD sent = 0, flags = 0;
    SOCKADDR_IN to;
    char room[8];

    (void)state;
    memcpy(&to, t_addr(AF_INET, t_port(b)), sizeof to);
    fake_send_hold(true);
    t_fails(t_spi.lpWSPSendTo(a, &buf, 1, NULL, 0, (struct sockaddr *)&to, 16, &ov, NULL, NULL, &t_err),
            WSA_IO_PENDING);
    memset(&to, 0x5a, sizeof to);
    assert_false(t_event_is_set(ov.hEvent));
    fake_send_hold(false);
    assert_true(t_event_wait(ov.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(a, &ov, &sent, FALSE, &flags, &t_err));
    assert_int_equal(sent, 4);
    assert_int_equal(t_recv(b, room, sizeof room), 4);
    t_event_free(ov.hEvent);
    t_close(a);
    t_close(b);
}

static const int connect_errors[] = {STK_ECONNREFUSED, STK_ETIMEDOUT, STK_EHOSTUNREACH, STK_ENETUNREACH};
static const int connect_codes[] = {WSAECONNREFUSED, WSAETIMEDOUT, WSAEHOSTUNREACH, WSAENETUNREACH};

/* WSPCONNECT-4. */
static void connect__each_failure__can_connect_again(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
        struct sockaddr *to = t_addr(AF_INET, t_port(listener));

        fake_connect_hold(true, 0);
        assert_int_equal(t_nonblocking(s, true), 0);
        t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
        fake_connect_hold(false, connect_errors[i]);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), connect_codes[i]);
        assert_int_equal(t_nonblocking(s, false), 0);
        assert_int_equal(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), 0);
        assert_int_equal(t_send(s, "x", 1), 1);
        t_close(s);
        t_close(listener);
    }
}

static void connect__held__event_has_the_code(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
        struct sockaddr *to = t_addr(AF_INET, t_port(listener));
        WSAEVENT event = t_event_new();
        WSANETWORKEVENTS seen;

        fake_connect_hold(true, 0);
        assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_CONNECT, &t_err), 0);
        t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAEWOULDBLOCK);
        assert_false(t_event_wait(event, 20));
        fake_connect_hold(false, connect_errors[i]);
        assert_true(t_event_wait(event, 3000));
        assert_int_equal(t_spi.lpWSPEnumNetworkEvents(s, event, &seen, &t_err), 0);
        assert_int_equal(seen.lNetworkEvents, FD_CONNECT);
        assert_int_equal(seen.iErrorCode[FD_CONNECT_BIT], connect_codes[i]);
        t_close(s);
        t_close(listener);
        t_event_free(event);
    }
}

static BOOL CALLBACK cancels(DWORD_PTR context)
{
    (void)context;
    assert_int_equal(t_spi.lpWSPCancelBlockingCall(&t_err), 0);
    return TRUE;
}

static void connect__cancelled__is_intr(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
    struct sockaddr *to = t_addr(AF_INET, t_port(listener));

    (void)state;
    fake_connect_hold(true, 0);
    t_hook_set(cancels, 0);
    t_fails(t_spi.lpWSPConnect(s, to, 16, NULL, NULL, NULL, NULL, &t_err), WSAEINTR);
    t_hook_set(NULL, 0);
    fake_connect_hold(false, 0);
    t_close(s);
    t_close(listener);
}

/* A.11.17, A.11.23. */
static void streams__end_by_error__close_event_has_its_code(void **state)
{
    static const int errors[] = {STK_ECONNRESET, STK_ETIMEDOUT, STK_ENETDOWN};
    static const int codes[] = {WSAECONNRESET, WSAECONNABORTED, WSAENETDOWN};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        WSAEVENT event = t_event_new();
        WSANETWORKEVENTS seen;

        assert_int_equal(t_spi.lpWSPEventSelect(pair.b, event, FD_CLOSE | FD_READ, &t_err), 0);
        fake_reset_streams(errors[i]);
        assert_true(t_event_wait(event, 3000));
        assert_int_equal(t_spi.lpWSPEnumNetworkEvents(pair.b, event, &seen, &t_err), 0);
        assert_int_equal(seen.lNetworkEvents, FD_CLOSE);
        assert_int_equal(seen.iErrorCode[FD_CLOSE_BIT], codes[i]);
        t_event_free(event);
        t_pair_close(&pair);
    }
}

/* BUF-7: a change ends the wait, in both forms of it. */
static void backlog__changes__tells_who_waits(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD bytes = 9, flags = 0;
    ULONG isb = 0;

    (void)state;
    t_fails(t_spi.lpWSPIoctl(pair.a, SIO_IDEAL_SEND_BACKLOG_CHANGE, NULL, 0, NULL, 0, &bytes, &ov, NULL, NULL, &t_err),
            WSA_IO_PENDING);
    fake_isb_set(100000);
    assert_true(t_event_wait(ov.hEvent, 3000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &bytes, FALSE, &flags, &t_err));
    assert_int_equal(bytes, 0);
    assert_int_equal(
        t_spi.lpWSPIoctl(pair.a, SIO_IDEAL_SEND_BACKLOG_QUERY, NULL, 0, &isb, 4, &bytes, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(isb, 100000);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

/* WSPDUPLICATESOCKET-3: a token that nobody uses expires, and with it a socket that nobody else has. */
static void duplicate__unused_token__expires_and_the_socket_with_it(void **state)
{
    uint64_t before = wsp_share_life_ns;
    struct t_pair pair;
    WSAPROTOCOL_INFOW info, late;
    char byte;

    /* The dispatcher looks that often, from its start on. */
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    wsp_share_life_ns = 80000000;
    assert_int_equal(t_host_start(state), 0);
    pair = t_pair_make(AF_INET, 0);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(pair.b, t_process_id(), &info, &t_err), 0);
    assert_int_equal(t_spi.lpWSPDuplicateSocket(pair.a, t_process_id(), &late, &t_err), 0);
    t_close(pair.b);
    assert_int_equal(fake_sockets_count(), 2);     /* the token is a descriptor of its own */
    assert_int_equal(t_recv(pair.a, &byte, 1), 0); /* until it has expired: the end of the stream */
    assert_true(t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0, 0, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEINVAL);
    t_sleep_ms(100);
    assert_true(t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &late, 0, 0, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEINVAL);
    t_fails(t_send(pair.a, "x", 1), WSAECONNRESET); /* the other descriptor lives on */
    t_close(pair.a);
    assert_int_equal(t_handles_count(), 0);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    wsp_share_life_ns = before;
    assert_int_equal(t_host_start(state), 0);
}

static int group_stop(void **state)
{
    int result = t_host_stop(state);

    assert_int_equal(fake_sockets_count(), 0);
    assert_int_equal(fake_clients_count(), 0);
    return result;
}

struct ready_wait {
    WSAOVERLAPPED ov; /* first */
    WSAEVENT told;
};

static void ready_told(void *overlapped)
{
    t_event_set(((struct ready_wait *)overlapped)->told);
}

/* Else nobody would tell of the next bytes either: what is there already is not armed. */
static void ready__read_by_another_during_the_look__told_all_the_same(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    const struct wsp_ready_abi in = {.wanted = WSP_READY_RECEIVE, .notify = (uintptr_t)ready_told};
    struct ready_wait wait = {.told = t_event_new()};
    struct wsp_ready_told_abi unused;
    DWORD returned;

    (void)state;
    fake_reader_between(true);
    t_fails(t_spi.lpWSPIoctl(pair.b, WSP_IOCTL_READY, (void *)(uintptr_t)&in, sizeof in, &unused, sizeof unused,
                             &returned, &wait.ov, NULL, NULL, &t_err),
            WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "x", 1), 1);
    assert_true(t_event_wait(wait.told, 5000));
    assert_int_equal(wait.ov.InternalHigh, WSP_READY_RECEIVE);
    fake_reader_between(false);
    t_event_free(wait.told);
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linger__table__time_code_and_mode),
        cmocka_unit_test(linger__waiting_close__handle_is_gone_and_the_drain_ends_it),
        cmocka_unit_test(connect__held__already_then_the_result),
        cmocka_unit_test(connect__blocking__waits_for_the_result),
        cmocka_unit_test(forced__every_operation__passes_the_code_on),
        cmocka_unit_test(attach__fails__netdown_and_nothing_is_left),
        cmocka_unit_test(streams__end_by_error__tell_it_everywhere),
        cmocka_unit_test(streams__end_by_silence__why_once_then_that_it_is_gone),
        cmocka_unit_test(sends__held__datagrams_block_or_would_block),
        cmocka_unit_test(sends__held__pending_datagram_keeps_its_address),
        cmocka_unit_test(connect__each_failure__can_connect_again),
        cmocka_unit_test(connect__held__event_has_the_code),
        cmocka_unit_test(connect__cancelled__is_intr),
        cmocka_unit_test(backlog__changes__tells_who_waits),
        cmocka_unit_test(streams__end_by_error__close_event_has_its_code),
        cmocka_unit_test(duplicate__unused_token__expires_and_the_socket_with_it),
        cmocka_unit_test(ready__read_by_another_during_the_look__told_all_the_same),
    };

    return cmocka_run_group_tests_name("spi_faults", tests, t_host_start, group_stop);
}

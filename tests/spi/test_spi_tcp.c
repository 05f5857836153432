/** @file Streams: connect, send, receive, shut down, close, from one end to the other. */
#include "t_host.h"

#include <string.h>

static const int families[] = {AF_INET, AF_INET6};

static void tcp__both_families__bytes_move_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct t_pair pair = t_pair_make(families[i], WSA_FLAG_OVERLAPPED);
        char buf[16];

        assert_int_equal(t_send(pair.a, "hello", 5), 5);
        assert_int_equal(t_recv(pair.b, buf, sizeof buf), 5);
        assert_memory_equal(buf, "hello", 5);
        assert_int_equal(t_send(pair.b, "world!", 6), 6);
        assert_int_equal(t_recv(pair.a, buf, 3), 3);
        assert_memory_equal(buf, "wor", 3);
        assert_int_equal(t_recv(pair.a, buf, sizeof buf), 3);
        assert_memory_equal(buf, "ld!", 3);
        t_pair_close(&pair);
    }
}

static void tcp__names__are_those_of_both_ends(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKADDR_STORAGE a, b;
    INT len = (INT)sizeof a;

    (void)state;
    assert_int_equal(t_spi.lpWSPGetSockName(pair.a, (struct sockaddr *)&a, &len, &t_err), 0);
    assert_int_equal(len, sizeof(SOCKADDR_IN));
    len = (INT)sizeof b;
    assert_int_equal(t_spi.lpWSPGetPeerName(pair.b, (struct sockaddr *)&b, &len, &t_err), 0);
    assert_int_equal(len, sizeof(SOCKADDR_IN));
    assert_memory_equal(&a, &b, sizeof(SOCKADDR_IN));
    t_pair_close(&pair);
}

static void tcp__scattered_buffers__keep_their_order(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char one[2] = "", two[3] = "", three[8] = "";
    WSABUF out[3] = {{3, t_bytes("abc")}, {0, NULL}, {4, t_bytes("defg")}};
    WSABUF in[3] = {{2, one}, {3, two}, {8, three}};
    DWORD moved = 0, flags = 0;

    (void)state;
    assert_int_equal(t_spi.lpWSPSend(pair.a, out, 3, &moved, 0, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(moved, 7);
    assert_int_equal(t_spi.lpWSPRecv(pair.b, in, 3, &moved, &flags, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(moved, 7);
    assert_memory_equal(one, "ab", 2);
    assert_memory_equal(two, "cde", 3);
    assert_memory_equal(three, "fg", 2);
    t_pair_close(&pair);
}

static void tcp__many_buffers__all_arrive(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSABUF out[100];
    char bytes[100], got[100];
    DWORD moved = 0, flags = MSG_WAITALL;

    (void)state;
    for (int i = 0; i < 100; i++) {
        bytes[i] = (char)i;
        out[i] = (WSABUF){1, &bytes[i]};
    }
    assert_int_equal(t_spi.lpWSPSend(pair.a, out, 100, &moved, 0, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(moved, 100);
    assert_int_equal(t_recv_flags(pair.b, got, sizeof got, &flags), 100);
    assert_memory_equal(got, bytes, sizeof got);
    t_pair_close(&pair);
}

static void tcp__peek__leaves_the_bytes(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    DWORD flags = MSG_PEEK;
    char buf[8];

    (void)state;
    assert_int_equal(t_send(pair.a, "abcd", 4), 4);
    assert_int_equal(t_recv(pair.b, buf, 1), 1);
    assert_int_equal(t_recv_flags(pair.b, buf, sizeof buf, &flags), 3);
    assert_memory_equal(buf, "bcd", 3);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 3);
    t_pair_close(&pair);
}

static void tcp__empty_lists__succeed_with_zero(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    DWORD moved = 7;

    (void)state;
    assert_int_equal(t_spi.lpWSPSend(pair.a, NULL, 0, &moved, 0, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(moved, 0);
    assert_int_equal(t_send(pair.a, "", 0), 0);
    t_pair_close(&pair);
}

struct filler {
    SOCKET s;
    size_t total;
    int result;
};

static void *filler_main(void *arg)
{
    struct filler *filler = arg;
    static char bytes[4 << 20];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    filler->total = sizeof bytes;
    filler->result = t_send(filler->s, bytes, sizeof bytes);
    assert_int_equal(t_spi.lpWSPShutdown(filler->s, SD_SEND, &t_err), 0);
    return NULL;
}

static void tcp__blocking_send_of_4mib__returns_when_all_is_taken(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct filler filler = {.s = pair.a};
    static char buf[9000];
    struct t_task thread;
    size_t at = 0;
    int got;

    (void)state;
    t_task_start(&thread, filler_main, &filler);
    while ((got = t_recv(pair.b, buf, sizeof buf)) > 0)
        for (int i = 0; i < got; i++, at++)
            if (buf[i] != (char)(at * 7 + at / 251))
                fail_msg("byte %zu differs", at);
    assert_int_equal(got, 0);
    t_task_join(&thread);
    assert_int_equal(filler.result, filler.total);
    assert_int_equal(at, filler.total);
    t_pair_close(&pair);
}

static void tcp__nonblocking__gives_wouldblock_and_parts(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    static char block[65536];
    size_t sent = 0;
    int got;

    (void)state;
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    t_fails(t_recv(pair.b, block, sizeof block), WSAEWOULDBLOCK);
    while ((got = t_send(pair.a, block, sizeof block)) > 0)
        sent += (size_t)got;
    assert_int_equal(got, SOCKET_ERROR);
    assert_int_equal(t_err, WSAEWOULDBLOCK);
    assert_true(sent > 0);
    assert_int_equal(t_nonblocking(pair.b, false), 0);
    while (sent > 0) {
        got = t_recv(pair.b, block, sizeof block);
        assert_true(got > 0);
        sent -= (size_t)got;
    }
    t_pair_close(&pair);
}

static void tcp__half_close__data_flows_the_other_way(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[8];

    (void)state;
    assert_int_equal(t_send(pair.a, "last", 4), 4);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    t_fails(t_send(pair.a, "x", 1), WSAESHUTDOWN);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 4);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    assert_int_equal(t_send(pair.b, "reply", 5), 5);
    assert_int_equal(t_recv(pair.a, buf, sizeof buf), 5);
    t_pair_close(&pair);
}

static void tcp__shutdown_receive__later_receives_fail(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[8];

    (void)state;
    assert_int_equal(t_spi.lpWSPShutdown(pair.b, SD_RECEIVE, &t_err), 0);
    t_fails(t_recv(pair.b, buf, sizeof buf), WSAESHUTDOWN);
    t_pair_close(&pair);
}

static void tcp__disconnect_calls__are_shutdowns_without_data(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    WSABUF data = {4, t_bytes("data")};
    char buf[8];

    (void)state;
    t_fails(t_spi.lpWSPSendDisconnect(pair.a, &data, &t_err), WSAENOPROTOOPT);
    t_fails(t_spi.lpWSPRecvDisconnect(pair.a, &data, &t_err), WSAENOPROTOOPT);
    assert_int_equal(t_spi.lpWSPSendDisconnect(pair.a, NULL, &t_err), 0);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    assert_int_equal(t_spi.lpWSPRecvDisconnect(pair.a, NULL, &t_err), 0);
    t_fails(t_recv(pair.a, buf, sizeof buf), WSAESHUTDOWN);
    t_pair_close(&pair);
}

/* WSPRECV-4, A.8.18: hints on input are taken; no message protocol here has parts. */
static void tcp__receive_hints__are_taken(void **state)
{
    static const DWORD hints[] = {MSG_PUSH_IMMEDIATE, MSG_PARTIAL, MSG_PUSH_IMMEDIATE | MSG_PARTIAL | MSG_PEEK};
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    char buf[8];
    WSABUF in = {sizeof buf, buf};
    DWORD n, flags;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t_send(pair.a, "x", 1), 1);
        flags = hints[i];
        assert_int_equal(t_spi.lpWSPRecv(pair.b, &in, 1, &n, &flags, NULL, NULL, NULL, &t_err), 0);
        assert_int_equal(n, 1);
        assert_int_equal(flags, 0);
        assert_int_equal(t_sendto(a, "yz", 2, t_addr(AF_INET, t_port(b))), 2);
        flags = hints[i];
        assert_int_equal(t_spi.lpWSPRecvFrom(b, &in, 1, &n, &flags, NULL, NULL, NULL, NULL, NULL, &t_err), 0);
        assert_int_equal(n, 2);
        assert_int_equal(flags, 0);
    }
    flags = 0x4000;
    t_fails(t_spi.lpWSPRecv(pair.b, &in, 1, &n, &flags, NULL, NULL, NULL, &t_err), WSAEOPNOTSUPP);
    t_close(a);
    t_close(b);
    t_pair_close(&pair);
}

/* E7, C.12: nobody has socket groups. C.23, A.6.14: TCP gives no data, which a connect in progress says too. */
static void tcp__connect_with_group_qos_or_room__has_its_answer(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
    static QOS qos;
    char room[16];
    WSABUF callee = {sizeof room, room};

    (void)state;
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, &callee, NULL, &qos, &t_err), WSAEINVAL);
    assert_int_equal(callee.len, sizeof room);
    assert_int_equal(t_nonblocking(s, true), 0);
    if (t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, &callee, NULL, NULL, &t_err) != 0)
        assert_int_equal(t_err, WSAEWOULDBLOCK);
    assert_int_equal(callee.len, 0);
    t_close(s);
    t_close(listener);
}

static void tcp__receive_timeout__is_timedout(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    uint64_t before;
    char buf[8];

    (void)state;
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_RCVTIMEO, 60), 0);
    before = t_now_ms();
    t_fails(t_recv(pair.a, buf, sizeof buf), WSAETIMEDOUT);
    assert_in_range(t_now_ms() - before, 50, 5000);
    t_pair_close(&pair);
}

static void tcp__send_timeout__is_timedout(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    static char block[4 << 20];

    (void)state;
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_SNDTIMEO, 60), 0);
    t_fails(t_send(pair.a, block, sizeof block), WSAETIMEDOUT);
    t_pair_close(&pair);
}

static void tcp__refused__tells_and_can_connect_again(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), dead = t_bound(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(dead);

    (void)state;
    t_close(dead);
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, port), 16, NULL, NULL, NULL, NULL, &t_err), WSAECONNREFUSED);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_KEEPALIVE, 1), 0); /* a success clears nothing */
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), 0);
    assert_int_equal(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), WSAEISCONN);
    t_close(s);
    t_close(listener);
}

static void tcp__no_route__is_netunreach(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    SOCKADDR_IN *to = (SOCKADDR_IN *)(void *)t_addr(AF_INET, 80);

    (void)state;
    memcpy(&to->sin_addr, "\310\1\2\3", 4);
    t_fails(t_spi.lpWSPConnect(s, (struct sockaddr *)to, 16, NULL, NULL, NULL, NULL, &t_err), WSAENETUNREACH);
    t_close(s);
}

static void tcp__nonblocking_connect__select_tells(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
    struct timeval wait = {.tv_sec = 5};
    fd_set write = {.fd_count = 1, .fd_array = {s}};

    (void)state;
    assert_int_equal(t_nonblocking(s, true), 0);
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err),
            WSAEWOULDBLOCK);
    assert_int_equal(t_spi.lpWSPSelect(0, NULL, &write, NULL, &wait, &t_err), 1);
    assert_int_equal(t_send(s, "x", 1), 1);
    t_close(s);
    t_close(listener);
}

static void tcp__unread_data_at_close__resets_the_peer(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[8];

    (void)state;
    assert_int_equal(t_send(pair.a, "unread", 6), 6);
    t_sleep_ms(20);
    t_close(pair.b);
    t_fails(t_recv(pair.a, buf, sizeof buf), WSAECONNRESET);
    t_close(pair.a);
}

static void tcp__linger_zero__resets_the_peer(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    char buf[8];

    (void)state;
    assert_int_equal(t_spi.lpWSPSetSockOpt(pair.a, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err),
                     0);
    t_close(pair.a);
    t_fails(t_recv(pair.b, buf, sizeof buf), WSAECONNRESET);
    t_close(pair.b);
}

static void tcp__default_close__sends_all_then_the_end(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[16];

    (void)state;
    assert_int_equal(t_send(pair.a, "goodbye", 7), 7);
    t_close(pair.a);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 7);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 0);
    t_close(pair.b);
}

struct blocked {
    SOCKET s;
    int result;
    INT code;
    int kind; /* 0 recv, 1 accept, 2 select */
};

static void *blocked_main(void *arg)
{
    struct blocked *blocked = arg;
    WSABUF buf = {.len = 0, .buf = NULL};
    fd_set read = {.fd_count = 1, .fd_array = {blocked->s}};
    DWORD got, flags = 0;
    char byte;

    buf = (WSABUF){1, &byte};
    if (blocked->kind == 0)
        blocked->result = t_spi.lpWSPRecv(blocked->s, &buf, 1, &got, &flags, NULL, NULL, NULL, &blocked->code);
    else if (blocked->kind == 1)
        blocked->result = t_spi.lpWSPAccept(blocked->s, NULL, NULL, NULL, 0, &blocked->code) == INVALID_SOCKET
                              ? SOCKET_ERROR
                              : 0;
    else
        blocked->result = t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &blocked->code);
    return NULL;
}

static void tcp__close_while_blocked__ends_the_call(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct t_pair pair = t_pair_make(AF_INET, 0);
        SOCKET listener = t_listener(AF_INET);
        struct blocked blocked = {.s = kind == 1 ? listener : pair.a, .kind = kind};
        struct t_task thread;

        t_task_start(&thread, blocked_main, &blocked);
        t_sleep_ms(30);
        t_close(blocked.s);
        t_task_join(&thread);
        if (kind != 2 || blocked.result != 1) { /* what is closed during the wait for it is readable (spi_select) */
            assert_int_equal(blocked.result, SOCKET_ERROR);
            if (blocked.code != WSAEINTR && blocked.code != WSAENOTSOCK)
                fail_msg("kind %d: code %d", kind, blocked.code);
        }
        t_close(kind == 1 ? pair.a : listener);
        t_close(pair.b);
    }
}

static unsigned hook_calls;

static BOOL CALLBACK hook_three_times(DWORD_PTR context)
{
    assert_int_equal(context, 77);
    return ++hook_calls < 3;
}

static BOOL CALLBACK hook_cancels(DWORD_PTR context)
{
    (void)context;
    hook_calls++;
    assert_int_equal(t_spi.lpWSPCancelBlockingCall(&t_err), 0);
    return TRUE;
}

static void tcp__blocking_hook__is_asked_only_when_blocking_and_can_end_the_call(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    char buf[8];

    (void)state;
    hook_calls = 0;
    t_hook_set(hook_three_times, 77);
    assert_int_equal(t_send(pair.b, "x", 1), 1);
    t_sleep_ms(20);
    assert_int_equal(t_recv(pair.a, buf, 1), 1);
    assert_int_equal(t_hook_asked(), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEINTR);
    assert_int_equal(hook_calls, 3);
    assert_int_equal(t_hook_asked(), 1);
    t_hook_set(hook_cancels, 0);
    hook_calls = 0;
    t_fails(t_recv(pair.a, buf, 1), WSAEINTR);
    assert_int_equal(hook_calls, 1);
    t_hook_set(NULL, 0);
    t_pair_close(&pair);
}

static void tcp__stale_handle__is_notsock(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    char buf[8];

    (void)state;
    t_close(s);
    t_fails(t_recv(s, buf, 1), WSAENOTSOCK);
    t_fails(t_spi.lpWSPCloseSocket(s, &t_err), WSAENOTSOCK);
}

/* BLK-5, BLK-9, BND-11: nothing of this waits, so nothing asks. */
static void tcp__calls_that_never_block__ask_no_hook(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    struct timeval none = {0};
    fd_set read = {.fd_count = 1, .fd_array = {pair.a}};
    SOCKADDR_STORAGE name;
    INT len = (INT)sizeof name;
    char buf[8];

    (void)state;
    hook_calls = 0;
    t_hook_set(hook_three_times, 77);
    assert_int_equal(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), 16, &t_err), 0);
    assert_int_equal(t_spi.lpWSPListen(s, 3, &t_err), 0);
    assert_int_equal(t_spi.lpWSPGetSockName(s, (struct sockaddr *)&name, &len, &t_err), 0);
    assert_int_equal(t_spi.lpWSPGetPeerName(pair.a, (struct sockaddr *)&name, &len, &t_err), 0);
    assert_int_equal(t_option_set(pair.a, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    assert_int_equal(t_option_get(pair.a, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, &none, &t_err), 0);
    assert_int_equal(t_nonblocking(pair.a, true), 0);
    t_fails(t_recv(pair.a, buf, 1), WSAEWOULDBLOCK);
    assert_int_equal(t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err), 0);
    assert_int_equal(hook_calls, 0);
    t_hook_set(NULL, 0);
    t_close(s);
    t_pair_close(&pair);
}

/* WSPCANCELBLOCKINGCALL-3. */
static void tcp__cancelled_accept_and_select__sockets_go_on(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET listener = t_listener(AF_INET), a = t_socket(AF_INET, SOCK_STREAM), b;
    fd_set read = {.fd_count = 1, .fd_array = {pair.a}};
    char buf[8];

    (void)state;
    t_hook_set(hook_cancels, 0);
    t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0, WSAEINTR);
    t_fails(t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err), WSAEINTR);
    assert_int_equal(read.fd_count, 1);
    t_hook_set(NULL, 0);
    assert_int_equal(t_spi.lpWSPConnect(a, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    assert_int_equal(t_send(pair.b, "ab", 2), 2);
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, NULL, &t_err), 1);
    assert_int_equal(t_recv(pair.a, buf, sizeof buf), 2);
    t_close(a);
    t_close(b);
    t_close(listener);
    t_pair_close(&pair);
}

/* DSC-11: the mode is of no concern to overlapped requests. */
static void tcp__nonblocking_socket__overlapped_receive_pends(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    char byte = 0;
    WSABUF buf = {1, &byte};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    DWORD got = 0, flags = 0;

    (void)state;
    assert_int_equal(t_nonblocking(pair.b, true), 0);
    t_fails(t_spi.lpWSPRecv(pair.b, &buf, 1, NULL, &flags, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    assert_int_equal(t_send(pair.a, "z", 1), 1);
    assert_true(t_event_wait(ov.hEvent, 3000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.b, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 1);
    assert_int_equal(byte, 'z');
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

/* EVT-2: who has read why it failed is still told by the event that it did. */
static void tcp__refused_and_read__event_has_a_code(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), dead = t_bound(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(dead);
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS seen;

    (void)state;
    t_close(dead);
    assert_int_equal(t_nonblocking(s, true), 0);
    t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, port), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err),
            WSAEWOULDBLOCK);
    while (t_option_get(s, SOL_SOCKET, SO_ERROR) != WSAECONNREFUSED)
        t_sleep_ms(1);
    assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_CONNECT, &t_err), 0);
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(s, event, &seen, &t_err), 0);
    assert_int_equal(seen.lNetworkEvents, FD_CONNECT);
    assert_int_equal(seen.iErrorCode[FD_CONNECT_BIT], WSAECONNREFUSED);
    t_event_free(event);
    t_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp__both_families__bytes_move_both_ways),
        cmocka_unit_test(tcp__names__are_those_of_both_ends),
        cmocka_unit_test(tcp__scattered_buffers__keep_their_order),
        cmocka_unit_test(tcp__many_buffers__all_arrive),
        cmocka_unit_test(tcp__peek__leaves_the_bytes),
        cmocka_unit_test(tcp__empty_lists__succeed_with_zero),
        cmocka_unit_test(tcp__blocking_send_of_4mib__returns_when_all_is_taken),
        cmocka_unit_test(tcp__nonblocking__gives_wouldblock_and_parts),
        cmocka_unit_test(tcp__half_close__data_flows_the_other_way),
        cmocka_unit_test(tcp__shutdown_receive__later_receives_fail),
        cmocka_unit_test(tcp__disconnect_calls__are_shutdowns_without_data),
        cmocka_unit_test(tcp__connect_with_group_qos_or_room__has_its_answer),
        cmocka_unit_test(tcp__receive_hints__are_taken),
        cmocka_unit_test(tcp__receive_timeout__is_timedout),
        cmocka_unit_test(tcp__send_timeout__is_timedout),
        cmocka_unit_test(tcp__refused_and_read__event_has_a_code),
        cmocka_unit_test(tcp__refused__tells_and_can_connect_again),
        cmocka_unit_test(tcp__no_route__is_netunreach),
        cmocka_unit_test(tcp__nonblocking_connect__select_tells),
        cmocka_unit_test(tcp__unread_data_at_close__resets_the_peer),
        cmocka_unit_test(tcp__linger_zero__resets_the_peer),
        cmocka_unit_test(tcp__default_close__sends_all_then_the_end),
        cmocka_unit_test(tcp__close_while_blocked__ends_the_call),
        cmocka_unit_test(tcp__blocking_hook__is_asked_only_when_blocking_and_can_end_the_call),
        cmocka_unit_test(tcp__stale_handle__is_notsock),
        cmocka_unit_test(tcp__calls_that_never_block__ask_no_hook),
        cmocka_unit_test(tcp__cancelled_accept_and_select__sockets_go_on),
        cmocka_unit_test(tcp__nonblocking_socket__overlapped_receive_pends),
    };

    return cmocka_run_group_tests_name("spi_tcp", tests, t_host_start, t_host_stop);
}

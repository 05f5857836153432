/** @file One handle for many connections: AcceptEx and DisconnectEx beside other calls, and what a socket keeps. */
#include "t_ops.h"

#include <stdlib.h>

#define ROUNDS 300
#define WAITED_ROUNDS 20
#define LARGE (3u << 20)

static DWORD timeout_get(SOCKET s)
{
    return (DWORD)t_option_get(s, SOL_SOCKET, SO_RCVTIMEO);
}

/* The other side closes too: DisconnectEx is through. */
static void reuse(SOCKET s, SOCKET client)
{
    struct op op;

    t_close(client);
    op_begin(&op, s);
    EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
    assert_int_equal(op_end(&op, NULL), 0);
}

/* DEX-15, and AEX-26. */
static void recycle__many_rounds_on_one_handle__nothing_is_left(void **state)
{
    const char *rounds = getenv("T_SPI_ROUNDS");
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct linger hard = {.l_onoff = 1};
    unsigned handles = t_handles_count();
    struct op op;
    char byte;

    (void)state;
    for (int i = 0, count = rounds ? atoi(rounds) : ROUNDS; i < count; i++) {
        op_accept(&op, listener, s, i % 2 == 0 ? 0 : ROOM);
        client = plain_connect(listener);
        assert_int_equal(t_send(client, "x", 1), 1);
        assert_int_equal(op_end(&op, NULL), 0);
        if (i % 2 == 0)
            assert_int_equal(t_recv(s, &byte, 1), 1);
        if (i % 4 == 3)
            assert_int_equal(
                t_spi.lpWSPSetSockOpt(client, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard, &t_err), 0);
        reuse(s, client);
        assert_int_equal(t_handles_count(), handles);
    }
    no_requests();
    t_close(s);
    t_close(listener);
}

/* DEX-13; which options stay is our own choice: those that the provider keeps by itself. */
static void recycle__socket__keeps_its_modes_and_nothing_of_the_connection(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client = INVALID_SOCKET;
    WSAEVENT event = t_event_new();
    WSANETWORKEVENTS record;
    SOCKADDR_STORAGE name;
    struct op op;
    char byte;

    (void)state;
    for (int i = 0; i < 2; i++) {
        op_accept(&op, listener, s, 0);
        client = plain_connect(listener);
        assert_int_equal(op_end(&op, NULL), 0);
        assert_int_equal(update_accept(s, listener), 0);
        if (i == 1)
            break;
        assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 12345), 0);
        assert_int_equal(t_option_set(s, IPPROTO_TCP, TCP_NODELAY, 1), 0);
        assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_READ | FD_CLOSE, &t_err), 0);
        reuse(s, client);
        t_fails(peer_name(s, &name), WSAENOTCONN);
        t_fails(update_accept(s, listener), WSAENOTCONN);
        t_fails(t_recv(s, &byte, 1), WSAENOTCONN);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), -1);
        assert_int_equal(t_option_get(s, SOL_SOCKET, SO_ERROR), 0);
        assert_int_equal(timeout_get(s), 12345);
        t_event_reset(event);
    }
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_NODELAY), 0);
    t_fails(t_recv(s, &byte, 1), WSAEWOULDBLOCK); /* WSPEventSelect had made it nonblocking */
    assert_int_equal(t_send(client, "x", 1), 1);
    for (int i = 0; i < 5000 && t_recv(s, &byte, 1) != 1; i++)
        t_sleep_ms(1);
    assert_false(t_event_is_set(event)); /* the selection went with the old connection */
    assert_int_equal(t_spi.lpWSPEnumNetworkEvents(s, NULL, &record, &t_err), 0);
    assert_int_equal(record.lNetworkEvents, 0);
    t_close(client);
    t_close(s);
    t_close(listener);
    t_event_free(event);
}

/* DEX-11. */
static void recycle__receive_pends__it_ends_before(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    char room[8];
    WSABUF buf = {.len = sizeof room, .buf = room};
    DWORD flags = 0, got = 9;
    struct op op;

    (void)state;
    t_fails(t_spi.lpWSPRecv(pair.a, &buf, 1, NULL, &flags, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    op_begin(&op, pair.a);
    EX_FAILS(disconnect_ex(pair.a, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
    assert_false(t_event_is_set(ov.hEvent));
    assert_int_equal(t_spi.lpWSPShutdown(pair.b, SD_SEND, &t_err), 0);
    assert_true(t_event_wait(op.ov.hEvent, 5000));
    assert_true(t_event_is_set(ov.hEvent));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 0);
    op.completed++;
    assert_int_equal(op_end(&op, NULL), 0);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

/* DEX-12. */
static void recycle__send_pends__all_of_it_goes_out_first(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    static char out[LARGE], in[65536];
    WSABUF buf = {.len = sizeof out, .buf = out};
    DWORD flags, sent = 0;
    size_t at = 0;
    int part;
    struct op op;

    (void)state;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (char)(i * 7 + i / 251);
    t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, NULL, 0, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    op_begin(&op, pair.a);
    EX_FAILS(disconnect_ex(pair.a, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
    while ((part = t_recv(pair.b, in, sizeof in)) > 0) {
        assert_false(t_event_is_set(op.ov.hEvent));
        assert_true(at + (size_t)part <= sizeof out);
        assert_memory_equal(in, out + at, (size_t)part);
        at += (size_t)part;
    }
    assert_int_equal(part, 0);
    assert_int_equal(at, sizeof out);
    assert_true(t_event_wait(ov.hEvent, 5000)); /* the peer may see the end before this is told */
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &sent, FALSE, &flags, &t_err));
    assert_int_equal(sent, sizeof out);
    assert_int_equal(t_spi.lpWSPShutdown(pair.b, SD_SEND, &t_err), 0);
    op.completed++;
    assert_int_equal(op_end(&op, NULL), 0);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

struct draining {
    SOCKET s;
    size_t got;
};

static void *draining_main(void *arg)
{
    struct draining *me = arg;
    static char in[65536];
    int part;

    t_sleep_ms(5); /* the other side is inside, or will be at once: both must do */
    while ((part = t_recv(me->s, in, sizeof in)) > 0)
        me->got += (size_t)part;
    (void)t_spi.lpWSPShutdown(me->s, SD_SEND, &t_err);
    return NULL;
}

/* DEX-12, DEX-6. */
static void recycle__send_pends_and_no_structure__all_of_it_goes_out_first(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct draining drain = {.s = pair.b};
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    static char out[LARGE];
    WSABUF buf = {.len = sizeof out, .buf = out};
    DWORD flags, sent = 0;
    struct t_task task;

    (void)state;
    t_fails(t_spi.lpWSPSend(pair.a, &buf, 1, NULL, 0, &ov, NULL, NULL, &t_err), WSA_IO_PENDING);
    t_task_start(&task, draining_main, &drain);
    assert_true(disconnect_ex(pair.a, NULL, TF_REUSE_SOCKET, 0));
    t_task_join(&task);
    assert_true(t_event_wait(ov.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(pair.a, &ov, &sent, FALSE, &flags, &t_err));
    assert_int_equal(sent, sizeof out);
    assert_int_equal(drain.got, sizeof out);
    t_event_free(ov.hEvent);
    t_pair_close(&pair);
}

static void *closing_main(void *arg)
{
    t_sleep_ms(5); /* as above */
    t_close(*(SOCKET *)arg);
    return NULL;
}

/* E31: who sleeps until it is through is no reason to keep the old connection, or its port. */
static void recycle__many_rounds_that_are_waited_for__the_port_stays(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM), other;
    struct linger hard = {.l_onoff = 1};
    uint16_t port = t_port(s);
    DWORD bytes, flags;
    struct t_task task;
    struct op op;

    (void)state;
    for (int i = 0; i < WAITED_ROUNDS; i++) {
        op_connect(&op, s, t_port(listener), "");
        assert_true(t_spi.lpWSPGetOverlappedResult(s, &op.ov, &bytes, TRUE, &flags, &t_err));
        assert_int_equal(op_end(&op, NULL), 0);
        assert_int_equal(update_connect(s), 0);
        assert_int_equal(t_port(s), port);
        other = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
        assert_true(other != INVALID_SOCKET);
        assert_int_equal(t_spi.lpWSPSetSockOpt(other, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard, &t_err),
                         0);
        op_begin(&op, s);
        EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
        t_task_start(&task, closing_main, &other);
        assert_true(t_spi.lpWSPGetOverlappedResult(s, &op.ov, &bytes, TRUE, &flags, &t_err));
        t_task_join(&task);
        assert_int_equal(op_end(&op, NULL), 0);
        assert_int_equal(t_port(s), port);
    }
    t_close(s);
    t_close(listener);
}

/* DEX-10, CEX-14. */
static void recycle__disconnect_pends__cancelling_or_closing_ends_it(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    struct op op;

    (void)state;
    op_begin(&op, pair.a);
    EX_FAILS(disconnect_ex(pair.a, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
    assert_int_equal(cancel(pair.a, &op.ov), 1);
    assert_int_equal(op_end(&op, NULL), WSA_OPERATION_ABORTED);
    op_begin(&op, pair.a);
    EX_FAILS(disconnect_ex(pair.a, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
    t_close(pair.a);
    assert_true(t_event_wait(op.ov.hEvent, 5000));
    assert_int_equal(op.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(t_completions(), op.completed + 1);
    t_event_free(op.ov.hEvent);
    no_requests();
    t_close(pair.b);
}

struct selecting {
    SOCKET s;
    int found;
    struct t_mutex lock;
    struct t_cond begun;
    bool begins;
};

static void *selecting_main(void *arg)
{
    struct selecting *me = arg;
    struct timeval five = {.tv_sec = 5};
    fd_set set;

    FD_ZERO(&set);
    FD_SET(me->s, &set);
    t_mutex_lock(&me->lock);
    me->begins = true;
    t_cond_wake(&me->begun);
    t_mutex_unlock(&me->lock);
    me->found = t_spi.lpWSPSelect(0, &set, NULL, NULL, &five, &t_err);
    return NULL;
}

/* A wait that began before the connection was there is one on the connection. */
static void recycle__select_on_an_accepting_socket__sees_its_connection(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;

    (void)state;
    for (int i = 0; i < 12; i++) { /* more often than old sockets are kept */
        struct selecting other = {.s = s};
        struct t_task task;
        char byte;

        op_accept(&op, listener, s, 0);
        t_task_start(&task, selecting_main, &other);
        t_mutex_lock(&other.lock);
        while (!other.begins)
            (void)t_cond_wait(&other.begun, &other.lock, UINT64_MAX);
        t_mutex_unlock(&other.lock);
        t_sleep_ms(5); /* it is inside, or will be at once: both must do */
        client = plain_connect(listener);
        assert_int_equal(op_end(&op, NULL), 0);
        assert_int_equal(t_send(client, "x", 1), 1);
        t_task_join(&task);
        assert_int_equal(other.found, 1);
        assert_int_equal(t_recv(s, &byte, 1), 1);
        reuse(s, client);
    }
    t_close(s);
    t_close(listener);
}

static int CALLBACK decide(LPWSABUF a, LPWSABUF b, LPQOS c, LPQOS d, LPWSABUF e, LPWSABUF f, GROUP *g, DWORD_PTR answer)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
    return (int)answer;
}

/* AEX-15: what a condition function left in the queue is the next connection of all. */
static void recycle__deferred_connection__is_the_next_that_acceptex_takes(void **state)
{
    SOCKET listener = t_listener(AF_INET), s[2], clients[2];
    struct op ops[2];
    DWORD bytes;

    (void)state;
    for (int i = 0; i < 2; i++)
        clients[i] = plain_connect(listener);
    assert_true(t_spi.lpWSPAccept(listener, NULL, NULL, decide, CF_DEFER, &t_err) == INVALID_SOCKET);
    assert_int_equal(t_err, WSATRY_AGAIN);
    for (int i = 0; i < 2; i++) {
        s[i] = t_socket(AF_INET, SOCK_STREAM);
        op_accept(&ops[i], listener, s[i], ROOM);
        assert_int_equal(t_send(clients[i], i == 0 ? "a" : "bc", (size_t)i + 1), i + 1);
        assert_int_equal(op_end(&ops[i], &bytes), 0);
        assert_int_equal(bytes, i + 1);
        assert_talk(clients[i], s[i]);
    }
    for (int i = 0; i < 2; i++) {
        t_close(clients[i]);
        t_close(s[i]);
    }
    t_close(listener);
}

/* DEX-4, B.17: addresses that nobody has. */
static void recycle__wild_pointers__are_faults(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), bound = t_bound(AF_INET, SOCK_STREAM);
    const struct sockaddr *to = t_addr(AF_INET, t_port(listener));
    LPOVERLAPPED wild = (LPOVERLAPPED)(uintptr_t)16;
    int size = t_addr_size(AF_INET);
    struct op op, accepted;

    (void)state;
    op_begin(&op, bound);
    EX_FAILS(disconnect_ex(pair.a, wild, 0, 0), WSAEFAULT);
    EX_FAILS(connect_ex(bound, to, size, NULL, 0, NULL, wild), WSAEFAULT);
    EX_FAILS(connect_ex(bound, to, size, wild, 4, NULL, (LPOVERLAPPED)&op.ov), WSAEFAULT);
    EX_FAILS(accept_ex(listener, s, op.bytes, 0, PART, PART, NULL, wild), WSAEFAULT);
    op_refused(&op);
    op_accept(&accepted, listener, s, 0); /* nothing was taken */
    op_connect(&op, bound, t_port(listener), "");
    assert_true(t_event_wait(accepted.ov.hEvent, 5000));
    op.completed++; /* in either order */
    assert_int_equal(op_end(&op, NULL), 0);
    t_event_free(accepted.ov.hEvent);
    t_close(listener);
    t_close(bound);
    t_close(s);
    t_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recycle__many_rounds_on_one_handle__nothing_is_left),
        cmocka_unit_test(recycle__socket__keeps_its_modes_and_nothing_of_the_connection),
        cmocka_unit_test(recycle__receive_pends__it_ends_before),
        cmocka_unit_test(recycle__send_pends__all_of_it_goes_out_first),
        cmocka_unit_test(recycle__send_pends_and_no_structure__all_of_it_goes_out_first),
        cmocka_unit_test(recycle__many_rounds_that_are_waited_for__the_port_stays),
        cmocka_unit_test(recycle__disconnect_pends__cancelling_or_closing_ends_it),
        cmocka_unit_test(recycle__select_on_an_accepting_socket__sees_its_connection),
        cmocka_unit_test(recycle__deferred_connection__is_the_next_that_acceptex_takes),
        cmocka_unit_test(recycle__wild_pointers__are_faults),
    };

    return cmocka_run_group_tests(tests, t_ops_start, t_host_stop);
}

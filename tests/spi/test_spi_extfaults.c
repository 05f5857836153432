/** @file ConnectEx and AcceptEx where only the in-memory stack can make it so: failures, resources, looks that find nothing. */
#include "t_ops.h"

#include "fake_stack.h"

#include "stack/api.h"

/* AEX-14: a connection that comes while one pass looks at all requests is the first one's all the same. */
static void acceptex__connection_between_two_looks__is_of_who_was_first(void **state)
{
    SOCKET listener = t_listener(AF_INET), s[2], clients[2];
    struct op ops[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        s[i] = t_socket(AF_INET, SOCK_STREAM);
        op_accept(&ops[i], listener, s[i], 0);
    }
    fake_force_error(FAKE_ACCEPT, STK_EAGAIN, 1);
    clients[0] = plain_connect(listener);
    assert_true(t_event_wait(ops[0].ov.hEvent, 5000));
    assert_false(t_event_is_set(ops[1].ov.hEvent));
    clients[1] = plain_connect(listener);
    for (int i = 0; i < 2; i++) {
        assert_true(t_event_wait(ops[i].ov.hEvent, 5000));
        t_event_free(ops[i].ov.hEvent);
        assert_talk(clients[i], s[i]);
        t_close(clients[i]);
        t_close(s[i]);
    }
    t_close(listener);
}

/* AEX-14: nor does it end one behind that has too little room. */
static void acceptex__connection_between_two_looks__is_not_told_to_little_room(void **state)
{
    SOCKET listener = t_listener(AF_INET), s[2], clients[2];
    struct op ops[2];
    DWORD bytes = 0;

    (void)state;
    for (int i = 0; i < 2; i++)
        s[i] = t_socket(AF_INET, SOCK_STREAM);
    op_accept(&ops[0], listener, s[0], 0);
    op_begin(&ops[1], listener);
    EX_FAILS(accept_ex(listener, s[1], ops[1].bytes, 0, 0, 1, &bytes, (LPOVERLAPPED)&ops[1].ov), WSA_IO_PENDING);
    fake_force_error(FAKE_ACCEPT, STK_EAGAIN, 1);
    clients[0] = plain_connect(listener);
    assert_true(t_event_wait(ops[0].ov.hEvent, 5000));
    assert_false(t_event_is_set(ops[1].ov.hEvent));
    assert_int_equal(op_end(&ops[0], NULL), 0);
    ops[1].completed++;
    clients[1] = plain_connect(listener);
    assert_int_equal(op_end(&ops[1], NULL), WSAEFAULT);
    assert_talk(clients[0], s[0]);
    for (int i = 0; i < 2; i++) {
        t_close(clients[i]);
        t_close(s[i]);
    }
    t_close(listener);
}

/* A.5.2: connections that have ended in the queue are nobody's. */
static void acceptex__connection_ended_in_the_queue__the_next_is_taken(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;

    (void)state;
    op_accept(&op, listener, s, 0);
    fake_force_error(FAKE_ACCEPT, STK_ECONNRESET, 2);
    client = plain_connect(listener);
    assert_int_equal(op_end(&op, NULL), 0);
    assert_talk(client, s);
    t_close(client);
    t_close(s);
    t_close(listener);
}

/* CEX-8, CEX-9, B.11. */
static void connectex__each_failure__is_told_by_the_completion_and_can_connect_again(void **state)
{
    static const int rows[][2] = {{STK_ECONNREFUSED, WSAECONNREFUSED},
                                  {STK_ENETUNREACH, WSAENETUNREACH},
                                  {STK_EHOSTUNREACH, WSAEHOSTUNREACH},
                                  {STK_ETIMEDOUT, WSAETIMEDOUT}};
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(s);
    struct op op;
    DWORD bytes;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_connect_hold(true, 0);
        op_connect(&op, s, t_port(listener), "data");
        t_fails(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), t_addr_size(AF_INET), NULL, NULL, NULL, NULL,
                                   &t_err),
                WSAEALREADY);
        fake_connect_hold(false, rows[i][0]);
        assert_int_equal(op_end(&op, NULL), rows[i][1]);
        assert_int_equal(t_port(s), port);
    }
    op_connect(&op, s, t_port(listener), "data");
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 4);
    t_close(s);
    t_close(listener);
}

/* B.17: what fails in the call itself, without a completion. */
/* IOCP-13: so that the packet of what happened first comes first, though the handshake is over before the call is. */
static void connectex__begins__the_stack_was_asked_to_tell_before(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM);
    struct op op;

    (void)state;
    op_connect(&op, s, t_port(listener), "");
    assert_int_equal(op_end(&op, NULL), 0);
    assert_int_equal(fake_last_connect_armed() & (STK_READY_CONN | STK_READY_FAIL), STK_READY_CONN | STK_READY_FAIL);
    t_close(s);
    t_close(listener);
}

static void connectex__refused_by_the_stack__its_code_and_no_completion(void **state)
{
    static const int rows[][2] = {{STK_ENETDOWN, WSAENETDOWN},
                                  {STK_EADDRINUSE, WSAEADDRINUSE},
                                  {STK_EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
                                  {STK_ENOMEM, WSAENOBUFS},
                                  {STK_EALREADY, WSAEALREADY}};
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM);
    const struct sockaddr *to = t_addr(AF_INET, t_port(listener));
    struct op op;

    (void)state;
    op_begin(&op, s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_force_error(FAKE_CONNECT, rows[i][0], 1);
        EX_FAILS(connect_ex(s, to, t_addr_size(AF_INET), NULL, 0, NULL, (LPOVERLAPPED)&op.ov), rows[i][1]);
    }
    no_requests();
    op_refused(&op);
    op_connect(&op, s, t_port(listener), "");
    assert_int_equal(op_end(&op, NULL), 0);
    t_close(s);
    t_close(listener);
}

/* B.17, WSPCLEANUP-3: the functions outlive their provider, and what pends ends in its structure only. */
static void functions__after_cleanup__not_initialised(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM);
    struct op op, refused;

    op_begin(&refused, s);
    op_accept(&op, listener, s, 0);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_int_equal(op.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_false(t_event_is_set(op.ov.hEvent));
    EX_FAILS(connect_ex(s, t_addr(AF_INET, 9), t_addr_size(AF_INET), NULL, 0, NULL, (LPOVERLAPPED)&refused.ov),
             WSANOTINITIALISED);
    EX_FAILS(accept_ex(listener, s, refused.bytes, 0, PART, PART, NULL, (LPOVERLAPPED)&refused.ov), WSANOTINITIALISED);
    EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&refused.ov, 0, 0), WSANOTINITIALISED);
    op_refused(&refused);
    t_event_free(op.ov.hEvent);
    assert_int_equal(t_ops_start(state), 0);
}

/* WSPCLEANUP-3: nor is it told when the accepting socket is ended before the listener. */
static void cleanup__either_socket_first__no_indication_of_acceptex(void **state)
{
    for (int order = 0; order < 2; order++) {
        SOCKET first = order == 0 ? t_socket(AF_INET, SOCK_STREAM) : INVALID_SOCKET;
        SOCKET listener = t_listener(AF_INET), s = order == 0 ? first : t_socket(AF_INET, SOCK_STREAM);
        struct op op;

        op_accept(&op, listener, s, 0);
        assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
        assert_int_equal(op.ov.OffsetHigh, WSA_OPERATION_ABORTED);
        op_refused(&op);
        assert_int_equal(t_ops_start(state), 0);
    }
}

/* DEX-9: a connection that was reset can be begun anew, too. */
static void disconnectex__after_a_reset__the_handle_is_used_again(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;
    char byte;

    (void)state;
    for (int i = 0; i < 3; i++) {
        op_accept(&op, listener, s, 0);
        client = plain_connect(listener);
        assert_int_equal(op_end(&op, NULL), 0);
        fake_reset_streams(STK_ECONNRESET);
        t_fails(t_recv(s, &byte, 1), WSAECONNRESET);
        op_begin(&op, s);
        EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
        assert_int_equal(op_end(&op, NULL), 0);
        t_close(client);
    }
    t_close(s);
    t_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptex__connection_between_two_looks__is_of_who_was_first),
        cmocka_unit_test(acceptex__connection_between_two_looks__is_not_told_to_little_room),
        cmocka_unit_test(acceptex__connection_ended_in_the_queue__the_next_is_taken),
        cmocka_unit_test(connectex__each_failure__is_told_by_the_completion_and_can_connect_again),
        cmocka_unit_test(connectex__begins__the_stack_was_asked_to_tell_before),
        cmocka_unit_test(connectex__refused_by_the_stack__its_code_and_no_completion),
        cmocka_unit_test(functions__after_cleanup__not_initialised),
        cmocka_unit_test(cleanup__either_socket_first__no_indication_of_acceptex),
        cmocka_unit_test(disconnectex__after_a_reset__the_handle_is_used_again),
    };

    return cmocka_run_group_tests(tests, t_ops_start, t_host_stop);
}

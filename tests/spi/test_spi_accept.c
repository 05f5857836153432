/** @file Listening and accepting, with and without a condition function. */
#include "t_host.h"

#include <string.h>

static SOCKET client_of(SOCKET listener)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    assert_int_equal(t_spi.lpWSPConnect(s, t_addr(AF_INET, t_port(listener)), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    return s;
}

struct condition {
    int answer;
    unsigned calls;
    SOCKADDR_IN caller, callee;
};

static int CALLBACK condition_run(LPWSABUF caller_id, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos, LPWSABUF callee_id,
                                  LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
    struct condition *condition = (struct condition *)data;

    assert_null(caller_data);
    assert_null(sqos);
    assert_null(gqos);
    assert_non_null(callee_data);
    assert_int_equal(callee_data->len, 0);
    assert_non_null(g);
    assert_int_equal(caller_id->len, sizeof condition->caller);
    assert_int_equal(callee_id->len, sizeof condition->callee);
    memcpy(&condition->caller, caller_id->buf, sizeof condition->caller);
    memcpy(&condition->callee, callee_id->buf, sizeof condition->callee);
    condition->calls++;
    t_close(t_bound(AF_INET, SOCK_DGRAM)); /* E36: other calls work in here */
    return condition->answer;
}

static SOCKET accept_with(SOCKET listener, struct condition *condition)
{
    t_err = 0;
    return t_spi.lpWSPAccept(listener, NULL, NULL, condition_run, (DWORD_PTR)condition, &t_err);
}

static void accept__condition_accepts__sees_both_addresses(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener), b;
    struct condition condition = {.answer = CF_ACCEPT};

    (void)state;
    b = accept_with(listener, &condition);
    assert_true(b != INVALID_SOCKET);
    assert_int_equal(condition.calls, 1);
    assert_memory_equal(&condition.caller, t_addr(AF_INET, t_port(a)), 8);
    assert_memory_equal(&condition.callee, t_addr(AF_INET, t_port(listener)), 8);
    assert_int_equal(t_send(a, "x", 1), 1);
    t_close(a);
    t_close(b);
    t_close(listener);
}

static void accept__condition_rejects__resets_the_client(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener);
    struct condition condition = {.answer = CF_REJECT};
    char buf[4];

    (void)state;
    assert_true(accept_with(listener, &condition) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAECONNREFUSED);
    t_fails(t_recv(a, buf, sizeof buf), WSAECONNRESET);
    t_close(a);
    t_close(listener);
}

static void accept__condition_defers__same_connection_next_time(void **state)
{
    SOCKET listener = t_listener(AF_INET), first = client_of(listener), second = client_of(listener), b;
    struct condition condition = {.answer = CF_DEFER};
    SOCKADDR_IN seen;
    struct timeval none = {0};
    fd_set read = {.fd_count = 1, .fd_array = {listener}};

    (void)state;
    assert_true(accept_with(listener, &condition) == INVALID_SOCKET);
    assert_int_equal(t_err, WSATRY_AGAIN);
    seen = condition.caller;
    assert_memory_equal(&seen, t_addr(AF_INET, t_port(first)), 8);
    assert_true(accept_with(listener, &condition) == INVALID_SOCKET);
    assert_int_equal(t_err, WSATRY_AGAIN);
    assert_memory_equal(&seen, &condition.caller, sizeof seen);
    assert_int_equal(t_spi.lpWSPSelect(0, &read, NULL, NULL, &none, &t_err), 1);
    condition.answer = CF_ACCEPT;
    b = accept_with(listener, &condition);
    assert_true(b != INVALID_SOCKET);
    assert_memory_equal(&seen, &condition.caller, sizeof seen);
    assert_int_equal(t_send(first, "x", 1), 1);
    t_close(b);
    condition.answer = CF_DEFER; /* one stays behind, for the listener's close to end */
    assert_true(accept_with(listener, &condition) == INVALID_SOCKET);
    t_close(listener);
    t_close(first);
    t_close(second);
}

static void accept__condition_answers_nonsense__is_inval(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener);
    struct condition condition = {.answer = 99};

    (void)state;
    assert_true(accept_with(listener, &condition) == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEINVAL);
    t_close(a);
    t_close(listener);
}

static void accept__short_address__fails_and_keeps_the_connection(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener), b;
    SOCKADDR_STORAGE addr;
    INT len = 15;

    (void)state;
    b = t_spi.lpWSPAccept(listener, (struct sockaddr *)&addr, &len, NULL, 0, &t_err);
    assert_true(b == INVALID_SOCKET);
    assert_int_equal(t_err, WSAEFAULT);
    len = (INT)sizeof addr;
    b = t_spi.lpWSPAccept(listener, (struct sockaddr *)&addr, &len, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    assert_int_equal(len, sizeof(SOCKADDR_IN));
    assert_memory_equal(&addr, t_addr(AF_INET, t_port(a)), sizeof(SOCKADDR_IN));
    t_close(a);
    t_close(b);
    t_close(listener);
}

static void accept__new_socket__has_the_listeners_properties(void **state)
{
    SOCKET listener = t_listener(AF_INET), a, b;
    struct linger linger = {.l_onoff = 1, .l_linger = 9}, got = {0};
    INT len = (INT)sizeof got;
    char buf[4];

    (void)state;
    assert_int_equal(t_option_set(listener, SOL_SOCKET, SO_RCVTIMEO, 1234), 0);
    assert_int_equal(
        t_spi.lpWSPSetSockOpt(listener, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err), 0);
    assert_int_equal(t_option_set(listener, IPPROTO_TCP, TCP_NODELAY, 1), 0);
    a = client_of(listener);
    assert_int_equal(t_nonblocking(listener, true), 0);
    do
        b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    while (b == INVALID_SOCKET && t_err == WSAEWOULDBLOCK);
    assert_true(b != INVALID_SOCKET);
    t_fails(t_recv(b, buf, sizeof buf), WSAEWOULDBLOCK);
    assert_int_equal(t_option_get(b, SOL_SOCKET, SO_RCVTIMEO), 1234);
    assert_int_equal(t_spi.lpWSPGetSockOpt(b, SOL_SOCKET, SO_LINGER, (char *)&got, &len, &t_err), 0);
    assert_int_equal(got.l_linger, 9);
    assert_int_equal(t_option_get(b, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(t_option_get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    t_fails(t_spi.lpWSPAccept(b, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0, WSAEINVAL);
    linger.l_onoff = 0;
    assert_int_equal(t_spi.lpWSPSetSockOpt(b, SOL_SOCKET, SO_LINGER, (char *)&linger, (int)sizeof linger, &t_err), 0);
    t_close(a);
    t_close(b);
    t_close(listener);
}

static void accept__no_connection__wouldblock(void **state)
{
    SOCKET listener = t_listener(AF_INET);

    (void)state;
    assert_int_equal(t_nonblocking(listener, true), 0);
    t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0,
            WSAEWOULDBLOCK);
    t_close(listener);
}

static void accept__handle_refused__connection_is_gone_and_nothing_leaks(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener);
    char buf[4];

    (void)state;
    t_handle_fail_next(WSAENOBUFS);
    t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0, WSAENOBUFS);
    t_fails(t_recv(a, buf, sizeof buf), WSAECONNRESET);
    t_close(a);
    t_close(listener);
}

/* A.5.6, WSPLISTEN-5: without descriptors clients are still taken in, and accepted when there are descriptors again. */
static void listen__no_descriptors__goes_on_and_serves_later(void **state)
{
    SOCKET listener = t_listener(AF_INET), clients[4], served;

    (void)state;
    clients[0] = client_of(listener);
    clients[1] = client_of(listener);
    t_handle_fail_next(WSAEMFILE);
    t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET ? SOCKET_ERROR : 0, WSAEMFILE);
    clients[2] = client_of(listener);
    clients[3] = client_of(listener);
    for (int i = 1; i < 4; i++) {
        served = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
        assert_true(served != INVALID_SOCKET);
        assert_int_equal(t_send(clients[i], "x", 1), 1);
        t_close(served);
    }
    for (int i = 0; i < 4; i++)
        t_close(clients[i]);
    t_close(listener);
}

/* WSPACCEPT-5: the handle is asked for with the listener's catalogue entry. */
static void accept__handle__has_the_listeners_entry(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET listener = t_listener(families[i]), a, b;
        DWORD entry = t_handle_entry();

        t_close(t_bound(families[1 - i], SOCK_DGRAM)); /* another entry meanwhile */
        assert_true(t_handle_entry() != entry);
        a = t_socket(families[i], SOCK_STREAM);
        assert_int_equal(t_spi.lpWSPConnect(a, t_addr(families[i], t_port(listener)), i == 0 ? 16 : 28, NULL, NULL,
                                            NULL, NULL, &t_err),
                         0);
        t_close(t_bound(families[1 - i], SOCK_DGRAM));
        b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
        assert_true(b != INVALID_SOCKET);
        assert_int_equal(t_handle_entry(), entry);
        t_close(a);
        t_close(b);
        t_close(listener);
    }
}

static int CALLBACK condition_groups(LPWSABUF caller_id, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos,
                                     LPWSABUF callee_id, LPWSABUF callee_data, GROUP *g, DWORD_PTR data)
{
    (void)caller_id, (void)caller_data, (void)sqos, (void)gqos, (void)callee_id, (void)callee_data;
    *g = (GROUP)data;
    return CF_ACCEPT;
}

/* A.5.22: there are no groups that a connection could be put into. */
static void accept__condition_asks_for_a_group__is_inval(void **state)
{
    static const GROUP groups[] = {0x01 /* SG_UNCONSTRAINED_GROUP */, 0x02 /* SG_CONSTRAINED_GROUP */, 77};

    (void)state;
    for (int i = 0; i < 3; i++) {
        SOCKET listener = t_listener(AF_INET), a = client_of(listener);

        t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, condition_groups, groups[i], &t_err) == INVALID_SOCKET
                    ? SOCKET_ERROR
                    : 0,
                WSAEINVAL);
        t_close(a);
        t_close(listener);
    }
}

/* A.5.24: and the client waits on. */
static void accept__condition_is_no_function__is_fault(void **state)
{
    SOCKET listener = t_listener(AF_INET), a = client_of(listener), b;

    (void)state;
    t_fails(t_spi.lpWSPAccept(listener, NULL, NULL, (LPCONDITIONPROC)(uintptr_t)64, 0, &t_err) == INVALID_SOCKET
                ? SOCKET_ERROR
                : 0,
            WSAEFAULT);
    b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(b != INVALID_SOCKET);
    t_close(a);
    t_close(b);
    t_close(listener);
}

static void listen__backlogs_of_every_kind__succeed(void **state)
{
    static const int backlogs[] = {0, 1, -1, -200, -70000, 5, 70000, SOMAXCONN, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof backlogs / sizeof backlogs[0]; i++) {
        SOCKET s = t_bound(AF_INET, SOCK_STREAM);

        if (t_spi.lpWSPListen(s, backlogs[i], &t_err) != 0)
            fail_msg("backlog %d: %d", backlogs[i], t_err);
        assert_int_equal(t_spi.lpWSPListen(s, 7, &t_err), 0); /* again: another backlog */
        t_close(s);
    }
}

/* WSPACCEPT-3: whatever the condition function says. */
static void accept__condition_answers__address_is_filled(void **state)
{
    static const int answers[] = {CF_ACCEPT, CF_REJECT, CF_DEFER};

    (void)state;
    for (int i = 0; i < 3; i++) {
        SOCKET listener = t_listener(AF_INET), a = client_of(listener), b;
        struct condition condition = {.answer = answers[i]};
        SOCKADDR_STORAGE addr = {0};
        INT len = (INT)sizeof addr;

        b = t_spi.lpWSPAccept(listener, (struct sockaddr *)&addr, &len, condition_run, (DWORD_PTR)&condition, &t_err);
        assert_int_equal(b != INVALID_SOCKET, answers[i] == CF_ACCEPT);
        assert_int_equal(len, sizeof(SOCKADDR_IN));
        assert_memory_equal(&addr, t_addr(AF_INET, t_port(a)), sizeof(SOCKADDR_IN));
        if (b != INVALID_SOCKET)
            t_close(b);
        t_close(listener);
        t_close(a);
    }
}

/* What finds the listener's queue full is told of the listener, not of what was accepted meanwhile. */
static void accept__queue_of_the_window_is_full__only_the_listener_tells_of_clients(void **state)
{
    SOCKET listener = t_listener(AF_INET), a, b;
    struct t_message message = {.wparam = 0};

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(listener, (HWND)(uintptr_t)0x77, 0x403, FD_ACCEPT | FD_READ, &t_err), 0);
    t_message_fail(1000000);
    a = client_of(listener);
    t_sleep_ms(30); /* it was tried by now, as a rule */
    t_message_fail(0);
    while ((b = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err)) == INVALID_SOCKET)
        t_sleep_ms(1);
    assert_int_equal(t_send(a, "x", 1), 1);
    while (message.wparam != b) {
        assert_true(t_message_take(&message, 3000));
        assert_true(message.wparam == listener || message.lparam == MAKELONG(FD_READ, 0));
    }
    t_close(a);
    t_close(b);
    t_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept__condition_accepts__sees_both_addresses),
        cmocka_unit_test(accept__condition_rejects__resets_the_client),
        cmocka_unit_test(accept__condition_defers__same_connection_next_time),
        cmocka_unit_test(accept__condition_answers_nonsense__is_inval),
        cmocka_unit_test(accept__short_address__fails_and_keeps_the_connection),
        cmocka_unit_test(accept__new_socket__has_the_listeners_properties),
        cmocka_unit_test(accept__no_connection__wouldblock),
        cmocka_unit_test(accept__handle_refused__connection_is_gone_and_nothing_leaks),
        cmocka_unit_test(listen__no_descriptors__goes_on_and_serves_later),
        cmocka_unit_test(accept__handle__has_the_listeners_entry),
        cmocka_unit_test(accept__condition_asks_for_a_group__is_inval),
        cmocka_unit_test(accept__condition_is_no_function__is_fault),
        cmocka_unit_test(listen__backlogs_of_every_kind__succeed),
        cmocka_unit_test(accept__condition_answers__address_is_filled),
        cmocka_unit_test(accept__queue_of_the_window_is_full__only_the_listener_tells_of_clients),
    };

    return cmocka_run_group_tests_name("spi_accept", tests, t_host_start, t_host_stop);
}

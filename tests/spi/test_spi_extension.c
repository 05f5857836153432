/** @file ConnectEx, AcceptEx, GetAcceptExSockaddrs, DisconnectEx and the two options that make a socket whole. */
#include "t_ops.h"

/* --- ConnectEx ------------------------------------------------------------------ */

static void connectex__refusals__have_their_codes_and_no_completion(void **state)
{
    SOCKET listener = t_listener(AF_INET), fresh = t_socket(AF_INET, SOCK_STREAM),
           datagram = t_bound(AF_INET, SOCK_DGRAM);
    SOCKET bound = t_bound(AF_INET, SOCK_STREAM), connected = plain_connect(listener);
    const struct sockaddr *to = t_addr(AF_INET, t_port(listener));
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = net_port(9)};
    int size = t_addr_size(AF_INET);
    struct op op;
    LPOVERLAPPED ov = (LPOVERLAPPED)&op.ov;

    (void)state;
    op_begin(&op, bound);
    EX_FAILS(connect_ex(INVALID_SOCKET, to, size, NULL, 0, NULL, ov), WSAENOTSOCK);
    EX_FAILS(connect_ex(fresh, to, size, NULL, 0, NULL, ov), WSAEINVAL); /* CEX-1 */
    EX_FAILS(connect_ex(bound, to, size, NULL, 0, NULL, NULL), ERROR_INVALID_PARAMETER);
    EX_FAILS(connect_ex(datagram, to, size, NULL, 0, NULL, ov), WSAEINVAL);
    EX_FAILS(connect_ex(connected, to, size, NULL, 0, NULL, ov), WSAEISCONN);
    EX_FAILS(connect_ex(listener, to, size, NULL, 0, NULL, ov), WSAEINVAL);
    EX_FAILS(connect_ex(bound, NULL, size, NULL, 0, NULL, ov), WSAEFAULT);
    EX_FAILS(connect_ex(bound, to, size - 1, NULL, 0, NULL, ov), WSAEFAULT);
    EX_FAILS(connect_ex(bound, t_addr(AF_INET, 0), size, NULL, 0, NULL, ov), WSAEADDRNOTAVAIL);
    EX_FAILS(connect_ex(bound, (const struct sockaddr *)&any, size, NULL, 0, NULL, ov), WSAEADDRNOTAVAIL);
    EX_FAILS(connect_ex(bound, t_addr(AF_INET6, 9), t_addr_size(AF_INET6), NULL, 0, NULL, ov), WSAEAFNOSUPPORT);
    assert_int_equal(op.ov.Internal, WSS_OPERATION_IN_PROGRESS); /* Windows, as conformance suites observe */
    t_fails(update_connect(bound), WSAENOTCONN);                 /* CEX-13 */
    no_requests();
    op_refused(&op);
    t_close(fresh);
    t_close(datagram);
    t_close(bound);
    t_close(connected);
    t_close(listener);
}

static void connectex__data__is_sent_and_counted(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM), peer;
    SOCKADDR_STORAGE name;
    char text[8] = {0};
    struct op op;
    DWORD bytes;

    (void)state;
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), -1);
    op_connect(&op, s, t_port(listener), "hello");
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 5);
    peer = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(peer != INVALID_SOCKET);
    assert_int_equal(t_recv(peer, text, sizeof text), 5);
    assert_memory_equal(text, "hello", 5);
    assert_partial(s);
    assert_in_range(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), 0, 60);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_SNDBUF, 16384), 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_SNDBUF), 16384);
    assert_talk(s, peer);
    assert_int_equal(update_connect(s), 0);
    assert_int_equal(update_connect(s), 0);
    assert_int_equal(peer_name(s, &name), 0);
    assert_int_equal(((struct sockaddr_in *)&name)->sin_port, net_port(t_port(listener)));
    assert_int_equal(t_spi.lpWSPShutdown(s, SD_SEND, &t_err), 0);
    no_requests();
    t_close(s);
    t_close(peer);
    t_close(listener);
}

static void connectex__no_data__completes_with_none(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM);
    struct op op;
    DWORD bytes = 99;

    (void)state;
    op_begin(&op, s);
    EX_FAILS(
        connect_ex(s, t_addr(AF_INET, t_port(listener)), t_addr_size(AF_INET), NULL, 77, NULL, (LPOVERLAPPED)&op.ov),
        WSA_IO_PENDING); /* CEX-6: without a buffer the length is ignored */
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 0);
    t_close(s);
    t_close(listener);
}

static void connectex__refused__the_socket_is_used_again(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM);
    uint16_t port = t_port(listener), own = t_port(s);
    struct op op;

    (void)state;
    t_close(listener);
    op_connect(&op, s, port, "lost");
    assert_int_equal(op_end(&op, NULL), WSAECONNREFUSED);
    assert_int_equal(t_port(s), own); /* CEX-9 */
    listener = t_listener(AF_INET);
    op_connect(&op, s, t_port(listener), "");
    assert_int_equal(op_end(&op, NULL), 0);
    assert_int_equal(update_connect(s), 0);
    assert_int_equal(t_port(s), own);
    t_close(s);
    t_close(listener);
}

/* --- AcceptEx --------------------------------------------------------------------- */

static void acceptex__refusals__have_their_codes_and_no_completion(void **state)
{
    SOCKET listener = t_listener(AF_INET), bound = t_bound(AF_INET, SOCK_STREAM), s = t_socket(AF_INET, SOCK_STREAM);
    SOCKET other = t_socket(AF_INET6, SOCK_STREAM), second = t_socket(AF_INET, SOCK_STREAM);
    struct op op, held;
    LPOVERLAPPED ov = (LPOVERLAPPED)&op.ov;

    (void)state;
    op_begin(&op, listener);
    EX_FAILS(accept_ex(bound, s, op.bytes, 0, PART, PART, NULL, ov), WSAEINVAL); /* AEX-1 */
    EX_FAILS(accept_ex(INVALID_SOCKET, s, op.bytes, 0, PART, PART, NULL, ov), WSAENOTSOCK);
    EX_FAILS(accept_ex(listener, INVALID_SOCKET, op.bytes, 0, PART, PART, NULL, ov), WSAENOTSOCK);
    EX_FAILS(accept_ex(listener, bound, op.bytes, 0, PART, PART, NULL, ov), WSAEINVAL);
    EX_FAILS(accept_ex(listener, other, op.bytes, 0, PART, PART, NULL, ov), WSAEINVAL); /* AEX-25 */
    EX_FAILS(accept_ex(listener, s, op.bytes, 0, PART, PART, NULL, NULL), ERROR_INVALID_PARAMETER);
    EX_FAILS(accept_ex(listener, s, NULL, 0, PART, PART, NULL, ov), WSAEFAULT);
    EX_FAILS(accept_ex(listener, s, op.bytes, 0, PART, 0, NULL, ov), WSAEFAULT);
    EX_FAILS(accept_ex(listener, s, (void *)(uintptr_t)16, 0, PART, PART, NULL, ov), WSAEFAULT);
    EX_FAILS(accept_ex(listener, s, (char *)(UINTPTR_MAX - 63), 64, PART, PART, NULL, ov), WSAEFAULT);
    assert_int_equal(op.ov.Internal, WSS_OPERATION_IN_PROGRESS);
    op_refused(&op);
    op_accept(&held, listener, s, 0);
    op_begin(&op, listener);
    EX_FAILS(accept_ex(listener, s, op.bytes, 0, PART, PART, NULL, ov), WSAEINVAL); /* AEX-2 */
    t_fails(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), WSAEINVAL);
    t_fails(update_accept(s, listener), WSAENOTCONN);
    op_refused(&op);
    assert_int_equal(cancel(listener, &held.ov), 1);
    assert_int_equal(op_end(&held, NULL), WSA_OPERATION_ABORTED);
    op_accept(&held, listener, s, 0); /* AEX-19 */
    assert_int_equal(cancel(listener, &held.ov), 1);
    assert_int_equal(op_end(&held, NULL), WSA_OPERATION_ABORTED);
    assert_int_equal(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), 0);
    no_requests();
    t_close(s);
    t_close(second);
    t_close(other);
    t_close(bound);
    t_close(listener);
}

static void assert_names(struct op *op, DWORD room, uint16_t local, uint16_t remote)
{
    struct sockaddr *mine = NULL, *theirs = NULL;
    INT mine_size = 0, theirs_size = 0;

    get_sockaddrs(op->bytes, room, PART, PART, &mine, &mine_size, &theirs, &theirs_size);
    assert_int_equal(mine_size, sizeof(SOCKADDR_IN));
    assert_int_equal(theirs_size, sizeof(SOCKADDR_IN));
    assert_true((char *)mine >= op->bytes + room && (char *)theirs >= op->bytes + room + PART); /* AEX-27 */
    assert_true((char *)theirs < op->bytes + sizeof op->bytes);
    assert_int_equal(((struct sockaddr_in *)(void *)mine)->sin_port, net_port(local));
    assert_int_equal(((struct sockaddr_in *)(void *)theirs)->sin_port, net_port(remote));
}

static void acceptex__no_data__completes_with_the_connection(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), other = t_listener(AF_INET), client;
    SOCKADDR_STORAGE name;
    int yes = 1;
    struct op op;
    DWORD bytes = 9;

    (void)state;
    assert_int_equal(t_option_set(listener, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
    assert_int_equal(t_option_set(listener, SOL_SOCKET, SO_RCVTIMEO, 12345), 0);
    op_accept(&op, listener, s, 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), -1);
    assert_false(t_event_is_set(op.ov.hEvent));
    client = plain_connect(listener);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_names(&op, 0, t_port(listener), t_port(client));
    assert_partial(s);
    assert_in_range(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), 0, 60);
    assert_talk(client, s);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&yes, sizeof yes, &t_err),
            WSAEFAULT);
    t_fails(update_accept(s, other), WSAEINVAL);
    t_fails(update_accept(s, INVALID_SOCKET), WSAENOTSOCK);
    assert_partial(s);
    assert_int_equal(update_accept(s, listener), 0);
    assert_int_equal(peer_name(s, &name), 0);
    assert_int_equal(((struct sockaddr_in *)&name)->sin_port, net_port(t_port(client)));
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_KEEPALIVE), 1); /* AEX-21 */
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_RCVTIMEO), 12345);
    assert_int_equal(t_spi.lpWSPShutdown(s, SD_SEND, &t_err), 0);
    no_requests();
    t_close(client);
    t_close(s);
    t_close(other);
    t_close(listener);
}

static void acceptex__data__completes_with_the_first_of_it(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;
    DWORD bytes;

    (void)state;
    client = plain_connect(listener); /* AEX-10: it waits already */
    op_accept(&op, listener, s, ROOM);
    assert_false(t_event_is_set(op.ov.hEvent));
    for (int i = 0; i < 5000 && t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME) == -1; i++)
        t_sleep_ms(1);
    assert_in_range(t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME), 0, 60); /* AEX-24 */
    assert_int_equal(t_send(client, "first", 5), 5);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 5);
    assert_memory_equal(op.bytes, "first", 5);
    assert_names(&op, ROOM, t_port(listener), t_port(client));
    assert_talk(client, s);
    t_close(client);
    t_close(s);
    t_close(listener);
}

/* AEX-6: an address's room is 16 bytes more than it; the connection stays for who comes next. */
static void acceptex__little_room_for_addresses__told_when_one_connects(void **state)
{
    static const struct {
        DWORD local, remote;
    } rows[] = {{3, PART}, {31, PART}, {PART, 31}, {0, 16}};
    DWORD bytes = 9;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
        struct op op;

        op_begin(&op, listener);
        EX_FAILS(accept_ex(listener, s, op.bytes, 0, rows[i].local, rows[i].remote, &bytes, (LPOVERLAPPED)&op.ov),
                 WSA_IO_PENDING);
        client = plain_connect(listener);
        assert_int_equal(op_end(&op, NULL), WSAEFAULT);
        op_accept(&op, listener, s, 0);
        assert_int_equal(op_end(&op, NULL), 0);
        assert_talk(client, s);
        t_close(client);
        t_close(s);
        t_close(listener);
    }
}

static void acceptex__end_without_data__completes_with_none(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;
    DWORD bytes = 9;

    (void)state;
    op_accept(&op, listener, s, ROOM);
    client = plain_connect(listener);
    assert_int_equal(t_spi.lpWSPShutdown(client, SD_SEND, &t_err), 0);
    assert_int_equal(op_end(&op, &bytes), 0);
    assert_int_equal(bytes, 0);
    t_close(client);
    t_close(s);
    t_close(listener);
}

static void acceptex__reset_before_data__fails_and_the_socket_is_fresh(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client = plain_connect(listener);
    struct linger hard = {.l_onoff = 1};
    struct op op;

    (void)state;
    op_accept(&op, listener, s, ROOM);
    for (int i = 0; i < 5000 && t_option_get(s, SOL_SOCKET, SO_CONNECT_TIME) == -1; i++)
        t_sleep_ms(1);
    assert_int_equal(t_spi.lpWSPSetSockOpt(client, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard, &t_err), 0);
    t_close(client);
    assert_int_equal(op_end(&op, NULL), WSAECONNRESET);
    op_accept(&op, listener, s, 0);
    client = plain_connect(listener);
    assert_int_equal(op_end(&op, NULL), 0);
    assert_talk(client, s);
    t_close(client);
    t_close(s);
    t_close(listener);
}

static void acceptex__several__in_the_order_of_posting_before_accept(void **state)
{
    SOCKET listener = t_listener(AF_INET), s[2], clients[3];
    struct op ops[2];
    unsigned before;

    (void)state;
    assert_int_equal(t_nonblocking(listener, true), 0);
    before = t_completions();
    for (int i = 0; i < 2; i++) {
        s[i] = t_socket(AF_INET, SOCK_STREAM);
        op_accept(&ops[i], listener, s[i], 0);
    }
    for (int i = 0; i < 2; i++) {
        clients[i] = plain_connect(listener);
        /* AEX-15: accept finds nothing, whether the request has taken it yet or not. */
        assert_true(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err) == INVALID_SOCKET);
        assert_int_equal(t_err, WSAEWOULDBLOCK);
        assert_true(t_event_wait(ops[i].ov.hEvent, 5000));
        ops[i].completed = before + 1; /* of the last */
        assert_talk(clients[i], s[i]);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(op_end(&ops[i], NULL), 0);
    clients[2] = plain_connect(listener);
    assert_int_equal(t_nonblocking(listener, false), 0);
    t_close(t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err));
    for (int i = 0; i < 3; i++)
        t_close(clients[i]);
    for (int i = 0; i < 2; i++)
        t_close(s[i]);
    t_close(listener);
}

static void acceptex__listener_closed__all_are_aborted(void **state)
{
    SOCKET listener = t_listener(AF_INET), s[2], client = plain_connect(listener);
    struct op ops[2];
    char byte;

    (void)state;
    for (int i = 0; i < 2; i++) { /* one waits for data, one for a connection */
        s[i] = t_socket(AF_INET, SOCK_STREAM);
        op_accept(&ops[i], listener, s[i], ROOM);
    }
    t_close(listener);
    for (int i = 0; i < 2; i++) {
        assert_true(t_event_wait(ops[i].ov.hEvent, 5000));
        assert_int_equal(ops[i].ov.OffsetHigh, WSA_OPERATION_ABORTED);
        t_event_free(ops[i].ov.hEvent);
        assert_int_equal(t_spi.lpWSPBind(s[i], t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), 0);
        t_close(s[i]);
    }
    assert_int_equal(t_completions(), ops[0].completed + 2);
    t_fails(t_recv(client, &byte, 1), WSAECONNRESET);
    no_requests();
    t_close(client);
}

static void acceptex__accepting_socket_closed__only_its_request_ends(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;

    (void)state;
    op_accept(&op, listener, s, 0);
    t_close(s);
    assert_int_equal(op_end(&op, NULL), WSA_OPERATION_ABORTED);
    client = plain_connect(listener);
    s = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err); /* AEX-18: it was not lost */
    assert_true(s != INVALID_SOCKET);
    assert_talk(client, s);
    t_close(client);
    t_close(s);
    t_close(listener);
}

/* --- DisconnectEx ------------------------------------------------------------------ */

static void disconnectex__refusals__have_their_codes(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_STREAM), datagram = t_socket(AF_INET, SOCK_DGRAM);

    (void)state;
    EX_FAILS(disconnect_ex(INVALID_SOCKET, NULL, 0, 0), WSAENOTSOCK);
    EX_FAILS(disconnect_ex(s, NULL, 0, 1), WSAEINVAL);
    EX_FAILS(disconnect_ex(s, NULL, TF_DISCONNECT, 0), WSAEINVAL);
    EX_FAILS(disconnect_ex(s, NULL, 0, 0), WSAENOTCONN);
    EX_FAILS(disconnect_ex(datagram, NULL, 0, 0), WSAENOTCONN);
    no_requests();
    t_close(s);
    t_close(datagram);
}

static void disconnectex__without_reuse__waits_for_our_end(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    char byte;
    struct op op;

    (void)state;
    op_begin(&op, pair.a);
    EX_FAILS(disconnect_ex(pair.a, (LPOVERLAPPED)&op.ov, 0, 0), WSA_IO_PENDING);
    assert_int_equal(op_end(&op, NULL), 0); /* DEX-10: the peer's end is not waited for */
    assert_int_equal(t_recv(pair.b, &byte, 1), 0);
    assert_int_equal(t_send(pair.b, "x", 1), 1);
    assert_int_equal(t_recv(pair.a, &byte, 1), 1);
    t_fails(t_send(pair.a, "x", 1), WSAESHUTDOWN);
    t_pair_close(&pair);
}

static void disconnectex__reuse__an_accepted_socket_accepts_again(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_socket(AF_INET, SOCK_STREAM), client;
    struct op op;

    (void)state;
    for (int i = 0; i < 20; i++) {
        op_accept(&op, listener, s, 0);
        client = plain_connect(listener);
        assert_int_equal(op_end(&op, NULL), 0);
        assert_int_equal(update_accept(s, listener), 0);
        assert_talk(client, s);
        t_close(client);
        op_begin(&op, s);
        EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
        assert_int_equal(op_end(&op, NULL), 0);
        t_fails(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), WSAEINVAL); /* DEX-14 */
    }
    no_requests();
    t_close(s);
    t_close(listener);
}

static void disconnectex__reuse__a_connected_socket_stays_bound(void **state)
{
    SOCKET listener = t_listener(AF_INET), s = t_bound(AF_INET, SOCK_STREAM), peer, second = t_listener(AF_INET);
    uint16_t port = t_port(s);
    struct op op;

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET to = i == 0 ? listener : second;

        op_connect(&op, s, t_port(to), "");
        assert_int_equal(op_end(&op, NULL), 0);
        peer = t_spi.lpWSPAccept(to, NULL, NULL, NULL, 0, &t_err);
        t_close(peer);
        if (i == 0) {
            if (!disconnect_ex(s, NULL, TF_REUSE_SOCKET, 0))
                fail_msg("code %d", t_last_error()); /* DEX-6 */
        } else {
            op_begin(&op, s);
            EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
            assert_int_equal(op_end(&op, NULL), 0);
        }
        assert_int_equal(t_port(s), port);
        t_fails(t_spi.lpWSPBind(s, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), WSAEINVAL);
        op_begin(&op, listener);
        EX_FAILS(accept_ex(listener, s, op.bytes, 0, PART, PART, NULL, (LPOVERLAPPED)&op.ov), WSAEINVAL); /* E31 */
        op_refused(&op);
    }
    t_close(s);
    t_close(second);
    t_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connectex__refusals__have_their_codes_and_no_completion),
        cmocka_unit_test(connectex__data__is_sent_and_counted),
        cmocka_unit_test(connectex__no_data__completes_with_none),
        cmocka_unit_test(connectex__refused__the_socket_is_used_again),
        cmocka_unit_test(acceptex__refusals__have_their_codes_and_no_completion),
        cmocka_unit_test(acceptex__no_data__completes_with_the_connection),
        cmocka_unit_test(acceptex__data__completes_with_the_first_of_it),
        cmocka_unit_test(acceptex__little_room_for_addresses__told_when_one_connects),
        cmocka_unit_test(acceptex__end_without_data__completes_with_none),
        cmocka_unit_test(acceptex__reset_before_data__fails_and_the_socket_is_fresh),
        cmocka_unit_test(acceptex__several__in_the_order_of_posting_before_accept),
        cmocka_unit_test(acceptex__listener_closed__all_are_aborted),
        cmocka_unit_test(acceptex__accepting_socket_closed__only_its_request_ends),
        cmocka_unit_test(disconnectex__refusals__have_their_codes),
        cmocka_unit_test(disconnectex__without_reuse__waits_for_our_end),
        cmocka_unit_test(disconnectex__reuse__an_accepted_socket_accepts_again),
        cmocka_unit_test(disconnectex__reuse__a_connected_socket_stays_bound),
    };

    return cmocka_run_group_tests(tests, t_ops_start, t_host_stop);
}

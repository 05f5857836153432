/** @file ConnectEx and AcceptEx on what only a real stack has: both families, hosts that do not answer, ports that are in use. */
#include "t_ops.h"

static const unsigned char mapped_loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

/* An address of the first port's network that nobody has. */
static struct sockaddr *silent(void)
{
    struct sockaddr *addr = t_addr(AF_INET, 9);

    memcpy(&((SOCKADDR_IN *)(void *)addr)->sin_addr, "\12\11\0\115", 4);
    return addr;
}

static SOCKET bound_any(int af, uint16_t port, bool shared)
{
    SOCKET s = t_socket(af, SOCK_STREAM);
    SOCKADDR_STORAGE any = {0};

    ((struct sockaddr *)&any)->sa_family = (ADDRESS_FAMILY)af;
    ((SOCKADDR_IN *)&any)->sin_port = net_port(port);
    if (shared)
        assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, t_addr_size(af), &t_err), 0);
    return s;
}

static void begin_to(struct op *op, SOCKET s, const struct sockaddr *to, int size)
{
    op_begin(op, s);
    EX_FAILS(connect_ex(s, to, size, NULL, 0, NULL, (LPOVERLAPPED)&op->ov), WSA_IO_PENDING);
}

/* Bound as before, and it connects to a listener. */
static void assert_usable(SOCKET s, uint16_t port)
{
    SOCKET listener = t_listener(AF_INET);
    struct op op;

    assert_int_equal(t_port(s), port);
    op_connect(&op, s, t_port(listener), "");
    assert_int_equal(op_end(&op, NULL), 0);
    assert_int_equal(update_connect(s), 0);
    assert_int_equal(t_port(s), port);
    t_close(listener);
}

/* B.4, AEX-28: over IPv6, with the whole of its address. */
static void connectex__ipv6__names_are_of_its_size(void **state)
{
    SOCKET listener = t_listener(AF_INET6), s = t_socket(AF_INET6, SOCK_STREAM), client = bound_any(AF_INET6, 0, false);
    SOCKADDR_IN6 to = *(SOCKADDR_IN6 *)(void *)t_addr(AF_INET6, t_port(listener)), name;
    struct sockaddr *local = NULL, *remote = NULL;
    INT local_size = 0, remote_size = 0, size = sizeof name;
    uint16_t port = t_port(client);
    struct op accepted, op;

    (void)state;
    to.sin6_flowinfo = 0x0f000000; /* may be given */
    op_accept(&accepted, listener, s, 0);
    begin_to(&op, client, (struct sockaddr *)&to, sizeof to);
    assert_true(t_event_wait(accepted.ov.hEvent, 5000));
    op.completed++;
    assert_int_equal(op_end(&op, NULL), 0);
    t_event_free(accepted.ov.hEvent);
    get_sockaddrs(accepted.bytes, 0, PART, PART, &local, &local_size, &remote, &remote_size);
    assert_int_equal(local_size, sizeof to);
    assert_int_equal(remote_size, sizeof to);
    assert_int_equal(((SOCKADDR_IN6 *)(void *)local)->sin6_port, to.sin6_port);
    assert_memory_equal(&((SOCKADDR_IN6 *)(void *)local)->sin6_addr, &to.sin6_addr, 16);
    assert_int_equal(((SOCKADDR_IN6 *)(void *)remote)->sin6_port, net_port(port));
    assert_int_equal(update_connect(client), 0);
    assert_int_equal(t_spi.lpWSPGetPeerName(client, (struct sockaddr *)&name, &size, &t_err), 0);
    assert_int_equal(size, sizeof name);
    assert_memory_equal(&name.sin6_addr, &to.sin6_addr, 16);
    assert_talk(client, s);
    t_close(client);
    t_close(s);
    t_close(listener);
}

/* AEX-28. */
static void acceptex__dual_stack__ipv4_names_are_mapped(void **state)
{
    SOCKET listener = t_socket(AF_INET6, SOCK_STREAM), s = t_socket(AF_INET6, SOCK_STREAM), client;
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6}, name;
    struct sockaddr *local = NULL, *remote = NULL;
    INT local_size = 0, remote_size = 0, size = sizeof name;
    struct op op;

    (void)state;
    assert_int_equal(t_option_set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_spi.lpWSPBind(listener, (struct sockaddr *)&any, sizeof any, &t_err), 0);
    assert_int_equal(t_spi.lpWSPListen(listener, 4, &t_err), 0);
    for (int i = 0; i < 2; i++) {
        int af = i == 0 ? AF_INET : AF_INET6;

        op_accept(&op, listener, s, 0);
        client = t_socket(af, SOCK_STREAM);
        assert_int_equal(
            t_spi.lpWSPConnect(client, t_addr(af, t_port(listener)), t_addr_size(af), NULL, NULL, NULL, NULL, &t_err),
            0);
        assert_int_equal(op_end(&op, NULL), 0);
        get_sockaddrs(op.bytes, 0, PART, PART, &local, &local_size, &remote, &remote_size);
        assert_int_equal(local_size, sizeof name);
        assert_int_equal(remote_size, sizeof name);
        assert_int_equal(local->sa_family, AF_INET6);
        assert_int_equal(((SOCKADDR_IN6 *)(void *)remote)->sin6_port, net_port(t_port(client)));
        assert_int_equal(update_accept(s, listener), 0);
        assert_int_equal(t_spi.lpWSPGetPeerName(s, (struct sockaddr *)&name, &size, &t_err), 0);
        assert_memory_equal(&name, remote, sizeof name);
        assert_int_equal(memcmp(&name.sin6_addr, mapped_loopback, 16) == 0, af == AF_INET);
        assert_talk(client, s);
        t_close(client);
        op_begin(&op, s);
        EX_FAILS(disconnect_ex(s, (LPOVERLAPPED)&op.ov, TF_REUSE_SOCKET, 0), WSA_IO_PENDING);
        assert_int_equal(op_end(&op, NULL), 0);
    }
    t_close(s);
    t_close(listener);
}

/* CEX-5, CEX-14, B.12: then it is as it was before. */
static void connectex__in_progress__already_until_it_is_cancelled(void **state)
{
    SOCKET s = t_bound(AF_INET, SOCK_STREAM), other = bound_any(AF_INET, 0, false);
    uint16_t port = t_port(other);
    struct op op, second;
    SOCKADDR_STORAGE name;

    (void)state;
    t_close(s);
    begin_to(&op, other, silent(), t_addr_size(AF_INET));
    op_begin(&second, other);
    EX_FAILS(connect_ex(other, silent(), t_addr_size(AF_INET), NULL, 0, NULL, (LPOVERLAPPED)&second.ov), WSAEALREADY);
    t_fails(t_spi.lpWSPConnect(other, silent(), t_addr_size(AF_INET), NULL, NULL, NULL, NULL, &t_err), WSAEALREADY);
    op_refused(&second);
    assert_int_equal(t_option_get(other, SOL_SOCKET, SO_CONNECT_TIME), -1); /* B.20 */
    t_fails(peer_name(other, &name), WSAENOTCONN);
    assert_int_equal(t_option_set(other, SOL_SOCKET, SO_SNDBUF, 16384), 0);
    assert_int_equal(cancel(other, &op.ov), 1);
    assert_int_equal(op_end(&op, NULL), WSA_OPERATION_ABORTED);
    assert_usable(other, port);
    t_close(other);
}

/* CEX-14. */
static void connectex__in_progress__closing_aborts_it(void **state)
{
    SOCKET s = bound_any(AF_INET, 0, false);
    struct op op;

    (void)state;
    begin_to(&op, s, silent(), t_addr_size(AF_INET));
    t_close(s);
    assert_true(t_event_wait(op.ov.hEvent, 5000));
    assert_int_equal(op.ov.OffsetHigh, WSA_OPERATION_ABORTED);
    assert_int_equal(t_completions(), op.completed + 1);
    t_event_free(op.ov.hEvent);
    no_requests();
}

struct poster {
    SOCKET s;
    struct op op;
};

static void *poster_main(void *arg)
{
    struct poster *poster = arg;

    begin_to(&poster->op, poster->s, silent(), t_addr_size(AF_INET));
    return NULL;
}

/* B.24. */
static void connectex__its_thread_ends__it_is_aborted(void **state)
{
    struct poster poster = {.s = bound_any(AF_INET, 0, false)};
    uint16_t port = t_port(poster.s);
    struct t_task thread;

    (void)state;
    t_task_start(&thread, poster_main, &poster);
    t_task_join(&thread);
    assert_int_equal(op_end(&poster.op, NULL), WSA_OPERATION_ABORTED);
    assert_usable(poster.s, port);
    t_close(poster.s);
}

/* CEX-8, B.11. */
static void connectex__no_way__is_told_by_the_completion(void **state)
{
    SOCKET s = bound_any(AF_INET, 0, false);
    uint16_t port = t_port(s);
    struct sockaddr *to = t_addr(AF_INET, 9);
    struct op op;

    (void)state;
    memcpy(&((SOCKADDR_IN *)(void *)to)->sin_addr, "\310\1\2\3", 4);
    begin_to(&op, s, to, t_addr_size(AF_INET));
    assert_int_equal(op_end(&op, NULL), WSAENETUNREACH);
    assert_usable(s, port);
    t_close(s);
}

/* CEX-10, B.16: only the peer tells that there is such a connection already. */
static void connectex__local_port_shared__in_use_is_told_late(void **state)
{
    SOCKET listener = t_listener(AF_INET), one = bound_any(AF_INET, 0, true), two;
    struct op op;

    (void)state;
    two = bound_any(AF_INET, t_port(one), true);
    op_connect(&op, one, t_port(listener), "");
    assert_int_equal(op_end(&op, NULL), 0);
    op_begin(&op, two);
    EX_FAILS(
        connect_ex(two, t_addr(AF_INET, t_port(listener)), t_addr_size(AF_INET), NULL, 0, NULL, (LPOVERLAPPED)&op.ov),
        WSAEADDRINUSE);
    op_refused(&op);
    t_close(one);
    t_close(two);
    t_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connectex__ipv6__names_are_of_its_size),
        cmocka_unit_test(acceptex__dual_stack__ipv4_names_are_mapped),
        cmocka_unit_test(connectex__in_progress__already_until_it_is_cancelled),
        cmocka_unit_test(connectex__in_progress__closing_aborts_it),
        cmocka_unit_test(connectex__its_thread_ends__it_is_aborted),
        cmocka_unit_test(connectex__no_way__is_told_by_the_completion),
        cmocka_unit_test(connectex__local_port_shared__in_use_is_told_late),
    };

    return cmocka_run_group_tests(tests, t_ops_start, t_host_stop);
}

/** @file Names of sockets on the real stack: who may bind what, options of dynamic ports, reservations. */
#include "t_host.h"

#include <string.h>

/* The functions are ws2_32's, which is not here. */
static uint16_t swap16(uint32_t value)
{
    return (uint16_t)(value << 8 | (value & 0xffff) >> 8);
}

static SOCKADDR_IN in4(const char *bytes, uint16_t port)
{
    SOCKADDR_IN addr = {.sin_family = AF_INET, .sin_port = swap16(port)};

    memcpy(&addr.sin_addr, bytes, 4);
    return addr;
}

static int bind4(SOCKET s, const char *bytes, uint16_t port)
{
    SOCKADDR_IN addr = in4(bytes, port);

    return t_spi.lpWSPBind(s, (struct sockaddr *)&addr, (int)sizeof addr, &t_err);
}

#define ANY4 "\0\0\0\0"
#define HOME "\177\0\0\1"
#define HOME_2 "\177\0\0\2"

/* --- What may be bound -------------------------------------------------------- */

/* BND-9, DS-10, WSPBIND-5: where it is sent to a scope may be missing, not here. */
static void bind__link_local_without_scope__is_not_available(void **state)
{
    static union {
        SOCKET_ADDRESS_LIST list;
        char room[4096];
    } out;
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    SOCKADDR_IN6 addr = {0};
    SOCKADDR_IN6 bare;
    DWORD got = 0;

    (void)state;
    assert_int_equal(
        t_spi.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, sizeof out, &got, NULL, NULL, NULL, &t_err), 0);
    for (int i = 0; i < out.list.iAddressCount && addr.sin6_addr.s6_addr[0] != 0xfe; i++)
        memcpy(&addr, out.list.Address[i].lpSockaddr, sizeof addr);
    assert_int_equal(addr.sin6_addr.s6_addr[0], 0xfe);
    bare = addr;
    bare.sin6_scope_id = 0;
    t_fails(t_spi.lpWSPBind(s, (struct sockaddr *)&bare, (int)sizeof bare, &t_err), WSAEADDRNOTAVAIL);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&addr, (int)sizeof addr, &t_err), 0);
    t_close(s);
}

/* BND-10. */
static void bind__raw_tcp__acces(void **state)
{
    static const int protocols[] = {IPPROTO_TCP, 200};
    static const int codes[] = {WSAEACCES, 0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_spi.lpWSPSocket(AF_INET, SOCK_RAW, protocols[i], t_info(AF_INET, SOCK_RAW), 0, WSA_FLAG_OVERLAPPED,
                                     &t_err);

        assert_true(s != INVALID_SOCKET);
        t_err = 0;
        (void)bind4(s, HOME, 0);
        assert_int_equal(t_err, codes[i]);
        t_close(s);
    }
}

/* WSPBIND-1. */
static void bind__broadcast_address__acces_until_permitted(void **state)
{
    static const char *const addresses[] = {"\377\377\377\377", "\12\11\0\377"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_socket(AF_INET, SOCK_DGRAM);

        t_fails(bind4(s, addresses[i], 0), WSAEACCES);
        assert_int_equal(t_option_set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
        t_fails(bind4(s, addresses[i], 0), WSAEADDRNOTAVAIL);
        assert_int_equal(bind4(s, HOME, 0), 0);
        t_close(s);
    }
}

/* --- Exclusive ------------------------------------------------------------------- */

static SOCKET exclusive(int af, bool dual)
{
    SOCKET s = t_socket(af, SOCK_STREAM);

    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), 0);
    if (dual)
        assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    return s;
}

/* X22, RU-9: the example of the page is an IPv4 socket on the loopback address. */
static void exclusive__dual_stack__is_told_of_the_other_stack(void **state)
{
    SOCKET four = t_bound(AF_INET, SOCK_STREAM), six = t_bound(AF_INET6, SOCK_STREAM);
    SOCKET one = exclusive(AF_INET6, true), two = exclusive(AF_INET6, true), three = exclusive(AF_INET6, false);
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6, .sin6_port = swap16(t_port(four))};

    (void)state;
    t_fails(t_spi.lpWSPBind(one, (struct sockaddr *)&any, (int)sizeof any, &t_err), WSAEACCES);
    assert_int_equal(t_spi.lpWSPBind(three, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0); /* IPv6 only */
    any.sin6_port = swap16(t_port(six));
    t_fails(t_spi.lpWSPBind(two, (struct sockaddr *)&any, (int)sizeof any, &t_err), WSAEADDRINUSE);
    t_close(four);
    t_close(six);
    t_close(one);
    t_close(two);
    t_close(three);
}

/* RU-7, CLS-23. */
static void exclusive__accepted_connection_lives__is_in_use(void **state)
{
    SOCKET listener = exclusive(AF_INET, false), next = exclusive(AF_INET, false);
    SOCKET client = t_socket(AF_INET, SOCK_STREAM), server;
    uint16_t port;
    char byte;

    (void)state;
    assert_int_equal(bind4(listener, ANY4, 0), 0);
    assert_int_equal(t_spi.lpWSPListen(listener, 1, &t_err), 0);
    port = t_port(listener);
    assert_int_equal(t_spi.lpWSPConnect(client, t_addr(AF_INET, port), 16, NULL, NULL, NULL, NULL, &t_err), 0);
    server = t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    assert_true(server != INVALID_SOCKET);
    t_close(listener);
    t_fails(bind4(next, ANY4, port), WSAEADDRINUSE);
    t_fails(bind4(next, HOME, port), WSAEADDRINUSE);
    assert_int_equal(t_spi.lpWSPShutdown(client, SD_SEND, &t_err), 0); /* RU-8: in order, to its end */
    assert_int_equal(t_recv(server, &byte, 1), 0);
    assert_int_equal(t_spi.lpWSPShutdown(server, SD_SEND, &t_err), 0);
    assert_int_equal(t_recv(client, &byte, 1), 0);
    t_close(server);
    t_close(client);
    for (int i = 0; i < 100 && bind4(next, ANY4, port) != 0; i++)
        t_sleep_ms(10);
    assert_int_equal(t_port(next), port);
    t_close(next);
}

/* RU-5: the wildcard gets all but the address that another has alone. */
static void exclusive__one_of_127_8__has_it_alone(void **state)
{
    SOCKET specific = t_socket(AF_INET, SOCK_DGRAM), wildcard = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET sender = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN to;
    char buf[4];

    (void)state;
    assert_int_equal(t_option_set(specific, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1), 0);
    assert_int_equal(bind4(specific, HOME_2, 0), 0);
    assert_int_equal(bind4(wildcard, ANY4, t_port(specific)), 0);
    to = in4(HOME_2, t_port(specific));
    assert_int_equal(t_sendto(sender, "ab", 2, &to), 2);
    assert_int_equal(t_recv(specific, buf, sizeof buf), 2);
    to = in4(HOME, t_port(specific));
    assert_int_equal(t_sendto(sender, "cde", 3, &to), 3);
    assert_int_equal(t_recv(wildcard, buf, sizeof buf), 3);
    assert_int_equal(t_nonblocking(specific, true), 0);
    assert_int_equal(t_nonblocking(wildcard, true), 0);
    t_fails(t_recv(specific, buf, sizeof buf), WSAEWOULDBLOCK);
    t_fails(t_recv(wildcard, buf, sizeof buf), WSAEWOULDBLOCK);
    t_close(specific);
    t_close(wildcard);
    t_close(sender);
}

/* --- Options of dynamic ports -------------------------------------------------------- */

struct port_option_row {
    int name, type;
    int code;     /* of setting it */
    int set_late; /* code of setting it on a bound socket */
};

/* PT-1, PT-4, X16. */
static const struct port_option_row port_options[] = {
    {SO_PORT_SCALABILITY, SOCK_STREAM, 0, 0},           {SO_PORT_SCALABILITY, SOCK_DGRAM, 0, 0},
    {SO_PORT_SCALABILITY, SOCK_RAW, WSAENOPROTOOPT, 0}, {SO_RANDOMIZE_PORT, SOCK_STREAM, 0, WSAEINVAL},
    {SO_RANDOMIZE_PORT, SOCK_DGRAM, 0, WSAEINVAL},      {SO_REUSE_UNICASTPORT, SOCK_STREAM, 0, WSAEINVAL},
    {SO_REUSE_MULTICASTPORT, SOCK_DGRAM, 0, WSAEINVAL}, {SO_REUSE_MULTICASTPORT, SOCK_STREAM, WSAENOPROTOOPT, 0},
};

static void port_options__table__default_set_and_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof port_options / sizeof port_options[0]; i++) {
        const struct port_option_row *row = &port_options[i];
        SOCKET s = t_spi.lpWSPSocket(AF_INET, row->type, row->type == SOCK_RAW ? 200 : 0, t_info(AF_INET, row->type), 0,
                                     WSA_FLAG_OVERLAPPED, &t_err);

        assert_true(s != INVALID_SOCKET);
        t_err = 0;
        if (row->code == 0)
            assert_int_equal(t_option_get(s, SOL_SOCKET, row->name), 0);
        if ((t_option_set(s, SOL_SOCKET, row->name, 1) == 0 ? 0 : t_err) != row->code)
            fail_msg("row %u: %d", (unsigned)i, t_err);
        if (row->code == 0) {
            assert_int_equal(t_option_get(s, SOL_SOCKET, row->name), 1);
            assert_int_equal(bind4(s, HOME, 0), 0);
            if ((t_option_set(s, SOL_SOCKET, row->name, 0) == 0 ? 0 : t_err) != row->set_late)
                fail_msg("row %u, bound: %d", (unsigned)i, t_err);
        }
        t_close(s);
    }
}

/* PT-4. */
static void port_options__random_after_reuse__inval(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);

    (void)state;
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSE_UNICASTPORT, 1), 0);
    t_fails(t_option_set(s, SOL_SOCKET, SO_RANDOMIZE_PORT, 1), WSAEINVAL);
    t_close(s);
}

/* --- Reservations ---------------------------------------------------------------------- */

/* As the headers of the system have it; not all have. */
struct instance {
    uint16_t start_be, count;
    uint32_t unused;
    uint64_t token;
};

static int acquire(SOCKET s, uint16_t start, uint16_t count, struct instance *out)
{
    uint16_t range[2] = {swap16(start), count};
    DWORD got = 4711;
    int result = t_spi.lpWSPIoctl(s, SIO_ACQUIRE_PORT_RESERVATION, range, sizeof range, out, sizeof *out, &got, NULL,
                                  NULL, NULL, &t_err);

    assert_true(result != 0 || got == sizeof *out);
    return result;
}

static int with_token(SOCKET s, DWORD code, uint64_t token)
{
    DWORD got = 0;

    return t_spi.lpWSPIoctl(s, code, &token, sizeof token, NULL, 0, &got, NULL, NULL, NULL, &t_err);
}

/* PT-2, PT-3, BND-13 and the sample of the page with its mistake put right (X41): another socket is associated. */
static void reservation__sample__ports_of_the_block(void **state)
{
    SOCKET owner = t_socket(AF_INET, SOCK_STREAM), first = t_socket(AF_INET, SOCK_STREAM);
    SOCKET second = t_socket(AF_INET, SOCK_STREAM), third = t_socket(AF_INET, SOCK_STREAM);
    struct instance block;

    (void)state;
    assert_int_equal(t_nonblocking(owner, true), 0); /* it blocks all the same */
    assert_int_equal(acquire(owner, 0, 2, &block), 0);
    assert_int_equal(block.count, 2);
    assert_in_range(swap16(block.start_be), 49152, 65534);
    assert_true(block.token != 0);
    assert_int_equal(with_token(first, SIO_ASSOCIATE_PORT_RESERVATION, block.token), 0);
    assert_int_equal(bind4(first, HOME, 0), 0);
    assert_in_range(t_port(first), swap16(block.start_be), swap16(block.start_be) + 1);
    t_fails(bind4(third, HOME, (uint16_t)(swap16(block.start_be) * 2 + 1 - t_port(first))), WSAEACCES);
    assert_int_equal(with_token(second, SIO_ASSOCIATE_PORT_RESERVATION, block.token), 0);
    assert_int_equal(bind4(second, ANY4, 0), 0);
    assert_in_range(t_port(second), swap16(block.start_be), swap16(block.start_be) + 1);
    assert_int_equal(with_token(third, SIO_ASSOCIATE_PORT_RESERVATION, block.token), 0);
    t_fails(bind4(third, HOME, 0), WSAEADDRINUSE);
    t_close(second);
    assert_int_equal(bind4(third, HOME, 0), 0);
    assert_int_equal(with_token(owner, SIO_RELEASE_PORT_RESERVATION, block.token), 0);
    t_fails(with_token(owner, SIO_RELEASE_PORT_RESERVATION, block.token), WSAEINVAL);
    t_close(owner);
    t_close(first);
    t_close(third);
}

/* PT-2: it lives as long as the socket. */
static void reservation__socket_closed__is_gone(void **state)
{
    SOCKET owner = t_socket(AF_INET6, SOCK_DGRAM), late = t_socket(AF_INET, SOCK_DGRAM);
    struct instance block;

    (void)state;
    assert_int_equal(acquire(owner, 50100, 3, &block), 0);
    assert_int_equal(swap16(block.start_be), 50100);
    t_fails(bind4(late, HOME, 50101), WSAEACCES);
    t_close(owner);
    t_fails(with_token(late, SIO_ASSOCIATE_PORT_RESERVATION, block.token), WSAEINVAL);
    assert_int_equal(bind4(late, HOME, 50101), 0);
    t_close(late);
}

static void reservation__bad_calls__have_their_codes(void **state)
{
    SOCKET stream = t_socket(AF_INET, SOCK_STREAM), bound = t_bound(AF_INET, SOCK_STREAM);
    SOCKET raw = t_spi.lpWSPSocket(AF_INET, SOCK_RAW, 200, t_info(AF_INET, SOCK_RAW), 0, WSA_FLAG_OVERLAPPED, &t_err);
    uint16_t range[2] = {0, 1};
    struct instance block;
    DWORD got = 4711;

    (void)state;
    t_fails(t_spi.lpWSPIoctl(stream, SIO_ACQUIRE_PORT_RESERVATION, range, sizeof range, &block, sizeof block - 1, &got,
                             NULL, NULL, NULL, &t_err),
            WSAEINVAL);
    assert_int_equal(got, 0);
    t_fails(t_spi.lpWSPIoctl(stream, SIO_ACQUIRE_PORT_RESERVATION, NULL, 0, &block, sizeof block, &got, NULL, NULL,
                             NULL, &t_err),
            WSAEFAULT);
    t_fails(acquire(raw, 0, 1, &block), WSAEOPNOTSUPP);
    t_fails(acquire(stream, 0, 0, &block), WSAEINVAL);
    t_fails(acquire(stream, 65535, 2, &block), WSAEINVAL);
    t_fails(acquire(stream, t_port(bound), 1, &block), WSAEADDRINUSE);
    assert_int_equal(acquire(bound, 0, 1, &block), 0);
    t_fails(with_token(bound, SIO_ASSOCIATE_PORT_RESERVATION, block.token), WSAEINVAL);
    t_fails(with_token(stream, SIO_ASSOCIATE_PORT_RESERVATION, block.token + 1), WSAEINVAL);
    t_fails(with_token(raw, SIO_RELEASE_PORT_RESERVATION, block.token), WSAEOPNOTSUPP);
    t_close(stream);
    t_close(bound);
    t_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind__link_local_without_scope__is_not_available),
        cmocka_unit_test(bind__raw_tcp__acces),
        cmocka_unit_test(bind__broadcast_address__acces_until_permitted),
        cmocka_unit_test(exclusive__dual_stack__is_told_of_the_other_stack),
        cmocka_unit_test(exclusive__accepted_connection_lives__is_in_use),
        cmocka_unit_test(exclusive__one_of_127_8__has_it_alone),
        cmocka_unit_test(port_options__table__default_set_and_codes),
        cmocka_unit_test(port_options__random_after_reuse__inval),
        cmocka_unit_test(reservation__sample__ports_of_the_block),
        cmocka_unit_test(reservation__socket_closed__is_gone),
        cmocka_unit_test(reservation__bad_calls__have_their_codes),
    };

    return cmocka_run_group_tests_name("spi_port", tests, t_host_start, t_host_stop);
}

/** @file Control codes. */
#include "t_host.h"

#include <string.h>

static int run(SOCKET s, DWORD code, const void *in, DWORD in_bytes, void *out, DWORD out_bytes)
{
    DWORD returned = 0xdead;

    t_err = 0;
    if (t_spi.lpWSPIoctl(s, code, (void *)(uintptr_t)in, in_bytes, out, out_bytes, &returned, NULL, NULL, NULL,
                         &t_err) != 0)
        return -t_err;
    return (int)returned;
}

struct refused_row {
    int type;
    DWORD code;
    DWORD in, out;
    int error;
};

static const struct refused_row refused[] = {
    {SOCK_STREAM, 0x12345678, 4, 4, WSAEOPNOTSUPP},
    {SOCK_STREAM, FIOASYNC, 4, 4, WSAEOPNOTSUPP},
    {SOCK_STREAM, FIONBIO, 3, 0, WSAEFAULT},
    {SOCK_STREAM, FIONREAD, 0, 3, WSAEFAULT},
    {SOCK_DGRAM, SIOCATMARK, 0, 4, WSAEINVAL},
    {SOCK_STREAM, SIO_BASE_HANDLE, 0, 7, WSAEFAULT},
    {SOCK_STREAM, SIO_BSP_HANDLE, 0, 7, WSAEFAULT},
    {SOCK_STREAM, SIO_BSP_HANDLE_SELECT, 0, 7, WSAEFAULT},
    {SOCK_STREAM, SIO_BSP_HANDLE_POLL, 0, 0, WSAEFAULT},
    {SOCK_DGRAM, SIO_KEEPALIVE_VALS, 12, 0, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_KEEPALIVE_VALS, 11, 0, WSAEFAULT},
    {SOCK_STREAM, SIO_UDP_CONNRESET, 4, 0, WSAEINVAL},
    {SOCK_DGRAM, SIO_UDP_CONNRESET, 3, 0, WSAEFAULT},
    {SOCK_STREAM, SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_GET_QOS, 0, 64, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_SET_QOS, 64, 0, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_GET_GROUP_QOS, 0, 64, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_SET_GROUP_QOS, 64, 0, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_TRANSLATE_HANDLE, 8, 8, WSAENOPROTOOPT},
    {SOCK_STREAM, SIO_GET_EXTENSION_FUNCTION_POINTER, 15, 8, WSAEFAULT},
    {SOCK_STREAM, SIO_GET_EXTENSION_FUNCTION_POINTER, 16, 8, WSAEINVAL},
    {SOCK_STREAM, SIO_ADDRESS_LIST_QUERY, 4, 64, WSAEINVAL},
    {SOCK_STREAM, SIO_ROUTING_INTERFACE_QUERY, 15, 64, WSAEINVAL},
};

static void ioctl__refusals__have_their_codes(void **state)
{
    char in[64] = {1}, out[64];

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        SOCKET s = t_socket(AF_INET, refused[i].type);
        int result = run(s, refused[i].code, in, refused[i].in, out, refused[i].out);

        if (result != -refused[i].error)
            fail_msg("row %zu: %d", i, result);
        t_close(s);
    }
}

static void ioctl__fionread__bytes_of_both_kinds(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, 0);
    SOCKET a = t_bound(AF_INET, SOCK_DGRAM), b = t_bound(AF_INET, SOCK_DGRAM);
    ULONG bytes = 9;
    BOOL mark = 9;

    (void)state;
    assert_int_equal(run(pair.b, FIONREAD, NULL, 0, &bytes, 4), 4);
    assert_int_equal(bytes, 0);
    assert_int_equal(t_send(pair.a, "12345", 5), 5);
    assert_int_equal(t_sendto(a, "123", 3, t_addr(AF_INET, t_port(b))), 3);
    assert_int_equal(t_sendto(a, "1234", 4, t_addr(AF_INET, t_port(b))), 4);
    t_sleep_ms(30);
    assert_int_equal(run(pair.b, FIONREAD, NULL, 0, &bytes, 4), 4);
    assert_int_equal(bytes, 5);
    assert_int_equal(run(b, FIONREAD, NULL, 0, &bytes, 4), 4);
    assert_int_equal(bytes, 7);
    assert_int_equal(run(pair.b, SIOCATMARK, NULL, 0, &mark, 4), 4);
    assert_int_equal(mark, TRUE);
    t_close(a);
    t_close(b);
    t_pair_close(&pair);
}

static void ioctl__base_handles__are_the_socket(void **state)
{
    static const DWORD codes[] = {SIO_BASE_HANDLE, SIO_BSP_HANDLE, SIO_BSP_HANDLE_SELECT, SIO_BSP_HANDLE_POLL};
    SOCKET s = t_socket(AF_INET, SOCK_STREAM), got;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        got = 0;
        assert_int_equal(run(s, codes[i], NULL, 0, &got, sizeof got), sizeof got);
        assert_int_equal(got, s);
    }
    t_close(s);
}

static void ioctl__keepalive_values__reach_the_options(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    struct tcp_keepalive values = {.onoff = 1, .keepalivetime = 30000, .keepaliveinterval = 2000};

    (void)state;
    assert_int_equal(run(s, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0), 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_KEEPINTVL), 2);
    values.keepalivetime = values.keepaliveinterval = 0; /* Windows takes them; ours leaves the times */
    assert_int_equal(run(s, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    values.keepalivetime = 0x80000000u;
    assert_int_equal(run(s, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0), -WSAEINVAL);
    values.onoff = 0;
    assert_int_equal(run(s, SIO_KEEPALIVE_VALS, &values, sizeof values, NULL, 0), 0);
    assert_int_equal(t_option_get(s, SOL_SOCKET, SO_KEEPALIVE), 0);
    t_close(s);
}

static void ioctl__address_list__fits_or_tells_the_size(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    static union {
        SOCKET_ADDRESS_LIST list;
        char bytes[4096];
    } out;
    DWORD needed = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        SOCKET s = t_socket(families[i], SOCK_DGRAM);
        int size = run(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, sizeof out);

        assert_true(size > 0);
        assert_true(out.list.iAddressCount >= 1);
        for (int a = 0; a < out.list.iAddressCount; a++) {
            const SOCKET_ADDRESS *entry = &out.list.Address[a];

            assert_int_equal(entry->iSockaddrLength, t_addr_size(families[i]));
            assert_int_equal(entry->lpSockaddr->sa_family, families[i]);
            assert_in_range((uintptr_t)entry->lpSockaddr, (uintptr_t)&out, (uintptr_t)&out + (uintptr_t)size - 1);
        }
        t_fails(t_spi.lpWSPIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, &out, (DWORD)size - 1, &needed, NULL, NULL, NULL,
                                 &t_err),
                WSAEFAULT);
        assert_int_equal(needed, size);
        t_close(s);
    }
}

static void ioctl__interface_list__has_loopback_and_a_port(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    static INTERFACE_INFO list[32];
    int size = run(s, SIO_GET_INTERFACE_LIST, NULL, 0, list, sizeof list);
    bool loopback = false, port = false;

    (void)state;
    assert_true(size > 0 && size % (int)sizeof list[0] == 0);
    for (int i = 0; i < size / (int)sizeof list[0]; i++) {
        unsigned char ip[4];

        memcpy(ip, &list[i].iiAddress.AddressIn.sin_addr, 4);
        loopback = loopback || (ip[0] == 127 && (list[i].iiFlags & IFF_LOOPBACK));
        if (ip[0] == 127)
            assert_int_equal(list[i].iiBroadcastAddress.AddressIn.sin_family, 0);
        if (memcmp(ip, "\12\11\0\1", 4) == 0) {
            port = true;
            assert_memory_equal(&list[i].iiNetmask.AddressIn.sin_addr, "\377\377\377\0", 4);
            assert_memory_equal(&list[i].iiBroadcastAddress.AddressIn.sin_addr, "\12\11\0\377", 4);
            assert_true(list[i].iiFlags & IFF_UP);
        }
    }
    assert_true(loopback && port);
    assert_int_equal(run(s, SIO_GET_INTERFACE_LIST, NULL, 0, list, sizeof list[0] - 1), -WSAEFAULT);
    t_close(s);
}

static void ioctl__route_query__local_address_or_unreachable(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN to = {.sin_family = AF_INET}, local;
    DWORD needed = 0;

    (void)state;
    memcpy(&to.sin_addr, "\177\0\0\1", 4);
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof to, &local, sizeof local), sizeof local);
    assert_int_equal(((unsigned char *)&local.sin_addr)[0], 127);
    t_fails(
        t_spi.lpWSPIoctl(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof to, &local, 15, &needed, NULL, NULL, NULL, &t_err),
        WSAEFAULT);
    assert_int_equal(needed, sizeof local);
    needed = 9; /* room was told of, and none given: no size either */
    t_fails(
        t_spi.lpWSPIoctl(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof to, NULL, 15, &needed, NULL, NULL, NULL, &t_err),
        WSAEFAULT);
    assert_int_equal(needed, 9);
    memcpy(&to.sin_addr, "\310\1\2\3", 4);
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof to, &local, sizeof local), -WSAENETUNREACH);
    to.sin_addr.s_addr = 0;
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_QUERY, &to, sizeof to, &local, sizeof local), -WSAEINVAL);
    t_close(s);
}

static void ioctl__multicast_codes__set_the_options(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    ULONG off = 0, scope = 5, large = 256;
    SOCKADDR_IN all;

    (void)state;
    assert_int_equal(run(s, SIO_MULTIPOINT_LOOPBACK, &off, 4, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
    assert_int_equal(run(s, SIO_MULTICAST_SCOPE, &scope, 4, NULL, 0), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_TTL), 5);
    assert_int_equal(run(s, SIO_MULTICAST_SCOPE, &large, 4, NULL, 0), -WSAEINVAL);
    assert_int_equal(run(s, SIO_GET_BROADCAST_ADDRESS, NULL, 0, &all, sizeof all), sizeof all);
    assert_int_equal(all.sin_addr.s_addr, INADDR_BROADCAST);
    t_close(s);
}

static void ioctl__overlapped__completes_at_once_with_its_indication(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    WSAOVERLAPPED ov = {.hEvent = t_event_new()};
    ULONG bytes = 7;
    DWORD got = 9, flags = 9;

    (void)state;
    /* E50, Windows, as conformance suites observe: the count is the call's, and the indication has none. */
    t_fails(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, NULL, &ov, NULL, NULL, &t_err), WSAEFAULT);
    assert_int_equal(bytes, 7);
    assert_int_equal(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, &got, &ov, NULL, NULL, &t_err), 0);
    assert_int_equal(got, 4);
    assert_true(t_event_is_set(ov.hEvent));
    assert_true(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, FALSE, &flags, &t_err));
    assert_int_equal(got, 0);
    t_fails(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, NULL, NULL, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, SIO_BSP_HANDLE_POLL, NULL, 0, &ov, sizeof ov, &got, &ov, NULL, NULL, &t_err),
            WSAEFAULT);
    t_event_free(ov.hEvent);
    t_close(s);
}

/* Windows, as conformance suites observe: unknown codes, and the base handle, are refused by the indication; the list of
 * interfaces comes with it. */
static void ioctl__overlapped__some_are_indicated_later(void **state)
{
    static const DWORD codes[] = {0xdeadbeef, 0x667e, SIO_BASE_HANDLE};
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    static INTERFACE_INFO list[32];
    DWORD got = 9, flags = 9;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};

        t_fails(t_spi.lpWSPIoctl(s, codes[i], NULL, 0, list, sizeof list, &got, &ov, NULL, NULL, &t_err),
                WSA_IO_PENDING);
        assert_int_equal(got, 9);
        assert_true(t_event_is_set(ov.hEvent));
        assert_false(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, FALSE, &flags, &t_err));
        assert_int_equal(t_err, WSAEOPNOTSUPP);
        t_event_free(ov.hEvent);
    }
    {
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};

        t_fails(t_spi.lpWSPIoctl(s, SIO_GET_INTERFACE_LIST, NULL, 0, list, sizeof list, &got, &ov, NULL, NULL, &t_err),
                WSA_IO_PENDING);
        assert_true(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, TRUE, &flags, &t_err));
        assert_true(got > 0 && got % sizeof list[0] == 0);
        t_event_free(ov.hEvent);
    }
    { /* too little room is told with the end, too */
        WSAOVERLAPPED ov = {.hEvent = t_event_new()};

        got = 9;
        t_fails(t_spi.lpWSPIoctl(s, SIO_GET_INTERFACE_LIST, NULL, 0, list, 7, &got, &ov, NULL, NULL, &t_err),
                WSA_IO_PENDING);
        assert_int_equal(got, 9);
        assert_false(t_spi.lpWSPGetOverlappedResult(s, &ov, &got, TRUE, &flags, &t_err));
        assert_int_equal(t_err, WSAEFAULT);
        t_event_free(ov.hEvent);
    }
    t_fails(t_spi.lpWSPIoctl(s, SIO_GET_INTERFACE_LIST, NULL, 0, list, 7, &got, NULL, NULL, NULL, &t_err), WSAEFAULT);
    assert_int_equal(got, 0);
    got = 9; /* without a structure: at once, and nothing was written */
    t_fails(t_spi.lpWSPIoctl(s, 0xdeadbeef, NULL, 0, NULL, 0, &got, NULL, NULL, NULL, &t_err), WSAEOPNOTSUPP);
    assert_int_equal(got, 0);
    t_close(s);
}

/* A value in the pointer's place is no pointer. */
static void ioctl__wild_pointers__fault(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    void *wild = (void *)(uintptr_t)1;
    DWORD got = 9;
    int len = 4;

    (void)state;
    t_fails(t_spi.lpWSPIoctl(s, FIONBIO, wild, 4, NULL, 0, &got, NULL, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, wild, 4, &got, NULL, NULL, NULL, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_DONTROUTE, wild, 1, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPSetSockOpt(s, SOL_SOCKET, SO_KEEPALIVE, wild, 4, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_KEEPALIVE, wild, &len, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPGetSockOpt(s, SOL_SOCKET, SO_KEEPALIVE, (char *)&got, wild, &t_err), WSAEFAULT);
    t_close(s);
}

static void ioctl__change_notifications__nonblocking_would_block(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);

    (void)state;
    assert_int_equal(t_nonblocking(s, true), 0);
    assert_int_equal(run(s, SIO_ADDRESS_LIST_CHANGE, NULL, 0, NULL, 0), -WSAEWOULDBLOCK);
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_CHANGE, t_addr(AF_INET, 0), 16, NULL, 0), -WSAEWOULDBLOCK);
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_CHANGE, NULL, 0, NULL, 0), -WSAEFAULT);
    assert_int_equal(run(s, SIO_ROUTING_INTERFACE_CHANGE, t_addr(AF_INET, 0), 15, NULL, 0), -WSAEFAULT);
    t_close(s);
}

static unsigned routine_runs;

static void CALLBACK routine_count(DWORD error, DWORD bytes, LPWSAOVERLAPPED ov, DWORD flags)
{
    (void)error, (void)bytes, (void)ov, (void)flags;
    routine_runs++;
}

/* IOC-2, IOC-4. */
static void ioctl__without_the_attribute__overlapped_arguments_are_ignored(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_STREAM, 0);
    WSAOVERLAPPED ov = {.Internal = 77, .hEvent = t_event_new()};
    ULONG bytes = 7;
    DWORD got = 9;

    (void)state;
    routine_runs = 0;
    t_fails(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, NULL, &ov, NULL, NULL, &t_err), WSAEFAULT);
    assert_int_equal(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, &got, &ov, NULL, NULL, &t_err), 0);
    assert_int_equal(got, 4);
    assert_int_equal(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, &got, &ov, routine_count, t_thread(), &t_err),
                     0);
    assert_int_equal(t_alertable(30), 0);
    assert_int_equal(routine_runs, 0);
    assert_false(t_event_is_set(ov.hEvent));
    assert_int_equal(ov.Internal, 77);
    t_event_free(ov.hEvent);
    t_close(s);
}

/* IOC-5. */
static void ioctl__routine__thread_structure_is_copied(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_STREAM, WSA_FLAG_OVERLAPPED);
    WSATHREADID thread = *t_thread();
    WSAOVERLAPPED ov = {0};
    ULONG bytes = 7;
    DWORD got = 9;

    (void)state;
    routine_runs = 0;
    assert_int_equal(t_spi.lpWSPIoctl(s, FIONREAD, NULL, 0, &bytes, 4, &got, &ov, routine_count, &thread, &t_err), 0);
    memset(&thread, 0, sizeof thread);
    assert_int_equal(t_alertable(5000), 1);
    assert_int_equal(routine_runs, 1);
    t_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ioctl__refusals__have_their_codes),
        cmocka_unit_test(ioctl__fionread__bytes_of_both_kinds),
        cmocka_unit_test(ioctl__base_handles__are_the_socket),
        cmocka_unit_test(ioctl__keepalive_values__reach_the_options),
        cmocka_unit_test(ioctl__address_list__fits_or_tells_the_size),
        cmocka_unit_test(ioctl__interface_list__has_loopback_and_a_port),
        cmocka_unit_test(ioctl__route_query__local_address_or_unreachable),
        cmocka_unit_test(ioctl__multicast_codes__set_the_options),
        cmocka_unit_test(ioctl__overlapped__completes_at_once_with_its_indication),
        cmocka_unit_test(ioctl__overlapped__some_are_indicated_later),
        cmocka_unit_test(ioctl__wild_pointers__fault),
        cmocka_unit_test(ioctl__change_notifications__nonblocking_would_block),
        cmocka_unit_test(ioctl__without_the_attribute__overlapped_arguments_are_ignored),
        cmocka_unit_test(ioctl__routine__thread_structure_is_copied),
    };

    return cmocka_run_group_tests_name("spi_ioctl", tests, t_host_start, t_host_stop);
}

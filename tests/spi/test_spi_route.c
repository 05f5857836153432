/** @file Control codes about ways, addresses in their order, processors, capture; the stack's thread is pinned here. */
#include "t_host.h"

#include <string.h>

#define POLL_CPU 0

static int run(SOCKET s, DWORD code, const void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *returned)
{
    DWORD got = 0xdead;
    int result;

    t_err = 0;
    result = t_spi.lpWSPIoctl(s, code, (void *)(uintptr_t)in, in_bytes, out, out_bytes, &got, NULL, NULL, NULL, &t_err);
    if (returned)
        *returned = got;
    return result == 0 ? 0 : t_err;
}

/* X12, E32: takes a socket address. */
static void find_route__socket_address__reachable_or_not(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN distant = {.sin_family = AF_INET};
    SOCKADDR_IN6 six = {.sin6_family = AF_INET6};

    (void)state;
    memcpy(&distant.sin_addr, "\310\1\2\3", 4);
    assert_int_equal(run(s, SIO_FIND_ROUTE, t_addr(AF_INET, 0), 16, NULL, 0, NULL), 0);
    assert_int_equal(run(s, SIO_FIND_ROUTE, &distant, sizeof distant, NULL, 0, NULL), WSAENETUNREACH);
    assert_int_equal(run(s, SIO_FIND_ROUTE, NULL, 0, NULL, 0, NULL), WSAEFAULT);
    assert_int_equal(run(s, SIO_FIND_ROUTE, &distant, 15, NULL, 0, NULL), WSAEFAULT);
    assert_int_equal(run(s, SIO_FIND_ROUTE, &six, sizeof six, NULL, 0, NULL), WSAEAFNOSUPPORT);
    t_close(s);
}

/* X9. */
static void rss_processor__connected__names_the_pinned_one(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct t_pair pair = {.a = INVALID_SOCKET};
        SOCKET s = t_socket(AF_INET, types[i]);
        unsigned char out[16];
        DWORD returned;

        assert_int_equal(run(s, SIO_QUERY_RSS_PROCESSOR_INFO, NULL, 0, out, sizeof out, NULL), WSAENOTCONN);
        if (types[i] == SOCK_STREAM) {
            pair = t_pair_make(AF_INET, 0);
            t_close(s);
            s = pair.a;
        } else {
            assert_int_equal(t_spi.lpWSPConnect(s, t_addr(AF_INET, 4444), 16, NULL, NULL, NULL, NULL, &t_err), 0);
        }
        assert_int_equal(run(s, SIO_QUERY_RSS_PROCESSOR_INFO, NULL, 0, out, 7, &returned), ERROR_INSUFFICIENT_BUFFER);
        assert_int_equal(returned, 8);
        memset(out, 0xcc, sizeof out);
        assert_int_equal(run(s, SIO_QUERY_RSS_PROCESSOR_INFO, NULL, 0, out, sizeof out, &returned), 0);
        assert_int_equal(returned, 8);
        assert_int_equal(out[0] | out[1] << 8, 0);
        assert_int_equal(out[2], POLL_CPU);
        assert_int_equal(out[8], 0xcc);
        if (types[i] == SOCK_STREAM)
            t_pair_close(&pair);
        else
            t_close(s);
    }
}

static void rss_scalability__one_queue__false(void **state)
{
    SOCKET s = t_socket(AF_INET6, SOCK_STREAM);
    unsigned char enabled = 7;
    DWORD returned;

    (void)state;
    assert_int_equal(run(s, SIO_QUERY_RSS_SCALABILITY_INFO, NULL, 0, NULL, 0, NULL), WSAEINVAL);
    assert_int_equal(run(s, SIO_QUERY_RSS_SCALABILITY_INFO, NULL, 0, &enabled, 1, &returned), 0);
    assert_int_equal(returned, 1);
    assert_int_equal(enabled, 0);
    t_close(s);
}

/* --- Addresses in their order ----------------------------------------------------- */

union list {
    SOCKET_ADDRESS_LIST list;
    char bytes[2048];
};

static void list_make(union list *list, SOCKADDR_IN6 *names, const unsigned char (*ips)[16], int count)
{
    list->list.iAddressCount = count;
    for (int i = 0; i < count; i++) {
        names[i] = (SOCKADDR_IN6){.sin6_family = AF_INET6, .sin6_port = (u_short)i};
        memcpy(&names[i].sin6_addr, ips[i], 16);
        list->list.Address[i] = (SOCKET_ADDRESS){(LPSOCKADDR)&names[i], (INT)sizeof names[i]};
    }
}

static void address_sort__destinations__rfc_6724_order(void **state)
{
    static const unsigned char ips[][16] = {
        {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, /* no way there: last */
        {[10] = 0xff, 0xff, 127, 0, 0, 1},  /* IPv4: precedence 35 */
        {[15] = 1},                         /* the loopback: precedence 50 */
        {[10] = 0xff, 0xff, 200, 1, 2, 3},  /* no way there, after the other one */
    };
    static const u_short order[] = {2, 1, 0, 3};
    enum { COUNT = sizeof order / sizeof order[0] };
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM), four = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN6 names[COUNT];
    static union list in, out;
    DWORD needed, returned, bytes = (DWORD)(offsetof(SOCKET_ADDRESS_LIST, Address) + COUNT * sizeof(SOCKET_ADDRESS));

    (void)state;
    list_make(&in, names, ips, COUNT);
    assert_int_equal(run(four, SIO_ADDRESS_LIST_SORT, &in, bytes, &out, sizeof out, NULL), WSAEINVAL);
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, bytes - 1, &out, sizeof out, NULL), WSAEFAULT);
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, 3, &out, sizeof out, NULL), WSAEFAULT);
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, bytes, &out, bytes, &needed), WSAEFAULT);
    assert_int_equal(needed, bytes + COUNT * sizeof(SOCKADDR_IN6));
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, bytes, &out, needed, &returned), 0);
    assert_int_equal(returned, needed);
    assert_int_equal(out.list.iAddressCount, COUNT);
    for (int i = 0; i < COUNT; i++) {
        const SOCKADDR_IN6 *name = (const SOCKADDR_IN6 *)(const void *)out.list.Address[i].lpSockaddr;

        assert_in_range((uintptr_t)name, (uintptr_t)&out, (uintptr_t)&out + needed - sizeof *name);
        assert_int_equal(name->sin6_port, order[i]);
        assert_memory_equal(&name->sin6_addr, ips[order[i]], 16);
    }
    t_close(s);
    t_close(four);
}

static void address_sort__bad_lists__have_their_codes(void **state)
{
    static const unsigned char ips[][16] = {{[15] = 1}};
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM);
    SOCKADDR_IN6 names[1];
    static union list in, out;
    DWORD returned;

    (void)state;
    list_make(&in, names, ips, 1);
    names[0].sin6_family = AF_INET;
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, NULL), WSAEINVAL);
    list_make(&in, names, ips, 1);
    in.list.Address[0].iSockaddrLength = 27;
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, NULL), WSAEFAULT);
    in.list.Address[0] = (SOCKET_ADDRESS){(LPSOCKADDR)(uintptr_t)8, 28};
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, NULL), WSAEFAULT);
    in.list.iAddressCount = -1;
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, NULL), WSAEINVAL);
    in.list.iAddressCount = 0x7fffffff;
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, NULL), WSAEINVAL);
    in.list.iAddressCount = 0;
    assert_int_equal(run(s, SIO_ADDRESS_LIST_SORT, &in, sizeof in, &out, sizeof out, &returned), 0);
    assert_int_equal(out.list.iAddressCount, 0);
    t_close(s);
}

/* --- Refusals ----------------------------------------------------------------------- */

struct code_row {
    int af, type;
    DWORD code;
    DWORD in, out;
    int error;
};

static const struct code_row rows[] = {
    {AF_INET, SOCK_DGRAM, SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, 0},
    {AF_INET6, SOCK_DGRAM, SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, 0},
    {AF_INET, SOCK_STREAM, SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, WSAENOPROTOOPT},
    {AF_INET, SOCK_DGRAM, SIO_UCAST_IF, 3, 0, WSAEFAULT},
    {AF_INET, SOCK_DGRAM, SIO_RCVALL, 4, 0, WSAEINVAL},
    {AF_INET, SOCK_STREAM, SIO_RCVALL, 4, 0, WSAEINVAL},
    {AF_INET, SOCK_RAW, SIO_RCVALL, 0, 0, WSAEFAULT},
    {AF_INET, SOCK_STREAM, SIO_GET_INTERFACE_LIST_EX, 0, 64, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, SIO_APPLY_TRANSPORT_SETTING, 64, 0, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, SIO_QUERY_TRANSPORT_SETTING, 16, 64, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, 0x580000cd /* SIO_QUERY_WFP_ALE_ENDPOINT_HANDLE */, 0, 8, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, 0x980000dc /* SIO_QUERY_WFP_CONNECTION_REDIRECT_RECORDS */, 0, 64, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, 0x980000dd /* SIO_QUERY_WFP_CONNECTION_REDIRECT_CONTEXT */, 0, 64, WSAEOPNOTSUPP},
    {AF_INET, SOCK_STREAM, 0x980000de /* SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS */, 64, 0, WSAEOPNOTSUPP},
    {AF_INET, SOCK_DGRAM, SIO_ABSORB_RTRALERT, 4, 0, WSAEOPNOTSUPP},
    {AF_INET, SOCK_DGRAM, SIO_LIMIT_BROADCASTS, 4, 0, WSAEOPNOTSUPP},
    {AF_INET, SOCK_DGRAM, SIO_INDEX_BIND, 4, 0, WSAEOPNOTSUPP},
    /* WSPIOCTL-13: codes of an address family. */
    {AF_INET, SOCK_STREAM, 0x50000000u | 6u << 16 | 1, 0, 8, WSAEINVAL},
    {AF_INET6, SOCK_STREAM, 0x50000000u | 2u << 16 | 1, 0, 8, WSAEINVAL},
    {AF_INET, SOCK_STREAM, 0x50000000u | 2u << 16 | 1, 0, 8, WSAEOPNOTSUPP},
};

static void codes__table__each_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SOCKET s = t_socket(rows[i].af, rows[i].type);
        static char in[64], out[64];
        int code = run(s, rows[i].code, in, rows[i].in, out, rows[i].out, NULL);

        if (code != rows[i].error)
            fail_msg("row %zu: %d", i, code);
        t_close(s);
    }
}

/* X14, RAW-12: as much as one byte; which protocol, bound where. */
static void rcvall__one_byte__is_enough(void **state)
{
    static const unsigned char on = RCVALL_ON, off = RCVALL_OFF, wrong = 4;
    LPWSAPROTOCOL_INFOW info = t_info(AF_INET, SOCK_RAW);
    SOCKET s = t_spi.lpWSPSocket(AF_INET, SOCK_RAW, IPPROTO_IP, info, 0, WSA_FLAG_OVERLAPPED, &t_err);
    SOCKET other = t_spi.lpWSPSocket(AF_INET, SOCK_RAW, 200, info, 0, WSA_FLAG_OVERLAPPED, &t_err);
    SOCKADDR_IN port = {.sin_family = AF_INET};
    DWORD whole = RCVALL_IPLEVEL;

    (void)state;
    memcpy(&port.sin_addr, "\12\11\0\1", 4);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&port, (int)sizeof port, &t_err), 0);
    assert_int_equal(t_spi.lpWSPBind(other, (struct sockaddr *)&port, (int)sizeof port, &t_err), 0);
    assert_int_equal(run(s, SIO_RCVALL, &on, 1, NULL, 0, NULL), 0);
    assert_int_equal(run(s, SIO_RCVALL, &whole, sizeof whole, NULL, 0, NULL), 0);
    assert_int_equal(run(s, SIO_RCVALL, &wrong, 1, NULL, 0, NULL), WSAEINVAL);
    assert_int_equal(run(s, SIO_RCVALL, &off, 1, NULL, 0, NULL), 0);
    assert_int_equal(run(other, SIO_RCVALL, &on, 1, NULL, 0, NULL), WSAEINVAL);
    t_close(s);
    t_close(other);
}

static void target_handle__base_provider__is_its_own(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM), got = 0;

    (void)state;
    assert_int_equal(run(s, SIO_QUERY_TARGET_PNP_HANDLE, NULL, 0, &got, sizeof got, NULL), 0);
    assert_int_equal(got, s);
    assert_int_equal(run(s, SIO_QUERY_TARGET_PNP_HANDLE, NULL, 0, &got, sizeof got - 1, NULL), WSAEFAULT);
    t_close(s);
}

/* The interface is the loopback, which is always there: chosen, read in host order, given up. */
static void unicast_interface__orders_and_codes__as_the_options_say(void **state)
{
    SOCKET four = t_socket(AF_INET, SOCK_DGRAM), six = t_socket(AF_INET6, SOCK_DGRAM);
    DWORD index = 1;

    (void)state;
    assert_int_equal(t_option_set(four, IPPROTO_IP, 31 /* IP_UNICAST_IF */, 1 << 24), 0);
    assert_int_equal(t_option_get(four, IPPROTO_IP, 31), 1);
    t_fails(t_option_set(four, IPPROTO_IP, 31, 1), WSAEADDRNOTAVAIL); /* that is 0x01000000 */
    assert_int_equal(t_option_set(four, IPPROTO_IP, 31, 0), 0);
    assert_int_equal(t_option_get(four, IPPROTO_IP, 31), 0);
    assert_int_equal(run(four, SIO_UCAST_IF, &index, sizeof index, NULL, 0, NULL), 0);
    assert_int_equal(t_option_get(four, IPPROTO_IP, 31), 1);
    assert_int_equal(t_option_set(six, IPPROTO_IPV6, 31, 1), 0);
    assert_int_equal(t_option_get(six, IPPROTO_IPV6, 31), 1);
    t_fails(t_option_set(six, IPPROTO_IPV6, 31, 1 << 24), WSAEADDRNOTAVAIL);
    t_close(four);
    t_close(six);
}

int main(void)
{
    static const char config[] = "[engine]\npoll_cpu = 0\nallow_raw = yes\n"
                                 "[port a]\ndriver = wire\nwire.link = spi\naddress = 10.9.0.1/24\n";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_route__socket_address__reachable_or_not),
        cmocka_unit_test(rss_processor__connected__names_the_pinned_one),
        cmocka_unit_test(rss_scalability__one_queue__false),
        cmocka_unit_test(address_sort__destinations__rfc_6724_order),
        cmocka_unit_test(address_sort__bad_lists__have_their_codes),
        cmocka_unit_test(codes__table__each_its_own),
        cmocka_unit_test(rcvall__one_byte__is_enough),
        cmocka_unit_test(target_handle__base_provider__is_its_own),
        cmocka_unit_test(unicast_interface__orders_and_codes__as_the_options_say),
    };

    t_env_set("T_SPI_CONFIG", t_file_make(config));
    return cmocka_run_group_tests_name("spi_route", tests, t_host_start, t_host_stop);
}

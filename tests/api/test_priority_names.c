/*
 * The rules that programs depend on most, one by one: names, options, starting.
 */
#include "t_priority.h"

#include <stdio.h>

/* 26: A.4.1 to A.4.14, E11. */
static void f26__bind__its_codes_and_dynamic_ports(void **state)
{
    SOCKET s = t_wire_socket(T_EAST, SOCK_STREAM, T_PORT(26));
    SOCKET other = socket(AF_INET, SOCK_STREAM, 0);
    SOCKADDR_IN name = t_wire_name(T_EAST, T_PORT(26)), strange = name, got;
    SOCKADDR_IN6 six = {.sin6_family = AF_INET6};
    int bytes = sizeof(got);
    (void)state;
    assert_fails(bind(s, (struct sockaddr *)&name, sizeof(name)), WSAEINVAL);
    assert_fails(bind(other, (struct sockaddr *)&name, sizeof(name)), WSAEADDRINUSE);
    strange.sin_addr.s_addr = inet_addr("10.99.0.1");
    assert_fails(bind(other, (struct sockaddr *)&strange, sizeof(strange)), WSAEADDRNOTAVAIL);
    assert_fails(bind(other, (struct sockaddr *)&six, sizeof(six)), WSAEAFNOSUPPORT);
    assert_fails(bind(other, (struct sockaddr *)&name, 4), WSAEFAULT);
    name.sin_port = 0;
    assert_int_equal(bind(other, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&got, &bytes), 0);
    assert_true(ntohs(got.sin_port) >= 49152);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(other), 0);
}

/* 31: A.2.15 to A.2.17. */
static void f31__so_error__is_not_the_last_error(void **state)
{
    SOCKADDR_IN nobody = t_wire_name(T_EAST, T_PORT(31));
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(31) + 1);
    (void)state;
    t_nonblocking(s);
    assert_fails(connect(s, (struct sockaddr *)&nobody, sizeof(nobody)), WSAEWOULDBLOCK);
    assert_true(t_exceptional(s, T_LONG_MS));
    WSASetLastError(777);
    assert_int_equal(t_option_of(s, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    assert_int_equal(WSAGetLastError(), 0);                    /* that of the call, not of the socket (A.2.16) */
    assert_int_equal(t_option_of(s, SOL_SOCKET, SO_ERROR), 0); /* read and cleared */
    assert_int_equal(closesocket(s), 0);
}

struct option_row {
    int type, level, name, value;
};

/* 32: A.15.1 to A.15.5. */
static void f32__options__defaults_round_trip_and_codes(void **state)
{
    static const struct option_row rows[] = {
        {SOCK_STREAM, SOL_SOCKET, SO_ACCEPTCONN, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_TYPE, SOCK_STREAM},
        {SOCK_DGRAM, SOL_SOCKET, SO_BROADCAST, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_DONTLINGER, 1},
        {SOCK_STREAM, SOL_SOCKET, SO_OOBINLINE, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, 0},
        {SOCK_STREAM, IPPROTO_TCP, TCP_NODELAY, 0},
        {SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_TTL, 1},
        {SOCK_DGRAM, IPPROTO_IP, IP_MULTICAST_LOOP, 1},
        {SOCK_STREAM, SOL_SOCKET, SO_ERROR, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_RCVTIMEO, 0},
        {SOCK_STREAM, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 0},
    };
    int value = 1;
    int bytes = sizeof(value);
    SOCKET s;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        s = socket(AF_INET, rows[i].type, 0);
        if (t_option_of(s, rows[i].level, rows[i].name) != rows[i].value) {
            fail_msg("option %d of level %d", rows[i].name, rows[i].level);
        }
        assert_int_equal(closesocket(s), 0);
    }
    s = socket(AF_INET, SOCK_STREAM, 0);
    t_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(t_option_of(s, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_fails(setsockopt(s, SOL_SOCKET, SO_TYPE, (const char *)&value, bytes), WSAENOPROTOOPT);
    assert_fails(getsockopt(s, SOL_SOCKET, 0x7654, (char *)&value, &bytes), WSAENOPROTOOPT);
    assert_fails(getsockopt(s, 0x7654, 1, (char *)&value, &bytes), WSAEINVAL);
    assert_fails(setsockopt(s, SOL_SOCKET, SO_SNDBUF, (const char *)&value, 1), WSAEFAULT);
    assert_int_equal(closesocket(s), 0);
}

/* 35: A.2.1 to A.2.14. */
static void f35__startup__versions_counting_and_not_initialised(void **state)
{
    static const struct {
        WORD asked, given;
        int code;
    } rows[] = {
        {MAKEWORD(0, 0), 0, WSAVERNOTSUPPORTED}, {MAKEWORD(1, 0), MAKEWORD(1, 0), 0},
        {MAKEWORD(1, 1), MAKEWORD(1, 1), 0},     {MAKEWORD(2, 0), MAKEWORD(2, 0), 0},
        {MAKEWORD(2, 2), MAKEWORD(2, 2), 0},     {MAKEWORD(3, 0), MAKEWORD(2, 2), 0},
    };
    WSADATA data;
    (void)state;
    assert_int_equal(WSACleanup(), 0); /* the group's start */
    assert_true(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSANOTINITIALISED);
    assert_fails(WSACleanup(), WSANOTINITIALISED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(WSAStartup(rows[i].asked, &data), rows[i].code);
        if (rows[i].code == 0) {
            assert_int_equal(data.wVersion, rows[i].given);
            assert_int_equal(data.wHighVersion, MAKEWORD(2, 2));
            assert_int_equal(WSACleanup(), 0);
        }
    }
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), NULL), WSAEFAULT);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_int_equal(WSACleanup(), 0);
    assert_int_equal(closesocket(socket(AF_INET, SOCK_STREAM, 0)), 0); /* one start is left */
}

/* 36: A.3.2, A.3.11 to A.3.19, A.3.26 to A.3.30. */
static void f36__wsasocket__flags_infos_and_duplicates(void **state)
{
    WSAPROTOCOL_INFOW info;
    WSAPROTOCOL_INFOA narrow;
    int bytes = sizeof(info);
    SOCKET s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0);
    SOCKET twin;
    (void)state;
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes), 0);
    assert_int_equal(closesocket(s), 0);
    s = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    assert_true(s != INVALID_SOCKET);
    t_option(s, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(WSADuplicateSocketA(s, GetCurrentProcessId(), &narrow), 0);
    twin = WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &narrow, 0, WSA_FLAG_OVERLAPPED);
    assert_true(twin != INVALID_SOCKET && twin != s);
    assert_int_equal(t_option_of(twin, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(t_option_of(twin, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(closesocket(twin), 0);
    assert_true(WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_UDP, NULL, 0, 0) == INVALID_SOCKET);
    assert_int_equal(WSAGetLastError(), WSAEPROTONOSUPPORT);
}

/* 42: A.19.1 to A.19.14. */
static void f42__get_x_by_y__results_and_hostname(void **state)
{
    char name[256] = "";
    struct hostent *host;
    struct servent *service;
    struct protoent *protocol;
    (void)state;
    assert_int_equal(gethostname(name, sizeof(name)), 0);
    assert_non_null(gethostbyname(name));
    assert_fails(gethostname(name, 1), WSAEFAULT);
    host = gethostbyname("localhost");
    assert_non_null(host);
    assert_int_equal(host->h_addrtype, AF_INET);
    assert_int_equal(host->h_length, 4);
    assert_memory_equal(host->h_addr_list[0], "\177\0\0\1", 4);
    assert_ptr_equal(gethostbyname("localhost"), host); /* the thread's own, used again */
    service = getservbyname("http", "tcp");
    assert_non_null(service);
    assert_int_equal(service->s_port, htons(80));
    protocol = getprotobyname("tcp");
    assert_non_null(protocol);
    assert_int_equal(protocol->p_proto, IPPROTO_TCP);
    assert_null(getservbyname("no such service", "tcp"));
    assert_int_equal(WSAGetLastError(), WSANO_DATA);
}

const struct CMUnitTest t_priority_names[] = {
    T_PRIORITY(f26__bind__its_codes_and_dynamic_ports),
    T_PRIORITY(f31__so_error__is_not_the_last_error),
    T_PRIORITY(f32__options__defaults_round_trip_and_codes),
    T_PRIORITY(f35__startup__versions_counting_and_not_initialised),
    T_PRIORITY(f36__wsasocket__flags_infos_and_duplicates),
    T_PRIORITY(f42__get_x_by_y__results_and_hostname),
};
const size_t t_priority_names_count = sizeof(t_priority_names) / sizeof(t_priority_names[0]);

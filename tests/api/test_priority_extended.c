/*
 * The rules that programs depend on most, one by one, between two hosts on a wire: extension functions.
 */
#include "t_priority.h"

#include <mswsock.h>

#define PART ((DWORD)sizeof(SOCKADDR_STORAGE) + 16) /* of an address */
#define ROOM 32                                     /* of data */

#ifndef SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER
#define SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER _WSAIORW(IOC_WS2, 36)
#endif
#ifndef WSAID_WSASENDMSG
#define WSAID_WSASENDMSG                                   \
    {                                                      \
        0xa441e712, 0x754f, 0x43ca,                        \
        {                                                  \
            0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d \
        }                                                  \
    }
#endif

static int function_of(SOCKET s, GUID id, void *out, DWORD size)
{
    DWORD bytes = 0;
    const int result = WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), out, size, &bytes, NULL, NULL);
    assert_true(result != 0 || bytes == sizeof(void (*)(void)));
    return result;
}

/* What a registered I/O program asks for first: the size and thirteen functions. */
struct functions {
    DWORD size;
    void (*functions[13])(void);
};

/* 37: A.16.11, E29, EXT-1, EXT-3. */
static void f37__functions__by_identifier_and_no_others(void **state)
{
    static const GUID known[] = {WSAID_ACCEPTEX,     WSAID_GETACCEPTEXSOCKADDRS, WSAID_CONNECTEX,  WSAID_DISCONNECTEX,
                                 WSAID_TRANSMITFILE, WSAID_TRANSMITPACKETS,      WSAID_WSARECVMSG, WSAID_WSASENDMSG};
    static const GUID rio = {0x8509e081, 0x96dd, 0x4005, {0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f}};
    GUID unknown = WSAID_ACCEPTEX;
    GUID asked = rio;
    struct functions table = {.size = sizeof(table)};
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, 0);
    void (*function)(void);
    char small[2];
    DWORD bytes = 0;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        function = NULL;
        assert_int_equal(function_of(s, known[i], &function, sizeof(function)), 0);
        assert_true(function != NULL);
        assert_fails(function_of(s, known[i], small, sizeof(small)), WSAEFAULT);
    }
    unknown.Data4[7] ^= 1;
    assert_fails(function_of(s, unknown, &function, sizeof(function)), WSAEINVAL);
    assert_int_equal(WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &asked, sizeof(asked), &table,
                              sizeof(table), &bytes, NULL, NULL),
                     0);
    for (i = 0; i < 13; i++) {
        assert_true(table.functions[i] != NULL);
    }
    assert_int_equal(closesocket(s), 0);
}

/* Waits for a completion: its bytes, or the negative code. */
static int result_of(SOCKET s, WSAOVERLAPPED *overlapped)
{
    DWORD bytes = 0;
    DWORD flags = 0;
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped->hEvent, TRUE, T_LONG_MS, FALSE), WSA_WAIT_EVENT_0);
    return WSAGetOverlappedResult(s, overlapped, &bytes, FALSE, &flags) ? (int)bytes : -WSAGetLastError();
}

static u_short peer_port(SOCKET s)
{
    SOCKADDR_IN name;
    int size = sizeof(name);
    return getpeername(s, (struct sockaddr *)&name, &size) == 0 ? ntohs(name.sin_port) : 0;
}

/* 38: B.2 to B.20, CEX. */
static void f38__connectex__bound_with_data_and_its_context(void **state)
{
    SOCKADDR_IN to = t_wire_name(T_EAST, T_PORT(38));
    SOCKADDR_IN nobody = t_wire_name(T_EAST, T_PORT(38) + 3);
    SOCKET listener = t_wire_listener(T_PORT(38), 5);
    SOCKET s = t_wire_socket(T_WEST, SOCK_STREAM, T_PORT(38) + 1);
    SOCKET fresh = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    WSAOVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    LPFN_CONNECTEX connect_ex = NULL;
    SOCKET accepted;
    char text[] = "along with it";
    (void)state;
    assert_int_equal(function_of(s, (GUID)WSAID_CONNECTEX, &connect_ex, sizeof(connect_ex)), 0);
    assert_false(connect_ex(fresh, (struct sockaddr *)&to, sizeof(to), NULL, 0, NULL, (LPOVERLAPPED)&overlapped));
    assert_int_equal(WSAGetLastError(), WSAEINVAL);
    assert_int_equal(t_option_of(s, SOL_SOCKET, SO_CONNECT_TIME), -1);
    assert_false(connect_ex(s, (struct sockaddr *)&nobody, sizeof(nobody), NULL, 0, NULL, (LPOVERLAPPED)&overlapped));
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_int_equal(result_of(s, &overlapped), -WSAECONNREFUSED);
    assert_false(
        connect_ex(s, (struct sockaddr *)&to, sizeof(to), text, sizeof(text) - 1, NULL, (LPOVERLAPPED)&overlapped));
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_int_equal(result_of(s, &overlapped), (int)sizeof(text) - 1);
    assert_in_range(t_option_of(s, SOL_SOCKET, SO_CONNECT_TIME), 0, 60);
    accepted = accept(listener, NULL, NULL);
    assert_true(accepted != INVALID_SOCKET);
    t_hear(accepted, text);
    assert_int_equal(peer_port(s), 0);
    assert_int_equal(WSAGetLastError(), WSAENOTCONN);
    assert_fails(shutdown(s, SD_SEND), WSAENOTCONN);
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0), 0);
    assert_int_equal(peer_port(s), T_PORT(38));
    assert_int_equal(shutdown(s, SD_SEND), 0);
    assert_int_equal(closesocket(accepted), 0);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(fresh), 0);
    assert_int_equal(closesocket(listener), 0);
    WSACloseEvent(overlapped.hEvent);
}

/* One connection of a recycled socket: with first data, or without. */
static void f39_round(SOCKET listener, SOCKET s, u_short port, DWORD room)
{
    WSAOVERLAPPED overlapped = {.hEvent = WSACreateEvent()};
    SOCKET client = t_wire_socket(T_WEST, SOCK_STREAM, port);
    LPFN_ACCEPTEX accept_ex = NULL;
    LPFN_GETACCEPTEXSOCKADDRS names = NULL;
    LPFN_DISCONNECTEX disconnect_ex = NULL;
    struct sockaddr *local = NULL;
    struct sockaddr *remote = NULL;
    char buffer[ROOM + 2 * (sizeof(SOCKADDR_STORAGE) + 16)];
    int local_size = 0;
    int remote_size = 0;
    DWORD bytes = 77;
    assert_int_equal(function_of(s, (GUID)WSAID_ACCEPTEX, &accept_ex, sizeof(accept_ex)), 0);
    assert_int_equal(function_of(s, (GUID)WSAID_GETACCEPTEXSOCKADDRS, &names, sizeof(names)), 0);
    assert_int_equal(function_of(s, (GUID)WSAID_DISCONNECTEX, &disconnect_ex, sizeof(disconnect_ex)), 0);
    assert_false(accept_ex(listener, s, buffer, room, PART, PART, &bytes, (LPOVERLAPPED)&overlapped));
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    t_wire_connect(client, T_EAST, T_PORT(39));
    if (room > 0) {
        assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
        t_say(client, "first");
    }
    assert_int_equal(result_of(listener, &overlapped), room > 0 ? 5 : 0);
    names(buffer, room, PART, PART, &local, &local_size, &remote, &remote_size);
    assert_int_equal(local_size, sizeof(SOCKADDR_IN));
    assert_int_equal(remote_size, sizeof(SOCKADDR_IN));
    assert_int_equal(((SOCKADDR_IN *)(void *)local)->sin_port, htons(T_PORT(39)));
    assert_int_equal(((SOCKADDR_IN *)(void *)remote)->sin_port, htons(port));
    assert_true((char *)remote >= buffer + room + PART && (char *)remote < buffer + sizeof(buffer));
    assert_int_equal(memcmp(buffer, "first", room > 0 ? 5 : 0), 0);
    assert_int_equal(peer_port(s), 0);
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof(listener)), 0);
    assert_int_equal(peer_port(s), port);
    t_say(s, "answer");
    t_hear(client, "answer");
    assert_int_equal(closesocket(client), 0);
    assert_false(disconnect_ex(s, (LPOVERLAPPED)&overlapped, TF_REUSE_SOCKET, 0));
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_int_equal(result_of(s, &overlapped), 0);
    WSACloseEvent(overlapped.hEvent);
}

/* 39: A.21.2 to A.21.6, AEX, DEX. */
static void f39__acceptex__buffer_context_and_reuse(void **state)
{
    SOCKET listener = t_wire_listener(T_PORT(39), 5);
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    (void)state;
    f39_round(listener, s, T_PORT(39) + 1, 0);
    f39_round(listener, s, T_PORT(39) + 2, ROOM);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
}

const struct CMUnitTest t_priority_extended[] = {
    T_PRIORITY(f37__functions__by_identifier_and_no_others),
    T_PRIORITY(f38__connectex__bound_with_data_and_its_context),
    T_PRIORITY(f39__acceptex__buffer_context_and_reuse),
};
const size_t t_priority_extended_count = sizeof(t_priority_extended) / sizeof(t_priority_extended[0]);

/*
 * Every failure has a code of the table of Winsock's codes (rule A.1.5): calls with arguments drawn from good and bad ones, by a
 * seed, over Winlane. WINLANE_CONFIG names configs/wire-pair.ini. What is drawn never blocks and never points at memory that
 * is not there.
 */
#include "t_api.h"

#include <string.h>

#define CALLS 60000u
#define SEED 20240607u

static uint32_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static bool legal(int code)
{
    static const int below_10000[] = {WSA_INVALID_HANDLE,    WSA_NOT_ENOUGH_MEMORY, WSA_INVALID_PARAMETER,
                                      WSA_OPERATION_ABORTED, WSA_IO_INCOMPLETE,     WSA_IO_PENDING};
    static const struct {
        int first;
        int last;
    } ranges[] = {{WSAEINTR, WSAEINTR},
                  {WSAEBADF, WSAEBADF},
                  {WSAEACCES, WSAEFAULT},
                  {WSAEINVAL, WSAEINVAL},
                  {WSAEMFILE, WSAEMFILE},
                  {WSAEWOULDBLOCK, WSAEREMOTE},
                  {WSASYSNOTREADY, WSANOTINITIALISED},
                  {WSAEDISCON, WSAEREFUSED},
                  {WSAHOST_NOT_FOUND, 11031}};
    unsigned i;
    for (i = 0; i < sizeof below_10000 / sizeof below_10000[0]; i++) {
        if (code == below_10000[i]) {
            return true;
        }
    }
    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define SOCKETS 8u
static SOCKET sockets[SOCKETS];
static _Alignas(16) char block[512];

static SOCKET a_socket(void)
{
    return sockets[draw(SOCKETS)];
}

static int a_length(void)
{
    static const int lengths[] = {-1, 0, 1, 2, 3, 4, 8, 15, 16, 20, 27, 28, 128, 512};
    return lengths[draw(sizeof lengths / sizeof lengths[0])];
}

static char *a_place(void)
{
    return draw(4) == 0 ? NULL : block;
}

static struct sockaddr *a_name(void)
{
    return (struct sockaddr *)(void *)a_place();
}

/* An address, good or wrong in one way or another; nobody is there. */
static struct sockaddr *an_address(void)
{
    static SOCKADDR_STORAGE name;
    SOCKADDR_IN *v4 = (SOCKADDR_IN *)(void *)&name;
    static const ADDRESS_FAMILY families[] = {AF_INET, AF_INET6, AF_UNSPEC, 77};
    memset(&name, 0, sizeof name);
    memcpy(&name.ss_family, &families[draw(4)], sizeof families[0]); /* signed in one SDK, unsigned in the other */
    v4->sin_port = htons((u_short)(draw(2) * 9));
    v4->sin_addr.s_addr = draw(2) == 0 ? 0 : htonl(INADDR_LOOPBACK);
    return draw(5) == 0 ? NULL : (struct sockaddr *)&name;
}

static int a_level(void)
{
    static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6, IPPROTO_UDP, 77};
    return levels[draw(6)];
}

static DWORD a_control(void)
{
    static const DWORD controls[] = {(DWORD)FIONREAD, (DWORD)SIOCATMARK, 0xC8000006u, 0x48000016u,
                                     0x98000004u,     0x12345678u,       0u};
    return controls[draw(7)];
}

static int calls_of_names(unsigned kind)
{
    int length = a_length();
    switch (kind) {
    case 0:
        return bind(a_socket(), an_address(), a_length());
    case 1:
        return connect(a_socket(), an_address(), a_length());
    case 2:
        return getsockname(a_socket(), a_name(), draw(4) == 0 ? NULL : &length);
    case 3:
        return getpeername(a_socket(), a_name(), draw(4) == 0 ? NULL : &length);
    case 4:
        return accept(a_socket(), a_name(), &length) == INVALID_SOCKET ? SOCKET_ERROR : 0;
    default:
        return listen(a_socket(), a_length());
    }
}

static int calls_of_data(unsigned kind)
{
    WSABUF buffer = {(ULONG)draw(64), a_place()};
    int flags = (int)(draw(2) * draw(0x10000));
    int length = a_length();
    DWORD moved = 0;
    DWORD given = (DWORD)flags;
    switch (kind) {
    case 0:
        return send(a_socket(), a_place(), a_length(), flags);
    case 1:
        return recv(a_socket(), a_place(), a_length(), flags);
    case 2:
        return sendto(a_socket(), a_place(), a_length(), flags, an_address(), a_length());
    case 3:
        return recvfrom(a_socket(), a_place(), a_length(), flags, a_name(), &length);
    case 4:
        return WSASend(a_socket(), &buffer, draw(2), draw(4) == 0 ? NULL : &moved, given, NULL, NULL);
    default:
        return WSARecv(a_socket(), &buffer, draw(2), draw(4) == 0 ? NULL : &moved, draw(4) == 0 ? NULL : &given, NULL,
                       NULL);
    }
}

static int calls_of_control(unsigned kind)
{
    WSANETWORKEVENTS record;
    WSAPROTOCOL_INFOW info;
    WSAOVERLAPPED overlapped;
    u_long value = 1;
    DWORD moved = 0;
    DWORD flags = 0;
    int length = a_length();
    memset(&overlapped, 0, sizeof overlapped);
    switch (kind) {
    case 0:
        return getsockopt(a_socket(), a_level(), (int)draw(128), a_place(), draw(4) == 0 ? NULL : &length);
    case 1: /* times, buffers and membership of the block's bytes, and all that are no options */
        return setsockopt(a_socket(), a_level(), (int)draw(2) * 0x1005 + (int)draw(64) * 0x101, a_place(), a_length());
    case 2:
        return ioctlsocket(a_socket(), (LONG)a_control(), draw(4) == 0 ? NULL : &value);
    case 3:
        return WSAIoctl(a_socket(), a_control(), a_place(), (DWORD)draw(64), a_place(), (DWORD)draw(64),
                        draw(4) == 0 ? NULL : &moved, NULL, NULL);
    case 4:
        return WSAEventSelect(a_socket(), (WSAEVENT)(ULONG_PTR)draw(3), (LONG)draw(4096));
    case 5:
        return WSAEnumNetworkEvents(a_socket(), NULL, draw(4) == 0 ? NULL : &record);
    case 6:
        return WSAGetOverlappedResult(a_socket(), &overlapped, draw(4) == 0 ? NULL : &moved, FALSE, &flags)
                   ? 0
                   : SOCKET_ERROR;
    case 7:
        return WSADuplicateSocketW(a_socket(), draw(2) * 4242, draw(4) == 0 ? NULL : &info);
    default:
        return shutdown(sockets[draw(4)], (int)draw(5));
    }
}

static int calls_of_no_socket(unsigned kind)
{
    SOCKET s;
    int length = a_length();
    SOCKADDR_STORAGE name;
    switch (kind) {
    case 0:
        s = WSASocketW((int)draw(30), (int)draw(7), (int)draw(60), NULL, draw(4), draw(2) == 0 ? 1 : draw(0x4000));
        return s == INVALID_SOCKET ? SOCKET_ERROR : closesocket(s);
    case 1:
        return WSAStringToAddressA(block, (int)draw(30), NULL, (struct sockaddr *)&name, draw(4) == 0 ? NULL : &length);
    case 2:
        return select(0, NULL, NULL, NULL, NULL);
    default:
        return WSACloseEvent((WSAEVENT)(ULONG_PTR)draw(3)) ? 0 : SOCKET_ERROR;
    }
}

static int one_call(unsigned *kind)
{
    *kind = draw(26);
    if (*kind < 6) {
        return calls_of_names(*kind);
    }
    if (*kind < 12) {
        return calls_of_data(*kind - 6);
    }
    return *kind < 21 ? calls_of_control(*kind - 12) : calls_of_no_socket(*kind - 21);
}

/* Nothing valid, a socket of another time, an event; nonblocking sockets of both types, connected and not. */
static void sockets_make(WSAEVENT event)
{
    u_long on = 1;
    unsigned i;
    sockets[0] = INVALID_SOCKET;
    sockets[1] = 0;
    sockets[2] = (SOCKET)event;
    sockets[3] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(closesocket(sockets[3]), 0);
    sockets[4] = socket(AF_INET, SOCK_STREAM, 0);
    sockets[5] = socket(AF_INET, SOCK_DGRAM, 0);
    sockets[6] = socket(AF_INET6, SOCK_STREAM, 0);
    sockets[7] = t_api_listener(&(u_short){0});
    for (i = 4; i < SOCKETS; i++) {
        assert_int_equal(ioctlsocket(sockets[i], (LONG)FIONBIO, &on), 0);
    }
}

static void codes__every_failure__is_of_the_table(void **ignored)
{
    WSAEVENT event = WSACreateEvent();
    unsigned failed = 0;
    unsigned i;
    (void)ignored;
    state = SEED;
    sockets_make(event);
    for (i = 0; i < CALLS; i++) {
        unsigned kind = 0;
        u_long on = 1;
        WSASetLastError(12345);
        if (one_call(&kind) == SOCKET_ERROR) {
            int code = WSAGetLastError();
            failed++;
            if (!legal(code)) {
                fail_msg("call %u, kind %u: %d", i, kind, code);
            }
        }
        /* An ioctl or a registration taken back may have made one blocking. */
        (void)ioctlsocket(sockets[4 + i % 4], (LONG)FIONBIO, &on);
    }
    assert_in_range(failed, CALLS / 2, CALLS);
    for (i = 4; i < SOCKETS; i++) {
        assert_int_equal(closesocket(sockets[i]), 0);
    }
    WSACloseEvent(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(codes__every_failure__is_of_the_table, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

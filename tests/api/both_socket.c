/*
 * Making and closing sockets; handles that are none.
 */
#include "both.h"

struct triple_row {
    const char *name;
    int family, type, protocol;
    int code;  /* 0: a socket */
    int other; /* where the sources disagree, a second code; or the type that the socket has */
};

/* Rules DSC-19, WS2-20, RT-1, A.3.8, A.3.9; X43 on the two codes of a protocol that does not fit. */
static const struct triple_row triples[] = {
    {"tcp", AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, SOCK_STREAM},
    {"stream_any_protocol", AF_INET, SOCK_STREAM, 0, 0, SOCK_STREAM},
    {"udp", AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0, SOCK_DGRAM},
    {"datagram_any_protocol", AF_INET, SOCK_DGRAM, 0, 0, SOCK_DGRAM},
    {"tcp_v6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, 0, SOCK_STREAM},
    {"udp_v6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 0, SOCK_DGRAM},
    {"any_type_tcp", AF_INET, 0, IPPROTO_TCP, 0, SOCK_STREAM},
    {"any_type_udp", AF_INET, 0, IPPROTO_UDP, 0, SOCK_DGRAM},
    {"any_family_tcp", AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, 0, SOCK_STREAM},
    {"any_family_udp", AF_UNSPEC, SOCK_DGRAM, IPPROTO_UDP, 0, SOCK_DGRAM},
    {"nothing_said", AF_UNSPEC, 0, 0, WSAEINVAL, WSAEINVAL},
    {"unknown_family", 0x1f00, SOCK_STREAM, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"negative_family", -2, SOCK_STREAM, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"unknown_type", AF_INET, 42, 0, WSAESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT},
    {"seqpacket", AF_INET, SOCK_SEQPACKET, 0, WSAESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT},
    {"stream_with_udp", AF_INET, SOCK_STREAM, IPPROTO_UDP, WSAEPROTOTYPE, WSAEPROTONOSUPPORT},
    {"datagram_with_tcp", AF_INET, SOCK_DGRAM, IPPROTO_TCP, WSAEPROTONOSUPPORT, WSAEPROTOTYPE},
    {"unknown_protocol", AF_INET, SOCK_STREAM, 0xdead, WSAEPROTONOSUPPORT, WSAEPROTONOSUPPORT},
    {"stream_with_udp_v6", AF_INET6, SOCK_STREAM, IPPROTO_UDP, WSAEPROTOTYPE, WSAEPROTONOSUPPORT},
};

static void socket__ROW__made_or_has_its_code(struct t_run *t)
{
    const struct triple_row *row = (const struct triple_row *)t->row;
    SOCKET s;
    if (row->code != 0) {
        T_NO_SOCKET_2(socket(row->family, row->type, row->protocol), row->code, row->other);
        return;
    }
    s = t_keep(t, socket(row->family, row->type, row->protocol));
    T_TRUE(s != INVALID_SOCKET);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_TYPE), row->other);
    T_OK(t_close(t, s));
}

/* Rule DSC-9, A.3.3: blocking, not connected, not listening, nothing wrong. */
static void socket__new__is_plain(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_addr addr = t_wildcard(AF_INET, 0);
    T_TRUE(s != INVALID_SOCKET);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ERROR), 0);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ACCEPTCONN), 0);
    T_FAILS(getpeername(s, &addr.u.any, &addr.bytes), WSAENOTCONN);
    T_FAILS(getsockname(s, &addr.u.any, &addr.bytes), WSAEINVAL);
}

/* Rules DSC-7, WS2-21: with and without the overlapped attribute a plain call works. */
static void wsasocket__with_and_without_overlapped__both_carry_data(struct t_run *t)
{
    DWORD flags;
    for (flags = 0; flags < 2; flags++) {
        SOCKET s = t_keep(t, WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, flags ? WSA_FLAG_OVERLAPPED : 0));
        struct t_addr at = t_loopback(AF_INET, 0);
        char byte = 0;
        T_TRUE(s != INVALID_SOCKET);
        T_OK(bind(s, &at.u.any, at.bytes));
        T_OK(getsockname(s, &at.u.any, &at.bytes));
        T_EQ(sendto(s, "x", 1, 0, &at.u.any, at.bytes), 1);
        T_EQ(recv(s, &byte, 1, 0), 1);
        T_EQ(byte, 'x');
    }
}

/* Rule WS2-26. */
static void wsasocket__unknown_flag__inval(struct t_run *t)
{
    T_NO_SOCKET(WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0x8000), WSAEINVAL);
}

/* Rules MPT-2, A.3.17: IP has no root. */
static void wsasocket__multipoint_root__inval(struct t_run *t)
{
    T_NO_SOCKET(WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_LEAF),
                WSAEINVAL);
}

/* Rules WS2-24, RT-2 to RT-4, A.3.13. */
static void wsasocket__from_protocol_info__takes_its_fields(struct t_run *t)
{
    SOCKET first = t_socket(t, AF_INET, SOCK_DGRAM);
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof info;
    SOCKET s;
    T_TRUE(first != INVALID_SOCKET);
    T_OK(getsockopt(first, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes));
    T_EQ(info.iSocketType, SOCK_DGRAM);
    s = t_keep(t,
               WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED));
    T_TRUE(s != INVALID_SOCKET);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
}

/* Rules SHR-1, SHR-5, SHR-7, WS2-27. */
static void duplicate__own_process__second_handle_of_one_socket(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET twin;
    WSAPROTOCOL_INFOW info;
    char byte = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSADuplicateSocketW(ends[1], GetCurrentProcessId(), &info));
    twin = t_keep(
        t, WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED));
    T_TRUE(twin != INVALID_SOCKET);
    T_OK(t_set_int(twin, SOL_SOCKET, SO_KEEPALIVE, 1));
    T_TRUE(t_get_int(ends[1], SOL_SOCKET, SO_KEEPALIVE) != 0);
    T_OK(t_close(t, ends[1]));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(recv(twin, &byte, 1, 0), 1);
}

/* Rule A.3.33. */
static void duplicate__no_such_process__inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    WSAPROTOCOL_INFOW info;
    T_FAILS(WSADuplicateSocketW(s, 0xdeadbee0, &info), WSAEINVAL);
}

/* Rules WS2-22, DSC-5. */
static void open_type__set_with_no_socket__kept_for_the_thread(struct t_run *t)
{
    int value = SO_SYNCHRONOUS_NONALERT;
    int bytes = sizeof value;
    T_OK(setsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, sizeof value));
    value = 99;
    T_OK(getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, &bytes));
    T_EQ(value, SO_SYNCHRONOUS_NONALERT);
    T_EQ(bytes, sizeof value);
    value = 0;
    T_OK(setsockopt(INVALID_SOCKET, SOL_SOCKET, SO_OPENTYPE, (char *)&value, sizeof value));
    T_FAILS(getsockopt(INVALID_SOCKET, SOL_SOCKET, SO_TYPE, (char *)&value, &bytes), WSAENOTSOCK);
}

/* Rules A.13.1, A.13.9, WSPCLOSESOCKET-4. */
static void closesocket__twice__notsock(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    char byte;
    T_OK(t_close(t, s));
    T_FAILS(closesocket(s), WSAENOTSOCK);
    T_FAILS(recv(s, &byte, 1, 0), WSAENOTSOCK);
    T_FAILS(listen(s, 1), WSAENOTSOCK);
}

/* Rule DSC-13, A.1.3: many at once, also more than FD_SETSIZE. */
static void socket__three_hundred_at_once__all_usable(struct t_run *t)
{
    unsigned i;
    for (i = 0; i < 300; i++) {
        T_TRUE(t_socket(t, AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM) != INVALID_SOCKET);
    }
    for (i = 0; i < 300; i++) {
        T_EQ(t_get_int(t->sockets[i], SOL_SOCKET, SO_TYPE), i % 2 ? SOCK_DGRAM : SOCK_STREAM);
    }
}

/* Rule WS2-10, A.2.16, E47; what modern Windows does: success stores zero. */
static void last_error__calls_succeed__zero(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    struct t_addr addr = t_wildcard(AF_INET, 0);
    T_DO(t_pair(t, AF_INET, ends));
    WSASetLastError(4711);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_OK(getsockname(ends[0], &addr.u.any, &addr.bytes));
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 1));
    T_EQ(t_select(ends[0], 'w', 1000), 1);
    T_EQ(WSAGetLastError(), 0);
}

static DWORD WINAPI send_late(LPVOID context)
{
    Sleep(300);
    return send(*(SOCKET *)context, "x", 1, 0) == 1 ? 0 : 1;
}

/* The same of calls that have to wait for long. */
static void last_error__calls_wait_and_succeed__zero(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(t_thread(t, send_late, &ends[0]) != NULL);
    WSASetLastError(4713);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(WSAGetLastError(), 0);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_TRUE(t_thread(t, send_late, &ends[0]) != NULL);
    WSASetLastError(4713);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(WSAGetLastError(), 0);
}

static DWORD WINAPI other_error(LPVOID context)
{
    (void)context;
    WSASetLastError(1);
    (void)closesocket(INVALID_SOCKET);
    return (DWORD)WSAGetLastError();
}

/* Rules A.2.15, WS2-11. */
static void last_error__two_threads__each_its_own(struct t_run *t)
{
    HANDLE thread;
    DWORD code = 0;
    WSASetLastError(4712);
    thread = t_thread(t, other_error, NULL);
    T_TRUE(thread != NULL);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(GetExitCodeThread(thread, &code));
    T_EQ(code, WSAENOTSOCK);
    T_EQ(WSAGetLastError(), 4712);
    T_EQ(GetLastError(), 4712);
}

/* Rules DSC-16, WSPC-4: every function with something that is no socket. */
static int on_accept(SOCKET s)
{
    return accept(s, NULL, NULL) == INVALID_SOCKET ? SOCKET_ERROR : 0;
}

static int on_bind(SOCKET s)
{
    struct t_addr at = t_loopback(AF_INET, 0);
    return bind(s, &at.u.any, at.bytes);
}

static int on_connect(SOCKET s)
{
    struct t_addr at = t_loopback(AF_INET, 9);
    return connect(s, &at.u.any, at.bytes);
}

static int on_getpeername(SOCKET s)
{
    struct t_addr at = t_wildcard(AF_INET, 0);
    return getpeername(s, &at.u.any, &at.bytes);
}

static int on_getsockname(SOCKET s)
{
    struct t_addr at = t_wildcard(AF_INET, 0);
    return getsockname(s, &at.u.any, &at.bytes);
}

static int on_getsockopt(SOCKET s)
{
    int value;
    int bytes = sizeof value;
    return getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&value, &bytes);
}

static int on_setsockopt(SOCKET s)
{
    return t_set_int(s, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static int on_ioctlsocket(SOCKET s)
{
    return t_ioctl(s, (ULONG)FIONBIO, 1);
}

static int on_listen(SOCKET s)
{
    return listen(s, 1);
}

static int on_recv(SOCKET s)
{
    char byte;
    return recv(s, &byte, 1, 0);
}

static int on_recvfrom(SOCKET s)
{
    char byte;
    return recvfrom(s, &byte, 1, 0, NULL, NULL);
}

static int on_send(SOCKET s)
{
    return send(s, "x", 1, 0);
}

static int on_sendto(SOCKET s)
{
    struct t_addr at = t_loopback(AF_INET, 9);
    return sendto(s, "x", 1, 0, &at.u.any, at.bytes);
}

static int on_shutdown(SOCKET s)
{
    return shutdown(s, SD_SEND);
}

static int on_select(SOCKET s)
{
    return t_select(s, 'r', 0);
}

static int on_eventselect(SOCKET s)
{
    WSAEVENT event = WSACreateEvent();
    int result = WSAEventSelect(s, event, FD_READ);
    int code = WSAGetLastError();
    (void)WSACloseEvent(event);
    WSASetLastError(code);
    return result;
}

static int on_enumnetworkevents(SOCKET s)
{
    WSANETWORKEVENTS record;
    return WSAEnumNetworkEvents(s, NULL, &record);
}

static int on_wsarecv(SOCKET s)
{
    char byte;
    WSABUF buffer = {1, &byte};
    DWORD n, flags = 0;
    return WSARecv(s, &buffer, 1, &n, &flags, NULL, NULL);
}

static int on_wsasend(SOCKET s)
{
    char byte = 'x';
    WSABUF buffer = {1, &byte};
    DWORD n;
    return WSASend(s, &buffer, 1, &n, 0, NULL, NULL);
}

static int on_wsaioctl(SOCKET s)
{
    u_long one = 1;
    DWORD n;
    return WSAIoctl(s, (DWORD)FIONBIO, &one, sizeof one, NULL, 0, &n, NULL, NULL);
}

static int on_wsahtonl(SOCKET s)
{
    u_long value;
    return WSAHtonl(s, 1, &value);
}

static int on_senddisconnect(SOCKET s)
{
    return WSASendDisconnect(s, NULL);
}

static int on_duplicate(SOCKET s)
{
    WSAPROTOCOL_INFOW info;
    return WSADuplicateSocketW(s, GetCurrentProcessId(), &info);
}

struct on_row {
    const char *name;
    int (*call)(SOCKET s);
};

static const struct on_row ons[] = {
    {"accept", on_accept},
    {"bind", on_bind},
    {"closesocket", closesocket},
    {"connect", on_connect},
    {"getpeername", on_getpeername},
    {"getsockname", on_getsockname},
    {"getsockopt", on_getsockopt},
    {"setsockopt", on_setsockopt},
    {"ioctlsocket", on_ioctlsocket},
    {"listen", on_listen},
    {"recv", on_recv},
    {"recvfrom", on_recvfrom},
    {"send", on_send},
    {"sendto", on_sendto},
    {"shutdown", on_shutdown},
    {"select", on_select},
    {"WSAEventSelect", on_eventselect},
    {"WSAEnumNetworkEvents", on_enumnetworkevents},
    {"WSARecv", on_wsarecv},
    {"WSASend", on_wsasend},
    {"WSAIoctl", on_wsaioctl},
    {"WSAHtonl", on_wsahtonl},
    {"WSASendDisconnect", on_senddisconnect},
    {"WSADuplicateSocket", on_duplicate},
};

static void not_a_socket__ROW__notsock(struct t_run *t)
{
    const struct on_row *row = (const struct on_row *)t->row;
    SOCKET closed = t_socket(t, AF_INET, SOCK_STREAM);
    WSAEVENT event = t_event(t);
    T_OK(t_close(t, closed));
    T_FAILS(row->call(INVALID_SOCKET), WSAENOTSOCK);
    T_FAILS(row->call((SOCKET)0x7ffffff0), WSAENOTSOCK);
    T_FAILS(row->call(closed), WSAENOTSOCK);
    T_FAILS(row->call((SOCKET)event), WSAENOTSOCK);
}

static const struct t_cases cases[] = {
    T_TABLE(socket__ROW__made_or_has_its_code, triples),
    T_CASE(socket__new__is_plain),
    T_CASE(wsasocket__with_and_without_overlapped__both_carry_data),
    T_CASE(wsasocket__unknown_flag__inval),
    T_CASE(wsasocket__multipoint_root__inval),
    T_CASE(wsasocket__from_protocol_info__takes_its_fields),
    T_CASE(duplicate__own_process__second_handle_of_one_socket),
    T_CASE(duplicate__no_such_process__inval),
    T_CASE(open_type__set_with_no_socket__kept_for_the_thread),
    T_CASE(closesocket__twice__notsock),
    T_CASE(socket__three_hundred_at_once__all_usable),
    T_CASE(last_error__calls_succeed__zero),
    T_CASE(last_error__calls_wait_and_succeed__zero),
    T_CASE(last_error__two_threads__each_its_own),
    T_TABLE(not_a_socket__ROW__notsock, ons),
};

const struct t_group t_group_socket = {"socket", cases, T_COUNT(cases), false};

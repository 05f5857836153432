/**
 * @file
 * Bad arguments to every slot: null pointers, short lengths, wrong states,
 * handles that are closed, were never given out or are no handles. One row per
 * call, state and code; every call is also made with each bad handle, and with
 * the provider not started.
 */
#include "t_host.h"

#include <string.h>

static WSABUF one_buf, null_buf = {4, NULL}, huge_buf, negative_bufs[2];
static char room[64];
static DWORD count, flags_zero, flags_bad = 0x40000000, flags_oob = MSG_OOB, flags_all_peek = MSG_WAITALL | MSG_PEEK;
static SOCKADDR_STORAGE name_out;
static INT name_len, name_short = 15;
static WSANETWORKEVENTS record;
static WSAOVERLAPPED ov_done;
static QOS qos;
static WSAPROTOCOL_INFOW info_out;
static WCHAR empty_name[1], some_name[] = {'x', 0};
static WSABUF qos_empty = {2, (CHAR *)empty_name}, qos_some = {4, (CHAR *)some_name},
              qos_short = {1, (CHAR *)empty_name};
static LPWSAOVERLAPPED none;

static struct sockaddr *v4(void)
{
    return t_addr(AF_INET, 9);
}

static struct sockaddr *v6(void)
{
    return t_addr(AF_INET6, 9);
}

static struct sockaddr *foreign(void)
{
    struct sockaddr *addr = t_addr(AF_INET, 0);

    memcpy(&((SOCKADDR_IN *)(void *)addr)->sin_addr, "\310\1\2\3", 4);
    return addr;
}

static struct sockaddr *any(uint16_t port)
{
    struct sockaddr *addr = t_addr(AF_INET, port);

    memset(&((SOCKADDR_IN *)(void *)addr)->sin_addr, 0, 4);
    return addr;
}

static int CALLBACK never_asked(LPWSABUF a, LPWSABUF b, LPQOS c, LPQOS d, LPWSABUF e, LPWSABUF f, GROUP *g, DWORD_PTR h)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    fail();
    return CF_ACCEPT;
}

static void CALLBACK never_run(DWORD a, DWORD b, LPWSAOVERLAPPED c, DWORD d)
{
    (void)a, (void)b, (void)c, (void)d;
    fail();
}

#define CALL(name, expr)               \
    static int name(SOCKET s, LPINT e) \
    {                                  \
        return (int)(expr);            \
    }
#define P t_spi

CALL(accept_plain, P.lpWSPAccept(s, NULL, NULL, NULL, 0, e))
CALL(accept_asks, P.lpWSPAccept(s, NULL, NULL, never_asked, 0, e))
CALL(accept_short, P.lpWSPAccept(s, (struct sockaddr *)&name_out, &name_short, NULL, 0, e))
CALL(async_no_window, P.lpWSPAsyncSelect(s, NULL, 1, FD_READ, e))
CALL(async_bits, P.lpWSPAsyncSelect(s, (HWND)room, 1, 0x4000, e))
CALL(bind_null, P.lpWSPBind(s, NULL, 16, e))
CALL(bind_short, P.lpWSPBind(s, v4(), 15, e))
CALL(bind_negative, P.lpWSPBind(s, v4(), -1, e))
CALL(bind_v6, P.lpWSPBind(s, v6(), 28, e))
CALL(bind_foreign, P.lpWSPBind(s, foreign(), 16, e))
CALL(bind_again, P.lpWSPBind(s, any(0), 16, e))
CALL(connect_null, P.lpWSPConnect(s, NULL, 16, NULL, NULL, NULL, NULL, e))
CALL(connect_short, P.lpWSPConnect(s, v4(), 15, NULL, NULL, NULL, NULL, e))
CALL(connect_v6, P.lpWSPConnect(s, v6(), 28, NULL, NULL, NULL, NULL, e))
CALL(connect_port0, P.lpWSPConnect(s, t_addr(AF_INET, 0), 16, NULL, NULL, NULL, NULL, e))
CALL(connect_any, P.lpWSPConnect(s, any(9), 16, NULL, NULL, NULL, NULL, e))
CALL(connect_foreign, P.lpWSPConnect(s, foreign(), 16, NULL, NULL, NULL, NULL, e))
CALL(connect_plain, P.lpWSPConnect(s, v4(), 16, NULL, NULL, NULL, NULL, e))
CALL(connect_data, P.lpWSPConnect(s, v4(), 16, &one_buf, NULL, NULL, NULL, e))
CALL(connect_qos, P.lpWSPConnect(s, v4(), 16, NULL, NULL, &qos, NULL, e))
CALL(connect_group_qos, P.lpWSPConnect(s, v4(), 16, NULL, NULL, NULL, &qos, e))
CALL(duplicate_null, P.lpWSPDuplicateSocket(s, t_process_id(), NULL, e))
CALL(duplicate_any, P.lpWSPDuplicateSocket(s, 1, &info_out, e))
CALL(enum_null, P.lpWSPEnumNetworkEvents(s, NULL, NULL, e))
CALL(event_no_event, P.lpWSPEventSelect(s, NULL, FD_READ, e))
CALL(event_bits, P.lpWSPEventSelect(s, (WSAEVENT)room, 0x4000, e))
CALL(result_no_ov, P.lpWSPGetOverlappedResult(s, none, &count, FALSE, &flags_zero, e) ? 0 : -1)
CALL(result_no_count, P.lpWSPGetOverlappedResult(s, &ov_done, NULL, FALSE, &flags_zero, e) ? 0 : -1)
CALL(result_no_flags, P.lpWSPGetOverlappedResult(s, &ov_done, &count, FALSE, NULL, e) ? 0 : -1)
CALL(peer_plain, P.lpWSPGetPeerName(s, (struct sockaddr *)&name_out, &name_len, e))
CALL(peer_null, P.lpWSPGetPeerName(s, NULL, &name_len, e))
CALL(peer_no_len, P.lpWSPGetPeerName(s, (struct sockaddr *)&name_out, NULL, e))
CALL(peer_short, P.lpWSPGetPeerName(s, (struct sockaddr *)&name_out, &name_short, e))
CALL(name_plain, P.lpWSPGetSockName(s, (struct sockaddr *)&name_out, &name_len, e))
CALL(name_null, P.lpWSPGetSockName(s, NULL, &name_len, e))
CALL(name_no_len, P.lpWSPGetSockName(s, (struct sockaddr *)&name_out, NULL, e))
CALL(name_is_short, P.lpWSPGetSockName(s, (struct sockaddr *)&name_out, &name_short, e))
CALL(getopt_null, P.lpWSPGetSockOpt(s, SOL_SOCKET, SO_TYPE, NULL, &name_len, e))
CALL(getopt_no_len, P.lpWSPGetSockOpt(s, SOL_SOCKET, SO_TYPE, room, NULL, e))
CALL(getopt_level, P.lpWSPGetSockOpt(s, 12345, SO_TYPE, room, &name_len, e))
CALL(getopt_name, P.lpWSPGetSockOpt(s, SOL_SOCKET, 0x7fff, room, &name_len, e))
CALL(qos_null, P.lpWSPGetQOSByName(s, NULL, &qos, e) ? 0 : -1)
CALL(qos_too_short, P.lpWSPGetQOSByName(s, &qos_short, &qos, e) ? 0 : -1)
CALL(qos_unknown, P.lpWSPGetQOSByName(s, &qos_some, &qos, e) ? 0 : -1)
CALL(qos_no_qos, P.lpWSPGetQOSByName(s, &qos_some, NULL, e) ? 0 : -1)
CALL(qos_list, P.lpWSPGetQOSByName(s, &qos_empty, NULL, e) ? 0 : -1)
CALL(ioctl_unknown, P.lpWSPIoctl(s, 1, room, 4, room, 4, &count, NULL, NULL, NULL, e))
CALL(ioctl_no_in, P.lpWSPIoctl(s, FIONBIO, NULL, 4, NULL, 0, &count, NULL, NULL, NULL, e))
CALL(ioctl_no_out, P.lpWSPIoctl(s, FIONREAD, NULL, 0, NULL, 4, &count, NULL, NULL, NULL, e))
CALL(ioctl_no_count, P.lpWSPIoctl(s, FIONREAD, NULL, 0, room, 4, NULL, NULL, NULL, NULL, e))
CALL(join_plain, P.lpWSPJoinLeaf(s, v4(), 16, NULL, NULL, NULL, NULL, JL_BOTH, e))
CALL(join_null, P.lpWSPJoinLeaf(s, NULL, 16, NULL, NULL, NULL, NULL, JL_BOTH, e))
CALL(listen_plain, P.lpWSPListen(s, 5, e))
CALL(recv_plain, P.lpWSPRecv(s, &one_buf, 1, &count, &flags_zero, NULL, NULL, NULL, e))
CALL(recv_null, P.lpWSPRecv(s, NULL, 1, &count, &flags_zero, NULL, NULL, NULL, e))
CALL(recv_null_buf, P.lpWSPRecv(s, &null_buf, 1, &count, &flags_zero, NULL, NULL, NULL, e))
CALL(recv_negative, P.lpWSPRecv(s, &huge_buf, 1, &count, &flags_zero, NULL, NULL, NULL, e))
CALL(recv_no_count, P.lpWSPRecv(s, &one_buf, 1, NULL, &flags_zero, NULL, NULL, NULL, e))
CALL(recv_no_flags, P.lpWSPRecv(s, &one_buf, 1, &count, NULL, NULL, NULL, NULL, e))
CALL(recv_bad_flags, P.lpWSPRecv(s, &one_buf, 1, &count, &flags_bad, NULL, NULL, NULL, e))
CALL(recv_oob, P.lpWSPRecv(s, &one_buf, 1, &count, &flags_oob, NULL, NULL, NULL, e))
CALL(recv_all_peek, P.lpWSPRecv(s, &one_buf, 1, &count, &flags_all_peek, NULL, NULL, NULL, e))
CALL(recv_no_thread, P.lpWSPRecv(s, &one_buf, 1, &count, &flags_zero, &ov_done, never_run, NULL, e))
CALL(recvfrom_plain, P.lpWSPRecvFrom(s, &one_buf, 1, &count, &flags_zero, NULL, NULL, NULL, NULL, NULL, e))
CALL(recvfrom_short, P.lpWSPRecvFrom(s, &one_buf, 1, &count, &flags_zero, (struct sockaddr *)&name_out, &name_short,
                                     NULL, NULL, NULL, e))
CALL(recvfrom_no_len,
     P.lpWSPRecvFrom(s, &one_buf, 1, &count, &flags_zero, (struct sockaddr *)&name_out, NULL, NULL, NULL, NULL, e))
CALL(recvdis_data, P.lpWSPRecvDisconnect(s, &one_buf, e))
CALL(recvdis_plain, P.lpWSPRecvDisconnect(s, NULL, e))
CALL(send_plain, P.lpWSPSend(s, &one_buf, 1, &count, 0, NULL, NULL, NULL, e))
CALL(send_null, P.lpWSPSend(s, NULL, 1, &count, 0, NULL, NULL, NULL, e))
CALL(send_null_buf, P.lpWSPSend(s, &null_buf, 1, &count, 0, NULL, NULL, NULL, e))
CALL(send_negative, P.lpWSPSend(s, negative_bufs, 2, &count, 0, NULL, NULL, NULL, e))
CALL(send_no_count, P.lpWSPSend(s, &one_buf, 1, NULL, 0, NULL, NULL, NULL, e))
CALL(send_partial, P.lpWSPSend(s, &one_buf, 1, &count, MSG_PARTIAL, NULL, NULL, NULL, e))
CALL(send_bad_flags, P.lpWSPSend(s, &one_buf, 1, &count, 0x40000000, NULL, NULL, NULL, e))
CALL(senddis_data, P.lpWSPSendDisconnect(s, &one_buf, e))
CALL(senddis_plain, P.lpWSPSendDisconnect(s, NULL, e))
CALL(sendto_nowhere, P.lpWSPSendTo(s, &one_buf, 1, &count, 0, NULL, 0, NULL, NULL, NULL, e))
CALL(sendto_short, P.lpWSPSendTo(s, &one_buf, 1, &count, 0, v4(), 15, NULL, NULL, NULL, e))
CALL(sendto_v6, P.lpWSPSendTo(s, &one_buf, 1, &count, 0, v6(), 28, NULL, NULL, NULL, e))
CALL(sendto_port0, P.lpWSPSendTo(s, &one_buf, 1, &count, 0, t_addr(AF_INET, 0), 16, NULL, NULL, NULL, e))
CALL(sendto_any, P.lpWSPSendTo(s, &one_buf, 1, &count, 0, any(9), 16, NULL, NULL, NULL, e))
CALL(setopt_null, P.lpWSPSetSockOpt(s, SOL_SOCKET, SO_REUSEADDR, NULL, 4, e))
CALL(setopt_short, P.lpWSPSetSockOpt(s, SOL_SOCKET, SO_RCVBUF, room, 3, e))
CALL(setopt_level, P.lpWSPSetSockOpt(s, 12345, SO_REUSEADDR, room, 4, e))
CALL(setopt_read_only, P.lpWSPSetSockOpt(s, SOL_SOCKET, SO_TYPE, room, 4, e))
CALL(shutdown_how, P.lpWSPShutdown(s, 3, e))
CALL(shutdown_negative, P.lpWSPShutdown(s, -1, e))
CALL(shutdown_plain, P.lpWSPShutdown(s, SD_SEND, e))
CALL(close_plain, P.lpWSPCloseSocket(s, e))

enum bad_state { TCP_NEW, TCP_BOUND, TCP_LISTENING, TCP_CONNECTED, UDP_NEW, UDP_BOUND, STATES };

static const char *const state_names[] = {"new stream",       "bound stream", "listener",
                                          "connected stream", "new datagram", "bound datagram"};

struct bad_row {
    const char *name;
    int (*call)(SOCKET s, LPINT e);
    enum bad_state state;
    int code; /* 0: succeeds */
};

#define ROW(call, state, code)   \
    {                            \
#call, call, state, code \
    }

static const struct bad_row rows[] = {
    ROW(accept_plain, TCP_NEW, WSAEINVAL),
    ROW(accept_plain, TCP_BOUND, WSAEINVAL),
    ROW(accept_plain, TCP_CONNECTED, WSAEINVAL),
    ROW(accept_plain, UDP_BOUND, WSAEOPNOTSUPP),
    ROW(accept_asks, TCP_LISTENING, WSAEWOULDBLOCK),
    ROW(accept_short, TCP_LISTENING, WSAEFAULT),
    ROW(async_no_window, TCP_NEW, WSAEINVAL),
    ROW(async_bits, TCP_NEW, WSAEINVAL),
    ROW(bind_null, TCP_NEW, WSAEFAULT),
    ROW(bind_short, TCP_NEW, WSAEFAULT),
    ROW(bind_negative, UDP_NEW, WSAEFAULT),
    ROW(bind_v6, TCP_NEW, WSAEAFNOSUPPORT),
    ROW(bind_foreign, UDP_NEW, WSAEADDRNOTAVAIL),
    ROW(bind_again, TCP_BOUND, WSAEINVAL),
    ROW(bind_again, TCP_CONNECTED, WSAEINVAL),
    ROW(bind_again, UDP_BOUND, WSAEINVAL),
    ROW(connect_null, TCP_NEW, WSAEFAULT),
    ROW(connect_short, TCP_NEW, WSAEFAULT),
    ROW(connect_v6, TCP_NEW, WSAEAFNOSUPPORT),
    ROW(connect_port0, TCP_NEW, WSAEADDRNOTAVAIL),
    ROW(connect_any, TCP_NEW, WSAEADDRNOTAVAIL),
    ROW(connect_foreign, UDP_NEW, WSAENETUNREACH),
    ROW(connect_plain, TCP_LISTENING, WSAEINVAL),
    ROW(connect_plain, TCP_CONNECTED, WSAEISCONN),
    ROW(connect_data, TCP_NEW, WSAEPROTONOSUPPORT),
    ROW(connect_data, UDP_NEW, 0),
    ROW(connect_qos, TCP_NEW, WSAEOPNOTSUPP),
    ROW(connect_group_qos, TCP_NEW, WSAEINVAL),
    ROW(duplicate_null, TCP_NEW, WSAEFAULT),
    ROW(duplicate_any, TCP_NEW, WSAEINVAL),
    ROW(enum_null, TCP_NEW, WSAEFAULT),
    ROW(event_no_event, TCP_NEW, WSAEINVAL),
    ROW(event_bits, TCP_NEW, WSAEINVAL),
    ROW(result_no_ov, TCP_NEW, WSAEFAULT),
    ROW(result_no_count, TCP_NEW, WSAEFAULT),
    ROW(result_no_flags, TCP_NEW, WSAEFAULT),
    ROW(peer_plain, TCP_NEW, WSAENOTCONN),
    ROW(peer_plain, TCP_LISTENING, WSAENOTCONN),
    ROW(peer_plain, UDP_BOUND, WSAENOTCONN),
    ROW(peer_null, TCP_CONNECTED, WSAEFAULT),
    ROW(peer_no_len, TCP_CONNECTED, WSAEFAULT),
    ROW(peer_short, TCP_CONNECTED, WSAEFAULT),
    ROW(name_plain, TCP_NEW, WSAEINVAL),
    ROW(name_null, TCP_BOUND, WSAEFAULT),
    ROW(name_no_len, TCP_BOUND, WSAEFAULT),
    ROW(name_is_short, TCP_BOUND, WSAEFAULT),
    ROW(getopt_null, TCP_NEW, WSAEFAULT),
    ROW(getopt_no_len, TCP_NEW, WSAEFAULT),
    ROW(getopt_level, TCP_NEW, WSAEINVAL),
    ROW(getopt_name, TCP_NEW, WSAENOPROTOOPT),
    ROW(qos_null, TCP_NEW, WSAEFAULT),
    ROW(qos_too_short, TCP_NEW, WSAEFAULT),
    ROW(qos_unknown, TCP_NEW, WSAEINVAL),
    ROW(qos_no_qos, TCP_NEW, WSAEFAULT),
    ROW(qos_list, TCP_NEW, 0),
    ROW(ioctl_unknown, TCP_NEW, WSAEOPNOTSUPP),
    ROW(ioctl_no_in, TCP_NEW, WSAEFAULT),
    ROW(ioctl_no_out, TCP_NEW, WSAEFAULT),
    ROW(ioctl_no_count, TCP_NEW, WSAEFAULT),
    ROW(join_plain, TCP_NEW, WSAEOPNOTSUPP),
    ROW(join_plain, UDP_NEW, WSAEINVAL),
    ROW(join_null, UDP_NEW, WSAEFAULT),
    ROW(listen_plain, TCP_NEW, WSAEINVAL),
    ROW(listen_plain, TCP_CONNECTED, WSAEISCONN),
    ROW(listen_plain, UDP_BOUND, WSAEOPNOTSUPP),
    ROW(recv_plain, TCP_NEW, WSAENOTCONN),
    ROW(recv_plain, TCP_LISTENING, WSAENOTCONN),
    ROW(recv_plain, UDP_NEW, WSAEINVAL),
    ROW(recv_plain, UDP_BOUND, WSAEWOULDBLOCK),
    ROW(recv_null, TCP_CONNECTED, WSAEFAULT),
    ROW(recv_null_buf, TCP_CONNECTED, WSAEFAULT),
    ROW(recv_negative, TCP_CONNECTED, WSAEFAULT),
    ROW(recv_no_count, TCP_CONNECTED, WSAEFAULT),
    ROW(recv_no_flags, TCP_CONNECTED, WSAEFAULT),
    ROW(recv_bad_flags, TCP_CONNECTED, WSAEOPNOTSUPP),
    ROW(recv_oob, TCP_CONNECTED, WSAEINVAL),
    ROW(recv_oob, UDP_BOUND, WSAEOPNOTSUPP),
    ROW(recv_all_peek, TCP_CONNECTED, WSAEOPNOTSUPP),
    ROW(recv_no_thread, TCP_CONNECTED, WSAEINVAL),
    ROW(recvfrom_plain, TCP_NEW, WSAENOTCONN),
    ROW(recvfrom_plain, UDP_NEW, WSAEINVAL),
    ROW(recvfrom_short, UDP_BOUND, WSAEFAULT),
    ROW(recvfrom_no_len, UDP_BOUND, WSAEFAULT),
    ROW(recvfrom_short, TCP_CONNECTED, WSAEWOULDBLOCK), /* ignored on streams */
    ROW(recvdis_data, TCP_CONNECTED, WSAENOPROTOOPT),
    ROW(recvdis_plain, TCP_NEW, WSAENOTCONN),
    ROW(send_plain, TCP_NEW, WSAENOTCONN),
    ROW(send_plain, TCP_LISTENING, WSAENOTCONN),
    ROW(send_plain, UDP_BOUND, WSAENOTCONN),
    ROW(send_null, TCP_CONNECTED, WSAEFAULT),
    ROW(send_null_buf, TCP_CONNECTED, WSAEFAULT),
    ROW(send_negative, TCP_CONNECTED, WSAEFAULT),
    ROW(send_no_count, TCP_CONNECTED, WSAEFAULT),
    ROW(send_partial, TCP_CONNECTED, WSAEOPNOTSUPP),
    ROW(send_bad_flags, TCP_CONNECTED, WSAEOPNOTSUPP),
    ROW(senddis_data, TCP_CONNECTED, WSAENOPROTOOPT),
    ROW(senddis_plain, TCP_NEW, WSAENOTCONN),
    ROW(sendto_nowhere, UDP_BOUND, WSAEDESTADDRREQ),
    ROW(sendto_nowhere, TCP_NEW, WSAENOTCONN),
    ROW(sendto_short, UDP_BOUND, WSAEFAULT),
    ROW(sendto_short, TCP_CONNECTED, 0), /* ignored on streams */
    ROW(sendto_v6, UDP_BOUND, WSAEAFNOSUPPORT),
    ROW(sendto_port0, UDP_BOUND, WSAEADDRNOTAVAIL),
    ROW(sendto_any, UDP_BOUND, WSAEADDRNOTAVAIL),
    ROW(setopt_null, TCP_NEW, WSAEFAULT),
    ROW(setopt_short, TCP_NEW, WSAEFAULT),
    ROW(setopt_level, TCP_NEW, WSAEINVAL),
    ROW(setopt_read_only, TCP_NEW, WSAENOPROTOOPT),
    ROW(shutdown_how, TCP_CONNECTED, WSAEINVAL),
    ROW(shutdown_negative, TCP_CONNECTED, WSAEINVAL),
    ROW(shutdown_plain, TCP_NEW, WSAENOTCONN),
    ROW(shutdown_plain, TCP_LISTENING, WSAENOTCONN),
    ROW(close_plain, STATES, WSAENOTSOCK), /* bad handles only */
};
#define ROWS (sizeof rows / sizeof rows[0])

static void reset_arguments(void)
{
    one_buf = (WSABUF){1, room};
    huge_buf = (WSABUF){UINT32_MAX, room};
    negative_bufs[0] = one_buf;
    negative_bufs[1] = huge_buf;
    flags_zero = 0;
    flags_oob = MSG_OOB;
    flags_bad = 0x40000000;
    flags_all_peek = MSG_WAITALL | MSG_PEEK;
    name_len = (INT)sizeof name_out;
    name_short = 15;
    memset(&ov_done, 0, sizeof ov_done);
    memset(&record, 0, sizeof record);
}

/* A socket in a state, nonblocking; peer is the other end of a connected one. */
static SOCKET make(enum bad_state state, SOCKET *peer)
{
    SOCKET s = INVALID_SOCKET;
    struct t_pair pair;

    *peer = INVALID_SOCKET;
    switch (state) {
    case TCP_NEW:
    case UDP_NEW:
        s = t_socket(AF_INET, state == TCP_NEW ? SOCK_STREAM : SOCK_DGRAM);
        break;
    case TCP_BOUND:
    case UDP_BOUND:
        s = t_bound(AF_INET, state == TCP_BOUND ? SOCK_STREAM : SOCK_DGRAM);
        break;
    case TCP_LISTENING:
        s = t_listener(AF_INET);
        break;
    case TCP_CONNECTED:
        pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
        s = pair.a;
        *peer = pair.b;
        break;
    case STATES:
        break;
    }
    assert_int_equal(t_nonblocking(s, true), 0);
    return s;
}

static void badargs__every_row__has_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct bad_row *row = &rows[i];
        SOCKET peer, s;
        INT code = 0;
        int result;

        if (row->state == STATES)
            continue;
        reset_arguments();
        s = make(row->state, &peer);
        result = row->call(s, &code);
        if (result == SOCKET_ERROR ? code != row->code : row->code != 0)
            fail_msg("%s on a %s: result %d, code %d, not %d", row->name, state_names[row->state], result, code,
                     row->code);
        if (row->code != 0) { /* and with nowhere to put the code */
            reset_arguments();
            assert_int_equal(row->call(s, NULL), SOCKET_ERROR);
        }
        t_close(s);
        if (peer != INVALID_SOCKET)
            t_close(peer);
    }
}

static void badargs__bad_handles__are_notsock_in_every_call(void **state)
{
    SOCKET stale = t_socket(AF_INET, SOCK_STREAM);
    const SOCKET bad[] = {stale, 0, 4096 * 4, 3, 65536 * 8, INVALID_SOCKET, (SOCKET)-4};

    (void)state;
    t_close(stale);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t h = 0; h < sizeof bad / sizeof bad[0]; h++) {
            INT code = 0;

            reset_arguments();
            if (rows[i].call(bad[h], &code) != SOCKET_ERROR || code != WSAENOTSOCK)
                fail_msg("%s, handle %zu: code %d", rows[i].name, h, code);
        }
}

static void badargs__not_started__is_notinitialised_in_every_call(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_STREAM);
    struct timeval none_at_all = {0};
    fd_set set = {.fd_count = 1, .fd_array = {s}};
    WCHAR text[8] = {'1', 0};
    DWORD chars = 8;

    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    for (size_t i = 0; i < ROWS; i++) {
        INT code = 0;

        reset_arguments();
        if (rows[i].call(s, &code) != SOCKET_ERROR || code != WSANOTINITIALISED)
            fail_msg("%s: code %d", rows[i].name, code);
    }
    t_fails(t_spi.lpWSPSelect(0, &set, NULL, NULL, &none_at_all, &t_err), WSANOTINITIALISED);
    t_fails(t_spi.lpWSPCancelBlockingCall(&t_err), WSANOTINITIALISED);
    t_fails(t_spi.lpWSPCleanup(&t_err), WSANOTINITIALISED);
    t_fails(t_spi.lpWSPAddressToString(v4(), 16, t_info(AF_INET, SOCK_STREAM), text, &chars, &t_err),
            WSANOTINITIALISED);
    t_fails(t_spi.lpWSPStringToAddress(text, AF_INET, t_info(AF_INET, SOCK_STREAM), v4(), &name_len, &t_err),
            WSANOTINITIALISED);
    t_fails((int)t_spi.lpWSPSocket(0, 0, 0, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err), WSANOTINITIALISED);
    assert_int_equal(t_host_start(state), 0);
}

static void badargs__slots_without_a_socket__check_too(void **state)
{
    (void)state;
    t_fails((int)t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, 0, NULL, 0, 0, &t_err), WSAEFAULT);
    t_fails(t_spi.lpWSPCancelBlockingCall(&t_err), WSAEINVAL); /* nothing blocks here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(badargs__every_row__has_its_code),
        cmocka_unit_test(badargs__bad_handles__are_notsock_in_every_call),
        cmocka_unit_test(badargs__not_started__is_notinitialised_in_every_call),
        cmocka_unit_test(badargs__slots_without_a_socket__check_too),
    };

    return cmocka_run_group_tests_name("spi_badargs", tests, t_host_start, t_host_stop);
}

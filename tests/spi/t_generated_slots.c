/** @file The slots, what is wrong with calls of them, and the codes and names that they are called with. */
#include "t_generated.h"

#include <limits.h>

#define P t_spi

static int gen_cond_answer;
static unsigned gen_routine_runs;

static int CALLBACK gen_cond(LPWSABUF a, LPWSABUF b, LPQOS c, LPQOS d, LPWSABUF e, LPWSABUF f, GROUP *g, DWORD_PTR h)
{
    (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    return gen_cond_answer;
}

static void CALLBACK gen_routine(DWORD code, DWORD bytes, LPWSAOVERLAPPED ov, DWORD flags)
{
    (void)code, (void)bytes, (void)ov, (void)flags;
    gen_routine_runs++;
}

/* The references that a test of WSPCleanup takes and gives back. */
static bool gen_started;

static int gen_cleanup(INT *err)
{
    void *none = NULL;

    if (gen_started && t_host_start(&none) != 0)
        fail_msg("no second start");
    return P.lpWSPCleanup(err);
}

#define N(type, i) ((type)v[i].n)
#define V(i) (v[i].p)
#define ROUTINE(i) (v[i].n ? gen_routine : NULL)
#define THUNK(name, expr)                                                      \
    static bool call_##name(const struct gen_value *v, INT *err, SOCKET *made) \
    {                                                                          \
        (void)v, (void)made;                                                   \
        return expr;                                                           \
    }
#define S N(SOCKET, 0)

THUNK(accept, (*made = P.lpWSPAccept(S, V(1), V(2), v[3].n ? gen_cond : NULL, 7, err)) != INVALID_SOCKET)
THUNK(to_text, P.lpWSPAddressToString(V(0), N(DWORD, 1), V(2), V(3), V(4), err) == 0)
THUNK(async, P.lpWSPAsyncSelect(S, (HWND)V(1), N(unsigned, 2), N(LONG, 3), err) == 0)
THUNK(bind, P.lpWSPBind(S, V(1), N(int, 2), err) == 0)
THUNK(cancel, P.lpWSPCancelBlockingCall(err) == 0)
THUNK(cleanup, gen_cleanup(err) == 0)
THUNK(close, P.lpWSPCloseSocket(S, err) == 0)
THUNK(connect, P.lpWSPConnect(S, V(1), N(int, 2), V(3), V(4), V(5), V(6), err) == 0)
THUNK(duplicate, P.lpWSPDuplicateSocket(S, N(DWORD, 1), V(2), err) == 0)
THUNK(enum_events, P.lpWSPEnumNetworkEvents(S, (WSAEVENT)V(1), V(2), err) == 0)
THUNK(event, P.lpWSPEventSelect(S, (WSAEVENT)V(1), N(LONG, 2), err) == 0)
THUNK(result, P.lpWSPGetOverlappedResult(S, V(1), V(2), N(BOOL, 3), V(4), err))
THUNK(peer_name, P.lpWSPGetPeerName(S, V(1), V(2), err) == 0)
THUNK(sock_name, P.lpWSPGetSockName(S, V(1), V(2), err) == 0)
THUNK(get_opt, P.lpWSPGetSockOpt(S, N(int, 1), N(int, 2), V(3), V(4), err) == 0)
THUNK(qos, P.lpWSPGetQOSByName(S, V(1), V(2), err))
THUNK(ioctl, P.lpWSPIoctl(S, N(DWORD, 1), V(2), N(DWORD, 3), V(4), N(DWORD, 5), V(6), V(7), ROUTINE(8), V(9), err) == 0)
THUNK(join, (*made = P.lpWSPJoinLeaf(S, V(1), N(int, 2), V(3), V(4), V(5), V(6), N(DWORD, 7), err)) != INVALID_SOCKET)
THUNK(listen, P.lpWSPListen(S, N(int, 1), err) == 0)
THUNK(recv, P.lpWSPRecv(S, V(1), N(DWORD, 2), V(3), V(4), V(5), ROUTINE(6), V(7), err) == 0)
THUNK(recv_end, P.lpWSPRecvDisconnect(S, V(1), err) == 0)
THUNK(recv_from, P.lpWSPRecvFrom(S, V(1), N(DWORD, 2), V(3), V(4), V(5), V(6), V(7), ROUTINE(8), V(9), err) == 0)
THUNK(select, P.lpWSPSelect(N(int, 0), V(1), V(2), V(3), V(4), err) != SOCKET_ERROR)
THUNK(send, P.lpWSPSend(S, V(1), N(DWORD, 2), V(3), N(DWORD, 4), V(5), ROUTINE(6), V(7), err) == 0)
THUNK(send_end, P.lpWSPSendDisconnect(S, V(1), err) == 0)
THUNK(send_to,
      P.lpWSPSendTo(S, V(1), N(DWORD, 2), V(3), N(DWORD, 4), V(5), N(int, 6), V(7), ROUTINE(8), V(9), err) == 0)
THUNK(set_opt, P.lpWSPSetSockOpt(S, N(int, 1), N(int, 2), V(3), N(int, 4), err) == 0)
THUNK(shutdown, P.lpWSPShutdown(S, N(int, 1), err) == 0)
THUNK(socket,
      (*made = P.lpWSPSocket(N(int, 0), N(int, 1), N(int, 2), V(3), N(GROUP, 4), N(DWORD, 5), err)) != INVALID_SOCKET)
THUNK(to_addr, P.lpWSPStringToAddress(V(0), N(INT, 1), V(2), V(3), V(4), err) == 0)

#define CODES(...) ((const int[]){__VA_ARGS__, 0})
#define F WSAEFAULT
#define LOST WSAECONNRESET, WSAECONNABORTED, WSAENETRESET, WSAETIMEDOUT
#define GONE WSAECONNRESET, WSAECONNABORTED, WSAETIMEDOUT
#define RECV_CODES \
    WSAENOTCONN, F, WSAEOPNOTSUPP, WSAESHUTDOWN, WSAEWOULDBLOCK, WSAEMSGSIZE, WSAEINVAL, LOST, WSA_IO_PENDING
#define SEND_CODES RECV_CODES, WSAEACCES, WSAENOBUFS
#define CONNECT_CODES                                                                                              \
    WSAEADDRINUSE, WSAEALREADY, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAECONNREFUSED, F, WSAEISCONN, WSAENETUNREACH, \
        WSAEHOSTUNREACH, WSAENOBUFS, WSAEOPNOTSUPP, WSAEPROTONOSUPPORT, WSAETIMEDOUT, WSAEINVAL

#define A(kind, base, need)      \
    {                            \
        K_##kind, (base), (need) \
    }
#define OV_ARGS A(OV, 0, 0), A(ROUTINE, 0, 0), A(THREAD, 0, 0)
#define SOCK A(SOCKET, 0, 0)
#define TO(need) A(NAME, 0, need), A(LEN, 0, need)
#define DATA_AND_QOS A(DATA, 0, 0), A(DATA, 0, 0), A(QOS, 0, 0), A(QOS, 0, 0)
#define BUFFERS A(BUFS, 0, F), A(COUNT, 0, 0), A(DWORD, 0, F)
#define ROW(name, call, moves, tells_length, codes, ...)      \
    {                                                         \
        name, call, {__VA_ARGS__}, codes, moves, tells_length \
    }

const struct gen_slot gen_slots[GEN_SLOTS] = {
    ROW("Accept", call_accept, false, false,
        CODES(WSAECONNREFUSED, WSAECONNRESET, F, WSAEINVAL, WSAEOPNOTSUPP, WSATRY_AGAIN, WSAEWOULDBLOCK, WSAEACCES),
        SOCK, A(OUT, 16, 0), A(LENP, -1, F), A(COND, 0, 0)),
    ROW("AddressToString", call_to_text, false, true, CODES(F, WSAEINVAL), A(NAME, 0, F), A(LEN, 0, WSAEINVAL),
        A(INFO, 0, 0), A(OUT, 12 * 2, F), A(CHARS, 0, F)),
    ROW("AsyncSelect", call_async, false, false, CODES(WSAEINVAL), SOCK, A(WINDOW, 0, WSAEINVAL), A(NUM, 0x401, 0),
        A(FLAGS, FD_READ, 0)),
    ROW("Bind", call_bind, false, false,
        CODES(WSAEADDRINUSE, WSAEADDRNOTAVAIL, F, WSAEINVAL, WSAENOBUFS, WSAEACCES, WSAEAFNOSUPPORT), SOCK,
        A(NAME, 1, F), A(LEN, 0, F)),
    ROW("CancelBlockingCall", call_cancel, false, false, CODES(WSAEINVAL), A(END, 0, 0)),
    ROW("Cleanup", call_cleanup, false, false, CODES(WSANOTINITIALISED), A(END, 0, 0)),
    ROW("CloseSocket", call_close, false, false, CODES(WSAEWOULDBLOCK), SOCK),
    ROW("Connect", call_connect, true, false, CODES(CONNECT_CODES, WSAEWOULDBLOCK, WSAEACCES), SOCK, TO(F),
        DATA_AND_QOS),
    ROW("DuplicateSocket", call_duplicate, false, false, CODES(WSAEINVAL, WSAEMFILE, WSAENOBUFS, F), SOCK, A(NUM, 0, 0),
        A(OUT, sizeof(WSAPROTOCOL_INFOW), F)),
    ROW("EnumNetworkEvents", call_enum_events, false, false, CODES(WSAEINVAL, F), SOCK, A(EVENT, 0, 0),
        A(OUT, sizeof(WSANETWORKEVENTS), F)),
    ROW("EventSelect", call_event, false, false, CODES(WSAEINVAL), SOCK, A(EVENT, 0, WSAEINVAL), A(FLAGS, FD_READ, 0)),
    ROW("GetOverlappedResult", call_result, false, false,
        CODES(WSA_INVALID_HANDLE, WSAEINVAL, WSA_IO_INCOMPLETE, F, WSAECONNRESET), SOCK, A(DONE, 0, F), A(DWORD, 0, F),
        A(BOOL, 0, 0), A(FLAGSP, 0, F)),
    ROW("GetPeerName", call_peer_name, false, false, CODES(F, WSAENOTCONN), SOCK, A(OUT, 16, F), A(LENP, 0, F)),
    ROW("GetSockName", call_sock_name, false, false, CODES(F, WSAEINVAL), SOCK, A(OUT, 16, F), A(LENP, 0, F)),
    ROW("GetSockOpt", call_get_opt, false, true, CODES(F, WSAEINVAL, WSAENOPROTOOPT), SOCK, A(NUM, 0, 0), A(NUM, 0, 0),
        A(OUT, 0, F), A(LENP, 0, 0)),
    ROW("GetQOSByName", call_qos, false, false, CODES(F, WSAEINVAL, WSAEOPNOTSUPP), SOCK, A(QNAME, 0, F),
        A(OUT, sizeof(QOS), 0)),
    ROW("Ioctl", call_ioctl, false, true,
        CODES(WSA_IO_PENDING, F, WSAEINVAL, WSAEOPNOTSUPP, WSAEWOULDBLOCK, WSAENOPROTOOPT), SOCK, A(NUM, 0, 0),
        A(IN, 0, F), A(LEN, 0, 0), A(OUT, 0, F), A(LEN, 0, 0), A(DWORD, 0, F), OV_ARGS),
    ROW("JoinLeaf", call_join, true, false, CODES(CONNECT_CODES), SOCK, TO(F), DATA_AND_QOS, A(FLAGS, JL_BOTH, 0)),
    ROW("Listen", call_listen, false, false,
        CODES(WSAEADDRINUSE, WSAEINVAL, WSAEISCONN, WSAEMFILE, WSAENOBUFS, WSAEOPNOTSUPP), SOCK, A(NUM, 5, 0)),
    ROW("Recv", call_recv, false, false, CODES(RECV_CODES), SOCK, BUFFERS, A(FLAGSP, 0, F), OV_ARGS),
    ROW("RecvDisconnect", call_recv_end, false, false, CODES(F, WSAENOPROTOOPT, WSAENOTCONN, WSAEWOULDBLOCK, GONE),
        SOCK, A(DATA, 0, 0)),
    ROW("RecvFrom", call_recv_from, false, false, CODES(RECV_CODES), SOCK, BUFFERS, A(FLAGSP, 0, F), A(OUT, 16, 0),
        A(LENP, 0, 0), OV_ARGS),
    ROW("Select", call_select, false, false, CODES(F, WSAEINVAL), A(NUM, 0, 0), A(SET, 0, 0), A(SET, 0, 0),
        A(SET, 0, 0), A(TIMEOUT, 0, WSAEINVAL)),
    ROW("Send", call_send, false, false, CODES(SEND_CODES), SOCK, BUFFERS, A(FLAGS, 0, 0), OV_ARGS),
    ROW("SendDisconnect", call_send_end, false, false, CODES(F, WSAENOPROTOOPT, WSAENOTCONN, GONE), SOCK,
        A(DATA, 0, 0)),
    ROW("SendTo", call_send_to, false, false,
        CODES(SEND_CODES, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEDESTADDRREQ, WSAENETUNREACH, WSAEHOSTUNREACH), SOCK,
        BUFFERS, A(FLAGS, 0, 0), TO(0), OV_ARGS),
    ROW("SetSockOpt", call_set_opt, false, false,
        CODES(F, WSAEINVAL, WSAENETRESET, WSAENOPROTOOPT, WSAENOTCONN, WSAEADDRNOTAVAIL, WSAENOBUFS), SOCK,
        A(NUM, 0, 0), A(NUM, 0, 0), A(IN, 0, F), A(LEN, 0, 0)),
    ROW("Shutdown", call_shutdown, false, false, CODES(WSAEINVAL, WSAENOTCONN, GONE), SOCK, A(NUM, SD_SEND, 0)),
    ROW("Socket", call_socket, false, false,
        CODES(WSAEAFNOSUPPORT, WSAEMFILE, WSAENOBUFS, WSAEPROTONOSUPPORT, WSAEPROTOTYPE, WSAESOCKTNOSUPPORT, WSAEINVAL,
              WSAEACCES, F),
        A(NUM, AF_INET, 0), A(NUM, SOCK_STREAM, 0), A(NUM, IPPROTO_TCP, 0), A(INFO, 0, F), A(NUM, 0, 0),
        A(FLAGS, WSA_FLAG_OVERLAPPED, 0)),
    ROW("StringToAddress", call_to_addr, false, true, CODES(F, WSAEINVAL), A(TEXT, 0, F), A(NUM, AF_INET, 0),
        A(INFO, 0, 0), A(OUT, 16, F), A(LENP, 0, F)),
};

const struct gen_edit gen_edits[] = {
    {K_SOCKET, EDIT_HANDLE, H_INVALID, X_NOTSOCK},
    {K_SOCKET, EDIT_HANDLE, H_ZERO, X_NOTSOCK},
    {K_SOCKET, EDIT_HANDLE, H_CLOSED, X_NOTSOCK},
    {K_SOCKET, EDIT_HANDLE, H_NEVER, X_NOTSOCK},
    {K_SOCKET, EDIT_HANDLE, H_ODD, X_NOTSOCK},
    {K_SOCKET, EDIT_HANDLE, H_EVENT, X_NOTSOCK},
    {K_NAME, EDIT_NULL, 0, X_NEED},
    {K_IN, EDIT_NULL, 0, X_NEED},
    {K_OUT, EDIT_NULL, 0, X_NEED},
    {K_LEN, EDIT_LEN, 0, X_NEED},
    {K_LEN, EDIT_SHORT, 1, X_NEED},
    {K_LEN, EDIT_LEN, 1, X_NEED},
    {K_LEN, EDIT_LEN, -1, X_NEED},
    {K_LEN, EDIT_LEN, INT_MIN, X_NEED},
    {K_LEN, EDIT_LEN, INT_MAX, X_NOT_FAULT},
    {K_LENP, EDIT_NULL, 0, X_NEED},
    {K_LENP, EDIT_LEN, 0, X_NEED},
    {K_LENP, EDIT_SHORT, 1, X_NEED},
    {K_LENP, EDIT_LEN, 1, X_NEED},
    {K_LENP, EDIT_LEN, -1, X_NEED},
    {K_LENP, EDIT_LEN, INT_MIN, X_NEED},
    {K_LENP, EDIT_LEN, INT_MAX, X_NOT_FAULT},
    {K_CHARS, EDIT_NULL, 0, X_NEED},
    {K_CHARS, EDIT_LEN, 0, X_NEED},
    {K_CHARS, EDIT_SHORT, 1, X_NEED},
    {K_CHARS, EDIT_LEN, -1, X_NOT_FAULT},
    {K_CHARS, EDIT_LEN, INT_MAX, X_NOT_FAULT},
    {K_BUFS, EDIT_NULL, 0, X_NEED},
    {K_BUFS, EDIT_INNER_NULL, 0, X_NEED},
    {K_BUFS, EDIT_INNER_LEN, 0, X_NOT_FAULT},
    {K_BUFS, EDIT_INNER_LEN, UINT_MAX, X_NEED},
    {K_BUFS, EDIT_INNER_LEN, 0x80000000LL, X_NEED},
    {K_COUNT, EDIT_NUM, 0, X_ANY},
    {K_DWORD, EDIT_NULL, 0, X_NEED},
    {K_FLAGS, EDIT_BITS, 0, X_ANY},
    {K_FLAGS, EDIT_NUM, -1, X_ANY},
    {K_FLAGSP, EDIT_NULL, 0, X_NEED},
    {K_FLAGSP, EDIT_BITS, 0, X_ANY},
    {K_FLAGSP, EDIT_NUM, -1, X_ANY},
    {K_NUM, EDIT_BITS, 0, X_ANY},
    {K_NUM, EDIT_NUM, 0, X_ANY},
    {K_NUM, EDIT_NUM, -1, X_ANY},
    {K_NUM, EDIT_NUM, INT_MAX, X_ANY},
    {K_BOOL, EDIT_NUM, 1, X_ANY},
    {K_OV, EDIT_PRESENT, 0, X_ANY},
    {K_OV, EDIT_PRESENT, 1, X_ANY},
    {K_ROUTINE, EDIT_PRESENT, 0, X_ANY}, /* with a structure, and no thread to run it */
    {K_THREAD, EDIT_PRESENT, 0, X_ANY},  /* with a structure, a routine and this thread */
    {K_DATA, EDIT_PRESENT, 1, X_ANY},
    {K_DATA, EDIT_PRESENT, 0, X_ANY},
    {K_DATA, EDIT_INNER_NULL, 0, X_ANY},
    {K_DATA, EDIT_INNER_LEN, UINT_MAX, X_ANY},
    {K_QOS, EDIT_PRESENT, 0, X_ANY},
    {K_EVENT, EDIT_NULL, 0, X_NEED},
    {K_WINDOW, EDIT_NULL, 0, X_NEED},
    {K_INFO, EDIT_NULL, 0, X_NEED},
    {K_SET, EDIT_NULL, 0, X_ANY},
    {K_SET, EDIT_NUM, 0, X_ANY},
    {K_SET, EDIT_HANDLE, H_INVALID, X_NOTSOCK},
    {K_SET, EDIT_HANDLE, H_ZERO, X_NOTSOCK},
    {K_SET, EDIT_HANDLE, H_CLOSED, X_NOTSOCK},
    {K_SET, EDIT_HANDLE, H_NEVER, X_NOTSOCK},
    {K_SET, EDIT_HANDLE, H_ODD, X_NOTSOCK},
    {K_SET, EDIT_HANDLE, H_EVENT, X_NOTSOCK},
    {K_TIMEOUT, EDIT_NULL, 0, X_ANY},
    {K_TIMEOUT, EDIT_NUM, -1, X_NEED},
    {K_TIMEOUT, EDIT_INNER_LEN, -1, X_NEED},
    {K_TEXT, EDIT_NULL, 0, X_NEED},
    {K_TEXT, EDIT_LEN, 0, X_ANY},
    {K_TEXT, EDIT_LEN, 3, X_ANY},
    {K_COND, EDIT_PRESENT, CF_ACCEPT, X_ANY},
    {K_COND, EDIT_PRESENT, CF_REJECT, X_ANY},
    {K_COND, EDIT_PRESENT, CF_DEFER, X_ANY},
    {K_COND, EDIT_PRESENT, 77, X_ANY},
    {K_DONE, EDIT_NULL, 0, X_NEED},
    {K_DONE, EDIT_NUM, GEN_PENDING, X_ANY},
    {K_DONE, EDIT_INNER_LEN, WSAECONNRESET, X_ANY},
    {K_QNAME, EDIT_NULL, 0, X_NEED},
    {K_QNAME, EDIT_INNER_NULL, 0, X_NEED},
    {K_QNAME, EDIT_INNER_LEN, 0, X_ANY},
    {K_QNAME, EDIT_INNER_LEN, 1, X_NEED},
};
const size_t gen_edits_count = sizeof gen_edits / sizeof gen_edits[0];

static const struct gen_variant plain = {0, 0, 4, 4};

static const struct gen_variant options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 4, 4},      {SOL_SOCKET, SO_RCVBUF, 4, 4},    {SOL_SOCKET, SO_LINGER, 4, 4},
    {SOL_SOCKET, SO_ERROR, 4, 4},          {SOL_SOCKET, SO_BROADCAST, 4, 4}, {SOL_SOCKET, SO_PROTOCOL_INFOW, 628, 628},
    {IPPROTO_TCP, TCP_NODELAY, 4, 4},      {IPPROTO_TCP, 3, 4, 4},           {IPPROTO_IP, IP_TTL, 4, 4},
    {IPPROTO_IP, IP_ADD_MEMBERSHIP, 8, 8}, {IPPROTO_IP, IP_OPTIONS, 4, 4},   {IPPROTO_IPV6, IPV6_V6ONLY, 4, 4},
    {IPPROTO_IP, IP_MULTICAST_IF, 4, 4},   {IPPROTO_UDP, 2, 4, 4},           {IPPROTO_IPV6, IPV6_JOIN_GROUP, 20, 20},
};

static const struct gen_variant codes[] = {
    {0, (int)FIONBIO, 4, 0},
    {0, (int)FIONREAD, 0, 4},
    {0, (int)SIOCATMARK, 0, 4},
    {0, (int)SIO_FLUSH, 0, 0},
    {0, (int)SIO_GET_BROADCAST_ADDRESS, 0, 16},
    {0, (int)SIO_ADDRESS_LIST_QUERY, 0, 256},
    {0, (int)SIO_ROUTING_INTERFACE_QUERY, 16, 16},
    {0, (int)SIO_GET_EXTENSION_FUNCTION_POINTER, 16, (int)sizeof(void *)},
    {0, (int)SIO_MULTIPOINT_LOOPBACK, 4, 0},
    {0, (int)SIO_MULTICAST_SCOPE, 4, 0},
    {0, (int)SIO_GET_INTERFACE_LIST, 0, 512},
    {0, (int)SIO_KEEPALIVE_VALS, 12, 0},
    {0, (int)SIO_RCVALL, 4, 4},
    {0, (int)SIO_UDP_CONNRESET, 4, 0},
};

const struct gen_variant *gen_variants(const struct gen_slot *slot, size_t *count)
{
    ptrdiff_t at = slot - gen_slots;

    *count = at == GEN_IOCTL ? sizeof codes / sizeof codes[0] : sizeof options / sizeof options[0];
    if (at == GEN_IOCTL)
        return codes;
    if (at == GEN_GET_OPTION || at == GEN_SET_OPTION)
        return options;
    *count = 1;
    return &plain;
}

void gen_answer_set(int answer)
{
    gen_cond_answer = answer;
}

unsigned gen_routine_count(void)
{
    return gen_routine_runs;
}

void gen_started_set(bool started)
{
    gen_started = started;
}

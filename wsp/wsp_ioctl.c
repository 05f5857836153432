/** @file Control codes. */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_extension.h"
#include "wsp_many.h"
#include "wsp_option.h"
#include "wsp_overlapped.h"
#include "wsp_private_abi.h"
#include "wsp_ready.h"
#include "wsp_rio.h"
#include "wsp_sdk.h"
#include "wsp_share.h"

/* Layout of codes: rules 5.7, WSPIOCTL-2. */
#define IOCTL_DIRECTION_MASK 0xe0000000u
#define IOCTL_TYPE_MASK 0x18000000u
#define IOCTL_FAMILY_SHIFT 16
#define IOCTL_FAMILY_MASK 0x7ffu

int wsp_ioctl_put(struct wsp_ioctl_call *call, const void *what, size_t size)
{
    memcpy(call->out, what, size);
    call->returned = (DWORD)size;
    return 0;
}

uint32_t wsp_ioctl_in32(const struct wsp_ioctl_call *call)
{
    uint32_t value;

    memcpy(&value, call->in, sizeof value);
    return value;
}

static int ioctl_fionbio(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return wsp_events_blocking(sock, wsp_ioctl_in32(call) == 0);
}

/* CF-4: all queued bytes, of datagrams too. */
static int ioctl_fionread(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_sock_status status;
    ULONG bytes;

    stk_sock_status(sock->stk, &status);
    bytes = status.rx_bytes > UINT32_MAX ? UINT32_MAX : (ULONG)status.rx_bytes;
    return wsp_ioctl_put(call, &bytes, sizeof bytes);
}

/* WSPIOCTL-5, X2: in line, what is before the mark was read; beside the stream, no urgent byte waits. */
static int ioctl_atmark(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    int32_t in_line = 0;
    int err = stk_sock_opt_get(sock->stk, STK_OPT_OOBINLINE, &in_line);
    BOOL mark = in_line != 0 ? stk_sock_mark(sock->stk) != STK_MARK_AHEAD
                             : !(stk_sock_ready(sock->stk) & STK_READY_OOB);

    if (err != STK_OK)
        return wsp_error_of(WSP_OP_ANY, err);
    return wsp_ioctl_put(call, &mark, sizeof mark);
}

/* WSPIOCTL-7: a base provider is its own base. */
static int ioctl_base_handle(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    SOCKET handle = wsp_share_handle(sock, call->handle);

    if (call->code == SIO_BSP_HANDLE_POLL && call->overlapped)
        return WSAEFAULT;
    if (call->code == SIO_BASE_HANDLE && call->overlapped)
        return WSAEOPNOTSUPP;
    return wsp_ioctl_put(call, &handle, sizeof handle);
}

static int ioctl_keepalive(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct tcp_keepalive given;
    int code = 0;

    memcpy(&given, call->in, sizeof given);
    if (given.onoff != 0 && (given.keepalivetime > INT32_MAX || given.keepaliveinterval > INT32_MAX))
        return WSAEINVAL;
    /* Zero, which Windows takes, leaves a time as it is. */
    if (given.onoff != 0 && given.keepalivetime != 0)
        code = wsp_option_stack_set(sock, STK_OPT_KEEPIDLE_MS, (int32_t)given.keepalivetime);
    if (code == 0 && given.onoff != 0 && given.keepaliveinterval != 0)
        code = wsp_option_stack_set(sock, STK_OPT_KEEPINTVL_MS, (int32_t)given.keepaliveinterval);
    return code != 0 ? code : wsp_option_stack_set(sock, STK_OPT_KEEPALIVE, given.onoff != 0);
}

static int ioctl_udp_connreset(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return wsp_option_stack_set(sock, STK_OPT_UDP_CONNRESET, wsp_ioctl_in32(call) != 0);
}

static int ioctl_udp_netreset(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return wsp_option_stack_set(sock, STK_OPT_UDP_NETRESET, wsp_ioctl_in32(call) != 0);
}

/* IOCP-30, IOCP-31: our ws2_32 had CancelIo or CancelIoEx called. */
static int ioctl_cancel(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct wsp_cancel_abi given;
    LPWSAOVERLAPPED one = NULL;
    uint32_t taken;

    memcpy(&given, call->in, sizeof given);
    if (given.scope > WSP_CANCEL_THREAD || given.reserved != 0)
        return WSAEINVAL;
    if (given.scope == WSP_CANCEL_ONE) {
        if (given.overlapped == 0)
            return WSAEINVAL;
        one = (LPWSAOVERLAPPED)(uintptr_t)given.overlapped;
    }
    taken = wsp_requests_cancel(sock, given.scope == WSP_CANCEL_THREAD, one);
    return wsp_ioctl_put(call, &taken, sizeof taken);
}

/* IOCP-36: WPU-24 leaves the provider ignorant of ports otherwise. */
static int ioctl_port(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)call;
    if (!(sock->flags & WSA_FLAG_OVERLAPPED))
        return WSAEPROTOTYPE;
    atomic_store_explicit(&sock->ported, 1, memory_order_relaxed);
    return 0;
}

#define STREAMS WSP_OPT_STREAM
#define MSGS (WSP_OPT_DGRAM | WSP_OPT_RAW)

static const struct wsp_ioctl_row ioctl_socket_rows[] = {
    {FIONBIO, 4, 0, 0, 0, ioctl_fionbio, 0},
    {FIONREAD, 0, 4, 0, 0, ioctl_fionread, 0},
    {SIOCATMARK, 0, 4, STREAMS, WSAEINVAL, ioctl_atmark, 0},
    {SIO_BASE_HANDLE, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_QUERY_TARGET_PNP_HANDLE, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE_SELECT, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE_POLL, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_KEEPALIVE_VALS, sizeof(struct tcp_keepalive), 0, STREAMS, WSAENOPROTOOPT, ioctl_keepalive, 0},
    {SIO_UDP_CONNRESET, 4, 0, WSP_OPT_DGRAM, WSAEINVAL, ioctl_udp_connreset, 0},
    {SIO_UDP_NETRESET, 4, 0, WSP_OPT_DGRAM, WSAEINVAL, ioctl_udp_netreset, 0},
    {WSP_IOCTL_CANCEL, sizeof(struct wsp_cancel_abi), sizeof(uint32_t), 0, 0, ioctl_cancel, 0},
    {WSP_IOCTL_PORT, 0, 0, 0, 0, ioctl_port, 0},
    {WSP_IOCTL_ADAPTERS, 0, 0, 0, 0, wsp_ioctl_adapters, 0},
    {WSP_IOCTL_READY, 0, 0, 0, 0, wsp_ready_ask, 0},
    {SIO_GET_EXTENSION_FUNCTION_POINTER, sizeof(GUID), sizeof(void (*)(void)), 0, 0, wsp_extension_get, 0},
    {SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, 0, 0, 0, 0, wsp_rio_table_get, 0},
    {SIO_ASSOCIATE_HANDLE, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_TRANSLATE_HANDLE, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_GET_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_SET_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_GET_GROUP_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_SET_GROUP_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
};
static const struct wsp_ioctl_group ioctl_socket = WSP_IOCTL_GROUP(ioctl_socket_rows);

static const struct wsp_ioctl_group *const ioctl_groups[] = {&ioctl_socket,   &wsp_ioctl_mcast, &wsp_ioctl_port,
                                                             &wsp_ioctl_net,  &wsp_ioctl_tcp,   &wsp_ioctl_route,
                                                             &wsp_ioctl_stamp};

static bool ioctl_type_fits(const struct wsp_socket *sock, const struct wsp_ioctl_row *row)
{
    static const unsigned types[] = {
        [SOCK_STREAM] = WSP_OPT_STREAM, [SOCK_DGRAM] = WSP_OPT_DGRAM, [SOCK_RAW] = WSP_OPT_RAW};

    return row->types == 0 || (row->types & types[sock->type]) != 0;
}

/* X8; WSPIOCTL-13: a code of another address family is not for this socket. One without a direction is none at all. */
static int ioctl_unknown(const struct wsp_socket *sock, DWORD code)
{
    bool of_family = (code & IOCTL_TYPE_MASK) == IOC_PROTOCOL && (code & IOCTL_DIRECTION_MASK) != 0;

    return of_family && (int)((code >> IOCTL_FAMILY_SHIFT) & IOCTL_FAMILY_MASK) != sock->family ? WSAEINVAL
                                                                                                : WSAEOPNOTSUPP;
}

static int ioctl_run(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    const struct wsp_ioctl_row *row = NULL;

    for (unsigned g = 0; g < sizeof ioctl_groups / sizeof ioctl_groups[0]; g++)
        for (unsigned i = 0; i < ioctl_groups[g]->count; i++)
            if (ioctl_groups[g]->rows[i].code == call->code)
                row = &ioctl_groups[g]->rows[i];
    call->report = !row || (row->in_bytes > 0 && row->out_bytes == 0 && !call->overlapped); /* 0 on failure */
    if (!row)
        return ioctl_unknown(sock, call->code);
    if (!ioctl_type_fits(sock, row))
        return row->wrong_type;
    if ((row->in_bytes > 0 && (call->in_bytes < row->in_bytes || !wsp_memory_readable(call->in, row->in_bytes))) ||
        (row->out_bytes > 0 && (call->out_bytes < row->out_bytes || !wsp_memory_readable(call->out, row->out_bytes))))
        return WSAEFAULT;
    return row->run ? row->run(sock, call) : row->refused;
}

/* Codes that complete when something changes: only these may do without a place for the count. */
static bool ioctl_waits(DWORD code)
{
    return code == SIO_ADDRESS_LIST_CHANGE || code == SIO_ROUTING_INTERFACE_CHANGE ||
           code == SIO_IDEAL_SEND_BACKLOG_CHANGE;
}

/* Codes that the Winsock library answers itself on Windows: the indication of their success has no count. */
static bool ioctl_is_uncounted(DWORD code)
{
    static const DWORD codes[] = {FIONREAD,
                                  SIOCATMARK,
                                  SIO_GET_EXTENSION_FUNCTION_POINTER,
                                  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
                                  SIO_ADDRESS_LIST_QUERY,
                                  SIO_ROUTING_INTERFACE_QUERY};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* Does the call itself tell the count, after what ran gave this code? Not where the indication comes later: ioctl_indicate. */
static bool ioctl_tells(const struct wsp_ioctl_call *call, int code)
{
    if (code == 0)
        return !call->overlapped || call->code != SIO_GET_INTERFACE_LIST;
    return call->report && code != WSA_IO_PENDING && !(call->overlapped && code == WSAEOPNOTSUPP);
}

/*
 * What an overlapped call says and what its indication does (Windows, as conformance suites observe): the count is the
 * call's, and that of the indication may be none. What no driver knows, and the question for the base handle, which
 * is never overlapped, is refused by the indication; the list of interfaces comes with it.
 */
static int ioctl_indicate(const struct wsp_call *done, const struct wsp_ioctl_call *call, int code)
{
    if (code == WSAEOPNOTSUPP)
        return wsp_request_complete_later(done, WSAEOPNOTSUPP, 0);
    if (call->code == SIO_GET_INTERFACE_LIST && (code == 0 || (code == WSAEFAULT && call->out))) /* too small */
        return wsp_request_complete_later(done, code, call->returned);
    if (code != 0)
        return code;
    return wsp_request_complete_now(done, ioctl_is_uncounted(call->code) ? 0 : call->returned);
}

/**
 * WSPIoctl. Most codes complete at once; those of changes wait for one. Context: any thread.
 * Source: rules WSPIOCTL-1..13, IOC-1..6.
 */
int WSPAPI wsp_ioctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer, LPVOID lpvOutBuffer,
                     DWORD cbOutBuffer, LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct wsp_ioctl_call call = {.code = dwIoControlCode,
                                  .in = lpvInBuffer,
                                  .in_bytes = lpvInBuffer ? cbInBuffer : 0,
                                  .out = lpvOutBuffer,
                                  .out_bytes = lpvOutBuffer ? cbOutBuffer : 0,
                                  .out_missing = !lpvOutBuffer && cbOutBuffer > 0,
                                  .handle = s};
    struct wsp_call done = {
        .overlapped = lpOverlapped, .routine = lpCompletionRoutine, .thread = lpThreadId, .handle = s};
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    call.overlapped = lpOverlapped && (sock->flags & WSA_FLAG_OVERLAPPED);
    done.sock = sock;
    call.pend = &done;
    if (!lpcbBytesReturned && !(call.overlapped && ioctl_waits(dwIoControlCode)))
        code = WSAEFAULT; /* WSPIOCTL-10 */
    if (code == 0 && call.overlapped && lpCompletionRoutine && !lpThreadId)
        code = WSAEINVAL;
    if (code == 0) {
        code = ioctl_run(sock, &call);
        /* Before the indication: who takes that may give back the count's place. */
        if (lpcbBytesReturned && ioctl_tells(&call, code))
            *lpcbBytesReturned = call.returned;
        if (call.overlapped && code != WSA_IO_PENDING)
            code = ioctl_indicate(&done, &call, code);
    }
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

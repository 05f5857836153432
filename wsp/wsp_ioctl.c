/** @file Control codes. */
#include "wsp_ioctl.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_option.h"
#include "wsp_overlapped.h"
#include "wsp_private_abi.h"
#include "wsp_sdk.h"

#include <stdlib.h>

#define IOCTL_INTERFACES_MAX (STK_CONF_PORTS_MAX + STK_CONF_INSTANCES_MAX)

/* The arguments and what a handler returns. */
struct ioctl_call {
    DWORD code;
    const char *in;
    DWORD in_bytes;
    char *out;
    DWORD out_bytes;
    DWORD returned; /* bytes written, or needed with WSAEFAULT where the code says so */
    bool overlapped;
    bool report; /* returned is told although the call fails */
};

typedef int (*ioctl_fn)(struct wsp_socket *sock, struct ioctl_call *call);

struct ioctl_row {
    DWORD code;
    DWORD in_bytes;  /* least */
    DWORD out_bytes; /* least */
    unsigned types;  /* WSP_OPT_STREAM ...; 0: all */
    int wrong_type;  /* code for another type */
    ioctl_fn run;
    int refused; /* the answer of a row without run */
};

static int ioctl_put(struct ioctl_call *call, const void *what, size_t size)
{
    memcpy(call->out, what, size);
    call->returned = (DWORD)size;
    return 0;
}

static uint32_t ioctl_in32(const struct ioctl_call *call)
{
    uint32_t value;

    memcpy(&value, call->in, sizeof value);
    return value;
}

static int ioctl_fionbio(struct wsp_socket *sock, struct ioctl_call *call)
{
    uint32_t on = ioctl_in32(call);

    if (on == 0 && wsp_events_registered(sock))
        return WSAEINVAL; /* DSC-10 */
    atomic_store(&sock->nonblocking, on != 0);
    return 0;
}

/* CF-4: all queued bytes, of datagrams too. */
static int ioctl_fionread(struct wsp_socket *sock, struct ioctl_call *call)
{
    struct stk_sock_status status;
    ULONG bytes;

    stk_sock_status(sock->stk, &status);
    bytes = status.rx_bytes > UINT32_MAX ? UINT32_MAX : (ULONG)status.rx_bytes;
    return ioctl_put(call, &bytes, sizeof bytes);
}

/* WSPIOCTL-5: no urgent data is ever ahead. */
static int ioctl_atmark(struct wsp_socket *sock, struct ioctl_call *call)
{
    BOOL mark = !(stk_sock_ready(sock->stk) & STK_READY_OOB);

    return ioctl_put(call, &mark, sizeof mark);
}

/* WSPIOCTL-7: a base provider is its own base. */
static int ioctl_base_handle(struct wsp_socket *sock, struct ioctl_call *call)
{
    SOCKET handle = atomic_load(&sock->handle);

    if (call->code == SIO_BSP_HANDLE_POLL && call->overlapped)
        return WSAEFAULT;
    return ioctl_put(call, &handle, sizeof handle);
}

static int ioctl_keepalive(struct wsp_socket *sock, struct ioctl_call *call)
{
    struct tcp_keepalive given;
    int code = 0;

    memcpy(&given, call->in, sizeof given);
    if (given.onoff != 0 && (given.keepalivetime == 0 || given.keepalivetime > INT32_MAX ||
                             given.keepaliveinterval == 0 || given.keepaliveinterval > INT32_MAX))
        return WSAEINVAL;
    if (given.onoff != 0)
        code = wsp_option_stack_set(sock, STK_OPT_KEEPIDLE_MS, (int32_t)given.keepalivetime);
    if (code == 0 && given.onoff != 0)
        code = wsp_option_stack_set(sock, STK_OPT_KEEPINTVL_MS, (int32_t)given.keepaliveinterval);
    return code != 0 ? code : wsp_option_stack_set(sock, STK_OPT_KEEPALIVE, given.onoff != 0);
}

static int ioctl_udp_connreset(struct wsp_socket *sock, struct ioctl_call *call)
{
    return wsp_option_stack_set(sock, STK_OPT_UDP_CONNRESET, ioctl_in32(call) != 0);
}

static int ioctl_udp_netreset(struct wsp_socket *sock, struct ioctl_call *call)
{
    atomic_store(&sock->values[WSP_VALUE_UDP_NETRESET], ioctl_in32(call) != 0);
    return 0;
}

static int ioctl_mcast_loop(struct wsp_socket *sock, struct ioctl_call *call)
{
    return wsp_option_stack_set(sock, STK_OPT_MCAST_LOOP, ioctl_in32(call) != 0);
}

static int ioctl_mcast_scope(struct wsp_socket *sock, struct ioctl_call *call)
{
    uint32_t ttl = ioctl_in32(call);

    return ttl > 255 ? WSAEINVAL : wsp_option_stack_set(sock, STK_OPT_MCAST_TTL, (int32_t)ttl);
}

static int ioctl_broadcast_address(struct wsp_socket *sock, struct ioctl_call *call)
{
    SOCKADDR_IN all = {.sin_family = AF_INET};

    if (sock->family != AF_INET)
        return WSAENOPROTOOPT;
    all.sin_addr.s_addr = INADDR_BROADCAST;
    return ioctl_put(call, &all, sizeof all);
}

/* Too small: WSAEFAULT and the size that is needed. */
static int ioctl_need(struct ioctl_call *call, size_t size)
{
    if (call->out_bytes >= size && call->out)
        return 0;
    call->returned = (DWORD)size;
    call->report = true;
    return WSAEFAULT;
}

static int ioctl_route_query(struct wsp_socket *sock, struct ioctl_call *call)
{
    struct stk_client *client = wsp_provider_client_now();
    struct stk_addr remote, local;
    SOCKADDR_STORAGE name;
    INT size = (INT)sizeof name;
    uint32_t if_index;
    int code;

    code = wsp_addr_read((const struct sockaddr *)(const void *)call->in, (int)call->in_bytes, sock->family, &remote);
    if (code == 0 && !client)
        code = WSAENETDOWN;
    if (code == 0)
        code = wsp_error_of(WSP_OP_ANY, stk_client_route(client, &remote, &local, &if_index));
    if (code != 0)
        return code;
    code = wsp_addr_write(&local, sock->family, (struct sockaddr *)&name, &size);
    if (code == 0)
        code = ioctl_need(call, (size_t)size);
    return code != 0 ? code : ioctl_put(call, &name, (size_t)size);
}

/* --- Interfaces ------------------------------------------------------------- */

/* The list, to be freed; NULL: no memory or no engine. */
static struct stk_if_info *ioctl_interfaces(int *count)
{
    struct stk_client *client = wsp_provider_client_now();
    struct stk_if_info *list = client ? calloc(IOCTL_INTERFACES_MAX, sizeof *list) : NULL;

    *count = list ? stk_client_interfaces(client, list, IOCTL_INTERFACES_MAX) : 0;
    if (*count > (int)IOCTL_INTERFACES_MAX)
        *count = (int)IOCTL_INTERFACES_MAX;
    return list;
}

uint32_t wsp_interface_of(const struct stk_addr *addr)
{
    struct stk_if_info *list;
    uint32_t found = 0;
    int count;

    list = ioctl_interfaces(&count);
    for (int i = 0; i < count && found == 0; i++)
        for (uint32_t a = 0; a < list[i].addrs_count; a++)
            if (list[i].addrs[a].family == addr->family && memcmp(list[i].addrs[a].ip, addr->ip, 16) == 0)
                found = list[i].if_index;
    free(list);
    return found;
}

static void ioctl_address(const struct stk_if_info *info, const struct stk_conf_net *net, int family,
                          SOCKADDR_STORAGE *out)
{
    struct stk_addr addr = {.family = net->family};
    INT size = (INT)sizeof *out;

    memcpy(addr.ip, net->ip, sizeof addr.ip);
    if (family == AF_INET6 && addr.ip[0] == 0xfe && (addr.ip[1] & 0xc0) == 0x80)
        addr.scope_id = info->if_index;
    memset(out, 0, sizeof *out);
    (void)wsp_addr_write(&addr, family, (struct sockaddr *)out, &size);
}

/* The list's header and entries, then the addresses that they point to. */
static int ioctl_address_list_fill(struct ioctl_call *call, const struct stk_if_info *list, int count, int family)
{
    enum stk_family wanted = wsp_addr_family(family);
    size_t size = (size_t)wsp_addr_size(family), total = 0, at = 0;
    SOCKET_ADDRESS entry = {.iSockaddrLength = (INT)size};
    SOCKADDR_STORAGE addr;
    INT entries;
    char *place;
    int code;

    for (int i = 0; i < count; i++)
        for (uint32_t a = 0; a < list[i].addrs_count && !list[i].loopback; a++)
            total += list[i].addrs[a].family == wanted;
    code = ioctl_need(call, SIZEOF_SOCKET_ADDRESS_LIST(total) + total * size);
    if (code != 0)
        return code;
    entries = (INT)total;
    memcpy(call->out, &entries, sizeof entries);
    for (int i = 0; i < count; i++)
        for (uint32_t a = 0; a < list[i].addrs_count && !list[i].loopback; a++) {
            if (list[i].addrs[a].family != wanted)
                continue;
            ioctl_address(&list[i], &list[i].addrs[a], family, &addr);
            place = call->out + SIZEOF_SOCKET_ADDRESS_LIST(total) + at * size;
            memcpy(place, &addr, size);
            entry.lpSockaddr = (LPSOCKADDR)(void *)place;
            memcpy(call->out + SIZEOF_SOCKET_ADDRESS_LIST(at), &entry, sizeof entry);
            at++;
        }
    call->returned = (DWORD)(SIZEOF_SOCKET_ADDRESS_LIST(total) + total * size);
    return 0;
}

static int ioctl_address_list(struct wsp_socket *sock, struct ioctl_call *call)
{
    struct stk_if_info *list;
    int count, code;

    if (call->in_bytes != 0)
        return WSAEINVAL;
    list = ioctl_interfaces(&count);
    code = list ? ioctl_address_list_fill(call, list, count, sock->family) : WSAENOBUFS;
    free(list);
    return code;
}

static void ioctl_interface_entry(const struct stk_if_info *info, const struct stk_conf_net *net, INTERFACE_INFO *out)
{
    uint32_t mask = net->prefix_len == 0 ? 0 : UINT32_MAX << (32 - net->prefix_len), ip;
    unsigned char bytes[4];

    memset(out, 0, sizeof *out);
    out->iiFlags = (info->up ? IFF_UP : 0) | IFF_MULTICAST | (info->loopback ? IFF_LOOPBACK : IFF_BROADCAST);
    out->iiAddress.AddressIn.sin_family = AF_INET;
    memcpy(&out->iiAddress.AddressIn.sin_addr, net->ip, 4);
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(mask >> (24 - 8 * i));
    out->iiNetmask.AddressIn.sin_family = AF_INET;
    memcpy(&out->iiNetmask.AddressIn.sin_addr, bytes, sizeof bytes);
    memcpy(&ip, net->ip, sizeof ip);
    memcpy(&mask, bytes, sizeof mask);
    ip |= ~mask;
    out->iiBroadcastAddress.AddressIn.sin_family = AF_INET;
    memcpy(&out->iiBroadcastAddress.AddressIn.sin_addr, &ip, sizeof ip);
}

static int ioctl_interface_list(struct wsp_socket *sock, struct ioctl_call *call)
{
    struct stk_if_info *list;
    INTERFACE_INFO entry;
    DWORD at = 0;
    int count, code = 0;

    (void)sock;
    list = ioctl_interfaces(&count);
    if (!list)
        return WSAENOBUFS;
    for (int i = 0; i < count && code == 0; i++)
        for (uint32_t a = 0; a < list[i].addrs_count && code == 0; a++) {
            if (list[i].addrs[a].family != STK_AF_INET)
                continue;
            ioctl_interface_entry(&list[i], &list[i].addrs[a], &entry);
            if (!call->out || call->out_bytes - at < sizeof entry)
                code = WSAEFAULT;
            else
                memcpy(call->out + at, &entry, sizeof entry);
            at += code == 0 ? (DWORD)sizeof entry : 0;
        }
    free(list);
    call->returned = at;
    return code;
}

/* EVT-23: waits for what does not happen while the engine runs; only the nonblocking form has an answer. */
static int ioctl_change(struct wsp_socket *sock, struct ioctl_call *call)
{
    return atomic_load(&sock->nonblocking) && !call->overlapped ? WSAEWOULDBLOCK : WSAEOPNOTSUPP;
}

/* IOCP-30, IOCP-31: our ws2_32 had CancelIo or CancelIoEx called. */
static int ioctl_cancel(struct wsp_socket *sock, struct ioctl_call *call)
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
    return ioctl_put(call, &taken, sizeof taken);
}

/* IOCP-36: WPU-24 leaves the provider ignorant of ports otherwise. */
static int ioctl_port(struct wsp_socket *sock, struct ioctl_call *call)
{
    (void)call;
    atomic_store_explicit(&sock->ported, 1, memory_order_relaxed);
    return 0;
}

#define STREAMS WSP_OPT_STREAM
#define MSGS (WSP_OPT_DGRAM | WSP_OPT_RAW)

static const struct ioctl_row ioctl_rows[] = {
    {FIONBIO, 4, 0, 0, 0, ioctl_fionbio, 0},
    {FIONREAD, 0, 4, 0, 0, ioctl_fionread, 0},
    {SIOCATMARK, 0, 4, STREAMS, WSAEINVAL, ioctl_atmark, 0},
    {SIO_BASE_HANDLE, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE_SELECT, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_BSP_HANDLE_POLL, 0, sizeof(SOCKET), 0, 0, ioctl_base_handle, 0},
    {SIO_KEEPALIVE_VALS, sizeof(struct tcp_keepalive), 0, STREAMS, WSAENOPROTOOPT, ioctl_keepalive, 0},
    {SIO_UDP_CONNRESET, 4, 0, WSP_OPT_DGRAM, WSAEINVAL, ioctl_udp_connreset, 0},
    {SIO_UDP_NETRESET, 4, 0, WSP_OPT_DGRAM, WSAEINVAL, ioctl_udp_netreset, 0},
    {SIO_MULTIPOINT_LOOPBACK, 4, 0, MSGS, WSAEINVAL, ioctl_mcast_loop, 0},
    {SIO_MULTICAST_SCOPE, 4, 0, MSGS, WSAEINVAL, ioctl_mcast_scope, 0},
    {SIO_GET_BROADCAST_ADDRESS, 0, sizeof(SOCKADDR_IN), 0, 0, ioctl_broadcast_address, 0},
    {SIO_ROUTING_INTERFACE_QUERY, 0, 0, 0, 0, ioctl_route_query, 0},
    {SIO_ADDRESS_LIST_QUERY, 0, 0, 0, 0, ioctl_address_list, 0},
    {SIO_GET_INTERFACE_LIST, 0, 0, 0, 0, ioctl_interface_list, 0},
    {WSP_IOCTL_CANCEL, sizeof(struct wsp_cancel_abi), sizeof(uint32_t), 0, 0, ioctl_cancel, 0},
    {WSP_IOCTL_PORT, 0, 0, 0, 0, ioctl_port, 0},
    {SIO_ADDRESS_LIST_CHANGE, 0, 0, 0, 0, ioctl_change, 0},
    {SIO_ROUTING_INTERFACE_CHANGE, 0, 0, 0, 0, ioctl_change, 0},
    {SIO_GET_EXTENSION_FUNCTION_POINTER, sizeof(GUID), sizeof(void (*)(void)), 0, 0, NULL, WSAEINVAL},
    {SIO_FLUSH, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_ASSOCIATE_HANDLE, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_TRANSLATE_HANDLE, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_GET_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_SET_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_GET_GROUP_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
    {SIO_SET_GROUP_QOS, 0, 0, 0, 0, NULL, WSAENOPROTOOPT},
};

static bool ioctl_type_fits(const struct wsp_socket *sock, const struct ioctl_row *row)
{
    static const unsigned types[] = {
        [SOCK_STREAM] = WSP_OPT_STREAM, [SOCK_DGRAM] = WSP_OPT_DGRAM, [SOCK_RAW] = WSP_OPT_RAW};

    return row->types == 0 || (row->types & types[sock->type]) != 0;
}

static int ioctl_run(struct wsp_socket *sock, struct ioctl_call *call)
{
    const struct ioctl_row *row = NULL;

    for (unsigned i = 0; i < sizeof ioctl_rows / sizeof ioctl_rows[0]; i++)
        if (ioctl_rows[i].code == call->code)
            row = &ioctl_rows[i];
    if (!row)
        return WSAEOPNOTSUPP; /* X8 */
    if (!ioctl_type_fits(sock, row))
        return row->wrong_type;
    if ((row->in_bytes > 0 && (!call->in || call->in_bytes < row->in_bytes)) ||
        (row->out_bytes > 0 && (!call->out || call->out_bytes < row->out_bytes)))
        return WSAEFAULT;
    return row->run ? row->run(sock, call) : row->refused;
}

/**
 * WSPIoctl. All codes complete at once. Context: any thread.
 * Source: rules WSPIOCTL-1..13, IOC-1..6.
 */
int WSPAPI wsp_ioctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer, DWORD cbInBuffer, LPVOID lpvOutBuffer,
                     DWORD cbOutBuffer, LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct ioctl_call call = {.code = dwIoControlCode,
                              .in = lpvInBuffer,
                              .in_bytes = lpvInBuffer ? cbInBuffer : 0,
                              .out = lpvOutBuffer,
                              .out_bytes = lpvOutBuffer ? cbOutBuffer : 0};
    struct wsp_call done = {.overlapped = lpOverlapped, .routine = lpCompletionRoutine, .thread = lpThreadId};
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    call.overlapped = lpOverlapped && (sock->flags & WSA_FLAG_OVERLAPPED);
    if (!lpcbBytesReturned && !call.overlapped)
        code = WSAEFAULT; /* WSPIOCTL-10 */
    if (code == 0 && call.overlapped && lpCompletionRoutine && !lpThreadId)
        code = WSAEINVAL;
    if (code == 0)
        code = ioctl_run(sock, &call);
    if ((code == 0 || call.report) && lpcbBytesReturned)
        *lpcbBytesReturned = call.returned;
    if (code == 0 && call.overlapped) {
        done.sock = sock;
        code = wsp_request_complete_now(&done, call.returned);
    }
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

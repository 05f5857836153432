/** @file Control codes about interfaces, addresses and routes. */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_notice.h"
#include "wsp_sdk.h"

#include <stdlib.h>

#define IOCTL_SITE 1 /* this host is in one site */
#define IOCTL_INTERFACES_MAX (STK_CONF_PORTS_MAX + STK_CONF_INSTANCES_MAX)

static int ioctl_broadcast_address(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    SOCKADDR_IN all = {.sin_family = AF_INET};

    if (sock->family != AF_INET)
        return WSAENOPROTOOPT;
    all.sin_addr.s_addr = INADDR_BROADCAST;
    return wsp_ioctl_put(call, &all, sizeof all);
}

/* Too small: WSAEFAULT and the size that is needed. */
int wsp_ioctl_need(struct wsp_ioctl_call *call, size_t size)
{
    if (call->out_bytes >= size && call->out)
        return 0;
    call->returned = (DWORD)size;
    call->report = true;
    return WSAEFAULT;
}

static int ioctl_route_query(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_client *client = wsp_provider_client_now();
    struct stk_addr remote, local;
    SOCKADDR_STORAGE name;
    INT size = (INT)sizeof name;
    uint32_t if_index;
    int code;

    code = wsp_addr_read((const struct sockaddr *)(const void *)call->in, (int)call->in_bytes, sock->family, &remote);
    /* Too short, and the way to nowhere: Windows, as conformance suites observe. */
    if ((code == WSAEFAULT && call->in) || (code == 0 && sock->family == AF_INET && wsp_addr_is_any(&remote)))
        code = WSAEINVAL;
    if (code == 0 && !client)
        code = WSAENETDOWN;
    if (code == 0)
        code = wsp_error_of(WSP_OP_ANY, stk_client_route(client, &remote, &local, &if_index));
    if (code != 0)
        return code;
    code = wsp_addr_write(&local, sock->family, (struct sockaddr *)&name, &size);
    if (code == 0)
        code = wsp_ioctl_need(call, (size_t)size);
    if (call->out_missing)
        call->report = false;
    return code != 0 ? code : wsp_ioctl_put(call, &name, (size_t)size);
}

/* --- Interfaces ------------------------------------------------------------- */

/* The list, to be freed; NULL: no memory or no engine. */
struct stk_if_info *wsp_ioctl_interfaces(int *count)
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

    list = wsp_ioctl_interfaces(&count);
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
    if (family == AF_INET6 && addr.ip[0] == 0xfe && (addr.ip[1] & 0x80) != 0)
        addr.scope_id = (addr.ip[1] & 0x40) == 0 ? info->if_index : IOCTL_SITE; /* DS-9 */
    memset(out, 0, sizeof *out);
    (void)wsp_addr_write(&addr, family, (struct sockaddr *)out, &size);
}

/* The list's header and entries, then the addresses that they point to. */
static int ioctl_address_list_fill(struct wsp_ioctl_call *call, const struct stk_if_info *list, int count, int family)
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
    if (call->out_bytes > 0 && call->out_bytes < SIZEOF_SOCKET_ADDRESS_LIST(0)) {
        call->report = true; /* 0 */
        return WSAEINVAL;
    }
    code = wsp_ioctl_need(call, SIZEOF_SOCKET_ADDRESS_LIST(total) + total * size);
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

static int ioctl_address_list(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_if_info *list;
    int count, code;

    if (call->in_bytes != 0)
        return WSAEINVAL;
    list = wsp_ioctl_interfaces(&count);
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
    if (info->loopback)
        return;
    out->iiBroadcastAddress.AddressIn.sin_family = AF_INET;
    memcpy(&out->iiBroadcastAddress.AddressIn.sin_addr, &ip, sizeof ip);
}

static int ioctl_interface_list(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_if_info *list;
    INTERFACE_INFO entry;
    DWORD at = 0;
    int count, code = 0;

    (void)sock;
    list = wsp_ioctl_interfaces(&count);
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
    call->returned = code == 0 ? at : 0;
    call->report = !call->overlapped;
    return code;
}

static int ioctl_address_change(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)sock;
    return wsp_notice_wait(call->pend, WSP_NOTICE_ADDRESSES, call->overlapped);
}

/* EVT-24: any address counts as the wildcard, as a provider may have it; it has to be one. */
static int ioctl_route_change(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_addr about;
    int code = wsp_addr_read((const struct sockaddr *)(const void *)call->in, (int)call->in_bytes, sock->family,
                             &about);

    return code != 0 ? code : wsp_notice_wait(call->pend, WSP_NOTICE_ROUTES, call->overlapped);
}

static const struct wsp_ioctl_row ioctl_rows[] = {
    {SIO_GET_BROADCAST_ADDRESS, 0, sizeof(SOCKADDR_IN), 0, 0, ioctl_broadcast_address, 0},
    {SIO_ROUTING_INTERFACE_QUERY, 0, 0, 0, 0, ioctl_route_query, 0},
    {SIO_ADDRESS_LIST_QUERY, 0, 0, 0, 0, ioctl_address_list, 0},
    {SIO_GET_INTERFACE_LIST, 0, 0, 0, 0, ioctl_interface_list, 0},
    {SIO_ADDRESS_LIST_CHANGE, 0, 0, 0, 0, ioctl_address_change, 0},
    {SIO_ROUTING_INTERFACE_CHANGE, 0, 0, 0, 0, ioctl_route_change, 0},
};
const struct wsp_ioctl_group wsp_ioctl_net = WSP_IOCTL_GROUP(ioctl_rows);

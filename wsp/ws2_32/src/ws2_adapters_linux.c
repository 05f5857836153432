/*
 * iphlpapi, Linux: GetAdaptersAddresses, names and numbers of interfaces. They are asked of the provider of an IPv4 datagram
 * socket, ours, by a control code of our own; Winsock is started for that if it is not.
 */
#include "ws2_priv.h"

#include <iphlpapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wsp_private_abi.h"

#define ADAPTERS_MAX 64

static DWORD adapters_ask(struct wsp_adapter_abi *list, DWORD *count)
{
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    DWORD bytes = 0;
    DWORD code = 0;
    if (s == INVALID_SOCKET) {
        return (DWORD)WSAGetLastError();
    }
    if (WSAIoctl(s, WSP_IOCTL_ADAPTERS, NULL, 0, list, ADAPTERS_MAX * sizeof *list, &bytes, NULL, NULL) != 0) {
        code = ERROR_NOT_SUPPORTED; /* another provider's socket */
    }
    (void)closesocket(s);
    *count = bytes / (DWORD)sizeof *list;
    return code;
}

/* The list, to be freed. @return  0 or a code; the last error is as before. */
static DWORD adapters_get(struct wsp_adapter_abi **list, DWORD *count)
{
    DWORD before = GetLastError();
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;
    WSADATA data;
    *list = (struct wsp_adapter_abi *)calloc(ADAPTERS_MAX, sizeof **list);
    *count = 0;
    if (*list != NULL) {
        code = (DWORD)WSAStartup(MAKEWORD(2, 2), &data);
        if (code == 0) {
            code = adapters_ask(*list, count);
            (void)WSACleanup();
        }
    }
    if (code != 0) {
        free(*list);
        *list = NULL;
    }
    SetLastError(before);
    return code;
}

/* ---- GetAdaptersAddresses: everything one behind the other, first counted, then written ---- */

struct room {
    char *at;   /* NULL: only counted */
    ULONG used; /* bytes, rounded up */
};

static void *room_take(struct room *room, size_t bytes)
{
    void *at = room->at == NULL ? NULL : room->at + room->used;
    room->used += (ULONG)(bytes + 7) & ~7u;
    if (at != NULL) {
        memset(at, 0, bytes);
    }
    return at;
}

static PWCHAR room_text(struct room *room, const char *text)
{
    size_t chars = ws2_utf16_from_utf8(text, (WCHAR[1]){0}, 1) + 1;
    PWCHAR at = (PWCHAR)room_take(room, chars * sizeof *at);
    if (at != NULL) {
        (void)ws2_utf16_from_utf8(text, at, chars);
    }
    return at;
}

static void room_address(struct room *room, const struct wsp_adapter_abi *adapter, uint32_t which, SOCKET_ADDRESS *out)
{
    bool six = adapter->address[which].family == 6;
    const uint8_t *ip = adapter->address[which].ip;
    size_t bytes = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    void *at = room_take(room, bytes);
    if (at == NULL) {
        return;
    }
    if (six) {
        struct sockaddr_in6 *name = (struct sockaddr_in6 *)at;
        name->sin6_family = AF_INET6;
        memcpy(&name->sin6_addr, ip, 16);
        name->sin6_scope_id = ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80 ? adapter->if_index : 0;
    } else {
        struct sockaddr_in *name = (struct sockaddr_in *)at;
        name->sin_family = AF_INET;
        memcpy(&name->sin_addr, ip, 4);
    }
    out->lpSockaddr = (LPSOCKADDR)at;
    out->iSockaddrLength = (INT)bytes;
}

/* A part of `out` that is only written where there is room. */
static void unicast_add(struct room *room, const struct wsp_adapter_abi *adapter, uint32_t which,
                        PIP_ADAPTER_UNICAST_ADDRESS **next)
{
    IP_ADAPTER_UNICAST_ADDRESS unused;
    PIP_ADAPTER_UNICAST_ADDRESS at = (PIP_ADAPTER_UNICAST_ADDRESS)room_take(room, sizeof *at);
    room_address(room, adapter, which, at == NULL ? &unused.Address : &at->Address);
    if (at == NULL) {
        return;
    }
    at->Length = sizeof *at;
    at->PrefixOrigin = IpPrefixOriginManual;
    at->SuffixOrigin = IpSuffixOriginManual;
    at->DadState = IpDadStatePreferred;
    at->ValidLifetime = at->PreferredLifetime = at->LeaseLifetime = UINT32_MAX;
    at->OnLinkPrefixLength = (UINT8)adapter->address[which].prefix;
    **next = at;
    *next = &at->Next;
}

static void prefix_add(struct room *room, const struct wsp_adapter_abi *adapter, uint32_t which,
                       PIP_ADAPTER_PREFIX **next)
{
    IP_ADAPTER_PREFIX unused;
    PIP_ADAPTER_PREFIX at = (PIP_ADAPTER_PREFIX)room_take(room, sizeof *at);
    uint8_t *ip;
    unsigned bit;
    room_address(room, adapter, which, at == NULL ? &unused.Address : &at->Address);
    if (at == NULL) {
        return;
    }
    at->Length = sizeof *at;
    at->PrefixLength = adapter->address[which].prefix;
    ip = at->Address.lpSockaddr->sa_family == AF_INET6
             ? (uint8_t *)&((struct sockaddr_in6 *)(void *)at->Address.lpSockaddr)->sin6_addr
             : (uint8_t *)&((struct sockaddr_in *)(void *)at->Address.lpSockaddr)->sin_addr;
    for (bit = at->PrefixLength; bit < (adapter->address[which].family == 6 ? 128u : 32u); bit++) {
        ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    }
    **next = at;
    *next = &at->Next;
}

static bool address_wanted(const struct wsp_adapter_abi *adapter, uint32_t which, ULONG family)
{
    return family == AF_UNSPEC || (family == AF_INET6) == (adapter->address[which].family == 6);
}

static void adapter_say(IP_ADAPTER_ADDRESSES *at, const struct wsp_adapter_abi *adapter, ULONG family)
{
    uint32_t i;
    at->Length = sizeof *at;
    for (i = 0; i < adapter->count; i++) {
        bool six = adapter->address[i].family == 6;
        if (!address_wanted(adapter, i, family)) {
            continue;
        }
        at->Flags |= six ? IP_ADAPTER_IPV6_ENABLED : IP_ADAPTER_IPV4_ENABLED;
        *(six ? &at->Ipv6IfIndex : &at->IfIndex) = adapter->if_index;
    }
    if (adapter->mac_set != 0) {
        at->PhysicalAddressLength = 6;
        memcpy(at->PhysicalAddress, adapter->mac, 6);
    }
    at->Mtu = adapter->mtu;
    at->IfType = adapter->loopback != 0 ? IF_TYPE_SOFTWARE_LOOPBACK : IF_TYPE_ETHERNET_CSMACD;
    at->OperStatus = adapter->up != 0 ? IfOperStatusUp : IfOperStatusDown;
    at->Luid.Value = adapter->if_index;
    at->CompartmentId = 1;
    at->ConnectionType = NET_IF_CONNECTION_DEDICATED;
}

static PIP_ADAPTER_ADDRESSES adapter_add(struct room *room, const struct wsp_adapter_abi *adapter, ULONG family,
                                         ULONG flags)
{
    IP_ADAPTER_ADDRESSES unused = {0};
    PIP_ADAPTER_ADDRESSES at = (PIP_ADAPTER_ADDRESSES)room_take(room, sizeof *at);
    PIP_ADAPTER_ADDRESSES out = at == NULL ? &unused : at;
    PIP_ADAPTER_UNICAST_ADDRESS *unicast = &out->FirstUnicastAddress;
    PIP_ADAPTER_PREFIX *prefix = &out->FirstPrefix;
    size_t name_bytes = strlen(adapter->name) + 1;
    uint32_t i;
    adapter_say(out, adapter, family);
    out->AdapterName = (PCHAR)room_take(room, name_bytes);
    if (out->AdapterName != NULL) {
        memcpy(out->AdapterName, adapter->name, name_bytes);
    }
    out->DnsSuffix = room_text(room, "");
    out->Description = room_text(room, adapter->loopback != 0 ? "Winlane loopback" : "Winlane port");
    out->FriendlyName = (flags & GAA_FLAG_SKIP_FRIENDLY_NAME) != 0 ? NULL : room_text(room, adapter->name);
    for (i = 0; i < adapter->count; i++) {
        if (address_wanted(adapter, i, family) && (flags & GAA_FLAG_SKIP_UNICAST) == 0) {
            unicast_add(room, adapter, i, &unicast);
        }
        if (address_wanted(adapter, i, family) && (flags & GAA_FLAG_INCLUDE_PREFIX) != 0) {
            prefix_add(room, adapter, i, &prefix);
        }
    }
    return at;
}

static bool adapter_wanted(const struct wsp_adapter_abi *adapter, ULONG family, ULONG flags)
{
    uint32_t i;
    if ((flags & GAA_FLAG_INCLUDE_ALL_INTERFACES) != 0) {
        return true;
    }
    for (i = 0; i < adapter->count; i++) {
        if (address_wanted(adapter, i, family)) {
            return true;
        }
    }
    return false;
}

static void adapters_write(struct room *room, const struct wsp_adapter_abi *list, DWORD count, ULONG family,
                           ULONG flags)
{
    PIP_ADAPTER_ADDRESSES before = NULL;
    DWORD i;
    for (i = 0; i < count; i++) {
        PIP_ADAPTER_ADDRESSES at;
        if (!adapter_wanted(&list[i], family, flags)) {
            continue;
        }
        at = adapter_add(room, &list[i], family, flags);
        if (before != NULL) {
            before->Next = at;
        }
        before = at;
    }
}

/**
 * The interfaces of the stack, with their addresses.
 *
 * @param family     AF_UNSPEC, AF_INET or AF_INET6.
 * @param flags      GAA_FLAG_*; there are no anycast, multicast, DNS and gateway lists here.
 * @param addresses  Filled; may be NULL to ask for the size.
 * @param bytes      In: room. Out: what is needed.
 * @return           0, ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA, ERROR_INVALID_PARAMETER, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_SUPPORTED
 *                   (another provider), or why Winsock cannot be started. The last error stays.
 *
 * Context: any thread; may start the stack. Source: the function's page.
 */
ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, PVOID reserved, PIP_ADAPTER_ADDRESSES addresses,
                                  PULONG bytes)
{
    struct wsp_adapter_abi *list;
    struct room counted = {NULL, 0};
    struct room room = {(char *)addresses, 0};
    DWORD count;
    DWORD code;
    (void)reserved;
    if (bytes == NULL || (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)) {
        return ERROR_INVALID_PARAMETER;
    }
    code = adapters_get(&list, &count);
    if (code != 0) {
        return code;
    }
    adapters_write(&counted, list, count, family, flags);
    if (counted.used == 0) {
        code = ERROR_NO_DATA;
    } else if (addresses == NULL || *bytes < counted.used) {
        *bytes = counted.used;
        code = ERROR_BUFFER_OVERFLOW;
    } else {
        adapters_write(&room, list, count, family, flags);
    }
    free(list);
    return code;
}

/** An interface's number by its name. @return 0: there is none. */
NET_IFINDEX WINAPI if_nametoindex(PCSTR name)
{
    struct wsp_adapter_abi *list;
    NET_IFINDEX found = 0;
    DWORD count;
    DWORD i;
    if (name == NULL || adapters_get(&list, &count) != 0) {
        return 0;
    }
    for (i = 0; i < count && found == 0; i++) {
        found = strcmp(list[i].name, name) == 0 ? list[i].if_index : 0;
    }
    free(list);
    return found;
}

/** An interface's name by its number. @param name IF_NAMESIZE bytes. @return name, or NULL: there is none. */
PCHAR WINAPI if_indextoname(NET_IFINDEX index, PCHAR name)
{
    struct wsp_adapter_abi *list;
    PCHAR found = NULL;
    DWORD count;
    DWORD i;
    if (name == NULL || adapters_get(&list, &count) != 0) {
        return NULL;
    }
    for (i = 0; i < count && found == NULL; i++) {
        if (list[i].if_index == index) {
            (void)snprintf(name, IF_NAMESIZE, "%s", list[i].name);
            found = name;
        }
    }
    free(list);
    return found;
}

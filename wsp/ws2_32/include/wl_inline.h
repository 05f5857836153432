/*
 * Options and control codes by name: functions that the SDK has in its headers only. They return what the call inside them
 * does: 0, or SOCKET_ERROR and the last error. Source: rules USO-1, ECN-3, MC-6, IC-1.
 */
#ifndef WL_INLINE_H
#define WL_INLINE_H

#include "ws2ipdef.h"

#include <stdlib.h>
#include <string.h>

WL_BEGIN_C

/* --- Options ----------------------------------------------------------------- */

static inline int WSASetUdpSendMessageSize(SOCKET s, DWORD bytes)
{
    return setsockopt(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE, (const char *)&bytes, (int)sizeof bytes);
}

static inline int WSAGetUdpSendMessageSize(SOCKET s, DWORD *bytes)
{
    int size = (int)sizeof *bytes;
    return getsockopt(s, IPPROTO_UDP, UDP_SEND_MSG_SIZE, (char *)bytes, &size);
}

static inline int WSASetUdpRecvMaxCoalescedSize(SOCKET s, DWORD bytes)
{
    return setsockopt(s, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, (const char *)&bytes, (int)sizeof bytes);
}

static inline int WSAGetUdpRecvMaxCoalescedSize(SOCKET s, DWORD *bytes)
{
    int size = (int)sizeof *bytes;
    return getsockopt(s, IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, (char *)bytes, &size);
}

/* IPPROTO_IPV6 of an IPv6 socket, else IPPROTO_IP; the numbers of the options below are the same. */
static inline int wl_ip_level(SOCKET s)
{
    WSAPROTOCOL_INFOW info;
    int size = (int)sizeof info;
    if (getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) != 0) {
        return SOCKET_ERROR;
    }
    return info.iAddressFamily == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static inline int wl_ip_set(SOCKET s, int option, DWORD value)
{
    const int level = wl_ip_level(s);
    if (level == SOCKET_ERROR) {
        return SOCKET_ERROR;
    }
    return setsockopt(s, level, option, (const char *)&value, (int)sizeof value);
}

static inline int wl_ip_get(SOCKET s, int option, DWORD *value)
{
    const int level = wl_ip_level(s);
    int size = (int)sizeof *value;
    if (level == SOCKET_ERROR) {
        return SOCKET_ERROR;
    }
    return getsockopt(s, level, option, (char *)value, &size);
}

static inline int WSASetRecvIPEcn(SOCKET s, DWORD on)
{
    return wl_ip_set(s, IP_RECVECN, on);
}

static inline int WSAGetRecvIPEcn(SOCKET s, DWORD *on)
{
    return wl_ip_get(s, IP_RECVECN, on);
}

static inline int WSASetIPUserMtu(SOCKET s, DWORD bytes)
{
    return wl_ip_set(s, IP_USER_MTU, bytes);
}

static inline int WSAGetIPUserMtu(SOCKET s, DWORD *bytes)
{
    return wl_ip_get(s, IP_USER_MTU, bytes);
}

static inline int WSASetFailConnectOnIcmpError(SOCKET s, DWORD on)
{
    return setsockopt(s, IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, (const char *)&on, (int)sizeof on);
}

static inline int WSAGetFailConnectOnIcmpError(SOCKET s, DWORD *on)
{
    int size = (int)sizeof *on;
    return getsockopt(s, IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, (char *)on, &size);
}

typedef struct icmp_error_info {
    SOCKADDR_INET srcaddress;
    IPPROTO protocol;
    BYTE type;
    BYTE code;
} ICMP_ERROR_INFO, *PICMP_ERROR_INFO;

static inline int WSAGetIcmpErrorInfo(SOCKET s, PICMP_ERROR_INFO info)
{
    int size = (int)sizeof *info;
    return getsockopt(s, IPPROTO_TCP, TCP_ICMP_ERROR_INFO, (char *)info, &size);
}

/* --- Source filters: WSAENOBUFS without memory -------------------------------- */

static inline void *wl_filter_new(size_t bytes)
{
    void *filter = calloc(1, bytes);
    if (filter == NULL) {
        WSASetLastError(WSAENOBUFS);
    }
    return filter;
}

static inline int setipv4sourcefilter(SOCKET s, IN_ADDR interface_addr, IN_ADDR group, MULTICAST_MODE_TYPE mode,
                                      ULONG count, const IN_ADDR *sources)
{
    const size_t bytes = IP_MSFILTER_SIZE(count);
    PIP_MSFILTER filter = (PIP_MSFILTER)wl_filter_new(bytes < sizeof *filter ? sizeof *filter : bytes);
    DWORD returned;
    int result;
    if (filter == NULL) {
        return SOCKET_ERROR;
    }
    filter->imsf_multiaddr = group;
    filter->imsf_interface = interface_addr;
    filter->imsf_fmode = (ULONG)mode;
    filter->imsf_numsrc = count;
    if (count > 0) {
        memcpy(filter->imsf_slist, sources, count * sizeof *sources);
    }
    result = WSAIoctl(s, SIO_SET_MULTICAST_FILTER, filter, (DWORD)bytes, NULL, 0, &returned, NULL, NULL);
    free(filter);
    return result;
}

/* count in: room in sources; out: how many there are, of which as many as fit were written. */
static inline int getipv4sourcefilter(SOCKET s, IN_ADDR interface_addr, IN_ADDR group, MULTICAST_MODE_TYPE *mode,
                                      ULONG *count, IN_ADDR *sources)
{
    const size_t bytes = IP_MSFILTER_SIZE(*count);
    PIP_MSFILTER filter = (PIP_MSFILTER)wl_filter_new(bytes < sizeof *filter ? sizeof *filter : bytes);
    DWORD returned;
    int result;
    if (filter == NULL) {
        return SOCKET_ERROR;
    }
    filter->imsf_multiaddr = group;
    filter->imsf_interface = interface_addr;
    filter->imsf_numsrc = *count;
    result = WSAIoctl(s, SIO_GET_MULTICAST_FILTER, filter, (DWORD)bytes, filter, (DWORD)bytes, &returned, NULL, NULL);
    if (result == 0) {
        const ULONG fit = *count < filter->imsf_numsrc ? *count : filter->imsf_numsrc;
        if (fit > 0) {
            memcpy(sources, filter->imsf_slist, fit * sizeof *sources);
        }
        *count = filter->imsf_numsrc;
        *mode = (MULTICAST_MODE_TYPE)filter->imsf_fmode;
    }
    free(filter);
    return result;
}

/* A filter of a group with room for its sources, to be freed; NULL: no memory, which the last error says. */
static inline PGROUP_FILTER wl_group_filter_new(size_t bytes, ULONG interface_index, const SOCKADDR *group,
                                                int group_bytes, ULONG count)
{
    PGROUP_FILTER filter = (PGROUP_FILTER)wl_filter_new(bytes < sizeof *filter ? sizeof *filter : bytes);
    if (filter != NULL) {
        filter->gf_interface = interface_index;
        memcpy(&filter->gf_group, group,
               (size_t)group_bytes < sizeof filter->gf_group ? (size_t)group_bytes : sizeof filter->gf_group);
        filter->gf_numsrc = count;
    }
    return filter;
}

static inline int setsourcefilter(SOCKET s, ULONG interface_index, const SOCKADDR *group, int group_bytes,
                                  MULTICAST_MODE_TYPE mode, ULONG count, const SOCKADDR_STORAGE *sources)
{
    const size_t bytes = GROUP_FILTER_SIZE(count);
    PGROUP_FILTER filter = wl_group_filter_new(bytes, interface_index, group, group_bytes, count);
    DWORD returned;
    int result;
    if (filter == NULL) {
        return SOCKET_ERROR;
    }
    filter->gf_fmode = mode;
    if (count > 0) {
        memcpy(filter->gf_slist, sources, count * sizeof *sources);
    }
    result = WSAIoctl(s, SIOCSMSFILTER, filter, (DWORD)bytes, NULL, 0, &returned, NULL, NULL);
    free(filter);
    return result;
}

/* As getipv4sourcefilter. */
static inline int getsourcefilter(SOCKET s, ULONG interface_index, const SOCKADDR *group, int group_bytes,
                                  MULTICAST_MODE_TYPE *mode, ULONG *count, SOCKADDR_STORAGE *sources)
{
    const size_t bytes = GROUP_FILTER_SIZE(*count);
    PGROUP_FILTER filter = wl_group_filter_new(bytes, interface_index, group, group_bytes, *count);
    DWORD returned;
    int result;
    if (filter == NULL) {
        return SOCKET_ERROR;
    }
    result = WSAIoctl(s, SIOCGMSFILTER, filter, (DWORD)bytes, filter, (DWORD)bytes, &returned, NULL, NULL);
    if (result == 0) {
        const ULONG fit = *count < filter->gf_numsrc ? *count : filter->gf_numsrc;
        if (fit > 0) {
            memcpy(sources, filter->gf_slist, fit * sizeof *sources);
        }
        *count = filter->gf_numsrc;
        *mode = filter->gf_fmode;
    }
    free(filter);
    return result;
}

WL_END_C

#endif

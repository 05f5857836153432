/** @file Joining multicast groups: slot 18, and what options and control codes share with it. */
#include "wsp_mcast.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_ioctl_priv.h"
#include "wsp_misc.h"
#include "wsp_sdk.h"

#include <stdlib.h>

bool wsp_mcast_is_group(const struct stk_addr *addr)
{
    if (addr->family == STK_AF_INET)
        return (addr->ip[0] & 0xf0) == 0xe0;
    return addr->ip[0] == 0xff;
}

int wsp_mcast_interface(const unsigned char ip[4], uint32_t *if_index)
{
    struct stk_addr addr = {.family = STK_AF_INET};

    *if_index = 0;
    if (ip[0] == 0) {
        *if_index = (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
        return 0;
    }
    memcpy(addr.ip, ip, 4);
    *if_index = wsp_interface_of(&addr);
    return *if_index != 0 ? 0 : WSAEADDRNOTAVAIL;
}

bool wsp_mcast_index_known(uint32_t if_index)
{
    int count;
    struct stk_if_info *list = if_index != 0 ? wsp_ioctl_interfaces(&count) : NULL;
    bool known = if_index == 0;

    for (int i = 0; list && i < count && !known; i++)
        known = list[i].if_index == if_index;
    free(list);
    return known;
}

int wsp_mcast_addr(const struct wsp_socket *sock, const struct sockaddr_storage *given, struct stk_addr *out)
{
    if (wsp_addr_read((const struct sockaddr *)given, (int)sizeof *given, sock->family, out) != 0)
        return WSAEINVAL;
    out->port = 0;
    return 0;
}

/* A.18.6: on the interface that the address or IP_MULTICAST_IF names, else by route. */
static int leaf_join(struct wsp_socket *sock, const struct stk_addr *group, struct stk_mcast_req *req)
{
    int32_t if_index = 0;
    int err;

    *req = (struct stk_mcast_req){.group = *group, .if_index = group->scope_id};
    req->group.port = 0;
    if (req->if_index == 0 && stk_sock_opt_get(sock->stk, STK_OPT_MCAST_IF, &if_index) == STK_OK)
        req->if_index = (uint32_t)if_index;
    err = stk_sock_opt_set(sock->stk, STK_OPT_MCAST_JOIN, req, sizeof *req);
    if (err == STK_EADDRINUSE || err == STK_EINVAL) /* the other membership names sources */
        return WSAEISCONN;                          /* WSPJOINLEAF-1: already a member */
    return wsp_error_of(WSP_OP_OPTION, err);
}

static int leaf_run(struct wsp_socket *sock, const struct stk_addr *group, DWORD flags)
{
    struct stk_addr local = {.family = group->family, .port = group->port};
    struct stk_mcast_req req;
    int code = 0;

    if (!(sock->flags & WSA_FLAG_MULTIPOINT_C_LEAF))
        return WSAEINVAL;
    if (flags != JL_SENDER_ONLY && flags != JL_RECEIVER_ONLY && flags != JL_BOTH)
        return WSAEINVAL;
    if (!wsp_mcast_is_group(group))
        return WSAEADDRNOTAVAIL;
    if (stk_sock_local(sock->stk, &(struct stk_addr){0}) == STK_EINVAL)
        code = wsp_error_of(WSP_OP_BIND, stk_sock_bind(sock->stk, &local));
    if (code == 0 && flags != JL_SENDER_ONLY)
        code = leaf_join(sock, group, &req);
    if (code != 0 || flags == JL_RECEIVER_ONLY)
        return code;
    code = wsp_error_of(WSP_OP_CONNECT, stk_sock_connect(sock->stk, group));
    if (code != 0 && flags == JL_BOTH)
        (void)stk_sock_opt_set(sock->stk, STK_OPT_MCAST_LEAVE, &req, sizeof req);
    return code;
}

/* MPT-7, WSPJOINLEAF-2: the join is complete, its report was sent before the call returns; FD_CONNECT says so. */
static void leaf_tell(struct wsp_socket *sock)
{
    atomic_store(&sock->connecting, 1);
    wsp_events_reenable(sock, FD_CONNECT);
}

/**
 * WSPJoinLeaf for IP multicast: a leaf joins a group and stays the same socket.
 *
 * Context: any thread. Does not block on the network. Source: rules WSPJOINLEAF-1..4, MPT-4..8.
 */
SOCKET WSPAPI wsp_join_leaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF lpCallerData,
                            LPWSABUF lpCalleeData, LPQOS lpSQOS, LPQOS lpGQOS, DWORD dwFlags, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct stk_addr group;
    int code;

    (void)lpCallerData; /* silently ignored on message sockets, as in WSPConnect */
    (void)lpGQOS;
    if (!sock)
        return INVALID_SOCKET;
    code = wsp_addr_read(name, namelen, sock->family, &group);
    if (code == 0 && wsp_socket_is_stream(sock))
        code = WSAEOPNOTSUPP;
    if (code == 0 && lpSQOS)
        code = WSAEOPNOTSUPP;
    if (code == 0)
        code = leaf_run(sock, &group, dwFlags);
    if (code == 0 && lpCalleeData)
        lpCalleeData->len = 0;
    if (code == 0)
        leaf_tell(sock);
    wsp_socket_put(sock);
    if (code == 0)
        return s;
    (void)wsp_fail(lpErrno, code);
    return INVALID_SOCKET;
}

/** @file Duplication, QoS names, joining a leaf. */
#include "wsp_misc.h"

#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_share.h"

/**
 * WSPDuplicateSocket within the process. A socket belongs to this process's own engine: WSAEINVAL for another one.
 *
 * @param lpProtocolInfo  The socket's entry, with a token that one WSPSocket makes a descriptor of.
 *
 * Context: any thread. Source: rules WSPDUPLICATESOCKET-1..6, SHR-1..4.
 */
int WSPAPI wsp_duplicate_socket(SOCKET s, DWORD dwProcessId, LPWSAPROTOCOL_INFOW lpProtocolInfo, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);

    uint32_t token = 0;
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    if (!lpProtocolInfo)
        code = WSAEFAULT;
    else if (dwProcessId != wsp_os_process_id())
        code = WSAEINVAL;
    else
        code = wsp_share_token(sock, &token);
    if (code == 0) {
        *lpProtocolInfo = wsp_provider.infos[sock->info];
        lpProtocolInfo->dwProviderReserved = token;
    }
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/**
 * WSPGetQOSByName: there are no templates. An empty name enumerates them.
 *
 * Context: any thread. Source: rules WSPGETQOSBYNAME-1, -2.
 */
BOOL WSPAPI wsp_get_qos_by_name(SOCKET s, LPWSABUF lpQOSName, LPQOS lpQOS, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    WCHAR first = 0;
    int code = 0;

    if (!sock)
        return FALSE;
    wsp_socket_put(sock);
    if (!lpQOSName || !lpQOSName->buf || lpQOSName->len < sizeof first)
        code = WSAEFAULT;
    else
        memcpy(&first, lpQOSName->buf, sizeof first);
    if (code == 0 && first != 0)
        code = lpQOS ? WSAEINVAL : WSAEFAULT;
    if (code != 0)
        (void)wsp_fail(lpErrno, code);
    return code == 0; /* the empty list is a single NUL, which is there already */
}

static int join_group(struct wsp_socket *sock, const struct stk_addr *group)
{
    struct stk_mcast_req req = {.group = *group, .if_index = group->scope_id};
    int code;

    req.group.port = 0;
    code = wsp_error_of(WSP_OP_OPTION, stk_sock_opt_set(sock->stk, STK_OPT_MCAST_JOIN, &req, sizeof req));
    return code == WSAEADDRINUSE ? WSAEISCONN : code; /* WSPJOINLEAF-1: already a member */
}

static int join_run(struct wsp_socket *sock, const struct stk_addr *group, DWORD flags)
{
    struct stk_addr local = {.family = group->family, .port = group->port};
    int code = 0;

    if (!(sock->flags & WSA_FLAG_MULTIPOINT_C_LEAF))
        return WSAEINVAL;
    if (flags != JL_SENDER_ONLY && flags != JL_RECEIVER_ONLY && flags != JL_BOTH)
        return WSAEINVAL;
    if (stk_sock_local(sock->stk, &(struct stk_addr){0}) == STK_EINVAL)
        code = wsp_error_of(WSP_OP_BIND, stk_sock_bind(sock->stk, &local));
    if (code == 0 && flags != JL_SENDER_ONLY)
        code = join_group(sock, group);
    if (code == 0 && flags != JL_RECEIVER_ONLY)
        code = wsp_error_of(WSP_OP_CONNECT, stk_sock_connect(sock->stk, group));
    return code;
}

/**
 * WSPJoinLeaf for IP multicast: a leaf joins a group and stays the same socket.
 *
 * Context: any thread. Source: rules WSPJOINLEAF-1, -3, -4.
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
        code = join_run(sock, &group, dwFlags);
    if (code == 0 && lpCalleeData)
        lpCalleeData->len = 0;
    wsp_socket_put(sock);
    if (code == 0)
        return s;
    (void)wsp_fail(lpErrno, code);
    return INVALID_SOCKET;
}

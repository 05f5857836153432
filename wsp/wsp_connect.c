/** @file Making, naming and connecting sockets. */
#include "wsp_connect.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_privilege.h"
#include "wsp_share.h"
#include "wsp_wait.h"

#define SOCKET_FLAGS                                                                                              \
    (WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_ROOT | \
     WSA_FLAG_MULTIPOINT_D_LEAF | WSA_FLAG_ACCESS_SYSTEM_SECURITY | WSA_FLAG_NO_HANDLE_INHERIT |                  \
     WSA_FLAG_REGISTERED_IO)
#define SOCKET_ROOTS (WSA_FLAG_MULTIPOINT_C_ROOT | WSA_FLAG_MULTIPOINT_D_ROOT)
#define SOCKET_LEAVES (WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)
#define BACKLOG_MAX 65535
#define BACKLOG_HINT_MIN 200 /* WSPLISTEN-2: SOMAXCONN_HINT */

/* What a socket shall be; FROM_PROTOCOL_INFO and 0 are resolved (WSPSOCKET-2). */
struct socket_kind {
    int af;
    int type;
    int protocol;
};

/* DSC-18, E58: who may open those of the system, and whom the configuration lets. */
static int socket_check_raw(void)
{
    return (wsp_provider.config && wsp_provider.config->engine.allow_raw) || wsp_privileged() ? 0 : WSAEACCES;
}

static int socket_check_protocol(const struct socket_kind *kind)
{
    if (kind->type == SOCK_RAW)
        return kind->protocol < 0 || kind->protocol >= IPPROTO_MAX ? WSAEPROTONOSUPPORT : socket_check_raw();
    if (kind->type == SOCK_STREAM && kind->protocol != IPPROTO_TCP) /* DSC-19 */
        return kind->protocol == IPPROTO_UDP ? WSAEPROTOTYPE : WSAEPROTONOSUPPORT;
    if (kind->type == SOCK_DGRAM && kind->protocol != IPPROTO_UDP)
        return WSAEPROTONOSUPPORT;
    return 0;
}

static int socket_resolve(struct socket_kind *kind, const WSAPROTOCOL_INFOW *info)
{
    if (kind->af == FROM_PROTOCOL_INFO || kind->af == AF_UNSPEC)
        kind->af = info->iAddressFamily;
    if (kind->type == FROM_PROTOCOL_INFO || kind->type == 0)
        kind->type = info->iSocketType;
    if (kind->protocol == FROM_PROTOCOL_INFO || kind->protocol == 0)
        kind->protocol = info->iProtocol;
    if (wsp_addr_family(kind->af) == STK_AF_NONE || kind->af != info->iAddressFamily)
        return WSAEAFNOSUPPORT;
    if (kind->type != info->iSocketType || kind->type < SOCK_STREAM || kind->type > SOCK_RAW)
        return WSAESOCKTNOSUPPORT;
    return socket_check_protocol(kind);
}

/* WSPSOCKET-5, WSPSOCKET-8: IP has leaves only, and both of them. */
static int socket_check_flags(GROUP g, DWORD flags, int type)
{
    if (g != 0 || (flags & ~(DWORD)SOCKET_FLAGS) || (flags & SOCKET_ROOTS))
        return WSAEINVAL;
    if ((flags & SOCKET_LEAVES) && ((flags & SOCKET_LEAVES) != SOCKET_LEAVES || type == SOCK_STREAM))
        return WSAEINVAL;
    return 0;
}

static int socket_make(struct wsp_socket *sock, const struct socket_kind *kind)
{
    static const int types[] = {
        [SOCK_STREAM] = STK_SOCK_STREAM, [SOCK_DGRAM] = STK_SOCK_DGRAM, [SOCK_RAW] = STK_SOCK_RAW};
    struct stk_client *client = NULL;
    struct stk_sock *stk = NULL;
    int code = wsp_provider_check();
    int err;

    if (code == 0)
        code = wsp_provider_client(&client);
    if (code != 0)
        return code;
    sock->family = kind->af;
    sock->type = kind->type;
    sock->protocol = kind->protocol;
    if (!wsp_socket_is_stream(sock))
        wsp_slow_set(sock, WSP_SLOW_TYPE);
    err = stk_sock_open(client, (int)wsp_addr_family(kind->af), types[kind->type],
                        kind->type == SOCK_RAW ? kind->protocol : 0, wsp_socket_context(sock), &stk);
    if (err == STK_OK)
        sock->stk = stk;
    return wsp_error_of(WSP_OP_SOCKET, err);
}

/**
 * WSPSocket. Context: any thread; the first one of the process blocks until the engine runs.
 * Source: rules WSPSOCKET-1..8, DSC.
 */
SOCKET WSPAPI wsp_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags,
                         LPINT lpErrno)
{
    struct socket_kind kind = {.af = af, .type = type, .protocol = protocol};
    struct wsp_socket *sock;
    SOCKET handle = INVALID_SOCKET;
    int code = wsp_provider_check();
    int info = 0;

    if (code == 0 && !lpProtocolInfo)
        code = WSAEFAULT;
    if (code == 0)
        code = socket_resolve(&kind, lpProtocolInfo);
    if (code == 0 && lpProtocolInfo->dwProviderReserved != 0) { /* WSPSOCKET-4: group and flags are the socket's */
        code = wsp_share_open(lpProtocolInfo, &handle);
        return code == 0 ? handle : (SOCKET)(INT_PTR)wsp_fail(lpErrno, code);
    }
    if (code == 0)
        code = socket_check_flags(g, dwFlags, kind.type);
    if (code == 0 && (info = wsp_provider_info_add(lpProtocolInfo)) < 0)
        code = WSAENOBUFS;
    if (code != 0)
        return (SOCKET)(INT_PTR)wsp_fail(lpErrno, code);
    sock = wsp_socket_alloc();
    if (!sock)
        return (SOCKET)(INT_PTR)wsp_fail(lpErrno, WSAEMFILE);
    sock->catalog_id = lpProtocolInfo->dwCatalogEntryId;
    sock->info = (uint32_t)info;
    sock->flags = dwFlags;
    code = socket_make(sock, &kind);
    if (code != 0) {
        wsp_socket_discard(sock);
        return (SOCKET)(INT_PTR)wsp_fail(lpErrno, code);
    }
    code = wsp_socket_open(sock);
    if (code != 0)
        return (SOCKET)(INT_PTR)wsp_fail(lpErrno, code);
    handle = atomic_load(&sock->handle);
    /* The last cleanup may have gone through the table before this entry was in it. */
    if (wsp_provider_check() != 0 && (sock = wsp_socket_get_context(wsp_socket_context(sock))) != NULL) {
        if (wsp_socket_mark_closed(sock))
            wsp_socket_end(sock, STK_CLOSE_ABORT, false);
        wsp_socket_put(sock);
        return (SOCKET)(INT_PTR)wsp_fail(lpErrno, WSANOTINITIALISED);
    }
    return handle;
}

/* The end of an entry with a reference. */
static int connect_return(struct wsp_socket *sock, int code, LPINT lpErrno)
{
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/* May it be bound or connected by itself: AcceptEx does not have it, nor had it (AEX-2, DEX-14). */
static bool connect_is_free(struct wsp_socket *sock)
{
    return atomic_load(&sock->accepting) == 0 && atomic_load(&sock->recycled) != WSP_CONTEXT_ACCEPTED;
}

/**
 * WSPBind. Context: any thread. Source: rules WSPBIND-1..5, BND, CF-2.
 */
int WSPAPI wsp_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct stk_addr local;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    code = wsp_addr_read(name, namelen, sock->family, &local);
    if (code == 0 && !connect_is_free(sock))
        code = WSAEINVAL;
    if (code == 0)
        code = wsp_error_of(WSP_OP_BIND, stk_sock_bind(sock->stk, &local));
    return connect_return(sock, code, lpErrno);
}

static uint32_t listen_backlog(int backlog)
{
    if (backlog == SOMAXCONN)
        return BACKLOG_MAX;
    if (backlog < 0) { /* SOMAXCONN_HINT(n) is -n; beyond the range of int there is no hint */
        backlog = backlog < -BACKLOG_MAX ? BACKLOG_MAX : -backlog;
        return (uint32_t)(backlog < BACKLOG_HINT_MIN ? BACKLOG_HINT_MIN : backlog);
    }
    if (backlog == 0)
        return 1;
    return (uint32_t)(backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog);
}

/**
 * WSPListen. Context: any thread. Source: rules WSPLISTEN-1..5, CON-2.
 */
int WSPAPI wsp_listen(SOCKET s, int backlog, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    int code = 0;

    if (!sock)
        return SOCKET_ERROR;
    if (!wsp_socket_is_stream(sock))
        code = WSAEOPNOTSUPP;
    else
        code = wsp_error_of(WSP_OP_ANY, stk_sock_listen(sock->stk, listen_backlog(backlog)));
    if (code == 0) {
        /* What FD_ACCEPT waits for is armed now; a further listen tells nothing anew (A.11.7). */
        if (!atomic_exchange(&sock->listening, 1) && wsp_events_registered(sock))
            wsp_events_reenable(sock, FD_ACCEPT);
    }
    return connect_return(sock, code, lpErrno);
}

int wsp_connect_take_error(struct wsp_socket *sock)
{
    int code = wsp_error_of(WSP_OP_CONNECT, stk_sock_error_take(sock->stk));

    if (code != 0)
        atomic_store(&sock->connect_error, code);
    else
        code = atomic_load(&sock->connect_error);
    return code;
}

/* A blocking connect waits for the handshake's end; the stack bounds it. */
static int connect_wait(struct wsp_socket *sock, SOCKET s)
{
    struct wsp_wait wait;
    int code;

    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    /* A connection may be made and reset before we look: it was made all the same. */
    code = wsp_wait_ready(&wait, sock, STK_READY_CONN | STK_READY_FAIL | STK_READY_RESET);
    if (code != 0)
        return code;
    if (stk_sock_ready(sock->stk) & STK_READY_FAIL) {
        atomic_store(&sock->connecting, 0); /* the caller is told */
        code = wsp_connect_take_error(sock);
        return code != 0 ? code : WSAECONNREFUSED;
    }
    return 0;
}

static int connect_stream(struct wsp_socket *sock, SOCKET s, const struct stk_addr *remote)
{
    bool nonblocking = atomic_load(&sock->nonblocking) != 0;
    int err;

    if (!connect_is_free(sock))
        return WSAEINVAL;
    /* Events are looked at under the lock: none finds a connection and does not know of the attempt (A.11.11). */
    wsp_mutex_lock(&sock->lock);
    err = stk_sock_connect(sock->stk, remote);
    if (err == STK_EINPROGRESS || err == STK_OK) {
        atomic_store(&sock->connect_error, 0);
        atomic_store(&sock->connect_ns, stk_clock_ns());
        atomic_store(&sock->connecting, 1); /* A.11.12: a later registration is told of what came before it */
        sock->events.told &= ~(FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE | FD_OOB); /* each may occur anew */
    }
    wsp_mutex_unlock(&sock->lock);
    if (err != STK_EINPROGRESS && err != STK_OK)
        return wsp_error_of(WSP_OP_CONNECT, err);
    if (wsp_events_registered(sock))
        wsp_events_reenable(sock, 0);
    if (err == STK_OK)
        return 0;
    return nonblocking ? WSAEWOULDBLOCK : connect_wait(sock, s);
}

/* CLL-4: the all-zero address takes the peer away. */
static int connect_datagram(struct wsp_socket *sock, struct stk_addr *remote)
{
    int code;

    if (wsp_addr_is_any(remote)) /* E27: whatever the port */
        remote->family = STK_AF_NONE;
    code = wsp_error_of(WSP_OP_CONNECT, stk_sock_connect(sock->stk, remote));
    if (code == 0 && remote->family != STK_AF_NONE) {
        atomic_store(&sock->connecting, 1); /* A.11.12: these are told too */
        wsp_events_reenable(sock, FD_CONNECT);
    }
    return code;
}

/* E27: an all-zero structure, its family too, takes a datagram socket's peer away. */
static int connect_name(const struct wsp_socket *sock, const struct sockaddr *name, int namelen, struct stk_addr *out)
{
    static const char zero[sizeof(SOCKADDR_IN6)];
    int code = wsp_addr_read(name, namelen, sock->family, out);

    if (code != WSAEAFNOSUPPORT || wsp_socket_is_stream(sock) ||
        memcmp(name, zero, (size_t)wsp_addr_size(sock->family)) != 0)
        return code;
    memset(out, 0, sizeof *out);
    return 0;
}

/**
 * WSPConnect. Context: any thread; blocks on a blocking stream socket.
 * Source: rules WSPCONNECT-1..8, CON-6..CON-14, CLL-1..CLL-4.
 */
int WSPAPI wsp_connect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF lpCallerData, LPWSABUF lpCalleeData,
                       LPQOS lpSQOS, LPQOS lpGQOS, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct stk_addr remote;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    code = connect_name(sock, name, namelen, &remote);
    if (code == 0 && lpGQOS)
        code = WSAEINVAL; /* E7: there are no groups */
    if (code == 0 && lpSQOS)
        code = WSAEOPNOTSUPP;
    if (code == 0 && wsp_socket_is_stream(sock)) {
        if (lpCallerData && lpCallerData->len > 0)
            code = WSAEPROTONOSUPPORT; /* WSPCONNECT-6 */
        else
            code = connect_stream(sock, s, &remote);
    } else if (code == 0) {
        code = connect_datagram(sock, &remote);
    }
    /* C.23: of a connect in progress too, since TCP never has data for it. */
    if ((code == 0 || code == WSAEWOULDBLOCK) && lpCalleeData)
        lpCalleeData->len = 0;
    return connect_return(sock, code, lpErrno);
}

/**
 * WSPGetSockName. Context: any thread. Does not block. Source: rules WSPGETSOCKNAME-1, -2.
 */
int WSPAPI wsp_get_sock_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct stk_addr addr;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    if (!name || !namelen || *namelen < wsp_addr_size(sock->family))
        code = WSAEFAULT;
    else
        code = wsp_socket_is_partial(sock) ? WSAENOTCONN : wsp_error_of(WSP_OP_ANY, stk_sock_local(sock->stk, &addr));
    if (code == 0)
        code = wsp_addr_write(&addr, sock->family, name, namelen);
    return connect_return(sock, code, lpErrno);
}

/**
 * WSPGetPeerName. Context: any thread. Does not block. Source: rules WSPGETPEERNAME-1..3.
 */
int WSPAPI wsp_get_peer_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    struct stk_addr addr;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    /* The state is told before the pointers are looked at, as on Windows. */
    code = wsp_socket_is_partial(sock) ? WSAENOTCONN : wsp_error_of(WSP_OP_ANY, stk_sock_peer(sock->stk, &addr));
    if (code == 0 && (!name || !namelen || *namelen < wsp_addr_size(sock->family)))
        code = WSAEFAULT;
    if (code == 0)
        code = wsp_addr_write(&addr, sock->family, name, namelen);
    return connect_return(sock, code, lpErrno);
}

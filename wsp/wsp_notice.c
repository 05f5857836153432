/** @file Changes of the host's addresses and routes. */
#include "wsp_notice.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_ioctl_priv.h"
#include "wsp_wait.h"

#include <stdlib.h>

#define NOTICE_SLICE_NS 20000000 /* a blocked call also looks at its socket and its hook */
#define FNV_BASIS UINT32_C(2166136261)
#define FNV_PRIME UINT32_C(16777619)

/* Threads that are blocked until something changes. */
static struct {
    struct wsp_mutex lock;
    struct wsp_cond changed;
} notice_blocked;

static uint32_t notice_hash(uint32_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

/* What a program sees of an interface: its addresses; for routes also whether and how it works. */
static uint32_t notice_hash_interface(uint32_t hash, const struct stk_if_info *info, enum wsp_notice kind, int family)
{
    for (uint32_t i = 0; i < info->addrs_count; i++) {
        const struct stk_conf_net *net = &info->addrs[i];

        if (kind == WSP_NOTICE_ADDRESSES && net->family != wsp_addr_family(family))
            continue;
        hash = notice_hash(hash, &info->if_index, sizeof info->if_index);
        hash = notice_hash(hash, &net->family, sizeof net->family);
        hash = notice_hash(hash, net->ip, sizeof net->ip);
        if (kind == WSP_NOTICE_ROUTES)
            hash = notice_hash(hash, &net->prefix_len, sizeof net->prefix_len);
    }
    if (kind == WSP_NOTICE_ROUTES) {
        hash = notice_hash(hash, &info->up, sizeof info->up);
        hash = notice_hash(hash, &info->mtu, sizeof info->mtu);
    }
    return hash;
}

uint32_t wsp_notice_mark(enum wsp_notice kind, int family)
{
    uint32_t hash = FNV_BASIS;
    struct stk_if_info *list;
    int count;

    list = wsp_ioctl_interfaces(&count);
    for (int i = 0; i < count; i++)
        hash = notice_hash_interface(hash, &list[i], kind, family);
    free(list);
    return hash;
}

bool wsp_notice_due(const struct wsp_socket *sock, enum wsp_notice kind, uint32_t mark)
{
    uint32_t bytes = 0;

    if (kind == WSP_NOTICE_BACKLOG)
        return stk_sock_isb(sock->stk, &bytes) != STK_OK || bytes != mark;
    return wsp_notice_mark(kind, sock->family) != mark;
}

int wsp_notice_code(const struct wsp_socket *sock, enum wsp_notice kind)
{
    uint32_t bytes;

    return kind == WSP_NOTICE_BACKLOG && stk_sock_isb(sock->stk, &bytes) != STK_OK ? WSA_OPERATION_ABORTED : 0;
}

bool wsp_notice_event(struct wsp_socket *sock, enum wsp_notice kind)
{
    struct wsp_notice_ask *ask = &sock->notices[kind];

    if (!ask->asked || !wsp_notice_due(sock, kind, ask->mark))
        return false;
    ask->asked = false;
    return true;
}

void wsp_notice_look(struct wsp_socket *sock)
{
    struct wsp_queue done;
    unsigned turns;

    wsp_mutex_lock(&sock->lock);
    turns = wsp_requests_run(sock, &done);
    wsp_mutex_unlock(&sock->lock);
    wsp_requests_deliver(sock, &done, turns);
}

void wsp_notices_wake(void)
{
    wsp_mutex_lock(&notice_blocked.lock);
    wsp_cond_wake_all(&notice_blocked.changed);
    wsp_mutex_unlock(&notice_blocked.lock);
}

/* WSPIOCTL-6: a nonblocking call arms the event; asking again re-enables it. */
static int notice_arm(struct wsp_socket *sock, enum wsp_notice kind)
{
    int code = wsp_dispatcher_start();
    uint32_t mark;

    if (code != 0)
        return code;
    mark = wsp_notice_mark(kind, sock->family);
    wsp_mutex_lock(&sock->lock);
    sock->notices[kind] = (struct wsp_notice_ask){.asked = true, .mark = mark};
    wsp_mutex_unlock(&sock->lock);
    wsp_events_reenable(sock, kind == WSP_NOTICE_ADDRESSES ? FD_ADDRESS_LIST_CHANGE : FD_ROUTING_INTERFACE_CHANGE);
    return WSAEWOULDBLOCK;
}

static int notice_block(struct wsp_socket *sock, SOCKET s, enum wsp_notice kind)
{
    uint32_t mark = wsp_notice_mark(kind, sock->family);
    struct wsp_wait wait;
    int code = wsp_dispatcher_start();

    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    while (code == 0 && !wsp_notice_due(sock, kind, mark)) {
        wsp_mutex_lock(&notice_blocked.lock);
        (void)wsp_cond_wait(&notice_blocked.changed, &notice_blocked.lock, NOTICE_SLICE_NS);
        wsp_mutex_unlock(&notice_blocked.lock);
        code = wsp_wait_nap(&wait, sock);
    }
    return code;
}

int wsp_notice_wait(const struct wsp_call *call, enum wsp_notice kind, bool overlapped)
{
    struct wsp_socket *sock = call->sock;

    if (overlapped)
        return wsp_request_pend(call, kind, wsp_notice_mark(kind, sock->family));
    return atomic_load(&sock->nonblocking) ? notice_arm(sock, kind) : notice_block(sock, call->handle, kind);
}

/* Blocks whatever the socket's mode. */
static int notice_backlog_block(struct wsp_socket *sock, SOCKET s, uint32_t mark)
{
    struct wsp_wait wait;
    int code = 0;

    wsp_wait_begin(&wait, 0);
    wait.handle = s;
    while (code == 0 && !wsp_notice_due(sock, WSP_NOTICE_BACKLOG, mark))
        code = wsp_wait_ready(&wait, sock, STK_READY_ISB | STK_READY_RESET);
    if (code == 0 && wsp_notice_code(sock, WSP_NOTICE_BACKLOG) != 0)
        code = WSAEINTR;
    return code;
}

int wsp_notice_backlog(const struct wsp_call *call, bool overlapped)
{
    struct wsp_socket *sock = call->sock;
    struct wsp_notice_ask *ask = &sock->notices[WSP_NOTICE_BACKLOG];
    uint32_t mark = 0;
    int err = stk_sock_isb(sock->stk, &mark);
    bool taken;
    int code;

    if (err == STK_ENOTCONN)
        return WSAENOTCONN;
    if (err == STK_ESHUTDOWN)
        return overlapped ? WSA_OPERATION_ABORTED : WSAEINTR;
    if (err != STK_OK)
        return wsp_error_of(WSP_OP_ANY, err);
    wsp_mutex_lock(&sock->lock);
    taken = ask->asked || wsp_request_pends(sock, WSP_NOTICE_BACKLOG);
    if (!taken && !overlapped)
        ask->asked = true;
    wsp_mutex_unlock(&sock->lock);
    if (taken)
        return overlapped ? WSA_OPERATION_ABORTED : WSAEINTR;
    stk_sock_isb_watch(sock->stk, mark);
    if (overlapped)
        return wsp_request_pend(call, WSP_NOTICE_BACKLOG, mark);
    code = notice_backlog_block(sock, call->handle, mark);
    wsp_mutex_lock(&sock->lock);
    ask->asked = false;
    wsp_mutex_unlock(&sock->lock);
    return code;
}

/** @file Sockets with several descriptors. */
#include "wsp_share.h"

#include "wsp_error.h"
#include "wsp_overlapped.h"
#include "wsp_rio.h"
#include "wsp_upcall.h"

#include "stack/clock.h"

#include <stdlib.h>

#define SHARE_TOKENS 1024
#define SHARE_LIFE_NS (UINT64_C(120) * STK_S_NS)
#define DELIVERY_NAP_NS 50000
#define DELIVERY_NAPS 2000 /* a tenth of a second: other descriptors' completions may go on for ever */

/* The descriptors of a socket. Guarded by the socket's lock. */
struct wsp_share {
    uint32_t count;
    uint32_t room;   /* of handles: count and tokens together never exceed it */
    uint32_t tokens; /* not used up */
    SOCKET *handles;
};

struct share_token {
    uint32_t token; /* 0: free */
    bool claimed;   /* WSPSocket is about to use it up */
    uint64_t context;
    uint64_t until_ns;
};

/* The lock is taken alone: no other lock of the provider is held then. */
static struct {
    struct wsp_mutex lock;
    _Atomic uint32_t used;
    struct share_token list[SHARE_TOKENS];
} share_tokens;

static struct {
    struct wsp_mutex lock;
    struct wsp_share_wait *head;
} share_waits;

uint64_t wsp_share_life_ns = SHARE_LIFE_NS;

/* --- A socket's descriptors --------------------------------------------------- */

/* Waits that began while the socket had one descriptor look only at its wake word: they shall look further. */
static void share_tell(struct wsp_socket *sock)
{
    struct stk_client *client = wsp_provider_client_now();
    uint32_t none = WSP_WAKE_NOT;

    if (atomic_compare_exchange_strong(&sock->wake, &none, WSP_WAKE_SHARED) && client && wsp_socket_calls(sock) > 1)
        stk_client_wake(client);
}

/* Room for one more descriptor, the list made on first need. The socket's lock is held. */
static struct wsp_share *share_reserve(struct wsp_socket *sock)
{
    struct wsp_share *share = atomic_load_explicit(&sock->share, memory_order_relaxed);
    uint32_t room;
    SOCKET *grown;

    if (!share) {
        share = calloc(1, sizeof *share);
        if (!share)
            return NULL;
    }
    if (share->count + share->tokens + 2 > share->room) {
        room = share->room + 8;
        grown = realloc(share->handles, room * sizeof *grown);
        if (!grown) {
            if (share->room == 0)
                free(share);
            return NULL;
        }
        share->handles = grown;
        share->room = room;
    }
    if (!wsp_share_is_shared(sock)) {
        share->handles[share->count++] = atomic_load(&sock->handle);
        atomic_store_explicit(&sock->share, share, memory_order_release);
        share_tell(sock);
    }
    return share;
}

static bool share_find(const struct wsp_share *share, SOCKET s, uint32_t *at)
{
    for (*at = 0; *at < share->count; (*at)++)
        if (share->handles[*at] == s)
            return true;
    return false;
}

/* Take a descriptor out of the list. The socket's lock is held. */
static void share_remove(struct wsp_socket *sock, struct wsp_share *share, uint32_t at)
{
    SOCKET s = share->handles[at];

    share->handles[at] = share->handles[--share->count];
    if (atomic_load(&sock->handle) == s)
        atomic_store(&sock->handle, share->count > 0 ? share->handles[0] : INVALID_SOCKET);
    /* Messages would go on naming it. An event object is the socket's affair and stays. */
    if (sock->events.window && sock->events.handle == s) {
        sock->events = (struct wsp_events){0};
        wsp_slow_clear(sock, WSP_SLOW_EVENTS);
    }
}

SOCKET wsp_share_handle(struct wsp_socket *sock, SOCKET given)
{
    SOCKET s = atomic_load(&sock->handle);
    uint32_t at;

    if (!wsp_share_is_shared(sock))
        return s;
    wsp_mutex_lock(&sock->lock);
    if (share_find(atomic_load(&sock->share), given, &at))
        s = given;
    wsp_mutex_unlock(&sock->lock);
    return s;
}

bool wsp_share_is_gone(const struct wsp_socket *sock, SOCKET s)
{
    LPWPUQUERYSOCKETHANDLECONTEXT query = atomic_load_explicit(&wsp_upcalls.query_context, memory_order_relaxed);
    DWORD_PTR context = 0;
    INT err = 0;

    return query(s, &context, &err) == SOCKET_ERROR || (uint64_t)context != wsp_socket_context(sock);
}

SOCKET wsp_share_take(struct wsp_socket *sock)
{
    SOCKET s = INVALID_SOCKET;
    struct wsp_share *share;

    wsp_mutex_lock(&sock->lock);
    sock->ending = true;
    share = atomic_load(&sock->share);
    if (!share)
        s = atomic_exchange(&sock->handle, INVALID_SOCKET);
    else if (share->count > 0)
        s = share->handles[--share->count];
    wsp_mutex_unlock(&sock->lock);
    return s;
}

void wsp_share_free(struct wsp_socket *sock)
{
    struct wsp_share *share = atomic_exchange(&sock->share, NULL);

    if (!share)
        return;
    free(share->handles);
    free(share);
}

/* --- Closing ------------------------------------------------------------------- */

static void share_wake(SOCKET s)
{
    struct stk_client *client = wsp_provider_client_now();
    bool any = false;

    wsp_mutex_lock(&share_waits.lock);
    for (struct wsp_share_wait *wait = share_waits.head; wait; wait = wait->next)
        for (size_t i = 0; i < wait->count; i++)
            if (wait->handles[i] == s) {
                atomic_store(&wait->wake, 1);
                any = true;
            }
    wsp_mutex_unlock(&share_waits.lock);
    if (any && client)
        stk_client_wake(client);
}

/*
 * A descriptor that is no longer in the list, while others are: its requests are told before the handle goes
 * (WSPCLOSESOCKET-4). A call that got in before the handle went is caught behind it, or sees by itself that it is gone.
 */
static void share_drop(struct wsp_socket *sock, SOCKET s)
{
    LPWPUCLOSESOCKETHANDLE close = atomic_load_explicit(&wsp_upcalls.close_handle, memory_order_relaxed);
    INT err = 0;

    wsp_requests_abort_handle(sock, s);
    for (int naps = 0; naps < DELIVERY_NAPS && atomic_load(&sock->delivering) > 0; naps++)
        wsp_os_sleep_ns(DELIVERY_NAP_NS);
    (void)close(s, &err);
    wsp_requests_abort_handle(sock, s);
    share_wake(s);
}

enum wsp_share_end wsp_share_close(struct wsp_socket *sock, SOCKET s)
{
    enum wsp_share_end end = WSP_SHARE_LAST;
    struct wsp_share *share;
    uint32_t at = 0;

    wsp_mutex_lock(&sock->lock);
    share = atomic_load(&sock->share);
    if (sock->ending || (share && !share_find(share, s, &at)))
        end = WSP_SHARE_GONE;
    else if (share && share->count + share->tokens > 1)
        end = WSP_SHARE_DROPPED;
    if (end == WSP_SHARE_LAST)
        sock->ending = true;
    else if (end == WSP_SHARE_DROPPED)
        share_remove(sock, share, at);
    wsp_mutex_unlock(&sock->lock);
    if (end == WSP_SHARE_DROPPED)
        share_drop(sock, s);
    return end;
}

void wsp_share_keep(struct wsp_socket *sock)
{
    wsp_mutex_lock(&sock->lock);
    sock->ending = false;
    wsp_mutex_unlock(&sock->lock);
}

/* --- Tokens -------------------------------------------------------------------- */

/* A number that is in no use. The table's lock is held. */
static int token_draw(uint32_t *token)
{
    bool taken;

    do {
        if (stk_random_bytes(token, sizeof *token) != STK_OK)
            return WSAENETDOWN;
        taken = *token == 0;
        for (uint32_t i = 0; i < SHARE_TOKENS && !taken; i++)
            taken = share_tokens.list[i].token == *token;
    } while (taken);
    return 0;
}

static int token_add(uint64_t context, uint32_t *token)
{
    struct share_token *entry = NULL;
    int code = WSAENOBUFS;

    wsp_mutex_lock(&share_tokens.lock);
    for (uint32_t i = 0; i < SHARE_TOKENS && !entry; i++)
        if (share_tokens.list[i].token == 0)
            entry = &share_tokens.list[i];
    if (entry)
        code = token_draw(token);
    if (code == 0) {
        *entry = (struct share_token){
            .token = *token, .context = context, .until_ns = stk_clock_ns() + wsp_share_life_ns};
        atomic_fetch_add(&share_tokens.used, 1);
    }
    wsp_mutex_unlock(&share_tokens.lock);
    return code;
}

/* Claim a token for one attempt to use it: its entry, or NULL. */
static struct share_token *token_claim(uint32_t token)
{
    struct share_token *entry = NULL;

    wsp_mutex_lock(&share_tokens.lock);
    for (uint32_t i = 0; i < SHARE_TOKENS && !entry; i++)
        if (share_tokens.list[i].token == token)
            entry = &share_tokens.list[i];
    if (entry && (entry->claimed || stk_clock_ns() >= entry->until_ns))
        entry = NULL;
    if (entry)
        entry->claimed = true;
    wsp_mutex_unlock(&share_tokens.lock);
    return entry;
}

/* The attempt is over. @param used  The entry becomes free. */
static void token_settle(struct share_token *entry, bool used)
{
    wsp_mutex_lock(&share_tokens.lock);
    if (used && entry->token != 0) {
        entry->token = 0;
        atomic_fetch_sub(&share_tokens.used, 1);
    }
    entry->claimed = false;
    wsp_mutex_unlock(&share_tokens.lock);
}

/* A token of the socket is gone. true: with it the last descriptor. */
static bool share_token_gone(struct wsp_socket *sock)
{
    struct wsp_share *share;
    bool last;

    wsp_mutex_lock(&sock->lock);
    share = atomic_load(&sock->share);
    share->tokens--;
    last = share->count + share->tokens == 0 && !sock->ending;
    sock->ending = sock->ending || last;
    wsp_mutex_unlock(&sock->lock);
    return last;
}

int wsp_share_token(struct wsp_socket *sock, uint32_t *token)
{
    struct wsp_share *share;
    int code = wsp_dispatcher_start(); /* which looks for what expires */

    if (code != 0)
        return code;
    if (wsp_rio_has_queue(sock))
        return WSAEOPNOTSUPP; /* RIOX-116 */
    wsp_mutex_lock(&sock->lock);
    if (sock->ending)
        code = WSAENOTSOCK;
    share = code == 0 ? share_reserve(sock) : NULL;
    if (share)
        share->tokens++;
    else if (code == 0)
        code = WSAENOBUFS;
    wsp_mutex_unlock(&sock->lock);
    if (code != 0)
        return code;
    code = token_add(wsp_socket_context(sock), token);
    if (code != 0 && share_token_gone(sock) && wsp_socket_mark_closed(sock))
        wsp_socket_end(sock, STK_CLOSE_GRACEFUL, true); /* every descriptor was closed meanwhile */
    return code;
}

/* The token becomes a descriptor. */
static int share_join(struct wsp_socket *sock, SOCKET handle)
{
    struct wsp_share *share;
    int code = 0;

    wsp_mutex_lock(&sock->lock);
    share = atomic_load(&sock->share);
    if (sock->ending) {
        code = WSANOTINITIALISED; /* a cleanup: nothing else ends a socket that has a token */
    } else {
        share->tokens--;
        share->handles[share->count++] = handle;
        if (atomic_load(&sock->handle) == INVALID_SOCKET)
            atomic_store(&sock->handle, handle);
    }
    wsp_mutex_unlock(&sock->lock);
    return code;
}

static int share_attach(struct wsp_socket *sock, SOCKET *out)
{
    LPWPUCREATESOCKETHANDLE create = atomic_load_explicit(&wsp_upcalls.create_handle, memory_order_relaxed);
    LPWPUCLOSESOCKETHANDLE close = atomic_load_explicit(&wsp_upcalls.close_handle, memory_order_relaxed);
    INT err = 0;
    SOCKET handle = create(sock->catalog_id, (DWORD_PTR)wsp_socket_context(sock), &err);
    int code;

    if (handle == INVALID_SOCKET)
        return err != 0 ? err : WSAENOBUFS;
    code = share_join(sock, handle);
    if (code == 0)
        *out = handle;
    else
        (void)close(handle, &err);
    return code;
}

int wsp_share_open(const WSAPROTOCOL_INFOW *info, SOCKET *out)
{
    struct share_token *entry = token_claim(info->dwProviderReserved);
    struct wsp_socket *sock = entry ? wsp_socket_get_context(entry->context) : NULL;
    int code = WSAEINVAL;

    if (sock && sock->catalog_id == info->dwCatalogEntryId)
        code = share_attach(sock, out);
    if (entry)
        token_settle(entry, code == 0 || !sock);
    if (sock)
        wsp_socket_put(sock);
    return code;
}

static void token_expire(uint64_t context)
{
    struct wsp_socket *sock = wsp_socket_get_context(context);
    bool abort;

    if (!sock)
        return;
    abort = wsp_socket_is_stream(sock) && wsp_socket_lingers_zero(sock);
    if (share_token_gone(sock) && wsp_socket_mark_closed(sock))
        wsp_socket_end(sock, abort ? STK_CLOSE_ABORT : STK_CLOSE_GRACEFUL, true);
    wsp_socket_put(sock);
}

void wsp_share_expire(void)
{
    uint64_t now;

    if (atomic_load_explicit(&share_tokens.used, memory_order_relaxed) == 0)
        return;
    now = stk_clock_ns();
    for (uint32_t i = 0; i < SHARE_TOKENS; i++) {
        struct share_token *entry = &share_tokens.list[i];
        uint64_t context;
        bool expired;

        wsp_mutex_lock(&share_tokens.lock);
        expired = entry->token != 0 && !entry->claimed && now >= entry->until_ns;
        context = entry->context;
        if (expired) {
            entry->token = 0;
            atomic_fetch_sub(&share_tokens.used, 1);
        }
        wsp_mutex_unlock(&share_tokens.lock);
        if (expired)
            token_expire(context);
    }
}

int64_t wsp_share_watch_ns(void)
{
    return (int64_t)(wsp_share_life_ns / 8);
}

void wsp_share_forget(void)
{
    wsp_mutex_lock(&share_tokens.lock);
    for (uint32_t i = 0; i < SHARE_TOKENS; i++)
        if (!share_tokens.list[i].claimed)
            share_tokens.list[i].token = 0;
    atomic_store(&share_tokens.used, 0);
    for (uint32_t i = 0; i < SHARE_TOKENS; i++)
        if (share_tokens.list[i].token != 0)
            atomic_fetch_add(&share_tokens.used, 1);
    wsp_mutex_unlock(&share_tokens.lock);
}

/* --- Waits ----------------------------------------------------------------------- */

void wsp_share_wait_begin(struct wsp_share_wait *wait, const SOCKET *handles, size_t count)
{
    wait->handles = handles;
    wait->count = count;
    atomic_init(&wait->wake, 0);
    wsp_mutex_lock(&share_waits.lock);
    wait->next = share_waits.head;
    wait->link = &share_waits.head;
    if (wait->next)
        wait->next->link = &wait->next;
    share_waits.head = wait;
    wsp_mutex_unlock(&share_waits.lock);
}

void wsp_share_wait_end(struct wsp_share_wait *wait)
{
    wsp_mutex_lock(&share_waits.lock);
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    wsp_mutex_unlock(&share_waits.lock);
}

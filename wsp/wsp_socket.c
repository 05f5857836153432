/** @file The table of sockets. */
#include "wsp_socket.h"

#include "wsp_acceptex.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_overlapped.h"
#include "wsp_rio.h"
#include "wsp_share.h"
#include "wsp_upcall.h"

#include "stack/assert.h"

#include <stdlib.h>

#define SEGMENT_SIZE 256u
#define SEGMENTS_MAX 4096u
#define INDEX_BITS 20u
#define INDEX_MASK ((1u << INDEX_BITS) - 1u)
_Static_assert(SEGMENT_SIZE *SEGMENTS_MAX == 1u << INDEX_BITS, "an index fills its bits");

#define DELIVERY_NAP_NS 50000
#define DELIVERY_NAPS 20000 /* one second: an upcall that takes longer is stuck */

#define STATE_OPEN (UINT64_C(1) << 31) /* clear: free or being closed */
#define STATE_REFS (STATE_OPEN - 1)

struct socket_free {
    struct wsp_mutex lock;
    uint32_t made;  /* entries that exist */
    uint32_t count; /* entries that are free */
    uint32_t list[SEGMENT_SIZE * SEGMENTS_MAX];
};

static _Atomic(struct wsp_socket *) socket_segments[SEGMENTS_MAX];
static _Atomic uint32_t socket_made;
static _Atomic uint32_t socket_live;
static struct socket_free socket_free;

static struct wsp_socket *socket_at(uint32_t index)
{
    struct wsp_socket *segment = atomic_load_explicit(&socket_segments[index / SEGMENT_SIZE], memory_order_acquire);

    return segment ? &segment[index % SEGMENT_SIZE] : NULL;
}

/* The generation's bits that fit a context: all of them on 64-bit systems. */
static uint64_t socket_generation(uint64_t state)
{
    return (state >> 32) & (UINTPTR_MAX >> INDEX_BITS);
}

uint64_t wsp_socket_context(const struct wsp_socket *sock)
{
    uint64_t state = atomic_load_explicit(&sock->state, memory_order_relaxed);

    return socket_generation(state) << INDEX_BITS | sock->index;
}

struct wsp_socket *wsp_socket_get_context(uint64_t context)
{
    struct wsp_socket *sock = socket_at((uint32_t)context & INDEX_MASK);
    uint64_t state;

    if (!sock)
        return NULL;
    state = atomic_load_explicit(&sock->state, memory_order_relaxed);
    do {
        if (!(state & STATE_OPEN) || socket_generation(state) != context >> INDEX_BITS)
            return NULL;
        /* C: pairs with D of other calls and E of the opening thread. */
    } while (!atomic_compare_exchange_weak_explicit(&sock->state, &state, state + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    return sock;
}

struct wsp_socket *wsp_socket_get(SOCKET s, LPINT err)
{
    LPWPUQUERYSOCKETHANDLECONTEXT query;
    struct wsp_socket *sock;
    DWORD_PTR context = 0;
    INT code = wsp_provider_check();

    if (code != 0) {
        (void)wsp_fail(err, code);
        return NULL;
    }
    query = atomic_load_explicit(&wsp_upcalls.query_context, memory_order_relaxed);
    if (query(s, &context, &code) == SOCKET_ERROR) {
        (void)wsp_fail(err, code != 0 ? code : WSAENOTSOCK);
        return NULL;
    }
    sock = wsp_socket_get_context(context);
    if (!sock)
        (void)wsp_fail(err, WSAENOTSOCK);
    return sock;
}

void wsp_socket_ref(struct wsp_socket *sock)
{
    (void)atomic_fetch_add_explicit(&sock->state, 1, memory_order_relaxed);
}

static void socket_release(struct wsp_socket *sock)
{
    uint64_t state = atomic_load_explicit(&sock->state, memory_order_relaxed);
    uint64_t next = ((state >> 32) + 1) << 32;

    wsp_share_free(sock);
    /* Generations of 12 bits on 32-bit systems still tell neighbours apart. */
    atomic_store_explicit(&sock->state, next, memory_order_release);
    atomic_fetch_sub_explicit(&socket_live, 1, memory_order_release);
    wsp_mutex_lock(&socket_free.lock);
    socket_free.list[socket_free.count++] = sock->index;
    wsp_mutex_unlock(&socket_free.lock);
}

static void socket_finish(struct wsp_socket *sock)
{
    struct stk_sock *stk = sock->stk;

    for (uint32_t i = 0; i < WSP_SPARES; i++) {
        if (sock->spares[i])
            (void)stk_sock_close(sock->spares[i], STK_CLOSE_ABORT);
        sock->spares[i] = NULL;
    }
    while (sock->deferred) {
        struct wsp_socket *waiting = sock->deferred;

        sock->deferred = waiting->deferred_next;
        (void)stk_sock_close(waiting->stk, STK_CLOSE_ABORT);
        waiting->stk = NULL;
        socket_release(waiting);
    }
    sock->stk = NULL;
    if (stk)
        (void)stk_sock_close(stk, (enum stk_close_mode)atomic_load(&sock->close_mode));
    socket_release(sock);
}

void wsp_socket_put(struct wsp_socket *sock)
{
    /* D: what this call did precedes the end of the socket; the acquire half is for the one who ends it. */
    uint64_t state = atomic_fetch_sub_explicit(&sock->state, 1, memory_order_acq_rel) - 1;

    if ((state & (STATE_OPEN | STATE_REFS)) == 0)
        socket_finish(sock);
}

uint32_t wsp_socket_calls(const struct wsp_socket *sock)
{
    uint64_t state = atomic_load(&sock->state);

    return (uint32_t)(state & STATE_REFS) - 1;
}

bool wsp_socket_closing(const struct wsp_socket *sock)
{
    return atomic_load_explicit(&sock->wake, memory_order_acquire) == WSP_WAKE_CLOSING;
}

/* Make one more segment. The free list's lock is held. */
static bool socket_grow(void)
{
    uint32_t made = socket_free.made;
    struct wsp_socket *segment;

    if (made == SEGMENT_SIZE * SEGMENTS_MAX)
        return false;
    segment = calloc(SEGMENT_SIZE, sizeof *segment);
    if (!segment)
        return false;
    for (uint32_t i = SEGMENT_SIZE; i-- > 0;) {
        segment[i].index = made + i;
        atomic_init(&segment[i].state, UINT64_C(1) << 32);
        socket_free.list[socket_free.count++] = made + i;
    }
    atomic_store_explicit(&socket_segments[made / SEGMENT_SIZE], segment, memory_order_release);
    socket_free.made += SEGMENT_SIZE;
    atomic_store_explicit(&socket_made, socket_free.made, memory_order_release);
    return true;
}

struct wsp_socket *wsp_socket_alloc(void)
{
    struct wsp_socket *sock = NULL;

    wsp_mutex_lock(&socket_free.lock);
    if (socket_free.count > 0 || socket_grow())
        sock = socket_at(socket_free.list[--socket_free.count]);
    wsp_mutex_unlock(&socket_free.lock);
    if (!sock)
        return NULL;
    atomic_fetch_add_explicit(&socket_live, 1, memory_order_relaxed);
    /* Not findable: plain stores. Everything behind the index starts from zero. */
    atomic_store_explicit(&sock->wake, 0, memory_order_relaxed);
    atomic_store_explicit(&sock->slow, 0, memory_order_relaxed);
    sock->stk = NULL;
    atomic_store(&sock->handle, INVALID_SOCKET);
    atomic_store(&sock->nonblocking, 0);
    atomic_store(&sock->rcvtimeo_ms, 0);
    atomic_store(&sock->sndtimeo_ms, 0);
    atomic_store(&sock->linger, 0);
    atomic_store(&sock->delivering, 0);
    for (size_t i = 0; i < sizeof sock->values / sizeof sock->values[0]; i++)
        atomic_store(&sock->values[i], 0);
    atomic_store(&sock->connect_error, 0);
    atomic_store(&sock->end_told, 0);
    atomic_store(&sock->listening, 0);
    atomic_store(&sock->shut, 0);
    atomic_store(&sock->ported, 0);
    atomic_store(&sock->connecting, 0);
    atomic_store(&sock->connect_ns, 0);
    atomic_store(&sock->close_mode, (uint32_t)STK_CLOSE_GRACEFUL);
    for (int i = 0; i < WSP_DIRECTIONS; i++) {
        sock->queues[i].head = NULL;
        sock->queues[i].tail = &sock->queues[i].head;
    }
    sock->events = (struct wsp_events){0};
    memset(sock->notices, 0, sizeof sock->notices);
    memset(sock->iflists, 0, sizeof sock->iflists);
    sock->deferred = NULL;
    sock->deferred_next = NULL;
    memset(sock->spares, 0, sizeof sock->spares);
    atomic_store(&sock->context, (uint32_t)WSP_CONTEXT_WHOLE);
    atomic_store(&sock->recycled, (uint32_t)WSP_CONTEXT_WHOLE);
    atomic_store(&sock->accepting, 0);
    atomic_store(&sock->accepted_by, 0);
    atomic_store(&sock->rio, 0);
    for (int i = 0; i < WSP_PENDING; i++)
        atomic_store(&sock->turns[i], 0);
    sock->ending = false;
    sock->posting = false;
    sock->post_again = false;
    return sock;
}

void wsp_socket_discard(struct wsp_socket *sock)
{
    STK_ASSERT(!sock->stk);
    socket_release(sock);
}

int wsp_socket_open(struct wsp_socket *sock)
{
    LPWPUCREATESOCKETHANDLE create = atomic_load_explicit(&wsp_upcalls.create_handle, memory_order_relaxed);
    uint64_t state = atomic_load_explicit(&sock->state, memory_order_relaxed);
    SOCKET handle;
    INT err = 0;

    /* E: pairs with C. Findable before the handle exists, since ws2_32 may ask as soon as it does. */
    atomic_store_explicit(&sock->state, (state & ~(STATE_OPEN | STATE_REFS)) | STATE_OPEN | 1, memory_order_release);
    handle = create(sock->catalog_id, (DWORD_PTR)wsp_socket_context(sock), &err);
    if (handle != INVALID_SOCKET) {
        atomic_store(&sock->handle, handle);
        return 0;
    }
    atomic_store(&sock->close_mode, (uint32_t)STK_CLOSE_ABORT);
    (void)wsp_socket_mark_closed(sock);
    wsp_socket_put(sock);
    return err != 0 ? err : WSAENOBUFS;
}

bool wsp_socket_mark_closed(struct wsp_socket *sock)
{
    uint64_t before = atomic_fetch_and_explicit(&sock->state, ~STATE_OPEN, memory_order_acq_rel);

    return (before & STATE_OPEN) != 0;
}

/*
 * WSPCLOSESOCKET-4: once, when nobody finds the socket any more and every completion was handed over; the
 * dispatcher may be at it.
 */
static void socket_close_handle(struct wsp_socket *sock)
{
    LPWPUCLOSESOCKETHANDLE close = atomic_load_explicit(&wsp_upcalls.close_handle, memory_order_relaxed);
    SOCKET handle;
    INT err = 0;

    for (int naps = 0; naps < DELIVERY_NAPS && atomic_load(&sock->delivering) > 0; naps++)
        wsp_os_sleep_ns(DELIVERY_NAP_NS);
    /* At exit ws2_32 may be gone before us. */
    while ((handle = wsp_share_take(sock)) != INVALID_SOCKET)
        if (atomic_load(&wsp_provider.state) != WSP_EXITED)
            (void)close(handle, &err);
}

void wsp_socket_end(struct wsp_socket *sock, enum stk_close_mode mode, bool deliver)
{
    atomic_store(&sock->close_mode, (uint32_t)mode);
    atomic_store_explicit(&sock->wake, WSP_WAKE_CLOSING, memory_order_release);
    /* Only where others are inside: waking everybody for each close would be felt by all of them. */
    if (wsp_socket_calls(sock) > 1)
        stk_sock_cancel(sock->stk);
    wsp_rio_end(sock);
    wsp_requests_abort(sock, deliver);
    wsp_acceptex_follow(sock);
    wsp_events_end(sock);
    socket_close_handle(sock);
    wsp_socket_put(sock);
}

/* Is nobody but the caller inside? It is an exchange: calls that come later see what was stored before it (C, D). */
static bool socket_is_ours(struct wsp_socket *sock, uint32_t own)
{
    uint64_t state = atomic_fetch_add_explicit(&sock->state, 0, memory_order_acq_rel);
    uint64_t handle = (state & STATE_OPEN) ? 1 : 0;

    return (state & STATE_REFS) <= own + handle;
}

void wsp_socket_reap(struct wsp_socket *sock, enum stk_close_mode mode, uint32_t own)
{
    struct stk_sock *gone[WSP_SPARES] = {NULL};

    wsp_mutex_lock(&sock->lock);
    if (socket_is_ours(sock, own)) {
        memcpy(gone, sock->spares, sizeof gone);
        memset(sock->spares, 0, sizeof sock->spares);
    }
    wsp_mutex_unlock(&sock->lock);
    for (uint32_t i = 0; i < WSP_SPARES; i++)
        if (gone[i])
            (void)stk_sock_close(gone[i], mode);
}

bool wsp_socket_renew(struct wsp_socket *sock, struct stk_sock *fresh, enum stk_close_mode mode, uint32_t own)
{
    struct stk_rio_rq *requests = wsp_rio_move_begin(sock);
    struct stk_sock *before = NULL;
    uint32_t at = 0;

    wsp_mutex_lock(&sock->lock);
    while (at < WSP_SPARES && sock->spares[at])
        at++;
    if (at < WSP_SPARES) {
        before = sock->stk;
        sock->spares[at] = before;
        sock->stk = fresh;
    }
    if (before && !socket_is_ours(sock, own))
        stk_sock_cancel(before); /* who waits on it waits on the other one */
    wsp_mutex_unlock(&sock->lock);
    wsp_rio_move_end(sock, before ? NULL : requests);
    wsp_socket_reap(sock, mode, own);
    return at < WSP_SPARES;
}

void wsp_socket_each(void (*fn)(struct wsp_socket *sock, void *arg), void *arg)
{
    uint32_t made = atomic_load_explicit(&socket_made, memory_order_acquire);

    for (uint32_t i = 0; i < made; i++) {
        struct wsp_socket *sock = socket_at(i);
        uint64_t state = atomic_load_explicit(&sock->state, memory_order_relaxed);

        if (!(state & STATE_OPEN))
            continue;
        sock = wsp_socket_get_context(socket_generation(state) << INDEX_BITS | i);
        if (!sock)
            continue;
        fn(sock, arg);
        wsp_socket_put(sock);
    }
}

uint32_t wsp_socket_live_count(void)
{
    return atomic_load_explicit(&socket_live, memory_order_acquire);
}

/**
 * @file
 * Request queues. One ends with its socket; its entry is kept until the
 * completions were dequeued whose records it holds, or the completion queue
 * of its receives is closed.
 */
#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_rio_priv.h"
#include "wsp_upcall.h"

#include <stdlib.h>
#include <string.h>

struct wsp_rio_slots wsp_rio_rqs = {.kind = WSP_RIO_RQ, .size = sizeof(struct wsp_rio_rq)};

#define COOKIE_RING_SHIFT 27
#define COOKIE_RECORD_MASK ((1u << COOKIE_RING_SHIFT) - 1)
#define COMMIT_NAP_NS 20000
#define COMMIT_NAPS 50000

/* --- Records of receives ------------------------------------------------- */

uint64_t wsp_rio_cookie(const struct wsp_rio_rq *rq, uint32_t place)
{
    return (uint64_t)(rq->slot.index + 1) << 32 | rq->ring << COOKIE_RING_SHIFT | place;
}

struct wsp_rio_record *wsp_rio_record_of(uint64_t cookie, struct wsp_rio_rq **rq, struct wsp_rio_ring **ring)
{
    uint32_t place = (uint32_t)cookie;

    *rq = (struct wsp_rio_rq *)wsp_rio_slot_at(&wsp_rio_rqs, (uint32_t)(cookie >> 32) - 1);
    if (!*rq)
        return NULL;
    *ring = atomic_load_explicit(&(*rq)->rings[place >> COOKIE_RING_SHIFT], memory_order_acquire);
    if (!*ring || (place & COOKIE_RECORD_MASK) >= (*ring)->capacity)
        return NULL;
    return &(*ring)->records[place & COOKIE_RECORD_MASK];
}

/* Room for the records of so many receives. @return  0 or WSAENOBUFS. Context: nobody posts. */
static int rq_rings(struct wsp_rio_rq *rq, uint32_t receives)
{
    struct wsp_rio_ring *ring = atomic_load(&rq->rings[rq->ring]);
    uint32_t needed = receives + 1 + WSP_RIO_TAKE, at = 0;

    if (rq->stream || (ring && ring->capacity >= needed))
        return 0; /* streams fill in what they are asked for at once */
    if (ring && needed < 2 * ring->capacity)
        needed = 2 * ring->capacity;
    while (at < WSP_RIO_RINGS && atomic_load(&rq->rings[at]))
        at++;
    ring = at < WSP_RIO_RINGS ? calloc(1, sizeof *ring + needed * sizeof ring->records[0]) : NULL;
    if (!ring)
        return WSAENOBUFS;
    ring->capacity = needed;
    rq->ring = at;
    atomic_store_explicit(&rq->rings[at], ring, memory_order_release);
    return 0;
}

bool wsp_rio_rq_is_done(const struct wsp_rio_rq *rq)
{
    for (uint32_t i = 0; i < WSP_RIO_RINGS; i++) {
        const struct wsp_rio_ring *ring = atomic_load_explicit(&rq->rings[i], memory_order_acquire);

        if (ring && ring->posted != atomic_load_explicit(&ring->taken, memory_order_acquire))
            return false;
    }
    return true;
}

void wsp_rio_rq_free(struct wsp_rio_rq *rq)
{
    struct wsp_socket *copy = atomic_exchange(&rq->options, NULL);

    for (uint32_t i = 0; i < WSP_RIO_RINGS; i++)
        free(atomic_exchange(&rq->rings[i], NULL));
    if (copy != rq->sock)
        free(copy);
    wsp_rio_slot_give(&wsp_rio_rqs, &rq->slot);
}

/* --- Moving and ending ---------------------------------------------------- */

static bool rq_quiet(struct wsp_rio_rq *rq)
{
    wsp_fence_all();
    if (!wsp_rio_wait_out(&rq->inside))
        return false;
    for (int naps = 0; naps < COMMIT_NAPS; naps++) {
        if (atomic_load(&rq->committing) == 0)
            return true;
        wsp_os_sleep_ns(COMMIT_NAP_NS);
    }
    return false;
}

struct stk_rio_rq *wsp_rio_move_begin(struct wsp_socket *sock)
{
    struct wsp_rio_rq *rq = wsp_rio_rq_find((uintptr_t)atomic_load(&sock->rio));
    struct stk_rio_rq *old, *made;

    if (!rq)
        return NULL;
    atomic_store(&rq->moving, 1);
    old = atomic_exchange(&rq->stk, NULL);
    (void)rq_quiet(rq);
    made = atomic_exchange(&rq->stk, NULL); /* by who was about to */
    return made ? made : old;
}

void wsp_rio_move_end(struct wsp_socket *sock, struct stk_rio_rq *stays)
{
    struct wsp_rio_rq *rq = wsp_rio_rq_find((uintptr_t)atomic_load(&sock->rio));

    if (!rq)
        return;
    atomic_store(&rq->stk, stays);
    atomic_store(&rq->moving, 0);
}

/* The options as they are, for completions that are dequeued when the socket is another one. NULL: no memory. */
static struct wsp_socket *rq_options(const struct wsp_socket *sock)
{
    struct wsp_socket *copy = calloc(1, sizeof *copy);

    if (!copy)
        return NULL;
    copy->family = sock->family;
    copy->type = sock->type;
    copy->flags = sock->flags;
    for (size_t i = 0; i < sizeof copy->values / sizeof copy->values[0]; i++)
        atomic_init(&copy->values[i], atomic_load(&sock->values[i]));
    return copy;
}

static void rq_end(struct wsp_socket *sock, uintptr_t handle)
{
    struct wsp_rio_rq *rq = wsp_rio_rq_find(handle);
    struct wsp_rio_cq *cq;
    bool kept = false;

    if (!rq || !wsp_rio_slot_close(&rq->slot, handle))
        return;
    if (!rq_quiet(rq))
        return; /* a thread ended in the middle of a call: the entry is never free again */
    if (!wsp_rio_rq_is_done(rq)) {
        cq = (struct wsp_rio_cq *)wsp_rio_slot_of(&wsp_rio_cqs, rq->cqs[STK_RIO_RECV]);
        atomic_store(&rq->options, rq_options(sock));
        wsp_mutex_lock(&cq->lock);
        kept = wsp_rio_slot_is(&cq->slot, rq->cqs[STK_RIO_RECV]);
        if (kept) {
            rq->ended_next = atomic_load_explicit(&cq->ended, memory_order_relaxed);
            atomic_store_explicit(&cq->ended, rq, memory_order_relaxed);
        }
        wsp_mutex_unlock(&cq->lock);
    }
    if (!kept)
        wsp_rio_rq_free(rq);
}

void wsp_rio_end(struct wsp_socket *sock)
{
    if (sock->flags & WSA_FLAG_REGISTERED_IO)
        rq_end(sock, (uintptr_t)atomic_exchange(&sock->rio, 0));
}

/* --- Making -------------------------------------------------------------- */

int wsp_rio_rq_attach(struct wsp_rio_rq *rq)
{
    struct stk_rio_cq *cqs[STK_RIO_DIRS] = {NULL};
    struct stk_rio_rq *made = NULL;
    int code = 0;

    if (atomic_load(&rq->moving))
        return WSAENOTCONN;
    wsp_mutex_lock(&rq->lock);
    for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++) {
        const struct wsp_rio_cq *cq = wsp_rio_cq_find(rq->cqs[dir]);

        cqs[dir] = cq ? cq->stk : NULL;
        if (!cqs[dir])
            code = WSAEINVAL; /* RIOX-58, RIOX-64 */
    }
    if (code == 0)
        code = wsp_error_of(WSP_OP_ANY, stk_rio_rq_open(rq->sock->stk, rq->max, cqs, rq->context, &made));
    if (code == 0)
        atomic_store_explicit(&rq->stk, made, memory_order_release);
    wsp_mutex_unlock(&rq->lock);
    return code;
}

/* What the application asks for. */
struct rq_wish {
    ULONG max[STK_RIO_DIRS];
    ULONG buffers[STK_RIO_DIRS];
    uintptr_t cqs[STK_RIO_DIRS];
    uint64_t context;
};

static int rq_check(const struct wsp_socket *sock, const struct rq_wish *wish)
{
    if (sock->type == SOCK_RAW || !(sock->flags & WSA_FLAG_REGISTERED_IO))
        return WSAEOPNOTSUPP; /* RIOX-7, RIOX-13 */
    if (atomic_load(&sock->listening))
        return WSAEINVAL; /* RIOX-69 */
    if (wish->max[STK_RIO_RECV] == 0 && wish->max[STK_RIO_SEND] == 0)
        return WSAEINVAL; /* RIOX-59 */
    for (unsigned dir = 0; dir < STK_RIO_DIRS; dir++) {
        if (wish->buffers[dir] != 1 && (wish->buffers[dir] != 0 || wish->max[dir] != 0))
            return WSAEINVAL; /* RIOX-62, RIOX-63 */
        if (!wsp_rio_cq_find(wish->cqs[dir]))
            return WSAEINVAL; /* RIOX-64 */
        if (wish->max[dir] > STK_RIO_RQ_ENTRIES_MAX)
            return WSAENOBUFS;
    }
    return 0;
}

static void rq_begin(struct wsp_rio_rq *rq, struct wsp_socket *sock, const struct rq_wish *wish)
{
    rq->family = (uint16_t)sock->family;
    rq->stream = wsp_socket_is_stream(sock);
    rq->ring = 0;
    rq->sock = sock;
    rq->ended_next = NULL;
    rq->context = wish->context;
    memcpy(rq->max, wish->max, sizeof rq->max);
    memcpy(rq->cqs, wish->cqs, sizeof rq->cqs);
    atomic_store(&rq->moving, 0);
    atomic_store(&rq->stk, NULL);
    atomic_store(&rq->options, sock);
}

static int rq_create(struct wsp_socket *sock, const struct rq_wish *wish, uintptr_t *handle)
{
    struct wsp_rio_rq *rq;
    uint64_t none = 0;
    int code = rq_check(sock, wish);

    if (code != 0)
        return code;
    rq = (struct wsp_rio_rq *)wsp_rio_slot_take(&wsp_rio_rqs);
    if (!rq)
        return WSAENOBUFS;
    rq_begin(rq, sock, wish);
    *handle = wsp_rio_slot_handle(&wsp_rio_rqs, &rq->slot);
    code = rq_rings(rq, wish->max[STK_RIO_RECV]);
    if (code == 0 && !atomic_compare_exchange_strong(&sock->rio, &none, (uint64_t)*handle))
        code = WSAEINVAL; /* RIOX-67 */
    if (code != 0) {
        wsp_rio_rq_free(rq);
        return code;
    }
    code = wsp_rio_rq_attach(rq);
    if (code != 0) {
        atomic_store(&sock->rio, 0);
        wsp_rio_rq_free(rq);
        return code;
    }
    wsp_rio_slot_open(&rq->slot, *handle);
    if (!wsp_socket_closing(sock))
        return 0;
    atomic_store(&sock->rio, 0);
    rq_end(sock, *handle); /* RIOX-66 */
    return WSAEINVAL;
}

/**
 * RIOCreateRequestQueue.
 *
 * @param s                Made with WSA_FLAG_REGISTERED_IO, without a request queue.
 * @param receives_max     Outstanding at most, as sends_max; one of them may be 0.
 * @param receive_buffers  1, as send_buffers; 0 where the maximum is 0.
 * @return                 The queue, or RIO_INVALID_RQ with the last error WSAENOTSOCK, WSAEINVAL, WSAEOPNOTSUPP (no
 *                         registered I/O on this socket), WSAENOBUFS (a completion queue is too full, no memory).
 *
 * Context: any thread. Source: rules RIOX-7 to RIOX-13, RIOX-39 to RIOX-42, RIOX-59 to RIOX-69.
 */
RIO_RQ PASCAL wsp_rio_create_rq(SOCKET s, ULONG receives_max, ULONG receive_buffers, ULONG sends_max,
                                ULONG send_buffers, RIO_CQ receive_queue, RIO_CQ send_queue, PVOID context)
{
    const struct rq_wish wish = {
        .max = {[STK_RIO_RECV] = receives_max, [STK_RIO_SEND] = sends_max},
        .buffers = {[STK_RIO_RECV] = receive_buffers, [STK_RIO_SEND] = send_buffers},
        .cqs = {[STK_RIO_RECV] = (uintptr_t)receive_queue, [STK_RIO_SEND] = (uintptr_t)send_queue},
        .context = (uintptr_t)context};
    INT code = WSAENOTSOCK;
    struct wsp_socket *sock = wsp_socket_get(s, &code);
    uintptr_t handle = 0;

    if (sock) {
        code = rq_create(sock, &wish, &handle);
        wsp_socket_put(sock);
    }
    if (code == 0)
        return (RIO_RQ)handle;
    wsp_upcall_last_error(code);
    return RIO_INVALID_RQ;
}

/* Context: inside. */
static int rq_resize(struct wsp_rio_rq *rq, const uint32_t max[STK_RIO_DIRS])
{
    struct stk_rio_rq *stk = atomic_load_explicit(&rq->stk, memory_order_acquire);
    int code = 0;

    if (max[STK_RIO_RECV] > STK_RIO_RQ_ENTRIES_MAX || max[STK_RIO_SEND] > STK_RIO_RQ_ENTRIES_MAX)
        return WSAENOBUFS;
    if (!stk)
        code = wsp_rio_rq_attach(rq);
    if (code == 0)
        code = rq_rings(rq, max[STK_RIO_RECV]);
    if (code == 0)
        code = wsp_error_of(WSP_OP_ANY, stk_rio_rq_resize(atomic_load(&rq->stk), max));
    if (code == 0)
        memcpy(rq->max, max, sizeof rq->max);
    return code;
}

/**
 * RIOResizeRequestQueue.
 *
 * @return  TRUE; FALSE with the last error WSAEINVAL (no queue, both 0), WSAETOOMANYREFS (more are outstanding), WSAENOBUFS
 *          (a completion queue is too full, no memory); the limits are then as before.
 *
 * Context: as submitting. Source: rules RIOX-72 to RIOX-75.
 */
BOOL PASCAL wsp_rio_resize_rq(RIO_RQ queue, DWORD receives_max, DWORD sends_max)
{
    const uint32_t max[STK_RIO_DIRS] = {[STK_RIO_RECV] = receives_max, [STK_RIO_SEND] = sends_max};
    struct wsp_rio_rq *rq = wsp_rio_rq_find((uintptr_t)queue);
    int code = WSAEINVAL;

    if (!rq || !wsp_rio_runs()) {
        code = wsp_rio_bad_handle();
    } else if (receives_max != 0 || sends_max != 0) {
        wsp_rio_enter(&rq->inside);
        if (wsp_rio_slot_is(&rq->slot, (uintptr_t)queue))
            code = rq_resize(rq, max);
        wsp_rio_leave(&rq->inside);
    }
    if (code != 0)
        wsp_upcall_last_error(code);
    return code == 0;
}

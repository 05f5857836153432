/** @file Completion queues. */
#include "wsp_addr.h"
#include "wsp_cmsg.h"
#include "wsp_error.h"
#include "wsp_message.h"
#include "wsp_rio_priv.h"
#include "wsp_upcall.h"

#include <string.h>

struct wsp_rio_slots wsp_rio_cqs = {.kind = WSP_RIO_CQ, .size = sizeof(struct wsp_rio_cq)};

/* --- Life --------------------------------------------------------------- */

/* What a failed call that makes one returns is none either. */
static bool handle_named(HANDLE handle)
{
    return handle && (intptr_t)handle != -1;
}

/* RIOX-35, RIOX-37, RIOX-38: the notification is copied. */
static int cq_notification(const RIO_NOTIFICATION_COMPLETION *given, RIO_NOTIFICATION_COMPLETION *out)
{
    *out = (RIO_NOTIFICATION_COMPLETION){0};
    if (!given)
        return 0;
    if (wsp_memory_access(given, sizeof *given) == WSP_MEMORY_NONE)
        return WSAEFAULT;
    *out = *given;
    switch (out->Type) {
    case RIO_EVENT_COMPLETION:
        return handle_named(out->Event.EventHandle) ? 0 : WSAEINVAL;
    case RIO_IOCP_COMPLETION:
        if (!out->Iocp.Overlapped || !handle_named(out->Iocp.IocpHandle))
            return WSAEINVAL;
        return atomic_load(&wsp_upcalls.post_packet) ? 0 : WSAEOPNOTSUPP;
    default:
        return WSAEINVAL;
    }
}

static int cq_create(DWORD size, const RIO_NOTIFICATION_COMPLETION *given, uintptr_t *handle)
{
    RIO_NOTIFICATION_COMPLETION notify;
    struct stk_client *client;
    struct wsp_rio_cq *cq;
    int code, err;

    if (!wsp_rio_runs())
        return WSANOTINITIALISED;
    if (size == 0 || size > RIO_MAX_CQ_SIZE)
        return WSAEINVAL; /* RIOX-33 */
    code = cq_notification(given, &notify);
    if (code == 0)
        code = wsp_provider_client(&client);
    if (code == 0 && notify.Type != 0)
        code = wsp_dispatcher_start();
    if (code != 0)
        return code;
    cq = (struct wsp_rio_cq *)wsp_rio_slot_take(&wsp_rio_cqs);
    if (!cq)
        return WSAENOBUFS;
    *handle = wsp_rio_slot_handle(&wsp_rio_cqs, &cq->slot);
    err = stk_rio_cq_open(client, size, (uint64_t)*handle, &cq->stk);
    if (err != STK_OK) {
        wsp_rio_slot_give(&wsp_rio_cqs, &cq->slot);
        return wsp_error_of(WSP_OP_ANY, err);
    }
    cq->notify = notify;
    cq->armed = false;
    atomic_store(&cq->shut, 0);
    wsp_rio_slot_open(&cq->slot, *handle);
    return 0;
}

/**
 * RIOCreateCompletionQueue.
 *
 * @param size          Completions that fit.
 * @param notification  Copied; NULL: the queue is polled.
 * @return              The queue, or RIO_INVALID_CQ with the last error WSAEINVAL, WSAEFAULT (notification), WSAENOBUFS,
 *                      WSAEOPNOTSUPP (the system has no completion ports), WSANOTINITIALISED.
 *
 * Context: any thread. Source: rules RIOX-33 to RIOX-38.
 */
RIO_CQ PASCAL wsp_rio_create_cq(DWORD size, PRIO_NOTIFICATION_COMPLETION notification)
{
    uintptr_t handle = 0;
    int code = cq_create(size, notification, &handle);

    if (code == 0)
        return (RIO_CQ)handle;
    wsp_upcall_last_error(code);
    return RIO_INVALID_CQ;
}

/* Request queues whose sockets are closed. The lock is held. @param all  Their completions will not be looked at. */
static void cq_reap(struct wsp_rio_cq *cq, bool all)
{
    struct wsp_rio_rq *rq = atomic_load_explicit(&cq->ended, memory_order_relaxed);
    struct wsp_rio_rq *left = NULL;

    while (rq) {
        struct wsp_rio_rq *next = rq->ended_next;

        if (all || wsp_rio_rq_is_done(rq)) {
            wsp_rio_rq_free(rq);
        } else {
            rq->ended_next = left;
            left = rq;
        }
        rq = next;
    }
    atomic_store_explicit(&cq->ended, left, memory_order_relaxed);
}

/**
 * RIOCloseCompletionQueue. Completions that come later are dropped, and nothing is notified.
 *
 * @param queue  What is none is ignored.
 *
 * Context: any thread. Source: rules RIOX-56 to RIOX-58, RIOX-147.
 */
void PASCAL wsp_rio_close_cq(RIO_CQ queue)
{
    struct wsp_rio_cq *cq = wsp_rio_cq_find((uintptr_t)queue);

    if (!cq || atomic_load(&wsp_provider.state) == WSP_FORKED || !wsp_rio_slot_close(&cq->slot, (uintptr_t)queue))
        return;
    wsp_fence_all();
    if (!wsp_rio_wait_out(&cq->inside))
        return; /* a thread ended in the middle of dequeuing: it is never free again */
    wsp_mutex_lock(&cq->lock);
    cq->armed = false;
    stk_rio_cq_close(cq->stk);
    cq->stk = NULL;
    cq_reap(cq, true);
    wsp_mutex_unlock(&cq->lock);
    wsp_rio_slot_give(&wsp_rio_cqs, &cq->slot);
}

/* The lock is held. */
static int cq_resize(struct wsp_rio_cq *cq, uintptr_t handle, DWORD size)
{
    int err = STK_EINVAL;

    if (!wsp_rio_slot_is(&cq->slot, handle))
        return WSAEINVAL;
    /* RIOX-46: who dequeues meanwhile, which is not allowed, finds nothing. */
    atomic_store(&cq->shut, 1);
    wsp_fence_all();
    if (wsp_rio_wait_out(&cq->inside))
        err = stk_rio_cq_resize(cq->stk, size);
    atomic_store_explicit(&cq->shut, 0, memory_order_release);
    return wsp_error_of(WSP_OP_ANY, err);
}

/**
 * RIOResizeCompletionQueue.
 *
 * @return  TRUE; FALSE with the last error WSAEINVAL (no queue, no size), WSAETOOMANYREFS (request queues need more),
 *          WSAENOBUFS, WSANOTINITIALISED; the size is then as before.
 *
 * Context: any thread, none that dequeues or submits. Source: rules RIOX-43 to RIOX-46.
 */
BOOL PASCAL wsp_rio_resize_cq(RIO_CQ queue, DWORD size)
{
    struct wsp_rio_cq *cq = wsp_rio_cq_find((uintptr_t)queue);
    int code = WSAEINVAL;

    if (!cq || !wsp_rio_runs()) {
        code = wsp_rio_bad_handle();
    } else if (size > 0 && size <= RIO_MAX_CQ_SIZE) {
        wsp_mutex_lock(&cq->lock);
        code = cq_resize(cq, (uintptr_t)queue, size);
        wsp_mutex_unlock(&cq->lock);
    }
    if (code != 0)
        wsp_upcall_last_error(code);
    return code == 0;
}

/* --- Dequeuing ---------------------------------------------------------- */

/* RIOX-119, RIOX-120: 28 bytes are there; what the family does not use stays. */
static void result_address(const struct wsp_rio_rq *rq, const struct stk_addr *addr, char *slice)
{
    SOCKADDR_INET name;
    INT size = sizeof name;

    if (wsp_addr_write(addr, rq->family, (struct sockaddr *)&name, &size) == 0)
        memcpy(slice, &name, (size_t)size);
}

/* What a receive asked for beside its bytes. */
static void result_facts(const struct wsp_rio_rq *rq, const struct wsp_rio_record *record,
                         const struct stk_msg_info *info)
{
    const struct wsp_socket *options = atomic_load_explicit(&rq->options, memory_order_acquire);
    WSAMSG message = {.name = NULL};
    ULONG total;

    if (record->remote)
        result_address(rq, &info->from, record->remote);
    if (record->local)
        result_address(rq, &info->to, record->local);
    if (record->control) {
        message.Control.buf = record->control + WSP_RIO_CMSG_BASE;
        message.Control.len = record->control_bytes - WSP_RIO_CMSG_BASE;
    }
    if ((record->control || record->flags) && options)
        (void)wsp_message_received(options, &message, info);
    if (!record->control)
        message.dwFlags &= ~(DWORD)MSG_CTRUNC; /* nobody asked for them */
    total = WSP_RIO_CMSG_BASE + (record->control ? message.Control.len : 0);
    if (record->control)
        memcpy(record->control, &total, sizeof total); /* RIOX-121 */
    if (record->flags)
        memcpy(record->flags, &message.dwFlags, sizeof message.dwFlags);
}

static void result_record(const struct stk_rio_done *done)
{
    struct wsp_rio_ring *ring;
    struct wsp_rio_rq *rq;
    const struct wsp_rio_record *record = wsp_rio_record_of(done->cookie, &rq, &ring);

    if (!record)
        return;
    if (done->info)
        result_facts(rq, record, done->info);
    /* Pairs with wsp_rio_rq_is_done: the record was looked at. */
    (void)atomic_fetch_add_explicit(&ring->taken, 1, memory_order_release);
}

static inline void result_fill(const struct stk_rio_done *done, RIORESULT *out)
{
    out->Status = done->status == STK_OK ? 0 : wsp_error_of(WSP_OP_ANY, done->status); /* RIOX-55 */
    out->BytesTransferred = done->bytes;
    out->SocketContext = done->rq_cookie;
    out->RequestContext = done->context;
    if (done->cookie != 0)
        result_record(done);
}

_Static_assert(sizeof(struct stk_rio_plain) == sizeof(RIORESULT) &&
                   offsetof(struct stk_rio_plain, bytes) == offsetof(RIORESULT, BytesTransferred) &&
                   offsetof(struct stk_rio_plain, rq_cookie) == offsetof(RIORESULT, SocketContext) &&
                   offsetof(struct stk_rio_plain, context) == offsetof(RIORESULT, RequestContext),
               "plain completions are written where they belong");

static ULONG cq_take(struct wsp_rio_cq *cq, RIORESULT *results, ULONG count)
{
    struct stk_rio_done done[WSP_RIO_TAKE];
    uint32_t got, wish;
    ULONG all = stk_rio_cq_take_plain(cq->stk, (struct stk_rio_plain *)(void *)results, count);

    if (all == count)
        return all;
    do {
        wish = count - all < WSP_RIO_TAKE ? count - all : WSP_RIO_TAKE;
        got = stk_rio_cq_take(cq->stk, done, wish);
        if (got > wish)
            return all > 0 ? all : (ULONG)RIO_CORRUPT_CQ; /* it says so again next time */
        for (uint32_t i = 0; i < got; i++)
            result_fill(&done[i], &results[all + i]);
        all += got;
    } while (got == wish && all < count);
    return all;
}

/**
 * RIODequeueCompletion: the oldest completions.
 *
 * @param results  count entries, filled from the first.
 * @return         How many, 0..count, or RIO_CORRUPT_CQ: no such queue, or its memory was damaged.
 *
 * Context: one thread at a time a queue. Does not block or allocate, takes no lock, makes no system call, but to free
 * request queues whose sockets were closed. Source: rules RIOX-48 to RIOX-55.
 */
ULONG PASCAL wsp_rio_dequeue(RIO_CQ queue, PRIORESULT results, ULONG count)
{
    struct wsp_rio_cq *cq = wsp_rio_cq_find((uintptr_t)queue);
    ULONG got = RIO_CORRUPT_CQ;

    if (!cq || !wsp_rio_runs())
        return RIO_CORRUPT_CQ;
    wsp_rio_enter(&cq->inside);
    if (wsp_rio_slot_is(&cq->slot, (uintptr_t)queue)) {
        got = 0;
        if (atomic_load_explicit(&cq->shut, memory_order_acquire) == 0 && results && count > 0)
            got = cq_take(cq, results, count);
        if (atomic_load_explicit(&cq->ended, memory_order_relaxed)) {
            wsp_mutex_lock(&cq->lock);
            cq_reap(cq, false);
            wsp_mutex_unlock(&cq->lock);
        }
    }
    wsp_rio_leave(&cq->inside);
    return got;
}

/* --- Notification ------------------------------------------------------- */

/* The lock is held. */
static int cq_arm(struct wsp_rio_cq *cq, uintptr_t handle)
{
    int err;

    if (!wsp_rio_slot_is(&cq->slot, handle) || cq->notify.Type == 0)
        return WSAEINVAL; /* RIOX-135 */
    if (cq->armed)
        return WSAEALREADY; /* RIOX-134 */
    if (cq->notify.Type == RIO_EVENT_COMPLETION && cq->notify.Event.NotifyReset)
        (void)wsp_upcall_event_reset(cq->notify.Event.EventHandle); /* RIOX-139 */
    cq->armed = true;
    err = stk_rio_cq_arm(cq->stk);
    if (err != STK_OK && err != STK_EALREADY)
        cq->armed = false;
    return err == STK_EALREADY ? 0 : wsp_error_of(WSP_OP_ANY, err);
}

/**
 * RIONotify: one notification as soon as the queue holds an ordinary completion.
 *
 * @return  0, or the code itself: WSAEALREADY (the one asked for before was not given yet), WSAEINVAL (no queue, or one
 *          that is polled), WSANOTINITIALISED.
 *
 * Context: any thread but one that dequeues meanwhile. Source: rules RIOX-134 to RIOX-147.
 */
INT PASCAL wsp_rio_notify(RIO_CQ queue)
{
    struct wsp_rio_cq *cq = wsp_rio_cq_find((uintptr_t)queue);
    int code;

    if (!cq || !wsp_rio_runs())
        return wsp_rio_bad_handle();
    wsp_mutex_lock(&cq->lock);
    code = cq_arm(cq, (uintptr_t)queue);
    wsp_mutex_unlock(&cq->lock);
    return code;
}

void wsp_rio_fire(uint64_t cookie)
{
    struct wsp_rio_cq *cq = wsp_rio_cq_find((uintptr_t)cookie);
    wsp_post_packet_fn post = atomic_load(&wsp_upcalls.post_packet);

    if (!cq)
        return;
    /* Under the lock, so that closing and arming come before or after it; neither call waits for anybody. */
    wsp_mutex_lock(&cq->lock);
    if (cq->armed && wsp_rio_slot_is(&cq->slot, (uintptr_t)cookie)) {
        cq->armed = false;
        if (cq->notify.Type == RIO_EVENT_COMPLETION)
            wsp_upcall_event_set(cq->notify.Event.EventHandle);
        else if (post) /* RIOX-141; a port that was closed is the application's affair */
            (void)post(cq->notify.Iocp.IocpHandle, 0, (ULONG_PTR)cq->notify.Iocp.CompletionKey,
                       (LPWSAOVERLAPPED)cq->notify.Iocp.Overlapped);
    }
    wsp_mutex_unlock(&cq->lock);
}

/** @file Overlapped requests: pool, queues, completion. */
#include "wsp_overlapped.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_io.h"
#include "wsp_many.h"
#include "wsp_message.h"
#include "wsp_request.h"
#include "wsp_share.h"
#include "wsp_transmit.h"
#include "wsp_upcall.h"

#include "stack/clock.h"
#include "stack/process.h"

#include <stdlib.h>

#define RESULT_NAP_NS 1000000 /* WPU-25: the structure may change a little after the upcall */
#define RESULT_WAKE_MS 1u
#define RESULT_LOOKS 5000
#define TURN_LOOKS 64
#define TURN_NAP_NS 50000
#define TURN_NAPS 20000 /* one second: the thread that has it was ended */

/*
 * IOCP-13: the requests of a queue of sends or receives are attempted and told by one thread at a time, who has the queue's
 * turn, so that they are told in the order of their posting. Others who want to say so, and leave it to that thread.
 */
enum request_turn { TURN_FREE, TURN_TAKEN, TURN_AGAIN };

struct request_pool {
    struct wsp_mutex lock;
    struct wsp_request *memory; /* WSP_REQUESTS_MAX; pages are touched as they are first used */
    struct wsp_request *free;
    uint32_t used;
    _Atomic uint32_t fresh; /* entries from here on were never used */
};

struct request_results {
    struct wsp_mutex lock;
    struct wsp_cond changed;
    _Atomic uint32_t waiters;
};

/* A completion routine that is running on this thread; requests that came due inside it wait (OVL2-10). */
struct request_frame {
    struct request_frame *outer;
    uint64_t context;
    struct wsp_queue deferred;
};

static struct request_pool request_pool;
static struct request_results request_results;

/* --- Pool ----------------------------------------------------------------- */

struct wsp_request *wsp_request_alloc(void)
{
    struct wsp_request *request = NULL;

    wsp_mutex_lock(&request_pool.lock);
    if (!request_pool.memory)
        request_pool.memory = calloc(WSP_REQUESTS_MAX, sizeof *request);
    if (request_pool.free) {
        request = request_pool.free;
        request_pool.free = request->next;
    } else if (request_pool.memory && request_pool.fresh < WSP_REQUESTS_MAX) {
        request = &request_pool.memory[request_pool.fresh];
        atomic_fetch_add_explicit(&request_pool.fresh, 1, memory_order_release);
    }
    if (request)
        request_pool.used++;
    wsp_mutex_unlock(&request_pool.lock);
    return request;
}

void wsp_request_free(struct wsp_request *request)
{
    if (request->vec != request->iov)
        free(request->vec);
    request->vec = request->iov;
    if (request->transmit) { /* it never began */
        request->code = WSA_OPERATION_ABORTED;
        wsp_transmit_settle(request);
    }
    if (request->apc_own)
        wsp_upcall_thread_close(&request->apc_thread);
    request->apc_own = false;
    atomic_store_explicit(&request->context, 0, memory_order_relaxed);
    atomic_store_explicit(&request->thread, 0, memory_order_relaxed);
    wsp_mutex_lock(&request_pool.lock);
    request->next = request_pool.free;
    request_pool.free = request;
    request_pool.used--;
    wsp_mutex_unlock(&request_pool.lock);
}

uint32_t wsp_requests_count(void)
{
    uint32_t used;

    wsp_mutex_lock(&request_pool.lock);
    used = request_pool.used;
    wsp_mutex_unlock(&request_pool.lock);
    return used;
}

struct wsp_request *wsp_request_at(uint32_t i)
{
    return i < atomic_load_explicit(&request_pool.fresh, memory_order_acquire) ? &request_pool.memory[i] : NULL;
}

/* --- Completion --------------------------------------------------------------- */

/* The application polls Internal while we write it: it is atomic on both sides. */
static void result_store(LPWSAOVERLAPPED ov, ULONG_PTR value)
{
    atomic_store_explicit((_Atomic ULONG_PTR *)&ov->Internal, value, memory_order_release);
}

static ULONG_PTR result_load(LPWSAOVERLAPPED ov)
{
    return atomic_load_explicit((_Atomic ULONG_PTR *)&ov->Internal, memory_order_acquire);
}

void wsp_results_wake(void)
{
    if (atomic_load(&request_results.waiters) == 0)
        return;
    /* A handler that ends the process may have interrupted the holder; who waits looks again by itself, too. */
    if (!wsp_mutex_lock_for(&request_results.lock, RESULT_WAKE_MS))
        return;
    wsp_cond_wake_all(&request_results.changed);
    wsp_mutex_unlock(&request_results.lock);
}

/* OVL2-16: flags and code go where WSPGetOverlappedResult finds them, before anybody is told. */
static void request_store(const struct wsp_request *request)
{
    request->overlapped->Offset = request->flags;
    request->overlapped->OffsetHigh = (DWORD)request->code;
}

void wsp_request_finish_quietly(struct wsp_request *request)
{
    LPWSAOVERLAPPED ov = request->overlapped;

    wsp_request_settle(request);
    request_store(request);
    ov->InternalHigh = request->bytes;
    result_store(ov, (ULONG_PTR)request->code);
    if (request->notify && !stk_process_ending()) /* threads that held its locks may be gone then */
        request->notify(ov);
}

static void CALLBACK request_apc(DWORD_PTR context);

static void request_deliver_routine(struct wsp_request *request)
{
    LPWPUQUEUEAPC queue_apc = atomic_load_explicit(&wsp_upcalls.queue_apc, memory_order_relaxed);
    WSATHREADID thread = request->apc_thread;
    INT err = 0;

    wsp_request_finish_quietly(request);
    if (!queue_apc || queue_apc(&thread, request_apc, (DWORD_PTR)request, &err) == SOCKET_ERROR)
        wsp_request_free(request); /* WPU-29: the thread is gone */
}

/* at_once: the call that issued the request is about to return success (IOCP-21). */
static LPWPUCOMPLETEOVERLAPPEDREQUEST request_upcall(bool at_once)
{
    LPWPUCOMPLETEOVERLAPPEDREQUEST complete = NULL;

    if (at_once)
        complete = atomic_load_explicit(&wsp_upcalls.complete_at_once, memory_order_relaxed);
    return complete ? complete : atomic_load_explicit(&wsp_upcalls.complete, memory_order_relaxed);
}

static void request_deliver(struct wsp_request *request, bool at_once)
{
    LPWPUCOMPLETEOVERLAPPEDREQUEST complete = request_upcall(at_once);
    LPWSAOVERLAPPED ov = request->overlapped;
    WSAEVENT event;
    INT err = 0;

    if (request->quiet) {
        wsp_request_finish_quietly(request);
        wsp_request_free(request);
        wsp_results_wake();
        return;
    }
    wsp_request_settle(request);
    if (request->routine) {
        request_deliver_routine(request);
    } else {
        event = ov->hEvent;
        request_store(request);
        if (!complete || complete(request->handle, ov, (DWORD)request->code, request->bytes, &err) == SOCKET_ERROR) {
            /* No such upcall, or the handle is gone: the structure and the event are still ours to serve. */
            ov->InternalHigh = request->bytes;
            result_store(ov, (ULONG_PTR)request->code);
            wsp_upcall_event_set((WSAEVENT)((ULONG_PTR)event & ~(ULONG_PTR)1));
        }
        wsp_request_free(request);
    }
    wsp_results_wake();
}

static void requests_hand_over(struct wsp_socket *sock, struct wsp_queue *done)
{
    struct wsp_request *request;
    bool any = done->head != NULL;

    while ((request = wsp_queue_pop(done)) != NULL)
        request_deliver(request, false);
    if (any)
        atomic_fetch_sub(&sock->delivering, 1);
}

static void request_run_routine(struct wsp_request *request)
{
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = request->routine;
    LPWSAOVERLAPPED ov = request->overlapped;
    DWORD code = (DWORD)request->code, bytes = request->bytes, flags = request->flags;

    wsp_request_free(request);
    routine(code, bytes, ov, flags);
}

/* Our own routine between ws2_32 and the application's: OVL-22. */
static void CALLBACK request_apc(DWORD_PTR context)
{
    struct wsp_request *request = (struct wsp_request *)context;
    struct wsp_thread *thread = wsp_thread_get();
    struct request_frame frame;

    if (!thread) {
        request_run_routine(request);
        return;
    }
    for (struct request_frame *f = thread->routines; f; f = f->outer)
        if (f->context == atomic_load_explicit(&request->context, memory_order_relaxed)) {
            wsp_queue_push(&f->deferred, request);
            return;
        }
    frame.outer = thread->routines;
    frame.context = atomic_load_explicit(&request->context, memory_order_relaxed);
    wsp_queue_init(&frame.deferred);
    thread->routines = &frame;
    do
        request_run_routine(request);
    while ((request = wsp_queue_pop(&frame.deferred)) != NULL);
    thread->routines = frame.outer;
}

/* --- Attempts ------------------------------------------------------------------- */

static void request_advance(struct wsp_request *request, size_t done)
{
    request->bytes += (uint32_t)done;
    while (request->vec_first < request->vec_count && done >= request->vec[request->vec_first].len) {
        done -= request->vec[request->vec_first].len;
        request->vec_first++;
    }
    if (done > 0) {
        struct stk_iov *iov = &request->vec[request->vec_first];

        iov->base = (char *)iov->base + done;
        iov->len -= done;
    }
}

static void request_received(struct wsp_socket *sock, struct wsp_request *request, const struct wsp_io_from *from)
{
    if (wsp_socket_is_stream(sock))
        return;
    if (request->message) {
        request->code = wsp_message_received(sock, request->message, &from->info);
        request->flags = request->message->dwFlags;
        return;
    }
    if (request->from)
        (void)wsp_addr_write(&from->info.from, sock->family, request->from, request->fromlen);
    if (from->info.truncated) {
        request->flags = MSG_PARTIAL;
        request->code = WSAEMSGSIZE;
    }
}

/* true: finished, with its code. waited: it was on the queue. */
static bool request_attempt(struct wsp_socket *sock, struct wsp_request *request, bool waited)
{
    bool stream = wsp_socket_is_stream(sock), whole;
    struct wsp_io_from from = {.single = request->message && !wsp_message_tells_merge(sock, request->message)};
    int64_t moved;

    if (request->transmit)
        return wsp_transmit_step(sock, request, waited);
    for (;;) {
        const struct stk_iov *iov = request->vec + request->vec_first;
        size_t count = request->vec_count - request->vec_first;

        moved = request->direction == WSP_SENDING
                    ? wsp_io_send_once(sock, iov, count, request->flags, request->to_set ? &request->to : NULL,
                                       request->wished ? &request->wish : NULL)
                    : wsp_io_recv_once(sock, iov, count, request->flags, &from);
        if (moved < 0)
            break;
        request_advance(request, (size_t)moved);
        whole = request->vec_first == request->vec_count;
        if (stream && !whole && moved > 0 &&
            (request->direction == WSP_SENDING || ((request->flags & MSG_WAITALL) && !wsp_io_at_mark(sock))))
            continue;
        request->flags = 0;
        if (request->direction == WSP_READING)
            request_received(sock, request, &from);
        return true;
    }
    if (moved == STK_EAGAIN)
        return false;
    request->flags = 0;
    if (request->direction == WSP_READING && request->bytes > 0)
        return true; /* MSG_WAITALL: what came before the end is not lost */
    request->code = wsp_io_ended(sock, wsp_io_code(sock, request->direction, request->to_set, moved), waited);
    return true;
}

static uint32_t request_ready_bits(const struct wsp_socket *sock, const struct wsp_request *request)
{
    if (request->transmit)
        return wsp_transmit_bits(sock, request);
    return request->direction == WSP_SENDING ? (uint32_t)(STK_READY_OUT | STK_READY_RESET)
                                             : (uint32_t)(STK_READY_IN | STK_READY_RESET | STK_READY_ERROR);
}

static void requests_run_queue(struct wsp_socket *sock, enum wsp_direction direction, struct wsp_queue *done)
{
    struct wsp_queue *queue = &sock->queues[direction];
    uint32_t bit = direction == WSP_SENDING ? (uint32_t)WSP_SLOW_SENDING : (uint32_t)WSP_SLOW_READING;

    while (queue->head && request_attempt(sock, queue->head, true))
        wsp_queue_push(done, wsp_queue_pop(queue));
    if (queue->head) {
        wsp_slow_set(sock, bit);
        (void)stk_sock_arm(sock->stk, request_ready_bits(sock, queue->head));
    } else {
        wsp_slow_clear(sock, bit);
    }
}

/* @return  false: somebody else has the turn, and looks at the queue once more before it gives it back. */
static bool turn_take(struct wsp_socket *sock, enum wsp_direction direction)
{
    uint32_t seen = atomic_load_explicit(&sock->turns[direction], memory_order_relaxed);

    while (!atomic_compare_exchange_weak(&sock->turns[direction], &seen, seen == TURN_FREE ? TURN_TAKEN : TURN_AGAIN))
        ;
    return seen == TURN_FREE;
}

/*
 * The turn for a request that nobody is before. While others, posted earlier, are being told, that is waited for: it takes no
 * longer than an upcall. Lock held; given back meanwhile. @return  false: somebody is before it after all.
 */
static bool turn_wait(struct wsp_socket *sock, enum wsp_direction direction)
{
    for (int looks = 0; looks < TURN_LOOKS + TURN_NAPS; looks++) {
        uint32_t seen = TURN_FREE;

        if (sock->queues[direction].head || wsp_socket_closing(sock))
            return false;
        if (atomic_compare_exchange_strong(&sock->turns[direction], &seen, TURN_TAKEN))
            return true;
        wsp_mutex_unlock(&sock->lock);
        if (looks < TURN_LOOKS)
            stk_cpu_relax();
        else
            wsp_os_sleep_ns(TURN_NAP_NS);
        wsp_mutex_lock(&sock->lock);
    }
    return false;
}

/* Lock not held. */
static void turn_end(struct wsp_socket *sock, enum wsp_direction direction)
{
    uint32_t taken = TURN_TAKEN;
    struct wsp_queue done;

    while (!atomic_compare_exchange_strong(&sock->turns[direction], &taken, TURN_FREE)) {
        taken = TURN_TAKEN;
        wsp_queue_init(&done);
        wsp_mutex_lock(&sock->lock);
        atomic_store(&sock->turns[direction], TURN_TAKEN);
        if (sock->queues[direction].head)
            requests_run_queue(sock, direction, &done);
        if (done.head)
            atomic_fetch_add(&sock->delivering, 1);
        wsp_mutex_unlock(&sock->lock);
        requests_hand_over(sock, &done);
    }
}

unsigned wsp_requests_run(struct wsp_socket *sock, struct wsp_queue *done)
{
    unsigned turns = 0;

    wsp_queue_init(done);
    for (unsigned direction = 0; direction < WSP_PENDING; direction++)
        if (sock->queues[direction].head && turn_take(sock, (enum wsp_direction)direction)) {
            turns |= 1u << direction;
            requests_run_queue(sock, (enum wsp_direction)direction, done);
        }
    /* After the others: DisconnectEx follows them. What ConnectEx has to send comes then. */
    if (sock->queues[WSP_PENDING].head && wsp_requests_run_pending(sock, done) &&
        ((turns & 1u << WSP_SENDING) || turn_take(sock, WSP_SENDING))) {
        turns |= 1u << WSP_SENDING;
        requests_run_queue(sock, WSP_SENDING, done);
    }
    if (done->head)
        atomic_fetch_add(&sock->delivering, 1);
    return turns;
}

void wsp_requests_deliver(struct wsp_socket *sock, struct wsp_queue *done, unsigned turns)
{
    requests_hand_over(sock, done);
    for (unsigned direction = 0; direction < WSP_PENDING; direction++)
        if (turns & 1u << direction)
            turn_end(sock, (enum wsp_direction)direction);
}

/* --- Start ------------------------------------------------------------------------ */

static int request_capture(struct wsp_request *request, const struct wsp_call *call)
{
    DWORD count = call->buffers_count;

    request->vec = request->iov;
    if (count > WSP_REQUEST_IOVS) {
        request->vec = calloc(count, sizeof *request->vec);
        if (!request->vec) {
            request->vec = request->iov;
            return WSAENOBUFS;
        }
    }
    for (DWORD i = 0; i < count; i++)
        request->vec[i] = (struct stk_iov){.base = call->buffers[i].buf, .len = call->buffers[i].len};
    if (count == 0) {
        request->iov[0] = (struct stk_iov){.base = request->iov, .len = 0};
        count = 1;
    }
    request->vec_count = count;
    request->vec_first = 0;
    return 0;
}

int wsp_request_fill(struct wsp_request *request, const struct wsp_call *call, const struct wsp_thread *thread)
{
    int code = request_capture(request, call);

    request->quiet = call->quiet;
    request->notify = NULL;
    request->transmit = NULL;
    if (code != 0)
        return code;
    if (call->transmit) {
        request->transmit = *call->transmit;
        *call->transmit = NULL;
    }
    request->direction = call->direction;
    request->handle = wsp_share_handle(call->sock, call->handle);
    request->overlapped = call->overlapped;
    request->routine = call->routine;
    request->apc_thread = call->thread ? *call->thread : (WSATHREADID){0};
    if (call->own_thread && call->routine) {
        code = wsp_upcall_thread_open(&request->apc_thread);
        if (code != 0)
            return code;
        request->apc_own = true;
    }
    request->flags = call->flags;
    request->bytes = 0;
    request->code = 0;
    request->from = call->from;
    request->fromlen = call->fromlen;
    request->message = call->message;
    request->conn = NULL;
    request->accept = 0;
    request->wished = call->wish != NULL;
    if (call->wish)
        request->wish = *call->wish;
    request->to_set = call->to != NULL;
    if (call->to) /* WSPSENDTO-4: a copy */
        code = wsp_addr_read(call->to, call->tolen, call->sock->family, &request->to);
    atomic_store_explicit(&request->thread, thread->id, memory_order_relaxed);
    atomic_store_explicit(&request->context, wsp_socket_context(call->sock), memory_order_release);
    return code;
}

/*
 * OVL2-3. The low bit of the event asks a port to be skipped and is no part of the handle. @return  0, or WSAENOTSOCK, as
 * Windows calls an event that is none (A.9.10); the structure is as it was.
 */
int wsp_request_mark_pending(const struct wsp_call *call)
{
    LPWSAOVERLAPPED ov = call->overlapped;

    if (!call->routine && !wsp_upcall_event_reset((WSAEVENT)((ULONG_PTR)ov->hEvent & ~(ULONG_PTR)1)))
        return WSAENOTSOCK;
    result_store(ov, WSS_OPERATION_IN_PROGRESS);
    ov->InternalHigh = 0;
    return 0;
}

/* Finished inside the call: the caller is told by the return value and the indication follows all the same. */
int wsp_request_at_once(const struct wsp_call *call, struct wsp_request *request)
{
    int code = request->code;

    if (code != 0 && code != WSAEMSGSIZE) { /* WSPC-10: an error in the call gives no indication */
        wsp_request_finish_quietly(request);
        wsp_request_free(request);
        return code;
    }
    if (call->bytes)
        *call->bytes = request->bytes;
    if (call->flags_out)
        *call->flags_out = request->flags;
    if (code == WSAEMSGSIZE) {
        wsp_request_finish_quietly(request);
        wsp_request_free(request);
        return code;
    }
    request_deliver(request, true);
    return 0;
}

/*
 * Put a request behind those that wait. Lock held; turn is as it comes back: whether the caller has the queue's.
 *
 * A receive behind others needs no arming: they did, or somebody is about to run the queue. Data that is there is theirs, and
 * the thread at hand serves them as well as any.
 */
static bool request_enqueue(struct wsp_socket *sock, struct wsp_request *request, bool turn, struct wsp_queue *done)
{
    enum wsp_direction direction = request->direction;
    struct wsp_queue *queue = &sock->queues[direction];
    bool behind = queue->head && direction == WSP_READING;

    wsp_queue_push(queue, request);
    if (!behind) {
        wsp_slow_set(sock, direction == WSP_SENDING ? (uint32_t)WSP_SLOW_SENDING : (uint32_t)WSP_SLOW_READING);
        (void)stk_sock_arm(sock->stk, request_ready_bits(sock, request));
        return turn;
    }
    if (!(stk_sock_ready(sock->stk) & request_ready_bits(sock, request)) || !(turn || turn_take(sock, direction)))
        return turn;
    requests_run_queue(sock, direction, done);
    if (done->head)
        atomic_fetch_add(&sock->delivering, 1);
    return true;
}

static int request_submit(const struct wsp_call *call, struct wsp_request *request)
{
    struct wsp_socket *sock = call->sock;
    enum wsp_direction direction = call->direction;
    bool ported = atomic_load_explicit(&sock->ported, memory_order_relaxed) != 0, turn = false, finished;
    struct wsp_queue done;
    int code = wsp_request_mark_pending(call);

    if (code != 0) {
        wsp_request_free(request);
        return code;
    }
    wsp_queue_init(&done);
    wsp_mutex_lock(&sock->lock);
    if (ported)
        turn = turn_wait(sock, direction);
    if (wsp_socket_closing(sock)) {
        wsp_mutex_unlock(&sock->lock);
        if (turn)
            turn_end(sock, direction);
        request->code = WSAENOTSOCK;
        return wsp_request_at_once(call, request);
    }
    finished = !sock->queues[direction].head && turn == ported && request_attempt(sock, request, false);
    if (finished)
        atomic_fetch_add(&sock->delivering, 1); /* whoever closes waits with the handle */
    else
        turn = request_enqueue(sock, request, turn, &done);
    wsp_mutex_unlock(&sock->lock);
    if (finished) {
        code = wsp_request_at_once(call, request);
        atomic_fetch_sub(&sock->delivering, 1);
    } else {
        code = WSA_IO_PENDING;
        requests_hand_over(sock, &done);
    }
    if (turn)
        turn_end(sock, direction);
    return code;
}

int wsp_request_start(const struct wsp_call *call)
{
    struct wsp_socket *sock = call->sock;
    struct wsp_thread *thread = wsp_thread_get();
    struct wsp_request *request;
    int code = wsp_dispatcher_start();

    if (!thread || code != 0)
        return code != 0 ? code : WSAENOBUFS;
    if (call->routine && !call->thread && !call->own_thread)
        return WSAEINVAL;
    /* IOCP-12: ws2_32 does not see calls by pointer. */
    if (call->routine && atomic_load_explicit(&sock->ported, memory_order_relaxed) != 0)
        return WSAEINVAL;
    request = wsp_request_alloc();
    if (!request)
        return WSAENOBUFS;
    code = wsp_request_fill(request, call, thread);
    if (code != 0) {
        wsp_request_free(request);
        return code;
    }
    thread->issued++;
    code = request_submit(call, request);
    /* This descriptor may have been closed after its requests were ended: nobody else ends this one. */
    if (code == WSA_IO_PENDING && wsp_share_is_shared(sock) && wsp_share_is_gone(sock, call->handle))
        (void)wsp_requests_cancel(sock, false, call->overlapped);
    return code;
}

ULONG_PTR wsp_overlapped_high(const WSAOVERLAPPED *ov)
{
    return ov && wsp_memory_readable(ov, sizeof *ov) ? ov->InternalHigh : 0;
}

void wsp_overlapped_refused(LPWSAOVERLAPPED ov, ULONG_PTR high)
{
    if (!ov || !wsp_memory_readable(ov, sizeof *ov))
        return;
    ov->InternalHigh = high;
    result_store(ov, WSS_OPERATION_IN_PROGRESS);
}

static int request_complete(const struct wsp_call *call, int result, DWORD bytes, bool at_once)
{
    struct wsp_socket *sock = call->sock;
    struct wsp_thread *thread = wsp_thread_get();
    struct wsp_request *request = thread ? wsp_request_alloc() : NULL;
    bool closing;
    int code;

    if (!request)
        return WSAENOBUFS;
    code = wsp_request_fill(request, call, thread);
    if (code != 0) {
        wsp_request_free(request);
        return code;
    }
    request->bytes = bytes;
    request->code = result;
    code = wsp_request_mark_pending(call);
    if (code != 0) {
        wsp_request_free(request);
        return code;
    }
    wsp_mutex_lock(&sock->lock);
    closing = wsp_socket_closing(sock);
    if (!closing)
        atomic_fetch_add(&sock->delivering, 1);
    wsp_mutex_unlock(&sock->lock);
    if (closing) {
        request->code = WSAENOTSOCK;
        return wsp_request_at_once(call, request);
    }
    request_deliver(request, at_once);
    atomic_fetch_sub(&sock->delivering, 1);
    return at_once ? 0 : WSA_IO_PENDING;
}

int wsp_request_complete_now(const struct wsp_call *call, DWORD bytes)
{
    return request_complete(call, 0, bytes, true);
}

int wsp_request_complete_later(const struct wsp_call *call, int code, DWORD bytes)
{
    return request_complete(call, code, bytes, false);
}

/* --- Results ------------------------------------------------------------------------- */

/*
 * Wait until the structure says that it is complete. @param sock  Given back first, or NULL: who waits here keeps nobody from
 * ending what a socket had of the stack (wsp_socket_renew), and needs it no more.
 */
static int result_wait(struct wsp_socket *sock, LPWSAOVERLAPPED ov)
{
    atomic_fetch_add(&request_results.waiters, 1);
    if (sock)
        wsp_socket_put(sock);
    wsp_mutex_lock(&request_results.lock);
    while (result_load(ov) == WSS_OPERATION_IN_PROGRESS && wsp_provider_check() == 0)
        (void)wsp_cond_wait(&request_results.changed, &request_results.lock, RESULT_NAP_NS);
    wsp_mutex_unlock(&request_results.lock);
    atomic_fetch_sub(&request_results.waiters, 1);
    return result_load(ov) == WSS_OPERATION_IN_PROGRESS ? WSANOTINITIALISED : 0;
}

bool wsp_results_waited_for(void)
{
    return atomic_load(&request_results.waiters) > 0;
}

int wsp_request_wait(LPWSAOVERLAPPED own)
{
    /* The last cleanup ends every request, quiet ones too; a child of fork has none that would be ended. */
    for (int looks = 0; looks < RESULT_LOOKS && result_wait(NULL, own) != 0; looks++)
        wsp_os_sleep_ns(RESULT_NAP_NS);
    if (result_load(own) == WSS_OPERATION_IN_PROGRESS)
        return WSANOTINITIALISED;
    return (int)own->OffsetHigh;
}

/*
 * WSPGETOVERLAPPEDRESULT-1, E13: waiting is not for requests with a completion routine, whose structure has no event, nor for
 * an event that is none. Without an event it is: programs do (IOCP-39).
 */
static int result_may_wait(struct wsp_socket *sock, LPWSAOVERLAPPED ov)
{
    WSAEVENT event = (WSAEVENT)((ULONG_PTR)ov->hEvent & ~(ULONG_PTR)1), own;
    bool routine = false;

    wsp_mutex_lock(&sock->lock);
    for (int direction = 0; direction < WSP_DIRECTIONS; direction++)
        for (const struct wsp_request *request = sock->queues[direction].head; request; request = request->next)
            if (request->overlapped == ov)
                routine = request->routine != NULL;
    wsp_mutex_unlock(&sock->lock);
    if (routine)
        return WSAEINVAL;
    if (!event)
        return 0;
    if (wsp_upcall_event_hold(event, &own) != 0)
        return WSA_INVALID_HANDLE;
    wsp_upcall_event_release(own, event);
    return 0;
}

/**
 * WSPGetOverlappedResult. Context: any thread; blocks only with fWait.
 * Source: rules WSPGETOVERLAPPEDRESULT-1..6.
 */
BOOL WSPAPI wsp_get_overlapped_result(SOCKET s, LPWSAOVERLAPPED lpOverlapped, LPDWORD lpcbTransfer, BOOL fWait,
                                      LPDWORD lpdwFlags, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    int code = 0;

    if (!sock)
        return FALSE;
    if (!lpOverlapped || !lpcbTransfer || !lpdwFlags) {
        code = WSAEFAULT;
    } else if (result_load(lpOverlapped) == WSS_OPERATION_IN_PROGRESS) {
        if (!fWait)
            code = WSA_IO_INCOMPLETE;
        else
            code = result_may_wait(sock, lpOverlapped);
        if (code == 0) { /* IOCP-39: without an event too, as programs do */
            code = result_wait(sock, lpOverlapped);
            sock = NULL;
        }
    }
    if (code == 0) {
        *lpdwFlags = lpOverlapped->Offset;
        code = (int)lpOverlapped->OffsetHigh;
        if (code == 0 || code == WSAEMSGSIZE)
            *lpcbTransfer = (DWORD)lpOverlapped->InternalHigh;
    }
    if (sock)
        wsp_socket_put(sock);
    if (code != 0)
        (void)wsp_fail(lpErrno, code);
    return code == 0;
}

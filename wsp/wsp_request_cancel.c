/** @file Overlapped requests: cancellation. */
#include "wsp_request.h"

/* Which requests; without any: all. */
struct request_choice {
    bool sends;                 /* only sends: SIO_FLUSH, which loses bytes by intent */
    bool told;                  /* not those that nobody is told of but WSP_IOCTL_READY's notify */
    uint64_t thread;            /* issued by it; 0: any */
    LPWSAOVERLAPPED overlapped; /* NULL: any */
    SOCKET handle;              /* 0: any */
};

static bool request_is_chosen(const struct wsp_request *request, const struct request_choice *choice)
{
    if (choice->thread != 0 && atomic_load_explicit(&request->thread, memory_order_relaxed) != choice->thread)
        return false;
    if (choice->handle != 0 && request->handle != choice->handle)
        return false;
    if (choice->sends && request->direction != WSP_SENDING)
        return false;
    if (choice->told && request->notify)
        return false;
    return !choice->overlapped || request->overlapped == choice->overlapped;
}

/* Move requests from a queue to done, as aborted. torn: a send among them was half done. Lock held. */
static uint32_t requests_take(struct wsp_queue *queue, const struct request_choice *choice, struct wsp_queue *done,
                              bool *torn)
{
    uint32_t taken = 0;
    struct wsp_queue kept;
    struct wsp_request *request;

    wsp_queue_init(&kept);
    while ((request = wsp_queue_pop(queue)) != NULL) {
        if (!request_is_chosen(request, choice)) {
            wsp_queue_push(&kept, request);
            continue;
        }
        *torn = *torn || (request->direction == WSP_SENDING && request->bytes > 0);
        request->code = WSA_OPERATION_ABORTED;
        request->flags = 0;
        wsp_queue_push(done, request);
        taken++;
    }
    wsp_queue_init(queue);
    while ((request = wsp_queue_pop(&kept)) != NULL)
        wsp_queue_push(queue, request);
    return taken;
}

static uint32_t requests_take_all(struct wsp_socket *sock, const struct request_choice *choice, struct wsp_queue *done)
{
    uint32_t taken = 0;
    bool torn = false;

    wsp_queue_init(done);
    wsp_mutex_lock(&sock->lock);
    for (int direction = 0; direction < WSP_DIRECTIONS; direction++)
        taken += requests_take(&sock->queues[direction], choice, done, &torn);
    if (!sock->queues[WSP_READING].head)
        wsp_slow_clear(sock, WSP_SLOW_READING);
    if (!sock->queues[WSP_SENDING].head)
        wsp_slow_clear(sock, WSP_SLOW_SENDING);
    if (done->head)
        atomic_fetch_add(&sock->delivering, 1);
    wsp_mutex_unlock(&sock->lock);
    /* CLS-21: a stream with a hole in it that nobody asked for is no stream. */
    if (torn && !choice->sends && wsp_socket_is_stream(sock) && !wsp_socket_closing(sock))
        (void)stk_sock_shutdown(sock->stk, STK_SHUT_ABORT);
    return taken;
}

uint32_t wsp_requests_cancel(struct wsp_socket *sock, bool own, LPWSAOVERLAPPED overlapped)
{
    struct wsp_thread *thread = own ? wsp_thread_get() : NULL;
    struct request_choice choice = {.told = !overlapped, .thread = thread ? thread->id : 0, .overlapped = overlapped};
    struct wsp_queue done;
    uint32_t taken;

    if (own && !thread)
        return 0; /* a thread without a record has issued nothing */
    taken = requests_take_all(sock, &choice, &done);
    wsp_requests_deliver(sock, &done, 0);
    return taken;
}

void wsp_requests_flush(struct wsp_socket *sock)
{
    const struct request_choice sends = {.sends = true};
    struct wsp_queue done;

    (void)requests_take_all(sock, &sends, &done);
    wsp_requests_deliver(sock, &done, 0);
}

bool wsp_request_pends(const struct wsp_socket *sock, enum wsp_notice notice)
{
    const struct wsp_request *request = sock->queues[WSP_PENDING].head;

    while (request && request->notice != notice)
        request = request->next;
    return request != NULL;
}

void wsp_requests_abort(struct wsp_socket *sock, bool deliver)
{
    const struct request_choice all = {0};
    struct wsp_queue done;
    struct wsp_request *request;

    (void)requests_take_all(sock, &all, &done);
    if (deliver) {
        wsp_requests_deliver(sock, &done, 0);
        return;
    }
    if (done.head)
        atomic_fetch_sub(&sock->delivering, 1);
    while ((request = wsp_queue_pop(&done)) != NULL) { /* WSPCLEANUP-3: the structure, and no indication */
        wsp_request_finish_quietly(request);
        wsp_request_free(request);
    }
    wsp_results_wake();
}

void wsp_requests_abort_handle(struct wsp_socket *sock, SOCKET s)
{
    const struct request_choice choice = {.handle = s};
    struct wsp_queue done;

    (void)requests_take_all(sock, &choice, &done);
    wsp_requests_deliver(sock, &done, 0);
}

void wsp_requests_abort_thread(uint64_t thread)
{
    const struct request_choice choice = {.thread = thread};
    struct wsp_request *request;

    for (uint32_t i = 0; (request = wsp_request_at(i)) != NULL; i++) {
        struct wsp_socket *sock;
        struct wsp_queue done;

        if (atomic_load_explicit(&request->thread, memory_order_relaxed) != thread)
            continue;
        sock = wsp_socket_get_context(atomic_load_explicit(&request->context, memory_order_acquire));
        if (!sock)
            continue;
        if (atomic_load_explicit(&sock->ported, memory_order_relaxed) == 0) {
            (void)requests_take_all(sock, &choice, &done);
            wsp_requests_deliver(sock, &done, 0);
        }
        wsp_socket_put(sock);
    }
}

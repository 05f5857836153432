/** @file Overlapped requests that wait for something other than data: a change, a connection, an end. */
#include "wsp_acceptex.h"
#include "wsp_connectex.h"
#include "wsp_disconnectex.h"
#include "wsp_notice.h"
#include "wsp_ready.h"
#include "wsp_request.h"
#include "wsp_transmit.h"

/* Has a change come? Then the request has its code. */
static bool pending_changed(struct wsp_socket *sock, struct wsp_request *request)
{
    bool due = wsp_notice_due(sock, request->notice, request->mark);

    if (!due && request->notice == WSP_NOTICE_BACKLOG) { /* armed first, then the look */
        (void)stk_sock_arm(sock->stk, STK_READY_ISB | STK_READY_RESET);
        due = wsp_notice_due(sock, request->notice, request->mark);
    }
    if (due)
        request->code = wsp_notice_code(sock, request->notice);
    return due;
}

static bool pending_step(struct wsp_socket *sock, struct wsp_request *request, bool *dry)
{
    switch (request->notice) {
    case WSP_NOTICE_CONNECT:
        return wsp_connectex_step(sock, request);
    case WSP_NOTICE_ACCEPT:
        return wsp_acceptex_step(sock, request, dry);
    case WSP_NOTICE_DISCONNECT:
        return wsp_disconnectex_step(sock, request);
    case WSP_NOTICE_READY:
        return wsp_ready_step(sock, request);
    case WSP_NOTICE_ADDRESSES:
    case WSP_NOTICE_ROUTES:
    case WSP_NOTICE_BACKLOG:
        break;
    }
    return pending_changed(sock, request);
}

/*
 * These requests do not wait for each other, but for connections in the order of posting. Those that only look come last: a
 * connection that another one takes is none to be told of.
 */
bool wsp_requests_run_pending(struct wsp_socket *sock, struct wsp_queue *done)
{
    struct wsp_queue waiting = sock->queues[WSP_PENDING], looking;
    struct wsp_request *request;
    bool sends = false, dry = false;

    wsp_queue_init(&sock->queues[WSP_PENDING]);
    wsp_queue_init(&looking);
    while ((request = wsp_queue_pop(&waiting)) != NULL || (request = wsp_queue_pop(&looking)) != NULL) {
        if (request->notice == WSP_NOTICE_READY && waiting.head) {
            wsp_queue_push(&looking, request);
        } else if (!pending_step(sock, request, &dry)) {
            wsp_queue_push(&sock->queues[WSP_PENDING], request);
        } else if (request->direction == WSP_SENDING) {
            wsp_queue_push(&sock->queues[WSP_SENDING], request);
            sends = true;
        } else {
            wsp_queue_push(done, request);
        }
    }
    return sends;
}

void wsp_request_settle(struct wsp_request *request)
{
    wsp_transmit_settle(request);
    if (request->direction != WSP_PENDING)
        return;
    if (request->notice == WSP_NOTICE_CONNECT)
        wsp_connectex_settle(request);
    else if (request->notice == WSP_NOTICE_ACCEPT)
        wsp_acceptex_settle(request);
    else if (request->notice == WSP_NOTICE_DISCONNECT)
        wsp_disconnectex_settle(request);
}

/* What a request of a change begins with. */
static int pending_mark(struct wsp_socket *sock, struct wsp_request *request, const void *mark)
{
    (void)sock;
    request->mark = *(const uint32_t *)mark;
    return 0;
}

int wsp_request_pend(const struct wsp_call *call, enum wsp_notice notice, uint32_t mark)
{
    struct wsp_pend pend = {.notice = notice, .begin = pending_mark, .arg = &mark};

    return wsp_request_begin(call, &pend);
}

int wsp_request_begin(const struct wsp_call *call, const struct wsp_pend *pend)
{
    struct wsp_call pending = *call;
    struct wsp_socket *sock = call->sock;
    struct wsp_thread *thread = wsp_thread_get();
    struct wsp_request *request;
    int code = wsp_dispatcher_start();

    pending.direction = WSP_PENDING;
    if (code != 0)
        return code;
    request = thread ? wsp_request_alloc() : NULL;
    if (!request)
        return WSAENOBUFS;
    request->notice = pend->notice;
    code = wsp_request_fill(request, &pending, thread);
    if (code == 0)
        code = wsp_request_mark_pending(&pending);
    if (code != 0) {
        wsp_request_free(request);
        return code;
    }
    request->mark = 0;
    thread->issued++;
    wsp_mutex_lock(&sock->lock);
    request->code = wsp_socket_closing(sock) ? WSAENOTSOCK : pend->begin(sock, request, pend->arg);
    if (request->code != 0) {
        wsp_mutex_unlock(&sock->lock);
        return wsp_request_at_once(&pending, request);
    }
    wsp_queue_push(&sock->queues[WSP_PENDING], request);
    wsp_mutex_unlock(&sock->lock);
    wsp_notice_look(sock); /* it may be due already */
    return WSA_IO_PENDING;
}

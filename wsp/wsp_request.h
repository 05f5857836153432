/**
 * @file
 * Overlapped requests, for the files that they are made of: wsp_overlapped.c (pool, attempts, completion), wsp_request_cancel.c,
 * wsp_request_pend.c.
 */
#ifndef WSP_REQUEST_H
#define WSP_REQUEST_H

#include "wsp_overlapped.h"

/* A queue is its owner's: the socket's lock, or a thread's own. */
static inline void wsp_queue_init(struct wsp_queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

static inline void wsp_queue_push(struct wsp_queue *queue, struct wsp_request *request)
{
    request->next = NULL;
    *queue->tail = request;
    queue->tail = &request->next;
}

static inline struct wsp_request *wsp_queue_pop(struct wsp_queue *queue)
{
    struct wsp_request *request = queue->head;

    if (request) {
        queue->head = request->next;
        if (!queue->head)
            queue->tail = &queue->head;
    }
    return request;
}

/** Take a request of the pool; NULL: it is empty. Context: any thread. */
struct wsp_request *wsp_request_alloc(void);

/** Give back a request, and what it holds. Context: any thread. */
void wsp_request_free(struct wsp_request *request);

/** The entry of the pool with a number; NULL: no entry from there on was ever used. Context: any thread. */
struct wsp_request *wsp_request_at(uint32_t i);

/** Fill a fresh request from a call. @return  0 or a WSAE* code; the request is still the caller's. */
int wsp_request_fill(struct wsp_request *request, const struct wsp_call *call, const struct wsp_thread *thread);

/**
 * OVL2-3. The low bit of the event asks a port to be skipped and is no part of the handle.
 *
 * @return  0, or WSAENOTSOCK, as Windows calls an event that is none (A.9.10); the structure is as it was.
 */
int wsp_request_mark_pending(const struct wsp_call *call);

/** End a request inside its call, by its code; a success has its indication all the same. @return  The call's code. */
int wsp_request_at_once(const struct wsp_call *call, struct wsp_request *request);

/** End a request in its structure only, without an indication; it is still the caller's. */
void wsp_request_finish_quietly(struct wsp_request *request);

/** Somebody may wait for a structure that has changed. Context: any thread. */
void wsp_results_wake(void);

/**
 * Attempt the requests of a socket that wait for something other than data. Lock held.
 *
 * @return  true: one has its connection now and data to send; it is on the queue of sends.
 */
bool wsp_requests_run_pending(struct wsp_socket *sock, struct wsp_queue *done);

/** What a request does to sockets once it has ended, before anybody is told. Context: no lock held, once a request. */
void wsp_request_settle(struct wsp_request *request);

#endif

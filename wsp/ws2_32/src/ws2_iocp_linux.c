/*
 * Completion ports, Linux: the port, its packets, its running threads. See ws2_iocp_priv.h.
 * Source: rules IOCP-1, IOCP-7, IOCP-13, IOCP-37.
 */
#include "ws2_iocp_priv.h"

#include <sched.h>
#include <stdlib.h>

#define FIRST_SLOTS 64u
#define SLOTS_MAX (1u << 30)

/* ---- lifecycle ---- */

static unsigned processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static bool ring_grow(struct ws2_port *port)
{
    unsigned slots = port->slots == 0 ? FIRST_SLOTS : port->slots * 2;
    OVERLAPPED_ENTRY *ring;
    unsigned i;
    if (slots > SLOTS_MAX) {
        return false;
    }
    ring = (OVERLAPPED_ENTRY *)malloc(slots * sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    for (i = 0; i < port->count; i++) {
        ring[i] = port->ring[(port->first + i) & (port->slots - 1)];
    }
    free(port->ring);
    port->ring = ring;
    port->slots = slots;
    port->first = 0;
    return true;
}

/**
 * A new port.
 *
 * @param threads  That may run at a time; 0: as many as there are processors.
 * @return         One reference and one handle, the caller's; NULL when memory is short.
 */
struct ws2_port *ws2_port_new(unsigned threads)
{
    struct ws2_port *port = (struct ws2_port *)calloc(1, sizeof *port);
    if (port == NULL || !ring_grow(port)) {
        free(port);
        return NULL;
    }
    pthread_mutex_init(&port->lock, NULL);
    atomic_init(&port->refs, 1);
    atomic_init(&port->handles, 1);
    port->limit = threads == 0 ? processors() : threads;
    return port;
}

/** One more reference. Context: a thread that has one. */
void ws2_port_ref(struct ws2_port *port)
{
    atomic_fetch_add_explicit(&port->refs, 1, memory_order_relaxed);
}

/** Give a reference back; the last one frees the port, at which nobody waits then. */
void ws2_port_unref(struct ws2_port *port)
{
    if (atomic_fetch_sub_explicit(&port->refs, 1, memory_order_acq_rel) == 1) {
        pthread_mutex_destroy(&port->lock);
        free(port->ring);
        free(port);
    }
}

/** One of the port's handles was closed. The last one: packets are dropped, who waits is sent away. */
void ws2_port_handle_closed(struct ws2_port *port)
{
    if (atomic_fetch_sub_explicit(&port->handles, 1, memory_order_acq_rel) != 1) {
        return;
    }
    pthread_mutex_lock(&port->lock);
    port->closed = true;
    port->count = 0;
    ws2_port_abandon(port);
    pthread_mutex_unlock(&port->lock);
}

/* ---- packets ---- */

static void wake_and_unref(struct ws2_thread *thread)
{
    if (thread != NULL) {
        ws2_thread_wake(thread);
        ws2_thread_unref(thread);
    }
}

/**
 * Queue a packet and wake the one thread that it is for. To a closed port it disappears.
 *
 * @return  false: there was no memory for more packets, and nothing is queued.
 *
 * Context: any thread with a reference; does not wait. Allocates only where more packets lie there than ever before.
 * Source: rule IOCP-13.
 */
bool ws2_port_post(struct ws2_port *port, const OVERLAPPED_ENTRY *packet)
{
    struct ws2_thread *served = NULL;
    bool starved = false;
    bool queued = true;
    pthread_mutex_lock(&port->lock);
    if (!port->closed) {
        queued = port->count < port->slots || ring_grow(port);
        if (queued) {
            port->ring[(port->first + port->count) & (port->slots - 1)] = *packet;
            port->count++;
            starved = port->top == NULL;
            served = ws2_port_serve(port);
        }
    }
    pthread_mutex_unlock(&port->lock);
    wake_and_unref(served);
    if (starved && port->starved != NULL) {
        port->starved();
    }
    return queued;
}

/** Do packets lie there while nobody waits? Context: any thread with a reference. */
bool ws2_port_is_starved(struct ws2_port *port)
{
    bool starved;
    pthread_mutex_lock(&port->lock);
    starved = port->count > 0 && port->top == NULL;
    pthread_mutex_unlock(&port->lock);
    return starved;
}

/** Take out the packets of a key. @return  How many. Context: any thread with a reference. */
unsigned ws2_port_drop(struct ws2_port *port, ULONG_PTR key)
{
    unsigned kept = 0;
    unsigned dropped;
    unsigned i;
    pthread_mutex_lock(&port->lock);
    for (i = 0; i < port->count; i++) {
        const OVERLAPPED_ENTRY *packet = &port->ring[(port->first + i) & (port->slots - 1)];
        if (packet->lpCompletionKey != key) {
            port->ring[(port->first + kept++) & (port->slots - 1)] = *packet;
        }
    }
    dropped = port->count - kept;
    port->count = kept;
    pthread_mutex_unlock(&port->lock);
    return dropped;
}

/** The oldest packet. Context: under the lock, with one there. */
OVERLAPPED_ENTRY ws2_port_take(struct ws2_port *port)
{
    OVERLAPPED_ENTRY packet = port->ring[port->first];
    port->first = (port->first + 1) & (port->slots - 1);
    port->count--;
    return packet;
}

/* ---- running threads ---- */

/** The thread runs with a packet of the port. Context: under the lock. */
void ws2_port_run(struct ws2_port *port, struct ws2_thread *thread)
{
    thread->port_running = true;
    thread->port_prev = NULL;
    thread->port_next = port->members;
    if (port->members != NULL) {
        port->members->port_prev = thread;
    }
    port->members = thread;
    port->running++;
}

/** It does not any more. Context: under the lock. */
void ws2_port_stop(struct ws2_port *port, struct ws2_thread *thread)
{
    if (!thread->port_running) {
        return;
    }
    thread->port_running = false;
    if (thread->port_prev != NULL) {
        thread->port_prev->port_next = thread->port_next;
    } else {
        port->members = thread->port_next;
    }
    if (thread->port_next != NULL) {
        thread->port_next->port_prev = thread->port_prev;
    }
    port->running--;
}

/* Another thread may run in its place. */
static void stop_and_serve(struct ws2_thread *thread)
{
    struct ws2_port *port = thread->port;
    struct ws2_thread *served;
    pthread_mutex_lock(&port->lock);
    ws2_port_stop(port, thread);
    served = ws2_port_serve(port);
    pthread_mutex_unlock(&port->lock);
    wake_and_unref(served);
}

/** The thread ends, or goes to another port. Context: the thread itself. */
void ws2_port_thread_leaves(struct ws2_thread *thread)
{
    if (thread->port != NULL) {
        stop_and_serve(thread);
        ws2_port_unref(thread->port);
        thread->port = NULL;
    }
}

/**
 * The thread is about to wait for something else: another one may run meanwhile.
 *
 * @return  Whether it was running with a port's packet; then ws2_port_thread_resumes follows.
 *
 * Context: the thread itself.
 */
bool ws2_port_thread_blocks(struct ws2_thread *thread)
{
    if (thread->port == NULL || !thread->port_running) {
        return false;
    }
    stop_and_serve(thread);
    return true;
}

/** What it waited for has come: it runs on, whether or not that makes one too many. Context: the thread itself. */
void ws2_port_thread_resumes(struct ws2_thread *thread)
{
    pthread_mutex_lock(&thread->port->lock);
    ws2_port_run(thread->port, thread);
    pthread_mutex_unlock(&thread->port->lock);
}

/*
 * Completion ports, Linux: waiting. See ws2_iocp_priv.h. Source: rules IOCP-5 to IOCP-8, IOCP-13.
 */
#include "ws2_iocp_priv.h"
#include "ws2_status.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAP_MS_FIRST 1u
#define NAP_MS_LAST 16u

/* ---- the stack of waiters; all under the lock ---- */

static void waiter_push(struct ws2_port *port, struct ws2_port_waiter *waiter)
{
    waiter->above = NULL;
    waiter->below = port->top;
    if (port->top != NULL) {
        port->top->above = waiter;
    }
    port->top = waiter;
}

static void waiter_remove(struct ws2_port *port, struct ws2_port_waiter *waiter)
{
    if (waiter->above != NULL) {
        waiter->above->below = waiter->below;
    } else {
        port->top = waiter->below;
    }
    if (waiter->below != NULL) {
        waiter->below->above = waiter->above;
    }
}

/* A thread's sleep that only the provider can end counts as one (wsp_private_abi.h). */
static unsigned members_blocked(const struct ws2_port *port)
{
    const struct ws2_thread *thread;
    unsigned blocked = 0;
    for (thread = port->members; thread != NULL; thread = thread->port_next) {
        if (atomic_load_explicit(&thread->alert.blocked, memory_order_relaxed) != 0) {
            blocked++;
        }
    }
    return blocked;
}

static bool may_run(const struct ws2_port *port)
{
    return port->running < port->limit || port->running - members_blocked(port) < port->limit;
}

/* Give the oldest packet to a waiter. Edge Q1, writer: the record is the waiter's own again after the store. */
static void waiter_serve(struct ws2_port *port, struct ws2_port_waiter *waiter)
{
    waiter_remove(port, waiter);
    waiter->entry = ws2_port_take(port);
    waiter->left = port->count > 0;
    ws2_port_run(port, waiter->thread);
    atomic_store_explicit(&waiter->state, WS2_PORT_SERVED, memory_order_release);
}

/**
 * A packet came or a thread stopped running: see whether a waiter gets something to do.
 *
 * @return  NULL, or the thread to be woken after the lock was given back, with a reference to be given back then.
 *
 * Context: under the lock.
 */
struct ws2_thread *ws2_port_serve(struct ws2_port *port)
{
    struct ws2_port_waiter *waiter = port->top;
    struct ws2_thread *thread;
    if (port->count == 0 || waiter == NULL) {
        return NULL;
    }
    thread = waiter->thread;
    if (may_run(port)) {
        atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
        waiter_serve(port, waiter);
        return thread;
    }
    if (atomic_exchange_explicit(&waiter->watches, true, memory_order_relaxed)) {
        return NULL;
    }
    atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
    return thread;
}

/** Send everybody away. Context: under the lock. */
void ws2_port_abandon(struct ws2_port *port)
{
    struct ws2_port_waiter *waiter;
    while ((waiter = port->top) != NULL) {
        struct ws2_thread *thread = waiter->thread;
        atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
        waiter_remove(port, waiter);
        atomic_store_explicit(&waiter->state, WS2_PORT_ABANDONED, memory_order_release);
        ws2_thread_wake(thread);
        ws2_thread_unref(thread);
    }
}

/* ---- threads that sleep where nobody tells us ---- */

/* The state is the letter behind the last parenthesis of the name. */
static bool is_asleep(DWORD id)
{
    char path[48];
    char text[128];
    const char *name_end;
    ssize_t got;
    int fd;
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", (unsigned)id);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    name_end = strrchr(text, ')');
    return name_end != NULL && name_end[1] == ' ' && strchr("SDTt", name_end[2]) != NULL && name_end[2] != '\0';
}

static bool enough_asleep(const struct ws2_port *port)
{
    const struct ws2_thread *thread;
    unsigned awake = port->running;
    for (thread = port->members; thread != NULL && awake >= port->limit; thread = thread->port_next) {
        if (is_asleep(thread->id)) {
            awake--;
        }
    }
    return awake < port->limit;
}

/* A watcher's look, after a nap. */
static void watch(struct ws2_port *port, struct ws2_port_waiter *waiter)
{
    pthread_mutex_lock(&port->lock);
    if (atomic_load_explicit(&waiter->state, memory_order_relaxed) == WS2_PORT_WAITING) {
        if (port->count == 0) {
            atomic_store_explicit(&waiter->watches, false, memory_order_relaxed);
        } else if (enough_asleep(port)) {
            waiter_serve(port, waiter);
        }
    }
    pthread_mutex_unlock(&port->lock);
}

/* ---- waiting ---- */

static _Atomic(wsp_help_fn) help_provider;

/** Our provider names its function, or NULL; it finds this one by name. See wsp_private_abi.h. */
__attribute__((visibility("default"))) void wl_port_helper(wsp_help_fn help)
{
    atomic_store(&help_provider, help);
}

/* Do the provider's work for a moment instead of sleeping. @param seen  The wake word before the last look. */
static void help_while_waiting(struct ws2_thread *self, unsigned seen, DWORD timeout_ms)
{
    wsp_help_fn help = atomic_load(&help_provider);
    DWORD before = GetLastError();
    if (help == NULL) {
        return;
    }
    atomic_store_explicit(&self->spins, 1, memory_order_seq_cst);
    (void)help(&self->wake_word, seen, timeout_ms);
    atomic_store_explicit(&self->spins, 0, memory_order_seq_cst); /* edge W2, reader: then the look at the word */
    SetLastError(before);
}

/* One look, for who does not wait. @return  Whether it may have brought packets. */
static bool help_once(void)
{
    wsp_help_fn help = atomic_load(&help_provider);
    DWORD before = GetLastError();
    bool any = help != NULL && help(NULL, 0, 0) != 0;
    SetLastError(before);
    return any;
}

/* Sleep, at most a nap where there is something to watch. @return  false: the time is over. */
static bool waiter_sleep(struct ws2_port *port, struct ws2_port_waiter *waiter, unsigned seen,
                         const struct timespec *deadline, DWORD *nap_ms)
{
    bool napped;
    bool more;
    if (!atomic_load_explicit(&waiter->watches, memory_order_relaxed)) {
        return ws2_thread_sleep(waiter->thread, seen, deadline);
    }
    more = ws2_thread_sleep_some(waiter->thread, seen, deadline, *nap_ms, &napped);
    if (napped) {
        watch(port, waiter);
        *nap_ms = *nap_ms < NAP_MS_LAST ? *nap_ms * 2 : NAP_MS_LAST;
    }
    return more;
}

/* @return  0 when served, else ERROR_ABANDONED_WAIT_0, WAIT_TIMEOUT or WAIT_IO_COMPLETION. */
static DWORD waiter_wait(struct ws2_port *port, struct ws2_port_waiter *waiter, DWORD timeout_ms, bool alertable)
{
    struct timespec store;
    const struct timespec *deadline = ws2_deadline_after(timeout_ms, &store);
    DWORD nap_ms = NAP_MS_FIRST;
    bool helped = false;
    bool more = true;
    for (;;) {
        unsigned seen = atomic_load_explicit(&waiter->thread->wake_word, memory_order_seq_cst);
        unsigned state = atomic_load_explicit(&waiter->state, memory_order_acquire); /* edge Q1, reader */
        if (state != WS2_PORT_WAITING) {
            return state == WS2_PORT_SERVED ? 0 : ERROR_ABANDONED_WAIT_0;
        }
        if (alertable && ws2_thread_apc_waits(waiter->thread)) {
            return WAIT_IO_COMPLETION;
        }
        if (!more) {
            return WAIT_TIMEOUT;
        }
        if (!helped && !atomic_load_explicit(&waiter->watches, memory_order_relaxed)) {
            helped = true;
            help_while_waiting(waiter->thread, seen, timeout_ms);
            continue;
        }
        more = waiter_sleep(port, waiter, seen, deadline, &nap_ms);
    }
}

/* Nothing came; something may have by now. Who watched leaves that to the next one. */
static DWORD waiter_leave(struct ws2_port *port, struct ws2_port_waiter *waiter, DWORD result)
{
    struct ws2_thread *served = NULL;
    unsigned state;
    pthread_mutex_lock(&port->lock);
    state = atomic_load_explicit(&waiter->state, memory_order_relaxed);
    if (state == WS2_PORT_WAITING) {
        waiter_remove(port, waiter);
        served = ws2_port_serve(port);
    }
    pthread_mutex_unlock(&port->lock);
    if (served != NULL) {
        ws2_thread_wake(served);
        ws2_thread_unref(served);
    }
    return state == WS2_PORT_WAITING ? result : state == WS2_PORT_SERVED ? 0 : ERROR_ABANDONED_WAIT_0;
}

/* Lock held. @return  How many. */
static ULONG take_some(struct ws2_port *port, LPOVERLAPPED_ENTRY entries, ULONG count)
{
    ULONG got = 0;
    while (got < count && port->count > 0) {
        entries[got++] = ws2_port_take(port);
    }
    return got;
}

/* The thread belongs to the port from here on, and is not running. Lock not held. */
static void join(struct ws2_port *port, struct ws2_thread *self)
{
    if (self->port != port) {
        ws2_port_thread_leaves(self);
        ws2_port_ref(port);
        self->port = port;
    }
}

/* Who does not wait looks at once where the running threads are. Lock held. */
static bool may_take(const struct ws2_port *port, DWORD timeout_ms)
{
    return may_run(port) || (timeout_ms == 0 && enough_asleep(port));
}

/*
 * What a waiter that was served takes beside its packet. It may have been the one that watched: what it leaves is for the
 * next one, to be served or to watch. Lock not held.
 */
static ULONG take_more(struct ws2_port *port, LPOVERLAPPED_ENTRY entries, ULONG count)
{
    struct ws2_thread *served;
    ULONG taken;
    pthread_mutex_lock(&port->lock);
    taken = take_some(port, entries, count);
    served = ws2_port_serve(port);
    pthread_mutex_unlock(&port->lock);
    if (served != NULL) {
        ws2_thread_wake(served);
        ws2_thread_unref(served);
    }
    return taken;
}

/* The waiter lies on the stack. As ws2_port_remove. */
static DWORD wait_for_some(struct ws2_port *port, struct ws2_port_waiter *waiter, LPOVERLAPPED_ENTRY entries,
                           ULONG count, ULONG *removed, DWORD timeout_ms, bool alertable)
{
    DWORD result = waiter_wait(port, waiter, timeout_ms, alertable);
    if (result == WAIT_TIMEOUT || result == WAIT_IO_COMPLETION) {
        result = waiter_leave(port, waiter, result);
    }
    if (result != 0) {
        return result;
    }
    entries[0] = waiter->entry;
    *removed = 1;
    if (count > 1 || waiter->left) {
        *removed += take_more(port, entries + 1, count - 1);
    }
    return 0;
}

/* What has come by now, for who does not wait. @return  0 or WAIT_TIMEOUT. */
static DWORD take_now(struct ws2_port *port, struct ws2_thread *self, LPOVERLAPPED_ENTRY entries, ULONG count,
                      ULONG *removed)
{
    pthread_mutex_lock(&port->lock);
    *removed = port->count > 0 && may_take(port, 0) ? take_some(port, entries, count) : 0;
    if (*removed > 0) {
        ws2_port_run(port, self);
    }
    pthread_mutex_unlock(&port->lock);
    return *removed > 0 ? 0 : WAIT_TIMEOUT;
}

/**
 * Take packets, waiting for the first.
 *
 * @param entries    Room for count, at least 1.
 * @param removed    Out: how many, 0 on failure.
 * @return           0, ERROR_ABANDONED_WAIT_0 (the port was closed), WAIT_TIMEOUT, WAIT_IO_COMPLETION (calls wait, which
 *                   the caller runs).
 *
 * Context: any thread with a reference and its own record; one lock when packets are there.
 */
DWORD ws2_port_remove(struct ws2_port *port, struct ws2_thread *self, LPOVERLAPPED_ENTRY entries, ULONG count,
                      ULONG *removed, DWORD timeout_ms, bool alertable)
{
    struct ws2_port_waiter waiter = {.thread = self};
    DWORD result;
    join(port, self);
    pthread_mutex_lock(&port->lock);
    ws2_port_stop(port, self);
    result = port->closed ? ERROR_ABANDONED_WAIT_0 : WAIT_TIMEOUT;
    *removed = port->count > 0 && may_take(port, timeout_ms) ? take_some(port, entries, count) : 0;
    if (*removed > 0) {
        ws2_port_run(port, self);
        result = 0;
    } else if (!port->closed && timeout_ms > 0) {
        waiter_push(port, &waiter);
        atomic_store_explicit(&waiter.watches, port->count > 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&port->lock);
    if (result == WAIT_TIMEOUT && timeout_ms == 0 && help_once()) {
        result = take_now(port, self, entries, count, removed);
    }
    if (result == WAIT_TIMEOUT && timeout_ms > 0) {
        return wait_for_some(port, &waiter, entries, count, removed, timeout_ms, alertable);
    }
    return result == WAIT_TIMEOUT && alertable && ws2_thread_apc_waits(self) ? WAIT_IO_COMPLETION : result;
}

/* With the port's handle. @return  As ws2_port_remove, or ERROR_INVALID_HANDLE, ERROR_NOT_ENOUGH_MEMORY. */
static DWORD handle_remove(HANDLE handle, LPOVERLAPPED_ENTRY entries, ULONG count, ULONG *removed, DWORD timeout_ms,
                           bool alertable)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_PORT);
    struct ws2_thread *self = slot == NULL ? NULL : ws2_thread_self();
    DWORD result = slot == NULL ? ERROR_INVALID_HANDLE : ERROR_NOT_ENOUGH_MEMORY;
    *removed = 0;
    if (self != NULL) {
        result = ws2_port_remove((struct ws2_port *)slot->object, self, entries, count, removed, timeout_ms, alertable);
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    if (result == WAIT_IO_COMPLETION) {
        (void)ws2_thread_run_apcs(self);
    }
    return result;
}

/**
 * Take the oldest packet of a port, waiting for one.
 *
 * @param bytes, key   Filled with a packet only.
 * @param overlapped   NULL when there was no packet.
 * @param timeout_ms   0: do not wait; INFINITE.
 * @return             TRUE: the request succeeded. FALSE with *overlapped: a request that failed, the last error says how.
 *                     FALSE without: WAIT_TIMEOUT, ERROR_ABANDONED_WAIT_0 (the port was closed), ERROR_INVALID_HANDLE,
 *                     ERROR_INVALID_PARAMETER (a pointer is NULL), ERROR_NOT_ENOUGH_MEMORY. A posted packet may be
 *                     without a structure, too: then TRUE.
 *
 * Context: any thread. Source: rules IOCP-5 to IOCP-7.
 */
BOOL WINAPI GetQueuedCompletionStatus(HANDLE port, LPDWORD bytes, PULONG_PTR key, LPOVERLAPPED *overlapped,
                                      DWORD timeout_ms)
{
    OVERLAPPED_ENTRY entry;
    ULONG removed;
    DWORD code;
    if (bytes == NULL || key == NULL || overlapped == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    code = handle_remove(port, &entry, 1, &removed, timeout_ms, false);
    if (removed == 0) {
        *overlapped = NULL;
        SetLastError(code);
        return FALSE;
    }
    *bytes = entry.dwNumberOfBytesTransferred;
    *key = entry.lpCompletionKey;
    *overlapped = entry.lpOverlapped;
    code = ws2_status_win32_of(entry.Internal);
    if (code != 0) {
        SetLastError(code);
    }
    return code == 0;
}

/**
 * Take several packets of a port, waiting for the first.
 *
 * @param entries    Room for count. Whether each request succeeded its structure's Internal says.
 * @param removed    How many; 0 on failure.
 * @param alertable  Calls that are queued for the thread end the wait: FALSE with WAIT_IO_COMPLETION.
 * @return           FALSE as GetQueuedCompletionStatus without a packet; ERROR_INVALID_PARAMETER also for no room.
 *
 * Context: any thread. Source: rule IOCP-8.
 */
BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG count, PULONG removed,
                                        DWORD timeout_ms, BOOL alertable)
{
    DWORD code;
    if (entries == NULL || removed == NULL || count == 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    code = handle_remove(port, entries, count, removed, timeout_ms, alertable != FALSE);
    if (code != 0) {
        SetLastError(code);
        return FALSE;
    }
    return TRUE;
}

/*
 * Events and waits, Linux: CreateEvent to WaitForMultipleObjectsEx, and the WSA names of the same.
 * Source: rules WS2-4, WS2-51, WPU-1, WPU-3, WPU-12.
 */
#include "ws2_file_priv.h"
#include "ws2_iocp_priv.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

/** Prepare an event in memory of the caller. */
void ws2_event_init(struct ws2_event *event, bool manual_reset, bool signalled)
{
    pthread_mutex_init(&event->lock, NULL);
    event->waiters = NULL;
    atomic_init(&event->signalled, signalled);
    event->manual_reset = manual_reset;
    event->most = 0;
    event->mutex = (struct ws2_mutex){0};
    atomic_init(&event->refs, 1);
}

/** Undo ws2_event_init. Nobody waits: waiters hold a pin. */
void ws2_event_destroy(struct ws2_event *event)
{
    pthread_mutex_destroy(&event->lock);
}

/** Signal, and make every waiter look. Context: any thread; takes the event's own lock only. */
void ws2_event_signal(struct ws2_event *event)
{
    struct ws2_wait_node *node;
    pthread_mutex_lock(&event->lock);
    atomic_store_explicit(&event->signalled, 1, memory_order_seq_cst);
    for (node = event->waiters; node != NULL; node = node->next) {
        ws2_thread_wake(node->thread);
    }
    pthread_mutex_unlock(&event->lock);
}

/** Add to a semaphore's count. @return false: it would be more than it may. Context: as ws2_event_signal. */
bool ws2_event_add(struct ws2_event *event, unsigned count, unsigned *before)
{
    struct ws2_wait_node *node;
    bool fits;
    pthread_mutex_lock(&event->lock); /* only here does it grow */
    *before = atomic_load_explicit(&event->signalled, memory_order_relaxed);
    fits = count <= event->most && *before <= event->most - count;
    if (fits) {
        *before = atomic_fetch_add_explicit(&event->signalled, count, memory_order_seq_cst);
        for (node = event->waiters; node != NULL; node = node->next) {
            ws2_thread_wake(node->thread);
        }
    }
    pthread_mutex_unlock(&event->lock);
    return fits;
}

static void event_link(struct ws2_event *event, struct ws2_wait_node *node, struct ws2_thread *thread)
{
    node->thread = thread;
    node->prev = NULL;
    pthread_mutex_lock(&event->lock);
    node->next = event->waiters;
    if (node->next != NULL) {
        node->next->prev = node;
    }
    event->waiters = node;
    pthread_mutex_unlock(&event->lock);
}

static void event_unlink(struct ws2_event *event, struct ws2_wait_node *node)
{
    pthread_mutex_lock(&event->lock);
    if (node->prev != NULL) {
        node->prev->next = node->next;
    } else {
        event->waiters = node->next;
    }
    if (node->next != NULL) {
        node->next->prev = node->prev;
    }
    pthread_mutex_unlock(&event->lock);
}

/* Whether the event was signalled; an automatic one is taken by this. */
static enum ws2_taken event_take(struct ws2_event *event)
{
    unsigned left = atomic_load_explicit(&event->signalled, memory_order_seq_cst);
    if (event->mutex.event != NULL) {
        return ws2_mutex_take(event);
    }
    if (event->manual_reset) {
        return left != 0 ? WS2_TAKEN : WS2_TAKEN_NOT;
    }
    while (left != 0) {
        if (atomic_compare_exchange_weak_explicit(&event->signalled, &left, left - 1, memory_order_seq_cst,
                                                  memory_order_seq_cst)) {
            return WS2_TAKEN;
        }
    }
    return WS2_TAKEN_NOT;
}

/* What event_take took, given back as it was. */
static void event_return(struct ws2_event *event, bool abandoned)
{
    unsigned before;
    if (event->mutex.event != NULL) {
        (void)ws2_mutex_give(event, abandoned);
    } else if (event->most != 0) {
        (void)ws2_event_add(event, 1, &before);
    } else if (!event->manual_reset) {
        ws2_event_signal(event);
    }
}

/** Pin what can be waited for; NULL: the handle is nothing of the kind. */
struct ws2_slot *ws2_wait_pin(HANDLE object)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)object, WS2_KIND_EVENT);
    if (slot == NULL) {
        slot = ws2_handle_pin((uintptr_t)object, WS2_KIND_THREAD);
    }
    if (slot == NULL) {
        slot = ws2_handle_pin((uintptr_t)object, WS2_KIND_FILE);
    }
    if (slot == NULL) {
        slot = ws2_handle_pin((uintptr_t)object, WS2_KIND_SEMAPHORE);
    }
    return slot != NULL ? slot : ws2_handle_pin((uintptr_t)object, WS2_KIND_MUTEX);
}

static struct ws2_event *slot_event(const struct ws2_slot *slot)
{
    if (slot->kind == WS2_KIND_THREAD) {
        return &((struct ws2_thread *)slot->object)->ended;
    }
    return slot->kind == WS2_KIND_FILE ? &((struct ws2_file *)slot->object)->done : (struct ws2_event *)slot->object;
}

/* ---- events ---- */

/**
 * Create an unnamed event.
 *
 * @param name  Named objects do not exist here: ignored, the event is this process's own.
 * @return      A handle to be closed, or NULL with ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state, LPCWSTR name)
{
    struct ws2_event *event = (struct ws2_event *)malloc(sizeof *event);
    struct ws2_slot *slot;
    uint32_t handle;
    (void)attributes;
    (void)name;
    if (event == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    slot = ws2_handle_open(WS2_KIND_EVENT);
    if (slot == NULL) {
        free(event);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    ws2_event_init(event, manual_reset != FALSE, initial_state != FALSE);
    slot->object = event;
    handle = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return (HANDLE)(uintptr_t)handle;
}

/** As CreateEventW. */
HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual_reset, BOOL initial_state, LPCSTR name)
{
    (void)name;
    return CreateEventW(attributes, manual_reset, initial_state, NULL);
}

static BOOL event_change(HANDLE event, bool set)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)event, WS2_KIND_EVENT);
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
        return FALSE;
    }
    if (set) {
        ws2_event_signal((struct ws2_event *)slot->object);
    } else {
        atomic_store_explicit(&((struct ws2_event *)slot->object)->signalled, 0, memory_order_seq_cst);
    }
    ws2_handle_unpin(slot);
    return TRUE;
}

/** Signal an event. @return FALSE with ERROR_INVALID_HANDLE for what is no event. Context: any thread. */
BOOL WINAPI SetEvent(HANDLE event)
{
    return event_change(event, true);
}

/** Unsignal an event. @return FALSE with ERROR_INVALID_HANDLE for what is no event. Context: any thread. */
BOOL WINAPI ResetEvent(HANDLE event)
{
    return event_change(event, false);
}

/* ---- waits ---- */

/** The end of a wait on CLOCK_MONOTONIC. @return deadline, or NULL for INFINITE. */
const struct timespec *ws2_deadline_after(DWORD timeout_ms, struct timespec *deadline)
{
    if (timeout_ms == INFINITE) {
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, deadline);
    deadline->tv_sec += timeout_ms / 1000;
    deadline->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (deadline->tv_nsec >= 1000000000) {
        deadline->tv_sec++;
        deadline->tv_nsec -= 1000000000;
    }
    return deadline;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/**
 * As ws2_thread_sleep, at most `most_ms` at a time.
 *
 * @param deadline  NULL: none.
 * @param napped    Out: so much time went by, and there is some left.
 * @return          false: the deadline has come.
 *
 * Context: the thread itself.
 */
bool ws2_thread_sleep_some(struct ws2_thread *thread, unsigned seen, const struct timespec *deadline, DWORD most_ms,
                           bool *napped)
{
    struct timespec nap;
    *napped = false;
    (void)ws2_deadline_after(most_ms, &nap);
    if (deadline != NULL && is_before(deadline, &nap)) {
        return ws2_thread_sleep(thread, seen, deadline);
    }
    *napped = !ws2_thread_sleep(thread, seen, &nap);
    return true;
}

/* What a wait for the first signalled object returns, or WAIT_TIMEOUT. */
static DWORD take_any(struct ws2_slot *const *slots, DWORD count)
{
    DWORD i;
    for (i = 0; i < count; i++) {
        enum ws2_taken taken = event_take(slot_event(slots[i]));
        if (taken != WS2_TAKEN_NOT) {
            return (taken == WS2_TAKEN ? WAIT_OBJECT_0 : WAIT_ABANDONED_0) + i;
        }
    }
    return WAIT_TIMEOUT;
}

/* All or none: looks first, takes then; what a rival took in between makes the automatic ones go back. */
static DWORD take_all(struct ws2_slot *const *slots, DWORD count)
{
    DWORD result = WAIT_OBJECT_0;
    uint64_t abandoned = 0; /* a bit for each object: MAXIMUM_WAIT_OBJECTS is 64 */
    DWORD i;
    for (i = 0; i < count; i++) {
        struct ws2_event *event = slot_event(slots[i]);
        if (event->mutex.event != NULL ? !ws2_mutex_takeable(event)
                                       : atomic_load_explicit(&event->signalled, memory_order_seq_cst) == 0) {
            return WAIT_TIMEOUT;
        }
    }
    for (i = 0; i < count; i++) {
        enum ws2_taken taken = event_take(slot_event(slots[i]));
        if (taken == WS2_TAKEN_NOT) {
            break;
        }
        abandoned |= (uint64_t)(taken == WS2_TAKEN_ABANDONED) << i;
        result = taken == WS2_TAKEN_ABANDONED ? WAIT_ABANDONED_0 : result;
    }
    if (i == count) {
        return result;
    }
    while (i-- > 0) {
        event_return(slot_event(slots[i]), (abandoned >> i & 1) != 0);
    }
    return WAIT_TIMEOUT;
}

/* Whether a posted message ends a wait: none, one that came since the thread last looked, any. */
enum wait_messages { WAIT_MESSAGES_NONE, WAIT_MESSAGES_FRESH, WAIT_MESSAGES_ANY };

struct wait_plan {
    struct ws2_slot *const *slots;
    DWORD count;
    bool all;
    bool alertable;
    enum wait_messages messages;
    DWORD timeout_ms;
    const struct timespec *deadline;
};

static DWORD wait_look(struct ws2_thread *self, const struct wait_plan *plan)
{
    bool message = plan->messages != WAIT_MESSAGES_NONE && ws2_queue_fresh(self, plan->messages == WAIT_MESSAGES_ANY);
    DWORD result;
    if (plan->all && plan->count > 0) {
        bool every = message || plan->messages == WAIT_MESSAGES_NONE;
        return every ? take_all(plan->slots, plan->count) : WAIT_TIMEOUT;
    }
    result = take_any(plan->slots, plan->count);
    if (result != WAIT_TIMEOUT) {
        return result;
    }
    return message ? WAIT_OBJECT_0 + plan->count : WAIT_TIMEOUT;
}

/* Objects come before calls, as in a Windows wait. The calls themselves run after the nodes are unlinked. */
static DWORD wait_linked(struct ws2_thread *self, const struct wait_plan *plan, bool may_sleep)
{
    bool blocks = false; /* another thread may run with its port's packets */
    DWORD result;
    for (;;) {
        unsigned seen = atomic_load_explicit(&self->wake_word, memory_order_seq_cst);
        result = wait_look(self, plan);
        if (result == WAIT_TIMEOUT && plan->alertable && ws2_thread_apc_waits(self)) {
            result = WAIT_IO_COMPLETION;
        }
        if (result != WAIT_TIMEOUT || !may_sleep) {
            break;
        }
        blocks = blocks || ws2_port_thread_blocks(self);
        may_sleep = ws2_thread_sleep(self, seen, plan->deadline);
    }
    if (blocks) {
        ws2_port_thread_resumes(self);
    }
    return result;
}

static DWORD wait_run(struct wait_plan *plan)
{
    struct ws2_thread *self = ws2_thread_self();
    struct timespec deadline;
    DWORD result;
    DWORD i;
    if (self == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return WAIT_FAILED;
    }
    if (plan->timeout_ms != 0) {
        plan->deadline = ws2_deadline_after(plan->timeout_ms, &deadline);
    }
    for (i = 0; i < plan->count; i++) {
        event_link(slot_event(plan->slots[i]), &self->node[i], self);
    }
    result = wait_linked(self, plan, plan->timeout_ms != 0);
    for (i = 0; i < plan->count; i++) {
        event_unlink(slot_event(plan->slots[i]), &self->node[i]);
    }
    if (result == WAIT_IO_COMPLETION) {
        ws2_thread_run_apcs(self);
    }
    return result;
}

/* Wait for the objects of a plan that lacks its slots. */
static DWORD wait_objects(const HANDLE *objects, struct wait_plan *plan)
{
    struct ws2_slot *slots[MAXIMUM_WAIT_OBJECTS];
    DWORD pinned = 0;
    DWORD result = WAIT_FAILED;
    while (pinned < plan->count && (slots[pinned] = ws2_wait_pin(objects[pinned])) != NULL) {
        pinned++;
    }
    if (pinned == plan->count) {
        plan->slots = slots;
        result = wait_run(plan);
    } else {
        SetLastError(ERROR_INVALID_HANDLE);
    }
    while (pinned > 0) {
        ws2_handle_unpin(slots[--pinned]);
    }
    return result;
}

/**
 * Wait for events and threads.
 *
 * @param count      1..64.
 * @param wait_all   All at once, or any: then the index of the first signalled one is returned.
 * @param timeout_ms Milliseconds, or INFINITE.
 * @param alertable  Run queued calls of this thread and return WAIT_IO_COMPLETION after them.
 * @return           WAIT_OBJECT_0 + index, WAIT_IO_COMPLETION, WAIT_TIMEOUT, or WAIT_FAILED with the last error
 *                   ERROR_INVALID_PARAMETER (count, NULL array), ERROR_INVALID_HANDLE or ERROR_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; blocks. Source: rule WS2-51.
 */
DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *objects, BOOL wait_all, DWORD timeout_ms,
                                      BOOL alertable)
{
    struct wait_plan plan = {NULL, count, wait_all != FALSE, alertable != FALSE, WAIT_MESSAGES_NONE, timeout_ms, NULL};
    if (count == 0 || count > MAXIMUM_WAIT_OBJECTS || objects == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return WAIT_FAILED;
    }
    return wait_objects(objects, &plan);
}

/**
 * Wait for events and threads, or for a posted message.
 *
 * @param count  0..63.
 * @param mask   QS_*: only QS_POSTMESSAGE and QS_ALLPOSTMESSAGE mean something here. A message that the thread has looked
 *               at already does not count, but with MWMO_INPUTAVAILABLE.
 * @param flags  MWMO_*. With MWMO_WAITALL all objects and a message together.
 * @return       As WaitForMultipleObjectsEx; WAIT_OBJECT_0 + count: a message.
 *
 * Context: any thread; blocks.
 */
DWORD WINAPI MsgWaitForMultipleObjectsEx(DWORD count, const HANDLE *objects, DWORD timeout_ms, DWORD mask, DWORD flags)
{
    struct wait_plan plan = {
        NULL, count, (flags & MWMO_WAITALL) != 0, (flags & MWMO_ALERTABLE) != 0, WAIT_MESSAGES_NONE, timeout_ms, NULL};
    if (count >= MAXIMUM_WAIT_OBJECTS || (count > 0 && objects == NULL)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return WAIT_FAILED;
    }
    if ((mask & (QS_POSTMESSAGE | QS_ALLPOSTMESSAGE)) != 0) {
        plan.messages = (flags & MWMO_INPUTAVAILABLE) != 0 ? WAIT_MESSAGES_ANY : WAIT_MESSAGES_FRESH;
    }
    return wait_objects(objects, &plan);
}

/** As MsgWaitForMultipleObjectsEx. */
DWORD WINAPI MsgWaitForMultipleObjects(DWORD count, const HANDLE *objects, BOOL wait_all, DWORD timeout_ms, DWORD mask)
{
    return MsgWaitForMultipleObjectsEx(count, objects, timeout_ms, mask, wait_all ? MWMO_WAITALL : 0);
}

/** As WaitForMultipleObjectsEx, not alertable. */
DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *objects, BOOL wait_all, DWORD timeout_ms)
{
    return WaitForMultipleObjectsEx(count, objects, wait_all, timeout_ms, FALSE);
}

/** As WaitForMultipleObjectsEx, for one object. */
DWORD WINAPI WaitForSingleObjectEx(HANDLE object, DWORD timeout_ms, BOOL alertable)
{
    return WaitForMultipleObjectsEx(1, &object, FALSE, timeout_ms, alertable);
}

/** As WaitForMultipleObjectsEx, for one object, not alertable. */
DWORD WINAPI WaitForSingleObject(HANDLE object, DWORD timeout_ms)
{
    return WaitForMultipleObjectsEx(1, &object, FALSE, timeout_ms, FALSE);
}

/**
 * Sleep.
 *
 * @return  WAIT_IO_COMPLETION when alertable and calls ran, else 0 after the time.
 */
DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
    struct wait_plan plan = {NULL, 0, false, alertable != FALSE, WAIT_MESSAGES_NONE, milliseconds, NULL};
    DWORD result = wait_run(&plan);
    return result == WAIT_IO_COMPLETION ? WAIT_IO_COMPLETION : 0;
}

/** Sleep for a time, not alertable. 0 gives the rest of the time slice away. */
void WINAPI Sleep(DWORD milliseconds)
{
    if (milliseconds == 0) {
        sched_yield();
        return;
    }
    (void)SleepEx(milliseconds, FALSE);
}

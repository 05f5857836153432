/*
 * Mutexes, Linux: events that a thread owns. One that ends owning some leaves them abandoned, which the next owner is told.
 *
 * A mutex's fields are under its event's lock, the threads' lists of what they own under one lock of all (`owners`), which is the outer
 * of the two. Only taking for the first time and giving back for the last touch a list.
 */
#include <stdlib.h>

#include "ws2_file_priv.h"

static pthread_mutex_t owners = PTHREAD_MUTEX_INITIALIZER;

/* Both locks are held. */
static void list_leave(struct ws2_mutex *mutex)
{
    struct ws2_mutex **at = &mutex->owner->mutexes;
    while (*at != mutex) {
        at = &(*at)->next;
    }
    *at = mutex->next;
}

/** Take a mutex that is free, or the caller's already. Context: any thread; does not wait. */
enum ws2_taken ws2_mutex_take(struct ws2_event *event)
{
    struct ws2_thread *self = ws2_thread_self();
    struct ws2_mutex *mutex = &event->mutex;
    enum ws2_taken taken = WS2_TAKEN;
    if (self == NULL) {
        return WS2_TAKEN_NOT;
    }
    pthread_mutex_lock(&owners);
    pthread_mutex_lock(&event->lock);
    if (mutex->owner == self) {
        mutex->depth++;
    } else if (mutex->owner != NULL) {
        taken = WS2_TAKEN_NOT;
    } else {
        taken = mutex->abandoned ? WS2_TAKEN_ABANDONED : WS2_TAKEN;
        mutex->abandoned = false;
        mutex->owner = self;
        mutex->depth = 1;
        mutex->next = self->mutexes;
        self->mutexes = mutex;
        atomic_store_explicit(&event->signalled, 0, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&event->lock);
    pthread_mutex_unlock(&owners);
    return taken;
}

/** Whether ws2_mutex_take would take it now. */
bool ws2_mutex_takeable(struct ws2_event *event)
{
    bool takeable;
    pthread_mutex_lock(&event->lock);
    takeable = event->mutex.owner == NULL || event->mutex.owner == ws2_thread_self();
    pthread_mutex_unlock(&event->lock);
    return takeable;
}

/** Undo one ws2_mutex_take. @param abandoned  As that found it: the next owner is told. @return false: the caller does not own it. */
bool ws2_mutex_give(struct ws2_event *event, bool abandoned)
{
    struct ws2_mutex *mutex = &event->mutex;
    bool owned;
    bool last = false;
    pthread_mutex_lock(&owners);
    pthread_mutex_lock(&event->lock);
    owned = mutex->owner != NULL && mutex->owner == ws2_thread_self();
    if (owned && --mutex->depth == 0) {
        list_leave(mutex);
        mutex->owner = NULL;
        mutex->abandoned = abandoned;
        last = true;
    }
    pthread_mutex_unlock(&event->lock);
    pthread_mutex_unlock(&owners);
    if (last) {
        ws2_event_signal(event);
    }
    return owned;
}

/** The last handle of an event was closed: if it is a mutex, nobody owns it any more. */
void ws2_mutex_forget(struct ws2_event *event)
{
    if (event->mutex.event == NULL) {
        return;
    }
    pthread_mutex_lock(&owners);
    if (event->mutex.owner != NULL) {
        list_leave(&event->mutex);
        event->mutex.owner = NULL;
    }
    pthread_mutex_unlock(&owners);
}

/** A thread has ended: what it owned is abandoned. Context: that thread. */
void ws2_mutexes_abandon(struct ws2_thread *thread)
{
    struct ws2_mutex *mutex;
    pthread_mutex_lock(&owners);
    while ((mutex = thread->mutexes) != NULL) {
        pthread_mutex_lock(&mutex->event->lock);
        thread->mutexes = mutex->next;
        mutex->owner = NULL;
        mutex->depth = 0;
        mutex->abandoned = true;
        pthread_mutex_unlock(&mutex->event->lock);
        ws2_event_signal(mutex->event);
    }
    pthread_mutex_unlock(&owners);
}

/**
 * Create an unnamed mutex.
 *
 * @param owned  The caller owns it.
 * @param name   Named objects do not exist here: ignored.
 * @return       A handle to be closed, or NULL with ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCWSTR name)
{
    struct ws2_event *event = (struct ws2_event *)malloc(sizeof *event);
    struct ws2_slot *slot = event == NULL || ws2_thread_self() == NULL ? NULL : ws2_handle_open(WS2_KIND_MUTEX);
    uint32_t handle;
    (void)attributes;
    (void)name;
    if (slot == NULL) {
        free(event);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    ws2_event_init(event, true, true);
    event->mutex.event = event;
    if (owned) {
        (void)ws2_mutex_take(event);
    }
    slot->object = event;
    handle = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return (HANDLE)(uintptr_t)handle;
}

/** As CreateMutexW. */
HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCSTR name)
{
    (void)name;
    return CreateMutexW(attributes, owned, NULL);
}

/** Give a mutex back, as often as it was waited for. @return FALSE with ERROR_INVALID_HANDLE or ERROR_NOT_OWNER. */
BOOL WINAPI ReleaseMutex(HANDLE mutex)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)mutex, WS2_KIND_MUTEX);
    bool owned;
    if (slot == NULL) {
        return ws2_file_fail(ERROR_INVALID_HANDLE);
    }
    owned = ws2_mutex_give((struct ws2_event *)slot->object, false);
    ws2_handle_unpin(slot);
    return owned ? TRUE : ws2_file_fail(ERROR_NOT_OWNER);
}

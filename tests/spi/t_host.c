/** @file The host: upcalls. */
#include "t_host_priv.h"

#include <stdlib.h>
#include <time.h>

#define T_HANDLES 65536
#define T_APCS 4096
#define T_MESSAGES 256

struct t_event {
    bool set;
};

struct t_apc {
    LPWSAUSERAPC routine;
    DWORD_PTR context;
};

struct t_apc_queue {
    struct t_apc list[T_APCS];
    unsigned head, tail;
};

static struct t_host {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ready;
    DWORD_PTR context[T_HANDLES];
    bool used[T_HANDLES];
    unsigned handles, next;
    INT fail_next;
    struct t_message messages[T_MESSAGES];
    unsigned message_head, message_tail, message_fail;
    LPBLOCKINGCALLBACK hook;
    DWORD_PTR hook_context;
    unsigned hook_asked;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local WSATHREADID thread_id;

static void host_lock(void)
{
    pthread_mutex_lock(&host.lock);
    if (!host.ready) {
        pthread_condattr_t attr;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&host.changed, &attr);
        pthread_condattr_destroy(&attr);
        host.ready = true;
    }
}

static void host_unlock(void)
{
    pthread_mutex_unlock(&host.lock);
}

static struct timespec host_until(unsigned timeout_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* --- Handles ---------------------------------------------------------------- */

static SOCKET WSPAPI host_create_handle(DWORD id, DWORD_PTR context, LPINT err)
{
    SOCKET s = INVALID_SOCKET;

    (void)id;
    host_lock();
    if (host.fail_next != 0) {
        *err = host.fail_next;
        host.fail_next = 0;
    } else {
        do
            host.next = (host.next + 1) % T_HANDLES;
        while (host.used[host.next] || host.next == 0);
        host.used[host.next] = true;
        host.context[host.next] = context;
        host.handles++;
        s = (SOCKET)host.next * 4; /* WPU-34 */
    }
    host_unlock();
    return s;
}

static int WSPAPI host_close_handle(SOCKET s, LPINT err)
{
    int result = SOCKET_ERROR;

    host_lock();
    if (s % 4 == 0 && s / 4 < T_HANDLES && host.used[s / 4]) {
        host.used[s / 4] = false;
        host.handles--;
        result = 0;
    } else {
        *err = WSAENOTSOCK;
    }
    host_unlock();
    return result;
}

static int WSPAPI host_query_context(SOCKET s, PDWORD_PTR context, LPINT err)
{
    int result = SOCKET_ERROR;

    host_lock();
    if (s % 4 == 0 && s / 4 < T_HANDLES && host.used[s / 4]) {
        *context = host.context[s / 4];
        result = 0;
    } else {
        *err = WSAENOTSOCK;
    }
    host_unlock();
    return result;
}

unsigned t_handles_count(void)
{
    unsigned count;

    host_lock();
    count = host.handles;
    host_unlock();
    return count;
}

void t_handle_fail_next(INT code)
{
    host_lock();
    host.fail_next = code;
    host_unlock();
}

/* --- Events ----------------------------------------------------------------- */

WSAEVENT t_event_new(void)
{
    return calloc(1, sizeof(struct t_event));
}

void t_event_free(WSAEVENT event)
{
    free(event);
}

static BOOL WSPAPI host_set_event(WSAEVENT event, LPINT err)
{
    (void)err;
    host_lock();
    ((struct t_event *)event)->set = true;
    pthread_cond_broadcast(&host.changed);
    host_unlock();
    return TRUE;
}

static BOOL WSPAPI host_reset_event(WSAEVENT event, LPINT err)
{
    (void)err;
    host_lock();
    ((struct t_event *)event)->set = false;
    host_unlock();
    return TRUE;
}

void t_event_reset(WSAEVENT event)
{
    INT err;

    host_reset_event(event, &err);
}

bool t_event_is_set(WSAEVENT event)
{
    bool set;

    host_lock();
    set = ((struct t_event *)event)->set;
    host_unlock();
    return set;
}

bool t_event_wait(WSAEVENT event, unsigned timeout_ms)
{
    struct timespec until = host_until(timeout_ms);
    bool set;

    host_lock();
    while (!((struct t_event *)event)->set)
        if (pthread_cond_timedwait(&host.changed, &host.lock, &until) != 0)
            break;
    set = ((struct t_event *)event)->set;
    host_unlock();
    return set;
}

static WSAEVENT WSPAPI host_create_event(LPINT err)
{
    (void)err;
    return t_event_new();
}

static BOOL WSPAPI host_close_event(WSAEVENT event, LPINT err)
{
    (void)err;
    t_event_free(event);
    return TRUE;
}

/* --- Routines ---------------------------------------------------------------- */

static pthread_key_t apc_key;
static pthread_once_t apc_once = PTHREAD_ONCE_INIT;

static void apc_key_make(void)
{
    pthread_key_create(&apc_key, free);
}

LPWSATHREADID t_thread(void)
{
    pthread_once(&apc_once, apc_key_make);
    if (!pthread_getspecific(apc_key))
        pthread_setspecific(apc_key, calloc(1, sizeof(struct t_apc_queue)));
    thread_id.ThreadHandle = pthread_getspecific(apc_key);
    thread_id.Reserved = 0x51;
    return &thread_id;
}

static int WSPAPI host_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT err)
{
    struct t_apc_queue *queue = thread->ThreadHandle;

    if (!queue || thread->Reserved != 0x51) {
        *err = WSAEFAULT;
        return SOCKET_ERROR;
    }
    host_lock();
    queue->list[queue->tail++ % T_APCS] = (struct t_apc){routine, context};
    pthread_cond_broadcast(&host.changed);
    host_unlock();
    return 0;
}

unsigned t_alertable(unsigned timeout_ms)
{
    struct t_apc_queue *queue = t_thread()->ThreadHandle;
    struct timespec until = host_until(timeout_ms);
    unsigned ran = 0;

    host_lock();
    while (queue->head == queue->tail)
        if (pthread_cond_timedwait(&host.changed, &host.lock, &until) != 0)
            break;
    while (queue->head != queue->tail) {
        struct t_apc apc = queue->list[queue->head++ % T_APCS];

        host_unlock();
        apc.routine(apc.context);
        ran++;
        host_lock();
    }
    host_unlock();
    return ran;
}

/* Exported, as ws2_32 does: the provider finds it by name. */
__attribute__((visibility("default"))) int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped,
                                                                               DWORD code, DWORD transferred,
                                                                               LPINT error)
{
    DWORD_PTR context;
    WSAEVENT event = (WSAEVENT)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)1);

    if (host_query_context(s, &context, error) == SOCKET_ERROR) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    overlapped->InternalHigh = transferred;
    __atomic_store_n(&overlapped->Internal, code, __ATOMIC_RELEASE);
    if (event)
        host_set_event(event, error);
    return 0;
}

/* --- Messages, hook --------------------------------------------------------------- */

static BOOL WSPAPI host_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    BOOL posted = TRUE;

    host_lock();
    if (host.message_fail > 0) {
        host.message_fail--;
        posted = FALSE;
    } else {
        host.messages[host.message_tail++ % T_MESSAGES] = (struct t_message){window, message, wparam, lparam};
        pthread_cond_broadcast(&host.changed);
    }
    host_unlock();
    return posted;
}

bool t_message_take(struct t_message *out, unsigned timeout_ms)
{
    struct timespec until = host_until(timeout_ms);
    bool found;

    host_lock();
    while (host.message_head == host.message_tail)
        if (pthread_cond_timedwait(&host.changed, &host.lock, &until) != 0)
            break;
    found = host.message_head != host.message_tail;
    if (found)
        *out = host.messages[host.message_head++ % T_MESSAGES];
    host_unlock();
    return found;
}

void t_message_fail(unsigned times)
{
    host_lock();
    host.message_fail = times;
    host_unlock();
}

void t_hook_set(LPBLOCKINGCALLBACK hook, DWORD_PTR context)
{
    host_lock();
    host.hook = hook;
    host.hook_context = context;
    host.hook_asked = 0;
    host_unlock();
}

unsigned t_hook_asked(void)
{
    unsigned asked;

    host_lock();
    asked = host.hook_asked;
    host_unlock();
    return asked;
}

static int WSPAPI host_query_blocking(DWORD id, LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT err)
{
    (void)id;
    (void)err;
    host_lock();
    host.hook_asked++;
    *callback = host.hook;
    *context = host.hook_context;
    host_unlock();
    return 0;
}

/* --- The ones that no base provider needs ------------------------------------------- */

static int WSPAPI host_fd_is_set(SOCKET s, fd_set *set)
{
    for (u_int i = 0; i < set->fd_count; i++)
        if (set->fd_array[i] == s)
            return 1;
    return 0;
}

static int WSPAPI host_provider_path(LPGUID provider, WCHAR *path, LPINT chars, LPINT err)
{
    (void)provider, (void)path, (void)chars;
    *err = WSAEINVAL;
    return SOCKET_ERROR;
}

static SOCKET WSPAPI host_modify_handle(DWORD id, SOCKET s, LPINT err)
{
    (void)id, (void)s;
    *err = WSAEINVAL;
    return INVALID_SOCKET;
}

static int WSPAPI host_open_thread(LPWSATHREADID thread, LPINT err)
{
    (void)err;
    *thread = *t_thread();
    return 0;
}

static int WSPAPI host_close_thread(LPWSATHREADID thread, LPINT err)
{
    (void)thread, (void)err;
    return 0;
}

WSPUPCALLTABLE t_host_upcalls(void)
{
    return (WSPUPCALLTABLE){
        .lpWPUCloseEvent = host_close_event,
        .lpWPUCloseSocketHandle = host_close_handle,
        .lpWPUCreateEvent = host_create_event,
        .lpWPUCreateSocketHandle = host_create_handle,
        .lpWPUFDIsSet = host_fd_is_set,
        .lpWPUGetProviderPath = host_provider_path,
        .lpWPUModifyIFSHandle = host_modify_handle,
        .lpWPUPostMessage = host_post_message,
        .lpWPUQueryBlockingCallback = host_query_blocking,
        .lpWPUQuerySocketHandleContext = host_query_context,
        .lpWPUQueueApc = host_queue_apc,
        .lpWPUResetEvent = host_reset_event,
        .lpWPUSetEvent = host_set_event,
        .lpWPUOpenCurrentThread = host_open_thread,
        .lpWPUCloseThread = host_close_thread,
    };
}

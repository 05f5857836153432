/** @file The host: upcalls. */
#include "t_host.h"

#define T_HANDLES 65536
#define T_MESSAGES 256

static struct t_host {
    struct t_mutex lock;
    struct t_cond changed; /* a message came */
    DWORD_PTR context[T_HANDLES];
    bool used[T_HANDLES];
    unsigned handles, next;
    INT fail_next;
    unsigned completions;
    struct t_message messages[T_MESSAGES];
    unsigned message_head, message_tail, message_fail;
    LPBLOCKINGCALLBACK hook;
    DWORD_PTR hook_context;
    unsigned hook_asked;
    DWORD entry; /* of the last handle asked for */
} host;

static void host_lock(void)
{
    t_mutex_lock(&host.lock);
}

static void host_unlock(void)
{
    t_mutex_unlock(&host.lock);
}

/* --- Handles ---------------------------------------------------------------- */

static SOCKET WSPAPI host_create_handle(DWORD id, DWORD_PTR context, LPINT err)
{
    SOCKET s = INVALID_SOCKET;

    host_lock();
    host.entry = id;
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

unsigned t_completions(void)
{
    unsigned count;

    host_lock();
    count = host.completions;
    host_unlock();
    return count;
}

DWORD t_handle_entry(void)
{
    DWORD entry;

    host_lock();
    entry = host.entry;
    host_unlock();
    return entry;
}

void t_handle_next(SOCKET s)
{
    host_lock();
    host.next = (unsigned)(s / 4 + T_HANDLES - 1) % T_HANDLES;
    host_unlock();
}

void t_handle_fail_next(INT code)
{
    host_lock();
    host.fail_next = code;
    host_unlock();
}

/* --- Events and routines ------------------------------------------------------ */

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

static BOOL WSPAPI host_set_event(WSAEVENT event, LPINT err)
{
    (void)err;
    t_event_set(event);
    return TRUE;
}

static BOOL WSPAPI host_reset_event(WSAEVENT event, LPINT err)
{
    (void)err;
    t_event_reset(event);
    return TRUE;
}

static int WSPAPI host_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT err)
{
    if (t_apc_queue(thread, routine, context))
        return 0;
    *err = WSAEFAULT;
    return SOCKET_ERROR;
}

static _Atomic unsigned completion_nap_ms, completion_naps;

void t_completion_nap(unsigned ms)
{
    completion_nap_ms = ms;
}

unsigned t_completion_naps(void)
{
    return completion_naps;
}

/* Exported, as ws2_32 does: the provider finds it by name. On Windows t_host.def exports it. */
__attribute__((visibility("default"))) int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped,
                                                                               DWORD code, DWORD transferred,
                                                                               LPINT error)
{
    DWORD_PTR context;
    WSAEVENT event = (WSAEVENT)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)1);

    if (completion_nap_ms > 0) {
        completion_naps++;
        t_sleep_ms(completion_nap_ms);
    }
    if (host_query_context(s, &context, error) == SOCKET_ERROR) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    overlapped->InternalHigh = transferred;
    host_lock();
    host.completions++;
    host_unlock();
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
        t_cond_wake(&host.changed);
    }
    host_unlock();
    return posted;
}

bool t_message_take(struct t_message *out, unsigned timeout_ms)
{
    uint64_t until = t_now_ms() + timeout_ms;
    bool found;

    host_lock();
    while (host.message_head == host.message_tail && t_cond_wait(&host.changed, &host.lock, until))
        ;
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

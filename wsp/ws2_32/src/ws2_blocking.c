/*
 * Blocking hooks of 1.1 programs: WSASetBlockingHook to WSACancelBlockingCall, and how a provider gets at them.
 *
 * A hook is its thread's. While a blocking call of that thread waits, the provider calls hook_run again and again, which
 * runs the hook; what the hook calls is refused with WSAEINPROGRESS (ws2_busy). A thread that set no hook waits natively, as
 * on every Windows that switches between threads by itself. Source: rules BLK-1 to BLK-8, WPU-30, WS2-53 to WS2-56.
 */
#include "ws2_blocking.h"
#include "ws2_message.h"

atomic_uint ws2_hooks_running;

/* The hook that a thread has from the start, for those that call it in their own: it hands out one message. */
static INT_PTR WSAAPI default_hook(void)
{
    return ws2_message_pump();
}

bool ws2_in_hook(void)
{
    const struct ws2_thread_data *data = ws2_thread_data();
    return data != NULL && data->blocking;
}

/*
 * What providers call while a call of the thread blocks. The hook runs until it has nothing more to do.
 *
 * @return  FALSE: the call was cancelled in the hook and fails with WSAEINTR.
 */
static BOOL CALLBACK hook_run(DWORD_PTR context)
{
    struct ws2_thread_data *data = (struct ws2_thread_data *)context;
    FARPROC hook = data->blocking_hook;
    DWORD before = GetLastError();
    bool more = hook != NULL;
    data->blocking = true;
    data->cancelled = false;
    atomic_fetch_add_explicit(&ws2_hooks_running, 1, memory_order_relaxed);
    while (more && !data->cancelled) {
        more = hook() != 0;
    }
    atomic_fetch_sub_explicit(&ws2_hooks_running, 1, memory_order_relaxed);
    data->blocking = false;
    SetLastError(before);
    return !data->cancelled;
}

/**
 * The upcall: the calling thread's hook.
 *
 * @param callback  NULL where the thread has none, or no 1.1 program is at work: wait natively.
 * @return          0, or SOCKET_ERROR with *error WSAEFAULT or WSAEINVAL (no such catalogue entry).
 *
 * Source: rules WPU-30, WS2-54.
 */
int WSPAPI ws2_upcall_query_blocking(DWORD entry_id, LPBLOCKINGCALLBACK *callback, PDWORD_PTR context, LPINT error)
{
    const struct ws2_entry *entry;
    struct ws2_thread_data *data;
    if (callback == NULL || context == NULL) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    entry = ws2_catalog_by_id(ws2_catalog_current(), entry_id);
    if (entry == NULL) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    *callback = NULL;
    *context = 0;
    data = ws2_is_legacy() ? ws2_thread_data() : NULL;
    if (data != NULL && data->blocking_hook != NULL) {
        data->blocking_provider = ws2_provider_started(entry);
        *callback = hook_run;
        *context = (DWORD_PTR)data;
    }
    return 0;
}

/** Whether the thread is inside a blocking call, which its hook alone can ask. Source: rule WS2-54. */
BOOL WSAAPI WSAIsBlocking(void)
{
    return ws2_in_hook();
}

/**
 * Set the calling thread's hook.
 *
 * @return  The hook before, which at first is one that hands out a message; or NULL with WSANOTINITIALISED,
 *          WSAEOPNOTSUPP (Winsock 2 program) or WSAEFAULT (NULL).
 *
 * Source: rules WS2-53, WS2-54.
 */
FARPROC WSAAPI WSASetBlockingHook(FARPROC hook)
{
    struct ws2_thread_data *data;
    FARPROC before;
    if (!ws2_started() || !ws2_is_legacy() || hook == NULL) {
        ws2_fail(!ws2_started() ? WSANOTINITIALISED : !ws2_is_legacy() ? WSAEOPNOTSUPP : WSAEFAULT);
        return NULL;
    }
    data = ws2_thread_data();
    if (data == NULL) {
        ws2_fail(WSAENOBUFS);
        return NULL;
    }
    before = data->blocking_hook;
    data->blocking_hook = hook == (FARPROC)default_hook ? NULL : hook;
    return before == NULL ? (FARPROC)default_hook : before;
}

/** Forget the hook. @return 0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEOPNOTSUPP. Source: rule WS2-53. */
int WSAAPI WSAUnhookBlockingHook(void)
{
    struct ws2_thread_data *data;
    if (!ws2_started() || !ws2_is_legacy()) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEOPNOTSUPP);
    }
    data = ws2_thread_data();
    if (data != NULL) {
        data->blocking_hook = NULL;
    }
    return 0;
}

/**
 * Cancel the thread's blocking call, from inside its hook: the call fails with WSAEINTR.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEOPNOTSUPP (Winsock 2 program) or WSAEINVAL (no call blocks).
 *
 * Source: rules WS2-53, WS2-55, WSPCANCELBLOCKINGCALL-1.
 */
int WSAAPI WSACancelBlockingCall(void)
{
    struct ws2_thread_data *data;
    int error = 0;
    if (!ws2_started() || !ws2_is_legacy()) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEOPNOTSUPP);
    }
    data = ws2_thread_data();
    if (data == NULL || !data->blocking) {
        return ws2_fail(WSAEINVAL);
    }
    data->cancelled = true;
    if (data->blocking_provider != NULL) {
        /* It is told at once; what hook_run answers would tell it too. */
        (void)data->blocking_provider->table.lpWSPCancelBlockingCall(&error);
    }
    return 0;
}

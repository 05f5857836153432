/** @file Upcalls into ws2_32. */
#include "wsp_upcall.h"

#include "wsp_os.h"

struct wsp_upcalls wsp_upcalls;

BOOL wsp_upcalls_usable(const WSPUPCALLTABLE *table)
{
    return table->lpWPUQuerySocketHandleContext && table->lpWPUCreateSocketHandle && table->lpWPUCloseSocketHandle;
}

/* A function of the system's, which on Linux the DLL that loaded us is. NULL: there is none. */
static void (*upcall_system(const char *name))(void)
{
    return wsp_os_symbol((void (*)(void))atomic_load(&wsp_upcalls.create_handle), name);
}

void wsp_upcalls_set(const WSPUPCALLTABLE *table)
{
    void (*inside)(void) = (void (*)(void))table->lpWPUCreateSocketHandle;
    LPWPUCOMPLETEOVERLAPPEDREQUEST complete = (LPWPUCOMPLETEOVERLAPPEDREQUEST)wsp_os_symbol(
        inside, "WPUCompleteOverlappedRequest");

    atomic_store(&wsp_upcalls.query_context, table->lpWPUQuerySocketHandleContext);
    atomic_store(&wsp_upcalls.create_handle, table->lpWPUCreateSocketHandle);
    atomic_store(&wsp_upcalls.close_handle, table->lpWPUCloseSocketHandle);
    atomic_store(&wsp_upcalls.query_blocking, table->lpWPUQueryBlockingCallback);
    atomic_store(&wsp_upcalls.queue_apc, table->lpWPUQueueApc);
    atomic_store(&wsp_upcalls.set_event, table->lpWPUSetEvent);
    atomic_store(&wsp_upcalls.reset_event, table->lpWPUResetEvent);
    atomic_store(&wsp_upcalls.post_message, table->lpWPUPostMessage);
    atomic_store(&wsp_upcalls.close_event, table->lpWPUCloseEvent);
    atomic_store(&wsp_upcalls.open_thread, table->lpWPUOpenCurrentThread);
    atomic_store(&wsp_upcalls.close_thread, table->lpWPUCloseThread);
    atomic_store(&wsp_upcalls.complete, complete);
    atomic_store(&wsp_upcalls.complete_at_once, (LPWPUCOMPLETEOVERLAPPEDREQUEST)upcall_system("wl_complete_at_once"));
    atomic_store(&wsp_upcalls.set_last_error, (wsp_last_error_fn)upcall_system("SetLastError"));
    atomic_store(&wsp_upcalls.duplicate, (wsp_duplicate_fn)upcall_system("DuplicateHandle"));
    atomic_store(&wsp_upcalls.query_event, (wsp_query_event_fn)upcall_system("NtQueryEvent"));
    atomic_store(&wsp_upcalls.is_window, (wsp_is_window_fn)upcall_system("IsWindow"));
    atomic_store(&wsp_upcalls.alert, (wsp_alert_fn)upcall_system("wl_thread_alert"));
    atomic_store(&wsp_upcalls.sleep, (wsp_sleep_fn)upcall_system("SleepEx"));
    atomic_store(&wsp_upcalls.post_packet, (wsp_post_packet_fn)upcall_system("PostQueuedCompletionStatus"));
    atomic_store(&wsp_upcalls.file, (wsp_file_fn)upcall_system("wl_file_descriptor"));
    atomic_store(&wsp_upcalls.helper, (wsp_helper_fn)upcall_system("wl_port_helper"));
}

void wsp_upcall_event_set(WSAEVENT event)
{
    LPWPUSETEVENT set = atomic_load_explicit(&wsp_upcalls.set_event, memory_order_relaxed);
    INT err = 0;

    if (event && set)
        (void)set(event, &err); /* an event that the application closed is its own affair */
}

void wsp_upcall_last_error(int code)
{
    wsp_last_error_fn set = atomic_load_explicit(&wsp_upcalls.set_last_error, memory_order_relaxed);

    if (set)
        set((DWORD)code);
}

int wsp_upcall_thread_open(LPWSATHREADID out)
{
    LPWPUOPENCURRENTTHREAD open = atomic_load_explicit(&wsp_upcalls.open_thread, memory_order_relaxed);
    INT err = WSAEOPNOTSUPP;

    return open && open(out, &err) == 0 ? 0 : err;
}

void wsp_upcall_thread_close(LPWSATHREADID thread)
{
    LPWPUCLOSETHREAD close = atomic_load_explicit(&wsp_upcalls.close_thread, memory_order_relaxed);
    INT err = 0;

    if (close)
        (void)close(thread, &err);
}

bool wsp_upcall_event_reset(WSAEVENT event)
{
    LPWPURESETEVENT reset = atomic_load_explicit(&wsp_upcalls.reset_event, memory_order_relaxed);
    INT err = 0;

    return !event || !reset || reset(event, &err);
}

#define OWN_PROCESS ((HANDLE)(LONG_PTR)-1)
#define EVENT_RIGHTS 0x00100003u /* SYNCHRONIZE, EVENT_MODIFY_STATE, EVENT_QUERY_STATE */

int wsp_upcall_event_hold(WSAEVENT event, WSAEVENT *own)
{
    wsp_duplicate_fn duplicate = atomic_load(&wsp_upcalls.duplicate);
    wsp_query_event_fn query = atomic_load(&wsp_upcalls.query_event);
    LONG state[2]; /* EVENT_BASIC_INFORMATION */
    HANDLE copy = NULL;

    *own = event;
    if (!duplicate || !atomic_load(&wsp_upcalls.close_event))
        return 0;
    if (!duplicate(OWN_PROCESS, event, OWN_PROCESS, &copy, EVENT_RIGHTS, FALSE, 0))
        return WSA_INVALID_HANDLE;
    /* Windows: another object may have given rights of these numbers. */
    if (query && query(copy, 0, state, sizeof state, NULL) < 0) {
        wsp_upcall_event_release(copy, event);
        return WSA_INVALID_HANDLE;
    }
    *own = copy;
    return 0;
}

void wsp_upcall_event_release(WSAEVENT own, WSAEVENT event)
{
    LPWPUCLOSEEVENT close = atomic_load(&wsp_upcalls.close_event);
    INT err = 0;

    if (own && own != event && close)
        (void)close(own, &err);
}

bool wsp_upcall_window_exists(HWND window)
{
    wsp_is_window_fn is_window = atomic_load(&wsp_upcalls.is_window);

    /* A program may have loaded windows after it started Winsock. */
    if (!is_window)
        is_window = (wsp_is_window_fn)upcall_system("IsWindow");
    return !is_window || is_window(window);
}

LPBLOCKINGCALLBACK wsp_upcall_blocking_hook(DWORD catalog_id, DWORD_PTR *context)
{
    LPWPUQUERYBLOCKINGCALLBACK query = atomic_load_explicit(&wsp_upcalls.query_blocking, memory_order_relaxed);
    LPBLOCKINGCALLBACK hook = NULL;
    INT err = 0;

    *context = 0;
    if (!query || query(catalog_id, &hook, context, &err) == SOCKET_ERROR)
        return NULL;
    return hook;
}

/** @file Upcalls into ws2_32. */
#include "wsp_upcall.h"

#include "wsp_os.h"

struct wsp_upcalls wsp_upcalls;

BOOL wsp_upcalls_usable(const WSPUPCALLTABLE *table)
{
    return table->lpWPUQuerySocketHandleContext && table->lpWPUCreateSocketHandle && table->lpWPUCloseSocketHandle;
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
    atomic_store(&wsp_upcalls.complete, complete);
}

void wsp_upcall_event_set(WSAEVENT event)
{
    LPWPUSETEVENT set = atomic_load_explicit(&wsp_upcalls.set_event, memory_order_relaxed);
    INT err = 0;

    if (event && set)
        (void)set(event, &err); /* an event that the application closed is its own affair */
}

void wsp_upcall_event_reset(WSAEVENT event)
{
    LPWPURESETEVENT reset = atomic_load_explicit(&wsp_upcalls.reset_event, memory_order_relaxed);
    INT err = 0;

    if (event && reset)
        (void)reset(event, &err);
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

/**
 * @file
 * The upcalls of the ws2_32 that loaded the provider. The table arrives by
 * value at every WSPStartup and the last one holds (START-7); it is read on
 * the data path without a lock, pointer by pointer.
 *
 * No upcall is made with a lock of the provider held, except Set- and
 * ResetEvent under a socket's lock, which do not block (WPU-33).
 */
#ifndef WSP_UPCALL_H
#define WSP_UPCALL_H

#include <stdatomic.h>
#include <ws2spi.h>

struct wsp_upcalls {
    _Atomic(LPWPUQUERYSOCKETHANDLECONTEXT) query_context;
    _Atomic(LPWPUCREATESOCKETHANDLE) create_handle;
    _Atomic(LPWPUCLOSESOCKETHANDLE) close_handle;
    _Atomic(LPWPUQUERYBLOCKINGCALLBACK) query_blocking;
    _Atomic(LPWPUQUEUEAPC) queue_apc;
    _Atomic(LPWPUSETEVENT) set_event;
    _Atomic(LPWPURESETEVENT) reset_event;
    _Atomic(LPWPUPOSTMESSAGE) post_message;
    _Atomic(LPWPUCOMPLETEOVERLAPPEDREQUEST) complete; /* by name: WPU-20 */
};

extern struct wsp_upcalls wsp_upcalls;

/**
 * Store the table of the latest WSPStartup.
 *
 * Context: under the provider's lock.
 */
void wsp_upcalls_set(const WSPUPCALLTABLE *table);

/** Are the upcalls there without which no socket works? Context: any thread. */
BOOL wsp_upcalls_usable(const WSPUPCALLTABLE *table);

/** Signal an event object, NULL is skipped. Context: any thread. */
void wsp_upcall_event_set(WSAEVENT event);

/** Reset an event object, NULL is skipped. Context: any thread. */
void wsp_upcall_event_reset(WSAEVENT event);

/**
 * The blocking hook of the calling thread.
 *
 * @param context  Filled with the hook's argument.
 * @return         The hook, or NULL: wait natively.
 *
 * Context: the thread that is about to block.
 */
LPBLOCKINGCALLBACK wsp_upcall_blocking_hook(DWORD catalog_id, DWORD_PTR *context);

#endif

/**
 * @file
 * The upcalls of the ws2_32 that loaded the provider. The table arrives by
 * value at every WSPStartup and the last one holds (START-7); it is read on
 * the data path without a lock, pointer by pointer.
 *
 * No upcall is made with a lock of the provider held, except Set- and
 * ResetEvent under a socket's lock, and these and a completion port's packet
 * under a completion queue's, which do not block (WPU-33).
 */
#ifndef WSP_UPCALL_H
#define WSP_UPCALL_H

#include "wsp_private_abi.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <ws2spi.h>

typedef BOOL(WINAPI *wsp_duplicate_fn)(HANDLE from, HANDLE handle, HANDLE to, LPHANDLE out, DWORD rights, BOOL inherit,
                                       DWORD options);
typedef LONG(WINAPI *wsp_query_event_fn)(HANDLE event, int what, void *out, ULONG bytes, ULONG *used);
typedef BOOL(WINAPI *wsp_is_window_fn)(HWND window);
typedef DWORD(WINAPI *wsp_sleep_fn)(DWORD ms, BOOL alertable);
/** PostQueuedCompletionStatus. */
typedef BOOL(WINAPI *wsp_post_packet_fn)(HANDLE port, DWORD bytes, ULONG_PTR key, LPWSAOVERLAPPED overlapped);

/** SetLastError, whose storage is WSASetLastError's. */
typedef void(WSAAPI *wsp_last_error_fn)(DWORD code);

struct wsp_upcalls {
    _Atomic(LPWPUQUERYSOCKETHANDLECONTEXT) query_context;
    _Atomic(LPWPUCREATESOCKETHANDLE) create_handle;
    _Atomic(LPWPUCLOSESOCKETHANDLE) close_handle;
    _Atomic(LPWPUQUERYBLOCKINGCALLBACK) query_blocking;
    _Atomic(LPWPUQUEUEAPC) queue_apc;
    _Atomic(LPWPUSETEVENT) set_event;
    _Atomic(LPWPURESETEVENT) reset_event;
    _Atomic(LPWPUPOSTMESSAGE) post_message;
    _Atomic(LPWPUCLOSEEVENT) close_event;
    _Atomic(LPWPUOPENCURRENTTHREAD) open_thread;
    _Atomic(LPWPUCLOSETHREAD) close_thread;
    _Atomic(LPWPUCOMPLETEOVERLAPPEDREQUEST) complete;         /* by name: WPU-20 */
    _Atomic(LPWPUCOMPLETEOVERLAPPEDREQUEST) complete_at_once; /* by name; NULL: as `complete` */
    _Atomic(wsp_last_error_fn) set_last_error;                /* by name: functions that programs call by pointer */
    _Atomic(wsp_duplicate_fn) duplicate;                      /* likewise, as the following */
    _Atomic(wsp_query_event_fn) query_event;
    _Atomic(wsp_is_window_fn) is_window;
    _Atomic(wsp_alert_fn) alert;
    _Atomic(wsp_sleep_fn) sleep;
    _Atomic(wsp_post_packet_fn) post_packet; /* notifications of completion queues */
    _Atomic(wsp_file_fn) file;               /* Linux */
    _Atomic(wsp_helper_fn) helper;           /* Linux */
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

/** Set the calling thread's last error: extension functions have no lpErrno. Context: any thread. */
void wsp_upcall_last_error(int code);

/**
 * The calling thread's identity, for functions that have no lpThreadId.
 *
 * @param out  Given back with wsp_upcall_thread_close.
 * @return     0, or WSAEOPNOTSUPP: there is no such upcall; or its code.
 *
 * Context: any thread.
 */
int wsp_upcall_thread_open(LPWSATHREADID out);
void wsp_upcall_thread_close(LPWSATHREADID thread);

/** Reset an event object, NULL is skipped. @return  false: it is none. Context: any thread. */
bool wsp_upcall_event_reset(WSAEVENT event);

/**
 * An own handle of an application's event, which outlives the application's (WSPEVENTSELECT-3).
 *
 * @param event  Not NULL.
 * @param own    The handle, given back with wsp_upcall_event_release. Where the system cannot duplicate handles it is
 *               the application's.
 * @return       0, or WSA_INVALID_HANDLE: not an event.
 *
 * Context: any thread; a socket's lock may be held.
 */
int wsp_upcall_event_hold(WSAEVENT event, WSAEVENT *own);

/** Close an own handle; NULL and the application's are left alone. @param event  The application's of which it was made. */
void wsp_upcall_event_release(WSAEVENT own, WSAEVENT event);

/** Does a window exist, as far as can be known? Without windows, and with no way to ask: true. Context: any thread. */
bool wsp_upcall_window_exists(HWND window);

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

/*
 * What providers may call: the 15 upcalls of the table and WPUCompleteOverlappedRequest. Source: rules WPU-1 to WPU-35.
 *
 * QueueApc, OpenCurrentThread and CloseThread need threads and live in ws2_upcall_linux.c.
 */
#include "ws2_priv.h"
#include "ws2_upcall_priv.h"

static BOOL WSPAPI upcall_close_event(WSAEVENT event, LPINT error)
{
    BOOL done = ws2_handle_close((uintptr_t)event, WS2_KIND_EVENT);
    if (!done) {
        *error = WSA_INVALID_HANDLE;
    }
    return done;
}

/* Rules WPU-2, WS2-28. */
static int WSPAPI upcall_close_socket_handle(SOCKET s, LPINT error)
{
    if (ws2_handle_close(s, WS2_KIND_SOCKET)) {
        return 0;
    }
    *error = WSAENOTSOCK;
    return SOCKET_ERROR;
}

static WSAEVENT WSPAPI upcall_create_event(LPINT error)
{
    DWORD before = GetLastError();
    WSAEVENT event = CreateEventW(NULL, TRUE, FALSE, NULL);
    SetLastError(before);
    if (event == NULL) {
        *error = WSA_NOT_ENOUGH_MEMORY;
    }
    return event;
}

/* Rules WPU-4, WPU-34, WS2-12: the entry tells whose socket it is. */
static SOCKET WSPAPI upcall_create_socket_handle(DWORD entry_id, DWORD_PTR context, LPINT error)
{
    const struct ws2_entry *entry = ws2_catalog_by_id(ws2_catalog_current(), entry_id);
    struct ws2_provider *provider = entry == NULL ? NULL : ws2_provider_started(entry);
    struct ws2_slot *slot;
    SOCKET s;
    if (provider == NULL) {
        *error = WSAEINVAL;
        return INVALID_SOCKET;
    }
    slot = ws2_handle_open(WS2_KIND_SOCKET);
    if (slot == NULL) {
        *error = WSAENOBUFS;
        return INVALID_SOCKET;
    }
    slot->entry_id = entry_id;
    atomic_store_explicit(&slot->context, context, memory_order_release);
    atomic_store_explicit(&slot->provider, provider, memory_order_release);
    s = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return s;
}

static int WSPAPI upcall_fd_is_set(SOCKET s, fd_set *set)
{
    return __WSAFDIsSet(s, set);
}

static int WSPAPI upcall_get_provider_path(LPGUID provider, WCHAR *path, LPINT path_chars, LPINT error)
{
    return WSCGetProviderPath(provider, path, path_chars, error);
}

/* Rule WPU-7: there are no file-system sockets here. */
static SOCKET WSPAPI upcall_modify_ifs_handle(DWORD entry_id, SOCKET proposed, LPINT error)
{
    (void)entry_id;
    (void)proposed;
    *error = WSAEINVAL;
    return INVALID_SOCKET;
}

/* There is no window that a message could be posted to. */
static BOOL WSPAPI upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    (void)window;
    (void)message;
    (void)wparam;
    (void)lparam;
    return FALSE;
}

/* Rules WPU-30, WS2-56: hooks are kept but not run, so a blocking call waits on native objects. */
static int WSPAPI upcall_query_blocking_callback(DWORD entry_id, LPBLOCKINGCALLBACK *callback, PDWORD_PTR context,
                                                 LPINT error)
{
    if (callback == NULL || context == NULL) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    if (ws2_catalog_by_id(ws2_catalog_current(), entry_id) == NULL) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    *callback = NULL;
    *context = 0;
    return 0;
}

static int WSPAPI upcall_query_socket_handle_context(SOCKET s, PDWORD_PTR context, LPINT error)
{
    if (ws2_handle_context(s, context)) {
        return 0;
    }
    *error = WSAENOTSOCK;
    return SOCKET_ERROR;
}

static BOOL event_upcall(BOOL(WINAPI *function)(HANDLE), WSAEVENT event, LPINT error)
{
    DWORD before = GetLastError();
    BOOL done = function(event);
    SetLastError(before);
    if (!done) {
        *error = WSA_INVALID_HANDLE;
    }
    return done;
}

static BOOL WSPAPI upcall_reset_event(WSAEVENT event, LPINT error)
{
    return event_upcall(ResetEvent, event, error);
}

static BOOL WSPAPI upcall_set_event(WSAEVENT event, LPINT error)
{
    return event_upcall(SetEvent, event, error);
}

/** Fill the table that WSPStartup gets by value. Source: rules LAY-10, START-7. */
void ws2_upcalls_fill(WSPUPCALLTABLE *table)
{
    static const WSPUPCALLTABLE upcalls = {
        .lpWPUCloseEvent = upcall_close_event,
        .lpWPUCloseSocketHandle = upcall_close_socket_handle,
        .lpWPUCreateEvent = upcall_create_event,
        .lpWPUCreateSocketHandle = upcall_create_socket_handle,
        .lpWPUFDIsSet = upcall_fd_is_set,
        .lpWPUGetProviderPath = upcall_get_provider_path,
        .lpWPUModifyIFSHandle = upcall_modify_ifs_handle,
        .lpWPUPostMessage = upcall_post_message,
        .lpWPUQueryBlockingCallback = upcall_query_blocking_callback,
        .lpWPUQuerySocketHandleContext = upcall_query_socket_handle_context,
        .lpWPUQueueApc = ws2_upcall_queue_apc,
        .lpWPUResetEvent = upcall_reset_event,
        .lpWPUSetEvent = upcall_set_event,
        .lpWPUOpenCurrentThread = ws2_upcall_open_current_thread,
        .lpWPUCloseThread = ws2_upcall_close_thread,
    };
    *table = upcalls;
}

/**
 * A provider reports the end of an overlapped operation.
 *
 * @param s            A socket made by CreateSocketHandle, still open.
 * @param overlapped   The provider's until this call, the application's after it; Offset and OffsetHigh are set.
 * @param code         0 or the operation's error.
 * @param transferred  Bytes.
 * @return             0, or SOCKET_ERROR with *error WSAEINVAL (no such socket) or WSAEFAULT (overlapped NULL).
 *
 * Context: any thread, holding no lock. The event is looked at before `Internal` says that the operation is over: from
 * then on the structure may be gone. Source: rules WPU-15, WPU-24 to WPU-28.
 */
int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred,
                                        LPINT error)
{
    struct ws2_slot *event = NULL;
    int unused;
    error = error == NULL ? &unused : error;
    if (overlapped == NULL || ws2_handle_provider(s) == NULL) {
        *error = overlapped == NULL ? WSAEFAULT : WSAEINVAL;
        return SOCKET_ERROR;
    }
    if (overlapped->hEvent != NULL) {
        /* The lowest bit of the handle asks for no packet; it is not part of the handle. */
        event = ws2_handle_pin((uintptr_t)overlapped->hEvent & ~(uintptr_t)1, WS2_KIND_EVENT);
    }
    overlapped->InternalHigh = transferred;
    /* Programs poll the word (HasOverlappedIoCompleted): published after the rest. The structure is Windows', so no
     * _Atomic; the reader is WSAGetOverlappedResult or the program. */
    __atomic_store_n(&overlapped->Internal, (ULONG_PTR)code, __ATOMIC_RELEASE);
    if (event != NULL) {
        (void)SetEvent((HANDLE)(uintptr_t)ws2_handle_value(event));
        ws2_handle_unpin(event);
    }
    return 0;
}

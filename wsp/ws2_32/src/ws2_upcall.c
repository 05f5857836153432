/*
 * What providers may call: the 15 upcalls of the table. Source: rules WPU-1 to WPU-35.
 *
 * Those that need the platform's threads and windows, and WPUCompleteOverlappedRequest, live in ws2_upcall_linux.c; on
 * Windows in ws2_apc_windows.c, ws2_message_windows.c and ws2_port_windows.c.
 */
#include "ws2_blocking.h"

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

static BOOL WSPAPI upcall_close_event(WSAEVENT event, LPINT error)
{
    return event_upcall(CloseHandle, event, error);
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

static int WSPAPI upcall_query_socket_handle_context(SOCKET s, PDWORD_PTR context, LPINT error)
{
    if (ws2_handle_context(s, context)) {
        return 0;
    }
    *error = WSAENOTSOCK;
    return SOCKET_ERROR;
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
        .lpWPUPostMessage = ws2_upcall_post_message,
        .lpWPUQueryBlockingCallback = ws2_upcall_query_blocking,
        .lpWPUQuerySocketHandleContext = upcall_query_socket_handle_context,
        .lpWPUQueueApc = ws2_upcall_queue_apc,
        .lpWPUResetEvent = upcall_reset_event,
        .lpWPUSetEvent = upcall_set_event,
        .lpWPUOpenCurrentThread = ws2_upcall_open_current_thread,
        .lpWPUCloseThread = ws2_upcall_close_thread,
    };
    *table = upcalls;
}

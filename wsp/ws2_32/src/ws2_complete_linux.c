/*
 * What sockets tell completion ports, Linux: association, notification modes, the calls that start operations, their end.
 *
 * Order at a completion: InternalHigh, Internal, then the event, then the packet (rule WPU-25); the structure is the
 * application's as soon as Internal says so. Edge L1: a socket's link is written before its slot's WS2_IO_PORTED, with
 * release. Source: rules WPU-15, WPU-24 to WPU-28, IOCP-1 to IOCP-29.
 */
#include "ws2_file_priv.h"
#include "ws2_iocp_priv.h"
#include "ws2_issue_priv.h"
#include "ws2_status.h"
#include "ws2_upcall_priv.h"

#include <stdlib.h>

#define POST_NAP_MS 1u

__attribute__((visibility("default"))) int WSPAPI wl_complete_at_once(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code,
                                                                      DWORD transferred, LPINT error);

static pthread_mutex_t link_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct ws2_issue *issue_top;

/* ---- association ---- */

static HANDLE port_create(DWORD threads)
{
    struct ws2_port *port = ws2_port_new(threads);
    struct ws2_slot *slot = port == NULL ? NULL : ws2_handle_open(WS2_KIND_PORT);
    uint32_t handle;
    if (slot == NULL) {
        if (port != NULL) {
            ws2_port_unref(port);
        }
        return NULL;
    }
    slot->object = port;
    handle = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return (HANDLE)(uintptr_t)handle;
}

static struct ws2_port_link *link_of(const struct ws2_slot *slot)
{
    return slot->kind == WS2_KIND_FILE ? ((struct ws2_file *)slot->object)->link : (struct ws2_port_link *)slot->object;
}

static atomic_uint *io_of(struct ws2_slot *slot)
{
    return slot->kind == WS2_KIND_FILE ? &((struct ws2_file *)slot->object)->io : &slot->io;
}

static struct ws2_slot *pin_file(HANDLE file)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)file, WS2_KIND_SOCKET);
    return slot != NULL ? slot : ws2_handle_pin((uintptr_t)file, WS2_KIND_FILE);
}

/* Under link_lock, so that one of two wins. @return  0 or a Win32 code. */
static DWORD link_make(struct ws2_slot *slot, const struct ws2_port_link *wanted)
{
    struct ws2_port_link *link = link_of(slot);
    if (link != NULL || (slot->kind == WS2_KIND_FILE && !((struct ws2_file *)slot->object)->overlapped)) {
        return ERROR_INVALID_PARAMETER;
    }
    link = (struct ws2_port_link *)malloc(sizeof *link);
    if (link == NULL) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    ws2_port_ref(wanted->port);
    *link = *wanted;
    if (slot->kind == WS2_KIND_FILE) {
        ((struct ws2_file *)slot->object)->link = link;
    } else {
        slot->object = link;
    }
    atomic_fetch_or_explicit(io_of(slot), WS2_IO_PORTED, memory_order_release); /* edge L1, writer */
    return 0;
}

/** A socket or file that was associated is gone. */
void ws2_port_link_release(struct ws2_port_link *link)
{
    ws2_port_unref(link->port);
    if (link->drop != NULL) {
        link->drop(link->key);
    }
    free(link);
}

/* A provider that does not know the code loses the requests of threads that end, no more. @return  0 or a Win32 code. */
static DWORD provider_tell(const struct ws2_slot *slot)
{
    uint32_t none = 0;
    DWORD returned = 0;
    if (WSAIoctl(ws2_handle_value(slot), WSP_IOCTL_PORT, &none, 0, NULL, 0, &returned, NULL, NULL) != 0 &&
        WSAGetLastError() == WSAEPROTOTYPE) {
        return ERROR_INVALID_PARAMETER;
    }
    return 0;
}

static DWORD slot_associate(struct ws2_slot *slot, const struct ws2_port_link *wanted)
{
    DWORD code = slot->kind == WS2_KIND_SOCKET ? provider_tell(slot) : 0;
    if (code == 0) {
        pthread_mutex_lock(&link_lock);
        code = link_make(slot, wanted);
        pthread_mutex_unlock(&link_lock);
    }
    return code;
}

/**
 * Associate a socket or file with a port that need not have a handle.
 *
 * @param wanted  Copied; the port's reference is taken, the key's is handed over on success.
 * @return        0, or a Win32 code as CreateIoCompletionPort. The last error is as before.
 *
 * Context: any thread.
 */
DWORD ws2_port_associate(HANDLE file, const struct ws2_port_link *wanted)
{
    DWORD before = GetLastError();
    struct ws2_slot *slot = pin_file(file);
    DWORD code = slot == NULL ? ERROR_INVALID_HANDLE : slot_associate(slot, wanted);
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    SetLastError(before);
    return code;
}

/* @return  0 or a Win32 code. */
static DWORD associate(struct ws2_slot *slot, HANDLE handle, ULONG_PTR key)
{
    struct ws2_slot *port = ws2_handle_pin((uintptr_t)handle, WS2_KIND_PORT);
    struct ws2_port_link wanted = {NULL, key, NULL, NULL};
    DWORD code;
    if (port == NULL) {
        return ERROR_INVALID_HANDLE;
    }
    wanted.port = (struct ws2_port *)port->object;
    code = slot_associate(slot, &wanted);
    ws2_handle_unpin(port);
    return code;
}

/**
 * Make a port, or associate a socket or file with one; both at once where `port` is NULL.
 *
 * @param file     A socket, a file, or INVALID_HANDLE_VALUE: only make a port.
 * @param port     NULL: make one.
 * @param key      Comes with each packet of the socket.
 * @param threads  That may run at a time, 0: one per processor. Only of a new port.
 * @return         The port, or NULL with ERROR_INVALID_HANDLE (no file, no port), ERROR_INVALID_PARAMETER (it has a port
 *                 already; not opened for overlapped operations; a port and no file), ERROR_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread. Source: rule IOCP-1.
 */
HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
{
    DWORD before = GetLastError();
    HANDLE made = port;
    struct ws2_slot *slot = NULL;
    DWORD code = 0;
    if (file == INVALID_HANDLE_VALUE) {
        code = port != NULL ? ERROR_INVALID_PARAMETER : 0;
    } else {
        slot = pin_file(file);
        code = slot == NULL ? ERROR_INVALID_HANDLE : 0;
    }
    if (code == 0 && port == NULL) {
        made = port_create(threads);
        code = made == NULL ? ERROR_NOT_ENOUGH_MEMORY : 0;
    }
    if (code == 0 && slot != NULL) {
        code = associate(slot, made, key);
        if (code != 0 && port == NULL) {
            (void)CloseHandle(made);
        }
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    SetLastError(code != 0 ? code : before);
    return code != 0 ? NULL : made;
}

/**
 * Post a packet of the program's own. The provider finds this function by name.
 *
 * @param overlapped  Passed on as it is, NULL too.
 * @return            FALSE with ERROR_INVALID_HANDLE or ERROR_NO_SYSTEM_RESOURCES.
 *
 * Context: any thread; does not wait. Source: rule IOCP-37.
 */
BOOL WINAPI PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key, LPOVERLAPPED overlapped)
{
    const OVERLAPPED_ENTRY packet = {key, overlapped, 0, bytes};
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)port, WS2_KIND_PORT);
    bool posted;
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
        return FALSE;
    }
    posted = ws2_port_post((struct ws2_port *)slot->object, &packet);
    ws2_handle_unpin(slot);
    if (!posted) {
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
    }
    return posted;
}

/**
 * Say which packets a socket's or file's requests need not queue. Modes are added, never taken back.
 *
 * @param modes  FILE_SKIP_COMPLETION_PORT_ON_SUCCESS, FILE_SKIP_SET_EVENT_ON_HANDLE.
 * @return       FALSE with ERROR_INVALID_HANDLE or ERROR_INVALID_PARAMETER.
 *
 * Context: any thread. Source: rules IOCP-21 to IOCP-25.
 */
BOOL WINAPI SetFileCompletionNotificationModes(HANDLE file, UCHAR modes)
{
    struct ws2_slot *slot = pin_file(file);
    DWORD code = 0;
    if (slot == NULL) {
        code = ERROR_INVALID_HANDLE;
    } else if ((modes & ~(WS2_IO_SKIP_SUCCESS | WS2_IO_SKIP_HANDLE)) != 0) {
        code = ERROR_INVALID_PARAMETER;
    } else {
        atomic_fetch_or_explicit(io_of(slot), modes, memory_order_relaxed);
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    if (code != 0) {
        SetLastError(code);
    }
    return code == 0;
}

/* ---- calls that start operations ---- */

int ws2_issue_begin(struct ws2_issue *issue, SOCKET s, LPWSAOVERLAPPED overlapped,
                    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    unsigned io = overlapped == NULL ? 0 : ws2_handle_io(s);
    issue->active = false;
    if ((io & WS2_IO_PORTED) == 0) {
        return 0;
    }
    if (routine != NULL) {
        return WSAEINVAL;
    }
    if ((io & WS2_IO_SKIP_SUCCESS) != 0) {
        issue->s = s;
        issue->overlapped = overlapped;
        issue->withheld = false;
        issue->outer = issue_top;
        issue->active = true;
        issue_top = issue;
    }
    return 0;
}

/* A packet that is owed is not lost for want of memory. */
static void packet_post(const struct ws2_slot *slot, LPWSAOVERLAPPED overlapped, ULONG_PTR status, DWORD transferred)
{
    const struct ws2_port_link *link = link_of(slot);
    const OVERLAPPED_ENTRY packet = {link->key, overlapped, status, transferred};
    if (link->hold != NULL) {
        link->hold(link->key);
    }
    while (!ws2_port_post(link->port, &packet)) {
        Sleep(POST_NAP_MS);
    }
}

void ws2_issue_end(struct ws2_issue *issue, int result)
{
    struct ws2_slot *slot;
    if (!issue->active) {
        return;
    }
    issue_top = issue->outer;
    if (!issue->withheld || result == 0) {
        return;
    }
    /* The provider completed inside the call and says all the same that it will complete later. */
    slot = ws2_handle_pin(issue->s, WS2_KIND_SOCKET);
    if (slot != NULL) {
        packet_post(slot, issue->overlapped, issue->status, issue->transferred);
        ws2_handle_unpin(slot);
    }
}

static bool is_withheld(const WSAOVERLAPPED *overlapped, ULONG_PTR status, DWORD transferred)
{
    struct ws2_issue *issue = issue_top;
    if (status != 0 || issue == NULL || issue->overlapped != overlapped) {
        return false;
    }
    issue->withheld = true;
    issue->status = status;
    issue->transferred = transferred;
    return true;
}

/* A socket has one handle here. */
enum ws2_share ws2_share_closing(SOCKET s, SOCKET *known)
{
    *known = s;
    return WS2_SHARE_NONE;
}

void ws2_share_closed(SOCKET s, SOCKET known, bool done)
{
    (void)s;
    (void)known;
    (void)done;
}

/* ---- completion ---- */

/** A file's operation succeeded inside its call, and its structure says so. Context: any thread, with a pin. */
void ws2_port_file_done(struct ws2_slot *slot, LPOVERLAPPED overlapped, bool silent, DWORD transferred)
{
    unsigned io = atomic_load_explicit(io_of(slot), memory_order_acquire); /* edge L1, reader */
    if (!silent && (io & (WS2_IO_PORTED | WS2_IO_SKIP_SUCCESS)) == WS2_IO_PORTED) {
        packet_post(slot, overlapped, 0, transferred);
    }
}

static int complete(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred, bool at_once, LPINT error)
{
    struct ws2_slot *slot = overlapped == NULL ? NULL : ws2_handle_pin(s, WS2_KIND_SOCKET);
    struct ws2_slot *event = NULL;
    bool silent;
    ULONG_PTR status;
    unsigned io;
    if (slot == NULL) {
        if (error != NULL) {
            *error = overlapped == NULL ? WSAEFAULT : WSAEINVAL;
        }
        return SOCKET_ERROR;
    }
    status = code == 0 ? 0 : ws2_status_of(slot, code);
    silent = ((uintptr_t)overlapped->hEvent & 1) != 0; /* IOCP-10; the bit is not part of the handle */
    if (overlapped->hEvent != NULL) {
        event = ws2_handle_pin((uintptr_t)overlapped->hEvent & ~(uintptr_t)1, WS2_KIND_EVENT);
    }
    /* Edge L1, reader. Before the program can know: who associates the socket after this gets no packet of it. */
    io = atomic_load_explicit(&slot->io, memory_order_acquire);
    ws2_result_store(overlapped, status, transferred);
    if (event != NULL) {
        ws2_event_signal((struct ws2_event *)event->object);
        ws2_handle_unpin(event);
    }
    if (!silent && (io & WS2_IO_PORTED) != 0 &&
        ((io & WS2_IO_SKIP_SUCCESS) == 0 || !(at_once || is_withheld(overlapped, status, transferred)))) {
        packet_post(slot, overlapped, status, transferred);
    }
    ws2_handle_unpin(slot);
    return 0;
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
    return complete(s, overlapped, code, transferred, false, error);
}

/**
 * The same, of a request whose call is about to return success; our provider finds it by name. See wsp_private_abi.h.
 *
 * Source: rules IOCP-21, IOCP-28.
 */
int WSPAPI wl_complete_at_once(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred, LPINT error)
{
    return complete(s, overlapped, code, transferred, code == 0, error);
}

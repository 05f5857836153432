/*
 * Requests that programs make of a socket past Winsock, Windows: the control codes of the device under Windows' own sockets.
 *
 * libuv receives so from every datagram socket on a completion port: FILE_SKIP_COMPLETION_PORT_ON_SUCCESS did not hold for WSARecv on
 * old Windows. The two codes of receiving are done by WSARecv and WSARecvFrom; its status block is an OVERLAPPED's first two
 * members, and the context the OVERLAPPED itself. Polls are in ws2_afd_poll_windows.c. Source: rule OVL2-15 (MSG_PEEK), IOCP-25.
 */
#include "ws2_afd_windows.h"
#include "ws2_status.h"

#define AFD_RECEIVE 0x12017u
#define AFD_RECEIVE_FROM 0x1201bu

#define TDI_PARTIAL 0x40u
#define TDI_PEEK 0x80u
#define TDI_KNOWN (0x20u | TDI_PARTIAL | TDI_PEEK) /* 0x20: normal data */

struct afd_receive {
    LPWSABUF buffers;
    ULONG count;
    ULONG afd_flags;
    ULONG tdi_flags;
};

struct afd_receive_from {
    struct afd_receive receive;
    struct sockaddr *from;
    LPINT from_bytes;
};

static bool is_socket(HANDLE handle)
{
    return ws2_handle_provider((SOCKET)handle) != NULL;
}

/* The system answers a bad pointer with an error, and is left to do so. */
static bool is_readable(const void *at, size_t bytes, size_t least)
{
    return bytes >= least && at != NULL && !IsBadReadPtr(at, bytes);
}

/* What Winsock said, as the device says it. */
static NTSTATUS status_of(HANDLE file, DWORD code)
{
    struct ws2_slot *slot;
    NTSTATUS status;
    if (code == WSA_IO_PENDING) {
        return (NTSTATUS)STATUS_PENDING;
    }
    slot = ws2_handle_pin((uintptr_t)file, WS2_KIND_SOCKET);
    if (slot == NULL) {
        return WS2_STATUS_INVALID_HANDLE;
    }
    status = (NTSTATUS)ws2_status_of(slot, code);
    ws2_handle_unpin(slot);
    return status;
}

static NTSTATUS receive(HANDLE file, LPWSAOVERLAPPED overlapped, const struct afd_receive *what,
                        const struct afd_receive_from *from)
{
    DWORD before = GetLastError();
    DWORD flags = ((what->tdi_flags & TDI_PEEK) != 0 ? MSG_PEEK : 0) |
                  ((what->tdi_flags & TDI_PARTIAL) != 0 ? MSG_PARTIAL : 0);
    DWORD got = 0;
    NTSTATUS status = 0;
    int rc = from != NULL ? WSARecvFrom((SOCKET)file, what->buffers, what->count, &got, &flags, from->from,
                                        from->from_bytes, overlapped, NULL)
                          : WSARecv((SOCKET)file, what->buffers, what->count, &got, &flags, overlapped, NULL);
    if (rc != 0) {
        status = status_of(file, (DWORD)WSAGetLastError());
        if (status != (NTSTATUS)STATUS_PENDING) {
            overlapped->Internal = (ULONG_PTR)(DWORD)status;
            overlapped->InternalHigh = got;
        }
    }
    SetLastError(before);
    return status;
}

/**
 * Do a control code of the device on sockets of ours.
 *
 * @param status  What NtDeviceIoControlFile is to return; only where true is returned.
 * @return        false: nothing of ours; the system does it.
 *
 * A request without the OVERLAPPED that libuv gives (a routine, a context of another kind) is STATUS_NOT_SUPPORTED.
 * Context: any thread.
 */
bool ws2_afd_control(const struct ws2_afd_call *call, NTSTATUS *status)
{
    struct afd_receive_from what;
    LPWSAOVERLAPPED overlapped = (LPWSAOVERLAPPED)(void *)call->iosb;
    bool from = call->code == AFD_RECEIVE_FROM;
    *status = WS2_STATUS_NOT_SUPPORTED;
    if (call->code == WS2_AFD_POLL) {
        return ws2_afd_poll(call, status);
    }
    if ((!from && call->code != AFD_RECEIVE) || !is_socket(call->file)) {
        return false;
    }
    if (!is_readable(call->in, call->in_bytes, from ? sizeof what : sizeof what.receive)) {
        *status = WS2_STATUS_INVALID_PARAMETER;
        return true;
    }
    memcpy(&what, call->in, from ? sizeof what : sizeof what.receive);
    if (call->routine == NULL && call->iosb != NULL && call->context == call->iosb &&
        call->event == (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)1) &&
        (what.receive.tdi_flags & ~(ULONG)TDI_KNOWN) == 0) {
        *status = receive(call->file, overlapped, &what.receive, from ? &what : NULL);
    }
    return true;
}

/*
 * Sockets where files are expected, Linux: ReadFile, WriteFile, CloseHandle. Source: rules WPU-22, WS2-14, IOCP-38.
 */
#include "ws2_file_priv.h"

#include "ws2_status.h"

#define OWN_NAP_MS 1u

static int issue(bool write, SOCKET s, WSABUF *buffer, DWORD *moved, LPOVERLAPPED overlapped)
{
    DWORD flags = 0;
    int result = write ? WSASend(s, buffer, 1, moved, 0, overlapped, NULL)
                       : WSARecv(s, buffer, 1, moved, &flags, overlapped, NULL);
    return result == 0 ? 0 : WSAGetLastError();
}

static bool ready_wait(bool write, SOCKET s)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s, &set);
    return select(0, write ? NULL : &set, write ? &set : NULL, NULL, NULL) == 1;
}

/* The result may be refused before the request has ended, where the socket was closed meanwhile: it still writes there. */
static void own_wait(const OVERLAPPED *own)
{
    while (__atomic_load_n(&own->Internal, __ATOMIC_ACQUIRE) == STATUS_PENDING) {
        Sleep(OWN_NAP_MS);
    }
}

/*
 * A nonblocking socket: these functions wait all the same. The structure is of our own; the low bit of its event keeps it
 * from a port. A socket that was not made for overlapped calls takes no structure: then it is asked again when it is ready.
 */
static int issue_and_wait(bool write, SOCKET s, WSABUF *buffer, DWORD *moved)
{
    OVERLAPPED own = {0};
    DWORD flags = 0;
    int code;
    own.hEvent = (HANDLE)(uintptr_t)1;
    code = issue(write, s, buffer, moved, &own);
    if (code == WSA_IO_PENDING) {
        code = WSAGetOverlappedResult(s, &own, moved, TRUE, &flags) ? 0 : WSAGetLastError();
        own_wait(&own);
    }
    while (code == WSAEWOULDBLOCK) {
        code = ready_wait(write, s) ? issue(write, s, buffer, moved, NULL) : WSAGetLastError();
    }
    return code;
}

/**
 * ReadFile or WriteFile of a socket.
 *
 * @return  TRUE, or FALSE with ERROR_IO_PENDING or the Win32 form of the code of WSARecv or WSASend.
 *
 * Context: any thread; without a structure it waits, whatever the socket's mode.
 */
BOOL ws2_socket_transfer(bool write, SOCKET s, WSABUF *buffer, LPDWORD moved_out, LPOVERLAPPED overlapped)
{
    DWORD before = GetLastError();
    DWORD moved = 0;
    int code;
    if (moved_out == NULL && overlapped == NULL) {
        return ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    code = issue(write, s, buffer, &moved, overlapped);
    if (code == WSAEWOULDBLOCK && overlapped == NULL) {
        code = issue_and_wait(write, s, buffer, &moved);
    }
    if (code == WSA_IO_PENDING) {
        if (moved_out != NULL) {
            *moved_out = 0;
        }
        return ws2_file_fail(ERROR_IO_PENDING);
    }
    if (moved_out != NULL && (code == 0 || code == WSAEMSGSIZE)) {
        *moved_out = moved;
    }
    if (code != 0) {
        return ws2_file_fail(ws2_status_win32((DWORD)code));
    }
    SetLastError(before);
    return TRUE;
}

/**
 * As closesocket; a handle must not survive CloseHandle, so a linger time that would refuse is given up.
 *
 * @return  false if it is no socket any more. The last error is as before.
 */
bool ws2_socket_close_handle(SOCKET s)
{
    const LINGER off = {0, 0};
    DWORD before = GetLastError();
    bool closed = closesocket(s) == 0;
    if (!closed && WSAGetLastError() == WSAEWOULDBLOCK) {
        (void)setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&off, sizeof off);
        closed = closesocket(s) == 0;
    }
    SetLastError(before);
    return closed;
}

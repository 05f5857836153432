/*
 * QueueApc, OpenCurrentThread, CloseThread, PostMessage, WPUCompleteOverlappedRequest, Windows: a WSATHREADID holds a
 * real handle of the thread. Source: rules LAY-4, WPU-8, WPU-11, WPU-13, WPU-14, WPU-15, WPU-24 to WPU-29.
 */
#include "ws2_thread_windows.h"
#include "ws2_upcall_priv.h"

static HANDLE own_thread_handle(void)
{
    DWORD before = GetLastError();
    HANDLE process = GetCurrentProcess();
    HANDLE own = NULL;
    if (!DuplicateHandle(process, GetCurrentThread(), process, &own, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
        own = NULL;
    }
    SetLastError(before);
    return own;
}

/**
 * The calling thread's identity for completion routines: a handle that dies with the thread.
 *
 * @param id  Written on success.
 * @return    false when memory or handles are short.
 */
bool ws2_thread_self_id(WSATHREADID *id)
{
    struct ws2_thread *thread = ws2_thread_self();
    if (thread != NULL && thread->self == NULL) {
        thread->self = own_thread_handle();
    }
    if (thread == NULL || thread->self == NULL) {
        return false;
    }
    id->ThreadHandle = thread->self;
    id->Reserved = GetCurrentThreadId();
    return true;
}

/**
 * Queue a completion routine for the thread that started the operation.
 *
 * @param thread  As given to the WSP function or opened; copied values are as good.
 * @return        0, or SOCKET_ERROR with *error WSAEFAULT: no such thread, or it has ended; the caller frees context.
 *
 * Context: any thread; does not block.
 */
int WSPAPI ws2_upcall_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT error)
{
    DWORD before = GetLastError();
    bool queued = thread != NULL && routine != NULL &&
                  QueueUserAPC((PAPCFUNC)routine, thread->ThreadHandle, context) != 0;
    SetLastError(before);
    if (!queued) {
        *error = WSAEFAULT;
        return SOCKET_ERROR;
    }
    return 0;
}

/**
 * The calling thread's identity, as a handle of its own that CloseThread closes.
 *
 * @return  0, or SOCKET_ERROR with *error WSANOTINITIALISED, WSAEFAULT (NULL), WSAENOBUFS.
 */
int WSPAPI ws2_upcall_open_current_thread(LPWSATHREADID thread, LPINT error)
{
    HANDLE own;
    if (!ws2_started() || thread == NULL) {
        *error = !ws2_started() ? WSANOTINITIALISED : WSAEFAULT;
        return SOCKET_ERROR;
    }
    own = own_thread_handle();
    if (own == NULL) {
        *error = WSAENOBUFS;
        return SOCKET_ERROR;
    }
    thread->ThreadHandle = own;
    thread->Reserved = GetCurrentThreadId();
    return 0;
}

/** Close what OpenCurrentThread opened. @return 0, or SOCKET_ERROR with *error WSANOTINITIALISED or WSAEINVAL. */
int WSPAPI ws2_upcall_close_thread(LPWSATHREADID thread, LPINT error)
{
    DWORD before = GetLastError();
    bool closed = ws2_started() && thread != NULL && CloseHandle(thread->ThreadHandle);
    SetLastError(before);
    if (!closed) {
        *error = ws2_started() ? WSAEINVAL : WSANOTINITIALISED;
        return SOCKET_ERROR;
    }
    return 0;
}

/** Post a message. @return FALSE: not posted. */
BOOL WSPAPI ws2_upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    (void)window;
    (void)message;
    (void)wparam;
    (void)lparam;
    return FALSE;
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
 * Context: any thread, holding no lock.
 */
int WSPAPI WPUCompleteOverlappedRequest(SOCKET s, LPWSAOVERLAPPED overlapped, DWORD code, DWORD transferred,
                                        LPINT error)
{
    DWORD before = GetLastError();
    uintptr_t event;
    int unused;
    error = error == NULL ? &unused : error;
    if (overlapped == NULL || ws2_handle_provider(s) == NULL) {
        *error = overlapped == NULL ? WSAEFAULT : WSAEINVAL;
        return SOCKET_ERROR;
    }
    event = (uintptr_t)overlapped->hEvent & ~(uintptr_t)1;
    overlapped->InternalHigh = transferred;
    __atomic_store_n(&overlapped->Internal, (ULONG_PTR)code, __ATOMIC_RELEASE);
    if (event != 0) {
        (void)SetEvent((HANDLE)event);
    }
    SetLastError(before);
    return 0;
}

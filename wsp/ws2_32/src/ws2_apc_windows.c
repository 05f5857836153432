/*
 * QueueApc, OpenCurrentThread, CloseThread, Windows: a WSATHREADID holds a real handle of the thread, and the kernel runs
 * the routine in the thread's next alertable wait.
 *
 * Providers keep copies of a WSATHREADID for as long as an operation lasts, which may be longer than the thread. Its
 * handle is closed when it ends, and the value may come again as another thread's; so the handles that are valid are
 * listed, and a call is queued under the list's lock. Source: rules LAY-4, WPU-11, WPU-13, WPU-14, WPU-29, WPU-33.
 */
#include "ws2_backing_windows.h"
#include "ws2_thread_windows.h"
#include "ws2_upcall_priv.h"

#include <stdlib.h>

#define BUCKETS 64u

struct apc_thread {
    struct apc_thread *next;
    HANDLE handle;
    DWORD id;
};

static SRWLOCK apc_lock = SRWLOCK_INIT;
static struct apc_thread *apc_threads[BUCKETS];

static struct apc_thread **apc_place(HANDLE handle)
{
    struct apc_thread **place = &apc_threads[(uintptr_t)handle / 4 % BUCKETS];
    while (*place != NULL && (*place)->handle != handle) {
        place = &(*place)->next;
    }
    return place;
}

/* A listed handle of the calling thread, NULL when memory or handles are short. */
static HANDLE own_handle_make(void)
{
    HANDLE process = GetCurrentProcess();
    struct apc_thread *thread = (struct apc_thread *)calloc(1, sizeof *thread);
    struct apc_thread **place;
    if (thread == NULL) {
        return NULL;
    }
    if (!DuplicateHandle(process, GetCurrentThread(), process, &thread->handle, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
        free(thread);
        return NULL;
    }
    thread->id = GetCurrentThreadId();
    AcquireSRWLockExclusive(&apc_lock);
    place = apc_place(thread->handle);
    thread->next = *place;
    *place = thread;
    ReleaseSRWLockExclusive(&apc_lock);
    return thread->handle;
}

/**
 * Close a listed thread handle: from here on nothing is queued through it.
 *
 * @return  false: not one of ours.
 *
 * Context: any thread. The last error is as before.
 */
bool ws2_apc_close(HANDLE handle)
{
    DWORD before = GetLastError();
    struct apc_thread **place;
    struct apc_thread *thread;
    AcquireSRWLockExclusive(&apc_lock);
    place = apc_place(handle);
    thread = *place;
    if (thread != NULL) {
        *place = thread->next;
    }
    ReleaseSRWLockExclusive(&apc_lock);
    if (thread != NULL) {
        CloseHandle(thread->handle);
        free(thread);
    }
    SetLastError(before);
    return thread != NULL;
}

/**
 * The calling thread's identity for completion routines: a handle that dies with the thread.
 *
 * @param id  Written on success.
 * @return    false when memory or handles are short.
 *
 * Context: any thread. The last error is as before.
 */
bool ws2_thread_self_id(WSATHREADID *id)
{
    DWORD before = GetLastError();
    struct ws2_thread *thread = ws2_thread_self();
    if (thread != NULL && thread->self == NULL) {
        thread->self = own_handle_make();
    }
    SetLastError(before);
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
 * Context: any thread; does not wait for others. The last error is as before.
 */
int WSPAPI ws2_upcall_queue_apc(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context, LPINT error)
{
    DWORD before = GetLastError();
    bool queued = false;
    if (thread != NULL && routine != NULL) {
        const struct apc_thread *listed;
        AcquireSRWLockShared(&apc_lock);
        listed = *apc_place(thread->ThreadHandle);
        queued = listed != NULL && listed->id == (DWORD)thread->Reserved &&
                 QueueUserAPC((PAPCFUNC)routine, listed->handle, context) != 0;
        ReleaseSRWLockShared(&apc_lock);
    }
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
 *
 * Context: any thread. The last error is as before.
 */
int WSPAPI ws2_upcall_open_current_thread(LPWSATHREADID thread, LPINT error)
{
    DWORD before = GetLastError();
    HANDLE own;
    if (!ws2_started() || thread == NULL) {
        *error = !ws2_started() ? WSANOTINITIALISED : WSAEFAULT;
        return SOCKET_ERROR;
    }
    own = own_handle_make();
    SetLastError(before);
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
    if (!ws2_started()) {
        *error = WSANOTINITIALISED;
        return SOCKET_ERROR;
    }
    if (thread == NULL || !ws2_apc_close(thread->ThreadHandle)) {
        *error = WSAEINVAL;
        return SOCKET_ERROR;
    }
    return 0;
}

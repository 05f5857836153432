/*
 * What became of an overlapped operation, and ending it, Linux: GetOverlappedResult, CancelIo and their kin.
 *
 * Edge R1: who waits for a structure counts itself before it looks at Internal, who completes stores Internal before it
 * looks at the count; all sequentially consistent. Source: rules IOCP-9, IOCP-30 to IOCP-35, IOCP-39.
 */
#include "ws2_iocp_priv.h"
#include "ws2_status.h"

/* A provider may store Internal itself, and wakes nobody then. */
#define LOOK_MS 50u

struct result_waiter {
    struct result_waiter *next;
    struct ws2_thread *thread;
};

static pthread_mutex_t results_lock = PTHREAD_MUTEX_INITIALIZER;
static struct result_waiter *results;
static atomic_uint results_waiting;

/* ---- results ---- */

static ULONG_PTR status_load(const OVERLAPPED *overlapped)
{
    return __atomic_load_n(&overlapped->Internal, __ATOMIC_SEQ_CST);
}

/** An operation is over: its structure is the application's with this, so it is the last that is written there. */
void ws2_result_store(LPOVERLAPPED overlapped, ULONG_PTR status, ULONG_PTR transferred)
{
    struct result_waiter *waiter;
    overlapped->InternalHigh = transferred;
    /* The structure is Windows', so no _Atomic. Edge R1, who completes. */
    (void)__atomic_exchange_n(&overlapped->Internal, status, __ATOMIC_SEQ_CST);
    if (atomic_load_explicit(&results_waiting, memory_order_seq_cst) == 0) {
        return;
    }
    pthread_mutex_lock(&results_lock);
    for (waiter = results; waiter != NULL; waiter = waiter->next) {
        ws2_thread_wake(waiter->thread);
    }
    pthread_mutex_unlock(&results_lock);
}

static DWORD result_sleep(const OVERLAPPED *overlapped, struct ws2_thread *self, DWORD timeout_ms, bool alertable)
{
    struct timespec store;
    const struct timespec *deadline = ws2_deadline_after(timeout_ms, &store);
    bool looked;
    bool more = true;
    for (;;) {
        unsigned seen = atomic_load_explicit(&self->wake_word, memory_order_seq_cst);
        if (status_load(overlapped) != STATUS_PENDING) {
            return WAIT_OBJECT_0;
        }
        if (alertable && ws2_thread_apc_waits(self)) {
            return WAIT_IO_COMPLETION;
        }
        if (!more) {
            return WAIT_TIMEOUT;
        }
        more = ws2_thread_sleep_some(self, seen, deadline, LOOK_MS, &looked);
    }
}

/* Without an event: wait for the structure, not for the handle, which several operations would signal (IOCP-39). */
static DWORD result_wait(const OVERLAPPED *overlapped, DWORD timeout_ms, bool alertable)
{
    struct result_waiter self = {NULL, ws2_thread_self()};
    struct result_waiter **place;
    bool blocks;
    DWORD got;
    if (self.thread == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return WAIT_FAILED;
    }
    pthread_mutex_lock(&results_lock);
    self.next = results;
    results = &self;
    pthread_mutex_unlock(&results_lock);
    atomic_fetch_add_explicit(&results_waiting, 1, memory_order_seq_cst); /* edge R1, who waits */
    blocks = ws2_port_thread_blocks(self.thread);
    got = result_sleep(overlapped, self.thread, timeout_ms, alertable);
    if (blocks) {
        ws2_port_thread_resumes(self.thread);
    }
    atomic_fetch_sub_explicit(&results_waiting, 1, memory_order_relaxed);
    pthread_mutex_lock(&results_lock);
    for (place = &results; *place != &self; place = &(*place)->next) {
    }
    *place = self.next;
    pthread_mutex_unlock(&results_lock);
    if (got == WAIT_IO_COMPLETION) {
        (void)ws2_thread_run_apcs(self.thread);
    }
    return got;
}

/**
 * The outcome of an overlapped operation on a socket or a file.
 *
 * @param bytes       Filled once the operation is over, also if it failed.
 * @param timeout_ms  0: do not wait; INFINITE.
 * @param alertable   Calls that are queued for the thread end the wait.
 * @return            TRUE: it succeeded. FALSE with its error, ERROR_IO_INCOMPLETE (not over, and timeout_ms 0),
 *                    WAIT_TIMEOUT, WAIT_IO_COMPLETION, ERROR_INVALID_HANDLE (hEvent), ERROR_INVALID_PARAMETER (NULL).
 *
 * Context: any thread.
 */
BOOL WINAPI GetOverlappedResultEx(HANDLE file, LPOVERLAPPED overlapped, LPDWORD bytes, DWORD timeout_ms, BOOL alertable)
{
    DWORD code;
    (void)file;
    if (overlapped == NULL || bytes == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    if (status_load(overlapped) == STATUS_PENDING) {
        HANDLE event = (HANDLE)((uintptr_t)overlapped->hEvent & ~(uintptr_t)1);
        code = timeout_ms == 0 ? ERROR_IO_INCOMPLETE
               : event != NULL ? WaitForSingleObjectEx(event, timeout_ms, alertable)
                               : result_wait(overlapped, timeout_ms, alertable != FALSE);
        if (code != WAIT_OBJECT_0) {
            if (code != WAIT_FAILED) {
                SetLastError(code);
            }
            return FALSE;
        }
    }
    *bytes = (DWORD)overlapped->InternalHigh;
    code = ws2_status_win32_of(status_load(overlapped));
    if (code != 0) {
        SetLastError(code == ERROR_IO_PENDING ? ERROR_IO_INCOMPLETE : code);
    }
    return code == 0;
}

/** As GetOverlappedResultEx, not alertable; it waits for ever or not at all. */
BOOL WINAPI GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD bytes, BOOL wait)
{
    return GetOverlappedResultEx(file, overlapped, bytes, wait ? INFINITE : 0, FALSE);
}

/* ---- cancelling ---- */

/* How many requests of a socket were cancelled; -1: the provider cannot. */
static int64_t cancel(HANDLE file, uint32_t scope, LPOVERLAPPED overlapped)
{
    struct wsp_cancel_abi in = {.overlapped = (uintptr_t)overlapped, .scope = scope};
    uint32_t taken = 0;
    DWORD returned = 0;
    if (WSAIoctl((SOCKET)file, WSP_IOCTL_CANCEL, &in, sizeof in, &taken, sizeof taken, &returned, NULL, NULL) != 0) {
        return -1;
    }
    return taken;
}

/* A file's operations are over when their calls return. @return  0 or a Win32 code. */
static DWORD cancel_kind(HANDLE file, uint32_t scope, LPOVERLAPPED overlapped, DWORD none, DWORD refused)
{
    DWORD before = GetLastError();
    enum ws2_kind kind = ws2_handle_kind((uintptr_t)file);
    int64_t taken;
    if (kind != WS2_KIND_SOCKET) {
        return kind == WS2_KIND_FILE ? none : ERROR_INVALID_HANDLE;
    }
    taken = cancel(file, scope, overlapped);
    SetLastError(before);
    return taken > 0 ? 0 : taken == 0 ? none : refused;
}

static BOOL cancel_end(DWORD code)
{
    if (code != 0) {
        SetLastError(code);
    }
    return code == 0;
}

/**
 * End the requests that the calling thread issued on a socket: each completes with ERROR_OPERATION_ABORTED.
 *
 * @return  TRUE, also if there are none; FALSE with ERROR_INVALID_HANDLE, or ERROR_NOT_SUPPORTED (not our provider's).
 *
 * Context: any thread. Source: rule IOCP-30.
 */
BOOL WINAPI CancelIo(HANDLE file)
{
    return cancel_end(cancel_kind(file, WSP_CANCEL_THREAD, NULL, 0, ERROR_NOT_SUPPORTED));
}

/**
 * End requests on a socket, whoever issued them.
 *
 * @param overlapped  NULL: all.
 * @return            FALSE with ERROR_NOT_FOUND (nothing to end) or ERROR_INVALID_HANDLE.
 *
 * Context: any thread. Source: rules IOCP-31 to IOCP-35.
 */
BOOL WINAPI CancelIoEx(HANDLE file, LPOVERLAPPED overlapped)
{
    return cancel_end(cancel_kind(file, overlapped == NULL ? WSP_CANCEL_ALL : WSP_CANCEL_ONE, overlapped,
                                  ERROR_NOT_FOUND, ERROR_NOT_FOUND));
}

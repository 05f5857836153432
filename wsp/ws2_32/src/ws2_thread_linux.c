/*
 * Threads as Winsock sees them: per-thread data, asynchronous procedure calls, the parking place, CreateThread. Linux.
 *
 * A thread is registered the first time it needs one of these; its record goes when it has ended and nobody holds a
 * handle of it. Threads that only send and receive are never registered. Source: rules WPU-11, WPU-13, WPU-29, OVL2-9.
 */
#include "ws2_iocp_priv.h"
#include "ws2_wait_priv.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t thread_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static __thread struct ws2_thread *thread_own;

/* Used records of calls, so that a busy queue does not allocate. */
static pthread_mutex_t apc_pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ws2_apc *apc_pool;

static struct ws2_apc *apc_take(void)
{
    struct ws2_apc *apc;
    pthread_mutex_lock(&apc_pool_lock);
    apc = apc_pool;
    if (apc != NULL) {
        apc_pool = apc->next;
    }
    pthread_mutex_unlock(&apc_pool_lock);
    return apc != NULL ? apc : (struct ws2_apc *)malloc(sizeof *apc);
}

static void apc_give(struct ws2_apc *apc)
{
    pthread_mutex_lock(&apc_pool_lock);
    apc->next = apc_pool;
    apc_pool = apc;
    pthread_mutex_unlock(&apc_pool_lock);
}

/* The thread ends: it takes no more calls, those that wait are dropped unrun, its waiters learn of it. */
static void thread_ended(void *argument)
{
    struct ws2_thread *thread = (struct ws2_thread *)argument;
    struct ws2_apc *apc;
    pthread_mutex_lock(&thread->apc_lock);
    thread->apc_closed = true;
    apc = thread->apc_head;
    thread->apc_head = thread->apc_tail = NULL;
    pthread_mutex_unlock(&thread->apc_lock);
    while (apc != NULL) {
        struct ws2_apc *next = apc->next;
        apc_give(apc);
        apc = next;
    }
    ws2_port_thread_leaves(thread);
    ws2_mutexes_abandon(thread);
    ws2_queue_thread_ended(thread);
    if (thread->self_handle != 0) {
        ws2_handle_close(thread->self_handle, WS2_KIND_THREAD);
    }
    ws2_event_signal(&thread->ended);
    thread_own = NULL;
    ws2_thread_unref(thread);
}

static void thread_key_make(void)
{
    /* Without a key threads would never be unregistered; pthread_key_create fails only when all keys are in use. */
    if (pthread_key_create(&thread_key, thread_ended) != 0) {
        abort();
    }
}

/**
 * A record for a thread that does not run yet. @return NULL when memory is short; else one reference, the caller's.
 */
struct ws2_thread *ws2_thread_new(void)
{
    struct ws2_thread *thread = (struct ws2_thread *)calloc(1, sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    atomic_init(&thread->refs, 1);
    atomic_init(&thread->exit_code, STILL_ACTIVE);
    pthread_mutex_init(&thread->apc_lock, NULL);
    ws2_event_init(&thread->ended, true, false);
    ws2_queue_init(&thread->queue);
    return thread;
}

/**
 * Make a record the calling thread's own. Takes over one reference, given back when the thread ends.
 */
void ws2_thread_adopt(struct ws2_thread *thread)
{
    pthread_once(&thread_once, thread_key_make);
    thread->id = (DWORD)syscall(SYS_gettid);
    thread_own = thread;
    pthread_setspecific(thread_key, thread);
}

/** Drop a reference; the last one frees the record. */
void ws2_thread_unref(struct ws2_thread *thread)
{
    if (atomic_fetch_sub_explicit(&thread->refs, 1, memory_order_acq_rel) == 1) {
        ws2_queue_destroy(&thread->queue);
        ws2_event_destroy(&thread->ended);
        pthread_mutex_destroy(&thread->apc_lock);
        free(thread);
    }
}

/** The calling thread's record, made at the first call; NULL when memory is short. */
struct ws2_thread *ws2_thread_self(void)
{
    if (thread_own == NULL) {
        struct ws2_thread *thread = ws2_thread_new();
        if (thread == NULL) {
            return NULL;
        }
        ws2_thread_adopt(thread);
    }
    return thread_own;
}

/** The calling thread's Winsock data; NULL when memory is short. Context: any thread. */
struct ws2_thread_data *ws2_thread_data(void)
{
    struct ws2_thread *thread = ws2_thread_self();
    return thread == NULL ? NULL : &thread->data;
}

/**
 * The calling thread's identity for completion routines: a handle that dies with the thread.
 *
 * @param id  Written on success.
 * @return    false when memory or handles are short.
 *
 * Source: rules LAY-4, WPU-13.
 */
bool ws2_thread_self_id(WSATHREADID *id)
{
    struct ws2_thread *thread = ws2_thread_self();
    if (thread == NULL) {
        return false;
    }
    if (thread->self_handle == 0) {
        struct ws2_slot *slot = ws2_handle_open(WS2_KIND_THREAD);
        if (slot == NULL) {
            return false;
        }
        atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
        slot->object = thread;
        thread->self_handle = ws2_handle_value(slot);
        ws2_handle_publish(slot);
    }
    id->ThreadHandle = (HANDLE)(uintptr_t)thread->self_handle;
    id->Reserved = thread->id;
    return true;
}

/** A thread's handle; of what GetCurrentThread gives, the calling thread's own. 0: memory or handles are short. */
uintptr_t ws2_thread_handle(HANDLE thread)
{
    WSATHREADID id;
    if (thread != GetCurrentThread()) {
        return (uintptr_t)thread;
    }
    return ws2_thread_self_id(&id) ? (uintptr_t)id.ThreadHandle : 0;
}

/** Make a thread look again at what it waits for. Context: any thread; edge W2, writer. */
void ws2_thread_wake(struct ws2_thread *thread)
{
    atomic_fetch_add_explicit(&thread->wake_word, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&thread->spins, memory_order_seq_cst) == 0) {
        syscall(SYS_futex, &thread->wake_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

/**
 * Sleep until woken.
 *
 * @param seen      The wake word as read before the last look (edge W2, reader).
 * @param deadline  CLOCK_MONOTONIC, or NULL for ever.
 * @return          false when the deadline has passed.
 */
bool ws2_thread_sleep(struct ws2_thread *thread, unsigned seen, const struct timespec *deadline)
{
    long rc = syscall(SYS_futex, &thread->wake_word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline, NULL,
                      FUTEX_BITSET_MATCH_ANY);
    return rc == 0 || errno != ETIMEDOUT;
}

/**
 * Queue a call that the thread runs in its next alertable wait.
 *
 * @return  false if the thread has ended or memory is short: the routine will not run.
 *
 * Context: any thread; does not wait. Source: rules WPU-29, WPU-33.
 */
bool ws2_thread_queue_apc(struct ws2_thread *thread, void (*routine)(uintptr_t), uintptr_t context)
{
    struct ws2_apc *apc = apc_take();
    bool queued = false;
    if (apc == NULL) {
        return false;
    }
    apc->next = NULL;
    apc->routine = routine;
    apc->context = context;
    pthread_mutex_lock(&thread->apc_lock);
    if (!thread->apc_closed) {
        if (thread->apc_tail == NULL) {
            thread->apc_head = apc;
        } else {
            thread->apc_tail->next = apc;
        }
        thread->apc_tail = apc;
        atomic_store_explicit(&thread->alert.pending, 1, memory_order_seq_cst);
        queued = true;
    }
    pthread_mutex_unlock(&thread->apc_lock);
    if (!queued) {
        apc_give(apc);
        return false;
    }
    ws2_thread_wake(thread);
    if (atomic_load_explicit(&thread->alert.blocked, memory_order_seq_cst) != 0) {
        ((void (*)(void))(uintptr_t)atomic_load(&thread->alert.wake))();
    }
    return true;
}

/**
 * For a provider that is about to put the calling thread to sleep, found by name: see wsp_private_abi.h. Calls do not run
 * inside calls (contradiction E34).
 */
__attribute__((visibility("default"))) struct wsp_alert_abi *wl_thread_alert(void)
{
    return thread_own == NULL || thread_own->apc_depth > 0 ? NULL : &thread_own->alert;
}

/** Whether a call waits for this thread. Context: the thread itself. */
bool ws2_thread_apc_waits(struct ws2_thread *thread)
{
    bool waits;
    pthread_mutex_lock(&thread->apc_lock);
    waits = thread->apc_head != NULL;
    pthread_mutex_unlock(&thread->apc_lock);
    return waits;
}

/**
 * Run the calls that wait for this thread, those queued meanwhile included.
 *
 * @return  How many ran.
 *
 * Context: the thread itself, holding no lock.
 */
unsigned ws2_thread_run_apcs(struct ws2_thread *thread)
{
    unsigned ran = 0;
    for (;;) {
        struct ws2_apc *apc;
        struct ws2_apc call;
        pthread_mutex_lock(&thread->apc_lock);
        apc = thread->apc_head;
        if (apc != NULL) {
            thread->apc_head = apc->next;
            if (thread->apc_head == NULL) {
                thread->apc_tail = NULL;
            }
        } else {
            atomic_store_explicit(&thread->alert.pending, 0, memory_order_relaxed);
        }
        pthread_mutex_unlock(&thread->apc_lock);
        if (apc == NULL) {
            return ran;
        }
        call = *apc;
        apc_give(apc);
        thread->apc_depth++;
        call.routine(call.context);
        thread->apc_depth--;
        ran++;
    }
}

/* ---- CreateThread ---- */

struct thread_start {
    struct ws2_thread *thread;
    LPTHREAD_START_ROUTINE start;
    LPVOID context;
    atomic_uint id; /* futex: 0 until the new thread has said who it is */
};

static void *thread_main(void *argument)
{
    struct thread_start *shared = (struct thread_start *)argument;
    struct ws2_thread *thread = shared->thread;
    LPTHREAD_START_ROUTINE start = shared->start;
    LPVOID context = shared->context;
    ws2_thread_adopt(thread);
    atomic_store_explicit(&shared->id, thread->id, memory_order_release);
    syscall(SYS_futex, &shared->id, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    /* `shared` is the creator's from here on. */
    atomic_store_explicit(&thread->exit_code, start(context), memory_order_release);
    return NULL;
}

static bool thread_launch(struct thread_start *shared, size_t stack_bytes)
{
    pthread_attr_t attributes;
    pthread_t pthread;
    int rc;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_bytes > 0) {
        /* A size that the system refuses is a hint not taken, as on Windows. */
        (void)pthread_attr_setstacksize(&attributes, stack_bytes);
    }
    rc = pthread_create(&pthread, &attributes, thread_main, shared);
    pthread_attr_destroy(&attributes);
    return rc == 0;
}

/**
 * Start a thread.
 *
 * @param flags      0. Anything else (a suspended start) fails with ERROR_NOT_SUPPORTED.
 * @param thread_id  May be NULL.
 * @return           A handle, signalled when the thread has ended, to be closed by the caller; or NULL with the last
 *                   error ERROR_NOT_ENOUGH_MEMORY, ERROR_INVALID_PARAMETER (start NULL) or ERROR_NOT_SUPPORTED.
 *
 * Context: any thread.
 */
HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack_bytes, LPTHREAD_START_ROUTINE start,
                           LPVOID context, DWORD flags, LPDWORD thread_id)
{
    struct thread_start shared = {NULL, start, context, 0};
    struct ws2_slot *slot;
    uint32_t handle;
    (void)attributes;
    if (start == NULL || flags != 0) {
        SetLastError(start == NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
        return NULL;
    }
    shared.thread = ws2_thread_new();
    slot = shared.thread == NULL ? NULL : ws2_handle_open(WS2_KIND_THREAD);
    if (slot == NULL) {
        if (shared.thread != NULL) {
            ws2_thread_unref(shared.thread);
        }
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    atomic_fetch_add_explicit(&shared.thread->refs, 1, memory_order_relaxed);
    slot->object = shared.thread;
    handle = ws2_handle_value(slot);
    if (!thread_launch(&shared, stack_bytes)) {
        ws2_handle_unpin(slot);
        ws2_thread_unref(shared.thread);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    ws2_handle_publish(slot);
    while (atomic_load_explicit(&shared.id, memory_order_acquire) == 0) {
        syscall(SYS_futex, &shared.id, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    if (thread_id != NULL) {
        *thread_id = atomic_load_explicit(&shared.id, memory_order_relaxed);
    }
    return (HANDLE)(uintptr_t)handle;
}

/** End the calling thread with an exit code. Context: any thread. Does not return. */
void WINAPI ExitThread(DWORD code)
{
    struct ws2_thread *thread = ws2_thread_self();
    if (thread != NULL) {
        atomic_store_explicit(&thread->exit_code, code, memory_order_release);
    }
    pthread_exit(NULL);
}

/**
 * The exit code of a thread, STILL_ACTIVE while it runs.
 *
 * @return  FALSE with ERROR_INVALID_HANDLE for what is no thread, ERROR_INVALID_PARAMETER for a NULL pointer.
 */
BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD code)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)thread, WS2_KIND_THREAD);
    if (slot == NULL || code == NULL) {
        if (slot != NULL) {
            ws2_handle_unpin(slot);
        }
        SetLastError(slot == NULL ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    *code = atomic_load_explicit(&((struct ws2_thread *)slot->object)->exit_code, memory_order_acquire);
    ws2_handle_unpin(slot);
    return TRUE;
}

/**
 * Queue a user call for a thread.
 *
 * @return  Nonzero, or 0 with ERROR_INVALID_HANDLE (no such thread, or it has ended) or ERROR_INVALID_PARAMETER.
 */
DWORD WINAPI QueueUserAPC(PAPCFUNC function, HANDLE thread, ULONG_PTR context)
{
    struct ws2_slot *slot;
    bool queued;
    if (function == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    slot = ws2_handle_pin(ws2_thread_handle(thread), WS2_KIND_THREAD);
    queued = slot != NULL && ws2_thread_queue_apc((struct ws2_thread *)slot->object, function, context);
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    if (!queued) {
        SetLastError(ERROR_INVALID_HANDLE);
    }
    return queued;
}

/** What stands for the calling thread: DuplicateHandle and QueueUserAPC know it. */
HANDLE WINAPI GetCurrentThread(void)
{
    return (HANDLE)(LONG_PTR)-2;
}

/** The calling thread's number, unique in the system while it runs. */
DWORD WINAPI GetCurrentThreadId(void)
{
    return (DWORD)syscall(SYS_gettid);
}

/** The number of a thread. @return 0 with ERROR_INVALID_HANDLE for what is no thread. */
DWORD WINAPI GetThreadId(HANDLE thread)
{
    struct ws2_slot *slot = ws2_handle_pin(ws2_thread_handle(thread), WS2_KIND_THREAD);
    DWORD id;
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
        return 0;
    }
    id = ((struct ws2_thread *)slot->object)->id;
    ws2_handle_unpin(slot);
    return id;
}

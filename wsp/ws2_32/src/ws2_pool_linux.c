/*
 * The thread pool, Linux: work items, and callbacks for the ends of overlapped operations.
 *
 * The pool's threads wait at a port that no handle names. A packet that finds none of them waiting starts one more, up to
 * POOL_THREADS; the port's value lets as many run as there are processors, and one more waits behind them, which sees to it
 * that threads that sleep do not hold the others up. A thread that had nothing to do for a while ends.
 *
 * A bound file's key points to its record. The record lives as long as the program's pointer to it, the file's link, and the
 * packets that are queued. Source: rules IOCP-1, IOCP-32.
 */
#include "ws2_iocp_priv.h"
#include "ws2_status.h"

#include <signal.h>
#include <stdlib.h>

#define POOL_THREADS 64u
#define POOL_IDLE_MS 10000u

/* Keys that are no record's: the packet's Internal is a function, its lpOverlapped the context. */
#define KEY_WORK 1u
#define KEY_SIMPLE 2u

/* What callbacks are given to pass on: nothing is behind it. */
struct _TP_CALLBACK_INSTANCE {
    char none;
};

struct _TP_IO {
    atomic_uint refs;
    PTP_WIN32_IO_CALLBACK callback;
    LPOVERLAPPED_COMPLETION_ROUTINE routine; /* BindIoCompletionCallback: instead */
    PVOID context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned started; /* StartThreadpoolIo, less what was called back or cancelled */
    unsigned pending; /* packets from before they are queued, to the end of their callbacks */
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ws2_port *pool_port;
static unsigned pool_threads;
static unsigned pool_starting; /* have not reached the port yet */

/* ---- threads ---- */

static void io_unref(PTP_IO io)
{
    if (atomic_fetch_sub_explicit(&io->refs, 1, memory_order_acq_rel) == 1) {
        pthread_cond_destroy(&io->changed);
        pthread_mutex_destroy(&io->lock);
        free(io);
    }
}

static void io_started_less(PTP_IO io, unsigned count)
{
    io->started = io->started > count ? io->started - count : 0;
    pthread_cond_broadcast(&io->changed);
}

/* Packets came to their end, called back or dropped. Lock held. */
static void io_ended(PTP_IO io, unsigned count)
{
    io->pending -= count;
    io_started_less(io, count);
}

static void io_run(PTP_IO io, const OVERLAPPED_ENTRY *packet)
{
    struct _TP_CALLBACK_INSTANCE instance = {0};
    if (io->routine != NULL) {
        io->routine(ws2_status_win32_of(packet->Internal), packet->dwNumberOfBytesTransferred, packet->lpOverlapped);
    } else {
        io->callback(&instance, io->context, packet->lpOverlapped, ws2_status_win32_of(packet->Internal),
                     packet->dwNumberOfBytesTransferred, io);
    }
    pthread_mutex_lock(&io->lock);
    io_ended(io, 1);
    pthread_mutex_unlock(&io->lock);
    io_unref(io);
}

static void packet_run(const OVERLAPPED_ENTRY *packet)
{
    struct _TP_CALLBACK_INSTANCE instance = {0};
    if (packet->lpCompletionKey == KEY_WORK) {
        (void)((WL_WORK_ROUTINE)packet->Internal)(packet->lpOverlapped);
    } else if (packet->lpCompletionKey == KEY_SIMPLE) {
        ((PTP_SIMPLE_CALLBACK)packet->Internal)(&instance, packet->lpOverlapped);
    } else {
        io_run((PTP_IO)packet->lpCompletionKey, packet);
    }
}

static void *pool_main(void *argument);

/* The program's handlers must not run on a thread that it does not know. */
static bool thread_start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t old;
    int rc;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, &attributes, pool_main, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return rc == 0;
}

/* Nobody waits at the port, where a packet lies. */
static void pool_starved(void)
{
    pthread_mutex_lock(&pool_lock);
    if (pool_starting == 0 && pool_threads < POOL_THREADS) {
        pool_starting++;
        pool_threads++;
        if (!thread_start()) {
            pool_starting--;
            pool_threads--;
        }
    }
    pthread_mutex_unlock(&pool_lock);
}

static void *pool_main(void *argument)
{
    struct ws2_thread *self = ws2_thread_self();
    OVERLAPPED_ENTRY packet;
    ULONG removed;
    (void)argument;
    pthread_mutex_lock(&pool_lock);
    pool_starting--;
    pthread_mutex_unlock(&pool_lock);
    while (self != NULL && ws2_port_remove(pool_port, self, &packet, 1, &removed, POOL_IDLE_MS, false) == 0) {
        /* What came while this thread was on its way counted on it. */
        if (ws2_port_is_starved(pool_port)) {
            pool_starved();
        }
        packet_run(&packet);
    }
    pthread_mutex_lock(&pool_lock);
    pool_threads--;
    pthread_mutex_unlock(&pool_lock);
    /* What came while all threads were there could not start one, although some were on their way out. */
    if (self != NULL && ws2_port_is_starved(pool_port)) {
        pool_starved();
    }
    return NULL;
}

/* The pool's port, made at the first call; NULL when memory is short. */
static struct ws2_port *pool_get(void)
{
    struct ws2_port *port;
    pthread_mutex_lock(&pool_lock);
    if (pool_port == NULL) {
        pool_port = ws2_port_new(0);
        if (pool_port != NULL) {
            pool_port->starved = pool_starved;
        }
    }
    port = pool_port;
    pthread_mutex_unlock(&pool_lock);
    return port;
}

/* ---- work items ---- */

static BOOL fail(DWORD code)
{
    SetLastError(code);
    return FALSE;
}

static BOOL submit(ULONG_PTR key, ULONG_PTR function, PVOID context)
{
    const OVERLAPPED_ENTRY packet = {key, (LPOVERLAPPED)context, function, 0};
    struct ws2_port *port = function == 0 ? NULL : pool_get();
    if (function == 0) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    return port != NULL && ws2_port_post(port, &packet) ? TRUE : fail(ERROR_NOT_ENOUGH_MEMORY);
}

/**
 * Have a function called on a thread of the pool.
 *
 * @param flags  WT_EXECUTE*: hints, not looked at.
 * @return       FALSE with ERROR_INVALID_PARAMETER (NULL) or ERROR_NOT_ENOUGH_MEMORY.
 */
BOOL WINAPI QueueUserWorkItem(WL_WORK_ROUTINE routine, PVOID context, ULONG flags)
{
    (void)flags;
    return submit(KEY_WORK, (ULONG_PTR)routine, context);
}

/** As QueueUserWorkItem. @param environment  NULL; else ERROR_NOT_SUPPORTED. */
BOOL WINAPI TrySubmitThreadpoolCallback(PTP_SIMPLE_CALLBACK callback, PVOID context, PTP_CALLBACK_ENVIRON environment)
{
    if (environment != NULL) {
        return fail(ERROR_NOT_SUPPORTED);
    }
    return submit(KEY_SIMPLE, (ULONG_PTR)callback, context);
}

/* ---- overlapped operations ---- */

/* A packet is about to be queued. The pool's port is never closed: io_run or WaitForThreadpoolIoCallbacks ends it. */
static void key_hold(ULONG_PTR key)
{
    PTP_IO io = (PTP_IO)key;
    atomic_fetch_add_explicit(&io->refs, 1, memory_order_relaxed);
    pthread_mutex_lock(&io->lock);
    io->pending++;
    pthread_mutex_unlock(&io->lock);
}

/* The link's share: the file is closed. */
static void key_drop(ULONG_PTR key)
{
    io_unref((PTP_IO)key);
}

/* With a reference for the link and one for the caller, or NULL with the last error set. */
static PTP_IO io_make(HANDLE file, PTP_WIN32_IO_CALLBACK callback, LPOVERLAPPED_COMPLETION_ROUTINE routine,
                      PVOID context)
{
    struct ws2_port *port = pool_get();
    PTP_IO io = port == NULL ? NULL : (PTP_IO)calloc(1, sizeof *io);
    struct ws2_port_link link = {port, (ULONG_PTR)io, key_hold, key_drop};
    DWORD code;
    if (io == NULL) {
        (void)fail(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    atomic_init(&io->refs, 2);
    io->callback = callback;
    io->routine = routine;
    io->context = context;
    pthread_mutex_init(&io->lock, NULL);
    pthread_cond_init(&io->changed, NULL);
    code = ws2_port_associate(file, &link);
    if (code != 0) {
        io_unref(io);
        io_unref(io);
        (void)fail(code);
        return NULL;
    }
    return io;
}

/**
 * Have a function called, on a thread of the pool, at the end of each overlapped operation on a socket or file.
 *
 * @param routine  Is given the Win32 code, the bytes and the structure.
 * @param flags    WT_EXECUTE*: hints, not looked at.
 * @return         FALSE with ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (it has a port already; NULL) or
 *                 ERROR_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread.
 */
BOOL WINAPI BindIoCompletionCallback(HANDLE file, LPOVERLAPPED_COMPLETION_ROUTINE routine, ULONG flags)
{
    PTP_IO io;
    (void)flags;
    if (routine == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    io = io_make(file, NULL, routine, NULL);
    if (io != NULL) {
        io_unref(io);
    }
    return io != NULL;
}

/**
 * The same, with a context, and with a count of what is under way.
 *
 * @param callback     Is given the Win32 code.
 * @param environment  NULL; else ERROR_NOT_SUPPORTED.
 * @return             To be closed with CloseThreadpoolIo; NULL as BindIoCompletionCallback.
 *
 * Context: any thread.
 */
PTP_IO WINAPI CreateThreadpoolIo(HANDLE file, PTP_WIN32_IO_CALLBACK callback, PVOID context,
                                 PTP_CALLBACK_ENVIRON environment)
{
    if (callback == NULL || environment != NULL) {
        (void)fail(callback == NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
        return NULL;
    }
    return io_make(file, callback, NULL, context);
}

/** Before each overlapped call on the file: a callback is to be expected. */
void WINAPI StartThreadpoolIo(PTP_IO io)
{
    pthread_mutex_lock(&io->lock);
    io->started++;
    pthread_mutex_unlock(&io->lock);
}

/** That call failed, or succeeded without a packet: there is no callback. */
void WINAPI CancelThreadpoolIo(PTP_IO io)
{
    pthread_mutex_lock(&io->lock);
    io_started_less(io, 1);
    pthread_mutex_unlock(&io->lock);
}

/**
 * Wait for the callbacks of what was started.
 *
 * @param cancel_pending  Those whose packets are queued do not run any more; wait only for those that are running. What
 *                        has not ended yet has its callback when it does. A packet that a thread has in hand runs.
 *
 * Context: any thread but a callback of this object's.
 */
void WINAPI WaitForThreadpoolIoCallbacks(PTP_IO io, BOOL cancel_pending)
{
    unsigned dropped = cancel_pending ? ws2_port_drop(pool_get(), (ULONG_PTR)io) : 0;
    unsigned i;
    pthread_mutex_lock(&io->lock);
    if (dropped > 0) {
        io_ended(io, dropped);
    }
    while (cancel_pending ? io->pending > 0 : io->started > 0) {
        pthread_cond_wait(&io->changed, &io->lock);
    }
    pthread_mutex_unlock(&io->lock);
    for (i = 0; i < dropped; i++) {
        io_unref(io);
    }
}

/** The pointer is not used any more; callbacks that are still to come do come. Context: any thread, callbacks too. */
void WINAPI CloseThreadpoolIo(PTP_IO io)
{
    io_unref(io);
}

/*
 * Questions asked in the background: a thread for each, at most 64 at a time, ended and waited for by the last WSACleanup.
 * Source: rules WS2-52, A.19.10 to A.19.14, NSPX-7.
 */
#include "ws2_work.h"

#define WORKERS 64

struct worker {
    atomic_bool taken;
    HANDLE thread; /* written by who takes the place */
    atomic_uint thread_id;
    struct ws2_work *work;
};

static struct worker workers[WORKERS];

static DWORD WINAPI worker_main(LPVOID context)
{
    struct worker *worker = (struct worker *)context;
    struct ws2_work *work = worker->work;
    atomic_store_explicit(&worker->thread_id, GetCurrentThreadId(), memory_order_release);
    work->run(work);
    ws2_ticket_drop(&work->ticket);
    return 0;
}

/* A place that nobody has, or whose thread has ended. */
static struct worker *worker_take(void)
{
    unsigned i;
    for (i = 0; i < WORKERS; i++) {
        struct worker *worker = &workers[i];
        if (atomic_exchange_explicit(&worker->taken, true, memory_order_acquire)) {
            continue;
        }
        if (worker->thread == NULL) {
            return worker;
        }
        if (WaitForSingleObject(worker->thread, 0) == WAIT_OBJECT_0) {
            CloseHandle(worker->thread);
            worker->thread = NULL;
            return worker;
        }
        atomic_store_explicit(&worker->taken, false, memory_order_release);
    }
    return NULL;
}

/**
 * Let a thread run a question.
 *
 * @param work  With its ticket opened; the hold that ws2_ticket_open gave passes to the thread.
 * @return      false if there are too many, or no thread can be made: the hold stays the caller's.
 *
 * Context: any thread; does not wait.
 */
bool ws2_work_start(struct ws2_work *work)
{
    DWORD before = GetLastError();
    struct worker *worker = worker_take();
    bool started;
    if (worker == NULL) {
        return false;
    }
    worker->work = work;
    atomic_store_explicit(&worker->thread_id, 0, memory_order_relaxed);
    worker->thread = CreateThread(NULL, 0, worker_main, worker, 0, NULL);
    started = worker->thread != NULL;
    atomic_store_explicit(&worker->taken, false, memory_order_release);
    SetLastError(before);
    return started;
}

/**
 * Give a question up by its handle.
 *
 * @return  false if there is none of this kind, or it is answered.
 */
bool ws2_work_cancel(HANDLE handle, enum ws2_ticket_kind kind)
{
    struct ws2_work *work = (struct ws2_work *)(void *)ws2_ticket_hold(handle, kind);
    if (work == NULL) {
        return false;
    }
    ws2_live_cancel(&work->live);
    ws2_ticket_drop(&work->ticket);
    return true;
}

/* Tasks without a word; the others complete as cancelled. */
static void cancel_all(void)
{
    HANDLE handles[WORKERS];
    unsigned count = ws2_ticket_list(WS2_TICKET_INFO, handles, WORKERS);
    unsigned i;
    for (i = 0; i < count; i++) {
        (void)ws2_work_cancel(handles[i], WS2_TICKET_INFO);
    }
    count = ws2_ticket_list(WS2_TICKET_CHANGE, handles, WORKERS);
    for (i = 0; i < count; i++) {
        (void)ws2_work_cancel(handles[i], WS2_TICKET_CHANGE);
    }
    count = ws2_ticket_list(WS2_TICKET_TASK, handles, WORKERS);
    for (i = 0; i < count; i++) {
        (void)WSACancelAsyncRequest(handles[i]);
    }
}

/** The child of a fork has none of the threads. Context: fork handler. */
void ws2_work_forked(void)
{
    unsigned i;
    for (i = 0; i < WORKERS; i++) {
        workers[i].thread = NULL;
        atomic_store_explicit(&workers[i].taken, false, memory_order_relaxed);
    }
}

/**
 * End every question and wait for its thread, the calling one excepted.
 *
 * Context: before the last WSACleanup, holding no lock.
 */
void ws2_work_end_all(void)
{
    unsigned i;
    cancel_all();
    for (i = 0; i < WORKERS; i++) {
        struct worker *worker = &workers[i];
        if (atomic_exchange_explicit(&worker->taken, true, memory_order_acquire)) {
            continue; /* being started: it will find that Winsock has ended */
        }
        if (worker->thread != NULL &&
            atomic_load_explicit(&worker->thread_id, memory_order_acquire) != GetCurrentThreadId()) {
            WaitForSingleObject(worker->thread, INFINITE);
            CloseHandle(worker->thread);
            worker->thread = NULL;
        }
        atomic_store_explicit(&worker->taken, false, memory_order_release);
    }
}

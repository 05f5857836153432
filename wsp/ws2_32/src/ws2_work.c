/*
 * Questions asked in the background: a thread for each, at most 64 at a time; what is more waits for its turn. All are ended
 * and waited for by the last WSACleanup. Who waits to be told of changes may do so for ever, and has half of the threads at
 * most. Source: rules WS2-52, A.19.10 to A.19.14, NSPX-7.
 */
#include "ws2_work.h"

#include <stdlib.h>

#define WORKERS 64u
#define WATCHERS (WORKERS / 2u)
#define WAITING_MAX 4096u

/* A thread's place. The last one's thread ends only what was given up while it waited. */
struct worker {
    bool running;  /* until its thread has decided to end */
    HANDLE thread; /* NULL: none, or somebody waits for its end */
    unsigned thread_id;
    struct ws2_work *work;
};

/* All under ws2_os_names_mutex. */
static struct worker workers[WORKERS + 1];
static struct ws2_work *waiting;
static unsigned waiting_count;
static unsigned watchers;

static struct worker *reserve(void)
{
    return &workers[WORKERS];
}

static void waiting_append(struct ws2_work *work)
{
    struct ws2_work **at = &waiting;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    work->next = NULL;
    work->waits = true;
    *at = work;
    waiting_count++;
}

/* The first that waits, or the first of these that was given up; NULL: none. */
static struct ws2_work *waiting_take(bool cancelled)
{
    struct ws2_work **at = &waiting;
    struct ws2_work *work;
    while (*at != NULL && cancelled && !atomic_load_explicit(&(*at)->live.cancelled, memory_order_acquire)) {
        at = &(*at)->next;
    }
    work = *at;
    if (work != NULL) {
        *at = work->next;
        work->waits = false;
        waiting_count--;
    }
    return work;
}

static DWORD WINAPI worker_main(LPVOID context)
{
    struct worker *worker = (struct worker *)context;
    bool more;
    ws2_os_lock(ws2_os_names_mutex());
    worker->thread_id = GetCurrentThreadId();
    ws2_os_unlock(ws2_os_names_mutex());
    do {
        bool watched = worker->work->ticket.kind == WS2_TICKET_CHANGE;
        worker->work->run(worker->work);
        ws2_ticket_drop(&worker->work->ticket);
        ws2_os_lock(ws2_os_names_mutex());
        watchers -= watched ? 1 : 0;
        worker->work = waiting_take(worker == reserve());
        more = worker->work != NULL;
        worker->running = more;
        ws2_os_unlock(ws2_os_names_mutex());
    } while (more);
    return 0;
}

/* With the lock: a place without a thread, or whose thread is at its end; NULL: there is none. */
static struct worker *worker_take(void)
{
    unsigned i;
    for (i = 0; i < WORKERS; i++) {
        if (!workers[i].running) {
            return &workers[i];
        }
    }
    return NULL;
}

/* With the lock, which is let go of: the thread of a place that is not running. */
static bool worker_start(struct worker *worker, struct ws2_work *work)
{
    HANDLE before = worker->thread;
    bool started;
    worker->work = work;
    worker->thread_id = 0;
    worker->thread = CreateThread(NULL, 0, worker_main, worker, 0, NULL); /* begins with the lock */
    started = worker->thread != NULL;
    worker->running = started;
    ws2_os_unlock(ws2_os_names_mutex());
    if (before != NULL) { /* it decided to end, and does nothing more */
        WaitForSingleObject(before, INFINITE);
        CloseHandle(before);
    }
    return started;
}

/**
 * Let a thread run a question, now or when one has time.
 *
 * @param work  With its ticket opened; the hold that ws2_ticket_open gave passes to the thread.
 * @return      false if too many wait, or no thread can be made: the hold stays the caller's.
 *
 * Context: any thread; does not wait.
 */
bool ws2_work_start(struct ws2_work *work)
{
    DWORD before = GetLastError();
    const bool watches = work->ticket.kind == WS2_TICKET_CHANGE;
    struct worker *worker;
    bool started;
    ws2_os_lock(ws2_os_names_mutex());
    worker = watches && watchers == WATCHERS ? NULL : worker_take();
    if (worker == NULL) {
        started = !watches && waiting_count < WAITING_MAX;
        if (started) {
            waiting_append(work);
        }
        ws2_os_unlock(ws2_os_names_mutex());
        SetLastError(before);
        return started;
    }
    watchers += watches ? 1 : 0;
    started = worker_start(worker, work);
    if (!started && watches) {
        ws2_os_lock(ws2_os_names_mutex());
        watchers--;
        ws2_os_unlock(ws2_os_names_mutex());
    }
    SetLastError(before);
    return started;
}

/** Give a question up: it ends soon, also if it has not had its turn. Context: who holds its ticket, holding no lock. */
void ws2_work_give_up(struct ws2_work *work)
{
    struct ws2_work *ended;
    ws2_live_cancel(&work->live);
    ws2_os_lock(ws2_os_names_mutex());
    ended = work->waits && !reserve()->running ? waiting_take(true) : NULL;
    if (ended == NULL) {
        ws2_os_unlock(ws2_os_names_mutex());
    } else if (!worker_start(reserve(), ended)) {
        ws2_os_lock(ws2_os_names_mutex());
        waiting_append(ended);
        ws2_os_unlock(ws2_os_names_mutex());
    }
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
    ws2_work_give_up(work);
    ws2_ticket_drop(&work->ticket);
    return true;
}

/* Tasks without a word; the others complete as cancelled. */
static void cancel_all(void)
{
    const unsigned room = WORKERS + WAITING_MAX + 1;
    HANDLE *handles = (HANDLE *)calloc(room, sizeof *handles);
    unsigned count;
    unsigned i;
    if (handles == NULL) {
        return; /* they end when they are answered */
    }
    count = ws2_ticket_list(WS2_TICKET_INFO, handles, room);
    for (i = 0; i < count; i++) {
        (void)ws2_work_cancel(handles[i], WS2_TICKET_INFO);
    }
    count = ws2_ticket_list(WS2_TICKET_CHANGE, handles, room);
    for (i = 0; i < count; i++) {
        (void)ws2_work_cancel(handles[i], WS2_TICKET_CHANGE);
    }
    count = ws2_ticket_list(WS2_TICKET_TASK, handles, room);
    for (i = 0; i < count; i++) {
        (void)WSACancelAsyncRequest(handles[i]);
    }
    free(handles);
}

/** The child of a fork has none of the threads. Context: fork handler. */
void ws2_work_forked(void)
{
    unsigned i;
    for (i = 0; i <= WORKERS; i++) {
        workers[i].thread = NULL;
        workers[i].running = false;
    }
    waiting = NULL;
    waiting_count = 0;
    watchers = 0;
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
    for (i = 0; i <= WORKERS; i++) {
        struct worker *worker = &workers[i];
        HANDLE thread;
        ws2_os_lock(ws2_os_names_mutex());
        thread = worker->thread_id != GetCurrentThreadId() ? worker->thread : NULL;
        worker->thread = thread != NULL ? NULL : worker->thread;
        ws2_os_unlock(ws2_os_names_mutex());
        if (thread != NULL) {
            WaitForSingleObject(thread, INFINITE);
            CloseHandle(thread);
        }
    }
}

/*
 * Telling programs that the catalogue has changed: by this process or by another, so that the file itself is looked at.
 * Source: rule WSC2-13.
 */
#include "ws2_upcall_priv.h"
#include "ws2_work.h"

#include <stdlib.h>
#include <string.h>

#define HANDLES 16
#define LOOK_EVERY_MS 50

/* What a program has seen of the catalogue, by the event that stands for it. */
static struct seen {
    HANDLE handle;
    uint64_t stamp;
} seen[HANDLES]; /* under ws2_os_names_mutex */

struct change {
    struct ws2_work work;
    HANDLE ticket;
    HANDLE handle; /* the program's */
    uint64_t stamp;
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    WSATHREADID thread;
};

/* A routine that runs in the program's thread. */
struct told {
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    DWORD code;
};

static void change_release(struct ws2_ticket *ticket)
{
    free(ticket);
}

static uint64_t stamp_now(void)
{
    char path[WS2_PATH_BYTES];
    bool named;
    return ws2_catalog_path(path, sizeof path, &named) ? ws2_os_file_stamp(path) : 0;
}

static struct seen *seen_find(HANDLE handle)
{
    unsigned i;
    for (i = 0; i < HANDLES; i++) {
        if (seen[i].handle == handle) {
            return &seen[i];
        }
    }
    return NULL;
}

static void seen_set(HANDLE handle, uint64_t stamp)
{
    struct seen *at;
    ws2_os_lock(ws2_os_names_mutex());
    at = seen_find(handle);
    if (at != NULL) {
        at->stamp = stamp;
    }
    ws2_os_unlock(ws2_os_names_mutex());
}

/* A handle of a program that closed its own without a word is taken by the next. */
static int handle_make(HANDLE *out)
{
    static unsigned next;
    HANDLE handle = CreateEventA(NULL, TRUE, FALSE, NULL);
    uint64_t stamp = stamp_now();
    struct seen *at;
    if (handle == NULL) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    ws2_os_lock(ws2_os_names_mutex());
    at = seen_find(NULL);
    if (at == NULL) {
        at = &seen[next++ % HANDLES];
    }
    at->handle = handle;
    at->stamp = stamp;
    ws2_os_unlock(ws2_os_names_mutex());
    *out = handle;
    return 0;
}

static void CALLBACK routine_run(DWORD_PTR context)
{
    struct told *told = (struct told *)context;
    const struct told copy = *told;
    free(told);
    copy.routine(copy.code, 0, copy.overlapped, 0);
}

static void change_tell(struct change *change, DWORD code)
{
    struct told *told;
    int error;
    change->overlapped->InternalHigh = 0;
    atomic_store_explicit((_Atomic ULONG_PTR *)&change->overlapped->Internal, code, memory_order_release);
    if (change->routine == NULL) {
        if (change->overlapped->hEvent != NULL) {
            WSASetEvent(change->overlapped->hEvent);
        }
        return;
    }
    told = (struct told *)malloc(sizeof *told);
    if (told != NULL) {
        *told = (struct told){change->overlapped, change->routine, code};
        if (ws2_upcall_queue_apc(&change->thread, routine_run, (DWORD_PTR)told, &error) != 0) {
            free(told);
        }
    }
}

/* Until the file is another. @return false if somebody ended the wait. */
static bool wait_for_change(const struct ws2_live *live, uint64_t *stamp)
{
    uint64_t before = *stamp;
    while ((*stamp = stamp_now()) == before) {
        if (!ws2_started() || (live != NULL && atomic_load_explicit(&live->cancelled, memory_order_acquire))) {
            return false;
        }
        Sleep(LOOK_EVERY_MS);
    }
    return true;
}

static void change_run(struct ws2_work *work)
{
    struct change *change = (struct change *)(void *)work;
    bool changed = wait_for_change(&work->live, &change->stamp);
    struct ws2_ticket *ticket = ws2_ticket_close(change->ticket, WS2_TICKET_CHANGE);
    if (changed) {
        seen_set(change->handle, change->stamp);
    }
    change_tell(change, changed ? 0 : WSA_OPERATION_ABORTED);
    if (ticket != NULL) {
        ws2_ticket_drop(ticket);
    }
}

static int change_start(const struct seen *from, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct change *change = (struct change *)calloc(1, sizeof *change);
    struct ws2_ticket *ticket;
    if (change == NULL || (routine != NULL && !ws2_thread_self_id(&change->thread))) {
        free(change);
        return WSA_NOT_ENOUGH_MEMORY;
    }
    change->handle = from->handle;
    change->stamp = from->stamp;
    change->overlapped = overlapped;
    change->routine = routine;
    change->work.run = change_run;
    overlapped->Internal = WSS_OPERATION_IN_PROGRESS;
    change->ticket = ws2_ticket_open(&change->work.ticket, WS2_TICKET_CHANGE, change_release);
    if (ws2_work_start(&change->work)) {
        return WSA_IO_PENDING;
    }
    ticket = ws2_ticket_close(change->ticket, WS2_TICKET_CHANGE);
    if (ticket != NULL) {
        ws2_ticket_drop(ticket);
    }
    ws2_ticket_drop(&change->work.ticket);
    return WSA_NOT_ENOUGH_MEMORY;
}

/**
 * Be told of a change of the catalogue, by installing, removing or reordering of providers of either kind.
 *
 * @param notification  NULL in it: a handle is made, from which changes count; the program closes it with CloseHandle.
 *                      With such a handle the call waits for a change since the last one.
 * @param overlapped    Without it the call waits itself. With it: event, or routine in an alertable wait of this thread.
 * @return              0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (NULL), WSA_INVALID_HANDLE,
 *                      WSA_NOT_ENOUGH_MEMORY, WSA_IO_PENDING, WSA_OPERATION_ABORTED (the last WSACleanup).
 */
INT WSAAPI WSAProviderConfigChange(LPHANDLE notification, LPWSAOVERLAPPED overlapped,
                                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct seen copy = {NULL, 0};
    const struct seen *at;
    int code;
    if (!ws2_started() || notification == NULL) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    if (*notification == NULL) {
        code = handle_make(notification);
        return code == 0 ? 0 : ws2_fail(code);
    }
    ws2_os_lock(ws2_os_names_mutex());
    at = seen_find(*notification);
    copy = at != NULL ? *at : copy;
    ws2_os_unlock(ws2_os_names_mutex());
    if (copy.handle == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    if (overlapped != NULL) {
        return ws2_fail(change_start(&copy, overlapped, routine));
    }
    if (!wait_for_change(NULL, &copy.stamp)) {
        return ws2_fail(WSA_OPERATION_ABORTED);
    }
    seen_set(copy.handle, copy.stamp);
    return 0;
}

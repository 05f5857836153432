/*
 * Names looked up in the background, for windows: the functions of 1.1 that post a message when they know. Under the task's
 * handle the answer is one block: structure, lists and texts. Source: rules WS2-52, A.19.10 to A.19.14.
 */
#include "ws2_names_priv.h"
#include "ws2_upcall_priv.h"
#include "ws2_work.h"

#include <stdlib.h>
#include <string.h>

#define ENDED 64

struct task {
    struct ws2_work work;
    struct ws2_name_query query;
    HANDLE handle;
    HWND window;
    UINT message;
    char *room;
    int room_bytes;
};

/* Tasks whose message was posted: to cancel one of these is WSAEALREADY. */
static _Atomic(HANDLE) ended[ENDED];
static atomic_uint ended_next;

static void task_release(struct ws2_ticket *ticket)
{
    free(ticket); /* the first member of the first member */
}

/* The answer into the program's buffer. 0 or the code; *need what it takes. */
static int task_answer(struct task *task, size_t *need)
{
    void *blob;
    int code = ws2_name_answer(&task->query, &task->work.live, &blob, need);
    if (code == 0 && (task->room == NULL || task->room_bytes < 0 || *need > (size_t)task->room_bytes)) {
        code = task->room == NULL && task->room_bytes > 0 ? WSAEFAULT : WSAENOBUFS;
    }
    if (code == 0) {
        memcpy(task->room, blob, *need);
        code = ws2_name_rebase(task->query.kind, task->room, *need) ? 0 : WSANO_RECOVERY;
    }
    free(blob);
    return code;
}

static void task_run(struct ws2_work *work)
{
    struct task *task = (struct task *)(void *)work;
    size_t need = 0;
    int code = task_answer(task, &need);
    struct ws2_ticket *ticket = ws2_ticket_close(task->handle, WS2_TICKET_TASK);
    if (ticket == NULL) {
        return; /* cancelled: nobody is told */
    }
    atomic_store_explicit(&ended[atomic_fetch_add_explicit(&ended_next, 1, memory_order_relaxed) % ENDED], task->handle,
                          memory_order_relaxed);
    (void)ws2_upcall_post_message(task->window, task->message, (WPARAM)task->handle,
                                  WSAMAKEASYNCREPLY(need > 0xffff ? 0xffff : need, code));
    ws2_ticket_drop(ticket);
}

/* What every function asks first. NULL with the last error set. */
static struct task *task_new(enum ws2_entry_kind kind, HWND window, u_int message)
{
    struct task *task = NULL;
    if (!ws2_started() || ws2_busy()) { /* a window that is none is not refused: nobody is told */
        ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEINPROGRESS);
        return NULL;
    }
    task = (struct task *)calloc(1, sizeof *task);
    if (task == NULL) {
        ws2_fail(WSAENOBUFS);
        return NULL;
    }
    task->work.run = task_run;
    task->query.kind = kind;
    task->window = window;
    task->message = message;
    return task;
}

static HANDLE task_refuse(struct task *task, int code)
{
    free(task);
    ws2_fail(code);
    return NULL;
}

static HANDLE task_start(struct task *task, char *buf, int bytes)
{
    HANDLE handle;
    task->room = buf;
    task->room_bytes = bytes;
    handle = ws2_ticket_open(&task->work.ticket, WS2_TICKET_TASK, task_release);
    task->handle = handle;
    if (!ws2_work_start(&task->work)) {
        struct ws2_ticket *ticket = ws2_ticket_close(handle, WS2_TICKET_TASK);
        if (ticket != NULL) {
            ws2_ticket_drop(ticket);
        }
        ws2_ticket_drop(&task->work.ticket);
        ws2_fail(WSAEWOULDBLOCK);
        return NULL;
    }
    return handle;
}

static bool copy_name(struct task *task, const char *name, const char *proto)
{
    if (strlen(name) >= sizeof task->query.name || (proto != NULL && strlen(proto) >= sizeof task->query.proto)) {
        return false;
    }
    memcpy(task->query.name, name, strlen(name) + 1);
    if (proto != NULL) {
        memcpy(task->query.proto, proto, strlen(proto) + 1);
    }
    task->query.by_name = true;
    return true;
}

/**
 * The addresses of a name, in the background.
 *
 * @param buf    Written before the message is posted; bytes of room, MAXGETHOSTSTRUCT is enough for most.
 * @return       The task's handle, which the message has in wParam; in lParam the error and, with WSAENOBUFS, the size
 *               needed. NULL with WSANOTINITIALISED, WSAEINVAL (window), WSAEFAULT (name), WSAEWOULDBLOCK (too many tasks),
 *               WSAENOBUFS.
 *
 * Context: any thread; does not wait. The window's thread gets the message.
 */
HANDLE WSAAPI WSAAsyncGetHostByName(HWND window, u_int message, const char *name, char *buf, int bytes)
{
    struct task *task = task_new(WS2_ENTRY_HOST, window, message);
    if (task == NULL) {
        return NULL;
    }
    return name == NULL || !copy_name(task, name, NULL) ? task_refuse(task, WSAEFAULT) : task_start(task, buf, bytes);
}

/** The name of an address. As WSAAsyncGetHostByName; WSAEAFNOSUPPORT for a type that is none of ours. */
HANDLE WSAAPI WSAAsyncGetHostByAddr(HWND window, u_int message, const char *addr, int len, int type, char *buf,
                                    int bytes)
{
    struct task *task = task_new(WS2_ENTRY_HOST, window, message);
    int need = type == AF_INET ? 4 : 16;
    if (task == NULL) {
        return NULL;
    }
    if ((type != AF_INET && type != AF_INET6) || addr == NULL || len < need) {
        return task_refuse(task, type != AF_INET && type != AF_INET6 ? WSAEAFNOSUPPORT : WSAEFAULT);
    }
    task->query.family = type;
    memcpy(task->query.addr, addr, (size_t)need);
    return task_start(task, buf, bytes);
}

/** A service by name; proto may be NULL. As WSAAsyncGetHostByName. */
HANDLE WSAAPI WSAAsyncGetServByName(HWND window, u_int message, const char *name, const char *proto, char *buf,
                                    int bytes)
{
    struct task *task = task_new(WS2_ENTRY_SERVICE, window, message);
    if (task == NULL) {
        return NULL;
    }
    return name == NULL || !copy_name(task, name, proto) ? task_refuse(task, WSAEFAULT) : task_start(task, buf, bytes);
}

/** A service by port, in network order; proto may be NULL. As WSAAsyncGetHostByName. */
HANDLE WSAAPI WSAAsyncGetServByPort(HWND window, u_int message, int port, const char *proto, char *buf, int bytes)
{
    struct task *task = task_new(WS2_ENTRY_SERVICE, window, message);
    if (task == NULL) {
        return NULL;
    }
    if (!copy_name(task, "", proto)) {
        return task_refuse(task, WSAEFAULT);
    }
    task->query.by_name = false;
    task->query.number = port;
    return task_start(task, buf, bytes);
}

/** A protocol by name. As WSAAsyncGetHostByName. */
HANDLE WSAAPI WSAAsyncGetProtoByName(HWND window, u_int message, const char *name, char *buf, int bytes)
{
    struct task *task = task_new(WS2_ENTRY_PROTOCOL, window, message);
    if (task == NULL) {
        return NULL;
    }
    return name == NULL || !copy_name(task, name, NULL) ? task_refuse(task, WSAEFAULT) : task_start(task, buf, bytes);
}

/** A protocol by number. As WSAAsyncGetHostByName. */
HANDLE WSAAPI WSAAsyncGetProtoByNumber(HWND window, u_int message, int number, char *buf, int bytes)
{
    struct task *task = task_new(WS2_ENTRY_PROTOCOL, window, message);
    if (task == NULL) {
        return NULL;
    }
    task->query.number = number;
    return task_start(task, buf, bytes);
}

static bool has_ended(HANDLE handle)
{
    unsigned i;
    for (i = 0; i < ENDED; i++) {
        if (handle != NULL && atomic_load_explicit(&ended[i], memory_order_relaxed) == handle) {
            return true;
        }
    }
    return false;
}

/**
 * Give a task up: no message comes.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEALREADY (its message was posted), WSAEINVAL (no such task).
 *
 * Source: rule A.19.14.
 */
int WSAAPI WSACancelAsyncRequest(HANDLE handle)
{
    struct task *task;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    task = (struct task *)(void *)ws2_ticket_close(handle, WS2_TICKET_TASK);
    if (task == NULL) {
        return ws2_fail(has_ended(handle) ? WSAEALREADY : WSAEINVAL);
    }
    ws2_work_give_up(&task->work);
    ws2_ticket_drop(&task->work.ticket);
    return 0;
}

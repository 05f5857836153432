/*
 * What all handles have in common, Linux: CloseHandle, DuplicateHandle, GetFileType, what the end of a handle releases.
 */
#include "ws2_file_priv.h"
#include "ws2_iocp_priv.h"

#include <stdlib.h>
#include <sys/stat.h>

static void event_unref(struct ws2_event *event)
{
    if (atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) == 1) {
        ws2_mutex_forget(event);
        ws2_event_destroy(event);
        free(event);
    }
}

void ws2_object_release(enum ws2_kind kind, void *object)
{
    if (kind == WS2_KIND_EVENT || kind == WS2_KIND_SEMAPHORE || kind == WS2_KIND_MUTEX) {
        event_unref((struct ws2_event *)object);
    } else if (kind == WS2_KIND_THREAD) {
        ws2_thread_unref((struct ws2_thread *)object);
    } else if (kind == WS2_KIND_WINDOW) {
        ws2_window_release((struct ws2_window *)object);
    } else if (kind == WS2_KIND_FILE) {
        ws2_file_release((struct ws2_file *)object);
    } else if (kind == WS2_KIND_PORT) {
        ws2_port_unref((struct ws2_port *)object);
    } else if (kind == WS2_KIND_SOCKET) {
        ws2_port_link_release((struct ws2_port_link *)object);
    }
}

static bool port_close(uintptr_t handle)
{
    struct ws2_slot *slot = ws2_handle_pin(handle, WS2_KIND_PORT);
    bool closed = slot != NULL && ws2_handle_close(handle, WS2_KIND_PORT);
    if (closed) {
        ws2_port_handle_closed((struct ws2_port *)slot->object);
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    return closed;
}

/**
 * Close a handle. A socket's is closed as by closesocket.
 *
 * @return  FALSE with ERROR_INVALID_HANDLE if it is open no more, or a window's. Waits in progress keep the object.
 */
BOOL WINAPI CloseHandle(HANDLE object)
{
    enum ws2_kind kind = ws2_handle_kind((uintptr_t)object);
    bool closed = false;
    if (kind == WS2_KIND_SOCKET) {
        closed = ws2_socket_close_handle((SOCKET)object);
    } else if (kind == WS2_KIND_PORT) {
        closed = port_close((uintptr_t)object);
    } else if (kind != WS2_KIND_WINDOW && kind != WS2_KIND_FREE) {
        closed = ws2_handle_close((uintptr_t)object, kind);
    }
    return closed ? TRUE : ws2_file_fail(ERROR_INVALID_HANDLE);
}

static void object_ref(const struct ws2_slot *slot)
{
    atomic_uint *refs = &((struct ws2_event *)slot->object)->refs;
    if (slot->kind == WS2_KIND_THREAD) {
        refs = &((struct ws2_thread *)slot->object)->refs;
    } else if (slot->kind == WS2_KIND_FILE) {
        refs = &((struct ws2_file *)slot->object)->refs;
    } else if (slot->kind == WS2_KIND_PORT) {
        refs = &((struct ws2_port *)slot->object)->refs;
        atomic_fetch_add_explicit(&((struct ws2_port *)slot->object)->handles, 1, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* One more handle of what a pinned slot is a handle of; 0: there is no room. The kind is the slot's. */
static uint32_t handle_copy(const struct ws2_slot *slot)
{
    struct ws2_slot *copy = ws2_handle_open(slot->kind);
    uint32_t handle;
    if (copy == NULL) {
        return 0;
    }
    object_ref(slot);
    copy->object = slot->object;
    handle = ws2_handle_value(copy);
    ws2_handle_publish(copy);
    return handle;
}

/*
 * Make another handle of an event, a thread, a file or a port, within the process. The object lives until the last one is closed.
 *
 * @param from, to  GetCurrentProcess().
 * @param out       The handle, to be closed by the caller.
 * @param rights    Without DUPLICATE_SAME_ACCESS: EVENT_MODIFY_STATE is a right that only events give.
 * @return          FALSE with ERROR_INVALID_HANDLE (none of these), ERROR_ACCESS_DENIED (another process, or
 *                  the rights), ERROR_INVALID_PARAMETER (out NULL) or ERROR_NOT_ENOUGH_MEMORY.
 */
static BOOL handle_duplicate(HANDLE from, HANDLE object, HANDLE to, LPHANDLE out, DWORD rights, DWORD options)
{
    struct ws2_slot *slot;
    uint32_t handle = 0;
    DWORD code = 0;
    if (out == NULL || from != GetCurrentProcess() || to != GetCurrentProcess()) {
        SetLastError(out == NULL ? ERROR_INVALID_PARAMETER : ERROR_ACCESS_DENIED);
        return FALSE;
    }
    slot = ws2_wait_pin((HANDLE)ws2_thread_handle(object));
    slot = slot != NULL ? slot : ws2_handle_pin((uintptr_t)object, WS2_KIND_PORT);
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
        return FALSE;
    }
    if ((options & DUPLICATE_SAME_ACCESS) == 0 && (rights & EVENT_MODIFY_STATE) != 0 && slot->kind != WS2_KIND_EVENT) {
        code = ERROR_ACCESS_DENIED;
    } else {
        handle = handle_copy(slot);
        code = handle == 0 ? ERROR_NOT_ENOUGH_MEMORY : 0;
    }
    ws2_handle_unpin(slot);
    if (code != 0) {
        SetLastError(code);
        return FALSE;
    }
    *out = (HANDLE)(uintptr_t)handle;
    return TRUE;
}

/**
 * As handle_duplicate says; with DUPLICATE_CLOSE_SOURCE the source is closed whatever became of the copy.
 *
 * Context: any thread; does not wait.
 */
BOOL WINAPI DuplicateHandle(HANDLE from, HANDLE object, HANDLE to, LPHANDLE out, DWORD rights, BOOL inherit,
                            DWORD options)
{
    BOOL done = handle_duplicate(from, object, to, out, rights, options);
    DWORD code = GetLastError();
    (void)inherit;
    if ((options & DUPLICATE_CLOSE_SOURCE) != 0 && from == GetCurrentProcess()) {
        (void)CloseHandle(object);
        SetLastError(code);
    }
    return done;
}

/**
 * Create an unnamed semaphore: something to wait for that is signalled while its count is not 0; each wait takes one.
 *
 * @param name  Named objects do not exist here: ignored.
 * @return      A handle to be closed, or NULL with ERROR_INVALID_PARAMETER or ERROR_NOT_ENOUGH_MEMORY.
 */
HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum, LPCWSTR name)
{
    struct ws2_event *event;
    struct ws2_slot *slot;
    uint32_t handle;
    (void)attributes;
    (void)name;
    if (maximum <= 0 || initial < 0 || initial > maximum) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    event = (struct ws2_event *)malloc(sizeof *event);
    slot = event == NULL ? NULL : ws2_handle_open(WS2_KIND_SEMAPHORE);
    if (slot == NULL) {
        free(event);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    ws2_event_init(event, false, false);
    atomic_store(&event->signalled, (unsigned)initial);
    event->most = (unsigned)maximum;
    slot->object = event;
    handle = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return (HANDLE)(uintptr_t)handle;
}

/** As CreateSemaphoreW. */
HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum, LPCSTR name)
{
    (void)name;
    return CreateSemaphoreW(attributes, initial, maximum, NULL);
}

/**
 * Add to a semaphore's count.
 *
 * @param before  What it was; may be NULL.
 * @return        FALSE with ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (count) or ERROR_TOO_MANY_POSTS: nothing is added.
 */
BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LPLONG before)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)semaphore, WS2_KIND_SEMAPHORE);
    unsigned was = 0;
    bool done;
    if (slot == NULL || count <= 0) {
        if (slot != NULL) {
            ws2_handle_unpin(slot);
        }
        return ws2_file_fail(slot == NULL ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
    }
    done = ws2_event_add((struct ws2_event *)slot->object, (unsigned)count, &was);
    ws2_handle_unpin(slot);
    if (done && before != NULL) {
        *before = (LONG)was;
    }
    return done ? TRUE : ws2_file_fail(ERROR_TOO_MANY_POSTS);
}

/** What is behind a handle: FILE_TYPE_DISK, _CHAR, _PIPE (sockets too), or FILE_TYPE_UNKNOWN with ERROR_INVALID_HANDLE. */
DWORD WINAPI GetFileType(HANDLE file)
{
    struct ws2_slot *slot;
    struct stat info;
    int rc;
    if (ws2_handle_kind((uintptr_t)file) == WS2_KIND_SOCKET) {
        return FILE_TYPE_PIPE;
    }
    slot = ws2_handle_pin((uintptr_t)file, WS2_KIND_FILE);
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
        return FILE_TYPE_UNKNOWN;
    }
    rc = fstat(((struct ws2_file *)slot->object)->fd, &info);
    ws2_handle_unpin(slot);
    if (rc != 0 || S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)) {
        return FILE_TYPE_DISK;
    }
    return S_ISCHR(info.st_mode) ? FILE_TYPE_CHAR : FILE_TYPE_PIPE;
}

/** Nothing is inherited: the flags are 0. @return FALSE with ERROR_INVALID_HANDLE or ERROR_INVALID_PARAMETER (NULL). */
BOOL WINAPI GetHandleInformation(HANDLE object, LPDWORD flags)
{
    if (flags == NULL || ws2_handle_kind((uintptr_t)object) == WS2_KIND_FREE) {
        return ws2_file_fail(flags == NULL ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE);
    }
    *flags = 0;
    return TRUE;
}

/** @return FALSE with ERROR_INVALID_HANDLE, or ERROR_NOT_SUPPORTED: a handle that child processes inherit is asked for. */
BOOL WINAPI SetHandleInformation(HANDLE object, DWORD mask, DWORD flags)
{
    if (ws2_handle_kind((uintptr_t)object) == WS2_KIND_FREE) {
        return ws2_file_fail(ERROR_INVALID_HANDLE);
    }
    return (mask & flags) == 0 ? TRUE : ws2_file_fail(ERROR_NOT_SUPPORTED);
}

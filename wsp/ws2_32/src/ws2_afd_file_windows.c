/*
 * What requests of the device are made on, Windows: a socket of ours, or a handle of the device itself. The kernel does not
 * tell which port a handle was associated with, so that is learnt as it is done (ws2_hook_windows.c), for the device's
 * handles as for sockets. A handle that was associated before the first socket was made is not known: nothing is
 * intercepted then. Its polls end in their structure and event alone.
 */
#include "ws2_afd_windows.h"

#include <stdlib.h>

#define OBJECT_BASIC 0

struct ws2_afd_file {
    struct ws2_afd_file *next;
    HANDLE handle;
    struct ws2_afd_target target;
};

typedef NTSTATUS(NTAPI *query_object_fn)(HANDLE, int, PVOID, ULONG, PULONG);
typedef NTSTATUS(NTAPI *ioctl_fn)(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, ULONG, PVOID, ULONG, PVOID, ULONG);

static SRWLOCK files_lock = SRWLOCK_INIT;
static struct ws2_afd_file *files;
static _Atomic uint64_t files_seen; /* a bit per handle value modulo 64 */

static uint64_t seen_bit(HANDLE handle)
{
    return (uint64_t)1 << ((uintptr_t)handle >> 2 & 63);
}

static bool is_seen(HANDLE handle)
{
    return (atomic_load_explicit(&files_seen, memory_order_relaxed) & seen_bit(handle)) != 0;
}

/*
 * Is a handle the device's? Its name tells on Windows, but Wine gives it none: so it is asked for a poll of no sockets, which
 * the device alone calls an invalid parameter. @return 0, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER: a file of another kind.
 */
static NTSTATUS device_check(HANDLE handle)
{
    ioctl_fn control = (ioctl_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtDeviceIoControlFile");
    uint64_t none[4] = {0};
    IO_STATUS_BLOCK iosb;
    NTSTATUS status = control == NULL ? WS2_STATUS_NOT_SUPPORTED
                                      : control(handle, NULL, NULL, NULL, &iosb, WS2_AFD_POLL, none, sizeof none, none,
                                                sizeof none);
    if (status == WS2_STATUS_INVALID_PARAMETER) {
        return 0;
    }
    return status == WS2_STATUS_INVALID_HANDLE ? status : WS2_STATUS_INVALID_PARAMETER;
}

/* files_lock held. */
static struct ws2_afd_file **file_place(HANDLE handle)
{
    struct ws2_afd_file **place = &files;
    while (*place != NULL && (*place)->handle != handle) {
        place = &(*place)->next;
    }
    return place;
}

/* files_lock held exclusively. NULL: no memory. */
static struct ws2_afd_file *file_make(HANDLE handle)
{
    struct ws2_afd_file *file = *file_place(handle);
    if (file == NULL) {
        file = (struct ws2_afd_file *)calloc(1, sizeof *file);
        if (file != NULL) {
            file->handle = handle;
            file->next = files;
            files = file;
            atomic_fetch_or_explicit(&files_seen, seen_bit(handle), memory_order_relaxed);
        }
    }
    return file;
}

/* Keep a handle of the device in mind: what was learnt of it, and that its end ends its polls. */
static NTSTATUS file_remember(HANDLE handle, struct ws2_afd_target *target)
{
    const struct ws2_afd_file *file;
    NTSTATUS status = 0;
    AcquireSRWLockExclusive(&files_lock);
    file = file_make(handle);
    if (file == NULL) {
        status = WS2_STATUS_NO_MEMORY;
    } else {
        *target = file->target;
        ws2_port_hold(target->port);
    }
    ReleaseSRWLockExclusive(&files_lock);
    return status;
}

/**
 * Where the end of a request of a file is told.
 *
 * @param target  Out; its port is to be given back with ws2_port_drop.
 * @return        0, STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER (a file of another kind), STATUS_NO_MEMORY.
 *
 * Context: any thread. A call into the kernel for a handle that was not seen before.
 */
NTSTATUS ws2_afd_target_get(HANDLE handle, struct ws2_afd_target *target)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_SOCKET);
    const struct ws2_afd_file *file;
    NTSTATUS status;
    *target = (struct ws2_afd_target){NULL, 0, 0};
    if (slot != NULL) {
        target->port = ws2_port_of(slot, &target->key, &target->modes);
        ws2_handle_unpin(slot);
        return 0;
    }
    if (is_seen(handle)) {
        AcquireSRWLockShared(&files_lock);
        file = *file_place(handle);
        if (file != NULL) {
            *target = file->target;
            ws2_port_hold(target->port);
        }
        ReleaseSRWLockShared(&files_lock);
        if (file != NULL) {
            return 0;
        }
    }
    status = device_check(handle);
    return status == 0 ? file_remember(handle, target) : status;
}

/**
 * The kernel has associated a file that is no socket of ours with a port: of the device's handles that is kept.
 *
 * Context: any thread; a call into the kernel, once a file.
 */
void ws2_afd_associated(HANDLE handle, HANDLE given, ULONG_PTR key)
{
    struct ws2_port *port = device_check(handle) == 0 ? ws2_port_get(given) : NULL;
    struct ws2_afd_file *file;
    if (port == NULL) {
        return;
    }
    AcquireSRWLockExclusive(&files_lock);
    file = file_make(handle);
    if (file != NULL && file->target.port == NULL) {
        file->target.port = port;
        file->target.key = key;
        port = NULL;
    }
    ReleaseSRWLockExclusive(&files_lock);
    ws2_port_drop(port);
}

/** Notification modes of a file that is no socket of ours. Context: any thread; one load where none is known. */
void ws2_afd_add_modes(HANDLE handle, ULONG modes)
{
    struct ws2_afd_file *file;
    if (!is_seen(handle)) {
        return;
    }
    AcquireSRWLockExclusive(&files_lock);
    file = *file_place(handle);
    if (file != NULL) {
        file->target.modes |= modes;
    }
    ReleaseSRWLockExclusive(&files_lock);
}

static bool has_other_handles(HANDLE handle)
{
    query_object_fn query = (query_object_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtQueryObject");
    /* The first three of PUBLIC_OBJECT_BASIC_INFORMATION: attributes, access, handles. */
    ULONG basic[14] = {0};
    return query != NULL && query(handle, OBJECT_BASIC, basic, sizeof basic, NULL) >= 0 && basic[2] > 1;
}

/**
 * The program is about to close a handle that may be the device's.
 *
 * @return  To be given to ws2_afd_closed, or NULL: none that is known.
 *
 * Context: any thread; one load where there is no such handle.
 */
struct ws2_afd_file *ws2_afd_closing(HANDLE handle)
{
    struct ws2_afd_file **place;
    struct ws2_afd_file *file;
    uint64_t seen = 0;
    if (!is_seen(handle)) {
        return NULL;
    }
    AcquireSRWLockExclusive(&files_lock);
    place = file_place(handle);
    file = *place;
    if (file != NULL) {
        const struct ws2_afd_file *other;
        *place = file->next;
        for (other = files; other != NULL; other = other->next) {
            seen |= seen_bit(other->handle);
        }
        atomic_store_explicit(&files_seen, seen, memory_order_relaxed);
    }
    ReleaseSRWLockExclusive(&files_lock);
    if (file != NULL && has_other_handles(handle)) {
        file->handle = NULL; /* its requests go on */
    }
    return file;
}

/**
 * What ws2_afd_closing found was closed: its polls end, if that was the last handle.
 *
 * Context: any thread that holds no lock.
 */
void ws2_afd_closed(struct ws2_afd_file *file, bool done)
{
    if (done && file->handle != NULL) {
        (void)ws2_afd_cancel(file->handle, 0, NULL);
    }
    ws2_port_drop(file->target.port);
    free(file);
}

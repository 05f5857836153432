/*
 * Files, Linux: CreateFile to SetEndOfFile.
 */
#include "ws2_file_priv.h"
#include "ws2_iocp_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Set the last error. @return  false, for a return statement. */
bool ws2_file_fail(DWORD code)
{
    SetLastError(code);
    return false;
}

/** The Win32 code for an errno. */
DWORD ws2_file_error(int error)
{
    static const struct {
        int error;
        DWORD code;
    } codes[] = {
        {ENOENT, ERROR_FILE_NOT_FOUND},
        {ENOTDIR, ERROR_PATH_NOT_FOUND},
        {EACCES, ERROR_ACCESS_DENIED},
        {EPERM, ERROR_ACCESS_DENIED},
        {EROFS, ERROR_ACCESS_DENIED},
        {EISDIR, ERROR_ACCESS_DENIED},
        {ETXTBSY, ERROR_ACCESS_DENIED},
        {EEXIST, ERROR_FILE_EXISTS},
        {EMFILE, ERROR_TOO_MANY_OPEN_FILES},
        {ENFILE, ERROR_TOO_MANY_OPEN_FILES},
        {ENOMEM, ERROR_NOT_ENOUGH_MEMORY},
        {ENOSPC, ERROR_DISK_FULL},
        {EDQUOT, ERROR_DISK_FULL},
        {EBADF, ERROR_INVALID_HANDLE},
        {EINVAL, ERROR_INVALID_PARAMETER},
        {ENAMETOOLONG, ERROR_FILENAME_EXCED_RANGE},
        {EFAULT, ERROR_NOACCESS},
        {EPIPE, ERROR_BROKEN_PIPE},
        {ESPIPE, ERROR_INVALID_FUNCTION},
        {EFBIG, ERROR_FILE_TOO_LARGE},
    };
    size_t i;
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].error == error) {
            return codes[i].code;
        }
    }
    return ERROR_GEN_FAILURE;
}

static BOOL fail_errno(int error)
{
    return ws2_file_fail(ws2_file_error(error));
}

/* Another file may have the name by now. */
static bool is_named(const struct ws2_file *file)
{
    struct stat own;
    struct stat named;
    return fstat(file->fd, &own) == 0 && stat(file->path, &named) == 0 && own.st_dev == named.st_dev &&
           own.st_ino == named.st_ino;
}

/** Drop a handle's share of a file; the last one closes it. */
void ws2_file_release(struct ws2_file *file)
{
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1) {
        if (file->delete_on_close && is_named(file)) {
            (void)unlink(file->path);
        }
        (void)close(file->fd);
        if (file->link != NULL) {
            ws2_port_link_release(file->link);
        }
        ws2_event_destroy(&file->done);
        free(file);
    }
}

/* ---- CreateFile ---- */

struct open_plan {
    int flags;
    bool truncate; /* only behind the look whether it was there */
};

static bool plan_access(struct open_plan *plan, DWORD access)
{
    bool reads = (access & (GENERIC_READ | GENERIC_ALL | FILE_READ_DATA)) != 0;
    bool writes = (access & (GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    plan->flags = O_CLOEXEC | O_NOCTTY | (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY);
    if ((access & FILE_APPEND_DATA) != 0 && (access & (GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA)) == 0) {
        plan->flags |= O_APPEND;
    }
    return writes;
}

static DWORD plan_disposition(struct open_plan *plan, DWORD disposition, bool writes)
{
    plan->truncate = disposition == CREATE_ALWAYS || disposition == TRUNCATE_EXISTING;
    switch (disposition) {
    case CREATE_NEW:
        plan->flags |= O_CREAT | O_EXCL;
        return 0;
    case CREATE_ALWAYS:
    case OPEN_ALWAYS:
        plan->flags |= O_CREAT;
        return 0;
    case OPEN_EXISTING:
        return 0;
    case TRUNCATE_EXISTING:
        return writes ? 0 : ERROR_INVALID_PARAMETER;
    default:
        return ERROR_INVALID_PARAMETER;
    }
}

/* Open, and tell whether the file was there before. @return  -1: errno says why. */
static int file_open(const char *path, const struct open_plan *plan, DWORD flags, bool *existed)
{
    mode_t mode = (flags & FILE_ATTRIBUTE_READONLY) != 0 ? 0444 : 0666;
    struct stat info;
    int fd = -1;
    *existed = false;
    if ((plan->flags & O_CREAT) != 0) {
        fd = open(path, plan->flags | O_EXCL, mode);
        if (fd >= 0 || errno != EEXIST || (plan->flags & O_EXCL) != 0) {
            return fd;
        }
    }
    *existed = true;
    fd = open(path, plan->flags & ~(O_CREAT | O_EXCL));
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
    } else if (!plan->truncate || (plan->flags & O_ACCMODE) == O_RDONLY || ftruncate(fd, 0) == 0) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static HANDLE file_publish(int fd, const char *path, DWORD access, DWORD flags)
{
    bool doomed = (flags & FILE_FLAG_DELETE_ON_CLOSE) != 0;
    size_t bytes = doomed ? strlen(path) + 1 : 1;
    struct ws2_file *file = (struct ws2_file *)calloc(1, sizeof *file + bytes);
    struct ws2_slot *slot = file == NULL ? NULL : ws2_handle_open(WS2_KIND_FILE);
    struct stat info;
    uint32_t handle;
    if (slot == NULL) {
        free(file);
        (void)close(fd);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    file->fd = fd;
    file->disk = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    file->access = ((access & (GENERIC_READ | GENERIC_ALL | FILE_READ_DATA)) != 0 ? GENERIC_READ : 0) |
                   ((access & (GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0 ? GENERIC_WRITE
                                                                                                       : 0);
    file->overlapped = (flags & FILE_FLAG_OVERLAPPED) != 0;
    file->delete_on_close = doomed;
    if (doomed) {
        memcpy(file->path, path, bytes);
    }
    atomic_init(&file->refs, 1);
    ws2_event_init(&file->done, true, false);
    slot->object = file;
    handle = ws2_handle_value(slot);
    ws2_handle_publish(slot);
    return (HANDLE)(uintptr_t)handle;
}

/* Where the file itself may be missing, so may its folder be. */
static DWORD open_error(const char *path, int error)
{
    char folder[WS2_FILE_PATH_BYTES];
    struct stat info;
    char *slash;
    if (error != ENOENT) {
        return ws2_file_error(error);
    }
    (void)ws2_file_path(folder, sizeof folder, path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) {
        return ERROR_FILE_NOT_FOUND;
    }
    *slash = '\0';
    return stat(folder, &info) == 0 && S_ISDIR(info.st_mode) ? ERROR_FILE_NOT_FOUND : ERROR_PATH_NOT_FOUND;
}

static HANDLE file_create(const char *path, DWORD access, DWORD disposition, DWORD flags)
{
    struct open_plan plan;
    bool existed;
    bool writes = plan_access(&plan, access);
    DWORD code = plan_disposition(&plan, disposition, writes);
    HANDLE file = INVALID_HANDLE_VALUE;
    int fd;
    if (code != 0) {
        SetLastError(code);
        return file;
    }
    fd = file_open(path, &plan, flags, &existed);
    if (fd < 0) {
        SetLastError(open_error(path, errno));
        return file;
    }
    file = file_publish(fd, path, access, flags);
    if (file != INVALID_HANDLE_VALUE) {
        SetLastError(existed && (disposition == CREATE_ALWAYS || disposition == OPEN_ALWAYS) ? ERROR_ALREADY_EXISTS
                                                                                             : 0);
    }
    return file;
}

/**
 * Open or make a file.
 *
 * @param access       GENERIC_READ, GENERIC_WRITE or both.
 * @param disposition  CREATE_NEW to TRUNCATE_EXISTING.
 * @param flags        FILE_FLAG_OVERLAPPED and _DELETE_ON_CLOSE mean something; FILE_FLAG_NO_BUFFERING and other hints are taken.
 * @return             A handle to be closed, or INVALID_HANDLE_VALUE with ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND,
 *                     ERROR_ACCESS_DENIED, ERROR_FILE_EXISTS, ERROR_INVALID_PARAMETER and kin. On success the last error is 0, or
 *                     ERROR_ALREADY_EXISTS (CREATE_ALWAYS, OPEN_ALWAYS).
 *
 * Context: any thread.
 */
HANDLE WINAPI CreateFileA(LPCSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                          DWORD flags, HANDLE like)
{
    char local[WS2_FILE_PATH_BYTES];
    (void)share;
    (void)attributes;
    (void)like;
    return ws2_file_path(local, sizeof local, path) ? file_create(local, access, disposition, flags)
                                                    : INVALID_HANDLE_VALUE;
}

/** As CreateFileA. */
HANDLE WINAPI CreateFileW(LPCWSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                          DWORD flags, HANDLE like)
{
    char local[WS2_FILE_PATH_BYTES];
    (void)share;
    (void)attributes;
    (void)like;
    return ws2_file_path_wide(local, sizeof local, path) ? file_create(local, access, disposition, flags)
                                                         : INVALID_HANDLE_VALUE;
}

/* ---- reading and writing ---- */

struct transfer {
    bool write;
    void *at;
    DWORD bytes;
    LPOVERLAPPED overlapped;
};

/* Where the structure says; a write to the last offset there is goes to the file's end. */
static uint64_t transfer_offset(const struct ws2_file *file, const struct transfer *what)
{
    uint64_t offset = (uint64_t)what->overlapped->OffsetHigh << 32 | what->overlapped->Offset;
    struct stat info;
    return what->write && offset == UINT64_MAX && fstat(file->fd, &info) == 0 ? (uint64_t)info.st_size : offset;
}

/* Once. What has no positions takes none. @return  Bytes, or -1: errno says why. */
static ssize_t move_once(int fd, bool write_it, void *at, size_t bytes, const uint64_t *offset)
{
    ssize_t moved = -1;
    if (offset != NULL) {
        moved = write_it ? pwrite(fd, at, bytes, (off_t)*offset) : pread(fd, at, bytes, (off_t)*offset);
    }
    if (offset == NULL || (moved < 0 && errno == ESPIPE)) {
        moved = write_it ? write(fd, at, bytes) : read(fd, at, bytes);
    }
    return moved;
}

/* As far as the file goes. @return  Bytes, or -1: errno says why. */
static ssize_t transfer_move(const struct ws2_file *file, const struct transfer *what)
{
    uint64_t offset = what->overlapped != NULL ? transfer_offset(file, what) : 0;
    DWORD done = 0;
    while (done < what->bytes || what->bytes == 0) {
        char *at = (char *)what->at + done;
        size_t left = what->bytes - done;
        uint64_t here = offset + done;
        ssize_t moved = move_once(file->fd, what->write, at, left, what->overlapped != NULL ? &here : NULL);
        if (moved < 0 && errno == EINTR) {
            continue;
        }
        if (moved < 0) {
            return done > 0 ? (ssize_t)done : -1;
        }
        done += (DWORD)moved;
        if (moved == 0 || !(file->disk || what->write)) {
            break;
        }
    }
    if (what->overlapped != NULL && !file->overlapped) { /* the position follows */
        (void)lseek(file->fd, (off_t)(offset + done), SEEK_SET);
    }
    return (ssize_t)done;
}

/* Event, file and port are told. */
static void transfer_tell(struct ws2_slot *slot, LPOVERLAPPED overlapped, DWORD moved)
{
    struct ws2_file *file = (struct ws2_file *)slot->object;
    uintptr_t given = (uintptr_t)overlapped->hEvent;
    HANDLE event = (HANDLE)(given & ~(uintptr_t)1);
    DWORD before = GetLastError();
    ws2_result_store(overlapped, 0, moved);
    ws2_event_signal(&file->done);
    if (event != NULL) {
        (void)SetEvent(event);
    }
    ws2_port_file_done(slot, overlapped, (given & 1) != 0, moved);
    SetLastError(before);
}

static BOOL transfer_run(struct ws2_slot *slot, const struct transfer *what, LPDWORD moved_out)
{
    struct ws2_file *file = (struct ws2_file *)slot->object;
    DWORD before = GetLastError();
    ssize_t moved;
    if (what->overlapped == NULL ? file->overlapped || moved_out == NULL : false) {
        return ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    if ((file->access & (what->write ? GENERIC_WRITE : GENERIC_READ)) == 0) {
        return ws2_file_fail(ERROR_ACCESS_DENIED);
    }
    if (what->overlapped != NULL && what->overlapped->hEvent != NULL) {
        (void)ResetEvent((HANDLE)((uintptr_t)what->overlapped->hEvent & ~(uintptr_t)1));
    }
    moved = transfer_move(file, what);
    if (moved < 0) {
        return fail_errno(errno);
    }
    if (moved_out != NULL) {
        *moved_out = (DWORD)moved;
    }
    if (what->overlapped != NULL && !what->write && moved == 0 && what->bytes > 0) {
        what->overlapped->Internal = 0xc0000011u /* STATUS_END_OF_FILE */;
        what->overlapped->InternalHigh = 0;
        return ws2_file_fail(ERROR_HANDLE_EOF);
    }
    SetLastError(before);
    if (what->overlapped != NULL) {
        transfer_tell(slot, what->overlapped, (DWORD)moved);
    }
    return TRUE;
}

static BOOL transfer(HANDLE handle, const struct transfer *what, LPDWORD moved)
{
    struct ws2_slot *slot;
    BOOL done;
    if (ws2_handle_provider((SOCKET)handle) != NULL) {
        WSABUF buffer = {what->bytes, (CHAR *)what->at};
        return ws2_socket_transfer(what->write, (SOCKET)handle, &buffer, moved, what->overlapped);
    }
    if (moved != NULL) {
        *moved = 0;
    }
    slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_FILE);
    if (slot == NULL) {
        return ws2_file_fail(ERROR_INVALID_HANDLE);
    }
    done = transfer_run(slot, what, moved);
    ws2_handle_unpin(slot);
    return done;
}

/**
 * Read from a file, or receive from a socket.
 *
 * @param moved       Bytes. May be NULL only with a structure.
 * @param overlapped  Its offset is where to read; the file's position is not looked at. A pipe or terminal has neither.
 *                    NULL: from the position on; not with FILE_FLAG_OVERLAPPED.
 * @return            TRUE; or FALSE with ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_ACCESS_DENIED, ERROR_HANDLE_EOF
 *                    (with a structure: nothing is there), and for sockets ERROR_IO_PENDING and the codes of WSARecv.
 *
 * Context: any thread. A file's operation is over when this returns.
 */
BOOL WINAPI ReadFile(HANDLE file, LPVOID to, DWORD bytes, LPDWORD moved, LPOVERLAPPED overlapped)
{
    const struct transfer what = {false, to, bytes, overlapped};
    return transfer(file, &what, moved);
}

/** Write to a file, or send on a socket. As ReadFile; Offset and OffsetHigh 0xffffffff write to the file's end. */
BOOL WINAPI WriteFile(HANDLE file, LPCVOID from, DWORD bytes, LPDWORD moved, LPOVERLAPPED overlapped)
{
    const struct transfer what = {true, (void *)(uintptr_t)from, bytes, overlapped};
    return transfer(file, &what, moved);
}

/* ---- position and size ---- */

static struct ws2_slot *file_pin(HANDLE file, int *fd)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)file, WS2_KIND_FILE);
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_HANDLE);
    } else {
        *fd = ((struct ws2_file *)slot->object)->fd;
    }
    return slot;
}

/** Have what was written reach the disk. @return FALSE with ERROR_INVALID_HANDLE and kin. */
BOOL WINAPI FlushFileBuffers(HANDLE file)
{
    int fd = -1;
    struct ws2_slot *slot = file_pin(file, &fd);
    BOOL done;
    if (slot == NULL) {
        return FALSE;
    }
    done = fdatasync(fd) == 0 ? TRUE : fail_errno(errno);
    ws2_handle_unpin(slot);
    return done;
}

/**
 * Move the position.
 *
 * @param position  The new one; may be NULL.
 * @return          FALSE with ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (from) or ERROR_NEGATIVE_SEEK.
 */
BOOL WINAPI SetFilePointerEx(HANDLE file, LARGE_INTEGER distance, PLARGE_INTEGER position, DWORD from)
{
    static const int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    struct ws2_slot *slot;
    int fd = -1;
    off_t at;
    if (from > FILE_END) {
        return ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    slot = file_pin(file, &fd);
    if (slot == NULL) {
        return FALSE;
    }
    at = lseek(fd, (off_t)distance.QuadPart, whence[from]);
    ws2_handle_unpin(slot);
    if (at < 0) {
        return ws2_file_fail(errno == EINVAL ? ERROR_NEGATIVE_SEEK : ws2_file_error(errno));
    }
    if (position != NULL) {
        position->QuadPart = at;
    }
    return TRUE;
}

/** As SetFilePointerEx. @return INVALID_SET_FILE_POINTER on failure; where it is a position too, the last error is 0. */
DWORD WINAPI SetFilePointer(HANDLE file, LONG low, PLONG high, DWORD from)
{
    LARGE_INTEGER distance;
    LARGE_INTEGER position = {.QuadPart = 0};
    distance.QuadPart = high == NULL ? low : (LONGLONG)((ULONGLONG)(uint32_t)*high << 32 | (uint32_t)low);
    if (!SetFilePointerEx(file, distance, &position, from)) {
        return INVALID_SET_FILE_POINTER;
    }
    if (high == NULL && position.QuadPart > (LONGLONG)UINT32_MAX) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return INVALID_SET_FILE_POINTER;
    }
    if (high != NULL) {
        *high = position.u.HighPart;
    }
    SetLastError(0);
    return position.u.LowPart;
}

/** The file's size. @return FALSE with ERROR_INVALID_HANDLE or ERROR_INVALID_PARAMETER (NULL). */
BOOL WINAPI GetFileSizeEx(HANDLE file, PLARGE_INTEGER bytes)
{
    struct ws2_slot *slot;
    struct stat info;
    int fd = -1;
    int rc;
    if (bytes == NULL) {
        return ws2_file_fail(ERROR_INVALID_PARAMETER);
    }
    slot = file_pin(file, &fd);
    if (slot == NULL) {
        return FALSE;
    }
    rc = fstat(fd, &info);
    ws2_handle_unpin(slot);
    if (rc != 0) {
        return fail_errno(errno);
    }
    bytes->QuadPart = info.st_size;
    return TRUE;
}

/** As GetFileSizeEx. @return INVALID_FILE_SIZE on failure; where it is a size too, the last error is 0. */
DWORD WINAPI GetFileSize(HANDLE file, LPDWORD high)
{
    LARGE_INTEGER bytes;
    if (!GetFileSizeEx(file, &bytes)) {
        return INVALID_FILE_SIZE;
    }
    if (high != NULL) {
        *high = (DWORD)bytes.u.HighPart;
    }
    SetLastError(0);
    return bytes.u.LowPart;
}

/** End the file at its position. @return FALSE with ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED and kin. */
BOOL WINAPI SetEndOfFile(HANDLE file)
{
    int fd = -1;
    struct ws2_slot *slot = file_pin(file, &fd);
    BOOL done;
    if (slot == NULL) {
        return FALSE;
    }
    if ((((struct ws2_file *)slot->object)->access & GENERIC_WRITE) == 0) {
        done = ws2_file_fail(ERROR_ACCESS_DENIED);
    } else {
        done = ftruncate(fd, lseek(fd, 0, SEEK_CUR)) == 0 ? TRUE : fail_errno(errno);
    }
    ws2_handle_unpin(slot);
    return done;
}

/** For a provider that sends files, found by name: see wsp_private_abi.h. Context: any thread. */
__attribute__((visibility("default"))) uint32_t wl_file_descriptor(uint64_t handle, int32_t *fd)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_FILE);
    const struct ws2_file *file = slot == NULL ? NULL : (const struct ws2_file *)slot->object;
    uint32_t code = ERROR_INVALID_HANDLE;
    if (file != NULL && (file->access & GENERIC_READ) == 0) {
        code = ERROR_ACCESS_DENIED;
    } else if (file != NULL) {
        *fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
        code = *fd < 0 ? ws2_file_error(errno) : 0;
    }
    if (slot != NULL) {
        ws2_handle_unpin(slot);
    }
    return code;
}

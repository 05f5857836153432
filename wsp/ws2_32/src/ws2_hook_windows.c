/*
 * Kernel functions on sockets, Windows. Each function here stands before one of the system's (ws2_patch_windows.c): if the
 * handle is a socket of ours it does what programs expect of a socket, else it passes everything on untouched. The look
 * costs three loads.
 *
 * Not intercepted, because the pipe behind the handle answers as a socket would: GetFileType, Get- and
 * SetHandleInformation. Source: rules WPU-22, WS2-14, IOCP-1, IOCP-21 to 25, IOCP-30 to 33, IOCP-38.
 */
#include "ws2_afd_windows.h"
#include "ws2_backing_windows.h"
#include "ws2_port_windows.h"

#include "wsp_private_abi.h"

#include <stdio.h>
#include <string.h>

#define FILE_COMPLETION_CLASS 30
#define FILE_NOTIFICATION_CLASS 41

typedef NTSTATUS(NTAPI *set_information_fn)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);
typedef BOOL(WINAPI *cancel_io_fn)(HANDLE);
typedef BOOL(WINAPI *cancel_io_ex_fn)(HANDLE, LPOVERLAPPED);
typedef BOOL(WINAPI *read_file_fn)(HANDLE, LPVOID, DWORD, LPDWORD, LPOVERLAPPED);
typedef BOOL(WINAPI *write_file_fn)(HANDLE, LPCVOID, DWORD, LPDWORD, LPOVERLAPPED);
typedef BOOL(WINAPI *result_fn)(HANDLE, LPOVERLAPPED, LPDWORD, BOOL);
typedef BOOL(WINAPI *result_ex_fn)(HANDLE, LPOVERLAPPED, LPDWORD, DWORD, BOOL);
typedef NTSTATUS(NTAPI *close_fn)(HANDLE);
typedef NTSTATUS(NTAPI *duplicate_fn)(HANDLE, HANDLE, HANDLE, PHANDLE, ACCESS_MASK, ULONG, ULONG);
typedef NTSTATUS(NTAPI *compare_fn)(HANDLE, HANDLE);
typedef NTSTATUS(NTAPI *ioctl_fn)(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, ULONG, PVOID, ULONG, PVOID, ULONG);

typedef NTSTATUS(NTAPI *nt_cancel_fn)(HANDLE, PIO_STATUS_BLOCK);
typedef NTSTATUS(NTAPI *nt_cancel_ex_fn)(HANDLE, PIO_STATUS_BLOCK, PIO_STATUS_BLOCK);

#define SAME_ATTRIBUTES 4u /* of NtDuplicateObject's options */

enum hook {
    HOOK_SET_INFORMATION,
    HOOK_CANCEL_IO,
    HOOK_CANCEL_IO_EX,
    HOOK_READ_FILE,
    HOOK_WRITE_FILE,
    HOOK_RESULT,
    HOOK_RESULT_EX,
    HOOK_CLOSE,
    HOOK_DUPLICATE,
    HOOK_IOCTL,
    HOOK_NT_CANCEL,
    HOOK_NT_CANCEL_EX,
    HOOKS
};

static struct ws2_patch hooks[HOOKS];
static compare_fn compare_objects; /* NtCompareObjects; NULL where the system has none */

#define ORIGINAL(type, which) ((type)(uintptr_t)hooks[which].original)

static bool is_socket(HANDLE handle)
{
    return ws2_handle_provider((SOCKET)handle) != NULL;
}

/* The system answers a bad pointer with an error, and is left to do so. */
static bool is_readable(const void *at, size_t bytes, size_t least)
{
    return bytes >= least && at != NULL && !IsBadReadPtr(at, bytes);
}

static BOOL fail_win32(int wsa_code)
{
    SetLastError(ws2_status_win32((DWORD)wsa_code));
    return FALSE;
}

/* ---- CreateIoCompletionPort, SetFileCompletionNotificationModes ---- */

/* A provider that does not know the code loses the requests of threads that end, no more. */
static NTSTATUS provider_tell(SOCKET s)
{
    uint32_t none = 0;
    DWORD returned = 0;
    if (WSAIoctl(s, WSP_IOCTL_PORT, &none, 0, NULL, 0, &returned, NULL, NULL) != 0 &&
        WSAGetLastError() == WSAEPROTOTYPE) {
        return WS2_STATUS_INVALID_PARAMETER;
    }
    return 0;
}

static NTSTATUS associate(struct ws2_slot *slot, HANDLE file, PIO_STATUS_BLOCK iosb, PVOID what, ULONG bytes)
{
    struct {
        HANDLE port;
        ULONG_PTR key;
    } given; /* FILE_COMPLETION_INFORMATION */
    struct ws2_port *port;
    NTSTATUS status;
    memcpy(&given, what, sizeof given);
    status = ws2_port_prepare(slot, given.port, &port);
    if (status == 0) {
        status = provider_tell((SOCKET)file);
        if (status == 0) {
            status = ORIGINAL(set_information_fn, HOOK_SET_INFORMATION)(file, iosb, what, bytes, FILE_COMPLETION_CLASS);
        }
        ws2_port_associated(slot, port, given.key, status >= 0);
    }
    return status;
}

/* Of a file that is no socket of ours: polls may be made on it. */
static NTSTATUS other_set_information(HANDLE file, PIO_STATUS_BLOCK iosb, PVOID what, ULONG bytes, int kind)
{
    NTSTATUS status = ORIGINAL(set_information_fn, HOOK_SET_INFORMATION)(file, iosb, what, bytes, kind);
    DWORD before;
    if (status < 0 || (kind != FILE_COMPLETION_CLASS && kind != FILE_NOTIFICATION_CLASS)) {
        return status;
    }
    before = GetLastError();
    if (kind == FILE_COMPLETION_CLASS) {
        ULONG_PTR given[2]; /* port, key */
        memcpy(given, what, sizeof given);
        ws2_afd_associated(file, (HANDLE)given[0], given[1]);
    } else {
        ULONG modes;
        memcpy(&modes, what, sizeof modes);
        ws2_afd_add_modes(file, modes);
    }
    SetLastError(before);
    return status;
}

static NTSTATUS NTAPI hook_set_information(HANDLE file, PIO_STATUS_BLOCK iosb, PVOID what, ULONG bytes, int kind)
{
    struct ws2_slot *slot = NULL;
    NTSTATUS status;
    DWORD before;
    if ((kind == FILE_COMPLETION_CLASS && is_readable(what, bytes, 2 * sizeof(HANDLE))) ||
        (kind == FILE_NOTIFICATION_CLASS && is_readable(what, bytes, sizeof(ULONG)))) {
        slot = ws2_handle_pin((uintptr_t)file, WS2_KIND_SOCKET);
    }
    if (slot == NULL) {
        return other_set_information(file, iosb, what, bytes, kind);
    }
    before = GetLastError();
    if (kind == FILE_COMPLETION_CLASS) {
        status = associate(slot, file, iosb, what, bytes);
    } else {
        ULONG modes;
        memcpy(&modes, what, sizeof modes);
        if ((modes & ~(ULONG)(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE)) != 0) {
            ws2_handle_unpin(slot);
            return WS2_STATUS_INVALID_PARAMETER; /* IOCP-25 */
        }
        status = ORIGINAL(set_information_fn, HOOK_SET_INFORMATION)(file, iosb, what, bytes, kind);
        if (status >= 0 && !ws2_port_add_modes(slot, modes)) {
            status = WS2_STATUS_NO_MEMORY;
        }
    }
    ws2_handle_unpin(slot);
    SetLastError(before);
    return status;
}

/* ---- CancelIo, CancelIoEx ---- */

/* How many were cancelled; -1: the provider cannot. */
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

/* With the polls that were made on the socket. */
static int64_t socket_cancel(HANDLE file, uint32_t scope, LPOVERLAPPED overlapped)
{
    unsigned polls = ws2_afd_cancel(file, scope == WSP_CANCEL_THREAD ? GetCurrentThreadId() : 0, overlapped);
    int64_t requests = cancel(file, scope, overlapped);
    return requests < 0 && polls == 0 ? -1 : (requests < 0 ? 0 : requests) + polls;
}

static BOOL WINAPI hook_cancel_io(HANDLE file)
{
    DWORD before = GetLastError();
    if (!is_socket(file)) {
        return ORIGINAL(cancel_io_fn, HOOK_CANCEL_IO)(file);
    }
    if (socket_cancel(file, WSP_CANCEL_THREAD, NULL) < 0) {
        SetLastError(ERROR_NOT_SUPPORTED);
        return FALSE;
    }
    SetLastError(before);
    return TRUE;
}

static BOOL WINAPI hook_cancel_io_ex(HANDLE file, LPOVERLAPPED overlapped)
{
    DWORD before = GetLastError();
    if (!is_socket(file)) {
        return ORIGINAL(cancel_io_ex_fn, HOOK_CANCEL_IO_EX)(file, overlapped);
    }
    if (socket_cancel(file, overlapped == NULL ? WSP_CANCEL_ALL : WSP_CANCEL_ONE, overlapped) <= 0) {
        SetLastError(ERROR_NOT_FOUND);
        return FALSE;
    }
    SetLastError(before);
    return TRUE;
}

/*
 * Below kernelbase: for the device's handles, and programs that take these functions of ntdll.
 *
 * @param done  The caller's, told as the system does.
 */
static NTSTATUS nt_cancelled(PIO_STATUS_BLOCK done, NTSTATUS status)
{
    if (done != NULL && !IsBadWritePtr(done, sizeof *done)) {
        done->Status = status;
        done->Information = 0;
    }
    return status;
}

static NTSTATUS NTAPI hook_nt_cancel(HANDLE file, PIO_STATUS_BLOCK done)
{
    DWORD before = GetLastError();
    int64_t ended;
    if (!is_socket(file)) {
        (void)ws2_afd_cancel(file, GetCurrentThreadId(), NULL);
        return ORIGINAL(nt_cancel_fn, HOOK_NT_CANCEL)(file, done);
    }
    ended = socket_cancel(file, WSP_CANCEL_THREAD, NULL);
    SetLastError(before);
    return nt_cancelled(done, ended < 0 ? WS2_STATUS_NOT_SUPPORTED : 0);
}

static NTSTATUS NTAPI hook_nt_cancel_ex(HANDLE file, PIO_STATUS_BLOCK iosb, PIO_STATUS_BLOCK done)
{
    DWORD before = GetLastError();
    LPOVERLAPPED overlapped = (LPOVERLAPPED)(void *)iosb;
    int64_t ended;
    NTSTATUS status;
    if (!is_socket(file)) {
        ended = ws2_afd_cancel(file, 0, iosb);
        if (ended > 0 && iosb != NULL) {
            return nt_cancelled(done, 0);
        }
        status = ORIGINAL(nt_cancel_ex_fn, HOOK_NT_CANCEL_EX)(file, iosb, done);
        return ended > 0 && status < 0 ? nt_cancelled(done, 0) : status;
    }
    ended = socket_cancel(file, iosb == NULL ? WSP_CANCEL_ALL : WSP_CANCEL_ONE, overlapped);
    SetLastError(before);
    return nt_cancelled(done, ended > 0 ? 0 : WS2_STATUS_NOT_FOUND);
}

/* ---- ReadFile, WriteFile ---- */

static int issue(bool write, SOCKET s, WSABUF *buffer, DWORD *moved, LPOVERLAPPED overlapped)
{
    DWORD flags = 0;
    int result = write ? WSASend(s, buffer, 1, moved, 0, overlapped, NULL)
                       : WSARecv(s, buffer, 1, moved, &flags, overlapped, NULL);
    return result == 0 ? 0 : WSAGetLastError();
}

static bool ready_wait(bool write, SOCKET s)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s, &set);
    return select(0, write ? NULL : &set, write ? &set : NULL, NULL, NULL) == 1;
}

/*
 * A nonblocking socket: these functions wait all the same. The structure is of our own; the low bit of its event keeps it
 * from a port. A socket that was not made for overlapped calls takes no structure: then it is asked again when it is ready.
 */
static int issue_and_wait(bool write, SOCKET s, WSABUF *buffer, DWORD *moved)
{
    OVERLAPPED own = {0};
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    DWORD flags = 0;
    int code;
    if (event == NULL) {
        return WSAENOBUFS;
    }
    own.hEvent = (HANDLE)((uintptr_t)event | 1);
    code = issue(write, s, buffer, moved, &own);
    if (code == WSA_IO_PENDING) {
        (void)WaitForSingleObject(event, INFINITE);
        code = WSAGetOverlappedResult(s, &own, moved, FALSE, &flags) ? 0 : WSAGetLastError();
    }
    CloseHandle(event);
    while (code == WSAEWOULDBLOCK) {
        code = ready_wait(write, s) ? issue(write, s, buffer, moved, NULL) : WSAGetLastError();
    }
    return code;
}

/* Rules WPU-22, IOCP-38. */
static BOOL transfer(bool write, HANDLE file, WSABUF *buffer, LPDWORD moved_out, LPOVERLAPPED overlapped)
{
    DWORD before = GetLastError();
    SOCKET s = (SOCKET)file;
    DWORD moved = 0;
    int code;
    if (moved_out == NULL && overlapped == NULL) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    code = issue(write, s, buffer, &moved, overlapped);
    if (code == WSAEWOULDBLOCK && overlapped == NULL) {
        code = issue_and_wait(write, s, buffer, &moved);
    }
    if (code == WSA_IO_PENDING) {
        if (moved_out != NULL) {
            *moved_out = 0;
        }
        SetLastError(ERROR_IO_PENDING);
        return FALSE;
    }
    if (moved_out != NULL && (code == 0 || code == WSAEMSGSIZE)) {
        *moved_out = moved;
    }
    if (code != 0) {
        return fail_win32(code);
    }
    SetLastError(before);
    return TRUE;
}

static BOOL WINAPI hook_read_file(HANDLE file, LPVOID to, DWORD bytes, LPDWORD moved, LPOVERLAPPED overlapped)
{
    WSABUF buffer = {bytes, (CHAR *)to};
    return is_socket(file) ? transfer(false, file, &buffer, moved, overlapped)
                           : ORIGINAL(read_file_fn, HOOK_READ_FILE)(file, to, bytes, moved, overlapped);
}

static BOOL WINAPI hook_write_file(HANDLE file, LPCVOID from, DWORD bytes, LPDWORD moved, LPOVERLAPPED overlapped)
{
    WSABUF buffer = {bytes, (CHAR *)(uintptr_t)from};
    return is_socket(file) ? transfer(true, file, &buffer, moved, overlapped)
                           : ORIGINAL(write_file_fn, HOOK_WRITE_FILE)(file, from, bytes, moved, overlapped);
}

/* ---- GetOverlappedResult ---- */

/*
 * The system's would wait for the file, that is, for the pipe, where nothing ever happens. Everything else it does right.
 * @return false: *got says what to return.
 */
static bool result_wait(HANDLE file, const OVERLAPPED *overlapped, DWORD ms, BOOL alertable)
{
    DWORD waited;
    if (ms == 0 || !is_socket(file) || overlapped->hEvent != NULL) {
        return true;
    }
    waited = ws2_port_wait_result(overlapped, ms, alertable);
    if (waited != WAIT_OBJECT_0 && waited != WAIT_FAILED) {
        SetLastError(waited);
    }
    return waited == WAIT_OBJECT_0;
}

static BOOL WINAPI hook_result(HANDLE file, LPOVERLAPPED overlapped, LPDWORD bytes, BOOL wait)
{
    if (!result_wait(file, overlapped, wait ? INFINITE : 0, FALSE)) {
        return FALSE;
    }
    return ORIGINAL(result_fn, HOOK_RESULT)(file, overlapped, bytes, wait);
}

static BOOL WINAPI hook_result_ex(HANDLE file, LPOVERLAPPED overlapped, LPDWORD bytes, DWORD ms, BOOL alertable)
{
    if (!result_wait(file, overlapped, ms, alertable)) {
        return FALSE;
    }
    return ORIGINAL(result_ex_fn, HOOK_RESULT_EX)(file, overlapped, bytes, ms, alertable);
}

/* ---- CloseHandle, DuplicateHandle ---- */

/* As closesocket; a handle must not survive CloseHandle, so a linger time that would refuse is given up. */
static bool socket_close(SOCKET s)
{
    const LINGER off = {0, 0};
    if (closesocket(s) == 0) {
        return true;
    }
    if (WSAGetLastError() != WSAEWOULDBLOCK) {
        return false;
    }
    (void)setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&off, sizeof off);
    return closesocket(s) == 0;
}

static NTSTATUS NTAPI hook_close(HANDLE handle)
{
    struct ws2_port *port;
    struct ws2_afd_file *device;
    NTSTATUS status;
    if (is_socket(handle)) {
        DWORD before = GetLastError();
        bool closed = socket_close((SOCKET)handle);
        SetLastError(before);
        return closed ? 0 : WS2_STATUS_INVALID_HANDLE;
    }
    if (ws2_share_is_hidden(handle)) {
        return WS2_STATUS_INVALID_HANDLE;
    }
    port = ws2_port_closing(handle);
    device = ws2_afd_closing(handle);
    status = ORIGINAL(close_fn, HOOK_CLOSE)(handle);
    if (port != NULL) {
        ws2_port_closed(port, status >= 0);
    }
    if (device != NULL) {
        ws2_afd_closed(device, status >= 0);
    }
    return status;
}

/* By the pseudo handle or by one that was opened, with whatever access. */
static bool is_own_process(HANDLE process)
{
    return process == GetCurrentProcess() ||
           (compare_objects != NULL && process != NULL && compare_objects(GetCurrentProcess(), process) == 0);
}

/* Another handle of the pipe, and so of the socket. */
static NTSTATUS duplicate_here(HANDLE from, PHANDLE to, ACCESS_MASK access, ULONG attributes, ULONG options)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)from, WS2_KIND_SOCKET);
    HANDLE process = GetCurrentProcess();
    NTSTATUS status = ORIGINAL(duplicate_fn, HOOK_DUPLICATE)(process, from, process, to, access, attributes, options);
    if (slot != NULL) {
        if (status >= 0) {
            (void)ws2_share_adopt(slot, *to);
        }
        ws2_handle_unpin(slot);
    }
    return status;
}

/* DUPLICATE_CLOSE_SOURCE on a socket. */
static NTSTATUS socket_move(HANDLE from, bool stays, HANDLE to_process, PHANDLE to, ACCESS_MASK access,
                            ULONG attributes, ULONG options)
{
    DWORD before = GetLastError();
    NTSTATUS status = 0;
    if (stays && to != NULL) {
        /* The one handle stays, with the new inheritance. */
        bool done = (options & SAME_ATTRIBUTES) != 0 ||
                    SetHandleInformation(from, HANDLE_FLAG_INHERIT,
                                         (attributes & OBJ_INHERIT) != 0 ? HANDLE_FLAG_INHERIT : 0);
        *to = from;
        status = done ? 0 : WS2_STATUS_INVALID_HANDLE;
    } else {
        if (!stays) {
            status = ORIGINAL(duplicate_fn, HOOK_DUPLICATE)(GetCurrentProcess(), from, to_process, to, access,
                                                            attributes, options & ~(ULONG)DUPLICATE_CLOSE_SOURCE);
        }
        (void)socket_close((SOCKET)from);
    }
    SetLastError(before);
    return status;
}

static NTSTATUS NTAPI hook_duplicate(HANDLE from_process, HANDLE from, HANDLE to_process, PHANDLE to,
                                     ACCESS_MASK access, ULONG attributes, ULONG options)
{
    bool closes = (options & DUPLICATE_CLOSE_SOURCE) != 0;
    bool socket = is_socket(from) && is_own_process(from_process);
    struct ws2_port *port;
    NTSTATUS status;
    if (socket && closes) {
        return socket_move(from, is_own_process(to_process), to_process, to, access, attributes, options);
    }
    if (socket && to != NULL && is_own_process(to_process)) {
        return duplicate_here(from, to, access, attributes, options);
    }
    port = closes && is_own_process(from_process) ? ws2_port_closing(from) : NULL;
    status = ORIGINAL(duplicate_fn, HOOK_DUPLICATE)(from_process, from, to_process, to, access, attributes, options);
    if (port != NULL) {
        /* The source is closed whatever the status, but where the copy is given its value. */
        ws2_port_closed(port, !(status >= 0 && to != NULL && *to == from && is_own_process(to_process)));
    }
    return status;
}

/* ---- \Device\Afd ---- */

static NTSTATUS NTAPI hook_ioctl(HANDLE file, HANDLE event, PVOID routine, PVOID context, PIO_STATUS_BLOCK iosb,
                                 ULONG code, PVOID in, ULONG in_bytes, PVOID out, ULONG out_bytes)
{
    const struct ws2_afd_call call = {file, event, routine, context, iosb, code, in, in_bytes, out, out_bytes};
    NTSTATUS status;
    if (ws2_afd_control(&call, &status)) {
        return status;
    }
    return ORIGINAL(ioctl_fn, HOOK_IOCTL)(file, event, routine, context, iosb, code, in, in_bytes, out, out_bytes);
}

/* ---- lifecycle ---- */

#define ENTRY(which, dll, function, ours, without) [which] = {dll, function, (FARPROC)(uintptr_t)(ours), NULL, without}

static struct ws2_patch hooks[HOOKS] = {
    ENTRY(HOOK_SET_INFORMATION, "ntdll.dll", "NtSetInformationFile", hook_set_information,
          "sockets do not report to completion ports"),
    ENTRY(HOOK_CANCEL_IO, "kernelbase.dll", "CancelIo", hook_cancel_io, "requests of sockets are not cancelled"),
    ENTRY(HOOK_CANCEL_IO_EX, "kernelbase.dll", "CancelIoEx", hook_cancel_io_ex,
          "requests of sockets are not cancelled"),
    ENTRY(HOOK_READ_FILE, "kernelbase.dll", "ReadFile", hook_read_file, "sockets are not read as files"),
    ENTRY(HOOK_WRITE_FILE, "kernelbase.dll", "WriteFile", hook_write_file, "sockets are not written as files"),
    ENTRY(HOOK_RESULT, "kernelbase.dll", "GetOverlappedResult", hook_result, "it does not wait without an event"),
    ENTRY(HOOK_RESULT_EX, "kernelbase.dll", "GetOverlappedResultEx", hook_result_ex,
          "it does not wait without an event"),
    ENTRY(HOOK_CLOSE, "ntdll.dll", "NtClose", hook_close, "sockets must be closed by closesocket"),
    ENTRY(HOOK_DUPLICATE, "ntdll.dll", "NtDuplicateObject", hook_duplicate,
          "DUPLICATE_CLOSE_SOURCE does not close a socket"),
    ENTRY(HOOK_IOCTL, "ntdll.dll", "NtDeviceIoControlFile", hook_ioctl,
          "programs that ask Afd past Winsock lose sockets silently"),
    ENTRY(HOOK_NT_CANCEL, "ntdll.dll", "NtCancelIoFile", hook_nt_cancel, "polls through Afd are not cancelled"),
    ENTRY(HOOK_NT_CANCEL_EX, "ntdll.dll", "NtCancelIoFileEx", hook_nt_cancel_ex, "polls through Afd are not cancelled"),
};

static BOOL WINAPI attach_once(PINIT_ONCE once, PVOID argument, PVOID *context)
{
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    HMODULE self;
    unsigned i;
    (void)once;
    (void)argument;
    (void)context;
    /* What the system calls must stay. */
    if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                            (const char *)(uintptr_t)attach_once, &self)) {
        fprintf(stderr, "ws2_32: cannot stay loaded; sockets are no files\n");
        return TRUE;
    }
    if (ntdll != NULL) {
        compare_objects = (compare_fn)(uintptr_t)GetProcAddress(ntdll, "NtCompareObjects");
    }
    for (i = ws2_port_start() ? 0 : HOOK_SET_INFORMATION + 1; i < HOOKS; i++) {
        (void)ws2_patch_apply(&hooks[i]);
    }
    return TRUE;
}

void ws2_kernel_attach(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    DWORD before = GetLastError();
    (void)InitOnceExecuteOnce(&once, attach_once, NULL, NULL);
    SetLastError(before);
}

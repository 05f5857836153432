/*
 * Sockets as the kernel's handles: DuplicateHandle and kin, calls below kernel32, waiting for the handle itself.
 * Rules WPU-22, WS2-14.
 */
#include "kernel.h"

#include <winternl.h>

static void handle__information__set_and_got(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    DWORD flags = 99;
    T_DO(s != INVALID_SOCKET);
    T_TRUE(SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0));
    T_TRUE(GetHandleInformation((HANDLE)s, &flags));
    T_EQ(flags & HANDLE_FLAG_INHERIT, 0);
    T_TRUE(SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    T_TRUE(GetHandleInformation((HANDLE)s, &flags));
    T_EQ(flags & HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

static void handle__duplicate_with_close_source__the_new_one_is_the_socket(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE copy = NULL;
    HANDLE process = GetCurrentProcess();
    DWORD flags = 99;
    char byte = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(DuplicateHandle(process, (HANDLE)ends[0], process, &copy, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    T_TRUE(copy != NULL);
    T_EQ(send((SOCKET)copy, "x", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_TRUE(GetHandleInformation(copy, &flags));
    T_EQ(flags & HANDLE_FLAG_INHERIT, 0);
    T_OK(closesocket((SOCKET)copy));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
}

/* The process named by a handle that was opened, as programs do that copy handles of any process. */
static void handle__own_process_by_an_opened_handle__as_by_the_pseudo_handle(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE copy = NULL;
    HANDLE moved = NULL;
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, GetCurrentProcessId());
    char data[2] = {0};
    T_DO(process != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = process;
    T_TRUE(DuplicateHandle(process, (HANDLE)ends[0], process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    T_EQ(send((SOCKET)copy, "x", 1, 0), 1);
    T_TRUE(DuplicateHandle(process, copy, GetCurrentProcess(), &moved, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    T_EQ(send((SOCKET)moved, "y", 1, 0), 1);
    T_DO(t_recv_all(t, ends[1], data, 2));
    T_SAME(data, "xy", 2);
    T_OK(closesocket((SOCKET)moved));
    T_EQ(send(ends[0], "z", 1, 0), 1);
    T_EQ(recv(ends[1], data, 1, 0), 1);
    /* Nobody is given the new handle: the source is closed all the same. */
    T_TRUE(DuplicateHandle(process, (HANDLE)ends[0], process, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE));
    T_FAILS(send(ends[0], "z", 1, 0), WSAENOTSOCK);
}

static void handle__files_and_pipes__as_ever(struct t_run *t)
{
    HANDLE read_end;
    HANDLE write_end;
    HANDLE copy;
    char data[8] = {0};
    DWORD moved = 0;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM); /* ours is in the way of these calls now */
    T_DO(s != INVALID_SOCKET);
    T_TRUE(CreatePipe(&read_end, &write_end, NULL, 0));
    T_TRUE(DuplicateHandle(GetCurrentProcess(), write_end, GetCurrentProcess(), &copy, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    if (copy != write_end) {
        T_FALSE(CloseHandle(write_end), ERROR_INVALID_HANDLE);
    }
    T_TRUE(WriteFile(copy, "pipe", 4, &moved, NULL));
    T_TRUE(ReadFile(read_end, data, sizeof data, &moved, NULL));
    T_EQ(moved, 4);
    T_TRUE(CloseHandle(copy));
    T_FALSE(ReadFile(read_end, data, sizeof data, &moved, NULL), ERROR_BROKEN_PIPE);
    T_TRUE(CloseHandle(read_end));
}

/* Another handle of a socket, INVALID_SOCKET is noted. */
static SOCKET duplicate(struct t_run *t, SOCKET s)
{
    HANDLE copy = NULL;
    HANDLE process = GetCurrentProcess();
    if (!DuplicateHandle(process, (HANDLE)s, process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) || (SOCKET)copy == s) {
        t_note(t, __FILE__, __LINE__, "no copy: %u", (unsigned)GetLastError());
        return INVALID_SOCKET;
    }
    return t_keep(t, (SOCKET)copy);
}

static void handle__duplicated__copy_is_the_socket_too(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET copy;
    char data[4] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    copy = duplicate(t, ends[0]);
    T_DO(copy != INVALID_SOCKET);
    T_EQ(send(copy, "x", 1, 0), 1);
    T_EQ(t_get_int(copy, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    T_TRUE(WriteFile((HANDLE)copy, "y", 1, &moved, NULL));
    T_EQ(send(ends[0], "z", 1, 0), 1);
    T_DO(t_recv_all(t, ends[1], data, 3));
    T_SAME(data, "xyz", 3);
    T_EQ(send(ends[1], "a", 1, 0), 1);
    T_EQ(t_select(copy, 'r', T_WAIT_MS), 1);
    T_TRUE(ReadFile((HANDLE)copy, data, 1, &moved, NULL));
    /* The one that is closed is gone, the other goes on. */
    T_OK(t_close(t, copy));
    T_FAILS(send(copy, "x", 1, 0), WSAENOTSOCK);
    T_EQ(send(ends[0], "w", 1, 0), 1);
    T_EQ(recv(ends[1], data, 1, 0), 1);
    T_OK(t_close(t, ends[0]));
    T_EQ(recv(ends[1], data, 1, 0), 0);
}

static void handle__original_closed__copy_goes_on(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET copy;
    HANDLE port;
    struct t_post before;
    struct t_post after;
    char byte;
    T_DO(t_port_pair(t, ends, &port));
    copy = duplicate(t, ends[0]);
    T_DO(copy != INVALID_SOCKET);
    T_EQ(t_post_recv(ends[0], &before, 1, NULL), WSA_IO_PENDING);
    T_TRUE(CloseHandle((HANDLE)ends[0]));
    T_FAILS(send(ends[0], "x", 1, 0), WSAENOTSOCK);
    T_FALSE(CloseHandle((HANDLE)ends[0]), ERROR_INVALID_HANDLE);
    T_EQ(t_post_recv(copy, &after, 1, NULL), WSA_IO_PENDING);
    T_EQ(send(ends[1], "ab", 2, 0), 2);
    T_PACKET(port, 42, &before.overlapped, 1);
    T_PACKET(port, 42, &after.overlapped, 1);
    T_EQ(send(copy, "c", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_OK(t_close(t, copy));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_FAILS(send(copy, "x", 1, 0), WSAENOTSOCK);
}

static void handle__copy_associated__original_is_too(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET copy;
    HANDLE port = t_port_make(t);
    struct t_post post;
    T_DO(port != NULL && t_pair(t, AF_INET, ends));
    copy = duplicate(t, ends[0]);
    T_DO(copy != INVALID_SOCKET);
    T_TRUE(CreateIoCompletionPort((HANDLE)copy, port, 5, 0) == port);
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], port, 6, 0) != NULL, ERROR_INVALID_PARAMETER);
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_EQ(t_post_recv(ends[0], &post, 1, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_PACKET(port, 5, &post.overlapped, 1);
    T_EQ(t_select(copy, 'r', T_WAIT_MS), 1);
    T_EQ(t_post_recv(copy, &post, 1, NULL), 0);
    T_NO_PACKET(port);
}

static void handle__fresh__inheritable(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    DWORD flags = 99;
    T_DO(s != INVALID_SOCKET);
    T_TRUE(GetHandleInformation((HANDLE)s, &flags));
    T_EQ(flags, HANDLE_FLAG_INHERIT);
}

static void handle__waited_for__signalled_by_the_end_of_an_operation(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_EQ(WaitForSingleObject((HANDLE)ends[0], T_QUIET_MS), WAIT_TIMEOUT);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(WaitForSingleObject((HANDLE)ends[0], T_WAIT_MS), WAIT_OBJECT_0);
}

typedef NTSTATUS(NTAPI *nt_close_fn)(HANDLE);
typedef NTSTATUS(NTAPI *nt_create_fn)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, PLARGE_INTEGER, ULONG,
                                      ULONG, ULONG, ULONG, PVOID, ULONG);
typedef NTSTATUS(NTAPI *nt_ioctl_fn)(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, ULONG, PVOID, ULONG, PVOID, ULONG);

static FARPROC ntdll(const char *name)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
}

static void handle__closed_below_kernel32__closed_all_the_same(struct t_run *t)
{
    nt_close_fn nt_close = (nt_close_fn)(uintptr_t)ntdll("NtClose");
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(nt_close((HANDLE)ends[0]), 0);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_FAILS(send(ends[0], "x", 1, 0), WSAENOTSOCK);
}

struct afd_poll {
    LARGE_INTEGER timeout;
    ULONG count;
    ULONG exclusive;
    struct {
        HANDLE handle;
        ULONG events;
        NTSTATUS status;
    } sockets[1];
};

static void handle__bad_pointers__an_error_and_no_crash(struct t_run *t)
{
    typedef NTSTATUS(NTAPI * nt_set_fn)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);
    nt_set_fn set = (nt_set_fn)(uintptr_t)ntdll("NtSetInformationFile");
    nt_ioctl_fn control = (nt_ioctl_fn)(uintptr_t)ntdll("NtDeviceIoControlFile");
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    IO_STATUS_BLOCK status = {0};
    void *bad = VirtualAlloc(NULL, 65536, MEM_RESERVE, PAGE_NOACCESS);
    HANDLE null = CreateFileA("NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    T_DO(s != INVALID_SOCKET && bad != NULL);
    T_TRUE(set((HANDLE)s, &status, NULL, 0, 30) < 0);
    T_TRUE(set((HANDLE)s, &status, bad, 4, 30) < 0);
    T_TRUE(control(null, NULL, NULL, NULL, &status, 0x12024, bad, 64, NULL, 0) < 0);
    T_TRUE(control(null, NULL, NULL, NULL, &status, 0x12024, NULL, 64, NULL, 0) < 0);
    (void)CloseHandle(null);
    (void)VirtualFree(bad, 0, MEM_RELEASE);
}

/* More of it is in kernel_afd_windows.c. */
static void handle__polled_through_afd__told(struct t_run *t)
{
    static WCHAR name[] = L"\\Device\\Afd\\T";
    UNICODE_STRING path = {sizeof name - sizeof name[0], sizeof name, name};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &path};
    nt_create_fn create = (nt_create_fn)(uintptr_t)ntdll("NtCreateFile");
    nt_ioctl_fn control = (nt_ioctl_fn)(uintptr_t)ntdll("NtDeviceIoControlFile");
    IO_STATUS_BLOCK status = {0};
    struct afd_poll poll = {.timeout.QuadPart = -10000000, .count = 1};
    HANDLE device = NULL;
    HANDLE event = t_event(t);
    SOCKET ends[2];
    NTSTATUS got;
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    got = create(&device, SYNCHRONIZE, &attributes, &status, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0,
                 NULL, 0);
    if (got != 0) {
        t_skip(t, "no Afd device here");
        return;
    }
    t->objects[t->object_count++] = device;
    poll.sockets[0].handle = (HANDLE)ends[0];
    poll.sockets[0].events = 4; /* sendable */
    got = control(device, event, NULL, NULL, &status, 0x12024, &poll, sizeof poll, &poll, sizeof poll);
    if (got == (NTSTATUS)STATUS_PENDING) {
        T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
        got = status.Status;
    }
    T_EQ(got, 0);
    T_TRUE(poll.count == 1 && poll.sockets[0].events == 4);
}

struct afd_receive {
    LPWSABUF buffers;
    ULONG count;
    ULONG afd_flags;
    ULONG tdi_flags;
};

struct afd_receive_from {
    struct afd_receive receive;
    struct sockaddr *from;
    LPINT from_bytes;
};

#define AFD_RECEIVE 0x12017u
#define AFD_RECEIVE_FROM 0x1201bu
#define TDI_NORMAL 0x20u
#define TDI_PEEK 0x80u

/* As libuv receives: the device is asked, the OVERLAPPED is status block and context. */
static NTSTATUS afd_receive(SOCKET s, ULONG code, const void *in, ULONG in_bytes, OVERLAPPED *overlapped)
{
    nt_ioctl_fn control = (nt_ioctl_fn)(uintptr_t)ntdll("NtDeviceIoControlFile");
    memset(overlapped, 0, sizeof *overlapped);
    overlapped->Internal = STATUS_PENDING;
    return control((HANDLE)s, NULL, NULL, overlapped, (PIO_STATUS_BLOCK)(void *)overlapped, code, (PVOID)(uintptr_t)in,
                   in_bytes, NULL, 0);
}

static void handle__datagrams_through_afd__peeked_and_received(struct t_run *t)
{
    static char byte;
    HANDLE port = t_port_make(t);
    char room[8] = "";
    WSABUF none = {0, &byte};
    WSABUF some = {sizeof room, room};
    struct afd_receive peek = {&none, 1, 2, TDI_NORMAL | TDI_PEEK};
    struct afd_receive take = {&some, 1, 2, TDI_NORMAL};
    OVERLAPPED overlapped;
    OVERLAPPED *done;
    ULONG_PTR key;
    DWORD bytes;
    SOCKET ends[2];
    NTSTATUS got;
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[1], port, 7, 0) == port);
    /* Nothing there: it waits, takes nothing, and says with a packet that something came. */
    T_EQ(afd_receive(ends[1], AFD_RECEIVE, &peek, sizeof peek, &overlapped), (NTSTATUS)STATUS_PENDING);
    T_EQ(send(ends[0], "four", 4, 0), 4);
    (void)GetQueuedCompletionStatus(port, &bytes, &key, &done, T_WAIT_MS);
    T_TRUE(done == &overlapped && key == 7);
    T_EQ(bytes, 0);
    got = afd_receive(ends[1], AFD_RECEIVE, &take, sizeof take, &overlapped);
    T_TRUE(got == 0 || got == (NTSTATUS)STATUS_PENDING);
    T_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &done, T_WAIT_MS));
    T_EQ(bytes, 4);
    T_EQ(memcmp(room, "four", 4), 0);
}

static void handle__datagram_and_name_through_afd__received(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    char room[8] = "";
    WSABUF some = {sizeof room, room};
    struct sockaddr_in from = {0};
    struct sockaddr_in own = {0};
    int from_bytes = sizeof from;
    int own_bytes = sizeof own;
    struct afd_receive_from take = {{&some, 1, 2, TDI_NORMAL}, (struct sockaddr *)&from, &from_bytes};
    OVERLAPPED overlapped;
    OVERLAPPED *done;
    ULONG_PTR key;
    DWORD bytes;
    SOCKET ends[2];
    T_DO(port != NULL && t_udp_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[1], port, 7, 0) == port);
    T_EQ(getsockname(ends[0], (struct sockaddr *)&own, &own_bytes), 0);
    T_EQ(afd_receive(ends[1], AFD_RECEIVE_FROM, &take, sizeof take, &overlapped), (NTSTATUS)STATUS_PENDING);
    T_EQ(send(ends[0], "four", 4, 0), 4);
    T_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &done, T_WAIT_MS));
    T_EQ(bytes, 4);
    T_EQ(from.sin_port, own.sin_port);
    /* What is not understood is refused, not begun. */
    take.receive.tdi_flags = 0x4000;
    T_TRUE(afd_receive(ends[1], AFD_RECEIVE_FROM, &take, sizeof take, &overlapped) < 0);
    T_TRUE(afd_receive(ends[1], AFD_RECEIVE_FROM, &take, 8, &overlapped) < 0);
}

static const struct t_cases cases[] = {
    T_CASE(handle__datagrams_through_afd__peeked_and_received),
    T_CASE(handle__datagram_and_name_through_afd__received),
    T_CASE(handle__information__set_and_got),
    T_CASE(handle__duplicate_with_close_source__the_new_one_is_the_socket),
    T_CASE(handle__own_process_by_an_opened_handle__as_by_the_pseudo_handle),
    T_CASE(handle__files_and_pipes__as_ever),
    T_CASE(handle__duplicated__copy_is_the_socket_too),
    T_CASE(handle__original_closed__copy_goes_on),
    T_CASE(handle__copy_associated__original_is_too),
    T_CASE(handle__fresh__inheritable),
    T_CASE(handle__waited_for__signalled_by_the_end_of_an_operation),
    T_CASE(handle__closed_below_kernel32__closed_all_the_same),
    T_CASE(handle__bad_pointers__an_error_and_no_crash),
    T_CASE(handle__polled_through_afd__told),
};

const struct t_group t_group_kernel_handle = {"kernel_handle", cases, T_COUNT(cases), false};

/*
 * Sockets as files and handles: ReadFile, WriteFile, GetOverlappedResult, CloseHandle, DuplicateHandle and kin.
 * Rules WPU-22, WS2-14, IOCP-38, IOCP-39.
 */
#include "kernel.h"

#include <winternl.h>

static void file__no_structure__reads_and_writes(struct t_run *t)
{
    SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(WriteFile((HANDLE)ends[0], "hello", 5, &moved, NULL));
    T_EQ(moved, 5);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "hello", 5);
}

static DWORD WINAPI sender_main(LPVOID context)
{
    SOCKET s;
    memcpy(&s, context, sizeof s);
    Sleep(40);
    (void)send(s, "later", 5, 0);
    return 0;
}

static void file__no_structure_and_no_data__waits(struct t_run *t)
{
    static SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__nonblocking_and_no_structure__waits_all_the_same(struct t_run *t)
{
    static SOCKET ends[2];
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_ioctl(ends[1], FIONBIO, 1));
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__nonblocking_and_not_overlapped__waits_all_the_same(struct t_run *t)
{
    static SOCKET peer;
    SOCKET listener;
    SOCKET s = t_keep(t, WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0));
    struct t_addr at;
    char data[16] = {0};
    DWORD moved = 0;
    T_DO(s != INVALID_SOCKET && t_listener(t, AF_INET, &listener, &at));
    T_OK(connect(s, &at.u.any, at.bytes));
    peer = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(peer != INVALID_SOCKET);
    T_OK(t_ioctl(s, FIONBIO, 1));
    T_DO(t_thread(t, sender_main, &peer) != NULL);
    T_TRUE(ReadFile((HANDLE)s, data, sizeof data, &moved, NULL));
    T_EQ(moved, 5);
    T_SAME(data, "later", 5);
}

static void file__overlapped_read__as_wsarecv(struct t_run *t)
{
    SOCKET ends[2];
    OVERLAPPED overlapped = {.hEvent = t_event(t)};
    char data[16] = {0};
    DWORD moved = 99;
    T_DO(overlapped.hEvent != NULL && t_pair(t, AF_INET, ends));
    T_FALSE(ReadFile((HANDLE)ends[1], data, sizeof data, NULL, &overlapped), ERROR_IO_PENDING);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, FALSE), ERROR_IO_INCOMPLETE);
    T_DO(t_send_all(t, ends[0], "hello", 5));
    T_TRUE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, TRUE));
    T_EQ(moved, 5);
    T_SAME(data, "hello", 5);
}

static void file__overlapped_on_a_port__packets(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port;
    OVERLAPPED in = {0};
    OVERLAPPED out = {0};
    char data[16] = {0};
    T_DO(t_port_pair(t, ends, &port));
    T_FALSE(ReadFile((HANDLE)ends[0], data, sizeof data, NULL, &in), ERROR_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "in", 2));
    T_PACKET(port, 42, &in, 2);
    if (!WriteFile((HANDLE)ends[0], "out", 3, NULL, &out)) {
        T_EQ(GetLastError(), ERROR_IO_PENDING);
    }
    T_PACKET(port, 42, &out, 3);
    T_DO(t_recv_all(t, ends[1], data, 3));
    T_SAME(data, "out", 3);
}

static void file__end_of_the_stream__success_of_no_bytes(struct t_run *t)
{
    SOCKET ends[2];
    char data[16];
    DWORD moved = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_SEND));
    T_TRUE(ReadFile((HANDLE)ends[1], data, sizeof data, &moved, NULL));
    T_EQ(moved, 0);
}

static void file__peer_resets__netname_deleted(struct t_run *t)
{
    SOCKET ends[2];
    OVERLAPPED overlapped = {.hEvent = t_event(t)};
    char data[16];
    DWORD moved;
    T_DO(overlapped.hEvent != NULL && t_pair(t, AF_INET, ends));
    T_FALSE(ReadFile((HANDLE)ends[1], data, sizeof data, NULL, &overlapped), ERROR_IO_PENDING);
    t_reset(t, ends[0]);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &overlapped, &moved, TRUE), ERROR_NETNAME_DELETED);
}

static void result__no_event__waits_for_the_operation(struct t_run *t)
{
    static SOCKET ends[2];
    struct t_post post;
    DWORD moved = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[1], &post, 64, NULL), WSA_IO_PENDING);
    T_FALSE(GetOverlappedResult((HANDLE)ends[1], &post.overlapped, &moved, FALSE), ERROR_IO_INCOMPLETE);
    T_FALSE(GetOverlappedResultEx((HANDLE)ends[1], &post.overlapped, &moved, 30, FALSE), WAIT_TIMEOUT);
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(GetOverlappedResult((HANDLE)ends[1], &post.overlapped, &moved, TRUE));
    T_EQ(moved, 5);
    T_SAME(post.data, "later", 5);
}

static void result__winsock_and_no_event__waits_for_the_operation(struct t_run *t)
{
    static SOCKET ends[2];
    struct t_post post;
    DWORD moved = 99;
    DWORD flags = 99;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[1], &post, 64, NULL), WSA_IO_PENDING);
    T_FALSE(WSAGetOverlappedResult(ends[1], &post.overlapped, &moved, FALSE, &flags), WSA_IO_INCOMPLETE);
    T_DO(t_thread(t, sender_main, &ends[0]) != NULL);
    T_TRUE(WSAGetOverlappedResult(ends[1], &post.overlapped, &moved, TRUE, &flags));
    T_EQ(moved, 5);
    T_EQ(flags, 0);
}

static void handle__type__pipe(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET u = t_socket(t, AF_INET, SOCK_DGRAM);
    T_DO(s != INVALID_SOCKET && u != INVALID_SOCKET);
    T_EQ(GetFileType((HANDLE)s), FILE_TYPE_PIPE);
    T_EQ(GetFileType((HANDLE)u), FILE_TYPE_PIPE);
}

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

static void handle__close_handle__peer_sees_the_end(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE(CloseHandle((HANDLE)ends[0]));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_FAILS(send(ends[0], "x", 1, 0), WSAENOTSOCK);
    T_FALSE(CloseHandle((HANDLE)ends[0]), ERROR_INVALID_HANDLE);
}

static void handle__close_handle_with_pending_receive__aborted(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct t_post post;
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    T_EQ(t_post_recv(ends[0], &post, 64, event), WSA_IO_PENDING);
    T_TRUE(CloseHandle((HANDLE)ends[0]));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(post.overlapped.Internal != STATUS_PENDING && post.overlapped.Internal != 0);
}

static void handle__many_closed__values_come_again_as_sockets(struct t_run *t)
{
    unsigned i;
    for (i = 0; i < 40; i++) {
        SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
        T_TRUE(s != INVALID_SOCKET && s < 0x80000000u && s % 4 == 0);
        T_EQ(t_get_int(s, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
        if (i % 2 == 0) {
            T_OK(closesocket(s));
        } else {
            T_TRUE(CloseHandle((HANDLE)s));
        }
    }
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

/* STATUS_INVALID_HANDLE and STATUS_OBJECT_TYPE_MISMATCH would be taken for a socket that was closed. */
static void handle__polled_through_afd__works_or_says_that_it_cannot(struct t_run *t)
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
    T_TRUE((got == 0 && poll.count == 1 && poll.sockets[0].events == 4) || got == (NTSTATUS)0xc00000bb);
}

static const struct t_cases cases[] = {
    T_CASE(file__no_structure__reads_and_writes),
    T_CASE(file__no_structure_and_no_data__waits),
    T_CASE(file__nonblocking_and_no_structure__waits_all_the_same),
    T_CASE(file__nonblocking_and_not_overlapped__waits_all_the_same),
    T_CASE(file__overlapped_read__as_wsarecv),
    T_CASE(file__overlapped_on_a_port__packets),
    T_CASE(file__end_of_the_stream__success_of_no_bytes),
    T_CASE(file__peer_resets__netname_deleted),
    T_CASE(result__no_event__waits_for_the_operation),
    T_CASE(result__winsock_and_no_event__waits_for_the_operation),
    T_CASE(handle__type__pipe),
    T_CASE(handle__information__set_and_got),
    T_CASE(handle__close_handle__peer_sees_the_end),
    T_CASE(handle__close_handle_with_pending_receive__aborted),
    T_CASE(handle__many_closed__values_come_again_as_sockets),
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
    T_CASE(handle__polled_through_afd__works_or_says_that_it_cannot),
};

const struct t_group t_group_kernel_file = {"kernel_file", cases, T_COUNT(cases), false};

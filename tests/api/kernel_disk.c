/*
 * Files, and sending them: CreateFile to SetEndOfFile; TransmitFile and AcceptEx as mswsock.dll exports them.
 * Rules TF-1 to TF-21, A.21.1.
 */
#include "kernel.h"

#include <mswsock.h>

#define BYTES 300000

static char content[BYTES];

/* A fresh file with the first `bytes` of the content, that goes away with its handle; INVALID_HANDLE_VALUE is noted. */
static HANDLE disk_file(struct t_run *t, DWORD flags, DWORD bytes)
{
    char folder[MAX_PATH];
    char path[MAX_PATH];
    HANDLE made = INVALID_HANDLE_VALUE;
    HANDLE file = INVALID_HANDLE_VALUE;
    DWORD written = 0;
    t_pattern(content, BYTES, 3);
    if (GetTempPathA(sizeof folder, folder) != 0 && GetTempFileNameA(folder, "wlk", 0, path) != 0) {
        made = CreateFileA(path, GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL);
    }
    if (made != INVALID_HANDLE_VALUE && WriteFile(made, content, bytes, &written, NULL) && written == bytes) {
        file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING,
                           flags | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    }
    if (made != INVALID_HANDLE_VALUE) {
        CloseHandle(made);
    }
    if (file == INVALID_HANDLE_VALUE) {
        t_note(t, __FILE__, __LINE__, "no file: %u", (unsigned)GetLastError());
        return file;
    }
    t->objects[t->object_count++] = file;
    return file;
}

static void disk__position__moved_by_reads_and_writes(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, 1000);
    LARGE_INTEGER at = {.QuadPart = 0};
    LARGE_INTEGER none = {.QuadPart = 0};
    LARGE_INTEGER back = {.QuadPart = -300};
    char data[600];
    DWORD moved = 0;
    T_DO(file != INVALID_HANDLE_VALUE);
    T_TRUE(ReadFile(file, data, 600, &moved, NULL));
    T_EQ(moved, 600);
    T_SAME(data, content, 600);
    T_TRUE(ReadFile(file, data, 600, &moved, NULL));
    T_EQ(moved, 400);
    T_SAME(data, content + 600, 400);
    T_TRUE(ReadFile(file, data, 600, &moved, NULL)); /* the end is a success of no bytes */
    T_EQ(moved, 0);
    T_TRUE(SetFilePointerEx(file, back, &at, FILE_END));
    T_EQ(at.QuadPart, 700);
    T_TRUE(WriteFile(file, "abc", 3, &moved, NULL));
    T_EQ(moved, 3);
    T_TRUE(SetFilePointerEx(file, none, &at, FILE_CURRENT));
    T_EQ(at.QuadPart, 703);
    T_EQ(SetFilePointer(file, 699, NULL, FILE_BEGIN), 699);
    T_TRUE(ReadFile(file, data, 5, &moved, NULL));
    T_EQ(data[0], content[699]);
    T_SAME(data + 1, "abc", 3);
    T_TRUE(SetEndOfFile(file));
    T_EQ(GetFileSize(file, NULL), 704);
    T_TRUE(GetFileSizeEx(file, &at));
    T_EQ(at.QuadPart, 704);
    T_FALSE(SetFilePointerEx(file, back, &at, FILE_BEGIN), ERROR_NEGATIVE_SEEK);
    T_EQ(GetFileType(file), FILE_TYPE_DISK);
}

static void disk__structure__says_where(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, 1000);
    OVERLAPPED where = {0};
    char data[100];
    DWORD moved = 0;
    T_DO(file != INVALID_HANDLE_VALUE);
    where.Offset = 950;
    T_TRUE(ReadFile(file, data, 100, &moved, &where));
    T_EQ(moved, 50);
    T_SAME(data, content + 950, 50);
    T_EQ(SetFilePointer(file, 0, NULL, FILE_CURRENT), 1000); /* not opened overlapped: the position follows */
    where.Offset = 1000;
    T_FALSE(ReadFile(file, data, 100, &moved, &where), ERROR_HANDLE_EOF);
}

/* TRUE, or pending and then done: what an overlapped operation moved; -1: it failed. */
static long long finish(struct t_run *t, BOOL done, HANDLE file, LPOVERLAPPED overlapped)
{
    DWORD moved = 0;
    if (!done && GetLastError() != ERROR_IO_PENDING) {
        t_note(t, __FILE__, __LINE__, "error %u", (unsigned)GetLastError());
        return -1;
    }
    return GetOverlappedResult(file, overlapped, &moved, TRUE) ? (long long)moved : -1;
}

static void disk__overlapped__event_and_result(struct t_run *t)
{
    HANDLE file = disk_file(t, FILE_FLAG_OVERLAPPED, 1000);
    OVERLAPPED where = {.hEvent = t_event(t)};
    char data[100];
    DWORD moved = 0;
    T_DO(file != INVALID_HANDLE_VALUE && where.hEvent != NULL);
    where.Offset = 200;
    T_EQ(finish(t, ReadFile(file, data, 100, NULL, &where), file, &where), 100);
    T_SAME(data, content + 200, 100);
    T_EQ(WaitForSingleObject(where.hEvent, T_WAIT_MS), WAIT_OBJECT_0);
    where.Offset = 300;
    T_EQ(finish(t, WriteFile(file, "hello", 5, NULL, &where), file, &where), 5);
    T_EQ(finish(t, ReadFile(file, data, 5, NULL, &where), file, &where), 5);
    T_SAME(data, "hello", 5);
    T_FALSE(ReadFile(file, data, 100, &moved, NULL), ERROR_INVALID_PARAMETER); /* it must say where */
}

static void disk__on_a_port__a_packet_each(struct t_run *t)
{
    HANDLE file = disk_file(t, FILE_FLAG_OVERLAPPED, 1000);
    HANDLE port = t_port_make(t);
    OVERLAPPED where = {0};
    char data[100];
    T_DO(file != INVALID_HANDLE_VALUE && port != NULL);
    T_TRUE(CreateIoCompletionPort(file, port, 77, 0) == port);
    if (!ReadFile(file, data, 100, NULL, &where)) {
        T_EQ(GetLastError(), ERROR_IO_PENDING);
    }
    T_PACKET(port, 77, &where, 100);
    T_NO_PACKET(port);
}

static void disk__opened__as_the_disposition_says(struct t_run *t)
{
    char folder[MAX_PATH];
    char path[MAX_PATH];
    HANDLE file;
    DWORD moved;
    T_TRUE(GetTempPathA(sizeof folder, folder) != 0 && GetTempFileNameA(folder, "wlk", 0, path) != 0);
    T_FALSE(CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_FILE_EXISTS);
    file = CreateFileA(path, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    T_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    T_TRUE(file != INVALID_HANDLE_VALUE && WriteFile(file, "12345", 5, &moved, NULL));
    T_FALSE(ReadFile(file, folder, 1, &moved, NULL), ERROR_ACCESS_DENIED);
    T_TRUE(CloseHandle(file));
    T_FALSE(CloseHandle(file), ERROR_INVALID_HANDLE);
    T_FALSE(WriteFile(file, "x", 1, &moved, NULL), ERROR_INVALID_HANDLE);
    file = CreateFileA(path, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    T_EQ(GetFileSize(file, NULL), 5);
    T_FALSE(WriteFile(file, "x", 1, &moved, NULL), ERROR_ACCESS_DENIED);
    T_TRUE(CloseHandle(file));
    file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    T_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
    T_EQ(GetFileSize(file, NULL), 0);
    T_TRUE(CloseHandle(file));
    T_TRUE(DeleteFileA(path));
    T_FALSE(DeleteFileA(path), ERROR_FILE_NOT_FOUND);
    T_FALSE(CreateFileA(path, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
            ERROR_FILE_NOT_FOUND);
    T_FALSE(CreateFileA("no-such-folder/file", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) != INVALID_HANDLE_VALUE,
            ERROR_PATH_NOT_FOUND);
    T_FALSE(CreateFileA(path, GENERIC_READ, 0, NULL, 9, 0, NULL) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
}

/* ---- TransmitFile ---- */

static void transmit__file_on_the_same_port__only_the_sockets_packet(struct t_run *t)
{
    static char got[BYTES + 9];
    HANDLE file = disk_file(t, FILE_FLAG_OVERLAPPED, BYTES);
    TRANSMIT_FILE_BUFFERS buffers = {(LPVOID)(uintptr_t) "HEAD", 4, (LPVOID)(uintptr_t) "TAIL!", 5};
    OVERLAPPED where = {0};
    SOCKET ends[2];
    HANDLE port;
    T_DO(file != INVALID_HANDLE_VALUE && t_port_pair(t, ends, &port));
    T_TRUE(CreateIoCompletionPort(file, port, 77, 0) == port);
    if (!TransmitFile(ends[0], file, 0, 0, &where, &buffers, 0)) {
        T_EQ(WSAGetLastError(), WSA_IO_PENDING);
    }
    T_DO(t_recv_all(t, ends[1], got, BYTES + 9));
    T_SAME(got, "HEAD", 4);
    T_SAME(got + 4, content, BYTES);
    T_SAME(got + 4 + BYTES, "TAIL!", 5);
    T_PACKET(port, 42, &where, BYTES + 9);
    T_NO_PACKET(port);
}

static void transmit__no_structure__from_the_position(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, 1000);
    char got[500];
    SOCKET ends[2];
    T_DO(file != INVALID_HANDLE_VALUE && t_pair(t, AF_INET, ends));
    T_EQ(SetFilePointer(file, 100, NULL, FILE_BEGIN), 100);
    T_TRUE(TransmitFile(ends[0], file, 500, 0, NULL, NULL, 0));
    T_DO(t_recv_all(t, ends[1], got, 500));
    T_SAME(got, content + 100, 500);
    T_EQ(SetFilePointer(file, 0, NULL, FILE_CURRENT), 600);
}

static void transmit__disconnect__the_peer_sees_the_end(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, 1000);
    char got[1000];
    SOCKET ends[2];
    T_DO(file != INVALID_HANDLE_VALUE && t_pair(t, AF_INET, ends));
    T_TRUE(TransmitFile(ends[0], file, 0, 0, NULL, NULL, TF_DISCONNECT));
    T_DO(t_recv_all(t, ends[1], got, 1000));
    T_SAME(got, content, 1000);
    T_EQ(recv(ends[1], got, 1, 0), 0);
}

static void transmit__reset_or_cancelled_midway__packet_with_its_code(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, BYTES);
    TRANSMIT_FILE_BUFFERS large = {NULL, 0, NULL, 0};
    static char more[4 << 20]; /* more than the buffers of both ends hold */
    OVERLAPPED where = {0};
    SOCKET ends[2];
    HANDLE port;
    large.Tail = more;
    large.TailLength = sizeof more;
    T_DO(file != INVALID_HANDLE_VALUE && t_port_pair(t, ends, &port));
    T_EQ(TransmitFile(ends[0], file, 0, 0, &where, &large, 0), FALSE);
    T_EQ(WSAGetLastError(), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[0], &where));
    T_FAILED_PACKET(port, 42, &where, ERROR_OPERATION_ABORTED);
    T_DO(t_port_pair(t, ends, &port));
    memset(&where, 0, sizeof where);
    T_EQ(TransmitFile(ends[0], file, 0, 0, &where, &large, 0), FALSE);
    T_EQ(WSAGetLastError(), WSA_IO_PENDING);
    t_reset(t, ends[1]);
    T_FAILED_PACKET(port, 42, &where, ERROR_NETNAME_DELETED);
}

static void transmit__bad_arguments__their_codes(struct t_run *t)
{
    HANDLE file = disk_file(t, 0, 1000);
    HANDLE event = t_event(t);
    SOCKET ends[2];
    SOCKET fresh = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(file != INVALID_HANDLE_VALUE && event != NULL && t_pair(t, AF_INET, ends) && fresh != INVALID_SOCKET);
    T_EQ(TransmitFile(INVALID_SOCKET, file, 0, 0, NULL, NULL, 0), FALSE);
    T_EQ(WSAGetLastError(), WSAENOTSOCK);
    T_EQ(TransmitFile(fresh, file, 0, 0, NULL, NULL, 0), FALSE);
    T_EQ(WSAGetLastError(), WSAENOTCONN);
    T_EQ(TransmitFile(ends[0], (HANDLE)(uintptr_t)0x7ffffff0, 0, 0, NULL, NULL, 0), FALSE);
    T_EQ(WSAGetLastError(), ERROR_INVALID_HANDLE);
}

/* ---- AcceptEx ---- */

static void accept_ex__exported__as_by_its_pointer(struct t_run *t)
{
    SOCKET listener;
    SOCKET accepted = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    OVERLAPPED overlapped = {.hEvent = t_event(t)};
    char room[64 + 2 * (sizeof(SOCKADDR_IN) + 16)];
    struct sockaddr *local = NULL;
    struct sockaddr *remote = NULL;
    INT local_len = 0;
    INT remote_len = 0;
    struct t_addr at;
    struct t_addr own = {.bytes = sizeof own.u};
    DWORD bytes = 0;
    T_DO(overlapped.hEvent != NULL && t_listener(t, AF_INET, &listener, &at));
    T_EQ(
        AcceptEx(listener, accepted, room, 64, sizeof(SOCKADDR_IN) + 16, sizeof(SOCKADDR_IN) + 16, &bytes, &overlapped),
        FALSE);
    T_EQ(WSAGetLastError(), WSA_IO_PENDING);
    T_OK(connect(s, &at.u.any, at.bytes));
    T_DO(t_send_all(t, s, "first", 5));
    T_EQ(WaitForSingleObject(overlapped.hEvent, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(overlapped.InternalHigh, 5);
    T_SAME(room, "first", 5);
    GetAcceptExSockaddrs(room, 64, sizeof(SOCKADDR_IN) + 16, sizeof(SOCKADDR_IN) + 16, &local, &local_len, &remote,
                         &remote_len);
    T_EQ(local_len, sizeof(SOCKADDR_IN));
    T_EQ(remote_len, sizeof(SOCKADDR_IN));
    T_OK(getsockname(s, &own.u.any, &own.bytes));
    T_EQ(((SOCKADDR_IN *)(void *)remote)->sin_port, own.u.v4.sin_port);
    T_EQ(((SOCKADDR_IN *)(void *)local)->sin_port, at.u.v4.sin_port);
}

static const struct t_cases cases[] = {
    T_CASE(disk__position__moved_by_reads_and_writes),
    T_CASE(disk__structure__says_where),
    T_CASE(disk__overlapped__event_and_result),
    T_CASE(disk__on_a_port__a_packet_each),
    T_CASE(disk__opened__as_the_disposition_says),
    T_CASE(transmit__file_on_the_same_port__only_the_sockets_packet),
    T_CASE(transmit__no_structure__from_the_position),
    T_CASE(transmit__disconnect__the_peer_sees_the_end),
    T_CASE(transmit__reset_or_cancelled_midway__packet_with_its_code),
    T_CASE(transmit__bad_arguments__their_codes),
    T_CASE(accept_ex__exported__as_by_its_pointer),
};

const struct t_group t_group_kernel_disk = {"kernel_disk", cases, T_COUNT(cases), false};

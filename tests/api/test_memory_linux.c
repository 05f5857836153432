/*
 * Memory that is short in the Winsock DLL: every allocation of a call fails in turn. The program's own allocation functions
 * stand before libc's for all libraries of the process.
 */
#include "t_api.h"

#include <mswsock.h>

#include <pthread.h>
#include <stdlib.h>

/* Of all threads. */
static _Atomic unsigned allocations;

/* Allocations of the calling thread that still succeed; negative: all do. */
static _Thread_local int memory_left = -1;
static _Thread_local bool memory_failed;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool memory_fails(void)
{
    allocations++;
    if (memory_left < 0 || memory_left-- > 0) {
        return false;
    }
    memory_failed = true;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return memory_fails() ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    return memory_fails() ? NULL : __libc_realloc(old, size);
}

struct row {
    const char *name;
    bool (*call)(void); /* false: it failed */
    DWORD codes[2];
};

/* Rules A.9.18, OVL-27. */
static bool on_create_event(void)
{
    WSAEVENT event = WSACreateEvent();
    return event != WSA_INVALID_EVENT && WSACloseEvent(event);
}

/* Rule A.9.26. */
static WSAEVENT waited;

static bool on_wait(void)
{
    return WSAWaitForMultipleEvents(1, &waited, FALSE, 0, TRUE) != WSA_WAIT_FAILED;
}

static SOCKET receiver;

/* Rule IOCP-1. The socket is new each time: it keeps its port. */
static bool on_port(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    HANDLE associated;
    int left = memory_left;
    SOCKET s;
    if (port == NULL) {
        return false;
    }
    memory_left = -1;
    s = socket(AF_INET, SOCK_DGRAM, 0);
    memory_left = left;
    associated = CreateIoCompletionPort((HANDLE)s, port, 1, 0);
    left = (int)GetLastError();
    memory_left = -1;
    closesocket(s);
    CloseHandle(port);
    SetLastError((DWORD)left);
    return associated == port;
}

static bool on_take(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    LPOVERLAPPED overlapped;
    ULONG_PTR key;
    DWORD bytes;
    DWORD code;
    bool taken;
    if (port == NULL) {
        return false;
    }
    taken = GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0) || GetLastError() == WAIT_TIMEOUT;
    code = GetLastError();
    CloseHandle(port);
    SetLastError(code);
    return taken;
}

static void CALLBACK routine(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)error;
    (void)bytes;
    (void)overlapped;
    (void)flags;
}

/* Whether it pends or not: the thread ends, and its request with it. */
static bool on_receive_with_routine(void)
{
    static WSAOVERLAPPED overlapped;
    static char byte;
    WSABUF buffer = {1, &byte};
    DWORD got = 0;
    DWORD flags = 0;
    return WSARecv(receiver, &buffer, 1, &got, &flags, &overlapped, routine) == 0 ||
           WSAGetLastError() == WSA_IO_PENDING;
}

static const struct row rows[] = {
    {"WSACreateEvent", on_create_event, {WSA_NOT_ENOUGH_MEMORY, WSA_NOT_ENOUGH_MEMORY}},
    {"WSAWaitForMultipleEvents", on_wait, {WSA_NOT_ENOUGH_MEMORY, WSA_NOT_ENOUGH_MEMORY}},
    {"CreateIoCompletionPort", on_port, {ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_ENOUGH_MEMORY}},
    {"GetQueuedCompletionStatus", on_take, {ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_ENOUGH_MEMORY}},
    {"WSARecv with a routine", on_receive_with_routine, {WSAENOBUFS, WSAENOBUFS}},
};

struct attempt {
    const struct row *row;
    int left;
    bool worked;
    bool failed;
    DWORD code;
};

static void *attempt_run(void *context)
{
    struct attempt *attempt = (struct attempt *)context;
    SetLastError(0);
    memory_failed = false;
    memory_left = attempt->left;
    attempt->worked = attempt->row->call();
    memory_left = -1;
    attempt->failed = memory_failed;
    attempt->code = GetLastError();
    return NULL;
}

static void memory__each_allocation_fails__has_its_code(void **state)
{
    SOCKADDR_IN at = t_api_loopback(0);
    size_t i;
    (void)state;
    waited = WSACreateEvent();
    receiver = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(receiver != INVALID_SOCKET);
    assert_int_equal(bind(receiver, (struct sockaddr *)&at, sizeof at), 0);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct attempt attempt = {.row = &rows[i], .failed = true};
        int failures = 0;
        for (attempt.left = 0; attempt.failed; attempt.left++) {
            pthread_t thread; /* not one of CreateThread's, whose record is made before it runs */
            assert_int_equal(pthread_create(&thread, NULL, attempt_run, &attempt), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
            assert_in_range(attempt.left, 0, 50);
            if (!attempt.worked && attempt.code != rows[i].codes[0] && attempt.code != rows[i].codes[1]) {
                fail_msg("%s, allocation %d: code %u", rows[i].name, attempt.left, attempt.code);
            }
            if (!attempt.failed && !attempt.worked) {
                fail_msg("%s fails with all memory", rows[i].name);
            }
            failures += attempt.failed && !attempt.worked;
        }
        if (failures == 0) {
            fail_msg("%s needs no memory", rows[i].name);
        }
    }
    assert_int_equal(closesocket(receiver), 0);
    assert_true(WSACloseEvent(waited));
}

#define ROUNDS 400
#define WARM_UP 100
#define WAIT_MS 10000

static void port_round(HANDLE port, SOCKET s, const SOCKADDR_IN *to)
{
    static char in[16];
    static char out[16];
    WSAOVERLAPPED receiving = {0};
    WSAOVERLAPPED sending = {0};
    WSABUF in_buffer = {sizeof in, in};
    WSABUF out_buffer = {sizeof out, out};
    OVERLAPPED_ENTRY entries[4];
    DWORD flags = 0;
    unsigned told = 0;
    assert_int_equal(WSARecv(s, &in_buffer, 1, NULL, &flags, &receiving, NULL), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
    assert_true(WSASendTo(s, &out_buffer, 1, NULL, 0, (const struct sockaddr *)to, sizeof *to, &sending, NULL) == 0 ||
                WSAGetLastError() == WSA_IO_PENDING);
    while (told < 2) {
        ULONG removed = 0;
        assert_true(GetQueuedCompletionStatusEx(port, entries, 4, &removed, WAIT_MS, FALSE));
        told += removed;
    }
    assert_int_equal(receiving.InternalHigh, sizeof in);
    assert_int_equal(sending.InternalHigh, sizeof out);
}

/* A socket that sends to itself. */
static void port__datagrams_through_it__nothing_is_allocated(void **state)
{
    SOCKADDR_IN at = t_api_loopback(0);
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    HANDLE port = CreateIoCompletionPort((HANDLE)s, NULL, 1, 0);
    int bytes = sizeof at;
    unsigned before = 0;
    unsigned i;
    (void)state;
    assert_non_null(port);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&at, &bytes), 0);
    for (i = 0; i < WARM_UP + ROUNDS; i++) {
        if (i == WARM_UP) {
            before = allocations;
        }
        port_round(port, s, &at);
    }
    assert_int_equal(allocations - before, 0);
    assert_int_equal(closesocket(s), 0);
    assert_true(CloseHandle(port));
}

#define FILE_BYTES 20000

/* A file with a head, by TransmitFile, and read at the other end. The last acknowledgement, which is late, is not waited for. */
static void transmit_round(HANDLE file, const SOCKET ends[2])
{
    static char in[FILE_BYTES + 4];
    TRANSMIT_FILE_BUFFERS head = {(LPVOID)(uintptr_t) "HEAD", 4, NULL, 0};
    OVERLAPPED sending = {0};
    DWORD flags = 0;
    DWORD moved = 0;
    int got = 0;
    assert_true(TransmitFile(ends[0], file, 0, 0, &sending, &head, TF_WRITE_BEHIND) ||
                WSAGetLastError() == WSA_IO_PENDING);
    while (got < (int)sizeof in) {
        int part = recv(ends[1], in + got, (int)sizeof in - got, 0);
        assert_true(part > 0);
        got += part;
    }
    assert_true(WSAGetOverlappedResult(ends[0], &sending, &moved, TRUE, &flags));
    assert_int_equal(moved, sizeof in);
}

static HANDLE file_make(void)
{
    static char bytes[FILE_BYTES];
    char folder[MAX_PATH];
    char path[MAX_PATH];
    DWORD written = 0;
    HANDLE file;
    assert_true(GetTempPathA(sizeof folder, folder) != 0 && GetTempFileNameA(folder, "wlm", 0, path) != 0);
    file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    assert_true(file != INVALID_HANDLE_VALUE && WriteFile(file, bytes, sizeof bytes, &written, NULL));
    return file;
}

static void transmit__files__nothing_is_allocated(void **state)
{
    SOCKADDR_IN at = t_api_loopback(0);
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    SOCKET ends[2] = {socket(AF_INET, SOCK_STREAM, 0), INVALID_SOCKET};
    HANDLE file = file_make();
    int bytes = sizeof at;
    unsigned before = 0;
    unsigned i;
    (void)state;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&at, sizeof at), 0);
    ends[1] = accept(listener, NULL, NULL);
    assert_true(ends[1] != INVALID_SOCKET);
    for (i = 0; i < WARM_UP + ROUNDS; i++) {
        if (i == WARM_UP) {
            before = allocations;
        }
        transmit_round(file, ends);
    }
    assert_int_equal(allocations - before, 0);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(closesocket(listener), 0);
    assert_true(CloseHandle(file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory__each_allocation_fails__has_its_code, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(port__datagrams_through_it__nothing_is_allocated, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(transmit__files__nothing_is_allocated, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

/*
 * What is our own in the Linux DLL: a port's threads that sleep in other libraries, the pool's last callbacks, results that
 * nobody announces, files of Linux, sizes that wrap. Rules IOCP-7, IOCP-9, IOCP-32.
 */
#include "kernel.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define TAKERS 3
#define ROUNDS 20

/* ---- threads that sleep where the DLL does not see it ---- */

static volatile LONG tired;
static volatile LONG release;

struct taker {
    HANDLE port;
    HANDLE taken;
};

static void sleep_elsewhere(void)
{
    const struct timespec nap = {0, 20000000};
    (void)nanosleep(&nap, NULL);
}

static DWORD WINAPI take_and_sleep_elsewhere(LPVOID context)
{
    const struct taker *taker = (const struct taker *)context;
    if (t_packet_take(taker->port, 2 * T_WAIT_MS).key != 0) {
        SetEvent(taker->taken);
    }
    while (__atomic_load_n(&tired, __ATOMIC_SEQ_CST) == 0) {
    }
    while (__atomic_load_n(&release, __ATOMIC_SEQ_CST) == 0) {
        sleep_elsewhere();
    }
    return 0;
}

/* Two packets wait behind one running thread; who is let in by its sleep goes to sleep itself. */
static void port__one_may_run_and_all_sleep_elsewhere__each_packet_is_taken(struct t_run *t)
{
    static struct taker takers[TAKERS];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    HANDLE taken[TAKERS];
    unsigned i;
    DWORD got;
    T_TRUE(port != NULL);
    t->objects[t->object_count++] = port;
    tired = 0;
    release = 0;
    for (i = 0; i < TAKERS; i++) {
        takers[i].port = port;
        takers[i].taken = taken[i] = t_event(t);
        T_DO(taken[i] != NULL && t_thread(t, take_and_sleep_elsewhere, &takers[i]) != NULL);
    }
    Sleep(T_QUIET_MS);
    T_TRUE(PostQueuedCompletionStatus(port, 0, 1, NULL));
    T_TRUE(WaitForMultipleObjects(TAKERS, taken, FALSE, T_WAIT_MS) < TAKERS);
    T_TRUE(PostQueuedCompletionStatus(port, 0, 2, NULL));
    T_TRUE(PostQueuedCompletionStatus(port, 0, 3, NULL));
    __atomic_store_n(&tired, 1, __ATOMIC_SEQ_CST);
    got = WaitForMultipleObjects(TAKERS, taken, TRUE, T_WAIT_MS);
    __atomic_store_n(&release, 1, __ATOMIC_SEQ_CST);
    T_EQ(got, WAIT_OBJECT_0);
}

/* ---- files ---- */

static bool path_make(struct t_run *t, char path[MAX_PATH])
{
    char folder[MAX_PATH];
    if (GetTempPathA(sizeof folder, folder) == 0 || GetTempFileNameA(folder, "wli", 0, path) == 0) {
        t_note(t, __FILE__, __LINE__, "no file: %u", (unsigned)GetLastError());
        return false;
    }
    return true;
}

static HANDLE file_open(struct t_run *t, const char *path, DWORD flags)
{
    HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_ALWAYS, flags, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        t_note(t, __FILE__, __LINE__, "no file: %u", (unsigned)GetLastError());
    }
    return file;
}

static void disk__last_offset_there_is__writes_to_the_end(struct t_run *t)
{
    char path[MAX_PATH];
    char data[16] = {0};
    OVERLAPPED end = {.Offset = 0xffffffffu, .OffsetHigh = 0xffffffffu};
    DWORD moved = 0;
    HANDLE file;
    T_DO(path_make(t, path));
    file = file_open(t, path, FILE_FLAG_DELETE_ON_CLOSE);
    T_DO(file != INVALID_HANDLE_VALUE);
    t->objects[t->object_count++] = file;
    T_TRUE(WriteFile(file, "abc", 3, &moved, NULL));
    T_EQ(SetFilePointer(file, 1, NULL, FILE_BEGIN), 1);
    T_TRUE(WriteFile(file, "def", 3, &moved, &end));
    T_EQ(moved, 3);
    T_EQ(SetFilePointer(file, 0, NULL, FILE_CURRENT), 6);
    T_EQ(SetFilePointer(file, 0, NULL, FILE_BEGIN), 0);
    T_TRUE(ReadFile(file, data, sizeof data, &moved, NULL));
    T_EQ(moved, 6);
    T_SAME(data, "abcdef", 6);
}

static void disk__pipe_and_a_structure__offset_does_not_matter(struct t_run *t)
{
    char path[MAX_PATH];
    char data[16] = {0};
    OVERLAPPED where = {.Offset = 4};
    DWORD moved = 0;
    HANDLE file;
    T_DO(path_make(t, path));
    T_TRUE(remove(path) == 0 && mkfifo(path, 0600) == 0);
    file = file_open(t, path, FILE_FLAG_DELETE_ON_CLOSE);
    T_DO(file != INVALID_HANDLE_VALUE);
    t->objects[t->object_count++] = file;
    T_TRUE(WriteFile(file, "hello", 5, &moved, &where));
    T_EQ(moved, 5);
    T_TRUE(ReadFile(file, data, sizeof data, &moved, &where));
    T_EQ(moved, 5);
    T_SAME(data, "hello", 5);
}

static void disk__name_given_to_another_file__that_one_stays(struct t_run *t)
{
    char path[MAX_PATH];
    char moved[MAX_PATH + 8];
    HANDLE file;
    HANDLE other;
    bool stayed;
    T_DO(path_make(t, path));
    snprintf(moved, sizeof moved, "%s.moved", path);
    file = file_open(t, path, FILE_FLAG_DELETE_ON_CLOSE);
    T_TRUE(file != INVALID_HANDLE_VALUE && rename(path, moved) == 0);
    other = file_open(t, path, 0);
    T_TRUE(other != INVALID_HANDLE_VALUE && CloseHandle(other) && CloseHandle(file));
    stayed = GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
    (void)remove(moved);
    (void)remove(path);
    T_TRUE(stayed);
}

/* ---- the pool ---- */

static volatile LONG over; /* nothing may be called back any more */
static volatile LONG late;

static void CALLBACK io_look(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped, ULONG result,
                             ULONG_PTR bytes, PTP_IO io)
{
    (void)instance;
    (void)context;
    (void)overlapped;
    (void)result;
    (void)bytes;
    (void)io;
    sleep_elsewhere();
    if (__atomic_load_n(&over, __ATOMIC_SEQ_CST) != 0) {
        __atomic_store_n(&late, 1, __ATOMIC_SEQ_CST);
    }
}

/* A packet that was just handed to a thread is neither queued nor called back yet. */
static void io__waited_for_with_cancel__no_callback_comes_later(struct t_run *t)
{
    char path[MAX_PATH];
    OVERLAPPED where;
    HANDLE file;
    PTP_IO io;
    unsigned i;
    T_DO(path_make(t, path));
    file = file_open(t, path, FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_OVERLAPPED);
    T_DO(file != INVALID_HANDLE_VALUE);
    t->objects[t->object_count++] = file;
    io = CreateThreadpoolIo(file, io_look, NULL, NULL);
    T_TRUE(io != NULL);
    __atomic_store_n(&late, 0, __ATOMIC_SEQ_CST);
    for (i = 0; i < ROUNDS && __atomic_load_n(&late, __ATOMIC_SEQ_CST) == 0; i++) {
        memset(&where, 0, sizeof where);
        __atomic_store_n(&over, 0, __ATOMIC_SEQ_CST);
        Sleep(5); /* the pool's thread waits again */
        StartThreadpoolIo(io);
        T_TRUE(WriteFile(file, "x", 1, NULL, &where));
        WaitForThreadpoolIoCallbacks(io, TRUE);
        __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
        WaitForThreadpoolIoCallbacks(io, FALSE); /* nothing is started any more: returns at once */
    }
    Sleep(T_QUIET_MS);
    CloseThreadpoolIo(io);
    T_EQ(__atomic_load_n(&late, __ATOMIC_SEQ_CST), 0);
}

/* ---- results, memory ---- */

static DWORD WINAPI end_it(LPVOID context)
{
    LPOVERLAPPED overlapped = (LPOVERLAPPED)context;
    Sleep(T_QUIET_MS);
    overlapped->InternalHigh = 7;
    __atomic_store_n(&overlapped->Internal, 0, __ATOMIC_SEQ_CST);
    return 0;
}

static DWORD WINAPI result_take(LPVOID context)
{
    DWORD bytes = 0;
    return GetOverlappedResult(NULL, (LPOVERLAPPED)context, &bytes, TRUE) ? bytes : 0;
}

/* A provider that stores the end itself wakes nobody. */
static void result__end_is_stored_and_not_announced__found(struct t_run *t)
{
    static OVERLAPPED overlapped;
    HANDLE waits;
    DWORD bytes = 0;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.Internal = STATUS_PENDING;
    waits = t_thread(t, result_take, &overlapped);
    T_DO(waits != NULL && t_thread(t, end_it, &overlapped) != NULL);
    T_EQ(WaitForSingleObject(waits, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(GetExitCodeThread(waits, &bytes));
    T_EQ(bytes, 7);
}

static void memory__sizes_that_wrap__invalid_parameter(struct t_run *t)
{
    const SIZE_T sizes[] = {SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX - 65535, SIZE_MAX / 2 + 1};
    char *room = (char *)VirtualAlloc(NULL, 65536, MEM_RESERVE, PAGE_NOACCESS);
    unsigned i;
    T_TRUE(room != NULL);
    for (i = 0; i < T_COUNT(sizes); i++) {
        T_FALSE(VirtualAlloc(NULL, sizes[i], MEM_RESERVE, PAGE_NOACCESS) != NULL, ERROR_INVALID_PARAMETER);
        T_FALSE(VirtualAlloc(room + 100, sizes[i], MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
    }
    T_TRUE(VirtualFree(room, 0, MEM_RELEASE));
}

static const struct t_cases cases[] = {
    T_CASE(port__one_may_run_and_all_sleep_elsewhere__each_packet_is_taken),
    T_CASE(disk__last_offset_there_is__writes_to_the_end),
    T_CASE(disk__pipe_and_a_structure__offset_does_not_matter),
    T_CASE(disk__name_given_to_another_file__that_one_stays),
    T_CASE(io__waited_for_with_cancel__no_callback_comes_later),
    T_CASE(result__end_is_stored_and_not_announced__found),
    T_CASE(memory__sizes_that_wrap__invalid_parameter),
};

const struct t_group t_group_kernel_inside = {"kernel_inside", cases, T_COUNT(cases), false};

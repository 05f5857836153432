/*
 * Interception of system functions, by itself: what is patched calls ours, the original is still reachable, other
 * threads may call meanwhile, and what begins differently is left alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

#include "ws2_backing_windows.h"

#include <stdatomic.h>
#include <string.h>
#include <winternl.h>

#define CALLERS 3
#define CALLS 20000

typedef DWORD(WINAPI *get_file_type_fn)(HANDLE);
typedef BOOL(WINAPI *modes_fn)(HANDLE, UCHAR);
typedef NTSTATUS(NTAPI *set_information_fn)(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG, int);
typedef NTSTATUS(NTAPI *query_counter_fn)(LARGE_INTEGER *, LARGE_INTEGER *);

static atomic_uint type_calls;
static atomic_uint modes_calls;
static atomic_uint counter_calls;

static DWORD WINAPI hook_get_file_type(HANDLE file);
static NTSTATUS NTAPI hook_set_information(HANDLE file, PIO_STATUS_BLOCK status, PVOID what, ULONG bytes, int kind);
static NTSTATUS NTAPI hook_query_counter(LARGE_INTEGER *count, LARGE_INTEGER *frequency);

static struct ws2_patch patch_type = {"kernelbase.dll", "GetFileType", (FARPROC)(uintptr_t)hook_get_file_type, NULL,
                                      "the test fails"};
static struct ws2_patch patch_information = {"ntdll.dll", "NtSetInformationFile",
                                             (FARPROC)(uintptr_t)hook_set_information, NULL, "the test fails"};
static struct ws2_patch patch_counter = {"ntdll.dll", "NtQueryPerformanceCounter",
                                         (FARPROC)(uintptr_t)hook_query_counter, NULL, "the test fails"};

static DWORD WINAPI hook_get_file_type(HANDLE file)
{
    atomic_fetch_add(&type_calls, 1);
    return file == (HANDLE)(uintptr_t)0x7654 ? 99 : ((get_file_type_fn)(uintptr_t)patch_type.original)(file);
}

static NTSTATUS NTAPI hook_set_information(HANDLE file, PIO_STATUS_BLOCK status, PVOID what, ULONG bytes, int kind)
{
    atomic_fetch_add(&modes_calls, 1);
    return ((set_information_fn)(uintptr_t)patch_information.original)(file, status, what, bytes, kind);
}

static NTSTATUS NTAPI hook_query_counter(LARGE_INTEGER *count, LARGE_INTEGER *frequency)
{
    atomic_fetch_add(&counter_calls, 1);
    return ((query_counter_fn)(uintptr_t)patch_counter.original)(count, frequency);
}

/* Calls both kinds all the time, and checks their answers. */
struct caller {
    HANDLE file;
    atomic_uint *stop;
    atomic_uint wrong;
};

static DWORD WINAPI caller_main(void *argument)
{
    struct caller *caller = (struct caller *)argument;
    query_counter_fn counter = (query_counter_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("ntdll.dll"),
                                                                           "NtQueryPerformanceCounter");
    LARGE_INTEGER now;
    unsigned i;
    for (i = 0; i < CALLS && atomic_load(caller->stop) == 0; i++) {
        if (GetFileType(caller->file) != FILE_TYPE_PIPE || counter(&now, NULL) != 0) {
            atomic_fetch_add(&caller->wrong, 1);
        }
    }
    return 0;
}

static HANDLE pipe_make(void)
{
    HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\winlane-kernel-patch", PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, 0, 1,
                                   0, 0, 0, NULL);
    assert_true(pipe != INVALID_HANDLE_VALUE);
    return pipe;
}

static void patch__other_threads_call__both_kinds_work(void **state)
{
    HANDLE pipe = pipe_make();
    HANDLE thread[CALLERS];
    struct caller caller[CALLERS];
    atomic_uint stop = 0;
    unsigned i;
    (void)state;
    assert_int_equal(GetFileType(pipe), FILE_TYPE_PIPE);
    for (i = 0; i < CALLERS; i++) {
        caller[i] = (struct caller){.file = pipe, .stop = &stop};
        thread[i] = CreateThread(NULL, 0, caller_main, &caller[i], 0, NULL);
        assert_non_null(thread[i]);
    }
    Sleep(20);
    assert_true(ws2_patch_apply(&patch_type));
    assert_true(ws2_patch_apply(&patch_counter));
    assert_true(ws2_patch_apply(&patch_information));
    Sleep(50);
    atomic_store(&stop, 1);
    for (i = 0; i < CALLERS; i++) {
        assert_int_equal(WaitForSingleObject(thread[i], 10000), WAIT_OBJECT_0);
        assert_int_equal(atomic_load(&caller[i].wrong), 0);
        CloseHandle(thread[i]);
    }
    CloseHandle(pipe);
}

static void patch__hot_patchable_function__ours_is_called(void **state)
{
    HANDLE pipe = pipe_make();
    get_file_type_fn inner = (get_file_type_fn)(uintptr_t)GetProcAddress(GetModuleHandleA("kernelbase.dll"),
                                                                         "GetFileType");
    unsigned before = atomic_load(&type_calls);
    (void)state;
    assert_int_equal(GetFileType((HANDLE)(uintptr_t)0x7654), 99); /* through kernel32 */
    assert_int_equal(inner((HANDLE)(uintptr_t)0x7654), 99);
    assert_int_equal(inner(pipe), FILE_TYPE_PIPE);
    assert_int_equal(atomic_load(&type_calls), before + 3);
    CloseHandle(pipe);
}

static void patch__system_call__ours_is_called(void **state)
{
    HANDLE pipe = pipe_make();
    HANDLE port;
    OVERLAPPED_ENTRY entry;
    ULONG entries = 0;
    unsigned before = atomic_load(&modes_calls);
    (void)state;
    assert_true(SetFileCompletionNotificationModes(pipe, FILE_SKIP_SET_EVENT_ON_HANDLE));
    assert_int_equal(atomic_load(&modes_calls), before + 1);
    port = CreateIoCompletionPort(pipe, NULL, 77, 0);
    assert_non_null(port);
    assert_int_equal(atomic_load(&modes_calls), before + 2);
    /* The original did its work: the pipe reports to the port. */
    {
        OVERLAPPED overlapped = {0};
        assert_false(ConnectNamedPipe(pipe, &overlapped));
        assert_int_equal(GetLastError(), ERROR_IO_PENDING);
        assert_true(CancelIoEx(pipe, &overlapped));
        assert_true(GetQueuedCompletionStatusEx(port, &entry, 1, &entries, 3000, FALSE));
        assert_int_equal(entry.lpCompletionKey, 77);
        assert_ptr_equal(entry.lpOverlapped, &overlapped);
    }
    CloseHandle(pipe);
    CloseHandle(port);
}

static void patch__second_time__refused_unchanged(void **state)
{
    struct ws2_patch again = patch_type;
    (void)state;
    assert_false(ws2_patch_apply(&again));
    assert_null(again.original);
    assert_int_equal(GetFileType((HANDLE)(uintptr_t)0x7654), 99);
}

static void patch__unknown_beginning__refused_unchanged(void **state)
{
    static const char *const names[] = {"SetFileCompletionNotificationModes", "ReadFile", "NoSuchFunction"};
    HMODULE kernel32 = GetModuleHandleA("kernel32.dll");
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct ws2_patch patch = {"kernel32.dll", names[i], (FARPROC)(uintptr_t)hook_get_file_type, NULL, "expected"};
        unsigned char before[32] = {0};
        unsigned char *function = (unsigned char *)(uintptr_t)GetProcAddress(kernel32, names[i]);
        if (i == 1) {
            /* The thunk is hot-patchable itself, but no filling stands before it. */
            assert_non_null(function);
        }
        if (function != NULL) {
            memcpy(before, function - 16, sizeof before);
        }
        assert_false(ws2_patch_apply(&patch));
        assert_null(patch.original);
        if (function != NULL) {
            assert_memory_equal(before, function - 16, sizeof before);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch__other_threads_call__both_kinds_work),
        cmocka_unit_test(patch__hot_patchable_function__ours_is_called),
        cmocka_unit_test(patch__system_call__ours_is_called),
        cmocka_unit_test(patch__second_time__refused_unchanged),
        cmocka_unit_test(patch__unknown_beginning__refused_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

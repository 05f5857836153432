/** @file The system of the SPI tests on Windows: events, threads and procedure calls are the kernel's. */
#include "t_os.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(SRWLOCK) <= sizeof(struct t_mutex), "room for a lock");
_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct t_cond), "room for a condition variable");

static void os_must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "t_os: %s, error %lu\n", what, GetLastError());
    abort();
}

void t_mutex_lock(struct t_mutex *mutex)
{
    AcquireSRWLockExclusive((PSRWLOCK)(void *)mutex->opaque);
}

void t_mutex_unlock(struct t_mutex *mutex)
{
    ReleaseSRWLockExclusive((PSRWLOCK)(void *)mutex->opaque);
}

bool t_cond_wait(struct t_cond *cond, struct t_mutex *mutex, uint64_t until_ms)
{
    uint64_t now = t_now_ms();
    DWORD ms = INFINITE;

    if (until_ms != UINT64_MAX)
        ms = now < until_ms ? (DWORD)(until_ms - now) : 0;
    return SleepConditionVariableSRW((PCONDITION_VARIABLE)(void *)cond->opaque, (PSRWLOCK)(void *)mutex->opaque, ms,
                                     0) != 0;
}

void t_cond_wake(struct t_cond *cond)
{
    WakeAllConditionVariable((PCONDITION_VARIABLE)(void *)cond->opaque);
}

struct task_start {
    t_task_fn fn;
    void *arg;
};

static DWORD WINAPI task_main(LPVOID arg)
{
    struct task_start start = *(struct task_start *)arg;

    free(arg);
    (void)start.fn(start.arg);
    return 0;
}

void t_task_start(struct t_task *task, t_task_fn fn, void *arg)
{
    struct task_start *start = malloc(sizeof *start);
    HANDLE handle;

    os_must(start != NULL, "no memory");
    start->fn = fn;
    start->arg = arg;
    handle = CreateThread(NULL, 0, task_main, start, 0, NULL);
    os_must(handle != NULL, "no thread");
    memcpy(task->opaque, &handle, sizeof handle);
}

static HANDLE os_task(const struct t_task *task)
{
    HANDLE handle;

    memcpy(&handle, task->opaque, sizeof handle);
    return handle;
}

void t_task_join(struct t_task *task)
{
    os_must(WaitForSingleObject(os_task(task), INFINITE) == WAIT_OBJECT_0, "join");
    (void)CloseHandle(os_task(task));
}

void t_task_forget(struct t_task *task)
{
    (void)CloseHandle(os_task(task));
}

bool t_task_kill(struct t_task *task)
{
    os_must(TerminateThread(os_task(task), 9), "TerminateThread");
    t_task_join(task);
    return true;
}

void t_sleep_ms(unsigned ms)
{
    Sleep(ms);
}

uint64_t t_now_ms(void)
{
    LARGE_INTEGER now, rate; /* GetTickCount64 counts in ticks of 16 ms */

    (void)QueryPerformanceFrequency(&rate);
    (void)QueryPerformanceCounter(&now);
    return (uint64_t)(now.QuadPart / rate.QuadPart * 1000 + now.QuadPart % rate.QuadPart * 1000 / rate.QuadPart);
}

uint64_t t_now_ticks(void)
{
    LARGE_INTEGER count;

    os_must(QueryPerformanceCounter(&count), "QueryPerformanceCounter");
    return (uint64_t)count.QuadPart;
}

/* --- Events --------------------------------------------------------------- */

WSAEVENT t_event_new(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

    os_must(event != NULL, "no event");
    return event;
}

void t_event_free(WSAEVENT event)
{
    os_must(CloseHandle(event), "CloseHandle of an event");
}

bool t_event_wait(WSAEVENT event, unsigned timeout_ms)
{
    return WaitForSingleObject(event, timeout_ms) == WAIT_OBJECT_0;
}

bool t_event_is_set(WSAEVENT event)
{
    return t_event_wait(event, 0);
}

void t_event_set(WSAEVENT event)
{
    os_must(SetEvent(event), "SetEvent");
}

void t_event_reset(WSAEVENT event)
{
    os_must(ResetEvent(event), "ResetEvent");
}

/* --- Routines ------------------------------------------------------------- */

struct apc {
    LPWSAUSERAPC routine;
    DWORD_PTR context;
};

static _Thread_local WSATHREADID thread_id;
static _Thread_local unsigned apcs_ran;

LPWSATHREADID t_thread(void)
{
    if (!thread_id.ThreadHandle)
        thread_id.ThreadHandle = OpenThread(THREAD_SET_CONTEXT, FALSE, GetCurrentThreadId());
    os_must(thread_id.ThreadHandle != NULL, "OpenThread");
    thread_id.Reserved = 0x51;
    return &thread_id;
}

static void CALLBACK apc_run(ULONG_PTR arg)
{
    struct apc apc = *(struct apc *)arg;

    free((void *)arg);
    apc.routine(apc.context);
    apcs_ran++;
}

bool t_apc_queue(LPWSATHREADID thread, LPWSAUSERAPC routine, DWORD_PTR context)
{
    struct apc *apc = malloc(sizeof *apc);

    if (!apc || thread->Reserved != 0x51) {
        free(apc);
        return false;
    }
    *apc = (struct apc){routine, context};
    if (QueueUserAPC(apc_run, thread->ThreadHandle, (ULONG_PTR)apc))
        return true;
    free(apc);
    return false;
}

unsigned t_alertable(unsigned timeout_ms)
{
    unsigned before = apcs_ran;

    (void)SleepEx(timeout_ms, TRUE);
    return apcs_ran - before;
}

/* --- The process ------------------------------------------------------------ */

static char file_path[MAX_PATH];

static void file_remove(void)
{
    (void)DeleteFileA(file_path);
}

/* --- Memory, ports ------------------------------------------------------- */

char *t_pages_new(size_t size)
{
    void *pages = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    if (!pages)
        abort();
    return pages;
}

void t_pages_free(char *pages, size_t size)
{
    (void)size;
    if (!VirtualFree(pages, 0, MEM_RELEASE))
        abort();
}

void t_pages_protect(char *pages, size_t size, enum t_pages may)
{
    static const DWORD rights[] = {PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE};
    DWORD before;

    if (!VirtualProtect(pages, size, rights[may], &before))
        abort();
}

HANDLE t_port_new(void)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);

    if (!port)
        abort();
    return port;
}

void t_port_free(HANDLE port)
{
    (void)CloseHandle(port);
}

bool t_port_take(HANDLE port, struct t_packet *out, unsigned timeout_ms)
{
    LPOVERLAPPED overlapped = NULL;

    if (!GetQueuedCompletionStatus(port, &out->bytes, &out->key, &overlapped, timeout_ms))
        return false;
    out->overlapped = overlapped;
    return true;
}

int t_last_error(void)
{
    return (int)GetLastError();
}

unsigned t_process_id(void)
{
    return GetCurrentProcessId();
}

const char *t_file_make(const char *text)
{
    char folder[MAX_PATH];
    FILE *file;

    os_must(GetTempPathA(sizeof folder, folder) != 0, "GetTempPath");
    os_must(GetTempFileNameA(folder, "wsp", 0, file_path) != 0, "GetTempFileName");
    file = fopen(file_path, "wb");
    os_must(file && fputs(text, file) >= 0 && fclose(file) == 0, "no file for the configuration");
    (void)atexit(file_remove);
    return file_path;
}

void t_env_set(const char *name, const char *value)
{
    os_must(_putenv_s(name, value) == 0, "_putenv_s");
}

int t_child_run(const char *arg, unsigned timeout_ms)
{
    char self[MAX_PATH], line[2 * MAX_PATH];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    DWORD status = 0;
    bool ended;

    os_must(GetModuleFileNameA(NULL, self, sizeof self) != 0, "GetModuleFileName");
    (void)snprintf(line, sizeof line, "\"%s\" %s", self, arg);
    os_must(CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child), "CreateProcess");
    ended = WaitForSingleObject(child.hProcess, timeout_ms) == WAIT_OBJECT_0;
    if (!ended) {
        (void)TerminateProcess(child.hProcess, 1);
        (void)WaitForSingleObject(child.hProcess, INFINITE);
    }
    (void)GetExitCodeProcess(child.hProcess, &status);
    (void)CloseHandle(child.hThread);
    (void)CloseHandle(child.hProcess);
    return ended && status < 256 ? (int)status : -1;
}

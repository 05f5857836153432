/** @file The platform layer on Windows: kernel32 only. */
#include "wsp_os.h"

#include "stack/err.h"
#include "stack/process.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>

#define OS_NS_PER_MS 1000000
/* Sleep() gives up a whole tick of the system's clock: shorter naps only yield. */
#define OS_NAP_YIELD_NS 500000
/* How often threads are looked at that may have been terminated. */
#define OS_WATCH_NS INT64_C(250000000)

_Static_assert(sizeof(SRWLOCK) <= sizeof(struct wsp_mutex), "opaque storage of a mutex");
_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct wsp_cond), "opaque storage of a condition variable");

enum os_stage { OS_NEW, OS_BEGUN, OS_CANCELLED };

/* A thread's beginning. Freed by who joins it, or by the thread if it was cancelled. */
struct os_start {
    wsp_os_fn fn;
    void *arg;
    HANDLE done; /* event: fn has returned */
    _Atomic uint32_t stage;
};

struct wsp_os_thread_windows {
    HANDLE handle;
    struct os_start *start;
    DWORD id;
};
_Static_assert(sizeof(struct wsp_os_thread_windows) <= sizeof(struct wsp_os_thread), "opaque storage of a thread");

/*
 * A thread's slot. It is found by TlsGetValue, since the fibers of a thread share it; its number stands in a fiber-local
 * slot of the fiber that set it, whose callback tells of the thread's end outside of the loader's lock. A number, as a
 * fiber may outlive the thread and its record. A thread that was terminated has no callback, and a fiber's callback does
 * not say that its thread ends: both are found by the handle.
 */
struct os_record {
    struct os_record *next;
    struct os_record **link; /* what points here */
    void *value;
    HANDLE thread;    /* signalled when it has ended; NULL: not watched */
    ULONG_PTR number; /* from 1 on */
    DWORD id;
};

static struct wsp_os_hooks os_hooks;
static SRWLOCK os_lock = SRWLOCK_INIT;
static bool os_installed;
static DWORD os_slot = TLS_OUT_OF_INDEXES;
static DWORD os_end_slot = FLS_OUT_OF_INDEXES;
static struct os_record *os_records; /* os_lock */
static ULONG_PTR os_numbers;         /* os_lock */

static PSRWLOCK os_mutex(struct wsp_mutex *mutex)
{
    return (PSRWLOCK)(void *)mutex->opaque;
}

static PCONDITION_VARIABLE os_cond(struct wsp_cond *cond)
{
    return (PCONDITION_VARIABLE)(void *)cond->opaque;
}

/* Whole milliseconds, upwards, and never the value that means for ever. */
static DWORD os_ms(int64_t ns)
{
    int64_t ms = ns / OS_NS_PER_MS + (ns % OS_NS_PER_MS > 0);

    if (ms < 0)
        return 0;
    return ms < (int64_t)INFINITE ? (DWORD)ms : INFINITE - 1;
}

void wsp_mutex_lock(struct wsp_mutex *mutex)
{
    AcquireSRWLockExclusive(os_mutex(mutex));
}

bool wsp_mutex_lock_for(struct wsp_mutex *mutex, uint32_t timeout_ms)
{
    ULONGLONG start = GetTickCount64();

    while (!TryAcquireSRWLockExclusive(os_mutex(mutex))) {
        if (GetTickCount64() - start >= timeout_ms)
            return false;
        Sleep(1);
    }
    return true;
}

void wsp_mutex_unlock(struct wsp_mutex *mutex)
{
    ReleaseSRWLockExclusive(os_mutex(mutex));
}

bool wsp_cond_wait(struct wsp_cond *cond, struct wsp_mutex *mutex, int64_t timeout_ns)
{
    DWORD error = GetLastError(); /* the application's: WS2-10 */
    bool woken = SleepConditionVariableSRW(os_cond(cond), os_mutex(mutex), os_ms(timeout_ns), 0) != 0;

    SetLastError(error);
    return woken;
}

void wsp_cond_wake_all(struct wsp_cond *cond)
{
    WakeAllConditionVariable(os_cond(cond));
}

static void os_start_free(struct os_start *start)
{
    if (start && start->done)
        (void)CloseHandle(start->done);
    free(start);
}

static DWORD WINAPI os_thread_main(LPVOID arg)
{
    struct os_start *start = arg;

    if (atomic_exchange(&start->stage, OS_BEGUN) == OS_CANCELLED) {
        os_start_free(start);
        return 0;
    }
    start->fn(start->arg);
    (void)SetEvent(start->done);
    return 0;
}

int wsp_os_thread_start(struct wsp_os_thread *out, wsp_os_fn fn, void *arg)
{
    struct os_start *start = calloc(1, sizeof *start);
    struct wsp_os_thread_windows thread = {.start = start};

    if (!start)
        return STK_ENOMEM;
    start->fn = fn;
    start->arg = arg;
    start->done = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (start->done)
        thread.handle = CreateThread(NULL, 0, os_thread_main, start, 0, &thread.id);
    if (!thread.handle) {
        os_start_free(start);
        return STK_ENOMEM;
    }
    memcpy(out->opaque, &thread, sizeof thread);
    return STK_OK;
}

void wsp_os_thread_join(struct wsp_os_thread *thread)
{
    struct wsp_os_thread_windows self;

    memcpy(&self, thread->opaque, sizeof self);
    if (atomic_exchange(&self.start->stage, OS_CANCELLED) == OS_BEGUN) {
        /* The thread itself: somebody may have terminated it. */
        (void)WaitForMultipleObjects(2, (HANDLE[2]){self.start->done, self.handle}, FALSE, INFINITE);
        os_start_free(self.start);
    }
    (void)CloseHandle(self.handle);
}

bool wsp_os_thread_is_self(const struct wsp_os_thread *thread)
{
    struct wsp_os_thread_windows self;

    memcpy(&self, thread->opaque, sizeof self);
    return self.id == GetCurrentThreadId();
}

/* --- Ends of threads --------------------------------------------------------- */

/* os_lock is held. */
static void os_record_unlink(struct os_record *record)
{
    *record->link = record->next;
    if (record->next)
        record->next->link = record->link;
}

static void os_record_end(struct os_record *record)
{
    os_hooks.thread_exit(record->value);
    if (record->thread)
        (void)CloseHandle(record->thread);
    free(record);
}

/* Take the calling thread's record out of the list, if it is the one of that number. */
static struct os_record *os_record_take(ULONG_PTR number)
{
    struct os_record *record;

    AcquireSRWLockExclusive(&os_lock);
    record = os_records;
    while (record && record->number != number)
        record = record->next;
    if (record && record->id != GetCurrentThreadId())
        record = NULL;
    if (record)
        os_record_unlink(record);
    ReleaseSRWLockExclusive(&os_lock);
    return record;
}

static void WINAPI os_thread_ended(PVOID number)
{
    struct os_record *record;

    /* A fiber that is deleted, by its own thread or another, ends no thread. */
    if (!number || stk_process_ending() || IsThreadAFiber())
        return;
    record = os_record_take((ULONG_PTR)number);
    if (!record)
        return;
    (void)TlsSetValue(os_slot, NULL);
    os_record_end(record);
}

int64_t wsp_os_watch_ns(void)
{
    return OS_WATCH_NS;
}

void wsp_os_threads_reap(void)
{
    struct os_record *ended = NULL, *next;

    AcquireSRWLockExclusive(&os_lock);
    for (struct os_record *record = os_records; record; record = next) {
        next = record->next;
        if (!record->thread || WaitForSingleObject(record->thread, 0) != WAIT_OBJECT_0)
            continue;
        os_record_unlink(record);
        record->next = ended;
        ended = record;
    }
    ReleaseSRWLockExclusive(&os_lock);
    for (; ended; ended = next) {
        next = ended->next;
        os_record_end(ended);
    }
}

/* --- Hooks ------------------------------------------------------------------- */

/* Code of this module stands in callbacks and on threads: it stays loaded. */
static bool os_pin(void)
{
    HMODULE self;

    return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                              (LPCWSTR)(void *)&os_hooks, &self) != 0;
}

static int os_install(const struct wsp_os_hooks *hooks)
{
    if (!os_pin())
        return STK_ENOMEM;
    os_hooks = *hooks;
    if (os_slot == TLS_OUT_OF_INDEXES)
        os_slot = TlsAlloc();
    if (os_end_slot == FLS_OUT_OF_INDEXES)
        os_end_slot = FlsAlloc(os_thread_ended);
    return os_slot != TLS_OUT_OF_INDEXES && os_end_slot != FLS_OUT_OF_INDEXES ? STK_OK : STK_ENOMEM;
}

int wsp_os_hooks_install(const struct wsp_os_hooks *hooks)
{
    int err = STK_OK;

    AcquireSRWLockExclusive(&os_lock);
    if (!os_installed) {
        err = os_install(hooks);
        os_installed = err == STK_OK;
    }
    ReleaseSRWLockExclusive(&os_lock);
    return err;
}

int wsp_os_exit_watch(void)
{
    return STK_OK;
}

/* TlsGetValue clears the thread's last error, which is the application's. */
static struct os_record *os_record_get(void)
{
    DWORD error = GetLastError();
    struct os_record *record = TlsGetValue(os_slot);

    SetLastError(error);
    return record;
}

void *wsp_os_slot_get(void)
{
    struct os_record *record = os_record_get();

    return record ? record->value : NULL;
}

int wsp_os_slot_set(void *value)
{
    struct os_record *record = os_record_get();
    ULONG_PTR number;

    if (record) {
        record->value = value;
        return STK_OK;
    }
    record = calloc(1, sizeof *record);
    if (!record)
        return STK_ENOMEM;
    record->value = value;
    record->id = GetCurrentThreadId();
    if (!TlsSetValue(os_slot, record)) {
        free(record);
        return STK_ENOMEM;
    }
    record->thread = OpenThread(SYNCHRONIZE, FALSE, record->id);
    AcquireSRWLockExclusive(&os_lock);
    number = record->number = ++os_numbers;
    record->next = os_records;
    record->link = &os_records;
    if (os_records)
        os_records->link = &record->next;
    os_records = record;
    ReleaseSRWLockExclusive(&os_lock);
    (void)FlsSetValue(os_end_slot, (PVOID)number); /* without it the handle still tells of the end */
    return STK_OK;
}

/* --- The rest ---------------------------------------------------------------- */

bool wsp_os_readable(const void *at, size_t bytes)
{
    const uintptr_t page = 4096;
    uintptr_t first = (uintptr_t)at;
    uintptr_t last = first + bytes - 1;
    DWORD before = GetLastError();
    bool readable = bytes == 0 || last >= first;
    SIZE_T got;
    char byte;

    for (uintptr_t look = first; readable && bytes > 0 && look < last && look >= first; look = (look | (page - 1)) + 1)
        readable = ReadProcessMemory(GetCurrentProcess(), (const void *)look, &byte, 1, &got) != 0;
    if (readable && bytes > 0)
        readable = ReadProcessMemory(GetCurrentProcess(), (const void *)last, &byte, 1, &got) != 0;
    SetLastError(before);
    return readable;
}

uint32_t wsp_os_process_id(void)
{
    return GetCurrentProcessId();
}

uint64_t wsp_os_ticks(uint64_t ns)
{
    const uint64_t second = 1000000000;
    LARGE_INTEGER rate;
    uint64_t per_second;

    (void)QueryPerformanceFrequency(&rate); /* cannot fail since Windows XP */
    per_second = (uint64_t)rate.QuadPart;
    return ns / second * per_second + (ns % second * per_second + second - 1) / second;
}

void wsp_os_sleep_ns(int64_t ns)
{
    LARGE_INTEGER start, now, rate;

    if (ns >= OS_NAP_YIELD_NS) {
        Sleep(os_ms(ns));
        return;
    }
    (void)QueryPerformanceFrequency(&rate);
    (void)QueryPerformanceCounter(&start);
    do {
        (void)SwitchToThread();
        (void)QueryPerformanceCounter(&now);
    } while ((now.QuadPart - start.QuadPart) * 1000000000 / rate.QuadPart < ns);
}

void (*wsp_os_symbol(void (*inside)(void), const char *name))(void)
{
    static const WCHAR *const places[] = {L"ws2_32.dll", L"kernel32.dll", L"user32.dll", L"ntdll.dll"};
    HMODULE module = NULL;
    FARPROC found = NULL;

    if (inside &&
        GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           (LPCWSTR)(uintptr_t)inside, &module))
        found = GetProcAddress(module, name);
    for (size_t i = 0; i < sizeof places / sizeof places[0] && !found; i++) {
        module = GetModuleHandleW(places[i]);
        if (module)
            found = GetProcAddress(module, name);
    }
    return (void (*)(void))found;
}

FILE *wsp_os_file_append(const char *path)
{
    const int fd = _open(path, _O_WRONLY | _O_CREAT | _O_APPEND | _O_NOINHERIT, _S_IREAD | _S_IWRITE);
    FILE *file = fd >= 0 ? _fdopen(fd, "a") : NULL;

    if (fd >= 0 && file == NULL)
        (void)_close(fd);
    return file;
}

/*
 * Services of the kernel that programs use beside sockets: semaphores, locks, condition variables, memory, threads of the C
 * library. On Windows and Wine the system's own.
 */
#include "kernel.h"

#include <process.h>

static void semaphore__count__each_wait_takes_one(struct t_run *t)
{
    HANDLE semaphore = CreateSemaphoreA(NULL, 2, 3, NULL);
    LONG before = 99;
    T_TRUE(semaphore != NULL);
    t->objects[t->object_count++] = semaphore;
    T_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    T_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    T_EQ(WaitForSingleObject(semaphore, 0), WAIT_TIMEOUT);
    T_TRUE(ReleaseSemaphore(semaphore, 3, &before));
    T_EQ(before, 0);
    T_FALSE(ReleaseSemaphore(semaphore, 1, &before), ERROR_TOO_MANY_POSTS);
    T_EQ(WaitForSingleObject(semaphore, 0), WAIT_OBJECT_0);
    T_TRUE(ReleaseSemaphore(semaphore, 1, &before));
    T_EQ(before, 2);
    T_FALSE(ReleaseSemaphore(semaphore, 0, NULL), ERROR_INVALID_PARAMETER);
    T_FALSE(SetEvent(semaphore), ERROR_INVALID_HANDLE);
    T_FALSE(CreateSemaphoreA(NULL, 2, 1, NULL) != NULL, ERROR_INVALID_PARAMETER);
}

static struct {
    HANDLE mutex;
    DWORD seen; /* what the other thread's wait gave */
} mutual;

/* Another thread's view: it takes the mutex if it can, and ends with it. */
static DWORD WINAPI mutual_main(LPVOID release)
{
    mutual.seen = WaitForSingleObject(mutual.mutex, 0);
    if (mutual.seen == WAIT_TIMEOUT) {
        return ReleaseMutex(mutual.mutex) ? 0 : GetLastError();
    }
    return release != NULL && ReleaseMutex(mutual.mutex) ? 1 : 2;
}

static DWORD mutual_ask(LPVOID release)
{
    HANDLE thread = CreateThread(NULL, 0, mutual_main, release, 0, NULL);
    DWORD code = 99;
    if (thread != NULL && WaitForSingleObject(thread, 10000) == WAIT_OBJECT_0) {
        (void)GetExitCodeThread(thread, &code);
    }
    CloseHandle(thread);
    return code;
}

static void mutex__owned__taken_again_by_its_owner_only(struct t_run *t)
{
    HANDLE both[2];
    mutual.mutex = CreateMutexA(NULL, TRUE, NULL);
    T_TRUE(mutual.mutex != NULL);
    t->objects[t->object_count++] = mutual.mutex;
    both[0] = mutual.mutex;
    both[1] = CreateEventA(NULL, TRUE, TRUE, NULL);
    t->objects[t->object_count++] = both[1];
    T_EQ(WaitForMultipleObjects(2, both, TRUE, 0), WAIT_OBJECT_0);
    T_EQ(mutual_ask(NULL), ERROR_NOT_OWNER);
    T_EQ(mutual.seen, WAIT_TIMEOUT);
    T_TRUE(ReleaseMutex(mutual.mutex));
    T_EQ(mutual_ask(NULL), ERROR_NOT_OWNER);
    T_TRUE(ReleaseMutex(mutual.mutex));
    T_FALSE(ReleaseMutex(mutual.mutex), ERROR_NOT_OWNER);
    T_EQ(mutual_ask(&mutual), 1);
    T_EQ(mutual.seen, WAIT_OBJECT_0);
    T_FALSE(ReleaseMutex(both[1]), ERROR_INVALID_HANDLE);
}

static void mutex__owner_ends__the_next_is_told(struct t_run *t)
{
    HANDLE both[2];
    both[0] = CreateEventA(NULL, TRUE, FALSE, NULL);
    t->objects[t->object_count++] = both[0];
    both[1] = mutual.mutex = CreateMutexA(NULL, FALSE, NULL);
    T_TRUE(mutual.mutex != NULL);
    t->objects[t->object_count++] = mutual.mutex;
    T_EQ(mutual_ask(NULL), 2);
    T_EQ(WaitForMultipleObjects(2, both, FALSE, 5000), WAIT_ABANDONED_0 + 1);
    T_EQ(WaitForSingleObject(mutual.mutex, 0), WAIT_OBJECT_0);
    T_TRUE(ReleaseMutex(mutual.mutex));
    T_TRUE(ReleaseMutex(mutual.mutex));
    T_FALSE(ReleaseMutex(mutual.mutex), ERROR_NOT_OWNER);
}

#define THREADS 4
#define ROUNDS 3000

static struct {
    CRITICAL_SECTION section;
    SRWLOCK slim;
    CONDITION_VARIABLE condition;
    HANDLE semaphore;
    unsigned by_section;
    unsigned by_slim;
    unsigned turn;
    LONG volatile counted;
    LONG volatile torn;
} shared;

static DWORD WINAPI counter_main(LPVOID context)
{
    unsigned i;
    (void)context;
    for (i = 0; i < ROUNDS; i++) {
        EnterCriticalSection(&shared.section);
        EnterCriticalSection(&shared.section);
        shared.by_section++;
        LeaveCriticalSection(&shared.section);
        LeaveCriticalSection(&shared.section);
        AcquireSRWLockExclusive(&shared.slim);
        shared.by_slim++;
        shared.by_slim++;
        ReleaseSRWLockExclusive(&shared.slim);
        AcquireSRWLockShared(&shared.slim);
        if (shared.by_slim % 2 != 0) {
            (void)InterlockedIncrement(&shared.torn);
        }
        ReleaseSRWLockShared(&shared.slim);
        (void)InterlockedIncrement(&shared.counted);
    }
    return 0;
}

static bool run_all(struct t_run *t, LPTHREAD_START_ROUTINE main_of, HANDLE *threads)
{
    unsigned i;
    for (i = 0; i < THREADS; i++) {
        threads[i] = t_thread(t, main_of, (LPVOID)(uintptr_t)i);
        if (threads[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void locks__many_threads__nothing_is_lost(struct t_run *t)
{
    HANDLE threads[THREADS];
    memset(&shared, 0, sizeof shared);
    InitializeCriticalSection(&shared.section);
    InitializeSRWLock(&shared.slim);
    T_DO(run_all(t, counter_main, threads));
    T_EQ(WaitForMultipleObjects(THREADS, threads, TRUE, 20000), WAIT_OBJECT_0);
    T_EQ(shared.by_section, THREADS * ROUNDS);
    T_EQ(shared.by_slim, 2 * THREADS * ROUNDS);
    T_EQ(shared.counted, THREADS * ROUNDS);
    T_EQ(shared.torn, 0);
    T_TRUE(TryEnterCriticalSection(&shared.section));
    LeaveCriticalSection(&shared.section);
    T_TRUE(TryAcquireSRWLockShared(&shared.slim));
    T_TRUE(!TryAcquireSRWLockExclusive(&shared.slim));
    T_TRUE(TryAcquireSRWLockShared(&shared.slim));
    ReleaseSRWLockShared(&shared.slim);
    ReleaseSRWLockShared(&shared.slim);
    T_TRUE(TryAcquireSRWLockExclusive(&shared.slim));
    T_TRUE(!TryAcquireSRWLockShared(&shared.slim));
    ReleaseSRWLockExclusive(&shared.slim);
    DeleteCriticalSection(&shared.section);
}

/* Each thread waits for its turn, which the one before it gives. */
static DWORD WINAPI turn_main(LPVOID context)
{
    unsigned own = (unsigned)(uintptr_t)context;
    unsigned i;
    for (i = 0; i < 100; i++) {
        EnterCriticalSection(&shared.section);
        while (shared.turn % THREADS != own) {
            (void)SleepConditionVariableCS(&shared.condition, &shared.section, INFINITE);
        }
        shared.turn++;
        LeaveCriticalSection(&shared.section);
        WakeAllConditionVariable(&shared.condition);
    }
    return 0;
}

static void condition__turns__every_thread_gets_its_own(struct t_run *t)
{
    HANDLE threads[THREADS];
    memset(&shared, 0, sizeof shared);
    InitializeCriticalSection(&shared.section);
    InitializeConditionVariable(&shared.condition);
    T_DO(run_all(t, turn_main, threads));
    T_EQ(WaitForMultipleObjects(THREADS, threads, TRUE, 20000), WAIT_OBJECT_0);
    T_EQ(shared.turn, THREADS * 100);
    AcquireSRWLockExclusive(&shared.slim);
    T_FALSE(SleepConditionVariableSRW(&shared.condition, &shared.slim, 20, 0), ERROR_TIMEOUT);
    T_TRUE(!TryAcquireSRWLockExclusive(&shared.slim));
    ReleaseSRWLockExclusive(&shared.slim);
    DeleteCriticalSection(&shared.section);
}

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static LONG volatile once_ran;

static BOOL CALLBACK once_main(PINIT_ONCE which, PVOID parameter, PVOID *context)
{
    (void)which;
    Sleep(5);
    *context = parameter;
    return InterlockedIncrement(&once_ran) > 0;
}

static DWORD WINAPI first_main(LPVOID context)
{
    static int value;
    PVOID got = NULL;
    (void)context;
    return InitOnceExecuteOnce(&once, once_main, &value, &got) && got == &value ? 7 : 0;
}

static void once__many_threads__the_function_runs_once(struct t_run *t)
{
    HANDLE threads[THREADS];
    DWORD code;
    unsigned i;
    T_DO(run_all(t, first_main, threads));
    T_EQ(WaitForMultipleObjects(THREADS, threads, TRUE, 20000), WAIT_OBJECT_0);
    for (i = 0; i < THREADS; i++) {
        T_TRUE(GetExitCodeThread(threads[i], &code));
        T_EQ(code, 7);
    }
    T_EQ(once_ran, 1);
}

static unsigned __stdcall begun_main(void *context)
{
    *(unsigned *)context = (unsigned)GetCurrentThreadId();
    _endthreadex(11);
    return 0;
}

static void thread__of_the_c_library__handle_number_and_code(struct t_run *t)
{
    static unsigned seen;
    unsigned id = 0;
    DWORD code = 0;
    HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, begun_main, &seen, 0, &id);
    T_TRUE(thread != NULL);
    t->objects[t->object_count++] = thread;
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(GetExitCodeThread(thread, &code));
    T_EQ(code, 11);
    T_EQ(seen, id);
}

static void memory__reserved_and_committed__zeroed_and_released(struct t_run *t)
{
    SYSTEM_INFO info;
    char *all;
    char *part;
    DWORD before;
    GetSystemInfo(&info);
    T_TRUE(info.dwPageSize >= 4096 && info.dwNumberOfProcessors >= 1 && info.dwAllocationGranularity == 65536);
    all = (char *)VirtualAlloc(NULL, 1u << 20, MEM_RESERVE, PAGE_NOACCESS);
    T_TRUE(all != NULL && (uintptr_t)all % 65536 == 0);
    part = (char *)VirtualAlloc(all + 8192, 4096, MEM_COMMIT, PAGE_READWRITE);
    T_TRUE(part == all + 8192);
    T_EQ(part[0], 0);
    part[4095] = 1;
    T_TRUE(VirtualProtect(part, 4096, PAGE_READONLY, &before));
    T_EQ(before, PAGE_READWRITE);
    T_EQ(part[4095], 1);
    T_FALSE(VirtualFree(all, 100, MEM_RELEASE), ERROR_INVALID_PARAMETER);
    T_TRUE(VirtualFree(all, 0, MEM_RELEASE));
    T_FALSE(VirtualFree(all, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
    all = (char *)VirtualAlloc(NULL, 100000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    T_TRUE(all != NULL);
    memset(all, 1, 100000);
    T_TRUE(VirtualFree(all, 0, MEM_RELEASE));
    T_FALSE(VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
}

static const struct t_cases cases[] = {
    T_CASE(semaphore__count__each_wait_takes_one),
    T_CASE(mutex__owned__taken_again_by_its_owner_only),
    T_CASE(mutex__owner_ends__the_next_is_told),
    T_CASE(locks__many_threads__nothing_is_lost),
    T_CASE(condition__turns__every_thread_gets_its_own),
    T_CASE(once__many_threads__the_function_runs_once),
    T_CASE(thread__of_the_c_library__handle_number_and_code),
    T_CASE(memory__reserved_and_committed__zeroed_and_released),
};

const struct t_group t_group_kernel_service = {"kernel_service", cases, T_COUNT(cases), false};

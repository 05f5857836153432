/*
 * Locks of one process, for Linux: critical sections, slim locks, condition variables, one-time initialisation, semaphores,
 * Interlocked functions. Included by windows.h. Who waits for a lock sleeps in the kernel; none is fair.
 */
#ifndef WL_SYNCHAPI_H
#define WL_SYNCHAPI_H

#include "windef.h"

/* The fields are the library's. */
typedef struct _RTL_CRITICAL_SECTION {
    PVOID DebugInfo;
    LONG LockCount;
    LONG RecursionCount;
    HANDLE OwningThread;
    HANDLE LockSemaphore;
    ULONG_PTR SpinCount;
} CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

typedef struct _RTL_SRWLOCK {
    PVOID Ptr;
} SRWLOCK, *PSRWLOCK;

typedef struct _RTL_CONDITION_VARIABLE {
    PVOID Ptr;
} CONDITION_VARIABLE, *PCONDITION_VARIABLE;

typedef union _RTL_RUN_ONCE {
    PVOID Ptr;
} INIT_ONCE, *PINIT_ONCE, *LPINIT_ONCE;

#define SRWLOCK_INIT \
    {                \
        NULL         \
    }
#define CONDITION_VARIABLE_INIT \
    {                           \
        NULL                    \
    }
#define INIT_ONCE_STATIC_INIT \
    {                         \
        NULL                  \
    }
#define CONDITION_VARIABLE_LOCKMODE_SHARED 0x1u

typedef BOOL(CALLBACK *PINIT_ONCE_FN)(PINIT_ONCE once, PVOID parameter, PVOID *context);

WL_BEGIN_C

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins);
BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags);
void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section);
BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section);
void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section);
void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section);

void WINAPI InitializeSRWLock(PSRWLOCK lock);
void WINAPI AcquireSRWLockExclusive(PSRWLOCK lock);
void WINAPI AcquireSRWLockShared(PSRWLOCK lock);
BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock);
BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock);
void WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock);
void WINAPI ReleaseSRWLockShared(PSRWLOCK lock);

void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE condition);
BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE condition, PCRITICAL_SECTION section, DWORD timeout_ms);
BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE condition, PSRWLOCK lock, DWORD timeout_ms, ULONG flags);
void WINAPI WakeConditionVariable(PCONDITION_VARIABLE condition);
void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE condition);

BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter, LPVOID *context);

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum, LPCSTR name);
HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum, LPCWSTR name);
BOOL WINAPI ReleaseSemaphore(HANDLE semaphore, LONG count, LPLONG before);

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCSTR name);
HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCWSTR name);
BOOL WINAPI ReleaseMutex(HANDLE mutex);

BOOL WINAPI WaitOnAddress(volatile void *address, PVOID unwanted, SIZE_T bytes, DWORD timeout_ms);
void WINAPI WakeByAddressSingle(PVOID address);
void WINAPI WakeByAddressAll(PVOID address);

WL_END_C

/* All with full barriers, as there. */
static inline LONG InterlockedIncrement(LONG volatile *at)
{
    return __atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedDecrement(LONG volatile *at)
{
    return __atomic_sub_fetch(at, 1, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedExchange(LONG volatile *at, LONG value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedExchangeAdd(LONG volatile *at, LONG value)
{
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedAdd(LONG volatile *at, LONG value)
{
    return __atomic_add_fetch(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedAnd(LONG volatile *at, LONG value)
{
    return __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedOr(LONG volatile *at, LONG value)
{
    return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedXor(LONG volatile *at, LONG value)
{
    return __atomic_fetch_xor(at, value, __ATOMIC_SEQ_CST);
}

static inline LONG InterlockedCompareExchange(LONG volatile *at, LONG value, LONG expected)
{
    (void)__atomic_compare_exchange_n(at, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

static inline LONGLONG InterlockedIncrement64(LONGLONG volatile *at)
{
    return __atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST);
}

static inline LONGLONG InterlockedDecrement64(LONGLONG volatile *at)
{
    return __atomic_sub_fetch(at, 1, __ATOMIC_SEQ_CST);
}

static inline LONGLONG InterlockedExchange64(LONGLONG volatile *at, LONGLONG value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}

static inline LONGLONG InterlockedExchangeAdd64(LONGLONG volatile *at, LONGLONG value)
{
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}

static inline LONGLONG InterlockedAdd64(LONGLONG volatile *at, LONGLONG value)
{
    return __atomic_add_fetch(at, value, __ATOMIC_SEQ_CST);
}

static inline LONGLONG InterlockedCompareExchange64(LONGLONG volatile *at, LONGLONG value, LONGLONG expected)
{
    (void)__atomic_compare_exchange_n(at, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

static inline PVOID InterlockedExchangePointer(PVOID volatile *at, PVOID value)
{
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}

static inline PVOID InterlockedCompareExchangePointer(PVOID volatile *at, PVOID value, PVOID expected)
{
    (void)__atomic_compare_exchange_n(at, &expected, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

#define MemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#if defined(__x86_64__) || defined(__i386__)
#define YieldProcessor() __builtin_ia32_pause()
#else
#define YieldProcessor() ((void)0)
#endif

#ifdef UNICODE
#define CreateSemaphore CreateSemaphoreW
#else
#define CreateSemaphore CreateSemaphoreA
#endif

#endif

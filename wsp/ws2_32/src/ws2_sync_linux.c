/*
 * Locks in the program's memory, Linux: critical sections, slim locks, condition variables, one-time initialisation.
 *
 * Each is a word that a futex sleeps on: 0 free, and a bit or value that says that somebody may sleep, so that who releases makes
 * a system call only then.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <windows.h>

#define ONCE_RUNS 1u
#define ONCE_DONE 2u
#define ONCE_BITS 3u

/* false: the deadline has passed. */
static bool word_sleep(atomic_uint *word, unsigned seen, const struct timespec *deadline)
{
    int before = errno;
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    bool late = rc != 0 && errno == ETIMEDOUT;
    errno = before;
    return !late;
}

static void word_wake(atomic_uint *word, int sleepers)
{
    int before = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
    errno = before;
}

/* ---- a lock: 0 free, 1 held, 2 held and somebody may sleep ---- */

static void lock_take(atomic_uint *word)
{
    unsigned free_now = 0;
    if (atomic_compare_exchange_strong_explicit(word, &free_now, 1, memory_order_acquire, memory_order_relaxed)) {
        return;
    }
    while (atomic_exchange_explicit(word, 2, memory_order_acquire) != 0) {
        (void)word_sleep(word, 2, NULL);
    }
}

static bool lock_try(atomic_uint *word)
{
    unsigned free_now = 0;
    return atomic_compare_exchange_strong_explicit(word, &free_now, 1, memory_order_acquire, memory_order_relaxed);
}

static void lock_give(atomic_uint *word)
{
    if (atomic_exchange_explicit(word, 0, memory_order_release) == 2) {
        word_wake(word, 1);
    }
}

/* ---- critical sections ---- */

static atomic_uint *section_word(LPCRITICAL_SECTION section)
{
    return (atomic_uint *)&section->LockCount;
}

/* Read by threads that do not hold the section: their own number is never there unless they stored it. */
static atomic_uintptr_t *section_owner(LPCRITICAL_SECTION section)
{
    return (atomic_uintptr_t *)&section->OwningThread;
}

static uintptr_t own_number(void)
{
    static _Thread_local uintptr_t number;
    if (number == 0) {
        number = (uintptr_t)GetCurrentThreadId();
    }
    return number;
}

static bool section_again(LPCRITICAL_SECTION section)
{
    if (atomic_load_explicit(section_owner(section), memory_order_relaxed) != own_number()) {
        return false;
    }
    section->RecursionCount++;
    return true;
}

static void section_taken(LPCRITICAL_SECTION section)
{
    atomic_store_explicit(section_owner(section), own_number(), memory_order_relaxed);
    section->RecursionCount = 1;
}

/** Prepare a critical section. */
void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section)
{
    static const CRITICAL_SECTION fresh;
    *section = fresh;
}

/** As InitializeCriticalSection; it never spins. @return TRUE. */
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
{
    InitializeCriticalSection(section);
    section->SpinCount = spins;
    return TRUE;
}

/** As InitializeCriticalSectionAndSpinCount. */
BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags)
{
    (void)flags;
    return InitializeCriticalSectionAndSpinCount(section, spins);
}

/** Enter; a thread that is inside may enter again, and leaves as often. Context: any thread; blocks. */
void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section)
{
    if (!section_again(section)) {
        lock_take(section_word(section));
        section_taken(section);
    }
}

/** Enter if that needs no wait. @return FALSE: another thread is inside. */
BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section)
{
    if (section_again(section)) {
        return TRUE;
    }
    if (!lock_try(section_word(section))) {
        return FALSE;
    }
    section_taken(section);
    return TRUE;
}

/** Leave. Context: the thread that is inside. */
void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section)
{
    if (--section->RecursionCount > 0) {
        return;
    }
    atomic_store_explicit(section_owner(section), 0, memory_order_relaxed);
    lock_give(section_word(section));
}

/** End of a critical section. Nobody is inside. */
void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section)
{
    InitializeCriticalSection(section);
}

/* ---- slim locks: the number of readers, or WRITER; who waits is counted in the other half ---- */

#define SLIM_WRITER 0x80000000u

struct slim {
    atomic_uint state;
    atomic_uint waiters;
};

_Static_assert(sizeof(struct slim) == sizeof(SRWLOCK), "in the program's memory");

static struct slim *slim_of(PSRWLOCK lock)
{
    return (struct slim *)lock;
}

static bool slim_take(struct slim *slim, bool exclusive)
{
    unsigned state = atomic_load_explicit(&slim->state, memory_order_relaxed);
    while (exclusive ? state == 0 : (state & SLIM_WRITER) == 0) {
        if (atomic_compare_exchange_weak_explicit(&slim->state, &state, exclusive ? SLIM_WRITER : state + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* Who waits counts itself before it looks again; who releases changes the state before it looks at the count. */
static void slim_wait(struct slim *slim, bool exclusive)
{
    atomic_fetch_add_explicit(&slim->waiters, 1, memory_order_seq_cst);
    for (;;) {
        unsigned state = atomic_load_explicit(&slim->state, memory_order_seq_cst);
        if (slim_take(slim, exclusive)) {
            break;
        }
        if (exclusive ? state != 0 : (state & SLIM_WRITER) != 0) {
            (void)word_sleep(&slim->state, state, NULL);
        }
    }
    atomic_fetch_sub_explicit(&slim->waiters, 1, memory_order_relaxed);
}

static void slim_wake(struct slim *slim)
{
    if (atomic_load_explicit(&slim->waiters, memory_order_seq_cst) != 0) {
        word_wake(&slim->state, INT_MAX);
    }
}

/** Prepare a slim lock. */
void WINAPI InitializeSRWLock(PSRWLOCK lock)
{
    lock->Ptr = NULL;
}

/** Take it alone. Context: any thread that does not hold it; blocks. */
void WINAPI AcquireSRWLockExclusive(PSRWLOCK lock)
{
    if (!slim_take(slim_of(lock), true)) {
        slim_wait(slim_of(lock), true);
    }
}

/** Take it with others. Context: any thread; blocks. */
void WINAPI AcquireSRWLockShared(PSRWLOCK lock)
{
    if (!slim_take(slim_of(lock), false)) {
        slim_wait(slim_of(lock), false);
    }
}

/** Take it alone if that needs no wait. */
BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock)
{
    return slim_take(slim_of(lock), true);
}

/** Take it with others if that needs no wait. */
BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock)
{
    return slim_take(slim_of(lock), false);
}

/** Release what AcquireSRWLockExclusive took. */
void WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock)
{
    atomic_store_explicit(&slim_of(lock)->state, 0, memory_order_seq_cst);
    slim_wake(slim_of(lock));
}

/** Release what AcquireSRWLockShared took. */
void WINAPI ReleaseSRWLockShared(PSRWLOCK lock)
{
    if (atomic_fetch_sub_explicit(&slim_of(lock)->state, 1, memory_order_seq_cst) == 1) {
        slim_wake(slim_of(lock));
    }
}

/* ---- condition variables: a count of wakes, and one of sleepers ---- */

struct condition {
    atomic_uint wakes;
    atomic_uint sleepers;
};

_Static_assert(sizeof(struct condition) == sizeof(CONDITION_VARIABLE), "in the program's memory");

static const struct timespec *deadline_after(DWORD timeout_ms, struct timespec *deadline)
{
    if (timeout_ms == INFINITE) {
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, deadline);
    deadline->tv_sec += timeout_ms / 1000;
    deadline->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (deadline->tv_nsec >= 1000000000) {
        deadline->tv_sec++;
        deadline->tv_nsec -= 1000000000;
    }
    return deadline;
}

static BOOL condition_result(struct condition *condition, bool woken)
{
    atomic_fetch_sub_explicit(&condition->sleepers, 1, memory_order_relaxed);
    if (!woken) {
        SetLastError(ERROR_TIMEOUT);
    }
    return woken;
}

/** Prepare a condition variable. */
void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE condition)
{
    condition->Ptr = NULL;
}

/** Leave a section, sleep, enter it again. @return FALSE with ERROR_TIMEOUT. A wake may be for nothing. */
BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE condition, PCRITICAL_SECTION section, DWORD timeout_ms)
{
    struct condition *own = (struct condition *)condition;
    struct timespec store;
    const struct timespec *deadline = deadline_after(timeout_ms, &store);
    unsigned seen;
    bool woken;
    atomic_fetch_add_explicit(&own->sleepers, 1, memory_order_seq_cst);
    seen = atomic_load_explicit(&own->wakes, memory_order_seq_cst);
    LeaveCriticalSection(section);
    woken = word_sleep(&own->wakes, seen, deadline);
    EnterCriticalSection(section);
    return condition_result(own, woken);
}

/** As SleepConditionVariableCS, with a slim lock. @param flags CONDITION_VARIABLE_LOCKMODE_SHARED: how it is held. */
BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE condition, PSRWLOCK lock, DWORD timeout_ms, ULONG flags)
{
    struct condition *own = (struct condition *)condition;
    bool shared = (flags & CONDITION_VARIABLE_LOCKMODE_SHARED) != 0;
    struct timespec store;
    const struct timespec *deadline = deadline_after(timeout_ms, &store);
    unsigned seen;
    bool woken;
    atomic_fetch_add_explicit(&own->sleepers, 1, memory_order_seq_cst);
    seen = atomic_load_explicit(&own->wakes, memory_order_seq_cst);
    if (shared) {
        ReleaseSRWLockShared(lock);
    } else {
        ReleaseSRWLockExclusive(lock);
    }
    woken = word_sleep(&own->wakes, seen, deadline);
    if (shared) {
        AcquireSRWLockShared(lock);
    } else {
        AcquireSRWLockExclusive(lock);
    }
    return condition_result(own, woken);
}

static void condition_wake(struct condition *condition, int count)
{
    atomic_fetch_add_explicit(&condition->wakes, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&condition->sleepers, memory_order_seq_cst) != 0) {
        word_wake(&condition->wakes, count);
    }
}

/** Wake one sleeper. */
void WINAPI WakeConditionVariable(PCONDITION_VARIABLE condition)
{
    condition_wake((struct condition *)condition, 1);
}

/** Wake all sleepers. */
void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE condition)
{
    condition_wake((struct condition *)condition, INT_MAX);
}

/* ---- waiting for an address: condition variables that addresses share by their hash, so that a wake may be for another ---- */

#define ADDRESSES 64u

static struct condition addresses[ADDRESSES];

static struct condition *address_of(const volatile void *address)
{
    return &addresses[(uintptr_t)address / 8 * 0x9E3779B1u % ADDRESSES];
}

static bool address_equals(volatile void *address, const void *unwanted, size_t bytes)
{
    union {
        uint8_t one;
        uint16_t two;
        uint32_t four;
        uint64_t eight;
    } now;
    switch (bytes) {
    case 1:
        now.one = __atomic_load_n((volatile uint8_t *)address, __ATOMIC_SEQ_CST);
        break;
    case 2:
        now.two = __atomic_load_n((volatile uint16_t *)address, __ATOMIC_SEQ_CST);
        break;
    case 4:
        now.four = __atomic_load_n((volatile uint32_t *)address, __ATOMIC_SEQ_CST);
        break;
    default:
        now.eight = __atomic_load_n((volatile uint64_t *)address, __ATOMIC_SEQ_CST);
        break;
    }
    return memcmp(&now, unwanted, bytes) == 0;
}

/**
 * Sleep while a value in memory is what it was.
 *
 * @param address   Aligned, of that many bytes: 1, 2, 4 or 8.
 * @param unwanted  The value for which it sleeps.
 * @return          FALSE with ERROR_TIMEOUT, or ERROR_INVALID_PARAMETER (bytes). TRUE may be for nothing: the caller looks again.
 */
BOOL WINAPI WaitOnAddress(volatile void *address, PVOID unwanted, SIZE_T bytes, DWORD timeout_ms)
{
    struct condition *own = address_of(address);
    struct timespec store;
    const struct timespec *deadline = deadline_after(timeout_ms, &store);
    bool woken = true;
    unsigned seen;
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    /* The sleeper counts itself and reads the wakes before it looks; who wakes has changed the value before it bumps them. */
    atomic_fetch_add_explicit(&own->sleepers, 1, memory_order_seq_cst);
    seen = atomic_load_explicit(&own->wakes, memory_order_seq_cst);
    if (address_equals(address, unwanted, bytes)) {
        woken = word_sleep(&own->wakes, seen, deadline);
    }
    return condition_result(own, woken);
}

/** Wake one who waits for an address; here all, as others may share its place. */
void WINAPI WakeByAddressSingle(PVOID address)
{
    condition_wake(address_of(address), INT_MAX);
}

/** Wake all who wait for an address. */
void WINAPI WakeByAddressAll(PVOID address)
{
    condition_wake(address_of(address), INT_MAX);
}

/* ---- one-time initialisation: low bits of the pointer; the rest is the context ---- */

/**
 * Call a function once, whoever comes first; others wait for it.
 *
 * @param function  Gives the context, a multiple of 4; FALSE: the next caller tries again.
 * @param context   Receives it; may be NULL.
 * @return          FALSE: the function that this thread called gave that.
 */
BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter, LPVOID *context)
{
    atomic_uintptr_t *state = (atomic_uintptr_t *)&once->Ptr;
    for (;;) {
        uintptr_t seen = atomic_load_explicit(state, memory_order_acquire);
        PVOID given = NULL;
        BOOL done;
        if ((seen & ONCE_BITS) == ONCE_DONE) {
            if (context != NULL) {
                *context = (LPVOID)(seen & ~(uintptr_t)ONCE_BITS);
            }
            return TRUE;
        }
        if (seen == ONCE_RUNS) {
            Sleep(1);
            continue;
        }
        if (!atomic_compare_exchange_strong(state, &seen, (uintptr_t)ONCE_RUNS)) {
            continue;
        }
        done = function(once, parameter, &given);
        atomic_store_explicit(state, done ? ((uintptr_t)given & ~(uintptr_t)ONCE_BITS) | ONCE_DONE : 0,
                              memory_order_release);
        if (done && context != NULL) {
            *context = given;
        }
        return done;
    }
}

#include "ipc/futex.h"

#include "ipc/futex_windows.h"
#include "stack/err.h"
#include "stack/os_windows.h"

#include <stddef.h>
#include <windows.h>

typedef BOOL(WINAPI *wait_fn)(volatile VOID *address, PVOID compare, SIZE_T size, DWORD ms);
typedef VOID(WINAPI *wake_fn)(PVOID address);

/* --- A system without WaitOnAddress: Windows 7 ---------------------------------------- */

#define BUCKETS 64u

/** Sleepers on the words that hash here. */
static struct {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
} buckets[BUCKETS];

static size_t bucket_of(const volatile VOID *address)
{
    return ((uintptr_t)address >> 2 ^ (uintptr_t)address >> 8) % BUCKETS;
}

/* A waker changes the word, then takes the lock: who compares under the lock cannot miss it. */
static BOOL WINAPI plain_wait(volatile VOID *address, PVOID compare, SIZE_T size, DWORD ms)
{
    const size_t bucket = bucket_of(address);
    const uint32_t *expect = compare;
    BOOL woken = TRUE;
    (void)size;
    AcquireSRWLockExclusive(&buckets[bucket].lock);
    if (*(const volatile uint32_t *)address == *expect) {
        woken = SleepConditionVariableSRW(&buckets[bucket].changed, &buckets[bucket].lock, ms, 0);
    }
    ReleaseSRWLockExclusive(&buckets[bucket].lock);
    return woken;
}

/* Others sleep here on other words: all look again. */
static VOID WINAPI plain_wake(PVOID address)
{
    const size_t bucket = bucket_of(address);
    AcquireSRWLockExclusive(&buckets[bucket].lock);
    ReleaseSRWLockExclusive(&buckets[bucket].lock);
    WakeAllConditionVariable(&buckets[bucket].changed);
}

/* --- Which one ------------------------------------------------------------------------ */

/** What this process sleeps by. */
struct futex_ops {
    wait_fn wait;
    wake_fn wake_one;
    wake_fn wake_all;
};

static const struct futex_ops plain = {.wait = plain_wait, .wake_one = plain_wake, .wake_all = plain_wake};
static struct futex_ops by_address;
static const struct futex_ops *_Atomic chosen; /* NULL: nobody looked yet */
static INIT_ONCE choose_once = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK choose(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once;
    (void)parameter;
    (void)context;
    by_address.wait = (wait_fn)stk_os_proc(L"kernelbase.dll", "WaitOnAddress");
    by_address.wake_one = (wake_fn)stk_os_proc(L"kernelbase.dll", "WakeByAddressSingle");
    by_address.wake_all = (wake_fn)stk_os_proc(L"kernelbase.dll", "WakeByAddressAll");
    const bool found = by_address.wait != NULL && by_address.wake_one != NULL && by_address.wake_all != NULL;
    atomic_store_explicit(&chosen, found ? &by_address : &plain, memory_order_release);
    return TRUE;
}

static const struct futex_ops *ops_get(void)
{
    const struct futex_ops *ops = atomic_load_explicit(&chosen, memory_order_acquire);
    if (ops == NULL) {
        (void)InitOnceExecuteOnce(&choose_once, choose, NULL, NULL);
        ops = atomic_load_explicit(&chosen, memory_order_acquire);
    }
    return ops;
}

void stk_futex_windows_plain(void)
{
    (void)ops_get();
    atomic_store_explicit(&chosen, &plain, memory_order_release);
}

static PVOID word_of(STK_U32 *word)
{
    return (PVOID)(uintptr_t)word; /* the system's functions know no _Atomic */
}

int stk_futex_wait(STK_U32 *word, uint32_t expect, int64_t timeout_ns)
{
    const DWORD error = GetLastError(); /* the application's: its call may yet succeed (WS2-10) */
    const BOOL woken = ops_get()->wait(word_of(word), &expect, sizeof(expect), stk_os_wait_ms(timeout_ns));
    const bool late = !woken && GetLastError() == ERROR_TIMEOUT;
    SetLastError(error);
    return late ? STK_ETIMEDOUT : STK_OK;
}

void stk_futex_wake(STK_U32 *word, uint32_t count)
{
    const struct futex_ops *ops = ops_get();
    if (count == 1) {
        ops->wake_one(word_of(word));
    } else {
        ops->wake_all(word_of(word));
    }
}

#include "stack/clock.h"

#include "stack/err.h"
#include "stack/os_windows.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/** Of Windows 10 and of Wine. */
#define TICKS_USUAL UINT64_C(10000000)

/* The counter's rate is fixed when the system starts; reading it twice gives the same. */
static uint64_t ticks_per_second(void)
{
    static _Atomic uint64_t rate;
    uint64_t ticks = atomic_load_explicit(&rate, memory_order_relaxed);
    if (ticks == 0) {
        LARGE_INTEGER frequency;
        (void)QueryPerformanceFrequency(&frequency); /* cannot fail since Windows XP */
        ticks = (uint64_t)frequency.QuadPart;
        atomic_store_explicit(&rate, ticks, memory_order_relaxed);
    }
    return ticks;
}

uint64_t stk_os_ticks_ns(uint64_t ticks, uint64_t rate)
{
    if (rate == TICKS_USUAL) {
        return ticks * (STK_S_NS / TICKS_USUAL); /* without a division */
    }
    /* Whole seconds apart from the rest: ticks times a thousand million would wrap after half an hour of 10 MHz. */
    return ticks / rate * STK_S_NS + ticks % rate * STK_S_NS / rate;
}

uint64_t stk_clock_os_ns(void)
{
    LARGE_INTEGER counter;
    (void)QueryPerformanceCounter(&counter);
    return stk_os_ticks_ns((uint64_t)counter.QuadPart, ticks_per_second());
}

typedef BOOL(WINAPI *process_prng_fn)(PUCHAR buf, SIZE_T len);
typedef BOOLEAN(WINAPI *rtl_random_fn)(PVOID buf, ULONG len);
typedef LONG(WINAPI *bcrypt_random_fn)(PVOID algorithm, PUCHAR buf, ULONG len, ULONG flags);

#define BCRYPT_PREFERRED_RNG 2u

/** Where randomness comes from: the first that this system has; looked for once. */
static struct {
    process_prng_fn prng;    /* Windows 10 */
    rtl_random_fn rtl;       /* Windows XP, Wine */
    bcrypt_random_fn bcrypt; /* Windows 7 */
} sources;
static INIT_ONCE sources_once = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK sources_find(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    (void)once;
    (void)parameter;
    (void)context;
    sources.prng = (process_prng_fn)stk_os_proc(L"bcryptprimitives.dll", "ProcessPrng");
    if (sources.prng == NULL) {
        sources.rtl = (rtl_random_fn)stk_os_proc(L"advapi32.dll", "SystemFunction036");
    }
    if (sources.prng == NULL && sources.rtl == NULL) {
        sources.bcrypt = (bcrypt_random_fn)stk_os_proc(L"bcrypt.dll", "BCryptGenRandom");
    }
    return TRUE;
}

int stk_random_bytes(void *buf, uint32_t len)
{
    bool filled = false;
    (void)InitOnceExecuteOnce(&sources_once, sources_find, NULL, NULL);
    if (sources.prng != NULL) {
        filled = sources.prng(buf, len) != FALSE;
    } else if (sources.rtl != NULL) {
        filled = sources.rtl(buf, len) != FALSE;
    } else if (sources.bcrypt != NULL) {
        filled = sources.bcrypt(NULL, buf, len, BCRYPT_PREFERRED_RNG) == 0;
    }
    return filled ? STK_OK : STK_EIO;
}

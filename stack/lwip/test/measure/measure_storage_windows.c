/*
 * What an access to the selected instance would cost on Windows: a plain variable, a slot of the thread's block, the
 * compiler's thread-local storage; and what entering and leaving costs with the lock that the plain variable needs.
 * measure_storage.sh builds and runs it.
 */
#include "stack/tls_windows.h"

#include <stdio.h>
#include <windows.h>

#define ROUNDS 20000000u

struct thing {
    unsigned value;
};

static struct thing only;
struct thing *plain;
__thread struct thing *emulated;
static struct stk_tls slot;
static _Atomic DWORD inside;

static double now_ns(void)
{
    LARGE_INTEGER count;
    LARGE_INTEGER rate;
    (void)QueryPerformanceCounter(&count);
    (void)QueryPerformanceFrequency(&rate);
    return (double)count.QuadPart * 1e9 / (double)rate.QuadPart;
}

/* One access each, in a function of its own: a loop would have the address but once. */
__attribute__((noinline)) static void access_plain(unsigned i)
{
    plain->value += i;
}

__attribute__((noinline)) static void access_slot(unsigned i)
{
    ((struct thing *)stk_tls_get(&slot))->value += i;
}

__attribute__((noinline)) static void access_emulated(unsigned i)
{
    emulated->value += i;
}

/* As enter_windows.c does it. */
__attribute__((noinline)) static void enter_and_leave(unsigned i)
{
    const DWORD self = GetCurrentThreadId();
    if (atomic_load_explicit(&inside, memory_order_relaxed) != self) {
        DWORD nobody = 0;
        while (!atomic_compare_exchange_weak_explicit(&inside, &nobody, self, memory_order_acquire,
                                                      memory_order_relaxed)) {
            nobody = 0;
            (void)SwitchToThread();
        }
    }
    plain->value += i;
    atomic_store_explicit(&inside, 0, memory_order_release);
}

static void measure(const char *what, void (*fn)(unsigned i))
{
    void (*volatile call)(unsigned) = fn;
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        const double start = now_ns();
        for (unsigned i = 0; i < ROUNDS; i++) {
            call(i);
        }
        const double each = (now_ns() - start) / ROUNDS;
        best = each < best ? each : best;
    }
    printf("%s: %.1f ns\n", what, best);
}

int main(void)
{
    if (!stk_tls_make(&slot) || slot.offset == 0) {
        return 1;
    }
    plain = &only;
    emulated = &only;
    stk_tls_set(&slot, &only);
    measure("a call with an access to a plain variable", access_plain);
    measure("to a slot of the thread's block", access_slot);
    measure("to the compiler's thread-local storage", access_emulated);
    measure("to a plain variable, between enter and leave", enter_and_leave);
    return 0;
}

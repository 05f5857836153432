#include "ipc/lock.h"

#include "ipc/futex.h"
#include "stack/clock.h"
#include "stack/process.h"

#define LOCK_SPINS 64
/** Between looks whether the holder can still come back. */
#define LOCK_SLICE_NS (200 * (int64_t)STK_MS_NS)

void stk_lock_take_slow(STK_U32 *lock)
{
    for (int i = 0; i < LOCK_SPINS; i++) {
        if (atomic_load_explicit(lock, memory_order_relaxed) == 0 && stk_lock_try(lock)) {
            return;
        }
        stk_cpu_relax();
    }
    while (atomic_exchange_explicit(lock, 2, memory_order_acquire) != 0) {
        if (stk_process_ending()) {
            return; /* the holder is dead: nobody else runs, and nobody gives the lock back */
        }
        (void)stk_futex_wait(lock, 2, LOCK_SLICE_NS);
    }
}

void stk_lock_wake(STK_U32 *lock)
{
    stk_futex_wake(lock, 1);
}

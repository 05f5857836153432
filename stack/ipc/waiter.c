#include "ipc/waiter.h"

#include "ipc/futex.h"

uint32_t stk_waiter_take(struct stk_region *region, uint32_t owner)
{
    struct stk_region_abi *abi = region->abi;
    uint64_t free_mask = atomic_load_explicit(&abi->waiters_free, memory_order_relaxed);
    while (free_mask != 0) {
        uint32_t waiter = (uint32_t)__builtin_ctzll(free_mask);
        if (atomic_compare_exchange_weak_explicit(&abi->waiters_free, &free_mask, free_mask & ~(UINT64_C(1) << waiter),
                                                  memory_order_acquire, memory_order_relaxed)) {
            atomic_store_explicit(&abi->waiters[waiter].owner, owner, memory_order_relaxed);
            return waiter;
        }
    }
    atomic_fetch_add_explicit(&abi->waiters_missing, 1, memory_order_relaxed);
    return STK_WAITER_NONE;
}

void stk_waiter_give(struct stk_region *region, uint32_t waiter)
{
    struct stk_region_abi *abi = region->abi;
    atomic_store_explicit(&abi->waiters[waiter].owner, 0, memory_order_relaxed);
    (void)atomic_fetch_or_explicit(&abi->waiters_free, UINT64_C(1) << waiter, memory_order_release);
}

void stk_waiter_sleep(struct stk_region *region, uint32_t waiter, uint32_t word, int64_t timeout_ns)
{
    (void)stk_futex_wait(&region->abi->waiters[waiter].word, word, timeout_ns);
    stk_waiter_awake(region, waiter);
}

void stk_waiter_wake(struct stk_region *region, uint32_t waiter)
{
    struct stk_waiter_abi *slot = &region->abi->waiters[waiter % STK_WAITERS];
    /* edge K, stack's end. */
    (void)atomic_fetch_add_explicit(&slot->word, 1, memory_order_seq_cst);
    /* Who takes the flag down wakes: the news that come before the sleeper runs cost no further system call. */
    if (atomic_load_explicit(&slot->sleeping, memory_order_seq_cst) != 0 &&
        atomic_exchange_explicit(&slot->sleeping, 0, memory_order_seq_cst) != 0) {
        stk_futex_wake(&slot->word, 1);
    }
}

#include "ipc/bell.h"

#include "ipc/futex.h"
#include "ipc/ring.h"

void stk_bell_ring_slow(struct stk_region *region)
{
    struct stk_region_abi *abi = region->abi;
    /* edge D, app's end: one of those who found it asleep wakes it. */
    uint32_t kind = atomic_exchange_explicit(&abi->stack_sleeping, STK_BELL_AWAKE, memory_order_seq_cst);
    if (kind == STK_BELL_AWAKE) {
        return;
    }
    (void)atomic_fetch_add_explicit(&abi->stack_bell, 1, memory_order_seq_cst);
    if (kind == STK_BELL_FD && region->bell_fd >= 0) {
        stk_bell_fd_ring(region->bell_fd);
    } else {
        stk_futex_wake(&abi->stack_bell, 1);
    }
}

bool stk_bell_sleep_begin(struct stk_region *region, enum stk_bell_kind kind)
{
    struct stk_region_abi *abi = region->abi;
    region->bell_seen = atomic_load_explicit(&abi->stack_bell, memory_order_seq_cst);
    region->bell_kind = kind;
    /* edge D, stack's end: say so, look again. */
    (void)atomic_exchange_explicit(&abi->stack_sleeping, kind, memory_order_seq_cst);
    uint64_t active = atomic_load_explicit(&abi->rings_active, memory_order_seq_cst);
    while (active != 0) {
        if (stk_sub_waiting(&region->rings[__builtin_ctzll(active)])) {
            stk_bell_sleep_end(region);
            return false;
        }
        active &= active - 1;
    }
    return true;
}

void stk_bell_sleep(struct stk_region *region, int64_t timeout_ns)
{
    (void)stk_futex_wait(&region->abi->stack_bell, region->bell_seen, timeout_ns);
}

void stk_bell_sleep_end(struct stk_region *region)
{
    (void)atomic_exchange_explicit(&region->abi->stack_sleeping, STK_BELL_AWAKE, memory_order_seq_cst);
    if (region->bell_kind == STK_BELL_FD && region->bell_fd >= 0) {
        stk_bell_fd_clear(region->bell_fd);
    }
    region->bell_kind = STK_BELL_AWAKE;
}

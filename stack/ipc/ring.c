#include "ipc/ring.h"

#include "ipc/futex.h"

void stk_rep_wake(struct stk_ring_abi *ring)
{
    stk_futex_wake(&ring->rep_tail, 1);
}

void stk_rep_sleep(struct stk_ring_abi *ring, int64_t timeout_ns)
{
    uint32_t head = atomic_load_explicit(&ring->rep_head, memory_order_relaxed);
    /* edge C, app's end: say so, look again, sleep. */
    (void)atomic_exchange_explicit(&ring->rep_sleeping, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&ring->rep_tail, memory_order_seq_cst) == head) {
        (void)stk_futex_wait(&ring->rep_tail, head, timeout_ns);
    }
    atomic_store_explicit(&ring->rep_sleeping, 0, memory_order_relaxed);
}

#include "ipc/notify.h"

#include "ipc/futex.h"
#include "ipc/ready.h"
#include "ipc/waiter.h"

void stk_event_wake(struct stk_region *region)
{
    struct stk_region_abi *abi = region->abi;
    /* edge L, stack's end. */
    if (atomic_load_explicit(&abi->event_sleeping, memory_order_seq_cst) == 0) {
        return;
    }
    if (atomic_exchange_explicit(&abi->event_sleeping, 0, memory_order_seq_cst) != 0) {
        stk_futex_wake(&abi->event_sleeping, 1);
    }
}

static bool event_put(struct stk_region *region, uint32_t entry, STK_U32 *queued)
{
    struct stk_region_abi *abi = region->abi;
    if (atomic_exchange_explicit(queued, 1, memory_order_seq_cst) != 0) {
        return true;
    }
    uint32_t tail = atomic_load_explicit(&abi->event_tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&abi->event_head, memory_order_acquire);
    /* One entry per slot fits always; a dispatcher that damaged its index loses events, its own. */
    if (tail - head > region->events_mask) {
        atomic_store_explicit(queued, 0, memory_order_relaxed);
        return false;
    }
    atomic_store_explicit(&region->events[tail & region->events_mask], entry, memory_order_relaxed);
    /* edge L, stack's end. */
    (void)atomic_exchange_explicit(&abi->event_tail, tail + 1, memory_order_seq_cst);
    stk_event_wake(region);
    return true;
}

void stk_event_push(struct stk_region *region, uint32_t sock)
{
    (void)event_put(region, sock, &region->socks[sock].event_queued);
}

bool stk_event_push_cq(struct stk_region *region, uint32_t cq, STK_U32 *queued)
{
    return event_put(region, region->socks_count + cq, queued);
}

void stk_notify_slow(struct stk_region *region, uint32_t sock, uint64_t wait_mask, uint32_t armed)
{
    while (wait_mask != 0) {
        stk_waiter_wake(region, (uint32_t)__builtin_ctzll(wait_mask));
        wait_mask &= wait_mask - 1;
    }
    if (armed != 0 && (stk_sock_abi_ready(&region->socks[sock]) & armed) != 0) {
        stk_event_push(region, sock);
    }
}

bool stk_event_pop(struct stk_region *region, uint32_t *sock)
{
    struct stk_region_abi *abi = region->abi;
    for (;;) {
        uint32_t head = atomic_load_explicit(&abi->event_head, memory_order_relaxed);
        /* edge L, dispatcher's end. */
        uint32_t waiting = atomic_load_explicit(&abi->event_tail, memory_order_seq_cst) - head;
        if (waiting == 0 || waiting > region->events_mask + 1) {
            return false;
        }
        uint32_t index = atomic_load_explicit(&region->events[head & region->events_mask], memory_order_relaxed);
        atomic_store_explicit(&abi->event_head, head + 1, memory_order_release);
        if (index < region->socks_count) {
            /* edge L, dispatcher's end: from here a change queues the socket again. */
            (void)atomic_exchange_explicit(&region->socks[index].event_queued, 0, memory_order_seq_cst);
            *sock = index;
            return true;
        }
        if (index - region->socks_count < STK_RIO_CQS_MAX) {
            *sock = index;
            return true;
        }
    }
}

void stk_event_sleep(struct stk_region *region, const _Atomic uint32_t *wake, int64_t timeout_ns)
{
    struct stk_region_abi *abi = region->abi;
    /* edge L, dispatcher's end: say so, look again, sleep. */
    (void)atomic_exchange_explicit(&abi->event_sleeping, 1, memory_order_seq_cst);
    uint32_t head = atomic_load_explicit(&abi->event_head, memory_order_relaxed);
    bool woken = wake != NULL && atomic_load_explicit(wake, memory_order_seq_cst) != 0;
    if (!woken && atomic_load_explicit(&abi->event_tail, memory_order_seq_cst) == head) {
        (void)stk_futex_wait(&abi->event_sleeping, 1, timeout_ns);
    }
    atomic_store_explicit(&abi->event_sleeping, 0, memory_order_relaxed);
}

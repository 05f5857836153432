#include "ipc/chunk.h"

uint32_t stk_chunk_take_fresh(struct stk_region *region)
{
    struct stk_region_abi *abi = region->abi;
    uint32_t fresh = atomic_load_explicit(&abi->chunks_fresh, memory_order_relaxed);
    while (fresh < region->chunks_count) {
        if (atomic_compare_exchange_weak_explicit(&abi->chunks_fresh, &fresh, fresh + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            stk_chunk_count_taken(abi);
            return fresh;
        }
    }
    atomic_fetch_add_explicit(&abi->chunks_failed, 1, memory_order_relaxed);
    return STK_CHUNK_NONE;
}

/** @file Tables of registered I/O. */
#include "wsp_rio_slots.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_NAP_NS 20000
#define WAIT_NAPS 50000 /* one second */

struct wsp_rio_slot *wsp_rio_slot_at(const struct wsp_rio_slots *slots, uint32_t index)
{
    char *segment = index >> WSP_RIO_INDEX_BITS == 0
                        ? atomic_load_explicit(&slots->segments[index / WSP_RIO_SEGMENT], memory_order_acquire)
                        : NULL;

    return segment ? (struct wsp_rio_slot *)(void *)(segment + (size_t)(index % WSP_RIO_SEGMENT) * slots->size) : NULL;
}

struct wsp_rio_slot *wsp_rio_slot_of(const struct wsp_rio_slots *slots, uintptr_t handle)
{
    return wsp_rio_slot_at(slots, (uint32_t)(handle >> WSP_RIO_KIND_BITS) & ((1u << WSP_RIO_INDEX_BITS) - 1));
}

/* Make one more segment. The lock is held. */
static bool slots_grow(struct wsp_rio_slots *slots)
{
    uint32_t made = atomic_load(&slots->made);
    char *segment;

    if (made == WSP_RIO_SEGMENT * WSP_RIO_SEGMENTS)
        return false;
    segment = calloc(WSP_RIO_SEGMENT, slots->size);
    if (!segment)
        return false;
    for (uint32_t i = WSP_RIO_SEGMENT; i-- > 0;) {
        struct wsp_rio_slot *slot = (struct wsp_rio_slot *)(void *)(segment + (size_t)i * slots->size);

        slot->index = made + i;
        slot->next = slots->free;
        slots->free = slot->index + 1;
    }
    atomic_store_explicit(&slots->segments[made / WSP_RIO_SEGMENT], segment, memory_order_release);
    atomic_store_explicit(&slots->made, made + WSP_RIO_SEGMENT, memory_order_release);
    return true;
}

struct wsp_rio_slot *wsp_rio_slot_take(struct wsp_rio_slots *slots)
{
    struct wsp_rio_slot *slot = NULL;

    wsp_mutex_lock(&slots->lock);
    if (slots->free != 0 || slots_grow(slots))
        slot = wsp_rio_slot_at(slots, slots->free - 1);
    if (slot) {
        slots->free = slot->next;
        slot->generation++;
        atomic_fetch_add(&slots->taken, 1);
    }
    wsp_mutex_unlock(&slots->lock);
    return slot;
}

void wsp_rio_slot_give(struct wsp_rio_slots *slots, struct wsp_rio_slot *slot)
{
    wsp_mutex_lock(&slots->lock);
    slot->next = slots->free;
    slots->free = slot->index + 1;
    atomic_fetch_sub(&slots->taken, 1);
    wsp_mutex_unlock(&slots->lock);
}

uintptr_t wsp_rio_slot_handle(const struct wsp_rio_slots *slots, const struct wsp_rio_slot *slot)
{
    uintptr_t generation = slot->generation;

    return generation << (WSP_RIO_INDEX_BITS + WSP_RIO_KIND_BITS) | (uintptr_t)slot->index << WSP_RIO_KIND_BITS |
           (uintptr_t)slots->kind;
}

bool wsp_rio_slot_close(struct wsp_rio_slot *slot, uintptr_t handle)
{
    return handle != 0 && atomic_compare_exchange_strong(&slot->handle, &handle, 0);
}

bool wsp_rio_wait_out(_Atomic uint32_t *inside)
{
    uint32_t seen = atomic_load_explicit(inside, memory_order_acquire);

    if ((seen & 1u) == 0)
        return true;
    for (int naps = 0; naps < WAIT_NAPS; naps++) {
        if (atomic_load_explicit(inside, memory_order_acquire) != seen) /* D: pairs with C */
            return true;
        wsp_os_sleep_ns(WAIT_NAP_NS);
    }
    return false;
}

/*
 * Handle values, Linux: ((generation << 20) | index) << 2. Index 0 is not used, so a value is never 0. A closed slot
 * goes to the tail of the free list: the same value returns after 512 reuses of a slot that waited behind every other
 * free one.
 */
#include "ws2_handle_priv.h"

#define INDEX_BITS 20u
#define GENERATION_MASK 0x1ffu

_Static_assert(WS2_HANDLE_SLOTS == 1u << INDEX_BITS, "the generation follows the index");

static uint32_t table_slots;       /* made so far, index 0 included; under the table mutex */
static struct ws2_slot *free_head; /* NULL: none */
static struct ws2_slot *free_tail;

static void free_push(struct ws2_slot *slot)
{
    slot->next_free = NULL;
    if (free_head == NULL) {
        free_head = slot;
    } else {
        free_tail->next_free = slot;
    }
    free_tail = slot;
}

/* Without memory, or with the table full, the free list stays as it is. */
static void page_add(void)
{
    uint32_t i;
    if (table_slots >= WS2_HANDLE_SLOTS || ws2_handle_slot_make(table_slots) == NULL) {
        return;
    }
    for (i = table_slots == 0 ? 1 : 0; i < WS2_HANDLE_PAGE_SLOTS; i++) {
        free_push(ws2_handle_slot_make(table_slots + i));
    }
    table_slots += WS2_HANDLE_PAGE_SLOTS;
}

/** A slot that nobody uses, with one reference, or NULL. Context: any thread; takes the table mutex. */
struct ws2_slot *ws2_slot_obtain(void)
{
    struct ws2_slot *slot;
    ws2_os_lock(ws2_os_table_mutex());
    if (free_head == NULL) {
        page_add();
    }
    slot = free_head;
    if (slot != NULL) {
        free_head = slot->next_free;
        atomic_store_explicit(&slot->refs, 1, memory_order_relaxed);
    }
    ws2_os_unlock(ws2_os_table_mutex());
    return slot;
}

/** Take a slot back whose last reference went. Context: any thread; takes the table mutex. */
void ws2_slot_recycle(struct ws2_slot *slot)
{
    ws2_os_lock(ws2_os_table_mutex());
    slot->generation++;
    free_push(slot);
    ws2_os_unlock(ws2_os_table_mutex());
}

/**
 * The value of a slot's handle in its present generation.
 *
 * Context: the owner of a slot that is open.
 */
uint32_t ws2_handle_value(const struct ws2_slot *slot)
{
    return ((slot->generation & GENERATION_MASK) << INDEX_BITS | slot->index) << 2;
}

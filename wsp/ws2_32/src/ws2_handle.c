/*
 * The handle table: sockets, events and threads of the process.
 *
 * A handle is ((generation << 20) | index) << 2: a multiple of 4, below 2^31, never 0 because index 0 is not used, so
 * that programs that keep a SOCKET in an int survive (rule WPU-34). A closed slot goes to the tail of the free list:
 * the same value returns after 512 reuses of a slot that waited behind every other free one.
 *
 * Memory order. Edge H1: the fields of a slot are written before `live` is stored with release; a reader loads `live`
 * with acquire, reads the fields, and loads `live` again: what it read belongs to the handle it was asked for, or it
 * reports that there is no such handle. Edge H2: the page pointer is published with release after its slots are made.
 */
#include "ws2_priv.h"

#include <stdlib.h>

#define PAGE_BITS 10u
#define PAGE_SLOTS (1u << PAGE_BITS)
#define INDEX_BITS 20u
#define PAGES (1u << (INDEX_BITS - PAGE_BITS))
#define GENERATION_MASK 0x1ffu

static _Atomic(struct ws2_slot *) table_page[PAGES];
static uint32_t table_slots;       /* made so far, index 0 included; under the table mutex */
static struct ws2_slot *free_head; /* NULL: none */
static struct ws2_slot *free_tail;
static atomic_uint open_count[WS2_KIND_THREAD + 1];

static struct ws2_slot *slot_at(uint32_t index)
{
    /* Edge H2, reader. */
    struct ws2_slot *page = atomic_load_explicit(&table_page[index >> PAGE_BITS], memory_order_acquire);
    return page == NULL ? NULL : &page[index & (PAGE_SLOTS - 1)];
}

static struct ws2_slot *slot_of(uintptr_t handle)
{
    if (handle == 0 || (handle & 3) != 0 || handle > INT32_MAX) {
        return NULL;
    }
    return slot_at((uint32_t)(handle >> 2) & ((1u << INDEX_BITS) - 1));
}

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
    uint32_t page = table_slots >> PAGE_BITS;
    struct ws2_slot *slots;
    uint32_t i;
    if (page >= PAGES) {
        return;
    }
    slots = (struct ws2_slot *)calloc(PAGE_SLOTS, sizeof *slots);
    if (slots == NULL) {
        return;
    }
    for (i = 0; i < PAGE_SLOTS; i++) {
        slots[i].index = page * PAGE_SLOTS + i;
    }
    /* Edge H2, writer. */
    atomic_store_explicit(&table_page[page], slots, memory_order_release);
    for (i = page == 0 ? 1 : 0; i < PAGE_SLOTS; i++) {
        free_push(&slots[i]);
    }
    table_slots += PAGE_SLOTS;
}

/**
 * Take a free slot. Nobody can look it up before ws2_handle_publish.
 *
 * @param kind  What the slot will be.
 * @return      The slot with one reference, the caller's, or NULL when the table is full or memory is short.
 *
 * Context: any thread; takes the table mutex; may allocate a page of slots.
 */
struct ws2_slot *ws2_handle_open(enum ws2_kind kind)
{
    struct ws2_slot *slot = NULL;
    ws2_os_lock(ws2_os_table_mutex());
    if (free_head == NULL) {
        page_add();
    }
    slot = free_head;
    if (slot != NULL) {
        free_head = slot->next_free;
    }
    ws2_os_unlock(ws2_os_table_mutex());
    if (slot == NULL) {
        return NULL;
    }
    slot->kind = kind;
    slot->object = NULL;
    atomic_store_explicit(&slot->context, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->provider, NULL, memory_order_relaxed);
    slot->entry_id = 0;
    atomic_store_explicit(&slot->refs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&open_count[kind], 1, memory_order_relaxed);
    return slot;
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

/**
 * Make a filled slot visible under its handle.
 *
 * Context: the thread that opened it. Source: edge H1, writer.
 */
void ws2_handle_publish(struct ws2_slot *slot)
{
    atomic_store_explicit(&slot->live, ws2_handle_value(slot), memory_order_release);
}

/**
 * Drop one reference; the last one recycles the slot.
 *
 * Context: any thread that holds a pin.
 */
void ws2_handle_unpin(struct ws2_slot *slot)
{
    enum ws2_kind kind;
    void *object;
    if (atomic_fetch_sub_explicit(&slot->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    /* Only now is the slot this thread's alone: an earlier look could have been at the object before. */
    kind = slot->kind;
    object = slot->object;
    if (object != NULL) {
        ws2_object_release(kind, object);
    }
    atomic_fetch_sub_explicit(&open_count[kind], 1, memory_order_relaxed);
    ws2_os_lock(ws2_os_table_mutex());
    slot->generation++;
    free_push(slot);
    ws2_os_unlock(ws2_os_table_mutex());
}

/**
 * Close a handle: from here on nobody finds it. Its object lives on until the last pin goes.
 *
 * @return  false if the handle is not open or of another kind; exactly one of two racing callers gets true.
 *
 * Context: any thread.
 */
bool ws2_handle_close(uintptr_t handle, enum ws2_kind kind)
{
    struct ws2_slot *slot = ws2_handle_pin(handle, kind);
    unsigned expected = (unsigned)handle;
    bool won;
    if (slot == NULL) {
        return false;
    }
    won = atomic_compare_exchange_strong_explicit(&slot->live, &expected, 0, memory_order_acq_rel,
                                                  memory_order_relaxed);
    if (won) {
        ws2_handle_unpin(slot);
    }
    ws2_handle_unpin(slot);
    return won;
}

/**
 * Keep a handle's object alive while it is used.
 *
 * @return  The slot, to be given to ws2_handle_unpin, or NULL if the handle is not open or of another kind.
 *
 * Context: any thread; lock-free.
 */
struct ws2_slot *ws2_handle_pin(uintptr_t handle, enum ws2_kind kind)
{
    struct ws2_slot *slot = slot_of(handle);
    unsigned refs;
    if (slot == NULL || atomic_load_explicit(&slot->live, memory_order_acquire) != (unsigned)handle) {
        return NULL;
    }
    refs = atomic_load_explicit(&slot->refs, memory_order_relaxed);
    do {
        if (refs == 0) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->refs, &refs, refs + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    /* The slot may have been recycled between the two looks; then the pin is another object's and goes back. */
    if (atomic_load_explicit(&slot->live, memory_order_acquire) != (unsigned)handle || slot->kind != kind) {
        ws2_handle_unpin(slot);
        return NULL;
    }
    return slot;
}

/**
 * What a handle is, WS2_KIND_FREE if it is not open. The answer may be stale when it arrives.
 */
enum ws2_kind ws2_handle_kind(uintptr_t handle)
{
    static const enum ws2_kind kinds[] = {WS2_KIND_SOCKET, WS2_KIND_EVENT, WS2_KIND_THREAD};
    unsigned i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct ws2_slot *slot = ws2_handle_pin(handle, kinds[i]);
        if (slot != NULL) {
            ws2_handle_unpin(slot);
            return kinds[i];
        }
    }
    return WS2_KIND_FREE;
}

/**
 * The provider that made a socket handle, NULL if the handle is not an open socket.
 *
 * Context: any thread, on the data path; three loads and no write. Source: edge H1, reader; rule WS2-12.
 */
struct ws2_provider *ws2_handle_provider(SOCKET s)
{
    struct ws2_slot *slot = slot_of(s);
    struct ws2_provider *provider;
    if (slot == NULL || atomic_load_explicit(&slot->live, memory_order_acquire) != (unsigned)s) {
        return NULL;
    }
    provider = atomic_load_explicit(&slot->provider, memory_order_acquire);
    return atomic_load_explicit(&slot->live, memory_order_relaxed) == (unsigned)s ? provider : NULL;
}

/**
 * The provider's context of a socket handle.
 *
 * @return  false if the handle is not an open socket. The context may be of a socket that is being closed by another
 *          thread at this moment: the provider keeps its objects safe against that.
 *
 * Context: any thread, on the data path. Source: edge H1, reader; rule WPU-10.
 */
bool ws2_handle_context(SOCKET s, uintptr_t *context)
{
    struct ws2_slot *slot = slot_of(s);
    uintptr_t value;
    if (slot == NULL || atomic_load_explicit(&slot->live, memory_order_acquire) != (unsigned)s ||
        atomic_load_explicit(&slot->provider, memory_order_acquire) == NULL) {
        return false;
    }
    value = atomic_load_explicit(&slot->context, memory_order_acquire);
    if (atomic_load_explicit(&slot->live, memory_order_relaxed) != (unsigned)s) {
        return false;
    }
    *context = value;
    return true;
}

/**
 * The catalogue entry that a socket was made from. @return false if the handle is not an open socket.
 */
bool ws2_handle_entry_id(SOCKET s, DWORD *id)
{
    struct ws2_slot *slot = ws2_handle_pin(s, WS2_KIND_SOCKET);
    if (slot == NULL) {
        return false;
    }
    *id = slot->entry_id;
    ws2_handle_unpin(slot);
    return true;
}

/**
 * Close every socket handle that a provider left open at its last cleanup.
 *
 * Context: under the process lock. Source: rule WS2-2.
 */
void ws2_handle_close_all_of(const struct ws2_provider *provider)
{
    uint32_t i;
    for (i = 1; i < PAGES * PAGE_SLOTS; i++) {
        struct ws2_slot *slot = slot_at(i);
        unsigned live;
        if (slot == NULL) {
            break;
        }
        live = atomic_load_explicit(&slot->live, memory_order_acquire);
        if (live != 0 && atomic_load_explicit(&slot->provider, memory_order_acquire) == provider) {
            ws2_handle_close(live, WS2_KIND_SOCKET);
        }
    }
}

/** Handles of a kind that are open or still pinned. */
unsigned ws2_handle_open_count(enum ws2_kind kind)
{
    return atomic_load_explicit(&open_count[kind], memory_order_relaxed);
}

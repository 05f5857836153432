/*
 * The handle table: sockets, and on Linux events, threads and windows too, of the process.
 *
 * A handle is a multiple of 4, below 2^31 and never 0, so that programs that keep a SOCKET in an int survive (rule
 * WPU-34). Bits 2 to 21 are the index of its slot. Where the value comes from is the platform's: ws2_handle_linux.c
 * makes them of an index and a generation, on Windows they are kernel handles (ws2_handle_windows.c).
 *
 * Memory order. Edge H1: the fields of a slot are written before `live` is stored with release; a reader loads `live`
 * with acquire, reads the fields, and loads `live` again: what it read belongs to the handle it was asked for, or it
 * reports that there is no such handle. Edge H2: the page pointer is published with release after its slots are made.
 */
#include "ws2_handle_priv.h"

#include <stdlib.h>

static _Atomic(struct ws2_slot *) table_page[WS2_HANDLE_PAGES];
static atomic_uint open_count[WS2_KINDS];

static struct ws2_slot *slot_at(uint32_t index)
{
    /* Edge H2, reader. */
    struct ws2_slot *page = atomic_load_explicit(&table_page[index / WS2_HANDLE_PAGE_SLOTS], memory_order_acquire);
    return page == NULL ? NULL : &page[index % WS2_HANDLE_PAGE_SLOTS];
}

static struct ws2_slot *slot_of(uintptr_t handle)
{
    if (handle == 0 || (handle & 3) != 0 || handle > INT32_MAX) {
        return NULL;
    }
    return slot_at((uint32_t)(handle >> 2) & (WS2_HANDLE_SLOTS - 1));
}

/**
 * The slot of an index, its page made if it is not there yet.
 *
 * @param index  Below WS2_HANDLE_SLOTS.
 * @return       NULL when memory is short.
 *
 * Context: under the table mutex.
 */
struct ws2_slot *ws2_handle_slot_make(uint32_t index)
{
    uint32_t page = index / WS2_HANDLE_PAGE_SLOTS;
    struct ws2_slot *slots;
    uint32_t i;
    if (slot_at(index) == NULL) {
        slots = (struct ws2_slot *)calloc(WS2_HANDLE_PAGE_SLOTS, sizeof *slots);
        if (slots == NULL) {
            return NULL;
        }
        for (i = 0; i < WS2_HANDLE_PAGE_SLOTS; i++) {
            slots[i].index = page * WS2_HANDLE_PAGE_SLOTS + i;
        }
        /* Edge H2, writer. */
        atomic_store_explicit(&table_page[page], slots, memory_order_release);
    }
    return slot_at(index);
}

/**
 * Take a free slot. Nobody can look it up before ws2_handle_publish.
 *
 * @param kind  What the handle will be.
 * @return      A slot with one reference, the open handle's, or NULL: no memory, or no handle to be had.
 *
 * Context: any thread; takes the table mutex.
 */
struct ws2_slot *ws2_handle_open(enum ws2_kind kind)
{
    return ws2_handle_begin(ws2_slot_obtain(), kind);
}

/**
 * Make a claimed slot a handle's. Nobody can look it up before ws2_handle_publish.
 *
 * @param slot  With one reference, the open handle's; NULL is passed on.
 * @return      The slot.
 *
 * Context: the thread that claimed it.
 */
struct ws2_slot *ws2_handle_begin(struct ws2_slot *slot, enum ws2_kind kind)
{
    if (slot == NULL) {
        return NULL;
    }
    slot->kind = kind;
    slot->object = NULL;
    atomic_store_explicit(&slot->context, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->provider, NULL, memory_order_relaxed);
    slot->entry_id = 0;
    atomic_store_explicit(&slot->io, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&open_count[kind], 1, memory_order_relaxed);
    return slot;
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
    ws2_slot_recycle(slot);
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
    int kind;
    for (kind = WS2_KIND_SOCKET; kind < WS2_KINDS; kind++) {
        struct ws2_slot *slot = ws2_handle_pin(handle, (enum ws2_kind)kind);
        if (slot != NULL) {
            ws2_handle_unpin(slot);
            return (enum ws2_kind)kind;
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

/** The `io` word of a socket's slot, 0 if the handle is not an open socket. Context: as ws2_handle_provider. */
unsigned ws2_handle_io(SOCKET s)
{
    struct ws2_slot *slot = slot_of(s);
    unsigned io;
    if (slot == NULL || atomic_load_explicit(&slot->live, memory_order_acquire) != (unsigned)s) {
        return 0;
    }
    io = atomic_load_explicit(&slot->io, memory_order_acquire);
    return atomic_load_explicit(&slot->live, memory_order_relaxed) == (unsigned)s ? io : 0;
}

/**
 * Close every socket handle that a provider left open at its last cleanup.
 *
 * Context: under the process lock. Source: rule WS2-2.
 */
void ws2_handle_close_all_of(const struct ws2_provider *provider)
{
    uint32_t i;
    for (i = 0; i < WS2_HANDLE_SLOTS; i++) {
        struct ws2_slot *slot = slot_at(i);
        unsigned live;
        if (slot == NULL) {
            i |= WS2_HANDLE_PAGE_SLOTS - 1; /* the loop goes on at the next page */
            continue;
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

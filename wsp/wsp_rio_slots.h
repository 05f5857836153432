/**
 * @file
 * Tables of registered I/O: their entries are never freed, so that a stale or
 * foreign handle can be looked at safely and without a lock. A handle is
 * generation, index and kind; the entry of an open object carries its own.
 *
 * A call that works with an entry says so in a word of it (inside, odd while
 * somebody is in), with plain stores. Who closes takes the handle away, has
 * every thread pass a barrier (wsp_fence_all) and waits until the word has
 * changed: a call sees that the handle is gone, or is seen.
 *
 * Memory order: the handle is stored with release order when the object is
 * complete (A) and loaded with acquire order by who looks it up (B). The word
 * is stored with release order on leaving (C) and loaded with acquire order
 * by who waits (D).
 *
 * Source: rules RIOX-23, RIOX-28, RIOX-51, RIOX-56, RIOX-76.
 */
#ifndef WSP_RIO_SLOTS_H
#define WSP_RIO_SLOTS_H

#include "wsp_memory.h"
#include "wsp_os.h"

#include <stdatomic.h>

enum wsp_rio_kind { WSP_RIO_BUFFER = 1, WSP_RIO_CQ = 2, WSP_RIO_RQ = 3 };

#define WSP_RIO_KIND_BITS 2u
#define WSP_RIO_INDEX_BITS 20u
#define WSP_RIO_SEGMENT 256u
#define WSP_RIO_SEGMENTS ((1u << WSP_RIO_INDEX_BITS) / WSP_RIO_SEGMENT)

/** First member of every entry. */
struct wsp_rio_slot {
    _Atomic uintptr_t handle; /**< 0: not open */
    uint32_t index;
    uint32_t generation;
    uint32_t next; /**< index + 1 of the next free one */
};

struct wsp_rio_slots {
    enum wsp_rio_kind kind;
    uint32_t size;          /**< bytes of an entry */
    _Atomic uint32_t made;  /**< entries that exist */
    _Atomic uint32_t taken; /**< entries that are not free */
    uint32_t free;          /**< index + 1 of the first free one */
    struct wsp_mutex lock;
    _Atomic(char *) segments[WSP_RIO_SEGMENTS];
};

/**
 * Take a free entry. What its last user left in it is there still, zero bytes at first; it cannot be found.
 *
 * @return  NULL: the table is full or no memory.
 *
 * Context: any thread that holds no lock of registered I/O. May allocate.
 */
struct wsp_rio_slot *wsp_rio_slot_take(struct wsp_rio_slots *slots);

/** Give back an entry that is not open. Context: as wsp_rio_slot_take. */
void wsp_rio_slot_give(struct wsp_rio_slots *slots, struct wsp_rio_slot *slot);

/** The handle that the entry has when it is open. */
uintptr_t wsp_rio_slot_handle(const struct wsp_rio_slots *slots, const struct wsp_rio_slot *slot);

/** Take the handle away. @return  false: somebody else did. */
bool wsp_rio_slot_close(struct wsp_rio_slot *slot, uintptr_t handle);

/** An entry by its index, open or not; NULL: there is none. Context: any thread. */
struct wsp_rio_slot *wsp_rio_slot_at(const struct wsp_rio_slots *slots, uint32_t index);

/** The entry that a handle names, open or not; NULL: there is none. Context: any thread. */
struct wsp_rio_slot *wsp_rio_slot_of(const struct wsp_rio_slots *slots, uintptr_t handle);

/**
 * Wait until nobody is inside who was when wsp_fence_all was called.
 *
 * @return  false: somebody stayed for a second: a thread that was ended in the middle.
 */
bool wsp_rio_wait_out(_Atomic uint32_t *inside);

/** Let it be found. */
static inline void wsp_rio_slot_open(struct wsp_rio_slot *slot, uintptr_t handle)
{
    atomic_store_explicit(&slot->handle, handle, memory_order_release); /* A: pairs with B */
}

static inline bool wsp_rio_slot_is(const struct wsp_rio_slot *slot, uintptr_t handle)
{
    return atomic_load_explicit(&slot->handle, memory_order_acquire) == handle; /* B */
}

/** Find the open entry of a handle; NULL: there is none. */
static inline struct wsp_rio_slot *wsp_rio_slot_find(const struct wsp_rio_slots *slots, size_t size, uintptr_t handle)
{
    uint32_t index = (uint32_t)(handle >> WSP_RIO_KIND_BITS) & ((1u << WSP_RIO_INDEX_BITS) - 1);
    char *segment = atomic_load_explicit(&slots->segments[index / WSP_RIO_SEGMENT], memory_order_acquire);
    struct wsp_rio_slot *slot;

    if (!segment)
        return NULL;
    slot = (struct wsp_rio_slot *)(void *)(segment + (index % WSP_RIO_SEGMENT) * size);
    return handle != 0 && wsp_rio_slot_is(slot, handle) ? slot : NULL;
}

/** A call begins; the handle is to be looked at again after it. */
static inline void wsp_rio_enter(_Atomic uint32_t *inside)
{
    uint32_t now = atomic_load_explicit(inside, memory_order_relaxed);

    atomic_store_explicit(inside, now | 1u, memory_order_relaxed);
    wsp_fence_light(); /* pairs with wsp_fence_all */
}

static inline void wsp_rio_leave(_Atomic uint32_t *inside)
{
    uint32_t now = atomic_load_explicit(inside, memory_order_relaxed);

    atomic_store_explicit(inside, (now | 1u) + 1, memory_order_release); /* C: pairs with D */
}

#endif

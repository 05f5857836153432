/**
 * @file
 * The heap of an instance: a fixed arena cut into spans, each span serving one size class.
 *
 * Every operation is O(1). One thread at a time. A span that becomes empty returns to the arena, so that no class
 * keeps memory that it does not use.
 */
#ifndef STK_LWIP_SLAB_H
#define STK_LWIP_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define STK_SLAB_SPAN_SIZE (128u * 1024u)
#define STK_SLAB_CLASSES 21

struct stk_slab_span;

struct stk_slab {
    unsigned char *arena; /**< spans_count spans, aligned to the span's size */
    void *arena_memory;   /**< what to free */
    struct stk_slab_span *spans;
    uint32_t spans_count;
    uint32_t free_span;                 /**< head of the list of unused spans */
    uint32_t partial[STK_SLAB_CLASSES]; /**< head of the list of spans with room, per class */
    uint64_t used_bytes;                /**< handed out, rounded up to classes */
    uint64_t high_water_bytes;
    uint64_t failed;
    uint64_t limit_bytes;
};

/**
 * Take the arena.
 *
 * @param limit_bytes  Rounded up to whole spans.
 * @return             0, or STK_EINVAL (0 or absurd) or STK_ENOMEM.
 */
int stk_slab_init(struct stk_slab *slab, uint64_t limit_bytes);

/** Free the arena with everything in it. */
void stk_slab_fini(struct stk_slab *slab);

/** Memory aligned to 16, or NULL: larger than the largest class, or no span left (counted). */
void *stk_slab_get(struct stk_slab *slab, size_t size_bytes);

/** Give back; mem is from stk_slab_get of the same slab, or NULL. */
void stk_slab_put(struct stk_slab *slab, void *mem);

#endif

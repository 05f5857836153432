#include "lwip/slab.h"

#include "stack/assert.h"
#include "stack/err.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_NONE UINT32_MAX

static const uint32_t class_sizes[STK_SLAB_CLASSES] = {64,   128,   192,   256,   384,   512,   768,
                                                       1024, 1536,  2048,  3072,  4096,  6144,  8192,
                                                       9728, 12288, 16384, 24576, 32768, 49152, 69632};

struct slab_item {
    struct slab_item *next;
};

struct stk_slab_span {
    struct slab_item *free;
    uint32_t fresh; /**< items handed out for the first time */
    uint32_t used;
    uint32_t capacity;
    uint32_t class_index;
    uint32_t next; /**< in the list of unused spans, or of spans of a class with room */
    uint32_t prev;
};

int stk_slab_init(struct stk_slab *slab, uint64_t limit_bytes)
{
    memset(slab, 0, sizeof(*slab));
    if (limit_bytes == 0 || limit_bytes > (UINT64_C(1) << 40))
        return STK_EINVAL;
    slab->spans_count = (uint32_t)((limit_bytes + STK_SLAB_SPAN_SIZE - 1) / STK_SLAB_SPAN_SIZE);
    slab->limit_bytes = (uint64_t)slab->spans_count * STK_SLAB_SPAN_SIZE;
    slab->spans = calloc(slab->spans_count, sizeof(*slab->spans));
    if (slab->spans == NULL)
        return STK_ENOMEM;
    slab->arena_memory = malloc((size_t)slab->limit_bytes + STK_SLAB_SPAN_SIZE);
    if (slab->arena_memory == NULL) {
        free(slab->spans);
        slab->spans = NULL;
        return STK_ENOMEM;
    }
    uintptr_t base = ((uintptr_t)slab->arena_memory + STK_SLAB_SPAN_SIZE - 1) & ~(uintptr_t)(STK_SLAB_SPAN_SIZE - 1);
    slab->arena = (unsigned char *)base;
    for (uint32_t i = 0; i < slab->spans_count; i++)
        slab->spans[i].next = i + 1 < slab->spans_count ? i + 1 : SPAN_NONE;
    for (uint32_t i = 0; i < STK_SLAB_CLASSES; i++)
        slab->partial[i] = SPAN_NONE;
    return STK_OK;
}

void stk_slab_fini(struct stk_slab *slab)
{
    free(slab->arena_memory);
    free(slab->spans);
    memset(slab, 0, sizeof(*slab));
}

static uint32_t slab_class_of(size_t size_bytes)
{
    uint32_t low = 0;
    uint32_t high = STK_SLAB_CLASSES;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (class_sizes[middle] < size_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void slab_partial_push(struct stk_slab *slab, uint32_t index)
{
    struct stk_slab_span *span = &slab->spans[index];
    uint32_t head = slab->partial[span->class_index];
    span->prev = SPAN_NONE;
    span->next = head;
    if (head != SPAN_NONE)
        slab->spans[head].prev = index;
    slab->partial[span->class_index] = index;
}

static void slab_partial_remove(struct stk_slab *slab, uint32_t index)
{
    struct stk_slab_span *span = &slab->spans[index];
    if (span->prev != SPAN_NONE)
        slab->spans[span->prev].next = span->next;
    else
        slab->partial[span->class_index] = span->next;
    if (span->next != SPAN_NONE)
        slab->spans[span->next].prev = span->prev;
}

static uint32_t slab_span_open(struct stk_slab *slab, uint32_t class_index)
{
    uint32_t index = slab->free_span;
    if (index == SPAN_NONE)
        return SPAN_NONE;
    struct stk_slab_span *span = &slab->spans[index];
    slab->free_span = span->next;
    span->free = NULL;
    span->fresh = 0;
    span->used = 0;
    span->class_index = class_index;
    span->capacity = STK_SLAB_SPAN_SIZE / class_sizes[class_index];
    slab_partial_push(slab, index);
    return index;
}

void *stk_slab_get(struct stk_slab *slab, size_t size_bytes)
{
    uint32_t class_index = slab_class_of(size_bytes);
    if (class_index == STK_SLAB_CLASSES) {
        slab->failed++;
        return NULL;
    }
    uint32_t index = slab->partial[class_index];
    if (index == SPAN_NONE)
        index = slab_span_open(slab, class_index);
    if (index == SPAN_NONE) {
        slab->failed++;
        return NULL;
    }
    struct stk_slab_span *span = &slab->spans[index];
    struct slab_item *item = span->free;
    if (item != NULL) {
        span->free = item->next;
    } else {
        size_t offset = (size_t)index * STK_SLAB_SPAN_SIZE + (size_t)span->fresh * class_sizes[class_index];
        item = (struct slab_item *)(void *)(slab->arena + offset);
        span->fresh++;
    }
    span->used++;
    if (span->used == span->capacity)
        slab_partial_remove(slab, index);
    slab->used_bytes += class_sizes[class_index];
    if (slab->used_bytes > slab->high_water_bytes)
        slab->high_water_bytes = slab->used_bytes;
    return item;
}

void stk_slab_put(struct stk_slab *slab, void *mem)
{
    if (mem == NULL)
        return;
    size_t offset = (size_t)((unsigned char *)mem - slab->arena);
    STK_ASSERT(offset < slab->limit_bytes);
    uint32_t index = (uint32_t)(offset / STK_SLAB_SPAN_SIZE);
    struct stk_slab_span *span = &slab->spans[index];
    STK_DASSERT(span->used > 0);
    struct slab_item *item = mem;
    item->next = span->free;
    span->free = item;
    slab->used_bytes -= class_sizes[span->class_index];
    if (span->used == span->capacity)
        slab_partial_push(slab, index);
    span->used--;
    if (span->used == 0) {
        slab_partial_remove(slab, index);
        span->next = slab->free_span;
        slab->free_span = index;
    }
}

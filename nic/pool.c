#include "nic/pool.h"

#include <stdlib.h>

#include "stack/assert.h"
#include "stack/err.h"

#define POOL_ALIGN ((size_t)64)

static struct nic_buf *pool_slot(const struct nic_pool *pool, uint32_t index)
{
    return (struct nic_buf *)(void *)(pool->memory + pool->stride * index);
}

int nic_pool_init(struct nic_pool *pool, struct nic_port *port, uint32_t count, uint32_t room)
{
    size_t stride = (sizeof(struct nic_buf) + NIC_HEADROOM + room + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1);

    *pool = (struct nic_pool){.count = count, .room = room, .stride = stride, .port = port};
    pool->allocated = malloc(stride * count + POOL_ALIGN);
    if (pool->allocated == NULL)
        return STK_ENOMEM;
    pool->memory = (uint8_t *)pool->allocated + (POOL_ALIGN - (uintptr_t)pool->allocated % POOL_ALIGN);
    pool->free = calloc(count, sizeof(struct nic_buf *));
    if (pool->free == NULL) {
        free(pool->allocated);
        pool->allocated = NULL;
        return STK_ENOMEM;
    }
    /* Lowest addresses on top, so that a lightly used pool stays in cache. */
    for (uint32_t i = count; i-- > 0;) {
        struct nic_buf *buf = pool_slot(pool, i);
        *buf = (struct nic_buf){.port = port};
        pool->free[pool->free_count++] = buf;
    }
    return 0;
}

void nic_pool_fini(struct nic_pool *pool)
{
    free(pool->free);
    free(pool->allocated);
    *pool = (struct nic_pool){0};
}

struct nic_buf *nic_pool_get(struct nic_pool *pool)
{
    struct nic_buf *buf;

    if (pool->free_count == 0)
        return NULL;
    buf = pool->free[--pool->free_count];
    if (pool->count - pool->free_count > pool->high_water)
        pool->high_water = pool->count - pool->free_count;
    buf->data = (uint8_t *)buf + sizeof(*buf) + NIC_HEADROOM;
    buf->next = NULL;
    buf->pkt_len = 0;
    buf->len = 0;
    buf->room = pool->room;
    buf->flags = 0;
    buf->l2_len = 0;
    buf->l3_len = 0;
    buf->l4_len = 0;
    buf->segs = 1;
    buf->tstamp_ns = 0;
    buf->release = NULL;
    buf->release_context = NULL;
    return buf;
}

void nic_pool_put(struct nic_pool *pool, struct nic_buf *buf)
{
    /* data is NULL while a buffer lies in the pool: a second free shows. */
    STK_DASSERT(buf->data != NULL);
    STK_DASSERT(pool->free_count < pool->count);
    buf->data = NULL;
    pool->free[pool->free_count++] = buf;
}

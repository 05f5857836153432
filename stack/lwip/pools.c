/*
 * lwIP's memory pools, answered from the selected instance: this file stands for lwIP's memp.c. Each pool's length is
 * the instance's limit, so that what one instance uses up another still has.
 */
#include "instance_priv.h"

#include "stack/assert.h"
#include "stack/err.h"

#include "lwip/igmp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip/priv/nd6_priv.h"

#include <stdlib.h>
#include <string.h>

#define POOL_ALIGN 16u
#define POOL_TIMEOUTS 32  /* one for each cyclic timer of the modules, and TCP's; with room */
#define POOL_MCAST_IFS 64 /* both families of every interface, loopback included */

static const uint32_t pool_sizes[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) [MEMP_##name] = (uint32_t)(size),
#include "lwip/priv/memp_std.h"
};

/* Objects of ours in pools of lwIP's table, see mcast.h. */
static uint32_t pool_size(memp_t type)
{
    switch ((int)type) {
    case MEMP_IGMP_GROUP:
    case MEMP_MLD6_GROUP:
        return sizeof(struct stk_mcast_group);
    case MEMP_MCAST_IF:
        return sizeof(struct stk_mcast_if);
    case MEMP_MCAST_SOURCE:
        return sizeof(struct stk_mcast_source);
    default:
        return pool_sizes[type];
    }
}

static uint64_t pool_limit(const struct stk_lwip_limits *limits, memp_t type)
{
    switch ((int)type) {
    case MEMP_RAW_PCB:
        return limits->raw_endpoints;
    case MEMP_UDP_PCB:
        return limits->udp_endpoints;
    case MEMP_TCP_PCB:
        return limits->tcp_conns;
    case MEMP_TCP_PCB_LISTEN:
        return limits->tcp_listeners;
    case MEMP_TCP_SEG:
        return limits->tcp_segs;
    case MEMP_REASSDATA:
    case MEMP_IP6_REASSDATA:
        return limits->reass;
    case MEMP_FRAG_PBUF:
        return limits->frag_pbufs;
    case MEMP_PBUF_POOL:
        return limits->pbuf_copies;
    case MEMP_ARP_QUEUE:
        return limits->arp_queue;
    case MEMP_IGMP_GROUP:
        return limits->igmp_groups;
    case MEMP_SYS_TIMEOUT:
        return POOL_TIMEOUTS;
    case MEMP_ND6_QUEUE:
        return limits->nd6_queue;
    case MEMP_MLD6_GROUP:
        return limits->mld6_groups;
    case MEMP_MCAST_IF:
        return POOL_MCAST_IFS;
    case MEMP_MCAST_SOURCE:
        return limits->mcast_sources;
    case MEMP_PBUF:
        return limits->pbufs;
    default:
        return 0;
    }
}

int stk_pools_init(struct stk_inst *inst)
{
    uint64_t total = 0;
    for (int type = 0; type < MEMP_MAX; type++) {
        struct stk_pool *pool = &inst->pools[type];
        pool->size_bytes = (pool_size((memp_t)type) + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1);
        pool->fresh_count = (uint32_t)pool_limit(&inst->limits, (memp_t)type);
        pool->stats.avail = pool->fresh_count;
        total += (uint64_t)pool->size_bytes * pool->fresh_count;
    }
    inst->pools_memory = malloc((size_t)total + POOL_ALIGN);
    if (inst->pools_memory == NULL)
        return STK_ENOMEM;
    uintptr_t at = ((uintptr_t)inst->pools_memory + POOL_ALIGN - 1) & ~(uintptr_t)(POOL_ALIGN - 1);
    for (int type = 0; type < MEMP_MAX; type++) {
        struct stk_pool *pool = &inst->pools[type];
        pool->fresh = (unsigned char *)at;
        at += (uintptr_t)pool->size_bytes * pool->fresh_count;
    }
    return STK_OK;
}

void stk_pools_fini(struct stk_inst *inst)
{
    free(inst->pools_memory);
    inst->pools_memory = NULL;
}

/* Called by lwip_init with the instance selected: the pools are laid out already, only the statistics are joined. */
void memp_init(void)
{
    struct stk_inst *inst = stk_inst_selected();
    for (int type = 0; type < MEMP_MAX; type++)
        inst->lwip.stats.memp[type] = &inst->pools[type].stats;
}

void *memp_malloc(memp_t type)
{
    struct stk_pool *pool = &stk_inst_selected()->pools[type];
    struct stk_pool_item *item = pool->free;
    if (item != NULL) {
        pool->free = item->next;
    } else if (pool->fresh_count > 0) {
        item = (struct stk_pool_item *)(void *)pool->fresh;
        pool->fresh += pool->size_bytes;
        pool->fresh_count--;
    } else {
        pool->stats.err++;
        return NULL;
    }
    pool->stats.used++;
    if (pool->stats.used > pool->stats.max)
        pool->stats.max = pool->stats.used;
    return item;
}

void memp_free(memp_t type, void *mem)
{
    if (mem == NULL)
        return;
    struct stk_pool *pool = &stk_inst_selected()->pools[type];
    struct stk_pool_item *item = mem;
    item->next = pool->free;
    pool->free = item;
    pool->stats.used--;
}

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#include "dpdk_priv.h"
#include "dpdk_tsan.h"
#include "stack/err.h"
#include "stack/log.h"

#define CACHE_MAX 256u
/** Pools that outlived their port because another port still held buffers of them. */
#define ORPHANS_MAX 64

static pthread_mutex_t orphans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rte_mempool *orphans[ORPHANS_MAX];

static void orphans_reap(void)
{
    pthread_mutex_lock(&orphans_lock);
    for (uint32_t i = 0; i < ORPHANS_MAX; i++) {
        if (orphans[i] != NULL && rte_mempool_full(orphans[i])) {
            rte_mempool_free(orphans[i]);
            orphans[i] = NULL;
        }
    }
    pthread_mutex_unlock(&orphans_lock);
}

static void pool_drop(struct rte_mempool *pool)
{
    uint32_t at = 0;

    if (pool == NULL)
        return;
    if (rte_mempool_full(pool)) {
        rte_mempool_free(pool);
        return;
    }
    pthread_mutex_lock(&orphans_lock);
    while (at < ORPHANS_MAX && orphans[at] != NULL)
        at++;
    if (at < ORPHANS_MAX)
        orphans[at] = pool;
    pthread_mutex_unlock(&orphans_lock);
    if (at == ORPHANS_MAX)
        stk_log(STK_LOG_WARN, "dpdk: pool %s stays allocated: %u buffers never came back", pool->name,
                rte_mempool_in_use_count(pool));
}

static struct rte_mempool *pool_make(const char *kind, uint32_t count, uint32_t data_room)
{
    static unsigned next_id;
    uint32_t cache = count / 4 < CACHE_MAX ? count / 4 : CACHE_MAX;
    struct rte_mempool *pool;
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof(name), "wl_%s%u", kind, __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED));
    pool = rte_pktmbuf_pool_create(name, count, cache, sizeof(struct dpdk_priv), (uint16_t)data_room, SOCKET_ID_ANY);
    if (pool == NULL)
        stk_log(STK_LOG_ERROR, "dpdk: no memory for %u buffers of %u bytes (%s); see the key memory_mb",
                (unsigned)count, (unsigned)data_room, rte_strerror(rte_errno));
    return pool;
}

int drv_dpdk_pools_make(struct dpdk_port *port, uint32_t buffers, uint32_t room, bool ext)
{
    orphans_reap();
    port->pool = pool_make("pool", buffers, RTE_PKTMBUF_HEADROOM + room);
    if (port->pool == NULL)
        return STK_ENOMEM;
    if (!ext)
        return 0;
    port->ext_pool = pool_make("ext", buffers, 0);
    if (port->ext_pool != NULL)
        return 0;
    rte_mempool_free(port->pool);
    port->pool = NULL;
    return STK_ENOMEM;
}

void drv_dpdk_pools_free(struct dpdk_port *port)
{
    pool_drop(port->ext_pool);
    pool_drop(port->pool);
    port->ext_pool = NULL;
    port->pool = NULL;
    orphans_reap();
}

struct nic_buf *drv_dpdk_buf_alloc(struct nic_port *port)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(dpdk_of(port)->pool);
    struct nic_buf *nb;

    if (unlikely(m == NULL))
        return NULL;
    DRV_DPDK_EDGE_TAKE(m->pool); /* D1 */
    nb = dpdk_nb(m);
    nb->data = rte_pktmbuf_mtod(m, uint8_t *);
    nb->next = NULL;
    nb->port = port;
    nb->pkt_len = 0;
    nb->len = 0;
    nb->room = (uint32_t)m->buf_len - RTE_PKTMBUF_HEADROOM;
    nb->flags = 0;
    nb->l2_len = 0;
    nb->l3_len = 0;
    nb->l4_len = 0;
    nb->segs = 1;
    nb->tstamp_ns = 0;
    nb->release = NULL;
    nb->release_context = NULL;
    return nb;
}

/* DPDK calls it when the last mbuf that refers to the memory is freed; the descriptor is still ours then. */
static void ext_release(void *address, void *opaque)
{
    struct nic_buf *nb = opaque;

    (void)address;
    nb->release(nb->release_context);
}

struct nic_buf *drv_dpdk_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                        void *context)
{
    struct dpdk_port *self = dpdk_of(port);
    struct dpdk_priv *priv;
    struct rte_mbuf *m;

    if (len == 0 || len > UINT16_MAX || self->ext_pool == NULL)
        return NULL;
    m = rte_pktmbuf_alloc(self->ext_pool);
    if (unlikely(m == NULL))
        return NULL;
    DRV_DPDK_EDGE_TAKE(m->pool); /* D1 */
    priv = rte_mbuf_to_priv(m);
    priv->nb = (struct nic_buf){
        .data = data,
        .port = port,
        .pkt_len = len,
        .len = len,
        .room = len,
        .segs = 1,
        .release = release,
        .release_context = context,
    };
    priv->shinfo.free_cb = ext_release;
    priv->shinfo.fcb_opaque = &priv->nb;
    rte_mbuf_ext_refcnt_set(&priv->shinfo, 1);
    /* A port has EXTMEM only where the device's addresses are the process's own. */
    rte_pktmbuf_attach_extbuf(m, data, (rte_iova_t)(uintptr_t)data, (uint16_t)len, &priv->shinfo);
    return &priv->nb;
}

void drv_dpdk_buf_free(struct nic_buf *seg)
{
    struct rte_mbuf *m = dpdk_mbuf(seg);

    DRV_DPDK_EDGE_PUT(m->pool); /* D1 */
    rte_pktmbuf_free_seg(m);
}

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

#include "dpdk_priv.h"
#include "stack/err.h"

#define PAIRS_MAX 16

struct dpdk_pair {
    char name[32];
    struct rte_ring *ring[2]; /**< [side] carries what that side sends */
    bool taken[2];
};

static pthread_mutex_t pairs_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dpdk_pair pairs[PAIRS_MAX];

static struct dpdk_pair *pair_find(const char *name)
{
    struct dpdk_pair *unused = NULL;

    for (uint32_t i = 0; i < PAIRS_MAX; i++) {
        if (pairs[i].ring[0] == NULL)
            unused = unused == NULL ? &pairs[i] : unused;
        else if (strcmp(pairs[i].name, name) == 0)
            return &pairs[i];
    }
    return unused;
}

static void ring_free(struct rte_ring *ring)
{
    void *mbuf;

    while (ring != NULL && rte_ring_dequeue(ring, &mbuf) == 0)
        rte_pktmbuf_free(mbuf);
    rte_ring_free(ring);
}

static void pair_free(struct dpdk_pair *pair)
{
    ring_free(pair->ring[0]);
    ring_free(pair->ring[1]);
    memset(pair, 0, sizeof(*pair));
}

static int pair_make(struct dpdk_pair *pair, const char *name, uint32_t slots)
{
    for (unsigned side = 0; side < 2; side++) {
        char ring_name[32];

        snprintf(ring_name, sizeof(ring_name), "wl_pair%u_%u", (unsigned)(pair - pairs), side);
        /* RING_F_EXACT_SZ: as many frames as were asked for. Each end has one thread at a time. */
        pair->ring[side] = rte_ring_create(ring_name, slots, SOCKET_ID_ANY,
                                           RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
        if (pair->ring[side] == NULL) {
            pair_free(pair);
            return STK_ENOMEM;
        }
    }
    snprintf(pair->name, sizeof(pair->name), "%s", name);
    return 0;
}

static int pair_attach(struct dpdk_port *port, struct dpdk_pair *pair, unsigned side)
{
    struct rte_ring *tx = pair->ring[side];
    struct rte_ring *rx = pair->ring[1 - side];
    char name[32];
    int port_id;

    snprintf(name, sizeof(name), "wl_p%u_%u", (unsigned)(pair - pairs), side);
    port_id = rte_eth_from_rings(name, &rx, 1, &tx, 1, 0);
    if (port_id < 0)
        return rte_errno == EEXIST ? STK_EBUSY : STK_EIO;
    port->port_id = (uint16_t)port_id;
    port->pair = pair;
    port->pair_side = side;
    port->rx_edge = rx;
    port->tx_edge = tx;
    pair->taken[side] = true;
    return 0;
}

int drv_dpdk_pair_take(struct dpdk_port *port, const char *name, uint32_t slots)
{
    struct dpdk_pair *pair;
    int err = STK_ENOMEM;

    pthread_mutex_lock(&pairs_lock);
    pair = pair_find(name);
    if (pair == NULL)
        goto unlock;
    err = pair->ring[0] == NULL ? pair_make(pair, name, slots) : 0;
    if (err != 0)
        goto unlock;
    if (pair->taken[0] && pair->taken[1])
        err = STK_EBUSY;
    else
        err = pair_attach(port, pair, pair->taken[0] ? 1 : 0);
    if (err != 0 && !pair->taken[0] && !pair->taken[1])
        pair_free(pair);
unlock:
    pthread_mutex_unlock(&pairs_lock);
    return err;
}

void drv_dpdk_pair_drop(struct dpdk_port *port)
{
    struct dpdk_pair *pair = port->pair;

    pthread_mutex_lock(&pairs_lock);
    pair->taken[port->pair_side] = false;
    if (!pair->taken[0] && !pair->taken[1])
        pair_free(pair);
    pthread_mutex_unlock(&pairs_lock);
    port->pair = NULL;
}

/**
 * @file
 * A pool of buffers in ordinary memory, for drivers without one of their own.
 * It has no lock: one thread at a time, or the driver's lock around it.
 */
#ifndef NIC_POOL_H
#define NIC_POOL_H

#include "nic/nic.h"

struct nic_pool {
    void *allocated;
    uint8_t *memory; /**< in it, aligned to a cache line */
    struct nic_buf **free;
    uint32_t free_count;
    uint32_t count;
    uint32_t room;       /**< bytes behind the headroom of each buffer */
    uint32_t high_water; /**< most buffers ever out at once */
    size_t stride;
    struct nic_port *port;
};

/**
 * Allocate a pool.
 *
 * @param port   Owner, written into each buffer.
 * @param count  Buffers.
 * @param room   Bytes for data behind NIC_HEADROOM.
 * @return       0 or STK_ENOMEM; then nothing is left allocated.
 *
 * Context: open time.
 */
int nic_pool_init(struct nic_pool *pool, struct nic_port *port, uint32_t count, uint32_t room);

/** Free the memory. Buffers that are still out become invalid. Context: close time. */
void nic_pool_fini(struct nic_pool *pool);

/**
 * Take an empty buffer.
 *
 * @return  As nic_buf_alloc; failures are not counted here.
 *
 * Context: the pool's thread. Does not block or allocate.
 */
struct nic_buf *nic_pool_get(struct nic_pool *pool);

/**
 * Put one buffer back; its next is ignored.
 *
 * Context: the pool's thread.
 */
void nic_pool_put(struct nic_pool *pool, struct nic_buf *buf);

#endif

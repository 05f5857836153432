/**
 * @file
 * The wire driver's own structures.
 *
 * Two kinds of lock: the hub's covers membership, impairments, hooks, random
 * state and link state of its members; a port's covers its pool, its queue
 * and its receive-side counts. Order: hub before port; never two ports.
 */
#ifndef DRV_WIRE_PRIV_H
#define DRV_WIRE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "drv/wire.h"
#include "nic/driver.h"
#include "nic/pool.h"

#define WIRE_LINK_NAME_SIZE 64

struct wire_conf {
    uint64_t clock_ahead_ns; /**< the port's own clock, if the key is there */
    const char *link;
    struct drv_wire_impair impair;
    uint64_t seed;
    uint64_t queue;
    bool offload;
    bool promisc;
};

struct wire_hub {
    pthread_mutex_t lock;
    struct wire_hub *next;
    char name[WIRE_LINK_NAME_SIZE];
    uint32_t count;
    struct wire_port *members[NIC_PORTS_MAX];
};

/** Times of sent frames that a port keeps. */
#define WIRE_STAMPS_MAX 64u

/** A frame under way to its receiver. */
struct wire_due {
    uint64_t due_ns;
    uint64_t order; /**< ties leave in the order in which they were sent */
    struct nic_buf *buf;
};

struct wire_port {
    struct nic_port base;

    /* Under the hub's lock. */
    struct wire_hub *hub;
    struct drv_wire_impair impair;
    uint64_t random;
    uint64_t last_due_ns;
    uint64_t frames;
    drv_wire_hook_fn hook;
    void *hook_context;
    struct drv_wire_counts tx_counts;
    uint8_t *scratch; /**< MTU + NIC_L2_OVERHEAD bytes */
    atomic_bool up;
    bool promisc;

    /* The port's thread's. */
    uint64_t clock_ahead_ns; /**< of the caller's time */
    uint32_t stamps_count;
    struct nic_tx_stamp stamps[WIRE_STAMPS_MAX];

    /* Under the port's own lock. */
    pthread_mutex_t lock;
    struct nic_pool pool;
    struct wire_due *queue; /**< a binary heap, earliest first */
    uint32_t queue_max;
    uint64_t order;
    struct drv_wire_counts rx_counts;
    uint64_t rx_too_long;
    /** Frames in the queue. Edge W1: written under lock, read relaxed as a hint before taking it. */
    atomic_uint queued;
};

/**
 * Join the hub of a name, made if it is the first.
 *
 * @return  0, STK_ENOMEM, or STK_EMFILE: the hub is full.
 */
int drv_wire_hub_join(struct wire_port *port, const char *name);

/** Leave; the last member's hub goes away. Returns when no other thread touches the port any more. */
void drv_wire_hub_leave(struct wire_port *port);

/** Send one frame that nic_frame_ok accepted. Context: under the hub's lock. */
void drv_wire_hub_send(struct wire_port *port, const struct nic_buf *frame, uint64_t now_ns);

/** Take the next frame that is due, or NULL. Context: under the port's lock. */
struct nic_buf *drv_wire_queue_pop(struct wire_port *port, uint64_t now_ns);

/** Read the keys of a port into their defaults. Returns 0 or STK_EINVAL with conf->error filled. */
int drv_wire_conf_parse(const struct nic_port_conf *conf, struct wire_conf *out);

#endif

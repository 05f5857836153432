/**
 * @file
 * The wire driver beyond its configuration keys: what tests and simulations
 * set and count. Ports belong to their threads as nic.h says; the functions
 * here may be called from any thread unless they say otherwise.
 */
#ifndef DRV_WIRE_H
#define DRV_WIRE_H

#include "nic/nic.h"

extern const struct nic_driver drv_wire;

/** What a port does to the frames that it sends. Probabilities in parts of NIC_CONF_PROB_ONE (nic/conf.h). */
struct drv_wire_impair {
    uint64_t loss;
    uint64_t duplicate;
    uint64_t reorder;   /**< held back by reorder_gap_ns, so that later frames pass */
    uint64_t corrupt;   /**< one bit flipped */
    uint64_t delay_ns;  /**< of every frame */
    uint64_t jitter_ns; /**< 0 to this much more, in order */
    uint64_t reorder_gap_ns;
};

/** What happened to the frames that a port sent; tx side but for the last three. */
struct drv_wire_counts {
    uint64_t sent; /**< frames that entered the wire */
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t corrupted;
    uint64_t hook_dropped;
    uint64_t link_down;  /**< dropped because this port's link was down */
    uint64_t delivered;  /**< frames put into this port's receive queue */
    uint64_t queue_full; /**< frames for this port dropped: queue full */
    uint64_t no_buffer;  /**< frames for this port dropped: pool empty */
};

/**
 * Sees and may change each frame that a port sends, before the impairments.
 *
 * @param index  Of the frame since the port was opened, from 0.
 * @param frame  *len bytes, with room for the port's MTU and NIC_L2_OVERHEAD.
 * @param len    May be changed, up to that room.
 * @return       false to drop the frame.
 *
 * Context: the sending port's thread, under the link's lock: calls nothing of nic_ or drv_wire_.
 */
typedef bool (*drv_wire_hook_fn)(void *context, uint64_t index, uint8_t *frame, uint32_t *len);

/** Change a port's impairments. The random sequence goes on where it was. */
void drv_wire_impair_set(struct nic_port *port, const struct drv_wire_impair *impair);

/** Read a port's impairments. */
void drv_wire_impair_get(struct nic_port *port, struct drv_wire_impair *out);

/** Set a port's frame hook; NULL removes it. */
void drv_wire_hook_set(struct nic_port *port, drv_wire_hook_fn hook, void *context);

/** Plug or unplug a port. While unplugged it neither sends nor receives; what is under way to it still arrives. */
void drv_wire_link_set(struct nic_port *port, bool up);

/** Read a port's counters. */
void drv_wire_counts_get(struct nic_port *port, struct drv_wire_counts *out);

#endif

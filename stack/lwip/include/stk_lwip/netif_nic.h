/**
 * @file
 * A port of the NIC layer as the interface of an instance.
 *
 * Owner: the engine. All calls on the instance's thread, which is also the port's; the functions enter the instance
 * themselves. Received buffers are wrapped, not copied: each goes back to its driver when lwIP frees the last part of
 * the packet. Frames to send are gathered and handed to the port in bursts.
 * This header includes nothing of lwIP.
 */
#ifndef STK_LWIP_NETIF_NIC_H
#define STK_LWIP_NETIF_NIC_H

#include "stack/api.h"
#include "stack/config.h"

#include "nic/nic.h"

struct stk_inst;
struct stk_netif;

/** Interface numbers that lwIP can hold; the configuration's index is one of them. */
#define STK_NETIF_INDEX_MAX 127

/**
 * Memory that transmit may refer to instead of copying it: the owner of the FIFOs keeps it alive while a driver holds
 * a reference, which may be longer than until it is acknowledged.
 */
struct stk_netif_mem_ops {
    /** Hold len bytes at data; false: not memory that can be referred to, it is copied. token: the owner's, for drop. */
    bool (*hold)(void *ctx, const void *data, uint32_t len, void **token);
    /** One hold less. */
    void (*drop)(void *ctx, const void *data, uint32_t len, void *token);
};

/** Counters of an interface. One writer: the instance's thread. */
struct stk_netif_stats {
    uint64_t rx_frames;
    uint64_t rx_bytes;
    uint64_t rx_bad_checksum; /**< the port said so: dropped */
    uint64_t rx_bad_frame;    /**< torn or oversized: dropped */
    uint64_t rx_other_vlan;   /**< untagged frame on a tagged port: dropped */
    uint64_t rx_refused;      /**< lwIP did not take it: dropped */
    uint64_t tx_frames;
    uint64_t tx_bytes;
    uint64_t tx_referenced; /**< segments sent by reference */
    uint64_t tx_copied_bytes;
    uint64_t tx_dropped_no_buf; /**< no buffer in the port's pool */
    uint64_t tx_dropped_full;   /**< the port's queue stayed full */
    uint64_t tx_dropped_size;   /**< larger than a buffer of the port */
};

/**
 * Make a port an interface of an instance: addresses, routes and neighbours of the configuration, link state of the
 * port, gratuitous ARP (or DHCP) if the link is up.
 *
 * @param port     Stays the caller's; closed after stk_netif_destroy.
 * @param conf     Borrowed for the call.
 * @param mem_ops  NULL: always copy. Borrowed until destroy.
 * @param out      The interface, ended with stk_netif_destroy.
 * @return         0, or:
 * @retval STK_EINVAL  index beyond STK_NETIF_INDEX_MAX, MTU larger than the port's, too many IPv6 addresses, route
 *                     or neighbour of an unknown family.
 * @retval STK_ENOMEM  no memory, or a table is full.
 *
 * Configured IPv6 addresses are used at once (RFC 4429), without the wait for duplicate address detection.
 */
int stk_netif_create(struct stk_inst *inst, struct nic_port *port, const struct stk_conf_port *conf,
                     const struct stk_netif_mem_ops *mem_ops, void *mem_ctx, struct stk_netif **out);

struct stk_ep_stats;

/**
 * Where the port records in a format that takes notes, each received frame's record says from now on which counters of
 * drops it moved: the interface's, the instance's, and the endpoints'. Other ports are left as they are.
 *
 * @param eps  The counters of the endpoints, which outlive the interface's last burst; may be NULL.
 * @return     false: no memory.
 */
bool stk_netif_notes_start(struct stk_netif *nif, const struct stk_ep_stats *eps);

/** Take the interface down and free it: frames not yet sent are given back. NULL is fine. */
void stk_netif_destroy(struct stk_netif *nif);

/** The instance and the port. */
struct stk_inst *stk_netif_inst(const struct stk_netif *nif);
struct nic_port *stk_netif_port(const struct stk_netif *nif);

/** Give one received frame to the stack; it is owned from here on. */
void stk_netif_input(struct stk_netif *nif, struct nic_buf *buf);

/** Receive up to one burst. Returns the frames taken from the port. */
uint32_t stk_netif_rx_burst(struct stk_netif *nif, uint64_t now_ns);

/** Hand over what was gathered; at the end of each turn of the loop. What the port does not take stays gathered. */
void stk_netif_tx_flush(struct stk_netif *nif, uint64_t now_ns);

/** Frames gathered and not yet taken by the port. */
uint32_t stk_netif_tx_pending(const struct stk_netif *nif);

/** The link went up or down. */
void stk_netif_link_set(struct stk_netif *nif, bool up);

/** The counters, owned by the interface. */
const struct stk_netif_stats *stk_netif_stats_get(const struct stk_netif *nif);

/** As programs see it: name, index, addresses of now. */
void stk_netif_info_read(struct stk_netif *nif, struct stk_if_info *out);

#endif

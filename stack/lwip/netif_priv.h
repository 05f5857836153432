/**
 * @file
 * The insides of an interface; for netif_*.c.
 */
#ifndef STK_LWIP_NETIF_PRIV_H
#define STK_LWIP_NETIF_PRIV_H

#include "instance_priv.h"
#include "stk_lwip/netif_nic.h"

#include "lwip/netif.h"

#define STK_NETIF_HOLDS 4096u

/** A piece of memory that a driver refers to. */
struct stk_netif_hold {
    struct stk_netif *nif;
    const void *data;
    uint32_t len;
    void *token; /**< the owner's */
    struct stk_netif_hold *next;
};

/** lwIP keeps one IPv4 address per interface: netifs[0] is the port, the others its further IPv4 addresses. */
struct stk_netif {
    struct stk_inst *inst;
    struct nic_port *port;
    const struct stk_netif_mem_ops *mem_ops;
    void *mem_ctx;
    uint32_t caps;
    uint32_t if_index;
    uint32_t vlan_id; /**< 0: untagged */
    uint32_t mtu;
    /** Shown every frame that comes in (out: false) or leaves, p at its Ethernet header; NULL: nobody looks. */
    void (*tap)(struct stk_netif *nif, struct pbuf *p, bool out);
    void *tap_ctx;
    /** Shown every frame first; true: it was taken. NULL: nobody looks. */
    bool (*fast)(struct stk_netif *nif, struct nic_buf *buf);
    void *fast_ctx;
    uint32_t netifs_count;
    uint32_t tx_count;
    struct nic_buf *tx[NIC_BURST_MAX];
    struct stk_netif_moment *noted; /**< the port records with notes: counters before and behind a frame; else NULL */
    const struct stk_ep_stats *noted_eps; /**< the endpoints' counters; may be NULL */
    uint64_t now_ns;                      /**< of the last flush, for a flush within output */
    struct stk_netif_stats stats;
    struct stk_netif_hold *holds_free;
    struct stk_netif_hold *holds;
    char name[32];
    uint8_t mac[6];
    uint8_t ip6_bits[LWIP_IPV6_NUM_ADDRESSES]; /**< prefix length of each IPv6 address of netifs[0] */
    uint32_t neighs_count;
    struct stk_conf_neigh neighs[STK_CONF_NEIGHS_MAX];
    struct netif netifs[STK_CONF_ADDRS_MAX];
};

/** lwIP's linkoutput of every netif of a port. */
err_t stk_netif_output(struct netif *netif, struct pbuf *p);

/** lwIP's IPv4 output of every netif of a port: to the next hop, from the netif in whose network that is. */
err_t stk_netif_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *dest);

/** lwIP's IPv6 output of a port: by the route table where lwIP would take a whole /64 for the link. */
err_t stk_netif_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *dest);

/* netif_note.c */

/** Take a burst, and tell the port why frames of it were dropped. Only where nif->noted is there. */
void stk_netif_burst_noted(struct stk_netif *nif, struct nic_buf **bufs, uint32_t count);

/** A frame could not be handed over, as this counter says: it is recorded so, if the port takes notes. */
void stk_netif_lost_note(struct stk_netif *nif, const struct pbuf *p, const char *counter);

/** Free what stk_netif_notes_start took. */
void stk_netif_notes_free(struct stk_netif *nif);

/**
 * When the port received the frame whose bytes p begins with.
 *
 * @return  false: p is a copy, or the port does not say.
 *
 * Context: within lwIP's delivery.
 */
bool stk_netif_rx_stamp(const struct pbuf *p, uint64_t *stamp_ns);

/** The index that programs know an lwIP interface by; loopback is 1. */
uint32_t stk_netif_index_of(const struct netif *netif);

#endif

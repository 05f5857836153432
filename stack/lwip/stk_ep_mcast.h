/**
 * @file
 * Memberships of sockets, for stk_ep_mcast*.c: one per socket, group and interface, with the sources that it includes or
 * excludes (RFC 3678). Owner: the endpoint; members and sources come from pools of the table.
 */
#ifndef STK_LWIP_EP_MCAST_H
#define STK_LWIP_EP_MCAST_H

#include "lwip/mcast.h"
#include "lwip/stk_ep_priv.h"

/** A source of a membership. */
struct stk_ep_source {
    uint32_t next;
    uint8_t ip[16];
};

/** Where an operation takes place: the instance is entered. */
struct stk_ep_mcast_at {
    struct stk_ep *ep;
    struct netif *netif;
    const struct stk_mcast_wire *wire;
    struct stk_addr group; /**< without port and scope */
    uint32_t if_index;
};

/** The link to the membership of a group on an interface; *link is STK_EP_NONE if there is none. */
uint32_t *stk_ep_member_find(struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index);

/** Take a membership and put it to the front of the socket's; STK_EP_NONE: the pool is empty. */
uint32_t stk_ep_member_take(const struct stk_ep_mcast_at *at, uint8_t mode);

/** Give a membership back, with its sources. The interface's group is settled before. */
void stk_ep_member_give(struct stk_ep_table *table, uint32_t *link);

/** The link to a source of a membership; *link is STK_EP_NONE if it has none such. */
uint32_t *stk_ep_source_find(struct stk_ep_table *table, struct stk_ep_member *member, const uint8_t ip[16]);

/** Add a source; false: the pool is empty, or the membership has STK_MCAST_SOURCES_MAX. */
bool stk_ep_source_take(struct stk_ep_table *table, struct stk_ep_member *member, const uint8_t ip[16]);

/** Remove a source. */
void stk_ep_source_give(struct stk_ep_table *table, struct stk_ep_member *member, uint32_t *link);

/** Take the membership out of the interface's group, and settle that. */
void stk_ep_member_detach(const struct stk_ep_table *table, const struct stk_ep_member *member, struct netif *netif);

#endif

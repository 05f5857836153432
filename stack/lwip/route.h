/**
 * @file
 * The static routes of an instance, both families: longest prefix first. No default route unless configured.
 *
 * A table belongs to its instance and its thread. Next hops are looked up per packet of a destination that is not on
 * link; the table is short (configuration), so it is a sorted list.
 */
#ifndef STK_LWIP_ROUTE_H
#define STK_LWIP_ROUTE_H

#include "stack/config.h"

#include "lwip/ip_addr.h"

#define STK_ROUTES_MAX 256

struct netif;

struct stk_route {
    ip_addr_t prefix;
    ip_addr_t via; /**< any: on link */
    struct netif *netif;
    uint8_t prefix_len;
};

struct stk_route_table {
    struct stk_route entries[STK_ROUTES_MAX]; /**< by prefix length, longest first */
    uint32_t count;
};

/**
 * Add a route.
 *
 * @param netif  Interface (any one of those that share its port).
 * @param via    Next hop, or NULL: on link.
 * @return       0, STK_ENOMEM (table full) or STK_EINVAL (prefix length, families).
 */
int stk_route_add(struct stk_route_table *table, const ip_addr_t *prefix, uint32_t prefix_len, const ip_addr_t *via,
                  struct netif *netif);

/** Take away the routes of an interface. */
void stk_route_remove_netif(struct stk_route_table *table, const struct netif *netif);

/**
 * Best usable route: its interface is up and, if netif is given, shares that one's port.
 *
 * @return  The route, or NULL.
 */
const struct stk_route *stk_route_find(const struct stk_route_table *table, const ip_addr_t *dest,
                                       const struct netif *netif);

/** Address of the configuration's form as lwIP's. False: family unknown. */
bool stk_ip_from_bytes(uint16_t family, const uint8_t ip[16], ip_addr_t *out);

/** lwIP's address as the stack's, port 0, scope from the zone. */
void stk_addr_from_ip(const ip_addr_t *ip, uint16_t port, struct stk_addr *out);

/** The stack's address as lwIP's; link-local IPv6 with the zone of scope_id. False: family unknown, or no such zone. */
bool stk_addr_to_ip(const struct stk_addr *addr, ip_addr_t *out);

#endif

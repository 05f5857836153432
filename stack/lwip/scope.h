/**
 * @file
 * Link-local destinations that come without a scope: which interface they are tried on (RFC 4007 6, rules DS-11, DS-12).
 *
 * One interface at a time: where neighbour discovery fails the next packet goes to the next interface, the first that
 * answers stays. When all have failed the most preferred one is kept, and all are tried again after a minute.
 * Owned by an instance and its thread.
 */
#ifndef STK_LWIP_SCOPE_H
#define STK_LWIP_SCOPE_H

#include "lwip/ip_addr.h"
#include "lwip/netif.h"

#include <stdbool.h>
#include <stdint.h>

#define STK_SCOPE_SLOTS 32u

struct stk_scope_entry {
    uint32_t ip[4]; /**< destination without zone; all 0: unused */
    uint64_t used_ns;
    uint64_t failed_ns; /**< when the last interface failed */
    uint32_t failed[8]; /**< bit: number of lwIP's interface */
    bool all_failed;
};

struct stk_scope_table {
    struct stk_scope_entry entries[STK_SCOPE_SLOTS];
};

/**
 * Choose the interface of a link-local destination of the entered instance.
 *
 * @param dest    Link-local, without a zone.
 * @param source  The bound address; any: none.
 * @param now_ns  Time.
 * @return        The interface; NULL: none has IPv6.
 */
struct netif *stk_scope_choose(struct stk_scope_table *table, const ip6_addr_t *dest, const ip_addr_t *source,
                               uint64_t now_ns);

/** Nobody answered for dest on an interface. */
void stk_scope_failed(struct stk_scope_table *table, const uint8_t dest[16], const struct netif *netif,
                      uint64_t now_ns);

#endif

/**
 * @file
 * Path MTUs of IPv4 (RFC 1191): learned from ICMP, forgotten after ten minutes.
 *
 * Owned by an instance and its thread. IPv6 keeps its own in lwIP's destination cache.
 */
#ifndef STK_LWIP_PMTU_H
#define STK_LWIP_PMTU_H

#include <stdint.h>

#define STK_PMTU4_SLOTS 64u
#define STK_PMTU4_MIN 552u /**< smaller ones are not believed: a forger would have packets cut to pieces */

struct stk_pmtu4_entry {
    uint32_t ip_be; /**< destination; 0: unused */
    uint32_t mtu;   /**< bytes */
    uint64_t expires_ns;
};

struct stk_pmtu4 {
    struct stk_pmtu4_entry entries[STK_PMTU4_SLOTS]; /**< by hash; a newer one takes the place */
};

/**
 * Remember what a router said.
 *
 * @param mtu  Of the next hop, bytes; 0 (RFC 1191 3: an old router) counts as the least.
 */
void stk_pmtu4_learn(struct stk_pmtu4 *table, uint32_t ip_be, uint32_t mtu, uint64_t now_ns);

/** The MTU of the path to a destination: interface_mtu or less. */
uint32_t stk_pmtu4_get(const struct stk_pmtu4 *table, uint32_t ip_be, uint32_t interface_mtu, uint64_t now_ns);

#endif

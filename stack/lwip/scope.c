#include "lwip/scope.h"

#include "stack/clock.h"

#include "lwip/priv/instance.h"
#include "lwip/priv/nd6_priv.h"

#include <string.h>

#define RETRY_NS (UINT64_C(60) * STK_S_NS) /* DS-12 */

static bool candidate(const struct netif *netif)
{
    return netif->state != NULL && netif_is_up(netif) && netif_is_link_up(netif) &&
           ip6_addr_isvalid(netif_ip6_addr_state(netif, 0)) && ip6_addr_islinklocal(netif_ip6_addr(netif, 0));
}

/* In the order of their numbers, which is that of preference; those that failed left out unless wanted. */
static struct netif *next_of(const struct stk_scope_entry *entry, bool failed_too)
{
    struct netif *netif;
    struct netif *best = NULL;
    NETIF_FOREACH(netif) {
        const bool failed = (entry->failed[netif->num / 32] & (UINT32_C(1) << netif->num % 32)) != 0;
        if (candidate(netif) && (failed_too || !failed) && (best == NULL || netif->num < best->num)) {
            best = netif;
        }
    }
    return best;
}

/* Has neighbour discovery found it on an interface? */
static struct netif *resolved(const ip6_addr_t *dest)
{
    for (uint32_t i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
        const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];
        if (entry->state > ND6_INCOMPLETE && entry->netif != NULL &&
            ip6_addr_zoneless_eq(&entry->next_hop_address, dest)) {
            return entry->netif;
        }
    }
    return NULL;
}

/* DS-11: the interface of the bound address. */
static struct netif *of_source(const ip_addr_t *source)
{
    struct netif *netif;
    if (!IP_IS_V6(source) || ip_addr_isany(source)) {
        return NULL;
    }
    NETIF_FOREACH(netif) {
        if (candidate(netif) && netif_get_ip6_addr_match(netif, ip_2_ip6(source)) >= 0) {
            return netif;
        }
    }
    return NULL;
}

static struct stk_scope_entry *entry_of(struct stk_scope_table *table, const uint32_t ip[4], bool make)
{
    struct stk_scope_entry *oldest = &table->entries[0];
    for (uint32_t i = 0; i < STK_SCOPE_SLOTS; i++) {
        struct stk_scope_entry *entry = &table->entries[i];
        if (memcmp(entry->ip, ip, sizeof(entry->ip)) == 0) {
            return entry;
        }
        oldest = entry->used_ns < oldest->used_ns ? entry : oldest;
    }
    if (!make) {
        return NULL;
    }
    memset(oldest, 0, sizeof(*oldest));
    memcpy(oldest->ip, ip, sizeof(oldest->ip));
    return oldest;
}

static struct netif *tried(struct stk_scope_entry *entry, uint64_t now_ns)
{
    struct netif *netif = next_of(entry, false);
    if (netif == NULL && entry->all_failed && now_ns - entry->failed_ns >= RETRY_NS) {
        memset(entry->failed, 0, sizeof(entry->failed));
        entry->all_failed = false;
        netif = next_of(entry, false);
    }
    if (netif == NULL) {
        entry->all_failed = true;
        netif = next_of(entry, true);
    }
    return netif;
}

struct netif *stk_scope_choose(struct stk_scope_table *table, const ip6_addr_t *dest, const ip_addr_t *source,
                               uint64_t now_ns)
{
    /* A packet from an address of one link cannot leave by another (RFC 4007 9), so that DS-13 is not followed. */
    struct netif *netif = of_source(source);
    if (netif == NULL) {
        netif = resolved(dest);
    }
    if (netif != NULL) {
        return netif;
    }
    struct stk_scope_entry *entry = entry_of(table, dest->addr, true);
    entry->used_ns = now_ns;
    netif = tried(entry, now_ns);
    return netif;
}

void stk_scope_failed(struct stk_scope_table *table, const uint8_t dest[16], const struct netif *netif, uint64_t now_ns)
{
    uint32_t ip[4];
    memcpy(ip, dest, sizeof(ip));
    struct stk_scope_entry *entry = entry_of(table, ip, false);
    if (entry != NULL) {
        entry->failed[netif->num / 32] |= UINT32_C(1) << netif->num % 32;
        entry->failed_ns = now_ns;
    }
}

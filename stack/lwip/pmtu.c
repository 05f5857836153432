#include "lwip/pmtu.h"

#include "stack/clock.h"

#define LIFETIME_NS (UINT64_C(600) * STK_S_NS) /* RFC 1191 6.3 */

static uint32_t slot_of(uint32_t ip_be)
{
    return (ip_be * UINT32_C(0x9e3779b1)) >> 26;
}

_Static_assert(STK_PMTU4_SLOTS == 1u << (32 - 26), "the hash's bits");

void stk_pmtu4_learn(struct stk_pmtu4 *table, uint32_t ip_be, uint32_t mtu, uint64_t now_ns)
{
    struct stk_pmtu4_entry *entry = &table->entries[slot_of(ip_be)];
    mtu = mtu < STK_PMTU4_MIN ? STK_PMTU4_MIN : mtu;
    if (entry->ip_be == ip_be && entry->expires_ns > now_ns && entry->mtu <= mtu) {
        return;
    }
    *entry = (struct stk_pmtu4_entry){.ip_be = ip_be, .mtu = mtu, .expires_ns = now_ns + LIFETIME_NS};
}

uint32_t stk_pmtu4_get(const struct stk_pmtu4 *table, uint32_t ip_be, uint32_t interface_mtu, uint64_t now_ns)
{
    const struct stk_pmtu4_entry *entry = &table->entries[slot_of(ip_be)];
    if (entry->ip_be != ip_be || entry->expires_ns <= now_ns || entry->mtu > interface_mtu) {
        return interface_mtu;
    }
    return entry->mtu;
}

#include "lwip/stk_ep_priv.h"

#include "lwip/route.h"

#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool addr_mapped(const struct stk_addr *addr)
{
    return addr->family == STK_AF_INET6 && memcmp(addr->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool stk_ep_addr_unmap(struct stk_addr *addr)
{
    if (!addr_mapped(addr)) {
        return false;
    }
    memmove(addr->ip, addr->ip + sizeof(mapped_prefix), 4);
    memset(addr->ip + 4, 0, sizeof(addr->ip) - 4);
    addr->family = STK_AF_INET;
    addr->scope_id = 0;
    return true;
}

bool stk_ep_addr_bcast(const struct stk_ep_table *table, const struct stk_addr *addr)
{
    ip_addr_t ip;
    bool found = false;
    if (addr->family != STK_AF_INET || !stk_addr_to_ip(addr, &ip)) {
        return false;
    }
    for (uint32_t i = 0; i < table->insts_count && !found; i++) {
        struct stk_inst_scope scope = stk_inst_enter(table->insts[i]);
        struct netif *netif;
        NETIF_FOREACH(netif) {
            found = found || (!ip_addr_isany(&ip) && !ip4_addr_isloopback(ip_2_ip4(&ip)) &&
                              ip4_addr_isbroadcast(ip_2_ip4(&ip), netif));
        }
        stk_inst_leave(scope);
    }
    return found;
}

bool stk_ep_addr_any(const struct stk_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, addr->family == STK_AF_INET6 ? 16 : 4) == 0;
}

bool stk_ep_addr_mcast(const struct stk_addr *addr)
{
    return addr->family == STK_AF_INET6 ? addr->ip[0] == 0xff : (addr->ip[0] & 0xf0) == 0xe0;
}

bool stk_ep_addr_many(const struct stk_ep_table *table, const struct stk_addr *addr)
{
    struct stk_addr plain = *addr;
    (void)stk_ep_addr_unmap(&plain);
    return stk_ep_addr_mcast(&plain) || stk_ep_addr_bcast(table, &plain);
}

void stk_ep_addr_scope_drop(struct stk_addr *addr)
{
    const uint8_t *ip = addr->ip;
    const bool scoped = ip[0] == 0xff ? (ip[1] & 0x0f) <= 2 : ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
    if (addr->family == STK_AF_INET6 && !scoped) {
        addr->scope_id = 0;
    }
}

bool stk_ep_addr_equal_ip(const struct stk_addr *left, const struct stk_addr *right)
{
    return left->family == right->family && left->scope_id == right->scope_id &&
           memcmp(left->ip, right->ip, left->family == STK_AF_INET6 ? 16 : 4) == 0;
}

int stk_ep_ip_from(const struct stk_ep *ep, const struct stk_addr *addr, ip_addr_t *out)
{
    if (addr_mapped(addr)) {
        if (ep->opts.v6only) {
            return STK_EADDRNOTAVAIL;
        }
        uint8_t v4[16] = {0};
        memcpy(v4, addr->ip + sizeof(mapped_prefix), 4);
        return stk_ip_from_bytes(STK_AF_INET, v4, out) ? STK_OK : STK_EAFNOSUPPORT;
    }
    return stk_addr_to_ip(addr, out) ? STK_OK : STK_EAFNOSUPPORT;
}

void stk_ep_ip_to(const struct stk_ep *ep, const ip_addr_t *ip, uint16_t port, struct stk_addr *out)
{
    stk_addr_from_ip(ip, port, out);
    if (ep->family == STK_AF_INET6 && out->family == STK_AF_INET) {
        uint8_t v4[4];
        memcpy(v4, out->ip, sizeof(v4));
        out->family = STK_AF_INET6;
        if (ip_addr_isany(ip)) {
            memset(out->ip, 0, sizeof(out->ip));
            return;
        }
        memcpy(out->ip, mapped_prefix, sizeof(mapped_prefix));
        memcpy(out->ip + sizeof(mapped_prefix), v4, sizeof(v4));
    }
}

int stk_ep_err_from(err_t err)
{
    switch (err) {
    case ERR_OK:
        return STK_OK;
    case ERR_MEM:
    case ERR_BUF:
        return STK_ENOMEM;
    case ERR_RTE:
        return STK_ENETUNREACH;
    case ERR_USE:
        return STK_EADDRINUSE;
    case ERR_ALREADY:
        return STK_EALREADY;
    case ERR_ISCONN:
        return STK_EISCONN;
    case ERR_CONN:
    case ERR_CLSD:
        return STK_ENOTCONN;
    case ERR_RST:
        return STK_ECONNRESET;
    case ERR_ABRT:
        return STK_ECONNABORTED;
    case ERR_TIMEOUT:
        return STK_ETIMEDOUT;
    default:
        return STK_EINVAL;
    }
}

/* Is it an address of the entered instance? */
static bool ip_is_own(const ip_addr_t *ip)
{
    struct netif *netif;
    if (IP_IS_V4(ip) && ip_addr_isloopback(ip)) {
        return true;
    }
    NETIF_FOREACH(netif) {
        if (IP_IS_V6(ip)) {
            if (ip6_addr_has_zone(ip_2_ip6(ip)) && !ip6_addr_test_zone(ip_2_ip6(ip), netif)) {
                continue;
            }
            if (netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0) {
                return true;
            }
        } else if (ip4_addr_eq(netif_ip4_addr(netif), ip_2_ip4(ip))) {
            return true;
        }
    }
    return false;
}

int stk_ep_inst_of_local(struct stk_ep_table *table, const struct stk_ep *ep, const struct stk_addr *local)
{
    ip_addr_t ip;
    if (stk_ep_addr_any(local)) {
        return 0;
    }
    if (stk_ep_ip_from(ep, local, &ip) != STK_OK) {
        return -1;
    }
    for (uint32_t i = 0; i < table->insts_count; i++) {
        struct stk_inst_scope scope = stk_inst_enter(table->insts[i]);
        const bool own = ip_is_own(&ip);
        stk_inst_leave(scope);
        if (own) {
            return (int)i;
        }
    }
    return -1;
}

int stk_ep_inst_of_remote(struct stk_ep_table *table, const struct stk_ep *ep, const struct stk_addr *remote)
{
    ip_addr_t given;
    if (stk_ep_ip_from(ep, remote, &given) != STK_OK) {
        return -1;
    }
    const uint32_t via = stk_ep_ip_opts_for(ep, IP_IS_V4(&given)).unicast_if;
    int routed = -1;
    for (uint32_t i = 0; i < table->insts_count; i++) {
        struct stk_inst_scope scope = stk_inst_enter(table->insts[i]);
        ip_addr_t ip = given;
        stk_ep_ip_scope_settle(ep, &ip);
        const bool own = ip_is_own(&ip);
        ip_addr_t any;
        ip_addr_set_any(IP_IS_V6(&ip), &any);
        const bool route = own || stk_ep_ip_netif(ep, &any, &ip) != NULL;
        const bool chosen = !own && via != 0 && !ip_addr_ismulticast(&ip) && stk_ep_ip_port(via, NULL) != NULL;
        stk_inst_leave(scope);
        if (own || chosen) {
            return (int)i;
        }
        if (route && routed < 0) {
            routed = (int)i;
        }
    }
    return routed;
}

uint32_t stk_ep_inst_here(const struct stk_ep_table *table)
{
    const struct stk_inst *inst = stk_inst_current();
    uint32_t index = 0;
    while (index + 1 < table->insts_count && table->insts[index] != inst) {
        index++;
    }
    return index;
}

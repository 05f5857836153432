#include "lwip/route.h"

#include "stack/err.h"

#include "lwip/netif.h"

#include <string.h>

static const uint8_t *route_bytes(const ip_addr_t *ip)
{
    if (IP_IS_V6(ip))
        return (const uint8_t *)ip_2_ip6(ip)->addr;
    return (const uint8_t *)&ip_2_ip4(ip)->addr;
}

static bool route_matches(const struct stk_route *route, const ip_addr_t *dest)
{
    if (IP_GET_TYPE(dest) != IP_GET_TYPE(&route->prefix))
        return false;
    const uint8_t *a = route_bytes(dest);
    const uint8_t *b = route_bytes(&route->prefix);
    uint32_t whole = route->prefix_len / 8u;
    uint32_t rest = route->prefix_len % 8u;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8u - rest)) == 0;
}

int stk_route_add(struct stk_route_table *table, const ip_addr_t *prefix, uint32_t prefix_len, const ip_addr_t *via,
                  struct netif *netif)
{
    uint32_t bits = IP_IS_V6(prefix) ? 128 : 32;
    if (prefix_len > bits || netif == NULL || (via != NULL && IP_GET_TYPE(via) != IP_GET_TYPE(prefix)))
        return STK_EINVAL;
    if (table->count == STK_ROUTES_MAX)
        return STK_ENOMEM;
    uint32_t at = 0;
    while (at < table->count && table->entries[at].prefix_len >= prefix_len)
        at++;
    memmove(&table->entries[at + 1], &table->entries[at], (table->count - at) * sizeof(table->entries[0]));
    struct stk_route *route = &table->entries[at];
    memset(route, 0, sizeof(*route));
    ip_addr_copy(route->prefix, *prefix);
    if (via != NULL)
        ip_addr_copy(route->via, *via);
    else
        IP_SET_TYPE_VAL(route->via, IP_GET_TYPE(prefix));
    route->prefix_len = (uint8_t)prefix_len;
    route->netif = netif;
    table->count++;
    return STK_OK;
}

void stk_route_remove_netif(struct stk_route_table *table, const struct netif *netif)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].netif != netif)
            table->entries[kept++] = table->entries[i];
    }
    table->count = kept;
}

static bool route_shares_port(const struct netif *a, const struct netif *b)
{
    return a == b || (a->state != NULL && a->state == b->state);
}

const struct stk_route *stk_route_find(const struct stk_route_table *table, const ip_addr_t *dest,
                                       const struct netif *netif)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct stk_route *route = &table->entries[i];
        if (!netif_is_up(route->netif) || !netif_is_link_up(route->netif))
            continue;
        if (netif != NULL && !route_shares_port(route->netif, netif))
            continue;
        if (route_matches(route, dest))
            return route;
    }
    return NULL;
}

bool stk_ip_from_bytes(uint16_t family, const uint8_t ip[16], ip_addr_t *out)
{
    memset(out, 0, sizeof(*out));
    if (family == STK_AF_INET) {
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V4);
        memcpy(&ip_2_ip4(out)->addr, ip, 4);
        return true;
    }
    if (family == STK_AF_INET6) {
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
        memcpy(ip_2_ip6(out)->addr, ip, 16);
        return true;
    }
    return false;
}

void stk_addr_from_ip(const ip_addr_t *ip, uint16_t port, struct stk_addr *out)
{
    memset(out, 0, sizeof(*out));
    out->port = port;
    if (IP_IS_V6(ip)) {
        out->family = STK_AF_INET6;
        memcpy(out->ip, ip_2_ip6(ip)->addr, 16);
        out->scope_id = ip6_addr_zone(ip_2_ip6(ip));
    } else {
        out->family = STK_AF_INET;
        memcpy(out->ip, &ip_2_ip4(ip)->addr, 4);
    }
}

bool stk_addr_to_ip(const struct stk_addr *addr, ip_addr_t *out)
{
    if (!stk_ip_from_bytes(addr->family, addr->ip, out))
        return false;
    if (!IP_IS_V6(out) || !ip6_addr_has_scope(ip_2_ip6(out), IP6_UNKNOWN))
        return true;
    ip6_addr_set_zone(ip_2_ip6(out), (u8_t)addr->scope_id);
    return addr->scope_id <= UINT8_MAX;
}

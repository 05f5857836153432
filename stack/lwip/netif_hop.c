/*
 * The way of a packet off a port: its next hop, and the interface of the port whose network that is in. lwIP gives an
 * interface one IPv4 address, and looks for a gateway only outside of its network, which in IPv6 is always a /64; a port has
 * several networks, of any length, and a route may be more specific than they are.
 */
#include "netif_priv.h"

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"

/* The port's interface with the longest prefix that holds dest, netif itself among equals; NULL: none. */
static struct netif *network_of(struct stk_netif *nif, struct netif *netif, const ip4_addr_t *dest, uint32_t *bits)
{
    struct netif *best = NULL;
    for (uint32_t i = 0; i < nif->netifs_count; i++) {
        struct netif *each = &nif->netifs[i];
        if (ip4_addr_isany_val(*netif_ip4_addr(each)) ||
            !ip4_addr_net_eq(dest, netif_ip4_addr(each), netif_ip4_netmask(each)))
            continue;
        uint32_t len = (uint32_t)__builtin_popcount(ip4_addr_get_u32(netif_ip4_netmask(each)));
        if (best == NULL || len > *bits || (len == *bits && each == netif)) {
            best = each;
            *bits = len;
        }
    }
    return best;
}

/* lwIP leaves DF out, a program's own header may have it; the header is a copy, and its sum follows by RFC 1624. */
static void header_dont_fragment(const struct netif *netif, struct pbuf *p)
{
    struct ip_hdr *header = p->payload;
    if ((IPH_OFFSET(header) & lwip_htons(IP_DF)) != 0) {
        return;
    }
    IPH_OFFSET_SET(header, (u16_t)(IPH_OFFSET(header) | lwip_htons(IP_DF)));
    IF__NETIF_CHECKSUM_ENABLED(netif, NETIF_CHECKSUM_GEN_IP)
    {
        const uint32_t sum = (uint32_t)(uint16_t)~IPH_CHKSUM(header) + lwip_htons(IP_DF);
        IPH_CHKSUM_SET(header, (u16_t) ~((sum & 0xffff) + (sum >> 16)));
    }
}

err_t stk_netif_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *dest)
{
    struct stk_netif *nif = netif->state;
    if (nif->inst->dont_fragment || (p->flags & PBUF_FLAG_WHOLE) != 0)
        header_dont_fragment(netif, p);
    if (ip4_addr_ismulticast(dest) && IPH_TTL((const struct ip_hdr *)p->payload) == 0)
        return ERR_OK; /* RFC 1112 6.1: stays on the host; whoever listens here has it already */
    if (ip4_addr_ismulticast(dest) || ip4_addr_get_u32(dest) == IPADDR_BROADCAST)
        return etharp_output(netif, p, dest);
    uint32_t bits = 0;
    struct netif *at = network_of(nif, netif, dest, &bits);
    ip_addr_t wanted;
    ip_addr_copy_from_ip4(wanted, *dest);
    const struct stk_route *route = stk_route_find(&nif->inst->routes, &wanted, netif);
    if (route == NULL || (at != NULL && route->prefix_len <= bits))
        return etharp_output(at != NULL ? at : netif, p, dest);
    const ip4_addr_t next = ip_addr_isany(&route->via) ? *dest : *ip_2_ip4(&route->via);
    at = network_of(nif, netif, &next, &bits);
    return etharp_output(at != NULL ? at : netif, p, &next);
}

static bool same_64(const struct netif *netif, const ip6_addr_t *dest)
{
    for (uint32_t i = 1; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) && ip6_addr_net_eq(dest, netif_ip6_addr(netif, i)))
            return true;
    }
    return false;
}

err_t stk_netif_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *dest)
{
    const struct stk_netif *nif = netif->state;
    if (ip6_addr_ismulticast(dest) && IP6H_HOPLIM((const struct ip6_hdr *)p->payload) == 0)
        return ERR_OK;
    if (ip6_addr_ismulticast(dest) || ip6_addr_islinklocal(dest) || !same_64(netif, dest))
        return ethip6_output(netif, p, dest);
    ip_addr_t wanted;
    ip_addr_copy_from_ip6(wanted, *dest);
    const struct stk_route *route = stk_route_find(&nif->inst->routes, &wanted, netif);
    const bool direct = route == NULL || ip_addr_isany(&route->via);
    return ethip6_output(netif, p, direct ? dest : ip_2_ip6(&route->via));
}

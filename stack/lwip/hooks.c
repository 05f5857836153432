#include "instance_priv.h"

#include "stack/clock.h"

#include "stk_lwip_hooks.h"

#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"

#include <string.h>

/* What ISN and port choice hash: fixed layout, no padding. */
struct tuple_bytes {
    uint8_t local_ip[16];
    uint8_t remote_ip[16];
    uint16_t local_port;
    uint16_t remote_port;
};

static void tuple_ip_put(uint8_t out[16], const ip_addr_t *ip)
{
    memset(out, 0, 16);
    if (IP_IS_V6(ip))
        memcpy(out, ip_2_ip6(ip)->addr, 16);
    else
        memcpy(out, &ip_2_ip4(ip)->addr, 4);
}

/* RFC 6528 3: ISN = M + F(local address, local port, remote address, remote port, secret key); M ticks every 4 us. */
u32_t stk_hook_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port)
{
    const struct stk_inst *inst = stk_inst_selected();
    struct tuple_bytes tuple;
    tuple_ip_put(tuple.local_ip, local_ip);
    tuple_ip_put(tuple.remote_ip, remote_ip);
    tuple.local_port = local_port;
    tuple.remote_port = remote_port;
    uint64_t hash = stk_siphash(inst->isn_key, &tuple, sizeof(tuple));
    const uint32_t isn = (u32_t)hash + (u32_t)(inst->ops->now_ns(inst->ctx) / 4000);
    return inst->replaced.valid ? stk_time_wait_isn(isn, local_port, remote_ip, remote_port) : isn;
}

static bool netif_usable(const struct netif *netif)
{
    return netif_is_up(netif) && netif_is_link_up(netif);
}

/* The interface of a port that owns the source address; several interfaces may share one port. */
static struct netif *netif_for_source(struct netif *netif, const ip4_addr_t *src)
{
    struct netif *other;
    if (src == NULL || ip4_addr_isany(src) || netif->state == NULL)
        return netif;
    NETIF_FOREACH(other) {
        if (other->state == netif->state && ip4_addr_eq(src, netif_ip4_addr(other)))
            return other;
    }
    return netif;
}

static uint32_t mask_bits(const ip4_addr_t *mask)
{
    return (uint32_t)__builtin_popcount(ip4_addr_get_u32(mask));
}

/* Multicast and limited broadcast without a route leave by the source's interface, else by the first port. */
static struct netif *route_group(const ip4_addr_t *src)
{
    struct netif *netif;
    struct netif *first = NULL;
    NETIF_FOREACH(netif) {
        if (!netif_usable(netif) || netif->state == NULL)
            continue;
        if (src != NULL && !ip4_addr_isany(src) && ip4_addr_eq(src, netif_ip4_addr(netif)))
            return netif;
        if (first == NULL || netif->num < first->num)
            first = netif;
    }
    return first;
}

/* A gateway of the interface itself: DHCP gave it. */
static struct netif *route_gateway(const ip4_addr_t *dest)
{
    struct netif *netif;
    if (ip4_addr_ismulticast(dest) || ip4_addr_get_u32(dest) == IPADDR_BROADCAST || ip4_addr_isloopback(dest))
        return NULL;
    NETIF_FOREACH(netif) {
        if (netif->state != NULL && netif_usable(netif) && !ip4_addr_isany_val(*netif_ip4_gw(netif)))
            return netif;
    }
    return NULL;
}

struct netif *stk_hook_ip4_route(const ip4_addr_t *src, const ip4_addr_t *dest)
{
    struct netif *netif;
    struct netif *best = NULL;
    bool best_owns = false; /* else the first configured one is the source */
    uint32_t best_bits = 0;
    NETIF_FOREACH(netif) {
        if (!netif_usable(netif) || ip4_addr_isany_val(*netif_ip4_addr(netif)))
            continue;
        if (ip4_addr_eq(dest, netif_ip4_addr(netif)))
            return netif;
        if (!ip4_addr_net_eq(dest, netif_ip4_addr(netif), netif_ip4_netmask(netif)))
            continue;
        uint32_t bits = 1 + mask_bits(netif_ip4_netmask(netif));
        bool owns_source = src != NULL && ip4_addr_eq(src, netif_ip4_addr(netif));
        if (bits > best_bits || (bits == best_bits && (owns_source || (!best_owns && netif->num < best->num)))) {
            best = netif;
            best_bits = bits;
            best_owns = owns_source;
        }
    }
    ip_addr_t wanted;
    ip_addr_copy_from_ip4(wanted, *dest);
    const struct stk_route *route = stk_route_find(&stk_inst_selected()->routes, &wanted, NULL);
    if (route != NULL && 1u + route->prefix_len > best_bits)
        best = netif_for_source(route->netif, src);
    if (best == NULL)
        best = route_gateway(dest);
    if (best == NULL && (ip4_addr_ismulticast(dest) || ip4_addr_get_u32(dest) == IPADDR_BROADCAST))
        best = route_group(src);
    return best;
}

struct netif *stk_hook_ip6_route(const ip6_addr_t *src, const ip6_addr_t *dest)
{
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif_usable(netif) && netif_get_ip6_addr_match(netif, dest) >= 0)
            return netif;
    }
    ip_addr_t wanted;
    ip_addr_copy_from_ip6(wanted, *dest);
    const struct stk_route *route = stk_route_find(&stk_inst_selected()->routes, &wanted, NULL);
    if (route != NULL)
        return route->netif;
    if (!ip6_addr_ismulticast(dest))
        return NULL;
    struct netif *first = NULL;
    NETIF_FOREACH(netif) {
        if (!netif_usable(netif) || netif->state == NULL)
            continue;
        if (src != NULL && !ip6_addr_isany(src) && netif_get_ip6_addr_match(netif, src) >= 0)
            return netif;
        if (first == NULL || netif->num < first->num)
            first = netif;
    }
    return first;
}

const ip4_addr_t *stk_hook_etharp_gw(struct netif *netif, const ip4_addr_t *dest)
{
    ip_addr_t wanted;
    ip_addr_copy_from_ip4(wanted, *dest);
    const struct stk_route *route = stk_route_find(&stk_inst_selected()->routes, &wanted, netif);
    if (route == NULL)
        return NULL;
    return ip_addr_isany(&route->via) ? dest : ip_2_ip4(&route->via);
}

const ip6_addr_t *stk_hook_nd6_gw(struct netif *netif, const ip6_addr_t *dest)
{
    ip_addr_t wanted;
    ip_addr_copy_from_ip6(wanted, *dest);
    const struct stk_route *route = stk_route_find(&stk_inst_selected()->routes, &wanted, netif);
    if (route == NULL)
        return NULL;
    return ip_addr_isany(&route->via) ? dest : ip_2_ip6(&route->via);
}

/* RFC 9293 3.10.7.4, RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static bool ack_acceptable(const struct tcp_pcb *pcb, u32_t ack)
{
    return TCP_SEQ_LEQ(ack, pcb->snd_nxt) && TCP_SEQ_GEQ(ack, pcb->lastack - pcb->snd_wnd_max);
}

err_t stk_hook_tcp_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    const u8_t flags = TCPH_FLAGS(header);
    if (pcb->state < ESTABLISHED || pcb->state == TIME_WAIT || (flags & (TCP_RST | TCP_SYN)) != 0)
        return ERR_OK; /* lwIP judges these by themselves */
    if ((flags & TCP_ACK) == 0) {
        TCP_STATS_INC(tcp.drop);
        return ERR_VAL;
    }
    if (!ack_acceptable(pcb, header->ackno)) {
        TCP_STATS_INC(tcp.proterr);
        TCP_STATS_INC(tcp.drop);
        (void)tcp_send_empty_ack(pcb);
        return ERR_VAL;
    }
    return ERR_OK;
}

/* Options of IP on what a socket sends: interface, path MTU, don't-fragment, TTL; and whose packets it takes. */
#include "lwip/stk_ep_priv.h"

#include "instance_priv.h"

#include "stk_lwip_hooks.h"

#include "lwip/pmtu.h"

#include "lwip/nd6.h"

#include <string.h>

struct stk_ep_ip_opts stk_ep_ip_opts_for(const struct stk_ep *ep, bool v4)
{
    const struct stk_ep_opts *opts = &ep->opts;
    if (v4 && ep->family == STK_AF_INET6) {
        return (struct stk_ep_ip_opts){.ttl = opts->v4_ttl,
                                       .tos = opts->v4_tos,
                                       .mtu_discover = opts->v4_mtu_discover,
                                       .dontfrag = opts->v4_dontfrag,
                                       .user_mtu = opts->v4_user_mtu,
                                       .unicast_if = opts->v4_unicast_if};
    }
    return (struct stk_ep_ip_opts){.ttl = opts->ttl,
                                   .tos = opts->tos,
                                   .mtu_discover = opts->mtu_discover,
                                   .dontfrag = opts->dontfrag,
                                   .user_mtu = opts->user_mtu,
                                   .unicast_if = opts->unicast_if};
}

static bool opts_plain(const struct stk_ep *ep, bool v4)
{
    const struct stk_ep_ip_opts opts = stk_ep_ip_opts_for(ep, v4);
    return opts.mtu_discover == STK_PMTUD_NOT_SET && !opts.dontfrag && opts.user_mtu < 0 && opts.unicast_if == 0;
}

/* Whether a datagram wants more than lwIP's own call. A dual-stack socket may have a TTL and a TOS for each version. */
void stk_ep_ip_mark(struct stk_ep *ep)
{
    const struct stk_ep_opts *opts = &ep->opts;
    const bool dual = ep->family == STK_AF_INET6 && !opts->v6only;
    const bool apart = opts->v4_ttl != opts->ttl || opts->v4_tos != opts->tos || !opts_plain(ep, true);
    ep->ip_special = (dual && apart) || !opts_plain(ep, ep->family == STK_AF_INET);
}

bool stk_ep_ip_own(const ip_addr_t *ip)
{
    struct netif *netif;
    if (IP_IS_V4(ip) ? ip_addr_isloopback(ip) : ip6_addr_isloopback(ip_2_ip6(ip))) {
        return true;
    }
    NETIF_FOREACH(netif) {
        if (IP_IS_V4(ip) ? ip4_addr_eq(netif_ip4_addr(netif), ip_2_ip4(ip))
                         : netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0) {
            return true;
        }
    }
    return false;
}

/* The interface of lwIP for a port of programs' numbering: the one with the socket's address, else the port's first. */
struct netif *stk_ep_ip_port(uint32_t if_index, const ip_addr_t *local)
{
    struct netif *netif;
    struct netif *first = NULL;
    NETIF_FOREACH(netif) {
        if (stk_netif_index_of(netif) != if_index || !netif_is_up(netif) || !netif_is_link_up(netif)) {
            continue;
        }
        if (local != NULL && IP_IS_V4(local) && ip4_addr_eq(netif_ip4_addr(netif), ip_2_ip4(local))) {
            return netif;
        }
        if (first == NULL || netif->num < first->num) {
            first = netif;
        }
    }
    return first;
}

/* Where a unicast leaves if the program chose an interface; NULL: by route. What is this host's own stays here. */
static struct netif *chosen(uint32_t if_index, const ip_addr_t *local, const ip_addr_t *ip)
{
    if (if_index == 0 || ip_addr_ismulticast(ip) || stk_ep_ip_own(ip)) {
        return NULL;
    }
    return stk_ep_ip_port(if_index, local);
}

struct netif *stk_ep_ip_netif(const struct stk_ep *ep, const ip_addr_t *local, const ip_addr_t *ip)
{
    struct netif *netif = chosen(stk_ep_ip_opts_for(ep, IP_IS_V4(ip)).unicast_if, local, ip);
    if (netif == NULL && ip_addr_ismulticast(ip) && ep->opts.mcast_if != 0) {
        netif = netif_get_by_index((u8_t)ep->opts.mcast_if);
    }
    return netif != NULL ? netif : ip_route(local, ip);
}

/* DS-11, DS-12: a link-local destination gets the zone of an interface. The instance is entered. */
void stk_ep_ip_scope_settle(const struct stk_ep *ep, ip_addr_t *ip)
{
    if (!IP_IS_V6(ip) || !ip6_addr_lacks_zone(ip_2_ip6(ip), IP6_UNICAST)) {
        return;
    }
    struct stk_inst *inst = stk_inst_selected();
    ip_addr_t source;
    ip_addr_set_any(true, &source);
    if (ep->bound && !ep->local_by_peer) {
        (void)stk_ep_ip_from(ep, &ep->local, &source);
    }
    struct netif *netif = ep->opts.unicast_if != 0 ? stk_ep_ip_port(ep->opts.unicast_if, NULL) : NULL;
    if (netif == NULL) {
        netif = stk_scope_choose(&inst->scopes, ip_2_ip6(ip), &source, stk_inst_now_ns(inst));
    }
    if (netif != NULL) {
        ip6_addr_assign_zone(ip_2_ip6(ip), IP6_UNICAST, netif);
    }
}

/* What one packet may have on its way, IP header included. To itself a host sends packets of any size. */
static uint32_t way_mtu(struct netif *netif, const ip_addr_t *ip, bool path)
{
    if (netif == NULL || netif->state == NULL || stk_ep_ip_own(ip)) {
        return UINT32_MAX;
    }
    if (!path) {
        return IP_IS_V4(ip) ? netif->mtu : netif_mtu6(netif);
    }
    const struct stk_inst *inst = stk_inst_selected();
    if (IP_IS_V4(ip)) {
        return stk_pmtu4_get(&inst->pmtu4, ip4_addr_get_u32(ip_2_ip4(ip)), netif->mtu, stk_inst_now_ns(inst));
    }
    return nd6_get_destination_mtu(ip_2_ip6(ip), netif);
}

bool stk_ep_ip_begin(const struct stk_ep *ep, struct ip_pcb *pcb, const ip_addr_t *ip, uint32_t bytes,
                     struct stk_ep_ip_scope *scope)
{
    const struct stk_ep_ip_opts opts = stk_ep_ip_opts_for(ep, IP_IS_V4(ip));
    struct stk_inst *inst = stk_inst_selected();
    *scope = (struct stk_ep_ip_scope){.pcb = pcb, .ttl = pcb->ttl, .tos = pcb->tos, .netif_idx = pcb->netif_idx};
    pcb->ttl = opts.ttl != 0 ? opts.ttl : IP_DEFAULT_TTL;
    pcb->tos = opts.tos;
    struct netif *netif = chosen(opts.unicast_if, &pcb->local_ip, ip);
    if (netif != NULL) {
        pcb->netif_idx = netif_get_index(netif);
    }
    if (opts.mtu_discover == STK_PMTUD_NOT_SET && !opts.dontfrag && opts.user_mtu < 0) {
        return true;
    }
    netif = netif != NULL ? netif : stk_ep_ip_netif(ep, &pcb->local_ip, ip);
    const bool whole = opts.mtu_discover == STK_PMTUD_NOT_SET ? opts.dontfrag : opts.mtu_discover != STK_PMTUD_DONT;
    uint32_t limit = way_mtu(netif, ip, opts.mtu_discover != STK_PMTUD_PROBE);
    if (opts.user_mtu >= 0 && limit != UINT32_MAX && (uint32_t)opts.user_mtu < limit) {
        limit = (uint32_t)opts.user_mtu;
    }
    inst->dont_fragment = whole;
    if (opts.user_mtu >= 0 && limit != UINT32_MAX && /* there is an interface then */
        opts.user_mtu < (IP_IS_V4(ip) ? netif->mtu : netif_mtu6(netif))) {
        scope->netif = netif; /* lwIP fragments by this */
        scope->mtu = netif->mtu;
        netif->mtu = (u16_t)opts.user_mtu;
        inst->mtu6_limit = (uint16_t)opts.user_mtu;
    }
    const uint32_t header = IP_IS_V6(ip) ? IP6_HLEN : IP_HLEN;
    return !whole || header + bytes <= limit;
}

void stk_ep_ip_end(const struct stk_ep_ip_scope *scope)
{
    struct stk_inst *inst = stk_inst_selected();
    inst->dont_fragment = false;
    scope->pcb->ttl = scope->ttl;
    scope->pcb->tos = scope->tos;
    scope->pcb->netif_idx = scope->netif_idx;
    if (scope->netif != NULL) {
        scope->netif->mtu = scope->mtu;
        inst->mtu6_limit = 0;
    }
}

u16_t stk_hook_nd6_mtu(u32_t mtu)
{
    const uint16_t limit = stk_inst_selected()->mtu6_limit;
    return limit != 0 && limit < mtu ? limit : (u16_t)mtu;
}

int stk_ep_ip_mtu(const struct stk_ep *ep, bool v4, int32_t *value)
{
    ip_addr_t ip;
    if ((ep->state & STK_ST_CONNECTED) == 0 || ep->inst == NULL || stk_ep_ip_from(ep, &ep->peer, &ip) != STK_OK) {
        return STK_ENOTCONN;
    }
    if ((IP_IS_V4(&ip) != 0) != v4) {
        return STK_EINVAL; /* of the version that the connection is not of */
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(&ip), &any);
    const uint32_t mtu = way_mtu(stk_ep_ip_netif(ep, &any, &ip), &ip, true);
    stk_inst_leave(scope);
    *value = mtu == UINT32_MAX ? UINT16_MAX : (int32_t)mtu; /* the loopback interface's */
    return STK_OK;
}

int stk_ep_ip_if_check(const struct stk_ep_table *table, uint32_t if_index)
{
    bool found = if_index <= 1; /* none, or the loopback */
    for (uint32_t i = 0; i < table->insts_count && !found; i++) {
        struct netif *netif;
        struct stk_inst_scope scope = stk_inst_enter(table->insts[i]);
        NETIF_FOREACH(netif) {
            found = found || stk_netif_index_of(netif) == if_index;
        }
        stk_inst_leave(scope);
    }
    return found ? STK_OK : STK_EADDRNOTAVAIL;
}

int stk_ep_route(struct stk_ep_table *table, const struct stk_addr *remote, uint32_t via, struct stk_rep_abi *rep)
{
    struct stk_ep asker = {.family = (uint8_t)remote->family};
    asker.opts.unicast_if = via;
    asker.opts.v4_unicast_if = via;
    const int inst = stk_ep_inst_of_remote(table, &asker, remote);
    ip_addr_t ip;
    if (inst < 0 || stk_ep_ip_from(&asker, remote, &ip) != STK_OK) {
        return STK_ENETUNREACH;
    }
    struct stk_inst_scope scope = stk_inst_enter(table->insts[inst]);
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(&ip), &any);
    stk_ep_ip_scope_settle(&asker, &ip);
    struct netif *netif = stk_ep_ip_netif(&asker, &any, &ip);
    const ip_addr_t *src = netif != NULL ? ip_netif_get_local_ip(netif, &ip) : NULL;
    if (src != NULL) {
        stk_ep_ip_to(&asker, src, 0, &rep->addr);
        rep->arg[0] = stk_netif_index_of(netif);
        rep->arg[1] = way_mtu(netif, &ip, true);
        rep->arg[2] = way_mtu(netif, &ip, false);
    }
    stk_inst_leave(scope);
    return src != NULL ? STK_OK : STK_ENETUNREACH;
}

/* --- Lists of interfaces ------------------------------------------------------ */

int stk_ep_ip_iflist_set(struct stk_ep *ep, const void *value, uint32_t len)
{
    struct stk_iflist list;
    if (ep->type == STK_SOCK_STREAM) {
        return STK_ENOPROTOOPT;
    }
    if (len != sizeof(list)) {
        return STK_EINVAL;
    }
    memcpy(&list, value, sizeof(list));
    if (list.on > 1 || list.mapped > 1 || (list.mapped != 0 && ep->family != STK_AF_INET6)) {
        return STK_EINVAL;
    }
    ep->opts.iflists[list.mapped] = list;
    ep->opts.iflist_any = ep->opts.iflists[0].on != 0 || ep->opts.iflists[1].on != 0;
    return STK_OK;
}

bool stk_ep_ip_listed(const struct stk_ep *ep, uint32_t if_index, bool v4)
{
    const struct stk_iflist *list = &ep->opts.iflists[v4 && ep->family == STK_AF_INET6 ? 1 : 0];
    return list->on == 0 ||
           (if_index < STK_IFLIST_MAX && (list->listed[if_index / 32] & (UINT32_C(1) << if_index % 32)) != 0);
}

/* --- Protection level -------------------------------------------------------- */

#define SITE_BYTES 6u /* a site's prefix: 48 bits (RFC 6177) */

static bool same_site(const struct netif *netif, const ip6_addr_t *from)
{
    if (ip6_addr_islinklocal(from) || ip6_addr_issitelocal(from) || ip6_addr_isuniquelocal(from)) {
        return true;
    }
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) && ip6_addr_isglobal(netif_ip6_addr(netif, i)) &&
            memcmp(netif_ip6_addr(netif, i)->addr, from->addr, SITE_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

bool stk_ep_ip_taken(const struct stk_ep *ep, const ip_addr_t *from, struct netif *inp)
{
    static const uint8_t teredo[4] = {0x20, 0x01}; /* RFC 4380 2.6 */
    if (ep->opts.protection == STK_PROTECT_UNRESTRICTED || !IP_IS_V6(from)) {
        return true;
    }
    const bool tunnel = memcmp(ip_2_ip6(from)->addr, teredo, sizeof(teredo)) == 0;
    if (!tunnel && ep->opts.protection != STK_PROTECT_RESTRICTED) {
        return true;
    }
    return stk_ep_ip_own(from) ||
           (!tunnel && same_site(inp, ip_2_ip6(from))); /* PL-4: neither level takes the tunnel's */
}

#include "lwip/stk_ep_priv.h"

#include "lwip/igmp.h"
#include "lwip/mld6.h"

/* The interface of a membership: named, or by route to the group. */
static struct netif *member_netif(const struct stk_ep *ep, const struct stk_mcast_req *req, const ip_addr_t *group)
{
    (void)ep;
    if (req->if_index != 0) {
        return req->if_index <= UINT8_MAX ? netif_get_by_index((u8_t)req->if_index) : NULL;
    }
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(group), &any);
    return ip_route(&any, group);
}

static err_t group_change(struct netif *netif, const ip_addr_t *group, bool join)
{
    if (IP_IS_V6(group)) {
        return join ? mld6_joingroup_netif(netif, ip_2_ip6(group)) : mld6_leavegroup_netif(netif, ip_2_ip6(group));
    }
    if ((netif->flags & NETIF_FLAG_IGMP) == 0) {
        return ERR_OK; /* loopback: everything arrives anyway */
    }
    return join ? igmp_joingroup_netif(netif, ip_2_ip4(group)) : igmp_leavegroup_netif(netif, ip_2_ip4(group));
}

static uint32_t *member_find(struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index)
{
    uint32_t *at = &ep->mcast_head;
    for (; *at != STK_EP_NONE; at = &ep->table->members[*at].next) {
        const struct stk_ep_member *member = &ep->table->members[*at];
        if (member->if_index == if_index && stk_ep_addr_equal_ip(&member->group, group)) {
            break;
        }
    }
    return at;
}

static void member_free(struct stk_ep_table *table, uint32_t *at)
{
    const uint32_t index = *at;
    *at = table->members[index].next;
    table->members[index].next = table->members_free;
    table->members_free = index;
}

/* The instance of the interface that is asked for; without one, the socket's, or what has a route to the group. */
static int mcast_inst(const struct stk_ep *ep, const struct stk_mcast_req *req)
{
    if (req->if_index == 0) {
        return ep->inst != NULL ? (int)ep->inst_index : stk_ep_inst_of_remote(ep->table, ep, &req->group);
    }
    for (uint32_t i = 0; i < ep->table->insts_count && req->if_index <= UINT8_MAX; i++) {
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
        const bool here = netif_get_by_index((u8_t)req->if_index) != NULL;
        stk_inst_leave(scope);
        /* Loopback is in each: the socket's own, if it has one. */
        if (here && (req->if_index != 1 || ep->inst == NULL || ep->inst_index == i)) {
            return (int)i;
        }
    }
    return -1;
}

static int member_add(struct stk_ep *ep, struct netif *netif, const struct stk_addr *group, const ip_addr_t *ip)
{
    struct stk_ep_table *table = ep->table;
    const uint32_t index = table->members_free;
    if (index == STK_EP_NONE || group_change(netif, ip, true) != ERR_OK) {
        return STK_ENOMEM;
    }
    table->members_free = table->members[index].next;
    table->members[index] = (struct stk_ep_member){.next = ep->mcast_head,
                                                   .inst = stk_ep_inst_here(table),
                                                   .if_index = stk_netif_index_of(netif),
                                                   .group = *group};
    ep->mcast_head = index;
    return STK_OK;
}

int stk_ep_mcast_change(struct stk_ep *ep, const struct stk_mcast_req *req, bool join)
{
    struct stk_addr group = req->group;
    group.port = 0;
    group.scope_id = 0;
    if (ep->type == STK_SOCK_STREAM) {
        return STK_ENOPROTOOPT;
    }
    if (group.family != ep->family || !stk_ep_addr_mcast(&group)) {
        return STK_EINVAL;
    }
    const int inst = mcast_inst(ep, req);
    if (inst < 0) {
        return STK_EADDRNOTAVAIL;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[inst]);
    ip_addr_t ip;
    int err = stk_ep_ip_from(ep, &group, &ip);
    struct netif *netif = err == STK_OK ? member_netif(ep, req, &ip) : NULL;
    if (netif == NULL) {
        err = STK_EADDRNOTAVAIL;
    } else {
        if (IP_IS_V6(&ip)) {
            ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_MULTICAST, netif);
        }
        uint32_t *at = member_find(ep, &group, stk_netif_index_of(netif));
        if (join) {
            err = *at != STK_EP_NONE ? STK_EADDRINUSE : member_add(ep, netif, &group, &ip);
        } else if (*at == STK_EP_NONE) {
            err = STK_EADDRNOTAVAIL;
        } else {
            (void)group_change(netif, &ip, false);
            member_free(ep->table, at);
        }
    }
    stk_inst_leave(scope);
    return err;
}

bool stk_ep_mcast_member(const struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index)
{
    struct stk_addr wanted = *group;
    wanted.scope_id = 0;
    for (uint32_t at = ep->mcast_head; at != STK_EP_NONE; at = ep->table->members[at].next) {
        const struct stk_ep_member *member = &ep->table->members[at];
        if (stk_ep_addr_equal_ip(&member->group, &wanted) && member->if_index == if_index) {
            return true;
        }
    }
    return false;
}

void stk_ep_mcast_leave_all(struct stk_ep *ep)
{
    while (ep->mcast_head != STK_EP_NONE) {
        const struct stk_ep_member *member = &ep->table->members[ep->mcast_head];
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[member->inst]);
        struct netif *netif = netif_get_by_index((u8_t)member->if_index);
        ip_addr_t ip;
        if (netif != NULL && stk_ep_ip_from(ep, &member->group, &ip) == STK_OK) {
            if (IP_IS_V6(&ip)) {
                ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_MULTICAST, netif);
            }
            (void)group_change(netif, &ip, false);
        }
        member_free(ep->table, &ep->mcast_head);
        stk_inst_leave(scope);
    }
}

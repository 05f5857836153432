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

/* Take the instance by the interface that is asked for, if the socket has none yet. */
static int mcast_inst(struct stk_ep *ep, const struct stk_mcast_req *req)
{
    if (ep->inst != NULL) {
        return STK_OK;
    }
    for (uint32_t i = 0; i < ep->table->insts_count; i++) {
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
        const bool here = req->if_index == 0 ||
                          (req->if_index <= UINT8_MAX && netif_get_by_index((u8_t)req->if_index) != NULL);
        stk_inst_leave(scope);
        if (here) {
            ep->inst = ep->table->insts[i];
            ep->inst_index = i;
            return STK_OK;
        }
    }
    return STK_EADDRNOTAVAIL;
}

static int member_add(struct stk_ep *ep, struct netif *netif, const struct stk_addr *group, const ip_addr_t *ip)
{
    struct stk_ep_table *table = ep->table;
    const uint32_t index = table->members_free;
    if (index == STK_EP_NONE || group_change(netif, ip, true) != ERR_OK) {
        return STK_ENOMEM;
    }
    table->members_free = table->members[index].next;
    table->members[index] = (struct stk_ep_member){
        .next = ep->mcast_head, .if_index = stk_netif_index_of(netif), .group = *group};
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
    int err = mcast_inst(ep, req);
    if (err != STK_OK) {
        return err;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    ip_addr_t ip;
    err = stk_ep_ip_from(ep, &group, &ip);
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
    if (ep->mcast_head == STK_EP_NONE) {
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    while (ep->mcast_head != STK_EP_NONE) {
        const struct stk_ep_member *member = &ep->table->members[ep->mcast_head];
        struct netif *netif = netif_get_by_index((u8_t)member->if_index);
        ip_addr_t ip;
        if (netif != NULL && stk_ep_ip_from(ep, &member->group, &ip) == STK_OK) {
            if (IP_IS_V6(&ip)) {
                ip6_addr_assign_zone(ip_2_ip6(&ip), IP6_MULTICAST, netif);
            }
            (void)group_change(netif, &ip, false);
        }
        member_free(ep->table, &ep->mcast_head);
    }
    stk_inst_leave(scope);
}

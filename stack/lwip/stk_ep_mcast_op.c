/* Changes of memberships: by options one at a time, by filters whole. Source: rules 7.8 with its table; RFC 3678. */
#include "lwip/stk_ep_mcast.h"

#include "lwip/route.h"

#include <string.h>

/* --- Where ------------------------------------------------------------------ */

/* The interface of a membership: named, or by route to the group. One port has one lwIP interface that joins. */
static struct netif *member_netif(uint32_t if_index, const ip_addr_t *group)
{
    if (if_index == 0) {
        ip_addr_t any;
        ip_addr_set_any(IP_IS_V6(group), &any);
        const struct netif *by_route = ip_route(&any, group);
        if_index = by_route != NULL ? stk_netif_index_of(by_route) : 0;
    }
    return if_index != 0 && if_index <= UINT8_MAX ? netif_get_by_index((u8_t)if_index) : NULL;
}

/* The instance of the interface that is asked for; without one, the socket's, or what has a route to the group. */
static int mcast_inst(const struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index)
{
    if (if_index == 0) {
        return ep->inst != NULL ? (int)ep->inst_index : stk_ep_inst_of_remote(ep->table, ep, group);
    }
    for (uint32_t i = 0; i < ep->table->insts_count && if_index <= UINT8_MAX; i++) {
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
        const bool here = netif_get_by_index((u8_t)if_index) != NULL;
        stk_inst_leave(scope);
        /* Loopback is in each: the socket's own, if it has one. */
        if (here && (if_index != 1 || ep->inst == NULL || ep->inst_index == i)) {
            return (int)i;
        }
    }
    return -1;
}

/* Find the place; the instance is entered with success. */
static int place_enter(struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index, struct stk_ep_mcast_at *at,
                       struct stk_inst_scope *scope)
{
    ip_addr_t ip;
    if (ep->type == STK_SOCK_STREAM) {
        return STK_ENOPROTOOPT;
    }
    /* A socket of both families may be a member of groups of both (DS-5). */
    const bool fits = group->family == ep->family || (group->family == STK_AF_INET && !ep->opts.v6only);
    if (!fits || !stk_ep_addr_mcast(group)) {
        return STK_EINVAL;
    }
    *at = (struct stk_ep_mcast_at){.ep = ep, .group = {.family = group->family}};
    memcpy(at->group.ip, group->ip, group->family == STK_AF_INET6 ? 16 : 4);
    const int inst = mcast_inst(ep, &at->group, if_index);
    if (inst < 0 || !stk_ip_from_bytes(group->family, at->group.ip, &ip)) {
        return STK_EADDRNOTAVAIL;
    }
    *scope = stk_inst_enter(ep->table->insts[inst]);
    at->netif = member_netif(if_index, &ip);
    if (at->netif == NULL) {
        stk_inst_leave(*scope);
        return STK_EADDRNOTAVAIL;
    }
    at->if_index = stk_netif_index_of(at->netif);
    at->wire = stk_mcast_wire_of(group->family == STK_AF_INET6);
    return STK_OK;
}

/* --- A membership with its sources ---------------------------------------------- */

/* What was dropped source by source until none was left is remembered once per socket: to drop the last one again is
 * another error than to drop one of a group that was never joined, or left. */
static void gone_forget(struct stk_ep *ep)
{
    for (uint32_t *link = &ep->mcast_head; *link != STK_EP_NONE; link = &ep->table->members[*link].next) {
        if (ep->table->members[*link].gone) {
            stk_ep_member_give(ep->table, link);
            return;
        }
    }
}

/* Make a membership and let the interface follow. sources: count addresses. */
static int member_make(const struct stk_ep_mcast_at *at, uint8_t mode, const uint8_t (*sources)[16], uint32_t count)
{
    struct stk_ep_table *table = at->ep->table;
    struct stk_mcast_group *group = stk_mcast_get(at->netif, at->wire, at->group.ip);
    if (group == NULL) {
        return STK_ENOMEM;
    }
    const uint32_t index = stk_ep_member_take(at, mode);
    if (index == STK_EP_NONE) {
        stk_mcast_settle(group);
        return STK_ENOMEM;
    }
    struct stk_ep_member *member = &table->members[index];
    group->users[mode]++;
    for (uint32_t i = 0; i < count; i++) {
        if (*stk_ep_source_find(table, member, sources[i]) != STK_EP_NONE) {
            continue; /* named twice */
        }
        if (!stk_ep_source_take(table, member, sources[i])) {
            goto undo;
        }
        if (!stk_mcast_source_add(group, sources[i], (enum stk_mcast_mode)mode)) {
            stk_ep_source_give(table, member, stk_ep_source_find(table, member, sources[i]));
            goto undo;
        }
    }
    stk_mcast_settle(group);
    return STK_OK;
undo:
    stk_ep_member_detach(table, member, at->netif);
    stk_ep_member_give(table, stk_ep_member_find(at->ep, &at->group, at->if_index));
    return STK_ENOMEM;
}

static int source_add(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, const uint8_t source[16])
{
    struct stk_ep_table *table = at->ep->table;
    struct stk_mcast_group *group = stk_mcast_get(at->netif, at->wire, at->group.ip);
    if (group == NULL || !stk_ep_source_take(table, member, source)) {
        return STK_ENOMEM;
    }
    if (!stk_mcast_source_add(group, source, (enum stk_mcast_mode)member->mode)) {
        stk_ep_source_give(table, member, stk_ep_source_find(table, member, source));
        return STK_ENOMEM;
    }
    stk_mcast_settle(group);
    return STK_OK;
}

static void source_drop(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, uint32_t *link)
{
    struct stk_ep_table *table = at->ep->table;
    struct stk_mcast_group *group = stk_mcast_find(at->netif, at->wire, at->group.ip);
    if (group != NULL) {
        stk_mcast_source_drop(group, table->sources[*link].ip, (enum stk_mcast_mode)member->mode);
    }
    stk_ep_source_give(table, member, link);
    if (member->mode == STK_MCAST_INCLUDE && member->sources == STK_EP_NONE) {
        gone_forget(at->ep);
        member->gone = true;
        if (group != NULL) {
            group->users[STK_MCAST_INCLUDE]--;
        }
    }
    if (group != NULL) {
        stk_mcast_settle(group);
    }
}

/* --- Options: the conflict table of 7.8 ------------------------------------------- */

/* member: what there is, NULL: nothing; one that is gone counts as nothing. */
static int group_join(const struct stk_ep_mcast_at *at, const struct stk_ep_member *member)
{
    if (member == NULL) {
        return member_make(at, STK_MCAST_EXCLUDE, NULL, 0);
    }
    return member->mode == STK_MCAST_EXCLUDE && member->sources_count > 0 ? STK_EINVAL : STK_EADDRINUSE;
}

static int source_join(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, const uint8_t source[16])
{
    if (member == NULL) {
        uint8_t only[1][16];
        memcpy(only[0], source, sizeof(only[0]));
        return member_make(at, STK_MCAST_INCLUDE, (const uint8_t(*)[16])only, 1);
    }
    if (member->mode == STK_MCAST_EXCLUDE) {
        return member->sources_count > 0 ? STK_EINVAL : STK_EADDRNOTAVAIL;
    }
    if (*stk_ep_source_find(at->ep->table, member, source) != STK_EP_NONE) {
        return STK_EADDRNOTAVAIL;
    }
    return source_add(at, member, source);
}

static int source_leave(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, const uint8_t source[16])
{
    if (member == NULL || member->mode == STK_MCAST_EXCLUDE) {
        return STK_EINVAL;
    }
    uint32_t *link = stk_ep_source_find(at->ep->table, member, source);
    if (*link == STK_EP_NONE) {
        return STK_EADDRNOTAVAIL;
    }
    source_drop(at, member, link);
    return STK_OK;
}

static int source_block(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, const uint8_t source[16])
{
    if (member == NULL || member->mode == STK_MCAST_INCLUDE) {
        return STK_EINVAL;
    }
    if (*stk_ep_source_find(at->ep->table, member, source) != STK_EP_NONE) {
        return STK_EADDRNOTAVAIL;
    }
    return source_add(at, member, source);
}

static int source_unblock(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, const uint8_t source[16])
{
    if (member == NULL || member->mode == STK_MCAST_INCLUDE) {
        return STK_EINVAL;
    }
    uint32_t *link = stk_ep_source_find(at->ep->table, member, source);
    if (*link == STK_EP_NONE) {
        return member->unblocked ? STK_EADDRNOTAVAIL : STK_EINVAL;
    }
    source_drop(at, member, link);
    member->unblocked = true;
    return STK_OK;
}

static int group_leave(const struct stk_ep_mcast_at *at, struct stk_ep_member *member, uint32_t *link)
{
    if (member == NULL) {
        return STK_EADDRNOTAVAIL;
    }
    stk_ep_member_detach(at->ep->table, member, at->netif);
    stk_ep_member_give(at->ep->table, link);
    return STK_OK;
}

static int change_apply(const struct stk_ep_mcast_at *at, uint32_t opt, const uint8_t source[16])
{
    struct stk_ep_table *table = at->ep->table;
    uint32_t *link = stk_ep_member_find(at->ep, &at->group, at->if_index);
    struct stk_ep_member *member = *link != STK_EP_NONE ? &table->members[*link] : NULL;
    const bool joins = opt == STK_OPT_MCAST_JOIN || opt == STK_OPT_MCAST_JOIN_SOURCE;
    if (member != NULL && member->gone && opt != STK_OPT_MCAST_LEAVE_SOURCE) {
        if (joins) { /* what is refused leaves the memory of it as it was */
            stk_ep_member_give(table, link);
        }
        member = NULL;
    }
    switch (opt) {
    case STK_OPT_MCAST_JOIN:
        return group_join(at, member);
    case STK_OPT_MCAST_LEAVE:
        return group_leave(at, member, link);
    case STK_OPT_MCAST_JOIN_SOURCE:
        return source_join(at, member, source);
    case STK_OPT_MCAST_LEAVE_SOURCE:
        return source_leave(at, member, source);
    case STK_OPT_MCAST_BLOCK:
        return source_block(at, member, source);
    default:
        return source_unblock(at, member, source);
    }
}

static int change_run(struct stk_ep *ep, uint32_t opt, const struct stk_addr *group, uint32_t if_index,
                      const uint8_t source[16])
{
    struct stk_ep_mcast_at at;
    struct stk_inst_scope scope;
    int err = place_enter(ep, group, if_index, &at, &scope);
    if (err == STK_OK) {
        err = change_apply(&at, opt, source);
        stk_inst_leave(scope);
    }
    return err;
}

/* A source is one host's address; the rest of an IPv4 one is 0. */
static bool source_fits(uint16_t family, const uint8_t ip[16])
{
    static const uint8_t zero[16];
    struct stk_addr addr = {.family = family};
    memcpy(addr.ip, ip, sizeof(addr.ip));
    return !stk_ep_addr_mcast(&addr) && !stk_ep_addr_any(&addr) &&
           (family == STK_AF_INET6 || memcmp(ip + 4, zero, 12) == 0);
}

bool stk_ep_mcast_opt(uint32_t opt)
{
    return opt == STK_OPT_MCAST_JOIN || opt == STK_OPT_MCAST_LEAVE || opt == STK_OPT_MCAST_JOIN_SOURCE ||
           opt == STK_OPT_MCAST_LEAVE_SOURCE || opt == STK_OPT_MCAST_BLOCK || opt == STK_OPT_MCAST_UNBLOCK;
}

int stk_ep_mcast_set(struct stk_ep *ep, uint32_t opt, const void *value, uint32_t len)
{
    if (opt == STK_OPT_MCAST_JOIN || opt == STK_OPT_MCAST_LEAVE) {
        struct stk_mcast_req req;
        if (len != sizeof(req)) {
            return STK_EINVAL;
        }
        memcpy(&req, value, sizeof(req));
        return change_run(ep, opt, &req.group, req.if_index, NULL);
    }
    struct stk_mcast_source_req req;
    if (len != sizeof(req)) {
        return STK_EINVAL;
    }
    memcpy(&req, value, sizeof(req));
    struct stk_addr group = {.family = req.family};
    memcpy(group.ip, req.group, sizeof(group.ip));
    if (!source_fits(req.family, req.source)) {
        return STK_EINVAL;
    }
    return change_run(ep, opt, &group, req.if_index, req.source);
}

/* --- Filters -------------------------------------------------------------------------- */

/* The new membership is made before the old one goes: the interface never stops listening, and says once what changed. */
static int filter_replace(const struct stk_ep_mcast_at *at, uint8_t mode, const uint8_t (*sources)[16], uint32_t count)
{
    struct stk_ep_table *table = at->ep->table;
    uint32_t *link = stk_ep_member_find(at->ep, &at->group, at->if_index);
    struct stk_mcast_group *group = stk_mcast_get(at->netif, at->wire, at->group.ip);
    if (group == NULL) {
        return STK_ENOMEM;
    }
    const uint32_t before = *link;
    group->held = true;
    const int err = mode == STK_MCAST_INCLUDE && count == 0 ? STK_OK : member_make(at, mode, sources, count);
    if (err == STK_OK && before != STK_EP_NONE) {
        for (link = &at->ep->mcast_head; *link != before; link = &table->members[*link].next) {
        }
        stk_ep_member_detach(table, &table->members[before], at->netif);
        stk_ep_member_give(table, link);
    }
    group->held = false;
    stk_mcast_settle(group);
    return err;
}

int stk_ep_mcast_filter_set(struct stk_ep_table *table, uint32_t sock, const struct stk_mcast_filter_abi *filter)
{
    struct stk_ep *ep = &table->eps[sock];
    const struct stk_addr *group = &filter->group;
    if (filter->mode > STK_MCAST_FILTER_EXCLUDE || filter->count > STK_MCAST_SOURCES_MAX ||
        (filter->count > 0 && filter->chunk >= table->region->chunks_count)) {
        return STK_EINVAL;
    }
    if (filter->count > 0) {
        memcpy(table->sources_scratch, stk_chunk_ptr(table->region, filter->chunk), filter->count * (size_t)16);
    }
    for (uint32_t i = 0; i < filter->count; i++) {
        if (!source_fits(group->family, table->sources_scratch[i])) {
            return STK_EINVAL;
        }
    }
    struct stk_ep_mcast_at at;
    struct stk_inst_scope scope;
    int err = place_enter(ep, group, filter->if_index, &at, &scope);
    if (err == STK_OK) {
        err = filter_replace(&at, (uint8_t)filter->mode, (const uint8_t(*)[16])table->sources_scratch, filter->count);
        stk_inst_leave(scope);
    }
    return err;
}

int stk_ep_mcast_filter_get(struct stk_ep_table *table, uint32_t sock, const struct stk_mcast_filter_abi *filter,
                            uint32_t *mode, uint32_t *count)
{
    struct stk_ep *ep = &table->eps[sock];
    struct stk_ep_mcast_at at;
    struct stk_inst_scope scope;
    const uint32_t room = filter->count < STK_MCAST_SOURCES_MAX ? filter->count : STK_MCAST_SOURCES_MAX;
    if (room > 0 && filter->chunk >= table->region->chunks_count) {
        return STK_EINVAL;
    }
    int err = place_enter(ep, &filter->group, filter->if_index, &at, &scope);
    if (err != STK_OK) {
        return err;
    }
    const uint32_t index = *stk_ep_member_find(ep, &at.group, at.if_index);
    stk_inst_leave(scope);
    if (index == STK_EP_NONE || table->members[index].gone) {
        return STK_EADDRNOTAVAIL;
    }
    const struct stk_ep_member *member = &table->members[index];
    uint32_t put = 0;
    for (uint32_t i = member->sources; i != STK_EP_NONE && put < room; i = table->sources[i].next) {
        memcpy(stk_chunk_ptr(table->region, filter->chunk) + put * (size_t)16, table->sources[i].ip, 16);
        put++;
    }
    *mode = member->mode;
    *count = member->sources_count;
    return STK_OK;
}

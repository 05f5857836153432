#include "lwip/stk_ep_mcast.h"

#include <stdlib.h>
#include <string.h>

/** Sources in the table for each membership there can be. */
#define SOURCES_PER_MEMBER 4u

/* --- Pools ---------------------------------------------------------------- */

int stk_ep_mcast_table_init(struct stk_ep_table *table, uint32_t members_max)
{
    const uint32_t sources_max = members_max * SOURCES_PER_MEMBER;
    table->members = calloc(members_max, sizeof(*table->members));
    table->sources = calloc(sources_max, sizeof(*table->sources));
    table->sources_scratch = calloc(STK_MCAST_SOURCES_MAX, sizeof(*table->sources_scratch));
    if (table->members == NULL || table->sources == NULL || table->sources_scratch == NULL) {
        return STK_ENOMEM;
    }
    for (uint32_t i = 0; i < members_max; i++) {
        table->members[i].next = i + 1 < members_max ? i + 1 : STK_EP_NONE;
    }
    for (uint32_t i = 0; i < sources_max; i++) {
        table->sources[i].next = i + 1 < sources_max ? i + 1 : STK_EP_NONE;
    }
    table->members_free = members_max > 0 ? 0 : STK_EP_NONE;
    table->sources_free = sources_max > 0 ? 0 : STK_EP_NONE;
    return STK_OK;
}

void stk_ep_mcast_table_fini(struct stk_ep_table *table)
{
    free(table->members);
    free(table->sources);
    free(table->sources_scratch);
}

uint32_t *stk_ep_source_find(struct stk_ep_table *table, struct stk_ep_member *member, const uint8_t ip[16])
{
    uint32_t *link = &member->sources;
    while (*link != STK_EP_NONE && memcmp(table->sources[*link].ip, ip, 16) != 0) {
        link = &table->sources[*link].next;
    }
    return link;
}

bool stk_ep_source_take(struct stk_ep_table *table, struct stk_ep_member *member, const uint8_t ip[16])
{
    const uint32_t index = table->sources_free;
    if (index == STK_EP_NONE || member->sources_count == STK_MCAST_SOURCES_MAX) {
        return false;
    }
    uint32_t *link = &member->sources;
    while (*link != STK_EP_NONE) { /* a filter is read back in the order in which it was made */
        link = &table->sources[*link].next;
    }
    table->sources_free = table->sources[index].next;
    *link = index;
    table->sources[index].next = STK_EP_NONE;
    memcpy(table->sources[index].ip, ip, 16);
    member->sources_count++;
    return true;
}

void stk_ep_source_give(struct stk_ep_table *table, struct stk_ep_member *member, uint32_t *link)
{
    const uint32_t index = *link;
    *link = table->sources[index].next;
    table->sources[index].next = table->sources_free;
    table->sources_free = index;
    member->sources_count--;
}

uint32_t *stk_ep_member_find(struct stk_ep *ep, const struct stk_addr *group, uint32_t if_index)
{
    uint32_t *link = &ep->mcast_head;
    for (; *link != STK_EP_NONE; link = &ep->table->members[*link].next) {
        const struct stk_ep_member *member = &ep->table->members[*link];
        if (member->if_index == if_index && stk_ep_addr_equal_ip(&member->group, group)) {
            break;
        }
    }
    return link;
}

uint32_t stk_ep_member_take(const struct stk_ep_mcast_at *at, uint8_t mode)
{
    struct stk_ep_table *table = at->ep->table;
    const uint32_t index = table->members_free;
    if (index == STK_EP_NONE) {
        return STK_EP_NONE;
    }
    table->members_free = table->members[index].next;
    table->members[index] = (struct stk_ep_member){.next = at->ep->mcast_head,
                                                   .inst = stk_ep_inst_here(table),
                                                   .if_index = at->if_index,
                                                   .group = at->group,
                                                   .sources = STK_EP_NONE,
                                                   .mode = mode};
    at->ep->mcast_head = index;
    return index;
}

void stk_ep_member_give(struct stk_ep_table *table, uint32_t *link)
{
    const uint32_t index = *link;
    struct stk_ep_member *member = &table->members[index];
    while (member->sources != STK_EP_NONE) {
        stk_ep_source_give(table, member, &member->sources);
    }
    *link = member->next;
    member->next = table->members_free;
    table->members_free = index;
}

void stk_ep_member_detach(const struct stk_ep_table *table, const struct stk_ep_member *member, struct netif *netif)
{
    const struct stk_mcast_wire *wire = stk_mcast_wire_of(member->group.family == STK_AF_INET6);
    struct stk_mcast_group *group = stk_mcast_find(netif, wire, member->group.ip);
    if (group == NULL || member->gone) {
        return;
    }
    const enum stk_mcast_mode mode = (enum stk_mcast_mode)member->mode;
    for (uint32_t i = member->sources; i != STK_EP_NONE; i = table->sources[i].next) {
        stk_mcast_source_drop(group, table->sources[i].ip, mode);
    }
    group->users[mode]--;
    stk_mcast_settle(group);
}

void stk_ep_mcast_leave_all(struct stk_ep *ep)
{
    while (ep->mcast_head != STK_EP_NONE) {
        const struct stk_ep_member *member = &ep->table->members[ep->mcast_head];
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[member->inst]);
        struct netif *netif = netif_get_by_index((u8_t)member->if_index);
        if (netif != NULL) {
            stk_ep_member_detach(ep->table, member, netif);
        }
        stk_inst_leave(scope);
        stk_ep_member_give(ep->table, &ep->mcast_head);
    }
}

/* --- Delivery ---------------------------------------------------------------- */

/* Where the address of the packet's family stands: sockets of both families see IPv4 ones mapped. */
static const uint8_t *ip_of(const struct stk_addr *addr, bool v6)
{
    return addr->family == STK_AF_INET6 && !v6 ? addr->ip + 12 : addr->ip;
}

static const struct stk_ep_member *member_of(const struct stk_ep *ep, const struct stk_dgram_abi *record, bool v6)
{
    const uint16_t family = v6 ? STK_AF_INET6 : STK_AF_INET;
    for (uint32_t at = ep->mcast_head; at != STK_EP_NONE; at = ep->table->members[at].next) {
        const struct stk_ep_member *member = &ep->table->members[at];
        if (member->if_index == record->if_index && !member->gone && member->group.family == family &&
            memcmp(member->group.ip, ip_of(&record->local, v6), v6 ? 16 : 4) == 0) {
            return member;
        }
    }
    return NULL;
}

/* As a member, and of this source. */
static bool member_wants(const struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    const bool v6 = ip_current_is_v6();
    const struct stk_ep_member *member = member_of(ep, record, v6);
    if (member == NULL) {
        return ep->type == STK_SOCK_RAW; /* RAW sockets see what the host takes, but for what they filter themselves */
    }
    const uint8_t *from = ip_of(&record->addr, v6);
    uint32_t at = member->sources;
    while (at != STK_EP_NONE && memcmp(ep->table->sources[at].ip, from, v6 ? 16 : 4) != 0) {
        at = ep->table->sources[at].next;
    }
    return (at != STK_EP_NONE) == (member->mode == STK_MCAST_INCLUDE);
}

/* X15: whether one hears one's own host is the receiver's choice in IPv4, in IPv6 the sender's. */
bool stk_ep_mcast_accepts(const struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    if (!ep->opts.mcast_loop && !ip_current_is_v6() && stk_ep_ip_own(ip_current_src_addr())) {
        return false;
    }
    return member_wants(ep, record);
}

/* --- Sending -------------------------------------------------------------------- */

static bool heard_here(const struct stk_ep *ep, const ip_addr_t *from, const ip_addr_t *group)
{
    const bool v6 = IP_IS_V6(group);
    if (v6 && !ep->opts.mcast_loop) {
        return false;
    }
    const struct netif *netif = ep->opts.mcast_if != 0 ? netif_get_by_index((u8_t)ep->opts.mcast_if)
                                                       : ip_route(from, group);
    const uint8_t *ip = v6 ? (const uint8_t *)ip_2_ip6(group)->addr : (const uint8_t *)&ip_2_ip4(group)->addr;
    if (netif == NULL || (netif->flags & NETIF_FLAG_ETHERNET) == 0) {
        return false; /* what leaves by loopback comes back by itself */
    }
    const struct stk_mcast_group *here = stk_mcast_find(netif, stk_mcast_wire_of(v6), ip);
    return here != NULL && here->wanted;
}

void stk_ep_mcast_loop_set(const struct stk_ep *ep, struct ip_pcb *pcb, const ip_addr_t *group)
{
    const bool loop = heard_here(ep, &pcb->local_ip, group);
    if (ep->type == STK_SOCK_RAW) {
        struct raw_pcb *raw = (struct raw_pcb *)(void *)pcb;
        raw->flags = (u8_t)(loop ? raw->flags | RAW_FLAGS_MULTICAST_LOOP : raw->flags & ~RAW_FLAGS_MULTICAST_LOOP);
    } else {
        struct udp_pcb *udp = (struct udp_pcb *)(void *)pcb;
        udp->flags = (u8_t)(loop ? udp->flags | UDP_FLAGS_MULTICAST_LOOP : udp->flags & ~UDP_FLAGS_MULTICAST_LOOP);
    }
}

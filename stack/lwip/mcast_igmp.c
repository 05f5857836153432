/*
 * IGMP: stands for lwIP's igmp.c. Hosts speak version 3 (RFC 3376), and 2 or 1 (RFC 2236, RFC 1112) to routers that know no
 * better.
 */
#include "lwip/mcast.h"

#include "instance_priv.h"

#include "lwip/igmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip4.h"
#include "lwip/stats.h"

#include <string.h>

#define QUERY 0x11u
#define REPORT_1 0x12u
#define REPORT_2 0x16u
#define LEAVE_2 0x17u
#define REPORT_3 0x22u

#define OLD_BYTES 8u
#define QUERY_3_BYTES 12u
#define TTL 1u
#define TOS_CONTROL 0xc0u /* RFC 3376 4: internetwork control */
#define ROUTER_ALERT_BYTES 4u

static const uint8_t all_systems[4] = {224, 0, 0, 1};
static const uint8_t all_routers[4] = {224, 0, 0, 2};
static const uint8_t all_v3_routers[4] = {224, 0, 0, 22};

/* --- Sending --------------------------------------------------------------------- */

static void message_send(struct netif *netif, struct pbuf *p, const uint8_t to[4])
{
    static const uint8_t router_alert[ROUTER_ALERT_BYTES] = {0x94, 4, 0, 0}; /* RFC 2113 */
    ip4_addr_t dest;
    u16_t option[ROUTER_ALERT_BYTES / 2];
    uint8_t *message = p->payload;
    memset(message + 2, 0, 2);
    const u16_t sum = inet_chksum_pbuf(p);
    memcpy(message + 2, &sum, sizeof(sum));
    memcpy(&dest.addr, to, sizeof(dest.addr));
    memcpy(option, router_alert, sizeof(option));
    if (!netif_is_up(netif) || !netif_is_link_up(netif)) {
        return; /* when it comes up, everything is announced */
    }
    IGMP_STATS_INC(igmp.xmit);
    (void)ip4_output_if_opt(p, netif_ip4_addr(netif), &dest, TTL, TOS_CONTROL, IP_PROTO_IGMP, netif, option,
                            ROUTER_ALERT_BYTES);
}

static void igmp_report_send(struct stk_mcast_if *on, struct pbuf *p)
{
    *(uint8_t *)p->payload = REPORT_3;
    IGMP_STATS_INC(igmp.tx_report);
    message_send(on->netif, p, all_v3_routers);
}

static void igmp_old_send(struct stk_mcast_if *on, const struct stk_mcast_group *group, bool leave)
{
    const bool first = stk_mcast_version(on) == 1;
    if (first && leave) {
        return; /* version 1 has no farewell */
    }
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, OLD_BYTES, PBUF_RAM);
    if (p == NULL) {
        IGMP_STATS_INC(igmp.memerr);
        return;
    }
    uint8_t *message = p->payload;
    memset(message, 0, OLD_BYTES);
    message[0] = leave ? LEAVE_2 : first ? REPORT_1 : REPORT_2;
    memcpy(message + 4, group->ip, 4);
    message_send(on->netif, p, leave ? all_routers : group->ip);
    pbuf_free(p);
}

static void igmp_filter(struct netif *netif, const uint8_t *ip, enum netif_mac_filter_action action)
{
    ip4_addr_t group;
    memcpy(&group.addr, ip, sizeof(group.addr));
    if (netif->igmp_mac_filter != NULL) {
        (void)netif->igmp_mac_filter(netif, &group, action);
    }
}

static bool igmp_silent(const uint8_t *ip)
{
    return memcmp(ip, all_systems, sizeof(all_systems)) == 0;
}

static const struct stk_mcast_wire wire_igmp = {
    .group_pool = MEMP_IGMP_GROUP,
    .ip_bytes = 4,
    .version = 3,
    .overhead_bytes = IP_HLEN + ROUTER_ALERT_BYTES,
    .report_send = igmp_report_send,
    .old_send = igmp_old_send,
    .filter = igmp_filter,
    .silent = igmp_silent,
};

const struct stk_mcast_wire *stk_mcast_wire_igmp(void)
{
    return &wire_igmp;
}

/* --- Receiving --------------------------------------------------------------------- */

/* RFC 3376 4.1.1 and 4.1.7: above 127 a mantissa and an exponent. */
static uint32_t code_value(uint8_t code)
{
    return code < 128 ? code : ((code & 0x0fu) | 0x10u) << (((code >> 4) & 7u) + 3u);
}

/* Version, times and sources; false: no query. RFC 3376 7.1: the length tells the versions apart. */
static bool query_read(const struct pbuf *p, struct stk_mcast_query *query, uint8_t sources[][16])
{
    uint8_t head[QUERY_3_BYTES] = {0};
    (void)pbuf_copy_partial(p, head, sizeof(head), 0);
    if (p->tot_len == OLD_BYTES) {
        query->version = head[1] == 0 ? 1 : 2;
        query->max_ticks = head[1] == 0 ? STK_MCAST_OLD_RESPONSE_TICKS : head[1];
        return true;
    }
    const uint32_t count = (uint32_t)head[10] << 8 | head[11];
    if (p->tot_len < QUERY_3_BYTES + 4 * count) {
        return false;
    }
    query->version = 3;
    query->max_ticks = code_value(head[1]);
    query->robustness = head[8] & 7u;
    query->interval_ticks = code_value(head[9]) * (1000u / STK_MCAST_TICK_MS);
    query->all_sources = count > STK_MCAST_QUERIED_MAX;
    query->sources_count = query->all_sources ? 0 : count;
    for (uint32_t i = 0; i < query->sources_count; i++) {
        (void)pbuf_copy_partial(p, sources[i], 4, (u16_t)(QUERY_3_BYTES + 4 * i));
    }
    return true;
}

static void query_input(const struct pbuf *p, struct stk_mcast_if *on, const uint8_t group[4], const uint8_t dest[4])
{
    uint8_t sources[STK_MCAST_QUERIED_MAX][16];
    struct stk_mcast_query query = {.sources = (const uint8_t(*)[16])sources};
    const bool general = memcmp(group, "\0\0\0", 4) == 0;
    const bool to_all = memcmp(dest, all_systems, 4) == 0;
    if (!query_read(p, &query, sources) || (general && !to_all) ||
        (!general && ((group[0] & 0xf0) != 0xe0 || (!to_all && memcmp(dest, group, 4) != 0)))) {
        IGMP_STATS_INC(igmp.proterr);
        return;
    }
    query.group = general ? NULL : group;
    if (general) {
        IGMP_STATS_INC(igmp.rx_general);
    } else {
        IGMP_STATS_INC(igmp.rx_group);
    }
    stk_mcast_query(on, &query);
}

void igmp_input(struct pbuf *p, struct netif *inp, const ip4_addr_t *dest)
{
    struct stk_mcast_if *on = stk_mcast_if_of(inp, &wire_igmp);
    uint8_t head[OLD_BYTES];
    IGMP_STATS_INC(igmp.recv);
    if (pbuf_copy_partial(p, head, sizeof(head), 0) != sizeof(head)) {
        IGMP_STATS_INC(igmp.lenerr);
    } else if (inet_chksum_pbuf(p) != 0) {
        IGMP_STATS_INC(igmp.chkerr);
    } else if (on == NULL) {
        IGMP_STATS_INC(igmp.drop);
    } else if (head[0] == QUERY) {
        query_input(p, on, head + 4, (const uint8_t *)&dest->addr);
    } else if (head[0] == REPORT_1 || head[0] == REPORT_2) {
        IGMP_STATS_INC(igmp.rx_report);
        stk_mcast_heard(on, head + 4);
    } else {
        IGMP_STATS_INC(igmp.drop); /* for routers */
    }
    pbuf_free(p);
}

/* --- What lwIP calls ------------------------------------------------------------------ */

void igmp_init(void)
{
}

static const uint8_t *bytes_of(const ip4_addr_t *ip)
{
    return (const uint8_t *)&ip->addr;
}

err_t igmp_start(struct netif *netif)
{
    ip4_addr_t group;
    memcpy(&group.addr, all_systems, sizeof(group.addr));
    return igmp_joingroup_netif(netif, &group);
}

err_t igmp_stop(struct netif *netif)
{
    stk_mcast_if_stop(netif, &wire_igmp);
    return ERR_OK;
}

void igmp_report_groups(struct netif *netif)
{
    struct stk_mcast_if *on = stk_mcast_if_of(netif, &wire_igmp);
    if (on != NULL) {
        stk_mcast_announce(on);
    }
}

/* lwIP asks only whether there is one. */
struct igmp_group *igmp_lookfor_group(struct netif *ifp, const ip4_addr_t *addr)
{
    const struct stk_mcast_group *group = stk_mcast_find(ifp, &wire_igmp, bytes_of(addr));
    return group != NULL && group->wanted ? &stk_inst_selected()->mcast_any4 : NULL;
}

err_t igmp_joingroup_netif(struct netif *netif, const ip4_addr_t *groupaddr)
{
    struct stk_mcast_group *group = ip4_addr_ismulticast(groupaddr)
                                        ? stk_mcast_get(netif, &wire_igmp, bytes_of(groupaddr))
                                        : NULL;
    if (group == NULL) {
        return ip4_addr_ismulticast(groupaddr) ? ERR_MEM : ERR_VAL;
    }
    group->users[STK_MCAST_EXCLUDE]++;
    stk_mcast_settle(group);
    return ERR_OK;
}

err_t igmp_leavegroup_netif(struct netif *netif, const ip4_addr_t *groupaddr)
{
    struct stk_mcast_group *group = stk_mcast_find(netif, &wire_igmp, bytes_of(groupaddr));
    if (group == NULL || group->users[STK_MCAST_EXCLUDE] == 0) {
        return ERR_VAL;
    }
    group->users[STK_MCAST_EXCLUDE]--;
    stk_mcast_settle(group);
    return ERR_OK;
}

void igmp_tmr(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif) {
        struct stk_mcast_if *on = stk_mcast_if_of(netif, &wire_igmp);
        if (on != NULL) {
            stk_mcast_tick(on);
        }
    }
}

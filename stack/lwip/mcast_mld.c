/*
 * MLD: stands for lwIP's mld6.c. Hosts speak version 2 (RFC 3810), and 1 (RFC 2710) to routers that know no better.
 */
#include "lwip/mcast.h"

#include "instance_priv.h"

#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/ip6.h"
#include "lwip/mld6.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/mld6.h"
#include "lwip/stats.h"

#include <string.h>

#define REPORT_2 143u
#define OLD_BYTES 24u
#define QUERY_2_BYTES 28u
#define HOP_LIMIT 1u

static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
static const uint8_t all_routers[16] = {0xff, 0x02, [15] = 2};
static const uint8_t all_v2_routers[16] = {0xff, 0x02, [15] = 0x16};

/* --- Sending --------------------------------------------------------------------- */

/* RFC 3810 5.2.13: the link-local address, or none while there is no valid one. */
static const ip6_addr_t *source_of(const struct netif *netif)
{
    const bool valid = ip6_addr_isvalid(netif_ip6_addr_state(netif, 0)) &&
                       ip6_addr_islinklocal(netif_ip6_addr(netif, 0));
    return valid ? netif_ip6_addr(netif, 0) : ip_2_ip6(IP6_ADDR_ANY);
}

static void message_send(struct netif *netif, struct pbuf *p, const uint8_t to[16])
{
    const ip6_addr_t *src = source_of(netif);
    uint8_t *message = p->payload;
    ip_addr_t dest;
    (void)stk_ip_from_bytes(STK_AF_INET6, to, &dest);
    ip6_addr_assign_zone(ip_2_ip6(&dest), IP6_MULTICAST, netif);
    memset(message + 2, 0, 2);
    IF__NETIF_CHECKSUM_ENABLED(netif, NETIF_CHECKSUM_GEN_ICMP6)
    {
        const u16_t sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, src, ip_2_ip6(&dest));
        memcpy(message + 2, &sum, sizeof(sum));
    }
    if (!netif_is_up(netif) || !netif_is_link_up(netif) ||
        ip6_options_add_hbh_ra(p, IP6_NEXTH_ICMP6, IP6_ROUTER_ALERT_VALUE_MLD) != ERR_OK) {
        return; /* when it comes up, everything is announced */
    }
    MLD6_STATS_INC(mld6.xmit);
    (void)ip6_output_if(p, ip6_addr_isany(src) ? NULL : src, ip_2_ip6(&dest), HOP_LIMIT, 0, IP6_NEXTH_HOPBYHOP, netif);
}

static void mld_report_send(struct stk_mcast_if *on, struct pbuf *p)
{
    *(uint8_t *)p->payload = REPORT_2;
    MLD6_STATS_INC(mld6.tx_report);
    message_send(on->netif, p, all_v2_routers);
}

static void mld_old_send(struct stk_mcast_if *on, const struct stk_mcast_group *group, bool leave)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, OLD_BYTES, PBUF_RAM);
    if (p == NULL) {
        MLD6_STATS_INC(mld6.memerr);
        return;
    }
    uint8_t *message = p->payload;
    memset(message, 0, OLD_BYTES);
    message[0] = leave ? ICMP6_TYPE_MLD : ICMP6_TYPE_MLR;
    memcpy(message + 8, group->ip, 16);
    message_send(on->netif, p, leave ? all_routers : group->ip);
    pbuf_free(p);
}

static void mld_filter(struct netif *netif, const uint8_t *ip, enum netif_mac_filter_action action)
{
    ip_addr_t group;
    (void)stk_ip_from_bytes(STK_AF_INET6, ip, &group);
    ip6_addr_assign_zone(ip_2_ip6(&group), IP6_MULTICAST, netif);
    if (netif->mld_mac_filter != NULL) {
        (void)netif->mld_mac_filter(netif, ip_2_ip6(&group), action);
    }
}

/* RFC 3810 6: all nodes, and what does not leave the interface. */
static bool mld_silent(const uint8_t *ip)
{
    return memcmp(ip, all_nodes, sizeof(all_nodes)) == 0 || (ip[1] & 0x0f) < 2;
}

static const struct stk_mcast_wire wire_mld = {
    .group_pool = MEMP_MLD6_GROUP,
    .ip_bytes = 16,
    .version = 2,
    .overhead_bytes = IP6_HLEN + MLD6_HBH_HLEN,
    .report_send = mld_report_send,
    .old_send = mld_old_send,
    .filter = mld_filter,
    .silent = mld_silent,
};

const struct stk_mcast_wire *stk_mcast_wire_of(bool v6)
{
    return v6 ? &wire_mld : stk_mcast_wire_igmp();
}

/* --- Receiving --------------------------------------------------------------------- */

/* RFC 3810 5.1.3: above 32767 a mantissa and an exponent. */
static uint32_t delay_ms(uint32_t code)
{
    return code < 0x8000 ? code : ((code & 0x0fffu) | 0x1000u) << (((code >> 12) & 7u) + 3u);
}

/* RFC 3810 5.1.9: likewise above 127. */
static uint32_t interval_s(uint8_t code)
{
    return code < 128 ? code : ((code & 0x0fu) | 0x10u) << (((code >> 4) & 7u) + 3u);
}

/* RFC 3810 6.2: with a hop-by-hop header that has a router alert. lwIP has checked that it is there whole. */
static bool router_alert_present(void)
{
    const uint8_t *header = (const uint8_t *)ip6_current_header();
    if (header[6] != IP6_NEXTH_HOPBYHOP) {
        return false;
    }
    const uint8_t *hbh = header + IP6_HLEN;
    const uint32_t bytes = 8u * (hbh[1] + 1u);
    for (uint32_t at = 2; at + 1 < bytes;) {
        if (hbh[at] == IP6_ROUTER_ALERT_OPTION) {
            return true;
        }
        at += hbh[at] == IP6_PAD1_OPTION ? 1u : 2u + hbh[at + 1];
    }
    return false;
}

static bool query_read(const struct pbuf *p, struct stk_mcast_query *query, uint8_t sources[][16])
{
    uint8_t head[QUERY_2_BYTES] = {0};
    (void)pbuf_copy_partial(p, head, sizeof(head), 0);
    const uint32_t code = (uint32_t)head[4] << 8 | head[5];
    if (p->tot_len == OLD_BYTES) {
        query->version = 1;
        query->max_ticks = code / STK_MCAST_TICK_MS;
        return true;
    }
    const uint32_t count = (uint32_t)head[26] << 8 | head[27];
    if (p->tot_len < QUERY_2_BYTES + 16 * count) {
        return false;
    }
    query->version = 2;
    query->max_ticks = delay_ms(code) / STK_MCAST_TICK_MS;
    query->robustness = head[24] & 7u;
    query->interval_ticks = interval_s(head[25]) * (1000u / STK_MCAST_TICK_MS);
    query->all_sources = count > STK_MCAST_QUERIED_MAX;
    query->sources_count = query->all_sources ? 0 : count;
    for (uint32_t i = 0; i < query->sources_count; i++) {
        (void)pbuf_copy_partial(p, sources[i], 16, (u16_t)(QUERY_2_BYTES + 16 * i));
    }
    return true;
}

static void query_input(const struct pbuf *p, struct stk_mcast_if *on, const uint8_t group[16])
{
    static const uint8_t none[16];
    uint8_t sources[STK_MCAST_QUERIED_MAX][16];
    struct stk_mcast_query query = {.sources = (const uint8_t(*)[16])sources};
    const uint8_t *dest = (const uint8_t *)ip6_current_dest_addr()->addr;
    const bool general = memcmp(group, none, sizeof(none)) == 0;
    const bool to_all = memcmp(dest, all_nodes, sizeof(all_nodes)) == 0;
    if (!ip6_addr_islinklocal(ip6_current_src_addr()) || IP6H_HOPLIM(ip6_current_header()) != HOP_LIMIT ||
        !router_alert_present() || !query_read(p, &query, sources) || (general && !to_all) ||
        (!general && (group[0] != 0xff || (!to_all && memcmp(dest, group, 16) != 0)))) {
        MLD6_STATS_INC(mld6.proterr);
        return;
    }
    query.group = general ? NULL : group;
    if (general) {
        MLD6_STATS_INC(mld6.rx_general);
    } else {
        MLD6_STATS_INC(mld6.rx_group);
    }
    stk_mcast_query(on, &query);
}

void mld6_input(struct pbuf *p, struct netif *inp)
{
    struct stk_mcast_if *on = stk_mcast_if_of(inp, &wire_mld);
    uint8_t head[OLD_BYTES];
    MLD6_STATS_INC(mld6.recv);
    if (pbuf_copy_partial(p, head, sizeof(head), 0) != sizeof(head)) {
        MLD6_STATS_INC(mld6.lenerr);
    } else if (on == NULL) {
        MLD6_STATS_INC(mld6.drop);
    } else if (head[0] == ICMP6_TYPE_MLQ) {
        query_input(p, on, head + 8);
    } else if (head[0] == ICMP6_TYPE_MLR) {
        MLD6_STATS_INC(mld6.rx_report);
        stk_mcast_heard(on, head + 8);
    } else {
        MLD6_STATS_INC(mld6.drop); /* for routers */
    }
    pbuf_free(p);
}

/* --- What lwIP calls ------------------------------------------------------------------ */

static const uint8_t *bytes_of(const ip6_addr_t *ip)
{
    return (const uint8_t *)ip->addr;
}

err_t mld6_stop(struct netif *netif)
{
    stk_mcast_if_stop(netif, &wire_mld);
    return ERR_OK;
}

void mld6_report_groups(struct netif *netif)
{
    struct stk_mcast_if *on = stk_mcast_if_of(netif, &wire_mld);
    if (on != NULL) {
        stk_mcast_announce(on);
    }
}

/* lwIP asks only whether there is one. */
struct mld_group *mld6_lookfor_group(struct netif *ifp, const ip6_addr_t *addr)
{
    const struct stk_mcast_group *group = stk_mcast_find(ifp, &wire_mld, bytes_of(addr));
    return group != NULL && group->wanted ? &stk_inst_selected()->mcast_any6 : NULL;
}

err_t mld6_joingroup_netif(struct netif *netif, const ip6_addr_t *groupaddr)
{
    struct stk_mcast_group *group = stk_mcast_get(netif, &wire_mld, bytes_of(groupaddr));
    if (group == NULL) {
        return ERR_MEM;
    }
    group->users[STK_MCAST_EXCLUDE]++;
    stk_mcast_settle(group);
    return ERR_OK;
}

err_t mld6_leavegroup_netif(struct netif *netif, const ip6_addr_t *groupaddr)
{
    struct stk_mcast_group *group = stk_mcast_find(netif, &wire_mld, bytes_of(groupaddr));
    if (group == NULL || group->users[STK_MCAST_EXCLUDE] == 0) {
        return ERR_VAL;
    }
    group->users[STK_MCAST_EXCLUDE]--;
    stk_mcast_settle(group);
    return ERR_OK;
}

void mld6_tmr(void)
{
    struct netif *netif;
    NETIF_FOREACH(netif) {
        struct stk_mcast_if *on = stk_mcast_if_of(netif, &wire_mld);
        if (on != NULL) {
            stk_mcast_tick(on);
        }
    }
}

/* RAW sockets: headers that the program gives, ICMPv6 checksums, and whole packets of an interface (SIO_RCVALL). */
#include "lwip/stk_ep_priv.h"

#include "lwip/netif_priv.h"

#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"

#include <string.h>

#define TYPE_IP4 0x0800u
#define TYPE_IP6 0x86ddu
#define TYPE_VLAN 0x8100u

/* --- Transmit ------------------------------------------------------------------ */

/* The source where the program left it out: the socket's, else that of the way. */
static void source_fill(struct ip_hdr *header, const ip_addr_t *to, const ip_addr_t *local)
{
    if (ip4_addr_get_u32(&header->src) != 0) {
        return;
    }
    if (IP_IS_V4(local) && !ip_addr_isany(local)) {
        header->src.addr = ip4_addr_get_u32(ip_2_ip4(local));
        return;
    }
    struct netif *netif = ip_route(local, to);
    if (netif != NULL) {
        header->src.addr = ip4_addr_get_u32(netif_ip4_addr(netif));
    }
}

bool stk_ep_raw_header(struct pbuf *p, const ip_addr_t *to, const ip_addr_t *local)
{
    if (IP_IS_V6(to)) {
        struct ip6_hdr *header = p->payload;
        if (p->len < IP6_HLEN || IP6H_V(header) != 6) {
            return false;
        }
        IP6H_PLEN_SET(header, (u16_t)(p->tot_len - IP6_HLEN));
        return true;
    }
    struct ip_hdr *header = p->payload;
    if (p->len < IP_HLEN || IPH_V(header) != 4 || IPH_HL_BYTES(header) < IP_HLEN || IPH_HL_BYTES(header) > p->len) {
        return false;
    }
    IPH_LEN_SET(header, lwip_htons(p->tot_len));
    if (IPH_ID(header) == 0) {
        IPH_ID_SET(header, lwip_htons(++stk_inst_selected()->raw_id));
    }
    source_fill(header, to, local);
    IPH_CHKSUM_SET(header, 0);
    IPH_CHKSUM_SET(header, inet_chksum(header, (u16_t)IPH_HL_BYTES(header)));
    return true;
}

/* RFC 3542 3.1: the checksum of ICMPv6 is the stack's; lwIP sums over what stands in its place. */
bool stk_ep_raw_checksum(const struct stk_ep *ep, struct pbuf *p)
{
    if (ep->family != STK_AF_INET6 || ep->protocol != IP6_NEXTH_ICMP6) {
        return true;
    }
    if (p->len < STK_EP_ICMP6_CHECKSUM + 2) {
        return false;
    }
    memset((uint8_t *)p->payload + STK_EP_ICMP6_CHECKSUM, 0, 2);
    return true;
}

/* --- Capture --------------------------------------------------------------------- */

/* What the IP header says; false: none of this version. */
static bool record_of(struct stk_dgram_abi *record, const struct pbuf *p, uint16_t type, ip_addr_t *to)
{
    struct ip_hdr header4;
    struct ip6_hdr header6;
    memset(record, 0, sizeof(*record));
    if (type == TYPE_IP4) {
        if (pbuf_copy_partial(p, &header4, IP_HLEN, 0) != IP_HLEN || IPH_V(&header4) != 4) {
            return false;
        }
        record->addr.family = STK_AF_INET;
        record->local.family = STK_AF_INET;
        memcpy(record->addr.ip, &header4.src, 4);
        memcpy(record->local.ip, &header4.dest, 4);
        record->ttl = IPH_TTL(&header4);
        record->tos = IPH_TOS(&header4);
    } else {
        if (type != TYPE_IP6 || pbuf_copy_partial(p, &header6, IP6_HLEN, 0) != IP6_HLEN || IP6H_V(&header6) != 6) {
            return false;
        }
        record->addr.family = STK_AF_INET6;
        record->local.family = STK_AF_INET6;
        memcpy(record->addr.ip, &header6.src, 16);
        memcpy(record->local.ip, &header6.dest, 16);
        record->ttl = IP6H_HOPLIM(&header6);
        record->tos = IP6H_TC(&header6);
    }
    return stk_ip_from_bytes(record->local.family, record->local.ip, to);
}

/* STK_RCVALL_IP: what this host takes. */
static bool taken_here(const ip_addr_t *to, struct netif *netif)
{
    return ip_addr_ismulticast(to) || stk_ep_ip_own(to) || ip_addr_isbroadcast(to, netif);
}

/* STK_RCVALL_GROUPS: incoming ones, by the IPv4 header. What the host takes itself does not come a second time. */
static bool group_wanted(const struct stk_ep *ep, const struct pbuf *p, const ip_addr_t *to, bool out)
{
    return !out && ip_addr_ismulticast(to) && pbuf_get_at(p, 9) == ep->protocol;
}

static void tap_deliver(struct stk_ep *ep, struct pbuf *p, struct stk_dgram_abi *record, const ip_addr_t *to, bool out)
{
    struct stk_netif *nif = ep->tap;
    if (record->addr.family != ep->family || (ep->opts.rcvall == STK_RCVALL_GROUPS && !group_wanted(ep, p, to, out)) ||
        (!out && ep->opts.rcvall == STK_RCVALL_IP && !taken_here(to, &nif->netifs[0]))) {
        return;
    }
    const bool strip = ep->family == STK_AF_INET6; /* RAW-8 */
    if (strip && pbuf_remove_header(p, IP6_HLEN) != 0) {
        return;
    }
    (void)stk_ep_dgram_store(ep, record, p);
    if (strip) {
        (void)pbuf_add_header_force(p, IP6_HLEN);
    }
}

static void tap_frame(struct stk_netif *nif, struct pbuf *p, bool out)
{
    struct stk_ep_table *table = nif->tap_ctx;
    uint8_t ether[18];
    uint32_t l2 = 14;
    if (pbuf_copy_partial(p, ether, sizeof(ether), 0) < 14) {
        return;
    }
    uint16_t type = (uint16_t)(ether[12] << 8 | ether[13]);
    if (type == TYPE_VLAN) {
        type = (uint16_t)(ether[16] << 8 | ether[17]);
        l2 = 18;
    }
    struct stk_dgram_abi record;
    ip_addr_t to;
    if (p->len < l2 || pbuf_remove_header(p, l2) != 0) {
        return;
    }
    if (record_of(&record, p, type, &to)) {
        record.if_index = nif->if_index;
        for (uint32_t i = 0; i < table->taps_count; i++) {
            struct stk_ep *ep = &table->eps[table->taps[i]];
            struct stk_dgram_abi each = record; /* the store completes it */
            if (ep->tap == nif) {
                tap_deliver(ep, p, &each, &to, out);
            }
        }
    }
    (void)pbuf_add_header_force(p, l2);
}

void stk_ep_raw_tap_end(struct stk_ep *ep)
{
    struct stk_ep_table *table = ep->table;
    struct stk_netif *nif = ep->tap;
    if (nif == NULL) {
        return;
    }
    ep->tap = NULL;
    bool wanted = false;
    for (uint32_t i = 0; i < table->taps_count; i++) {
        if (table->taps[i] == ep->index) {
            table->taps[i--] = table->taps[--table->taps_count];
            continue;
        }
        wanted = wanted || table->eps[table->taps[i]].tap == nif;
    }
    if (!wanted) {
        nif->tap = NULL;
    }
}

/* The port whose interface has the address that the socket is bound to. */
static struct stk_netif *tap_port(const struct stk_ep *ep)
{
    ip_addr_t local;
    struct netif *netif;
    if (!ep->bound || stk_ep_addr_any(&ep->local) || stk_ep_ip_from(ep, &ep->local, &local) != STK_OK) {
        return NULL;
    }
    NETIF_FOREACH(netif) {
        const bool has = IP_IS_V4(&local) ? ip4_addr_eq(netif_ip4_addr(netif), ip_2_ip4(&local))
                                          : netif_get_ip6_addr_match(netif, ip_2_ip6(&local)) >= 0;
        if (has && netif->state != NULL) {
            return netif->state;
        }
    }
    return NULL;
}

/* RAW-12. Not from one interface to another without being switched off between (rules 5.7). */
int stk_ep_raw_tap_set(struct stk_ep *ep, int32_t mode)
{
    if (ep->type != STK_SOCK_RAW || mode < STK_RCVALL_OFF || mode > STK_RCVALL_GROUPS || ep->inst == NULL) {
        return STK_EINVAL;
    }
    if (mode == STK_RCVALL_SOCKET) {
        return STK_OK;
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    struct stk_netif *nif = tap_port(ep);
    stk_inst_leave(scope);
    if (nif == NULL) {
        return STK_EINVAL;
    }
    if (mode == STK_RCVALL_OFF) {
        stk_ep_raw_tap_end(ep);
    } else if (ep->tap == NULL) {
        struct stk_ep_table *table = ep->table;
        if (table->taps_count == STK_EP_TAPS_MAX) {
            return STK_ENOMEM;
        }
        table->taps[table->taps_count++] = ep->index;
        ep->tap = nif;
        nif->tap_ctx = table;
        nif->tap = tap_frame;
    }
    ep->opts.rcvall = (uint8_t)mode;
    return STK_OK;
}

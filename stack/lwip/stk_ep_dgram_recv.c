#include "lwip/stk_ep_priv.h"

#include "instance_priv.h"

#include "ipc/lock.h"

#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"

#include <string.h>

static bool source_accepted(const struct stk_ep *ep, const struct stk_addr *from)
{
    if (!ep->peer_set) {
        return true;
    }
    return (ep->type == STK_SOCK_RAW || from->port == ep->peer.port) && stk_ep_addr_equal_ip(from, &ep->peer);
}

/* A group that is the peer has no address to send from: what is sent to it is its answer (WSPJOINLEAF-4). */
static bool record_accepted(const struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    if ((record->flags & STK_MSG_MCAST) == 0) {
        return source_accepted(ep, &record->addr);
    }
    const bool accepted = ep->peer_set && stk_ep_addr_mcast(&ep->peer)
                              ? memcmp(record->local.ip, ep->peer.ip, sizeof(ep->peer.ip)) == 0
                              : source_accepted(ep, &record->addr);
    return accepted && stk_ep_mcast_accepts(ep, record);
}

/* Fill the record of the packet that lwIP is delivering. */
static void record_fill(const struct stk_ep *ep, struct stk_dgram_abi *record, const ip_addr_t *addr, u16_t port)
{
    memset(record, 0, sizeof(*record));
    stk_ep_ip_to(ep, addr, port, &record->addr);
    stk_ep_ip_to(ep, ip_current_dest_addr(), ep->local.port, &record->local);
    record->if_index = stk_netif_index_of(ip_current_input_netif());
    if (ip_current_is_v6()) {
        record->ttl = IP6H_HOPLIM(ip6_current_header());
        record->tos = IP6H_TC(ip6_current_header());
    } else {
        record->ttl = IPH_TTL(ip4_current_header());
        record->tos = IPH_TOS(ip4_current_header());
    }
    if (ip_addr_ismulticast(ip_current_dest_addr())) {
        record->flags |= STK_MSG_MCAST;
    } else if (ip_addr_isbroadcast(ip_current_dest_addr(), ip_current_input_netif())) {
        record->flags |= STK_MSG_BCAST;
    }
}

/* SIO_ENABLE_CIRCULAR_QUEUEING: the oldest gives way. The queue is the application's to read: only under its lock, and never
 * waiting for it. */
static void oldest_drop(struct stk_ep *ep, uint64_t need)
{
    struct stk_sock_abi *abi = ep->abi;
    struct stk_region *region = ep->table->region;
    if (!stk_lock_try(&abi->rx_lock)) {
        return;
    }
    uint64_t head = atomic_load_explicit(&abi->rx_head, memory_order_acquire);
    while (ep->rx_tail - head >= sizeof(struct stk_dgram_abi) && ep->rx_tail - head <= STK_FIFO_MAX &&
           ep->rx_tail - head + need > abi->rx_limit) {
        struct stk_dgram_abi oldest;
        stk_fifo_read(region, abi->rx_slots, head, &oldest, sizeof(oldest));
        const uint64_t size = STK_DGRAM_SIZE(oldest.payload_bytes);
        if (size > ep->rx_tail - head) {
            break;
        }
        stk_fifo_release(region, abi->rx_slots, head, head + size);
        head += size;
        atomic_fetch_add_explicit(&abi->rx_payload_read, oldest.payload_bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&abi->rx_records_read, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&abi->rx_dropped, 1, memory_order_relaxed);
        ep->table->stats.udp_rx_full++;
        /* Edge F. */
        atomic_store_explicit(&abi->rx_head, head, memory_order_release);
    }
    stk_lock_give(&abi->rx_lock);
}

static bool record_store(struct stk_ep *ep, struct stk_dgram_abi *record, const struct pbuf *p)
{
    const uint64_t wanted = STK_DGRAM_SIZE(p->tot_len);
    if (ep->opts.circular && wanted <= ep->abi->rx_limit) {
        oldest_drop(ep, wanted);
    }
    struct stk_region *region = ep->table->region;
    const uint64_t head = atomic_load_explicit(&ep->abi->rx_head, memory_order_acquire);
    const uint64_t used = ep->rx_tail - head;
    const uint64_t need = STK_DGRAM_SIZE(p->tot_len);
    const uint32_t limit = ep->abi->rx_limit;
    if (limit == 0 && (uint32_t)atomic_load_explicit(&ep->abi->rx_posted, memory_order_acquire) ==
                          atomic_load_explicit(&ep->abi->rx_records, memory_order_relaxed)) {
        return false; /* BUF-8: nobody waits for it */
    }
    if (used > STK_FIFO_MAX || used + need > STK_FIFO_MAX || (used > 0 && used + need > limit)) {
        return false;
    }
    record->payload_bytes = p->tot_len;
    uint64_t at = ep->rx_tail;
    if (stk_fifo_write(region, ep->abi->rx_slots, at, record, sizeof(*record)) != sizeof(*record)) {
        return false;
    }
    at += sizeof(*record);
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        if (stk_fifo_write(region, ep->abi->rx_slots, at, q->payload, q->len) != q->len) {
            return false;
        }
        at += q->len;
    }
    static const uint8_t zero[8];
    const uint64_t end = ep->rx_tail + need;
    if (stk_fifo_write(region, ep->abi->rx_slots, at, zero, end - at) != end - at) {
        return false;
    }
    ep->rx_tail = end;
    ep->rx_payload += p->tot_len;
    atomic_store_explicit(&ep->abi->rx_payload, ep->rx_payload, memory_order_relaxed);
    atomic_fetch_add_explicit(&ep->abi->rx_records, 1, memory_order_relaxed);
    /* Edge E. */
    atomic_store_explicit(&ep->abi->rx_tail, end, memory_order_release);
    return true;
}

/* Could lwIP have chosen this socket of the port as well? */
static bool port_sharer(const struct stk_ep *ep, const struct stk_ep *other, const struct stk_dgram_abi *record)
{
    return other != ep && other->phase == STK_EP_HELD && !other->opts.reuse_mcastport && !other->rx_shut &&
           other->family == ep->family && (other->spread || other->inst == stk_inst_selected()) &&
           (other->local_by_peer || stk_ep_addr_any(&other->local) ||
            stk_ep_addr_equal_ip(&other->local, &record->local));
}

/* Of the sockets that share a port, who is connected to the source comes first, then who is not connected. lwIP does not
 * know of peers: it would answer what nobody wants with ICMP, which a connected socket does not (WSPCONNECT-5). */
static struct stk_ep *dgram_receiver(struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    struct stk_ep_table *table = ep->table;
    const bool alone = ep->opts.exclusive &&
                       ep->port_name != 0; /* RU-5: nothing of this address is the any address's */
    /* Who is closed and still sends has no port any more: it may be another's. */
    const bool held = ep->phase == STK_EP_HELD;
    if (ep->type != STK_SOCK_DGRAM || (record->flags & (STK_MSG_MCAST | STK_MSG_BCAST)) != 0 ||
        (held && (alone || (ep->peer_set && source_accepted(ep, &record->addr)) || stk_ep_port_alone(ep)))) {
        return ep;
    }
    struct stk_ep *best = ep;
    struct stk_ep *other = stk_ep_port_next(table, &record->local, NULL);
    for (; other != NULL; other = stk_ep_port_next(table, &record->local, other)) {
        if (!port_sharer(ep, other, record) || !source_accepted(other, &record->addr)) {
            continue;
        }
        if (other->peer_set) {
            return other;
        }
        const bool good = best->phase == STK_EP_HELD && source_accepted(best, &record->addr);
        best = good && !best->opts.reuse_mcastport ? best : other;
    }
    return best;
}

static void dgram_deliver(struct stk_ep *ep, const struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
    struct stk_dgram_abi record;
    record_fill(ep, &record, addr, port);
    ep = dgram_receiver(ep, &record);
    if (ep->phase != STK_EP_HELD || ep->rx_shut || !record_accepted(ep, &record) ||
        ((record.flags & STK_MSG_BCAST) != 0 && !ep->opts.recv_broadcast) ||
        (ep->opts.iflist_any && !stk_ep_ip_listed(ep, record.if_index, !ip_current_is_v6())) ||
        ((record.flags & (STK_MSG_MCAST | STK_MSG_BCAST)) == 0 && ep->opts.reuse_mcastport)) { /* X16 */
        ep->table->stats.udp_rx_filtered++;
        return;
    }
    if (ep->spread) { /* an answer leaves where the question came in */
        ep->last_inst = stk_ep_inst_here(ep->table);
        ep->last_from = record.addr;
    }
    if (ep->opts.stamp_rx) {
        stk_ep_stamp_received(ep, &record, p);
    }
    if (ep->rio != NULL && stk_ep_rio_recv_dgram(ep, &record, p)) {
        return;
    }
    if (!record_store(ep, &record, p)) {
        ep->table->stats.udp_rx_full++;
        atomic_fetch_add_explicit(&ep->abi->rx_dropped, 1, memory_order_relaxed);
        return;
    }
    stk_ep_notify(ep);
    if (ep->rio != NULL) {
        stk_ep_rio_stored(ep);
    }
}

/* lwIP lets IPv6 datagrams without a checksum pass, RFC 8200 8.1 does not. What this host sent itself is not checked. */
static bool udp_checksum_missing(const struct udp_hdr *header)
{
    const struct netif *netif = ip_current_input_netif();
    return ip_current_is_v6() && header->chksum == 0 && (netif->chksum_flags & NETIF_CHECKSUM_CHECK_UDP) != 0;
}

/* lwIP goes by the IP length alone; RFC 768: the datagram is as long as its own header says. */
static bool udp_settle(struct pbuf *p)
{
    const struct udp_hdr *header = ip_next_header_ptr(); /* p may be a copy without header */
    const u16_t len = lwip_ntohs(header->len);
    if (len < UDP_HLEN || len - UDP_HLEN > p->tot_len) {
        UDP_STATS_INC(udp.lenerr);
        return false;
    }
    if (udp_checksum_missing(header)) {
        UDP_STATS_INC(udp.chkerr);
        return false;
    }
    pbuf_realloc(p, (u16_t)(len - UDP_HLEN));
    return true;
}

/* PL-5: answered as if nobody had the port. */
static void udp_refuse(struct stk_ep *ep, struct pbuf *p)
{
    ep->table->stats.udp_rx_filtered++;
    if (!ip_addr_ismulticast(ip_current_dest_addr()) &&
        pbuf_add_header_force(p, ip_current_header_tot_len() + (size_t)UDP_HLEN) == 0) {
        icmp6_dest_unreach(p, ICMP6_DUR_PORT);
    }
}

void stk_ep_dgram_on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
    struct stk_ep *ep = arg;
    (void)pcb;
    if (IP_IS_V6(addr) && !stk_ep_ip_taken(ep, addr, ip_current_input_netif())) {
        udp_refuse(ep, p);
    } else if (udp_settle(p)) {
        dgram_deliver(ep, p, addr, port);
    } else {
        UDP_STATS_INC(udp.drop);
    }
    pbuf_free(p);
}

/* RFC 3542 3.1: ICMPv6 is checked before a RAW socket sees it; ICMPv6 counts the bad ones. p is behind the IP header. */
static bool icmp6_good(const struct stk_ep *ep, struct pbuf *p)
{
    const struct netif *netif = ip_current_input_netif();
    return ep->protocol != IP6_NEXTH_ICMP6 || (netif->chksum_flags & NETIF_CHECKSUM_CHECK_ICMP6) == 0 ||
           ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, p->tot_len, ip6_current_src_addr(), ip6_current_dest_addr()) == 0;
}

/* IPv4 keeps its header, IPv6 is stripped of it (rules 7.7). lwIP goes on with the packet. */
u8_t stk_ep_dgram_on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
    (void)pcb;
    const u16_t strip = ip_current_is_v6() ? ip_current_header_tot_len() : 0;
    const struct stk_ep *ep = arg;
    const bool tapped = ep->opts.rcvall == STK_RCVALL_GROUPS && ip_addr_ismulticast(ip_current_dest_addr());
    if (tapped || !stk_ep_ip_taken(ep, addr, ip_current_input_netif())) {
        return 0;
    }
    if (strip == 0) {
        dgram_deliver(arg, p, addr, 0);
    } else if (pbuf_remove_header(p, strip) == 0) {
        if (icmp6_good(arg, p)) {
            dgram_deliver(arg, p, addr, 0);
        }
        (void)pbuf_add_header_force(p, strip); /* received buffers are references: lwIP goes on behind the header */
    }
    return 0;
}

bool stk_ep_dgram_store(struct stk_ep *ep, struct stk_dgram_abi *record, const struct pbuf *p)
{
    if (ep->phase != STK_EP_HELD || ep->rx_shut || !source_accepted(ep, &record->addr)) {
        return false;
    }
    if (!record_store(ep, record, p)) {
        ep->table->stats.udp_rx_full++;
        atomic_fetch_add_explicit(&ep->abi->rx_dropped, 1, memory_order_relaxed);
        return false;
    }
    stk_ep_notify(ep);
    return true;
}

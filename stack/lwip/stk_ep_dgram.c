#include "lwip/stk_ep_priv.h"

#include "instance_priv.h"

#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"

#include <string.h>

/** Largest datagram payloads: 65535 less headers; IPv6: the reassembled packet, header included, has 16 bits. */
#define UDP_MAX_V4 65507u
#define UDP_MAX_V6 65487u

/** A datagram that must stay whole is larger than its way allows. No function of lwIP for datagrams returns this. */
#define ERR_DGRAM_SIZE ERR_ISCONN

uint32_t stk_ep_dgram_payload_max(const struct stk_ep *ep)
{
    return ep->family == STK_AF_INET6 ? UDP_MAX_V6 : UDP_MAX_V4;
}

/* --- Transmit ------------------------------------------------------------- */

/* A chain that refers to the FIFO; whoever queues it copies (PBUF_REF). */
static struct pbuf *payload_chain(const struct stk_ep *ep, uint64_t at, uint32_t len)
{
    struct pbuf *chain = pbuf_alloc(PBUF_TRANSPORT, 0, PBUF_RAM);
    while (chain != NULL && len > 0) {
        uint8_t *span_at;
        uint32_t span = stk_fifo_span(ep->table->region, ep->abi->tx_slots, at, len, &span_at);
        span = span > UINT16_MAX ? UINT16_MAX : span;
        struct pbuf *part = span > 0 ? pbuf_alloc_reference(span_at, (u16_t)span, PBUF_REF) : NULL;
        if (part == NULL) {
            pbuf_free(chain);
            return NULL;
        }
        pbuf_cat(chain, part);
        at += span;
        len -= span;
    }
    return chain;
}

/* Small datagrams are copied behind their headers: one buffer is cheaper than a chain. */
static struct pbuf *payload_copy(const struct stk_ep *ep, uint64_t at, uint32_t len)
{
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (p != NULL) {
        stk_fifo_read(ep->table->region, ep->abi->tx_slots, at, p->payload, len);
    }
    return p;
}

static err_t udp_leave(const struct stk_ep *ep, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip, uint16_t port)
{
    struct stk_ep_ip_scope scope;
    if (ip_addr_ismulticast(ip)) {
        stk_ep_mcast_loop_set(ep, (struct ip_pcb *)(void *)pcb, ip);
    }
    if (!ep->ip_special) {
        return udp_sendto(pcb, p, ip, port);
    }
    const bool fits = stk_ep_ip_begin(ep, (struct ip_pcb *)(void *)pcb, ip, p->tot_len + (uint32_t)UDP_HLEN, &scope);
    const err_t err = fits ? udp_sendto(pcb, p, ip, port) : ERR_DGRAM_SIZE;
    stk_ep_ip_end(&scope);
    return err;
}

/* The program gives the header: what Windows fills in is filled in here (rules RAW-6, 5.2). */
static err_t raw_output_header(struct stk_ep *ep, struct pbuf *p, const ip_addr_t *ip)
{
    if (!stk_ep_raw_header(p, ip, &ep->pcb.raw->local_ip)) {
        return ERR_ARG;
    }
    raw_set_flags(ep->pcb.raw, RAW_FLAGS_HDRINCL);
    const err_t err = raw_sendto(ep->pcb.raw, p, ip);
    raw_clear_flags(ep->pcb.raw, RAW_FLAGS_HDRINCL);
    return err;
}

static err_t raw_output(struct stk_ep *ep, struct pbuf *p, const ip_addr_t *ip)
{
    struct stk_ep_ip_scope scope;
    struct ip_pcb *pcb = (struct ip_pcb *)(void *)ep->pcb.raw;
    const uint32_t bytes = ep->opts.hdrincl ? 0u : p->tot_len;
    if (ip_addr_ismulticast(ip)) {
        stk_ep_mcast_loop_set(ep, pcb, ip);
    }
    const bool fits = !ep->ip_special || stk_ep_ip_begin(ep, pcb, ip, bytes, &scope);
    err_t err = ERR_DGRAM_SIZE;
    if (fits && ep->opts.hdrincl) {
        err = raw_output_header(ep, p, ip);
    } else if (fits) {
        err = stk_ep_raw_checksum(ep, p) ? raw_sendto(ep->pcb.raw, p, ip) : ERR_ARG;
    }
    if (ep->ip_special) {
        stk_ep_ip_end(&scope);
    }
    return err;
}

/* Which instance a datagram leaves from: for a socket bound to the any address it depends on the destination. */
static uint32_t send_inst(const struct stk_ep *ep, const struct stk_addr *to)
{
    if (!ep->spread) {
        return ep->inst_index;
    }
    if (to->port == ep->last_from.port && stk_ep_addr_equal_ip(to, &ep->last_from)) {
        return ep->last_inst;
    }
    const int inst = stk_ep_inst_of_remote(ep->table, ep, to);
    return inst < 0 ? ep->inst_index : (uint32_t)inst;
}

/* Where a datagram goes, and with wishes of its own: from, NULL: the socket's address. */
struct udp_way {
    const struct stk_addr *to;
    const ip_addr_t *from;
    bool wished;
};

/* The PCB keeps its place in the tables: only what is sent looks at its address and TTL here. */
static err_t udp_leave_way(const struct stk_ep *ep, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                           const struct udp_way *way)
{
    if (!way->wished) {
        return udp_leave(ep, pcb, p, ip, way->to->port);
    }
    const ip_addr_t local = pcb->local_ip;
    const u8_t mcast_ttl = udp_get_multicast_ttl(pcb);
    if (way->from != NULL && stk_ep_ip_own(way->from)) {
        ip_addr_copy(pcb->local_ip, *way->from);
    }
    udp_set_multicast_ttl(pcb, ep->opts.mcast_ttl);
    const err_t err = udp_leave(ep, pcb, p, ip, way->to->port);
    ip_addr_copy(pcb->local_ip, local);
    udp_set_multicast_ttl(pcb, mcast_ttl);
    return err;
}

static err_t raw_wished(struct stk_ep *ep, struct pbuf *p, const ip_addr_t *ip, const ip_addr_t *from)
{
    const ip_addr_t local = ep->pcb.raw->local_ip;
    if (from != NULL && stk_ep_ip_own(from)) {
        ip_addr_copy(ep->pcb.raw->local_ip, *from);
    }
    const err_t err = raw_output(ep, p, ip);
    ip_addr_copy(ep->pcb.raw->local_ip, local);
    return err;
}

/* The host of a wished source address, for sockets that several hosts have. */
static uint32_t udp_inst(const struct stk_ep *ep, const struct udp_way *way)
{
    struct stk_addr from = {.family = STK_AF_NONE};
    if (way->from == NULL || !ep->spread) {
        return send_inst(ep, way->to);
    }
    stk_ep_ip_to(ep, way->from, 0, &from);
    const int inst = stk_ep_inst_of_local(ep->table, ep, &from);
    return inst < 0 ? send_inst(ep, way->to) : (uint32_t)inst;
}

static err_t udp_output(struct stk_ep *ep, struct pbuf *p, const ip_addr_t *ip, const struct udp_way *way)
{
    const uint32_t inst = udp_inst(ep, way);
    if (inst == ep->inst_index) {
        return udp_leave_way(ep, ep->pcb.udp, p, ip, way);
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[inst]);
    struct pbuf *copy = pbuf_clone(PBUF_TRANSPORT, PBUF_RAM, p); /* buffers do not cross instances */
    const err_t err = copy != NULL ? udp_leave_way(ep, ep->more[inst].udp, copy, ip, way) : ERR_MEM;
    if (copy != NULL) {
        pbuf_free(copy);
    }
    stk_inst_leave(scope);
    return err;
}

/*
 * A datagram with wishes of its own (RFC 3542 6): for its time they are the socket's options, which lwIP's PCB and
 * stk_ep_ip_begin take. An address that is no more this host's sends by route.
 */
static err_t wished_output(struct stk_ep *ep, struct pbuf *p, const ip_addr_t *ip, const struct stk_dgram_abi *record)
{
    const struct stk_addr *to = record->addr.family != STK_AF_NONE ? &record->addr : &ep->peer;
    const struct stk_ep_opts opts = ep->opts;
    const bool special = ep->ip_special;
    ip_addr_t from;
    const bool sourced = (record->flags & STK_TX_FROM) != 0 && stk_ep_ip_from(ep, &record->local, &from) == STK_OK &&
                         (IP_IS_V4(&from) != 0) == (IP_IS_V4(ip) != 0);
    if ((record->flags & STK_TX_TTL) != 0) {
        ep->opts.ttl = ep->opts.v4_ttl = ep->opts.mcast_ttl = record->ttl;
    }
    if ((record->flags & STK_TX_TOS) != 0) {
        ep->opts.tos = ep->opts.v4_tos = record->tos;
    }
    if ((record->flags & STK_TX_ECN) != 0) {
        ep->opts.tos = (uint8_t)((ep->opts.tos & ~3u) | (record->ecn & 3u));
        ep->opts.v4_tos = (uint8_t)((ep->opts.v4_tos & ~3u) | (record->ecn & 3u));
    }
    if ((record->flags & STK_TX_IF) != 0) {
        ep->opts.unicast_if = ep->opts.v4_unicast_if = record->if_index;
    }
    ep->ip_special = true;
    const struct udp_way way = {.to = to, .from = sourced ? &from : NULL, .wished = true};
    const err_t err = ep->type == STK_SOCK_RAW ? raw_wished(ep, p, ip, sourced ? &from : NULL)
                                               : udp_output(ep, p, ip, &way);
    ep->opts = opts;
    ep->ip_special = special;
    return err;
}

err_t stk_ep_dgram_pbuf_send(struct stk_ep *ep, const struct stk_dgram_abi *record, struct pbuf *p)
{
    const struct stk_addr *to = record->addr.family != STK_AF_NONE ? &record->addr : &ep->peer;
    ip_addr_t ip;
    if ((record->addr.family == STK_AF_NONE && !ep->peer_set) || stk_ep_ip_from(ep, to, &ip) != STK_OK) {
        return ERR_ARG;
    }
    if (IP_IS_V6_VAL(ip)) {
        stk_ep_ip_scope_settle(ep, &ip);
    }
    if (record->flags == 0) {
        return ep->type == STK_SOCK_RAW ? raw_output(ep, p, &ip) : udp_output(ep, p, &ip, &(struct udp_way){.to = to});
    }
    return wished_output(ep, p, &ip, record);
}

err_t stk_ep_dgram_record_send(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at)
{
    const bool copy = record->payload_bytes <= STK_EP_COPY_MAX || (ep->type == STK_SOCK_RAW && stk_ep_raw_edits(ep));
    struct pbuf *p = copy ? payload_copy(ep, at, record->payload_bytes) : payload_chain(ep, at, record->payload_bytes);
    if (p == NULL) {
        return ERR_MEM;
    }
    const err_t err = stk_ep_dgram_pbuf_send(ep, record, p);
    pbuf_free(p);
    return err;
}

/* What a record asks for beside its datagram. */
static err_t record_leave(struct stk_ep *ep, const struct stk_dgram_abi *record, uint64_t at)
{
    if ((record->flags & STK_TX_CUT) != 0) {
        return stk_ep_cut_send(ep, record, at);
    }
    if ((record->flags & STK_TX_STAMP) != 0) {
        stk_ep_stamp_begin(ep);
    }
    const err_t err = stk_ep_dgram_record_send(ep, record, at);
    if (err == ERR_OK && (record->flags & STK_TX_STAMP) != 0) {
        stk_ep_stamp_sent(ep, record->extra);
    }
    return err;
}

int stk_ep_dgram_send_error(struct stk_ep *ep, err_t err)
{
    if (err == ERR_RTE) {
        ep->table->stats.udp_tx_no_route++;
        return STK_ENETUNREACH;
    }
    if (err == ERR_DGRAM_SIZE) {
        ep->table->stats.udp_tx_too_big++;
        return STK_EMSGSIZE;
    }
    ep->table->stats.udp_tx_no_memory++;
    return err == ERR_ARG ? STK_ENOTCONN : STK_ENOMEM;
}

static void send_failed(struct stk_ep *ep, err_t err)
{
    const int error = stk_ep_dgram_send_error(ep, err);
    if (error == STK_ENETUNREACH || error == STK_EMSGSIZE) {
        atomic_store_explicit(&ep->abi->error, error, memory_order_relaxed);
    }
}

/* The application's side wrote nonsense: nothing in the FIFO can be trusted. */
static void records_drop(struct stk_ep *ep, uint64_t tail)
{
    ep->table->stats.bad_submissions++;
    if (tail - ep->tx_queued <= STK_FIFO_MAX) {
        ep->tx_queued = tail;
        stk_ep_tx_release(ep, tail);
    }
    atomic_store_explicit(&ep->abi->error, STK_EPROTO, memory_order_relaxed);
}

void stk_ep_dgram_kick(struct stk_ep *ep)
{
    if (ep->pcb.udp == NULL || ep->cutting) {
        return;
    }
    /* Edge G. */
    const uint64_t tail = atomic_load_explicit(&ep->abi->tx_tail, memory_order_acquire);
    if (ep->rio != NULL && !stk_ep_rio_send_dgrams(ep)) {
        return;
    }
    if (tail == ep->tx_queued) {
        return;
    }
    while (tail != ep->tx_queued) {
        struct stk_dgram_abi record;
        const uint64_t left = tail - ep->tx_queued;
        if (left > STK_FIFO_MAX || left < sizeof(record)) {
            records_drop(ep, tail);
            break;
        }
        stk_fifo_read(ep->table->region, ep->abi->tx_slots, ep->tx_queued, &record, sizeof(record));
        const uint64_t size = STK_DGRAM_SIZE(record.payload_bytes);
        if (!stk_ep_cut_record_valid(ep, &record) || size > left) {
            records_drop(ep, tail);
            break;
        }
        const err_t err = record_leave(ep, &record, ep->tx_queued + sizeof(record));
        if (err == ERR_INPROGRESS) {
            break;
        }
        if (err != ERR_OK) {
            send_failed(ep, err);
        }
        ep->tx_queued += size;
        stk_ep_tx_release(ep, ep->tx_queued);
        if (ep->rio != NULL && !stk_ep_rio_send_dgrams(ep)) {
            break;
        }
    }
    if (ep->phase == STK_EP_HELD) {
        stk_ep_notify(ep);
    }
}

/* --- Control --------------------------------------------------------------- */

static void udp_opts_apply(const struct stk_ep *ep, struct udp_pcb *udp)
{
    udp->ttl = ep->opts.ttl != 0 ? ep->opts.ttl : IP_DEFAULT_TTL;
    udp->tos = ep->opts.tos;
    udp_set_multicast_ttl(udp, ep->opts.mcast_ttl);
    udp_set_multicast_netif_index(udp, (u8_t)ep->opts.mcast_if);
    if (ep->opts.nochecksum) {
        udp_set_flags(udp, UDP_FLAGS_NOCHKSUM);
    } else {
        udp_clear_flags(udp, UDP_FLAGS_NOCHKSUM);
    }
    ip_set_option(udp, SOF_REUSEADDR);
    if (ep->opts.broadcast) {
        ip_set_option(udp, SOF_BROADCAST);
    } else {
        ip_reset_option(udp, SOF_BROADCAST);
    }
}

static void raw_opts_apply(const struct stk_ep *ep, struct raw_pcb *raw)
{
    raw->ttl = ep->opts.ttl != 0 ? ep->opts.ttl : IP_DEFAULT_TTL;
    raw->tos = ep->opts.tos;
    raw_set_multicast_ttl(raw, ep->opts.mcast_ttl);
    raw_set_multicast_netif_index(raw, (u8_t)ep->opts.mcast_if);
    ip_set_option(raw, SOF_BROADCAST);
}

void stk_ep_dgram_opts_apply(struct stk_ep *ep)
{
    if (ep->pcb.udp == NULL) {
        return;
    }
    if (ep->type == STK_SOCK_RAW) {
        raw_opts_apply(ep, ep->pcb.raw);
        return;
    }
    udp_opts_apply(ep, ep->pcb.udp);
    for (uint32_t i = 0; ep->spread && i < ep->table->insts_count; i++) {
        if (ep->more[i].udp != NULL) {
            udp_opts_apply(ep, ep->more[i].udp);
        }
    }
}

static int raw_make(struct stk_ep *ep, const ip_addr_t *local)
{
    struct raw_pcb *pcb = raw_new_ip_type(ep->family == STK_AF_INET6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4, ep->protocol);
    if (pcb == NULL) {
        return STK_ENOMEM;
    }
    ep->pcb.raw = pcb;
    if (ep->family == STK_AF_INET6 && ep->protocol == IP6_NEXTH_ICMP6) { /* RFC 3542 3.1 */
        pcb->chksum_reqd = 1;
        pcb->chksum_offset = STK_EP_ICMP6_CHECKSUM;
    }
    raw_recv(pcb, stk_ep_dgram_on_raw, ep);
    return stk_ep_err_from(raw_bind(pcb, local));
}

static int udp_make(struct stk_ep *ep, const ip_addr_t *local, bool dual, struct udp_pcb **out)
{
    struct udp_pcb *pcb = udp_new_ip_type(dual                         ? IPADDR_TYPE_ANY
                                          : ep->family == STK_AF_INET6 ? IPADDR_TYPE_V6
                                                                       : IPADDR_TYPE_V4);
    if (pcb == NULL) {
        return STK_ENOMEM;
    }
    *out = pcb;
    ip_set_option(pcb, SOF_REUSEADDR);
    udp_recv(pcb, stk_ep_dgram_on_udp, ep);
    return stk_ep_err_from(udp_bind(pcb, local, ep->local.port));
}

static void dgram_unmake(struct stk_ep *ep)
{
    if (ep->pcb.udp != NULL && ep->type == STK_SOCK_RAW) {
        raw_remove(ep->pcb.raw);
    } else if (ep->pcb.udp != NULL) {
        udp_remove(ep->pcb.udp);
    }
    ep->pcb.udp = NULL;
    for (uint32_t i = 0; ep->spread && i < ep->table->insts_count; i++) {
        if (ep->more[i].udp != NULL) {
            struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
            udp_remove(ep->more[i].udp);
            stk_inst_leave(scope);
            ep->more[i].udp = NULL;
        }
    }
    ep->spread = false;
}

/* The any address is every instance's. */
static int udp_spread(struct stk_ep *ep, const ip_addr_t *local, bool dual)
{
    int err = STK_OK;
    for (uint32_t i = 0; err == STK_OK && i < ep->table->insts_count; i++) {
        if (i == ep->inst_index) {
            continue;
        }
        ep->spread = true;
        struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[i]);
        err = udp_make(ep, local, dual, &ep->more[i].udp);
        stk_inst_leave(scope);
    }
    return err;
}

int stk_ep_dgram_bind(struct stk_ep *ep)
{
    ip_addr_t local;
    int err = stk_ep_ip_from(ep, &ep->local, &local);
    if (err != STK_OK) {
        return err;
    }
    const bool any = stk_ep_addr_any(&ep->local);
    const bool dual = ep->family == STK_AF_INET6 && !ep->opts.v6only && any;
    if (dual) {
        IP_SET_TYPE_VAL(local, IPADDR_TYPE_ANY);
    }
    struct stk_inst_scope scope = stk_inst_enter(ep->inst);
    err = ep->type == STK_SOCK_RAW ? raw_make(ep, &local) : udp_make(ep, &local, dual, &ep->pcb.udp);
    if (err == STK_OK && ep->type == STK_SOCK_DGRAM && any) {
        err = udp_spread(ep, &local, dual);
    }
    if (err == STK_OK) {
        stk_ep_dgram_opts_apply(ep);
    } else {
        dgram_unmake(ep);
    }
    stk_inst_leave(scope);
    return err;
}

/* From which address the entered instance reaches a peer, and whether it may be sent to. */
static int peer_route(const struct stk_ep *ep, const ip_addr_t *ip, struct stk_addr *local)
{
    ip_addr_t any;
    ip_addr_set_any(IP_IS_V6(ip), &any);
    struct netif *netif = ip_route(&any, ip);
    const ip_addr_t *src = netif != NULL ? ip_netif_get_local_ip(netif, ip) : NULL;
    if (src == NULL) {
        return STK_ENETUNREACH;
    }
    if (ip_addr_isbroadcast(ip, netif) && !ep->opts.broadcast && ep->type == STK_SOCK_DGRAM) {
        return STK_EACCES;
    }
    stk_ep_ip_to(ep, src, ep->local.port, local);
    return STK_OK;
}

static void peer_clear(struct stk_ep *ep)
{
    ep->peer_set = false;
    memset(&ep->peer, 0, sizeof(ep->peer));
    if (ep->local_by_peer) {
        ep->local_by_peer = false;
        memset(ep->local.ip, 0, sizeof(ep->local.ip));
        ep->local.scope_id = 0;
    }
}

/* Datagrams of other sources that are queued already are dropped by the application's side (WSPCONNECT-5). */
int stk_ep_dgram_connect(struct stk_ep *ep, const struct stk_addr *remote)
{
    if (remote == NULL) {
        peer_clear(ep);
        stk_ep_addrs_publish(ep);
        stk_ep_state_set(ep, 0, STK_ST_CONNECTED);
        return STK_OK;
    }
    ip_addr_t ip;
    int err = stk_ep_ip_from(ep, remote, &ip);
    if (err != STK_OK) {
        return err;
    }
    struct stk_addr local;
    struct stk_inst_scope scope = stk_inst_enter(ep->table->insts[send_inst(ep, remote)]);
    stk_ep_ip_scope_settle(ep, &ip);
    err = peer_route(ep, &ip, &local);
    stk_inst_leave(scope);
    if (err != STK_OK) {
        return err;
    }
    ep->peer = *remote;
    stk_ep_addr_scope_drop(&ep->peer);
    if (IP_IS_V6(&ip) && ip6_addr_has_zone(ip_2_ip6(&ip))) {
        ep->peer.scope_id = ip6_addr_zone(ip_2_ip6(&ip)); /* where its datagrams come from */
    }
    ep->peer_set = true;
    if (stk_ep_addr_any(&ep->local) || ep->local_by_peer) {
        ep->local = local;
        ep->local_by_peer = true;
    }
    stk_ep_addrs_publish(ep);
    stk_ep_state_set(ep, STK_ST_CONNECTED, 0);
    stk_ep_notify(ep);
    return STK_OK;
}

void stk_ep_dgram_close_end(struct stk_ep *ep)
{
    stk_ep_cut_remove(ep);
    dgram_unmake(ep);
    stk_ep_slot_free(ep);
}

void stk_ep_dgram_close(struct stk_ep *ep, uint32_t mode)
{
    stk_ep_raw_tap_end(ep);
    stk_ep_dgram_kick(ep); /* what is queued still goes out */
    if (!ep->cutting || mode == STK_CLOSE_ABORT) {
        stk_ep_dgram_close_end(ep);
    }
}

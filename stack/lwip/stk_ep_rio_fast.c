/*
 * A datagram of a flow that lwIP has handled before, and that nothing has changed for since, goes the same way again
 * without it. What is remembered is what lwIP did: the headers that it wrote to a destination, the endpoint that it
 * delivered to. Everything out of the ordinary is not remembered, or not recognised, and goes through lwIP.
 */
#include "lwip/stk_ep_rio.h"

#include "lwip/netif_priv.h"

#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"

#include <string.h>

#define ETH_BYTES 14u
#define VLAN_BYTES 4u
#define IP4_BYTES 20u
#define UDP_BYTES 8u
#define HEADER_MAX (ETH_BYTES + VLAN_BYTES + IP4_BYTES + UDP_BYTES)
/* A way is learned again after this time, so that lwIP sees that its neighbour is in use, and what became of it. */
#define WAY_NS (20 * STK_MS_NS)
#define PROTO_UDP 17u

/** How datagrams of an endpoint get to a destination. */
struct rio_way {
    struct stk_addr to;
    uint32_t sock;
    uint32_t generation;
    uint32_t epoch;
    uint32_t ifs_seq;
    uint64_t until_ns;
    struct stk_netif *nif;
    uint32_t ip_sum;      /* of the IP header less what differs, in memory's byte order */
    uint32_t udp_sum;     /* of pseudo-header and header, likewise */
    uint16_t payload_max; /* what left in one piece so far */
    uint8_t l2_bytes;
    bool unsummed; /* without a UDP checksum */
    uint8_t header[HEADER_MAX];
};

/** Who gets the datagrams of a flow. */
struct rio_flow {
    uint32_t src; /* network order */
    uint32_t dst;
    uint32_t ports; /* as in the header */
    uint32_t sock;
    uint32_t generation;
    uint32_t epoch;
    uint32_t ifs_seq;
    const struct stk_netif *nif;
};

#define WAYS 1024u
#define FLOWS 4096u

struct stk_ep_rio_fast {
    struct rio_way ways[WAYS];
    struct rio_flow flows[FLOWS];
};

size_t stk_ep_rio_fast_bytes(void)
{
    return sizeof(struct stk_ep_rio_fast);
}

/* --- Sums ---------------------------------------------------------------------- */

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint16_t load16(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline void store16(uint8_t *at, uint16_t word)
{
    memcpy(at, &word, sizeof(word));
}

static inline uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    uint32_t half = (uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16);
    half = (half & 0xffff) + (half >> 16);
    half = (half & 0xffff) + (half >> 16);
    return (uint16_t)half;
}

/* RFC 1071 on the way: copies and sums, in memory's byte order. */
static inline uint64_t copy_sum(uint8_t *to, const uint8_t *from, uint32_t len)
{
    uint64_t sum = 0;
    uint64_t carries = 0;
    for (; len >= 32; len -= 32, to += 32, from += 32) {
        uint64_t word[4];
        memcpy(word, from, sizeof(word));
        memcpy(to, word, sizeof(word));
        carries += __builtin_add_overflow(sum, word[0], &sum);
        carries += __builtin_add_overflow(sum, word[1], &sum);
        carries += __builtin_add_overflow(sum, word[2], &sum);
        carries += __builtin_add_overflow(sum, word[3], &sum);
    }
    for (; len >= 8; len -= 8, to += 8, from += 8) {
        uint64_t word;
        memcpy(&word, from, sizeof(word));
        memcpy(to, &word, sizeof(word));
        carries += __builtin_add_overflow(sum, word, &sum);
    }
    if (len > 0) {
        uint64_t word = 0; /* padded with zero bytes behind */
        memcpy(&word, from, len);
        memcpy(to, &word, len);
        carries += __builtin_add_overflow(sum, word, &sum);
    }
    return (sum & 0xffffffffu) + (sum >> 32) + carries;
}

/* --- Ways out ------------------------------------------------------------------------ */

static inline uint32_t addr_hash(const struct stk_addr *to, uint32_t sock)
{
    uint32_t ip;
    memcpy(&ip, to->ip, sizeof(ip));
    return ((ip ^ (uint32_t)to->port << 16 ^ sock) * UINT32_C(0x9e3779b1)) >> 16;
}

/* As memcmp would, without a call. */
static inline bool addr_same(const struct stk_addr *left, const struct stk_addr *right)
{
    uint64_t a[3];
    uint64_t b[3];
    _Static_assert(sizeof(*left) == sizeof(a), "whole words");
    memcpy(a, left, sizeof(a));
    memcpy(b, right, sizeof(b));
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2])) == 0;
}

static inline uint32_t ifs_seq_of(const struct stk_ep_table *table)
{
    return atomic_load_explicit(&table->region->abi->ifs_seq, memory_order_relaxed);
}

/* What is being learned: lwIP's frame is shown to the tap of its interface. */
struct learning {
    struct rio_way *way;
    uint32_t payload;
};

static void learn_frame(struct stk_netif *nif, struct pbuf *p, bool out)
{
    const struct learning *learning = nif->tap_ctx;
    struct rio_way *way = learning->way;
    const uint32_t l2 = ETH_BYTES + (nif->vlan_id != 0 ? VLAN_BYTES : 0);
    const uint32_t bytes = l2 + IP4_BYTES + UDP_BYTES;
    uint8_t *header = way->header;
    if (!out || p->tot_len != bytes + learning->payload || pbuf_copy_partial(p, header, (u16_t)bytes, 0) != bytes) {
        return;
    }
    const uint8_t *ip = header + l2;
    const bool ours = header[l2 - 2] == 0x08 && header[l2 - 1] == 0x00 && (header[0] & 1) == 0 && ip[0] == 0x45 &&
                      (ip[6] & 0x3f) == 0 && ip[7] == 0 && ip[9] == PROTO_UDP && memcmp(ip + 16, way->to.ip, 4) == 0 &&
                      ((uint32_t)ip[22] << 8 | ip[23]) == way->to.port;
    if (!ours) {
        return;
    }
    way->nif = nif;
    way->l2_bytes = (uint8_t)l2;
    way->unsummed = ip[26] == 0 && ip[27] == 0;
    memset(header + l2 + 2, 0, 4);  /* length, identification */
    memset(header + l2 + 10, 0, 2); /* checksum */
    memset(header + l2 + 24, 0, 4); /* UDP's length and checksum */
    way->ip_sum = 0;
    for (uint32_t i = 0; i < IP4_BYTES; i += 2) {
        way->ip_sum += load16(ip + i);
    }
    way->udp_sum = lwip_htons(PROTO_UDP);
    for (uint32_t i = 12; i < IP4_BYTES + 4; i += 2) {
        way->udp_sum += load16(ip + i);
    }
}

static bool way_wanted(const struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    return ep->family == STK_AF_INET && !ep->spread && !ep->ip_special && record->flags == 0;
}

/* Is this what is known of the destination, were it not for its age? */
static inline bool way_same(const struct stk_ep *ep, const struct rio_way *way, const struct stk_addr *to)
{
    return way->nif != NULL && way->sock == ep->index && way->generation == ep->generation &&
           way->epoch == ep->table->rio->epoch && way->ifs_seq == ifs_seq_of(ep->table) && addr_same(&way->to, to);
}

err_t stk_ep_rio_fast_learn(struct stk_ep *ep, const struct stk_dgram_abi *record, struct pbuf *p)
{
    struct stk_ep_table *table = ep->table;
    const struct stk_addr *to = record->addr.family != STK_AF_NONE ? &record->addr : &ep->peer;
    if (!way_wanted(ep, record)) {
        return stk_ep_dgram_pbuf_send(ep, record, p);
    }
    struct rio_way *way = &table->rio->fast->ways[addr_hash(to, ep->index) % WAYS];
    struct learning learning = {.way = way, .payload = p->tot_len};
    const uint16_t whole = way_same(ep, way, to) ? way->payload_max : 0;
    memset(way, 0, sizeof(*way));
    way->to = *to;
    for (struct netif *netif = ep->inst->lwip.netif.list; netif != NULL; netif = netif->next) {
        struct stk_netif *nif = netif->state;
        if (nif != NULL && nif->tap == NULL) {
            nif->tap_ctx = &learning;
            nif->tap = learn_frame;
        }
    }
    const err_t err = stk_ep_dgram_pbuf_send(ep, record, p);
    for (struct netif *netif = ep->inst->lwip.netif.list; netif != NULL; netif = netif->next) {
        struct stk_netif *nif = netif->state;
        if (nif != NULL && nif->tap == learn_frame) {
            nif->tap = NULL;
        }
    }
    if (way->nif != NULL) {
        way->payload_max = whole > learning.payload ? whole : (uint16_t)learning.payload;
        way->sock = ep->index;
        way->generation = ep->generation;
        way->epoch = table->rio->epoch;
        way->ifs_seq = ifs_seq_of(table);
        way->until_ns = way->nif->now_ns + WAY_NS;
    }
    return err;
}

static inline struct rio_way *way_find(const struct stk_ep *ep, const struct stk_addr *to)
{
    const struct stk_ep_table *table = ep->table;
    struct rio_way *way = &table->rio->fast->ways[addr_hash(to, ep->index) % WAYS];
    return way_same(ep, way, to) && way->nif->now_ns < way->until_ns && way->nif->tap == NULL ? way : NULL;
}

/* Writes what differs into headers: lengths, identification, checksums. */
static inline void headers_fill(const struct rio_way *way, uint8_t *frame, uint32_t len, uint16_t id,
                                uint64_t payload_sum)
{
    uint8_t *ip = frame + way->l2_bytes;
    const uint16_t total = lwip_htons((uint16_t)(len + IP4_BYTES + UDP_BYTES));
    const uint16_t udp_len = lwip_htons((uint16_t)(len + UDP_BYTES));
    store16(ip + 2, total);
    store16(ip + 4, id);
    if ((way->nif->caps & NIC_CAP_TX_IP4_CSUM) == 0) {
        store16(ip + 10, (uint16_t)~fold((uint64_t)way->ip_sum + total + id));
    }
    store16(ip + 24, udp_len);
    if (!way->unsummed) {
        const uint16_t sum = (uint16_t)~fold((uint64_t)way->udp_sum + udp_len + udp_len + payload_sum);
        store16(ip + 26, sum == 0 ? UINT16_MAX : sum);
    }
}

bool stk_ep_rio_fast_send(struct stk_ep *ep, const struct stk_rio_entry_abi *entry, const uint8_t *bytes)
{
    const struct stk_addr *to = entry->to.family != STK_AF_NONE ? &entry->to : &ep->peer;
    const uint32_t len = entry->len;
    const struct rio_way *way = way_find(ep, to);
    if (way == NULL || len > way->payload_max) {
        return false;
    }
    struct stk_netif *nif = way->nif;
    if (len > STK_EP_COPY_MAX && (nif->caps & NIC_CAP_EXTMEM) != 0) {
        return false; /* by reference */
    }
    if (nif->tx_count == NIC_BURST_MAX) {
        stk_netif_tx_flush(nif, nif->now_ns);
    }
    struct nic_buf *buf = nif->tx_count < NIC_BURST_MAX ? nic_buf_alloc(nif->port) : NULL;
    const uint32_t headers = way->l2_bytes + IP4_BYTES + UDP_BYTES;
    if (buf == NULL) {
        return false; /* lwIP's way counts it */
    }
    if (buf->room < headers + len) {
        nic_buf_free(buf);
        return false;
    }
    struct lwip_instance *lwip = &nif->inst->lwip;
    uint8_t *frame = buf->data;
    memcpy(frame, way->header, HEADER_MAX);
    headers_fill(way, frame, len, lwip_htons(lwip->ip4.id), copy_sum(frame + headers, bytes, len));
    lwip->ip4.id++;
    buf->len = headers + len;
    buf->pkt_len = headers + len;
    buf->l2_len = way->l2_bytes;
    buf->l3_len = IP4_BYTES;
    buf->flags |= NIC_TX_IP4;
    if ((nif->caps & NIC_CAP_TX_IP4_CSUM) != 0) {
        buf->flags |= NIC_TX_IP4_CSUM;
    }
    nif->tx[nif->tx_count++] = buf;
    nif->stats.tx_frames++;
    nif->stats.tx_bytes += headers + len;
    nif->stats.tx_copied_bytes += headers + len;
    ep->table->stats.rio_tx_known++;
    lwip->stats.udp.xmit++;
    lwip->stats.ip.xmit++;
    lwip->stats.link.xmit++;
    return true;
}

/* --- Flows in ---------------------------------------------------------------------------- */

static inline uint32_t flow_hash(uint32_t src, uint32_t dst, uint32_t ports)
{
    return ((src ^ dst ^ ports) * UINT32_C(0x9e3779b1)) >> 16;
}

/* Is this a whole UDP datagram of IPv4 for the port itself, without options? */
static inline bool frame_plain(const struct stk_netif *nif, const struct nic_buf *buf, uint32_t l2)
{
    const uint8_t *frame = buf->data;
    const uint8_t *ip = frame + l2;
    if (buf->next != NULL || buf->len < l2 + IP4_BYTES + UDP_BYTES || frame[l2 - 2] != 0x08 || frame[l2 - 1] != 0 ||
        ip[0] != 0x45 || ip[9] != PROTO_UDP || (ip[6] & 0x3f) != 0 || ip[7] != 0) {
        return false;
    }
    return (buf->flags & (NIC_RX_IP4_CSUM_BAD | NIC_RX_L4_CSUM_BAD)) == 0 && load32(frame) == load32(nif->mac) &&
           load16(frame + 4) == load16(nif->mac + 4);
}

static inline struct stk_ep *flow_find(const struct stk_ep_table *table, const struct stk_netif *nif, const uint8_t *ip)
{
    const uint32_t src = load32(ip + 12);
    const uint32_t dst = load32(ip + 16);
    const uint32_t ports = load32(ip + 20);
    const struct rio_flow *flow = &table->rio->fast->flows[flow_hash(src, dst, ports) % FLOWS];
    if (flow->nif != nif || flow->src != src || flow->dst != dst || flow->ports != ports ||
        flow->epoch != table->rio->epoch || flow->ifs_seq != ifs_seq_of(table)) {
        return NULL;
    }
    struct stk_ep *ep = &table->eps[flow->sock];
    return ep->generation == flow->generation && ep->rio != NULL && ep->phase == STK_EP_HELD && !ep->rx_shut ? ep
                                                                                                             : NULL;
}

static bool ip_sum_good(const struct nic_buf *buf, const uint8_t *ip)
{
    uint64_t sum = 0;
    if ((buf->flags & NIC_RX_IP4_CSUM_GOOD) != 0) {
        return true;
    }
    for (uint32_t i = 0; i < IP4_BYTES; i += 4) {
        sum += load32(ip + i);
    }
    return fold(sum) == UINT16_MAX;
}

static void record_fill(const struct stk_netif *nif, const uint8_t *ip, uint32_t len, struct stk_dgram_abi *record)
{
    *record = (struct stk_dgram_abi){.payload_bytes = len, .if_index = nif->if_index, .ttl = ip[8], .tos = ip[1]};
    record->addr.family = STK_AF_INET;
    record->addr.port = (uint16_t)((uint32_t)ip[20] << 8 | ip[21]);
    memcpy(record->addr.ip, ip + 12, 4);
    record->local.family = STK_AF_INET;
    record->local.port = (uint16_t)((uint32_t)ip[22] << 8 | ip[23]);
    memcpy(record->local.ip, ip + 16, 4);
}

static bool fast_input(struct stk_netif *nif, struct nic_buf *buf)
{
    const uint32_t l2 = ETH_BYTES;
    struct stk_ep_table *table = nif->fast_ctx;
    const uint8_t *ip = buf->data + l2;
    if (!frame_plain(nif, buf, l2) || nif->tap != NULL || nif->inst->lwip.raw.pcbs != NULL) {
        return false;
    }
    struct stk_ep *ep = flow_find(table, nif, ip);
    const uint32_t total = (uint32_t)ip[2] << 8 | ip[3];
    const uint32_t udp_len = (uint32_t)ip[24] << 8 | ip[25];
    if (ep == NULL || total < IP4_BYTES + UDP_BYTES || total > buf->len - l2 || udp_len < UDP_BYTES ||
        udp_len > total - IP4_BYTES || !ip_sum_good(buf, ip)) {
        return false;
    }
    uint8_t *to;
    const uint32_t len = udp_len - UDP_BYTES;
    const struct stk_rio_entry_abi *entry = stk_ep_rio_recv_first(ep, len, &to);
    if (entry == NULL) {
        return false;
    }
    const uint8_t *payload = ip + IP4_BYTES + UDP_BYTES;
    if ((buf->flags & NIC_RX_L4_CSUM_GOOD) != 0 || load16(ip + 26) == 0) {
        if (len > 0) {
            memcpy(to, payload, len);
        }
    } else {
        uint64_t sum = copy_sum(to, payload, len);
        sum += lwip_htons(PROTO_UDP) + (uint64_t)load16(ip + 24);
        sum += (uint64_t)load32(ip + 12) + load32(ip + 16) + load32(ip + 20) + load32(ip + 24);
        if (fold(sum) != UINT16_MAX) {
            return false; /* dropped and counted there; the receive keeps its place */
        }
    }
    struct stk_dgram_abi record;
    if ((entry->flags & STK_RIO_INFO) != 0) {
        record_fill(nif, ip, len, &record);
    }
    stk_ep_rio_recv_finish(ep, entry, &record, len);
    table->stats.rio_rx_known++;
    nif->inst->lwip.stats.ip.recv++;
    nif->inst->lwip.stats.udp.recv++;
    nic_buf_free(buf);
    return true;
}

void stk_ep_rio_fast_delivered(struct stk_ep *ep, const struct stk_dgram_abi *record)
{
    struct stk_ep_table *table = ep->table;
    const struct netif *netif = ip_current_input_netif();
    struct stk_netif *nif = netif->state;
    const bool plain = !ip_current_is_v6() && nif != NULL && nif->vlan_id == 0 && record->flags == 0;
    if (!plain || ep->type != STK_SOCK_DGRAM || ep->spread || ep->family != STK_AF_INET || ep->opts.stamp_rx ||
        !stk_ep_port_alone(ep)) {
        return;
    }
    const struct ip_hdr *ip = ip4_current_header();
    uint32_t src = 0;
    uint32_t dst = 0;
    const uint8_t ports[4] = {(uint8_t)(record->addr.port >> 8), (uint8_t)record->addr.port,
                              (uint8_t)(ep->local.port >> 8), (uint8_t)ep->local.port};
    memcpy(&src, &ip->src, sizeof(src));
    memcpy(&dst, &ip->dest, sizeof(dst));
    struct rio_flow *flow = &table->rio->fast->flows[flow_hash(src, dst, load32(ports)) % FLOWS];
    *flow = (struct rio_flow){
        .src = src,
        .dst = dst,
        .ports = load32(ports),
        .sock = ep->index,
        .generation = ep->generation,
        .epoch = table->rio->epoch,
        .ifs_seq = ifs_seq_of(table),
        .nif = nif,
    };
    nif->fast_ctx = table;
    nif->fast = fast_input;
}

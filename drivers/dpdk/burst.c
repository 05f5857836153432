#include <string.h>

#include "dpdk_priv.h"
#include "dpdk_tsan.h"
#include "stack/assert.h"

/** Frames that were made ready for the device, with what is needed to account for them. */
struct tx_batch {
    struct rte_mbuf *mbufs[NIC_BURST_MAX];
    struct nic_buf *frames[NIC_BURST_MAX];
    uint32_t count;
    bool offloads;
};

static uint32_t rx_flags(uint64_t ol_flags)
{
    uint32_t flags = 0;

    if ((ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
        flags |= NIC_RX_IP4_CSUM_GOOD;
    else if ((ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD)
        flags |= NIC_RX_IP4_CSUM_BAD;
    if ((ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
        flags |= NIC_RX_L4_CSUM_GOOD;
    else if ((ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD)
        flags |= NIC_RX_L4_CSUM_BAD;
    return flags;
}

static uint32_t rx_flags_allowed(uint32_t caps)
{
    uint32_t allowed = 0;

    if ((caps & NIC_CAP_RX_IP4_CSUM) != 0)
        allowed |= NIC_RX_IP4_CSUM_GOOD | NIC_RX_IP4_CSUM_BAD;
    if ((caps & NIC_CAP_RX_L4_CSUM) != 0)
        allowed |= NIC_RX_L4_CSUM_GOOD | NIC_RX_L4_CSUM_BAD;
    return allowed;
}

static inline struct nic_buf *rx_segment(struct nic_port *port, struct rte_mbuf *m)
{
    struct nic_buf *nb = dpdk_nb(m);

    STK_DASSERT(m->priv_size == RTE_ALIGN(sizeof(struct dpdk_priv), RTE_MBUF_PRIV_ALIGN));
    nb->data = rte_pktmbuf_mtod(m, uint8_t *);
    nb->next = NULL;
    nb->port = port;
    nb->pkt_len = 0;
    nb->len = m->data_len;
    nb->room = (uint32_t)m->buf_len - m->data_off;
    nb->flags = 0;
    nb->segs = 1;
    nb->tstamp_ns = 0;
    nb->release = NULL;
    return nb;
}

static struct nic_buf *rx_frame(struct nic_port *port, struct rte_mbuf *m, uint32_t allowed)
{
    struct nic_buf *head = rx_segment(port, m);
    struct nic_buf *last = head;

    head->pkt_len = m->pkt_len;
    head->segs = m->nb_segs;
    if (allowed != 0)
        head->flags = rx_flags(m->ol_flags) & allowed;
    for (struct rte_mbuf *seg = m->next; seg != NULL; seg = seg->next) {
        last->next = rx_segment(port, seg);
        last = last->next;
    }
    return head;
}

uint32_t drv_dpdk_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    uint32_t frame_max = port->info.mtu + NIC_L2_OVERHEAD;
    uint32_t allowed = rx_flags_allowed(port->info.caps);
    struct rte_mbuf *mbufs[NIC_BURST_MAX];
    uint32_t received, good = 0;
    uint64_t bytes = 0;

    (void)now_ns;
    drv_dpdk_thread_enter();
    if (count > NIC_BURST_MAX)
        count = NIC_BURST_MAX;
    received = rte_eth_rx_burst(dpdk_of(port)->port_id, 0, mbufs, (uint16_t)count);
    DRV_DPDK_EDGE_TAKE(dpdk_of(port)->rx_edge); /* D1 */
    for (uint32_t i = 0; i < received; i++) {
        struct rte_mbuf *m = mbufs[i];

        if (unlikely(m->pkt_len < NIC_FRAME_MIN || m->pkt_len > frame_max)) {
            nic_stat_add(&port->stats.rx_errors, 1);
            rte_pktmbuf_free(m);
            continue;
        }
        bytes += m->pkt_len;
        bufs[good++] = rx_frame(port, m, allowed);
    }
    if (good != 0) {
        nic_stat_add(&port->stats.rx_frames, good);
        nic_stat_add(&port->stats.rx_bytes, bytes);
    }
    return good;
}

static uint64_t tx_flags(const struct nic_buf *head, uint32_t caps)
{
    uint32_t flags = head->flags;
    uint64_t ol_flags = 0;

    if ((flags & NIC_TX_IP4_CSUM) != 0 && (caps & NIC_CAP_TX_IP4_CSUM) != 0)
        ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if ((flags & NIC_TX_TCP_CSUM) != 0 && (caps & NIC_CAP_TX_TCP_CSUM) != 0)
        ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    else if ((flags & NIC_TX_UDP_CSUM) != 0 && (caps & NIC_CAP_TX_UDP_CSUM) != 0)
        ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    if (ol_flags != 0)
        ol_flags |= (flags & NIC_TX_IP6) != 0 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    return ol_flags;
}

/** Whether the chain can be handed over as it is: our own buffers, and a shape that the device takes. */
static bool tx_direct(const struct dpdk_port *self, const struct nic_buf *head)
{
    bool ext_allowed = (self->base.info.caps & NIC_CAP_EXTMEM) != 0;

    if (head->next != NULL && !self->multi_segs)
        return false;
    for (const struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        if (seg->port->driver != &drv_dpdk || (seg->release != NULL && !ext_allowed))
            return false;
    }
    return true;
}

static struct rte_mbuf *tx_copy(struct dpdk_port *self, const struct nic_buf *head)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(self->pool);

    if (m == NULL)
        return NULL;
    nic_frame_copy(head, rte_pktmbuf_mtod(m, uint8_t *));
    m->data_len = (uint16_t)head->pkt_len;
    m->pkt_len = head->pkt_len;
    return m;
}

static struct rte_mbuf *tx_chain(struct nic_buf *head)
{
    struct rte_mbuf *first = dpdk_mbuf(head);
    struct rte_mbuf *last = first;
    uint16_t segs = 0;

    for (struct nic_buf *seg = head; seg != NULL; seg = seg->next) {
        struct rte_mbuf *m = dpdk_mbuf(seg);

        m->data_off = (uint16_t)(seg->data - (uint8_t *)m->buf_addr);
        m->data_len = (uint16_t)seg->len;
        if (m != last)
            last->next = m;
        last = m;
        segs++;
    }
    last->next = NULL;
    first->nb_segs = segs;
    first->pkt_len = head->pkt_len;
    return first;
}

/** Make one frame ready. Returns false when a copy is needed and the pool is empty. */
static bool tx_add(struct dpdk_port *self, struct tx_batch *batch, struct nic_buf *head)
{
    struct rte_mbuf *m = tx_direct(self, head) ? tx_chain(head) : tx_copy(self, head);
    uint64_t ol_flags;

    if (m == NULL)
        return false;
    ol_flags = tx_flags(head, self->base.info.caps);
    /* An attached mbuf's own flag (external memory) stays. */
    m->ol_flags = (m->ol_flags & (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT)) | ol_flags;
    if (ol_flags != 0) {
        m->tx_offload = rte_mbuf_tx_offload(head->l2_len, head->l3_len, head->l4_len, 0, 0, 0, 0);
        batch->offloads = true;
    }
    batch->mbufs[batch->count] = m;
    batch->frames[batch->count++] = head;
    return true;
}

/** Hand a batch over. What the device did not take goes back to the caller unchanged. */
static uint32_t tx_flush(struct dpdk_port *self, struct tx_batch *batch)
{
    uint32_t lens[NIC_BURST_MAX];
    uint16_t ready = (uint16_t)batch->count;
    uint32_t sent = 0;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < batch->count; i++)
        lens[i] = batch->mbufs[i]->pkt_len;
    if (batch->offloads)
        ready = rte_eth_tx_prepare(self->port_id, 0, batch->mbufs, ready);
    DRV_DPDK_EDGE_PUT(self->tx_edge); /* D1 */
    if (ready != 0)
        sent = rte_eth_tx_burst(self->port_id, 0, batch->mbufs, ready);
    for (uint32_t i = 0; i < batch->count; i++) {
        bool copied = batch->mbufs[i] != dpdk_mbuf(batch->frames[i]);

        if (i < sent)
            bytes += lens[i];
        if (copied && i < sent)
            nic_buf_free(batch->frames[i]);
        else if (copied)
            rte_pktmbuf_free(batch->mbufs[i]);
    }
    if (sent != 0) {
        nic_stat_add(&self->base.stats.tx_frames, sent);
        nic_stat_add(&self->base.stats.tx_bytes, bytes);
    }
    /* What the device's own check refuses would block the queue for ever. */
    if (sent == ready && ready < batch->count) {
        nic_stat_add(&self->base.stats.tx_errors, 1);
        nic_buf_free(batch->frames[sent]);
        sent++;
    }
    return sent;
}

uint32_t drv_dpdk_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    struct dpdk_port *self = dpdk_of(port);
    uint32_t done = 0;

    (void)now_ns;
    if (count > NIC_BURST_MAX)
        count = NIC_BURST_MAX;
    while (done < count) {
        struct tx_batch batch;
        uint32_t at = done;

        batch.count = 0;
        batch.offloads = false;
        while (at < count && nic_frame_ok(port, bufs[at], NIC_FRAME_MIN) && tx_add(self, &batch, bufs[at]))
            at++;
        if (batch.count != 0)
            done += tx_flush(self, &batch);
        if (done < at || at == count || nic_frame_ok(port, bufs[at], NIC_FRAME_MIN))
            return done; /* queue full, all sent, or no buffer for a copy */
        nic_stat_add(&port->stats.tx_errors, 1);
        nic_buf_free(bufs[at]);
        done++;
    }
    return done;
}

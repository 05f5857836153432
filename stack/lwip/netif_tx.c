#include "netif_priv.h"

#include "stack/err.h"

#include "lwip/pbuf.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip.h"
#include "lwip/stats.h"

#include <string.h>

/* A reference costs a descriptor; below this many bytes a copy is cheaper. */
#define REFERENCE_BYTES_MIN 256u
#define ETH_BYTES 14u
#define VLAN_BYTES 4u

static uint32_t sum_be16(const uint8_t *p, uint32_t len, uint32_t sum)
{
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return sum;
}

/* Sum of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1), folded and not complemented, as the port's hardware wants. */
static uint16_t pseudo_sum(const uint8_t *addrs, uint32_t addrs_len, uint8_t proto, uint32_t l4_bytes)
{
    uint32_t sum = sum_be16(addrs, addrs_len, proto);
    sum += (l4_bytes >> 16) + (l4_bytes & 0xffff);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void tx_l4_offload(const struct stk_netif *nif, struct nic_buf *buf, uint8_t proto, uint16_t pseudo)
{
    if (proto != IP_PROTO_TCP || (nif->caps & NIC_CAP_TX_TCP_CSUM) == 0)
        return;
    uint8_t *tcp = buf->data + buf->l2_len + buf->l3_len;
    if (buf->len < (uint32_t)buf->l2_len + buf->l3_len + 20u)
        return;
    tcp[16] = (uint8_t)(pseudo >> 8);
    tcp[17] = (uint8_t)pseudo;
    buf->l4_len = (uint16_t)((tcp[12] >> 4) * 4);
    buf->flags |= NIC_TX_TCP_CSUM;
}

/*
 * Ask for the checksums that lwIP left out (the netif's flags say which); the headers are in the first segment, where
 * they were copied. A fragment has no whole transport checksum: lwIP computed it before.
 */
static void tx_offload(const struct stk_netif *nif, struct nic_buf *buf)
{
    uint32_t l2 = ETH_BYTES + (nif->vlan_id != 0 ? VLAN_BYTES : 0);
    if (buf->len < l2 + 20)
        return;
    const uint8_t *ip = buf->data + l2;
    uint32_t type = (uint32_t)buf->data[l2 - 2] << 8 | buf->data[l2 - 1];
    buf->l2_len = (uint16_t)l2;
    if (type == ETHTYPE_IP) {
        buf->l3_len = (uint16_t)((ip[0] & 0x0f) * 4);
        buf->flags |= NIC_TX_IP4;
        if (nif->caps & NIC_CAP_TX_IP4_CSUM) {
            buf->flags |= NIC_TX_IP4_CSUM;
            buf->data[l2 + 10] = 0;
            buf->data[l2 + 11] = 0;
        }
        bool fragment = ((ip[6] & 0x3f) | ip[7]) != 0;
        uint32_t total = (uint32_t)ip[2] << 8 | ip[3];
        if (!fragment && total >= buf->l3_len)
            tx_l4_offload(nif, buf, ip[9], pseudo_sum(ip + 12, 8, ip[9], total - buf->l3_len));
    } else if (type == ETHTYPE_IPV6 && buf->len >= l2 + 40) {
        buf->l3_len = 40;
        buf->flags |= NIC_TX_IP6;
        tx_l4_offload(nif, buf, ip[6], pseudo_sum(ip + 8, 32, ip[6], (uint32_t)ip[4] << 8 | ip[5]));
    }
}

static void tx_hold_release(void *context)
{
    struct stk_netif_hold *hold = context;
    struct stk_netif *nif = hold->nif;
    nif->mem_ops->drop(nif->mem_ctx, hold->data, hold->len, hold->token);
    hold->next = nif->holds_free;
    nif->holds_free = hold;
}

/* A segment that refers to q's memory, or NULL: copy it. */
static struct nic_buf *tx_reference(struct stk_netif *nif, const struct pbuf *q)
{
    bool rom = pbuf_match_type(q, PBUF_ROM);
    if (!rom || q->len < REFERENCE_BYTES_MIN || nif->mem_ops == NULL || nif->holds_free == NULL)
        return NULL;
    void *token = NULL;
    if (!nif->mem_ops->hold(nif->mem_ctx, q->payload, q->len, &token))
        return NULL;
    struct stk_netif_hold *hold = nif->holds_free;
    hold->token = token;
    nif->holds_free = hold->next;
    hold->data = q->payload;
    hold->len = q->len;
    struct nic_buf *segment = nic_buf_attach_ext(nif->port, q->payload, q->len, tx_hold_release, hold);
    if (segment == NULL)
        tx_hold_release(hold);
    return segment;
}

static err_t tx_build(struct stk_netif *nif, const struct pbuf *p, struct nic_buf *head)
{
    struct nic_buf *tail = head;
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        struct nic_buf *segment = NULL;
        if (q != p && (nif->caps & NIC_CAP_EXTMEM) != 0 && head->segs + 2u < NIC_SEGS_MAX)
            segment = tx_reference(nif, q);
        if (segment == NULL && q->len > 0 && (tail->release != NULL || tail->room - tail->len < q->len)) {
            if ((nif->caps & NIC_CAP_EXTMEM) == 0 || head->segs >= NIC_SEGS_MAX) {
                nif->stats.tx_dropped_size++;
                return ERR_BUF;
            }
            segment = nic_buf_alloc(nif->port);
            if (segment == NULL || segment->room < q->len) {
                if (segment != NULL)
                    nic_buf_free(segment);
                nif->stats.tx_dropped_no_buf++;
                return ERR_MEM;
            }
        }
        if (segment != NULL) {
            tail->next = segment;
            tail = segment;
            head->segs++;
        }
        if (tail->release == NULL) {
            memcpy(tail->data + tail->len, q->payload, q->len);
            tail->len += q->len;
            nif->stats.tx_copied_bytes += q->len;
        } else {
            nif->stats.tx_referenced++;
        }
        head->pkt_len += q->len;
    }
    return ERR_OK;
}

err_t stk_netif_output(struct netif *netif, struct pbuf *p)
{
    struct stk_netif *nif = netif->state;
    if (nif->tap != NULL)
        nif->tap(nif, p, true);
    if (nif->tx_count == NIC_BURST_MAX)
        stk_netif_tx_flush(nif, nif->now_ns);
    if (nif->tx_count == NIC_BURST_MAX) {
        nif->stats.tx_dropped_full++;
        stk_netif_lost_note(nif, p, "tx_dropped_full");
        return ERR_OK; /* as if lost on the wire: the transport recovers, an error would make lwIP retry at once */
    }
    struct nic_buf *head = nic_buf_alloc(nif->port);
    if (head == NULL) {
        nic_tx_reclaim(nif->port);
        head = nic_buf_alloc(nif->port);
    }
    if (head == NULL) {
        nif->stats.tx_dropped_no_buf++;
        stk_netif_lost_note(nif, p, "tx_dropped_no_buf");
        return ERR_OK;
    }
    const err_t built = tx_build(nif, p, head);
    if (built != ERR_OK) {
        stk_netif_lost_note(nif, p, built == ERR_MEM ? "tx_dropped_no_buf" : "tx_dropped_size");
        nic_buf_free(head);
        return ERR_OK;
    }
    tx_offload(nif, head);
    nif->tx[nif->tx_count++] = head;
    nif->stats.tx_frames++;
    nif->stats.tx_bytes += head->pkt_len;
    LINK_STATS_INC(link.xmit);
    return ERR_OK;
}

void stk_netif_tx_flush(struct stk_netif *nif, uint64_t now_ns)
{
    nif->now_ns = now_ns;
    if (nif->tx_count == 0)
        return;
    uint32_t sent = nic_tx_burst(nif->port, nif->tx, nif->tx_count, now_ns);
    if (sent < nif->tx_count) {
        nic_tx_reclaim(nif->port);
        sent += nic_tx_burst(nif->port, nif->tx + sent, nif->tx_count - sent, now_ns);
    }
    nif->tx_count -= sent;
    memmove(nif->tx, nif->tx + sent, nif->tx_count * sizeof(nif->tx[0]));
}

uint32_t stk_netif_tx_pending(const struct stk_netif *nif)
{
    return nif->tx_count;
}

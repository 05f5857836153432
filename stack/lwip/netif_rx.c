#include "netif_priv.h"

#include "lwip/pbuf.h"
#include "lwip/prot/ethernet.h"
#include "lwip/stats.h"
#include "netif/ethernet.h"

#include <string.h>

#define ETH_BYTES 14u
#define VLAN_BYTES 4u
#define ARP_BYTES 28u
#define ARP_TARGET_IP 24u

/* Lives in the private area of the buffer whose data it describes. */
struct rx_pbuf {
    struct pbuf_custom custom;
    struct nic_buf *buf;
};

_Static_assert(sizeof(struct rx_pbuf) <= NIC_BUF_PRIV_SIZE, "the pbuf of a received buffer fits into its private area");

static void rx_pbuf_free(struct pbuf *p)
{
    struct rx_pbuf *rx = (struct rx_pbuf *)(void *)p;
    nic_buf_free(rx->buf);
}

bool stk_netif_rx_stamp(const struct pbuf *p, uint64_t *stamp_ns)
{
    const struct rx_pbuf *rx = (const struct rx_pbuf *)(const void *)p;
    if ((p->flags & PBUF_FLAG_IS_CUSTOM) == 0 || rx->custom.custom_free_function != rx_pbuf_free ||
        (rx->buf->flags & NIC_RX_TSTAMP) == 0)
        return false;
    *stamp_ns = rx->buf->tstamp_ns;
    return true;
}

static struct pbuf *rx_wrap_segment(struct nic_buf *buf)
{
    struct rx_pbuf *rx = (struct rx_pbuf *)(void *)buf->priv;
    rx->buf = buf;
    rx->custom.custom_free_function = rx_pbuf_free;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)buf->len, PBUF_REF, &rx->custom, buf->data, (u16_t)buf->len);
}

/* Each segment becomes a frame of its own to the driver: it is given back when lwIP drops its part. */
static struct pbuf *rx_wrap(struct nic_buf *head)
{
    struct pbuf *chain = NULL;
    struct nic_buf *next;
    for (struct nic_buf *buf = head; buf != NULL; buf = next) {
        next = buf->next;
        buf->next = NULL;
        buf->segs = 1;
        buf->pkt_len = buf->len;
        struct pbuf *p = rx_wrap_segment(buf);
        if (chain == NULL)
            chain = p;
        else
            pbuf_cat(chain, p);
    }
    return chain;
}

static bool rx_sane(const struct nic_buf *head)
{
    uint32_t total = 0;
    for (const struct nic_buf *buf = head; buf != NULL; buf = buf->next) {
        if (buf->len > NIC_MTU_MAX + 64u)
            return false;
        total += buf->len;
        if (total > UINT16_MAX)
            return false;
    }
    return head->len >= ETH_BYTES && total == head->pkt_len;
}

/* ARP is answered by the interface that has the wanted address, else by the port's first one. */
static struct netif *rx_netif(struct stk_netif *nif, const uint8_t *frame, uint32_t len, uint32_t l2)
{
    if (nif->netifs_count == 1 || len < l2 + ARP_BYTES || frame[l2 - 2] != 0x08 || frame[l2 - 1] != 0x06)
        return &nif->netifs[0];
    uint32_t target;
    memcpy(&target, frame + l2 + ARP_TARGET_IP, sizeof(target));
    for (uint32_t i = 1; i < nif->netifs_count; i++) {
        if (ip4_addr_get_u32(netif_ip4_addr(&nif->netifs[i])) == target)
            return &nif->netifs[i];
    }
    return &nif->netifs[0];
}

/* Checks that the port has made already; they are made again for the next packet. */
static uint16_t rx_checks_done(uint32_t flags)
{
    uint32_t done = 0;
    if (flags & NIC_RX_IP4_CSUM_GOOD)
        done |= NETIF_CHECKSUM_CHECK_IP;
    if (flags & NIC_RX_L4_CSUM_GOOD)
        done |= NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    return (uint16_t)done;
}

static bool rx_accept(struct stk_netif *nif, const struct nic_buf *buf)
{
    if (!rx_sane(buf)) {
        nif->stats.rx_bad_frame++;
        return false;
    }
    if (buf->flags & (NIC_RX_IP4_CSUM_BAD | NIC_RX_L4_CSUM_BAD)) {
        nif->stats.rx_bad_checksum++;
        return false;
    }
    bool tagged = buf->data[12] == 0x81 && buf->data[13] == 0x00;
    if (nif->vlan_id != 0 && !tagged) {
        nif->stats.rx_other_vlan++;
        return false;
    }
    return true;
}

void stk_netif_input(struct stk_netif *nif, struct nic_buf *buf)
{
    nif->stats.rx_frames++;
    nif->stats.rx_bytes += buf->pkt_len;
    if (nif->fast != NULL && nif->fast(nif, buf))
        return;
    if (!rx_accept(nif, buf)) {
        nic_buf_free(buf);
        return;
    }
    struct stk_inst_scope scope = stk_inst_enter(nif->inst);
    uint32_t l2 = ETH_BYTES + (nif->vlan_id != 0 ? VLAN_BYTES : 0);
    struct netif *netif = rx_netif(nif, buf->data, buf->len, l2);
    uint16_t done = rx_checks_done(buf->flags);
    uint16_t before = netif->chksum_flags;
    struct pbuf *p = rx_wrap(buf);
    if (nif->tap != NULL)
        nif->tap(nif, p, false);
    netif->chksum_flags = (uint16_t)(before & ~done);
    if (ethernet_input(p, netif) != ERR_OK) {
        nif->stats.rx_refused++;
        pbuf_free(p);
    }
    netif->chksum_flags = before;
    stk_inst_leave(scope);
}

uint32_t stk_netif_rx_burst(struct stk_netif *nif, uint64_t now_ns)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    nif->now_ns = now_ns;
    uint32_t count = nic_rx_burst(nif->port, bufs, NIC_BURST_MAX, now_ns);
    if (nif->noted != NULL) {
        stk_netif_burst_noted(nif, bufs, count);
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        nif->inst->burst_left = count - 1 - i;
        stk_netif_input(nif, bufs[i]);
    }
    return count;
}

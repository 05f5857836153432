#include "nic/csum.h"

#include <string.h>

#include "stack/err.h"

enum {
    ETH_HLEN = 14,
    ETHERTYPE_IP4 = 0x0800,
    ETHERTYPE_IP6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,
    IP_PROTO_TCP = 6,
    IP_PROTO_UDP = 17,
    IP6_HLEN = 40,
    TCP_CSUM_AT = 16,
    UDP_CSUM_AT = 6,
    TCP_HLEN_MIN = 20,
    UDP_HLEN = 8,
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static void put_be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint64_t sum_bytes(const uint8_t *p, uint32_t len)
{
    uint64_t sum = 0;

    for (; len >= 2; len -= 2, p += 2)
        sum += be16(p);
    if (len != 0)
        sum += (uint32_t)p[0] << 8;
    return sum;
}

static uint32_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

/** Bytes of the transport segment, by the IP header; 0 if it does not fit. */
static uint32_t l4_bytes(const uint8_t *frame, uint32_t len, const struct nic_buf *head)
{
    uint32_t l4_at = (uint32_t)head->l2_len + head->l3_len;
    const uint8_t *ip = frame + head->l2_len;
    uint32_t bytes;

    if (l4_at >= len || head->l3_len < 20)
        return 0;
    if ((head->flags & NIC_TX_IP6) != 0) {
        if (head->l3_len < IP6_HLEN)
            return 0;
        bytes = be16(ip + 4) + IP6_HLEN;
    } else {
        bytes = be16(ip + 2);
    }
    if (bytes <= head->l3_len || head->l2_len + bytes > len)
        return 0;
    return bytes - head->l3_len;
}

int nic_csum_tx_fill(uint8_t *frame, uint32_t len, const struct nic_buf *head)
{
    uint32_t l4_at = (uint32_t)head->l2_len + head->l3_len;
    bool want_l4 = (head->flags & (NIC_TX_TCP_CSUM | NIC_TX_UDP_CSUM)) != 0;
    bool udp = (head->flags & NIC_TX_UDP_CSUM) != 0;
    bool want_ip4 = (head->flags & NIC_TX_IP4_CSUM) != 0;

    if (!want_l4 && !want_ip4)
        return 0;
    if (want_ip4 && (head->l3_len < 20 || l4_at > len))
        return STK_EPROTO;
    if (want_l4) {
        uint32_t bytes = l4_bytes(frame, len, head);
        uint32_t at = udp ? UDP_CSUM_AT : TCP_CSUM_AT;
        uint32_t sum;

        if (bytes < at + 2)
            return STK_EPROTO;
        /* The field holds the pseudo-header's sum, so it is simply summed along. */
        sum = ~fold(sum_bytes(frame + l4_at, bytes)) & 0xffff;
        if (udp && sum == 0)
            sum = 0xffff; /* RFC 768: zero would mean "none" */
        put_be16(frame + l4_at + at, sum);
    }
    if (want_ip4) {
        uint8_t *ip = frame + head->l2_len;

        put_be16(ip + 10, 0);
        put_be16(ip + 10, ~fold(sum_bytes(ip, head->l3_len)) & 0xffff);
    }
    return 0;
}

static uint32_t l4_flags(const uint8_t *l4, uint32_t bytes, uint32_t proto, uint64_t pseudo, bool ip6)
{
    if (proto == IP_PROTO_UDP) {
        if (bytes < UDP_HLEN)
            return 0;
        if (be16(l4 + UDP_CSUM_AT) == 0)
            return ip6 ? NIC_RX_L4_CSUM_BAD : 0; /* RFC 8200 8.1: required over IPv6 */
        if (be16(l4 + 4) < UDP_HLEN || be16(l4 + 4) > bytes)
            return 0;
        bytes = be16(l4 + 4);
    } else if (proto != IP_PROTO_TCP || bytes < TCP_HLEN_MIN) {
        return 0;
    }
    return fold(pseudo + proto + bytes + sum_bytes(l4, bytes)) == 0xffff ? NIC_RX_L4_CSUM_GOOD : NIC_RX_L4_CSUM_BAD;
}

static uint32_t ip4_flags(const uint8_t *ip, uint32_t len)
{
    uint32_t hlen, total, flags;

    if (len < 20 || ip[0] >> 4 != 4)
        return 0;
    hlen = (ip[0] & 15u) * 4;
    total = be16(ip + 2);
    if (hlen < 20 || hlen > len)
        return 0;
    flags = fold(sum_bytes(ip, hlen)) == 0xffff ? NIC_RX_IP4_CSUM_GOOD : NIC_RX_IP4_CSUM_BAD;
    if (total < hlen || total > len || (be16(ip + 6) & 0x3fff) != 0)
        return flags;
    return flags | l4_flags(ip + hlen, total - hlen, ip[9], sum_bytes(ip + 12, 8), false);
}

static uint32_t ip6_flags(const uint8_t *ip, uint32_t len)
{
    uint32_t bytes;

    if (len < IP6_HLEN || ip[0] >> 4 != 6)
        return 0;
    bytes = be16(ip + 4);
    if (bytes > len - IP6_HLEN)
        return 0;
    return l4_flags(ip + IP6_HLEN, bytes, ip[6], sum_bytes(ip + 8, 32), true);
}

uint32_t nic_csum_rx_flags(const uint8_t *frame, uint32_t len)
{
    uint32_t at = ETH_HLEN;

    for (int tags = 0; tags < 2 && len >= at; tags++) {
        uint32_t type = be16(frame + at - 2);

        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
            break;
        at += 4;
    }
    if (len < at)
        return 0;
    if (be16(frame + at - 2) == ETHERTYPE_IP4)
        return ip4_flags(frame + at, len - at);
    if (be16(frame + at - 2) == ETHERTYPE_IP6)
        return ip6_flags(frame + at, len - at);
    return 0;
}

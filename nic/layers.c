#include "nic/layers.h"

#include <string.h>

#define ETH_BYTES 14u
#define TAG_BYTES 4u
#define IP4_BYTES 20u
#define IP6_BYTES 40u
#define TCP_BYTES 20u
#define UDP_BYTES 8u
#define IP_MAX 65535u
#define EXTENSIONS_MAX 16
#define PROTO_TCP 6u
#define PROTO_UDP 17u

enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8, TYPE_QINQ_OLD = 0x9100 };
enum {
    NEXT_HOPS = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AUTH = 51,
    NEXT_DESTINATION = 60,
    NEXT_MOBILITY = 135
};

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static void bad(struct nic_layers *out, const char *reason)
{
    out->kind = NIC_LAYERS_BAD;
    out->reason = reason;
}

/* --- Link ------------------------------------------------------------------ */

/* Steps over tags; 0: the frame ends in them. */
static uint32_t type_find(struct nic_layers *out)
{
    uint32_t at = ETH_BYTES;
    uint32_t type = get16(out->frame + 12);

    while ((type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD) && out->vlans < 2) {
        if (out->len < at + TAG_BYTES)
            return 0;
        out->vlan[out->vlans++] = (uint16_t)get16(out->frame + at);
        type = get16(out->frame + at + 2);
        at += TAG_BYTES;
    }
    out->l3 = (uint16_t)at;
    return type;
}

/* --- TCP and UDP ------------------------------------------------------------- */

static void tcp_parse(struct nic_layers *out)
{
    const uint8_t *tcp = out->frame + out->l4;
    uint32_t header;

    if (out->end - out->l4 < TCP_BYTES) {
        bad(out, "shorter than a TCP header");
        return;
    }
    if (out->len < out->l4 + TCP_BYTES) {
        bad(out, "snapped in its TCP header");
        return;
    }
    header = (uint32_t)(tcp[12] >> 4) * 4;
    if (header < TCP_BYTES || header > out->end - out->l4) {
        bad(out, "its TCP header length is wrong");
        return;
    }
    out->kind = NIC_LAYERS_TCP;
    out->sport = (uint16_t)get16(tcp);
    out->dport = (uint16_t)get16(tcp + 2);
    out->seq = get32(tcp + 4);
    out->ack = get32(tcp + 8);
    out->tcp_flags = tcp[13] & 0x3f;
    out->window = (uint16_t)get16(tcp + 14);
    out->payload = out->l4 + header;
}

static void udp_parse(struct nic_layers *out)
{
    const uint8_t *udp = out->frame + out->l4;
    uint32_t said;

    if (out->end - out->l4 < UDP_BYTES) {
        bad(out, "shorter than a UDP header");
        return;
    }
    if (out->len < out->l4 + UDP_BYTES) {
        bad(out, "snapped in its UDP header");
        return;
    }
    said = get16(udp + 4);
    if (said < UDP_BYTES || (said > out->end - out->l4 && !out->fragment)) {
        bad(out, "its UDP length is wrong");
        return;
    }
    out->kind = NIC_LAYERS_UDP;
    out->sport = (uint16_t)get16(udp);
    out->dport = (uint16_t)get16(udp + 2);
    out->payload = out->l4 + UDP_BYTES;
    if (!out->fragment)
        out->end = out->l4 + said;
}

static void l4_parse(struct nic_layers *out)
{
    if (out->fragment && out->frag_offset != 0) {
        out->kind = NIC_LAYERS_FRAGMENT;
        out->payload = out->l4;
        return;
    }
    if (out->proto != PROTO_TCP && out->proto != PROTO_UDP) {
        out->kind = NIC_LAYERS_OTHER;
        out->payload = out->l4;
        return;
    }
    /* RFC 1858, RFC 7112: a first fragment without the whole header is an attack, or of no use. */
    if (out->proto == PROTO_TCP)
        tcp_parse(out);
    else
        udp_parse(out);
    if (out->kind == NIC_LAYERS_BAD && out->fragment && nic_layers_whole(out))
        out->reason = "its first fragment has not the whole header (RFC 1858, RFC 7112)";
}

/* --- IP ---------------------------------------------------------------------- */

static void ip4_parse(struct nic_layers *out)
{
    const uint8_t *ip = out->frame + out->l3;
    uint32_t header, total, piece;

    if (out->len < out->l3 + IP4_BYTES) {
        bad(out, out->full_len > out->len ? "snapped in its IPv4 header" : "shorter than an IPv4 header");
        return;
    }
    header = (uint32_t)(ip[0] & 15) * 4;
    total = get16(ip + 2);
    if (total ==
        0) /* segmentation left to the NIC: the packet is as long as the frame (Linux captures of more than 64 KiB) */
        total = out->full_len - out->l3;
    if (ip[0] >> 4 != 4 || header < IP4_BYTES || header > total) {
        bad(out, "its IPv4 header is wrong");
        return;
    }
    if (total > out->full_len - out->l3) {
        bad(out, "its IPv4 length is more than the frame's");
        return;
    }
    if (out->len < out->l3 + header) {
        bad(out, "snapped in its IPv4 header");
        return;
    }
    out->ip = 4;
    memcpy(out->src, ip + 12, 4);
    memcpy(out->dst, ip + 16, 4);
    out->proto = ip[9];
    out->l4 = (uint16_t)(out->l3 + header);
    out->end = out->l3 + total;
    piece = get16(ip + 6);
    out->frag_more = (piece & 0x2000) != 0;
    out->frag_offset = (piece & 0x1fff) * 8;
    out->fragment = out->frag_more || out->frag_offset != 0;
    out->frag_id = get16(ip + 4);
    if (out->frag_offset + total - header > IP_MAX) {
        bad(out, "its fragment ends beyond the longest datagram");
        return;
    }
    l4_parse(out);
}

/* A header of the chain: bytes of it, and what comes next. 0: not a header that can be stepped over. */
static uint32_t extension_bytes(uint32_t next, const uint8_t *header)
{
    switch (next) {
    case NEXT_HOPS:
    case NEXT_ROUTING:
    case NEXT_DESTINATION:
        return ((uint32_t)header[1] + 1) * 8;
    case NEXT_FRAGMENT:
        return 8;
    default:
        return 0;
    }
}

static bool extension_is(uint32_t next)
{
    static const uint8_t probe[2];
    return extension_bytes(next, probe) != 0;
}

/* Steps over extension headers; false: out is BAD. */
static bool extensions_skip(struct nic_layers *out, uint32_t next)
{
    uint32_t at = out->l3 + IP6_BYTES;

    for (int i = 0; extension_is(next) && !(out->fragment && out->frag_offset != 0); i++) {
        const uint8_t *header = out->frame + at;
        uint32_t bytes;

        if (i == EXTENSIONS_MAX || at + 8 > out->end) {
            bad(out,
                i == EXTENSIONS_MAX ? "too many extension headers" : "its extension headers end behind the packet");
            return false;
        }
        if (at + 8 > out->len) {
            bad(out, "snapped in its extension headers");
            return false;
        }
        bytes = extension_bytes(next, header);
        if (at + bytes > out->end) {
            bad(out, "its extension headers end behind the packet");
            return false;
        }
        if (next == NEXT_FRAGMENT) {
            out->frag_offset = get16(header + 2) & 0xfff8;
            out->frag_more = (header[3] & 1) != 0;
            out->frag_id = get32(header + 4);
            out->fragment = out->frag_more || out->frag_offset != 0; /* RFC 6946: else an atomic one, whole by itself */
        }
        next = header[0];
        at += bytes;
    }
    out->proto = (uint8_t)next;
    out->l4 = (uint16_t)at;
    return true;
}

static void ip6_parse(struct nic_layers *out)
{
    const uint8_t *ip = out->frame + out->l3;
    uint32_t total;

    if (out->len < out->l3 + IP6_BYTES) {
        bad(out, out->full_len > out->len ? "snapped in its IPv6 header" : "shorter than an IPv6 header");
        return;
    }
    if (ip[0] >> 4 != 6) {
        bad(out, "its IPv6 header is wrong");
        return;
    }
    total = get16(ip + 4);
    if (total == 0 && ip[6] != NEXT_HOPS)
        total = out->full_len - out->l3 - IP6_BYTES; /* segmentation left to the NIC */
    if (total > out->full_len - out->l3 - IP6_BYTES) {
        bad(out, "its IPv6 length is more than the frame's");
        return;
    }
    out->ip = 6;
    memcpy(out->src, ip + 8, 16);
    memcpy(out->dst, ip + 24, 16);
    out->end = out->l3 + IP6_BYTES + total;
    if (!extensions_skip(out, ip[6]))
        return;
    if (out->frag_offset + (out->end - out->l4) > IP_MAX) {
        bad(out, out->fragment ? "its fragment ends beyond the longest datagram" : "longer than any IPv6 packet");
        return;
    }
    l4_parse(out);
}

bool nic_layers_host(const uint8_t *addr, uint32_t ip)
{
    static const uint8_t zeros[12];

    if (ip == 4)
        return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
    if (memcmp(addr, zeros, 10) == 0 && ((addr[10] == 0xff && addr[11] == 0xff) || memcmp(addr, zeros, 12) == 0))
        return false; /* RFC 4291 2.5: ::, ::1, mapped and compatible ones */
    return addr[0] != 0xff;
}

void nic_layers_parse(const uint8_t *frame, uint32_t len, uint32_t full_len, struct nic_layers *out)
{
    uint32_t type;

    memset(out, 0, sizeof(*out));
    out->frame = frame;
    out->len = len;
    out->full_len = full_len > len ? full_len : len;
    if (len < ETH_BYTES) {
        bad(out, "shorter than an Ethernet header");
        return;
    }
    type = type_find(out);
    if (type == 0 && out->l3 == 0) {
        bad(out, "it ends in its VLAN tag");
    } else if (type == TYPE_IP4) {
        ip4_parse(out);
    } else if (type == TYPE_IP6) {
        ip6_parse(out);
    } else {
        out->kind = NIC_LAYERS_NOT_IP;
        out->end = out->full_len;
        out->payload = out->l3;
    }
}

/* --- Options ------------------------------------------------------------------- */

static void option_read(const struct nic_layers *pkt, uint32_t at, struct nic_layers_options *out)
{
    const uint8_t *option = pkt->frame + at;

    if (option[0] == 2 && option[1] == 4) {
        out->mss = (uint16_t)get16(option + 2);
    } else if (option[0] == 3 && option[1] == 3) {
        out->wscale = option[2] > 14 ? 14 : (int8_t)option[2]; /* RFC 7323 2.3 */
    } else if (option[0] == 4 && option[1] == 2) {
        out->sack_permitted = true;
    } else if (option[0] == 8 && option[1] == 10) {
        out->timestamps = true;
        out->ts_value = get32(option + 2);
        out->ts_echo = get32(option + 6);
        out->ts_at = at + 2;
    }
}

void nic_layers_options(const struct nic_layers *pkt, struct nic_layers_options *out)
{
    uint32_t at = pkt->l4 + TCP_BYTES;
    uint32_t end = pkt->payload < pkt->len ? pkt->payload : pkt->len;

    *out = (struct nic_layers_options){.wscale = -1};
    if (pkt->kind != NIC_LAYERS_TCP)
        return;
    while (at < end && pkt->frame[at] != 0) {
        uint32_t bytes = 1;

        if (pkt->frame[at] != 1) {
            if (at + 2 > end || pkt->frame[at + 1] < 2 || at + pkt->frame[at + 1] > end)
                return;
            bytes = pkt->frame[at + 1];
            option_read(pkt, at, out);
        }
        at += bytes;
    }
}

/* --- Checksums ------------------------------------------------------------------- */

/* The sum of 16-bit words in network order, not folded; eight bytes at a time where there are many. */
static uint64_t words_sum(const uint8_t *at, uint32_t len)
{
    uint64_t sum = 0;

    while (len >= 16) {
        uint32_t four[4];

        memcpy(four, at, sizeof(four));
        sum += (uint64_t)four[0] + four[1] + four[2] + four[3];
        at += 16;
        len -= 16;
    }
    while (len >= 2) {
        uint16_t word;

        memcpy(&word, at, 2);
        sum += word;
        at += 2;
        len -= 2;
    }
    if (len != 0) {
        const uint8_t last[2] = {at[0], 0};
        uint16_t word;

        memcpy(&word, last, 2);
        sum += word;
    }
    return sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint64_t pseudo_sum(const struct nic_layers *pkt, uint32_t len)
{
    const uint8_t tail[8] = {
        (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0, pkt->proto};
    uint32_t addr = pkt->ip == 4 ? 4 : 16;

    return words_sum(pkt->src, addr) + words_sum(pkt->dst, addr) + words_sum(tail, sizeof(tail));
}

static enum nic_layers_sum l4_sum(const struct nic_layers *pkt)
{
    uint32_t len = pkt->end - pkt->l4;
    uint32_t field = pkt->l4 + (pkt->kind == NIC_LAYERS_TCP ? 16u : 6u);
    uint64_t pseudo;
    uint16_t said;

    if (pkt->fragment || !nic_layers_whole(pkt))
        return NIC_SUM_UNKNOWN;
    memcpy(&said, pkt->frame + field, 2);
    if (pkt->kind == NIC_LAYERS_UDP && said == 0)
        return pkt->ip == 4 ? NIC_SUM_UNKNOWN : NIC_SUM_BAD; /* RFC 768; RFC 8200 8.1 */
    pseudo = pseudo_sum(pkt, len);
    if (fold(pseudo + words_sum(pkt->frame + pkt->l4, len)) == 0xffff)
        return NIC_SUM_GOOD;
    /* Linux leaves the folded sum of the pseudo-header in the field; some captures have 0. */
    if (said == fold(pseudo) || said == 0)
        return NIC_SUM_OFFLOAD;
    /* Windows: of what the NIC cuts, without the length, which each piece has its own of. */
    return pkt->kind == NIC_LAYERS_TCP && said == fold(pseudo_sum(pkt, 0)) ? NIC_SUM_OFFLOAD : NIC_SUM_BAD;
}

static enum nic_layers_sum ip4_sum(const struct nic_layers *pkt)
{
    const uint8_t *ip = pkt->frame + pkt->l3;

    if (fold(words_sum(ip, (uint32_t)(ip[0] & 15) * 4)) == 0xffff)
        return NIC_SUM_GOOD;
    return get16(ip + 10) == 0 ? NIC_SUM_OFFLOAD : NIC_SUM_BAD;
}

void nic_layers_sums(const struct nic_layers *pkt, enum nic_layers_sum *l3, enum nic_layers_sum *l4)
{
    *l3 = pkt->ip == 4 ? ip4_sum(pkt) : pkt->ip == 6 ? NIC_SUM_GOOD : NIC_SUM_UNKNOWN;
    *l4 = pkt->kind == NIC_LAYERS_TCP || pkt->kind == NIC_LAYERS_UDP ? l4_sum(pkt) : NIC_SUM_UNKNOWN;
}

#include "replay/receive_priv.h"

#include "stack/api.h"

#include <string.h>

#define ETH 14u
#define IP4 20u
#define IP6 40u
#define TCP 20u

/*
 * The stack is 192.0.2.1 and 2001:db8::1 (RFC 5737, RFC 3849); peers are 10.0.0.0 and fd00:: with their slot, behind a gateway
 * whose address on the link is known, so that nobody asks for any.
 */
const char receive_frame_conf[] = "mac = 02:00:00:00:00:02\n"
                                  "address = 192.0.2.1/24\n"
                                  "address = 2001:db8::1/64\n"
                                  "route = default via 192.0.2.2\n"
                                  "route = default via 2001:db8::2\n"
                                  "neighbour = 192.0.2.2 02:00:00:00:00:01\n"
                                  "neighbour = 2001:db8::2 02:00:00:00:00:01\n";

static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
static const uint8_t own4[4] = {192, 0, 2, 1};
static const uint8_t own6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static void peer_addr(uint32_t slot, uint8_t ip, uint8_t *out)
{
    if (ip == 4) {
        put32(out, 10u << 24 | slot);
        return;
    }
    memset(out, 0, 16);
    out[0] = 0xfd;
    put32(out + 12, slot);
}

uint32_t receive_frame_slot(const uint8_t *ip, int family)
{
    const uint8_t *at = family == STK_AF_INET6 ? ip + 13 : ip + 1;
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

static uint32_t words_sum(const uint8_t *at, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i + 1 < len; i += 2)
        sum += get16(at + i);
    return len % 2 != 0 ? sum + ((uint32_t)at[len - 1] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* RFC 1624, equation 3, for words that changed: sums of the old and of the new ones. */
static void sum_update(uint8_t *field, uint32_t before, uint32_t after)
{
    const uint32_t old = get16(field);
    put16(field, (uint16_t)~fold((uint64_t)(~old & 0xffff) + (uint16_t)~fold(before) + after));
}

/* Ports and acknowledgement; returns nothing but the change in *before, *after. */
static void ports_set(uint8_t *l4, const struct nic_layers *pkt, const struct receive_peer *peer, uint32_t ack,
                      uint32_t *before, uint32_t *after)
{
    *before += words_sum(l4, 4);
    put16(l4, peer->port);
    put16(l4 + 2, RECEIVE_PORT);
    *after += words_sum(l4, 4);
    if (pkt->kind == NIC_LAYERS_TCP) {
        *before += words_sum(l4 + 8, 4);
        put32(l4 + 8, ack);
        *after += words_sum(l4 + 8, 4);
    }
}

/* Segmentation that was left to the NIC leaves packets without a length. */
static void length_set(uint8_t *ip, const struct nic_layers *pkt)
{
    if (pkt->ip == 4 && get16(ip + 2) == 0) {
        put16(ip + 2, pkt->end - pkt->l3);
        sum_update(ip + 10, 0, pkt->end - pkt->l3);
    } else if (pkt->ip == 6 && get16(ip + 4) == 0) {
        put16(ip + 4, pkt->end - pkt->l3 - IP6);
    }
}

uint32_t receive_frame_translate(const struct nic_layers *pkt, const struct receive_peer *peer, uint32_t ack,
                                 uint8_t *out)
{
    const uint32_t len = pkt->end;
    const uint32_t addr = pkt->ip == 4 ? 12 : 8, addr_len = pkt->ip == 4 ? 4 : 16;
    uint8_t *ip = out + ETH, *l4 = ip + (pkt->l4 - pkt->l3);
    uint32_t before, after;

    if (len - pkt->l3 + ETH > RECEIVE_FRAME_MAX || !nic_layers_whole(pkt))
        return 0;
    memcpy(out, macs, sizeof(macs));
    put16(out + 12, pkt->ip == 4 ? 0x0800 : 0x86dd);
    memcpy(ip, pkt->frame + pkt->l3, len - pkt->l3);
    before = words_sum(ip + addr, 2 * addr_len);
    peer_addr(peer->slot, pkt->ip, ip + addr);
    memcpy(ip + addr + addr_len, pkt->ip == 4 ? own4 : own6, addr_len);
    after = words_sum(ip + addr, 2 * addr_len);
    if (pkt->ip == 4)
        sum_update(ip + 10, before, after);
    length_set(ip, pkt);
    if (pkt->kind == NIC_LAYERS_TCP) {
        ports_set(l4, pkt, peer, ack, &before, &after);
        sum_update(l4 + 16, before, after);
    } else if (pkt->kind == NIC_LAYERS_UDP) {
        ports_set(l4, pkt, peer, ack, &before, &after);
        if (get16(l4 + 6) != 0) {
            sum_update(l4 + 6, before, after);
            if (get16(l4 + 6) == 0) /* RFC 768: all ones, as 0 means that there is none */
                put16(l4 + 6, 0xffff);
        }
    }
    return len - pkt->l3 + ETH;
}

/* RFC 9293 3.1, RFC 7323, RFC 2018. Returns bytes, a multiple of four. */
static uint32_t options_put(const struct receive_tcp *tcp, uint8_t *at)
{
    const struct nic_layers_options *options = tcp->options;
    const bool syn = (tcp->flags & NIC_TCP_SYN) != 0;
    uint32_t len = 0;

    if (options == NULL)
        return 0;
    if (syn) {
        memcpy(at, (uint8_t[]){2, 4}, 2);
        put16(at + 2, options->mss != 0 ? options->mss : tcp->ip == 4 ? 536 : 1220);
        len = 4;
    }
    if (syn && options->wscale >= 0) {
        memcpy(at + len, (uint8_t[]){1, 3, 3, (uint8_t)options->wscale}, 4);
        len += 4;
    }
    if (syn && options->sack_permitted) {
        memcpy(at + len, (uint8_t[]){1, 1, 4, 2}, 4);
        len += 4;
    }
    if (options->timestamps) {
        memcpy(at + len, (uint8_t[]){1, 1, 8, 10}, 4);
        put32(at + len + 4, options->ts_value);
        put32(at + len + 8, syn ? 0 : options->ts_echo);
        len += 12;
    }
    return len;
}

static uint32_t ip_put(uint8_t ip_version, const struct receive_peer *peer, uint32_t l4_len, uint8_t *ip)
{
    if (ip_version == 4) {
        memset(ip, 0, IP4);
        ip[0] = 0x45;
        put16(ip + 2, IP4 + l4_len);
        ip[8] = 64;
        ip[9] = 6;
        peer_addr(peer->slot, 4, ip + 12);
        memcpy(ip + 16, own4, 4);
        put16(ip + 10, (uint16_t)~fold(words_sum(ip, IP4)));
        return IP4;
    }
    memset(ip, 0, IP6);
    ip[0] = 0x60;
    put16(ip + 4, l4_len);
    ip[6] = 6;
    ip[7] = 64;
    peer_addr(peer->slot, 6, ip + 8);
    memcpy(ip + 24, own6, 16);
    return IP6;
}

uint32_t receive_frame_tcp(const struct receive_tcp *tcp, const struct receive_peer *peer, uint8_t *out)
{
    const uint32_t ip_len = tcp->ip == 4 ? IP4 : IP6;
    uint8_t *l4 = out + ETH + ip_len;
    uint32_t header, len;
    uint64_t sum;

    memset(l4, 0, TCP);
    header = TCP + options_put(tcp, l4 + TCP);
    len = header + tcp->payload_len;
    if (ETH + ip_len + len > RECEIVE_FRAME_MAX)
        return 0;
    memcpy(out, macs, sizeof(macs));
    put16(out + 12, tcp->ip == 4 ? 0x0800 : 0x86dd);
    ip_put(tcp->ip, peer, len, out + ETH);
    put16(l4, peer->port);
    put16(l4 + 2, RECEIVE_PORT);
    put32(l4 + 4, tcp->seq);
    put32(l4 + 8, tcp->ack);
    l4[12] = (uint8_t)(header / 4 << 4);
    l4[13] = tcp->flags;
    put16(l4 + 14, 65535);
    if (tcp->payload_len != 0)
        memcpy(l4 + header, tcp->payload, tcp->payload_len);
    sum = (uint64_t)words_sum(tcp->ip == 4 ? out + ETH + 12 : out + ETH + 8, tcp->ip == 4 ? 8 : 32) + 6 + len +
          words_sum(l4, len);
    put16(l4 + 16, (uint16_t)~fold(sum));
    return ETH + ip_len + len;
}

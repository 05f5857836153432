/**
 * @file
 * What a captured frame is: its layers found, every length checked against
 * the bytes that are there. No allocation, no state; works on bytes that
 * nobody vouches for.
 *
 * Source: IEEE 802.1Q, RFC 791, RFC 8200 (extension headers), RFC 9293, RFC 768.
 */
#ifndef NIC_LAYERS_H
#define NIC_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

enum nic_layers_kind {
    NIC_LAYERS_BAD,      /**< cannot be what it says; reason says why */
    NIC_LAYERS_NOT_IP,   /**< ARP and others */
    NIC_LAYERS_OTHER,    /**< IP that is neither TCP nor UDP: ICMP, IGMP, ESP ... */
    NIC_LAYERS_FRAGMENT, /**< a later fragment, or a first one without whole ports; frag_* tell */
    NIC_LAYERS_TCP,
    NIC_LAYERS_UDP,
};

enum nic_tcp_flag {
    NIC_TCP_FIN = 0x01,
    NIC_TCP_SYN = 0x02,
    NIC_TCP_RST = 0x04,
    NIC_TCP_PSH = 0x08,
    NIC_TCP_ACK = 0x10,
    NIC_TCP_URG = 0x20,
};

/** Offsets count from the frame's first byte. */
struct nic_layers {
    const uint8_t *frame;
    uint32_t len;      /**< bytes there are */
    uint32_t full_len; /**< bytes there were on the wire */
    enum nic_layers_kind kind;
    const char *reason; /**< of NIC_LAYERS_BAD; static text */
    uint16_t vlan[2];   /**< outer, inner TCI */
    uint8_t vlans;      /**< tags, 0..2 */
    uint8_t ip;         /**< 4, 6, or 0 */
    uint8_t proto;      /**< behind extension headers */
    uint8_t tcp_flags;  /**< enum nic_tcp_flag */
    uint16_t l3;        /**< IP header */
    uint16_t l4;        /**< TCP or UDP header, or a fragment's data */
    uint32_t end;       /**< behind the last byte of the IP packet, by its length field; may exceed len (snapped) */
    uint32_t payload;   /**< first byte of TCP's or UDP's data */
    bool fragment;      /**< a piece of a datagram; kind is TCP or UDP for the first one */
    bool frag_more;
    uint32_t frag_offset; /**< bytes */
    uint32_t frag_id;
    uint8_t src[16]; /**< network order; IPv4: the first four, the rest 0 */
    uint8_t dst[16];
    uint16_t sport;
    uint16_t dport;
    uint32_t seq;
    uint32_t ack;
    uint16_t window; /**< not scaled */
};

/** Bytes of TCP's or UDP's data in this packet by its headers; a fragment's: in the fragment. */
static inline uint32_t nic_layers_data_len(const struct nic_layers *pkt)
{
    return pkt->end - pkt->payload;
}

/** Whether the IP packet is all there. */
static inline bool nic_layers_whole(const struct nic_layers *pkt)
{
    return pkt->end <= pkt->len;
}

/**
 * Find the layers of a frame.
 *
 * @param frame     len bytes of an Ethernet frame, borrowed as long as out is used.
 * @param full_len  Bytes on the wire, >= len.
 * @param out       Filled whole. Lengths that the headers name are checked against full_len, headers against len.
 *
 * Context: any thread.
 */
void nic_layers_parse(const uint8_t *frame, uint32_t len, uint32_t full_len, struct nic_layers *out);

/**
 * Can this be the address of a host on a network? Not: unspecified, loopback, a group, reserved, broadcast everywhere, or
 * an IPv4 address in IPv6's clothes.
 *
 * @param ip  4 or 6, the version of the address.
 */
bool nic_layers_host(const uint8_t *addr, uint32_t ip);

/** TCP's options that replay reads. */
struct nic_layers_options {
    uint16_t mss;  /**< 0: not there */
    int8_t wscale; /**< -1: not there */
    bool sack_permitted;
    bool timestamps;
    uint32_t ts_value;
    uint32_t ts_echo;
    uint32_t ts_at; /**< offset of ts_value in the frame */
};

/** Read the options of a TCP packet as far as they are well formed and captured. */
void nic_layers_options(const struct nic_layers *pkt, struct nic_layers_options *out);

/** What the checksums of a packet say. */
enum nic_layers_sum {
    NIC_SUM_GOOD,
    NIC_SUM_BAD,
    NIC_SUM_OFFLOAD, /**< wrong, and just what a host leaves to its NIC: the pseudo-header's sum, with or without its length, or 0 */
    NIC_SUM_UNKNOWN, /**< not to be told: snapped, a fragment, no checksum */
};

/**
 * Check the checksums of a packet: IPv4's header, and TCP or UDP.
 *
 * @param l3  What the header says; IPv6: GOOD.
 * @param l4  What the segment or datagram says.
 */
void nic_layers_sums(const struct nic_layers *pkt, enum nic_layers_sum *l3, enum nic_layers_sum *l4);

#endif

/**
 * @file
 * Looking at Ethernet frames and changing them: where the headers are, fields,
 * checksums. No state; any thread. Nothing here trusts a length field.
 */
#ifndef DRV_REPLAY_FRAME_H
#define DRV_REPLAY_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_IPPROTO_TCP 6u
#define REPLAY_IPPROTO_UDP 17u
#define REPLAY_FLAG_FIN 0x01u
#define REPLAY_FLAG_SYN 0x02u
#define REPLAY_FLAG_RST 0x04u
#define REPLAY_FLAG_ACK 0x10u
#define REPLAY_TAGS_MAX 2u

/** Where things are in a frame; offsets in bytes from its start. */
struct replay_view {
    uint16_t ethertype; /**< behind the tags */
    uint8_t tags;       /**< VLAN tags */
    uint8_t version;    /**< 4 or 6; 0: not IP, what follows is unset */
    uint8_t proto;      /**< of the transport header; IPv6: behind the extension headers */
    bool fragment;      /**< a piece of a datagram */
    bool first;         /**< holds the datagram's beginning; true if not a fragment */
    uint32_t l3;        /**< of the IP header; without IP: of what is behind the tags */
    uint32_t l4;        /**< of the transport header; 0: none that can be read */
    uint32_t payload;   /**< of the transport's payload */
    uint32_t end;       /**< of the IP packet, as its length says; at most the frame's */
    uint8_t ip_bytes;   /**< of an address */
    uint32_t src;       /**< of the source address */
    uint32_t dst;
};

/**
 * Find the headers.
 *
 * @return  false: too short for an Ethernet header. A frame that is damaged further in has version 0 or l4 0.
 */
bool replay_view_read(const uint8_t *frame, uint32_t len, struct replay_view *view);

/** Bytes of the transport's payload; 0 without a transport header. */
static inline uint32_t replay_view_payload_bytes(const struct replay_view *view)
{
    return view->l4 != 0 && view->end > view->payload ? view->end - view->payload : 0;
}

static inline uint16_t replay_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t replay_get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void replay_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void replay_put32(uint8_t *at, uint32_t value)
{
    replay_put16(at, (uint16_t)(value >> 16));
    replay_put16(at + 2, (uint16_t)value);
}

/** How a checksum stands. */
enum replay_sum {
    REPLAY_SUM_NONE, /**< there is none, or it cannot be judged (a fragment) */
    REPLAY_SUM_GOOD,
    REPLAY_SUM_PARTIAL, /**< what checksum offload leaves: the pseudo-header's sum alone, or nothing */
    REPLAY_SUM_BAD,
};

/** How the transport's checksum stands. */
enum replay_sum replay_sum_look(const uint8_t *frame, const struct replay_view *view);

/** Compute the IPv4 header's and the transport's checksum anew, where the frame holds all that they cover. */
void replay_sums_fill(uint8_t *frame, const struct replay_view *view);

/**
 * Change bytes at an even offset of a header, and the checksums with them (RFC 1624): a checksum that was wrong stays
 * exactly as wrong.
 *
 * @param at      Offset of the field in the frame.
 * @param bytes   Even.
 * @param pseudo  The field is part of what the transport's checksum covers.
 */
void replay_field_set(uint8_t *frame, const struct replay_view *view, uint32_t at, const uint8_t *value, uint32_t bytes,
                      bool pseudo);

/** What a fragment says of itself. */
struct replay_fragment {
    uint32_t offset; /**< of the datagram's bytes, a multiple of 8 */
    bool more;       /**< follow */
    uint32_t id;     /**< IPv6's; IPv4's is the datagram's own */
    uint32_t end;    /**< of the fragment in the frame */
};

/**
 * Make the headers of a fragment out of a datagram's (RFC 791 3.2, RFC 8200 4.5).
 *
 * @param frame  The datagram's headers up to view->l4; IPv6: the fragment's own header is put at view->l4, 8 bytes.
 * @param view   The datagram's.
 */
void replay_fragment_head(uint8_t *frame, const struct replay_view *view, const struct replay_fragment *fragment);

/** An option of a TCP header: its kind's offset in the frame, or 0. */
uint32_t replay_tcp_option(const uint8_t *frame, const struct replay_view *view, uint8_t kind);

#endif

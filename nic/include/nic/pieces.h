/**
 * @file
 * Datagrams of a capture that were sent in fragments, put together again:
 * TCP's and UDP's, of IPv4 and IPv6. Memory is bounded; what does not become
 * whole is said, packet by packet.
 *
 * A whole datagram has the first fragment's headers without what said that
 * it is one, the number, the time and the flags of the packet that completed
 * it. What overlaps another fragment is not taken; of IPv6 the whole datagram
 * is not (RFC 5722). A fragment that is there already is not taken again.
 *
 * Source: RFC 791 3.2, RFC 815, RFC 8200 4.5, RFC 5722.
 */
#ifndef NIC_PIECES_H
#define NIC_PIECES_H

#include "nic/reader.h"

/** How long a datagram is waited for (RFC 791 3.2 and RFC 8200 4.5 allow up to 60 s; the stack waits 30). */
#define NIC_PIECES_WAIT_NS UINT64_C(30000000000)
/** Datagrams at a time; one more, and the oldest is given up. */
#define NIC_PIECES_MAX 256u

enum nic_pieces_result {
    NIC_PIECES_PASSED, /**< no fragment of TCP or UDP that can be used: the packet is as it was */
    NIC_PIECES_HELD,   /**< kept, or said to be lost */
    NIC_PIECES_WHOLE,  /**< the packet is the datagram now; its frame is valid until the next call */
};

/** Where lost fragments are said. */
struct nic_pieces_conf {
    /** A packet that takes no part; why is static text, as "is a fragment of ...". May be NULL. */
    void (*lost)(void *context, uint64_t number, const char *why);
    void *context;
};

struct nic_pieces;

/**
 * @param conf  Copied.
 * @param out   Ended by nic_pieces_free.
 * @return      0 or STK_ENOMEM.
 *
 * Context: any thread.
 */
int nic_pieces_make(const struct nic_pieces_conf *conf, struct nic_pieces **out);

/** End it without a word of what is held. NULL is fine. */
void nic_pieces_free(struct nic_pieces *pieces);

/**
 * Look at the next packet.
 *
 * @param packet  Changed where the answer is NIC_PIECES_WHOLE. Times do not run backwards by much.
 * @param wanted  Whether this one would be missed: only datagrams with such a fragment are said to be lost.
 *
 * Context: one thread. Allocates for datagrams, which stay until nic_pieces_free.
 */
enum nic_pieces_result nic_pieces_take(struct nic_pieces *pieces, struct nic_packet *packet, bool wanted);

/** No packet follows: what is held is lost. */
void nic_pieces_end(struct nic_pieces *pieces);

#endif

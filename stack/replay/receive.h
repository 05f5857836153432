/**
 * @file
 * Receive-only replay: the stack plays the receiver of every recorded stream.
 *
 * Each direction of each conversation is a connection of its own to the
 * stack: frames of the recorded sender enter, addressed to the stack, in
 * virtual time; what the stack's sockets give is what the recorded receiver
 * must have read. Reassembly is the stack's: IP fragments, order,
 * retransmissions, overlaps, ends. The recorded receiver's own frames are the
 * other direction's stream.
 *
 * A frame is changed only in what makes it this stack's: MAC addresses and
 * VLAN tags go, IP addresses and ports are those of the stack and of a peer
 * that stands for the direction, the acknowledgement is of what this stack
 * said (nothing); checksums follow by RFC 1624, so that a wrong one stays
 * wrong. The handshake is made with the recorded SYN's number and options, in
 * either direction; a stream that was recorded from its middle begins with
 * its first data (enum stk_receive_begin).
 *
 * One thread. Memory is fixed by the configuration. Nothing depends on real
 * time or on addresses: two runs give the same.
 */
#ifndef STACK_REPLAY_RECEIVE_H
#define STACK_REPLAY_RECEIVE_H

#include "nic/conv.h"
#include "nic/reader.h"
#include "replay/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is done about checksums. */
enum stk_receive_sums {
    STK_RECEIVE_VERIFY, /**< wrong ones are dropped by the stack, and counted */
    STK_RECEIVE_IGNORE, /**< taken for right; of fragments the stack checks them even so */
    STK_RECEIVE_AUTO,   /**< what a sender leaves to its NIC is taken for right, other wrong ones are dropped */
};

enum stk_receive_begin {
    STK_RECEIVE_NOT_BEGUN, /**< nothing that could be delivered */
    STK_RECEIVE_SYN,       /**< with the recorded SYN's number */
    STK_RECEIVE_MID,       /**< recorded from the middle: with the first data seen */
    STK_RECEIVE_DATAGRAMS,
};

enum stk_receive_ending {
    STK_RECEIVE_OPEN, /**< the capture, or the conversation's time, was over first */
    STK_RECEIVE_FIN,
    STK_RECEIVE_RST,
    STK_RECEIVE_BROKEN, /**< the stack gave the connection up; reason */
};

/** One direction of a conversation, as sent by one side. */
struct stk_receive_side {
    enum stk_receive_begin begin;
    enum stk_receive_ending ending;
    uint64_t bytes;      /**< that the stack's socket gave */
    uint64_t datagrams;  /**< likewise */
    uint64_t sent_bytes; /**< TCP: up to the highest byte that was in the capture */
    uint64_t sent_datagrams;
    uint64_t packets;
    uint64_t dropped; /**< packets that could not be used: checksums, snapped */
    uint64_t
        gap_packet; /**< bytes or datagrams are missing: the first packet behind the gap, or that was lost; 0: none */
    uint64_t drop_packet;             /**< the first one dropped; 0: none */
    const char *reason;               /**< why it was dropped, or the stream broke; static text or NULL */
    uint8_t sha256[STK_SHA256_BYTES]; /**< of the bytes, if digests are wanted; else zeros */
};

/** A conversation that is over. Side 0 began it (struct nic_conv). */
struct stk_receive_result {
    const struct nic_conv *conv;
    struct stk_receive_side side[2]; /**< by sender */
};

/** Packets of the whole run. */
struct stk_receive_totals {
    uint64_t packets;
    uint64_t tcp;
    uint64_t udp;
    uint64_t fragments;     /**< later ones */
    uint64_t others;        /**< neither TCP nor UDP: not played */
    uint64_t bad;           /**< cannot be what they say */
    uint64_t bad_packet;    /**< the first one */
    const char *bad_reason; /**< static text */
    uint64_t cut;           /**< of the bad ones: snapped in their headers or in a fragment, so that nobody's */
    uint64_t cut_packet;    /**< the first one */
    uint64_t orphans;       /**< fragments whose first one never came */
    uint64_t orphan_packet;
    uint64_t conversations;
    uint64_t incomplete; /**< conversations with a gap, a drop that left one, or a broken stream */
    uint64_t bytes;      /**< delivered */
};

struct stk_receive_conf {
    enum stk_receive_sums sums;
    uint64_t
        window_ns; /**< of reordering in time (nic/order.h); 0: NIC_ORDER_WINDOW_NS; UINT64_MAX: the file's order */
    uint32_t convs_max;   /**< conversations at a time; 0: 32768 */
    uint64_t idle_ns;     /**< after which one may be forgotten; 0: 300 s */
    bool by_vlan;         /**< struct nic_conv_conf */
    bool digests;         /**< SHA-256 of every stream, which takes about as long as all the rest */
    uint32_t buffers;     /**< frames that the stack may hold out of order, all together; 0: 32768 */
    uint64_t seed;        /**< of the stack's randomness */
    const char *capture;  /**< a file that records what enters and leaves the stack; NULL: none */
    uint64_t stop_packet; /**< stop behind this packet; 0: at the end */
    /** Bytes of a stream, or one datagram, in order. May be NULL. */
    void (*data)(void *context, const struct nic_conv *conv, int side, const void *data, size_t len);
    /** A conversation is over. May be NULL. */
    void (*end)(void *context, const struct stk_receive_result *result);
    void *context;
};

/**
 * Play a capture.
 *
 * @param conf    Borrowed for the call.
 * @param reader  Read to its end; stays the caller's.
 * @param totals  Filled, also on failure.
 * @param reason  NIC_READER_REASON_SIZE bytes: why not to its end, with the packet's number; "" on success.
 * @return        0: the file was played to its end (gaps are the conversations' affair), or:
 * @retval STK_EPROTO  the capture is damaged or out of order; all before that was played, and its conversations ended.
 * @retval STK_EMFILE  more conversations at a time than convs_max, or more out of order than the stack has memory for.
 * @retval STK_EIO     what passed the stack could not be written to conf->capture, or not all of it.
 * @retval STK_ENOMEM, STK_EINVAL  the engine could not be made.
 *
 * Context: any thread, which runs it all.
 */
int stk_receive_run(const struct stk_receive_conf *conf, struct nic_reader *reader, struct stk_receive_totals *totals,
                    char *reason);

#endif

/**
 * @file
 * Receive-only replay, inside. receive.c sorts packets and keeps the books of
 * streams, receive_frame.c makes the frames, receive_stack.c has the engine.
 */
#ifndef STACK_REPLAY_RECEIVE_PRIV_H
#define STACK_REPLAY_RECEIVE_PRIV_H

#include "core/client.h"
#include "core/engine.h"
#include "nic/feed.h"
#include "nic/layers.h"
#include "nic/nic.h"
#include "nic/order.h"
#include "replay/receive.h"
#include "stack/config.h"

#define RECEIVE_FRAME_MAX 65535u
#define RECEIVE_HOLES 4
/** Data that the stack takes ahead of what it has delivered, less than its window. */
#define RECEIVE_AHEAD (3u * 512u * 1024u)
#define RECEIVE_TOUCHED NIC_BURST_MAX
#define RECEIVE_HELD_MAX 4096u
#define RECEIVE_PORT 9

/** Bytes that were skipped: the end of the gap and the packet that showed it. */
struct receive_hole {
    uint64_t end;
    uint64_t packet;
};

/** One direction. */
struct receive_side {
    struct stk_receive_side out;
    struct stk_sock *sock;
    struct stk_sha256 *sha; /**< NULL: nobody wants a digest */
    uint64_t drained;       /**< TCP: bytes delivered */
    uint64_t seen;          /**< TCP: end of the highest data that entered */
    uint32_t isn;           /**< number before the first byte */
    uint32_t ack;           /**< what the stack expects to be acknowledged */
    uint32_t held;          /**< segments held back, beyond the stack's window */
    uint8_t touched;        /**< frames of it entered since it was drained last */
    bool based;             /**< isn is known */
    bool syn;               /**< by a SYN */
    bool open;              /**< the stack has the connection */
    bool over;              /**< it ended */
    bool udp;
    uint8_t holes_count;
    struct nic_layers_options syn_options;
    struct receive_hole holes[RECEIVE_HOLES];
    uint64_t pieces_begun;   /**< UDP: datagrams that came in fragments */
    uint64_t pieces_packet;  /**< the first of them that may be incomplete */
    uint64_t open_packet;    /**< TCP: the first of the data that was not delivered when it came */
    uint64_t damaged_end;    /**< TCP: end of data whose checksum was wrong */
    uint64_t damaged_packet; /**< the first of it that was not there before */
    uint64_t batch_packet;   /**< UDP: the first packet since it was drained last */
};

struct receive_conv {
    struct nic_conv *conv; /**< NULL: not in use */
    struct receive_side side[2];
};

/** A frame that waits: for its datagram's first fragment, or for the stack's window. */
struct receive_held {
    struct receive_held *next;
    struct receive_side *side; /**< NULL: a fragment */
    struct nic_packet packet;
    uint64_t due_ns; /**< fragments: when they are given up */
    uint64_t end;    /**< of its data in the stream */
    uint32_t index;  /**< of its conversation */
    uint8_t frame[];
};

/** What the SYN|ACK said that the stack sent. */
struct receive_heard {
    bool valid;
    uint16_t port;
    uint32_t seq;
};

struct receive_stack {
    struct stk_config *config;
    struct stk_engine *engine;
    struct stk_client *client;
    struct nic_feed *feed;
    struct stk_sock *listener[2]; /**< IPv4, IPv6 */
    struct stk_sock *udp[2];
    struct receive_heard heard;
    uint64_t now_ns;
    uint64_t random;
    uint32_t turns;
};

struct receive {
    const struct stk_receive_conf *conf;
    struct stk_receive_totals *totals;
    char *reason;
    struct nic_conv_table *table;
    struct receive_conv *convs;
    struct receive_stack stack;
    struct receive_held *held; /**< in the order in which they came */
    struct receive_held **held_end;
    uint64_t start_ns; /**< of the capture's first packet */
    bool started;
    uint32_t held_count;
    uint64_t held_bytes;
    uint32_t queued; /**< frames handed in and not stepped */
    uint32_t queued_bytes;
    uint64_t queued_ns; /**< time of the first */
    bool udp_queued;
    uint32_t touched_count;
    struct receive_side *touched[RECEIVE_TOUCHED];
    uint32_t touched_index[RECEIVE_TOUCHED];
    int err; /**< why the run ends */
    uint8_t frame[RECEIVE_FRAME_MAX + 64];
    uint8_t bytes[65536];
};

/* --- receive_frame.c: pure functions on bytes -------------------------------- */

/** Who a direction is to the stack. */
struct receive_peer {
    uint32_t slot; /**< of conversation and side, from 1 */
    uint16_t port;
};

/**
 * Make a recorded frame one for the stack.
 *
 * @param ack  Acknowledgement to be put in, TCP with ports only.
 * @param out  RECEIVE_FRAME_MAX bytes.
 * @return     Bytes; 0: it does not fit.
 */
uint32_t receive_frame_translate(const struct nic_layers *pkt, const struct receive_peer *peer, uint32_t ack,
                                 uint8_t *out);

/** What receive_frame_tcp makes. */
struct receive_tcp {
    uint8_t ip;
    uint8_t flags;
    uint32_t seq;
    uint32_t ack;
    const struct nic_layers_options *options; /**< of a SYN; else only its timestamps are used; NULL: none */
    const uint8_t *payload;
    uint32_t payload_len;
};

/** Make a segment of a peer. Checksums are right. Returns bytes; 0: it does not fit. */
uint32_t receive_frame_tcp(const struct receive_tcp *tcp, const struct receive_peer *peer, uint8_t *out);

/** The slot that an address of a peer stands for. */
uint32_t receive_frame_slot(const uint8_t *ip, int family);

/** The engine's configuration for this translation: "address", "route" and "neighbour" lines of the port. */
extern const char receive_frame_conf[];

/* --- receive_stack.c ----------------------------------------------------------- */

/** Make engine and sockets. Returns 0 or an enum stk_err with r->reason filled. */
int receive_stack_make(struct receive *r, uint32_t convs_max);

/** End them. */
void receive_stack_free(struct receive *r);

/** Let time pass up to then, with all that is due on the way. */
void receive_stack_time(struct receive *r, uint64_t time_ns);

/** Step until everything handed in was received. */
void receive_stack_step(struct receive *r);

/**
 * Connect a direction: handshake, accept.
 *
 * @return  0, STK_EMFILE or STK_EPROTO: the stack does not answer.
 */
int receive_stack_open(struct receive *r, struct receive_side *side, const struct receive_peer *peer, uint8_t ip);

#endif

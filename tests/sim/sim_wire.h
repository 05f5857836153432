/**
 * @file
 * A third port on the link of a simulated world: it sees all frames and sends
 * what no honest host would. With it, makers of frames, byte streams between
 * the hosts to show that they go on undisturbed, and snapshots of the pools.
 */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include "sim.h"

#include "nic/nic.h"

#define SIM_FRAME_MAX 1600
#define SIM_POOLS_MAX 96
#define SIM_ETH_BYTES 14u
#define SIM_IP4_BYTES 20u
#define SIM_IP6_BYTES 40u

struct sim_frame {
    uint8_t bytes[SIM_FRAME_MAX];
    uint32_t len;
};

/** The last TCP frame seen from a host. */
struct sim_tcp_seen {
    bool valid;
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq_end; /**< sequence number behind it */
    uint32_t ack;
    uint16_t window;
};

struct sim_wire {
    struct sim_world *world;
    struct nic_port *port;
    struct sim_tcp_seen tcp[SIM_HOSTS];
    uint64_t seen; /**< frames */
    void (*sniff)(void *context, const uint8_t *frame, uint32_t len);
    void *context;
};

/** Join the link of a world. */
void sim_wire_open(struct sim_wire *wire, struct sim_world *world);
void sim_wire_close(struct sim_wire *wire);

/** Send bytes as they are, and let the hosts take them. */
void sim_wire_send(struct sim_wire *wire, const uint8_t *frame, uint32_t len);
static inline void sim_wire_frame(struct sim_wire *wire, const struct sim_frame *frame)
{
    sim_wire_send(wire, frame->bytes, frame->len);
}

/** Look at what is on the link. */
void sim_wire_drain(struct sim_wire *wire);

/* --- Frames: from 10.9.0.77 or fd00:9::77 unless said otherwise, to a host ------------- */

/** Ethernet and an IP header around payload; IPv6: proto is the next header. All lengths and checksums are right. */
void sim_frame_ip(struct sim_frame *frame, int family, int to, uint8_t proto, const void *payload, uint32_t len);

/** The source becomes a host (its IP address; the Ethernet one stays). Before sim_frame_seal. */
void sim_frame_from(struct sim_frame *frame, int host);

/** Put IP length, IP checksum, and the checksum of TCP, UDP, ICMP right for what the frame holds now. */
void sim_frame_seal(struct sim_frame *frame);

void sim_frame_udp(struct sim_frame *frame, int family, int to, uint16_t port, const void *payload, uint32_t len);

/** A TCP segment; options_len is a multiple of 4. */
struct sim_tcp {
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint32_t ack;
    uint8_t flags; /**< FIN 1, SYN 2, RST 4, PSH 8, ACK 16 */
    uint16_t window;
    const uint8_t *options;
    uint32_t options_len;
    const void *payload;
    uint32_t payload_len;
    uint16_t urgent; /**< pointer; flags have URG 32 */
};
void sim_frame_tcp(struct sim_frame *frame, int family, int to, const struct sim_tcp *tcp);

/** An ICMP or ICMPv6 echo request. */
void sim_frame_echo(struct sim_frame *frame, int family, int to);

/** A piece of a datagram: offset in bytes, a multiple of 8. */
void sim_frame_frag(struct sim_frame *frame, int family, int to, uint32_t id, uint32_t offset, bool more,
                    const void *payload, uint32_t len);

/* --- Streams that go on ------------------------------------------------------------------ */

struct sim_flow {
    struct sim_world *world;
    struct stk_sock *ends[SIM_HOSTS];
    uint64_t sent[SIM_HOSTS]; /**< by the end */
    uint64_t got[SIM_HOSTS];
};

void sim_flow_open(struct sim_flow *flow, struct sim_world *world, int family, uint16_t port);

/** Move bytes both ways, all of them, and compare. */
void sim_flow_move(struct sim_flow *flow, uint32_t bytes);
void sim_flow_close(struct sim_flow *flow);

/* --- Pools --------------------------------------------------------------------------------- */

struct sim_pools {
    uint32_t count;
    struct {
        char name[64];
        uint64_t used;
    } rows[SIM_POOLS_MAX];
};

/** What is in use: lwIP's pools, its heap, and the buffers of the port. */
void sim_pools_read(struct sim_host *host, struct sim_pools *out);

/** Compare with now, and fail with the name of what has not come back. */
void sim_pools_same(struct sim_host *host, const struct sim_pools *before);

#endif

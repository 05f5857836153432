/**
 * @file
 * The TCP segments that the hosts of a simulated world send, with times; and a
 * peer made of frames, which says and keeps silent what a test wants.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include "sim_scene.h"

#define SIM_TRACE_MAX 4096
#define SIM_OPTIONS_MAX 40

struct sim_segment {
    uint64_t at_ns; /**< within a step of the run */
    uint32_t seq;
    uint32_t ack;
    uint32_t bytes; /**< of data */
    uint16_t window;
    uint16_t urgent;
    uint8_t host;
    uint8_t flags;
    uint8_t options_len;
    uint8_t options[SIM_OPTIONS_MAX];
};

struct sim_trace {
    struct sim_world world;
    struct sim_wire wire;
    uint32_t count;
    struct sim_segment segments[SIM_TRACE_MAX];
};

/** A world whose link is listened to. The third port's address is known as a neighbour: it never answers by itself. */
void sim_trace_open(struct sim_trace *trace, uint64_t seed, const char *impair, const char *engine);
void sim_trace_close(struct sim_trace *trace);

/** Let time pass, in steps of step_ns. */
void sim_trace_run(struct sim_trace *trace, uint64_t for_ns, uint64_t step_ns);

/** Segments of a host from index first on that have all of flags set; the index of the n-th (0..), or fail. */
uint32_t sim_trace_find(const struct sim_trace *trace, uint32_t first, int host, uint8_t flags, uint32_t n);

/** How many segments of a host from index first on carry data. */
uint32_t sim_trace_data(const struct sim_trace *trace, uint32_t first, int host);

/** An option of a segment: its bytes behind kind and length, or NULL. */
const uint8_t *sim_segment_option(const struct sim_segment *segment, uint8_t kind);

/** The address of the third port. */
struct stk_addr sim_third(uint16_t port);

/** A connection from the third port to a listener of host 1. */
struct sim_peer {
    struct sim_trace *trace;
    struct sim_tcp tcp;    /**< what the next segment is made of: seq, ack are kept up by the functions below */
    struct stk_sock *sock; /**< host 1's end */
};

/** Shake hands with a listener of host 1 on port, and accept. options: of the SYN. */
void sim_peer_open(struct sim_peer *peer, struct sim_trace *trace, struct stk_sock *listener, uint16_t port,
                   const uint8_t *options, uint32_t options_len);

/** Send a segment with flags and payload; seq moves on. */
void sim_peer_send(struct sim_peer *peer, uint8_t flags, const void *payload, uint32_t len);

/** Acknowledge all that was seen from host 1. */
void sim_peer_ack(struct sim_peer *peer);

#endif

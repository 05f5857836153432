/*
 * What each TCP PCB has of ours behind lwIP's fields (patch 0017): a connection's figures, and what it was told about
 * timers and SYN options. Included into lwIP's sources, so it includes no lwIP header. All zero is a new PCB.
 */
#ifndef STK_TCP_OWN_H
#define STK_TCP_OWN_H

#include <stdint.h>

/** What holds the sender back; the order of stk_tcp_info's arrays. */
enum stk_tcp_limit {
    STK_TCP_LIMIT_SENDER, /* it has no more to send, or waits by Nagle's rule */
    STK_TCP_LIMIT_PEER,   /* the peer's window */
    STK_TCP_LIMIT_PATH,   /* the congestion window */
    STK_TCP_LIMITS
};

struct stk_tcp_own {
    /* Compared at each output: beside lwIP's own fields. */
    uint8_t limit; /* enum stk_tcp_limit */
    /* Told by the endpoint. */
    uint8_t rcv_scale;    /* the window's scale that SYNs offer, and 1; 0: lwIP's constant */
    uint8_t no_scale;     /* SYNs offer none, and none is taken */
    uint8_t offer_ts;     /* SYNs offer timestamps */
    uint8_t no_ts;        /* nor are they taken */
    uint8_t path_fixed;   /* the path's MTU is not looked for */
    uint8_t fragments;    /* segments over IPv4 leave without DF */
    uint8_t hole;         /* are large segments lost without a word? enum hole in tcp_path.c */
    uint8_t syn_limit;    /* repetitions of a SYN, and 1; 0: until the endpoint's deadline */
    int32_t maxrt_ticks;  /* how long data may stay unacknowledged; 0: lwIP's count, -1: for ever */
    uint32_t progress_at; /* tcp_ticks: from then on nothing was acknowledged; while something is repeated */
    uint16_t mss_full;    /* before the path made segments smaller; 0: it did not */
    uint64_t widen_at_ns; /* when larger ones are tried again; 0: they are as large as they may be */
    /* Figures. */
    uint32_t rtt_us; /* smoothed as in RFC 6298; 0: not measured yet */
    uint32_t rtt_min_us;
    uint64_t rtt_begin_ns;
    uint64_t opened_ns; /* the handshake's end; 0: not yet */
    uint32_t bytes_reordered;
    uint32_t bytes_resent;
    uint32_t segments_reordered;
    uint32_t fast_resends;
    uint32_t dup_acks;
    uint32_t timeouts; /* rows of repetitions, not each of them */
    uint32_t syn_resent;
    uint32_t limit_from; /* snd_nxt when the present limit began */
    uint64_t limit_since_ns;
    uint64_t limit_ns[STK_TCP_LIMITS];
    uint64_t limit_bytes[STK_TCP_LIMITS];
    uint32_t limit_begun[STK_TCP_LIMITS];
};

#define LWIP_TCP_PCB_OWN struct stk_tcp_own own;

#endif

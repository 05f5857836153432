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

/* What the peer has of what is in flight (patch 0032): tcp_sack.c. Pointers are into the list of segments in flight. */
#define STK_TCP_SACK_RUNS 4
struct tcp_seg;
struct stk_tcp_sack {
    uint32_t sacked;         /* bytes in flight that the peer has */
    uint32_t lost;           /* that are taken for lost */
    uint32_t resent;         /* that went out again, lost or not, and are not known to have arrived */
    uint32_t above_bytes;    /* of sacked: behind edge */
    uint32_t above_segments; /* and as segments */
    uint32_t cwnd;           /* the congestion window; lwIP's has what does not count in the pipe on top */
    uint32_t recover;        /* RFC 6675's RecoveryPoint */
    uint32_t top;            /* behind the last byte that the peer has; while sacked is not 0 */
    uint32_t sent_again;     /* bytes, since the scoreboard began */
    uint32_t newest;         /* the latest in order of sending that arrived */
    struct tcp_seg *edge;    /* what is lost of all up to here is marked; NULL: nothing is */
    struct tcp_seg *looked;  /* what is lost of all up to here went out again */
    struct stk_tcp_sack_run {
        uint32_t left; /* from here to right all are marked as what the peer has */
        uint32_t right;
        struct tcp_seg *last; /* the last of them; NULL: unused */
    } runs[STK_TCP_SACK_RUNS];
    uint8_t run_next;
    uint8_t seen;        /* the peer's acknowledgements are selective */
    uint8_t dup_acks;    /* that told something new */
    uint8_t recovering;  /* RFC 6675's loss recovery */
    uint8_t first;       /* its first retransmission is due, whatever the pipe is */
    uint8_t rescued;     /* its rescue retransmission was done */
    uint8_t unsure_done; /* there is nothing that might be lost, until more is told */
    uint8_t fresh;       /* cwnd is lwIP's */
};

/* RFC 8985's tail loss probe: what was so at the last tick, and the probe that is out. */
struct stk_tcp_probe {
    uint32_t una;
    uint32_t sacked;
    uint32_t sent;
    uint32_t end;    /* behind the probe's last byte */
    uint32_t order;  /* of its sending */
    uint8_t ticks;   /* since when nothing has changed */
    uint8_t out;     /* it was sent, and nothing has been heard since */
    uint8_t arrived; /* the peer has it */
    uint8_t pending; /* it may have made good a loss */
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
    struct stk_tcp_sack sack;
    struct stk_tcp_probe probe;
};

#define LWIP_TCP_PCB_OWN struct stk_tcp_own own;

#endif

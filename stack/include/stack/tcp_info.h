/**
 * @file
 * Figures of one TCP connection, as both sides of the channel have them: fixed
 * width, no pointers, 64-bit fields on 8 bytes. Nobody owns one for longer than
 * a call.
 *
 * Source: rules section 16 of the extensions' list (TCP_INFO_v0 to v2).
 */
#ifndef STACK_TCP_INFO_H
#define STACK_TCP_INFO_H

#include "stack/addr.h"

#include <stdint.h>

/** RFC 9293 3.3.2, numbered as Windows' TCPSTATE. */
enum stk_tcp_state {
    STK_TCP_CLOSED,
    STK_TCP_LISTEN,
    STK_TCP_SYN_SENT,
    STK_TCP_SYN_RCVD,
    STK_TCP_ESTABLISHED,
    STK_TCP_FIN_WAIT_1,
    STK_TCP_FIN_WAIT_2,
    STK_TCP_CLOSE_WAIT,
    STK_TCP_CLOSING,
    STK_TCP_LAST_ACK,
    STK_TCP_TIME_WAIT
};

/** Index of what held the sender back: nothing to send, the peer's window, the congestion window. */
enum { STK_TCP_LIM_SND, STK_TCP_LIM_RWIN, STK_TCP_LIM_CWND, STK_TCP_LIM_COUNT };

struct stk_tcp_info {
    uint32_t state; /* enum stk_tcp_state; all else is 0 in CLOSED and LISTEN, but for rcv_buf */
    uint32_t mss;   /* bytes of data that a segment carries */
    uint64_t connected_ms;
    uint64_t bytes_out; /* sent, each byte once */
    uint64_t bytes_in;  /* received in order */
    uint32_t timestamps;
    uint32_t rtt_us; /* smoothed; 0: not measured yet */
    uint32_t rtt_min_us;
    uint32_t bytes_in_flight;
    uint32_t cwnd;
    uint32_t snd_wnd;
    uint32_t rcv_wnd;
    uint32_t rcv_buf;
    uint32_t bytes_reordered;
    uint32_t bytes_resent; /* not part of bytes_out */
    uint32_t fast_resends;
    uint32_t dup_acks;
    uint32_t timeouts;
    uint32_t syn_resent;
    uint32_t segments_reordered;
    uint32_t lim_begun[STK_TCP_LIM_COUNT];
    uint64_t lim_ms[STK_TCP_LIM_COUNT];
    uint64_t lim_bytes[STK_TCP_LIM_COUNT];
};

/** The ICMP error that a connection attempt met. */
struct stk_icmp_info {
    uint32_t set; /* 0: none */
    struct stk_addr source;
    uint32_t protocol; /* 1 ICMP, 58 ICMPv6 */
    uint32_t type;
    uint32_t code;
};

#endif

/**
 * @file
 * The TCP sender's view of what the peer has (patch 0032): see tcp_sack.c. The connection's instance is entered in every call.
 *
 * Segments in flight carry what is known of them: that the peer has them (TF_SEG_SACKED), that they are taken for lost
 * (TF_SEG_LOST), that they went out again (TF_SEG_RESENT). The sums of these are kept, so that RFC 6675's pipe is what is
 * in flight less what the peer has, less what is lost, and what went out again on top. While anything is marked, the
 * congestion window that lwIP looks at is the real one and what does not count in the pipe: what fits then fits into the
 * pipe. All of it is forgotten at a time-out, for the peer may have thrown away what it did not acknowledge (RFC 2018 8).
 */
#ifndef STK_LWIP_TCP_SACK_H
#define STK_LWIP_TCP_SACK_H

#include <stdint.h>

struct tcp_pcb;

/** The congestion window as RFC 5681 counts it, bytes. */
uint32_t stk_tcp_sack_cwnd(const struct tcp_pcb *pcb);

#endif

/**
 * @file
 * The path's MTU as a TCP connection follows it: see tcp_path.c. The connection's instance is entered in every call.
 *
 * Segments over IPv4 leave with DF. A connection that is told that they are too large makes them smaller and sends them
 * again; one that is told nothing, but times out twice in a row, tries small ones, and if these are lost too, full ones
 * without DF. Small ones that get through are no proof, for a link that was down does the same: large ones follow, and only
 * if they are lost again within a minute do segments stay small. After ten minutes it tries what the interface allows again.
 */
#ifndef STK_LWIP_TCP_PATH_H
#define STK_LWIP_TCP_PATH_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;

/** fixed: the path is not looked for, segments are as large as the interface allows and without DF. */
void stk_tcp_path_choose(struct tcp_pcb *pcb, bool fixed);

/** A router could not pass a packet on that is in flight: mtu is the next hop's, bytes. Sends. */
void stk_tcp_path_too_big(struct tcp_pcb *pcb, uint32_t mtu);

/** A retransmission timer ran out: before what is repeated is sent. */
void stk_tcp_path_timeout(struct tcp_pcb *pcb);

/** A round trip was measured, on a connection whose own.widen_at_ns is not 0. */
void stk_tcp_path_measured(struct tcp_pcb *pcb);

#endif

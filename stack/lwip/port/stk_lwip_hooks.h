/*
 * The hooks that lwIP's sources call (LWIP_HOOK_FILENAME). All act on the selected instance; hooks.c and netif_nic.c
 * implement them, icmp_error.c those of the error patches.
 */
#ifndef STK_LWIP_HOOKS_H
#define STK_LWIP_HOOKS_H

#include "lwip/err.h"
#include "lwip/ip_addr.h"

struct netif;
struct pbuf;
struct eth_hdr;
struct eth_vlan_hdr;
struct eth_addr;
struct tcp_pcb;
struct tcp_pcb_listen;
struct udp_pcb;
struct tcp_hdr;

/** Initial sequence number (RFC 6528): keyed hash of the four-tuple plus a clock of 4 us. */
u32_t stk_hook_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port);

/** Route by longest prefix, the source's own interface preferred; NULL: no route here. */
struct netif *stk_hook_ip4_route(const ip4_addr_t *src, const ip4_addr_t *dest);
struct netif *stk_hook_ip6_route(const ip6_addr_t *src, const ip6_addr_t *dest);

/** Next hop of a static route; NULL: none. */
const ip4_addr_t *stk_hook_etharp_gw(struct netif *netif, const ip4_addr_t *dest);
const ip6_addr_t *stk_hook_nd6_gw(struct netif *netif, const ip6_addr_t *dest);

/** VLAN tag of an interface, -1: untagged. */
s32_t stk_hook_vlan_set(struct netif *netif);

/** Does a tagged frame belong to this interface? */
int stk_hook_vlan_check(struct netif *netif, const struct eth_vlan_hdr *vlan);

/** An ICMP error came in, p at its ICMP header; p stays the caller's. */
void stk_hook_icmp4_error(struct pbuf *p);
void stk_hook_icmp6_error(struct pbuf *p, struct netif *inp);

/** The largest IPv6 packet for what is being sent, where its way would take mtu bytes (patch 0029). */
u16_t stk_hook_nd6_mtu(u32_t mtu);

/** A packet of ours, p at its IP header, was dropped: the neighbour did not answer. */
void stk_hook_unresolved(struct netif *netif, const struct pbuf *p);

/** A PCB joins one of TCP's lists (patch 0021): the list's front, and the hash that belongs to it. */
void stk_hook_tcp_reg(struct tcp_pcb **list, struct tcp_pcb *pcb);

/** A PCB, its addresses, ports and state still those it joined with, leaves the list it is in. */
void stk_hook_tcp_rmv(struct tcp_pcb *pcb);

/** The connection that the packet in hand belongs to, TIME-WAIT included; NULL: none. */
struct tcp_pcb *stk_hook_tcp_find(u16_t local_port, u16_t remote_port);

/** The listener that the packet in hand is for, one of its destination address before one of the any address. */
struct tcp_pcb_listen *stk_hook_tcp_find_listener(u16_t port);

/** Does somebody listen on exactly this address (1), or not (0)? */
int stk_hook_tcp_listening(const ip_addr_t *ip, u16_t port);

/** Is there a connection with this four-tuple (1), TIME-WAIT included, or not (0)? */
int stk_hook_tcp_connected(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port);

/** A UDP PCB is bound; it is in no list (patch 0022). */
void stk_hook_udp_reg(struct udp_pcb *pcb);

/** A UDP PCB goes, or is about to be bound again; one that was never bound is left alone. */
void stk_hook_udp_rmv(struct udp_pcb *pcb);

/** The address that a UDP PCB is bound to became another. */
void stk_hook_udp_moved(struct udp_pcb *pcb, const ip_addr_t *ip);

/** Is a UDP PCB bound to this port (1), of whatever address, or not (0)? */
int stk_hook_udp_port_used(u16_t port);

/** UDP PCBs that the packet in hand may be for, one after the other; before is NULL or what was returned last. */
struct udp_pcb *stk_hook_udp_next(const struct udp_pcb *before, u16_t port, const struct netif *inp, int broadcast);

/** What a segment without a connection says, in host order. */
struct stk_tcp_segment {
    const u8_t *options;      /**< behind the header */
    const u8_t *options_more; /**< and behind those, in the next buffer */
    u32_t options_len;
    u32_t options_total;
    u32_t seqno;
    u32_t len; /**< SYN and FIN included */
    u16_t local_port;
    u16_t remote_port;
    u8_t flags;
};

/** A connection is in TIME-WAIT, and what it had to send is sent: its PCB is freed unless data waits (patch 0023). */
void stk_hook_tcp_time_wait(struct tcp_pcb *pcb);

/** Each slow tick: connections in TIME-WAIT whose data waits. */
void stk_hook_tcp_time_wait_tmr(void);

/** A segment that no PCB was found for: 1 if it was for a connection in TIME-WAIT and is done with. */
int stk_hook_tcp_time_wait_input(const struct stk_tcp_segment *seg);

/** A PCB was visited by the slow timer, and polled: may it rest? (patch 0024) */
void stk_hook_tcp_idle(struct tcp_pcb *pcb);

/** Something happens to a connection, or a listener, which is never asleep. */
void stk_hook_tcp_wake(struct tcp_pcb *pcb);

/** All connections are about to be walked. */
void stk_hook_tcp_wake_all(void);

/** A slow tick begins: those whose time has come are woken. */
void stk_hook_tcp_slowtmr(void);

/** Do connections rest that have a time (1), or none (0)? */
int stk_hook_tcp_sleepers(void);

/** A PCB with this local port joined (+1) or left (-1) one of TCP's lists. */
void stk_hook_tcp_port(u16_t port, int change);

/** A dynamic port for a PCB; 0: none left. Its remote side is set if it connects. */
u16_t stk_hook_tcp_new_port(const struct tcp_pcb *pcb);

/** May a segment, its header in host order, go on to its connection? ERR_OK, else it is dropped. */
err_t stk_hook_tcp_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, optlen, opt1len, opt2, p) stk_hook_tcp_segment(pcb, header)

/** Is a short segment unacknowledged, behind which another waits? (patch 0007) */
int stk_hook_tcp_nagle_hold(const struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_NAGLE_HOLD(pcb) stk_hook_tcp_nagle_hold(pcb)

/** A segment of a connection has URG, its pointer as it came (patch 0013). */
void stk_hook_tcp_urgent_in(struct tcp_pcb *pcb, u32_t seq, u16_t pointer, u16_t len);
#define LWIP_HOOK_TCP_URGENT_IN(pcb, seq, pointer, len) stk_hook_tcp_urgent_in(pcb, seq, pointer, len)

/** A segment of a connection with TF_URGENT is about to leave: its URG and pointer, in network order. */
void stk_hook_tcp_urgent_out(struct tcp_pcb *pcb, struct tcp_hdr *header);
#define LWIP_HOOK_TCP_URGENT_OUT(pcb, header) stk_hook_tcp_urgent_out(pcb, header)

/** Is a SYN not to be answered yet (1)? The PCB is then an endpoint's, or gone (patch 0014). */
int stk_hook_tcp_listen_hold(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_LISTEN_HOLD(pcb) stk_hook_tcp_listen_hold(pcb)

/** A handshake without a listener is through: ERR_OK, or ERR_VAL: nobody wants the connection. */
err_t stk_hook_tcp_held_opened(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_HELD_OPENED(pcb) stk_hook_tcp_held_opened(pcb)

/** Shall the output that a received segment calls for wait until the burst was taken? (patch 0006) */
int stk_hook_tcp_input_output(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_INPUT_OUTPUT(pcb) stk_hook_tcp_input_output(pcb)

/* Figures and patience of a connection (patches 0017, 0018, 0019): tcp_own.c. */

/** What holds the sender back became something else, enum stk_tcp_limit. */
void stk_hook_tcp_limit(struct tcp_pcb *pcb, u8_t limit);
#define LWIP_HOOK_TCP_LIMIT(pcb, seg, wnd)                                                                           \
    do {                                                                                                             \
        const u8_t limit_ = (seg) == NULL || lwip_ntohl((seg)->tcphdr->seqno) - (pcb)->lastack + (seg)->len <= (wnd) \
                                ? 0                                                                                  \
                            : (wnd) == (pcb)->snd_wnd ? 1                                                            \
                                                      : 2;                                                           \
        if (limit_ != (pcb)->own.limit) {                                                                            \
            stk_hook_tcp_limit(pcb, limit_);                                                                         \
        }                                                                                                            \
    } while (0)

/** A connection's segment size is settled: no larger than is known of the path (patch 0031). */
void stk_hook_tcp_path_begin(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_PATH_BEGIN(pcb) stk_hook_tcp_path_begin(pcb)

/** A segment, of a connection or of none, is about to be given to IP: does it leave with DF? Read in stk_netif_output4. */
#define LWIP_HOOK_TCP_WHOLE(pcb, p)                                                                         \
    ((p)->flags = (u8_t)((pcb) != NULL && (pcb)->own.fragments ? (p)->flags & (u8_t) ~(u8_t)PBUF_FLAG_WHOLE \
                                                               : (p)->flags | PBUF_FLAG_WHOLE))

/** A segment that was sent before goes out again. */
void stk_hook_tcp_resent(struct tcp_pcb *pcb, u16_t len);
#define LWIP_HOOK_TCP_RESENT(pcb, len) stk_hook_tcp_resent(pcb, len)

/** A retransmission timer ran out; nrtx counts this one. */
void stk_hook_tcp_timeout(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_TIMEOUT(pcb) stk_hook_tcp_timeout(pcb)

/** A duplicate acknowledgement came in; dupacks counts it. */
void stk_hook_tcp_dup_ack(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_DUP_ACK(pcb) stk_hook_tcp_dup_ack(pcb)

/** A segment came in ahead of what is expected. */
void stk_hook_tcp_reordered(struct tcp_pcb *pcb, u16_t len);
#define LWIP_HOOK_TCP_REORDERED(pcb, len) stk_hook_tcp_reordered(pcb, len)

/** The segment that is timed goes out, or is acknowledged. */
void stk_hook_tcp_rtt_begin(struct tcp_pcb *pcb);
void stk_hook_tcp_rtt_end(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_RTT_BEGIN(pcb) stk_hook_tcp_rtt_begin(pcb)
#define LWIP_HOOK_TCP_RTT_END(pcb) stk_hook_tcp_rtt_end(pcb)

/* Loss recovery by selective acknowledgements (patch 0032): tcp_sack.c. */
struct tcp_seg;

/** A segment that acknowledges up to ackno has a SACK option: pairs of edges, in host order. Before it is judged otherwise. */
void stk_hook_tcp_sack_in(struct tcp_pcb *pcb, u32_t ackno, const u32_t *edges, unsigned blocks);
#define LWIP_HOOK_TCP_SACK_IN(pcb, ackno, edges, blocks) stk_hook_tcp_sack_in(pcb, ackno, edges, blocks)

/** Is what a duplicate acknowledgement means judged by what it tells (1), for the peer's are selective, or by their number? */
#define LWIP_HOOK_TCP_SACK_RULES(pcb) ((pcb)->own.sack.seen)

/** New data is acknowledged, on a connection with TF_SACKED: before its segments are freed, and at the end. */
void stk_hook_tcp_sack_acked(struct tcp_pcb *pcb, u32_t ackno);
void stk_hook_tcp_sack_acked_end(struct tcp_pcb *pcb, u32_t ackno);
#define LWIP_HOOK_TCP_SACK_ACKED(pcb, ackno) stk_hook_tcp_sack_acked(pcb, ackno)
#define LWIP_HOOK_TCP_SACK_ACKED_END(pcb, ackno) stk_hook_tcp_sack_acked_end(pcb, ackno)

/** Each fast tick, of a connection that waits for selective acknowledgements: is it time for a probe? */
void stk_hook_tcp_sack_tick(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_SACK_TICK(pcb) stk_hook_tcp_sack_tick(pcb)

/** All that is in flight is about to be queued again. */
void stk_hook_tcp_sack_forget(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_SACK_FORGET(pcb) stk_hook_tcp_sack_forget(pcb)

/** Output of a connection with TF_SACKED begins: what was lost goes first. */
void stk_hook_tcp_sack_output(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_SACK_OUTPUT(pcb) stk_hook_tcp_sack_output(pcb)

/** A segment of such a connection was sent, and is in flight; tail is the last one that is: returns who is that now. */
struct tcp_seg *stk_hook_tcp_sack_sent(struct tcp_pcb *pcb, struct tcp_seg *sent, struct tcp_seg *tail);
#define LWIP_HOOK_TCP_SACK_SENT(pcb, sent, tail) stk_hook_tcp_sack_sent(pcb, sent, tail)

/** Once in a slow tick: is a connection's patience at its end (1)? */
int stk_hook_tcp_give_up(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_GIVE_UP(pcb) stk_hook_tcp_give_up(pcb)

/** What a SYN offers. */
#define LWIP_HOOK_TCP_OFFER_TS(pcb) ((pcb)->own.offer_ts)
#define LWIP_HOOK_TCP_OFFER_SCALE(pcb) (!(pcb)->own.no_scale)
#define LWIP_HOOK_TCP_RCV_SCALE(pcb) \
    ((pcb)->own.rcv_scale != 0 ? (u8_t)((pcb)->own.rcv_scale - 1) : (u8_t)TCP_RCV_SCALE)

/** Are the timestamps of a SYN taken: as an answer to ours, or of a peer that asks? */
#define LWIP_HOOK_TCP_TAKE_TS(pcb) (!(pcb)->own.no_ts && ((pcb)->own.offer_ts || (pcb)->state != SYN_SENT))

#endif

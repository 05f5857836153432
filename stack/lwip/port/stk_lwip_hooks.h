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

/** A packet of ours, p at its IP header, was dropped: the neighbour did not answer. */
void stk_hook_unresolved(struct netif *netif, const struct pbuf *p);

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

/** Shall the output that a received segment calls for wait until the burst was taken? (patch 0006) */
int stk_hook_tcp_input_output(struct tcp_pcb *pcb);
#define LWIP_HOOK_TCP_INPUT_OUTPUT(pcb) stk_hook_tcp_input_output(pcb)

#endif

/*
 * lwIP's options for Winlane: no operating system, raw API, IPv4 and IPv6, several instances per process.
 *
 * The sizes of pools are not options here: each instance takes them from struct stk_lwip_limits when it is created
 * (stack/lwip/instance.h). What is here bounds a single object: a window, a segment, a table kept inside the instance.
 */
#ifndef STK_LWIP_LWIPOPTS_H
#define STK_LWIP_LWIPOPTS_H

/* One thread per instance, driven from outside. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_NETIF_API 0
#define LWIP_TIMERS 1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1 /* these compare the MEMP_NUM_* constants, which are not used */
#define LWIP_DISABLE_MEMP_SANITY_CHECKS 1

/* The prototypes are in this header; lwIP's own headers look at some names of hooks, so that these are defined here. */
#define LWIP_HOOK_FILENAME "stk_lwip_hooks.h"
#define LWIP_HOOK_TCP_ISN stk_hook_tcp_isn
#define LWIP_HOOK_IP4_ROUTE_SRC stk_hook_ip4_route
#define LWIP_HOOK_IP6_ROUTE stk_hook_ip6_route
#define LWIP_HOOK_ETHARP_GET_GW stk_hook_etharp_gw
#define LWIP_HOOK_ND6_GET_GW stk_hook_nd6_gw
#define LWIP_HOOK_VLAN_SET(netif, p, src, dst, eth_type) stk_hook_vlan_set(netif)
#define LWIP_HOOK_VLAN_CHECK(netif, eth_hdr, vlan_hdr) stk_hook_vlan_check(netif, vlan_hdr)

/* Hooks of our own patches. */
#define LWIP_HOOK_ICMP4_ERROR(p) stk_hook_icmp4_error(p)
#define LWIP_HOOK_ICMP6_ERROR(p, inp) stk_hook_icmp6_error(p, inp)
#define LWIP_HOOK_ND6_MTU(mtu) stk_hook_nd6_mtu(mtu)
#define LWIP_HOOK_UNRESOLVED(netif, p) stk_hook_unresolved(netif, p)
#define LWIP_HOOK_TCP_NEW_PORT(pcb) stk_hook_tcp_new_port(pcb)

/* PCBs are found by hashes (pcb_table.c): what each has for that, behind its other fields. */
struct tcp_pcb;
struct stk_pcb_links {
    void *hash_next;
    void **hash_at;           /* what points to this one in its chain; NULL: in none */
    struct tcp_pcb **list_at; /* what points to this one in its list; of UDP PCBs too */
    struct tcp_pcb *port_next;
    struct tcp_pcb **port_at; /* connections: what points to this one among those of its local port */
};
#define LWIP_TCP_PCB_LINKS struct stk_pcb_links links;
#define LWIP_UDP_PCB_LINKS struct stk_pcb_links links;
#define LWIP_TCP_LIST_AT(pcb) ((pcb)->links.list_at)
#define LWIP_UDP_REGISTERED(pcb) ((pcb)->links.list_at != NULL)
#define LWIP_HOOK_TCP_REG(list, pcb) stk_hook_tcp_reg(list, pcb)
#define LWIP_HOOK_TCP_RMV(list, pcb) stk_hook_tcp_rmv(pcb)
#define LWIP_HOOK_TCP_FIND(local_port, remote_port) stk_hook_tcp_find(local_port, remote_port)
#define LWIP_HOOK_TCP_FIND_LISTENER(port) stk_hook_tcp_find_listener(port)
#define LWIP_HOOK_TCP_LISTENING(ip, port) stk_hook_tcp_listening(ip, port)
#define LWIP_HOOK_TCP_CONNECTED(local_ip, local_port, remote_ip, remote_port) \
    stk_hook_tcp_connected(local_ip, local_port, remote_ip, remote_port)
#define LWIP_HOOK_UDP_REG(pcb) stk_hook_udp_reg(pcb)
#define LWIP_HOOK_UDP_RMV(pcb) stk_hook_udp_rmv(pcb)
#define LWIP_HOOK_UDP_MOVED(pcb, ip) stk_hook_udp_moved(pcb, ip)
#define LWIP_HOOK_UDP_PORT_USED(port) stk_hook_udp_port_used(port)
#define LWIP_HOOK_UDP_NEXT(before, port, inp, broadcast) stk_hook_udp_next(before, port, inp, broadcast)

/* TIME-WAIT (time_wait.c). */
#define LWIP_HOOK_TCP_TIME_WAIT(pcb) stk_hook_tcp_time_wait(pcb)
#define LWIP_HOOK_TCP_TIME_WAIT_TMR() stk_hook_tcp_time_wait_tmr()
#define LWIP_HOOK_TCP_TIME_WAIT_INPUT(header, seq, len_seq, segment_flags)                                \
    stk_hook_tcp_time_wait_input(&(const struct stk_tcp_segment){.options = (const u8_t *)((header) + 1), \
                                                                 .options_more = tcphdr_opt2,             \
                                                                 .options_len = tcphdr_opt1len,           \
                                                                 .options_total = tcphdr_optlen,          \
                                                                 .seqno = (seq),                          \
                                                                 .len = (len_seq),                        \
                                                                 .local_port = (header)->dest,            \
                                                                 .remote_port = (header)->src,            \
                                                                 .flags = (segment_flags)})

/* Connections without work (tcp_idle.c). */
#define LWIP_HOOK_TCP_IDLE(pcb) stk_hook_tcp_idle(pcb)
#define LWIP_HOOK_TCP_WAKE(pcb) stk_hook_tcp_wake(pcb)
#define LWIP_HOOK_TCP_WAKE_ALL() stk_hook_tcp_wake_all()
#define LWIP_HOOK_TCP_SLOWTMR() stk_hook_tcp_slowtmr()
#define LWIP_TCP_SLEEPERS() stk_hook_tcp_sleepers()

/* Fields of ours in each TCP PCB. */
#include "stk_tcp_own.h"

/* Memory: slab.c answers mem_malloc, pools.c answers memp_malloc, both from the selected instance. */
#define MEM_ALIGNMENT 8
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC stk_slab_malloc
#define MEM_CUSTOM_CALLOC stk_slab_calloc
#define MEM_CUSTOM_FREE stk_slab_free
#define MEM_SIZE 0x7fffffff /* only the width of mem_size_t follows from it */
#define MEM_STATS 0
#define MEMP_STATS 1
#define MEMP_USE_CUSTOM_POOLS 1 /* lwippools.h */
#define LWIP_STATS 1
#define LWIP_STATS_LARGE 1
#define LWIP_STATS_DISPLAY 0
#define LWIP_PBUF_REF_T u16_t
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_SIZE 1 /* the length is the instance's */
#define PBUF_POOL_BUFSIZE 2048
#define PBUF_LINK_HLEN (14 + 4) /* Ethernet and a VLAN tag */

/*
 * A queue that outlives the call (ARP, ND, loopback) copies what it does not own. ROM buffers point into a socket's
 * transmit FIFO, which may be released as soon as the peer acknowledges a retransmitted copy; so they are copied as well.
 */
#define PBUF_NEEDS_COPY(p)                                    \
    ((((p)->type_internal) & PBUF_TYPE_FLAG_DATA_VOLATILE) || \
     pbuf_match_allocsrc((p), PBUF_TYPE_ALLOC_SRC_MASK_STD_MEMP_PBUF))

/* Link, ARP, ND. */
#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define ARP_TABLE_SIZE 127
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 64 /* the fragments of the largest datagram fit */
#define ETHARP_SUPPORT_STATIC_ENTRIES 1
#define ETHARP_SUPPORT_VLAN 1
#define ETH_PAD_SIZE 0
#define LWIP_NETIF_HWADDRHINT 1
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPIF_MULTICAST 1
#define LWIP_LOOPBACK_MAX_PBUFS 0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NUM_NETIF_CLIENT_DATA 1

/* IPv4. */
#define LWIP_IPV4 1
#define IP_FORWARD 0
#define IP_OPTIONS_ALLOWED 1
#define IP_FRAG 1
#define IP_REASSEMBLY 1
#define IP_REASS_MAXAGE 30
#define IP_REASS_MAX_PBUFS 1024 /* fragments held, all datagrams together; the datagrams are limited by the instance */
#define IP_DEFAULT_TTL 128      /* Windows' */
#define IP_SOF_BROADCAST 1
#define IP_SOF_BROADCAST_RECV 0 /* Winsock: SO_BROADCAST concerns sending only */
#define LWIP_ICMP 1
#define LWIP_IGMP 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 1
#define LWIP_DHCP_MAX_DNS_SERVERS 2
#define DHCP_COARSE_TIMER_SECS 1 /* leases shorter than minutes are renewed in time */
#define DHCP_TIMEOUT_SIZE_T u32_t
#define LWIP_ACD 1
#define LWIP_AUTOIP 0
#define LWIP_DNS 0
#define LWIP_MULTICAST_TX_OPTIONS 1

/* IPv6. */
#define LWIP_IPV6 1
#define LWIP_IPV6_SCOPES 1
#define LWIP_IPV6_NUM_ADDRESSES 8
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 1
#define IPV6_FRAG_COPYHEADER \
    1 /* the reassembly record does not fit into the fragment header where pointers have 64 bits */
#define LWIP_IPV6_MLD 1
#define LWIP_ICMP6 1
#define LWIP_ICMP6_DATASIZE 1232 /* RFC 4443 2.4 (c): as much of the packet as fits into 1280 bytes */
#define LWIP_ND6_QUEUEING 1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0 /* addresses and routes come from the configuration */
#define LWIP_ND6_NUM_NEIGHBORS 64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_NUM_PREFIXES 8
#define LWIP_ND6_NUM_ROUTERS 4
#define LWIP_IPV6_DHCP6 0

/* UDP and RAW. */
#define LWIP_UDP 1
#define LWIP_UDPLITE 0
#define LWIP_RAW 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1
#define LWIP_NETBUF_RECVINFO 1

/* TCP. The constants are maxima; endpoints lower a socket's window. */
#define LWIP_TCP 1
#define TCP_MSS 8960 /* MTU 9000; the effective value follows the interface's MTU */
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 6
#define TCP_WND (2U * 1024U * 1024U)
#define TCP_SND_BUF (2U * 1024U * 1024U)
#define TCP_SNDLOWAT (TCP_SND_BUF / 4U)
#define TCP_SND_QUEUELEN 32768U
#define TCP_SNDQUEUELOWAT (TCP_SND_QUEUELEN / 2U)
#define TCP_OVERSIZE 0 /* data is written by reference */
#define TCP_WND_UPDATE_THRESHOLD stk_lwip_wnd_update_threshold(pcb)
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_KEEPALIVE 1
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG 0xff
#define LWIP_TCP_RTO_TIME 1000 /* RFC 6298 2.1 */
/*
 * Delayed acknowledgements at most 50 ms late (250 ms meet Nagle on the other side), retransmission counted in 100 ms
 * instead of 500.
 */
#define TCP_TMR_INTERVAL 50
#define TCP_MSL stk_lwip_tcp_msl_ms()
#define TCP_OOSEQ_TIMEOUT stk_lwip_tcp_ooseq_rtos()
#define LWIP_CALLBACK_API 1
#define LWIP_ALTCP 0

/* Checksums: every check and generation is compiled in, and switched per interface. */
#define LWIP_CHECKSUM_ON_COPY 0

#endif

/**
 * @file
 * Where arriving packets find their PCB: keyed hashes of connections, and of listeners and UDP PCBs by local name.
 *
 * lwIP keeps its lists, for walking; registering and removing are constant in time, and so is finding whatever the
 * number of connections, addresses and ports. A name is a local address and a port; PCBs of the any address are found by
 * the port alone. The key is random per instance: nobody outside can choose addresses and ports that collide.
 *
 * Everything acts on the selected instance. Context: the thread that selected it.
 */
#ifndef STK_LWIP_PCB_TABLE_H
#define STK_LWIP_PCB_TABLE_H

#include "lwip/siphash.h"

#include "lwip/ip_addr.h"

#include <stdbool.h>
#include <stdint.h>

struct stk_inst;
struct stk_lwip_limits;
struct tcp_pcb;
struct udp_pcb;

#define STK_PCB_RECENT 64u

/** PCBs by local name. */
struct stk_pcb_names {
    void **buckets;       /**< specific addresses */
    void **wild;          /**< per port: PCBs of the any address */
    uint32_t mask;        /**< buckets less one */
    uint32_t specific;    /**< PCBs in the buckets */
    uint32_t *port_users; /**< per port: PCBs of all addresses; NULL: nobody asks */
};

struct stk_pcb_table {
    uint8_t key[STK_SIPHASH_KEY_SIZE];
    void **conns;
    uint32_t conns_mask;
    struct tcp_pcb *recent[STK_PCB_RECENT]; /**< found last, by ports: most segments need no hash */
    struct tcp_pcb **port_conns;            /**< per local port: connections, without those in TIME-WAIT */
    struct stk_pcb_names listeners;
    struct stk_pcb_names udp;
};

/**
 * Lay out the tables by the instance's limits; the key is taken from its random operation.
 *
 * @retval STK_ENOMEM nothing was taken.
 */
int stk_pcb_table_init(struct stk_pcb_table *table, const struct stk_lwip_limits *limits);

/** Free what stk_pcb_table_init took; PCBs are not touched. */
void stk_pcb_table_fini(struct stk_pcb_table *table);

/**
 * The connection of a four-tuple, TIME-WAIT included; NULL: none.
 *
 * @param zones  Must the zones of link-local addresses be equal too? What an ICMP error quotes has none.
 */
struct tcp_pcb *stk_pcb_tcp_lookup(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                                   uint16_t remote_port, bool zones);

/**
 * UDP PCBs that a datagram to a name may be for: those of the address, then those of the any address, which may be of the
 * other family.
 *
 * @param before  NULL: the first one; else the one that was returned last, still registered.
 */
struct udp_pcb *stk_pcb_udp_next(const struct udp_pcb *before, const ip_addr_t *ip, uint16_t port);

/**
 * Is there a connection of a local port that is not in TIME-WAIT?
 *
 * @param ip  Its local address; NULL: any of IPv6, or of IPv4.
 */
bool stk_pcb_port_connected(const ip_addr_t *ip, bool v6, uint16_t port);

/** Bucket of a four-tuple, for tests of collisions. */
uint32_t stk_pcb_conn_bucket(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                             uint16_t remote_port);

/** 64-bit hash of a four-tuple under the instance's key; zones are not in it. */
uint64_t stk_pcb_conn_hash(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                           uint16_t remote_port);

#endif

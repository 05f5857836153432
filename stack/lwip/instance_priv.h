/**
 * @file
 * The instance's insides; for the sources of this folder.
 */
#ifndef STK_LWIP_INSTANCE_PRIV_H
#define STK_LWIP_INSTANCE_PRIV_H

#include "stk_lwip/instance.h"
#include "lwip/mcast.h"
#include "lwip/pcb_table.h"
#include "lwip/pmtu.h"
#include "lwip/route.h"
#include "lwip/scope.h"
#include "lwip/siphash.h"
#include "lwip/slab.h"
#include "lwip/time_wait.h"

#include "lwip/igmp.h"
#include "lwip/memp.h"
#include "lwip/mld6.h"
#include "lwip/priv/instance.h"

#define STK_PORTS 65536u

struct stk_pool_item {
    struct stk_pool_item *next;
};

struct stk_pool {
    struct stk_pool_item *free;
    unsigned char *fresh; /**< items from here on were never handed out */
    uint32_t fresh_count;
    uint32_t size_bytes;
    struct stats_mem stats;
};

/** Connections without work, see tcp_idle.c. */
#define STK_IDLE_SLOTS 512u
enum stk_asleep { STK_AWAKE = 0, STK_ASLEEP, STK_ASLEEP_TIMED };
struct stk_idle {
    struct tcp_pcb *resting; /**< until something happens to them */
    uint32_t timed;          /**< PCBs in the wheel */
    struct tcp_pcb *wheel[STK_IDLE_SLOTS];
};

/** The record that the last accepted SYN has replaced. */
struct stk_replaced {
    ip_addr_t remote_ip;
    uint32_t isn_min;
    uint16_t local_port;
    uint16_t remote_port;
    bool valid;
};

struct stk_inst {
    struct lwip_instance lwip; /**< first: the selected pointer is a pointer to this */
    const struct stk_inst_ops *ops;
    void *ctx;
    const struct stk_inst_events *events;
    void *events_ctx;
    struct stk_lwip_limits limits;
    struct stk_slab slab;
    struct stk_pool pools[MEMP_MAX];
    void *pools_memory;
    uint8_t isn_key[STK_SIPHASH_KEY_SIZE];
    uint8_t port_key[2][STK_SIPHASH_KEY_SIZE];
    struct stk_pcb_table pcbs;
    struct stk_idle idle;
    struct stk_time_wait_table time_wait;
    struct stk_replaced replaced;
    struct stk_route_table routes;
    struct stk_mcast_group *mcast_hash[STK_MCAST_HASH];
    struct igmp_group mcast_any4; /**< what lwIP gets for any group that is there */
    struct mld_group mcast_any6;
    uint32_t tcp_port_users[STK_PORTS]; /**< by local port: PCBs, records, sockets; may be more than 2^16 */
    uint16_t port_tried[1024];          /**< table of algorithm 3 */
    uint32_t random_pool[64];
    uint32_t random_left;
    struct stk_pmtu4 pmtu4;
    struct stk_scope_table scopes;
    uint16_t raw_id;     /**< identification of RAW packets that come without one */
    uint16_t mtu6_limit; /**< bytes: what is being sent over IPv6 has no larger packets; 0: no such limit */
    bool dont_fragment;  /**< the datagram that is being sent leaves whole, with DF, or not at all */
    uint32_t burst_left; /**< frames of the burst in hand that follow the one being taken */
};

_Static_assert(offsetof(struct stk_inst, lwip) == 0, "the selected lwip_instance is the stk_inst");

/** The selected instance; never NULL inside lwIP. */
static inline struct stk_inst *stk_inst_selected(void)
{
    return (struct stk_inst *)(void *)lwip_instance_current;
}

/** A PCB that may rest leaves its list for good. */
void stk_tcp_idle_forget(struct tcp_pcb *pcb);

/** Does the endpoint of a connection, if it has one, wait for something that nobody tells? stk_ep_tcp.c's. */
bool stk_ep_tcp_has_work(const struct tcp_pcb *pcb);

/** Lay out the pools by inst->limits; STK_ENOMEM. */
int stk_pools_init(struct stk_inst *inst);

/** Free what stk_pools_init took. */
void stk_pools_fini(struct stk_inst *inst);

#endif

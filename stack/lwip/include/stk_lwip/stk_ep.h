/**
 * @file
 * Endpoints: the stack's end of sockets. An endpoint ties a socket slot of the
 * channel's region to an lwIP PCB of one instance. This header includes
 * nothing of lwIP.
 *
 * Owner: the engine. Every function runs on the engine's thread, which enters
 * instances inside; none may be called from an lwIP callback.
 *
 * Life of a slot: free -> open -> (bound, connecting, ...) -> closed by the
 * application -> background (data to be acknowledged) -> free. The generation
 * grows when it becomes free.
 */
#ifndef STK_LWIP_EP_H
#define STK_LWIP_EP_H

#include "ipc/channel_abi.h"
#include "ipc/region.h"
#include "stack/api.h"

#include <stdbool.h>
#include <stdint.h>

struct stk_inst;
struct stk_inst_net_error;
struct stk_ep_table;

#define STK_EP_INSTANCES_MAX STK_CONF_INSTANCES_MAX

/** What endpoints ask of the engine: times of datagrams, memory for its ports. */
struct stk_ep_env {
    uint64_t (*now_ns)(void *ctx); /**< as exact as it can be had */
    void (*tx_flush)(void *ctx);   /**< hand to the ports what was gathered */
    void (*tx_stamps)(void *ctx);  /**< stk_ep_stamp_came for each time that ports have; NULL: none takes any */
    /** Tell every port that takes external memory of whole pages; false: one of them cannot. NULL: there is no such port. */
    bool (*mem_register)(void *ctx, void *base, uint64_t size);
    /** They forget what they were told of by one call of mem_register; false: one of them does not. */
    bool (*mem_unregister)(void *ctx, void *base, uint64_t size);
    void *ctx;
};

/** What a table is made of; borrowed for the call, what it points to until destroy. */
struct stk_ep_conf {
    struct stk_ep_env env;
    struct stk_region *region;
    struct stk_inst *insts[STK_EP_INSTANCES_MAX];
    uint32_t insts_count;
    uint16_t port_first; /**< dynamic ports */
    uint16_t port_last;
    uint32_t connect_timeout_ms;
    uint32_t mcast_max; /**< memberships of all sockets together */
};

/** Counters of the endpoints. One writer. */
struct stk_ep_stats {
    uint64_t opened;
    uint64_t freed;
    uint64_t in_use;
    uint64_t high_water;
    uint64_t tcp_accept_refused; /**< SYNs answered by RST: backlog full */
    uint64_t tcp_accept_no_slot; /**< connections reset: no socket slot */
    uint64_t tcp_rx_stalled;     /**< data kept by lwIP: no chunk */
    uint64_t tcp_tx_no_memory;   /**< tcp_write refused: retried */
    uint64_t udp_rx_full;        /**< datagrams dropped: FIFO or chunk pool full */
    uint64_t udp_rx_filtered;    /**< datagrams dropped: not the peer, not a member, shut down */
    uint64_t udp_tx_no_memory;   /**< datagrams dropped on transmit */
    uint64_t udp_tx_no_route;
    uint64_t udp_tx_too_big;  /**< not to be fragmented, and larger than the way allows */
    uint64_t udp_tx_cut;      /**< datagrams that records were cut into */
    uint64_t rio_rx_known;    /**< datagrams that went to requests without lwIP */
    uint64_t rio_tx_known;    /**< datagrams of requests that left without it */
    uint64_t udp_stamps_full; /**< times discarded: as many are kept as the socket asked for */
    uint64_t bad_submissions; /**< malformed records of the application's side */
};

/**
 * Make the table, with an endpoint per socket slot of the region.
 *
 * @return  0 or STK_ENOMEM.
 */
int stk_ep_table_create(const struct stk_ep_conf *conf, struct stk_ep_table **out);

/** Abort every endpoint and free the table; NULL is fine. */
void stk_ep_table_destroy(struct stk_ep_table *table);

/** The counters, owned by the table. */
const struct stk_ep_stats *stk_ep_table_stats(const struct stk_ep_table *table);

/**
 * Take a slot.
 *
 * @param sock        Out: index of the slot.
 * @param generation  Out.
 * @return            0, STK_EMFILE, STK_EPROTONOSUPPORT or STK_EAFNOSUPPORT.
 */
int stk_ep_open(struct stk_ep_table *table, const uint32_t arg[4], uint64_t cookie, uint32_t *sock,
                uint32_t *generation);

/** Is this a slot that the application holds, whatever its generation? */
bool stk_ep_live(const struct stk_ep_table *table, uint32_t sock);

/** Is this a slot that the application holds, with this generation? */
bool stk_ep_valid(const struct stk_ep_table *table, uint32_t sock, uint32_t generation);

/* The following take a valid slot; errors as in stack/api.h. */
int stk_ep_bind(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *local);
/** Bind an unbound socket to a dynamic port of the instance that reaches a destination; bound ones stay. */
int stk_ep_bind_for(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *remote);
int stk_ep_listen(struct stk_ep_table *table, uint32_t sock, uint32_t backlog);
int stk_ep_connect(struct stk_ep_table *table, uint32_t sock, const struct stk_addr *remote);
/** Answer the SYN of a connection that is held back. */
int stk_ep_admit(struct stk_ep_table *table, uint32_t sock);
int stk_ep_shutdown(struct stk_ep_table *table, uint32_t sock, uint32_t how);
int stk_ep_opt_set(struct stk_ep_table *table, uint32_t sock, uint32_t opt, const void *value, uint32_t len);
int stk_ep_opt_get(struct stk_ep_table *table, uint32_t sock, uint32_t opt, int32_t *value);
/** Filters: the chunk, which is checked, is read at once, or filled. */
int stk_ep_mcast_filter_set(struct stk_ep_table *table, uint32_t sock, const struct stk_mcast_filter_abi *filter);
int stk_ep_mcast_filter_get(struct stk_ep_table *table, uint32_t sock, const struct stk_mcast_filter_abi *filter,
                            uint32_t *mode, uint32_t *count);
int stk_ep_tcp_info(struct stk_ep_table *table, uint32_t sock, struct stk_tcp_info *out);
/** The last attempt's ICMP error, or set = 0. */
void stk_ep_icmp_info(struct stk_ep_table *table, uint32_t sock, struct stk_icmp_info *out);

/** Registered I/O: STK_SUB_RIO. sock: of a live slot, or UINT32_MAX. Errors as in stack/rio.h. */
int stk_ep_rio_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub);

/** Publish what was completed, and try again what had to wait; at the end of each turn. @return  Is there more to do? */
bool stk_ep_rio_turn(struct stk_ep_table *table);

/**
 * The engine turns without pause from now on: pairs whose applications send are watched, so that these need not kick.
 * Real time only. Context: the engine's thread.
 */
void stk_ep_rio_watch_begin(struct stk_ep_table *table);

/**
 * Nobody may turn the engine for a while: all watching ends, until the next kick of each.
 *
 * @return  Had something been committed unseen? It was looked at, and there is a turn's work.
 */
bool stk_ep_rio_watch_end(struct stk_ep_table *table);

/** What the application of a live socket committed goes before the operation that it asked for afterwards. */
void stk_ep_rio_watch_look(struct stk_ep_table *table, uint32_t sock);

/** Look at what is watched. @return  Pairs that had something. */
uint32_t stk_ep_rio_watch_turn(struct stk_ep_table *table);

/** Do completions wait for drivers? Then ports are to be asked (nic_tx_reclaim). */
bool stk_ep_rio_waits(const struct stk_ep_table *table);

/** A port says when a frame left that was marked with the token; what nobody keeps any more is ignored. */
void stk_ep_stamp_came(struct stk_ep_table *table, uint64_t token, uint64_t ns);

/** Times of sent datagrams: STK_SUB_STAMP and its reply; errors of stk_sock_stamps_keep and stk_sock_stamp_take. */
int stk_ep_stamp_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub, struct stk_rep_abi *rep);

/** Reservations of ports: STK_SUB_PORTS and its reply; the errors of stk_sock_ports_acquire and its kin. */
int stk_ep_ports_op(struct stk_ep_table *table, uint32_t sock, const struct stk_sub_abi *sub, struct stk_rep_abi *rep);

/** Look at the FIFOs and the armed bits of a slot (STK_SUB_KICK). */
void stk_ep_kick(struct stk_ep_table *table, uint32_t sock);

/** The application gave the slot up; what is queued goes out in the background. */
void stk_ep_close(struct stk_ep_table *table, uint32_t sock, uint32_t mode);

/**
 * Find the instance, local address and interface that reach a destination.
 *
 * @param via  Interface to leave by, as programs number it; 0: any.
 * @param rep  Out: addr and arg of STK_SUB_ROUTE's reply.
 * @return     0 or STK_ENETUNREACH.
 */
int stk_ep_route(struct stk_ep_table *table, const struct stk_addr *remote, uint32_t via, struct stk_rep_abi *rep);

/** Close every slot that the application holds with a reset (detach). */
void stk_ep_abort_held(struct stk_ep_table *table);

/** Slots in the background: closed by the application, not yet free. */
uint32_t stk_ep_closing_count(const struct stk_ep_table *table);

/** Reset what is still closing (drain time expired). */
void stk_ep_abort_closing(struct stk_ep_table *table);

/**
 * Hold FIFO or registered memory for a driver (struct stk_netif_mem_ops): chunks are not
 * given back, and requests that sent it not completed, before the last stk_ep_mem_drop.
 *
 * @param token  Out: for the drop.
 * @return       false: neither, or too many holds.
 */
bool stk_ep_mem_hold(struct stk_ep_table *table, const void *data, uint32_t len, void **token);
void stk_ep_mem_drop(struct stk_ep_table *table, const void *data, uint32_t len, void *token);
bool stk_ep_rio_mem_hold(struct stk_ep_table *table, const void *data, uint32_t len, void **token);
void stk_ep_rio_mem_drop(struct stk_ep_table *table, void *token);

/** An ICMP message or a failed neighbour resolution concerns a packet of this instance (it is entered). */
void stk_ep_net_error(struct stk_ep_table *table, struct stk_inst *inst, const struct stk_inst_net_error *error);

/**
 * Let the connections that were handed several segments of a burst send, and go on with datagrams that the last turn left
 * over (STK_TX_CUT); after the bursts of a turn.
 *
 * @return  1: something was left over, else 0.
 */
uint32_t stk_ep_burst_end(struct stk_ep_table *table);

/** Connect deadlines. Call when stk_ep_next_ns is due. */
void stk_ep_run(struct stk_ep_table *table, uint64_t now_ns);

/** Give chunks of idle sockets back, a few sockets a call; when the loop has nothing else to do. */
void stk_ep_sweep(struct stk_ep_table *table, uint64_t now_ns);

/** When stk_ep_run has something to do; 0: the next turn has; STK_NEVER if nothing. */
uint64_t stk_ep_next_ns(const struct stk_ep_table *table);

#endif

/**
 * @file
 * A stack instance: one lwIP with state, pools and heap of its own.
 *
 * Owner: who created it. An instance is used by one thread at a time. Before lwIP or a function of this folder that
 * says so is called, the instance is entered on that thread (stk_inst_enter); entries nest, also across instances.
 * Time and randomness come from the operations given at creation, so that a run can be replayed exactly.
 * This header includes nothing of lwIP.
 */
#ifndef STK_LWIP_INSTANCE_H
#define STK_LWIP_INSTANCE_H

#include "stack/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stk_inst;

/** Time and randomness of an instance. Both are set; called on the instance's thread. */
struct stk_inst_ops {
    uint64_t (*now_ns)(void *ctx);                      /**< monotonic, nanoseconds */
    void (*random)(void *ctx, void *buf, uint32_t len); /**< fills len bytes; does not fail */
};

/** Sizes of an instance's pools: counts of objects, and bytes of the heap. */
struct stk_lwip_limits {
    uint32_t tcp_conns; /**< connections, TIME_WAIT included */
    uint32_t tcp_listeners;
    uint32_t tcp_segs;      /**< segments queued on all connections, both directions */
    uint32_t udp_endpoints; /**< endpoints; DHCP takes one */
    uint32_t raw_endpoints;
    uint32_t pbufs;       /**< descriptors of referenced memory: one per piece written without copy */
    uint32_t reass;       /**< datagrams in reassembly, per family */
    uint32_t frag_pbufs;  /**< fragments being sent */
    uint32_t pbuf_copies; /**< 2 KiB pieces: a datagram for several sockets is copied for all but one */
    uint32_t arp_queue;   /**< packets waiting for an address */
    uint32_t nd6_queue;
    uint32_t igmp_groups;
    uint32_t mld6_groups;
    uint32_t mcast_sources; /**< sources of groups, counted once per interface */
    uint64_t heap_bytes;    /**< headers, copied datagrams */
    uint16_t port_first;    /**< dynamic ports, RFC 6056 */
    uint16_t port_last;
    uint32_t tcp_time_waits; /**< finished connections that still answer; the oldest makes room */
    uint32_t tcp_msl_ms;     /**< TIME_WAIT lasts twice this */
    uint32_t tcp_ooseq_rtos; /**< silent retransmission time-outs after which data behind a gap is thrown away */
};

/** One pool's counters. */
struct stk_inst_pool_stats {
    const char *name;
    uint64_t limit; /**< objects; heap: bytes */
    uint64_t used;
    uint64_t high_water;
    uint64_t failed; /**< requests that found it empty */
};

/** Protocol counters, of all packets since creation. */
struct stk_inst_proto_stats {
    const char *name;
    uint64_t tx;
    uint64_t rx;
    uint64_t dropped;
    uint64_t checksum_bad;
    uint64_t length_bad;
    uint64_t no_memory;
    uint64_t no_route;
    uint64_t proto_bad; /**< no such protocol or port */
    uint64_t option_bad;
    uint64_t other_bad;
};

/** What an ICMP message or a failed neighbour resolution says of an earlier packet. */
struct stk_inst_net_error {
    uint8_t proto; /**< IP protocol number of the packet: 6, 17, or another (RAW) */
    bool hard;     /**< TCP: the connection is in SYN-SENT and may fail by it (RFC 5927 5.2); others: unreachable */
    bool local;    /**< not ICMP: no answer to ARP or ND here */
    int32_t err;   /**< enum stk_err */
    uint8_t icmp_type;
    uint8_t icmp_code;
    uint32_t mtu;                /**< fragmentation needed, packet too big: next hop's MTU; else 0 */
    uint32_t seq;                /**< TCP: sequence number of the packet */
    void *pcb;                   /**< whom it concerns: tcp_pcb (sequence number checked) or udp_pcb; RAW: NULL */
    uint32_t if_index;           /**< lwIP's number of the interface, where known */
    struct stk_addr local_addr;  /**< source of the packet */
    struct stk_addr remote_addr; /**< destination of the packet */
    struct stk_addr source;      /**< ICMP: who sent the error; port 0 */
};

/** What the endpoints are told; the instance is entered while it runs. */
struct stk_inst_events {
    /** An error concerns a packet that this instance sent. Borrowed for the call. */
    void (*net_error)(void *ctx, const struct stk_inst_net_error *error);
};

/** Fill limits with the defaults: 4096 connections, 1024 UDP endpoints, 32 MiB of heap. */
void stk_lwip_limits_default(struct stk_lwip_limits *limits);

/**
 * Create an instance, with its loopback interface (127.0.0.1 and ::1) up. All its memory is taken here.
 *
 * @param ops     Borrowed until destroy.
 * @param ctx     Given to the operations.
 * @param limits  Borrowed for the call; NULL: the defaults.
 * @param out     The instance, ended with stk_inst_destroy.
 * @return        0, or:
 * @retval STK_EINVAL  an operation is missing, or a limit is 0 or out of range.
 * @retval STK_ENOMEM  no memory.
 *
 * Context: any thread. On failure nothing stays.
 */
int stk_inst_create(const struct stk_inst_ops *ops, void *ctx, const struct stk_lwip_limits *limits,
                    struct stk_inst **out);

/**
 * Destroy an instance: its interfaces are removed, its memory is freed whole. Endpoints are gone before.
 *
 * Context: the instance's thread, not entered. NULL is fine.
 */
void stk_inst_destroy(struct stk_inst *inst);

/** Who hears of network errors; NULL: nobody. Borrowed until replaced. Context: the instance's thread. */
void stk_inst_events_set(struct stk_inst *inst, const struct stk_inst_events *events, void *ctx);

/** What stk_inst_enter replaced, to be given to stk_inst_leave. */
struct stk_inst_scope {
    void *before;
};

/** Select an instance for this thread until the matching stk_inst_leave; nests. */
struct stk_inst_scope stk_inst_enter(struct stk_inst *inst);

/** Select again what was selected before. */
void stk_inst_leave(struct stk_inst_scope scope);

/** The instance selected on this thread, or NULL. */
struct stk_inst *stk_inst_current(void);

/**
 * Run what is due: loopback packets, then timers.
 *
 * Context: the instance's thread, entered or not. Callbacks of endpoints run within.
 */
void stk_inst_run(struct stk_inst *inst);

/**
 * When stk_inst_run has to be called next, if nothing else happens.
 *
 * @return  ns in the instance's time (now, if something is due), or STK_NEVER.
 */
uint64_t stk_inst_next_timeout(struct stk_inst *inst);

/** The instance's time, ns. */
uint64_t stk_inst_now_ns(const struct stk_inst *inst);

/**
 * Read the counters of the pools.
 *
 * @param index  0..; the last one is the heap.
 * @return       false: no such pool.
 *
 * Context: the instance's thread; elsewhere a harmless snapshot.
 */
bool stk_inst_pool_stats_read(const struct stk_inst *inst, size_t index, struct stk_inst_pool_stats *out);

/** Read the counters of a protocol, index 0..; false: no such protocol. Context: as above. */
bool stk_inst_proto_stats_read(const struct stk_inst *inst, size_t index, struct stk_inst_proto_stats *out);

/**
 * Pick a dynamic port (RFC 6056 3.3.3, algorithm 3: double hash with a secret of the instance).
 *
 * @param proto   6 or 17.
 * @param local   Address that it will be bound to, or family only; port ignored.
 * @param remote  Peer, if known, else NULL: the port is then random.
 * @return        A port in the configured range that no PCB of this protocol uses, or 0: none left.
 *
 * Context: the instance is entered. Usually one look-up, at most one per port of the range.
 */
uint16_t stk_lwip_port_pick(struct stk_inst *inst, uint8_t proto, const struct stk_addr *local,
                            const struct stk_addr *remote);

#endif

/**
 * @file
 * The insides of the engine, for stack/core.
 */
#ifndef STACK_CORE_ENGINE_PRIV_H
#define STACK_CORE_ENGINE_PRIV_H

#include "core/engine.h"

#include "stk_lwip/instance.h"
#include "stk_lwip/netif_nic.h"
#include "stk_lwip/stk_ep.h"
#include "nic/nic.h"
#include "stack/config.h"

#include <stdatomic.h>
#include <stdbool.h>

/** A detach whose answer waits for graceful closes. */
struct stk_detach_wait {
    bool active;
    uint32_t ring;
    uint32_t seq;
    uint64_t deadline_ns;
};

/** Counters of the loop; one writer. */
struct stk_engine_stats {
    uint64_t turns;
    uint64_t turns_idle;
    uint64_t submissions;
    uint64_t submissions_bad; /**< unknown operation or stale socket */
    uint64_t replies_lost;    /**< reply ring full: the application's side broke the protocol */
    uint64_t sleeps;
    uint64_t parks;
};

struct stk_engine_virtual;
struct stk_engine_thread; /* engine_thread_linux.c, engine_thread_windows.c */

struct stk_engine {
    struct stk_engine_env env;
    struct stk_conf_engine conf;
    uint64_t now_ns;      /**< of this turn */
    uint32_t clock_turns; /**< turns that share one reading of the clock, less one */
    uint32_t clock_left;  /**< of these */
    uint64_t timers_ns;
    uint64_t upkeep_ns; /**< next look at link states */
    struct stk_region region;
    struct stk_ep_table *eps;
    uint32_t insts_count;
    uint32_t netifs_count;
    uint32_t ports_count;
    struct stk_inst *insts[STK_CONF_INSTANCES_MAX];
    struct stk_netif *netifs[STK_CONF_PORTS_MAX];
    struct nic_port *ports[STK_CONF_PORTS_MAX];
    struct stk_detach_wait detach;
    struct stk_engine_stats stats;
    struct stk_engine_thread *thread;
    struct stk_engine_virtual *virtual_time; /**< NULL: real time; engine_virtual.c */
};

/** Answer what the rings hold; returns the number of submissions. */
uint32_t stk_chan_srv_run(struct stk_engine *engine);

/** Reset every connection; the resets leave as far as the ports take them at once. Context: the engine's thread. */
void stk_engine_reset_all(struct stk_engine *engine);

/** Write the interface table of the region, if something changed. */
void stk_engine_ifs_publish(struct stk_engine *engine);

#endif

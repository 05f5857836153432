/**
 * @file
 * Two instances on one thread, joined by a plain function in virtual time. The cable keeps frames for 10 us, and can
 * be told to lose every frame that a test's filter names.
 */
#ifndef STK_LWIP_SIM_HOST_H
#define STK_LWIP_SIM_HOST_H

#include "lwip/instance_priv.h"

#include "lwip/netif.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_frame {
    struct sim_frame *next;
    uint64_t due_ns;
    uint32_t len;
    uint8_t bytes[];
};

struct sim_host {
    struct stk_inst *inst;
    struct sim_pair *pair;
    struct netif netif;
    ip_addr_t ip4;
    ip_addr_t ip6;
    uint8_t mac[6];
    uint64_t random_state;
    struct sim_host *peer;
    struct sim_frame *inbound_first;
    struct sim_frame **inbound_last;
    uint64_t frames_in;
};

struct sim_pair {
    uint64_t now_ns;
    struct sim_host hosts[2];
    void (*mutate)(void *ctx, uint8_t *frame, uint32_t *len); /* NULL: frames stay as they are; len may shrink */
    void *mutate_ctx;
    bool (*lose)(const uint8_t *frame, uint32_t len); /* NULL: nothing is lost */
};

/** Make both hosts: 10.9.0.1 and .2 /24, fd00:9::1 and ::2; limits may be NULL. */
void sim_pair_open(struct sim_pair *pair, const struct stk_lwip_limits *limits);

/** Destroy both; every pool but those of the instance's own must be empty. */
void sim_pair_close(struct sim_pair *pair);

/** Run both for a time, jumping from event to event. */
void sim_pair_run(struct sim_pair *pair, uint64_t for_ns);

/** A pool's counters by name. */
struct stk_inst_pool_stats sim_pool(const struct sim_host *host, const char *name);

/** Put bytes of a frame in front of a host, as if they came over the cable now. */
void sim_host_inject(struct sim_host *host, const uint8_t *bytes, uint32_t len);

#endif

/**
 * @file
 * Registered I/O in simulations: a socket on each host with memory, a queue
 * for completions and request queues.
 */
#ifndef TESTS_SIM_RIO_H
#define TESTS_SIM_RIO_H

#include "sim.h"

#include "stack/rio.h"

#define SIM_RIO_PORT_A 5001
#define SIM_RIO_PORT_B 5002
#define SIM_RIO_BYTES (1u << 20)
#define SIM_RIO_COOKIE 77u

/** What a host has. */
struct sim_rio_end {
    struct sim_host *host;
    struct stk_sock *sock; /* NULL: closed by the test */
    struct stk_rio_mem *mem;
    uint8_t *bytes; /* SIM_RIO_BYTES */
    struct stk_rio_cq *cq;
    struct stk_rio_rq *rq;
};

/** a on host 0, b on host 1. */
struct sim_rio_pair {
    struct sim_world world;
    struct sim_rio_end a;
    struct sim_rio_end b;
};

/** Bound datagram sockets, or a connection. max: requests of each direction; the queue has room for both. */
void sim_rio_dgrams(struct sim_rio_pair *pair, int family, uint64_t seed, const char *impair, uint32_t max);
void sim_rio_streams(struct sim_rio_pair *pair, int family, uint64_t seed, const char *impair, uint32_t max);

/** End it; every pool is back where it was. */
void sim_rio_close(struct sim_rio_pair *pair);

/** Memory, queue and request queues for a socket; their end (the socket is closed if it is not NULL). */
void sim_rio_end_open(struct sim_rio_end *end, struct sim_host *host, struct stk_sock *sock, uint32_t max);
void sim_rio_end_close(struct sim_rio_end *end);

/** Wait for the next completion, a minute at most. */
struct stk_rio_done sim_rio_take(struct sim_rio_pair *pair, struct sim_rio_end *end);

/** There is no completion. */
void sim_rio_none(struct sim_rio_end *end);

/** Post len bytes at an offset of the memory; the cookie is the context's complement. */
int sim_rio_post(struct sim_rio_end *end, enum stk_rio_dir dir, uint32_t at, uint32_t len, uint32_t flags,
                 uint64_t context);
int sim_rio_post_to(struct sim_rio_end *end, uint32_t at, uint32_t len, uint32_t flags, uint64_t context,
                    const struct stk_addr *to);

/** A pattern. */
void sim_rio_fill(uint8_t *bytes, uint32_t len, uint32_t seed);

/** 50 ms. */
void sim_rio_settle(struct sim_rio_pair *pair);

#endif

/**
 * @file
 * A simulated world: two hosts, each an engine with one wire port on the same
 * link, stepped on one thread in virtual time with seeded randomness. Two runs
 * with one seed do the same.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "core/client.h"
#include "core/engine.h"
#include "stack/api.h"

#define SIM_HOSTS 2

struct sim_world;

struct sim_host {
    struct sim_world *world;
    struct stk_config *config;
    struct stk_engine *engine;
    struct stk_client *client;
    uint64_t random_state;
};

struct sim_world {
    uint64_t seed;
    uint64_t now_ns;
    uint64_t limit_ns; /* a run that goes beyond it has failed */
    struct sim_host hosts[SIM_HOSTS];
};

/**
 * Make a world: host 0 is 10.9.0.1 and fd00:9::1, host 1 is 10.9.0.2 and fd00:9::2.
 *
 * @param impair  Lines for both [port] sections ("wire.loss = 5%\n"), or "".
 * @param engine  Lines for both [engine] sections, or ""; with sockets_max among them no other size is set.
 */
void sim_world_init(struct sim_world *world, uint64_t seed, const char *impair, const char *engine);

/** End it, and check that every pool is back where it was. */
void sim_world_fini(struct sim_world *world);

/** Step all hosts until virtual time is until_ns. */
void sim_world_run_until(struct sim_world *world, uint64_t until_ns);

/** The address of a host. */
struct stk_addr sim_addr(int family, int host, uint16_t port);

/** A counter out of stk_client_counters_dump, or UINT64_MAX. */
uint64_t sim_counter(struct sim_host *host, const char *name);

/** Socket helpers that fail the test on error. */
struct stk_sock *sim_listen(struct sim_host *host, const struct stk_addr *addr);
struct stk_sock *sim_open(struct sim_host *host, int family, int type);

/** A connected pair: client on host 0, server on host 1. */
void sim_connect_pair(struct sim_world *world, int family, uint16_t port, struct stk_sock **client,
                      struct stk_sock **server);

/** Wait for bits on a socket, bounded by the world's limit; returns the ready bits. */
uint32_t sim_wait(struct sim_host *host, struct stk_sock *sock, uint32_t bits);

#endif

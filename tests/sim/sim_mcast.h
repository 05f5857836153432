/**
 * @file
 * IGMP and MLD on the link of a simulated world: what host 0 says, checked and put into words, and queries to it.
 *
 * Groups and sources go by small numbers: group n is 239.1.2.n or ff05::n, source n is 10.9.0.n or fd00:9::n. What was said
 * reads "TO_EX 3{1 2}; ALLOW 4{7}": records of one message are separated by commas, messages by semicolons; messages of
 * older versions are "REPORT1", "REPORT2", "LEAVE2" (IGMP) and "REPORT", "DONE" (MLD).
 */
#ifndef TESTS_SIM_MCAST_H
#define TESTS_SIM_MCAST_H

#include "sim_wire.h"

#define SIM_MCAST_SAID_MAX 8192
#define SIM_MCAST_TIMES_MAX 256
#define SIM_MCAST_IF 2u

struct sim_mcast {
    struct sim_world world;
    struct sim_wire wire;
    int family;
    char said[SIM_MCAST_SAID_MAX];
    uint32_t count;                      /**< messages */
    uint64_t at_ns[SIM_MCAST_TIMES_MAX]; /**< when each was seen */
};

/** A query; version 1 .. 3 (IGMP) or 1 .. 2 (MLD). */
struct sim_query {
    uint8_t version;
    uint32_t max_ms;
    uint8_t group; /**< 0: general */
    uint8_t robustness;
    uint8_t interval_s;
    uint32_t sources_count;
    const uint8_t *sources; /**< numbers */
};

/** Make a world with a listener on its link. */
void sim_mcast_open(struct sim_mcast *mcast, int family, uint64_t seed);
void sim_mcast_close(struct sim_mcast *mcast);

/** Let time pass, in steps short enough to tell when something was said. */
void sim_mcast_run(struct sim_mcast *mcast, uint32_t ms);

/** Forget what was said. */
void sim_mcast_forget(struct sim_mcast *mcast);

/** Compare what was said since then, and forget it. */
void sim_mcast_expect(struct sim_mcast *mcast, const char *said);

/** Send a query from a router of the link. */
void sim_mcast_ask(struct sim_mcast *mcast, const struct sim_query *query);

/** The frame of a query, for who wants to spoil it. */
void sim_mcast_frame(const struct sim_mcast *mcast, const struct sim_query *query, struct sim_frame *frame);

/** Put the checksums right for what the frame holds now. */
void sim_mcast_seal(const struct sim_mcast *mcast, struct sim_frame *frame);

/** Send a report of version 2 (IGMP) or 1 (MLD), as another host would. */
void sim_mcast_report(struct sim_mcast *mcast, uint8_t group);

/** The address of a group or a source. */
struct stk_addr sim_mcast_group(int family, uint8_t number, uint16_t port);
struct stk_addr sim_mcast_source(int family, uint8_t number, uint16_t port);

/** Options with numbers; results are those of the stack. Interface SIM_MCAST_IF. */
int sim_mcast_member(struct stk_sock *sock, int family, enum stk_opt opt, uint8_t group);
int sim_mcast_source_opt(struct stk_sock *sock, int family, enum stk_opt opt, uint8_t group, uint8_t source);
int sim_mcast_filter(struct stk_sock *sock, int family, uint8_t group, uint32_t mode, const uint8_t *sources,
                     uint32_t count);

#endif

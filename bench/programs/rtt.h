/**
 * @file
 * The insides of rtt: one run, and its two sockets by registered I/O.
 */
#ifndef BENCH_RTT_H
#define BENCH_RTT_H

#include "prog.h"
#include "samples.h"

struct rtt {
    const char *a;
    const char *b;
    const char *mode;
    const char *api;
    uint64_t size;
    uint64_t count;
    uint64_t warmup;
    uint64_t gap_us;
    SOCKET sock_a;
    SOCKET sock_b;
    char *out;
    char *in;
    struct rtt_rio *rio; /**< NULL: plain calls */
    struct bench_samples samples;
};

/** Connect the two sockets and give each its request queue. @return 0, or -1 after a line on stderr. */
int rtt_rio_open(struct rtt *rtt);

/** One round trip, polled; rtt->in has the echo then. @return 0, or 1 after a line on stderr. */
int rtt_rio_round_trip(struct rtt *rtt);

/** Give back what rtt_rio_open took, the sockets excepted, which are closed before. Fine on one that failed, or was not called. */
void rtt_rio_close(struct rtt *rtt);

#endif

/**
 * @file
 * TIME-WAIT as small records: what a finished connection still has to answer, without its PCB.
 *
 * A connection becomes a record when it enters TIME-WAIT and nothing of it waits for the application; its PCB is free at
 * once. The record acknowledges a FIN that comes again (and waits anew), ignores resets (RFC 1337), lets a new connection
 * replace it by the rules of RFC 6191, and keeps its port from being chosen. Records are found by a keyed hash, end after
 * twice the maximum segment lifetime, and are of a fixed number: the oldest makes room.
 *
 * Everything acts on the selected instance. Context: the thread that selected it.
 */
#ifndef STK_LWIP_TIME_WAIT_H
#define STK_LWIP_TIME_WAIT_H

#include "lwip/ip_addr.h"

#include <stdbool.h>
#include <stdint.h>

struct stk_inst;
struct stk_time_wait;

struct stk_time_wait_table {
    struct stk_time_wait *records;
    uint32_t *buckets;
    uint32_t *ports; /**< as many: by the local port alone */
    uint32_t mask;   /**< buckets less one */
    uint32_t limit;
    uint32_t fresh; /**< records from here on were never used */
    uint32_t free;  /**< others that are free */
    uint32_t oldest;
    uint32_t newest;
    uint32_t used;
    uint32_t high_water;
    uint64_t reclaimed; /**< made room before their time */
    uint64_t replaced;  /**< a new connection took the four-tuple */
    uint64_t answered;
};

/** Lay out limit records, 1 at least. @retval STK_ENOMEM nothing was taken. */
int stk_time_wait_init(struct stk_time_wait_table *table, uint32_t limit);

/** Free what stk_time_wait_init took. */
void stk_time_wait_fini(struct stk_time_wait_table *table);

/** End the records of the selected instance whose time is over. */
void stk_time_wait_run(uint64_t now_ns);

/** When the oldest record of an instance ends, ns; STK_NEVER: none is there. */
uint64_t stk_time_wait_next(const struct stk_inst *inst);

/** Does a four-tuple wait? */
bool stk_time_wait_has(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                       uint16_t remote_port);

/** Does any connection of a local address and port wait? */
bool stk_time_wait_on_port(const ip_addr_t *local_ip, uint16_t local_port);

/**
 * Raise the initial sequence number of a connection that replaces a record beyond what that had used (RFC 6191 2).
 *
 * @param isn  As computed.
 * @return     isn, or a larger one.
 */
uint32_t stk_time_wait_isn(uint32_t isn, uint16_t local_port, const ip_addr_t *remote_ip, uint16_t remote_port);

#endif

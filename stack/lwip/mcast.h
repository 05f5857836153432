/**
 * @file
 * Multicast groups of interfaces: what the sockets of an instance want of each group together, and what routers are told
 * of it. IGMPv3 (RFC 3376) and MLDv2 (RFC 3810) say the same in other headers, so that both are served from here:
 * mcast.c keeps the state, mcast_timer.c answers queries and repeats reports, mcast_report.c makes records; mcast_igmp.c
 * and mcast_mld.c read and write messages, also those of the older versions, and stand for lwIP's igmp.c and mld6.c.
 *
 * Owner: the instance; all memory comes from its pools (IGMP_GROUP, MLD6_GROUP, MCAST_IF, MCAST_SOURCE).
 * Context of all functions: the instance is entered.
 */
#ifndef STK_LWIP_MCAST_H
#define STK_LWIP_MCAST_H

#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

#include <stdbool.h>
#include <stdint.h>

/** Timers run in steps of this: IGMP's unit of response times. */
#define STK_MCAST_TICK_MS 100u
#define STK_MCAST_HASH 256u

/** RFC 3376 8, RFC 3810 9. */
#define STK_MCAST_ROBUSTNESS 2u
#define STK_MCAST_QUERY_INTERVAL_TICKS 1250u
#define STK_MCAST_UNSOLICITED_TICKS 10u      /**< at most, between two reports of a change */
#define STK_MCAST_OLD_UNSOLICITED_TICKS 100u /**< the same of the older versions */
#define STK_MCAST_OLD_RESPONSE_TICKS 100u    /**< IGMPv1 names no time to answer in */

/** Sources of one query that are noted one by one; a longer list is answered as if it asked for the whole group. */
#define STK_MCAST_QUERIED_MAX 64u

enum stk_mcast_mode { STK_MCAST_INCLUDE = 0, STK_MCAST_EXCLUDE = 1 };

/** A source that a socket names, that is still to be reported, or that a query asks for. */
struct stk_mcast_source {
    struct stk_mcast_source *next;
    uint32_t users[2]; /**< sockets that include it, that exclude it: by enum stk_mcast_mode */
    uint8_t ip[16];
    bool listed;    /**< in the interface's list, as it is reported */
    bool queried;   /**< the query that waits for its answer names it */
    uint8_t resend; /**< reports of its change that are owed */
};

/** A group on an interface. */
struct stk_mcast_group {
    struct stk_mcast_group *next;      /**< of the interface */
    struct stk_mcast_group *hash_next; /**< of the instance */
    struct stk_mcast_if *on;
    struct stk_mcast_source *sources;
    uint32_t users[2];    /**< sockets by mode; lwIP's own joins exclude no source */
    uint32_t query_ticks; /**< until a query is answered; 0: none waits */
    uint32_t old_ticks;   /**< until a report of an older version is repeated; 0: none is owed */
    uint8_t ip[16];       /**< network order; IPv4: the first four */
    uint8_t mode;         /**< enum stk_mcast_mode, as it is reported */
    bool wanted;          /**< somebody here listens */
    bool held;            /**< in the middle of a change: not to be settled yet */
    bool query_all;       /**< the query asks for the whole group */
    bool last_reporter;   /**< older versions: nobody else reported since */
    uint8_t mode_resend;  /**< reports of a change of mode that are owed */
    uint8_t old_resend;   /**< reports of an older version that are owed */
};

/** One family's messages. */
struct stk_mcast_wire {
    memp_t group_pool;
    uint8_t ip_bytes;
    uint8_t version;        /**< the newest; the older ones count down to 1 */
    uint8_t overhead_bytes; /**< IP header and options before a message */
    /** Send a report of the newest version; p is at its header of 8 bytes, whose type and checksum are to be filled. Borrowed. */
    void (*report_send)(struct stk_mcast_if *on, struct pbuf *p);
    /** Send a report of the version in force, an older one, or a farewell. */
    void (*old_send)(struct stk_mcast_if *on, const struct stk_mcast_group *group, bool leave);
    /** Let frames to a group pass the port, or no longer. */
    void (*filter)(struct netif *netif, const uint8_t *ip, enum netif_mac_filter_action action);
    /** Is it a group of which routers hear nothing? */
    bool (*silent)(const uint8_t *ip);
};

/** One family of an interface. */
struct stk_mcast_if {
    struct netif *netif;
    const struct stk_mcast_wire *wire;
    struct stk_mcast_group *groups;
    uint32_t change_ticks;   /**< until changes are reported again; 0: none are owed */
    uint32_t general_ticks;  /**< until a general query is answered; 0: none waits */
    uint32_t older_ticks[2]; /**< until queriers of version 1, of version 2 are forgotten; 0: there is none */
    uint32_t query_interval_ticks;
    uint8_t robustness;
    bool armed; /**< some timer runs */
};

/** A query as it was read. */
struct stk_mcast_query {
    uint8_t version;
    bool all_sources; /**< too many to note */
    uint8_t robustness;
    uint32_t interval_ticks; /**< 0: not said */
    uint32_t max_ticks;      /**< answer within */
    uint32_t sources_count;
    const uint8_t *group; /**< NULL: general */
    const uint8_t (*sources)[16];
};

/* --- mcast.c -------------------------------------------------------------- */

/** The family's state of an interface, or NULL: none yet. */
struct stk_mcast_if *stk_mcast_if_of(const struct netif *netif, const struct stk_mcast_wire *wire);

/** Make the family's state of an interface, or find it. NULL: the pool is empty. */
struct stk_mcast_if *stk_mcast_if_make(struct netif *netif, const struct stk_mcast_wire *wire);

/** Forget an interface's groups; nothing is sent. */
void stk_mcast_if_stop(struct netif *netif, const struct stk_mcast_wire *wire);

/** The messages of a family: IGMP or MLD. */
const struct stk_mcast_wire *stk_mcast_wire_of(bool v6);
const struct stk_mcast_wire *stk_mcast_wire_igmp(void);

/** Find a group; NULL: not there. It may be there only because something is still to be reported: see wanted. */
struct stk_mcast_group *stk_mcast_find(const struct netif *netif, const struct stk_mcast_wire *wire, const uint8_t *ip);

/**
 * Find or make a group. stk_mcast_settle ends a change of it, also one that failed.
 *
 * @return  NULL: a pool is empty.
 */
struct stk_mcast_group *stk_mcast_get(struct netif *netif, const struct stk_mcast_wire *wire, const uint8_t *ip);

/**
 * A query asks for a source, which has to be kept in mind until the answer: also one that no socket names, if that is let
 * through. Those are others' words: they get half of the pool at most.
 *
 * @return  False: it cannot be noted.
 */
bool stk_mcast_source_ask(struct stk_mcast_group *group, const uint8_t *ip);

/** A socket includes or excludes a source. False: the pool is empty, nothing changed. */
bool stk_mcast_source_add(struct stk_mcast_group *group, const uint8_t *ip, enum stk_mcast_mode mode);

/** It does no longer. */
void stk_mcast_source_drop(struct stk_mcast_group *group, const uint8_t *ip, enum stk_mcast_mode mode);

/**
 * What the sockets want has changed: the interface's filter follows, routers are told, and what nobody needs is freed,
 * the group included.
 *
 * Source: RFC 3376 3.2, 5.1; RFC 3810 4.2, 6.1.
 */
void stk_mcast_settle(struct stk_mcast_group *group);

/** Free sources that nobody needs, and the group if nobody needs it. */
void stk_mcast_collect(struct stk_mcast_group *group);

/** The version that the queriers of the link speak. Source: RFC 3376 7.2.1, RFC 3810 8.2.1. */
uint8_t stk_mcast_version(const struct stk_mcast_if *on);

/** Do routers hear of this group at all? */
bool stk_mcast_reported(const struct stk_mcast_group *group);

/* --- mcast_report.c --------------------------------------------------------- */

/** Report the owed changes of one group, or of all (NULL), once. Groups may be freed. */
void stk_mcast_report_changes(struct stk_mcast_if *on, struct stk_mcast_group *only);

/** Report the present state of one group, or of all (NULL). */
void stk_mcast_report_state(struct stk_mcast_if *on, const struct stk_mcast_group *only);

/** Answer for the sources that a query named. */
void stk_mcast_report_queried(const struct stk_mcast_group *group);

/* --- mcast_timer.c ----------------------------------------------------------- */

/** A tick has passed. */
void stk_mcast_tick(struct stk_mcast_if *on);

/** A query came in. Source: RFC 3376 5.2, 7.2.1; RFC 3810 6.2, 8.2.1. */
void stk_mcast_query(struct stk_mcast_if *on, const struct stk_mcast_query *query);

/** Another host reported a group in an older version. */
void stk_mcast_heard(struct stk_mcast_if *on, const uint8_t *ip);

/** The interface has come up: whoever listens hears of all groups again. */
void stk_mcast_announce(struct stk_mcast_if *on);

/** A change of a group is to be told, which may free the group; was: somebody listened before it. */
void stk_mcast_changed(struct stk_mcast_group *group, bool was);

#endif

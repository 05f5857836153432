/**
 * @file
 * Conversations of a capture: TCP and UDP packets sorted by their pair of
 * addresses and ports, in one pass, with bounded memory.
 *
 * Side 0 is who is thought to have begun: who sent the SYN, or the receiver
 * of a SYN|ACK, else the sender of the first packet seen. A SYN that begins
 * anew on a pair of ports whose conversation was there before makes another
 * conversation. Who has not been heard of for the idle time is forgotten when
 * room is needed.
 *
 * Fragments belong to the conversation of their first fragment, which holds
 * the ports; later ones are found by addresses, protocol and identification.
 */
#ifndef NIC_CONV_H
#define NIC_CONV_H

#include "nic/layers.h"

#include <stddef.h>

/** A conversation; its user's data hangs on user. */
struct nic_conv {
    uint32_t index;  /**< its place in the table, below max */
    uint64_t number; /**< from 1, in the order of first packets; never used again */
    uint8_t ip;      /**< 4 or 6 */
    uint8_t proto;   /**< 6 or 17 */
    uint8_t addr[2][16];
    uint16_t port[2];
    uint16_t vlan;   /**< of the first packet, 0: none */
    bool mid_stream; /**< TCP: began without a SYN */
    uint64_t first_packet;
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t packets[2]; /**< by sender's side */
    uint32_t isn[2];     /**< TCP: the SYN's sequence number, where syn_seen */
    bool syn_seen[2];
    bool fin_seen[2];
    bool rst_seen;
    void *user;
    /* The table's own. */
    struct nic_conv *hash_next;
    struct nic_conv *older;
    struct nic_conv *newer;
    uint32_t hash;
};

struct nic_conv_table;

struct nic_conv_conf {
    uint32_t max;      /**< conversations at a time */
    uint64_t idle_ns;  /**< who was silent longer may be forgotten; UDP after a tenth of it */
    uint32_t frag_max; /**< datagrams in fragments at a time */
    bool by_vlan;      /**< the same addresses in another VLAN are another conversation */
    /** Called before a conversation is forgotten, or replaced by a new one of the same ports. May be NULL. */
    void (*end)(void *context, struct nic_conv *conv);
    void *context;
};

/**
 * @param out  The table, ended by nic_conv_table_free.
 * @return     0, STK_EINVAL or STK_ENOMEM.
 */
int nic_conv_table_make(const struct nic_conv_conf *conf, struct nic_conv_table **out);

/** End a table; end is called for every conversation left, oldest first packet first. NULL is fine. */
void nic_conv_table_free(struct nic_conv_table *table);

/**
 * Find the conversation of a packet, or begin one.
 *
 * @param number   The packet's, for first_packet.
 * @param side     Filled with the sender's side, 0 or 1.
 * @param out      The conversation, valid until its end was called.
 * @return         0, or:
 * @retval STK_EOPNOTSUPP  neither TCP nor UDP.
 * @retval STK_EAGAIN      a fragment whose first one was not seen (yet).
 * @retval STK_EMFILE     the table is full and nobody has been idle long enough.
 *
 * Context: the table's thread. Does not allocate.
 */
int nic_conv_find(struct nic_conv_table *table, const struct nic_layers *pkt, uint64_t number, uint64_t time_ns,
                  struct nic_conv **out, int *side);

/**
 * The conversation of a packet with ports, if there is one; nothing is noted.
 *
 * @param side  Filled with the sender's side.
 * @return      The conversation, or NULL.
 */
struct nic_conv *nic_conv_peek(struct nic_conv_table *table, const struct nic_layers *pkt, int *side);

/** Conversations in the table now. */
uint32_t nic_conv_count(const struct nic_conv_table *table);

#endif

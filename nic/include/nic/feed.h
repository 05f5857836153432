/**
 * @file
 * The driver "feed": a port whose frames the program itself hands in and
 * takes, without a copy more than needed: replay, fuzzers. Part of nic/, so
 * that the stack's own tools may use it.
 *
 * A port's key `name = NAME` (in a file `feed.name`; default: the port's name) is what
 * nic_feed_find asks for. The port and its feed belong to one thread. Time
 * plays no part: what was handed in is there at the next receive burst.
 *
 * Checksums: with offload_rx = on (the default) the port tells the stack what
 * NIC_RX_* flags the program gave with the frame; none: the stack checks.
 */
#ifndef NIC_FEED_H
#define NIC_FEED_H

#include "nic/nic.h"

struct nic_feed;

/** The driver's table, for drivers/builtin.c. */
extern const struct nic_driver nic_feed_driver;

/**
 * Called for every frame that the stack sends.
 *
 * @param frame  A chain of head->pkt_len bytes, borrowed for the call (nic_frame_copy makes it one piece).
 */
typedef void (*nic_feed_sent_fn)(void *context, const struct nic_buf *head, uint64_t now_ns);

/**
 * The feed of an open port.
 *
 * @return  Valid until the port is closed; NULL: there is none of that name.
 *
 * Context: any thread.
 */
struct nic_feed *nic_feed_find(const char *name);

/** Who hears of frames that the stack sends; NULL: nobody, they are dropped. */
void nic_feed_sent_set(struct nic_feed *feed, nic_feed_sent_fn sent, void *context);

/** Frames that can be handed in now, at least, if they have one segment each. */
uint32_t nic_feed_room(const struct nic_feed *feed);

/**
 * Hand a frame in. Longer ones than a buffer become chains.
 *
 * @param frame  len bytes, copied.
 * @param len    14..65535.
 * @param flags  NIC_RX_IP4_CSUM_*, NIC_RX_L4_CSUM_*.
 * @return       0, or:
 * @retval STK_EAGAIN  no room: let the stack receive first.
 * @retval STK_EINVAL  the length.
 *
 * Context: the port's thread. Does not block or allocate.
 */
int nic_feed_push(struct nic_feed *feed, const uint8_t *frame, uint32_t len, uint32_t flags, uint64_t time_ns);

/** Write out what was recorded so far. @return  false: some of it could not be written. Context: the port's thread. */
bool nic_feed_flush(struct nic_feed *feed);

#endif

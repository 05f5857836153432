/**
 * @file
 * Packets of a capture in the order of their times. A file may hold them out
 * of order, within a bounded window: several interfaces or processors wrote
 * it. What comes later than the window allows is refused with its number.
 * Packets of the same time keep the file's order. Memory is fixed.
 */
#ifndef NIC_ORDER_H
#define NIC_ORDER_H

#include "nic/reader.h"

#define NIC_ORDER_WINDOW_NS UINT64_C(1000000000)

struct nic_order;

/**
 * @param reader     Borrowed until nic_order_free.
 * @param window_ns  How far times may run backwards; 0: the file's order, times that run backwards count as the latest.
 * @param out        Ended by nic_order_free.
 * @return           0 or STK_ENOMEM.
 *
 * Context: any thread.
 */
int nic_order_make(struct nic_reader *reader, uint64_t window_ns, struct nic_order **out);

/** End it. The reader stays. NULL is fine. */
void nic_order_free(struct nic_order *order);

/**
 * The next packet in time.
 *
 * @param out  As of nic_reader_next; its frame is valid until the next call. Its time never runs backwards.
 * @return     As nic_reader_next: 1, 0, or:
 * @retval STK_EPROTO  after everything that came before the damage was given; or a packet comes too late.
 *
 * Context: one thread. Does not allocate.
 */
int nic_order_next(struct nic_order *order, struct nic_packet *out);

/** Why nic_order_next refused: "packet N: ...", or "". */
const char *nic_order_reason(const struct nic_order *order);

#endif

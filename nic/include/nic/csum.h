/**
 * @file
 * Internet checksums of whole frames, for drivers that imitate a NIC's
 * offloads and for recorded copies. Source: RFC 1071, RFC 768, RFC 8200 8.1.
 */
#ifndef NIC_CSUM_H
#define NIC_CSUM_H

#include "nic/nic.h"

/**
 * Fill in the checksums that a frame's transmit flags ask for.
 *
 * @param frame  len bytes, one piece; the fields hold what enum nic_buf_flag says.
 * @param head   Flags and header lengths; the frame may be a copy of its data.
 * @return       0, or:
 * @retval STK_EPROTO  the header lengths do not fit the frame; it is unchanged.
 *
 * Context: any thread.
 */
int nic_csum_tx_fill(uint8_t *frame, uint32_t len, const struct nic_buf *head);

/**
 * Check the checksums of a received frame, as a NIC would: IPv4 header, and
 * TCP or UDP where the frame holds the whole segment. Up to two VLAN tags are
 * skipped. What cannot be judged (fragments, other protocols, UDP without
 * checksum over IPv4) gets no flag.
 *
 * @return  NIC_RX_*_CSUM_* flags.
 *
 * Context: any thread.
 */
uint32_t nic_csum_rx_flags(const uint8_t *frame, uint32_t len);

#endif

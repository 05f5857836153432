/**
 * @file
 * Capture files that the command itself writes: pcap with nanoseconds, little endian, of Ethernet frames.
 */
#ifndef STACK_REPLAY_PCAP_OUT_H
#define STACK_REPLAY_PCAP_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** Begin a file. @return  It, closed with fclose, or NULL with errno. */
FILE *stk_pcap_out_begin(const char *path);

/** Write a packet: len bytes of a frame that had full_len. @return  false: not written. */
bool stk_pcap_out_put(FILE *file, uint64_t time_ns, const uint8_t *frame, uint32_t len, uint32_t full_len);

/**
 * Copy a capture as a golden one: as it is where both names end alike, else as pcap.
 *
 * @return  false with errno; what was there is kept as long as there is nothing better.
 */
bool stk_pcap_out_copy(const char *from, const char *to);

#endif

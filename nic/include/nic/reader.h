/**
 * @file
 * Reading of capture files: pcap and pcapng by libpcap, one packet at a time,
 * every link type that replay knows turned into Ethernet frames. Memory does
 * not grow with the file. A reader belongs to one thread. Used by stack/replay,
 * drivers/replay and tests.
 *
 * Link types: Ethernet (with 802.1Q and QinQ as they are), Linux cooked v1 and
 * v2, raw IP (RAW, IPV4, IPV6), BSD NULL and LOOP. A file of another type, or
 * a pcapng file whose interfaces differ in type, is refused.
 */
#ifndef NIC_READER_H
#define NIC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Bytes for the reason of a failure. */
#define NIC_READER_REASON_SIZE 320
/** Bytes of a packet that a reader accepts, captured ones; more is a refusal with the packet's number. */
#define NIC_READER_PACKET_MAX 262144u

enum nic_packet_flag {
    NIC_PACKET_SNAPPED = 1u << 0,   /**< the file has only its beginning: len < full_len */
    NIC_PACKET_MADE_L2 = 1u << 1,   /**< the Ethernet header was made for it */
    NIC_PACKET_BACKWARDS = 1u << 2, /**< its time is before the latest one so far */
    NIC_PACKET_OUTGOING = 1u << 3,  /**< a cooked header says that the capturing host sent it */
};

/** One packet. */
struct nic_packet {
    uint64_t number;      /**< in the file, from 1 */
    uint64_t time_ns;     /**< since 1970, UTC */
    const uint8_t *frame; /**< an Ethernet frame without FCS, len bytes; the reader's, until the next call with it */
    uint32_t len;         /**< bytes captured, of the frame as it is given */
    uint32_t full_len;    /**< bytes on the wire, of the same frame; >= len */
    uint32_t flags;       /**< enum nic_packet_flag */
};

struct nic_reader;

/**
 * Open a capture file.
 *
 * @param path    "-" is a file like any other; standard input is nic_reader_open_stream's.
 * @param out     The reader, ended by nic_reader_close.
 * @param reason  NIC_READER_REASON_SIZE bytes, filled on failure.
 * @return        0, or:
 * @retval STK_ENOENT  no such file.
 * @retval STK_EINVAL  not a capture, or of a link type that is not known.
 * @retval STK_ENOMEM.
 *
 * Context: any thread. Blocks, allocates.
 */
int nic_reader_open(const char *path, struct nic_reader **out, char *reason);

/**
 * Read a capture from a stream.
 *
 * @param stream  Owned by the reader from this call on: closed with it, or at once on failure.
 *
 * Otherwise as nic_reader_open.
 */
int nic_reader_open_stream(FILE *stream, struct nic_reader **out, char *reason);

/**
 * Read the next packet.
 *
 * @param out  Filled when the answer is 1.
 * @return     1: a packet; 0: the file's end; or:
 * @retval STK_EPROTO  the file is damaged, or the packet cannot be a frame: nic_reader_reason says "packet N: why". What came
 *                     before is good; nothing more can be read.
 *
 * Context: the reader's thread. Blocks on the file, does not allocate but in libpcap's own buffer.
 */
int nic_reader_next(struct nic_reader *reader, struct nic_packet *out);

/** Why nic_reader_next refused: "packet N: ...", or "" before that. Valid until close. */
const char *nic_reader_reason(const struct nic_reader *reader);

/** The name of the file's link type, of libpcap; valid until close. */
const char *nic_reader_link_type(const struct nic_reader *reader);

/** Close. NULL is fine. */
void nic_reader_close(struct nic_reader *reader);

#endif

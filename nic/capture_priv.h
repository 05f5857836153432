/**
 * @file
 * The files that a recording goes to (nic/capture.h). Belongs to the port's thread.
 */
#ifndef NIC_CAPTURE_PRIV_H
#define NIC_CAPTURE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcap;
struct nic_capture_file;

/** What a pcapng file says of its frames beside their bytes. */
struct nic_capture_head {
    const char *port;   /**< the interface's name */
    const char *filter; /**< NULL: all frames */
    uint32_t snaplen;
};

/** A frame as it is written. */
struct nic_capture_record {
    const uint8_t *bytes;
    uint32_t caplen;
    uint32_t len;
    uint64_t time_ns; /**< as the file has it */
    bool out;         /**< sent */
    const char *note; /**< pcapng: its comment; "": none */
};

/**
 * Create a pcapng file (draft-ietf-opsawg-pcapng), or empty one that exists. No child process inherits it.
 *
 * @param head    Borrowed for the call.
 * @param reason  NIC_CAPTURE_REASON_SIZE bytes, filled on failure.
 * @param bytes   Out: bytes of the file so far.
 * @return        The file, closed with nic_capture_file_close, or NULL.
 *
 * Context: open time.
 */
struct nic_capture_file *nic_capture_file_ng(const char *path, const struct nic_capture_head *head, char *reason,
                                             uint64_t *bytes);

/** The same as a nanosecond pcap file, without notes. pcap: must outlive it. */
struct nic_capture_file *nic_capture_file_pcap(struct pcap *pcap, const char *path, char *reason, uint64_t *bytes);

/** Bytes that a record takes in the file. */
uint64_t nic_capture_file_size(const struct nic_capture_file *file, const struct nic_capture_record *record);

/** Write a record. A failure is seen when the file is flushed. */
void nic_capture_file_put(struct nic_capture_file *file, const struct nic_capture_record *record);

/** Write what is buffered. @return  false: the file cannot be written any more. */
bool nic_capture_file_flush(struct nic_capture_file *file);

/** Write what is buffered and close. NULL is ignored. */
void nic_capture_file_close(struct nic_capture_file *file);

#endif

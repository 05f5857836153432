/**
 * @file
 * Recording of frames as a nanosecond pcap file, or as pcapng with notes: what
 * nic/ does for any port, and what the pcap driver does with what it sends. Belongs to the port's
 * thread. Allocates and makes system calls. Used by nic/ and drivers/.
 */
#ifndef NIC_CAPTURE_H
#define NIC_CAPTURE_H

#include "nic/nic.h"

struct nic_capture;

/** What the capture keys of a port say. */
struct nic_capture_conf {
    const char *path; /**< NULL: no capture */
    uint64_t snaplen;
    const char *clock;  /**< "wall", or "port": the caller's time as it is */
    const char *filter; /**< libpcap's filter language; NULL: all frames */
    uint64_t size;      /**< bytes after which a new file begins; 0: never */
    uint64_t files;     /**< that are kept then, the one that is written among them */
    const char *format; /**< "pcap", "pcapng"; NULL: what the file's name ends with */
};

/**
 * Read the capture keys and check them.
 *
 * @param conf  Only the capture keys, the rest removed.
 * @return      0 or STK_EINVAL with conf->error filled.
 */
int nic_capture_conf_parse(const struct nic_port_conf *conf, struct nic_capture_conf *out);

/** Whether a key is one of the capture's. */
bool nic_capture_key(const char *key);

/**
 * Create the file.
 *
 * @param key        The key that names the file, for an error message.
 * @param frame_max  Bytes of the port's longest frame.
 * @return           0, STK_ENOMEM, or STK_EIO with conf->error filled.
 */
int nic_capture_open(const struct nic_port_conf *conf, const char *key, const struct nic_capture_conf *cap,
                     uint32_t frame_max, struct nic_capture **out);

/** Write what is buffered and close. NULL is ignored. */
void nic_capture_close(struct nic_capture *cap);

/** Write what is buffered. @return  false: something could not be written. NULL is ignored. */
bool nic_capture_flush(struct nic_capture *cap);

/** Copy a frame aside (with its checksums filled in) before it is handed to the driver. */
void nic_capture_stage(struct nic_capture *cap, const struct nic_buf *frame);

/** Room for a frame of len bytes that is staged without a buffer; NULL: it is longer than the port's longest. */
uint8_t *nic_capture_stage_room(struct nic_capture *cap, uint32_t len);

/** Write the frame staged last. out: it was sent; note: why it was not, "": nothing. */
void nic_capture_commit(struct nic_capture *cap, uint64_t now_ns, bool out, const char *note);

/** Does the file take notes? */
bool nic_capture_noting(const struct nic_capture *cap);

/** The port's counters as they were when its drops were noted last; nic/'s own to keep. */
struct nic_port_stats *nic_capture_seen(struct nic_capture *cap);

/** What is committed from now on is held back until nic_capture_settle, if the file takes notes. */
void nic_capture_burst_begin(struct nic_capture *cap);

/** The frame staged last is the next of the burst. note: what is known of it already; "": nothing. */
void nic_capture_burst_add(struct nic_capture *cap, uint64_t now_ns, const char *note);

/** Add a note to a frame of the burst, by its number in the burst. */
void nic_capture_note(struct nic_capture *cap, uint32_t index, const char *note);

/** Write what was held back. */
void nic_capture_settle(struct nic_capture *cap);

/** Bytes for the reason of a failure; libpcap's own size (PCAP_ERRBUF_SIZE). */
#define NIC_CAPTURE_REASON_SIZE 256

struct pcap;
struct pcap_dumper;

/** Bytes that are read at a time where the caller has room for them: less than a processor's own cache. */
#define NIC_CAPTURE_READ_BYTES (128u * 1024u)

/**
 * Open a capture file for reading, in nanoseconds. No child process inherits it.
 *
 * @param buffer  NIC_CAPTURE_READ_BYTES that are there until libpcap's object is closed; NULL: the C library's, of a page.
 * @param reason  NIC_CAPTURE_REASON_SIZE bytes, filled on failure.
 * @return        libpcap's object, owned by the caller, or NULL with errno: ENOENT where there is no such file.
 *
 * Context: open time, or a replay that starts again.
 */
struct pcap *nic_capture_file_read(const char *path, char *buffer, char *reason);

/**
 * Create a capture file, or empty one that exists. No child process inherits it.
 *
 * @param pcap    What is written; must outlive the file.
 * @param reason  NIC_CAPTURE_REASON_SIZE bytes, filled on failure.
 * @return        libpcap's object, owned by the caller, or NULL.
 *
 * Context: open time.
 */
struct pcap_dumper *nic_capture_file_write(struct pcap *pcap, const char *path, char *reason);

#endif

/**
 * @file
 * The NIC contract: ports that move bursts of buffers.
 *
 * A port belongs to one thread at a time (the poll thread of its engine, or a
 * test). Only nic_port_open, nic_port_close and nic_port_stats_read may be
 * called from elsewhere, and the last one gives a torn but harmless snapshot.
 *
 * Ownership: a buffer belongs to the driver until nic_rx_burst returns it or
 * nic_buf_alloc gives it out, then to the caller, until nic_buf_free or until
 * nic_tx_burst accepts it. Memory attached with nic_buf_attach_ext belongs to
 * the caller and must stay unchanged until its release callback ran.
 *
 * Time is an argument (ns), so that a driver may deliver in virtual time.
 */
#ifndef NIC_NIC_H
#define NIC_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NIC_BURST_MAX 32
#define NIC_NAME_SIZE 32
/** Bytes of what a recording says of a frame. */
#define NIC_NOTE_SIZE 192
/** Bytes in front of a fresh buffer's data, for headers. */
#define NIC_HEADROOM 128
/** Bytes of every buffer that are the stack's own (a custom pbuf lives there). */
#define NIC_BUF_PRIV_SIZE 96
#define NIC_PORTS_MAX 32
#define NIC_MTU_MIN 576
#define NIC_MTU_MAX 9000
/** Segments of one frame, at most. */
#define NIC_SEGS_MAX 40

/** Capabilities of a port, and what a configuration may switch off. */
enum nic_cap {
    NIC_CAP_RX_IP4_CSUM = 1u << 0, /**< receive says whether the IPv4 header checksum was right */
    NIC_CAP_RX_L4_CSUM = 1u << 1,  /**< receive says whether the TCP/UDP checksum was right */
    NIC_CAP_TX_IP4_CSUM = 1u << 2, /**< transmit fills in the IPv4 header checksum */
    NIC_CAP_TX_TCP_CSUM = 1u << 3,
    NIC_CAP_TX_UDP_CSUM = 1u << 4,
    NIC_CAP_EXTMEM = 1u << 5,    /**< transmit takes references to external memory (several segments) */
    NIC_CAP_WAIT_FD = 1u << 6,   /**< nic_port_wait_handle gives something to sleep on */
    NIC_CAP_LINK = 1u << 7,      /**< link state is real, not assumed up */
    NIC_CAP_TSTAMP = 1u << 8,    /**< tstamp_ns of received buffers is set by the port, by a clock of its own */
    NIC_CAP_TX_TSTAMP = 1u << 9, /**< by the same clock it tells when frames with NIC_TX_TSTAMP left */
};

/** Flags of a buffer. */
enum nic_buf_flag {
    NIC_RX_IP4_CSUM_GOOD = 1u << 0,
    NIC_RX_IP4_CSUM_BAD = 1u << 1,
    NIC_RX_L4_CSUM_GOOD = 1u << 2,
    NIC_RX_L4_CSUM_BAD = 1u << 3,
    NIC_RX_TSTAMP = 1u << 4,
    NIC_TX_IP4_CSUM = 1u << 8, /**< ask for it; l2_len, l3_len set; header field is 0 */
    NIC_TX_TCP_CSUM = 1u << 9, /**< ask for it; field holds the pseudo-header sum as DPDK wants it */
    NIC_TX_UDP_CSUM = 1u << 10,
    NIC_TX_IP4 = 1u << 11,
    NIC_TX_IP6 = 1u << 12,
    NIC_TX_TSTAMP = 1u << 13, /**< tell when it left: nic_tx_stamps; tstamp_ns is the token */
};

struct nic_port;

/** Runs when no driver holds the attached memory any more; on the port's thread. */
typedef void (*nic_release_fn)(void *context);

/**
 * One segment of a frame. The first segment speaks for the frame.
 * Drivers may keep it inside their own buffer (DPDK: the mbuf's private area).
 */
struct nic_buf {
    uint8_t *data;         /**< first byte of the segment */
    struct nic_buf *next;  /**< next segment, or NULL */
    struct nic_port *port; /**< whose pool it goes back to */
    uint32_t pkt_len;      /**< bytes of the frame; first segment only */
    uint32_t len;          /**< bytes of this segment */
    uint32_t room;         /**< bytes from data to the end of the buffer */
    uint32_t flags;        /**< enum nic_buf_flag; first segment only */
    uint16_t l2_len;       /**< bytes; for transmit offloads */
    uint16_t l3_len;
    uint16_t l4_len;
    uint16_t segs;          /**< segments of the frame; first segment only */
    uint64_t tstamp_ns;     /**< receive time, if NIC_RX_TSTAMP; NIC_TX_TSTAMP: what nic_tx_stamps gives back */
    nic_release_fn release; /**< set for attached external memory */
    void *release_context;
    _Alignas(16) uint8_t priv[NIC_BUF_PRIV_SIZE]; /**< the stack's */
};

/** Counters of a port; bytes without FCS. One writer: the port's thread. */
struct nic_port_stats {
    uint64_t rx_frames;
    uint64_t rx_bytes;
    uint64_t rx_dropped; /**< by the port: no buffer, ring full */
    uint64_t rx_errors;  /**< by the port: torn, too long */
    uint64_t tx_frames;
    uint64_t tx_bytes;
    uint64_t tx_full; /**< frames not accepted by nic_tx_burst */
    uint64_t tx_errors;
    uint64_t tx_kicks; /**< bursts handed over */
    uint64_t buf_alloc_failed;
    uint64_t buf_in_use; /**< now, where the driver can tell */
    uint64_t buf_high_water;
};

struct nic_kv {
    const char *key;
    const char *value;
    uint32_t line; /**< of the configuration file, for messages; 0 if none */
};

/** What a configuration says of a port; borrowed for the call. */
struct nic_port_conf {
    const char *name;   /**< as programs see it, unique */
    const char *driver; /**< "wire", "pcap", "dpdk" */
    uint32_t mtu;       /**< bytes of the IP packet, 576..9000 */
    uint32_t buffers;   /**< of the port's pool; 0: the driver's default */
    uint32_t rx_slots;  /**< 0: the driver's default */
    uint32_t tx_slots;
    uint32_t caps_off; /**< enum nic_cap bits not to be used */
    bool mac_set;
    uint8_t mac[6];            /**< wanted address, if mac_set */
    const struct nic_kv *args; /**< the driver's own keys */
    size_t args_count;
    const char *file; /**< configuration file, for messages; may be NULL */
    char *error;      /**< error_size bytes: receives "file:line: key: reason"; may be NULL */
    size_t error_size;
};

struct nic_port_info {
    const char *name;
    const char *driver;
    uint32_t caps; /**< negotiated: what the port has and the configuration left on */
    uint32_t mtu;
    uint8_t mac[6];
    bool link_up;
    uint32_t link_mbps; /**< 0: unknown */
};

/**
 * The driver table. Every slot is filled; nic_driver_check verifies it once.
 * A driver embeds struct nic_port (nic/driver.h) as the first member of its own.
 */
struct nic_driver;

/**
 * Open a port. Starts receiving at once.
 *
 * Keys of conf->args that begin with `capture` work with every driver (nic/README.md): all frames in both directions
 * are recorded as a nanosecond pcap or pcapng file, checksums that the port would fill in computed in the recorded
 * copy. Recording allocates and makes system calls on the data path.
 *
 * @param conf  Borrowed for the call.
 * @param out   The port, owned by the caller, who closes it with nic_port_close.
 * @return      0, or:
 * @retval STK_ENOENT  no such driver, device or file.
 * @retval STK_EINVAL  a key or value of conf is wrong; conf->error says which.
 * @retval STK_EBUSY   another process or port owns the device.
 * @retval STK_ENOMEM  no memory for buffers or rings.
 * @retval STK_EIO     the device failed.
 *
 * Context: any thread that later polls or hands over to the polling one. Blocks.
 * On failure nothing stays open.
 */
int nic_port_open(const struct nic_port_conf *conf, struct nic_port **out);

/**
 * Check a configuration as nic_port_open would, before any NIC is touched:
 * driver known, keys known, values in range.
 *
 * @return  0, STK_ENOENT or STK_EINVAL, with conf->error filled.
 *
 * Context: any thread. Opens nothing.
 */
int nic_port_conf_check(const struct nic_port_conf *conf);

/**
 * Close a port. All buffers must have come back; those in flight on transmit
 * are released (their release callbacks run) before it returns.
 *
 * Context: the port's thread, or any once that has stopped.
 */
void nic_port_close(struct nic_port *port);

/**
 * Write out what was recorded so far: captures, reports. The port goes on.
 *
 * Context: the port's thread. Makes system calls.
 */
void nic_port_flush(struct nic_port *port);

/** What the port is and can do. Context: any thread; valid until close. */
const struct nic_port_info *nic_port_info_get(const struct nic_port *port);

/** Copy the counters. Context: any thread. */
void nic_port_stats_read(const struct nic_port *port, struct nic_port_stats *out);

/**
 * Receive up to count frames.
 *
 * @param bufs    count entries, filled with owned frames (chains).
 * @param count   1..NIC_BURST_MAX.
 * @param now_ns  The caller's time.
 * @return        Frames received, 0..count.
 *
 * Context: the port's thread. Does not block or allocate.
 */
uint32_t nic_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);

/**
 * Send up to count frames.
 *
 * @return  Frames accepted (owned by the driver from then on); the rest stay the caller's.
 *
 * Context: the port's thread. Does not block; the driver's own kick is its only system call.
 */
uint32_t nic_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);

/**
 * Is what passes the port recorded in a file that takes notes (pcapng)? Then who takes a burst may say what became of
 * its frames, and says when it has: until then, or until the next burst or flush, its records are held back.
 *
 * Context: any thread.
 */
bool nic_port_noting(const struct nic_port *port);

/**
 * Say why a frame of the last burst was dropped: a comment of its record.
 *
 * @param index  Of the frame in the burst.
 * @param note   Copied; with what was said before it, NIC_NOTE_SIZE - 1 bytes of it.
 *
 * Context: the port's thread, between nic_rx_burst and nic_rx_settle. Nothing is recorded: no effect.
 */
void nic_rx_note(struct nic_port *port, uint32_t index, const char *note);

/** All is said of the last burst: its records are written. Context: the port's thread. */
void nic_rx_settle(struct nic_port *port);

/**
 * A frame that the stack made and could not hand over is recorded as well, with the reason.
 *
 * @param len  Bytes of the frame.
 * @return     Room for it, to be filled before nic_tx_lost; NULL: it is not recorded.
 *
 * Context: the port's thread.
 */
uint8_t *nic_tx_lost_room(struct nic_port *port, uint32_t len);
void nic_tx_lost(struct nic_port *port, uint64_t now_ns, const char *note);

/**
 * Take an empty buffer with NIC_HEADROOM bytes before data and room for one
 * frame of the port's MTU behind it; len, pkt_len, flags 0, segs 1, next NULL.
 *
 * @return  The buffer, or NULL: pool empty, counted in buf_alloc_failed.
 *
 * Context: the port's thread. Does not block or allocate.
 */
struct nic_buf *nic_buf_alloc(struct nic_port *port);

/**
 * Make a segment that refers to external memory (only with NIC_CAP_EXTMEM).
 *
 * @param data     len bytes, the caller's, unchanged until release ran.
 * @param release  Called once, when the segment is freed or was sent. Not NULL.
 * @return         The segment (data, len set), or NULL: no descriptor; release is not called.
 *
 * Context: the port's thread. Does not block or allocate.
 */
struct nic_buf *nic_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                   void *context);

/**
 * Give a frame (whole chain) back to its pool.
 *
 * Context: the port's thread.
 */
void nic_buf_free(struct nic_buf *buf);

/**
 * Reclaim transmitted buffers now: their release callbacks run.
 *
 * Context: the port's thread. Cheap when there is nothing.
 */
void nic_tx_reclaim(struct nic_port *port);

/** When a frame left. */
struct nic_tx_stamp {
    uint64_t token; /**< of its NIC_TX_TSTAMP */
    uint64_t ns;    /**< by the port's clock */
};

/**
 * Take times of frames that were sent with NIC_TX_TSTAMP (NIC_CAP_TX_TSTAMP), in their order. They come after the frames
 * were handed over; a port keeps some 64 and loses what comes beyond these.
 *
 * @return  0..count.
 *
 * Context: the port's thread. Does not block or allocate.
 */
uint32_t nic_tx_stamps(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count);

/**
 * Tell the port of memory that nic_buf_attach_ext will refer to (DMA mapping).
 *
 * @param base  size bytes, page aligned, the caller's, mapped until nic_port_mem_unregister or nic_port_close. No byte of
 *              it lies in what the port was told of before and still knows.
 * @return      0, STK_EOPNOTSUPP (no NIC_CAP_EXTMEM) or STK_EIO.
 *
 * Context: any thread, before anything of it is attached; the port may be in use.
 */
int nic_port_mem_register(struct nic_port *port, void *base, size_t size);

/**
 * Have the port forget memory: base and size as they were registered. Nothing that is attached refers to it any more:
 * the last release callback ran.
 *
 * @return  0, or:
 * @retval STK_ENOENT       it was not registered so.
 * @retval STK_EOPNOTSUPP   no NIC_CAP_EXTMEM.
 * @retval STK_EIO          the device keeps its map; the memory must not be registered again.
 *
 * Context: the port's thread, or any once that has stopped.
 */
int nic_port_mem_unregister(struct nic_port *port, void *base, size_t size);

/**
 * Something to sleep on until a frame arrives.
 *
 * @return  A file descriptor (Linux: wait for readability) or the handle of an
 *          event (Windows), or -1: the port has none, poll it. An error on it
 *          (the interface went down) ends every wait until nic_port_link_poll
 *          has taken it.
 *
 * Context: the port's thread.
 */
intptr_t nic_port_wait_handle(struct nic_port *port);

/**
 * When the port will have something by itself, in the caller's time: a
 * delayed frame of a simulated wire, the next frame of a paced capture.
 *
 * @return  ns, or STK_NEVER.
 *
 * Context: the port's thread.
 */
uint64_t nic_port_next_event_ns(struct nic_port *port);

/**
 * Join or leave a multicast MAC address.
 *
 * @return  0, or an error; a port that receives everything returns 0.
 *
 * Context: the port's thread.
 */
int nic_port_mcast(struct nic_port *port, const uint8_t mac[6], bool join);

/**
 * Who shows, on standard output, what is above the port, when somebody asks a port that stops between frames (driver
 * replay, stepped). NULL: nobody.
 *
 * Context: open time, or the port's thread, on which it runs as well.
 */
void nic_port_inspect_set(struct nic_port *port, void (*inspect)(void *ctx), void *ctx);

/** Re-read the link state into nic_port_info. Context: the port's thread; may do a system call. */
bool nic_port_link_poll(struct nic_port *port);

#endif

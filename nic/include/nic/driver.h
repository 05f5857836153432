/**
 * @file
 * What a driver fills in. Included by drivers/ and nic/ only.
 */
#ifndef NIC_DRIVER_H
#define NIC_DRIVER_H

#include "nic/nic.h"
#include "stack/printf.h"

/** Bytes of a frame beyond its MTU: Ethernet header and one VLAN tag. */
#define NIC_L2_OVERHEAD 18u
/** Shortest frame that has an Ethernet header. */
#define NIC_FRAME_MIN 14u

struct nic_capture;

/** Base of every driver's port object: its first member. */
struct nic_port {
    const struct nic_driver *driver;
    struct nic_capture *capture; /**< NULL: nothing is recorded; nic/'s own */
    struct nic_port_info info;
    struct nic_port_stats stats;
    char name[NIC_NAME_SIZE];
    void (*inspect)(void *ctx); /**< nic_port_inspect_set */
    void *inspect_ctx;
};

struct nic_driver {
    const char *name;
    int (*conf_check)(const struct nic_port_conf *conf);
    int (*open)(const struct nic_port_conf *conf, struct nic_port **out);
    void (*close)(struct nic_port *port);
    uint32_t (*rx_burst)(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);
    uint32_t (*tx_burst)(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);
    struct nic_buf *(*buf_alloc)(struct nic_port *port);
    struct nic_buf *(*buf_attach_ext)(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                      void *context);
    void (*buf_free)(struct nic_buf *seg); /**< one segment, of this driver; its next is to be ignored */
    void (*tx_reclaim)(struct nic_port *port);
    uint32_t (*tx_stamps)(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count);
    int (*mem_register)(struct nic_port *port, void *base, size_t size);
    int (*mem_unregister)(struct nic_port *port, void *base, size_t size); /**< what close finds left goes by itself */
    intptr_t (*wait_handle)(struct nic_port *port);
    uint64_t (*next_event_ns)(struct nic_port *port);
    int (*mcast)(struct nic_port *port, const uint8_t mac[6], bool join);
    bool (*link_poll)(struct nic_port *port);
    void (*flush)(struct nic_port *port); /**< write out what is kept back: reports */
    /** out holds port->stats already; the driver corrects what it knows better */
    void (*stats_read)(const struct nic_port *port, struct nic_port_stats *out);
};

/** For the slot flush of a driver that keeps nothing back. */
void nic_flush_nothing(struct nic_port *port);

/** For the slot tx_stamps of a driver without NIC_CAP_TX_TSTAMP: 0. */
uint32_t nic_tx_stamps_none(struct nic_port *port, struct nic_tx_stamp *out, uint32_t count);

/** For the slots mem_register and mem_unregister of a driver without NIC_CAP_EXTMEM: STK_EOPNOTSUPP. */
int nic_mem_none(struct nic_port *port, void *base, size_t size);

/** The drivers that this build has, NULL-terminated; defined in drivers/builtin.c. */
extern const struct nic_driver *const nic_builtin_drivers[];

/**
 * Check that every slot of a table is filled.
 *
 * @return  0 or STK_EINVAL.
 */
int nic_driver_check(const struct nic_driver *driver);

/**
 * Fill in the base of a port object from its configuration: name, MTU, and an
 * address, which is the configured one or a locally administered one that
 * follows from the name.
 *
 * @param port    Zeroed by the caller, not yet published.
 *
 * Context: the driver's open.
 */
void nic_port_base_init(struct nic_port *port, const struct nic_driver *driver, const struct nic_port_conf *conf);

/**
 * Whether a chain is a frame that may be sent: lengths add up, not too many
 * segments, from min bytes to the MTU and its Ethernet header, with a VLAN tag
 * four more. Drivers count what is not as tx_errors and free it.
 *
 * @param min  Bytes; NIC_FRAME_MIN, or less on a wire that carries torn frames.
 *
 * Context: the port's thread.
 */
bool nic_frame_ok(const struct nic_port *port, const struct nic_buf *head, uint32_t min);

/**
 * Copy a chain that nic_frame_ok accepted into one piece of memory.
 *
 * @param out  At least head->pkt_len bytes.
 *
 * Context: any thread.
 */
void nic_frame_copy(const struct nic_buf *head, uint8_t *out);

/**
 * Add to a counter of a port. The port's thread is its only writer; another
 * thread may read at the same time (nic_stat_get), so both sides are relaxed
 * atomic accesses on the plain fields.
 */
static inline void nic_stat_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/** Read a counter that another thread may be writing. */
static inline uint64_t nic_stat_get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/**
 * Report a configuration error as "file:line: port NAME: key: reason" into conf->error.
 *
 * @param kv  The offending pair, or NULL when it concerns the port as a whole.
 * @return    STK_EINVAL, so that a driver can return it.
 */
STK_PRINTF(3, 4) int nic_conf_error(const struct nic_port_conf *conf, const struct nic_kv *kv, const char *format, ...);

#endif

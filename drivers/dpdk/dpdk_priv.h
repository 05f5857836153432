/**
 * @file
 * The DPDK driver's own structures.
 *
 * EAL runs once per process and stays. Ports come and go. A struct nic_buf
 * lies in the private area behind its mbuf, so neither is ever looked up.
 */
#ifndef DRV_DPDK_PRIV_H
#define DRV_DPDK_PRIV_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "drv/dpdk.h"
#include "nic/driver.h"
#include "stack/printf.h"

#define DPDK_DEVICE_SIZE 512
#define DPDK_BUFFERS_DEFAULT 4096u
#define DPDK_SLOTS_DEFAULT 512u
#define DPDK_MCAST_MAX 64

enum dpdk_device_kind { DPDK_DEVICE_PCI, DPDK_DEVICE_VDEV, DPDK_DEVICE_PAIR };

struct dpdk_conf {
    const char *device;
    const char *ring_pair;
    const char *eal;
    const char *hugepages; /**< "yes", "no", "auto", or NULL: not said */
    uint64_t memory_mb;    /**< 0: not said */
    enum dpdk_device_kind kind;
};

/** A device string taken apart: "net_af_packet0,iface=veth0". */
struct dpdk_device {
    char name[64];               /**< of the device, or its PCI address */
    char args[DPDK_DEVICE_SIZE]; /**< behind the first comma, with our defaults added */
    char iface[16];              /**< of net_af_packet; else empty */
    uint64_t iface_luid;         /**< of net_pcap on Windows; else 0 */
    uint32_t frame_bytes;        /**< of a slot: largest piece that net_af_packet copies into a buffer; else 0 */
    uint32_t block_bytes;        /**< of net_af_packet's rings */
    uint32_t slots;              /**< of each of its two rings */
};

struct dpdk_mcast {
    struct rte_ether_addr mac;
    uint32_t joins;
};

struct dpdk_port {
    struct nic_port base;
    uint16_t port_id;
    bool multi_segs;  /**< transmit takes chains */
    bool tx_offloads; /**< transmit was configured with checksum offloads */
    bool vdev;
    struct rte_mempool *pool;
    struct rte_mempool *ext_pool; /**< descriptors for external memory, or NULL */
    struct dpdk_pair *pair;
    uint32_t pair_side;
    void *rx_edge; /**< what orders received buffers (edge D1, dpdk_tsan.h): the ring of a pair, or the port */
    void *tx_edge;
    intptr_t wait;  /**< borrowed from the device's own driver, or -1 */
    intptr_t claim; /**< of the device against other processes, or -1 */
    uint32_t mcast_count;
    struct dpdk_mcast mcast[DPDK_MCAST_MAX];
    uint64_t high_water; /**< as far as stats_read saw it */
    struct dpdk_device device;
};

/** What lies behind each mbuf. */
struct dpdk_priv {
    struct nic_buf nb;
    struct rte_mbuf_ext_shared_info shinfo;
};

_Static_assert(NIC_HEADROOM == RTE_PKTMBUF_HEADROOM, "headers fit in front of a fresh mbuf's data");
_Static_assert(sizeof(struct rte_mbuf) % _Alignof(struct dpdk_priv) == 0, "the private area is aligned");

static inline struct dpdk_port *dpdk_of(struct nic_port *port)
{
    return (struct dpdk_port *)port;
}

static inline struct rte_mbuf *dpdk_mbuf(struct nic_buf *nb)
{
    return (struct rte_mbuf *)(void *)((uint8_t *)nb - sizeof(struct rte_mbuf));
}

static inline struct nic_buf *dpdk_nb(struct rte_mbuf *m)
{
    return (struct nic_buf *)rte_mbuf_to_priv(m);
}

/* conf.c */

/** Read and check a port's keys. Returns 0 or STK_EINVAL with conf->error filled. */
int drv_dpdk_conf_parse(const struct nic_port_conf *conf, struct dpdk_conf *out);

/** Take a device string apart and add our defaults. Returns 0 or STK_EINVAL with conf->error filled. */
int drv_dpdk_device_parse(const struct nic_port_conf *conf, const struct dpdk_conf *keys, struct dpdk_device *out);

/** Copy the value of key=value in a device's arguments. Returns false: the key is not there. */
bool drv_dpdk_arg_value(const char *args, const char *key, char *out, size_t out_size);

/** Whether a text is a PCI address: [DDDD:]BB:DD.F. */
bool drv_dpdk_pci_address(const char *text, size_t len);

/* eal_args.c */

#define DPDK_EAL_ARGS_MAX 48

/** An argument vector for EAL with the memory behind it. */
struct dpdk_eal_args {
    int argc;
    size_t used;
    char *argv[DPDK_EAL_ARGS_MAX + 1];
    char text[2048];
};

/**
 * Append one argument.
 *
 * @return  false: no room.
 */
STK_PRINTF(2, 3) bool drv_dpdk_eal_args_add(struct dpdk_eal_args *args, const char *format, ...);

/**
 * Check arguments of the configuration and append them: only options that are
 * known, with values that EAL will take, because EAL ends the process
 * otherwise.
 *
 * @param args   NULL: only check.
 * @param text   Blank-separated options; NULL is none.
 * @param error  error_size bytes, receives the reason.
 * @return       0 or STK_EINVAL.
 */
int drv_dpdk_eal_args_parse(struct dpdk_eal_args *args, const char *text, char *error, size_t error_size);

/* eal.c */

/**
 * Start EAL, or check that the running one is what this port asks for.
 *
 * @return  0, STK_EINVAL (differs from the running one; conf->error filled), STK_ENOMEM or STK_EIO.
 *
 * Context: any thread. Blocks; the caller's processor affinity is not touched.
 */
int drv_dpdk_eal_start(const struct nic_port_conf *conf, const struct dpdk_conf *keys);

/** Remember that some port wants a PCI device, so that EAL scans that bus. Before EAL starts. */
void drv_dpdk_eal_want_pci(void);

/* eal_linux.c, eal_windows.c */

/** Free huge pages, in MiB. */
uint64_t drv_dpdk_os_hugepages_free_mb(void);

/** Append what EAL is told on this system alone, its logical core among it. Returns false: no room. */
bool drv_dpdk_os_eal_args(struct dpdk_eal_args *args);

/**
 * Run EAL's start on a thread of its own, to its end.
 *
 * @return  false: there is no thread.
 */
bool drv_dpdk_os_eal_thread(void (*init)(void));

/** Give the calling thread DPDK's per-thread caches; undone when it ends. Cheap when done already. */
void drv_dpdk_thread_enter(void);

/* device_linux.c, device_windows.c */

/** Whether the DPDK of this system was built with PCI devices. */
bool drv_dpdk_os_has_pci(void);

/**
 * Check that this system has what a port asks for: device, EAL options.
 *
 * @return  0 or STK_EINVAL with conf->error filled.
 *
 * Context: before EAL is started.
 */
int drv_dpdk_os_check(const struct nic_port_conf *conf, const struct dpdk_conf *keys);

/**
 * Claim a device for this process, check what EAL would only report late, and complete its arguments.
 *
 * @return  0, STK_EBUSY, STK_ENOENT, STK_EINVAL, STK_ENOMEM or STK_EIO, with conf->error filled; on success *claim is a
 *          handle or -1.
 *
 * Context: with the driver's lock; after it the device is attached and started, or the claim given back.
 */
int drv_dpdk_device_claim(const struct nic_port_conf *conf, struct dpdk_device *device, intptr_t *claim);

/** Give a claim back. */
void drv_dpdk_device_release(intptr_t claim);

/** What the system needs done between attaching a device and starting it. Returns 0 or STK_EIO with conf->error filled. */
int drv_dpdk_device_attached(const struct nic_port_conf *conf, const struct dpdk_device *device);

/**
 * What the system needs done when a device was started.
 *
 * @return  A wait handle, the device's, or -1: it has none.
 */
intptr_t drv_dpdk_device_started(const struct dpdk_device *device);

/**
 * Whether a claimed interface has carrier, where DPDK's own driver does not know it. Takes a pending error off the wait
 * handle, which would end every sleep on it at once.
 *
 * @param claim    What drv_dpdk_device_claim gave.
 * @param wait     What drv_dpdk_device_started gave, or -1.
 * @param running  Filled in.
 * @return         false: DPDK's driver knows it.
 */
bool drv_dpdk_device_running(const struct dpdk_device *device, intptr_t claim, intptr_t wait, bool *running);

/** Bytes of a page. */
size_t drv_dpdk_page_bytes(void);

/* mem.c */

/** For the slots of nic_port_mem_register and nic_port_mem_unregister. */
int drv_dpdk_mem_register(struct nic_port *port, void *base, size_t size);
int drv_dpdk_mem_unregister(struct nic_port *port, void *base, size_t size);

/** Forget what the port still knows. Its device is stopped, and there. */
void drv_dpdk_mem_end(struct dpdk_port *port);

/* pair.c */

struct dpdk_pair;

/**
 * Take one end of a named pair of rings, made by the first to ask, as an Ethernet port.
 *
 * @param slots  Frames in each direction.
 * @return       0, STK_EBUSY (both ends taken), STK_ENOMEM or STK_EIO.
 */
int drv_dpdk_pair_take(struct dpdk_port *port, const char *name, uint32_t slots);

/** Give the end back after the Ethernet port was removed; the last one frees the rings. */
void drv_dpdk_pair_drop(struct dpdk_port *port);

/* buf.c */

/** Make a port's pools. Returns 0 or STK_ENOMEM. */
int drv_dpdk_pools_make(struct dpdk_port *port, uint32_t buffers, uint32_t room, bool ext);

/** Free the pools; one whose buffers are still with another port is freed later. */
void drv_dpdk_pools_free(struct dpdk_port *port);

struct nic_buf *drv_dpdk_buf_alloc(struct nic_port *port);
struct nic_buf *drv_dpdk_buf_attach_ext(struct nic_port *port, void *data, uint32_t len, nic_release_fn release,
                                        void *context);
void drv_dpdk_buf_free(struct nic_buf *seg);

/* burst.c */

uint32_t drv_dpdk_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);
uint32_t drv_dpdk_tx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns);

#endif

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "dpdk_priv.h"
#include "nic/conf.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

/** Serialises open and close: EAL's hot plug, and the search for descriptors that an open made. */
static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;

static int dpdk_conf_check(const struct nic_port_conf *conf)
{
    struct dpdk_conf keys;
    int err = drv_dpdk_conf_parse(conf, &keys);

    if (err == 0 && keys.kind == DPDK_DEVICE_PCI)
        drv_dpdk_eal_want_pci();
    return err;
}

static int device_error(const struct nic_port_conf *conf, const char *what, int error)
{
    nic_conf_error(conf, nic_conf_find(conf, "device"), "%s: %s", what, rte_strerror(error));
    if (error == EEXIST || error == EBUSY)
        return STK_EBUSY;
    if (error == ENODEV || error == ENOENT)
        return STK_ENOENT;
    return error == ENOMEM ? STK_ENOMEM : STK_EIO;
}

/** Make the Ethernet device known to DPDK and find its number. */
static int device_attach(struct dpdk_port *self, const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    char devargs[DPDK_DEVICE_SIZE + 72];
    int err;

    self->vdev = keys->kind == DPDK_DEVICE_VDEV;
    if (keys->kind == DPDK_DEVICE_PAIR) {
        err = drv_dpdk_pair_take(self, keys->ring_pair, conf->tx_slots != 0 ? conf->tx_slots : 1024);
        if (err != 0)
            nic_conf_error(conf, nic_conf_find(conf, "ring_pair"), "%s",
                           err == STK_EBUSY ? "two ports are on it already" : "the rings could not be made");
        return err;
    }
    if (self->vdev) {
        err = rte_vdev_init(self->device.name, self->device.args);
    } else if (rte_eth_dev_get_port_by_name(self->device.name, &self->port_id) == 0) {
        return 0; /* named in the key eal: probed when EAL started */
    } else {
        snprintf(devargs, sizeof(devargs), "%s%s%s", self->device.name, self->device.args[0] == '\0' ? "" : ",",
                 self->device.args);
        err = rte_dev_probe(devargs);
    }
    if (err != 0)
        return device_error(conf, "the device did not come up", err == -1 ? rte_errno : -err);
    if (rte_eth_dev_get_port_by_name(self->device.name, &self->port_id) != 0) {
        if (self->vdev)
            (void)rte_vdev_uninit(self->device.name);
        return device_error(conf, "not an Ethernet device", ENODEV);
    }
    return 0;
}

static void device_detach(struct dpdk_port *self)
{
    struct rte_eth_dev_info info;
    char name[RTE_ETH_NAME_MAX_LEN];

    if (self->pair != NULL) {
        /* The name of the virtual device behind a ring port is DPDK's own. */
        if (rte_eth_dev_get_name_by_port(self->port_id, name) == 0)
            (void)rte_vdev_uninit(name);
        drv_dpdk_pair_drop(self);
    } else if (self->vdev) {
        (void)rte_vdev_uninit(self->device.name);
    } else if (rte_eth_dev_info_get(self->port_id, &info) == 0) {
        (void)rte_eth_dev_close(self->port_id);
        (void)rte_dev_remove(info.device);
    }
}

/**
 * Whether transmit may refer to external memory: not where the driver hands the buffer itself to somebody else, nor
 * where the device reads physical addresses, in which that memory is not contiguous.
 */
static bool takes_extmem(const struct dpdk_port *self, const char *driver)
{
    if (strcmp(driver, "net_ring") == 0 || strcmp(driver, "net_memif") == 0)
        return false;
    return self->multi_segs && (self->vdev || rte_eal_iova_mode() == RTE_IOVA_VA);
}

static void negotiate(struct dpdk_port *self, const struct rte_eth_dev_info *info, uint32_t caps_off,
                      struct rte_eth_conf *out)
{
    static const struct {
        uint32_t cap;
        uint64_t rx, tx;
    } table[] = {
        {NIC_CAP_RX_IP4_CSUM, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, 0},
        {NIC_CAP_RX_L4_CSUM, RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM, 0},
        {NIC_CAP_TX_IP4_CSUM, 0, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM},
        {NIC_CAP_TX_TCP_CSUM, 0, RTE_ETH_TX_OFFLOAD_TCP_CKSUM},
        {NIC_CAP_TX_UDP_CSUM, 0, RTE_ETH_TX_OFFLOAD_UDP_CKSUM},
    };
    uint32_t caps = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if ((caps_off & table[i].cap) != 0 || (info->rx_offload_capa & table[i].rx) != table[i].rx ||
            (info->tx_offload_capa & table[i].tx) != table[i].tx)
            continue;
        caps |= table[i].cap;
        out->rxmode.offloads |= table[i].rx;
        out->txmode.offloads |= table[i].tx;
    }
    self->tx_offloads = out->txmode.offloads != 0;
    self->multi_segs = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
    if (self->multi_segs)
        out->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    if (takes_extmem(self, info->driver_name))
        caps |= NIC_CAP_EXTMEM & ~caps_off;
    if (self->pair == NULL)
        caps |= NIC_CAP_LINK & ~caps_off;
    self->base.info.caps = caps;
}

static int queues_setup(struct dpdk_port *self, const struct nic_port_conf *conf, const struct rte_eth_dev_info *info)
{
    uint16_t rx_slots = (uint16_t)(conf->rx_slots == 0 ? DPDK_SLOTS_DEFAULT : RTE_MIN(conf->rx_slots, 32768u));
    uint16_t tx_slots = (uint16_t)(conf->tx_slots == 0 ? DPDK_SLOTS_DEFAULT : RTE_MIN(conf->tx_slots, 32768u));
    struct rte_eth_rxconf rx_conf = info->default_rxconf;
    struct rte_eth_txconf tx_conf = info->default_txconf;
    int err = rte_eth_dev_adjust_nb_rx_tx_desc(self->port_id, &rx_slots, &tx_slots);

    if (err == 0)
        err = rte_eth_rx_queue_setup(self->port_id, 0, rx_slots, (unsigned)SOCKET_ID_ANY, &rx_conf, self->pool);
    if (err == 0)
        err = rte_eth_tx_queue_setup(self->port_id, 0, tx_slots, (unsigned)SOCKET_ID_ANY, &tx_conf);
    return err;
}

static int address_setup(struct dpdk_port *self, const struct nic_port_conf *conf)
{
    struct rte_ether_addr mac;
    int err = 0;

    if (self->pair != NULL)
        return 0; /* an end of rings has no address of its own: the configured or derived one stays */
    if (conf->mac_set) {
        memcpy(mac.addr_bytes, conf->mac, sizeof(mac.addr_bytes));
        err = rte_eth_dev_default_mac_addr_set(self->port_id, &mac);
        return err == -ENOTSUP ? 0 : err;
    }
    err = rte_eth_macaddr_get(self->port_id, &mac);
    if (err == 0 && !rte_is_zero_ether_addr(&mac))
        memcpy(self->base.info.mac, mac.addr_bytes, sizeof(self->base.info.mac));
    return err;
}

/** Configure, set up queues, start. Returns 0 or a negative errno. */
static int eth_start(struct dpdk_port *self, const struct nic_port_conf *conf, const struct rte_eth_dev_info *info,
                     const struct rte_eth_conf *eth_conf)
{
    int err = rte_eth_dev_configure(self->port_id, 1, 1, eth_conf);

    if (err == 0)
        err = queues_setup(self, conf, info);
    if (err == 0)
        err = rte_eth_dev_start(self->port_id);
    if (err != 0)
        return err;
    err = address_setup(self, conf);
    if (err != 0)
        (void)rte_eth_dev_stop(self->port_id);
    return err;
}

static int pools_and_start(struct dpdk_port *self, const struct nic_port_conf *conf,
                           const struct rte_eth_dev_info *info, const struct rte_eth_conf *eth_conf)
{
    uint32_t room = RTE_ALIGN(conf->mtu + NIC_L2_OVERHEAD, 1024u);
    int err;

    room = RTE_MAX(RTE_MAX(room, self->device.frame_bytes), info->min_rx_bufsize);
    err = drv_dpdk_pools_make(self, conf->buffers != 0 ? conf->buffers : DPDK_BUFFERS_DEFAULT, room,
                              (self->base.info.caps & NIC_CAP_EXTMEM) != 0);
    if (err != 0) {
        nic_conf_error(conf, NULL, "no memory for the port's buffers (key memory_mb)");
        return err;
    }
    err = eth_start(self, conf, info, eth_conf);
    if (err == 0)
        return 0;
    drv_dpdk_pools_free(self);
    return device_error(conf, "the device did not start", -err);
}

static int device_start(struct dpdk_port *self, const struct nic_port_conf *conf)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf *eth_conf;
    int err = rte_eth_dev_info_get(self->port_id, &info);

    if (err != 0)
        return device_error(conf, "no information", -err);
    if (info.max_mtu < conf->mtu)
        return nic_conf_error(conf, NULL, "mtu %u is more than the device's %u", (unsigned)conf->mtu,
                              (unsigned)info.max_mtu);
    eth_conf = calloc(1, sizeof(*eth_conf)); /* too large for the stack */
    if (eth_conf == NULL)
        return STK_ENOMEM;
    /* net_af_packet names 1518 bytes as its most, whatever its slots hold: there the interface's MTU counts. */
    if (self->device.iface[0] == '\0')
        eth_conf->rxmode.mtu = conf->mtu;
    negotiate(self, &info, conf->caps_off, eth_conf);
    err = pools_and_start(self, conf, &info, eth_conf);
    free(eth_conf);
    return err;
}

static int open_locked(struct dpdk_port *self, const struct nic_port_conf *conf, const struct dpdk_conf *keys)
{
    int err = drv_dpdk_os_check(conf, keys);

    if (err == 0)
        err = drv_dpdk_eal_start(conf, keys);
    if (err == 0)
        err = drv_dpdk_device_claim(conf, &self->device, &self->claim);
    if (err != 0)
        return err;
    err = device_attach(self, conf, keys);
    if (err != 0)
        goto release;
    err = drv_dpdk_device_attached(conf, &self->device);
    if (err == 0)
        err = device_start(self, conf);
    if (err != 0)
        goto detach;
    self->wait = drv_dpdk_device_started(&self->device);
    if ((conf->caps_off & NIC_CAP_WAIT_FD) != 0)
        self->wait = -1;
    if (self->wait >= 0)
        self->base.info.caps |= NIC_CAP_WAIT_FD;
    return 0;

detach:
    device_detach(self);
release:
    drv_dpdk_device_release(self->claim);
    return err;
}

static bool dpdk_link_poll(struct nic_port *port)
{
    struct dpdk_port *self = dpdk_of(port);
    struct rte_eth_link link = {0};
    bool running;

    if (drv_dpdk_device_running(&self->device, self->claim, self->wait, &running))
        return running;
    if (rte_eth_link_get_nowait(self->port_id, &link) != 0)
        return port->info.link_up;
    port->info.link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
    return link.link_status == RTE_ETH_LINK_UP;
}

static int dpdk_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    struct dpdk_conf keys;
    struct dpdk_port *self;
    int err = drv_dpdk_conf_parse(conf, &keys);

    if (err != 0)
        return err;
    self = calloc(1, sizeof(*self));
    if (self == NULL)
        return STK_ENOMEM;
    nic_port_base_init(&self->base, &drv_dpdk, conf);
    self->claim = -1;
    self->wait = -1;
    self->rx_edge = self;
    self->tx_edge = self;
    if (keys.device != NULL)
        err = drv_dpdk_device_parse(conf, &keys, &self->device);
    if (err == 0) {
        pthread_mutex_lock(&ports_lock);
        err = open_locked(self, conf, &keys);
        pthread_mutex_unlock(&ports_lock);
    }
    if (err != 0) {
        free(self);
        return err;
    }
    self->base.info.link_up = dpdk_link_poll(&self->base);
    *out = &self->base;
    return 0;
}

static void dpdk_close(struct nic_port *port)
{
    struct dpdk_port *self = dpdk_of(port);

    pthread_mutex_lock(&ports_lock);
    /* Stopping and closing frees what is queued for transmit: release callbacks run here. */
    (void)rte_eth_dev_stop(self->port_id);
    drv_dpdk_mem_end(self);
    device_detach(self);
    drv_dpdk_pools_free(self);
    drv_dpdk_device_release(self->claim);
    pthread_mutex_unlock(&ports_lock);
    free(self);
}

static void dpdk_tx_reclaim(struct nic_port *port)
{
    /* -ENOTSUP: such drivers free while they send. */
    (void)rte_eth_tx_done_cleanup(dpdk_of(port)->port_id, 0, 0);
}

static intptr_t dpdk_wait_handle(struct nic_port *port)
{
    return dpdk_of(port)->wait;
}

static uint64_t dpdk_next_event_ns(struct nic_port *port)
{
    (void)port;
    return STK_NEVER;
}

/** Write the list of joined addresses to the device, or open it for all of them where it takes no list. */
static int mcast_apply(struct dpdk_port *self)
{
    struct rte_ether_addr list[DPDK_MCAST_MAX];
    int err;

    for (uint32_t i = 0; i < self->mcast_count; i++)
        list[i] = self->mcast[i].mac;
    err = rte_eth_dev_set_mc_addr_list(self->port_id, list, self->mcast_count);
    if (err == 0)
        return 0;
    err = rte_eth_allmulticast_enable(self->port_id);
    /* Virtual devices that filter nothing have neither. */
    return err == 0 || err == -ENOTSUP ? 0 : STK_EIO;
}

static int dpdk_mcast(struct nic_port *port, const uint8_t mac[6], bool join)
{
    struct dpdk_port *self = dpdk_of(port);
    uint32_t at = 0;

    while (at < self->mcast_count && memcmp(self->mcast[at].mac.addr_bytes, mac, 6) != 0)
        at++;
    if (at == self->mcast_count) {
        if (!join)
            return STK_ENOENT;
        if (self->mcast_count == DPDK_MCAST_MAX)
            return STK_ENOMEM;
        memcpy(self->mcast[at].mac.addr_bytes, mac, 6);
        self->mcast[at].joins = 1;
        self->mcast_count++;
        return mcast_apply(self);
    }
    self->mcast[at].joins += join ? 1u : UINT32_MAX;
    if (self->mcast[at].joins != 0)
        return 0;
    self->mcast[at] = self->mcast[--self->mcast_count];
    return mcast_apply(self);
}

static void dpdk_stats_read(const struct nic_port *port, struct nic_port_stats *out)
{
    struct dpdk_port *self = (struct dpdk_port *)(uintptr_t)port;
    struct rte_eth_stats stats;
    uint64_t in_use = rte_mempool_in_use_count(self->pool);
    uint64_t high = __atomic_load_n(&self->high_water, __ATOMIC_RELAXED);

    if (self->ext_pool != NULL)
        in_use += rte_mempool_in_use_count(self->ext_pool);
    if (in_use > high) {
        high = in_use;
        __atomic_store_n(&self->high_water, high, __ATOMIC_RELAXED);
    }
    out->buf_in_use = in_use;
    out->buf_high_water = high;
    if (rte_eth_stats_get(self->port_id, &stats) != 0)
        return;
    out->rx_dropped += stats.imissed + stats.rx_nombuf;
    out->rx_errors += stats.ierrors;
    /* net_ring counts a full ring as an error too; that is tx_full here. */
    if (self->pair == NULL)
        out->tx_errors += stats.oerrors;
}

const struct nic_driver drv_dpdk = {
    .name = "dpdk",
    .conf_check = dpdk_conf_check,
    .open = dpdk_open,
    .close = dpdk_close,
    .rx_burst = drv_dpdk_rx_burst,
    .tx_burst = drv_dpdk_tx_burst,
    .buf_alloc = drv_dpdk_buf_alloc,
    .buf_attach_ext = drv_dpdk_buf_attach_ext,
    .buf_free = drv_dpdk_buf_free,
    .tx_reclaim = dpdk_tx_reclaim,
    .tx_stamps = nic_tx_stamps_none,
    .mem_register = drv_dpdk_mem_register,
    .mem_unregister = drv_dpdk_mem_unregister,
    .wait_handle = dpdk_wait_handle,
    .next_event_ns = dpdk_next_event_ns,
    .mcast = dpdk_mcast,
    .link_poll = dpdk_link_poll,
    .flush = nic_flush_nothing,
    .stats_read = dpdk_stats_read,
};

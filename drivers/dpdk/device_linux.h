/**
 * @file
 * Descriptors of this process, as Linux tells them.
 */
#ifndef DRV_DPDK_DEVICE_LINUX_H
#define DRV_DPDK_DEVICE_LINUX_H

#include <stdint.h>

struct dpdk_device;
struct nic_port_conf;

/** Descriptors that are open: a set to compare with later. */
struct dpdk_fd_set {
    uint32_t count;
    int fds[1024];
};

/** List the open descriptors of this process. */
void drv_dpdk_fds_list(struct dpdk_fd_set *out);

/** Mark every descriptor close-on-exec that is not in the set and is of a kind that EAL and its drivers make. */
void drv_dpdk_fds_cloexec(const struct dpdk_fd_set *before);

/* af_packet_linux.c */

/**
 * Take the packet socket of a net_af_packet device out of its fanout group.
 *
 * The driver puts even a single socket into a group that reassembles IPv4
 * fragments in the kernel (PACKET_FANOUT_FLAG_DEFRAG); the result fits no slot
 * and is cut. A socket cannot leave a group, so another one with the same
 * rings takes its descriptor and its mapping.
 *
 * @param fd  The driver's socket.
 * @return    0, or STK_EIO with conf->error filled; the device is then of no use.
 *
 * Context: between attaching the device and starting it.
 */
int drv_dpdk_packet_socket_ungroup(const struct nic_port_conf *conf, const struct dpdk_device *device, int fd);

#endif

/**
 * @file
 * The DPDK driver: any port that DPDK has, PCI devices and virtual ones.
 */
#ifndef DRV_DPDK_H
#define DRV_DPDK_H

#include "nic/nic.h"

extern const struct nic_driver drv_dpdk;

#endif

/**
 * @file
 * The pcap driver: a file in, a file out.
 */
#ifndef DRV_PCAP_H
#define DRV_PCAP_H

#include "nic/nic.h"

extern const struct nic_driver drv_pcap;

#endif

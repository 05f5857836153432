/**
 * @file
 * What recording asks of the platform beside its files (nic/capture.h).
 */
#ifndef NIC_FILE_PRIV_H
#define NIC_FILE_PRIV_H

#include <stdint.h>

/** Nanoseconds since 1970 in UTC, or 0: the system does not say. Context: any thread. */
uint64_t nic_wall_ns(void);

#endif

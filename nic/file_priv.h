/**
 * @file
 * What recording asks of the platform beside its files (nic/capture.h).
 */
#ifndef NIC_FILE_PRIV_H
#define NIC_FILE_PRIV_H

#include <stdint.h>
#include <stdio.h>

/** Nanoseconds since 1970 in UTC, or 0: the system does not say. Context: any thread. */
uint64_t nic_wall_ns(void);

/**
 * Create a file, or empty one that exists. No child process inherits it.
 *
 * @param reason  NIC_CAPTURE_REASON_SIZE bytes, filled on failure.
 * @return        The file, open for binary writing, or NULL.
 *
 * Context: open time.
 */
FILE *nic_file_create(const char *path, char *reason);

#endif

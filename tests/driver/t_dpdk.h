/**
 * @file
 * The part of the DPDK driver's test that belongs to the system.
 */
#ifndef T_DPDK_H
#define T_DPDK_H

#include "t_nic.h"

/**
 * Run it; EAL is not started before.
 *
 * @param what  Only that, and nothing else of the test; NULL: all.
 * @return      Cases that failed.
 */
int t_dpdk_system_run(const char *what);

#endif

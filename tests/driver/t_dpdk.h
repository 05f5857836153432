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
 * @param args  count words: only that, and nothing else of the test; none: all.
 * @return      Cases that failed.
 */
int t_dpdk_system_run(int count, char **args);

#endif

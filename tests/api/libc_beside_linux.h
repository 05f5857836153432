/*
 * libc's side of the test: none of Winsock's headers here.
 */
#ifndef LIBC_BESIDE_LINUX_H
#define LIBC_BESIDE_LINUX_H

#include <stdbool.h>

#define T_LIBC_ABSENT 77

int t_libc_stream_round_trip(void);
int t_libc_select_works(void);
bool t_libc_symbol_is_libcs(const char *name);
int t_libc_pcap_works(void);
int t_libc_dpdk_works(void);

#endif

/**
 * @file
 * The provider under test: linked into the program (t_provider_linked.c), or
 * the DLL as it is installed (t_provider_dll.c), which shows nothing but what
 * its one export gives.
 */
#ifndef T_PROVIDER_H
#define T_PROVIDER_H

#include <ws2spi.h>

/** WSPStartup. */
int t_provider_start(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                     LPWSPPROC_TABLE table);

/** Check how many overlapped requests are in use; of the DLL it cannot be seen. */
void t_requests_are(unsigned count);

/** Check how many sockets the provider has, closed ones with calls in them included; of the DLL it cannot be seen. */
void t_sockets_are(unsigned count);

#endif

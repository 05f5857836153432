/*
 * GetAdaptersAddresses, for Linux: the interfaces of the stack.
 */
#ifndef WL_IPHLPAPI_H
#define WL_IPHLPAPI_H

#include "winsock2.h"
#include "iptypes.h"
#include "netioapi.h"

WL_BEGIN_C

ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, PVOID reserved, PIP_ADAPTER_ADDRESSES addresses,
                                  PULONG bytes);

WL_END_C

#endif

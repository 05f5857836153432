/*
 * Names and numbers of interfaces, for Linux: those of the stack, not of the kernel. libc's own of the same names, and
 * <net/if.h>, belong in another translation unit.
 */
#ifndef WL_NETIOAPI_H
#define WL_NETIOAPI_H

#include "winsock2.h"

#define IF_NAMESIZE 256
#define NDIS_IF_MAX_STRING_SIZE 256

typedef ULONG NET_IFINDEX;

WL_BEGIN_C

NET_IFINDEX WINAPI if_nametoindex(PCSTR name) WL_SYM(if_nametoindex);
PCHAR WINAPI if_indextoname(NET_IFINDEX index, PCHAR name) WL_SYM(if_indextoname);

WL_END_C

#endif

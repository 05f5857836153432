/**
 * @file
 * The headers of the Winsock SDK that options and control codes come from, and
 * the constants that some of their versions lack (mingw-w64 10).
 *
 * Source: rules 5.2, 6.1, 6.3.
 */
#ifndef WSP_SDK_H
#define WSP_SDK_H

#include <ws2spi.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <mswsock.h>

#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif
#ifndef TCP_MAXSEG
#define TCP_MAXSEG 4
#endif
#ifndef TCP_KEEPCNT
#define TCP_KEEPCNT 16
#endif
#ifndef TCP_KEEPINTVL
#define TCP_KEEPINTVL 17
#endif
#ifndef SO_BSP_STATE
#define SO_BSP_STATE 0x1009
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif
#ifndef SIZEOF_SOCKET_ADDRESS_LIST
#define SIZEOF_SOCKET_ADDRESS_LIST(count) (offsetof(SOCKET_ADDRESS_LIST, Address) + (count) * sizeof(SOCKET_ADDRESS))
#endif

#endif

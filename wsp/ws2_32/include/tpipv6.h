/* Old programs include this for IPv6; all of it is in ws2tcpip.h. */
#ifndef WL_TPIPV6_H
#define WL_TPIPV6_H
#include "ws2tcpip.h"
#endif

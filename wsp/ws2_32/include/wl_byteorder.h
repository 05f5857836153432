/*
 * Byte order of 64-bit and floating values: functions that the SDK has in its headers only.
 */
#ifndef WL_BYTEORDER_H
#define WL_BYTEORDER_H

#include "wl_winsock_api.h"

#include <string.h>

WL_BEGIN_C

static inline UINT64 htonll(UINT64 host)
{
    const UINT64 high = htonl((u_long)(host >> 32)), low = htonl((u_long)(host & 0xffffffffu));
    return htonl(1) == 1 ? host : low << 32 | high;
}

static inline UINT64 ntohll(UINT64 net)
{
    return htonll(net);
}

static inline UINT32 htonf(float host)
{
    UINT32 bits;
    memcpy(&bits, &host, sizeof bits);
    return htonl(bits);
}

static inline float ntohf(UINT32 net)
{
    const UINT32 bits = ntohl(net);
    float host;
    memcpy(&host, &bits, sizeof host);
    return host;
}

static inline UINT64 htond(double host)
{
    UINT64 bits;
    memcpy(&bits, &host, sizeof bits);
    return htonll(bits);
}

static inline double ntohd(UINT64 net)
{
    const UINT64 bits = ntohll(net);
    double host;
    memcpy(&host, &bits, sizeof host);
    return host;
}

WL_END_C

#endif

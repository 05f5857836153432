/*
 * getaddrinfo's answer, for those that wait and for those that work in the background.
 */
#ifndef WS2_ADDRINFO_H
#define WS2_ADDRINFO_H

#include "ws2_lookup.h"

/* Not in every SDK. */
#ifndef AI_DNS_ONLY
#define AI_DNS_ONLY 0x00000010
#endif
#ifndef AI_BYPASS_DNS_CACHE
#define AI_BYPASS_DNS_CACHE 0x00000040
#endif

/* Windows only: not in every SDK. */
#ifdef _WIN32
INT WSAAPI GetAddrInfoExCancel(LPHANDLE handle);
INT WSAAPI GetAddrInfoExOverlappedResult(LPOVERLAPPED overlapped);
#endif

/* Who is asked. */
struct ws2_info_ask {
    DWORD name_space;
    const GUID *provider;
    int flags; /* AI_ */
    struct ws2_live *live;
};

int ws2_info_answer(const char *node, const char *service, const ADDRINFOA *hints, const struct ws2_info_ask *from,
                    PADDRINFOA *result);

#endif

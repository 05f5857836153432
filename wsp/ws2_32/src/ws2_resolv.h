/*
 * Where DNS is asked: a file of the form of resolv.conf. Source: rule NSPX-18.
 */
#ifndef WS2_RESOLV_H
#define WS2_RESOLV_H

#include <stdbool.h>
#include <stddef.h>

#define WS2_RESOLV_SERVERS 4
#define WS2_RESOLV_DOMAINS 6

struct ws2_resolv {
    unsigned servers;
    char server[WS2_RESOLV_SERVERS][64]; /* address, address:port or [address]:port */
    unsigned domains;
    char domain[WS2_RESOLV_DOMAINS][256];
    unsigned timeout_ms; /* of the first round; each further one waits twice as long */
    unsigned tries;
    unsigned ndots;
};

bool ws2_resolv_read(struct ws2_resolv *out);

#endif

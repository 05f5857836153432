/*
 * The hosts file, and names in general.
 */
#ifndef WS2_HOSTS_PRIV_H
#define WS2_HOSTS_PRIV_H

#include "ws2_priv.h"

#define WS2_HOST_NAMES 16
#define WS2_HOST_ADDRESSES 32

struct ws2_host_line {
    int family;
    uint8_t addr[16];
    unsigned names;
    const char *name[WS2_HOST_NAMES];
};

struct ws2_host_address {
    int family;
    uint8_t addr[16];
    ULONG scope_id;
};

/* Addresses of one name, in the order in which they are given to programs. */
struct ws2_host_result {
    unsigned count;
    struct ws2_host_address address[WS2_HOST_ADDRESSES];
    char canonical[256];
};

bool ws2_hosts_each(bool (*visit)(const struct ws2_host_line *line, void *context), void *context);
bool ws2_name_equal(const char *a, const char *b);
bool ws2_host_by_name(const char *name, int family, struct ws2_host_result *result);
bool ws2_host_by_address(int family, const uint8_t *addr, char name[256]);

#endif

/*
 * Names of hosts: the sources of the built-in namespace provider. Source: rules NSPX-16 to NSPX-18.
 */
#ifndef WS2_HOSTS_PRIV_H
#define WS2_HOSTS_PRIV_H

#include "ws2_priv.h"

#define WS2_HOST_NAMES 16
#define WS2_HOST_ADDRESSES 32
#define WS2_HOST_NAME_BYTES 256

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

/* What is known of one host, addresses in the order in which they are given to programs. Too large for the stack. */
struct ws2_host_result {
    unsigned count;
    struct ws2_host_address address[WS2_HOST_ADDRESSES];
    char canonical[WS2_HOST_NAME_BYTES];
    unsigned aliases;
    char alias[WS2_HOST_NAMES][WS2_HOST_NAME_BYTES];
    uint32_t ttl_seconds; /* of what DNS said */
};

/* A question, for names (name) or for the name of an address (family and addr). */
struct ws2_host_question {
    const char *name;
    int family; /* of the addresses wanted; AF_UNSPEC for both */
    uint8_t addr[16];
    bool fresh;    /* not from the cache */
    bool dns_only; /* no files */
    HANDLE cancel; /* an event that ends the question, or NULL */
};

/* ---- the hosts file (ws2_hosts.c) ---- */

bool ws2_hosts_each(bool (*visit)(const struct ws2_host_line *line, void *context), void *context);
bool ws2_name_equal(const char *a, const char *b);

/* ---- all sources (ws2_host.c) ---- */

struct ws2_host_result *ws2_host_result_new(void);
bool ws2_host_add(struct ws2_host_result *result, int family, const void *addr, ULONG scope_id);
void ws2_host_add_alias(struct ws2_host_result *result, const char *name);
void ws2_host_add_loopback(struct ws2_host_result *result, int family);
int ws2_host_by_name(const struct ws2_host_question *question, struct ws2_host_result *result);
int ws2_host_by_address(const struct ws2_host_question *question, struct ws2_host_result *result);
bool ws2_host_parse_numeric(const char *text, struct ws2_host_result *result);
bool ws2_host_is_own(const char *name);
bool ws2_host_has_address(int family);

/* ---- DNS (ws2_dns.c over ws2_resolver_*.c) ---- */

int ws2_dns_by_name(const struct ws2_host_question *question, struct ws2_host_result *result);
int ws2_dns_by_address(const struct ws2_host_question *question, struct ws2_host_result *result);
void ws2_dns_flush(void);

/**
 * Ask the servers of DNS for the addresses of a name, or for the name of an address.
 *
 * @return  0; WSAHOST_NOT_FOUND (no such name, or no server is configured), WSANO_DATA (nothing of that type),
 *          WSATRY_AGAIN (no answer, a server's failure), WSANO_RECOVERY (refused, malformed), WSA_E_CANCELLED,
 *          WSA_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; waits for the servers. Uses sockets of this DLL. Source: rule NSPX-18.
 */
int ws2_resolver_by_name(const struct ws2_host_question *question, struct ws2_host_result *result);
int ws2_resolver_by_address(const struct ws2_host_question *question, struct ws2_host_result *result);

/* ---- the order of addresses (ws2_order.c) ---- */

void ws2_order_addresses(struct ws2_host_address *list, unsigned count);

#endif

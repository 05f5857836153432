/*
 * Between c-ares, whose headers are libc's, and our sockets, whose headers are Winsock's: no file can include both.
 * ws2_cares_linux.c has the one side, ws2_resolver_linux.c the other.
 */
#ifndef WS2_CARES_PRIV_H
#define WS2_CARES_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ws2_resolv.h"

struct ws2_cares;

enum ws2_cares_status {
    WS2_CARES_PENDING,
    WS2_CARES_OK,
    WS2_CARES_NO_DATA,
    WS2_CARES_NOT_FOUND,
    WS2_CARES_REFUSED,
    WS2_CARES_CANCELLED,
    WS2_CARES_NO_MEMORY,
    WS2_CARES_TRY_AGAIN,
};

struct ws2_cares_address {
    bool six;
    uint16_t port_be;
    uint8_t addr[16];
};

/* ---- c-ares's side ---- */

bool ws2_cares_library(void);
struct ws2_cares *ws2_cares_open(const struct ws2_resolv *resolv, void *user);
void ws2_cares_close(struct ws2_cares *cares);
void ws2_cares_ask_name(struct ws2_cares *cares, const char *name, bool four, bool six);
void ws2_cares_ask_address(struct ws2_cares *cares, bool six, const uint8_t *addr);
unsigned ws2_cares_wait_ms(struct ws2_cares *cares);
enum ws2_cares_status ws2_cares_process(struct ws2_cares *cares);
enum ws2_cares_status ws2_cares_status(const struct ws2_cares *cares);
void ws2_cares_cancel(struct ws2_cares *cares);

/* ---- our sockets' side: descriptors and errno, as c-ares knows them; -1 for a failure ---- */

int ws2_wire_open(void *user, bool six, bool stream);
int ws2_wire_close(int s);
int ws2_wire_connect(void *user, int s, const struct ws2_cares_address *to);
long ws2_wire_receive(void *user, int s, void *buffer, size_t bytes, struct ws2_cares_address *from);
long ws2_wire_send(int s, const void *buffer, size_t bytes);

/* What was found. */
void ws2_wire_address(void *user, bool six, const void *addr, uint32_t ttl_seconds);
void ws2_wire_alias(void *user, const char *name, uint32_t ttl_seconds);
void ws2_wire_canonical(void *user, const char *name);

#endif

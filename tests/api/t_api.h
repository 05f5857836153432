/*
 * What the API tests share.
 */
#ifndef T_API_H
#define T_API_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

#include <winsock2.h>
#include <ws2tcpip.h>
#include <ws2spi.h>
#include <mswsock.h>

#include "fake_provider.h"

#define T_API_PATH_BYTES 512

/* Group set-up: the DLL finds the fake provider in its catalogue, or, without a catalogue, Winlane. */
int t_api_use_fake(void **state);
int t_api_use_winlane(void **state);

/* NULL: no such variable. */
void t_api_environment(const char *name, const char *value);

/* An empty file of its own, made now; the caller removes it. */
void t_api_temporary_file(char path[T_API_PATH_BYTES]);

/* Run this program with an argument; its exit code, or -1 if it did not end by itself in that time. */
int t_api_run_self(const char *argument, unsigned timeout_ms);

/* Sockets are handles of the kernel. */
extern const bool t_api_kernel_handles;

void *t_api_fake_symbol(const char *name);

/* Of a library that is loaded. */
void *t_api_symbol_of(const char *library, const char *name);

/* WSAStartup 2.2 and WSACleanup around each test. */
int t_api_start(void **state);
int t_api_stop(void **state);

struct fake_counters *t_api_counters(void);
const WSPUPCALLTABLE *t_api_upcalls(void);

/* A connected pair; returns the two ends. */
void t_api_pair(SOCKET ends[2]);
SOCKET t_api_listener(u_short *port_be);
SOCKADDR_IN t_api_loopback(u_short port_be);

#define assert_fails(call, code)                     \
    do {                                             \
        WSASetLastError(12345);                      \
        assert_int_equal((call), SOCKET_ERROR);      \
        assert_int_equal(WSAGetLastError(), (code)); \
    } while (0)
#define assert_no_socket(call, code)                 \
    do {                                             \
        WSASetLastError(12345);                      \
        assert_true((call) == INVALID_SOCKET);       \
        assert_int_equal(WSAGetLastError(), (code)); \
    } while (0)

#endif

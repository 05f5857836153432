/**
 * @file
 * A host for the provider that plays ws2_32: handles, events, asynchronous
 * procedure calls, messages, blocking hooks, and short forms of the slots that
 * tests call most.
 */
#ifndef T_HOST_H
#define T_HOST_H

#include "t_os.h"
#include "t_provider.h"

#include "wsp_sdk.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/** The provider's table after t_host_start. */
extern WSPPROC_TABLE t_spi;

/** lpErrno of the last short form. */
extern _Thread_local INT t_err;

/** WSPStartup with a configuration of two wire ports; setup function of a group. */
int t_host_start(void **state);

/** WSPCleanup; fails if a handle, a request or a socket is left. */
int t_host_stop(void **state);

/** The upcall table of this host. */
WSPUPCALLTABLE t_host_upcalls(void);

/** The catalogue entry of a kind; 0 terminated protocols are TCP, UDP and RAW by type. */
LPWSAPROTOCOL_INFOW t_info(int af, int type);

/** Socket handles open now. */
unsigned t_handles_count(void);

/** Overlapped requests that were completed by the upcall that is found by name. */
unsigned t_completions(void);

/** Let completions take so long before their handle is looked at. 0: not at all. */
void t_completion_nap(unsigned ms);

/** How many have begun to take so long. */
unsigned t_completion_naps(void);

/** Let the next handle creation fail. */
void t_handle_fail_next(INT code);

/** Let the next handle have this number, if it is free. */
void t_handle_next(SOCKET s);

/** The catalogue entry that the last handle was asked for with. */
DWORD t_handle_entry(void);

/* --- Messages, hook ----------------------------------------------------------- */
struct t_message {
    HWND window;
    UINT message;
    WPARAM wparam;
    LPARAM lparam;
};
/** Take the oldest message within a time; false: none came. */
bool t_message_take(struct t_message *out, unsigned timeout_ms);
/** Let the next posts fail. */
void t_message_fail(unsigned times);
/** The calling process's blocking hook; NULL: none. */
void t_hook_set(LPBLOCKINGCALLBACK hook, DWORD_PTR context);
/** How often the provider asked for the hook. */
unsigned t_hook_asked(void);

/* --- Short forms: overlapped and name arguments are NULL ------------------- */
SOCKET t_socket(int af, int type);
SOCKET t_socket_flags(int af, int type, DWORD flags);
void t_close(SOCKET s);
int t_send(SOCKET s, const void *data, size_t len);
int t_recv(SOCKET s, void *data, size_t len);
int t_recv_flags(SOCKET s, void *data, size_t len, DWORD *flags);
int t_sendto(SOCKET s, const void *data, size_t len, const void *to);
int t_recvfrom(SOCKET s, void *data, size_t len, SOCKADDR_STORAGE *from);
int t_nonblocking(SOCKET s, bool on);
int t_option_set(SOCKET s, int level, int name, int value);
int t_option_get(SOCKET s, int level, int name);

/** Loopback address of a family with a port; static per thread, eight at a time. */
struct sockaddr *t_addr(int af, uint16_t port);
int t_addr_size(int af);
/** The local port of a bound socket. */
uint16_t t_port(SOCKET s);
/** Bound to loopback, port 0. */
SOCKET t_bound(int af, int type);
SOCKET t_listener(int af);

/** Two connected streams. */
struct t_pair {
    SOCKET a;
    SOCKET b;
};
struct t_pair t_pair_make(int af, DWORD flags);
void t_pair_close(struct t_pair *pair);

/** A text where the interface wants writable bytes that nobody writes. */
#define t_bytes(text) ((CHAR *)(uintptr_t)(text))

/** Check a failure: the return value is SOCKET_ERROR and the code as expected. */
#define t_fails(call, code)                     \
    do {                                        \
        t_err = 0;                              \
        assert_int_equal((call), SOCKET_ERROR); \
        assert_int_equal(t_err, (code));        \
    } while (0)

#endif

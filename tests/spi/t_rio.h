/**
 * @file
 * Registered I/O of the provider under test: its functions, a region of
 * registered memory, short forms.
 */
#ifndef T_RIO_H
#define T_RIO_H

#include "t_host.h"

/** The functions, after t_rio_start. */
extern RIO_EXTENSION_FUNCTION_TABLE t_rio;

/** RIO_CMSG_BASE_SIZE, whose macros make signed numbers of some compilers' sizes. */
#define T_RIO_BASE ((ULONG)sizeof(void *))

#define T_RIO_REGION 65536u

/** T_RIO_REGION bytes, zero at the start of every test, and their id. */
extern char *t_rio_region;
extern RIO_BUFFERID t_rio_id;

/** Get the functions. */
void t_rio_functions(void);

/** t_host_start, the functions, the region; setup and teardown of a group. */
int t_rio_start(void **state);
int t_rio_stop(void **state);
/** Setup of a test: the region is zero. */
int t_rio_fresh(void **state);

/** The ioctl that gives the functions. @return  Its result; t_err is the code. */
int t_rio_table(SOCKET s, const void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *returned);

/** A slice of the region. */
RIO_BUF t_rio_slice(ULONG offset, ULONG length);

SOCKET t_rio_socket(int af, int type);
/** The same, bound to loopback. */
SOCKET t_rio_bound(int af);
/** A polled completion queue, an attached request queue with one for both directions; they have to succeed. */
RIO_CQ t_rio_cq(DWORD size);
RIO_RQ t_rio_rq(SOCKET s, ULONG receives, ULONG sends, RIO_CQ queue, uintptr_t context);

/** Dequeue exactly count completions within five seconds, one or more at a time. */
void t_rio_take(RIO_CQ queue, RIORESULT *results, ULONG count);
/** Dequeue one and check it. */
void t_rio_expect(RIO_CQ queue, uintptr_t context, LONG status, ULONG bytes);
/** Nothing comes. */
void t_rio_quiet(RIO_CQ queue);

/** Fill a slice with a datagram's destination. */
RIO_BUF t_rio_name(ULONG offset, const struct sockaddr *name);

/** A call that returns FALSE, 0, ... with a last error. */
#define t_rio_fails(call, code)                   \
    do {                                          \
        assert_false(call);                       \
        assert_int_equal(t_last_error(), (code)); \
    } while (0)

#endif

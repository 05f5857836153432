/**
 * @file
 * Registered I/O: what the rest of the provider knows of it. The functions
 * themselves are reached through SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER.
 *
 * Source: rules RIOX-1 to RIOX-147.
 */
#ifndef WSP_RIO_H
#define WSP_RIO_H

#include "wsp_ioctl_priv.h"

/**
 * SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER: the table of functions.
 *
 * @return  0; WSAEFAULT: too little room, nothing is written; WSAEINVAL: another identifier or not of 16 bytes.
 */
int wsp_rio_table_get(struct wsp_socket *sock, struct wsp_ioctl_call *call);

/** A socket ends: nobody posts to its request queue any more. Context: any thread that holds no lock; before its stk closes. */
void wsp_rio_end(struct wsp_socket *sock);

struct stk_rio_rq;

/**
 * A socket is about to get another one of the stack: nobody posts to its request queue until wsp_rio_move_end.
 *
 * @return  What its request queue is of the old one; NULL: it has none.
 *
 * Context: any thread that holds no lock.
 */
struct stk_rio_rq *wsp_rio_move_begin(struct wsp_socket *sock);

/** @param stays  NULL: the socket has got the new one; else it has not, and this is from wsp_rio_move_begin. */
void wsp_rio_move_end(struct wsp_socket *sock, struct stk_rio_rq *stays);

/** Does it have a request queue? Context: any thread. */
static inline bool wsp_rio_has_queue(const struct wsp_socket *sock)
{
    return atomic_load_explicit(&sock->rio, memory_order_acquire) != 0;
}

/** Tell the owner of a completion queue, whose cookie this is, of what it asked. Context: the dispatcher; no lock held. */
void wsp_rio_fire(uint64_t cookie);

/** End all queues and registrations. Context: the last cleanup; the sockets have ended. */
void wsp_rio_forget(void);

#endif

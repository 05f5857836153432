/**
 * @file
 * Changes of the host's addresses and routes: who waits for one, and how it is told. A wait begins with a mark of how
 * things are; it ends when they differ from the mark, so that no change between two calls is lost to one that began before it.
 *
 * Source: rules 5.7 (SIO_ADDRESS_LIST_CHANGE, SIO_ROUTING_INTERFACE_CHANGE), WSPIOCTL-6, EVT-23, EVT-24.
 */
#ifndef WSP_NOTICE_H
#define WSP_NOTICE_H

#include "wsp_overlapped.h"

/**
 * How things are now.
 *
 * @param kind    Addresses of the family, or everything that routes depend on.
 * @param family  AF_INET or AF_INET6.
 * @return        A number that differs after a change (a hash).
 *
 * Context: any thread; allocates.
 */
uint32_t wsp_notice_mark(enum wsp_notice kind, int family);

/**
 * Wait for a change, as the socket and the call's form want it.
 *
 * @param call  Overlapped: the request is queued, else without overlapped structure.
 * @return      0: there was one (not overlapped); WSA_IO_PENDING; WSAEWOULDBLOCK: the network event follows;
 *              WSAEINTR, WSAENOBUFS, WSAENETDOWN.
 *
 * Context: an application thread with a reference and no lock. Blocks where the socket does.
 */
int wsp_notice_wait(const struct wsp_call *call, enum wsp_notice kind, bool overlapped);

/** Is a request of this kind and mark due? Context: any thread. */
bool wsp_notice_due(const struct wsp_socket *sock, enum wsp_notice kind, uint32_t mark);

/** What a due request of this kind completes with: 0, or WSA_OPERATION_ABORTED where there is nothing to wait for any more. */
int wsp_notice_code(const struct wsp_socket *sock, enum wsp_notice kind);

/**
 * Wait until the ideal send backlog of a connection is another: SIO_IDEAL_SEND_BACKLOG_CHANGE. One call a socket waits.
 *
 * @return  0; WSA_IO_PENDING; WSAENOTCONN; WSAEINTR or (overlapped) WSA_OPERATION_ABORTED: sending has ended, or another
 *          call waits already; WSAENOBUFS, WSAENETDOWN.
 *
 * Context: as wsp_notice_wait, and blocks also where the socket does not. Source: rules 5.7, BUF-7.
 */
int wsp_notice_backlog(const struct wsp_call *call, bool overlapped);

/** Has a nonblocking call of this kind asked for the network event, and did the change come? It is then asked no more.
 *  Context: the socket's lock is held. */
bool wsp_notice_event(struct wsp_socket *sock, enum wsp_notice kind);

/** End what is due on a socket. Context: no lock held. */
void wsp_notice_look(struct wsp_socket *sock);

/** Interfaces have changed: tell every thread that waits here. Context: the dispatcher, no lock held. */
void wsp_notices_wake(void);

#endif

/**
 * @file
 * ConnectEx and SO_UPDATE_CONNECT_CONTEXT.
 *
 * Source: rules CEX-1 to CEX-16, section B of the older editions' list.
 */
#ifndef WSP_CONNECTEX_H
#define WSP_CONNECTEX_H

#include "wsp_overlapped.h"

/**
 * ConnectEx.
 *
 * @param s           A bound stream socket.
 * @param buffer      Sent once it is connected; NULL: nothing. The program's until the completion.
 * @param sent        Not written: the completion has the count.
 * @return            FALSE with the thread's last error: WSA_IO_PENDING, or without any indication WSAENOTSOCK,
 *                    ERROR_INVALID_PARAMETER (no structure), WSAEINVAL (not bound, listening, a datagram socket),
 *                    WSAEISCONN, WSAEALREADY, WSAEFAULT, WSAEAFNOSUPPORT, WSAEADDRNOTAVAIL, WSAEADDRINUSE, WSAENOBUFS.
 *
 * Context: any thread. Does not block on the network.
 */
BOOL WSPAPI wsp_connect_ex(SOCKET s, const struct sockaddr *name, int namelen, PVOID buffer, DWORD bytes, LPDWORD sent,
                           LPOVERLAPPED overlapped);

/** Look whether a connection is made or has failed. @return  true: the request goes on. Context: the socket's lock is held. */
bool wsp_connectex_step(struct wsp_socket *sock, struct wsp_request *request);

/** A request that was cancelled takes its handshake with it. Context: no lock held. */
void wsp_connectex_settle(struct wsp_request *request);

/** A fresh stack socket of a socket's kind, with its context. @return  0 or a WSAE* code. Context: any thread with a reference. */
int wsp_connectex_fresh(struct wsp_socket *sock, struct stk_sock **out);

/** Bind a renewed socket where it was; to another port, should a call stay in the old one. @param mode, own  As for
 *  wsp_socket_renew. Context: as above. */
void wsp_connectex_bind(struct wsp_socket *sock, const struct stk_addr *local, enum stk_close_mode mode, uint32_t own);

/** SO_UPDATE_CONNECT_CONTEXT. @return  0, or WSAENOTCONN. Context: any thread. */
int wsp_connectex_update(struct wsp_socket *sock);

#endif

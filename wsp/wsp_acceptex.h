/**
 * @file
 * AcceptEx, GetAcceptExSockaddrs and SO_UPDATE_ACCEPT_CONTEXT.
 *
 * A request waits on its listener; the connection it takes is its own until it completes. Only then the accepting socket, which
 * is as fresh as before till then, goes on with it.
 *
 * Source: rules AEX-1 to AEX-28, A.21.2 to A.21.6.
 */
#ifndef WSP_ACCEPTEX_H
#define WSP_ACCEPTEX_H

#include "wsp_overlapped.h"

/**
 * AcceptEx.
 *
 * @param accepting  A stream socket that is neither bound nor connected.
 * @param buffer     data, local and remote bytes one behind the other; the program's until the completion.
 * @param data       Room for first data; 0: complete with the connection.
 * @param received   Not written: the completion has the count.
 * @return           FALSE with the thread's last error: WSA_IO_PENDING, or without any indication WSAENOTSOCK,
 *                   ERROR_INVALID_PARAMETER (no structure), WSAEINVAL (the listener does not listen, the accepting socket is not
 *                   fresh or of another kind), WSAEFAULT (no buffer, no room for the remote address), WSAENOBUFS.
 *
 * Context: any thread. Does not block.
 */
BOOL WSPAPI wsp_accept_ex(SOCKET s, SOCKET accepting, PVOID buffer, DWORD data, DWORD local, DWORD remote,
                          LPDWORD received, LPOVERLAPPED overlapped);

/** GetAcceptExSockaddrs: pointers into the buffer, NULL and 0 where an address is not there. Context: any thread. */
void WSPAPI wsp_get_accept_ex_sockaddrs(PVOID buffer, DWORD data, DWORD local, DWORD remote,
                                        struct sockaddr **localaddr, LPINT locallen, struct sockaddr **remoteaddr,
                                        LPINT remotelen);

/**
 * Take a connection, then its first data.
 *
 * @param dry  No connection waited for a request that was posted before: this one takes none. Set when that is found.
 * @return     true: the request is through.
 *
 * Context: the listener's lock is held.
 */
bool wsp_acceptex_step(struct wsp_socket *listener, struct wsp_request *request, bool *dry);

/** Give the connection to the accepting socket, or give it up. May be called again. Context: no lock held. */
void wsp_acceptex_settle(struct wsp_request *request);

/** Requests take connections before accept does. @return  true: one still waits for a connection. Context: no lock held. */
bool wsp_acceptex_first(struct wsp_socket *listener);

/** Something happened to a socket, or it is being closed: let the request look that will give it its connection. Context: a
 *  thread with a reference and no lock. */
void wsp_acceptex_follow(struct wsp_socket *sock);

/** SO_UPDATE_ACCEPT_CONTEXT. @return  0; WSAENOTSOCK; WSAEINVAL: not the listener of the connection; WSAENOTCONN. */
int wsp_acceptex_update(struct wsp_socket *sock, SOCKET listener);

#endif

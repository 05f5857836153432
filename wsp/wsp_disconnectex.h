/**
 * @file
 * DisconnectEx: end a connection in order, and perhaps begin anew with the same handle.
 *
 * Source: rules DEX-1 to DEX-15, E31.
 */
#ifndef WSP_DISCONNECTEX_H
#define WSP_DISCONNECTEX_H

#include "wsp_overlapped.h"

/**
 * DisconnectEx. Sends that are queued go first, then the FIN; complete when it is acknowledged and the peer's came.
 *
 * @param overlapped  NULL: the call blocks, whatever the socket's mode.
 * @param flags       TF_REUSE_SOCKET: the handle is then as before it was connected (AcceptEx: unbound, else bound).
 * @param reserved    0.
 * @return            TRUE, or FALSE with the thread's last error: WSA_IO_PENDING, or without any indication WSAENOTSOCK,
 *                    WSAEINVAL (flags, reserved), WSAENOTCONN, WSAENOBUFS; blocking also WSAEINTR, WSAENETDOWN.
 *
 * Context: any thread.
 */
BOOL WSPAPI wsp_disconnect_ex(SOCKET s, LPOVERLAPPED overlapped, DWORD flags, DWORD reserved);

/** Look how far a disconnection is. @return  true: it is through. Context: the socket's lock is held. */
bool wsp_disconnectex_step(struct wsp_socket *sock, struct wsp_request *request);

/** Let the socket begin anew, if that was asked for. May be called again. Context: no lock held. */
void wsp_disconnectex_settle(struct wsp_request *request);

/**
 * Let a socket begin anew behind its handle, as unconnected.
 *
 * @param fresh  What it goes on with; given away.
 * @param own    References that are the caller's.
 * @return       0 or WSAENOBUFS.
 *
 * Context: no lock held.
 */
int wsp_disconnectex_renew(struct wsp_socket *sock, struct stk_sock *fresh, uint32_t own);

#endif

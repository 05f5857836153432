/**
 * @file
 * From a socket's making to its end: slots 1, 4, 7, 8, 13, 14, 19, 21, 25, 28, 29.
 *
 * Source: rules WSPSOCKET, WSPBIND, WSPLISTEN, WSPACCEPT, WSPCONNECT, WSPSHUTDOWN, WSPCLOSESOCKET, CON, CLS, BND.
 */
#ifndef WSP_CONNECT_H
#define WSP_CONNECT_H

#include "wsp_socket.h"

/**
 * The code of a failed connect, taken from the stack once and kept for SO_ERROR.
 *
 * Context: any thread with a reference.
 */
int wsp_connect_take_error(struct wsp_socket *sock);

/** Give a connection those options of its listener that the provider keeps. Context: any thread with both references. */
void wsp_accept_options(struct wsp_socket *sock, struct wsp_socket *listener);

SOCKET WSPAPI wsp_accept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC lpfnCondition,
                         DWORD_PTR dwCallbackData, LPINT lpErrno);
int WSPAPI wsp_bind(SOCKET s, const struct sockaddr *name, int namelen, LPINT lpErrno);
int WSPAPI wsp_close_socket(SOCKET s, LPINT lpErrno);
int WSPAPI wsp_connect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF lpCallerData, LPWSABUF lpCalleeData,
                       LPQOS lpSQOS, LPQOS lpGQOS, LPINT lpErrno);
int WSPAPI wsp_get_peer_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);
int WSPAPI wsp_get_sock_name(SOCKET s, struct sockaddr *name, LPINT namelen, LPINT lpErrno);
int WSPAPI wsp_listen(SOCKET s, int backlog, LPINT lpErrno);
int WSPAPI wsp_recv_disconnect(SOCKET s, LPWSABUF lpInboundDisconnectData, LPINT lpErrno);
int WSPAPI wsp_send_disconnect(SOCKET s, LPWSABUF lpOutboundDisconnectData, LPINT lpErrno);
int WSPAPI wsp_shutdown(SOCKET s, int how, LPINT lpErrno);
SOCKET WSPAPI wsp_socket(int af, int type, int protocol, LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags,
                         LPINT lpErrno);

#endif

/**
 * @file
 * Control messages of datagrams: what came with one, and what one is sent with.
 *
 * Source: rules MSG-3 to MSG-6, MSG-9, MSG-20 to MSG-23, USO-8, USO-14, TSTAMP-4, TSTAMP-6; RFC 3542 20.
 */
#ifndef WSP_CMSG_H
#define WSP_CMSG_H

#include "wsp_socket.h"

/**
 * Write what the socket's options ask for about a datagram.
 *
 * @param info     Of the datagram.
 * @param control  Filled with whole messages; len becomes their bytes.
 * @return         false: not all had room (MSG_CTRUNC).
 *
 * Context: any thread. Does not allocate.
 */
bool wsp_cmsg_write(const struct wsp_socket *sock, const struct stk_msg_info *info, WSABUF *control);

/**
 * Bytes that everything takes which may be told of datagrams that were merged.
 *
 * Context: any thread. Source: rules USO-15, USO-16.
 */
size_t wsp_cmsg_space(const struct wsp_socket *sock);

/**
 * Read what a datagram shall be sent with.
 *
 * @param control  The application's; len 0: nothing.
 * @param out      Filled on success.
 * @param any      Whether there is anything.
 * @return         0; WSAEFAULT: no buffer; WSAEINVAL: a length that does not fit, or a message that is not known here.
 *
 * Context: any thread. Does not allocate.
 */
int wsp_cmsg_read(const struct wsp_socket *sock, const WSABUF *control, struct stk_send_info *out, bool *any);

#endif

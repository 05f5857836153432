/**
 * @file
 * WSARecvMsg and WSASendMsg: datagrams with control messages, by pointer.
 *
 * Source: rules MSG-1 to MSG-25, USO, TSTAMP, X29.
 */
#ifndef WSP_MESSAGE_H
#define WSP_MESSAGE_H

#include "wsp_io.h"

/**
 * Tell a program's WSAMSG of the datagram that its buffers took: name, control messages, flags.
 *
 * @return  0, or WSAEMSGSIZE: the datagram was larger (MSG-8).
 *
 * Context: any thread.
 */
int wsp_message_received(const struct wsp_socket *sock, LPWSAMSG message, const struct stk_msg_info *info);

/**
 * Has a program's WSAMSG room to tell of datagrams that were merged? Where it has not, none are (USO-15, USO-16).
 *
 * Context: any thread.
 */
bool wsp_message_tells_merge(const struct wsp_socket *sock, const WSAMSG *message);

/**
 * WSARecvMsg.
 *
 * @param message     Name, buffers, control and flags (0, or MSG_PEEK where the call is not overlapped); filled. Overlapped:
 *                    the program's until the completion.
 * @param received    Bytes; may be NULL where the call is overlapped.
 * @return            0, or SOCKET_ERROR with the thread's last error: WSAENOTSOCK, WSAEFAULT, WSAEOPNOTSUPP (a stream,
 *                    flags), WSAEINVAL (not bound), and those of WSPRecvFrom.
 *
 * Context: any thread; blocks as WSPRecvFrom.
 */
int WSPAPI wsp_recv_msg(SOCKET s, LPWSAMSG message, LPDWORD received, LPWSAOVERLAPPED overlapped,
                        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

/**
 * WSASendMsg.
 *
 * @param message  Name (NULL: the peer), buffers, control messages to send with. Read before the call returns.
 * @param flags    Those of WSPSendTo.
 * @return         0, or SOCKET_ERROR with the thread's last error: WSAENOTSOCK, WSAEFAULT, WSAEOPNOTSUPP (a stream, flags),
 *                 WSAEINVAL (control messages, flags of results), WSAEADDRNOTAVAIL (a source that is not this host's), and
 *                 those of WSPSendTo.
 *
 * Context: any thread; blocks as WSPSendTo.
 */
int WSPAPI wsp_send_msg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

#endif

/**
 * @file
 * TransmitFile and TransmitPackets.
 *
 * Both are one list of pieces, memory and parts of files. A request with such a list stands in its socket's queue of sends like
 * any other: nothing of another send comes between its bytes. What a file holds goes from a window into it, 1 MiB at a time,
 * to the transmit FIFO of the connection: one copy, no memory of ours between, whatever the file's size. Datagrams are put
 * together in memory first: two copies.
 *
 * A request is complete when the peer's acknowledgement covers it, with TF_WRITE_BEHIND and for datagrams when the last byte was
 * taken; with TF_DISCONNECT when the FIN is acknowledged; with TF_REUSE_SOCKET too when the connection has ended on both sides and
 * the handle began anew, as after DisconnectEx.
 *
 * Source: rules TF-1 to TF-21, TP-1 to TP-10, A.21.7.
 */
#ifndef WSP_TRANSMIT_H
#define WSP_TRANSMIT_H

#include "wsp_overlapped.h"

#include <mswsock.h>

struct wsp_transmit;

/**
 * TransmitFile.
 *
 * @param file        NULL: only head and tail.
 * @param bytes       Of the file, at most 2^31 - 2; 0: to its end. What is beyond the end is not sent and no error.
 * @param per_send    A hint; not looked at.
 * @param overlapped  Offset and OffsetHigh say where in the file to begin, whose position does not matter and stays. NULL: from the
 *                    position on, which follows; the call waits, whatever the socket's mode.
 * @param buffers     Head and tail, or NULL; the program's until the completion, as the handle of the file is.
 * @param flags       TF_*. Those that name a thread to work with are hints.
 * @return            TRUE, or FALSE with the thread's last error: WSA_IO_PENDING, or without any indication WSAENOTSOCK, WSAENOTCONN
 *                    (datagram sockets too), WSAEINVAL (bytes, flags), WSAEFAULT (head or tail NULL), ERROR_INVALID_HANDLE,
 *                    ERROR_ACCESS_DENIED, WSAENOBUFS, or how the connection ended.
 *
 * Context: any thread.
 */
BOOL WSPAPI wsp_transmit_file(SOCKET s, HANDLE file, DWORD bytes, DWORD per_send, LPOVERLAPPED overlapped,
                              LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags);

/**
 * TransmitPackets.
 *
 * @param elements    The program's until the completion, with all that they name. A file's offset of -1: its position, which
 *                    follows.
 * @param size        Datagrams: bytes of each; 0: 1472 at most (IPv6: 1452); UINT32_MAX: as long as the pieces make them. A piece with
 *                    TP_ELEMENT_EOP ends one in every case. Streams: a hint.
 * @param overlapped  Its offset is not looked at. NULL: the call waits.
 * @param flags       TP_*, as TF_*; those that end a connection are for streams.
 * @return            As wsp_transmit_file; WSAENOTCONN also for a datagram socket without a peer, WSAEMSGSIZE: a datagram is too long.
 *
 * Context: any thread.
 */
BOOL WSPAPI wsp_transmit_packets(SOCKET s, LPTRANSMIT_PACKETS_ELEMENT elements, DWORD count, DWORD size,
                                 LPOVERLAPPED overlapped, DWORD flags);

/** Go on with a request. @return  true: finished, with its code. @param waited  It was on the queue. Context: the socket's lock. */
bool wsp_transmit_step(struct wsp_socket *sock, struct wsp_request *request, bool waited);

/** What a request that is not finished waits for. Context: the socket's lock is held. */
uint32_t wsp_transmit_bits(const struct wsp_socket *sock, const struct wsp_request *request);

/** The request has ended: let files go, and the socket begin anew if that was asked for. May be called again. Context: no lock. */
void wsp_transmit_settle(struct wsp_request *request);

#endif

/**
 * @file
 * Send and receive: the four data slots, and one attempt of an operation as
 * the overlapped requests share it.
 *
 * Source: rules WSPSEND, WSPRECV, WSPSENDTO, WSPRECVFROM, SG.
 */
#ifndef WSP_IO_H
#define WSP_IO_H

#include "wsp_overlapped.h"

/** What one receive of a datagram told. */
struct wsp_io_from {
    struct stk_msg_info info;
    bool single; /**< set before: one datagram, whatever the socket merges */
};

/**
 * One attempt to send.
 *
 * @param flags  MSG_OOB: streams, the last byte is urgent.
 * @param to     NULL: the peer. Streams ignore it.
 * @param wish   NULL: nothing of its own; datagrams only.
 * @return    Bytes, or a negative enum stk_err.
 *
 * Context: any thread. Does not block.
 */
int64_t wsp_io_send_once(struct wsp_socket *sock, const struct stk_iov *iov, size_t count, DWORD flags,
                         const struct stk_addr *to, const struct stk_send_info *wish);

/** One attempt to receive. @param from  Filled for datagrams. Returns as wsp_io_send_once. */
int64_t wsp_io_recv_once(struct wsp_socket *sock, const struct stk_iov *iov, size_t count, DWORD flags,
                         struct wsp_io_from *from);

/** The code of a failed attempt. */
int wsp_io_code(const struct wsp_socket *sock, enum wsp_direction direction, bool named, int64_t err);

/**
 * The code of an attempt that a connection's end failed: what lies behind the end is told once, and to every operation that
 * was in progress; later ones hear that there is no connection any more.
 *
 * @param code         As wsp_io_code gave it.
 * @param in_progress  The operation had begun before.
 * @return             code, WSAECONNRESET after WSAENETRESET, WSAECONNABORTED after WSAETIMEDOUT.
 *
 * Context: any thread. Source: rules CLS-25, CLS-26.
 */
int wsp_io_ended(struct wsp_socket *sock, int code, bool in_progress);

/** Is the mark of urgent data next? MSG_WAITALL ends there. Source: rule OOB-6. */
bool wsp_io_at_mark(const struct wsp_socket *sock);

/**
 * A receive, or a send, of any form: what the slots and the functions by pointer are made of.
 *
 * @return  0, WSA_IO_PENDING or a WSAE* code.
 *
 * Context: an application thread with a reference and no lock; blocks as the socket does.
 */
int wsp_io_receive(struct wsp_call *call);
int wsp_io_transmit(struct wsp_call *call);

/* Slots 20, 22, 24, 26. */
int WSPAPI wsp_recv(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd, LPDWORD lpFlags,
                    LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
                    LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI wsp_recv_from(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesRecvd,
                         LPDWORD lpFlags, struct sockaddr *lpFrom, LPINT lpFromlen, LPWSAOVERLAPPED lpOverlapped,
                         LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId,
                         LPINT lpErrno);
int WSPAPI wsp_send(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
                    LPWSAOVERLAPPED lpOverlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine,
                    LPWSATHREADID lpThreadId, LPINT lpErrno);
int WSPAPI wsp_send_to(SOCKET s, LPWSABUF lpBuffers, DWORD dwBufferCount, LPDWORD lpNumberOfBytesSent, DWORD dwFlags,
                       const struct sockaddr *lpTo, int iTolen, LPWSAOVERLAPPED lpOverlapped,
                       LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine, LPWSATHREADID lpThreadId, LPINT lpErrno);

#endif

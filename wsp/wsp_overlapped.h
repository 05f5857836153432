/**
 * @file
 * Overlapped requests: a pool with a limit, one queue per socket and direction
 * in the order of posting, completion by event, port or routine.
 *
 * A request is on its socket's queue or owned by the thread that took it off
 * under the socket's lock; that thread delivers it, holding no lock. After the
 * delivery the WSAOVERLAPPED is the application's.
 *
 * Source: rules OVL, OVL2, WPU-24..WPU-31.
 */
#ifndef WSP_OVERLAPPED_H
#define WSP_OVERLAPPED_H

#include "wsp_socket.h"

#define WSP_REQUESTS_MAX 131072u
#define WSP_REQUEST_IOVS 8u

/** The arguments of a send or receive, as the four slots share them. */
struct wsp_call {
    struct wsp_socket *sock;
    enum wsp_direction direction;
    LPWSABUF buffers;
    DWORD buffers_count;
    LPDWORD bytes;     /**< lpNumberOfBytes* */
    DWORD flags;       /**< in; out for receives */
    LPDWORD flags_out; /**< lpFlags of receives */
    bool named;        /**< sendto, recvfrom */
    const struct sockaddr *to;
    int tolen;
    struct sockaddr *from;
    LPINT fromlen;
    LPWSAMSG message;                 /**< WSARecvMsg: told of the datagram */
    const struct stk_send_info *wish; /**< WSASendMsg: what it is sent with; NULL: nothing */
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    LPWSATHREADID thread;
    struct wsp_transmit **transmit; /**< TransmitFile: what to send; taken over, and NULL then */
    bool quiet;                     /**< nobody but wsp_request_wait is told of the end */
    bool own_thread;                /**< the call has no such argument: the calling thread is asked for */
    SOCKET handle;                  /**< as the application gave it */
};

struct wsp_request {
    struct wsp_request *next;
    _Atomic uint64_t context; /**< the socket's; 0: free */
    _Atomic uint64_t thread;  /**< who issued it */
    enum wsp_direction direction;
    SOCKET handle;
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    WSATHREADID apc_thread; /**< a copy: WPU-29 */
    bool apc_own;           /**< to be given back */
    struct stk_iov iov[WSP_REQUEST_IOVS];
    struct stk_iov *vec; /**< iov, or memory of its own for long lists */
    uint32_t vec_count;
    uint32_t vec_first; /**< entries before it are done */
    uint32_t flags;     /**< MSG_* as given, then as returned */
    uint32_t bytes;
    int code; /**< WSAE* */
    bool to_set;
    struct stk_addr to;
    bool wished;
    struct stk_send_info wish;
    struct sockaddr *from;
    LPINT fromlen;
    LPWSAMSG message;
    enum wsp_notice notice;        /**< WSP_PENDING: what it waits for */
    uint32_t mark;                 /**< WSP_PENDING: how that was, or how far it is */
    struct stk_sock *conn;         /**< AcceptEx: its connection; DisconnectEx: what the socket goes on with; owned */
    uint64_t accept;               /**< AcceptEx: context of the accepting socket */
    struct wsp_transmit *transmit; /**< TransmitFile: what is sent; owned */
    bool quiet;
    void (*notify)(void *overlapped); /**< who is told of the end of a quiet one; NULL: nobody */
};

/**
 * Start an overlapped operation whose arguments were checked.
 *
 * @return  0: complete, and its indication was given; WSA_IO_PENDING; or a code without any indication:
 *          WSAENOBUFS (pool empty), WSA_INVALID_HANDLE.
 *
 * Context: an application thread with a reference and no lock. Does not block.
 */
int wsp_request_start(const struct wsp_call *call);

/**
 * Wait for a quiet request, until it is complete.
 *
 * @param own  Its structure. Its socket may be closed meanwhile.
 * @return     0 or its code.
 *
 * Context: an application thread with a reference and no lock. Blocks.
 */
int wsp_request_wait(LPWSAOVERLAPPED own);

/**
 * Queue a request of a control code, which ends when what it waits for differs from mark (wsp_notice_due), or by being
 * cancelled.
 *
 * @return  WSA_IO_PENDING, or a code without any indication.
 *
 * Context: as wsp_request_start. Source: rules IOC-3, IOC-10, IOC-11.
 */
int wsp_request_pend(const struct wsp_call *call, enum wsp_notice notice, uint32_t mark);

/** How a request that waits begins. */
struct wsp_pend {
    enum wsp_notice notice;
    /** Called with the socket's lock; a code ends the request without indication. It must free what it holds then. */
    int (*begin)(struct wsp_socket *sock, struct wsp_request *request, const void *arg);
    const void *arg;
};

/**
 * Queue a request that begins something and ends when that is through.
 *
 * @return  WSA_IO_PENDING, or a code without any indication: that of begin, WSAENOBUFS, WSAENOTSOCK.
 *
 * Context: as wsp_request_start.
 */
int wsp_request_begin(const struct wsp_call *call, const struct wsp_pend *pend);

/**
 * Attempt what is queued on a socket. Completed requests go to done. Lock held.
 *
 * @return  For wsp_requests_deliver, which must follow: the queues whose turn the caller has got.
 */
unsigned wsp_requests_run(struct wsp_socket *sock, struct wsp_queue *done);

/** Deliver requests that wsp_requests_run gave, or others with turns 0. Context: no lock held. Source: rule IOCP-13. */
void wsp_requests_deliver(struct wsp_socket *sock, struct wsp_queue *done, unsigned turns);

/** End all requests of a socket with WSA_OPERATION_ABORTED. @param deliver  With their indication. */
void wsp_requests_abort(struct wsp_socket *sock, bool deliver);

/**
 * End requests of a socket with WSA_OPERATION_ABORTED and their indication.
 *
 * @param own         Only those that the calling thread issued.
 * @param overlapped  Only those of this structure; NULL: of any.
 * @return            How many. What just completes is not among them.
 *
 * Context: a thread with a reference and no lock. Source: rules IOCP-30, IOCP-31.
 */
uint32_t wsp_requests_cancel(struct wsp_socket *sock, bool own, LPWSAOVERLAPPED overlapped);

/** End the requests that were issued by one handle of a socket. Context: a thread with a reference and no lock. */
void wsp_requests_abort_handle(struct wsp_socket *sock, SOCKET s);

/** End the requests that a thread issued, with their indication (OVL2-14), but for sockets that are associated with a
 *  completion port (IOCP-36). Context: that thread, ending. */
void wsp_requests_abort_thread(uint64_t thread);

/** Is a call asleep until a request is complete? It has no reference of a socket. Context: any thread. */
bool wsp_results_waited_for(void);

/** Requests in use, for tests and the counters. */
uint32_t wsp_requests_count(void);

/** Does a request of this kind wait on the socket? Context: the socket's lock is held. */
bool wsp_request_pends(const struct wsp_socket *sock, enum wsp_notice notice);

/** End the sends of a socket that have not completed, with WSA_OPERATION_ABORTED and their indication (SIO_FLUSH). Context: a
 *  thread with a reference and no lock. */
void wsp_requests_flush(struct wsp_socket *sock);

/**
 * An extension function refuses: the structure says pending, as Windows leaves it (conformance suites observe it), and the
 * number of bytes stays.
 *
 * @param ov    May be NULL or wild: then nothing.
 * @param high  InternalHigh before the call.
 */
void wsp_overlapped_refused(LPWSAOVERLAPPED ov, ULONG_PTR high);

/** InternalHigh of a structure that can be read; 0 of another. */
ULONG_PTR wsp_overlapped_high(const WSAOVERLAPPED *ov);

/** Deliver a completed operation that had no request (an ioctl): event, port or routine. */
int wsp_request_complete_now(const struct wsp_call *call, DWORD bytes);

/** The same of one whose call says that it is pending. @param code  Of the operation. @return  WSA_IO_PENDING, or an error and
 *  no indication. */
int wsp_request_complete_later(const struct wsp_call *call, int code, DWORD bytes);

/* Slot 12. */
BOOL WSPAPI wsp_get_overlapped_result(SOCKET s, LPWSAOVERLAPPED lpOverlapped, LPDWORD lpcbTransfer, BOOL fWait,
                                      LPDWORD lpdwFlags, LPINT lpErrno);

#endif

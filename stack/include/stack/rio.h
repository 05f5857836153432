/**
 * @file
 * Registered I/O: requests that name registered memory, and completion queues
 * that the stack writes and the application reads without asking anybody.
 *
 * Objects:
 * - struct stk_rio_mem: memory that requests may name, told to every port once
 *   (DMA). A request keeps it alive until its completion is taken.
 * - struct stk_rio_cq: a ring of completions. The stack writes it; one thread at
 *   a time takes from it.
 * - struct stk_rio_rq: the two request rings of one socket, one for receives and
 *   one for sends. One thread at a time posts to it (stk_rio_commit excepted).
 *   It ends with its socket: what was posted completes with STK_ECANCELED,
 *   deferred requests too, and it goes when the last completion was taken. Of a
 *   stream that is closed gracefully, what had been handed to the connection
 *   still goes out (from copies); if more had been posted it is reset. A request
 *   whose memory a driver refers to completes when the driver lets go.
 *
 * Accounting: a request is outstanding from stk_rio_post to the taking of its
 * completion. A queue pair's maxima are charged to its completion queues, so
 * that a completion queue never overflows.
 *
 * Order: receives complete in the order posted, each with the next bytes of the
 * stream, or one datagram. Sends leave in the order posted, and among the
 * socket's ordinary sends where their call stood. A receive that finds the
 * socket's ordinary queue filled takes from it first.
 *
 * Every call may fail with STK_ENETDOWN or STK_EFORKED as those of stack/api.h.
 * Source: rules RIOX-14 to RIOX-147.
 */
#ifndef STACK_RIO_H
#define STACK_RIO_H

#include "stack/api.h"

struct stk_rio_mem;
struct stk_rio_cq;
struct stk_rio_rq;

#define STK_RIO_CQ_ENTRIES_MAX (1u << 27)
#define STK_RIO_RQ_ENTRIES_MAX (1u << 24)

enum stk_rio_dir { STK_RIO_RECV = 0, STK_RIO_SEND = 1, STK_RIO_DIRS = 2 };

/** Flags of a request. */
enum stk_rio_flag {
    STK_RIO_DONT_NOTIFY = 1u << 0, /**< its completion fires no armed completion queue */
    STK_RIO_DEFER = 1u << 1,       /**< may wait for the next of its direction without it, or stk_rio_commit */
    STK_RIO_WAITALL = 1u << 2,     /**< streams, receive: complete when full, or at the stream's end */
    STK_RIO_INFO = 1u << 3,        /**< datagrams, receive: fill in the info of the completion */
    STK_RIO_DISCARD = 1u << 4,     /**< datagrams, receive: take one, keep nothing; base is NULL */
    STK_RIO_WISHES = 1u << 5,      /**< datagrams, send: the request's send is meant */
};

/** One request. Copied by stk_rio_post; the bytes at base belong to the stack until the completion is taken. */
struct stk_rio_req {
    struct stk_rio_mem *mem;   /**< where base lies; NULL: len is 0 */
    void *base;                /**< len bytes from here lie in mem: the caller has seen to it */
    uint32_t len;              /**< bytes */
    uint32_t flags;            /**< enum stk_rio_flag */
    uint64_t context;          /**< comes back */
    uint64_t cookie;           /**< comes back too; the caller's second word */
    struct stk_addr to;        /**< datagrams, send: family STK_AF_NONE: the connected peer */
    struct stk_send_info send; /**< with STK_RIO_WISHES */
    uint32_t segment; /**< datagrams, send: bytes of each datagram that base is cut into; 0: the socket's option */
};

/** One completion. */
struct stk_rio_done {
    int32_t status; /**< 0 or a negative enum stk_err; STK_EMSGSIZE: the datagram was longer, len bytes are there */
    uint32_t bytes; /**< received or sent */
    uint64_t rq_cookie;
    uint64_t context;
    uint64_t cookie;
    uint32_t dir; /**< enum stk_rio_dir */
    const struct stk_msg_info
        *info; /**< with STK_RIO_INFO and status 0 or STK_EMSGSIZE, else NULL; valid until the next
                                          take from this queue */
};

/** One completion of a plain request: RIORESULT, whose layout this is. */
struct stk_rio_plain {
    int32_t status; /**< 0 */
    uint32_t bytes;
    uint64_t rq_cookie;
    uint64_t context;
};

/**
 * Make memory known: pinned where the system allows, told to every port that takes external memory.
 *
 * @param base  len bytes, readable, any alignment; the caller's.
 * @param out   Owned by the caller until stk_rio_mem_remove.
 * @retval STK_ENOMEM  no memory for the record, or it cannot be pinned where a port requires it.
 *
 * Context: any thread. A control call.
 */
int stk_rio_mem_add(struct stk_client *client, void *base, size_t len, struct stk_rio_mem **out);

/** Forget memory: at once for new requests, in fact when no request and no driver holds it. Context: any thread. */
void stk_rio_mem_remove(struct stk_rio_mem *mem);

/**
 * Make a completion queue.
 *
 * @param entries  1..STK_RIO_CQ_ENTRIES_MAX: completions that fit.
 * @param cookie   In the event that an armed queue gives: struct stk_event with fired = STK_READY_RIO.
 * @retval STK_EINVAL, STK_ENOMEM.
 *
 * Context: any thread. A control call.
 */
int stk_rio_cq_open(struct stk_client *client, uint32_t entries, uint64_t cookie, struct stk_rio_cq **out);

/**
 * Change how many fit; what is inside stays, in order. The caller serialises it with taking and posting.
 *
 * @retval STK_EINVAL  0 or too many. @retval STK_ETOOMANYREFS  fewer than are charged. @retval STK_ENOMEM  no memory.
 *
 * Context: any thread. A control call; the queue is unchanged on failure.
 */
int stk_rio_cq_resize(struct stk_rio_cq *cq, uint32_t entries);

/** End a queue at once: later completions for it are dropped, posts on its request queues fail. Context: any thread. */
void stk_rio_cq_close(struct stk_rio_cq *cq);

/**
 * Take completions, oldest first.
 *
 * @return  Number taken, 0..count; UINT32_MAX: its memory was damaged, and it stays so.
 *
 * Context: one thread at a time a queue. No system call, no lock, does not allocate.
 */
uint32_t stk_rio_cq_take(struct stk_rio_cq *cq, struct stk_rio_done *out, uint32_t count);

/**
 * Take completions as long as they are plain: without error, without cookie. The short way; what it leaves is
 * stk_rio_cq_take's.
 *
 * @return  Number taken, 0..count.
 *
 * Context: as stk_rio_cq_take.
 */
uint32_t stk_rio_cq_take_plain(struct stk_rio_cq *cq, struct stk_rio_plain *out, uint32_t count);

/**
 * Ask for one event (stk_events_wait) when an ordinary completion is there or comes.
 *
 * @retval STK_EALREADY  asked before, and not given yet.
 *
 * Context: as stk_rio_cq_take.
 */
int stk_rio_cq_arm(struct stk_rio_cq *cq);

/**
 * Give a socket its request queues.
 *
 * @param max    Requests outstanding, by direction; not both 0.
 * @param cq     By direction; both given, perhaps the same.
 * @param cookie In its completions.
 * @retval STK_EINVAL      a listener, or it has them already, or both maxima are 0. @retval STK_EOPNOTSUPP  RAW.
 * @retval STK_EFULL     a completion queue has too little room left, or no memory.
 *
 * Context: any thread. A control call.
 */
int stk_rio_rq_open(struct stk_sock *sock, const uint32_t max[STK_RIO_DIRS], struct stk_rio_cq *const cq[STK_RIO_DIRS],
                    uint64_t cookie, struct stk_rio_rq **out);

/**
 * Change the maxima; what is queued stays, in order.
 *
 * @retval STK_EINVAL  both 0, or its socket is closed. @retval STK_ETOOMANYREFS  fewer than outstanding.
 * @retval STK_EFULL  as for stk_rio_rq_open.
 *
 * Context: as stk_rio_post. A control call; unchanged on failure.
 */
int stk_rio_rq_resize(struct stk_rio_rq *rq, const uint32_t max[STK_RIO_DIRS]);

/**
 * Post a request.
 *
 * @return  0: exactly one completion comes, perhaps before this returns; or, with no effect:
 * @retval STK_EFULL   as many are outstanding as the direction's maximum.
 * @retval STK_EINVAL    its socket or the direction's completion queue is closed; an unbound datagram socket receives.
 * @retval STK_ENOTCONN  a stream without a connection; a datagram send without destination.
 * @retval STK_ESHUTDOWN the direction was shut down. (A connection that ended is told by the completion.)
 * @retval STK_EMSGSIZE, STK_EACCES, STK_EADDRNOTAVAIL, STK_ENETUNREACH, STK_EAFNOSUPPORT  as stk_sock_sendmsg.
 *
 * Context: one thread at a time a request queue. No lock, does not allocate, no system call while the stack's thread
 * spins; at most one wake-up for all requests since the stack looked last.
 */
int stk_rio_post(struct stk_rio_rq *rq, enum stk_rio_dir dir, const struct stk_rio_req *req);

/**
 * stk_rio_post of a request without cookie and wishes, the short way.
 *
 * @param mem    Not NULL; base and len as in struct stk_rio_req.
 * @param flags  STK_RIO_DONT_NOTIFY, STK_RIO_DEFER.
 *
 * Returns and context: as stk_rio_post.
 */
int stk_rio_receive_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                          uint64_t context);
int stk_rio_send_plain(struct stk_rio_rq *rq, struct stk_rio_mem *mem, void *base, uint32_t len, uint32_t flags,
                       uint64_t context);

/** Start what is deferred in a direction. Context: any thread, beside a poster. */
int stk_rio_commit(struct stk_rio_rq *rq, enum stk_rio_dir dir);

#endif

/**
 * @file
 * What the files of registered I/O share.
 *
 * Locks: that of a completion queue guards its notification and the list of
 * ended request queues; that of a request queue guards its making and its
 * limits. The data path takes none. Order: a request queue's, then a completion queue's.
 */
#ifndef WSP_RIO_PRIV_H
#define WSP_RIO_PRIV_H

#include "wsp_rio.h"
#include "wsp_rio_slots.h"
#include "wsp_sdk.h"

#include "stack/rio.h"

#define WSP_RIO_RINGS 32u                         /* more than doublings from 1 to STK_RIO_RQ_ENTRIES_MAX */
#define WSP_RIO_CMSG_BASE ((ULONG)sizeof(void *)) /* RIO_CMSG_BASE_SIZE, without the signed numbers of its macros */
#define WSP_RIO_TAKE 32u                          /* completions taken at once */

/** Registered memory. */
struct wsp_rio_buffer {
    struct wsp_rio_slot slot;
    uint32_t bytes;
    bool writable;
    char *base;
    struct stk_rio_mem *mem;
};

/** Where a receive's addresses and facts go: slices of registered memory, NULL: not asked for. */
struct wsp_rio_record {
    char *local;
    char *remote;
    char *control;
    char *flags;
    uint32_t control_bytes;
};

/**
 * Records of the receives of a queue. Receives complete in the order posted, so that the records are used in turn. One is
 * free again when its completion was taken and looked at: up to WSP_RIO_TAKE may be taken and not yet looked at.
 */
struct wsp_rio_ring {
    uint32_t capacity;
    uint32_t next;          /**< the poster's */
    uint32_t posted;        /**< the poster's */
    _Atomic uint32_t taken; /**< the dequeuer's */
    struct wsp_rio_record records[];
};

struct wsp_rio_cq {
    struct wsp_rio_slot slot;
    _Atomic uint32_t inside; /**< a dequeuing thread */
    _Atomic uint32_t shut;   /**< being resized: nothing is taken meanwhile */
    struct stk_rio_cq *stk;
    _Atomic(struct wsp_rio_rq *) ended; /**< their sockets are closed, completions may be left. Guarded by lock */
    struct wsp_mutex lock;              /**< guards what follows */
    RIO_NOTIFICATION_COMPLETION notify; /**< Type 0: polled */
    bool armed;
};

struct wsp_rio_rq {
    struct wsp_rio_slot slot;
    _Atomic uint32_t inside; /**< a posting thread */
    uint16_t family;         /**< AF_INET, AF_INET6 */
    bool stream;
    uint32_t ring;                        /**< of rings, for new requests */
    const struct wsp_rio_buffer *buffer;  /**< the poster's: that of its last request; entries are never freed */
    _Atomic(struct stk_rio_rq *) stk;     /**< NULL: to be made for the socket's new one */
    _Atomic(struct wsp_socket *) options; /**< whose options say what comes with a datagram: the socket, then a copy */
    _Atomic(struct wsp_rio_ring *) rings[WSP_RIO_RINGS];
    _Atomic uint32_t committing; /**< threads in a commit: RIOX-79 */
    _Atomic uint32_t moving;     /**< wsp_rio_move_begin */
    struct wsp_mutex lock;       /**< guards what follows, and the making of stk */
    struct wsp_socket *sock;
    struct wsp_rio_rq *ended_next;
    uint64_t context; /**< the application's */
    uint32_t max[STK_RIO_DIRS];
    uintptr_t cqs[STK_RIO_DIRS];
};

extern struct wsp_rio_slots wsp_rio_buffers;
extern struct wsp_rio_slots wsp_rio_cqs;
extern struct wsp_rio_slots wsp_rio_rqs;

/** Does registered I/O work in this process? In a child after fork, and when the last cleanup was, it does not. */
static inline bool wsp_rio_runs(void)
{
    return atomic_load_explicit(&wsp_provider.state, memory_order_acquire) == WSP_RUNNING;
}

/** The code for a call of a process in which it does not run, or for a handle that is none. */
static inline int wsp_rio_bad_handle(void)
{
    return wsp_rio_runs() ? WSAEINVAL : WSANOTINITIALISED;
}

static inline struct wsp_rio_buffer *wsp_rio_buffer_find(RIO_BUFFERID id)
{
    return (struct wsp_rio_buffer *)wsp_rio_slot_find(&wsp_rio_buffers, sizeof(struct wsp_rio_buffer), (uintptr_t)id);
}

static inline struct wsp_rio_cq *wsp_rio_cq_find(uintptr_t handle)
{
    return (struct wsp_rio_cq *)wsp_rio_slot_find(&wsp_rio_cqs, sizeof(struct wsp_rio_cq), handle);
}

static inline struct wsp_rio_rq *wsp_rio_rq_find(uintptr_t handle)
{
    return (struct wsp_rio_rq *)wsp_rio_slot_find(&wsp_rio_rqs, sizeof(struct wsp_rio_rq), handle);
}

/** Free an ended request queue. Context: none of its completions is looked at any more, or ever. */
void wsp_rio_rq_free(struct wsp_rio_rq *rq);

/** Have all completions of receives that have records been looked at? Context: its socket is closed. */
bool wsp_rio_rq_is_done(const struct wsp_rio_rq *rq);

/** The record of a completion's cookie; NULL: it is none. @param ring  Out: where taken is counted. */
struct wsp_rio_record *wsp_rio_record_of(uint64_t cookie, struct wsp_rio_rq **rq, struct wsp_rio_ring **ring);

/** The cookie of a receive whose record is at this place of the current ring; not 0. */
uint64_t wsp_rio_cookie(const struct wsp_rio_rq *rq, uint32_t place);

/** Make the queue pair of the stack for the socket as it is now. @return  0 or a WSAE* code. Context: the posting thread. */
int wsp_rio_rq_attach(struct wsp_rio_rq *rq);

/* The functions of the table. */
RIO_BUFFERID PASCAL wsp_rio_register_buffer(PCHAR data, DWORD bytes);
void PASCAL wsp_rio_deregister_buffer(RIO_BUFFERID id);
RIO_CQ PASCAL wsp_rio_create_cq(DWORD size, PRIO_NOTIFICATION_COMPLETION notification);
void PASCAL wsp_rio_close_cq(RIO_CQ queue);
BOOL PASCAL wsp_rio_resize_cq(RIO_CQ queue, DWORD size);
ULONG PASCAL wsp_rio_dequeue(RIO_CQ queue, PRIORESULT results, ULONG count);
INT PASCAL wsp_rio_notify(RIO_CQ queue);
RIO_RQ PASCAL wsp_rio_create_rq(SOCKET s, ULONG receives_max, ULONG receive_buffers, ULONG sends_max,
                                ULONG send_buffers, RIO_CQ receive_queue, RIO_CQ send_queue, PVOID context);
BOOL PASCAL wsp_rio_resize_rq(RIO_RQ queue, DWORD receives_max, DWORD sends_max);
BOOL PASCAL wsp_rio_receive(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context);
int PASCAL wsp_rio_receive_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local, PRIO_BUF remote,
                              PRIO_BUF control, PRIO_BUF flags_out, DWORD flags, PVOID context);
BOOL PASCAL wsp_rio_send(RIO_RQ queue, PRIO_BUF data, ULONG count, DWORD flags, PVOID context);
BOOL PASCAL wsp_rio_send_ex(RIO_RQ queue, PRIO_BUF data, ULONG count, PRIO_BUF local, PRIO_BUF remote, PRIO_BUF control,
                            PRIO_BUF flags_out, DWORD flags, PVOID context);

#endif

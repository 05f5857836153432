/**
 * @file
 * Sockets of the provider: a table whose entries are never freed, so that a
 * stale handle can be looked at safely. The context that ws2_32 keeps for a
 * handle is index and generation of the entry.
 *
 * One atomic word per entry holds generation, a closing mark and a count of
 * references: one for the open handle, one for each call in progress. No
 * reference can be taken once the mark is set; who drops the last one ends the
 * stack's socket. So no call finds it gone, and closing never waits for calls.
 *
 * Memory order: the state word is exchanged with acquire order when a
 * reference is taken (C) and with release order when one is dropped (D); the
 * stores that make a socket precede the release store that opens it (E).
 *
 * Source: rules WSPC-4, WSPC-7, WSPCLOSESOCKET-7.
 */
#ifndef WSP_SOCKET_H
#define WSP_SOCKET_H

#include "wsp_os.h"
#include "wsp_provider.h"

#include "stack/api.h"

#include <stdatomic.h>
#include <ws2spi.h>

/** Why the short paths of send and receive do not apply. */
enum wsp_slow {
    WSP_SLOW_EVENTS = 1u << 0,  /**< network events are registered: calls re-enable them */
    WSP_SLOW_SENDING = 1u << 1, /**< overlapped sends are pending: order */
    WSP_SLOW_READING = 1u << 2, /**< overlapped receives are pending */
    WSP_SLOW_TYPE = 1u << 3,    /**< not a stream */
    WSP_SLOW_ACKED = 1u << 4,   /**< SO_SNDBUF 0: a send that blocks ends with the acknowledgement */
};

/** Why waits on a socket end. */
enum wsp_wake {
    WSP_WAKE_NOT,
    WSP_WAKE_CLOSING,
    WSP_WAKE_SHARED, /**< it got another descriptor: waits go on as wsp_share.h has them */
};

/* Requests that pend are those of control codes: nothing but their own condition ends them. */
enum wsp_direction { WSP_READING, WSP_SENDING, WSP_PENDING, WSP_DIRECTIONS };

/** What a control code waits for. */
enum wsp_notice {
    WSP_NOTICE_ADDRESSES,
    WSP_NOTICE_ROUTES,
    WSP_NOTICE_BACKLOG,
    WSP_NOTICES,                      /**< those that network events tell, too */
    WSP_NOTICE_CONNECT = WSP_NOTICES, /**< ConnectEx: the end of the handshake */
    WSP_NOTICE_ACCEPT,                /**< AcceptEx: a connection, then perhaps its first data */
    WSP_NOTICE_DISCONNECT,            /**< DisconnectEx: both directions have ended */
    WSP_NOTICE_READY,                 /**< WSP_IOCTL_READY: something to tell */
};

/** What a socket is told of by SO_UPDATE_ACCEPT_CONTEXT or SO_UPDATE_CONNECT_CONTEXT before it is a whole one. */
enum wsp_context { WSP_CONTEXT_WHOLE, WSP_CONTEXT_ACCEPTED, WSP_CONTEXT_CONNECTED };

#define WSP_SPARES 8u

/** A nonblocking call wants the network event. Guarded by the socket's lock. */
struct wsp_notice_ask {
    bool asked;
    uint32_t mark; /**< wsp_notice_mark at that call */
};

struct wsp_request;
struct wsp_share;

/** Requests in the order of posting. */
struct wsp_queue {
    struct wsp_request *head;
    struct wsp_request **tail;
};

/** Network events of a socket. Guarded by the socket's lock. */
struct wsp_events {
    LONG mask;      /**< nominated */
    LONG told;      /**< recorded or posted, and not enabled by a call since */
    LONG recorded;  /**< occurred, not yet enumerated */
    LONG unposted;  /**< occurred, and the window's queue was full: WSPASYNCSELECT-3 */
    WSAEVENT event; /**< WSPEventSelect: an own handle, wsp_upcall_event_hold */
    WSAEVENT named; /**< the application's, of which it was made */
    HWND window;    /**< WSPAsyncSelect */
    SOCKET handle;  /**< by which it was made, which messages name; 0: the socket's own */
    unsigned message;
    int codes[FD_MAX_EVENTS];
};

struct wsp_socket {
    _Atomic uint64_t state;
    _Atomic uint32_t wake;        /**< enum wsp_wake; the wake word of waits on this socket */
    _Atomic uint32_t slow;        /**< enum wsp_slow */
    struct stk_sock *_Atomic stk; /**< another one after AcceptEx and DisconnectEx: wsp_socket_renew */
    _Atomic SOCKET handle;
    uint32_t index;
    DWORD catalog_id;
    int family; /**< AF_INET, AF_INET6 */
    int type;   /**< SOCK_STREAM ... */
    int protocol;
    DWORD flags;   /**< WSA_FLAG_* */
    uint32_t info; /**< index in wsp_provider.infos */
    _Atomic uint32_t nonblocking;
    _Atomic uint32_t rcvtimeo_ms; /**< 0: for ever */
    _Atomic uint32_t sndtimeo_ms;
    _Atomic uint32_t linger;     /**< on << 16 | seconds */
    _Atomic uint32_t values[16]; /**< options that are only remembered, see wsp_option */
    _Atomic uint32_t end_told;   /**< why the connection ended, once that was told: WSAE* */
    _Atomic int connect_error;   /**< WSAE* of the last failed connect, until SO_ERROR takes it */
    _Atomic uint32_t listening;
    _Atomic uint32_t shut;       /**< STK_SHUT_* by the application */
    _Atomic uint32_t ported;     /**< associated with a completion port: WSP_IOCTL_PORT */
    _Atomic uint32_t connecting; /**< a connect whose result FD_CONNECT has not told */
    _Atomic uint64_t connect_ns; /**< when; 0: never */
    _Atomic uint32_t delivering; /**< completions being handed over without the lock */
    _Atomic uint32_t close_mode; /**< enum stk_close_mode for the last reference */

    struct wsp_mutex lock; /**< guards what follows */
    struct wsp_queue queues[WSP_DIRECTIONS];
    struct wsp_events events;
    struct wsp_notice_ask notices[WSP_NOTICES];
    struct stk_iflist iflists[2]; /**< of the own version; of IPv4 on an IPv6 socket */
    struct wsp_socket *deferred;  /**< connections that CF_DEFER left at the head, entries not yet opened */
    struct wsp_socket *deferred_next;
    struct stk_addr peer;                /**< of a connection that waits on a deferred list */
    bool ending;                         /**< the last descriptor is being closed */
    bool posting;                        /**< a thread posts messages of this socket: they keep their order */
    bool post_again;                     /**< somebody else looked meanwhile: it looks again */
    struct stk_sock *spares[WSP_SPARES]; /**< replaced ones that a call may still be in */
    _Atomic uint32_t context;            /**< enum wsp_context */
    _Atomic uint32_t recycled;           /**< enum wsp_context that it had before DisconnectEx made it fresh (E31) */
    _Atomic uint64_t accepting;        /**< AcceptEx will give it a connection of this listener (a context); 0: none */
    _Atomic uint64_t accepted_by;      /**< the listener of its connection; 0: not by AcceptEx */
    _Atomic(struct wsp_share *) share; /**< several descriptors: see wsp_share.h; NULL: the one handle */
    _Atomic uint64_t rio;              /**< its request queue (a handle of wsp_rio_slots.h); 0: none */
    _Atomic uint32_t turns[WSP_PENDING]; /**< of queues: enum request_turn of wsp_overlapped.c */
};

/**
 * Find a socket and take a reference.
 *
 * @param s    Handle as the application gave it.
 * @param err  lpErrno, set on failure: WSANOTINITIALISED, WSAENOTSOCK.
 * @return     The socket, given back with wsp_socket_put, or NULL.
 *
 * Context: any thread. No lock, no allocation: one upcall and one exchange.
 */
struct wsp_socket *wsp_socket_get(SOCKET s, LPINT err);

/** The same from a context or an event's cookie; NULL: stale. */
struct wsp_socket *wsp_socket_get_context(uint64_t context);

/** Take one more reference of a socket that the caller has one of. */
void wsp_socket_ref(struct wsp_socket *sock);

/** Give back a reference. Context: any thread that holds no lock of the socket. */
void wsp_socket_put(struct wsp_socket *sock);

/** The context (cookie) of a socket. */
uint64_t wsp_socket_context(const struct wsp_socket *sock);

/** Calls in progress, the caller's included. */
uint32_t wsp_socket_calls(const struct wsp_socket *sock);

/** Is it being closed? */
bool wsp_socket_closing(const struct wsp_socket *sock);

/**
 * Take a free entry: no handle, no stack socket, not findable.
 *
 * @return  The entry, or NULL: the table is full or no memory.
 */
struct wsp_socket *wsp_socket_alloc(void);

/** Give back an entry that was not opened. */
void wsp_socket_discard(struct wsp_socket *sock);

/**
 * Make an entry findable and get its handle from ws2_32. The caller's
 * reference is the one of the open handle.
 *
 * @return  0, or the upcall's code; the entry and its stack socket are then gone.
 */
int wsp_socket_open(struct wsp_socket *sock);

/**
 * Mark a socket closed: nobody finds it any more.
 *
 * @return  false: somebody else did.
 *
 * Context: a thread that holds a reference. The handle's own reference passes to the caller.
 */
bool wsp_socket_mark_closed(struct wsp_socket *sock);

/**
 * End a socket whose mark the caller set: cancels waits and requests and drops
 * the handle's reference.
 *
 * @param mode     How the stack's socket ends.
 * @param deliver  Aborted requests are delivered (close) or only marked (cleanup).
 */
void wsp_socket_end(struct wsp_socket *sock, enum stk_close_mode mode, bool deliver);

/**
 * Give a socket another one of the stack. The old one is closed when no call can be in it any more.
 *
 * @param fresh  Its cookie is the socket's context.
 * @param mode   How the old one ends.
 * @param own    References that the caller knows of: none of them uses the old one after this.
 * @return       false: too many old ones are still in use; nothing was done.
 *
 * Context: a thread with a reference. No lock of the socket is held.
 */
bool wsp_socket_renew(struct wsp_socket *sock, struct stk_sock *fresh, enum stk_close_mode mode, uint32_t own);

/** Close those that were replaced, if no call can be in them any more. @param mode, own  As for wsp_socket_renew. */
void wsp_socket_reap(struct wsp_socket *sock, enum stk_close_mode mode, uint32_t own);

/** Call fn for every open socket, each with a reference. */
void wsp_socket_each(void (*fn)(struct wsp_socket *sock, void *arg), void *arg);

/** Entries that are open or have references. */
uint32_t wsp_socket_live_count(void);

/* Bits of slow, set and cleared by their owners. */
static inline void wsp_slow_set(struct wsp_socket *sock, uint32_t bit)
{
    atomic_fetch_or_explicit(&sock->slow, bit, memory_order_relaxed);
}

static inline void wsp_slow_clear(struct wsp_socket *sock, uint32_t bit)
{
    atomic_fetch_and_explicit(&sock->slow, ~bit, memory_order_relaxed);
}

/* Names, options and shutdown of a connection wait for SO_UPDATE_*_CONTEXT (AEX-20, CEX-11). */
static inline bool wsp_socket_is_partial(const struct wsp_socket *sock)
{
    return atomic_load_explicit(&sock->context, memory_order_relaxed) != WSP_CONTEXT_WHOLE;
}

static inline bool wsp_socket_is_stream(const struct wsp_socket *sock)
{
    return sock->type == SOCK_STREAM;
}

/* SO_LINGER with no time: the end is a reset. Any l_onoff but 0 is on. */
static inline bool wsp_socket_lingers_zero(const struct wsp_socket *sock)
{
    uint32_t linger = atomic_load_explicit(&sock->linger, memory_order_relaxed);

    return linger >> 16 != 0 && (linger & 0xffff) == 0;
}

#endif

/**
 * @file
 * Sockets with several descriptors (WSPDuplicateSocket). Descriptors of one
 * socket are handles of ws2_32 with the same context, so that a call reaches
 * the socket by any of them; all state is the socket's. Each handle is closed
 * for itself, and the last one ends the socket.
 *
 * What travels to WSPSocket is a token: a random number that the table knows
 * until it is used, expires or its socket ends. A token counts as a descriptor.
 *
 * Source: rules SHR-1..9, WSPDUPLICATESOCKET, WSPSOCKET-4, WSPCLOSESOCKET-5.
 */
#ifndef WSP_SHARE_H
#define WSP_SHARE_H

#include "wsp_socket.h"

/** What closing a handle means for its socket. */
enum wsp_share_end {
    WSP_SHARE_LAST,    /**< the socket has no other descriptor: it ends, or wsp_share_keep says that it does not */
    WSP_SHARE_DROPPED, /**< this descriptor is closed, the socket lives */
    WSP_SHARE_GONE,    /**< somebody else closed this descriptor */
};

/** A call that waits: closing one of the handles it was made by sets wake. On the waiting thread's stack. */
struct wsp_share_wait {
    struct wsp_share_wait *next;
    struct wsp_share_wait **link;
    const SOCKET *handles;
    size_t count;
    _Atomic uint32_t wake;
};

/** Nanoseconds that a token may stay unused. Set before WSPStartup, by tests. */
extern uint64_t wsp_share_life_ns;

/**
 * Make a token for one more descriptor.
 *
 * @param sock   The caller has a reference.
 * @param token  Filled: never 0.
 * @return       0, WSAENOTSOCK (being closed), WSAENOBUFS (table full, no memory), WSAENETDOWN (no randomness).
 *
 * Context: any thread that holds no lock. Does not block.
 */
int wsp_share_token(struct wsp_socket *sock, uint32_t *token);

/**
 * Make the descriptor that a token stands for. The token is used up by success only.
 *
 * @param info  dwProviderReserved is the token; the entry must be the socket's.
 * @param out   The handle.
 * @return      0, WSAEINVAL (no such token, used, expired, of another entry), WSANOTINITIALISED, or the upcall's code.
 *
 * Context: any thread that holds no lock.
 */
int wsp_share_open(const WSAPROTOCOL_INFOW *info, SOCKET *out);

/**
 * Close a handle. If others are left (WSP_SHARE_DROPPED), the requests and the waits that came by this one end; a
 * registration of messages that it made is cancelled.
 *
 * Context: WSPCloseSocket with a reference of sock and no lock.
 */
enum wsp_share_end wsp_share_close(struct wsp_socket *sock, SOCKET s);

/** WSP_SHARE_LAST, and the socket stays after all. Context: as wsp_share_close. */
void wsp_share_keep(struct wsp_socket *sock);

/** Free the list of descriptors. Context: the end of the entry; nobody finds it. */
void wsp_share_free(struct wsp_socket *sock);

/** Take a handle off a socket that ends, INVALID_SOCKET: none is left. Context: wsp_socket_end. */
SOCKET wsp_share_take(struct wsp_socket *sock);

/** The handle that completions and messages of a call name: given, if the provider made it. Context: no lock held. */
SOCKET wsp_share_handle(struct wsp_socket *sock, SOCKET given);

/** Was a handle closed since the call that it came with began? Context: no lock held. One upcall. */
bool wsp_share_is_gone(const struct wsp_socket *sock, SOCKET s);

/** Have wake set when one of the handles is closed. Context: the thread that is about to wait; no lock held. */
void wsp_share_wait_begin(struct wsp_share_wait *wait, const SOCKET *handles, size_t count);

/** The wait is over. Context: the thread of wsp_share_wait_begin. */
void wsp_share_wait_end(struct wsp_share_wait *wait);

/** Give up tokens that have expired. Context: the dispatcher; no lock held. */
void wsp_share_expire(void);

/** How long the dispatcher may sleep for tokens' sake, in nanoseconds; -1: for ever. */
int64_t wsp_share_watch_ns(void);

/** Forget all tokens. Context: the last cleanup; the sockets have ended. */
void wsp_share_forget(void);

/** Has the socket ever had a token? Then closing a handle may leave it alive. Context: any thread. One load. */
static inline bool wsp_share_is_shared(const struct wsp_socket *sock)
{
    return atomic_load_explicit(&sock->share, memory_order_acquire) != NULL;
}

#endif

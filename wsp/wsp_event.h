/**
 * @file
 * Network events: WSPEventSelect, WSPAsyncSelect, WSPEnumNetworkEvents.
 *
 * An event is recorded when it is enabled and its condition holds; recording
 * disables it until its re-enabling call is made, which looks at the condition
 * again. What does not hold yet is armed with the stack; the dispatcher then
 * evaluates again. Record and event object change together under the socket's
 * lock, so that an enumeration sees both or neither.
 *
 * Source: rules EVT, WSPEVENTSELECT, WSPENUMNETWORKEVENTS, WSPASYNCSELECT.
 */
#ifndef WSP_EVENT_H
#define WSP_EVENT_H

#include "wsp_socket.h"

/** Messages to post once the lock is released (WSPAsyncSelect). */
struct wsp_event_posts {
    HWND window;
    unsigned message;
    SOCKET handle;
    LONG bits;
    int codes[FD_MAX_EVENTS];
};

/** Record what became true and arm the rest. Lock held. */
void wsp_events_evaluate(struct wsp_socket *sock, struct wsp_event_posts *posts);

/** Post what wsp_events_evaluate gave. Context: no lock held. */
void wsp_events_post(struct wsp_socket *sock, const struct wsp_event_posts *posts);

/** How soon wsp_events_retry is to be called, in nanoseconds; -1: there is nothing to be tried again. */
int64_t wsp_events_watch_ns(void);

/** Post again what found a window's queue full (WSPASYNCSELECT-3). Context: the dispatcher. */
void wsp_events_retry(void);

/** A call that re-enables bits was made. Context: no lock held. */
void wsp_events_reenable(struct wsp_socket *sock, LONG bits);

/** Give a new socket the registration of its listener (WSPACCEPT-4). Context: no lock held. */
void wsp_events_inherit(struct wsp_socket *sock, struct wsp_socket *listener);

/** Give back what a socket's registration holds; nothing is recorded any more. Context: no lock held. */
void wsp_events_end(struct wsp_socket *sock);

/** Must sends and receives enable events: are any registered, or told by a registration that was taken back? */
bool wsp_events_registered(struct wsp_socket *sock);

/** FIONBIO. @return  0, or WSAEINVAL: it has events, and must not block (DSC-10). Context: no lock held. */
int wsp_events_blocking(struct wsp_socket *sock, bool blocking);

/** The code of a stream's end for FD_CLOSE; 0: graceful. */
int wsp_events_close_code(const struct stk_sock_status *status);

/* Slots 3, 10, 11. */
int WSPAPI wsp_async_select(SOCKET s, HWND hWnd, unsigned int wMsg, LONG lEvent, LPINT lpErrno);
int WSPAPI wsp_enum_network_events(SOCKET s, WSAEVENT hEventObject, LPWSANETWORKEVENTS lpNetworkEvents, LPINT lpErrno);
int WSPAPI wsp_event_select(SOCKET s, WSAEVENT hEventObject, LONG lNetworkEvents, LPINT lpErrno);

#endif

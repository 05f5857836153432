/**
 * @file
 * Calls on many sockets at once: what WSPSelect and WSAPoll have in common.
 * Members hold references; the memory is the calling thread's and serves its
 * next call.
 *
 * Context of all functions: the thread of the call, holding no lock.
 */
#ifndef WSP_MANY_H
#define WSP_MANY_H

#include "wsp_wait.h"

struct wsp_many {
    struct stk_wait_item *items;
    struct wsp_socket **socks;
    SOCKET *handles; /**< as given */
    uint32_t *at;    /**< each member's place in the caller's array */
    size_t count;    /**< members */
    size_t total;    /**< there is room for */
    void *memory;
    size_t bytes;
};

/**
 * Begin a call. Undone by wsp_many_end, also after a failure.
 *
 * @param total  Room for so many members.
 * @return       false: no memory.
 */
bool wsp_many_begin(struct wsp_many *many, size_t total);

/**
 * Add a socket.
 *
 * @param at      Comes back in many->at.
 * @param wanted  enum stk_ready bits of waits.
 * @return        0, WSANOTINITIALISED, WSAENOTSOCK.
 */
int wsp_many_add(struct wsp_many *many, SOCKET s, uint32_t at, uint32_t wanted);

/** What is ready now: items[].ready, and how many of them; deferred connections count. @return  0 or a WSAE* code. */
int wsp_many_look(struct wsp_many *many, int *found);

/**
 * Wait until a member is ready.
 *
 * @param wait   Its deadline counts.
 * @param found  How many; 0: the time is over.
 * @return       0, WSAENOTSOCK (a member was closed: wsp_many_is_gone tells which), WSAEINTR, WSAENETDOWN ...
 */
int wsp_many_wait(struct wsp_many *many, struct wsp_wait *wait, int *found);

/** Was the member's handle closed since the call began? */
bool wsp_many_is_gone(const struct wsp_many *many, size_t member);

/** End a call: references and memory go back. */
void wsp_many_end(struct wsp_many *many);

/**
 * May memory be read? Wild pointers are told by WSAEFAULT instead of ending the program. What was readable in the
 * calling thread's last calls is taken to be so still.
 *
 * @param bytes  0: yes.
 */
bool wsp_memory_readable(const void *at, size_t bytes);

/** The same of a buffer's first and its last byte only: one may be as large as the memory. @param bytes  0: yes. */
bool wsp_memory_ends_readable(const void *at, uint64_t bytes);

#endif

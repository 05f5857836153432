/**
 * @file
 * Blocking: native waits on the stack, or the thread's blocking hook.
 *
 * Source: rules BLK, WSPC-8, WPU-30, WSPCANCELBLOCKINGCALL.
 */
#ifndef WSP_WAIT_H
#define WSP_WAIT_H

#include "wsp_socket.h"

/** One blocking call. */
struct wsp_wait {
    uint64_t deadline_ns; /**< stk_clock_ns(), STK_NEVER: none */
    uint32_t timeout_ms;  /**< 0: none; counts from the first wait */
    LPBLOCKINGCALLBACK hook;
    DWORD_PTR hook_context;
    bool asked;                   /**< the hook was asked for */
    const _Atomic uint32_t *wake; /**< of waits on many: ends them when it becomes nonzero */
    SOCKET handle; /**< by which the socket was named: closing it ends the wait; 0: only the socket's end does */
};

/** Begin a blocking call. @param timeout_ms  0: for ever. */
void wsp_wait_begin(struct wsp_wait *wait, uint32_t timeout_ms);

/**
 * Wait until a socket is ready. The hook is asked for at the first wait of a
 * call: a call that does not wait never asks (BLK-5).
 *
 * @param wanted  enum stk_ready bits.
 * @return        0, or WSAETIMEDOUT, WSAEINTR (cancelled, or closed by another thread), WSAENETDOWN,
 *                WSANOTINITIALISED.
 *
 * Context: an application thread with a reference of sock and no lock. Blocks.
 */
int wsp_wait_ready(struct wsp_wait *wait, struct wsp_socket *sock, uint32_t wanted);

/**
 * The same for many.
 *
 * @param items  count entries; ready is filled.
 * @param found  How many are ready, 0 on timeout.
 * @param catalog_id  Entry to ask for the hook.
 * @return  0 or a WSAE* code as above.
 */
int wsp_wait_items(struct wsp_wait *wait, struct stk_wait_item *items, size_t count, DWORD catalog_id, int *found);

/**
 * Let other threads get on while something without readiness is awaited.
 *
 * @return  0 or a WSAE* code as above.
 */
int wsp_wait_nap(struct wsp_wait *wait, struct wsp_socket *sock);

/** The client goes: nobody wakes its waits any more. Context: the last cleanup. */
void wsp_wait_alerts_end(void);

/* Slot 5. */
int WSPAPI wsp_cancel_blocking_call(LPINT lpErrno);

#endif

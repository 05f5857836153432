/**
 * @file
 * The stack's doorbell: rung after a submission, only when the stack said that
 * it sleeps. It sleeps on a futex, or on a wait object of its own together with others: a descriptor in poll() on Linux,
 * an event's HANDLE in WaitForMultipleObjects on Windows.
 */
#ifndef STACK_IPC_BELL_H
#define STACK_IPC_BELL_H

#include "ipc/region.h"

/** Values of stack_sleeping. */
enum stk_bell_kind {
    STK_BELL_AWAKE = 0,
    STK_BELL_FUTEX = 1, /**< asleep in stk_bell_sleep */
    STK_BELL_FD = 2,    /**< asleep with bell_fd among the wait objects */
};

/** The slow half of stk_bell_ring. */
void stk_bell_ring_slow(struct stk_region *region);

/**
 * Wake the stack if it sleeps. To be called after stk_sub_push.
 *
 * Context: any application thread. A system call only if the stack sleeps.
 */
static inline void stk_bell_ring(struct stk_region *region)
{
    /* edge D, app's end; stk_sub_push ended with a seq_cst read-modify-write. */
    if (atomic_load_explicit(&region->abi->stack_sleeping, memory_order_seq_cst) != STK_BELL_AWAKE) {
        stk_bell_ring_slow(region);
    }
}

/**
 * Say that the stack goes to sleep and look at all active rings again.
 *
 * @param kind  STK_BELL_FUTEX: stk_bell_sleep follows; STK_BELL_FD: a wait with bell_fd follows.
 * @return      true: sleep, then stk_bell_sleep_end. false: there is a submission; awake again.
 *
 * Context: the stack.
 */
bool stk_bell_sleep_begin(struct stk_region *region, enum stk_bell_kind kind);

/**
 * Sleep until the bell is rung.
 *
 * @param timeout_ns  Bound; < 0: none.
 *
 * Context: the stack, after stk_bell_sleep_begin with STK_BELL_FUTEX gave true. May return early.
 */
void stk_bell_sleep(struct stk_region *region, int64_t timeout_ns);

/** Say that the stack is awake; empties bell_fd if that was used. Context: the stack. */
void stk_bell_sleep_end(struct stk_region *region);

/**
 * Make a wait object for STK_BELL_FD, not inherited by other programs: a nonblocking descriptor, or an event's HANDLE.
 *
 * @return  The object, >= 0, owned by the caller (stk_bell_fd_close), or STK_EIO.
 */
intptr_t stk_bell_fd_open(void);

/** Close what stk_bell_fd_open gave; < 0 is fine. */
void stk_bell_fd_close(intptr_t fd);

/** End waits for the object, now and until stk_bell_fd_clear. Context: any thread. */
void stk_bell_fd_ring(intptr_t fd);

/** Have waits for the object wait again. Context: the stack. */
void stk_bell_fd_clear(intptr_t fd);

#endif

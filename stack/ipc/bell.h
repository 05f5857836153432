/**
 * @file
 * The stack's doorbell: rung after a submission, only when the stack said that
 * it sleeps. It sleeps on a futex, or in poll() on a descriptor of its own.
 */
#ifndef STACK_IPC_BELL_H
#define STACK_IPC_BELL_H

#include "ipc/region.h"

/** Values of stack_sleeping. */
enum stk_bell_kind {
    STK_BELL_AWAKE = 0,
    STK_BELL_FUTEX = 1, /**< asleep in stk_bell_sleep */
    STK_BELL_FD = 2,    /**< asleep in poll() with bell_fd among the descriptors */
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
 * @param kind  STK_BELL_FUTEX: stk_bell_sleep follows; STK_BELL_FD: poll() with bell_fd follows.
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
 * Make a descriptor for STK_BELL_FD: nonblocking, close-on-exec.
 *
 * @return  The descriptor, owned by the caller (close()), or STK_EIO.
 */
int stk_bell_fd_open(void);

/** Close what stk_bell_fd_open gave. */
void stk_bell_fd_close(int fd);

/** Make the descriptor readable. Context: any thread. */
void stk_bell_fd_ring(int fd);

/** Make it unreadable again. Context: the stack. */
void stk_bell_fd_clear(int fd);

#endif

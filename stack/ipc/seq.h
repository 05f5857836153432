/**
 * @file
 * Structures that one side rewrites while the other reads: a sequence word
 * that is odd during a change, and copies word by word, so that a torn copy is
 * seen and repeated. Structures are multiples of 4 bytes, aligned to 4.
 */
#ifndef STACK_IPC_SEQ_H
#define STACK_IPC_SEQ_H

#include "ipc/channel_abi.h"

/**
 * Begin a change: seq becomes odd. One writer.
 *
 * Context: the stack.
 */
static inline void stk_seq_write_begin(STK_U32 *seq)
{
    (void)atomic_fetch_add_explicit(seq, 1, memory_order_seq_cst);
}

/** End a change: seq becomes even. Context: the stack. */
static inline void stk_seq_write_end(STK_U32 *seq)
{
    (void)atomic_fetch_add_explicit(seq, 1, memory_order_release);
}

/**
 * Copy into a guarded structure, between begin and end.
 *
 * @param bytes  A multiple of 4.
 */
static inline void stk_seq_copy_in(void *guarded, const void *from, size_t bytes)
{
    uint32_t *to = guarded;
    const uint32_t *words = from;
    for (size_t i = 0; i < bytes / sizeof(uint32_t); i++) {
        /* release: no word may become visible before seq is odd. */
        __atomic_store_n(&to[i], words[i], __ATOMIC_RELEASE);
    }
}

/** Copy out of a guarded structure, between two looks at seq. bytes: a multiple of 4. */
static inline void stk_seq_copy_out(void *to, const void *guarded, size_t bytes)
{
    uint32_t *words = to;
    const uint32_t *from = guarded;
    for (size_t i = 0; i < bytes / sizeof(uint32_t); i++) {
        /* acquire: the second look at seq may not come before this. */
        words[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
    }
}

#endif

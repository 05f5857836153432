/**
 * @file
 * Thread-local pointers for Windows. The compiler emulates _Thread_local there with a call that takes a lock and may
 * allocate; a slot of the thread's own block is one load, as the compiler's own is on Linux.
 *
 * The block (TEB) and its 64 slots are declared in the system's winternl.h. That a slot is where that says is tried when
 * it is taken; where it is not, or the 64 are used up, the system's call is made instead.
 */
#ifndef STACK_TLS_WINDOWS_H
#define STACK_TLS_WINDOWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** A slot; NULL in every thread at first. Zeroed before stk_tls_make. */
struct stk_tls {
    uint32_t index;
    _Atomic uint32_t offset; /**< bytes into the thread's block; 0: ask the system */
};

#if defined(__x86_64__)
#define STK_TLS_BLOCK __seg_gs
#else
#define STK_TLS_BLOCK __seg_fs
#endif

/**
 * Take a slot for the life of the process.
 *
 * @return  false: the process has none left.
 *
 * Context: once for a slot, before its first use.
 */
bool stk_tls_make(struct stk_tls *tls);

/** The slow half of stk_tls_get. The thread's last error is unchanged. */
void *stk_tls_get_slow(const struct stk_tls *tls);

/** The slow half of stk_tls_set. */
void stk_tls_set_slow(const struct stk_tls *tls, void *value);

/** The calling thread's value. Context: any thread. */
static inline void *stk_tls_get(const struct stk_tls *tls)
{
    const uintptr_t offset = atomic_load_explicit(&tls->offset, memory_order_relaxed);
    return offset != 0 ? *(void *STK_TLS_BLOCK *)offset : stk_tls_get_slow(tls);
}

/** Set the calling thread's value. Context: any thread. */
static inline void stk_tls_set(const struct stk_tls *tls, void *value)
{
    const uintptr_t offset = atomic_load_explicit(&tls->offset, memory_order_relaxed);
    if (offset != 0) {
        *(void *STK_TLS_BLOCK *)offset = value;
    } else {
        stk_tls_set_slow(tls, value);
    }
}

#endif

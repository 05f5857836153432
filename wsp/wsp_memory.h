/**
 * @file
 * What registered I/O asks of the system about memory: may it be used, and
 * barriers that only the rare side pays for. wsp_memory_linux.c,
 * wsp_memory_windows.c.
 */
#ifndef WSP_MEMORY_H
#define WSP_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum wsp_memory { WSP_MEMORY_NONE, WSP_MEMORY_READ, WSP_MEMORY_WRITE };

/**
 * What this process may do with all of a range. Where the system does not show its map, what can be read counts as writable.
 *
 * @param bytes  At least 1.
 *
 * Context: any thread. System calls; does not fault, does not allocate.
 */
enum wsp_memory wsp_memory_access(const void *at, size_t bytes);

/** Full: wsp_fence_light is a barrier itself, as the system has no other way. */
extern _Atomic bool wsp_fence_full;

/** Find out what the system has; later calls do nothing. Context: any thread. */
void wsp_fence_setup(void);

/**
 * Have every thread of the process pass a full barrier: what it stored before is seen by the caller, and what it loads
 * afterwards is what the caller stored. Pairs with wsp_fence_light.
 *
 * Context: any thread. A system call.
 */
void wsp_fence_all(void);

/** The other side: nothing moves across it, as seen by who called wsp_fence_all. */
static inline void wsp_fence_light(void)
{
    if (atomic_load_explicit(&wsp_fence_full, memory_order_relaxed))
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst);
}

#endif

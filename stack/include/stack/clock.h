/**
 * @file
 * Time, in nanoseconds of one monotonic clock. The stack takes time as an
 * argument; only engines that run in real time read this clock.
 */
#ifndef STACK_CLOCK_H
#define STACK_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#define STK_NEVER UINT64_MAX
#define STK_MS_NS UINT64_C(1000000)
#define STK_S_NS UINT64_C(1000000000)

/**
 * Read the monotonic clock.
 *
 * @return  Nanoseconds since an arbitrary start.
 *
 * Context: any thread. No system call where the platform has a user-mode clock.
 */
uint64_t stk_clock_ns(void);

/** The system's monotonic clock, also where stk_clock_ns is virtual. Context: any thread. */
uint64_t stk_clock_os_ns(void);

/**
 * From now on stk_clock_ns reads a word instead: the process's engine runs in virtual time.
 *
 * @param word  Nanoseconds; borrowed for the life of the process, or until it is replaced. NULL: the system's clock again.
 *
 * Context: one thread, before others read the clock.
 */
void stk_clock_virtual_set(const _Atomic uint64_t *word);

/**
 * Fill a buffer with random bytes of the system.
 *
 * @param buf  len bytes, written.
 * @return     0, or:
 * @retval STK_EIO  the system has no randomness to give.
 *
 * Context: any thread, not on the data path.
 */
int stk_random_bytes(void *buf, uint32_t len);

/**
 * A hint to the processor that this thread spins.
 */
static inline void stk_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif

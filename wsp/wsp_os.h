/**
 * @file
 * What the provider needs of the operating system beyond the stack API: locks,
 * one thread, one slot per thread, hooks for fork, exit and the end of a
 * thread. One file per platform implements it (wsp_os_linux.c, wsp_os_windows.c).
 *
 * A struct wsp_mutex or wsp_cond of zero bytes is initialised and free.
 */
#ifndef WSP_OS_H
#define WSP_OS_H

#include <stdio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wsp_mutex {
    _Alignas(8) unsigned char opaque[48];
};

struct wsp_cond {
    _Alignas(8) unsigned char opaque[48];
};

struct wsp_os_thread {
    _Alignas(8) unsigned char opaque[24];
};

typedef void (*wsp_os_fn)(void *arg);

/** What the platform calls back. */
struct wsp_os_hooks {
    void (*fork_child)(void);        /**< in the child, right after fork; no lock may be taken */
    void (*at_exit)(void);           /**< once, when the process exits by itself; Linux only, not in a forked child */
    void (*thread_exit)(void *slot); /**< a thread with a non-NULL slot ends; runs on it, or in wsp_os_threads_reap */
};

/** Lock; threads block until it is free. Context: any thread. Not recursive. */
void wsp_mutex_lock(struct wsp_mutex *mutex);

/**
 * Lock within a time.
 *
 * @return  false: not free in timeout_ms milliseconds.
 *
 * Context: any thread.
 */
bool wsp_mutex_lock_for(struct wsp_mutex *mutex, uint32_t timeout_ms);

/** Unlock. Context: the thread that locked. */
void wsp_mutex_unlock(struct wsp_mutex *mutex);

/**
 * Wait for a wake; spurious ones happen.
 *
 * @param mutex       Held by the caller; released while waiting.
 * @param timeout_ns  Nanoseconds, > 0.
 * @return            false: the time is over. Windows' last error of the thread is as before.
 *
 * Context: any thread.
 */
bool wsp_cond_wait(struct wsp_cond *cond, struct wsp_mutex *mutex, int64_t timeout_ns);

/** Wake all waiters. Context: any thread. */
void wsp_cond_wake_all(struct wsp_cond *cond);

/**
 * Start a thread that blocks all signals.
 *
 * @param out  Filled; ended by wsp_os_thread_join.
 * @return     0, or:
 * @retval STK_ENOMEM  the system gives no thread.
 *
 * Context: any thread.
 */
int wsp_os_thread_start(struct wsp_os_thread *out, wsp_os_fn fn, void *arg);

/**
 * Wait for the end of a thread's function. On Windows, where the caller may hold the loader's lock, without which no thread
 * begins or ends, a function that has not begun never will, and the thread itself ends later.
 *
 * Context: any thread but that one. Blocks.
 */
void wsp_os_thread_join(struct wsp_os_thread *thread);

/** Is this the calling thread? Context: any thread. */
bool wsp_os_thread_is_self(const struct wsp_os_thread *thread);

/**
 * Install the hooks, once per process; later calls change nothing.
 *
 * @return  0, or:
 * @retval STK_ENOMEM  the system has no slot or hook left.
 */
int wsp_os_hooks_install(const struct wsp_os_hooks *hooks);

/**
 * Have at_exit called, once per process; later calls change nothing. Handlers run in the reverse order of their
 * installation: what this call comes after is still there when at_exit runs. On Windows nothing is installed: there a
 * process that exits resets what is open, and the stack's own handler does that.
 *
 * @return  0, or:
 * @retval STK_ENOMEM  the system has no hook left.
 *
 * Context: any thread, after the hooks were installed.
 */
int wsp_os_exit_watch(void);

/** The calling thread's slot; NULL until set. Context: any thread, after the hooks were installed. */
void *wsp_os_slot_get(void);

/**
 * Set the calling thread's slot.
 *
 * @retval STK_ENOMEM  no memory; the slot is unchanged.
 */
int wsp_os_slot_set(void *value);

/** How often wsp_os_threads_reap is to be called, in nanoseconds; -1: it has nothing to do on this platform. */
int64_t wsp_os_watch_ns(void);

/**
 * Call thread_exit for threads that were ended without it: TerminateThread runs nothing on its victim.
 *
 * Context: any thread that holds no lock.
 */
void wsp_os_threads_reap(void);

/**
 * May memory of this process be read? Asked of the kernel; never a fault.
 *
 * @param bytes  0: yes.
 *
 * Context: any thread. A system call for each page.
 */
bool wsp_os_readable(const void *at, size_t bytes);

/** The process's own identifier, as WSPDuplicateSocket gets it. Context: any thread. */
uint32_t wsp_os_process_id(void);

/**
 * A time of stk_clock_ns as QueryPerformanceCounter would have given it.
 *
 * @param ns  Not before any moment of which it was taken: it is rounded up to a tick.
 *
 * Context: any thread.
 */
uint64_t wsp_os_ticks(uint64_t ns);

/** Sleep; very short ones only yield where the system's sleep is coarse. Context: any thread. */
void wsp_os_sleep_ns(int64_t ns);

/**
 * Find a function by name in the module that holds another one, else anywhere
 * in the process (Linux) or in the system's Winsock, its kernel and, if it is loaded, its windows (Windows).
 *
 * @param inside  A function of that module.
 * @param name    The exported name.
 * @return        The function, or NULL.
 *
 * Context: any thread. May take the loader's lock.
 */
void (*wsp_os_symbol(void (*inside)(void), const char *name))(void);

/** Open a file that lines are added to; no child process inherits it. @return  NULL with errno. */
FILE *wsp_os_file_append(const char *path);

#endif

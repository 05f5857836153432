/**
 * @file
 * What Windows sources of the stack share: functions of the system found by
 * name, so that no import table names a DLL that some system lacks.
 */
#ifndef STACK_OS_WINDOWS_H
#define STACK_OS_WINDOWS_H

#include <stdint.h>
#include <wchar.h>

/** Any function; cast to what it is. */
typedef void (*stk_os_proc_fn)(void);

/**
 * Find a function of one of the system's DLLs. The DLL is loaded, from the system's folder only, and stays.
 *
 * @param library  File name without a path.
 * @return         The function, or NULL: this system has no such DLL or function.
 *
 * Context: any thread; not in DllMain unless the DLL is loaded already. The thread's last error is unchanged.
 */
stk_os_proc_fn stk_os_proc(const wchar_t *library, const char *name);

/**
 * Convert a bound for the system's waits, which count milliseconds, upwards: a short wait must not become a busy loop.
 *
 * @param timeout_ns  Nanoseconds; < 0: none.
 * @return            Milliseconds, >= 1 for timeout_ns > 0; INFINITE for none. What is longer than 24 days is 24 days.
 */
uint32_t stk_os_wait_ms(int64_t timeout_ns);

/**
 * Convert a counter into nanoseconds, rounded down, without overflow for 584 years.
 *
 * @param rate  Ticks a second, 1..18 * 10^9.
 */
uint64_t stk_os_ticks_ns(uint64_t ticks, uint64_t rate);

#endif

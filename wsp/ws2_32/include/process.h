/*
 * Threads as Microsoft's C library starts them, for Linux.
 */
#ifndef WL_PROCESS_H
#define WL_PROCESS_H

#include "windows.h"

WL_BEGIN_C

uintptr_t WINAPI _beginthreadex(void *attributes, unsigned stack_bytes, unsigned (*start)(void *), void *context,
                                unsigned flags, unsigned *thread_id);
void WINAPI _endthreadex(unsigned code) __attribute__((noreturn));
uintptr_t WINAPI _beginthread(void (*start)(void *), unsigned stack_bytes, void *context);
void WINAPI _endthread(void) __attribute__((noreturn));

WL_END_C

#define _getpid() ((int)GetCurrentProcessId())

#endif

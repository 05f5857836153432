/**
 * @file
 * The two ways in which Windows sleeps on a word.
 */
#ifndef STACK_IPC_FUTEX_WINDOWS_H
#define STACK_IPC_FUTEX_WINDOWS_H

#include "ipc/channel_abi.h"

/**
 * Use condition variables from now on, as on a system without WaitOnAddress.
 *
 * Context: tests, before anybody sleeps.
 */
void stk_futex_windows_plain(void);

#endif

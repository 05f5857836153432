/**
 * @file
 * What the log asks of the platform.
 */
#ifndef STK_LOG_PRIV_H
#define STK_LOG_PRIV_H

#include <stdio.h>

/** Open a text file for appending, not inherited by other programs; NULL and errno: not possible. Context: any thread. */
FILE *stk_log_file_open(const char *path);

#endif

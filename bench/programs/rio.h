/**
 * @file
 * What the programs share of registered I/O: the function table, and its types where the SDK has none.
 */
#ifndef BENCH_RIO_H
#define BENCH_RIO_H

#include "prog.h"

#include <mswsock.h>

#include <wl_rio.h>

/** Most completions that are taken at a time. */
#define BENCH_RIO_TAKEN 128

/** Get the functions by a socket that was made with WSA_FLAG_REGISTERED_IO. @return 0, or -1 after a line on stderr. */
int bench_rio_table(const char *program, SOCKET s, RIO_EXTENSION_FUNCTION_TABLE *table);

#endif

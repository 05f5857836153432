/**
 * @file
 * Text for a descriptor of the C library, which modules of one process share.
 */
#ifndef STACK_FD_H
#define STACK_FD_H

#include <stddef.h>

/**
 * Write all of a text, as long as the descriptor takes it; failures are not told.
 *
 * @param len  Bytes.
 *
 * Context: any thread. Blocks as the descriptor does.
 */
void stk_fd_write(int fd, const char *text, size_t len);

#endif

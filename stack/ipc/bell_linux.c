#include "ipc/bell.h"

#include "stack/err.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

intptr_t stk_bell_fd_open(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd >= 0 ? fd : STK_EIO;
}

void stk_bell_fd_close(intptr_t fd)
{
    if (fd >= 0) {
        (void)close((int)fd);
    }
}

void stk_bell_fd_ring(intptr_t fd)
{
    uint64_t one = 1;
    /* A full counter is readable all the same. */
    while (write((int)fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

void stk_bell_fd_clear(intptr_t fd)
{
    uint64_t count;
    while (read((int)fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
}

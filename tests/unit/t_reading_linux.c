#include "t_reading.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);

static struct {
    enum t_reading way;
    unsigned calls;
} reads;

void t_reading_set(enum t_reading way)
{
    reads.way = way;
    reads.calls = 0;
}

unsigned t_reading_calls(void)
{
    return reads.calls;
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
    reads.calls++;
    switch (reads.way) {
    case T_READ_WELL:
        break;
    case T_READ_BYTES:
        return __real_read(fd, buf, size > 7 ? 7 : size);
    case T_READ_INTERRUPTED:
        if (reads.calls % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        return __real_read(fd, buf, size > 100 ? 100 : size);
    case T_READ_ERROR:
        errno = EIO;
        return -1;
    case T_READ_ERROR_LATER:
        if (reads.calls > 3) {
            errno = EIO;
            return -1;
        }
        return __real_read(fd, buf, size > 10 ? 10 : size);
    case T_READ_GROWING:
        memset(buf, '\n', size > 65536 ? 65536 : size);
        return size > 65536 ? 65536 : (ssize_t)size;
    }
    return __real_read(fd, buf, size);
}

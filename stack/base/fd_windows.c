#include "stack/fd.h"

#include <io.h>
#include <limits.h>

void stk_fd_write(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const int done = _write(fd, text, len < INT_MAX ? (unsigned)len : INT_MAX);
        if (done <= 0) {
            return;
        }
        text += done;
        len -= (size_t)done;
    }
}

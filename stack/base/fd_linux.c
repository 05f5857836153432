#include "stack/fd.h"

#include <errno.h>
#include <unistd.h>

void stk_fd_write(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return;
        }
        text += done;
        len -= (size_t)done;
    }
}

#include "stack/clock.h"

#include "stack/err.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

uint64_t stk_clock_os_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * STK_S_NS + (uint64_t)now.tv_nsec;
}

int stk_random_bytes(void *buf, uint32_t len)
{
    unsigned char *at = buf;
    uint32_t done = 0;
    while (done < len) {
        ssize_t got = getrandom(at + done, len - done, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return STK_EIO;
        }
        done += (uint32_t)got;
    }
    return STK_OK;
}

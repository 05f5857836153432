#include "ipc/futex.h"

#include "stack/clock.h"
#include "stack/err.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(STK_U32) == 4, "the kernel's futex word");

int stk_futex_wait(STK_U32 *word, uint32_t expect, int64_t timeout_ns)
{
    struct timespec until;
    struct timespec *bound = NULL;
    if (timeout_ns >= 0) {
        uint64_t at = stk_clock_ns() + (uint64_t)timeout_ns;
        until.tv_sec = (time_t)(at / STK_S_NS);
        until.tv_nsec = (long)(at % STK_S_NS);
        bound = &until;
    }
    for (;;) {
        /* BITSET: the bound is a point in time, so that a restart after a signal does not extend it.
           Not a private futex: the region may be mapped by several processes. */
        long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expect, bound, NULL, FUTEX_BITSET_MATCH_ANY);
        if (result == 0 || errno == EAGAIN) {
            return STK_OK;
        }
        if (errno == ETIMEDOUT) {
            return STK_ETIMEDOUT;
        }
        if (errno != EINTR) {
            return STK_OK;
        }
    }
}

void stk_futex_wake(STK_U32 *word, uint32_t count)
{
    int most = count > INT_MAX ? INT_MAX : (int)count;
    (void)syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
}

/* Compiler and platform of lwIP's sources, as Winlane builds them. */
#ifndef STK_LWIP_ARCH_CC_H
#define STK_LWIP_ARCH_CC_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "stk_lwip_platform.h"

#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_PROVIDE_ERRNO 0
#define LWIP_NO_UNISTD_H 1
#define LWIP_CHKSUM stk_lwip_chksum

#define LWIP_RAND() stk_lwip_random()
#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        stk_lwip_diag x;      \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) stk_lwip_assert_failed(x, __FILE__, __LINE__)

/*
 * The selected instance is a variable of the thread. The initial-exec model makes it one load from the thread's own
 * block, also in a shared library. The build for Windows, where thread-local storage is emulated, defines
 * LWIP_INSTANCE_STORAGE empty on the command line: one thread at a time is in lwIP then.
 */
#ifndef LWIP_INSTANCE_STORAGE
#define LWIP_INSTANCE_STORAGE __thread __attribute__((tls_model("initial-exec")))
#endif

#ifdef NDEBUG
#define LWIP_NOASSERT 1
#endif

#endif

#include "core/client_rio.h"

#include <sys/mman.h>
#include <unistd.h>

size_t stk_client_os_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

bool stk_client_os_pin(void *base, size_t len)
{
    return mlock(base, len) == 0;
}

void stk_client_os_unpin(void *base, size_t len)
{
    (void)munlock(base, len);
}

void *stk_client_os_zero(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

void stk_client_os_zero_free(void *base, size_t bytes)
{
    if (base != NULL) {
        (void)munmap(base, bytes);
    }
}

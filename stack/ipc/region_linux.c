#include "ipc/region.h"

#include <sys/mman.h>

void *stk_region_map(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    if (madvise(base, bytes, MADV_DONTFORK) != 0) {
        (void)munmap(base, bytes);
        return NULL;
    }
    return base;
}

void stk_region_unmap(void *base, size_t bytes)
{
    (void)munmap(base, bytes);
}

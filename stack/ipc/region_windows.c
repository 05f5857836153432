#include "ipc/region.h"

#include <windows.h>

/* Committed at once: the pages are zero and get memory when they are first touched, but all of them count against the
 * system's commit limit. A Windows process has no fork that could inherit them. */
void *stk_region_map(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void stk_region_unmap(void *base, size_t bytes)
{
    (void)bytes;
    (void)VirtualFree(base, 0, MEM_RELEASE);
}

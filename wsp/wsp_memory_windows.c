/** @file Memory on Windows. */
#include "wsp_memory.h"

#include <stdint.h>
#include <windows.h>

_Atomic bool wsp_fence_full = true;

void wsp_fence_setup(void)
{
    atomic_store(&wsp_fence_full, false);
}

void wsp_fence_all(void)
{
    atomic_thread_fence(memory_order_seq_cst);
    FlushProcessWriteBuffers();
}

static enum wsp_memory memory_rights(const MEMORY_BASIC_INFORMATION *region)
{
    if (region->State != MEM_COMMIT || (region->Protect & PAGE_GUARD))
        return WSP_MEMORY_NONE;
    switch (region->Protect & 0xff) {
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return WSP_MEMORY_WRITE;
    case PAGE_READONLY:
    case PAGE_EXECUTE_READ:
        return WSP_MEMORY_READ;
    default:
        return WSP_MEMORY_NONE;
    }
}

enum wsp_memory wsp_memory_access(const void *at, size_t bytes)
{
    uintptr_t next = (uintptr_t)at;
    uintptr_t last = next + bytes - 1;
    enum wsp_memory least = WSP_MEMORY_WRITE;
    MEMORY_BASIC_INFORMATION region;

    if (!at || last < next)
        return WSP_MEMORY_NONE;
    while (least != WSP_MEMORY_NONE && next <= last) {
        enum wsp_memory may = WSP_MEMORY_NONE;

        if (VirtualQuery((const void *)next, &region, sizeof region) != 0) {
            may = memory_rights(&region);
            next = (uintptr_t)region.BaseAddress + region.RegionSize;
        }
        if (may < least)
            least = may;
    }
    return least;
}

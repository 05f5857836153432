#include "core/client_rio.h"

#include <windows.h>

size_t stk_client_os_page(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

bool stk_client_os_pin(void *base, size_t len)
{
    return VirtualLock(base, len) != 0;
}

void stk_client_os_unpin(void *base, size_t len)
{
    (void)VirtualUnlock(base, len);
}

void *stk_client_os_zero(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void stk_client_os_zero_free(void *base, size_t bytes)
{
    (void)bytes;
    if (base != NULL) {
        (void)VirtualFree(base, 0, MEM_RELEASE);
    }
}

#include "stack/os_windows.h"

#include <stddef.h>
#include <windows.h>

#define NS_PER_MS 1000000
#define WAIT_MS_MAX 0x7fffffff

stk_os_proc_fn stk_os_proc(const wchar_t *library, const char *name)
{
    const DWORD error = GetLastError();
    HMODULE module = GetModuleHandleW(library);
    if (module == NULL) {
        module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    }
    FARPROC proc = module != NULL ? GetProcAddress(module, name) : NULL;
    SetLastError(error);
    return (stk_os_proc_fn)proc;
}

uint32_t stk_os_wait_ms(int64_t timeout_ns)
{
    if (timeout_ns < 0) {
        return INFINITE;
    }
    const int64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);
    return ms < WAIT_MS_MAX ? (uint32_t)ms : WAIT_MS_MAX;
}

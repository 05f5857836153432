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

uint32_t stk_os_cpus(void)
{
    DWORD_PTR mine = 0;
    DWORD_PTR all = 0;
    uint32_t count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all)) {
        for (; mine != 0; mine &= mine - 1) {
            count++;
        }
    }
    /* No mask: the process has threads in several groups of processors. */
    if (count == 0) {
        count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    }
    return count > 0 ? count : 1;
}

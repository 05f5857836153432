#include "stack/process.h"

#include "stack/os_windows.h"

#include <stdatomic.h>
#include <stddef.h>
#include <windows.h>

typedef BOOLEAN(WINAPI *ending_fn)(void);

static BOOLEAN WINAPI ending_unknown(void)
{
    return FALSE;
}

bool stk_process_ending(void)
{
    /* ntdll is in every process: nothing is loaded, and threads that find it at once find the same. */
    static _Atomic(ending_fn) found;
    ending_fn ask = atomic_load_explicit(&found, memory_order_relaxed);
    if (ask == NULL) {
        ask = (ending_fn)stk_os_proc(L"ntdll.dll", "RtlDllShutdownInProgress");
        ask = ask != NULL ? ask : ending_unknown;
        atomic_store_explicit(&found, ask, memory_order_relaxed);
    }
    return ask() != FALSE;
}

uint32_t stk_process_cpus(void)
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

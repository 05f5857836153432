/**
 * @file
 * A DLL that calls back when it is detached at the end of the process: other
 * threads are dead by then and the loader's lock is held.
 */
#include <windows.h>

/** Set what is called. */
__declspec(dllexport) void t_detach_set(void (*fn)(void));
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved);

static void (*detach_fn)(void);

void t_detach_set(void (*fn)(void))
{
    detach_fn = fn;
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance;
    if (reason == DLL_PROCESS_DETACH && reserved && detach_fn)
        detach_fn();
    return TRUE;
}

/**
 * @file
 * A DLL that calls back from DllMain, where the loader's lock is held: when a
 * thread begins, and when it is detached at the end of the process, other
 * threads being dead by then.
 */
#include <windows.h>

/** Set what is called at the end of the process. */
__declspec(dllexport) void t_detach_set(void (*fn)(void));
/** Set what is called on the next thread that begins; once. */
__declspec(dllexport) void t_attach_set(void (*fn)(void));
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved);

static void (*detach_fn)(void), (*attach_fn)(void);

void t_detach_set(void (*fn)(void))
{
    detach_fn = fn;
}

void t_attach_set(void (*fn)(void))
{
    attach_fn = fn;
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    void (*fn)(void) = attach_fn;

    (void)instance;
    if (reason == DLL_THREAD_ATTACH && fn) {
        attach_fn = NULL; /* threads that fn starts begin here too */
        fn();
    }
    if (reason == DLL_PROCESS_DETACH && reserved && detach_fn)
        detach_fn();
    return TRUE;
}

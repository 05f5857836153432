#include "core/engine_ops.h"
#include "core/engine_thread.h"

#include <windows.h>

/**
 * The engine's table, for the provider.
 *
 * Context: any thread.
 */
const struct stk_engine_ops *winlane_stack_ops(void);

const struct stk_engine_ops *winlane_stack_ops(void)
{
    return stk_engine_ops_own();
}

/**
 * Only the end of the process matters here, not an unloading: then reserved is NULL, and nobody unloads this.
 *
 * Context: the loader, with its lock.
 */
BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved);

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance;
    if (reason == DLL_PROCESS_DETACH && reserved != NULL) {
        (void)stk_engine_process_detach();
    }
    return TRUE;
}

/*
 * Per-thread data, Windows: in a fiber-local slot, whose callback frees it when the thread ends. The compiler's own
 * thread-local variables would be emulated with a lock and a search.
 */
#include "ws2_thread_windows.h"

#include "ws2_afd_windows.h"
#include "ws2_backing_windows.h"

#include <stdlib.h>

static INIT_ONCE thread_once = INIT_ONCE_STATIC_INIT;
static DWORD thread_slot = FLS_OUT_OF_INDEXES;

static void WINAPI thread_ended(void *argument)
{
    struct ws2_thread *thread = (struct ws2_thread *)argument;
    if (thread == NULL) {
        return;
    }
    ws2_afd_thread_ended();
    if (thread->self != NULL) {
        (void)ws2_apc_close(thread->self);
    }
    free(thread);
}

static BOOL WINAPI thread_slot_make(PINIT_ONCE once, PVOID argument, PVOID *context)
{
    HMODULE self;
    (void)once;
    (void)argument;
    (void)context;
    /* Threads end after a program has freed the library, too: their callback must still be there. */
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCWSTR)(void *)&thread_slot, &self);
    thread_slot = FlsAlloc(thread_ended);
    return TRUE;
}

/** The calling thread's record, made at the first call; NULL when memory is short. The last error is as before. */
struct ws2_thread *ws2_thread_self(void)
{
    DWORD before = GetLastError();
    struct ws2_thread *thread = NULL;
    if (InitOnceExecuteOnce(&thread_once, thread_slot_make, NULL, NULL) && thread_slot != FLS_OUT_OF_INDEXES) {
        thread = (struct ws2_thread *)FlsGetValue(thread_slot);
        if (thread == NULL) {
            thread = (struct ws2_thread *)calloc(1, sizeof *thread);
            if (thread != NULL && !FlsSetValue(thread_slot, thread)) {
                free(thread);
                thread = NULL;
            }
        }
    }
    SetLastError(before);
    return thread;
}

/** The calling thread's Winsock data; NULL when memory is short. Context: any thread. */
struct ws2_thread_data *ws2_thread_data(void)
{
    struct ws2_thread *thread = ws2_thread_self();
    return thread == NULL ? NULL : &thread->data;
}

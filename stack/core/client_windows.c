#include "core/client_priv.h"

#include "stack/os_windows.h"
#include "stack/tls_windows.h"

#include <process.h>
#include <stdlib.h>
#include <windows.h>

/** What a new thread is to run. */
struct run_call {
    void *(*fn)(void *arg);
    void *arg;
};

static INIT_ONCE watch_once = INIT_ONCE_STATIC_INIT;
static struct stk_tls self_slot;
static DWORD end_slot = FLS_OUT_OF_INDEXES; /* a fiber slot: its callback is how the end of a thread is noticed */
static bool watching;

/*
 * Called when a thread ends, or when a fiber is deleted, which may be on another thread while the owner runs: then the
 * owner keeps what it has until the process ends.
 */
static VOID WINAPI thread_ended(PVOID value)
{
    struct client_thread *ended = value;
    if (ended == NULL || stk_process_ending() || ended != stk_tls_get(&self_slot)) {
        return;
    }
    const uint32_t thread = ended->id;
    stk_tls_set(&self_slot, NULL);
    free(ended);
    stk_client_thread_end(thread);
}

static BOOL CALLBACK watch_start(PINIT_ONCE once, PVOID parameter, PVOID *context)
{
    HMODULE own = NULL;
    (void)once;
    (void)parameter;
    (void)context;
    /* Threads of this process come back into this module's code: it stays. */
    (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                             (LPCWSTR)(uintptr_t)&thread_ended, &own);
    end_slot = FlsAlloc(thread_ended);
    watching = end_slot != FLS_OUT_OF_INDEXES && stk_tls_make(&self_slot);
    return TRUE;
}

void stk_client_os_fork_watch(void)
{
    (void)InitOnceExecuteOnce(&watch_once, watch_start, NULL, NULL);
}

bool stk_client_os_owner(void)
{
    return true; /* no process begins as a copy of another */
}

static struct client_thread *self_make(void)
{
    stk_client_os_fork_watch();
    if (!watching) {
        return NULL;
    }
    struct client_thread *self = stk_tls_get(&self_slot);
    if (self != NULL) {
        return self;
    }
    self = calloc(1, sizeof(*self));
    if (self == NULL || !FlsSetValue(end_slot, self)) {
        free(self);
        return NULL;
    }
    self->id = GetCurrentThreadId();
    stk_tls_set(&self_slot, self);
    return self;
}

struct client_thread *stk_client_os_self(void)
{
    /* No offset: not yet looked at, or a slot that the system keeps elsewhere. */
    struct client_thread *self = atomic_load_explicit(&self_slot.offset, memory_order_relaxed) != 0
                                     ? stk_tls_get(&self_slot)
                                     : NULL;
    return self != NULL ? self : self_make();
}

uint32_t stk_client_os_thread(void)
{
    return GetCurrentThreadId();
}

static unsigned __stdcall run_main(void *arg)
{
    struct run_call call = *(struct run_call *)arg;
    free(arg);
    (void)call.fn(call.arg);
    return 0;
}

int stk_client_os_run(void *(*fn)(void *arg), void *arg)
{
    struct run_call *call = malloc(sizeof(*call));
    if (call == NULL) {
        return STK_ENOMEM;
    }
    *call = (struct run_call){.fn = fn, .arg = arg};
    const uintptr_t thread = _beginthreadex(NULL, 0, run_main, call, 0, NULL);
    if (thread == 0) {
        free(call);
        return STK_ENOMEM;
    }
    (void)CloseHandle((HANDLE)thread);
    return STK_OK;
}

typedef int(__cdecl *onexit_fn)(void);
typedef onexit_fn(__cdecl *msvcrt_onexit_fn)(onexit_fn fn);
typedef int(__cdecl *ucrt_atexit_fn)(void(__cdecl *fn)(void));

static void (*exit_fn)(void);

static int __cdecl exit_msvcrt(void)
{
    exit_fn();
    return 0;
}

static void __cdecl exit_ucrt(void)
{
    exit_fn();
}

/*
 * A DLL's own atexit runs in DllMain, when the other threads are dead. The C libraries that programs share run what is
 * registered with them in exit(), before that; which of them the program uses is not known, so all that are here. A program
 * with a C library of its own, or that calls ExitProcess, gets the engine's reset in DllMain and this call too late.
 */
bool stk_client_os_exit_watch(void (*fn)(void))
{
    exit_fn = fn;
    bool watched = atexit(fn) == 0;
    msvcrt_onexit_fn msvcrt = (msvcrt_onexit_fn)stk_os_proc(L"msvcrt.dll", "_onexit");
    watched |= msvcrt != NULL && msvcrt(exit_msvcrt) != NULL;
    if (GetModuleHandleW(L"ucrtbase.dll") != NULL) {
        ucrt_atexit_fn ucrt = (ucrt_atexit_fn)stk_os_proc(L"ucrtbase.dll", "_crt_atexit");
        watched |= ucrt != NULL && ucrt(exit_ucrt) == 0;
    }
    return watched;
}

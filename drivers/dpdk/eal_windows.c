#include "dpdk_priv.h"

#include <rte_lcore.h>

#include <process.h>
#include <stdio.h>
#include <windows.h>

#include "stack/process.h"

/* A fiber slot rather than a thread-local variable: this compiler makes a slow call of those, and it has no end of thread. */
static INIT_ONCE slot_once = INIT_ONCE_STATIC_INIT;
static DWORD slot = FLS_OUT_OF_INDEXES;
/** What the slot holds, once a thread was here: by their addresses. */
static char registered, as_it_was;

uint64_t drv_dpdk_os_hugepages_free_mb(void)
{
    return 0; /* large pages are a privilege that one asks for: hugepages = yes */
}

bool drv_dpdk_os_eal_args(struct dpdk_eal_args *args)
{
    DWORD_PTR mine = 1, all = 1;
    char processors[512] = "";
    size_t used = 0;

    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) || mine == 0)
        mine = 1; /* of several groups: the first processor, as the thread that is pinned there ends at once */
    for (unsigned cpu = 0; cpu < 64; cpu++) {
        if ((mine >> cpu & 1) != 0)
            used += (size_t)snprintf(processors + used, sizeof(processors) - used, "%s%u", used == 0 ? "" : ",", cpu);
    }
    /* One logical core that floats over all our processors: EAL starts no threads and pins none. */
    return drv_dpdk_eal_args_add(args, "--lcores=0@(%s)", processors);
}

static unsigned __stdcall eal_thread(void *init)
{
    (*(void (**)(void))init)();
    return 0;
}

bool drv_dpdk_os_eal_thread(void (*init)(void))
{
    HMODULE module;
    HANDLE thread;

    /* EAL's own threads and the callback below are code of this module, which therefore stays. */
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                            (const wchar_t *)(const void *)&slot, &module))
        return false;
    thread = (HANDLE)_beginthreadex(NULL, 0, eal_thread, &init, 0, NULL);
    if (thread == NULL)
        return false;
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    return true;
}

static void WINAPI thread_leave(void *entered)
{
    /* At the end of the process the other threads are dead already, maybe with EAL's lock. */
    if (entered == &registered && !stk_process_ending())
        rte_thread_unregister();
}

static BOOL CALLBACK slot_make(INIT_ONCE *once, void *unused, void **out)
{
    (void)once, (void)unused, (void)out;
    slot = FlsAlloc(thread_leave);
    return TRUE;
}

void drv_dpdk_thread_enter(void)
{
    char *entered;

    (void)InitOnceExecuteOnce(&slot_once, slot_make, NULL, NULL);
    if (slot == FLS_OUT_OF_INDEXES || FlsGetValue(slot) != NULL)
        return;
    /* Without it everything works through the pools' common rings, slower. */
    entered = rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0 ? &registered : &as_it_was;
    (void)FlsSetValue(slot, entered);
}

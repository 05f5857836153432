#include "core/engine_thread_priv.h"

#include "stack/clock.h"
#include "stack/log.h"
#include "stack/os_windows.h"

#include <process.h>
#include <windows.h>

_Static_assert(STK_CONF_PORTS_MAX + 1 <= MAXIMUM_WAIT_OBJECTS, "one wait takes them all");

const uint64_t stk_engine_os_nap_ns_min = STK_MS_NS;

/** The engine that the end of the process finds; the first one with a poll thread. */
static struct stk_engine *_Atomic process_engine;

static unsigned __stdcall thread_main(void *arg)
{
    stk_engine_poll(arg);
    return 0;
}

bool stk_engine_os_start(struct stk_engine *engine)
{
    engine->thread->handle = _beginthreadex(NULL, 0, thread_main, engine, 0, NULL);
    if (engine->thread->handle == 0) {
        return false;
    }
    struct stk_engine *nobody = NULL;
    (void)atomic_compare_exchange_strong_explicit(&process_engine, &nobody, engine, memory_order_release,
                                                  memory_order_relaxed);
    return true;
}

/* Processors are counted through their groups, of at most 64 each. */
static void cpu_pin(int32_t cpu)
{
    if (cpu < 0) {
        return;
    }
    uint32_t left = (uint32_t)cpu;
    const WORD groups = GetActiveProcessorGroupCount();
    for (WORD group = 0; group < groups; group++) {
        const DWORD count = GetActiveProcessorCount(group);
        if (left < count) {
            const GROUP_AFFINITY affinity = {.Mask = (KAFFINITY)1 << left, .Group = group};
            if (SetThreadGroupAffinity(GetCurrentThread(), &affinity, NULL)) {
                return;
            }
            break;
        }
        left -= count;
    }
    stk_log(STK_LOG_WARN, "engine: poll thread not pinned to processor %d: error %lu", cpu, GetLastError());
}

typedef HRESULT(WINAPI *describe_fn)(HANDLE thread, PCWSTR description);

static void name_set(void)
{
    describe_fn describe = (describe_fn)stk_os_proc(L"kernelbase.dll", "SetThreadDescription");
    if (describe != NULL) {
        (void)describe(GetCurrentThread(), L"winlane-poll");
    }
}

void stk_engine_os_self(int32_t cpu)
{
    name_set();
    cpu_pin(cpu);
}

bool stk_engine_os_wait(const intptr_t *waits, uint32_t count, uint64_t wait_ns)
{
    HANDLE handles[STK_CONF_PORTS_MAX + 1];
    for (uint32_t i = 0; i < count; i++) {
        handles[i] = (HANDLE)waits[i];
    }
    return WaitForMultipleObjects(count, handles, FALSE, stk_os_wait_ms((int64_t)wait_ns)) != WAIT_FAILED;
}

bool stk_engine_os_dead(const struct stk_engine_thread *thread)
{
    return WaitForSingleObject((HANDLE)thread->handle, 0) == WAIT_OBJECT_0;
}

void stk_engine_os_stopping(struct stk_engine *engine)
{
    struct stk_engine *mine = engine;
    (void)atomic_compare_exchange_strong_explicit(&process_engine, &mine, NULL, memory_order_relaxed,
                                                  memory_order_relaxed);
}

void stk_engine_os_join(struct stk_engine_thread *thread)
{
    (void)WaitForSingleObject((HANDLE)thread->handle, INFINITE);
    (void)CloseHandle((HANDLE)thread->handle);
}

bool stk_engine_process_detach(void)
{
    struct stk_engine *engine = atomic_load_explicit(&process_engine, memory_order_acquire);
    if (engine == NULL || !stk_engine_os_dead(engine->thread)) {
        return false;
    }
    struct stk_engine_thread *thread = engine->thread;
    atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_LOST, memory_order_release);
    /* Some systems say that a thread is dead a little before it is. */
    atomic_store_explicit(&thread->wanted, THREAD_STOP, memory_order_seq_cst);
    FlushProcessWriteBuffers();
    if (atomic_load_explicit(&thread->in_step, memory_order_acquire) != 0) {
        return false; /* it died in the middle of a turn: nothing in there can be relied on, a lock of a driver may be held */
    }
    engine->now_ns = engine->env.now_ns(engine->env.ctx);
    stk_engine_reset_all(engine);
    return true;
}

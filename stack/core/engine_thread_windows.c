#include "core/engine_thread.h"

#include "ipc/bell.h"
#include "ipc/futex.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"
#include "stack/os_windows.h"

#include <process.h>
#include <stdlib.h>
#include <windows.h>

#define SPIN_ADAPTIVE_NS (200 * UINT64_C(1000))
/** The shortest nap that the system's waits can be asked for. */
#define NAP_FIRST_NS STK_MS_NS

/** Turns that share a reading of the clock, less one: an idle turn is cheaper than the reading, and time is needed to
 * about a microsecond. */
#define CLOCK_TURNS 15u

/** What the poll thread is asked to be; it answers in now. */
enum thread_mode { THREAD_RUN = 0, THREAD_PARK = 1, THREAD_STOP = 2, THREAD_STARTING = 3 };

struct stk_engine_thread {
    HANDLE handle;
    _Atomic uint32_t wanted;  /* enum thread_mode; futex */
    _Atomic uint32_t now;     /* enum thread_mode; futex */
    _Atomic uint32_t in_step; /* 1: inside of a turn. Written by the poll thread, read when that is dead */
    uint64_t spin_ns;         /* STK_NEVER: endless */
    uint64_t idle_since_ns;
    uint64_t nap_ns;
    HANDLE waits[STK_CONF_PORTS_MAX + 1]; /* the bell, then the ports */
    DWORD waits_count;                    /* 0: a port has nothing to wait on, nap */
};

_Static_assert(STK_CONF_PORTS_MAX + 1 <= MAXIMUM_WAIT_OBJECTS, "one wait takes them all");

/** The engine that the end of the process finds; the first one with a poll thread. */
static struct stk_engine *_Atomic process_engine;

static uint64_t spin_ns_choose(int32_t spin_us)
{
    if (spin_us == -1) {
        return STK_NEVER;
    }
    if (spin_us >= 0) {
        return (uint64_t)spin_us * 1000;
    }
    return stk_os_cpus() < 2 ? 0 : SPIN_ADAPTIVE_NS;
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

/* With a wait handle on every port the thread sleeps on them and on its bell; otherwise it naps. */
static void waits_collect(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    thread->waits_count = 0;
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        const intptr_t handle = nic_port_wait_handle(engine->ports[i]);
        if (handle < 0) {
            return;
        }
        thread->waits[i + 1] = (HANDLE)handle;
    }
    engine->region.bell_fd = stk_bell_fd_open();
    if (engine->region.bell_fd < 0) {
        return;
    }
    thread->waits[0] = (HANDLE)engine->region.bell_fd;
    thread->waits_count = engine->ports_count + 1;
}

static void sleep_for(struct stk_engine *engine, uint64_t bound_ns)
{
    struct stk_engine_thread *thread = engine->thread;
    const bool by_handle = thread->waits_count > 0;
    uint64_t wait_ns = by_handle || thread->nap_ns > bound_ns ? bound_ns : thread->nap_ns;
    if (!stk_bell_sleep_begin(&engine->region, by_handle ? STK_BELL_FD : STK_BELL_FUTEX)) {
        return;
    }
    engine->stats.sleeps++;
    wait_ns = wait_ns > STK_S_NS ? STK_S_NS : wait_ns;
    if (by_handle) {
        const DWORD ms = stk_os_wait_ms((int64_t)wait_ns);
        if (WaitForMultipleObjects(thread->waits_count, thread->waits, FALSE, ms) == WAIT_FAILED) {
            thread->waits_count = 0; /* a port's handle is gone: nap */
        }
    } else {
        stk_bell_sleep(&engine->region, (int64_t)wait_ns);
    }
    stk_bell_sleep_end(&engine->region);
    engine->clock_left = 0;
}

static void idle(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    const uint64_t now_ns = engine->now_ns;
    if (thread->idle_since_ns == 0) {
        thread->idle_since_ns = now_ns;
        thread->nap_ns = NAP_FIRST_NS;
    }
    if (thread->spin_ns == STK_NEVER) {
        return; /* the processor is this thread's own: a pause would only delay the next look */
    }
    if (now_ns - thread->idle_since_ns < thread->spin_ns) {
        stk_cpu_relax();
        return;
    }
    const uint64_t next = stk_engine_next_event_ns(engine);
    if (next <= now_ns) {
        return;
    }
    sleep_for(engine, next == STK_NEVER ? STK_S_NS : next - now_ns);
    const uint64_t nap_max = (uint64_t)engine->conf.nap_us_max * 1000;
    thread->nap_ns = thread->nap_ns * 2 < nap_max ? thread->nap_ns * 2 : nap_max;
}

static void mode_answer(struct stk_engine_thread *thread, uint32_t mode)
{
    atomic_store_explicit(&thread->now, mode, memory_order_seq_cst);
    stk_futex_wake(&thread->now, INT32_MAX);
}

static void parked(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    engine->stats.parks++;
    atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_PARKED, memory_order_release);
    mode_answer(thread, THREAD_PARK);
    while (atomic_load_explicit(&thread->wanted, memory_order_seq_cst) == THREAD_PARK) {
        (void)stk_futex_wait(&thread->wanted, THREAD_PARK, -1);
    }
    atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_RUNNING, memory_order_release);
    thread->idle_since_ns = 0;
    engine->clock_left = 0;
}

/*
 * One turn, unless something else than running is wanted. The mark is up before the wish is read: who changes the wish, has
 * the processors' writes flushed and then finds the mark down knows that no turn begins any more. No fence here: the flush
 * is one for both.
 */
static uint32_t turn(struct stk_engine *engine, uint32_t *work)
{
    struct stk_engine_thread *thread = engine->thread;
    atomic_store_explicit(&thread->in_step, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    const uint32_t wanted = atomic_load_explicit(&thread->wanted, memory_order_relaxed);
    if (wanted == THREAD_RUN) {
        *work = stk_engine_step(engine);
    }
    atomic_store_explicit(&thread->in_step, 0, memory_order_release);
    return wanted;
}

static unsigned __stdcall poll_thread(void *arg)
{
    struct stk_engine *engine = arg;
    struct stk_engine_thread *thread = engine->thread;
    name_set();
    engine->clock_turns = CLOCK_TURNS;
    thread->spin_ns = spin_ns_choose(engine->conf.spin_us);
    cpu_pin(engine->conf.poll_cpu);
    waits_collect(engine);
    mode_answer(thread, THREAD_RUN);
    for (;;) {
        uint32_t work = 0;
        const uint32_t wanted = turn(engine, &work);
        if (wanted == THREAD_STOP) {
            break;
        }
        if (wanted == THREAD_PARK) {
            parked(engine);
            mode_answer(thread, THREAD_RUN);
        } else if (work != 0) {
            thread->idle_since_ns = 0;
        } else {
            idle(engine);
        }
    }
    mode_answer(thread, THREAD_STOP);
    return 0;
}

int stk_engine_thread_start(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL) {
        return STK_ENOMEM;
    }
    /* No answer yet: a thread that is asked to park before it ran must not seem parked. */
    atomic_init(&thread->now, THREAD_STARTING);
    engine->thread = thread;
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, poll_thread, engine, 0, NULL);
    if (thread->handle == NULL) {
        engine->thread = NULL;
        free(thread);
        return STK_ENOMEM;
    }
    struct stk_engine *nobody = NULL;
    (void)atomic_compare_exchange_strong_explicit(&process_engine, &nobody, engine, memory_order_release,
                                                  memory_order_relaxed);
    return STK_OK;
}

static bool thread_dead(const struct stk_engine_thread *thread)
{
    return WaitForSingleObject(thread->handle, 0) == WAIT_OBJECT_0;
}

/* A thread that the end of the process killed answers nothing. */
static void mode_set(struct stk_engine *engine, uint32_t mode)
{
    struct stk_engine_thread *thread = engine->thread;
    atomic_store_explicit(&thread->wanted, mode, memory_order_seq_cst);
    stk_futex_wake(&thread->wanted, INT32_MAX);
    stk_bell_ring(&engine->region);
    while (!thread_dead(thread)) {
        const uint32_t now = atomic_load_explicit(&thread->now, memory_order_seq_cst);
        if (now == mode) {
            return;
        }
        (void)stk_futex_wait(&thread->now, now, 10 * (int64_t)STK_MS_NS);
        stk_bell_ring(&engine->region);
    }
}

int stk_engine_park(struct stk_engine *engine)
{
    if (engine->thread == NULL) {
        return STK_EINVAL;
    }
    mode_set(engine, THREAD_PARK);
    return STK_OK;
}

int stk_engine_unpark(struct stk_engine *engine)
{
    if (engine->thread == NULL) {
        return STK_EINVAL;
    }
    mode_set(engine, THREAD_RUN);
    return STK_OK;
}

void stk_engine_thread_stop(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    if (thread == NULL) {
        return;
    }
    struct stk_engine *mine = engine;
    (void)atomic_compare_exchange_strong_explicit(&process_engine, &mine, NULL, memory_order_relaxed,
                                                  memory_order_relaxed);
    mode_set(engine, THREAD_STOP);
    (void)WaitForSingleObject(thread->handle, INFINITE);
    (void)CloseHandle(thread->handle);
    if (engine->region.bell_fd >= 0) {
        stk_bell_fd_close(engine->region.bell_fd);
        engine->region.bell_fd = -1;
    }
    engine->thread = NULL;
    free(thread);
}

bool stk_engine_process_detach(void)
{
    struct stk_engine *engine = atomic_load_explicit(&process_engine, memory_order_acquire);
    if (engine == NULL || !thread_dead(engine->thread)) {
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

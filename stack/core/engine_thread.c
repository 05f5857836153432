#include "core/engine_thread_priv.h"

#include "ipc/bell.h"
#include "ipc/futex.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/process.h"

#include <stdlib.h>

#define SPIN_ADAPTIVE_NS (200 * UINT64_C(1000))

/** Turns that share a reading of the clock, less one: an idle turn is cheaper than the reading, and time is needed to
 * about a microsecond. */
#define CLOCK_TURNS 15u

static uint64_t spin_ns_choose(int32_t spin_us)
{
    if (spin_us == -1) {
        return STK_NEVER;
    }
    if (spin_us >= 0) {
        return (uint64_t)spin_us * 1000;
    }
    return stk_process_cpus() < 2 ? 0 : SPIN_ADAPTIVE_NS;
}

/* With a wait handle on every port the thread sleeps on them and on its bell; otherwise it naps. */
static void waits_collect(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    thread->waits_count = 0;
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        thread->waits[i + 1] = nic_port_wait_handle(engine->ports[i]);
        if (thread->waits[i + 1] < 0) {
            return;
        }
    }
    engine->region.bell_fd = stk_bell_fd_open();
    if (engine->region.bell_fd < 0) {
        return;
    }
    thread->waits[0] = engine->region.bell_fd;
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
    if (!by_handle) {
        stk_bell_sleep(&engine->region, (int64_t)wait_ns);
    } else if (!stk_engine_os_wait(thread->waits, thread->waits_count, wait_ns)) {
        thread->waits_count = 0; /* a port's handle is gone: nap */
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
        thread->nap_ns = stk_engine_os_nap_ns_min;
    }
    if (thread->spin_ns == STK_NEVER) {
        return; /* the processor is this thread's own: a pause would only delay the next look */
    }
    if (now_ns - thread->idle_since_ns < thread->spin_ns) {
        stk_cpu_relax();
        return;
    }
    const uint64_t next = stk_engine_next_event_ns(engine);
    if (next <= now_ns || stk_engine_watch_end(engine)) {
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
 * the processors' writes flushed and then finds the mark down knows that no turn begins any more
 * (stk_engine_process_detach, Windows). No fence here: the flush is one for both.
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

void stk_engine_poll(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    engine->clock_turns = CLOCK_TURNS;
    thread->spin_ns = spin_ns_choose(engine->conf.spin_us);
    stk_engine_os_self(engine->conf.poll_cpu);
    waits_collect(engine);
    if (thread->spin_ns > 0) {
        stk_engine_watch_begin(engine);
    }
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
    if (!stk_engine_os_start(engine)) {
        engine->thread = NULL;
        free(thread);
        return STK_ENOMEM;
    }
    return STK_OK;
}

/* A thread that the end of the process killed answers nothing. */
static void mode_set(struct stk_engine *engine, uint32_t mode)
{
    struct stk_engine_thread *thread = engine->thread;
    atomic_store_explicit(&thread->wanted, mode, memory_order_seq_cst);
    stk_futex_wake(&thread->wanted, INT32_MAX);
    stk_bell_ring(&engine->region);
    while (!stk_engine_os_dead(thread)) {
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
    stk_engine_os_stopping(engine);
    mode_set(engine, THREAD_STOP);
    stk_engine_os_join(thread);
    if (engine->region.bell_fd >= 0) {
        stk_bell_fd_close(engine->region.bell_fd);
        engine->region.bell_fd = -1;
    }
    engine->thread = NULL;
    free(thread);
}

#include "core/engine_thread.h"

#include "ipc/bell.h"
#include "ipc/futex.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#define SPIN_ADAPTIVE_NS (200 * UINT64_C(1000))
#define NAP_FIRST_NS (20 * UINT64_C(1000))

/** Turns that share a reading of the clock, less one: an idle turn is cheaper than the reading, and time is needed to
 * about a microsecond. */
#define CLOCK_TURNS 15u

/** What the poll thread is asked to be; it answers in now. */
enum thread_mode { THREAD_RUN = 0, THREAD_PARK = 1, THREAD_STOP = 2, THREAD_STARTING = 3 };

struct stk_engine_thread {
    pthread_t handle;
    _Atomic uint32_t wanted; /* enum thread_mode; futex */
    _Atomic uint32_t now;    /* enum thread_mode; futex */
    uint64_t spin_ns;        /* STK_NEVER: endless */
    uint64_t idle_since_ns;
    uint64_t nap_ns;
    struct pollfd fds[STK_CONF_PORTS_MAX + 1];
    nfds_t fds_count; /* 0: a port has nothing to wait on, nap */
};

static uint32_t cpus_allowed(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    return (uint32_t)CPU_COUNT(&set);
}

static uint64_t spin_ns_choose(int32_t spin_us)
{
    if (spin_us == -1) {
        return STK_NEVER;
    }
    if (spin_us >= 0) {
        return (uint64_t)spin_us * 1000;
    }
    return cpus_allowed() < 2 ? 0 : SPIN_ADAPTIVE_NS;
}

static void cpu_pin(int32_t cpu)
{
    if (cpu < 0) {
        return;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    const int err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    if (err != 0) {
        stk_log(STK_LOG_WARN, "engine: poll thread not pinned to processor %d: error %d", cpu, err);
    }
}

/* With a descriptor on every port the thread sleeps on them and on its bell; otherwise it naps. */
static void wait_fds_collect(struct stk_engine *engine)
{
    struct stk_engine_thread *thread = engine->thread;
    thread->fds_count = 0;
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        const intptr_t fd = nic_port_wait_handle(engine->ports[i]);
        if (fd < 0) {
            return;
        }
        thread->fds[i + 1] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
    }
    engine->region.bell_fd = stk_bell_fd_open();
    if (engine->region.bell_fd < 0) {
        return;
    }
    thread->fds[0] = (struct pollfd){.fd = (int)engine->region.bell_fd, .events = POLLIN};
    thread->fds_count = engine->ports_count + 1;
}

static void sleep_for(struct stk_engine *engine, uint64_t bound_ns)
{
    struct stk_engine_thread *thread = engine->thread;
    const bool by_fd = thread->fds_count > 0;
    uint64_t wait_ns = by_fd || thread->nap_ns > bound_ns ? bound_ns : thread->nap_ns;
    if (!stk_bell_sleep_begin(&engine->region, by_fd ? STK_BELL_FD : STK_BELL_FUTEX)) {
        return;
    }
    engine->stats.sleeps++;
    wait_ns = wait_ns > STK_S_NS ? STK_S_NS : wait_ns;
    if (by_fd) {
        const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / STK_S_NS), .tv_nsec = (long)(wait_ns % STK_S_NS)};
        (void)ppoll(thread->fds, thread->fds_count, &timeout, NULL);
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

static void *poll_thread(void *arg)
{
    struct stk_engine *engine = arg;
    struct stk_engine_thread *thread = engine->thread;
    (void)pthread_setname_np(pthread_self(), "winlane-poll");
    engine->clock_turns = CLOCK_TURNS;
    thread->spin_ns = spin_ns_choose(engine->conf.spin_us);
    cpu_pin(engine->conf.poll_cpu);
    wait_fds_collect(engine);
    mode_answer(thread, THREAD_RUN);
    for (;;) {
        const uint32_t wanted = atomic_load_explicit(&thread->wanted, memory_order_relaxed);
        if (wanted == THREAD_STOP) {
            break;
        }
        if (wanted == THREAD_PARK) {
            parked(engine);
            mode_answer(thread, THREAD_RUN);
            continue;
        }
        if (stk_engine_step(engine) != 0) {
            thread->idle_since_ns = 0;
        } else {
            idle(engine);
        }
    }
    mode_answer(thread, THREAD_STOP);
    return NULL;
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
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int err = pthread_create(&thread->handle, NULL, poll_thread, engine);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0) {
        engine->thread = NULL;
        free(thread);
        return STK_ENOMEM;
    }
    return STK_OK;
}

static void mode_set(struct stk_engine *engine, uint32_t mode)
{
    struct stk_engine_thread *thread = engine->thread;
    atomic_store_explicit(&thread->wanted, mode, memory_order_seq_cst);
    stk_futex_wake(&thread->wanted, INT32_MAX);
    stk_bell_ring(&engine->region);
    for (;;) {
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
    mode_set(engine, THREAD_STOP);
    (void)pthread_join(thread->handle, NULL);
    if (engine->region.bell_fd >= 0) {
        stk_bell_fd_close(engine->region.bell_fd);
        engine->region.bell_fd = -1;
    }
    engine->thread = NULL;
    free(thread);
}

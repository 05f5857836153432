#include "core/engine_thread_priv.h"

#include "stack/clock.h"
#include "stack/log.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

_Static_assert(sizeof(pthread_t) <= sizeof(uintptr_t), "a thread's handle");

const uint64_t stk_engine_os_nap_ns_min = 20 * UINT64_C(1000);

static void *thread_main(void *arg)
{
    stk_engine_poll(arg);
    return NULL;
}

bool stk_engine_os_start(struct stk_engine *engine)
{
    pthread_t id;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int err = pthread_create(&id, NULL, thread_main, engine);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0) {
        engine->thread->handle = (uintptr_t)id;
    }
    return err == 0;
}

void stk_engine_os_self(int32_t cpu)
{
    (void)pthread_setname_np(pthread_self(), "winlane-poll");
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

bool stk_engine_os_wait(const intptr_t *waits, uint32_t count, uint64_t wait_ns)
{
    struct pollfd fds[STK_CONF_PORTS_MAX + 1];
    const struct timespec timeout = {.tv_sec = (time_t)(wait_ns / STK_S_NS), .tv_nsec = (long)(wait_ns % STK_S_NS)};
    for (uint32_t i = 0; i < count; i++) {
        fds[i] = (struct pollfd){.fd = (int)waits[i], .events = POLLIN};
    }
    (void)ppoll(fds, count, &timeout, NULL);
    return true;
}

bool stk_engine_os_dead(const struct stk_engine_thread *thread)
{
    (void)thread;
    return false; /* nothing ends a thread of Linux but itself and the process */
}

void stk_engine_os_stopping(struct stk_engine *engine)
{
    (void)engine;
}

void stk_engine_os_join(struct stk_engine_thread *thread)
{
    (void)pthread_join((pthread_t)thread->handle, NULL);
}

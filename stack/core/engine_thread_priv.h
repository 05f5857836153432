/**
 * @file
 * Inside the poll thread: what it is, and what it asks of the platform
 * (engine_thread_linux.c, engine_thread_windows.c).
 */
#ifndef STACK_CORE_ENGINE_THREAD_PRIV_H
#define STACK_CORE_ENGINE_THREAD_PRIV_H

#include "core/engine_thread.h"

#include <stdbool.h>

/** What the poll thread is asked to be; it answers in now. */
enum thread_mode { THREAD_RUN = 0, THREAD_PARK = 1, THREAD_STOP = 2, THREAD_STARTING = 3 };

struct stk_engine_thread {
    uintptr_t handle;         /* the platform's */
    _Atomic uint32_t wanted;  /* enum thread_mode; futex */
    _Atomic uint32_t now;     /* enum thread_mode; futex */
    _Atomic uint32_t in_step; /* 1: inside of a turn. Written by the poll thread, read when that is dead */
    uint64_t spin_ns;         /* STK_NEVER: endless */
    uint64_t idle_since_ns;
    uint64_t nap_ns;
    uint32_t waits_count;                   /* 0: a port has nothing to wait on, nap */
    intptr_t waits[STK_CONF_PORTS_MAX + 1]; /* the bell, then the ports */
};

/** What the poll thread runs, until it is asked to stop. Context: the engine's thread. */
void stk_engine_poll(struct stk_engine *engine);

/* --- The platform's ------------------------------------------------------- */

/** The first nap of an idle engine, ns: the shortest that the system's waits can be asked for, if that is long. */
extern const uint64_t stk_engine_os_nap_ns_min;

/** Start a thread that runs stk_engine_poll, signals blocked; stores thread->handle. @return false: no thread. */
bool stk_engine_os_start(struct stk_engine *engine);

/** Name the calling thread, and pin it unless cpu is negative; a processor that is not there is logged. */
void stk_engine_os_self(int32_t cpu);

/** Sleep until one of the handles is signalled, at most wait_ns. @return false: they cannot be waited on. */
bool stk_engine_os_wait(const intptr_t *waits, uint32_t count, uint64_t wait_ns);

/** Has the thread ended without being asked? Context: any thread. */
bool stk_engine_os_dead(const struct stk_engine_thread *thread);

/** The engine's thread is about to be stopped. Context: any thread but the engine's. */
void stk_engine_os_stopping(struct stk_engine *engine);

/** Wait for the thread's end and give its handle back. */
void stk_engine_os_join(struct stk_engine_thread *thread);

#endif

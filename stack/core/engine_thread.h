/**
 * @file
 * The engine's poll thread: one file per platform implements it.
 */
#ifndef STACK_CORE_ENGINE_THREAD_H
#define STACK_CORE_ENGINE_THREAD_H

#include "core/engine_priv.h"

/** Stop and join the poll thread; nothing if there is none. Context: any thread but the engine's. */
void stk_engine_thread_stop(struct stk_engine *engine);

#endif

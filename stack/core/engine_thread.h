/**
 * @file
 * The engine's poll thread.
 */
#ifndef STACK_CORE_ENGINE_THREAD_H
#define STACK_CORE_ENGINE_THREAD_H

#include "core/engine_priv.h"

/** Stop and join the poll thread; nothing if there is none. Context: any thread but the engine's. */
void stk_engine_thread_stop(struct stk_engine *engine);

/**
 * Windows: the process ends and has killed the poll thread. Reset every connection from this thread, if the poll thread
 * did not die inside of a turn. Calls of the application's side fail from here on instead of waiting.
 *
 * @return  true: the resets were handed to the ports.
 *
 * Context: DllMain at process detach, with the loader's lock. Takes no lock that another thread may hold, does not wait.
 */
bool stk_engine_process_detach(void);

#endif

/**
 * @file
 * The engine: region, instances, ports and endpoints, stepped by one thread.
 *
 * Owner: who created it. Without a thread of its own (tests, replay) the owner
 * steps it, in real or virtual time; stk_engine_thread_start hands it to a
 * poll thread, and from then on only the functions that say so may be called
 * from elsewhere.
 */
#ifndef STACK_CORE_ENGINE_H
#define STACK_CORE_ENGINE_H

#include "ipc/region.h"
#include "stack/config.h"

#include <stddef.h>
#include <stdint.h>

struct stk_engine;

/** Time and randomness of an engine; both set. Called on the engine's thread. */
struct stk_engine_env {
    uint64_t (*now_ns)(void *ctx);
    void (*random)(void *ctx, void *buf, uint32_t len);
    void *ctx;
};

/** The environment of engines that run in real time. */
extern const struct stk_engine_env stk_engine_env_real;

/**
 * Make an engine: check every port's configuration, then open the ports, make
 * the instances and the region.
 *
 * @param conf   Borrowed for the call.
 * @param env    Copied; its ctx is borrowed until destroy.
 * @param out    The engine, ended by stk_engine_destroy.
 * @param error  error_size bytes: why, in words; may be NULL.
 * @return       0, or:
 * @retval STK_EINVAL  a port's configuration is refused.
 * @retval STK_ENOENT  no such driver or device.
 * @retval STK_EBUSY   a port belongs to another process.
 * @retval STK_ENOMEM, STK_EIO.
 *
 * Context: any thread. Blocks. On failure nothing stays.
 */
int stk_engine_create(const struct stk_config *conf, const struct stk_engine_env *env, struct stk_engine **out,
                      char *error, size_t error_size);

/**
 * End an engine: the thread is stopped if there is one, sockets are reset, ports closed.
 *
 * Context: any thread but the engine's. NULL is fine.
 */
void stk_engine_destroy(struct stk_engine *engine);

/**
 * One turn: receive bursts, submissions, timers, transmit bursts.
 *
 * @return  What was done: frames and submissions; 0: idle.
 *
 * Context: the engine's thread. Does not block, allocate or make system calls but the drivers' own.
 */
uint32_t stk_engine_step(struct stk_engine *engine);

/**
 * The engine steps without pause from now on: applications that send by registered I/O need not kick while they are watched
 * (edge Q of rio_abi.h).
 *
 * Context: the engine's thread, in real time: under virtual time nobody steps unasked.
 */
void stk_engine_watch_begin(struct stk_engine *engine);

/**
 * The engine may pause: nobody is watched any more, until his next kick.
 *
 * @return  Was something found that nobody had told of? It was looked at: step before the pause.
 *
 * Context: the engine's thread.
 */
bool stk_engine_watch_end(struct stk_engine *engine);

/** When the next turn has something to do by itself, ns of its time; STK_NEVER. Context: as above. */
uint64_t stk_engine_next_event_ns(struct stk_engine *engine);

/** The region, valid until destroy. Context: any thread. */
struct stk_region *stk_engine_region(struct stk_engine *engine);

/**
 * Give the engine a poll thread, with all signals blocked, pinned to engine.poll_cpu if that is set.
 *
 * @return  0 or STK_ENOMEM.
 */
int stk_engine_thread_start(struct stk_engine *engine);

/**
 * Let the poll thread rest; returns when it does. Sockets are gone before (STK_SUB_DETACH).
 *
 * @return  0 or STK_EINVAL: no thread.
 *
 * Context: any thread but the engine's.
 */
int stk_engine_park(struct stk_engine *engine);

/** Wake a parked engine; returns when it polls again. Errors and context as for park. */
int stk_engine_unpark(struct stk_engine *engine);

/** Write the counters as lines "layer.object.counter value". Context: any thread; a harmless snapshot. */
void stk_engine_counters_dump(struct stk_engine *engine, int fd);

#endif

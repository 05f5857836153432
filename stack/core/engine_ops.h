/**
 * @file
 * The engine as the application's side sees it: a table, so that the two may
 * stand in different modules. On Linux both are linked into the provider; on
 * Windows the engine is winlane-stack.dll, which the provider loads at the
 * first start.
 *
 * Both modules are of one build: structures behind the pointers are not
 * versioned, the table is.
 */
#ifndef STACK_CORE_ENGINE_OPS_H
#define STACK_CORE_ENGINE_OPS_H

#include "ipc/region.h"
#include "stack/config.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define STK_ENGINE_OPS_VERSION 2u

struct stk_engine;

/** All slots filled. Contexts and errors as for the functions of engine.h. */
struct stk_engine_ops {
    uint32_t version; /**< STK_ENGINE_OPS_VERSION */
    uint32_t size;    /**< sizeof(struct stk_engine_ops) */
    /** Make an engine: with a poll thread, or in virtual time if the configuration says so. */
    int (*start)(const struct stk_config *conf, struct stk_engine **out, char *error, size_t error_size);
    void (*destroy)(struct stk_engine *engine);
    struct stk_region *(*region)(struct stk_engine *engine);
    int (*park)(struct stk_engine *engine);
    int (*unpark)(struct stk_engine *engine);
    void (*counters_dump)(struct stk_engine *engine, int fd);
    /** Its time, if that is virtual: it has no thread, its client pumps. NULL: real time. */
    const _Atomic uint64_t *(*clock)(const struct stk_engine *engine);
    uint64_t (*pump)(void *engine, uint64_t until_ns);
};

/** The table of the engine that is linked into this module. Context: any thread. */
const struct stk_engine_ops *stk_engine_ops_own(void);

/**
 * Find the engine.
 *
 * @param out    The table, valid for the life of the process.
 * @param error  error_size bytes: why not, in words; may be NULL.
 * @return       0, or:
 * @retval STK_ENOENT  the engine's module cannot be loaded.
 * @retval STK_EINVAL  it is of another build.
 *
 * Context: any thread that may take the loader's lock; not DllMain.
 */
int stk_engine_ops_find(const struct stk_engine_ops **out, char *error, size_t error_size);

#endif

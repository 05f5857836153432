#include "core/engine_ops.h"

#include "core/engine_priv.h"
#include "core/engine_virtual.h"
#include "stack/err.h"

#include <stdio.h>

static int engine_start(const struct stk_config *conf, struct stk_engine **out, char *error, size_t error_size)
{
    struct stk_engine *engine = NULL;
    if (conf->engine.clock_virtual) {
        return stk_engine_create_virtual(conf, out, error, error_size);
    }
    int err = stk_engine_create(conf, &stk_engine_env_real, &engine, error, error_size);
    if (err == STK_OK) {
        err = stk_engine_thread_start(engine);
        if (err == STK_OK) {
            *out = engine;
        } else {
            stk_engine_destroy(engine);
            if (error != NULL && error_size > 0) {
                (void)snprintf(error, error_size, "%s: engine: no poll thread: %s", conf->file, stk_err_text(err));
            }
        }
    }
    return err;
}

/* Without a thread there is nobody to rest: what was recorded is written out. */
static int engine_park(struct stk_engine *engine)
{
    if (stk_engine_virtual_clock(engine) == NULL) {
        return stk_engine_park(engine);
    }
    stk_engine_virtual_settle(engine);
    return STK_OK;
}

static int engine_unpark(struct stk_engine *engine)
{
    return stk_engine_virtual_clock(engine) == NULL ? stk_engine_unpark(engine) : STK_OK;
}

static const struct stk_engine_ops own = {
    .version = STK_ENGINE_OPS_VERSION,
    .size = sizeof(struct stk_engine_ops),
    .start = engine_start,
    .destroy = stk_engine_destroy,
    .region = stk_engine_region,
    .park = engine_park,
    .unpark = engine_unpark,
    .counters_dump = stk_engine_counters_dump,
    .clock = stk_engine_virtual_clock,
    .pump = stk_engine_virtual_pump,
};

const struct stk_engine_ops *stk_engine_ops_own(void)
{
    return &own;
}

#include "core/engine_ops.h"

#include "core/engine.h"
#include "stack/err.h"

#include <stdio.h>

static int engine_start(const struct stk_config *conf, struct stk_engine **out, char *error, size_t error_size)
{
    struct stk_engine *engine = NULL;
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

static const struct stk_engine_ops own = {
    .version = STK_ENGINE_OPS_VERSION,
    .size = sizeof(struct stk_engine_ops),
    .start = engine_start,
    .destroy = stk_engine_destroy,
    .region = stk_engine_region,
    .park = stk_engine_park,
    .unpark = stk_engine_unpark,
    .counters_dump = stk_engine_counters_dump,
};

const struct stk_engine_ops *stk_engine_ops_own(void)
{
    return &own;
}

/* A module that offers a table of another version. */
#include "core/engine_ops.h"

/** The table. Context: any thread. */
__declspec(dllexport) const struct stk_engine_ops *winlane_stack_ops(void);

const struct stk_engine_ops *winlane_stack_ops(void)
{
    static const struct stk_engine_ops ops = {.version = STK_ENGINE_OPS_VERSION + 1, .size = sizeof(ops)};
    return &ops;
}

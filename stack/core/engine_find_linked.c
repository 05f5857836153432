#include "core/engine_ops.h"

#include "stack/err.h"

/* The engine is linked into this module. */
int stk_engine_ops_find(const struct stk_engine_ops **out, char *error, size_t error_size)
{
    (void)error;
    (void)error_size;
    *out = stk_engine_ops_own();
    return STK_OK;
}

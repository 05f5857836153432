#include "stack/err.h"

#include <stddef.h>

struct err_row {
    const char *name;
    const char *text;
};

static const struct err_row err_rows[STK_ERR_COUNT] = {
#define STK_ERR_ROW(err_name, value, err_text) [-(value)] = {#err_name, err_text},
    STK_ERR_LIST(STK_ERR_ROW)
#undef STK_ERR_ROW
};

static const struct err_row *err_row_find(int err)
{
    if (err > 0 || err <= -STK_ERR_COUNT) {
        return NULL;
    }
    return &err_rows[-err];
}

const char *stk_err_text(int err)
{
    const struct err_row *row = err_row_find(err);
    return row != NULL ? row->text : "unknown error";
}

const char *stk_err_name(int err)
{
    const struct err_row *row = err_row_find(err);
    return row != NULL ? row->name : "STK_E?";
}

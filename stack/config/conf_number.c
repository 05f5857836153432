#include "config_priv.h"

#include <string.h>

struct unit_row {
    const char *name;
    enum stk_conf_unit unit;
    uint64_t factor;
};

/* k is 1000, as in SI. Bytes have no k: half of the world would read 1024. */
static const struct unit_row unit_rows[] = {
    {"k", STK_CONF_UNIT_COUNT, 1000},
    {"B", STK_CONF_UNIT_BYTES, 1},
    {"KiB", STK_CONF_UNIT_BYTES, UINT64_C(1) << 10},
    {"MiB", STK_CONF_UNIT_BYTES, UINT64_C(1) << 20},
    {"GiB", STK_CONF_UNIT_BYTES, UINT64_C(1) << 30},
    {"ns", STK_CONF_UNIT_TIME, 1},
    {"us", STK_CONF_UNIT_TIME, 1000},
    {"ms", STK_CONF_UNIT_TIME, 1000 * 1000},
    {"s", STK_CONF_UNIT_TIME, UINT64_C(1000) * 1000 * 1000},
    {"min", STK_CONF_UNIT_TIME, UINT64_C(60) * 1000 * 1000 * 1000},
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct unit_row *unit_find(const char *name, enum stk_conf_unit unit)
{
    for (size_t i = 0; i < sizeof(unit_rows) / sizeof(unit_rows[0]); i++) {
        if (unit_rows[i].unit == unit && strcmp(unit_rows[i].name, name) == 0) {
            return &unit_rows[i];
        }
    }
    return NULL;
}

enum stk_conf_num stk_conf_number_read(const char *text, enum stk_conf_unit unit, uint64_t *out)
{
    uint64_t number = 0;
    uint64_t factor = 1;
    if (!digit(*text)) {
        return STK_CONF_NUM_MALFORMED;
    }
    for (; digit(*text); text++) {
        uint64_t add = (uint64_t)(*text - '0');
        if (number > (UINT64_MAX - add) / 10) {
            return STK_CONF_NUM_HUGE;
        }
        number = number * 10 + add;
    }
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    if (*text != '\0') {
        const struct unit_row *row = unit_find(text, unit);
        if (row == NULL) {
            return STK_CONF_NUM_UNIT;
        }
        factor = row->factor;
    } else if (unit == STK_CONF_UNIT_TIME && number != 0) {
        return STK_CONF_NUM_NO_UNIT;
    }
    if (number > UINT64_MAX / factor) {
        return STK_CONF_NUM_HUGE;
    }
    *out = number * factor;
    return STK_CONF_NUM_OK;
}

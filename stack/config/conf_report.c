#include "config_priv.h"

#include "stack/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct stk_conf_where stk_conf_here(const struct stk_conf_parse *parse, const char *key)
{
    return (struct stk_conf_where){.section = parse->open, .key = key, .line = parse->line};
}

/* Appends to the message as far as it fits. */
STK_PRINTF(3, 0) static size_t report_add(struct stk_conf_parse *parse, size_t used, const char *format, va_list args)
{
    if (used >= parse->error_size) {
        return used;
    }
    int len = vsnprintf(parse->error + used, parse->error_size - used, format, args);
    return len < 0 ? used : used + (size_t)len;
}

STK_PRINTF(3, 4) static size_t report_addf(struct stk_conf_parse *parse, size_t used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    used = report_add(parse, used, format, args);
    va_end(args);
    return used;
}

STK_PRINTF(3, 0)
static void report_write(struct stk_conf_parse *parse, struct stk_conf_where where, const char *format, va_list args)
{
    if (parse->error == NULL || parse->error_size == 0) {
        return;
    }
    size_t used = report_addf(parse, 0, "%s:%u:", parse->name, where.line);
    if (where.section != NULL) {
        const struct stk_conf_port *port = where.section->port;
        used = report_addf(parse, used, " [%s%s%s]%s", where.section->kind->name, port != NULL ? " " : "",
                           port != NULL ? port->name : "", where.key != NULL ? "" : ":");
    }
    if (where.key != NULL) {
        used = report_addf(parse, used, " %.60s:", where.key);
    }
    used = report_addf(parse, used, " ");
    (void)report_add(parse, used, format, args);
}

int stk_conf_fail_at(struct stk_conf_parse *parse, struct stk_conf_where where, int result, const char *format, ...)
{
    if (parse->result == STK_OK) {
        va_list args;
        va_start(args, format);
        report_write(parse, where, format, args);
        va_end(args);
        parse->result = result;
    }
    return parse->result;
}

int stk_conf_fail(struct stk_conf_parse *parse, const struct stk_conf_key *key, const char *format, ...)
{
    if (parse->result == STK_OK) {
        va_list args;
        va_start(args, format);
        report_write(parse, stk_conf_here(parse, key->name), format, args);
        va_end(args);
        parse->result = STK_EINVAL;
    }
    return parse->result;
}

#define NEAREST_LEN_MAX 32

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t low = a < b ? a : b;
    return low < c ? low : c;
}

/* Edits (insert, delete, change, swap of neighbours) from a to b. */
static uint32_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    uint8_t rows[3][NEAREST_LEN_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        uint8_t *now = rows[i % 3];
        const uint8_t *before = rows[(i + 2) % 3];
        const uint8_t *earlier = rows[(i + 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_len; j++) {
            uint32_t change = before[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u);
            uint32_t best = min3(before[j] + 1u, now[j - 1] + 1u, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && earlier[j - 2] + 1u < best) {
                best = earlier[j - 2] + 1u;
            }
            now[j] = (uint8_t)best;
        }
    }
    return rows[a_len % 3][b_len];
}

void stk_conf_nearest(const char *wrong, const char *name, const char **best, uint32_t *score)
{
    size_t wrong_len = strlen(wrong);
    size_t name_len = strlen(name);
    if (wrong_len < 2 || wrong_len > NEAREST_LEN_MAX || name_len > NEAREST_LEN_MAX) {
        return;
    }
    uint32_t edits = edit_distance(wrong, wrong_len, name, name_len);
    size_t shorter = wrong_len < name_len ? wrong_len : name_len;
    if (shorter >= 3 && strncmp(wrong, name, shorter) == 0 && edits > 2) {
        edits = 2;
    }
    /* Of a short word two letters leave nothing to recognise. */
    if (edits <= (shorter <= 3 ? 1u : 2u) && edits < *score) {
        *best = name;
        *score = edits;
    }
}

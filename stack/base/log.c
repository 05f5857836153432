#include "stack/log.h"

#include "log_priv.h"
#include "stack/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const log_names[] = {"error", "warn", "info", "debug"};
static atomic_int log_level = STK_LOG_WARN;

void stk_log_level_set(enum stk_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int stk_log_level_parse(const char *name)
{
    if (name == NULL) {
        return STK_OK;
    }
    for (int i = 0; i <= (int)STK_LOG_DEBUG; i++) {
        if (strcmp(name, log_names[i]) == 0) {
            stk_log_level_set((enum stk_log_level)i);
            return STK_OK;
        }
    }
    return STK_EINVAL;
}

void stk_log_start(const char *configured)
{
    const char *wanted = getenv("WINLANE_LOG");
    const bool bad = stk_log_level_parse(wanted) != STK_OK;
    if ((wanted == NULL || bad) && configured != NULL && configured[0] != '\0') {
        (void)stk_log_level_parse(configured);
    }
    if (bad) {
        stk_log(STK_LOG_WARN, "WINLANE_LOG: '%.64s' is none of error, warn, info and debug", wanted);
    }
}

/* The file that takes the lines. */
static FILE *log_open(void)
{
    static atomic_bool said;
    const char *path = getenv("WINLANE_LOG_FILE");
    FILE *out = path != NULL ? stk_log_file_open(path) : stderr;
    if (out == NULL && !atomic_exchange_explicit(&said, true, memory_order_relaxed)) {
        (void)fprintf(stderr, "winlane error: WINLANE_LOG_FILE: %s: %s\n", path, strerror(errno));
    }
    return out != NULL ? out : stderr;
}

void stk_log(enum stk_log_level level, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed)) {
        return;
    }
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    FILE *out = log_open();
    (void)fprintf(out, "winlane %s: %s\n", log_names[(int)level], line);
    if (out != stderr) {
        (void)fclose(out);
    }
}

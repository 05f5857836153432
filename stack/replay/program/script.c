#include "actor.h"

#include "stack/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1500
#define STEPS_MAX 4096u

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes \r \n \t \\ \xHH for what they stand for, in place. @return  Bytes, or -1. */
static int64_t unescape(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '\\') {
            *out++ = *at;
            continue;
        }
        at++;
        if (*at == 'x' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
            *out++ = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            at += 2;
        } else if (*at == 'r' || *at == 'n' || *at == 't' || *at == '\\') {
            *out++ = *at == 'r' ? '\r' : *at == 'n' ? '\n' : *at == 't' ? '\t' : '\\';
        } else {
            return -1;
        }
    }
    return out - text;
}

static bool number_read(const char *text, uint64_t *out, const char **end)
{
    char *stop;
    if (*text < '0' || *text > '9' || strlen(text) > 18) {
        return false;
    }
    *out = strtoull(text, &stop, 10);
    *end = stop;
    return true;
}

static const char *step_send(struct stk_script_step *step, char *rest)
{
    const int64_t bytes = unescape(rest);
    if (bytes <= 0) {
        return "send needs a text; escapes are \\r \\n \\t \\\\ \\xHH";
    }
    step->word = STK_SCRIPT_SEND;
    step->number = (uint64_t)bytes;
    step->bytes = malloc((size_t)bytes);
    if (step->bytes == NULL) {
        return "no memory";
    }
    memcpy(step->bytes, rest, (size_t)bytes);
    return NULL;
}

static const char *step_read(struct stk_script_step *step, char *line)
{
    char *rest = line + strcspn(line, " \t");
    const char *end = "";
    if (*rest != '\0') {
        *rest++ = '\0';
        rest += strspn(rest, " \t");
    }
    if (strcmp(line, "send") == 0) {
        return step_send(step, rest);
    }
    if (strcmp(line, "recv") == 0) {
        step->word = STK_SCRIPT_RECV;
        return number_read(rest, &step->number, &end) && *end == '\0' ? NULL : "recv needs a number of bytes";
    }
    if (strcmp(line, "sleep") == 0) {
        step->word = STK_SCRIPT_SLEEP;
        if (!number_read(rest, &step->number, &end) || (strcmp(end, "ms") != 0 && strcmp(end, "s") != 0)) {
            return "sleep needs a duration in ms or s";
        }
        step->number *= *end == 'm' ? STK_MS_NS : STK_S_NS;
        return NULL;
    }
    step->word = strcmp(line, "shutdown") == 0 ? STK_SCRIPT_SHUTDOWN
                 : strcmp(line, "close") == 0  ? STK_SCRIPT_CLOSE
                                               : STK_SCRIPT_ABORT;
    return *rest == '\0' && (step->word != STK_SCRIPT_ABORT || strcmp(line, "abort") == 0)
               ? NULL
               : "words are recv, send, sleep, shutdown, close and abort";
}

static const char *line_take(struct stk_script *out, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#') {
        return NULL;
    }
    if (out->count == STEPS_MAX) {
        return "too many steps";
    }
    return step_read(&out->steps[out->count++], line);
}

int stk_script_load(const char *path, struct stk_script *out, char *error)
{
    char line[LINE_MAX_BYTES];
    uint32_t number = 0;
    memset(out, 0, sizeof(*out));
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.400s: %s", path, strerror(errno));
        return STK_ENOENT;
    }
    out->steps = calloc(STEPS_MAX, sizeof(*out->steps));
    const char *why = out->steps == NULL ? "no memory" : NULL;
    while (why == NULL && fgets(line, sizeof(line), file) != NULL) {
        number++;
        why = strlen(line) + 1 == sizeof(line) ? "the line is too long" : line_take(out, line);
    }
    (void)fclose(file);
    if (why == NULL) {
        return STK_OK;
    }
    (void)snprintf(error, STK_CASE_ERROR_SIZE, "%.400s:%u: %s", path, (unsigned)number, why);
    stk_script_free(out);
    return STK_EINVAL;
}

void stk_script_free(struct stk_script *script)
{
    for (uint32_t i = 0; i < script->count; i++) {
        free(script->steps[i].bytes);
    }
    free(script->steps);
    memset(script, 0, sizeof(*script));
}

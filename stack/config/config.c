#include "config_priv.h"

#include "stack/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_ENV "WINLANE_CONFIG"

STK_PRINTF(3, 4) static void error_set(char *error, size_t error_size, const char *format, ...)
{
    if (error != NULL && error_size > 0) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(error, error_size, format, args);
        va_end(args);
    }
}

void stk_config_free(struct stk_config *config)
{
    if (config != NULL) {
        free(config->strings);
        free(config);
    }
}

/* Every string of a driver's key and value comes out of one line of the text, so this arena holds them all. */
static struct stk_config *config_new(const char *name, size_t text_size)
{
    struct stk_config *config = calloc(1, sizeof(*config));
    if (config == NULL) {
        return NULL;
    }
    config->strings = malloc(text_size + 2);
    if (config->strings == NULL) {
        free(config);
        return NULL;
    }
    stk_conf_engine_defaults(&config->engine);
    (void)snprintf(config->file, sizeof(config->file), "%s", name);
    return config;
}

/* What is parsed, and where its errors go. */
struct source {
    const char *name;
    const char *text;
    size_t size;
};

static int source_parse(const struct source *source, struct stk_config **out, char *error, size_t error_size)
{
    struct stk_conf_parse *parse = calloc(1, sizeof(*parse));
    struct stk_config *config = config_new(source->name, source->size);
    int result = STK_ENOMEM;
    if (parse == NULL || config == NULL) {
        error_set(error, error_size, "%s: out of memory", source->name);
        goto free_all;
    }
    parse->text = source->text;
    parse->size = source->size;
    parse->name = source->name;
    parse->error = error;
    parse->error_size = error_size;
    parse->config = config;
    result = stk_conf_read(parse);
    if (result == STK_OK) {
        result = stk_conf_check(parse);
    }
    if (result == STK_OK) {
        *out = config;
        config = NULL;
    }
free_all:
    stk_config_free(config);
    free(parse);
    return result;
}

int stk_config_parse(const char *text, const char *name, struct stk_config **out, char *error, size_t error_size)
{
    if (text == NULL || out == NULL) {
        error_set(error, error_size, "no text or nowhere to put its meaning");
        return STK_EINVAL;
    }
    struct source source = {.name = name != NULL ? name : "(text)", .text = text, .size = strlen(text)};
    return source_parse(&source, out, error, error_size);
}

/* The file to read when the caller names none; NULL: there is none. */
static const char *path_find(char place[STK_CONF_PATH_MAX])
{
    const char *path = getenv(CONF_ENV);
    if (path != NULL && *path != '\0') {
        return path;
    }
    for (uint32_t i = 0; stk_conf_file_default(i, place, STK_CONF_PATH_MAX); i++) {
        if (stk_conf_file_exists(place)) {
            return place;
        }
    }
    return NULL;
}

static void path_missing_say(char *error, size_t error_size)
{
    char first[STK_CONF_PATH_MAX] = "";
    char second[STK_CONF_PATH_MAX] = "";
    (void)stk_conf_file_default(0, first, sizeof(first));
    (void)stk_conf_file_default(1, second, sizeof(second));
    error_set(error, error_size, "no configuration: %s is not set, and there is neither %s nor %s", CONF_ENV, first,
              second);
}

int stk_config_load(const char *path, struct stk_config **out, char *error, size_t error_size)
{
    char place[STK_CONF_PATH_MAX];
    struct source source = {.name = path != NULL ? path : path_find(place)};
    char *text = NULL;
    const char *why = NULL;
    if (out == NULL) {
        error_set(error, error_size, "nowhere to put the configuration");
        return STK_EINVAL;
    }
    if (source.name == NULL) {
        path_missing_say(error, error_size);
        return STK_ENOENT;
    }
    int result = stk_conf_file_read(source.name, &text, &source.size, &why);
    if (result != STK_OK) {
        error_set(error, error_size, "%s: %s", source.name, why);
        return result;
    }
    source.text = text;
    result = source_parse(&source, out, error, error_size);
    free(text);
    return result;
}

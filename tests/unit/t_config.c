#include "t_config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void t_parse(const char *text, struct t_parsed *out)
{
    static char poison;
    struct stk_config *const untouched = (struct stk_config *)(void *)&poison;
    struct stk_config *config = untouched;
    memset(out->error, 'x', sizeof(out->error));
    (void)snprintf(out->error, sizeof(out->error), T_POISON);
    out->config = NULL;
    out->result = stk_config_parse(text, "t.ini", &config, out->error, sizeof(out->error));
    assert_true(out->result <= 0);
    if (out->result == 0) {
        assert_ptr_not_equal(config, untouched);
        assert_non_null(config);
        assert_string_equal(out->error, T_POISON);
        out->config = config;
    } else {
        assert_ptr_equal(config, untouched);
        assert_string_not_equal(out->error, T_POISON);
        assert_non_null(memchr(out->error, '\0', sizeof(out->error)));
    }
}

struct stk_config *t_parse_good(const char *text)
{
    struct t_parsed parsed;
    t_parse(text, &parsed);
    if (parsed.result != 0) {
        fail_msg("refused: %s", parsed.error);
    }
    return parsed.config;
}

void t_parsed_free(struct t_parsed *parsed)
{
    stk_config_free(parsed->config);
    parsed->config = NULL;
}

char *t_file_text(const char *path)
{
    size_t size = 1024 * 1024;
    char *text = malloc(size);
    FILE *file = fopen(path, "rb");
    assert_non_null(text);
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    size_t used = fread(text, 1, size - 1, file);
    (void)fclose(file);
    text[used] = '\0';
    return text;
}

void t_inis_find(const char *folder, struct t_inis *out)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        fail_msg("cannot open %s", folder);
    }
    out->count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".ini") == 0) {
            assert_true(out->count < 16);
            (void)snprintf(out->path[out->count++], sizeof(out->path[0]), "%s/%s", folder, entry->d_name);
        }
    }
    (void)closedir(dir);
    assert_true(out->count > 0);
}

#include "stack/log.h"

#include "stack/err.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[T_PATH_MAX];
    char path[T_PATH_MAX + 8];
    char text[4096];
};

static int set_up(void **state)
{
    struct fixture *fix = calloc(1, sizeof(*fix));
    if (fix == NULL) {
        return -1;
    }
    if (!t_folder_make("unit_base_log", fix->folder)) {
        free(fix);
        return -1;
    }
    (void)snprintf(fix->path, sizeof(fix->path), "%s/log", fix->folder);
    *state = fix;
    return t_env_set("WINLANE_LOG_FILE", fix->path);
}

static int tear_down(void **state)
{
    struct fixture *fix = *state;
    (void)unlink(fix->path);
    (void)rmdir(fix->folder);
    free(fix);
    return t_env_set("WINLANE_LOG_FILE", NULL);
}

/* What was logged so far. */
static const char *logged(struct fixture *fix)
{
    FILE *file = fopen(fix->path, "r");
    assert_non_null(file);
    size_t used = fread(fix->text, 1, sizeof(fix->text) - 1, file);
    (void)fclose(file);
    fix->text[used] = '\0';
    return fix->text;
}

static void log_all(void)
{
    stk_log(STK_LOG_ERROR, "e%d", 1);
    stk_log(STK_LOG_WARN, "w%s", "2");
    stk_log(STK_LOG_INFO, "i%c", '3');
    stk_log(STK_LOG_DEBUG, "d%u", 4u);
}

static void log__each_level__drops_what_is_above(void **state)
{
    static const struct {
        const char *level;
        const char *text;
    } rows[] = {
        {"error", "winlane error: e1\n"},
        {"warn", "winlane error: e1\nwinlane warn: w2\n"},
        {"info", "winlane error: e1\nwinlane warn: w2\nwinlane info: i3\n"},
        {"debug", "winlane error: e1\nwinlane warn: w2\nwinlane info: i3\nwinlane debug: d4\n"},
    };
    struct fixture *fix = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)unlink(fix->path);
        assert_int_equal(stk_log_level_parse(rows[i].level), STK_OK);
        log_all();
        assert_string_equal(logged(fix), rows[i].text);
    }
}

static void log_level_parse__unknown_name__refused_and_level_kept(void **state)
{
    static const char *const wrong[] = {"", "WARN", "warning", "debug ", "3", "err"};
    struct fixture *fix = *state;
    stk_log_level_set(STK_LOG_WARN);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(stk_log_level_parse(wrong[i]), STK_EINVAL);
    }
    assert_int_equal(stk_log_level_parse(NULL), STK_OK);
    log_all();
    assert_string_equal(logged(fix), "winlane error: e1\nwinlane warn: w2\n");
}

static void log__line_longer_than_its_buffer__cut_and_still_one_line(void **state)
{
    struct fixture *fix = *state;
    static char text[3000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    stk_log_level_set(STK_LOG_WARN);
    stk_log(STK_LOG_ERROR, "%s", text);
    const char *line = logged(fix);
    size_t len = strlen(line);
    assert_true(len > 512 && len < sizeof(text));
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

static void log__file_that_cannot_be_opened__no_crash(void **state)
{
    (void)state;
    assert_int_equal(t_env_set("WINLANE_LOG_FILE", "/nonexistent/folder/log"), 0);
    stk_log_level_set(STK_LOG_WARN);
    stk_log(STK_LOG_ERROR, "goes to standard error (expected in this test)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log__each_level__drops_what_is_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log_level_parse__unknown_name__refused_and_level_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log__line_longer_than_its_buffer__cut_and_still_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log__file_that_cannot_be_opened__no_crash, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"
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
    char before[T_PATH_MAX];
    char folder[T_PATH_MAX];
};

/* Each test works in a folder of its own. */
static int set_up(void **state)
{
    struct fixture *fix = calloc(1, sizeof(*fix));
    if (fix == NULL || getcwd(fix->before, sizeof(fix->before)) == NULL) {
        free(fix);
        return -1;
    }
    *state = fix;
    if (!t_folder_make("unit_config_load", fix->folder) || chdir(fix->folder) != 0) {
        free(fix);
        return -1;
    }
    return t_env_set("WINLANE_CONFIG", NULL);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"winlane.ini", "other.ini", "big.ini", "sub/winlane.ini"};
    struct fixture *fix = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlink(names[i]);
    }
    (void)rmdir("sub");
    int result = chdir(fix->before);
    result |= rmdir(fix->folder);
    free(fix);
    return result | t_env_set("WINLANE_CONFIG", NULL);
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* Loads; gives the file that was read, or the error. */
static int load(const char *path, char *said, size_t size)
{
    struct stk_config *config = NULL;
    char error[STK_CONF_ERROR_SIZE] = T_POISON;
    int result = stk_config_load(path, &config, error, sizeof(error));
    if (result == STK_OK) {
        assert_string_equal(error, T_POISON);
        assert_non_null(config);
        (void)snprintf(said, size, "%s", config->file);
    } else {
        assert_null(config);
        (void)snprintf(said, size, "%s", error);
    }
    stk_config_free(config);
    return result;
}

static void load__places__searched_in_order(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    char second[T_PATH_MAX];
    (void)state;
    t_conf_place_second(second);
    if (access(second, F_OK) != 0) {
        char expected[STK_CONF_ERROR_SIZE];
        (void)snprintf(expected, sizeof(expected),
                       "no configuration: WINLANE_CONFIG is not set, and there is neither %s nor %.300s",
                       t_conf_place_first, second);
        assert_int_equal(load(NULL, said, sizeof(said)), STK_ENOENT);
        assert_string_equal(said, expected);
    }
    write_text("winlane.ini", "[log]\n");
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, t_conf_place_first);
    write_text("other.ini", "[log]\n");
    assert_int_equal(t_env_set("WINLANE_CONFIG", "other.ini"), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, "other.ini");
    assert_int_equal(load("winlane.ini", said, sizeof(said)), STK_OK);
    assert_string_equal(said, "winlane.ini");
    assert_int_equal(t_env_set("WINLANE_CONFIG", ""), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, t_conf_place_first);
}

static void load__variable_names_no_file__no_other_place_is_tried(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "[log]\n");
    assert_int_equal(t_env_set("WINLANE_CONFIG", "missing.ini"), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_ENOENT);
    assert_string_equal(said, "missing.ini: no such file");
    assert_int_equal(load("winlane.ini/x", said, sizeof(said)), STK_ENOENT);
    assert_string_equal(said, "winlane.ini/x: no such file");
}

static void load__bad_first_place__second_is_not_taken_instead(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    char expected[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "\n[engine]\nspinn = 1us\n");
    (void)snprintf(expected, sizeof(expected), "%s:3: [engine] spinn: unknown key; did you mean spin?",
                   t_conf_place_first);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_EPROTO);
    assert_string_equal(said, expected);
}

static void load__nul_bytes__refused_with_line(void **state)
{
    static const char middle[] = "[engine]\nspin = 1us\n\nsp\0in = 2us\n";
    static const char first[] = "\0";
    static const char utf16[] = "\xff\xfe[\0l\0o\0g\0]\0";
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_file("other.ini", middle, sizeof(middle) - 1);
    assert_int_equal(load("other.ini", said, sizeof(said)), STK_EPROTO);
    assert_string_equal(said, "other.ini:4: [engine]: NUL byte in the line");
    write_file("other.ini", first, 1);
    assert_int_equal(load("other.ini", said, sizeof(said)), STK_EPROTO);
    assert_string_equal(said, "other.ini:1: NUL byte in the line");
    write_file("other.ini", utf16, sizeof(utf16) - 1);
    assert_int_equal(load("other.ini", said, sizeof(said)), STK_EPROTO);
    assert_string_equal(said, "other.ini:1: NUL byte in the line");
}

static void load__what_is_no_regular_file__refused_without_waiting(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    char expected[STK_CONF_ERROR_SIZE];
    char pipe_name[T_PATH_MAX];
    (void)state;
    assert_int_equal(t_folder_sub("sub"), 0);
    assert_int_equal(load("sub", said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "sub: not a regular file");
    t_pipe_make(pipe_name);
    (void)snprintf(expected, sizeof(expected), "%.400s: not a regular file", pipe_name);
    assert_int_equal(load(pipe_name, said, sizeof(said)), STK_EIO);
    assert_string_equal(said, expected);
    t_pipe_drop(pipe_name);
    assert_int_equal(load(t_null_device, said, sizeof(said)), STK_EIO);
    assert_int_equal(t_folder_sub("winlane.ini"), 0);
    (void)snprintf(expected, sizeof(expected), "%s: not a regular file", t_conf_place_first);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_EIO);
    assert_string_equal(said, expected);
    assert_int_equal(rmdir("winlane.ini"), 0);
}

static void load__size__one_mebibyte_and_no_more(void **state)
{
    const size_t most = 1024 * 1024;
    char said[STK_CONF_ERROR_SIZE];
    char *text = malloc(most + 1);
    (void)state;
    assert_non_null(text);
    memset(text, '\n', most + 1);
    write_file("big.ini", text, most);
    assert_int_equal(load("big.ini", said, sizeof(said)), STK_OK);
    write_file("big.ini", text, most + 1);
    assert_int_equal(load("big.ini", said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "big.ini: larger than 1 MiB");
    free(text);
}

static void load__unreadable_file__refused(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    char expected[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("other.ini", "[log]\n");
    const char *why = t_unreadable("other.ini");
    if (why == NULL) {
        print_message("skipped: root reads every file\n");
        skip();
    }
    (void)snprintf(expected, sizeof(expected), "other.ini: %s", why);
    assert_int_equal(load("other.ini", said, sizeof(said)), STK_EIO);
    t_readable("other.ini");
    assert_string_equal(said, expected);
}

static void load__many_times__nothing_stays_open(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "[log]\n");
    write_text("other.ini", "[lo\n");
    const uint32_t before = t_handles_open();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(load("winlane.ini", said, sizeof(said)), STK_OK);
        assert_int_equal(load("other.ini", said, sizeof(said)), STK_EPROTO);
        assert_int_equal(load("/", said, sizeof(said)), STK_EIO);
    }
    assert_int_equal(t_handles_open(), before);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(load__places__searched_in_order),
        IN_FOLDER(load__variable_names_no_file__no_other_place_is_tried),
        IN_FOLDER(load__bad_first_place__second_is_not_taken_instead),
        IN_FOLDER(load__nul_bytes__refused_with_line),
        IN_FOLDER(load__what_is_no_regular_file__refused_without_waiting),
        IN_FOLDER(load__size__one_mebibyte_and_no_more),
        IN_FOLDER(load__unreadable_file__refused),
        IN_FOLDER(load__many_times__nothing_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

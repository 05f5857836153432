#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char before[PATH_MAX];
    char folder[64];
};

/* Each test works in a folder of its own. */
static int set_up(void **state)
{
    struct fixture *fix = calloc(1, sizeof(*fix));
    if (fix == NULL || getcwd(fix->before, sizeof(fix->before)) == NULL) {
        free(fix);
        return -1;
    }
    (void)snprintf(fix->folder, sizeof(fix->folder), "/tmp/unit_config_load.XXXXXX");
    *state = fix;
    if (mkdtemp(fix->folder) == NULL || chdir(fix->folder) != 0) {
        free(fix);
        return -1;
    }
    return unsetenv("WINLANE_CONFIG");
}

static int tear_down(void **state)
{
    static const char *const names[] = {"winlane.ini", "other.ini", "pipe", "big.ini", "sub/winlane.ini"};
    struct fixture *fix = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlink(names[i]);
    }
    (void)rmdir("sub");
    int result = chdir(fix->before);
    result |= rmdir(fix->folder);
    free(fix);
    return result | unsetenv("WINLANE_CONFIG");
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(name, "wbe");
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
    (void)state;
    if (access("/etc/winlane/winlane.ini", F_OK) != 0) {
        assert_int_equal(load(NULL, said, sizeof(said)), STK_ENOENT);
        assert_string_equal(said, "no configuration: WINLANE_CONFIG is not set, and there is neither ./winlane.ini nor "
                                  "/etc/winlane/winlane.ini");
    }
    write_text("winlane.ini", "[log]\n");
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, "./winlane.ini");
    write_text("other.ini", "[log]\n");
    assert_int_equal(setenv("WINLANE_CONFIG", "other.ini", 1), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, "other.ini");
    assert_int_equal(load("winlane.ini", said, sizeof(said)), STK_OK);
    assert_string_equal(said, "winlane.ini");
    assert_int_equal(setenv("WINLANE_CONFIG", "", 1), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_OK);
    assert_string_equal(said, "./winlane.ini");
}

static void load__variable_names_no_file__no_other_place_is_tried(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "[log]\n");
    assert_int_equal(setenv("WINLANE_CONFIG", "missing.ini", 1), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_ENOENT);
    assert_string_equal(said, "missing.ini: no such file");
    assert_int_equal(load("winlane.ini/x", said, sizeof(said)), STK_ENOENT);
    assert_string_equal(said, "winlane.ini/x: no such file");
}

static void load__bad_first_place__second_is_not_taken_instead(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "\n[engine]\nspinn = 1us\n");
    assert_int_equal(load(NULL, said, sizeof(said)), STK_EPROTO);
    assert_string_equal(said, "./winlane.ini:3: [engine] spinn: unknown key; did you mean spin?");
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
    (void)state;
    assert_int_equal(mkdir("sub", 0700), 0);
    assert_int_equal(load("sub", said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "sub: not a regular file");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(load("pipe", said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "pipe: not a regular file");
    assert_int_equal(load("/dev/null", said, sizeof(said)), STK_EIO);
    assert_int_equal(mkdir("winlane.ini", 0700), 0);
    assert_int_equal(load(NULL, said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "./winlane.ini: not a regular file");
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
    (void)state;
    if (geteuid() == 0) {
        print_message("skipped: root reads every file\n");
        skip();
    }
    write_text("other.ini", "[log]\n");
    assert_int_equal(chmod("other.ini", 0), 0);
    assert_int_equal(load("other.ini", said, sizeof(said)), STK_EIO);
    assert_string_equal(said, "other.ini: permission denied");
}

static void load__many_times__no_descriptor_stays_open(void **state)
{
    char said[STK_CONF_ERROR_SIZE];
    (void)state;
    write_text("winlane.ini", "[log]\n");
    write_text("other.ini", "[lo\n");
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(before >= 0);
    assert_int_equal(close(before), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(load("winlane.ini", said, sizeof(said)), STK_OK);
        assert_int_equal(load("other.ini", said, sizeof(said)), STK_EPROTO);
        assert_int_equal(load("/", said, sizeof(said)), STK_EIO);
    }
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(after, before);
    assert_int_equal(close(after), 0);
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
        IN_FOLDER(load__many_times__no_descriptor_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

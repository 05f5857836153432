#include "stack/assert.h"

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

static const char *program;

/* The child program: one assertion. */
static int child_main(const char *word)
{
    int holds = strcmp(word, "holds") == 0 ? 1 : 0;
    t_abort_quietly();
    STK_ASSERT(holds == 1);
    return 7;
}

/* Runs one assertion in a child; gives its end and what it wrote. */
static struct t_ended child_run(const char *word, char *text, size_t size)
{
    char folder[T_PATH_MAX];
    char path[T_PATH_MAX + 8];
    assert_true(t_folder_make("unit_base_assert", folder));
    (void)snprintf(path, sizeof(path), "%s/said", folder);
    struct t_ended ended = t_run(program, word, path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t used = fread(text, 1, size - 1, file);
    text[used] = '\0';
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return ended;
}

static void assertion__holds__goes_on_silently(void **state)
{
    char text[512];
    (void)state;
    struct t_ended ended = child_run("holds", text, sizeof(text));
    assert_int_equal(ended.how, T_END_EXIT);
    assert_int_equal(ended.status, 7);
    assert_string_equal(text, "");
}

static void assertion__broken__names_condition_and_file_and_aborts(void **state)
{
    char text[512];
    (void)state;
    struct t_ended ended = child_run("breaks", text, sizeof(text));
    assert_int_equal(ended.how, T_END_ABORT);
    assert_non_null(strstr(text, "winlane: assertion failed: holds == 1 ("));
    assert_non_null(strstr(text, "test_base_assert.c:"));
}

static void debug_assertion__release_build__does_not_evaluate(void **state)
{
    int evaluated = 0;
    (void)state;
    STK_DASSERT(++evaluated > 0);
#ifdef STK_DEBUG
    assert_int_equal(evaluated, 1);
#else
    assert_int_equal(evaluated, 0);
#endif
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc > 1) {
        return child_main(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertion__holds__goes_on_silently),
        cmocka_unit_test(assertion__broken__names_condition_and_file_and_aborts),
        cmocka_unit_test(debug_assertion__release_build__does_not_evaluate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "stack/assert.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs one assertion in a child; gives its wait status and what it wrote. */
static int child_run(int holds, char *text, size_t size)
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        STK_ASSERT(holds == 1);
        _exit(7);
    }
    (void)close(ends[1]);
    size_t used = 0;
    for (ssize_t got = 1; got > 0 && used < size - 1; used += (size_t)got) {
        got = read(ends[0], text + used, size - 1 - used);
        assert_true(got >= 0);
    }
    text[used] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assertion__holds__goes_on_silently(void **state)
{
    char text[512];
    (void)state;
    int status = child_run(1, text, sizeof(text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_string_equal(text, "");
}

static void assertion__broken__names_condition_and_file_and_aborts(void **state)
{
    char text[512];
    (void)state;
    int status = child_run(0, text, sizeof(text));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertion__holds__goes_on_silently),
        cmocka_unit_test(assertion__broken__names_condition_and_file_and_aborts),
        cmocka_unit_test(debug_assertion__release_build__does_not_evaluate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

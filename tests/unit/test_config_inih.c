/*
 * The INI library's settings are variables of the process, so a program that
 * uses it too may have changed them: a file is then read as ever or refused
 * with a line, never read differently.
 */
#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"

#include <ini.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char sample[] = "[engine]\n"
                             "spin = 5us ; comment\n"
                             "[port a]\n"
                             "driver = dpdk\n"
                             "dpdk.eal = --no-pci\n"
                             "  --iova-mode=va\n"
                             "address = 10.0.0.1/24\n"
                             "  10.0.0.2/24\n";

static int defaults_restore(void **state)
{
    (void)state;
    ini_allow_multiline = true;
    ini_allow_bom = true;
    ini_allow_inline_comments = true;
    ini_use_stack = true;
    ini_max_line = 200;
    ini_allow_realloc = false;
    ini_initial_alloc = 200;
    ini_stop_on_first_error = false;
    ini_allow_no_value = false;
    return 0;
}

static void sample_accepted(void)
{
    struct stk_config *config = t_parse_good(sample);
    assert_int_equal(config->engine.spin_us, 5);
    assert_int_equal(config->ports[0].args_count, 1);
    assert_string_equal(config->ports[0].args[0].value, "--no-pci --iova-mode=va");
    assert_int_equal(config->ports[0].addrs_count, 2);
    stk_config_free(config);
}

static void sample_refused(const char *text, const char *message)
{
    struct t_parsed parsed;
    t_parse(text, &parsed);
    assert_int_equal(parsed.result, STK_EPROTO);
    assert_string_equal(parsed.error, message);
    t_parsed_free(&parsed);
}

static void inih__harmless_settings__file_read_as_ever(void **state)
{
    (void)state;
    sample_accepted();
    ini_allow_bom = false;
    ini_stop_on_first_error = true;
    ini_allow_no_value = true;
    sample_accepted();
    sample_refused("[engine]\nspin\n", "t.ini:2: [engine]: neither [section] nor 'key = value'");
    ini_use_stack = false;
    sample_accepted();
    ini_allow_realloc = true;
    sample_accepted();
    ini_max_line = 4096;
    ini_initial_alloc = 4096;
    sample_accepted();
}

/* Lines that just fill a growing buffer must not be joined with what follows. */
static void inih__heap_buffer_of_each_size__whole_or_refused(void **state)
{
    unsigned accepted = 0;
    (void)state;
    ini_use_stack = false;
    ini_allow_realloc = true;
    for (int size = 4; size < 60; size++) {
        struct t_parsed parsed;
        ini_initial_alloc = size;
        ini_max_line = 60;
        t_parse(sample, &parsed);
        if (parsed.result == STK_OK) {
            assert_string_equal(parsed.config->ports[0].args[0].value, "--no-pci --iova-mode=va");
            assert_int_equal(parsed.config->ports[0].addrs_count, 2);
            accepted++;
        } else {
            assert_int_equal(parsed.result, STK_EPROTO);
            assert_int_equal(strncmp(parsed.error, "t.ini:", 6), 0);
        }
        t_parsed_free(&parsed);
    }
    assert_true(accepted > 0);
}

static void inih__short_lines__longer_ones_refused_with_line(void **state)
{
    (void)state;
    ini_max_line = 20;
    sample_refused(sample,
                   "t.ini:2: [engine]: line of 20 bytes; the program has set the INI library to take 18 at most");
}

static void inih__no_continuation_lines__refused_with_line(void **state)
{
#define MESSAGE "the INI library does not take this line; has the program changed its settings?"
    (void)state;
    ini_allow_multiline = false;
    sample_refused(sample, "t.ini:6: " MESSAGE);
    sample_refused("[port a]\ndriver = wire\naddress = 10.0.0.1/24\n  10.0.0.2/24\n", "t.ini:4: " MESSAGE);
    sample_refused("[port a]\ndriver = wire\naddress = 10.0.0.1/24\n  x=10.0.0.2/24\n", "t.ini:4: " MESSAGE);
}

static void inih__no_inline_comments__refused_with_line(void **state)
{
    struct t_parsed parsed;
    (void)state;
    ini_allow_inline_comments = false;
    t_parse(sample, &parsed);
    assert_int_equal(parsed.result, STK_EINVAL);
    assert_string_equal(parsed.error,
                        "t.ini:2: [engine] spin: '5us ; comment' is not a whole number (unit: us, ms, s or min)");
    t_parsed_free(&parsed);
}

#define WITH_DEFAULTS(test) cmocka_unit_test_setup_teardown(test, defaults_restore, defaults_restore)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEFAULTS(inih__harmless_settings__file_read_as_ever),
        WITH_DEFAULTS(inih__heap_buffer_of_each_size__whole_or_refused),
        WITH_DEFAULTS(inih__short_lines__longer_ones_refused_with_line),
        WITH_DEFAULTS(inih__no_continuation_lines__refused_with_line),
        WITH_DEFAULTS(inih__no_inline_comments__refused_with_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Each allocation of the configuration parser fails in turn, and reading the
 * file goes wrong in each way. The linker sends malloc and kin of the linked
 * archives through the counters here.
 */
#include "stack/config.h"
#include "stack/err.h"
#include "t_config.h"
#include "t_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static struct {
    bool on;
    unsigned calls;
    unsigned fail_at; /* the call that fails, from 1; 0: none */
    unsigned failed;
    long live; /* blocks */
} faults;

static bool fault_now(void)
{
    if (!faults.on) {
        return false;
    }
    faults.calls++;
    if (faults.calls == faults.fail_at) {
        faults.failed++;
        return true;
    }
    faults.live++;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return fault_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fault_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fault_now()) {
        return NULL;
    }
    faults.live -= faults.on && old != NULL;
    return __real_realloc(old, size);
}

void __wrap_free(void *old)
{
    faults.live -= faults.on && old != NULL;
    __real_free(old);
}

static void faults_begin(unsigned fail_at)
{
    faults.calls = 0;
    faults.fail_at = fail_at;
    faults.failed = 0;
    faults.live = 0;
    faults.on = true;
}

/* One way of reading a configuration. */
struct way {
    const char *text; /* NULL: from the file */
    const char *path;
    int result;
};

static int way_go(const struct way *way, struct stk_config **out, char *error, size_t size)
{
    return way->text != NULL ? stk_config_parse(way->text, "t.ini", out, error, size)
                             : stk_config_load(way->path, out, error, size);
}

/* Fails every allocation of one way, one after the other; gives how many there are. */
static unsigned way_check(const struct way *way)
{
    static char poison;
    struct stk_config *const untouched = (struct stk_config *)(void *)&poison;
    for (unsigned fail_at = 1; fail_at < 100; fail_at++) {
        char error[STK_CONF_ERROR_SIZE] = T_POISON;
        struct stk_config *config = untouched;
        faults_begin(fail_at);
        int result = way_go(way, &config, error, sizeof(error));
        if (result == STK_OK) {
            stk_config_free(config);
        }
        faults.on = false;
        assert_int_equal(faults.live, 0);
        if (faults.failed == 0) {
            assert_int_equal(result, way->result);
            return faults.calls;
        }
        assert_int_equal(result, STK_ENOMEM);
        assert_ptr_equal(config, untouched);
        assert_non_null(strstr(error, "out of memory"));
    }
    fail_msg("more than 100 allocations");
    return 0;
}

static void config__each_allocation_fails__enomem_and_no_leak(void **state)
{
    const struct way *ways = *state;
    for (size_t i = 0; i < 4; i++) {
        unsigned calls = way_check(&ways[i]);
        print_message("way %u: %u allocations, each failed once\n", (unsigned)i, calls);
        assert_true(calls >= 3);
    }
}

static void load__reading_goes_wrong__whole_file_or_an_error(void **state)
{
    static const struct {
        enum t_reading way;
        int result;
        const char *why;
    } rows[] = {
        {T_READ_WELL, STK_OK, ""},
        {T_READ_BYTES, STK_OK, ""},
        {T_READ_INTERRUPTED, STK_OK, ""},
        {T_READ_ERROR, STK_EIO, ": cannot be read"},
        {T_READ_ERROR_LATER, STK_EIO, ": cannot be read"},
        {T_READ_GROWING, STK_EIO, ": larger than 1 MiB"},
    };
    const struct way *ways = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char error[STK_CONF_ERROR_SIZE] = "";
        char expected[STK_CONF_ERROR_SIZE] = "";
        struct stk_config *config = NULL;
        t_reading_set(rows[i].way);
        faults_begin(0);
        int result = stk_config_load(ways[3].path, &config, error, sizeof(error));
        uint32_t ports_count = config != NULL ? config->ports_count : 0;
        stk_config_free(config);
        faults.on = false;
        const unsigned calls = t_reading_calls();
        t_reading_set(T_READ_WELL);
        if (rows[i].result != STK_OK) {
            (void)snprintf(expected, sizeof(expected), "%.400s%s", ways[3].path, rows[i].why);
        }
        assert_string_equal(error, expected);
        assert_int_equal(result, rows[i].result);
        assert_int_equal(ports_count, result == STK_OK ? 1 : 0);
        assert_int_equal(faults.live, 0);
        assert_true(calls > 0);
    }
}

/* The counters themselves notice a block that stays. */
static void faults__block_kept__is_counted(void **state)
{
    /* Through a pointer: the compiler knows malloc and believes that it changes no counter. */
    void *(*volatile alloc)(size_t) = malloc;
    (void)state;
    faults_begin(0);
    void *kept = alloc(1);
    faults.on = false;
    assert_int_equal(faults.live, 1);
    assert_int_equal(faults.calls, 1);
    free(kept);
}

int main(int argc, char **argv)
{
    char path[512];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER-WITH-SAMPLES\n", argv[0]);
        return 2;
    }
    (void)snprintf(path, sizeof(path), "%s/winlane.ini", argv[1]);
    struct way ways[4] = {
        {.text = "[engine]\nspin = 1us\n[port a]\ndriver = wire\nwire.link = l\naddress = 10.0.0.1/24\n",
         .result = STK_OK},
        {.text = "[port a]\ndriver = wire\nmtu = 1\n", .result = STK_EINVAL},
        {.text = "[port a\n", .result = STK_EPROTO},
        {.path = path, .result = STK_OK},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(config__each_allocation_fails__enomem_and_no_leak, ways),
        cmocka_unit_test_prestate(load__reading_goes_wrong__whole_file_or_an_error, ways),
        cmocka_unit_test(faults__block_kept__is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

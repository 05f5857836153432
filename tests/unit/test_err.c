#include "stack/err.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    int err;
    const char *name;
};

static const struct row rows[] = {
#define ROW(err_name, value, err_text) {(value), #err_name},
    STK_ERR_LIST(ROW)
#undef ROW
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void err_list__values__run_from_zero_down_without_gaps(void **state)
{
    (void)state;
    assert_int_equal(ROWS, STK_ERR_COUNT);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(rows[i].err, -(int)i);
    }
    assert_int_equal(STK_OK, 0);
    assert_int_equal(rows[ROWS - 1].err, STK_ERR_LAST);
}

static void err_name__each_error__its_own_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        assert_string_equal(stk_err_name(rows[i].err), rows[i].name);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

static void err_text__each_error__its_own_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const char *text = stk_err_text(rows[i].err);
        assert_non_null(text);
        assert_true(strlen(text) >= 4);
        assert_string_not_equal(text, "unknown error");
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(text, stk_err_text(rows[j].err));
        }
    }
}

static void err__values_outside__unknown(void **state)
{
    static const int outside[] = {1,     2,       35,         10035, INT_MAX, STK_ERR_LAST - 1, -STK_ERR_COUNT,
                                  -1000, INT_MIN, INT_MIN + 1};
    (void)state;
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_string_equal(stk_err_text(outside[i]), "unknown error");
        assert_string_equal(stk_err_name(outside[i]), "STK_E?");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_list__values__run_from_zero_down_without_gaps),
        cmocka_unit_test(err_name__each_error__its_own_name),
        cmocka_unit_test(err_text__each_error__its_own_text),
        cmocka_unit_test(err__values_outside__unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

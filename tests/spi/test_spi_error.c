/** @file Errors: every one of the stack has a code of Winsock's. */
#include "t_host.h"

#include "wsp_error.h"

#include "stack/err.h"

static void error__every_stack_error__has_a_code(void **state)
{
    (void)state;
    assert_int_equal(wsp_error_of(WSP_OP_ANY, 0), 0);
    for (int err = -1; err >= STK_ERR_LAST; err--) {
        int code = wsp_error_of(WSP_OP_ANY, err);

        if (code < 10000 || code > 11031)
            fail_msg("%s gives %d", stk_err_name(err), code);
    }
    assert_int_equal(wsp_error_of(WSP_OP_ANY, STK_ERR_LAST - 1), WSASYSCALLFAILURE);
    assert_int_equal(wsp_error_of(WSP_OP_ANY, 1), WSASYSCALLFAILURE);
    assert_int_equal(wsp_error_of(WSP_OP_ANY, STK_ECONNRESET), WSAECONNRESET);
    assert_int_equal(wsp_fail(&t_err, 0), SOCKET_ERROR);
    assert_int_equal(t_err, WSASYSCALLFAILURE);
    assert_int_equal(wsp_fail(NULL, WSAEINVAL), SOCKET_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error__every_stack_error__has_a_code),
    };

    return cmocka_run_group_tests_name("spi_error", tests, NULL, NULL);
}

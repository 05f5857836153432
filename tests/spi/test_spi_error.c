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

        if ((code < 10000 || code > 11031) && err != STK_ECANCELED) /* the one that Winsock has from Windows */
            fail_msg("%s gives %d", stk_err_name(err), code);
    }
    assert_int_equal(wsp_error_of(WSP_OP_ANY, STK_ERR_LAST - 1), WSASYSCALLFAILURE);
    assert_int_equal(wsp_error_of(WSP_OP_ANY, 1), WSASYSCALLFAILURE);
    assert_int_equal(wsp_error_of(WSP_OP_ANY, STK_ECONNRESET), WSAECONNRESET);
    assert_int_equal(wsp_error_of(WSP_OP_ANY, STK_ECANCELED), WSA_OPERATION_ABORTED);
    assert_int_equal(wsp_fail(&t_err, 0), SOCKET_ERROR);
    assert_int_equal(t_err, WSASYSCALLFAILURE);
    assert_int_equal(wsp_fail(NULL, WSAEINVAL), SOCKET_ERROR);
}

/* Those of one name mean the same. */
static void error__of_one_name__keeps_it(void **state)
{
    static const struct {
        int err;
        int code;
    } rows[] = {
        {STK_EACCES, WSAEACCES},
        {STK_EADDRINUSE, WSAEADDRINUSE},
        {STK_EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
        {STK_EAFNOSUPPORT, WSAEAFNOSUPPORT},
        {STK_EALREADY, WSAEALREADY},
        {STK_ECONNABORTED, WSAECONNABORTED},
        {STK_ECONNREFUSED, WSAECONNREFUSED},
        {STK_ECONNRESET, WSAECONNRESET},
        {STK_EDESTADDRREQ, WSAEDESTADDRREQ},
        {STK_EHOSTUNREACH, WSAEHOSTUNREACH},
        {STK_EINVAL, WSAEINVAL},
        {STK_EISCONN, WSAEISCONN},
        {STK_EMSGSIZE, WSAEMSGSIZE},
        {STK_ENETDOWN, WSAENETDOWN},
        {STK_ENETRESET, WSAENETRESET},
        {STK_ENETUNREACH, WSAENETUNREACH},
        {STK_ENOPROTOOPT, WSAENOPROTOOPT},
        {STK_ENOTCONN, WSAENOTCONN},
        {STK_ENOTSOCK, WSAENOTSOCK},
        {STK_EOPNOTSUPP, WSAEOPNOTSUPP},
        {STK_ESHUTDOWN, WSAESHUTDOWN},
        {STK_ETIMEDOUT, WSAETIMEDOUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (wsp_error_of(WSP_OP_ANY, rows[i].err) != rows[i].code)
            fail_msg("%s gives %d", stk_err_name(rows[i].err), wsp_error_of(WSP_OP_ANY, rows[i].err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error__every_stack_error__has_a_code),
        cmocka_unit_test(error__of_one_name__keeps_it),
    };

    return cmocka_run_group_tests_name("spi_error", tests, NULL, NULL);
}

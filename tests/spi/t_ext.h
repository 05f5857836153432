/** @file Extension functions of the provider under test, by their identifiers. */
#ifndef T_EXT_H
#define T_EXT_H

#include "t_host.h"

/** Fetch a function; the test fails where there is none. */
static inline void (*t_ext_get(SOCKET s, GUID id))(void)
{
    void (*function)(void) = NULL;
    DWORD bytes = 0;

    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                                      &bytes, NULL, NULL, NULL, &t_err),
                     0);
    assert_int_equal(bytes, sizeof function);
    assert_non_null(function);
    return function;
}

#endif

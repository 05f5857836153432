/**
 * @file
 * From the stack's errors to Winsock's: one total table, and the one way in
 * which a failing SPI entry returns.
 *
 * Source: rules 6.5 (values), WSPC-1 (failure always has a code).
 */
#ifndef WSP_ERROR_H
#define WSP_ERROR_H

#include <ws2spi.h>

/** Operations whose page names another code than the table's for an error. */
enum wsp_op {
    WSP_OP_ANY,
    WSP_OP_SOCKET,
    WSP_OP_BIND,
    WSP_OP_CONNECT,
    WSP_OP_ACCEPT,
    WSP_OP_SEND,
    WSP_OP_SENDTO,
    WSP_OP_RECV,
    WSP_OP_OPTION,
};

/**
 * Translate an error.
 *
 * @param op   What was attempted.
 * @param err  0 or a negative enum stk_err; anything else counts as unknown.
 * @return     0 for 0, else a WSAE* code, never 0.
 *
 * Context: any thread. Does not block or allocate.
 */
int wsp_error_of(enum wsp_op op, int err);

/**
 * Fail an SPI entry: store the code and return SOCKET_ERROR.
 *
 * @param err   lpErrno; NULL is survived.
 * @param code  Nonzero; 0 becomes WSASYSCALLFAILURE, so that no failure is without a code.
 * @return      SOCKET_ERROR.
 */
int wsp_fail(LPINT err, int code);

/** wsp_fail(err, wsp_error_of(op, stk)). */
int wsp_fail_stk(LPINT err, enum wsp_op op, int stk);

#endif

/** @file Error translation. */
#include "wsp_error.h"

#include "stack/err.h"

/* Index: the negated enum stk_err. */
static const int error_table[] = {
    [-STK_OK] = 0,
    [-STK_EAGAIN] = WSAEWOULDBLOCK,
    [-STK_EINVAL] = WSAEINVAL,
    [-STK_ENOMEM] = WSAENOBUFS,
    [-STK_EMFILE] = WSAEMFILE,
    [-STK_EADDRINUSE] = WSAEADDRINUSE,
    [-STK_EADDRNOTAVAIL] = WSAEADDRNOTAVAIL,
    [-STK_EAFNOSUPPORT] = WSAEAFNOSUPPORT,
    [-STK_EPROTONOSUPPORT] = WSAEPROTONOSUPPORT,
    [-STK_EOPNOTSUPP] = WSAEOPNOTSUPP,
    [-STK_ENOPROTOOPT] = WSAENOPROTOOPT,
    [-STK_EISCONN] = WSAEISCONN,
    [-STK_ENOTCONN] = WSAENOTCONN,
    [-STK_EINPROGRESS] = WSAEWOULDBLOCK, /* Winsock's word for a connect that was started: WSPCONNECT-1 */
    [-STK_EALREADY] = WSAEALREADY,
    [-STK_ECONNREFUSED] = WSAECONNREFUSED,
    [-STK_ECONNRESET] = WSAECONNRESET,
    [-STK_ECONNABORTED] = WSAECONNABORTED,
    [-STK_ENETRESET] = WSAENETRESET,
    [-STK_ETIMEDOUT] = WSAETIMEDOUT,
    [-STK_ENETUNREACH] = WSAENETUNREACH,
    [-STK_EHOSTUNREACH] = WSAEHOSTUNREACH,
    [-STK_ESHUTDOWN] = WSAESHUTDOWN,
    [-STK_EMSGSIZE] = WSAEMSGSIZE,
    [-STK_EACCES] = WSAEACCES,
    [-STK_EDESTADDRREQ] = WSAEDESTADDRREQ,
    [-STK_ENETDOWN] = WSAENETDOWN,
    [-STK_ENOTSOCK] = WSAENOTSOCK,
    [-STK_ECLOSED] = WSAEINTR, /* closed by another thread while waiting: WSPC-9 */
    [-STK_EINTR] = WSAEINTR,
    [-STK_EBUSY] = WSAENETDOWN, /* another process owns the port */
    [-STK_EIO] = WSAENETDOWN,
    [-STK_ENOENT] = WSAEINVAL,
    [-STK_EPROTO] = WSAEINVAL,
    [-STK_EFULL] = WSAENOBUFS,
    [-STK_EFORKED] = WSANOTINITIALISED,
    [-STK_ENOTINIT] = WSANOTINITIALISED,
    [-STK_ETOOMANYREFS] = WSAETOOMANYREFS,
    [-STK_ECANCELED] = WSA_OPERATION_ABORTED,
};
_Static_assert(sizeof error_table / sizeof error_table[0] == STK_ERR_COUNT, "one code for every stack error");

struct error_exception {
    enum wsp_op op;
    int stk;
    int code;
};

static const struct error_exception error_exceptions[] = {
    {WSP_OP_SENDTO, STK_ENOTCONN, WSAEDESTADDRREQ},  /* no address given and none connected: WSPSENDTO-1 */
    {WSP_OP_SOCKET, STK_EACCES, WSAEACCES},          /* raw socket without privilege: WSPSOCKET-1 */
    {WSP_OP_OPTION, STK_EOPNOTSUPP, WSAENOPROTOOPT}, /* option of another socket type: WSPSETSOCKOPT-1 */
};

int wsp_error_of(enum wsp_op op, int err)
{
    int code = WSASYSCALLFAILURE;

    if (err <= 0 && err > -STK_ERR_COUNT)
        code = error_table[-err];
    for (unsigned i = 0; i < sizeof error_exceptions / sizeof error_exceptions[0]; i++)
        if (error_exceptions[i].op == op && error_exceptions[i].stk == err)
            code = error_exceptions[i].code;
    return code;
}

int wsp_fail(LPINT err, int code)
{
    if (err)
        *err = code != 0 ? code : WSASYSCALLFAILURE;
    return SOCKET_ERROR;
}

int wsp_fail_stk(LPINT err, enum wsp_op op, int stk)
{
    return wsp_fail(err, wsp_error_of(op, stk));
}

/**
 * @file
 * The one error type of the stack, the NIC layer and the drivers.
 *
 * Functions return 0 (STK_OK) or one of these negative values; functions that
 * return a count return it as a positive value and an error as a negative one.
 * lwIP's codes stop at stack/lwip, DPDK's at drivers/dpdk; the translation to
 * WSAE* is one total table in wsp/.
 */
#ifndef STACK_ERR_H
#define STACK_ERR_H

#define STK_ERR_LIST(X)                                                      \
    X(STK_OK, 0, "success")                                                  \
    X(STK_EAGAIN, -1, "would block; readiness follows")                      \
    X(STK_EINVAL, -2, "invalid argument or state")                           \
    X(STK_ENOMEM, -3, "a pool or table is exhausted")                        \
    X(STK_EMFILE, -4, "no free socket")                                      \
    X(STK_EADDRINUSE, -5, "address in use")                                  \
    X(STK_EADDRNOTAVAIL, -6, "not an address of this stack")                 \
    X(STK_EAFNOSUPPORT, -7, "address family does not fit the socket")        \
    X(STK_EPROTONOSUPPORT, -8, "protocol not supported")                     \
    X(STK_EOPNOTSUPP, -9, "operation not supported for this type of socket") \
    X(STK_ENOPROTOOPT, -10, "unknown option")                                \
    X(STK_EISCONN, -11, "already connected")                                 \
    X(STK_ENOTCONN, -12, "not connected")                                    \
    X(STK_EINPROGRESS, -13, "connect started; readiness follows")            \
    X(STK_EALREADY, -14, "connect already in progress")                      \
    X(STK_ECONNREFUSED, -15, "connection refused")                           \
    X(STK_ECONNRESET, -16, "connection reset by the peer")                   \
    X(STK_ECONNABORTED, -17, "connection aborted on this side")              \
    X(STK_ENETRESET, -18, "keep-alive failure or TTL exceeded")              \
    X(STK_ETIMEDOUT, -19, "timed out")                                       \
    X(STK_ENETUNREACH, -20, "no route to the network")                       \
    X(STK_EHOSTUNREACH, -21, "host unreachable")                             \
    X(STK_ESHUTDOWN, -22, "direction already shut down")                     \
    X(STK_EMSGSIZE, -23, "message too large, or truncated")                  \
    X(STK_EACCES, -24, "permission denied (broadcast, exclusive address)")   \
    X(STK_EDESTADDRREQ, -25, "destination address required")                 \
    X(STK_ENETDOWN, -26, "the engine is not running or was lost")            \
    X(STK_ENOTSOCK, -27, "not a live socket")                                \
    X(STK_ECLOSED, -28, "closed on this side while waiting")                 \
    X(STK_EINTR, -29, "the wait was interrupted on request")                 \
    X(STK_EBUSY, -30, "in use by another owner")                             \
    X(STK_EIO, -31, "a driver or a file failed")                             \
    X(STK_ENOENT, -32, "no such object")                                     \
    X(STK_EPROTO, -33, "malformed input")                                    \
    X(STK_EFULL, -34, "queue full")                                          \
    X(STK_EFORKED, -35, "used in a child after fork")                        \
    X(STK_ENOTINIT, -36, "not initialised")                                  \
    X(STK_ETOOMANYREFS, -37, "smaller than what refers to it")               \
    X(STK_ECANCELED, -38, "ended before it was done, by closing")

enum stk_err {
#define STK_ERR_ENUM(name, value, text) name = (value),
    STK_ERR_LIST(STK_ERR_ENUM)
#undef STK_ERR_ENUM
};

#define STK_ERR_LAST STK_ECANCELED
#define STK_ERR_COUNT (1 - (int)STK_ERR_LAST)

/**
 * Text of an error, for logs and tests.
 *
 * @param err  Any value; unknown ones give "unknown error".
 * @return     A constant string, owned by the library.
 *
 * Context: any thread. Does not block or allocate.
 */
const char *stk_err_text(int err);

/**
 * Name of an error ("STK_EAGAIN"), for logs and tests.
 *
 * @param err  Any value; unknown ones give "STK_E?".
 * @return     A constant string, owned by the library.
 *
 * Context: any thread. Does not block or allocate.
 */
const char *stk_err_name(int err);

#endif

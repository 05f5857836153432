/** @file Socket options: IPPROTO_TCP. */
#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

#define KEEP_SECONDS_MAX (INT32_MAX / 1000)

/* Keep-alive times are seconds in options and milliseconds in the stack. */
static int option_get_seconds(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t ms = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&ms, len);

    return code != 0 ? code : wsp_option_put(value, len, (uint32_t)ms / 1000);
}

static int option_set_seconds(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t seconds;

    (void)len;
    memcpy(&seconds, value, sizeof seconds);
    if (seconds < row->min || seconds > row->max)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, seconds * 1000);
}

/* TCP_BSDURGENT is the other side of TCP_EXPEDITED_1122 (OOB-12, X25). */
static int option_get_bsdurgent(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t rfc1122 = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&rfc1122, len);

    return code != 0 ? code : wsp_option_put(value, len, rfc1122 == 0);
}

static int option_set_bsdurgent(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t bsd;

    (void)len;
    memcpy(&bsd, value, sizeof bsd);
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, bsd == 0);
}

/* TCP_MAXRT and TCP_MAXRTMS are one limit, -1 none at all. */
static int option_get_maxrt(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t ms = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&ms, len);

    return code != 0 ? code : wsp_option_put(value, len, ms > 0 ? ((uint32_t)ms + 999) / 1000 : (uint32_t)ms);
}

static int option_set_maxrt(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t seconds;

    (void)len;
    memcpy(&seconds, value, sizeof seconds);
    if (seconds < row->min || seconds > row->max)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, seconds > 0 ? seconds * 1000 : seconds);
}

/* On, when it was asked for: what an unset one does follows the peer. */
static int option_get_timestamps(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t asked = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&asked, len);

    return code != 0 ? code : wsp_option_put(value, len, asked == 1);
}

static int option_get_no_retries(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t retries = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&retries, len);

    return code != 0 ? code : wsp_option_put(value, len, retries == 0);
}

static int option_set_no_retries(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t on;

    (void)len;
    memcpy(&on, value, sizeof on);
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, on != 0 ? 0 : -1);
}

/* ICMP_ERROR_INFO. */
struct option_icmp_info {
    union {
        SOCKADDR_IN v4;
        SOCKADDR_IN6 v6;
    } source;
    int32_t protocol;
    uint8_t type;
    uint8_t code;
};
_Static_assert(sizeof(struct option_icmp_info) == 36, "layout");

/* IC-1: a length of 0 where no ICMP error came. */
static int option_get_icmp(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    struct option_icmp_info out;
    struct stk_icmp_info info;
    INT size = (INT)sizeof out.source;
    int code = wsp_error_of(WSP_OP_OPTION, stk_sock_icmp_info(sock->stk, &info));

    (void)row;
    if (code != 0)
        return code;
    if (!info.set) {
        *len = 0;
        return 0;
    }
    memset(&out, 0, sizeof out);
    code = wsp_addr_write(&info.source, info.source.family == STK_AF_INET ? AF_INET : AF_INET6,
                          (struct sockaddr *)(void *)&out.source, &size);
    if (code != 0)
        return code;
    out.protocol = (int32_t)info.protocol;
    out.type = (uint8_t)info.type;
    out.code = (uint8_t)info.code;
    memcpy(value, &out, sizeof out);
    *len = (int)sizeof out;
    return 0;
}

/* One byte, however long the value is (Windows, as conformance suites observe). */
static int option_set_nodelay(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    (void)row, (void)len;
    return wsp_option_stack_set(sock, STK_OPT_NODELAY, value[0] != 0);
}

#define S (WSP_OPT_IP46 | WSP_OPT_STREAM)

static const struct wsp_option_row option_tcp[] = {
    {IPPROTO_TCP, TCP_NODELAY, S, WSP_OPT_BOTH, 4, STK_OPT_NODELAY, 0, 1, wsp_option_get_stack, option_set_nodelay},
    WSP_OPT_ROW_BOOL(IPPROTO_TCP, TCP_EXPEDITED_1122, S, STK_OPT_URGENT_1122),
    {IPPROTO_TCP, TCP_BSDURGENT, S, WSP_OPT_BOTH, 4, STK_OPT_URGENT_1122, 0, 1, option_get_bsdurgent,
     option_set_bsdurgent},
    {IPPROTO_TCP, TCP_KEEPCNT, S, WSP_OPT_BOTH | WSP_OPT_WHOLE, 4, STK_OPT_KEEPCNT, 1, 255, wsp_option_get_stack,
     wsp_option_set_stack},
    {IPPROTO_TCP, TCP_KEEPIDLE, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPIDLE_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_KEEPINTVL, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPINTVL_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_MAXSEG, S, WSP_OPT_GET, 4, STK_OPT_MSS, 0, 0, wsp_option_get_stack, NULL},
    {IPPROTO_TCP, TCP_MAXRT, S, WSP_OPT_BOTH, 4, STK_OPT_MAXRT_MS, -1, KEEP_SECONDS_MAX, option_get_maxrt,
     option_set_maxrt},
    WSP_OPT_ROW_INT(IPPROTO_TCP, TCP_MAXRTMS, S, STK_OPT_MAXRT_MS, -1, INT32_MAX),
    {IPPROTO_TCP, TCP_TIMESTAMPS, S, WSP_OPT_BOTH, 4, STK_OPT_TIMESTAMPS, 0, 1, option_get_timestamps,
     wsp_option_set_stack_bool},
    {IPPROTO_TCP, TCP_NOSYNRETRIES, S, WSP_OPT_BOTH, 4, STK_OPT_SYN_RETRIES, 0, 1, option_get_no_retries,
     option_set_no_retries},
    WSP_OPT_ROW_BOOL(IPPROTO_TCP, TCP_FAIL_CONNECT_ON_ICMP_ERROR, S, STK_OPT_ICMP_FAIL),
    {IPPROTO_TCP, TCP_ICMP_ERROR_INFO, S, WSP_OPT_GET, (int)sizeof(struct option_icmp_info), 0, 0, 0, option_get_icmp,
     NULL},
};
const struct wsp_option_group wsp_option_tcp = WSP_OPTION_GROUP(option_tcp);

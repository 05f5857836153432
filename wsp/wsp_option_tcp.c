/** @file Socket options: IPPROTO_TCP. */
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

#define S (WSP_OPT_IP46 | WSP_OPT_STREAM)

static const struct wsp_option_row option_tcp[] = {
    WSP_OPT_ROW_BOOL(IPPROTO_TCP, TCP_NODELAY, S, STK_OPT_NODELAY),
    WSP_OPT_ROW_INT(IPPROTO_TCP, TCP_KEEPCNT, S, STK_OPT_KEEPCNT, 1, 255),
    {IPPROTO_TCP, TCP_KEEPIDLE, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPIDLE_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_KEEPINTVL, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPINTVL_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_MAXSEG, S, WSP_OPT_GET, 4, STK_OPT_MSS, 0, 0, wsp_option_get_stack, NULL},
};
const struct wsp_option_group wsp_option_tcp = WSP_OPTION_GROUP(option_tcp);

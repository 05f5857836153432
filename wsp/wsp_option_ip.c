/** @file Socket options: IPPROTO_IP and IPPROTO_IPV6 but for the multicast ones. */
#include "wsp_error.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

/* -1 asks for the default hop limit. */
int wsp_option_set_hops(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t hops;

    (void)len;
    memcpy(&hops, value, sizeof hops);
    if (hops == -1)
        hops = row->arg == STK_OPT_TTL ? 128 : 1;
    if (hops < row->min || hops > row->max)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, hops);
}

#define IP46 WSP_OPT_IP46
#define MSGS WSP_OPT_MSGS
#define ANY WSP_OPT_ANY

static const struct wsp_option_row option_ip[] = {
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_TTL, ANY, STK_OPT_TTL, 1, 255),
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_TOS, ANY, STK_OPT_TOS, 0, 255),
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_DONTFRAGMENT, IP46 | MSGS, STK_OPT_DONTFRAG),
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_HDRINCL, IP46 | WSP_OPT_RAW, STK_OPT_HDRINCL),
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY, WSP_OPT_BOTH, 4, STK_OPT_TTL, 1, 255, wsp_option_get_stack,
     wsp_option_set_hops},
    WSP_OPT_ROW_INT(IPPROTO_IPV6, IPV6_TCLASS, ANY, STK_OPT_TOS, 0, 255),
    WSP_OPT_ROW_BOOL(IPPROTO_IPV6, IPV6_DONTFRAG, IP46 | MSGS, STK_OPT_DONTFRAG),
    WSP_OPT_ROW_BOOL(IPPROTO_IPV6, IPV6_V6ONLY, ANY, STK_OPT_V6ONLY),
};
const struct wsp_option_group wsp_option_ip = WSP_OPTION_GROUP(option_ip);

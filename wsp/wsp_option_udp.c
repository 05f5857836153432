/** @file Socket options: IPPROTO_UDP. Source: rules 5.5. */
#include "wsp_error.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

/* UDP_CHECKSUM_COVERAGE asks for what UDP_NOCHECKSUM leaves out: one state, seen from both sides. */
static int option_get_coverage(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t without = 0;
    int code;

    if (sock->family == AF_INET6)
        return wsp_option_put(value, len, 1);
    code = wsp_option_get_stack(sock, row, (char *)&without, len);
    return code != 0 ? code : wsp_option_put(value, len, without == 0);
}

static int option_set_coverage(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t with;

    (void)len;
    memcpy(&with, value, sizeof with);
    if (sock->family == AF_INET6) /* RFC 8200 8.1: never without */
        return with != 0 ? 0 : WSAEINVAL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, with == 0);
}

/* USO-2: a DWORD and nothing else; more than a datagram can have is as good as the most. */
static int option_set_bytes(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t bytes;

    if (len != row->size)
        return WSAEFAULT;
    memcpy(&bytes, value, sizeof bytes);
    return bytes > INT32_MAX ? WSAEINVAL : wsp_option_stack_set(sock, (enum stk_opt)row->arg, (int32_t)bytes);
}

static const struct wsp_option_row option_udp[] = {
    WSP_OPT_ROW_BOOL(IPPROTO_UDP, UDP_NOCHECKSUM, WSP_OPT_V4 | WSP_OPT_DGRAM, STK_OPT_NOCHECKSUM),
    {IPPROTO_UDP, UDP_CHECKSUM_COVERAGE, WSP_OPT_IP46 | WSP_OPT_DGRAM, WSP_OPT_BOTH, 4, STK_OPT_NOCHECKSUM, 0, 1,
     option_get_coverage, option_set_coverage},
    {IPPROTO_UDP, UDP_SEND_MSG_SIZE, WSP_OPT_IP46 | WSP_OPT_DGRAM, WSP_OPT_BOTH, 4, STK_OPT_UDP_SEGMENT, 0, 0,
     wsp_option_get_stack, option_set_bytes},
    {IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE, WSP_OPT_IP46 | WSP_OPT_DGRAM, WSP_OPT_BOTH, 4, STK_OPT_UDP_MERGE, 0, 0,
     wsp_option_get_stack, option_set_bytes},
};
const struct wsp_option_group wsp_option_udp = WSP_OPTION_GROUP(option_udp);

/** @file Multicast options: memberships and interfaces. Source: rules 5.2, 5.3, 7.8. */
#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_ioctl.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

static bool mcast_is_group(const struct stk_addr *addr)
{
    if (addr->family == STK_AF_INET)
        return (addr->ip[0] & 0xf0) == 0xe0;
    return addr->ip[0] == 0xff;
}

/*
 * An interface as IPv4 options name it: 0 by route, 0.x.y.z an index in network order, else one of its addresses.
 */
static int mcast_interface(const unsigned char ip[4], uint32_t *if_index)
{
    struct stk_addr addr = {.family = STK_AF_INET};

    *if_index = 0;
    if (ip[0] == 0) {
        *if_index = (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
        return 0;
    }
    memcpy(addr.ip, ip, 4);
    *if_index = wsp_interface_of(&addr);
    return *if_index != 0 ? 0 : WSAEADDRNOTAVAIL;
}

static int mcast_apply(struct wsp_socket *sock, enum stk_opt opt, const struct stk_mcast_req *req)
{
    int err;

    if (!mcast_is_group(&req->group))
        return WSAEADDRNOTAVAIL;
    err = stk_sock_opt_set(sock->stk, opt, req, sizeof *req);
    /* The conflict table of 7.8: joined already, and not a member. */
    if (opt == STK_OPT_MCAST_JOIN && err == STK_EADDRINUSE)
        return WSAEADDRNOTAVAIL;
    if (opt == STK_OPT_MCAST_LEAVE && err == STK_EADDRNOTAVAIL)
        return WSAEINVAL;
    return wsp_error_of(WSP_OP_OPTION, err);
}

int wsp_option_set_mreq(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {.group = {.family = STK_AF_INET}};
    unsigned char which[4];
    int code;

    (void)len;
    memcpy(req.group.ip, value + offsetof(IP_MREQ, imr_multiaddr), 4);
    memcpy(which, value + offsetof(IP_MREQ, imr_interface), 4);
    code = mcast_interface(which, &req.if_index);
    return code != 0 ? code : mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

int wsp_option_set_mreq6(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {.group = {.family = STK_AF_INET6}};
    IPV6_MREQ given;

    (void)len;
    memcpy(&given, value, sizeof given);
    memcpy(req.group.ip, &given.ipv6mr_multiaddr, sizeof req.group.ip);
    req.if_index = given.ipv6mr_interface;
    return mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

int wsp_option_set_group(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {0};
    GROUP_REQ given;
    int code;

    (void)len;
    memcpy(&given, value, sizeof given);
    code = wsp_addr_read((const struct sockaddr *)&given.gr_group, (int)sizeof given.gr_group, sock->family,
                         &req.group);
    if (code != 0)
        return WSAEINVAL;
    req.group.port = 0;
    req.if_index = given.gr_interface;
    return mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

int wsp_option_set_mcast_if(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    unsigned char which[4];
    uint32_t if_index;
    int code;

    (void)len;
    memcpy(which, value, sizeof which);
    code = mcast_interface(which, &if_index);
    return code != 0 ? code : wsp_option_stack_set(sock, (enum stk_opt)row->arg, (int32_t)if_index);
}

#define IP46 WSP_OPT_IP46
#define MSGS WSP_OPT_MSGS

static const struct wsp_option_row option_mcast[] = {
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_MULTICAST_TTL, IP46 | MSGS, STK_OPT_MCAST_TTL, 0, 255),
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    {IPPROTO_IP, IP_MULTICAST_IF, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_IF, 0, 0, wsp_option_get_stack,
     wsp_option_set_mcast_if},
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_ADD_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_JOIN, wsp_option_set_mreq),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_DROP_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_LEAVE, wsp_option_set_mreq),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN, wsp_option_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE,
                       wsp_option_set_group),
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_TTL, 0, 255, wsp_option_get_stack,
     wsp_option_set_hops},
    WSP_OPT_ROW_BOOL(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    WSP_OPT_ROW_INT(IPPROTO_IPV6, IPV6_MULTICAST_IF, IP46 | MSGS, STK_OPT_MCAST_IF, 0, INT32_MAX),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_JOIN,
                       wsp_option_set_mreq6),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_LEAVE,
                       wsp_option_set_mreq6),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN,
                       wsp_option_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE,
                       wsp_option_set_group),
};
const struct wsp_option_group wsp_option_mcast = WSP_OPTION_GROUP(option_mcast);

/** @file Multicast options: memberships and interfaces. Source: rules 5.2, 5.3, 7.8. */
#include "wsp_error.h"
#include "wsp_mcast.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

static int mcast_apply(struct wsp_socket *sock, enum stk_opt opt, const struct stk_mcast_req *req)
{
    int err;

    if (!wsp_mcast_is_group(&req->group))
        return WSAEADDRNOTAVAIL;
    err = stk_sock_opt_set(sock->stk, opt, req, sizeof *req);
    /* The conflict table of 7.8: joined already, and not a member. */
    if (opt == STK_OPT_MCAST_JOIN && err == STK_EADDRINUSE)
        return WSAEADDRNOTAVAIL;
    if (opt == STK_OPT_MCAST_LEAVE && err == STK_EADDRNOTAVAIL)
        return WSAEINVAL;
    return wsp_error_of(WSP_OP_OPTION, err);
}

static int mcast_set_mreq(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {.group = {.family = STK_AF_INET}};
    unsigned char which[4];
    int code;

    (void)len;
    memcpy(req.group.ip, value + offsetof(IP_MREQ, imr_multiaddr), 4);
    memcpy(which, value + offsetof(IP_MREQ, imr_interface), 4);
    code = wsp_mcast_interface(which, &req.if_index);
    return code != 0 ? code : mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

static int mcast_set_mreq6(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {.group = {.family = STK_AF_INET6}};
    IPV6_MREQ given;

    (void)len;
    memcpy(&given, value, sizeof given);
    memcpy(req.group.ip, &given.ipv6mr_multiaddr, sizeof req.group.ip);
    req.if_index = given.ipv6mr_interface;
    return mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

static int mcast_set_group(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_mcast_req req = {0};
    GROUP_REQ given;
    int code;

    (void)len;
    memcpy(&given, value, sizeof given);
    code = wsp_mcast_addr(sock, &given.gr_group, &req.group);
    if (code != 0)
        return code;
    req.if_index = given.gr_interface;
    return mcast_apply(sock, (enum stk_opt)row->arg, &req);
}

/* --- Sources ------------------------------------------------------------------ */

static int mcast_source_apply(struct wsp_socket *sock, const struct wsp_option_row *row, const struct stk_addr *group,
                              const struct stk_addr *source, uint32_t if_index)
{
    struct stk_mcast_source_req req = {.if_index = if_index, .family = group->family};

    if (!wsp_mcast_is_group(group))
        return WSAEADDRNOTAVAIL;
    memcpy(req.group, group->ip, sizeof req.group);
    memcpy(req.source, source->ip, sizeof req.source);
    return wsp_error_of(WSP_OP_OPTION, stk_sock_opt_set(sock->stk, (enum stk_opt)row->arg, &req, sizeof req));
}

static int mcast_set_mreq_source(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_addr group = {.family = STK_AF_INET}, source = group;
    unsigned char which[4];
    uint32_t if_index;
    int code;

    (void)len;
    memcpy(group.ip, value + offsetof(IP_MREQ_SOURCE, imr_multiaddr), 4);
    memcpy(source.ip, value + offsetof(IP_MREQ_SOURCE, imr_sourceaddr), 4);
    memcpy(which, value + offsetof(IP_MREQ_SOURCE, imr_interface), 4);
    code = wsp_mcast_interface(which, &if_index);
    return code != 0 ? code : mcast_source_apply(sock, row, &group, &source, if_index);
}

static int mcast_set_group_source(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_addr group, source;
    GROUP_SOURCE_REQ given;
    int code;

    (void)len;
    memcpy(&given, value, sizeof given);
    code = wsp_mcast_addr(sock, &given.gsr_group, &group);
    if (code == 0)
        code = wsp_mcast_addr(sock, &given.gsr_source, &source);
    return code != 0 ? code : mcast_source_apply(sock, row, &group, &source, given.gsr_interface);
}

static int mcast_set_if(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    unsigned char which[4];
    uint32_t if_index;
    int code;

    (void)len;
    memcpy(which, value, sizeof which);
    code = wsp_mcast_interface(which, &if_index);
    if (code == 0 && !wsp_mcast_index_known(if_index))
        code = WSAEADDRNOTAVAIL;
    return code != 0 ? code : wsp_option_stack_set(sock, (enum stk_opt)row->arg, (int32_t)if_index);
}

/* IPv6 names it by its index in host order. */
static int mcast_set_if6(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t if_index;

    (void)len;
    memcpy(&if_index, value, sizeof if_index);
    if (!wsp_mcast_index_known(if_index))
        return WSAEADDRNOTAVAIL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, (int32_t)if_index);
}

#define IP46 WSP_OPT_IP46
#define MSGS WSP_OPT_MSGS

static const struct wsp_option_row option_mcast[] = {
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_MULTICAST_TTL, IP46 | MSGS, STK_OPT_MCAST_TTL, 0, 255),
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    {IPPROTO_IP, IP_MULTICAST_IF, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_IF, 0, 0, wsp_option_get_stack,
     mcast_set_if},
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_ADD_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_JOIN, mcast_set_mreq),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_DROP_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_LEAVE, mcast_set_mreq),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN, mcast_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE, mcast_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, IP46 | MSGS, IP_MREQ_SOURCE, STK_OPT_MCAST_JOIN_SOURCE,
                       mcast_set_mreq_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, IP46 | MSGS, IP_MREQ_SOURCE, STK_OPT_MCAST_LEAVE_SOURCE,
                       mcast_set_mreq_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_BLOCK_SOURCE, IP46 | MSGS, IP_MREQ_SOURCE, STK_OPT_MCAST_BLOCK,
                       mcast_set_mreq_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, IP_UNBLOCK_SOURCE, IP46 | MSGS, IP_MREQ_SOURCE, STK_OPT_MCAST_UNBLOCK,
                       mcast_set_mreq_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_JOIN_SOURCE,
                       mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_LEAVE_SOURCE,
                       mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_BLOCK_SOURCE, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_BLOCK,
                       mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IP, MCAST_UNBLOCK_SOURCE, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_UNBLOCK,
                       mcast_set_group_source),
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_TTL, 0, 255, wsp_option_get_stack,
     wsp_option_set_hops},
    WSP_OPT_ROW_BOOL(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_IF, 0, 0, wsp_option_get_stack,
     mcast_set_if6},
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_JOIN, mcast_set_mreq6),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_LEAVE,
                       mcast_set_mreq6),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN, mcast_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE, mcast_set_group),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_JOIN_SOURCE,
                       mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, IP46 | MSGS, GROUP_SOURCE_REQ,
                       STK_OPT_MCAST_LEAVE_SOURCE, mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_BLOCK_SOURCE, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_BLOCK,
                       mcast_set_group_source),
    WSP_OPT_ROW_SETTER(IPPROTO_IPV6, MCAST_UNBLOCK_SOURCE, IP46 | MSGS, GROUP_SOURCE_REQ, STK_OPT_MCAST_UNBLOCK,
                       mcast_set_group_source),
};
const struct wsp_option_group wsp_option_mcast = WSP_OPTION_GROUP(option_mcast);

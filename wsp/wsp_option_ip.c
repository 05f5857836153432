/** @file Socket options: IPPROTO_IP and IPPROTO_IPV6 but for the multicast ones. */
#include "wsp_error.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

#define USER_MTU_MIN_V4 576  /* RFC 791: every host takes this */
#define USER_MTU_MIN_V6 1280 /* RFC 8200 5 */
#define UNICAST_IF_MAX 0xffffff

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
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, row), hops);
}

/* IP_UNICAST_IF is given in network order and read in host order; IPV6_UNICAST_IF is in host order both ways (5.2, 5.3). */
static int option_set_unicast_if(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    unsigned char bytes[4];
    uint32_t index;

    (void)len;
    memcpy(bytes, value, sizeof bytes);
    memcpy(&index, value, sizeof index);
    if (row->level == IPPROTO_IP)
        index = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    if (index > UNICAST_IF_MAX)
        return WSAEADDRNOTAVAIL;
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, row), (int32_t)index);
}

/* All ones: no bound. */
static int option_set_user_mtu(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t bytes;

    (void)len;
    memcpy(&bytes, value, sizeof bytes);
    if (bytes != UINT32_MAX && (bytes < (uint32_t)row->min || bytes > INT32_MAX))
        return WSAEINVAL;
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, row), (int32_t)bytes);
}

/* PL-1: exactly these; PROTECTION_LEVEL_DEFAULT (-1) is none of them since Vista. */
static int option_set_protection(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t level;

    (void)len;
    memcpy(&level, value, sizeof level);
    if (level != STK_PROTECT_UNRESTRICTED && level != STK_PROTECT_EDGERESTRICTED && level != STK_PROTECT_RESTRICTED)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, (enum stk_opt)row->arg, level);
}

/* Which facts come with a datagram: a bit each, remembered here. */
static int option_get_fact_bit(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    return wsp_option_put(value, len, (atomic_load(&sock->values[WSP_VALUE_CMSG]) >> row->arg) & 1);
}

static int option_set_fact_bit(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t on;

    (void)len;
    memcpy(&on, value, sizeof on);
    if (on != 0)
        atomic_fetch_or(&sock->values[WSP_VALUE_CMSG], UINT32_C(1) << row->arg);
    else
        atomic_fetch_and(&sock->values[WSP_VALUE_CMSG], ~(UINT32_C(1) << row->arg));
    return 0;
}

/*
 * Streams, as conformance suites observe Windows: DF is on, and switched off with it is path MTU discovery.
 */
static int option_get_df(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    struct wsp_option_row discover = *row;
    int32_t state;
    int code;

    if (!wsp_socket_is_stream(sock))
        return wsp_option_get_stack(sock, row, value, len);
    discover.arg = STK_OPT_MTU_DISCOVER;
    code = wsp_option_get_stack(sock, &discover, value, len);
    if (code != 0)
        return code;
    memcpy(&state, value, sizeof state);
    return wsp_option_put(value, len, state != STK_PMTUD_DONT);
}

static int option_set_df(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct wsp_option_row discover = *row;
    int32_t on;

    if (!wsp_socket_is_stream(sock))
        return wsp_option_set_stack_bool(sock, row, value, len);
    memcpy(&on, value, sizeof on);
    discover.arg = STK_OPT_MTU_DISCOVER;
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, &discover),
                                on != 0 ? STK_PMTUD_NOT_SET : STK_PMTUD_DONT);
}

/* An AF_INET socket keeps it until it is bound. */
static int option_get_v6only(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    if (sock->family == AF_INET6)
        return wsp_option_get_stack(sock, row, value, len);
    return wsp_option_put(value, len, atomic_load(&sock->values[WSP_VALUE_V4_DUAL]) == 0);
}

static int option_set_v6only(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_addr local;
    int32_t on;

    if (sock->family == AF_INET6)
        return wsp_option_set_stack_bool(sock, row, value, len);
    if (stk_sock_local(sock->stk, &local) == STK_OK && local.family != STK_AF_NONE)
        return WSAEINVAL;
    memcpy(&on, value, sizeof on);
    atomic_store(&sock->values[WSP_VALUE_V4_DUAL], on == 0);
    return 0;
}

#define IP46 WSP_OPT_IP46
#define MSGS WSP_OPT_MSGS
#define ANY WSP_OPT_ANY
#define BOTH WSP_OPT_BOTH
#define WHOLE (WSP_OPT_BOTH | WSP_OPT_WHOLE)
#define V4 WSP_OPT_V4
#define V6 WSP_OPT_V6
#define DGRAM WSP_OPT_DGRAM
#define RAW WSP_OPT_RAW

/* A fact that comes with a datagram; no fewer bytes than the whole value. */
#define FACT(level, name, where, bit)                                                     \
    {                                                                                     \
        level, name, where, WHOLE, 4, bit, 0, 1, option_get_fact_bit, option_set_fact_bit \
    }
/* What has a value of its own for "not set", which is not for setting. */
#define CHOICE(level, name, where, opt, max)                                                  \
    {                                                                                         \
        level, name, where, WHOLE, 4, opt, 1, max, wsp_option_get_stack, wsp_option_set_stack \
    }

static const struct wsp_option_row option_ip[] = {
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_TTL, ANY, STK_OPT_TTL, 1, 255),
    WSP_OPT_ROW_INT(IPPROTO_IP, IP_TOS, ANY, STK_OPT_TOS, 0, 255),
    {IPPROTO_IP, IP_DONTFRAGMENT, ANY, BOTH, 4, STK_OPT_DONTFRAG, 0, 1, option_get_df, option_set_df},
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_HDRINCL, V4 | RAW, STK_OPT_HDRINCL),
    WSP_OPT_ROW_BOOL(IPPROTO_IP, IP_RECEIVE_BROADCAST, IP46 | MSGS, STK_OPT_RECV_BROADCAST),
    CHOICE(IPPROTO_IP, IP_MTU_DISCOVER, ANY, STK_OPT_MTU_DISCOVER, STK_PMTUD_PROBE),
    {IPPROTO_IP, IP_MTU, ANY, WSP_OPT_GET, 4, STK_OPT_MTU, 0, 0, wsp_option_get_stack, NULL},
    {IPPROTO_IP, IP_USER_MTU, IP46 | MSGS, BOTH, 4, STK_OPT_USER_MTU, USER_MTU_MIN_V4, 0, wsp_option_get_stack,
     option_set_user_mtu},
    {IPPROTO_IP, IP_UNICAST_IF, ANY, BOTH, 4, STK_OPT_UNICAST_IF, 0, 0, wsp_option_get_stack, option_set_unicast_if},
    FACT(IPPROTO_IP, IP_PKTINFO, IP46 | MSGS, WSP_CMSG_V4_PKTINFO),
    FACT(IPPROTO_IP, IP_RECVTTL, IP46 | MSGS, WSP_CMSG_V4_TTL),
    FACT(IPPROTO_IP, IP_RECVIF, IP46 | MSGS, WSP_CMSG_V4_IF),
    FACT(IPPROTO_IP, IP_RECVDSTADDR, IP46 | MSGS, WSP_CMSG_V4_DSTADDR),
    FACT(IPPROTO_IP, IP_RECVTOS, IP46 | DGRAM, WSP_CMSG_V4_TOS),
    FACT(IPPROTO_IP, IP_ECN, IP46 | DGRAM, WSP_CMSG_V4_ECN),
    FACT(IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF, IP46 | MSGS, WSP_CMSG_V4_ORIGINAL_IF),
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY, BOTH, 4, STK_OPT_TTL, 1, 255, wsp_option_get_stack, wsp_option_set_hops},
    WSP_OPT_ROW_INT(IPPROTO_IPV6, IPV6_TCLASS, ANY, STK_OPT_TOS, 0, 255),
    {IPPROTO_IPV6, IPV6_DONTFRAG, ANY, BOTH, 4, STK_OPT_DONTFRAG, 0, 1, option_get_df, option_set_df},
    {IPPROTO_IPV6, IPV6_V6ONLY, ANY, BOTH, 4, STK_OPT_V6ONLY, 0, 1, option_get_v6only, option_set_v6only},
    WSP_OPT_ROW_BOOL(IPPROTO_IPV6, IPV6_HDRINCL, V6 | RAW, STK_OPT_HDRINCL),
    CHOICE(IPPROTO_IPV6, IPV6_MTU_DISCOVER, ANY, STK_OPT_MTU_DISCOVER, STK_PMTUD_PROBE),
    {IPPROTO_IPV6, IPV6_MTU, ANY, WSP_OPT_GET, 4, STK_OPT_MTU, 0, 0, wsp_option_get_stack, NULL},
    {IPPROTO_IPV6, IPV6_USER_MTU, IP46 | MSGS, BOTH, 4, STK_OPT_USER_MTU, USER_MTU_MIN_V6, 0, wsp_option_get_stack,
     option_set_user_mtu},
    {IPPROTO_IPV6, IPV6_UNICAST_IF, ANY, BOTH, 4, STK_OPT_UNICAST_IF, 0, 0, wsp_option_get_stack,
     option_set_unicast_if},
    {IPPROTO_IPV6, IPV6_PROTECTION_LEVEL, ANY, BOTH, 4, STK_OPT_PROTECTION, 0, 0, wsp_option_get_stack,
     option_set_protection},
    FACT(IPPROTO_IPV6, IPV6_PKTINFO, V6 | MSGS, WSP_CMSG_V6_PKTINFO),
    FACT(IPPROTO_IPV6, IPV6_HOPLIMIT, V6 | MSGS, WSP_CMSG_V6_HOPLIMIT),
    FACT(IPPROTO_IPV6, IPV6_RECVIF, V6 | MSGS, WSP_CMSG_V6_IF),
    FACT(IPPROTO_IPV6, IPV6_RECVDSTADDR, V6 | MSGS, WSP_CMSG_V6_DSTADDR),
    FACT(IPPROTO_IPV6, IPV6_RECVTCLASS, V6 | DGRAM, WSP_CMSG_V6_TCLASS),
    FACT(IPPROTO_IPV6, IPV6_ECN, V6 | DGRAM, WSP_CMSG_V6_ECN),
    FACT(IPPROTO_IPV6, IP_ORIGINAL_ARRIVAL_IF, V6 | MSGS, WSP_CMSG_V6_ORIGINAL_IF),
};
const struct wsp_option_group wsp_option_ip = WSP_OPTION_GROUP(option_ip);

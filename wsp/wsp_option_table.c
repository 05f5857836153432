/** @file Socket options: the table. */
#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

#define DGRAM_MAX_V4 65507 /* 65535 less the headers of IPv4 and UDP */
#define DGRAM_MAX_V6 65487 /* 65535 less the headers of IPv6 and UDP: no jumbograms */
#define LINGER_ON(value) ((value) >> 16)
#define LINGER_SECONDS(value) ((value)&0xffffu)
#define KEEP_SECONDS_MAX (INT32_MAX / 1000)

static int option_put(char *value, int *len, uint32_t what)
{
    memcpy(value, &what, sizeof what);
    *len = (int)sizeof what;
    return 0;
}

static int option_get_value(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    return option_put(value, len, atomic_load(&sock->values[row->arg]));
}

static int option_set_value(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t given;

    (void)len;
    memcpy(&given, value, sizeof given);
    if (row->max == 1)
        given = given != 0;
    else if (given < row->min || given > row->max)
        return WSAEINVAL;
    atomic_store(&sock->values[row->arg], (uint32_t)given);
    return 0;
}

/* SO_REUSEADDR and SO_EXCLUSIVEADDRUSE exclude each other: WSPSETSOCKOPT-5. */
static int option_set_reuse(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    enum stk_opt other = row->arg == STK_OPT_REUSEADDR ? STK_OPT_EXCLUSIVE : STK_OPT_REUSEADDR;
    int32_t set = 0;
    int err = stk_sock_opt_get(sock->stk, other, &set);

    if (err != STK_OK)
        return wsp_error_of(WSP_OP_OPTION, err);
    if (set != 0)
        return WSAEINVAL;
    return wsp_option_set_stack_bool(sock, row, value, len);
}

static int option_get_linger(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    uint32_t now = atomic_load(&sock->linger);
    struct linger linger = {.l_onoff = (u_short)LINGER_ON(now), .l_linger = (u_short)LINGER_SECONDS(now)};

    if (row->name == SO_DONTLINGER)
        return option_put(value, len, LINGER_ON(now) == 0); /* X5 */
    memcpy(value, &linger, sizeof linger);
    *len = (int)sizeof linger;
    return 0;
}

static int option_set_linger(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t now = atomic_load(&sock->linger);
    struct linger linger;
    int32_t dont;

    (void)len;
    if (row->name == SO_DONTLINGER) { /* WSPSETSOCKOPT-3: the time stays for the next time */
        memcpy(&dont, value, sizeof dont);
        now = LINGER_SECONDS(now) | (dont != 0 ? 0u : 1u << 16);
    } else {
        memcpy(&linger, value, sizeof linger);
        now = (linger.l_onoff != 0 ? 1u << 16 : 0u) | linger.l_linger;
    }
    atomic_store(&sock->linger, now);
    return 0;
}

static _Atomic uint32_t *option_timeout(struct wsp_socket *sock, const struct wsp_option_row *row)
{
    return row->name == SO_RCVTIMEO ? &sock->rcvtimeo_ms : &sock->sndtimeo_ms;
}

static int option_get_timeout(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    return option_put(value, len, atomic_load(option_timeout(sock, row)));
}

static int option_set_timeout(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t ms;

    (void)len;
    memcpy(&ms, value, sizeof ms);
    atomic_store(option_timeout(sock, row), ms);
    return 0;
}

/* WSPGETSOCKOPT-4: read and cleared. */
static int option_get_error(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    uint32_t ready = stk_sock_ready(sock->stk);
    int code = 0;

    (void)row;
    if (ready & (STK_READY_FAIL | STK_READY_RESET | STK_READY_ERROR))
        code = wsp_error_of(WSP_OP_CONNECT, stk_sock_error_take(sock->stk));
    if (code == 0)
        code = atomic_exchange(&sock->connect_error, 0);
    else
        atomic_store(&sock->connect_error, 0);
    return option_put(value, len, (uint32_t)code);
}

/* Facts of the socket that cannot be set; arg is not used. */
static int option_get_fact(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    uint64_t since = atomic_load(&sock->connect_ns);
    uint32_t fact = 0;

    switch (row->name) {
    case SO_ACCEPTCONN:
        fact = atomic_load(&sock->listening);
        break;
    case SO_TYPE:
        fact = (uint32_t)sock->type;
        break;
    case SO_MAX_MSG_SIZE:
    case SO_MAXDG:
    case SO_MAXPATHDG:
        fact = sock->family == AF_INET ? DGRAM_MAX_V4 : DGRAM_MAX_V6;
        break;
    case SO_CONNECT_TIME: /* seconds; all ones while not connected */
        fact = UINT32_MAX;
        if (since != 0 && (stk_sock_ready(sock->stk) & STK_READY_CONN))
            fact = (uint32_t)((stk_clock_ns() - since) / STK_S_NS);
        break;
    default: /* SO_GROUP_ID: reserved, 0 */
        break;
    }
    return option_put(value, len, fact);
}

static int option_get_info(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    const WSAPROTOCOL_INFOW *info = &wsp_provider.infos[sock->info];
    WSAPROTOCOL_INFOA narrow;

    if (row->name == SO_PROTOCOL_INFOW) {
        memcpy(value, info, sizeof *info);
        *len = (int)sizeof *info;
        return 0;
    }
    memcpy(&narrow, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
    for (int i = 0; i <= WSAPROTOCOL_LEN; i++)
        narrow.szProtocol[i] = (CHAR)(info->szProtocol[i] < 0x80 ? info->szProtocol[i] : '?');
    narrow.szProtocol[WSAPROTOCOL_LEN] = 0;
    memcpy(value, &narrow, sizeof narrow);
    *len = (int)sizeof narrow;
    return 0;
}

/* Unsupported by any TCP/IP of Windows, with a code of its own. */
static int option_get_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    (void)sock, (void)row, (void)value, (void)len;
    return WSAEINVAL;
}

static int option_set_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    (void)sock, (void)row, (void)value, (void)len;
    return WSAEINVAL;
}

/* Keep-alive times are seconds in options and milliseconds in the stack. */
static int option_get_seconds(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t ms = 0;
    int code = wsp_option_get_stack(sock, row, (char *)&ms, len);

    return code != 0 ? code : option_put(value, len, (uint32_t)ms / 1000);
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

/* -1 asks for the default hop limit. */
static int option_set_hops(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
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

#define IP46 (WSP_OPT_V4 | WSP_OPT_V6)
#define MSGS (WSP_OPT_DGRAM | WSP_OPT_RAW)
#define ANY (IP46 | MSGS | WSP_OPT_STREAM)
#define S IP46 | WSP_OPT_STREAM
#define STACK_BOOL(level, name, where, opt)                                                             \
    {                                                                                                   \
        level, name, where, WSP_OPT_BOTH, 4, opt, 0, 1, wsp_option_get_stack, wsp_option_set_stack_bool \
    }
#define STACK_INT(level, name, where, opt, min, max)                                                   \
    {                                                                                                  \
        level, name, where, WSP_OPT_BOTH, 4, opt, min, max, wsp_option_get_stack, wsp_option_set_stack \
    }
#define FACT(name, where)                                                       \
    {                                                                           \
        SOL_SOCKET, name, where, WSP_OPT_GET, 4, 0, 0, 0, option_get_fact, NULL \
    }
#define STORED(level, name, where, value, max)                                                 \
    {                                                                                          \
        level, name, where, WSP_OPT_BOTH, 4, value, 0, max, option_get_value, option_set_value \
    }
#define REFUSED(level, name, where)                                                          \
    {                                                                                        \
        level, name, where, WSP_OPT_BOTH, 0, 0, 0, 0, option_get_invalid, option_set_invalid \
    }
#define SETTER(level, name, where, type, arg, fn)                               \
    {                                                                           \
        level, name, where, WSP_OPT_SET, (int)sizeof(type), arg, 0, 0, NULL, fn \
    }

const struct wsp_option_row wsp_option_rows[] = {
    FACT(SO_ACCEPTCONN, ANY),
    FACT(SO_TYPE, ANY),
    FACT(SO_GROUP_ID, ANY),
    FACT(SO_MAX_MSG_SIZE, IP46 | MSGS),
    FACT(SO_MAXDG, IP46 | MSGS),
    FACT(SO_MAXPATHDG, IP46 | MSGS),
    FACT(SO_CONNECT_TIME, S),
    {SOL_SOCKET, SO_ERROR, ANY, WSP_OPT_GET, 4, 0, 0, 0, option_get_error, NULL},
    {SOL_SOCKET, SO_PROTOCOL_INFOA, ANY, WSP_OPT_GET, (int)sizeof(WSAPROTOCOL_INFOA), 0, 0, 0, option_get_info, NULL},
    {SOL_SOCKET, SO_PROTOCOL_INFOW, ANY, WSP_OPT_GET, (int)sizeof(WSAPROTOCOL_INFOW), 0, 0, 0, option_get_info, NULL},
    {SOL_SOCKET, SO_BSP_STATE, ANY, WSP_OPT_GET, (int)sizeof(CSADDR_INFO), 0, 0, 0, wsp_option_get_state, NULL},
    {SOL_SOCKET, SO_REUSEADDR, ANY, WSP_OPT_BOTH, 4, STK_OPT_REUSEADDR, 0, 1, wsp_option_get_stack, option_set_reuse},
    {SOL_SOCKET, SO_EXCLUSIVEADDRUSE, ANY, WSP_OPT_BOTH, 4, STK_OPT_EXCLUSIVE, 0, 1, wsp_option_get_stack,
     option_set_reuse},
    {SOL_SOCKET, SO_LINGER, S, WSP_OPT_BOTH, (int)sizeof(struct linger), 0, 0, 0, option_get_linger, option_set_linger},
    {SOL_SOCKET, SO_DONTLINGER, S, WSP_OPT_BOTH, 4, 0, 0, 1, option_get_linger, option_set_linger},
    {SOL_SOCKET, SO_RCVTIMEO, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_timeout, option_set_timeout},
    {SOL_SOCKET, SO_SNDTIMEO, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_timeout, option_set_timeout},
    STACK_BOOL(SOL_SOCKET, SO_KEEPALIVE, S, STK_OPT_KEEPALIVE),
    STACK_BOOL(SOL_SOCKET, SO_BROADCAST, ANY, STK_OPT_BROADCAST),
    STACK_INT(SOL_SOCKET, SO_RCVBUF, ANY, STK_OPT_RCVBUF, 0, INT32_MAX),
    STACK_INT(SOL_SOCKET, SO_SNDBUF, ANY, STK_OPT_SNDBUF, 0, INT32_MAX),
    STORED(SOL_SOCKET, SO_DEBUG, ANY, WSP_VALUE_DEBUG, 1),
    STORED(SOL_SOCKET, SO_DONTROUTE, WSP_OPT_V4 | MSGS | WSP_OPT_STREAM, WSP_VALUE_DONTROUTE, 1),
    STORED(SOL_SOCKET, SO_OOBINLINE, S, WSP_VALUE_OOBINLINE, 1),
    STORED(SOL_SOCKET, SO_GROUP_PRIORITY, ANY, WSP_VALUE_GROUP_PRIORITY, INT32_MAX),
    REFUSED(SOL_SOCKET, SO_USELOOPBACK, ANY),
    REFUSED(SOL_SOCKET, SO_SNDLOWAT, ANY),
    REFUSED(SOL_SOCKET, SO_RCVLOWAT, ANY),

    STACK_BOOL(IPPROTO_TCP, TCP_NODELAY, S, STK_OPT_NODELAY),
    STACK_INT(IPPROTO_TCP, TCP_KEEPCNT, S, STK_OPT_KEEPCNT, 1, 255),
    {IPPROTO_TCP, TCP_KEEPIDLE, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPIDLE_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_KEEPINTVL, S, WSP_OPT_BOTH, 4, STK_OPT_KEEPINTVL_MS, 1, KEEP_SECONDS_MAX, option_get_seconds,
     option_set_seconds},
    {IPPROTO_TCP, TCP_MAXSEG, S, WSP_OPT_GET, 4, STK_OPT_MSS, 0, 0, wsp_option_get_stack, NULL},

    STORED(IPPROTO_UDP, UDP_NOCHECKSUM, WSP_OPT_V4 | WSP_OPT_DGRAM, WSP_VALUE_NOCHECKSUM, 1),

    STACK_INT(IPPROTO_IP, IP_TTL, ANY, STK_OPT_TTL, 1, 255),
    STACK_INT(IPPROTO_IP, IP_TOS, ANY, STK_OPT_TOS, 0, 255),
    STACK_BOOL(IPPROTO_IP, IP_DONTFRAGMENT, IP46 | MSGS, STK_OPT_DONTFRAG),
    STACK_BOOL(IPPROTO_IP, IP_HDRINCL, IP46 | WSP_OPT_RAW, STK_OPT_HDRINCL),
    STACK_INT(IPPROTO_IP, IP_MULTICAST_TTL, IP46 | MSGS, STK_OPT_MCAST_TTL, 0, 255),
    STACK_BOOL(IPPROTO_IP, IP_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    {IPPROTO_IP, IP_MULTICAST_IF, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_IF, 0, 0, wsp_option_get_stack,
     wsp_option_set_mcast_if},
    SETTER(IPPROTO_IP, IP_ADD_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_JOIN, wsp_option_set_mreq),
    SETTER(IPPROTO_IP, IP_DROP_MEMBERSHIP, IP46 | MSGS, IP_MREQ, STK_OPT_MCAST_LEAVE, wsp_option_set_mreq),
    SETTER(IPPROTO_IP, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN, wsp_option_set_group),
    SETTER(IPPROTO_IP, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE, wsp_option_set_group),

    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY, WSP_OPT_BOTH, 4, STK_OPT_TTL, 1, 255, wsp_option_get_stack, option_set_hops},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IP46 | MSGS, WSP_OPT_BOTH, 4, STK_OPT_MCAST_TTL, 0, 255, wsp_option_get_stack,
     option_set_hops},
    STACK_INT(IPPROTO_IPV6, IPV6_TCLASS, ANY, STK_OPT_TOS, 0, 255),
    STACK_BOOL(IPPROTO_IPV6, IPV6_DONTFRAG, IP46 | MSGS, STK_OPT_DONTFRAG),
    STACK_BOOL(IPPROTO_IPV6, IPV6_V6ONLY, ANY, STK_OPT_V6ONLY),
    STACK_BOOL(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, IP46 | MSGS, STK_OPT_MCAST_LOOP),
    STACK_INT(IPPROTO_IPV6, IPV6_MULTICAST_IF, IP46 | MSGS, STK_OPT_MCAST_IF, 0, INT32_MAX),
    SETTER(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_JOIN, wsp_option_set_mreq6),
    SETTER(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, IP46 | MSGS, IPV6_MREQ, STK_OPT_MCAST_LEAVE, wsp_option_set_mreq6),
    SETTER(IPPROTO_IPV6, MCAST_JOIN_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_JOIN, wsp_option_set_group),
    SETTER(IPPROTO_IPV6, MCAST_LEAVE_GROUP, IP46 | MSGS, GROUP_REQ, STK_OPT_MCAST_LEAVE, wsp_option_set_group),
};
const unsigned wsp_option_rows_count = sizeof wsp_option_rows / sizeof wsp_option_rows[0];

_Static_assert((int)WSP_VALUES <= (int)(sizeof(((struct wsp_socket *)0)->values) / sizeof(uint32_t)),
               "a place for every remembered value");

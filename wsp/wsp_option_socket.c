/** @file Socket options: SOL_SOCKET. */
#include "wsp_acceptex.h"
#include "wsp_connectex.h"
#include "wsp_addr.h"
#include "wsp_connect.h"
#include "wsp_error.h"
#include "wsp_event.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

/* CAT-15: what can be sent, 65535 bytes less the headers; IPv6 too, as the stack has no jumbograms. */
#define PACKET_MAX 65535
#define UDP_HEADER 8
#define COMPARTMENT_DEFAULT 1
#define LINGER_ON(value) ((value) >> 16)
#define LINGER_SECONDS(value) ((value)&0xffffu)

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
        return wsp_option_put(value, len, LINGER_ON(now) == 0); /* X5 */
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
        now = (uint32_t)linger.l_onoff << 16 | linger.l_linger; /* read back as it was given */
    }
    atomic_store(&sock->linger, now);
    return 0;
}

/* 0 on a stream: sends that block wait for the acknowledgement. */
static int option_set_sndbuf(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t given;
    int code = wsp_option_set_stack(sock, row, value, len);

    memcpy(&given, value, sizeof given);
    if (code == 0 && wsp_socket_is_stream(sock)) {
        if (given == 0)
            wsp_slow_set(sock, WSP_SLOW_ACKED);
        else
            wsp_slow_clear(sock, WSP_SLOW_ACKED);
    }
    return code;
}

static _Atomic uint32_t *option_timeout(struct wsp_socket *sock, const struct wsp_option_row *row)
{
    return row->name == SO_RCVTIMEO ? &sock->rcvtimeo_ms : &sock->sndtimeo_ms;
}

static int option_get_timeout(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    return wsp_option_put(value, len, atomic_load(option_timeout(sock, row)));
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
    return wsp_option_put(value, len, (uint32_t)code);
}

/* Windows, as conformance suites observe: read back once, as if it had happened. */
static int option_set_error(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t code;

    (void)row, (void)len;
    memcpy(&code, value, sizeof code);
    atomic_store(&sock->connect_error, code);
    return 0;
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
        fact = PACKET_MAX - (sock->family == AF_INET ? 20u : 40u) - (sock->type == SOCK_DGRAM ? UDP_HEADER : 0u);
        break;
    case SO_COMPARTMENT_ID: /* there is one compartment, the default */
        fact = COMPARTMENT_DEFAULT;
        break;
    case SO_CONNECT_TIME: /* seconds; all ones while not connected */
        fact = UINT32_MAX;
        /* AEX-24: AcceptEx may have its connection already. */
        if (since != 0 && sock->type == SOCK_STREAM &&
            (atomic_load(&sock->accepting) != 0 || (stk_sock_ready(sock->stk) & STK_READY_CONN)))
            fact = (uint32_t)((stk_clock_ns() - since) / STK_S_NS);
        break;
    default: /* SO_GROUP_ID: reserved, 0 */
        break;
    }
    return wsp_option_put(value, len, fact);
}

static int option_set_compartment(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    uint32_t wanted;

    (void)sock, (void)row, (void)len;
    memcpy(&wanted, value, sizeof wanted);
    return wanted == COMPARTMENT_DEFAULT ? 0 : WSAEINVAL;
}

static int option_set_context(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    SOCKET listener;

    (void)len;
    if (row->name == SO_UPDATE_CONNECT_CONTEXT)
        return wsp_connectex_update(sock);
    memcpy(&listener, value, sizeof listener);
    return wsp_acceptex_update(sock, listener);
}

static int option_get_info(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    const WSAPROTOCOL_INFOW *info = &wsp_provider.infos[sock->info];
    WSAPROTOCOL_INFOA narrow;

    (void)len; /* what a larger one is stays: Windows, as conformance suites observe */
    if (row->name == SO_PROTOCOL_INFOW) {
        memcpy(value, info, sizeof *info);
        return 0;
    }
    memcpy(&narrow, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
    for (int i = 0; i <= WSAPROTOCOL_LEN; i++)
        narrow.szProtocol[i] = (CHAR)(info->szProtocol[i] < 0x80 ? info->szProtocol[i] : '?');
    narrow.szProtocol[WSAPROTOCOL_LEN] = 0;
    memcpy(value, &narrow, sizeof narrow);
    return 0;
}

#define IP46 WSP_OPT_IP46
#define MSGS WSP_OPT_MSGS
#define ANY WSP_OPT_ANY
#define S (WSP_OPT_IP46 | WSP_OPT_STREAM)
#define PORTS (WSP_OPT_IP46 | WSP_OPT_STREAM | WSP_OPT_DGRAM)

#define FACT(name, where)                                                       \
    {                                                                           \
        SOL_SOCKET, name, where, WSP_OPT_GET, 4, 0, 0, 0, option_get_fact, NULL \
    }

static const struct wsp_option_row option_socket[] = {
    FACT(SO_ACCEPTCONN, ANY),
    FACT(SO_TYPE, ANY),
    FACT(SO_GROUP_ID, ANY),
    FACT(SO_MAX_MSG_SIZE, IP46 | MSGS),
    FACT(SO_MAXDG, IP46 | MSGS),
    FACT(SO_MAXPATHDG, IP46 | MSGS),
    FACT(SO_CONNECT_TIME, PORTS),
    {SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, S, WSP_OPT_SET, (int)sizeof(SOCKET), 0, 0, 0, NULL, option_set_context},
    {SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, S, WSP_OPT_SET, 0, 0, 0, 0, NULL, option_set_context},
    {SOL_SOCKET, SO_COMPARTMENT_ID, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_fact, option_set_compartment},
    {SOL_SOCKET, SO_ERROR, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_error, option_set_error},
    {SOL_SOCKET, SO_PROTOCOL_INFOA, ANY, WSP_OPT_GET, (int)sizeof(WSAPROTOCOL_INFOA), 0, 0, 0, option_get_info, NULL},
    {SOL_SOCKET, SO_PROTOCOL_INFOW, ANY, WSP_OPT_GET, (int)sizeof(WSAPROTOCOL_INFOW), 0, 0, 0, option_get_info, NULL},
    {SOL_SOCKET, SO_BSP_STATE, ANY, WSP_OPT_GET, (int)sizeof(CSADDR_INFO), 0, 0, 0, wsp_option_get_state, NULL},
    {SOL_SOCKET, SO_REUSEADDR, ANY, WSP_OPT_BOTH, 4, STK_OPT_REUSEADDR, 0, 1, wsp_option_get_stack, option_set_reuse},
    {SOL_SOCKET, SO_EXCLUSIVEADDRUSE, ANY, WSP_OPT_BOTH, 4, STK_OPT_EXCLUSIVE, 0, 1, wsp_option_get_stack,
     option_set_reuse},
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_PORT_SCALABILITY, PORTS, STK_OPT_PORT_SCALABILITY),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_RANDOMIZE_PORT, PORTS, STK_OPT_RANDOMIZE_PORT),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_REUSE_UNICASTPORT, PORTS, STK_OPT_REUSE_UNICASTPORT),
    WSP_OPT_ROW_INT(SOL_SOCKET, SO_REUSE_MULTICASTPORT, IP46 | WSP_OPT_DGRAM, STK_OPT_REUSE_MCASTPORT, 0, 1),
    {SOL_SOCKET, SO_LINGER, S, WSP_OPT_BOTH, (int)sizeof(struct linger), 0, 0, 0, option_get_linger, option_set_linger},
    {SOL_SOCKET, SO_DONTLINGER, S, WSP_OPT_BOTH, 4, 0, 0, 1, option_get_linger, option_set_linger},
    {SOL_SOCKET, SO_RCVTIMEO, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_timeout, option_set_timeout},
    {SOL_SOCKET, SO_SNDTIMEO, ANY, WSP_OPT_BOTH, 4, 0, 0, 0, option_get_timeout, option_set_timeout},
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_KEEPALIVE, S, STK_OPT_KEEPALIVE),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_BROADCAST, ANY, STK_OPT_BROADCAST),
    WSP_OPT_ROW_INT(SOL_SOCKET, SO_RCVBUF, ANY, STK_OPT_RCVBUF, 0, INT32_MAX),
    {SOL_SOCKET, SO_SNDBUF, ANY, WSP_OPT_BOTH, 4, STK_OPT_SNDBUF, 0, INT32_MAX, wsp_option_get_stack,
     option_set_sndbuf},
    WSP_OPT_ROW_STORED(SOL_SOCKET, PVD_CONFIG, ANY, WSP_VALUE_PVD_CONFIG, INT32_MAX),
    WSP_OPT_ROW_STORED(SOL_SOCKET, SO_DEBUG, ANY, WSP_VALUE_DEBUG, 1),
    WSP_OPT_ROW_STORED(SOL_SOCKET, SO_DONTROUTE, WSP_OPT_V4 | MSGS | WSP_OPT_STREAM, WSP_VALUE_DONTROUTE, 1),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_OOBINLINE, S, STK_OPT_OOBINLINE),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_CONDITIONAL_ACCEPT, S, STK_OPT_ACCEPT_HELD),
    WSP_OPT_ROW_BOOL(SOL_SOCKET, SO_PAUSE_ACCEPT, S, STK_OPT_ACCEPT_PAUSED),
    WSP_OPT_ROW_STORED(SOL_SOCKET, SO_GROUP_PRIORITY, ANY, WSP_VALUE_GROUP_PRIORITY, INT32_MAX),
    WSP_OPT_ROW_REFUSED(SOL_SOCKET, SO_USELOOPBACK, ANY),
    WSP_OPT_ROW_REFUSED(SOL_SOCKET, SO_SNDLOWAT, ANY),
    WSP_OPT_ROW_REFUSED(SOL_SOCKET, SO_RCVLOWAT, ANY),
};
const struct wsp_option_group wsp_option_socket = WSP_OPTION_GROUP(option_socket);

/** @file Socket options: the two slots and what rows are made of. */
#include "wsp_option.h"

#include "wsp_error.h"
#include "wsp_many.h"
#include "wsp_sdk.h"

int wsp_option_stack_set(struct wsp_socket *sock, enum stk_opt opt, int32_t value)
{
    return wsp_error_of(WSP_OP_OPTION, stk_sock_opt_set(sock->stk, opt, &value, sizeof value));
}

enum stk_opt wsp_option_stack_opt(const struct wsp_socket *sock, const struct wsp_option_row *row)
{
    if (sock->family != AF_INET6 || row->level != IPPROTO_IP)
        return (enum stk_opt)row->arg;
    switch (row->arg) {
    case STK_OPT_TTL:
        return STK_OPT_V4_TTL;
    case STK_OPT_TOS:
        return STK_OPT_V4_TOS;
    case STK_OPT_DONTFRAG:
        return STK_OPT_V4_DONTFRAG;
    case STK_OPT_MTU_DISCOVER:
        return STK_OPT_V4_MTU_DISCOVER;
    case STK_OPT_USER_MTU:
        return STK_OPT_V4_USER_MTU;
    case STK_OPT_UNICAST_IF:
        return STK_OPT_V4_UNICAST_IF;
    case STK_OPT_MTU:
        return STK_OPT_V4_MTU;
    default: /* one for both versions */
        return (enum stk_opt)row->arg;
    }
}

int wsp_option_get_stack(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    int32_t got = 0;
    int err = stk_sock_opt_get(sock->stk, wsp_option_stack_opt(sock, row), &got);

    if (err != STK_OK)
        return wsp_error_of(WSP_OP_OPTION, err);
    memcpy(value, &got, sizeof got);
    *len = (int)sizeof got;
    return 0;
}

int wsp_option_set_stack(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t given;

    (void)len;
    memcpy(&given, value, sizeof given);
    if (given < row->min || given > row->max)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, row), given);
}

int wsp_option_set_stack_bool(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    int32_t given;

    (void)len;
    memcpy(&given, value, sizeof given);
    return wsp_option_stack_set(sock, wsp_option_stack_opt(sock, row), given != 0); /* WSPSETSOCKOPT-2 */
}

static bool option_level_known(int level)
{
    return level == SOL_SOCKET || level == IPPROTO_IP || level == IPPROTO_IPV6 || level == IPPROTO_TCP ||
           level == IPPROTO_UDP;
}

/* A level of the other family is no level of this socket; a dual-stack one has both (DS-5, DS-6). */
static bool option_level_fits(const struct wsp_socket *sock, int level, int name)
{
    int32_t v6only = 1;

    if (level == IPPROTO_IP && sock->family == AF_INET6)
        return stk_sock_opt_get(sock->stk, STK_OPT_V6ONLY, &v6only) == STK_OK && v6only == 0;
    return level != IPPROTO_IPV6 || sock->family == AF_INET6 ||
           name == IPV6_V6ONLY; /* Windows keeps it, without effect */
}

static bool option_row_fits(const struct wsp_socket *sock, const struct wsp_option_row *row)
{
    static const unsigned types[] = {
        [SOCK_STREAM] = WSP_OPT_STREAM, [SOCK_DGRAM] = WSP_OPT_DGRAM, [SOCK_RAW] = WSP_OPT_RAW};
    unsigned family = sock->family == AF_INET ? (unsigned)WSP_OPT_V4 : (unsigned)WSP_OPT_V6;

    return (row->where & family) && (row->where & types[sock->type]);
}

static const struct wsp_option_row *option_in_group(const struct wsp_option_group *group, int level, int name)
{
    for (unsigned i = 0; i < group->count; i++)
        if (group->rows[i].level == level && group->rows[i].name == name)
            return &group->rows[i];
    return NULL;
}

/* The row, or a code: X19: WSAEINVAL for the level, WSAENOPROTOOPT for the option. */
static int option_find(const struct wsp_socket *sock, int level, int name, const struct wsp_option_row **out)
{
    if (!option_level_known(level) || !option_level_fits(sock, level, name))
        return WSAEINVAL;
    for (unsigned i = 0; i < wsp_option_groups_count; i++) {
        const struct wsp_option_row *row = option_in_group(wsp_option_groups[i], level, name);

        if (row) {
            *out = row;
            if (option_row_fits(sock, row))
                return 0;
            /* Windows, as conformance suites observe: known where it does nothing. */
            return level == IPPROTO_IP && name == IP_HDRINCL ? WSAEINVAL : WSAENOPROTOOPT;
        }
    }
    return WSAENOPROTOOPT;
}

/* Which lengths and codes Windows has for which options is what conformance suites observe. */

/* Kept as one byte: no bytes are no value, and no length is taken for a large one. */
static bool option_is_byte(const struct wsp_option_row *row)
{
    return row->level == SOL_SOCKET && (row->name == SO_KEEPALIVE || row->name == SO_DONTROUTE);
}

/* Told as one byte, whatever the room. */
static bool option_told_as_byte(const struct wsp_option_row *row)
{
    return option_is_byte(row) || (row->level == IPPROTO_TCP && row->name == TCP_NODELAY) ||
           (row->level == IPPROTO_IPV6 && row->name == IPV6_V6ONLY);
}

/* Switches that no bytes at all turn off. */
static bool option_off_by_none(const struct wsp_option_row *row)
{
    return row->level == SOL_SOCKET &&
           (row->name == SO_BROADCAST || row->name == SO_DONTLINGER || row->name == SO_OOBINLINE ||
            row->name == SO_REUSEADDR || row->name == SO_EXCLUSIVEADDRUSE);
}

/* A switch or a number that fits into a byte is also given and taken as fewer than row->size bytes (WSPGETSOCKOPT-2,
 * WSPSETSOCKOPT-2), but for what comes with datagrams. */
static bool option_short(const struct wsp_option_row *row, int len)
{
    return row->min >= 0 && row->max >= 1 && row->max <= UINT8_MAX && !(row->access & WSP_OPT_WHOLE) &&
           row->size == (int)sizeof(int32_t) && len > 0 && len < row->size;
}

/* Options of SOL_SOCKET fill the room; the length is 1 all the same. */
static int option_get_short(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    char whole[sizeof(int32_t)];
    int size = (int)sizeof whole;
    int code = row->get(sock, row, whole, &size);

    if (code != 0)
        return code;
    if (row->level == SOL_SOCKET && !option_told_as_byte(row))
        memset(value, 0, (size_t)*len);
    value[0] = (char)(whole[0] | whole[1] | whole[2] | whole[3]); /* 0 or 1, in either byte order */
    *len = 1;
    return 0;
}

/* Too little room: what is left in it and in the length. */
static int option_get_little(const struct wsp_option_row *row, char *value, int *len)
{
    bool number = row->size == (int)sizeof(int32_t);

    if (row->level == SOL_SOCKET && (row->name == SO_PROTOCOL_INFOA || row->name == SO_PROTOCOL_INFOW))
        *len = row->size;
    else if (row->level != SOL_SOCKET && number && *len > 0)
        *len = 0;
    else if (row->level == SOL_SOCKET && *len > 0 &&
             (row->name == SO_RCVBUF || row->name == SO_SNDBUF || row->name == SO_LINGER))
        memset(value, 0, (size_t)*len);
    return WSAEFAULT;
}

static int option_get_any(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    if (option_short(row, *len) || (*len >= row->size && option_told_as_byte(row)))
        return option_get_short(sock, row, value, len);
    if (*len < row->size)
        return option_get_little(row, value, len);
    return row->get(sock, row, value, len);
}

static int option_set_any(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    char whole[sizeof(int32_t)] = {0};

    if (len >= row->size && option_told_as_byte(row)) /* taken as one, too */
        len = 1;
    if (option_short(row, len) || (len == 0 && option_off_by_none(row))) {
        memcpy(whole, value, (size_t)len);
        return row->set(sock, row, whole, (int)sizeof whole);
    }
    if (len < 0 && row->size <= (int)sizeof whole) { /* a large length, if it is one at all */
        if (row->level != SOL_SOCKET || option_is_byte(row))
            return WSAENOBUFS;
        len = row->size;
    }
    return len < row->size ? WSAEFAULT : row->set(sock, row, value, len);
}

/*
 * AEX-20, CEX-11: may it be asked for now? What a socket is, and what makes it whole, always. Sizes of buffers too: programs set them
 * as soon as ConnectEx has begun, when it may have ended already.
 */
static bool option_allowed(const struct wsp_socket *sock, int level, int name)
{
    static const int always[] = {
        SO_UPDATE_ACCEPT_CONTEXT, SO_UPDATE_CONNECT_CONTEXT, SO_CONNECT_TIME, SO_TYPE,  SO_ERROR,
        SO_PROTOCOL_INFOA,        SO_PROTOCOL_INFOW,         SO_SNDBUF,       SO_RCVBUF};

    /* Programs set options while ConnectEx is in progress, as Windows lets them: CEX-11 speaks of what is connected. */
    if (!wsp_socket_is_partial(sock) || !(stk_sock_ready(sock->stk) & STK_READY_CONN))
        return true;
    for (size_t i = 0; level == SOL_SOCKET && i < sizeof always / sizeof always[0]; i++)
        if (always[i] == name)
            return true;
    return false;
}

/**
 * WSPGetSockOpt. Context: any thread. Does not block on the network.
 * Source: rules WSPGETSOCKOPT-1..8.
 */
int WSPAPI wsp_get_sock_opt(SOCKET s, int level, int optname, char *optval, LPINT optlen, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    const struct wsp_option_row *row = NULL;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    if (!optval || !optlen || !wsp_memory_readable(optlen, sizeof *optlen) ||
        (*optlen > 0 && !wsp_memory_readable(optval, 1)))
        code = WSAEFAULT;
    else
        code = option_find(sock, level, optname, &row);
    if (code == 0 && !option_allowed(sock, level, optname))
        code = WSAENOTCONN;
    if (code == 0 && !(row->access & WSP_OPT_GET))
        code = WSAENOPROTOOPT;
    if (code == 0)
        code = option_get_any(sock, row, optval, optlen);
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

/**
 * WSPSetSockOpt. Context: any thread. Does not block on the network.
 * Source: rules WSPSETSOCKOPT-1..7.
 */
int WSPAPI wsp_set_sock_opt(SOCKET s, int level, int optname, const char *optval, int optlen, LPINT lpErrno)
{
    struct wsp_socket *sock = wsp_socket_get(s, lpErrno);
    const struct wsp_option_row *row = NULL;
    int code;

    if (!sock)
        return SOCKET_ERROR;
    code = option_find(sock, level, optname, &row);
    /* CEX-12: one has no value. */
    if (!(code == 0 && row->size == 0) && (!optval || (optlen != 0 && !wsp_memory_readable(optval, 1))))
        code = WSAEFAULT;
    if (code == 0 && !option_allowed(sock, level, optname))
        code = WSAENOTCONN;
    if (code == 0 && !(row->access & WSP_OPT_SET))
        code = WSAENOPROTOOPT; /* WSPSETSOCKOPT-4 */
    if (code == 0)
        code = option_set_any(sock, row, optval, optlen);
    wsp_socket_put(sock);
    return code == 0 ? 0 : wsp_fail(lpErrno, code);
}

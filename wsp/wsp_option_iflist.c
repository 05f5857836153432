/** @file Socket options: the lists of interfaces that datagrams are taken from. Source: rules 5.2, 5.3. */
#include "wsp_error.h"
#include "wsp_ioctl.h"
#include "wsp_ioctl_priv.h"
#include "wsp_option.h"
#include "wsp_sdk.h"

#include <stdlib.h>

enum iflist_change { IFLIST_ADD, IFLIST_DELETE };

/* Of the version that a level is about. */
static struct stk_iflist *iflist_of(struct wsp_socket *sock, const struct wsp_option_row *row)
{
    return &sock->iflists[row->level == IPPROTO_IP && sock->family == AF_INET6];
}

/* Tell the stack; the list is as it was if that fails. Lock held. */
static int iflist_apply(struct wsp_socket *sock, const struct wsp_option_row *row, const struct stk_iflist *wanted)
{
    struct stk_iflist list = *wanted;
    int code;

    list.mapped = row->level == IPPROTO_IP && sock->family == AF_INET6;
    code = wsp_error_of(WSP_OP_OPTION, stk_sock_opt_set(sock->stk, STK_OPT_IFLIST, &list, sizeof list));
    if (code == 0)
        *iflist_of(sock, row) = list;
    return code;
}

static int option_get_iflist(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    uint32_t on;

    wsp_mutex_lock(&sock->lock);
    on = iflist_of(sock, row)->on;
    wsp_mutex_unlock(&sock->lock);
    return wsp_option_put(value, len, on);
}

static int option_set_iflist(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_iflist list;
    int32_t on;
    int code;

    (void)len;
    memcpy(&on, value, sizeof on);
    wsp_mutex_lock(&sock->lock);
    list = *iflist_of(sock, row);
    list.on = on != 0;
    code = iflist_apply(sock, row, &list);
    wsp_mutex_unlock(&sock->lock);
    return code;
}

static bool iflist_is_interface(uint32_t index)
{
    struct stk_if_info *list;
    bool found = false;
    int count;

    list = wsp_ioctl_interfaces(&count);
    for (int i = 0; i < count && !found; i++)
        found = list[i].if_index == index;
    free(list);
    return found;
}

static int option_change_iflist(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    struct stk_iflist list;
    uint32_t index;
    int code;

    (void)len;
    memcpy(&index, value, sizeof index);
    if (index >= STK_IFLIST_MAX || (row->arg == IFLIST_ADD && !iflist_is_interface(index)))
        return WSAEADDRNOTAVAIL; /* one that has gone can be taken off */
    wsp_mutex_lock(&sock->lock);
    list = *iflist_of(sock, row);
    if (row->arg == IFLIST_ADD)
        list.listed[index / 32] |= UINT32_C(1) << index % 32;
    else
        list.listed[index / 32] &= ~(UINT32_C(1) << index % 32);
    code = iflist_apply(sock, row, &list);
    wsp_mutex_unlock(&sock->lock);
    return code;
}

/* An error unless the list is in use; which, the rules leave open. */
static int option_read_iflist(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    struct stk_iflist list;
    int bytes = 0;

    wsp_mutex_lock(&sock->lock);
    list = *iflist_of(sock, row);
    wsp_mutex_unlock(&sock->lock);
    if (!list.on)
        return WSAEINVAL;
    for (uint32_t i = 0; i < STK_IFLIST_MAX; i++)
        bytes += (list.listed[i / 32] >> i % 32 & 1) != 0 ? (int)sizeof i : 0;
    if (bytes > *len)
        return WSAEFAULT;
    *len = bytes;
    for (uint32_t i = 0; i < STK_IFLIST_MAX; i++)
        if ((list.listed[i / 32] >> i % 32 & 1) != 0) {
            memcpy(value, &i, sizeof i);
            value += sizeof i;
        }
    return 0;
}

#define MSGS WSP_OPT_MSGS
#define IP46 WSP_OPT_IP46
#define IFLIST_ROWS(level, where)                                                                              \
    {level, IP_IFLIST, where, WSP_OPT_BOTH | WSP_OPT_WHOLE, 4, 0, 0, 1, option_get_iflist, option_set_iflist}, \
        {level, IP_ADD_IFLIST, where, WSP_OPT_SET, 4, IFLIST_ADD, 0, 0, NULL, option_change_iflist},           \
        {level, IP_DEL_IFLIST, where, WSP_OPT_SET, 4, IFLIST_DELETE, 0, 0, NULL, option_change_iflist},        \
    {                                                                                                          \
        level, IP_GET_IFLIST, where, WSP_OPT_GET, 0, 0, 0, 0, option_read_iflist, NULL                         \
    }

static const struct wsp_option_row option_iflist[] = {
    IFLIST_ROWS(IPPROTO_IP, IP46 | MSGS), /* the numbers of both levels are the same */
    IFLIST_ROWS(IPPROTO_IPV6, WSP_OPT_V6 | MSGS),
};
const struct wsp_option_group wsp_option_iflist = WSP_OPTION_GROUP(option_iflist);

/** @file Socket options: the groups of rows, and what rows of several groups share. */
#include "wsp_option.h"

int wsp_option_put(char *value, int *len, uint32_t what)
{
    memcpy(value, &what, sizeof what);
    *len = (int)sizeof what;
    return 0;
}

int wsp_option_get_value(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    return wsp_option_put(value, len, atomic_load(&sock->values[row->arg]));
}

int wsp_option_set_value(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
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

/* Unsupported by any TCP/IP of Windows, with a code of its own. */
int wsp_option_get_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, char *value, int *len)
{
    (void)sock, (void)row, (void)value, (void)len;
    return WSAEINVAL;
}

int wsp_option_set_invalid(struct wsp_socket *sock, const struct wsp_option_row *row, const char *value, int len)
{
    (void)sock, (void)row, (void)value, (void)len;
    return WSAEINVAL;
}

const struct wsp_option_group *const wsp_option_groups[] = {&wsp_option_socket, &wsp_option_tcp,    &wsp_option_udp,
                                                            &wsp_option_ip,     &wsp_option_iflist, &wsp_option_mcast};
const unsigned wsp_option_groups_count = sizeof wsp_option_groups / sizeof wsp_option_groups[0];

_Static_assert((int)WSP_VALUES <= (int)(sizeof(((struct wsp_socket *)0)->values) / sizeof(uint32_t)),
               "a place for every remembered value");

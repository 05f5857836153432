/*
 * The groups of api_both, in the order in which they run.
 */
#include "both.h"

const struct t_group *const t_groups[] = {
    &t_group_start,      &t_group_socket,      &t_group_bind, &t_group_listen, &t_group_connect, &t_group_stream,
    &t_group_mcast,      &t_group_close,       &t_group_udp,  &t_group_select, &t_group_events,  &t_group_option,
    &t_group_overlapped, &t_group_ioctl,       &t_group_text, &t_group_names,  &t_group_ipv6,    &t_group_threads,
    &t_group_urgent,     &t_group_conditional, &t_group_poll, &t_group_share,  &t_group_storm,   &t_group_window,
    &t_group_message,    &t_group_alert,
};

const size_t t_group_count = T_COUNT(t_groups);

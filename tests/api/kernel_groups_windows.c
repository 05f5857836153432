/*
 * The groups of api_kernel, in the order in which they run.
 */
#include "kernel.h"

const struct t_group *const t_groups[] = {
    &t_group_kernel_port,   &t_group_kernel_port_end, &t_group_kernel_port_wait, &t_group_kernel_port_call,
    &t_group_kernel_cancel, &t_group_kernel_accept,   &t_group_kernel_pool,      &t_group_kernel_pipe,
    &t_group_kernel_file,   &t_group_kernel_handle,   &t_group_kernel_apc,       &t_group_kernel_message,
    &t_group_kernel_disk,   &t_group_kernel_service,  &t_group_kernel_afd,
};

const size_t t_group_count = T_COUNT(t_groups);

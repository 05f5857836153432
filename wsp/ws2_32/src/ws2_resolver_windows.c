/*
 * Asking DNS, Windows (this DLL under Wine): there is no resolver, names come from files. Source: rule NSPX-18.
 */
#include "ws2_hosts_priv.h"

int ws2_resolver_by_name(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    (void)question;
    (void)result;
    return WSAHOST_NOT_FOUND;
}

int ws2_resolver_by_address(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    (void)question;
    (void)result;
    return WSAHOST_NOT_FOUND;
}

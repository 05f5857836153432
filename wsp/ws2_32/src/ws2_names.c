/*
 * The name functions of Winsock 1.1. Results live in the calling thread's own buffers,
 * good until its next call. Source: rules WS2-62, WS2-65, WS2-66.
 */
#include "ws2_hosts_priv.h"

#include <stdio.h>
#include <string.h>

/**
 * The host's own name, for gethostname.
 *
 * @param bytes  Room.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEFAULT (NULL, too small).
 */
int ws2_own_name(char *name, size_t bytes)
{
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    if (name == NULL || !ws2_os_host_name(name, bytes)) {
        return ws2_fail(WSAEFAULT);
    }
    return 0;
}

/** As gethostname, in UTF-16; chars characters of room. */
int WSAAPI GetHostNameW(PWSTR name, int chars)
{
    char narrow[256];
    if (ws2_own_name(narrow, sizeof narrow) != 0) {
        return SOCKET_ERROR;
    }
    if (name == NULL || chars < 0 || strlen(narrow) >= (size_t)chars) {
        return ws2_fail(WSAEFAULT);
    }
    ws2_utf16_from_ansi(narrow, name, (size_t)chars);
    return 0;
}

static struct hostent *hostent_fill(struct ws2_thread_data *data, const char *name, const struct ws2_host_result *from)
{
    unsigned count = 0;
    unsigned i;
    snprintf(data->host_name, sizeof data->host_name, "%s", name);
    for (i = 0; i < from->count && count < sizeof data->hostent_addr / sizeof data->hostent_addr[0]; i++) {
        memcpy(&data->hostent_addr[count], from->address[i].addr, 4);
        data->hostent_list[count] = (char *)&data->hostent_addr[count];
        count++;
    }
    data->hostent_list[count] = NULL;
    data->hostent_aliases[0] = NULL;
    data->hostent.h_name = data->host_name;
    data->hostent.h_aliases = data->hostent_aliases;
    data->hostent.h_addrtype = AF_INET;
    data->hostent.h_length = 4;
    data->hostent.h_addr_list = data->hostent_list;
    return &data->hostent;
}

static struct ws2_thread_data *data_or_fail(void)
{
    struct ws2_thread_data *data;
    if (!ws2_started()) {
        ws2_fail(WSANOTINITIALISED);
        return NULL;
    }
    data = ws2_thread_data();
    if (data == NULL) {
        ws2_fail(WSAENOBUFS);
    }
    return data;
}

/**
 * The IPv4 addresses of a name; NULL and "" mean this host, dotted text itself.
 *
 * @return  NULL with WSANOTINITIALISED or WSAHOST_NOT_FOUND.
 *
 * Source: rule WS2-65.
 */
struct hostent *WSAAPI gethostbyname(const char *name)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_host_result found;
    uint32_t addr_be;
    if (data == NULL) {
        return NULL;
    }
    name = name == NULL ? "" : name;
    if (ws2_text_parse4_any(name, &addr_be)) {
        memset(&found, 0, sizeof found);
        found.count = 1;
        memcpy(found.address[0].addr, &addr_be, 4);
        return hostent_fill(data, name, &found);
    }
    if (!ws2_host_by_name(name, AF_INET, &found)) {
        ws2_fail(WSAHOST_NOT_FOUND);
        return NULL;
    }
    return hostent_fill(data, found.canonical, &found);
}

/** The name of an IPv4 address. @return NULL with WSANOTINITIALISED, WSAEFAULT, WSAEAFNOSUPPORT, WSAHOST_NOT_FOUND. */
struct hostent *WSAAPI gethostbyaddr(const char *addr, int len, int type)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_host_result found;
    char name[256];
    if (data == NULL) {
        return NULL;
    }
    if (type != AF_INET || addr == NULL || len < 4) {
        ws2_fail(type != AF_INET ? WSAEAFNOSUPPORT : WSAEFAULT);
        return NULL;
    }
    memset(&found, 0, sizeof found);
    found.count = 1;
    memcpy(found.address[0].addr, addr, 4);
    if (!ws2_host_by_address(AF_INET, found.address[0].addr, name)) {
        ws2_fail(WSAHOST_NOT_FOUND);
        return NULL;
    }
    return hostent_fill(data, name, &found);
}

static struct servent *servent_fill(struct ws2_thread_data *data, uint16_t port_be)
{
    data->servent_aliases[0] = NULL;
    data->servent.s_name = data->servent_name;
    data->servent.s_aliases = data->servent_aliases;
    data->servent.s_proto = data->servent_proto;
    memcpy(&data->servent.s_port, &port_be, sizeof port_be);
    return &data->servent;
}

/** A service by name. @return NULL with WSANOTINITIALISED, WSAEFAULT or WSANO_DATA. */
struct servent *WSAAPI getservbyname(const char *name, const char *proto)
{
    struct ws2_thread_data *data = data_or_fail();
    uint16_t port_be;
    if (data == NULL) {
        return NULL;
    }
    if (name == NULL || !ws2_os_service_by_name(name, proto, &port_be, data->servent_proto)) {
        ws2_fail(name == NULL ? WSAEFAULT : WSANO_DATA);
        return NULL;
    }
    snprintf(data->servent_name, sizeof data->servent_name, "%s", name);
    return servent_fill(data, port_be);
}

/** A service by port, in network order. @return NULL with WSANOTINITIALISED or WSANO_DATA. */
struct servent *WSAAPI getservbyport(int port, const char *proto)
{
    struct ws2_thread_data *data = data_or_fail();
    if (data == NULL) {
        return NULL;
    }
    if (!ws2_os_service_by_port((uint16_t)port, proto, data->servent_name, data->servent_proto)) {
        ws2_fail(WSANO_DATA);
        return NULL;
    }
    return servent_fill(data, (uint16_t)port);
}

static const struct {
    const char *name;
    short number;
} protocols[] = {
    {"ip", 0},         {"icmp", 1}, {"igmp", 2}, {"ggp", 3},        {"tcp", 6},         {"egp", 8},
    {"pup", 12},       {"udp", 17}, {"idp", 22}, {"rdp", 27},       {"ipv6", 41},       {"ipv6-route", 43},
    {"ipv6-frag", 44}, {"esp", 50}, {"ah", 51},  {"ipv6-icmp", 58}, {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
};

static struct protoent *protocol_find(const char *name, int number)
{
    struct ws2_thread_data *data = data_or_fail();
    unsigned i;
    for (i = 0; data != NULL && i < sizeof protocols / sizeof protocols[0]; i++) {
        if (name != NULL ? ws2_name_equal(protocols[i].name, name) : protocols[i].number == number) {
            data->protoent_aliases[0] = NULL;
            data->protoent.p_name = (char *)(uintptr_t)protocols[i].name;
            data->protoent.p_aliases = data->protoent_aliases;
            data->protoent.p_proto = protocols[i].number;
            return &data->protoent;
        }
    }
    if (data != NULL) {
        ws2_fail(WSANO_DATA);
    }
    return NULL;
}

/** A protocol by name. @return NULL with WSANOTINITIALISED, WSAEFAULT or WSANO_DATA. */
struct protoent *WSAAPI getprotobyname(const char *name)
{
    if (name == NULL && ws2_started()) {
        ws2_fail(WSAEFAULT);
        return NULL;
    }
    return protocol_find(name, -1);
}

/** A protocol by number. @return NULL with WSANOTINITIALISED or WSANO_DATA. */
struct protoent *WSAAPI getprotobynumber(int number)
{
    return protocol_find(NULL, number);
}

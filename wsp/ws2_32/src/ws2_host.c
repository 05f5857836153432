/*
 * Names of hosts from all sources: the host itself, the hosts file, DNS. Source: rules NSPX-16, NSPX-17, WS2-64.
 */
#include "ws2_hosts_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** An empty result; free() it. NULL when memory is short. */
struct ws2_host_result *ws2_host_result_new(void)
{
    return (struct ws2_host_result *)calloc(1, sizeof(struct ws2_host_result));
}

/** Add an address that is not there yet. @return false if there is no room. */
bool ws2_host_add(struct ws2_host_result *result, int family, const void *addr, ULONG scope_id)
{
    struct ws2_host_address *at = &result->address[result->count];
    struct ws2_host_address fresh = {.family = family, .scope_id = scope_id};
    unsigned i;
    memcpy(fresh.addr, addr, family == AF_INET ? 4 : 16);
    for (i = 0; i < result->count; i++) {
        const struct ws2_host_address *other = &result->address[i];
        if (other->family == family && memcmp(other->addr, fresh.addr, 16) == 0 && other->scope_id == scope_id) {
            return true;
        }
    }
    if (result->count == WS2_HOST_ADDRESSES) {
        return false;
    }
    *at = fresh;
    result->count++;
    return true;
}

/** Add another name of the host; what is too much is left out. */
void ws2_host_add_alias(struct ws2_host_result *result, const char *name)
{
    unsigned i;
    for (i = 0; i < result->aliases; i++) {
        if (ws2_name_equal(result->alias[i], name)) {
            return;
        }
    }
    if (result->aliases < WS2_HOST_NAMES && strlen(name) < WS2_HOST_NAME_BYTES) {
        memcpy(result->alias[result->aliases++], name, strlen(name) + 1);
    }
}

/** The loopback addresses, IPv6 first. */
void ws2_host_add_loopback(struct ws2_host_result *result, int family)
{
    static const uint8_t four[4] = {127, 0, 0, 1};
    if (family != AF_INET) {
        (void)ws2_host_add(result, AF_INET6, &in6addr_loopback, 0);
    }
    if (family != AF_INET6) {
        (void)ws2_host_add(result, AF_INET, four, 0);
    }
}

/** Whether a name is the host's own; "" is. */
bool ws2_host_is_own(const char *name)
{
    char own[WS2_HOST_NAME_BYTES];
    return name[0] == '\0' || (ws2_os_host_name(own, sizeof own) && ws2_name_equal(name, own));
}

/* ---- the host itself ---- */

static bool is_loopback(int family, const uint8_t *addr)
{
    return family == AF_INET ? addr[0] == 127 : memcmp(addr, &in6addr_loopback, 16) == 0;
}

static void add_listed(struct ws2_host_result *result, const SOCKET_ADDRESS_LIST *list, int family)
{
    INT i;
    for (i = 0; i < list->iAddressCount; i++) {
        const uint8_t *bytes = (const uint8_t *)list->Address[i].lpSockaddr;
        ULONG scope = 0;
        if (list->Address[i].lpSockaddr->sa_family != family) {
            continue;
        }
        if (family == AF_INET6) {
            memcpy(&scope, bytes + offsetof(SOCKADDR_IN6, sin6_scope_id), sizeof scope);
        }
        bytes += family == AF_INET ? offsetof(SOCKADDR_IN, sin_addr) : offsetof(SOCKADDR_IN6, sin6_addr);
        if (!is_loopback(family, bytes)) {
            (void)ws2_host_add(result, family, bytes, scope);
        }
    }
}

/* The addresses of the provider's interfaces, loopback left out. */
static void add_interfaces(struct ws2_host_result *result, int family)
{
    DWORD bytes = 4096;
    SOCKET_ADDRESS_LIST *list;
    SOCKET s;
    if (ws2_provider_starting()) {
        return; /* who is being started may ask for names, and must not wait for itself */
    }
    s = WSASocketW(family, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (s == INVALID_SOCKET) {
        return;
    }
    list = (SOCKET_ADDRESS_LIST *)calloc(1, bytes);
    if (list != NULL && WSAIoctl(s, SIO_ADDRESS_LIST_QUERY, NULL, 0, list, bytes, &bytes, NULL, NULL) == 0) {
        add_listed(result, list, family);
    }
    free(list);
    closesocket(s);
}

/** Whether an interface has an address of the family that is neither loopback nor link-local: AI_ADDRCONFIG. */
bool ws2_host_has_address(int family)
{
    struct ws2_host_result *result = ws2_host_result_new();
    bool has = false;
    unsigned i;
    if (result == NULL) {
        return true;
    }
    add_interfaces(result, family);
    for (i = 0; i < result->count; i++) {
        const uint8_t *addr = result->address[i].addr;
        has |= family == AF_INET ? addr[0] != 169 || addr[1] != 254 : addr[0] != 0xfe || (addr[1] & 0xc0) != 0x80;
    }
    free(result);
    return has;
}

/* ---- the hosts file ---- */

struct by_name {
    const char *name;
    int pass_family;
    struct ws2_host_result *result;
};

static bool visit_by_name(const struct ws2_host_line *line, void *context)
{
    struct by_name *look = (struct by_name *)context;
    struct ws2_host_result *result = look->result;
    unsigned i;
    unsigned at;
    for (i = 0; line->family == look->pass_family && i < line->names; i++) {
        if (!ws2_name_equal(line->name[i], look->name)) {
            continue;
        }
        if (result->canonical[0] == '\0') {
            snprintf(result->canonical, sizeof result->canonical, "%s", line->name[0]);
        }
        for (at = 0; at < line->names; at++) {
            if (!ws2_name_equal(line->name[at], result->canonical)) {
                ws2_host_add_alias(result, line->name[at]);
            }
        }
        (void)ws2_host_add(result, line->family, line->addr, 0);
        break;
    }
    return true;
}

static void from_file(const char *name, int family, struct ws2_host_result *result)
{
    struct by_name look = {name, AF_INET6, result};
    if (family != AF_INET) {
        (void)ws2_hosts_each(visit_by_name, &look);
    }
    look.pass_family = AF_INET;
    if (family != AF_INET6) {
        (void)ws2_hosts_each(visit_by_name, &look);
    }
}

/* Interfaces first, then the file, else loopback: the host can always be named. */
static int own_addresses(int family, struct ws2_host_result *result)
{
    char own[WS2_HOST_NAME_BYTES];
    if (!ws2_os_host_name(own, sizeof own)) {
        own[0] = '\0';
    }
    snprintf(result->canonical, sizeof result->canonical, "%s", own);
    if (family != AF_INET) {
        add_interfaces(result, AF_INET6);
    }
    if (family != AF_INET6) {
        add_interfaces(result, AF_INET);
    }
    if (result->count == 0) {
        result->canonical[0] = '\0';
        from_file(own, family, result);
    }
    if (result->count == 0) {
        ws2_host_add_loopback(result, family);
    }
    if (result->canonical[0] == '\0') {
        snprintf(result->canonical, sizeof result->canonical, "%s", own);
    }
    return 0;
}

/* "a.b." is asked for as it is: the dot only says that no suffix is wanted. */
static void without_dot(const char *name, char out[WS2_HOST_NAME_BYTES])
{
    size_t length = strlen(name);
    length -= length > 0 && name[length - 1] == '.';
    length = length < WS2_HOST_NAME_BYTES ? length : WS2_HOST_NAME_BYTES - 1;
    memcpy(out, name, length);
    out[length] = '\0';
}

/**
 * The addresses of a name that is not numeric.
 *
 * @param question  name; "" means the host itself. Family, and where to look.
 * @param result    Empty; filled on success: addresses, the official name, others.
 * @return          0, or WSAHOST_NOT_FOUND, WSANO_DATA, WSATRY_AGAIN, WSANO_RECOVERY, WSA_E_CANCELLED,
 *                  WSA_NOT_ENOUGH_MEMORY.
 *
 * Context: any thread; reads files, may wait for DNS.
 */
int ws2_host_by_name(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    char plain[WS2_HOST_NAME_BYTES];
    if (strlen(question->name) >= WS2_HOST_NAME_BYTES) {
        return WSAHOST_NOT_FOUND;
    }
    without_dot(question->name, plain);
    if (question->name[0] == '\0' || (!question->dns_only && ws2_host_is_own(plain))) {
        return own_addresses(question->family, result);
    }
    if (ws2_name_equal(plain, "localhost")) {
        snprintf(result->canonical, sizeof result->canonical, "localhost");
        ws2_host_add_loopback(result, question->family);
        return 0;
    }
    if (!question->dns_only) {
        from_file(plain, question->family, result);
    }
    if (result->count > 0) {
        return 0;
    }
    return ws2_provider_starting() ? WSAHOST_NOT_FOUND : ws2_dns_by_name(question, result);
}

struct by_address {
    int family;
    const uint8_t *addr;
    struct ws2_host_result *result;
};

static bool visit_by_address(const struct ws2_host_line *line, void *context)
{
    struct by_address *look = (struct by_address *)context;
    struct ws2_host_result *result = look->result;
    unsigned i;
    if (line->family != look->family || memcmp(line->addr, look->addr, line->family == AF_INET ? 4 : 16) != 0) {
        return true;
    }
    snprintf(result->canonical, sizeof result->canonical, "%s", line->name[0]);
    for (i = 1; i < line->names; i++) {
        ws2_host_add_alias(result, line->name[i]);
    }
    return false;
}

/**
 * The name of an address.
 *
 * @param question  family and addr.
 * @param result    Empty; on success its official name, others, and the address.
 * @return          As ws2_host_by_name.
 *
 * Context: any thread; reads a file, may wait for DNS.
 */
int ws2_host_by_address(const struct ws2_host_question *question, struct ws2_host_result *result)
{
    struct by_address look = {question->family, question->addr, result};
    int code = 0;
    if (!question->dns_only) {
        (void)ws2_hosts_each(visit_by_address, &look);
    }
    if (result->canonical[0] == '\0' && is_loopback(question->family, question->addr)) {
        snprintf(result->canonical, sizeof result->canonical, "localhost");
    } else if (result->canonical[0] == '\0') {
        code = ws2_provider_starting() ? WSAHOST_NOT_FOUND : ws2_dns_by_address(question, result);
    }
    if (code == 0) {
        (void)ws2_host_add(result, question->family, question->addr, 0);
    }
    return code;
}

/**
 * Read an address: IPv4 in any of inet_addr's forms, IPv6 with an optional %index.
 *
 * @param result  Empty; gets the one address.
 */
bool ws2_host_parse_numeric(const char *text, struct ws2_host_result *result)
{
    const char *percent = strchr(text, '%');
    char plain[64];
    uint8_t addr[16];
    uint32_t addr_be;
    unsigned long scope = 0;
    char *end = NULL;
    size_t length = percent == NULL ? strlen(text) : (size_t)(percent - text);
    if (percent == NULL && ws2_text_parse4_any(text, &addr_be)) {
        return ws2_host_add(result, AF_INET, &addr_be, 0);
    }
    if (length >= sizeof plain) {
        return false;
    }
    memcpy(plain, text, length);
    plain[length] = '\0';
    if (!ws2_text_parse6(plain, addr)) {
        return false;
    }
    if (percent != NULL) {
        scope = strtoul(percent + 1, &end, 10);
        if (percent[1] < '0' || percent[1] > '9' || *end != '\0' || scope > UINT32_MAX) {
            return false;
        }
    }
    return ws2_host_add(result, AF_INET6, addr, (ULONG)scope);
}

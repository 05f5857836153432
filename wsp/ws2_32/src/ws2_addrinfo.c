/*
 * getaddrinfo, getnameinfo and their wide forms. Sources of names: numeric text, the host's own name, the hosts file,
 * "localhost"; services from the system's list. Source: rules WS2-63, WS2-64, NSPX-17.
 */
#include "ws2_hosts_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_AI_FLAGS 0xf03fffffu

static int fail_with(int code)
{
    ws2_fail(code);
    return code;
}

/* ---- hosts ---- */

static void result_add(struct ws2_host_result *result, int family, const void *addr, ULONG scope_id)
{
    struct ws2_host_address *at = &result->address[result->count];
    if (result->count < WS2_HOST_ADDRESSES) {
        at->family = family;
        memset(at->addr, 0, sizeof at->addr);
        memcpy(at->addr, addr, family == AF_INET ? 4 : 16);
        at->scope_id = scope_id;
        result->count++;
    }
}

struct by_name {
    const char *name;
    int family;
    int pass_family;
    struct ws2_host_result *result;
};

static bool visit_by_name(const struct ws2_host_line *line, void *context)
{
    struct by_name *look = (struct by_name *)context;
    unsigned i;
    for (i = 0; line->family == look->pass_family && i < line->names; i++) {
        if (ws2_name_equal(line->name[i], look->name)) {
            if (look->result->count == 0) {
                snprintf(look->result->canonical, sizeof look->result->canonical, "%s", line->name[0]);
            }
            result_add(look->result, line->family, line->addr, 0);
            break;
        }
    }
    return true;
}

static void result_add_loopback(struct ws2_host_result *result, int family)
{
    static const uint8_t four[4] = {127, 0, 0, 1};
    if (family != AF_INET) {
        result_add(result, AF_INET6, &in6addr_loopback, 0);
    }
    if (family != AF_INET6) {
        result_add(result, AF_INET, four, 0);
    }
}

/**
 * The addresses of a name, IPv6 first.
 *
 * @param name    Not numeric. "" means the host itself.
 * @param family  AF_UNSPEC, AF_INET or AF_INET6.
 * @return        false if the name has none.
 */
bool ws2_host_by_name(const char *name, int family, struct ws2_host_result *result)
{
    struct by_name look = {name, family, AF_INET6, result};
    char own[256];
    memset(result, 0, sizeof *result);
    if (ws2_name_equal(name, "localhost")) {
        snprintf(result->canonical, sizeof result->canonical, "localhost");
        result_add_loopback(result, family);
        return true;
    }
    if (!ws2_os_host_name(own, sizeof own)) {
        own[0] = '\0';
    }
    if (name[0] == '\0') {
        look.name = own;
    }
    if (family != AF_INET) {
        ws2_hosts_each(visit_by_name, &look);
    }
    look.pass_family = AF_INET;
    if (family != AF_INET6) {
        ws2_hosts_each(visit_by_name, &look);
    }
    if (result->count == 0 && own[0] != '\0' && ws2_name_equal(look.name, own)) {
        snprintf(result->canonical, sizeof result->canonical, "%s", own);
        result_add_loopback(result, family);
    }
    return result->count > 0;
}

struct by_address {
    int family;
    const uint8_t *addr;
    char *name;
    bool found;
};

static bool visit_by_address(const struct ws2_host_line *line, void *context)
{
    struct by_address *look = (struct by_address *)context;
    if (line->family == look->family && memcmp(line->addr, look->addr, line->family == AF_INET ? 4 : 16) == 0) {
        snprintf(look->name, 256, "%s", line->name[0]);
        look->found = true;
    }
    return !look->found;
}

/** The name of an address in the hosts file. @return false if there is none. */
bool ws2_host_by_address(int family, const uint8_t *addr, char name[256])
{
    struct by_address look = {family, addr, name, false};
    ws2_hosts_each(visit_by_address, &look);
    return look.found;
}

/* Numeric text, IPv6 with an optional %index. */
static bool parse_numeric(const char *node, struct ws2_host_result *result)
{
    const char *percent = strchr(node, '%');
    char text[64];
    uint8_t addr[16];
    uint32_t addr_be;
    unsigned long scope = 0;
    char *end = NULL;
    size_t length = percent == NULL ? strlen(node) : (size_t)(percent - node);
    memset(result, 0, sizeof *result);
    if (percent == NULL && ws2_text_parse4_any(node, &addr_be)) {
        result_add(result, AF_INET, &addr_be, 0);
        return true;
    }
    if (length >= sizeof text) {
        return false;
    }
    memcpy(text, node, length);
    text[length] = '\0';
    if (!ws2_text_parse6(text, addr)) {
        return false;
    }
    if (percent != NULL) {
        scope = strtoul(percent + 1, &end, 10);
        if (percent[1] < '0' || percent[1] > '9' || *end != '\0' || scope > UINT32_MAX) {
            return false;
        }
    }
    result_add(result, AF_INET6, addr, (ULONG)scope);
    return true;
}

static int find_addresses(const char *node, int flags, int family, struct ws2_host_result *result)
{
    if (node == NULL) {
        static const uint8_t any[16];
        memset(result, 0, sizeof *result);
        if ((flags & AI_PASSIVE) == 0) {
            result_add_loopback(result, family);
            return 0;
        }
        if (family != AF_INET) {
            result_add(result, AF_INET6, any, 0);
        }
        if (family != AF_INET6) {
            result_add(result, AF_INET, any, 0);
        }
        return 0;
    }
    if (parse_numeric(node, result)) {
        snprintf(result->canonical, sizeof result->canonical, "%s", node);
        return family == AF_UNSPEC || result->address[0].family == family ? 0 : EAI_NONAME;
    }
    if ((flags & AI_NUMERICHOST) != 0 || !ws2_host_by_name(node, family, result)) {
        return EAI_NONAME;
    }
    return 0;
}

/* ---- services ---- */

struct wanted {
    int flags;
    int family;
    int type;
    int protocol;
    uint16_t port_be;
};

static bool parse_port(const char *text, uint16_t *port_be)
{
    unsigned value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value <= 65535; at++) {
        value = value * 10 + (unsigned)(*at - '0');
    }
    if (at == text || *at != '\0' || value > 65535) {
        return false;
    }
    *port_be = htons((u_short)value);
    return true;
}

static int find_service(const char *service, struct wanted *want)
{
    const char *proto = want->type == SOCK_STREAM ? "tcp" : want->type == SOCK_DGRAM ? "udp" : NULL;
    char found[16];
    if (service == NULL || parse_port(service, &want->port_be)) {
        return 0;
    }
    if ((want->flags & AI_NUMERICSERV) != 0) {
        return EAI_NONAME;
    }
    if (want->type == SOCK_RAW || !ws2_os_service_by_name(service, proto, &want->port_be, found)) {
        return EAI_SERVICE;
    }
    if (want->type == 0) {
        want->type = strcmp(found, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    }
    return 0;
}

static int read_hints(const char *node, const ADDRINFOA *hints, struct wanted *want)
{
    memset(want, 0, sizeof *want);
    if (hints == NULL) {
        return 0;
    }
    if (hints->ai_addrlen != 0 || hints->ai_canonname != NULL || hints->ai_addr != NULL || hints->ai_next != NULL) {
        return EAI_FAIL;
    }
    if (((unsigned)hints->ai_flags & ~KNOWN_AI_FLAGS) != 0 || ((hints->ai_flags & AI_CANONNAME) != 0 && node == NULL)) {
        return EAI_BADFLAGS;
    }
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6) {
        return EAI_FAMILY;
    }
    if (hints->ai_socktype < 0 || hints->ai_socktype > SOCK_RAW) {
        return EAI_SOCKTYPE;
    }
    want->flags = hints->ai_flags;
    want->family = hints->ai_family;
    want->type = hints->ai_socktype;
    want->protocol = hints->ai_protocol;
    return 0;
}

/* ---- the list ---- */

struct block {
    ADDRINFOA info;
    SOCKADDR_STORAGE addr;
    char canonical[];
};

static void fill_address(struct block *block, const struct ws2_host_address *from, uint16_t port_be)
{
    if (from->family == AF_INET) {
        SOCKADDR_IN *sin = (SOCKADDR_IN *)&block->addr;
        sin->sin_family = AF_INET;
        sin->sin_port = port_be;
        memcpy(&sin->sin_addr, from->addr, 4);
        block->info.ai_addrlen = sizeof *sin;
    } else {
        SOCKADDR_IN6 *sin6 = (SOCKADDR_IN6 *)&block->addr;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = port_be;
        memcpy(&sin6->sin6_addr, from->addr, 16);
        sin6->sin6_scope_id = from->scope_id;
        block->info.ai_addrlen = sizeof *sin6;
    }
    block->info.ai_family = from->family;
    block->info.ai_addr = (struct sockaddr *)&block->addr;
}

static ADDRINFOA *make_node(const struct ws2_host_address *from, const struct wanted *want, const char *canonical)
{
    size_t length = canonical == NULL ? 0 : strlen(canonical) + 1;
    struct block *block = (struct block *)calloc(1, sizeof *block + length);
    if (block == NULL) {
        return NULL;
    }
    fill_address(block, from, want->port_be);
    block->info.ai_flags = want->flags;
    block->info.ai_socktype = want->type;
    block->info.ai_protocol = want->protocol;
    if (canonical != NULL) {
        memcpy(block->canonical, canonical, length);
        block->info.ai_canonname = block->canonical;
    }
    return &block->info;
}

static int make_list(const struct ws2_host_result *found, const struct wanted *want, PADDRINFOA *result)
{
    PADDRINFOA *tail = result;
    unsigned i;
    for (i = 0; i < found->count; i++) {
        bool named = i == 0 && (want->flags & AI_CANONNAME) != 0;
        *tail = make_node(&found->address[i], want, named ? found->canonical : NULL);
        if (*tail == NULL) {
            freeaddrinfo(*result);
            *result = NULL;
            return EAI_MEMORY;
        }
        tail = &(*tail)->ai_next;
    }
    return 0;
}

/**
 * Translate a host and a service.
 *
 * @param node     Numeric text, a name, "" for this host, or NULL: loopback, or with AI_PASSIVE the wildcard.
 * @param service  A number, a name, or NULL for port 0. Not both may be NULL.
 * @param hints    Family, type, protocol and flags wanted, or NULL.
 * @param result   On success a list to be given to freeaddrinfo; NULL on failure.
 * @return         0, or the code, which is the last error too: WSANOTINITIALISED, WSAHOST_NOT_FOUND, WSATYPE_NOT_FOUND,
 *                 WSAEINVAL (flags), WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT, WSANO_RECOVERY (hints not empty),
 *                 WSA_NOT_ENOUGH_MEMORY, WSAEFAULT (result NULL).
 *
 * Context: any thread; reads files. Source: rules WS2-63, WS2-64.
 */
INT WSAAPI getaddrinfo(PCSTR node, PCSTR service, const ADDRINFOA *hints, PADDRINFOA *result)
{
    struct ws2_host_result found;
    struct wanted want;
    int code;
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    if (result == NULL) {
        return fail_with(WSAEFAULT);
    }
    *result = NULL;
    if (node == NULL && service == NULL) {
        return fail_with(EAI_NONAME);
    }
    code = read_hints(node, hints, &want);
    if (code == 0) {
        code = find_service(service, &want);
    }
    if (code == 0) {
        code = find_addresses(node, want.flags, want.family, &found);
    }
    if (code == 0) {
        code = make_list(&found, &want, result);
    }
    return code == 0 ? 0 : fail_with(code);
}

/** Free a list. NULL is accepted. Needs no WSAStartup (rule WS2-4). */
void WSAAPI freeaddrinfo(PADDRINFOA list)
{
    while (list != NULL) {
        PADDRINFOA next = list->ai_next;
        free(list); /* the node is the first field of its block */
        list = next;
    }
}

/* ---- addresses to names ---- */

static int put_text(PCHAR out, DWORD chars, const char *text)
{
    size_t length = strlen(text);
    if (length >= chars) {
        return WSAEFAULT;
    }
    memcpy(out, text, length + 1);
    return 0;
}

static int name_host(int family, const uint8_t *bytes, ULONG scope_id, PCHAR host, DWORD chars, INT flags)
{
    char name[256];
    size_t length;
    if ((flags & NI_NUMERICHOST) == 0 && ws2_host_by_address(family, bytes, name)) {
        return put_text(host, chars, name);
    }
    if ((flags & NI_NAMEREQD) != 0) {
        return EAI_NONAME;
    }
    length = family == AF_INET ? ws2_text_format4(bytes, name) : ws2_text_format6(bytes, name);
    if (scope_id != 0) {
        snprintf(name + length, sizeof name - length, "%%%u", (unsigned)scope_id);
    }
    return put_text(host, chars, name);
}

static int name_service(uint16_t port_be, PCHAR service, DWORD chars, INT flags)
{
    char name[64];
    char proto[16];
    if ((flags & NI_NUMERICSERV) != 0 ||
        !ws2_os_service_by_port(port_be, (flags & NI_DGRAM) != 0 ? "udp" : "tcp", name, proto)) {
        snprintf(name, sizeof name, "%u", ntohs(port_be));
    }
    return put_text(service, chars, name);
}

/**
 * Translate an address to a host and a service name.
 *
 * @param host     Room for the host, or NULL. @param service  Room for the service, or NULL. Not both may be absent.
 * @return         0, or the code, which is the last error too: WSANOTINITIALISED, WSAEFAULT (address, lengths, room),
 *                 WSAEAFNOSUPPORT, WSAHOST_NOT_FOUND (NI_NAMEREQD, or nothing asked).
 *
 * Context: any thread; reads files.
 */
INT WSAAPI getnameinfo(const SOCKADDR *addr, socklen_t addr_bytes, PCHAR host, DWORD host_chars, PCHAR service,
                       DWORD service_chars, INT flags)
{
    const uint8_t *bytes = (const uint8_t *)addr;
    bool want_host = host != NULL && host_chars > 0;
    bool want_service = service != NULL && service_chars > 0;
    ULONG scope_id = 0;
    uint16_t port_be;
    int code = 0;
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    if (addr == NULL || addr_bytes < (socklen_t)sizeof(ADDRESS_FAMILY)) {
        return fail_with(WSAEFAULT);
    }
    if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6) {
        return fail_with(EAI_FAMILY);
    }
    if (addr_bytes < (socklen_t)(addr->sa_family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6))) {
        return fail_with(WSAEFAULT);
    }
    if (!want_host && !want_service) {
        return fail_with(EAI_NONAME);
    }
    memcpy(&port_be, bytes + offsetof(SOCKADDR_IN, sin_port), sizeof port_be);
    if (addr->sa_family == AF_INET6) {
        memcpy(&scope_id, bytes + offsetof(SOCKADDR_IN6, sin6_scope_id), sizeof scope_id);
        bytes += offsetof(SOCKADDR_IN6, sin6_addr);
    } else {
        bytes += offsetof(SOCKADDR_IN, sin_addr);
    }
    if (want_host) {
        code = name_host(addr->sa_family, bytes, scope_id, host, host_chars, flags);
    }
    if (code == 0 && want_service) {
        code = name_service(port_be, service, service_chars, flags);
    }
    return code == 0 ? 0 : fail_with(code);
}

/* ---- wide forms ---- */

static bool narrow(PCWSTR in, char out[256], const char **text)
{
    *text = NULL;
    if (in == NULL) {
        return true;
    }
    *text = out;
    ws2_ansi_from_utf16(in, out, 256);
    return ws2_utf16_len(in) < 256;
}

/* Nodes of both forms have one layout but for the type of the name; that is replaced by a block of its own. */
static bool widen_list(PADDRINFOA list)
{
    PADDRINFOA node;
    for (node = list; node != NULL; node = node->ai_next) {
        if (node->ai_canonname != NULL) {
            size_t chars = strlen(node->ai_canonname) + 1;
            WCHAR *wide = (WCHAR *)calloc(chars, sizeof *wide);
            if (wide == NULL) {
                node->ai_canonname = NULL;
                return false;
            }
            ws2_utf16_from_ansi(node->ai_canonname, wide, chars);
            node->ai_canonname = (char *)wide;
        }
    }
    return true;
}

/** As getaddrinfo; the list goes to FreeAddrInfoW. Names longer than 255 characters are WSAHOST_NOT_FOUND. */
INT WSAAPI GetAddrInfoW(PCWSTR node, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *result)
{
    char node_room[256];
    char service_room[256];
    const char *node_text;
    const char *service_text;
    ADDRINFOA narrow_hints;
    PADDRINFOA list = NULL;
    int code;
    if (result != NULL) {
        *result = NULL;
    }
    if (!narrow(node, node_room, &node_text) || !narrow(service, service_room, &service_text)) {
        return fail_with(ws2_started() ? EAI_NONAME : WSANOTINITIALISED);
    }
    if (hints != NULL) {
        memcpy(&narrow_hints, hints, sizeof narrow_hints);
    }
    code = getaddrinfo(node_text, service_text, hints == NULL ? NULL : &narrow_hints, result == NULL ? NULL : &list);
    if (code != 0) {
        return code;
    }
    if (!widen_list(list)) {
        FreeAddrInfoW((PADDRINFOW)(void *)list);
        return fail_with(EAI_MEMORY);
    }
    *result = (PADDRINFOW)(void *)list;
    return 0;
}

/** Free a list of GetAddrInfoW. NULL is accepted. */
void WSAAPI FreeAddrInfoW(PADDRINFOW list)
{
    while (list != NULL) {
        PADDRINFOW next = list->ai_next;
        if (list->ai_canonname != (PWSTR)(void *)((struct block *)(void *)list)->canonical) {
            free(list->ai_canonname);
        }
        free(list);
        list = next;
    }
}

/** As getnameinfo. */
INT WSAAPI GetNameInfoW(const SOCKADDR *addr, socklen_t addr_bytes, PWCHAR host, DWORD host_chars, PWCHAR service,
                        DWORD service_chars, INT flags)
{
    char host_room[256];
    char service_room[64];
    bool want_host = host != NULL && host_chars > 0;
    bool want_service = service != NULL && service_chars > 0;
    int code = getnameinfo(addr, addr_bytes, want_host ? host_room : NULL,
                           host_chars < sizeof host_room ? host_chars : (DWORD)sizeof host_room,
                           want_service ? service_room : NULL,
                           service_chars < sizeof service_room ? service_chars : (DWORD)sizeof service_room, flags);
    if (code != 0) {
        return code;
    }
    if (want_host) {
        ws2_utf16_from_ansi(host_room, host, host_chars);
    }
    if (want_service) {
        ws2_utf16_from_ansi(service_room, service, service_chars);
    }
    return 0;
}

/*
 * getaddrinfo, getnameinfo and their wide forms: numeric text is read here, all else is asked of the namespace providers.
 * Source: rules WS2-62 to WS2-64, NSPX-15 to NSPX-17; RFC 3493 section 6.
 */
#include "ws2_addrinfo.h"
#include "ws2_names_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_AI_FLAGS 0xf03fffffu

static int fail_with(int code)
{
    ws2_fail(code);
    return code;
}

/* WS2-63: what is returned is the last error, too, and so is 0. */
static int end_with(int code)
{
    SetLastError((DWORD)code);
    return code;
}

/* ---- hosts ---- */

static void add_wildcards(struct ws2_host_result *host, int family)
{
    static const uint8_t any[16];
    if (family != AF_INET) {
        (void)ws2_host_add(host, AF_INET6, any, 0);
    }
    if (family != AF_INET6) {
        (void)ws2_host_add(host, AF_INET, any, 0);
    }
}

/* Addresses of the other family as mapped ones, behind those that are there (RFC 3493 6.1). */
static void add_mapped(struct ws2_host_result *host, const struct ws2_host_result *four)
{
    unsigned i;
    for (i = 0; i < four->count; i++) {
        uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        memcpy(mapped + 12, four->address[i].addr, 4);
        if (four->address[i].family == AF_INET) {
            (void)ws2_host_add(host, AF_INET6, mapped, 0);
        }
    }
    if (host->canonical[0] == '\0') {
        memcpy(host->canonical, four->canonical, sizeof host->canonical);
    }
}

static void keep_family(struct ws2_host_result *host, int family)
{
    unsigned kept = 0;
    unsigned i;
    for (i = 0; i < host->count; i++) {
        if (family == AF_UNSPEC || host->address[i].family == family) {
            host->address[kept++] = host->address[i];
        }
    }
    host->count = kept;
}

/* AI_ADDRCONFIG: families of which no interface has an address are not asked for; what is mapped is of IPv4 (RFC 3493 6.1). */
static void configured(int family, bool mapped, bool *four, bool *six)
{
    *four = (family != AF_INET6 || mapped) && ws2_host_has_address(AF_INET);
    *six = family != AF_INET && ws2_host_has_address(AF_INET6);
}

static int ask_name(const char *node, int family, const struct ws2_info_ask *from, struct ws2_host_result *host)
{
    struct ws2_ask ask = {
        .class_id = &ws2_class_by_name,
        .name = node,
        .flags = LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_DUAL_ADDR,
        .name_space = from->name_space,
        .provider = from->provider,
        .family = family,
        .live = from->live,
    };
    int code;
    ask.flags |= (from->flags & AI_BYPASS_DNS_CACHE) != 0 ? LUP_FLUSHCACHE : 0;
    ask.flags |= (from->flags & AI_DNS_ONLY) != 0 ? LUP_DNS_ONLY : 0;
    code = ws2_ask_host(&ask, host);
    keep_family(host, family);
    return code != 0 ? code : host->count == 0 ? WSANO_DATA : 0;
}

static int ask_mapped(const char *node, const struct ws2_info_ask *from, struct ws2_host_result *host)
{
    struct ws2_host_result *four = ws2_host_result_new();
    int code;
    if (four == NULL) {
        return EAI_MEMORY;
    }
    code = ask_name(node, AF_INET, from, four);
    if (code == 0) {
        add_mapped(host, four);
    }
    free(four);
    return code;
}

static int find_named(const char *node, int family, const struct ws2_info_ask *from, struct ws2_host_result *host)
{
    bool mapped = (from->flags & AI_V4MAPPED) != 0 && family == AF_INET6;
    bool four = family != AF_INET6 || mapped;
    bool six = family != AF_INET;
    int code = WSANO_DATA;
    if ((from->flags & AI_ADDRCONFIG) != 0 && node[0] != '\0' && !ws2_host_is_own(node) &&
        !ws2_name_equal(node, "localhost")) {
        configured(family, mapped, &four, &six);
    }
    if (mapped ? six : four || six) {
        code = ask_name(node, mapped || !four ? AF_INET6 : six ? AF_UNSPEC : AF_INET, from, host);
    }
    if (mapped && four && (code != 0 || (from->flags & AI_ALL) != 0)) {
        int other = ask_mapped(node, from, host);
        code = code == 0 || other == 0 ? 0 : code;
    }
    return code;
}

#define NUMBER_BYTES 64

/* [address] and [address]:port, for IPv6: as the address alone, as on Windows; the port asked for is the service's. */
static bool read_brackets(const char *node, int family, char address[NUMBER_BYTES])
{
    const char *end = node[0] == '[' && family != AF_INET ? strchr(node, ']') : NULL;
    const char *behind = end == NULL ? NULL : end + 1;
    if (behind == NULL || end - node > NUMBER_BYTES) {
        return false;
    }
    if (behind[0] == ':') {
        behind += 1 + strspn(behind + 1, "0123456789");
    }
    snprintf(address, NUMBER_BYTES, "%.*s", (int)(end - node - 1), node + 1);
    return behind[0] == '\0' && strchr(address, ':') != NULL;
}

static int find_addresses(const char *node, int family, const struct ws2_info_ask *from, struct ws2_host_result *host)
{
    bool mapped = (from->flags & AI_V4MAPPED) != 0 && family == AF_INET6;
    char address[NUMBER_BYTES];
    if (node == NULL) {
        if ((from->flags & AI_PASSIVE) != 0) {
            add_wildcards(host, family);
        } else {
            ws2_host_add_loopback(host, family);
        }
        return 0;
    }
    node = read_brackets(node, family, address) ? address : node;
    if (ws2_host_parse_numeric(node, host)) {
        snprintf(host->canonical, sizeof host->canonical, "%s", node);
        if (mapped && host->address[0].family == AF_INET) {
            struct ws2_host_address four = host->address[0];
            host->count = 0;
            memmove(four.addr + 12, four.addr, 4);
            memset(four.addr, 0, 10);
            memset(four.addr + 10, 0xff, 2);
            (void)ws2_host_add(host, AF_INET6, four.addr, 0);
        }
        return family == AF_UNSPEC || host->address[0].family == family ? 0 : EAI_NONAME;
    }
    return (from->flags & AI_NUMERICHOST) != 0 ? EAI_NONAME : find_named(node, family, from, host);
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

/* From the namespace providers, as getservbyname. */
static bool service_ask(const char *name, const char *proto, struct ws2_service *out)
{
    struct ws2_name_query query = {.kind = WS2_ENTRY_SERVICE, .by_name = true};
    const struct servent *found;
    void *blob;
    size_t bytes;
    bool good;
    if (strlen(name) >= sizeof query.name || strchr(name, '/') != NULL) {
        return false;
    }
    memcpy(query.name, name, strlen(name) + 1);
    snprintf(query.proto, sizeof query.proto, "%s", proto == NULL ? "" : proto);
    good = ws2_name_answer(&query, NULL, &blob, &bytes) == 0 && ws2_name_rebase(WS2_ENTRY_SERVICE, blob, bytes);
    if (good) {
        found = (const struct servent *)blob;
        memset(out, 0, sizeof *out);
        memcpy(&out->port_be, &found->s_port, sizeof out->port_be);
        snprintf(out->name, sizeof out->name, "%s", found->s_name);
        snprintf(out->proto, sizeof out->proto, "%s", found->s_proto);
    }
    free(blob);
    return good;
}

static int find_service(const char *service, struct wanted *want)
{
    const char *proto = want->type == SOCK_STREAM ? "tcp" : want->type == SOCK_DGRAM ? "udp" : NULL;
    struct ws2_service found;
    if (service == NULL || service[0] == '\0' || parse_port(service, &want->port_be)) {
        return 0;
    }
    if ((want->flags & AI_NUMERICSERV) != 0) {
        return EAI_NONAME;
    }
    if (want->type == SOCK_RAW || !service_ask(service, proto, &found)) {
        return EAI_SERVICE;
    }
    want->port_be = found.port_be;
    if (want->type == 0) {
        want->type = strcmp(found.proto, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
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
    if (((unsigned)hints->ai_flags & ~KNOWN_AI_FLAGS) != 0 ||
        ((hints->ai_flags & (AI_CANONNAME | AI_FQDN)) != 0 && node == NULL) ||
        (hints->ai_flags & (AI_CANONNAME | AI_FQDN)) == (AI_CANONNAME | AI_FQDN)) {
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
        bool named = i == 0 && (want->flags & (AI_CANONNAME | AI_FQDN)) != 0;
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
 * The answer to getaddrinfo and GetAddrInfoEx.
 *
 * @param from    Who is asked, and where it can be cancelled. Its flags are those of hints.
 * @param result  Out: a list for freeaddrinfo, NULL on failure.
 * @return        0, or a code of getaddrinfo; WSA_E_CANCELLED. The last error is left anywhere.
 *
 * Context: any thread; may wait for DNS.
 */
int ws2_info_answer(const char *node, const char *service, const ADDRINFOA *hints, const struct ws2_info_ask *from,
                    PADDRINFOA *result)
{
    struct ws2_info_ask ask = *from;
    struct ws2_host_result *host;
    struct wanted want;
    int code;
    *result = NULL;
    if (node == NULL && service == NULL) {
        return EAI_NONAME;
    }
    code = read_hints(node, hints, &want);
    if (code == 0) {
        code = find_service(service, &want);
    }
    if (code != 0) {
        return code;
    }
    host = ws2_host_result_new();
    if (host == NULL) {
        return EAI_MEMORY;
    }
    ask.flags = want.flags;
    code = find_addresses(node, want.family, &ask, host);
    if (code == 0) {
        code = make_list(host, &want, result);
    }
    free(host);
    return code;
}

/**
 * Translate a host and a service.
 *
 * @param node     Numeric text, a name, "" for this host, or NULL: loopback, or with AI_PASSIVE the wildcard.
 * @param service  A number, a name, or for port 0 NULL or "". Not both may be NULL.
 * @param hints    Family, type, protocol and flags wanted, or NULL.
 * @param result   On success a list to be given to freeaddrinfo; NULL on failure.
 * @return         0 or the code, which is the last error too: WSANOTINITIALISED, WSAHOST_NOT_FOUND, WSATYPE_NOT_FOUND,
 *                 WSAEINVAL (flags), WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT, WSANO_RECOVERY (hints not empty),
 *                 WSA_NOT_ENOUGH_MEMORY, WSAEFAULT (result NULL), WSATRY_AGAIN, WSANO_DATA, WSASERVICE_NOT_FOUND.
 *
 * Context: any thread; may wait for DNS. Source: rules WS2-62 to WS2-64, NSPX-15, NSPX-16; RFC 6724.
 */
INT WSAAPI getaddrinfo(PCSTR node, PCSTR service, const ADDRINFOA *hints, PADDRINFOA *result)
{
    const struct ws2_info_ask ask = {.name_space = NS_ALL};
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    if (result == NULL) {
        return fail_with(WSAEFAULT);
    }
    return end_with(ws2_info_answer(node, service, hints, &ask, result));
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

/* A host of our own domain by its first part alone. */
static void strip_domain(char *name)
{
    char own[WS2_HOST_NAME_BYTES];
    char *dot = strchr(name, '.');
    const char *own_dot;
    if (dot == NULL || !ws2_os_host_name(own, sizeof own)) {
        return;
    }
    own_dot = strchr(own, '.');
    if (ws2_host_is_own(name) || (own_dot != NULL && ws2_name_equal(dot, own_dot))) {
        *dot = '\0';
    }
}

/* The name of an address, from the namespace providers. 0, or the code. */
static int name_ask(int family, const uint8_t *bytes, char name[WS2_HOST_NAME_BYTES])
{
    char text[46];
    struct ws2_ask ask = {
        .class_id = &ws2_class_by_address,
        .name = text,
        .flags = LUP_RETURN_NAME,
        .name_space = NS_ALL,
        .family = family,
    };
    struct ws2_host_result *host = ws2_host_result_new();
    int code;
    if (host == NULL) {
        return EAI_MEMORY;
    }
    (void)(family == AF_INET ? ws2_text_format4(bytes, text) : ws2_text_format6(bytes, text));
    code = ws2_ask_host(&ask, host);
    memcpy(name, host->canonical, WS2_HOST_NAME_BYTES);
    code = code == 0 && name[0] == '\0' ? EAI_NONAME : code;
    free(host);
    return code;
}

static int name_host(int family, const uint8_t *bytes, ULONG scope_id, PCHAR host, DWORD chars, INT flags)
{
    char name[WS2_HOST_NAME_BYTES];
    size_t length;
    int code = EAI_NONAME;
    if ((flags & NI_NUMERICHOST) == 0) {
        code = name_ask(family, bytes, name);
        if (code == 0 && (flags & NI_NOFQDN) != 0) {
            strip_domain(name);
        }
        if (code == 0) {
            return put_text(host, chars, name);
        }
    }
    if ((flags & NI_NAMEREQD) != 0) {
        return code == WSANO_DATA ? EAI_NONAME : code;
    }
    length = family == AF_INET ? ws2_text_format4(bytes, name) : ws2_text_format6(bytes, name);
    if (scope_id != 0) {
        snprintf(name + length, sizeof name - length, "%%%u", (unsigned)scope_id);
    }
    return put_text(host, chars, name);
}

static int name_service(uint16_t port_be, PCHAR service, DWORD chars, INT flags)
{
    struct ws2_service found;
    if ((flags & NI_NUMERICSERV) != 0 ||
        !ws2_os_service_by_port(port_be, (flags & NI_DGRAM) != 0 ? "udp" : "tcp", &found)) {
        snprintf(found.name, sizeof found.name, "%u", ntohs(port_be));
    }
    return put_text(service, chars, found.name);
}

/**
 * Translate an address to a host and a service name.
 *
 * @param host     Room for the host, or NULL. @param service  Room for the service, or NULL. Not both may be absent.
 * @return         0, or the code, which is the last error too: WSANOTINITIALISED, WSAEFAULT (address, lengths, room),
 *                 WSAEAFNOSUPPORT, WSAHOST_NOT_FOUND (NI_NAMEREQD, or nothing asked).
 *
 * Context: any thread; may wait for DNS.
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
    SetLastError(0);
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

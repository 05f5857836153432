/*
 * The name functions of Winsock 1.1, clients of the namespace providers but for protocols, which are a table here. Results
 * live in the calling thread's own buffers, good until its next call.
 * Source: rules WS2-62, WS2-65, WS2-66, NSP-1 to NSP-6, NSPX-13, NSPX-14, A.19.1 to A.19.9.
 */
#include "ws2_names_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * The host's own name, for gethostname.
 *
 * @param bytes  Room.
 * @return       0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEINPROGRESS (from a blocking hook) or WSAEFAULT (NULL, too small).
 */
int ws2_own_name(char *name, size_t bytes)
{
    if (!ws2_started() || ws2_busy()) {
        return ws2_fail(ws2_started() ? WSAEINPROGRESS : WSANOTINITIALISED);
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

/* ---- answers ---- */

static const struct ws2_protocol protocols[] = {
    {"ip", "IP", 0},
    {"icmp", "ICMP", 1},
    {"ggp", "GGP", 3},
    {"tcp", "TCP", 6},
    {"egp", "EGP", 8},
    {"pup", "PUP", 12},
    {"udp", "UDP", 17},
    {"hmp", "HMP", 20},
    {"xns-idp", "XNS-IDP", 22},
    {"rdp", "RDP", 27},
    {"ipv6", "IPv6", 41},
    {"ipv6-route", "IPv6-Route", 43},
    {"ipv6-frag", "IPv6-Frag", 44},
    {"esp", "ESP", 50},
    {"ah", "AH", 51},
    {"ipv6-icmp", "IPv6-ICMP", 58},
    {"ipv6-nonxt", "IPv6-NoNxt", 59},
    {"ipv6-opts", "IPv6-Opts", 60},
    {"rvd", "RVD", 66},
};

/* A packing function's result in a block of its own; 0 or the code. */
#define PACK_INTO_BLOCK(function, from, blob, bytes) \
    do {                                             \
        struct ws2_pack pack = {NULL, 0, 0};         \
        function(&pack, from);                       \
        *(bytes) = pack.used;                        \
        *(blob) = calloc(1, pack.used + 1);          \
        if (*(blob) == NULL) {                       \
            return WSA_NOT_ENOUGH_MEMORY;            \
        }                                            \
        pack.base = (uint8_t *)*(blob);              \
        pack.room = pack.used;                       \
        pack.used = 0;                               \
        function(&pack, from);                       \
        return 0;                                    \
    } while (0)

static int block_of_host(const struct ws2_host_result *host, void **blob, size_t *bytes)
{
    PACK_INTO_BLOCK(ws2_blob_hostent, host, blob, bytes);
}

static int block_of_protocol(const struct ws2_protocol *protocol, void **blob, size_t *bytes)
{
    PACK_INTO_BLOCK(ws2_blob_protoent, protocol, blob, bytes);
}

static int protocol_answer(const struct ws2_name_query *query, void **blob, size_t *bytes)
{
    unsigned i;
    for (i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (query->by_name ? ws2_name_equal(protocols[i].name, query->name) : protocols[i].number == query->number) {
            return block_of_protocol(&protocols[i], blob, bytes);
        }
    }
    return WSANO_DATA;
}

/* Dotted text is read here and nobody is asked (rule NSPX-16). */
static int literal_answer(const char *name, void **blob, size_t *bytes)
{
    struct ws2_host_result *host;
    uint32_t addr_be;
    int code;
    if (!ws2_text_parse4_any(name, &addr_be)) {
        return WSAHOST_NOT_FOUND;
    }
    host = ws2_host_result_new();
    if (host == NULL) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    (void)ws2_host_add(host, AF_INET, &addr_be, 0);
    snprintf(host->canonical, sizeof host->canonical, "%s", name);
    code = block_of_host(host, blob, bytes);
    free(host);
    return code;
}

static int host_answer(const struct ws2_name_query *query, struct ws2_live *live, void **blob, size_t *bytes)
{
    struct ws2_ask ask = {
        .class_id = query->by_name ? &ws2_class_by_name : &ws2_class_by_address,
        .name = query->name,
        .flags = LUP_RETURN_NAME | LUP_RETURN_ADDR | LUP_RETURN_BLOB | LUP_RETURN_ALIASES,
        .name_space = NS_ALL,
        .family = query->by_name ? AF_INET : query->family,
        .live = live,
    };
    char text[46];
    int code;
    if (!query->by_name) {
        (void)(query->family == AF_INET ? ws2_text_format4(query->addr, text) : ws2_text_format6(query->addr, text));
        ask.name = text;
        return ws2_ask_blob(&ask, blob, bytes);
    }
    code = literal_answer(query->name, blob, bytes);
    return code == WSAHOST_NOT_FOUND ? ws2_ask_blob(&ask, blob, bytes) : code;
}

static int service_answer(const struct ws2_name_query *query, struct ws2_live *live, void **blob, size_t *bytes)
{
    char text[WS2_HOST_NAME_BYTES];
    struct ws2_ask ask = {
        .class_id = &ws2_class_service,
        .name = text,
        .flags = LUP_RETURN_NAME | LUP_RETURN_TYPE | LUP_RETURN_BLOB,
        .name_space = NS_ALL,
        .family = AF_INET,
        .live = live,
    };
    const char *slash = query->proto[0] == '\0' ? "" : "/";
    int length = query->by_name
                     ? snprintf(text, sizeof text, "%s%s%s", query->name, slash, query->proto)
                     : snprintf(text, sizeof text, "%u%s%s", ntohs((u_short)query->number), slash, query->proto);
    return length < 0 || (size_t)length >= sizeof text ? WSANO_DATA : ws2_ask_blob(&ask, blob, bytes);
}

/**
 * The answer to a question of 1.1.
 *
 * @param live   Where another thread may end it, or NULL.
 * @param blob   Out: to be freed; offsets for ws2_name_rebase.
 * @return       0, or WSAHOST_NOT_FOUND, WSANO_DATA, WSATRY_AGAIN, WSANO_RECOVERY, WSA_E_CANCELLED, WSA_NOT_ENOUGH_MEMORY,
 *               WSASERVICE_NOT_FOUND (no namespace provider).
 *
 * Context: any thread; may wait for DNS.
 */
int ws2_name_answer(const struct ws2_name_query *query, struct ws2_live *live, void **blob, size_t *bytes)
{
    *blob = NULL;
    *bytes = 0;
    switch (query->kind) {
    case WS2_ENTRY_PROTOCOL:
        return protocol_answer(query, blob, bytes);
    case WS2_ENTRY_SERVICE:
        return service_answer(query, live, blob, bytes);
    case WS2_ENTRY_HOST:
        break;
    }
    return host_answer(query, live, blob, bytes);
}

/** Make the offsets of an answer pointers. @return false if it is not well formed. */
bool ws2_name_rebase(enum ws2_entry_kind kind, void *blob, size_t bytes)
{
    return kind == WS2_ENTRY_HOST      ? ws2_blob_rebase_hostent(blob, bytes)
           : kind == WS2_ENTRY_SERVICE ? ws2_blob_rebase_servent(blob, bytes)
                                       : ws2_blob_rebase_protoent(blob, bytes);
}

/* ---- the functions that wait ---- */

/* Into one of the thread's buffers; NULL with the last error set. */
static void *answer_here(const struct ws2_name_query *query, char *room, size_t room_bytes)
{
    DWORD before = GetLastError();
    void *blob;
    size_t bytes;
    int code = ws2_name_answer(query, NULL, &blob, &bytes);
    if (code == 0 && bytes <= room_bytes) {
        memcpy(room, blob, bytes);
    }
    free(blob);
    if (code == 0 && (bytes > room_bytes || !ws2_name_rebase(query->kind, room, bytes))) {
        code = WSANO_RECOVERY;
    }
    if (code != 0) {
        ws2_fail(code);
        return NULL;
    }
    SetLastError(before);
    return room;
}

static struct ws2_thread_data *data_or_fail(void)
{
    struct ws2_thread_data *data;
    if (!ws2_started() || ws2_busy()) {
        ws2_fail(ws2_started() ? WSAEINPROGRESS : WSANOTINITIALISED);
        return NULL;
    }
    data = ws2_thread_data();
    if (data == NULL) {
        ws2_fail(WSAENOBUFS);
    }
    return data;
}

static void *refuse(int code)
{
    ws2_fail(code);
    return NULL;
}

/**
 * The IPv4 addresses of a name; NULL and "" mean this host, dotted text itself.
 *
 * @return  NULL with WSANOTINITIALISED, WSAHOST_NOT_FOUND, WSANO_DATA, WSATRY_AGAIN, WSANO_RECOVERY.
 *
 * Context: any thread; may wait for DNS. Source: rules WS2-65, A.19.2 to A.19.4, A.19.8.
 */
struct hostent *WSAAPI gethostbyname(const char *name)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_HOST, .by_name = true};
    if (data == NULL) {
        return NULL;
    }
    name = name == NULL ? "" : name;
    if (strlen(name) >= sizeof query.name) {
        return (struct hostent *)refuse(WSAHOST_NOT_FOUND);
    }
    memcpy(query.name, name, strlen(name) + 1);
    return (struct hostent *)answer_here(&query, data->host_blob, sizeof data->host_blob);
}

/**
 * The name of an address.
 *
 * @param addr  len bytes in network order: 4 for AF_INET, 16 for AF_INET6.
 * @return      NULL with WSANOTINITIALISED, WSAEFAULT, WSAEAFNOSUPPORT, or a code of gethostbyname.
 *
 * Context: any thread; may wait for DNS. Source: rule A.19.5.
 */
struct hostent *WSAAPI gethostbyaddr(const char *addr, int len, int type)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_HOST, .family = type};
    int need = type == AF_INET ? 4 : 16;
    if (data == NULL) {
        return NULL;
    }
    if (type != AF_INET && type != AF_INET6) {
        return (struct hostent *)refuse(WSAEAFNOSUPPORT);
    }
    if (addr == NULL || len < need) {
        return (struct hostent *)refuse(WSAEFAULT);
    }
    memcpy(query.addr, addr, (size_t)need);
    return (struct hostent *)answer_here(&query, data->host_blob, sizeof data->host_blob);
}

static bool proto_copy(struct ws2_name_query *query, const char *proto)
{
    if (proto != NULL && strlen(proto) >= sizeof query->proto) {
        return false;
    }
    snprintf(query->proto, sizeof query->proto, "%s", proto == NULL ? "" : proto);
    return true;
}

/**
 * A service by its name or an alias, of a protocol or of any.
 *
 * @return  NULL with WSANOTINITIALISED, WSAEFAULT (name NULL) or WSANO_DATA.
 *
 * Source: rule A.19.6.
 */
struct servent *WSAAPI getservbyname(const char *name, const char *proto)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_SERVICE, .by_name = true};
    if (data == NULL) {
        return NULL;
    }
    if (name == NULL || name[0] == '\0' ||
        (name[0] >= '0' && name[0] <= '9' && strspn(name, "0123456789") == strlen(name)) ||
        strlen(name) >= sizeof query.name || strchr(name, '/') != NULL || !proto_copy(&query, proto)) {
        return (struct servent *)refuse(name == NULL ? WSAEFAULT : WSANO_DATA);
    }
    memcpy(query.name, name, strlen(name) + 1);
    return (struct servent *)answer_here(&query, data->service_blob, sizeof data->service_blob);
}

/** A service by port, in network order. @return NULL with WSANOTINITIALISED or WSANO_DATA. */
struct servent *WSAAPI getservbyport(int port, const char *proto)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_SERVICE, .number = port};
    if (data == NULL) {
        return NULL;
    }
    if (!proto_copy(&query, proto)) {
        return (struct servent *)refuse(WSANO_DATA);
    }
    return (struct servent *)answer_here(&query, data->service_blob, sizeof data->service_blob);
}

/** A protocol by name. @return NULL with WSANOTINITIALISED, WSAEFAULT or WSANO_DATA. */
struct protoent *WSAAPI getprotobyname(const char *name)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_PROTOCOL, .by_name = true};
    if (data == NULL) {
        return NULL;
    }
    if (name == NULL || strlen(name) >= sizeof query.name) {
        return (struct protoent *)refuse(name == NULL ? WSAEFAULT : WSANO_DATA);
    }
    memcpy(query.name, name, strlen(name) + 1);
    return (struct protoent *)answer_here(&query, data->protocol_blob, sizeof data->protocol_blob);
}

/** A protocol by number. @return NULL with WSANOTINITIALISED or WSANO_DATA. */
struct protoent *WSAAPI getprotobynumber(int number)
{
    struct ws2_thread_data *data = data_or_fail();
    struct ws2_name_query query = {.kind = WS2_ENTRY_PROTOCOL, .number = number};
    return data == NULL ? NULL
                        : (struct protoent *)answer_here(&query, data->protocol_blob, sizeof data->protocol_blob);
}

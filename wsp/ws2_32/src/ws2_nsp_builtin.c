/*
 * The built-in namespace provider: the host itself, the hosts file, DNS, and the services file, behind the table that any
 * namespace provider has. Source: rules NSP-2, NSP-4 to NSP-7, NSPX-1, NSPX-4 to NSPX-11, NSPX-13 to NSPX-16, NSPX-19,
 * NSPX-21, NSPX-23.
 */
#include "ws2_blob.h"
#include "ws2_class.h"
#include "ws2_ticket.h"

#include <stdlib.h>
#include <string.h>
#include <svcguid.h>

#define PROTOCOLS 8

const GUID ws2_nsp_builtin_id = {0x9c3f0a14, 0x52b7, 0x4d6b, {0xa1, 0x0e, 0x6f, 0x28, 0xd4, 0xb9, 0x73, 0x5c}};

enum ask { ASK_OWN_NAME, ASK_NAME, ASK_ADDRESS, ASK_SERVICE };

struct lookup {
    struct ws2_ticket ticket;
    HANDLE cancel; /* set by End */
    DWORD flags;
    GUID class_id;
    enum ask ask;
    int family; /* AF_UNSPEC: both */
    uint16_t port_be;
    unsigned protocols;
    AFPROTOCOLS protocol[PROTOCOLS];
    char name[WS2_HOST_NAME_BYTES];
    WCHAR *query_string;
    struct ws2_mutex *lock;
    /* What was found; one thread at a time asks (`busy`). */
    atomic_bool busy;
    bool asked;
    int code;
    unsigned next; /* record: 0 is the host, the others are its aliases */
    struct ws2_host_result *host;
    struct ws2_service service;
};

static const GUID class_own = SVCID_HOSTNAME;
static const GUID class_address = SVCID_INET_HOSTADDRBYINETSTRING;
static const GUID class_service = SVCID_INET_SERVICEBYNAME;
static const GUID class_name = SVCID_INET_HOSTADDRBYNAME;

static bool same(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void lookup_release(struct ws2_ticket *ticket)
{
    struct lookup *lookup = (struct lookup *)(void *)ticket;
    if (lookup->cancel != NULL) {
        WSACloseEvent(lookup->cancel);
    }
    free(lookup->query_string);
    free(lookup->host);
    free(lookup);
}

/* ---- Begin ---- */

/* What a class asks for; false if it is none of ours. */
static bool class_read(const GUID *id, struct lookup *lookup)
{
    if (same(id, &class_own) || same(id, &class_address) || same(id, &class_service) || same(id, &class_name)) {
        lookup->ask = same(id, &class_own)       ? ASK_OWN_NAME
                      : same(id, &class_address) ? ASK_ADDRESS
                      : same(id, &class_service) ? ASK_SERVICE
                                                 : ASK_NAME;
        return true;
    }
    lookup->ask = ASK_NAME;
    lookup->port_be = htons((u_short)(id->Data1 & 0xffff));
    if (IS_SVCID_TCP(id) && RR_FROM_SVCID(id) != 0) {
        lookup->family = RR_FROM_SVCID(id) == 0x1c ? AF_INET6 : AF_INET;
        lookup->port_be = 0;
        return IS_SVCID_DNS(id) && (RR_FROM_SVCID(id) == 1 || RR_FROM_SVCID(id) == 0x1c);
    }
    return IS_SVCID_TCP(id) || (IS_SVCID_UDP(id) && RR_FROM_SVCID(id) == 0);
}

/* The namespace is flat: it begins where it ends (rule NSP-9). */
static bool context_good(const WCHAR *context)
{
    return context == NULL || context[0] == 0 || (context[0] == '\\' && context[1] == 0);
}

/* The families of the filter; false if none of them is ours. */
static bool filter_read(const WSAQUERYSETW *query, struct lookup *lookup)
{
    bool four = query->dwNumberOfProtocols == 0 || query->lpafpProtocols == NULL;
    bool six = four;
    DWORD i;
    for (i = 0; query->lpafpProtocols != NULL && i < query->dwNumberOfProtocols; i++) {
        int family = query->lpafpProtocols[i].iAddressFamily;
        four |= family == AF_INET || family == AF_UNSPEC;
        six |= family == AF_INET6 || family == AF_UNSPEC;
        if (lookup->protocols < PROTOCOLS) {
            lookup->protocol[lookup->protocols++] = query->lpafpProtocols[i];
        }
    }
    four &= lookup->family != AF_INET6;
    six &= lookup->family != AF_INET;
    lookup->family = four && six ? AF_UNSPEC : six ? AF_INET6 : AF_INET;
    return four || six;
}

static bool query_copy(const WSAQUERYSETW *query, struct lookup *lookup)
{
    const WCHAR *name = query->lpszServiceInstanceName;
    if (name != NULL) {
        ws2_ansi_from_utf16(name, lookup->name, sizeof lookup->name);
    }
    if (query->lpszQueryString != NULL && (lookup->flags & LUP_RETURN_QUERY_STRING) != 0) {
        size_t bytes = (ws2_utf16_len(query->lpszQueryString) + 1) * sizeof(WCHAR);
        lookup->query_string = (WCHAR *)malloc(bytes);
        if (lookup->query_string == NULL) {
            return false;
        }
        memcpy(lookup->query_string, query->lpszQueryString, bytes);
    }
    lookup->cancel = WSACreateEvent();
    return lookup->cancel != NULL;
}

static int begin_check(const WSAQUERYSETW *query, DWORD flags, struct lookup *lookup)
{
    const WCHAR *name = query->lpszServiceInstanceName;
    lookup->flags = flags;
    lookup->class_id = *query->lpServiceClassId;
    if (!class_read(query->lpServiceClassId, lookup)) {
        return WSASERVICE_NOT_FOUND;
    }
    if ((flags & LUP_CONTAINERS) != 0) {
        return WSANO_DATA; /* the namespace is flat */
    }
    if (!context_good(query->lpszContext)) {
        return WSAEINVAL;
    }
    if (name == NULL && (lookup->ask == ASK_ADDRESS || lookup->ask == ASK_SERVICE)) {
        return WSAEINVAL;
    }
    if (name != NULL && ws2_utf16_len(name) >= sizeof lookup->name) {
        return WSAHOST_NOT_FOUND;
    }
    if (!filter_read(query, lookup)) {
        return WSANO_DATA;
    }
    return query_copy(query, lookup) ? 0 : WSA_NOT_ENOUGH_MEMORY;
}

/* Copies the question; asks nobody (rule NSPX-4). */
static INT WSPAPI builtin_begin(LPGUID provider, LPWSAQUERYSETW query, LPWSASERVICECLASSINFOW class_info, DWORD flags,
                                LPHANDLE handle)
{
    struct lookup *lookup;
    int code;
    (void)class_info;
    if (provider == NULL || query == NULL || handle == NULL || query->dwSize < sizeof *query) {
        return ws2_fail(WSAEFAULT);
    }
    if (query->lpServiceClassId == NULL || !same(provider, &ws2_nsp_builtin_id)) {
        return ws2_fail(WSAEINVAL);
    }
    lookup = (struct lookup *)calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    code = begin_check(query, flags, lookup);
    if (code != 0) {
        lookup_release(&lookup->ticket);
        return ws2_fail(code);
    }
    *handle = ws2_ticket_open(&lookup->ticket, WS2_TICKET_BUILTIN, lookup_release);
    ws2_ticket_drop(&lookup->ticket);
    return 0;
}

/* ---- the question itself, at the first Next ---- */

static void to_lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    }
}

/* "name/protocol", "port/protocol" or either alone, in any case (rule NSP-4). */
static int ask_service(struct lookup *lookup)
{
    char *name = lookup->name;
    char *proto = strchr(name, '/');
    char *end = NULL;
    unsigned long port = strtoul(name, &end, 10);
    bool numeric = name[0] >= '0' && name[0] <= '9' && (end == proto || *end == '\0') && port <= 65535;
    bool found;
    if (proto != NULL) {
        *proto++ = '\0';
        to_lower(proto);
    }
    if (numeric) {
        found = ws2_os_service_by_port(htons((u_short)port), proto, &lookup->service);
    } else {
        found = ws2_os_service_by_name(name, proto, &lookup->service);
        if (!found) { /* the system's list knows case */
            to_lower(name);
            found = ws2_os_service_by_name(name, proto, &lookup->service);
        }
    }
    return found ? 0 : WSANO_DATA;
}

static int ask_host(struct lookup *lookup, const struct ws2_host_question *from)
{
    struct ws2_host_question question = *from;
    struct ws2_host_result *host = ws2_host_result_new();
    if (host == NULL) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    lookup->host = host;
    if (lookup->ask == ASK_OWN_NAME) {
        return ws2_os_host_name(host->canonical, sizeof host->canonical) ? 0 : WSANO_DATA;
    }
    if (ws2_host_parse_numeric(lookup->name, host)) {
        memcpy(question.addr, host->address[0].addr, sizeof question.addr);
        question.family = host->address[0].family;
        memcpy(host->canonical, lookup->name, sizeof host->canonical);
        if (lookup->ask == ASK_NAME) {
            return lookup->family == AF_UNSPEC || lookup->family == question.family ? 0 : WSANO_DATA;
        }
        memset(host, 0, sizeof *host);
        return ws2_host_by_address(&question, host);
    }
    if (lookup->ask == ASK_ADDRESS) {
        return WSAHOST_NOT_FOUND;
    }
    question.name = lookup->name;
    return ws2_host_by_name(&question, host);
}

static void lookup_ask(struct lookup *lookup)
{
    const struct ws2_host_question question = {
        .family = lookup->family,
        .fresh = (lookup->flags & LUP_FLUSHCACHE) != 0,
        .dns_only = (lookup->flags & LUP_DNS_ONLY) != 0,
        .cancel = lookup->cancel,
    };
    lookup->asked = true;
    lookup->code = lookup->ask == ASK_SERVICE ? ask_service(lookup) : ask_host(lookup, &question);
    if (lookup->code == 0 && lookup->host != NULL) {
        ws2_order_addresses(lookup->host->address, lookup->host->count);
    }
}

/* ---- Next ---- */

static void put_address(struct ws2_pack *pack, const struct ws2_host_address *from, uint16_t port_be,
                        SOCKET_ADDRESS *out)
{
    SOCKADDR_IN6 six = {.sin6_family = AF_INET6, .sin6_port = port_be};
    SOCKADDR_IN four = {.sin_family = AF_INET, .sin_port = port_be};
    bool is_four = from->family == AF_INET;
    memcpy(&four.sin_addr, from->addr, 4);
    memcpy(&six.sin6_addr, from->addr, 16);
    six.sin6_scope_id = from->scope_id;
    out->iSockaddrLength = is_four ? (INT)sizeof four : (INT)sizeof six;
    out->lpSockaddr = (LPSOCKADDR)ws2_pack_copy(pack, is_four ? (const void *)&four : (const void *)&six,
                                                (size_t)out->iSockaddrLength, 8);
}

/* Type and protocol of the class, else of the filter, else a stream's. */
static void kind_of(const struct lookup *lookup, int family, CSADDR_INFO *out)
{
    unsigned i;
    bool udp = IS_SVCID_UDP(&lookup->class_id);
    if (lookup->ask == ASK_NAME && same(&lookup->class_id, &class_name)) {
        for (i = 0; i < lookup->protocols; i++) {
            if (lookup->protocol[i].iAddressFamily == family || lookup->protocol[i].iAddressFamily == AF_UNSPEC) {
                udp = lookup->protocol[i].iProtocol == IPPROTO_UDP;
                break;
            }
        }
    }
    out->iSocketType = udp ? SOCK_DGRAM : SOCK_STREAM;
    out->iProtocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
}

/* Rule NSPX-10. */
static void put_addresses(const struct lookup *lookup, struct ws2_pack *pack, WSAQUERYSETW *set)
{
    static const uint8_t any[16];
    const struct ws2_host_result *host = lookup->host;
    CSADDR_INFO *list = (CSADDR_INFO *)ws2_pack_take(pack, host->count * sizeof *list, sizeof(void *));
    unsigned i;
    for (i = 0; i < host->count; i++) {
        struct ws2_host_address local = {.family = host->address[i].family};
        CSADDR_INFO info;
        memset(&info, 0, sizeof info);
        memcpy(local.addr, any, sizeof any);
        kind_of(lookup, local.family, &info);
        put_address(pack, &local, 0, &info.LocalAddr);
        put_address(pack, &host->address[i], lookup->port_be, &info.RemoteAddr);
        if (list != NULL) {
            list[i] = info;
        }
    }
    set->lpcsaBuffer = list;
    set->dwNumberOfCsAddrs = host->count;
}

static void put_blob(const struct lookup *lookup, struct ws2_pack *pack, WSAQUERYSETW *set)
{
    BLOB *blob = (BLOB *)ws2_pack_take(pack, sizeof *blob, sizeof(void *));
    struct ws2_pack inner;
    (void)ws2_pack_take(pack, 0, sizeof(void *));
    inner.base = pack->base == NULL || pack->used > pack->room ? NULL : pack->base + pack->used;
    inner.room = inner.base == NULL ? 0 : pack->room - pack->used;
    inner.used = 0;
    if (lookup->ask == ASK_SERVICE) {
        ws2_blob_servent(&inner, &lookup->service);
    } else {
        ws2_blob_hostent(&inner, lookup->host);
    }
    pack->used += inner.used;
    if (blob != NULL) {
        blob->cbSize = (ULONG)inner.used;
        blob->pBlobData = inner.base;
    }
    set->lpBlob = blob;
}

/* Rule NSPX-9. */
static void put_record(const struct lookup *lookup, DWORD flags, struct ws2_pack *pack)
{
    WSAQUERYSETW set;
    WSAQUERYSETW *at = (WSAQUERYSETW *)ws2_pack_take(pack, sizeof set, sizeof(void *));
    bool alias = lookup->next > 0;
    const char *name = lookup->ask == ASK_SERVICE ? lookup->service.name
                       : alias                    ? lookup->host->alias[lookup->next - 1]
                                                  : lookup->host->canonical;
    memset(&set, 0, sizeof set);
    set.dwSize = sizeof set;
    set.dwNameSpace = NS_DNS;
    set.dwOutputFlags = alias ? RESULT_IS_ALIAS : 0;
    set.lpNSProviderId = (LPGUID)ws2_pack_copy(pack, &ws2_nsp_builtin_id, sizeof(GUID), 4);
    if ((flags & LUP_RETURN_NAME) != 0) {
        set.lpszServiceInstanceName = ws2_pack_widened(pack, name);
    }
    if ((flags & LUP_RETURN_TYPE) != 0) {
        set.lpServiceClassId = (LPGUID)ws2_pack_copy(pack, &lookup->class_id, sizeof(GUID), 4);
    }
    if ((flags & LUP_RETURN_QUERY_STRING) != 0) {
        set.lpszQueryString = ws2_pack_wide(pack, lookup->query_string);
    }
    if ((flags & LUP_RETURN_ADDR) != 0 && !alias && lookup->ask != ASK_SERVICE && lookup->host->count > 0) {
        put_addresses(lookup, pack, &set);
    }
    if ((flags & LUP_RETURN_BLOB) != 0 && !alias && lookup->ask != ASK_OWN_NAME) {
        put_blob(lookup, pack, &set);
    }
    if (at != NULL) {
        *at = set;
    }
}

static unsigned records_of(const struct lookup *lookup)
{
    if (lookup->code != 0) {
        return 0;
    }
    return lookup->ask == ASK_SERVICE || (lookup->flags & LUP_RETURN_ALIASES) == 0 ? 1 : 1 + lookup->host->aliases;
}

/* The flags of Begin are the most that is returned; Next may want less (rule NSPX-8). */
static DWORD flags_of(const struct lookup *lookup, DWORD flags)
{
    return (flags & LUP_RETURN_ALL) == 0 ? lookup->flags : lookup->flags & flags;
}

static int next_record(struct lookup *lookup, DWORD flags, DWORD *bytes, WSAQUERYSETW *results)
{
    struct ws2_pack pack = {(uint8_t *)results, results == NULL ? 0 : *bytes, 0};
    if (!lookup->asked) {
        lookup_ask(lookup);
        if (lookup->code != 0) {
            return lookup->code;
        }
    } else if ((flags & LUP_FLUSHPREVIOUS) != 0 && lookup->next < records_of(lookup)) {
        lookup->next++;
    }
    if (lookup->next >= records_of(lookup)) {
        return WSA_E_NO_MORE;
    }
    put_record(lookup, flags_of(lookup, flags), &pack);
    if (pack.base == NULL || pack.used > pack.room) {
        *bytes = (DWORD)pack.used;
        return WSAEFAULT;
    }
    lookup->next++;
    return 0;
}

static INT WSPAPI builtin_next(HANDLE handle, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results)
{
    struct lookup *lookup = (struct lookup *)(void *)ws2_ticket_hold(handle, WS2_TICKET_BUILTIN);
    int code;
    if (lookup == NULL || bytes == NULL) {
        if (lookup != NULL) {
            ws2_ticket_drop(&lookup->ticket);
        }
        return ws2_fail(lookup == NULL ? WSA_INVALID_HANDLE : WSAEFAULT);
    }
    /* A second thread waits until the first has its record. */
    while (atomic_exchange_explicit(&lookup->busy, true, memory_order_acquire)) {
        Sleep(1);
    }
    code = WaitForSingleObject(lookup->cancel, 0) == WAIT_OBJECT_0 ? WSA_E_CANCELLED
                                                                   : next_record(lookup, flags, bytes, results);
    atomic_store_explicit(&lookup->busy, false, memory_order_release);
    ws2_ticket_drop(&lookup->ticket);
    return code == 0 ? 0 : ws2_fail(code);
}

static INT WSPAPI builtin_end(HANDLE handle)
{
    struct lookup *lookup = (struct lookup *)(void *)ws2_ticket_close(handle, WS2_TICKET_BUILTIN);
    if (lookup == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    WSASetEvent(lookup->cancel);
    ws2_ticket_drop(&lookup->ticket);
    return 0;
}

/* ---- the rest of the table ---- */

static INT WSPAPI builtin_cleanup(LPGUID provider)
{
    (void)provider;
    return 0;
}

/* Names of hosts are not registered by programs: nothing is to be done (rule NSPX-21). */
static INT WSPAPI builtin_set_service(LPGUID provider, LPWSASERVICECLASSINFOW class_info, LPWSAQUERYSETW registration,
                                      WSAESETSERVICEOP operation, DWORD flags)
{
    (void)class_info;
    (void)flags;
    if (provider == NULL || registration == NULL || registration->dwSize < sizeof *registration ||
        (operation != RNRSERVICE_REGISTER && operation != RNRSERVICE_DEREGISTER && operation != RNRSERVICE_DELETE)) {
        return ws2_fail(WSAEINVAL);
    }
    return 0;
}

/* One kind of notification exists, and nothing here ever changes: it cannot be waited for. */
static INT WSPAPI builtin_ioctl(HANDLE handle, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                                LPDWORD returned, LPWSACOMPLETION completion, LPWSATHREADID thread)
{
    struct ws2_ticket *ticket = ws2_ticket_hold(handle, WS2_TICKET_BUILTIN);
    (void)code;
    (void)in;
    (void)in_bytes;
    (void)out;
    (void)out_bytes;
    (void)completion;
    (void)thread;
    if (ticket == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    ws2_ticket_drop(ticket);
    return ws2_fail(returned == NULL ? WSAEFAULT : WSAEOPNOTSUPP);
}

INT WSPAPI ws2_nsp_builtin_startup(LPGUID provider, LPNSP_ROUTINE routines)
{
    static const NSP_ROUTINE table = {
        .cbSize = sizeof table,
        .dwMajorVersion = 2,
        .dwMinorVersion = 2,
        .NSPCleanup = builtin_cleanup,
        .NSPLookupServiceBegin = builtin_begin,
        .NSPLookupServiceNext = builtin_next,
        .NSPLookupServiceEnd = builtin_end,
        .NSPSetService = builtin_set_service,
        .NSPInstallServiceClass = ws2_class_install,
        .NSPRemoveServiceClass = ws2_class_remove,
        .NSPGetServiceClassInfo = ws2_class_info,
        .NSPIoctl = builtin_ioctl,
    };
    (void)provider;
    *routines = table;
    return 0;
}

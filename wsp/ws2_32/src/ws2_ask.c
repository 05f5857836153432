/*
 * Questions of the name functions to the namespace providers: gethostbyname and its kin and getaddrinfo are clients of
 * WSALookupService. Source: rules NSP-1, NSP-2, WS2-62, NSPX-13, NSPX-14.
 */
#include "ws2_lookup.h"

#include <stdlib.h>
#include <string.h>
#include <svcguid.h>

const GUID ws2_class_own_name = SVCID_HOSTNAME;
const GUID ws2_class_by_address = SVCID_INET_HOSTADDRBYINETSTRING;
const GUID ws2_class_service = SVCID_INET_SERVICEBYNAME;
const GUID ws2_class_by_name = SVCID_INET_HOSTADDRBYNAME;

/** End what another thread asks, now or as soon as it begins. Context: any thread. */
void ws2_live_cancel(struct ws2_live *live)
{
    HANDLE lookup;
    atomic_store_explicit(&live->cancelled, true, memory_order_seq_cst);
    lookup = (HANDLE)atomic_load_explicit(&live->lookup, memory_order_seq_cst);
    if (lookup != NULL) {
        (void)WSALookupServiceEnd(lookup);
    }
}

static int begin(const struct ws2_ask *ask, HANDLE *lookup)
{
    WCHAR name[WS2_HOST_NAME_BYTES];
    AFPROTOCOLS filter[2] = {{ask->family, IPPROTO_TCP}, {ask->family, IPPROTO_UDP}};
    GUID class_id = *ask->class_id;
    GUID provider;
    WSAQUERYSETW query;
    memset(&query, 0, sizeof query);
    query.dwSize = sizeof query;
    query.lpServiceClassId = &class_id;
    query.dwNameSpace = ask->name_space;
    query.dwNumberOfProtocols = 2;
    query.lpafpProtocols = filter;
    if (ask->provider != NULL) {
        provider = *ask->provider;
        query.lpNSProviderId = &provider;
    }
    if (ask->name != NULL) {
        if (strlen(ask->name) >= WS2_HOST_NAME_BYTES) {
            return WSAHOST_NOT_FOUND;
        }
        ws2_utf16_from_ansi(ask->name, name, WS2_HOST_NAME_BYTES);
        query.lpszServiceInstanceName = name;
    }
    if (WSALookupServiceBeginW(&query, ask->flags, lookup) != 0) {
        return WSAGetLastError();
    }
    if (ask->live != NULL) {
        atomic_store_explicit(&ask->live->lookup, (uintptr_t)*lookup, memory_order_seq_cst);
        if (atomic_load_explicit(&ask->live->cancelled, memory_order_seq_cst)) {
            (void)WSALookupServiceEnd(*lookup);
            return WSA_E_CANCELLED;
        }
    }
    return 0;
}

static void end(const struct ws2_ask *ask, HANDLE lookup)
{
    if (ask->live != NULL) {
        atomic_store_explicit(&ask->live->lookup, 0, memory_order_seq_cst);
    }
    (void)WSALookupServiceEnd(lookup); /* who cancelled has ended it already */
}

/* Who cancels ends the lookup: it may be gone before the next call sees it. */
static int next_code(const struct ws2_ask *ask, int code)
{
    bool cancelled = ask->live != NULL && atomic_load_explicit(&ask->live->cancelled, memory_order_seq_cst);
    return code == WSA_INVALID_HANDLE && cancelled ? WSA_E_CANCELLED : code;
}

/* A result in a block of its own; 0 or the code. */
static int next(const struct ws2_ask *ask, HANDLE lookup, WSAQUERYSETW **out)
{
    DWORD bytes = 4096;
    for (;;) {
        WSAQUERYSETW *set = (WSAQUERYSETW *)malloc(bytes);
        DWORD had = bytes;
        int code;
        if (set == NULL) {
            return WSA_NOT_ENOUGH_MEMORY;
        }
        if (WSALookupServiceNextW(lookup, ask->flags, &bytes, set) == 0) {
            *out = set;
            return 0;
        }
        code = WSAGetLastError();
        free(set);
        if (code != WSAEFAULT || bytes <= had || bytes > 1u << 20) {
            return next_code(ask, code);
        }
    }
}

static void add_addresses(const WSAQUERYSETW *set, struct ws2_host_result *host)
{
    DWORD i;
    for (i = 0; set->lpcsaBuffer != NULL && i < set->dwNumberOfCsAddrs; i++) {
        const SOCKET_ADDRESS *address = &set->lpcsaBuffer[i].RemoteAddr;
        const uint8_t *bytes = (const uint8_t *)address->lpSockaddr;
        ULONG scope = 0;
        if (bytes == NULL) {
            continue;
        }
        if (address->lpSockaddr->sa_family == AF_INET && address->iSockaddrLength >= (INT)sizeof(SOCKADDR_IN)) {
            (void)ws2_host_add(host, AF_INET, bytes + offsetof(SOCKADDR_IN, sin_addr), 0);
        } else if (address->lpSockaddr->sa_family == AF_INET6 &&
                   address->iSockaddrLength >= (INT)sizeof(SOCKADDR_IN6)) {
            memcpy(&scope, bytes + offsetof(SOCKADDR_IN6, sin6_scope_id), sizeof scope);
            (void)ws2_host_add(host, AF_INET6, bytes + offsetof(SOCKADDR_IN6, sin6_addr), scope);
        }
    }
}

static void add_record(const WSAQUERYSETW *set, struct ws2_host_result *host)
{
    char name[WS2_HOST_NAME_BYTES];
    add_addresses(set, host);
    if (set->lpszServiceInstanceName == NULL) {
        return;
    }
    ws2_ansi_from_utf16(set->lpszServiceInstanceName, name, sizeof name);
    if ((set->dwOutputFlags & RESULT_IS_ALIAS) != 0) {
        ws2_host_add_alias(host, name);
    } else if (host->canonical[0] == '\0') {
        memcpy(host->canonical, name, sizeof name);
    }
}

/**
 * Everything that the providers say of a host.
 *
 * @param host  Empty; filled on success: name, others, addresses.
 * @return      0, or the code of WSALookupServiceBegin or Next; WSANO_DATA where these have none but the end.
 *
 * Context: any thread; may wait for DNS. The last error is left anywhere.
 */
int ws2_ask_host(const struct ws2_ask *ask, struct ws2_host_result *host)
{
    HANDLE lookup;
    int code = begin(ask, &lookup);
    bool any = false;
    while (code == 0) {
        WSAQUERYSETW *set = NULL;
        code = next(ask, lookup, &set);
        if (code == 0) {
            any = true;
            add_record(set, host);
            free(set);
        } else {
            end(ask, lookup);
        }
    }
    if (any && code != WSA_E_CANCELLED) {
        return 0;
    }
    return code == WSA_E_NO_MORE || code == WSAENOMORE ? WSANO_DATA : code;
}

/**
 * The first answer in one piece.
 *
 * @param blob  Out: to be freed; offsets in it, not checked.
 * @return      0, or a code; WSANO_DATA also for answers without a blob.
 */
int ws2_ask_blob(const struct ws2_ask *ask, void **blob, size_t *bytes)
{
    HANDLE lookup;
    WSAQUERYSETW *set = NULL;
    bool found = false;
    int code = begin(ask, &lookup);
    if (code != 0) {
        return code;
    }
    while (!found && (code = next(ask, lookup, &set)) == 0) {
        found = set->lpBlob != NULL && set->lpBlob->pBlobData != NULL && set->lpBlob->cbSize <= 65536;
        if (found) {
            *bytes = set->lpBlob->cbSize;
            *blob = malloc(*bytes + 1);
            code = *blob == NULL ? WSA_NOT_ENOUGH_MEMORY : 0;
            if (*blob != NULL) {
                memcpy(*blob, set->lpBlob->pBlobData, *bytes);
            }
        }
        free(set);
    }
    end(ask, lookup);
    return found ? code : code == WSA_E_NO_MORE ? WSANO_DATA : code;
}

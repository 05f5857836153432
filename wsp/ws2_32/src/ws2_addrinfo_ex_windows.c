/*
 * GetAddrInfoEx: getaddrinfo's answer in the longer form. Names come from files, so the answer is there at once, with an
 * overlapped structure too: then nothing pends, no event is set and no routine is called, as documented. Windows only: the
 * headers for Linux do not declare it. Source: rules WS2-63, WS2-64.
 */
#include "ws2_priv.h"

#include <stdlib.h>
#include <string.h>

static int fail_with(int code)
{
    ws2_fail(code);
    return code;
}

/* 0, or why a call cannot be answered. */
static int arguments_check(DWORD name_space, const GUID *provider, const void *result)
{
    if (!ws2_started()) {
        return WSANOTINITIALISED;
    }
    if (result == NULL) {
        return WSAEINVAL;
    }
    /* There is no namespace provider; what this DLL knows counts as "all" and as DNS. */
    return provider != NULL || (name_space != NS_ALL && name_space != NS_DNS) ? WSASERVICE_NOT_FOUND : 0;
}

/* The two long forms have one layout but for the type of the name, as the two short ones. */
_Static_assert(sizeof(ADDRINFOEXA) == sizeof(ADDRINFOEXW), "one layout");
_Static_assert(offsetof(ADDRINFOEXA, ai_next) == offsetof(ADDRINFOEXW, ai_next), "one layout");

static ADDRINFOEXW *long_node(const ADDRINFOW *from)
{
    ADDRINFOEXW *node = (ADDRINFOEXW *)calloc(1, sizeof *node + from->ai_addrlen);
    if (node == NULL) {
        return NULL;
    }
    node->ai_flags = from->ai_flags;
    node->ai_family = from->ai_family;
    node->ai_socktype = from->ai_socktype;
    node->ai_protocol = from->ai_protocol;
    node->ai_addrlen = from->ai_addrlen;
    node->ai_addr = (struct sockaddr *)(void *)(node + 1);
    memcpy(node->ai_addr, from->ai_addr, from->ai_addrlen);
    return node;
}

/* The field's type is misspelt in some SDKs, and incomplete there. */
static ADDRINFOEXW *next_of(const ADDRINFOEXW *node)
{
    return (ADDRINFOEXW *)(void *)node->ai_next;
}

static bool long_list(const ADDRINFOW *from, PADDRINFOEXW *result)
{
    ADDRINFOEXW *last = NULL;
    for (; from != NULL; from = from->ai_next) {
        ADDRINFOEXW *node = long_node(from);
        if (node == NULL) {
            return false;
        }
        if (last == NULL) {
            *result = node;
        } else {
            last->ai_next = (void *)node;
        }
        last = node;
    }
    return true;
}

static bool copy_canonical(const WCHAR *name, ADDRINFOEXW *node)
{
    size_t bytes = (ws2_utf16_len(name) + 1) * sizeof *name;
    WCHAR *copy = (WCHAR *)malloc(bytes);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, name, bytes);
    node->ai_canonname = copy;
    return true;
}

/**
 * Translate a host and a service.
 *
 * @param name_space  NS_ALL or NS_DNS; else WSASERVICE_NOT_FOUND, as with a provider.
 * @param hints       As for getaddrinfo; the further fields must be empty.
 * @param result      On success a list for FreeAddrInfoExW; NULL on failure.
 * @return            0, or the code, which is the last error too: as getaddrinfo; WSAEINVAL also for a NULL result.
 *
 * Context: any thread; reads files. Never WSA_IO_PENDING.
 */
int WSAAPI GetAddrInfoExW(PCWSTR name, PCWSTR service, DWORD name_space, LPGUID provider, const ADDRINFOEXW *hints,
                          PADDRINFOEXW *result, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    ADDRINFOW want;
    PADDRINFOW found = NULL;
    int code = arguments_check(name_space, provider, result);
    bool made;
    (void)timeout;
    (void)overlapped;
    (void)routine;
    if (result != NULL) {
        *result = NULL;
    }
    if (handle != NULL) {
        *handle = NULL;
    }
    if (code != 0) {
        return fail_with(code);
    }
    memset(&want, 0, sizeof want);
    if (hints != NULL) {
        if (hints->ai_blob != NULL || hints->ai_provider != NULL || hints->ai_addr != NULL || hints->ai_next != NULL) {
            return fail_with(WSANO_RECOVERY);
        }
        want.ai_flags = hints->ai_flags;
        want.ai_family = hints->ai_family;
        want.ai_socktype = hints->ai_socktype;
        want.ai_protocol = hints->ai_protocol;
    }
    code = GetAddrInfoW(name, service, &want, &found);
    if (code != 0) {
        return code;
    }
    made = long_list(found, result) && (found->ai_canonname == NULL || copy_canonical(found->ai_canonname, *result));
    FreeAddrInfoW(found);
    if (!made) {
        FreeAddrInfoExW(*result);
        *result = NULL;
        return fail_with(WSA_NOT_ENOUGH_MEMORY);
    }
    return 0;
}

static bool widen(PCSTR in, WCHAR out[256], PCWSTR *text)
{
    *text = NULL;
    if (in == NULL) {
        return true;
    }
    *text = out;
    return ws2_utf16_from_ansi(in, out, 256) == strlen(in);
}

/** As GetAddrInfoExW; the list goes to FreeAddrInfoEx. Names longer than 255 characters are WSAHOST_NOT_FOUND. */
int WSAAPI GetAddrInfoExA(PCSTR name, PCSTR service, DWORD name_space, LPGUID provider, const ADDRINFOEXA *hints,
                          PADDRINFOEXA *result, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    WCHAR name_room[256];
    WCHAR service_room[256];
    PCWSTR wide_name;
    PCWSTR wide_service;
    PADDRINFOEXW list = NULL;
    char *canonical;
    int code;
    if (result != NULL) {
        *result = NULL;
    }
    if (!widen(name, name_room, &wide_name) || !widen(service, service_room, &wide_service)) {
        return fail_with(ws2_started() ? WSAHOST_NOT_FOUND : WSANOTINITIALISED);
    }
    code = GetAddrInfoExW(wide_name, wide_service, name_space, provider, (const ADDRINFOEXW *)(const void *)hints,
                          result == NULL ? NULL : &list, timeout, overlapped, routine, handle);
    if (code != 0) {
        return code;
    }
    if (list->ai_canonname != NULL) {
        /* Never longer as bytes than it was as characters. */
        canonical = (char *)(uintptr_t)list->ai_canonname;
        ws2_ansi_from_utf16(list->ai_canonname, canonical, ws2_utf16_len(list->ai_canonname) + 1);
    }
    *result = (PADDRINFOEXA)(void *)list;
    return 0;
}

/** Free a list of GetAddrInfoExW. NULL is accepted. */
void WSAAPI FreeAddrInfoExW(PADDRINFOEXW list)
{
    while (list != NULL) {
        PADDRINFOEXW next = next_of(list);
        free((void *)(uintptr_t)list->ai_canonname);
        free(list);
        list = next;
    }
}

/** Free a list of GetAddrInfoExA. NULL is accepted. */
void WSAAPI FreeAddrInfoEx(PADDRINFOEXA list)
{
    FreeAddrInfoExW((PADDRINFOEXW)(void *)list);
}

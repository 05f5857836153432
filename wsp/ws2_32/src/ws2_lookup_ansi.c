/*
 * Lookups in ANSI: the question in UTF-16 to the providers, results back. A result that does not fit is kept for the next call.
 * Source: rules A.19.15 to A.19.18, NSPX-5.
 */
#include "ws2_lookup.h"
#include "ws2_query.h"

#include <stdlib.h>
#include <string.h>

/** As WSALookupServiceBeginW. */
INT WSAAPI WSALookupServiceBeginA(LPWSAQUERYSETA query, DWORD flags, LPHANDLE handle)
{
    WSAQUERYSETW *wide;
    int result;
    if (!ws2_started() || query == NULL || handle == NULL || query->dwSize < sizeof *query) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    wide = ws2_query_widen(query);
    if (wide == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    result = WSALookupServiceBeginW(wide, flags, handle);
    free(wide);
    return result;
}

/* The next result in UTF-16, of whatever size; 0 or the code. */
static int next_wide(HANDLE handle, DWORD flags, WSAQUERYSETW **out)
{
    DWORD bytes = 2048;
    for (;;) {
        DWORD had = bytes;
        int code;
        WSAQUERYSETW *set = (WSAQUERYSETW *)malloc(bytes);
        if (set == NULL) {
            return WSA_NOT_ENOUGH_MEMORY;
        }
        if (WSALookupServiceNextW(handle, flags, &bytes, set) == 0) {
            *out = set;
            return 0;
        }
        code = WSAGetLastError();
        free(set);
        if (code != WSAEFAULT || bytes <= had) {
            return code;
        }
        flags &= ~(DWORD)LUP_FLUSHPREVIOUS; /* it was passed over */
    }
}

static int next_ansi(struct ws2_lookup *lookup, HANDLE handle, DWORD flags, DWORD *bytes, WSAQUERYSETA *results)
{
    struct ws2_pack pack = {NULL, 0, 0};
    WSAQUERYSETW *set = (WSAQUERYSETW *)atomic_exchange_explicit(&lookup->kept_ansi, NULL, memory_order_acq_rel);
    if (set != NULL && (flags & LUP_FLUSHPREVIOUS) != 0) {
        free(set);
        set = NULL;
        flags &= ~(DWORD)LUP_FLUSHPREVIOUS;
    }
    if (set == NULL) {
        int code = next_wide(handle, flags, &set);
        if (code != 0) {
            return code;
        }
    }
    ws2_query_narrow(&pack, set);
    if (results == NULL || pack.used > *bytes) {
        *bytes = (DWORD)pack.used;
        free(atomic_exchange_explicit(&lookup->kept_ansi, set, memory_order_acq_rel));
        return WSAEFAULT;
    }
    pack = (struct ws2_pack){(uint8_t *)results, *bytes, 0};
    ws2_query_narrow(&pack, set);
    free(set);
    return 0;
}

/** As WSALookupServiceNextW. */
INT WSAAPI WSALookupServiceNextA(HANDLE handle, DWORD flags, LPDWORD bytes, LPWSAQUERYSETA results)
{
    DWORD before = GetLastError();
    struct ws2_lookup *lookup;
    int code;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    lookup = (struct ws2_lookup *)(void *)ws2_ticket_hold(handle, WS2_TICKET_LOOKUP);
    if (lookup == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    code = bytes == NULL ? WSAEFAULT : next_ansi(lookup, handle, flags, bytes, results);
    ws2_ticket_drop(&lookup->ticket);
    if (code != 0) {
        return ws2_fail(code);
    }
    SetLastError(before);
    return 0;
}

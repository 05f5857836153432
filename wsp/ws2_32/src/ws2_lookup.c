/*
 * WSALookupService over namespace providers: who is asked, and whose results come first.
 * Source: rules NSP-8 to NSP-10, NSPX-5 to NSPX-8, NSPX-12, NSPX-24, A.19.15 to A.19.18.
 */
#include "ws2_lookup.h"

#include <stdlib.h>
#include <string.h>

static void lookup_release(struct ws2_ticket *ticket)
{
    struct ws2_lookup *lookup = (struct ws2_lookup *)(void *)ticket;
    free(atomic_load_explicit(&lookup->kept_ansi, memory_order_relaxed));
    free(lookup);
}

/* The class as one of the providers knows it; free() it. NULL if none does. */
static WSASERVICECLASSINFOW *class_info(struct ws2_nsp *const list[], unsigned count, const GUID *class_id)
{
    unsigned i;
    for (i = 0; i < count; i++) {
        DWORD bytes = 512;
        int tries;
        for (tries = 0; tries < 2; tries++) {
            WSASERVICECLASSINFOW *info = (WSASERVICECLASSINFOW *)calloc(1, bytes);
            GUID provider = list[i]->entry->id;
            GUID id = *class_id;
            if (info == NULL) {
                return NULL;
            }
            info->lpServiceClassId = &id;
            if (list[i]->routine.NSPGetServiceClassInfo(&provider, &bytes, info) == 0) {
                return info;
            }
            free(info);
            if (WSAGetLastError() != WSAEFAULT || bytes > 65536) {
                break;
            }
        }
    }
    return NULL;
}

/* Every chosen provider is asked; who fails is left out. */
static int begin_all(struct ws2_lookup *lookup, const WSAQUERYSETW *query, DWORD flags)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    WSASERVICECLASSINFOW bare;
    WSASERVICECLASSINFOW *info;
    int code;
    unsigned count = ws2_nsp_chosen(query->dwNameSpace, query->lpNSProviderId, list, &code);
    unsigned i;
    memset(&bare, 0, sizeof bare);
    bare.lpServiceClassId = query->lpServiceClassId;
    info = class_info(list, count, query->lpServiceClassId);
    for (i = 0; i < count; i++) {
        struct ws2_asked *asked = &lookup->asked[lookup->count];
        GUID provider = list[i]->entry->id;
        WSAQUERYSETW copy = *query;
        asked->nsp = list[i];
        if (list[i]->routine.NSPLookupServiceBegin(&provider, &copy, info != NULL ? info : &bare, flags,
                                                   &asked->handle) == 0) {
            lookup->count++;
        } else {
            code = WSAGetLastError();
        }
    }
    free(info);
    return lookup->count > 0 ? 0 : code;
}

/**
 * Ask a question of the namespace providers.
 *
 * @param query   dwSize, the class, a name, and where to ask.
 * @param flags   LUP_, the most that results may hold.
 * @param handle  Out: for WSALookupServiceNext and WSALookupServiceEnd.
 * @return        0, or SOCKET_ERROR with WSANOTINITIALISED, WSAEFAULT (pointers, size), WSAEINVAL (no class),
 *                WSASERVICE_NOT_FOUND (no provider takes it), WSA_NOT_ENOUGH_MEMORY, or what the last provider said.
 *
 * Context: any thread. Asks nothing of the network yet; loads providers at the first call.
 */
INT WSAAPI WSALookupServiceBeginW(LPWSAQUERYSETW query, DWORD flags, LPHANDLE handle)
{
    DWORD before = GetLastError();
    struct ws2_lookup *lookup;
    int code;
    if (!ws2_started() || query == NULL || handle == NULL || query->dwSize < sizeof *query) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    if (query->lpServiceClassId == NULL) {
        return ws2_fail(WSAEINVAL);
    }
    lookup = (struct ws2_lookup *)calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        return ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    }
    code = begin_all(lookup, query, flags);
    if (code != 0) {
        free(lookup);
        return ws2_fail(code);
    }
    *handle = ws2_ticket_open(&lookup->ticket, WS2_TICKET_LOOKUP, lookup_release);
    ws2_ticket_drop(&lookup->ticket);
    SetLastError(before);
    return 0;
}

/* One provider after the other. 0, or the code. */
static int next_result(struct ws2_lookup *lookup, DWORD flags, DWORD *bytes, WSAQUERYSETW *results)
{
    unsigned at = atomic_load_explicit(&lookup->at, memory_order_relaxed);
    int none = 0;
    while (at < lookup->count && !atomic_load_explicit(&lookup->ended, memory_order_acquire)) {
        const struct ws2_asked *asked = &lookup->asked[at];
        int code = asked->nsp->routine.NSPLookupServiceNext(asked->handle, flags, bytes, results);
        code = code == 0 ? 0 : WSAGetLastError();
        if (code == 0) {
            atomic_store_explicit(&lookup->any, true, memory_order_relaxed);
        }
        if (code == 0 || code == WSAEFAULT) {
            return code;
        }
        if (code != WSA_E_NO_MORE && code != WSAENOMORE) {
            (void)atomic_compare_exchange_strong_explicit(&lookup->code, &none, code, memory_order_relaxed,
                                                          memory_order_relaxed);
            none = 0;
        }
        if (atomic_compare_exchange_strong_explicit(&lookup->at, &at, at + 1, memory_order_relaxed,
                                                    memory_order_relaxed)) {
            at++;
        }
    }
    if (atomic_load_explicit(&lookup->ended, memory_order_acquire)) {
        return WSA_E_CANCELLED;
    }
    /* Nobody had anything: the reason once, then the end. */
    if (!atomic_exchange_explicit(&lookup->any, true, memory_order_relaxed) &&
        atomic_load_explicit(&lookup->code, memory_order_relaxed) != 0) {
        return atomic_load_explicit(&lookup->code, memory_order_relaxed);
    }
    return WSA_E_NO_MORE;
}

/**
 * The next result.
 *
 * @param flags    LUP_, narrower than at the beginning, or none; LUP_FLUSHPREVIOUS passes over one that did not fit.
 * @param bytes    In: room; out with WSAEFAULT: what is needed. The result is kept for the next call.
 * @param results  One structure, all that it points to behind it.
 * @return         0, or SOCKET_ERROR with WSANOTINITIALISED, WSA_INVALID_HANDLE, WSAEFAULT, WSA_E_NO_MORE, WSA_E_CANCELLED
 *                 (ended by another thread), or why there is none: WSAHOST_NOT_FOUND, WSANO_DATA, WSATRY_AGAIN,
 *                 WSANO_RECOVERY, WSASERVICE_NOT_FOUND.
 *
 * Context: any thread; waits for the network.
 */
INT WSAAPI WSALookupServiceNextW(HANDLE handle, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results)
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
    code = bytes == NULL ? WSAEFAULT : next_result(lookup, flags, bytes, results);
    ws2_ticket_drop(&lookup->ticket);
    if (code != 0) {
        return ws2_fail(code);
    }
    SetLastError(before);
    return 0;
}

/**
 * End a lookup. A call of WSALookupServiceNext that waits in another thread ends with WSA_E_CANCELLED.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED or WSA_INVALID_HANDLE.
 */
INT WSAAPI WSALookupServiceEnd(HANDLE handle)
{
    DWORD before = GetLastError();
    struct ws2_lookup *lookup;
    unsigned i;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    lookup = (struct ws2_lookup *)(void *)ws2_ticket_close(handle, WS2_TICKET_LOOKUP);
    if (lookup == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    atomic_store_explicit(&lookup->ended, true, memory_order_release);
    for (i = 0; i < lookup->count; i++) {
        (void)lookup->asked[i].nsp->routine.NSPLookupServiceEnd(lookup->asked[i].handle);
    }
    ws2_ticket_drop(&lookup->ticket);
    SetLastError(before);
    return 0;
}

/** End the lookups that programs have left. Context: before the last WSACleanup, holding no lock. */
void ws2_lookup_end_all(void)
{
    HANDLE handles[64];
    unsigned count;
    while ((count = ws2_ticket_list(WS2_TICKET_LOOKUP, handles, 64)) > 0) {
        while (count > 0) {
            (void)WSALookupServiceEnd(handles[--count]);
        }
    }
}

/**
 * A control code for the provider of a lookup.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSA_INVALID_HANDLE, WSAEFAULT (returned NULL), WSAEOPNOTSUPP (the
 *          provider has no such function), or what the provider says; WSA_IO_PENDING is one of these.
 *
 * Source: slot 9 of a namespace provider.
 */
INT WSAAPI WSANSPIoctl(HANDLE handle, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                       LPDWORD returned, LPWSACOMPLETION completion)
{
    struct ws2_lookup *lookup;
    const struct ws2_asked *asked;
    WSATHREADID thread;
    unsigned at;
    int result;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    lookup = (struct ws2_lookup *)(void *)ws2_ticket_hold(handle, WS2_TICKET_LOOKUP);
    if (lookup == NULL) {
        return ws2_fail(WSA_INVALID_HANDLE);
    }
    at = atomic_load_explicit(&lookup->at, memory_order_relaxed);
    asked = &lookup->asked[at < lookup->count ? at : lookup->count - 1];
    if (returned == NULL) {
        result = ws2_fail(WSAEFAULT);
    } else if (!asked->nsp->has_ioctl) {
        result = ws2_fail(WSAEOPNOTSUPP);
    } else if (!ws2_thread_self_id(&thread)) {
        result = ws2_fail(WSA_NOT_ENOUGH_MEMORY);
    } else {
        result = asked->nsp->routine.NSPIoctl(asked->handle, code, in, in_bytes, out, out_bytes, returned, completion,
                                              &thread);
    }
    ws2_ticket_drop(&lookup->ticket);
    return result;
}

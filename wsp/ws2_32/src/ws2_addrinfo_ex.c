/*
 * GetAddrInfoEx: getaddrinfo's answer in the longer form, at once or in the background, with a bound on the time and
 * cancellation. Source: rules NSPX-22, WS2-63, WS2-64.
 */
#include "ws2_addrinfo.h"
#include "ws2_work.h"

#include <stdlib.h>
#include <string.h>

/* The two long forms have one layout but for the type of the name, as the two short ones. */
_Static_assert(sizeof(ADDRINFOEXA) == sizeof(ADDRINFOEXW), "one layout");
_Static_assert(offsetof(ADDRINFOEXA, ai_next) == offsetof(ADDRINFOEXW, ai_next), "one layout");

typedef void(CALLBACK *routine_fn)(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped);

/* A question; one that pends lives until its thread and its handle are done with it. */
struct info {
    struct ws2_work work;
    HANDLE handle;
    char name[WS2_HOST_NAME_BYTES];
    char service[WS2_HOST_NAME_BYTES];
    bool has_name;
    bool has_service;
    bool has_hints;
    bool wide;
    ADDRINFOA hints;
    struct ws2_info_ask ask;
    GUID provider;
    DWORD timeout_ms;
    PADDRINFOEXW answer; /* of one that is waited for */
    int code;
    HANDLE done; /* set when there is an answer; NULL where nobody waits so */
    /* The program's, of one that pends. */
    PADDRINFOEXW *result;
    LPOVERLAPPED overlapped;
    routine_fn routine;
};

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

/* ---- the long list ---- */

/* The field's type is misspelt in some SDKs, and incomplete there. */
static ADDRINFOEXW *next_of(const ADDRINFOEXW *node)
{
    return (ADDRINFOEXW *)(void *)node->ai_next;
}

static void *canonical_of(const char *name, bool wide)
{
    size_t chars = strlen(name) + 1;
    void *copy = malloc(chars * (wide ? sizeof(WCHAR) : 1));
    if (copy != NULL && wide) {
        ws2_utf16_from_ansi(name, (WCHAR *)copy, chars);
    } else if (copy != NULL) {
        memcpy(copy, name, chars);
    }
    return copy;
}

static ADDRINFOEXW *long_node(const ADDRINFOA *from, bool wide)
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
    if (from->ai_canonname != NULL) {
        node->ai_canonname = (WCHAR *)canonical_of(from->ai_canonname, wide);
        if (node->ai_canonname == NULL) {
            free(node);
            return NULL;
        }
    }
    return node;
}

static bool long_list(const ADDRINFOA *from, bool wide, PADDRINFOEXW *result)
{
    ADDRINFOEXW *last = NULL;
    *result = NULL;
    for (; from != NULL; from = from->ai_next) {
        ADDRINFOEXW *node = long_node(from, wide);
        if (node == NULL) {
            FreeAddrInfoExW(*result);
            *result = NULL;
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

/* ---- the question ---- */

static void info_answer(struct info *info)
{
    PADDRINFOA found = NULL;
    info->code = ws2_info_answer(info->has_name ? info->name : NULL, info->has_service ? info->service : NULL,
                                 info->has_hints ? &info->hints : NULL, &info->ask, &found);
    if (info->code == 0 && !long_list(found, info->wide, &info->answer)) {
        info->code = WSA_NOT_ENOUGH_MEMORY;
    }
    freeaddrinfo(found);
}

static void info_release(struct ws2_ticket *ticket)
{
    struct info *info = (struct info *)(void *)ticket;
    if (info->done != NULL) {
        WSACloseEvent(info->done);
    }
    FreeAddrInfoExW(info->answer);
    free(info);
}

/* The program is told: the result, then the code, then by event or routine. */
static void info_complete(struct info *info)
{
    LPOVERLAPPED overlapped = info->overlapped;
    HANDLE event = overlapped->hEvent;
    *info->result = info->answer;
    info->answer = NULL;
    overlapped->InternalHigh = 0;
    atomic_store_explicit((_Atomic ULONG_PTR *)&overlapped->Internal, (ULONG_PTR)info->code, memory_order_release);
    if (info->routine != NULL) {
        info->routine((DWORD)info->code, 0, overlapped);
    } else if (event != NULL) {
        WSASetEvent(event);
    }
}

static void info_run(struct ws2_work *work)
{
    struct info *info = (struct info *)(void *)work;
    struct ws2_ticket *ticket;
    info_answer(info);
    /* From here on there is nothing to cancel. */
    ticket = ws2_ticket_close(info->handle, WS2_TICKET_INFO);
    if (info->overlapped != NULL) {
        info_complete(info);
    } else {
        WSASetEvent(info->done);
    }
    if (ticket != NULL) {
        ws2_ticket_drop(ticket);
    }
}

/* What needs no network is answered inside the call. */
static bool is_immediate(const struct info *info)
{
    struct ws2_host_result *host;
    bool numeric;
    if (!info->has_name || (info->hints.ai_flags & AI_NUMERICHOST) != 0 || info->name[0] == '\0') {
        return true;
    }
    host = ws2_host_result_new();
    numeric = host == NULL || ws2_host_parse_numeric(info->name, host);
    free(host);
    return numeric;
}

/* In the background, until it is answered or time is over. */
static int info_wait(struct info *info)
{
    int code;
    info->done = WSACreateEvent();
    info->work.run = info_run;
    info->handle = ws2_ticket_open(&info->work.ticket, WS2_TICKET_INFO, info_release);
    atomic_fetch_add_explicit(&info->work.ticket.holders, 1, memory_order_relaxed); /* ours, beside the thread's */
    if (info->done == NULL || !ws2_work_start(&info->work)) {
        struct ws2_ticket *ticket = ws2_ticket_close(info->handle, WS2_TICKET_INFO);
        if (ticket != NULL) {
            ws2_ticket_drop(ticket);
        }
        ws2_ticket_drop(&info->work.ticket);
        ws2_ticket_drop(&info->work.ticket);
        return WSA_NOT_ENOUGH_MEMORY;
    }
    if (WaitForSingleObject(info->done, info->timeout_ms) != WAIT_OBJECT_0) {
        ws2_work_give_up(&info->work);
        WaitForSingleObject(info->done, INFINITE);
        info->code = info->code == WSA_E_CANCELLED ? WSAETIMEDOUT : info->code;
    }
    code = info->code;
    *info->result = info->answer;
    info->answer = NULL;
    ws2_ticket_drop(&info->work.ticket);
    return code;
}

static int info_pend(struct info *info, LPHANDLE handle)
{
    LPOVERLAPPED overlapped = info->overlapped;
    overlapped->Internal = WSAEINPROGRESS;
    if (info->routine == NULL && overlapped->hEvent != NULL) {
        WSAResetEvent(overlapped->hEvent);
    }
    info->work.run = info_run;
    info->handle = ws2_ticket_open(&info->work.ticket, WS2_TICKET_INFO, info_release);
    if (handle != NULL) {
        *handle = info->handle;
    }
    if (!ws2_work_start(&info->work)) {
        struct ws2_ticket *ticket = ws2_ticket_close(info->handle, WS2_TICKET_INFO);
        if (ticket != NULL) {
            ws2_ticket_drop(ticket);
        }
        ws2_ticket_drop(&info->work.ticket);
        return WSA_NOT_ENOUGH_MEMORY;
    }
    return WSA_IO_PENDING;
}

static int info_inside(struct info *info)
{
    int code;
    info_answer(info);
    code = info->code;
    *info->result = info->answer;
    info->answer = NULL;
    info_release(&info->work.ticket);
    return code;
}

/* The arguments that both forms have. NULL with *code. */
static struct info *info_new(DWORD name_space, const GUID *provider, const ADDRINFOEXW *hints, int *code)
{
    struct info *info;
    if (hints != NULL && (hints->ai_blob != NULL || hints->ai_provider != NULL || hints->ai_addr != NULL ||
                          hints->ai_next != NULL || hints->ai_addrlen != 0 || hints->ai_canonname != NULL)) {
        *code = WSANO_RECOVERY;
        return NULL;
    }
    info = (struct info *)calloc(1, sizeof *info);
    if (info == NULL) {
        *code = WSA_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    info->ask.name_space = name_space;
    info->ask.live = &info->work.live;
    if (provider != NULL) {
        info->provider = *provider;
        info->ask.provider = &info->provider;
    }
    if (hints != NULL) {
        info->has_hints = true;
        info->hints.ai_flags = hints->ai_flags;
        info->hints.ai_family = hints->ai_family;
        info->hints.ai_socktype = hints->ai_socktype;
        info->hints.ai_protocol = hints->ai_protocol;
    }
    return info;
}

/* Who is asked must be there, also for what is then answered without asking. */
static int provider_check(const struct info *info)
{
    struct ws2_nsp *list[WS2_NAMESPACES];
    int code;
    return ws2_nsp_chosen(info->ask.name_space, info->ask.provider, list, &code) > 0 ? 0 : code;
}

/* Milliseconds; what is longer than they can say is nearly for ever, what is negative no time at all. */
static DWORD timeout_ms_of(const struct timeval *timeout)
{
    int64_t ms = timeout == NULL ? 0 : (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000;
    if (timeout == NULL) {
        return INFINITE;
    }
    return ms < 0 ? 0 : ms >= (int64_t)INFINITE ? INFINITE - 1 : (DWORD)ms;
}

static int info_go(struct info *info, const struct timeval *timeout, LPHANDLE handle)
{
    int code = provider_check(info);
    if (code != 0) {
        info_release(&info->work.ticket);
        return code;
    }
    info->timeout_ms = timeout_ms_of(timeout);
    if (is_immediate(info)) {
        return info_inside(info);
    }
    return info->overlapped != NULL ? info_pend(info, handle) : timeout != NULL ? info_wait(info) : info_inside(info);
}

static bool put_wide(const WCHAR *in, char out[WS2_HOST_NAME_BYTES], bool *has)
{
    *has = in != NULL;
    if (in == NULL) {
        return true;
    }
    if (ws2_utf16_len(in) >= WS2_HOST_NAME_BYTES) {
        return false;
    }
    ws2_ansi_from_utf16(in, out, WS2_HOST_NAME_BYTES);
    return true;
}

static bool put_ansi(const char *in, char out[WS2_HOST_NAME_BYTES], bool *has)
{
    *has = in != NULL;
    if (in != NULL && strlen(in) >= WS2_HOST_NAME_BYTES) {
        return false;
    }
    memcpy(out, in == NULL ? "" : in, in == NULL ? 1 : strlen(in) + 1);
    return true;
}

/**
 * Translate a host and a service.
 *
 * @param name_space  NS_ALL or one namespace. @param provider  One namespace provider, or NULL.
 * @param hints       As for getaddrinfo; the further fields must be empty (WSANO_RECOVERY).
 * @param result      A list for FreeAddrInfoExW; NULL on failure. With WSA_IO_PENDING written later.
 * @param timeout     When to give up (WSAETIMEDOUT); of calls that wait. May be NULL.
 * @param overlapped  Then the question may pend: its event is set, or routine called by a thread of ours, at the end; an
 *                    answer that needs no network is given inside the call, and nobody is told.
 * @param handle      Out: for GetAddrInfoExCancel, until the end. May be NULL.
 * @return            0, WSA_IO_PENDING or a code, each of them the last error too: as getaddrinfo; WSAEINVAL (result NULL,
 *                    routine without structure or with an event), WSASERVICE_NOT_FOUND (nobody to ask).
 *
 * Context: any thread; may wait for DNS.
 */
int WSAAPI GetAddrInfoExW(PCWSTR name, PCWSTR service, DWORD name_space, LPGUID provider, const ADDRINFOEXW *hints,
                          PADDRINFOEXW *result, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    struct info *info;
    int code = WSAEINVAL;
    if (result != NULL) {
        *result = NULL;
    }
    if (handle != NULL) {
        *handle = NULL;
    }
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    if (result == NULL || (routine != NULL && (overlapped == NULL || overlapped->hEvent != NULL))) {
        return fail_with(code);
    }
    info = info_new(name_space, provider, hints, &code);
    if (info == NULL) {
        return fail_with(code);
    }
    info->wide = true;
    info->result = result;
    info->overlapped = overlapped;
    info->routine = (routine_fn)(uintptr_t)routine;
    if (!put_wide(name, info->name, &info->has_name) || !put_wide(service, info->service, &info->has_service)) {
        info_release(&info->work.ticket);
        return fail_with(WSAHOST_NOT_FOUND);
    }
    return end_with(info_go(info, timeout, handle));
}

/**
 * As GetAddrInfoExW, but never in the background: overlapped, routine and handle must be NULL (WSAEINVAL). The list goes to
 * FreeAddrInfoEx.
 */
int WSAAPI GetAddrInfoExA(PCSTR name, PCSTR service, DWORD name_space, LPGUID provider, const ADDRINFOEXA *hints,
                          PADDRINFOEXA *result, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    struct info *info;
    int code = WSAEINVAL;
    if (result != NULL) {
        *result = NULL;
    }
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    if (result == NULL || overlapped != NULL || routine != NULL || handle != NULL) {
        return fail_with(code);
    }
    info = info_new(name_space, provider, (const ADDRINFOEXW *)(const void *)hints, &code);
    if (info == NULL) {
        return fail_with(code);
    }
    info->result = (PADDRINFOEXW *)(void *)result;
    if (!put_ansi(name, info->name, &info->has_name) || !put_ansi(service, info->service, &info->has_service)) {
        info_release(&info->work.ticket);
        return fail_with(WSAHOST_NOT_FOUND);
    }
    return end_with(info_go(info, timeout, NULL));
}

/**
 * Give a question up: it completes with WSA_E_CANCELLED, unless it is answered meanwhile.
 *
 * @return  0, or WSANOTINITIALISED, WSAEFAULT (NULL), WSA_INVALID_HANDLE (no such question, or it has completed).
 */
INT WSAAPI GetAddrInfoExCancel(LPHANDLE handle)
{
    if (!ws2_started() || handle == NULL) {
        return fail_with(!ws2_started() ? WSANOTINITIALISED : WSAEFAULT);
    }
    return ws2_work_cancel(*handle, WS2_TICKET_INFO) ? 0 : fail_with(WSA_INVALID_HANDLE);
}

/**
 * How a question ended.
 *
 * @return  0, its code, WSAEINPROGRESS (not yet), WSAEINVAL (NULL), WSANOTINITIALISED.
 */
INT WSAAPI GetAddrInfoExOverlappedResult(LPOVERLAPPED overlapped)
{
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    return overlapped == NULL
               ? fail_with(WSAEINVAL)
               : (INT)atomic_load_explicit((_Atomic ULONG_PTR *)&overlapped->Internal, memory_order_acquire);
}

/* ---- names that are set ---- */

static int set_refuse(const void *name, DWORD count, const SOCKET_ADDRESS *addresses)
{
    if (!ws2_started()) {
        return fail_with(WSANOTINITIALISED);
    }
    /* DNS and files take no names from programs. */
    return fail_with(name == NULL || (count > 0 && addresses == NULL) ? WSAEINVAL : WSANO_RECOVERY);
}

/**
 * Register a name.
 *
 * @return  WSANOTINITIALISED, WSAEINVAL (no name, no addresses), WSANO_RECOVERY: no provider takes names.
 */
int WSAAPI SetAddrInfoExA(PCSTR name, PCSTR service, SOCKET_ADDRESS *addresses, DWORD count, LPBLOB blob, DWORD flags,
                          DWORD name_space, LPGUID provider, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    (void)service;
    (void)blob;
    (void)flags;
    (void)name_space;
    (void)provider;
    (void)timeout;
    (void)overlapped;
    (void)routine;
    (void)handle;
    return set_refuse(name, count, addresses);
}

/** As SetAddrInfoExA. */
int WSAAPI SetAddrInfoExW(PCWSTR name, PCWSTR service, SOCKET_ADDRESS *addresses, DWORD count, LPBLOB blob, DWORD flags,
                          DWORD name_space, LPGUID provider, PTIMEVAL timeout, LPOVERLAPPED overlapped,
                          LPLOOKUPSERVICE_COMPLETION_ROUTINE routine, LPHANDLE handle)
{
    (void)service;
    (void)blob;
    (void)flags;
    (void)name_space;
    (void)provider;
    (void)timeout;
    (void)overlapped;
    (void)routine;
    (void)handle;
    return set_refuse(name, count, addresses);
}

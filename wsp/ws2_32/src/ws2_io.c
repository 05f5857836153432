/*
 * Sending and receiving: the data path. No lock, no allocation, one call into the provider.
 * Source: rules WS2-10, WS2-12, WS2-30, WS2-31, WSPRECV-7.
 */
#include "ws2_issue_priv.h"
#include "ws2_status.h"

/**
 * Send on a connected socket.
 *
 * @return  Bytes taken, or SOCKET_ERROR with WSANOTINITIALISED, WSAENOTSOCK, or the provider's (WSPSEND-1).
 *
 * Context: any thread; blocks as the socket's mode says.
 */
int WSAAPI send(SOCKET s, const char *buf, int len, int flags)
{
    struct ws2_provider *provider = ws2_route(s);
    WSABUF buffer = {(ULONG)len, (CHAR *)(uintptr_t)buf};
    DWORD sent = 0;
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (provider->table.lpWSPSend(s, &buffer, 1, &sent, (DWORD)flags, NULL, NULL, NULL, &error) == SOCKET_ERROR) {
        return ws2_fail(error);
    }
    SetLastError(0);
    return (int)sent;
}

/* Rule WSPRECV-7: a message that did not fit is an error here, a flag in WSARecv. */
static int received_whole(int flags, DWORD flags_out, DWORD received)
{
    if ((flags_out & MSG_PARTIAL) != 0 && (flags & MSG_PARTIAL) == 0) {
        return ws2_fail(WSAEMSGSIZE);
    }
    return (int)received;
}

/**
 * Receive on a connected or bound socket.
 *
 * @return  Bytes, 0 at the end of a stream, or SOCKET_ERROR with WSANOTINITIALISED, WSAENOTSOCK, WSPRECV-1.
 *
 * Context: any thread; blocks as the socket's mode says.
 */
int WSAAPI recv(SOCKET s, char *buf, int len, int flags)
{
    struct ws2_provider *provider = ws2_route(s);
    WSABUF buffer = {(ULONG)len, buf};
    DWORD received = 0;
    DWORD flags_inout = (DWORD)flags;
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (provider->table.lpWSPRecv(s, &buffer, 1, &received, &flags_inout, NULL, NULL, NULL, &error) == SOCKET_ERROR) {
        return ws2_fail(error);
    }
    SetLastError(0);
    return received_whole(flags, flags_inout, received);
}

/** Send to an address. As send, with the errors of WSPSENDTO-1. */
int WSAAPI sendto(SOCKET s, const char *buf, int len, int flags, const struct sockaddr *to, int tolen)
{
    struct ws2_provider *provider = ws2_route(s);
    WSABUF buffer = {(ULONG)len, (CHAR *)(uintptr_t)buf};
    DWORD sent = 0;
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (provider->table.lpWSPSendTo(s, &buffer, 1, &sent, (DWORD)flags, to, tolen, NULL, NULL, NULL, &error) ==
        SOCKET_ERROR) {
        return ws2_fail(error);
    }
    SetLastError(0);
    return (int)sent;
}

/** Receive and learn from whom. As recv, with the errors of WSPRECVFROM-1. */
int WSAAPI recvfrom(SOCKET s, char *buf, int len, int flags, struct sockaddr *from, int *fromlen)
{
    struct ws2_provider *provider = ws2_route(s);
    WSABUF buffer = {(ULONG)len, buf};
    DWORD received = 0;
    DWORD flags_inout = (DWORD)flags;
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (provider->table.lpWSPRecvFrom(s, &buffer, 1, &received, &flags_inout, from, fromlen, NULL, NULL, NULL,
                                      &error) == SOCKET_ERROR) {
        return ws2_fail(error);
    }
    SetLastError(0);
    return received_whole(flags, flags_inout, received);
}

/* What a call with an overlapped structure needs around it. */
struct overlapped_call {
    struct ws2_provider *provider;
    struct ws2_issue issue;
    WSATHREADID store;
    LPWSATHREADID thread; /* NULL without a routine: the thread's identity travels only with one (rule WS2-31) */
};

static bool call_begin(struct overlapped_call *call, SOCKET s, LPWSAOVERLAPPED overlapped,
                       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    int error;
    call->provider = ws2_route(s);
    if (call->provider == NULL) {
        return false;
    }
    call->thread = routine == NULL ? NULL : &call->store;
    if (routine != NULL && !ws2_thread_self_id(&call->store)) {
        ws2_fail(WSAENOBUFS);
        return false;
    }
    error = ws2_issue_begin(&call->issue, s, overlapped, routine);
    if (error != 0) {
        ws2_fail(error);
    }
    return error == 0;
}

static int call_end(struct overlapped_call *call, int result, const int *error)
{
    ws2_issue_end(&call->issue, result);
    return ws2_finish(result, error);
}

/** Scattered, possibly overlapped send. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPSEND-1; WSA_IO_PENDING. */
int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct overlapped_call call;
    int error = 0;
    int result;
    if (!call_begin(&call, s, overlapped, routine)) {
        return SOCKET_ERROR;
    }
    result = call.provider->table.lpWSPSend(s, buffers, count, sent, flags, overlapped, routine, call.thread, &error);
    return call_end(&call, result, &error);
}

/** Scattered, possibly overlapped send to an address. Errors as WSASend, WSPSENDTO-1. */
int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, const struct sockaddr *to,
                     int tolen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct overlapped_call call;
    int error = 0;
    int result;
    if (!call_begin(&call, s, overlapped, routine)) {
        return SOCKET_ERROR;
    }
    result = call.provider->table.lpWSPSendTo(s, buffers, count, sent, flags, to, tolen, overlapped, routine,
                                              call.thread, &error);
    return call_end(&call, result, &error);
}

/** Scattered, possibly overlapped receive. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPRECV-1; WSA_IO_PENDING. */
int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags, LPWSAOVERLAPPED overlapped,
                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct overlapped_call call;
    int error = 0;
    int result;
    if (!call_begin(&call, s, overlapped, routine)) {
        return SOCKET_ERROR;
    }
    result = call.provider->table.lpWSPRecv(s, buffers, count, received, flags, overlapped, routine, call.thread,
                                            &error);
    return call_end(&call, result, &error);
}

/** Scattered, possibly overlapped receive with the sender's address. Errors as WSARecv, WSPRECVFROM-1. */
int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags, struct sockaddr *from,
                       LPINT fromlen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct overlapped_call call;
    int error = 0;
    int result;
    if (!call_begin(&call, s, overlapped, routine)) {
        return SOCKET_ERROR;
    }
    result = call.provider->table.lpWSPRecvFrom(s, buffers, count, received, flags, from, fromlen, overlapped, routine,
                                                call.thread, &error);
    return call_end(&call, result, &error);
}

static ULONG_PTR result_status(const WSAOVERLAPPED *overlapped)
{
    return __atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);
}

/* Windows waits for the event alone: one that is set ends the wait, whatever the structure says. */
static bool result_is_signalled(const WSAOVERLAPPED *overlapped)
{
    HANDLE event = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)1);
    return event != NULL && result_status(overlapped) == WSS_OPERATION_IN_PROGRESS &&
           WaitForSingleObject(event, 0) == WAIT_OBJECT_0 && result_status(overlapped) == WSS_OPERATION_IN_PROGRESS;
}

/* Ends a structure that no provider has ended, as a program wrote the status itself. */
static BOOL result_of_status(const WSAOVERLAPPED *overlapped, BOOL done, int *error)
{
    if (done && result_status(overlapped) != 0) {
        *error = (int)ws2_status_code(result_status(overlapped));
        return *error == 0;
    }
    return done;
}

/**
 * The outcome of an overlapped operation.
 *
 * @return  TRUE when it succeeded; FALSE with WSA_IO_INCOMPLETE, the operation's own error, WSANOTINITIALISED,
 *          WSAENOTSOCK or the provider's (WSPGETOVERLAPPEDRESULT-1).
 */
BOOL WSAAPI WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait, LPDWORD flags)
{
    struct ws2_provider *provider = ws2_route(s);
    DWORD unasked = 0;
    bool signalled;
    int error = 0;
    BOOL done;
    if (provider == NULL) {
        return FALSE;
    }
    signalled = wait && overlapped != NULL && result_is_signalled(overlapped);
    done = provider->table.lpWSPGetOverlappedResult(s, overlapped, transferred, wait && !signalled,
                                                    flags == NULL ? &unasked : flags, &error);
    if (signalled && !done && error == WSA_IO_INCOMPLETE && transferred != NULL) {
        *transferred = (DWORD)overlapped->InternalHigh;
        done = TRUE;
    } else if (overlapped != NULL) {
        done = result_of_status(overlapped, done, &error);
    }
    if (flags == NULL) { /* the count is told all the same: Windows, as conformance suites observe */
        error = done ? WSAEFAULT : error;
        done = FALSE;
    }
    SetLastError(0);
    if (!done) {
        ws2_fail(error);
    }
    return done;
}

/* ---- readiness ---- */

/* The first member. @param error  WSAEFAULT if the set cannot be read. */
static bool first_socket(const fd_set *set, SOCKET *s, int *error)
{
    if (set == NULL || *error != 0) {
        return false;
    }
    if (!ws2_memory_readable(set, sizeof set->fd_count) ||
        (set->fd_count > 0 && !ws2_memory_readable(set->fd_array, sizeof *s))) {
        *error = WSAEFAULT;
        return false;
    }
    if (set->fd_count == 0) {
        return false;
    }
    *s = set->fd_array[0];
    return true;
}

/**
 * Wait until one of the sockets is ready, for select.
 *
 * @return  Number of ready sockets, 0 after the time, or SOCKET_ERROR with WSANOTINITIALISED, WSAEINVAL (no socket in
 *          any set), WSAENOTSOCK, or the provider's (WSPSELECT-1). The sets may be larger than FD_SETSIZE here says.
 *
 * Context: any thread. The provider of the first socket found answers for all. Source: rules WS2-40 to WS2-44.
 */
int ws2_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout)
{
    struct ws2_provider *provider;
    SOCKET s;
    int error = 0;
    if (!ws2_started() || ws2_busy()) {
        return ws2_fail(ws2_started() ? WSAEINPROGRESS : WSANOTINITIALISED);
    }
    if (!first_socket(readfds, &s, &error) && !first_socket(writefds, &s, &error) &&
        !first_socket(exceptfds, &s, &error)) {
        return ws2_fail(error != 0 ? error : WSAEINVAL);
    }
    provider = ws2_route(s);
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    return ws2_finish(provider->table.lpWSPSelect(nfds, readfds, writefds, exceptfds, timeout, &error), &error);
}

/** Whether a socket is in a set. Needs no WSAStartup. Source: rule WS2-45. */
int WSAAPI __WSAFDIsSet(SOCKET s, fd_set *set)
{
    /* The set may be larger than this file's FD_SETSIZE. */
    const SOCKET *member = set == NULL ? NULL : set->fd_array;
    u_int i;
    for (i = 0; set != NULL && i < set->fd_count; i++) {
        if (member[i] == s) {
            return 1;
        }
    }
    return 0;
}

/** Tie network events to an event object. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPEVENTSELECT-1. */
int WSAAPI WSAEventSelect(SOCKET s, WSAEVENT event, LONG events)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPEventSelect(s, event, events, &error), &error);
}

/** Take the record of network events. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPENUMNETWORKEVENTS-1. */
int WSAAPI WSAEnumNetworkEvents(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPEnumNetworkEvents(s, event, record, &error), &error);
}

/** Tie network events to window messages. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPASYNCSELECT-1. */
int WSAAPI WSAAsyncSelect(SOCKET s, HWND window, u_int message, LONG events)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPAsyncSelect(s, window, message, events, &error), &error);
}

/* ---- events ---- */

/** A manual-reset event, not signalled. @return WSA_INVALID_EVENT with WSA_NOT_ENOUGH_MEMORY. Rule WS2-51. */
WSAEVENT WSAAPI WSACreateEvent(void)
{
    return CreateEventW(NULL, TRUE, FALSE, NULL);
}

/** As CloseHandle for an event. @return FALSE with WSA_INVALID_HANDLE. */
BOOL WSAAPI WSACloseEvent(WSAEVENT event)
{
    return CloseHandle(event);
}

/** As SetEvent. */
BOOL WSAAPI WSASetEvent(WSAEVENT event)
{
    return SetEvent(event);
}

/** As ResetEvent. */
BOOL WSAAPI WSAResetEvent(WSAEVENT event)
{
    return ResetEvent(event);
}

/** As WaitForMultipleObjectsEx, also where that one does not look at the array. Source: rule WS2-51. */
DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL wait_all, DWORD timeout_ms,
                                      BOOL alertable)
{
    if (events == NULL) {
        ws2_fail(WSA_INVALID_PARAMETER);
        return WSA_WAIT_FAILED;
    }
    return WaitForMultipleObjectsEx(count, events, wait_all, timeout_ms, alertable);
}

/*
 * Functions of the API that have no slot in a provider's table: the provider is asked for a pointer to them.
 * Source: rules WS2-32, WS2-34.
 */
#include "ws2_issue_priv.h"

#include <mswsock.h>

/* The function, or false with what the provider says. The size is a pointer's. */
static bool extension_get(struct ws2_provider *provider, SOCKET s, GUID id, void *function, size_t bytes, int *error)
{
    DWORD returned = 0;
    return provider->table.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, function, (DWORD)bytes,
                                      &returned, NULL, NULL, NULL, error) != SOCKET_ERROR &&
           returned == bytes;
}

/* The first member that is an open socket; the others are judged by its provider. Negative ones are not looked at. */
static struct ws2_provider *poll_provider(const WSAPOLLFD *array, ULONG count, SOCKET *s)
{
    ULONG i;
    for (i = 0; i < count; i++) {
        struct ws2_provider *provider = (intptr_t)array[i].fd < 0 ? NULL : ws2_handle_provider(array[i].fd);
        if (provider != NULL) {
            *s = array[i].fd;
            return provider;
        }
    }
    return NULL;
}

/**
 * Wait until one of the sockets is ready.
 *
 * @param timeout_ms  Negative: for ever.
 * @return            Members with something in revents, 0 after the time, or SOCKET_ERROR with WSANOTINITIALISED,
 *                    WSAEINVAL (no members), WSAENOTSOCK (none of them is a socket), WSAEOPNOTSUPP (the provider has no
 *                    such function), or what that function says.
 *
 * Context: any thread; blocks.
 */
int WSAAPI WSAPoll(WSAPOLLFD array[], ULONG count, INT timeout_ms)
{
    static const GUID id = WSAID_WSAPOLL;
    struct ws2_provider *provider;
    LPFN_WSAPOLL function = NULL;
    SOCKET s = INVALID_SOCKET;
    int error = 0;
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    if (array == NULL || count == 0) {
        return ws2_fail(WSAEINVAL);
    }
    provider = poll_provider(array, count, &s);
    if (provider == NULL) {
        return ws2_fail(WSAENOTSOCK);
    }
    if (!extension_get(provider, s, id, &function, sizeof function, &error) || function == NULL) {
        return ws2_fail(WSAEOPNOTSUPP);
    }
    return function(array, count, timeout_ms);
}

/**
 * Send a message with control data.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED, WSAENOTSOCK, WSAEFAULT (message NULL), WSAEOPNOTSUPP (the provider
 *          has no such function), or what that function says; WSA_IO_PENDING.
 *
 * Context: any thread; blocks as the socket's mode says.
 */
int WSAAPI WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                      LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static const GUID id = WSAID_WSASENDMSG;
    struct ws2_provider *provider = ws2_route(s);
    LPFN_WSASENDMSG function = NULL;
    struct ws2_issue issue;
    int error = 0;
    int result;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (message == NULL) {
        return ws2_fail(WSAEFAULT);
    }
    if (!extension_get(provider, s, id, &function, sizeof function, &error) || function == NULL) {
        return ws2_fail(WSAEOPNOTSUPP);
    }
    error = ws2_issue_begin(&issue, s, overlapped, routine);
    if (error != 0) {
        return ws2_fail(error);
    }
    result = function(s, message, flags, sent, overlapped, routine);
    ws2_issue_end(&issue, result);
    return result;
}

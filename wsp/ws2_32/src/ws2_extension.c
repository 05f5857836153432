/*
 * Functions of the API that have no slot in a provider's table: the provider is asked for a pointer to them.
 * Source: rules WS2-32, WS2-34. WSAPoll is in ws2_poll.c.
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

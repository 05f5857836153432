/*
 * What mswsock.dll exports, Linux: functions of the socket's provider, asked for at each call, and WSARecvEx.
 * Source: rules WS2-33, MSG-26 to MSG-28, A.8.27, A.21.1.
 */
#include "ws2_priv.h"

static void (*provider_function(SOCKET s, GUID id))(void)
{
    void (*function)(void) = NULL;
    DWORD bytes = 0;
    if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function, &bytes, NULL,
                 NULL) != 0) {
        return NULL;
    }
    return function;
}

/** AcceptEx of the listener's provider. @return FALSE with its last error, or WSAENOTSOCK, WSANOTINITIALISED, WSAEINVAL. */
BOOL WINAPI AcceptEx(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD receive_bytes, DWORD local_bytes,
                     DWORD remote_bytes, LPDWORD received, LPOVERLAPPED overlapped)
{
    LPFN_ACCEPTEX function = (LPFN_ACCEPTEX)provider_function(listener, (GUID)WSAID_ACCEPTEX);
    return function != NULL &&
           function(listener, accepted, buffer, receive_bytes, local_bytes, remote_bytes, received, overlapped);
}

/* Where an address of AcceptEx is in its buffer: there as Winsock writes it, in room of its size plus 16. */
static void address_find(char *at, DWORD bytes, struct sockaddr **address, LPINT length)
{
    const struct sockaddr *there = (const struct sockaddr *)(const void *)at;
    INT size = bytes < 16 + sizeof(struct sockaddr_in) ? 0
               : there->sa_family == AF_INET           ? (INT)sizeof(struct sockaddr_in)
               : there->sa_family == AF_INET6          ? (INT)sizeof(struct sockaddr_in6)
                                                       : 0;
    *address = size == 0 ? NULL : (struct sockaddr *)(void *)at;
    *length = size;
}

/** The addresses in a buffer of AcceptEx; there is no socket to ask. NULL and 0 where one is not there. */
void WINAPI GetAcceptExSockaddrs(PVOID buffer, DWORD receive_bytes, DWORD local_bytes, DWORD remote_bytes,
                                 struct sockaddr **local, LPINT local_len, struct sockaddr **remote, LPINT remote_len)
{
    char *at = (char *)buffer + receive_bytes;
    address_find(at, local_bytes, local, local_len);
    address_find(at + local_bytes, remote_bytes, remote, remote_len);
}

/** TransmitFile of the socket's provider. @return FALSE with its last error, or WSAENOTSOCK, WSANOTINITIALISED, WSAEINVAL. */
BOOL WINAPI TransmitFile(SOCKET s, HANDLE file, DWORD bytes, DWORD bytes_per_send, LPOVERLAPPED overlapped,
                         LPTRANSMIT_FILE_BUFFERS buffers, DWORD flags)
{
    LPFN_TRANSMITFILE function = (LPFN_TRANSMITFILE)provider_function(s, (GUID)WSAID_TRANSMITFILE);
    return function != NULL && function(s, file, bytes, bytes_per_send, overlapped, buffers, flags);
}

/**
 * Receive as recv does; a message that does not fit is no error.
 *
 * @param flags  In: as recv's, MSG_PARTIAL is not looked at. Out: MSG_PARTIAL, the message did not fit (never of a stream); else
 *               without it.
 * @return       Bytes, 0 at the end of a stream, or SOCKET_ERROR with the codes of recv, WSAEFAULT (flags NULL).
 *
 * Context: as recv.
 */
int WINAPI WSARecvEx(SOCKET s, char *buf, int len, int *flags)
{
    DWORD before = GetLastError();
    struct ws2_provider *provider = ws2_route(s);
    WSABUF buffer = {(ULONG)len, buf};
    DWORD received = (DWORD)len;
    DWORD flags_inout;
    int error = 0;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (flags == NULL) {
        return ws2_fail(WSAEFAULT);
    }
    flags_inout = (DWORD)*flags & ~(DWORD)MSG_PARTIAL;
    if (provider->table.lpWSPRecv(s, &buffer, 1, &received, &flags_inout, NULL, NULL, NULL, &error) == SOCKET_ERROR &&
        error != WSAEMSGSIZE) {
        return ws2_fail(error);
    }
    *flags &= ~MSG_PARTIAL;
    if (error == WSAEMSGSIZE || (flags_inout & MSG_PARTIAL) != 0) {
        *flags |= MSG_PARTIAL;
    }
    SetLastError(before);
    return (int)received;
}

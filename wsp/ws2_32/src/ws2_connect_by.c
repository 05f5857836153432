/*
 * Connecting to the first address that answers: WSAConnectByList, WSAConnectByName. They are made of getaddrinfo and
 * connect; the time given is looked at between two addresses, one attempt lasts as long as the provider lets it.
 */
#include "ws2_priv.h"

#include <string.h>

/* Where the connected socket's two addresses go. */
struct ends {
    LPDWORD local_bytes;
    LPSOCKADDR local;
    LPDWORD remote_bytes;
    LPSOCKADDR remote;
};

static BOOL refuse(int code)
{
    ws2_fail(code);
    return FALSE;
}

static bool give_name(int(WSAAPI *function)(SOCKET, struct sockaddr *, int *), SOCKET s, LPSOCKADDR name, LPDWORD bytes)
{
    int length;
    if (name == NULL || bytes == NULL) {
        return true;
    }
    length = (int)(*bytes > INT32_MAX ? INT32_MAX : *bytes);
    if (function(s, name, &length) != 0) {
        return false;
    }
    *bytes = (DWORD)length;
    return true;
}

static bool ends_give(SOCKET s, const struct ends *ends)
{
    return give_name(getsockname, s, ends->local, ends->local_bytes) &&
           give_name(getpeername, s, ends->remote, ends->remote_bytes);
}

/* When to try no further address: 0 means never. */
static ULONGLONG deadline_of(const struct timeval *timeout)
{
    return timeout == NULL
               ? 0
               : GetTickCount64() + (ULONGLONG)timeout->tv_sec * 1000u + (ULONGLONG)timeout->tv_usec / 1000u;
}

static int family_of(SOCKET s)
{
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof info;
    return getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes) == 0 ? info.iAddressFamily : AF_UNSPEC;
}

/* DS-21: both functions bind by themselves. */
static bool is_bound(SOCKET s)
{
    SOCKADDR_STORAGE local;
    int bytes = sizeof local;
    return getsockname(s, (LPSOCKADDR)&local, &bytes) == 0;
}

/* DS-21: a dual-stack socket reaches the addresses of IPv4 as mapped ones. */
static int mapped_flags(SOCKET s, int family)
{
    DWORD only = 1;
    int bytes = sizeof only;
    if (family != AF_INET6 || getsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&only, &bytes) != 0 || only != 0) {
        return 0;
    }
    return AI_V4MAPPED | AI_ALL;
}

/**
 * Connect to the first of several addresses that answers; those of another family than the socket's are passed over.
 *
 * @param timeout   After this time no further address is tried. May be NULL.
 * @param reserved  NULL.
 * @return          TRUE; or FALSE with WSANOTINITIALISED, WSAENOTSOCK, WSAEINVAL (no list, reserved, bound), WSAETIMEDOUT,
 *                  WSAEHOSTUNREACH (no address of the socket's family), WSAEFAULT (no room for an address), or the error
 *                  of the last attempt.
 */
BOOL WSAAPI WSAConnectByList(SOCKET s, PSOCKET_ADDRESS_LIST list, LPDWORD local_bytes, LPSOCKADDR local,
                             LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved)
{
    const struct ends ends = {local_bytes, local, remote_bytes, remote};
    const ULONGLONG deadline = deadline_of(timeout);
    int code = WSAEHOSTUNREACH;
    int family;
    INT i;
    if (ws2_route(s) == NULL) {
        return FALSE;
    }
    if (reserved != NULL || list == NULL || list->iAddressCount < 1 || is_bound(s)) {
        return refuse(WSAEINVAL);
    }
    family = family_of(s);
    for (i = 0; i < list->iAddressCount; i++) {
        const SOCKET_ADDRESS *to = &list->Address[i];
        if (to->lpSockaddr == NULL || to->lpSockaddr->sa_family != family) {
            continue;
        }
        if (connect(s, to->lpSockaddr, to->iSockaddrLength) == 0) {
            return ends_give(s, &ends);
        }
        code = WSAGetLastError();
        if (deadline != 0 && GetTickCount64() >= deadline) {
            return refuse(WSAETIMEDOUT);
        }
    }
    return refuse(code);
}

/**
 * Connect to a host and a service by name.
 *
 * @param timeout   After this time no further address is tried. May be NULL.
 * @param reserved  NULL.
 * @return          TRUE; or FALSE with WSANOTINITIALISED, WSAENOTSOCK, WSAEINVAL (names, reserved, bound), the codes of
 *                  getaddrinfo, WSAETIMEDOUT, WSAEFAULT (no room for an address), or the error of the last attempt.
 */
BOOL WSAAPI WSAConnectByNameA(SOCKET s, LPSTR node, LPSTR service, LPDWORD local_bytes, LPSOCKADDR local,
                              LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved)
{
    const struct ends ends = {local_bytes, local, remote_bytes, remote};
    const ULONGLONG deadline = deadline_of(timeout);
    ADDRINFOA hints;
    PADDRINFOA found = NULL;
    PADDRINFOA at;
    BOOL connected = FALSE;
    int code = WSAHOST_NOT_FOUND;
    if (ws2_route(s) == NULL) {
        return FALSE;
    }
    if (reserved != NULL || node == NULL || service == NULL || is_bound(s)) {
        return refuse(WSAEINVAL);
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = family_of(s);
    hints.ai_flags = mapped_flags(s, hints.ai_family);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(node, service, &hints, &found) != 0) {
        return FALSE;
    }
    for (at = found; at != NULL && !connected; at = at->ai_next) {
        connected = connect(s, at->ai_addr, (int)at->ai_addrlen) == 0;
        code = connected ? 0 : WSAGetLastError();
        if (!connected && deadline != 0 && GetTickCount64() >= deadline) {
            code = WSAETIMEDOUT;
            break;
        }
    }
    freeaddrinfo(found);
    return connected ? ends_give(s, &ends) : refuse(code);
}

/** As WSAConnectByNameA. Names longer than 255 characters are WSAEINVAL. */
BOOL WSAAPI WSAConnectByNameW(SOCKET s, LPWSTR node, LPWSTR service, LPDWORD local_bytes, LPSOCKADDR local,
                              LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved)
{
    char node_text[256];
    char service_text[256];
    if (ws2_route(s) == NULL) {
        return FALSE;
    }
    if (node == NULL || service == NULL || ws2_utf16_len(node) >= sizeof node_text ||
        ws2_utf16_len(service) >= sizeof service_text) {
        return refuse(WSAEINVAL);
    }
    ws2_ansi_from_utf16(node, node_text, sizeof node_text);
    ws2_ansi_from_utf16(service, service_text, sizeof service_text);
    return WSAConnectByNameA(s, node_text, service_text, local_bytes, local, remote_bytes, remote, timeout, reserved);
}

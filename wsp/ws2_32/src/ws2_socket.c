/*
 * Making, naming, connecting and closing sockets; options and control codes. Every function asks two questions (is
 * Winsock started, is this an open socket) and hands the arguments on unchecked: the provider judges them.
 * Source: rules WS2-5, WS2-10, WS2-12, WS2-13, WS2-20 to WS2-31, WS2-50.
 */
#include "ws2_issue_priv.h"

#include <mswsock.h>
#include <string.h>

#define KNOWN_SOCKET_FLAGS 0x1dfu

static SOCKET finish_socket(SOCKET result, const int *error)
{
    if (result == INVALID_SOCKET) {
        ws2_fail(*error);
        return INVALID_SOCKET;
    }
    SetLastError(0);
    return result;
}

static SOCKET no_socket(int error)
{
    ws2_fail(error);
    return INVALID_SOCKET;
}

/* Programs take an entry for the provider that it names, and ask for what it was before they wrote in it: Windows goes by
 * the entry's number. */
static bool is_of_entry(const struct ws2_entry *entry, const WSAPROTOCOL_INFOW *given, int af, int type, int protocol)
{
    const WSAPROTOCOL_INFOW *own = &entry->info;
    bool other = given->iAddressFamily != af || given->iSocketType != type || given->iProtocol != protocol;
    return given->dwProviderReserved == 0 && other && own->iAddressFamily == af && own->iSocketType == type &&
           own->iProtocol == protocol;
}

static SOCKET socket_from_entry(const struct ws2_entry *entry, int af, int type, int protocol,
                                const WSAPROTOCOL_INFOW *given, GROUP g, DWORD flags)
{
    struct ws2_provider *provider;
    WSAPROTOCOL_INFOW info;
    SOCKET s;
    int error = 0;
    provider = ws2_provider_get(entry, &error);
    if (provider == NULL) {
        return no_socket(error);
    }
    info = given != NULL && !is_of_entry(entry, given, af, type, protocol) ? *given : entry->info;
    s = provider->table.lpWSPSocket(af, type, protocol, &info, g, flags, &error);
    return finish_socket(s, &error);
}

/**
 * Make a socket.
 *
 * @param af, type, protocol  Selection by the catalogue when info is NULL; else passed on, FROM_PROTOCOL_INFO allowed.
 * @param info                A catalogue entry, or what WSADuplicateSocket filled; borrowed.
 * @return                    The socket, or INVALID_SOCKET with WSANOTINITIALISED, WSAEINPROGRESS (from a blocking
 *                            hook), WSAEINVAL (flags, unknown entry),
 *                            WSAEAFNOSUPPORT, WSAESOCKTNOSUPPORT, WSAEPROTONOSUPPORT, the codes of provider loading,
 *                            or the provider's.
 *
 * Context: any thread; the first socket of a provider loads it. Source: rules WS2-20, WS2-23, WS2-24, WS2-26.
 */
SOCKET WSAAPI WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags)
{
    const struct ws2_entry *entry;
    int error = WSAEINVAL;
    if (!ws2_started() || ws2_busy()) {
        return no_socket(ws2_started() ? WSAEINPROGRESS : WSANOTINITIALISED);
    }
    /* What WSADuplicateSocket filled: the flags are those of the socket (rule A.3.19). */
    if ((flags & ~KNOWN_SOCKET_FLAGS) != 0 && (info == NULL || info->dwProviderReserved == 0)) {
        return no_socket(WSAEINVAL);
    }
    if (info != NULL) {
        entry = ws2_catalog_by_id(ws2_catalog_current(), info->dwCatalogEntryId);
    } else {
        entry = ws2_catalog_select(ws2_catalog_current(), af, type, protocol, &error);
    }
    if (entry == NULL) {
        return no_socket(error);
    }
    return socket_from_entry(entry, af, type, protocol, info, g, flags);
}

/** As WSASocketW; info's name is ANSI. Source: rule WS2-25. */
SOCKET WSAAPI WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP g, DWORD flags)
{
    WSAPROTOCOL_INFOW wide;
    if (info == NULL) {
        return WSASocketW(af, type, protocol, NULL, g, flags);
    }
    memcpy(&wide, info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
    ws2_utf16_from_ansi(info->szProtocol, wide.szProtocol, WSAPROTOCOL_LEN + 1);
    return WSASocketW(af, type, protocol, &wide, g, flags);
}

/** Make a socket, overlapped unless the thread's SO_OPENTYPE says otherwise. Errors as WSASocketW. Rule WS2-21. */
SOCKET WSAAPI socket(int af, int type, int protocol)
{
    struct ws2_thread_data *data = ws2_started() ? ws2_thread_data() : NULL;
    bool synchronous = data != NULL && data->open_type != 0;
    return WSASocketW(af, type, protocol, NULL, 0, synchronous ? 0 : WSA_FLAG_OVERLAPPED);
}

/** Close a socket. @return 0, or SOCKET_ERROR with WSANOTINITIALISED, WSAENOTSOCK, or the provider's. Rule WS2-28. */
int WSAAPI closesocket(SOCKET s)
{
    struct ws2_provider *provider = ws2_route(s);
    enum ws2_share share;
    SOCKET known = s;
    int error = 0;
    int result;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    share = ws2_share_closing(s, &known);
    if (share == WS2_SHARE_DROPPED) {
        return ws2_finish(0, &error);
    }
    result = provider->table.lpWSPCloseSocket(known, &error);
    if (share == WS2_SHARE_COPY) {
        ws2_share_closed(s, known, result == 0);
    }
    return ws2_finish(result, &error);
}

/** Name a socket. Errors: WSANOTINITIALISED, WSAENOTSOCK, the provider's (WSPBIND-1). */
int WSAAPI bind(SOCKET s, const struct sockaddr *name, int namelen)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR : ws2_finish(provider->table.lpWSPBind(s, name, namelen, &error), &error);
}

/** Listen. Errors: WSANOTINITIALISED, WSAENOTSOCK, the provider's (WSPLISTEN-1). */
int WSAAPI listen(SOCKET s, int backlog)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR : ws2_finish(provider->table.lpWSPListen(s, backlog, &error), &error);
}

/** Accept, with a condition of the application's own. Errors: as bind, WSPACCEPT-1. Source: rule WS2-29. */
SOCKET WSAAPI WSAAccept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition, DWORD_PTR data)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    if (provider == NULL) {
        return INVALID_SOCKET;
    }
    return finish_socket(provider->table.lpWSPAccept(s, addr, addrlen, condition, data, &error), &error);
}

/** Accept. As WSAAccept without a condition. */
SOCKET WSAAPI accept(SOCKET s, struct sockaddr *addr, int *addrlen)
{
    return WSAAccept(s, addr, addrlen, NULL, 0);
}

/**
 * Connect, with user data and flow specifications. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPCONNECT-1.
 *
 * A 1.1 program whose connection is in progress is told WSAEINVAL, a 2 program WSAEALREADY (rule WS2-57).
 */
int WSAAPI WSAConnect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data, LPWSABUF callee_data,
                      LPQOS sqos, LPQOS gqos)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    int result;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    result = provider->table.lpWSPConnect(s, name, namelen, caller_data, callee_data, sqos, gqos, &error);
    if (result == SOCKET_ERROR && error == WSAEALREADY && ws2_is_legacy()) {
        error = WSAEINVAL;
    }
    return ws2_finish(result, &error);
}

/** Connect. As WSAConnect with nothing extra. Source: rule WSPCONNECT-8. */
int WSAAPI connect(SOCKET s, const struct sockaddr *name, int namelen)
{
    return WSAConnect(s, name, namelen, NULL, NULL, NULL, NULL);
}

/** Join a multipoint session. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPJOINLEAF-1. */
SOCKET WSAAPI WSAJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data,
                          LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, DWORD flags)
{
    struct ws2_provider *provider = ws2_route(s);
    SOCKET leaf;
    int error = 0;
    if (provider == NULL) {
        return INVALID_SOCKET;
    }
    leaf = provider->table.lpWSPJoinLeaf(s, name, namelen, caller_data, callee_data, sqos, gqos, flags, &error);
    return finish_socket(leaf, &error);
}

/** End sending, receiving or both. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPSHUTDOWN-1. */
int WSAAPI shutdown(SOCKET s, int how)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR : ws2_finish(provider->table.lpWSPShutdown(s, how, &error), &error);
}

/** End sending, with data where the protocol has that. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPSENDDISCONNECT-1. */
int WSAAPI WSASendDisconnect(SOCKET s, LPWSABUF data)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR : ws2_finish(provider->table.lpWSPSendDisconnect(s, data, &error), &error);
}

/** End receiving. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPRECVDISCONNECT-1. */
int WSAAPI WSARecvDisconnect(SOCKET s, LPWSABUF data)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR : ws2_finish(provider->table.lpWSPRecvDisconnect(s, data, &error), &error);
}

/** The socket's own address. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPGETSOCKNAME-1. */
int WSAAPI getsockname(SOCKET s, struct sockaddr *name, int *namelen)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPGetSockName(s, name, namelen, &error), &error);
}

/** The peer's address. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPGETPEERNAME-1. */
int WSAAPI getpeername(SOCKET s, struct sockaddr *name, int *namelen)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPGetPeerName(s, name, namelen, &error), &error);
}

/* SO_OPENTYPE belongs to the thread and never reaches a provider (rules WS2-22, WSPGETSOCKOPT-7). */
static bool is_open_type(int level, int optname)
{
    return level == SOL_SOCKET && optname == SO_OPENTYPE;
}

/* Windows, as conformance suites observe: a negative length is a large one. */
static int open_type_access(char *value, unsigned bytes, bool set)
{
    struct ws2_thread_data *data = ws2_thread_data();
    if (value == NULL || bytes < sizeof(int)) {
        return ws2_fail(WSAEFAULT);
    }
    if (data == NULL) {
        return ws2_fail(WSAENOBUFS);
    }
    if (set) {
        memcpy(&data->open_type, value, sizeof(int));
    } else {
        memcpy(value, &data->open_type, sizeof(int));
    }
    SetLastError(0);
    return 0;
}

/** Read an option. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPGETSOCKOPT-1. Source: also rule WS2-22. */
int WSAAPI getsockopt(SOCKET s, int level, int optname, char *optval, int *optlen)
{
    struct ws2_provider *provider;
    int error = 0;
    if (is_open_type(level, optname) && ws2_started()) {
        int result = open_type_access(optval, optlen == NULL ? 0 : (unsigned)*optlen, false);
        if (result == 0) {
            *optlen = sizeof(int);
        }
        return result;
    }
    provider = ws2_route(s);
    return provider == NULL
               ? SOCKET_ERROR
               : ws2_finish(provider->table.lpWSPGetSockOpt(s, level, optname, optval, optlen, &error), &error);
}

/** Set an option. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPSETSOCKOPT-1. Source: also rule WS2-22. */
int WSAAPI setsockopt(SOCKET s, int level, int optname, const char *optval, int optlen)
{
    struct ws2_provider *provider;
    int error = 0;
    if (is_open_type(level, optname) && ws2_started()) {
        char copy[sizeof(int)] = {0};
        if (optval != NULL && (unsigned)optlen >= sizeof copy) {
            memcpy(copy, optval, sizeof copy);
        }
        return open_type_access(optval == NULL ? NULL : copy, (unsigned)optlen, true);
    }
    provider = ws2_route(s);
    return provider == NULL
               ? SOCKET_ERROR
               : ws2_finish(provider->table.lpWSPSetSockOpt(s, level, optname, optval, optlen, &error), &error);
}

/** A control code with 4 bytes in and out. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPIOCTL-1. Rule WSPIOCTL-12. */
int WSAAPI ioctlsocket(SOCKET s, LONG cmd, u_long *argp)
{
    struct ws2_provider *provider = ws2_route(s);
    DWORD returned = 0;
    int error = 0;
    int result;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    result = provider->table.lpWSPIoctl(s, (DWORD)cmd, argp, sizeof *argp, argp, sizeof *argp, &returned, NULL, NULL,
                                        NULL, &error);
    return ws2_finish(result, &error);
}

/** Any control code. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPIOCTL-1. Source: rules WS2-31, WS2-50. */
int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes, LPDWORD returned,
                    LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    struct ws2_provider *provider = ws2_route(s);
    struct ws2_issue issue;
    WSATHREADID thread;
    int error = 0;
    int result;
    if (provider == NULL) {
        return SOCKET_ERROR;
    }
    if (routine != NULL && !ws2_thread_self_id(&thread)) {
        return ws2_fail(WSAENOBUFS);
    }
    error = ws2_issue_begin(&issue, s, overlapped, routine);
    if (error != 0) {
        return ws2_fail(error);
    }
    result = provider->table.lpWSPIoctl(s, code, in, in_bytes, out, out_bytes, returned, overlapped, routine,
                                        routine == NULL ? NULL : &thread, &error);
    ws2_issue_end(&issue, result);
    return ws2_finish(result, &error);
}

/**
 * Prepare a socket for another process.
 *
 * @param info  Filled for the other process's WSASocket. Errors: WSANOTINITIALISED, WSAENOTSOCK, WSPDUPLICATESOCKET-1.
 *
 * Source: rule WS2-27.
 */
int WSAAPI WSADuplicateSocketW(SOCKET s, DWORD process_id, LPWSAPROTOCOL_INFOW info)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    return provider == NULL ? SOCKET_ERROR
                            : ws2_finish(provider->table.lpWSPDuplicateSocket(s, process_id, info, &error), &error);
}

/** As WSADuplicateSocketW, with the name in ANSI. */
int WSAAPI WSADuplicateSocketA(SOCKET s, DWORD process_id, LPWSAPROTOCOL_INFOA info)
{
    WSAPROTOCOL_INFOW wide;
    int result = WSADuplicateSocketW(s, process_id, info == NULL ? NULL : &wide);
    if (result == 0 && info != NULL) {
        memcpy(info, &wide, offsetof(WSAPROTOCOL_INFOA, szProtocol));
        ws2_ansi_from_utf16(wide.szProtocol, info->szProtocol, sizeof info->szProtocol);
    }
    return result;
}

/** Flow specifications by name. @return FALSE with WSANOTINITIALISED, WSAENOTSOCK, WSPGETQOSBYNAME-1. */
BOOL WSAAPI WSAGetQOSByName(SOCKET s, LPWSABUF name, LPQOS qos)
{
    struct ws2_provider *provider = ws2_route(s);
    int error = 0;
    BOOL found;
    if (provider == NULL) {
        return FALSE;
    }
    found = provider->table.lpWSPGetQOSByName(s, name, qos, &error);
    SetLastError(0);
    if (!found) {
        ws2_fail(error);
    }
    return found;
}

/*
 * Prototypes of libws2_32.so; included by winsock2.h. What each function does, and every error, is said where it is
 * defined and in the rules list; arguments are Winsock's, in Winsock's order.
 */
#ifndef WL_WINSOCK_API_H
#define WL_WINSOCK_API_H

/* C++ insists that a second declaration throws exactly what libc's does. */
#ifdef __cplusplus
#define WL_NOTHROW __THROW
#else
#define WL_NOTHROW
#endif

WL_BEGIN_C

/* Start, end, errors, blocking hooks. */
int WSAAPI WSAStartup(WORD version, LPWSADATA data);
int WSAAPI WSACleanup(void);
int WSAAPI WSAGetLastError(void);
void WSAAPI WSASetLastError(int code);
BOOL WSAAPI WSAIsBlocking(void);
int WSAAPI WSAUnhookBlockingHook(void);
FARPROC WSAAPI WSASetBlockingHook(FARPROC hook);
int WSAAPI WSACancelBlockingCall(void);

/* Sockets, the names of 1.1. */
SOCKET WSAAPI socket(int af, int type, int protocol) WL_SYM(socket);
int WSAAPI closesocket(SOCKET s);
int WSAAPI bind(SOCKET s, const struct sockaddr *name, int namelen) WL_SYM(bind);
int WSAAPI listen(SOCKET s, int backlog) WL_SYM(listen);
SOCKET WSAAPI accept(SOCKET s, struct sockaddr *addr, int *addrlen) WL_SYM(accept);
int WSAAPI connect(SOCKET s, const struct sockaddr *name, int namelen) WL_SYM(connect);
int WSAAPI send(SOCKET s, const char *buf, int len, int flags) WL_SYM(send);
int WSAAPI recv(SOCKET s, char *buf, int len, int flags) WL_SYM(recv);
int WSAAPI sendto(SOCKET s, const char *buf, int len, int flags, const struct sockaddr *to, int tolen) WL_SYM(sendto);
int WSAAPI recvfrom(SOCKET s, char *buf, int len, int flags, struct sockaddr *from, int *fromlen) WL_SYM(recvfrom);
int WSAAPI shutdown(SOCKET s, int how) WL_SYM(shutdown);
int WSAAPI getsockname(SOCKET s, struct sockaddr *name, int *namelen) WL_SYM(getsockname);
int WSAAPI getpeername(SOCKET s, struct sockaddr *name, int *namelen) WL_SYM(getpeername);
int WSAAPI getsockopt(SOCKET s, int level, int optname, char *optval, int *optlen) WL_SYM(getsockopt);
int WSAAPI setsockopt(SOCKET s, int level, int optname, const char *optval, int optlen) WL_SYM(setsockopt);
int WSAAPI ioctlsocket(SOCKET s, LONG cmd, u_long *argp);
/* The macro select makes this wl_select: libc's prototype is already in scope and cannot be declared again. */
int WSAAPI select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timeval *timeout);
int WSAAPI __WSAFDIsSet(SOCKET s, fd_set *set);

/* Sockets, the names of 2. */
SOCKET WSAAPI WSASocketA(int af, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP g, DWORD flags);
SOCKET WSAAPI WSASocketW(int af, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP g, DWORD flags);
SOCKET WSAAPI WSAAccept(SOCKET s, struct sockaddr *addr, LPINT addrlen, LPCONDITIONPROC condition, DWORD_PTR data);
int WSAAPI WSAConnect(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data, LPWSABUF callee_data,
                      LPQOS sqos, LPQOS gqos);
int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, const struct sockaddr *to,
                     int tolen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags, LPWSAOVERLAPPED overlapped,
                   LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags, struct sockaddr *from,
                       LPINT fromlen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI WSASendDisconnect(SOCKET s, LPWSABUF data);
int WSAAPI WSARecvDisconnect(SOCKET s, LPWSABUF data);
int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes, LPDWORD returned,
                    LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
SOCKET WSAAPI WSAJoinLeaf(SOCKET s, const struct sockaddr *name, int namelen, LPWSABUF caller_data,
                          LPWSABUF callee_data, LPQOS sqos, LPQOS gqos, DWORD flags);
int WSAAPI WSADuplicateSocketA(SOCKET s, DWORD process_id, LPWSAPROTOCOL_INFOA info);
int WSAAPI WSADuplicateSocketW(SOCKET s, DWORD process_id, LPWSAPROTOCOL_INFOW info);
BOOL WSAAPI WSAConnectByNameA(SOCKET s, LPSTR node, LPSTR service, LPDWORD local_bytes, LPSOCKADDR local,
                              LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved);
BOOL WSAAPI WSAConnectByNameW(SOCKET s, LPWSTR node, LPWSTR service, LPDWORD local_bytes, LPSOCKADDR local,
                              LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved);
BOOL WSAAPI WSAConnectByList(SOCKET s, PSOCKET_ADDRESS_LIST list, LPDWORD local_bytes, LPSOCKADDR local,
                             LPDWORD remote_bytes, LPSOCKADDR remote, PTIMEVAL timeout, LPWSAOVERLAPPED reserved);
int WSAAPI WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD sent, LPWSAOVERLAPPED overlapped,
                      LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
int WSAAPI WSAPoll(WSAPOLLFD array[], ULONG count, INT timeout_ms);
BOOL WSAAPI WSAGetQOSByName(SOCKET s, LPWSABUF name, LPQOS qos);

/* Events. */
WSAEVENT WSAAPI WSACreateEvent(void);
BOOL WSAAPI WSACloseEvent(WSAEVENT event);
BOOL WSAAPI WSASetEvent(WSAEVENT event);
BOOL WSAAPI WSAResetEvent(WSAEVENT event);
DWORD WSAAPI WSAWaitForMultipleEvents(DWORD count, const WSAEVENT *events, BOOL wait_all, DWORD timeout_ms,
                                      BOOL alertable);
int WSAAPI WSAEventSelect(SOCKET s, WSAEVENT event, LONG events);
int WSAAPI WSAEnumNetworkEvents(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record);
int WSAAPI WSAAsyncSelect(SOCKET s, HWND window, u_int message, LONG events);
BOOL WSAAPI WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait, LPDWORD flags);

/* Byte order, addresses as text. */
u_long WSAAPI htonl(u_long host) WL_SYM(htonl);
u_short WSAAPI htons(u_short host) WL_SYM(htons);
u_long WSAAPI ntohl(u_long net) WL_SYM(ntohl);
u_short WSAAPI ntohs(u_short net) WL_SYM(ntohs);
int WSAAPI WSAHtonl(SOCKET s, u_long host, u_long *net);
int WSAAPI WSAHtons(SOCKET s, u_short host, u_short *net);
int WSAAPI WSANtohl(SOCKET s, u_long net, u_long *host);
int WSAAPI WSANtohs(SOCKET s, u_short net, u_short *host);
unsigned int WSAAPI inet_addr(const char *text) WL_SYM(inet_addr);
char *WSAAPI inet_ntoa(struct in_addr in) WL_SYM(inet_ntoa);
INT WSAAPI WSAAddressToStringA(LPSOCKADDR addr, DWORD addr_bytes, LPWSAPROTOCOL_INFOA info, LPSTR text,
                               LPDWORD text_chars);
INT WSAAPI WSAAddressToStringW(LPSOCKADDR addr, DWORD addr_bytes, LPWSAPROTOCOL_INFOW info, LPWSTR text,
                               LPDWORD text_chars);
INT WSAAPI WSAStringToAddressA(LPSTR text, INT family, LPWSAPROTOCOL_INFOA info, LPSOCKADDR addr, LPINT addr_bytes);
INT WSAAPI WSAStringToAddressW(LPWSTR text, INT family, LPWSAPROTOCOL_INFOW info, LPSOCKADDR addr, LPINT addr_bytes);

/* The catalogue. */
int WSAAPI WSAEnumProtocolsA(LPINT protocols, LPWSAPROTOCOL_INFOA buffer, LPDWORD bytes);
int WSAAPI WSAEnumProtocolsW(LPINT protocols, LPWSAPROTOCOL_INFOW buffer, LPDWORD bytes);

/* Names of hosts, services, protocols. libc's unistd.h also declares gethostname: same types, other symbol. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#pragma GCC diagnostic ignored "-Wignored-attributes"
int WSAAPI GetHostNameW(PWSTR name, int chars);
int WSAAPI gethostname(char *name, size_t bytes) WL_NOTHROW WL_SYM(gethostname);
#pragma GCC diagnostic pop
struct hostent *WSAAPI gethostbyname(const char *name) WL_SYM(gethostbyname);
struct hostent *WSAAPI gethostbyaddr(const char *addr, int len, int type) WL_SYM(gethostbyaddr);
struct servent *WSAAPI getservbyname(const char *name, const char *proto) WL_SYM(getservbyname);
struct servent *WSAAPI getservbyport(int port, const char *proto) WL_SYM(getservbyport);
struct protoent *WSAAPI getprotobyname(const char *name) WL_SYM(getprotobyname);
struct protoent *WSAAPI getprotobynumber(int number) WL_SYM(getprotobynumber);

WL_END_C

#define FD_ISSET(fd, set) __WSAFDIsSet((SOCKET)(fd), (fd_set *)(set))
#define FD_ZERO(set) (((fd_set *)(set))->fd_count = 0)
#define FD_SET(fd, set) wl_fd_add((SOCKET)(fd), (fd_set *)(set))
#define FD_CLR(fd, set) wl_fd_remove((SOCKET)(fd), (fd_set *)(set))

/* A socket is added once; one that finds no room is not added, as on Windows. */
static inline void wl_fd_add(SOCKET s, fd_set *set)
{
    u_int i;
    for (i = 0; i < set->fd_count; i++) {
        if (set->fd_array[i] == s) {
            return;
        }
    }
    if (set->fd_count < FD_SETSIZE) {
        set->fd_array[set->fd_count++] = s;
    }
}

static inline void wl_fd_remove(SOCKET s, fd_set *set)
{
    u_int i;
    for (i = 0; i < set->fd_count && set->fd_array[i] != s; i++) {
    }
    if (i < set->fd_count) {
        for (set->fd_count--; i < set->fd_count; i++) {
            set->fd_array[i] = set->fd_array[i + 1];
        }
    }
}

#ifdef UNICODE
#define WSASocket WSASocketW
#define WSADuplicateSocket WSADuplicateSocketW
#define WSAAddressToString WSAAddressToStringW
#define WSAStringToAddress WSAStringToAddressW
#define WSAEnumProtocols WSAEnumProtocolsW
typedef WSAPROTOCOL_INFOW WSAPROTOCOL_INFO, *LPWSAPROTOCOL_INFO;
typedef WSAQUERYSETW WSAQUERYSET, *LPWSAQUERYSET;
#else
#define WSASocket WSASocketA
#define WSADuplicateSocket WSADuplicateSocketA
#define WSAAddressToString WSAAddressToStringA
#define WSAStringToAddress WSAStringToAddressA
#define WSAEnumProtocols WSAEnumProtocolsA
typedef WSAPROTOCOL_INFOA WSAPROTOCOL_INFO, *LPWSAPROTOCOL_INFO;
typedef WSAQUERYSETA WSAQUERYSET, *LPWSAQUERYSET;
#endif

#endif

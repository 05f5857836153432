/*
 * The headers among libc's, in both orders and several modes: compiling it is the test (see CMakeLists.txt).
 * T_FIRST: Winsock before libc. T_UNISTD: with <unistd.h> and <sys/time.h>, which declare names that Winsock also has.
 */
#ifdef T_FIRST
#include <winsock2.h>
#include <ws2tcpip.h>
#include <ws2spi.h>
#include <mswsock.h>
#include <mstcpip.h>
#endif
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#ifdef T_UNISTD
#include <sys/time.h>
#include <unistd.h>
#endif
#ifndef T_FIRST
#include <winsock2.h>
#include <ws2tcpip.h>
#include <ws2spi.h>
#include <mswsock.h>
#include <mstcpip.h>
#endif

_Static_assert(sizeof(fd_set) == 8 + T_FD_SETSIZE * sizeof(SOCKET), "capacity of a set");
_Static_assert(sizeof(u_long) == 4, "u_long");
_Static_assert(sizeof L"ab" == 6, "wide text");
_Static_assert((socklen_t)-1 < 0, "socklen_t is signed");

int t_headers_mix(SOCKET s);

int t_headers_mix(SOCKET s)
{
    static fd_set set;
    struct timeval later;
    socklen_t len = sizeof(struct sockaddr_storage);
    char name[64];
    SOCKET(WSAAPI * make)(int, int, int) = socket;
    int(WSAAPI * wait)(int, fd_set *, fd_set *, fd_set *, const struct timeval *) = select;

    FD_ZERO(&set);
    FD_SET(s, &set);
    FD_CLR(s, &set);
    later.tv_sec = 1;
    later.tv_usec = 0;
    if (gethostname(name, sizeof(name)) == SOCKET_ERROR || make(AF_INET6, SOCK_STREAM, 0) == INVALID_SOCKET) {
        return WSAGetLastError();
    }
    return select(0, &set, NULL, NULL, &later) + wait(0, &set, NULL, NULL, &later) + FD_ISSET(s, &set) + (int)htonl(1) +
           len;
}

/*
 * Takes a port exclusively and tells what bind says: 0, or the code of Winsock.
 *   exclusive FAMILY TYPE PROTOCOL PORT      numbers: exclusive 2 1 6 5150
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>

static int bind_any(SOCKET s, int family, unsigned short port)
{
    struct sockaddr_in6 six = {0};
    struct sockaddr_in four = {0};

    if (family == AF_INET6) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        return bind(s, (struct sockaddr *)&six, sizeof(six));
    }
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    return bind(s, (struct sockaddr *)&four, sizeof(four));
}

static int take(int family, int type, int protocol, unsigned short port)
{
    int on = 1;
    int code = 0;
    SOCKET s = socket(family, type, protocol);

    if (s == INVALID_SOCKET) {
        code = WSAGetLastError();
        printf("exclusive: socket: %d\n", code);
        return code;
    }
    if (setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on)) == SOCKET_ERROR) {
        printf("exclusive: setsockopt: %d\n", WSAGetLastError());
    }
    if (bind_any(s, family, port) == SOCKET_ERROR) {
        code = WSAGetLastError();
        printf("exclusive: bind: %s %d\n", code == WSAEACCES ? "access denied," : "code", code);
    } else {
        printf("exclusive: port %u is ours\n", port);
    }
    closesocket(s);
    return code;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int family;
    int port;
    int code;

    if (argc != 5) {
        printf("usage: %s FAMILY TYPE PROTOCOL PORT\n", argv[0]);
        return 1;
    }
    family = atoi(argv[1]);
    port = atoi(argv[4]);
    if ((family != AF_INET && family != AF_INET6) || port <= 0 || port >= 65535) {
        printf("exclusive: the family is %d or %d, the port 1 to 65534\n", AF_INET, AF_INET6);
        return 1;
    }
    code = WSAStartup(MAKEWORD(2, 2), &data);
    if (code != 0) {
        return 1;
    }
    code = take(family, atoi(argv[2]), atoi(argv[3]), (unsigned short)port);
    WSACleanup();
    return code;
}

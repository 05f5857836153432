/*
 * Opens and connects without knowing the family, in both orders that the documentation shows: the address asked for
 * first and a socket made of what came, and a socket made for a family and the address asked for that.
 *   any_family SERVER PORT
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <string.h>

/* 0 and the first address of a family in place. */
static int resolve(int family, const char *server, const char *port, SOCKADDR_STORAGE *place, int *len)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    int code;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    code = getaddrinfo(server, port, &hints, &found);
    if (code == 0) {
        memcpy(place, found->ai_addr, found->ai_addrlen);
        *len = (int)found->ai_addrlen;
        freeaddrinfo(found);
    }
    return code;
}

static int exchange(SOCKET s)
{
    static const char text[] = "of any family";
    char back[sizeof(text)];
    int total = 0;
    int n = send(s, text, (int)sizeof(text), 0);

    if (n != (int)sizeof(text) || shutdown(s, SD_SEND) == SOCKET_ERROR) {
        return 1;
    }
    while (total < (int)sizeof(back) && (n = recv(s, back + total, (int)sizeof(back) - total, 0)) > 0) {
        total += n;
    }
    return total != (int)sizeof(text) || memcmp(text, back, sizeof(text)) != 0;
}

static int connect_and_exchange(SOCKET s, const SOCKADDR_STORAGE *to, int len)
{
    int bad = s == INVALID_SOCKET || connect(s, (const struct sockaddr *)to, len) == SOCKET_ERROR || exchange(s) != 0;

    if (bad) {
        printf("any_family: %d\n", WSAGetLastError());
    }
    if (s != INVALID_SOCKET) {
        closesocket(s);
    }
    return bad;
}

static int address_first(const char *server, const char *port)
{
    SOCKADDR_STORAGE to;
    int len;

    if (resolve(AF_UNSPEC, server, port, &to, &len) != 0) {
        return 1;
    }
    return connect_and_exchange(socket(to.ss_family, SOCK_STREAM, IPPROTO_TCP), &to, len);
}

static int socket_first(int family, const char *server, const char *port)
{
    SOCKET s = socket(family, SOCK_STREAM, IPPROTO_TCP);
    SOCKADDR_STORAGE to;
    int len;

    if (resolve(family, server, port, &to, &len) != 0) {
        closesocket(s);
        return 1;
    }
    return connect_and_exchange(s, &to, len);
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s SERVER PORT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = address_first(argv[1], argv[2]);
    bad = bad != 0 ? bad : socket_first(strchr(argv[1], ':') != NULL ? AF_INET6 : AF_INET, argv[1], argv[2]);
    WSACleanup();
    return bad;
}

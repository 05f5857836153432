/*
 * A Winsock stream client: sends a text, ends its sending side, prints what comes back.
 *   echo_client SERVER-NAME [PORT]
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT "27015"
#define ROOM 512

static SOCKET connect_to(const char *name, const char *port)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    struct addrinfo *each;
    SOCKET s = INVALID_SOCKET;
    int code;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    code = getaddrinfo(name, port, &hints, &found);
    if (code != 0) {
        printf("client: getaddrinfo: %d\n", code);
        return INVALID_SOCKET;
    }
    for (each = found; each != NULL; each = each->ai_next) {
        s = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        if (s == INVALID_SOCKET) {
            printf("client: socket: %d\n", WSAGetLastError());
            break;
        }
        if (connect(s, each->ai_addr, (int)each->ai_addrlen) != SOCKET_ERROR) {
            break;
        }
        closesocket(s);
        s = INVALID_SOCKET;
    }
    freeaddrinfo(found);
    if (s == INVALID_SOCKET) {
        printf("client: no connection to %s\n", name);
    }
    return s;
}

static int talk(SOCKET s)
{
    static const char text[] = "this is a test";
    char room[ROOM];
    int total = 0;
    int n;

    n = send(s, text, (int)strlen(text), 0);
    if (n == SOCKET_ERROR) {
        printf("client: send: %d\n", WSAGetLastError());
        return 1;
    }
    printf("client: %d bytes sent\n", n);
    if (shutdown(s, SD_SEND) == SOCKET_ERROR) {
        printf("client: shutdown: %d\n", WSAGetLastError());
        return 1;
    }
    do {
        n = recv(s, room, ROOM, 0);
        if (n > 0) {
            printf("client: %d bytes received: %.*s\n", n, n, room);
            total += n;
        } else if (n == 0) {
            printf("client: connection closed\n");
        } else {
            printf("client: recv: %d\n", WSAGetLastError());
        }
    } while (n > 0);
    return n == 0 && total == (int)strlen(text) ? 0 : 1;
}

int main(int argc, char **argv)
{
    WSADATA data;
    SOCKET s;
    int result;

    if (argc < 2) {
        printf("usage: %s SERVER-NAME [PORT]\n", argv[0]);
        return 1;
    }
    result = WSAStartup(MAKEWORD(2, 2), &data);
    if (result != 0) {
        printf("client: WSAStartup: %d\n", result);
        return 1;
    }
    s = connect_to(argv[1], argc > 2 ? argv[2] : DEFAULT_PORT);
    result = 1;
    if (s != INVALID_SOCKET) {
        result = talk(s);
        closesocket(s);
    }
    WSACleanup();
    return result;
}

/*
 * A Winsock stream server: takes one client, sends back what it gets until the client has sent all.
 *   echo_server [PORT]
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PORT "27015"
#define ROOM 512

static SOCKET listen_on(const char *port)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    SOCKET s;
    int code;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    hints.ai_flags = AI_PASSIVE;
    code = getaddrinfo(NULL, port, &hints, &found);
    if (code != 0) {
        printf("server: getaddrinfo: %d\n", code);
        return INVALID_SOCKET;
    }
    s = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (s == INVALID_SOCKET) {
        printf("server: socket: %d\n", WSAGetLastError());
        freeaddrinfo(found);
        return INVALID_SOCKET;
    }
    if (bind(s, found->ai_addr, (int)found->ai_addrlen) == SOCKET_ERROR || listen(s, SOMAXCONN) == SOCKET_ERROR) {
        printf("server: bind or listen: %d\n", WSAGetLastError());
        closesocket(s);
        s = INVALID_SOCKET;
    }
    freeaddrinfo(found);
    return s;
}

static int serve(SOCKET s)
{
    char room[ROOM];
    int n;

    do {
        n = recv(s, room, ROOM, 0);
        if (n > 0) {
            int sent = send(s, room, n, 0);
            if (sent == SOCKET_ERROR) {
                printf("server: send: %d\n", WSAGetLastError());
                return 1;
            }
            printf("server: %d bytes received, %d sent\n", n, sent);
        } else if (n == 0) {
            printf("server: client is done\n");
        } else {
            printf("server: recv: %d\n", WSAGetLastError());
            return 1;
        }
    } while (n > 0);
    if (shutdown(s, SD_SEND) == SOCKET_ERROR) {
        printf("server: shutdown: %d\n", WSAGetLastError());
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    WSADATA data;
    SOCKET listener;
    int result = WSAStartup(MAKEWORD(2, 2), &data);

    if (result != 0) {
        printf("server: WSAStartup: %d\n", result);
        return 1;
    }
    result = 1;
    listener = listen_on(argc > 1 ? argv[1] : DEFAULT_PORT);
    if (listener != INVALID_SOCKET) {
        SOCKET client = accept(listener, NULL, NULL);
        if (client == INVALID_SOCKET) {
            printf("server: accept: %d\n", WSAGetLastError());
        }
        closesocket(listener);
        if (client != INVALID_SOCKET) {
            result = serve(client);
            closesocket(client);
        }
    }
    WSACleanup();
    return result;
}

/*
 * A Winsock server for every address family and both transports: one socket an address, served with select().
 *   multi_server PORT TCP|UDP COUNT     ends after COUNT messages (UDP) or clients (TCP)
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM 64

static void complain(const char *what)
{
    char text[256] = "";
    int code = WSAGetLastError();
    FormatMessage(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                  (DWORD)code, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), text, sizeof(text), NULL);
    fprintf(stderr, "server: %s: error %d: %s\n", what, code, text);
}

static int open_all(const char *port, int type, SOCKET *s)
{
    struct addrinfo hints, *found, *each;
    int count = 0;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = PF_UNSPEC;
    hints.ai_socktype = type;
    hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
    if (getaddrinfo(NULL, port, &hints, &found) != 0) {
        complain("getaddrinfo");
        return 0;
    }
    for (each = found; each != NULL && count < FD_SETSIZE; each = each->ai_next) {
        s[count] = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
        if (s[count] == INVALID_SOCKET) {
            complain("socket");
        } else if (bind(s[count], each->ai_addr, (int)each->ai_addrlen) == SOCKET_ERROR ||
                   (type == SOCK_STREAM && listen(s[count], 5) == SOCKET_ERROR)) {
            complain("bind or listen");
            closesocket(s[count]);
        } else {
            count++;
        }
    }
    freeaddrinfo(found);
    return count;
}

static int serve_stream(SOCKET listener)
{
    char room[ROOM];
    int n;
    SOCKET s = accept(listener, NULL, NULL);
    if (s == INVALID_SOCKET) {
        complain("accept");
        return 1;
    }
    while ((n = recv(s, room, ROOM, 0)) > 0) {
        if (send(s, room, n, 0) == SOCKET_ERROR) {
            n = SOCKET_ERROR;
            break;
        }
    }
    if (n == SOCKET_ERROR) {
        complain("recv or send");
    }
    closesocket(s);
    return n;
}

static int serve_datagram(SOCKET s)
{
    SOCKADDR_STORAGE from;
    int fromlen = sizeof(from);
    char room[ROOM];
    char name[NI_MAXHOST];
    int n = recvfrom(s, room, ROOM, 0, (LPSOCKADDR)&from, &fromlen);
    if (n == SOCKET_ERROR || sendto(s, room, n, 0, (LPSOCKADDR)&from, fromlen) == SOCKET_ERROR) {
        complain("recvfrom or sendto");
        return 1;
    }
    if (getnameinfo((LPSOCKADDR)&from, fromlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST) != 0) {
        strcpy_s(name, NI_MAXHOST, "<unknown>");
    }
    printf("server: %d bytes from %s\n", n, name);
    return 0;
}

int main(int argc, char **argv)
{
    WSADATA data;
    static SOCKET s[FD_SETSIZE];
    static fd_set ready;
    int type, count, left, i;
    int bad = 0;

    if (argc < 4 || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    type = _stricmp(argv[2], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    left = atoi(argv[3]);
    count = open_all(argv[1], type, s);
    while (count > 0 && left > 0 && !bad) {
        FD_ZERO(&ready);
        for (i = 0; i < count; i++) {
            FD_SET(s[i], &ready);
        }
        if (select(count, &ready, 0, 0, 0) == SOCKET_ERROR) {
            complain("select");
            bad = 1;
        }
        for (i = 0; i < count && !bad; i++) {
            if (FD_ISSET(s[i], &ready)) {
                bad = type == SOCK_STREAM ? serve_stream(s[i]) : serve_datagram(s[i]);
                left--;
            }
        }
    }
    printf("server: %d sockets, %d left\n", count, left);
    for (i = 0; i < count; i++) {
        closesocket(s[i]);
    }
    WSACleanup();
    return bad || left > 0 || count == 0;
}

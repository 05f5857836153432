/*
 * An echo server of one thread over WSAPoll, for IPv4 and IPv6. Ends when the given number of clients came and went.
 *   poll_server PORT CLIENTS
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 32
#define ROOM 4096

static WSAPOLLFD places[PLACES];
static ULONG count;

static void add(SOCKET s, SHORT what)
{
    u_long on = 1;

    if (count == PLACES || ioctlsocket(s, FIONBIO, &on) == SOCKET_ERROR) {
        closesocket(s);
        return;
    }
    places[count].fd = s;
    places[count].events = what;
    places[count++].revents = 0;
}

static int listen_at(int family, unsigned short port)
{
    SOCKADDR_STORAGE local;
    DWORD only = 1;
    int len = family == AF_INET ? (int)sizeof(struct sockaddr_in) : (int)sizeof(struct sockaddr_in6);
    SOCKET s = socket(family, SOCK_STREAM, IPPROTO_TCP);

    ZeroMemory(&local, sizeof(local));
    local.ss_family = (ADDRESS_FAMILY)family;
    ((struct sockaddr_in *)&local)->sin_port = htons(port); /* at the same place in both */
    if (s == INVALID_SOCKET ||
        (family == AF_INET6 &&
         setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&only, sizeof(only)) == SOCKET_ERROR) ||
        bind(s, (struct sockaddr *)&local, len) == SOCKET_ERROR || listen(s, SOMAXCONN) == SOCKET_ERROR) {
        printf("server: %d\n", WSAGetLastError());
        return 1;
    }
    add(s, POLLRDNORM);
    return 0;
}

/* One block back; a send that does not fit waits for the socket. 1: the client is done or lost. */
static int echo(SOCKET s)
{
    char room[ROOM];
    WSAPOLLFD one = {s, POLLWRNORM, 0};
    int n = recv(s, room, ROOM, 0);
    int at = 0;

    if (n <= 0) {
        return n == 0 || WSAGetLastError() != WSAEWOULDBLOCK;
    }
    while (at < n) {
        int sent = send(s, room + at, n - at, 0);
        if (sent > 0) {
            at += sent;
        } else if (WSAGetLastError() != WSAEWOULDBLOCK || WSAPoll(&one, 1, 10000) != 1) {
            return 1;
        }
    }
    return 0;
}

/* 1: a client went. */
static int happened(ULONG at)
{
    SOCKET s = places[at].fd;

    if (at < 2) {
        s = accept(s, NULL, NULL);
        if (s != INVALID_SOCKET) {
            add(s, POLLRDNORM);
        }
        return 0;
    }
    if ((places[at].revents & (POLLERR | POLLNVAL)) == 0 && echo(s) == 0) {
        return 0;
    }
    closesocket(s);
    places[at] = places[--count];
    return 1;
}

static int serve(unsigned short port, int wanted)
{
    int bad;
    int gone = 0;

    count = 0;
    bad = listen_at(AF_INET, port) != 0 || listen_at(AF_INET6, port) != 0;
    while (bad == 0 && gone < wanted) {
        int ready = WSAPoll(places, count, 10000);
        bad = ready <= 0;
        for (ULONG at = count; bad == 0 && at-- > 0;) {
            if (places[at].revents != 0) {
                gone += happened(at);
            }
        }
    }
    while (count > 0) {
        closesocket(places[--count].fd);
    }
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s PORT CLIENTS\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = serve((unsigned short)atoi(argv[1]), atoi(argv[2]));
    WSACleanup();
    return bad;
}

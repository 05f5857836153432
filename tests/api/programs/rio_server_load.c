/*
 * The load for rio_server, with ordinary calls: many connections at once, twice; each asks several times and compares the
 * answers byte by byte. Some end by half-closing, some by a reset, the others by closing.
 *   rio_server_load LOCAL ADDRESS PORT CONNECTIONS REQUESTS
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 1000
#define WAVES 2

static struct sockaddr_in local, server;

static int length_of(int connection, int request)
{
    return (connection * 97 + request * 389) % (LONGEST + 1);
}

static char byte_of(int connection, int request, int at)
{
    return (char)(connection * 5 + request * 11 + at * 3);
}

/* 0: all of it was sent. */
static int ask(SOCKET s, int connection, int request)
{
    char data[4 + LONGEST];
    int length = length_of(connection, request), sent = 0;

    memcpy(data, &length, 4);
    for (int i = 0; i < length; i++)
        data[4 + i] = byte_of(connection, request, i);
    while (sent < 4 + length) {
        int part = send(s, data + sent, 4 + length - sent, 0);

        if (part <= 0)
            return 1;
        sent += part;
    }
    return 0;
}

/* 0: it is the answer. */
static int answer(SOCKET s, int connection, int request)
{
    char data[4 + LONGEST] = {0};
    int length = length_of(connection, request), got = 0, said;

    while (got < 4 + length) {
        int part = recv(s, data + got, 4 + length - got, 0);

        if (part <= 0) {
            printf("rio_server_load: %d, request %d: %d of %d bytes, %d\n", connection, request, got, 4 + length,
                   WSAGetLastError());
            return 1;
        }
        got += part;
    }
    memcpy(&said, data, 4);
    for (int i = 0; i < length && said == length; i++)
        if (data[4 + i] != (char)~byte_of(connection, request, i))
            said = -1;
    if (said != length)
        printf("rio_server_load: %d, request %d: other bytes\n", connection, request);
    return said != length;
}

/* How connections end: half-closed and waited for, reset with an answer under way, or closed. 0: as they should. */
static int finish(SOCKET *sockets, int count)
{
    struct linger none = {1, 0};
    char byte;
    int failed = 0;

    for (int i = 0; i < count; i++)
        if (i % 10 >= 1 && i % 10 < 4)
            failed = shutdown(sockets[i], SD_SEND) != 0 || failed;
    for (int i = 0; i < count; i++) {
        if (i % 10 == 0) {
            (void)ask(sockets[i], i, 1);
            failed = setsockopt(sockets[i], SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof(none)) != 0 || failed;
        } else if (i % 10 < 4) {
            int got = recv(sockets[i], &byte, 1, 0);

            if (got != 0)
                printf("rio_server_load: %d ends with %d, %d\n", i, got, WSAGetLastError());
            failed = got != 0 || failed;
        }
        closesocket(sockets[i]);
    }
    return failed;
}

/* 0: on the way. */
static int connect_one(SOCKET *s)
{
    BOOL nodelay = TRUE;
    u_long on = 1;

    *s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (bind(*s, (struct sockaddr *)&local, sizeof(local)) != 0 || ioctlsocket(*s, FIONBIO, &on) != 0 ||
        setsockopt(*s, IPPROTO_TCP, TCP_NODELAY, (const char *)&nodelay, sizeof(nodelay)) != 0)
        return 1;
    return connect(*s, (struct sockaddr *)&server, sizeof(server)) != 0 && WSAGetLastError() != WSAEWOULDBLOCK;
}

/* 0: connected; a server that does not listen yet is asked again. */
static int connect_wait(SOCKET *s)
{
    u_long off = 0;

    for (int tries = 0; tries < 100; tries++) {
        int code = 0, size = sizeof(code);
        WSAPOLLFD look;

        look.fd = *s;
        look.events = POLLOUT;
        if (WSAPoll(&look, 1, 20000) == 1 && look.revents == POLLOUT)
            return ioctlsocket(*s, FIONBIO, &off);
        (void)getsockopt(*s, SOL_SOCKET, SO_ERROR, (char *)&code, &size);
        if (code != WSAECONNREFUSED) {
            printf("rio_server_load: no connection, %d\n", code);
            return 1;
        }
        closesocket(*s);
        Sleep(20);
        if (connect_one(s) != 0)
            return 1;
    }
    return 1;
}

/* All at once, so that lost SYNs are waited for together. 0: they are connected. */
static int connect_all(SOCKET *sockets, int count)
{
    int failed = 0;

    for (int i = 0; i < count && !failed; i++)
        failed = connect_one(&sockets[i]);
    for (int i = 0; i < count && !failed; i++)
        failed = connect_wait(&sockets[i]);
    return failed;
}

static int wave(SOCKET *sockets, int count, int requests)
{
    int failed = connect_all(sockets, count);

    for (int request = 0; request < requests && !failed; request += 2) {
        for (int i = 0; i < count && !failed; i++)
            failed = ask(sockets[i], i, request) || ask(sockets[i], i, request + 1);
        for (int i = 0; i < count && !failed; i++)
            failed = answer(sockets[i], i, request) || answer(sockets[i], i, request + 1);
    }
    return finish(sockets, count) || failed;
}

int main(int argc, char **argv)
{
    SOCKET *sockets;
    WSADATA data;
    int count, failed = 0;

    if (argc != 6 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = inet_addr(argv[1]);
    server = local;
    server.sin_addr.s_addr = inet_addr(argv[2]);
    server.sin_port = htons((u_short)atoi(argv[3]));
    count = atoi(argv[4]);
    sockets = calloc((size_t)count, sizeof(*sockets));
    for (int i = 0; i < WAVES && !failed && sockets != NULL; i++)
        failed = wave(sockets, count, atoi(argv[5]));
    free(sockets);
    printf("rio_server_load: %d connections, twice: %s\n", count, failed ? "failed" : "equal");
    fflush(stdout);
    WSACleanup();
    return failed;
}

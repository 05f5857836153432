/*
 * An IPv4 server of the first kind: every message is sent back; a stream is closed after one.
 *   simple_server [-p TCP|UDP] [-e PORT] [-l MESSAGES]
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 128

struct arguments {
    int type;
    unsigned short port;
    int messages;
};

static int usage(const char *name)
{
    printf("usage: %s [-p TCP|UDP] [-e PORT] [-l MESSAGES]\n", name);
    return 1;
}

static int read_arguments(int argc, char **argv, struct arguments *out)
{
    int i;
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-p") == 0) {
            out->type = strcmp(argv[i + 1], "UDP") == 0 ? SOCK_DGRAM : SOCK_STREAM;
        } else if (strcmp(argv[i], "-e") == 0) {
            out->port = (unsigned short)atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "-l") == 0) {
            out->messages = atoi(argv[i + 1]);
        } else {
            return usage(argv[0]);
        }
    }
    return i == argc ? 0 : usage(argv[0]);
}

/* One message of a new connection, or one datagram: its bytes, or -1. */
static int serve_one(SOCKET listener, int type)
{
    char room[ROOM];
    struct sockaddr_in from;
    int from_len = sizeof(from);
    SOCKET s = listener;
    int n;

    if (type == SOCK_STREAM) {
        s = accept(listener, (struct sockaddr *)&from, &from_len);
        if (s == INVALID_SOCKET) {
            printf("server: accept: %d\n", WSAGetLastError());
            return -1;
        }
        n = recv(s, room, ROOM, 0);
    } else {
        n = recvfrom(s, room, ROOM, 0, (struct sockaddr *)&from, &from_len);
    }
    if (n == SOCKET_ERROR) {
        printf("server: receive: %d\n", WSAGetLastError());
    } else {
        printf("server: %d bytes of %s, port %u\n", n, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
    }
    if (n > 0) {
        n = type == SOCK_STREAM ? send(s, room, n, 0) : sendto(s, room, n, 0, (struct sockaddr *)&from, from_len);
    }
    if (s != listener) {
        closesocket(s);
    }
    return n;
}

static int serve(const struct arguments *arguments)
{
    struct sockaddr_in local;
    SOCKET s;
    int bad = 0;
    int i;

    s = socket(AF_INET, arguments->type, 0);
    if (s == INVALID_SOCKET) {
        printf("server: socket: %d\n", WSAGetLastError());
        return 1;
    }
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_ANY);
    local.sin_port = htons(arguments->port);
    if (bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR) {
        printf("server: bind: %d\n", WSAGetLastError());
        bad = 1;
    } else if (arguments->type == SOCK_STREAM && listen(s, 5) == SOCKET_ERROR) {
        printf("server: listen: %d\n", WSAGetLastError());
        bad = 1;
    }
    for (i = 0; bad == 0 && i < arguments->messages; i++) {
        bad = serve_one(s, arguments->type) < 0;
    }
    closesocket(s);
    return bad;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {SOCK_STREAM, 5001, 1};
    WSADATA data;
    int result = read_arguments(argc, argv, &arguments);

    if (result != 0) {
        return result;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    result = serve(&arguments);
    WSACleanup();
    return result;
}

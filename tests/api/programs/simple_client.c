/*
 * An IPv4 client of the first kind: a name or an address in figures, connect for streams and datagrams alike, messages
 * of 128 bytes that have to come back. A stream is connected anew for each.
 *   simple_client [-p TCP|UDP] [-n SERVER] [-e PORT] [-l MESSAGES]
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 128

struct arguments {
    int type;
    const char *server;
    unsigned short port;
    int messages;
};

static int usage(const char *name)
{
    printf("usage: %s [-p TCP|UDP] [-n SERVER] [-e PORT] [-l MESSAGES]\n", name);
    return 1;
}

static int read_arguments(int argc, char **argv, struct arguments *out)
{
    int i;
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-p") == 0) {
            out->type = strcmp(argv[i + 1], "UDP") == 0 ? SOCK_DGRAM : SOCK_STREAM;
        } else if (strcmp(argv[i], "-n") == 0) {
            out->server = argv[i + 1];
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

/* A name begins with a letter; figures are asked for by address. */
static int find_server(const struct arguments *arguments, struct sockaddr_in *out)
{
    char first = arguments->server[0];
    struct hostent *host;
    unsigned int addr;

    if ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')) {
        host = gethostbyname(arguments->server);
    } else {
        addr = inet_addr(arguments->server);
        host = gethostbyaddr((const char *)&addr, 4, AF_INET);
    }
    if (host == NULL) {
        printf("client: no address of %s: %d\n", arguments->server, WSAGetLastError());
        return 1;
    }
    ZeroMemory(out, sizeof(*out));
    memcpy(&out->sin_addr, host->h_addr, (size_t)host->h_length);
    out->sin_family = AF_INET; /* what both were asked for */
    out->sin_port = htons(arguments->port);
    printf("client: connecting to %s\n", host->h_name);
    return 0;
}

static SOCKET connect_to(int type, const struct sockaddr_in *server)
{
    SOCKET s = socket(AF_INET, type, 0);

    if (s == INVALID_SOCKET) {
        printf("client: socket: %d\n", WSAGetLastError());
    } else if (connect(s, (const struct sockaddr *)server, sizeof(*server)) == SOCKET_ERROR) {
        printf("client: connect: %d\n", WSAGetLastError());
        closesocket(s);
        s = INVALID_SOCKET;
    }
    return s;
}

static int exchange(SOCKET s, int number)
{
    char sent[ROOM] = {0};
    char back[ROOM] = {1};
    int n;

    snprintf(sent, sizeof(sent), "a small message, number %d", number);
    n = send(s, sent, ROOM, 0);
    if (n == ROOM) {
        n = recv(s, back, ROOM, 0);
    }
    if (n == SOCKET_ERROR) {
        printf("client: message %d: %d\n", number, WSAGetLastError());
    }
    return n == ROOM && memcmp(sent, back, ROOM) == 0 ? 0 : 1;
}

static int talk(const struct arguments *arguments)
{
    struct sockaddr_in server;
    SOCKET s = INVALID_SOCKET;
    int bad;
    int i;

    if (find_server(arguments, &server) != 0) {
        return 1;
    }
    bad = 0;
    for (i = 0; bad == 0 && i < arguments->messages; i++) {
        if (s == INVALID_SOCKET) {
            s = connect_to(arguments->type, &server);
        }
        bad = s == INVALID_SOCKET || exchange(s, i) != 0;
        if (arguments->type == SOCK_STREAM && s != INVALID_SOCKET) {
            closesocket(s);
            s = INVALID_SOCKET;
        }
    }
    if (s != INVALID_SOCKET) {
        closesocket(s);
    }
    return bad;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {SOCK_STREAM, "localhost", 5001, 1};
    WSADATA data;
    int result = read_arguments(argc, argv, &arguments);

    if (result != 0) {
        return result;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    result = talk(&arguments);
    WSACleanup();
    return result;
}

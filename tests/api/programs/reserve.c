/*
 * Reserves a block of ports, binds sockets that are associated with it, and gives it back.
 *   reserve tcp|udp COUNT
 */
#include <winsock2.h>
#include <mstcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the headers of some compilers lack: a range of ports, and with it the token that stands for it. */
struct range {
    USHORT start;
    USHORT count;
};

struct reservation {
    struct range range;
    ULONG unused;
    ULONG64 token;
};

static SOCKET fresh(int type)
{
    return socket(AF_INET, type, type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
}

static int control(SOCKET s, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes)
{
    DWORD bytes = 0;
    int result = WSAIoctl(s, code, in, in_bytes, out, out_bytes, &bytes, NULL, NULL);

    if (result == SOCKET_ERROR) {
        printf("reserve: code %lx: %d\n", (unsigned long)code, WSAGetLastError());
    }
    return result;
}

/* A socket of the reservation: whatever port it is bound to is one of the block. */
static int bind_in(const struct reservation *reservation, int type, SOCKET *out)
{
    struct sockaddr_in local;
    int bytes = sizeof(local);
    int first = ntohs(reservation->range.start);
    ULONG64 token = reservation->token;
    int port;

    *out = fresh(type);
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    if (*out == INVALID_SOCKET ||
        control(*out, SIO_ASSOCIATE_PORT_RESERVATION, &token, sizeof(token), NULL, 0) == SOCKET_ERROR ||
        bind(*out, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR ||
        getsockname(*out, (struct sockaddr *)&local, &bytes) == SOCKET_ERROR) {
        printf("reserve: bind: %d\n", WSAGetLastError());
        return 1;
    }
    port = ntohs(local.sin_port);
    printf("reserve: port %d of %d to %d\n", port, first, first + reservation->range.count - 1);
    return port < first || port >= first + reservation->range.count;
}

/* Nobody else gets a port of the block. */
static int stranger_is_refused(int type, const struct reservation *reservation)
{
    struct sockaddr_in local;
    SOCKET s = fresh(type);
    int refused;

    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons((USHORT)(ntohs(reservation->range.start) + reservation->range.count - 1));
    refused = bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR;
    closesocket(s);
    return refused;
}

static int run(int type, USHORT count)
{
    struct range wanted = {0, count};
    struct reservation got;
    SOCKET holder = fresh(type);
    SOCKET users[2] = {INVALID_SOCKET, INVALID_SOCKET};
    int bad;

    ZeroMemory(&got, sizeof(got));
    bad = holder == INVALID_SOCKET ||
          control(holder, SIO_ACQUIRE_PORT_RESERVATION, &wanted, sizeof(wanted), &got, sizeof(got)) == SOCKET_ERROR;
    if (bad == 0 && got.range.count != count) {
        printf("reserve: %u ports\n", got.range.count);
        bad = 1;
    }
    bad = bad != 0 || bind_in(&got, type, &users[0]) != 0 || bind_in(&got, type, &users[1]) != 0 ||
          !stranger_is_refused(type, &got);
    for (int i = 0; i < 2; i++) {
        if (users[i] != INVALID_SOCKET) {
            closesocket(users[i]);
        }
    }
    bad = bad != 0 || control(holder, SIO_RELEASE_PORT_RESERVATION, &got.token, sizeof(got.token), NULL, 0) != 0 ||
          stranger_is_refused(type, &got);
    if (holder != INVALID_SOCKET) {
        closesocket(holder);
    }
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s tcp|udp COUNT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = run(strcmp(argv[1], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, (USHORT)atoi(argv[2]));
    WSACleanup();
    return bad;
}

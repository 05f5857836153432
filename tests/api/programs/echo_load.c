/*
 * Several connections to an echo server at once, each with some hundred kilobytes that have to come back.
 *   echo_load SERVER PORT CONNECTIONS
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 300000
#define PLACES 8

struct flow {
    SOCKET s;
    int sent;
    int back;
    int bad;
};

static char byte_at(int flow, int at)
{
    return (char)(at * 7 + at / 251 + flow);
}

static void push(struct flow *flow, int number)
{
    char block[2048];
    int n = BYTES - flow->sent < (int)sizeof(block) ? BYTES - flow->sent : (int)sizeof(block);

    for (int i = 0; i < n; i++) {
        block[i] = byte_at(number, flow->sent + i);
    }
    n = send(flow->s, block, n, 0);
    if (n > 0) {
        flow->sent += n;
        if (flow->sent == BYTES) {
            shutdown(flow->s, SD_SEND);
        }
    } else if (WSAGetLastError() != WSAEWOULDBLOCK) {
        flow->bad = WSAGetLastError();
    }
}

/* 1: everything came back, or never will. */
static int pull(struct flow *flow, int number)
{
    char block[4096];
    int n = recv(flow->s, block, sizeof(block), 0);

    if (n == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK) {
        return 0;
    }
    for (int i = 0; i < n; i++) {
        flow->bad |= block[i] != byte_at(number, flow->back + i);
    }
    flow->back += n > 0 ? n : 0;
    if (n > 0 && flow->bad == 0) {
        return 0;
    }
    flow->bad |= n != 0 || flow->back != BYTES;
    return 1;
}

static int connect_all(struct flow *flows, int count, const struct sockaddr_in *server)
{
    u_long on = 1;
    for (int i = 0; i < count; i++) {
        flows[i].s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
        if (flows[i].s == INVALID_SOCKET ||
            connect(flows[i].s, (const struct sockaddr *)server, sizeof(*server)) == SOCKET_ERROR ||
            ioctlsocket(flows[i].s, FIONBIO, &on) == SOCKET_ERROR) {
            printf("load: connection %d: %d\n", i, WSAGetLastError());
            return 1;
        }
    }
    return 0;
}

static int transfer(struct flow *flows, int count)
{
    int open = count;
    int bad = 0;

    while (open > 0 && bad == 0) {
        struct timeval limit = {10, 0};
        fd_set in;
        fd_set out;
        FD_ZERO(&in);
        FD_ZERO(&out);
        for (int i = 0; i < count; i++) {
            if (flows[i].s == INVALID_SOCKET) {
                continue;
            }
            FD_SET(flows[i].s, &in);
            if (flows[i].sent < BYTES) {
                FD_SET(flows[i].s, &out);
            }
        }
        bad = select(0, &in, &out, NULL, &limit) <= 0;
        for (int i = 0; bad == 0 && i < count; i++) {
            if (flows[i].s != INVALID_SOCKET && FD_ISSET(flows[i].s, &out)) {
                push(&flows[i], i);
            }
            if (flows[i].s != INVALID_SOCKET && FD_ISSET(flows[i].s, &in) && pull(&flows[i], i)) {
                closesocket(flows[i].s);
                flows[i].s = INVALID_SOCKET;
                open--;
                bad = flows[i].bad;
            }
        }
    }
    return bad;
}

static int run(const char *name, unsigned short port, int count)
{
    struct flow flows[PLACES];
    struct sockaddr_in server;
    int bad;

    ZeroMemory(&server, sizeof(server));
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = inet_addr(name);
    for (int i = 0; i < PLACES; i++) {
        ZeroMemory(&flows[i], sizeof(flows[i]));
        flows[i].s = INVALID_SOCKET;
    }
    bad = connect_all(flows, count, &server) != 0 || transfer(flows, count) != 0;
    for (int i = 0; i < PLACES; i++) {
        if (flows[i].s != INVALID_SOCKET) {
            closesocket(flows[i].s);
        }
    }
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int count;
    int bad;

    count = argc == 4 ? atoi(argv[3]) : 0;
    if (count < 1 || count > PLACES) {
        printf("usage: %s SERVER PORT CONNECTIONS\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = run(argv[1], (unsigned short)atoi(argv[2]), count);
    WSACleanup();
    return bad;
}

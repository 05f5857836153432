/*
 * An echo server that has a receive or a send pending for every client, with events: WSARecv, WSASend,
 * WSAWaitForMultipleEvents, WSAGetOverlappedResult. Ends when the given number of clients came and went.
 *   overlapped_server PORT CLIENTS
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 16
#define ROOM 4096

struct client {
    SOCKET s;
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    char room[ROOM];
    int sending;
};

static struct client *clients[PLACES];
static WSAEVENT events[PLACES];
static int places;

/* A request that is done at once sets its event as well. 0: pending or done. */
static int issue(struct client *client)
{
    DWORD bytes;
    DWORD flags = 0;
    int result = client->sending ? WSASend(client->s, &client->buffer, 1, &bytes, 0, &client->overlapped, NULL)
                                 : WSARecv(client->s, &client->buffer, 1, &bytes, &flags, &client->overlapped, NULL);

    return result == SOCKET_ERROR && WSAGetLastError() != WSA_IO_PENDING;
}

static void receive_next(struct client *client)
{
    client->sending = 0;
    client->buffer.buf = client->room;
    client->buffer.len = ROOM;
}

static int add(SOCKET s)
{
    struct client *client = places < PLACES ? calloc(1, sizeof(*client)) : NULL;

    if (client == NULL) {
        closesocket(s);
        return 1;
    }
    client->s = s;
    client->overlapped.hEvent = WSACreateEvent();
    receive_next(client);
    clients[places] = client;
    events[places++] = client->overlapped.hEvent;
    return issue(client);
}

static void drop(int at)
{
    closesocket(clients[at]->s);
    WSACloseEvent(events[at]);
    free(clients[at]);
    places--;
    clients[at] = clients[places];
    events[at] = events[places];
}

/* 1: the client is done or lost. */
static int completed(struct client *client)
{
    DWORD bytes = 0;
    DWORD flags = 0;

    if (!WSAGetOverlappedResult(client->s, &client->overlapped, &bytes, FALSE, &flags) || bytes == 0) {
        return 1;
    }
    WSAResetEvent(client->overlapped.hEvent);
    if (!client->sending) {
        client->sending = 1;
        client->buffer.len = bytes;
    } else if (bytes < client->buffer.len) {
        client->buffer.buf += bytes;
        client->buffer.len -= bytes;
    } else {
        receive_next(client);
    }
    return issue(client);
}

static SOCKET listen_at(unsigned short port)
{
    struct sockaddr_in local;
    SOCKET s = WSASocketA(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);

    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    if (s != INVALID_SOCKET &&
        (bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR || listen(s, SOMAXCONN) == SOCKET_ERROR)) {
        printf("server: %d\n", WSAGetLastError());
        closesocket(s);
        s = INVALID_SOCKET;
    }
    return s;
}

static int serve(unsigned short port, int wanted)
{
    SOCKET listener = listen_at(port);
    int bad = listener == INVALID_SOCKET;
    int gone = 0;

    for (places = 0; bad == 0 && places < wanted;) {
        SOCKET s = accept(listener, NULL, NULL);
        bad = s == INVALID_SOCKET || add(s) != 0;
    }
    while (bad == 0 && gone < wanted) {
        DWORD at = WSAWaitForMultipleEvents((DWORD)places, events, FALSE, 10000, FALSE) - WSA_WAIT_EVENT_0;
        bad = at >= (DWORD)places;
        if (bad == 0 && completed(clients[at])) {
            drop((int)at);
            gone++;
        }
    }
    while (places > 0) {
        drop(0);
    }
    if (listener != INVALID_SOCKET) {
        closesocket(listener);
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

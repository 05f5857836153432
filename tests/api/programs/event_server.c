/*
 * An echo server of one thread: WSAEventSelect on its listener and its clients, one event object each. Ends when the
 * given number of clients came and went.
 *   event_server PORT CLIENTS
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 16
#define ROOM 4096

struct client {
    SOCKET s;
    char waiting[ROOM];
    int count;
};

static struct client clients[PLACES];
static WSAEVENT events[PLACES];
static int places;
static int gone;

static int add(SOCKET s, long what)
{
    WSAEVENT event = places < PLACES ? WSACreateEvent() : WSA_INVALID_EVENT;

    if (event == WSA_INVALID_EVENT || WSAEventSelect(s, event, what) == SOCKET_ERROR) {
        printf("server: no place: %d\n", WSAGetLastError());
        if (event != WSA_INVALID_EVENT) {
            WSACloseEvent(event);
        }
        closesocket(s);
        return 1;
    }
    clients[places].s = s;
    clients[places].count = 0;
    events[places++] = event;
    return 0;
}

static void drop(int at)
{
    closesocket(clients[at].s);
    WSACloseEvent(events[at]);
    places--;
    clients[at] = clients[places];
    events[at] = events[places];
    gone++;
}

/* Sends what waits, then takes what is there, until either would block. 1: the client is done or lost. */
static int pump(struct client *client)
{
    int n;
    for (;;) {
        while (client->count > 0) {
            n = send(client->s, client->waiting, client->count, 0);
            if (n == SOCKET_ERROR) {
                return WSAGetLastError() != WSAEWOULDBLOCK;
            }
            memmove(client->waiting, client->waiting + n, (size_t)(client->count - n));
            client->count -= n;
        }
        n = recv(client->s, client->waiting, ROOM, 0);
        if (n == 0) {
            return 1;
        }
        if (n == SOCKET_ERROR) {
            return WSAGetLastError() != WSAEWOULDBLOCK;
        }
        client->count = n;
    }
}

static int happened(int at)
{
    WSANETWORKEVENTS what;
    SOCKET s;

    if (WSAEnumNetworkEvents(clients[at].s, events[at], &what) == SOCKET_ERROR) {
        return 1;
    }
    if (what.lNetworkEvents & FD_ACCEPT) {
        s = accept(clients[at].s, NULL, NULL);
        if (s != INVALID_SOCKET) {
            (void)add(s, FD_READ | FD_WRITE | FD_CLOSE);
        }
    }
    if ((what.lNetworkEvents & (FD_READ | FD_WRITE | FD_CLOSE)) && pump(&clients[at])) {
        drop(at);
    }
    return 0;
}

static int serve(unsigned short port, int wanted)
{
    struct sockaddr_in local;
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    int bad = 0;

    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    places = gone = 0;
    if (s == INVALID_SOCKET || bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR ||
        listen(s, SOMAXCONN) == SOCKET_ERROR || add(s, FD_ACCEPT) != 0) {
        printf("server: %d\n", WSAGetLastError());
        return 1;
    }
    while (bad == 0 && gone < wanted) {
        DWORD at = WSAWaitForMultipleEvents((DWORD)places, events, FALSE, 10000, FALSE);
        bad = at - WSA_WAIT_EVENT_0 >= (DWORD)places || happened((int)(at - WSA_WAIT_EVENT_0));
    }
    while (places > 0) {
        drop(0);
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

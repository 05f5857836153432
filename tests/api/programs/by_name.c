/*
 * Connects by name, and by a list of addresses, to a server that echoes: one dual-stack socket each.
 *   by_name SERVER PORT
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 8

static SOCKET dual_stack(void)
{
    DWORD only = 0;
    SOCKET s = socket(AF_INET6, SOCK_STREAM, 0);

    if (s != INVALID_SOCKET &&
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&only, sizeof(only)) == SOCKET_ERROR) {
        closesocket(s);
        s = INVALID_SOCKET;
    }
    return s;
}

/* What the server sends back, then its end; both addresses are told and of the socket's family. */
static int exchange(SOCKET s, const SOCKADDR_STORAGE *local, const SOCKADDR_STORAGE *remote)
{
    static const char text[] = "by name or by list";
    char back[64];
    int total = 0;
    int n;

    if (local->ss_family != AF_INET6 || remote->ss_family != AF_INET6) {
        printf("by_name: families %d and %d\n", local->ss_family, remote->ss_family);
        return 1;
    }
    if (setsockopt(s, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) == SOCKET_ERROR) {
        printf("by_name: the context: %d\n", WSAGetLastError());
    }
    if (send(s, text, sizeof(text), 0) != (int)sizeof(text) || shutdown(s, SD_SEND) == SOCKET_ERROR) {
        printf("by_name: send: %d\n", WSAGetLastError());
        return 1;
    }
    while ((n = recv(s, back + total, (int)sizeof(back) - total, 0)) > 0) {
        total += n;
    }
    return n == 0 && total == (int)sizeof(text) && memcmp(back, text, sizeof(text)) == 0 ? 0 : 1;
}

static int by_name(char *server, char *port)
{
    SOCKADDR_STORAGE local;
    SOCKADDR_STORAGE remote;
    DWORD local_len = sizeof(local);
    DWORD remote_len = sizeof(remote);
    SOCKET s = dual_stack();
    int bad = 1;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    if (WSAConnectByNameA(s, server, port, &local_len, (SOCKADDR *)&local, &remote_len, (SOCKADDR *)&remote, NULL,
                          NULL)) {
        bad = exchange(s, &local, &remote);
    } else {
        printf("by_name: WSAConnectByName: %d\n", WSAGetLastError());
    }
    closesocket(s);
    return bad;
}

/* The addresses of a name, those of IPv4 as mapped ones. */
static int make_list(const char *server, const char *port, SOCKET_ADDRESS_LIST *list, SOCKADDR_IN6 *room)
{
    struct addrinfo hints;
    struct addrinfo *found;
    struct addrinfo *each;

    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = AF_INET6;
    hints.ai_flags = AI_V4MAPPED | AI_ALL;
    hints.ai_socktype = SOCK_STREAM;
    list->iAddressCount = 0;
    if (getaddrinfo(server, port, &hints, &found) != 0) {
        return 1;
    }
    for (each = found; each != NULL && list->iAddressCount < LIST_MAX; each = each->ai_next) {
        SOCKADDR_IN6 *place = &room[list->iAddressCount];
        memcpy(place, each->ai_addr, sizeof(*place));
        list->Address[list->iAddressCount].lpSockaddr = (SOCKADDR *)place;
        list->Address[list->iAddressCount].iSockaddrLength = sizeof(*place);
        list->iAddressCount++;
    }
    freeaddrinfo(found);
    return list->iAddressCount > 0 ? 0 : 1;
}

static int by_list(const char *server, const char *port)
{
    SOCKET_ADDRESS_LIST *list = malloc(offsetof(SOCKET_ADDRESS_LIST, Address) + LIST_MAX * sizeof(SOCKET_ADDRESS));
    SOCKADDR_IN6 room[LIST_MAX];
    SOCKADDR_STORAGE local;
    SOCKADDR_STORAGE remote;
    DWORD local_len = sizeof(local);
    DWORD remote_len = sizeof(remote);
    SOCKET s = dual_stack();
    int bad = 1;

    if (s != INVALID_SOCKET && list != NULL && make_list(server, port, list, room) == 0) {
        if (WSAConnectByList(s, list, &local_len, (SOCKADDR *)&local, &remote_len, (SOCKADDR *)&remote, NULL, NULL)) {
            bad = exchange(s, &local, &remote);
        } else {
            printf("by_name: WSAConnectByList: %d\n", WSAGetLastError());
        }
    }
    if (s != INVALID_SOCKET) {
        closesocket(s);
    }
    free(list);
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 3) {
        printf("usage: %s SERVER PORT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = by_name(argv[1], argv[2]);
    bad = bad != 0 ? bad : by_list(argv[1], argv[2]);
    WSACleanup();
    return bad;
}

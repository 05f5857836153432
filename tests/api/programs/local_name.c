/*
 * Binds a datagram socket to this host's own address, which the empty name stands for, and tells it.
 *   local_name PORT
 */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bind_local(unsigned short port)
{
    struct hostent *self = gethostbyname("");
    struct sockaddr_in local;
    struct sockaddr_in told;
    int len = sizeof(told);
    SOCKET s;
    int bad;

    if (self == NULL || self->h_addrtype != AF_INET || self->h_length != 4) {
        printf("local_name: gethostbyname: %d\n", WSAGetLastError());
        return 1;
    }
    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    memcpy(&local.sin_addr, self->h_addr_list[0], 4);
    s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s == INVALID_SOCKET) {
        return 1;
    }
    bad = bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR ||
          getsockname(s, (struct sockaddr *)&told, &len) == SOCKET_ERROR || told.sin_port != local.sin_port ||
          told.sin_addr.s_addr != local.sin_addr.s_addr;
    printf("local_name: %s is %s: %d\n", self->h_name, inet_ntoa(local.sin_addr), bad ? WSAGetLastError() : 0);
    closesocket(s);
    return bad;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int bad;

    if (argc != 2) {
        printf("usage: %s PORT\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    bad = bind_local((unsigned short)atoi(argv[1]));
    WSACleanup();
    return bad;
}

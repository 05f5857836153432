/*
 * Joins a group for one source only: what another source sends is not heard, and nothing after leaving.
 *   source_group GROUP PORT INTERFACE OTHER     the last two are addresses of this host: who is heard, and who is not
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int change(SOCKET s, int option, const struct in_addr *group, const struct in_addr *source)
{
    IP_MREQ_SOURCE request;

    ZeroMemory(&request, sizeof(request));
    request.imr_multiaddr = *group;
    request.imr_sourceaddr = *source;
    request.imr_interface = *source;
    return setsockopt(s, IPPROTO_IP, option, (const char *)&request, sizeof(request));
}

static SOCKET bound(const struct in_addr *addr, unsigned short port)
{
    struct sockaddr_in local;
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);

    ZeroMemory(&local, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons(port);
    local.sin_addr = *addr;
    if (s != INVALID_SOCKET && bind(s, (struct sockaddr *)&local, sizeof(local)) == SOCKET_ERROR) {
        closesocket(s);
        s = INVALID_SOCKET;
    }
    return s;
}

/* A byte from a source to the group, through the source's interface. */
static int say(const struct in_addr *source, const struct sockaddr_in *group, char byte)
{
    SOCKET s = bound(source, 0);
    int bad;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    bad = setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, (const char *)source, sizeof(*source)) == SOCKET_ERROR ||
          sendto(s, &byte, 1, 0, (const struct sockaddr *)group, sizeof(*group)) != 1;
    if (bad) {
        printf("source_group: send: %d\n", WSAGetLastError());
    }
    closesocket(s);
    return bad;
}

static int hears(SOCKET s, char wanted)
{
    char byte = 0;
    return recv(s, &byte, 1, 0) == 1 && byte == wanted;
}

static int run(const struct sockaddr_in *group, const struct in_addr *heard, const struct in_addr *other)
{
    struct in_addr any = {0};
    int limit = 500;
    SOCKET s = bound(&any, ntohs(group->sin_port));
    int bad;

    if (s == INVALID_SOCKET ||
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof(limit)) == SOCKET_ERROR ||
        change(s, IP_ADD_SOURCE_MEMBERSHIP, &group->sin_addr, heard) == SOCKET_ERROR) {
        printf("source_group: %d\n", WSAGetLastError());
        return 1;
    }
    bad = say(other, group, 'a') != 0 || say(heard, group, 'b') != 0 || !hears(s, 'b');
    bad = bad != 0 || change(s, IP_DROP_SOURCE_MEMBERSHIP, &group->sin_addr, heard) == SOCKET_ERROR ||
          say(heard, group, 'c') != 0 || hears(s, 'c') || WSAGetLastError() != WSAETIMEDOUT;
    if (bad) {
        printf("source_group: heard what it should not, or nothing: %d\n", WSAGetLastError());
    }
    closesocket(s);
    return bad;
}

int main(int argc, char **argv)
{
    struct sockaddr_in group;
    struct in_addr heard;
    struct in_addr other;
    WSADATA data;
    int bad;

    if (argc != 5) {
        printf("usage: %s GROUP PORT INTERFACE OTHER\n", argv[0]);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    ZeroMemory(&group, sizeof(group));
    group.sin_family = AF_INET;
    group.sin_port = htons((unsigned short)atoi(argv[2]));
    group.sin_addr.s_addr = inet_addr(argv[1]);
    heard.s_addr = inet_addr(argv[3]);
    other.s_addr = inet_addr(argv[4]);
    bad = run(&group, &heard, &other);
    WSACleanup();
    return bad;
}

/*
 * A Winsock client that does not care for the address family: sends a message and expects it back.
 *   multi_client ADDRESS PORT TCP|UDP
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM 64

int main(int argc, char **argv)
{
    WSADATA data;
    struct addrinfo hints, *found;
    char out[ROOM], in[ROOM], name[NI_MAXHOST];
    SOCKADDR_STORAGE peer;
    int peerlen = sizeof(peer);
    DWORD timeout_ms = 3000;
    int result, length;
    SOCKET s;

    if (argc < 4 || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 1;
    }
    ZeroMemory(&hints, sizeof(hints));
    hints.ai_family = PF_UNSPEC;
    hints.ai_socktype = _stricmp(argv[3], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    result = getaddrinfo(argv[1], argv[2], &hints, &found);
    if (result != 0) {
        fprintf(stderr, "client: getaddrinfo: %d %s\n", result, gai_strerror(result));
        WSACleanup();
        return 1;
    }
    s = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    result = 1;
    if (s != INVALID_SOCKET && setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout_ms, sizeof(timeout_ms)) == 0 &&
        connect(s, found->ai_addr, (int)found->ai_addrlen) == 0 && getpeername(s, (LPSOCKADDR)&peer, &peerlen) == 0 &&
        getnameinfo((LPSOCKADDR)&peer, peerlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST) == 0) {
        sprintf_s(out, sizeof(out), "Message #%u", 1);
        length = (int)strlen(out) + 1;
        if (send(s, out, length, 0) == length && recv(s, in, ROOM, 0) == length) {
            printf("client: %s came back from %s\n", in, name);
            result = strcmp(in, out) != 0;
        }
    }
    if (result != 0) {
        fprintf(stderr, "client: %s %s: error %d\n", argv[1], argv[3], WSAGetLastError());
    }
    freeaddrinfo(found);
    if (s != INVALID_SOCKET) {
        closesocket(s);
    }
    WSACleanup();
    return result;
}

#include "t_sock.h"

#include <stdio.h>
#include <string.h>

#define PIECE 16384u

void t_startup(void)
{
    WSADATA data;
    t_last_error = WSAGetLastError;
    T_NEED(WSAStartup(MAKEWORD(2, 2), &data) == 0);
}

struct sockaddr_in t_addr(const char *ip, u_short port)
{
    struct sockaddr_in addr;
    memset(&addr, 0, sizeof addr);
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = inet_addr(ip);
    addr.sin_port = htons(port);
    return addr;
}

SOCKET t_listener(const char *ip, u_short *port)
{
    struct sockaddr_in addr = t_addr(ip, 0);
    int bytes = sizeof addr;
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(bind(s, (struct sockaddr *)&addr, bytes) == 0);
    T_NEED(listen(s, 16) == 0);
    T_NEED(getsockname(s, (struct sockaddr *)&addr, &bytes) == 0);
    *port = ntohs(addr.sin_port);
    return s;
}

SOCKET t_connected(const char *ip, u_short port)
{
    struct sockaddr_in addr = t_addr(ip, port);
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(connect(s, (struct sockaddr *)&addr, sizeof addr) == 0);
    return s;
}

void t_pair(const char *net, SOCKET ends[2])
{
    char one[32];
    char other[32];
    struct sockaddr_in addr;
    u_short port;
    (void)snprintf(one, sizeof one, "%s.1", net);
    (void)snprintf(other, sizeof other, "%s.2", net);
    SOCKET listener = t_listener(other, &port);
    ends[0] = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    T_NEED(ends[0] != INVALID_SOCKET);
    addr = t_addr(one, 0);
    T_NEED(bind(ends[0], (struct sockaddr *)&addr, sizeof addr) == 0);
    addr = t_addr(other, port);
    T_NEED(connect(ends[0], (struct sockaddr *)&addr, sizeof addr) == 0);
    ends[1] = accept(listener, NULL, NULL);
    T_NEED(ends[1] != INVALID_SOCKET);
    T_NEED(closesocket(listener) == 0);
    for (int i = 0; i < 2; i++) {
        BOOL on = TRUE;
        T_NEED(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on) == 0);
    }
}

char t_byte(uint64_t at)
{
    return (char)(at * 7 + (at >> 8) + (at >> 19));
}

void t_send(SOCKET s, uint64_t at, size_t bytes)
{
    static _Thread_local char room[PIECE];
    while (bytes > 0) {
        int piece = (int)(bytes < PIECE ? bytes : PIECE);
        for (int i = 0; i < piece; i++) {
            room[i] = t_byte(at + (uint64_t)i);
        }
        int done = send(s, room, piece, 0);
        T_NEED(done > 0 && done <= piece);
        at += (uint64_t)done;
        bytes -= (size_t)done;
    }
}

void t_recv(SOCKET s, uint64_t at, size_t bytes)
{
    static _Thread_local char room[PIECE];
    while (bytes > 0) {
        int piece = (int)(bytes < PIECE ? bytes : PIECE);
        int done = recv(s, room, piece, 0);
        T_NEED(done > 0 && done <= piece);
        for (int i = 0; i < done; i++) {
            T_NEED(room[i] == t_byte(at + (uint64_t)i));
        }
        at += (uint64_t)done;
        bytes -= (size_t)done;
    }
}

void t_transfer(const SOCKET ends[2], size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PIECE) {
        size_t piece = bytes - at < PIECE ? bytes - at : PIECE;
        for (int side = 0; side < 2; side++) {
            t_send(ends[side], at, piece);
            t_recv(ends[!side], at, piece);
        }
    }
}

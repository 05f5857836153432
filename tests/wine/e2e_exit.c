/*
 * Ends in one of many ways, most of them without closing a socket and without WSACleanup. Standard Winsock.
 *
 *   e2e_exit --at ADDR:PORT --how WAY [--count 4] [--self 0] [--settle-ms 200]
 *
 * Connects count times to a peer that greets each connection with "hello" and then reads; self 1: the peer are threads of
 * this program, which listens there. Prints "ending" and ends with status 7; settle-ms is how long threads run before:
 *
 *   return      from main
 *   exit        by ExitProcess, from another thread, while main sleeps
 *   recv        while a thread blocks in recv on each connection
 *   select      while a thread blocks in select on all of them
 *   overlapped  with a receive pending on each
 *   flow        while a thread sends on each without end
 *   terminate   by TerminateProcess: nothing of this process runs any more
 *   cleanup     in good order: 1 MiB sent on each, closesocket, WSACleanup at once
 *   close       the same without WSACleanup
 */
#include "prog.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS 7
#define COUNT_MAX 32
#define SENT_BYTES (1 << 20)

struct way {
    const char *name;
    int (*end)(SOCKET *sockets, int count);
};

static const char greeting[] = "hello";
static SOCKET listener;
static SOCKET all[COUNT_MAX + 1];
static SOCKET peers[COUNT_MAX];
static uint64_t settle_ms = 200;

static DWORD WINAPI recv_blocked(LPVOID at)
{
    char data[16];
    SOCKET s = *(const SOCKET *)at;

    (void)recv(s, data, (int)sizeof(data), 0);
    /* Nothing may come: this thread outlives no reason to return but the end of the process. */
    (void)fprintf(stderr, "e2e_exit: recv returned, %d\n", WSAGetLastError());
    return 0;
}

static DWORD WINAPI select_blocked(LPVOID at)
{
    const SOCKET *sockets = at;
    fd_set set;

    FD_ZERO(&set);
    for (int i = 0; sockets[i] != INVALID_SOCKET; i++) {
        FD_SET(sockets[i], &set);
    }
    (void)select(0, &set, NULL, NULL, NULL);
    return 0;
}

static DWORD WINAPI leave(LPVOID unused)
{
    (void)unused;
    ExitProcess(STATUS);
}

static int thread_start(LPTHREAD_START_ROUTINE run, void *context)
{
    if (CreateThread(NULL, 0, run, context, 0, NULL) == NULL) {
        (void)fprintf(stderr, "e2e_exit: no thread\n");
        return -1;
    }
    return 0;
}

static DWORD WINAPI drain(LPVOID at)
{
    char *data = malloc(65536);

    while (data != NULL && recv(*(const SOCKET *)at, data, 65536, 0) > 0) {
    }
    free(data);
    return 0;
}

static DWORD WINAPI greet(LPVOID count)
{
    for (int i = 0; i < *(const int *)count; i++) {
        peers[i] = bench_accept(listener);
        if (peers[i] == INVALID_SOCKET || bench_send_all(peers[i], greeting, sizeof(greeting) - 1) != 0 ||
            thread_start(drain, &peers[i]) != 0) {
            (void)bench_fail("e2e_exit", "greet");
            return 1;
        }
    }
    return 0;
}

static DWORD WINAPI send_on(LPVOID at)
{
    static char data[65536];

    while (send(*(const SOCKET *)at, data, (int)sizeof(data), 0) > 0) {
    }
    return 0;
}

static int end_return(SOCKET *sockets, int count)
{
    (void)sockets;
    (void)count;
    return STATUS;
}

static int end_exit(SOCKET *sockets, int count)
{
    (void)sockets;
    (void)count;
    if (thread_start(leave, NULL) == 0) {
        Sleep(INFINITE);
    }
    return 1;
}

static int end_recv(SOCKET *sockets, int count)
{
    for (int i = 0; i < count; i++) {
        if (thread_start(recv_blocked, &sockets[i]) != 0) {
            return 1;
        }
    }
    Sleep((DWORD)settle_ms);
    return STATUS;
}

static int end_select(SOCKET *sockets, int count)
{
    (void)count;
    if (thread_start(select_blocked, sockets) != 0) {
        return 1;
    }
    Sleep((DWORD)settle_ms);
    return STATUS;
}

static int end_overlapped(SOCKET *sockets, int count)
{
    static WSAOVERLAPPED overlapped[COUNT_MAX];
    static char room[COUNT_MAX][64];

    for (int i = 0; i < count; i++) {
        WSABUF buf = {sizeof(room[i]), room[i]};
        DWORD flags = 0;
        overlapped[i].hEvent = WSACreateEvent();
        if (WSARecv(sockets[i], &buf, 1, NULL, &flags, &overlapped[i], NULL) == 0 ||
            WSAGetLastError() != WSA_IO_PENDING) {
            return bench_fail("e2e_exit", "WSARecv did not stay pending");
        }
    }
    return STATUS;
}

static int end_flow(SOCKET *sockets, int count)
{
    for (int i = 0; i < count; i++) {
        if (thread_start(send_on, &sockets[i]) != 0) {
            return 1;
        }
    }
    Sleep((DWORD)settle_ms);
    return STATUS;
}

static int end_terminate(SOCKET *sockets, int count)
{
    (void)sockets;
    (void)count;
    (void)TerminateProcess(GetCurrentProcess(), STATUS);
    return 1;
}

static int send_and_close(SOCKET *sockets, int count)
{
    static char data[SENT_BYTES];

    for (int i = 0; i < count; i++) {
        if (bench_send_all(sockets[i], data, sizeof(data)) != 0 || closesocket(sockets[i]) != 0) {
            return bench_fail("e2e_exit", "send or closesocket");
        }
    }
    return 0;
}

static int end_close(SOCKET *sockets, int count)
{
    return send_and_close(sockets, count) == 0 ? STATUS : 1;
}

static int end_cleanup(SOCKET *sockets, int count)
{
    if (send_and_close(sockets, count) != 0) {
        return 1;
    }
    return WSACleanup() == 0 ? STATUS : bench_fail("e2e_exit", "WSACleanup");
}

static const struct way ways[] = {
    {"return", end_return},         {"exit", end_exit}, {"recv", end_recv},           {"select", end_select},
    {"overlapped", end_overlapped}, {"flow", end_flow}, {"terminate", end_terminate}, {"cleanup", end_cleanup},
    {"close", end_close},
};

static int all_connect(const char *at, int count)
{
    for (int i = 0; i < count; i++) {
        char data[sizeof(greeting)] = "";
        all[i] = bench_connect(at, NULL, 0);
        if (all[i] == INVALID_SOCKET) {
            return -1;
        }
        if (bench_recv_all(all[i], data, sizeof(greeting) - 1) != 0 || strcmp(data, greeting) != 0) {
            return -bench_fail("e2e_exit", "greeting");
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *at = NULL;
    const char *how = "";
    uint64_t wanted = 4;
    uint64_t self = 0;
    const struct bench_opt opts[] = {
        {"at", &at, NULL, 0, 0},
        {"how", &how, NULL, 0, 0},
        {"count", NULL, &wanted, 1, COUNT_MAX},
        {"self", NULL, &self, 0, 1},
        {"settle-ms", NULL, &settle_ms, 0, 10000},
    };
    static int count;
    const struct way *way = NULL;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("e2e_exit") != 0) {
        return 2;
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        way = strcmp(ways[i].name, how) == 0 ? &ways[i] : way;
    }
    if (way == NULL) {
        (void)fprintf(stderr, "e2e_exit: --how: %s\n", how);
        return 2;
    }
    count = (int)wanted;
    for (int i = 0; i <= COUNT_MAX; i++) {
        all[i] = INVALID_SOCKET;
    }
    if (self != 0) {
        listener = bench_listen(at, 0);
        if (listener == INVALID_SOCKET || thread_start(greet, &count) != 0) {
            return 1;
        }
    }
    if (all_connect(at, count) != 0) {
        return 1;
    }
    (void)printf("ending\n");
    (void)fflush(stdout);
    return way->end(all, count);
}

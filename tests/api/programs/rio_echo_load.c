/*
 * The load for rio_echo, with ordinary calls: numbered datagrams of 1 to 1472 bytes, a window at a time, repeated until they
 * are answered; empty ones, and some that are longer than the server's slices. Says "stop" at the end.
 *   rio_echo_load LOCAL ADDRESS PORT DATAGRAMS
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 64
#define LONGEST 1472
#define TOO_LONG 3000
#define SLICE 2048 /* the server's */
#define TRIES 100

static SOCKET s;
static unsigned long repeated, doubled;

static int size_of(unsigned number)
{
    return 5 + (int)(number * 37 % (LONGEST - 5 + 1));
}

static void fill(char *data, int size, unsigned number)
{
    for (int i = 0; i < size; i++)
        data[i] = (char)(number * 31 + (unsigned)i);
    data[0] = 'n';
    memcpy(data + 1, &number, sizeof(number));
}

/* 0: the window is answered. */
static int window(unsigned first, unsigned count)
{
    char data[SLICE + 64], expected[LONGEST];
    unsigned char answers[WINDOW] = {0};
    unsigned open = count;

    for (int tries = 0; open > 0 && tries < TRIES; tries++) {
        for (unsigned i = 0; i < count; i++)
            if (answers[i] == 0) {
                fill(data, size_of(first + i), first + i);
                send(s, data, size_of(first + i), 0);
                repeated += tries > 0;
            }
        while (open > 0) {
            int got = recv(s, data, sizeof(data), 0);
            unsigned number;

            if (got == SOCKET_ERROR)
                break; /* the time is over */
            if (got < 5 || data[0] != 'n')
                continue; /* of an earlier kind */
            memcpy(&number, data + 1, sizeof(number));
            if (number - first >= count)
                continue; /* a repetition of an earlier window */
            fill(expected, size_of(number), number);
            if (got != size_of(number) || memcmp(data, expected, (size_t)got) != 0) {
                printf("rio_echo_load: %u came back otherwise\n", number);
                return 1;
            }
            doubled += answers[number - first] != 0 && tries == 0;
            open -= answers[number - first] == 0;
            answers[number - first] = 1;
        }
    }
    return open != 0;
}

/* One that is not numbered: asked until its answer comes. 0: it came. */
static int ask(const char *data, int size, int answer)
{
    static char got[TOO_LONG];

    for (int tries = 0; tries < TRIES; tries++) {
        send(s, data, size, 0);
        for (int bytes = recv(s, got, sizeof(got), 0); bytes != SOCKET_ERROR; bytes = recv(s, got, sizeof(got), 0))
            if (bytes == answer && memcmp(got, data, (size_t)answer) == 0)
                return 0;
    }
    printf("rio_echo_load: no answer to one of %d bytes\n", size);
    return 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in local, server;
    static char longer[TOO_LONG];
    DWORD timeout = 60;
    unsigned count;
    WSADATA data;
    int failed;

    if (argc != 5 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = inet_addr(argv[1]);
    server = local;
    server.sin_addr.s_addr = inet_addr(argv[2]);
    server.sin_port = htons((u_short)atoi(argv[3]));
    count = (unsigned)atoi(argv[4]);
    repeated = doubled = 0;
    memset(longer, 'L', sizeof(longer));
    s = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    failed = s == INVALID_SOCKET || bind(s, (struct sockaddr *)&local, sizeof(local)) != 0 ||
             connect(s, (struct sockaddr *)&server, sizeof(server)) != 0 ||
             setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout, sizeof(timeout)) != 0;
    failed = failed || ask("?", 1, 1); /* the server is there */
    for (unsigned at = 0; at < count && !failed; at += WINDOW)
        failed = window(at, count - at < WINDOW ? count - at : WINDOW);
    for (int i = 0; i < 3 && !failed; i++)
        failed = ask("", 0, 0) || ask(longer, TOO_LONG, SLICE);
    failed = ask("stop", 4, 4) || failed;
    printf("rio_echo_load: %u datagrams, repeated %lu, doubled %lu: %s\n", count, repeated, doubled,
           failed ? "failed" : "equal");
    fflush(stdout);
    closesocket(s);
    WSACleanup();
    return failed || doubled != 0;
}

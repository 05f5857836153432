/*
 * What rio_market receives from, with ordinary calls: waits for its connection, sends every message to both groups, and takes
 * the orders, which must come without a hole.
 *   rio_exchange ADDRESS GROUP_A GROUP_B PORT EXCHANGE_PORT MESSAGES
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_BYTES 16
#define BURST 16 /* messages, then a moment */

static SOCKET feed;
static struct sockaddr_in groups[2];
static unsigned messages;

static DWORD WINAPI send_all(LPVOID unused)
{
    (void)unused;
    for (unsigned i = 0; i < messages; i++) {
        unsigned text[2];

        text[0] = i;
        text[1] = messages;
        for (int g = 0; g < 2; g++)
            if (sendto(feed, (const char *)text, sizeof(text), 0, (struct sockaddr *)&groups[g], sizeof(groups[g])) !=
                sizeof(text))
                return 1;
        if (i % BURST == BURST - 1)
            Sleep(1);
    }
    return 0;
}

/* 0: so many orders came in their order, then the end. */
static int take_orders(SOCKET s, unsigned *orders)
{
    char order[ORDER_BYTES];
    int have = 0;

    for (;;) {
        int part = recv(s, order + have, ORDER_BYTES - have, 0);
        unsigned number;

        if (part <= 0)
            return part != 0 || have != 0;
        have += part;
        if (have < ORDER_BYTES)
            continue;
        memcpy(&number, order, sizeof(number));
        if (number != *orders || order[4] != 'o' || order[ORDER_BYTES - 1] != 'o')
            return 1;
        ++*orders;
        have = 0;
    }
}

int main(int argc, char **argv)
{
    SOCKET listener, market;
    struct sockaddr_in local;
    unsigned orders = 0;
    DWORD sent = 1;
    WSADATA data;
    HANDLE thread;
    char begin[8];
    int failed, ttl = 4;

    if (argc != 7 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = inet_addr(argv[1]);
    feed = WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    failed = bind(feed, (struct sockaddr *)&local, sizeof(local)) != 0 ||
             setsockopt(feed, IPPROTO_IP, IP_MULTICAST_IF, (const char *)&local.sin_addr, sizeof(local.sin_addr)) !=
                 0 ||
             setsockopt(feed, IPPROTO_IP, IP_MULTICAST_TTL, (const char *)&ttl, sizeof(ttl)) != 0;
    for (int g = 0; g < 2; g++) {
        groups[g] = local;
        groups[g].sin_addr.s_addr = inet_addr(argv[2 + g]);
        groups[g].sin_port = htons((u_short)atoi(argv[4]));
    }
    messages = (unsigned)atoi(argv[6]);
    local.sin_port = htons((u_short)atoi(argv[5]));
    listener = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    failed = failed || bind(listener, (struct sockaddr *)&local, sizeof(local)) != 0 || listen(listener, 4) != 0;
    market = failed ? INVALID_SOCKET : accept(listener, NULL, NULL);
    failed = market == INVALID_SOCKET || recv(market, begin, 5, MSG_WAITALL) != 5 || memcmp(begin, "begin", 5) != 0;
    if (!failed) {
        thread = CreateThread(NULL, 0, send_all, NULL, 0, NULL);
        failed = take_orders(market, &orders);
        WaitForSingleObject(thread, INFINITE);
        failed = !GetExitCodeThread(thread, &sent) || sent != 0 || failed;
        CloseHandle(thread);
    }
    closesocket(market);
    closesocket(listener);
    closesocket(feed);
    printf("rio_exchange: %u messages, %u orders: %s\n", messages, orders, failed ? "failed" : "in order");
    fflush(stdout);
    WSACleanup();
    return failed || orders == 0;
}

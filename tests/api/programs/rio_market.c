/*
 * Registered I/O by events: a receiver of market data. One socket hears two groups that carry the same messages, A and B; the
 * first of each number counts. A ring of receives is kept full, with the addresses and the facts of each datagram. Now and then
 * some orders are sent by TCP, deferred, all but the last of them without a notification; another thread commits every
 * millisecond.
 *   rio_market INTERFACE GROUP_A GROUP_B PORT EXCHANGE EXCHANGE_PORT GAPS
 * Ends with the last message; 0 if no more than GAPS messages are missing, everything completed, and no rule was broken.
 *
 * A message is its number (4 bytes, from 0) and the number of messages. An order is ORDER_BYTES with its number in front.
 */
#include "rio_common.h"

#define RECEIVES 512
#define SLICE 64
#define CONTROL 64
#define ORDERS 64
#define ORDER_BYTES 16
#define ADDRESSES_AT (RECEIVES * SLICE)
#define CONTROL_AT (ADDRESSES_AT + RECEIVES * 32)
#define ORDERS_AT (CONTROL_AT + RECEIVES * CONTROL)
#define REGION (ORDERS_AT + ORDERS * ORDER_BYTES)
#define EVERY 100 /* messages for a decision */
#define MESSAGES_MAX (1u << 20)
#define SILENCE_MS 5000

static struct market {
    SOCKET feed, exchange;
    RIO_CQ rx, tx;
    RIO_RQ feed_rq, exchange_rq;
    CRITICAL_SECTION tx_lock; /* not for the commits: they may come at any time */
    HANDLE event;
    RIO_BUFFERID id;
    char *region;
    struct in_addr groups[2];
    unsigned char *seen;
    unsigned total, new, next; /* messages: all, seen, the next in order */
    unsigned long by[2], twice, late, wakes, empty;
    unsigned orders, orders_done;
    volatile LONG over;
} market;

static RIO_BUF slice(unsigned offset, unsigned length)
{
    RIO_BUF buf;

    buf.BufferId = market.id;
    buf.Offset = offset;
    buf.Length = length;
    return buf;
}

static void receive_into(unsigned at)
{
    RIO_BUF data = slice(at * SLICE, SLICE), from = slice(ADDRESSES_AT + at * 32, IPV4_ROOM);
    RIO_BUF control = slice(CONTROL_AT + at * CONTROL, CONTROL);

    if (!rio.RIOReceiveEx(market.feed_rq, &data, 1, NULL, &from, &control, NULL, RIO_MSG_DEFER, (PVOID)(ULONG_PTR)at))
        fault("RIOReceiveEx", (long)at);
}

/* Which group a datagram was sent to, by its packet information; -1: a fault. */
static int group_of(unsigned at)
{
    RIO_CMSG_BUFFER *buffer = (RIO_CMSG_BUFFER *)(void *)(market.region + CONTROL_AT + at * CONTROL);
    const ULONG base = (ULONG)sizeof(void *), one = (ULONG)sizeof(WSACMSGHDR) + 8;
    WSACMSGHDR *header = (WSACMSGHDR *)(void *)((char *)buffer + base);

    if (buffer->TotalLength != base + one) {
        fault("TotalLength", (long)buffer->TotalLength);
        return -1;
    }
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO || header->cmsg_len != one) {
        fault("not the packet information", (long)header->cmsg_type);
        return -1;
    }
    for (int i = 0; i < 2; i++)
        if (memcmp(header + 1, &market.groups[i], 4) == 0)
            return i;
    fault("another group", 0);
    return -1;
}

static void take_sent(void)
{
    RIORESULT results[ORDERS];
    ULONG count = rio.RIODequeueCompletion(market.tx, results, ORDERS);

    if (count == RIO_CORRUPT_CQ) {
        fault("RIODequeueCompletion", 0);
        return;
    }
    for (ULONG i = 0; i < count; i++) {
        if (results[i].RequestContext != market.orders_done || results[i].Status != 0 ||
            results[i].BytesTransferred != ORDER_BYTES)
            fault("an order was not sent", (long)results[i].Status);
        market.orders_done++;
    }
}

/* One to eight orders that leave together. */
static void decide(unsigned number)
{
    unsigned count = 1 + number / EVERY % 8;

    EnterCriticalSection(&market.tx_lock);
    take_sent();
    for (unsigned i = 0; i < count && market.orders - market.orders_done < ORDERS; i++) {
        unsigned at = ORDERS_AT + market.orders % ORDERS * ORDER_BYTES;
        RIO_BUF data = slice(at, ORDER_BYTES);
        int last = i + 1 == count || market.orders + 1 - market.orders_done == ORDERS;

        memset(market.region + at, 'o', ORDER_BYTES);
        memcpy(market.region + at, &market.orders, sizeof(market.orders));
        if (rio.RIOSend(market.exchange_rq, &data, 1, last ? 0 : RIO_MSG_DEFER | RIO_MSG_DONT_NOTIFY,
                        (PVOID)(ULONG_PTR)market.orders))
            market.orders++;
        else
            fault("RIOSend", (long)market.orders);
    }
    LeaveCriticalSection(&market.tx_lock);
}

static void handle(const RIORESULT *result)
{
    unsigned at = (unsigned)result->RequestContext, number, total;
    int group;

    if (at >= RECEIVES || result->Status != 0 || result->BytesTransferred != 8) {
        fault("a receive failed", (long)result->Status);
        return;
    }
    group = group_of(at);
    memcpy(&number, market.region + at * SLICE, 4);
    memcpy(&total, market.region + at * SLICE + 4, 4);
    receive_into(at);
    if (group < 0 || total > MESSAGES_MAX || number >= total)
        return;
    market.total = total;
    market.by[group]++;
    if (market.seen[number]) {
        market.twice++;
        return;
    }
    market.seen[number] = 1;
    market.new ++;
    market.late += number < market.next;
    if (number >= market.next)
        market.next = number + 1;
    if (number % EVERY == 0)
        decide(number);
}

/* Everything that is there, the ring filled again. */
static unsigned long drain(void)
{
    RIORESULT results[128];
    unsigned long all = 0;
    ULONG count;

    while ((count = rio.RIODequeueCompletion(market.rx, results, 128)) > 0) {
        if (count == RIO_CORRUPT_CQ) {
            fault("RIODequeueCompletion", 0);
            break;
        }
        for (ULONG i = 0; i < count; i++)
            handle(&results[i]);
        if (!rio.RIOReceive(market.feed_rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
            fault("committing", 0);
        all += count;
    }
    return all;
}

static void watch(void)
{
    while (faults == 0 && (market.total == 0 || market.next < market.total)) {
        int code = rio.RIONotify(market.rx);

        if (code != 0 && code != WSAEALREADY)
            fault("RIONotify", (long)code);
        if (WaitForSingleObject(market.event, SILENCE_MS) != WAIT_OBJECT_0) {
            if (drain() > 0)
                fault("messages that the event did not tell of", 0);
            break; /* the feed is over, the last message was lost */
        }
        market.wakes++;
        market.empty += drain() == 0;
    }
    Sleep(50); /* what is late */
    drain();
}

static DWORD WINAPI commit(LPVOID unused)
{
    (void)unused;
    while (!market.over) {
        if (!rio.RIOSend(market.exchange_rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
            fault("COMMIT_ONLY", 0);
        Sleep(1);
    }
    return 0;
}

static int feed_open(char **argv)
{
    struct sockaddr_in local;
    struct ip_mreq member;
    BOOL on = TRUE;
    int room = 1 << 20;

    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons((u_short)atoi(argv[4]));
    market.feed = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    if (market.feed == INVALID_SOCKET || bind(market.feed, (struct sockaddr *)&local, sizeof(local)) != 0 ||
        setsockopt(market.feed, IPPROTO_IP, IP_PKTINFO, (const char *)&on, sizeof(on)) != 0)
        return 1;
    (void)setsockopt(market.feed, SOL_SOCKET, SO_RCVBUF, (const char *)&room, sizeof(room));
    for (int i = 0; i < 2; i++) {
        member.imr_interface.s_addr = inet_addr(argv[1]);
        member.imr_multiaddr.s_addr = inet_addr(argv[2 + i]);
        market.groups[i] = member.imr_multiaddr;
        if (setsockopt(market.feed, IPPROTO_IP, IP_ADD_MEMBERSHIP, (const char *)&member, sizeof(member)) != 0)
            return 1;
    }
    return 0;
}

static int exchange_open(char **argv)
{
    struct sockaddr_in local, peer;
    BOOL on = TRUE;
    int connected = SOCKET_ERROR;

    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = inet_addr(argv[1]);
    peer = local;
    peer.sin_addr.s_addr = inet_addr(argv[5]);
    peer.sin_port = htons((u_short)atoi(argv[6]));
    for (int tries = 0; tries < 100 && connected != 0; tries++) {
        market.exchange = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
        if (bind(market.exchange, (struct sockaddr *)&local, sizeof(local)) != 0)
            return 1;
        (void)setsockopt(market.exchange, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
        connected = connect(market.exchange, (struct sockaddr *)&peer, sizeof(peer));
        if (connected != 0) {
            closesocket(market.exchange);
            Sleep(50);
        }
    }
    return connected;
}

static int queues_open(void)
{
    RIO_NOTIFICATION_COMPLETION notify;

    market.event = WSACreateEvent();
    notify.Type = RIO_EVENT_COMPLETION;
    notify.Event.EventHandle = market.event;
    notify.Event.NotifyReset = TRUE;
    market.rx = rio.RIOCreateCompletionQueue(RECEIVES, &notify);
    market.tx = rio.RIOCreateCompletionQueue(ORDERS, NULL);
    market.feed_rq = rio.RIOCreateRequestQueue(market.feed, RECEIVES, 1, 0, 1, market.rx, market.tx, NULL);
    market.exchange_rq = rio.RIOCreateRequestQueue(market.exchange, 0, 1, ORDERS, 1, market.rx, market.tx, NULL);
    if (market.feed_rq == RIO_INVALID_RQ || market.exchange_rq == RIO_INVALID_RQ)
        return 1;
    for (unsigned i = 0; i < RECEIVES; i++)
        receive_into(i);
    return !rio.RIOReceive(market.feed_rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL);
}

/* The orders have left; the exchange learns that there are no more. */
static void finish(void)
{
    char byte;

    for (int naps = 0; market.orders_done < market.orders && naps < 1000; naps++) {
        take_sent();
        Sleep(5);
    }
    if (market.orders_done < market.orders)
        fault("orders were lost", (long)(market.orders - market.orders_done));
    if (shutdown(market.exchange, SD_SEND) != 0 || recv(market.exchange, &byte, 1, 0) != 0)
        fault("the exchange did not end", 0);
}

int main(int argc, char **argv)
{
    HANDLE thread;
    WSADATA data;
    long gaps = 0;

    if (argc != 8 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    faults = 0;
    memset(&market, 0, sizeof(market));
    InitializeCriticalSection(&market.tx_lock);
    market.seen = calloc(MESSAGES_MAX, 1);
    if (feed_open(argv) != 0 || rio_functions(market.feed) != 0 || exchange_open(argv) != 0 ||
        (market.region = region_open(REGION, &market.id)) == NULL || market.seen == NULL || queues_open() != 0) {
        fault("it does not begin", 0);
        return 1;
    }
    thread = CreateThread(NULL, 0, commit, NULL, 0, NULL);
    if (send(market.exchange, "begin", 5, 0) != 5) /* an ordinary call beside the queue */
        fault("send", 0);
    watch();
    market.over = 1;
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    finish();
    gaps = (long)market.total - (long)market.new;
    if (market.total == 0 || gaps > atol(argv[7]))
        fault("messages are missing", gaps);
    closesocket(market.feed);
    closesocket(market.exchange);
    rio.RIOCloseCompletionQueue(market.rx);
    rio.RIOCloseCompletionQueue(market.tx);
    region_close(market.region, market.id);
    WSACloseEvent(market.event);
    free(market.seen);
    DeleteCriticalSection(&market.tx_lock);
    printf(
        "rio_market: messages %u of %u, A %lu, B %lu, twice %lu, late %lu, orders %u, wakes %lu (%lu empty), faults %d\n",
        market.new, market.total, market.by[0], market.by[1], market.twice, market.late, market.orders_done,
        market.wakes, market.empty, faults);
    fflush(stdout);
    WSACleanup();
    return faults == 0 ? 0 : 1;
}

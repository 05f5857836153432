/*
 * Registered I/O, polled: a datagram echo. 1024 receives are outstanding, with the sender's address; what comes is sent back
 * from where it lies, a batch at a time. A datagram "stop" ends it when its echo has left.
 *   rio_echo ADDRESS PORT
 * Ends with 0 if every request completed exactly once and no rule was broken.
 */
#include "rio_common.h"

#define SLICES 1024
#define SLICE 2048
#define CONTROL 64
#define REGION (4u << 20)
#define ADDRESSES_AT (SLICES * SLICE)
#define CONTROL_AT (ADDRESSES_AT + SLICES * 32)
#define BATCH 128
#define EMPTY_LOOKS 400 /* then the processor is left to others for a moment */

enum state { IDLE, RECEIVING, SENDING };

static struct echo {
    SOCKET s;
    RIO_CQ cq;
    RIO_RQ rq;
    RIO_BUFFERID id;
    char *region;
    enum state states[SLICES];
    unsigned long received, echoed, cut, dequeues, aborted;
    int stopping; /* 1: "stop" came, 2: its echo has left */
    unsigned stop_slice;
} echo;

static RIO_BUF slice(unsigned offset, unsigned length)
{
    RIO_BUF buf;

    buf.BufferId = echo.id;
    buf.Offset = offset;
    buf.Length = length;
    return buf;
}

static BOOL receive_into(unsigned at)
{
    RIO_BUF data = slice(at * SLICE, SLICE), from = slice(ADDRESSES_AT + at * 32, IPV4_ROOM);
    RIO_BUF control = slice(CONTROL_AT + at * CONTROL, CONTROL);
    BOOL posted = rio.RIOReceiveEx(echo.rq, &data, 1, NULL, &from, &control, NULL, RIO_MSG_DEFER, (PVOID)(ULONG_PTR)at);

    if (posted)
        echo.states[at] = RECEIVING;
    return posted;
}

static void send_back(unsigned at, ULONG bytes)
{
    RIO_BUF data = slice(at * SLICE, bytes), to = slice(ADDRESSES_AT + at * 32, IPV4_ROOM);

    if (!rio.RIOSendEx(echo.rq, &data, 1, NULL, &to, NULL, NULL, RIO_MSG_DEFER, (PVOID)(ULONG_PTR)at)) {
        fault("RIOSendEx", (long)bytes);
        receive_into(at);
        return;
    }
    echo.states[at] = SENDING;
}

static void handle(const RIORESULT *result)
{
    unsigned at = (unsigned)result->RequestContext;
    int sent;

    if (at >= SLICES || echo.states[at] == IDLE || result->SocketContext != 4711) {
        fault("a completion of nothing", (long)at);
        return;
    }
    sent = echo.states[at] == SENDING;
    echo.states[at] = IDLE;
    if (sent) {
        echo.echoed += result->Status == 0;
        if (result->Status != 0)
            fault("a send failed", (long)result->Status);
        if (echo.stopping == 1 && at == echo.stop_slice)
            echo.stopping = 2;
        if (!receive_into(at))
            fault("RIOReceiveEx", (long)at);
        return;
    }
    if (result->Status == WSAEMSGSIZE ? result->BytesTransferred != SLICE : result->Status != 0)
        fault("a receive failed", (long)result->Status);
    echo.received++;
    echo.cut += result->Status == WSAEMSGSIZE;
    if (echo.stopping == 0 && result->BytesTransferred == 4 && memcmp(echo.region + at * SLICE, "stop", 4) == 0) {
        echo.stopping = 1;
        echo.stop_slice = at;
    }
    send_back(at, result->BytesTransferred);
}

static ULONG look(RIORESULT *results)
{
    ULONG count = rio.RIODequeueCompletion(echo.cq, results, BATCH);

    echo.dequeues++;
    if (count == RIO_CORRUPT_CQ) {
        fault("RIODequeueCompletion", 0);
        return 0;
    }
    return count;
}

static void serve(void)
{
    RIORESULT results[BATCH];
    unsigned empty = 0;

    while (echo.stopping < 2 && faults == 0) {
        ULONG count = look(results);

        for (ULONG i = 0; i < count; i++)
            handle(&results[i]);
        if (count > 0) {
            empty = 0;
            if (!rio.RIOSendEx(echo.rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_MSG_COMMIT_ONLY, NULL) ||
                !rio.RIOReceive(echo.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
                fault("committing", 0);
        } else if (++empty > EMPTY_LOOKS) {
            Sleep(1);
        }
    }
}

/* The queues are full to the last place, and a commit has no completion. */
static void check_limits(void)
{
    RIO_BUF data = slice(0, 16);
    RIORESULT result;

    if (rio.RIOReceive(echo.rq, &data, 1, 0, NULL) || WSAGetLastError() != WSAENOBUFS)
        fault("one receive too many", 0);
    if (!rio.RIOReceive(echo.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL) ||
        !rio.RIOSend(echo.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
        fault("COMMIT_ONLY", 0);
    if (rio.RIODequeueCompletion(echo.cq, &result, 1) == 0)
        return;
    if (result.BytesTransferred == 0)
        fault("COMMIT_ONLY completed", 0);
    else
        handle(&result); /* somebody was early */
}

/* After closesocket each outstanding request comes back once. */
static void drain(void)
{
    RIORESULT results[BATCH];
    unsigned outstanding = 0;

    for (unsigned i = 0; i < SLICES; i++)
        outstanding += echo.states[i] != IDLE;
    closesocket(echo.s);
    for (int naps = 0; outstanding > 0 && naps < 500; naps++) {
        ULONG count = look(results);

        for (ULONG i = 0; i < count; i++) {
            unsigned at = (unsigned)results[i].RequestContext;

            if (at >= SLICES || echo.states[at] == IDLE) {
                fault("it came back twice", (long)at);
                return;
            }
            echo.aborted += results[i].Status == WSA_OPERATION_ABORTED;
            echo.states[at] = IDLE;
            outstanding--;
        }
        if (count == 0)
            Sleep(10);
    }
    if (outstanding > 0)
        fault("requests were lost", (long)outstanding);
    if (look(results) != 0)
        fault("there are more completions than requests", 0);
}

static int begin(const char *address, const char *port)
{
    struct sockaddr_in local;
    int room = 1 << 20;

    memset(&echo, 0, sizeof(echo));
    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_port = htons((u_short)atoi(port));
    local.sin_addr.s_addr = inet_addr(address);
    echo.s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_REGISTERED_IO);
    if (echo.s == INVALID_SOCKET || bind(echo.s, (struct sockaddr *)&local, sizeof(local)) != 0) {
        fault("no socket", 0);
        return 1;
    }
    (void)setsockopt(echo.s, SOL_SOCKET, SO_RCVBUF, (const char *)&room, sizeof(room));
    if (rio_functions(echo.s) != 0)
        return 1;
    echo.region = region_open(REGION, &echo.id);
    if (echo.region == NULL)
        return 1;
    echo.cq = rio.RIOCreateCompletionQueue(2 * SLICES, NULL);
    echo.rq = rio.RIOCreateRequestQueue(echo.s, SLICES, 1, SLICES, 1, echo.cq, echo.cq, (PVOID)(ULONG_PTR)4711);
    if (echo.cq == RIO_INVALID_CQ || echo.rq == RIO_INVALID_RQ) {
        fault("no queues", 0);
        return 1;
    }
    for (unsigned i = 0; i < SLICES; i++)
        if (!receive_into(i))
            fault("RIOReceiveEx", (long)i);
    return 0;
}

int main(int argc, char **argv)
{
    WSADATA data;

    if (argc != 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    faults = 0;
    if (begin(argv[1], argv[2]) == 0) {
        check_limits();
        printf("rio_echo: ready\n");
        fflush(stdout);
        serve();
        drain();
        rio.RIOCloseCompletionQueue(echo.cq);
        region_close(echo.region, echo.id);
    }
    printf("rio_echo: received %lu, echoed %lu, cut %lu, aborted %lu, dequeues %lu, faults %d\n", echo.received,
           echo.echoed, echo.cut, echo.aborted, echo.dequeues, faults);
    fflush(stdout);
    WSACleanup();
    return faults == 0 ? 0 : 1;
}

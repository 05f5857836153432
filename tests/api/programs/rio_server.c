/*
 * Registered I/O with a completion port: a TCP server. AcceptEx and the notifications of the completion queues come by one
 * port; a worker locks the queue that it was told of, takes all completions, handles them, asks for the next notification.
 * A request is its length (4 bytes) and so many bytes; the response is the same with all bits of the bytes turned.
 *   rio_server ADDRESS PORT CONNECTIONS
 * Ends with 0 when so many connections came and went, every request completed once and no wake-up was lost.
 */
#include "rio_common.h"

#include <mstcpip.h>

#define WORKERS 2
#define PENDING 64 /* AcceptEx */
#define RECEIVES 2
#define SENDS 4
#define PIECE 1024
#define LONGEST 1000
#define INPUT 4096
#define CQ_FIRST 48
#define NAME_ROOM (sizeof(SOCKADDR_STORAGE) + 16)
#define SLICES_OF_ONE (RECEIVES + SENDS)
#define KEY_ACCEPT 1
#define KEY_END 2
#define KEY_QUEUE 16
#define WATCH_MS 1000

struct connection {
    SOCKET s;
    RIO_RQ rq;
    unsigned slice; /* first of its pieces */
    int queue;
    int outstanding, receives;
    int busy[SENDS];
    int eof, dead, closed;
    unsigned have;
    char input[INPUT];
    struct connection *next; /* free */
};

struct queue {
    CRITICAL_SECTION lock;
    RIO_CQ cq;
    DWORD size, charged, charged_most;
    OVERLAPPED identity;
};

struct pending {
    OVERLAPPED overlapped; /* first: the port gives its address */
    SOCKET s;
    char names[2 * NAME_ROOM];
};

static struct server {
    SOCKET listener;
    HANDLE port;
    LPFN_ACCEPTEX accept_ex;
    RIO_BUFFERID id;
    char *region;
    struct queue queues[WORKERS];
    struct pending pendings[PENDING];
    struct connection *connections, *free;
    CRITICAL_SECTION lock; /* of free */
    LONG wanted;
    volatile LONG begun, accepted, ended, responses, resets, halves, grown, notifies, stalls;
    volatile LONG over;
} server;

static RIO_BUF piece(unsigned at, unsigned length)
{
    RIO_BUF buf;

    buf.BufferId = server.id;
    buf.Offset = at * PIECE;
    buf.Length = length;
    return buf;
}

/* The queue's lock is held by who calls what follows. */

static void receive_more(struct connection *c, unsigned which)
{
    RIO_BUF data = piece(c->slice + which, PIECE);

    if (c->dead || c->eof || c->closed)
        return;
    if (rio.RIOReceive(c->rq, &data, 1, 0, (PVOID)(ULONG_PTR)which)) {
        c->outstanding++;
        c->receives++;
    } else {
        c->dead = 1; /* it was reset meanwhile, which is no fault */
    }
}

/* Whole requests are answered as long as a piece is free. */
static void respond(struct connection *c)
{
    unsigned at = 0;

    while (c->have - at >= 4 && !c->dead) {
        unsigned length, which = 0;
        RIO_BUF data;
        char *out;

        memcpy(&length, c->input + at, 4);
        if (length > LONGEST) {
            fault("a request is too long", (long)length);
            c->dead = 1;
            break;
        }
        while (which < SENDS && c->busy[which])
            which++;
        if (c->have - at < 4 + length || which == SENDS)
            break;
        data = piece(c->slice + RECEIVES + which, 4 + length);
        out = server.region + data.Offset;
        memcpy(out, &length, 4);
        for (unsigned i = 0; i < length; i++)
            out[4 + i] = (char)~c->input[at + 4 + i];
        if (!rio.RIOSend(c->rq, &data, 1, 0, (PVOID)(ULONG_PTR)(RECEIVES + which))) {
            c->dead = 1;
            break;
        }
        c->busy[which] = 1;
        c->outstanding++;
        at += 4 + length;
        InterlockedIncrement(&server.responses);
    }
    memmove(c->input, c->input + at, c->have - at);
    c->have -= at;
}

static void connection_close(struct connection *c)
{
    struct queue *q = &server.queues[c->queue];

    if (!c->closed) {
        c->closed = 1;
        closesocket(c->s);
    }
    if (c->outstanding > 0)
        return;
    q->charged -= RECEIVES + SENDS;
    EnterCriticalSection(&server.lock);
    c->next = server.free;
    server.free = c;
    LeaveCriticalSection(&server.lock);
    if (InterlockedIncrement(&server.ended) == server.wanted) {
        server.over = 1;
        for (int i = 0; i < WORKERS; i++)
            PostQueuedCompletionStatus(server.port, 0, KEY_END, NULL);
    }
}

static int sending(const struct connection *c)
{
    int count = 0;

    for (int i = 0; i < SENDS; i++)
        count += c->busy[i];
    return count;
}

static void received(struct connection *c, unsigned which, const RIORESULT *result)
{
    c->receives--;
    if (result->Status == WSAECONNRESET || result->Status == WSAECONNABORTED || result->Status == WSAENETRESET) {
        if (!c->dead)
            InterlockedIncrement(&server.resets);
        c->dead = 1;
    } else if (result->Status == WSA_OPERATION_ABORTED && c->closed) {
        ;
    } else if (result->Status != 0) {
        fault("a receive failed", (long)result->Status);
        c->dead = 1;
    } else if (result->BytesTransferred == 0) {
        if (!c->eof)
            InterlockedIncrement(&server.halves);
        c->eof = 1;
    } else if (c->have + result->BytesTransferred > INPUT) {
        fault("more than was asked for", (long)result->BytesTransferred);
        c->dead = 1;
    } else {
        memcpy(c->input + c->have, server.region + (size_t)(c->slice + which) * PIECE, result->BytesTransferred);
        c->have += result->BytesTransferred;
    }
}

static void handle(const RIORESULT *result)
{
    struct connection *c = (struct connection *)(ULONG_PTR)result->SocketContext;
    unsigned which = (unsigned)result->RequestContext;

    if (c < server.connections || which >= SLICES_OF_ONE || c->outstanding == 0) {
        fault("a completion of nothing", (long)which);
        return;
    }
    c->outstanding--;
    if (which < RECEIVES) {
        received(c, which, result);
    } else {
        c->busy[which - RECEIVES] = 0;
        if (result->Status != 0)
            c->dead = 1; /* it was reset */
    }
    if (!c->closed)
        respond(c);
    if (which < RECEIVES && !c->closed && c->have + (unsigned)(c->receives + 1) * PIECE <= INPUT)
        receive_more(c, which);
    else if (!c->closed && c->receives == 0 && !c->eof)
        receive_more(c, 0);
    if (c->closed || c->dead || (c->eof && c->receives == 0 && sending(c) == 0))
        connection_close(c);
}

/* @return  Completions that were there. */
static unsigned long queue_drain(struct queue *q)
{
    RIORESULT results[64];
    unsigned long all = 0;
    ULONG count;

    while ((count = rio.RIODequeueCompletion(q->cq, results, 64)) > 0) {
        if (count == RIO_CORRUPT_CQ) {
            fault("RIODequeueCompletion", 0);
            break;
        }
        for (ULONG i = 0; i < count; i++)
            handle(&results[i]);
        all += count;
    }
    return all;
}

static void queue_told(struct queue *q)
{
    int code;

    EnterCriticalSection(&q->lock);
    queue_drain(q);
    code = rio.RIONotify(q->cq);
    if (code != 0 && code != WSAEALREADY)
        fault("RIONotify", (long)code);
    LeaveCriticalSection(&q->lock);
    InterlockedIncrement(&server.notifies);
}

/* The queue starts small and is doubled when it is too full for one more. */
static RIO_RQ queue_pair(struct queue *q, struct connection *c)
{
    for (;;) {
        RIO_RQ rq = rio.RIOCreateRequestQueue(c->s, RECEIVES, 1, SENDS, 1, q->cq, q->cq, c);

        if (rq != RIO_INVALID_RQ || WSAGetLastError() != WSAENOBUFS)
            return rq;
        if (q->charged + RECEIVES + SENDS <= q->size)
            fault("there was room for it", (long)q->size);
        if (!rio.RIOResizeCompletionQueue(q->cq, q->size * 2))
            return RIO_INVALID_RQ;
        q->size *= 2;
        InterlockedIncrement(&server.grown);
    }
}

static void connection_begin(SOCKET s, int queue)
{
    /* A reset that the wire lost is never sent again: who is asked answers with another. */
    struct tcp_keepalive alive = {1, 1000, 300};
    struct queue *q = &server.queues[queue];
    struct connection *c;
    DWORD bytes;

    if (WSAIoctl(s, SIO_KEEPALIVE_VALS, &alive, sizeof(alive), NULL, 0, &bytes, NULL, NULL) != 0)
        fault("SIO_KEEPALIVE_VALS", 0);
    EnterCriticalSection(&server.lock);
    c = server.free;
    server.free = c != NULL ? c->next : NULL;
    LeaveCriticalSection(&server.lock);
    if (c == NULL) {
        fault("too many connections", 0);
        closesocket(s);
        return;
    }
    c->s = s;
    c->queue = queue;
    c->outstanding = c->receives = c->eof = c->dead = c->closed = 0;
    c->have = 0;
    memset(c->busy, 0, sizeof(c->busy));
    EnterCriticalSection(&q->lock);
    c->rq = queue_pair(q, c);
    if (c->rq == RIO_INVALID_RQ)
        fault("RIOCreateRequestQueue", 0);
    q->charged += RECEIVES + SENDS;
    if (q->charged > q->charged_most)
        q->charged_most = q->charged;
    for (unsigned i = 0; i < RECEIVES && c->rq != RIO_INVALID_RQ; i++)
        receive_more(c, i);
    if (c->outstanding == 0)
        connection_close(c);
    LeaveCriticalSection(&q->lock);
}

static void accept_more(struct pending *p)
{
    DWORD bytes;

    if (InterlockedIncrement(&server.begun) > server.wanted) {
        InterlockedDecrement(&server.begun);
        return;
    }
    memset(&p->overlapped, 0, sizeof(p->overlapped));
    p->s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    if (p->s == INVALID_SOCKET ||
        (!server.accept_ex(server.listener, p->s, p->names, 0, NAME_ROOM, NAME_ROOM, &bytes, &p->overlapped) &&
         WSAGetLastError() != ERROR_IO_PENDING))
        fault("AcceptEx", 0);
}

static void accept_done(struct pending *p)
{
    BOOL on = TRUE;

    if (p->overlapped.Internal != 0) { /* it was reset before it was taken */
        closesocket(p->s);
        InterlockedDecrement(&server.begun);
        accept_more(p);
        return;
    }
    if (setsockopt(p->s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&server.listener,
                   sizeof(server.listener)) != 0)
        fault("SO_UPDATE_ACCEPT_CONTEXT", 0);
    (void)setsockopt(p->s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    connection_begin(p->s, InterlockedIncrement(&server.accepted) % WORKERS);
    accept_more(p);
}

/* Nothing was told for a while: then hardly anything may be there. More than a coincidence or two is a lost wake-up. */
static void watch(void)
{
    for (int i = 0; i < WORKERS; i++) {
        struct queue *q = &server.queues[i];

        EnterCriticalSection(&q->lock);
        (void)rio.RIONotify(q->cq);
        if (queue_drain(q) > 0 && InterlockedIncrement(&server.stalls) > 2 * WORKERS)
            fault("completions that nobody told of", (long)i);
        LeaveCriticalSection(&q->lock);
    }
}

static DWORD WINAPI work(LPVOID unused)
{
    OVERLAPPED_ENTRY entries[16];
    ULONG count;

    (void)unused;
    while (!server.over && faults == 0) {
        if (!GetQueuedCompletionStatusEx(server.port, entries, 16, &count, WATCH_MS, FALSE)) {
            if (GetLastError() != WAIT_TIMEOUT)
                fault("GetQueuedCompletionStatusEx", (long)GetLastError());
            watch();
            continue;
        }
        for (ULONG i = 0; i < count; i++) {
            ULONG_PTR key = entries[i].lpCompletionKey;

            if (key == KEY_ACCEPT)
                accept_done((struct pending *)entries[i].lpOverlapped);
            else if (key >= KEY_QUEUE && key < KEY_QUEUE + WORKERS &&
                     entries[i].lpOverlapped == &server.queues[key - KEY_QUEUE].identity)
                queue_told(&server.queues[key - KEY_QUEUE]);
            else if (key != KEY_END)
                fault("a packet of nobody", (long)key);
        }
    }
    return 0;
}

static int queues_open(void)
{
    for (int i = 0; i < WORKERS; i++) {
        struct queue *q = &server.queues[i];
        RIO_NOTIFICATION_COMPLETION notify;

        InitializeCriticalSection(&q->lock);
        notify.Type = RIO_IOCP_COMPLETION;
        notify.Iocp.IocpHandle = server.port;
        notify.Iocp.CompletionKey = (PVOID)(ULONG_PTR)(KEY_QUEUE + i);
        notify.Iocp.Overlapped = &q->identity;
        q->size = CQ_FIRST;
        q->cq = rio.RIOCreateCompletionQueue(q->size, &notify);
        if (q->cq == RIO_INVALID_CQ || rio.RIONotify(q->cq) != 0) {
            fault("no completion queue", (long)i);
            return 1;
        }
    }
    return 0;
}

static int begin(char **argv)
{
    GUID id = WSAID_ACCEPTEX;
    struct sockaddr_in local;
    DWORD bytes;

    memset(&local, 0, sizeof(local));
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = inet_addr(argv[1]);
    local.sin_port = htons((u_short)atoi(argv[2]));
    server.wanted = atoi(argv[3]);
    server.listener = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                                 WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    server.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, WORKERS);
    if (server.listener == INVALID_SOCKET || server.port == NULL || rio_functions(server.listener) != 0 ||
        bind(server.listener, (struct sockaddr *)&local, sizeof(local)) != 0 ||
        listen(server.listener, server.wanted) != 0 ||
        CreateIoCompletionPort((HANDLE)server.listener, server.port, KEY_ACCEPT, 0) != server.port ||
        WSAIoctl(server.listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &server.accept_ex,
                 sizeof(server.accept_ex), &bytes, NULL, NULL) != 0) {
        fault("no listener", 0);
        return 1;
    }
    server.connections = calloc((size_t)server.wanted, sizeof(*server.connections));
    server.region = region_open((size_t)server.wanted * SLICES_OF_ONE * PIECE, &server.id);
    if (server.connections == NULL || server.region == NULL || queues_open() != 0)
        return 1;
    for (LONG i = 0; i < server.wanted; i++) {
        server.connections[i].slice = (unsigned)i * SLICES_OF_ONE;
        server.connections[i].next = server.free;
        server.free = &server.connections[i];
    }
    for (int i = 0; i < PENDING; i++)
        accept_more(&server.pendings[i]);
    return 0;
}

/* Every charge came back: the queues grew for connections that were there at once only. */
static void end(void)
{
    for (int i = 0; i < WORKERS; i++) {
        struct queue *q = &server.queues[i];

        if (q->charged != 0)
            fault("charges are left", (long)q->charged);
        if (q->size > CQ_FIRST && q->size >= 2 * q->charged_most)
            fault("the queue grew for charges that were not given back", (long)q->size);
        rio.RIOCloseCompletionQueue(q->cq);
        DeleteCriticalSection(&q->lock);
    }
    region_close(server.region, server.id);
    free(server.connections);
}

int main(int argc, char **argv)
{
    HANDLE threads[WORKERS];
    WSADATA data;

    if (argc != 4 || WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    faults = 0;
    memset(&server, 0, sizeof(server));
    InitializeCriticalSection(&server.lock);
    if (begin(argv) == 0) {
        printf("rio_server: ready\n");
        fflush(stdout);
        for (int i = 0; i < WORKERS; i++)
            threads[i] = CreateThread(NULL, 0, work, NULL, 0, NULL);
        for (int i = 0; i < WORKERS; i++) {
            WaitForSingleObject(threads[i], INFINITE);
            CloseHandle(threads[i]);
        }
        end();
    }
    closesocket(server.listener);
    CloseHandle(server.port);
    DeleteCriticalSection(&server.lock);
    printf("rio_server: connections %ld, responses %ld, resets %ld, ends %ld, grown %ld, notified %ld, faults %d\n",
           (long)server.ended, (long)server.responses, (long)server.resets, (long)server.halves, (long)server.grown,
           (long)server.notifies, faults);
    fflush(stdout);
    WSACleanup();
    return faults == 0 ? 0 : 1;
}

/*
 * A server that serves any number of connections with a fixed number of sockets, and a program that loads it.
 *   recycling_server serve PORT SOCKETS SILENT_SECONDS
 *   recycling_server load SERVER PORT CONNECTIONS SILENT SILENT_SECONDS THREADS SOURCE...
 *
 * The server posts AcceptEx on a completion port, echoes until the other side ends, and gives the socket back by DisconnectEx with
 * TF_REUSE_SOCKET. Every other socket waits for first data with its connection; who is silent there for longer than
 * SILENT_SECONDS is shut out, and a new socket takes the place. "stop" ends the server, which says what it has done.
 *
 * Half of the connections that load makes end by a reset: some at once, some behind an echo. The first SILENT ones say nothing.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SO_PORT_SCALABILITY
#define SO_PORT_SCALABILITY 0x3006
#endif

#define SOCKETS_MAX 512
#define ACCEPTS 64 /* outstanding */
#define WORKERS 2
#define FIRST_DATA 288
#define NAME (sizeof(SOCKADDR_STORAGE) + 16)
#define ROOM 1024
#define LISTENER_KEY 1
#define WATCH_MS 100
#define FAILURES_TOLD 10

enum state { IDLE, ACCEPTING, READING, WRITING, LEAVING };

struct connection {
    OVERLAPPED overlapped;
    enum state state;
    SOCKET s;
    DWORD room;   /* of first data */
    LONG pending; /* operations without their completion: 0 or 1 */
    int shut_out;
    DWORD have;
    char buffer[ROOM + 2 * NAME];
    struct connection *next; /* idle */
};

static struct {
    CRITICAL_SECTION lock; /* guards states, the idle list and the counts */
    HANDLE port;
    SOCKET listener;
    LPFN_ACCEPTEX accept_ex;
    LPFN_GETACCEPTEXSOCKADDRS names;
    LPFN_DISCONNECTEX disconnect_ex;
    struct connection *connections;
    struct connection *idle;
    unsigned sockets, accepting, busy;
    int skip; /* a success at once has no packet */
    int stopping;
    HANDLE stopped;
    LONG resets, named;
    unsigned made, served, early_resets, shut_out, aborted, faults;
} server;

static void fault(const char *what, int code)
{
    fprintf(stderr, "server: %s: %d\n", what, code);
    EnterCriticalSection(&server.lock);
    server.faults++;
    LeaveCriticalSection(&server.lock);
}

static int new_socket(struct connection *c)
{
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof info;

    c->s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (c->s == INVALID_SOCKET || CreateIoCompletionPort((HANDLE)c->s, server.port, (ULONG_PTR)c, 0) != server.port)
        return 0;
    server.made++;
    if (getsockopt(c->s, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &bytes) == 0 &&
        (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0)
        server.skip = SetFileCompletionNotificationModes((HANDLE)c->s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    return 1;
}

/* What an operation gave: 1, it is done and no packet follows; 0, one follows; -1, it failed at once. */
static int began(struct connection *c, int ok)
{
    int code = ok ? 0 : WSAGetLastError();

    if (!ok && code != WSA_IO_PENDING) {
        InterlockedDecrement(&c->pending);
        return -1;
    }
    if (!ok || !server.skip)
        return 0;
    InterlockedDecrement(&c->pending);
    return 1;
}

static void begin(struct connection *c, enum state state)
{
    memset(&c->overlapped, 0, sizeof c->overlapped);
    c->state = state;
    if (InterlockedIncrement(&c->pending) != 1)
        fault("two operations of one socket pend", (int)c->pending);
}

static int post_read(struct connection *c, DWORD *bytes)
{
    WSABUF buf = {ROOM, c->buffer};
    DWORD flags = 0;

    begin(c, READING);
    return began(c, WSARecv(c->s, &buf, 1, bytes, &flags, &c->overlapped, NULL) == 0);
}

static int post_write(struct connection *c, DWORD *bytes)
{
    WSABUF buf = {c->have, c->buffer};

    begin(c, WRITING);
    return began(c, WSASend(c->s, &buf, 1, bytes, 0, &c->overlapped, NULL) == 0);
}

static int post_leave(struct connection *c)
{
    begin(c, LEAVING);
    return began(c, server.disconnect_ex(c->s, &c->overlapped, TF_REUSE_SOCKET, 0));
}

/* Keep as many AcceptEx outstanding as there may be. The lock is held. */
static void post_accepts(void)
{
    while (!server.stopping && server.idle != NULL && server.accepting < ACCEPTS) {
        struct connection *c = server.idle;
        DWORD bytes;
        int code;

        server.idle = c->next;
        begin(c, ACCEPTING);
        c->shut_out = 0;
        server.accepting++;
        if (server.accept_ex(server.listener, c->s, c->buffer, c->room, NAME, NAME, &bytes, &c->overlapped) ||
            (code = WSAGetLastError()) == WSA_IO_PENDING)
            continue; /* the listener has no mode: a packet in any case */
        InterlockedDecrement(&c->pending);
        server.accepting--;
        fprintf(stderr, "server: AcceptEx: %d\n", code);
        server.faults++;
        return;
    }
}

static void to_idle(struct connection *c)
{
    c->state = IDLE;
    c->next = server.idle;
    server.idle = c;
}

/* Its socket is of no use any more. The lock is held. */
static void replace(struct connection *c)
{
    if (!c->shut_out)
        closesocket(c->s);
    c->shut_out = 0;
    if (new_socket(c)) {
        to_idle(c);
    } else {
        fprintf(stderr, "server: no new socket: %d\n", WSAGetLastError());
        server.faults++;
    }
}

static int same_name(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *x = (const struct sockaddr_in *)(const void *)a;
    const struct sockaddr_in *y = (const struct sockaddr_in *)(const void *)b;

    return x->sin_family == y->sin_family && x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
}

/* The connection's names are told by GetAcceptExSockaddrs, and by the socket itself only when it has its context. */
static void make_whole(struct connection *c)
{
    struct sockaddr *local = NULL, *remote = NULL;
    int local_bytes = 0, remote_bytes = 0, bytes;
    SOCKADDR_STORAGE name;
    struct tcp_keepalive alive = {1, 1000, 200}; /* a peer that was lost without a word */
    DWORD ignored;

    server.names(c->buffer, c->room, NAME, NAME, &local, &local_bytes, &remote, &remote_bytes);
    if (local == NULL || remote == NULL) {
        fault("GetAcceptExSockaddrs gives none", local_bytes);
        return;
    }
    bytes = sizeof name;
    if (getpeername(c->s, (struct sockaddr *)&name, &bytes) == 0 || WSAGetLastError() != WSAENOTCONN)
        fault("getpeername before the context", WSAGetLastError());
    if (setsockopt(c->s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&server.listener,
                   sizeof server.listener) != 0) {
        fault("SO_UPDATE_ACCEPT_CONTEXT", WSAGetLastError());
        return;
    }
    bytes = sizeof name;
    if (getpeername(c->s, (struct sockaddr *)&name, &bytes) != 0) {
        if (WSAGetLastError() != WSAENOTCONN) /* it may be reset already */
            fault("getpeername", WSAGetLastError());
    } else if (same_name((struct sockaddr *)&name, remote)) {
        InterlockedIncrement(&server.named);
    } else {
        fault("getpeername and GetAcceptExSockaddrs differ", 0);
    }
    bytes = sizeof name;
    if (getsockname(c->s, (struct sockaddr *)&name, &bytes) != 0 || !same_name((struct sockaddr *)&name, local))
        fault("getsockname and GetAcceptExSockaddrs differ", 0);
    (void)WSAIoctl(c->s, SIO_KEEPALIVE_VALS, &alive, sizeof alive, NULL, 0, &ignored, NULL, NULL);
}

/* An AcceptEx is through. Returns 1: the connection goes on. */
static int accepted(struct connection *c, int ok, int code)
{
    int goes_on = 0;

    EnterCriticalSection(&server.lock);
    server.accepting--;
    c->state = IDLE; /* nobody shuts it out from here on */
    if (c->shut_out) {
        replace(c);
    } else if (ok) {
        server.busy++;
        goes_on = 1;
    } else if (server.stopping) {
        if (code != WSA_OPERATION_ABORTED) {
            fprintf(stderr, "server: the listener's end gives %d\n", code);
            server.faults++;
        }
        server.aborted++;
    } else if (code == ERROR_NETNAME_DELETED) {
        server.early_resets++;
        to_idle(c); /* it is as fresh as before */
    } else {
        fprintf(stderr, "server: accepting gives %d\n", code);
        server.faults++;
        replace(c);
    }
    post_accepts();
    LeaveCriticalSection(&server.lock);
    if (goes_on)
        make_whole(c);
    return goes_on;
}

/* A connection is over, its socket fresh or of no use. */
static void left(struct connection *c, int ok, int code)
{
    EnterCriticalSection(&server.lock);
    server.busy--;
    if (ok) {
        server.served++;
        to_idle(c);
    } else {
        fprintf(stderr, "server: DisconnectEx: %d\n", code);
        server.faults++;
        replace(c);
    }
    post_accepts();
    if (server.stopping && server.busy == 0)
        SetEvent(server.stopped);
    LeaveCriticalSection(&server.lock);
}

static void stop(void)
{
    EnterCriticalSection(&server.lock);
    server.stopping = 1;
    LeaveCriticalSection(&server.lock);
}

/* Data are heard and go back, whichever operation brought them: the first ones may come with AcceptEx. */
static int echo(struct connection *c, DWORD *bytes)
{
    c->have = *bytes;
    if (c->have >= 4 && memcmp(c->buffer, "stop", 4) == 0)
        stop();
    return post_write(c, bytes);
}

/* What follows an operation that is through; more than one where the next is done at once. */
static void advance(struct connection *c, int ok, int code, DWORD bytes)
{
    int done = 1;

    while (done == 1) {
        enum state was = c->state;

        if (was == ACCEPTING) {
            if (!accepted(c, ok, code))
                return;
            done = bytes > 0 ? echo(c, &bytes) : post_read(c, &bytes);
        } else if (was == LEAVING) {
            left(c, ok, code);
            return;
        } else if (was == READING && ok && bytes > 0) {
            done = echo(c, &bytes);
        } else if (was == WRITING && ok) {
            if (bytes != c->have)
                fault("a send was not whole", (int)bytes);
            done = post_read(c, &bytes);
        } else {
            if (!ok) {
                if (code != ERROR_NETNAME_DELETED && code != WSAECONNRESET && code != ERROR_SEM_TIMEOUT)
                    fault("a connection ends with", code);
                InterlockedIncrement(&server.resets);
            }
            done = post_leave(c);
            ok = 1;
            if (done == -1) {
                left(c, 0, WSAGetLastError());
                return;
            }
            continue;
        }
        ok = done != -1;
        code = ok ? 0 : WSAGetLastError();
        if (done == -1)
            done = 1; /* the failure is the next thing to look at */
    }
}

static DWORD WINAPI work(LPVOID unused)
{
    (void)unused;
    for (;;) {
        DWORD bytes = 0;
        ULONG_PTR key = 0;
        OVERLAPPED *overlapped = NULL;
        int ok = GetQueuedCompletionStatus(server.port, &bytes, &key, &overlapped, INFINITE);
        int code = ok ? 0 : (int)GetLastError();
        struct connection *c;

        if (overlapped == NULL)
            return 0; /* posted: the end */
        c = CONTAINING_RECORD(overlapped, struct connection, overlapped);
        if ((c->state == ACCEPTING) != (key == LISTENER_KEY) || (key != LISTENER_KEY && key != (ULONG_PTR)c))
            fault("a packet has another one's key", (int)c->state);
        if (InterlockedDecrement(&c->pending) != 0)
            fault("an operation is told twice", (int)c->pending);
        advance(c, ok, code, bytes);
    }
}

/* Who is connected and says nothing makes room. */
static void watch(DWORD limit)
{
    for (unsigned i = 0; i < server.sockets; i++) {
        struct connection *c = &server.connections[i];
        DWORD seconds = 0;
        int bytes = sizeof seconds;

        EnterCriticalSection(&server.lock);
        if (c->state == ACCEPTING && c->room > 0 && !c->shut_out &&
            getsockopt(c->s, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &bytes) == 0 && seconds != 0xFFFFFFFF &&
            seconds >= limit) {
            c->shut_out = 1;
            server.shut_out++;
            closesocket(c->s);
        }
        LeaveCriticalSection(&server.lock);
    }
}

static int function(SOCKET s, GUID id, void *out, DWORD size)
{
    DWORD bytes;

    return WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, out, size, &bytes, NULL, NULL) == 0;
}

static int listen_on(const char *port)
{
    struct sockaddr_in any;

    memset(&any, 0, sizeof any);
    any.sin_family = AF_INET;
    any.sin_port = htons((u_short)atoi(port));
    server.listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    return server.listener != INVALID_SOCKET && bind(server.listener, (struct sockaddr *)&any, sizeof any) == 0 &&
           listen(server.listener, SOMAXCONN) == 0 &&
           CreateIoCompletionPort((HANDLE)server.listener, server.port, LISTENER_KEY, 0) == server.port &&
           function(server.listener, (GUID)WSAID_ACCEPTEX, &server.accept_ex, sizeof server.accept_ex) &&
           function(server.listener, (GUID)WSAID_GETACCEPTEXSOCKADDRS, &server.names, sizeof server.names) &&
           function(server.listener, (GUID)WSAID_DISCONNECTEX, &server.disconnect_ex, sizeof server.disconnect_ex);
}

static void fill(unsigned sockets)
{
    server.sockets = sockets;
    server.connections = calloc(sockets, sizeof *server.connections);
    EnterCriticalSection(&server.lock);
    for (unsigned i = sockets; server.connections != NULL && i-- > 0;) {
        struct connection *c = &server.connections[i];

        c->room = i % 2 == 0 ? FIRST_DATA : 0;
        if (new_socket(c)) {
            to_idle(c);
        } else {
            fprintf(stderr, "server: socket %u: %d\n", i, WSAGetLastError());
            server.faults++;
        }
    }
    post_accepts();
    LeaveCriticalSection(&server.lock);
}

/* The listener's end is that of all AcceptEx. */
static void end_accepts(void)
{
    unsigned pending, waited = 0;

    EnterCriticalSection(&server.lock);
    pending = server.accepting;
    LeaveCriticalSection(&server.lock);
    closesocket(server.listener);
    while (waited++ < 100) {
        EnterCriticalSection(&server.lock);
        if (server.accepting == 0)
            waited = 1000;
        LeaveCriticalSection(&server.lock);
        if (waited < 1000)
            Sleep(50);
    }
    if (server.aborted != pending)
        fault("not every AcceptEx ended with the listener", (int)server.aborted);
}

static int serve(int argc, char **argv)
{
    HANDLE workers[WORKERS];
    unsigned sockets = argc > 3 ? (unsigned)atoi(argv[3]) : 100, i;
    DWORD limit = argc > 4 ? (DWORD)atoi(argv[4]) : 5;

    if (sockets < 1 || sockets > SOCKETS_MAX)
        return 2;
    memset(&server, 0, sizeof server);
    InitializeCriticalSection(&server.lock);
    server.stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    server.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, WORKERS);
    if (server.port == NULL || !listen_on(argv[2])) {
        fprintf(stderr, "server: cannot listen: %d\n", WSAGetLastError());
        return 1;
    }
    fill(sockets);
    for (i = 0; i < WORKERS; i++)
        workers[i] = CreateThread(NULL, 0, work, NULL, 0, NULL);
    while (WaitForSingleObject(server.stopped, WATCH_MS) == WAIT_TIMEOUT)
        watch(limit);
    end_accepts();
    for (i = 0; i < WORKERS; i++)
        PostQueuedCompletionStatus(server.port, 0, 0, NULL);
    for (i = 0; i < WORKERS; i++) {
        WaitForSingleObject(workers[i], INFINITE);
        CloseHandle(workers[i]);
    }
    for (i = 0; i < sockets; i++) {
        if (server.connections[i].pending != 0)
            fault("an operation was never told", (int)i);
        closesocket(server.connections[i].s);
    }
    printf("server: %u connections, %d of them ended by a reset, %u reset before their first data, %u shut out, "
           "%u sockets, %u AcceptEx ended with the listener, %u faults\n",
           server.served, (int)server.resets, server.early_resets, server.shut_out, server.made, server.aborted,
           server.faults);
    if (server.made != sockets + server.shut_out)
        fault("sockets were made without need", (int)server.made);
    if ((unsigned)server.named < server.served / 2)
        fault("too few connections had their names", (int)server.named);
    CloseHandle(server.port);
    CloseHandle(server.stopped);
    DeleteCriticalSection(&server.lock);
    free(server.connections);
    return server.faults == 0 ? 0 : 1;
}

/* --- Load ------------------------------------------------------------------------- */

static struct {
    struct sockaddr_in to;
    struct sockaddr_in sources[8];
    unsigned source_count;
    LONG left; /* connections that are still to be made */
    LONG silent_left;
    DWORD silent_seconds;
    LONG made, reset, echoed, silent, failed;
} load;

static SOCKET load_connect(unsigned source)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    BOOL each = TRUE; /* each address has all dynamic ports: one waits for a while behind each connection */

    if (s == INVALID_SOCKET)
        return s;
    if (setsockopt(s, SOL_SOCKET, SO_PORT_SCALABILITY, (const char *)&each, sizeof each) == 0 &&
        bind(s, (struct sockaddr *)&load.sources[source], sizeof load.sources[source]) == 0 &&
        connect(s, (struct sockaddr *)&load.to, sizeof load.to) == 0)
        return s;
    if (load.failed < FAILURES_TOLD)
        fprintf(stderr, "load: connect: %d\n", WSAGetLastError());
    closesocket(s);
    return INVALID_SOCKET;
}

/* A text of the connection's own goes there and comes back. */
static int load_echo(SOCKET s, unsigned seed)
{
    char out[600], in[600];
    int length = 1 + (int)(seed * 7919 % sizeof out), have = 0;

    for (int i = 0; i < length; i++)
        out[i] = (char)('A' + (seed + (unsigned)i) % 23);
    if (send(s, out, length, 0) != length)
        return 0;
    while (have < length) {
        int got = recv(s, in + have, length - have, 0);

        if (got <= 0)
            return 0;
        have += got;
    }
    InterlockedIncrement(&load.echoed);
    return memcmp(in, out, (size_t)length) == 0;
}

/* The other side ends as well, without any data. */
static int load_finish(SOCKET s)
{
    char byte;

    return shutdown(s, SD_SEND) == 0 && recv(s, &byte, 1, 0) == 0;
}

static void load_reset(SOCKET s)
{
    struct linger hard = {1, 0};

    (void)setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
    InterlockedIncrement(&load.reset);
}

/* Says nothing until the server has enough of it, which it need not have. */
static void load_silent(SOCKET s)
{
    DWORD limit = (load.silent_seconds + 3) * 1000;
    char byte;

    (void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof limit);
    (void)recv(s, &byte, 1, 0);
    InterlockedIncrement(&load.silent);
}

static DWORD WINAPI load_main(LPVOID number)
{
    unsigned me = (unsigned)(UINT_PTR)number;
    LONG at;

    while ((at = InterlockedDecrement(&load.left)) >= 0) {
        SOCKET s = load_connect(me % load.source_count);
        int ok = 1;

        if (s == INVALID_SOCKET) {
            InterlockedIncrement(&load.failed);
            continue;
        }
        InterlockedIncrement(&load.made);
        if (InterlockedDecrement(&load.silent_left) >= 0) {
            load_silent(s);
            closesocket(s);
            continue;
        }
        if (at % 8 != 0) /* one in eight is reset at once */
            ok = load_echo(s, (unsigned)at);
        if (ok && at % 2 == 0) {
            load_reset(s);
        } else if (ok && at % 8 == 1) { /* slow */
            Sleep(5);
            ok = load_echo(s, (unsigned)at + 1) && load_finish(s);
        } else if (ok) {
            ok = load_finish(s);
        }
        if (!ok) {
            if (load.failed < FAILURES_TOLD)
                fprintf(stderr, "load: connection %d: %d\n", (int)at, WSAGetLastError());
            InterlockedIncrement(&load.failed);
        }
        closesocket(s);
    }
    return 0;
}

/* The last one. */
static int load_stop(void)
{
    SOCKET s = load_connect(0);
    char word[8];
    int ok = s != INVALID_SOCKET && send(s, ".", 1, 0) == 1 && recv(s, word, 1, 0) == 1 && send(s, "stop", 4, 0) == 4 &&
             recv(s, word, sizeof word, 0) > 0;

    if (s != INVALID_SOCKET) {
        ok = load_finish(s) && ok;
        closesocket(s);
    }
    return ok;
}

static int load_all(int argc, char **argv)
{
    HANDLE threads[64];
    unsigned count = (unsigned)atoi(argv[7]), i;
    ULONGLONG before = GetTickCount64();

    memset(&load, 0, sizeof load);
    load.to.sin_family = AF_INET;
    load.to.sin_port = htons((u_short)atoi(argv[3]));
    load.left = atoi(argv[4]);
    load.silent_left = atoi(argv[5]);
    load.silent_seconds = (DWORD)atoi(argv[6]);
    if (inet_pton(AF_INET, argv[2], &load.to.sin_addr) != 1 || count < 1 || count > 64)
        return 2;
    for (i = 8; i < (unsigned)argc && load.source_count < 8; i++) {
        struct sockaddr_in *source = &load.sources[load.source_count++];

        source->sin_family = AF_INET;
        if (inet_pton(AF_INET, argv[i], &source->sin_addr) != 1)
            return 2;
    }
    for (i = 0; i < count; i++)
        threads[i] = CreateThread(NULL, 0, load_main, (LPVOID)(UINT_PTR)i, 0, NULL);
    for (i = 0; i < count; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        CloseHandle(threads[i]);
    }
    if (!load_stop())
        load.failed++;
    printf("load: %d connections in %u ms, %d echoes, %d ended by a reset, %d silent, %d failed\n", (int)load.made,
           (unsigned)(GetTickCount64() - before), (int)load.echoed, (int)load.reset, (int)load.silent,
           (int)load.failed);
    return load.failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    WSADATA data;
    int result = 2;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    if (argc >= 3 && strcmp(argv[1], "serve") == 0)
        result = serve(argc, argv);
    else if (argc >= 9 && strcmp(argv[1], "load") == 0)
        result = load_all(argc, argv);
    else
        fprintf(stderr, "usage: serve PORT SOCKETS SILENT_SECONDS\n"
                        "       load SERVER PORT CONNECTIONS SILENT SILENT_SECONDS THREADS SOURCE...\n");
    WSACleanup();
    return result;
}

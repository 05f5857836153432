/*
 * A server that sends parts of a file: AcceptEx, TransmitFile and TransmitPackets on a completion port. The file is open in three
 * ways: plainly, for overlapped operations, and so that it is itself associated with the port, on which it must say nothing.
 *
 * usage: file_server ADDRESS PORT FILE RESPONSES [SOCKETS]
 * Ends when so many responses have been sent, reset or cancelled. Exit code 0: each told of its end once, with the right count.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include "file_common.h"

#define KEY_LISTENER 1
#define KEY_CONNECTION 2
#define KEY_FILE 3
#define KEY_QUIT 4
#define WORKERS 2
#define SOCKETS_MAX 1024
#define ADDRESS_BYTES (sizeof(struct sockaddr_in6) + 16)

enum state { ACCEPTING, READING, SENDING };

struct connection {
    OVERLAPPED overlapped; /* first: packets carry its address */
    SOCKET s;
    enum state state;
    int how;
    int reuse;
    DWORD want; /* bytes of the response that is on its way */
    DWORD got;  /* bytes of the request that are here */
    char request[REQUEST_BYTES + 1];
    char head[HEAD_BYTES + 1];
    char addresses[2 * ADDRESS_BYTES];
    TRANSMIT_FILE_BUFFERS buffers;
    TRANSMIT_PACKETS_ELEMENT pieces[3];
};

static struct {
    HANDLE port;
    SOCKET listener;
    HANDLE files[3]; /* HOW_PLAIN, HOW_OVERLAPPED, HOW_ASSOCIATED */
    LPFN_ACCEPTEX accept_ex;
    LPFN_TRANSMITFILE transmit_file;
    LPFN_TRANSMITPACKETS transmit_packets;
    LONG volatile left;
    LONG volatile ended; /* the responses are through */
    LONG volatile sent, resets, cancelled, recycled, stray, faults;
    char tail[TAIL_BYTES + 1];
    struct connection connections[SOCKETS_MAX];
} server;

static void fault(const char *what, DWORD code)
{
    (void)InterlockedIncrement(&server.faults);
    fprintf(stderr, "file_server: %s: %u\n", what, (unsigned)code);
}

static void connection_accept(struct connection *c)
{
    memset(&c->overlapped, 0, sizeof c->overlapped);
    c->state = ACCEPTING;
    c->got = 0;
    if (!server.accept_ex(server.listener, c->s, c->addresses, 0, ADDRESS_BYTES, ADDRESS_BYTES, NULL, &c->overlapped) &&
        WSAGetLastError() != WSA_IO_PENDING && !server.ended)
        fault("AcceptEx", (DWORD)WSAGetLastError());
}

/* A new socket in the place of one that is of no use any more. */
static void connection_fresh(struct connection *c, int family)
{
    if (c->s != INVALID_SOCKET)
        closesocket(c->s);
    c->s = server.ended ? INVALID_SOCKET : WSASocketW(family, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    if (c->s == INVALID_SOCKET)
        return;
    if (CreateIoCompletionPort((HANDLE)c->s, server.port, KEY_CONNECTION, 0) == NULL)
        fault("CreateIoCompletionPort", GetLastError());
    connection_accept(c);
}

static int connection_read(struct connection *c)
{
    WSABUF buffer;
    DWORD flags = 0;
    buffer.buf = c->request + c->got;
    buffer.len = REQUEST_BYTES - c->got;
    memset(&c->overlapped, 0, sizeof c->overlapped);
    c->state = READING;
    return WSARecv(c->s, &buffer, 1, NULL, &flags, &c->overlapped, NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING;
}

/* Everything of the response, in one call. */
static BOOL connection_transmit(struct connection *c, uint64_t offset, DWORD length)
{
    DWORD flags = c->reuse ? TF_DISCONNECT | TF_REUSE_SOCKET : 0;
    memset(&c->overlapped, 0, sizeof c->overlapped);
    if (c->how == HOW_PACKETS) {
        memset(c->pieces, 0, sizeof c->pieces);
        c->pieces[0].dwElFlags = TP_ELEMENT_MEMORY;
        c->pieces[0].cLength = HEAD_BYTES;
        c->pieces[0].pBuffer = c->head;
        c->pieces[1].dwElFlags = TP_ELEMENT_FILE;
        c->pieces[1].cLength = length;
        c->pieces[1].nFileOffset.QuadPart = (LONGLONG)offset;
        c->pieces[1].hFile = server.files[HOW_OVERLAPPED];
        c->pieces[2].dwElFlags = TP_ELEMENT_MEMORY;
        c->pieces[2].cLength = TAIL_BYTES;
        c->pieces[2].pBuffer = server.tail;
        return server.transmit_packets(c->s, c->pieces, 3, 0, &c->overlapped, flags);
    }
    c->overlapped.Offset = (DWORD)offset;
    c->overlapped.OffsetHigh = (DWORD)(offset >> 32);
    c->buffers.Head = c->head;
    c->buffers.HeadLength = HEAD_BYTES;
    c->buffers.Tail = server.tail;
    c->buffers.TailLength = TAIL_BYTES;
    return server.transmit_file(
        c->s, c->how == HOW_HEAD_ONLY ? NULL : server.files[c->how == HOW_CANCEL ? HOW_PLAIN : c->how], length, 0,
        &c->overlapped, &c->buffers, flags);
}

static int connection_answer(struct connection *c)
{
    unsigned long long offset = 0, length = 0;
    int how = 0;
    c->request[REQUEST_BYTES] = '\0';
    if (sscanf(c->request, "GET %llu %llu %d", &offset, &length, &how) != 3 || (how & ~HOW_REUSE) >= HOWS) {
        fault("request", 0);
        return 0;
    }
    c->how = how & ~HOW_REUSE;
    c->reuse = (how & HOW_REUSE) != 0;
    c->state = SENDING;
    if (c->how == HOW_HEAD_ONLY)
        length = 0;
    c->want = HEAD_BYTES + (DWORD)length + TAIL_BYTES;
    snprintf(c->head, sizeof c->head, "OK %*llu\n", HEAD_BYTES - 4, length);
    if (!connection_transmit(c, offset, (DWORD)length) && WSAGetLastError() != WSA_IO_PENDING) {
        /* The client went before its response began. */
        (void)InterlockedIncrement(&server.resets);
        (void)InterlockedDecrement(&server.left);
        return 0;
    }
    if (c->how == HOW_CANCEL)
        (void)CancelIoEx((HANDLE)c->s, &c->overlapped);
    return 1;
}

/* @return  The connection goes on. */
static int connection_sent(struct connection *c, DWORD bytes, DWORD error)
{
    if (error == 0 && bytes != c->want)
        fault("bytes told", bytes);
    if (error == 0)
        (void)InterlockedIncrement(&server.sent);
    else if (error == ERROR_NETNAME_DELETED || error == ERROR_CONNECTION_ABORTED)
        (void)InterlockedIncrement(&server.resets);
    else if (error == ERROR_OPERATION_ABORTED && c->how == HOW_CANCEL)
        (void)InterlockedIncrement(&server.cancelled);
    else
        fault("response ends with", error);
    (void)InterlockedDecrement(&server.left);
    if (error != 0)
        return 0;
    c->got = 0;
    if (c->reuse) {
        (void)InterlockedIncrement(&server.recycled);
        connection_accept(c);
        return 1;
    }
    return connection_read(c);
}

static void connection_step(struct connection *c, int family, DWORD bytes, DWORD error)
{
    int goes_on = 0;
    if (c->state == ACCEPTING && error == 0) {
        if (setsockopt(c->s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&server.listener,
                       sizeof server.listener) != 0)
            fault("SO_UPDATE_ACCEPT_CONTEXT", (DWORD)WSAGetLastError());
        goes_on = connection_read(c);
    } else if (c->state == READING && error == 0 && bytes > 0) {
        c->got += bytes;
        goes_on = c->got < REQUEST_BYTES ? connection_read(c) : connection_answer(c);
    } else if (c->state == SENDING) {
        goes_on = connection_sent(c, bytes, error);
    }
    if (!goes_on)
        connection_fresh(c, family);
    if (server.left <= 0 && InterlockedExchange(&server.ended, 1) == 0)
        for (int i = 0; i < WORKERS; i++)
            PostQueuedCompletionStatus(server.port, 0, KEY_QUIT, NULL);
}

static DWORD WINAPI worker_main(LPVOID family)
{
    for (;;) {
        DWORD bytes = 0, error = 0;
        ULONG_PTR key = 0;
        OVERLAPPED *overlapped = NULL;
        if (!GetQueuedCompletionStatus(server.port, &bytes, &key, &overlapped, INFINITE))
            error = GetLastError();
        if (key == KEY_QUIT)
            return 0;
        if (overlapped == NULL) {
            fault("GetQueuedCompletionStatus", error);
            return 1;
        }
        if (key == KEY_FILE)
            (void)InterlockedIncrement(&server.stray);
        else
            connection_step((struct connection *)overlapped, (int)(INT_PTR)family, bytes, error);
    }
}

static int server_files(const char *path)
{
    for (int i = HOW_PLAIN; i <= HOW_ASSOCIATED; i++) {
        server.files[i] = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                                      i == HOW_PLAIN ? 0 : FILE_FLAG_OVERLAPPED, NULL);
        if (server.files[i] == INVALID_HANDLE_VALUE) {
            fault("CreateFile", GetLastError());
            return 0;
        }
    }
    return CreateIoCompletionPort(server.files[HOW_ASSOCIATED], server.port, KEY_FILE, 0) != NULL;
}

static void *extension(GUID id)
{
    void *function = NULL;
    DWORD bytes = 0;
    if (WSAIoctl(server.listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                 &bytes, NULL, NULL) != 0)
        fault("extension function", (DWORD)WSAGetLastError());
    return function;
}

static int server_listen(const char *address, const char *service, int *family)
{
    struct addrinfo wish, *found = NULL;
    int done;
    memset(&wish, 0, sizeof wish);
    wish.ai_socktype = SOCK_STREAM;
    wish.ai_flags = AI_PASSIVE | AI_NUMERICHOST;
    if (getaddrinfo(address, service, &wish, &found) != 0)
        return 0;
    *family = found->ai_family;
    server.listener = WSASocketW(found->ai_family, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    done = server.listener != INVALID_SOCKET && bind(server.listener, found->ai_addr, (int)found->ai_addrlen) == 0 &&
           listen(server.listener, SOMAXCONN) == 0 &&
           CreateIoCompletionPort((HANDLE)server.listener, server.port, KEY_LISTENER, 0) != NULL;
    freeaddrinfo(found);
    server.accept_ex = (LPFN_ACCEPTEX)(INT_PTR)extension((GUID)WSAID_ACCEPTEX);
    server.transmit_file = (LPFN_TRANSMITFILE)(INT_PTR)extension((GUID)WSAID_TRANSMITFILE);
    server.transmit_packets = (LPFN_TRANSMITPACKETS)(INT_PTR)extension((GUID)WSAID_TRANSMITPACKETS);
    return done && server.accept_ex != NULL && server.transmit_file != NULL && server.transmit_packets != NULL;
}

int main(int argc, char **argv)
{
    HANDLE workers[WORKERS];
    WSADATA data;
    int sockets = argc > 5 ? atoi(argv[5]) : 32;
    int family = AF_INET;
    if (argc < 5 || sockets < 1 || sockets > SOCKETS_MAX) {
        fprintf(stderr, "usage: file_server ADDRESS PORT FILE RESPONSES [SOCKETS]\n");
        return 2;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    memset(&server, 0, sizeof server);
    memcpy(server.tail, TAIL_TEXT, TAIL_BYTES);
    server.left = atoi(argv[4]);
    server.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, WORKERS);
    if (server.port == NULL || !server_listen(argv[1], argv[2], &family) || !server_files(argv[3])) {
        fault("no start", (DWORD)WSAGetLastError());
        return 1;
    }
    for (int i = 0; i < sockets; i++) {
        server.connections[i].s = INVALID_SOCKET;
        connection_fresh(&server.connections[i], family);
    }
    for (int i = 0; i < WORKERS; i++)
        workers[i] = CreateThread(NULL, 0, worker_main, (LPVOID)(INT_PTR)family, 0, NULL);
    WaitForMultipleObjects(WORKERS, workers, TRUE, INFINITE);
    for (int i = 0; i < WORKERS; i++)
        CloseHandle(workers[i]);
    closesocket(server.listener);
    for (int i = 0; i < sockets; i++)
        if (server.connections[i].s != INVALID_SOCKET)
            closesocket(server.connections[i].s);
    for (int i = 0; i < 3; i++)
        CloseHandle(server.files[i]);
    printf("file_server: %d sent, %d reset, %d cancelled, %d recycled, %d stray, %d faults\n", (int)server.sent,
           (int)server.resets, (int)server.cancelled, (int)server.recycled, (int)server.stray, (int)server.faults);
    CloseHandle(server.port);
    WSACleanup();
    return server.faults == 0 && server.stray == 0 ? 0 : 1;
}

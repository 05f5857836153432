/*
 * An echo server on a completion port, several threads, many connections, and the clients that try it: plain Winsock and
 * kernel32, one process.
 *
 *     kernel_echo [-c CONNECTIONS] [-b BYTES] [-w WORKERS] [-s] [ADDRESS]
 *
 * Every client sends BYTES in pieces of changing size and compares what comes back. -s: with
 * FILE_SKIP_COMPLETION_PORT_ON_SUCCESS. Exit status 0 if every byte came back, to as many connections as there were.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MAX 16384u
#define SERVER_BYTES 6000u /* not a divisor of the pieces */
#define THREADS_MAX 64u
#define STEP_MS 60000

enum operation_kind { RECEIVE, SEND };

struct connection;

/* The structure comes first: a packet's pointer is the operation's. */
struct operation {
    OVERLAPPED overlapped;
    enum operation_kind kind;
    struct connection *connection;
};

struct connection {
    SOCKET s;
    struct operation operation; /* one at a time */
    DWORD length;
    DWORD sent;
    char data[SERVER_BYTES];
};

static struct options {
    unsigned connections;
    unsigned bytes;
    unsigned workers;
    bool skip;
    const char *address;
} options = {64, 163840, 4, false, "127.0.0.1"};

static HANDLE port;
static SOCKADDR_IN server_address;
static atomic_uint served, packets, shortcuts, server_faults, client_faults;
static _Atomic uint64_t echoed, received;
static atomic_uint worker_packets[THREADS_MAX];

static void fault(atomic_uint *count, const char *what, DWORD code)
{
    atomic_fetch_add(count, 1);
    fprintf(stderr, "kernel_echo: %s: %u\n", what, (unsigned)code);
}

/* ---- server ---- */

static void connection_end(struct connection *connection)
{
    closesocket(connection->s);
    free(connection);
    atomic_fetch_add(&served, 1);
}

/* Starts the next operation. false: it is over already, by its own account and without a packet. */
static bool operation_start(struct connection *connection, DWORD *moved)
{
    WSABUF buffer;
    DWORD flags = 0;
    int result;
    memset(&connection->operation.overlapped, 0, sizeof connection->operation.overlapped);
    connection->operation.connection = connection;
    if (connection->operation.kind == RECEIVE) {
        buffer.buf = connection->data;
        buffer.len = sizeof connection->data;
        result = WSARecv(connection->s, &buffer, 1, moved, &flags, &connection->operation.overlapped, NULL);
    } else {
        buffer.buf = connection->data + connection->sent;
        buffer.len = connection->length - connection->sent;
        result = WSASend(connection->s, &buffer, 1, moved, 0, &connection->operation.overlapped, NULL);
    }
    if (result != 0 && WSAGetLastError() != WSA_IO_PENDING) {
        fault(&server_faults, "an operation cannot start", (DWORD)WSAGetLastError());
        connection_end(connection);
        return true;
    }
    if (result == 0 && options.skip) {
        atomic_fetch_add(&shortcuts, 1);
        return false;
    }
    return true;
}

/* Goes on behind an operation that moved so many bytes, until one is pending. */
static void connection_go_on(struct connection *connection, DWORD moved)
{
    for (;;) {
        if (connection->operation.kind == RECEIVE) {
            if (moved == 0) {
                connection_end(connection);
                return;
            }
            connection->operation.kind = SEND;
            connection->length = moved;
            connection->sent = 0;
        } else {
            atomic_fetch_add(&echoed, moved);
            connection->sent += moved;
            if (connection->sent == connection->length) {
                connection->operation.kind = RECEIVE;
            }
        }
        if (operation_start(connection, &moved)) {
            return;
        }
    }
}

static DWORD WINAPI worker_main(LPVOID context)
{
    atomic_uint *own = (atomic_uint *)context;
    for (;;) {
        DWORD moved = 0;
        ULONG_PTR key = 0;
        LPOVERLAPPED overlapped = NULL;
        BOOL ok = GetQueuedCompletionStatus(port, &moved, &key, &overlapped, INFINITE);
        struct connection *connection = (struct connection *)key;
        if (overlapped == NULL) {
            return 0;
        }
        atomic_fetch_add(&packets, 1);
        atomic_fetch_add(own, 1);
        if (((struct operation *)(void *)overlapped)->connection != connection) {
            fault(&server_faults, "key and structure do not belong together", 0);
            return 1;
        }
        if (!ok) {
            fault(&server_faults, "an operation failed", GetLastError());
            connection_end(connection);
            continue;
        }
        connection_go_on(connection, moved);
    }
}

static bool connection_accept(SOCKET listener)
{
    struct connection *connection = (struct connection *)calloc(1, sizeof *connection);
    DWORD moved = 0;
    if (connection == NULL) {
        return false;
    }
    connection->s = accept(listener, NULL, NULL);
    if (connection->s == INVALID_SOCKET) {
        fault(&server_faults, "accept", (DWORD)WSAGetLastError());
        free(connection);
        return false;
    }
    if (CreateIoCompletionPort((HANDLE)connection->s, port, (ULONG_PTR)connection, 0) != port ||
        (options.skip &&
         !SetFileCompletionNotificationModes((HANDLE)connection->s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS))) {
        fault(&server_faults, "the port refuses a socket", GetLastError());
        connection_end(connection);
        return false;
    }
    connection->operation.kind = RECEIVE;
    if (!operation_start(connection, &moved)) {
        connection_go_on(connection, moved);
    }
    return true;
}

static DWORD WINAPI acceptor_main(LPVOID context)
{
    SOCKET listener = *(SOCKET *)context;
    unsigned i;
    for (i = 0; i < options.connections; i++) {
        if (!connection_accept(listener)) {
            return 1;
        }
    }
    return 0;
}

/* ---- clients ---- */

static void piece_fill(char *piece, unsigned bytes, uint32_t *state)
{
    unsigned i;
    for (i = 0; i < bytes; i++) {
        *state = *state * 1664525u + 1013904223u;
        piece[i] = (char)(*state >> 24);
    }
}

static bool piece_exchange(SOCKET s, const char *piece, char *back, unsigned bytes)
{
    unsigned got = 0;
    int n;
    for (unsigned sent = 0; sent < bytes; sent += (unsigned)n) {
        n = send(s, piece + sent, (int)(bytes - sent), 0);
        if (n <= 0) {
            fault(&client_faults, "send", (DWORD)WSAGetLastError());
            return false;
        }
    }
    while (got < bytes) {
        n = recv(s, back + got, (int)(bytes - got), 0);
        if (n <= 0) {
            fault(&client_faults, "recv", n == 0 ? 0 : (DWORD)WSAGetLastError());
            return false;
        }
        got += (unsigned)n;
    }
    atomic_fetch_add(&received, got);
    if (memcmp(piece, back, bytes) != 0) {
        fault(&client_faults, "other bytes came back", bytes);
        return false;
    }
    return true;
}

static DWORD WINAPI client_main(LPVOID context)
{
    uint32_t state = (uint32_t)(uintptr_t)context * 2654435761u;
    char *piece = (char *)malloc((size_t)2 * PIECE_MAX);
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    unsigned left = options.bytes;
    char byte;
    if (piece == NULL || s == INVALID_SOCKET ||
        connect(s, (const struct sockaddr *)&server_address, sizeof server_address) != 0) {
        fault(&client_faults, "no connection", (DWORD)WSAGetLastError());
        return 1;
    }
    while (left > 0) {
        unsigned bytes = 1 + (state >> 8) % PIECE_MAX;
        bytes = bytes > left ? left : bytes;
        piece_fill(piece, bytes, &state);
        if (!piece_exchange(s, piece, piece + PIECE_MAX, bytes)) {
            break;
        }
        left -= bytes;
    }
    if (left == 0 && (shutdown(s, SD_SEND) != 0 || recv(s, &byte, 1, 0) != 0)) {
        fault(&client_faults, "the end does not come", (DWORD)WSAGetLastError());
    }
    closesocket(s);
    free(piece);
    return 0;
}

/* ---- the run ---- */

static bool threads_wait(HANDLE *threads, unsigned count, const char *who)
{
    unsigned i;
    for (i = 0; i < count; i++) {
        if (WaitForSingleObject(threads[i], STEP_MS) != WAIT_OBJECT_0) {
            fprintf(stderr, "kernel_echo: %s %u hangs\n", who, i);
            return false;
        }
        CloseHandle(threads[i]);
    }
    return true;
}

static bool listener_make(SOCKET *listener)
{
    int bytes = sizeof server_address;
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    server_address.sin_family = AF_INET;
    server_address.sin_addr.s_addr = inet_addr(options.address);
    return *listener != INVALID_SOCKET &&
           bind(*listener, (const struct sockaddr *)&server_address, sizeof server_address) == 0 &&
           listen(*listener, 128) == 0 && getsockname(*listener, (struct sockaddr *)&server_address, &bytes) == 0;
}

static bool arguments_read(int argc, char **argv)
{
    int i;
    for (i = 1; i < argc; i++) {
        unsigned value = i + 1 < argc ? (unsigned)strtoul(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "-s") == 0) {
            options.skip = true;
        } else if (argv[i][0] != '-') {
            options.address = argv[i];
        } else if (value == 0) {
            return false;
        } else if (strcmp(argv[i], "-c") == 0 && value <= THREADS_MAX) {
            options.connections = value;
            i++;
        } else if (strcmp(argv[i], "-b") == 0) {
            options.bytes = value;
            i++;
        } else if (strcmp(argv[i], "-w") == 0 && value <= THREADS_MAX) {
            options.workers = value;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

static bool run(void)
{
    HANDLE workers[THREADS_MAX];
    HANDLE clients[THREADS_MAX];
    HANDLE acceptor;
    SOCKET listener;
    unsigned i;
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (port == NULL || !listener_make(&listener)) {
        fault(&server_faults, "no port or no listener", GetLastError());
        return false;
    }
    for (i = 0; i < options.workers; i++) {
        workers[i] = CreateThread(NULL, 0, worker_main, &worker_packets[i], 0, NULL);
    }
    acceptor = CreateThread(NULL, 0, acceptor_main, &listener, 0, NULL);
    for (i = 0; i < options.connections; i++) {
        clients[i] = CreateThread(NULL, 0, client_main, (LPVOID)(uintptr_t)(i + 1), 0, NULL);
    }
    if (!threads_wait(clients, options.connections, "client") || !threads_wait(&acceptor, 1, "acceptor")) {
        return false;
    }
    for (i = 0; i < STEP_MS && atomic_load(&served) < options.connections; i += 5) {
        Sleep(5);
    }
    for (i = 0; i < options.workers; i++) {
        PostQueuedCompletionStatus(port, 0, 0, NULL);
    }
    if (!threads_wait(workers, options.workers, "worker")) {
        return false;
    }
    closesocket(listener);
    CloseHandle(port);
    return true;
}

int main(int argc, char **argv)
{
    WSADATA data;
    uint64_t wanted;
    ULONGLONG start = GetTickCount64();
    unsigned i, busy = 0;
    bool ended;
    if (!arguments_read(argc, argv)) {
        fprintf(stderr, "usage: kernel_echo [-c CONNECTIONS] [-b BYTES] [-w WORKERS] [-s] [ADDRESS]\n");
        return 2;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return 3;
    }
    ended = run();
    wanted = (uint64_t)options.connections * options.bytes;
    for (i = 0; i < options.workers; i++) {
        busy += atomic_load(&worker_packets[i]) > 0;
    }
    printf(
        "%u of %u connections, %llu of %llu bytes sent back and %llu received, %u packets by %u workers, %u without, "
        "%u ms\n",
        atomic_load(&served), options.connections, (unsigned long long)atomic_load(&echoed), (unsigned long long)wanted,
        (unsigned long long)atomic_load(&received), atomic_load(&packets), busy, atomic_load(&shortcuts),
        (unsigned)(GetTickCount64() - start));
    fflush(stdout);
    if (!ended) {
        ExitProcess(1); /* what hangs would hold the end */
    }
    WSACleanup();
    return atomic_load(&served) == options.connections && atomic_load(&echoed) == wanted &&
                   atomic_load(&received) == wanted && atomic_load(&server_faults) == 0 &&
                   atomic_load(&client_faults) == 0 && atomic_load(&packets) > 0
               ? 0
               : 1;
}

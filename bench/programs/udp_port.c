/* Datagrams by overlapped calls that report to a completion port, several completions taken at a time. */
#include "udp_rate.h"

#include <windows.h>

#include <stdlib.h>

#define PORT_TAKEN 64

struct port_request {
    WSAOVERLAPPED overlapped; /* first: a completion's structure is the request */
    struct port_request *next;
    char *data;
    DWORD flags;
};

struct port {
    HANDLE port;
    struct port_request *requests;
    struct port_request *idle; /* of sends: not in use */
    char *data;
    OVERLAPPED_ENTRY entries[PORT_TAKEN];
};

static int request_receive(struct udp_end *end, struct port_request *request)
{
    WSABUF buffer = {(ULONG)end->size, request->data};

    request->flags = 0;
    ZeroMemory(&request->overlapped, sizeof(request->overlapped));
    if (WSARecv(end->sock, &buffer, 1, NULL, &request->flags, &request->overlapped, NULL) != 0 &&
        WSAGetLastError() != WSA_IO_PENDING) {
        (void)bench_fail("udp_rate", "WSARecv");
        return -1;
    }
    return 0;
}

static int port_open(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size)
{
    struct port *port = calloc(1, sizeof(*port));

    if (port == NULL) {
        return -1;
    }
    end->own = port;
    port->requests = calloc((size_t)end->depth, sizeof(*port->requests));
    port->data = calloc((size_t)end->depth, (size_t)end->size);
    if (port->requests == NULL || port->data == NULL ||
        udp_end_socket(end, at, to, addr_size, WSA_FLAG_OVERLAPPED) != 0) {
        return -1;
    }
    port->port = CreateIoCompletionPort((HANDLE)end->sock, NULL, 1, 0);
    if (port->port == NULL) {
        (void)bench_fail("udp_rate", "CreateIoCompletionPort");
        return -1;
    }
    for (uint64_t i = 0; i < end->depth; i++) {
        struct port_request *request = &port->requests[i];
        request->data = port->data + i * end->size;
        if (!end->sends && request_receive(end, request) != 0) {
            return -1;
        }
        request->next = port->idle;
        port->idle = request;
    }
    return 0;
}

/* Completions, at most count: waited for, or only those that are there. */
static int64_t port_take(struct port *port, uint64_t count, DWORD ms)
{
    ULONG taken = 0;

    if (!GetQueuedCompletionStatusEx(port->port, port->entries, (ULONG)(count < PORT_TAKEN ? count : PORT_TAKEN),
                                     &taken, ms, FALSE)) {
        if (ms != 0) {
            (void)bench_fail("udp_rate", "GetQueuedCompletionStatusEx");
        }
        return ms != 0 ? -1 : 0;
    }
    return (int64_t)taken;
}

static int64_t port_send(struct udp_end *end, uint64_t count)
{
    struct port *port = end->own;
    const OVERLAPPED_ENTRY *entries = port->entries;
    int64_t taken = port_take(port, PORT_TAKEN, 0);
    uint64_t sent = 0;

    while (taken > 0) {
        for (int64_t i = 0; i < taken; i++) {
            struct port_request *request = (struct port_request *)(void *)entries[i].lpOverlapped;
            request->next = port->idle;
            port->idle = request;
        }
        taken = taken == PORT_TAKEN ? port_take(port, PORT_TAKEN, 0) : 0;
    }
    for (; sent < count && port->idle != NULL; sent++) {
        struct port_request *request = port->idle;
        WSABUF buffer = {(ULONG)end->size, request->data};
        port->idle = request->next;
        udp_number_write(request->data, end->next++);
        ZeroMemory(&request->overlapped, sizeof(request->overlapped));
        if (WSASend(end->sock, &buffer, 1, NULL, 0, &request->overlapped, NULL) != 0 &&
            WSAGetLastError() != WSA_IO_PENDING) {
            (void)bench_fail("udp_rate", "WSASend");
            return -1;
        }
    }
    return (int64_t)sent;
}

static int64_t port_receive(struct udp_end *end, uint64_t count)
{
    struct port *port = end->own;
    const OVERLAPPED_ENTRY *entries = port->entries;
    int64_t taken = port_take(port, count, BENCH_PATIENCE_MS);

    for (int64_t i = 0; i < taken; i++) {
        struct port_request *request = (struct port_request *)(void *)entries[i].lpOverlapped;
        if (udp_number_check(end, request->data, entries[i].dwNumberOfBytesTransferred) != 0 ||
            request_receive(end, request) != 0) {
            return -1;
        }
    }
    return taken;
}

static void port_close(struct udp_end *end)
{
    struct port *port = end->own;

    if (end->sock != INVALID_SOCKET) {
        (void)closesocket(end->sock);
    }
    if (port == NULL) {
        return;
    }
    if (port->port != NULL) {
        while (port_take(port, PORT_TAKEN, 0) > 0) { /* what was cancelled is in use until it is told */
        }
        (void)CloseHandle(port->port);
    }
    free(port->data);
    free(port->requests);
    free(port);
}

const struct udp_way udp_way_port = {"port", port_open, port_send, port_receive, port_close};

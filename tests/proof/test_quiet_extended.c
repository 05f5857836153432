/*
 * No allocation, and no system call where none is needed, through the
 * extensions: registered I/O in all forms, messages with control data,
 * completion ports, files, and sockets that are used again. What waits and
 * what wakes makes calls; memory is taken by none.
 */
#include "t_watch.h"

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WARM_ROUNDS 30
#define ROUNDS 150
#define REGION 65536
#define SLICE 2048
#define ADDR_AT (REGION - 256)
#define CONTROL_AT (REGION - 1024)
#define FLAGS_AT (REGION - 64)

static char region[REGION];
static char control[256];
static RIO_EXTENSION_FUNCTION_TABLE rio;
static RIO_BUFFERID region_id;
static LPFN_WSARECVMSG recv_msg;
static LPFN_WSASENDMSG send_msg;
static LPFN_ACCEPTEX accept_ex;
static LPFN_CONNECTEX connect_ex;
static LPFN_DISCONNECTEX disconnect_ex;
static LPFN_TRANSMITFILE transmit_file;
static LPFN_TRANSMITPACKETS transmit_packets;
static int skipped;

static void must(int good, const char *what)
{
    if (!good) {
        fail_msg("%s: error %d", what, WSAGetLastError());
    }
}

static void report_check(const char *what, const struct t_watch_report *report, int calls)
{
    print_message("%s: allocations %llu and %llu, system calls %llu (%d) and %llu (%d)\n", what,
                  (unsigned long long)report->allocs_own, (unsigned long long)report->allocs_others,
                  (unsigned long long)report->calls_own, report->call_last_own,
                  (unsigned long long)report->calls_others, report->call_last_others);
    skipped = !report->calls_counted;
    assert_int_equal(report->allocs_own, 0);
    assert_int_equal(report->allocs_others, 0);
    if (calls == 0) {
        assert_int_equal(report->calls_own, 0);
        assert_int_equal(report->calls_others, 0);
    }
}

static void extension(SOCKET s, GUID guid, void *out)
{
    DWORD bytes;
    must(WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof guid, out, sizeof(void *), &bytes, NULL, NULL) ==
             0,
         "extension");
}

static SOCKET bound(int type, int end, DWORD flags, SOCKADDR_IN *addr)
{
    SOCKET s = WSASocketW(AF_INET, type, 0, NULL, 0, WSA_FLAG_OVERLAPPED | flags);
    int bytes = sizeof *addr;
    memset(addr, 0, sizeof *addr);
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = inet_addr(end == 0 ? "10.88.0.1" : "10.88.0.2");
    must(s != INVALID_SOCKET, "socket");
    must(bind(s, (struct sockaddr *)addr, sizeof *addr) == 0, "bind");
    must(getsockname(s, (struct sockaddr *)addr, &bytes) == 0, "getsockname");
    return s;
}

static void stream_pair(SOCKET pair[2], DWORD flags)
{
    SOCKADDR_IN far;
    SOCKADDR_IN near;
    int on = 1;
    SOCKET listener = bound(SOCK_STREAM, 1, flags, &far);
    must(listen(listener, 1) == 0, "listen");
    pair[0] = bound(SOCK_STREAM, 0, flags, &near);
    must(connect(pair[0], (struct sockaddr *)&far, sizeof far) == 0, "connect");
    pair[1] = accept(listener, NULL, NULL);
    must(pair[1] != INVALID_SOCKET && closesocket(listener) == 0, "accept");
    for (int i = 0; i < 2; i++) {
        must(setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on) == 0, "TCP_NODELAY");
    }
}

/* --- Registered I/O --------------------------------------------------------------- */

/** Both ends of a socket pair, with a queue each. */
struct rio_pair {
    SOCKET sock[2];
    RIO_CQ cq[2];
    RIO_RQ rq[2];
    int stream;
};

static void rio_open(struct rio_pair *pair, int type, RIO_NOTIFICATION_COMPLETION *notify)
{
    SOCKADDR_IN addr[2];
    SOCKADDR_INET peer;
    pair->stream = type == SOCK_STREAM;
    if (pair->stream) {
        stream_pair(pair->sock, WSA_FLAG_REGISTERED_IO);
    } else {
        pair->sock[0] = bound(type, 0, WSA_FLAG_REGISTERED_IO, &addr[0]);
        pair->sock[1] = bound(type, 1, WSA_FLAG_REGISTERED_IO, &addr[1]);
        memset(&peer, 0, sizeof peer);
        memcpy(&peer, &addr[1], sizeof addr[1]);
        memcpy(region + ADDR_AT, &peer, sizeof peer);
    }
    for (int i = 0; i < 2; i++) {
        pair->cq[i] = rio.RIOCreateCompletionQueue(64, i == 1 ? notify : NULL);
        must(pair->cq[i] != RIO_INVALID_CQ, "RIOCreateCompletionQueue");
        pair->rq[i] = rio.RIOCreateRequestQueue(pair->sock[i], 16, 1, 16, 1, pair->cq[i], pair->cq[i], NULL);
        must(pair->rq[i] != RIO_INVALID_RQ, "RIOCreateRequestQueue");
    }
}

static void rio_close(struct rio_pair *pair)
{
    for (int i = 0; i < 2; i++) {
        must(closesocket(pair->sock[i]) == 0, "closesocket");
        rio.RIOCloseCompletionQueue(pair->cq[i]);
    }
}

static RIO_BUF slice(ULONG at, ULONG bytes)
{
    return (RIO_BUF){.BufferId = region_id, .Offset = at, .Length = bytes};
}

static void rio_take(RIO_CQ cq, unsigned count)
{
    RIORESULT results[16];
    unsigned taken = 0;
    while (taken < count) {
        const ULONG got = rio.RIODequeueCompletion(cq, results, 16);
        must(got != RIO_CORRUPT_CQ, "RIODequeueCompletion");
        for (ULONG i = 0; i < got; i++) {
            must(results[i].Status == 0, "a request");
        }
        taken += got;
    }
    must(taken == count, "count");
}

/** Eight requests each way, some deferred, datagrams with addresses, control data and flags. */
static void rio_round(struct rio_pair *pair, DWORD quiet)
{
    RIO_BUF to = slice(ADDR_AT, sizeof(SOCKADDR_INET));
    RIO_BUF from = slice(ADDR_AT + 64, sizeof(SOCKADDR_INET));
    RIO_BUF told = slice(CONTROL_AT, 256);
    RIO_BUF flags = slice(FLAGS_AT, sizeof(DWORD));
    for (ULONG i = 0; i < 8; i++) {
        RIO_BUF data = slice(i * SLICE, 600);
        const DWORD defer = i % 4 < 3 ? RIO_MSG_DEFER : 0;
        const DWORD all = pair->stream ? RIO_MSG_WAITALL : 0;
        must(pair->stream || i % 2 != 0
                 ? rio.RIOReceive(pair->rq[1], &data, 1, defer | all | quiet, NULL)
                 : rio.RIOReceiveEx(pair->rq[1], &data, 1, NULL, &from, &told, &flags, defer | quiet, NULL),
             "RIOReceive");
    }
    for (ULONG i = 0; i < 8; i++) {
        RIO_BUF data = slice(16384 + i * SLICE, 600);
        const DWORD defer = i < 7 ? RIO_MSG_DEFER : 0;
        must(pair->stream ? rio.RIOSend(pair->rq[0], &data, 1, RIO_MSG_DEFER, NULL)
                          : rio.RIOSendEx(pair->rq[0], &data, 1, NULL, &to, NULL, NULL, defer, NULL),
             "RIOSend");
    }
    must(rio.RIOSend(pair->rq[0], NULL, 0, RIO_MSG_COMMIT_ONLY, NULL), "commit");
}

static void rio_polled(struct rio_pair *pair, int rounds)
{
    RIORESULT none;
    for (int i = 0; i < rounds; i++) {
        must(rio.RIODequeueCompletion(pair->cq[1], &none, 1) == 0, "an empty queue");
        rio_round(pair, 0);
        rio_take(pair->cq[1], 8);
        rio_take(pair->cq[0], 8);
    }
}

static void rio__polled__quiet(void **state)
{
    struct rio_pair pair;
    struct t_watch_report report;
    const int types[2] = {SOCK_DGRAM, SOCK_STREAM};
    (void)state;
    for (int i = 0; i < 2; i++) {
        DWORD on = 1;
        rio_open(&pair, types[i], NULL);
        must(types[i] == SOCK_STREAM || setsockopt(pair.sock[1], IPPROTO_IP, IP_PKTINFO, (char *)&on, sizeof on) == 0,
             "IP_PKTINFO");
        rio_polled(&pair, WARM_ROUNDS);
        t_watch_begin();
        rio_polled(&pair, ROUNDS);
        report = t_watch_end();
        report_check("rio", &report, 0);
        rio_close(&pair);
    }
}

/** RIOX-48: who looks at an empty queue again and again does nothing but look. */
static void rio__empty_queue__quiet(void **state)
{
    const RIO_CQ cq = rio.RIOCreateCompletionQueue(8, NULL);
    struct t_watch_report report;
    RIORESULT results[4];
    ULONG got = 0;
    (void)state;
    must(cq != RIO_INVALID_CQ, "RIOCreateCompletionQueue");
    t_watch_begin();
    for (int i = 0; i < 100000; i++) {
        got += rio.RIODequeueCompletion(cq, results, 4);
    }
    report = t_watch_end();
    assert_int_equal(got, 0);
    report_check("empty queue", &report, 0);
    rio.RIOCloseCompletionQueue(cq);
}

static void rio_notified(struct rio_pair *pair, HANDLE event, HANDLE port, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        must(rio.RIONotify(pair->cq[1]) == 0, "RIONotify");
        rio_round(pair, 0);
        if (port != NULL) {
            DWORD bytes;
            ULONG_PTR key;
            LPOVERLAPPED overlapped;
            must(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 10000), "the packet");
        } else {
            must(WaitForSingleObject(event, 10000) == WAIT_OBJECT_0, "the event");
        }
        rio_take(pair->cq[1], 8);
        rio_take(pair->cq[0], 8);
    }
}

static void rio__notified__no_allocation(void **state)
{
    const HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    const HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    OVERLAPPED overlapped = {0};
    struct t_watch_report report;
    struct rio_pair pair;
    (void)state;
    for (int by_port = 0; by_port < 2; by_port++) {
        RIO_NOTIFICATION_COMPLETION notify = {.Type = by_port ? RIO_IOCP_COMPLETION : RIO_EVENT_COMPLETION};
        if (by_port) {
            notify.Iocp.IocpHandle = port;
            notify.Iocp.CompletionKey = &pair;
            notify.Iocp.Overlapped = &overlapped;
        } else {
            notify.Event.EventHandle = event;
            notify.Event.NotifyReset = TRUE;
        }
        rio_open(&pair, SOCK_DGRAM, &notify);
        rio_notified(&pair, event, by_port ? port : NULL, WARM_ROUNDS);
        t_watch_begin();
        rio_notified(&pair, event, by_port ? port : NULL, ROUNDS);
        report = t_watch_end();
        report_check(by_port ? "rio, port" : "rio, event", &report, 1);
        rio_close(&pair);
    }
    CloseHandle(port);
    CloseHandle(event);
}

/* --- Messages ----------------------------------------------------------------------- */

static void message_work(const SOCKET sock[2], const SOCKADDR_IN *to, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        WSABUF buf = {.len = 600, .buf = region};
        WSAMSG out = {.name = (struct sockaddr *)(void *)(uintptr_t)to, .namelen = sizeof *to, .lpBuffers = &buf};
        WSAMSG in;
        SOCKADDR_IN from;
        DWORD bytes = 0;
        out.dwBufferCount = 1;
        must(send_msg(sock[0], &out, 0, &bytes, NULL, NULL) == 0 && bytes == 600, "WSASendMsg");
        buf.len = SLICE;
        in = out;
        in.name = (struct sockaddr *)&from;
        in.Control = (WSABUF){.len = sizeof control, .buf = control};
        must(recv_msg(sock[1], &in, &bytes, NULL, NULL) == 0 && bytes == 600, "WSARecvMsg");
        must(WSA_CMSG_FIRSTHDR(&in) != NULL, "control data");
    }
}

static void messages__sent_and_received__quiet(void **state)
{
    SOCKADDR_IN addr[2];
    const SOCKET sock[2] = {bound(SOCK_DGRAM, 0, 0, &addr[0]), bound(SOCK_DGRAM, 1, 0, &addr[1])};
    struct t_watch_report report;
    DWORD on = 1;
    (void)state;
    must(setsockopt(sock[1], IPPROTO_IP, IP_PKTINFO, (char *)&on, sizeof on) == 0, "IP_PKTINFO");
    message_work(sock, &addr[1], WARM_ROUNDS);
    t_watch_begin();
    message_work(sock, &addr[1], ROUNDS);
    report = t_watch_end();
    report_check("messages", &report, 0);
    must(closesocket(sock[0]) == 0 && closesocket(sock[1]) == 0, "closesocket");
}

/* --- Ports --------------------------------------------------------------------------- */

static void port_wait(HANDLE port, unsigned count)
{
    OVERLAPPED_ENTRY entries[4];
    while (count > 0) {
        ULONG got = 0;
        must(GetQueuedCompletionStatusEx(port, entries, count < 4 ? count : 4, &got, 10000, FALSE) && got > 0,
             "GetQueuedCompletionStatusEx");
        count -= got;
    }
}

static void port_work(HANDLE port, const SOCKET pair[2], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        OVERLAPPED overlapped[4];
        WSABUF in = {.len = SLICE, .buf = region};
        WSABUF out = {.len = 64, .buf = region + SLICE};
        DWORD bytes = 0;
        DWORD flags = 0;
        ULONG_PTR key;
        LPOVERLAPPED which;
        memset(overlapped, 0, sizeof overlapped);
        must(WSARecv(pair[1], &in, 1, NULL, &flags, &overlapped[0], NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING,
             "WSARecv");
        must(WSASend(pair[0], &out, 1, NULL, 0, &overlapped[1], NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING,
             "WSASend");
        port_wait(port, 2);
        for (int k = 0; k < 4; k++) {
            must(PostQueuedCompletionStatus(port, 7, 1, &overlapped[k]), "PostQueuedCompletionStatus");
        }
        must(GetQueuedCompletionStatus(port, &bytes, &key, &which, 0) && bytes == 7, "GetQueuedCompletionStatus");
        port_wait(port, 3);
        must(!GetQueuedCompletionStatus(port, &bytes, &key, &which, 0), "an empty port");
    }
}

static void ports__packets_of_requests_and_posted__no_allocation(void **state)
{
    const HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    struct t_watch_report report;
    SOCKET pair[2];
    (void)state;
    stream_pair(pair, 0);
    for (int i = 0; i < 2; i++) {
        must(CreateIoCompletionPort((HANDLE)pair[i], port, 1, 0) == port, "CreateIoCompletionPort");
    }
    port_work(port, pair, WARM_ROUNDS);
    t_watch_begin();
    port_work(port, pair, ROUNDS);
    report = t_watch_end();
    report_check("ports", &report, 1);
    must(closesocket(pair[0]) == 0 && closesocket(pair[1]) == 0, "closesocket");
    CloseHandle(port);
}

/* --- Files ------------------------------------------------------------------------------ */

static void drain(SOCKET s, unsigned bytes)
{
    while (bytes > 0) {
        const int got = recv(s, region, bytes < SLICE ? (int)bytes : SLICE, 0);
        must(got > 0, "recv");
        bytes -= (unsigned)got;
    }
}

static void file_work(const SOCKET pair[2], HANDLE file, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        TRANSMIT_FILE_BUFFERS around = {.Head = region, .HeadLength = 10, .Tail = region, .TailLength = 20};
        TRANSMIT_PACKETS_ELEMENT pieces[2];
        memset(pieces, 0, sizeof pieces);
        pieces[0].dwElFlags = TP_ELEMENT_MEMORY;
        pieces[0].cLength = 100;
        pieces[0].pBuffer = region;
        pieces[1].dwElFlags = TP_ELEMENT_FILE;
        pieces[1].cLength = 1000;
        pieces[1].hFile = file;
        must(transmit_file(pair[0], file, 8000, 0, NULL, i % 2 != 0 ? &around : NULL, 0), "TransmitFile");
        drain(pair[1], 8000 + (i % 2 != 0 ? 30 : 0));
        must(SetFilePointer(file, 0, NULL, FILE_BEGIN) == 0, "SetFilePointer");
        must(transmit_packets(pair[0], pieces, 2, 0, NULL, 0), "TransmitPackets");
        drain(pair[1], 1100);
    }
}

static void files__transmitted__no_allocation(void **state)
{
    char name[] = "/tmp/quiet_XXXXXX";
    struct t_watch_report report;
    SOCKET pair[2];
    DWORD written = 0;
    (void)state;
    const int descriptor = mkstemp(name);
    assert_true(descriptor >= 0);
    const HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    must(file != INVALID_HANDLE_VALUE && WriteFile(file, region, 20000, &written, NULL) && written == 20000, "a file");
    must(SetFilePointer(file, 0, NULL, FILE_BEGIN) == 0, "SetFilePointer");
    stream_pair(pair, 0);
    file_work(pair, file, WARM_ROUNDS);
    t_watch_begin();
    file_work(pair, file, ROUNDS / 4);
    report = t_watch_end();
    report_check("files", &report, 1);
    must(closesocket(pair[0]) == 0 && closesocket(pair[1]) == 0, "closesocket");
    CloseHandle(file);
    (void)remove(name); /* its descriptor goes with the program: close() is not declared beside <windows.h> */
    (void)descriptor;
}

#define PIECE 65536

static unsigned bulk; /* bytes */

static DWORD WINAPI bulk_drain(LPVOID context)
{
    static char room[PIECE];
    const SOCKET s = *(SOCKET *)context;
    unsigned got = 0;
    while (got < bulk) {
        const int n = recv(s, room, PIECE, 0);
        if (n <= 0) {
            break;
        }
        got += (unsigned)n;
    }
    return got;
}

static void bulk_send(SOCKET s, HANDLE file)
{
    static char room[PIECE];
    for (unsigned sent = 0; sent < bulk; sent += PIECE) {
        DWORD got = 0;
        must(ReadFile(file, room, PIECE, &got, NULL) && got == PIECE, "ReadFile");
        must(send(s, room, PIECE, 0) == PIECE, "send");
    }
}

static void rate_sort(double *rates, int count)
{
    for (int i = 1; i < count; i++) {
        for (int j = i; j > 0 && rates[j] < rates[j - 1]; j--) {
            const double rate = rates[j];
            rates[j] = rates[j - 1];
            rates[j - 1] = rate;
        }
    }
}

/** MiB/s of a file, by TransmitFile or read and sent in pieces. */
static double bulk_rate(SOCKET pair[2], HANDLE file, int way)
{
    LARGE_INTEGER rate;
    LARGE_INTEGER from;
    LARGE_INTEGER to;
    DWORD got = 0;
    const HANDLE thread = CreateThread(NULL, 0, bulk_drain, &pair[1], 0, NULL);
    must(thread != NULL && SetFilePointer(file, 0, NULL, FILE_BEGIN) == 0, "a thread");
    must(QueryPerformanceFrequency(&rate) && QueryPerformanceCounter(&from), "the time");
    if (way == 0) {
        must(transmit_file(pair[0], file, bulk, 0, NULL, NULL, 0), "TransmitFile");
    } else {
        bulk_send(pair[0], file);
    }
    must(WaitForSingleObject(thread, 60000) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &got), "the thread");
    (void)QueryPerformanceCounter(&to);
    assert_int_equal(got, bulk);
    CloseHandle(thread);
    return (double)(bulk >> 20) * (double)rate.QuadPart / (double)(to.QuadPart - from.QuadPart);
}

#define BULK_ROUNDS 11

/**
 * The same bytes of a file by one TransmitFile, and read and sent in pieces, in turn: MiB/s of each; T_QUIET_MIB asks for so many.
 * The first round is not counted: it brings the file and the connection's memory in, and makes whoever is first the slower one.
 */
static void files__beside_sends__figures(void **state)
{
    char name[] = "/tmp/quiet_XXXXXX";
    SOCKET pair[2];
    double rates[2][BULK_ROUNDS];
    (void)state;
    if (getenv("T_QUIET_MIB") == NULL) {
        skip();
    }
    bulk = (unsigned)strtoul(getenv("T_QUIET_MIB"), NULL, 10) << 20;
    assert_true(mkstemp(name) >= 0);
    const HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    must(file != INVALID_HANDLE_VALUE && SetFilePointer(file, (LONG)bulk, NULL, FILE_BEGIN) == bulk, "a file");
    must(SetEndOfFile(file), "its length");
    stream_pair(pair, 0);
    for (int round = -1; round < BULK_ROUNDS; round++) {
        for (int way = 0; way < 2; way++) {
            const double rate = bulk_rate(pair, file, way);
            if (round >= 0) {
                rates[way][round] = rate;
            }
        }
    }
    for (int way = 0; way < 2; way++) {
        rate_sort(rates[way], BULK_ROUNDS);
        print_message("%s: %.0f to %.0f, median %.0f MiB/s\n", way == 0 ? "TransmitFile" : "ReadFile and send",
                      rates[way][0], rates[way][BULK_ROUNDS - 1], rates[way][BULK_ROUNDS / 2]);
    }
    must(closesocket(pair[0]) == 0 && closesocket(pair[1]) == 0, "closesocket");
    CloseHandle(file);
    (void)remove(name);
}

/* --- Sockets that are used again ------------------------------------------------------------- */

/** A listener, one socket on each side, and a port for all of them. */
struct recycle {
    SOCKET listener;
    SOCKET sock[2];
    SOCKADDR_IN to;
    HANDLE port;
};

static void pending(BOOL result, const char *what)
{
    must(result || WSAGetLastError() == WSA_IO_PENDING, what);
}

static void recycle_work(struct recycle *it, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        OVERLAPPED overlapped[4];
        DWORD bytes;
        memset(overlapped, 0, sizeof overlapped);
        pending(accept_ex(it->listener, it->sock[1], region, 0, sizeof(SOCKADDR_IN) + 16, sizeof(SOCKADDR_IN) + 16,
                          &bytes, &overlapped[0]),
                "AcceptEx");
        pending(connect_ex(it->sock[0], (struct sockaddr *)&it->to, sizeof it->to, region, 10, &bytes, &overlapped[1]),
                "ConnectEx");
        port_wait(it->port, 2);
        must(setsockopt(it->sock[1], SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&it->listener,
                        sizeof it->listener) == 0,
             "SO_UPDATE_ACCEPT_CONTEXT");
        must(setsockopt(it->sock[0], SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) == 0, "SO_UPDATE_CONNECT_CONTEXT");
        drain(it->sock[1], 10);
        pending(disconnect_ex(it->sock[1], &overlapped[2], TF_REUSE_SOCKET, 0), "DisconnectEx");
        must(recv(it->sock[0], region, 1, 0) == 0, "the end");
        pending(disconnect_ex(it->sock[0], &overlapped[3], TF_REUSE_SOCKET, 0), "DisconnectEx");
        port_wait(it->port, 2);
    }
}

static void recycled__accepted_connected_disconnected__no_allocation(void **state)
{
    struct t_watch_report report;
    struct recycle it;
    SOCKADDR_IN near;
    (void)state;
    it.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    it.listener = bound(SOCK_STREAM, 1, 0, &it.to);
    must(listen(it.listener, 8) == 0, "listen");
    it.sock[0] = bound(SOCK_STREAM, 0, 0, &near);
    it.sock[1] = WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED);
    const SOCKET all[3] = {it.listener, it.sock[0], it.sock[1]};
    for (int i = 0; i < 3; i++) {
        must(CreateIoCompletionPort((HANDLE)all[i], it.port, 1, 0) == it.port, "CreateIoCompletionPort");
    }
    recycle_work(&it, 10);
    t_watch_begin();
    recycle_work(&it, 30);
    report = t_watch_end();
    report_check("recycled", &report, 1);
    for (int i = 0; i < 3; i++) {
        must(closesocket(all[i]) == 0, "closesocket");
    }
    CloseHandle(it.port);
}

/* --- Group ------------------------------------------------------------------------------------- */

static int start(void **state)
{
    static const GUID rio_guid = WSAID_MULTIPLE_RIO;
    GUID guid = rio_guid;
    WSADATA data;
    SOCKADDR_IN addr;
    DWORD bytes;
    (void)state;
    if (setenv("WINLANE_CONFIG", T_QUIET_INI, getenv("T_QUIET_MIB") == NULL) != 0 ||
        WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return -1;
    }
    const SOCKET s = bound(SOCK_STREAM, 0, WSA_FLAG_REGISTERED_IO, &addr);
    const SOCKET dgram = bound(SOCK_DGRAM, 0, 0, &addr);
    must(WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &guid, sizeof guid, &rio, sizeof rio, &bytes, NULL,
                  NULL) == 0,
         "RIO");
    extension(dgram, (GUID)WSAID_WSARECVMSG, &recv_msg);
    extension(dgram, (GUID)WSAID_WSASENDMSG, &send_msg);
    extension(s, (GUID)WSAID_ACCEPTEX, &accept_ex);
    extension(s, (GUID)WSAID_CONNECTEX, &connect_ex);
    extension(s, (GUID)WSAID_DISCONNECTEX, &disconnect_ex);
    extension(s, (GUID)WSAID_TRANSMITFILE, &transmit_file);
    extension(s, (GUID)WSAID_TRANSMITPACKETS, &transmit_packets);
    must(closesocket(s) == 0 && closesocket(dgram) == 0, "closesocket");
    region_id = rio.RIORegisterBuffer(region, sizeof region);
    return region_id != RIO_INVALID_BUFFERID ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    rio.RIODeregisterBuffer(region_id);
    return WSACleanup();
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rio__polled__quiet),
        cmocka_unit_test(rio__empty_queue__quiet),
        /* Before the ports: for a while after somebody waited at one the dispatcher sleeps, which is a system call. */
        cmocka_unit_test(messages__sent_and_received__quiet),
        cmocka_unit_test(rio__notified__no_allocation),
        cmocka_unit_test(ports__packets_of_requests_and_posted__no_allocation),
        cmocka_unit_test(files__transmitted__no_allocation),
        cmocka_unit_test(files__beside_sends__figures),
        cmocka_unit_test(recycled__accepted_connected_disconnected__no_allocation),
    };
    const int failed = cmocka_run_group_tests(tests, start, finish);
    return failed != 0 ? 1 : skipped ? 77 : 0;
}

int main(void)
{
    return t_watch_main(run);
}

/*
 * Many threads start, cancel, close and reset on one completion port: every request that was accepted is told exactly
 * once, and nothing is written to it afterwards.
 *
 *     kernel_storm [-r ROUNDS] [-t THREADS] [ADDRESS]
 *
 * Rules IOCP-3, IOCP-4, IOCP-19, IOCP-31, IOCP-32, IOCP-35.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS 6u /* of a connection */
#define THREADS_MAX 16u
#define POISON 0x5a
#define STEP_MS 30000

struct request {
    OVERLAPPED overlapped;
    char data[64];
    atomic_uint told;
};

static struct options {
    unsigned rounds;
    unsigned threads;
    const char *address;
} options = {60, 4, "127.0.0.1"};

static HANDLE port;
static atomic_uint accepted_requests, told_requests, twice, late, refused, aborted, failures;

static void fault(const char *what)
{
    atomic_fetch_add(&failures, 1);
    fprintf(stderr, "kernel_storm: %s: %d\n", what, WSAGetLastError());
}

/* Behind the packet the structure is the program's: whoever writes to it now destroys the poison. */
static void request_told(struct request *request)
{
    memset(&request->overlapped, POISON, sizeof request->overlapped);
    memset(request->data, POISON, sizeof request->data);
    if (atomic_fetch_add(&request->told, 1) != 0) {
        atomic_fetch_add(&twice, 1);
    }
    atomic_fetch_add(&told_requests, 1);
}

static bool request_is_untouched(const struct request *request)
{
    const unsigned char *bytes = (const unsigned char *)&request->overlapped;
    size_t i;
    for (i = 0; i < sizeof request->overlapped; i++) {
        if (bytes[i] != POISON) {
            return false;
        }
    }
    for (i = 0; i < sizeof request->data; i++) {
        if (request->data[i] != POISON) {
            return false;
        }
    }
    return true;
}

static DWORD WINAPI reaper_main(LPVOID unused)
{
    (void)unused;
    for (;;) {
        DWORD bytes = 0;
        ULONG_PTR key = 0;
        LPOVERLAPPED overlapped = NULL;
        BOOL ok = GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE);
        if (overlapped == NULL) {
            return 0;
        }
        if (!ok && GetLastError() == ERROR_OPERATION_ABORTED) {
            atomic_fetch_add(&aborted, 1);
        }
        request_told((struct request *)(void *)overlapped);
    }
}

static bool request_start(SOCKET s, struct request *request, bool write)
{
    WSABUF buffer = {write ? 32 : sizeof request->data, request->data};
    DWORD flags = 0;
    int result;
    memset(&request->overlapped, 0, sizeof request->overlapped);
    atomic_store(&request->told, 0);
    atomic_fetch_add(&accepted_requests, 1);
    result = write ? WSASend(s, &buffer, 1, NULL, 0, &request->overlapped, NULL)
                   : WSARecv(s, &buffer, 1, NULL, &flags, &request->overlapped, NULL);
    if (result == 0 || WSAGetLastError() == WSA_IO_PENDING) {
        return true;
    }
    atomic_fetch_sub(&accepted_requests, 1);
    atomic_fetch_add(&refused, 1);
    return false;
}

static bool pair_make(SOCKET ends[2])
{
    SOCKADDR_IN at = {.sin_family = AF_INET};
    int bytes = sizeof at;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    bool made;
    at.sin_addr.s_addr = inet_addr(options.address);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    made = listener != INVALID_SOCKET && bind(listener, (const struct sockaddr *)&at, sizeof at) == 0 &&
           listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&at, &bytes) == 0 &&
           connect(ends[0], (const struct sockaddr *)&at, sizeof at) == 0 &&
           (ends[1] = accept(listener, NULL, NULL)) != INVALID_SOCKET;
    if (!made) {
        fault("no connection");
    }
    (void)closesocket(listener);
    return made;
}

struct closer {
    SOCKET s;
    unsigned how;
};

/* Meanwhile the other thread goes on posting. */
static DWORD WINAPI closer_main(LPVOID context)
{
    struct closer *closer = (struct closer *)context;
    LINGER hard = {1, 0};
    switch (closer->how % 4) {
    case 0:
        (void)CancelIoEx((HANDLE)closer->s, NULL);
        break;
    case 1:
        (void)shutdown(closer->s, SD_BOTH);
        break;
    case 2:
        (void)setsockopt(closer->s, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
        break;
    default:
        break;
    }
    if (closer->how % 8 < 4) {
        (void)closesocket(closer->s);
    } else {
        (void)CloseHandle((HANDLE)closer->s);
    }
    return 0;
}

static void round_end(struct request *requests, const bool *wanted)
{
    ULONGLONG start = GetTickCount64();
    unsigned i;
    for (i = 0; i < REQUESTS; i++) {
        while (wanted[i] && atomic_load(&requests[i].told) == 0) {
            if (GetTickCount64() - start > STEP_MS) {
                fault("a request is never told");
                return;
            }
            Sleep(1);
        }
    }
}

static bool round_run(uint32_t random)
{
    SOCKET ends[2] = {INVALID_SOCKET, INVALID_SOCKET};
    struct request *requests = (struct request *)calloc(REQUESTS, sizeof *requests);
    bool wanted[REQUESTS];
    struct closer closer;
    HANDLE thread;
    unsigned i;
    if (requests == NULL || !pair_make(ends)) {
        return false;
    }
    if (CreateIoCompletionPort((HANDLE)ends[0], port, 1, 0) != port) {
        fault("no association");
        return false;
    }
    for (i = 0; i < REQUESTS; i++) {
        wanted[i] = request_start(ends[0], &requests[i], (random >> i & 1) != 0);
    }
    closer.s = ends[random >> 30 & 1];
    closer.how = random >> 24;
    thread = CreateThread(NULL, 0, closer_main, &closer, 0, NULL);
    /* One end may be closed by now, and its value another round's socket: bytes and cancellations may go astray. */
    for (i = 0; i < REQUESTS; i++) {
        if ((random >> (8 + i) & 3) == 0) {
            (void)send(ends[1], "0123456789", 10, 0);
        }
        if ((random >> (16 + i) & 3) == 0) {
            (void)CancelIoEx((HANDLE)ends[0], &requests[i].overlapped);
        }
    }
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
    /* The one that the closer had is closed; its value may be another round's by now. */
    (void)closesocket(ends[1 - (random >> 30 & 1)]);
    round_end(requests, wanted);
    for (i = 0; i < REQUESTS; i++) {
        if (wanted[i] && !request_is_untouched(&requests[i])) {
            atomic_fetch_add(&late, 1);
        }
    }
    free(requests);
    return true;
}

static DWORD WINAPI worker_main(LPVOID context)
{
    uint32_t random = (uint32_t)(uintptr_t)context * 2654435761u + 12345u;
    unsigned i;
    for (i = 0; i < options.rounds; i++) {
        random = random * 1664525u + 1013904223u;
        if (!round_run(random ^ random >> 16)) {
            return 1;
        }
    }
    return 0;
}

static bool arguments_read(int argc, char **argv)
{
    int i;
    for (i = 1; i < argc; i++) {
        unsigned value = i + 1 < argc ? (unsigned)strtoul(argv[i + 1], NULL, 10) : 0;
        if (argv[i][0] != '-') {
            options.address = argv[i];
        } else if (strcmp(argv[i], "-r") == 0 && value > 0) {
            options.rounds = value;
            i++;
        } else if (strcmp(argv[i], "-t") == 0 && value > 0 && value <= THREADS_MAX) {
            options.threads = value;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

static bool threads_run(void)
{
    HANDLE reapers[2];
    HANDLE workers[THREADS_MAX];
    unsigned i;
    bool ended = true;
    for (i = 0; i < 2; i++) {
        reapers[i] = CreateThread(NULL, 0, reaper_main, NULL, 0, NULL);
    }
    for (i = 0; i < options.threads; i++) {
        workers[i] = CreateThread(NULL, 0, worker_main, (LPVOID)(uintptr_t)(i + 1), 0, NULL);
    }
    for (i = 0; i < options.threads; i++) {
        ended = WaitForSingleObject(workers[i], 4 * STEP_MS) == WAIT_OBJECT_0 && ended;
    }
    for (i = 0; i < 2; i++) {
        (void)PostQueuedCompletionStatus(port, 0, 0, NULL);
    }
    for (i = 0; i < 2; i++) {
        ended = WaitForSingleObject(reapers[i], STEP_MS) == WAIT_OBJECT_0 && ended;
    }
    return ended;
}

int main(int argc, char **argv)
{
    WSADATA data;
    bool ended, good;
    if (!arguments_read(argc, argv)) {
        fprintf(stderr, "usage: kernel_storm [-r ROUNDS] [-t THREADS] [ADDRESS]\n");
        return 2;
    }
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || port == NULL) {
        return 3;
    }
    ended = threads_run();
    good = ended && atomic_load(&told_requests) == atomic_load(&accepted_requests) && atomic_load(&twice) == 0 &&
           atomic_load(&late) == 0 && atomic_load(&failures) == 0 && atomic_load(&aborted) > 0;
    printf("%u requests accepted, %u told, %u of them aborted, %u refused, %u told twice, %u written to late%s\n",
           atomic_load(&accepted_requests), atomic_load(&told_requests), atomic_load(&aborted), atomic_load(&refused),
           atomic_load(&twice), atomic_load(&late), ended ? "" : "; a thread hangs");
    fflush(stdout);
    ExitProcess(good ? 0 : 1);
}

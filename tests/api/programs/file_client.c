/*
 * The client of file_server: many threads ask for parts of the file and compare the SHA-256 of what comes with that of the file
 * itself. Some take their time, some reset the connection in the middle, some ask for a response that is cancelled.
 *
 * usage: file_client ADDRESS PORT FILE REQUESTS THREADS BYTES     requests of at most so many bytes each
 *        file_client make FILE BYTES                              a file with its content twice, at 0 and at 5 GiB
 * One thread: one request of exactly BYTES from the beginning, and the digest is printed.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>

#include "file_common.h"

#define THREADS_MAX 256
#define CHUNK 65536
#define TRIES 3000

static struct {
    struct sockaddr_storage address;
    int address_bytes;
    const char *path;
    uint64_t content; /* bytes of it, from 0 and from FAR_AWAY */
    DWORD most;
    LONG volatile next;
    LONG requests;
    LONG volatile equal, resets, cancelled, ends, faults;
    int alone;
} client;

struct asker {
    SOCKET s;
    HANDLE file;
    char chunk[CHUNK];
    char other[CHUNK];
};

static int fault(const char *what, long code)
{
    (void)InterlockedIncrement(&client.faults);
    fprintf(stderr, "file_client: %s: %ld\n", what, code);
    return 0;
}

static int asker_connect(struct asker *a)
{
    if (a->s != INVALID_SOCKET)
        return 1;
    for (int tries = 0; tries < TRIES; tries++) {
        a->s = socket(client.address.ss_family, SOCK_STREAM, 0);
        if (a->s != INVALID_SOCKET && connect(a->s, (struct sockaddr *)&client.address, client.address_bytes) == 0)
            return 1;
        if (a->s != INVALID_SOCKET)
            closesocket(a->s);
        a->s = INVALID_SOCKET;
        Sleep(10); /* the server may just be starting */
    }
    return fault("connect", WSAGetLastError());
}

static int take(struct asker *a, char *to, DWORD bytes)
{
    while (bytes > 0) {
        int part = recv(a->s, to, (int)bytes, 0);
        if (part <= 0)
            return 0;
        to += part;
        bytes -= (DWORD)part;
    }
    return 1;
}

static int file_read(struct asker *a, uint64_t offset, DWORD bytes)
{
    OVERLAPPED where;
    DWORD got = 0;
    memset(&where, 0, sizeof where);
    where.Offset = (DWORD)offset;
    where.OffsetHigh = (DWORD)(offset >> 32);
    return ReadFile(a->file, a->other, bytes, &got, &where) && got == bytes;
}

static int body_check(struct asker *a, uint64_t offset, DWORD length, int slow)
{
    struct sha256 here, there;
    char digest[2][65];
    DWORD done;
    sha256_begin(&here);
    sha256_begin(&there);
    for (done = 0; done < length;) {
        DWORD part = length - done < CHUNK ? length - done : CHUNK;
        if (!take(a, a->chunk, part))
            return fault("the response breaks off", WSAGetLastError());
        sha256_add(&there, a->chunk, part);
        if (!file_read(a, offset + done, part))
            return fault("ReadFile", (long)GetLastError());
        sha256_add(&here, a->other, part);
        if (slow && done == 0)
            Sleep(150);
        done += part;
    }
    sha256_end(&here, digest[0]);
    sha256_end(&there, digest[1]);
    if (client.alone)
        printf("file_client: %u bytes, SHA-256 %s\n", (unsigned)length, digest[1]);
    return strcmp(digest[0], digest[1]) == 0 || fault("digest", (long)(offset & 0x7fffffff));
}

/* Not the whole response is wanted. */
static void asker_breaks(struct asker *a, DWORD length)
{
    const struct linger hard = {1, 0};
    (void)take(a, a->chunk, length / 3 < CHUNK ? length / 3 : CHUNK);
    (void)setsockopt(a->s, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof hard);
    closesocket(a->s);
    a->s = INVALID_SOCKET;
    (void)InterlockedIncrement(&client.resets);
}

static void asker_cancelled(struct asker *a)
{
    int part;
    do
        part = recv(a->s, a->chunk, CHUNK, 0);
    while (part > 0);
    closesocket(a->s);
    a->s = INVALID_SOCKET;
    (void)InterlockedIncrement(&client.cancelled);
}

static int asker_ask(struct asker *a, LONG number)
{
    uint32_t dice = (uint32_t)number * 2654435761u;
    int how = client.alone ? HOW_PLAIN : number % 50 == 13 ? HOW_CANCEL : (int)(number % HOW_CANCEL);
    int reuse = how != HOW_CANCEL && number % 4 == 3 ? HOW_REUSE : 0;
    DWORD length = client.alone      ? client.most
                   : number % 7 == 5 ? dice % 100 + 1
                                     : client.most / 2 + dice % (client.most / 2);
    uint64_t offset = client.alone ? 0 : (dice >> 8) % (client.content - length) + (number % 3 == 2 ? FAR_AWAY : 0);
    char request[REQUEST_BYTES];
    unsigned long long told = 0;
    if (how == HOW_CANCEL)
        length = client.most;
    memset(request, ' ', sizeof request);
    request[snprintf(request, sizeof request, "GET %llu %u %d", (unsigned long long)offset, (unsigned)length,
                     how | reuse)] = ' ';
    if (!asker_connect(a))
        return 0;
    if (send(a->s, request, REQUEST_BYTES, 0) != REQUEST_BYTES)
        return fault("send", WSAGetLastError());
    if (how == HOW_CANCEL) {
        asker_cancelled(a);
        return 1;
    }
    if (!take(a, a->chunk, HEAD_BYTES) || (a->chunk[HEAD_BYTES - 1] != '\n' || sscanf(a->chunk, "OK %llu", &told) != 1))
        return fault("head", number);
    if (told != (how == HOW_HEAD_ONLY ? 0 : length))
        return fault("length", (long)told);
    if (number % 25 == 11 && told > CHUNK && !client.alone) {
        asker_breaks(a, (DWORD)told);
        return 1;
    }
    if (!body_check(a, offset, (DWORD)told, number % 25 == 7))
        return 0;
    if (!take(a, a->chunk, TAIL_BYTES) || memcmp(a->chunk, TAIL_TEXT, TAIL_BYTES) != 0)
        return fault("tail", number);
    (void)InterlockedIncrement(&client.equal);
    if (reuse) {
        int end = recv(a->s, a->chunk, 1, 0);
        if (end != 0)
            return fault("no end", end);
        (void)InterlockedIncrement(&client.ends);
        closesocket(a->s);
        a->s = INVALID_SOCKET;
    }
    return 1;
}

static DWORD WINAPI asker_main(LPVOID unused)
{
    struct asker *a = calloc(1, sizeof *a);
    LONG number;
    (void)unused;
    if (a == NULL)
        return 1;
    a->s = INVALID_SOCKET;
    a->file = CreateFileA(client.path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (a->file == INVALID_HANDLE_VALUE)
        fault("CreateFile", (long)GetLastError());
    while (client.faults == 0 && (number = InterlockedIncrement(&client.next) - 1) < client.requests)
        (void)asker_ask(a, number);
    if (a->s != INVALID_SOCKET)
        closesocket(a->s);
    CloseHandle(a->file);
    free(a);
    return 0;
}

static int file_make(const char *path, uint64_t bytes)
{
    static char chunk[1 << 20];
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    LARGE_INTEGER at;
    uint32_t value = 1;
    DWORD written;
    if (file == INVALID_HANDLE_VALUE)
        return 1;
    for (int copy = 0; copy < 2; copy++) {
        at.QuadPart = copy == 0 ? 0 : (LONGLONG)FAR_AWAY;
        if (!SetFilePointerEx(file, at, NULL, FILE_BEGIN))
            return 1;
        for (uint64_t done = 0; done < bytes; done += written) {
            DWORD part = bytes - done < sizeof chunk ? (DWORD)(bytes - done) : (DWORD)sizeof chunk;
            for (size_t i = 0; i + 4 <= sizeof chunk; i += 4) {
                value = value * 1664525u + 1013904223u;
                memcpy(chunk + i, &value, 4);
            }
            if (!WriteFile(file, chunk, part, &written, NULL) || written != part)
                return 1;
        }
    }
    CloseHandle(file);
    return 0;
}

static int client_start(char **argv)
{
    struct addrinfo wish, *found = NULL;
    LARGE_INTEGER size;
    HANDLE file;
    memset(&client, 0, sizeof client);
    memset(&wish, 0, sizeof wish);
    wish.ai_socktype = SOCK_STREAM;
    wish.ai_flags = AI_NUMERICHOST;
    if (getaddrinfo(argv[1], argv[2], &wish, &found) != 0)
        return fault("address", WSAGetLastError());
    memcpy(&client.address, found->ai_addr, found->ai_addrlen);
    client.address_bytes = (int)found->ai_addrlen;
    freeaddrinfo(found);
    client.path = argv[3];
    client.requests = atoi(argv[4]);
    client.most = (DWORD)strtoul(argv[6], NULL, 10);
    file = CreateFileA(client.path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &size))
        return fault("file", (long)GetLastError());
    CloseHandle(file);
    client.content = (uint64_t)size.QuadPart - FAR_AWAY;
    return client.most > 1 && client.most < client.content;
}

int main(int argc, char **argv)
{
    HANDLE threads[THREADS_MAX];
    WSADATA data;
    int count = argc > 5 ? atoi(argv[5]) : 0;
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return file_make(argv[2], strtoull(argv[3], NULL, 10));
    if (argc != 7 || count < 1 || count > THREADS_MAX) {
        fprintf(stderr, "usage: file_client ADDRESS PORT FILE REQUESTS THREADS BYTES | file_client make FILE BYTES\n");
        return 2;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0 || !client_start(argv))
        return 1;
    client.alone = count == 1;
    for (int i = 0; i < count; i++)
        threads[i] = CreateThread(NULL, 0, asker_main, NULL, 0, NULL);
    for (int i = 0; i < count; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        CloseHandle(threads[i]);
    }
    printf("file_client: %d equal, %d reset, %d cancelled, %d ends, %d faults\n", (int)client.equal, (int)client.resets,
           (int)client.cancelled, (int)client.ends, (int)client.faults);
    WSACleanup();
    return client.faults == 0 && client.equal + client.resets + client.cancelled == client.requests ? 0 : 1;
}

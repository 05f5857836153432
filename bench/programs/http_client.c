/*
 * Fetches one file by HTTP/1.0.
 *
 *   http_client --at ADDR:PORT --path /NAME --out FILE [--from ADDR]
 *
 * The body must have the length that the server promised; its bytes land in FILE.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 8192
#define DATA_MAX 65536

struct fetch {
    const char *at;
    const char *from;
    const char *path;
    const char *out;
    FILE *file;
    char *head; /**< HEAD_MAX bytes */
    char *data; /**< DATA_MAX bytes */
    uint64_t promised;
    uint64_t received;
};

static int request_send(const struct fetch *fetch, SOCKET s)
{
    char request[1024];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n",
                        fetch->path, fetch->at);

    if (size < 0 || (size_t)size >= sizeof(request)) {
        (void)fprintf(stderr, "http_client: the path is too long\n");
        return -1;
    }
    return bench_send_all(s, request, (size_t)size);
}

/* Reads up to the empty line. Returns the bytes of the head, its end included; got is what came, body bytes too. */
static size_t head_recv(SOCKET s, char *head, size_t *got)
{
    *got = 0;
    for (;;) {
        const char *end;
        int more = recv(s, head + *got, (int)(HEAD_MAX - 1 - *got), 0);
        if (more <= 0) {
            return 0;
        }
        *got += (size_t)more;
        head[*got] = '\0';
        end = strstr(head, "\r\n\r\n");
        if (end != NULL) {
            return (size_t)(end - head) + 4;
        }
        if (*got == HEAD_MAX - 1) {
            return 0;
        }
    }
}

static const char *field_find(const char *head, const char *name)
{
    size_t size = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        size_t i = 0;
        line += 2;
        while (i < size && (line[i] | 0x20) == (name[i] | 0x20)) {
            i++;
        }
        if (i == size && line[size] == ':') {
            return line + size + 1;
        }
    }
    return NULL;
}

static int body_keep(struct fetch *fetch, const char *data, size_t size)
{
    fetch->received += size;
    if (size > 0 && fwrite(data, 1, size, fetch->file) != size) {
        perror(fetch->out);
        return -1;
    }
    return 0;
}

static int response_take(struct fetch *fetch, SOCKET s)
{
    static const char ok[] = " 200 ";
    const char *head = fetch->head;
    size_t got = 0;
    size_t head_size = head_recv(s, fetch->head, &got);
    const char *length = NULL;
    int more = 0;

    if (head_size == 0 || strncmp(head, "HTTP/1.", 7) != 0 || strncmp(head + 8, ok, sizeof(ok) - 1) != 0) {
        (void)fprintf(stderr, "http_client: the answer is not 200: %.40s\n", head_size == 0 ? "(none)" : head);
        return -1;
    }
    length = field_find(head, "Content-Length");
    if (length == NULL) {
        (void)fprintf(stderr, "http_client: no Content-Length\n");
        return -1;
    }
    fetch->promised = strtoull(length, NULL, 10);
    if (body_keep(fetch, head + head_size, got - head_size) != 0) {
        return -1;
    }
    while ((more = recv(s, fetch->data, DATA_MAX, 0)) > 0) {
        if (body_keep(fetch, fetch->data, (size_t)more) != 0) {
            break;
        }
    }
    return more;
}

static int fetch_run(struct fetch *fetch)
{
    SOCKET s = bench_connect(fetch->at, fetch->from, 0);
    int status = 0;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    if (bench_patience(s, BENCH_PATIENCE_MS) != 0 || request_send(fetch, s) != 0) {
        status = bench_fail("http_client", "request");
    } else if (response_take(fetch, s) != 0) {
        status = bench_fail("http_client", "response");
    }
    if (closesocket(s) != 0) {
        status = bench_fail("http_client", "closesocket");
    }
    if (status == 0 && fetch->received != fetch->promised) {
        (void)fprintf(stderr, "http_client: %" PRIu64 " bytes came, %" PRIu64 " were promised\n", fetch->received,
                      fetch->promised);
        status = 1;
    }
    if (status == 0) {
        (void)printf("bytes %" PRIu64 "\n", fetch->received);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct fetch fetch = {.path = "/"};
    const struct bench_opt opts[] = {
        {"at", &fetch.at, NULL, 0, 0},
        {"from", &fetch.from, NULL, 0, 0},
        {"path", &fetch.path, NULL, 0, 0},
        {"out", &fetch.out, NULL, 0, 0},
    };
    int status;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("http_client") != 0) {
        return 2;
    }
    fetch.file = fetch.out == NULL ? NULL : fopen(fetch.out, "wb");
    if (fetch.file == NULL) {
        perror(fetch.out == NULL ? "http_client: --out" : fetch.out);
        return 2;
    }
    fetch.head = malloc(HEAD_MAX);
    fetch.data = malloc(DATA_MAX);
    status = fetch.head != NULL && fetch.data != NULL ? fetch_run(&fetch) : 1;
    free(fetch.data);
    free(fetch.head);
    if (fclose(fetch.file) != 0) {
        perror(fetch.out);
        status = 1;
    }
    if (WSACleanup() != 0) {
        status = bench_fail("http_client", "WSACleanup");
    }
    return status;
}

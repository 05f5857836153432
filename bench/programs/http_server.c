/*
 * Serves one file by HTTP/1.0.
 *
 *   http_server --at ADDR:PORT --path /NAME --file FILE [--count 1]
 *
 * GET of that path gives the file, anything else 404. Ends after count requests.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 8192

struct service {
    const char *at;
    const char *path;
    const char *name;
    uint64_t count;
    char *head; /**< HEAD_MAX bytes */
    char *data; /**< size bytes: the file */
    size_t size;
};

static int file_load(struct service *service)
{
    FILE *file = service->name == NULL ? NULL : fopen(service->name, "rb");
    long size = -1;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
        perror(service->name == NULL ? "http_server: --file" : service->name);
        goto close_file;
    }
    service->size = (size_t)size;
    service->data = malloc(service->size + 1);
    if (service->data == NULL || fread(service->data, 1, service->size, file) != service->size) {
        perror(service->name);
        size = -1;
    }
close_file:
    if (file != NULL) {
        (void)fclose(file);
    }
    return size < 0 ? -1 : 0;
}

static int head_recv(SOCKET s, char *head)
{
    size_t got = 0;

    while (got < HEAD_MAX - 1) {
        int more = recv(s, head + got, (int)(HEAD_MAX - 1 - got), 0);
        if (more <= 0) {
            return -1;
        }
        got += (size_t)more;
        head[got] = '\0';
        if (strstr(head, "\r\n\r\n") != NULL) {
            return 0;
        }
    }
    return -1;
}

static bool wants(const struct service *service, const char *head)
{
    size_t size = strlen(service->path);

    return strncmp(head, "GET ", 4) == 0 && strncmp(head + 4, service->path, size) == 0 && head[4 + size] == ' ';
}

static int serve_one(const struct service *service, SOCKET s)
{
    char answer[256];
    bool found;
    int size;

    if (bench_patience(s, BENCH_PATIENCE_MS) != 0 || head_recv(s, service->head) != 0) {
        (void)bench_fail("http_server", "request");
        (void)closesocket(s);
        return 1;
    }
    found = wants(service, service->head);
    size = snprintf(answer, sizeof(answer),
                    "HTTP/1.0 %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n"
                    "Connection: close\r\n\r\n",
                    found ? "200 OK" : "404 Not Found", found ? service->size : 0);
    if (size < 0 || bench_send_all(s, answer, (size_t)size) != 0 ||
        (found && bench_send_all(s, service->data, service->size) != 0)) {
        (void)bench_fail("http_server", "answer");
        (void)closesocket(s);
        return 1;
    }
    if (bench_close_graceful(s) != 0) {
        return bench_fail("http_server", "close");
    }
    (void)printf("served %s %zu\n", found ? "200" : "404", found ? service->size : 0);
    return 0;
}

static int serve(const struct service *service)
{
    SOCKET listener = bench_listen(service->at, 0);
    int status = 0;

    if (listener == INVALID_SOCKET) {
        return 1;
    }
    for (uint64_t i = 0; i < service->count && status == 0; i++) {
        SOCKET s = bench_accept(listener);
        status = s == INVALID_SOCKET ? bench_fail("http_server", "accept") : serve_one(service, s);
    }
    if (closesocket(listener) != 0) {
        status = bench_fail("http_server", "closesocket");
    }
    return status;
}

int main(int argc, char **argv)
{
    struct service service = {.path = "/", .count = 1};
    const struct bench_opt opts[] = {
        {"at", &service.at, NULL, 0, 0},
        {"path", &service.path, NULL, 0, 0},
        {"file", &service.name, NULL, 0, 0},
        {"count", NULL, &service.count, 1, 1000000},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("http_server") != 0) {
        return 2;
    }
    service.head = malloc(HEAD_MAX);
    if (service.head != NULL && file_load(&service) == 0) {
        status = serve(&service);
    }
    free(service.data);
    free(service.head);
    if (WSACleanup() != 0) {
        status = bench_fail("http_server", "WSACleanup");
    }
    return status;
}

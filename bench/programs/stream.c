/*
 * Bulk throughput, one way.
 *
 *   stream --role server|client --flow send|recv --at ADDR:PORT [--from ADDR] [--ms 2000] [--chunk 65536] [--buf 0]
 *
 * flow is what this end does. The sender sends for ms milliseconds, then closes its half; the receiver counts bytes
 * from the first to the last one. Both print bytes, ns and bits_per_s; the receiver's figure is the one to quote.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stream {
    const char *role;
    const char *flow;
    const char *at;
    const char *from;
    uint64_t ms;
    uint64_t chunk;
    uint64_t buf;
    char *data;
    uint64_t bytes;
    uint64_t ns;
};

static int stream_send(struct stream *run, SOCKET s)
{
    uint64_t start = bench_now_ns();

    do {
        if (bench_send_all(s, run->data, (size_t)run->chunk) != 0) {
            return bench_fail("stream", "send");
        }
        run->bytes += run->chunk;
        run->ns = bench_now_ns() - start;
    } while (run->ns < run->ms * 1000000);
    return 0;
}

static int stream_recv(struct stream *run, SOCKET s)
{
    uint64_t start = 0;
    int got = recv(s, run->data, (int)run->chunk, 0);

    start = bench_now_ns();
    while (got > 0) {
        run->bytes += (uint64_t)got;
        run->ns = bench_now_ns() - start;
        got = recv(s, run->data, (int)run->chunk, 0);
    }
    return got < 0 ? bench_fail("stream", "recv") : 0;
}

static SOCKET peer_open(const struct stream *run)
{
    SOCKET listener;
    SOCKET s;

    if (strcmp(run->role, "client") == 0) {
        return bench_connect(run->at, run->from, run->buf);
    }
    listener = bench_listen(run->at, run->buf);
    if (listener == INVALID_SOCKET) {
        return INVALID_SOCKET;
    }
    s = bench_accept(listener);
    if (s == INVALID_SOCKET) {
        (void)bench_fail("stream", "accept");
    }
    (void)closesocket(listener);
    return s;
}

static int run_once(struct stream *run)
{
    SOCKET s = peer_open(run);
    int status;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    if (bench_patience(s, BENCH_PATIENCE_MS) != 0) {
        (void)closesocket(s);
        return bench_fail("stream", "SO_RCVTIMEO");
    }
    status = strcmp(run->flow, "send") == 0 ? stream_send(run, s) : stream_recv(run, s);
    if (status != 0) {
        (void)closesocket(s);
        return status;
    }
    if (bench_close_graceful(s) != 0) {
        return bench_fail("stream", "close");
    }
    if (run->bytes == 0 || run->ns == 0) {
        (void)fprintf(stderr, "stream: nothing came\n");
        return 1;
    }
    (void)printf("bytes %" PRIu64 "\nns %" PRIu64 "\n", run->bytes, run->ns);
    (void)printf("bits_per_s %.0f\n", (double)run->bytes * 8e9 / (double)run->ns);
    return 0;
}

int main(int argc, char **argv)
{
    struct stream run = {.role = "", .flow = "", .ms = 2000, .chunk = 65536};
    const struct bench_opt opts[] = {
        {"role", &run.role, NULL, 0, 0},      {"flow", &run.flow, NULL, 0, 0},
        {"at", &run.at, NULL, 0, 0},          {"from", &run.from, NULL, 0, 0},
        {"ms", NULL, &run.ms, 1, 600000},     {"chunk", NULL, &run.chunk, 1, 16 << 20},
        {"buf", NULL, &run.buf, 0, 64 << 20},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("stream") != 0) {
        return 2;
    }
    if ((strcmp(run.role, "client") != 0 && strcmp(run.role, "server") != 0) ||
        (strcmp(run.flow, "send") != 0 && strcmp(run.flow, "recv") != 0)) {
        (void)fprintf(stderr, "stream: --role client|server and --flow send|recv are wanted\n");
        return 2;
    }
    run.data = malloc((size_t)run.chunk);
    if (run.data != NULL) {
        bench_pattern_fill(run.data, (size_t)run.chunk, 3);
        status = run_once(&run);
    }
    free(run.data);
    if (WSACleanup() != 0) {
        status = bench_fail("stream", "WSACleanup");
    }
    return status;
}

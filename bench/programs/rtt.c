/*
 * Round trips between two connected sockets of one thread: send on A, receive on B, echo on B, receive on A.
 *
 *   rtt --a ADDR --b ADDR:PORT [--size 64] [--count 200000] [--warmup 20000] [--mode block|poll] [--gap-us 0]
 *       [--api winsock|rio]
 *
 * mode block: blocking calls, which spin or sleep as the stack is configured; poll: nonblocking calls in a loop.
 * api rio: registered I/O on both, polled; then mode says nothing.
 * gap-us: busy idle time before each round trip, in which no socket call is made.
 */
#include "rtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int pair_open(struct rtt *rtt)
{
    bool poll = strcmp(rtt->mode, "poll") == 0;
    SOCKET listener = bench_listen(rtt->b, 0);

    if (listener == INVALID_SOCKET) {
        return -1;
    }
    rtt->sock_a = bench_connect(rtt->b, rtt->a, 0);
    if (rtt->sock_a != INVALID_SOCKET) {
        rtt->sock_b = bench_accept(listener);
        if (rtt->sock_b == INVALID_SOCKET) {
            (void)bench_fail("rtt", "accept");
        }
    }
    (void)closesocket(listener);
    if (rtt->sock_a == INVALID_SOCKET || rtt->sock_b == INVALID_SOCKET) {
        return -1;
    }
    if (poll && (bench_nonblocking(rtt->sock_a, true) != 0 || bench_nonblocking(rtt->sock_b, true) != 0)) {
        (void)bench_fail("rtt", "FIONBIO");
        return -1;
    }
    return 0;
}

static int round_trip(struct rtt *rtt)
{
    size_t size = (size_t)rtt->size;

    if (bench_send_all(rtt->sock_a, rtt->out, size) != 0 || bench_recv_all(rtt->sock_b, rtt->in, size) != 0 ||
        bench_send_all(rtt->sock_b, rtt->in, size) != 0 || bench_recv_all(rtt->sock_a, rtt->in, size) != 0) {
        return bench_fail("rtt", "round trip");
    }
    return 0;
}

static int measure(struct rtt *rtt)
{
    uint64_t start = bench_now_ns();

    for (uint64_t i = 0; i < rtt->warmup + rtt->count; i++) {
        uint64_t end;

        while (rtt->gap_us != 0 && bench_now_ns() - start < rtt->gap_us * 1000) {
        }
        start = rtt->gap_us != 0 ? bench_now_ns() : start;
        if ((rtt->rio != NULL ? rtt_rio_round_trip(rtt) : round_trip(rtt)) != 0) {
            return -1;
        }
        end = bench_now_ns();
        if (i >= rtt->warmup) {
            bench_samples_add(&rtt->samples, end - start);
        }
        start = end;
    }
    /* The last echo is compared; a fault in between would have shifted it. */
    if (memcmp(rtt->in, rtt->out, (size_t)rtt->size) != 0) {
        (void)fprintf(stderr, "rtt: the echo differs\n");
        return -1;
    }
    return 0;
}

static int run(struct rtt *rtt)
{
    int status = 1;

    rtt->out = malloc((size_t)rtt->size);
    rtt->in = calloc(1, (size_t)rtt->size);
    if (rtt->out == NULL || rtt->in == NULL || bench_samples_open(&rtt->samples, (size_t)rtt->count) != 0) {
        goto free_buffers;
    }
    bench_pattern_fill(rtt->out, (size_t)rtt->size, 1);
    if ((strcmp(rtt->api, "rio") == 0 ? rtt_rio_open(rtt) : pair_open(rtt)) == 0 && measure(rtt) == 0) {
        bench_samples_print(&rtt->samples);
        status = 0;
    }
    if (rtt->sock_a != INVALID_SOCKET && closesocket(rtt->sock_a) != 0) {
        status = bench_fail("rtt", "closesocket A");
    }
    if (rtt->sock_b != INVALID_SOCKET && closesocket(rtt->sock_b) != 0) {
        status = bench_fail("rtt", "closesocket B");
    }
    rtt_rio_close(rtt);
free_buffers:
    bench_samples_close(&rtt->samples);
    free(rtt->in);
    free(rtt->out);
    return status;
}

int main(int argc, char **argv)
{
    struct rtt rtt = {.mode = "block",
                      .api = "winsock",
                      .size = 64,
                      .count = 200000,
                      .warmup = 20000,
                      .sock_a = INVALID_SOCKET,
                      .sock_b = INVALID_SOCKET};
    const struct bench_opt opts[] = {
        {"a", &rtt.a, NULL, 0, 0},
        {"b", &rtt.b, NULL, 0, 0},
        {"mode", &rtt.mode, NULL, 0, 0},
        {"api", &rtt.api, NULL, 0, 0},
        {"size", NULL, &rtt.size, 1, 65536},
        {"count", NULL, &rtt.count, 1, 50000000},
        {"warmup", NULL, &rtt.warmup, 0, 50000000},
        {"gap-us", NULL, &rtt.gap_us, 0, 1000000},
    };
    int status;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("rtt") != 0) {
        return 2;
    }
    if (strcmp(rtt.mode, "block") != 0 && strcmp(rtt.mode, "poll") != 0) {
        (void)fprintf(stderr, "rtt: --mode: block or poll is wanted\n");
        return 2;
    }
    if (strcmp(rtt.api, "winsock") != 0 && strcmp(rtt.api, "rio") != 0) {
        (void)fprintf(stderr, "rtt: --api: winsock or rio is wanted\n");
        return 2;
    }
    status = run(&rtt);
    if (WSACleanup() != 0) {
        status = bench_fail("rtt", "WSACleanup");
    }
    return status;
}

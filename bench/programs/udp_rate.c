/*
 * Datagrams from one socket to another of the same thread, as many as go: send a batch on A, receive on B, with no more on
 * the way than the window.
 *
 *   udp_rate --a ADDR:PORT --b ADDR:PORT [--send WAY] [--receive WAY] [--size 64] [--count 2000000] [--window 256] [--batch 64]
 *            [--nap-ms 0]
 *
 * WAY is blocking, port (overlapped calls, completion port) or rio (registered I/O, polled). nap-ms: sleep after each batch was
 * sent and before it is received, so that nothing is waited for; then the rate means nothing, but the instructions of
 * udp_send_batch and udp_receive_batch do.
 *
 * Prints count, mean_rate_per_s, and rate_per_s: that of the median of stretches of 1024 datagrams.
 */
#include "samples.h"
#include "udp_rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Datagrams whose time is one sample: the median of them is a rate that other work on the machine does not move. */
#define CHUNK 1024u

struct run {
    const char *a;
    const char *b;
    const char *send_name;
    const char *receive_name;
    uint64_t size;
    uint64_t count;
    uint64_t window;
    uint64_t batch;
    uint64_t nap_ms;
    const struct udp_way *send;
    const struct udp_way *receive;
    struct udp_end from;
    struct udp_end to;
    struct bench_samples samples;
};

static const struct udp_way *way_find(const char *name)
{
    static const struct udp_way *const ways[] = {&udp_way_blocking, &udp_way_port, &udp_way_rio};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(name, ways[i]->name) == 0) {
            return ways[i];
        }
    }
    (void)fprintf(stderr, "udp_rate: %s: blocking, port or rio is wanted\n", name);
    return NULL;
}

int udp_number_wrong(const struct udp_end *end, uint64_t bytes)
{
    (void)fprintf(stderr, "udp_rate: datagram %" PRIu64 " was lost, or %" PRIu64 " bytes came\n", end->next, bytes);
    return -1;
}

int udp_end_socket(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size,
                   DWORD flags)
{
    end->sock = flags == 0 ? socket(at->any.sa_family, SOCK_DGRAM, IPPROTO_UDP)
                           : WSASocketW(at->any.sa_family, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, flags);
    if (end->sock == INVALID_SOCKET) {
        (void)bench_fail("udp_rate", "socket");
        return -1;
    }
    if (bind(end->sock, &at->any, addr_size) != 0 || connect(end->sock, &to->any, addr_size) != 0 ||
        bench_patience(end->sock, BENCH_PATIENCE_MS) != 0) {
        (void)bench_fail("udp_rate", "bind or connect");
        return -1;
    }
    return 0;
}

/* Functions of their own, which callgrind counts by name. */
__attribute__((noinline)) static int64_t udp_send_batch(struct run *run, uint64_t count)
{
    return run->send->send(&run->from, count);
}

__attribute__((noinline)) static int64_t udp_receive_batch(struct run *run, uint64_t count)
{
    return run->receive->receive(&run->to, count);
}

static void nap(uint64_t ms)
{
    if (ms != 0) {
        Sleep((DWORD)ms);
    }
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One batch out if the window allows, one in if there must be room, or all is out. */
static int turn(struct run *run)
{
    uint64_t under_way = run->from.next - run->to.next;
    uint64_t count = less(run->batch, less(run->window - under_way, run->count - run->from.next));
    int64_t moved = 0;

    if (count > 0) {
        moved = udp_send_batch(run, count);
        if (moved < 0) {
            return -1;
        }
        nap(run->nap_ms);
    }
    under_way = run->from.next - run->to.next;
    if (under_way == run->window || run->from.next == run->count || moved == 0) {
        return udp_receive_batch(run, less(run->batch, under_way)) < 0 ? -1 : 0;
    }
    return 0;
}

/* A way that polls does not notice that nothing comes any more. */
static int patience_check(const struct run *run, uint64_t since_ns, uint64_t turns)
{
    if (turns % 65536 != 0 || bench_now_ns() - since_ns < BENCH_PATIENCE_MS * UINT64_C(1000000)) {
        return 0;
    }
    (void)fprintf(stderr, "udp_rate: datagram %" PRIu64 " does not come\n", run->to.next);
    return -1;
}

static int measure(struct run *run)
{
    uint64_t begin = bench_now_ns();
    uint64_t chunk_ns = begin;
    uint64_t chunk_end = CHUNK;
    uint64_t turns = 0;

    while (run->to.next < run->count) {
        if (turn(run) != 0 || patience_check(run, chunk_ns, ++turns) != 0) {
            return -1;
        }
        if (run->to.next >= chunk_end) {
            uint64_t now = bench_now_ns();
            bench_samples_add(&run->samples, (now - chunk_ns) * CHUNK / (run->to.next - chunk_end + CHUNK));
            chunk_ns = now;
            chunk_end = run->to.next + CHUNK;
        }
    }
    (void)printf("count %" PRIu64 "\nmean_rate_per_s %.0f\n", run->count,
                 (double)run->count * 1e9 / (double)(bench_now_ns() - begin));
    if (run->samples.count > 0) {
        (void)printf("rate_per_s %.0f\n", (double)CHUNK * 1e9 / (double)bench_samples_median(&run->samples));
    }
    return 0;
}

static int run_all(struct run *run)
{
    union bench_addr a;
    union bench_addr b;
    int size = bench_addr_parse(run->a, &a);
    int status = 1;

    if (size == 0 || bench_addr_parse(run->b, &b) != size ||
        bench_samples_open(&run->samples, (size_t)(run->count / CHUNK + 1)) != 0) {
        return 2;
    }
    run->from = (struct udp_end){.sock = INVALID_SOCKET, .size = run->size, .depth = run->window, .sends = true};
    run->to = (struct udp_end){.sock = INVALID_SOCKET, .size = run->size, .depth = run->window};
    if (run->receive->open(&run->to, &b, &a, size) == 0 && run->send->open(&run->from, &a, &b, size) == 0 &&
        measure(run) == 0) {
        status = 0;
    }
    run->send->close(&run->from);
    run->receive->close(&run->to);
    bench_samples_close(&run->samples);
    return status;
}

int main(int argc, char **argv)
{
    struct run run = {
        .send_name = "blocking", .receive_name = "blocking", .size = 64, .count = 2000000, .window = 256, .batch = 64};
    const struct bench_opt opts[] = {
        {"a", &run.a, NULL, 0, 0},
        {"b", &run.b, NULL, 0, 0},
        {"send", &run.send_name, NULL, 0, 0},
        {"receive", &run.receive_name, NULL, 0, 0},
        {"size", NULL, &run.size, 8, 1472},
        {"count", NULL, &run.count, 1, 1000000000},
        {"window", NULL, &run.window, 1, 4096},
        {"batch", NULL, &run.batch, 1, 4096},
        {"nap-ms", NULL, &run.nap_ms, 0, 1000},
    };
    int status;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0) {
        return 2;
    }
    run.send = way_find(run.send_name);
    run.receive = way_find(run.receive_name);
    if (run.send == NULL || run.receive == NULL || bench_start("udp_rate") != 0) {
        return 2;
    }
    status = run_all(&run);
    if (WSACleanup() != 0) {
        status = bench_fail("udp_rate", "WSACleanup");
    }
    return status;
}

/*
 * Connect, request, response, reset; one connection after the other.
 *
 *   crr --role server --at ADDR:PORT --count N [--size 64] [--wait spin|block]
 *   crr --role client --at ADDR:PORT --count N [--from ADDR] [--size 64] [--wait spin|block] [--warmup 100]
 *
 * A sample lasts from socket() to the return of closesocket() with linger 0. The server serves count connections
 * (the client's warmup included) and ends.
 */
#include "prog.h"
#include "samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRR_SIZE_MAX 128

struct crr {
    const char *role;
    const char *at;
    const char *from;
    const char *wait;
    uint64_t size;
    uint64_t count;
    uint64_t warmup;
    bool spin;
    struct bench_samples samples;
};

static SOCKET next_connection(SOCKET listener, bool spin)
{
    SOCKET s;

    if (!spin) {
        return bench_accept(listener);
    }
    for (;;) {
        s = accept(listener, NULL, NULL);
        /* A connection that its peer reset while it waited in the queue is not this server's failure. */
        if (s != INVALID_SOCKET || (WSAGetLastError() != WSAEWOULDBLOCK && WSAGetLastError() != WSAECONNRESET)) {
            return s;
        }
    }
}

/* Answers one request, then waits for the reset. */
static int serve_one(const struct crr *run, SOCKET s)
{
    char data[CRR_SIZE_MAX];
    int got;

    if (bench_nonblocking(s, run->spin) != 0 || bench_recv_all(s, data, (size_t)run->size) != 0 ||
        bench_send_all(s, data, (size_t)run->size) != 0) {
        return bench_fail("crr", "request");
    }
    do {
        got = recv(s, data, (int)sizeof(data), 0);
    } while (got < 0 && WSAGetLastError() == WSAEWOULDBLOCK);
    if (got >= 0 || WSAGetLastError() != WSAECONNRESET) {
        return bench_fail("crr", "the connection did not end by reset");
    }
    return 0;
}

static int server(const struct crr *run)
{
    SOCKET listener = bench_listen(run->at, 0);
    int status = 0;

    if (listener == INVALID_SOCKET) {
        return 1;
    }
    if (bench_nonblocking(listener, run->spin) != 0) {
        status = bench_fail("crr", "FIONBIO");
    }
    for (uint64_t i = 0; i < run->count && status == 0; i++) {
        SOCKET s = next_connection(listener, run->spin);
        if (s == INVALID_SOCKET) {
            status = bench_fail("crr", "accept");
            break;
        }
        status = serve_one(run, s);
        if (closesocket(s) != 0) {
            status = bench_fail("crr", "closesocket");
        }
    }
    (void)closesocket(listener);
    return status;
}

/* Starts a handshake without blocking and spins until it is done. */
static int connect_spin(SOCKET s, const union bench_addr *peer, int peer_size)
{
    struct timeval none = {0, 0};

    if (connect(s, &peer->any, peer_size) == 0) {
        return 0;
    }
    if (WSAGetLastError() != WSAEWOULDBLOCK) {
        return -1;
    }
    for (;;) {
        fd_set writable;
        fd_set failed;
        int ready;

        FD_ZERO(&writable);
        FD_SET(s, &writable);
        FD_ZERO(&failed);
        FD_SET(s, &failed);
        ready = select(0, NULL, &writable, &failed, &none);
        if (ready < 0 || (ready > 0 && FD_ISSET(s, &failed))) {
            return -1;
        }
        if (ready > 0) {
            return 0;
        }
    }
}

static int ask_one(const struct crr *run, const union bench_addr *peer, int peer_size, const char *out)
{
    char in[CRR_SIZE_MAX];
    SOCKET s = bench_socket(SOCK_STREAM, run->from, peer);

    if (s == INVALID_SOCKET) {
        return 1;
    }
    if (bench_nonblocking(s, run->spin) != 0 || connect_spin(s, peer, peer_size) != 0 ||
        bench_send_all(s, out, (size_t)run->size) != 0 || bench_recv_all(s, in, (size_t)run->size) != 0) {
        (void)bench_fail("crr", "connection");
        (void)closesocket(s);
        return 1;
    }
    if (bench_close_reset(s) != 0) {
        return bench_fail("crr", "reset");
    }
    if (memcmp(in, out, (size_t)run->size) != 0) {
        (void)fprintf(stderr, "crr: the answer differs\n");
        return 1;
    }
    return 0;
}

static int client(struct crr *run)
{
    char out[CRR_SIZE_MAX];
    union bench_addr peer;
    int peer_size = bench_addr_parse(run->at, &peer);
    uint64_t first = 0;
    uint64_t start;

    if (peer_size == 0 || bench_samples_open(&run->samples, (size_t)run->count) != 0) {
        return 1;
    }
    bench_pattern_fill(out, sizeof(out), 4);
    start = bench_now_ns();
    for (uint64_t i = 0; i < run->warmup + run->count; i++) {
        uint64_t end;
        first = i == run->warmup ? start : first;
        if (ask_one(run, &peer, peer_size, out) != 0) {
            bench_samples_close(&run->samples);
            return 1;
        }
        end = bench_now_ns();
        if (i >= run->warmup) {
            bench_samples_add(&run->samples, end - start);
        }
        start = end;
    }
    bench_samples_print(&run->samples);
    (void)printf("rate_per_s %.0f\n", (double)run->count * 1e9 / (double)(start - first));
    bench_samples_close(&run->samples);
    return 0;
}

int main(int argc, char **argv)
{
    struct crr run = {.role = "", .wait = "spin", .size = 64, .count = 2000, .warmup = 100};
    const struct bench_opt opts[] = {
        {"role", &run.role, NULL, 0, 0},
        {"at", &run.at, NULL, 0, 0},
        {"from", &run.from, NULL, 0, 0},
        {"wait", &run.wait, NULL, 0, 0},
        {"size", NULL, &run.size, 1, CRR_SIZE_MAX},
        {"count", NULL, &run.count, 1, 10000000},
        {"warmup", NULL, &run.warmup, 0, 10000000},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("crr") != 0) {
        return 2;
    }
    run.spin = strcmp(run.wait, "spin") == 0;
    if (strcmp(run.role, "client") == 0) {
        status = client(&run);
    } else if (strcmp(run.role, "server") == 0) {
        status = server(&run);
    } else {
        (void)fprintf(stderr, "crr: --role: client or server is wanted\n");
    }
    if (WSACleanup() != 0) {
        status = bench_fail("crr", "WSACleanup");
    }
    return status;
}

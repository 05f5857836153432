/*
 * Round trips with a peer, TCP or UDP.
 *
 *   pingpong --role server --at ADDR:PORT [--proto tcp|udp] [--size 64] [--wait spin|block]
 *   pingpong --role client --at ADDR:PORT [--from ADDR] [--proto tcp|udp] [--size 64] [--wait spin|block]
 *            [--count 50000] [--warmup 5000]
 *
 * A TCP server serves one connection and ends; a UDP server ends at a datagram of another size than --size.
 */
#include "prog.h"
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pingpong {
    const char *role;
    const char *at;
    const char *from;
    const char *proto;
    const char *wait;
    uint64_t size;
    uint64_t count;
    uint64_t warmup;
    char *out;
    char *in;
    struct bench_samples samples;
};

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

/* One datagram; a nonblocking socket is asked again and again. */
static int datagram_take(SOCKET s, char *data, int room, union bench_addr *from)
{
    for (;;) {
        int from_size = (int)sizeof(*from);
        int got = recvfrom(s, data, room, 0, from == NULL ? NULL : &from->any, from == NULL ? NULL : &from_size);
        if (got >= 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
            return got;
        }
    }
}

static int serve_udp(const struct pingpong *run)
{
    SOCKET s = bench_socket(SOCK_DGRAM, run->at, NULL);
    union bench_addr from;
    int size = (int)run->size;
    int got = size;
    int status = 0;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    if (bench_nonblocking(s, is(run->wait, "spin")) != 0) {
        status = bench_fail("pingpong", "FIONBIO");
    }
    bench_ready(run->at);
    while (status == 0 && got == size) {
        got = datagram_take(s, run->in, size + 1, &from);
        if (got < 0) {
            status = bench_fail("pingpong", "recvfrom");
        } else if (got == size) {
            int to_size = from.any.sa_family == AF_INET ? (int)sizeof(from.v4) : (int)sizeof(from.v6);
            if (sendto(s, run->in, got, 0, &from.any, to_size) != got) {
                status = bench_fail("pingpong", "sendto");
            }
        }
    }
    (void)closesocket(s);
    return status;
}

static int serve_tcp(const struct pingpong *run)
{
    SOCKET listener = bench_listen(run->at, 0);
    SOCKET s;
    int status = 0;

    if (listener == INVALID_SOCKET) {
        return 1;
    }
    s = bench_accept(listener);
    (void)closesocket(listener);
    if (s == INVALID_SOCKET || bench_nonblocking(s, is(run->wait, "spin")) != 0) {
        return bench_fail("pingpong", "accept");
    }
    for (;;) {
        if (bench_recv_all(s, run->in, (size_t)run->size) != 0) {
            if (WSAGetLastError() != WSAEDISCON) {
                status = bench_fail("pingpong", "recv");
            }
            break;
        }
        if (bench_send_all(s, run->in, (size_t)run->size) != 0) {
            status = bench_fail("pingpong", "send");
            break;
        }
    }
    if (closesocket(s) != 0) {
        status = bench_fail("pingpong", "closesocket");
    }
    return status;
}

static int round_trip(const struct pingpong *run, SOCKET s, bool udp)
{
    int size = (int)run->size;

    if (!udp) {
        return bench_send_all(s, run->out, (size_t)size) != 0 || bench_recv_all(s, run->in, (size_t)size) != 0 ? -1 : 0;
    }
    if (send(s, run->out, size, 0) != size) {
        return -1;
    }
    return datagram_take(s, run->in, size, NULL) == size ? 0 : -1;
}

static int measure(struct pingpong *run, SOCKET s, bool udp)
{
    uint64_t start = bench_now_ns();

    for (uint64_t i = 0; i < run->warmup + run->count; i++) {
        uint64_t end;
        if (round_trip(run, s, udp) != 0) {
            return bench_fail("pingpong", "round trip");
        }
        end = bench_now_ns();
        if (i >= run->warmup) {
            bench_samples_add(&run->samples, end - start);
        }
        start = end;
    }
    if (memcmp(run->in, run->out, (size_t)run->size) != 0) {
        (void)fprintf(stderr, "pingpong: the echo differs\n");
        return 1;
    }
    bench_samples_print(&run->samples);
    return 0;
}

static SOCKET udp_connect(const struct pingpong *run)
{
    union bench_addr peer;
    int size = bench_addr_parse(run->at, &peer);
    SOCKET s = size == 0 ? INVALID_SOCKET : bench_socket(SOCK_DGRAM, run->from, &peer);

    if (s != INVALID_SOCKET && connect(s, &peer.any, size) != 0) {
        (void)bench_fail("connect", run->at);
        (void)closesocket(s);
        return INVALID_SOCKET;
    }
    return s;
}

static int client(struct pingpong *run)
{
    bool udp = is(run->proto, "udp");
    SOCKET s = udp ? udp_connect(run) : bench_connect(run->at, run->from, 0);
    int status = 1;

    if (s == INVALID_SOCKET || bench_samples_open(&run->samples, (size_t)run->count) != 0) {
        return 1;
    }
    /* A lost datagram must not hang a run that blocks; one that spins is bounded by whoever started it. */
    if (bench_patience(s, 5000) != 0 || bench_nonblocking(s, is(run->wait, "spin")) != 0) {
        (void)bench_fail("pingpong", "socket options");
    } else {
        status = measure(run, s, udp);
    }
    if (udp && status == 0 && send(s, run->out, 0, 0) != 0) {
        status = bench_fail("pingpong", "send");
    }
    if (!udp && status == 0 && bench_close_graceful(s) != 0) {
        status = bench_fail("pingpong", "close");
    } else if (udp || status != 0) {
        (void)closesocket(s);
    }
    bench_samples_close(&run->samples);
    return status;
}

int main(int argc, char **argv)
{
    struct pingpong run = {.role = "", .proto = "tcp", .wait = "spin", .size = 64, .count = 50000, .warmup = 5000};
    const struct bench_opt opts[] = {
        {"role", &run.role, NULL, 0, 0},          {"at", &run.at, NULL, 0, 0},
        {"from", &run.from, NULL, 0, 0},          {"proto", &run.proto, NULL, 0, 0},
        {"wait", &run.wait, NULL, 0, 0},          {"size", NULL, &run.size, 1, 65000},
        {"count", NULL, &run.count, 1, 50000000}, {"warmup", NULL, &run.warmup, 0, 50000000},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("pingpong") != 0) {
        return 2;
    }
    run.out = malloc((size_t)run.size);
    run.in = malloc((size_t)run.size + 1);
    if (run.out != NULL && run.in != NULL) {
        bench_pattern_fill(run.out, (size_t)run.size, 2);
        if (is(run.role, "client")) {
            status = client(&run);
        } else if (is(run.role, "server")) {
            status = is(run.proto, "udp") ? serve_udp(&run) : serve_tcp(&run);
        } else {
            (void)fprintf(stderr, "pingpong: --role: client or server is wanted\n");
        }
    }
    free(run.in);
    free(run.out);
    if (WSACleanup() != 0) {
        status = bench_fail("pingpong", "WSACleanup");
    }
    return status;
}

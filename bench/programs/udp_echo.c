/*
 * Datagrams of many sizes to an echo server and back, every byte compared.
 *
 *   udp_echo --role client --at ADDR:PORT [--from ADDR] --sizes 0,1,1472,65507 [--too-big 65508] [--tries 3]
 *   udp_echo --role server --at ADDR:PORT --count N
 *
 * An echo that does not come within a second is asked for again, at most tries times; each loss is counted. Datagrams
 * of one size differ by try, so that a late echo is not taken for the right one. too-big must give WSAEMSGSIZE.
 * The server ends after count echoes, or when nothing came for some seconds after the first.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATAGRAM_MAX 65535
#define ECHO_WAIT_MS 1000

struct udp_echo {
    const char *role;
    const char *at;
    const char *from;
    const char *sizes;
    uint64_t too_big;
    uint64_t tries;
    uint64_t count;
    union bench_addr peer;
    int peer_size;
    char *out;
    char *in;
    uint64_t echoed;
    uint64_t lost;
    uint64_t bytes;
};

/* Waits for the echo of one try. Returns 1 if it came, 0 if not in time, -1 on failure. */
static int echo_take(struct udp_echo *run, SOCKET s, int size)
{
    for (;;) {
        union bench_addr from;
        int from_size = (int)sizeof(from);
        int got = recvfrom(s, run->in, DATAGRAM_MAX, 0, &from.any, &from_size);
        if (got < 0) {
            return WSAGetLastError() == WSAETIMEDOUT ? 0 : -bench_fail("udp_echo", "recvfrom");
        }
        if (!bench_addr_same(&from, &run->peer)) {
            (void)fprintf(stderr, "udp_echo: %d bytes from somebody else\n", got);
            return -1;
        }
        if (got == size && memcmp(run->in, run->out, (size_t)size) == 0) {
            return 1;
        }
        if (run->lost == 0) {
            (void)fprintf(stderr, "udp_echo: sent %d bytes, %d came, or they differ\n", size, got);
            return -1;
        }
        /* After a loss this may be the late echo of an earlier try. */
    }
}

static int echo_one(struct udp_echo *run, SOCKET s, int size)
{
    for (uint64_t try = 0; try < run->tries; try++) {
        int came;
        bench_pattern_fill(run->out, (size_t)size, (uint64_t)size * 16 + try);
        if (sendto(s, run->out, size, 0, &run->peer.any, run->peer_size) != size) {
            return bench_fail("udp_echo", "sendto");
        }
        came = echo_take(run, s, size);
        if (came < 0) {
            return 1;
        }
        if (came > 0) {
            run->echoed++;
            run->bytes += (uint64_t)size;
            return 0;
        }
        run->lost++;
    }
    (void)fprintf(stderr, "udp_echo: %d bytes: no echo in %" PRIu64 " tries\n", size, run->tries);
    return 1;
}

static int sizes_run(struct udp_echo *run, SOCKET s)
{
    const char *next = run->sizes;

    while (next != NULL && *next != '\0') {
        char *end = NULL;
        unsigned long size = strtoul(next, &end, 10);
        if (end == next || (*end != ',' && *end != '\0') || size > DATAGRAM_MAX) {
            (void)fprintf(stderr, "udp_echo: --sizes: %s\n", next);
            return 2;
        }
        if (echo_one(run, s, (int)size) != 0) {
            return 1;
        }
        next = *end == ',' ? end + 1 : end;
    }
    return 0;
}

static int client(struct udp_echo *run)
{
    SOCKET s = bench_socket(SOCK_DGRAM, run->from, &run->peer);
    int status;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    status = bench_patience(s, ECHO_WAIT_MS) != 0 ? bench_fail("udp_echo", "SO_RCVTIMEO") : sizes_run(run, s);
    if (status == 0 && run->too_big != 0) {
        if (sendto(s, run->out, (int)run->too_big, 0, &run->peer.any, run->peer_size) >= 0 ||
            WSAGetLastError() != WSAEMSGSIZE) {
            status = bench_fail("udp_echo", "a datagram too big did not give WSAEMSGSIZE");
        }
    }
    if (closesocket(s) != 0) {
        status = bench_fail("udp_echo", "closesocket");
    }
    if (status == 0) {
        (void)printf("echoed %" PRIu64 "\nlost %" PRIu64 "\nbytes %" PRIu64 "\n", run->echoed, run->lost, run->bytes);
    }
    return status;
}

static int server(struct udp_echo *run)
{
    SOCKET s = bench_socket(SOCK_DGRAM, run->at, NULL);
    int status = 0;

    if (s == INVALID_SOCKET) {
        return 1;
    }
    bench_ready(run->at);
    while (status == 0 && run->echoed < run->count) {
        union bench_addr from;
        int from_size = (int)sizeof(from);
        int ready = bench_wait_readable(s, BENCH_PATIENCE_MS);
        int got;
        if (ready <= 0) {
            status = ready == 0 ? 1 : bench_fail("udp_echo", "select");
            break;
        }
        got = recvfrom(s, run->in, DATAGRAM_MAX, 0, &from.any, &from_size);
        if (got < 0 || sendto(s, run->in, got, 0, &from.any, from_size) != got) {
            status = bench_fail("udp_echo", "echo");
        } else {
            run->echoed++;
        }
    }
    if (closesocket(s) != 0) {
        status = bench_fail("udp_echo", "closesocket");
    }
    return status;
}

int main(int argc, char **argv)
{
    struct udp_echo run = {.role = "", .sizes = "64", .tries = 3, .count = 1};
    const struct bench_opt opts[] = {
        {"role", &run.role, NULL, 0, 0},         {"at", &run.at, NULL, 0, 0},
        {"from", &run.from, NULL, 0, 0},         {"sizes", &run.sizes, NULL, 0, 0},
        {"tries", NULL, &run.tries, 1, 15},      {"too-big", NULL, &run.too_big, 0, 1 << 20},
        {"count", NULL, &run.count, 1, 1000000},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("udp_echo") != 0) {
        return 2;
    }
    run.peer_size = bench_addr_parse(run.at, &run.peer);
    run.out = calloc(1, 1 << 20);
    run.in = malloc(DATAGRAM_MAX);
    if (run.peer_size != 0 && run.out != NULL && run.in != NULL) {
        if (strcmp(run.role, "client") == 0) {
            status = client(&run);
        } else if (strcmp(run.role, "server") == 0) {
            status = server(&run);
        } else {
            (void)fprintf(stderr, "udp_echo: --role: client or server is wanted\n");
        }
    }
    free(run.in);
    free(run.out);
    if (WSACleanup() != 0) {
        status = bench_fail("udp_echo", "WSACleanup");
    }
    return status;
}

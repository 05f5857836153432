/*
 * Moves bytes both ways over one connection at once, each way ended by a half close.
 *
 *   xfer --role client|server --at ADDR:PORT [--from ADDR] [--in FILE] [--out FILE] [--stall-ms 10000]
 *
 * FILE in is sent (none: the half is closed at once); what comes is written to FILE out, "-" is stdout (none: it is
 * counted and dropped). One thread, a nonblocking socket, select() when neither way moves. Results go to stderr.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 262144

struct xfer {
    const char *role;
    const char *at;
    const char *from;
    const char *in_name;
    const char *out_name;
    uint64_t stall_ms;
    FILE *in;
    FILE *out;
    SOCKET s;
    char *tx;
    char *rx;
    size_t tx_size;
    size_t tx_done;
    bool sent_all;
    bool got_all;
    uint64_t sent;
    uint64_t received;
};

/* Returns 1 if something moved, 0 if not, -1 on failure. */
static int send_some(struct xfer *run)
{
    int done;

    if (run->tx_done == run->tx_size) {
        run->tx_done = 0;
        run->tx_size = run->in == NULL ? 0 : fread(run->tx, 1, CHUNK, run->in);
        if (run->tx_size == 0) {
            if (run->in != NULL && ferror(run->in)) {
                perror(run->in_name);
                return -1;
            }
            run->sent_all = true;
            return shutdown(run->s, SD_SEND) == 0 ? 1 : -bench_fail("xfer", "shutdown");
        }
    }
    done = send(run->s, run->tx + run->tx_done, (int)(run->tx_size - run->tx_done), 0);
    if (done < 0) {
        return WSAGetLastError() == WSAEWOULDBLOCK ? 0 : -bench_fail("xfer", "send");
    }
    run->tx_done += (size_t)done;
    run->sent += (uint64_t)done;
    return 1;
}

static int recv_some(struct xfer *run)
{
    int got = recv(run->s, run->rx, CHUNK, 0);

    if (got < 0) {
        return WSAGetLastError() == WSAEWOULDBLOCK ? 0 : -bench_fail("xfer", "recv");
    }
    if (got == 0) {
        run->got_all = true;
        return 1;
    }
    run->received += (uint64_t)got;
    if (run->out != NULL && fwrite(run->rx, 1, (size_t)got, run->out) != (size_t)got) {
        perror(run->out_name);
        return -1;
    }
    return 1;
}

static int wait_either(const struct xfer *run)
{
    struct timeval timeout = {(long)(run->stall_ms / 1000), (long)(run->stall_ms % 1000) * 1000};
    fd_set readable;
    fd_set writable;
    int ready;

    FD_ZERO(&readable);
    FD_ZERO(&writable);
    if (!run->got_all) {
        FD_SET(run->s, &readable);
    }
    if (!run->sent_all) {
        FD_SET(run->s, &writable);
    }
    ready = select(0, &readable, &writable, NULL, &timeout);
    if (ready == 0) {
        (void)fprintf(stderr, "xfer: nothing moved for %" PRIu64 " ms\n", run->stall_ms);
    }
    return ready > 0 ? 0 : -1;
}

static int move_all(struct xfer *run)
{
    while (!run->sent_all || !run->got_all) {
        int out = run->sent_all ? 0 : send_some(run);
        int in = run->got_all ? 0 : recv_some(run);
        if (out < 0 || in < 0) {
            return -1;
        }
        if (out == 0 && in == 0 && wait_either(run) != 0) {
            return -1;
        }
    }
    return 0;
}

static SOCKET peer_open(const struct xfer *run)
{
    SOCKET listener;
    SOCKET s;

    if (strcmp(run->role, "client") == 0) {
        return bench_connect(run->at, run->from, 0);
    }
    listener = bench_listen(run->at, 0);
    if (listener == INVALID_SOCKET) {
        return INVALID_SOCKET;
    }
    s = bench_accept(listener);
    if (s == INVALID_SOCKET) {
        (void)bench_fail("xfer", "accept");
    }
    (void)closesocket(listener);
    return s;
}

static int run_once(struct xfer *run)
{
    uint64_t start;
    int status = 0;

    run->s = peer_open(run);
    if (run->s == INVALID_SOCKET) {
        return 1;
    }
    start = bench_now_ns();
    if (bench_nonblocking(run->s, true) != 0 || move_all(run) != 0) {
        status = 1;
    }
    if (closesocket(run->s) != 0) {
        status = bench_fail("xfer", "closesocket");
    }
    (void)fprintf(stderr, "sent %" PRIu64 "\nreceived %" PRIu64 "\nns %" PRIu64 "\n", run->sent, run->received,
                  bench_now_ns() - start);
    return status;
}

static int files_open(struct xfer *run)
{
    run->in = run->in_name == NULL ? NULL : fopen(run->in_name, "rb");
    if (run->in_name != NULL && run->in == NULL) {
        perror(run->in_name);
        return -1;
    }
    if (run->out_name != NULL) {
        run->out = strcmp(run->out_name, "-") == 0 ? stdout : fopen(run->out_name, "wb");
    }
    if (run->out_name != NULL && run->out == NULL) {
        perror(run->out_name);
        return -1;
    }
    run->tx = malloc(CHUNK);
    run->rx = malloc(CHUNK);
    return run->tx != NULL && run->rx != NULL ? 0 : -1;
}

static int files_close(struct xfer *run)
{
    int status = 0;

    free(run->tx);
    free(run->rx);
    if (run->in != NULL) {
        (void)fclose(run->in);
    }
    if (run->out != NULL && (run->out == stdout ? fflush(run->out) : fclose(run->out)) != 0) {
        perror(run->out_name);
        status = 1;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct xfer run = {.role = "", .stall_ms = 10000, .s = INVALID_SOCKET};
    const struct bench_opt opts[] = {
        {"role", &run.role, NULL, 0, 0},    {"at", &run.at, NULL, 0, 0},
        {"from", &run.from, NULL, 0, 0},    {"in", &run.in_name, NULL, 0, 0},
        {"out", &run.out_name, NULL, 0, 0}, {"stall-ms", NULL, &run.stall_ms, 1, 600000},
    };
    int status = 2;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("xfer") != 0) {
        return 2;
    }
    if (strcmp(run.role, "client") != 0 && strcmp(run.role, "server") != 0) {
        (void)fprintf(stderr, "xfer: --role: client or server is wanted\n");
        return 2;
    }
    if (files_open(&run) == 0) {
        status = run_once(&run);
    }
    if (files_close(&run) != 0) {
        status = 1;
    }
    if (WSACleanup() != 0) {
        status = bench_fail("xfer", "WSACleanup");
    }
    return status;
}

/*
 * How failing connects fail.
 *
 *   connect_status ADDR:PORT=CODE[|CODE...] ...      CODE is a name such as WSAECONNREFUSED, or 0
 *
 * Each address is tried twice, nonblocking (connect, select, SO_ERROR) and blocking; both must give one of the codes.
 * All nonblocking attempts run at once, and while the blocking ones wait. Prints one line for each address.
 */
#include "prog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 16
#define SELECT_MS 60000

struct target {
    char addr[80];
    const char *codes;
    union bench_addr peer;
    int peer_size;
    SOCKET s;
    int nonblocking_code;
    int blocking_code;
    uint64_t blocking_ns;
};

static int target_parse(struct target *target, const char *word)
{
    const char *equals = strchr(word, '=');

    if (equals == NULL || (size_t)(equals - word) >= sizeof(target->addr)) {
        (void)fprintf(stderr, "connect_status: %s: ADDR:PORT=CODE is wanted\n", word);
        return -1;
    }
    memcpy(target->addr, word, (size_t)(equals - word));
    target->addr[equals - word] = '\0';
    target->codes = equals + 1;
    target->s = INVALID_SOCKET;
    target->peer_size = bench_addr_parse(target->addr, &target->peer);
    return target->peer_size == 0 ? -1 : 0;
}

static bool code_expected(const char *codes, int code)
{
    const char *name = bench_error_name(code);
    size_t size = strlen(name);

    for (const char *at = codes; at != NULL; at = strchr(at, '|')) {
        at += *at == '|' ? 1 : 0;
        if (strncmp(at, name, size) == 0 && (at[size] == '\0' || at[size] == '|')) {
            return true;
        }
    }
    return false;
}

/* Starts a nonblocking connect; the code is WSAEWOULDBLOCK if it goes on in the background. */
static int attempt_start(struct target *target)
{
    target->s = bench_socket(SOCK_STREAM, NULL, &target->peer);
    if (target->s == INVALID_SOCKET || bench_nonblocking(target->s, true) != 0) {
        return -1;
    }
    target->nonblocking_code = connect(target->s, &target->peer.any, target->peer_size) == 0 ? 0 : WSAGetLastError();
    return 0;
}

static int attempt_finish(struct target *target)
{
    struct timeval timeout = {SELECT_MS / 1000, 0};
    int size = (int)sizeof(target->nonblocking_code);
    fd_set writable;
    fd_set failed;

    if (target->nonblocking_code != WSAEWOULDBLOCK) {
        return 0;
    }
    FD_ZERO(&writable);
    FD_SET(target->s, &writable);
    FD_ZERO(&failed);
    FD_SET(target->s, &failed);
    if (select(0, NULL, &writable, &failed, &timeout) <= 0) {
        return bench_fail("connect_status", "select");
    }
    /* Winsock reports a failed connect in exceptfds, not in writefds (rule of select). */
    if (!FD_ISSET(target->s, &failed)) {
        target->nonblocking_code = 0;
        return 0;
    }
    return getsockopt(target->s, SOL_SOCKET, SO_ERROR, (char *)&target->nonblocking_code, &size);
}

static int attempt_blocking(struct target *target)
{
    uint64_t start = bench_now_ns();
    SOCKET s = bench_socket(SOCK_STREAM, NULL, &target->peer);

    if (s == INVALID_SOCKET) {
        return -1;
    }
    target->blocking_code = connect(s, &target->peer.any, target->peer_size) == 0 ? 0 : WSAGetLastError();
    target->blocking_ns = bench_now_ns() - start;
    return closesocket(s);
}

static int targets_run(struct target *targets, int count)
{
    int status = 0;

    for (int i = 0; i < count; i++) {
        if (attempt_start(&targets[i]) != 0) {
            return bench_fail("connect_status", targets[i].addr);
        }
    }
    for (int i = 0; i < count; i++) {
        if (attempt_blocking(&targets[i]) != 0) {
            return bench_fail("connect_status", targets[i].addr);
        }
    }
    for (int i = 0; i < count; i++) {
        struct target *target = &targets[i];
        if (attempt_finish(target) != 0 || closesocket(target->s) != 0) {
            return bench_fail("connect_status", target->addr);
        }
        (void)printf("%s blocking %s (%d) after %" PRIu64 " ms, nonblocking %s (%d)\n", target->addr,
                     bench_error_name(target->blocking_code), target->blocking_code, target->blocking_ns / 1000000,
                     bench_error_name(target->nonblocking_code), target->nonblocking_code);
        if (!code_expected(target->codes, target->blocking_code) ||
            !code_expected(target->codes, target->nonblocking_code)) {
            (void)fprintf(stderr, "connect_status: %s: %s was expected\n", target->addr, target->codes);
            status = 1;
        }
    }
    return status;
}

int main(int argc, char **argv)
{
    struct target *targets;
    int count = argc - 1;
    int status = 0;

    if (count < 1 || count > TARGETS_MAX) {
        (void)fprintf(stderr, "connect_status: 1 to %d words ADDR:PORT=CODE are wanted\n", TARGETS_MAX);
        return 2;
    }
    targets = calloc(TARGETS_MAX, sizeof(*targets));
    if (targets == NULL || bench_start("connect_status") != 0) {
        free(targets);
        return 2;
    }
    for (int i = 0; i < count && status == 0; i++) {
        status = target_parse(&targets[i], argv[i + 1]) == 0 ? 0 : 2;
    }
    status = status == 0 ? targets_run(targets, count) : status;
    free(targets);
    if (WSACleanup() != 0) {
        status = bench_fail("connect_status", "WSACleanup");
    }
    return status;
}

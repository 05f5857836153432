/*
 * Hosts two of the programs in one process, each on a thread of its own: the in-memory wire joins ports of one
 * process only.
 *
 *   pair SERVER ARGS... -- CLIENT ARGS...
 *
 * The first program is the server; the second starts when that one is ready. Exit status 0 only if both end
 * with 0.
 */
#include "pair.h"
#include "prog.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

#define READY_SECONDS 20

struct side {
    int (*program)(int argc, char **argv);
    int argc;
    char **argv;
    int status;
    HANDLE thread;
};

static const struct {
    const char *name;
    int (*program)(int argc, char **argv);
} programs[] = {
    {"pingpong", bench_main_pingpong},       {"stream", bench_main_stream},           {"crr", bench_main_crr},
    {"http_client", bench_main_http_client}, {"http_server", bench_main_http_server}, {"xfer", bench_main_xfer},
    {"udp_echo", bench_main_udp_echo},
};

static HANDLE ready;

/* The programs' own, see prog.h: it opens the gate for the second program. */
void bench_ready(const char *at)
{
    (void)fprintf(stderr, "ready %s\n", at);
    (void)fflush(stderr);
    (void)SetEvent(ready);
}

static DWORD WINAPI side_run(LPVOID context)
{
    struct side *side = context;

    side->status = side->program(side->argc, side->argv);
    return 0;
}

static int side_start(struct side *side)
{
    side->thread = CreateThread(NULL, 0, side_run, side, 0, NULL);
    if (side->thread == NULL) {
        (void)fprintf(stderr, "pair: no thread for %s\n", side->argv[0]);
        return -1;
    }
    return 0;
}

static int side_parse(struct side *side, int argc, char **argv)
{
    side->argc = argc;
    side->argv = argv;
    for (size_t i = 0; argc > 0 && i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(programs[i].name, argv[0]) == 0) {
            side->program = programs[i].program;
            return 0;
        }
    }
    (void)fprintf(stderr, "pair: %s: no such program\n", argc > 0 ? argv[0] : "(none)");
    return -1;
}

int main(int argc, char **argv)
{
    struct side sides[2] = {{.status = 1}, {.status = 1}};
    int split = 1;

    while (split < argc && strcmp(argv[split], "--") != 0) {
        split++;
    }
    if (split >= argc || side_parse(&sides[0], split - 1, argv + 1) != 0 ||
        side_parse(&sides[1], argc - split - 1, argv + split + 1) != 0) {
        (void)fprintf(stderr, "usage: pair SERVER ARGS... -- CLIENT ARGS...\n");
        return 2;
    }
    argv[split] = NULL;
    ready = CreateEvent(NULL, TRUE, FALSE, NULL);
    if (ready == NULL || side_start(&sides[0]) != 0) {
        return 1;
    }
    if (WaitForSingleObject(ready, READY_SECONDS * 1000) != WAIT_OBJECT_0) {
        (void)fprintf(stderr, "pair: the server was not ready in %d s\n", READY_SECONDS);
        return 1;
    }
    if (side_start(&sides[1]) != 0) {
        return 1;
    }
    (void)WaitForSingleObject(sides[1].thread, INFINITE);
    /* A server without its client would wait until its patience ends; what the client said decides. */
    if (sides[1].status == 0) {
        (void)WaitForSingleObject(sides[0].thread, INFINITE);
    }
    return sides[0].status != 0 || sides[1].status != 0;
}

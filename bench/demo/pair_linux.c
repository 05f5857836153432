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

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define READY_SECONDS 20

struct side {
    int (*program)(int argc, char **argv);
    int argc;
    char **argv;
    int status;
    pthread_t thread;
};

static const struct {
    const char *name;
    int (*program)(int argc, char **argv);
} programs[] = {
    {"pingpong", bench_main_pingpong},       {"stream", bench_main_stream},           {"crr", bench_main_crr},
    {"http_client", bench_main_http_client}, {"http_server", bench_main_http_server}, {"xfer", bench_main_xfer},
    {"udp_echo", bench_main_udp_echo},
};

static sem_t ready;

/* The programs' own, see prog.h: it opens the gate for the second program. */
void bench_ready(const char *at)
{
    (void)fprintf(stderr, "ready %s\n", at);
    (void)sem_post(&ready);
}

static void *side_run(void *context)
{
    struct side *side = context;

    side->status = side->program(side->argc, side->argv);
    return NULL;
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
    struct timespec until;
    struct side sides[2] = {{.status = 1}, {.status = 1}};
    int split = 1;
    int status;

    while (split < argc && strcmp(argv[split], "--") != 0) {
        split++;
    }
    if (split >= argc || side_parse(&sides[0], split - 1, argv + 1) != 0 ||
        side_parse(&sides[1], argc - split - 1, argv + split + 1) != 0) {
        (void)fprintf(stderr, "usage: pair SERVER ARGS... -- CLIENT ARGS...\n");
        return 2;
    }
    argv[split] = NULL;
    if (sem_init(&ready, 0, 0) != 0 || clock_gettime(CLOCK_REALTIME, &until) != 0) {
        return 1;
    }
    until.tv_sec += READY_SECONDS;
    if (pthread_create(&sides[0].thread, NULL, side_run, &sides[0]) != 0) {
        return 1;
    }
    while (sem_timedwait(&ready, &until) != 0) {
        if (errno != EINTR) {
            (void)fprintf(stderr, "pair: the server was not ready in %d s\n", READY_SECONDS);
            return 1;
        }
    }
    status = pthread_create(&sides[1].thread, NULL, side_run, &sides[1]);
    if (status == 0) {
        (void)pthread_join(sides[1].thread, NULL);
    }
    /* A server without its client would wait until its patience ends; what the client said decides. */
    if (status == 0 && sides[1].status == 0) {
        (void)pthread_join(sides[0].thread, NULL);
    }
    return status != 0 || sides[0].status != 0 || sides[1].status != 0;
}

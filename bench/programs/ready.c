#include "prog.h"

#include <stdio.h>

/* Alone in its file, so that a host of servers can define its own. */
void bench_ready(const char *at)
{
    (void)fprintf(stderr, "ready %s\n", at);
    (void)fflush(stderr);
}

#include "t_stress.h"

#include "stack/assert.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct watch {
    const char *what;
    unsigned seconds;
    STK_U32 progress;
    STK_U32 stop;
    pthread_t thread;
};

static struct watch watch;

static void *watch_main(void *arg)
{
    (void)arg;
    uint32_t seen = 0;
    unsigned quiet = 0;
    const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
    while (atomic_load(&watch.stop) == 0) {
        (void)nanosleep(&tick, NULL);
        uint32_t now = atomic_load(&watch.progress);
        quiet = now == seen ? quiet + 1 : 0;
        seen = now;
        if (quiet > watch.seconds * 10) {
            (void)fprintf(stderr, "%s: nothing moved for %u s at step %u: a wake-up was lost\n", watch.what,
                          watch.seconds, now);
            abort();
        }
    }
    return NULL;
}

void t_watch(const char *what, unsigned seconds)
{
    watch.what = what;
    watch.seconds = seconds;
    atomic_store(&watch.stop, 0);
    watch.thread = t_thread(watch_main, NULL);
}

void t_watch_end(void)
{
    atomic_store(&watch.stop, 1);
    t_join(watch.thread);
}

void t_progress(void)
{
    atomic_fetch_add_explicit(&watch.progress, 1, memory_order_relaxed);
}

void t_wait_turn(uint32_t *turns)
{
    stk_cpu_relax();
    if (++*turns % 64 == 0) {
        (void)sched_yield();
    }
}

pthread_t t_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;
    STK_ASSERT(pthread_create(&thread, NULL, fn, arg) == 0);
    return thread;
}

void t_join(pthread_t thread)
{
    STK_ASSERT(pthread_join(thread, NULL) == 0);
}

uint32_t t_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

void t_region(struct stk_region *region, uint32_t socks, uint32_t chunks)
{
    struct stk_region_conf conf = {
        .socks_count = socks, .chunk_bytes_total = (uint64_t)chunks * STK_CHUNK_SIZE, .app_spin_us = -2};
    STK_ASSERT(stk_region_create(&conf, region) == STK_OK);
    for (uint32_t i = 0; i < socks; i++) {
        stk_region_sock_init(region, i);
        region->socks[i].type = STK_SOCK_STREAM;
    }
}

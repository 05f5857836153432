/*
 * Registered I/O under threads: one posts on many request queues, one takes
 * from the completion queue that all of them share, one commits what is
 * deferred, and the stack's thread runs. Every request must complete once, and
 * those of a direction in order.
 *
 * Usage: stress_rio poll|event [COUNT] [CONFIGURATION]
 */
#include "t_stress.h"

#include "stack/api.h"
#include "stack/clock.h"
#include "stack/config.h"
#include "stack/rio.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 4u
#define DEPTH 256u
#define BYTES 64u
#define UNDER_WAY 48u /* datagrams of a pair: a port's queue takes those of all */
#define PORT 7000u
#define PATIENCE_NS (20 * (int64_t)STK_S_NS)

/** A sender and a receiver. */
struct pair {
    struct stk_sock *sock[2];
    struct stk_rio_rq *rq[2];
    struct stk_addr to;
    uint64_t posted[2]; /* by STK_RIO_SEND and STK_RIO_RECV; the poster's */
    _Atomic uint64_t done[2];
};

struct world {
    struct stk_client *client;
    struct stk_rio_mem *mem;
    struct stk_rio_cq *cq;
    uint8_t *bytes;
    struct pair pairs[PAIRS];
    uint64_t count; /* datagrams of each pair */
    bool by_event;
    uint64_t sleeps;
    _Atomic int stop;
    char failed[200];
};

static const char text[] = "[engine]\n"
                           "sockets_max = 64\n"
                           "buffer_memory = 16MiB\n"
                           "[port rio0]\ndriver = wire\nwire.link = rio\ninstance = 0\nipv6_ll = no\n"
                           "mac = 02:00:00:00:97:01\naddress = 10.97.0.1/24\nneighbour = 10.97.0.2 02:00:00:00:97:02\n"
                           "[port rio1]\ndriver = wire\nwire.link = rio\ninstance = 1\nipv6_ll = no\n"
                           "mac = 02:00:00:00:97:02\naddress = 10.97.0.2/24\nneighbour = 10.97.0.1 02:00:00:00:97:01\n";

static void fail(struct world *world, const char *what, uint64_t a, uint64_t b)
{
    if (world->failed[0] == '\0') {
        (void)snprintf(world->failed, sizeof(world->failed), "%s: %llu, %llu", what, (unsigned long long)a,
                       (unsigned long long)b);
    }
    atomic_store(&world->stop, 1);
}

static void must(int result, const char *what)
{
    if (result != STK_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, stk_err_name(result));
        exit(1);
    }
}

static uint8_t *slice(struct world *world, uint32_t pair, uint32_t dir, uint64_t number)
{
    return world->bytes + ((pair * 2 + dir) * DEPTH + number % DEPTH) * (size_t)BYTES;
}

/* --- Posting -------------------------------------------------------------------- */

static bool post(struct world *world, uint32_t index, enum stk_rio_dir dir, uint32_t flags)
{
    struct pair *pair = &world->pairs[index];
    const uint64_t number = pair->posted[dir];
    uint8_t *bytes = slice(world, index, dir, number);
    const struct stk_rio_req req = {
        .mem = world->mem,
        .base = bytes,
        .len = BYTES,
        .flags = flags,
        .context = number,
        .cookie = (uint64_t)index << 8 | (uint64_t)dir,
        .to = pair->to,
    };
    if (number - atomic_load(&pair->done[dir]) >= DEPTH) {
        return false; /* its slice is in use */
    }
    if (dir == STK_RIO_SEND) {
        memcpy(bytes, &number, sizeof(number));
    }
    const int result = stk_rio_post(pair->rq[dir], dir, &req);
    if (result != STK_OK) {
        fail(world, "post", (uint64_t)-result, number);
        return false;
    }
    pair->posted[dir]++;
    return true;
}

/** A receive first, then what goes into it, so that nothing is ever dropped. */
static bool pair_post(struct world *world, uint32_t index, uint32_t *random)
{
    struct pair *pair = &world->pairs[index];
    bool did = false;
    const uint32_t burst = 1 + t_random(random) % 32;
    for (uint32_t i = 0; i < burst && pair->posted[STK_RIO_RECV] < world->count; i++) {
        const bool last = i + 1 == burst || pair->posted[STK_RIO_RECV] + 1 == world->count;
        const uint32_t defer = !last && t_random(random) % 4 != 0 ? STK_RIO_DEFER : 0;
        if (!post(world, index, STK_RIO_RECV, defer | (t_random(random) % 8 == 0 ? (uint32_t)STK_RIO_INFO : 0u))) {
            (void)stk_rio_commit(pair->rq[STK_RIO_RECV], STK_RIO_RECV);
            break;
        }
        did = true;
    }
    for (uint32_t i = 0; i < burst && pair->posted[STK_RIO_SEND] < pair->posted[STK_RIO_RECV]; i++) {
        if (pair->posted[STK_RIO_SEND] - atomic_load(&pair->done[STK_RIO_RECV]) >= UNDER_WAY) {
            (void)stk_rio_commit(pair->rq[STK_RIO_SEND], STK_RIO_SEND);
            break;
        }
        const bool last = i + 1 == burst || pair->posted[STK_RIO_SEND] + 1 == pair->posted[STK_RIO_RECV];
        if (!post(world, index, STK_RIO_SEND, !last && t_random(random) % 4 != 0 ? STK_RIO_DEFER : 0)) {
            (void)stk_rio_commit(pair->rq[STK_RIO_SEND], STK_RIO_SEND);
            break;
        }
        did = true;
    }
    return did;
}

static void *poster(void *arg)
{
    struct world *world = arg;
    uint32_t random = 99;
    uint32_t turns = 0;
    bool more = true;
    while (more && atomic_load(&world->stop) == 0) {
        bool did = false;
        more = false;
        for (uint32_t i = 0; i < PAIRS; i++) {
            did = pair_post(world, i, &random) || did;
            more = more || world->pairs[i].posted[STK_RIO_SEND] < world->count;
        }
        if (!did) {
            t_wait_turn(&turns);
        }
    }
    return NULL;
}

static void *committer(void *arg)
{
    struct world *world = arg;
    uint32_t random = 7;
    uint32_t turns = 0;
    while (atomic_load(&world->stop) == 0) {
        const struct pair *pair = &world->pairs[t_random(&random) % PAIRS];
        const enum stk_rio_dir dir = t_random(&random) % 2 != 0 ? STK_RIO_SEND : STK_RIO_RECV;
        (void)stk_rio_commit(pair->rq[dir], dir);
        t_wait_turn(&turns);
    }
    return NULL;
}

/* --- Taking ------------------------------------------------------------------------- */

static void done_check(struct world *world, const struct stk_rio_done *done)
{
    const uint32_t index = (uint32_t)(done->cookie >> 8);
    const uint32_t dir = (uint32_t)(done->cookie & 0xff);
    if (index >= PAIRS || dir != done->dir || done->rq_cookie != index) {
        fail(world, "whose", done->cookie, done->rq_cookie);
        return;
    }
    struct pair *pair = &world->pairs[index];
    const uint64_t expect = atomic_load_explicit(&pair->done[dir], memory_order_relaxed);
    uint64_t number = expect;
    if (dir == STK_RIO_RECV) {
        memcpy(&number, slice(world, index, dir, expect), sizeof(number));
    }
    if (done->context != expect || done->status != STK_OK || done->bytes != BYTES || number != expect) {
        fail(world, dir == STK_RIO_RECV ? "a receive" : "a send", number, expect);
        return;
    }
    if (done->info != NULL && (done->info->full_size != BYTES || done->info->from.port != PORT + index)) {
        fail(world, "its info", done->info->full_size, done->info->from.port);
    }
    atomic_store(&pair->done[dir], expect + 1);
}

/** Nothing was there: sleep until something is. */
static void event_wait(struct world *world)
{
    struct stk_event event;
    const uint64_t begin = stk_clock_ns();
    const int armed = stk_rio_cq_arm(world->cq);
    if (armed != STK_OK) {
        fail(world, "arm", (uint64_t)-armed, 0);
        return;
    }
    int result;
    do { /* 0: interfaces changed */
        result = stk_events_wait(world->client, &event, 1, PATIENCE_NS, NULL);
    } while (result == 0 && stk_clock_ns() - begin < (uint64_t)PATIENCE_NS);
    if (result != 1 || event.fired != STK_READY_RIO || event.cookie != 4711) {
        fail(world, "event", (uint64_t)(int64_t)result, event.cookie);
    }
    world->sleeps++;
}

static void taker(struct world *world)
{
    static struct stk_rio_done done[64];
    const uint64_t total = world->count * PAIRS * 2;
    uint64_t taken = 0;
    uint64_t quiet_since = stk_clock_ns();
    uint32_t turns = 0;
    while (taken < total && atomic_load(&world->stop) == 0) {
        const uint32_t count = stk_rio_cq_take(world->cq, done, 64);
        if (count == UINT32_MAX) {
            fail(world, "damaged", taken, 0);
        } else if (count > 0) {
            for (uint32_t i = 0; i < count; i++) {
                done_check(world, &done[i]);
            }
            taken += count;
            quiet_since = stk_clock_ns();
        } else if (world->by_event) {
            event_wait(world);
        } else if (stk_clock_ns() - quiet_since > (uint64_t)PATIENCE_NS) {
            fail(world, "lost", taken, total);
        } else {
            t_wait_turn(&turns);
        }
    }
}

/* --- The world ------------------------------------------------------------------------ */

/** The IPv4 address of the n-th interface behind loopback. */
static void host_addr(struct world *world, uint32_t n, struct stk_addr *out)
{
    static struct stk_if_info infos[4];
    if (stk_client_interfaces(world->client, infos, 4) < 3 || infos[n].addrs[0].family != STK_AF_INET) {
        must(STK_EADDRNOTAVAIL, "two ports with an IPv4 address first");
    }
    memcpy(out->ip, infos[n].addrs[0].ip, 4);
}

static void pair_open(struct world *world, uint32_t index)
{
    struct pair *pair = &world->pairs[index];
    struct stk_rio_cq *const cqs[2] = {world->cq, world->cq};
    for (uint32_t dir = 0; dir < 2; dir++) { /* host 1 sends, host 2 receives */
        const bool sends = dir == STK_RIO_SEND;
        struct stk_addr local = {.family = STK_AF_INET, .port = (uint16_t)(PORT + index)};
        uint32_t max[2] = {0, 0};
        host_addr(world, sends ? 1 : 2, &local);
        if (!sends) {
            pair->to = local;
        }
        max[dir] = DEPTH;
        must(stk_sock_open(world->client, STK_AF_INET, STK_SOCK_DGRAM, 0, 0, &pair->sock[dir]), "open");
        must(stk_sock_bind(pair->sock[dir], &local), "bind");
        must(stk_rio_rq_open(pair->sock[dir], max, cqs, index, &pair->rq[dir]), "request queue");
    }
}

int main(int argc, char **argv)
{
    static struct world world;
    struct stk_config *config = NULL;
    static char error[STK_CONF_ERROR_SIZE] = "";
    pthread_t threads[2];
    world.by_event = argc > 1 && strcmp(argv[1], "event") == 0;
    world.count = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000) / (PAIRS * 2);
    const int parsed = argc > 3 ? stk_config_load(argv[3], &config, error, sizeof(error))
                                : stk_config_parse(text, "stress", &config, error, sizeof(error));
    must(parsed, error);
    must(stk_client_attach(config, &world.client, error, sizeof(error)), error);
    const size_t bytes = (size_t)PAIRS * 2 * DEPTH * BYTES;
    world.bytes = calloc(1, bytes);
    if (world.bytes == NULL) {
        return 1;
    }
    must(stk_rio_mem_add(world.client, world.bytes, bytes, &world.mem), "memory");
    must(stk_rio_cq_open(world.client, PAIRS * 2 * DEPTH, 4711, &world.cq), "completion queue");
    for (uint32_t i = 0; i < PAIRS; i++) {
        pair_open(&world, i);
    }
    const uint64_t begin = stk_clock_ns();
    threads[0] = t_thread(poster, &world);
    threads[1] = t_thread(committer, &world);
    taker(&world);
    const uint64_t ns = stk_clock_ns() - begin;
    atomic_store(&world.stop, 1);
    t_join(threads[0]);
    t_join(threads[1]);
    struct stk_rio_done done;
    if (world.failed[0] == '\0' && stk_rio_cq_take(world.cq, &done, 1) != 0) {
        fail(&world, "one more", done.cookie, done.context);
    }
    for (uint32_t i = 0; i < PAIRS; i++) {
        (void)stk_sock_close(world.pairs[i].sock[0], STK_CLOSE_GRACEFUL);
        (void)stk_sock_close(world.pairs[i].sock[1], STK_CLOSE_GRACEFUL);
    }
    stk_rio_cq_close(world.cq);
    stk_rio_mem_remove(world.mem);
    stk_client_detach(world.client, 1000);
    stk_config_free(config);
    free(world.bytes);
    (void)printf("%llu requests, %.0f datagrams/s, %llu sleeps%s%s\n", (unsigned long long)(world.count * PAIRS * 2),
                 (double)(world.count * PAIRS) * 1e9 / (double)ns, (unsigned long long)world.sleeps,
                 world.failed[0] != '\0' ? ": " : "", world.failed);
    return world.failed[0] != '\0';
}

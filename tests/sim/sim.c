#include "sim.h"

#include "stack/log.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SIM_START_NS (1000 * STK_S_NS)
#define SIM_SIZES "sockets_max = 256\nbuffer_memory = 32MiB\ntcp_max = 128\nudp_max = 64\n"
#define SIM_STEP_MAX_NS (100 * STK_MS_NS)

static uint64_t sim_now(void *ctx)
{
    return ((const struct sim_host *)ctx)->world->now_ns;
}

static void sim_random(void *ctx, void *buf, uint32_t len)
{
    struct sim_host *host = ctx;
    uint8_t *at = buf;
    for (uint32_t i = 0; i < len; i++) { /* splitmix64 */
        uint64_t z = (host->random_state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        at[i] = (uint8_t)(z >> 56);
    }
}

/* For who looks for the reason of a failed seed: SIM_DUMP=1. */
static void world_dump(struct sim_world *world)
{
    for (int i = 0; i < SIM_HOSTS && getenv("SIM_DUMP") != NULL; i++) {
        stk_engine_counters_dump(world->hosts[i].engine, STDERR_FILENO);
    }
}

/* Step every host; when all are idle, move time to the next event, at most to until_ns. */
static void world_turn(struct sim_world *world, uint64_t until_ns)
{
    uint32_t work = 0;
    uint64_t next = until_ns;
    for (int i = 0; i < SIM_HOSTS; i++) {
        work += stk_engine_step(world->hosts[i].engine);
    }
    if (work != 0) {
        return;
    }
    for (int i = 0; i < SIM_HOSTS; i++) {
        const uint64_t due = stk_engine_next_event_ns(world->hosts[i].engine);
        next = due < next ? due : next;
    }
    if (next > world->now_ns) {
        world->now_ns = next - world->now_ns > SIM_STEP_MAX_NS ? world->now_ns + SIM_STEP_MAX_NS : next;
    } else if (until_ns > world->now_ns) {
        world->now_ns += 1000; /* something is due but nothing was done: let time pass */
    }
    if (world->now_ns > world->limit_ns) {
        world_dump(world);
        fail_msg("seed %llu: virtual time ran out", (unsigned long long)world->seed);
    }
}

static uint64_t sim_pump(void *context, uint64_t until_ns)
{
    struct sim_world *world = context;
    world_turn(world, until_ns);
    return world->now_ns;
}

void sim_world_run_until(struct sim_world *world, uint64_t until_ns)
{
    while (world->now_ns < until_ns) {
        world_turn(world, until_ns);
    }
}

static void host_init(struct sim_world *world, int index, const char *impair, const char *engine_lines)
{
    struct sim_host *host = &world->hosts[index];
    static char text[4096];
    char neighbours[128] = "";
    char error[STK_CONF_ERROR_SIZE];
    if (strstr(impair, "loss") != NULL) { /* three lost questions in a row are a host that is not there */
        (void)snprintf(neighbours, sizeof(neighbours),
                       "neighbour = 10.9.0.%d 02:00:00:00:09:0%d\nneighbour = fd00:9::%d 02:00:00:00:09:0%d\n",
                       2 - index, 2 - index, 2 - index, 2 - index);
    }
    char capture[160] = "";
    if (getenv("SIM_CAPTURE") != NULL) { /* the prefix of a capture file per host */
        (void)snprintf(capture, sizeof(capture), "wire.capture = %.100s%d.pcap\n", getenv("SIM_CAPTURE"), index);
    }
    host->world = world;
    host->random_state = world->seed * 2 + (uint64_t)index;
    (void)snprintf(text, sizeof(text),
                   "[engine]\n%s%s\n"
                   "[port sim%d]\nindex = 2\ndriver = wire\nwire.link = sim\nwire.seed = %llu\n"
                   "mac = 02:00:00:00:09:0%d\naddress = 10.9.0.%d/24\naddress = fd00:9::%d/64\n%s%s%s\n",
                   strstr(engine_lines, "sockets_max") != NULL ? "" : SIM_SIZES, engine_lines, index,
                   (unsigned long long)(world->seed * 2 + (uint64_t)index), index + 1, index + 1, index + 1, neighbours,
                   capture, impair);
    if (stk_config_parse(text, "sim", &host->config, error, sizeof(error)) != STK_OK) {
        fail_msg("%s", error);
    }
    const struct stk_engine_env env = {.now_ns = sim_now, .random = sim_random, .ctx = host};
    if (stk_engine_create(host->config, &env, &host->engine, error, sizeof(error)) != STK_OK) {
        fail_msg("%s", error);
    }
    assert_int_equal(stk_client_attach_stepped(stk_engine_region(host->engine), sim_pump, world, &host->client), 0);
}

void sim_world_init(struct sim_world *world, uint64_t seed, const char *impair, const char *engine)
{
    memset(world, 0, sizeof(*world));
    world->seed = seed;
    world->now_ns = SIM_START_NS;
    world->limit_ns = SIM_START_NS + 3600 * STK_S_NS;
    for (int i = 0; i < SIM_HOSTS; i++) {
        host_init(world, i, impair, engine);
    }
}

void sim_world_fini(struct sim_world *world)
{
    for (int i = 0; i < SIM_HOSTS; i++) {
        struct sim_host *host = &world->hosts[i];
        stk_client_detach(host->client, 60000);
        struct stk_region *region = stk_engine_region(host->engine);
        assert_int_equal(atomic_load(&region->abi->chunks_used), 0);
    }
    for (int i = 0; i < SIM_HOSTS; i++) {
        stk_engine_destroy(world->hosts[i].engine);
        stk_config_free(world->hosts[i].config);
    }
}

struct stk_addr sim_addr(int family, int host, uint16_t port)
{
    struct stk_addr addr = {.family = (uint16_t)family, .port = port};
    if (family == STK_AF_INET) {
        memcpy(addr.ip, (uint8_t[]){10, 9, 0, (uint8_t)(host + 1)}, 4);
    } else {
        memcpy(addr.ip, (uint8_t[]){0xfd, 0, 0, 9}, 4);
        addr.ip[15] = (uint8_t)(host + 1);
    }
    return addr;
}

uint64_t sim_counter(struct sim_host *host, const char *name)
{
    FILE *file = t_file_temp();
    assert_non_null(file);
    stk_engine_counters_dump(host->engine, fileno(file));
    rewind(file);
    char line[256];
    uint64_t value = UINT64_MAX;
    const size_t len = strlen(name);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ') {
            value = strtoull(line + len + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    return value;
}

struct stk_sock *sim_open(struct sim_host *host, int family, int type)
{
    struct stk_sock *sock = NULL;
    assert_int_equal(stk_sock_open(host->client, family, type, 0, 0, &sock), STK_OK);
    return sock;
}

struct stk_sock *sim_listen(struct sim_host *host, const struct stk_addr *addr)
{
    struct stk_sock *sock = sim_open(host, addr->family, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_bind(sock, addr), STK_OK);
    assert_int_equal(stk_sock_listen(sock, 16), STK_OK);
    return sock;
}

uint32_t sim_wait(struct sim_host *host, struct stk_sock *sock, uint32_t bits)
{
    struct stk_wait_item item = {.sock = sock, .wanted = bits};
    const int64_t left = (int64_t)(host->world->limit_ns - host->world->now_ns);
    const int got = stk_wait(host->client, &item, 1, left, NULL);
    if (got != 1) {
        world_dump(host->world);
        fail_msg("seed %llu: waited in vain for %#x: %d, ready %#x", (unsigned long long)host->world->seed, bits, got,
                 stk_sock_ready(sock));
    }
    return item.ready;
}

void sim_connect_pair(struct sim_world *world, int family, uint16_t port, struct stk_sock **client,
                      struct stk_sock **server)
{
    const struct stk_addr addr = sim_addr(family, 1, port);
    struct stk_sock *listener = sim_listen(&world->hosts[1], &addr);
    *client = sim_open(&world->hosts[0], family, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(*client, &addr), STK_EINPROGRESS);
    const uint32_t ready = sim_wait(&world->hosts[0], *client, STK_READY_CONN | STK_READY_FAIL);
    if ((ready & STK_READY_CONN) == 0) {
        fail_msg("seed %llu: connect: %s at %llu ms", (unsigned long long)world->seed,
                 stk_err_name(stk_sock_error_take(*client)),
                 (unsigned long long)((world->now_ns - SIM_START_NS) / STK_MS_NS));
    }
    (void)sim_wait(&world->hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, server, NULL), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
}

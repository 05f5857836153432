#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void sim_rio_end_open(struct sim_rio_end *end, struct sim_host *host, struct stk_sock *sock, uint32_t max)
{
    const uint32_t maxima[STK_RIO_DIRS] = {max, max};
    *end = (struct sim_rio_end){.host = host, .sock = sock};
    end->bytes = calloc(1, SIM_RIO_BYTES);
    assert_non_null(end->bytes);
    assert_int_equal(stk_rio_mem_add(host->client, end->bytes, SIM_RIO_BYTES, &end->mem), STK_OK);
    assert_int_equal(stk_rio_cq_open(host->client, 2 * max, (uintptr_t)end, &end->cq), STK_OK);
    struct stk_rio_cq *const cqs[STK_RIO_DIRS] = {end->cq, end->cq};
    assert_int_equal(stk_rio_rq_open(sock, maxima, cqs, SIM_RIO_COOKIE, &end->rq), STK_OK);
}

void sim_rio_end_close(struct sim_rio_end *end)
{
    if (end->sock != NULL) {
        assert_int_equal(stk_sock_close(end->sock, STK_CLOSE_GRACEFUL), STK_OK);
    }
    stk_rio_cq_close(end->cq);
    stk_rio_mem_remove(end->mem);
    free(end->bytes);
}

void sim_rio_dgrams(struct sim_rio_pair *pair, int family, uint64_t seed, const char *impair, uint32_t max)
{
    sim_world_init(&pair->world, seed, impair, "");
    struct sim_rio_end *ends[2] = {&pair->a, &pair->b};
    for (int i = 0; i < 2; i++) {
        const struct stk_addr addr = sim_addr(family, i, i == 0 ? SIM_RIO_PORT_A : SIM_RIO_PORT_B);
        struct stk_sock *sock = sim_open(&pair->world.hosts[i], family, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(sock, &addr), STK_OK);
        sim_rio_end_open(ends[i], &pair->world.hosts[i], sock, max);
    }
}

void sim_rio_streams(struct sim_rio_pair *pair, int family, uint64_t seed, const char *impair, uint32_t max)
{
    struct stk_sock *client;
    struct stk_sock *server;
    sim_world_init(&pair->world, seed, impair, "");
    sim_connect_pair(&pair->world, family, 8080, &client, &server);
    sim_rio_end_open(&pair->a, &pair->world.hosts[0], client, max);
    sim_rio_end_open(&pair->b, &pair->world.hosts[1], server, max);
}

void sim_rio_close(struct sim_rio_pair *pair)
{
    sim_rio_end_close(&pair->a);
    sim_rio_end_close(&pair->b);
    sim_world_fini(&pair->world);
}

struct stk_rio_done sim_rio_take(struct sim_rio_pair *pair, struct sim_rio_end *end)
{
    struct stk_rio_done done;
    memset(&done, 0x5a, sizeof(done));
    const uint64_t until = pair->world.now_ns + 60 * STK_S_NS;
    uint32_t taken;
    while ((taken = stk_rio_cq_take(end->cq, &done, 1)) == 0) {
        assert_true(pair->world.now_ns < until);
        sim_world_run_until(&pair->world, pair->world.now_ns + 100 * UINT64_C(1000));
    }
    assert_int_equal(taken, 1);
    assert_int_equal(done.rq_cookie, SIM_RIO_COOKIE);
    return done;
}

void sim_rio_none(struct sim_rio_end *end)
{
    struct stk_rio_done done;
    assert_int_equal(stk_rio_cq_take(end->cq, &done, 1), 0);
}

int sim_rio_post(struct sim_rio_end *end, enum stk_rio_dir dir, uint32_t at, uint32_t len, uint32_t flags,
                 uint64_t context)
{
    const struct stk_rio_req req = {
        .mem = end->mem, .base = end->bytes + at, .len = len, .flags = flags, .context = context, .cookie = ~context};
    return stk_rio_post(end->rq, dir, &req);
}

int sim_rio_post_to(struct sim_rio_end *end, uint32_t at, uint32_t len, uint32_t flags, uint64_t context,
                    const struct stk_addr *to)
{
    const struct stk_rio_req req = {.mem = end->mem,
                                    .base = end->bytes + at,
                                    .len = len,
                                    .flags = flags,
                                    .context = context,
                                    .cookie = ~context,
                                    .to = *to};
    return stk_rio_post(end->rq, STK_RIO_SEND, &req);
}

void sim_rio_fill(uint8_t *bytes, uint32_t len, uint32_t seed)
{
    for (uint32_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)((i + seed) * 31 + (i >> 7));
    }
}

void sim_rio_settle(struct sim_rio_pair *pair)
{
    sim_world_run_until(&pair->world, pair->world.now_ns + 50 * STK_MS_NS);
}

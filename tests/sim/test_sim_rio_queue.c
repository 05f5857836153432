/*
 * Registered I/O: completion queues and request queues themselves. Charges,
 * resizing while in use, closing, damage, events, memory.
 */
#include "sim_rio.h"

#include "core/client_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct stk_addr addr_b(void)
{
    return sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
}

static void send_from_a(struct sim_rio_pair *pair, uint32_t count)
{
    const struct stk_addr to = addr_b();
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(sim_rio_post_to(&pair->a, i, 1, 0, i, &to), STK_OK);
        assert_int_equal(sim_rio_take(pair, &pair->a).context, i);
    }
}

static void charges__exactly_full__fits_and_comes_back(void **state)
{
    (void)state;
    struct sim_world world;
    struct stk_rio_cq *cq;
    struct stk_rio_cq *two;
    struct stk_rio_rq *rq;
    sim_world_init(&world, 71, "", "");
    struct stk_client *client = world.hosts[0].client;
    assert_int_equal(stk_rio_cq_open(client, 0, 1, &cq), STK_EINVAL);
    assert_int_equal(stk_rio_cq_open(client, STK_RIO_CQ_ENTRIES_MAX + 1, 1, &cq), STK_EINVAL);
    assert_int_equal(stk_rio_cq_open(client, 10, 1, &cq), STK_OK);
    assert_int_equal(stk_rio_cq_open(client, 1, 2, &two), STK_OK);
    struct stk_rio_cq *const same[2] = {cq, cq};
    struct stk_rio_cq *const both[2] = {cq, two};
    struct stk_sock *a = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *b = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *raw = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_RAW);
    const struct stk_addr at = sim_addr(STK_AF_INET, 0, 999);
    struct stk_sock *listener = sim_listen(&world.hosts[0], &at);
    assert_int_equal(stk_rio_rq_open(a, (const uint32_t[]){0, 0}, same, 0, &rq), STK_EINVAL);
    assert_int_equal(stk_rio_rq_open(a, (const uint32_t[]){6, 5}, same, 0, &rq), STK_EFULL);
    assert_int_equal(stk_rio_rq_open(a, (const uint32_t[]){6, 4}, same, 0, &rq), STK_OK);
    assert_int_equal(stk_rio_rq_open(a, (const uint32_t[]){1, 0}, both, 0, &rq), STK_EINVAL);
    assert_int_equal(stk_rio_rq_open(b, (const uint32_t[]){1, 0}, same, 0, &rq), STK_EFULL);
    assert_int_equal(stk_rio_rq_open(raw, (const uint32_t[]){0, 1}, both, 0, &rq), STK_EOPNOTSUPP);
    assert_int_equal(stk_rio_rq_open(listener, (const uint32_t[]){0, 1}, both, 0, &rq), STK_EINVAL);
    assert_int_equal(stk_rio_cq_resize(cq, 9), STK_ETOOMANYREFS);
    assert_int_equal(stk_rio_cq_resize(cq, 0), STK_EINVAL);
    assert_int_equal(stk_rio_cq_resize(cq, 11), STK_OK);
    assert_int_equal(stk_rio_rq_open(b, (const uint32_t[]){1, 1}, both, 0, &rq), STK_OK);
    assert_int_equal(stk_sock_close(a, STK_CLOSE_GRACEFUL), STK_OK);
    a = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_rio_rq_open(a, (const uint32_t[]){5, 5}, same, 0, &rq), STK_OK);
    struct stk_sock *const all[] = {a, b, raw, listener};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(stk_sock_close(all[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
    stk_rio_cq_close(cq);
    stk_rio_cq_close(two);
    sim_world_fini(&world);
}

/** The queue grows and shrinks with completions inside, at every fill. */
static void cq_resize__completions_inside__survive_in_order(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {64, 32, 16, 100, 1000, 16, 17};
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 72, "", 8);
    uint64_t next = 0;
    uint64_t expect = 0;
    for (uint32_t round = 0; round < 60; round++) {
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, 0, next++), STK_OK);
        }
        const uint32_t before = round % 9;
        send_from_a(&pair, before < 8 ? before : 8);
        sim_rio_settle(&pair);
        assert_int_equal(stk_rio_cq_resize(pair.b.cq, sizes[round % 7]), STK_OK);
        send_from_a(&pair, 8 - (before < 8 ? before : 8));
        for (uint32_t i = 0; i < 8; i++) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
            assert_int_equal(done.status, STK_OK);
            assert_int_equal(done.context, expect++);
            if (i == round % 8) {
                assert_int_equal(stk_rio_cq_resize(pair.b.cq, sizes[(round + 3) % 7]), STK_OK);
            }
        }
    }
    sim_rio_none(&pair.b);
    sim_rio_close(&pair);
}

static void rq_resize__requests_queued__stay_in_order(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {8, 30, 9, 100, 10, 300};
    struct sim_rio_pair pair;
    sim_rio_dgrams(&pair, STK_AF_INET, 73, "", 8);
    assert_int_equal(stk_rio_rq_resize(pair.b.rq, (const uint32_t[]){0, 0}), STK_EINVAL);
    assert_int_equal(stk_rio_rq_resize(pair.b.rq, (const uint32_t[]){9, 8}), STK_EFULL);
    assert_int_equal(stk_rio_cq_resize(pair.b.cq, 1000), STK_OK);
    uint64_t next = 0;
    uint64_t expect = 0;
    uint64_t taken = 0;
    for (uint32_t round = 0; round < 40; round++) {
        uint32_t posted = 0;
        for (; posted < 8; posted++) {
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, posted * 8, 8, STK_RIO_INFO, next++), STK_OK);
        }
        if (round == 0) {
            assert_int_equal(stk_rio_rq_resize(pair.b.rq, (const uint32_t[]){7, 8}), STK_ETOOMANYREFS);
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, 0, 0), STK_EFULL);
        }
        const uint32_t filled = round % 8;
        send_from_a(&pair, filled);
        sim_rio_settle(&pair);
        assert_int_equal(stk_rio_rq_resize(pair.b.rq, (const uint32_t[]){sizes[round % 6], 8}), STK_OK);
        send_from_a(&pair, 8 - filled);
        for (uint32_t i = 0; i < 8; i++) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.b);
            assert_int_equal(done.context, expect);
            assert_int_equal(done.cookie, ~expect);
            assert_int_equal(done.info->from.port, SIM_RIO_PORT_A);
            assert_int_equal(done.info->full_size, 1);
            expect++;
            taken++;
        }
    }
    assert_int_equal(taken, next);
    sim_rio_close(&pair);
}

/** Sends of a stream that lwIP refers to while their rings are replaced. */
static void rq_resize__sends_in_flight__complete(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    sim_rio_streams(&pair, STK_AF_INET, 74, "wire.delay = 5ms\n", 8);
    assert_int_equal(stk_rio_cq_resize(pair.a.cq, 1000), STK_OK);
    sim_rio_fill(pair.a.bytes, 8 * 9000, 4);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i * 9000, 9000, STK_RIO_WAITALL, i), STK_OK);
        assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, i * 9000, 9000, 0, i), STK_OK);
        assert_int_equal(stk_rio_rq_resize(pair.a.rq, (const uint32_t[]){8, 8 + i * 5}), STK_OK);
        sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    }
    for (uint32_t i = 0; i < 8; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
        assert_int_equal(done.context, i);
        assert_int_equal(done.bytes, 9000);
        assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 9000);
    }
    assert_memory_equal(pair.a.bytes, pair.b.bytes, 8 * 9000);
    sim_rio_close(&pair);
}

static void cq_close__requests_outstanding__dropped(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_cq *other;
    sim_rio_dgrams(&pair, STK_AF_INET, 75, "", 8);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, 0, i), STK_OK);
    }
    send_from_a(&pair, 2);
    stk_rio_cq_close(pair.b.cq);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, 0, 9), STK_EINVAL);
    assert_int_equal(stk_rio_cq_open(pair.b.host->client, 16, 5, &other), STK_OK);
    send_from_a(&pair, 2);
    sim_rio_settle(&pair);
    struct stk_rio_done done;
    assert_int_equal(stk_rio_cq_take(other, &done, 1), 0); /* nothing of the other queue's */
    pair.b.cq = other;
    sim_rio_close(&pair);
}

static int events(struct sim_host *host, struct stk_event *event)
{
    return stk_events_wait(host->client, event, 1, 0, NULL);
}

static void arm__empty_then_a_completion__one_event(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_event event;
    sim_rio_dgrams(&pair, STK_AF_INET, 76, "", 8);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, i == 2 ? STK_RIO_DONT_NOTIFY : 0, i), STK_OK);
    }
    while (events(pair.b.host, &event) > 0) {
    }
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_EALREADY);
    assert_int_equal(events(pair.b.host, &event), 0);
    send_from_a(&pair, 2);
    sim_rio_settle(&pair);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_EALREADY); /* not given yet */
    assert_int_equal(events(pair.b.host, &event), 1);
    assert_int_equal(event.fired, STK_READY_RIO);
    assert_int_equal(event.cookie, (uintptr_t)&pair.b);
    assert_int_equal(events(pair.b.host, &event), 0);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK); /* two are inside */
    sim_rio_settle(&pair);
    assert_int_equal(events(pair.b.host, &event), 1);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 0);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 1);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    send_from_a(&pair, 1); /* the quiet one */
    sim_rio_settle(&pair);
    assert_int_equal(events(pair.b.host, &event), 0);
    send_from_a(&pair, 1);
    sim_rio_settle(&pair);
    assert_int_equal(events(pair.b.host, &event), 1);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 2);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 3);
    send_from_a(&pair, 1);
    sim_rio_settle(&pair);
    assert_int_equal(events(pair.b.host, &event), 0); /* not armed */
    (void)sim_rio_take(&pair, &pair.b);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    sim_rio_close(&pair); /* armed */
}

static void arm__only_quiet_ones_inside__no_event(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_event event;
    sim_rio_dgrams(&pair, STK_AF_INET, 77, "", 8);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, STK_RIO_DONT_NOTIFY, 1), STK_OK);
    send_from_a(&pair, 1);
    sim_rio_settle(&pair);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    sim_rio_settle(&pair);
    assert_int_equal(events(pair.b.host, &event), 0);
    assert_int_equal(sim_rio_take(&pair, &pair.b).context, 1);
    sim_rio_close(&pair);
}

static void closed_queue__its_event__does_not_come(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_event event;
    struct stk_rio_cq *other;
    sim_rio_dgrams(&pair, STK_AF_INET, 78, "", 8);
    assert_int_equal(stk_rio_cq_open(pair.b.host->client, 16, 5, &other), STK_OK);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, 0, 1), STK_OK);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_OK);
    send_from_a(&pair, 1);
    sim_rio_settle(&pair);
    stk_rio_cq_close(pair.b.cq);
    assert_int_equal(events(pair.b.host, &event), 0);
    pair.b.cq = other;
    sim_rio_close(&pair);
}

/** Every byte of the ring's entries in turn is written over by the program. */
static void damage__entries_overwritten__told_for_good(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 4; kind++) {
        struct sim_rio_pair pair;
        struct stk_rio_done done[8];
        sim_rio_dgrams(&pair, STK_AF_INET, 79, "", 8);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, 0, i), STK_OK);
        }
        send_from_a(&pair, 4);
        sim_rio_settle(&pair);
        uint8_t *ring = (uint8_t *)pair.b.cq->ring;
        const size_t bytes = (pair.b.cq->mask + 1u) * sizeof(*pair.b.cq->ring);
        assert_true(bytes >= 8 * 32);
        if (kind == 0) {
            memset(ring, 0xff, bytes);
        } else if (kind == 1) {
            memset(ring, 0x01, bytes);
        } else if (kind == 2) {
            ring[12] ^= 0x40; /* whose it is */
        } else {
            ring[16] ^= 0x01; /* which it is */
        }
        assert_int_equal(stk_rio_cq_take(pair.b.cq, done, 8), UINT32_MAX);
        assert_int_equal(stk_rio_cq_take(pair.b.cq, done, 8), UINT32_MAX);
        sim_rio_close(&pair);
    }
}

static void memory__removed_while_named__stays_until_taken(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_mem *again;
    sim_rio_dgrams(&pair, STK_AF_INET, 80, "", 8);
    struct stk_client *client = pair.b.host->client;
    assert_int_equal(stk_rio_mem_add(client, NULL, 5, &again), STK_EINVAL);
    assert_int_equal(stk_rio_mem_add(client, pair.b.bytes, 0, &again), STK_EINVAL);
    assert_int_equal(stk_rio_mem_add(client, pair.b.bytes + 3, 1001, &again), STK_OK); /* twice, askew */
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 8, 0, 1), STK_OK);
    stk_rio_mem_remove(pair.b.mem);
    pair.a.bytes[0] = 42;
    send_from_a(&pair, 1);
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 1);
    assert_int_equal(pair.b.bytes[0], 42);
    pair.b.mem = again;
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 3, 1001, 0, 1), STK_OK);
    send_from_a(&pair, 1);
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 1);
    assert_int_equal(pair.b.bytes[3], 42);
    sim_rio_close(&pair);
}

/** The stack's thread is gone: nothing is posted any more, and closing tells of what was. */
static void engine_lost__close__completes_what_was_posted(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_done done;
    sim_rio_dgrams(&pair, STK_AF_INET, 81, "", 8);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i, 1, i == 3 ? STK_RIO_DEFER : 0, i), STK_OK);
    }
    send_from_a(&pair, 1);
    sim_rio_settle(&pair);
    struct stk_region_abi *region = stk_engine_region(pair.b.host->engine)->abi;
    atomic_store(&region->engine_state, STK_ENGINE_LOST);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 1, 0, 9), STK_ENETDOWN);
    assert_int_equal(stk_rio_commit(pair.b.rq, STK_RIO_RECV), STK_ENETDOWN);
    assert_int_equal(stk_rio_cq_arm(pair.b.cq), STK_ENETDOWN);
    assert_int_equal(stk_sock_close(pair.b.sock, STK_CLOSE_GRACEFUL), STK_ENETDOWN);
    pair.b.sock = NULL;
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(stk_rio_cq_take(pair.b.cq, &done, 1), 1);
        assert_int_equal(done.context, i);
        assert_int_equal(done.status, i == 0 ? STK_OK : STK_ECANCELED);
    }
    sim_rio_none(&pair.b);
    atomic_store(&region->engine_state, STK_ENGINE_RUNNING); /* so that the test can end */
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges__exactly_full__fits_and_comes_back),
        cmocka_unit_test(cq_resize__completions_inside__survive_in_order),
        cmocka_unit_test(rq_resize__requests_queued__stay_in_order),
        cmocka_unit_test(rq_resize__sends_in_flight__complete),
        cmocka_unit_test(cq_close__requests_outstanding__dropped),
        cmocka_unit_test(arm__empty_then_a_completion__one_event),
        cmocka_unit_test(arm__only_quiet_ones_inside__no_event),
        cmocka_unit_test(closed_queue__its_event__does_not_come),
        cmocka_unit_test(damage__entries_overwritten__told_for_good),
        cmocka_unit_test(memory__removed_while_named__stays_until_taken),
        cmocka_unit_test(engine_lost__close__completes_what_was_posted),
    };
    return cmocka_run_group_tests_name("sim_rio_queue", tests, NULL, NULL);
}

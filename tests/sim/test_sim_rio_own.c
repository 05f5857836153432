/*
 * Whose memory it is: a driver that holds what frames refer to, a program that
 * writes over what it was given back at once, and a wire that loses frames.
 */
#include "sim_hold.h"
#include "sim_rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLICE 8000u
#define SLICES 24u
#define REPLY (SLICES * SLICE)

static void hold_reset(uint64_t ns)
{
    sim_hold.ns = ns;
    sim_hold.endless = false;
    sim_hold.frames = 0;
    sim_hold.pieces = 0;
    sim_hold.changed = 0;
    sim_hold.held_max = 0;
    sim_hold.scribbled = 0;
}

/** Byte k of the stream. */
static uint8_t pattern(uint64_t k)
{
    return (uint8_t)(k * 167 + (k >> 9) * 13);
}

static void slice_fill(uint8_t *slice, uint64_t from)
{
    for (uint32_t i = 0; i < SLICE; i++) {
        slice[i] = pattern(from + i);
    }
}

/** Every slice is written over as soon as its completion is there, and sent again with other bytes. */
static void stream__slices_reused_at_once__no_byte_changes_under_way(void **state)
{
    (void)state;
    enum { TOTAL = 200 * (int)SLICE };
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_rio_pair pair;
        hold_reset(seed % 2 != 0 ? 3 * STK_MS_NS : 400 * STK_MS_NS); /* longer than retransmission takes */
        sim_rio_streams(&pair, seed % 2 != 0 ? STK_AF_INET : STK_AF_INET6, seed,
                        "wire.delay = 200us\nwire.loss = 2%\nwire.reorder = 2%\n", SLICES);
        uint64_t posted = 0;
        uint64_t received = 0;
        uint32_t free_count = SLICES;
        uint32_t free_slices[SLICES];
        for (uint32_t i = 0; i < SLICES; i++) {
            free_slices[i] = i;
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i * SLICE, SLICE, 0, i), STK_OK);
        }
        const uint64_t until = pair.world.now_ns + 3000 * STK_S_NS;
        while (received < TOTAL) {
            struct stk_rio_done done;
            assert_true(pair.world.now_ns < until);
            while (free_count > 0 && posted < TOTAL) {
                const uint32_t slice = free_slices[--free_count];
                slice_fill(pair.a.bytes + slice * SLICE, posted);
                assert_int_equal(sim_rio_post(&pair.a, STK_RIO_SEND, slice * SLICE, SLICE, 0, slice), STK_OK);
                posted += SLICE;
            }
            sim_world_run_until(&pair.world, pair.world.now_ns + 200 * UINT64_C(1000));
            while (stk_rio_cq_take(pair.a.cq, &done, 1) == 1) {
                assert_int_equal(done.status, STK_OK);
                memset(pair.a.bytes + done.context * SLICE, 0xdd, SLICE);
                free_slices[free_count++] = (uint32_t)done.context;
            }
            while (stk_rio_cq_take(pair.b.cq, &done, 1) == 1) {
                uint8_t *slice = pair.b.bytes + done.context * SLICE;
                assert_int_equal(done.status, STK_OK);
                for (uint32_t i = 0; i < done.bytes; i++) {
                    if (slice[i] != pattern(received + i)) {
                        fail_msg("seed %llu: byte %llu", (unsigned long long)seed, (unsigned long long)received + i);
                    }
                }
                received += done.bytes;
                memset(slice, 0xcc, SLICE);
                assert_int_equal(
                    sim_rio_post(&pair.b, STK_RIO_RECV, (uint32_t)done.context * SLICE, SLICE, 0, done.context),
                    STK_OK);
            }
        }
        while (free_count < SLICES) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
            memset(pair.a.bytes + done.context * SLICE, 0xdd, SLICE);
            free_count++;
        }
        assert_true(sim_hold.pieces > 200);
        assert_true(sim_hold.held_max > 4);
        assert_true(sim_hold.scribbled > 200);
        sim_rio_close(&pair);
        assert_int_equal(sim_hold.changed, 0);
        assert_int_equal(sim_hold.held, 0);
    }
}

static void dgram__by_reference__completes_when_the_driver_lets_go(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    hold_reset(0);
    sim_rio_dgrams(&pair, STK_AF_INET, 5, "", 16);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, i * 2000, 2000, 0, i), STK_OK);
    }
    sim_rio_fill(pair.a.bytes, 10000, 7);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 100, 0, 1, &to), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 1);
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 100);
    sim_hold.endless = true;
    assert_int_equal(sim_rio_post_to(&pair.a, 1000, 1400, 0, 2, &to), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 100, 0, 3, &to), STK_OK); /* copied, but behind it */
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 1400);
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 100);
    sim_rio_settle(&pair);
    assert_int_equal(sim_hold.held, 1);
    sim_rio_none(&pair.a);
    /* a second request of the same bytes does not keep the first one waiting, nor the other way round */
    assert_int_equal(sim_rio_post_to(&pair.a, 1000, 1400, 0, 4, &to), STK_OK);
    sim_rio_settle(&pair);
    sim_rio_none(&pair.a);
    sim_hold.endless = false;
    for (uint64_t i = 2; i < 5; i++) {
        const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
        assert_int_equal(done.context, i);
        assert_int_equal(done.status, STK_OK);
    }
    sim_rio_close(&pair);
    assert_int_equal(sim_hold.changed, 0);
}

/** An unresolved neighbour: lwIP copies what has to wait for it, so that the request need not. */
static void dgram__neighbour_unknown__copied(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    uint8_t copy[1000];
    hold_reset(0);
    sim_rio_dgrams(&pair, STK_AF_INET, 6, "wire.delay = 5ms\n", 16);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    sim_rio_fill(copy, sizeof(copy), 3);
    memcpy(pair.a.bytes, copy, sizeof(copy));
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 2000, 0, 1), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1000, 0, 1, &to), STK_OK);
    sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    assert_int_equal(sim_rio_take(&pair, &pair.a).status, STK_OK);
    memset(pair.a.bytes, 0xdd, 1000);
    assert_int_equal(sim_rio_take(&pair, &pair.b).bytes, 1000);
    assert_memory_equal(pair.b.bytes, copy, sizeof(copy));
    sim_rio_close(&pair);
    assert_int_equal(sim_hold.held, 0);
}

static void close__driver_holds__canceled_when_it_lets_go(void **state)
{
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct sim_rio_pair pair;
        hold_reset(0);
        const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
        if (stream != 0) {
            sim_rio_streams(&pair, STK_AF_INET, 7, "wire.delay = 10ms\n", 16);
        } else {
            sim_rio_dgrams(&pair, STK_AF_INET, 7, "wire.delay = 10ms\n", 16);
            assert_int_equal(sim_rio_post_to(&pair.a, 0, 10, 0, 1, &to), STK_OK); /* whose neighbour is this */
            (void)sim_rio_take(&pair, &pair.a);
            sim_rio_settle(&pair);
        }
        sim_hold.endless = true;
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(sim_rio_post_to(&pair.a, i * 1200, 1200, 0, i, &to), STK_OK);
        }
        sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
        assert_true(sim_hold.held >= 3);
        assert_int_equal(stk_sock_close(pair.a.sock, STK_CLOSE_ABORT), STK_OK);
        pair.a.sock = NULL;
        stk_rio_mem_remove(pair.a.mem);
        assert_int_equal(stk_rio_mem_add(pair.a.host->client, pair.a.bytes, SIM_RIO_BYTES, &pair.a.mem), STK_OK);
        sim_rio_settle(&pair);
        sim_rio_none(&pair.a);
        sim_hold.endless = false;
        for (uint32_t i = 0; i < 3; i++) {
            const struct stk_rio_done done = sim_rio_take(&pair, &pair.a);
            assert_int_equal(done.context, i);
            assert_int_equal(done.status, stream != 0 ? STK_ECANCELED : STK_OK); /* datagrams were sent */
            memset(pair.a.bytes + i * 1200, 0xdd, 1200);
        }
        sim_rio_close(&pair);
        assert_int_equal(sim_hold.changed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream__slices_reused_at_once__no_byte_changes_under_way),
        cmocka_unit_test(dgram__by_reference__completes_when_the_driver_lets_go),
        cmocka_unit_test(dgram__neighbour_unknown__copied),
        cmocka_unit_test(close__driver_holds__canceled_when_it_lets_go),
    };
    return cmocka_run_group_tests_name("sim_rio_own", tests, NULL, NULL);
}

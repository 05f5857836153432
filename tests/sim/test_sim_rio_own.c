/*
 * Whose memory it is: a driver that holds what frames refer to, a program that
 * writes over what it was given back at once, and a wire that loses frames.
 */
#include "sim_hold.h"
#include "sim_rio.h"

#include "core/client_rio.h"

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
    sim_hold.by_link = false;
    sim_hold.frames = 0;
    sim_hold.pieces = 0;
    sim_hold.changed = 0;
    sim_hold.held_max = 0;
    sim_hold.scribbled = 0;
    sim_hold.refuse = false;
    sim_hold.forgot = 0;
    sim_hold.early = 0;
    sim_hold.unknown = 0;
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

/** What a driver gives back in the turn that looks after the links is told in that turn, not in the next. */
static void upkeep__memory_given_back__told_in_the_same_turn(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct stk_rio_done done;
    struct stk_event event;
    hold_reset(0);
    sim_rio_dgrams(&pair, STK_AF_INET, 13, "", 16);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    struct stk_engine *engine = pair.world.hosts[0].engine;
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 10, 0, 1, &to), STK_OK); /* whose neighbour is this */
    (void)sim_rio_take(&pair, &pair.a);
    sim_rio_settle(&pair);
    sim_hold.by_link = true;
    assert_int_equal(stk_rio_cq_arm(pair.a.cq), STK_OK);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 1400, 0, 2, &to), STK_OK);
    uint32_t turns = 0;
    while (sim_hold.held > 0 || turns == 0) { /* the links are looked after once a second */
        pair.world.now_ns += 10 * STK_MS_NS;
        (void)stk_engine_step(engine);
        assert_true(++turns < 200);
    }
    assert_int_equal(atomic_load(&pair.a.cq->abi->armed), STK_RIO_FIRED); /* before a further turn */
    assert_int_equal(stk_events_wait(pair.a.host->client, &event, 1, 0, NULL), 1);
    assert_int_equal(stk_rio_cq_take(pair.a.cq, &done, 1), 1);
    assert_int_equal(done.context, 2);
    sim_hold.by_link = false;
    sim_rio_close(&pair);
}

#define PAGE 4096u

struct piece_row {
    uint32_t first; /* bytes, of the memory's first page */
    uint32_t len;
};

/** Sends bytes of a page; were they referred to? */
static bool page_referred(struct sim_rio_pair *pair, struct stk_rio_mem *mem, uint8_t *bytes, uint64_t context)
{
    const uint64_t before = sim_hold.pieces;
    struct stk_rio_req req = {.mem = mem, .base = bytes, .len = 1000, .context = context};
    req.to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    assert_int_equal(stk_rio_post(pair->a.rq, STK_RIO_SEND, &req), STK_OK);
    assert_int_equal(sim_rio_take(pair, &pair->a).context, context);
    return sim_hold.pieces != before;
}

static void pages_begin(struct sim_rio_pair *pair, uint8_t **pages)
{
    hold_reset(0);
    sim_rio_dgrams(pair, STK_AF_INET, 11, "", 16);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    assert_int_equal(sim_rio_post_to(&pair->a, 0, 10, 0, 1, &to), STK_OK); /* whose neighbour is this */
    (void)sim_rio_take(pair, &pair->a);
    sim_rio_settle(pair);
    static _Alignas(PAGE) uint8_t memory[16 * PAGE];
    *pages = memory;
    memset(*pages, 1, 16 * PAGE);
}

static struct stk_rio_mem *pages_add(struct sim_rio_pair *pair, uint8_t *base, size_t len)
{
    struct stk_rio_mem *mem = NULL;
    assert_int_equal(stk_rio_mem_add(pair->a.host->client, base, len, &mem), STK_OK);
    return mem;
}

/** Registrations that share pages: the ports know each page once, until the last of them goes. */
static void memory__shared_pages__known_until_the_last_goes(void **state)
{
    static const struct piece_row rows[][2] = {
        {{0, 5 * PAGE}, {0, 5 * PAGE}},                  /* the same */
        {{0, 5 * PAGE}, {PAGE, PAGE}},                   /* within */
        {{PAGE, PAGE}, {0, 5 * PAGE}},                   /* around */
        {{0, 3 * PAGE}, {2 * PAGE, 3 * PAGE}},           /* over the end */
        {{2 * PAGE, 3 * PAGE}, {0, 3 * PAGE}},           /* over the beginning */
        {{0, 1500}, {1500, 1500}},                       /* in one page */
        {{0, 2 * PAGE + 1500}, {2 * PAGE + 2000, 2048}}, /* other bytes of a page */
        {{0, PAGE}, {PAGE, PAGE}},                       /* side by side */
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct piece_row *row = rows[i / 2];
        struct sim_rio_pair pair;
        uint8_t *pages;
        pages_begin(&pair, &pages);
        const uint32_t told = sim_hold.told;
        struct stk_rio_mem *mem[2];
        for (int k = 0; k < 2; k++) {
            mem[k] = pages_add(&pair, pages + row[k].first, row[k].len);
            assert_true(page_referred(&pair, mem[k], pages + row[k].first, 10));
        }
        const int first = i % 2 != 0;
        stk_rio_mem_remove(mem[first]);
        for (uint32_t page = 0; page < 8; page++) { /* the pages of the other are known, and no more */
            const struct piece_row *left = &row[!first];
            const bool has = page * PAGE < left->first + left->len && left->first < (page + 1) * PAGE;
            assert_int_equal(sim_hold_knows(pages + page * PAGE), has);
        }
        assert_true(page_referred(&pair, mem[!first], pages + row[!first].first, 11));
        mem[first] = pages_add(&pair, pages + row[first].first, row[first].len);
        assert_true(page_referred(&pair, mem[first], pages + row[first].first, 12));
        stk_rio_mem_remove(mem[!first]);
        stk_rio_mem_remove(mem[first]);
        assert_int_equal(sim_hold.told, told);
        assert_false(sim_hold_knows(pages + row[0].first));
        sim_rio_close(&pair);
        assert_int_equal(sim_hold.early + sim_hold.unknown + sim_hold.changed, 0);
    }
}

/** While a driver refers to a page, no port is told to forget it; what shares it with others meanwhile is copied. */
static void memory__removed_while_a_driver_refers__forgotten_after_that(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    uint8_t *pages;
    pages_begin(&pair, &pages);
    const uint32_t told = sim_hold.told;
    struct stk_rio_mem *wide = pages_add(&pair, pages, 4 * PAGE);
    struct stk_rio_mem *narrow = pages_add(&pair, pages + PAGE, PAGE);
    sim_hold.endless = true;
    struct stk_rio_req req = {.mem = narrow, .base = pages + PAGE, .len = 1000, .context = 20};
    req.to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    assert_int_equal(stk_rio_post(pair.a.rq, STK_RIO_SEND, &req), STK_OK);
    sim_rio_settle(&pair);
    assert_int_equal(sim_hold.held, 1);
    stk_rio_mem_remove(wide); /* narrow's page is held: all four stay, as they were told */
    stk_rio_mem_remove(narrow);
    assert_true(sim_hold_knows(pages + PAGE) && sim_hold_knows(pages + 3 * PAGE));
    wide = pages_add(&pair, pages, 4 * PAGE); /* its pages might be others by now: not to be relied on */
    req = (struct stk_rio_req){.mem = wide, .base = pages + 2 * PAGE, .len = 1000, .context = 21, .to = req.to};
    assert_int_equal(stk_rio_post(pair.a.rq, STK_RIO_SEND, &req), STK_OK);
    sim_rio_settle(&pair);
    assert_int_equal(sim_hold.held, 1);
    sim_rio_none(&pair.a); /* behind the first */
    sim_hold.endless = false;
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 20);
    assert_int_equal(sim_rio_take(&pair, &pair.a).context, 21);
    stk_rio_mem_remove(wide);
    assert_int_equal(sim_hold.told, told);
    wide = pages_add(&pair, pages, 4 * PAGE);
    assert_true(page_referred(&pair, wide, pages + 2 * PAGE, 22));
    stk_rio_mem_remove(wide);
    assert_int_equal(sim_hold.told, told);
    sim_hold.refuse = true; /* a device that takes no more */
    wide = pages_add(&pair, pages, 4 * PAGE);
    assert_false(page_referred(&pair, wide, pages, 23));
    sim_hold.refuse = false;
    stk_rio_mem_remove(wide);
    assert_int_equal(sim_hold.told, told);
    sim_rio_close(&pair);
    assert_int_equal(sim_hold.early + sim_hold.unknown + sim_hold.changed, 0);
    assert_int_equal(sim_hold.told, 0);
}

/** Registrations at random, sends from all of them: memory that a frame refers to is always known, and in the end none is. */
static void memory__at_random__what_is_referred_to_is_known(void **state)
{
    (void)state;
    enum { MEMS = 6 };
    struct sim_rio_pair pair;
    uint8_t *pages;
    struct stk_rio_mem *mems[MEMS] = {NULL};
    struct piece_row at[MEMS];
    uint64_t random = 12345;
    pages_begin(&pair, &pages);
    const uint32_t told = sim_hold.told;
    sim_hold.ns = 3 * STK_MS_NS;
    for (uint32_t round = 0; round < 1500; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint32_t which = (uint32_t)(random >> 33) % MEMS;
        struct stk_rio_done done;
        if (mems[which] == NULL) {
            at[which].first = (uint32_t)(random >> 40) % (12 * PAGE);
            at[which].len = 1000 + (uint32_t)(random >> 50) % (3 * PAGE);
            mems[which] = pages_add(&pair, pages + at[which].first, at[which].len);
        } else if (random >> 63 != 0) {
            stk_rio_mem_remove(mems[which]);
            mems[which] = NULL;
        } else {
            struct stk_rio_req req = {.mem = mems[which], .base = pages + at[which].first, .len = 1000};
            req.to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
            (void)stk_rio_post(pair.a.rq, STK_RIO_SEND, &req);
        }
        if (round % 3 == 0) {
            sim_world_run_until(&pair.world, pair.world.now_ns + 500 * UINT64_C(1000));
        }
        while (stk_rio_cq_take(pair.a.cq, &done, 1) == 1) {
            assert_int_equal(done.status, STK_OK);
        }
    }
    sim_rio_settle(&pair);
    for (uint32_t i = 0; i < MEMS; i++) {
        struct stk_rio_done done;
        while (stk_rio_cq_take(pair.a.cq, &done, 1) == 1) {
        }
        if (mems[i] != NULL) {
            stk_rio_mem_remove(mems[i]);
        }
    }
    stk_rio_mem_remove(pages_add(&pair, pages, PAGE)); /* another call looks at what was left */
    assert_int_equal(sim_hold.told, told);
    assert_true(sim_hold.forgot > 100);
    assert_true(sim_hold.pieces > 100);
    sim_rio_close(&pair);
    assert_int_equal(sim_hold.early + sim_hold.unknown + sim_hold.changed, 0);
}

/** RIOX-31: registered and removed a hundred thousand times: nothing is used up. */
static void memory__very_many_rounds__nothing_is_left(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    uint8_t *pages;
    pages_begin(&pair, &pages);
    const uint32_t told = sim_hold.told;
    for (uint32_t i = 0; i < 100000; i++) {
        struct stk_rio_mem *mem = pages_add(&pair, pages + i % 5000, 5000);
        if (i % 10000 == 0) {
            assert_true(page_referred(&pair, mem, pages + i % 5000, 30));
        }
        stk_rio_mem_remove(mem);
    }
    assert_int_equal(sim_hold.told, told);
    sim_rio_close(&pair);
    assert_int_equal(sim_hold.early + sim_hold.unknown + sim_hold.changed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream__slices_reused_at_once__no_byte_changes_under_way),
        cmocka_unit_test(dgram__by_reference__completes_when_the_driver_lets_go),
        cmocka_unit_test(dgram__neighbour_unknown__copied),
        cmocka_unit_test(close__driver_holds__canceled_when_it_lets_go),
        cmocka_unit_test(upkeep__memory_given_back__told_in_the_same_turn),
        cmocka_unit_test(memory__shared_pages__known_until_the_last_goes),
        cmocka_unit_test(memory__removed_while_a_driver_refers__forgotten_after_that),
        cmocka_unit_test(memory__at_random__what_is_referred_to_is_known),
        cmocka_unit_test(memory__very_many_rounds__nothing_is_left),
    };
    return cmocka_run_group_tests_name("sim_rio_own", tests, NULL, NULL);
}

/* FIFOs on one thread, against a model of their bytes. */
#include "ipc/fifo.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHUNKS 160u

struct t_fifo {
    struct stk_region region;
    STK_U32 *slots;
};

static int setup(void **state)
{
    struct t_fifo *fifo = calloc(1, sizeof(*fifo));
    struct stk_region_conf conf = {.socks_count = 1, .chunk_bytes_total = CHUNKS * STK_CHUNK_SIZE};
    assert_non_null(fifo);
    assert_int_equal(stk_region_create(&conf, &fifo->region), STK_OK);
    stk_region_sock_init(&fifo->region, 0);
    fifo->slots = fifo->region.socks[0].rx_slots;
    *state = fifo;
    return 0;
}

static int teardown(void **state)
{
    struct t_fifo *fifo = *state;
    assert_int_equal(atomic_load(&fifo->region.abi->chunks_used), 0);
    stk_region_destroy(&fifo->region);
    free(fifo);
    return 0;
}

static uint32_t used(const struct t_fifo *fifo)
{
    return atomic_load(&fifo->region.abi->chunks_used);
}

/* The byte at a position. */
static uint8_t model(uint64_t pos)
{
    return (uint8_t)(pos * 31 + pos / 257 + pos / 16384);
}

static uint8_t t_buf[STK_FIFO_MAX];

static uint64_t put(struct t_fifo *fifo, uint64_t tail, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        t_buf[i] = model(tail + i);
    }
    return stk_fifo_write(&fifo->region, fifo->slots, tail, t_buf, len);
}

static void check(struct t_fifo *fifo, uint64_t head, uint64_t len)
{
    memset(t_buf, 0, len);
    assert_true(stk_fifo_read(&fifo->region, fifo->slots, head, t_buf, len));
    for (uint64_t i = 0; i < len; i++) {
        if (t_buf[i] != model(head + i)) {
            fail_msg("position %llu", (unsigned long long)(head + i));
        }
    }
}

static void write_read__random_sizes__match_the_model(void **state)
{
    struct t_fifo *fifo = *state;
    /* Far beyond 32 bits: positions wrap nowhere. */
    uint64_t head = UINT64_C(0x1fffff000);
    uint64_t tail = head;
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        seed = seed * 1664525 + 1013904223;
        uint64_t len = (seed >> 8) % 40000;
        uint64_t room = STK_FIFO_MAX - (tail - head);
        len = len < room ? len : room;
        assert_int_equal(put(fifo, tail, len), len);
        tail += len;
        seed = seed * 1664525 + 1013904223;
        len = (seed >> 8) % 40000;
        len = len < tail - head ? len : tail - head;
        check(fifo, head, len);
        stk_fifo_release(&fifo->region, fifo->slots, head, head + len);
        head += len;
        assert_true(used(fifo) <= (tail - head) / STK_CHUNK_SIZE + 2);
    }
    stk_fifo_reset(&fifo->region, fifo->slots, head, tail);
}

static void write__largest_fill_at_any_offset__fits(void **state)
{
    struct t_fifo *fifo = *state;
    static const uint64_t heads[] = {0, 1, STK_CHUNK_SIZE - 1, STK_CHUNK_SIZE, 5 * STK_CHUNK_SIZE + 77};
    for (size_t row = 0; row < sizeof(heads) / sizeof(heads[0]); row++) {
        uint64_t head = heads[row];
        print_message("head %llu\n", (unsigned long long)head);
        assert_int_equal(put(fifo, head, STK_FIFO_MAX), STK_FIFO_MAX);
        check(fifo, head, STK_FIFO_MAX);
        stk_fifo_reset(&fifo->region, fifo->slots, head, head + STK_FIFO_MAX);
        assert_int_equal(used(fifo), 0);
    }
}

static void write__pool_empty__part_is_written(void **state)
{
    struct t_fifo *fifo = *state;
    for (uint32_t i = 0; i < CHUNKS - 2; i++) {
        assert_int_not_equal(stk_chunk_take(&fifo->region), STK_CHUNK_NONE);
    }
    assert_int_equal(put(fifo, 100, 3 * STK_CHUNK_SIZE), 2 * STK_CHUNK_SIZE - 100);
    check(fifo, 100, 2 * STK_CHUNK_SIZE - 100);
    assert_int_equal(put(fifo, 2 * STK_CHUNK_SIZE, 1), 0);
    stk_fifo_reset(&fifo->region, fifo->slots, 100, 2 * STK_CHUNK_SIZE);
    for (uint32_t i = 0; i < CHUNKS - 2; i++) {
        stk_chunk_give(&fifo->region, i);
    }
}

static void reset__unfinished_write__its_chunks_too(void **state)
{
    struct t_fifo *fifo = *state;
    /* Written, but tail stays at 10: as when a datagram did not fit. */
    assert_int_equal(put(fifo, 0, 10), 10);
    assert_int_equal(put(fifo, 10, 3 * STK_CHUNK_SIZE), 3 * STK_CHUNK_SIZE);
    assert_int_equal(used(fifo), 4);
    stk_fifo_reset(&fifo->region, fifo->slots, 0, 10);
    assert_int_equal(used(fifo), 0);
}

static void reset__tail_on_a_boundary__nothing_left(void **state)
{
    struct t_fifo *fifo = *state;
    assert_int_equal(put(fifo, 0, STK_CHUNK_SIZE), STK_CHUNK_SIZE);
    assert_int_equal(put(fifo, STK_CHUNK_SIZE, 8), 8); /* never published */
    stk_fifo_release(&fifo->region, fifo->slots, 0, STK_CHUNK_SIZE);
    stk_fifo_reset(&fifo->region, fifo->slots, STK_CHUNK_SIZE, STK_CHUNK_SIZE);
    assert_int_equal(used(fifo), 0);
}

static void release__partial_chunk__kept(void **state)
{
    struct t_fifo *fifo = *state;
    assert_int_equal(put(fifo, 0, STK_CHUNK_SIZE + 10), STK_CHUNK_SIZE + 10);
    stk_fifo_release(&fifo->region, fifo->slots, 0, STK_CHUNK_SIZE - 1);
    assert_int_equal(used(fifo), 2);
    stk_fifo_release(&fifo->region, fifo->slots, STK_CHUNK_SIZE - 1, STK_CHUNK_SIZE);
    assert_int_equal(used(fifo), 1);
    stk_fifo_release(&fifo->region, fifo->slots, STK_CHUNK_SIZE, STK_CHUNK_SIZE + 10);
    assert_int_equal(used(fifo), 1);
    assert_true(stk_fifo_idle_give(&fifo->region, fifo->slots, STK_CHUNK_SIZE + 10));
    assert_false(stk_fifo_idle_give(&fifo->region, fifo->slots, STK_CHUNK_SIZE + 10));
    assert_int_equal(used(fifo), 0);
    /* The next write goes on at the same position. */
    assert_int_equal(put(fifo, STK_CHUNK_SIZE + 10, 5), 5);
    check(fifo, STK_CHUNK_SIZE + 10, 5);
    stk_fifo_reset(&fifo->region, fifo->slots, STK_CHUNK_SIZE + 10, STK_CHUNK_SIZE + 15);
}

static void span__ends_at_the_chunk(void **state)
{
    struct t_fifo *fifo = *state;
    uint8_t *at = NULL;
    assert_int_equal(stk_fifo_span(&fifo->region, fifo->slots, 0, 10, &at), 0);
    assert_null(at);
    assert_int_equal(put(fifo, 0, STK_CHUNK_SIZE + 10), STK_CHUNK_SIZE + 10);
    assert_int_equal(stk_fifo_span(&fifo->region, fifo->slots, STK_CHUNK_SIZE - 6, 10, &at), 6);
    assert_int_equal(*at, model(STK_CHUNK_SIZE - 6));
    assert_int_equal(stk_fifo_span(&fifo->region, fifo->slots, STK_CHUNK_SIZE, 10, &at), 10);
    assert_int_equal(stk_fifo_span(&fifo->region, fifo->slots, STK_CHUNK_SIZE, 0, &at), 0);
    stk_fifo_reset(&fifo->region, fifo->slots, 0, STK_CHUNK_SIZE + 10);
}

static void damaged_slot__every_call__stays_in_range(void **state)
{
    struct t_fifo *fifo = *state;
    static const uint32_t bad[] = {CHUNKS, CHUNKS + 1, 0x7fffffff, 0x80000000u, UINT32_MAX - 1};
    assert_int_equal(put(fifo, 0, 100), 100);
    uint32_t index = atomic_load(&fifo->slots[0]);
    for (size_t row = 0; row < sizeof(bad) / sizeof(bad[0]); row++) {
        uint8_t *at = NULL;
        uint8_t got[100];
        memset(got, 0x55, sizeof(got));
        atomic_store(&fifo->slots[0], bad[row]);
        print_message("index %x\n", bad[row]);
        assert_false(stk_fifo_read(&fifo->region, fifo->slots, 0, got, sizeof(got)));
        assert_int_equal(got[0], 0);
        assert_int_equal(got[99], 0);
        assert_int_equal(stk_fifo_span(&fifo->region, fifo->slots, 0, 10, &at), 0);
        assert_int_equal(stk_fifo_write(&fifo->region, fifo->slots, 100, got, 10), 0);
        stk_fifo_release(&fifo->region, fifo->slots, 0, STK_CHUNK_SIZE);
        assert_int_equal(atomic_load(&fifo->slots[0]), STK_CHUNK_NONE);
        assert_int_equal(used(fifo), 1);
    }
    stk_chunk_give(&fifo->region, index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_read__random_sizes__match_the_model, setup, teardown),
        cmocka_unit_test_setup_teardown(write__largest_fill_at_any_offset__fits, setup, teardown),
        cmocka_unit_test_setup_teardown(write__pool_empty__part_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(reset__unfinished_write__its_chunks_too, setup, teardown),
        cmocka_unit_test_setup_teardown(reset__tail_on_a_boundary__nothing_left, setup, teardown),
        cmocka_unit_test_setup_teardown(release__partial_chunk__kept, setup, teardown),
        cmocka_unit_test_setup_teardown(span__ends_at_the_chunk, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_slot__every_call__stays_in_range, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

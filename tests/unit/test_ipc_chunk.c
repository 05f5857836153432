/* The chunk pool on one thread; tests/stress has the threads. */
#include "ipc/chunk.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHUNKS 8u

static int setup(void **state)
{
    struct stk_region *region = calloc(1, sizeof(*region));
    struct stk_region_conf conf = {.socks_count = 1, .chunk_bytes_total = CHUNKS * STK_CHUNK_SIZE};
    assert_non_null(region);
    assert_int_equal(stk_region_create(&conf, region), STK_OK);
    *state = region;
    return 0;
}

static int teardown(void **state)
{
    stk_region_destroy(*state);
    free(*state);
    return 0;
}

static void take__all__each_once_then_none(void **state)
{
    struct stk_region *region = *state;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        uint32_t index = stk_chunk_take(region);
        assert_true(index < CHUNKS);
        assert_int_equal(seen & (1u << index), 0);
        seen |= 1u << index;
        memset(stk_chunk_ptr(region, index), (int)i, STK_CHUNK_SIZE);
    }
    assert_int_equal(stk_chunk_take(region), STK_CHUNK_NONE);
    assert_int_equal(stk_chunk_take(region), STK_CHUNK_NONE);
    assert_int_equal(atomic_load(&region->abi->chunks_failed), 2);
    assert_int_equal(atomic_load(&region->abi->chunks_used), CHUNKS);
    stk_chunk_give(region, 3);
    stk_chunk_give(region, 5);
    assert_int_equal(stk_chunk_take(region), 5);
    assert_int_equal(stk_chunk_take(region), 3);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        stk_chunk_give(region, i);
    }
    assert_int_equal(atomic_load(&region->abi->chunks_used), 0);
    assert_int_equal(atomic_load(&region->abi->chunks_high_water), CHUNKS);
}

static void take__used_before_fresh__low_memory(void **state)
{
    struct stk_region *region = *state;
    uint32_t first = stk_chunk_take(region);
    stk_chunk_give(region, first);
    assert_int_equal(stk_chunk_take(region), first);
    assert_int_equal(atomic_load(&region->abi->chunks_fresh), 1);
}

static void give__bad_index__ignored(void **state)
{
    struct stk_region *region = *state;
    stk_chunk_give(region, CHUNKS);
    stk_chunk_give(region, STK_CHUNK_NONE);
    stk_chunk_give(region, 0x80000000u);
    assert_int_equal(atomic_load(&region->abi->chunks_used), 0);
    assert_int_equal(stk_chunk_take(region), 0);
}

static void take__damaged_list__never_out_of_range(void **state)
{
    struct stk_region *region = *state;
    stk_chunk_give(region, stk_chunk_take(region));
    /* A link out of range ends the list. */
    atomic_store(&region->chunk_next[0], 0xfffffff0u);
    assert_int_equal(stk_chunk_take(region), 0);
    assert_int_equal(stk_chunk_take(region), 1);
    atomic_store(&region->abi->chunk_free_head, UINT64_C(0x123456789abcdef0));
    assert_int_equal(stk_chunk_take(region), 2);
    /* So does a counter out of range. */
    atomic_store(&region->abi->chunks_fresh, UINT32_MAX);
    assert_int_equal(stk_chunk_take(region), STK_CHUNK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(take__all__each_once_then_none, setup, teardown),
        cmocka_unit_test_setup_teardown(take__used_before_fresh__low_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(give__bad_index__ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(take__damaged_list__never_out_of_range, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

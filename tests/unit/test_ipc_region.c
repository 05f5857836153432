/* Regions: made lazily, opened with suspicion. */
#include "ipc/chunk.h"
#include "ipc/region.h"
#include "stack/err.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct stk_region_conf t_conf = {
    .socks_count = 100,
    .chunk_bytes_total = 64 * STK_CHUNK_SIZE + 5,
    .rcvbuf_bytes = 1000,
    .sndbuf_bytes = 2000,
    .app_spin_us = -2,
};

static void create__good_counts__all_set(void **state)
{
    (void)state;
    struct stk_region region;
    assert_int_equal(stk_region_create(&t_conf, &region), STK_OK);
    assert_int_equal(region.socks_count, 100);
    assert_int_equal(region.chunks_count, 64);
    assert_int_equal(region.events_mask, 8191);
    assert_int_equal(region.bell_fd, -1);
    assert_int_equal(region.abi->rcvbuf_bytes, 1000);
    assert_int_equal(region.abi->sndbuf_bytes, 2000);
    assert_int_equal((uintptr_t)region.chunks % 4096, 0);
    stk_region_sock_init(&region, 99);
    assert_int_equal(atomic_load(&region.socks[99].rx_slots[STK_FIFO_SLOTS - 1]), STK_CHUNK_NONE);
    assert_int_equal(atomic_load(&region.socks[99].tx_slots[0]), STK_CHUNK_NONE);
    memset(region.chunks + (size_t)63 * STK_CHUNK_SIZE, 1, STK_CHUNK_SIZE);
    stk_region_destroy(&region);
    assert_null(region.abi);
    stk_region_destroy(&region);
}

static void create__bad_counts__einval(void **state)
{
    (void)state;
    struct stk_region region;
    memset(&region, 0x55, sizeof(region));
    struct stk_region before = region;
    struct stk_region_conf conf = t_conf;
    conf.socks_count = 0;
    assert_int_equal(stk_region_create(&conf, &region), STK_EINVAL);
    conf.socks_count = STK_REGION_SOCKS_MAX + 1;
    assert_int_equal(stk_region_create(&conf, &region), STK_EINVAL);
    conf = t_conf;
    conf.chunk_bytes_total = STK_CHUNK_SIZE - 1;
    assert_int_equal(stk_region_create(&conf, &region), STK_EINVAL);
    conf.chunk_bytes_total = ((uint64_t)STK_REGION_CHUNKS_MAX + 1) * STK_CHUNK_SIZE;
    assert_int_equal(stk_region_create(&conf, &region), STK_EINVAL);
    assert_memory_equal(&region, &before, sizeof(region));
}

static size_t resident_pages(const struct stk_region *region)
{
    return t_pages_resident(region->abi, region->bytes);
}

static void create__large__touches_little(void **state)
{
    (void)state;
    struct stk_region region;
    struct stk_region_conf conf = t_conf;
    conf.socks_count = 16384;
    conf.chunk_bytes_total = UINT64_C(1) << 26;
    assert_int_equal(stk_region_create(&conf, &region), STK_OK);
    assert_true(resident_pages(&region) <= 4);
    for (int i = 0; i < 1000; i++) {
        stk_chunk_give(&region, stk_chunk_take(&region));
    }
    assert_true(resident_pages(&region) <= 5);
    stk_region_destroy(&region);
}

static int region_there(void *arg)
{
    const struct stk_region *region = arg;
    return t_page_there(region->abi) ? 1 : 0;
}

static void create__fork__child_has_no_region(void **state)
{
    (void)state;
    struct stk_region region;
    if (!t_fork_there()) {
        print_message("skipped: no fork here\n");
        skip();
    }
    assert_int_equal(stk_region_create(&t_conf, &region), STK_OK);
    assert_int_equal(t_fork_run(region_there, &region), 0);
    stk_region_destroy(&region);
}

static void open_view__damaged_header__eproto(void **state)
{
    (void)state;
#define T_FIELD(name)                                                                            \
    {                                                                                            \
#name, offsetof(struct stk_region_abi, name), sizeof(((struct stk_region_abi *)0)->name) \
    }
    static const struct {
        const char *name;
        size_t offset;
        size_t size;
    } fields[] = {
        T_FIELD(magic),         T_FIELD(version),      T_FIELD(header_bytes),  T_FIELD(region_bytes),
        T_FIELD(rings_offset),  T_FIELD(socks_offset), T_FIELD(events_offset), T_FIELD(next_offset),
        T_FIELD(chunks_offset), T_FIELD(socks_count),  T_FIELD(chunks_count),  T_FIELD(events_slots),
    };
    static const uint64_t values[] = {0,
                                      1,
                                      UINT64_MAX,
                                      UINT64_MAX - 63,
                                      UINT64_C(0x8000000000000000),
                                      UINT32_MAX,
                                      UINT64_C(0x80000000),
                                      UINT64_MAX - 4095};
    struct stk_region region;
    struct stk_region view;
    assert_int_equal(stk_region_create(&t_conf, &region), STK_OK);
    uint8_t *base = (void *)region.abi;
    memset(&view, 0x55, sizeof(view));
    struct stk_region before = view;
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            uint64_t good;
            memcpy(&good, base + fields[f].offset, fields[f].size);
            memcpy(base + fields[f].offset, &values[v], fields[f].size);
            if (memcmp(&good, base + fields[f].offset, fields[f].size) != 0 &&
                stk_region_open_view(base, region.bytes, &view) != STK_EPROTO) {
                /* A smaller table is a smaller view, not a wrong one. */
                bool fewer = (strcmp(fields[f].name, "socks_count") == 0 ||
                              strcmp(fields[f].name, "chunks_count") == 0) &&
                             values[v] == 1;
                print_message("%s = %llx\n", fields[f].name, (unsigned long long)values[v]);
                assert_true(fewer);
                memcpy(&view, &before, sizeof(view));
            }
            memcpy(base + fields[f].offset, &good, fields[f].size);
        }
    }
    assert_memory_equal(&view, &before, sizeof(view));
    assert_int_equal(stk_region_open_view(base, region.bytes - 4096, &view), STK_EPROTO);
    assert_int_equal(stk_region_open_view(base, 64, &view), STK_EPROTO);
    assert_int_equal(stk_region_open_view(base + 8, region.bytes, &view), STK_EPROTO);
    assert_int_equal(stk_region_open_view(NULL, region.bytes, &view), STK_EPROTO);
    assert_int_equal(stk_region_open_view(base, region.bytes, &view), STK_OK);
    assert_ptr_equal(view.chunks, region.chunks);
    stk_region_destroy(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create__good_counts__all_set),      cmocka_unit_test(create__bad_counts__einval),
        cmocka_unit_test(create__large__touches_little),     cmocka_unit_test(create__fork__child_has_no_region),
        cmocka_unit_test(open_view__damaged_header__eproto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

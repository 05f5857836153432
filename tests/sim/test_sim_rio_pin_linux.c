/*
 * Registered memory stays in memory: the pages that the process has locked, as
 * the system counts them.
 */
#include "sim.h"

#include "stack/rio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGES 16u

static size_t page;

/** Pages that are locked now. */
static long locked(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmLck:", 6) == 0) {
            kib = strtol(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(kib >= 0);
    return kib * 1024 / (long)page;
}

/* The sanitizers put a function that does nothing in mlock's place. */
static bool locking_works(void)
{
    const long before = locked();
    void *memory = aligned_alloc(page, page);
    assert_non_null(memory);
    memset(memory, 1, page);
    const bool works = mlock(memory, page) == 0 && locked() == before + 1;
    (void)munlock(memory, page);
    free(memory);
    return works;
}

struct pin_row {
    uint32_t first[2]; /* bytes of the memory */
    uint32_t len[2];
    long pages[4]; /* locked with the first, both, the second alone, the first alone */
};

/* RIOX-14: pages are locked while any registration has them. */
static void memory__registered__locked_until_the_last_goes(void **state)
{
    const uint32_t p = (uint32_t)page;
    const struct pin_row rows[] = {
        {{0, 2 * p}, {3 * p, 3 * p}, {3, 5, 3, 3}}, {{2 * p, 0}, {3 * p, 3 * p}, {3, 5, 3, 3}},
        {{0, p}, {5 * p, p}, {5, 5, 1, 5}},         {{0, 100}, {100, 100}, {1, 1, 1, 1}},
        {{10, p + 10}, {p, 10}, {2, 2, 1, 2}},      {{0, 4 * p}, {2 * p, 2 * p}, {2, 4, 2, 2}},
        {{0, 0}, {4 * p, 4 * p}, {4, 4, 4, 4}},
    };
    struct sim_world world;
    (void)state;
    if (!locking_works()) {
        print_message("left out: mlock locks nothing in this build\n");
        skip();
    }
    sim_world_init(&world, 3, "", "");
    struct stk_client *client = world.hosts[0].client;
    uint8_t *memory = aligned_alloc(page, PAGES * page);
    assert_non_null(memory);
    memset(memory, 1, PAGES * page);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pin_row *row = &rows[i];
        struct stk_rio_mem *mem[2];
        const long before = locked();
        for (int k = 0; k < 2; k++) {
            assert_int_equal(stk_rio_mem_add(client, memory + row->first[k], row->len[k], &mem[k]), STK_OK);
            assert_int_equal(locked() - before, row->pages[k]);
        }
        stk_rio_mem_remove(mem[0]);
        assert_int_equal(locked() - before, row->pages[2]);
        assert_int_equal(stk_rio_mem_add(client, memory + row->first[0], row->len[0], &mem[0]), STK_OK);
        stk_rio_mem_remove(mem[1]);
        assert_int_equal(locked() - before, row->pages[3]);
        stk_rio_mem_remove(mem[0]);
        assert_int_equal(locked(), before);
    }
    free(memory);
    sim_world_fini(&world);
}

/* As much as the process may lock; what is beyond that is registered all the same. */
static void memory__beyond_the_limit__registered(void **state)
{
    struct sim_world world;
    struct rlimit limit;
    struct stk_rio_mem *mem;
    (void)state;
    sim_world_init(&world, 3, "", "");
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    uint8_t *memory = calloc(2, page);
    assert_non_null(memory);
    assert_int_equal(stk_rio_mem_add(world.hosts[0].client, memory, 2 * page, &mem), STK_OK);
    stk_rio_mem_remove(mem);
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    free(memory);
    sim_world_fini(&world);
}

int main(void)
{
    struct rlimit limit;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory__registered__locked_until_the_last_goes),
        cmocka_unit_test(memory__beyond_the_limit__registered),
    };
    page = (size_t)sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur < PAGES * page) {
        puts("skipped: this process may not lock memory");
        return 77;
    }
    return cmocka_run_group_tests_name("sim_rio_pin", tests, NULL, NULL);
}

#include "stack/clock.h"

#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void clock__many_reads__never_goes_back(void **state)
{
    uint64_t last = stk_clock_ns();
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = stk_clock_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void clock__sleep_of_two_ms__is_seen_in_nanoseconds(void **state)
{
    const struct timespec nap = {.tv_nsec = 2 * (long)STK_MS_NS};
    uint64_t before = stk_clock_ns();
    (void)state;
    while (nanosleep(&nap, NULL) != 0) {
    }
    uint64_t passed = stk_clock_ns() - before;
    assert_true(passed >= 2 * STK_MS_NS);
    assert_true(passed < 30 * STK_S_NS);
}

static void random__each_length__fills_it_and_nothing_else(void **state)
{
    uint8_t buf[600];
    (void)state;
    for (uint32_t len = 0; len <= 512; len += 37) {
        memset(buf, 0xa5, sizeof(buf));
        assert_int_equal(stk_random_bytes(buf, len), STK_OK);
        for (size_t i = len; i < sizeof(buf); i++) {
            assert_int_equal(buf[i], 0xa5);
        }
    }
}

static void random__two_draws__differ(void **state)
{
    uint8_t first[32] = {0};
    uint8_t second[32] = {0};
    static const uint8_t zero[32];
    (void)state;
    assert_int_equal(stk_random_bytes(first, sizeof(first)), STK_OK);
    assert_int_equal(stk_random_bytes(second, sizeof(second)), STK_OK);
    assert_memory_not_equal(first, second, sizeof(first));
    assert_memory_not_equal(first, zero, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock__many_reads__never_goes_back),
        cmocka_unit_test(clock__sleep_of_two_ms__is_seen_in_nanoseconds),
        cmocka_unit_test(random__each_length__fills_it_and_nothing_else),
        cmocka_unit_test(random__two_draws__differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

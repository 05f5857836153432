/* What the stack builds on Windows: slots of the thread's block, functions by name, bounded waits. */
#include "ipc/futex.h"
#include "ipc/futex_windows.h"
#include "stack/clock.h"
#include "stack/err.h"
#include "stack/os_windows.h"
#include "stack/process.h"
#include "stack/tls_windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <cmocka.h>

#define SLOTS_IN_BLOCK 64
#define ROUNDS 2000u

/* --- Slots ------------------------------------------------------------------------------- */

struct slot_check {
    struct stk_tls *tls;
    void *found_first;
    bool found_mine; /* by our call and by the system's */
};

static DWORD WINAPI slot_thread(LPVOID arg)
{
    struct slot_check *check = arg;
    int mine = 0;
    check->found_first = stk_tls_get(check->tls);
    stk_tls_set(check->tls, &mine);
    check->found_mine = stk_tls_get(check->tls) == &mine && TlsGetValue(check->tls->index) == &mine;
    return 0;
}

/* A slot is each thread's own, NULL at first, and the same that the system's call knows. */
static void slot_check(struct stk_tls *tls)
{
    int mine = 0;
    struct slot_check check = {.tls = tls, .found_first = &mine};
    SetLastError(77);
    assert_null(stk_tls_get(tls));
    stk_tls_set(tls, &mine);
    assert_ptr_equal(stk_tls_get(tls), &mine);
    assert_int_equal(GetLastError(), 77);
    HANDLE thread = CreateThread(NULL, 0, slot_thread, &check, 0, NULL);
    assert_non_null(thread);
    assert_int_equal(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    (void)CloseHandle(thread);
    assert_null(check.found_first);
    assert_true(check.found_mine);
    assert_ptr_equal(stk_tls_get(tls), &mine);
    assert_ptr_equal(TlsGetValue(tls->index), &mine);
}

static void slot__in_the_block__each_thread_its_own(void **state)
{
    struct stk_tls tls = {.index = 0};
    (void)state;
    assert_true(stk_tls_make(&tls));
    assert_true(tls.index < SLOTS_IN_BLOCK);
    assert_int_not_equal(atomic_load(&tls.offset), 0);
    slot_check(&tls);
    assert_true(TlsFree(tls.index));
}

static void slot__beyond_the_block__by_the_system(void **state)
{
    DWORD taken[SLOTS_IN_BLOCK + 1];
    size_t count = 0;
    struct stk_tls tls = {.index = 0};
    (void)state;
    do {
        assert_true(count < sizeof(taken) / sizeof(taken[0]));
        taken[count] = TlsAlloc();
        assert_int_not_equal(taken[count], TLS_OUT_OF_INDEXES);
    } while (taken[count++] < SLOTS_IN_BLOCK);
    assert_true(stk_tls_make(&tls));
    assert_true(tls.index >= SLOTS_IN_BLOCK);
    assert_int_equal(atomic_load(&tls.offset), 0);
    slot_check(&tls);
    assert_true(TlsFree(tls.index));
    while (count > 0) {
        assert_true(TlsFree(taken[--count]));
    }
}

/* --- Names, the end of the process ---------------------------------------------------------------- */

static void proc__each_name__found_or_null_and_last_error_kept(void **state)
{
    (void)state;
    SetLastError(78);
    assert_non_null(stk_os_proc(L"kernel32.dll", "CreateFileW"));
    assert_non_null(stk_os_proc(L"version.dll", "GetFileVersionInfoSizeW")); /* loaded for it */
    assert_null(stk_os_proc(L"kernel32.dll", "NoSuchFunction"));
    assert_null(stk_os_proc(L"no-such-library.dll", "NoSuchFunction"));
    assert_int_equal(GetLastError(), 78);
}

static void ending__process_that_runs__false(void **state)
{
    (void)state;
    assert_false(stk_process_ending());
    assert_false(stk_process_ending());
}

/* --- Waits ----------------------------------------------------------------------------------------- */

static void wait_ms__each_bound__rounded_up(void **state)
{
    static const struct {
        int64_t ns;
        uint32_t ms;
    } rows[] = {
        {-1, INFINITE},
        {INT64_MIN, INFINITE},
        {0, 0},
        {1, 1},
        {20000, 1},
        {999999, 1},
        {1000000, 1},
        {1000001, 2},
        {INT64_C(2147483646) * 1000000, 0x7ffffffe},
        {INT64_C(2147483647) * 1000000, 0x7fffffff},
        {INT64_C(4294967295) * 1000000, 0x7fffffff},
        {INT64_MAX, 0x7fffffff},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint32_t ms = stk_os_wait_ms(rows[i].ns);
        if (ms != rows[i].ms) {
            fail_msg("%lld ns: %u ms", (long long)rows[i].ns, ms);
        }
    }
}

static void ticks__each_rate__nanoseconds(void **state)
{
    static const struct {
        uint64_t ticks;
        uint64_t rate;
        uint64_t ns;
    } rows[] = {
        {0, 10000000, 0},
        {1, 10000000, 100},
        {UINT64_C(184467440737095516), 10000000, UINT64_C(18446744073709551600)},
        {1, 3, 333333333},
        {5, 3, 1666666666},
        {3579545, 3579545, 1000000000},
        {1, 1000000000, 1},
        {7, 2400000000, 2},
        {UINT64_C(2400000000) * 86400 * 36500 + 1, 2400000000, UINT64_C(86400) * 36500 * 1000000000},
        {UINT64_C(17999999999), UINT64_C(18000000000), 999999999},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint64_t ns = stk_os_ticks_ns(rows[i].ticks, rows[i].rate);
        if (ns != rows[i].ns) {
            fail_msg("row %u: %llu ns", (unsigned)i, (unsigned long long)ns);
        }
    }
}

struct pingpong {
    STK_U32 ball;
    STK_U32 bad;
};

/* Each changes the word from its own number to the other's, and sleeps while it is the other's turn. */
static void play(struct pingpong *game, uint32_t mine, uint32_t wake_count)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        while (atomic_load(&game->ball) % 2 != mine) {
            const int result = stk_futex_wait(&game->ball, atomic_load(&game->ball) / 2 * 2 + 1 - mine,
                                              20 * INT64_C(1000000000));
            if (result != STK_OK) {
                atomic_store(&game->bad, 1);
                return;
            }
        }
        (void)atomic_fetch_add(&game->ball, 1);
        stk_futex_wake(&game->ball, wake_count);
    }
}

static DWORD WINAPI play_thread(LPVOID arg)
{
    play(arg, 1, 1);
    return 0;
}

static void futex_check(void)
{
    struct pingpong game = {.ball = 0};
    HANDLE thread = CreateThread(NULL, 0, play_thread, &game, 0, NULL);
    assert_non_null(thread);
    play(&game, 0, UINT32_MAX);
    assert_int_equal(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
    (void)CloseHandle(thread);
    assert_int_equal(atomic_load(&game.bad), 0);
    assert_int_equal(atomic_load(&game.ball), 2 * ROUNDS);
    /* Another value, no sleep at all; a bound of no time. */
    assert_int_equal(stk_futex_wait(&game.ball, 7, -1), STK_OK);
    assert_int_equal(stk_futex_wait(&game.ball, 2 * ROUNDS, 0), STK_ETIMEDOUT);
}

/* How long a bounded wait lasts. */
static void futex_bounds_check(const char *which)
{
    static const int64_t bounds_ns[] = {20 * 1000, 500 * 1000, 1000 * 1000, 5 * 1000 * 1000};
    for (size_t i = 0; i < sizeof(bounds_ns) / sizeof(bounds_ns[0]); i++) {
        STK_U32 word = 0;
        const uint64_t before = stk_clock_ns();
        for (int round = 0; round < 20; round++) {
            assert_int_equal(stk_futex_wait(&word, 0, bounds_ns[i]), STK_ETIMEDOUT);
        }
        const uint64_t mean_ns = (stk_clock_ns() - before) / 20;
        print_message("%s: asked for %u us, slept %u us\n", which, (unsigned)(bounds_ns[i] / 1000),
                      (unsigned)(mean_ns / 1000));
        assert_true(mean_ns * 10 >= (uint64_t)bounds_ns[i] * 9); /* the system may round to its clock's tick */
    }
}

static void futex__by_address__wakes_and_bounds(void **state)
{
    (void)state;
    futex_check();
    futex_bounds_check("WaitOnAddress");
}

/* Last: it stays so for this process. */
static void futex__by_condition_variables__wakes_and_bounds(void **state)
{
    (void)state;
    stk_futex_windows_plain();
    futex_check();
    futex_bounds_check("condition variables");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot__in_the_block__each_thread_its_own),
        cmocka_unit_test(slot__beyond_the_block__by_the_system),
        cmocka_unit_test(proc__each_name__found_or_null_and_last_error_kept),
        cmocka_unit_test(ending__process_that_runs__false),
        cmocka_unit_test(wait_ms__each_bound__rounded_up),
        cmocka_unit_test(ticks__each_rate__nanoseconds),
        cmocka_unit_test(futex__by_address__wakes_and_bounds),
        cmocka_unit_test(futex__by_condition_variables__wakes_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

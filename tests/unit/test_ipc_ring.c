/* The rings on one thread. */
#include "ipc/ring.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct stk_ring_abi *t_ring(uint32_t start)
{
    struct stk_ring_abi *ring = t_aligned(STK_ABI_LINE, sizeof(*ring));
    memset(ring, 0, sizeof(*ring));
    atomic_store(&ring->sub_tail, start);
    atomic_store(&ring->sub_head, start);
    atomic_store(&ring->rep_tail, start);
    atomic_store(&ring->rep_head, start);
    return ring;
}

static void sub__full_and_empty__across_the_wrap(void **state)
{
    (void)state;
    struct stk_ring_abi *ring = t_ring(UINT32_MAX - 100);
    struct stk_sub_abi out;
    uint32_t in_seq = 0;
    uint32_t out_seq = 0;
    for (int round = 0; round < 5; round++) {
        assert_false(stk_sub_pop(ring, &out));
        for (uint32_t i = 0; i < STK_RING_SLOTS; i++) {
            struct stk_sub_abi sub = {.op = STK_SUB_BIND, .seq = in_seq++, .arg = {i, 2, 3, 4}, .value = ~UINT64_C(0)};
            assert_true(stk_sub_push(ring, &sub));
        }
        struct stk_sub_abi more = {.op = STK_SUB_CLOSE};
        assert_false(stk_sub_push(ring, &more));
        assert_true(stk_sub_waiting(ring));
        for (uint32_t i = 0; i < STK_RING_SLOTS; i++) {
            memset(&out, 0x55, sizeof(out));
            assert_true(stk_sub_pop(ring, &out));
            assert_int_equal(out.seq, out_seq++);
            assert_int_equal(out.op, STK_SUB_BIND);
            assert_int_equal(out.arg[0], i);
            assert_true(out.value == ~UINT64_C(0));
        }
        assert_false(stk_sub_waiting(ring));
    }
    t_aligned_free(ring);
}

static void rep__full_and_empty__across_the_wrap(void **state)
{
    (void)state;
    struct stk_ring_abi *ring = t_ring(UINT32_MAX - 10);
    struct stk_rep_abi out;
    for (uint32_t i = 0; i < STK_RING_SLOTS; i++) {
        struct stk_rep_abi rep = {.seq = i, .result = -(int)i};
        assert_true(stk_rep_push(ring, &rep));
    }
    struct stk_rep_abi more = {.seq = 99};
    assert_false(stk_rep_push(ring, &more));
    for (uint32_t i = 0; i < STK_RING_SLOTS; i++) {
        assert_true(stk_rep_pop(ring, &out));
        assert_int_equal(out.seq, i);
        assert_int_equal(out.result, -(int)i);
    }
    assert_false(stk_rep_pop(ring, &out));
    t_aligned_free(ring);
}

static void indices__damaged__full_or_empty(void **state)
{
    (void)state;
    static const uint32_t bad[] = {STK_RING_SLOTS + 1, 1000, 0x7fffffff, 0x80000000u, UINT32_MAX};
    for (size_t row = 0; row < sizeof(bad) / sizeof(bad[0]); row++) {
        struct stk_ring_abi *ring = t_ring(0);
        struct stk_sub_abi sub = {.op = 1};
        struct stk_rep_abi rep = {.seq = 1};
        print_message("distance %x\n", bad[row]);
        atomic_store(&ring->sub_tail, bad[row]);
        assert_false(stk_sub_pop(ring, &sub));
        assert_false(stk_sub_push(ring, &sub));
        assert_int_equal(atomic_load(&ring->sub_head), 0);
        atomic_store(&ring->rep_tail, bad[row]);
        assert_false(stk_rep_pop(ring, &rep));
        assert_false(stk_rep_push(ring, &rep));
        assert_int_equal(atomic_load(&ring->rep_head), 0);
        t_aligned_free(ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sub__full_and_empty__across_the_wrap),
        cmocka_unit_test(rep__full_and_empty__across_the_wrap),
        cmocka_unit_test(indices__damaged__full_or_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

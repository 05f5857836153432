/* Bell, waiters, event queue and lock on one thread; tests/stress has the threads. */
#include "ipc/bell.h"
#include "ipc/lock.h"
#include "ipc/notify.h"
#include "ipc/ready.h"
#include "ipc/ring.h"
#include "ipc/waiter.h"
#include "stack/err.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct stk_region *region = calloc(1, sizeof(*region));
    struct stk_region_conf conf = {.socks_count = 4, .chunk_bytes_total = 4 * STK_CHUNK_SIZE};
    assert_non_null(region);
    assert_int_equal(stk_region_create(&conf, region), STK_OK);
    for (uint32_t i = 0; i < 4; i++) {
        region->socks[i].type = STK_SOCK_DGRAM;
    }
    *state = region;
    return 0;
}

static int teardown(void **state)
{
    struct stk_region *region = *state;
    stk_bell_fd_close(region->bell_fd);
    stk_region_destroy(region);
    free(region);
    return 0;
}

static void bell__submission_pending__no_sleep(void **state)
{
    struct stk_region *region = *state;
    struct stk_sub_abi sub = {.op = STK_SUB_KICK};
    atomic_store(&region->abi->rings_active, UINT64_C(1) << 63);
    assert_true(stk_bell_sleep_begin(region, STK_BELL_FUTEX));
    assert_int_equal(atomic_load(&region->abi->stack_sleeping), STK_BELL_FUTEX);
    stk_bell_sleep_end(region);
    assert_true(stk_sub_push(&region->rings[63], &sub));
    assert_false(stk_bell_sleep_begin(region, STK_BELL_FUTEX));
    assert_int_equal(atomic_load(&region->abi->stack_sleeping), STK_BELL_AWAKE);
}

static void bell__rung_before_the_sleep__returns_at_once(void **state)
{
    struct stk_region *region = *state;
    stk_bell_ring(region); /* awake: nothing */
    assert_int_equal(atomic_load(&region->abi->stack_bell), 0);
    assert_true(stk_bell_sleep_begin(region, STK_BELL_FUTEX));
    stk_bell_ring(region);
    stk_bell_ring(region); /* the second one finds it awake */
    assert_int_equal(atomic_load(&region->abi->stack_bell), 1);
    stk_bell_sleep(region, -1);
    stk_bell_sleep_end(region);
    assert_true(stk_bell_sleep_begin(region, STK_BELL_FUTEX));
    stk_bell_sleep(region, 1000000); /* bounded */
    stk_bell_sleep_end(region);
}

static void bell__wait_object__rung_until_cleared(void **state)
{
    struct stk_region *region = *state;
    region->bell_fd = stk_bell_fd_open();
    assert_true(region->bell_fd >= 0);
    assert_true(stk_bell_sleep_begin(region, STK_BELL_FD));
    assert_false(t_bell_rung(region->bell_fd));
    stk_bell_ring(region);
    assert_true(t_bell_rung(region->bell_fd));
    stk_bell_sleep_end(region);
    assert_false(t_bell_rung(region->bell_fd));
}

static void waiters__all_taken__none_and_counted(void **state)
{
    struct stk_region *region = *state;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < STK_WAITERS; i++) {
        uint32_t waiter = stk_waiter_take(region, 7);
        assert_true(waiter < STK_WAITERS);
        seen |= UINT64_C(1) << waiter;
    }
    assert_true(seen == UINT64_MAX);
    assert_int_equal(stk_waiter_take(region, 7), STK_WAITER_NONE);
    assert_int_equal(atomic_load(&region->abi->waiters_missing), 1);
    stk_waiter_give(region, 5);
    assert_int_equal(stk_waiter_take(region, 8), 5);
    assert_int_equal(atomic_load(&region->abi->waiters[5].owner), 8);
}

static void notify__waiters__their_words_change(void **state)
{
    struct stk_region *region = *state;
    uint32_t a = stk_waiter_take(region, 1);
    uint32_t b = stk_waiter_take(region, 2);
    stk_waiter_add(region, a, 2);
    stk_waiter_add(region, b, 3);
    uint32_t word_a = stk_waiter_word(region, a);
    uint32_t word_b = stk_waiter_word(region, b);
    stk_notify(region, 2);
    assert_int_equal(stk_waiter_word(region, a), word_a + 1);
    assert_int_equal(stk_waiter_word(region, b), word_b);
    stk_waiter_sleepy(region, a);
    stk_waiter_sleep(region, a, word_a, -1); /* the word differs: no sleep */
    stk_waiter_remove(region, a, 2);
    stk_notify(region, 2);
    assert_int_equal(stk_waiter_word(region, a), word_a + 1);
    assert_int_equal(atomic_load(&region->socks[2].event_count), 2);
}

static void events__armed_and_ready__queued_once(void **state)
{
    struct stk_region *region = *state;
    uint32_t sock = 99;
    atomic_store(&region->socks[1].armed, STK_READY_IN);
    stk_notify(region, 1);
    assert_false(stk_event_pop(region, &sock)); /* armed, not ready */
    atomic_store(&region->socks[1].rx_tail, 64);
    stk_notify(region, 1);
    stk_notify(region, 1);
    assert_int_equal(atomic_load(&region->socks[1].event_queued), 1);
    assert_true(stk_event_pop(region, &sock));
    assert_int_equal(sock, 1);
    assert_int_equal(atomic_load(&region->socks[1].event_queued), 0);
    assert_false(stk_event_pop(region, &sock));
    stk_notify(region, 1); /* still armed: again */
    assert_true(stk_event_pop(region, &sock));
}

static void events__damage__no_index_out_of_range(void **state)
{
    struct stk_region *region = *state;
    uint32_t sock = 99;
    for (uint32_t i = 0; i < 4; i++) {
        stk_event_push(region, i);
    }
    atomic_store(&region->events[0], 4 + STK_RIO_CQS_MAX);
    atomic_store(&region->events[1], UINT32_MAX);
    assert_true(stk_event_pop(region, &sock));
    assert_int_equal(sock, 2);
    atomic_store(&region->abi->event_head, 100000);
    assert_false(stk_event_pop(region, &sock));
    atomic_store(&region->socks[2].event_queued, 0);
    stk_event_push(region, 2); /* no room by that index: dropped */
    assert_int_equal(atomic_load(&region->socks[2].event_queued), 0);
}

static void events__completion_queue__behind_the_sockets(void **state)
{
    struct stk_region *region = *state;
    STK_U32 queued = 0;
    uint32_t entry = 0;
    assert_true(stk_event_push_cq(region, 7, &queued));
    assert_true(stk_event_push_cq(region, 7, &queued)); /* once */
    assert_int_equal(atomic_load(&queued), 1);
    assert_true(stk_event_pop(region, &entry));
    assert_int_equal(entry, region->socks_count + 7);
    assert_int_equal(atomic_load(&queued), 1); /* the taker's to clear */
    assert_false(stk_event_pop(region, &entry));
    atomic_store(&queued, 0);
    atomic_store(&region->abi->event_head, 100000);
    assert_false(stk_event_push_cq(region, 7, &queued));
    assert_int_equal(atomic_load(&queued), 0);
}

static void events__sleep__bounded_and_ended_by_wake_word(void **state)
{
    struct stk_region *region = *state;
    _Atomic uint32_t wake = 1;
    stk_event_sleep(region, &wake, -1);
    stk_event_sleep(region, NULL, 1000000);
    stk_event_push(region, 0);
    stk_event_sleep(region, NULL, -1);
    assert_int_equal(atomic_load(&region->abi->event_sleeping), 0);
}

static void reply__sleep__bounded_and_not_with_a_reply(void **state)
{
    struct stk_region *region = *state;
    struct stk_rep_abi rep = {.seq = 1};
    stk_rep_sleep(&region->rings[0], 1000000);
    assert_true(stk_rep_push(&region->rings[0], &rep));
    stk_rep_sleep(&region->rings[0], -1);
    assert_int_equal(atomic_load(&region->rings[0].rep_sleeping), 0);
}

static void lock__held__try_fails(void **state)
{
    (void)state;
    STK_U32 lock = 0;
    stk_lock_take(&lock);
    assert_false(stk_lock_try(&lock));
    stk_lock_give(&lock);
    assert_true(stk_lock_try(&lock));
    atomic_store(&lock, 2); /* somebody wants it: giving wakes */
    stk_lock_give(&lock);
    assert_int_equal(atomic_load(&lock), 0);
}

int main(void)
{
#define T_CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T_CASE(bell__submission_pending__no_sleep),           T_CASE(bell__rung_before_the_sleep__returns_at_once),
        T_CASE(bell__wait_object__rung_until_cleared),        T_CASE(waiters__all_taken__none_and_counted),
        T_CASE(notify__waiters__their_words_change),          T_CASE(events__armed_and_ready__queued_once),
        T_CASE(events__damage__no_index_out_of_range),        T_CASE(events__sleep__bounded_and_ended_by_wake_word),
        T_CASE(events__completion_queue__behind_the_sockets), T_CASE(events__sleep__bounded_and_ended_by_wake_word),
        T_CASE(reply__sleep__bounded_and_not_with_a_reply),   T_CASE(lock__held__try_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

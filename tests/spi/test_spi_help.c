/** @file Threads that wait for a completion port and do the dispatcher's work: how long they stay. */
#include "fake_stack.h"
#include "t_host.h"
#include "wsp_private_abi.h"

#include "stack/api.h"

#include <stdatomic.h>

#define SPIN_NS 1000000000
#define WAIT_MS 300
#define ENOUGH_MS 5000 /* no machine is too busy to let a thread go by then */

void wl_port_helper(wsp_help_fn help);
int __wrap_stk_events_poll(struct stk_client *client, struct stk_event *events, size_t count, bool attend);
int64_t __wrap_stk_client_spin_ns(const struct stk_client *client);

static _Atomic(wsp_help_fn) named;
static _Atomic int64_t spin_ns;
static _Atomic uint64_t flood_end_ms; /* until then each look finds an event of somebody else */
static atomic_bool flood_over;
static atomic_bool hold; /* threads stay in the stack */
static atomic_uint held;

/* The provider finds it by name. */
__attribute__((visibility("default"))) void wl_port_helper(wsp_help_fn help)
{
    atomic_store(&named, help);
}

/* The linker puts these in the places of the stack's. */
int __wrap_stk_events_poll(struct stk_client *client, struct stk_event *events, size_t count, bool attend)
{
    (void)client;
    (void)count;
    (void)attend;
    atomic_fetch_add(&held, 1);
    while (atomic_load(&hold))
        t_sleep_ms(1);
    atomic_fetch_sub(&held, 1);
    if (t_now_ms() >= atomic_load(&flood_end_ms)) {
        atomic_store(&flood_over, true);
        return 0;
    }
    events[0] = (struct stk_event){.cookie = 0, .ready = STK_READY_IN, .fired = STK_READY_IN}; /* of no socket */
    return 1;
}

int64_t __wrap_stk_client_spin_ns(const struct stk_client *client)
{
    (void)client;
    return atomic_load(&spin_ns);
}

/* @return  A socket; the dispatcher runs, which names its function. */
static SOCKET dispatched_socket(WSAEVENT event)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);

    assert_int_equal(t_spi.lpWSPEventSelect(s, event, FD_READ, &t_err), 0);
    assert_true(atomic_load(&named) != NULL);
    return s;
}

/* IOCP-7: the time is the caller's, whatever comes for others meanwhile. */
static void help__events_of_others_without_end__ends_in_time(void **state)
{
    static const int64_t spins[] = {SPIN_NS, -1, 0};
    _Atomic uint32_t word = 1;
    WSAEVENT event = t_event_new();
    SOCKET s = dispatched_socket(event);
    uint32_t any;

    (void)state;
    for (size_t i = 0; i < sizeof spins / sizeof spins[0]; i++) {
        atomic_store(&spin_ns, spins[i]);
        atomic_store(&flood_over, false);
        atomic_store(&flood_end_ms, t_now_ms() + ENOUGH_MS);
        any = atomic_load(&named)(&word, 1, WAIT_MS);
        assert_false(atomic_load(&flood_over));
        assert_int_equal(any, 1);
    }
    atomic_store(&flood_end_ms, 0);
    assert_int_equal(atomic_load(&named)(&word, 1, WAIT_MS), 0);
    assert_int_equal(atomic_load(&named)(NULL, 0, 0), 0);
    assert_int_equal(atomic_load(&named)(&word, 0, UINT32_MAX), 0); /* the word has changed */
    t_close(s);
    t_event_free(event);
}

static void *stay_inside(void *help)
{
    _Atomic uint32_t word = 1;

    atomic_store(&spin_ns, 0);
    (void)(*(wsp_help_fn *)help)(&word, 1, UINT32_MAX);
    return NULL;
}

/* Who was there before and stays too long keeps the stack from going under it; it is not asked again. */
static void cleanup__thread_stays_in_the_stack__stack_stays(void **state)
{
    WSAEVENT event = t_event_new();
    struct t_task task;
    wsp_help_fn help;

    assert_int_equal(t_host_start(state), 0);
    t_close(dispatched_socket(event));
    help = atomic_load(&named);
    atomic_store(&hold, true);
    t_task_start(&task, stay_inside, &help);
    while (atomic_load(&held) == 0)
        t_sleep_ms(1);
    assert_int_equal(fake_clients_count(), 1);
    assert_int_equal(t_spi.lpWSPCleanup(&t_err), 0);
    assert_true(atomic_load(&named) == NULL);
    assert_int_equal(fake_clients_count(), 1);
    atomic_store(&hold, false);
    t_task_join(&task);
    assert_int_equal(help(NULL, 0, 0), 0); /* one that looked at the name before: refused */
    t_event_free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(help__events_of_others_without_end__ends_in_time, t_host_start, t_host_stop),
        cmocka_unit_test(cleanup__thread_stays_in_the_stack__stack_stays),
    };

    return cmocka_run_group_tests_name("spi_help", tests, NULL, NULL);
}

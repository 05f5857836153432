/*
 * How the poll thread sleeps: on wait objects where every port has one, else in naps. The driver is the wire's, with a wait
 * object that this test makes and rings.
 */
#include "core/engine.h"
#include "core/client.h"
#include "t_stress.h"

#include "drv/wire.h"
#include "ipc/bell.h"
#include "nic/driver.h"
#include "stack/api.h"
#include "stack/clock.h"
#include "stack/config.h"
#include "stack/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static intptr_t t_handle = -1; /* of the port; -1: it has none */
static _Atomic uint32_t t_looks;
static struct nic_driver t_driver;
const struct nic_driver *const nic_builtin_drivers[] = {&t_driver, NULL};

static intptr_t t_wait_handle(struct nic_port *port)
{
    (void)port;
    return t_handle;
}

static uint32_t t_rx_burst(struct nic_port *port, struct nic_buf **bufs, uint32_t count, uint64_t now_ns)
{
    (void)atomic_fetch_add(&t_looks, 1);
    if (t_handle >= 0) {
        stk_bell_fd_clear(t_handle);
    }
    return drv_wire.rx_burst(port, bufs, count, now_ns);
}

/* The wire's open names its own table. */
static int t_open(const struct nic_port_conf *conf, struct nic_port **out)
{
    const int err = drv_wire.open(conf, out);
    if (err == STK_OK) {
        (*out)->driver = &t_driver;
    }
    return err;
}

struct t_world {
    struct stk_engine *engine;
    struct stk_client *client;
};

/* No spinning: every idle turn is followed by a sleep. */
static const char t_text[] = "[engine]\n"
                             "sockets_max = 16\n"
                             "buffer_memory = 4MiB\n"
                             "spin = 0\n"
                             "[port only]\n"
                             "driver = wire\n"
                             "wire.link = poll\n"
                             "ipv6_ll = no\n"
                             "address = 10.78.0.1/24\n";

static struct t_world *world_make(bool with_handle)
{
    struct t_world *world = calloc(1, sizeof(*world));
    struct stk_config *config = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    assert_non_null(world);
    t_driver = drv_wire;
    t_driver.open = t_open;
    t_driver.wait_handle = t_wait_handle;
    t_driver.rx_burst = t_rx_burst;
    t_handle = with_handle ? stk_bell_fd_open() : -1;
    assert_true(!with_handle || t_handle >= 0);
    if (stk_config_parse(t_text, "poll.ini", &config, error, sizeof(error)) != STK_OK ||
        stk_engine_create(config, &stk_engine_env_real, &world->engine, error, sizeof(error)) != STK_OK) {
        fail_msg("%s", error);
    }
    stk_config_free(config);
    assert_int_equal(stk_engine_thread_start(world->engine), STK_OK);
    assert_int_equal(stk_client_attach_region(stk_engine_region(world->engine), &world->client), STK_OK);
    t_watch("test_poll_thread", 60);
    return world;
}

static int setup_handle(void **state)
{
    *state = world_make(true);
    return 0;
}

static int setup_naps(void **state)
{
    *state = world_make(false);
    return 0;
}

static int teardown(void **state)
{
    struct t_world *world = *state;
    t_watch_end();
    stk_client_detach(world->client, 0);
    stk_engine_destroy(world->engine);
    stk_bell_fd_close(t_handle);
    free(world);
    return 0;
}

static uint32_t sleeping_kind(struct t_world *world)
{
    return atomic_load(&stk_engine_region(world->engine)->abi->stack_sleeping);
}

static void sleeping_wait(struct t_world *world, uint32_t kind)
{
    for (int i = 0; i < 5000 && sleeping_kind(world) != kind; i++) {
        usleep(1000);
    }
    assert_int_equal(sleeping_kind(world), kind);
    t_progress();
}

/* Looks at the port in half a second of silence. */
static uint32_t looks_when_idle(void)
{
    usleep(200 * 1000);
    const uint32_t before = atomic_load(&t_looks);
    usleep(500 * 1000);
    return atomic_load(&t_looks) - before;
}

static void idle__wait_object__sleeps_until_something_is_due(void **state)
{
    sleeping_wait(*state, STK_BELL_FD);
    const uint32_t looks = looks_when_idle();
    print_message("%u looks in half a second\n", looks);
    assert_true(looks > 0 && looks < 60); /* lwIP's timers are due every 50 ms; naps would be hundreds */
}

static void idle__no_wait_object__naps(void **state)
{
    sleeping_wait(*state, STK_BELL_FUTEX);
    const uint32_t looks = looks_when_idle();
    print_message("%u looks in half a second\n", looks);
    assert_true(looks >= 20 && looks < 50000);
}

/* The port's own news end the sleep, long before a timer does: in most rounds, as a timer may be due just then. */
static void asleep__port_signals__looks_at_once(void **state)
{
    struct t_world *world = *state;
    unsigned soon = 0;
    for (int round = 0; round < 20; round++) {
        sleeping_wait(world, STK_BELL_FD);
        const uint32_t looks = atomic_load(&t_looks);
        const uint64_t before = stk_clock_ns();
        stk_bell_fd_ring(t_handle);
        while (atomic_load(&t_looks) == looks && stk_clock_ns() - before < STK_S_NS) {
            usleep(100);
        }
        soon += stk_clock_ns() - before < 30 * STK_MS_NS;
    }
    print_message("%u of 20 at once\n", soon);
    assert_true(soon >= 10);
}

/* A submission ends it as well. */
static void asleep__submissions__answered(void **state)
{
    struct t_world *world = *state;
    uint64_t spent = 0;
    for (int round = 0; round < 50; round++) {
        struct stk_sock *sock = NULL;
        while (sleeping_kind(world) == STK_BELL_AWAKE) {
            usleep(100);
        }
        const uint64_t before = stk_clock_ns();
        assert_int_equal(stk_sock_open(world->client, STK_AF_INET, STK_SOCK_DGRAM, 0, 1, &sock), STK_OK);
        spent += stk_clock_ns() - before;
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        t_progress();
    }
    print_message("%u us an answer\n", (unsigned)(spent / 50000));
    assert_true(spent / 50 < 40 * STK_MS_NS);
}

/* While parked it does not look at all, and it comes back. */
static void parked__then_unparked__goes_on(void **state)
{
    struct t_world *world = *state;
    for (int round = 0; round < 10; round++) {
        assert_int_equal(stk_engine_park(world->engine), STK_OK);
        const uint32_t looks = atomic_load(&t_looks);
        usleep(20 * 1000);
        assert_int_equal(atomic_load(&t_looks), looks);
        assert_int_equal(stk_client_alive(world->client), STK_ENETDOWN);
        assert_int_equal(stk_engine_unpark(world->engine), STK_OK);
        assert_int_equal(stk_client_alive(world->client), STK_OK);
        t_progress();
    }
    asleep__submissions__answered(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(idle__wait_object__sleeps_until_something_is_due, setup_handle, teardown),
        cmocka_unit_test_setup_teardown(asleep__port_signals__looks_at_once, setup_handle, teardown),
        cmocka_unit_test_setup_teardown(asleep__submissions__answered, setup_handle, teardown),
        cmocka_unit_test_setup_teardown(parked__then_unparked__goes_on, setup_handle, teardown),
        cmocka_unit_test_setup_teardown(idle__no_wait_object__naps, setup_naps, teardown),
        cmocka_unit_test_setup_teardown(asleep__submissions__answered, setup_naps, teardown),
        cmocka_unit_test_setup_teardown(parked__then_unparked__goes_on, setup_naps, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Threads and fibers that end: what the application's side kept for them comes back. */
#include "core/client.h"
#include "fake_srv.h"
#include "t_stress.h"

#include "stack/api.h"
#include "stack/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <windows.h>

#include <cmocka.h>

struct t_world {
    struct fake_srv srv;
    struct stk_client *client;
    void *main_fiber;
    uint32_t owned_inside;
};

static uint32_t rings_owned(struct t_world *world)
{
    uint32_t owned = 0;
    for (uint32_t i = 0; i < STK_RINGS_MAX; i++) {
        owned += atomic_load(&world->srv.region.rings[i].owner) != 0;
    }
    return owned;
}

/* A call with an answer: it takes a ring. */
static void call_once(struct t_world *world)
{
    struct stk_sock *sock = NULL;
    STK_ASSERT(stk_sock_open(world->client, STK_AF_INET, STK_SOCK_STREAM, 0, 5, &sock) == STK_OK);
    STK_ASSERT(stk_sock_close(sock, STK_CLOSE_ABORT) == STK_OK);
}

static int setup(void **state)
{
    struct t_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    fake_srv_create(&world->srv, 64, -2);
    fake_srv_start(&world->srv, 200);
    assert_int_equal(stk_client_attach_region(&world->srv.region, &world->client), STK_OK);
    t_watch("test_client_fiber", 60);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct t_world *world = *state;
    t_watch_end();
    stk_client_detach(world->client, 0);
    fake_srv_stop(&world->srv);
    fake_srv_destroy(&world->srv);
    free(world);
    return 0;
}

static DWORD WINAPI thread_main(LPVOID arg)
{
    call_once(arg);
    return 0;
}

static void thread__ends__its_ring_is_free(void **state)
{
    struct t_world *world = *state;
    const uint32_t before = rings_owned(world);
    for (int i = 0; i < 200; i++) {
        HANDLE thread = CreateThread(NULL, 0, thread_main, world, 0, NULL);
        assert_non_null(thread);
        assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
        (void)CloseHandle(thread);
        assert_int_equal(rings_owned(world), before);
        t_progress();
    }
}

static VOID CALLBACK fiber_main(LPVOID arg)
{
    struct t_world *world = arg;
    call_once(world);
    world->owned_inside = rings_owned(world);
    SwitchToFiber(world->main_fiber);
}

/* The first call of the thread is a fiber's: when that is deleted the thread has to begin anew. */
static DWORD WINAPI fiber_thread(LPVOID arg)
{
    struct t_world *world = arg;
    const uint32_t before = rings_owned(world);
    world->main_fiber = ConvertThreadToFiber(NULL);
    STK_ASSERT(world->main_fiber != NULL);
    void *fiber = CreateFiber(0, fiber_main, world);
    STK_ASSERT(fiber != NULL);
    SwitchToFiber(fiber);
    STK_ASSERT(world->owned_inside == before + 1);
    DeleteFiber(fiber);
    STK_ASSERT(rings_owned(world) == before);
    call_once(world);
    STK_ASSERT(rings_owned(world) == before + 1);
    return 0;
}

static void fiber__deleted__its_thread_goes_on(void **state)
{
    struct t_world *world = *state;
    const uint32_t before = rings_owned(world);
    for (int i = 0; i < 20; i++) {
        HANDLE thread = CreateThread(NULL, 0, fiber_thread, world, 0, NULL);
        assert_non_null(thread);
        assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
        (void)CloseHandle(thread);
        assert_int_equal(rings_owned(world), before);
        t_progress();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(thread__ends__its_ring_is_free, setup, teardown),
        cmocka_unit_test_setup_teardown(fiber__deleted__its_thread_goes_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The application's side of the channel with threads of its own on both ends. */
#include "core/client.h"
#include "fake_srv.h"
#include "t_os.h"
#include "t_stress.h"

#include "ipc/waiter.h"
#include "stack/api.h"
#include "stack/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CHUNKS 512u
#define SECOND ((int64_t)1000000000)

struct t_world {
    struct fake_srv srv;
    struct stk_client *client;
    struct stk_sock *sock; /**< shared by a test's threads */
    STK_U32 count;
    STK_U32 wake;
};

static const struct stk_addr t_peer = {.family = STK_AF_INET, .port = 7, .ip = {10, 0, 0, 2}};

static int setup(void **state)
{
    struct t_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    fake_srv_create(&world->srv, CHUNKS, -2);
    fake_srv_start(&world->srv, 200);
    assert_int_equal(stk_client_attach_region(&world->srv.region, &world->client), STK_OK);
    t_watch("test_client_threads", 60);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct t_world *world = *state;
    t_watch_end();
    fake_srv_engine_state(&world->srv, STK_ENGINE_RUNNING);
    stk_client_detach(world->client, 0);
    fake_srv_stop(&world->srv);
    assert_int_equal(atomic_load(&world->srv.region.abi->chunks_used), 0);
    assert_true(atomic_load(&world->srv.region.abi->waiters_free) == UINT64_MAX);
    for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
        assert_int_equal(atomic_load(&world->srv.region.socks[i].wait_mask), 0);
    }
    fake_srv_destroy(&world->srv);
    free(world);
    return 0;
}

/* Threads report by aborting: cmocka's asserts belong to the test's own thread. */
#define T_CHECK(cond) STK_ASSERT(cond)

static struct stk_sock *sock_connected(struct t_world *world)
{
    struct stk_sock *sock = NULL;
    T_CHECK(stk_sock_open(world->client, STK_AF_INET, STK_SOCK_STREAM, 0, 5, &sock) == STK_OK);
    T_CHECK(stk_sock_connect(sock, &t_peer) == STK_EINPROGRESS);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_CONN};
    T_CHECK(stk_wait(world->client, &item, 1, 30 * SECOND, NULL) == 1);
    return sock;
}

static void send_all(struct t_world *world, struct stk_sock *sock, void *buf, size_t len)
{
    uint8_t *at = buf;
    while (len > 0) {
        struct stk_iov iov = {.base = at, .len = len};
        int64_t done = stk_sock_send(sock, &iov, 1);
        if (done == STK_EAGAIN) {
            struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_OUT};
            T_CHECK(stk_wait(world->client, &item, 1, 30 * SECOND, NULL) == 1);
            continue;
        }
        T_CHECK(done > 0);
        at += done;
        len -= (size_t)done;
    }
}

static void recv_all(struct t_world *world, struct stk_sock *sock, void *buf, size_t len)
{
    uint8_t *at = buf;
    while (len > 0) {
        struct stk_iov iov = {.base = at, .len = len};
        int64_t done = stk_sock_recv(sock, &iov, 1, 0);
        if (done == STK_EAGAIN) {
            struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_IN};
            T_CHECK(stk_wait(world->client, &item, 1, 30 * SECOND, NULL) == 1);
            continue;
        }
        T_CHECK(done > 0);
        at += done;
        len -= (size_t)done;
    }
}

/* --- Many threads, a socket each -------------------------------------------------- */

static void *echo_main(void *arg)
{
    struct t_world *world = arg;
    uint32_t me = atomic_fetch_add(&world->count, 1);
    uint32_t seed = me + 1;
    uint8_t out[900];
    uint8_t in[900];
    for (int round = 0; round < 20; round++) {
        struct stk_sock *sock = sock_connected(world);
        for (int piece = 0; piece < 20; piece++) {
            size_t len = 1 + t_random(&seed) % sizeof(out);
            memset(out, (int)(me * 16 + (uint32_t)piece), len);
            send_all(world, sock, out, len);
            recv_all(world, sock, in, len);
            T_CHECK(memcmp(in, out, len) == 0);
            t_progress();
        }
        T_CHECK(stk_sock_close(sock, STK_CLOSE_GRACEFUL) == STK_OK);
    }
    return NULL;
}

static void echo__eight_threads__each_gets_its_own(void **state)
{
    struct t_world *world = *state;
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        threads[i] = t_thread(echo_main, world);
    }
    for (size_t i = 0; i < 8; i++) {
        t_join(threads[i]);
    }
}

/* --- A stream from one thread to another over one socket ---------------------------- */

#define STREAM_BYTES (8u << 20)

static void *stream_sender(void *arg)
{
    struct t_world *world = arg;
    static uint8_t piece[50000];
    uint32_t seed = 3;
    for (uint32_t at = 0; at < STREAM_BYTES;) {
        uint32_t len = 1 + t_random(&seed) % (uint32_t)sizeof(piece);
        len = len < STREAM_BYTES - at ? len : STREAM_BYTES - at;
        for (uint32_t i = 0; i < len; i++) {
            piece[i] = (uint8_t)((at + i) * 13 + (at + i) / 1021);
        }
        send_all(world, world->sock, piece, len);
        at += len;
        t_progress();
    }
    return NULL;
}

static void stream__sender_and_receiver__bytes_in_order(void **state)
{
    struct t_world *world = *state;
    static uint8_t piece[40000];
    world->sock = sock_connected(world);
    pthread_t sender = t_thread(stream_sender, world);
    for (uint32_t at = 0; at < STREAM_BYTES;) {
        uint32_t len = STREAM_BYTES - at < sizeof(piece) ? STREAM_BYTES - at : (uint32_t)sizeof(piece);
        recv_all(world, world->sock, piece, len);
        for (uint32_t i = 0; i < len; i++) {
            assert_int_equal(piece[i], (uint8_t)((at + i) * 13 + (at + i) / 1021));
        }
        at += len;
        t_progress();
    }
    t_join(sender);
    assert_int_equal(stk_sock_close(world->sock, STK_CLOSE_GRACEFUL), STK_OK);
}

/* --- More threads than rings, than waiters ------------------------------------------- */

#define CROWD 80u

static void *crowd_main(void *arg)
{
    struct t_world *world = arg;
    int32_t value = 0;
    T_CHECK(stk_sock_opt_get(world->sock, STK_OPT_TTL, &value) == STK_OK);
    T_CHECK(value == STK_OPT_TTL + 100);
    atomic_fetch_add(&world->count, 1);
    struct stk_wait_item item = {.sock = world->sock, .wanted = STK_READY_IN};
    T_CHECK(stk_wait(world->client, &item, 1, 50 * SECOND, NULL) == 1);
    T_CHECK(stk_sock_opt_get(world->sock, STK_OPT_TOS, &value) == STK_OK);
    T_CHECK(value == STK_OPT_TOS + 100);
    return NULL;
}

static void crowd__more_than_rings_and_waiters__all_served(void **state)
{
    struct t_world *world = *state;
    pthread_t threads[CROWD];
    uint32_t turns = 0;
    world->sock = sock_connected(world);
    for (uint32_t i = 0; i < CROWD; i++) {
        threads[i] = t_thread(crowd_main, world);
    }
    while (atomic_load(&world->count) < CROWD ||
           atomic_load(&world->srv.region.abi->waiters_missing) < CROWD - STK_WAITERS) {
        t_wait_turn(&turns);
    }
    char byte = 'x';
    send_all(world, world->sock, &byte, 1);
    for (uint32_t i = 0; i < CROWD; i++) {
        t_join(threads[i]);
    }
    /* Every ring but this thread's and the shared one is free again. */
    uint32_t owned = 0;
    for (uint32_t i = 0; i < STK_RINGS_MAX; i++) {
        owned += atomic_load(&world->srv.region.rings[i].owner) != 0;
    }
    assert_int_equal(owned, 2);
    for (uint32_t i = 0; i < 200; i++) {
        atomic_store(&world->count, 0);
        t_join(t_thread(crowd_main, world));
    }
    assert_int_equal(stk_sock_close(world->sock, STK_CLOSE_ABORT), STK_OK);
}

/* --- Ends of waits ------------------------------------------------------------------------ */

static void nap_ms(long ms)
{
    const struct timespec nap = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&nap, NULL);
}

static void *cancel_main(void *arg)
{
    struct t_world *world = arg;
    nap_ms(30);
    stk_sock_cancel(world->sock);
    return NULL;
}

static void wait__cancelled_by_another_thread__ends(void **state)
{
    struct t_world *world = *state;
    world->sock = sock_connected(world);
    pthread_t other = t_thread(cancel_main, world);
    struct stk_wait_item item = {.sock = world->sock, .wanted = STK_READY_IN};
    assert_int_equal(stk_wait(world->client, &item, 1, -1, NULL), 1);
    assert_int_equal(item.ready, STK_READY_CANCEL);
    t_join(other);
    assert_int_equal(stk_sock_close(world->sock, STK_CLOSE_ABORT), STK_OK);
}

static void *wake_main(void *arg)
{
    struct t_world *world = arg;
    for (int i = 0; i < 2; i++) {
        nap_ms(20);
        atomic_store_explicit(&world->wake, 1, memory_order_relaxed);
        stk_client_wake(world->client);
        uint32_t turns = 0;
        while (atomic_load(&world->wake) != 0) {
            t_wait_turn(&turns);
        }
    }
    return NULL;
}

static void wait__wake__ends_waits_and_the_dispatcher(void **state)
{
    struct t_world *world = *state;
    struct stk_event event;
    pthread_t other = t_thread(wake_main, world);
    assert_int_equal(stk_wait(world->client, NULL, 0, -1, &world->wake), STK_EINTR);
    atomic_store(&world->wake, 0);
    assert_int_equal(stk_events_wait(world->client, &event, 1, -1, &world->wake), STK_EINTR);
    atomic_store(&world->wake, 0);
    t_join(other);
}

static void wait__timeout__about_as_long(void **state)
{
    struct t_world *world = *state;
    uint64_t before = stk_clock_ns();
    assert_int_equal(stk_wait(world->client, NULL, 0, 20000000, NULL), 0);
    assert_true(stk_clock_ns() - before >= 20000000);
    struct stk_event event;
    before = stk_clock_ns();
    assert_int_equal(stk_events_wait(world->client, &event, 1, 20000000, NULL), 0);
    assert_true(stk_clock_ns() - before >= 20000000);
    assert_int_equal(stk_events_wait(world->client, &event, 0, 0, NULL), STK_EINVAL);
}

static void *lost_main(void *arg)
{
    struct t_world *world = arg;
    nap_ms(30);
    fake_srv_engine_state(&world->srv, STK_ENGINE_LOST);
    return NULL;
}

static void wait__engine_lost__enetdown_in_time(void **state)
{
    struct t_world *world = *state;
    world->sock = sock_connected(world);
    fake_srv_stop(&world->srv); /* it answers nothing any more */
    pthread_t other = t_thread(lost_main, world);
    struct stk_wait_item item = {.sock = world->sock, .wanted = STK_READY_IN};
    assert_int_equal(stk_wait(world->client, &item, 1, -1, NULL), STK_ENETDOWN);
    t_join(other);
    fake_srv_engine_state(&world->srv, STK_ENGINE_RUNNING);
    other = t_thread(lost_main, world);
    int32_t value = 0;
    assert_int_equal(stk_sock_opt_get(world->sock, STK_OPT_TTL, &value), STK_ENETDOWN);
    t_join(other);
    fake_srv_engine_state(&world->srv, STK_ENGINE_RUNNING);
    fake_srv_start(&world->srv, 200);
}

/* --- The dispatcher --------------------------------------------------------------------------- */

#define EVENT_ROUNDS 2000u

static void *dispatcher_main(void *arg)
{
    struct t_world *world = arg;
    struct stk_event events[4];
    char byte;
    struct stk_iov iov = {.base = &byte, .len = 1};
    while (atomic_load(&world->count) < EVENT_ROUNDS) {
        int taken = stk_events_wait(world->client, events, 4, 30 * SECOND, NULL);
        T_CHECK(taken == 1);
        T_CHECK(events[0].cookie == 5 && events[0].fired == STK_READY_IN);
        T_CHECK(stk_sock_recv(world->sock, &iov, 1, 0) == 1);
        (void)stk_sock_arm(world->sock, STK_READY_IN);
        atomic_fetch_add(&world->count, 1);
        t_progress();
    }
    return NULL;
}

static void events__one_byte_each__none_lost(void **state)
{
    struct t_world *world = *state;
    world->sock = sock_connected(world);
    assert_int_equal(stk_sock_arm(world->sock, STK_READY_IN), 0);
    pthread_t dispatcher = t_thread(dispatcher_main, world);
    for (uint32_t i = 0; i < EVENT_ROUNDS; i++) {
        char byte = 'e';
        uint32_t turns = 0;
        send_all(world, world->sock, &byte, 1);
        while (atomic_load(&world->count) <= i) {
            t_wait_turn(&turns);
        }
    }
    t_join(dispatcher);
    assert_int_equal(stk_sock_close(world->sock, STK_CLOSE_ABORT), STK_OK);
}

/* --- Fork ----------------------------------------------------------------------------------------- */

static int forked_child(void *arg)
{
    struct t_world *world = arg;
    struct stk_sock *sock = NULL;
    struct stk_client *client = NULL;
    struct stk_config *config = calloc(1, sizeof(*config));
    struct stk_wait_item item = {.sock = world->sock, .wanted = STK_READY_IN};
    struct stk_sock_status status;
    struct stk_event event;
    struct stk_addr addr;
    char byte = 'x';
    struct stk_iov iov = {.base = &byte, .len = 1};
    bool good = stk_client_alive(world->client) == STK_EFORKED;
    good = good && stk_client_attach(config, &client, NULL, 0) == STK_EFORKED;
    good = good && stk_client_attach_region(&world->srv.region, &client) == STK_EFORKED;
    good = good && stk_sock_open(world->client, STK_AF_INET, STK_SOCK_STREAM, 0, 0, &sock) == STK_EFORKED;
    good = good && stk_sock_bind(world->sock, &t_peer) == STK_EFORKED;
    good = good && stk_sock_send(world->sock, &iov, 1) == STK_EFORKED;
    good = good && stk_sock_recv(world->sock, &iov, 1, 0) == STK_EFORKED;
    good = good && stk_sock_sendto(world->sock, &iov, 1, &t_peer) == STK_EFORKED;
    good = good && stk_sock_recvfrom(world->sock, &iov, 1, 0, NULL) == STK_EFORKED;
    good = good && stk_sock_accept(world->sock, 0, &sock, NULL) == STK_EFORKED;
    good = good && stk_sock_local(world->sock, &addr) == STK_EFORKED;
    good = good && stk_sock_error_take(world->sock) == STK_EFORKED;
    good = good && stk_wait(world->client, &item, 1, 0, NULL) == STK_EFORKED;
    good = good && stk_events_wait(world->client, &event, 1, 0, NULL) == STK_EFORKED;
    good = good && stk_sock_ready(world->sock) == 0 && stk_sock_arm(world->sock, STK_READY_IN) == 0;
    good = good && stk_client_interfaces(world->client, NULL, 0) == STK_EFORKED;
    stk_sock_status(world->sock, &status);
    stk_sock_disarm(world->sock, 1);
    stk_sock_cancel(world->sock);
    stk_sock_cookie_set(world->sock, 1);
    stk_client_wake(world->client);
    stk_client_counters_dump(world->client, 2);
    good = good && stk_sock_close(world->sock, STK_CLOSE_ABORT) == STK_EFORKED;
    stk_client_detach(world->client, 0);
    free(config);
    return good ? 0 : 1;
}

static void fork__live_socket__child_refused_parent_unharmed(void **state)
{
    struct t_world *world = *state;
    if (!t_fork_there()) {
        print_message("skipped: no fork here\n");
        skip();
    }
    world->sock = sock_connected(world);
    assert_int_equal(t_fork_run(forked_child, world), 0);
    char byte = 'p';
    send_all(world, world->sock, &byte, 1);
    byte = 0;
    recv_all(world, world->sock, &byte, 1);
    assert_int_equal(byte, 'p');
    assert_int_equal(stk_sock_close(world->sock, STK_CLOSE_ABORT), STK_OK);
}

int main(void)
{
#define T_CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T_CASE(echo__eight_threads__each_gets_its_own),
        T_CASE(stream__sender_and_receiver__bytes_in_order),
        T_CASE(crowd__more_than_rings_and_waiters__all_served),
        T_CASE(wait__cancelled_by_another_thread__ends),
        T_CASE(wait__wake__ends_waits_and_the_dispatcher),
        T_CASE(wait__timeout__about_as_long),
        T_CASE(wait__engine_lost__enetdown_in_time),
        T_CASE(events__one_byte_each__none_lost),
        T_CASE(fork__live_socket__child_refused_parent_unharmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The application's side of the channel, stepped on one thread against a fake stack side. */
#include "core/client.h"
#include "core/client_priv.h"
#include "fake_srv.h"
#include "ipc/chunk.h"
#include "stack/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHUNKS 128u

struct t_world {
    struct fake_srv srv;
    struct stk_client *client;
};

static const struct stk_addr t_peer = {.family = STK_AF_INET, .port = 7, .ip = {10, 0, 0, 2}};

static int setup(void **state)
{
    struct t_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    fake_srv_create(&world->srv, CHUNKS, -2);
    assert_int_equal(stk_client_attach_stepped(&world->srv.region, fake_srv_pump, &world->srv, &world->client), STK_OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct t_world *world = *state;
    fake_srv_engine_state(&world->srv, STK_ENGINE_RUNNING);
    stk_client_detach(world->client, 0);
    assert_int_equal(atomic_load(&world->srv.region.abi->chunks_used), 0);
    assert_true(atomic_load(&world->srv.region.abi->waiters_free) == UINT64_MAX);
    fake_srv_destroy(&world->srv);
    free(world);
    return 0;
}

static struct stk_sock *sock_open(struct t_world *world, int type)
{
    struct stk_sock *sock = NULL;
    assert_int_equal(stk_sock_open(world->client, STK_AF_INET, type, 0, 77, &sock), STK_OK);
    assert_non_null(sock);
    return sock;
}

static struct stk_sock *sock_connected(struct t_world *world)
{
    struct stk_sock *sock = sock_open(world, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(sock, &t_peer), STK_EINPROGRESS);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_CONN | STK_READY_FAIL};
    assert_int_equal(stk_wait(world->client, &item, 1, 1000000, NULL), 1);
    assert_int_equal(item.ready, STK_READY_CONN);
    return sock;
}

static int64_t t_send(struct stk_sock *sock, const void *buf, size_t len)
{
    struct stk_iov iov = {.len = len};
    memcpy(&iov.base, &buf, sizeof(buf));
    return stk_sock_send(sock, &iov, 1);
}

static int64_t t_recv(struct stk_sock *sock, void *buf, size_t len, unsigned flags)
{
    struct stk_iov iov = {.base = buf, .len = len};
    return stk_sock_recv(sock, &iov, 1, flags);
}

/* --- Control ------------------------------------------------------------------ */

static void open__table_full__emfile(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *socks[FAKE_SRV_SOCKS];
    for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
        socks[i] = sock_open(world, STK_SOCK_STREAM);
    }
    struct stk_sock *more = NULL;
    assert_int_equal(stk_sock_open(world->client, STK_AF_INET, STK_SOCK_STREAM, 0, 0, &more), STK_EMFILE);
    assert_null(more);
    for (uint32_t i = 0; i < FAKE_SRV_SOCKS; i++) {
        assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
    /* 64 closes fill the ring: the next call finds room all the same. */
    assert_int_equal(stk_sock_close(sock_open(world, STK_SOCK_STREAM), STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(fake_srv_step(&world->srv), 1);
    assert_int_equal(world->srv.closes, FAKE_SRV_SOCKS + 1);
    assert_int_equal(world->srv.last_close_mode, STK_CLOSE_ABORT);
}

static void rings__more_threads_than_allowed__share_one(void **state)
{
    struct t_world *world = *state;
    const struct stk_ring_abi *rings = world->srv.region.rings;
    stk_client_rings_limit(world->client, 0); /* as if others had taken all that there are */
    struct stk_sock *sock = sock_open(world, STK_SOCK_STREAM);
    assert_int_equal(atomic_load(&rings[0].owner), 0);
    assert_true(atomic_load(&rings[STK_RINGS_MAX - 1].sub_tail) > 0);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
}

static void control__engine_lost__enetdown(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_IN};
    struct stk_event event;
    fake_srv_engine_state(&world->srv, STK_ENGINE_LOST);
    assert_int_equal(stk_client_alive(world->client), STK_ENETDOWN);
    assert_int_equal(stk_sock_bind(sock, &t_peer), STK_ENETDOWN);
    assert_int_equal(t_send(sock, "x", 1), STK_ENETDOWN);
    assert_int_equal(t_recv(sock, &item, 1, 0), STK_ENETDOWN);
    assert_int_equal(stk_wait(world->client, &item, 1, -1, NULL), STK_ENETDOWN);
    assert_int_equal(stk_events_wait(world->client, &event, 1, -1, NULL), STK_ENETDOWN);
    assert_int_equal(stk_sock_ready(sock), 0);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_ENETDOWN);
}

static void options__values__travel(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_STREAM);
    int32_t value = 1;
    uint8_t large[64] = {0};
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_NODELAY, &value, sizeof(value)), STK_OK);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_NODELAY, &value, 2), STK_EINVAL);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_NODELAY, large, sizeof(large)), STK_EINVAL);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_NODELAY, NULL, 4), STK_EINVAL);
    assert_int_equal(stk_sock_opt_get(sock, STK_OPT_TTL, &value), STK_OK);
    assert_int_equal(value, STK_OPT_TTL + 100);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
    /* A closed socket's generation is stale. */
    (void)fake_srv_step(&world->srv);
    assert_int_equal(stk_sock_opt_get(sock, STK_OPT_TTL, &value), STK_ENOTSOCK);
}

static void addresses__before_and_after__as_documented(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_STREAM);
    struct stk_addr got;
    assert_int_equal(stk_sock_local(sock, &got), STK_EINVAL);
    assert_int_equal(stk_sock_peer(sock, &got), STK_ENOTCONN);
    assert_int_equal(stk_sock_bind(sock, NULL), STK_EINVAL);
    assert_int_equal(stk_sock_bind(sock, &t_peer), STK_OK);
    assert_int_equal(stk_sock_local(sock, &got), STK_OK);
    assert_memory_equal(&got, &t_peer, sizeof(got));
    assert_int_equal(stk_sock_connect(sock, &t_peer), STK_EINPROGRESS);
    assert_int_equal(stk_sock_peer(sock, &got), STK_OK);
    assert_memory_equal(&got, &t_peer, sizeof(got));
}

static void connect__refused__error_once(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_STREAM);
    struct stk_addr to = t_peer;
    to.port = FAKE_PORT_REFUSED;
    assert_int_equal(stk_sock_connect(sock, &to), STK_EINPROGRESS);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_CONN | STK_READY_FAIL};
    assert_int_equal(stk_wait(world->client, &item, 1, -1, NULL), 1);
    assert_int_equal(item.ready, STK_READY_FAIL);
    struct stk_sock_status status;
    stk_sock_status(sock, &status);
    assert_int_equal(status.error, STK_ECONNREFUSED);
    assert_int_equal(stk_sock_error_take(sock), STK_ECONNREFUSED);
    assert_int_equal(stk_sock_error_take(sock), STK_OK);
    assert_int_equal(t_send(sock, "x", 1), STK_ENOTCONN);
}

static void accept__queue__in_order(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *listener = sock_open(world, STK_SOCK_STREAM);
    struct stk_sock *child = NULL;
    struct stk_addr peer;
    assert_int_equal(stk_sock_accept(listener, 1, &child, NULL), STK_EINVAL);
    assert_int_equal(stk_sock_listen(listener, 5), STK_OK);
    assert_int_equal(stk_sock_accept(listener, 1, &child, NULL), STK_EAGAIN);
    uint32_t first = fake_srv_connect_in(&world->srv, 0);
    uint32_t second = fake_srv_connect_in(&world->srv, 0);
    assert_int_equal(stk_sock_ready(listener), STK_READY_IN | STK_READY_ACCEPT);
    fake_srv_end(&world->srv, second, STK_ECONNRESET);
    assert_int_equal(stk_sock_accept(listener, 9, &child, &peer), STK_OK);
    assert_int_equal(peer.port, 4242);
    assert_int_equal(t_send(child, "hello", 5), 5);
    assert_int_equal(stk_sock_accept(listener, 9, &child, &peer), STK_ECONNRESET);
    assert_int_equal(stk_sock_accept(listener, 9, &child, &peer), STK_EAGAIN);
    assert_int_equal(world->srv.closes, 1);
    assert_false(world->srv.open[second]);
    assert_true(world->srv.open[first]);
    assert_int_equal(stk_sock_ready(listener), 0);
}

/* --- Streams -------------------------------------------------------------------- */

static void stream__bytes__come_back_once(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    char a[3] = {'a', 'b', 'c'};
    char b[5] = {'d', 'e', 'f', 'g', 'h'};
    char got[16] = {0};
    struct stk_iov out[3] = {{a, 3}, {NULL, 0}, {b, 5}};
    struct stk_iov in[2] = {{got, 2}, {got + 2, 14}};
    assert_int_equal(stk_sock_send(sock, out, 3), 8);
    assert_int_equal(t_recv(sock, got, sizeof(got), 0), STK_EAGAIN); /* gives the stack a turn */
    struct stk_sock_status status;
    stk_sock_status(sock, &status);
    assert_int_equal(status.rx_bytes, 8);
    assert_int_equal(status.tx_unacked, 0);
    assert_int_equal(stk_sock_recv(sock, in, 2, STK_RECV_PEEK), 8);
    assert_memory_equal(got, "abcdefgh", 8);
    memset(got, 0, sizeof(got));
    assert_int_equal(stk_sock_recv(sock, in, 1, 0), 2);
    assert_int_equal(t_recv(sock, got + 2, 14, 0), 6);
    assert_memory_equal(got, "abcdefgh", 8);
    assert_int_equal(t_recv(sock, got, sizeof(got), 0), STK_EAGAIN);
}

static void send__empty_entries__zero(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    uint32_t kicks = world->srv.kicks;
    assert_int_equal(t_send(sock, NULL, 0), 0);
    (void)fake_srv_step(&world->srv);
    assert_int_equal(world->srv.kicks, kicks);
}

static void send__limit__eagain_then_out(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    static uint8_t big[512 * 1024];
    world->srv.deaf = true;
    assert_int_equal(t_send(sock, big, sizeof(big)), 256 * 1024);
    assert_int_equal(t_send(sock, big, 1), STK_EAGAIN);
    assert_int_equal(stk_sock_ready(sock) & STK_READY_OUT, 0);
    world->srv.deaf = false;
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_OUT};
    assert_int_equal(stk_wait(world->client, &item, 1, 1000000000, NULL), 1);
}

static void send__pool_empty__not_ready_until_a_chunk_is_free(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    uint32_t taken[CHUNKS];
    for (uint32_t i = 0; i < CHUNKS; i++) {
        taken[i] = stk_chunk_take(&world->srv.region);
        assert_int_not_equal(taken[i], STK_CHUNK_NONE);
    }
    assert_int_equal(t_send(sock, "x", 1), STK_EAGAIN);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_OUT};
    assert_int_equal(stk_wait(world->client, &item, 1, 5000000, NULL), 0);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        stk_chunk_give(&world->srv.region, taken[i]);
    }
    assert_int_equal(stk_wait(world->client, &item, 1, 5000000, NULL), 1);
    assert_int_equal(t_send(sock, "x", 1), 1);
}

static void stream__states__give_their_errors(void **state)
{
    struct t_world *world = *state;
    char byte;
    struct stk_sock *fresh = sock_open(world, STK_SOCK_STREAM);
    assert_int_equal(t_send(fresh, "x", 1), STK_ENOTCONN);
    assert_int_equal(t_recv(fresh, &byte, 1, 0), STK_ENOTCONN);
    assert_int_equal(stk_sock_shutdown(fresh, 0), STK_EINVAL);
    assert_int_equal(stk_sock_shutdown(fresh, 16), STK_EINVAL);

    struct stk_sock *fin = sock_connected(world);
    assert_int_equal(t_send(fin, "x", 1), 1);
    (void)fake_srv_step(&world->srv);
    fake_srv_fin(&world->srv, 1);
    assert_int_equal(t_recv(fin, &byte, 1, 0), 1);
    assert_int_equal(t_recv(fin, &byte, 1, 0), 0);
    assert_int_equal(stk_sock_shutdown(fin, STK_SHUT_WR), STK_OK);
    assert_int_equal(t_send(fin, "x", 1), STK_ESHUTDOWN);
    assert_int_equal(stk_sock_shutdown(fin, STK_SHUT_RD), STK_OK);
    assert_int_equal(t_recv(fin, &byte, 1, 0), STK_ESHUTDOWN);

    struct stk_sock *end = sock_connected(world);
    assert_int_equal(t_send(end, "x", 1), 1);
    (void)fake_srv_step(&world->srv);
    fake_srv_end(&world->srv, 2, STK_ETIMEDOUT);
    assert_int_equal(t_send(end, "x", 1), STK_ETIMEDOUT);
    assert_int_equal(t_recv(end, &byte, 1, 0), 1);
    assert_int_equal(t_recv(end, &byte, 1, 0), STK_ETIMEDOUT);
    assert_true((stk_sock_ready(end) & STK_READY_RESET) != 0);
}

static void recv__room__told_by_quarters(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    static uint8_t buf[256 * 1024];
    assert_int_equal(t_send(sock, buf, sizeof(buf)), sizeof(buf));
    (void)fake_srv_step(&world->srv);
    uint32_t kicks = world->srv.kicks;
    for (int i = 0; i < 256; i++) {
        assert_int_equal(t_recv(sock, buf, 1024, 0), 1024);
        (void)fake_srv_step(&world->srv);
    }
    assert_int_equal(world->srv.kicks - kicks, 4);
}

static void stream__damaged_slot__zeros_and_no_crash(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    char got[4] = {1, 1, 1, 1};
    assert_int_equal(t_send(sock, "abcd", 4), 4);
    (void)fake_srv_step(&world->srv);
    STK_U32 *slot = &world->srv.region.socks[0].rx_slots[0];
    uint32_t index = atomic_load(slot);
    atomic_store(slot, 123456789);
    assert_int_equal(t_recv(sock, got, 4, STK_RECV_PEEK), 4);
    assert_memory_equal(got, "\0\0\0\0", 4);
    atomic_store(slot, index);
    assert_int_equal(t_recv(sock, got, 4, 0), 4);
    assert_memory_equal(got, "abcd", 4);
}

/* --- Datagrams --------------------------------------------------------------------- */

static int64_t t_sendto(struct stk_sock *sock, void *buf, size_t len, const struct stk_addr *to)
{
    struct stk_iov iov = {.base = buf, .len = len};
    return stk_sock_sendto(sock, &iov, 1, to);
}

static void dgram__sizes__come_back(void **state)
{
    struct t_world *world = *state;
    static const uint32_t sizes[] = {0, 1, 7, 8, 9, 1472, 16384 - 64, 16384, 20000, 65507};
    static uint8_t out[65508];
    static uint8_t in[65508];
    struct stk_sock *sock = sock_open(world, STK_SOCK_DGRAM);
    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7 + i / 251);
    }
    for (size_t row = 0; row < sizeof(sizes) / sizeof(sizes[0]); row++) {
        struct stk_iov iov = {.base = in, .len = sizeof(in)};
        struct stk_msg_info info;
        struct stk_sock_status status;
        print_message("size %u\n", sizes[row]);
        assert_int_equal(t_sendto(sock, out, sizes[row], &t_peer), sizes[row]);
        (void)fake_srv_step(&world->srv);
        stk_sock_status(sock, &status);
        assert_int_equal(status.rx_bytes, sizes[row]);
        assert_int_equal(status.rx_next, sizes[row]);
        memset(in, 0x55, sizeof(in));
        assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, STK_RECV_PEEK, NULL), sizes[row]);
        assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, &info), sizes[row]);
        assert_memory_equal(in, out, sizes[row]);
        assert_int_equal(in[sizes[row]], 0x55);
        assert_int_equal(info.full_size, sizes[row]);
        assert_int_equal(info.truncated, 0);
        assert_memory_equal(&info.from, &t_peer, sizeof(t_peer));
    }
    assert_int_equal(t_sendto(sock, out, 65508, &t_peer), STK_EMSGSIZE);
}

static void dgram__short_buffer__truncated(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_DGRAM);
    char out[10] = "012345678";
    char in[4];
    struct stk_iov iov = {.base = in, .len = sizeof(in)};
    struct stk_msg_info info;
    assert_int_equal(t_sendto(sock, out, 10, &t_peer), 10);
    assert_int_equal(t_sendto(sock, out, 2, &t_peer), 2);
    (void)fake_srv_step(&world->srv);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, &info), 4);
    assert_int_equal(info.truncated, 1);
    assert_int_equal(info.full_size, 10);
    assert_memory_equal(in, "0123", 4);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, &info), 2);
    assert_int_equal(info.truncated, 0);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, &info), STK_EAGAIN);
}

static void sendto__destinations__checked(void **state)
{
    static const struct {
        const char *name;
        struct stk_addr to;
        int64_t expect;
    } rows[] = {
        {"other family", {.family = STK_AF_INET6, .port = 7, .ip = {1}}, STK_EAFNOSUPPORT},
        {"no family", {.port = 7, .ip = {1}}, STK_EAFNOSUPPORT},
        {"port 0", {.family = STK_AF_INET, .ip = {10, 0, 0, 2}}, STK_EADDRNOTAVAIL},
        {"any address", {.family = STK_AF_INET, .port = 7}, STK_EADDRNOTAVAIL},
        {"no route", {.family = STK_AF_INET, .port = 7, .ip = {11, 0, 0, 2}}, STK_ENETUNREACH},
        {"limited broadcast", {.family = STK_AF_INET, .port = 7, .ip = {255, 255, 255, 255}}, STK_EACCES},
        {"subnet broadcast", {.family = STK_AF_INET, .port = 7, .ip = {10, 0, 0, 255}}, STK_EACCES},
        {"odd host", {.family = STK_AF_INET, .port = 7, .ip = {10, 0, 0, 3}}, 1},
        {"multicast", {.family = STK_AF_INET, .port = 7, .ip = {239, 1, 1, 1}}, 1},
        {"known again", {.family = STK_AF_INET, .port = 8, .ip = {10, 0, 0, 3}}, 1},
    };
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_DGRAM);
    char byte = 'x';
    assert_int_equal(t_sendto(sock, &byte, 1, NULL), STK_ENOTCONN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        assert_int_equal(t_sendto(sock, &byte, 1, &rows[i].to), rows[i].expect);
    }
    int32_t on = 1;
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_BROADCAST, &on, sizeof(on)), STK_OK);
    assert_int_equal(t_sendto(sock, &byte, 1, &rows[5].to), 1);
    assert_int_equal(t_sendto(sock, &byte, 1, &rows[6].to), 1);
    assert_int_equal(stk_sock_connect(sock, &t_peer), STK_OK);
    assert_int_equal(t_sendto(sock, &byte, 1, NULL), 1);
}

static void dgram__pending_error__taken_by_receive(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_DGRAM);
    char byte = 'x';
    struct stk_iov iov = {.base = &byte, .len = 1};
    assert_int_equal(t_sendto(sock, &byte, 1, &t_peer), 1);
    (void)fake_srv_step(&world->srv);
    fake_srv_error(&world->srv, 0, STK_ECONNRESET);
    assert_true((stk_sock_ready(sock) & STK_READY_ERROR) != 0);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, NULL), STK_ECONNRESET);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, NULL), 1);
}

static void dgram__small_sndbuf__one_always_fits(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_open(world, STK_SOCK_DGRAM);
    static uint8_t out[30000];
    atomic_store(&world->srv.region.socks[0].tx_limit, 0);
    assert_int_equal(t_sendto(sock, out, 1, &t_peer), 1); /* binds */
    (void)fake_srv_step(&world->srv);
    world->srv.deaf = true;
    assert_true((stk_sock_ready(sock) & STK_READY_OUT) != 0);
    assert_int_equal(t_sendto(sock, out, sizeof(out), &t_peer), sizeof(out));
    assert_int_equal(t_sendto(sock, out, 1, &t_peer), STK_EAGAIN);
    assert_int_equal(stk_sock_ready(sock) & STK_READY_OUT, 0);
    world->srv.deaf = false;
}

/* --- Waiting and events -------------------------------------------------------------- */

static void wait__virtual_time__passes_to_the_deadline(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_IN, .ready = 99};
    uint64_t before = world->srv.now_ns;
    assert_int_equal(stk_wait(world->client, &item, 1, 7500000, NULL), 0);
    assert_int_equal(item.ready, 0);
    assert_int_equal(world->srv.now_ns - before, 7500000);
    assert_int_equal(stk_wait(world->client, NULL, 0, 1000, NULL), 0);
    assert_int_equal(world->srv.now_ns - before, 7501000);
}

static void wait__wake_and_cancel__end_it(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    struct stk_wait_item item = {.sock = sock, .wanted = STK_READY_IN};
    _Atomic uint32_t wake = 1;
    assert_int_equal(stk_wait(world->client, &item, 1, -1, &wake), STK_EINTR);
    stk_sock_cancel(sock);
    assert_int_equal(stk_wait(world->client, &item, 1, -1, NULL), 1);
    assert_int_equal(item.ready, STK_READY_CANCEL);
}

static void events__armed_true_already__fires_once(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    struct stk_event events[4];
    memset(events, 0x55, sizeof(events));
    assert_int_equal(stk_sock_arm(sock, STK_READY_OUT | STK_READY_IN), STK_READY_OUT);
    assert_int_equal(stk_events_wait(world->client, events, 4, -1, NULL), 1);
    assert_int_equal(events[0].cookie, 77);
    assert_int_equal(events[0].fired, STK_READY_OUT);
    assert_true((events[0].ready & STK_READY_CONN) != 0);
    assert_int_equal(stk_events_wait(world->client, events, 4, 1000000, NULL), 0);
    assert_int_equal(t_send(sock, "x", 1), 1);
    assert_int_equal(stk_events_wait(world->client, events, 4, -1, NULL), 1);
    assert_int_equal(events[0].fired, STK_READY_IN);
}

static void events__disarmed_or_closed__none(void **state)
{
    struct t_world *world = *state;
    struct stk_sock *sock = sock_connected(world);
    struct stk_sock *other = sock_connected(world);
    struct stk_event events[4];
    assert_int_equal(stk_sock_arm(sock, STK_READY_IN), 0);
    stk_sock_disarm(sock, STK_READY_IN);
    assert_int_equal(t_send(sock, "x", 1), 1);
    assert_int_equal(stk_events_wait(world->client, events, 4, 1000000, NULL), 0);
    assert_int_equal(stk_sock_arm(other, STK_READY_OUT), STK_READY_OUT);
    (void)fake_srv_step(&world->srv); /* queued now */
    assert_int_equal(stk_sock_close(other, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_events_wait(world->client, events, 4, 1000000, NULL), 0);
}

static void interfaces__listed__as_published(void **state)
{
    struct t_world *world = *state;
    struct stk_if_info info[2];
    memset(info, 0x55, sizeof(info));
    assert_int_equal(stk_client_interfaces(world->client, info, 2), 1);
    assert_string_equal(info[0].name, "fake0");
    assert_int_equal(info[0].if_index, 2);
    assert_int_equal(info[0].addrs_count, 1);
    assert_int_equal(info[0].addrs[0].prefix_len, 24);
    assert_int_equal(info[1].if_index, 0x55555555);
    struct stk_addr local;
    uint32_t if_index = 0;
    assert_int_equal(stk_client_route(world->client, &t_peer, &local, &if_index), STK_OK);
    assert_int_equal(if_index, 2);
}

static void two_clients__one_thread__keep_apart(void **state)
{
    struct t_world *world = *state;
    struct t_world second;
    fake_srv_create(&second.srv, CHUNKS, -2);
    assert_int_equal(stk_client_attach_stepped(&second.srv.region, fake_srv_pump, &second.srv, &second.client), STK_OK);
    struct stk_sock *a = sock_connected(world);
    struct stk_sock *b = sock_connected(&second);
    char byte = 0;
    assert_int_equal(t_send(a, "a", 1), 1);
    assert_int_equal(t_send(b, "b", 1), 1);
    (void)fake_srv_step(&world->srv);
    (void)fake_srv_step(&second.srv);
    assert_int_equal(t_recv(b, &byte, 1, 0), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(t_recv(a, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a');
    stk_client_detach(second.client, 0);
    fake_srv_destroy(&second.srv);
}

int main(void)
{
#define T_CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T_CASE(open__table_full__emfile),
        T_CASE(rings__more_threads_than_allowed__share_one),
        T_CASE(control__engine_lost__enetdown),
        T_CASE(options__values__travel),
        T_CASE(addresses__before_and_after__as_documented),
        T_CASE(connect__refused__error_once),
        T_CASE(accept__queue__in_order),
        T_CASE(stream__bytes__come_back_once),
        T_CASE(send__empty_entries__zero),
        T_CASE(send__limit__eagain_then_out),
        T_CASE(send__pool_empty__not_ready_until_a_chunk_is_free),
        T_CASE(stream__states__give_their_errors),
        T_CASE(recv__room__told_by_quarters),
        T_CASE(stream__damaged_slot__zeros_and_no_crash),
        T_CASE(dgram__sizes__come_back),
        T_CASE(dgram__short_buffer__truncated),
        T_CASE(sendto__destinations__checked),
        T_CASE(dgram__pending_error__taken_by_receive),
        T_CASE(dgram__small_sndbuf__one_always_fits),
        T_CASE(wait__virtual_time__passes_to_the_deadline),
        T_CASE(wait__wake_and_cancel__end_it),
        T_CASE(events__armed_true_already__fires_once),
        T_CASE(events__disarmed_or_closed__none),
        T_CASE(interfaces__listed__as_published),
        T_CASE(two_clients__one_thread__keep_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

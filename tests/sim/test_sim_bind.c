/*
 * Who gets which address and port: exclusive and shared ones, loopback addresses, living connections, dynamic ports,
 * reservations; and 100,000 sockets.
 */
#include "sim.h"

#include "stack/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct stk_addr loopback(uint8_t last, uint16_t port)
{
    return (struct stk_addr){.family = STK_AF_INET, .port = port, .ip = {127, 0, 0, last}};
}

static struct stk_addr any(uint16_t port)
{
    return (struct stk_addr){.family = STK_AF_INET, .port = port};
}

static void opt(struct stk_sock *sock, enum stk_opt name, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, name, &value, sizeof(value)), STK_OK);
}

static void done(struct stk_sock *sock)
{
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
}

static uint16_t port_of(const struct stk_sock *sock)
{
    struct stk_addr local;
    assert_int_equal(stk_sock_local(sock, &local), STK_OK);
    return local.port;
}

/* --- 100,000 --------------------------------------------------------------------- */

#define SOCKETS 100000u
#define CHUNK 5000u
#define STEP 37813u /* without a common divisor with SOCKETS */

static struct stk_sock *many[SOCKETS];

/* Half streams, half datagrams; each kind 50,000 ports of the any address, or addresses that share one port. */
static void many_bind(struct sim_host *host, uint32_t i, bool one_port)
{
    const uint32_t number = i / 2;
    struct stk_addr addr = any((uint16_t)(1 + number));
    if (one_port) {
        addr = loopback(0, 7);
        addr.ip[1] = (uint8_t)(number >> 16);
        addr.ip[2] = (uint8_t)(number >> 8);
        addr.ip[3] = (uint8_t)number;
        if (number % 256 == 0 || number % 256 == 255) {
            addr.ip[1] = 200;
        }
    }
    many[i] = sim_open(host, STK_AF_INET, i % 2 == 0 ? STK_SOCK_STREAM : STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(many[i], &addr), STK_OK);
}

/* The cheapest of the first three chunks, and of the last: what grows with the number of sockets grows forty times. */
static void many_time(clock_t best[2], uint32_t chunk, clock_t begin)
{
    const clock_t took = clock() - begin;
    const uint32_t chunks = SOCKETS / CHUNK;
    clock_t *at = chunk < 3 ? &best[0] : chunk >= chunks - 3 ? &best[1] : NULL;
    if (at != NULL && (*at == 0 || took < *at)) {
        *at = took > 0 ? took : 1;
    }
}

static void many_round(struct sim_host *host, bool one_port, clock_t opened[2], clock_t closed[2])
{
    for (uint32_t i = 0; i < SOCKETS;) {
        const clock_t begin = clock();
        for (const uint32_t end = i + CHUNK; i < end; i++) {
            many_bind(host, i, one_port);
        }
        many_time(opened, i / CHUNK - 1, begin);
    }
    assert_int_equal(sim_counter(host, "endpoint.all.in_use"), SOCKETS);
    uint32_t at = 0;
    for (uint32_t i = 0; i < SOCKETS;) {
        const clock_t begin = clock();
        for (const uint32_t end = i + CHUNK; i < end; i++) {
            done(many[at]);
            at = (at + STEP) % SOCKETS;
        }
        many_time(closed, i / CHUNK - 1, begin);
    }
}

static void sockets__100000__open_bind_and_close_in_constant_time(void **state)
{
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 900, "", "sockets_max = 100016\nudp_max = 50016\ntcp_max = 64\nbuffer_memory = 8MiB\n");
    for (int one_port = 0; one_port < 2; one_port++) {
        clock_t opened[2] = {0, 0};
        clock_t closed[2] = {0, 0};
        many_round(&world.hosts[0], one_port != 0, opened, closed);
        print_message("%s: opened in %ld to %ld us, closed in %ld to %ld us a chunk\n",
                      one_port ? "one port" : "any address", (long)opened[0], (long)opened[1], (long)closed[0],
                      (long)closed[1]);
        assert_true(opened[1] / opened[0] < 12);
        assert_true(closed[1] / closed[0] < 12);
    }
    sim_world_fini(&world);
}

static void ports__one_name_20000_sharers__in_constant_time(void **state)
{
    enum { SHARERS = 20000 };
    const struct stk_addr addr = loopback(1, 7);
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 901, "", "sockets_max = 20016\nudp_max = 20016\ntcp_max = 64\nbuffer_memory = 8MiB\n");
    for (int i = 0; i < SHARERS; i++) {
        many[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
        opt(many[i], STK_OPT_REUSEADDR, 1);
        assert_int_equal(stk_sock_bind(many[i], &addr), STK_OK);
    }
    struct stk_sock *alone = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(alone, &addr), STK_EADDRINUSE);
    for (int i = 0; i < SHARERS; i++) {
        done(many[i]);
    }
    assert_int_equal(stk_sock_bind(alone, &addr), STK_OK);
    done(alone);
    sim_world_fini(&world);
}

/* --- Loopback addresses, exclusive ones -------------------------------------------- */

static void datagram(struct sim_world *world, struct stk_sock *from, const struct stk_addr *to, char byte)
{
    const struct stk_iov iov = {.base = &byte, .len = 1};
    assert_int_equal(stk_sock_sendto(from, &iov, 1, to), 1);
    sim_world_run_until(world, world->now_ns + 10 * STK_MS_NS);
}

static char datagram_take(struct stk_sock *sock)
{
    struct stk_msg_info info;
    char byte = 0;
    const struct stk_iov iov = {.base = &byte, .len = 1};
    return stk_sock_recvfrom(sock, &iov, 1, 0, &info) == 1 ? byte : 0;
}

/* RU-5. */
static void exclusive__specific_beside_wildcard__gets_its_address(void **state)
{
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 902, "", "");
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *specific = sim_open(host, STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *wildcard = sim_open(host, STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *sender = sim_open(host, STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr second = loopback(2, 5000);
    const struct stk_addr first = loopback(1, 5000);
    const struct stk_addr last = (struct stk_addr){.family = STK_AF_INET, .port = 5000, .ip = {127, 200, 3, 4}};
    const struct stk_addr own = sim_addr(STK_AF_INET, 0, 5000);
    const struct stk_addr wild = any(5000);
    const struct stk_addr from = loopback(9, 6000);
    opt(specific, STK_OPT_EXCLUSIVE, 1);
    assert_int_equal(stk_sock_bind(specific, &second), STK_OK);
    assert_int_equal(stk_sock_bind(wildcard, &wild), STK_OK);
    assert_int_equal(stk_sock_bind(sender, &from), STK_OK);
    assert_int_equal(stk_sock_connect(wildcard, &from), STK_OK); /* and the sender is its peer */
    datagram(&world, sender, &second, 'a');
    datagram(&world, sender, &first, 'b');
    datagram(&world, sender, &last, 'c');
    assert_int_equal(datagram_take(specific), 'a');
    assert_int_equal(datagram_take(specific), 0);
    assert_int_equal(datagram_take(wildcard), 'b');
    assert_int_equal(datagram_take(wildcard), 'c');
    assert_int_equal(datagram_take(wildcard), 0);
    datagram(&world, specific, &from, 'd'); /* answers come from 127.0.0.2 */
    assert_int_equal(datagram_take(sender), 'd');
    (void)own;
    done(specific);
    done(wildcard);
    done(sender);
    sim_world_fini(&world);
}

static void exclusive__stream_on_127_0_0_2__is_reached_there(void **state)
{
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 903, "", "");
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *specific = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr second = loopback(2, 5000);
    const struct stk_addr first = loopback(1, 5000);
    opt(specific, STK_OPT_EXCLUSIVE, 1);
    assert_int_equal(stk_sock_bind(specific, &second), STK_OK);
    assert_int_equal(stk_sock_listen(specific, 4), STK_OK);
    const struct stk_addr wild = any(5000);
    struct stk_sock *wildcard = sim_listen(host, &wild);
    for (int i = 0; i < 2; i++) {
        struct stk_sock *client = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
        struct stk_sock *server = NULL;
        struct stk_addr local;
        assert_int_equal(stk_sock_connect(client, i == 0 ? &second : &first), STK_EINPROGRESS);
        (void)sim_wait(host, client, STK_READY_CONN);
        assert_int_equal(stk_sock_accept(i == 0 ? specific : wildcard, 0, &server, NULL), STK_OK);
        assert_int_equal(stk_sock_local(server, &local), STK_OK);
        assert_int_equal(local.ip[3], i == 0 ? 2 : 1);
        done(client);
        done(server);
    }
    done(specific);
    done(wildcard);
    sim_world_run_until(&world, world.now_ns + 40 * STK_S_NS);
    sim_world_fini(&world);
}

/* --- Living connections -------------------------------------------------------------- */

static int bind_new(struct sim_host *host, const struct stk_addr *addr, enum stk_opt how)
{
    struct stk_sock *sock = sim_open(host, addr->family, STK_SOCK_STREAM);
    if (how != STK_OPT_COUNT) {
        opt(sock, how, 1);
    }
    const int err = stk_sock_bind(sock, addr);
    done(sock);
    return err;
}

/* RU-7, CLS-23, RU-8. */
static void exclusive__accepted_connection_lives__port_is_not_free(void **state)
{
    const struct stk_addr wild = any(7000);
    const struct stk_addr own = sim_addr(STK_AF_INET, 1, 7000);
    const struct stk_addr inner = loopback(1, 7000);
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 904, "", "");
    struct sim_host *host = &world.hosts[1];
    struct stk_sock *listener = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *client = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *server = NULL;
    opt(listener, STK_OPT_EXCLUSIVE, 1);
    assert_int_equal(stk_sock_bind(listener, &wild), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
    assert_int_equal(stk_sock_connect(client, &own), STK_EINPROGRESS);
    (void)sim_wait(&world.hosts[0], client, STK_READY_CONN);
    (void)sim_wait(host, listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
    done(listener);
    assert_int_equal(bind_new(host, &wild, STK_OPT_EXCLUSIVE), STK_EADDRINUSE);
    assert_int_equal(bind_new(host, &own, STK_OPT_EXCLUSIVE), STK_EADDRINUSE);
    assert_int_equal(bind_new(host, &inner, STK_OPT_EXCLUSIVE), STK_OK); /* of another address */
    assert_int_equal(bind_new(host, &wild, STK_OPT_COUNT), STK_OK);
    done(server); /* FIN is sent; the peer still holds its side open: closed, not finished */
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    assert_int_equal(bind_new(host, &wild, STK_OPT_EXCLUSIVE), STK_EADDRINUSE);
    done(client);
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    assert_int_equal(sim_counter(host, "pool.0.TIME_WAIT.used"), 1);
    assert_int_equal(bind_new(host, &wild, STK_OPT_EXCLUSIVE), STK_OK);
    sim_world_run_until(&world, world.now_ns + 40 * STK_S_NS);
    assert_int_equal(sim_counter(host, "pool.0.TIME_WAIT.used"), 0);
    sim_world_fini(&world);
}

/* BND-4, A.4.8: the port of a socket that still closes. */
static void closing__port__is_taken_until_the_end(void **state)
{
    struct sim_world world;
    struct stk_sock *client;
    struct stk_sock *server;
    (void)state;
    sim_world_init(&world, 905, "", "");
    sim_connect_pair(&world, STK_AF_INET, 7100, &client, &server);
    const uint16_t port = port_of(client);
    const struct stk_addr wild = any(port);
    done(client);
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    assert_int_equal(bind_new(&world.hosts[0], &wild, STK_OPT_EXCLUSIVE), STK_EADDRINUSE);
    struct stk_sock *again = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, 7100);
    assert_int_equal(stk_sock_bind(again, &wild), STK_OK); /* the error comes with connect */
    assert_int_equal(stk_sock_connect(again, &to), STK_EADDRINUSE);
    done(again);
    done(server);
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    struct stk_sock *waits = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_bind(waits, &wild), STK_OK);
    assert_int_equal(stk_sock_connect(waits, &to), STK_EADDRINUSE); /* TIME-WAIT */
    done(waits);
    sim_world_run_until(&world, world.now_ns + 40 * STK_S_NS);
    sim_world_fini(&world);
}

/* A.4.8: what counts is what the option was when each socket was bound. */
static void reuse__option_after_bind__changes_nothing(void **state)
{
    const struct stk_addr addr = loopback(1, 7200);
    const int32_t on = 1;
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 906, "", "");
    struct stk_sock *first = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_bind(first, &addr), STK_OK);
    assert_int_equal(stk_sock_opt_set(first, STK_OPT_REUSEADDR, &on, sizeof(on)), STK_EINVAL);
    assert_int_equal(bind_new(&world.hosts[0], &addr, STK_OPT_REUSEADDR), STK_EACCES);
    done(first);
    sim_world_fini(&world);
}

/* --- Dynamic ports --------------------------------------------------------------------- */

#define RANGE 256
#define NARROW "port_range = 60000-60255\nsockets_max = 2048\nudp_max = 1024\ntcp_max = 1024\nbuffer_memory = 8MiB\n"

/* PT-1. */
static void scalability__each_address__has_all_ports(void **state)
{
    const struct stk_addr first = loopback(1, 0);
    const struct stk_addr second = loopback(2, 0);
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 907, "", NARROW);
    for (int i = 0; i < 2 * RANGE; i++) {
        many[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        opt(many[i], STK_OPT_PORT_SCALABILITY, 1);
        assert_int_equal(stk_sock_bind(many[i], i < RANGE ? &first : &second), STK_OK);
    }
    struct stk_sock *more = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    opt(more, STK_OPT_PORT_SCALABILITY, 1);
    assert_int_equal(stk_sock_bind(more, &first), STK_EADDRINUSE);
    const struct stk_addr third = loopback(3, 0);
    assert_int_equal(bind_new(&world.hosts[0], &third, STK_OPT_COUNT), STK_EADDRINUSE); /* without the option */
    assert_int_equal(bind_new(&world.hosts[0], &third, STK_OPT_PORT_SCALABILITY), STK_OK);
    const struct stk_addr none = any(0);
    assert_int_equal(bind_new(&world.hosts[0], &none, STK_OPT_PORT_SCALABILITY), STK_EADDRINUSE);
    done(more);
    for (int i = 0; i < 2 * RANGE; i++) {
        done(many[i]);
    }
    sim_world_fini(&world);
}

static struct stk_sock *connect_one(struct sim_world *world, const struct stk_addr *to, int expected)
{
    struct stk_sock *sock = sim_open(&world->hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_connect(sock, to), expected);
    if (expected == STK_EINPROGRESS) {
        (void)sim_wait(&world->hosts[0], sock, STK_READY_CONN);
    }
    return sock;
}

/* PT-1: a port whose connection waits after its end is none that another connection could have. */
static void scalability__time_wait__keeps_the_port(void **state)
{
    const struct stk_addr own = sim_addr(STK_AF_INET, 0, 0);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, 81);
    struct stk_sock *listener;
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 910, "", NARROW);
    listener = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_bind(listener, &to), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 300), STK_OK);
    for (int i = 0; i < RANGE; i++) {
        struct stk_sock *server = NULL;
        many[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        opt(many[i], STK_OPT_PORT_SCALABILITY, 1);
        assert_int_equal(stk_sock_bind(many[i], &own), STK_OK);
        assert_int_equal(stk_sock_connect(many[i], &to), STK_EINPROGRESS);
        (void)sim_wait(&world.hosts[0], many[i], STK_READY_CONN);
        (void)sim_wait(&world.hosts[1], listener, STK_READY_ACCEPT);
        assert_int_equal(stk_sock_accept(listener, 0, &server, NULL), STK_OK);
        if (i % 2 == 0) {
            done(many[i]);
            many[i] = NULL;
        }
        sim_world_run_until(&world, world.now_ns + 5 * STK_MS_NS);
        done(server);
    }
    struct stk_sock *more = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    opt(more, STK_OPT_PORT_SCALABILITY, 1);
    assert_int_equal(stk_sock_bind(more, &own), STK_EADDRINUSE);
    const struct stk_addr other = loopback(2, 0);
    assert_int_equal(stk_sock_bind(more, &other), STK_OK);
    done(more);
    for (int i = 0; i < RANGE; i++) {
        if (many[i] != NULL) {
            done(many[i]);
        }
    }
    done(listener);
    sim_world_run_until(&world, world.now_ns + 300 * STK_S_NS);
    assert_int_equal(bind_new(&world.hosts[0], &own, STK_OPT_PORT_SCALABILITY), STK_OK);
    sim_world_fini(&world);
}

/* PT-4: connections share dynamic ports by their destinations. */
static void reuse_unicastport__other_destinations__share_ports(void **state)
{
    const struct stk_addr to[2] = {sim_addr(STK_AF_INET, 1, 81), sim_addr(STK_AF_INET, 1, 82)};
    struct stk_sock *listeners[2];
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 908, "", NARROW);
    for (int i = 0; i < 2; i++) {
        listeners[i] = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_bind(listeners[i], &to[i]), STK_OK);
        assert_int_equal(stk_sock_listen(listeners[i], 300), STK_OK);
    }
    for (int i = 0; i < 2 * RANGE; i++) {
        many[i] = connect_one(&world, &to[i / RANGE], STK_EINPROGRESS);
    }
    struct stk_sock *more = connect_one(&world, &to[0], STK_EADDRINUSE); /* all four-tuples are taken */
    const struct stk_addr dynamic = any(0);
    assert_int_equal(bind_new(&world.hosts[0], &dynamic, STK_OPT_COUNT), STK_EADDRINUSE);
    assert_int_equal(bind_new(&world.hosts[0], &dynamic, STK_OPT_REUSE_UNICASTPORT), STK_OK);
    done(more);
    for (int i = 0; i < 2 * RANGE; i++) {
        assert_int_equal(stk_sock_close(many[i], STK_CLOSE_ABORT), STK_OK);
    }
    done(listeners[0]);
    done(listeners[1]);
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    sim_world_fini(&world);
}

/* PT-4: a port that a program named is not shared, whatever its socket tried before. */
static void reuse_unicastport__named_after_a_failed_choice__is_not_shared(void **state)
{
    const struct stk_addr dynamic = any(0);
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 912, "", NARROW);
    for (int i = 0; i < RANGE; i++) {
        const struct stk_addr each = any((uint16_t)(60000 + i));
        many[i] = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_bind(many[i], &each), STK_OK);
    }
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    opt(sock, STK_OPT_REUSE_UNICASTPORT, 1);
    assert_int_equal(stk_sock_bind(sock, &dynamic), STK_EADDRINUSE);
    done(many[7]);
    const struct stk_addr named = any(60007);
    assert_int_equal(stk_sock_bind(sock, &named), STK_OK);
    assert_int_equal(bind_new(&world.hosts[0], &dynamic, STK_OPT_REUSE_UNICASTPORT), STK_EADDRINUSE);
    many[7] = sock;
    for (int i = 0; i < RANGE; i++) {
        done(many[i]);
    }
    sim_world_fini(&world);
}

/* PT-4. */
static void randomize__port_and_order_of_options(void **state)
{
    const struct stk_addr dynamic = any(0);
    const int32_t on = 1;
    uint16_t before = 0;
    unsigned neighbours = 0;
    struct sim_world world;
    (void)state;
    sim_world_init(&world, 909, "", "");
    for (int i = 0; i < 64; i++) {
        struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
        opt(sock, STK_OPT_RANDOMIZE_PORT, 1);
        assert_int_equal(stk_sock_bind(sock, &dynamic), STK_OK);
        const uint16_t port = port_of(sock);
        neighbours += abs(port - before) < 16;
        before = port;
        assert_int_equal(stk_sock_opt_set(sock, STK_OPT_RANDOMIZE_PORT, &on, sizeof(on)), STK_EINVAL);
        done(sock);
    }
    assert_true(neighbours < 64);
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    opt(sock, STK_OPT_REUSE_UNICASTPORT, 1);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_RANDOMIZE_PORT, &on, sizeof(on)), STK_EINVAL);
    done(sock);
    sim_world_fini(&world);
}

/* X16. */
static void reuse_mcastport__no_unicast_and_a_shared_port(void **state)
{
    const struct stk_addr wild = any(7300);
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, 7300);
    struct sim_world world;
    struct stk_sock *socks[2];
    (void)state;
    sim_world_init(&world, 910, "", "");
    struct stk_sock *sender = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    for (int i = 0; i < 2; i++) {
        socks[i] = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
        opt(socks[i], STK_OPT_REUSE_MCASTPORT, 1);
        assert_int_equal(stk_sock_bind(socks[i], &wild), STK_OK);
    }
    struct stk_sock *plain = sim_open(&world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(plain, &wild), STK_EADDRINUSE);
    assert_int_equal(stk_sock_bind(plain, &to), STK_OK);
    datagram(&world, sender, &to, 'u');
    assert_int_equal(datagram_take(plain), 'u');
    done(plain);
    datagram(&world, sender, &to, 'u');
    assert_int_equal(datagram_take(socks[0]), 0);
    assert_int_equal(datagram_take(socks[1]), 0);
    done(socks[0]);
    done(socks[1]);
    done(sender);
    sim_world_fini(&world);
}

/* --- Reservations ----------------------------------------------------------------------- */

/* How long so many acquisitions of one port take. */
static clock_t acquire_time(struct stk_sock *owner, int times)
{
    clock_t best = 0;
    for (int row = 0; row < 5; row++) {
        const clock_t begin = clock();
        for (int i = 0; i < times; i++) {
            uint64_t token;
            uint16_t first;
            assert_int_equal(stk_sock_ports_acquire(owner, 0, 1, &first, &token), STK_OK);
            assert_int_equal(stk_sock_ports_release(owner, token), STK_OK);
        }
        const clock_t took = clock() - begin;
        best = best == 0 || took < best ? took : best;
    }
    return best > 0 ? best : 1;
}

/* The stack's thread looks for a free block while everybody waits: among 60,000 taken ports it is not walked to. */
static void reservation__nearly_all_taken__costs_no_walk(void **state)
{
    struct sim_world world;
    uint64_t token;
    uint16_t first;
    (void)state;
    sim_world_init(&world, 913, "", "port_range = 1025-65535\n");
    struct stk_sock *owner = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const clock_t empty = acquire_time(owner, 300);
    assert_int_equal(stk_sock_ports_acquire(owner, 0, 64001, &first, &token), STK_OK);
    const clock_t full = acquire_time(owner, 300);
    print_message("empty %ld us, full %ld us\n", (long)empty, (long)full);
    assert_true(full / empty < 12);
    const struct stk_addr last = any(65100); /* splits what is left */
    struct stk_sock *split = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    uint64_t second;
    assert_int_equal(stk_sock_bind(split, &last), STK_OK);
    assert_int_equal(stk_sock_ports_acquire(owner, 0, 435, &first, &second), STK_OK);
    assert_int_equal(first, 65101);
    assert_int_equal(stk_sock_ports_release(owner, second), STK_OK);
    assert_int_equal(stk_sock_ports_acquire(owner, 0, 436, &first, &second), STK_EADDRINUSE);
    done(split);
    done(owner);
    sim_world_fini(&world);
}

/* BND-13, PT-2, PT-3. */
static void reservation__associated_sockets__get_its_ports(void **state)
{
    const struct stk_addr dynamic = any(0);
    struct stk_sock *socks[4];
    struct sim_world world;
    uint64_t token = 0;
    uint16_t first = 0;
    (void)state;
    sim_world_init(&world, 911, "", "");
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *owner = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_ports_acquire(owner, 0, 3, &first, &token), STK_OK);
    assert_in_range(first, 49152, 65533);
    struct stk_addr in_block = any(first);
    assert_int_equal(bind_new(host, &in_block, STK_OPT_COUNT), STK_EACCES);
    for (int i = 0; i < 4; i++) {
        socks[i] = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_ports_associate(socks[i], token), STK_OK);
        assert_int_equal(stk_sock_bind(socks[i], &dynamic), i < 3 ? STK_OK : STK_EADDRINUSE);
        if (i < 3) {
            assert_in_range(port_of(socks[i]), first, first + 2);
        }
    }
    done(socks[1]);
    const struct stk_addr outside = any((uint16_t)(first - 1));
    assert_int_equal(stk_sock_bind(socks[3], &outside), STK_EINVAL);
    in_block.port = (uint16_t)(first + 1);
    assert_int_equal(stk_sock_bind(socks[3], port_of(socks[0]) == first + 1 || port_of(socks[2]) == first + 1
                                                 ? &dynamic
                                                 : &in_block),
                     STK_OK);
    assert_int_equal(stk_sock_ports_associate(socks[3], token), STK_EINVAL); /* bound */
    done(socks[0]);
    done(socks[2]);
    done(socks[3]);
    done(owner); /* the block goes with it */
    in_block.port = first;
    assert_int_equal(bind_new(host, &in_block, STK_OPT_COUNT), STK_OK);
    struct stk_sock *late = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_ports_associate(late, token), STK_EINVAL);
    done(late);
    sim_world_fini(&world);
}

static void reservation__refusals__have_their_codes(void **state)
{
    const struct stk_addr used = any(50001);
    struct sim_world world;
    uint64_t token = 0;
    uint64_t other_token = 0;
    uint16_t first = 0;
    (void)state;
    sim_world_init(&world, 912, "", "");
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *stream = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    struct stk_sock *dgram = sim_open(host, STK_AF_INET, STK_SOCK_DGRAM);
    struct stk_sock *raw = NULL;
    assert_int_equal(stk_sock_open(host->client, STK_AF_INET, STK_SOCK_RAW, 200, 0, &raw), STK_OK);
    assert_int_equal(stk_sock_ports_acquire(raw, 0, 1, &first, &token), STK_EOPNOTSUPP);
    assert_int_equal(stk_sock_ports_acquire(stream, 0, 0, &first, &token), STK_EINVAL);
    assert_int_equal(stk_sock_ports_acquire(stream, 65535, 2, &first, &token), STK_EINVAL);
    assert_int_equal(stk_sock_bind(dgram, &used), STK_OK);
    struct stk_sock *same = sim_open(host, STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_ports_acquire(same, 50000, 3, &first, &token), STK_EADDRINUSE);
    assert_int_equal(stk_sock_ports_acquire(stream, 50000, 3, &first, &token), STK_OK); /* TCP's are others */
    assert_int_equal(first, 50000);
    assert_int_equal(stk_sock_ports_acquire(stream, 50002, 2, &first, &other_token), STK_EADDRINUSE);
    assert_int_equal(stk_sock_ports_associate(same, token), STK_EINVAL); /* of the other protocol */
    assert_int_equal(stk_sock_ports_associate(stream, token ^ 1u << 20), STK_EINVAL);
    assert_int_equal(stk_sock_ports_release(stream, token ^ 1u << 20), STK_EINVAL);
    assert_int_equal(stk_sock_ports_associate(stream, token), STK_OK);
    assert_int_equal(stk_sock_ports_release(stream, token), STK_OK);
    assert_int_equal(stk_sock_ports_release(stream, token), STK_EINVAL);
    const struct stk_addr dynamic = any(0);
    assert_int_equal(stk_sock_bind(stream, &dynamic), STK_EINVAL); /* its block is gone */
    done(stream);
    done(dgram);
    done(same);
    done(raw);
    sim_world_fini(&world);
}

static void reservation__dynamic_ports__avoid_it(void **state)
{
    const struct stk_addr dynamic = any(0);
    struct sim_world world;
    uint64_t token = 0;
    uint16_t first = 0;
    (void)state;
    sim_world_init(&world, 913, "", NARROW);
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *owner = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_ports_acquire(owner, 60010, 240, &first, &token), STK_OK);
    for (int i = 0; i < RANGE - 240; i++) {
        many[i] = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_bind(many[i], &dynamic), STK_OK);
        const uint16_t port = port_of(many[i]);
        assert_true(port < 60010 || port >= 60250);
    }
    assert_int_equal(bind_new(host, &dynamic, STK_OPT_COUNT), STK_EADDRINUSE);
    for (int i = 0; i < RANGE - 240; i++) {
        done(many[i]);
    }
    done(owner);
    sim_world_fini(&world);
}

/* Not by luck: random picks miss the only free port of many more often than not. */
static void reservation__of_all_ports_but_one__that_one_is_found(void **state)
{
    const struct stk_addr dynamic = any(0);
    struct sim_world world;
    uint64_t token = 0;
    uint16_t first = 0;
    (void)state;
    sim_world_init(&world, 914, "", NARROW);
    struct sim_host *host = &world.hosts[0];
    struct stk_sock *owner = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_ports_acquire(owner, 60000, RANGE - 1, &first, &token), STK_OK);
    for (int i = 0; i < 20; i++) {
        struct stk_sock *sock = sim_open(host, STK_AF_INET, STK_SOCK_STREAM);
        opt(sock, STK_OPT_RANDOMIZE_PORT, i % 2);
        assert_int_equal(stk_sock_bind(sock, &dynamic), STK_OK);
        assert_int_equal(port_of(sock), 60000 + RANGE - 1);
        assert_int_equal(bind_new(host, &dynamic, STK_OPT_COUNT), STK_EADDRINUSE);
        done(sock);
    }
    done(owner);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets__100000__open_bind_and_close_in_constant_time),
        cmocka_unit_test(ports__one_name_20000_sharers__in_constant_time),
        cmocka_unit_test(exclusive__specific_beside_wildcard__gets_its_address),
        cmocka_unit_test(exclusive__stream_on_127_0_0_2__is_reached_there),
        cmocka_unit_test(exclusive__accepted_connection_lives__port_is_not_free),
        cmocka_unit_test(closing__port__is_taken_until_the_end),
        cmocka_unit_test(reuse__option_after_bind__changes_nothing),
        cmocka_unit_test(scalability__each_address__has_all_ports),
        cmocka_unit_test(scalability__time_wait__keeps_the_port),
        cmocka_unit_test(reuse_unicastport__other_destinations__share_ports),
        cmocka_unit_test(reuse_unicastport__named_after_a_failed_choice__is_not_shared),
        cmocka_unit_test(randomize__port_and_order_of_options),
        cmocka_unit_test(reuse_mcastport__no_unicast_and_a_shared_port),
        cmocka_unit_test(reservation__nearly_all_taken__costs_no_walk),
        cmocka_unit_test(reservation__associated_sockets__get_its_ports),
        cmocka_unit_test(reservation__refusals__have_their_codes),
        cmocka_unit_test(reservation__dynamic_ports__avoid_it),
        cmocka_unit_test(reservation__of_all_ports_but_one__that_one_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

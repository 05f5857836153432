/*
 * Who hears a multicast: members, by source, port, bound address and interface; how far it goes; what the tables hold.
 */
#include "sim_mcast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7500
#define HERE 0
#define THERE 1

static const int families[] = {STK_AF_INET, STK_AF_INET6};
static uint8_t bytes[64];

static const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};

static struct stk_sock *hearer(struct sim_mcast *mcast, int host, const struct stk_addr *local)
{
    struct stk_sock *sock = sim_open(&mcast->world.hosts[host], mcast->family, STK_SOCK_DGRAM);
    const int32_t on = 1;
    const int32_t port = SIM_MCAST_IF;
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_REUSEADDR, &on, sizeof(on)), STK_OK);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_MCAST_IF, &port, sizeof(port)), STK_OK);
    assert_int_equal(stk_sock_bind(sock, local), STK_OK);
    return sock;
}

static struct stk_addr any_addr(int family, uint16_t port)
{
    return (struct stk_addr){.family = (uint16_t)family, .port = port};
}

static void send_bytes(struct stk_sock *sock, const struct stk_addr *to, size_t len)
{
    const struct stk_iov out = {.base = bytes, .len = len};
    assert_int_equal(stk_sock_sendto(sock, &out, 1, to), len);
}

static void hears(struct sim_mcast *mcast, struct stk_sock *sock, int64_t len)
{
    sim_mcast_run(mcast, 50);
    assert_int_equal(stk_sock_recvfrom(sock, &iov, 1, 0, NULL), len);
}

static void close_all(struct stk_sock **socks, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
}

/* Two hosts send: who includes one hears that one, who excludes it the other, also when both share a port. */
static void filters__two_sources__each_socket_by_its_own(void **state)
{
    static struct sim_mcast mcast;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        sim_mcast_open(&mcast, family, 201);
        const struct stk_addr any = any_addr(family, PORT);
        const struct stk_addr group = sim_mcast_group(family, 3, PORT);
        struct stk_sock *socks[] = {hearer(&mcast, HERE, &any), hearer(&mcast, HERE, &any), hearer(&mcast, HERE, &any),
                                    hearer(&mcast, THERE, &any)};
        /* The second host is source number 2. */
        assert_int_equal(sim_mcast_source_opt(socks[0], family, STK_OPT_MCAST_JOIN_SOURCE, 3, 2), STK_OK);
        assert_int_equal(sim_mcast_member(socks[1], family, STK_OPT_MCAST_JOIN, 3), STK_OK);
        assert_int_equal(sim_mcast_source_opt(socks[1], family, STK_OPT_MCAST_BLOCK, 3, 2), STK_OK);
        send_bytes(socks[3], &group, 8);
        hears(&mcast, socks[0], 8);
        hears(&mcast, socks[1], STK_EAGAIN);
        hears(&mcast, socks[2], STK_EAGAIN); /* no member */
        send_bytes(socks[2], &group, 9);     /* this host's own, source number 1 */
        hears(&mcast, socks[0], STK_EAGAIN);
        hears(&mcast, socks[1], 9);
        assert_int_equal(sim_mcast_source_opt(socks[1], family, STK_OPT_MCAST_UNBLOCK, 3, 2), STK_OK);
        send_bytes(socks[3], &group, 10);
        hears(&mcast, socks[0], 10);
        hears(&mcast, socks[1], 10);
        close_all(socks, 4);
        sim_mcast_run(&mcast, 5000);
        sim_mcast_close(&mcast);
    }
}

/* Bound to the interface's address, to the any address, to another port: Windows' way, not BSD's. */
static void bound__to_an_address_of_the_port__hears(void **state)
{
    static struct sim_mcast mcast;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        sim_mcast_open(&mcast, family, 202);
        const struct stk_addr any = any_addr(family, PORT);
        const struct stk_addr own = sim_addr(family, HERE, PORT);
        const struct stk_addr other = any_addr(family, PORT + 1);
        const struct stk_addr group = sim_mcast_group(family, 3, PORT);
        struct stk_sock *socks[] = {hearer(&mcast, HERE, &own), hearer(&mcast, HERE, &own), hearer(&mcast, HERE, &any),
                                    hearer(&mcast, HERE, &other), hearer(&mcast, THERE, &any)};
        for (int s = 0; s < 4; s++) {
            assert_int_equal(sim_mcast_member(socks[s], family, STK_OPT_MCAST_JOIN, 3), STK_OK);
        }
        send_bytes(socks[4], &group, 8);
        for (int s = 0; s < 4; s++) {
            hears(&mcast, socks[s], s < 3 ? 8 : STK_EAGAIN);
        }
        close_all(socks, 5);
        sim_mcast_run(&mcast, 5000);
        sim_mcast_close(&mcast);
    }
}

/* The peer of a group are its members (WSPJOINLEAF-4). */
static void connected__to_a_group__hears_its_members(void **state)
{
    static struct sim_mcast mcast;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        sim_mcast_open(&mcast, family, 203);
        const struct stk_addr any = any_addr(family, PORT);
        const struct stk_addr groups[] = {sim_mcast_group(family, 3, PORT), sim_mcast_group(family, 4, PORT)};
        struct stk_sock *socks[] = {hearer(&mcast, HERE, &any), hearer(&mcast, THERE, &any)};
        assert_int_equal(sim_mcast_member(socks[0], family, STK_OPT_MCAST_JOIN, 3), STK_OK);
        assert_int_equal(sim_mcast_member(socks[0], family, STK_OPT_MCAST_JOIN, 4), STK_OK);
        assert_int_equal(stk_sock_connect(socks[0], &groups[0]), STK_OK);
        send_bytes(socks[1], &groups[0], 8);
        hears(&mcast, socks[0], 8);
        send_bytes(socks[1], &groups[1], 9); /* another group */
        hears(&mcast, socks[0], STK_EAGAIN);
        const struct stk_addr here = sim_addr(family, HERE, PORT);
        send_bytes(socks[1], &here, 10); /* no group at all */
        hears(&mcast, socks[0], STK_EAGAIN);
        close_all(socks, 2);
        sim_mcast_run(&mcast, 5000);
        sim_mcast_close(&mcast);
    }
}

struct count {
    uint32_t datagrams;
};

static void udp_count(void *context, const uint8_t *frame, uint32_t len)
{
    struct count *count = context;
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    if (len > SIM_ETH_BYTES + SIM_IP6_BYTES) {
        count->datagrams += frame[12] == 0x08 ? ip[9] == 17 : frame[12] == 0x86 && ip[6] == 17;
    }
}

/* MPT-10: a scope of 0 stays on the host, where members hear it; 1 goes to the link. Fragments too. */
static void scope__zero__not_on_the_wire(void **state)
{
    static struct sim_mcast mcast;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        struct count count = {0};
        sim_mcast_open(&mcast, family, 204);
        mcast.wire.sniff = udp_count;
        mcast.wire.context = &count;
        const struct stk_addr any = any_addr(family, PORT);
        const struct stk_addr group = sim_mcast_group(family, 3, PORT);
        struct stk_sock *socks[] = {hearer(&mcast, HERE, &any), hearer(&mcast, THERE, &any)};
        for (int s = 0; s < 2; s++) {
            assert_int_equal(sim_mcast_member(socks[s], family, STK_OPT_MCAST_JOIN, 3), STK_OK);
        }
        for (int32_t ttl = 1; ttl >= 0; ttl--) {
            count.datagrams = 0;
            assert_int_equal(stk_sock_opt_set(socks[0], STK_OPT_MCAST_TTL, &ttl, sizeof(ttl)), STK_OK);
            send_bytes(socks[0], &group, 16);
            hears(&mcast, socks[0], 16);
            hears(&mcast, socks[1], ttl == 1 ? 16 : STK_EAGAIN);
            assert_int_equal(count.datagrams, ttl);
        }
        static uint8_t large[4000];
        const struct stk_iov out = {.base = large, .len = sizeof(large)};
        assert_int_equal(stk_sock_sendto(socks[0], &out, 1, &group), sizeof(large));
        hears(&mcast, socks[1], STK_EAGAIN);
        assert_int_equal(count.datagrams, 0);
        close_all(socks, 2);
        sim_mcast_run(&mcast, 5000);
        sim_mcast_close(&mcast);
    }
}

/* What does not fit is refused, and leaves nothing behind. */
static void tables__full__refused_and_unchanged(void **state)
{
    static struct sim_mcast mcast;
    static uint8_t list[STK_MCAST_SOURCES_MAX + 1][16];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        const int at = family == STK_AF_INET ? 2 : 14;
        static struct sim_pools before;
        sim_mcast_open(&mcast, family, 205);
        const struct stk_addr any = any_addr(family, PORT);
        struct stk_sock *sock = hearer(&mcast, HERE, &any);
        sim_pools_read(&mcast.world.hosts[HERE], &before);
        for (uint32_t s = 0; s <= STK_MCAST_SOURCES_MAX; s++) {
            memcpy(list[s], sim_mcast_source(family, 1, 0).ip, 16);
            list[s][at] = (uint8_t)(1 + s / 200);
            list[s][at + 1] = (uint8_t)(1 + s % 200);
        }
        struct stk_mcast_filter filter = {.group = sim_mcast_group(family, 1, 0),
                                          .if_index = SIM_MCAST_IF,
                                          .mode = STK_MCAST_FILTER_INCLUDE,
                                          .count = STK_MCAST_SOURCES_MAX + 1};
        assert_int_equal(stk_sock_mcast_filter_set(sock, &filter, (const uint8_t(*)[16])list), STK_ENOMEM);
        filter.count = STK_MCAST_SOURCES_MAX;
        uint8_t joined = 0; /* until the interface's pool of 4096 sources is used up */
        for (; joined < 12; joined++) {
            filter.group = sim_mcast_group(family, (uint8_t)(joined + 1), 0);
            if (stk_sock_mcast_filter_set(sock, &filter, (const uint8_t(*)[16])list) != STK_OK) {
                break;
            }
        }
        assert_int_equal(joined, 8);
        filter.count = 0;
        assert_int_equal(stk_sock_mcast_filter_get(sock, &filter, list),
                         STK_EADDRNOTAVAIL); /* the ninth is not there */
        filter.group = sim_mcast_group(family, 8, 0);
        assert_int_equal(stk_sock_mcast_filter_get(sock, &filter, list), STK_OK);
        assert_int_equal(filter.count, STK_MCAST_SOURCES_MAX);
        /* A membership of its full number of sources takes no more. */
        assert_int_equal(sim_mcast_source_opt(sock, family, STK_OPT_MCAST_JOIN_SOURCE, 8, 250), STK_ENOMEM);
        while (joined > 0) {
            assert_int_equal(sim_mcast_member(sock, family, STK_OPT_MCAST_LEAVE, joined--), STK_OK);
        }
        sim_mcast_run(&mcast, 5000);
        sim_pools_same(&mcast.world.hosts[HERE], &before);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
        sim_mcast_close(&mcast);
    }
}

/* Groups that are still being left make room for new ones. */
static void groups__pool_used_up__farewells_give_way(void **state)
{
    static struct sim_mcast mcast;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        uint32_t joined = 0;
        sim_mcast_open(&mcast, family, 206);
        const struct stk_addr any = any_addr(family, PORT);
        struct stk_sock *sock = hearer(&mcast, HERE, &any);
        for (uint32_t g = 0; g < 400; g++) {
            struct stk_mcast_req req = {.group = sim_mcast_group(family, (uint8_t)g, 0), .if_index = SIM_MCAST_IF};
            req.group.ip[family == STK_AF_INET ? 2 : 14] = (uint8_t)(1 + g / 256);
            const int err = stk_sock_opt_set(sock, STK_OPT_MCAST_JOIN, &req, sizeof(req));
            if (err != STK_OK) {
                assert_int_equal(err, STK_ENOMEM);
                break;
            }
            joined++;
        }
        assert_in_range(joined, 240, 256);
        /* Leave and join others at once: the ones that were left are still owed reports. */
        for (uint32_t g = 0; g < 50; g++) {
            struct stk_mcast_req req = {.group = sim_mcast_group(family, (uint8_t)g, 0), .if_index = SIM_MCAST_IF};
            req.group.ip[family == STK_AF_INET ? 2 : 14] = 1;
            assert_int_equal(stk_sock_opt_set(sock, STK_OPT_MCAST_LEAVE, &req, sizeof(req)), STK_OK);
            req.group.ip[family == STK_AF_INET ? 2 : 14] = 9;
            assert_int_equal(stk_sock_opt_set(sock, STK_OPT_MCAST_JOIN, &req, sizeof(req)), STK_OK);
        }
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
        sim_mcast_run(&mcast, 5000);
        sim_mcast_close(&mcast);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters__two_sources__each_socket_by_its_own),
        cmocka_unit_test(bound__to_an_address_of_the_port__hears),
        cmocka_unit_test(connected__to_a_group__hears_its_members),
        cmocka_unit_test(scope__zero__not_on_the_wire),
        cmocka_unit_test(tables__full__refused_and_unchanged),
        cmocka_unit_test(groups__pool_used_up__farewells_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

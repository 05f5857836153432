/*
 * Segmentation and merging of datagrams, and their times, between two hosts in
 * virtual time: the other side does neither, so that what it receives is what
 * was on the wire.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PORT_A 5001
#define PORT_B 5002

static uint8_t out[65536];
static uint8_t in[65536];

struct pair {
    struct sim_world world;
    struct stk_sock *a;
    struct stk_sock *b;
    struct stk_addr to;
};

static void pair_begin_on(struct pair *pair, int family, const char *impair)
{
    const struct stk_addr addr_a = sim_addr(family, 0, PORT_A);
    pair->to = sim_addr(family, 1, PORT_B);
    for (uint32_t i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    sim_world_init(&pair->world, 31, impair, "");
    pair->a = sim_open(&pair->world.hosts[0], family, STK_SOCK_DGRAM);
    pair->b = sim_open(&pair->world.hosts[1], family, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(pair->a, &addr_a), STK_OK);
    assert_int_equal(stk_sock_bind(pair->b, &pair->to), STK_OK);
}

static void pair_begin(struct pair *pair, int family)
{
    pair_begin_on(pair, family, "wire.delay = 10us\n");
}

static void pair_end(struct pair *pair)
{
    assert_int_equal(stk_sock_close(pair->a, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(pair->b, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&pair->world);
}

static void settle(struct pair *pair)
{
    sim_world_run_until(&pair->world, pair->world.now_ns + 20 * STK_MS_NS);
}

static void opt(struct stk_sock *sock, enum stk_opt option, int32_t value)
{
    int32_t now = -1;
    assert_int_equal(stk_sock_opt_set(sock, option, &value, sizeof(value)), STK_OK);
    assert_int_equal(stk_sock_opt_get(sock, option, &now), STK_OK);
    assert_int_equal(now, value);
}

static int64_t send_bytes(const struct pair *pair, uint32_t bytes, const struct stk_send_info *info)
{
    const struct stk_iov iov = {.base = out, .len = bytes};
    return stk_sock_sendmsg(pair->a, &iov, 1, &pair->to, info);
}

static int64_t take(const struct pair *pair, uint32_t room, unsigned flags, struct stk_msg_info *info)
{
    const struct stk_iov iov = {.base = in, .len = room};
    memset(in, 0, sizeof(in));
    return stk_sock_recvfrom(pair->b, &iov, 1, flags, info);
}

static const struct stk_send_info plain = {.ttl = -1, .tos = -1, .ecn = -1};

/* --- Segmentation ----------------------------------------------------------------- */

struct cut_row {
    uint32_t option;
    uint32_t wish; /* 0: none */
    uint32_t bytes;
    uint32_t each; /* what comes */
};

/* USO-4, USO-5, USO-6, USO-8, USO-9. */
static void segment__sizes__datagrams_of_that_size_and_a_rest(void **state)
{
    static const struct cut_row rows[] = {
        {1000, 0, 4500, 1000}, {1000, 0, 4000, 1000},  {1000, 0, 1000, 1000},  {1000, 0, 999, 999},
        {1000, 0, 0, 0},       {1000, 300, 1000, 300}, {0, 300, 1000, 300},    {1000, UINT32_MAX, 2500, 2500},
        {3000, 0, 7000, 3000}, {1, 0, 40, 1},          {1200, 0, 65487, 1200}, {INT32_MAX, 0, 5000, 5000},
    };
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct pair pair;
        pair_begin(&pair, family);
        opt(pair.b, STK_OPT_RCVBUF, 1 << 20);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const struct cut_row *row = &rows[i];
            struct stk_send_info info = plain;
            uint32_t done = 0;
            info.segment = row->wish;
            opt(pair.a, STK_OPT_UDP_SEGMENT, (int32_t)row->option);
            assert_int_equal(send_bytes(&pair, row->bytes, row->wish != 0 ? &info : NULL), row->bytes);
            settle(&pair);
            do {
                const uint32_t wanted = row->bytes - done < row->each ? row->bytes - done : row->each;
                struct stk_msg_info told;
                assert_int_equal(take(&pair, sizeof(in), 0, &told), wanted);
                assert_memory_equal(in, out + done, wanted);
                assert_int_equal(told.from.port, PORT_A);
                done += wanted;
            } while (done < row->bytes);
            assert_int_equal(take(&pair, sizeof(in), 0, NULL), STK_EAGAIN);
        }
        pair_end(&pair);
    }
}

/* USO-7. */
static void segment__largest__one_byte_more_is_too_long(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const uint32_t most = family == STK_AF_INET ? 65507 : 65527;
        struct pair pair;
        uint32_t got = 0;
        pair_begin(&pair, family);
        opt(pair.b, STK_OPT_RCVBUF, 1 << 20);
        assert_int_equal(send_bytes(&pair, 0, NULL), 0); /* few wait for a neighbour's address */
        settle(&pair);
        assert_int_equal(take(&pair, 65536, 0, NULL), 0);
        opt(pair.a, STK_OPT_UDP_SEGMENT, 1400);
        assert_int_equal(send_bytes(&pair, most + 1, NULL), STK_EMSGSIZE);
        assert_int_equal(send_bytes(&pair, most, NULL), most);
        settle(&pair);
        for (int64_t one = take(&pair, 65536, 0, NULL); one >= 0; one = take(&pair, 65536, 0, NULL)) {
            got += (uint32_t)one;
        }
        assert_int_equal(got, most);
        assert_int_equal(sim_counter(&pair.world.hosts[0], "endpoint.udp.tx_cut"), (most + 1399) / 1400);
        opt(pair.a, STK_OPT_UDP_SEGMENT, 0);
        assert_int_equal(send_bytes(&pair, family == STK_AF_INET ? 65508 : 65488, NULL), STK_EMSGSIZE);
        pair_end(&pair);
    }
}

/* A datagram that must stay whole: each of them, not their sum. */
static void segment__dont_fragment__each_is_looked_at(void **state)
{
    struct pair pair;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    opt(pair.a, STK_OPT_DONTFRAG, 1);
    opt(pair.a, STK_OPT_UDP_SEGMENT, 1472);
    assert_int_equal(send_bytes(&pair, 4000, NULL), 4000);
    opt(pair.a, STK_OPT_UDP_SEGMENT, 1473);
    assert_int_equal(send_bytes(&pair, 4000, NULL), STK_EMSGSIZE);
    pair_end(&pair);
}

#define CUT_TURN 256u /* datagrams of one turn */
#define MANY 3000u

/* A pair whose wire holds all of them, and whose hosts know each other's address. */
static void many_begin(struct pair *pair)
{
    pair_begin_on(pair, STK_AF_INET, "wire.delay = 10us\nwire.queue = 4000\nbuffers = 8192\n");
    opt(pair->b, STK_OPT_RCVBUF, 1 << 20);
    assert_int_equal(send_bytes(pair, 0, NULL), 0);
    settle(pair);
    assert_int_equal(take(pair, 10, 0, NULL), 0);
    opt(pair->a, STK_OPT_UDP_SEGMENT, 1);
}

static uint64_t cut_count(struct pair *pair)
{
    return sim_counter(&pair->world.hosts[0], "endpoint.udp.tx_cut");
}

/* A turn of the sender alone: how many datagrams it cut. */
static uint64_t turn_cut(struct pair *pair)
{
    const uint64_t before = cut_count(pair);
    (void)stk_engine_step(pair->world.hosts[0].engine);
    return cut_count(pair) - before;
}

static void many_take(struct pair *pair, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        assert_int_equal(take(pair, 10, 0, NULL), 1);
        assert_int_equal(in[0], out[i]);
    }
}

/* Thousands of datagrams of one call: a share of them in each turn, the order kept, other sockets not kept waiting. */
static void segment__very_many__a_share_in_each_turn(void **state)
{
    struct pair pair;
    uint32_t at = 0;
    (void)state;
    many_begin(&pair);
    struct stk_sock *other = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr addr_other = sim_addr(STK_AF_INET, 0, PORT_A + 10);
    const struct stk_iov iov = {.base = out, .len = 3};
    assert_int_equal(stk_sock_bind(other, &addr_other), STK_OK);
    const struct stk_send_info whole = {.ttl = -1, .tos = -1, .ecn = -1, .segment = UINT32_MAX};
    assert_int_equal(send_bytes(&pair, MANY, NULL), MANY);
    assert_int_equal(send_bytes(&pair, 20, &whole), 20); /* behind all of them */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(turn_cut(&pair), CUT_TURN);
    }
    assert_int_equal(stk_engine_next_event_ns(pair.world.hosts[0].engine), 0);
    assert_int_equal(stk_sock_sendto(other, &iov, 1, &pair.to), 3);
    assert_int_equal(turn_cut(&pair), CUT_TURN);
    settle(&pair);
    while (take(&pair, 10, STK_RECV_PEEK, NULL) == 1) {
        many_take(&pair, at++, 1);
    }
    assert_int_equal(at, 4 * CUT_TURN);
    assert_int_equal(take(&pair, 10, 0, NULL), 3);
    many_take(&pair, at, MANY - at);
    assert_int_equal(take(&pair, 100, 0, NULL), 20);
    assert_int_equal(cut_count(&pair), MANY);
    assert_int_equal(stk_engine_step(pair.world.hosts[0].engine), 0);
    assert_true(stk_engine_next_event_ns(pair.world.hosts[0].engine) > 0);
    assert_int_equal(stk_sock_close(other, STK_CLOSE_GRACEFUL), STK_OK);
    pair_end(&pair);
}

/* Two sockets take turns: neither's datagrams all come before the other's. */
static void segment__very_many_of_two__in_turn(void **state)
{
    struct pair pair;
    uint32_t runs = 0;
    uint32_t counts[2] = {0, 0};
    uint16_t last = 0;
    (void)state;
    many_begin(&pair);
    struct stk_sock *other = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    opt(other, STK_OPT_UDP_SEGMENT, 1);
    const struct stk_iov iov = {.base = out, .len = MANY / 2};
    assert_int_equal(send_bytes(&pair, MANY / 2, NULL), MANY / 2);
    assert_int_equal(stk_sock_sendto(other, &iov, 1, &pair.to), MANY / 2);
    settle(&pair);
    for (uint32_t i = 0; i < MANY; i++) {
        struct stk_msg_info told;
        assert_int_equal(take(&pair, 10, 0, &told), 1);
        const int which = told.from.port != PORT_A;
        assert_int_equal(in[0], out[counts[which]++]);
        runs += told.from.port != last;
        last = told.from.port;
    }
    assert_in_range(runs, 6, MANY / CUT_TURN + 3);
    assert_int_equal(stk_sock_close(other, STK_CLOSE_GRACEFUL), STK_OK);
    pair_end(&pair);
}

/* What is left over when the socket is closed still goes out; its port is free at once, and what comes for it is not lost. */
static void segment__closed_meanwhile__the_rest_goes_out(void **state)
{
    const struct stk_addr addr_a = sim_addr(STK_AF_INET, 0, PORT_A);
    const struct stk_iov iov = {.base = in, .len = sizeof(in)};
    const struct stk_iov hello = {.base = out, .len = 5};
    struct pair pair;
    (void)state;
    many_begin(&pair);
    assert_int_equal(stk_sock_sendto(pair.b, &hello, 1, &addr_a), 5); /* there when the port is another's */
    (void)stk_engine_step(pair.world.hosts[1].engine);
    assert_int_equal(send_bytes(&pair, MANY, NULL), MANY);
    assert_int_equal(stk_sock_close(pair.a, STK_CLOSE_GRACEFUL), STK_OK);
    pair.a = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(pair.a, &addr_a), STK_OK);
    pair.world.now_ns += 20000;
    assert_true(turn_cut(&pair) > 0);
    assert_true(cut_count(&pair) < MANY);
    assert_int_equal(stk_sock_recvfrom(pair.a, &iov, 1, 0, NULL), 5);
    settle(&pair);
    assert_int_equal(cut_count(&pair), MANY);
    many_take(&pair, 0, MANY);
    opt(pair.a, STK_OPT_UDP_SEGMENT, 1);
    assert_int_equal(send_bytes(&pair, MANY, NULL), MANY);
    (void)turn_cut(&pair);
    assert_int_equal(stk_sock_close(pair.a, STK_CLOSE_ABORT), STK_OK); /* dropped */
    settle(&pair);
    assert_true(cut_count(&pair) < 2 * MANY);
    pair.a = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    pair_end(&pair);
}

/* --- Merging ---------------------------------------------------------------------- */

struct merge_row {
    uint32_t sent[6]; /* sizes, 0 ends; 1 << 31: with another TOS */
    uint32_t limit;
    uint32_t room;
    uint32_t got[6]; /* what each receive gives */
    uint32_t merged[6];
};

#define MARKED (1u << 31)

/* USO-11, USO-12, USO-13. */
static void merge__sizes__equal_ones_and_a_smaller_last(void **state)
{
    static const struct merge_row rows[] = {
        {{100, 100, 100, 40, 100}, 10000, 10000, {340, 100}, {100, 0}},
        {{100, 100, 100}, 0, 10000, {100, 100, 100}, {0}},
        {{100, 100, 100}, 250, 10000, {200, 100}, {100, 0}},
        {{100, 100, 100}, 10000, 250, {200, 100}, {100, 0}},
        {{100, 100, 100}, 99, 10000, {100, 100, 100}, {0}},
        {{100, 101}, 10000, 10000, {100, 101}, {0}},
        {{100, 40, 40}, 10000, 10000, {140, 40}, {100, 0}},
        {{100, 100 | MARKED, 100 | MARKED}, 10000, 10000, {100, 200}, {0, 100}},
        {{2000, 2000}, 1500, 10000, {2000, 2000}, {0}},
        {{100}, 10000, 10000, {100}, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct merge_row *row = &rows[i];
        struct pair pair;
        pair_begin(&pair, i % 2 == 0 ? STK_AF_INET : STK_AF_INET6);
        opt(pair.b, STK_OPT_UDP_MERGE, (int32_t)row->limit);
        for (int n = 0; n < 6 && row->sent[n] != 0; n++) {
            struct stk_send_info info = plain;
            info.tos = (row->sent[n] & MARKED) != 0 ? 0x20 : 0;
            assert_true(send_bytes(&pair, row->sent[n] & ~MARKED, &info) > 0);
        }
        settle(&pair);
        for (int n = 0; n < 6 && row->got[n] != 0; n++) {
            struct stk_msg_info told;
            assert_int_equal(take(&pair, row->room, STK_RECV_PEEK, &told), row->got[n]);
            assert_int_equal(take(&pair, row->room, 0, &told), row->got[n]);
            assert_int_equal(told.merged, row->merged[n]);
            for (uint32_t at = 0; told.merged != 0 && at < row->got[n]; at += told.merged) {
                const uint32_t left = row->got[n] - at;
                assert_memory_equal(in + at, out, left < told.merged ? left : told.merged);
            }
        }
        assert_int_equal(take(&pair, row->room, 0, NULL), STK_EAGAIN);
        pair_end(&pair);
    }
}

/* USO-19, and who may not be told of it: STK_RECV_SINGLE. */
static void merge__empty_other_and_single__one_each(void **state)
{
    struct stk_msg_info told;
    struct pair pair;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    struct stk_sock *other = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_iov iov = {.base = out, .len = 50};
    opt(pair.b, STK_OPT_UDP_MERGE, 60000);
    assert_int_equal(send_bytes(&pair, 0, NULL), 0);
    assert_int_equal(send_bytes(&pair, 50, NULL), 50);
    assert_int_equal(send_bytes(&pair, 0, NULL), 0);
    assert_int_equal(send_bytes(&pair, 50, NULL), 50);
    assert_int_equal(stk_sock_sendto(other, &iov, 1, &pair.to), 50);
    assert_int_equal(stk_sock_sendto(other, &iov, 1, &pair.to), 50);
    settle(&pair);
    assert_int_equal(take(&pair, 1000, 0, &told), 0);
    assert_int_equal(take(&pair, 1000, 0, &told), 50);
    assert_int_equal(take(&pair, 1000, 0, &told), 0);
    assert_int_equal(take(&pair, 1000, STK_RECV_SINGLE, &told), 50);
    assert_false(told.more);
    assert_int_equal(told.from.port, PORT_A);
    assert_int_equal(take(&pair, 1000, STK_RECV_SINGLE, &told), 50);
    assert_true(told.more);
    assert_int_equal(told.merged, 0);
    assert_int_equal(take(&pair, 1000, 0, &told), 50);
    assert_true(told.from.port != PORT_A);
    assert_int_equal(stk_sock_close(other, STK_CLOSE_GRACEFUL), STK_OK);
    pair_end(&pair);
}

/* Into several buffers, over the end of each. */
static void merge__several_buffers__in_order(void **state)
{
    struct stk_iov iov[4] = {{in, 30}, {in + 1000, 0}, {in + 2000, 100}, {in + 3000, 500}};
    struct stk_msg_info told;
    struct pair pair;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    opt(pair.b, STK_OPT_UDP_MERGE, 60000);
    opt(pair.a, STK_OPT_UDP_SEGMENT, 70);
    assert_int_equal(send_bytes(&pair, 250, NULL), 250);
    settle(&pair);
    assert_int_equal(stk_sock_recvfrom(pair.b, iov, 4, 0, &told), 250);
    assert_int_equal(told.merged, 70);
    assert_memory_equal(in, out, 30);
    assert_memory_equal(in + 2000, out + 30, 100);
    assert_memory_equal(in + 3000, out + 130, 120);
    pair_end(&pair);
}

/* --- Times ------------------------------------------------------------------------ */

/* TSTAMP-4, TSTAMP-11, USO-20. */
static void stamp__received__by_the_clock_and_in_order(void **state)
{
    struct stk_msg_info told;
    struct pair pair;
    uint64_t before;
    (void)state;
    pair_begin(&pair, STK_AF_INET6);
    opt(pair.b, STK_OPT_UDP_STAMP_RX, 1);
    before = pair.world.now_ns;
    assert_int_equal(send_bytes(&pair, 10, NULL), 10);
    settle(&pair);
    assert_int_equal(take(&pair, 1000, 0, &told), 10);
    assert_int_equal(told.flags, STK_MSG_STAMP);
    assert_in_range(told.stamp_ns, before + 10000, pair.world.now_ns);
    assert_int_equal(told.to.family, STK_AF_INET6);
    assert_memory_equal(told.to.ip, pair.to.ip, 16);
    before = told.stamp_ns;
    opt(pair.b, STK_OPT_UDP_MERGE, 1000);
    assert_int_equal(send_bytes(&pair, 10, NULL), 10);
    settle(&pair);
    const uint64_t between = pair.world.now_ns;
    assert_int_equal(send_bytes(&pair, 10, NULL), 10);
    settle(&pair);
    assert_int_equal(take(&pair, 1000, 0, &told), 20);
    assert_in_range(told.stamp_ns, before + 1, between);
    opt(pair.b, STK_OPT_UDP_STAMP_RX, 0);
    assert_int_equal(send_bytes(&pair, 10, NULL), 10);
    settle(&pair);
    assert_int_equal(take(&pair, 1000, 0, &told), 10);
    assert_int_equal(told.flags, 0);
    pair_end(&pair);
}

/* Times of the stack's own clock. */
static int stamp_of(struct stk_sock *sock, uint32_t id, uint64_t *ns)
{
    bool by_port = false;
    const int result = stk_sock_stamp_take(sock, id, ns, &by_port);
    assert_false(by_port);
    return result;
}

static void send_stamped(const struct pair *pair, uint32_t id)
{
    struct stk_send_info info = plain;
    info.stamped = true;
    info.stamp_id = id;
    assert_int_equal(send_bytes(pair, 8, &info), 8);
}

/* TSTAMP-6 to TSTAMP-9, TSTAMP-11. */
static void stamp__sent__kept_by_id_and_no_more_than_asked_for(void **state)
{
    struct stk_send_info info = plain;
    struct pair pair;
    uint64_t first = 0;
    uint64_t second = 0;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    info.stamped = true;
    assert_int_equal(send_bytes(&pair, 8, &info), STK_EINVAL); /* none are kept */
    assert_int_equal(stk_sock_stamps_keep(pair.a, STK_STAMPS_MAX + 1), STK_EINVAL);
    assert_int_equal(stk_sock_stamps_keep(pair.a, 3), STK_OK);
    assert_int_equal(stamp_of(pair.a, 7, &first), STK_EAGAIN);
    const uint64_t before = pair.world.now_ns;
    send_stamped(&pair, 7);
    settle(&pair);
    send_stamped(&pair, 9);
    send_stamped(&pair, 7);
    send_stamped(&pair, 11); /* no room any more */
    settle(&pair);
    assert_int_equal(sim_counter(&pair.world.hosts[0], "endpoint.udp.stamps_full"), 1);
    assert_int_equal(stamp_of(pair.a, 11, &first), STK_EAGAIN);
    assert_int_equal(stamp_of(pair.a, 7, &first), STK_OK);
    assert_in_range(first, before, pair.world.now_ns);
    assert_int_equal(stamp_of(pair.a, 7, &second), STK_OK);
    assert_in_range(second, first + STK_MS_NS, pair.world.now_ns);
    assert_int_equal(stamp_of(pair.a, 7, &second), STK_EAGAIN);
    send_stamped(&pair, 12); /* 9 is still kept, and there is room again */
    send_stamped(&pair, 13);
    settle(&pair);
    assert_int_equal(stamp_of(pair.a, 13, &second), STK_OK);
    assert_int_equal(stamp_of(pair.a, 9, &first), STK_OK);
    assert_true(first < second);
    assert_int_equal(stamp_of(pair.a, 12, &second), STK_OK);
    /* TS-9: not for what is cut. */
    info.segment = 4;
    assert_int_equal(send_bytes(&pair, 8, &info), STK_EINVAL);
    assert_int_equal(stk_sock_stamps_keep(pair.a, 0), STK_OK);
    info.segment = 0;
    assert_int_equal(send_bytes(&pair, 8, &info), STK_EINVAL);
    pair_end(&pair);
}

/* Times taken out of the middle do not use the room up; many, over several chunks; given back with the socket. */
static void stamp__sent__room_of_those_taken_is_used_again(void **state)
{
    struct pair pair;
    uint64_t ns = 0;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    assert_int_equal(stk_sock_stamps_keep(pair.a, 1500), STK_OK);
    send_stamped(&pair, UINT32_MAX);
    for (uint32_t i = 0; i < 4000; i++) {
        send_stamped(&pair, i);
        sim_world_run_until(&pair.world, pair.world.now_ns + 20000);
        assert_int_equal(stamp_of(pair.a, i, &ns), STK_OK);
    }
    assert_int_equal(stamp_of(pair.a, UINT32_MAX, &ns), STK_OK);
    assert_int_equal(sim_counter(&pair.world.hosts[0], "endpoint.udp.stamps_full"), 0);
    pair_end(&pair);
}

/* A bounded number of sockets, and a stream is none of them. */
static void stamp__others__refused(void **state)
{
    enum { MOST = 64 };
    struct stk_sock *socks[MOST + 1];
    struct pair pair;
    (void)state;
    pair_begin(&pair, STK_AF_INET);
    struct stk_sock *stream = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    assert_int_equal(stk_sock_stamps_keep(stream, 1), STK_EOPNOTSUPP);
    assert_int_equal(stk_sock_close(stream, STK_CLOSE_GRACEFUL), STK_OK);
    for (int i = 0; i <= MOST; i++) {
        socks[i] = sim_open(&pair.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_stamps_keep(socks[i], 1), i < MOST ? STK_OK : STK_ENOMEM);
    }
    for (int i = 0; i <= MOST; i++) {
        assert_int_equal(stk_sock_close(socks[i], STK_CLOSE_GRACEFUL), STK_OK);
    }
    settle(&pair);
    assert_int_equal(stk_sock_stamps_keep(pair.a, 1), STK_OK);
    pair_end(&pair);
}

#define AHEAD (7 * STK_S_NS) /* of the port's clock */

/* TSTAMP-10: ports with a clock of their own: what they tell is told, in their time. */
static void stamp__ports_with_a_clock__their_time(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct stk_msg_info told;
        struct pair pair;
        uint64_t ns = 0;
        bool by_port = false;
        pair_begin_on(&pair, family, "wire.delay = 10us\nwire.clock = 7s\n");
        opt(pair.b, STK_OPT_UDP_STAMP_RX, 1);
        assert_int_equal(stk_sock_stamps_keep(pair.a, 100), STK_OK);
        send_stamped(&pair, 1); /* the neighbour is asked for first: handed to the queue, by the stack's clock */
        settle(&pair);
        assert_int_equal(stk_sock_stamp_take(pair.a, 1, &ns, &by_port), STK_OK);
        assert_false(by_port);
        assert_int_equal(take(&pair, 1000, 0, &told), 8);
        for (uint32_t id = 2; id < 20; id++) {
            const uint64_t before = pair.world.now_ns;
            struct stk_send_info info = plain;
            const uint32_t bytes = id % 2 != 0 ? 8 : 4000; /* in fragments too */
            info.stamped = true;
            info.stamp_id = id;
            assert_int_equal(send_bytes(&pair, 100, NULL), 100); /* gathered before it, and not meant */
            assert_int_equal(send_bytes(&pair, bytes, &info), bytes);
            settle(&pair);
            assert_int_equal(stk_sock_stamp_take(pair.a, id, &ns, &by_port), STK_OK);
            assert_true(by_port);
            assert_in_range(ns, before + AHEAD, before + AHEAD + STK_MS_NS);
            assert_int_equal(take(&pair, 5000, 0, &told), 100);
            assert_int_equal(take(&pair, 5000, 0, &told), bytes);
            if (bytes == 8) { /* put together again it has no port's time */
                assert_int_equal(told.flags, STK_MSG_STAMP | STK_MSG_STAMP_PORT);
                assert_int_equal(told.stamp_ns, ns + 10000);
            }
        }
        const struct stk_addr self = sim_addr(family, 0, PORT_A); /* within the host there is no port */
        const struct stk_iov iov = {.base = out, .len = 8};
        struct stk_send_info info = plain;
        info.stamped = true;
        info.stamp_id = 50;
        assert_int_equal(stk_sock_sendmsg(pair.a, &iov, 1, &self, &info), 8);
        settle(&pair);
        assert_int_equal(stk_sock_stamp_take(pair.a, 50, &ns, &by_port), STK_OK);
        assert_false(by_port);
        for (uint32_t i = 0; i < 90; i++) { /* more than a port keeps, none of them asked for in between */
            send_stamped(&pair, 100 + i);
        }
        settle(&pair);
        for (uint32_t i = 0; i < 90; i++) {
            assert_int_equal(stk_sock_stamp_take(pair.a, 100 + i, &ns, &by_port), STK_OK);
            assert_true(by_port);
        }
        pair_end(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment__sizes__datagrams_of_that_size_and_a_rest),
        cmocka_unit_test(segment__largest__one_byte_more_is_too_long),
        cmocka_unit_test(segment__dont_fragment__each_is_looked_at),
        cmocka_unit_test(segment__very_many__a_share_in_each_turn),
        cmocka_unit_test(segment__very_many_of_two__in_turn),
        cmocka_unit_test(segment__closed_meanwhile__the_rest_goes_out),
        cmocka_unit_test(merge__sizes__equal_ones_and_a_smaller_last),
        cmocka_unit_test(merge__empty_other_and_single__one_each),
        cmocka_unit_test(merge__several_buffers__in_order),
        cmocka_unit_test(stamp__received__by_the_clock_and_in_order),
        cmocka_unit_test(stamp__sent__kept_by_id_and_no_more_than_asked_for),
        cmocka_unit_test(stamp__sent__room_of_those_taken_is_used_again),
        cmocka_unit_test(stamp__others__refused),
        cmocka_unit_test(stamp__ports_with_a_clock__their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

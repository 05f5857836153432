/*
 * Datagrams of requests that pass lwIP by: the same frames as lwIP's, the same
 * receivers, nothing taken that lwIP would drop, and nothing remembered after
 * something changed.
 */
#include "sim_rio.h"
#include "sim_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SRC_PORT 0x3039 /* of the third port's datagrams */

/** The last UDP frame from host 0. */
struct seen {
    struct sim_frame frame;
    uint32_t count;
};

static void sniff(void *context, const uint8_t *frame, uint32_t len)
{
    struct seen *seen = context;
    if (len >= 42 && frame[12] == 0x08 && frame[13] == 0 && frame[23] == 17 && frame[29] == 1) {
        memcpy(seen->frame.bytes, frame, len);
        seen->frame.len = len;
        seen->count++;
    }
}

static uint64_t tx_known(struct sim_rio_pair *pair)
{
    return sim_counter(&pair->world.hosts[0], "endpoint.udp.rio_tx_known");
}

static uint64_t rx_known(struct sim_rio_pair *pair)
{
    return sim_counter(&pair->world.hosts[1], "endpoint.udp.rio_rx_known");
}

/** A frame whose checksums are right, its identification wiped out. */
static void comparable(const struct sim_frame *frame, struct sim_frame *out)
{
    *out = *frame;
    sim_frame_seal(out);
    assert_int_equal(out->len, frame->len);
    assert_memory_equal(out->bytes, frame->bytes, frame->len);
    memset(out->bytes + 18, 0, 2);
    memset(out->bytes + 24, 0, 2);
}

static void sent__known_destination__lwips_frame(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1472, 0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1471, 1472};
    struct sim_rio_pair pair;
    struct sim_wire wire;
    static struct seen seen;
    sim_rio_dgrams(&pair, STK_AF_INET, 91, "", 8);
    sim_wire_open(&wire, &pair.world);
    wire.sniff = sniff;
    wire.context = &seen;
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        sim_rio_fill(pair.a.bytes, 1500, (uint32_t)i * 11);
        const struct stk_iov iov = {.base = pair.a.bytes, .len = sizes[i]};
        assert_int_equal(stk_sock_sendto(pair.a.sock, &iov, 1, &to), sizes[i]);
        sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
        sim_wire_drain(&wire);
        static struct sim_frame slow;
        comparable(&seen.frame, &slow);
        assert_int_equal(slow.len, 42 + sizes[i]);
        const uint64_t known = tx_known(&pair);
        for (uint32_t k = 0; k < 3; k++) {
            const uint32_t count = seen.count;
            assert_int_equal(sim_rio_post_to(&pair.a, 0, sizes[i], 0, k, &to), STK_OK);
            assert_int_equal(sim_rio_take(&pair, &pair.a).bytes, sizes[i]);
            sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
            sim_wire_drain(&wire);
            assert_int_equal(seen.count, count + 1);
            static struct sim_frame fast;
            comparable(&seen.frame, &fast);
            assert_int_equal(fast.len, slow.len);
            assert_memory_equal(fast.bytes, slow.bytes, slow.len);
        }
        assert_true(tx_known(&pair) >= known + 2);
    }
    sim_wire_close(&wire);
    sim_rio_close(&pair);
}

static void sent__option_changed__next_one_has_it(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct sim_wire wire;
    static struct seen seen;
    sim_rio_dgrams(&pair, STK_AF_INET, 92, "", 8);
    sim_wire_open(&wire, &pair.world);
    wire.sniff = sniff;
    wire.context = &seen;
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    for (int32_t ttl = 5; ttl < 9; ttl++) {
        assert_int_equal(stk_sock_opt_set(pair.a.sock, STK_OPT_TTL, &ttl, sizeof(ttl)), STK_OK);
        for (uint32_t k = 0; k < 3; k++) {
            assert_int_equal(sim_rio_post_to(&pair.a, 0, 20, 0, k, &to), STK_OK);
            (void)sim_rio_take(&pair, &pair.a);
            sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
            sim_wire_drain(&wire);
            assert_int_equal(seen.frame.bytes[22], ttl);
        }
    }
    /* a wish for one datagram is not remembered for the next */
    struct stk_rio_req req = {.mem = pair.a.mem,
                              .base = pair.a.bytes,
                              .len = 20,
                              .flags = STK_RIO_WISHES,
                              .send = {.ttl = 77, .tos = -1, .ecn = -1},
                              .to = to};
    assert_int_equal(stk_rio_post(pair.a.rq, STK_RIO_SEND, &req), STK_OK);
    (void)sim_rio_take(&pair, &pair.a);
    sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    sim_wire_drain(&wire);
    assert_int_equal(seen.frame.bytes[22], 77);
    assert_int_equal(sim_rio_post_to(&pair.a, 0, 20, 0, 1, &to), STK_OK);
    (void)sim_rio_take(&pair, &pair.a);
    sim_world_run_until(&pair.world, pair.world.now_ns + STK_MS_NS);
    sim_wire_drain(&wire);
    assert_int_equal(seen.frame.bytes[22], 8);
    sim_wire_close(&wire);
    sim_rio_close(&pair);
}

/** Sends a frame of the third port and says whether b's next receive got it. */
static bool frame_taken(struct sim_rio_pair *pair, struct sim_wire *wire, const struct sim_frame *frame, uint32_t len)
{
    struct stk_rio_done done;
    sim_wire_frame(wire, frame);
    sim_world_run_until(&pair->world, pair->world.now_ns + STK_MS_NS);
    if (stk_rio_cq_take(pair->b.cq, &done, 1) == 0) {
        return false;
    }
    assert_int_equal(done.status, STK_OK);
    assert_int_equal(done.bytes, len);
    assert_int_equal(done.info->from.port, SRC_PORT);
    assert_int_equal(done.info->from.ip[3], 0x77);
    assert_int_equal(done.info->to.port, SIM_RIO_PORT_B);
    assert_int_equal(done.info->to.ip[3], 2);
    assert_int_equal(done.info->if_index, 2);
    assert_int_equal(done.info->full_size, len);
    assert_memory_equal(pair->b.bytes, frame->bytes + 42, len);
    return true;
}

static void received__every_kind_of_bad_frame__as_lwip_does(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct sim_wire wire;
    static struct sim_frame good;
    sim_rio_dgrams(&pair, STK_AF_INET, 93, "", 8);
    sim_wire_open(&wire, &pair.world);
    uint8_t payload[64];
    sim_rio_fill(payload, sizeof(payload), 1);
    sim_frame_udp(&good, STK_AF_INET, 1, SIM_RIO_PORT_B, payload, sizeof(payload));
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 100, STK_RIO_INFO, 1), STK_OK);
    assert_true(frame_taken(&pair, &wire, &good, 64));
    /* Which bytes may differ is lwIP's to say: each is tried on both ways, right after the good one. */
    for (uint32_t at = 0; at < good.len; at++) {
        static struct sim_frame bad;
        bool taken[2];
        bad = good;
        bad.bytes[at] ^= 0x21;
        for (uint32_t way = 0; way < 2; way++) {
            const uint64_t known = rx_known(&pair);
            for (uint32_t i = 0; i < 2; i++) {
                assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 100, STK_RIO_INFO, 1), STK_OK);
                assert_true(frame_taken(&pair, &wire, &good, 64));
            }
            assert_true(rx_known(&pair) > known);
            if (way == 1) { /* forget: lwIP's own verdict */
                const int32_t ttl = 64;
                assert_int_equal(stk_sock_opt_set(pair.b.sock, STK_OPT_TTL, &ttl, sizeof(ttl)), STK_OK);
            }
            assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 100, STK_RIO_INFO, 1), STK_OK);
            taken[way] = frame_taken(&pair, &wire, &bad, 64);
            if (!taken[way]) { /* the receive is still there */
                assert_true(frame_taken(&pair, &wire, &good, 64));
            }
        }
        if (taken[0] != taken[1] || (at >= 14 && taken[0])) {
            fail_msg("byte %u: %d, lwIP %d", at, taken[0], taken[1]);
        }
    }
    sim_wire_close(&wire);
    sim_rio_close(&pair);
}

static void received__odd_but_right__delivered(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct sim_wire wire;
    static struct sim_frame frame;
    uint8_t payload[64];
    sim_rio_dgrams(&pair, STK_AF_INET, 94, "", 8);
    sim_wire_open(&wire, &pair.world);
    sim_rio_fill(payload, sizeof(payload), 1);
    for (uint32_t len = 0; len < 64; len++) {
        sim_frame_udp(&frame, STK_AF_INET, 1, SIM_RIO_PORT_B, payload, len);
        if (frame.len < 60) { /* padded as Ethernet wants it */
            memset(frame.bytes + frame.len, 0xaa, 60 - frame.len);
            frame.len = 60;
        }
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 64, STK_RIO_INFO, 1), STK_OK);
        assert_true(frame_taken(&pair, &wire, &frame, len));
        frame.bytes[40] = 0; /* no checksum */
        frame.bytes[41] = 0;
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 64, STK_RIO_INFO, 1), STK_OK);
        assert_true(frame_taken(&pair, &wire, &frame, len));
    }
    assert_true(rx_known(&pair) > 100);
    sim_wire_close(&wire);
    sim_rio_close(&pair);
}

static void received__socket_changed__no_longer_its(void **state)
{
    (void)state;
    struct sim_rio_pair pair;
    struct sim_wire wire;
    static struct sim_frame frame;
    uint8_t payload[64] = {1};
    uint8_t in[64];
    const struct stk_iov iov = {.base = in, .len = sizeof(in)};
    sim_rio_dgrams(&pair, STK_AF_INET, 95, "", 8);
    sim_wire_open(&wire, &pair.world);
    sim_frame_udp(&frame, STK_AF_INET, 1, SIM_RIO_PORT_B, payload, sizeof(payload));
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 64, STK_RIO_INFO, i), STK_OK);
        assert_true(frame_taken(&pair, &wire, &frame, 64));
    }
    assert_int_equal(rx_known(&pair), 3);
    /* nothing posted: the ordinary queue, and that first afterwards */
    sim_wire_frame(&wire, &frame);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 10, 0, 9), STK_OK);
    assert_int_equal(sim_rio_take(&pair, &pair.b).status, STK_EMSGSIZE);
    /* connected to somebody else */
    const struct stk_addr other = sim_addr(STK_AF_INET, 0, SIM_RIO_PORT_A);
    assert_int_equal(stk_sock_connect(pair.b.sock, &other), STK_OK);
    assert_int_equal(sim_rio_post(&pair.b, STK_RIO_RECV, 0, 64, STK_RIO_INFO, 1), STK_OK);
    assert_false(frame_taken(&pair, &wire, &frame, 64));
    const struct stk_addr none = {.family = STK_AF_NONE};
    assert_int_equal(stk_sock_connect(pair.b.sock, &none), STK_OK);
    assert_true(frame_taken(&pair, &wire, &frame, 64));
    /* closed, and its port another's */
    assert_int_equal(stk_sock_close(pair.b.sock, STK_CLOSE_GRACEFUL), STK_OK);
    pair.b.sock = NULL;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, SIM_RIO_PORT_B);
    struct stk_sock *next = sim_open(&pair.world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(next, &addr), STK_OK);
    sim_wire_frame(&wire, &frame);
    (void)sim_wait(&pair.world.hosts[1], next, STK_READY_IN);
    assert_int_equal(stk_sock_recvfrom(next, &iov, 1, 0, NULL), 64);
    assert_int_equal(stk_sock_close(next, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_rio_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent__known_destination__lwips_frame),
        cmocka_unit_test(sent__option_changed__next_one_has_it),
        cmocka_unit_test(received__every_kind_of_bad_frame__as_lwip_does),
        cmocka_unit_test(received__odd_but_right__delivered),
        cmocka_unit_test(received__socket_changed__no_longer_its),
    };
    return cmocka_run_group_tests_name("sim_rio_fast", tests, NULL, NULL);
}

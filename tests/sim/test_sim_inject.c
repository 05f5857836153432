/*
 * Well-formed frames with bad intent into a live engine: fragments that overlap
 * or never end, bad TCP options, injected segments, random changes. Its streams
 * go on, and every pool comes back.
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned seeds_count = 40;
static unsigned seeds_first = 1;

/* --- Fragments ------------------------------------------------------------------- */

struct piece {
    uint32_t offset;
    uint32_t len;
    bool more;
};

/* A datagram's bytes, UDP header first; the checksum of IPv4 is left out, so that any prefix may be delivered. */
static void pieces_send(struct sim_scene *scene, int family, uint32_t id, const struct piece *pieces, uint32_t count)
{
    static uint8_t bytes[1400];
    static struct sim_frame frame;
    for (uint32_t i = 0; i < count; i++) {
        memset(bytes, (int)(0x40 + i), sizeof(bytes));
        if (pieces[i].offset == 0) {
            memcpy(bytes, (uint8_t[]){0x30, 0x39, SIM_UDP_PORT >> 8, SIM_UDP_PORT & 255, 0, 200, 0, 0}, 8);
        }
        sim_frame_frag(&frame, family, SIM_VICTIM, id, pieces[i].offset, pieces[i].more, bytes, pieces[i].len);
        sim_wire_frame(&scene->wire, &frame);
    }
}

/* Pieces that overlap never make a datagram together; a contained one may be dropped alone. */
static void fragments__overlapping__nothing_delivered(void **state)
{
    static const struct {
        const char *name;
        uint32_t count;
        bool dropped; /* only the overlapping piece is: the others make the datagram */
        struct piece pieces[4];
    } rows[] = {
        {"teardrop", 2, false, {{0, 64, true}, {24, 8, false}}},
        {"second inside first, then the end", 3, true, {{0, 104, true}, {48, 16, true}, {104, 96, false}}},
        {"end overlaps", 2, false, {{0, 104, true}, {96, 104, false}}},
        {"shrinking end", 3, false, {{104, 96, false}, {0, 64, true}, {64, 80, false}}},
        {"backwards, overlapping", 3, false, {{96, 104, false}, {48, 56, true}, {0, 56, true}}},
        {"beyond the end", 3, true, {{64, 40, false}, {0, 64, true}, {104, 64, true}}},
        {"offset past 65535", 2, false, {{0, 64, true}, {65528, 800, false}}},
        {"middle of odd length", 2, false, {{0, 61, true}, {64, 136, false}}},
        {"empty piece", 2, false, {{0, 64, true}, {64, 0, true}}},
        {"only an end", 1, false, {{200, 64, false}}},
    };
    static struct sim_scene scene;
    (void)state;
    sim_scene_open(&scene, 200, "");
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        for (int i = 0; i < 2; i++) {
            print_message("%s, IPv%d\n", rows[row].name, i == 0 ? 4 : 6);
            pieces_send(&scene, sim_families[i], (uint32_t)(1000 + row), rows[row].pieces, rows[row].count);
            uint8_t got[256];
            const struct stk_iov iov = {.base = got, .len = sizeof(got)};
            const int64_t bytes = stk_sock_recvfrom(scene.udp[i], &iov, 1, 0, NULL);
            if (bytes != STK_EAGAIN && (!rows[row].dropped || got[45] != 0x40)) {
                fail_msg("%s: delivered, %lld bytes, one inside %#x", rows[row].name, (long long)bytes, got[45]);
            }
        }
        sim_scene_move(&scene, 3000);
    }
    sim_scene_close(&scene);
}

/* Exact copies are harmless: the datagram arrives, once. */
static void fragments__repeated__delivered_once(void **state)
{
    static const struct piece pieces[] = {{0, 104, true}, {0, 104, true}, {104, 96, false}};
    static struct sim_scene scene;
    (void)state;
    sim_scene_open(&scene, 201, "");
    pieces_send(&scene, STK_AF_INET, 7, pieces, 3);
    assert_int_equal(sim_dgrams_take(scene.udp[0]), 1);
    sim_scene_close(&scene);
}

/* A whole datagram in pieces still comes through. */
static void fragments_pass(struct sim_scene *scene)
{
    static uint8_t bytes[30000];
    for (int i = 0; i < 2; i++) {
        struct stk_sock *sock = sim_open(&scene->world.hosts[0], sim_families[i], STK_SOCK_DGRAM);
        const struct stk_addr to = sim_addr(sim_families[i], SIM_VICTIM, SIM_UDP_PORT);
        const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};
        assert_int_equal(stk_sock_sendto(sock, &iov, 1, &to), sizeof(bytes));
        (void)sim_wait(&scene->world.hosts[SIM_VICTIM], scene->udp[i], STK_READY_IN);
        assert_int_equal(sim_dgrams_take(scene->udp[i]), 1);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    }
}

static void fragments__bombs__streams_go_on_and_pools_recover(void **state)
{
    static struct sim_scene scene;
    static const struct piece first = {0, 1200, true};
    (void)state;
    sim_scene_open(&scene, 202, "");
    fragments_pass(&scene);
    for (uint32_t id = 0; id < 3000; id++) { /* many datagrams that never end */
        pieces_send(&scene, sim_families[id & 1], 5000 + id, &first, 1);
        if (id % 250 == 0) {
            sim_scene_move(&scene, 5000);
        }
    }
    sim_scene_move(&scene, 50000);
    for (uint32_t id = 0; id < 80; id++) { /* and long ones with a hole */
        for (uint32_t at = 8; at < 48; at++) {
            const struct piece piece = {at * 1200, 1200, true};
            pieces_send(&scene, sim_families[id & 1], 9000 + id, &piece, 1);
        }
        if (id % 10 == 0) {
            sim_scene_move(&scene, 5000);
        }
    }
    sim_scene_move(&scene, 50000);
    sim_world_run_until(&scene.world, scene.world.now_ns + 70 * STK_S_NS);
    fragments_pass(&scene);
    sim_scene_close(&scene);
}

/* --- TCP options -------------------------------------------------------------------- */

static void options__truncated_or_nonsense__listener_still_serves(void **state)
{
    static const uint8_t rows[][20] = {
        {2, 0},       {2, 1},       {2, 3, 5},     {2, 40, 5, 0xb4}, {1, 1, 1, 2},     {3, 3, 255},
        {3, 0},       {3, 2},       {8, 10, 0, 0}, {8, 1},           {4, 0},           {4, 255},
        {5, 2},       {5, 10, 1},   {5, 0},        {253, 0},         {253, 1},         {254, 255},
        {2, 4, 0, 0}, {2, 4, 0, 1}, {0, 0, 0, 0},  {0, 2, 4, 5},     {2, 4, 255, 255}, {3, 3, 14, 3, 3, 15},
    };
    static struct sim_scene scene;
    static struct sim_frame frame;
    (void)state;
    sim_scene_open(&scene, 203, "");
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        for (uint32_t len = 4; len <= 20; len += 16) {
            for (int i = 0; i < 2; i++) {
                struct sim_tcp syn = {.src_port = (uint16_t)(2000 + row * 4 + len / 16),
                                      .dst_port = SIM_TCP_PORT,
                                      .seq = 100,
                                      .flags = SIM_SYN,
                                      .window = 1000,
                                      .options = rows[row],
                                      .options_len = len};
                sim_frame_tcp(&frame, sim_families[i], SIM_VICTIM, &syn);
                sim_wire_frame(&scene.wire, &frame);
                syn.flags = SIM_RST; /* make room again */
                syn.seq = 101;
                sim_frame_tcp(&frame, sim_families[i], SIM_VICTIM, &syn);
                sim_wire_frame(&scene.wire, &frame);
            }
        }
    }
    for (uint32_t offset = 0; offset < 16; offset++) { /* every data offset, true or not */
        for (int i = 0; i < 2; i++) {
            const struct sim_tcp syn = {.src_port = (uint16_t)(3000 + offset),
                                        .dst_port = SIM_TCP_PORT,
                                        .flags = SIM_SYN,
                                        .options = rows[0],
                                        .options_len = 8};
            sim_frame_tcp(&frame, sim_families[i], SIM_VICTIM, &syn);
            frame.bytes[SIM_ETH_BYTES + (i == 0 ? SIM_IP4_BYTES : SIM_IP6_BYTES) + 12] = (uint8_t)(offset << 4);
            sim_frame_seal(&frame);
            sim_wire_frame(&scene.wire, &frame);
        }
    }
    sim_scene_move(&scene, 10000);
    sim_world_run_until(&scene.world, scene.world.now_ns + 100 * STK_S_NS); /* half-open ones give up */
    struct stk_sock *sock = sim_open(&scene.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr to = sim_addr(STK_AF_INET, SIM_VICTIM, SIM_TCP_PORT);
    assert_int_equal(stk_sock_connect(sock, &to), STK_EINPROGRESS);
    const uint32_t ready = sim_wait(&scene.world.hosts[0], sock, STK_READY_CONN | STK_READY_FAIL);
    if (ready != STK_READY_CONN) {
        fail_msg("connect: %s", stk_err_name(stk_sock_error_take(sock)));
    }
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_scene_close(&scene);
}

/* --- Injected segments ----------------------------------------------------------------- */

static void inject(struct sim_scene *scene, int i, uint8_t flags, int64_t seq_off, int64_t ack_off, uint32_t len)
{
    static const uint8_t junk[1000] = {0xee, 0xee};
    static struct sim_frame frame;
    const struct sim_tcp_seen *peer = &scene->wire.tcp[0];
    const struct sim_tcp_seen *own = &scene->wire.tcp[SIM_VICTIM];
    assert_true(peer->valid && own->valid);
    const struct sim_tcp segment = {.src_port = own->dst_port,
                                    .dst_port = own->src_port,
                                    .seq = (uint32_t)(own->ack + seq_off),
                                    .ack = (uint32_t)(own->seq_end + ack_off),
                                    .flags = flags,
                                    .window = 8000,
                                    .payload = junk,
                                    .payload_len = len};
    sim_frame_tcp(&frame, sim_families[i], SIM_VICTIM, &segment);
    sim_frame_from(&frame, 0);
    sim_frame_seal(&frame);
    sim_wire_frame(&scene->wire, &frame);
}

/* RFC 5961, RFC 9293 3.10.7.4: only an exact RST ends a connection; nothing else that is off does any harm. */
static void segments__injected_beside_the_window__stream_lives(void **state)
{
    static const struct {
        const char *name;
        uint8_t flags;
        int64_t seq_off;
        int64_t ack_off;
        uint32_t len;
    } rows[] = {
        {"RST one before", SIM_RST, -1, 0, 0},
        {"RST one behind", SIM_RST, 1, 0, 0},
        {"RST in the window", SIM_RST, 1000, 0, 0},
        {"RST far away", SIM_RST, 1 << 30, 0, 0},
        {"RST ACK in the window", SIM_RST | SIM_ACK, 500, 0, 0},
        {"SYN in place", SIM_SYN, 0, 0, 0},
        {"SYN in the window", SIM_SYN, 700, 0, 0},
        {"SYN before", SIM_SYN, -1, 0, 0},
        {"SYN ACK", SIM_SYN | SIM_ACK, 0, 0, 0},
        {"data before the window", SIM_ACK, -2000, 0, 1000},
        {"data behind the window", SIM_ACK, 100 << 20, 0, 1000},
        {"ACK of the future", SIM_ACK, 0, 100000, 0},
        {"data with an ACK of the future", SIM_ACK | SIM_PSH, 0, 100000, 100},
        {"data with an ACK of long ago", SIM_ACK | SIM_PSH, 0, -(1 << 30), 100},
        {"data without ACK", SIM_PSH, 0, 0, 100},
        {"FIN without ACK", SIM_FIN, 0, 0, 0},
        {"nothing", 0, 0, 0, 0},
        {"FIN with an ACK of the future", SIM_FIN | SIM_ACK, 0, 100000, 0},
        {"all flags, in the window", 0x3f, 5, 0, 10},
    };
    static struct sim_scene scene;
    (void)state;
    sim_scene_open(&scene, 204, "");
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        for (int i = 0; i < 2; i++) {
            print_message("%s, IPv%d\n", rows[row].name, i == 0 ? 4 : 6);
            sim_flow_move(&scene.flows[i], 2000);
            sim_world_run_until(&scene.world, scene.world.now_ns + STK_S_NS); /* acknowledged: nothing is under way */
            sim_flow_move(&scene.flows[i], 1);
            sim_world_run_until(&scene.world, scene.world.now_ns + STK_S_NS);
            sim_wire_drain(&scene.wire);
            inject(&scene, i, rows[row].flags, rows[row].seq_off, rows[row].ack_off, rows[row].len);
            sim_flow_move(&scene.flows[i], 2000);
        }
    }
    sim_scene_close(&scene);
}

static void segments__exact_reset__connection_ends(void **state)
{
    static struct sim_scene scene;
    uint8_t byte;
    const struct stk_iov iov = {.base = &byte, .len = 1};
    (void)state;
    sim_scene_open(&scene, 205, "");
    sim_flow_move(&scene.flows[0], 2000);
    sim_world_run_until(&scene.world, scene.world.now_ns + STK_S_NS);
    sim_wire_drain(&scene.wire);
    inject(&scene, 0, SIM_RST, 0, 0, 0);
    assert_int_equal(stk_sock_recv(scene.flows[0].ends[SIM_VICTIM], &iov, 1, 0), STK_ECONNRESET);
    sim_flow_close(&scene.flows[0]);
    sim_flow_open(&scene.flows[0], &scene.world, STK_AF_INET, 7100);
    sim_scene_close(&scene);
}

/* --- Random changes ------------------------------------------------------------------------ */

struct recorder {
    struct sim_frame frames[64];
    uint32_t count;
};

static void record(void *context, const uint8_t *frame, uint32_t len)
{
    struct recorder *recorder = context;
    if (frame[5] == SIM_VICTIM + 1 && len <= SIM_FRAME_MAX) {
        struct sim_frame *slot = &recorder->frames[recorder->count++ % 64];
        memcpy(slot->bytes, frame, len);
        slot->len = len;
    }
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z >> 32) % below);
}

/* Sealed again it would be a valid word of the peer: then it comes from somebody else. */
static void frame_change(struct sim_frame *frame, uint64_t *random)
{
    const uint32_t changes = 1 + draw(random, 4);
    for (uint32_t i = 0; i < changes && frame->len > SIM_ETH_BYTES; i++) {
        const uint32_t span = frame->len - SIM_ETH_BYTES < 90 ? frame->len - SIM_ETH_BYTES : 90;
        static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
        uint8_t *at = &frame->bytes[SIM_ETH_BYTES + draw(random, span)];
        *at = draw(random, 2) != 0 ? values[draw(random, sizeof(values))] : (uint8_t)draw(random, 256);
    }
    if (draw(random, 8) == 0) {
        frame->len = SIM_ETH_BYTES + draw(random, frame->len - SIM_ETH_BYTES + 1);
    }
    if (draw(random, 4) != 0) {
        sim_frame_from(frame, 0x76 + (int)draw(random, 4));
        sim_frame_seal(frame);
    }
}

static void fuzz_seed(unsigned seed)
{
    static struct sim_scene scene;
    static struct recorder recorder;
    uint64_t random = seed;
    memset(&recorder, 0, sizeof(recorder));
    sim_scene_open(&scene, seed, (seed & 1) != 0 ? "" : "wire.offload = no\n");
    scene.wire.sniff = record;
    scene.wire.context = &recorder;
    sim_scene_move(&scene, 20000);
    fragments_pass(&scene);
    scene.wire.sniff = NULL;
    const uint32_t have = recorder.count < 64 ? recorder.count : 64;
    for (uint32_t i = 0; i < 2000; i++) {
        static struct sim_frame frame;
        frame = recorder.frames[draw(&random, have)];
        frame_change(&frame, &random);
        sim_wire_frame(&scene.wire, &frame);
        if (i % 200 == 0) {
            sim_scene_move(&scene, 2000);
            for (int f = 0; f < 2; f++) {
                (void)sim_dgrams_take(scene.raw[f]);
                (void)sim_dgrams_take(scene.udp[f]);
            }
        }
    }
    sim_world_run_until(&scene.world, scene.world.now_ns + 70 * STK_S_NS);
    sim_scene_close(&scene);
}

static void random_changes__every_seed__streams_go_on(void **state)
{
    (void)state;
    for (unsigned seed = seeds_first; seed < seeds_first + seeds_count; seed++) {
        print_message("seed %u\n", seed);
        fuzz_seed(seed);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        seeds_count = (unsigned)strtoul(argv[1], NULL, 10);
    }
    if (argc > 2) {
        seeds_first = (unsigned)strtoul(argv[2], NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments__overlapping__nothing_delivered),
        cmocka_unit_test(fragments__repeated__delivered_once),
        cmocka_unit_test(fragments__bombs__streams_go_on_and_pools_recover),
        cmocka_unit_test(options__truncated_or_nonsense__listener_still_serves),
        cmocka_unit_test(segments__injected_beside_the_window__stream_lives),
        cmocka_unit_test(segments__exact_reset__connection_ends),
        cmocka_unit_test(random_changes__every_seed__streams_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

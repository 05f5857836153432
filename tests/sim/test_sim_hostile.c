/*
 * Torn frames and wrong checksums into a live engine: its streams go on, nothing
 * of it is delivered, and every pool comes back.
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KINDS 16

static const int *const families = sim_families;

/* --- Torn frames --------------------------------------------------------------- */

static void frame_tcp_syn(struct sim_frame *frame, int family)
{
    static const uint8_t options[] = {2, 4, 5, 0xb4, 3, 3, 7, 1, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
    const struct sim_tcp syn = {.src_port = 4000,
                                .dst_port = SIM_TCP_PORT,
                                .seq = 1000,
                                .flags = SIM_SYN,
                                .window = 8192,
                                .options = options,
                                .options_len = sizeof(options)};
    sim_frame_tcp(frame, family, SIM_VICTIM, &syn);
}

static void frame_arp(struct sim_frame *frame)
{
    static const uint8_t arp[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 9,  0x77, 8, 6,
                                  0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0,    9, 0x77,
                                  10,   9,    0,    0x77, 0,    0,    0, 0, 0, 0, 10, 9,    0, 2};
    memset(frame, 0, sizeof(*frame));
    memcpy(frame->bytes, arp, sizeof(arp));
    frame->len = 60;
}

/* ICMPv6 with hop limit 255, as neighbour discovery and MLD want it. */
static void frame_icmp6(struct sim_frame *frame, const uint8_t *message, uint32_t len, uint8_t hops)
{
    sim_frame_ip(frame, STK_AF_INET6, SIM_VICTIM, 58, message, len);
    frame->bytes[SIM_ETH_BYTES + 7] = hops;
}

static void frame_neighbour(struct sim_frame *frame, uint8_t type)
{
    uint8_t message[32] = {type, 0, 0, 0, 0x60, 0, 0, 0, 0xfd, 0, 0, 9};
    message[8 + 15] = type == 135 ? 2 : 0x77;
    memcpy(message + 24, (uint8_t[]){type == 135 ? 1 : 2, 1, 2, 0, 0, 0, 9, 0x77}, 8);
    frame_icmp6(frame, message, sizeof(message), 255);
}

static void frame_router(struct sim_frame *frame)
{
    static const uint8_t message[] = {
        134,  0, 0,  0,    64, 0, 0, 30,   0, 0, 0, 0,  0, 0, 0, 0,    /* advertisement */
        1,    1, 2,  0,    0,  0, 9, 0x77, 5, 1, 0, 0,  0, 0, 5, 0xdc, /* link address, MTU */
        3,    4, 64, 0xc0, 0,  0, 0, 60,   0, 0, 0, 30, 0, 0, 0, 0,    /* prefix */
        0xfd, 0, 0,  0x99, 0,  0, 0, 0,    0, 0, 0, 0,  0, 0, 0, 0};
    frame_icmp6(frame, message, sizeof(message), 255);
    memcpy(frame->bytes + SIM_ETH_BYTES + 8, (uint8_t[]){0xfe, 0x80}, 2);
    memset(frame->bytes + SIM_ETH_BYTES + 10, 0, 13);
    sim_frame_seal(frame);
}

/* Hop by hop, destination options and routing in front of UDP. */
static void frame_extensions(struct sim_frame *frame)
{
    uint8_t bytes[8 + 8 + 24 + 8 + 40] = {60, 0, 5, 2, 0, 0, 1, 0};
    memcpy(bytes + 8, (uint8_t[]){43, 0, 1, 4, 0, 0, 0, 0}, 8);
    memcpy(bytes + 16, (uint8_t[]){17, 2, 0, 0}, 4);
    memcpy(bytes + 40, (uint8_t[]){0x30, 0x39, SIM_UDP_PORT >> 8, SIM_UDP_PORT & 255, 0, 48, 0, 0}, 8);
    sim_frame_ip(frame, STK_AF_INET6, SIM_VICTIM, 0, bytes, sizeof(bytes));
}

/* An ICMP error about a segment of ours. */
static void frame_unreachable(struct sim_frame *frame, int family)
{
    uint8_t message[8 + 80] = {family == STK_AF_INET ? 3 : 1, 4};
    static struct sim_frame inner;
    frame_tcp_syn(&inner, family);
    memcpy(message + 8, inner.bytes + SIM_ETH_BYTES, 80);
    sim_frame_ip(frame, family, SIM_VICTIM, family == STK_AF_INET ? 1 : 58, message, sizeof(message));
}

static uint32_t frames_make(struct sim_frame *frames)
{
    uint8_t payload[120];
    uint32_t count = 0;
    memset(payload, 0x5a, sizeof(payload));
    for (int i = 0; i < 2; i++) {
        const int family = families[i];
        sim_frame_udp(&frames[count++], family, SIM_VICTIM, SIM_UDP_PORT, payload, sizeof(payload));
        frame_tcp_syn(&frames[count++], family);
        sim_frame_echo(&frames[count++], family, SIM_VICTIM);
        frame_unreachable(&frames[count++], family);
        sim_frame_frag(&frames[count++], family, SIM_VICTIM, 9, 0, true, payload, 120);
    }
    frame_arp(&frames[count++]);
    sim_frame_ip(&frames[count++], STK_AF_INET, SIM_VICTIM, 2, (uint8_t[]){0x11, 100, 0xee, 0x9b, 0, 0, 0, 0}, 8);
    frame_neighbour(&frames[count++], 135);
    frame_neighbour(&frames[count++], 136);
    frame_router(&frames[count++]);
    frame_extensions(&frames[count++]);
    assert_int_equal(count, KINDS);
    return count;
}

static void torn_frames(const char *port_lines, bool sealed)
{
    static struct sim_frame frames[KINDS];
    static struct sim_scene scene;
    sim_scene_open(&scene, 100, port_lines);
    const uint32_t count = frames_make(frames);
    for (uint32_t kind = 0; kind < count; kind++) {
        for (uint32_t len = 0; len <= 128 && len < frames[kind].len; len++) {
            struct sim_frame cut = frames[kind];
            cut.len = len;
            if (sealed && len > SIM_ETH_BYTES) {
                sim_frame_seal(&cut);
            }
            sim_wire_frame(&scene.wire, &cut);
        }
        for (int i = 0; i < 2; i++) {
            if (sim_dgrams_take(scene.udp[i]) != 0) {
                fail_msg("kind %u: a torn datagram was delivered", kind);
            }
            (void)sim_dgrams_take(scene.raw[i]);
        }
        sim_scene_move(&scene, 3000);
    }
    sim_scene_close(&scene);
}

static void torn_frames__every_length__streams_go_on(void **state)
{
    (void)state;
    torn_frames("", false);
    torn_frames("wire.offload = no\n", false);
}

/* Lengths and checksums are right for what is left: the cut is seen by the layer that it hurts. */
static void torn_frames__sealed_again__streams_go_on(void **state)
{
    (void)state;
    torn_frames("", true);
    torn_frames("wire.offload = no\n", true);
}

/* --- Checksums ------------------------------------------------------------------- */

static uint64_t bad_checksums(struct sim_host *host)
{
    static const char *const names[] = {"netif.sim1.rx_bad_checksum", "stack.0.ip.checksum_bad",
                                        "stack.0.tcp.checksum_bad",   "stack.0.udp.checksum_bad",
                                        "stack.0.icmp.checksum_bad",  "stack.0.icmp6.checksum_bad"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const uint64_t value = sim_counter(host, names[i]);
        if (value == UINT64_MAX) {
            fail_msg("no counter %s", names[i]);
        }
        sum += value;
    }
    return sum;
}

struct answers {
    uint32_t count;
};

static void answers_count(void *context, const uint8_t *frame, uint32_t len)
{
    struct answers *answers = context;
    answers->count += len > 12 && frame[5] == 0x77;
}

static void wrong_checksums(const char *port_lines)
{
    /* Kind of frames_make, and where its checksum lies behind the Ethernet header. */
    static const struct {
        uint32_t kind;
        uint32_t at;
        const char *what;
    } rows[] = {
        {0, 10, "IPv4 header"},   {0, 20 + 6, "UDP"},        {1, 20 + 16, "TCP"},   {2, 20 + 2, "ICMP"},
        {5, 40 + 6, "UDP, IPv6"}, {6, 40 + 16, "TCP, IPv6"}, {7, 40 + 2, "ICMPv6"},
    };
    static struct sim_frame frames[KINDS];
    static struct sim_scene scene;
    struct answers answers = {0};
    sim_scene_open(&scene, 101, port_lines);
    (void)frames_make(frames);
    scene.wire.sniff = answers_count;
    scene.wire.context = &answers;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        for (unsigned bit = 0; bit < 16; bit++) {
            struct sim_frame frame = frames[rows[row].kind];
            const uint64_t before = bad_checksums(&scene.world.hosts[SIM_VICTIM]);
            frame.bytes[SIM_ETH_BYTES + rows[row].at + bit / 8] ^= (uint8_t)(1u << bit % 8);
            sim_wire_frame(&scene.wire, &frame);
            if (bad_checksums(&scene.world.hosts[SIM_VICTIM]) != before + 1) {
                fail_msg("%s, bit %u: not counted", rows[row].what, bit);
            }
        }
    }
    /* RFC 8200 8.1: UDP over IPv6 without a checksum is refused; over IPv4 it is fine. */
    for (int i = 0; i < 2; i++) {
        struct sim_frame frame = frames[i == 0 ? 0 : 5];
        const uint32_t at = SIM_ETH_BYTES + (i == 0 ? SIM_IP4_BYTES : SIM_IP6_BYTES) + 6;
        assert_int_equal(sim_dgrams_take(scene.udp[i]), 0);
        frame.bytes[at] = frame.bytes[at + 1] = 0;
        sim_wire_frame(&scene.wire, &frame);
        assert_int_equal(sim_dgrams_take(scene.udp[i]), i == 0 ? 1 : 0);
        /* An IPv4 RAW socket sees the packet as it came; ICMPv6 is checked for it (RFC 3542 3.1). */
        assert_int_equal(sim_dgrams_take(scene.raw[i]), i == 0 ? 16 : 0);
    }
    assert_int_equal(answers.count, 0);
    scene.wire.sniff = NULL;
    sim_scene_close(&scene);
}

static void wrong_checksums__any_bit__dropped_and_counted(void **state)
{
    (void)state;
    wrong_checksums("");
    wrong_checksums("wire.offload = no\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_frames__every_length__streams_go_on),
        cmocka_unit_test(torn_frames__sealed_again__streams_go_on),
        cmocka_unit_test(wrong_checksums__any_bit__dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

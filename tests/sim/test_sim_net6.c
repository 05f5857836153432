/*
 * What reaches the wire: prefixes that are on-link by a route alone, the lengths of configured prefixes, and datagrams that
 * must not be fragmented.
 */
#include "sim_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5006
#define MTU 1500
#define SOLICIT 135
#define ADVERT 136

static const uint8_t on_link_ip[16] = {0xfd, 0x75, [15] = 3};

/* What was seen of the host under test, number 0. */
struct seen {
    uint32_t solicits; /* for on_link_ip */
    uint32_t dgrams;   /* to the third port, behind its advertisement */
    uint32_t whole_df; /* IPv4 UDP packets with DF */
    uint32_t pieces;   /* fragments of either family */
};

static void look(void *context, const uint8_t *frame, uint32_t len)
{
    struct seen *seen = context;
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    if (len < SIM_ETH_BYTES + SIM_IP4_BYTES || frame[11] != 1) {
        return;
    }
    if (frame[12] == 0x08 && frame[13] == 0) {
        seen->whole_df += ip[9] == 17 && (ip[6] & 0x40) != 0;
        seen->pieces += (ip[6] & 0x3f) != 0 || ip[7] != 0;
    } else if (frame[12] == 0x86 && len >= SIM_ETH_BYTES + SIM_IP6_BYTES) {
        seen->pieces += ip[6] == 44;
        seen->solicits += ip[6] == 58 && ip[SIM_IP6_BYTES] == SOLICIT && len >= SIM_ETH_BYTES + SIM_IP6_BYTES + 24 &&
                          memcmp(ip + SIM_IP6_BYTES + 8, on_link_ip, sizeof(on_link_ip)) == 0;
        seen->dgrams += ip[6] == 17 && frame[5] == 0x77 && memcmp(ip + 24, on_link_ip, sizeof(on_link_ip)) == 0;
    }
}

/* The third port says that it is on_link_ip. */
static void advertise(struct sim_wire *wire)
{
    uint8_t message[32] = {ADVERT, 0, 0, 0, 0x60};
    struct sim_frame frame;
    memcpy(message + 8, on_link_ip, sizeof(on_link_ip));
    memcpy(message + 24, (uint8_t[]){2, 1, 2, 0, 0, 0, 9, 0x77}, 8);
    sim_frame_ip(&frame, STK_AF_INET6, 0, 58, message, sizeof(message));
    frame.bytes[SIM_ETH_BYTES + 7] = 255;
    memcpy(frame.bytes + SIM_ETH_BYTES + 8, on_link_ip, sizeof(on_link_ip));
    sim_frame_seal(&frame);
    sim_wire_frame(wire, &frame);
}

static void on_link_route__send__neighbour_solicited(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_wire wire;
    struct seen seen = {0};
    uint8_t byte = 7;
    const struct stk_iov iov = {.base = &byte, .len = 1};
    struct stk_addr to = {.family = STK_AF_INET6, .port = PORT};
    memcpy(to.ip, on_link_ip, sizeof(on_link_ip));
    sim_world_init(&world, 61, "route = fd75::/64 on-link\n", "");
    sim_wire_open(&wire, &world);
    wire.sniff = look;
    wire.context = &seen;
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_sendto(sock, &iov, 1, &to), 1);
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    sim_wire_drain(&wire);
    assert_int_equal(seen.solicits, 1);
    advertise(&wire);
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    sim_wire_drain(&wire);
    assert_int_equal(seen.dgrams, 1);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

static uint32_t prefix_of(const struct stk_if_info *info, const uint8_t ip[16])
{
    for (uint32_t i = 0; i < info->addrs_count; i++) {
        if (info->addrs[i].family == STK_AF_INET6 && memcmp(info->addrs[i].ip, ip, 16) == 0) {
            return info->addrs[i].prefix_len;
        }
    }
    return UINT32_MAX;
}

static void interfaces__ipv6_addresses__configured_prefix(void **state)
{
    (void)state;
    static const struct {
        uint8_t ip[16];
        uint32_t prefix_len;
    } rows[] = {
        {{0xfd, 0, 0, 9, [15] = 1}, 64},
        {{0xfd, 0x76, [15] = 1}, 48},
        {{0xfd, 0x77, [15] = 1}, 127},
        {{0xfd, 0x78, [15] = 1}, 128},
        {{0xfe, 0x80, [11] = 0xff, 0xfe, 0, 9, 1}, 64},
    };
    struct sim_world world;
    struct stk_if_info ifs[4];
    sim_world_init(&world, 62, "address = fd76::1/48\naddress = fd77::1/127\naddress = fd78::1/128\n", "");
    assert_int_equal(stk_client_interfaces(world.hosts[0].client, ifs, 4), 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int at = 0; at < 2; at++) {
            if (ifs[at].if_index == 2) {
                print_message("row %u\n", (unsigned)i);
                assert_int_equal(prefix_of(&ifs[at], rows[i].ip), rows[i].prefix_len);
            }
        }
    }
    sim_world_fini(&world);
}

/* The largest datagram that is one packet, and one more; given an address, and connected. */
static void dont_fragment__mtu__message_size(void **state)
{
    (void)state;
    static uint8_t bytes[2000];
    static uint8_t got[2000];
    const int32_t on = 1;
    const int32_t off = 0;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const uint32_t fits = MTU - 8 - (family == STK_AF_INET ? SIM_IP4_BYTES : SIM_IP6_BYTES);
        const struct stk_iov whole = {.base = bytes, .len = fits};
        const struct stk_iov over = {.base = bytes, .len = fits + 1};
        struct sim_world world;
        struct sim_wire wire;
        struct seen seen = {0};
        const struct stk_addr to = sim_addr(family, 1, PORT);
        const struct stk_addr own = sim_addr(family, 0, PORT);
        sim_world_init(&world, 63, "", "");
        sim_wire_open(&wire, &world);
        wire.sniff = look;
        wire.context = &seen;
        struct stk_sock *to_sock = sim_open(&world.hosts[1], family, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(to_sock, &to), STK_OK);
        struct stk_sock *own_sock = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_bind(own_sock, &own), STK_OK);
        struct stk_sock *sock = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        assert_int_equal(stk_sock_opt_set(sock, STK_OPT_DONTFRAG, &on, sizeof(on)), STK_OK);
        assert_int_equal(stk_sock_sendto(sock, &over, 1, &to), STK_EMSGSIZE);
        assert_int_equal(stk_sock_sendto(sock, &whole, 1, &to), fits);
        assert_int_equal(stk_sock_sendto(sock, &over, 1, &own), fits + 1); /* never on a link */
        sim_world_run_until(&world, world.now_ns + STK_S_NS);              /* the neighbour is known */
        assert_int_equal(stk_sock_recvfrom(own_sock, &(struct stk_iov){got, sizeof(got)}, 1, 0, NULL), fits + 1);
        assert_int_equal(stk_sock_connect(sock, &to), STK_OK);
        assert_int_equal(stk_sock_sendto(sock, &over, 1, NULL), STK_EMSGSIZE);
        assert_int_equal(stk_sock_sendto(sock, &whole, 1, NULL), fits);
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        sim_wire_drain(&wire);
        assert_int_equal(seen.pieces, 0);
        assert_int_equal(seen.whole_df, family == STK_AF_INET ? 2 : 0);
        assert_int_equal(stk_sock_error_take(sock), STK_OK);
        assert_int_equal(stk_sock_opt_set(sock, STK_OPT_DONTFRAG, &off, sizeof(off)), STK_OK);
        assert_int_equal(stk_sock_sendto(sock, &over, 1, NULL), fits + 1);
        sim_world_run_until(&world, world.now_ns + STK_S_NS);
        sim_wire_drain(&wire);
        assert_int_equal(seen.pieces, 2);
        assert_int_equal(seen.whole_df, family == STK_AF_INET ? 2 : 0);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(own_sock, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(to_sock, STK_CLOSE_GRACEFUL), STK_OK);
        sim_wire_close(&wire);
        sim_world_fini(&world);
    }
}

/* Where only the stack knows the interface, the error waits for the next call. */
static void dont_fragment__multicast__pending_error(void **state)
{
    (void)state;
    static uint8_t bytes[MTU];
    const struct stk_iov over = {.base = bytes, .len = sizeof(bytes)};
    const struct stk_addr group = {.family = STK_AF_INET, .port = PORT, .ip = {239, 1, 2, 3}};
    const int32_t on = 1;
    const int32_t mcast_if = 2;
    struct sim_world world;
    struct sim_wire wire;
    struct seen seen = {0};
    sim_world_init(&world, 64, "", "");
    sim_wire_open(&wire, &world);
    wire.sniff = look;
    wire.context = &seen;
    struct stk_sock *sock = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_MCAST_IF, &mcast_if, sizeof(mcast_if)), STK_OK);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_DONTFRAG, &on, sizeof(on)), STK_OK);
    assert_int_equal(stk_sock_sendto(sock, &over, 1, &group), sizeof(bytes));
    sim_world_run_until(&world, world.now_ns + STK_S_NS);
    sim_wire_drain(&wire);
    assert_int_equal(seen.pieces, 0);
    assert_int_equal(stk_sock_error_take(sock), STK_EMSGSIZE);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_link_route__send__neighbour_solicited),
        cmocka_unit_test(interfaces__ipv6_addresses__configured_prefix),
        cmocka_unit_test(dont_fragment__mtu__message_size),
        cmocka_unit_test(dont_fragment__multicast__pending_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * RAW sockets and ways out: headers that the program gives, capture of an interface, ICMPv6 at home, the interface that a
 * program chose, and changes of interfaces that are counted.
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5026

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static int set_code(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    return stk_sock_opt_set(sock, opt, &value, sizeof(value));
}

static struct stk_sock *raw_open(struct sim_host *host, int family, int protocol)
{
    struct stk_sock *sock = NULL;
    assert_int_equal(stk_sock_open(host->client, family, STK_SOCK_RAW, protocol, 0, &sock), STK_OK);
    return sock;
}

static int64_t take(struct stk_sock *sock, uint8_t *bytes, size_t len)
{
    const struct stk_iov in = {.base = bytes, .len = len};
    return stk_sock_recvfrom(sock, &in, 1, 0, NULL);
}

/* RAW-1: an echo to oneself is answered, its checksum is the stack's. */
static void icmpv6__to_the_loopback__answered(void **state)
{
    (void)state;
    struct sim_world world;
    uint8_t echo[12] = {128, 0, 0xde, 0xad, 0, 7, 0, 1, 'p', 'i', 'n', 'g'};
    uint8_t got[64];
    const struct stk_iov out = {.base = echo, .len = sizeof(echo)};
    const struct stk_addr to = {.family = STK_AF_INET6, .ip = {[15] = 1}};
    int64_t n;
    sim_world_init(&world, 81, "", "");
    struct stk_sock *sock = raw_open(&world.hosts[0], STK_AF_INET6, 58);
    assert_int_equal(stk_sock_sendto(sock, &out, 1, &to), sizeof(echo));
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    do { /* the question comes by, too */
        n = take(sock, got, sizeof(got));
    } while (n == (int64_t)sizeof(echo) && got[0] != 129);
    assert_int_equal(n, sizeof(echo));
    assert_int_equal(got[0], 129);
    assert_memory_equal(got + 4, echo + 4, sizeof(echo) - 4);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* A message that has no room for its checksum is not sent. */
static void icmpv6__too_short__not_sent(void **state)
{
    (void)state;
    struct sim_world world;
    uint8_t bytes[2] = {128, 0};
    const struct stk_iov out = {.base = bytes, .len = sizeof(bytes)};
    const struct stk_addr to = sim_addr(STK_AF_INET6, 1, 0);
    sim_world_init(&world, 82, "", "");
    struct stk_sock *sock = raw_open(&world.hosts[0], STK_AF_INET6, 58);
    assert_int_equal(stk_sock_sendto(sock, &out, 1, &to), sizeof(bytes));
    sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
    assert_int_equal(take(sock, bytes, sizeof(bytes)), STK_EAGAIN);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_world_fini(&world);
}

/* RAW-6: what Windows fills in of a header is filled in; the rest is the program's. Small ones and such of several buffers. */
static void header_included__both_versions__completed_and_sent(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {3, 1300};
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const uint32_t head = family == STK_AF_INET ? SIM_IP4_BYTES : SIM_IP6_BYTES;
        struct sim_world world;
        sim_world_init(&world, 83, "", "");
        struct stk_sock *sock = raw_open(&world.hosts[0], family, 200);
        struct stk_sock *other = raw_open(&world.hosts[1], family, 200);
        const struct stk_addr to = sim_addr(family, 1, 0);
        const struct stk_addr from = sim_addr(family, 0, 0);
        assert_int_equal(stk_sock_bind(other, &to), STK_OK);
        set(sock, STK_OPT_HDRINCL, 1);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            static uint8_t packet[1400];
            static uint8_t got[1400];
            const struct stk_iov out = {.base = packet, .len = head + sizes[i]};
            memset(packet, 0, sizeof(packet));
            if (family == STK_AF_INET) {
                packet[0] = 0x45;
                packet[6] = i > 0 ? 0x40 : 0; /* DF by the program and by the option */
                set(sock, STK_OPT_DONTFRAG, i > 0);
                packet[8] = 77;
                packet[9] = 200;
                memcpy(packet + 16, to.ip, 4); /* source, length, identification and checksum are left out */
            } else {
                packet[0] = 0x60;
                packet[6] = 200;
                packet[7] = 77;
                memcpy(packet + 8, from.ip, 16);
                memcpy(packet + 24, to.ip, 16);
            }
            memcpy(packet + head, "raw", 3);
            assert_int_equal(stk_sock_sendto(sock, &out, 1, &to), head + sizes[i]);
            sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
            const int64_t n = take(other, got, sizeof(got));
            const uint8_t *data = got;
            if (family == STK_AF_INET) {
                assert_int_equal(n, head + sizes[i]);
                assert_int_equal(got[2] << 8 | got[3], head + sizes[i]);
                assert_int_not_equal(got[4] << 8 | got[5], 0);
                assert_int_equal(got[6], packet[6]);
                assert_int_equal(got[8], 77);
                assert_memory_equal(got + 12, from.ip, 4);
                data += head;
            } else {
                assert_int_equal(n, sizes[i]);
            }
            assert_memory_equal(data, "raw", 3);
        }
        uint8_t nonsense[64] = {0x15};
        const struct stk_iov bad = {.base = nonsense, .len = sizeof(nonsense)};
        assert_int_equal(stk_sock_sendto(sock, &bad, 1, &to), sizeof(nonsense)); /* dropped, not sent */
        sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
        assert_int_equal(take(other, nonsense, sizeof(nonsense)), STK_EAGAIN);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(other, STK_CLOSE_GRACEFUL), STK_OK);
        sim_world_fini(&world);
    }
}

/* RAW-12: everything on the link, or what this host takes and sends; IPv4 with its header. */
static void rcvall__modes__which_packets(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_wire wire;
    static struct sim_frame frame;
    uint8_t got[256];
    sim_world_init(&world, 84, "", "");
    sim_wire_open(&wire, &world);
    struct stk_sock *tap = raw_open(&world.hosts[0], STK_AF_INET, 0);
    struct stk_sock *udp = sim_open(&world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr mine = sim_addr(STK_AF_INET, 0, 0);
    const struct stk_addr any = {.family = STK_AF_INET, .port = PORT};
    const struct stk_addr to = sim_addr(STK_AF_INET, 1, PORT);
    char sent[] = "sent";
    const struct stk_iov out = {.base = sent, .len = 4};
    assert_int_equal(set_code(tap, STK_OPT_RCVALL, STK_RCVALL_ON), STK_EINVAL); /* not bound to an interface */
    assert_int_equal(set_code(udp, STK_OPT_RCVALL, STK_RCVALL_ON), STK_EINVAL);
    assert_int_equal(stk_sock_bind(tap, &mine), STK_OK);
    assert_int_equal(stk_sock_bind(udp, &any), STK_OK);
    for (int32_t mode = STK_RCVALL_OFF; mode <= STK_RCVALL_IP; mode++) {
        const bool taps = mode == STK_RCVALL_ON || mode == STK_RCVALL_IP;
        print_message("mode %d\n", (int)mode);
        set(tap, STK_OPT_RCVALL, mode);
        sim_frame_udp(&frame, STK_AF_INET, 0, PORT, "mine", 4);
        sim_wire_frame(&wire, &frame);
        assert_int_equal(take(tap, got, sizeof(got)), taps ? 32 : STK_EAGAIN);
        assert_true(!taps || (got[0] == 0x45 && got[9] == 17 && memcmp(got + 28, "mine", 4) == 0));
        assert_int_equal(take(udp, got, sizeof(got)), 4); /* it comes to its receiver all the same */
        sim_frame_udp(&frame, STK_AF_INET, 1, PORT, "other", 5);
        sim_wire_frame(&wire, &frame);
        assert_int_equal(take(tap, got, sizeof(got)), mode == STK_RCVALL_ON ? 33 : STK_EAGAIN);
        while (take(tap, got, sizeof(got)) > 0) { /* host 1's complaint, which is for the third port */
        }
        assert_int_equal(stk_sock_sendto(udp, &out, 1, &to), 4);
        sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
        assert_int_equal(take(tap, got, sizeof(got)), taps ? 32 : STK_EAGAIN);
        assert_true(!taps || memcmp(got + 28, "sent", 4) == 0);
        while (take(tap, got, sizeof(got)) > 0) {
        }
        (void)stk_sock_error_take(udp);
        set(tap, STK_OPT_RCVALL, STK_RCVALL_OFF);
    }
    assert_int_equal(set_code(tap, STK_OPT_RCVALL, STK_RCVALL_GROUPS + 1), STK_EINVAL);
    set(tap, STK_OPT_RCVALL, STK_RCVALL_ON);
    assert_int_equal(stk_sock_close(tap, STK_CLOSE_GRACEFUL), STK_OK); /* ends it */
    sim_frame_udp(&frame, STK_AF_INET, 0, PORT, "mine", 4);
    sim_wire_frame(&wire, &frame);
    assert_int_equal(take(udp, got, sizeof(got)), 4);
    assert_int_equal(stk_sock_close(udp, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

/* IPv6 is stripped of its header here too (RAW-8); group codes hear groups without joining them, once. */
static void rcvall__ipv6_and_groups__stripped_and_once(void **state)
{
    (void)state;
    struct sim_world world;
    struct sim_wire wire;
    static struct sim_frame frame;
    uint8_t got[256];
    const struct stk_addr six = sim_addr(STK_AF_INET6, 0, 0);
    const struct stk_addr four = sim_addr(STK_AF_INET, 0, 0);
    sim_world_init(&world, 85, "", "");
    sim_wire_open(&wire, &world);
    struct stk_sock *tap = raw_open(&world.hosts[0], STK_AF_INET6, 41);
    struct stk_sock *groups = raw_open(&world.hosts[0], STK_AF_INET, 17);
    assert_int_equal(stk_sock_bind(tap, &six), STK_OK);
    assert_int_equal(stk_sock_bind(groups, &four), STK_OK);
    set(tap, STK_OPT_RCVALL, STK_RCVALL_ON);
    set(groups, STK_OPT_RCVALL, STK_RCVALL_GROUPS);
    sim_frame_udp(&frame, STK_AF_INET6, 1, PORT, "six", 3);
    sim_wire_frame(&wire, &frame);
    assert_int_equal(take(tap, got, sizeof(got)), 11);
    assert_memory_equal(got + 8, "six", 3);
    sim_frame_udp(&frame, STK_AF_INET, 0, PORT, "group", 5);
    memcpy(frame.bytes, (uint8_t[]){0x01, 0x00, 0x5e, 1, 2, 3}, 6);
    memcpy(frame.bytes + SIM_ETH_BYTES + 16, (uint8_t[]){239, 1, 2, 3}, 4);
    sim_frame_seal(&frame);
    sim_wire_frame(&wire, &frame);
    assert_int_equal(take(groups, got, sizeof(got)), 33);
    assert_memory_equal(got + 28, "group", 5);
    assert_int_equal(take(groups, got, sizeof(got)), STK_EAGAIN);
    assert_int_equal(stk_sock_close(tap, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(groups, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

/* --- The chosen interface ------------------------------------------------------------- */

static uint32_t heard[2]; /* UDP packets and SYNs on link 0, 1 */

static void listen_wire(struct nic_port *port, int link, uint64_t now_ns)
{
    struct nic_buf *bufs[NIC_BURST_MAX];
    uint32_t count;
    while ((count = nic_rx_burst(port, bufs, NIC_BURST_MAX, now_ns)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *ip = bufs[i]->data + SIM_ETH_BYTES;
            const bool six = bufs[i]->data[12] == 0x86 && bufs[i]->data[13] == 0xdd;
            const bool four = bufs[i]->data[12] == 0x08 && bufs[i]->data[13] == 0;
            const uint8_t protocol = six ? ip[6] : four ? ip[9] : 0;
            heard[link] += protocol == 17 || protocol == 6;
            nic_buf_free(bufs[i]);
        }
    }
}

static struct nic_port *observer(const char *link)
{
    const struct nic_kv args[] = {{"link", link, 0}, {"promisc", "yes", 0}};
    const struct nic_port_conf conf = {.name = link,
                                       .driver = "wire",
                                       .mtu = 1500,
                                       .buffers = 256,
                                       .mac_set = true,
                                       .mac = {0x02, 0, 0, 0, 9, 0x78},
                                       .args = args,
                                       .args_count = sizeof(args) / sizeof(args[0])};
    struct nic_port *port = NULL;
    assert_int_equal(nic_port_open(&conf, &port), STK_OK);
    return port;
}

/* IP_UNICAST_IF, IPV6_UNICAST_IF: the same destination by either interface. */
static void unicast_if__two_ports__leaves_by_the_chosen_one(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        /* Both hosts get the second port; host 1's lives on the link unheard. */
        sim_world_init(&world, 86,
                       "route = 10.20.0.0/16 via 10.9.0.77\nneighbour = 10.9.0.77 02:00:00:00:09:78\n"
                       "route = fd20::/16 via fd00:9::77\nneighbour = fd00:9::77 02:00:00:00:09:78\n"
                       "[port second]\nindex = 3\ndriver = wire\nwire.link = second\naddress = 10.11.0.1/24\n"
                       "address = fd00:11::1/64\nroute = 10.20.0.0/24 via 10.11.0.77\n"
                       "neighbour = 10.11.0.77 02:00:00:00:09:78\nneighbour = fd00:11::77 02:00:00:00:09:78\n"
                       "route = fd20::/32 via fd00:11::77\n",
                       "");
        struct nic_port *links[2] = {observer("sim"), observer("second")};
        struct stk_addr to = {.family = (uint16_t)family, .port = PORT};
        char way[] = "way";
        const struct stk_iov out = {.base = way, .len = 3};
        memcpy(to.ip, family == STK_AF_INET ? (uint8_t[16]){10, 20, 0, 5} : (uint8_t[16]){0xfd, 0x20, [15] = 5}, 16);
        for (int32_t via = 0; via <= 3; via++) {
            if (via == 1) {
                continue; /* the loopback */
            }
            const int expected = via == 2 ? 0 : 1; /* the longer prefix is the second port's */
            print_message("family %d, interface %d\n", family, (int)via);
            struct stk_sock *udp = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
            struct stk_sock *tcp = sim_open(&world.hosts[0], family, STK_SOCK_STREAM);
            set(udp, STK_OPT_UNICAST_IF, via);
            set(tcp, STK_OPT_UNICAST_IF, via);
            heard[0] = heard[1] = 0;
            assert_int_equal(stk_sock_sendto(udp, &out, 1, &to), 3);
            assert_int_equal(stk_sock_connect(tcp, &to), STK_EINPROGRESS);
            sim_world_run_until(&world, world.now_ns + 20 * STK_MS_NS);
            listen_wire(links[0], 0, world.now_ns);
            listen_wire(links[1], 1, world.now_ns);
            assert_int_equal(heard[expected], 2);
            assert_int_equal(heard[1 - expected], 0);
            assert_int_equal(stk_sock_close(udp, STK_CLOSE_GRACEFUL), STK_OK);
            assert_int_equal(stk_sock_close(tcp, STK_CLOSE_ABORT), STK_OK);
            sim_world_run_until(&world, world.now_ns + 20 * STK_MS_NS); /* its RST */
            listen_wire(links[0], 0, world.now_ns);
            listen_wire(links[1], 1, world.now_ns);
        }
        struct stk_sock *bad = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        assert_int_equal(set_code(bad, STK_OPT_UNICAST_IF, 77), STK_EADDRNOTAVAIL);
        assert_int_equal(stk_sock_close(bad, STK_CLOSE_GRACEFUL), STK_OK);
        nic_port_close(links[0]);
        nic_port_close(links[1]);
        sim_world_fini(&world);
    }
}

/* IP_IFLIST, IPV6_IFLIST: what comes in elsewhere is not heard, nobody is told. */
static void iflist__two_ports__listed_ones_only(void **state)
{
    (void)state;
    static const struct {
        bool on;
        uint32_t listed; /* bits */
        bool heard[2];
    } rows[] = {
        {false, 0, {true, true}},       {true, 0, {false, false}},     {true, 1u << 2, {true, false}},
        {true, 1u << 3, {false, true}}, {true, 3u << 2, {true, true}},
    };
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct sim_world world;
        sim_world_init(&world, 88,
                       "[port second]\nindex = 3\ndriver = wire\nwire.link = second\naddress = 10.11.0.1/24\n", "");
        struct nic_port *links[2] = {observer("sim"), observer("second")};
        struct stk_sock *udp = sim_open(&world.hosts[0], family, STK_SOCK_DGRAM);
        const struct stk_addr at = {.family = (uint16_t)family, .port = PORT};
        assert_int_equal(stk_sock_bind(udp, &at), STK_OK);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct stk_iflist list = {.on = rows[i].on, .listed = {rows[i].listed}};
            assert_int_equal(stk_sock_opt_set(udp, STK_OPT_IFLIST, &list, sizeof(list)), STK_OK);
            for (int link = 0; link < 2; link++) {
                static struct sim_frame frame;
                uint8_t got[16];
                print_message("family %d, row %u, link %d\n", family, (unsigned)i, link);
                sim_frame_udp(&frame, family, 0, PORT, "list", 4);
                struct nic_buf *buf = nic_buf_alloc(links[link]);
                assert_non_null(buf);
                memcpy(buf->data, frame.bytes, frame.len);
                buf->len = buf->pkt_len = frame.len;
                assert_int_equal(nic_tx_burst(links[link], &buf, 1, world.now_ns), 1);
                sim_world_run_until(&world, world.now_ns + 10 * STK_MS_NS);
                assert_int_equal(take(udp, got, sizeof(got)), rows[i].heard[link] ? 4 : STK_EAGAIN);
                listen_wire(links[0], 0, world.now_ns);
                listen_wire(links[1], 1, world.now_ns);
            }
        }
        struct stk_iflist bad = {.on = 2};
        assert_int_equal(stk_sock_opt_set(udp, STK_OPT_IFLIST, &bad, sizeof(bad)), STK_EINVAL);
        assert_int_equal(stk_sock_opt_set(udp, STK_OPT_IFLIST, &bad, 4), STK_EINVAL);
        assert_int_equal(stk_sock_close(udp, STK_CLOSE_GRACEFUL), STK_OK);
        nic_port_close(links[0]);
        nic_port_close(links[1]);
        sim_world_fini(&world);
    }
}

/* --- Changes ---------------------------------------------------------------------------- */

static bool has_prefix(struct sim_host *host, const uint8_t prefix[8])
{
    struct stk_if_info ifs[4];
    const int count = stk_client_interfaces(host->client, ifs, 4);
    for (int i = 0; i < count && i < 4; i++) {
        for (uint32_t a = 0; a < ifs[i].addrs_count; a++) {
            if (ifs[i].addrs[a].family == STK_AF_INET6 && memcmp(ifs[i].addrs[a].ip, prefix, 8) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* A router advertises a prefix: duplicate address detection first (DS-16), then the address, counted as a change. */
static void advertisement__prefix__address_after_detection(void **state)
{
    (void)state;
    static const uint8_t prefix[8] = {0xfd, 0x99};
    struct sim_world world;
    struct sim_wire wire;
    static struct sim_frame frame;
    uint8_t message[16 + 32] = {134, 0, 0, 0, 64, 0, 0, 30};
    sim_world_init(&world, 87, "", "");
    sim_wire_open(&wire, &world);
    sim_world_run_until(&world, world.now_ns + 3 * STK_S_NS);
    const uint32_t before = stk_client_net_changes(world.hosts[0].client);
    memcpy(message + 16, (uint8_t[]){3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10}, 12);
    memcpy(message + 32, prefix, sizeof(prefix));
    sim_frame_ip(&frame, STK_AF_INET6, 0, 58, message, sizeof(message));
    memcpy(frame.bytes, (uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
    frame.bytes[SIM_ETH_BYTES + 7] = 255;
    memcpy(frame.bytes + SIM_ETH_BYTES + 8, (uint8_t[16]){0xfe, 0x80, [15] = 0x77}, 16);
    memcpy(frame.bytes + SIM_ETH_BYTES + 24, (uint8_t[16]){0xff, 0x02, [15] = 1}, 16);
    sim_frame_seal(&frame);
    sim_wire_frame(&wire, &frame);
    sim_world_run_until(&world, world.now_ns + 300 * STK_MS_NS);
    assert_false(has_prefix(&world.hosts[0], prefix)); /* tentative */
    sim_world_run_until(&world, world.now_ns + 5 * STK_S_NS);
    assert_true(has_prefix(&world.hosts[0], prefix));
    assert_true(stk_client_net_changes(world.hosts[0].client) > before);
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(icmpv6__to_the_loopback__answered),
        cmocka_unit_test(icmpv6__too_short__not_sent),
        cmocka_unit_test(header_included__both_versions__completed_and_sent),
        cmocka_unit_test(rcvall__modes__which_packets),
        cmocka_unit_test(rcvall__ipv6_and_groups__stripped_and_once),
        cmocka_unit_test(unicast_if__two_ports__leaves_by_the_chosen_one),
        cmocka_unit_test(iflist__two_ports__listed_ones_only),
        cmocka_unit_test(advertisement__prefix__address_after_detection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

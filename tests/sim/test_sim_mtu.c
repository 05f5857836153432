/*
 * Options of IP on the wire: path MTU discovery, a program's own MTU, TTL of both versions of a dual-stack socket, checksums
 * left out, and whom a socket hears.
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5016
#define MTU 1500u
#define NARROW 1000u

/* What was seen of host 0. */
struct seen {
    uint32_t whole[2]; /* UDP packets that are no fragments, by version */
    uint32_t df;
    uint32_t pieces[2];
    uint32_t longest[2]; /* IP packet */
    uint8_t ttl[2];
    uint8_t tos;
    uint16_t checksum; /* of the last whole UDP packet over IPv4 */
};

static void look(void *context, const uint8_t *frame, uint32_t len)
{
    struct seen *seen = context;
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    if (len < SIM_ETH_BYTES + SIM_IP4_BYTES || frame[11] != 1) {
        return;
    }
    const int six = frame[12] == 0x86;
    if (!six && (frame[12] != 0x08 || frame[13] != 0 || ip[9] != 17)) {
        return;
    }
    if (six && ip[6] != 17 && ip[6] != 44) {
        return;
    }
    const uint32_t bytes = six ? SIM_IP6_BYTES + ((uint32_t)ip[4] << 8 | ip[5]) : (uint32_t)ip[2] << 8 | ip[3];
    const bool piece = six ? ip[6] == 44 : (ip[6] & 0x3f) != 0 || ip[7] != 0;
    seen->longest[six] = bytes > seen->longest[six] ? bytes : seen->longest[six];
    seen->ttl[six] = six ? ip[7] : ip[8];
    if (piece) {
        seen->pieces[six]++;
        return;
    }
    seen->whole[six]++;
    if (!six) {
        seen->df += (ip[6] & 0x40) != 0;
        seen->tos = ip[1];
        seen->checksum = (uint16_t)(ip[26] << 8 | ip[27]);
    }
}

struct scene {
    struct sim_world world;
    struct sim_wire wire;
    struct seen seen;
    struct stk_sock *sock; /* host 0's */
    struct stk_sock *other;
    struct stk_addr to;
};

static void scene_open(struct scene *scene, int family)
{
    memset(scene, 0, sizeof(*scene));
    sim_world_init(&scene->world, 71, "", "");
    sim_wire_open(&scene->wire, &scene->world);
    scene->wire.sniff = look;
    scene->wire.context = &scene->seen;
    scene->to = sim_addr(family, 1, PORT);
    scene->other = sim_open(&scene->world.hosts[1], family, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(scene->other, &scene->to), STK_OK);
    scene->sock = sim_open(&scene->world.hosts[0], family, STK_SOCK_DGRAM);
}

static void scene_close(struct scene *scene)
{
    assert_int_equal(stk_sock_close(scene->sock, STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(scene->other, STK_CLOSE_GRACEFUL), STK_OK);
    sim_wire_close(&scene->wire);
    sim_world_fini(&scene->world);
}

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static int32_t get(struct stk_sock *sock, enum stk_opt opt)
{
    int32_t value = -77;
    assert_int_equal(stk_sock_opt_get(sock, opt, &value), STK_OK);
    return value;
}

/* Send so many bytes and let the wire have them. */
static int64_t send_bytes(struct scene *scene, const struct stk_addr *to, uint32_t bytes)
{
    static uint8_t data[4000];
    const struct stk_iov iov = {.base = data, .len = bytes};
    const int64_t sent = stk_sock_sendto(scene->sock, &iov, 1, to);
    sim_world_run_until(&scene->world, scene->world.now_ns + 50 * STK_MS_NS);
    sim_wire_drain(&scene->wire);
    return sent;
}

static uint32_t headers(int family)
{
    return (family == STK_AF_INET ? SIM_IP4_BYTES : SIM_IP6_BYTES) + 8;
}

/* The router says what it could not pass on: the head of a packet of a host. */
static void too_big_of(struct scene *scene, int family, int source, uint8_t proto, uint16_t from_port, uint32_t mtu)
{
    const int family_at = family == STK_AF_INET ? 0 : 1;
    uint8_t message[8 + 48 + 8] = {0};
    static struct sim_frame inner;
    static struct sim_frame frame;
    static uint8_t payload[MTU];
    uint8_t l4[8] = {(uint8_t)(from_port >> 8), (uint8_t)from_port, PORT >> 8, PORT & 0xff, 4, 0, 0, 0};
    memcpy(payload, l4, sizeof(l4));
    sim_frame_ip(&inner, family, 1, proto, payload, 1000);
    sim_frame_from(&inner, source);
    sim_frame_seal(&inner);
    message[0] = family_at == 0 ? 3 : 2;
    message[1] = family_at == 0 ? 4 : 0;
    message[6] = (uint8_t)(mtu >> 8);
    message[7] = (uint8_t)mtu;
    const uint32_t head = family_at == 0 ? 20 : 40;
    memcpy(message + 8, inner.bytes + SIM_ETH_BYTES, head + 8);
    sim_frame_ip(&frame, family, 0, family_at == 0 ? 1 : 58, message, 8 + head + 8);
    sim_frame_seal(&frame);
    sim_wire_frame(&scene->wire, &frame);
    sim_world_run_until(&scene->world, scene->world.now_ns + 10 * STK_MS_NS);
}

static void too_big(struct scene *scene, int family, uint16_t from_port, uint32_t mtu)
{
    too_big_of(scene, family, 0, 17, from_port, mtu);
}

/* X30: DO and PROBE set DF, DONT clears it, NOT_SET leaves it to the other option. */
static void mtu_discover__each_value__df_as_it_says(void **state)
{
    (void)state;
    static const struct {
        int32_t discover, dontfrag;
        bool df;
    } rows[] = {
        {STK_PMTUD_NOT_SET, 0, false}, {STK_PMTUD_NOT_SET, 1, true}, {STK_PMTUD_DO, 0, true},
        {STK_PMTUD_DONT, 1, false},    {STK_PMTUD_PROBE, 0, true},
    };
    struct scene scene;
    scene_open(&scene, STK_AF_INET);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("row %u\n", (unsigned)i);
        set(scene.sock, STK_OPT_MTU_DISCOVER, rows[i].discover);
        set(scene.sock, STK_OPT_DONTFRAG, rows[i].dontfrag);
        scene.seen = (struct seen){.df = 0};
        assert_int_equal(send_bytes(&scene, &scene.to, 100), 100);
        assert_int_equal(scene.seen.whole[0], 1);
        assert_int_equal(scene.seen.df, rows[i].df);
        assert_int_equal(send_bytes(&scene, &scene.to, MTU), rows[i].df ? STK_EMSGSIZE : (int64_t)MTU);
        assert_int_equal(scene.seen.pieces[0], rows[i].df ? 0 : 2);
    }
    scene_close(&scene);
}

/* DO follows the path, PROBE the interface; what was learned is what STK_OPT_MTU says. */
static void path_mtu__learned__decides_with_do(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const uint32_t narrow = family == STK_AF_INET ? NARROW : 1300u;
        const uint32_t fits = narrow - headers(family);
        struct scene scene;
        struct stk_addr local;
        int32_t value;
        scene_open(&scene, family);
        assert_int_equal(stk_sock_opt_get(scene.sock, STK_OPT_MTU, &value), STK_ENOTCONN);
        set(scene.sock, STK_OPT_MTU_DISCOVER, STK_PMTUD_DO);
        assert_int_equal(stk_sock_connect(scene.sock, &scene.to), STK_OK);
        assert_int_equal(send_bytes(&scene, NULL, MTU - headers(family)), MTU - headers(family));
        assert_int_equal(get(scene.sock, STK_OPT_MTU), MTU);
        assert_int_equal(stk_sock_local(scene.sock, &local), STK_OK);
        too_big(&scene, family, local.port, narrow);
        assert_int_equal(stk_sock_error_take(scene.sock), STK_EMSGSIZE);
        assert_int_equal(get(scene.sock, STK_OPT_MTU), narrow);
        assert_int_equal(send_bytes(&scene, NULL, fits), fits);
        assert_int_equal(send_bytes(&scene, NULL, fits + 1), STK_EMSGSIZE);
        set(scene.sock, STK_OPT_MTU_DISCOVER, STK_PMTUD_PROBE);
        assert_int_equal(send_bytes(&scene, NULL, fits + 1), fits + 1);
        set(scene.sock, STK_OPT_MTU_DISCOVER, STK_PMTUD_DONT);
        assert_int_equal(send_bytes(&scene, NULL, MTU), MTU);
        assert_int_equal(scene.seen.df, family == STK_AF_INET ? 3 : 0);
        scene_close(&scene);
    }
}

/* A forged message cannot make packets arbitrarily small, nor one about a packet that was not sent. */
static void path_mtu__forged__not_believed(void **state)
{
    (void)state;
    struct scene scene;
    struct stk_addr local;
    scene_open(&scene, STK_AF_INET);
    assert_int_equal(stk_sock_connect(scene.sock, &scene.to), STK_OK);
    assert_int_equal(stk_sock_local(scene.sock, &local), STK_OK);
    too_big(&scene, STK_AF_INET, (uint16_t)(local.port ^ 1), NARROW);
    assert_int_equal(get(scene.sock, STK_OPT_MTU), MTU);
    too_big(&scene, STK_AF_INET, local.port, 68);
    assert_int_equal(get(scene.sock, STK_OPT_MTU), 552);
    scene_close(&scene);
}

/* RFC 5927 4.1: neither does one about a protocol that nobody here speaks, nor about a packet of another host. */
static void path_mtu__of_no_flow__not_believed(void **state)
{
    (void)state;
    static const uint8_t protocols[] = {1, 47, 200};
    struct scene scene;
    struct stk_addr local;
    scene_open(&scene, STK_AF_INET);
    assert_int_equal(stk_sock_connect(scene.sock, &scene.to), STK_OK);
    assert_int_equal(stk_sock_local(scene.sock, &local), STK_OK);
    for (size_t i = 0; i < sizeof(protocols); i++) {
        too_big_of(&scene, STK_AF_INET, 0, protocols[i], local.port, NARROW);
        assert_int_equal(get(scene.sock, STK_OPT_MTU), MTU);
    }
    struct stk_sock *any = sim_open(&scene.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    const struct stk_addr at = {.family = STK_AF_INET, .port = PORT + 1};
    assert_int_equal(stk_sock_bind(any, &at), STK_OK); /* to no address: it does not say whose packets are its own */
    too_big_of(&scene, STK_AF_INET, 2, 17, at.port, NARROW);
    assert_int_equal(get(scene.sock, STK_OPT_MTU), MTU);
    assert_int_equal(stk_sock_close(any, STK_CLOSE_GRACEFUL), STK_OK);
    scene_close(&scene);
}

/* A RAW socket's packets are flows too. */
static void path_mtu__of_a_raw_socket__learned(void **state)
{
    (void)state;
    struct scene scene;
    struct stk_sock *raw = NULL;
    scene_open(&scene, STK_AF_INET);
    assert_int_equal(stk_sock_open(scene.world.hosts[0].client, STK_AF_INET, STK_SOCK_RAW, 200, 0, &raw), STK_OK);
    const struct stk_addr any = {.family = STK_AF_INET};
    assert_int_equal(stk_sock_bind(raw, &any), STK_OK);
    assert_int_equal(stk_sock_connect(scene.sock, &scene.to), STK_OK);
    too_big_of(&scene, STK_AF_INET, 0, 201, 0, NARROW);
    assert_int_equal(get(scene.sock, STK_OPT_MTU), MTU);
    too_big_of(&scene, STK_AF_INET, 0, 200, 0, NARROW);
    assert_int_equal(get(scene.sock, STK_OPT_MTU), NARROW);
    assert_int_equal(stk_sock_close(raw, STK_CLOSE_GRACEFUL), STK_OK);
    scene_close(&scene);
}

/* IP_USER_MTU: smaller than the path it counts, larger it does not. */
static void user_mtu__smaller_than_the_path__fragments_by_it(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const int at = family == STK_AF_INET ? 0 : 1;
        const int32_t mine = at == 0 ? 700 : 1280;
        struct scene scene;
        scene_open(&scene, family);
        assert_int_equal(get(scene.sock, STK_OPT_USER_MTU), -1);
        set(scene.sock, STK_OPT_USER_MTU, mine);
        assert_int_equal(send_bytes(&scene, &scene.to, 1400), 1400);
        assert_int_equal(scene.seen.pieces[at], at == 0 ? 3 : 2);
        assert_true(scene.seen.longest[at] <= (uint32_t)mine);
        set(scene.sock, STK_OPT_DONTFRAG, 1);
        assert_int_equal(send_bytes(&scene, &scene.to, 1400), STK_EMSGSIZE);
        assert_int_equal(send_bytes(&scene, &scene.to, (uint32_t)mine - headers(family)), mine - (int)headers(family));
        set(scene.sock, STK_OPT_USER_MTU, 9000);
        assert_int_equal(send_bytes(&scene, &scene.to, MTU - headers(family)), MTU - headers(family));
        assert_int_equal(send_bytes(&scene, &scene.to, MTU), STK_EMSGSIZE);
        scene_close(&scene);
    }
}

/* DS-5: a dual-stack socket has a TTL, a TOS and a DF for its IPv4 traffic, and others for IPv6. */
static void dual_stack__options_of_both_levels__each_its_own_packets(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, STK_AF_INET6);
    struct stk_addr mapped = {.family = STK_AF_INET6, .port = PORT};
    const struct stk_addr four = sim_addr(STK_AF_INET, 1, PORT);
    memcpy(mapped.ip, (uint8_t[]){[10] = 0xff, 0xff}, 12);
    memcpy(mapped.ip + 12, four.ip, 4);
    set(scene.sock, STK_OPT_V6ONLY, 0);
    set(scene.sock, STK_OPT_TTL, 33);
    set(scene.sock, STK_OPT_V4_TTL, 44);
    set(scene.sock, STK_OPT_V4_TOS, 0x28);
    set(scene.sock, STK_OPT_V4_DONTFRAG, 1);
    assert_int_equal(send_bytes(&scene, &mapped, 10), 10);
    assert_int_equal(send_bytes(&scene, &scene.to, 10), 10);
    assert_int_equal(scene.seen.ttl[0], 44);
    assert_int_equal(scene.seen.ttl[1], 33);
    assert_int_equal(scene.seen.tos, 0x28);
    assert_int_equal(scene.seen.df, 1);
    assert_int_equal(send_bytes(&scene, &mapped, MTU), STK_EMSGSIZE);
    assert_int_equal(send_bytes(&scene, &scene.to, MTU), MTU); /* its own version has no such option */
    scene_close(&scene);
}

/* TTL as Windows has it, unless set. */
static void ttl__not_set__128(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        struct scene scene;
        scene_open(&scene, family);
        assert_int_equal(get(scene.sock, STK_OPT_TTL), 128);
        assert_int_equal(send_bytes(&scene, &scene.to, 10), 10);
        assert_int_equal(scene.seen.ttl[family == STK_AF_INET ? 0 : 1], 128);
        scene_close(&scene);
    }
}

/* UDP_NOCHECKSUM. */
static void checksum__left_out__zero_on_the_wire_and_taken(void **state)
{
    (void)state;
    struct scene scene;
    uint8_t got[16];
    const struct stk_iov in = {.base = got, .len = sizeof(got)};
    scene_open(&scene, STK_AF_INET);
    assert_int_equal(send_bytes(&scene, &scene.to, 10), 10);
    assert_int_not_equal(scene.seen.checksum, 0);
    set(scene.sock, STK_OPT_NOCHECKSUM, 1);
    assert_int_equal(send_bytes(&scene, &scene.to, 11), 11);
    assert_int_equal(scene.seen.checksum, 0);
    assert_int_equal(stk_sock_recvfrom(scene.other, &in, 1, 0, NULL), 10);
    assert_int_equal(stk_sock_recvfrom(scene.other, &in, 1, 0, NULL), 11);
    set(scene.sock, STK_OPT_NOCHECKSUM, 0);
    assert_int_equal(send_bytes(&scene, &scene.to, 12), 12);
    assert_int_not_equal(scene.seen.checksum, 0);
    scene_close(&scene);
}

/* SIO_UDP_NETRESET: an expired TTL is told, or not. */
static void netreset__switched_off__expired_ttl_is_not_told(void **state)
{
    (void)state;
    struct scene scene;
    struct stk_addr local;
    scene_open(&scene, STK_AF_INET);
    assert_int_equal(stk_sock_connect(scene.sock, &scene.to), STK_OK);
    assert_int_equal(stk_sock_local(scene.sock, &local), STK_OK);
    for (int on = 1; on >= 0; on--) {
        static struct sim_frame inner;
        static struct sim_frame frame;
        uint8_t l4[8] = {(uint8_t)(local.port >> 8), (uint8_t)local.port, PORT >> 8, PORT & 0xff, 0, 8, 0, 0};
        uint8_t message[8 + 28] = {11, 0};
        set(scene.sock, STK_OPT_UDP_NETRESET, on);
        sim_frame_ip(&inner, STK_AF_INET, 1, 17, l4, sizeof(l4));
        sim_frame_from(&inner, 0);
        sim_frame_seal(&inner);
        memcpy(message + 8, inner.bytes + SIM_ETH_BYTES, 28);
        sim_frame_ip(&frame, STK_AF_INET, 0, 1, message, sizeof(message));
        sim_frame_seal(&frame);
        sim_wire_frame(&scene.wire, &frame);
        assert_int_equal(stk_sock_error_take(scene.sock), on != 0 ? STK_ENETRESET : STK_OK);
    }
    scene_close(&scene);
}

/* IP_RECEIVE_BROADCAST. */
static void broadcast__not_wanted__not_received(void **state)
{
    (void)state;
    struct scene scene;
    struct stk_addr all = {.family = STK_AF_INET, .port = PORT, .ip = {10, 9, 0, 255}};
    struct stk_sock *any = NULL;
    uint8_t got[16];
    const struct stk_iov in = {.base = got, .len = sizeof(got)};
    const struct stk_addr at = {.family = STK_AF_INET, .port = PORT + 1};
    scene_open(&scene, STK_AF_INET);
    any = sim_open(&scene.world.hosts[1], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_bind(any, &at), STK_OK);
    all.port = PORT + 1;
    set(scene.sock, STK_OPT_BROADCAST, 1);
    assert_int_equal(send_bytes(&scene, &all, 5), 5);
    assert_int_equal(stk_sock_recvfrom(any, &in, 1, 0, NULL), 5);
    set(any, STK_OPT_RECV_BROADCAST, 0);
    assert_int_equal(send_bytes(&scene, &all, 6), 6);
    assert_int_equal(stk_sock_recvfrom(any, &in, 1, 0, NULL), STK_EAGAIN);
    assert_int_equal(stk_sock_close(any, STK_CLOSE_GRACEFUL), STK_OK);
    scene_close(&scene);
}

/* SIO_ENABLE_CIRCULAR_QUEUEING: the newest are kept. */
static void circular_queue__overflow__oldest_is_lost(void **state)
{
    (void)state;
    struct scene scene;
    static uint8_t got[2000];
    const struct stk_iov in = {.base = got, .len = sizeof(got)};
    int64_t first;
    int64_t last = 0;
    scene_open(&scene, STK_AF_INET);
    set(scene.other, STK_OPT_RCVBUF, 8192);
    set(scene.other, STK_OPT_CIRCULAR, 1);
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(send_bytes(&scene, &scene.to, 1000 + i), 1000 + i);
    }
    first = stk_sock_recvfrom(scene.other, &in, 1, 0, NULL);
    assert_true(first > 1030 && first < 1040);
    for (int64_t n = first; n > 0; n = stk_sock_recvfrom(scene.other, &in, 1, 0, NULL)) {
        assert_true(last == 0 || n == last + 1);
        last = n;
    }
    assert_int_equal(last, 1039);
    struct stk_sock_status status;
    stk_sock_status(scene.other, &status);
    assert_int_equal(status.rx_bytes, 0);
    scene_close(&scene);
}

/* --- Protection level --------------------------------------------------------- */

static const uint8_t teredo[16] = {0x20, 0x01, 0, 0, [15] = 9};
static const uint8_t external[16] = {0x2a, 0x01, 1, 1, [15] = 9};
static const uint8_t site[16] = {0xfd, 0, 0, 9, 0, 0, 0, 1, [15] = 9};

static uint32_t unreachables;
static uint32_t resets;
static uint32_t answers;
static uint32_t sent; /* UDP packets */

static void look_answers(void *context, const uint8_t *frame, uint32_t len)
{
    const uint8_t *ip = frame + SIM_ETH_BYTES;
    (void)context;
    if (len < SIM_ETH_BYTES + SIM_IP6_BYTES + 8 || frame[11] != 1 || frame[12] != 0x86) {
        return;
    }
    sent += ip[6] == 17;
    unreachables += ip[6] == 58 && ip[40] == 1 && ip[41] == 4;
    resets += ip[6] == 6 && (ip[53] & SIM_RST) != 0;
    answers += ip[6] == 6 && (ip[53] & (SIM_SYN | SIM_RST)) == SIM_SYN;
}

static void frame_source(struct sim_frame *frame, const uint8_t ip[16])
{
    memcpy(frame->bytes + SIM_ETH_BYTES + 8, ip, 16);
    sim_frame_seal(frame);
}

/* PL-4, PL-5: who may not come is answered as by a port without a socket. */
static void protection__levels_and_sources__as_the_table_has_it(void **state)
{
    (void)state;
    static const struct {
        int32_t level;
        const uint8_t *from;
        bool taken;
    } rows[] = {
        {STK_PROTECT_UNRESTRICTED, teredo, true},     {STK_PROTECT_UNRESTRICTED, external, true},
        {STK_PROTECT_UNRESTRICTED, site, true},       {STK_PROTECT_EDGERESTRICTED, teredo, false},
        {STK_PROTECT_EDGERESTRICTED, external, true}, {STK_PROTECT_EDGERESTRICTED, site, true},
        {STK_PROTECT_RESTRICTED, teredo, false},      {STK_PROTECT_RESTRICTED, external, false},
        {STK_PROTECT_RESTRICTED, site, true},
    };
    struct sim_world world;
    struct sim_wire wire;
    sim_world_init(&world, 72, "route = ::/0 via fd00:9::77\nneighbour = fd00:9::77 02:00:00:00:09:77\n", "");
    sim_wire_open(&wire, &world);
    wire.sniff = look_answers;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("row %u\n", (unsigned)i);
        struct stk_sock *udp = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_DGRAM);
        struct stk_sock *tcp = sim_open(&world.hosts[0], STK_AF_INET6, STK_SOCK_STREAM);
        const struct stk_addr at = {.family = STK_AF_INET6, .port = (uint16_t)(PORT + 2 + i)};
        static struct sim_frame frame;
        uint8_t got[16];
        const struct stk_iov in = {.base = got, .len = sizeof(got)};
        assert_int_equal(get(udp, STK_OPT_PROTECTION), STK_PROTECT_EDGERESTRICTED); /* X24 */
        set(udp, STK_OPT_PROTECTION, rows[i].level);
        set(tcp, STK_OPT_PROTECTION, rows[i].level);
        assert_int_equal(stk_sock_bind(udp, &at), STK_OK);
        assert_int_equal(stk_sock_bind(tcp, &at), STK_OK);
        assert_int_equal(stk_sock_listen(tcp, 4), STK_OK);
        unreachables = resets = answers = 0;
        sim_frame_udp(&frame, STK_AF_INET6, 0, at.port, "hello", 5);
        frame_source(&frame, rows[i].from);
        sim_wire_frame(&wire, &frame);
        const struct sim_tcp syn = {.src_port = 999, .dst_port = at.port, .seq = 1, .flags = SIM_SYN, .window = 1000};
        sim_frame_tcp(&frame, STK_AF_INET6, 0, &syn);
        frame_source(&frame, rows[i].from);
        sim_wire_frame(&wire, &frame);
        sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
        sim_wire_drain(&wire);
        assert_int_equal(stk_sock_recvfrom(udp, &in, 1, 0, NULL), rows[i].taken ? 5 : STK_EAGAIN);
        assert_int_equal(unreachables, rows[i].taken ? 0 : 1);
        assert_int_equal(resets != 0, !rows[i].taken);
        assert_int_equal(answers != 0, rows[i].taken);
        struct stk_addr distant = {.family = STK_AF_INET6, .port = PORT}; /* PL-2: what it sends is nobody's business */
        char text[] = "out";
        const struct stk_iov out = {.base = text, .len = 3};
        memcpy(distant.ip, rows[i].from, sizeof(distant.ip));
        assert_int_equal(stk_sock_sendto(udp, &out, 1, &distant), 3);
        sent = 0;
        sim_world_run_until(&world, world.now_ns + 100 * STK_MS_NS);
        sim_wire_drain(&wire);
        assert_int_equal(sent, 1);
        assert_int_equal(stk_sock_close(udp, STK_CLOSE_GRACEFUL), STK_OK);
        assert_int_equal(stk_sock_close(tcp, STK_CLOSE_ABORT), STK_OK);
    }
    sim_wire_close(&wire);
    sim_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mtu_discover__each_value__df_as_it_says),
        cmocka_unit_test(path_mtu__learned__decides_with_do),
        cmocka_unit_test(path_mtu__forged__not_believed),
        cmocka_unit_test(path_mtu__of_no_flow__not_believed),
        cmocka_unit_test(path_mtu__of_a_raw_socket__learned),
        cmocka_unit_test(user_mtu__smaller_than_the_path__fragments_by_it),
        cmocka_unit_test(dual_stack__options_of_both_levels__each_its_own_packets),
        cmocka_unit_test(ttl__not_set__128),
        cmocka_unit_test(checksum__left_out__zero_on_the_wire_and_taken),
        cmocka_unit_test(netreset__switched_off__expired_ttl_is_not_told),
        cmocka_unit_test(broadcast__not_wanted__not_received),
        cmocka_unit_test(circular_queue__overflow__oldest_is_lost),
        cmocka_unit_test(protection__levels_and_sources__as_the_table_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

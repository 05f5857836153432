/*
 * TCP over a path that is narrower than the hosts' links: a router between them passes on what fits, and says so of the
 * rest, or says nothing. RFC 1191, RFC 2923 2.1, RFC 5927 7.
 */
#include "sim_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 5017
#define STEP (STK_MS_NS / 2)
#define QUEUE 1024u
#define PLENTY 200000u

/*
 * The wire's third port is the router. On one link everybody sees everything: what goes by the router has other addresses on
 * each side of it, those of the hosts beyond with a 1 in this octet.
 */
#define FAR4 2
#define FAR6 7
#define WAYS                                                                       \
    "route = 10.9.1.0/24 via 10.9.0.119\nroute = fd00:9:0:1::/64 via fd00:9::77\n" \
    "neighbour = 10.9.0.119 02:00:00:00:09:77\nneighbour = fd00:9::77 02:00:00:00:09:77\n"

enum tells { TELLS, TELLS_NO_MTU, SILENT };

struct router {
    uint32_t mtu;
    enum tells tells;
    bool down;
    uint32_t dropped;   /* too large, with DF or of IPv6 */
    uint32_t pieces;    /* made of packets without DF */
    uint32_t plain;     /* TCP segments over IPv4 that came without DF */
    uint32_t longest;   /* IP packet that came, since it was set to 0 */
    uint32_t fragments; /* that came as such */
    uint32_t first;
    uint32_t count;
    struct sim_frame queue[QUEUE];
    struct sim_frame last_dropped;
};

struct scene {
    struct sim_world world;
    struct sim_wire wire;
    struct router router;
    int family;
    int32_t stamps; /* timestamps are offered */
    struct stk_sock *ends[SIM_HOSTS];
    struct stk_sock *listener;
};

static struct scene scene;

/* --- The router ------------------------------------------------------------------- */

static bool is_six(const struct sim_frame *frame)
{
    return frame->bytes[12] == 0x86;
}

static uint32_t ip_bytes(const struct sim_frame *frame)
{
    const uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    return is_six(frame) ? SIM_IP6_BYTES + ((uint32_t)ip[4] << 8 | ip[5]) : (uint32_t)ip[2] << 8 | ip[3];
}

/* What comes to the router waits: it is not sent from inside of a look at the link. */
static void take(void *context, const uint8_t *bytes, uint32_t len)
{
    static const uint8_t own[6] = {2, 0, 0, 0, 9, 0x77};
    struct router *router = context;
    const bool ip = len > SIM_ETH_BYTES &&
                    ((bytes[12] == 0x08 && bytes[13] == 0) || (bytes[12] == 0x86 && bytes[13] == 0xdd));
    if (!ip || memcmp(bytes, own, sizeof(own)) != 0 || len > SIM_FRAME_MAX) {
        return;
    }
    assert_true(router->count < QUEUE);
    struct sim_frame *frame = &router->queue[(router->first + router->count++) % QUEUE];
    memcpy(frame->bytes, bytes, len);
    frame->len = len;
}

static void pass(const struct sim_frame *from, uint32_t host)
{
    static struct sim_frame frame;
    frame = *from;
    memcpy(frame.bytes, (uint8_t[]){2, 0, 0, 0, 9, (uint8_t)(host + 1), 2, 0, 0, 0, 9, 0x77}, 12);
    sim_wire_frame(&scene.wire, &frame);
}

/* RFC 1191 4, RFC 4443 3.2. */
static void tell(const struct sim_frame *about, uint32_t mtu)
{
    static struct sim_frame frame;
    const bool six = is_six(about);
    const uint32_t quoted = six ? 300 : 28;
    uint8_t message[8 + 300] = {six ? 2 : 3, six ? 0 : 4};
    const int sender = about->bytes[SIM_ETH_BYTES + (six ? 23 : 15)] - 1;
    message[6] = (uint8_t)(mtu >> 8);
    message[7] = (uint8_t)mtu;
    memcpy(message + 8, about->bytes + SIM_ETH_BYTES, quoted);
    sim_frame_ip(&frame, six ? STK_AF_INET6 : STK_AF_INET, sender, six ? 58 : 1, message, 8 + quoted);
    sim_frame_seal(&frame);
    sim_wire_frame(&scene.wire, &frame);
}

static void cut(const struct sim_frame *whole, uint32_t mtu, uint32_t host)
{
    const uint32_t room = (mtu - SIM_IP4_BYTES) / 8 * 8;
    const uint32_t all = ip_bytes(whole) - SIM_IP4_BYTES;
    for (uint32_t at = 0; at < all; at += room) {
        static struct sim_frame piece;
        piece = *whole;
        uint8_t *ip = piece.bytes + SIM_ETH_BYTES;
        const uint32_t bytes = all - at < room ? all - at : room;
        memmove(ip + SIM_IP4_BYTES, ip + SIM_IP4_BYTES + at, bytes);
        ip[2] = (uint8_t)((bytes + SIM_IP4_BYTES) >> 8);
        ip[3] = (uint8_t)(bytes + SIM_IP4_BYTES);
        ip[6] = (uint8_t)((at / 8 >> 8) | (at + bytes < all ? 0x20u : 0u));
        ip[7] = (uint8_t)(at / 8);
        ip[10] = ip[11] = 0;
        uint32_t sum = 0;
        for (uint32_t i = 0; i < SIM_IP4_BYTES; i += 2) {
            sum += (uint32_t)ip[i] << 8 | ip[i + 1];
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        ip[10] = (uint8_t)(sum >> 8);
        ip[11] = (uint8_t)sum;
        piece.len = SIM_ETH_BYTES + SIM_IP4_BYTES + bytes;
        scene.router.pieces++;
        pass(&piece, host);
    }
}

/* The other side's addresses. */
static void readdress(struct sim_frame *frame)
{
    uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    ip[is_six(frame) ? 8 + FAR6 : 12 + FAR4] = 1;
    ip[is_six(frame) ? 24 + FAR6 : 16 + FAR4] = 0;
    sim_frame_seal(frame);
}

static void route(const struct sim_frame *came)
{
    static struct sim_frame copy;
    struct router *router = &scene.router;
    const struct sim_frame *frame = &copy;
    const uint8_t *ip = frame->bytes + SIM_ETH_BYTES;
    copy = *came;
    readdress(&copy);
    const uint32_t bytes = ip_bytes(frame);
    const uint32_t host = (uint32_t)ip[is_six(frame) ? 39 : 19] - 1;
    const bool whole = is_six(frame) || (ip[6] & 0x40) != 0;
    if (router->down || host >= SIM_HOSTS) {
        return;
    }
    router->plain += !is_six(frame) && ip[9] == 6 && !whole;
    router->fragments += is_six(frame) ? ip[6] == 44 : (ip[6] & 0x3f) != 0 || ip[7] != 0;
    router->longest = bytes > router->longest ? bytes : router->longest;
    if (bytes <= router->mtu) {
        pass(frame, host);
    } else if (!whole) {
        cut(frame, router->mtu, host);
    } else {
        router->dropped++;
        router->last_dropped = *came;
        if (router->tells != SILENT) {
            tell(came, router->tells == TELLS ? router->mtu : 0);
        }
    }
}

static void run(uint64_t for_ns)
{
    struct router *router = &scene.router;
    const uint64_t until = scene.world.now_ns + for_ns;
    while (scene.world.now_ns < until) {
        sim_world_run_until(&scene.world, scene.world.now_ns + STEP);
        sim_wire_drain(&scene.wire);
        while (router->count > 0) {
            static struct sim_frame frame;
            frame = router->queue[router->first];
            router->first = (router->first + 1) % QUEUE;
            router->count--;
            route(&frame);
        }
    }
}

/* --- Streams ------------------------------------------------------------------------ */

static void opt(struct stk_sock *sock, enum stk_opt name, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, name, &value, sizeof(value)), STK_OK);
}

static int32_t segment_size(void)
{
    int32_t value = 0;
    assert_int_equal(stk_sock_opt_get(scene.ends[0], STK_OPT_MSS, &value), STK_OK);
    return value;
}

static void connect_ends(int32_t discover)
{
    struct stk_addr to = sim_addr(scene.family, 1, PORT);
    to.ip[scene.family == STK_AF_INET ? FAR4 : FAR6] = 1;
    scene.ends[0] = sim_open(&scene.world.hosts[0], scene.family, STK_SOCK_STREAM);
    opt(scene.ends[0], STK_OPT_MTU_DISCOVER, discover);
    opt(scene.ends[0], STK_OPT_TIMESTAMPS, scene.stamps);
    assert_int_equal(stk_sock_connect(scene.ends[0], &to), STK_EINPROGRESS);
    for (int i = 0; i < 1000 && (stk_sock_ready(scene.ends[0]) & STK_READY_CONN) == 0; i++) {
        run(STK_MS_NS);
    }
    run(5 * STK_MS_NS);
    assert_int_equal(stk_sock_accept(scene.listener, 0, &scene.ends[1], NULL), STK_OK);
}

static void scene_open(int family, uint32_t mtu, enum tells tells, int32_t discover)
{
    const struct stk_addr at = sim_addr(family, 1, PORT);
    memset(&scene, 0, sizeof(scene));
    sim_world_init(&scene.world, 73, WAYS, "");
    sim_wire_open(&scene.wire, &scene.world);
    scene.family = family;
    scene.router.mtu = mtu;
    scene.router.tells = tells;
    scene.wire.sniff = take;
    scene.wire.context = &scene.router;
    scene.listener = sim_open(&scene.world.hosts[1], family, STK_SOCK_STREAM);
    opt(scene.listener, STK_OPT_MTU_DISCOVER, discover);
    assert_int_equal(stk_sock_bind(scene.listener, &at), STK_OK);
    assert_int_equal(stk_sock_listen(scene.listener, 4), STK_OK);
    connect_ends(discover);
}

static void ends_close(void)
{
    assert_int_equal(stk_sock_close(scene.ends[0], STK_CLOSE_GRACEFUL), STK_OK);
    assert_int_equal(stk_sock_close(scene.ends[1], STK_CLOSE_GRACEFUL), STK_OK);
    run(200 * STK_MS_NS);
}

static void scene_close(void)
{
    ends_close();
    assert_int_equal(stk_sock_close(scene.listener, STK_CLOSE_GRACEFUL), STK_OK);
    run(200 * STK_MS_NS);
    sim_wire_close(&scene.wire);
    sim_world_fini(&scene.world);
}

/** The connection is over, whatever became of it: another one comes about as ever. */
static void scene_again_and_close(void)
{
    assert_int_equal(stk_sock_close(scene.ends[0], STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(scene.ends[1], STK_CLOSE_ABORT), STK_OK);
    connect_ends(STK_PMTUD_NOT_SET);
    scene_close();
}

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)(position * 7 + (position >> 8) * 31 + (position >> 16));
}

/* So many bytes from host 0 to host 1, each compared; false if that takes longer. */
static bool move(uint32_t bytes, uint64_t within_ns)
{
    static uint8_t out[16384];
    static uint8_t in[16384];
    const uint64_t until = scene.world.now_ns + within_ns;
    uint32_t sent = 0;
    uint32_t got = 0;
    while (got < bytes && scene.world.now_ns < until) {
        for (int64_t n = 1; n > 0 && sent<bytes; sent += n> 0 ? (uint32_t)n : 0) {
            struct stk_iov iov = {.base = out, .len = bytes - sent < sizeof(out) ? bytes - sent : sizeof(out)};
            for (uint32_t i = 0; i < iov.len; i++) {
                out[i] = byte_at(sent + i);
            }
            n = stk_sock_send(scene.ends[0], &iov, 1);
        }
        run(STK_MS_NS);
        const struct stk_iov iov = {.base = in, .len = sizeof(in)};
        for (int64_t n = 1; n > 0; got += n > 0 ? (uint32_t)n : 0) {
            n = stk_sock_recv(scene.ends[1], &iov, 1, 0);
            for (uint32_t i = 0; n > 0 && i < (uint32_t)n; i++) {
                assert_int_equal(in[i], byte_at(got + i));
            }
        }
    }
    return got == bytes;
}

/* --- Cases ---------------------------------------------------------------------------- */

/* What was queued is split, what was lost goes out again at once, and who comes later knows already. */
static void path__narrow_and_told__segments_fit(void **state)
{
    static const struct {
        int family;
        uint32_t mtu;
        int32_t stamps;
    } rows[] = {{STK_AF_INET, 1000, 0}, {STK_AF_INET, 1499, 0},  {STK_AF_INET, 552, 0},   {STK_AF_INET, 552, 1},
                {STK_AF_INET, 1499, 1}, {STK_AF_INET6, 1280, 0}, {STK_AF_INET6, 1280, 1}, {STK_AF_INET6, 1400, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint32_t headers = rows[i].family == STK_AF_INET ? 40 : 60;
        print_message("row %u\n", (unsigned)i);
        scene_open(rows[i].family, rows[i].mtu, TELLS, STK_PMTUD_NOT_SET);
        if (rows[i].stamps) {
            ends_close();
            scene.stamps = 1;
            connect_ends(STK_PMTUD_NOT_SET);
        }
        assert_int_equal(segment_size(), 1500 - headers);
        assert_true(move(1500 - headers - (rows[i].stamps ? 12 : 0), 200 * STK_MS_NS)); /* at once, also one alone */
        assert_int_equal(scene.router.dropped, 1);
        assert_true(move(PLENTY, 2 * STK_S_NS)); /* no time-out was needed for the first ones: that takes a second */
        assert_in_range(scene.router.dropped, 1, 12);
        assert_int_equal(segment_size(), rows[i].mtu - headers);
        assert_int_equal(scene.router.plain, 0);
        assert_int_equal(scene.router.pieces, 0);
        scene.router.dropped = 0;
        scene.router.longest = 0;
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_int_equal(scene.router.longest, rows[i].mtu);
        ends_close();
        connect_ends(STK_PMTUD_NOT_SET);
        assert_int_equal(segment_size(), rows[i].mtu - headers);
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_int_equal(scene.router.dropped, 0);
        scene_close();
    }
}

/* RFC 1191 5: an old router leaves the number out. */
static void path__told_without_a_number__found_by_steps(void **state)
{
    (void)state;
    scene_open(STK_AF_INET, 1100, TELLS_NO_MTU, STK_PMTUD_DO);
    assert_true(move(PLENTY, 5 * STK_S_NS));
    assert_int_equal(segment_size(), 1006 - 40);
    scene_close();
}

/* RFC 2923 2.1: nobody hears of what is dropped. */
static void path__narrow_and_silent__small_segments_get_through(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        const uint32_t small = family == STK_AF_INET ? 576 : 1280;
        scene_open(family, small, SILENT, STK_PMTUD_NOT_SET);
        assert_true(move(PLENTY, 10 * STK_S_NS));
        assert_int_equal(segment_size(), small - (family == STK_AF_INET ? 40 : 60));
        assert_int_equal(scene.router.plain, 0);
        scene.router.mtu = 1500;
        run(601 * STK_S_NS); /* and later larger ones are tried */
        assert_true(move(1000, STK_S_NS));
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_int_equal(segment_size(), 1500 - (family == STK_AF_INET ? 40 : 60));
        scene_close();
    }
}

/* Narrower than all paths should be: the routers have to cut. */
static void path__very_narrow_and_silent__fragments_get_through(void **state)
{
    (void)state;
    scene_open(STK_AF_INET, 400, SILENT, STK_PMTUD_NOT_SET);
    assert_true(move(PLENTY, 30 * STK_S_NS));
    assert_true(scene.router.pieces > 0);
    scene_close();
}

/* A path that was down for a while is no narrow one. */
static void path__down_for_a_while__segments_stay_large(void **state)
{
    (void)state;
    scene_open(STK_AF_INET, 1500, TELLS, STK_PMTUD_NOT_SET);
    assert_true(move(PLENTY, 2 * STK_S_NS));
    scene.router.down = true;
    assert_false(move(PLENTY, 20 * STK_S_NS));
    scene.router.down = false;
    run(20 * STK_S_NS);
    assert_int_equal(segment_size(), 1460);
    scene_again_and_close();
}

/* IP_MTU_DISCOVER of streams: DONT and PROBE switch it off. */
static void path__switched_off__routers_cut(void **state)
{
    (void)state;
    for (int32_t discover = STK_PMTUD_DONT; discover <= STK_PMTUD_PROBE; discover++) {
        scene_open(STK_AF_INET, 1000, TELLS, discover);
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_int_equal(scene.router.dropped, 0);
        assert_true(scene.router.pieces > 0);
        assert_int_equal(segment_size(), 1460);
        opt(scene.ends[0], STK_OPT_MTU_DISCOVER, STK_PMTUD_DO); /* and on again */
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_true(scene.router.dropped > 0);
        assert_int_equal(segment_size(), 960);
        scene_close();
    }
}

/* RFC 5927 4.1, 7.2: of a segment that is not in flight, or that would have fitted, nothing is believed. */
static void path__forged__not_believed(void **state)
{
    (void)state;
    scene_open(STK_AF_INET, 1500, TELLS, STK_PMTUD_NOT_SET);
    scene.router.mtu = 1499; /* one is dropped, so that there is one to forge */
    assert_true(move(PLENTY, 2 * STK_S_NS));
    assert_int_equal(segment_size(), 1459);
    tell(&scene.router.last_dropped, 800); /* long acknowledged */
    assert_int_equal(segment_size(), 1459);
    scene.router.down = true;
    scene.router.mtu = 1500;
    assert_false(move(20000, 100 * STK_MS_NS)); /* now some are in flight */
    struct sim_frame *forged = &scene.router.last_dropped;
    const uint32_t seq = scene.wire.tcp[0].seq_end - 1000;
    for (unsigned i = 0; i < 4; i++) {
        forged->bytes[SIM_ETH_BYTES + SIM_IP4_BYTES + 4 + i] = (uint8_t)(seq >> (24 - 8 * i));
    }
    forged->bytes[SIM_ETH_BYTES + 2] = 700 >> 8;
    forged->bytes[SIM_ETH_BYTES + 3] = 700 & 0xff;
    tell(forged, 800);
    assert_int_equal(segment_size(), 1459);
    forged->bytes[SIM_ETH_BYTES + 2] = 1000 >> 8;
    forged->bytes[SIM_ETH_BYTES + 3] = 1000 & 0xff;
    tell(forged, 68); /* this one is, but not below what paths are */
    assert_int_equal(segment_size(), 512);
    scene.router.down = false;
    scene_again_and_close();
}

/* A link that is down for some seconds, or a burst of losses, is no narrow path: the next round trip shows it. */
static void path__down_for_seconds__large_again_at_once(void **state)
{
    static const uint32_t down_ms[] = {1500, 2500, 3500, 5000, 7000, 9000, 12000};
    (void)state;
    for (size_t i = 0; i < sizeof(down_ms) / sizeof(down_ms[0]); i++) {
        print_message("%u ms\n", down_ms[i]);
        scene_open(STK_AF_INET, 1500, TELLS, STK_PMTUD_NOT_SET);
        assert_true(move(PLENTY, 2 * STK_S_NS));
        scene.router.down = true;
        run(5 * STK_MS_NS);
        assert_false(move(20000, down_ms[i] * STK_MS_NS));
        scene.router.down = false;
        run(20 * STK_S_NS);
        assert_int_equal(segment_size(), 1460);
        scene_again_and_close();
    }
}

/* What a router said is asked again after ten minutes; over IPv6 lwIP remembers, and would cut what is larger. */
static void path__told_and_later_wider__never_in_pieces(void **state)
{
    (void)state;
    for (int family = STK_AF_INET; family <= STK_AF_INET6; family += 2) {
        scene_open(family, 1400, TELLS, STK_PMTUD_NOT_SET);
        assert_true(move(PLENTY, 2 * STK_S_NS));
        run(601 * STK_S_NS);
        assert_true(move(1000, STK_S_NS));
        scene.router.fragments = 0;
        assert_true(move(PLENTY, 2 * STK_S_NS));
        assert_int_equal(scene.router.fragments, 0);
        scene_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path__narrow_and_told__segments_fit),
        cmocka_unit_test(path__told_without_a_number__found_by_steps),
        cmocka_unit_test(path__narrow_and_silent__small_segments_get_through),
        cmocka_unit_test(path__very_narrow_and_silent__fragments_get_through),
        cmocka_unit_test(path__down_for_a_while__segments_stay_large),
        cmocka_unit_test(path__down_for_seconds__large_again_at_once),
        cmocka_unit_test(path__told_and_later_wider__never_in_pieces),
        cmocka_unit_test(path__switched_off__routers_cut),
        cmocka_unit_test(path__forged__not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

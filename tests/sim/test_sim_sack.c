/*
 * What a TCP sender does when segments are lost, as its packets show: RFC 2018, RFC 6675 with RFC 3042, and probes as in RFC 8985 7.
 * The peer is made of frames: it loses and tells what the case says.
 */
#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7011
#define STEP STK_MS_NS
#define MSS 1460u
#define FLIGHT 10u
#define NEWS 64u
#define SEEDS 40u
#define SOON (20 * STK_MS_NS)         /* no timer runs out within it */
#define ONE_PROBE (180 * STK_MS_NS)   /* a probe leaves within it, and no retransmission timer runs out */
#define ONE_TIMEOUT (400 * STK_MS_NS) /* one retransmission timer runs out within it */

static uint8_t data[NEWS * MSS];
static const uint8_t syn_options[] = {2, 4, 5, 180, 4, 2, 1, 1};

static struct scene {
    struct sim_trace trace;
    struct sim_peer peer;
    struct stk_sock *listener;
    uint32_t base; /* sequence number of the flight's first byte */
    uint32_t mark; /* what was sent from here on is looked at */
    uint8_t options[40];
} scene;

static struct stk_tcp_info info(void)
{
    struct stk_tcp_info out;
    assert_int_equal(stk_sock_tcp_info(scene.peer.sock, &out), STK_OK);
    return out;
}

static void run(uint64_t for_ns)
{
    sim_trace_run(&scene.trace, for_ns, STEP);
}

static void send_bytes(uint32_t bytes)
{
    const struct stk_iov iov = {.base = data, .len = bytes};
    assert_int_equal(stk_sock_send(scene.peer.sock, &iov, 1), bytes);
    run(5 * STK_MS_NS);
}

static void send_segments(uint32_t count)
{
    send_bytes(count * MSS);
}

/* A connection that has measured its path, with room for more than a flight, and a flight that nobody has acknowledged. */
static void scene_open_with(uint64_t seed, uint32_t flight)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    memset(&scene, 0, sizeof(scene));
    sim_trace_open(&scene.trace, seed, "", "");
    scene.listener = sim_listen(&scene.trace.world.hosts[1], &addr);
    sim_peer_open(&scene.peer, &scene.trace, scene.listener, PORT, syn_options, sizeof(syn_options));
    for (uint32_t turn = 0; turn < 50; turn++) { /* lwIP measures nothing in its first tick */
        send_bytes(10);
        sim_peer_ack(&scene.peer);
    }
    for (uint32_t turn = 0; turn < FLIGHT; turn++) {
        send_segments(2);
        sim_peer_ack(&scene.peer);
    }
    assert_true(info().cwnd >= 2 * FLIGHT * MSS);
    assert_in_range(info().rtt_us, 1, 20000);
    scene.base = scene.trace.wire.tcp[1].seq_end;
    scene.mark = scene.trace.count;
    send_segments(flight);
}

static void scene_open(uint64_t seed)
{
    scene_open_with(seed, FLIGHT);
    assert_int_equal(sim_trace_data(&scene.trace, scene.mark, 1), FLIGHT);
    scene.mark = scene.trace.count;
}

static void scene_close(void)
{
    assert_int_equal(stk_sock_close(scene.peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(scene.listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&scene.trace);
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* An acknowledgement up to a byte of the flight, with pairs of edges as bytes of it. */
static void tell_bytes(uint32_t ack, unsigned blocks, const uint32_t *edges)
{
    scene.options[0] = scene.options[1] = 1;
    scene.options[2] = 5;
    scene.options[3] = (uint8_t)(2 + 8 * blocks);
    for (unsigned i = 0; i < 2 * blocks; i++) {
        put32(scene.options + 4 + 4 * (size_t)i, scene.base + edges[i]);
    }
    scene.peer.tcp.ack = scene.base + ack;
    scene.peer.tcp.options = scene.options;
    scene.peer.tcp.options_len = blocks > 0 ? 4 + 8 * blocks : 0;
    sim_peer_send(&scene.peer, SIM_ACK, NULL, 0);
}

/* The same in segments: up to ack, and from..to-1 behind it. */
static void tell(uint32_t ack, uint32_t from, uint32_t to)
{
    const uint32_t edges[2] = {from * MSS, to * MSS};
    tell_bytes(ack * MSS, to > from, edges);
    run(2 * STK_MS_NS);
}

/* What was sent since the last look: these segments of the flight, in this order, and nothing else. */
static void sent_are(unsigned count, const uint32_t *segments)
{
    uint32_t seen[NEWS];
    unsigned n = 0;
    for (uint32_t i = scene.mark; i < scene.trace.count; i++) {
        const struct sim_segment *segment = &scene.trace.segments[i];
        if (segment->host == 1 && segment->bytes > 0) {
            assert_true(n < NEWS);
            seen[n++] = (segment->seq - scene.base) / MSS;
        }
    }
    scene.mark = scene.trace.count;
    for (unsigned i = 0; i < n; i++) {
        print_message("sent %u\n", seen[i]);
    }
    assert_int_equal(n, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(seen[i], segments[i]);
    }
}
#define SENT(...) \
    sent_are((unsigned)(sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (const uint32_t[]){__VA_ARGS__})

static void sent_nothing(void)
{
    sent_are(0, NULL);
}

/* The rest arrives: nothing more is sent for the flight, and the connection goes on. */
static void all_is_well(uint32_t flight)
{
    tell(flight, 0, 0);
    run(SOON);
    sent_nothing();
    send_segments(1);
    SENT(flight);
    tell(flight + 1, 0, 0);
    run(ONE_TIMEOUT);
    sent_nothing();
}

/* --- Losses ---------------------------------------------------------------------------- */

/* RFC 6675 5: not below three segments, then the one that is missing, once. */
static void lost__one__resent_after_three(void **state)
{
    (void)state;
    scene_open(701);
    tell(0, 1, 2);
    tell(0, 1, 3);
    sent_nothing();
    tell(0, 1, 4);
    SENT(0);
    tell(0, 1, 5);
    tell(0, 1, 6);
    sent_nothing();
    tell(0, 1, 7); /* the pipe has room, and there is nothing new: the last one, NextSeg (4) */
    SENT(9);
    for (uint32_t to = 8; to <= FLIGHT; to++) {
        tell(0, 1, to);
    }
    sent_nothing();
    all_is_well(FLIGHT);
    assert_int_equal(info().fast_resends, 1);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().bytes_resent, 2 * MSS);
    scene_close();
}

/* RFC 6675 5 (3.3), RFC 3042: meanwhile new segments leave, one for each that has arrived. */
static void lost__one_of_a_full_window__new_segments_leave_meanwhile(void **state)
{
    (void)state;
    scene_open_with(702, 45);
    const uint32_t full = sim_trace_data(&scene.trace, scene.mark, 1);
    assert_in_range(full, 20, 43); /* the window, and more waits */
    scene.mark = scene.trace.count;
    tell(0, 1, 2);
    SENT(full);
    tell(0, 1, 3);
    SENT(full + 1);
    tell(0, 1, 4);
    SENT(0);
    const uint32_t half = info().cwnd;
    assert_in_range(half, full * MSS / 2, (full + 2) * MSS / 2);
    for (uint32_t to = 5; to <= full / 2 - 2; to++) { /* the window halves: what arrives makes no room yet */
        tell(0, 1, to);
    }
    sent_nothing();
    for (uint32_t to = full / 2 - 1; to <= full + 2; to++) {
        tell(0, 1, to);
    }
    assert_true(sim_trace_data(&scene.trace, scene.mark, 1) > 0);
    assert_int_equal(info().bytes_resent, MSS);
    assert_int_equal(info().cwnd, half);
    tell(info().bytes_in_flight / MSS, 0, 0);
    tell(45, 0, 0);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().bytes_in_flight, 0);
    scene_close();
}

/* NextSeg (1): those that are missing in their order, none twice, none that has arrived. */
static void lost__several__resent_in_order_and_once(void **state)
{
    (void)state;
    const uint32_t edges[] = {6 * MSS, 10 * MSS, 4 * MSS, 5 * MSS, 1 * MSS, 3 * MSS};
    scene_open(703); /* 0, 3, 5 */
    tell_bytes(0, 3, edges);
    run(2 * STK_MS_NS);
    SENT(0, 3, 5);
    tell_bytes(3 * MSS, 2, edges);
    run(2 * STK_MS_NS);
    sent_nothing();
    tell(5, 6, 10);
    sent_nothing();
    all_is_well(FLIGHT);
    assert_int_equal(info().fast_resends, 1);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().bytes_resent, 3 * MSS);
    scene_close();
}

/* RFC 6675 5 (4.3): in a burst of losses the first goes at once, the others as the pipe allows. */
static void lost__half_the_flight__resent_as_the_pipe_allows(void **state)
{
    (void)state;
    scene_open(704);
    tell(0, 6, 7);
    tell(0, 6, 8);
    sent_nothing();
    tell(0, 6, 9); /* lost are 0 to 5; in the pipe 9 is; the window is 5 */
    SENT(0, 1, 2, 3);
    tell(0, 6, 10);
    SENT(4);
    tell(1, 6, 10);
    SENT(5);
    tell(2, 6, 10);
    sent_nothing();
    all_is_well(FLIGHT);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().bytes_resent, 6 * MSS);
    scene_close();
}

/* Segments that overtake others by less than the threshold. */
static void reordered__by_two__nothing_resent(void **state)
{
    (void)state;
    scene_open(705);
    const uint32_t before = info().cwnd;
    tell(0, 1, 2);
    tell(0, 1, 3);
    tell(3, 0, 0);
    tell(3, 5, 6);
    tell(3, 4, 6);
    tell(6, 0, 0);
    sent_nothing();
    all_is_well(FLIGHT);
    assert_true(info().cwnd >= before);
    assert_int_equal(info().bytes_resent, 0);
    assert_int_equal(info().fast_resends, 0);
    scene_close();
}

/* What was sent three segments later than a retransmission has arrived, and it has not: no timer is waited for. */
static void lost__the_retransmission_too__resent_again(void **state)
{
    (void)state;
    scene_open(706);
    tell(0, 1, 10);
    SENT(0);
    send_segments(4);
    SENT(10, 11, 12, 13);
    tell(0, 1, 11);
    tell(0, 1, 12);
    SENT(13); /* NextSeg (4) */
    tell(0, 1, 13);
    SENT(0);
    tell(0, 1, 14);
    sent_nothing();
    all_is_well(14);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().bytes_resent, 3 * MSS);
    scene_close();
}

/* What was repeated in one recovery does not make what was sent then look younger in the next one. */
static void lost__again_in_the_next_flight__resent_once(void **state)
{
    (void)state;
    scene_open_with(715, 45);
    assert_int_equal(info().bytes_in_flight, 23 * MSS);
    scene.mark = scene.trace.count;
    tell(0, 12, 23); /* 0 to 11 go out again, and new ones behind them */
    for (uint32_t to = 1; to <= 12; to++) {
        tell(to, 12, 23);
    }
    tell(23, 0, 0);
    const uint32_t first = 23 + info().bytes_in_flight / MSS;
    assert_true(first > 23 + 8);
    const uint32_t resent = info().bytes_resent;
    for (uint32_t to = 25; to <= first; to++) {
        tell(23, 24, to);
    }
    assert_int_equal(info().bytes_resent, resent + MSS);
    scene_close();
}

/* NextSeg (3), (4): with nothing new to send, the last one once, and what is below the last that has arrived. */
static void lost__the_end_too__rescued(void **state)
{
    (void)state;
    scene_open(707);
    tell(0, 1, 8);
    SENT(0, 9);
    tell(8, 9, 10);
    SENT(8);
    all_is_well(FLIGHT);
    assert_int_equal(info().timeouts, 0);
    scene_close();
}

/* --- Probes ------------------------------------------------------------------------------- */

/* Nobody says anything: the last one again, and an answer to that is enough. */
static void silence__acknowledgements_lost__one_probe(void **state)
{
    (void)state;
    scene_open(708);
    run(ONE_PROBE);
    SENT(9);
    all_is_well(FLIGHT);
    assert_int_equal(info().timeouts, 0);
    scene_close();
}

static void silence__end_of_the_flight_lost__probe_finds_it(void **state)
{
    (void)state;
    scene_open(709);
    tell(6, 0, 0);
    run(ONE_PROBE);
    SENT(9);
    tell(6, 9, 10);
    SENT(6, 7); /* the window is 2 */
    tell(7, 9, 10);
    SENT(8);
    all_is_well(FLIGHT);
    assert_int_equal(info().timeouts, 0);
    assert_int_equal(info().fast_resends, 1);
    scene_close();
}

/* --- Time-outs -------------------------------------------------------------------------------- */

/* RFC 2018 8: what was told before a time-out is not believed after it. */
static void timeout__peer_reneges__all_resent(void **state)
{
    (void)state;
    scene_open(710);
    tell(0, 1, 3);
    run(ONE_PROBE); /* two are no loss yet */
    scene.mark = scene.trace.count;
    run(ONE_TIMEOUT);
    SENT(0);
    tell(1, 0, 0);
    SENT(1, 2);
    tell(3, 0, 0);
    tell(FLIGHT, 0, 0);
    run(SOON);
    assert_int_equal(info().timeouts, 1);
    assert_int_equal(info().bytes_in_flight, 0);
    scene_close();
}

/* RFC 6675 5.1: but what is told since then is left out. */
static void timeout__told_since__only_the_missing(void **state)
{
    (void)state;
    scene_open(711);
    run(ONE_PROBE);
    scene.mark = scene.trace.count;
    run(ONE_TIMEOUT);
    SENT(0);
    tell(1, 3, 9);
    SENT(1, 2);
    tell(3, 0, 0); /* with what it has had for long it would say 9, so this says that it reneged */
    tell(9, 0, 0);
    run(SOON);
    scene.mark = scene.trace.count;
    tell(FLIGHT, 0, 0);
    run(ONE_TIMEOUT);
    sent_nothing();
    assert_int_equal(info().timeouts, 1);
    scene_close();
}

/* Also if the timer ran out twice, and what it repeated first was all that was in flight. */
static void timeout__twice__only_the_missing(void **state)
{
    (void)state;
    scene_open(714);
    run(ONE_PROBE);
    scene.mark = scene.trace.count;
    const uint32_t twice = info().bytes_resent + 2 * MSS;
    while (info().bytes_resent < twice) {
        run(10 * STK_MS_NS);
    }
    scene.mark = scene.trace.count;
    const uint32_t edges[] = {3 * MSS, 6 * MSS};
    for (uint32_t ack = MSS; ack <= 5 * MSS / 2; ack += MSS / 2) {
        tell_bytes(ack, 1, edges);
        run(2 * STK_MS_NS);
    }
    run(ONE_PROBE);
    uint32_t end = 0;
    for (uint32_t i = scene.mark; i < scene.trace.count; i++) {
        const struct sim_segment *segment = &scene.trace.segments[i];
        const uint32_t at = segment->seq - scene.base;
        if (segment->host == 1 && segment->bytes > 0) {
            assert_false(at >= 3 * MSS && at < 6 * MSS);
            end = at > end ? at : end;
        }
    }
    assert_true(end >= 6 * MSS);
    tell(6, 0, 0);
    tell(FLIGHT, 0, 0);
    run(SOON);
    assert_int_equal(info().bytes_in_flight, 0);
    scene.mark = scene.trace.count;
    send_segments(45); /* what was told counts no longer */
    assert_in_range(info().bytes_in_flight, info().cwnd / 2, info().cwnd);
    scene_close();
}

/* What a time-out queued again waits for a window, and is acknowledged before there is one: nothing is left to be probed for. */
static void timeout__window_closed__acknowledged_without_one(void **state)
{
    (void)state;
    scene_open(716);
    scene.peer.tcp.window = 0;
    tell(0, 0, 0);
    run(2 * ONE_TIMEOUT);
    tell(FLIGHT, 0, 0);
    assert_int_equal(info().bytes_in_flight, 0);
    scene.mark = scene.trace.count;
    run(3 * STK_S_NS);
    sent_nothing();
    scene.peer.tcp.window = 65535;
    tell(FLIGHT, 0, 0);
    all_is_well(FLIGHT);
    scene_close();
}

/* The peer takes back what it told, without a window: what it said to have is in flight again, and is not probed for. */
static void timeout__window_closed__peer_reneges__goes_on(void **state)
{
    (void)state;
    scene_open(717);
    scene.peer.tcp.window = 0;
    tell(0, 0, 0);
    run(2 * ONE_TIMEOUT);
    tell(0, 3, 6);
    tell(3, 0, 0);
    run(3 * STK_S_NS);
    scene.peer.tcp.window = 65535;
    tell(3, 0, 0);
    run(5 * STK_S_NS);
    tell(6, 0, 0);
    tell(FLIGHT, 0, 0);
    assert_int_equal(info().bytes_in_flight, 0);
    scene_close();
}

/* --- Lies -------------------------------------------------------------------------------------- */

/* Blocks outside of what is in flight, backwards, of parts of segments: nothing is believed, and nothing makes room. */
static void hostile__blocks_that_cannot_be__ignored(void **state)
{
    static const uint32_t rows[][2] = {
        {30 * MSS, 31 * MSS},                       /* never sent */
        {22 * MSS, 23 * MSS + 1},                   /* a byte of it */
        {3 * MSS, 1 * MSS},                         /* backwards */
        {2 * MSS, 2 * MSS},                         /* empty */
        {UINT32_MAX - 5 * MSS, UINT32_MAX - 2},     /* acknowledged long ago */
        {UINT32_MAX - 5 * MSS, 5 * MSS},            /* and from there on */
        {0, 3 * MSS},                               /* what it does not acknowledge */
        {1 * MSS, 1 * MSS + (UINT32_MAX / 2) + 10}, /* half of all numbers */
        {1 * MSS + 1, 2 * MSS + 1},                 /* no whole segment */
        {1 * MSS + 1, 3 * MSS - 1},
    };
    (void)state;
    scene_open_with(712, 45); /* the window is full, and more waits: what was believed would make room */
    assert_int_equal(info().bytes_in_flight, 23 * MSS);
    scene.mark = scene.trace.count;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned turn = 0; turn < 4; turn++) {
            tell_bytes(0, 1, rows[i]);
        }
    }
    const uint32_t cwnd = info().cwnd;
    run(2 * STK_MS_NS);
    sent_nothing();
    for (unsigned len = 0; len < 40; len++) { /* lengths that no option has, or longer than all options */
        if (len == 10) {
            continue;
        }
        memset(scene.options, 1, sizeof(scene.options));
        scene.options[2] = 5;
        scene.options[3] = (uint8_t)len;
        put32(scene.options + 4, scene.base + MSS);
        put32(scene.options + 8, scene.base + 9 * MSS);
        scene.peer.tcp.options = scene.options;
        scene.peer.tcp.options_len = 12;
        sim_peer_send(&scene.peer, SIM_ACK, NULL, 0);
    }
    run(2 * STK_MS_NS);
    sent_nothing();
    assert_int_equal(info().cwnd, cwnd);
    tell(23, 0, 0);
    tell(45, 0, 0);
    assert_int_equal(info().bytes_in_flight, 0);
    assert_int_equal(info().bytes_resent, 0);
    scene_close();
}

/* Overlapping blocks, in any order, again and again, count once; so do those that grow by parts of segments. */
static void hostile__overlapping_blocks__count_once(void **state)
{
    (void)state;
    scene_open(713);
    for (unsigned turn = 0; turn < 20; turn++) {
        const uint32_t edges[] = {1 * MSS + turn, 3 * MSS, 2 * MSS, 3 * MSS, 2 * MSS - 1, 3 * MSS + turn};
        tell_bytes(0, 3, edges);
    }
    run(2 * STK_MS_NS);
    sent_nothing(); /* 1 and 2 have arrived */
    tell(0, 7, 8);
    SENT(0);
    tell(0, 7, 10);
    SENT(3, 4, 5, 6);
    all_is_well(FLIGHT);
    assert_int_equal(info().timeouts, 0);
    scene_close();
}

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33) % below;
}

/* A peer that says anything: the connection ends no differently, and what it had in flight is counted to the byte. */
static void hostile__anything_at_any_time__sums_come_out_even(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t random = seed;
        uint32_t acked = 0;
        scene_open_with(800 + seed, 45);
        for (unsigned turn = 0; turn < 60; turn++) {
            uint32_t edges[8];
            const unsigned blocks = draw(&random, 5);
            acked += draw(&random, 4) == 0 ? draw(&random, info().bytes_in_flight / 4 + 1) : 0;
            for (unsigned i = 0; i < 2 * blocks; i++) {
                const uint32_t at = acked + draw(&random, 50 * MSS);
                edges[i] = draw(&random, 3) == 0 ? at : at / MSS * MSS;
            }
            tell_bytes(acked, blocks, edges);
            run(draw(&random, 8) == 0 ? ONE_PROBE : STK_MS_NS);
        }
        for (unsigned turn = 0; turn < 60 && acked < 45 * MSS; turn++) {
            acked += info().bytes_in_flight;
            tell_bytes(acked, 0, NULL);
            run(STK_MS_NS);
        }
        assert_int_equal(acked, 45 * MSS);
        assert_int_equal(info().bytes_in_flight, 0);
        assert_in_range(info().cwnd, MSS, 200 * MSS);
        scene.mark = scene.trace.count;
        send_segments(1);
        SENT(45);
        scene_close();
    }
}

/* Its windows open and close besides, and timers run out: when they stay open all of it arrives. 1662: small segments grew again. */
static void hostile__windows_too__nothing_stands_still(void **state)
{
    (void)state;
    for (uint64_t seed = 1660; seed < 1665; seed++) {
        static const uint64_t pauses_ns[12] = {ONE_PROBE, ONE_TIMEOUT, 3 * STK_S_NS};
        uint64_t random = seed;
        uint32_t acked = 0;
        scene_open_with(800 + seed, 45);
        for (unsigned turn = 0; turn < 60; turn++) {
            uint32_t edges[8];
            const unsigned blocks = draw(&random, 5);
            acked += draw(&random, 4) == 0 ? draw(&random, info().bytes_in_flight / 4 + 1) : 0;
            for (unsigned i = 0; i < 2 * blocks; i++) {
                const uint32_t at = acked + draw(&random, 50 * MSS);
                edges[i] = draw(&random, 3) == 0 ? at : at / MSS * MSS;
            }
            if (draw(&random, 4) == 0) {
                scene.peer.tcp.window = draw(&random, 3) == 0 ? 0 : (uint16_t)draw(&random, 65535);
            }
            tell_bytes(acked, blocks, edges);
            const uint64_t pause_ns = pauses_ns[draw(&random, 12)];
            run(pause_ns != 0 ? pause_ns : STK_MS_NS);
        }
        scene.peer.tcp.window = 65535;
        for (unsigned turn = 0; turn < 100 && acked < 45 * MSS; turn++) {
            acked += info().bytes_in_flight;
            tell_bytes(acked, 0, NULL);
            run(turn % 10 == 9 ? 70 * STK_S_NS : STK_MS_NS);
        }
        assert_int_equal(acked, 45 * MSS);
        scene_close();
    }
}

/* Without the option in SYNs nothing is taken from it, and three duplicates are what they were. */
static void not_agreed__option_comes_all_the_same__ignored(void **state)
{
    static const uint8_t plain[] = {2, 4, 5, 180};
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    (void)state;
    memset(&scene, 0, sizeof(scene));
    sim_trace_open(&scene.trace, 714, "", "");
    scene.listener = sim_listen(&scene.trace.world.hosts[1], &addr);
    sim_peer_open(&scene.peer, &scene.trace, scene.listener, PORT, plain, sizeof(plain));
    for (uint32_t turn = 0; turn < 2 * FLIGHT; turn++) {
        send_segments(2);
        sim_peer_ack(&scene.peer);
    }
    scene.base = scene.trace.wire.tcp[1].seq_end;
    send_segments(FLIGHT);
    scene.mark = scene.trace.count;
    tell(0, 1, 9);
    tell(0, 1, 9);
    sent_nothing();
    tell(0, 1, 9);
    SENT(0);
    all_is_well(FLIGHT);
    scene_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost__one__resent_after_three),
        cmocka_unit_test(lost__one_of_a_full_window__new_segments_leave_meanwhile),
        cmocka_unit_test(lost__several__resent_in_order_and_once),
        cmocka_unit_test(lost__half_the_flight__resent_as_the_pipe_allows),
        cmocka_unit_test(reordered__by_two__nothing_resent),
        cmocka_unit_test(lost__the_retransmission_too__resent_again),
        cmocka_unit_test(lost__the_end_too__rescued),
        cmocka_unit_test(silence__acknowledgements_lost__one_probe),
        cmocka_unit_test(silence__end_of_the_flight_lost__probe_finds_it),
        cmocka_unit_test(timeout__peer_reneges__all_resent),
        cmocka_unit_test(timeout__told_since__only_the_missing),
        cmocka_unit_test(lost__again_in_the_next_flight__resent_once),
        cmocka_unit_test(timeout__twice__only_the_missing),
        cmocka_unit_test(timeout__window_closed__acknowledged_without_one),
        cmocka_unit_test(timeout__window_closed__peer_reneges__goes_on),
        cmocka_unit_test(hostile__blocks_that_cannot_be__ignored),
        cmocka_unit_test(hostile__overlapping_blocks__count_once),
        cmocka_unit_test(hostile__anything_at_any_time__sums_come_out_even),
        cmocka_unit_test(hostile__windows_too__nothing_stands_still),
        cmocka_unit_test(not_agreed__option_comes_all_the_same__ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * TCP's timers on the wire, in virtual time: repetitions of SYNs and data, how
 * long a connection is patient, delayed acknowledgements, slow start, TIME-WAIT.
 */
#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7001
#define STEP (10 * STK_MS_NS)

static uint8_t scratch[65536];
static struct sim_trace trace;

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static void about(uint64_t ns, uint64_t wanted_ms, uint64_t slack_ms)
{
    const uint64_t ms = ns / STK_MS_NS;
    if (ms + slack_ms < wanted_ms || ms > wanted_ms + slack_ms) {
        fail_msg("%llu ms instead of %llu", (unsigned long long)ms, (unsigned long long)wanted_ms);
    }
}

/* Connect to the third port, which does not answer; returns when the attempt has ended. */
static uint64_t connect_in_vain(struct stk_sock *sock, int wanted_error)
{
    const struct stk_addr addr = sim_third(9);
    const uint64_t start = trace.world.now_ns;
    assert_int_equal(stk_sock_connect(sock, &addr), STK_EINPROGRESS);
    while ((stk_sock_ready(sock) & STK_READY_FAIL) == 0) {
        sim_trace_run(&trace, STEP, STEP);
    }
    assert_int_equal(stk_sock_error_take(sock), wanted_error);
    return trace.world.now_ns - start;
}

static void syns_at(uint64_t start_ns, const uint32_t *ms, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < trace.count; i++) {
        if (trace.segments[i].host == 0 && (trace.segments[i].flags & SIM_SYN) != 0) {
            assert_true(found < count);
            about(trace.segments[i].at_ns - start_ns, ms[found], 120);
            found++;
        }
    }
    assert_int_equal(found, count);
}

/* TM-1: the configured 21 s are reached, and used: each time-out is twice the last one. */
static void syn__silent_peer__repeated_for_21_seconds(void **state)
{
    (void)state;
    static const uint32_t times[] = {0, 1000, 3000, 7000, 15000};
    sim_trace_open(&trace, 101, "", "");
    struct stk_sock *sock = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const uint64_t start = trace.world.now_ns;
    about(connect_in_vain(sock, STK_ETIMEDOUT), 21000, 50);
    syns_at(start, times, 5);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
    sim_trace_close(&trace);
}

/* TM-3: the first time-out and the number of repetitions are the socket's; the attempt ends with the last SYN's time. */
static void syn__first_timeout_and_repetitions_given__are_kept(void **state)
{
    (void)state;
    static const struct {
        int32_t rto_ms, retries;
        uint32_t times[4], count, end;
    } rows[] = {
        {500, 2, {0, 500, 1500}, 3, 3500}, {3000, 2, {0, 3000, 9000}, 3, 21000},    {0, 0, {0}, 1, 1000},
        {2000, 0, {0}, 1, 2000},           {0, 3, {0, 1000, 3000, 7000}, 4, 15000},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sim_trace_open(&trace, 110 + i, "", "");
        struct stk_sock *sock = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        const uint64_t start = trace.world.now_ns;
        set(sock, STK_OPT_SYN_RTO_MS, rows[i].rto_ms);
        set(sock, STK_OPT_SYN_RETRIES, rows[i].retries);
        about(connect_in_vain(sock, STK_ETIMEDOUT), rows[i].end, 120);
        syns_at(start, rows[i].times, rows[i].count);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        sim_trace_close(&trace);
    }
}

/* TM-3: a listener's are those of its SYN+ACKs. */
static void syn_ack__listener_has_a_first_timeout__is_kept(void **state)
{
    (void)state;
    struct sim_frame frame;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct sim_tcp syn = {.src_port = 4444, .dst_port = PORT, .seq = 1000, .flags = SIM_SYN, .window = 65535};
    sim_trace_open(&trace, 120, "", "");
    struct stk_sock *listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    set(listener, STK_OPT_SYN_RTO_MS, 400);
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
    const uint64_t start = trace.world.now_ns;
    sim_frame_tcp(&frame, STK_AF_INET, 1, &syn);
    sim_wire_frame(&trace.wire, &frame);
    sim_trace_run(&trace, 2 * STK_S_NS, STEP);
    about(trace.segments[sim_trace_find(&trace, 0, 1, SIM_SYN | SIM_ACK, 1)].at_ns - start, 400, 120);
    about(trace.segments[sim_trace_find(&trace, 0, 1, SIM_SYN | SIM_ACK, 2)].at_ns - start, 1200, 120);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_run(&trace, 30 * STK_S_NS, STK_S_NS);
    sim_trace_close(&trace);
}

/* A connection to the third port, which says nothing any more; data is on its way. */
static struct stk_sock *unanswered(struct stk_sock **listener, int32_t maxrt_ms)
{
    struct sim_peer peer;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = 100};
    *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(&peer, &trace, *listener, PORT, NULL, 0);
    set(peer.sock, STK_OPT_MAXRT_MS, maxrt_ms);
    trace.count = 0;
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 100);
    return peer.sock;
}

/* TM-2: TCP_MAXRT's time, however many repetitions it takes. */
static void data__never_acknowledged__ends_when_the_time_is_up(void **state)
{
    (void)state;
    static const int32_t limits[] = {1000, 5000, 90000};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct stk_sock *listener;
        sim_trace_open(&trace, 130 + i, "", "");
        const uint64_t start = trace.world.now_ns;
        struct stk_sock *sock = unanswered(&listener, limits[i]);
        while ((stk_sock_ready(sock) & STK_READY_RESET) == 0) {
            sim_trace_run(&trace, STEP, STEP);
        }
        about(trace.world.now_ns - start, (uint64_t)limits[i], 250);
        assert_int_equal(stk_sock_error_take(sock), STK_ETIMEDOUT);
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        sim_trace_close(&trace);
    }
}

/* TM-2: for ever, and never more than 60 s between two attempts. */
static void data__never_acknowledged_for_ever__each_minute_again(void **state)
{
    (void)state;
    struct stk_sock *listener;
    sim_trace_open(&trace, 140, "", "");
    struct stk_sock *sock = unanswered(&listener, -1);
    sim_trace_run(&trace, 1800 * STK_S_NS, 100 * STK_MS_NS);
    assert_int_equal(stk_sock_ready(sock) & STK_READY_RESET, 0);
    const uint32_t sent = sim_trace_data(&trace, 0, 1);
    assert_true(sent > 30);
    about(trace.segments[trace.count - 1].at_ns - trace.segments[trace.count - 2].at_ns, 60000, 300);
    for (uint32_t i = 2; i < trace.count; i++) { /* RFC 6298 5.5: doubled until then */
        const uint64_t before = trace.segments[i - 1].at_ns - trace.segments[i - 2].at_ns;
        const uint64_t wait = trace.segments[i].at_ns - trace.segments[i - 1].at_ns;
        about(wait, before * 2 / STK_MS_NS < 60000 ? before * 2 / STK_MS_NS : 60000, 300);
    }
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK); /* then the usual patience holds */
    sim_trace_run(&trace, 1200 * STK_S_NS, STK_S_NS);
    const uint32_t end = trace.count;
    sim_trace_run(&trace, 300 * STK_S_NS, STK_S_NS);
    assert_int_equal(trace.count, end);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* Twelve repetitions, and the last has its time too. */
static void data__never_acknowledged__ends_after_twelve_repetitions(void **state)
{
    (void)state;
    struct stk_sock *listener;
    sim_trace_open(&trace, 141, "", "");
    struct stk_sock *sock = unanswered(&listener, 0);
    while ((stk_sock_ready(sock) & STK_READY_RESET) == 0) {
        sim_trace_run(&trace, 100 * STK_MS_NS, 100 * STK_MS_NS);
    }
    assert_int_equal(sim_trace_data(&trace, 0, 1), 13);
    about(trace.world.now_ns - trace.segments[trace.count - 1].at_ns, 60000, 400);
    assert_int_equal(stk_sock_error_take(sock), STK_ETIMEDOUT);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* A peer that answers probes of its closed window is there, whatever TCP_MAXRT says. */
static void window__closed_by_a_living_peer__time_is_not_up(void **state)
{
    (void)state;
    struct sim_peer peer;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = 100};
    sim_trace_open(&trace, 142, "", "");
    struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
    set(peer.sock, STK_OPT_MAXRT_MS, 3000);
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
    peer.tcp.window = 0;
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 100);
    uint32_t answered = trace.count;
    for (int i = 0; i < 600; i++) {
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
        if (trace.count > answered) { /* the byte is not taken */
            sim_peer_send(&peer, SIM_ACK, NULL, 0);
            answered = trace.count;
        }
    }
    assert_int_equal(stk_sock_ready(peer.sock) & STK_READY_RESET, 0);
    sim_trace_run(&trace, 20 * STK_S_NS, STEP); /* and when it is gone */
    assert_int_not_equal(stk_sock_ready(peer.sock) & STK_READY_RESET, 0);
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/*
 * Both windows are closed, ours was probed: a peer that obeys RFC 9293 3.10.7.4 takes an ACK, and our window's opening with it,
 * only with the number that it expects next.
 */
static void window__closed_both_ways_and_probed__acks_are_acceptable(void **state)
{
    (void)state;
    struct sim_peer peer;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = 100};
    sim_trace_open(&trace, 143, "", "");
    struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
    peer.tcp.window = 0;
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
    sim_trace_run(&trace, STK_S_NS, STEP);
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 100);
    for (int i = 0; i < 600 && sim_trace_data(&trace, 0, 1) == 0; i++) {
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
    }
    assert_int_equal(trace.segments[trace.count - 1].bytes, 1);
    const uint32_t before = trace.count;
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
    sim_trace_run(&trace, STK_S_NS, STEP);
    const struct sim_segment *ack = &trace.segments[sim_trace_find(&trace, before, 1, SIM_ACK, 0)];
    assert_int_equal(ack->bytes, 0);
    assert_int_equal(ack->ack, peer.tcp.seq);
    assert_int_equal(ack->seq, peer.tcp.ack);
    /* What was probed goes on when the window opens. */
    peer.tcp.window = 65535;
    sim_peer_send(&peer, SIM_ACK, NULL, 0);
    sim_trace_run(&trace, STK_S_NS, STEP);
    sim_peer_ack(&peer);
    assert_int_equal(peer.tcp.ack, ack->seq + 100);
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* A connection with three segments in flight, and more behind them, whose peer has something to acknowledge. Returns SND.UNA. */
static uint32_t flight_open(struct sim_peer *peer, struct stk_sock **listener, bool sack)
{
    static uint8_t bytes[30000];
    static const uint8_t options[] = {2, 4, 5, 180, 4, 2, 1, 1};
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = bytes, .len = sizeof(bytes)};
    sim_trace_open(&trace, 144, "", "");
    *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(peer, &trace, *listener, PORT, options, sack ? 8 : 4);
    sim_peer_send(peer, SIM_ACK | SIM_PSH, scratch, 1);
    sim_peer_send(peer, SIM_ACK, NULL, 0);
    assert_int_equal(stk_sock_send(peer->sock, &iov, 1), sizeof(bytes));
    sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
    assert_int_equal(sim_trace_data(&trace, 0, 1), 3);
    return peer->tcp.ack;
}

static void flight_close(const struct sim_peer *peer, struct stk_sock *listener)
{
    assert_int_equal(stk_sock_close(peer->sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* What was sent from a segment on lies within a peer's window. Returns where its bytes end, from the window's left edge on. */
static uint32_t end_in_window(uint32_t first, uint32_t una, uint32_t window)
{
    uint32_t end = una;
    for (uint32_t i = first; i < trace.count; i++) {
        const struct sim_segment *seg = &trace.segments[i];
        if (seg->host == 1) {
            assert_in_range(seg->seq - una, 0, window);
            assert_in_range(seg->seq + seg->bytes - una, 0, window);
            end = seg->bytes != 0 && seg->seq == end ? seg->seq + seg->bytes : end;
        }
    }
    return end;
}

/*
 * RFC 9293 3.8.6: a window that a peer takes back is obeyed, what was sent before is sent again as far as it is inside, and our
 * ACKs are acceptable to the peer (3.10.7.4). However the smaller window is told, and however often.
 */
static void window__shrunk_below_a_segment__goes_on(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 16; round++) {
        struct sim_peer peer;
        struct stk_sock *listener = NULL;
        const bool with_data = (round & 2) != 0; /* else it is told by an ACK that has nothing else new */
        const unsigned repeats = (round & 4) != 0 ? 12 : 1;
        const uint32_t start = flight_open(&peer, &listener, (round & 1) != 0);
        uint32_t before = trace.count;
        peer.tcp.window = 300;
        sim_peer_send(&peer, with_data ? SIM_ACK | SIM_PSH : SIM_ACK, scratch, with_data);
        for (unsigned i = 1; i < repeats; i++) {
            if ((round & 8) != 0) {
                sim_trace_run(&trace, 2 * STK_MS_NS, STEP);
            }
            sim_peer_send(&peer, SIM_ACK, NULL, 0);
        }
        for (unsigned turn = 0; turn < 6; turn++) {
            sim_trace_run(&trace, 50 * STK_MS_NS, STEP); /* no timer runs out within it */
            assert_true(turn == 0 || sim_trace_data(&trace, before, 1) != 0);
            sim_trace_run(&trace, 5 * STK_S_NS, STEP);
            const uint32_t end = end_in_window(before, peer.tcp.ack, 300);
            assert_int_not_equal(end, peer.tcp.ack);
            before = trace.count;
            peer.tcp.ack = end;
            sim_peer_send(&peer, SIM_ACK, NULL, 0);
        }
        peer.tcp.window = 65535;
        for (unsigned turn = 0; turn < 40; turn++) {
            sim_trace_run(&trace, 500 * STK_MS_NS, STEP);
            sim_peer_ack(&peer);
        }
        assert_int_equal(peer.tcp.ack, start + 30000);
        flight_close(&peer, listener);
    }
}

/* What duplicate ACKs have sent again does not fit into the window that was closed meanwhile: its first octet is what is probed. */
static void window__closed_on_a_flight__its_first_octet_is_probed(void **state)
{
    (void)state;
    struct sim_peer peer;
    struct stk_sock *listener = NULL;
    const uint32_t una = flight_open(&peer, &listener, false);
    const uint32_t before = trace.count;
    peer.tcp.window = 0;
    for (unsigned i = 0; i < 5; i++) {
        sim_peer_send(&peer, SIM_ACK, NULL, 0);
    }
    sim_trace_run(&trace, 10 * STK_S_NS, STEP);
    assert_int_not_equal(sim_trace_data(&trace, before, 1), 0);
    for (uint32_t i = before; i < trace.count; i++) {
        if (trace.segments[i].host == 1) {
            assert_int_equal(trace.segments[i].seq, una);
            assert_in_range(trace.segments[i].bytes, 0, 1);
        }
    }
    peer.tcp.window = 65535;
    peer.tcp.ack = una;
    for (unsigned turn = 0; turn < 40; turn++) {
        sim_peer_send(&peer, SIM_ACK, NULL, 0);
        sim_trace_run(&trace, 500 * STK_MS_NS, STEP);
        sim_peer_ack(&peer);
    }
    assert_int_equal(peer.tcp.ack, una + 30000);
    flight_close(&peer, listener);
}

/* KA-6: not while a SYN is on its way. */
static void keepalive__set_while_connecting__is_refused(void **state)
{
    (void)state;
    const struct stk_addr addr = sim_third(9);
    const int32_t on = 1;
    sim_trace_open(&trace, 150, "", "");
    struct stk_sock *sock = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    set(sock, STK_OPT_KEEPALIVE, 1);
    assert_int_equal(stk_sock_connect(sock, &addr), STK_EINPROGRESS);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_KEEPALIVE, &on, sizeof(on)), STK_EINVAL);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_SYN_RTO_MS, &on, sizeof(on)), STK_EINVAL);
    assert_int_equal(stk_sock_opt_set(sock, STK_OPT_TIMESTAMPS, &on, sizeof(on)), STK_EINVAL);
    while ((stk_sock_ready(sock) & STK_READY_FAIL) == 0) {
        sim_trace_run(&trace, STK_S_NS, STEP);
    }
    set(sock, STK_OPT_KEEPALIVE, 1);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
    sim_trace_close(&trace);
}

/* KA-8, X18, E23, A.15.4: how a connection ended is what setting the option later says. */
static void keepalive__set_after_the_end__says_how_it_ended(void **state)
{
    (void)state;
    for (int probed = 0; probed < 2; probed++) {
        struct sim_peer peer;
        const int32_t on = 1;
        const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
        sim_trace_open(&trace, 155, "", "");
        struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
        sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
        set(peer.sock, STK_OPT_KEEPALIVE, 1);
        set(peer.sock, STK_OPT_KEEPIDLE_MS, 5000);
        set(peer.sock, STK_OPT_KEEPINTVL_MS, 1000);
        set(peer.sock, STK_OPT_KEEPCNT, 3);
        if (probed) {
            const uint32_t first = trace.count;
            const uint64_t start = trace.world.now_ns;
            while ((stk_sock_ready(peer.sock) & STK_READY_RESET) == 0) {
                sim_trace_run(&trace, STEP, STEP);
            }
            about(trace.world.now_ns - start, 8000, 300);
            assert_int_equal(trace.count - first, 3 + 1); /* the probes, the reset */
            about(trace.segments[first].at_ns - start, 5000, 200);
            about(trace.segments[first + 1].at_ns - start, 6000, 200);
        } else {
            sim_peer_send(&peer, SIM_RST | SIM_ACK, NULL, 0);
        }
        assert_int_equal(stk_sock_error_take(peer.sock), probed ? STK_ENETRESET : STK_ECONNRESET);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(stk_sock_opt_set(peer.sock, STK_OPT_KEEPALIVE, &on, sizeof(on)),
                             probed ? STK_ENETRESET : STK_ENOTCONN);
        }
        assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        sim_trace_close(&trace);
    }
}

/* TM-4: one segment is acknowledged late, the second of two at once. */
static void acknowledgement__one_segment__is_delayed(void **state)
{
    (void)state;
    struct sim_peer peer;
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    sim_trace_open(&trace, 151, "", "");
    struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
    sim_trace_run(&trace, STK_S_NS, STEP);
    for (int i = 0; i < 6; i++) { /* the times miss the timer, which has fixed ones */
        const uint32_t first = trace.count;
        sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 10);
        assert_int_equal(trace.count, first);
        sim_trace_run(&trace, 203 * STK_MS_NS + (uint64_t)i * 7 * STK_MS_NS, STK_MS_NS);
        assert_int_equal(trace.count, first + 1);
        assert_int_equal(trace.segments[first].ack, peer.tcp.seq);
        const uint32_t second = trace.count;
        sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 10);
        sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 10);
        assert_int_equal(trace.count, second + 1);
        assert_int_equal(trace.segments[second].ack, peer.tcp.seq);
        sim_trace_run(&trace, 300 * STK_MS_NS, STEP);
        assert_int_equal(trace.count, second + 1);
    }
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* TM-6: who closed first still answers the peer's FIN when it comes again; who closed second does not know it any more. */
static void close__first__is_in_time_wait(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct sim_peer peer;
        const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
        sim_trace_open(&trace, 152, "", "");
        struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
        sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
        if (first) {
            assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_GRACEFUL), STK_OK);
            sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
        }
        sim_peer_ack(&peer);
        sim_peer_send(&peer, SIM_FIN | SIM_ACK, NULL, 0);
        if (!first) {
            assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_GRACEFUL), STK_OK);
            sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
            sim_peer_ack(&peer);
        }
        (void)sim_trace_find(&trace, 0, 1, SIM_FIN, 0);
        sim_trace_run(&trace, STK_S_NS, STEP);
        const uint32_t before = trace.count;
        peer.tcp.seq--;
        sim_peer_send(&peer, SIM_FIN | SIM_ACK, NULL, 0);
        assert_int_equal(trace.count, before + 1);
        assert_int_equal(trace.segments[before].flags & SIM_RST, first ? 0 : SIM_RST);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        sim_trace_close(&trace);
    }
}

/* Acknowledge what came from index first on, one segment at a time; data that this lets out. */
static uint32_t flight_after(struct sim_peer *peer, uint32_t first, uint32_t *next)
{
    const uint32_t seen = trace.count;
    for (uint32_t at = first; at < seen; at++) {
        peer->tcp.ack = trace.segments[at].seq + trace.segments[at].bytes;
        sim_peer_send(peer, SIM_ACK, NULL, 0);
    }
    *next = seen;
    return sim_trace_data(&trace, seen, 1);
}

/* TM-8: a few segments at first, twice as many with each round trip. */
static void sender__new_connection__starts_slowly(void **state)
{
    (void)state;
    struct sim_peer peer;
    static const uint8_t mss[] = {2, 4, 5, 180}; /* 1460 */
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    sim_trace_open(&trace, 153, "", "");
    struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(&peer, &trace, listener, PORT, mss, sizeof(mss));
    uint32_t first = trace.count;
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), sizeof(scratch));
    sim_trace_run(&trace, 20 * STK_MS_NS, STK_MS_NS);
    uint32_t flight = sim_trace_data(&trace, first, 1);
    assert_true(flight >= 2 && flight <= 10); /* RFC 6928 */
    for (int round = 0; round < 3; round++) {
        const uint32_t next = flight_after(&peer, first, &first);
        assert_int_equal(next, 2 * flight);
        flight = next;
    }
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* TM-9: ten sends of one byte without Nagle's rule are 27 packets. */
static void packets__ten_single_bytes__are_twenty_seven(void **state)
{
    (void)state;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = 1};
    sim_trace_open(&trace, 154, "", "");
    sim_connect_pair(&trace.world, STK_AF_INET, PORT, &client, &server);
    set(client, STK_OPT_NODELAY, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(stk_sock_send(client, &iov, 1), 1);
        sim_trace_run(&trace, 300 * STK_MS_NS, STEP);
    }
    assert_int_equal(stk_sock_close(client, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_run(&trace, 300 * STK_MS_NS, STEP);
    const struct stk_iov room = {.base = scratch, .len = sizeof(scratch)};
    assert_int_equal(stk_sock_recv(server, &room, 1, 0), 10);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_run(&trace, 300 * STK_MS_NS, STEP);
    assert_int_equal(trace.count, 3 + 10 + 10 + 4);
    sim_trace_close(&trace);
}

#define RTT_MS 100u
#define CELL 8

/* Bytes from one end to the other, in pieces; returns when the last is there. */
static void pass(struct stk_sock *from, struct stk_sock *to, int host_to, uint32_t bytes, uint32_t piece)
{
    uint32_t got = 0;
    for (uint32_t sent = 0; sent < bytes; sent += piece) {
        const struct stk_iov iov = {.base = scratch, .len = piece};
        assert_int_equal(stk_sock_send(from, &iov, 1), piece);
        if (piece < bytes) { /* each is a packet of its own, if it may */
            sim_world_run_until(&trace.world, trace.world.now_ns + STK_MS_NS);
        }
    }
    while (got < bytes) {
        const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
        (void)sim_wait(&trace.world.hosts[host_to], to, STK_READY_IN);
        const int64_t now = stk_sock_recv(to, &iov, 1, 0);
        assert_true(now > 0);
        got += (uint32_t)now;
    }
}

/* What a question and its answer of some cells take on a connection. */
static uint64_t ask(struct stk_sock *client, struct stk_sock *server, uint32_t bytes, uint32_t piece)
{
    const uint64_t start = trace.world.now_ns;
    pass(client, server, 1, bytes, piece);
    pass(server, client, 0, bytes, piece);
    return trace.world.now_ns - start;
}

/* TM-10: a cell takes 2 round trips with a connection for each, 1 on one that stays, 1/500 of one in a batch; with a
 * connection and small sends that Nagle's rule holds back at most 4 and three delayed acknowledgements. */
static void cells__connections_batches_small_sends__take_their_round_trips(void **state)
{
    (void)state;
    struct stk_sock *client;
    struct stk_sock *server;
    sim_trace_open(&trace, 156, "wire.delay = 50ms\n", "");
    sim_connect_pair(&trace.world, STK_AF_INET, PORT + 1, &client, &server); /* the neighbours know each other */
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    sim_world_run_until(&trace.world, trace.world.now_ns + STK_S_NS);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    for (int small = 0; small < 2; small++) {
        const uint64_t start = trace.world.now_ns;
        sim_connect_pair(&trace.world, STK_AF_INET, PORT, &client, &server);
        const uint64_t accepted = trace.world.now_ns -
                                  start; /* waits for the last of three packets, which goes along */
        about(accepted, RTT_MS * 3 / 2, 5);
        const uint64_t asked = ask(client, server, CELL, small ? CELL / 4 : CELL);
        const uint64_t ms = (accepted + asked) / STK_MS_NS - RTT_MS / 2;
        if (small) {
            assert_in_range(ms, 3 * RTT_MS, 4 * RTT_MS + 600);
        } else {
            assert_in_range(ms, 2 * RTT_MS, 2 * RTT_MS + 10);
        }
        about(ask(client, server, CELL, CELL), RTT_MS, 5);
        about(ask(client, server, CELL * 500, CELL * 500) * 1000 / 500, RTT_MS * 1000 / 500, 20); /* us */
        assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
        sim_world_run_until(&trace.world, trace.world.now_ns + STK_S_NS);
        assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    }
    sim_trace_close(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syn__silent_peer__repeated_for_21_seconds),
        cmocka_unit_test(syn__first_timeout_and_repetitions_given__are_kept),
        cmocka_unit_test(syn_ack__listener_has_a_first_timeout__is_kept),
        cmocka_unit_test(data__never_acknowledged__ends_when_the_time_is_up),
        cmocka_unit_test(data__never_acknowledged_for_ever__each_minute_again),
        cmocka_unit_test(data__never_acknowledged__ends_after_twelve_repetitions),
        cmocka_unit_test(window__closed_by_a_living_peer__time_is_not_up),
        cmocka_unit_test(window__closed_both_ways_and_probed__acks_are_acceptable),
        cmocka_unit_test(window__shrunk_below_a_segment__goes_on),
        cmocka_unit_test(window__closed_on_a_flight__its_first_octet_is_probed),
        cmocka_unit_test(keepalive__set_while_connecting__is_refused),
        cmocka_unit_test(keepalive__set_after_the_end__says_how_it_ended),
        cmocka_unit_test(cells__connections_batches_small_sends__take_their_round_trips),
        cmocka_unit_test(acknowledgement__one_segment__is_delayed),
        cmocka_unit_test(close__first__is_in_time_wait),
        cmocka_unit_test(sender__new_connection__starts_slowly),
        cmocka_unit_test(packets__ten_single_bytes__are_twenty_seven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

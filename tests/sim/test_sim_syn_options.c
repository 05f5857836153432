/*
 * What SYNs offer by a socket's options, and the receive window that follows:
 * timestamps, scale, automatic size, SO_RCVBUF before and after connecting.
 */
#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7001
#define KIND_SCALE 3
#define KIND_TIMESTAMPS 8
#define STEP STK_MS_NS

static uint8_t scratch[65536];
static struct sim_trace trace;

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static int32_t get(struct stk_sock *sock, enum stk_opt opt)
{
    int32_t value = -1;
    assert_int_equal(stk_sock_opt_get(sock, opt, &value), STK_OK);
    return value;
}

/* One setting of a socket; STK_OPT_COUNT: none. */
struct setting {
    enum stk_opt opt;
    int32_t value;
};

/* Connect host 0 to host 1 with a setting at either end. */
static void pair(const struct setting *client_has, const struct setting *server_has, struct stk_sock **client,
                 struct stk_sock **server)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    struct stk_sock *listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    *client = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    if (client_has->opt != STK_OPT_COUNT) {
        set(*client, client_has->opt, client_has->value);
    }
    if (server_has->opt != STK_OPT_COUNT) {
        set(listener, server_has->opt, server_has->value);
    }
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
    assert_int_equal(stk_sock_connect(*client, &addr), STK_EINPROGRESS);
    (void)sim_wait(&trace.world.hosts[0], *client, STK_READY_CONN);
    (void)sim_wait(&trace.world.hosts[1], listener, STK_READY_ACCEPT);
    assert_int_equal(stk_sock_accept(listener, 0, server, NULL), STK_OK);
    sim_trace_run(&trace, 10 * STK_MS_NS, STEP);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
}

static void pair_end(struct stk_sock *client, struct stk_sock *server)
{
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    sim_trace_run(&trace, 10 * STK_MS_NS, STEP);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    sim_trace_close(&trace);
}

/* TINFO-9, rules 5.4: off by default, offered and taken as the option says. */
static void timestamps__by_the_option__on_the_wire(void **state)
{
    (void)state;
    static const struct {
        int32_t client, server;
        bool offered, used;
    } rows[] = {
        {-1, -1, false, false}, {1, -1, true, true}, {1, 0, true, false},
        {0, 1, false, false},   {1, 1, true, true},  {-1, 1, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stk_sock *client;
        struct stk_sock *server;
        struct stk_tcp_info info;
        const struct stk_iov iov = {.base = scratch, .len = 100};
        const struct setting client_has = {STK_OPT_TIMESTAMPS, rows[i].client};
        const struct setting server_has = {STK_OPT_TIMESTAMPS, rows[i].server};
        sim_trace_open(&trace, 200 + i, "", "");
        pair(&client_has, &server_has, &client, &server);
        const uint32_t syn = sim_trace_find(&trace, 0, 0, SIM_SYN, 0);
        const uint32_t syn_ack = sim_trace_find(&trace, 0, 1, SIM_SYN | SIM_ACK, 0);
        const uint32_t data = trace.count;
        assert_int_equal(stk_sock_send(client, &iov, 1), 100);
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
        assert_int_equal(sim_segment_option(&trace.segments[syn], KIND_TIMESTAMPS) != NULL, rows[i].offered);
        assert_int_equal(sim_segment_option(&trace.segments[syn_ack], KIND_TIMESTAMPS) != NULL, rows[i].used);
        assert_int_equal(sim_segment_option(&trace.segments[data], KIND_TIMESTAMPS) != NULL, rows[i].used);
        assert_int_equal(stk_sock_tcp_info(client, &info), STK_OK);
        assert_int_equal(info.timestamps, rows[i].used);
        assert_int_equal(info.mss, rows[i].used ? 1448 : 1460);
        assert_int_equal(stk_sock_tcp_info(server, &info), STK_OK);
        assert_int_equal(info.timestamps, rows[i].used);
        pair_end(client, server);
    }
}

/* A SYN that comes twice does not turn on what was refused. */
static void timestamps__refused_and_the_syn_repeated__stay_off(void **state)
{
    (void)state;
    static const uint8_t options[] = {3, 3, 7, 1, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
    static const struct setting rows[] = {{STK_OPT_TIMESTAMPS, 0}, {STK_OPT_RCV_COMPAT, STK_RCV_NO_TUNING}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_peer peer = {.trace = &trace,
                                .tcp = {.src_port = 4444, .dst_port = PORT, .seq = 1000, .window = 65535}};
        const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
        const struct stk_iov iov = {.base = scratch, .len = 100};
        const uint8_t kind = rows[i].opt == STK_OPT_TIMESTAMPS ? KIND_TIMESTAMPS : KIND_SCALE;
        sim_trace_open(&trace, 210, "", "");
        struct stk_sock *listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
        set(listener, rows[i].opt, rows[i].value);
        assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
        assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
        for (int twice = 0; twice < 2; twice++) {
            peer.tcp.seq = 1000;
            peer.tcp.options = options;
            peer.tcp.options_len = sizeof(options);
            sim_peer_send(&peer, SIM_SYN, NULL, 0);
            sim_trace_run(&trace, 20 * STK_MS_NS, STEP);
        }
        sim_peer_ack(&peer);
        (void)sim_wait(&trace.world.hosts[1], listener, STK_READY_ACCEPT);
        assert_int_equal(stk_sock_accept(listener, 0, &peer.sock, NULL), STK_OK);
        assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 100);
        sim_trace_run(&trace, 20 * STK_MS_NS, STEP);
        assert_true(trace.count >= 2);
        for (uint32_t at = 0; at < trace.count; at++) {
            assert_null(sim_segment_option(&trace.segments[at], kind));
        }
        assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        sim_trace_close(&trace);
    }
}

/* BUF-1, BUF-3, BUF-4, BUF-10: the scale that a SYN offers, and the window behind the handshake. */
static void scale__by_buffer_and_behaviour__on_the_wire(void **state)
{
    (void)state;
    static const struct {
        struct setting has;
        int scale; /* -1: the option is not there */
        uint32_t window;
    } rows[] = {
        {{STK_OPT_COUNT, 0}, 8, 65536},
        {{STK_OPT_RCVBUF, 8192}, 0, 8192},
        {{STK_OPT_RCVBUF, 65535}, 0, 65535},
        {{STK_OPT_RCVBUF, 65536}, 1, 65536},
        {{STK_OPT_RCVBUF, 200000}, 2, 200000},
        {{STK_OPT_RCVBUF, 2080768}, 5, 2080768},
        {{STK_OPT_RCV_COMPAT, STK_RCV_NO_TUNING}, -1, 65535},
        {{STK_OPT_RCV_COMPAT, STK_RCV_SMALL}, 2, 65536},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct stk_sock *client;
        struct stk_sock *server;
        const size_t row = i / 2;
        const int side = (int)(i % 2);
        const struct setting none = {STK_OPT_COUNT, 0};
        sim_trace_open(&trace, 220 + i, "", "");
        pair(side == 0 ? &rows[row].has : &none, side == 1 ? &rows[row].has : &none, &client, &server);
        const struct sim_segment *syn = &trace.segments[sim_trace_find(&trace, 0, side, SIM_SYN, 0)];
        const uint8_t *option = sim_segment_option(syn, KIND_SCALE);
        assert_int_equal(option != NULL ? option[0] : -1, rows[row].scale);
        const struct stk_iov one = {.base = scratch, .len = 1};
        assert_int_equal(stk_sock_send(side == 0 ? server : client, &one, 1), 1);
        const uint32_t from = trace.count;
        sim_trace_run(&trace, 200 * STK_MS_NS, STEP);
        const struct sim_segment *ack = &trace.segments[sim_trace_find(&trace, from, side, SIM_ACK, 0)];
        const uint32_t scale = rows[row].scale > 0 ? (uint32_t)rows[row].scale : 0;
        assert_int_equal(((uint32_t)ack->window << scale) >> scale,
                         (rows[row].window - 1) >> scale); /* unread: 1 byte */
        struct stk_tcp_info info;
        assert_int_equal(stk_sock_tcp_info(side == 0 ? client : server, &info), STK_OK);
        assert_int_equal(info.rcv_wnd, rows[row].window - 1);
        pair_end(client, server);
    }
}

/* Move bytes from host 0 to host 1, which reads them or not; the largest window that host 1 announced. */
static uint32_t largest_window(struct stk_sock *client, struct stk_sock *server, uint32_t bytes, bool read,
                               uint32_t scale)
{
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    uint32_t sent = 0;
    uint32_t got = 0;
    uint32_t largest = 0;
    for (int turn = 0; turn < 3000 && got < bytes; turn++) {
        const int64_t put = sent < bytes ? stk_sock_send(client, &iov, 1) : 0;
        sent += put > 0 ? (uint32_t)put : 0;
        if (read) {
            int64_t took;
            while ((took = stk_sock_recv(server, &iov, 1, 0)) > 0) {
                got += (uint32_t)took;
            }
        } else if (turn > 300) {
            break;
        }
        sim_trace_run(&trace, STK_MS_NS, 100 * 1000);
        for (uint32_t i = 0; i < trace.count; i++) {
            const uint32_t window = (uint32_t)trace.segments[i].window << scale;
            if (trace.segments[i].host == 1 && (trace.segments[i].flags & SIM_SYN) == 0 && window > largest) {
                largest = window;
            }
        }
        trace.count = 0;
    }
    return largest;
}

/* BUF-3, BUF-5: the window grows with a reader that keeps up, to the configured buffer; not once SO_RCVBUF is set. */
static void window__reader_keeps_up__grows_unless_the_buffer_is_set(void **state)
{
    (void)state;
    static const struct {
        struct setting has;
        bool read;
        uint32_t scale, least, most;
    } rows[] = {
        {{STK_OPT_COUNT, 0}, true, 8, 900000, 1048576},
        {{STK_OPT_COUNT, 0}, false, 8, 60000, 65536},
        {{STK_OPT_RCVBUF, 65536}, true, 1, 65536, 65536},
        {{STK_OPT_RCV_COMPAT, STK_RCV_SMALL}, true, 2, 262140, 262140},
        {{STK_OPT_RCV_COMPAT, STK_RCV_NO_TUNING}, true, 0, 65535, 65535},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stk_sock *client;
        struct stk_sock *server;
        const struct setting none = {STK_OPT_COUNT, 0};
        sim_trace_open(&trace, 240 + i, "wire.delay = 1ms\n", "");
        pair(&none, &rows[i].has, &client, &server);
        const uint32_t largest = largest_window(client, server, 4 * 1024 * 1024, rows[i].read, rows[i].scale);
        assert_in_range(largest, rows[i].least, rows[i].most);
        pair_end(client, server);
    }
}

/* BUF-1, X6: a connection's buffer grows and does not shrink; who asks is told what holds. */
static void rcvbuf__of_a_connection__grows_and_does_not_shrink(void **state)
{
    (void)state;
    struct stk_sock *client;
    struct stk_sock *server;
    struct stk_tcp_info info;
    const struct setting none = {STK_OPT_COUNT, 0};
    const struct setting small = {STK_OPT_RCVBUF, 100000};
    sim_trace_open(&trace, 250, "", "");
    pair(&none, &small, &client, &server);
    assert_int_equal(get(server, STK_OPT_RCVBUF), 100000);
    set(server, STK_OPT_RCVBUF, 50000);
    assert_int_equal(get(server, STK_OPT_RCVBUF), 100000);
    assert_int_equal(stk_sock_tcp_info(server, &info), STK_OK);
    assert_int_equal(info.rcv_wnd, 100000);
    set(server, STK_OPT_RCVBUF, 120000);
    assert_int_equal(get(server, STK_OPT_RCVBUF), 120000);
    assert_int_equal(stk_sock_tcp_info(server, &info), STK_OK);
    assert_int_equal(info.rcv_wnd, 120000);
    set(server, STK_OPT_RCVBUF, 1000000); /* the scale was settled for 100,000 */
    assert_int_equal(stk_sock_tcp_info(server, &info), STK_OK);
    assert_int_equal(info.rcv_wnd, 65535 * 2);
    pair_end(client, server);
}

/* BUF-2, X6: where the behaviour allows it the window shrinks, by not being renewed: no byte of it is taken back. */
static void rcvbuf__may_shrink__window_follows_without_retreat(void **state)
{
    (void)state;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct setting none = {STK_OPT_COUNT, 0};
    const struct setting compat = {STK_OPT_RCV_COMPAT, STK_RCV_MAY_SHRINK};
    sim_trace_open(&trace, 251, "wire.delay = 100us\n", "");
    pair(&none, &compat, &client, &server);
    const uint32_t before = largest_window(client, server, 1024 * 1024, true, 8);
    assert_true(before > 100000);
    set(server, STK_OPT_RCVBUF, 20000);
    assert_int_equal(get(server, STK_OPT_RCVBUF), 20000);
    const struct stk_iov iov = {.base = scratch, .len = 8000};
    uint32_t edge = 0;
    for (int turn = 0; turn < 1500; turn++) {
        (void)stk_sock_send(client, &iov, 1);
        (void)stk_sock_recv(server, &iov, 1, 0);
        sim_trace_run(&trace, STK_MS_NS, 100 * 1000);
        for (uint32_t i = 0; i < trace.count; i++) {
            const struct sim_segment *segment = &trace.segments[i];
            if (segment->host == 1) {
                const uint32_t now = segment->ack + ((uint32_t)segment->window << 8);
                assert_true(edge == 0 || (int32_t)(now + 256 - edge) >= 0); /* the scale rounds */
                edge = now;
            }
        }
        trace.count = 0;
    }
    const uint32_t after = largest_window(client, server, 4 * 1024 * 1024, true, 8);
    assert_in_range(after, 5000, 20000);
    pair_end(client, server);
}

/* A peer's MSS that leaves no room behind the options; one that comes later, where RFC 9293 3.7.1 has none, counts nothing. */
static void mss__absurd_or_late__data_flows(void **state)
{
    (void)state;
    static const struct {
        uint16_t at_first;
        uint16_t later;
    } rows[] = {{1, 0}, {11, 0}, {12, 0}, {13, 0}, {60, 0}, {1460, 12}, {1460, 1}, {1460, 8960}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint8_t syn[] = {
            2, 4, (uint8_t)(rows[i].at_first >> 8), (uint8_t)rows[i].at_first, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
        const uint8_t late[] = {2, 4, (uint8_t)(rows[i].later >> 8), (uint8_t)rows[i].later};
        struct sim_peer peer;
        struct stk_tcp_info info;
        const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
        const struct stk_iov iov = {.base = scratch, .len = rows[i].later != 0 ? 20000 : 500};
        sim_trace_open(&trace, 260 + i, "", "");
        struct stk_sock *listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
        assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
        sim_peer_open(&peer, &trace, listener, PORT, syn, sizeof(syn));
        const uint32_t from = trace.count;
        assert_int_equal(stk_sock_send(peer.sock, &iov, 1), iov.len);
        sim_trace_run(&trace, 20 * STK_MS_NS, STEP);
        peer.tcp.options = late; /* while data waits for the window of congestion */
        peer.tcp.options_len = rows[i].later != 0 ? sizeof(late) : 0;
        for (int turn = 0; turn < 100; turn++) {
            sim_peer_ack(&peer);
            sim_trace_run(&trace, 2 * STK_MS_NS, STEP);
        }
        uint32_t bytes = 0;
        uint32_t longest = 0;
        for (uint32_t at = from; at < trace.count; at++) {
            const uint32_t has = trace.segments[at].host == 1 ? trace.segments[at].bytes : 0;
            bytes += has;
            longest = has > longest ? has : longest;
        }
        assert_int_equal(bytes, iov.len);
        assert_int_equal(longest, rows[i].at_first < 48 ? 36 : rows[i].at_first - 12);
        assert_int_equal(stk_sock_tcp_info(peer.sock, &info), STK_OK);
        assert_int_equal(info.mss, longest);
        assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
        assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
        sim_trace_close(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps__by_the_option__on_the_wire),
        cmocka_unit_test(timestamps__refused_and_the_syn_repeated__stay_off),
        cmocka_unit_test(mss__absurd_or_late__data_flows),
        cmocka_unit_test(scale__by_buffer_and_behaviour__on_the_wire),
        cmocka_unit_test(window__reader_keeps_up__grows_unless_the_buffer_is_set),
        cmocka_unit_test(rcvbuf__of_a_connection__grows_and_does_not_shrink),
        cmocka_unit_test(rcvbuf__may_shrink__window_follows_without_retreat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What is told of a connection: figures against what was on the wire, states,
 * what held the sender back; and the ICMP error of an attempt to connect.
 */
#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7001
#define STEP STK_MS_NS

static uint8_t scratch[65536];
static struct sim_trace trace;
static const uint8_t mss_1460[] = {2, 4, 5, 180};

static struct stk_tcp_info info_of(struct stk_sock *sock)
{
    struct stk_tcp_info info;
    memset(&info, 0x5a, sizeof(info));
    assert_int_equal(stk_sock_tcp_info(sock, &info), STK_OK);
    return info;
}

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), STK_OK);
}

static struct stk_sock *peer_open(struct sim_peer *peer, uint64_t seed)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    sim_trace_open(&trace, seed, "", "");
    struct stk_sock *listener = sim_listen(&trace.world.hosts[1], &addr);
    sim_peer_open(peer, &trace, listener, PORT, mss_1460, sizeof(mss_1460));
    return listener;
}

static void peer_close(struct sim_peer *peer, struct stk_sock *listener)
{
    assert_int_equal(stk_sock_close(peer->sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* TINFO-8: bytes, time, round trips of a quiet path; RttUs is never below MinRttUs. */
static void figures__quiet_path__are_those_of_the_wire(void **state)
{
    (void)state;
    struct stk_sock *client;
    struct stk_sock *server;
    const struct stk_iov iov = {.base = scratch, .len = 5000};
    uint64_t out = 0;
    sim_trace_open(&trace, 301, "wire.delay = 5ms\n", "");
    sim_connect_pair(&trace.world, STK_AF_INET, PORT, &client, &server);
    const uint64_t start = trace.world.now_ns;
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(stk_sock_send(client, &iov, 1), 5000);
        sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
        assert_int_equal(stk_sock_recv(server, &iov, 1, 0), 5000);
        const struct stk_tcp_info info = info_of(client);
        assert_true(info.bytes_out >= out);
        out = info.bytes_out;
        assert_true(info.rtt_min_us <= info.rtt_us);
        assert_in_range(info.rtt_us, 10000, 70000); /* the SYN's waits for ARP, a last segment's for the delay */
        assert_int_equal(info.bytes_in_flight, 0);
    }
    const struct stk_tcp_info here = info_of(client);
    const struct stk_tcp_info there = info_of(server);
    const uint64_t ms = (trace.world.now_ns - start) / STK_MS_NS;
    assert_int_equal(here.state, STK_TCP_ESTABLISHED);
    assert_in_range(here.rtt_min_us, 10000, 11500);
    assert_int_equal(here.mss, 1460);
    assert_int_equal(here.bytes_out, 100000);
    assert_int_equal(there.bytes_in, 100000);
    assert_int_equal(here.bytes_in, 0);
    assert_int_equal(there.bytes_out, 0);
    assert_in_range(here.connected_ms, ms, ms + 12);
    assert_int_equal(here.rcv_buf, 1024 * 1024);
    assert_true(here.cwnd > 4 * 1460);
    assert_int_equal(here.snd_wnd, there.rcv_wnd & ~255u);
    assert_int_equal(here.bytes_resent + here.timeouts + here.fast_resends + here.syn_resent, 0);
    assert_int_equal(here.lim_bytes[0] + here.lim_bytes[1] + here.lim_bytes[2], 100000);
    assert_in_range(here.lim_ms[0] + here.lim_ms[1] + here.lim_ms[2], here.connected_ms - 2, here.connected_ms);
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(server, STK_CLOSE_ABORT), STK_OK);
    sim_trace_close(&trace);
}

/* TINFO-8: what is sent again is counted apart, by its cause. */
static void resent__by_timeout_and_by_duplicates__counted_apart(void **state)
{
    (void)state;
    struct sim_peer peer;
    const struct stk_iov one = {.base = scratch, .len = 100};
    struct stk_sock *listener = peer_open(&peer, 302);
    assert_int_equal(stk_sock_send(peer.sock, &one, 1), 100);
    sim_trace_run(&trace, 4 * STK_S_NS, STEP); /* at 1 s and 3 s */
    struct stk_tcp_info info = info_of(peer.sock);
    assert_int_equal(info.bytes_out, 100);
    assert_int_equal(info.bytes_resent, 200);
    assert_int_equal(info.timeouts, 1);
    assert_int_equal(info.bytes_in_flight, 100);
    sim_peer_ack(&peer);
    const struct stk_iov iov = {.base = scratch, .len = 20000};
    for (int i = 0; i < 3; i++) { /* a wider congestion window first */
        assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 20000);
        for (int turn = 0; turn < 20; turn++) {
            sim_trace_run(&trace, 10 * STK_MS_NS, STEP);
            sim_peer_ack(&peer);
        }
    }
    assert_int_equal(info_of(peer.sock).dup_acks, 0);
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 20000);
    sim_trace_run(&trace, 2 * STK_MS_NS, STEP);
    for (int i = 0; i < 3; i++) {
        sim_peer_send(&peer, SIM_ACK, NULL, 0);
    }
    sim_trace_run(&trace, 2 * STK_MS_NS, STEP);
    info = info_of(peer.sock);
    assert_int_equal(info.dup_acks, 3);
    assert_int_equal(info.fast_resends, 1);
    assert_int_equal(info.timeouts, 1);
    assert_int_equal(info.bytes_resent, 200 + 1460);
    peer_close(&peer, listener);
}

/* TINFO-8: what comes ahead of its turn. */
static void reordered__segments_ahead__are_counted(void **state)
{
    (void)state;
    struct sim_peer peer;
    struct stk_sock *listener = peer_open(&peer, 303);
    peer.tcp.seq += 500;
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 300);
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 200);
    struct stk_tcp_info info = info_of(peer.sock);
    assert_int_equal(info.bytes_in, 0);
    assert_int_equal(info.bytes_reordered, 500);
    assert_int_equal(info.segments_reordered, 2);
    peer.tcp.seq -= 1000;
    sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 500);
    info = info_of(peer.sock);
    assert_int_equal(info.bytes_in, 1000);
    assert_int_equal(info.bytes_reordered, 500);
    const struct stk_iov iov = {.base = scratch, .len = sizeof(scratch)};
    assert_int_equal(stk_sock_recv(peer.sock, &iov, 1, 0), 1000);
    peer_close(&peer, listener);
}

/* TINFO-10: one limit at a time, with the times and bytes spent in each. */
static void limits__by_path_peer_and_sender__follow_each_other(void **state)
{
    (void)state;
    struct sim_peer peer;
    const struct stk_iov iov = {.base = scratch, .len = 40000};
    struct stk_sock *listener = peer_open(&peer, 304);
    sim_trace_run(&trace, STK_S_NS, STEP);
    struct stk_tcp_info info = info_of(peer.sock);
    assert_in_range(info.lim_ms[STK_TCP_LIM_SND], 999, 1001);
    assert_int_equal(stk_sock_send(peer.sock, &iov, 1), 40000); /* more than a new congestion window */
    sim_trace_run(&trace, 200 * STK_MS_NS, STEP);
    info = info_of(peer.sock);
    assert_int_equal(info.lim_begun[STK_TCP_LIM_CWND], 1);
    assert_in_range(info.lim_ms[STK_TCP_LIM_CWND], 198, 201);
    assert_int_equal(info.lim_ms[STK_TCP_LIM_RWIN], 0);
    assert_int_equal(info.lim_bytes[STK_TCP_LIM_SND], info.bytes_out);
    peer.tcp.window = 2000;
    for (int i = 0; i < 4; i++) {
        sim_peer_send(&peer, SIM_ACK | SIM_PSH, scratch, 1);
        sim_peer_ack(&peer);
        sim_trace_run(&trace, 10 * STK_MS_NS, STEP);
    }
    const struct stk_tcp_info closed = info_of(peer.sock);
    assert_int_equal(closed.snd_wnd, 2000);
    assert_true(closed.lim_begun[STK_TCP_LIM_RWIN] >= 1);
    sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
    info = info_of(peer.sock);
    assert_in_range(info.lim_ms[STK_TCP_LIM_RWIN], closed.lim_ms[STK_TCP_LIM_RWIN] + 99,
                    closed.lim_ms[STK_TCP_LIM_RWIN] + 101);
    assert_int_equal(info.lim_ms[STK_TCP_LIM_CWND], closed.lim_ms[STK_TCP_LIM_CWND]);
    peer.tcp.window = 65535;
    for (int i = 0; i < 30; i++) {
        sim_peer_ack(&peer);
        sim_trace_run(&trace, 5 * STK_MS_NS, STEP);
    }
    const struct stk_tcp_info done = info_of(peer.sock);
    assert_int_equal(done.bytes_out, 40000);
    sim_trace_run(&trace, 100 * STK_MS_NS, STEP);
    info = info_of(peer.sock);
    assert_in_range(info.lim_ms[STK_TCP_LIM_SND], done.lim_ms[STK_TCP_LIM_SND] + 99,
                    done.lim_ms[STK_TCP_LIM_SND] + 101);
    assert_int_equal(info.lim_ms[STK_TCP_LIM_RWIN], done.lim_ms[STK_TCP_LIM_RWIN]);
    assert_int_equal(info.lim_bytes[0] + info.lim_bytes[1] + info.lim_bytes[2], info.bytes_out);
    assert_in_range(info.lim_ms[0] + info.lim_ms[1] + info.lim_ms[2], info.connected_ms - 2, info.connected_ms);
    struct stk_iov room = {.base = scratch, .len = sizeof(scratch)};
    (void)stk_sock_recv(peer.sock, &room, 1, 0);
    peer_close(&peer, listener);
}

/* TINFO-6: the states; CLOSED and nothing else once a connection is gone. */
static void state__of_each_stage__is_told(void **state)
{
    (void)state;
    struct sim_peer peer;
    struct stk_tcp_info none = {.rcv_buf = 1024 * 1024};
    struct stk_sock *listener = peer_open(&peer, 305);
    struct stk_sock *client = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
    const struct stk_addr silent = sim_third(9);
    struct stk_tcp_info info = info_of(client);
    assert_memory_equal(&info, &none, sizeof(info));
    info = info_of(listener);
    none.state = STK_TCP_LISTEN;
    assert_memory_equal(&info, &none, sizeof(info));
    assert_int_equal(stk_sock_connect(client, &silent), STK_EINPROGRESS);
    sim_trace_run(&trace, 4 * STK_S_NS, 10 * STEP);
    info = info_of(client);
    assert_int_equal(info.state, STK_TCP_SYN_SENT);
    assert_int_equal(info.syn_resent, 2);
    assert_int_equal(info.bytes_out, 0);
    assert_int_equal(info.connected_ms, 0);
    assert_int_equal(info_of(peer.sock).state, STK_TCP_ESTABLISHED);
    sim_peer_send(&peer, SIM_FIN | SIM_ACK, NULL, 0);
    assert_int_equal(info_of(peer.sock).state, STK_TCP_CLOSE_WAIT);
    assert_int_equal(stk_sock_shutdown(peer.sock, STK_SHUT_WR), STK_OK);
    sim_trace_run(&trace, 10 * STK_MS_NS, STEP);
    assert_int_equal(info_of(peer.sock).state, STK_TCP_LAST_ACK);
    assert_int_equal(info_of(peer.sock).bytes_out, 0);
    sim_peer_send(&peer, SIM_RST | SIM_ACK, NULL, 0);
    info = info_of(peer.sock);
    none.state = STK_TCP_CLOSED;
    assert_memory_equal(&info, &none, sizeof(info));
    assert_int_equal(stk_sock_close(client, STK_CLOSE_ABORT), STK_OK);
    peer_close(&peer, listener);
}

static void info__not_a_stream__is_refused(void **state)
{
    (void)state;
    struct stk_tcp_info info;
    sim_trace_open(&trace, 306, "", "");
    struct stk_sock *sock = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_DGRAM);
    assert_int_equal(stk_sock_tcp_info(sock, &info), STK_EOPNOTSUPP);
    assert_int_equal(stk_sock_close(sock, STK_CLOSE_GRACEFUL), STK_OK);
    sim_trace_close(&trace);
}

/* --- ICMP during connect ---------------------------------------------------------- */

/* An ICMP error from the third port, about the SYN that host 0 sent last. */
static void icmp_send(uint8_t type, uint8_t code)
{
    struct sim_frame frame;
    uint8_t message[36] = {type, code};
    const struct sim_tcp_seen *syn = &trace.wire.tcp[0];
    uint8_t *ip = message + 8;
    const uint32_t seq = syn->seq_end - 1;
    assert_true(syn->valid);
    ip[0] = 0x45;
    ip[3] = 44;
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, (uint8_t[]){10, 9, 0, 1, 10, 9, 0, 119}, 8);
    memcpy(ip + 20,
           (uint8_t[]){(uint8_t)(syn->src_port >> 8), (uint8_t)syn->src_port, (uint8_t)(syn->dst_port >> 8),
                       (uint8_t)syn->dst_port, (uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8),
                       (uint8_t)seq},
           8);
    sim_frame_ip(&frame, STK_AF_INET, 0, 1, message, sizeof(message));
    sim_frame_seal(&frame);
    sim_wire_frame(&trace.wire, &frame);
}

/* IC-1: the option makes any ICMP error end the attempt; what it was is kept until the next one. */
static void icmp_error__while_connecting__ends_it_if_asked(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, code;
        int32_t asked;
        int end; /* 0: the attempt goes on */
        bool kept;
    } rows[] = {
        {3, 1, 1, STK_EHOSTUNREACH, true},
        {3, 3, 1, STK_EHOSTUNREACH, true},
        {11, 0, 1, STK_EHOSTUNREACH, true},
        {3, 3, 0, STK_ECONNREFUSED, true},
        {11, 0, 0, 0, true},
        {8, 0, 1, 0, false},
        {3, 13, 1, STK_EHOSTUNREACH, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct stk_addr to = sim_third(9);
        struct stk_icmp_info info;
        sim_trace_open(&trace, 310 + i, "", "");
        struct stk_sock *sock = sim_open(&trace.world.hosts[0], STK_AF_INET, STK_SOCK_STREAM);
        assert_int_equal(stk_sock_icmp_info(sock, &info), STK_OK);
        assert_int_equal(info.set, 0);
        set(sock, STK_OPT_ICMP_FAIL, rows[i].asked);
        assert_int_equal(stk_sock_connect(sock, &to), STK_EINPROGRESS);
        sim_trace_run(&trace, 20 * STK_MS_NS, STEP);
        icmp_send(rows[i].type, rows[i].code);
        sim_trace_run(&trace, 20 * STK_MS_NS, STEP);
        assert_int_equal((stk_sock_ready(sock) & STK_READY_FAIL) != 0, rows[i].end != 0);
        if (rows[i].end != 0) {
            assert_int_equal(stk_sock_error_take(sock), rows[i].end);
        }
        assert_int_equal(stk_sock_icmp_info(sock, &info), STK_OK);
        assert_int_equal(info.set, rows[i].kept);
        if (rows[i].kept) {
            assert_int_equal(info.type, rows[i].type);
            assert_int_equal(info.code, rows[i].code);
            assert_int_equal(info.protocol, 1);
            assert_int_equal(info.source.family, STK_AF_INET);
            assert_memory_equal(info.source.ip, ((uint8_t[]){10, 9, 0}), 3);
        }
        if (rows[i].end != 0) {
            assert_int_equal(stk_sock_connect(sock, &to), STK_EINPROGRESS);
            assert_int_equal(stk_sock_icmp_info(sock, &info), STK_OK);
            assert_int_equal(info.set, 0);
        }
        assert_int_equal(stk_sock_close(sock, STK_CLOSE_ABORT), STK_OK);
        sim_trace_close(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures__quiet_path__are_those_of_the_wire),
        cmocka_unit_test(resent__by_timeout_and_by_duplicates__counted_apart),
        cmocka_unit_test(reordered__segments_ahead__are_counted),
        cmocka_unit_test(limits__by_path_peer_and_sender__follow_each_other),
        cmocka_unit_test(state__of_each_stage__is_told),
        cmocka_unit_test(info__not_a_stream__is_refused),
        cmocka_unit_test(icmp_error__while_connecting__ends_it_if_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

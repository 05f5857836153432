/*
 * Urgent data on the wire: flag and pointer of what is sent, in both conventions, and what is made of what comes.
 * Source: RFC 9293 3.8.5, RFC 6093; rules OOB-1 to OOB-12.
 */
#include "sim_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PORT 7500
#define URG 32

static struct sim_trace trace;
static struct sim_peer peer;
static struct stk_sock *listener;

static int64_t send_plain(struct stk_sock *sock, const void *bytes, size_t len)
{
    const struct stk_iov iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    return stk_sock_send(sock, &iov, 1);
}

static int64_t send_urgent(struct stk_sock *sock, const void *bytes, size_t len)
{
    const struct stk_iov iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    return stk_sock_send_oob(sock, &iov, 1);
}

static int64_t recv_flags(struct stk_sock *sock, void *bytes, size_t len, unsigned flags)
{
    const struct stk_iov iov = {.base = bytes, .len = len};
    return stk_sock_recv(sock, &iov, 1, flags);
}

static void set(struct stk_sock *sock, enum stk_opt opt, int32_t value, int expected)
{
    assert_int_equal(stk_sock_opt_set(sock, opt, &value, sizeof(value)), expected);
}

/* A connection from the third port, which says what a test wants, to host 1. */
static void open_with(enum stk_opt opt, int32_t value)
{
    const struct stk_addr addr = sim_addr(STK_AF_INET, 1, PORT);
    sim_trace_open(&trace, 900, "", "");
    listener = sim_open(&trace.world.hosts[1], STK_AF_INET, STK_SOCK_STREAM);
    if (opt != STK_OPT_COUNT) {
        set(listener, opt, value, STK_OK);
    }
    assert_int_equal(stk_sock_bind(listener, &addr), STK_OK);
    assert_int_equal(stk_sock_listen(listener, 4), STK_OK);
    sim_peer_open(&peer, &trace, listener, PORT, NULL, 0);
}

static void close_all(void)
{
    assert_int_equal(stk_sock_close(peer.sock, STK_CLOSE_ABORT), STK_OK);
    assert_int_equal(stk_sock_close(listener, STK_CLOSE_ABORT), STK_OK);
    sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
    sim_trace_close(&trace);
}

/* A segment of the peer; pointer 0xffff: none. */
static void peer_says(const char *text, int pointer)
{
    peer.tcp.urgent = pointer < 0 ? 0 : (uint16_t)pointer;
    sim_peer_send(&peer, pointer < 0 ? SIM_ACK | SIM_PSH : SIM_ACK | SIM_PSH | URG, text, (uint32_t)strlen(text));
}

/* The same at another place of the stream; where the next goes does not change. */
static void peer_says_at(uint32_t seq, const char *text, int pointer)
{
    const uint32_t next = peer.tcp.seq;
    peer.tcp.seq = seq;
    peer_says(text, pointer);
    peer.tcp.seq = next;
}

/* One receive gives exactly this. */
static void gives(unsigned flags, const char *text)
{
    char room[64];
    (void)sim_wait(&trace.world.hosts[1], peer.sock, flags & STK_RECV_OOB ? STK_READY_OOB : STK_READY_IN);
    const int64_t got = recv_flags(peer.sock, room, sizeof(room), flags);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(room, text, (size_t)got);
}

static void refuses(unsigned flags, int err)
{
    char room[8];
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
    assert_int_equal(recv_flags(peer.sock, room, sizeof(room), flags), err);
}

static bool ready(uint32_t bit)
{
    return (stk_sock_ready(peer.sock) & bit) != 0;
}

/* --- Sending --------------------------------------------------------------------- */

static void sends_one(int32_t rfc1122)
{
    open_with(STK_OPT_URGENT_1122, rfc1122);
    const uint32_t first = trace.count;
    assert_int_equal(send_urgent(peer.sock, "abU", 3), 3);
    sim_trace_run(&trace, 20 * STK_MS_NS, STK_MS_NS);
    const struct sim_segment *segment = &trace.segments[sim_trace_find(&trace, first, 1, URG, 0)];
    assert_int_equal(segment->bytes, 3);
    assert_int_equal(segment->urgent, rfc1122 ? 2 : 3);
    const uint32_t after = trace.count;
    sim_peer_ack(&peer);
    assert_int_equal(send_plain(peer.sock, "cd", 2), 2);
    sim_trace_run(&trace, 20 * STK_MS_NS, STK_MS_NS);
    segment = &trace.segments[sim_trace_find(&trace, after, 1, SIM_PSH, 0)];
    assert_int_equal(segment->flags & URG, 0);
    assert_int_equal(segment->urgent, 0);
    close_all();
}

static void send__bsd__pointer_behind_the_last_byte(void **state)
{
    (void)state;
    sends_one(0);
}

static void send__rfc1122__pointer_at_the_last_byte(void **state)
{
    (void)state;
    sends_one(1);
}

/* Data in front of the urgent byte tells of it already, and a copy that is sent again has the same pointer. */
static void send__behind_data__every_segment_before_points_at_it(void **state)
{
    static char bytes[4000];
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    const uint32_t first = trace.count;
    assert_int_equal(send_plain(peer.sock, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(send_urgent(peer.sock, "U", 1), 1);
    sim_trace_run(&trace, 3 * STK_S_NS, 10 * STK_MS_NS); /* nothing is acknowledged */
    uint32_t end = 0;
    uint32_t pointed = 0;
    for (uint32_t i = first; i < trace.count; i++) {
        const struct sim_segment *segment = &trace.segments[i];
        if (segment->host == 1 && (segment->flags & URG) != 0) {
            assert_true(end == 0 || end == segment->seq + segment->urgent);
            end = segment->seq + segment->urgent;
            pointed++;
        }
    }
    assert_true(pointed >= 3);
    const struct sim_segment *data = &trace.segments[sim_trace_find(&trace, first, 1, SIM_ACK, 0)];
    assert_int_equal(end, data->seq + 4001);
    close_all();
}

/* The peer takes nothing: it is told all the same, without data. */
static void send__window_closed__announced_at_once(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    assert_int_equal(send_plain(peer.sock, "x", 1), 1);
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
    peer.tcp.window = 0;
    sim_peer_ack(&peer);
    assert_int_equal(send_plain(peer.sock, "abc", 3), 3);
    sim_trace_run(&trace, 20 * STK_MS_NS, STK_MS_NS);
    const uint32_t first = trace.count;
    assert_int_equal(send_urgent(peer.sock, "U", 1), 1);
    sim_trace_run(&trace, 20 * STK_MS_NS, STK_MS_NS);
    const struct sim_segment *segment = &trace.segments[sim_trace_find(&trace, first, 1, URG, 0)];
    assert_int_equal(segment->bytes, 0);
    assert_int_equal(segment->urgent, 4);
    /* Probes say it too. */
    const uint32_t quiet = trace.count;
    sim_trace_run(&trace, 10 * STK_S_NS, 10 * STK_MS_NS);
    segment = &trace.segments[sim_trace_find(&trace, quiet, 1, URG, 0)];
    assert_int_equal(segment->seq + segment->urgent, trace.segments[sim_trace_find(&trace, first, 1, URG, 0)].seq + 4);
    peer.tcp.window = 65535;
    sim_peer_send(&peer, SIM_ACK, NULL, 0);
    sim_trace_run(&trace, 2 * STK_S_NS, 10 * STK_MS_NS);
    sim_peer_ack(&peer);
    sim_trace_run(&trace, 2 * STK_S_NS, 10 * STK_MS_NS);
    assert_true((stk_sock_ready(peer.sock) & STK_READY_DRAINED) != 0);
    close_all();
}

/* Nagle's rule holds short segments, but no urgent ones. */
static void send__something_in_flight__does_not_wait(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    assert_int_equal(send_plain(peer.sock, "a", 1), 1);
    sim_trace_run(&trace, STK_MS_NS, STK_MS_NS);
    const uint32_t first = trace.count;
    assert_int_equal(send_urgent(peer.sock, "U", 1), 1);
    sim_trace_run(&trace, 5 * STK_MS_NS, STK_MS_NS);
    assert_int_equal(trace.segments[sim_trace_find(&trace, first, 1, URG, 0)].bytes, 1);
    close_all();
}

static void send__convention__is_chosen_once_and_before_data(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    set(peer.sock, STK_OPT_URGENT_1122, 0, STK_OK); /* as it is */
    set(peer.sock, STK_OPT_URGENT_1122, 1, STK_OK);
    set(peer.sock, STK_OPT_URGENT_1122, 0, STK_EINVAL);
    close_all();
    open_with(STK_OPT_COUNT, 0);
    assert_int_equal(send_plain(peer.sock, "a", 1), 1);
    set(peer.sock, STK_OPT_URGENT_1122, 1, STK_EINVAL);
    close_all();
}

/* --- Receiving --------------------------------------------------------------------- */

static void receive__bsd__beside_the_stream(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer_says("abUcd", 3);
    gives(STK_RECV_OOB | STK_RECV_PEEK, "U");
    gives(STK_RECV_OOB, "U");
    assert_false(ready(STK_READY_OOB));
    gives(0, "ab");
    gives(0, "cd");
    refuses(STK_RECV_OOB, STK_EINVAL);
    close_all();
}

static void receive__rfc1122__the_byte_pointed_at(void **state)
{
    (void)state;
    open_with(STK_OPT_URGENT_1122, 1);
    peer_says("abUcd", 2);
    gives(STK_RECV_OOB, "U");
    gives(0, "ab");
    gives(0, "cd");
    peer_says("V", 0);
    gives(STK_RECV_OOB, "V");
    close_all();
}

/* OOB-9: the pointer may run ahead of the data. */
static void receive__announced_before_the_byte__eagain_until_it_comes(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    refuses(STK_RECV_OOB, STK_EINVAL);
    peer_says("", 3);
    refuses(STK_RECV_OOB, STK_EAGAIN);
    assert_false(ready(STK_READY_OOB));
    assert_int_equal(stk_sock_mark(peer.sock), STK_MARK_AHEAD);
    peer_says("ab", 3);
    refuses(STK_RECV_OOB, STK_EAGAIN);
    gives(0, "ab");
    peer_says("Uc", 1);
    gives(STK_RECV_OOB, "U");
    gives(0, "c");
    close_all();
}

static void receive__sent_again__neither_lost_nor_doubled(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    const uint32_t seq = peer.tcp.seq;
    peer_says("abU", 3);
    peer_says_at(seq, "abUcd", 3);
    peer_says_at(seq + 1, "bUcdef", 2);
    peer.tcp.seq = seq + 7;
    gives(STK_RECV_OOB, "U");
    gives(0, "ab");
    gives(0, "cdef");
    peer_says_at(seq + 2, "Ucdefg", 1); /* read before: nothing urgent any more */
    peer.tcp.seq = seq + 8;
    refuses(STK_RECV_OOB, STK_EINVAL);
    gives(0, "g");
    close_all();
}

static void receive__out_of_order__each_byte_in_its_place(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    const uint32_t seq = peer.tcp.seq;
    peer_says_at(seq + 2, "cUd", 2);
    refuses(STK_RECV_OOB, STK_EAGAIN);
    peer_says_at(seq, "ab", 4);
    peer.tcp.seq = seq + 5;
    gives(STK_RECV_OOB, "U");
    gives(0, "abc");
    gives(0, "d");
    close_all();
}

/* OOB-10: the one that was not read is lost, and never among the rest; also when both come out of order. */
static void receive__second_before_the_first_was_read__replaces_it(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer_says("aU", 2);
    peer_says("bVc", 2);
    gives(STK_RECV_OOB, "V");
    gives(0, "ab");
    gives(0, "c");
    const uint32_t seq = peer.tcp.seq;
    peer_says_at(seq + 1, "bU", 2);
    peer_says_at(seq + 3, "cV", 2);
    peer_says_at(seq, "a", -1);
    peer.tcp.seq = seq + 5;
    gives(STK_RECV_OOB, "V");
    gives(0, "abc");
    close_all();
}

/* A pointer that was too far for its field is not a byte. */
static void receive__pointer_moves_on__no_byte_is_taken_on_the_way(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    const uint32_t seq = peer.tcp.seq;
    peer_says_at(seq + 4, "ef", 4); /* points behind what is here */
    peer_says_at(seq + 6, "gh", 9);
    peer_says_at(seq, "abcd", -1);
    peer.tcp.seq = seq + 8;
    gives(0, "abcdefgh");
    peer_says("ijklmnU", 7);
    gives(STK_RECV_OOB, "U");
    gives(0, "ijklmn");
    close_all();
}

static void receive__with_the_end__first_the_rest_then_the_end(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer.tcp.urgent = 3;
    sim_peer_send(&peer, SIM_ACK | SIM_FIN | URG, "abU", 3);
    gives(0, "ab");
    refuses(0, 0);
    gives(STK_RECV_OOB, "U");
    refuses(0, 0);
    refuses(STK_RECV_OOB, STK_EINVAL);
    close_all();
}

/* The byte that was announced never comes. */
static void receive__end_before_the_byte__inval(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer.tcp.urgent = 9;
    sim_peer_send(&peer, SIM_ACK | SIM_FIN | URG, "ab", 2);
    gives(0, "ab");
    refuses(STK_RECV_OOB, STK_EINVAL);
    close_all();
}

/* The reader does not read: it is told of the byte behind the closed window, and gets at it by reading. */
static void receive__window_closed__told_and_reached_by_reading(void **state)
{
    char bytes[1000];
    (void)state;
    open_with(STK_OPT_RCVBUF, 2000);
    memset(bytes, 'x', sizeof(bytes));
    sim_peer_send(&peer, SIM_ACK, bytes, 1000);
    sim_peer_send(&peer, SIM_ACK, bytes, 1000);
    peer_says("", 1);
    refuses(STK_RECV_OOB, STK_EAGAIN);
    assert_int_equal(stk_sock_mark(peer.sock), STK_MARK_AHEAD);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(recv_flags(peer.sock, bytes, sizeof(bytes), 0), 1000);
    }
    sim_trace_run(&trace, 10 * STK_MS_NS, STK_MS_NS);
    peer_says("U", 1);
    gives(STK_RECV_OOB, "U");
    close_all();
}

static void receive__taken_out__takes_no_window(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    sim_trace_run(&trace, 300 * STK_MS_NS, 10 * STK_MS_NS);
    peer_says("x", -1);
    sim_trace_run(&trace, 300 * STK_MS_NS, 10 * STK_MS_NS);
    const uint16_t before = trace.wire.tcp[1].window;
    for (int i = 0; i < 5000; i++) {
        peer_says("U", 1);
        gives(STK_RECV_OOB, "U");
    }
    sim_trace_run(&trace, 300 * STK_MS_NS, 10 * STK_MS_NS);
    assert_true(trace.wire.tcp[1].window + 1460 >= before); /* opened in steps of a segment */
    gives(0, "x");
    close_all();
}

/* What the reader got so far: bytes count up, and those that were taken out are missing. */
struct reading {
    uint8_t next;
    uint32_t got;
};

static void in_order(struct reading *reading, const uint8_t *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const uint8_t skipped = (uint8_t)(bytes[i] - reading->next);
        assert_true(skipped < 100); /* forward, never back */
        reading->next = (uint8_t)(bytes[i] + 1);
        reading->got++;
    }
}

static void say_anything(uint32_t begin, uint32_t *sent)
{
    static const uint16_t pointers[] = {0, 1, 2, 3, 7, 30, 200, 65535};
    uint8_t payload[24];
    /* As a rule the next bytes; else older or later ones, or none. */
    const int off = rand() % 4 != 0 ? 0 : rand() % 12 - 6;
    const uint32_t at = *sent + (uint32_t)off < UINT32_MAX / 2 ? *sent + (uint32_t)off : 0;
    const uint32_t len = (uint32_t)rand() % sizeof(payload);
    for (uint32_t i = 0; i < len; i++) {
        payload[i] = (uint8_t)(at + i);
    }
    peer.tcp.urgent = pointers[rand() % 8];
    peer.tcp.seq = begin + at;
    sim_peer_send(&peer, (uint8_t)(SIM_ACK | (rand() % 2 ? URG : 0)), payload, len);
    if (at <= *sent && at + len > *sent) {
        *sent = at + len;
    }
}

/* Whatever the pointers say, ahead, behind, of other segments: the reader gets the bytes in order and goes on. */
static void receive__any_pointers__order_stays(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        uint8_t room[64];
        uint32_t sent = 0;
        struct reading reading = {0};
        srand(seed);
        open_with(STK_OPT_OOBINLINE, seed % 3 == 0);
        trace.wire.sniff = NULL;
        const uint32_t begin = peer.tcp.seq;
        for (int turn = 0; turn < 300; turn++) {
            say_anything(begin, &sent);
            if (rand() % 8 == 0) {
                set(peer.sock, STK_OPT_OOBINLINE, rand() % 2, STK_OK);
            }
            (void)recv_flags(peer.sock, room, sizeof(room), STK_RECV_OOB);
            (void)stk_sock_mark(peer.sock);
            /* A byte that was turned back into the stream after the reader passed its mark is out of order by intent. */
            const int64_t n = recv_flags(peer.sock, room, 1 + (size_t)rand() % sizeof(room), 0);
            if (n > 1 || (n == 1 && (uint8_t)(room[0] - reading.next) < 100)) {
                in_order(&reading, room, n);
            }
        }
        const int64_t last = recv_flags(peer.sock, room, sizeof(room), 0);
        in_order(&reading, room, last > 1 ? last : 0);
        assert_true(sent > 1000 && reading.got > sent / 2);
        close_all();
    }
}

/* --- In line -------------------------------------------------------------------------- */

/* OOB-8, OOB-11. */
static void inline__set_before__three_receives(void **state)
{
    (void)state;
    open_with(STK_OPT_OOBINLINE, 1);
    peer_says("abUcd", 3);
    (void)sim_wait(&trace.world.hosts[1], peer.sock, STK_READY_IN);
    assert_false(ready(STK_READY_OOB));
    refuses(STK_RECV_OOB, STK_EINVAL);
    assert_int_equal(stk_sock_mark(peer.sock), STK_MARK_AHEAD);
    gives(0, "ab");
    assert_int_equal(stk_sock_mark(peer.sock), STK_MARK_HERE);
    gives(STK_RECV_PEEK, "U");
    gives(0, "U");
    gives(0, "cd");
    assert_int_equal(stk_sock_mark(peer.sock), STK_MARK_NONE);
    close_all();
}

static void inline__second_before_the_first__mark_moves_and_nothing_is_lost(void **state)
{
    (void)state;
    open_with(STK_OPT_OOBINLINE, 1);
    peer_says("aUb", 2);
    peer_says("cVd", 2);
    gives(0, "aUbc");
    gives(0, "V");
    gives(0, "d");
    close_all();
}

static void inline__set_behind_the_byte__given_at_the_mark(void **state)
{
    struct stk_sock_status status;
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer_says("abUcd", 3);
    (void)sim_wait(&trace.world.hosts[1], peer.sock, STK_READY_OOB);
    set(peer.sock, STK_OPT_OOBINLINE, 1, STK_OK);
    assert_false(ready(STK_READY_OOB));
    stk_sock_status(peer.sock, &status);
    assert_int_equal(status.rx_bytes, 5);
    gives(0, "ab");
    gives(0, "U");
    gives(0, "cd");
    /* The reader was beyond the mark: next, and readable with nothing else there. */
    set(peer.sock, STK_OPT_OOBINLINE, 0, STK_OK);
    peer_says("eV", 2);
    gives(0, "e");
    set(peer.sock, STK_OPT_OOBINLINE, 1, STK_OK);
    assert_true(ready(STK_READY_IN));
    gives(0, "V");
    refuses(0, STK_EAGAIN);
    close_all();
}

static void inline__set_and_taken_back__beside_again(void **state)
{
    (void)state;
    open_with(STK_OPT_COUNT, 0);
    peer_says("abUcd", 3);
    (void)sim_wait(&trace.world.hosts[1], peer.sock, STK_READY_OOB);
    set(peer.sock, STK_OPT_OOBINLINE, 1, STK_OK);
    set(peer.sock, STK_OPT_OOBINLINE, 0, STK_OK);
    gives(STK_RECV_OOB, "U");
    gives(0, "ab");
    gives(0, "cd");
    close_all();
}

/* --- Both ends ours ---------------------------------------------------------------------- */

/* Plain bytes count up to 99, urgent ones are above 127: none of the former may be lost or doubled, whatever is. */
static void stream_with_loss(uint64_t seed, const char *impair, int32_t in_line)
{
    struct sim_world world;
    struct sim_flow flow;
    uint8_t room[512];
    uint32_t sent = 0;
    uint32_t got = 0;
    uint32_t urgent_sent = 0;
    uint32_t urgent_got = 0;
    srand((unsigned)seed);
    sim_world_init(&world, seed, impair, "");
    sim_flow_open(&flow, &world, STK_AF_INET, PORT);
    set(flow.ends[1], STK_OPT_OOBINLINE, in_line, STK_OK);
    while (sent < 20000 || got < sent || urgent_got < (in_line ? urgent_sent : 1u)) {
        const uint32_t len = 1 + (uint32_t)rand() % 300;
        for (uint32_t i = 0; i < len; i++) {
            room[i] = (uint8_t)((sent + i) % 100);
        }
        const int64_t plain = sent < 20000 ? send_plain(flow.ends[0], room, len) : 0;
        sent += plain > 0 ? (uint32_t)plain : 0;
        const uint8_t mark = (uint8_t)(128 + urgent_sent % 128);
        if (sent < 20000 && rand() % 4 == 0 && send_urgent(flow.ends[0], &mark, 1) == 1) {
            urgent_sent++;
        }
        if (rand() % 3 == 0) {
            const int64_t oob = recv_flags(flow.ends[1], room, sizeof(room), STK_RECV_OOB);
            assert_true(oob < 0 || (oob == 1 && room[0] >= 128 && !in_line));
            urgent_got += oob == 1;
        }
        const int64_t n = recv_flags(flow.ends[1], room, 1 + (size_t)rand() % sizeof(room), 0);
        for (int64_t i = 0; i < n; i++) {
            if (room[i] < 128) {
                assert_int_equal(room[i], got % 100);
                got++;
            } else if (in_line) {
                assert_int_equal(room[i], 128 + urgent_got % 128);
                urgent_got++;
            }
        }
        assert_true(world.now_ns < 3600 * STK_S_NS);
        sim_world_run_until(&world, world.now_ns + (uint64_t)(rand() % 3) * STK_MS_NS);
    }
    assert_int_equal(got, sent);
    assert_true(urgent_sent > 5);
    sim_flow_close(&flow);
    sim_world_fini(&world);
}

static void both_ends__loss_and_disorder__plain_bytes_are_exact(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        stream_with_loss(seed,
                         seed % 2 ? "wire.loss = 3%\nwire.delay = 1ms\n" : "wire.reorder = 5%\nwire.delay = 1ms\n",
                         seed % 4 > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send__bsd__pointer_behind_the_last_byte),
        cmocka_unit_test(send__rfc1122__pointer_at_the_last_byte),
        cmocka_unit_test(send__behind_data__every_segment_before_points_at_it),
        cmocka_unit_test(send__window_closed__announced_at_once),
        cmocka_unit_test(send__something_in_flight__does_not_wait),
        cmocka_unit_test(send__convention__is_chosen_once_and_before_data),
        cmocka_unit_test(receive__bsd__beside_the_stream),
        cmocka_unit_test(receive__rfc1122__the_byte_pointed_at),
        cmocka_unit_test(receive__announced_before_the_byte__eagain_until_it_comes),
        cmocka_unit_test(receive__sent_again__neither_lost_nor_doubled),
        cmocka_unit_test(receive__out_of_order__each_byte_in_its_place),
        cmocka_unit_test(receive__second_before_the_first_was_read__replaces_it),
        cmocka_unit_test(receive__pointer_moves_on__no_byte_is_taken_on_the_way),
        cmocka_unit_test(receive__with_the_end__first_the_rest_then_the_end),
        cmocka_unit_test(receive__end_before_the_byte__inval),
        cmocka_unit_test(receive__window_closed__told_and_reached_by_reading),
        cmocka_unit_test(receive__taken_out__takes_no_window),
        cmocka_unit_test(receive__any_pointers__order_stays),
        cmocka_unit_test(inline__set_before__three_receives),
        cmocka_unit_test(inline__second_before_the_first__mark_moves_and_nothing_is_lost),
        cmocka_unit_test(inline__set_behind_the_byte__given_at_the_mark),
        cmocka_unit_test(inline__set_and_taken_back__beside_again),
        cmocka_unit_test(both_ends__loss_and_disorder__plain_bytes_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

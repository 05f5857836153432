/* Start and end in rounds: nothing is lost, the engine rests in between. */
#include "t_sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_BYTES 65536u
#define WARM_ROUNDS 5

static void round_run(const char *net, bool leave_open)
{
    SOCKET ends[2];
    WSAEVENT event;
    t_startup();
    t_pair(net, ends);
    t_transfer(ends, ROUND_BYTES);
    event = WSACreateEvent(); /* has the dispatcher run, too */
    T_NEED(event != WSA_INVALID_EVENT);
    T_NEED(WSAEventSelect(ends[0], event, FD_READ | FD_CLOSE) == 0);
    if (!leave_open) {
        T_NEED(closesocket(ends[0]) == 0);
        T_NEED(closesocket(ends[1]) == 0);
    }
    T_NEED(WSACloseEvent(event));
    T_NEED(WSACleanup() == 0);
    T_NEED(send(ends[0], "x", 1, 0) == SOCKET_ERROR);
    T_NEED(WSAGetLastError() == WSANOTINITIALISED);
}

/* A cleanup waits for its threads' work; the system takes them off its lists a moment later. */
static void threads_await(uint32_t threads, uint32_t fds)
{
    for (uint32_t i = 0; i < 200 && (t_threads() != threads || t_fds() != fds); i++) {
        t_sleep_ms(10);
    }
}

/* rounds COUNT NET: every other round leaves its connection to the cleanup. */
static int rounds(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[1]) : 1;
    const char *net = argc > 2 ? argv[2] : "";
    uint32_t fds = 0;
    uint32_t threads = 0;
    uint64_t rss = 0;
    for (int i = 0; i < count; i++) {
        round_run(net, i % 2 == 1);
        if (i == WARM_ROUNDS) {
            t_sleep_ms(300);
            fds = t_fds();
            threads = t_threads();
            rss = t_rss_kib();
        }
    }
    threads_await(threads, fds);
    T_NEED(t_fds() == fds);
    T_NEED(t_threads() == threads);
    T_NEED(t_rss_kib() < rss + (t_sanitized() ? 300 : 6) * 1024u); /* freed memory is kept a while by sanitizers */
    uint64_t cpu = t_cpu_us();
    t_sleep_ms(1000);
    T_NEED(t_cpu_us() - cpu < 50000);
    return 0;
}

/* quick COUNT: nothing but starting and resting, from idle and from busy, so that hand-overs meet in every order. */
static int quick(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t longest_ns = 0;
    for (int i = 0; i < count; i++) {
        t_startup();
        SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
        T_NEED(s != INVALID_SOCKET);
        t_nap_us((uint32_t)(i % 8) * 40); /* the engine naps, spins or works */
        if (i % 3 == 0) {
            T_NEED(closesocket(s) == 0);
        }
        uint64_t start = t_now_ns();
        T_NEED(WSACleanup() == 0);
        uint64_t took = t_now_ns() - start;
        longest_ns = took > longest_ns ? took : longest_ns;
    }
    (void)fprintf(stderr, "longest cleanup: %llu us\n", (unsigned long long)longest_ns / 1000);
    return 0;
}

static uint32_t resets_count(const char *capture)
{
    static unsigned char room[4 << 20];
    FILE *file = fopen(capture, T_OPEN_READ);
    assert_non_null(file);
    size_t bytes = fread(room, 1, sizeof room, file);
    (void)fclose(file);
    assert_true(bytes < sizeof room);
    uint32_t found = 0;
    for (size_t at = 24; at + 16 <= bytes;) {
        uint32_t kept;
        memcpy(&kept, room + at + 8, sizeof kept);
        const unsigned char *frame = room + at + 16;
        /* Ethernet, IPv4 without options, TCP: the flags. */
        found += kept >= 54 && frame[12] == 8 && frame[13] == 0 && frame[23] == 6 && (frame[47] & 4) != 0;
        at += 16 + kept;
    }
    return found;
}

static void dump_check(uint64_t rounds_count)
{
    const char *dump = t_text(t_path("counters"));
    assert_non_null(dump);
    assert_int_equal(t_counter(dump, "endpoint.all.in_use"), 0);
    assert_int_equal(t_counter(dump, "channel.chunks.used"), 0);
    assert_true(t_counter(dump, "engine.loop.parks") == rounds_count);
    assert_int_equal(t_counter(dump, "engine.loop.submissions_bad"), 0);
}

static void rounds__hundred_on_the_wire__nothing_grows_and_open_ones_are_reset(void **state)
{
    char engine[256];
    char port[256];
    (void)state;
    (void)snprintf(engine, sizeof engine, "counters_at_exit = yes\ncounters_file = %s", t_path("counters"));
    (void)snprintf(port, sizeof port, "wire.capture = %s\nwire.capture_snaplen = 64", t_path("wire.pcap"));
    t_conf_wire(engine, port);
    (void)t_expect(0, 60, (const char *const[4]){"rounds", "100", "10.88.0"});
    dump_check(100);
    assert_true(resets_count(t_path("wire.pcap")) >= 50);
}

static void rounds__twenty_over_dpdk_rings__nothing_grows(void **state)
{
    char engine[256];
    (void)state;
    (void)snprintf(engine, sizeof engine, "counters_at_exit = yes\ncounters_file = %s", t_path("counters"));
    t_conf_ring(engine);
    t_remove(t_path("counters"));
    (void)t_expect(0, 60, (const char *const[4]){"rounds", "20", "10.99.0"});
    dump_check(20);
}

static void rounds__start_and_rest_only__never_wait_for_a_wake_up(void **state)
{
    static const char *const rows[] = {"spin = 0", "spin = adaptive", "spin = 50us\nnap_max = 1s", "spin = endless"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_remove(t_path("stderr"));
        t_conf_wire(rows[i], "");
        print_message("%s:\n", rows[i]);
        /* A wake-up that was lost costs the 10 ms of the second look, or more. */
        t_expect_within(0, 300u * T_SWITCHES * (t_sanitized() ? 100u : 10u), (const char *const[4]){"quick", "300"});
        print_message("%s", t_log());
    }
}

static const struct t_mode modes[] = {{"rounds", rounds}, {"quick", quick}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds__hundred_on_the_wire__nothing_grows_and_open_ones_are_reset),
        cmocka_unit_test(rounds__start_and_rest_only__never_wait_for_a_wake_up),
        cmocka_unit_test(rounds__twenty_over_dpdk_rings__nothing_grows),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

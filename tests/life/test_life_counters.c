/* Counters at exit and on a signal; the log's level and file. */
#include "t_sock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 200000u

/* traffic [SIGNAL]: known traffic, a refused datagram, then the signal to itself and more traffic. */
static int traffic(int argc, char **argv)
{
    SOCKET ends[2];
    struct sockaddr_in addr = t_addr("10.88.0.2", 0);
    struct sockaddr_in near = t_addr("10.88.0.1", 0);
    int bytes = sizeof addr;
    (void)argv;
    t_startup();
    t_pair("10.88.0", ends);
    t_transfer(ends, BYTES);
    if (argc > 1) {
        T_NEED(raise(SIGUSR2) == 0);
        t_sleep_ms(200);
        t_transfer(ends, BYTES);
    }
    SOCKET in = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    SOCKET out = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    int small = 2048;
    T_NEED(in != INVALID_SOCKET && out != INVALID_SOCKET);
    T_NEED(bind(in, (struct sockaddr *)&addr, sizeof addr) == 0);
    T_NEED(getsockname(in, (struct sockaddr *)&addr, &bytes) == 0);
    T_NEED(bind(out, (struct sockaddr *)&near, sizeof near) == 0); /* else they would stay in the peer's instance */
    T_NEED(setsockopt(in, SOL_SOCKET, SO_RCVBUF, (const char *)&small, sizeof small) == 0);
    for (int i = 0; i < 50; i++) { /* nobody reads: some are dropped */
        T_NEED(sendto(out, (const char *)&addr, 16, 0, (struct sockaddr *)&addr, sizeof addr) == 16);
    }
    t_sleep_ms(100);
    T_NEED(closesocket(ends[0]) == 0);
    T_NEED(closesocket(ends[1]) == 0);
    return 0;
}

/* early: the signal comes while the engine starts, when there is nothing to count yet. */
static atomic_int opened;

static void *early_signal(void *arg)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    while (action.sa_handler == SIG_DFL) {
        T_NEED(sigaction(SIGUSR2, NULL, &action) == 0);
    }
    T_NEED(kill(getpid(), SIGUSR2) == 0);
    T_NEED(atomic_load(&opened) == 0); /* early indeed */
    return arg;
}

static int early(int argc, char **argv)
{
    pthread_t thread;
    (void)argc;
    (void)argv;
    T_NEED(pthread_create(&thread, NULL, early_signal, NULL) == 0);
    t_startup();
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    atomic_store(&opened, 1);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(pthread_join(thread, NULL) == 0);
    T_NEED(raise(SIGUSR2) == 0);
    t_sleep_ms(200);
    return 0;
}

/* own: the program uses the signal itself. */
static volatile sig_atomic_t own_count;

static void own_handler(int number)
{
    (void)number;
    own_count++;
}

static int own(int argc, char **argv)
{
    SOCKET ends[2];
    (void)argc;
    (void)argv;
    T_NEED(signal(SIGUSR2, own_handler) != SIG_ERR);
    t_startup();
    t_pair("10.88.0", ends);
    T_NEED(raise(SIGUSR2) == 0);
    T_NEED(own_count == 1);
    return 0;
}

static uint64_t sum(const char *dump, const char *a, const char *b)
{
    uint64_t first = t_counter(dump, a);
    uint64_t second = t_counter(dump, b);
    assert_true(first != UINT64_MAX);
    assert_true(second != UINT64_MAX);
    return first + second;
}

static void dump_agrees(const char *dump)
{
    static const char *const reasons[] = {
        "nic.west.rx_dropped",          "nic.west.rx_errors",          "nic.west.tx_full",
        "nic.west.buf_alloc_failed",    "netif.west.rx_bad_checksum",  "netif.west.rx_bad_frame",
        "netif.west.tx_dropped_no_buf", "netif.west.tx_dropped_full",  "netif.west.tx_dropped_size",
        "endpoint.tcp.accept_refused",  "endpoint.tcp.accept_no_slot", "endpoint.udp.rx_filtered",
        "endpoint.udp.tx_no_route",     "channel.chunks.failed",       "channel.waiters.missing",
        "engine.loop.submissions_bad",
    };
    /* What leaves one end of the link arrives at the other; the last of it may still be on its way. */
    assert_in_range(t_counter(dump, "nic.west.tx_frames") - t_counter(dump, "nic.east.rx_frames"), 0, 2);
    assert_in_range(t_counter(dump, "nic.east.tx_frames") - t_counter(dump, "nic.west.rx_frames"), 0, 2);
    assert_in_range(t_counter(dump, "nic.west.tx_bytes") - t_counter(dump, "nic.east.rx_bytes"), 0, 3000);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (t_counter(dump, reasons[i]) == UINT64_MAX) {
            print_error("no counter %s\n", reasons[i]);
        }
        assert_true(t_counter(dump, reasons[i]) != UINT64_MAX);
    }
}

static uint32_t dumps_count(const char *dump)
{
    uint32_t count = 0;
    for (const char *at = dump; (at = strstr(at, "engine.loop.parks ")) != NULL; at++) {
        count++;
    }
    return count;
}

/* Every line is "layer.object.counter value". */
static void lines_check(const char *dump)
{
    for (const char *at = dump; *at != '\0'; at = strchr(at, '\n') + 1) {
        char name[160];
        unsigned long long value;
        int used = 0;
        assert_int_equal(sscanf(at, "%159[^ \n] %llu%n", name, &value, &used), 2);
        assert_int_equal(at[used], '\n');
        assert_non_null(strchr(name, '.'));
        assert_true(strchr(name, '.') != strrchr(name, '.'));
    }
}

static void conf(const char *when)
{
    char engine[400];
    (void)snprintf(engine, sizeof engine, "%s\ncounters_file = %s", when, t_path("counters"));
    t_conf_wire(engine, "");
    (void)unlink(t_path("counters"));
    (void)unlink(t_path("stderr"));
}

static void counters__at_exit__match_the_traffic(void **state)
{
    (void)state;
    conf("counters_at_exit = yes");
    (void)t_expect(0, 20, (const char *const[4]){"traffic"});
    const char *dump = t_text(t_path("counters"));
    assert_non_null(dump);
    assert_int_equal(dumps_count(dump), 1);
    assert_int_equal(t_counter(dump, "process.dump.number"), 1);
    assert_in_range(t_counter(dump, "process.dump.pid"), 2, INT32_MAX);
    lines_check(dump);
    dump_agrees(dump);
    /* 200000 bytes each way at 1448 a frame, and the connection's own. */
    assert_in_range(t_counter(dump, "nic.west.tx_frames"), 139 + 50, 139 * 4);
    assert_in_range(sum(dump, "nic.west.tx_bytes", "nic.east.tx_bytes"), 2 * BYTES, 2 * BYTES + 200 * 600);
    assert_in_range(t_counter(dump, "endpoint.udp.rx_full"), 1, 50);
    assert_int_equal(t_counter(dump, "endpoint.all.in_use"), 0);
}

static void counters__on_a_signal__are_written_and_go_on(void **state)
{
    (void)state;
    conf("counters_signal = USR2");
    (void)t_expect(0, 20, (const char *const[4]){"traffic", "once"});
    const char *dump = t_text(t_path("counters"));
    assert_non_null(dump);
    assert_int_equal(dumps_count(dump), 1);
    lines_check(dump);
    dump_agrees(dump);
    assert_in_range(t_counter(dump, "nic.west.tx_bytes"), BYTES, 2 * BYTES - 1); /* the second half came later */
    assert_int_equal(t_counter(dump, "endpoint.all.in_use"), 2);

    conf("counters_signal = USR2\ncounters_at_exit = yes");
    (void)t_expect(0, 20, (const char *const[4]){"traffic", "once"});
    dump = t_text(t_path("counters"));
    assert_non_null(dump);
    assert_int_equal(dumps_count(dump), 2);
    assert_int_equal(t_counter(dump, "process.dump.number"), 2);
    assert_in_range(t_counter(dump, "nic.west.tx_bytes"), 2 * BYTES, 3 * BYTES);
}

static void counters__on_a_signal_during_the_start__do_not_end_the_program(void **state)
{
    (void)state;
    char engine[400];
    (void)snprintf(engine, sizeof engine, "counters_signal = USR2\ncounters_file = %s", t_path("counters"));
    t_conf_ring(engine);
    (void)unlink(t_path("counters"));
    (void)t_expect(0, 20, (const char *const[4]){"early"});
    assert_non_null(t_text(t_path("counters")));
}

static void counters__on_a_signal_that_the_program_uses__are_left_out_with_a_line(void **state)
{
    (void)state;
    conf("counters_signal = USR2");
    (void)t_expect(0, 20, (const char *const[4]){"own"});
    assert_non_null(strstr(t_log(), "winlane warn: "));
    assert_null(t_text(t_path("counters")));
}

static void counters__without_being_asked_for__are_not_written(void **state)
{
    (void)state;
    conf("");
    (void)t_expect(0, 20, (const char *const[4]){"traffic"});
    assert_null(t_text(t_path("counters")));
    assert_string_equal(t_log(), "");
}

static void counters__into_a_file_that_cannot_be_opened__say_so(void **state)
{
    (void)state;
    t_conf_wire("counters_at_exit = yes\ncounters_file = /nonexistent/counters", "");
    (void)unlink(t_path("stderr"));
    (void)t_expect(0, 20, (const char *const[4]){"traffic"});
    assert_non_null(strstr(t_log(), "/nonexistent/counters"));
}

/* --- The log --------------------------------------------------------------------- */

/* ring: starts and ends; at level info EAL's start is a line. */
static int ring(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    t_startup();
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(WSACleanup() == 0);
    return 0;
}

#define INFO_LINE "winlane info: dpdk: EAL started"

static void log__level__the_environment_wins_over_the_configuration(void **state)
{
    static const struct {
        const char *env;
        const char *conf;
        bool info;
        const char *said;
    } rows[] = {
        {NULL, "", false, NULL},
        {NULL, "[log]\nlevel = info\n", true, NULL},
        {"info", "", true, NULL},
        {"info", "[log]\nlevel = error\n", true, NULL},
        {"warn", "[log]\nlevel = debug\n", false, NULL},
        {"loud", "[log]\nlevel = info\n", true, "WINLANE_LOG: 'loud' is none of error, warn, info and debug"},
        {"", "", false, "WINLANE_LOG: '' is none of"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_env("WINLANE_LOG", rows[i].env);
        (void)unlink(t_path("stderr"));
        t_conf_ring(rows[i].conf);
        (void)t_expect(0, 20, (const char *const[4]){"ring"});
        bool ok = (strstr(t_log(), INFO_LINE) != NULL) == rows[i].info &&
                  (rows[i].said == NULL || strstr(t_log(), rows[i].said) != NULL);
        if (!ok) {
            print_error("row %zu: %s\n", i, t_log());
        }
        assert_true(ok);
    }
    t_env("WINLANE_LOG", NULL);
}

static void log__file__takes_the_lines_or_is_named_as_bad(void **state)
{
    (void)state;
    t_conf_ring("");
    t_env("WINLANE_LOG", "info");
    (void)unlink(t_path("stderr"));
    t_env("WINLANE_LOG_FILE", t_path("log"));
    (void)t_expect(0, 20, (const char *const[4]){"ring"});
    const char *text = t_text(t_path("log"));
    assert_non_null(text);
    assert_non_null(strstr(text, INFO_LINE));
    assert_string_equal(t_log(), "");

    t_env("WINLANE_LOG_FILE", "/nonexistent/log");
    (void)t_expect(0, 20, (const char *const[4]){"ring"});
    assert_non_null(strstr(t_log(), INFO_LINE));
    const char *named = strstr(t_log(), "WINLANE_LOG_FILE: /nonexistent/log: ");
    assert_non_null(named);
    assert_null(strstr(named + 1, "WINLANE_LOG_FILE: ")); /* once */
    t_env("WINLANE_LOG_FILE", NULL);
    t_env("WINLANE_LOG", NULL);
}

static const struct t_mode modes[] = {
    {"traffic", traffic}, {"early", early}, {"own", own}, {"ring", ring}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters__at_exit__match_the_traffic),
        cmocka_unit_test(counters__on_a_signal__are_written_and_go_on),
        cmocka_unit_test(counters__on_a_signal_during_the_start__do_not_end_the_program),
        cmocka_unit_test(counters__on_a_signal_that_the_program_uses__are_left_out_with_a_line),
        cmocka_unit_test(counters__without_being_asked_for__are_not_written),
        cmocka_unit_test(counters__into_a_file_that_cannot_be_opened__say_so),
        cmocka_unit_test(log__level__the_environment_wins_over_the_configuration),
        cmocka_unit_test(log__file__takes_the_lines_or_is_named_as_bad),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

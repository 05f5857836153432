/* Starts that fail: a clear line in the log, WSAENETDOWN from the first socket, bounded in time, and nothing broken. */
#include "t_peer.h"
#include "t_sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS 7

/* down [AGAIN_MS]: WSAStartup works, the first socket says WSAENETDOWN; the second one too, or works after a while. */
static int down(int argc, char **argv)
{
    t_startup();
    T_NEED(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSAENETDOWN);
    if (argc > 1) {
        SOCKET s = INVALID_SOCKET;
        for (int i = 0; i < 100 && s == INVALID_SOCKET; i++) {
            t_sleep_ms((uint32_t)atoi(argv[1]));
            s = socket(AF_INET, SOCK_STREAM, 0);
        }
        T_NEED(s != INVALID_SOCKET);
        T_NEED(closesocket(s) == 0);
    } else {
        T_NEED(socket(AF_INET6, SOCK_DGRAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSAENETDOWN);
    }
    T_NEED(WSACleanup() == 0);
    return STATUS;
}

/* down_exit: ends while the engine still starts. */
static int down_exit(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    t_startup();
    T_NEED(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSAENETDOWN);
    return STATUS;
}

/* only: WSAStartup and WSACleanup read the configuration and start nothing. */
static int only(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    uint32_t threads = t_threads();
    t_startup();
    T_NEED(t_threads() == threads);
    T_NEED(WSACleanup() == 0);
    T_NEED(t_threads() == threads);
    return STATUS;
}

/* mend: the configuration is read again at the next first startup. */
static int mend(int argc, char **argv)
{
    T_NEED(argc > 1);
    t_startup();
    T_NEED(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSAENETDOWN);
    T_NEED(WSACleanup() == 0);
    T_NEED(setenv("WINLANE_CONFIG", argv[1], 1) == 0);
    t_startup();
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(WSACleanup() == 0);
    return STATUS;
}

static void start__with_a_bad_configuration__log_names_file_line_key_and_sockets_are_down(void **state)
{
    const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"[engine]\nspin = often\n", "winlane.ini:2: [engine] spin: "},
        {"[engine]\n\nnonsense = 1\n", "winlane.ini:3: [engine] nonsense: "},
        {"[port a]\ndriver = wire\nwire.link = x\nwire.loss = 200%\n", "winlane.ini:4: port a: loss: "},
        {"[port a]\ndriver = magic\n", "magic"},
        {"[port a]\ndriver = dpdk\ndpdk.device = net_ring0\ndpdk.eal = --proc-type=secondary\n",
         "winlane.ini:4: port a: eal: "},
        {"[port a]\ndriver = pcap\npcap.rx_file = /nonexistent/x.pcap\n", "/nonexistent/x.pcap"},
        /* Without the right to a packet socket, that is what is missing. */
        {"[port a]\ndriver = dpdk\ndpdk.hugepages = no\ndpdk.device = net_af_packet0,iface=lifenone\n",
         geteuid() == 0 ? "lifenone" : "CAP_NET_RAW"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)unlink(t_path("stderr"));
        t_conf_text(rows[i].text);
        (void)t_expect(STATUS, 15, (const char *const[4]){"down"});
        if (strstr(t_log(), rows[i].said) == NULL || strstr(t_log(), "winlane error: ") == NULL) {
            print_error("row %zu: the log has no '%s':\n%s\n", i, rows[i].said, t_log());
        }
        assert_non_null(strstr(t_log(), rows[i].said));
        assert_non_null(strstr(t_log(), "winlane error: "));
    }
}

static void start__without_a_configuration__sockets_are_down(void **state)
{
    (void)state;
    (void)unlink(t_path("winlane.ini"));
    (void)unlink(t_path("stderr"));
    (void)t_expect(STATUS, 15, (const char *const[4]){"down"});
    assert_non_null(strstr(t_log(), "winlane.ini"));
}

static void start__that_takes_too_long__is_given_up_in_time_and_works_later(void **state)
{
    (void)state;
    (void)unlink(t_path("stderr"));
    t_conf_ring("start_timeout = 1ms");
    t_expect_within(STATUS, 8000, (const char *const[4]){"down", "50"});
    assert_non_null(strstr(t_log(), "start_timeout"));
    for (int i = 0; i < 5; i++) {
        (void)t_expect(STATUS, 10, (const char *const[4]){"down_exit"});
    }
}

static void start__of_the_library_alone__starts_no_thread(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(STATUS, 10, (const char *const[4]){"only"});
}

static void start__after_the_configuration_was_mended__works(void **state)
{
    char good[400];
    (void)state;
    (void)snprintf(good, sizeof good, "%s", t_path("good.ini"));
    t_conf_wire("", "");
    assert_int_equal(rename(t_path("winlane.ini"), good), 0);
    t_conf_text("[engine]\nspin = often\n");
    (void)t_expect(STATUS, 10, (const char *const[4]){"mend", good});
    /* The driver refuses, not the parser. */
    t_conf_text("[port a]\ndriver = wire\nwire.link = x\nwire.loss = 200%\n");
    (void)t_expect(STATUS, 10, (const char *const[4]){"mend", good});
}

/* --- A port that another process owns ---------------------------------------------- */

/* echo SECONDS: data goes to the peer and comes back all the time. */
static int echo(int argc, char **argv)
{
    T_NEED(argc > 1);
    t_startup();
    SOCKET s = t_connected(T_PEER_IP, (u_short)atoi(T_PEER_PORT));
    uint64_t end = t_now_ns() + strtoull(argv[1], NULL, 10) * 1000000u;
    uint64_t at = 0;
    T_NEED(write(1, "up", 2) == 2);
    for (; t_now_ns() < end; at += 4096) {
        t_send(s, at, 4096);
        t_recv(s, at, 4096);
        t_sleep_ms(1);
    }
    T_NEED(at > 4096 * 20);
    T_NEED(closesocket(s) == 0);
    T_NEED(WSACleanup() == 0);
    return STATUS;
}

static void start__on_a_port_that_another_process_owns__is_down_and_the_owner_undisturbed(void **state)
{
    struct t_peer peer;
    struct t_child owner;
    char up[2];
    (void)state;
    if (!t_veth_up()) {
        print_message("no root, or no ip(8) and ethtool(8): no interface to own\n");
        skip();
    }
    t_conf_veth("");
    (void)unlink(t_path("stderr"));
    t_peer_start(&peer, T_PEER_ECHO);
    t_start(&owner, (const char *const[4]){"echo", "1500"});
    assert_int_equal(read(owner.out, up, sizeof up), sizeof up);
    for (int i = 0; i < 2; i++) {
        (void)t_expect(STATUS, 10, (const char *const[4]){"down"});
    }
    assert_non_null(strstr(t_log(), "lf0"));
    assert_int_equal(t_wait(&owner, 15), STATUS);
    struct t_peer_result result = t_peer_result(&peer, 5);
    assert_true(result.bytes > 0);
    assert_int_equal(result.bad, 0);
    assert_int_equal(result.end, 0);
    print_message("%s", t_log());
    /* Free again: the next one gets it. */
    (void)t_expect(STATUS, 10, (const char *const[4]){"echo", "300"});
    t_peer_stop(&peer);
    t_veth_down();
}

static const struct t_mode modes[] = {{"down", down}, {"down_exit", down_exit}, {"only", only},
                                      {"mend", mend}, {"echo", echo},           {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start__with_a_bad_configuration__log_names_file_line_key_and_sockets_are_down),
        cmocka_unit_test(start__without_a_configuration__sockets_are_down),
        cmocka_unit_test(start__that_takes_too_long__is_given_up_in_time_and_works_later),
        cmocka_unit_test(start__of_the_library_alone__starts_no_thread),
        cmocka_unit_test(start__after_the_configuration_was_mended__works),
        cmocka_unit_test(start__on_a_port_that_another_process_owns__is_down_and_the_owner_undisturbed),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

/* Ways to end while a peer elsewhere still waits for data. Needs root: the peer is the kernel's stack behind a veth pair. */
#include "t_peer.h"
#include "t_sock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS 7

/* send BYTES HOW: connect, send, end. */
static int send_mode(int argc, char **argv)
{
    T_NEED(argc > 2);
    const char *how = argv[2];
    t_startup();
    SOCKET s = t_connected(T_PEER_IP, (u_short)atoi(T_PEER_PORT));
    t_send(s, 0, strtoull(argv[1], NULL, 10));
    if (strcmp(how, "kill") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(how, "_exit") == 0) {
        _exit(STATUS);
    } else if (strcmp(how, "open") == 0) {
        exit(STATUS);
    } else if (strcmp(how, "left") == 0) {
        T_NEED(WSACleanup() == 0);
        return STATUS;
    }
    T_NEED(closesocket(s) == 0);
    if (strcmp(how, "cleanup") == 0) {
        T_NEED(WSACleanup() == 0);
    }
    return STATUS;
}

static int veth_set_up(void **state)
{
    static bool there;
    *state = t_veth_up() ? &there : NULL;
    return 0;
}

static int veth_tear_down(void **state)
{
    (void)state;
    t_veth_down();
    return 0;
}

static void skip_without(void **state)
{
    if (*state == NULL) {
        print_message("no root, or no ip(8) and ethtool(8): no kernel for a peer\n");
        skip();
    }
}

static void exit__after_data_was_queued__all_of_it_and_the_fin_arrive(void **state)
{
    static const char *const hows[] = {"close", "open", "cleanup"};
    struct t_peer peer;
    skip_without(state);
    t_conf_veth("");
    t_peer_start(&peer, T_PEER_READ);
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        uint64_t took_ms = t_expect(STATUS, 20, (const char *const[4]){"send", "1048576", hows[i]});
        struct t_peer_result result = t_peer_result(&peer, 5);
        if (result.bytes != 1048576 || result.bad != 0 || result.end != 0 || took_ms > 3000) {
            print_error("%s: %llu bytes, %llu bad, end %d, %llu ms\n", hows[i], (unsigned long long)result.bytes,
                        (unsigned long long)result.bad, result.end, (unsigned long long)took_ms);
        }
        assert_int_equal(result.bytes, 1048576);
        assert_int_equal(result.bad, 0);
        assert_int_equal(result.end, 0);
        assert_true(took_ms < 3000);
    }
    t_peer_stop(&peer);
}

/* Rules A.2.10, WSPCLEANUP-3: a cleanup resets what is open. */
static void cleanup__with_an_open_socket__resets_the_peer(void **state)
{
    struct t_peer peer;
    skip_without(state);
    t_conf_veth("");
    t_peer_start(&peer, T_PEER_READ);
    (void)t_expect(STATUS, 10, (const char *const[4]){"send", "100", "left"});
    assert_int_equal(t_peer_result(&peer, 5).end, ECONNRESET);
    t_peer_stop(&peer);
}

static void exit__with_a_peer_that_takes_nothing__ends_after_the_drain_time(void **state)
{
    static const struct {
        const char *engine;
        const char *how;
        uint32_t drain_ms;
    } rows[] = {
        {"", "close", 2000},
        {"drain_timeout = 300ms", "open", 300},
        {"drain_timeout = 300ms", "cleanup", 300},
        {"drain_timeout = 0", "close", 0},
    };
    struct t_peer peer;
    skip_without(state);
    t_peer_start(&peer, T_PEER_MUTE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_conf_veth(rows[i].engine);
        uint64_t took_ms = t_expect(STATUS, 20, (const char *const[4]){"send", "1048576", rows[i].how});
        struct t_peer_result result = t_peer_result(&peer, 5);
        print_message("row %zu: %llu ms, end %d\n", i, (unsigned long long)took_ms, result.end);
        assert_true(took_ms >= rows[i].drain_ms);
        assert_true(took_ms < rows[i].drain_ms + 2000u);
        assert_int_equal(result.end, ECONNRESET);
    }
    t_peer_stop(&peer);
}

static void exit__by_kill_or_at_once__blocks_no_later_start(void **state)
{
    static const struct {
        const char *how;
        int status;
    } rows[] = {{"kill", 128 + SIGKILL}, {"_exit", STATUS}};
    struct t_peer peer;
    skip_without(state);
    t_conf_veth("");
    t_peer_start(&peer, T_PEER_READ);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct t_child child;
        char left[64];
        t_start(&child, (const char *const[4]){"send", "100", rows[i].how});
        assert_int_equal(t_wait(&child, 10), rows[i].status);
        (void)snprintf(left, sizeof left, "/var/run/dpdk/winlane-%d", (int)child.pid);
        assert_int_not_equal(access(left, F_OK), 0);
        (void)snprintf(left, sizeof left, "/dev/hugepages/winlane-%dmap_0", (int)child.pid);
        assert_int_not_equal(access(left, F_OK), 0);
        /* The half-open connection ends with the next owner's answer to it; a peer of its own meanwhile. */
        t_peer_stop(&peer);
        t_peer_start(&peer, T_PEER_READ);
        (void)t_expect(STATUS, 10, (const char *const[4]){"send", "5000", "close"});
        struct t_peer_result result = t_peer_result(&peer, 5);
        assert_int_equal(result.bytes, 5000);
        assert_int_equal(result.end, 0);
    }
    t_peer_stop(&peer);
}

static const struct t_mode modes[] = {{"send", send_mode}, {NULL, NULL}};

#define VETH_TEST(name) cmocka_unit_test_setup_teardown(name, veth_set_up, veth_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        VETH_TEST(exit__after_data_was_queued__all_of_it_and_the_fin_arrive),
        VETH_TEST(cleanup__with_an_open_socket__resets_the_peer),
        VETH_TEST(exit__with_a_peer_that_takes_nothing__ends_after_the_drain_time),
        VETH_TEST(exit__by_kill_or_at_once__blocks_no_later_start),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

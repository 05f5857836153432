/* Ways to end without a peer outside: exit status, time, calls in progress. */
#include "t_sock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS 7

static DWORD WINAPI reader(LPVOID arg)
{
    char room[16];
    SOCKET s = *(SOCKET *)arg;
    (void)recv(s, room, sizeof room, 0); /* ends with the process */
    return 0;
}

static DWORD WINAPI waiter(LPVOID arg)
{
    WSAEVENT event = WSACreateEvent();
    (void)arg;
    (void)WSAWaitForMultipleEvents(1, &event, TRUE, WSA_INFINITE, FALSE);
    return 0;
}

static DWORD WINAPI exiter(LPVOID arg)
{
    (void)arg;
    exit(STATUS);
}

static void overlapped_start(SOCKET s, WSAOVERLAPPED *ov, char *room)
{
    WSABUF buf = {.len = 16, .buf = room};
    DWORD bytes;
    DWORD flags = 0;
    memset(ov, 0, sizeof *ov);
    ov->hEvent = WSACreateEvent();
    T_NEED(ov->hEvent != WSA_INVALID_EVENT);
    T_NEED(WSARecv(s, &buf, 1, &bytes, &flags, ov, NULL) == SOCKET_ERROR && WSAGetLastError() == WSA_IO_PENDING);
}

/* end HOW, with a connection that holds unread data, calls that block, and a request under way. */
static int end(int argc, char **argv)
{
    static SOCKET ends[2];
    static SOCKET busy[2];
    static WSAOVERLAPPED ov;
    static char room[16];
    T_NEED(argc > 1);
    t_startup();
    t_pair("10.88.0", ends);
    t_pair("10.88.0", busy);
    t_send(ends[0], 0, 100000);
    overlapped_start(busy[0], &ov, room);
    T_NEED(CreateThread(NULL, 0, reader, &busy[1], 0, NULL) != NULL);
    T_NEED(CreateThread(NULL, 0, waiter, NULL, 0, NULL) != NULL);
    t_sleep_ms(20);
    if (strcmp(argv[1], "_exit") == 0) {
        _exit(STATUS);
    } else if (strcmp(argv[1], "kill") == 0) {
        t_kill_self();
    } else if (strcmp(argv[1], "thread") == 0) {
        T_NEED(CreateThread(NULL, 0, exiter, NULL, 0, NULL) != NULL);
        ExitThread(0);
    } else if (strcmp(argv[1], "close") == 0) {
        T_NEED(closesocket(ends[0]) == 0);
    } else if (strcmp(argv[1], "cleanup") == 0) {
        T_NEED(WSACleanup() == 0);
    }
    return STATUS;
}

static SOCKET late_socket;

/* A handler installed behind our own runs first: everything still works in it. */
static void early_handler(void)
{
    T_NEED(send(late_socket, "x", 1, 0) == 1);
    T_NEED(closesocket(late_socket) == 0);
}

static int early(int argc, char **argv)
{
    SOCKET ends[2];
    (void)argc;
    (void)argv;
    t_startup();
    t_pair("10.88.0", ends);
    late_socket = ends[0];
    T_NEED(atexit(early_handler) == 0);
    return STATUS;
}

/* The peer's window is closed and being probed when the connection is reset: it must notice. */
static int reset_closed(int argc, char **argv)
{
    SOCKET ends[2];
    struct linger none = {1, 0};
    ULONG on = 1;
    static char room[4096];
    int done;
    (void)argc;
    (void)argv;
    t_startup();
    t_pair("10.88.0", ends);
    T_NEED(ioctlsocket(ends[0], (LONG)FIONBIO, &on) == 0);
    for (int quiet = 0; quiet < 100; quiet++) { /* full: both buffers, and a probe or two */
        while (send(ends[0], room, sizeof room, 0) > 0) {
            quiet = 0;
        }
        t_sleep_ms(10);
    }
    t_sleep_ms(1000);
    T_NEED(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof none) == 0);
    T_NEED(closesocket(ends[0]) == 0);
    t_sleep_ms(50);
    do {
        done = recv(ends[1], room, sizeof room, 0);
    } while (done > 0);
    T_NEED(done == SOCKET_ERROR && WSAGetLastError() == WSAECONNRESET);
    return 0;
}

static void exit__without_cleanup__status_kept_and_prompt(void **state)
{
    static const struct {
        const char *how;
        int status;
    } rows[] = {{"return", STATUS},  {"close", STATUS}, {"thread", STATUS},
                {"cleanup", STATUS}, {"_exit", STATUS}, {"kill", T_KILLED}};
    (void)state;
    t_conf_wire("drain_timeout = 1s", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_expect_within(rows[i].status, t_sanitized() ? 4000u : 2500u, (const char *const[4]){"end", rows[i].how});
    }
}

static void exit__handlers_of_the_program_that_come_before_ours__work(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(STATUS, 15, (const char *const[4]){"early"});
}

static void exit__over_dpdk_rings__status_kept(void **state)
{
    (void)state;
    t_conf_ring("");
    (void)t_expect(STATUS, 15, (const char *const[4]){"end_ring"});
}

static int end_ring(int argc, char **argv)
{
    SOCKET ends[2];
    (void)argc;
    (void)argv;
    t_startup();
    t_pair("10.99.0", ends);
    t_send(ends[0], 0, 100000);
    return STATUS;
}

static void reset__into_a_closed_window__reaches_the_peer(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(0, 20, (const char *const[4]){"reset_closed"});
}

static const struct t_mode modes[] = {
    {"end", end}, {"early", early}, {"reset_closed", reset_closed}, {"end_ring", end_ring}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__without_cleanup__status_kept_and_prompt),
        cmocka_unit_test(exit__handlers_of_the_program_that_come_before_ours__work),
        cmocka_unit_test(exit__over_dpdk_rings__status_kept),
        cmocka_unit_test(reset__into_a_closed_window__reaches_the_peer),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

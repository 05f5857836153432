/* Ways to end without a peer outside: exit status, time, calls in progress. */
#include "t_sock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define STATUS 7

static void *reader(void *arg)
{
    char room[16];
    SOCKET s = *(SOCKET *)arg;
    (void)recv(s, room, sizeof room, 0); /* ends with the process */
    return NULL;
}

static void *waiter(void *arg)
{
    WSAEVENT event = WSACreateEvent();
    (void)arg;
    (void)WSAWaitForMultipleEvents(1, &event, TRUE, WSA_INFINITE, FALSE);
    return NULL;
}

static void *exiter(void *arg)
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
    pthread_t threads[2];
    T_NEED(argc > 1);
    t_startup();
    t_pair("10.88.0", ends);
    t_pair("10.88.0", busy);
    t_send(ends[0], 0, 100000);
    overlapped_start(busy[0], &ov, room);
    T_NEED(pthread_create(&threads[0], NULL, reader, &busy[1]) == 0);
    T_NEED(pthread_create(&threads[1], NULL, waiter, NULL) == 0);
    t_sleep_ms(20);
    if (strcmp(argv[1], "_exit") == 0) {
        _exit(STATUS);
    } else if (strcmp(argv[1], "kill") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(argv[1], "abort") == 0) {
        (void)raise(SIGTERM);
    } else if (strcmp(argv[1], "thread") == 0) {
        T_NEED(pthread_create(&threads[0], NULL, exiter, NULL) == 0);
        pthread_exit(NULL);
    } else if (strcmp(argv[1], "close") == 0) {
        T_NEED(closesocket(ends[0]) == 0);
    } else if (strcmp(argv[1], "cleanup") == 0) {
        T_NEED(WSACleanup() == 0);
    }
    return STATUS;
}

/* An exit handler of the program that was there first runs last: it gets an error, and no crash. */
static SOCKET late_socket;

static void late_handler(void)
{
    bool refused = send(late_socket, "x", 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED &&
                   closesocket(late_socket) == SOCKET_ERROR && socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET;
    _exit(refused ? STATUS : 9);
}

static int late(int argc, char **argv)
{
    SOCKET ends[2];
    (void)argc;
    (void)argv;
    T_NEED(atexit(late_handler) == 0);
    t_startup();
    t_pair("10.88.0", ends);
    late_socket = ends[0];
    return 0;
}

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

/* handler MS: a signal handler ends the program, wherever in a call it comes. */
static void end_handler(int number)
{
    (void)number;
    exit(STATUS);
}

static int handler(int argc, char **argv)
{
    static SOCKET ends[2];
    static WSAOVERLAPPED ov;
    static char room[16];
    struct itimerval once = {{0, 0}, {0, 0}};
    T_NEED(argc > 1);
    once.it_value.tv_usec = atoi(argv[1]);
    t_startup();
    t_pair("10.88.0", ends);
    T_NEED(signal(SIGALRM, end_handler) != SIG_ERR);
    T_NEED(setitimer(ITIMER_REAL, &once, NULL) == 0);
    for (bool more = true; more; more = t_now_ns() != 0) {
        DWORD bytes;
        DWORD flags;
        overlapped_start(ends[1], &ov, room);
        T_NEED(send(ends[0], "hello", 5, 0) == 5);
        T_NEED(WSAGetOverlappedResult(ends[1], &ov, &bytes, TRUE, &flags) && bytes == 5);
        T_NEED(WSACloseEvent(ov.hEvent));
        SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
        T_NEED(s != INVALID_SOCKET);
        T_NEED(closesocket(s) == 0);
        t_transfer(ends, 1000);
    }
    return 0;
}

static void exit__in_a_signal_handler__ends_wherever_it_came(void **state)
{
    (void)state;
    t_conf_wire("drain_timeout = 200ms", "");
    for (int i = 0; i < 16; i++) {
        char us[16];
        (void)snprintf(us, sizeof us, "%d", 2000 + i * 1171);
        (void)t_expect(STATUS, 8, (const char *const[4]){"handler", us});
    }
}

static void exit__without_cleanup__status_kept_and_prompt(void **state)
{
    static const struct {
        const char *how;
        int status;
    } rows[] = {{"return", STATUS}, {"close", STATUS},       {"thread", STATUS},      {"cleanup", STATUS},
                {"_exit", STATUS},  {"kill", 128 + SIGKILL}, {"abort", 128 + SIGTERM}};
    (void)state;
    t_conf_wire("drain_timeout = 1s", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_expect_within(rows[i].status, t_sanitized() ? 4000u : 2500u, (const char *const[4]){"end", rows[i].how});
    }
}

static void exit__handlers_of_the_program__before_ours_work_and_after_ours_are_refused(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(STATUS, 15, (const char *const[4]){"late"});
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
    {"end", end},           {"late", late},       {"early", early}, {"reset_closed", reset_closed},
    {"end_ring", end_ring}, {"handler", handler}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__without_cleanup__status_kept_and_prompt),
        cmocka_unit_test(exit__handlers_of_the_program__before_ours_work_and_after_ours_are_refused),
        cmocka_unit_test(exit__in_a_signal_handler__ends_wherever_it_came),
        cmocka_unit_test(exit__over_dpdk_rings__status_kept),
        cmocka_unit_test(reset__into_a_closed_window__reaches_the_peer),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

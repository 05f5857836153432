/* Ways to end that only Linux has: signals, and exit handlers of one order for program and libraries. */
#include "t_sock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define STATUS 7

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

/* handler MS: a signal handler ends the program, wherever in a call it comes. */
static void end_handler(int number)
{
    (void)number;
    exit(STATUS);
}

static void handler_round(SOCKET ends[2])
{
    static WSAOVERLAPPED ov;
    static char room[16];
    DWORD bytes;
    DWORD flags;
    WSABUF buffer = {sizeof room, room};
    if (ov.hEvent == NULL) {
        ov.hEvent = WSACreateEvent();
        T_NEED(ov.hEvent != WSA_INVALID_EVENT);
    }
    flags = 0;
    T_NEED(WSARecv(ends[1], &buffer, 1, NULL, &flags, &ov, NULL) == SOCKET_ERROR &&
           WSAGetLastError() == WSA_IO_PENDING);
    T_NEED(send(ends[0], "hello", 5, 0) == 5);
    T_NEED(WSAGetOverlappedResult(ends[1], &ov, &bytes, TRUE, &flags) && bytes == 5);
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(closesocket(s) == 0);
    t_transfer(ends, 1000);
}

static int handler(int argc, char **argv)
{
    static SOCKET ends[2];
    struct itimerval once = {{0, 0}, {0, 0}};
    T_NEED(argc > 1);
    once.it_value.tv_usec = atoi(argv[1]);
    t_startup();
    t_pair("10.88.0", ends);
    /* Once beforehand: libc's own exit waits for ever if it comes inside an allocation, and the first calls allocate. */
    handler_round(ends);
    T_NEED(signal(SIGALRM, end_handler) != SIG_ERR);
    T_NEED(setitimer(ITIMER_REAL, &once, NULL) == 0);
    for (bool more = true; more; more = t_now_ns() != 0) {
        handler_round(ends);
    }
    return 0;
}

/* term: the default of a signal ends the program. */
static int term(int argc, char **argv)
{
    SOCKET ends[2];
    (void)argc;
    (void)argv;
    t_startup();
    t_pair("10.88.0", ends);
    t_send(ends[0], 0, 100000);
    (void)raise(SIGTERM);
    return 0;
}

static void exit__by_a_signal__status_kept_and_prompt(void **state)
{
    (void)state;
    t_conf_wire("drain_timeout = 1s", "");
    t_expect_within(128 + SIGTERM, t_sanitized() ? 4000u : 2500u, (const char *const[4]){"term"});
}

static void exit__handlers_of_the_program_that_come_after_ours__are_refused(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(STATUS, 15, (const char *const[4]){"late"});
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

static const struct t_mode modes[] = {{"late", late}, {"handler", handler}, {"term", term}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__by_a_signal__status_kept_and_prompt),
        cmocka_unit_test(exit__handlers_of_the_program_that_come_after_ours__are_refused),
        cmocka_unit_test(exit__in_a_signal_handler__ends_wherever_it_came),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

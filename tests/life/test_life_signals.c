/* A program's interval timer must not show in any call, and none of our threads may take its signals. */
#include "t_sock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define RUN_MS 1200u
#define CHUNK 4096u
#define THREADS_MAX 64
/* Signals 32 and 33 belong to libc's threads; 9 and 19 cannot be blocked. */
#define BLOCKED_ALL UINT64_C(0xfffffffe7ffbfeff)

static _Atomic uint32_t ticks;
static _Atomic uint32_t ticks_elsewhere;
static _Atomic int stop;
static _Atomic pid_t own[THREADS_MAX];
static _Atomic uint32_t own_count;

static bool is_own(pid_t tid)
{
    for (uint32_t i = 0; i < atomic_load(&own_count); i++) {
        if (atomic_load(&own[i]) == tid) {
            return true;
        }
    }
    return false;
}

/* Threads start with the timer's signal blocked, and let it in when they are known. */
static void own_add(void)
{
    sigset_t set;
    atomic_store(&own[atomic_fetch_add(&own_count, 1)], (pid_t)syscall(SYS_gettid));
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGALRM);
    T_NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static void own_start(pthread_t *thread, void *(*fn)(void *), SOCKET *s)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGALRM);
    T_NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    T_NEED(pthread_create(thread, NULL, fn, s) == 0);
    T_NEED(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static void tick(int number)
{
    (void)number;
    atomic_fetch_add(&ticks, 1);
    atomic_fetch_add(&ticks_elsewhere, !is_own((pid_t)syscall(SYS_gettid)));
}

/* Sends slowly enough for the receiver to block, in bursts large enough for itself to block. */
static void *sender(void *arg)
{
    SOCKET s = *(SOCKET *)arg;
    uint64_t at = 0;
    own_add();
    for (uint32_t i = 0; atomic_load(&stop) == 0; i++, at += CHUNK) {
        t_send(s, at, CHUNK);
        if (i % 64 == 63) {
            t_sleep_ms(20);
        }
    }
    T_NEED(shutdown(s, SD_SEND) == 0);
    return NULL;
}

static void *receiver(void *arg)
{
    SOCKET s = *(SOCKET *)arg;
    uint64_t at = 0;
    char room[512];
    own_add();
    for (int done = 1; done > 0; at += (uint64_t)done) {
        fd_set set;
        if (at / CHUNK % 2 == 0) { /* half of the time by select first */
            FD_ZERO(&set);
            FD_SET(s, &set);
            T_NEED(select(0, &set, NULL, NULL, NULL) == 1);
        }
        done = recv(s, room, sizeof room, 0);
        T_NEED(done >= 0);
        for (int i = 0; i < done; i++) {
            T_NEED(room[i] == t_byte(at + (uint64_t)i));
        }
        if (at % 65536 < 512) {
            t_sleep_ms(1); /* the sender's buffer fills up */
        }
    }
    T_NEED(at > 0);
    return NULL;
}

static void *acceptor(void *arg)
{
    SOCKET listener = *(SOCKET *)arg;
    own_add();
    for (;;) {
        SOCKET s = accept(listener, NULL, NULL);
        T_NEED(s != INVALID_SOCKET);
        char first = 0;
        T_NEED(recv(s, &first, 1, 0) == 1);
        T_NEED(closesocket(s) == 0);
        if (first == 'q') {
            return NULL;
        }
    }
}

static void timer_start(void)
{
    struct sigaction action = {.sa_handler = tick}; /* no SA_RESTART */
    struct itimerval every = {{0, 1000}, {0, 1000}};
    T_NEED(sigaction(SIGALRM, &action, NULL) == 0);
    T_NEED(setitimer(ITIMER_REAL, &every, NULL) == 0);
}

static void threads_check(void)
{
    pid_t tids[THREADS_MAX];
    uint32_t count = t_tids(tids, THREADS_MAX);
    uint32_t ours = 0;
    T_NEED(count <= THREADS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_own(tids[i])) {
            uint64_t blocked = t_blocked(tids[i]);
            ours += blocked != 0;
            T_NEED((blocked & BLOCKED_ALL) == BLOCKED_ALL);
        }
    }
    T_NEED(ours >= 3); /* poll thread, dispatcher, counters */
}

static void connects(u_short port)
{
    uint64_t end = t_now_ns() + RUN_MS * UINT64_C(1000000);
    for (bool last = false; !last;) {
        last = t_now_ns() > end;
        t_sleep_ms(10); /* accept blocks meanwhile */
        SOCKET s = t_connected("10.88.0.2", port);
        T_NEED(send(s, last ? "q" : "x", 1, 0) == 1);
        char none;
        T_NEED(recv(s, &none, 1, 0) == 0);
        T_NEED(closesocket(s) == 0);
    }
}

static void waits_check(SOCKET s)
{
    struct timeval wait = {0, 50000};
    fd_set set;
    WSAEVENT event = WSACreateEvent();
    T_NEED(event != WSA_INVALID_EVENT);
    T_NEED(WSAEventSelect(s, event, FD_ACCEPT) == 0);
    uint64_t start = t_now_ns();
    T_NEED(WSAWaitForMultipleEvents(1, &event, TRUE, 50, FALSE) == WSA_WAIT_TIMEOUT);
    T_NEED(t_now_ns() - start >= 49000000);
    T_NEED(WSAEventSelect(s, event, 0) == 0);
    FD_ZERO(&set);
    FD_SET(s, &set);
    start = t_now_ns();
    T_NEED(select(0, &set, NULL, NULL, &wait) == 0);
    T_NEED(t_now_ns() - start >= 49000000);
    T_NEED(WSACloseEvent(event));
}

static int timer(int argc, char **argv)
{
    SOCKET ends[2];
    pthread_t threads[3];
    u_short port;
    (void)argc;
    (void)argv;
    own_add();
    timer_start();
    t_startup();
    t_pair("10.88.0", ends);
    SOCKET listener = t_listener("10.88.0.2", &port);
    waits_check(listener);
    DWORD off = 0;
    T_NEED(ioctlsocket(listener, (LONG)FIONBIO, &off) == 0);
    own_start(&threads[0], sender, &ends[0]);
    own_start(&threads[1], receiver, &ends[1]);
    own_start(&threads[2], acceptor, &listener);
    connects(port);
    threads_check();
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++) {
        T_NEED(pthread_join(threads[i], NULL) == 0);
    }
    T_NEED(WSACleanup() == 0);
    T_NEED(atomic_load(&ticks) > RUN_MS / 4);
    T_NEED(atomic_load(&ticks_elsewhere) == 0);
    return 0;
}

static void signals__timer_at_1_khz_in_blocking_calls__nothing_fails(void **state)
{
    (void)state;
    t_conf_wire("app_spin = 0\ncounters_signal = USR1", "");
    (void)t_expect(0, 30, (const char *const[4]){"timer"});
}

static const struct t_mode modes[] = {{"timer", timer}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(signals__timer_at_1_khz_in_blocking_calls__nothing_fails)};
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

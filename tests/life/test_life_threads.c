/* Threads that end: their requests are cancelled, their rings come back. */
#include "t_sock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 3
#define SHORT_THREADS 1000
#define AT_ONCE 100

/* --- Requests of a thread that ends -------------------------------------------- */

enum way { WAY_RETURN, WAY_EXIT, WAY_CANCEL, WAY_COUNT };

struct issue {
    enum way way;
    SOCKET s;
    WSAOVERLAPPED ovs[REQUESTS];
    char room[REQUESTS][64];
    _Atomic int issued;
};

static void issue_all(struct issue *issue)
{
    for (int i = 0; i < REQUESTS; i++) {
        WSABUF buf = {.len = sizeof issue->room[i], .buf = issue->room[i]};
        DWORD bytes;
        DWORD flags = 0;
        memset(&issue->ovs[i], 0, sizeof issue->ovs[i]);
        issue->ovs[i].hEvent = WSACreateEvent();
        T_NEED(issue->ovs[i].hEvent != WSA_INVALID_EVENT);
        T_NEED(WSARecv(issue->s, &buf, 1, &bytes, &flags, &issue->ovs[i], NULL) == SOCKET_ERROR &&
               WSAGetLastError() == WSA_IO_PENDING);
    }
    atomic_store(&issue->issued, 1);
}

static void *issuer(void *arg)
{
    struct issue *issue = arg;
    issue_all(issue);
    if (issue->way == WAY_EXIT) {
        pthread_exit(NULL);
    } else if (issue->way == WAY_CANCEL) {
        for (;;) {
            (void)pause();
        }
    }
    return NULL;
}

static void aborted_check(SOCKET s, WSAOVERLAPPED *ov)
{
    DWORD bytes = 77;
    DWORD flags = 0;
    T_NEED(WSAWaitForMultipleEvents(1, &ov->hEvent, TRUE, 2000, FALSE) == WSA_WAIT_EVENT_0);
    T_NEED(!WSAGetOverlappedResult(s, ov, &bytes, FALSE, &flags));
    T_NEED(WSAGetLastError() == WSA_OPERATION_ABORTED);
    T_NEED(WSACloseEvent(ov->hEvent));
}

static void way_run(enum way way)
{
    SOCKET ends[2];
    struct issue theirs = {.way = way};
    struct issue mine = {.way = way};
    pthread_t thread;
    DWORD bytes = 0;
    DWORD flags = 0;
    t_pair("10.88.0", ends);
    theirs.s = ends[0];
    mine.s = ends[0];
    T_NEED(pthread_create(&thread, NULL, issuer, &theirs) == 0);
    while (atomic_load(&theirs.issued) == 0) {
        t_sleep_ms(1);
    }
    if (way == WAY_CANCEL) {
        T_NEED(pthread_cancel(thread) == 0);
    }
    T_NEED(pthread_join(thread, NULL) == 0);
    issue_all(&mine); /* those of a thread that lives are not touched, and are the first in line now */
    for (int i = 0; i < REQUESTS; i++) {
        aborted_check(ends[0], &theirs.ovs[i]);
    }
    T_NEED(send(ends[1], "hello", 5, 0) == 5);
    T_NEED(WSAGetOverlappedResult(ends[0], &mine.ovs[0], &bytes, TRUE, &flags) && bytes == 5);
    T_NEED(memcmp(mine.room[0], "hello", 5) == 0);
    T_NEED(closesocket(ends[0]) == 0);
    for (int i = 1; i < REQUESTS; i++) {
        T_NEED(WSAWaitForMultipleEvents(1, &mine.ovs[i].hEvent, TRUE, 2000, FALSE) == WSA_WAIT_EVENT_0);
    }
    T_NEED(closesocket(ends[1]) == 0);
}

static int requests(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    t_startup();
    for (int round = 0; round < 5; round++) {
        for (int way = 0; way < WAY_COUNT; way++) {
            way_run((enum way)way);
        }
    }
    T_NEED(WSACleanup() == 0);
    return 0;
}

/* --- Threads cancelled inside a call ------------------------------------------------ */

enum call { CALL_RECV, CALL_SELECT, CALL_RESULT, CALL_LINGER, CALL_COUNT };

struct inside {
    enum call call;
    SOCKET s;
};

static void result_wait(SOCKET s, const char *expect)
{
    WSAOVERLAPPED ov;
    char room[16];
    WSABUF buf = {.len = sizeof room, .buf = room};
    DWORD bytes = 0;
    DWORD flags = 0;
    memset(&ov, 0, sizeof ov);
    ov.hEvent = WSACreateEvent();
    T_NEED(ov.hEvent != WSA_INVALID_EVENT);
    T_NEED(WSARecv(s, &buf, 1, &bytes, &flags, &ov, NULL) == 0 || WSAGetLastError() == WSA_IO_PENDING);
    T_NEED(WSAGetOverlappedResult(s, &ov, &bytes, TRUE, &flags));
    T_NEED(bytes == strlen(expect) && memcmp(room, expect, bytes) == 0);
    T_NEED(WSACloseEvent(ov.hEvent));
}

static void *inside_run(void *arg)
{
    const struct inside *inside = arg;
    char room[16];
    fd_set set;
    switch (inside->call) {
    case CALL_RECV:
        T_NEED(recv(inside->s, room, sizeof room, 0) == 4);
        break;
    case CALL_SELECT:
        FD_ZERO(&set);
        FD_SET(inside->s, &set);
        T_NEED(select(0, &set, NULL, NULL, NULL) == 1);
        break;
    case CALL_RESULT:
        result_wait(inside->s, "wake");
        break;
    case CALL_LINGER:
        T_NEED(recv(inside->s, room, 4, 0) == 4);
        T_NEED(setsockopt(inside->s, SOL_SOCKET, SO_LINGER, (const char *)&(struct linger){1, 1},
                          sizeof(struct linger)) == 0);
        T_NEED(closesocket(inside->s) == 0);
        break;
    case CALL_COUNT:
        break;
    }
    pthread_testcancel();
    return NULL;
}

/* A call ends as if the thread were not cancelled: half of it done, with locks held, would stop everybody else. */
static int inside(int argc, char **argv)
{
    SOCKET ends[CALL_COUNT][2];
    struct inside calls[CALL_COUNT];
    pthread_t threads[CALL_COUNT];
    SOCKET others[2];
    (void)argc;
    (void)argv;
    t_startup();
    t_pair("10.88.0", others);
    for (int i = 0; i < CALL_COUNT; i++) {
        t_pair("10.88.0", ends[i]);
        calls[i] = (struct inside){.call = (enum call)i, .s = ends[i][0]};
        T_NEED(pthread_create(&threads[i], NULL, inside_run, &calls[i]) == 0);
    }
    t_sleep_ms(50); /* all of them wait */
    for (int i = 0; i < CALL_COUNT; i++) {
        T_NEED(pthread_cancel(threads[i]) == 0);
    }
    t_sleep_ms(50);
    T_NEED(send(others[1], "mine", 4, 0) == 4);
    result_wait(others[0], "mine"); /* the same lock */
    for (int i = 0; i < CALL_COUNT; i++) {
        void *result = NULL;
        T_NEED(send(ends[i][1], "wake", 4, 0) == 4);
        T_NEED(pthread_join(threads[i], &result) == 0);
        T_NEED(result == PTHREAD_CANCELED);
    }
    uint64_t start = t_now_ns();
    T_NEED(WSACleanup() == 0);
    T_NEED(t_now_ns() - start < 1500000000);
    return 0;
}

/* --- Rings ------------------------------------------------------------------------- */

static void *one_call(void *arg)
{
    struct sockaddr_in addr = t_addr("10.88.0.1", 0);
    SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    T_NEED(s != INVALID_SOCKET);
    T_NEED(bind(s, (struct sockaddr *)&addr, sizeof addr) == 0);
    T_NEED(closesocket(s) == 0);
    return arg;
}

static pthread_barrier_t together;

static void *call_together(void *arg)
{
    (void)pthread_barrier_wait(&together);
    for (int i = 0; i < 5; i++) {
        (void)one_call(NULL);
    }
    (void)pthread_barrier_wait(&together);
    return arg;
}

/* One after the other, then more at once than there are rings. */
static int rings(int argc, char **argv)
{
    static pthread_t threads[AT_ONCE];
    (void)argc;
    (void)argv;
    t_startup();
    (void)one_call(NULL);
    for (int i = 0; i < SHORT_THREADS; i++) {
        T_NEED(pthread_create(&threads[0], NULL, one_call, NULL) == 0);
        T_NEED(pthread_join(threads[0], NULL) == 0);
    }
    T_NEED(pthread_barrier_init(&together, NULL, AT_ONCE) == 0);
    for (int i = 0; i < AT_ONCE; i++) {
        T_NEED(pthread_create(&threads[i], NULL, call_together, NULL) == 0);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        T_NEED(pthread_join(threads[i], NULL) == 0);
    }
    (void)one_call(NULL);
    T_NEED(WSACleanup() == 0);
    return 0;
}

/* --- Calls from a destructor that runs behind ours ------------------------------------ */

#define LATE_PAIRS 4
#define LATE_CALLS 400

static pthread_key_t late_key;
static _Atomic int late_open;

static void late_calls(void *value)
{
    (void)value;
    atomic_fetch_add(&late_open, 1);
    while (atomic_load(&late_open) < 2 * LATE_PAIRS) { /* until the new threads have taken this one's ring */
        t_sleep_ms(1);
    }
    for (int i = 0; i < LATE_CALLS; i++) {
        (void)one_call(NULL);
    }
}

static void *late_thread(void *arg)
{
    (void)one_call(NULL);
    T_NEED(pthread_setspecific(late_key, &late_key) == 0);
    return arg;
}

static void *new_thread(void *arg)
{
    while (atomic_load(&late_open) < LATE_PAIRS) {
        t_sleep_ms(1);
    }
    (void)one_call(NULL);
    atomic_fetch_add(&late_open, 1);
    for (int i = 0; i < LATE_CALLS; i++) {
        (void)one_call(NULL);
    }
    return arg;
}

static int late(int argc, char **argv)
{
    pthread_t threads[2 * LATE_PAIRS];
    (void)argc;
    (void)argv;
    t_startup();
    (void)one_call(NULL);
    T_NEED(pthread_key_create(&late_key, late_calls) == 0); /* behind the stack's key: destroyed behind it */
    for (int i = 0; i < 2 * LATE_PAIRS; i++) {
        T_NEED(pthread_create(&threads[i], NULL, i < LATE_PAIRS ? late_thread : new_thread, NULL) == 0);
    }
    for (int i = 0; i < 2 * LATE_PAIRS; i++) {
        T_NEED(pthread_join(threads[i], NULL) == 0);
    }
    T_NEED(WSACleanup() == 0);
    return 0;
}

static void thread_end__with_requests_outstanding__they_are_aborted_and_others_are_not(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(0, 30, (const char *const[4]){"requests"});
}

static void thread_end__cancelled_inside_a_call__call_ends_whole_and_nobody_else_stops(void **state)
{
    (void)state;
    t_conf_wire("app_spin = 0", "");
    (void)unlink(t_path("stderr"));
    (void)t_expect(0, 20, (const char *const[4]){"inside"});
    assert_string_equal(t_log(), "");
}

static void thread_end__a_thousand_short_ones_then_a_hundred_at_once__all_are_served(void **state)
{
    (void)state;
    t_conf_wire("threads_max = 64", "");
    (void)t_expect(0, 30, (const char *const[4]){"rings"});
}

static void thread_end__calls_in_a_late_destructor__do_not_share_a_ring_with_a_new_thread(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(0, 30, (const char *const[4]){"late"});
}

static const struct t_mode modes[] = {
    {"requests", requests}, {"inside", inside}, {"rings", rings}, {"late", late}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_end__with_requests_outstanding__they_are_aborted_and_others_are_not),
        cmocka_unit_test(thread_end__cancelled_inside_a_call__call_ends_whole_and_nobody_else_stops),
        cmocka_unit_test(thread_end__a_thousand_short_ones_then_a_hundred_at_once__all_are_served),
        cmocka_unit_test(thread_end__calls_in_a_late_destructor__do_not_share_a_ring_with_a_new_thread),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

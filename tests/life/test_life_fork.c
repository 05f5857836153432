/* Fork and exec with live sockets: the child has no part in them. */
#include "t_sock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK 8192u
#define FORKS 40

static _Atomic int stop;

struct flow {
    SOCKET ends[2];
    uint64_t bytes;
};

static void *flow_run(void *arg)
{
    struct flow *flow = arg;
    for (; atomic_load(&stop) == 0; flow->bytes += CHUNK) {
        t_send(flow->ends[0], flow->bytes, CHUNK);
        t_recv(flow->ends[1], flow->bytes, CHUNK);
    }
    return NULL;
}

/* What a child may see: every call of it is refused, whatever the parent was doing at the time of the fork. */
static void child_calls(const struct flow *flow)
{
    char room[16] = "x";
    WSADATA data;
    struct sockaddr_in addr = t_addr("10.88.0.2", 9);
    int bytes = sizeof addr;
    T_NEED(send(flow->ends[0], room, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(recv(flow->ends[1], room, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(getsockname(flow->ends[0], (struct sockaddr *)&addr, &bytes) == SOCKET_ERROR &&
           WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(shutdown(flow->ends[0], SD_BOTH) == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(closesocket(flow->ends[0]) == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(WSACleanup() == SOCKET_ERROR && WSAGetLastError() == WSANOTINITIALISED);
    T_NEED(WSAStartup(MAKEWORD(2, 2), &data) == WSASYSNOTREADY);
}

/* In an ordinary child, and in one made without the handlers that fork runs. */
static void child_end(const struct flow *flow, int way)
{
    switch (way) {
    case 0:
        child_calls(flow);
        exit(0); /* with the exit handlers of the parent's libraries */
    case 1:
        child_calls(flow);
        _exit(0);
    case 2:
        exit(0);
    default:
        child_calls(flow);
        execl("/proc/self/exe", "self", "--child", "fds", (char *)NULL);
        _exit(127);
    }
}

/* fork NET: forks while data flows in another thread. */
static int forks(int argc, char **argv)
{
    struct flow flow = {.bytes = 0};
    pthread_t thread;
    T_NEED(argc > 1);
    t_startup();
    t_pair(argv[1], flow.ends);
    T_NEED(pthread_create(&thread, NULL, flow_run, &flow) == 0);
    for (int i = 0; i < FORKS; i++) {
        int status = -1;
        t_sleep_ms(5);
        (void)fflush(NULL);
        pid_t pid = i % 4 == 2 ? _Fork() : fork();
        T_NEED(pid >= 0);
        if (pid == 0) {
            (void)alarm(20);
            child_end(&flow, i % 4);
        }
        T_NEED(waitpid(pid, &status, 0) == pid);
        T_NEED(status == 0);
    }
    atomic_store(&stop, 1);
    T_NEED(pthread_join(thread, NULL) == 0);
    T_NEED(flow.bytes > 0);
    T_NEED(closesocket(flow.ends[0]) == 0);
    T_NEED(recv(flow.ends[1], (char[1]){0}, 1, 0) == 0); /* the end of the stream, and not a reset by some child */
    T_NEED(closesocket(flow.ends[1]) == 0);
    T_NEED(WSACleanup() == 0);
    return 0;
}

/* fds: only the three standard descriptors came through exec, and no signal is blocked. */
static int fds(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) != -1) {
            char path[64];
            char what[256] = "";
            (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            (void)!readlink(path, what, sizeof what - 1);
            (void)fprintf(stderr, "descriptor %d came through exec: %s\n", fd, what);
            return 3;
        }
    }
    return t_blocked(getpid()) == 0 ? 0 : 4;
}

/* child_first: a parent that used nothing before; its child may start and the parent too. */
static int before(int argc, char **argv)
{
    SOCKET ends[2];
    int status = -1;
    T_NEED(argc > 1);
    pid_t pid = fork();
    T_NEED(pid >= 0);
    t_startup();
    t_pair(argv[1], ends);
    t_transfer(ends, 100000);
    T_NEED(WSACleanup() == 0);
    if (pid > 0) {
        T_NEED(waitpid(pid, &status, 0) == pid && status == 0);
    }
    return 0;
}

static void fork__while_data_flows_on_the_wire__parent_exact_child_refused(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(0, 40, (const char *const[4]){"fork", "10.88.0"});
}

static void fork__while_data_flows_over_dpdk__parent_exact_child_refused(void **state)
{
    (void)state;
    t_conf_ring("");
    (void)t_expect(0, 40, (const char *const[4]){"fork", "10.99.0"});
}

static void fork__with_counters_and_capture__no_descriptor_passes_exec(void **state)
{
    char engine[512];
    char port[512];
    (void)state;
    (void)snprintf(engine, sizeof engine, "counters_signal = USR2\ncounters_at_exit = yes\ncounters_file = %s",
                   t_path("counters"));
    (void)snprintf(port, sizeof port, "wire.capture = %s\nwire.capture_snaplen = 64", t_path("wire.pcap"));
    t_conf_wire(engine, port);
    (void)t_expect(0, 40, (const char *const[4]){"fork", "10.88.0"});
    /* One dump: children that exit write none. */
    const char *dump = t_text(t_path("counters"));
    assert_non_null(dump);
    const char *line = strstr(dump, "engine.loop.parks ");
    assert_non_null(line);
    assert_null(strstr(line + 1, "engine.loop.parks "));
}

static void fork__before_the_first_startup__both_start(void **state)
{
    (void)state;
    t_conf_wire("", "");
    (void)t_expect(0, 30, (const char *const[4]){"before", "10.88.0"});
}

static const struct t_mode modes[] = {{"fork", forks}, {"fds", fds}, {"before", before}, {NULL, NULL}};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork__while_data_flows_on_the_wire__parent_exact_child_refused),
        cmocka_unit_test(fork__while_data_flows_over_dpdk__parent_exact_child_refused),
        cmocka_unit_test(fork__with_counters_and_capture__no_descriptor_passes_exec),
        cmocka_unit_test(fork__before_the_first_startup__both_start),
    };
    return t_life_main(argc, argv, modes, tests, sizeof tests / sizeof tests[0]);
}

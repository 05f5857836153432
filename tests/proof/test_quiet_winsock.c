/*
 * The data path allocates nothing and makes no system call, through the
 * Winsock DLL and the provider: blocking and nonblocking calls, gather,
 * select, overlapped requests that complete at once.
 */
#include "t_watch.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define WARM_ROUNDS 500
#define ROUNDS 3000

struct ends {
    SOCKET tcp[2];
    SOCKET udp[2];
    SOCKADDR_IN addr[2];
    WSAEVENT event;
};

long syscall(long number, ...);

static char bytes_out[16384];
static char bytes_in[16384];
static int skipped;

static void must(int good, const char *what)
{
    if (!good) {
        fail_msg("%s: error %d", what, WSAGetLastError());
    }
}

static SOCKET bound(int type, int end, SOCKADDR_IN *addr)
{
    SOCKET s = socket(AF_INET, type, 0);
    int bytes = sizeof *addr;
    memset(addr, 0, sizeof *addr);
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = inet_addr(end == 0 ? "10.88.0.1" : "10.88.0.2");
    must(s != INVALID_SOCKET, "socket");
    must(bind(s, (struct sockaddr *)addr, sizeof *addr) == 0, "bind");
    must(getsockname(s, (struct sockaddr *)addr, &bytes) == 0, "getsockname");
    return s;
}

static void ends_open(struct ends *ends)
{
    SOCKADDR_IN far;
    SOCKADDR_IN near;
    int on = 1;
    int i;
    SOCKET listener = bound(SOCK_STREAM, 1, &far);
    must(listen(listener, 1) == 0, "listen");
    ends->tcp[0] = bound(SOCK_STREAM, 0, &near);
    must(connect(ends->tcp[0], (struct sockaddr *)&far, sizeof far) == 0, "connect");
    ends->tcp[1] = accept(listener, NULL, NULL);
    must(ends->tcp[1] != INVALID_SOCKET, "accept");
    must(closesocket(listener) == 0, "closesocket");
    for (i = 0; i < 2; i++) {
        must(setsockopt(ends->tcp[i], IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof on) == 0, "TCP_NODELAY");
        ends->udp[i] = bound(SOCK_DGRAM, i, &ends->addr[i]);
    }
    ends->event = WSACreateEvent();
}

static void receive_all(SOCKET s, int size)
{
    int got = 0;
    while (got < size) {
        int n = recv(s, bytes_in + got, (int)sizeof bytes_in - got, 0);
        must(n > 0, "recv");
        got += n;
    }
    must(got == size && memcmp(bytes_in, bytes_out, (size_t)size) == 0, "bytes differ");
}

static void select_readable(SOCKET s)
{
    fd_set set;
    struct timeval limit = {10, 0};
    FD_ZERO(&set);
    FD_SET(s, &set);
    must(select(0, &set, NULL, NULL, &limit) == 1, "select");
}

static void stream_once(struct ends *ends, int from, int size)
{
    WSABUF bufs[2];
    DWORD sent = 0;
    must(send(ends->tcp[from], bytes_out, size, 0) == size, "send");
    receive_all(ends->tcp[1 - from], size);
    bufs[0].buf = bytes_out;
    bufs[0].len = (ULONG)size / 2;
    bufs[1].buf = bytes_out + size / 2;
    bufs[1].len = (ULONG)(size - size / 2);
    must(WSASend(ends->tcp[1 - from], bufs, 2, &sent, 0, NULL, NULL) == 0 && sent == (DWORD)size, "WSASend");
    select_readable(ends->tcp[from]);
    receive_all(ends->tcp[from], size);
}

static void dgram_once(struct ends *ends, int from, int size)
{
    SOCKADDR_IN source;
    int bytes = sizeof source;
    u_long waiting = 0;
    must(sendto(ends->udp[from], bytes_out, size, 0, (struct sockaddr *)&ends->addr[1 - from], sizeof ends->addr[0]) ==
             size,
         "sendto");
    select_readable(ends->udp[1 - from]);
    must(ioctlsocket(ends->udp[1 - from], FIONREAD, &waiting) == 0, "FIONREAD");
    must(recvfrom(ends->udp[1 - from], bytes_in, sizeof bytes_in, 0, (struct sockaddr *)&source, &bytes) == size,
         "recvfrom");
    must(source.sin_port == ends->addr[from].sin_port && memcmp(bytes_in, bytes_out, (size_t)size) == 0, "datagram");
}

static void work(struct ends *ends, int rounds)
{
    static const int stream_sizes[] = {1, 64, 513, 1460, 4000, 16000};
    static const int dgram_sizes[] = {0, 64, 600, 1472, 3000, 9000};
    int i;
    for (i = 0; i < rounds; i++) {
        stream_once(ends, i & 1, stream_sizes[i % 6]);
        dgram_once(ends, i >> 1 & 1, dgram_sizes[i % 6]);
    }
}

/* A receive that waits in the provider: the dispatcher completes it and sets the event. */
static void overlapped_work(struct ends *ends, int rounds)
{
    int i;
    for (i = 0; i < rounds; i++) {
        WSAOVERLAPPED overlapped;
        WSABUF buf;
        DWORD got = 0;
        DWORD flags = 0;
        memset(&overlapped, 0, sizeof overlapped);
        overlapped.hEvent = ends->event;
        buf.buf = bytes_in;
        buf.len = sizeof bytes_in;
        must(WSARecv(ends->tcp[1], &buf, 1, NULL, &flags, &overlapped, NULL) == SOCKET_ERROR &&
                 WSAGetLastError() == WSA_IO_PENDING,
             "WSARecv");
        must(send(ends->tcp[0], bytes_out, 64, 0) == 64, "send");
        must(WSAWaitForMultipleEvents(1, &ends->event, TRUE, 10000, FALSE) == WSA_WAIT_EVENT_0, "wait");
        must(WSAGetOverlappedResult(ends->tcp[1], &overlapped, &got, FALSE, &flags) && got == 64, "result");
        must(WSAResetEvent(ends->event), "WSAResetEvent");
    }
}

static void report_print(const char *what, const struct t_watch_report *report)
{
    print_message("%s: allocations %llu and %llu, system calls %llu (%d) and %llu (%d)\n", what,
                  (unsigned long long)report->allocs_own, (unsigned long long)report->allocs_others,
                  (unsigned long long)report->calls_own, report->call_last_own,
                  (unsigned long long)report->calls_others, report->call_last_others);
}

static void data_path__blocking_calls__quiet(void **state)
{
    struct ends *ends = *state;
    struct t_watch_report report;
    work(ends, WARM_ROUNDS);
    t_watch_begin();
    work(ends, ROUNDS);
    report = t_watch_end();
    report_print("calls", &report);
    skipped = !report.calls_counted;
    assert_int_equal(report.allocs_own, 0);
    assert_int_equal(report.allocs_others, 0);
    assert_int_equal(report.calls_own, 0);
    assert_int_equal(report.calls_others, 0);
}

static void watch__deliberate_faults__seen(void **state)
{
    struct ends *ends = *state;
    struct t_watch_report report;
    void *volatile memory;
    t_watch_begin();
    work(ends, 10);
    memory = malloc(100);
    free(memory);
    (void)syscall(SYS_getppid);
    report = t_watch_end();
    report_print("faults", &report);
    assert_int_equal(report.allocs_own, 2);
    assert_int_equal(report.calls_own, report.calls_counted ? 1 : 0);
}

/* Sleeping and waking are calls; memory is still none. */
static void data_path__overlapped__no_allocation(void **state)
{
    struct ends *ends = *state;
    struct t_watch_report report;
    overlapped_work(ends, WARM_ROUNDS);
    t_watch_begin();
    overlapped_work(ends, 1000);
    report = t_watch_end();
    report_print("overlapped", &report);
    assert_int_equal(report.allocs_own, 0);
    assert_int_equal(report.allocs_others, 0);
}

static int start(void **state)
{
    static struct ends ends;
    WSADATA data;
    size_t i;
    for (i = 0; i < sizeof bytes_out; i++) {
        bytes_out[i] = (char)(i * 7 + (i >> 8));
    }
    if (setenv("WINLANE_CONFIG", T_QUIET_INI, 1) != 0 || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        return -1;
    }
    ends_open(&ends);
    *state = &ends;
    return 0;
}

static int finish(void **state)
{
    struct ends *ends = *state;
    int i;
    for (i = 0; i < 2; i++) {
        (void)closesocket(ends->tcp[i]);
        (void)closesocket(ends->udp[i]);
    }
    (void)WSACloseEvent(ends->event);
    return WSACleanup();
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_path__blocking_calls__quiet),
        cmocka_unit_test(watch__deliberate_faults__seen),
        cmocka_unit_test(data_path__overlapped__no_allocation),
    };
    const int failed = cmocka_run_group_tests(tests, start, finish);
    return failed != 0 ? 1 : skipped ? 77 : 0;
}

int main(void)
{
    return t_watch_main(run);
}

/*
 * What an idle program costs: processor time of the whole process over a time in which it does nothing but wait, with a
 * listener, a connection and a thread blocked in recv. Standard Winsock.
 *
 *   e2e_idle --at ADDR:PORT [--from ADDR] [--ms 1000]
 *
 * Prints "cpu_us" and "wall_us". Then a byte wakes the receiver, which shows that it was still served.
 */
#include "prog.h"

#include <windows.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 300

static SOCKET receiver;

static DWORD WINAPI receive(LPVOID result)
{
    char byte = 0;

    *(int *)result = recv(receiver, &byte, 1, 0) == 1 && byte == 'x' ? 0 : bench_fail("e2e_idle", "recv");
    return 0;
}

static uint64_t cpu_us(void)
{
    FILETIME made;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;

    if (!GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user)) {
        (void)fprintf(stderr, "e2e_idle: GetProcessTimes: %lu\n", GetLastError());
        exit(1);
    }
    return (((uint64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime) +
            ((uint64_t)user.dwHighDateTime << 32 | user.dwLowDateTime)) /
           10;
}

static int idle_measure(SOCKET s, uint64_t ms)
{
    int result = 1;
    HANDLE thread = CreateThread(NULL, 0, receive, &result, 0, NULL);
    uint64_t cpu;
    uint64_t wall;

    if (thread == NULL) {
        return 1;
    }
    Sleep(SETTLE_MS);
    cpu = cpu_us();
    wall = bench_now_ns();
    Sleep((DWORD)ms);
    cpu = cpu_us() - cpu;
    wall = bench_now_ns() - wall;
    (void)printf("cpu_us %" PRIu64 "\nwall_us %" PRIu64 "\n", cpu, wall / 1000);
    if (send(s, "x", 1, 0) != 1) {
        return bench_fail("e2e_idle", "send");
    }
    if (WaitForSingleObject(thread, 10000) != WAIT_OBJECT_0) {
        (void)fprintf(stderr, "e2e_idle: the receiver was not woken\n");
        return 1;
    }
    return result;
}

int main(int argc, char **argv)
{
    const char *at = NULL;
    const char *from = NULL;
    uint64_t ms = 1000;
    const struct bench_opt opts[] = {
        {"at", &at, NULL, 0, 0},
        {"from", &from, NULL, 0, 0},
        {"ms", NULL, &ms, 1, 60000},
    };
    SOCKET listener;
    SOCKET s;
    int status = 1;

    if (bench_opts_parse(argc, argv, opts, sizeof(opts) / sizeof(opts[0])) != 0 || bench_start("e2e_idle") != 0) {
        return 2;
    }
    listener = bench_listen(at, 0);
    s = listener == INVALID_SOCKET ? INVALID_SOCKET : bench_connect(at, from, 0);
    receiver = s == INVALID_SOCKET ? INVALID_SOCKET : bench_accept(listener);
    if (receiver != INVALID_SOCKET) {
        status = idle_measure(s, ms);
    }
    (void)closesocket(receiver);
    (void)closesocket(s);
    (void)closesocket(listener);
    return WSACleanup() != 0 ? bench_fail("e2e_idle", "WSACleanup") : status;
}

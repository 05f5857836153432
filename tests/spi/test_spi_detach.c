/**
 * @file
 * Calls from a DLL that Windows detaches at the end of the process, one
 * detached before the engine's DLL or behind it: the engine's thread is dead,
 * whoever held a lock is too, and no call may wait for either.
 */
#include "t_host.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DONE 7
#define NOT_CALLED 8
#define CHILD_MS 30000
#define CALL_MS 5000

static struct t_pair pair;
static SOCKET listener;
static const char *call;

static void call_make(void)
{
    static const char block[4096];
    char few[4];
    SOCKET s;

    if (strcmp(call, "recv") == 0)
        (void)t_recv(pair.a, few, sizeof few);
    else if (strcmp(call, "send") == 0)
        for (int i = 0; i < 1000 && t_send(pair.a, block, sizeof block) > 0; i++)
            ;
    else if (strcmp(call, "select") == 0)
        (void)t_spi.lpWSPSelect(0, &(fd_set){.fd_count = 1, .fd_array = {pair.a}}, NULL, NULL, NULL, &t_err);
    else if (strcmp(call, "accept") == 0)
        (void)t_spi.lpWSPAccept(listener, NULL, NULL, NULL, 0, &t_err);
    else if (strcmp(call, "shutdown") == 0)
        (void)t_spi.lpWSPShutdown(pair.a, SD_SEND, &t_err);
    else if (strcmp(call, "option") == 0)
        (void)t_spi.lpWSPSetSockOpt(pair.a, IPPROTO_TCP, TCP_NODELAY, (char *)&(int){1}, sizeof(int), &t_err);
    else if (strcmp(call, "close") == 0)
        (void)t_spi.lpWSPCloseSocket(pair.a, &t_err);
    else if (strcmp(call, "cleanup") == 0)
        (void)t_spi.lpWSPCleanup(&t_err);
    else if (strcmp(call, "socket") == 0) {
        s = t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err);
        if (s != INVALID_SOCKET)
            (void)t_spi.lpWSPConnect(s, t_addr(AF_INET, 9), 16, NULL, NULL, NULL, NULL, &t_err);
    }
}

/* The process's status says that this came to its end. */
static void detached(void)
{
    uint64_t before = t_now_ms();

    call_make();
    (void)TerminateProcess(GetCurrentProcess(), t_now_ms() - before < CALL_MS ? DONE : 1);
}

static void *blocked(void *arg)
{
    char byte;

    (void)t_recv(*(SOCKET *)arg, &byte, 1);
    return NULL;
}

static void detach_load(void)
{
    HMODULE module = LoadLibraryA("t_detach.dll");
    void (*set)(void (*)(void));

    if (!module)
        _Exit(90);
    set = (void (*)(void (*)(void)))(void (*)(void))GetProcAddress(module, "t_detach_set");
    set(detached);
}

/* @param how  "before-CALL": the DLL is loaded before the provider, hence detached behind it; "behind-CALL". */
static void child(char *how)
{
    struct t_task thread;
    WSAOVERLAPPED ov = {0};
    char byte;
    WSABUF buf = {1, &byte};
    DWORD got, flags = 0;
    void *none = NULL;
    bool before = strncmp(how, "before-", 7) == 0;

    call = how + 7;
    if (before)
        detach_load();
    if (t_host_start(&none) != 0)
        _Exit(91);
    pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    listener = t_listener(AF_INET);
    if (!before)
        detach_load();
    /* The dispatcher runs, and a thread stays in a call. */
    (void)t_spi.lpWSPRecv(pair.b, &buf, 1, &got, &flags, &ov, NULL, NULL, &t_err);
    t_task_start(&thread, blocked, &pair.a);
    t_sleep_ms(30);
    ExitProcess(NOT_CALLED);
}

static void detach__calls_at_the_end_of_the_process__none_hangs(void **state)
{
    static const char *const orders[] = {"before", "behind"};
    static const char *const calls[] = {"recv",   "send",  "select",  "accept", "shutdown",
                                        "option", "close", "cleanup", "socket"};
    unsigned wrong = 0;

    (void)state;
    for (size_t order = 0; order < sizeof orders / sizeof orders[0]; order++)
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            char arg[32];
            int status;

            (void)snprintf(arg, sizeof arg, "%s-%s", orders[order], calls[i]);
            status = t_child_run(arg, CHILD_MS);
            if (status != DONE) {
                print_error("%s: status %d\n", arg, status);
                wrong++;
            }
        }
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detach__calls_at_the_end_of_the_process__none_hangs),
    };

    if (argc == 2)
        child(argv[1]);
    return cmocka_run_group_tests_name("spi_detach", tests, NULL, NULL);
}

/**
 * @file
 * What concerns winlane.dll as a DLL: it stays loaded, its engine may be
 * missing, and ws2_32 may load it from within another DLL's initialisation.
 *
 * Source: rules START-12, the design's life and death.
 */
#include "t_host.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHILD_OK 7
#define CHILD_MS 60000

static const char short_start[] = "[engine]\n"
                                  "start_timeout = 1s\n"
                                  "[port a]\n"
                                  "driver = wire\n"
                                  "wire.link = spi\n"
                                  "address = 10.9.0.1/24\n"
                                  "[port b]\n"
                                  "driver = wire\n"
                                  "wire.link = spi\n"
                                  "address = 10.9.1.1/24\n";

static void dll_path(char *out, size_t size, const char *relative)
{
    char self[MAX_PATH], *name;

    assert_true(GetModuleFileNameA(NULL, self, sizeof self) != 0);
    name = strrchr(self, '\\');
    assert_non_null(name);
    *name = 0;
    assert_true(snprintf(out, size, "%s\\%s", self, relative) < (int)size);
}

static void dll__freed_by_its_host__stays_loaded(void **state)
{
    SOCKET s;

    assert_int_equal(t_host_start(state), 0);
    s = t_bound(AF_INET, SOCK_DGRAM);
    t_close(s);
    assert_int_equal(t_host_stop(state), 0);
    for (int i = 0; i < 3; i++)
        (void)FreeLibrary(GetModuleHandleA("winlane.dll"));
    assert_non_null(GetModuleHandleA("winlane.dll"));
    assert_non_null(GetModuleHandleA("winlane-stack.dll"));
    assert_int_equal(t_host_start(state), 0);
    t_close(t_bound(AF_INET, SOCK_STREAM));
    assert_int_equal(t_host_stop(state), 0);
}

/* A copy of the DLL in a folder of its own. */
static int child_without_engine(void)
{
    char from[MAX_PATH], folder[MAX_PATH], to[MAX_PATH + 16];
    WSPUPCALLTABLE upcalls = t_host_upcalls();
    WSPPROC_TABLE table;
    LPWSPSTARTUP start;
    WSPDATA data;
    HMODULE module;
    INT err = 0;
    int result = 1;

    dll_path(from, sizeof from, "..\\lib\\winlane.dll");
    if (GetTempPathA(sizeof folder, folder) == 0)
        return 2;
    (void)snprintf(to, sizeof to, "%swl%lu", folder, GetCurrentProcessId());
    (void)CreateDirectoryA(to, NULL);
    (void)snprintf(to, sizeof to, "%swl%lu\\winlane.dll", folder, GetCurrentProcessId());
    t_env_set("WINLANE_CONFIG", t_file_make(short_start));
    if (!CopyFileA(from, to, FALSE) || !(module = LoadLibraryA(to)))
        return 3;
    start = (LPWSPSTARTUP)(void (*)(void))GetProcAddress(module, "WSPStartup");
    if (start && start(MAKEWORD(2, 2), &data, t_info(AF_INET, SOCK_STREAM), upcalls, &table) == 0 &&
        table.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, t_info(AF_INET, SOCK_STREAM), 0, 0, &err) ==
            INVALID_SOCKET &&
        err == WSAENETDOWN && table.lpWSPCleanup(&err) == 0)
        result = CHILD_OK;
    /* A DLL that is loaded cannot be deleted: what is left goes when the system cleans up. */
    (void)MoveFileExA(to, NULL, MOVEFILE_DELAY_UNTIL_REBOOT);
    return result;
}

static INT under_lock_err;
static int under_lock_start;

/* On a thread that begins: the engine's own thread cannot begin before this one has. */
static void under_the_lock(void)
{
    void *none = NULL;
    SOCKET s;

    under_lock_start = t_host_start(&none);
    s = t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, t_info(AF_INET, SOCK_STREAM), 0, 0, &under_lock_err);
    if (s != INVALID_SOCKET)
        under_lock_err = -1;
}

static void *nothing(void *arg)
{
    return arg;
}

static int child_under_the_lock(void)
{
    HMODULE module = LoadLibraryA("t_detach.dll");
    void (*set)(void (*)(void));
    struct t_task thread;
    uint64_t before;
    SOCKET s = INVALID_SOCKET;

    if (!module)
        return 2;
    /* Loaded before, as ws2_32 does it: what is looked at is the start. */
    t_env_set("T_SPI_CONFIG", t_file_make(short_start));
    if (t_provider_start(MAKEWORD(1, 0), NULL, NULL, t_host_upcalls(), NULL) == 0)
        return 3;
    set = (void (*)(void (*)(void)))(void (*)(void))GetProcAddress(module, "t_attach_set");
    set(under_the_lock);
    before = t_now_ms();
    t_task_start(&thread, nothing, NULL);
    t_task_join(&thread);
    if (under_lock_start != 0 || under_lock_err != WSAENETDOWN || t_now_ms() - before > 15000)
        return 4;
    /* The start went on as soon as it could. */
    for (int i = 0; i < 100 && s == INVALID_SOCKET; i++) {
        s = t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, t_info(AF_INET, SOCK_STREAM), 0, 0, &t_err);
        t_sleep_ms(20);
    }
    return s != INVALID_SOCKET && t_spi.lpWSPCleanup(&t_err) == 0 ? CHILD_OK : 5;
}

static struct t_pair cleanup_pair;
static WSAOVERLAPPED cleanup_ov;
static bool cleanup_posts;
static int cleanup_result = -1;

static void cleanup_post(void)
{
    static char byte;
    WSABUF buf = {1, &byte};
    DWORD got, flags = 0;

    (void)t_spi.lpWSPRecv(cleanup_pair.a, &buf, 1, &got, &flags, &cleanup_ov, NULL, NULL, &t_err);
    if (cleanup_ov.Internal != WSS_OPERATION_IN_PROGRESS)
        _Exit(3);
}

static void cleanup_under_the_lock(void)
{
    if (cleanup_posts)
        cleanup_post();
    cleanup_result = t_spi.lpWSPCleanup(&t_err);
}

/*
 * The dispatcher runs, and its thread cannot end before the lock is free; or it is started under the lock, and cannot
 * begin before.
 */
static int child_cleanup_under_the_lock(bool posts)
{
    HMODULE module = LoadLibraryA("t_detach.dll");
    void (*set)(void (*)(void));
    struct t_task thread;
    void *none = NULL;

    if (!module || t_host_start(&none) != 0)
        return 2;
    cleanup_pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    cleanup_posts = posts;
    if (!posts)
        cleanup_post();
    t_sleep_ms(50);
    set = (void (*)(void (*)(void)))(void (*)(void))GetProcAddress(module, "t_attach_set");
    set(cleanup_under_the_lock);
    t_task_start(&thread, nothing, NULL);
    t_task_join(&thread);
    if (cleanup_result != 0 || cleanup_ov.OffsetHigh != WSA_OPERATION_ABORTED)
        return 4;
    return t_host_start(&none) == 0 && t_spi.lpWSPCleanup(&t_err) == 0 ? CHILD_OK : 5;
}

static void dll__engine_missing__first_socket_is_netdown(void **state)
{
    (void)state;
    assert_int_equal(t_child_run("alone", CHILD_MS), CHILD_OK);
}

static void dll__started_under_the_loaders_lock__ends_in_time_and_works_later(void **state)
{
    (void)state;
    assert_int_equal(t_child_run("locked", CHILD_MS), CHILD_OK);
}

static void dll__cleaned_up_under_the_loaders_lock__ends(void **state)
{
    (void)state;
    assert_int_equal(t_child_run("cleanup", CHILD_MS), CHILD_OK);
    assert_int_equal(t_child_run("post", CHILD_MS), CHILD_OK);
}

static int child(const char *what)
{
    if (strcmp(what, "alone") == 0)
        return child_without_engine();
    return strcmp(what, "locked") == 0 ? child_under_the_lock()
                                       : child_cleanup_under_the_lock(strcmp(what, "post") == 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dll__freed_by_its_host__stays_loaded),
        cmocka_unit_test(dll__engine_missing__first_socket_is_netdown),
        cmocka_unit_test(dll__started_under_the_loaders_lock__ends_in_time_and_works_later),
        cmocka_unit_test(dll__cleaned_up_under_the_loaders_lock__ends),
    };

    if (argc == 2)
        return child(argv[1]);
    return cmocka_run_group_tests_name("spi_dll", tests, NULL, NULL);
}

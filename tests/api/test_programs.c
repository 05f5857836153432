/*
 * The documentation's client and server, as two threads of one process: over the fake provider, or with an argument,
 * the server's address, over Winlane itself. The programs are compiled unchanged but for the name of main.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdlib.h>

static char name[] = "program";
static char loopback[] = "127.0.0.1";
static char *host = loopback;
static char port[] = "27015";

static DWORD WINAPI serve(LPVOID unused)
{
    char *argv[] = {name, port, NULL};
    (void)unused;
    return (DWORD)echo_server_main(2, argv);
}

static void client_and_server__echo__both_succeed(void **state)
{
    char *argv[] = {name, host, port, NULL};
    HANDLE server = CreateThread(NULL, 0, serve, NULL, 0, NULL);
    DWORD code = 99;
    int tries;
    int result = 1;
    (void)state;
    for (tries = 0; tries < 200 && result != 0; tries++) {
        Sleep(10); /* until the server listens */
        result = echo_client_main(3, argv);
    }
    assert_int_equal(result, 0);
    assert_int_equal(WaitForSingleObject(server, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(server, &code));
    assert_int_equal(code, 0);
    CloseHandle(server);
}

static void client__no_server__fails(void **state)
{
    char *argv[] = {name, host, port, NULL};
    (void)state;
    assert_int_equal(echo_client_main(3, argv), 1);
    assert_int_equal(echo_client_main(1, argv), 1);
}

static DWORD WINAPI serve_multi(LPVOID transport)
{
    static char multi_port[] = "27016";
    static char count[] = "2";
    char *argv[] = {name, multi_port, (char *)transport, count, NULL};
    return (DWORD)multi_server_main(4, argv);
}

static void multi_with(char *transport)
{
    static char multi_port[] = "27016";
    static char six[] = "::1";
    static char four[] = "127.0.0.1";
    char *argv[] = {name, six, multi_port, transport, NULL};
    HANDLE server = CreateThread(NULL, 0, serve_multi, transport, 0, NULL);
    DWORD code = 99;
    int tries;
    int result = 1;
    for (tries = 0; tries < 100 && result != 0; tries++) {
        Sleep(20); /* until the server listens */
        result = multi_client_main(4, argv);
    }
    assert_int_equal(result, 0);
    argv[1] = four;
    assert_int_equal(multi_client_main(4, argv), 0);
    assert_int_equal(WaitForSingleObject(server, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(server, &code));
    assert_int_equal(code, 0);
    CloseHandle(server);
}

static void multi__stream_each_family__echoed(void **state)
{
    static char transport[] = "TCP";
    (void)state;
    multi_with(transport);
}

static void multi__datagram_each_family__echoed(void **state)
{
    static char transport[] = "udp";
    (void)state;
    multi_with(transport);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_and_server__echo__both_succeed),
        cmocka_unit_test(client__no_server__fails),
    };
    const struct CMUnitTest families[] = {
        cmocka_unit_test(multi__stream_each_family__echoed),
        cmocka_unit_test(multi__datagram_each_family__echoed),
    };
    int failed;
    if (argc > 1) {
        host = argv[1];
    }
    failed = cmocka_run_group_tests(tests, argc > 1 ? t_api_use_winlane : t_api_use_fake, NULL);
    /* The fake provider has one family, where the two wildcard sockets of the server collide. */
    return argc > 1 ? failed + cmocka_run_group_tests(families, t_api_use_winlane, NULL) : failed;
}

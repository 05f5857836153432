/*
 * programs/recycling_server.c against itself over a wire that loses frames: server and load are threads of one process. The
 * argument is the number of connections. Against a kernel: tests/net.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdio.h>

#define SERVER_WAIT_MS 60000

static char connections[16] = "10000";

static DWORD WINAPI serve(LPVOID unused)
{
    static char words[][8] = {"server", "serve", "5401", "100", "3"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    (void)unused;
    return (DWORD)recycling_server_main(5, argv);
}

static void recycling__connections_through_100_sockets__all_are_served(void **state)
{
    static char words[][12] = {"load", "load",      "10.88.0.2",  "5401",       "8",         "3",
                               "32",   "10.88.0.1", "10.88.0.11", "10.88.0.12", "10.88.0.13"};
    char *argv[] = {words[0], words[1], words[2], words[3], connections, words[4], words[5],
                    words[6], words[7], words[8], words[9], words[10],   NULL};
    HANDLE server = CreateThread(NULL, 0, serve, NULL, 0, NULL);
    DWORD code = 99;
    (void)state;
    assert_non_null(server);
    Sleep(200); /* until it listens */
    assert_int_equal(recycling_server_main(12, argv), 0);
    assert_int_equal(WaitForSingleObject(server, SERVER_WAIT_MS), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(server, &code));
    assert_int_equal(code, 0);
    CloseHandle(server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recycling__connections_through_100_sockets__all_are_served),
    };
    if (argc > 1) {
        (void)snprintf(connections, sizeof(connections), "%s", argv[1]);
    }
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

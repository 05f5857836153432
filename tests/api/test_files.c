/*
 * The server of files and its client (programs/file_server.c, file_client.c), as two threads of one process, over a link in memory
 * that loses frames. Words on the command line, "REQUESTS THREADS BYTES CONTENT", make it longer: api_files_long.
 * Source: rules-ext.md section 19 E; rules TF-1 to TF-20, TP-1, TP-2.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdio.h>
#include <stdlib.h>

static char path[MAX_PATH];
static char words[4][16] = {"600", "200", "200000", "8000000"};

static DWORD WINAPI serve(LPVOID requests)
{
    char port[] = "7301", address[] = "10.88.0.2", sockets[] = "220", name[] = "file_server";
    char *argv[] = {name, address, port, path, (char *)requests, sockets, NULL};
    return (DWORD)file_server_main(6, argv);
}

static void files__many_clients_on_a_lossy_link__equal_digests(void **state)
{
    char port[] = "7301", address[] = "10.88.0.2", name[] = "file_client", make[] = "make";
    char *make_argv[] = {name, make, path, words[3], NULL};
    char *argv[] = {name, address, port, path, words[0], words[1], words[2], NULL};
    char folder[MAX_PATH];
    HANDLE server;
    DWORD code = 99;
    int result;

    (void)state;
    assert_true(GetTempPathA(sizeof folder, folder) != 0);
    assert_true(GetTempFileNameA(folder, "wlf", 0, path) != 0);
    assert_int_equal(file_client_main(4, make_argv), 0);
    server = CreateThread(NULL, 0, serve, words[0], 0, NULL);
    assert_non_null(server);
    result = file_client_main(7, argv);
    assert_int_equal(result, 0);
    assert_int_equal(WaitForSingleObject(server, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(server, &code));
    assert_int_equal(code, 0);
    CloseHandle(server);
    assert_true(DeleteFileA(path));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files__many_clients_on_a_lossy_link__equal_digests),
    };

    for (int i = 1; i < argc && i <= 4; i++)
        (void)snprintf(words[i - 1], sizeof words[0], "%s", argv[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

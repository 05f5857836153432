/*
 * fork: the child's Winsock is not initialised, the parent's is unharmed. Over the fake provider, or with an argument over
 * Winlane itself.
 */
#include "t_api.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_result(SOCKET s)
{
    char byte = 0;
    WSADATA data;
    if (send(s, &byte, 1, 0) != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 1;
    }
    if (closesocket(s) != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 2;
    }
    if (WSACleanup() != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 3;
    }
    return WSAStartup(MAKEWORD(2, 2), &data) == WSASYSNOTREADY ? 0 : 4;
}

static void fork__live_sockets__child_not_initialised_parent_unharmed(void **state)
{
    SOCKET ends[2];
    char byte = 'x';
    int status = 0;
    pid_t child;
    (void)state;
    t_api_pair(ends);
    child = fork();
    if (child == 0) {
        exit(child_result(ends[0])); /* with exit handlers: they must not touch what is the parent's */
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(send(ends[0], &byte, 1, 0), 1);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fork__live_sockets__child_not_initialised_parent_unharmed, t_api_start,
                                        t_api_stop),
    };
    (void)argv;
    return cmocka_run_group_tests(tests, argc > 1 ? t_api_use_winlane : t_api_use_fake, NULL);
}

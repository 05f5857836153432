/** @file What a child has of its parent's provider after fork: nothing. */
#include "t_host.h"

#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* <sys/wait.h> is free of names that Winsock redefines. */
#include <sys/wait.h>

static int child_status(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void fork__child_with_live_sockets__is_not_initialised(void **state)
{
    struct t_pair pair;
    WSPDATA data;
    char buf[4];
    pid_t pid;

    assert_int_equal(t_host_start(state), 0);
    pair = t_pair_make(AF_INET, 0);
    pid = fork();
    if (pid == 0) {
        int bad = 0;

        t_err = 0;
        bad |= (t_send(pair.a, "x", 1) != SOCKET_ERROR || t_err != WSANOTINITIALISED) << 0;
        t_err = 0;
        bad |= (t_spi.lpWSPCloseSocket(pair.a, &t_err) != SOCKET_ERROR || t_err != WSANOTINITIALISED) << 1;
        t_err = 0;
        bad |= (t_spi.lpWSPCleanup(&t_err) != SOCKET_ERROR || t_err != WSANOTINITIALISED) << 2;
        bad |= (t_provider_start(MAKEWORD(2, 2), &data, t_info(AF_INET, SOCK_STREAM), t_host_upcalls(), &t_spi) !=
                WSASYSNOTREADY)
               << 3;
        exit(bad); /* with the exit handlers: they must leave the parent's things alone */
    }
    assert_int_equal(child_status(pid), 0);
    assert_int_equal(t_send(pair.a, "abc", 3), 3);
    assert_int_equal(t_recv(pair.b, buf, sizeof buf), 3);
    t_pair_close(&pair);
    assert_int_equal(t_host_stop(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork__child_with_live_sockets__is_not_initialised),
    };

    return cmocka_run_group_tests_name("spi_fork", tests, NULL, NULL);
}

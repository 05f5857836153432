/* Attaching to the real engine and leaving it: two instances over the wire in memory. */
#include "t_os.h"
#include "t_stress.h"

#include "stack/api.h"
#include "stack/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND ((int64_t)1000000000)

static const char *t_program;

static const char t_text[] = "[engine]\n"
                             "sockets_max = 256\n"
                             "buffer_memory = 16MiB\n"
                             "[port west]\n"
                             "driver = wire\n"
                             "wire.link = life\n"
                             "instance = 0\n"
                             "mac = 02:00:00:00:77:01\n"
                             "address = 10.77.0.1/24\n"
                             "[port east]\n"
                             "driver = wire\n"
                             "wire.link = life\n"
                             "instance = 1\n"
                             "mac = 02:00:00:00:77:02\n"
                             "address = 10.77.0.2/24\n";

static const struct stk_addr t_east = {.family = STK_AF_INET, .port = 7777, .ip = {10, 77, 0, 2}};

static struct stk_config *t_config(void)
{
    struct stk_config *config = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    if (stk_config_parse(t_text, "life.ini", &config, error, sizeof(error)) != STK_OK) {
        (void)fprintf(stderr, "%s\n", error);
        abort();
    }
    return config;
}

/* Calls that must succeed, in a child program too. */
static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "failed: %s\n", what);
        abort();
    }
}

static struct stk_client *t_attach(void)
{
    struct stk_config *config = t_config();
    struct stk_client *client = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    int result = stk_client_attach(config, &client, error, sizeof(error));
    must(result == STK_OK && client != NULL, error);
    stk_config_free(config);
    return client;
}

static void t_ready(struct stk_client *client, struct stk_sock *sock, uint32_t wanted)
{
    struct stk_wait_item item = {.sock = sock, .wanted = wanted};
    must(stk_wait(client, &item, 1, 20 * SECOND, NULL) == 1, "wait");
}

/* A connection from west to east, both ends here. */
static void t_connect(struct stk_client *client, struct stk_sock **near, struct stk_sock **far)
{
    struct stk_sock *listener = NULL;
    must(stk_sock_open(client, STK_AF_INET, STK_SOCK_STREAM, 0, 1, &listener) == STK_OK, "open");
    must(stk_sock_bind(listener, &t_east) == STK_OK, "bind");
    must(stk_sock_listen(listener, 5) == STK_OK, "listen");
    must(stk_sock_open(client, STK_AF_INET, STK_SOCK_STREAM, 0, 2, near) == STK_OK, "open");
    struct stk_addr west = {.family = STK_AF_INET, .ip = {10, 77, 0, 1}};
    must(stk_sock_bind(*near, &west) == STK_OK, "bind west");
    int32_t on = 1; /* or the last short segment waits for a delayed acknowledgement */
    must(stk_sock_opt_set(*near, STK_OPT_NODELAY, &on, sizeof(on)) == STK_OK, "nodelay");
    must(stk_sock_connect(*near, &t_east) == STK_EINPROGRESS, "connect");
    t_ready(client, listener, STK_READY_ACCEPT);
    must(stk_sock_accept(listener, 3, far, NULL) == STK_OK, "accept");
    t_ready(client, *near, STK_READY_CONN);
    must(stk_sock_close(listener, STK_CLOSE_GRACEFUL) == STK_OK, "close listener");
}

static void t_transfer(struct stk_client *client, struct stk_sock *near, struct stk_sock *far, uint32_t bytes)
{
    static uint8_t out[10000];
    static uint8_t in[10000];
    uint32_t sent = 0;
    uint32_t got = 0;
    while (got < bytes) {
        for (uint32_t i = 0; i < sizeof(out); i++) {
            out[i] = (uint8_t)((sent + i) * 11 + (sent + i) / 509);
        }
        struct stk_iov iov = {.base = out, .len = bytes - sent < sizeof(out) ? bytes - sent : sizeof(out)};
        int64_t done = iov.len > 0 ? stk_sock_send(near, &iov, 1) : 0;
        must(done >= 0 || done == STK_EAGAIN, "send");
        sent += done > 0 ? (uint32_t)done : 0;
        iov = (struct stk_iov){.base = in, .len = sizeof(in)};
        done = stk_sock_recv(far, &iov, 1, 0);
        must(done > 0 || done == STK_EAGAIN, "recv");
        for (int64_t i = 0; i < done; i++) {
            must(in[i] == (uint8_t)((got + (uint32_t)i) * 11 + (got + (uint32_t)i) / 509), "byte");
        }
        got += done > 0 ? (uint32_t)done : 0;
        if (done == STK_EAGAIN) {
            t_ready(client, far, STK_READY_IN);
        }
        t_progress();
    }
}

/* --- Rounds ------------------------------------------------------------------------ */

static void attach__first_start_timed_out__later_one_gets_it(void **state)
{
    (void)state;
    struct stk_config *config = t_config();
    struct stk_client *client = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    config->engine.start_timeout_ms = 0;
    int result = stk_client_attach(config, &client, error, sizeof(error));
    if (result != STK_OK) { /* it may be quicker than the look */
        assert_int_equal(result, STK_ENETDOWN);
        assert_null(client);
        assert_non_null(strstr(error, "start_timeout_ms"));
        client = t_attach();
    }
    stk_config_free(config);
    assert_int_equal(stk_client_alive(client), STK_OK);
    stk_client_detach(client, 0);
}

static void attach__hundred_rounds__everything_comes_back(void **state)
{
    (void)state;
    struct stk_client *first = NULL;
    for (int round = 0; round < 100; round++) {
        struct stk_sock *near = NULL;
        struct stk_sock *far = NULL;
        struct stk_client *client = t_attach();
        assert_true(first == NULL || client == first);
        first = client;
        t_connect(client, &near, &far);
        t_transfer(client, near, far, 20000);
        if (round % 2 == 0) { /* otherwise the detach resets them */
            assert_int_equal(stk_sock_close(near, STK_CLOSE_GRACEFUL), STK_OK);
            assert_int_equal(stk_sock_close(far, STK_CLOSE_GRACEFUL), STK_OK);
        }
        stk_client_detach(client, 2000);
        assert_int_equal(stk_client_alive(client), STK_ENETDOWN); /* parked */
    }
}

static void attach__twice__ends_with_the_second_detach(void **state)
{
    (void)state;
    struct stk_client *client = t_attach();
    struct stk_sock *sock = NULL;
    assert_ptr_equal(t_attach(), client);
    stk_client_detach(client, 0);
    assert_int_equal(stk_client_alive(client), STK_OK);
    assert_int_equal(stk_sock_open(client, STK_AF_INET, STK_SOCK_DGRAM, 0, 0, &sock), STK_OK);
    stk_client_detach(client, 0);
    assert_int_equal(stk_client_alive(client), STK_ENETDOWN);
    assert_int_equal(stk_sock_open(client, STK_AF_INET, STK_SOCK_DGRAM, 0, 0, &sock), STK_ENETDOWN);
}

static void attach__bad_arguments__einval(void **state)
{
    (void)state;
    struct stk_client *client = NULL;
    assert_int_equal(stk_client_attach(NULL, &client, NULL, 0), STK_EINVAL);
    assert_null(client);
    struct stk_config *config = t_config();
    assert_int_equal(stk_client_attach(config, NULL, NULL, 0), STK_EINVAL);
    stk_config_free(config);
    stk_client_detach(NULL, 0);
}

/* --- Ends of the process ---------------------------------------------------------------- */

static void *exit_main(void *arg)
{
    usleep(50000);
    exit(arg == NULL ? 0 : 1);
}

static int forked_main(void *arg)
{
    exit(stk_client_alive(arg) == STK_EFORKED ? 0 : 1); /* its handlers at exit touch nothing */
}

/* What the child programs do; the process ends without a detach. */
static int ending(const char *how)
{
    struct stk_sock *near = NULL;
    struct stk_sock *far = NULL;
    if (strcmp(how, "refused") == 0) {
        struct stk_config *config = t_config();
        struct stk_client *none = NULL;
        char error[STK_CONF_ERROR_SIZE] = "";
        (void)snprintf(config->ports[1].driver, sizeof(config->ports[1].driver), "nonesuch");
        int result = stk_client_attach(config, &none, error, sizeof(error));
        must(result < 0 && none == NULL && error[0] != '\0', "refusal in words");
        stk_config_free(config);
        stk_client_detach(t_attach(), 0); /* the next one is not harmed */
        return 0;
    }
    struct stk_client *client = t_attach();
    t_connect(client, &near, &far);
    t_transfer(client, near, far, 1 << 20);
    if (strcmp(how, "closed") == 0) {
        char byte = 'x';
        struct stk_iov iov = {.base = &byte, .len = 1};
        must(stk_sock_send(near, &iov, 1) == 1, "send");
        must(stk_sock_close(near, STK_CLOSE_GRACEFUL) == STK_OK, "close");
        return 0; /* right after the close */
    }
    if (strcmp(how, "waiting") == 0) {
        struct stk_wait_item item = {.sock = near, .wanted = STK_READY_IN};
        (void)t_thread(exit_main, NULL);
        (void)stk_wait(client, &item, 1, -1, NULL); /* another thread ends the process meanwhile */
        sleep(60);
        return 2;
    }
    if (strcmp(how, "forked") == 0) {
        must(t_fork_run(forked_main, client) == 0, "the forked child");
        t_transfer(client, near, far, 50000);
    }
    return 0;
}

static void process__ends_without_detach__soon_and_clean(void **state)
{
    (void)state;
    static const char *const ways[] = {"open", "closed", "waiting", "forked", "refused"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(ways[i], "forked") == 0 && !t_fork_there()) {
            print_message("%s: left out, no fork here\n", ways[i]);
            continue;
        }
        print_message("%s\n", ways[i]);
        uint64_t before = stk_clock_ns();
        struct t_ended ended = t_run(t_program, ways[i], NULL);
        assert_int_equal(ended.how, T_END_EXIT);
        assert_int_equal(ended.status, 0);
        assert_true(stk_clock_ns() - before < 10 * UINT64_C(1000000000));
        t_progress();
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attach__bad_arguments__einval),
        cmocka_unit_test(attach__first_start_timed_out__later_one_gets_it),
        cmocka_unit_test(attach__hundred_rounds__everything_comes_back),
        cmocka_unit_test(attach__twice__ends_with_the_second_detach),
        cmocka_unit_test(process__ends_without_detach__soon_and_clean),
    };
    t_program = argv[0];
    if (argc > 1) {
        return ending(argv[1]);
    }
    t_watch("test_client_life", 60);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    t_watch_end();
    return result;
}

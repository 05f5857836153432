/*
 * The documentation's sample programs, written as plain Winsock programs (programs/), each run over the whole line. A
 * server and its client are two threads of one process; they are compiled unchanged but for the name of main.
 * test_programs.c has the first four.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdio.h>
#include <string.h>

typedef int (*sample_main)(int argc, char **argv);

#define WORDS_MAX 10

/* A program and its words, separated by blanks. */
struct sample {
    sample_main run;
    char line[120];
};

static int sample_run(struct sample *sample)
{
    static char name[] = "sample";
    char *argv[WORDS_MAX + 1] = {name};
    int argc = 1;
    char *at = sample->line;

    while (*at != 0 && argc < WORDS_MAX) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at != 0) {
            *at++ = 0;
        }
    }
    return sample->run(argc, argv);
}

static struct sample sample_of(sample_main run, const char *line)
{
    struct sample sample = {run, ""};
    assert_true(strlen(line) < sizeof(sample.line));
    (void)snprintf(sample.line, sizeof(sample.line), "%s", line);
    return sample;
}

static int run(sample_main program, const char *line)
{
    struct sample sample = sample_of(program, line);
    return sample_run(&sample);
}

static DWORD WINAPI serve(LPVOID sample)
{
    return (DWORD)sample_run(sample);
}

/* The client is tried until the server listens; both have to succeed. */
static void pair(sample_main server_main, const char *server_line, sample_main client, const char *client_line)
{
    struct sample server = sample_of(server_main, server_line);
    HANDLE thread = CreateThread(NULL, 0, serve, &server, 0, NULL);
    DWORD code = 99;
    int result = 1;

    assert_non_null(thread);
    for (int tries = 0; tries < 100 && result != 0 && WaitForSingleObject(thread, 0) == WAIT_TIMEOUT; tries++) {
        Sleep(20);
        result = run(client, client_line);
    }
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    assert_int_equal(result, 0);
    CloseHandle(thread);
}

static void simple__streams_of_a_message_each__echoed(void **state)
{
    (void)state;
    pair(simple_server_main, "-p TCP -e 5001 -l 3", simple_client_main, "-p TCP -n 127.0.0.1 -e 5001 -l 3");
}

static void simple__datagrams_by_name__echoed(void **state)
{
    (void)state;
    pair(simple_server_main, "-p UDP -e 5002 -l 5", simple_client_main, "-p UDP -n localhost -e 5002 -l 5");
}

static void simple__no_server__says_so(void **state)
{
    (void)state;
    assert_int_equal(run(simple_client_main, "-p TCP -n 127.0.0.1 -e 5003"), 1);
    assert_int_equal(run(simple_client_main, "-p UDP -n 127.0.0.1 -e 5003"), 1);
    assert_int_equal(run(simple_client_main, "-x 1"), 1);
}

static void exclusive__free_and_taken_port__bound_or_its_code(void **state)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    BOOL on = TRUE;
    SOCKET holder = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(run(exclusive_main, "2 1 6 5150"), 0);
    assert_int_equal(run(exclusive_main, "23 2 17 5150"), 0);
    assert_int_equal(run(exclusive_main, "2 1 17 5150"), WSAEPROTONOSUPPORT);
    local.sin_port = htons(5150);
    assert_int_equal(setsockopt(holder, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on)), 0);
    assert_int_equal(bind(holder, (struct sockaddr *)&local, sizeof(local)), 0);
    assert_int_equal(run(exclusive_main, "2 1 6 5150"), WSAEADDRINUSE);
    assert_int_equal(run(exclusive_main, "2 2 17 5150"), 0);
    closesocket(holder);
    assert_int_equal(run(exclusive_main, "2 1 6 5150"), 0);
}

static void by_name__name_and_list__connected(void **state)
{
    (void)state;
    pair(event_server_main, "5155 2", by_name_main, "localhost 5155"); /* its listener is of IPv4 alone */
    pair(poll_server_main, "5156 2", by_name_main, "localhost 5156");
}

static void any_family__both_orders__connected(void **state)
{
    (void)state;
    pair(poll_server_main, "5160 2", any_family_main, "127.0.0.1 5160");
    pair(poll_server_main, "5161 2", any_family_main, "::1 5161");
}

static void poll_server__several_clients__everything_comes_back(void **state)
{
    (void)state;
    pair(poll_server_main, "5185 5", echo_load_main, "127.0.0.1 5185 5");
}

static void source_group__one_source__only_it_is_heard(void **state)
{
    (void)state;
    assert_int_equal(run(source_group_main, "239.1.2.3 5190 10.88.0.1 10.88.0.2"), 0);
}

static void congestion__marks_of_both_families__told(void **state)
{
    (void)state;
    assert_int_equal(run(congestion_main, "10.88.0.1 5195"), 0);
    assert_int_equal(run(congestion_main, "::1 5196"), 0);
}

static void local_name__empty_name__bound(void **state)
{
    (void)state;
    assert_int_equal(run(local_name_main, "5165"), 0);
}

static void board__four_ways__boards_are_equal(void **state)
{
    (void)state;
    pair(board_main, "server 5170", board_main, "client 127.0.0.1 5170");
}

static void event_server__several_clients__everything_comes_back(void **state)
{
    (void)state;
    pair(event_server_main, "5175 5", echo_load_main, "127.0.0.1 5175 5");
}

static void overlapped_server__several_clients__everything_comes_back(void **state)
{
    (void)state;
    pair(overlapped_server_main, "5180 5", echo_load_main, "127.0.0.1 5180 5");
}

static void reserve__block_of_ports__for_its_sockets_alone(void **state)
{
    (void)state;
    assert_int_equal(run(reserve_main, "tcp 5"), 0);
    assert_int_equal(run(reserve_main, "udp 5"), 0);
}

static void get_x_by_y__by_lookups__as_the_old_calls(void **state)
{
    (void)state;
    assert_int_equal(run(get_x_by_y_main, "localhost http"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple__streams_of_a_message_each__echoed),
        cmocka_unit_test(simple__datagrams_by_name__echoed),
        cmocka_unit_test(simple__no_server__says_so),
        cmocka_unit_test_setup_teardown(exclusive__free_and_taken_port__bound_or_its_code, t_api_start, t_api_stop),
        cmocka_unit_test(by_name__name_and_list__connected),
        cmocka_unit_test(any_family__both_orders__connected),
        cmocka_unit_test(poll_server__several_clients__everything_comes_back),
        cmocka_unit_test(reserve__block_of_ports__for_its_sockets_alone),
        cmocka_unit_test(get_x_by_y__by_lookups__as_the_old_calls),
        cmocka_unit_test(source_group__one_source__only_it_is_heard),
        cmocka_unit_test(congestion__marks_of_both_families__told),
        cmocka_unit_test(local_name__empty_name__bound),
        cmocka_unit_test(board__four_ways__boards_are_equal),
        cmocka_unit_test(event_server__several_clients__everything_comes_back),
        cmocka_unit_test(overlapped_server__several_clients__everything_comes_back),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

/*
 * The programs of registered I/O, each and its load as two threads of one process, over a wire that loses frames. Against a
 * kernel: tests/net.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 10

struct program {
    int (*run)(int argc, char **argv);
    const char *line;
    char words[200];
};

static int program_run(struct program *program)
{
    char *argv[WORDS_MAX + 1] = {program->words};
    char *at = program->words;
    int argc = 0;

    (void)snprintf(program->words, sizeof(program->words), "%s", program->line);
    while (*at != 0 && argc < WORDS_MAX) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at != 0) {
            *at++ = 0;
        }
    }
    return program->run(argc, argv);
}

static DWORD WINAPI beside(LPVOID program)
{
    return (DWORD)program_run(program);
}

static void both(struct program *one, struct program *other)
{
    HANDLE thread = CreateThread(NULL, 0, beside, one, 0, NULL);
    DWORD code = 99;

    assert_non_null(thread);
    Sleep(100);
    assert_int_equal(program_run(other), 0);
    assert_int_equal(WaitForSingleObject(thread, 40000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    CloseHandle(thread);
}

static void echo__polled__every_datagram_comes_back(void **state)
{
    struct program server = {rio_echo_main, "rio_echo 10.89.0.2 5401", ""};
    struct program load = {rio_echo_load_main, "rio_echo_load 10.89.0.1 10.89.0.2 5401 4000", ""};

    (void)state;
    both(&server, &load);
}

static void server__told_by_a_port__every_answer_is_right(void **state)
{
    struct program server = {rio_server_main, "rio_server 10.89.0.2 5402 2000", ""};
    struct program load = {rio_server_load_main, "rio_server_load 10.89.0.1 10.89.0.2 5402 1000 2", ""};

    (void)state;
    both(&server, &load);
}

static void market__told_by_an_event__hears_all_and_orders_in_order(void **state)
{
    struct program exchange = {rio_exchange_main, "rio_exchange 10.89.0.2 239.1.1.1 239.1.1.2 5403 5404 12000", ""};
    struct program market = {rio_market_main, "rio_market 10.89.0.1 239.1.1.1 239.1.1.2 5403 10.89.0.2 5404 20", ""};

    (void)state;
    both(&exchange, &market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo__polled__every_datagram_comes_back),
        cmocka_unit_test(server__told_by_a_port__every_answer_is_right),
        cmocka_unit_test(market__told_by_an_event__hears_all_and_orders_in_order),
    };

    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

/*
 * programs/message_receiver.c and message_asker.c over a wire that loses frames: two threads of one process. Against a kernel: tests/net.
 */
#include "t_api.h"
#include "t_programs.h"

#include <stdio.h>

struct words {
    char *words[9];
    int count;
};

static DWORD WINAPI serve(LPVOID words)
{
    struct words *given = words;

    return (DWORD)message_receiver_main(given->count, given->words);
}

static void receiver_with(const char *port, const char *mode)
{
    static char names[][16] = {"program", "10.89.0.1",   "10.89.0.2", "10.89.0.3",
                               "fd89::2", "10.89.0.255", "239.77.1.1"};
    char port_word[8];
    char mode_word[16];
    struct words server = {{names[0], port_word, mode_word, names[2], names[6]}, 5};
    struct words client = {{names[0], names[1], port_word, names[2], names[3], names[4], names[5], names[6]}, 8};
    DWORD code = 99;
    HANDLE thread;

    (void)snprintf(port_word, sizeof(port_word), "%s", port);
    (void)snprintf(mode_word, sizeof(mode_word), "%s", mode);
    thread = CreateThread(NULL, 0, serve, &server, 0, NULL);
    assert_non_null(thread);
    assert_int_equal(message_asker_main(client.count, client.words), 0);
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    CloseHandle(thread);
}

static void receiver__blocking_calls__everything_is_told(void **state)
{
    (void)state;
    receiver_with("5301", "blocking");
}

static void receiver__overlapped_with_an_event__everything_is_told(void **state)
{
    (void)state;
    receiver_with("5302", "event");
}

static void receiver__completion_port__everything_is_told(void **state)
{
    (void)state;
    receiver_with("5303", "port");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receiver__blocking_calls__everything_is_told),
        cmocka_unit_test(receiver__overlapped_with_an_event__everything_is_told),
        cmocka_unit_test(receiver__completion_port__everything_is_told),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

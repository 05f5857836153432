/*
 * Events, waits, asynchronous calls, threads. Rules WS2-4, WS2-51, WPU-11, WPU-29. None of it needs WSAStartup.
 */
#include "t_api.h"

static void event__life__manual_reset_and_not_signalled(void **state)
{
    WSAEVENT event = WSACreateEvent();
    (void)state;
    assert_non_null(event);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    assert_true(WSASetEvent(event));
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, TRUE, 0, FALSE), WSA_WAIT_EVENT_0);
    assert_true(WSAResetEvent(event));
    assert_int_equal(WaitForSingleObject(event, 5), WAIT_TIMEOUT);
    assert_true(WSACloseEvent(event));
    assert_false(WSACloseEvent(event));
    assert_int_equal(WSAGetLastError(), WSA_INVALID_HANDLE);
    assert_false(WSASetEvent(event));
    assert_int_equal(WSAGetLastError(), WSA_INVALID_HANDLE);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_HANDLE);
}

static void event__automatic__one_wait_takes_it(void **state)
{
    HANDLE event = CreateEvent(NULL, FALSE, TRUE, NULL);
    (void)state;
    assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
    assert_int_equal(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
    assert_true(CloseHandle(event));
}

static void wait__bad_arguments__failed(void **state)
{
    WSAEVENT events[65] = {0};
    (void)state;
    assert_int_equal(WSAWaitForMultipleEvents(0, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_PARAMETER);
    assert_int_equal(WSAWaitForMultipleEvents(65, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_PARAMETER);
    assert_int_equal(WSAWaitForMultipleEvents(1, NULL, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_PARAMETER);
    assert_int_equal(WSAWaitForMultipleEvents(1, events, FALSE, 0, FALSE), WSA_WAIT_FAILED);
    assert_int_equal(WSAGetLastError(), WSA_INVALID_HANDLE);
}

static void wait__sixty_four_events__index_of_first(void **state)
{
    WSAEVENT events[64];
    unsigned i;
    (void)state;
    for (i = 0; i < 64; i++) {
        events[i] = WSACreateEvent();
        assert_non_null(events[i]);
    }
    WSASetEvent(events[63]);
    assert_int_equal(WSAWaitForMultipleEvents(64, events, FALSE, 1000, FALSE), WSA_WAIT_EVENT_0 + 63);
    WSASetEvent(events[5]);
    assert_int_equal(WSAWaitForMultipleEvents(64, events, FALSE, 1000, FALSE), WSA_WAIT_EVENT_0 + 5);
    assert_int_equal(WSAWaitForMultipleEvents(64, events, TRUE, 10, FALSE), WSA_WAIT_TIMEOUT);
    for (i = 0; i < 64; i++) {
        WSASetEvent(events[i]);
    }
    assert_int_equal(WSAWaitForMultipleEvents(64, events, TRUE, 1000, FALSE), WSA_WAIT_EVENT_0);
    for (i = 0; i < 64; i++) {
        assert_true(WSACloseEvent(events[i]));
    }
}

struct ping_pong {
    HANDLE ping, pong;
    unsigned rounds;
};

static DWORD WINAPI answer(LPVOID argument)
{
    struct ping_pong *game = (struct ping_pong *)argument;
    unsigned i;
    for (i = 0; i < game->rounds; i++) {
        if (WaitForSingleObject(game->ping, 10000) != WAIT_OBJECT_0) {
            return 1;
        }
        SetEvent(game->pong);
    }
    return 42;
}

static void events__twenty_thousand_handoffs__none_lost(void **state)
{
    struct ping_pong game = {CreateEvent(NULL, FALSE, FALSE, NULL), CreateEvent(NULL, FALSE, FALSE, NULL), 20000};
    DWORD id = 0;
    DWORD code = 0;
    HANDLE thread = CreateThread(NULL, 0, answer, &game, 0, &id);
    unsigned i;
    (void)state;
    assert_non_null(thread);
    assert_int_not_equal(id, GetCurrentThreadId());
    for (i = 0; i < game.rounds; i++) {
        SetEvent(game.ping);
        assert_int_equal(WaitForSingleObject(game.pong, 10000), WAIT_OBJECT_0);
    }
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 42);
    assert_true(CloseHandle(thread));
    assert_true(CloseHandle(game.ping));
    assert_true(CloseHandle(game.pong));
}

static unsigned calls;

static void WINAPI count_call(ULONG_PTR context)
{
    calls += (unsigned)context;
    /* A wait inside a routine is legal. */
    assert_int_equal(SleepEx(0, FALSE), 0);
}

struct sleeper {
    HANDLE ready;
    HANDLE go;
    HANDLE never;
};

static DWORD WINAPI sleep_alertably(LPVOID argument)
{
    struct sleeper *sleeper = (struct sleeper *)argument;
    calls = 0;
    SetEvent(sleeper->ready);
    if (WaitForSingleObject(sleeper->go, 10000) != WAIT_OBJECT_0 || calls != 0) {
        return 1; /* a wait that is not alertable runs no call */
    }
    if (WaitForSingleObjectEx(sleeper->never, 10000, TRUE) != WAIT_IO_COMPLETION || calls != 3) {
        return 2;
    }
    return SleepEx(10, TRUE) == 0 ? 0 : 3;
}

static void apc__queued_from_outside__runs_in_alertable_wait_only(void **state)
{
    struct sleeper sleeper = {WSACreateEvent(), WSACreateEvent(), WSACreateEvent()};
    HANDLE thread = CreateThread(NULL, 0, sleep_alertably, &sleeper, 0, NULL);
    DWORD code = 99;
    (void)state;
    assert_int_equal(WaitForSingleObject(sleeper.ready, 10000), WAIT_OBJECT_0);
    assert_true(QueueUserAPC(count_call, thread, 1));
    assert_true(QueueUserAPC(count_call, thread, 2));
    WSASetEvent(sleeper.go);
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    assert_false(QueueUserAPC(count_call, thread, 1)); /* it has ended */
    assert_int_not_equal(GetLastError(), 0);           /* Windows: ERROR_GEN_FAILURE */
    assert_true(CloseHandle(thread));
    assert_true(WSACloseEvent(sleeper.ready));
    assert_true(WSACloseEvent(sleeper.go));
    assert_true(WSACloseEvent(sleeper.never));
}

static void time__sleep__passes(void **state)
{
    ULONGLONG before = GetTickCount64();
    (void)state;
    Sleep(30);
    assert_in_range(GetTickCount64() - before, 14, 5000); /* a tick may last 16 ms */
}

static DWORD WINAPI set_late(LPVOID event)
{
    Sleep(30);
    return SetEvent(event) ? 0 : 1;
}

/* A.9.20, A.9.24. */
static void wait__without_a_limit__ends_when_set(void **state)
{
    WSAEVENT event = WSACreateEvent();
    HANDLE thread;
    DWORD id;
    (void)state;
    thread = CreateThread(NULL, 0, set_late, event, 0, &id);
    assert_non_null(thread);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, WSA_INFINITE, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(CloseHandle(thread));
    assert_true(WSACloseEvent(event));
    assert_false(WSAResetEvent(event));
    assert_int_equal(WSAGetLastError(), WSA_INVALID_HANDLE);
}

/* A.9.23: a wait for all takes none before all are set. */
static void wait__for_all__takes_them_together(void **state)
{
    HANDLE events[2] = {CreateEvent(NULL, FALSE, TRUE, NULL), CreateEvent(NULL, FALSE, FALSE, NULL)};
    (void)state;
    assert_int_equal(WSAWaitForMultipleEvents(2, events, TRUE, 20, FALSE), WSA_WAIT_TIMEOUT);
    assert_int_equal(WaitForSingleObject(events[0], 0), WAIT_OBJECT_0); /* still there; now taken */
    assert_true(SetEvent(events[0]));
    assert_true(SetEvent(events[1]));
    assert_int_equal(WSAWaitForMultipleEvents(2, events, TRUE, 1000, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WaitForSingleObject(events[0], 0), WAIT_TIMEOUT);
    assert_int_equal(WaitForSingleObject(events[1], 0), WAIT_TIMEOUT);
    assert_true(CloseHandle(events[0]));
    assert_true(CloseHandle(events[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event__life__manual_reset_and_not_signalled),
        cmocka_unit_test(event__automatic__one_wait_takes_it),
        cmocka_unit_test(wait__bad_arguments__failed),
        cmocka_unit_test(wait__sixty_four_events__index_of_first),
        cmocka_unit_test(events__twenty_thousand_handoffs__none_lost),
        cmocka_unit_test(apc__queued_from_outside__runs_in_alertable_wait_only),
        cmocka_unit_test(time__sleep__passes),
        cmocka_unit_test(wait__without_a_limit__ends_when_set),
        cmocka_unit_test(wait__for_all__takes_them_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

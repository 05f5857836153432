/*
 * Blocking hooks of 1.1 programs, over Winlane: a hook runs while a call of its thread blocks, can cancel it, and can make no
 * other. Rules BLK-8, WS2-53 to WS2-55. WINLANE_CONFIG names configs/wire-pair.ini.
 */
#include "t_api.h"

#include <string.h>

struct hooked {
    SOCKET ends[2];
    unsigned calls; /* of the hook */
    unsigned until; /* the call in which it does `act` */
    bool cancels;   /* what it does then: end the call, or send to its own thread */
    int codes[10];  /* of the calls that it made */
    bool was_blocking;
    HANDLE go;
};

static struct hooked *hooked; /* of the running case */

static int code_of(int result)
{
    return result == SOCKET_ERROR ? WSAGetLastError() : 0;
}

/* Everything is refused while the call blocks. */
static void calls_inside(int codes[10])
{
    struct timeval now = {0, 0};
    char byte = 0;
    fd_set set;
    u_long on = 1;
    char name[256];
    FD_ZERO(&set);
    FD_SET(hooked->ends[1], &set);
    codes[0] = code_of(recv(hooked->ends[1], &byte, 1, 0));
    codes[1] = code_of(send(hooked->ends[1], &byte, 1, 0));
    codes[2] = code_of(select(1, &set, NULL, NULL, &now));
    codes[3] = socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET ? WSAGetLastError() : 0;
    codes[4] = code_of(ioctlsocket(hooked->ends[1], (LONG)FIONBIO, &on));
    codes[5] = code_of(closesocket(hooked->ends[1]));
    codes[6] = code_of(WSACleanup());
    codes[7] = code_of(listen(hooked->ends[1], 1));
    codes[8] = gethostbyname("localhost") == NULL ? WSAGetLastError() : 0;
    codes[9] = code_of(gethostname(name, sizeof name));
}

static INT_PTR WSAAPI the_hook(void)
{
    hooked->calls++;
    hooked->was_blocking = WSAIsBlocking() != FALSE;
    if (hooked->calls != hooked->until) {
        return FALSE;
    }
    calls_inside(hooked->codes);
    if (hooked->cancels) {
        assert_int_equal(WSACancelBlockingCall(), 0);
    } else {
        SetEvent(hooked->go);
    }
    return FALSE;
}

static DWORD WINAPI peer_main(LPVOID argument)
{
    struct hooked *mine = (struct hooked *)argument;
    (void)WaitForSingleObject(mine->go, 10000);
    return (DWORD)send(mine->ends[1], "x", 1, 0); /* this thread is in no hook */
}

static void make(struct hooked *mine, bool cancels)
{
    WSADATA data;
    memset(mine, 0, sizeof *mine);
    mine->until = 3;
    mine->cancels = cancels;
    assert_int_equal(WSAStartup(MAKEWORD(1, 1), &data), 0);
    t_api_pair(mine->ends);
    mine->go = CreateEventA(NULL, TRUE, FALSE, NULL);
    hooked = mine;
}

static void unmake(struct hooked *mine)
{
    assert_int_equal(WSAUnhookBlockingHook(), 0);
    assert_int_equal(closesocket(mine->ends[0]), 0);
    assert_int_equal(closesocket(mine->ends[1]), 0);
    CloseHandle(mine->go);
    assert_int_equal(WSACleanup(), 0);
}

static void assert_refused(const struct hooked *mine)
{
    unsigned i;
    for (i = 0; i < sizeof mine->codes / sizeof mine->codes[0]; i++) {
        assert_int_equal(mine->codes[i], WSAEINPROGRESS);
    }
}

static void hook__while_a_receive_waits__runs_and_can_make_no_call(void **state)
{
    struct hooked mine;
    HANDLE peer;
    char byte;
    (void)state;
    make(&mine, false);
    assert_non_null(WSASetBlockingHook((FARPROC)the_hook));
    peer = CreateThread(NULL, 0, peer_main, &mine, 0, NULL);
    assert_int_equal(recv(mine.ends[0], &byte, 1, 0), 1);
    assert_true(mine.calls >= 3);
    assert_true(mine.was_blocking);
    assert_false(WSAIsBlocking());
    assert_refused(&mine);
    assert_int_equal(WaitForSingleObject(peer, 10000), WAIT_OBJECT_0);
    CloseHandle(peer);
    unmake(&mine);
}

static void hook__cancels_the_call__fails_with_intr(void **state)
{
    struct hooked mine;
    char byte;
    (void)state;
    make(&mine, true);
    assert_non_null(WSASetBlockingHook((FARPROC)the_hook));
    assert_fails(recv(mine.ends[0], &byte, 1, 0), WSAEINTR);
    assert_int_equal(mine.calls, 3);
    assert_refused(&mine);
    assert_fails(WSACancelBlockingCall(), WSAEINVAL);
    assert_int_equal(send(mine.ends[1], "x", 1, 0), 1);
    mine.calls = 0;
    assert_int_equal(recv(mine.ends[0], &byte, 1, 0), 1); /* what is there needs no wait: the hook is not asked */
    unmake(&mine);
}

static void hook__select_waits__runs_too(void **state)
{
    struct timeval limit = {10, 0};
    struct hooked mine;
    fd_set set;
    (void)state;
    make(&mine, true);
    assert_non_null(WSASetBlockingHook((FARPROC)the_hook));
    FD_ZERO(&set);
    FD_SET(mine.ends[0], &set);
    assert_fails(select(1, &set, NULL, NULL, &limit), WSAEINTR);
    assert_int_equal(mine.calls, 3);
    unmake(&mine);
}

static DWORD WINAPI plain_main(LPVOID argument)
{
    struct hooked *mine = (struct hooked *)argument;
    char byte;
    SetEvent(mine->go);
    return (DWORD)recv(mine->ends[0], &byte, 1, 0);
}

/* Rule WS2-54: the hook is its thread's; another thread waits without. */
static void hook__of_another_thread__is_not_run(void **state)
{
    struct hooked mine;
    HANDLE thread;
    DWORD got = 0;
    (void)state;
    make(&mine, true);
    assert_non_null(WSASetBlockingHook((FARPROC)the_hook));
    thread = CreateThread(NULL, 0, plain_main, &mine, 0, NULL);
    assert_int_equal(WaitForSingleObject(mine.go, 10000), WAIT_OBJECT_0);
    Sleep(30);
    assert_int_equal(send(mine.ends[1], "x", 1, 0), 1);
    assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &got));
    assert_int_equal(got, 1);
    assert_int_equal(mine.calls, 0);
    CloseHandle(thread);
    unmake(&mine);
}

static unsigned pumped;

static LRESULT CALLBACK pumped_proc(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    pumped += message == WM_USER ? (unsigned)wparam : 0;
    return DefWindowProcA(window, message, wparam, lparam);
}

static FARPROC first_hook;

/* As many programs do: the hook that was there is called by the program's own. */
static INT_PTR WSAAPI chained_hook(void)
{
    hooked->calls++;
    if (first_hook() != 0) {
        return TRUE; /* a message was handed out: perhaps there is another */
    }
    if (hooked->calls > 2) {
        SetEvent(hooked->go);
    }
    return FALSE;
}

/* Rules WS2-53, BLK-1: the hook that a thread has from the start hands out messages. */
static void hook__the_first_one__hands_out_messages(void **state)
{
    struct hooked mine;
    WNDCLASSA wndclass;
    HANDLE peer;
    HWND window;
    char byte;
    (void)state;
    make(&mine, false);
    memset(&wndclass, 0, sizeof wndclass);
    wndclass.lpfnWndProc = pumped_proc;
    wndclass.lpszClassName = "WinlaneHook";
    assert_int_not_equal(RegisterClassA(&wndclass), 0);
    window = CreateWindowExA(0, "WinlaneHook", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    assert_non_null(window);
    pumped = 0;
    assert_true(PostMessageA(window, WM_USER, 1, 0));
    assert_true(PostMessageA(window, WM_USER, 10, 0));
    first_hook = WSASetBlockingHook((FARPROC)chained_hook);
    assert_non_null(first_hook);
    peer = CreateThread(NULL, 0, peer_main, &mine, 0, NULL);
    assert_int_equal(recv(mine.ends[0], &byte, 1, 0), 1);
    assert_int_equal(pumped, 11);
    assert_int_equal(WaitForSingleObject(peer, 10000), WAIT_OBJECT_0);
    CloseHandle(peer);
    assert_true(DestroyWindow(window));
    assert_true(UnregisterClassA("WinlaneHook", NULL));
    unmake(&mine);
}

/* A start of 1.1 that was undone leaves the process one of Winsock 2: no hook any more, not even one that is set. */
static void hook__of_a_finished_1_1_start__is_not_run(void **state)
{
    struct hooked mine;
    char byte;
    (void)state;
    make(&mine, true);
    assert_non_null(WSASetBlockingHook((FARPROC)the_hook));
    assert_int_equal(WSACleanup(), 0);
    assert_null(WSASetBlockingHook((FARPROC)the_hook));
    assert_int_equal(WSAGetLastError(), WSAEOPNOTSUPP);
    assert_fails(WSACancelBlockingCall(), WSAEOPNOTSUPP);
    assert_int_equal(send(mine.ends[1], "x", 1, 0), 1);
    assert_int_equal(recv(mine.ends[0], &byte, 1, 0), 1);
    assert_int_equal(mine.calls, 0);
    {
        WSADATA data;
        assert_int_equal(WSAStartup(MAKEWORD(1, 1), &data), 0);
    }
    unmake(&mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hook__while_a_receive_waits__runs_and_can_make_no_call, t_api_start,
                                        t_api_stop),
        cmocka_unit_test_setup_teardown(hook__cancels_the_call__fails_with_intr, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hook__select_waits__runs_too, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hook__of_another_thread__is_not_run, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hook__the_first_one__hands_out_messages, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(hook__of_a_finished_1_1_start__is_not_run, t_api_start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}

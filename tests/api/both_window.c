/*
 * Windows that only receive messages, and the queue of a thread: what WSAAsyncSelect posts to. On Windows they are user32's,
 * on Linux the small ones of our library. Rules WPU-8, WSPASYNCSELECT-3, WSPASYNCSELECT-6.
 */
#include "both.h"

#include <stdatomic.h>

#define T_FIRST (WM_USER + 1)

struct window_log {
    unsigned created;
    unsigned destroyed;
    unsigned seen;
    WPARAM last;
    void *param;
};

static struct window_log *log_of(HWND window)
{
    return (struct window_log *)GetWindowLongPtrA(window, GWLP_USERDATA);
}

static LRESULT CALLBACK window_proc(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    struct window_log *log = log_of(window);
    if (message == WM_CREATE) {
        log = (struct window_log *)((const CREATESTRUCTA *)lparam)->lpCreateParams;
        SetWindowLongPtrA(window, GWLP_USERDATA, (LONG_PTR)log);
        log->created++;
        return log->param == NULL ? 0 : -1;
    }
    if (log != NULL && message == WM_DESTROY) {
        log->destroyed++;
    }
    if (log != NULL && message >= WM_USER) {
        log->seen++;
        log->last = wparam;
        return 17;
    }
    return DefWindowProcA(window, message, wparam, lparam);
}

static HWND plain_window(void)
{
    return CreateWindowExA(0, "STATIC", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
}

static bool class_make(struct t_run *t)
{
    WNDCLASSA wndclass;
    memset(&wndclass, 0, sizeof wndclass);
    wndclass.lpfnWndProc = window_proc;
    wndclass.lpszClassName = "WinlaneTest";
    if (RegisterClassA(&wndclass) == 0) {
        t_note(t, __FILE__, __LINE__, "RegisterClass fails with %u", (unsigned)GetLastError());
        return false;
    }
    return true;
}

static void window__posted__in_order_and_by_number(struct t_run *t)
{
    HWND window = plain_window();
    MSG msg;
    T_TRUE(window != NULL);
    T_TRUE(IsWindow(window));
    T_TRUE(PostMessageA(window, T_FIRST, 1, 2));
    T_TRUE(PostMessageA(window, T_FIRST + 1, 3, 4));
    T_TRUE(PostMessageA(window, T_FIRST, 5, 6));
    T_TRUE(PeekMessageA(&msg, window, T_FIRST + 1, T_FIRST + 1, PM_NOREMOVE));
    T_TRUE(GetMessageA(&msg, window, T_FIRST + 1, T_FIRST + 1));
    T_TRUE(msg.hwnd == window);
    T_EQ(msg.message, T_FIRST + 1);
    T_EQ(msg.wParam, 3);
    T_EQ(msg.lParam, 4);
    T_TRUE(!PeekMessageA(&msg, window, T_FIRST + 1, T_FIRST + 1, PM_REMOVE));
    T_TRUE(GetMessageA(&msg, NULL, T_FIRST, T_FIRST));
    T_EQ(msg.wParam, 1);
    T_TRUE(GetMessageA(&msg, NULL, T_FIRST, T_FIRST));
    T_EQ(msg.wParam, 5);
    T_TRUE(!PeekMessageA(&msg, window, T_FIRST, T_FIRST + 1, PM_REMOVE));
    T_TRUE(DestroyWindow(window));
}

static void window__gone__no_messages_and_no_posting(struct t_run *t)
{
    HWND window = plain_window();
    HWND other = plain_window();
    MSG msg;
    T_TRUE(window != NULL && other != NULL);
    T_TRUE(PostMessageA(window, T_FIRST, 0, 0));
    T_TRUE(PostMessageA(other, T_FIRST, 9, 0));
    T_TRUE(DestroyWindow(window));
    T_TRUE(!IsWindow(window));
    T_TRUE(!PostMessageA(window, T_FIRST, 0, 0));
    T_EQ(GetLastError(), ERROR_INVALID_WINDOW_HANDLE);
    T_TRUE(PeekMessageA(&msg, NULL, T_FIRST, T_FIRST, PM_REMOVE));
    T_TRUE(msg.hwnd == other);
    T_TRUE(!PeekMessageA(&msg, NULL, T_FIRST, T_FIRST, PM_REMOVE));
    T_TRUE(!DestroyWindow(window));
    T_EQ(GetMessageA(&msg, window, 0, 0), -1);
    T_TRUE(DestroyWindow(other));
}

static void window__of_a_class__its_procedure_is_called(struct t_run *t)
{
    struct window_log log = {0, 0, 0, 0, NULL};
    HWND window;
    MSG msg;
    T_DO(class_make(t));
    window = CreateWindowExA(0, "winlanetest", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, &log);
    T_TRUE(window != NULL);
    T_EQ(log.created, 1);
    T_TRUE(log_of(window) == &log);
    T_TRUE(PostMessageA(window, T_FIRST, 77, 0));
    T_TRUE(GetMessageA(&msg, window, T_FIRST, T_FIRST));
    T_EQ(log.seen, 0);
    (void)TranslateMessage(&msg);
    T_EQ(DispatchMessageA(&msg), 17);
    T_EQ(log.seen, 1);
    T_EQ(log.last, 77);
    T_TRUE(!UnregisterClassA("WinlaneTest", NULL));
    T_EQ(GetLastError(), ERROR_CLASS_HAS_WINDOWS);
    T_TRUE(DestroyWindow(window));
    T_EQ(log.destroyed, 1);
    log.param = &log; /* the procedure refuses */
    T_TRUE(CreateWindowExA(0, "WinlaneTest", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, &log) == NULL);
    T_TRUE(UnregisterClassA("WinlaneTest", NULL));
    T_TRUE(CreateWindowExA(0, "WinlaneTest", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, &log) == NULL);
}

static void window__quit_posted__comes_last(struct t_run *t)
{
    HWND window = plain_window();
    MSG msg;
    T_TRUE(window != NULL);
    PostQuitMessage(5);
    T_TRUE(PostMessageA(window, T_FIRST, 0, 0));
    T_TRUE(GetMessageA(&msg, NULL, 0, 0));
    T_EQ(msg.message, T_FIRST);
    T_EQ(GetMessageA(&msg, NULL, 0, 0), 0);
    T_EQ(msg.message, WM_QUIT);
    T_EQ(msg.wParam, 5);
    T_TRUE(DestroyWindow(window));
}

struct poster {
    HWND window;
    BOOL destroyed;
    DWORD code;
};

static DWORD WINAPI poster_main(void *argument)
{
    struct poster *poster = (struct poster *)argument;
    poster->destroyed = DestroyWindow(poster->window);
    poster->code = GetLastError();
    Sleep(30);
    (void)PostMessageA(poster->window, T_FIRST, 8, 0);
    return 0;
}

/* GetMessage sleeps until another thread posts; that one may not destroy the window. */
static void window__another_thread_posts__wakes_the_owner(struct t_run *t)
{
    struct poster poster = {plain_window(), TRUE, 0};
    MSG msg;
    T_TRUE(poster.window != NULL);
    T_TRUE(t_thread(t, poster_main, &poster) != NULL);
    T_TRUE(GetMessageA(&msg, poster.window, T_FIRST, T_FIRST));
    T_EQ(msg.wParam, 8);
    T_TRUE(!poster.destroyed);
    T_EQ(poster.code, ERROR_ACCESS_DENIED);
    T_TRUE(DestroyWindow(poster.window));
}

static void window__wait_for_messages__event_message_and_time(struct t_run *t)
{
    HWND window = plain_window();
    HANDLE event = t_event(t);
    MSG msg;
    T_TRUE(window != NULL);
    while (PeekMessageA(&msg, NULL, 0, 0, PM_REMOVE)) {
    }
    T_EQ(MsgWaitForMultipleObjects(1, &event, FALSE, T_QUIET_MS, QS_ALLINPUT), WAIT_TIMEOUT);
    T_TRUE(PostMessageA(window, T_FIRST, 0, 0));
    T_EQ(MsgWaitForMultipleObjects(1, &event, FALSE, T_WAIT_MS, QS_ALLINPUT), WAIT_OBJECT_0 + 1);
    T_TRUE(SetEvent(event));
    T_EQ(MsgWaitForMultipleObjects(1, &event, FALSE, T_WAIT_MS, QS_ALLINPUT), WAIT_OBJECT_0);
    T_TRUE(ResetEvent(event));
    T_TRUE(PeekMessageA(&msg, window, T_FIRST, T_FIRST, PM_NOREMOVE)); /* seen: it does not count any more */
    T_EQ(MsgWaitForMultipleObjects(1, &event, FALSE, T_QUIET_MS, QS_ALLINPUT), WAIT_TIMEOUT);
    T_EQ(MsgWaitForMultipleObjectsEx(1, &event, T_WAIT_MS, QS_ALLINPUT, MWMO_INPUTAVAILABLE), WAIT_OBJECT_0 + 1);
    T_TRUE(DestroyWindow(window));
}

static void window__registered_messages__one_number_for_a_name(struct t_run *t)
{
    UINT one = RegisterWindowMessageA("WinlaneOne");
    T_TRUE(one >= 0xC000u && one <= 0xFFFFu);
    T_EQ(RegisterWindowMessageA("WINLANEONE"), one);
    T_TRUE(RegisterWindowMessageA("WinlaneTwo") != one);
}

static DWORD WINAPI owner_main(void *argument)
{
    HWND window = plain_window();
    *(HWND *)argument = window;
    return window != NULL;
}

/* A window goes with its thread. */
static void window__thread_ended__window_is_gone(struct t_run *t)
{
    HWND window = NULL;
    HANDLE thread = t_thread(t, owner_main, &window);
    T_TRUE(thread != NULL);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(window != NULL);
    T_TRUE(!IsWindow(window));
    T_TRUE(!PostMessageA(window, T_FIRST, 0, 0));
}

static const struct t_cases cases[] = {
    T_CASE(window__posted__in_order_and_by_number),
    T_CASE(window__gone__no_messages_and_no_posting),
    T_CASE(window__of_a_class__its_procedure_is_called),
    T_CASE(window__quit_posted__comes_last),
    T_CASE(window__another_thread_posts__wakes_the_owner),
    T_CASE(window__wait_for_messages__event_message_and_time),
    T_CASE(window__registered_messages__one_number_for_a_name),
    T_CASE(window__thread_ended__window_is_gone),
};

const struct t_group t_group_window = {"window", cases, T_COUNT(cases), false};

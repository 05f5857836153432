/*
 * Window messages: WSAAsyncSelect to a message-only window. user32 is found at run time: where it cannot make a window
 * the cases say so. Rules WSPASYNCSELECT-1 to 10, WPU-8.
 */
#include "kernel.h"

#include <stdio.h>

#define T_MESSAGE (WM_USER + 7)

struct user32 {
    HWND(WINAPI *create)(DWORD, LPCSTR, LPCSTR, DWORD, int, int, int, int, HWND, HMENU, HINSTANCE, LPVOID);
    BOOL(WINAPI *destroy)(HWND);
    BOOL(WINAPI *peek)(LPMSG, HWND, UINT, UINT, UINT);
};

static struct user32 user;

static HWND window_make(struct t_run *t)
{
    HMODULE module = LoadLibraryA("user32.dll");
    HWND window = NULL;
    if (module != NULL) {
        user.create = (HWND(WINAPI *)(DWORD, LPCSTR, LPCSTR, DWORD, int, int, int, int, HWND, HMENU, HINSTANCE,
                                      LPVOID))(uintptr_t)GetProcAddress(module, "CreateWindowExA");
        user.destroy = (BOOL(WINAPI *)(HWND))(uintptr_t)GetProcAddress(module, "DestroyWindow");
        user.peek = (BOOL(WINAPI *)(LPMSG, HWND, UINT, UINT, UINT))(uintptr_t)GetProcAddress(module, "PeekMessageA");
        window = user.create(0, "STATIC", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    }
    if (window == NULL) {
        t_skip(t, "no window can be made here");
    }
    return window;
}

/* The next of our messages; false: none came. */
static bool message_take(HWND window, MSG *message, DWORD ms)
{
    ULONGLONG start = GetTickCount64();
    do {
        if (user.peek(message, window, T_MESSAGE, T_MESSAGE, PM_REMOVE)) {
            return true;
        }
        Sleep(2);
    } while (GetTickCount64() - start < ms);
    return false;
}

#define T_MESSAGE_IS(window, s, event, code)                       \
    do {                                                           \
        MSG t_got_message;                                         \
        T_TRUE(message_take((window), &t_got_message, T_WAIT_MS)); \
        T_EQ(WSAGETSELECTEVENT(t_got_message.lParam), (event));    \
        T_EQ(WSAGETSELECTERROR(t_got_message.lParam), (code));     \
        T_EQ(t_got_message.wParam, (s));                           \
    } while (0)
#define T_NO_MESSAGE(window)                                         \
    do {                                                             \
        MSG t_got_message;                                           \
        T_TRUE(!message_take((window), &t_got_message, T_QUIET_MS)); \
    } while (0)

static void message__data__read_once_until_received(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    char data[8];
    if (window == NULL) {
        return;
    }
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_NO_MESSAGE(window);
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_DO(t_send_all(t, ends[1], "cd", 2));
    T_NO_MESSAGE(window);
    /* Receiving a part asks again. */
    T_EQ(recv(ends[0], data, 1, 0), 1);
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    (void)user.destroy(window);
}

static void message__listener_and_connect__accept_connect_write(struct t_run *t)
{
    HWND window = window_make(t);
    struct t_addr at;
    SOCKET listener;
    SOCKET s;
    if (window == NULL) {
        return;
    }
    T_DO(t_listener(t, AF_INET, &listener, &at));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(s != INVALID_SOCKET);
    T_OK(WSAAsyncSelect(s, window, T_MESSAGE, FD_CONNECT));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_MESSAGE_IS(window, s, FD_CONNECT, 0);
    T_OK(WSAAsyncSelect(listener, window, T_MESSAGE, FD_ACCEPT));
    T_MESSAGE_IS(window, listener, FD_ACCEPT, 0);
    T_OK(WSAAsyncSelect(s, window, T_MESSAGE, FD_WRITE));
    T_MESSAGE_IS(window, s, FD_WRITE, 0);
    (void)user.destroy(window);
}

static void message__peer_closes_or_resets__close_with_its_code(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    if (window == NULL) {
        return;
    }
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CLOSE));
    T_OK(shutdown(ends[1], SD_SEND));
    T_MESSAGE_IS(window, ends[0], FD_CLOSE, 0);
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CLOSE));
    t_reset(t, ends[1]);
    T_MESSAGE_IS(window, ends[0], FD_CLOSE, WSAECONNRESET);
    (void)user.destroy(window);
}

static void message__nobody_listens__connect_with_refused(struct t_run *t)
{
    HWND window = window_make(t);
    struct t_addr at;
    SOCKET s;
    if (window == NULL) {
        return;
    }
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &at));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(WSAAsyncSelect(s, window, T_MESSAGE, FD_CONNECT));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_MESSAGE_IS(window, s, FD_CONNECT, WSAECONNREFUSED);
    (void)user.destroy(window);
}

static void message__selection_of_nothing__none_comes(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    if (window == NULL) {
        return;
    }
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_FAILS(t_ioctl(ends[0], FIONBIO, 0), WSAEINVAL);
    T_OK(WSAAsyncSelect(ends[0], window, 0, 0));
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_NO_MESSAGE(window);
    T_OK(t_ioctl(ends[0], FIONBIO, 0));
    (void)user.destroy(window);
}

static void message__datagram__read(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    if (window == NULL) {
        return;
    }
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_EQ(send(ends[1], "x", 1, 0), 1);
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    (void)user.destroy(window);
}

static const struct t_cases cases[] = {
    T_CASE(message__data__read_once_until_received),
    T_CASE(message__listener_and_connect__accept_connect_write),
    T_CASE(message__peer_closes_or_resets__close_with_its_code),
    T_CASE(message__nobody_listens__connect_with_refused),
    T_CASE(message__selection_of_nothing__none_comes),
    T_CASE(message__datagram__read),
};

const struct t_group t_group_kernel_message = {"kernel_message", cases, T_COUNT(cases), false};

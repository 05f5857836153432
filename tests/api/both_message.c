/*
 * WSAAsyncSelect: network events as messages to a window. Rules A.11.1 to A.11.22, WSPASYNCSELECT-1 to 6, WPU-8.
 */
#include "both.h"

#define T_MESSAGE (WM_USER + 7)

/* A window of the calling thread; its messages are taken by PeekMessage. */
static HWND window_make(struct t_run *t)
{
    HWND window = CreateWindowExA(0, "STATIC", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    if (window == NULL) {
        t_note(t, __FILE__, __LINE__, "no window: %u", (unsigned)GetLastError());
    }
    return window;
}

/* The next of our messages; false: none came. */
static bool message_take(HWND window, MSG *message, DWORD ms)
{
    ULONGLONG start = GetTickCount64();
    ULONGLONG passed = 0;
    while (!PeekMessageA(message, window, T_MESSAGE, T_MESSAGE + 1, PM_REMOVE)) {
        if (passed >= ms) {
            return false;
        }
        (void)MsgWaitForMultipleObjects(0, NULL, FALSE, ms - (DWORD)passed, QS_ALLINPUT);
        passed = GetTickCount64() - start;
    }
    return true;
}

#define T_MESSAGE_IS(window, s, event, code)                       \
    do {                                                           \
        MSG t_got_message;                                         \
        T_TRUE(message_take((window), &t_got_message, T_WAIT_MS)); \
        T_EQ(WSAGETSELECTEVENT(t_got_message.lParam), (event));    \
        T_EQ(WSAGETSELECTERROR(t_got_message.lParam), (code));     \
        T_EQ(t_got_message.wParam, (s));                           \
        T_EQ(t_got_message.message, T_MESSAGE);                    \
    } while (0)
#define T_NO_MESSAGE(window)                                         \
    do {                                                             \
        MSG t_got_message;                                           \
        T_TRUE(!message_take((window), &t_got_message, T_QUIET_MS)); \
    } while (0)

/* Rules A.11.5, A.11.6, A.11.9, A.11.14. */
static void message__data__read_once_until_received(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    char data[8];
    T_DO(window != NULL && t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_NO_MESSAGE(window);
    T_DO(t_send_all(t, ends[1], "abcd", 4));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_DO(t_send_all(t, ends[1], "efgh", 4));
    T_NO_MESSAGE(window);
    T_EQ(recv(ends[0], data, 2, 0), 2); /* a part: there is more */
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_EQ(recv(ends[0], data, 6, 0), 6);
    T_NO_MESSAGE(window);
    T_FAILS(recv(ends[0], data, 6, 0), WSAEWOULDBLOCK);
    T_DO(t_send_all(t, ends[1], "i", 1));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_TRUE(DestroyWindow(window));
}

/* Rules A.11.11, A.11.12: the connection first, then that it can be written to. */
static void message__connect_and_write__in_this_order(struct t_run *t)
{
    HWND window = window_make(t);
    struct t_addr at;
    SOCKET listener;
    SOCKET s;
    T_DO(window != NULL && t_listener(t, AF_INET, &listener, &at));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(WSAAsyncSelect(s, window, T_MESSAGE, FD_CONNECT | FD_WRITE | FD_READ | FD_CLOSE));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_MESSAGE_IS(window, s, FD_CONNECT, 0);
    T_MESSAGE_IS(window, s, FD_WRITE, 0);
    T_NO_MESSAGE(window);
    T_TRUE(DestroyWindow(window));
}

/* Rules A.11.13, A.11.20: of pending ones each once more after accept; accepted sockets post to the same window. */
static void message__clients__accept_for_each_and_inherited(struct t_run *t)
{
    HWND window = window_make(t);
    struct t_addr at;
    SOCKET listener;
    SOCKET clients[2];
    SOCKET s;
    int i;
    T_DO(window != NULL && t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAAsyncSelect(listener, window, T_MESSAGE, FD_ACCEPT | FD_READ));
    for (i = 0; i < 2; i++) {
        clients[i] = t_socket(t, AF_INET, SOCK_STREAM);
        T_OK(connect(clients[i], &at.u.any, at.bytes));
    }
    T_MESSAGE_IS(window, listener, FD_ACCEPT, 0);
    T_NO_MESSAGE(window);
    T_OK(listen(listener, 5)); /* no accept: nothing is told anew */
    T_NO_MESSAGE(window);
    s = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(s != INVALID_SOCKET);
    T_MESSAGE_IS(window, listener, FD_ACCEPT, 0);
    T_DO(t_send_all(t, clients[0], "a", 1));
    T_MESSAGE_IS(window, s, FD_READ, 0);
    T_TRUE(t_keep(t, accept(listener, NULL, NULL)) != INVALID_SOCKET);
    T_NO_MESSAGE(window);
    T_TRUE(DestroyWindow(window));
}

/* Rules A.11.16, A.11.17. */
static void message__peer_closes_or_resets__close_with_its_code(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    char byte;
    T_DO(window != NULL && t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CLOSE | FD_READ));
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_OK(shutdown(ends[1], SD_SEND));
    T_EQ(recv(ends[0], &byte, 1, 0), 1);
    T_MESSAGE_IS(window, ends[0], FD_CLOSE, 0);
    T_NO_MESSAGE(window); /* the end is told once, and not as FD_READ */
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CLOSE));
    T_OK(t_set_linger(ends[1], 1, 0));
    T_OK(t_close(t, ends[1]));
    T_MESSAGE_IS(window, ends[0], FD_CLOSE, WSAECONNRESET);
    T_TRUE(DestroyWindow(window));
}

/* Rule A.11.23. */
static void message__nobody_listens__connect_with_refused(struct t_run *t)
{
    HWND window = window_make(t);
    struct t_addr at;
    SOCKET s;
    T_DO(window != NULL && t_nobody(t, AF_INET, SOCK_STREAM, &at));
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(WSAAsyncSelect(s, window, T_MESSAGE, FD_CONNECT));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_MESSAGE_IS(window, s, FD_CONNECT, WSAECONNREFUSED);
    T_TRUE(DestroyWindow(window));
}

/* Rules A.11.1, A.11.2, A.11.4. */
static void message__selection_of_nothing__none_comes(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    char byte;
    T_DO(window != NULL && t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_FAILS(t_ioctl(ends[0], (ULONG)FIONBIO, 0), WSAEINVAL);
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAEWOULDBLOCK);
    T_OK(WSAAsyncSelect(ends[0], window, 0, 0));
    T_DO(t_send_all(t, ends[1], "ab", 2));
    T_NO_MESSAGE(window);
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 0));
    T_TRUE(DestroyWindow(window));
}

/* Rules A.11.3, A.12.13: the last registration holds, with window, number and events; an event takes over, and back. */
static void message__registered_anew__the_last_counts(struct t_run *t)
{
    HWND window = window_make(t);
    HWND other = window_make(t);
    WSAEVENT event = t_event(t);
    SOCKET ends[2];
    MSG msg;
    T_DO(window != NULL && other != NULL && t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_OK(WSAAsyncSelect(ends[0], other, T_MESSAGE + 1, FD_READ));
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_TRUE(message_take(other, &msg, T_WAIT_MS));
    T_EQ(msg.message, T_MESSAGE + 1);
    T_NO_MESSAGE(window);
    T_OK(WSAEventSelect(ends[0], event, FD_READ));
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_NO_MESSAGE(other);
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_TRUE(DestroyWindow(window) && DestroyWindow(other));
}

/* Rule A.11.12; what modern Windows does: a connection from before is not told, what can be done with it is, in this order. */
static void message__connected_before__read_and_write_alone(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    T_DO(window != NULL && t_pair(t, AF_INET, ends));
    T_DO(t_send_all(t, ends[1], "a", 1));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CONNECT | FD_READ | FD_WRITE));
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_MESSAGE_IS(window, ends[0], FD_WRITE, 0);
    T_NO_MESSAGE(window);
    T_TRUE(DestroyWindow(window));
}

/* Rule A.11.22. */
static void message__window_not_there__inval(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(window != NULL);
    T_TRUE(DestroyWindow(window));
    T_FAILS(WSAAsyncSelect(s, window, T_MESSAGE, FD_READ), WSAEINVAL);
    T_FAILS(WSAAsyncSelect(s, NULL, T_MESSAGE, FD_READ), WSAEINVAL);
    T_FAILS(WSAAsyncSelect(s, (HWND)t_event(t), T_MESSAGE, FD_READ), WSAEINVAL);
}

static void message__datagram__read(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    T_DO(window != NULL && t_udp_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_READ));
    T_EQ(send(ends[1], "x", 1, 0), 1);
    T_MESSAGE_IS(window, ends[0], FD_READ, 0);
    T_TRUE(DestroyWindow(window));
}

/* Rule A.11.18. */
static void message__socket_closed__no_close_event(struct t_run *t)
{
    HWND window = window_make(t);
    SOCKET ends[2];
    T_DO(window != NULL && t_pair(t, AF_INET, ends));
    T_OK(WSAAsyncSelect(ends[0], window, T_MESSAGE, FD_CLOSE));
    T_OK(t_close(t, ends[0]));
    T_NO_MESSAGE(window);
    T_TRUE(DestroyWindow(window));
}

static const struct t_cases cases[] = {
    T_CASE(message__data__read_once_until_received),
    T_CASE(message__connect_and_write__in_this_order),
    T_CASE(message__clients__accept_for_each_and_inherited),
    T_CASE(message__peer_closes_or_resets__close_with_its_code),
    T_CASE(message__nobody_listens__connect_with_refused),
    T_CASE(message__selection_of_nothing__none_comes),
    T_CASE(message__registered_anew__the_last_counts),
    T_CASE(message__connected_before__read_and_write_alone),
    T_CASE(message__window_not_there__inval),
    T_CASE(message__datagram__read),
    T_CASE(message__socket_closed__no_close_event),
};

const struct t_group t_group_message = {"message", cases, T_COUNT(cases), false};

/*
 * Eight threads on one socket: everything at once, and closing under all of it.
 */
#include "both.h"

#define STORM_THREADS 8
#define STORM_BLOCK 512

struct storm {
    SOCKET s;
    int kind;
    LONG *stop;
    unsigned calls;
    unsigned moved;
    int code; /* of the first failure */
};

static int storm_send(struct storm *storm)
{
    static const char block[STORM_BLOCK] = {0};
    int n = send(storm->s, block, sizeof block, 0);
    storm->moved += n > 0 ? (unsigned)n : 0;
    return n;
}

static int storm_recv(struct storm *storm)
{
    char block[STORM_BLOCK];
    int n = recv(storm->s, block, sizeof block, 0);
    storm->moved += n > 0 ? (unsigned)n : 0;
    return n == 0 ? SOCKET_ERROR : n; /* the end */
}

static int storm_poll(struct storm *storm)
{
    WSAPOLLFD one = {storm->s, POLLIN | POLLOUT, 0};
    int told = WSAPoll(&one, 1, 1);
    bool closed = told == 1 && (one.revents & POLLNVAL) != 0;
    if (closed || (told == SOCKET_ERROR && WSAGetLastError() == WSAEINVAL)) { /* POLL-1: no socket is left */
        WSASetLastError(WSAENOTSOCK);
        return SOCKET_ERROR;
    }
    return told;
}

static int storm_select(struct storm *storm)
{
    struct timeval little = {0, 1000};
    fd_set r, w, x;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(storm->s, &r);
    FD_SET(storm->s, &w);
    FD_SET(storm->s, &x);
    return select(0, &r, &w, &x, &little);
}

static int storm_options(struct storm *storm)
{
    int value = (int)(storm->calls % 2);
    int bytes = sizeof value;
    if (setsockopt(storm->s, SOL_SOCKET, SO_KEEPALIVE, (const char *)&value, sizeof value) == SOCKET_ERROR) {
        return SOCKET_ERROR;
    }
    return getsockopt(storm->s, SOL_SOCKET, SO_TYPE, (char *)&value, &bytes);
}

static int storm_names(struct storm *storm)
{
    SOCKADDR_STORAGE name;
    int bytes = sizeof name;
    if (getsockname(storm->s, (struct sockaddr *)&name, &bytes) == SOCKET_ERROR) {
        return SOCKET_ERROR;
    }
    bytes = sizeof name;
    return getpeername(storm->s, (struct sockaddr *)&name, &bytes);
}

static int storm_ioctl(struct storm *storm)
{
    u_long bytes = 0;
    return ioctlsocket(storm->s, FIONREAD, &bytes);
}

static int storm_overlapped(struct storm *storm)
{
    char byte = 'o';
    WSABUF buffer = {1, &byte};
    WSAOVERLAPPED overlapped = {0};
    DWORD moved = 0, flags = 0;
    overlapped.hEvent = WSACreateEvent();
    if (WSASend(storm->s, &buffer, 1, &moved, 0, &overlapped, NULL) == SOCKET_ERROR &&
        WSAGetLastError() != WSA_IO_PENDING) {
        int code = WSAGetLastError();
        WSACloseEvent(overlapped.hEvent);
        WSASetLastError(code);
        return SOCKET_ERROR;
    }
    /* A socket that is closed ends its operations: the event always comes. */
    (void)WaitForSingleObject(overlapped.hEvent, 20000);
    if (!WSAGetOverlappedResult(storm->s, &overlapped, &moved, FALSE, &flags)) {
        int code = WSAGetLastError();
        WSACloseEvent(overlapped.hEvent);
        WSASetLastError(code);
        return SOCKET_ERROR;
    }
    storm->moved += moved;
    WSACloseEvent(overlapped.hEvent);
    return 0;
}

static int (*const storm_kinds[STORM_THREADS])(struct storm *storm) = {
    storm_send, storm_recv, storm_poll, storm_select, storm_options, storm_names, storm_ioctl, storm_overlapped,
};

static DWORD WINAPI storm_run(LPVOID context)
{
    struct storm *storm = (struct storm *)context;
    /* Who receives does so to the end: else the echo has no room, and then the senders have none. */
    while (storm->kind == 1 || __atomic_load_n(storm->stop, __ATOMIC_ACQUIRE) == 0) {
        if (storm_kinds[storm->kind](storm) == SOCKET_ERROR) {
            storm->code = WSAGetLastError();
            break;
        }
        storm->calls++;
    }
    return 0;
}

/* The other end: what it gets goes back. */
static DWORD WINAPI storm_echo(LPVOID context)
{
    struct storm *storm = (struct storm *)context;
    char block[1024];
    int n;
    while ((n = recv(storm->s, block, sizeof block, 0)) > 0) {
        storm->moved += (unsigned)n;
        if (send(storm->s, block, n, 0) != n) {
            break;
        }
    }
    storm->code = n < 0 ? WSAGetLastError() : 0;
    return 0;
}

static bool storm_begin(struct t_run *t, struct storm *storms, HANDLE *threads, SOCKET s, LONG *stop)
{
    int i;
    *stop = 0;
    for (i = 0; i < STORM_THREADS; i++) {
        storms[i] = (struct storm){s, i, stop, 0, 0, 0};
        threads[i] = t_thread(t, storm_run, &storms[i]);
        if (threads[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* No call fails while the socket is open, and what was sent is what arrived. */
static void one_socket__eight_kinds_of_calls__all_succeed(struct t_run *t)
{
    static struct storm storms[STORM_THREADS];
    static struct storm echo;
    static LONG stop;
    HANDLE threads[STORM_THREADS];
    HANDLE other;
    SOCKET ends[2];
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    echo = (struct storm){ends[1], 0, &stop, 0, 0, 0};
    other = t_thread(t, storm_echo, &echo);
    T_TRUE(other != NULL);
    T_TRUE(storm_begin(t, storms, threads, ends[0], &stop));
    Sleep(300);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (i = 0; i < STORM_THREADS; i++) {
        if (i == 1) {
            continue; /* until the end */
        }
        T_EQ(WaitForSingleObject(threads[i], 5000), WAIT_OBJECT_0);
        T_EQ(storms[i].code, 0);
        T_TRUE(storms[i].calls > 0);
    }
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(WaitForSingleObject(other, 5000), WAIT_OBJECT_0);
    T_EQ(echo.code, 0);
    T_EQ(echo.moved, storms[0].moved + storms[7].moved);
    T_OK(shutdown(ends[1], SD_SEND));
    T_EQ(WaitForSingleObject(threads[1], 5000), WAIT_OBJECT_0);
    T_EQ(storms[1].moved, echo.moved);
}

static bool storm_code(int code)
{
    return code == 0 || code == WSAEINTR || code == WSAENOTSOCK || code == WSAECONNABORTED || code == WSAENOTCONN ||
           code == WSA_OPERATION_ABORTED || code == WSAECONNRESET || code == WSAESHUTDOWN;
}

/* Closing under all of it, again and again: every thread ends, with a code that says so. */
static void one_socket__closed_under_eight_kinds_of_calls__all_end(struct t_run *t)
{
    static struct storm storms[2][STORM_THREADS];
    static LONG stop;
    HANDLE threads[STORM_THREADS];
    int round;
    int i;
    for (round = 0; round < 2; round++) {
        SOCKET ends[2];
        T_DO(t_pair(t, AF_INET, ends));
        T_TRUE(storm_begin(t, storms[round], threads, ends[0], &stop));
        Sleep(round == 0 ? 0 : 20);
        T_OK(t_close(t, ends[0]));
        for (i = 0; i < STORM_THREADS; i++) {
            T_EQ(WaitForSingleObject(threads[i], 10000), WAIT_OBJECT_0);
            if (!storm_code(storms[round][i].code)) {
                t_note(t, __FILE__, __LINE__, "round %d, kind %d ends with %d", round, i, storms[round][i].code);
                return;
            }
        }
        T_OK(t_close(t, ends[1]));
    }
}

struct storm_closer {
    SOCKET s;
    int result;
};

static DWORD WINAPI storm_close(LPVOID context)
{
    struct storm_closer *closer = (struct storm_closer *)context;
    closer->result = closesocket(closer->s);
    return 0;
}

/* Rule WSPC-9: of several that close a socket one succeeds. */
static void close__four_threads__one_succeeds(struct t_run *t)
{
    static struct storm_closer closers[4];
    HANDLE threads[4];
    int closed = 0;
    int i;
    SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
    T_TRUE(s != INVALID_SOCKET);
    for (i = 0; i < 4; i++) {
        closers[i] = (struct storm_closer){s, 0};
        threads[i] = t_thread(t, storm_close, &closers[i]);
        T_TRUE(threads[i] != NULL);
    }
    for (i = 0; i < 4; i++) {
        T_EQ(WaitForSingleObject(threads[i], 5000), WAIT_OBJECT_0);
        closed += closers[i].result == 0;
    }
    T_EQ(closed, 1);
}

static const struct t_cases cases[] = {
    T_CASE(one_socket__eight_kinds_of_calls__all_succeed),
    T_CASE(one_socket__closed_under_eight_kinds_of_calls__all_end),
    T_CASE(close__four_threads__one_succeeds),
};

const struct t_group t_group_storm = {"storm", cases, T_COUNT(cases), false};

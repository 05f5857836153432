/*
 * How connections end: shutdown, graceful and hard closes, linger, what the peer sees.
 */
#include "both.h"

/* Rules CLS-1, CLS-8, CLS-15, A.13.13, A.13.18. */
static void shutdown__send__end_for_the_peer_and_data_the_other_way(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "last", 4, 0), 4);
    T_OK(shutdown(ends[0], SD_SEND));
    T_FAILS(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    T_DO(t_recv_all(t, ends[1], room, 4));
    T_SAME(room, "last", 4);
    T_EQ(recv(ends[1], room, sizeof room, 0), 0);
    T_EQ(recv(ends[1], room, sizeof room, 0), 0); /* again and again */
    T_EQ(send(ends[1], "back", 4, 0), 4);
    T_DO(t_recv_all(t, ends[0], room, 4));
    T_SAME(room, "back", 4);
    T_OK(shutdown(ends[1], SD_SEND));
    T_EQ(recv(ends[0], room, sizeof room, 0), 0);
}

/* Rules CLS-10, A.8.10. */
static void shutdown__receive__own_receives_fail_sends_work(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_RECEIVE));
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAESHUTDOWN);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
}

static void shutdown__both__neither_works(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_BOTH));
    T_FAILS(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAESHUTDOWN);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
}

/* Rules WSPSHUTDOWN-1, A.13.12, A.13.17. */
static void shutdown__wrong_uses__have_their_codes(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(shutdown(ends[0], 3), WSAEINVAL);
    T_FAILS(shutdown(ends[0], -1), WSAEINVAL);
    T_FAILS(shutdown(s, SD_SEND), WSAENOTCONN);
    T_FAILS(shutdown(s, SD_RECEIVE), WSAENOTCONN);
    T_FAILS(shutdown(s, SD_BOTH), WSAENOTCONN);
}

/* Rule A.13.15: it closes nothing. */
static void shutdown__both_then_questions__are_answered(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at = t_wildcard(AF_INET, 0);
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_BOTH));
    T_OK(getsockname(ends[0], &at.u.any, &at.bytes));
    T_EQ(t_get_int(ends[0], SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    T_OK(t_close(t, ends[0]));
}

static void shutdown__send_twice__is_no_error(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_SEND));
    T_OK(shutdown(ends[0], SD_SEND));
}

/* Rules CLS-5, CLS-7, A.13.5: all data, then the end. */
static void close__default__all_data_then_the_end(struct t_run *t)
{
    static char out[200000], in[200000];
    SOCKET ends[2];
    char byte;
    int n, sent = 0;
    T_DO(t_pair(t, AF_INET, ends));
    t_pattern(out, sizeof out, 9);
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 1));
    n = send(ends[0], out, sizeof out, 0);
    T_TRUE(n > 0);
    sent = n;
    T_OK(t_close(t, ends[0]));
    T_DO(t_recv_all(t, ends[1], in, sent));
    T_SAME(in, out, sent);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
}

/* Rules CLS-3, CLS-9, CLS-17, A.13.6. */
static void close__linger_zero__resets_the_peer(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_close(t, ends[0]));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAECONNRESET);
}

/* SO_DONTLINGER off again: as by default (rule A.13.11). */
static void close__linger_taken_back__ends_gracefully(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_set_int(ends[0], SOL_SOCKET, SO_DONTLINGER, 1));
    T_OK(t_close(t, ends[0]));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
}

/* Rules CLS-18, WSPCLOSESOCKET-6. */
static void close__unread_data__resets_the_peer(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "unread", 6, 0), 6);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(t_close(t, ends[1]));
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAECONNRESET);
}

/* Rule A.13.7: with nothing left to send a lingering close ends at once. */
static void close__linger_and_nothing_to_send__at_once(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    ULONGLONG before;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_linger(ends[0], 1, 5));
    before = GetTickCount64();
    T_OK(t_close(t, ends[0]));
    T_TRUE(GetTickCount64() - before < 1500);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
}

/* Rules A.13.7, CLS-4, CLS-24: the peer reads nothing; after the time a hard close. */
static void close__linger_runs_out__waits_that_long_then_resets(struct t_run *t)
{
    static char block[65536];
    SOCKET ends[2];
    ULONGLONG before;
    int n = 1;
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_fill(t, ends[0]));
    T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 0));
    T_OK(t_set_linger(ends[0], 1, 1));
    before = GetTickCount64();
    (void)t_close(t, ends[0]);
    T_TRUE(GetTickCount64() - before >= 900);
    T_TRUE(GetTickCount64() - before < T_WAIT_MS);
    while (n > 0) {
        n = recv(ends[1], block, sizeof block, 0);
    }
    T_EQ(n, SOCKET_ERROR);
    T_EQ(WSAGetLastError(), WSAECONNRESET);
}

/* Rules A.13.8, WSPCLOSESOCKET-1: the handle stays valid, nothing has begun. */
static void close__nonblocking_linger_and_data__wouldblock_and_still_open(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_fill(t, ends[0]));
    T_OK(t_set_linger(ends[0], 1, 1));
    T_FAILS(closesocket(ends[0]), WSAEWOULDBLOCK);
    T_EQ(t_get_int(ends[0], SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_close(t, ends[0]));
}

/* Rules A.7.19, CLS-9: who sends to a closed peer learns it soon. */
static void send__peer_is_gone__reset_or_aborted(struct t_run *t)
{
    SOCKET ends[2];
    int n = 0;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_close(t, ends[1]));
    for (i = 0; i < 100 && n != SOCKET_ERROR; i++) {
        n = send(ends[0], "xxxx", 4, 0);
        Sleep(5);
    }
    T_EQ(n, SOCKET_ERROR);
    T_TRUE(WSAGetLastError() == WSAECONNRESET || WSAGetLastError() == WSAECONNABORTED);
}

static void send__after_a_reset__connreset(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_linger(ends[1], 1, 0));
    T_OK(t_close(t, ends[1]));
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAECONNRESET);
    T_FAILS_2(send(ends[0], "x", 1, 0), WSAECONNRESET, WSAECONNABORTED);
}

/* The end can be read after the data also when both came long ago; FIONREAD counts data only. */
static void close__data_and_end_wait__in_order(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    u_long n = 9;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "abc", 3, 0), 3);
    T_OK(t_close(t, ends[0]));
    Sleep(T_QUIET_MS);
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 3);
    T_EQ(recv(ends[1], room, sizeof room, 0), 3);
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 0);
    T_EQ(recv(ends[1], room, sizeof room, 0), 0);
}

/* Rules CDD-1, CDD-5, A.13.19 to A.13.21: shutdowns without data. */
static void disconnect__without_data__as_shutdown(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSASendDisconnect(ends[0], NULL));
    T_FAILS(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_OK(WSARecvDisconnect(ends[1], NULL));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAESHUTDOWN);
}

static void disconnect__not_connected__notconn(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(WSASendDisconnect(s, NULL), WSAENOTCONN);
    T_FAILS(WSARecvDisconnect(s, NULL), WSAENOTCONN);
}

/* Rule A.13.20. */
static void disconnect__with_data__noprotoopt(struct t_run *t)
{
    SOCKET ends[2];
    char data[4] = "bye";
    WSABUF buffer = {3, data};
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(WSASendDisconnect(ends[0], &buffer), WSAENOPROTOOPT);
}

/* Rules 7.1, A.13.11: SO_LINGER and SO_DONTLINGER are one. */
static void linger__set_either_way__both_tell(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct linger linger;
    int bytes = sizeof linger;
    T_EQ(t_get_int(s, SOL_SOCKET, SO_DONTLINGER), 1);
    T_OK(t_set_linger(s, 1, 12));
    T_EQ(t_get_int(s, SOL_SOCKET, SO_DONTLINGER), 0);
    T_OK(t_set_int(s, SOL_SOCKET, SO_DONTLINGER, 1));
    T_OK(getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&linger, &bytes));
    T_EQ(linger.l_onoff, 0);
    T_EQ(bytes, sizeof linger);
}

/* Rule A.13.14: what comes after SD_RECEIVE resets the connection. */
static void shutdown__receive_then_data__peer_is_reset(struct t_run *t)
{
    SOCKET ends[2];
    int n = 0;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[1], SD_RECEIVE));
    for (i = 0; i < 60 && n != SOCKET_ERROR; i++) {
        n = send(ends[0], "x", 1, 0);
        Sleep(5);
    }
    T_EQ(n, SOCKET_ERROR);
    T_TRUE(WSAGetLastError() == WSAECONNRESET || WSAGetLastError() == WSAECONNABORTED);
}

/* Rules A.13.14, CLS-19: and so does what waited when it was shut down. */
static void shutdown__receive_with_data_waiting__peer_is_reset(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "waits", 5, 0), 5);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(shutdown(ends[1], SD_RECEIVE));
    T_OK(t_close(t, ends[1]));
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAECONNRESET);
}

/* Rules A.13.15, A.13.23: neither call waits for the linger time. */
static void shutdown__linger_and_data__does_not_wait(struct t_run *t)
{
    int way;
    for (way = 0; way < 2; way++) {
        SOCKET ends[2];
        ULONGLONG before;
        T_DO(t_pair(t, AF_INET, ends));
        T_DO(t_fill(t, ends[0]));
        T_OK(t_ioctl(ends[0], (ULONG)FIONBIO, 0));
        T_OK(t_set_linger(ends[0], 1, 5));
        before = GetTickCount64();
        T_OK(way == 0 ? shutdown(ends[0], SD_SEND) : WSASendDisconnect(ends[0], NULL));
        T_TRUE(GetTickCount64() - before < 1500);
        T_OK(t_set_linger(ends[0], 1, 0));
        T_OK(t_close(t, ends[0]));
    }
}

/* Rule A.13.23. */
static void disconnect__closes_nothing__questions_are_answered(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at = t_wildcard(AF_INET, 0);
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSASendDisconnect(ends[0], NULL));
    T_OK(WSARecvDisconnect(ends[0], NULL));
    T_OK(getsockname(ends[0], &at.u.any, &at.bytes));
    T_EQ(t_get_int(ends[0], SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    T_OK(t_close(t, ends[0]));
}

static const struct t_cases cases[] = {
    T_CASE(shutdown__send__end_for_the_peer_and_data_the_other_way),
    T_CASE(shutdown__receive__own_receives_fail_sends_work),
    T_CASE(shutdown__both__neither_works),
    T_CASE(shutdown__wrong_uses__have_their_codes),
    T_CASE(shutdown__both_then_questions__are_answered),
    T_CASE(shutdown__send_twice__is_no_error),
    T_CASE(shutdown__receive_then_data__peer_is_reset),
    T_CASE(close__default__all_data_then_the_end),
    T_CASE(close__linger_zero__resets_the_peer),
    T_CASE(close__linger_taken_back__ends_gracefully),
    T_CASE(close__unread_data__resets_the_peer),
    T_CASE(close__linger_and_nothing_to_send__at_once),
    T_CASE(close__linger_runs_out__waits_that_long_then_resets),
    T_CASE(close__nonblocking_linger_and_data__wouldblock_and_still_open),
    T_CASE(send__peer_is_gone__reset_or_aborted),
    T_CASE(send__after_a_reset__connreset),
    T_CASE(close__data_and_end_wait__in_order),
    T_CASE(disconnect__without_data__as_shutdown),
    T_CASE(disconnect__not_connected__notconn),
    T_CASE(disconnect__with_data__noprotoopt),
    T_CASE(linger__set_either_way__both_tell),
    T_CASE(shutdown__receive_with_data_waiting__peer_is_reset),
    T_CASE(shutdown__linger_and_data__does_not_wait),
    T_CASE(disconnect__closes_nothing__questions_are_answered),
};

const struct t_group t_group_close = {"close", cases, T_COUNT(cases), false};

/*
 * Urgent data: one byte beside the stream, or in it.
 */
#include "both.h"

/* Rules OOB-2, OOB-4, A.14.4: read with MSG_OOB, never among the rest. */
static void urgent__not_inline__beside_the_stream(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "ab", 2, 0), 2);
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(send(ends[0], "cd", 2, 0), 2);
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], room, 1, MSG_OOB), 1);
    T_EQ(room[0], 'U');
    T_DO(t_recv_all(t, ends[1], room, 4));
    T_SAME(room, "abcd", 4);
}

/* Rules EVT-19, A.10.7. */
static void urgent__not_inline__except_set_until_read(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_select(ends[1], 'x', 0), 0);
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB), 1);
    T_EQ(t_select(ends[1], 'x', 0), 0);
}

/* Rules OOB-8, A.14.6. */
static void urgent__inline__in_its_place(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_EQ(send(ends[0], "ab", 2, 0), 2);
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(send(ends[0], "cd", 2, 0), 2);
    T_DO(t_recv_all(t, ends[1], room, 5));
    T_SAME(room, "abUcd", 5);
}

/* Rules OOB-7, A.8.9. */
static void urgent__inline_and_asked_beside__inval(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_FAILS(recv(ends[1], &byte, 1, MSG_OOB), WSAEINVAL);
}

/* Rule EVT-6. */
static void urgent__event__oob_is_recorded(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[1], event, FD_OOB));
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_OOB);
}

/* Rule A.14.7: TRUE when no urgent data waits. */
static void atmark__nothing_urgent__true(struct t_run *t)
{
    SOCKET ends[2];
    u_long mark = 77;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 1);
}

/* A pair whose second end has "ab", an urgent U and "cd" on the way, and the urgent byte there. */
static bool urgent_pair(struct t_run *t, SOCKET ends[2])
{
    return t_pair(t, AF_INET, ends) && send(ends[0], "ab", 2, 0) == 2 && send(ends[0], "U", 1, MSG_OOB) == 1 &&
           send(ends[0], "cd", 2, 0) == 2 && t_select(ends[1], 'x', T_WAIT_MS) == 1;
}

/* Rules OOB-1, A.14.1: it can be looked at, and waits on. */
static void urgent__peeked__waits_on(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    T_DO(urgent_pair(t, ends));
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB | MSG_PEEK), 1);
    T_EQ(byte, 'U');
    T_EQ(t_select(ends[1], 'x', 0), 1);
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB), 1);
    T_EQ(byte, 'U');
    T_FAILS(recv(ends[1], &byte, 1, MSG_OOB), WSAEINVAL);
}

/* Rules OOB-6, A.14.5: one receive does not go beyond the mark, MSG_WAITALL or not; the byte is not among them. */
static void urgent__mark_between__receives_stop_there(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(urgent_pair(t, ends));
    T_EQ(recv(ends[1], room, sizeof room, 0), 2);
    T_SAME(room, "ab", 2);
    T_DO(t_recv_all(t, ends[1], room, 2));
    T_SAME(room, "cd", 2);
    T_EQ(send(ends[0], "ef", 2, 0), 2);
    T_EQ(send(ends[0], "V", 1, MSG_OOB), 1);
    T_EQ(send(ends[0], "gh", 2, 0), 2);
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], room, 4, MSG_WAITALL), 2);
    T_SAME(room, "ef", 2);
}

/* Rules OOB-4, OOB-5, A.14.4: it stays to be read when the reader is beyond its place. */
static void urgent__reader_beyond_it__still_there(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(urgent_pair(t, ends));
    T_DO(t_recv_all(t, ends[1], room, 4));
    T_SAME(room, "abcd", 4);
    T_EQ(t_select(ends[1], 'x', 0), 1);
    T_EQ(recv(ends[1], room, sizeof room, MSG_OOB), 1);
    T_EQ(room[0], 'U');
}

/* Rule OOB-10: the second takes the first one's place, which is then nowhere. */
static void urgent__second_before_the_first_was_read__replaces_it(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(urgent_pair(t, ends));
    T_EQ(send(ends[0], "V", 1, MSG_OOB), 1);
    T_EQ(send(ends[0], "e", 1, 0), 1);
    while (recv(ends[1], room, 1, MSG_OOB | MSG_PEEK) == 1 && room[0] != 'V') {
        Sleep(1);
    }
    T_EQ(recv(ends[1], room, 1, MSG_OOB), 1);
    T_EQ(room[0], 'V');
    T_DO(t_recv_all(t, ends[1], room, 5));
    T_SAME(room, "abcde", 5);
}

/* Rules WSPSEND-5, OOB-9: of several bytes the last is urgent. */
static void urgent__many_bytes__the_last_is(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET6, ends));
    T_EQ(send(ends[0], "TEST", 4, MSG_OOB), 4);
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], room, 1, MSG_OOB), 1);
    T_EQ(room[0], 'T');
    T_EQ(recv(ends[1], room, sizeof room, 0), 3);
    T_SAME(room, "TES", 3);
}

/* Rules OOB-7, A.8.9: nothing urgent. */
static void urgent__none__inval(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS(recv(ends[1], &byte, 1, MSG_OOB), WSAEINVAL);
    T_FAILS(recv(t_socket(t, AF_INET, SOCK_STREAM), &byte, 1, MSG_OOB), WSAENOTCONN);
}

/* Rules OOB-8, A.14.6, A.8.14: three receives to get past it. */
static void urgent__inline__a_receive_of_its_own(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_EQ(send(ends[0], "abU", 3, MSG_OOB), 3);
    T_EQ(send(ends[0], "cd", 2, 0), 2);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(t_select(ends[1], 'x', T_QUIET_MS), 0);
    T_EQ(recv(ends[1], room, sizeof room, 0), 2);
    T_SAME(room, "ab", 2);
    T_EQ(recv(ends[1], room, sizeof room, 0), 1);
    T_EQ(room[0], 'U');
    T_EQ(recv(ends[1], room, sizeof room, 0), 2);
    T_SAME(room, "cd", 2);
}

/* Rules OOB-2, OOB-11: the option can be set when the byte is there already. */
static void urgent__inline_set_behind_it__in_its_place(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(urgent_pair(t, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_EQ(t_select(ends[1], 'x', 0), 0);
    T_DO(t_recv_all(t, ends[1], room, 5));
    T_SAME(room, "abUcd", 5);
}

/* Rules EVT-6, EVT-7, A.11.7, A.11.9, A.11.15: not FD_READ; once, and again after a receive that leaves it. */
static void urgent__event__again_after_a_receive_that_leaves_it(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[1], event, FD_OOB | FD_READ));
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_OOB);
    T_EQ(record.iErrorCode[FD_OOB_BIT], 0);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_FAILS(recv(ends[1], room, sizeof room, 0), WSAEWOULDBLOCK);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_OOB);
    T_EQ(recv(ends[1], room, sizeof room, MSG_OOB), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_QUIET_MS, FALSE), WSA_WAIT_TIMEOUT);
    T_EQ(send(ends[0], "V", 1, MSG_OOB), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_OOB);
}

/* Rules EVT-7, A.11.14, A.14.6: in line it is data. */
static void urgent__event_inline__is_read(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_OK(WSAEventSelect(ends[1], event, FD_OOB | FD_READ));
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_READ);
}

/* Rules A.8.18, WSPRECV-4: flags and bytes of an overlapped receive; nothing urgent is no reason to wait. */
static void urgent__overlapped__complete_at_once(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    WSABUF buffer = {1, &byte};
    WSAOVERLAPPED ov = {0};
    DWORD got = 77, flags = MSG_OOB;
    ov.hEvent = t_event(t);
    T_DO(urgent_pair(t, ends));
    T_OK(WSARecv(ends[1], &buffer, 1, &got, &flags, &ov, NULL));
    T_EQ(WSAWaitForMultipleEvents(1, &ov.hEvent, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    flags = 0;
    T_TRUE(WSAGetOverlappedResult(ends[1], &ov, &got, FALSE, &flags));
    T_EQ(got, 1);
    T_EQ(byte, 'U');
    flags = MSG_OOB;
    T_FAILS(WSARecv(ends[1], &buffer, 1, &got, &flags, &ov, NULL), WSAEINVAL);
    flags = 0;
    buffer.buf = (char *)(uintptr_t) "xyV";
    buffer.len = 3;
    T_OK(WSASend(ends[0], &buffer, 1, &got, MSG_OOB, &ov, NULL));
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB), 1);
    T_EQ(byte, 'V');
}

/* Rules OOB-14, A.14.7, X2: beside the stream FALSE until it was read, in line until what is before it was. */
static void atmark__urgent_waits__false_until_read(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    u_long mark = 77;
    T_DO(urgent_pair(t, ends));
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 0);
    T_EQ(recv(ends[1], room, 1, MSG_OOB), 1);
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 1);
}

static void atmark__inline__true_at_the_mark(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    u_long mark = 77;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_EQ(send(ends[0], "abU", 3, MSG_OOB), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 0);
    T_EQ(recv(ends[1], room, 2, 0), 2);
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 1);
    T_EQ(recv(ends[1], room, 1, 0), 1);
    T_OK(ioctlsocket(ends[1], (LONG)SIOCATMARK, &mark));
    T_EQ(mark, 1);
}

#ifndef TCP_EXPEDITED_1122
#define TCP_EXPEDITED_1122 2
#endif

/* Rules OOB-12, X25: BSD's convention at first; one change, before data flows; each option is the other's opposite. */
static void convention__two_options__one_choice(struct t_run *t)
{
    SOCKET ends[2], s = t_socket(t, AF_INET, SOCK_STREAM);
    T_EQ(t_get_int(s, IPPROTO_TCP, TCP_BSDURGENT), 1);
    T_EQ(t_get_int(s, IPPROTO_TCP, TCP_EXPEDITED_1122), 0);
    T_OK(t_set_int(s, IPPROTO_TCP, TCP_BSDURGENT, 1));
    T_OK(t_set_int(s, IPPROTO_TCP, TCP_EXPEDITED_1122, 1));
    T_EQ(t_get_int(s, IPPROTO_TCP, TCP_BSDURGENT), 0);
    T_EQ(t_get_int(s, IPPROTO_TCP, TCP_EXPEDITED_1122), 1);
    T_FAILS(t_set_int(s, IPPROTO_TCP, TCP_EXPEDITED_1122, 0), WSAEINVAL);
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_FAILS(t_set_int(ends[0], IPPROTO_TCP, TCP_BSDURGENT, 0), WSAEINVAL);
}

/* Both ends of RFC 1122's convention understand each other. */
static void convention__rfc1122_both_ends__the_same_byte(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_int(ends[0], IPPROTO_TCP, TCP_EXPEDITED_1122, 1));
    T_OK(t_set_int(ends[1], IPPROTO_TCP, TCP_EXPEDITED_1122, 1));
    T_EQ(send(ends[0], "abU", 3, MSG_OOB), 3);
    T_EQ(t_select(ends[1], 'x', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], room, 1, MSG_OOB), 1);
    T_EQ(room[0], 'U');
    T_DO(t_recv_all(t, ends[1], room, 2));
    T_SAME(room, "ab", 2);
}

static const struct t_cases cases[] = {
    T_CASE(urgent__not_inline__beside_the_stream),
    T_CASE(urgent__not_inline__except_set_until_read),
    T_CASE(urgent__inline__in_its_place),
    T_CASE(urgent__inline_and_asked_beside__inval),
    T_CASE(urgent__event__oob_is_recorded),
    T_CASE(atmark__nothing_urgent__true),
    T_CASE(urgent__peeked__waits_on),
    T_CASE(urgent__mark_between__receives_stop_there),
    T_CASE(urgent__reader_beyond_it__still_there),
    T_CASE(urgent__second_before_the_first_was_read__replaces_it),
    T_CASE(urgent__many_bytes__the_last_is),
    T_CASE(urgent__none__inval),
    T_CASE(urgent__inline__a_receive_of_its_own),
    T_CASE(urgent__inline_set_behind_it__in_its_place),
    T_CASE(urgent__event__again_after_a_receive_that_leaves_it),
    T_CASE(urgent__event_inline__is_read),
    T_CASE(urgent__overlapped__complete_at_once),
    T_CASE(atmark__urgent_waits__false_until_read),
    T_CASE(atmark__inline__true_at_the_mark),
    T_CASE(convention__two_options__one_choice),
    T_CASE(convention__rfc1122_both_ends__the_same_byte),
};

const struct t_group t_group_urgent = {"urgent", cases, T_COUNT(cases), false};

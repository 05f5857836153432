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

static const struct t_cases cases[] = {
    T_CASE(urgent__not_inline__beside_the_stream), T_CASE(urgent__not_inline__except_set_until_read),
    T_CASE(urgent__inline__in_its_place),          T_CASE(urgent__inline_and_asked_beside__inval),
    T_CASE(urgent__event__oob_is_recorded),        T_CASE(atmark__nothing_urgent__true),
};

const struct t_group t_group_urgent = {"urgent", cases, T_COUNT(cases), false};

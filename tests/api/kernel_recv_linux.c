/*
 * WSARecvEx. Only of the Linux DLL: Windows has it in mswsock.dll, and Wine's only says that it failed.
 * Rules MSG-26 to MSG-28, A.8.27.
 */
#include "kernel.h"

#include <mswsock.h>

static void recv_ex__stream__as_recv(struct t_run *t)
{
    SOCKET ends[2];
    char data[8];
    int flags = 0;
    T_DO(t_pair(t, AF_INET, ends) && t_send_all(t, ends[0], "hello", 5));
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    flags = 0;
    T_EQ(WSARecvEx(ends[1], data, 3, &flags), 3);
    T_EQ(flags, 0);
    T_EQ(WSARecvEx(ends[1], data, 8, &flags), 2);
    T_EQ(flags, 0);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(WSARecvEx(ends[1], data, 8, &flags), 0);
    T_EQ(flags, 0);
}

static void recv_ex__datagram__partial_where_it_does_not_fit(struct t_run *t)
{
    SOCKET ends[2];
    char data[8];
    int flags = 0;
    T_DO(t_udp_pair(t, AF_INET, ends) && t_send_all(t, ends[0], "hello", 5) && t_send_all(t, ends[0], "you", 3));
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(WSARecvEx(ends[1], data, 3, &flags), 3);
    T_EQ(flags, MSG_PARTIAL);
    T_SAME(data, "hel", 3);
    flags = 0;
    T_EQ(WSARecvEx(ends[1], data, 8, &flags), 3); /* the rest is lost */
    T_EQ(flags, 0);
    T_SAME(data, "you", 3);
    T_OK(t_ioctl(ends[1], FIONBIO, 1));
    T_FAILS(WSARecvEx(ends[1], data, 8, &flags), WSAEWOULDBLOCK);
}

static const struct t_cases cases[] = {
    T_CASE(recv_ex__stream__as_recv),
    T_CASE(recv_ex__datagram__partial_where_it_does_not_fit),
};

const struct t_group t_group_kernel_recv = {"kernel_recv", cases, T_COUNT(cases), false};

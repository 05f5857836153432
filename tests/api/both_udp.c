/*
 * Datagrams.
 */
#include "both.h"

/* Rules A.8.11, A.7.13. */
static void udp__sent_and_received__source_and_length(struct t_run *t)
{
    SOCKET a, b;
    struct t_addr at[2], from;
    char room[16];
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &a, &at[0]));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &b, &at[1]));
    T_EQ(sendto(a, "datagram", 8, 0, &at[1].u.any, at[1].bytes), 8);
    from.bytes = sizeof from.u;
    T_EQ(recvfrom(b, room, sizeof room, 0, &from.u.any, &from.bytes), 8);
    T_SAME(room, "datagram", 8);
    T_EQ(from.bytes, at[0].bytes);
    T_TRUE(t_same_addr(&from, &at[0]));
}

struct size_row {
    const char *name;
    int bytes;
    int code;
};

/* Rules CLL-9, WSPSEND-4, A.7.5. */
static const struct size_row sizes[] = {
    {"no", 0, 0},
    {"one", 1, 0},
    {"1472", 1472, 0},
    {"9000", 9000, 0},
    {"65507", 65507, 0},
    {"65508", 65508, WSAEMSGSIZE},
    {"100000", 100000, WSAEMSGSIZE},
};

static void udp__ROW_bytes__arrive_whole_or_msgsize(struct t_run *t)
{
    static char out[100000], in[65536];
    const struct size_row *row = (const struct size_row *)t->row;
    SOCKET ends[2];
    T_DO(t_udp_pair(t, AF_INET, ends));
    t_pattern(out, row->bytes, 1);
    if (row->code != 0) {
        T_FAILS(send(ends[0], out, row->bytes, 0), row->code);
        return;
    }
    T_EQ(send(ends[0], out, row->bytes, 0), row->bytes);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], in, sizeof in, 0), row->bytes);
    T_SAME(in, out, row->bytes);
}

/* Rules CLL-9, A.8.5. */
static void udp__room_too_small__msgsize_and_the_rest_is_gone(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "0123456789", 10, 0), 10);
    T_EQ(send(ends[0], "next", 4, 0), 4);
    memset(room, 'z', sizeof room);
    T_FAILS(recv(ends[1], room, 4, 0), WSAEMSGSIZE);
    T_SAME(room, "0123z", 5);
    T_EQ(recv(ends[1], room, sizeof room, 0), 4);
    T_SAME(room, "next", 4);
}

/* Rules A.8.8, A.8.5: peeking tells, and takes nothing. */
static void udp__peek_with_little_room__msgsize_and_still_there(struct t_run *t)
{
    SOCKET ends[2];
    char room[16];
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "0123456789", 10, 0), 10);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS(recv(ends[1], room, 4, MSG_PEEK), WSAEMSGSIZE);
    T_EQ(recv(ends[1], room, sizeof room, MSG_PEEK), 10);
    T_EQ(recv(ends[1], room, sizeof room, 0), 10);
}

/* WSARecvFrom tells the same, with the source (rules A.8.17, A.8.22). */
static void wsarecvfrom__room_too_small__msgsize_with_source(struct t_run *t)
{
    SOCKET a, b;
    struct t_addr at[2], from;
    char room[4];
    WSABUF buffer = {sizeof room, room};
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &a, &at[0]));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &b, &at[1]));
    T_EQ(sendto(a, "0123456789", 10, 0, &at[1].u.any, at[1].bytes), 10);
    from.bytes = sizeof from.u;
    T_FAILS(WSARecvFrom(b, &buffer, 1, &n, &flags, &from.u.any, &from.bytes, NULL, NULL), WSAEMSGSIZE);
    T_SAME(room, "0123", 4);
    T_TRUE(t_same_addr(&from, &at[0]));
}

/* Rules SG-2, A.7.34. */
static void udp__gather_and_scatter__one_message(struct t_run *t)
{
    SOCKET a, b;
    struct t_addr at[2], from;
    char one[] = "abc", two[] = "defg";
    WSABUF out[2] = {{3, one}, {4, two}};
    char head[2], body[16];
    WSABUF in[2] = {{sizeof head, head}, {sizeof body, body}};
    DWORD n = 0;
    DWORD flags = 0;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &a, &at[0]));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &b, &at[1]));
    T_OK(WSASendTo(a, out, 2, &n, 0, &at[1].u.any, at[1].bytes, NULL, NULL));
    T_EQ(n, 7);
    from.bytes = sizeof from.u;
    T_OK(WSARecvFrom(b, in, 2, &n, &flags, &from.u.any, &from.bytes, NULL, NULL));
    T_EQ(n, 7);
    T_SAME(head, "ab", 2);
    T_SAME(body, "cdefg", 5);
}

/* Rules CLL-2, A.6.9. */
static void udp__connected__hears_only_its_peer(struct t_run *t)
{
    SOCKET ends[2], stranger;
    struct t_addr at, mine = t_wildcard(AF_INET, 0);
    char byte = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &stranger, &at));
    T_OK(getsockname(ends[1], &mine.u.any, &mine.bytes));
    T_EQ(sendto(stranger, "s", 1, 0, &mine.u.any, mine.bytes), 1);
    T_EQ(send(ends[0], "p", 1, 0), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(byte, 'p');
    T_EQ(t_select(ends[1], 'r', T_QUIET_MS), 0);
}

/* Rules CLL-5, WSPSENDTO-2, A.7.14. */
static void sendto__connected_datagram__goes_where_it_is_told(struct t_run *t)
{
    SOCKET ends[2], third;
    struct t_addr at, told_end = t_wildcard(AF_INET, 0), before = t_wildcard(AF_INET, 0);
    char byte = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &third, &at));
    T_OK(getpeername(ends[0], &before.u.any, &before.bytes));
    T_EQ(sendto(ends[0], "t", 1, 0, &at.u.any, at.bytes), 1);
    T_EQ(recv(third, &byte, 1, 0), 1);
    T_EQ(byte, 't');
    T_OK(getpeername(ends[0], &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &before));
}

/* Rules CLL-3, A.6.11. */
static void udp__connected_elsewhere__what_waits_is_thrown_away(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr nobody;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "old", 3, 0), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &nobody));
    T_OK(connect(ends[1], &nobody.u.any, nobody.bytes));
    T_EQ(t_select(ends[1], 'r', T_QUIET_MS), 0);
}

/* Rules A.7.18, A.8.12, WSPRECVFROM-1. */
static void udp__port_unreachable__next_receive_is_connreset(struct t_run *t)
{
    SOCKET s;
    struct t_addr at, nobody;
    char byte;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &nobody));
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 500));
    T_EQ(sendto(s, "x", 1, 0, &nobody.u.any, nobody.bytes), 1);
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAECONNRESET);
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAEWOULDBLOCK); /* told once */
}

static void udp__port_unreachable_connected__next_receive_is_connreset(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr nobody;
    char byte;
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &nobody));
    T_OK(connect(s, &nobody.u.any, nobody.bytes));
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 500));
    T_EQ(send(s, "x", 1, 0), 1);
    T_FAILS(recv(s, &byte, 1, 0), WSAECONNRESET);
}

/* SIO_UDP_CONNRESET switches that off. */
static void udp__connreset_switched_off__silence(struct t_run *t)
{
    SOCKET s;
    struct t_addr at, nobody;
    char byte;
    BOOL off = FALSE;
    DWORD n;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &nobody));
    T_OK(WSAIoctl(s, 0x9800000c /* SIO_UDP_CONNRESET */, &off, sizeof off, NULL, 0, &n, NULL, NULL));
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 200));
    T_EQ(sendto(s, "x", 1, 0, &nobody.u.any, nobody.bytes), 1);
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAETIMEDOUT);
}

/* Rules A.8.6, WSPRECVFROM-5, E42. */
static void udp__not_bound__receive_is_inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    char byte;
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 300));
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAEINVAL);
    T_FAILS(recv(s, &byte, 1, 0), WSAEINVAL);
}

struct to_row {
    const char *name;
    int family;
    const char *text;
    unsigned port;
    int bytes; /* 0: as it should be */
    int code, other;
};

/* Rules CLL-8, CLL-11, A.7.12, A.7.17, WSPSENDTO-1. */
static const struct to_row tos[] = {
    {"v6_on_v4", AF_INET6, NULL, 9, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"short_name", AF_INET, NULL, 9, 6, WSAEFAULT, WSAEFAULT},
    {"broadcast", AF_INET, "255.255.255.255", 9, 0, WSAEACCES, WSAEACCES},
    {"port_zero", AF_INET, NULL, 0, 0, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"wildcard", AF_INET, "0.0.0.0", 9, 0, WSAEADDRNOTAVAIL, WSAEDESTADDRREQ},
};

static void sendto__ROW__has_its_code(struct t_run *t)
{
    const struct to_row *row = (const struct to_row *)t->row;
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr to = row->text != NULL ? t_v4(row->text, row->port) : t_loopback(row->family, row->port);
    T_FAILS_2(sendto(s, "x", 1, 0, &to.u.any, row->bytes != 0 ? row->bytes : to.bytes), row->code, row->other);
}

/* Rule A.7.8, A.8.9. */
static void udp__urgent_send__opnotsupp(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_FAILS(send(ends[0], "x", 1, MSG_OOB), WSAEOPNOTSUPP);
}

static void udp__urgent_receive__opnotsupp(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS(recv(ends[1], &byte, 1, MSG_OOB), WSAEOPNOTSUPP);
}

/* Rules A.8.11, WSPRECVFROM-3. */
static void recvfrom__no_room_for_the_source__fault(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr from;
    char byte;
    int small = 4;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_FAILS(recvfrom(ends[1], &byte, 1, 0, &from.u.any, &small), WSAEFAULT);
}

static void recvfrom__source_not_wanted__data_only(struct t_run *t)
{
    SOCKET ends[2];
    char byte = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(recvfrom(ends[1], &byte, 1, 0, NULL, NULL), 1);
    T_EQ(byte, 'x');
}

/* CF-4, X3, E3: the newer page counts all, the older one the first; one of the two. */
static void fionread__datagrams__all_or_the_first(struct t_run *t)
{
    SOCKET ends[2];
    u_long n = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_EQ(n, 0);
    T_EQ(send(ends[0], "12345", 5, 0), 5);
    T_EQ(send(ends[0], "123", 3, 0), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    Sleep(20);
    T_OK(ioctlsocket(ends[1], (LONG)FIONREAD, &n));
    T_TRUE(n == 8 || n == 5);
}

static void udp__nonblocking_or_limited__wouldblock_and_timedout(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    char byte;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_OK(t_set_int(s, SOL_SOCKET, SO_RCVTIMEO, 100));
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAETIMEDOUT);
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(recvfrom(s, &byte, 1, 0, NULL, NULL), WSAEWOULDBLOCK);
}

/* Rules CLS-10, A.7.7, A.8.10. */
static void udp__shut_down__sends_and_receives_fail(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_SEND));
    T_FAILS(send(ends[0], "x", 1, 0), WSAESHUTDOWN);
    T_OK(shutdown(ends[1], SD_RECEIVE));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAESHUTDOWN);
}

/* Datagrams keep their order on one path, and each receive takes one. */
static void udp__fifty_in_a_row__one_by_one_in_order(struct t_run *t)
{
    SOCKET ends[2];
    char room[8];
    char i;
    T_DO(t_udp_pair(t, AF_INET, ends));
    for (i = 0; i < 50; i++) {
        T_EQ(send(ends[0], &i, 1, 0), 1);
    }
    for (i = 0; i < 50; i++) {
        T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
        T_EQ(recv(ends[1], room, sizeof room, 0), 1);
        T_EQ(room[0], i);
    }
}

/* Rule CDD-5: on a datagram socket it ends receiving too. */
static void udp__receive_disconnected__receives_fail(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(WSARecvDisconnect(ends[1], NULL));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAESHUTDOWN);
}

/* Rules A.13.14, WSPSHUTDOWN-2: datagrams are taken in silence, no port is unreachable. */
static void udp__receive_shut_down__sender_hears_nothing(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[1], SD_RECEIVE));
    T_OK(t_set_int(ends[0], SOL_SOCKET, SO_RCVTIMEO, 200));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_FAILS(recv(ends[0], &byte, 1, 0), WSAETIMEDOUT);
    T_EQ(send(ends[0], "x", 1, 0), 1);
}

static const struct t_cases cases[] = {
    T_CASE(udp__sent_and_received__source_and_length),
    T_TABLE(udp__ROW_bytes__arrive_whole_or_msgsize, sizes),
    T_CASE(udp__room_too_small__msgsize_and_the_rest_is_gone),
    T_CASE(udp__peek_with_little_room__msgsize_and_still_there),
    T_CASE(wsarecvfrom__room_too_small__msgsize_with_source),
    T_CASE(udp__gather_and_scatter__one_message),
    T_CASE(udp__connected__hears_only_its_peer),
    T_CASE(sendto__connected_datagram__goes_where_it_is_told),
    T_CASE(udp__connected_elsewhere__what_waits_is_thrown_away),
    T_CASE(udp__port_unreachable__next_receive_is_connreset),
    T_CASE(udp__port_unreachable_connected__next_receive_is_connreset),
    T_CASE(udp__connreset_switched_off__silence),
    T_CASE(udp__not_bound__receive_is_inval),
    T_TABLE(sendto__ROW__has_its_code, tos),
    T_CASE(udp__urgent_send__opnotsupp),
    T_CASE(udp__urgent_receive__opnotsupp),
    T_CASE(recvfrom__no_room_for_the_source__fault),
    T_CASE(recvfrom__source_not_wanted__data_only),
    T_CASE(fionread__datagrams__all_or_the_first),
    T_CASE(udp__nonblocking_or_limited__wouldblock_and_timedout),
    T_CASE(udp__shut_down__sends_and_receives_fail),
    T_CASE(udp__fifty_in_a_row__one_by_one_in_order),
    T_CASE(udp__receive_disconnected__receives_fail),
    T_CASE(udp__receive_shut_down__sender_hears_nothing),
};

const struct t_group t_group_udp = {"udp", cases, T_COUNT(cases), false};

/*
 * select: three sets of any size.
 */
#define FD_SETSIZE 300 /* before the first include: rules A.1.3, EVT-20 */
#include "both.h"

/* Rules A.10.2, WSPSELECT-1, WS2-42. */
static void select__nothing_to_watch__inval(struct t_run *t)
{
    struct timeval now = {0, 0};
    static fd_set r, w, x;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    T_FAILS(select(0, NULL, NULL, NULL, &now), WSAEINVAL);
    T_FAILS(select(0, &r, NULL, NULL, &now), WSAEINVAL);
    T_FAILS(select(0, &r, &w, &x, &now), WSAEINVAL);
    T_FAILS(select(0, NULL, NULL, NULL, NULL), WSAEINVAL);
}

/* Rules A.10.4, A.10.8. */
static void select__time_runs_out__zero_and_empty_sets(struct t_run *t)
{
    SOCKET ends[2];
    struct timeval some = {0, 120000};
    static fd_set r, x;
    ULONGLONG before;
    T_DO(t_pair(t, AF_INET, ends));
    FD_ZERO(&r);
    FD_SET(ends[0], &r);
    FD_SET(ends[1], &r);
    x = r;
    before = GetTickCount64();
    T_EQ(select(0, &r, NULL, &x, &some), 0);
    T_TRUE(GetTickCount64() - before >= 80);
    T_EQ(r.fd_count, 0);
    T_EQ(x.fd_count, 0);
    T_EQ(some.tv_usec, 120000); /* not touched */
}

static void select__zero_time__asks_only(struct t_run *t)
{
    SOCKET ends[2];
    ULONGLONG before;
    T_DO(t_pair(t, AF_INET, ends));
    before = GetTickCount64();
    T_EQ(t_select(ends[1], 'r', 0), 0);
    T_TRUE(GetTickCount64() - before < 1000);
    T_EQ(t_select(ends[1], 'w', 0), 1);
}

/* Rule A.10.8. */
static void select__negative_time__inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct timeval bad = {-1, 0};
    static fd_set r;
    FD_ZERO(&r);
    FD_SET(s, &r);
    T_FAILS(select(0, &r, NULL, NULL, &bad), WSAEINVAL);
}

/* Rules A.10.9, WS2-43. */
static void select__one_member_is_no_socket__notsock(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET closed = t_socket(t, AF_INET, SOCK_STREAM);
    struct timeval now = {0, 0};
    static fd_set r;
    T_OK(t_close(t, closed));
    FD_ZERO(&r);
    FD_SET(s, &r);
    FD_SET(closed, &r);
    T_FAILS(select(0, &r, NULL, NULL, &now), WSAENOTSOCK);
}

/* Rules A.10.5, WSPSELECT-4. */
static void select__readable__data_end_reset_and_clients(struct t_run *t)
{
    SOCKET listener, client, ends[2], gone[2];
    struct t_addr at;
    char byte;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_EQ(t_select(listener, 'r', 0), 0);
    client = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(client, &at.u.any, at.bytes));
    T_EQ(t_select(listener, 'r', T_WAIT_MS), 1);
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_select(ends[1], 'r', 0), 0);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(t_select(ends[1], 'r', 0), 1); /* as long as it is there */
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', 0), 0);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_EQ(t_select(ends[1], 'r', 0), 1);
    T_DO(t_pair(t, AF_INET, gone));
    T_OK(t_set_linger(gone[0], 1, 0));
    T_OK(t_close(t, gone[0]));
    T_EQ(t_select(gone[1], 'r', T_WAIT_MS), 1);
}

/* Rule A.10.6. */
static void select__writable__until_full(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(t_select(ends[0], 'w', 0), 1);
    T_DO(t_fill(t, ends[0]));
    T_EQ(t_select(ends[0], 'w', T_QUIET_MS), 0);
}

static void select__unconnected_stream__neither_readable_nor_writable(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_EQ(t_select(s, 'w', 0), 0);
    T_EQ(t_select(s, 'x', 0), 0);
}

static void select__datagrams__writable_and_readable_when_one_came(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(t_select(ends[0], 'w', 0), 1);
    T_EQ(t_select(ends[1], 'r', 0), 0);
    T_EQ(send(ends[0], "", 0, 0), 0); /* an empty one counts too */
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_EQ(t_select(ends[1], 'r', 0), 0);
}

/* Rules A.10.4, WSPSELECT-6: one socket counts once in each set. */
static void select__all_sets__sum_and_members(struct t_run *t)
{
    SOCKET ends[2];
    struct timeval some = {3, 0};
    static fd_set r, w, x;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    FD_ZERO(&r);
    FD_SET(ends[0], &r);
    FD_SET(ends[1], &r);
    w = r;
    x = r;
    T_EQ(select(0, &r, &w, &x, &some), 3);
    T_EQ(r.fd_count, 1);
    T_TRUE(FD_ISSET(ends[1], &r));
    T_TRUE(FD_ISSET(ends[0], &w) && FD_ISSET(ends[1], &w));
    T_EQ(x.fd_count, 0);
}

/* Rules WSPSELECT-2, A.10.1: more than 64, first argument ignored. */
static void select__two_hundred_and_fifty__the_two_ready_ones(struct t_run *t)
{
    static SOCKET s[250];
    static struct t_addr at[250];
    SOCKET from;
    struct t_addr my;
    struct timeval some = {3, 0};
    static fd_set r;
    unsigned i;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &from, &my));
    FD_ZERO(&r);
    for (i = 0; i < 250; i++) {
        T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s[i], &at[i]));
        FD_SET(s[i], &r);
    }
    T_EQ(r.fd_count, 250);
    T_EQ(sendto(from, "x", 1, 0, &at[3].u.any, at[3].bytes), 1);
    T_EQ(sendto(from, "x", 1, 0, &at[249].u.any, at[249].bytes), 1);
    T_EQ(t_select(s[3], 'r', T_WAIT_MS), 1);
    T_EQ(t_select(s[249], 'r', T_WAIT_MS), 1);
    T_EQ(select(-7, &r, NULL, NULL, &some), 2);
    T_TRUE(FD_ISSET(s[3], &r) && FD_ISSET(s[249], &r));
}

struct late {
    SOCKET s;
    DWORD after_ms;
};

static DWORD WINAPI send_late(LPVOID context)
{
    struct late *late = (struct late *)context;
    Sleep(late->after_ms);
    return send(late->s, "x", 1, 0) == 1 ? 0 : 1;
}

static void select__data_comes_later__wakes_up(struct t_run *t)
{
    SOCKET ends[2];
    struct late late = {0, 80};
    static fd_set r;
    T_DO(t_pair(t, AF_INET, ends));
    late.s = ends[0];
    T_TRUE(t_thread(t, send_late, &late) != NULL);
    FD_ZERO(&r);
    FD_SET(ends[1], &r);
    T_EQ(select(0, &r, NULL, NULL, NULL), 1); /* no time: as long as it takes */
    T_TRUE(FD_ISSET(ends[1], &r));
}

static DWORD WINAPI connect_late(LPVOID context)
{
    struct t_addr *at = (struct t_addr *)context;
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    Sleep(60);
    (void)connect(s, &at->u.any, at->bytes);
    Sleep(60);
    return (DWORD)closesocket(s);
}

static void select__client_comes_later__listener_wakes_up(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_TRUE(t_thread(t, connect_late, &at) != NULL);
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    T_TRUE(t_keep(t, accept(s, NULL, NULL)) != INVALID_SOCKET);
}

/* Rule A.10.11: what WSAEventSelect records is not touched. */
static void select__beside_event_select__record_stays(struct t_run *t)
{
    SOCKET ends[2];
    WSAEVENT event = t_event(t);
    WSANETWORKEVENTS record;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(WSAEventSelect(ends[1], event, FD_READ));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_EQ(WSAWaitForMultipleEvents(1, &event, TRUE, T_WAIT_MS, FALSE), WSA_WAIT_EVENT_0);
    T_OK(WSAEnumNetworkEvents(ends[1], event, &record));
    T_EQ(record.lNetworkEvents, FD_READ);
}

/* Rules A.10.12, WS2-45. */
static void fd_macros__set_clear_and_ask__as_documented(struct t_run *t)
{
    static fd_set set;
    FD_ZERO(&set);
    FD_SET((SOCKET)4, &set);
    FD_SET((SOCKET)8, &set);
    FD_SET((SOCKET)4, &set); /* once only */
    FD_SET((SOCKET)12, &set);
    T_EQ(set.fd_count, 3);
    FD_CLR((SOCKET)8, &set);
    T_EQ(set.fd_count, 2);
    T_TRUE(FD_ISSET((SOCKET)4, &set) && FD_ISSET((SOCKET)12, &set) && !FD_ISSET((SOCKET)8, &set));
}

/* Rule A.10.10. */
static void select__wild_pointers__fault(struct t_run *t)
{
    struct timeval now = {0, 0};
    fd_set *volatile wild = (fd_set *)(uintptr_t)16;
    static fd_set r;
    FD_ZERO(&r);
    FD_SET(t_socket(t, AF_INET, SOCK_DGRAM), &r);
    T_FAILS(select(0, wild, NULL, NULL, &now), WSAEFAULT);
    T_FAILS(select(0, &r, wild, NULL, &now), WSAEFAULT);
    T_FAILS(select(0, NULL, &r, wild, &now), WSAEFAULT);
    T_EQ(r.fd_count, 1);
}

static const struct t_cases cases[] = {
    T_CASE(select__nothing_to_watch__inval),
    T_CASE(select__time_runs_out__zero_and_empty_sets),
    T_CASE(select__zero_time__asks_only),
    T_CASE(select__negative_time__inval),
    T_CASE(select__one_member_is_no_socket__notsock),
    T_CASE(select__readable__data_end_reset_and_clients),
    T_CASE(select__writable__until_full),
    T_CASE(select__unconnected_stream__neither_readable_nor_writable),
    T_CASE(select__datagrams__writable_and_readable_when_one_came),
    T_CASE(select__all_sets__sum_and_members),
    T_CASE(select__two_hundred_and_fifty__the_two_ready_ones),
    T_CASE(select__data_comes_later__wakes_up),
    T_CASE(select__client_comes_later__listener_wakes_up),
    T_CASE(select__beside_event_select__record_stays),
    T_CASE(select__wild_pointers__fault),
    T_CASE(fd_macros__set_clear_and_ask__as_documented),
};

const struct t_group t_group_select = {"select", cases, T_COUNT(cases), false};

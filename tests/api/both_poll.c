/*
 * WSAPoll.
 */
#include "both.h"

#include <stdlib.h>

#define ALL (POLLRDNORM | POLLRDBAND | POLLWRNORM)
#define NOBODY ((SOCKET)0x7ffffff0)

/* revents of one socket now, or -1 for an error. */
static int poll_now(SOCKET s, SHORT events)
{
    WSAPOLLFD one = {s, events, 0x55};
    int told = WSAPoll(&one, 1, 0);
    return told == SOCKET_ERROR || told != (one.revents != 0) ? -1 : one.revents;
}

/* The same, once it is that. What it was last is noted. */
static bool poll_becomes(struct t_run *t, SOCKET s, SHORT events, int wanted)
{
    ULONGLONG end = GetTickCount64() + T_WAIT_MS;
    int seen = poll_now(s, events);
    while (seen != wanted && GetTickCount64() < end) {
        Sleep(5);
        seen = poll_now(s, events);
    }
    if (seen != wanted) {
        t_note(t, __FILE__, __LINE__, "revents is 0x%x, not 0x%x", (unsigned)seen, (unsigned)wanted);
    }
    return seen == wanted;
}

/* Rule POLL-1. */
static void poll__no_entries__inval(struct t_run *t)
{
    WSAPOLLFD one = {t_socket(t, AF_INET, SOCK_DGRAM), POLLIN, 0};
    T_FAILS(WSAPoll(NULL, 0, 0), WSAEINVAL);
    T_FAILS(WSAPoll(&one, 0, 0), WSAEINVAL);
}

static void poll__no_array__fault(struct t_run *t)
{
    T_FAILS(WSAPoll(NULL, 1, 0), WSAEFAULT);
}

static void poll__no_socket_among_them__notsock(struct t_run *t)
{
    SOCKET closed = t_socket(t, AF_INET, SOCK_DGRAM);
    WSAPOLLFD three[3] = {{NOBODY, POLLIN, 0}, {closed, POLLIN, 0}, {INVALID_SOCKET, POLLIN, 0}};
    T_OK(t_close(t, closed));
    T_FAILS(WSAPoll(three, 3, 0), WSAENOTSOCK);
    T_EQ(three[0].revents, POLLNVAL);
    T_EQ(three[1].revents, POLLNVAL);
}

/* Rule POLL-4. */
static void poll__unreadable_array__fault(struct t_run *t)
{
    WSAPOLLFD *volatile nowhere = (WSAPOLLFD *)(uintptr_t)16;
    T_FAILS(WSAPoll(nowhere, 1, 0), WSAEFAULT);
}

struct bits_row {
    const char *name;
    SHORT events;
};

static const struct bits_row bits[] = {
    {"POLLERR", POLLERR},       {"POLLHUP", POLLHUP}, {"POLLNVAL", POLLNVAL},
    {"POLLWRBAND", POLLWRBAND}, {"POLLPRI", POLLPRI}, {"0x800", 0x800},
    {"0x1000", 0x1000},         {"0x4000", 0x4000},   {"POLLIN_and_POLLERR", POLLIN | POLLERR},
};

/* Rules POLL-2, POLL-3. */
static void poll__ROW__inval(struct t_run *t)
{
    const struct bits_row *row = (const struct bits_row *)t->row;
    WSAPOLLFD two[2] = {{t_socket(t, AF_INET, SOCK_DGRAM), POLLOUT, 0}, {0, 0, 0}};
    two[1].fd = two[0].fd;
    two[1].events = row->events;
    two[0].revents = 0x55;
    T_FAILS(WSAPoll(two, 2, 0), WSAEINVAL);
}

/* Rules POLL-5, POLL-6, POLL-7. */
static void poll__not_sockets_beside_sockets__nval_and_not_counted(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET closed = t_socket(t, AF_INET, SOCK_DGRAM);
    WSAPOLLFD five[5];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_close(t, closed));
    five[0] = (WSAPOLLFD){NOBODY, POLLIN, 0x55};
    five[1] = (WSAPOLLFD){ends[0], POLLOUT, 0x55};
    five[2] = (WSAPOLLFD){INVALID_SOCKET, POLLIN, 0x55};
    five[3] = (WSAPOLLFD){ends[1], POLLIN, 0x55};
    five[4] = (WSAPOLLFD){closed, POLLIN, 0x55};
    T_EQ(WSAPoll(five, 5, 1000), 1);
    T_EQ(five[0].revents, POLLNVAL);
    T_EQ(five[1].revents, POLLWRNORM);
    T_EQ(five[2].revents, POLLNVAL);
    T_EQ(five[3].revents, 0);
    T_EQ(five[4].revents, POLLNVAL);
}

struct poll_call {
    SOCKET s;
    char what; /* 's': send, 'c': close */
};

static DWORD WINAPI act_later(LPVOID context)
{
    const struct poll_call *call = (const struct poll_call *)context;
    Sleep(100);
    if (call->what == 'c') {
        return (DWORD)closesocket(call->s);
    }
    return send(call->s, "x", 1, 0) == 1 ? 0 : 1;
}

/* Rule POLL-8. */
static void poll__timeout__zero_some_and_negative(struct t_run *t)
{
    SOCKET ends[2];
    WSAPOLLFD one;
    static struct poll_call call;
    ULONGLONG before = GetTickCount64();
    T_DO(t_pair(t, AF_INET, ends));
    one = (WSAPOLLFD){ends[1], POLLIN, 0x55};
    T_EQ(WSAPoll(&one, 1, 0), 0);
    T_EQ(one.revents, 0);
    T_EQ(WSAPoll(&one, 1, 150), 0);
    T_TRUE(GetTickCount64() - before >= 100);
    call = (struct poll_call){ends[0], 's'};
    T_TRUE(t_thread(t, act_later, &call) != NULL);
    T_EQ(WSAPoll(&one, 1, -1), 1);
    T_EQ(one.revents, POLLRDNORM);
}

/* Rules POLL-10, POLL-11. */
static void poll__listener_and_connection__readable_and_writable(struct t_run *t)
{
    SOCKET listener, client;
    SOCKET served;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_EQ(poll_now(listener, ALL), 0);
    client = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(t_ioctl(client, FIONBIO, 1));
    T_FAILS(connect(client, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_DO(poll_becomes(t, client, ALL, POLLWRNORM));
    T_DO(poll_becomes(t, listener, ALL, POLLRDNORM));
    T_EQ(poll_now(listener, POLLWRNORM), 0);
    served = t_keep(t, accept(listener, NULL, NULL));
    T_TRUE(served != INVALID_SOCKET);
    T_EQ(poll_now(listener, ALL), 0);
    T_EQ(poll_now(served, ALL), POLLWRNORM);
}

/* Rule POLL-12. */
static void poll__connect_refused__hup_error_and_writable(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_addr at;
    WSAPOLLFD one = {s, POLLOUT, 0};
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &at));
    T_OK(t_ioctl(s, FIONBIO, 1));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_EQ(WSAPoll(&one, 1, T_WAIT_MS), 1);
    T_EQ(one.revents, POLLHUP | POLLERR | POLLWRNORM);
    T_EQ(poll_now(s, 0), POLLHUP | POLLERR);
}

/* Rules POLL-13, POLL-21. */
static void poll__data__readable_until_read(struct t_run *t)
{
    SOCKET ends[2];
    char room[2];
    int i;
    T_DO(t_pair(t, AF_INET6, ends));
    T_EQ(send(ends[0], "ab", 2, 0), 2);
    T_DO(poll_becomes(t, ends[1], POLLIN, POLLRDNORM));
    for (i = 0; i < 3; i++) {
        T_EQ(poll_now(ends[1], ALL), POLLRDNORM | POLLWRNORM);
    }
    T_EQ(recv(ends[1], room, 1, 0), 1);
    T_EQ(poll_now(ends[1], POLLRDNORM), POLLRDNORM);
    T_EQ(recv(ends[1], room, 1, 0), 1);
    T_EQ(poll_now(ends[1], POLLRDNORM), 0);
}

static void poll__empty_datagram__readable(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_EQ(poll_now(ends[1], ALL), POLLWRNORM);
    T_EQ(send(ends[0], "", 0, 0), 0);
    T_DO(poll_becomes(t, ends[1], POLLIN, POLLRDNORM));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_EQ(poll_now(ends[1], POLLIN), 0);
}

/* Rule POLL-14. */
static void poll__urgent_data__band_or_normal(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "U", 1, MSG_OOB), 1);
    T_DO(poll_becomes(t, ends[1], POLLIN, POLLRDBAND));
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB), 1);
    T_EQ(poll_now(ends[1], POLLIN), 0);
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_OOBINLINE, 1));
    T_EQ(send(ends[0], "V", 1, MSG_OOB), 1);
    T_DO(poll_becomes(t, ends[1], POLLIN, POLLRDNORM));
}

/* Rules POLL-9, POLL-15, POLL-16. */
static void poll__peer_ends__hup_and_what_is_unread(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_OK(shutdown(ends[0], SD_SEND));
    T_DO(poll_becomes(t, ends[1], 0, POLLHUP));
    T_EQ(poll_now(ends[1], POLLIN), POLLRDNORM | POLLHUP);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(poll_now(ends[1], POLLIN) & ~POLLRDNORM, POLLHUP);
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    T_EQ(poll_now(ends[1], POLLIN) & ~POLLRDNORM, POLLHUP);
}

/* Rule POLL-17. */
static void poll__reset__error_and_hup(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_set_linger(ends[0], 1, 0));
    T_OK(t_close(t, ends[0]));
    T_DO(poll_becomes(t, ends[1], 0, POLLERR | POLLHUP));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAECONNRESET);
}

/* Rule POLL-18. */
static void poll__own_shutdown__stays_writable(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(poll_now(ends[0], POLLOUT), POLLWRNORM);
    T_OK(shutdown(ends[0], SD_RECEIVE));
    T_EQ(poll_now(ends[0], POLLIN | POLLOUT), POLLWRNORM);
}

/* Rule POLL-19. */
static void poll__no_room__writable_again_when_read(struct t_run *t)
{
    static char room[65536];
    SOCKET ends[2];
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_fill(t, ends[0]));
    T_EQ(poll_now(ends[0], POLLOUT), 0);
    T_OK(t_ioctl(ends[1], FIONBIO, 1));
    for (i = 0; i < 400 && poll_now(ends[0], POLLOUT) == 0; i++) {
        while (recv(ends[1], room, sizeof room, 0) > 0) {
        }
        Sleep(5);
    }
    T_EQ(poll_now(ends[0], POLLOUT), POLLWRNORM);
}

/* Rule POLL-20. */
static void poll__never_connected__hup_at_once(struct t_run *t)
{
    WSAPOLLFD one = {t_socket(t, AF_INET, SOCK_STREAM), POLLRDNORM, 0};
    T_EQ(WSAPoll(&one, 1, T_WAIT_MS), 1);
    T_EQ(one.revents, POLLHUP);
}

/* Rule POLL-22. */
static void poll__same_socket_twice__each_entry_by_itself(struct t_run *t)
{
    SOCKET ends[2];
    WSAPOLLFD two[2];
    T_DO(t_pair(t, AF_INET, ends));
    two[0] = (WSAPOLLFD){ends[1], POLLOUT, 0};
    two[1] = (WSAPOLLFD){ends[1], POLLIN, 0};
    T_EQ(WSAPoll(two, 2, T_WAIT_MS), 1);
    T_EQ(two[0].revents, POLLWRNORM);
    T_EQ(two[1].revents, 0);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_DO(poll_becomes(t, ends[1], POLLIN, POLLRDNORM));
    T_EQ(WSAPoll(two, 2, T_WAIT_MS), 2);
    T_EQ(two[1].revents, POLLRDNORM);
}

/* Rule POLL-24. */
static void poll__closed_by_another_thread__nval(struct t_run *t)
{
    SOCKET ends[2];
    WSAPOLLFD one;
    static struct poll_call call;
    T_DO(t_pair(t, AF_INET, ends));
    one = (WSAPOLLFD){ends[1], POLLIN, 0};
    call = (struct poll_call){ends[1], 'c'};
    T_TRUE(t_thread(t, act_later, &call) != NULL);
    T_EQ(WSAPoll(&one, 1, 2 * T_WAIT_MS), 1);
    T_EQ(one.revents, POLLNVAL);
}

/* Rule X42: arrays are as long as they are. */
static void poll__two_thousand_entries__the_ready_one(struct t_run *t)
{
    enum { ENTRIES = 2000 };
    static WSAPOLLFD list[ENTRIES];
    SOCKET ends[2];
    int i;
    T_DO(t_udp_pair(t, AF_INET, ends));
    for (i = 0; i < ENTRIES; i++) {
        list[i] = (WSAPOLLFD){ends[0], POLLIN, 0};
    }
    list[ENTRIES - 1].fd = ends[1];
    T_EQ(WSAPoll(list, ENTRIES, 0), 0);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WSAPoll(list, ENTRIES, T_WAIT_MS), 1);
    T_EQ(list[ENTRIES - 1].revents, POLLRDNORM);
}

static void poll__success__last_error_zero(struct t_run *t)
{
    WSAPOLLFD one = {t_socket(t, AF_INET, SOCK_DGRAM), POLLOUT, 0};
    WSASetLastError(4711);
    T_EQ(WSAPoll(&one, 1, 100), 1);
    T_EQ(WSAGetLastError(), 0);
}

static const struct t_cases cases[] = {
    T_CASE(poll__no_entries__inval),
    T_CASE(poll__no_array__fault),
    T_CASE(poll__no_socket_among_them__notsock),
    T_CASE(poll__unreadable_array__fault),
    T_TABLE(poll__ROW__inval, bits),
    T_CASE(poll__not_sockets_beside_sockets__nval_and_not_counted),
    T_CASE(poll__timeout__zero_some_and_negative),
    T_CASE(poll__listener_and_connection__readable_and_writable),
    T_CASE(poll__connect_refused__hup_error_and_writable),
    T_CASE(poll__data__readable_until_read),
    T_CASE(poll__empty_datagram__readable),
    T_CASE(poll__urgent_data__band_or_normal),
    T_CASE(poll__peer_ends__hup_and_what_is_unread),
    T_CASE(poll__reset__error_and_hup),
    T_CASE(poll__own_shutdown__stays_writable),
    T_CASE(poll__no_room__writable_again_when_read),
    T_CASE(poll__never_connected__hup_at_once),
    T_CASE(poll__same_socket_twice__each_entry_by_itself),
    T_CASE(poll__closed_by_another_thread__nval),
    T_CASE(poll__two_thousand_entries__the_ready_one),
    T_CASE(poll__success__last_error_zero),
};

const struct t_group t_group_poll = {"poll", cases, T_COUNT(cases), false};

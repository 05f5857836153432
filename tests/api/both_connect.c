/*
 * Connecting, and what a failed attempt leaves.
 */
#include "both.h"

struct connect_row {
    const char *name;
    int family, type;
    int to_family;
    const char *text; /* NULL: loopback */
    unsigned port;
    int bytes; /* 0: as many as belong to it; -1: no name at all */
    int code, other;
};

/* Rules WSPCONNECT-1, CON-13, A.6.2, A.6.5, A.6.12, A.7.17. */
static const struct connect_row connects[] = {
    {"to_the_wildcard", AF_INET, SOCK_STREAM, AF_INET, "0.0.0.0", 80, 0, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"to_the_v6_wildcard", AF_INET6, SOCK_STREAM, AF_UNSPEC, NULL, 80, 0, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"to_port_zero", AF_INET, SOCK_STREAM, AF_INET, NULL, 0, 0, WSAEADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {"v6_address_on_v4", AF_INET, SOCK_STREAM, AF_INET6, NULL, 80, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"v4_address_on_v6", AF_INET6, SOCK_STREAM, AF_INET, NULL, 80, 28, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"unknown_family", AF_INET, SOCK_STREAM, 99, NULL, 80, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"short_name", AF_INET, SOCK_STREAM, AF_INET, NULL, 80, 8, WSAEFAULT, WSAEFAULT},
    {"short_v6_name", AF_INET6, SOCK_STREAM, AF_INET6, NULL, 80, 16, WSAEFAULT, WSAEFAULT},
    {"no_name", AF_INET, SOCK_STREAM, AF_INET, NULL, 80, -1, WSAEFAULT, WSAEFAULT},
    {"datagram_short_name", AF_INET, SOCK_DGRAM, AF_INET, NULL, 80, 8, WSAEFAULT, WSAEFAULT},
    {"datagram_v6_address_on_v4", AF_INET, SOCK_DGRAM, AF_INET6, NULL, 80, 0, WSAEAFNOSUPPORT, WSAEAFNOSUPPORT},
    {"to_a_group", AF_INET, SOCK_STREAM, AF_INET, "239.10.20.30", 80, 0, WSAENETUNREACH, WSAENETUNREACH},
    {"to_the_broadcast", AF_INET, SOCK_STREAM, AF_INET, "255.255.255.255", 80, 0, WSAENETUNREACH, WSAENETUNREACH},
    {"datagram_broadcast", AF_INET, SOCK_DGRAM, AF_INET, "255.255.255.255", 80, 0, WSAEACCES, WSAEACCES},
};

static void connect__ROW__has_its_code(struct t_run *t)
{
    const struct connect_row *row = (const struct connect_row *)t->row;
    SOCKET s = t_socket(t, row->family, row->type);
    struct t_addr to = row->text != NULL ? t_v4(row->text, row->port) : t_loopback(row->to_family, row->port);
    if (row->to_family == AF_UNSPEC) {
        to = t_wildcard(AF_INET6, row->port);
    }
    T_FAILS_2(connect(s, row->bytes < 0 ? NULL : &to.u.any, row->bytes > 0 ? row->bytes : to.bytes), row->code,
              row->other);
}

/* Rules CON-10, WSPCONNECT-4. */
static void connect__nobody_listens__refused_and_the_socket_serves_again(struct t_run *t)
{
    struct t_addr nobody, at;
    SOCKET listener;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAECONNREFUSED);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(connect(s, &at.u.any, at.bytes));
    T_TRUE(t_keep(t, accept(listener, NULL, NULL)) != INVALID_SOCKET);
    T_EQ(send(s, "x", 1, 0), 1);
}

static void connect__nobody_listens__refused(struct t_run *t)
{
    struct t_addr nobody, at = t_wildcard(AF_INET, 0);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAECONNREFUSED);
    T_FAILS(getpeername(s, &at.u.any, &at.bytes), WSAENOTCONN);
}

static void connect__nobody_listens_v6__refused(struct t_run *t)
{
    struct t_addr nobody;
    SOCKET s = t_socket(t, AF_INET6, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET6, SOCK_STREAM, &nobody));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAECONNREFUSED);
}

/* Rules CON-9, A.6.3, A.6.4. */
static void connect__connected_or_listening__isconn_and_inval(struct t_run *t)
{
    SOCKET ends[2], listener;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(connect(ends[0], &at.u.any, at.bytes), WSAEISCONN);
    T_FAILS(connect(ends[1], &at.u.any, at.bytes), WSAEISCONN);
    T_FAILS(connect(listener, &at.u.any, at.bytes), WSAEINVAL);
}

/* Rules CON-7, A.6.6, A.6.19, WSPSELECT-5. */
static void connect__nonblocking__wouldblock_then_writable(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
    T_EQ(t_select(s, 'w', T_WAIT_MS), 1);
    T_EQ(t_select(s, 'x', 0), 0);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ERROR), 0);
    T_FAILS(connect(s, &at.u.any, at.bytes), WSAEISCONN);
    T_EQ(send(s, "x", 1, 0), 1);
}

/* Rules WSPCONNECT-3, A.6.19: except set only, code in SO_ERROR. */
static void connect__nonblocking_refused__except_set_and_so_error(struct t_run *t)
{
    struct t_addr nobody;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAEWOULDBLOCK);
    T_EQ(t_select(s, 'x', T_WAIT_MS), 1);
    T_EQ(t_select(s, 'w', 0), 0);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
}

/* Rules A.2.17, ACT-15: reading clears. */
static void so_error__read__is_cleared(struct t_run *t)
{
    struct t_addr nobody;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(connect(s, &nobody.u.any, nobody.bytes), WSAEWOULDBLOCK);
    T_EQ(t_select(s, 'x', T_WAIT_MS), 1);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_ERROR), 0);
}

/* Rules CON-8, A.6.7: only where a connection can be kept waiting at a full queue. */
static void connect__in_progress__already(struct t_run *t)
{
    SOCKET listener, s = INVALID_SOCKET;
    struct t_addr at;
    unsigned i;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &listener, &at));
    T_OK(listen(listener, 1));
    for (i = 0; i < 12; i++) {
        s = t_socket(t, AF_INET, SOCK_STREAM);
        T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
        T_FAILS(connect(s, &at.u.any, at.bytes), WSAEWOULDBLOCK);
        if (t_select(s, 'w', 100) == 0 && t_select(s, 'x', 0) == 0) {
            T_FAILS(connect(s, &at.u.any, at.bytes), WSAEALREADY);
            return;
        }
    }
    t_skip(t, "no attempt stays in progress: a full queue refuses");
}

/* Rule CLL-7. */
static void send__datagram_without_a_peer__notconn(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_FAILS(send(s, "x", 1, 0), WSAENOTCONN);
}

/* Rules CLL-1, CLL-4, WSPCONNECT-5, A.6.10. */
static void connect__datagram__sets_and_unsets_the_peer(struct t_run *t)
{
    SOCKET s;
    struct t_addr at, peer, told_end;
    struct t_addr zero = t_wildcard(AF_INET, 0);
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &s, &at));
    T_DO(t_nobody(t, AF_INET, SOCK_DGRAM, &peer));
    told_end.bytes = sizeof told_end.u;
    T_FAILS(getpeername(s, &told_end.u.any, &told_end.bytes), WSAENOTCONN);
    T_OK(connect(s, &peer.u.any, peer.bytes));
    T_OK(getpeername(s, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &peer));
    T_OK(connect(s, &at.u.any, at.bytes)); /* another one, any time */
    told_end.bytes = sizeof told_end.u;
    T_OK(getpeername(s, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &at));
    T_OK(connect(s, &zero.u.any, zero.bytes));
    T_FAILS(getpeername(s, &told_end.u.any, &told_end.bytes), WSAENOTCONN);
    T_EQ(sendto(s, "x", 1, 0, &at.u.any, at.bytes), 1);
}

/* Rule A.6.14: no data came with the connection. */
static void wsaconnect__room_for_data__length_becomes_zero(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    char room[8];
    WSABUF callee = {sizeof room, room};
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAConnect(s, &at.u.any, at.bytes, NULL, &callee, NULL, NULL));
    T_EQ(callee.len, 0);
}

/* Rules C.16, C.22, WSPCONNECT-6. */
static void wsaconnect__data_for_the_peer__protonosupport(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    char data[4] = "abc";
    WSABUF caller = {3, data};
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_FAILS(WSAConnect(s, &at.u.any, at.bytes, &caller, NULL, NULL, NULL), WSAEPROTONOSUPPORT);
}

/* SO_CONNECT_TIME: all ones until connected, then seconds (table A.15.5, rule B.20). */
static void connect_time__before_and_after__ones_then_seconds(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_EQ((unsigned)t_get_int(s, SOL_SOCKET, SO_CONNECT_TIME), 0xffffffffu);
    T_DO(t_pair(t, AF_INET, ends));
    T_TRUE((unsigned)t_get_int(ends[0], SOL_SOCKET, SO_CONNECT_TIME) < 60);
}

/* Rule A.4.17. */
static void getpeername__bad_room__fault(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at;
    int small = 8;
    T_DO(t_pair(t, AF_INET, ends));
    at.bytes = sizeof at.u;
    T_FAILS(getpeername(ends[0], &at.u.any, &small), WSAEFAULT);
    T_OK(getpeername(ends[0], &at.u.any, &at.bytes));
    T_EQ(at.bytes, sizeof at.u.v4);
}

static void getpeername__null_pointers__fault(struct t_run *t)
{
    SOCKET ends[2];
    struct t_addr at;
    T_DO(t_pair(t, AF_INET, ends));
    at.bytes = sizeof at.u;
    T_FAILS(getpeername(ends[0], NULL, &at.bytes), WSAEFAULT);
    T_FAILS(getpeername(ends[0], &at.u.any, NULL), WSAEFAULT);
}

/* Rule A.6.1 and the port of an explicit bind: it is the one that the peer sees. */
static void connect__bound_before__peer_sees_that_port(struct t_run *t)
{
    SOCKET listener, s, a;
    struct t_addr at, mine, peer;
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &mine));
    T_OK(connect(s, &at.u.any, at.bytes));
    peer.bytes = sizeof peer.u;
    a = t_keep(t, accept(listener, &peer.u.any, &peer.bytes));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(t_port(&peer), t_port(&mine));
}

/* Rule WSPCONNECT-2: an attempt from the wildcard gets an address by its route. */
static void connect__bound_to_the_wildcard__gets_an_address(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at, mine = t_wildcard(AF_INET, 0);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(bind(s, &mine.u.any, mine.bytes));
    T_OK(connect(s, &at.u.any, at.bytes));
    T_OK(getsockname(s, &mine.u.any, &mine.bytes));
    T_EQ(mine.u.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

/* Rule C.20: with permission, and to any other valid address. */
static void connect__datagram_with_permission__broadcast_and_group(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr all = t_v4("255.255.255.255", 9), group = t_v4("239.1.2.3", 9);
    T_OK(t_set_int(s, SOL_SOCKET, SO_BROADCAST, 1));
    T_OK(connect(s, &all.u.any, all.bytes));
    s = t_socket(t, AF_INET, SOCK_DGRAM);
    T_OK(connect(s, &group.u.any, group.bytes));
}

/* Rule WSPCONNECT-6: no bytes are no data. */
static void wsaconnect__empty_data__connects(struct t_run *t)
{
    SOCKET listener;
    struct t_addr at;
    char data[4] = "abc";
    WSABUF caller = {0, data};
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_listener(t, AF_INET, &listener, &at));
    T_OK(WSAConnect(s, &at.u.any, at.bytes, &caller, NULL, NULL, NULL));
    T_EQ(send(s, "x", 1, 0), 1);
}

/* Rule WSPCONNECT-7. */
static void wsaconnect__refused__room_is_left_alone(struct t_run *t)
{
    struct t_addr nobody;
    char room[8];
    WSABUF callee = {sizeof room, room};
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(t_nobody(t, AF_INET, SOCK_STREAM, &nobody));
    T_FAILS(WSAConnect(s, &nobody.u.any, nobody.bytes, NULL, &callee, NULL, NULL), WSAECONNREFUSED);
    T_EQ(callee.len, sizeof room);
}

/* Rule WSPGETPEERNAME-2: a peer that ended is known still, one that was lost is not. */
static void getpeername__peer_closed_or_reset__known_or_notconn(struct t_run *t)
{
    SOCKET ends[2], gone[2];
    struct t_addr peer;
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_close(t, ends[0]));
    T_EQ(recv(ends[1], &byte, 1, 0), 0);
    peer.bytes = sizeof peer.u;
    T_OK(getpeername(ends[1], &peer.u.any, &peer.bytes));
    T_DO(t_pair(t, AF_INET, gone));
    T_OK(t_set_linger(gone[0], 1, 0));
    T_OK(t_close(t, gone[0]));
    T_TRUE(recv(gone[1], &byte, 1, 0) <= 0);
    peer.bytes = sizeof peer.u;
    T_FAILS(getpeername(gone[1], &peer.u.any, &peer.bytes), WSAENOTCONN);
}

static const struct t_cases cases[] = {
    T_TABLE(connect__ROW__has_its_code, connects),
    T_CASE(connect__nobody_listens__refused_and_the_socket_serves_again),
    T_CASE(connect__nobody_listens__refused),
    T_CASE(connect__nobody_listens_v6__refused),
    T_CASE(connect__connected_or_listening__isconn_and_inval),
    T_CASE(connect__nonblocking__wouldblock_then_writable),
    T_CASE(connect__nonblocking_refused__except_set_and_so_error),
    T_CASE(so_error__read__is_cleared),
    T_CASE(connect__in_progress__already),
    T_CASE(send__datagram_without_a_peer__notconn),
    T_CASE(connect__datagram__sets_and_unsets_the_peer),
    T_CASE(wsaconnect__room_for_data__length_becomes_zero),
    T_CASE(wsaconnect__data_for_the_peer__protonosupport),
    T_CASE(connect_time__before_and_after__ones_then_seconds),
    T_CASE(getpeername__bad_room__fault),
    T_CASE(getpeername__null_pointers__fault),
    T_CASE(connect__bound_before__peer_sees_that_port),
    T_CASE(connect__bound_to_the_wildcard__gets_an_address),
    T_CASE(connect__datagram_with_permission__broadcast_and_group),
    T_CASE(wsaconnect__empty_data__connects),
    T_CASE(wsaconnect__refused__room_is_left_alone),
    T_CASE(getpeername__peer_closed_or_reset__known_or_notconn),
};

const struct t_group t_group_connect = {"connect", cases, T_COUNT(cases), false};

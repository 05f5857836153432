/*
 * Listening and accepting.
 */
#include "both.h"

/* Rules A.5.1, A.5.2, WSPLISTEN-1. */
static void listen__wrong_states__have_their_codes(struct t_run *t)
{
    SOCKET s, u;
    struct t_addr at;
    s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(listen(s, 5), WSAEINVAL);
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &u, &at));
    T_FAILS(listen(u, 5), WSAEOPNOTSUPP);
}

static void listen__connected__isconn(struct t_run *t)
{
    SOCKET ends[2];
    T_DO(t_pair(t, AF_INET, ends));
    T_FAILS(listen(ends[0], 5), WSAEISCONN);
    T_FAILS(listen(ends[1], 5), WSAEISCONN);
}

struct backlog_row {
    const char *name;
    int backlog;
};

/* Rules A.5.3, CON-2, CF-13: silently adjusted to the nearest legal value. */
static const struct backlog_row backlogs[] = {
    {"minus_one", -1}, {"zero", 0}, {"one", 1}, {"five", 5}, {"a_million", 1000000}, {"SOMAXCONN", SOMAXCONN},
};

static void listen__backlog_ROW__a_client_gets_in(struct t_run *t)
{
    const struct backlog_row *row = (const struct backlog_row *)t->row;
    SOCKET s, c, a;
    struct t_addr at;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_OK(listen(s, row->backlog));
    T_TRUE(t_get_int(s, SOL_SOCKET, SO_ACCEPTCONN) != 0);
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    a = t_keep(t, accept(s, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(t_get_int(a, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

/* Rule A.5.5: calling again is allowed. */
static void listen__again__keeps_what_waits(struct t_run *t)
{
    SOCKET s, c;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &s, &at));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_OK(listen(s, 10));
    T_TRUE(t_keep(t, accept(s, NULL, NULL)) != INVALID_SOCKET);
}

/* Rules WSPACCEPT-1, CON-4, CON-5. */
static void accept__wrong_states__have_their_codes(struct t_run *t)
{
    SOCKET s, u;
    struct t_addr at;
    SOCKET ends[2];
    T_NO_SOCKET(accept(t_socket(t, AF_INET, SOCK_STREAM), NULL, NULL), WSAEINVAL);
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_NO_SOCKET(accept(s, NULL, NULL), WSAEINVAL);
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &u, &at));
    T_NO_SOCKET(accept(u, NULL, NULL), WSAEOPNOTSUPP);
    T_DO(t_pair(t, AF_INET, ends));
    T_NO_SOCKET(accept(ends[1], NULL, NULL), WSAEINVAL);
}

/* Rule A.5.10. */
static void accept__nonblocking_and_nobody__wouldblock(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_NO_SOCKET(accept(s, NULL, NULL), WSAEWOULDBLOCK);
}

/* Rules WSPACCEPT-3, BND-3. */
static void accept__address_asked_for__is_the_clients(struct t_run *t)
{
    SOCKET s, c, a;
    struct t_addr at, client, peer, told_end;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &c, &client));
    T_OK(connect(c, &at.u.any, at.bytes));
    peer.bytes = sizeof peer.u;
    a = t_keep(t, accept(s, &peer.u.any, &peer.bytes));
    T_TRUE(a != INVALID_SOCKET);
    T_TRUE(t_same_addr(&peer, &client));
    told_end.bytes = sizeof told_end.u;
    T_OK(getpeername(a, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &client));
    told_end.bytes = sizeof told_end.u;
    T_OK(getsockname(a, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &at));
    told_end.bytes = sizeof told_end.u;
    T_OK(getpeername(c, &told_end.u.any, &told_end.bytes));
    T_TRUE(t_same_addr(&told_end, &at));
}

/* Rules WSPACCEPT-3, A.5.11. */
static void accept__room_too_small__fault_and_the_client_waits_on(struct t_run *t)
{
    SOCKET s, c;
    struct t_addr at, peer;
    int small = 4;
    T_DO(t_listener(t, AF_INET, &s, &at));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_NO_SOCKET(accept(s, &peer.u.any, &small), WSAEFAULT);
    T_EQ(t_select(s, 'r', 500), 1);
    T_TRUE(t_keep(t, accept(s, NULL, NULL)) != INVALID_SOCKET);
}

/* Rule A.5.8: first come, first served. */
static void accept__three_clients__in_their_order(struct t_run *t)
{
    SOCKET s, c[3], a;
    struct t_addr at, client[3], peer;
    unsigned i;
    T_DO(t_listener(t, AF_INET, &s, &at));
    for (i = 0; i < 3; i++) {
        T_DO(t_bound(t, AF_INET, SOCK_STREAM, &c[i], &client[i]));
        T_OK(connect(c[i], &at.u.any, at.bytes));
    }
    for (i = 0; i < 3; i++) {
        peer.bytes = sizeof peer.u;
        a = t_keep(t, accept(s, &peer.u.any, &peer.bytes));
        T_TRUE(a != INVALID_SOCKET);
        T_TRUE(t_same_addr(&peer, &client[i]));
    }
}

/* Rules WSPACCEPT-4, CON-19: options and mode of the listener. */
static void accept__listeners_properties__are_inherited(struct t_run *t)
{
    SOCKET s, c, a;
    struct t_addr at;
    char byte;
    struct linger linger;
    int bytes = sizeof linger;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_OK(t_set_int(s, SOL_SOCKET, SO_KEEPALIVE, 1));
    T_OK(t_set_int(s, IPPROTO_TCP, TCP_NODELAY, 1));
    T_OK(t_set_linger(s, 1, 7));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    a = t_keep(t, accept(s, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    T_TRUE(t_get_int(a, SOL_SOCKET, SO_KEEPALIVE) != 0);
    T_TRUE(t_get_int(a, IPPROTO_TCP, TCP_NODELAY) != 0);
    T_OK(getsockopt(a, SOL_SOCKET, SO_LINGER, (char *)&linger, &bytes));
    T_EQ(linger.l_onoff, 1);
    T_EQ(linger.l_linger, 7);
    T_FAILS(recv(a, &byte, 1, 0), WSAEWOULDBLOCK);
}

static void accept__client_wrote_and_left__data_then_the_end(struct t_run *t)
{
    SOCKET s, c, a;
    struct t_addr at;
    char room[8];
    T_DO(t_listener(t, AF_INET, &s, &at));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_EQ(send(c, "hello", 5, 0), 5);
    T_OK(t_close(t, c));
    a = t_keep(t, accept(s, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    T_DO(t_recv_all(t, a, room, 5));
    T_SAME(room, "hello", 5);
    T_EQ(recv(a, room, sizeof room, 0), 0);
}

/* A listener that goes takes along who still waits; accepted ones live on. */
static void listener__closed__waiting_clients_end_accepted_ones_live(struct t_run *t)
{
    SOCKET s, c[2], a;
    struct t_addr at;
    char byte = 0;
    T_DO(t_listener(t, AF_INET, &s, &at));
    c[0] = t_socket(t, AF_INET, SOCK_STREAM);
    c[1] = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c[0], &at.u.any, at.bytes));
    a = t_keep(t, accept(s, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    T_OK(connect(c[1], &at.u.any, at.bytes));
    T_OK(t_close(t, s));
    T_EQ(send(c[0], "x", 1, 0), 1);
    T_EQ(recv(a, &byte, 1, 0), 1);
    T_FAILS(recv(c[1], &byte, 1, 0), WSAECONNRESET);
}

/* What a condition function was told, and what it shall say. */
struct condition {
    int answer;
    unsigned calls;
    struct t_addr caller, callee;
    bool no_data;
    DWORD thread;
};

static int CALLBACK ask(LPWSABUF caller, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos, LPWSABUF callee,
                        LPWSABUF callee_data, GROUP *group, DWORD_PTR data)
{
    struct condition *condition = (struct condition *)data;
    (void)sqos;
    (void)gqos;
    (void)group;
    condition->calls++;
    condition->thread = GetCurrentThreadId();
    if (caller != NULL && caller->len <= sizeof condition->caller.u) {
        condition->caller.bytes = (int)caller->len;
        memcpy(&condition->caller.u, caller->buf, caller->len);
    }
    if (callee != NULL && callee->len <= sizeof condition->callee.u) {
        condition->callee.bytes = (int)callee->len;
        memcpy(&condition->callee.u, callee->buf, callee->len);
    }
    condition->no_data = (caller_data == NULL || caller_data->len == 0) &&
                         (callee_data == NULL || callee_data->len == 0);
    return condition->answer;
}

/* Rules WSPACCEPT-2, WSPACCEPT-6, A.5.14, A.5.17, A.5.21. */
static void wsaaccept__condition_accepts__saw_both_addresses(struct t_run *t)
{
    SOCKET s, c, a;
    struct t_addr at, client;
    struct condition condition = {.answer = CF_ACCEPT};
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &c, &client));
    T_OK(connect(c, &at.u.any, at.bytes));
    a = t_keep(t, WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(condition.calls, 1);
    T_EQ(condition.thread, GetCurrentThreadId());
    T_TRUE(condition.no_data);
    T_TRUE(t_same_addr(&condition.caller, &client));
    T_TRUE(t_same_addr(&condition.callee, &at));
}

/* Rules A.5.15, CON-17. */
static void wsaaccept__condition_rejects__refused_and_the_client_is_reset(struct t_run *t)
{
    SOCKET s, c;
    struct t_addr at;
    char byte;
    struct condition condition = {.answer = CF_REJECT};
    T_DO(t_listener(t, AF_INET, &s, &at));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSAECONNREFUSED);
    T_EQ(condition.calls, 1);
    T_EQ(t_select(c, 'r', T_WAIT_MS), 1);
    T_FAILS(recv(c, &byte, 1, 0), WSAECONNRESET);
}

/* Rules A.5.16, CON-18. */
static void wsaaccept__condition_defers__the_same_client_next_time(struct t_run *t)
{
    SOCKET s, c, a;
    struct t_addr at, client;
    struct condition condition = {.answer = CF_DEFER};
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &c, &client));
    T_OK(connect(c, &at.u.any, at.bytes));
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSATRY_AGAIN);
    condition.answer = CF_ACCEPT;
    a = t_keep(t, WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(condition.calls, 2);
    T_TRUE(t_same_addr(&condition.caller, &client));
}

/* Rules A.5.13, A.5.25. */
static void wsaaccept__nobody__wouldblock_and_no_condition_call(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    struct condition condition = {.answer = CF_ACCEPT};
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSAEWOULDBLOCK);
    T_EQ(condition.calls, 0);
}

static DWORD WINAPI connect_late(LPVOID context)
{
    struct t_addr *at = (struct t_addr *)context;
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    Sleep(100);
    (void)connect(s, &at->u.any, at->bytes);
    Sleep(60);
    return (DWORD)closesocket(s);
}

/* Rules CON-3, A.5.10. */
static void accept__blocking__waits_for_a_client(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    ULONGLONG before;
    T_DO(t_listener(t, AF_INET, &s, &at));
    before = GetTickCount64();
    T_TRUE(t_thread(t, connect_late, &at) != NULL);
    T_TRUE(t_keep(t, accept(s, NULL, NULL)) != INVALID_SOCKET);
    T_TRUE(GetTickCount64() - before >= 60);
}

/* Rule A.5.11: both pointers, or no address. */
static void accept__one_pointer_missing__no_address(struct t_run *t)
{
    SOCKET s, c;
    struct t_addr at, peer;
    int bytes = 77;
    T_DO(t_listener(t, AF_INET, &s, &at));
    memset(&peer, 0x55, sizeof peer);
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_TRUE(t_keep(t, accept(s, &peer.u.any, NULL)) != INVALID_SOCKET);
    T_EQ(peer.u.any.sa_family, 0x5555);
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_TRUE(t_keep(t, accept(s, NULL, &bytes)) != INVALID_SOCKET);
    T_EQ(bytes, 77);
}

/* Rule CON-1: who leaves again is told of, or no longer there; the next one is served all the same. */
static void accept__client_reset_while_it_waited__is_told_or_gone(struct t_run *t)
{
    SOCKET s, c, a, next;
    struct t_addr at, client, peer;
    char byte;
    T_DO(t_listener(t, AF_INET, &s, &at));
    c = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(connect(c, &at.u.any, at.bytes));
    T_OK(t_set_linger(c, 1, 0));
    T_OK(t_close(t, c));
    Sleep(T_QUIET_MS);
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    a = t_keep(t, accept(s, NULL, NULL));
    if (a == INVALID_SOCKET) {
        T_TRUE(WSAGetLastError() == WSAEWOULDBLOCK || WSAGetLastError() == WSAECONNRESET);
    } else {
        T_TRUE(recv(a, &byte, 1, 0) <= 0);
    }
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &next, &client));
    T_OK(connect(next, &at.u.any, at.bytes));
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    peer.bytes = sizeof peer.u;
    T_TRUE(t_keep(t, accept(s, &peer.u.any, &peer.bytes)) != INVALID_SOCKET);
    T_TRUE(t_same_addr(&peer, &client));
}

/* Rule WSPLISTEN-2: SOMAXCONN_HINT(1) is raised to 200. */
static void listen__hint_of_one__many_get_in(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    unsigned i;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_OK(listen(s, -1));
    for (i = 0; i < 40; i++) {
        T_OK(connect(t_socket(t, AF_INET, SOCK_STREAM), &at.u.any, at.bytes));
    }
}

/* Rule WSPLISTEN-3. */
static void listen__smaller_backlog__keeps_what_waits(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    unsigned i;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_OK(listen(s, 5));
    for (i = 0; i < 4; i++) {
        T_OK(connect(t_socket(t, AF_INET, SOCK_STREAM), &at.u.any, at.bytes));
    }
    T_OK(listen(s, 1));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    for (i = 0; i < 4; i++) {
        T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
        T_TRUE(t_keep(t, accept(s, NULL, NULL)) != INVALID_SOCKET);
    }
}

static const struct t_cases cases[] = {
    T_CASE(listen__wrong_states__have_their_codes),
    T_CASE(listen__connected__isconn),
    T_TABLE(listen__backlog_ROW__a_client_gets_in, backlogs),
    T_CASE(listen__again__keeps_what_waits),
    T_CASE(accept__wrong_states__have_their_codes),
    T_CASE(accept__nonblocking_and_nobody__wouldblock),
    T_CASE(accept__address_asked_for__is_the_clients),
    T_CASE(accept__room_too_small__fault_and_the_client_waits_on),
    T_CASE(accept__three_clients__in_their_order),
    T_CASE(accept__listeners_properties__are_inherited),
    T_CASE(accept__client_wrote_and_left__data_then_the_end),
    T_CASE(listener__closed__waiting_clients_end_accepted_ones_live),
    T_CASE(wsaaccept__condition_accepts__saw_both_addresses),
    T_CASE(wsaaccept__condition_rejects__refused_and_the_client_is_reset),
    T_CASE(wsaaccept__condition_defers__the_same_client_next_time),
    T_CASE(wsaaccept__nobody__wouldblock_and_no_condition_call),
    T_CASE(accept__blocking__waits_for_a_client),
    T_CASE(accept__one_pointer_missing__no_address),
    T_CASE(accept__client_reset_while_it_waited__is_told_or_gone),
    T_CASE(listen__hint_of_one__many_get_in),
    T_CASE(listen__smaller_backlog__keeps_what_waits),
};

const struct t_group t_group_listen = {"listen", cases, T_COUNT(cases), false};

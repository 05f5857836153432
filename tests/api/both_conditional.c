/*
 * SO_CONDITIONAL_ACCEPT and SO_PAUSE_ACCEPT: who decides before a client is connected.
 */
#include "both.h"

#ifndef SO_CONDITIONAL_ACCEPT
#define SO_CONDITIONAL_ACCEPT 0x3002
#endif
#ifndef SO_PAUSE_ACCEPT
#define SO_PAUSE_ACCEPT 0x3003
#endif

struct condition {
    int answer;
    unsigned calls;
    SOCKET client; /* not connected while the condition is asked */
    int ready;     /* of the client, meanwhile */
};

static int CALLBACK ask(LPWSABUF caller, LPWSABUF caller_data, LPQOS sqos, LPQOS gqos, LPWSABUF callee,
                        LPWSABUF callee_data, GROUP *group, DWORD_PTR data)
{
    struct condition *condition = (struct condition *)data;
    (void)caller, (void)caller_data, (void)sqos, (void)gqos, (void)callee, (void)callee_data, (void)group;
    condition->calls++;
    if (condition->client != INVALID_SOCKET) {
        condition->ready = t_select(condition->client, 'w', T_QUIET_MS);
    }
    return condition->answer;
}

/* A listener with the option, and a client that has begun to connect. */
static bool begin(struct t_run *t, SOCKET *listener, SOCKET *client)
{
    struct t_addr at;
    if (!t_bound(t, AF_INET, SOCK_STREAM, listener, &at)) {
        return false;
    }
    if (t_set_int(*listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1) != 0 || listen(*listener, 5) != 0) {
        t_note(t, __FILE__, __LINE__, "SO_CONDITIONAL_ACCEPT: error %d", WSAGetLastError());
        return false;
    }
    *client = t_socket(t, AF_INET, SOCK_STREAM);
    return *client != INVALID_SOCKET && t_ioctl(*client, (ULONG)FIONBIO, 1) == 0 &&
           connect(*client, &at.u.any, at.bytes) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK;
}

/* Rules CON-22, E56, WSPACCEPT-7: connected by CF_ACCEPT, not before. */
static void conditional__accepted__connected_then(struct t_run *t)
{
    SOCKET s, c, a;
    struct condition condition = {.answer = CF_ACCEPT, .ready = 77};
    char byte;
    T_DO(begin(t, &s, &c));
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    condition.client = c;
    a = t_keep(t, WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(condition.calls, 1);
    T_EQ(condition.ready, 0);
    T_EQ(t_select(c, 'w', T_WAIT_MS), 1);
    T_EQ(send(a, "x", 1, 0), 1);
    T_EQ(t_select(c, 'r', T_WAIT_MS), 1);
    T_EQ(recv(c, &byte, 1, 0), 1);
}

/* Rules CON-22, A.5.15: the client never was connected. */
static void conditional__rejected__client_is_refused(struct t_run *t)
{
    SOCKET s, c;
    struct condition condition = {.answer = CF_REJECT, .client = INVALID_SOCKET};
    T_DO(begin(t, &s, &c));
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSAECONNREFUSED);
    T_EQ(t_select(c, 'x', T_WAIT_MS), 1);
    T_EQ(t_get_int(c, SOL_SOCKET, SO_ERROR), WSAECONNREFUSED);
}

/* Rules A.5.16, CON-18: the client waits on. */
static void conditional__deferred__client_waits_on(struct t_run *t)
{
    SOCKET s, c;
    struct condition condition = {.answer = CF_DEFER, .client = INVALID_SOCKET};
    T_DO(begin(t, &s, &c));
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSATRY_AGAIN);
    T_EQ(t_select(c, 'w', T_QUIET_MS), 0);
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    condition.answer = CF_ACCEPT;
    T_TRUE(t_keep(t, WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition)) != INVALID_SOCKET);
    T_EQ(t_select(c, 'w', T_WAIT_MS), 1);
}

/* Plain accept is a yes; a nonblocking listener too gives a socket that is connected. */
static void conditional__no_function__accept_is_a_yes(struct t_run *t)
{
    SOCKET s, c, a;
    char byte;
    T_DO(begin(t, &s, &c));
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    T_EQ(t_select(c, 'w', T_QUIET_MS), 0);
    a = t_keep(t, accept(s, NULL, NULL));
    T_TRUE(a != INVALID_SOCKET);
    T_EQ(send(a, "x", 1, 0), 1);
    T_EQ(t_select(c, 'r', T_WAIT_MS), 1);
    T_EQ(recv(c, &byte, 1, 0), 1);
    T_NO_SOCKET(accept(s, NULL, NULL), WSAEWOULDBLOCK);
}

/* Rules A.5.23, WSPACCEPT-1: who asked is gone. */
static void conditional__client_withdrew__acces(struct t_run *t)
{
    SOCKET s, c;
    struct condition condition = {.answer = CF_ACCEPT, .client = INVALID_SOCKET};
    T_DO(begin(t, &s, &c));
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    T_OK(t_close(t, c));
    Sleep(T_QUIET_MS);
    T_NO_SOCKET(WSAAccept(s, NULL, NULL, ask, (DWORD_PTR)&condition), WSAEACCES);
}

/* Rules CON-21, CON-25. */
static void conditional__set_while_listening__inval(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_bound(t, AF_INET, SOCK_STREAM, &s, &at));
    T_EQ(t_get_int(s, SOL_SOCKET, SO_CONDITIONAL_ACCEPT), 0);
    T_OK(listen(s, 5));
    T_FAILS(t_set_int(s, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1), WSAEINVAL);
    T_EQ(t_get_int(s, SOL_SOCKET, SO_CONDITIONAL_ACCEPT), 0);
}

/* Rule CON-26. */
static void paused__listener__clients_are_refused(struct t_run *t)
{
    SOCKET s;
    struct t_addr at;
    T_DO(t_listener(t, AF_INET, &s, &at));
    T_OK(t_set_int(s, SOL_SOCKET, SO_PAUSE_ACCEPT, 1));
    T_FAILS(connect(t_socket(t, AF_INET, SOCK_STREAM), &at.u.any, at.bytes), WSAECONNREFUSED);
    T_OK(t_set_int(s, SOL_SOCKET, SO_PAUSE_ACCEPT, 0));
    T_OK(connect(t_socket(t, AF_INET, SOCK_STREAM), &at.u.any, at.bytes));
}

static const struct t_cases cases[] = {
    T_CASE(conditional__accepted__connected_then),  T_CASE(conditional__rejected__client_is_refused),
    T_CASE(conditional__deferred__client_waits_on), T_CASE(conditional__no_function__accept_is_a_yes),
    T_CASE(conditional__client_withdrew__acces),    T_CASE(conditional__set_while_listening__inval),
    T_CASE(paused__listener__clients_are_refused),
};

const struct t_group t_group_conditional = {"conditional", cases, T_COUNT(cases), false};

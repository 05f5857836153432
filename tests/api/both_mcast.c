/*
 * Multicast on the loopback interface: memberships, sources, filters, leaves. Rules 7.8, 2.15, A.18.
 */
#include "both.h"

#ifndef GROUP_FILTER_SIZE
#define GROUP_FILTER_SIZE(n) (offsetof(GROUP_FILTER, gf_slist) + (n) * sizeof(SOCKADDR_STORAGE))
#endif

#define LEAF (WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)

static int source(SOCKET s, int name, const char *group, const char *from)
{
    struct ip_mreq_source request;
    request.imr_multiaddr.s_addr = inet_addr(group);
    request.imr_sourceaddr.s_addr = inet_addr(from);
    request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    return setsockopt(s, IPPROTO_IP, name, (char *)&request, sizeof request);
}

static int member(SOCKET s, int name, const char *group)
{
    struct ip_mreq request;
    request.imr_multiaddr.s_addr = inet_addr(group);
    request.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
    return setsockopt(s, IPPROTO_IP, name, (char *)&request, sizeof request);
}

/* A socket of the any address that sends to groups by loopback; port 0: one of its own. */
static bool hearer(struct t_run *t, SOCKET *s, struct t_addr *at)
{
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    *s = t_socket(t, AF_INET, SOCK_DGRAM);
    return t_set_int(*s, SOL_SOCKET, SO_REUSEADDR, 1) == 0 && bind(*s, &at->u.any, at->bytes) == 0 &&
           getsockname(*s, &at->u.any, &at->bytes) == 0 &&
           setsockopt(*s, IPPROTO_IP, IP_MULTICAST_IF, (char *)&loopback, sizeof loopback) == 0;
}

static struct t_addr group_at(const char *group, const struct t_addr *at)
{
    return t_v4(group, ntohs(at->u.v4.sin_port));
}

/* Rules MPT-9, A.18.10: all members hear, the sender too, each once. */
static void mcast__two_members__each_hears_once(struct t_run *t)
{
    SOCKET s[2];
    struct t_addr at = t_wildcard(AF_INET, 0);
    char room[16];
    for (int i = 0; i < 2; i++) {
        T_DO(hearer(t, &s[i], &at));
        T_OK(member(s[i], IP_ADD_MEMBERSHIP, "239.77.1.1"));
    }
    struct t_addr group = group_at("239.77.1.1", &at);
    T_EQ(sendto(s[0], "all", 3, 0, &group.u.any, group.bytes), 3);
    for (int i = 0; i < 2; i++) {
        T_EQ(t_select(s[i], 'r', T_WAIT_MS), 1);
        T_EQ(recv(s[i], room, sizeof room, 0), 3);
        T_EQ(t_select(s[i], 'r', T_QUIET_MS), 0);
    }
}

/* Rule MC-5: OFF can send to ON, ON cannot send to OFF. */
static void mcast__loopback_off__the_receivers_choice(struct t_run *t)
{
    SOCKET on, off;
    struct t_addr at = t_wildcard(AF_INET, 0);
    T_DO(hearer(t, &on, &at));
    T_DO(hearer(t, &off, &at));
    T_OK(member(on, IP_ADD_MEMBERSHIP, "239.77.1.2"));
    T_OK(member(off, IP_ADD_MEMBERSHIP, "239.77.1.2"));
    T_EQ(t_get_int(off, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
    T_OK(t_set_int(off, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    struct t_addr group = group_at("239.77.1.2", &at);
    T_EQ(sendto(off, "off", 3, 0, &group.u.any, group.bytes), 3);
    T_EQ(t_select(on, 'r', T_WAIT_MS), 1);
    T_EQ(t_select(off, 'r', T_QUIET_MS), 0);
    T_EQ(sendto(on, "on", 2, 0, &group.u.any, group.bytes), 2);
    T_EQ(t_select(off, 'r', T_QUIET_MS), 0);
}

/* Rules MC-3, 5.2: who names sources hears those; who blocks some hears the others. */
static void mcast__sources__heard_or_not(struct t_run *t)
{
    SOCKET s;
    struct t_addr at = t_wildcard(AF_INET, 0);
    char room[16];
    T_DO(hearer(t, &s, &at));
    struct t_addr group = group_at("239.77.1.3", &at);
    T_OK(source(s, IP_ADD_SOURCE_MEMBERSHIP, "239.77.1.3", "10.1.2.3"));
    T_EQ(sendto(s, "1", 1, 0, &group.u.any, group.bytes), 1);
    T_EQ(t_select(s, 'r', T_QUIET_MS), 0);
    T_OK(source(s, IP_ADD_SOURCE_MEMBERSHIP, "239.77.1.3", "127.0.0.1"));
    T_EQ(sendto(s, "12", 2, 0, &group.u.any, group.bytes), 2);
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    T_EQ(recv(s, room, sizeof room, 0), 2);
    T_OK(member(s, IP_DROP_MEMBERSHIP, "239.77.1.3"));
    T_OK(member(s, IP_ADD_MEMBERSHIP, "239.77.1.3"));
    T_OK(source(s, IP_BLOCK_SOURCE, "239.77.1.3", "127.0.0.1"));
    T_EQ(sendto(s, "123", 3, 0, &group.u.any, group.bytes), 3);
    T_EQ(t_select(s, 'r', T_QUIET_MS), 0);
    T_OK(source(s, IP_UNBLOCK_SOURCE, "239.77.1.3", "127.0.0.1"));
    T_EQ(sendto(s, "1234", 4, 0, &group.u.any, group.bytes), 4);
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
}

struct conflict_row {
    const char *name;
    int before[3]; /* options, the last 0 */
    int then;
    int code;
};

/* The table of 7.8. */
static const struct conflict_row conflicts[] = {
    {"joined_join", {IP_ADD_MEMBERSHIP}, IP_ADD_MEMBERSHIP, WSAEADDRNOTAVAIL},
    {"joined_join_source", {IP_ADD_MEMBERSHIP}, IP_ADD_SOURCE_MEMBERSHIP, WSAEADDRNOTAVAIL},
    {"joined_drop_source", {IP_ADD_MEMBERSHIP}, IP_DROP_SOURCE_MEMBERSHIP, WSAEINVAL},
    {"joined_unblock", {IP_ADD_MEMBERSHIP}, IP_UNBLOCK_SOURCE, WSAEINVAL},
    {"left_leave", {IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP}, IP_DROP_MEMBERSHIP, WSAEINVAL},
    {"left_block", {IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP}, IP_BLOCK_SOURCE, WSAEINVAL},
    {"source_join", {IP_ADD_SOURCE_MEMBERSHIP}, IP_ADD_MEMBERSHIP, WSAEADDRNOTAVAIL},
    {"source_same_source", {IP_ADD_SOURCE_MEMBERSHIP}, IP_ADD_SOURCE_MEMBERSHIP, WSAEADDRNOTAVAIL},
    {"source_unblock", {IP_ADD_SOURCE_MEMBERSHIP}, IP_UNBLOCK_SOURCE, WSAEINVAL},
    {"dropped_unblock", {IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP}, IP_UNBLOCK_SOURCE, WSAEINVAL},
    {"dropped_drop",
     {IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP},
     IP_DROP_SOURCE_MEMBERSHIP,
     WSAEADDRNOTAVAIL},
    {"blocked_block", {IP_ADD_MEMBERSHIP, IP_BLOCK_SOURCE}, IP_BLOCK_SOURCE, WSAEADDRNOTAVAIL},
    {"blocked_join_source", {IP_ADD_MEMBERSHIP, IP_BLOCK_SOURCE}, IP_ADD_SOURCE_MEMBERSHIP, WSAEINVAL},
    {"blocked_join", {IP_ADD_MEMBERSHIP, IP_BLOCK_SOURCE}, IP_ADD_MEMBERSHIP, WSAEINVAL},
};

static int conflict_step(SOCKET s, int option)
{
    if (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP)
        return member(s, option, "239.77.1.4");
    return source(s, option, "239.77.1.4", "10.1.2.3");
}

static void mcast__ROW__has_its_code(struct t_run *t)
{
    const struct conflict_row *row = (const struct conflict_row *)t->row;
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    for (int i = 0; row->before[i] != 0; i++)
        T_OK(conflict_step(s, row->before[i]));
    T_FAILS(conflict_step(s, row->then), row->code);
}

/* Rule MC-6. */
static void mcast__final_state__set_and_got(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    union {
        GROUP_FILTER filter;
        char room[sizeof(GROUP_FILTER) + 2 * sizeof(SOCKADDR_STORAGE)];
    } u;
    struct t_addr group = t_v4("239.77.1.5", 0), from = t_v4("10.1.2.3", 0);
    DWORD bytes = 0;
    memset(&u, 0, sizeof u);
    u.filter.gf_interface = 1;
    u.filter.gf_fmode = MCAST_EXCLUDE;
    u.filter.gf_numsrc = 1;
    memcpy(&u.filter.gf_group, &group.u.any, (size_t)group.bytes);
    memcpy(&u.filter.gf_slist[0], &from.u.any, (size_t)from.bytes);
    T_OK(WSAIoctl(s, _IOW('t', 126, ULONG), &u, sizeof u, NULL, 0, &bytes, NULL, NULL));
    u.filter.gf_fmode = MCAST_INCLUDE;
    u.filter.gf_numsrc = 9;
    T_OK(WSAIoctl(s, _IOW('t', 127, ULONG), &u, sizeof u, &u, sizeof u, &bytes, NULL, NULL));
    T_EQ(bytes, GROUP_FILTER_SIZE(1u));
    T_EQ(u.filter.gf_fmode, MCAST_EXCLUDE);
    T_EQ(u.filter.gf_numsrc, 1);
    T_SAME(&u.filter.gf_slist[0], &from.u.any, 8);
}

/* Rules A.18.3, A.18.4, A.18.6, WSPJOINLEAF-4: the leaf is the socket, sends to its group and hears it. */
static void joinleaf__both__sends_and_hears(struct t_run *t)
{
    SOCKET s = t_keep(t, WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, LEAF));
    struct t_addr group, port;
    SOCKET other;
    char room[16];
    T_TRUE(s != INVALID_SOCKET);
    T_DO(t_bound(t, AF_INET, SOCK_DGRAM, &other, &port)); /* a port that is free */
    (void)t_close(t, other);
    group = group_at("239.77.1.6", &port);
    T_TRUE(WSAJoinLeaf(s, &group.u.any, group.bytes, NULL, NULL, NULL, NULL, JL_BOTH) == s);
    T_EQ(send(s, "self", 4, 0), 4);
    T_EQ(t_select(s, 'r', T_WAIT_MS), 1);
    T_EQ(recv(s, room, sizeof room, 0), 4);
    T_NO_SOCKET(WSAJoinLeaf(s, &group.u.any, group.bytes, NULL, NULL, NULL, NULL, JL_RECEIVER_ONLY), WSAEISCONN);
    other = t_socket(t, AF_INET, SOCK_DGRAM);
    T_NO_SOCKET(WSAJoinLeaf(other, &group.u.any, group.bytes, NULL, NULL, NULL, NULL, JL_BOTH), WSAEINVAL);
}

static const struct t_cases cases[] = {
    T_CASE(mcast__two_members__each_hears_once), T_CASE(mcast__loopback_off__the_receivers_choice),
    T_CASE(mcast__sources__heard_or_not),        T_TABLE(mcast__ROW__has_its_code, conflicts),
    T_CASE(mcast__final_state__set_and_got),     T_CASE(joinleaf__both__sends_and_hears),
};

const struct t_group t_group_mcast = {"mcast", cases, T_COUNT(cases), false};

/** @file Multicast on the real stack: sources, the conflict table, filters, leaves, who hears what. Source: rules 7.8, 2.15, A.18. */
#include "t_host.h"

#include <string.h>

#define LEAF_FLAGS (WSA_FLAG_OVERLAPPED | WSA_FLAG_MULTIPOINT_C_LEAF | WSA_FLAG_MULTIPOINT_D_LEAF)
#define OWN "\12\11\0\1"   /* 10.9.0.1, the first port */
#define OTHER "\12\11\0\2" /* nobody's */

/* --- Short forms ---------------------------------------------------------------- */

static int set(SOCKET s, int level, int name, const void *value, size_t size)
{
    return t_spi.lpWSPSetSockOpt(s, level, name, value, (int)size, &t_err);
}

static int member(SOCKET s, int name, const char *group)
{
    IP_MREQ mreq;

    memcpy(&mreq.imr_multiaddr, group, 4);
    memcpy(&mreq.imr_interface, OWN, 4);
    return set(s, IPPROTO_IP, name, &mreq, sizeof mreq);
}

static int source(SOCKET s, int name, const char *group, const char *from)
{
    IP_MREQ_SOURCE mreq;

    memcpy(&mreq.imr_multiaddr, group, 4);
    memcpy(&mreq.imr_sourceaddr, from, 4);
    memcpy(&mreq.imr_interface, OWN, 4);
    return set(s, IPPROTO_IP, name, &mreq, sizeof mreq);
}

static SOCKADDR_IN group_addr(const char *group, uint16_t port)
{
    SOCKADDR_IN addr = {.sin_family = AF_INET, .sin_port = port};

    memcpy(&addr.sin_addr, group, 4);
    return addr;
}

/* A socket on a port that others may share, sending by the first port. */
static SOCKET hearer(uint16_t port)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET, .sin_port = port};
    int value;

    memcpy(&value, OWN, 4);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, 16, &t_err), 0);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    return s;
}

static void hears(SOCKET s, size_t len)
{
    char buf[64];

    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 2000), 0);
    assert_int_equal(t_recv(s, buf, sizeof buf), len);
}

static void hears_nothing(SOCKET s)
{
    char buf[64];

    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_RCVTIMEO, 60), 0);
    t_fails(t_recv(s, buf, sizeof buf), WSAETIMEDOUT);
}

static int join_leaf(SOCKET s, const void *name, DWORD flags)
{
    SOCKET got = t_spi.lpWSPJoinLeaf(s, name, 16, NULL, NULL, NULL, NULL, flags, &t_err);

    assert_true(got == s || got == INVALID_SOCKET);
    return got == s ? 0 : SOCKET_ERROR;
}

/* --- The conflict table of 7.8 ----------------------------------------------------- */

enum step { ADD, DROP, ADD_SOURCE, DROP_SOURCE, BLOCK, UNBLOCK, STEPS };

static int step_run(SOCKET s, enum step step)
{
    static const int names[] = {IP_ADD_MEMBERSHIP,         IP_DROP_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP,
                                IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE,    IP_UNBLOCK_SOURCE};

    return step <= DROP ? member(s, names[step], "\357\3\0\1") : source(s, names[step], "\357\3\0\1", OTHER);
}

/* The same by the options of both families. */
static int step_run_group(SOCKET s, int af, enum step step)
{
    static const int names[] = {MCAST_JOIN_GROUP,         MCAST_LEAVE_GROUP,  MCAST_JOIN_SOURCE_GROUP,
                                MCAST_LEAVE_SOURCE_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE};
    GROUP_SOURCE_REQ both = {.gsr_interface = 0};
    GROUP_REQ one = {.gr_interface = 0};

    memcpy(&both.gsr_source, t_addr(af, 0), (size_t)t_addr_size(af));
    memcpy(&both.gsr_group, t_addr(af, 0), (size_t)t_addr_size(af));
    if (af == AF_INET)
        memcpy(&((SOCKADDR_IN *)&both.gsr_group)->sin_addr, "\357\3\0\2", 4);
    else
        memcpy(&((SOCKADDR_IN6 *)&both.gsr_group)->sin6_addr, "\377\5\0\0\0\0\0\0\0\0\0\0\0\0\3\2", 16);
    one.gr_group = both.gsr_group;
    if (step <= DROP)
        return set(s, af == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, names[step], &one, sizeof one);
    return set(s, af == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, names[step], &both, sizeof both);
}

struct conflict {
    enum step before[3];
    int count;
    enum step then;
    int code;
};

static const struct conflict conflicts[] = {
    {{ADD}, 1, ADD, WSAEADDRNOTAVAIL},
    {{ADD}, 1, ADD_SOURCE, WSAEADDRNOTAVAIL},
    {{ADD}, 1, DROP_SOURCE, WSAEINVAL},
    {{ADD}, 1, UNBLOCK, WSAEINVAL},
    {{ADD, DROP}, 2, DROP, WSAEINVAL},
    {{ADD, DROP}, 2, DROP_SOURCE, WSAEINVAL},
    {{ADD, DROP}, 2, BLOCK, WSAEINVAL},
    {{ADD, DROP}, 2, UNBLOCK, WSAEINVAL},
    {{ADD_SOURCE}, 1, ADD, WSAEADDRNOTAVAIL},
    {{ADD_SOURCE}, 1, ADD_SOURCE, WSAEADDRNOTAVAIL},
    {{ADD_SOURCE}, 1, UNBLOCK, WSAEINVAL},
    {{ADD_SOURCE}, 1, BLOCK, WSAEINVAL},
    {{ADD_SOURCE, DROP_SOURCE}, 2, UNBLOCK, WSAEINVAL},
    {{ADD_SOURCE, DROP_SOURCE}, 2, DROP_SOURCE, WSAEADDRNOTAVAIL},
    {{ADD_SOURCE, DROP_SOURCE}, 2, DROP, WSAEINVAL},
    {{ADD, BLOCK}, 2, BLOCK, WSAEADDRNOTAVAIL},
    {{ADD, BLOCK}, 2, ADD_SOURCE, WSAEINVAL},
    {{ADD, BLOCK}, 2, ADD, WSAEINVAL},
    {{ADD, BLOCK, UNBLOCK}, 3, UNBLOCK, WSAEADDRNOTAVAIL},
    /* What may follow. */
    {{ADD, DROP}, 2, ADD, 0},
    {{ADD, DROP}, 2, ADD_SOURCE, 0},
    {{ADD_SOURCE, DROP_SOURCE}, 2, ADD, 0},
    {{ADD_SOURCE, DROP_SOURCE}, 2, ADD_SOURCE, 0},
    {{ADD_SOURCE}, 1, DROP, 0},
    {{ADD, BLOCK}, 2, DROP, 0},
    {{ADD, BLOCK, UNBLOCK}, 3, BLOCK, 0},
};

/* kind 0: the options of IPv4; AF_INET, AF_INET6: those of both families. */
static void conflicts_run(int kind)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        const struct conflict *row = &conflicts[i];
        SOCKET s = t_socket(kind == AF_INET6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
        int result;

        for (int step = 0; step < row->count; step++)
            assert_int_equal(kind == 0 ? step_run(s, row->before[step]) : step_run_group(s, kind, row->before[step]),
                             0);
        t_err = 0;
        result = kind == 0 ? step_run(s, row->then) : step_run_group(s, kind, row->then);
        if (result != (row->code == 0 ? 0 : SOCKET_ERROR) || t_err != row->code)
            fail_msg("row %u of options %d: %d, code %d, not %d", (unsigned)i, kind, result, t_err, row->code);
        t_close(s);
    }
}

/* What is refused does not change what the next one gets. */
static void conflicts__refused_in_between__as_without_it(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);

    (void)state;
    assert_int_equal(step_run(s, ADD_SOURCE), 0);
    assert_int_equal(step_run(s, DROP_SOURCE), 0);
    t_fails(step_run(s, UNBLOCK), WSAEINVAL);
    t_fails(step_run(s, DROP), WSAEINVAL);
    t_fails(step_run(s, BLOCK), WSAEINVAL);
    t_fails(step_run(s, DROP_SOURCE), WSAEADDRNOTAVAIL);
    assert_int_equal(step_run(s, ADD), 0);
    t_fails(step_run(s, DROP_SOURCE), WSAEINVAL);
    t_close(s);
}

static void conflicts__options_of_ipv4__by_the_table(void **state)
{
    (void)state;
    conflicts_run(0);
}

static void conflicts__options_of_both_families__by_the_table(void **state)
{
    (void)state;
    conflicts_run(AF_INET);
    conflicts_run(AF_INET6);
}

/* MC-4: on another interface it is another membership. */
static void conflicts__another_interface__none(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    GROUP_REQ req = {.gr_interface = 2};

    (void)state;
    memcpy(&req.gr_group, t_addr(AF_INET, 0), 16);
    memcpy(&((SOCKADDR_IN *)&req.gr_group)->sin_addr, "\357\3\0\3", 4);
    assert_int_equal(set(s, IPPROTO_IP, MCAST_JOIN_GROUP, &req, sizeof req), 0);
    t_fails(set(s, IPPROTO_IP, MCAST_JOIN_GROUP, &req, sizeof req), WSAEADDRNOTAVAIL);
    req.gr_interface = 3;
    assert_int_equal(set(s, IPPROTO_IP, MCAST_JOIN_GROUP, &req, sizeof req), 0);
    req.gr_interface = 99;
    t_fails(set(s, IPPROTO_IP, MCAST_JOIN_GROUP, &req, sizeof req), WSAEADDRNOTAVAIL);
    t_close(s);
}

static void sources__bad_arguments__refused(void **state)
{
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM), stream = t_socket(AF_INET, SOCK_STREAM);
    GROUP_SOURCE_REQ req = {0};

    (void)state;
    t_fails(source(s, IP_ADD_SOURCE_MEMBERSHIP, "\12\3\0\1", OTHER), WSAEADDRNOTAVAIL);  /* no group */
    t_fails(source(s, IP_ADD_SOURCE_MEMBERSHIP, "\357\3\0\1", "\357\1\1\1"), WSAEINVAL); /* no host */
    t_fails(source(s, IP_ADD_SOURCE_MEMBERSHIP, "\357\3\0\1", "\0\0\0\0"), WSAEINVAL);   /* nobody */
    t_fails(source(stream, IP_ADD_SOURCE_MEMBERSHIP, "\357\3\0\1", OTHER), WSAENOPROTOOPT);
    t_fails(set(s, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &req, 11), WSAEFAULT);
    t_fails(set(s, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &req, sizeof req), WSAEINVAL); /* no family */
    t_fails(set(s, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &req, sizeof req - 1), WSAEFAULT);
    t_close(s);
    t_close(stream);
}

/* --- Who hears what -------------------------------------------------------------------- */

static void sources__named__only_they_are_heard(void **state)
{
    static const char group[] = "\357\3\1\1";
    SOCKET s = hearer(0x6001), sender = hearer(0);
    SOCKADDR_IN to = group_addr(group, 0x6001);

    (void)state;
    assert_int_equal(source(s, IP_ADD_SOURCE_MEMBERSHIP, group, OTHER), 0);
    assert_int_equal(t_sendto(sender, "a", 1, &to), 1);
    hears_nothing(s);
    assert_int_equal(source(s, IP_ADD_SOURCE_MEMBERSHIP, group, OWN), 0);
    assert_int_equal(t_sendto(sender, "ab", 2, &to), 2);
    hears(s, 2);
    assert_int_equal(source(s, IP_DROP_SOURCE_MEMBERSHIP, group, OWN), 0);
    assert_int_equal(t_sendto(sender, "abc", 3, &to), 3);
    hears_nothing(s);
    assert_int_equal(member(s, IP_DROP_MEMBERSHIP, group), 0); /* all sources at once */
    assert_int_equal(member(s, IP_ADD_MEMBERSHIP, group), 0);
    assert_int_equal(source(s, IP_BLOCK_SOURCE, group, OWN), 0);
    assert_int_equal(t_sendto(sender, "abcd", 4, &to), 4);
    hears_nothing(s);
    assert_int_equal(source(s, IP_UNBLOCK_SOURCE, group, OWN), 0);
    assert_int_equal(t_sendto(sender, "abcde", 5, &to), 5);
    hears(s, 5);
    t_close(s);
    t_close(sender);
}

/* Sockets of one port each hear what they joined for. */
static void members__one_port__each_by_its_own_filter(void **state)
{
    static const char group[] = "\357\3\1\2";
    SOCKET all = hearer(0x6002), some = hearer(0x6002), none = hearer(0x6002), sender = hearer(0);
    SOCKADDR_IN to = group_addr(group, 0x6002);

    (void)state;
    assert_int_equal(member(all, IP_ADD_MEMBERSHIP, group), 0);
    assert_int_equal(source(some, IP_ADD_SOURCE_MEMBERSHIP, group, OTHER), 0);
    assert_int_equal(t_sendto(sender, "abc", 3, &to), 3);
    hears(all, 3);
    hears_nothing(some);
    hears_nothing(none);
    t_close(all);
    t_close(some);
    t_close(none);
    t_close(sender);
}

/* MC-5, X15: OFF can send to ON, ON cannot send to OFF. */
static void loopback__off__is_the_receivers_choice(void **state)
{
    static const char group[] = "\357\3\1\3";
    SOCKET on = hearer(0x6003), off = hearer(0x6003);
    SOCKADDR_IN to = group_addr(group, 0x6003);

    (void)state;
    assert_int_equal(member(on, IP_ADD_MEMBERSHIP, group), 0);
    assert_int_equal(member(off, IP_ADD_MEMBERSHIP, group), 0);
    assert_int_equal(t_option_get(off, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
    assert_int_equal(t_option_set(off, IPPROTO_IP, IP_MULTICAST_LOOP, 0), 0);
    assert_int_equal(t_sendto(off, "from off", 8, &to), 8);
    hears(on, 8);
    hears_nothing(off);
    assert_int_equal(t_sendto(on, "on", 2, &to), 2);
    hears(on, 2);
    hears_nothing(off);
    t_close(on);
    t_close(off);
}

/* MPT-10: a scope of 0 is heard on this host. */
static void scope__zero__heard_on_the_host(void **state)
{
    static const char group[] = "\357\3\1\4";
    SOCKET s = hearer(0x6004);
    SOCKADDR_IN to = group_addr(group, 0x6004);
    DWORD n, scope = 0;

    (void)state;
    assert_int_equal(member(s, IP_ADD_MEMBERSHIP, group), 0);
    assert_int_equal(t_option_get(s, IPPROTO_IP, IP_MULTICAST_TTL), 1);
    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_MULTICAST_SCOPE, &scope, 4, NULL, 0, &n, NULL, NULL, NULL, &t_err), 0);
    assert_int_equal(t_sendto(s, "host", 4, &to), 4);
    hears(s, 4);
    t_close(s);
}

/* DS-5: a socket of both families is a member of groups of both. */
static void dual_stack__ipv4_group__heard_as_mapped(void **state)
{
    static const char group[] = "\357\3\1\5";
    SOCKET s = t_socket(AF_INET6, SOCK_DGRAM), sender = hearer(0);
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6, .sin6_port = 0x6005};
    SOCKADDR_IN to = group_addr(group, 0x6005);

    (void)state;
    t_fails(member(s, IP_ADD_MEMBERSHIP, group), WSAEINVAL); /* IPv6 only */
    assert_int_equal(t_option_set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(source(s, IP_ADD_SOURCE_MEMBERSHIP, group, OTHER), 0);
    assert_int_equal(t_sendto(sender, "1", 1, &to), 1);
    hears_nothing(s);
    assert_int_equal(source(s, IP_ADD_SOURCE_MEMBERSHIP, group, OWN), 0);
    assert_int_equal(t_sendto(sender, "12", 2, &to), 2);
    hears(s, 2);
    t_close(s);
    t_close(sender);
}

/* --- Whole filters: MC-6 ------------------------------------------------------------------ */

static int filter_ioctl(SOCKET s, DWORD code, void *filter, size_t in, size_t out, DWORD *returned)
{
    return t_spi.lpWSPIoctl(s, code, filter, (DWORD)in, out > 0 ? filter : NULL, (DWORD)out, returned, NULL, NULL, NULL,
                            &t_err);
}

static void filter__ipv4__set_and_got(void **state)
{
    SOCKET s = hearer(0x6011), sender = hearer(0);
    SOCKADDR_IN to = group_addr("\357\3\2\1", 0x6011);
    union {
        IP_MSFILTER filter;
        char room[IP_MSFILTER_SIZE(8)];
    } u = {.filter = {.imsf_fmode = MCAST_INCLUDE, .imsf_numsrc = 2}};
    char *sources = u.room + IP_MSFILTER_SIZE(0);
    DWORD n = 77;

    (void)state;
    memcpy(&u.filter.imsf_multiaddr, &to.sin_addr, 4);
    memcpy(&u.filter.imsf_interface, OWN, 4);
    t_fails(filter_ioctl(s, SIO_GET_MULTICAST_FILTER, &u, sizeof u, sizeof u, &n), WSAEADDRNOTAVAIL); /* no member */
    memcpy(sources, OTHER OWN, 8);
    t_fails(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, IP_MSFILTER_SIZE(2) - 1, 0, &n), WSAEFAULT);
    t_fails(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, 15, 0, &n), WSAEFAULT);
    assert_int_equal(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, IP_MSFILTER_SIZE(2), 0, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(t_sendto(sender, "1", 1, &to), 1);
    hears(s, 1);
    u.filter.imsf_numsrc = 99;
    u.filter.imsf_fmode = 77;
    memset(sources, 0, 8);
    assert_int_equal(filter_ioctl(s, SIO_GET_MULTICAST_FILTER, &u, sizeof u, sizeof u, &n), 0);
    assert_int_equal(n, IP_MSFILTER_SIZE(2));
    assert_int_equal(u.filter.imsf_fmode, MCAST_INCLUDE);
    assert_int_equal(u.filter.imsf_numsrc, 2);
    assert_memory_equal(sources, OTHER OWN, 8);
    /* With room for one: the number of all. */
    memset(sources, 0, 8);
    assert_int_equal(filter_ioctl(s, SIO_GET_MULTICAST_FILTER, &u, sizeof u, IP_MSFILTER_SIZE(1), &n), 0);
    assert_int_equal(n, IP_MSFILTER_SIZE(1));
    assert_int_equal(u.filter.imsf_numsrc, 2);
    assert_memory_equal(sources, OTHER "\0\0\0\0", 8);
    t_fails(filter_ioctl(s, SIO_GET_MULTICAST_FILTER, &u, sizeof u, 15, &n), WSAEFAULT);
    /* The final state, whatever was before. */
    u.filter.imsf_fmode = MCAST_EXCLUDE;
    u.filter.imsf_numsrc = 1;
    memcpy(sources, OWN, 4);
    assert_int_equal(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, IP_MSFILTER_SIZE(1), 0, &n), 0);
    assert_int_equal(t_sendto(sender, "12", 2, &to), 2);
    hears_nothing(s);
    t_fails(source(s, IP_BLOCK_SOURCE, "\357\3\2\1", OWN), WSAEADDRNOTAVAIL);
    u.filter.imsf_fmode = 2;
    t_fails(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, IP_MSFILTER_SIZE(1), 0, &n), WSAEINVAL);
    u.filter.imsf_fmode = MCAST_INCLUDE;
    u.filter.imsf_numsrc = 0x10000000;
    t_fails(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, sizeof u, 0, &n), WSAENOBUFS);
    u.filter.imsf_numsrc = 0; /* to include nobody is to leave */
    assert_int_equal(filter_ioctl(s, SIO_SET_MULTICAST_FILTER, &u, IP_MSFILTER_SIZE(0), 0, &n), 0);
    t_fails(member(s, IP_DROP_MEMBERSHIP, "\357\3\2\1"), WSAEINVAL);
    t_close(s);
    t_close(sender);
}

static void filter__both_families__set_and_got(void **state)
{
    (void)state;
    for (int af = AF_INET; af != 0; af = af == AF_INET ? AF_INET6 : 0) {
        SOCKET s = t_socket(af, SOCK_DGRAM);
        union {
            GROUP_FILTER filter;
            char room[GROUP_FILTER_SIZE(4)];
        } u = {.filter = {.gf_interface = 2, .gf_fmode = MCAST_EXCLUDE, .gf_numsrc = 2}};
        SOCKADDR_STORAGE *sources = u.filter.gf_slist;
        DWORD n;

        memcpy(&u.filter.gf_group, t_addr(af, 0), (size_t)t_addr_size(af));
        memcpy(&sources[0], t_addr(af, 0), (size_t)t_addr_size(af));
        memcpy((char *)sources + sizeof *sources, t_addr(af, 0), (size_t)t_addr_size(af));
        if (af == AF_INET) {
            memcpy(&((SOCKADDR_IN *)&u.filter.gf_group)->sin_addr, "\357\3\2\2", 4);
            memcpy(&((SOCKADDR_IN *)&sources[0])->sin_addr, OTHER, 4);
        } else {
            memcpy(&((SOCKADDR_IN6 *)&u.filter.gf_group)->sin6_addr, "\377\5\0\0\0\0\0\0\0\0\0\0\0\0\3\3", 16);
            memcpy(&((SOCKADDR_IN6 *)&sources[0])->sin6_addr, "\375\0\0\11\0\0\0\0\0\0\0\0\0\0\0\7", 16);
        }
        assert_int_equal(filter_ioctl(s, SIOCSMSFILTER, &u, GROUP_FILTER_SIZE(2), 0, &n), 0);
        u.filter.gf_fmode = MCAST_INCLUDE;
        u.filter.gf_numsrc = 0;
        assert_int_equal(filter_ioctl(s, SIOCGMSFILTER, &u, sizeof u, sizeof u, &n), 0);
        assert_int_equal(n, GROUP_FILTER_SIZE(2));
        assert_int_equal(u.filter.gf_fmode, MCAST_EXCLUDE);
        assert_int_equal(u.filter.gf_numsrc, 2);
        assert_int_equal(((struct sockaddr *)&sources[0])->sa_family, af);
        assert_memory_equal((char *)sources + sizeof *sources, t_addr(af, 0), (size_t)t_addr_size(af));
        t_fails(filter_ioctl(s, SIOCSMSFILTER, &u, GROUP_FILTER_SIZE(2) - 1, 0, &n), WSAEFAULT);
        memset(&u.filter.gf_group, 0, sizeof u.filter.gf_group);
        t_fails(filter_ioctl(s, SIOCSMSFILTER, &u, GROUP_FILTER_SIZE(2), 0, &n), WSAEINVAL);
        t_close(s);
    }
}

/* --- Leaves: slot 18 ------------------------------------------------------------------------ */

/* WSPJOINLEAF-4, MPT-4: JL_BOTH sends to its group and hears it, whoever sends there. */
static void join_leaf__both__sends_and_hears(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS), other = hearer(0);
    SOCKADDR_IN group = group_addr("\357\3\3\1", 0x6021);

    (void)state;
    assert_int_equal(join_leaf(s, &group, JL_BOTH), 0);
    assert_int_equal(t_sendto(other, "group", 5, &group), 5);
    hears(s, 5);
    assert_int_equal(t_send(s, "to all", 6), 6); /* the default destination */
    hears(s, 6);
    t_close(s);
    t_close(other);
}

static void join_leaf__sender_only__hears_nothing(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS), hearing = hearer(0x6022), out = hearer(0);
    SOCKADDR_IN group = group_addr("\357\3\3\2", 0x6022);
    int value;

    (void)state;
    memcpy(&value, OWN, 4);
    assert_int_equal(member(hearing, IP_ADD_MEMBERSHIP, "\357\3\3\2"), 0);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
    assert_int_equal(join_leaf(s, &group, JL_SENDER_ONLY), 0);
    assert_int_equal(t_send(s, "out", 3), 3);
    hears(hearing, 3);
    hears_nothing(s);
    t_fails(member(s, IP_DROP_MEMBERSHIP, "\357\3\3\2"), WSAEINVAL); /* no member */
    t_close(s);
    t_close(hearing);
    t_close(out);
}

static void join_leaf__receiver_only__has_no_destination(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS), out = hearer(0);
    SOCKADDR_IN group = group_addr("\357\3\3\3", 0x6023);

    (void)state;
    assert_int_equal(join_leaf(s, &group, JL_RECEIVER_ONLY), 0);
    assert_int_equal(t_sendto(out, "in", 2, &group), 2);
    hears(s, 2);
    t_fails(t_send(s, "out", 3), WSAENOTCONN);
    t_close(s);
    t_close(out);
}

/* MPT-6, MPT-7, WSPJOINLEAF-2: nonblocking too it is complete at once, and FD_CONNECT says so; each join anew. */
static void join_leaf__nonblocking__fd_connect(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS);
    SOCKADDR_IN group = group_addr("\357\3\3\4", 0x6024), second = group_addr("\357\3\3\5", 0x6024);
    struct t_message message;

    (void)state;
    assert_int_equal(t_spi.lpWSPAsyncSelect(s, (HWND)0x77, 0x500, FD_CONNECT, &t_err), 0); /* nonblocking from here */
    assert_false(t_message_take(&message, 30));
    assert_int_equal(join_leaf(s, &group, JL_BOTH), 0);
    assert_true(t_message_take(&message, 1000));
    assert_int_equal(message.wparam, s);
    assert_int_equal(LOWORD(message.lparam), FD_CONNECT);
    assert_int_equal(HIWORD(message.lparam), 0);
    assert_int_equal(join_leaf(s, &second, JL_RECEIVER_ONLY), 0); /* none is outstanding: no WSAEALREADY */
    assert_true(t_message_take(&message, 1000));
    assert_int_equal(LOWORD(message.lparam), FD_CONNECT);
    t_fails(join_leaf(s, &group, JL_RECEIVER_ONLY), WSAEISCONN);
    assert_false(t_message_take(&message, 30));
    t_close(s);
}

/* WSPJOINLEAF-1, A.18.8: the codes. */
static void join_leaf__failures__codes_of_the_rule(void **state)
{
    SOCKET s = t_socket_flags(AF_INET, SOCK_DGRAM, LEAF_FLAGS), holder = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET six = t_socket_flags(AF_INET6, SOCK_DGRAM, LEAF_FLAGS);
    SOCKADDR_IN group = group_addr("\357\3\3\6", 0x6026), any = {.sin_family = AF_INET, .sin_port = 0x6026};
    SOCKADDR_IN host = group_addr(OWN, 0x6026);
    QOS qos;

    (void)state;
    memset(&qos, 0, sizeof qos);
    t_fails(join_leaf(s, &host, JL_BOTH), WSAEADDRNOTAVAIL); /* no group */
    t_fails(join_leaf(s, &host, JL_SENDER_ONLY), WSAEADDRNOTAVAIL);
    t_fails(join_leaf(s, NULL, JL_BOTH), WSAEFAULT);
    t_fails(join_leaf(six, &group, JL_BOTH), WSAEFAULT); /* too short for its family */
    t_fails(join_leaf(s, &group, 0), WSAEINVAL);
    t_fails(join_leaf(s, &group, 8), WSAEINVAL);
    t_fails(join_leaf((SOCKET)0x7654321, &group, JL_BOTH), WSAENOTSOCK);
    assert_true(t_spi.lpWSPJoinLeaf(s, (struct sockaddr *)&group, 16, NULL, NULL, &qos, NULL, JL_BOTH, &t_err) ==
                INVALID_SOCKET);
    assert_int_equal(t_err, WSAEOPNOTSUPP);
    assert_int_equal(t_spi.lpWSPBind(holder, (struct sockaddr *)&any, 16, &t_err), 0);
    t_fails(join_leaf(s, &group, JL_BOTH), WSAEADDRINUSE); /* an unbound socket is bound to the group's port first */
    t_close(holder);
    assert_int_equal(join_leaf(s, &group, JL_RECEIVER_ONLY), 0);
    t_fails(join_leaf(s, &group, JL_RECEIVER_ONLY), WSAEISCONN);
    t_fails(join_leaf(s, &group, JL_BOTH), WSAEISCONN);
    t_fails(t_send(s, "x", 1), WSAENOTCONN); /* what failed changed nothing */
    t_close(s);
    t_close(six);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicts__options_of_ipv4__by_the_table),
        cmocka_unit_test(conflicts__refused_in_between__as_without_it),
        cmocka_unit_test(conflicts__options_of_both_families__by_the_table),
        cmocka_unit_test(conflicts__another_interface__none),
        cmocka_unit_test(sources__bad_arguments__refused),
        cmocka_unit_test(sources__named__only_they_are_heard),
        cmocka_unit_test(members__one_port__each_by_its_own_filter),
        cmocka_unit_test(loopback__off__is_the_receivers_choice),
        cmocka_unit_test(scope__zero__heard_on_the_host),
        cmocka_unit_test(dual_stack__ipv4_group__heard_as_mapped),
        cmocka_unit_test(filter__ipv4__set_and_got),
        cmocka_unit_test(filter__both_families__set_and_got),
        cmocka_unit_test(join_leaf__both__sends_and_hears),
        cmocka_unit_test(join_leaf__sender_only__hears_nothing),
        cmocka_unit_test(join_leaf__receiver_only__has_no_destination),
        cmocka_unit_test(join_leaf__nonblocking__fd_connect),
        cmocka_unit_test(join_leaf__failures__codes_of_the_rule),
    };
    return cmocka_run_group_tests(tests, t_host_start, t_host_stop);
}
